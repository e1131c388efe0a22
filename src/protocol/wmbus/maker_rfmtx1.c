/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BMeters RFM-TX1, the radio module of water meters, old firmware (BMT version 05). Its short
 * header carries CFG 1006, no security mode of the standard. Behind it:
 *
 *     | masked: x 2, volume 4 (BCD, litres) | x 7 | s | min | h | day | month | year |
 *
 * Each masked byte i is XORed with the access number and with byte i of the mask that the
 * access number's low nibble chooses. Time is BCD, one byte each, year since 2000.
 */
#include "protocol/wmbus/translate.h"

#define MANUFACTURER_BMT 0x09B4
#define VERSION 0x05
#define CONFIGURATION 0x1006
#define MASKED 6
#define TIME_AT 13
#define LEN (TIME_AT + 6)
#define VIF_LITRE 0x13

static const uint8_t masks[16][MASKED] = {
    {117, 150, 122, 16,  26,  10 },
    {91,  127, 112, 19,  34,  19 },
    {179, 24,  185, 11,  142, 153},
    {142, 125, 121, 7,   74,  22 },
    {181, 145, 7,   154, 203, 105},
    {184, 163, 50,  161, 57,  14 },
    {189, 128, 156, 126, 96,  153},
    {39,  92,  180, 196, 128, 163},
    {48,  208, 10,  206, 25,  3  },
    {194, 76,  240, 5,   165, 134},
    {84,  75,  22,  152, 17,  94 },
    {75,  238, 12,  201, 125, 162},
    {135, 202, 74,  72,  228, 31 },
    {196, 135, 119, 46,  138, 232},
    {227, 48,  189, 120, 87,  140},
    {164, 154, 57,  111, 40,  5  },
};

bool hyp_rfmtx1_is(const struct hyp_telegram *telegram)
{
    return telegram->configuration == CONFIGURATION && telegram->meter.version == VERSION &&
           (telegram->meter.manufacturer_code & 0x7FFF) == MANUFACTURER_BMT;
}

/* Two BCD digits; -1 when a nibble is none. */
static int bcd(uint8_t byte)
{
    return byte >> 4 <= 9 && (byte & 0xF) <= 9 ? (byte >> 4) * 10 + (byte & 0xF) : -1;
}

/* Litres; -1 when the bytes are not BCD. */
static int64_t volume(const struct hyp_translation *translation)
{
    const uint8_t access = translation->opening->telegram->access;
    int64_t litres = 0;
    for (size_t i = MASKED; i > 2; i--) {
        const int two = bcd(translation->bytes[i - 1] ^ access ^ masks[access & 0xF][i - 1]);
        if (two < 0) {
            return -1;
        }
        litres = litres * 100 + two;
    }
    return litres;
}

static void put_time(struct hyp_translation *translation)
{
    const uint8_t *bytes = translation->bytes + TIME_AT;
    const struct hyp_civil time = {
        .year = (int16_t)(2000 + bcd(bytes[5])),
        .month = (uint8_t)bcd(bytes[4]),
        .day = (uint8_t)bcd(bytes[3]),
        .hour = (uint8_t)bcd(bytes[2]),
        .minute = (uint8_t)bcd(bytes[1]),
        .precision = HYP_CIVIL_MINUTE,
    };
    hyp_translation_note(translation, TIME_AT, 6, "time", "%04d-%02u-%02u %02u:%02u", time.year,
                         time.month, time.day, time.hour, time.minute);
    if (bcd(bytes[5]) >= 0) {
        hyp_translation_put_time(translation, 0, &time);
    }
}

enum hyp_status hyp_rfmtx1_translate(struct hyp_translation *translation)
{
    if (!hyp_rfmtx1_is(translation->opening->telegram)) {
        return HYP_NOT_MINE; /* new firmware sends ordinary records */
    }
    const int64_t litres = translation->len >= LEN ? volume(translation) : -1;
    if (litres < 0) {
        return HYP_MALFORMED;
    }
    hyp_translation_note(translation, 0, MASKED, "volume",
                         "masked by the access number: %lld l", (long long)litres);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(VIF_LITRE), 0, 0, 0},
                        litres);
    put_time(translation);
    return HYP_OK;
}
