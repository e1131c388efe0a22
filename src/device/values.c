/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From records to values: a profile's rule gives the name, else generic naming does; the unit
 * is brought to its family's canonical one, which moves the decimal point and keeps every
 * digit.
 *
 * Two records that end up with one key are never mixed into one series: the later one moves to
 * a subunit above those a meter can have.
 */
#include "device/generic.h"
#include "device/phase.h"
#include "device/profile.h"

#include "base/limits.h"
#include "protocol/mbus/fixed.h"

#include <string.h>

/* Subunits from here on mean: the n-th further record with this key in the telegram. */
#define REPEATED_SUBUNIT 0x8000u

/* One record on its way to a value. */
struct draft {
    const struct hyp_profile *profile;
    const struct hyp_telegram *telegram;
    const struct hyp_mbus_record *record;
    struct hyp_arena *arena;
    const struct hyp_field *field; /* the rule that fits, or NULL */
    struct hyp_value *value;       /* where it is made: copying it would cost as much again */
};

/* --- rules --- */

static bool span_has(const struct hyp_span *span, uint64_t number)
{
    return number >= (uint64_t)span->first && number <= (uint64_t)span->last;
}

static bool vib_fits(const struct hyp_field *field, const struct draft *draft)
{
    const struct hyp_mbus_record *record = draft->record;
    if (record->vib_len != field->vib.len) {
        return false;
    }
    size_t at = (size_t)record->offset + record->dib_len;
    return at + field->vib.len <= draft->telegram->data_len &&
           memcmp(draft->telegram->data + at, field->vib.data, field->vib.len) == 0;
}

static bool field_fits(const struct hyp_field *field, const struct draft *draft)
{
    const struct hyp_mbus_record *record = draft->record;
    if (field->vib.len > 0 && !vib_fits(field, draft)) {
        return false;
    }
    if (field->generic != HYP_ANY && field->generic != (int)draft->value->key.name) {
        return false;
    }
    return (field->function == HYP_ANY || field->function == (int)record->function) &&
           span_has(&field->storage, record->storage) &&
           span_has(&field->tariff, record->tariff) &&
           span_has(&field->subunit, record->subunit);
}

static const struct hyp_field *find_field(const struct draft *draft)
{
    for (size_t i = 0; i < draft->profile->field_count; i++) {
        if (field_fits(&draft->profile->fields[i], draft)) {
            return &draft->profile->fields[i];
        }
    }
    return NULL;
}

static void apply_key(struct draft *draft)
{
    const struct hyp_field *field = draft->field;
    struct hyp_point_key *key = &draft->value->key;
    key->name = (uint16_t)field->name;
    if (field->vib.len > 0) {
        key->subunit = draft->record->subunit; /* the name tells what the VIF means */
    }
    if (field->set_function != HYP_ANY) {
        key->function = (uint8_t)field->set_function;
    }
    if (field->set_storage != HYP_ANY) {
        key->storage = (uint64_t)field->set_storage;
    }
    if (field->set_tariff != HYP_ANY) {
        key->tariff = (uint32_t)field->set_tariff;
    }
    if (field->set_subunit != HYP_ANY) {
        key->subunit = (uint16_t)field->set_subunit;
    }
}

/* --- payload --- */

/* Bytes of a record as hex, most significant first; longer ones are cut to what a text holds.
 */
static enum hyp_status set_hex_text(struct draft *draft)
{
    char memory[HYP_LIMIT_VALUE_TEXT];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    size_t len = HYP_MIN((size_t)draft->record->data_len, sizeof(memory) / 2);
    for (size_t i = len; i > 0; i--) {
        hyp_buf_append_hex(&text, draft->record->data + i - 1, 1);
    }
    const char *copy = hyp_arena_copy_str(draft->arena, hyp_buf_view(&text));
    if (copy == NULL) {
        return HYP_NO_MEMORY;
    }
    draft->value->kind = HYP_VALUE_TEXT;
    draft->value->text = (struct hyp_str){.ptr = copy, .len = text.len};
    draft->value->quality = HYP_QUALITY_GOOD;
    return HYP_OK;
}

static void set_raw_number(struct draft *draft, bool is_signed)
{
    const struct hyp_mbus_record *record = draft->record;
    uint64_t raw = hyp_mbus_record_raw(record);
    unsigned width = 8u * HYP_MIN(record->data_len, 8u);
    draft->value->kind = HYP_VALUE_DECIMAL;
    draft->value->unit = HYP_UNIT_NONE;
    draft->value->quality = HYP_QUALITY_GOOD;
    if (is_signed && width > 0 && width < 64 && (raw >> (width - 1) & 1u) != 0) {
        raw |= UINT64_MAX << width;
    } else if (!is_signed && raw > INT64_MAX) {
        draft->value->quality = HYP_QUALITY_OVERFLOW;
        return;
    }
    draft->value->decimal = (struct hyp_decimal){.digits = (int64_t)raw};
}

