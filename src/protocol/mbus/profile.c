/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   LVAR | control | spacing | element 1 | element 2 | ...
 *
 *   control   7..6 mode: 0 absolute, 1 increments, 2 decrements, 3 signed differences
 *             5..4 unit of the spacing: s, min, h, d
 *             3..0 coding of an element, as in a DIF (not variable, not special)
 *   spacing   0 array without time | 1..250 units | FD with d: half month |
 *             FE with d: month, h: quarter, min: half year
 *
 * The base value is the record with the same storage, tariff, subunit and VIF/VIFEs (without
 * the profile VIFE); the base time is the date record with the same storage number, of any
 * tariff. Element n has storage number base + n. 1F and 1E go forward in time, 13 goes back,
 * so that there an increment is subtracted. A signed difference is younger minus older.
 *
 * Elements FF.. or 80.. are "no value". For increments the chain is broken from there on: what
 * follows cannot be computed and is absent too, never guessed.
 *
 * Some makers mean absolute values with mode 3: without a base value the elements of mode 3
 * are yielded as they are, with quality DOUBTFUL; those of modes 1 and 2 are absent.
 */
#include "protocol/mbus/profile.h"

#include "protocol/mbus/dib.h"
#include "protocol/mbus/time.h"
#include "protocol/mbus/value.h"

#include <string.h>

enum mode { MODE_ABSOLUTE = 0, MODE_INCREMENTS, MODE_DECREMENTS, MODE_DIFFERENCES };

const char *hyp_mbus_profile_mode_text(uint8_t control)
{
    static const char *const texts[4] = {"absolute values", "increments", "decrements",
                                         "signed differences"};
    return texts[control >> 6];
}

/* VIFEs of a record without the profile VIFE; the two chains are then comparable. */
static bool same_meaning(const struct hyp_mbus_record *container,
                         const struct hyp_mbus_record *other)
{
    size_t at = 0;
    if (container->table != other->table || container->code != other->code) {
        return false;
    }
    for (size_t i = 0; i < container->vife_count; i++) {
        if (hyp_mbus_vife_is_profile(container->vife[i])) {
            continue;
        }
        if (at == other->vife_count || other->vife[at] != container->vife[i]) {
            return false;
        }
        at++;
    }
    return at == other->vife_count && strcmp(container->vif_text, other->vif_text) == 0;
}

static bool is_base_value(const struct hyp_mbus_record *container,
                          const struct hyp_mbus_record *other)
{
    return other->storage == container->storage && other->tariff == container->tariff &&
           other->subunit == container->subunit && other->function == container->function &&
           other->qualifier.what != HYP_MBUS_PROFILE && same_meaning(container, other);
}

static bool is_base_time(const struct hyp_mbus_record *container,
                         const struct hyp_mbus_record *other)
{
    return other->storage == container->storage && other->table == HYP_VIF_PRIMARY &&
           (other->code == 0x6C || other->code == 0x6D) && other->vife_count == 0;
}

/* Takes what one record of the message says about the base. */
static void consider(struct hyp_mbus_profile *profile, const struct hyp_mbus_record *container,
                     const struct hyp_mbus_record *other)
{
    if (!profile->has_base && is_base_value(container, other)) {
        uint8_t field = other->dif & 0x0F;
        profile->has_base = true;
        profile->quality = HYP_QUALITY_INVALID;
        if (hyp_mbus_data_bytes[field] > 0) {
            profile->quality = hyp_mbus_number_decode(other->data, field,
                                                      HYP_MBUS_CODING_SIGNED, &profile->value);
        }
    }
    if (!profile->has_time && is_base_time(container, other) &&
        (other->dif & 0x0F) <= HYP_MBUS_DATA_INT64) {
        profile->has_time = hyp_mbus_time_decode(other->data, other->data_len,
                                                 &profile->time) == HYP_QUALITY_GOOD;
    }
}

static void find_base(struct hyp_mbus_profile *profile, const struct hyp_mbus_record *container,
                      const struct hyp_bytes *message)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record other;
    hyp_mbus_records_init(&records, message->data, message->len, NULL);
    records.keep_containers = true;
    while (hyp_mbus_records_next(&records, &other, NULL) == HYP_OK) {
        if (!other.manufacturer_data) {
            consider(profile, container, &other);
        }
    }
}

