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

#define CLAUSE "Diehl"
#define CHECK_MASK 0xEF
#define CONFIG_MARK 0x10 /* in the upper byte of CFG */
#define CONFIG_HIGH 14   /* offset of that byte */
#define SEED_LEN 14

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

bool hyp_diehl_is_maker(uint16_t manufacturer_code)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(makers); i++) {
        if (hyp_manufacturer_from_text(makers[i]) == (manufacturer_code & 0x7FFF)) {
            return true;
        }
    }
    return false;
}

bool hyp_diehl_is_scrambled(const struct hyp_opening *opening)
{
    const struct hyp_telegram *telegram = opening->telegram;
    if (telegram->link != HYP_LINK_WMBUS ||
        !hyp_diehl_is_maker(telegram->sender.manufacturer_code)) {
        return false;
    }
    /* Behind an extended link layer or a long header the seed bytes would not be these. */
    return opening->pos == CONFIG_HIGH + 1 && telegram->ci == 0x7A &&
           (telegram->plain[CONFIG_HIGH] & CONFIG_MARK) != 0;
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

/* Tries one folded key; the telegram is changed only when it fits. */
static bool try_key(struct hyp_opening *opening, uint32_t key)
{
    struct hyp_telegram *telegram = opening->telegram;
    uint8_t copy[HYP_WMBUS_TELEGRAM_MAX];
    const size_t len = hyp_opening_left(opening);
    memcpy(copy, hyp_opening_at(opening), len);
    key ^= be32(telegram->plain + 2) ^ be32(telegram->plain + 6) ^ be32(telegram->plain + 10);
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
    const struct hyp_telegram_context *context = opening->context;
    uint8_t own[8];
    if (context != NULL && context->find_short_key != NULL &&
        context->find_short_key(context->user, &opening->telegram->meter, own) &&
        try_key(opening, be32(own) ^ be32(own + 4))) {
        return true;
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(factory_keys); i++) {
        if (try_key(opening, factory_keys[i])) {
            return true;
        }
    }
    return false;
}

/* VER TYPE ID on air; the identity of the standard is ID VER TYPE. */
void hyp_diehl_swap_address(struct hyp_opening *opening)
{
    const uint8_t *air = opening->telegram->plain + 2;
    const uint8_t address[HYP_WMBUS_ADDRESS] = {air[0], air[1], air[4], air[5],
                                                air[6], air[7], air[2], air[3]};
    memcpy(opening->link_address, address, sizeof(address));
    memcpy(opening->meter_address, address, sizeof(address));
    hyp_identity_from_address(&opening->telegram->sender, address);
    opening->telegram->meter = opening->telegram->sender;
    hyp_explain_add(opening->explain, HYP_NOTE_ADDRESS, 4, 6, "address", CLAUSE,
                    "sent as VER TYPE ID: %s version %02X %s", opening->telegram->meter.id,
                    opening->telegram->meter.version,
                    hyp_medium_text(opening->telegram->meter.medium));
}

enum hyp_status hyp_diehl_open(struct hyp_opening *opening)
{
    struct hyp_telegram *telegram = opening->telegram;
    hyp_diehl_swap_address(opening);
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
