/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modbus defines the byte order inside one register and nothing beyond. Makers put longer
 * values into consecutive registers in every order there is, so a value is first brought into
 * one order (most significant byte first) by a permutation table and then read.
 */
#include "protocol/modbus/registers.h"

#include <assert.h>
#include <string.h>

struct type_row {
    const char *name;
    uint8_t words;
};

static const struct type_row type_rows[] = {
#define X(id, text, word_count) [HYP_MODBUS_TYPE_##id] = {text, word_count},
    HYP_MODBUS_TYPE_MAP(X)
#undef X
};
static_assert(HYP_ARRAY_LEN(type_rows) == HYP_MODBUS_TYPE_COUNT_OF, "one row per type");

struct order_row {
    const char *name; /* four bytes */
    const char *name8;
    bool words_reversed; /* the last register comes first */
    bool bytes_swapped;  /* low byte of a register first */
    bool pairs;          /* eight bytes as two four-byte halves, each in this order */
};

static const struct order_row order_rows[] = {
    [HYP_MODBUS_ORDER_UNSET] = {"",         "",         false, false, false},
    [HYP_MODBUS_ABCD] = {"ABCD",     "ABCDEFGH", false, false, false},
    [HYP_MODBUS_CDAB] = {"CDAB",     "GHEFCDAB", true,  false, false},
    [HYP_MODBUS_BADC] = {"BADC",     "BADCFEHG", false, true,  false},
    [HYP_MODBUS_DCBA] = {"DCBA",     "HGFEDCBA", true,  true,  false},
    [HYP_MODBUS_CDABGHEF] = {"CDABGHEF", "CDABGHEF", true,  false, true },
    [HYP_MODBUS_DCBAHGFE] = {"DCBAHGFE", "DCBAHGFE", true,  true,  true },
};

enum hyp_status hyp_modbus_order_find(struct hyp_str text, enum hyp_modbus_order *ret_order)
{
    for (size_t i = HYP_MODBUS_ABCD; i < HYP_ARRAY_LEN(order_rows); i++) {
        if (hyp_str_equal_nocase(text, hyp_str_from(order_rows[i].name)) ||
            hyp_str_equal_nocase(text, hyp_str_from(order_rows[i].name8))) {
            *ret_order = (enum hyp_modbus_order)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

enum hyp_status hyp_modbus_type_find(struct hyp_str text, enum hyp_modbus_type *ret_type)
{
    for (size_t i = HYP_MODBUS_TYPE_UNSET + 1; i < HYP_ARRAY_LEN(type_rows); i++) {
        if (hyp_str_equal(text, hyp_str_from(type_rows[i].name))) {
            *ret_type = (enum hyp_modbus_type)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

const char *hyp_modbus_type_text(enum hyp_modbus_type type)
{
    return type_rows[type].name;
}

uint16_t hyp_modbus_type_words(enum hyp_modbus_type type)
{
    return type_rows[type].words;
}

uint64_t hyp_modbus_register_bits(enum hyp_modbus_type type, enum hyp_modbus_order order,
                                  const uint8_t *data)
{
    const struct order_row *row = &order_rows[order];
    size_t words = type_rows[type].words;
    uint64_t bits = 0;
    for (size_t i = 0; i < words; i++) {
        size_t word = i;
        if (row->words_reversed) {
            word = row->pairs && words == 4 ? i ^ 1u : words - 1 - i;
        }
        uint8_t high = data[2 * word];
        uint8_t low = data[2 * word + 1];
        bits = bits << 16 |
               (row->bytes_swapped ? (uint64_t)(low << 8 | high) : (uint64_t)(high << 8 | low));
    }
    return bits;
}

static int64_t sign_extend(uint64_t bits, unsigned width)
{
    if (width == 0 || width >= 64) {
        return (int64_t)bits;
    }
    unsigned shift = 64 - width;
    return (int64_t)(bits << shift) >> shift;
}

static enum hyp_status from_bcd(uint64_t bits, size_t nibbles, struct hyp_decimal *ret_number)
{
    int64_t digits = 0;
    for (size_t i = nibbles; i > 0; i--) {
        unsigned nibble = (unsigned)(bits >> (4 * (i - 1)) & 15u);
        if (nibble > 9) {
            return HYP_MALFORMED;
        }
        digits = digits * 10 + nibble;
    }
    *ret_number = (struct hyp_decimal){.digits = digits};
    return HYP_OK;
}

static enum hyp_status from_unsigned(uint64_t bits, struct hyp_decimal *ret_number)
{
    if (bits > INT64_MAX) {
        return HYP_IMPLAUSIBLE;
    }
    *ret_number = (struct hyp_decimal){.digits = (int64_t)bits};
    return HYP_OK;
}

static enum hyp_status from_float32(uint64_t bits, struct hyp_decimal *ret_number)
{
    uint32_t word = (uint32_t)bits;
    float value;
    memcpy(&value, &word, sizeof(value));
    return hyp_decimal_from_float(value, ret_number);
}

static enum hyp_status from_float64(uint64_t bits, struct hyp_decimal *ret_number)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return hyp_decimal_from_double(value, ret_number);
}

enum hyp_status hyp_modbus_register_number(enum hyp_modbus_type type,
                                           enum hyp_modbus_order order, const uint8_t *data,
                                           struct hyp_decimal *ret_number)
{
    uint64_t bits = hyp_modbus_register_bits(type, order, data);
    unsigned width = type_rows[type].words * 16u;
    switch (type) {
    case HYP_MODBUS_TYPE_INT16:
    case HYP_MODBUS_TYPE_INT32:
    case HYP_MODBUS_TYPE_INT48:
    case HYP_MODBUS_TYPE_INT64:
        *ret_number = (struct hyp_decimal){.digits = sign_extend(bits, width)};
        return HYP_OK;
    case HYP_MODBUS_TYPE_UINT16:
    case HYP_MODBUS_TYPE_UINT32:
    case HYP_MODBUS_TYPE_UINT48:
    case HYP_MODBUS_TYPE_UINT64: return from_unsigned(bits, ret_number);
    case HYP_MODBUS_TYPE_FLOAT32: return from_float32(bits, ret_number);
    case HYP_MODBUS_TYPE_FLOAT64: return from_float64(bits, ret_number);
    case HYP_MODBUS_TYPE_BCD16:
    case HYP_MODBUS_TYPE_BCD32:
    case HYP_MODBUS_TYPE_BCD64: return from_bcd(bits, width / 4, ret_number);
    case HYP_MODBUS_TYPE_UNSET:
    case HYP_MODBUS_TYPE_FLAGS16:
    case HYP_MODBUS_TYPE_FLAGS32:
    case HYP_MODBUS_TYPE_BIT:
    case HYP_MODBUS_TYPE_STRING:
    case HYP_MODBUS_TYPE_COUNT_OF: break;
    }
    return HYP_UNSUPPORTED;
}

void hyp_modbus_register_text(enum hyp_modbus_order order, const uint8_t *data, size_t words,
                              struct hyp_buf *out)
{
    size_t first = order_rows[order].bytes_swapped ? 1 : 0;
    size_t len = 2 * words;
    for (size_t i = 0; i < len; i++) {
        if (data[i ^ first] == 0) {
            len = i;
        }
    }
    while (len > 0 && data[(len - 1) ^ first] == ' ') {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = data[i ^ first];
        if (byte < 0x80) {
            hyp_buf_append_u8(out, byte);
        } else {
            hyp_buf_append_u8(out, (uint8_t)(0xC0u | byte >> 6));
            hyp_buf_append_u8(out, (uint8_t)(0x80u | (byte & 0x3Fu)));
        }
    }
}
