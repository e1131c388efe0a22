/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every code of every VIF table, every VIFE and every length code, against the standard's
 * tables written down a second time, as ranges: EN 13757-3:2018 tables 4, 5, 10 and 12 to
 * 16, and the DIF and DIFE of clause 6.3. What no range names is reserved and must carry
 * neither quantity nor unit.
 */
#include "support/rows.h"

#include "protocol/mbus/record.h"

#include <stdio.h>

#define EXP_NONE 99 /* not a number of a power of ten: text, flags, time, bytes, odd factor */

enum size { INT8 = 1, INT16 = 2, INT24 = 3, INT32 = 4, INT48 = 6, INT64 = 7, BCD8 = 0xC };

/* `count` codes from `first` on; the exponent of the first, growing by `step`. */
struct range {
    uint8_t first;
    uint8_t count;
    enum hyp_quantity quantity;
    enum hyp_unit unit;
    int exp10;
    int step;
    bool is_unsigned;
};

#define Q(name) HYP_QUANTITY_##name
#define U(name) HYP_UNIT_##name

static const struct range primary[] = {
    {0x00, 8, Q(ENERGY),                 U(WH),         -3,       1, false},
    {0x08, 8, Q(ENERGY),                 U(J),          0,        1, false},
    {0x10, 8, Q(VOLUME),                 U(M3),         -6,       1, false},
    {0x18, 8, Q(MASS),                   U(KG),         -3,       1, false},
    {0x20, 1, Q(DURATION),               U(S),          0,        0, false},
    {0x21, 1, Q(DURATION),               U(MIN),        0,        0, false},
    {0x22, 1, Q(DURATION),               U(H),          0,        0, false},
    {0x23, 1, Q(DURATION),               U(D),          0,        0, false},
    {0x24, 1, Q(DURATION),               U(S),          0,        0, false},
    {0x25, 1, Q(DURATION),               U(MIN),        0,        0, false},
    {0x26, 1, Q(DURATION),               U(H),          0,        0, false},
    {0x27, 1, Q(DURATION),               U(D),          0,        0, false},
    {0x28, 8, Q(POWER),                  U(W),          -3,       1, false},
    {0x30, 8, Q(POWER),                  U(J_PER_H),    0,        1, false},
    {0x38, 8, Q(FLOW),                   U(M3_PER_H),   -6,       1, false},
    {0x40, 8, Q(FLOW),                   U(M3_PER_MIN), -7,       1, false},
    {0x48, 8, Q(FLOW),                   U(M3_PER_S),   -9,       1, false},
    {0x50, 8, Q(MASS_FLOW),              U(KG_PER_H),   -3,       1, false},
    {0x58, 4, Q(TEMPERATURE),            U(DEG_C),      -3,       1, false},
    {0x5C, 4, Q(TEMPERATURE),            U(DEG_C),      -3,       1, false},
    {0x60, 4, Q(TEMPERATURE_DIFFERENCE), U(K),          -3,       1, false},
    {0x64, 4, Q(TEMPERATURE),            U(DEG_C),      -3,       1, false},
    {0x68, 4, Q(PRESSURE),               U(BAR),        -3,       1, false},
    {0x6C, 2, Q(TIME),                   U(NONE),       EXP_NONE, 0, false},
    {0x6E, 1, Q(HCA),                    U(HCA),        0,        0, false},
    {0x70, 1, Q(DURATION),               U(S),          0,        0, false},
    {0x71, 1, Q(DURATION),               U(MIN),        0,        0, false},
    {0x72, 1, Q(DURATION),               U(H),          0,        0, false},
    {0x73, 1, Q(DURATION),               U(D),          0,        0, false},
    {0x74, 1, Q(DURATION),               U(S),          0,        0, false},
    {0x75, 1, Q(DURATION),               U(MIN),        0,        0, false},
    {0x76, 1, Q(DURATION),               U(H),          0,        0, false},
    {0x77, 1, Q(DURATION),               U(D),          0,        0, false},
    {0x78, 3, Q(IDENTIFIER),             U(NONE),       EXP_NONE, 0, true },
};

