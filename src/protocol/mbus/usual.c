/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nearly all records of real meters are of this kind, so they get a way of their own that keeps
 * everything in registers. It decides little by itself: a VIF beyond the primary table, VIFEs,
 * floats and identifiers are read by the functions of the general way, and what is odd in any
 * other way (variable length, a compact profile, a record near the end or cut short) is left to
 * record.c altogether. A walk with notes takes the general way for all records, so each test
 * and fuzz target that walks with and without notes compares the two.
 *
 *   | DIF | DIFE 0..4 | VIF VIFE .. | 1..8 bytes, least significant first |
 */
#include "protocol/mbus/usual.h"

#include "protocol/mbus/bcd.h"
#include "protocol/mbus/dib.h"
#include "protocol/mbus/time.h"
#include "protocol/mbus/value.h"
#include "protocol/mbus/vife.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define VIF_PRIMARY_END 0x6F
#define DIFE_USUAL 4
#define EXTENSION 0x80

/* Up to 8 bytes as a number, least significant first. `left` counts the bytes from `data` on.
 */
static inline uint64_t load(const uint8_t *data, size_t len, size_t left)
{
    uint64_t value = 0;
    if (left >= sizeof(value)) {
        memcpy(&value, data, sizeof(value)); /* one load, whatever is behind is cut off */
        value = le64toh(value);
        return value & UINT64_MAX >> (64 - 8 * len);
    }
    for (size_t i = len; i > 0; i--) {
        value = value << 8 | data[i - 1];
    }
    return value;
}

/* As decode_digits() of value.c, type B. */
static inline enum hyp_quality decode_integer(uint64_t raw, unsigned unused,
                                              int64_t *ret_digits)
{
    *ret_digits = (int64_t)(raw << unused) >> unused;
    return raw << unused == 1ull << 63 ? HYP_QUALITY_NO_VALUE : HYP_QUALITY_GOOD;
}

/* As decode_bcd() of value.c, for at most 8 bytes. */
static inline enum hyp_quality decode_bcd(uint64_t raw, unsigned unused, int64_t *ret_digits)
{
    const uint64_t top = raw << unused;
    bool negative = false;
    if (top >> 63 != 0) { /* a digit of 8 or more in front: a sentinel or a sign may be it */
        if ((unused <= 40 && top == 1ull << 63) || raw == UINT64_MAX >> unused) {
            return HYP_QUALITY_NO_VALUE;
        }
        negative = top >> 60 == 0xF;
        raw = negative ? raw & UINT64_MAX >> (unused + 4) : raw;
    }
    if (hyp_mbus_bcd_has_error(raw)) {
        return HYP_QUALITY_INVALID;
    }
    const int64_t digits = (int64_t)hyp_mbus_bcd_to_binary(raw);
    *ret_digits = negative ? -digits : digits;
    return HYP_QUALITY_GOOD;
}

/* The DIFEs at `*at`; false when there are more than usual. The caller has checked that
 * DIFE_USUAL bytes are there. */
static inline bool take_difes(const uint8_t **at, struct hyp_mbus_record *record)
{
    uint32_t storage = (uint32_t)record->storage;
    uint32_t tariff = 0;
    uint32_t subunit = 0;
    const uint8_t *next = *at;
    for (unsigned k = 0; k < DIFE_USUAL; k++) {
        const uint32_t byte = *next++;
        storage |= (byte & 0x0F) << (1 + 4 * k);
        tariff |= (byte >> 4 & 0x03) << (2 * k);
        subunit |= (byte >> 6 & 0x01) << k;
        if ((byte & EXTENSION) == 0) {
            record->storage = storage;
            record->tariff = tariff;
            record->subunit = (uint16_t)subunit;
            *at = next;
            return true;
        }
    }
    return false;
}

/* A number of type A or B; `left` counts the bytes from the data on. */
static inline void decode(struct hyp_mbus_record *record, size_t left, int exp10)
{
    assert(record->data_len > 0 && record->data_len <= sizeof(uint64_t)); /* by data field */
    const unsigned unused = 64 - 8 * (unsigned)record->data_len;
    const uint64_t raw = load(record->data, record->data_len, left);
    int64_t digits = 0;
    record->kind = HYP_VALUE_DECIMAL;
    record->quality = hyp_mbus_data_is_bcd(record->dif & 0x0F)
                          ? decode_bcd(raw, unused, &digits)
                          : decode_integer(raw, unused, &digits);
    if (digits == -1 && hyp_mbus_value_is_never_written(record)) {
        record->quality = HYP_QUALITY_NO_VALUE;
    }
    /* A row's exponent and ten VIFEs stay within what a decimal may have. */
    record->decimal = (struct hyp_decimal){.digits = digits, .exp10 = (int8_t)exp10};
}

