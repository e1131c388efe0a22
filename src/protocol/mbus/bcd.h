/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary coded decimals (type A of EN 13757-3 annex A), eight bytes at once. Private to the
 * record decoder.
 */
#ifndef HYP_PROTOCOL_MBUS_BCD_H
#define HYP_PROTOCOL_MBUS_BCD_H

#include <stdbool.h>
#include <stdint.h>

/* Two digits a byte, least significant first, all at once: bytes, then pairs, then fours. */
static inline uint64_t hyp_mbus_bcd_to_binary(uint64_t bcd)
{
    const uint64_t tens = bcd >> 4 & 0x0F0F0F0F0F0F0F0Full;
    uint64_t value = bcd - 6 * tens;
    value = (value & 0x00FF00FF00FF00FFull) + 100 * (value >> 8 & 0x00FF00FF00FF00FFull);
    value = (value & 0x0000FFFF0000FFFFull) + 10000 * (value >> 16 & 0x0000FFFF0000FFFFull);
    return (value & 0xFFFFFFFFull) + 100000000 * (value >> 32);
}

/* Is a nibble above 9? Those are the ones with bit 3 and one of bits 2 and 1. */
static inline bool hyp_mbus_bcd_has_error(uint64_t bcd)
{
    return (bcd >> 3 & (bcd >> 2 | bcd >> 1) & 0x1111111111111111ull) != 0;
}

#endif
