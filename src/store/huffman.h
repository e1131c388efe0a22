/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Huffman: numbers as a code for their magnitude and plain bits for the rest.
 *
 * For residuals (store/sequence.h): numbers below 16 are symbols themselves; from there on a
 * symbol says which quarter of which octave, and the bits below follow.
 *
 *     z < 16        symbol z
 *     else          symbol 16 + (b - 4) * 4 + q, b the number of the highest bit, q the two
 * bits behind it; then the low b - 2 bits of z
 *
 *     +----------------+---------------+----------------------+-----------------------------+
 *     | first symbol,  | symbols - 1,  | per symbol its       | per number: code, low bits  |
 *     | 8 bits         | 8 bits        | length               |                             |
 *     +----------------+---------------+----------------------+-----------------------------+
 *     length against the one before that is not 0 (4 at first):
 *            0 the same    10 one more    110 one less    111 in 4 bits, 0 = not used
 *
 * Codes are canonical (shorter first, then by symbol), at most HYP_HUFFMAN_LENGTH_MAX bits, and
 * sent highest bit first within a stream of bits that is lowest first. One symbol alone has
 * length 1 and code 0. A table that leaves a code free, or gives one twice, is damaged.
 *
 * Allocates nothing.
 */
#ifndef HYP_STORE_HUFFMAN_H
#define HYP_STORE_HUFFMAN_H

#include "store/bits.h"

#define HYP_HUFFMAN_SYMBOLS 256
#define HYP_HUFFMAN_LENGTH_MAX 11
/* Most bits of a table, and of one number. */
#define HYP_HUFFMAN_TABLE_BITS (16 + 7 * HYP_HUFFMAN_SYMBOLS)
#define HYP_HUFFMAN_NUMBER_BITS (HYP_HUFFMAN_LENGTH_MAX + 61)

struct hyp_huffman {
    uint8_t lengths[HYP_HUFFMAN_SYMBOLS]; /* 0 = not used */
    uint16_t codes[HYP_HUFFMAN_SYMBOLS];  /* reversed, as they are written */
};

/* Makes the lengths of a code for n > 0 numbers, at most HYP_LIMIT_CHUNK_ROWS. Returns how many
 * bits table and numbers take. */
uint64_t hyp_huffman_make(struct hyp_huffman *huffman, const uint64_t *z, size_t n);
/* Writes table and numbers with the codes of these lengths; the writer has room for them. */
void hyp_huffman_put(struct hyp_huffman *huffman, struct hyp_bit_writer *bits,
                     const uint64_t *z, size_t n);
/* Reads table and n numbers. False when the table is damaged. */
bool hyp_huffman_get(struct hyp_bit_reader *bits, uint64_t *z, size_t n);

#endif
