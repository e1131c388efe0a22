/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the chunk format that its writer and its reader share (store/chunk.h draws it).
 */
#ifndef HYP_STORE_CHUNK_FORMAT_H
#define HYP_STORE_CHUNK_FORMAT_H

#include "store/chunk.h"

#define HYP_CHUNK_VERSION 2u
#define HYP_CHUNK_VERSION_OLDEST 1u
#define HYP_CHUNK_CRC_AT 1
#define HYP_CHUNK_DATA_CRC_AT 5
#define HYP_CHUNK_ROW_SEQUENCES 4 /* times, receive times, frames, kind and source */

/* flags of a column in the head */
#define HYP_CHUNK_KIND 0x07u
#define HYP_CHUNK_EVERY_ROW 0x08u
#define HYP_CHUNK_ALL_USABLE 0x10u
#define HYP_CHUNK_STATS 0x20u
#define HYP_CHUNK_CONSTANT 0x40u
#define HYP_CHUNK_COUNT 0x80u

/* flags of a body */
enum hyp_chunk_exponents {
    HYP_CHUNK_ONE_EXPONENT = 0,
    HYP_CHUNK_RAW = 1,
    HYP_CHUNK_SCALED = 2,
    HYP_CHUNK_SHORTEST = 3,
};
#define HYP_CHUNK_EXPONENTS 0x03u
#define HYP_CHUNK_ONE_QUALITY 0x04u
#define HYP_CHUNK_REFERENCE 0x08u

/* How a body begins. */
struct hyp_chunk_body {
    uint8_t flags;
    struct hyp_chunk_reference reference; /* relation NONE when there is none */
};
/* Opens a column's body; *ret_in stands behind what was read. False when it is damaged. */
bool hyp_chunk_body_open(const struct hyp_chunk *chunk, const struct hyp_chunk_column *column,
                         struct hyp_chunk_body *ret_body, struct hyp_bytes *ret_in);

/* The rows that have a value of this column, ascending, into work->rows: all of them, or those
 * listed where the body's row numbers begin. False when the list is damaged. */
bool hyp_chunk_row_numbers(struct hyp_bytes *in, const struct hyp_chunk *chunk,
                           const struct hyp_chunk_column *column, struct hyp_chunk_work *work);

/* The exponent of digits x 10^exp10 without trailing zeros, as far as exponents go up to 0;
 * 0 itself has exponent 0. */
static inline int8_t hyp_chunk_shortest_exponent(int64_t digits, int8_t exp10)
{
    if (digits == 0) {
        return 0;
    }
    while (digits % 10 == 0 && exp10 < INT8_MAX) {
        digits /= 10;
        exp10++;
    }
    return exp10;
}

#endif
