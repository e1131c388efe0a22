/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All values of a telegram. Two records that end up with one key are never mixed into one
 * series: the later one moves to a subunit above those a meter can have.
 */
#include "device/generic.h"
#include "device/phase.h"
#include "device/record_value.h"

#include "base/limits.h"
#include "protocol/mbus/fixed.h"

#include <string.h>

/* Subunits from here on mean: the n-th further record with this key in the telegram. */
#define REPEATED_SUBUNIT 0x8000u

/* On the stack and not cleared: a telegram usually fills a tenth of it. */
struct collection {
    size_t count;
    struct hyp_value values[HYP_LIMIT_READING_VALUES];
    uint64_t fault_bits[HYP_LIMIT_READING_VALUES]; /* beside each value */
};

/*
 * Adds a value under a key of its own. Repetitions are counted, also when they look alike
 * today: dropping equal ones would let the third record slip into the series of the second.
 */
static void add_value(struct collection *all, const struct hyp_value *value,
                      uint64_t fault_bits)
{
    struct hyp_value added = *value;
    unsigned repeats = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (hyp_point_key_equal(&all->values[i].key, &added.key)) {
            added.key.subunit = (uint16_t)(REPEATED_SUBUNIT + repeats++);
            i = SIZE_MAX; /* the new key may be taken as well: look from the start */
        }
    }
    if (all->count < HYP_ARRAY_LEN(all->values)) {
        all->fault_bits[all->count] = fault_bits;
        all->values[all->count++] = added;
    }
}

/* Values whose info-code bit says that the sensor behind them is broken. */
static void mark_faults(struct collection *all)
{
    uint64_t active = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct hyp_value *value = &all->values[i];
        if (value->key.name == HYP_NAME_INFO_CODE && value->key.storage == 0 &&
            value->kind == HYP_VALUE_FLAGS && hyp_quality_is_usable(value->quality)) {
            active |= value->flags;
        }
    }
    for (size_t i = 0; i < all->count; i++) {
        if ((all->fault_bits[i] & active) != 0 &&
            hyp_quality_is_usable(all->values[i].quality)) {
            all->values[i].quality = HYP_QUALITY_DEVICE_ERROR;
        }
    }
}

/* Electricity meters that send the power of each phase and no total. */
static void add_total_power(struct collection *all, uint8_t medium)
{
    struct hyp_value total;
    if (hyp_medium_class_of(medium) == HYP_MEDIUM_CLASS_ELECTRICITY &&
        hyp_phase_total(all->values, all->count, &total)) {
        add_value(all, &total, 0);
    }
}

static void add_status(struct collection *all, const struct hyp_telegram *telegram)
{
    if (telegram->has_status) {
        struct hyp_value status = {.key = {.name = HYP_NAME_STATUS},
                                   .kind = HYP_VALUE_FLAGS,
                                   .quality = HYP_QUALITY_GOOD,
                                   .flags = telegram->status};
        add_value(all, &status, 0);
    }
}

static struct hyp_civil find_meter_time(const struct collection *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct hyp_value *value = &all->values[i];
        if (value->key.name == HYP_NAME_METER_TIME && value->key.storage == 0 &&
            value->kind == HYP_VALUE_CIVIL && hyp_quality_is_usable(value->quality)) {
            return value->civil;
        }
    }
    return (struct hyp_civil){0};
}

static enum hyp_status take_record(struct hyp_draft *draft, struct collection *all,
                                   struct hyp_error *err)
{
    enum hyp_status status = hyp_draft_value(draft);
    if (status == HYP_OK) {
        add_value(all, draft->value, draft->field == NULL ? 0 : draft->field->fault_bits);
    } else if (status != HYP_NOT_FOUND) {
        return hyp_error_set(err, status, -1, "no memory for the values of a telegram");
    }
    for (size_t at = 0; hyp_draft_part(draft, &at) == HYP_OK;) {
        add_value(all, draft->value, draft->field->fault_bits);
    }
    return HYP_OK;
}

static enum hyp_status walk_records(const struct hyp_draft *common, struct collection *all,
                                    struct hyp_error *err)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    struct hyp_draft draft = *common;
    struct hyp_value value;
    draft.value = &value;
    hyp_mbus_records_init(&records, draft.telegram->data, draft.telegram->data_len, NULL);
    records.msb_first = !draft.telegram->lsb_first;
    draft.record = &record;
    for (;;) {
        enum hyp_status status = hyp_mbus_records_next(&records, &record, err);
        if (status != HYP_OK) {
            return status == HYP_NOT_FOUND ? HYP_OK : status;
        }
        status = take_record(&draft, all, err);
        if (status != HYP_OK) {
            return status;
        }
    }
}

/* The two counters of the old fixed data structure. */
static enum hyp_status walk_counters(const struct hyp_draft *common, struct collection *all,
                                     struct hyp_error *err)
{
    struct hyp_mbus_record records[2];
    size_t count = 0;
    const struct hyp_telegram *telegram = common->telegram;
    struct hyp_draft draft = *common;
    struct hyp_value value;
    draft.value = &value;
    enum hyp_status status = hyp_mbus_fixed_decode(
        telegram->data, telegram->data_len, !telegram->lsb_first, NULL, records, &count, err);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        draft.record = &records[i];
        status = take_record(&draft, all, err);
    }
    return status;
}

enum hyp_status hyp_device_values(const struct hyp_library *library,
                                  const struct hyp_profile *profile,
                                  const struct hyp_telegram *telegram, struct hyp_arena *arena,
                                  struct hyp_value **ret_values, size_t *ret_count,
                                  struct hyp_civil *ret_meter_time, struct hyp_error *err)
{
    struct collection all;
    all.count = 0;
    struct hyp_draft draft = {
        .profile = profile != NULL ? profile : hyp_library_match(library, &telegram->meter),
        .telegram = telegram,
        .arena = arena,
    };
    add_status(&all, telegram);
    enum hyp_status status = HYP_OK;
    if (telegram->content == HYP_CONTENT_RECORDS) {
        status = walk_records(&draft, &all, err);
    } else if (telegram->content == HYP_CONTENT_FIXED) {
        status = walk_counters(&draft, &all, err);
    } else if (telegram->content == HYP_CONTENT_MANUFACTURER) {
        status = hyp_error_set(err, HYP_UNSUPPORTED, -1,
                               "the content is of the manufacturer's own form (CI %02X)",
                               telegram->ci);
    }
    mark_faults(&all);
    add_total_power(&all, telegram->meter.medium);
    struct hyp_value *values =
        hyp_arena_alloc_array(arena, HYP_MAX(all.count, 1), sizeof(*values));
    if (values == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory for the values of a telegram");
    }
    memcpy(values, all.values, all.count * sizeof(*values));
    *ret_values = values;
    *ret_count = all.count;
    *ret_meter_time = find_meter_time(&all);
    return status;
}
