/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the format of sequences that writer and reader share (store/sequence.h draws it).
 */
#ifndef HYP_STORE_SEQUENCE_FORMAT_H
#define HYP_STORE_SEQUENCE_FORMAT_H

#include <stdint.h>

enum hyp_sequence_method {
    METHOD_EQUAL = 0,
    METHOD_RUNS = 1,
    METHOD_PACKED = 2,
    METHOD_RICE = 3,
    METHOD_HUFFMAN = 4,
};

#define ORDER_MASK 3u
#define METHOD_SHIFT 2
#define METHOD_MASK 7u
#define MODE_STEP 0x80u

#define RICE_BLOCK 64
#define RICE_ZERO_BLOCK 63u
#define RICE_K_BITS 6
#define RICE_K_MAX 32u
#define RICE_UNARY_MAX 24u

/* By a comparison: lanes of AVX2 have no arithmetic shift of 64 bits. */
static inline uint64_t hyp_zigzag(uint64_t value)
{
    return value << 1 ^ (0 - (uint64_t)((int64_t)value < 0));
}

static inline uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

static inline unsigned hyp_bit_length(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

#endif