static const struct range after_fb[] = {
    {0x00, 2, Q(ENERGY),                 U(MWH),        -1,       1, false},
    {0x02, 2, Q(REACTIVE_ENERGY),        U(KVARH),      0,        1, false},
    {0x04, 2, Q(APPARENT_ENERGY),        U(KVAH),       0,        1, false},
    {0x08, 2, Q(ENERGY),                 U(GJ),         -1,       1, false},
    {0x0C, 4, Q(ENERGY),                 U(MCAL),       -1,       1, false},
    {0x10, 2, Q(VOLUME),                 U(M3),         2,        1, false},
    {0x14, 4, Q(REACTIVE_POWER),         U(KVAR),       -3,       1, false},
    {0x18, 2, Q(MASS),                   U(T),          2,        1, true },
    {0x1A, 2, Q(HUMIDITY),               U(PERCENT_RH), -1,       1, true },
    {0x20, 4, Q(VOLUME),                 U(M3),         EXP_NONE, 0, false}, /* cubic feet, gallons */
    {0x24, 2, Q(FLOW),                   U(M3_PER_MIN), EXP_NONE, 0, false},
    {0x26, 1, Q(FLOW),                   U(M3_PER_H),   EXP_NONE, 0, false},
    {0x28, 2, Q(POWER),                  U(MW),         -1,       1, false},
    {0x2A, 1, Q(ANGLE),                  U(DEG),        -1,       0, false},
    {0x2B, 1, Q(ANGLE),                  U(DEG),        -1,       0, false},
    {0x2C, 4, Q(FREQUENCY),              U(HZ),         -3,       1, false},
    {0x30, 2, Q(POWER),                  U(GJ_PER_H),   -1,       1, false},
    {0x34, 4, Q(APPARENT_POWER),         U(KVA),        -3,       1, false},
    {0x58, 4, Q(TEMPERATURE),            U(DEG_F),      -3,       1, false},
    {0x5C, 4, Q(TEMPERATURE),            U(DEG_F),      -3,       1, false},
    {0x60, 4, Q(TEMPERATURE_DIFFERENCE), U(DEG_F),      -3,       1, false},
    {0x64, 4, Q(TEMPERATURE),            U(DEG_F),      -3,       1, false},
    {0x68, 1, Q(RATIO),                  U(NONE),       EXP_NONE, 0, false}, /* K, in 2^-12 */
    {0x69, 1, Q(POWER),                  U(W),          0,        0, true },
    {0x6A, 5, Q(RATIO),                  U(NONE),       EXP_NONE, 0, false},
    {0x70, 4, Q(TEMPERATURE),            U(DEG_F),      -3,       1, false},
    {0x74, 4, Q(TEMPERATURE),            U(DEG_C),      -3,       1, false},
    {0x78, 8, Q(POWER),                  U(W),          -3,       1, false},
};

