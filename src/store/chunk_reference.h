/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference: a register of a chunk told by others of its chunk.
 *
 * A heat meter's power is its flow times the difference of its temperatures, its energy and its
 * volume are what power and flow add up to, and six circuits of a substation follow one
 * weather. So a column may say: "my digits are the line that these columns give, plus this
 * sequence", and the sequence is short. Only columns without a reference are referred to:
 * reading one column opens at most three others.
 *
 * In a body, behind its flags:
 *
 *     +-------------+------------+------------------+-----------------+
 *     | relation u8 | column(s)  | factor s         | [unit varint]   |
 *     +-------------+------------+------------------+-----------------+
 *     relation  bits 0-1  1 LEVEL     line[r] = factor * x[r] / 2^32
 *                         2 INTEGRAL  line[r] = factor * s[r] / 2^32,
 *                                     s[r] = s[r-1] + x[r] * (time[r] - time[r-1]) / unit
 *               bit 2     0 one column: x[r] is its digits
 *                         1 three columns: x[r] is those of the first times the difference of
 *                           the second and the third
 *     column    its place in the head, varint; unit in ms, with INTEGRAL only
 *
 * Rows where a column has no usable value repeat the one before (0 before the first). Products
 * with the factor are taken in 128 bits and rounded down, everything else is modulo 2^64, so
 * any numbers come back.
 *
 * Sans-I/O, allocates nothing.
 */
#ifndef HYP_STORE_CHUNK_REFERENCE_H
#define HYP_STORE_CHUNK_REFERENCE_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

#define HYP_REFERENCE_COLUMNS 3
#define HYP_REFERENCE_ONE ((int64_t)1 << 32) /* the factor that is one */

enum hyp_relation {
    HYP_RELATION_NONE = 0,
    HYP_RELATION_LEVEL = 1,
    HYP_RELATION_INTEGRAL = 2,
};

struct hyp_chunk_reference {
    uint8_t relation; /* enum hyp_relation */
    uint8_t count;    /* columns: 1 or HYP_REFERENCE_COLUMNS */
    uint32_t columns[HYP_REFERENCE_COLUMNS];
    int64_t factor;
    int64_t unit; /* ms, > 0 */
};

/* Appends it in the form above; a full builder knows. */
void hyp_chunk_reference_write(struct hyp_buf *out,
                               const struct hyp_chunk_reference *reference);
/* A damaged one fails the reader. */
void hyp_chunk_reference_read(struct hyp_bytes *in, struct hyp_chunk_reference *reference);

/* The cells of a column, in the order of their rows. */
struct hyp_chunk_cells {
    const uint32_t *rows; /* row number of each */
    const uint8_t *qualities;
    size_t count;
};
/*
 * Digits of the usable values of a column, spread over all rows: each row has those of the last
 * usable value at or before it, 0 before the first.
 * @digits   of the usable cells only, one after the other
 * @ret_line row_count of them
 */
void hyp_chunk_spread_digits(const struct hyp_chunk_cells *cells, const int64_t *digits,
                             size_t row_count, int64_t *ret_line);

/* x[r] of a reference, from its columns' digits by row; @ret_line may be x[0]. */
void hyp_chunk_reference_source(const struct hyp_chunk_reference *reference,
                                const int64_t *const x[HYP_REFERENCE_COLUMNS], size_t row_count,
                                int64_t *ret_line);
/* From x[r] to the line itself, in place. @times source times of the rows, ms */
void hyp_chunk_reference_line(const struct hyp_chunk_reference *reference, const int64_t *times,
                              size_t row_count, int64_t *line);

#endif
