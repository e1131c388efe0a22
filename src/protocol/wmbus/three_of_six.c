/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/wmbus/three_of_six.h"

static const uint8_t symbol_of_nibble[16] = {
    0x16, 0x0D, 0x0E, 0x0B, 0x1C, 0x19, 0x1A, 0x13,
    0x2C, 0x25, 0x26, 0x23, 0x34, 0x31, 0x32, 0x29,
};

/* Nibble + 1 by symbol; 0 = none. All sixteen have three ones, but not all with three are used.
 */
static const uint8_t nibble_of_symbol[64] = {
    [0x16] = 0x1, [0x0D] = 0x2, [0x0E] = 0x3, [0x0B] = 0x4,  [0x1C] = 0x5, [0x19] = 0x6,
    [0x1A] = 0x7, [0x13] = 0x8, [0x2C] = 0x9, [0x25] = 0xA,  [0x26] = 0xB, [0x23] = 0xC,
    [0x34] = 0xD, [0x31] = 0xE, [0x32] = 0xF, [0x29] = 0x10,
};

static uint8_t symbol_at(const uint8_t *chips, size_t len, size_t chip)
{
    size_t byte = chip / 8;
    unsigned pair = (unsigned)chips[byte] << 8;
    if (byte + 1 < len) {
        pair |= chips[byte + 1];
    }
    return (uint8_t)(pair >> (10 - chip % 8) & 0x3F);
}

enum hyp_status hyp_three_of_six_decode(const uint8_t *chips, size_t len, uint8_t *out,
                                        size_t capacity, size_t *ret_len, struct hyp_error *err)
{
    size_t count = HYP_MIN(len * 8 / 12, capacity);
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = 0;
        for (size_t half = 0; half < 2; half++) {
            size_t chip = i * 12 + half * 6;
            uint8_t symbol = symbol_at(chips, len, chip);
            if (nibble_of_symbol[symbol] == 0) {
                *ret_len = i;
                return hyp_error_set(err, HYP_BAD_CHECK, (int64_t)(chip / 8),
                                     "chips %02X are no 3-of-6 symbol", symbol);
            }
            byte = (uint8_t)(byte << 4 | (nibble_of_symbol[symbol] - 1));
        }
        out[i] = byte;
    }
    *ret_len = count;
    return HYP_OK;
}

enum hyp_status hyp_three_of_six_encode(const uint8_t *data, size_t len, uint8_t *out,
                                        size_t capacity, size_t *ret_len)
{
    size_t need = (len * 12 + 7) / 8;
    if (need > capacity) {
        return HYP_LIMIT;
    }
    unsigned held = 0;
    unsigned bits = 0;
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned chips =
            (unsigned)symbol_of_nibble[data[i] >> 4] << 6 | symbol_of_nibble[data[i] & 0xF];
        held = held << 12 | chips;
        bits += 12;
        while (bits >= 8) {
            bits -= 8;
            out[at++] = (uint8_t)(held >> bits);
        }
    }
    if (bits > 0) {
        out[at++] = (uint8_t)(held << (8 - bits));
    }
    *ret_len = at;
    return HYP_OK;
}