static const struct range after_fd[] = {
    {0x00, 4,  Q(CURRENCY),   U(CURRENCY), -3,       1, false},
    {0x04, 4,  Q(CURRENCY),   U(CURRENCY), -3,       1, false},
    {0x08, 1,  Q(COUNT),      U(NONE),     EXP_NONE, 0, true },
    {0x09, 14, Q(IDENTIFIER), U(NONE),     EXP_NONE, 0, true },
    {0x17, 2,  Q(FLAGS),      U(NONE),     EXP_NONE, 0, true },
    {0x19, 1,  Q(IDENTIFIER), U(NONE),     EXP_NONE, 0, true },
    {0x1A, 2,  Q(FLAGS),      U(NONE),     EXP_NONE, 0, true },
    {0x1C, 1,  Q(COUNT),      U(BAUD),     0,        0, true },
    {0x1D, 2,  Q(COUNT),      U(NONE),     0,        0, true },
    {0x1F, 1,  Q(FLAGS),      U(NONE),     EXP_NONE, 0, true },
    {0x20, 3,  Q(COUNT),      U(NONE),     0,        0, true },
    {0x23, 1,  Q(IDENTIFIER), U(NONE),     EXP_NONE, 0, true },
    {0x24, 1,  Q(DURATION),   U(S),        0,        0, true },
    {0x25, 1,  Q(DURATION),   U(MIN),      0,        0, true },
    {0x26, 1,  Q(DURATION),   U(H),        0,        0, true },
    {0x27, 1,  Q(DURATION),   U(D),        0,        0, true },
    {0x28, 1,  Q(DURATION),   U(MONTH),    0,        0, true },
    {0x29, 1,  Q(DURATION),   U(Y),        0,        0, true },
    {0x2A, 1,  Q(IDENTIFIER), U(NONE),     EXP_NONE, 0, true },
    {0x2B, 1,  Q(DURATION),   U(S),        0,        0, true },
    {0x2C, 1,  Q(DURATION),   U(S),        0,        0, true },
    {0x2D, 1,  Q(DURATION),   U(MIN),      0,        0, true },
    {0x2E, 1,  Q(DURATION),   U(H),        0,        0, true },
    {0x2F, 1,  Q(DURATION),   U(D),        0,        0, true },
    {0x30, 1,  Q(TIME),       U(NONE),     EXP_NONE, 0, false},
    {0x31, 1,  Q(DURATION),   U(MIN),      0,        0, true },
    {0x32, 1,  Q(DURATION),   U(H),        0,        0, true },
    {0x33, 1,  Q(DURATION),   U(D),        0,        0, true },
    {0x34, 1,  Q(DURATION),   U(S),        0,        0, true },
    {0x35, 1,  Q(DURATION),   U(MIN),      0,        0, true },
    {0x36, 1,  Q(DURATION),   U(H),        0,        0, true },
    {0x37, 1,  Q(DURATION),   U(D),        0,        0, true },
    {0x38, 1,  Q(DURATION),   U(MONTH),    0,        0, true },
    {0x39, 1,  Q(DURATION),   U(Y),        0,        0, true },
    {0x3A, 1,  Q(COUNT),      U(COUNT),    0,        0, false},
    {0x3C, 1,  Q(DURATION),   U(S),        0,        0, true },
    {0x3D, 1,  Q(DURATION),   U(MIN),      0,        0, true },
    {0x3E, 1,  Q(DURATION),   U(H),        0,        0, true },
    {0x3F, 1,  Q(DURATION),   U(D),        0,        0, true },
    {0x40, 16, Q(VOLTAGE),    U(V),        -9,       1, false},
    {0x50, 16, Q(CURRENT),    U(A),        -12,      1, false},
    {0x60, 2,  Q(COUNT),      U(COUNT),    0,        0, true },
    {0x62, 1,  Q(STATE),      U(NONE),     EXP_NONE, 0, true },
    {0x63, 2,  Q(COUNT),      U(NONE),     0,        0, true },
    {0x65, 1,  Q(TIME),       U(NONE),     EXP_NONE, 0, false},
    {0x66, 1,  Q(STATE),      U(NONE),     EXP_NONE, 0, true },
    {0x67, 1,  Q(IDENTIFIER), U(NONE),     EXP_NONE, 0, true },
    {0x68, 1,  Q(DURATION),   U(H),        0,        0, true },
    {0x69, 1,  Q(DURATION),   U(D),        0,        0, true },
    {0x6A, 1,  Q(DURATION),   U(MONTH),    0,        0, true },
    {0x6B, 1,  Q(DURATION),   U(Y),        0,        0, true },
    {0x6C, 1,  Q(DURATION),   U(H),        0,        0, true },
    {0x6D, 1,  Q(DURATION),   U(D),        0,        0, true },
    {0x6E, 1,  Q(DURATION),   U(MONTH),    0,        0, true },
    {0x6F, 1,  Q(DURATION),   U(Y),        0,        0, true },
    {0x70, 1,  Q(TIME),       U(NONE),     EXP_NONE, 0, false},
    {0x71, 1,  Q(LEVEL),      U(DBM),      0,        0, false},
    {0x74, 1,  Q(DURATION),   U(D),        0,        0, true },
    {0x75, 1,  Q(COUNT),      U(COUNT),    0,        0, true },
};

static const struct range after_fd_fd[] = {
    {0x00, 1, Q(IDENTIFIER), U(NONE),  EXP_NONE, 0, true},
    {0x02, 1, Q(DURATION),   U(MONTH), 0,        0, true},
    {0x03, 1, Q(DURATION),   U(Y),     0,        0, true},
};

static const struct table {
    const char *name;
    uint8_t prefix[2];
    uint8_t prefix_len;
    uint8_t last; /* codes above lead elsewhere */
    const struct range *ranges;
    size_t count;
} tables[] = {
    {"primary VIFs",    {0},          0, 0x7A, primary,     HYP_ARRAY_LEN(primary)    },
    {"VIFs after FB",   {0xFB},       1, 0x7F, after_fb,    HYP_ARRAY_LEN(after_fb)   },
    {"VIFs after FD",   {0xFD},       1, 0x7C, after_fd,    HYP_ARRAY_LEN(after_fd)   },
    {"VIFs after FDFD", {0xFD, 0xFD}, 2, 0x7F, after_fd_fd, HYP_ARRAY_LEN(after_fd_fd)},
};

