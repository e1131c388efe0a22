/* SPDX-License-Identifier: Apache-2.0 */
#include "model/value.h"

#include <assert.h>

static const char *const quality_texts[] = {
    [HYP_QUALITY_UNSET] = "unset",         [HYP_QUALITY_GOOD] = "good",
    [HYP_QUALITY_DOUBTFUL] = "doubtful",   [HYP_QUALITY_MANUAL] = "manual",
    [HYP_QUALITY_ESTIMATED] = "estimated", [HYP_QUALITY_NO_VALUE] = "no_value",
    [HYP_QUALITY_INVALID] = "invalid",     [HYP_QUALITY_OVERFLOW] = "overflow",
    [HYP_QUALITY_UNDERFLOW] = "underflow", [HYP_QUALITY_DEVICE_ERROR] = "device_error",
    [HYP_QUALITY_CORRECTED] = "corrected",
};
static_assert(HYP_ARRAY_LEN(quality_texts) == HYP_QUALITY_LAST + 1, "one per quality");

static const char *const function_texts[] = {
    [HYP_FUNCTION_INSTANTANEOUS] = "instantaneous",
    [HYP_FUNCTION_MAXIMUM] = "maximum",
    [HYP_FUNCTION_MINIMUM] = "minimum",
    [HYP_FUNCTION_ERROR] = "error",
};

/* Suffixes of the text form; instantaneous has none. */
static const char *const function_suffixes[] = {
    [HYP_FUNCTION_INSTANTANEOUS] = "",
    [HYP_FUNCTION_MAXIMUM] = "max",
    [HYP_FUNCTION_MINIMUM] = "min",
    [HYP_FUNCTION_ERROR] = "err",
};

const char *hyp_quality_text(enum hyp_quality quality)
{
    return quality_texts[quality];
}

enum hyp_status hyp_quality_find(struct hyp_str text, enum hyp_quality *ret_quality)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(quality_texts); i++) {
        if (hyp_str_equal(text, hyp_str_from(quality_texts[i]))) {
            *ret_quality = (enum hyp_quality)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

enum hyp_quality hyp_quality_worse(enum hyp_quality one, enum hyp_quality other)
{
    static const uint8_t steps[] = {
        [HYP_QUALITY_UNSET] = 0,        [HYP_QUALITY_GOOD] = 1,
        [HYP_QUALITY_CORRECTED] = 2,    [HYP_QUALITY_MANUAL] = 3,
        [HYP_QUALITY_ESTIMATED] = 4,    [HYP_QUALITY_DOUBTFUL] = 5,
        [HYP_QUALITY_NO_VALUE] = 6,     [HYP_QUALITY_INVALID] = 6,
        [HYP_QUALITY_OVERFLOW] = 6,     [HYP_QUALITY_UNDERFLOW] = 6,
        [HYP_QUALITY_DEVICE_ERROR] = 6,
    };
    static_assert(HYP_ARRAY_LEN(steps) == HYP_QUALITY_LAST + 1, "one per quality");
    return steps[other] > steps[one] ? other : one;
}

const char *hyp_function_text(enum hyp_function function)
{
    return function_texts[function];
}

static void append_part(struct hyp_buf *out, char letter, uint64_t number)
{
    if (number != 0) {
        hyp_buf_append_char(out, '.');
        hyp_buf_append_char(out, letter);
        hyp_buf_append_u64(out, number);
    }
}

void hyp_point_key_format(struct hyp_buf *out, const struct hyp_point_key *key)
{
    hyp_buf_append_text(out, hyp_vocabulary_word((enum hyp_name)key->name)->name);
    if (key->function != HYP_FUNCTION_INSTANTANEOUS) {
        hyp_buf_append_char(out, '.');
        hyp_buf_append_text(out, function_suffixes[key->function]);
    }
    append_part(out, 's', key->storage);
    append_part(out, 't', key->tariff);
    append_part(out, 'u', key->subunit);
}

static enum hyp_status parse_part(struct hyp_str part, struct hyp_point_key *key)
{
    for (size_t i = HYP_FUNCTION_MAXIMUM; i < HYP_ARRAY_LEN(function_suffixes); i++) {
        if (hyp_str_equal(part, hyp_str_from(function_suffixes[i]))) {
            key->function = (uint8_t)i;
            return HYP_OK;
        }
    }
    uint64_t number;
    struct hyp_str digits = {.ptr = part.ptr + 1, .len = part.len - 1};
    if (part.len < 2 || hyp_str_to_u64(digits, &number) != HYP_OK || number == 0) {
        return HYP_INVALID;
    }
    switch (part.ptr[0]) {
    case 's': key->storage = number; return number < 1ull << 41 ? HYP_OK : HYP_INVALID;
    case 't': key->tariff = (uint32_t)number; return number < 1u << 20 ? HYP_OK : HYP_INVALID;
    case 'u': key->subunit = (uint16_t)number; return number < 1u << 16 ? HYP_OK : HYP_INVALID;
    default: return HYP_INVALID;
    }
}

enum hyp_status hyp_point_key_parse(struct hyp_str text, struct hyp_point_key *ret_key)
{
    struct hyp_point_key key = {0};
    struct hyp_str part;
    enum hyp_name name;
    if (!hyp_str_split_next(&text, '.', &part) || hyp_vocabulary_find(part, &name) != HYP_OK) {
        return HYP_INVALID;
    }
    key.name = (uint16_t)name;
    while (hyp_str_split_next(&text, '.', &part)) {
        if (parse_part(part, &key) != HYP_OK) {
            return HYP_INVALID;
        }
    }
    *ret_key = key;
    return HYP_OK;
}

void hyp_value_format(struct hyp_buf *out, const struct hyp_value *value)
{
    if (!hyp_quality_is_usable(value->quality)) {
        return;
    }
    switch (value->kind) {
    case HYP_VALUE_UNSET: break;
    case HYP_VALUE_DECIMAL: hyp_decimal_format(out, value->decimal); break;
    case HYP_VALUE_CIVIL: hyp_civil_format(out, &value->civil); break;
    case HYP_VALUE_FLAGS:
        hyp_buf_append_fmt(out, "0x%04llX", (unsigned long long)value->flags);
        break;
    case HYP_VALUE_TEXT: hyp_buf_append_str(out, value->text); break;
    }
}
