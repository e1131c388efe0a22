/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Qundis and Siemens (Landis & Staefa): the walk-by block `0D FF 5F 35`, 53 bytes:
 *
 *     0  | 00 | 82 | counter | 3 bytes | x | 07 | kind | VIF |
 *    10  | fault date 2 | now 4 (BCD) | due date 2 | due value 4 | month date 2 |
 *    24  | month value 4 | 12 months 2 each | x |
 *
 * kind: B0 allocator, C0 heat, C1 water. Months: what was consumed in each, with a sign as the
 * 8000 for "none" shows (type B); the last one is the newest. In front of the block `07 79`
 * carries the full address of the meter; the link address is that of a radio converter with the
 * same number.
 */
#include "protocol/wmbus/translate.h"

#include <string.h>

#define BLOCK_LEN 53
#define MONTHS 12
#define MONTHS_AT 28
#define STORAGE_DUE 1
#define STORAGE_MONTH 17
#define FUNCTION_ERROR 3

/* Eight BCD digits; -1 when a nibble is none. */
static int64_t bcd(const uint8_t *bytes)
{
    int64_t value = 0;
    for (size_t i = 4; i > 0; i--) {
        const uint8_t high = bytes[i - 1] >> 4;
        const uint8_t low = bytes[i - 1] & 0xF;
        if (high > 9 || low > 9) {
            return -1;
        }
        value = value * 100 + high * 10 + low;
    }
    return value;
}

static void put_value(struct hyp_translation *translation, size_t at, uint8_t vif,
                      uint8_t storage, const char *what)
{
    const int64_t value = bcd(translation->bytes + at);
    const struct hyp_register reg = {hyp_vib1(vif), 0, storage, 0};
    hyp_translation_note(translation, at, 4, "value", "%s: %lld", what, (long long)value);
    if (value >= 0) {
        hyp_translation_put(translation, &reg, value);
    } else {
        hyp_translation_put_absent(translation, &reg);
    }
}

static void put_date(struct hyp_translation *translation, size_t at, uint8_t function,
                     uint8_t storage, const char *what)
{
    hyp_translation_note(translation, at, 2, "date", "%s (type G)", what);
    hyp_translation_put_raw_date(translation, function, storage, translation->bytes + at);
}

static void put_months(struct hyp_translation *translation, uint8_t vif)
{
    hyp_translation_note(translation, MONTHS_AT, (size_t)MONTHS * 2, "months",
                         "consumption of 12 months, newest last, 8000 = none");
    for (size_t i = 0; i < MONTHS; i++) {
        /* The newest month ends at the month date: storage 17, the one before 18, ... */
        const size_t back = MONTHS - 1 - i;
        const struct hyp_register reg = {hyp_vib1(vif), 0, (uint8_t)(STORAGE_MONTH + back), 1};
        hyp_translation_put_i16(translation, &reg, MONTHS_AT + i * 2);
    }
}

/*
 * `07 79 ID M VER MED` of the same meter number: the address that the radio converter stands
 * for. Another number is not believed.
 */
static void take_address(struct hyp_translation *translation)
{
    static const uint8_t head[] = {0x07, 0x79};
    struct hyp_telegram *telegram = translation->opening->telegram;
    const uint8_t *data = telegram->plain + telegram->data_offset;
    if (telegram->data_len < sizeof(head) + HYP_WMBUS_ADDRESS ||
        memcmp(data, head, sizeof(head)) != 0) {
        return;
    }
    const uint8_t *id = data + sizeof(head);
    const uint8_t address[HYP_WMBUS_ADDRESS] = {id[4], id[5], id[0], id[1],
                                                id[2], id[3], id[6], id[7]};
    struct hyp_meter_identity meter;
    hyp_identity_from_address(&meter, address);
    if (meter.id_raw == telegram->sender.id_raw &&
        meter.manufacturer_code == telegram->sender.manufacturer_code) {
        telegram->meter = meter;
    }
}

enum hyp_status hyp_qundis_translate(struct hyp_translation *translation)
{
    const uint8_t *bytes = translation->bytes;
    if (translation->len != BLOCK_LEN || bytes[1] != 0x82 || bytes[7] != 0x07 ||
        (bytes[8] != 0xB0 && bytes[8] != 0xC0 && bytes[8] != 0xC1)) {
        return HYP_NOT_MINE;
    }
    const uint8_t vif = bytes[9];
    if (vif > 0x17 && vif != 0x6E) {
        return HYP_NOT_MINE; /* neither energy, volume nor allocator units */
    }
    take_address(translation);
    hyp_translation_note(translation, 0, 10, "head", "walk-by block, counter %u, kind %02X",
                         bytes[2], bytes[8]);
    put_date(translation, 10, FUNCTION_ERROR, 0, "last fault");
    put_value(translation, 12, vif, 0, "now");
    put_date(translation, 16, 0, STORAGE_DUE, "due date");
    put_value(translation, 18, vif, STORAGE_DUE, "at the due date");
    put_date(translation, 22, 0, STORAGE_MONTH, "month end");
    put_value(translation, 24, vif, STORAGE_MONTH, "at the month end");
    put_months(translation, vif);
    return HYP_OK;
}
