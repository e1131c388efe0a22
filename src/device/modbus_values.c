/* SPDX-License-Identifier: Apache-2.0 */
/* What a Modbus profile asks for, and what it makes of the answers. */
#include "base/bytes.h"
#include "base/limits.h"
#include "device/profile.h"
#include "protocol/modbus/frame.h"

#include <stdlib.h>
#include <string.h>

/* --- requests --- */

/* Does a poll of `class` include points of class `point`? live < normal < daily. */
static bool class_includes(enum hyp_poll_class class, int point)
{
    static const int order[] = {
        [HYP_POLL_LIVE] = 0, [HYP_POLL_NORMAL] = 1, [HYP_POLL_DAILY] = 2};
    return order[point] <= order[class];
}

static uint16_t address_count(const struct hyp_register *point)
{
    return hyp_modbus_is_bits((uint8_t)point->read) ? 1 : (uint16_t)point->words;
}

size_t hyp_profile_modbus_blocks(const struct hyp_profile *profile,
                                 enum hyp_poll_class poll_class,
                                 const struct hyp_modbus_hole *holes, size_t hole_count,
                                 struct hyp_modbus_block *out, size_t capacity)
{
    struct hyp_modbus_block wanted[HYP_LIMIT_PROFILE_FIELDS];
    size_t count = 0;
    for (size_t i = 0; i < profile->register_count; i++) {
        const struct hyp_register *point = &profile->registers[i];
        if (class_includes(poll_class, point->poll)) {
            wanted[count++] = (struct hyp_modbus_block){.function = (uint8_t)point->read,
                                                        .start = (uint16_t)point->address,
                                                        .count = address_count(point)};
        }
    }
    struct hyp_modbus_merge_rules rules = {
        .max_registers = (uint16_t)profile->modbus.max_registers,
        .max_gap = (uint16_t)profile->modbus.max_gap,
    };
    return hyp_modbus_blocks_merge(wanted, count, &rules, holes, hole_count, out, capacity);
}

/* --- snapshots --- */

struct entry {
    uint8_t function;
    uint16_t start;
    uint16_t count;
    const uint8_t *data;
};

static enum hyp_status next_entry(struct hyp_bytes *bytes, struct entry *entry,
                                  struct hyp_error *err)
{
    size_t at = bytes->pos;
    hyp_bytes_skip(bytes, 1);
    entry->function = hyp_bytes_u8(bytes);
    entry->start = hyp_bytes_be16(bytes);
    entry->count = hyp_bytes_be16(bytes);
    entry->data = hyp_bytes_take(bytes, hyp_modbus_data_bytes(entry->function, entry->count));
    if (hyp_bytes_failed(bytes) || !hyp_modbus_is_read(entry->function) || entry->count == 0) {
        return hyp_error_set(err, HYP_MALFORMED, (int64_t)at,
                             "no whole block of registers from byte %zu on", at);
    }
    return HYP_OK;
}

static bool entry_holds(const struct entry *entry, uint8_t function, uint16_t start,
                        uint16_t count)
{
    return entry->data != NULL && entry->function == function && start >= entry->start &&
           (uint32_t)start + count <= (uint32_t)entry->start + entry->count;
}

/* The bytes of `count` addresses from `start` on, if one entry holds them all. */
static bool find_data(const uint8_t *snapshot, size_t len, uint8_t function, uint16_t start,
                      uint16_t count, struct entry *ret_entry)
{
    struct hyp_bytes bytes = hyp_bytes_from(snapshot, len);
    while (hyp_bytes_left(&bytes) > 0) {
        struct entry entry;
        if (next_entry(&bytes, &entry, NULL) != HYP_OK) {
            return false;
        }
        if (entry_holds(&entry, function, start, count)) {
            *ret_entry = entry;
            return true;
        }
    }
    return false;
}

/* --- values --- */

