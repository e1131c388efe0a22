/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BMeters: bytes behind DIF 0F.
 *
 * HYDRODIGIT water (BMT), behind ordinary volume and time:
 *
 *     | content | [battery] | [fraud kind, its date 3] | [leak date 3] | [backflow 4 (l)] |
 *               | [12 months 3 each (10 l), January first] | [not known] |
 *
 * content: bit 0 battery, 1 fraud, 7 leak, 2 backflow, 4 months; the others announce nothing.
 * Fraud: bit 7 magnet, 6 sensor, 5 module removed. Dates are BCD: year, month, day; all 0 =
 * none. A month before the module was started is FFFFFF. (Bits 1 and 7: wmbusmeters, driver
 * hydrodigit.)
 *
 * HYDROCLIMA allocators (BMP), temperatures in 0.01 degC, dates of type G:
 *
 *     10 | status 2 | time 2 | date 2 | room mean 2 | room maximum 2 | its date 2 | count 2 |
 *        | last month's room 2 | last month's radiator 2 | units 2 | total 3 |
 *     11 | status 2 | time 2 | date 2 | date of opening 2 | radiator mean 2 | room mean 2 |
 *        | room maximum 2 | its date 2 | last month's radiator 2 | last month's room 2 |
 *        | past units 4 x 2 | past room means 3 x 2 | counters of temperatures 3 x 3 |
 *        | total 3 |
 */
#include "protocol/wmbus/translate.h"

#define VIF_LITRE 0x13
#define VIF_10_LITRES 0x14
#define VIF_HCA 0x6E
#define VIF_RADIATOR 0x59
#define VIF_ROOM 0x65
#define STORAGE_MONTH 17
#define FUNCTION_MAXIMUM 1
#define FUNCTION_ERROR 3

/* --- HYDRODIGIT --- */

enum {
    CONTENT_BATTERY = 1 << 0,
    CONTENT_FRAUD = 1 << 1,
    CONTENT_BACKFLOW = 1 << 2,
    CONTENT_MONTHS = 1 << 4,
    CONTENT_LEAK = 1 << 7,
};

#define SUBUNIT_FRAUD 0
#define SUBUNIT_LEAK 1
#define VOLUME_MAX 99999999 /* eight digits of litres */
#define MONTH_MAX 9999999   /* what the meter's register holds; more means: not yet active */

/* Millivolts by the low nibble of the battery byte. */
static const uint16_t battery_mv[16] = {3700, 1900, 2100, 2200, 2300, 2400, 2500, 2650,
                                        2800, 2900, 3050, 3200, 3350, 3500, 3700, 3700};

static void put_battery(struct hyp_translation *translation, size_t at)
{
    const struct hyp_register reg = {hyp_vib2(0xFD, 0x46), 0, 0, 0};
    const int64_t mv = battery_mv[translation->bytes[at] & 0xF];
    hyp_translation_note(translation, at, 1, "battery", "%lld mV", (long long)mv);
    hyp_translation_put(translation, &reg, mv);
}

static void put_date(struct hyp_translation *translation, size_t at, uint8_t subunit,
                     const char *what)
{
    const uint8_t *bytes = translation->bytes + at;
    const struct hyp_civil date = {
        .year = (int16_t)(2000 + hyp_translation_bcd(bytes[0])),
        .month = (uint8_t)hyp_translation_bcd(bytes[1]),
        .day = (uint8_t)hyp_translation_bcd(bytes[2]),
        .precision = HYP_CIVIL_DATE,
    };
    hyp_translation_note(translation, at, 3, what, "%04d-%02u-%02u", date.year, date.month,
                         date.day);
    hyp_translation_put_fault_date(translation, subunit, &date);
}

static void put_fraud(struct hyp_translation *translation, size_t at)
{
    const struct hyp_register flags = {hyp_vib2(0xFD, 0x17), 0, 0, 0};
    const uint8_t kind = translation->bytes[at];
    hyp_translation_note(translation, at, 1, "fraud", "%02X: 80 magnet, 40 sensor, 20 removed",
                         kind);
    hyp_translation_put(translation, &flags, kind);
    put_date(translation, at + 1, SUBUNIT_FRAUD, "fraud");
}

static void put_leak(struct hyp_translation *translation, size_t at)
{
    put_date(translation, at, SUBUNIT_LEAK, "leak");
}

static void put_backflow(struct hyp_translation *translation, size_t at)
{
    /* Absolute value of backward contributions. */
    const struct hyp_register reg = {hyp_vib2(VIF_LITRE | 0x80, 0x3C), 0, 0, 0};
    const int64_t litres = (int64_t)hyp_translation_le(translation, at, 4);
    hyp_translation_note(translation, at, 4, "backflow", "%lld l", (long long)litres);
    if (litres > VOLUME_MAX) {
        hyp_translation_put_absent(translation, &reg);
    } else {
        hyp_translation_put(translation, &reg, litres);
    }
}

static void put_months(struct hyp_translation *translation, size_t at)
{
    for (size_t month = 0; month < 12; month++) {
        /* The register of a calendar month; it holds its end of this year or of the last. */
        const struct hyp_register reg = {hyp_vib1(VIF_10_LITRES), 0, (uint8_t)(month + 1), 0};
        const int64_t value = (int64_t)hyp_translation_le(translation, at + month * 3, 3);
        if (value > MONTH_MAX) {
            hyp_translation_put_absent(translation, &reg);
        } else {
            hyp_translation_put(translation, &reg, value);
        }
    }
    hyp_translation_note(translation, at, 36, "months", "volume at month ends, January first");
}