static const struct range *find_range(const struct table *table, unsigned code)
{
    for (size_t i = 0; i < table->count; i++) {
        if (code >= table->ranges[i].first &&
            code < (unsigned)table->ranges[i].first + table->ranges[i].count) {
            return &table->ranges[i];
        }
    }
    return NULL;
}

/* `DIF VIF.. data` and a record behind it that shows where the first one ended. */
static struct hyp_mbus_record decode(const uint8_t *bytes, size_t len)
{
    uint8_t message[300];
    static const uint8_t next[] = {0x01, 0x6E, 0x07, 0x2F, 0x2F, 0x2F, 0x2F, 0x2F};
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    struct hyp_mbus_record second;
    assert_true(len + sizeof(next) <= sizeof(message));
    memcpy(message, bytes, len);
    memcpy(message + len, next, sizeof(next));
    hyp_mbus_records_init(&records, message, len + sizeof(next), NULL);
    assert_int_equal(hyp_mbus_records_next(&records, &record, NULL), HYP_OK);
    assert_int_equal(hyp_mbus_records_next(&records, &second, NULL), HYP_OK);
    assert_int_equal(second.offset, len);
    assert_int_equal(second.decimal.digits, 7);
    return record;
}

static size_t put(const struct table *table, uint8_t dif, uint8_t code, uint8_t out[static 4])
{
    out[0] = dif;
    memcpy(out + 1, table->prefix, table->prefix_len);
    out[1 + table->prefix_len] = code;
    return 2 + (size_t)table->prefix_len;
}

/* 1 and all bytes FF in each width of integer; 1 in BCD. */
static void check_number(const struct table *table, const struct range *range, unsigned code)
{
    static const struct {
        uint8_t dif;
        uint8_t len;
    } widths[] = {
        {INT8,  1},
        {INT16, 2},
        {INT24, 3},
        {INT32, 4},
        {INT48, 6},
        {INT64, 8},
        {BCD8,  4}
    };
    const int exp10 = range->exp10 + range->step * (int)(code - range->first);
    for (size_t i = 0; i < HYP_ARRAY_LEN(widths); i++) {
        uint8_t bytes[16] = {0};
        size_t len = put(table, widths[i].dif, (uint8_t)code, bytes);
        bytes[len] = 1;
        struct hyp_mbus_record record = decode(bytes, len + widths[i].len);
        assert_int_equal(record.kind, HYP_VALUE_DECIMAL);
        assert_int_equal(record.quality, HYP_QUALITY_GOOD);
        assert_int_equal(record.decimal.digits, 1);
        assert_int_equal(record.decimal.exp10, exp10);
        memset(bytes + len, 0xFF, widths[i].len);
        record = decode(bytes, len + widths[i].len);
        if (widths[i].dif == BCD8 || range->is_unsigned) {
            assert_int_equal(record.quality, HYP_QUALITY_NO_VALUE);
        } else {
            assert_int_equal(record.decimal.digits, -1);
        }
    }
}

static void check_table(void **state)
{
    const struct table *table = *state;
    for (unsigned code = 0; code <= table->last; code++) {
        if (table->prefix_len == 0 && code == 0x6F) {
            continue; /* EF: the third extension table, kept for the future */
        }
        const struct range *range = find_range(table, code);
        uint8_t bytes[16] = {0};
        size_t len = put(table, INT32, (uint8_t)code, bytes);
        const struct hyp_mbus_record record = decode(bytes, len + 4);
        if (record.quantity != (range == NULL ? Q(UNKNOWN) : range->quantity) ||
            record.unit != (range == NULL ? U(NONE) : range->unit)) {
            fail_msg("%s: code %02X is quantity %d, unit %d", table->name, code,
                     (int)record.quantity, (int)record.unit);
        }
        if (range != NULL && range->exp10 != EXP_NONE) {
            check_number(table, range, code);
        }
    }
}

