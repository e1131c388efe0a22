/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of EN 13757-3 annex A:
 *   A  BCD, high nibble F of the most significant byte = minus. Any other nibble A..F is an
 *      error display, never a digit: EB DD is not 1413 W.
 *   B  signed two's complement; 80..00 means "no value". Also 24 and 48 bits wide.
 *   C  unsigned; FF..FF means "no value".
 *   D  bit field.
 *   H  IEEE 754, 32 bits.
 *   F, G, I, J  see time.c.
 *
 * LVAR, the first byte of variable length data:
 *   00..BF  that many characters (or bytes of a container)
 *   C0..C9 / D0..D9  positive / negative BCD of (L & 0F) bytes
 *   E0..EF  binary number of (L - E0) bytes
 *   F0..F4  binary number of 4 * (L - EC) bytes;  F5 48 bytes, F6 64 bytes
 */
#include "protocol/mbus/value.h"

#include "protocol/mbus/bcd.h"
#include "protocol/mbus/dib.h"
#include "protocol/mbus/latin1.h"
#include "protocol/mbus/time.h"

#include <assert.h>
#include <string.h>

/* The exponents a hyp_decimal may have. */
#define EXP10_MAX 100

static uint64_t read_le(const uint8_t *data, size_t len)
{
    uint64_t value = 0;
    /* The whole-word lengths first: they are most records. */
    if (len == 4) {
        return (uint64_t)data[0] | (uint64_t)data[1] << 8 | (uint64_t)data[2] << 16 |
               (uint64_t)data[3] << 24;
    }
    if (len == 2) {
        return (uint64_t)data[0] | (uint64_t)data[1] << 8;
    }
    for (size_t i = len; i > 0; i--) {
        value = value << 8 | data[i - 1];
    }
    return value;
}

uint64_t hyp_mbus_record_raw(const struct hyp_mbus_record *record)
{
    return read_le(record->data, HYP_MIN((size_t)record->data_len, (size_t)8));
}

/* Length of variable length data; -1 for a reserved code. */
static int lvar_length(uint8_t lvar)
{
    if (lvar <= 0xBF) {
        return lvar;
    }
    switch (lvar & 0xF0) {
    case 0xC0:
    case 0xD0: return (lvar & 0x0F) <= 9 ? lvar & 0x0F : -1;
    case 0xE0: return lvar & 0x0F;
    default: break;
    }
    if (lvar <= 0xF4) {
        return 4 * (lvar - 0xEC);
    }
    return lvar == 0xF5 ? 48 : lvar == 0xF6 ? 64 : -1;
}

enum hyp_status hyp_mbus_data_take(struct hyp_bytes *bytes, struct hyp_mbus_record *record,
                                   struct hyp_error *err)
{
    size_t len = hyp_mbus_data_bytes[record->dif & 0x0F];
    if ((record->dif & 0x0F) == HYP_MBUS_DATA_LVAR) {
        record->lvar = hyp_mbus_take(bytes);
        int counted = lvar_length(record->lvar);
        if (counted < 0) {
            return hyp_error_set(err, HYP_UNSUPPORTED, (int64_t)bytes->pos - 1,
                                 "reserved length code %02X of variable length data",
                                 record->lvar);
        }
        len = (size_t)counted;
    }
    if (bytes->failed || len > bytes->len - bytes->pos) {
        return hyp_error_set(
            err, HYP_MALFORMED, (int64_t)bytes->len,
            "the data ends within the value of a record that begins at byte %u",
            record->offset);
    }
    record->data = bytes->data + bytes->pos;
    record->data_len = (uint16_t)len;
    bytes->pos += len;
    return HYP_OK;
}