size_t hyp_mbus_profile_element_size(const struct hyp_mbus_record *container)
{
    bool variable = (container->dif & 0x0F) == HYP_MBUS_DATA_LVAR && container->lvar <= 0xBF;
    if (!variable || container->data_len <= 2) {
        return 0;
    }
    size_t size = hyp_mbus_data_bytes[container->data[0] & 0x0F];
    return container->data_len - 2u >= size ? size : 0;
}

void hyp_mbus_profile_open(struct hyp_mbus_profile *profile,
                           const struct hyp_mbus_record *container,
                           const struct hyp_bytes *message)
{
    size_t size = hyp_mbus_profile_element_size(container);
    *profile = (struct hyp_mbus_profile){.container = container->offset};
    if (size == 0) {
        return;
    }
    uint8_t control = container->data[0];
    profile->count = (uint8_t)((container->data_len - 2u) / size);
    profile->next = 1;
    profile->mode = control >> 6;
    profile->spacing_unit = control >> 4 & 0x03;
    profile->spacing = container->data[1];
    profile->coding = control & 0x0F;
    for (size_t i = 0; i < container->vife_count; i++) {
        profile->inverse |= container->vife[i] == HYP_MBUS_VIFE_PROFILE_INVERSE;
    }
    find_base(profile, container, message);
    profile->elements = container->data + 2;
}

/* The running value after one more element, or why there is none. */
static void advance(struct hyp_mbus_profile *profile, enum hyp_quality quality,
                    struct hyp_decimal element)
{
    bool absolute = profile->mode == MODE_ABSOLUTE ||
                    (profile->mode == MODE_DIFFERENCES && !profile->has_base);
    if (absolute) {
        profile->value = element;
        profile->quality = quality;
        if (profile->mode == MODE_DIFFERENCES && quality == HYP_QUALITY_GOOD) {
            profile->quality = HYP_QUALITY_DOUBTFUL;
        }
        return;
    }
    if (!profile->has_base || profile->quality != HYP_QUALITY_GOOD ||
        quality != HYP_QUALITY_GOOD || element.digits == INT64_MIN) {
        profile->quality = HYP_QUALITY_NO_VALUE;
        return;
    }
    bool subtract = (profile->mode == MODE_DECREMENTS) != profile->inverse;
    element.digits = subtract ? -element.digits : element.digits;
    if (hyp_decimal_add(profile->value, element, &profile->value) != HYP_OK) {
        profile->quality = HYP_QUALITY_INVALID;
    }
}

static void set_time(const struct hyp_mbus_profile *profile, struct hyp_mbus_record *record)
{
    struct hyp_mbus_step step = {.unit = profile->spacing_unit, .spacing = profile->spacing};
    int count = profile->inverse ? -(int)profile->next : (int)profile->next;
    record->has_time =
        profile->has_time && hyp_mbus_time_step(&profile->time, step, count, &record->time);
}

void hyp_mbus_profile_next(struct hyp_mbus_profile *profile, struct hyp_mbus_record *record,
                           const struct hyp_mbus_scale *scale)
{
    size_t size = hyp_mbus_data_bytes[profile->coding];
    bool signed_elements = profile->mode == MODE_ABSOLUTE || profile->mode == MODE_DIFFERENCES;
    struct hyp_decimal element = {0};
    record->data = profile->elements + (profile->next - 1u) * size;
    record->data_len = (uint16_t)size;
    record->text[0] = '\0';
    record->storage += profile->next;
    record->profile_element = profile->next;
    record->qualifier.what = HYP_MBUS_VALUE;
    set_time(profile, record);
    enum hyp_quality quality = hyp_mbus_number_decode(
        record->data, profile->coding,
        signed_elements ? HYP_MBUS_CODING_SIGNED : HYP_MBUS_CODING_UNSIGNED, &element);
    advance(profile, quality, element);
    record->kind = HYP_VALUE_DECIMAL;
    record->quality = profile->quality;
    if (hyp_quality_is_usable(profile->quality)) {
        hyp_mbus_value_scale(record, profile->value, scale);
        if (record->quality == HYP_QUALITY_GOOD) {
            record->quality = profile->quality;
        }
    }
    if (record->record_error != 0) {
        hyp_mbus_value_apply_error(record);
    }
    if (++profile->next > profile->count) {
        profile->elements = NULL;
    }
}