/* Behind a volume in litres: which VIFEs bend it, and that none of them moves the end. */
static void check_vifes(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 0x80; code++) {
        if (code == 0x7C || code == 0x13 || code == 0x1E || code == 0x1F) {
            continue; /* FC has its own test, profiles are no values */
        }
        const uint8_t bytes[] = {INT16, 0x93, (uint8_t)code, 0x64, 0x00};
        const struct hyp_mbus_record record = decode(bytes, sizeof(bytes));
        const bool is_error = (code >= 0x01 && code <= 0x11) || (code >= 0x15 && code <= 0x1C);
        const bool is_time = code == 0x39 || ((code & 0xF2) == 0x42) || (code & 0xFA) == 0x6A;
        const bool is_duration = (code >= 0x50 && code <= 0x67);
        const bool is_count = code == 0x41 || code == 0x49;
        assert_int_equal(record.subject, code == 0x7F ? record.subject : Q(VOLUME));
        assert_int_equal(record.record_error != 0, is_error);
        assert_int_equal(record.quantity == Q(TIME), is_time);
        assert_int_equal(record.quantity == Q(DURATION), is_duration);
        assert_int_equal(record.quantity == Q(COUNT), is_count);
        if (code >= 0x70 && code <= 0x77) {
            assert_int_equal(record.decimal.exp10, -3 + (int)code - 0x70 - 6);
        } else if (code == 0x7D) {
            assert_int_equal(record.decimal.exp10, 0);
        } else if (code >= 0x78 && code <= 0x7B) {
            /* 100 x 10^-3 m3 + 10^(n-3) m3 */
            struct hyp_decimal milli;
            static const int64_t sums[] = {101, 110, 200, 1100};
            assert_int_equal(hyp_decimal_rescale(record.decimal, -3, &milli), HYP_OK);
            assert_int_equal(milli.digits, sums[code - 0x78]);
        } else if (!is_time && record.kind == HYP_VALUE_DECIMAL) {
            assert_int_equal(record.decimal.digits, 100);
        }
        if (code == 0x15 || code == 0x16 || code == 0x17 || code == 0x18) {
            assert_int_not_equal(record.quality, HYP_QUALITY_GOOD);
        }
    }
}

static void check_vifes_after_fc(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 0x80; code++) {
        const uint8_t bytes[] = {INT16, 0x93, 0xFC, (uint8_t)code, 0xFF, 0xFF};
        const struct hyp_mbus_record record = decode(bytes, sizeof(bytes));
        assert_int_equal(record.qualifier.phase, code >= 1 && code <= 7 ? code : 0);
        assert_int_equal(record.qualifier.quadrant, code >= 8 && code <= 11 ? code - 7 : 0);
        assert_int_equal(record.qualifier.direction, code == 0x10 ? 3 : code == 0x0C ? 4 : 0);
        switch (code) {
        case 0x11: assert_int_equal(record.quality, HYP_QUALITY_NO_VALUE); break;
        case 0x12:
            assert_int_equal(record.kind, HYP_VALUE_FLAGS);
            assert_int_equal(record.flags, 0xFFFF);
            break;
        default: assert_int_equal(record.decimal.digits, -1);
        }
    }
}

/* An OBIS declaration names a record; it is no volume of 61 million litres. */
static void check_obis(void **state)
{
    (void)state;
    const uint8_t bytes[] = {INT48, 0x93, 0x3F, 0xFF, 0x00, 0x01, 0x08, 0x00, 0x01};
    const struct hyp_mbus_record record = decode(bytes, sizeof(bytes));
    assert_int_equal(record.qualifier.what, HYP_MBUS_OBIS);
    assert_int_equal(record.quantity, Q(IDENTIFIER));
    assert_int_equal(record.unit, U(NONE));
    assert_int_equal(record.decimal.digits, 0x0100080100FF);
    assert_int_equal(record.decimal.exp10, 0);
}

/* Table 5: how long variable data is, and which codes are reserved. */
static void check_lengths(void **state)
{
    (void)state;
    for (unsigned lvar = 0; lvar <= 0xFF; lvar++) {
        size_t data = lvar <= 0xBF   ? lvar
                      : lvar <= 0xCF ? lvar - 0xC0
                      : lvar <= 0xDF ? lvar - 0xD0
                      : lvar <= 0xEF ? lvar - 0xE0
                      : lvar <= 0xF4 ? 4 * (lvar - 0xEC)
                      : lvar == 0xF5 ? 48
                                     : 64;
        const bool reserved =
            lvar > 0xF6 || (lvar >= 0xCA && lvar <= 0xCF) || (lvar >= 0xDA && lvar <= 0xDF);
        uint8_t bytes[260] = {0x0D, 0xFD, 0x0F, (uint8_t)lvar};
        memset(bytes + 4, 0x31, data);
        if (!reserved) {
            const struct hyp_mbus_record record = decode(bytes, 4 + data);
            assert_int_equal(record.data_len, data);
            continue;
        }
        struct hyp_mbus_records records;
        struct hyp_mbus_record record;
        hyp_mbus_records_init(&records, bytes, sizeof(bytes), NULL);
        assert_int_equal(hyp_mbus_records_next(&records, &record, NULL), HYP_UNSUPPORTED);
    }
}