static bool is_plain_number(const struct hyp_mbus_record *record,
                            const struct hyp_mbus_scale *scale)
{
    return scale->coding == HYP_MBUS_CODING_SIGNED && scale->factor == HYP_MBUS_FACTOR_NONE &&
           !scale->add && record->record_error == 0 &&
           (record->dif & 0x0F) != HYP_MBUS_DATA_FLOAT32;
}

/* The rest of the primary table below VIF_PRIMARY_END: dates. */
static void decode_time(struct hyp_mbus_record *record)
{
    record->kind = HYP_VALUE_CIVIL;
    record->quality =
        hyp_mbus_data_is_bcd(record->dif & 0x0F)
            ? HYP_QUALITY_INVALID
            : hyp_mbus_time_decode(record->data, record->data_len, &record->civil);
}

/* A record with another VIF, VIFEs or a float, whose DIB is read and whose VIB begins at `vib`:
 * VIB and value go the general way. */
static __attribute__((noinline)) bool parse_other(struct hyp_bytes *bytes, size_t vib,
                                                  struct hyp_mbus_record *record)
{
    struct hyp_mbus_scale scale;
    struct hyp_bytes reader = {.data = bytes->data, .len = bytes->len, .pos = vib};
    if (hyp_mbus_vib_parse(&reader, record, &scale, NULL) != HYP_OK ||
        record->qualifier.what == HYP_MBUS_PROFILE ||
        bytes->len - reader.pos < record->data_len) {
        return false;
    }
    record->vib_len = (uint16_t)(reader.pos - vib);
    record->data = bytes->data + reader.pos;
    bytes->pos = reader.pos + record->data_len;
    if (is_plain_number(record, &scale)) {
        decode(record, bytes->len - reader.pos, scale.exp10);
    } else {
        hyp_mbus_value_decode(record, &scale, false);
    }
    return true;
}

bool hyp_mbus_usual_parse(struct hyp_bytes *bytes, struct hyp_mbus_record *ret_record)
{
    const size_t start = bytes->pos;
    const uint8_t *at = bytes->data + start;
    const uint8_t dif = *at++;
    const size_t len = hyp_mbus_data_bytes[dif & 0x0F];
    /* DIF, DIFEs and VIF at most; what is nearer to the end goes the general way. */
    if (len == 0 || bytes->len - start < 2 + DIFE_USUAL) {
        return false;
    }
    hyp_mbus_record_begin(ret_record, start, dif);
    ret_record->text[0] = '\0';
    ret_record->vif_text[0] = '\0';
    if ((dif & EXTENSION) != 0 && !take_difes(&at, ret_record)) {
        return false;
    }
    const uint8_t vif = *at;
    const size_t vib = (size_t)(at - bytes->data);
    ret_record->dib_len = (uint8_t)(vib - start);
    ret_record->data_len = (uint16_t)len;
    if (vif >= VIF_PRIMARY_END || (dif & 0x0F) == HYP_MBUS_DATA_FLOAT32) {
        return parse_other(bytes, vib, ret_record);
    }
    const struct hyp_mbus_vif *row = &hyp_mbus_vif_primary[vif];
    const size_t left = bytes->len - vib - 1;
    if (left < len) {
        return false;
    }
    ret_record->vib_len = 1;
    ret_record->data = at + 1;
    ret_record->table = HYP_VIF_PRIMARY;
    ret_record->code = vif;
    ret_record->quantity = (enum hyp_quantity)row->quantity;
    ret_record->subject = (enum hyp_quantity)row->quantity;
    ret_record->unit = (enum hyp_unit)row->unit;
    bytes->pos = vib + 1 + len;
    if (row->coding == HYP_MBUS_CODING_SIGNED) {
        decode(ret_record, left, row->exp10);
    } else {
        decode_time(ret_record);
    }
    return true;
}