static bool all_bytes_are(const uint8_t *bytes, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

/* @high   what is above the first 8 bytes: the ninth byte, 0 where there is none */
static enum hyp_quality decode_bcd_parts(uint64_t low, uint8_t high, bool negative,
                                         int64_t *ret_digits)
{
    if (hyp_mbus_bcd_has_error(low) || hyp_mbus_bcd_has_error(high)) {
        return HYP_QUALITY_INVALID;
    }
    const int64_t digits = (int64_t)(hyp_mbus_bcd_to_binary(low) +
                                     hyp_mbus_bcd_to_binary(high) * 10000000000000000ull);
    *ret_digits = negative ? -digits : digits;
    return HYP_QUALITY_GOOD;
}

/*
 * 80 00 00 in BCD fields is the integer sentinel in a field declared as BCD (Zenner sends it
 * for "no month-end value yet"). Read as digits it would be a volume of 80000 m3.
 */
static enum hyp_quality decode_bcd(const uint8_t *bytes, size_t len, int64_t *ret_digits)
{
    const bool negative = bytes[len - 1] >> 4 == 0x0F;
    uint64_t low = read_le(bytes, HYP_MIN(len, (size_t)8));
    uint8_t high = len > 8 ? bytes[8] : 0;
    if (len >= 3 && len <= 8 && low == 0x80ull << (8 * (len - 1))) {
        return HYP_QUALITY_NO_VALUE;
    }
    if (negative && all_bytes_are(bytes, len, 0xFF)) {
        return HYP_QUALITY_NO_VALUE;
    }
    if (negative && len <= 8) {
        low &= ~(0xF0ull << (8 * (len - 1)));
    } else if (negative) {
        high &= 0x0F;
    }
    return decode_bcd_parts(low, high, negative, ret_digits);
}

/* BCD or an integer of 1..8 bytes (BCD up to 9). */
static enum hyp_quality decode_digits(const uint8_t *bytes, size_t len, bool bcd,
                                      enum hyp_mbus_coding coding, int64_t *ret_digits)
{
    if (bcd) {
        return decode_bcd(bytes, len, ret_digits);
    }
    uint64_t raw = read_le(bytes, len);
    unsigned unused = 64 - 8 * (unsigned)len;
    if (coding == HYP_MBUS_CODING_SIGNED) {
        int64_t value = (int64_t)(raw << unused) >> unused;
        if (raw << unused == 1ull << 63) {
            return HYP_QUALITY_NO_VALUE;
        }
        *ret_digits = value;
        return HYP_QUALITY_GOOD;
    }
    if (coding == HYP_MBUS_CODING_UNSIGNED && raw == UINT64_MAX >> unused) {
        return HYP_QUALITY_NO_VALUE;
    }
    if (raw > INT64_MAX) {
        return HYP_QUALITY_INVALID;
    }
    *ret_digits = (int64_t)raw;
    return HYP_QUALITY_GOOD;
}

static enum hyp_quality decode_float(const uint8_t *bytes, struct hyp_decimal *ret_value)
{
    uint32_t bits = (uint32_t)read_le(bytes, 4);
    float value;
    static_assert(sizeof(value) == sizeof(bits), "IEEE 754 single precision");
    memcpy(&value, &bits, sizeof(value));
    if (hyp_decimal_from_float(value, ret_value) == HYP_OK) {
        return HYP_QUALITY_GOOD;
    }
    /* NaN is how meters with floats say "none"; infinity is nothing a meter measures. */
    bool is_nan = (bits & 0x7F800000u) == 0x7F800000u && (bits & 0x007FFFFFu) != 0;
    return is_nan ? HYP_QUALITY_NO_VALUE : HYP_QUALITY_INVALID;
}

enum hyp_quality hyp_mbus_number_decode(const uint8_t *bytes, uint8_t field,
                                        enum hyp_mbus_coding coding,
                                        struct hyp_decimal *ret_value)
{
    if (field == HYP_MBUS_DATA_FLOAT32) {
        return decode_float(bytes, ret_value);
    }
    ret_value->exp10 = 0;
    return decode_digits(bytes, hyp_mbus_data_bytes[field], hyp_mbus_data_is_bcd(field), coding,
                         &ret_value->digits);
}

/* With a factor or an additive constant. */
static void scale_unusual(struct hyp_mbus_record *record, struct hyp_decimal value,
                          const struct hyp_mbus_scale *scale)
{
    enum hyp_status status = HYP_OK;
    if (scale->factor != HYP_MBUS_FACTOR_NONE) {
        status = hyp_decimal_multiply(
            value, hyp_mbus_factor_value((enum hyp_mbus_factor)scale->factor), &value);
    }
    if (status == HYP_OK) {
        status = hyp_decimal_shift(value, scale->exp10, &value);
    }
    if (status == HYP_OK && scale->add) {
        struct hyp_decimal constant = {.digits = 1, .exp10 = scale->add_exp10};
        status = hyp_decimal_add(value, constant, &value);
    }
    if (status != HYP_OK) {
        record->quality = HYP_QUALITY_INVALID;
        return;
    }
    record->decimal = value;
}

static inline void scale_value(struct hyp_mbus_record *record, struct hyp_decimal value,
                               const struct hyp_mbus_scale *scale)
{
    record->kind = HYP_VALUE_DECIMAL;
    record->quality = HYP_QUALITY_GOOD;
    if (scale->factor == HYP_MBUS_FACTOR_NONE && !scale->add) {
        int exp10 = value.exp10 + scale->exp10;
        record->decimal = (struct hyp_decimal){.digits = value.digits, .exp10 = (int8_t)exp10};
        record->quality =
            exp10 >= -EXP10_MAX && exp10 <= EXP10_MAX ? HYP_QUALITY_GOOD : HYP_QUALITY_INVALID;
        return;
    }
    scale_unusual(record, value, scale);
}

void hyp_mbus_value_scale(struct hyp_mbus_record *record, struct hyp_decimal value,
                          const struct hyp_mbus_scale *scale)
{
    scale_value(record, value, scale);
}

/* Digits most significant first, as a text that keeps leading zeros and hex ids. */
static void decode_identifier(struct hyp_mbus_record *record, const uint8_t *data)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t out = 0;
    record->kind = HYP_VALUE_TEXT;
    record->quality =
        all_bytes_are(data, record->data_len, 0xFF) ? HYP_QUALITY_NO_VALUE : HYP_QUALITY_GOOD;
    for (size_t i = record->data_len; i > 0; i--) {
        record->text[out++] = digits[data[i - 1] >> 4];
        record->text[out++] = digits[data[i - 1] & 0x0F];
    }
    record->text[out] = '\0';
}

