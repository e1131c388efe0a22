/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why these methods: registers of heat meters are counters (a steady step and noise around it:
 * order 1 or 2, RICE), temperatures and flows (order 1, or 0 where they jump about a level),
 * states and daily extremes (RUNS), codes that are always 0 (EQUAL), and times (order 1 EQUAL,
 * RUNS where telegrams were lost). Rice codes come within some hundredths of a bit of the
 * entropy of noise that falls off evenly, and blocks of 64 follow the seasons; HUFFMAN is for
 * long sequences of any other shape, such as the few different steps of what a reference
 * leaves; PACKED is for residuals without a centre, and for numbers too wide for Rice.
 */
#include "store/sequence.h"

#include "base/attr.h"
#include "store/sequence_noise.h"
#include "store/sequence_passes.h"

#include <string.h>

/* --- orders --- */

/* From so many values on, every fourth is enough to tell the orders apart, and every sixteenth
 * to see that nothing has changed. */
#define SAMPLED_FROM 128
#define SAMPLE_STRIDE 4
#define HABIT_STRIDE 16

/* @level  that order 0 wanders about */
static void measure_orders(const uint64_t *u, size_t n, uint64_t level, size_t stride,
                           struct hyp_noise_costs *costs)
{
    *costs = (struct hyp_noise_costs){0};
    uint64_t slope = (uint64_t)((int64_t)u[n - 1] / (int64_t)(n - 1));
    for (size_t i = 1; i < n; i += stride) {
        uint64_t d = u[i] - u[i - 1];
        uint64_t before = i > 1 ? u[i - 1] - u[i - 2] : 0;
        costs->bits[0] += hyp_bit_length(hyp_zigzag(u[i] - level));
        costs->bits[1] += hyp_bit_length(hyp_zigzag(d - slope));
        costs->bits[2] += hyp_bit_length(hyp_zigzag(d - before));
        costs->sampled++;
    }
}

/* --- writing the residuals --- */

static void write_runs(struct hyp_buf *out, const uint64_t *r, size_t n, uint64_t runs)
{
    hyp_buf_append_varint(out, runs);
    uint64_t before = 0;
    for (size_t i = 1; i < n;) {
        size_t end = i + 1;
        while (end < n && r[end] == r[i]) {
            end++;
        }
        hyp_buf_append_svarint(out, (int64_t)(r[i] - before));
        hyp_buf_append_varint(out, end - i - 1);
        before = r[i];
        i = end;
    }
}

/* --- choosing --- */

/* Of two bodies written one after the other from `start` and `second` on keeps the shorter. */
static void keep_shorter(struct hyp_buf *out, size_t start, size_t second)
{
    if (hyp_buf_status(out) != HYP_OK) {
        return;
    }
    size_t first_len = second - start;
    size_t second_len = out->len - second;
    if (second_len < first_len) {
        memmove(out->data + start, out->data + second, second_len);
        out->len = start + second_len;
    } else {
        out->len = second;
    }
}

/* Runs are tried where there are few of them; at this many values per run they win at last. */
#define VALUES_PER_RUN 3

static void write_equal(struct hyp_buf *out, unsigned order, int64_t first, uint64_t step,
                        uint64_t residual)
{
    hyp_sequence_write_head(out, order, METHOD_EQUAL, first, step);
    hyp_buf_append_svarint(out, (int64_t)residual);
}

static size_t stride_of(size_t n, const struct hyp_sequence_habit *habit)
{
    if (n < SAMPLED_FROM) {
        return 1;
    }
    return hyp_sequence_is_habit(habit) ? HABIT_STRIDE : SAMPLE_STRIDE;
}

void hyp_sequence_write(struct hyp_buf *out, const int64_t *values, size_t n, uint64_t *scratch,
                        struct hyp_sequence_habit *habit)
{
    if (n == 0) {
        return;
    }
    const struct hyp_passes *passes = hyp_passes();
    if (passes->all_equal(values, n)) {
        write_equal(out, 0, values[0], 1, 0);
        return;
    }
    uint64_t *u = scratch;
    struct hyp_stepped stepped = {
        .q = values, .n = n, .first = values[0], .step = hyp_pass_find_step(values, n)};
    if (stepped.step != 1) {
        int64_t *q = (int64_t *)(scratch + n);
        hyp_pass_divide(values, n, stepped.step, q);
        stepped.q = q;
    }
    struct hyp_pass_range levels = passes->levels(stepped.q, n, u);
    struct hyp_pass_runs runs = passes->runs(u, n);
    if (runs.of_order[0] == 1 || runs.of_order[1] == 1) {
        write_equal(out, runs.of_order[0] == 1 ? 0 : 1, values[0], stepped.step, u[1] - u[0]);
        return;
    }
    struct hyp_noise_costs costs;
    measure_orders(u, n, (uint64_t)levels.mean, stride_of(n, habit), &costs);
    unsigned steady = runs.of_order[1] < runs.of_order[0] ? 1 : 0;
    size_t start = out->len;
    if (runs.of_order[steady] <= n / VALUES_PER_RUN) {
        passes->residuals(stepped.q, n, steady, u);
        hyp_sequence_write_head(out, steady, METHOD_RUNS, values[0], stepped.step);
        write_runs(out, u, n, runs.of_order[steady]);
    }
    size_t second = out->len;
    hyp_sequence_write_noisy(out, passes, &stepped, &costs, habit, u);
    if (second > start) {
        keep_shorter(out, start, second);
    }
}
