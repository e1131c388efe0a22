/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PRIOS, the water telegram of Diehl's IZAR radio modules (CI A0..A7):
 *
 *     | interval | battery, leak | alarms | VIF | scrambled: 4B | now 4 | due 4 | date 2 | ..
 *
 * Modules that are set to send no due date end behind the volume. What follows a due date in
 * longer telegrams is scrambled alike and not known.
 *
 * interval: low nibble n, the module sends every 2^(n+2) s. battery: bits 4..0 half years left;
 * bit 7 leak now, 6 leak before, 5 blocked. alarms: 7 back flow, 6 underflow, 5 overflow, 4
 * under water, 3 / 2 sensor fraud now / before, 1 / 0 mechanical fraud now / before. The
 * scrambling is that of diehl.c with the same seeds; the first plain byte is always 4B, which
 * is the check.
 */
#include "protocol/wmbus/translate.h"

#include <string.h>

#define HEAD_LEN 4
#define PLAIN_SHORT 5
#define PLAIN_LEN 11
#define CHECK 0x4B
#define VIF_VOLUME_FIRST 0x10
#define VIF_VOLUME_LAST 0x17

/* Unscrambles in the telegram, so that the plain bytes can be shown. */
static bool unscramble(struct hyp_translation *translation)
{
    struct hyp_opening *opening = translation->opening;
    uint8_t *bytes = opening->telegram->plain + translation->offset + HEAD_LEN;
    const size_t len = translation->len - HEAD_LEN < PLAIN_LEN ? PLAIN_SHORT : PLAIN_LEN;
    uint32_t keys[HYP_DIEHL_KEYS];
    const size_t count = hyp_diehl_keys(opening, keys);
    for (size_t i = 0; i < count; i++) {
        uint8_t copy[PLAIN_LEN];
        memcpy(copy, bytes, len);
        hyp_diehl_scramble(keys[i], copy, len);
        if (copy[0] == CHECK) {
            opening->pos = translation->offset + HEAD_LEN;
            hyp_opening_enter_plain(opening, len, "scrambled by a 32-bit shift register");
            memcpy(bytes, copy, len);
            opening->telegram->encryption = HYP_ENCRYPTION_DECRYPTED;
            return true;
        }
    }
    return false;
}

static void put_state(struct hyp_translation *translation)
{
    const uint8_t *bytes = translation->bytes;
    const struct hyp_register period = {hyp_vib2(0xFD, 0x3C), 0, 0, 0};
    const struct hyp_register flags = {hyp_vib2(0xFD, 0x17), 0, 0, 0};
    /* Future operating time of the battery in months. */
    const struct hyp_register battery = {
        {3, {0xFD, 0xEE, 0x7E}},
        0, 0, 0
    };
    const int64_t interval_s = (int64_t)1 << ((bytes[0] & 0xF) + 2);
    const int64_t months = (bytes[1] & 0x1F) * 6;
    hyp_translation_note(translation, 0, 1, "interval", "sends every %lld s",
                         (long long)interval_s);
    hyp_translation_note(translation, 1, 1, "battery, leak", "%lld months left%s%s%s",
                         (long long)months, bytes[1] & 0x80 ? ", leak now" : "",
                         bytes[1] & 0x40 ? ", leak before" : "",
                         bytes[1] & 0x20 ? ", blocked" : "");
    hyp_translation_note(translation, 2, 1, "alarms", "%02X", bytes[2]);
    hyp_translation_note(translation, 3, 1, "VIF", "unit of the counters");
    hyp_translation_put(translation, &period, interval_s);
    hyp_translation_put(translation, &battery, months);
    hyp_translation_put(translation, &flags, bytes[2] | (bytes[1] & 0xE0) << 3);
}

static void put_counters(struct hyp_translation *translation)
{
    const uint8_t vif = translation->bytes[3];
    const int64_t now = (int64_t)hyp_translation_le(translation, HEAD_LEN + 1, 4);
    hyp_translation_note(translation, HEAD_LEN, 1, "check", "4B: the key is right");
    hyp_translation_note(translation, HEAD_LEN + 1, 4, "volume", "%lld now", (long long)now);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(vif), 0, 0, 0}, now);
}

static void put_due(struct hyp_translation *translation)
{
    const uint8_t vif = translation->bytes[3];
    const int64_t due = (int64_t)hyp_translation_le(translation, HEAD_LEN + 5, 4);
    hyp_translation_note(translation, HEAD_LEN + 5, 4, "volume", "%lld at the due date",
                         (long long)due);
    hyp_translation_note(translation, HEAD_LEN + 9, 2, "due date", "type G");
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(vif), 0, 1, 0}, due);
    hyp_translation_put_raw_date(translation, 0, 1, translation->bytes + HEAD_LEN + 9);
}

enum hyp_status hyp_prios_translate(struct hyp_translation *translation)
{
    if (translation->ci < 0xA0 || translation->ci > 0xA7) {
        return HYP_NOT_MINE;
    }
    if (translation->len < HEAD_LEN + PLAIN_SHORT ||
        translation->offset != HYP_WMBUS_LINK_HEADER + 1) {
        return HYP_MALFORMED;
    }
    const uint8_t vif = translation->bytes[3];
    if (vif < VIF_VOLUME_FIRST || vif > VIF_VOLUME_LAST) {
        return HYP_MALFORMED;
    }
    put_state(translation);
    if (!unscramble(translation)) {
        translation->opening->telegram->encryption = HYP_ENCRYPTION_WRONG_KEY;
        return HYP_WRONG_KEY;
    }
    put_counters(translation);
    if (translation->len >= HEAD_LEN + PLAIN_LEN) {
        put_due(translation);
    }
    return HYP_OK;
}
