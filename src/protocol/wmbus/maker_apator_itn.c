/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apator E-ITN heat cost allocators (CI A0).
 *
 * E-ITN 30 (version 04):
 *
 *     | season start 2 | x | prev units 2 | fault date 2 | units 2 | date 2 | prev room 2 |
 *     | room 2 |
 *
 * E-ITN 40 (versions 09 and 0D; 0A and 0E are the same under AES and stay undecoded):
 *
 *     | x 2 | season start 2 | radiator 2 | room 2 | units this month 2 |
 *     | 15 months 2 each, last first | units 2 | prev units 2 | season before 2 |
 *     | season before that 2 | date 2 | day of the week 2 | seal 2 |
 *
 * Dates are 5 bits day, 4 bits month, 7 bits year; a season starts every year on one day, so
 * its year is 0 on the wire. Temperatures: means in 1/256 degC (30), now in 1/16 degC (40).
 * Layout of the 40: wmbusmeters issue 1144 and its driver apatoreitn40.
 */
#include "protocol/wmbus/translate.h"

#define VIF_HCA 0x6E
#define STORAGE_RUNNING_MONTH 16
#define CI_ITN 0xA0

static void put_units(struct hyp_translation *translation, size_t at, uint8_t storage,
                      uint8_t subunit, const char *what)
{
    const struct hyp_register reg = {hyp_vib1(VIF_HCA), 0, storage, subunit};
    const int64_t units = (int64_t)hyp_translation_le(translation, at, 2);
    hyp_translation_note(translation, at, 2, "units", "%lld %s", (long long)units, what);
    hyp_translation_put(translation, &reg, units);
}

/* A temperature of two bytes with a sign; the least one says that nothing was measured. */
static void put_scaled(struct hyp_translation *translation, const struct hyp_register *reg,
                       int64_t raw, int64_t factor)
{
    if (raw == INT16_MIN) {
        hyp_translation_put_absent(translation, reg);
    } else {
        hyp_translation_put(translation, reg, raw * factor);
    }
}

static struct hyp_civil put_now(struct hyp_translation *translation, size_t at)
{
    const struct hyp_civil now = hyp_translation_date(translation, at);
    hyp_translation_note(translation, at, 2, "date", "now %04d-%02u-%02u", now.year, now.month,
                         now.day);
    hyp_translation_put_date(translation, 0, 0, &now);
    return now;
}

/* The season's first day comes every year: the last one that is not after the present day. */
static void put_season_start(struct hyp_translation *translation, size_t at,
                             const struct hyp_civil *now)
{
    struct hyp_civil start = hyp_translation_date(translation, at);
    hyp_translation_note(translation, at, 2, "season", "starts on %02u-%02u of every year",
                         start.month, start.day);
    const bool later =
        start.month > now->month || (start.month == now->month && start.day > now->day);
    start.year = (int16_t)(now->year - (later ? 1 : 0));
    if (hyp_civil_is_valid(now)) {
        hyp_translation_put_date(translation, 0, 1, &start);
    }
}

/* --- E-ITN 30 --- */

#define ITN30_LEN 15

/* 1/256 degC has eight exact decimals; the VIF offers three: x 10^-3 and a factor of 10^-5. */
static void put_mean(struct hyp_translation *translation, size_t at, uint8_t storage)
{
    const struct hyp_register reg = {hyp_vib2(0xE4, 0x71), 0, storage, 0};
    const int64_t raw = hyp_translation_i16(translation, at);
    hyp_translation_note(translation, at, 2, "room", "mean temperature, %lld / 256 °C",
                         (long long)raw);
    put_scaled(translation, &reg, raw, 390625);
}

enum hyp_status hyp_apator_itn_translate(struct hyp_translation *translation)
{
    if (translation->ci != CI_ITN) {
        return HYP_NOT_MINE;
    }
    if (translation->len < ITN30_LEN) {
        return HYP_MALFORMED;
    }
    const struct hyp_civil broken = hyp_translation_date(translation, 5);
    hyp_translation_note(translation, 2, 1, "not known", "%02X", translation->bytes[2]);
    put_units(translation, 7, 0, 0, "now");
    put_units(translation, 3, 1, 0, "last season");
    hyp_translation_note(translation, 5, 2, "date", "seal broken %04d-%02u-%02u", broken.year,
                         broken.month, broken.day);
    hyp_translation_put_fault_date(translation, 0, &broken);
    const struct hyp_civil now = put_now(translation, 9);
    put_season_start(translation, 0, &now);
    put_mean(translation, 11, 1);
    put_mean(translation, 13, 0);
    return HYP_OK;
}

/* --- E-ITN 40 --- */

#define ITN40_LEN 54
#define MONTHS 15
#define MONTHS_AT 10
#define SEASONS 4
#define SEASONS_AT 40

/* 1/16 degC: 10^-3 and a factor of 10^-1. */
static void put_sensor(struct hyp_translation *translation, size_t at, uint8_t vif,
                       const char *what)
{
    const struct hyp_register reg = {hyp_vib2(vif | 0x80, 0x75), 0, 0, 0};
    const int64_t raw = hyp_translation_i16(translation, at);
    hyp_translation_note(translation, at, 2, what, "%lld / 16 °C", (long long)raw);
    put_scaled(translation, &reg, raw, 625);
}

enum hyp_status hyp_apator_itn40_translate(struct hyp_translation *translation)
{
    static const char *const seasons[SEASONS] = {"this season", "last season",
                                                 "the season before", "three seasons ago"};
    const struct hyp_register flags = {hyp_vib2(0xFD, 0x17), 0, 0, 0};
    if (translation->ci != CI_ITN) {
        return HYP_NOT_MINE;
    }
    if (translation->len < ITN40_LEN) {
        return HYP_MALFORMED;
    }
    hyp_translation_note(translation, 0, 2, "not known", "always 0");
    for (size_t i = 0; i < SEASONS; i++) {
        put_units(translation, SEASONS_AT + 2 * i, (uint8_t)i, 0, seasons[i]);
    }
    put_sensor(translation, 4, 0x58, "radiator");
    put_sensor(translation, 6, 0x64, "room");
    put_units(translation, 8, STORAGE_RUNNING_MONTH, 1, "in the running month");
    for (size_t i = 0; i < MONTHS; i++) {
        put_units(translation, MONTHS_AT + 2 * i, (uint8_t)(STORAGE_RUNNING_MONTH + 1 + i), 1,
                  "in a month before, last one first");
    }
    const struct hyp_civil now = put_now(translation, 48);
    put_season_start(translation, 2, &now);
    hyp_translation_note(translation, 50, 2, "day of the week", "%u", translation->bytes[50]);
    hyp_translation_note(translation, 52, 2, "seal", "FFFF = broken, 0 = whole");
    hyp_translation_put(translation, &flags, (int64_t)hyp_translation_le(translation, 52, 2));
    return HYP_OK;
}