static void set_raw_bcd(struct draft *draft)
{
    uint64_t raw = hyp_mbus_record_raw(draft->record);
    int64_t digits = 0;
    draft->value->kind = HYP_VALUE_DECIMAL;
    draft->value->unit = HYP_UNIT_NONE;
    draft->value->quality = HYP_QUALITY_GOOD;
    for (int shift = 60; shift >= 0; shift -= 4) {
        unsigned nibble = (unsigned)(raw >> shift & 15u);
        if (nibble > 9) {
            draft->value->quality = HYP_QUALITY_INVALID;
            return;
        }
        digits = digits * 10 + nibble;
    }
    draft->value->decimal = (struct hyp_decimal){.digits = digits};
}

/* Texts of fixed width are filled up with blanks; those are no part of the value. */
static enum hyp_status copy_text(struct draft *draft)
{
    struct hyp_str text = hyp_str_trim(hyp_str_from(draft->record->text));
    text.len = HYP_MIN(text.len, (size_t)HYP_LIMIT_VALUE_TEXT);
    const char *copy = hyp_arena_copy_str(draft->arena, text);
    if (copy == NULL) {
        return HYP_NO_MEMORY;
    }
    draft->value->text = (struct hyp_str){.ptr = copy, .len = text.len};
    return HYP_OK;
}

/* As the record layer decoded it; bytes without a standard meaning stay visible as hex. */
static enum hyp_status set_payload(struct draft *draft)
{
    const struct hyp_mbus_record *record = draft->record;
    struct hyp_value *value = draft->value;
    value->kind = record->kind;
    value->unit = record->unit;
    value->quality = record->quality;
    switch (record->kind) {
    case HYP_VALUE_UNSET:
        return record->quality == HYP_QUALITY_GOOD && record->data_len > 0 ? set_hex_text(draft)
                                                                           : HYP_OK;
    case HYP_VALUE_DECIMAL: value->decimal = record->decimal; return HYP_OK;
    case HYP_VALUE_CIVIL: value->civil = record->civil; return HYP_OK;
    case HYP_VALUE_FLAGS: value->flags = record->flags; return HYP_OK;
    case HYP_VALUE_TEXT: return copy_text(draft);
    }
    return HYP_OK;
}

static enum hyp_status set_payload_as(struct draft *draft, enum hyp_field_form form)
{
    switch (form) {
    case HYP_FORM_RECORD: break;
    case HYP_FORM_HEX: return set_hex_text(draft);
    case HYP_FORM_UNSIGNED: set_raw_number(draft, false); return HYP_OK;
    case HYP_FORM_SIGNED: set_raw_number(draft, true); return HYP_OK;
    case HYP_FORM_BCD: set_raw_bcd(draft); return HYP_OK;
    case HYP_FORM_FLAGS:
        draft->value->kind = HYP_VALUE_FLAGS;
        draft->value->unit = HYP_UNIT_NONE;
        draft->value->quality = HYP_QUALITY_GOOD;
        draft->value->flags = hyp_mbus_record_raw(draft->record);
        return HYP_OK;
    }
    return set_payload(draft);
}

