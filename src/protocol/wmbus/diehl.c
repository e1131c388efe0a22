/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scrambled "real data" telegrams of Diehl Metering (Hydrometer, Sappel) and of the Danfoss
 * SONOMETER 1000 / 1100, which are made by the same house: not AES, but a stream of a 32-bit
 * feedback shift register.
 *
 *     | L C | M 2 | VER TYPE ID 4 | 7A | ACC ST CFG 2 | scrambled records |
 *
 * The address is not in the order of the standard (VER TYPE first). Bit 12 of the configuration
 * word marks them; its upper byte is a check of the plain bytes, so it is no security mode. The
 * register starts with key ^ telegram bytes 2..5 ^ 6..9 ^ 10..13 (big endian, as received);
 * each byte is XORed with the low byte of the register after eight shifts, the new bit being
 * the parity of bits 1, 2, 11 and 31. Proven by two Danfoss telegrams whose display is known.
 */
#include "protocol/wmbus/layers.h"

#include "protocol/wmbus/walk.h"

#include <string.h>

#define CHECK_MASK 0xEF
#define CONFIG_MARK 0x10 /* in the upper byte of CFG */
#define CONFIG_HIGH 14   /* offset of that byte */
#define CI_DATA 0x7A
#define CI_ALARM 0x71

static const char makers[][3] = {
    {'D', 'M', 'E'},
    {'H', 'Y', 'D'},
    {'E', 'W', 'T'},
    {'S', 'A', 'P'},
    {'S', 'P', 'L'},
    {'D', 'F', 'S'},
};

/* The keys the factories use, already folded (high word ^ low word). */
static const uint32_t factory_keys[] = {
    0x51728910 ^ 0xE66D83F8,
    0x39BC8A10 ^ 0xE66D83F8,
};

static uint32_t be32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           bytes[3];
}

void hyp_diehl_scramble(uint32_t key, uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        for (unsigned shift = 0; shift < 8; shift++) {
            const uint32_t bit = (key >> 1 ^ key >> 2 ^ key >> 11 ^ key >> 31) & 1;
            key = key << 1 | bit;
        }
        data[i] ^= (uint8_t)key;
    }
}

static bool is_maker(const uint8_t *manufacturer)
{
    const uint16_t code = (uint16_t)(manufacturer[0] | (manufacturer[1] & 0x7F) << 8);
    for (size_t i = 0; i < HYP_ARRAY_LEN(makers); i++) {
        if (hyp_manufacturer_from_text(makers[i]) == code) {
            return true;
        }
    }
    return false;
}

enum hyp_diehl_kind hyp_diehl_kind_of(const uint8_t *telegram, size_t len)
{
    if (len <= CONFIG_HIGH || !is_maker(telegram + 2)) {
        return HYP_DIEHL_NONE;
    }
    const uint8_t ci = telegram[HYP_WMBUS_LINK_HEADER];
    if (ci == CI_ALARM || (ci == CI_DATA && (telegram[CONFIG_HIGH] & CONFIG_MARK) != 0)) {
        return HYP_DIEHL_SCRAMBLED;
    }
    /* Sappel's own PRIOS telegrams keep the order of the standard. */
    const uint16_t sappel = hyp_manufacturer_from_text("SAP");
    if (ci >= 0xA0 && ci <= 0xA7 && (telegram[2] | telegram[3] << 8) != sappel) {
        return HYP_DIEHL_PRIOS;
    }
    return HYP_DIEHL_NONE;
}

size_t hyp_diehl_keys(const struct hyp_opening *opening,
                      uint32_t ret_keys[static HYP_DIEHL_KEYS])
{
    const struct hyp_telegram_context *context = opening->context;
    const uint8_t *air = opening->telegram->plain;
    const uint32_t seed = be32(air + 2) ^ be32(air + 6) ^ be32(air + 10);
    size_t count = 0;
    uint8_t own[8];
    if (context != NULL && context->find_short_key != NULL &&
        context->find_short_key(context->user, &opening->telegram->meter, own)) {
        ret_keys[count++] = be32(own) ^ be32(own + 4) ^ seed;
        hyp_wipe(own, sizeof(own));
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(factory_keys); i++) {
        ret_keys[count++] = factory_keys[i] ^ seed;
    }
    return count;
}

bool hyp_diehl_factory_key(const struct hyp_meter_identity *meter, struct hyp_aes_key *ret_key)
{
    /* The factory's 8 bytes, twice. */
    static const struct hyp_aes_key key = {
        {0x51, 0x72, 0x89, 0x10, 0xE6, 0x6D, 0x83, 0xF8, 0x51, 0x72, 0x89, 0x10, 0xE6, 0x6D,
         0x83, 0xF8}
    };
    const uint8_t code[2] = {(uint8_t)meter->manufacturer_code,
                             (uint8_t)(meter->manufacturer_code >> 8)};
    if (!is_maker(code)) {
        return false;
    }
    *ret_key = key;
    return true;
}

static bool is_right(const struct hyp_telegram *telegram, const uint8_t *plain, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += plain[i];
    }
    return ((sum ^ telegram->plain[CONFIG_HIGH]) & CHECK_MASK) == 0 &&
           hyp_walk_all(plain, len, NULL);
}

/* Tries one seed; the telegram is changed only when it fits. */
static bool try_key(struct hyp_opening *opening, uint32_t key)
{
    struct hyp_telegram *telegram = opening->telegram;
    uint8_t copy[HYP_OPENING_DATA_MAX];
    const size_t len = hyp_opening_left(opening);
    memcpy(copy, hyp_opening_at(opening), len);
    hyp_diehl_scramble(key, copy, len);
    if (!is_right(telegram, copy, len)) {
        return false;
    }
    hyp_opening_enter_plain(opening, len, "scrambled by a 32-bit shift register");
    memcpy(hyp_opening_at(opening), copy, len);
    return true;
}

static bool try_keys(struct hyp_opening *opening)
{
    uint32_t keys[HYP_DIEHL_KEYS];
    const size_t count = hyp_diehl_keys(opening, keys);
    for (size_t i = 0; i < count; i++) {
        if (try_key(opening, keys[i])) {
            return true;
        }
    }
    return false;
}

enum hyp_status hyp_diehl_open(struct hyp_opening *opening)
{
    struct hyp_telegram *telegram = opening->telegram;
    const bool accept_plain = opening->context != NULL && opening->context->accept_plain;
    if (try_keys(opening)) {
        telegram->encryption = HYP_ENCRYPTION_DECRYPTED;
    } else if (accept_plain &&
               hyp_walk_all(hyp_opening_at(opening), hyp_opening_left(opening), NULL)) {
        telegram->encryption = HYP_ENCRYPTION_ALREADY_PLAIN;
    } else {
        telegram->encryption = HYP_ENCRYPTION_WRONG_KEY;
        return hyp_opening_refuse(
            opening, HYP_WRONG_KEY, opening->pos,
            "scrambled; neither the factory keys nor that of %s %s open it",
            telegram->meter.manufacturer, telegram->meter.id);
    }
    telegram->content = HYP_CONTENT_RECORDS;
    telegram->data_offset = opening->pos;
    telegram->data_len = hyp_opening_left(opening);
    return HYP_OK;
}
