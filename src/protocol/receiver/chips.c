/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw chips of modes S, T and C, as software radios print them: text lines in which a long run
 * of hex digits are chips, the first in the highest bit. What stands around them (a count of
 * bits in braces, names, JSON) is passed over.
 *
 *     .. 01010101 | 000111011010010110 | Manchester chips of frame format A  mode S
 *     .. 01010101 | 0000111101 | 3-of-6 chips of frame format A              mode T
 *     .. 01010101 | 0000111101 | 0101010011001101 | frame format A           mode C
 *     .. 01010101 | 0000111101 | 0101010000111101 | frame format B           mode C
 *
 * Every place where the synchronisation pattern stands is tried, at any bit, and the first chip
 * of the run too, for radios that take the preamble away. Nothing but the block CRCs tells a
 * telegram from noise, so a telegram without them all being right is none.
 */
#include "protocol/receiver/receiver.h"

#include "base/str.h"
#include "protocol/wmbus/link.h"
#include "protocol/wmbus/three_of_six.h"

#include <assert.h>
#include <string.h>

#define LINE_MAX 8192
#define RUN_MIN 32 /* digits; the shortest telegram has 36 in mode T, 32 with its sync in C */
#define SYNC_S_BITS 18
#define SYNC_S 0x07696u
#define SYNC_BITS 10
#define SYNC 0x03Du
#define MODE_C_BITS 16
#define MODE_C_A 0x54CDu
#define MODE_C_B 0x543Du
#define FIRST_BLOCK 10
#define BLOCK 16
/* Format A of the longest telegram in Manchester code, with preamble and noise around it. */
#define CHIP_BYTES 640
static_assert(CHIP_BYTES >= 2 * HYP_RECEIVER_TELEGRAM_MAX, "two chips a bit");

struct chips {
    uint8_t bytes[CHIP_BYTES];
    size_t bits;
};

/* `count` chips (at most 16) from place `at`; beyond the end they are 0. */
static unsigned chips_at(const struct chips *chips, size_t at, unsigned count)
{
    unsigned value = 0;
    for (size_t i = at; i < at + count; i++) {
        unsigned chip =
            i < chips->bits ? (unsigned)chips->bytes[i / 8] >> (7 - i % 8) & 1u : 0u;
        value = value << 1 | chip;
    }
    return value;
}

/* The chips from place `at`, moved so that the first is in the highest bit. */
static size_t align(const struct chips *chips, size_t at, uint8_t out[static CHIP_BYTES])
{
    size_t len = (chips->bits - at) / 8;
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)chips_at(chips, at + i * 8, 8);
    }
    return len;
}

/* Bytes of the telegram that L speaks of; 0 = L cannot be right. */
static size_t length_of(uint8_t l, enum hyp_wmbus_format format)
{
    if (l < FIRST_BLOCK) {
        return 0;
    }
    size_t rest = (size_t)l + 1 - FIRST_BLOCK;
    return format == HYP_WMBUS_FORMAT_A ? (size_t)l + 1 + 2 + 2 * ((rest + BLOCK - 1) / BLOCK)
                                        : (size_t)l + 1;
}

static bool take(const uint8_t *bytes, size_t len, enum hyp_wmbus_format format,
                 struct hyp_receiver_find *find)
{
    size_t total = len == 0 ? 0 : length_of(bytes[0], format);
    uint8_t stripped[HYP_WMBUS_TELEGRAM_MAX];
    struct hyp_wmbus_link link;
    if (total == 0 || total > len || total > sizeof(find->telegram) ||
        hyp_wmbus_link_parse(bytes, total, stripped, &link, NULL, NULL) != HYP_OK ||
        link.format != format) {
        return false;
    }
    memcpy(find->telegram, bytes, total);
    find->len = total;
    find->outcome = HYP_RECEIVED_TELEGRAM;
    return true;
}

