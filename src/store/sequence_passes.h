/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passes over the numbers of a sequence (store/sequence.h): what its writer counts and takes
 * differences with, and statistics of a chunk's column.
 *
 * Arithmetic is modulo 2^64. The numbers q are the values, or the quotients of them where they
 * have a common step; n of them, at least 2.
 */
#ifndef HYP_STORE_SEQUENCE_PASSES_H
#define HYP_STORE_SEQUENCE_PASSES_H

#include "store/sequence_format.h"
#include "store/wide.h"

#include <stdbool.h>
#include <stddef.h>

/* Least and greatest of some numbers, and what they are about. */
struct hyp_pass_range {
    int64_t least;
    int64_t most;
    int64_t mean; /* towards 0 */
    hyp_int128 sum;
};

struct hyp_pass_runs {
    uint64_t of_order[2]; /* runs of equal residuals */
};

/* One way to make all passes; the results are the same in each. */
struct hyp_passes {
    bool (*all_equal)(const int64_t *values, size_t n);
    /* n at least 1 */
    struct hyp_pass_range (*range)(const int64_t *values, size_t n);
    /* u[i] = q[i] - q[0] for all n; what they range over */
    struct hyp_pass_range (*levels)(const int64_t *q, size_t n, uint64_t *u);
    /* @u  the levels */
    struct hyp_pass_runs (*runs)(const uint64_t *u, size_t n);
    /* The residuals of an order in u[1] ... u[n - 1]; what they range over. */
    struct hyp_pass_range (*residuals)(const int64_t *q, size_t n, unsigned order, uint64_t *u);
    /* Makes the numbers to code, z, of residuals u[1] ... u[n - 1]. Returns all bits that any
     * of them has. */
    uint64_t (*centre)(uint64_t *u, size_t n, uint64_t bias);
    /* The best Rice parameter of a block of 1..RICE_BLOCK numbers, RICE_ZERO_BLOCK where all
     * are 0, and the bits of the block. */
    unsigned (*choose_k)(const uint64_t *z, size_t n, uint64_t *ret_bits);
};

extern const struct hyp_passes hyp_passes_narrow; /* on any processor */
extern const struct hyp_passes hyp_passes_wide;   /* where hyp_lanes_are_wide */

/* The faster one that this processor has. */
const struct hyp_passes *hyp_passes(void);

/* The greatest step that all differences from the first value are multiples of; 1 when there is
 * none, or where a difference overflows. */
uint64_t hyp_pass_find_step(const int64_t *values, size_t n);
/* q[i] = (v[i] - v[0]) / step, as it was found */
void hyp_pass_divide(const int64_t *values, size_t n, uint64_t step, int64_t *q);

#endif