static bool is_sentinel(const struct hyp_field *field, const struct hyp_value *value)
{
    for (size_t i = 0; i < field->invalid_count; i++) {
        if (value->kind == HYP_VALUE_DECIMAL &&
            hyp_decimal_compare(value->decimal, field->invalid[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What a rule does to the payload: sentinels, scale, unit. */
static void apply_meaning(struct draft *draft)
{
    const struct hyp_field *field = draft->field;
    struct hyp_value *value = draft->value;
    if (is_sentinel(field, value)) {
        value->quality = HYP_QUALITY_NO_VALUE;
        return;
    }
    bool scaled = field->scale.digits != 1 || field->scale.exp10 != 0;
    if (scaled && value->kind == HYP_VALUE_DECIMAL &&
        hyp_decimal_multiply(value->decimal, field->scale, &value->decimal) != HYP_OK) {
        value->quality = HYP_QUALITY_OVERFLOW;
    }
    if (field->unit != HYP_ANY && value->kind == HYP_VALUE_DECIMAL) {
        value->unit = (enum hyp_unit)field->unit;
    }
}

static void normalise(struct hyp_value *value)
{
    struct hyp_decimal unused = {0};
    bool usable = value->kind == HYP_VALUE_DECIMAL && hyp_quality_is_usable(value->quality);
    struct hyp_decimal *decimal = usable ? &value->decimal : &unused;
    if (hyp_unit_normalise(decimal, &value->unit) != HYP_OK) {
        value->quality = HYP_QUALITY_OVERFLOW;
    }
}

/* Manufacturer data, containers whose elements follow, and secrets give no value. */
static bool is_value(const struct hyp_mbus_record *record)
{
    bool secret = record->table == HYP_VIF_FD &&
                  ((record->code >= 0x12 && record->code <= 0x16) || record->code == 0x19);
    bool container = record->qualifier.what == HYP_MBUS_PROFILE && record->profile_element == 0;
    return !record->manufacturer_data && !secret && !container;
}

/* A name nobody knows still shows which VIF it was. */
static enum hyp_status label_unknown(struct draft *draft)
{
    const struct hyp_mbus_record *record = draft->record;
    char memory[64];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    hyp_buf_append_text(&text, "VIF ");
    size_t at = (size_t)record->offset + record->dib_len;
    if (at + record->vib_len <= draft->telegram->data_len) {
        hyp_buf_append_hex(&text, draft->telegram->data + at, HYP_MIN(record->vib_len, 24));
    }
    const char *copy = hyp_arena_copy_str(draft->arena, hyp_buf_view(&text));
    draft->value->label = hyp_str_from(copy);
    return copy == NULL ? HYP_NO_MEMORY : HYP_OK;
}

static enum hyp_status set_label(struct draft *draft)
{
    enum hyp_name name = (enum hyp_name)draft->value->key.name;
    const struct hyp_field *field = draft->field;
    if (field != NULL && (field->label != NULL || field->vib.len > 0)) {
        /* Who names an exact VIF knows what it is; words for the VIF would only mislead. */
        draft->value->label = hyp_str_from(field->label);
        return HYP_OK;
    }
    if (name == HYP_NAME_UNKNOWN) {
        return label_unknown(draft);
    }
    return hyp_generic_label(draft->record, name, draft->arena, &draft->value->label);
}

static enum hyp_status make_value(struct draft *draft)
{
    if (!is_value(draft->record)) {
        return HYP_NOT_FOUND;
    }
    *draft->value = (struct hyp_value){.unit = HYP_UNIT_NONE};
    hyp_generic_key(draft->record, draft->telegram->meter.medium, &draft->value->key);
    draft->field = find_field(draft);
    enum hyp_field_form form = HYP_FORM_RECORD;
    if (draft->field != NULL) {
        if (draft->field->ignore) {
            return HYP_NOT_FOUND;
        }
        form = (enum hyp_field_form)draft->field->form;
        apply_key(draft);
    }
    enum hyp_status status = set_payload_as(draft, form);
    if (status != HYP_OK) {
        return status;
    }
    if (draft->field != NULL) {
        apply_meaning(draft);
    }
    normalise(draft->value);
    return set_label(draft);
}

enum hyp_status hyp_device_record_value(const struct hyp_profile *profile,
                                        const struct hyp_telegram *telegram,
                                        const struct hyp_mbus_record *record,
                                        struct hyp_arena *arena, struct hyp_value *ret_value)
{
    struct draft draft = {.profile = profile,
                          .telegram = telegram,
                          .record = record,
                          .arena = arena,
                          .value = ret_value};
    return make_value(&draft);
}

/* --- all values of a telegram --- */

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

static enum hyp_status take_record(struct draft *draft, struct collection *all,
                                   struct hyp_error *err)
{
    enum hyp_status status = make_value(draft);
    if (status == HYP_OK) {
        add_value(all, draft->value, draft->field == NULL ? 0 : draft->field->fault_bits);
    } else if (status != HYP_NOT_FOUND) {
        return hyp_error_set(err, status, -1, "no memory for the values of a telegram");
    }
    return HYP_OK;
}

static enum hyp_status walk_records(const struct draft *common, struct collection *all,
                                    struct hyp_error *err)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    struct draft draft = *common;
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
static enum hyp_status walk_counters(const struct draft *common, struct collection *all,
                                     struct hyp_error *err)
{
    struct hyp_mbus_record records[2];
    size_t count = 0;
    const struct hyp_telegram *telegram = common->telegram;
    struct draft draft = *common;
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
    struct draft draft = {
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