/* Is there a telegram whose first chip behind the synchronisation is at `at`? */
static bool take_at(const struct chips *chips, size_t at, struct hyp_receiver_find *find)
{
    uint8_t aligned[CHIP_BYTES];
    unsigned mode = chips_at(chips, at, MODE_C_BITS);
    if (mode == MODE_C_A || mode == MODE_C_B) {
        size_t len =
            at + MODE_C_BITS < chips->bits ? align(chips, at + MODE_C_BITS, aligned) : 0;
        return take(aligned, len, mode == MODE_C_A ? HYP_WMBUS_FORMAT_A : HYP_WMBUS_FORMAT_B,
                    find);
    }
    uint8_t bytes[CHIP_BYTES];
    size_t decoded = 0;
    size_t len = align(chips, at, aligned);
    /* It ends at the first symbol that is none: what follows the telegram is noise. */
    HYP_IGNORE(hyp_three_of_six_decode(aligned, len, bytes, sizeof(bytes), &decoded, NULL));
    return take(bytes, decoded, HYP_WMBUS_FORMAT_A, find);
}

/* Manchester: 01 is a one, 10 a zero; bytes up to the first pair that is neither. */
static size_t decode_manchester(const struct chips *chips, size_t at,
                                uint8_t out[static CHIP_BYTES])
{
    size_t len = 0;
    for (; at + 16 <= chips->bits; at += 16) {
        uint8_t byte = 0;
        for (size_t i = 0; i < 16; i += 2) {
            const unsigned pair = chips_at(chips, at + i, 2);
            if (pair != 1 && pair != 2) {
                return len;
            }
            byte = (uint8_t)((unsigned)byte << 1 | (pair & 1u));
        }
        out[len++] = byte;
    }
    return len;
}

/* Is there a telegram of mode S whose first chip behind the synchronisation is at `at`? */
static bool take_s_at(const struct chips *chips, size_t at, struct hyp_receiver_find *find)
{
    uint8_t bytes[CHIP_BYTES];
    return take(bytes, decode_manchester(chips, at, bytes), HYP_WMBUS_FORMAT_A, find);
}

static bool take_run(struct hyp_str digits, struct hyp_receiver_find *find)
{
    struct chips chips;
    size_t len = 0;
    digits.len = HYP_MIN(digits.len & ~(size_t)1, (size_t)2 * CHIP_BYTES);
    if (hyp_hex_decode(digits, chips.bytes, sizeof(chips.bytes), &len, NULL) != HYP_OK) {
        return false;
    }
    chips.bits = len * 8;
    if (take_at(&chips, 0, find) || take_s_at(&chips, 0, find)) {
        return true;
    }
    unsigned window = 0;
    for (size_t at = 1; at <= chips.bits; at++) {
        window = window << 1 | chips_at(&chips, at - 1, 1);
        if ((at >= SYNC_BITS && (window & ((1u << SYNC_BITS) - 1)) == SYNC &&
             take_at(&chips, at, find)) ||
            (at >= SYNC_S_BITS && (window & ((1u << SYNC_S_BITS) - 1)) == SYNC_S &&
             take_s_at(&chips, at, find))) {
            return true;
        }
    }
    return false;
}

/* Tries every long run of hex digits; noise when there is one, but no telegram in any. */
static void take_line(struct hyp_str line, struct hyp_receiver_find *find)
{
    find->outcome = HYP_RECEIVED_OTHER;
    for (size_t at = 0; at < line.len; at++) {
        size_t end = at;
        while (end < line.len && hyp_hex_digit(line.ptr[end]) >= 0) {
            end++;
        }
        if (end - at >= RUN_MIN) {
            find->outcome = HYP_RECEIVED_NOISE;
            if (take_run((struct hyp_str){line.ptr + at, end - at}, find)) {
                return;
            }
        }
        at = end;
    }
}

void hyp_receiver_chips(const uint8_t *bytes, size_t len, struct hyp_receiver_find *find)
{
    if (bytes[0] != '\r' && bytes[0] != '\n' && bytes[0] != '\t' &&
        (bytes[0] < 0x20 || bytes[0] > 0x7E)) {
        hyp_receiver_noise(find);
        return;
    }
    const uint8_t *end = memchr(bytes, '\n', HYP_MIN(len, (size_t)LINE_MAX));
    if (end == NULL) {
        if (len >= LINE_MAX) {
            hyp_receiver_noise(find);
        }
        return;
    }
    find->used = (size_t)(end - bytes) + 1;
    take_line((struct hyp_str){(const char *)bytes, find->used - 1}, find);
}
