/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequence: a run of 64-bit integers in few bits, as the columns of a sealed chunk are kept.
 *
 *     +---------+----------+--------------------+-------------------------------+
 *     | mode u8 | first s  | [step varint]      | body, by method               |
 *     +---------+----------+--------------------+-------------------------------+
 *     mode   bits 0-1  order: what the body holds of u[i] = (v[i] - first) / step
 *                      0 u[i]   1 u[i] - u[i-1]   2 the difference of those differences
 *            bits 2-4  method, below
 *            bit 7     a step follows: all values differ by multiples of it
 *     Residuals r[1] .. r[n-1] follow (u[0] is 0, and so is the difference before it):
 *
 *     0 EQUAL  all the same: s
 *     1 RUNS   count varint, then per run: s change against the run before, varint length - 1
 *     2 PACKED least s, width u8 (0..64), then (r - least) in so many bits each
 *     3 RICE   bias s, then blocks of 64 of z = zigzag(r - bias), each with
 *
 *              +-----------+--------------------------------------------------+
 *              | k, 6 bits | per residual: z >> k in unary, low k bits of z   |
 *              +-----------+--------------------------------------------------+
 *              k = 63: all z of the block are 0 and not written. Unary: so many 0 bits and a
 *              1; 24 zeros: the whole z follows in 64 bits. The first bit is the lowest.
 *
 *     4 HUFFMAN bias s, then a code and zigzag(r - bias) in it (store/huffman.h); not in chunks
 *              of version 1
 *
 * The writer tries orders and methods and keeps what is shortest, or what has been. Arithmetic
 * is modulo 2^64, so any numbers are allowed. Neither allocates, except for the growth of the
 * builder.
 */
#ifndef HYP_STORE_SEQUENCE_H
#define HYP_STORE_SEQUENCE_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdint.h>

/* Numbers of working memory for each value. */
#define HYP_SEQUENCE_SCRATCH 2

/*
 * What was shortest for sequences of one kind, such as one register of meters of one make: a
 * writer that has it tries nothing else while that holds, and examines all ways again now and
 * then, or when another order has become more promising. All zero at first.
 */
struct hyp_sequence_habit {
    uint8_t order;
    uint8_t method;
    uint8_t agreed; /* examinations in a row that this was shortest in, or nearly so */
    uint8_t rest;   /* sequences until the next one */
    uint32_t
        margin; /* of rough costs: how far the order was above the least, as a part of it */
};

/*
 * Appends a sequence.
 * @values   n of them
 * @scratch  HYP_SEQUENCE_SCRATCH * n numbers of working memory
 * @habit    of its kind; NULL = all ways are examined
 * A failure is sticky in the builder.
 */
void hyp_sequence_write(struct hyp_buf *out, const int64_t *values, size_t n, uint64_t *scratch,
                        struct hyp_sequence_habit *habit);

/* Reads n values; a damaged sequence fails the reader and leaves anything in *values. */
void hyp_sequence_read(struct hyp_bytes *in, int64_t *values, size_t n);

#endif