/* "12345678.KAM.35.04": the 8 bytes of a secondary address as text, version and medium in hex.
 */
static void decode_address(struct hyp_mbus_record *record, const uint8_t *data)
{
    struct hyp_buf text;
    uint8_t id[4] = {data[3], data[2], data[1], data[0]};
    unsigned code = (unsigned)read_le(data + 4, 2);
    record->kind = HYP_VALUE_TEXT;
    record->quality = HYP_QUALITY_GOOD;
    hyp_buf_init_fixed(&text, record->text, sizeof(record->text));
    hyp_buf_append_hex(&text, id, sizeof(id));
    hyp_buf_append_char(&text, '.');
    for (int shift = 10; shift >= 0; shift -= 5) {
        hyp_buf_append_char(&text, (char)('@' + (code >> shift & 0x1F)));
    }
    hyp_buf_append_char(&text, '.');
    hyp_buf_append_hex(&text, data + 6, 1);
    hyp_buf_append_char(&text, '.');
    hyp_buf_append_hex(&text, data + 7, 1);
    (void)hyp_buf_terminate(&text);
}

static bool is_secondary_address(const struct hyp_mbus_record *record)
{
    return record->table == HYP_VIF_PRIMARY && record->code == 0x79 && record->data_len == 8;
}

/* Integers and BCD of any length 1..9. */
static void decode_number(struct hyp_mbus_record *record, const uint8_t *data, bool bcd,
                          const struct hyp_mbus_scale *scale)
{
    enum hyp_mbus_coding coding = (enum hyp_mbus_coding)scale->coding;
    int64_t digits;
    switch (coding) {
    case HYP_MBUS_CODING_FLAGS:
        record->kind = HYP_VALUE_FLAGS;
        record->quality = HYP_QUALITY_GOOD;
        record->flags = read_le(data, HYP_MIN((size_t)record->data_len, (size_t)8));
        return;
    case HYP_MBUS_CODING_TIME:
        record->kind = HYP_VALUE_CIVIL;
        record->quality = bcd ? HYP_QUALITY_INVALID
                              : hyp_mbus_time_decode(data, record->data_len, &record->civil);
        return;
    case HYP_MBUS_CODING_IDENTIFIER:
        if (is_secondary_address(record)) {
            decode_address(record, data);
            return;
        }
        if (bcd && record->quantity == HYP_QUANTITY_IDENTIFIER) {
            decode_identifier(record, data);
            return;
        }
        break;
    case HYP_MBUS_CODING_SIGNED:
    case HYP_MBUS_CODING_UNSIGNED: break;
    case HYP_MBUS_CODING_BYTES:
        /* Rules of daylight saving, a listening window, a message in a message: no number. */
        record->kind = HYP_VALUE_UNSET;
        record->quality = HYP_QUALITY_GOOD;
        return;
    }
    enum hyp_quality quality = decode_digits(data, record->data_len, bcd, coding, &digits);
    if (quality == HYP_QUALITY_GOOD) {
        scale_value(record, (struct hyp_decimal){.digits = digits}, scale);
    } else {
        record->kind = HYP_VALUE_DECIMAL;
        record->quality = quality;
    }
}

static void decode_real(struct hyp_mbus_record *record, const uint8_t *data,
                        const struct hyp_mbus_scale *scale)
{
    struct hyp_decimal value;
    record->kind = HYP_VALUE_DECIMAL;
    record->quality = decode_float(data, &value);
    if (record->quality == HYP_QUALITY_GOOD) {
        hyp_mbus_value_scale(record, value, scale);
    }
}

static bool is_printable(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] < 0x20 || data[i] > 0x7E) {
            return false;
        }
    }
    return true;
}

