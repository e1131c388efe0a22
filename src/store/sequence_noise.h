/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noise of a sequence (store/sequence.h): residuals of an order, and the shortest way to write
 * them: Rice codes, a Huffman code or plain fields. For sequence.c only.
 */
#ifndef HYP_STORE_SEQUENCE_NOISE_H
#define HYP_STORE_SEQUENCE_NOISE_H

#include "base/buf.h"
#include "store/huffman.h"
#include "store/sequence.h"
#include "store/sequence_passes.h"

/* Blocks whose Rice parameter is remembered from measuring to writing. */
#define HYP_NOISE_BLOCKS 64

/* How residuals with noise are written, and what that takes. */
struct hyp_noise {
    unsigned order;
    enum hyp_sequence_method method;
    uint64_t bits;
    uint64_t bias;
    int64_t least; /* of the residuals, and the width of their range */
    unsigned width;
    uint8_t k[HYP_NOISE_BLOCKS];
    struct hyp_huffman huffman;
};

/* From so many numbers on, a Huffman code may be shorter than Rice codes: below, its table
 * weighs more than it saves. */
#define HYP_NOISE_CODED 201

/* About what each order takes, in the sum over some of the values. */
struct hyp_noise_costs {
    uint64_t bits[3];
    size_t sampled;
};

/* The numbers of a sequence without their common step. */
struct hyp_stepped {
    const int64_t *q; /* the values themselves where the step is 1, else quotients from 0 on */
    size_t n;         /* at least 2 */
    int64_t first;    /* value */
    uint64_t step;
};

void hyp_sequence_write_head(struct hyp_buf *out, unsigned order,
                             enum hyp_sequence_method method, int64_t first, uint64_t step);

/*
 * Writes the values in one of the orders.
 * @passes   how to go over them
 * @habit    NULL = none
 * @u        room for n numbers
 */
void hyp_sequence_write_noisy(struct hyp_buf *out, const struct hyp_passes *passes,
                              const struct hyp_stepped *stepped,
                              const struct hyp_noise_costs *costs,
                              struct hyp_sequence_habit *habit, uint64_t *u);
/* Is the next sequence to be written as those before, unless its costs say otherwise? */
bool hyp_sequence_is_habit(const struct hyp_sequence_habit *habit);

#endif
