/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noise of a sequence (store/sequence.h): residuals of an order, and the shortest way to write
 * them: Rice codes, a Huffman code or plain fields. For sequence.c only.
 */
#ifndef HYP_STORE_SEQUENCE_NOISE_H
#define HYP_STORE_SEQUENCE_NOISE_H

#include "base/buf.h"
#include "store/huffman.h"
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
 * @rough    by order: about what it takes, in the sum over `sampled` values
 * @u        room for n numbers
 */
void hyp_sequence_write_noisy(struct hyp_buf *out, const struct hyp_passes *passes,
                              const struct hyp_stepped *stepped, const uint64_t rough[3],
                              size_t sampled, uint64_t *u);

#endif