/* Function, first bit of the storage number and length of every DIF but the
 * special ones. */
static void check_difs(void **state)
{
    (void)state;
    static const uint8_t lens[16] = {0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, 0, 6};
    static const enum hyp_function functions[4] = {HYP_FUNCTION_INSTANTANEOUS,
                                                   HYP_FUNCTION_MAXIMUM, HYP_FUNCTION_MINIMUM,
                                                   HYP_FUNCTION_ERROR};
    for (unsigned dif = 0; dif < 0x80; dif++) {
        if ((dif & 0x0F) == 0x0F) {
            continue;
        }
        /* A LVAR of 0 is a length byte and nothing behind it. */
        uint8_t bytes[16] = {(uint8_t)dif, 0x13};
        const size_t data = lens[dif & 0x0F];
        const size_t len = 2 + data + ((dif & 0x0F) == 0x0D ? 1 : 0);
        const struct hyp_mbus_record record = decode(bytes, len);
        assert_int_equal(record.function, functions[dif >> 4 & 3]);
        assert_int_equal(record.storage, dif >> 6);
        assert_int_equal(record.data_len, data);
        assert_int_equal(record.quality == HYP_QUALITY_NO_VALUE, data == 0);
    }
}

/* DIFE k: storage bits 1 + 4k, tariff bits 2k, subunit bit k; each of the ten alone. */
static void check_difes(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 10; k++) {
        for (unsigned bit = 0; bit < 7; bit++) {
            uint8_t bytes[16] = {0x81};
            for (unsigned i = 0; i <= k; i++) {
                bytes[1 + i] = (uint8_t)(i < k ? 0x80u : 1u << bit);
            }
            bytes[k + 2] = 0x13;
            const struct hyp_mbus_record record = decode(bytes, k + 4);
            assert_int_equal(record.storage, bit < 4 ? 1ull << (1 + 4 * k + bit) : 0);
            assert_int_equal(record.tariff, bit == 4 || bit == 5 ? 1u << (2 * k + bit - 4) : 0);
            assert_int_equal(record.subunit, bit == 6 ? 1u << k : 0);
        }
    }
}

/* What a low nibble F means. */
static void check_special_difs(void **state)
{
    (void)state;
    for (unsigned dif = 0x0F; dif <= 0xFF; dif += 0x10) {
        const uint8_t bytes[] = {(uint8_t)dif, 0x01, 0x13, 0x05};
        struct hyp_mbus_records records;
        struct hyp_mbus_record record;
        hyp_mbus_records_init(&records, bytes, sizeof(bytes), NULL);
        const enum hyp_status status = hyp_mbus_records_next(&records, &record, NULL);
        const bool rest = dif == 0x0F || dif == 0x1F || dif == 0x7F;
        const bool filler = dif == 0x2F;
        assert_int_equal(status, rest || filler ? HYP_OK : HYP_UNSUPPORTED);
        if (status == HYP_OK) {
            assert_int_equal(record.manufacturer_data, rest);
            assert_int_equal(record.more_follows, dif == 0x1F);
            assert_int_equal(records.more_follows, dif == 0x1F);
            assert_int_equal(record.data_len, rest ? 3 : 1);
            assert_int_equal(hyp_mbus_records_next(&records, &record, NULL), HYP_NOT_FOUND);
        }
    }
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, tables, check_table);
    TEST_ONE(&list, check_difs);
    TEST_ONE(&list, check_difes);
    TEST_ONE(&list, check_special_difs);
    TEST_ONE(&list, check_vifes);
    TEST_ONE(&list, check_vifes_after_fc);
    TEST_ONE(&list, check_obis);
    TEST_ONE(&list, check_lengths);
    return test_list_run(&list, "mbus_tables");
}