/* In the order in which they follow the content byte. */
static const struct part {
    uint8_t content;
    uint8_t len;
    void (*put)(struct hyp_translation *translation, size_t at);
} parts[] = {
    {CONTENT_BATTERY,  1,  put_battery },
    {CONTENT_FRAUD,    4,  put_fraud   },
    {CONTENT_LEAK,     3,  put_leak    },
    {CONTENT_BACKFLOW, 4,  put_backflow},
    {CONTENT_MONTHS,   36, put_months  },
};

enum hyp_status hyp_bmeters_hydrodigit_translate(struct hyp_translation *translation)
{
    if (translation->len == 0) {
        return HYP_NOT_MINE;
    }
    const uint8_t content = translation->bytes[0];
    size_t at = 1;
    hyp_translation_note(translation, 0, 1, "content", "%02X", content);
    for (size_t i = 0; i < HYP_ARRAY_LEN(parts); i++) {
        const struct part *part = &parts[i];
        if ((content & part->content) == 0) {
            continue;
        }
        if (at + part->len > translation->len) {
            break; /* cut: what came before stands */
        }
        part->put(translation, at);
        at += part->len;
    }
    if (at < translation->len) {
        hyp_translation_note(translation, at, translation->len - at, "not known",
                             "meaning not known");
    }
    return HYP_OK;
}

/* --- HYDROCLIMA --- */

static void put_temperature(struct hyp_translation *translation, size_t at, uint8_t vif,
                            uint8_t function, uint8_t storage, const char *what)
{
    const struct hyp_register reg = {hyp_vib1(vif), function, storage, 0};
    hyp_translation_note(translation, at, 2, "temperature", "%s, %d x 0.01 °C", what,
                         hyp_translation_i16(translation, at));
    hyp_translation_put_i16(translation, &reg, at);
}

static void put_units(struct hyp_translation *translation, size_t at, size_t len,
                      uint8_t storage, uint8_t subunit, const char *what)
{
    const struct hyp_register reg = {hyp_vib1(VIF_HCA), 0, storage, subunit};
    const int64_t value = (int64_t)hyp_translation_le(translation, at, len);
    hyp_translation_note(translation, at, len, "units", "%s: %lld", what, (long long)value);
    hyp_translation_put(translation, &reg, value);
}

#define SHORT_LEN 24
#define LONG_LEN 47
#define OPENED_AT 7
#define COUNTERS_AT 35
#define TOTAL_AT 44

static void translate_short(struct hyp_translation *translation)
{
    put_temperature(translation, 7, VIF_ROOM, 0, 0, "room, mean");
    put_temperature(translation, 9, VIF_ROOM, FUNCTION_MAXIMUM, 0, "room, maximum");
    put_temperature(translation, 15, VIF_ROOM, 0, STORAGE_MONTH, "room, last month");
    put_temperature(translation, 17, VIF_RADIATOR, 0, STORAGE_MONTH, "radiator, last month");
    put_units(translation, 21, 3, 0, 1, "total");
}

/* Past readings of unknown dates: registers of their own, behind those with a meaning. */
#define STORAGE_PAST 2

/* Bytes 0 0 say that the housing was never opened. */
static void put_opened(struct hyp_translation *translation)
{
    const struct hyp_civil none = {.year = 0};
    const bool opened = hyp_translation_le(translation, OPENED_AT, 2) != 0;
    hyp_translation_note(translation, OPENED_AT, 2, "opened", "%s",
                         opened ? "date of the housing's last opening (type G)" : "never");
    if (opened) {
        hyp_translation_put_raw_date(translation, FUNCTION_ERROR, 0,
                                     translation->bytes + OPENED_AT);
    } else {
        hyp_translation_put_fault_date(translation, 0, &none);
    }
}

static void translate_long(struct hyp_translation *translation)
{
    put_opened(translation);
    put_temperature(translation, 9, VIF_RADIATOR, 0, 0, "radiator, mean");
    put_temperature(translation, 11, VIF_ROOM, 0, 0, "room, mean");
    put_temperature(translation, 13, VIF_ROOM, FUNCTION_MAXIMUM, 0, "room, maximum");
    put_temperature(translation, 17, VIF_RADIATOR, 0, STORAGE_MONTH, "radiator, last month");
    put_temperature(translation, 19, VIF_ROOM, 0, STORAGE_MONTH, "room, last month");
    for (size_t i = 0; i < 4; i++) {
        put_units(translation, 21 + 2 * i, 2, (uint8_t)(STORAGE_PAST + i), 0, "past");
    }
    for (size_t i = 0; i < 3; i++) {
        put_temperature(translation, 29 + 2 * i, VIF_ROOM, 0, (uint8_t)(STORAGE_PAST + i),
                        "past room mean");
    }
    hyp_translation_note(translation, COUNTERS_AT, TOTAL_AT - COUNTERS_AT, "counters",
                         "how often which temperature was measured, 3 of 3 bytes");
    put_units(translation, TOTAL_AT, 3, 0, 1, "total");
}

enum hyp_status hyp_bmeters_hydroclima_translate(struct hyp_translation *translation)
{
    const uint8_t kind = translation->len > 0 ? translation->bytes[0] : 0;
    if (kind == 0x10 && translation->len >= SHORT_LEN) {
        hyp_translation_note(translation, 0, 7, "head", "kind, status, time and date");
        translate_short(translation);
        return HYP_OK;
    }
    if (kind == 0x11 && translation->len >= LONG_LEN) {
        hyp_translation_note(translation, 0, 7, "head", "kind, status, time and date");
        translate_long(translation);
        return HYP_OK;
    }
    return HYP_NOT_MINE;
}