static void decode_characters(struct hyp_mbus_record *record,
                              const struct hyp_mbus_scale *scale)
{
    bool bytes = scale->coding == HYP_MBUS_CODING_BYTES ||
                 scale->coding == HYP_MBUS_CODING_TIME ||
                 record->qualifier.what == HYP_MBUS_PROFILE;
    if (record->table == HYP_VIF_MANUFACTURER || record->qualifier.manufacturer) {
        bytes = bytes || !is_printable(record->data, record->data_len);
    }
    record->quality = HYP_QUALITY_GOOD;
    if (bytes) {
        record->kind = HYP_VALUE_UNSET;
        return;
    }
    record->kind = HYP_VALUE_TEXT;
    hyp_mbus_latin1_reversed(record->data, record->data_len, record->text);
}

static void decode_variable(struct hyp_mbus_record *record, const struct hyp_mbus_scale *scale)
{
    uint8_t lvar = record->lvar;
    if (record->data_len == 0) {
        record->kind = HYP_VALUE_UNSET;
        record->quality = HYP_QUALITY_NO_VALUE;
    } else if (lvar <= 0xBF) {
        decode_characters(record, scale);
    } else if (lvar < 0xE0) {
        decode_number(record, record->data, true, scale);
        if (lvar >= 0xD0 && record->kind == HYP_VALUE_DECIMAL) {
            record->decimal.digits = -record->decimal.digits;
        }
    } else if (record->data_len <= 8) {
        decode_number(record, record->data, false, scale);
    } else {
        /* Longer than any register: bytes. */
        record->kind = HYP_VALUE_UNSET;
        record->quality = HYP_QUALITY_GOOD;
    }
}

/* Data of a fixed length, least significant byte first. */
static void decode_fixed(struct hyp_mbus_record *record, const uint8_t *data,
                         const struct hyp_mbus_scale *scale)
{
    uint8_t field = record->dif & 0x0F;
    if (field == HYP_MBUS_DATA_FLOAT32) {
        decode_real(record, data, scale);
    } else {
        decode_number(record, data, hyp_mbus_data_is_bcd(field), scale);
    }
}

static __attribute__((noinline)) void decode_swapped(struct hyp_mbus_record *record,
                                                     const struct hyp_mbus_scale *scale)
{
    uint8_t swapped[8];
    for (size_t i = 0; i < record->data_len; i++) {
        swapped[i] = record->data[record->data_len - 1 - i];
    }
    decode_fixed(record, swapped, scale);
}

/*
 * A counter's register of the past that was never written is erased memory: FF in every byte
 * (waterstar M, Zenner; its date beside it is FFFF as well). As a number it would be -1 unit,
 * and the month after it a consumption that never was. A momentary counter may stand at -1.
 */
bool hyp_mbus_value_is_never_written(const struct hyp_mbus_record *record)
{
    if (record->storage == 0 || record->data_len < 2 || record->kind != HYP_VALUE_DECIMAL ||
        !all_bytes_are(record->data, record->data_len, 0xFF)) {
        return false;
    }
    return record->quantity == HYP_QUANTITY_VOLUME || record->quantity == HYP_QUANTITY_ENERGY ||
           record->quantity == HYP_QUANTITY_MASS || record->quantity == HYP_QUANTITY_HCA;
}

void hyp_mbus_value_decode(struct hyp_mbus_record *record, const struct hyp_mbus_scale *scale,
                           bool msb_first)
{
    record->text[0] = '\0';
    if ((record->dif & 0x0F) == HYP_MBUS_DATA_LVAR) {
        decode_variable(record, scale);
    } else if (record->data_len == 0) {
        record->kind = HYP_VALUE_UNSET;
        record->quality = HYP_QUALITY_NO_VALUE;
    } else if (msb_first) {
        decode_swapped(record, scale);
    } else {
        decode_fixed(record, record->data, scale);
    }
    if (hyp_mbus_value_is_never_written(record)) {
        record->quality = HYP_QUALITY_NO_VALUE;
    }
    if (record->record_error != 0) {
        hyp_mbus_value_apply_error(record);
    }
}

void hyp_mbus_value_apply_error(struct hyp_mbus_record *record)
{
    switch (record->record_error) {
    case 0x15: record->quality = HYP_QUALITY_NO_VALUE; break;
    case 0x16: record->quality = HYP_QUALITY_OVERFLOW; break;
    case 0x17: record->quality = HYP_QUALITY_UNDERFLOW; break;
    case 0x08:
    case 0x09:
    case 0x0A:
    case 0x10:
    case 0x11:
    case 0x19:
    case 0x1A:
    case 0x1B:
        /* Reserved codes seen in the field beside plausible values. */
        if (record->quality == HYP_QUALITY_GOOD) {
            record->quality = HYP_QUALITY_DOUBTFUL;
        }
        break;
    default: record->quality = HYP_QUALITY_DEVICE_ERROR; break;
    }
}