static bool is_sentinel(const struct hyp_register *point, struct hyp_decimal raw)
{
    for (size_t i = 0; i < point->invalid_count; i++) {
        if (hyp_decimal_compare(raw, point->invalid[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* raw x scale + offset, in the canonical unit; the quality says why not. */
static enum hyp_quality scale_value(const struct hyp_register *point, struct hyp_decimal raw,
                                    struct hyp_value *value)
{
    struct hyp_decimal scaled;
    if (is_sentinel(point, raw)) {
        return HYP_QUALITY_NO_VALUE;
    }
    bool plain = point->scale.digits == 1 && point->scale.exp10 == 0;
    if (plain) {
        scaled = raw;
    } else if (hyp_decimal_multiply(raw, point->scale, &scaled) != HYP_OK) {
        return HYP_QUALITY_OVERFLOW;
    }
    if (point->offset.digits != 0 &&
        hyp_decimal_add(scaled, point->offset, &scaled) != HYP_OK) {
        return HYP_QUALITY_OVERFLOW;
    }
    if ((point->has_min && hyp_decimal_compare(scaled, point->min) < 0) ||
        (point->has_max && hyp_decimal_compare(scaled, point->max) > 0)) {
        return HYP_QUALITY_INVALID;
    }
    value->decimal = scaled;
    return hyp_unit_normalise(&value->decimal, &value->unit) == HYP_OK ? HYP_QUALITY_GOOD
                                                                       : HYP_QUALITY_OVERFLOW;
}

/*
 * Most registers of most devices are one plain word with a scale. Does the same as the general
 * way for these, at a fraction of the price.
 */
static bool set_plain_word(const struct hyp_register *point, const uint8_t *data,
                           struct hyp_value *value)
{
    bool is_signed = point->type == HYP_MODBUS_TYPE_INT16;
    bool plain = (is_signed || point->type == HYP_MODBUS_TYPE_UINT16) &&
                 (point->order == HYP_MODBUS_ABCD || point->order == HYP_MODBUS_ORDER_UNSET) &&
                 point->invalid_count == 0 && point->offset.digits == 0 && !point->has_min &&
                 !point->has_max;
    if (!plain) {
        return false;
    }
    uint16_t word = (uint16_t)(data[0] << 8 | data[1]);
    int64_t raw = is_signed ? (int16_t)word : word;
    int shift = 0;
    int64_t digits;
    enum hyp_unit unit = point->unit == HYP_ANY ? HYP_UNIT_NONE : (enum hyp_unit)point->unit;
    enum hyp_unit canonical = hyp_unit_canonical(unit, &shift);
    if (__builtin_mul_overflow(raw, point->scale.digits, &digits) ||
        hyp_decimal_shift((struct hyp_decimal){.digits = digits, .exp10 = point->scale.exp10},
                          shift, &value->decimal) != HYP_OK) {
        return false;
    }
    value->kind = HYP_VALUE_DECIMAL;
    value->quality = HYP_QUALITY_GOOD;
    value->unit = canonical;
    return true;
}

static void set_number(const struct hyp_register *point, const uint8_t *data,
                       struct hyp_value *value)
{
    struct hyp_decimal raw;
    value->kind = HYP_VALUE_DECIMAL;
    value->unit = point->unit == HYP_ANY ? HYP_UNIT_NONE : (enum hyp_unit)point->unit;
    enum hyp_status status = hyp_modbus_register_number(
        (enum hyp_modbus_type)point->type, (enum hyp_modbus_order)point->order, data, &raw);
    bool is_float =
        point->type == HYP_MODBUS_TYPE_FLOAT32 || point->type == HYP_MODBUS_TYPE_FLOAT64;
    if (status == HYP_OK) {
        value->quality = scale_value(point, raw, value);
    } else {
        /* NaN and BCD nibbles above 9 are no numbers; integers beyond 63 bits are too large. */
        value->quality =
            status == HYP_IMPLAUSIBLE && !is_float ? HYP_QUALITY_OVERFLOW : HYP_QUALITY_INVALID;
    }
    if (!hyp_quality_is_usable(value->quality)) {
        /* Also an absent value has its family's canonical unit. */
        int exp10 = 0;
        value->unit = hyp_unit_canonical(value->unit, &exp10);
    }
}

static void set_flags(const struct hyp_register *point, const uint8_t *data,
                      struct hyp_value *value)
{
    uint64_t bits = hyp_modbus_register_bits((enum hyp_modbus_type)point->type,
                                             (enum hyp_modbus_order)point->order, data);
    value->kind = HYP_VALUE_FLAGS;
    value->quality = HYP_QUALITY_GOOD;
    value->flags = bits;
}

/* One bit or a few are a state: a small number. */
static void set_bits(struct hyp_value *value, unsigned bits)
{
    value->kind = HYP_VALUE_DECIMAL;
    value->quality = HYP_QUALITY_GOOD;
    value->decimal = (struct hyp_decimal){.digits = bits};
}

static enum hyp_status set_text(const struct hyp_register *point, const uint8_t *data,
                                struct hyp_arena *arena, struct hyp_value *value)
{
    char memory[HYP_LIMIT_VALUE_TEXT];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    hyp_modbus_register_text((enum hyp_modbus_order)point->order, data, (size_t)point->words,
                             &text);
    const char *copy = hyp_arena_copy_str(arena, hyp_buf_view(&text));
    value->kind = HYP_VALUE_TEXT;
    value->quality = text.len > 0 ? HYP_QUALITY_GOOD : HYP_QUALITY_NO_VALUE;
    value->text = hyp_str_from(copy);
    return copy == NULL ? HYP_NO_MEMORY : HYP_OK;
}

static void set_clock(const struct hyp_register *point, const uint8_t *data,
                      struct hyp_value *value)
{
    uint16_t parts[HYP_CLOCK_SKIP + 1] = {[HYP_CLOCK_MONTH] = 1, [HYP_CLOCK_DAY] = 1};
    struct hyp_bytes bytes = hyp_bytes_from(data, 2 * (size_t)point->words);
    bool has_time = false;
    bool has_second = false;
    bool in_range = true;
    for (int64_t i = 0; i < point->words; i++) {
        uint8_t part = point->clock_parts[i];
        parts[part] = hyp_bytes_be16(&bytes);
        has_time |= part == HYP_CLOCK_HOUR;
        has_second |= part == HYP_CLOCK_SECOND;
        in_range &= part == HYP_CLOCK_YEAR || part == HYP_CLOCK_SKIP || parts[part] < 100;
    }
    value->kind = HYP_VALUE_CIVIL;
    value->civil = (struct hyp_civil){
        .year = (int16_t)(parts[HYP_CLOCK_YEAR] < 100 ? parts[HYP_CLOCK_YEAR] + 2000
                                                      : parts[HYP_CLOCK_YEAR] & 0x3FFF),
        .month = (uint8_t)parts[HYP_CLOCK_MONTH],
        .day = (uint8_t)parts[HYP_CLOCK_DAY],
        .hour = (uint8_t)parts[HYP_CLOCK_HOUR],
        .minute = (uint8_t)parts[HYP_CLOCK_MINUTE],
        .second = (uint8_t)parts[HYP_CLOCK_SECOND],
        .precision = (uint8_t)(has_second ? HYP_CIVIL_SECOND
                                          : (has_time ? HYP_CIVIL_MINUTE : HYP_CIVIL_DATE)),
    };
    value->quality =
        in_range && hyp_civil_is_valid(&value->civil) ? HYP_QUALITY_GOOD : HYP_QUALITY_INVALID;
}

static enum hyp_status set_payload(const struct hyp_register *point, const uint8_t *data,
                                   struct hyp_arena *arena, struct hyp_value *value)
{
    if (point->is_clock) {
        set_clock(point, data, value);
        return HYP_OK;
    }
    if (set_plain_word(point, data, value)) {
        return HYP_OK;
    }
    switch ((enum hyp_modbus_type)point->type) {
    case HYP_MODBUS_TYPE_STRING: return set_text(point, data, arena, value);
    case HYP_MODBUS_TYPE_FLAGS16:
    case HYP_MODBUS_TYPE_FLAGS32: set_flags(point, data, value); return HYP_OK;
    case HYP_MODBUS_TYPE_BIT:
        set_bits(value, (unsigned)hyp_modbus_register_bits(HYP_MODBUS_TYPE_BIT, HYP_MODBUS_ABCD,
                                                           data) >>
                                point->bit &
                            ((1u << point->width) - 1));
        return HYP_OK;
    default: set_number(point, data, value); return HYP_OK;
    }
}

static enum hyp_status point_value(const struct hyp_register *point, const struct entry *entry,
                                   struct hyp_arena *arena, struct hyp_value *value)
{
    *value = (struct hyp_value){
        .key =
            {
                  .name = (uint16_t)point->name,
                  .function = (uint8_t)point->point_function,
                  .storage = (uint64_t)point->storage,
                  .tariff = (uint32_t)point->tariff,
                  .subunit = (uint16_t)point->subunit,
                  },
        .label = hyp_str_from(point->label),
    };
    size_t at = (size_t)point->address - entry->start;
    if (hyp_modbus_is_bits(entry->function)) {
        set_bits(value, (unsigned)entry->data[at / 8] >> (at % 8) & 1u);
        return HYP_OK;
    }
    return set_payload(point, entry->data + 2 * at, arena, value);
}

static enum hyp_status check_snapshot(const uint8_t *snapshot, size_t len,
                                      struct hyp_error *err)
{
    struct hyp_bytes bytes = hyp_bytes_from(snapshot, len);
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && hyp_bytes_left(&bytes) > 0) {
        struct entry entry;
        status = next_entry(&bytes, &entry, err);
    }
    return status;
}

enum hyp_status hyp_device_modbus_values(const struct hyp_profile *profile,
                                         const uint8_t *snapshot, size_t len,
                                         struct hyp_arena *arena, struct hyp_value **ret_values,
                                         size_t *ret_count, struct hyp_error *err)
{
    enum hyp_status status = check_snapshot(snapshot, len, err);
    if (status != HYP_OK) {
        return status;
    }
    size_t capacity = HYP_MAX(HYP_MIN(profile->register_count, HYP_LIMIT_READING_VALUES), 1);
    struct hyp_value *values = hyp_arena_alloc_array(arena, capacity, sizeof(*values));
    size_t count = 0;
    struct entry entry = {0}; /* neighbours are mostly in the same one */
    for (size_t i = 0; values != NULL && i < profile->register_count && count < capacity; i++) {
        const struct hyp_register *point = &profile->registers[i];
        uint8_t function = (uint8_t)point->read;
        uint16_t start = (uint16_t)point->address;
        uint16_t words = address_count(point);
        if (!entry_holds(&entry, function, start, words) &&
            !find_data(snapshot, len, function, start, words, &entry)) {
            continue;
        }
        status = point_value(point, &entry, arena, &values[count++]);
        if (status != HYP_OK) {
            break;
        }
    }
    if (values == NULL || status != HYP_OK) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory for the values of a snapshot");
    }
    *ret_values = values;
    *ret_count = count;
    return HYP_OK;
}

/* --- words of states --- */

static bool is_point(const struct hyp_register *point, const struct hyp_point_key *key)
{
    return point->name == (int)key->name && point->point_function == (int)key->function &&
           (uint64_t)point->storage == key->storage && point->tariff == (int64_t)key->tariff &&
           point->subunit == (int64_t)key->subunit;
}

const char *hyp_profile_state_text(const struct hyp_profile *profile,
                                   const struct hyp_point_key *key, int64_t code)
{
    for (size_t i = 0; i < profile->register_count; i++) {
        const struct hyp_register *point = &profile->registers[i];
        for (size_t k = 0; is_point(point, key) && k < point->state_count; k++) {
            if (point->states[k].value == code) {
                return point->states[k].text;
            }
        }
    }
    return NULL;
}

/* --- telling families apart --- */

size_t hyp_library_detect_blocks(const struct hyp_library *library,
                                 struct hyp_modbus_block *out, size_t capacity)
{
    struct hyp_modbus_block wanted[HYP_LIMIT_PROFILE_FIELDS];
    size_t count = 0;
    for (size_t i = 0; i < hyp_library_count(library); i++) {
        const struct hyp_modbus_profile *modbus = &hyp_library_at(library, i)->modbus;
        for (size_t k = 0; k < modbus->detect_count && count < HYP_ARRAY_LEN(wanted); k++) {
            wanted[count++] =
                (struct hyp_modbus_block){.function = (uint8_t)modbus->detects[k].read,
                                          .start = (uint16_t)modbus->detects[k].address,
                                          .count = 1};
        }
    }
    /* No gaps: devices of other families may refuse any address they do not have. */
    struct hyp_modbus_merge_rules rules = {.max_registers = HYP_MODBUS_READ_REGISTERS_MAX};
    return hyp_modbus_blocks_merge(wanted, count, &rules, NULL, 0, out, capacity);
}

static bool detect_fits(const struct hyp_detect *detect, const uint8_t *snapshot, size_t len)
{
    struct entry entry;
    uint16_t address = (uint16_t)detect->address;
    if (!find_data(snapshot, len, (uint8_t)detect->read, address, 1, &entry)) {
        return false;
    }
    const uint8_t *data = entry.data + 2 * (size_t)(address - entry.start);
    int64_t word = data[0] << 8 | data[1];
    for (size_t i = 0; i < detect->equals_count; i++) {
        if (word >= detect->equals[i].first && word <= detect->equals[i].last) {
            return true;
        }
    }
    return false;
}

const struct hyp_profile *hyp_library_detect(const struct hyp_library *library,
                                             const uint8_t *snapshot, size_t len)
{
    for (size_t i = 0; i < hyp_library_count(library); i++) {
        const struct hyp_profile *profile = hyp_library_at(library, i);
        const struct hyp_modbus_profile *modbus = &profile->modbus;
        size_t fits = 0;
        while (fits < modbus->detect_count &&
               detect_fits(&modbus->detects[fits], snapshot, len)) {
            fits++;
        }
        if (fits > 0 && fits == modbus->detect_count) {
            return profile;
        }
    }
    return NULL;
}
