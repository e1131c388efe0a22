/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three small layouts.
 *
 * BFW 240 radio allocator (BFW 02/08), behind 2F 2F, numbers most significant byte first:
 *
 *     | x 2 | last season 2 | now 2 | x 2 | 18 months, two in three bytes | D M Y (BCD) |
 *
 * Two months a, b of 12 bits: a low byte, a high nibble | b high nibble, b low byte; the last
 * is the newest.
 *
 * Zenner water 0B/16, behind DIF 0F: `| x 4 | due value 4 | now 4 | ..`, in 1/256 litre.
 *
 * GWF 3C and 01/0E, behind DIF 0F: `| 01 | flags 1 | battery and power mode 1 | ..`. The flags
 * become FD 17, the other byte stays together as FF 01 (profile gwf_water takes it apart);
 * what begins with another number than 01 is not known.
 */
#include "protocol/wmbus/translate.h"

#define VIF_HCA 0x6E
#define STORAGE_MONTH 17

/* --- BFW --- */

#define BFW_LEN 38
#define BFW_MONTHS 18
#define BFW_MONTHS_AT 8
#define BFW_DATE_AT 35

static int64_t be16(const uint8_t *bytes)
{
    return bytes[0] << 8 | bytes[1];
}

/* Month `n` from the oldest (0) to the newest (17). */
static int64_t bfw_month(const uint8_t *months, size_t n)
{
    const uint8_t *three = months + n / 2 * 3;
    return n % 2 == 0 ? (three[1] & 0xF0) << 4 | three[0] : (three[1] & 0xF) << 8 | three[2];
}

enum hyp_status hyp_bfw_translate(struct hyp_translation *translation)
{
    const uint8_t *bytes = translation->bytes;
    if (translation->len != BFW_LEN) {
        return HYP_NOT_MINE;
    }
    const struct hyp_civil date = {
        .year = (int16_t)(2000 + hyp_translation_bcd(bytes[BFW_DATE_AT + 2])),
        .month = (uint8_t)hyp_translation_bcd(bytes[BFW_DATE_AT + 1]),
        .day = (uint8_t)hyp_translation_bcd(bytes[BFW_DATE_AT]),
        .precision = HYP_CIVIL_DATE,
    };
    if (!hyp_civil_is_valid(&date)) {
        return HYP_MALFORMED;
    }
    hyp_translation_note(translation, 2, 2, "units", "%lld last season",
                         (long long)be16(bytes + 2));
    hyp_translation_note(translation, 4, 2, "units", "%lld now", (long long)be16(bytes + 4));
    hyp_translation_note(translation, BFW_MONTHS_AT, BFW_MONTHS / 2 * 3, "months",
                         "units at 18 month ends, newest last");
    hyp_translation_note(translation, BFW_DATE_AT, 3, "date", "%04d-%02u-%02u", date.year,
                         date.month, date.day);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(VIF_HCA), 0, 0, 0},
                        be16(bytes + 4));
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(VIF_HCA), 0, 1, 0},
                        be16(bytes + 2));
    for (size_t n = 0; n < BFW_MONTHS; n++) {
        const uint8_t storage = (uint8_t)(STORAGE_MONTH + BFW_MONTHS - 1 - n);
        hyp_translation_put(translation,
                            &(struct hyp_register){hyp_vib1(VIF_HCA), 0, storage, 0},
                            bfw_month(bytes + BFW_MONTHS_AT, n));
    }
    hyp_translation_put_date(translation, 0, 0, &date);
    return HYP_OK;
}

/* --- Zenner --- */

#define ZENNER_LEN 12

static void put_256th(struct hyp_translation *translation, size_t at, uint8_t storage,
                      const char *what)
{
    /* 1/256 l has eight exact decimals: 10^-6 m3 and a factor of 10^-5. */
    const struct hyp_register reg = {hyp_vib2(0x90, 0x71), 0, storage, 0};
    const int64_t raw = (int64_t)hyp_translation_le(translation, at, 4);
    hyp_translation_note(translation, at, 4, "volume", "%s, %lld / 256 l", what,
                         (long long)raw);
    if (raw == UINT32_MAX) {
        hyp_translation_put_absent(translation, &reg); /* erased memory */
    } else {
        hyp_translation_put(translation, &reg, raw * 390625);
    }
}

enum hyp_status hyp_zenner_translate(struct hyp_translation *translation)
{
    if (translation->len < ZENNER_LEN) {
        return HYP_NOT_MINE;
    }
    hyp_translation_note(translation, 0, 4, "status", "not known");
    put_256th(translation, 4, 1, "at the due date");
    put_256th(translation, 8, 0, "now");
    return HYP_OK;
}

/* --- GWF --- */

#define GWF_LEN 3
#define GWF_KIND 0x01

enum hyp_status hyp_gwf_translate(struct hyp_translation *translation)
{
    const uint8_t *bytes = translation->bytes;
    if (translation->len < GWF_LEN || bytes[0] != GWF_KIND) {
        return HYP_NOT_MINE;
    }
    hyp_translation_note(translation, 0, 1, "kind", "flags and battery");
    hyp_translation_note(translation, 1, 1, "flags", "%02X", bytes[1]);
    hyp_translation_note(translation, 2, 1, "battery", "%u half years%s", bytes[2] >> 3,
                         (bytes[2] & 1) != 0 ? ", saves power" : "");
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib2(0xFD, 0x17), 0, 0, 0},
                        bytes[1]);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib2(0xFF, 0x01), 0, 0, 0},
                        bytes[2]);
    return HYP_OK;
}
