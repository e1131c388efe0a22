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

#include <string.h>

/* --- step and order --- */

/* The greatest step that all differences from the first value are multiples of; 1 when there is
 * none, or where a difference overflows. */
static uint64_t find_step(const int64_t *values, size_t n)
{
    uint64_t step = 0;
    for (size_t i = 1; i < n && step != 1; i++) {
        int64_t difference;
        if (__builtin_sub_overflow(values[i], values[0], &difference)) {
            return 1;
        }
        uint64_t a = difference < 0 ? 0 - (uint64_t)difference : (uint64_t)difference;
        if (step == 0 || (a != 0 && a % step != 0)) {
            while (a != 0) {
                uint64_t rest = step % a;
                step = a;
                a = rest;
            }
        }
    }
    return step == 0 || step > INT64_MAX ? 1 : step;
}

/* The level that order 0 wanders about: the mean, as near as wrapping numbers allow. */
static uint64_t find_level(const uint64_t *u, size_t n)
{
    __int128 sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (int64_t)u[i];
    }
    return (uint64_t)(int64_t)(sum / (__int128)n);
}

static uint64_t find_slope(const uint64_t *u, size_t n)
{
    return n < 2 ? 0 : (uint64_t)((int64_t)u[n - 1] / (int64_t)(n - 1));
}

/* What a pass over the values says. */
struct costs {
    uint64_t bits[3]; /* of each order, roughly, over the sampled values */
    size_t sampled;
    uint64_t runs[2]; /* of equal residuals of orders 0 and 1 */
};

/* From so many values on, every fourth is enough to tell the orders apart. */
#define SAMPLED_FROM 128
#define SAMPLE_STRIDE 4

static void count_runs(const uint64_t *u, size_t n, uint64_t runs[2])
{
    runs[0] = 1;
    runs[1] = 1;
    uint64_t before = n > 1 ? u[1] - u[0] : 0;
    for (size_t i = 2; i < n; i++) {
        uint64_t d = u[i] - u[i - 1];
        runs[0] += d != 0;
        runs[1] += d != before;
        before = d;
    }
}

static void measure_orders(const uint64_t *u, size_t n, struct costs *costs)
{
    *costs = (struct costs){0};
    count_runs(u, n, costs->runs);
    uint64_t level = find_level(u, n);
    uint64_t slope = find_slope(u, n);
    for (size_t i = 1; i < n; i += n < SAMPLED_FROM ? 1 : SAMPLE_STRIDE) {
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

static bool all_equal(const int64_t *values, size_t n)
{
    uint64_t differs = 0;
    for (size_t i = 1; i < n; i++) {
        differs |= (uint64_t)values[i] ^ (uint64_t)values[0];
    }
    return differs == 0;
}

static void write_equal(struct hyp_buf *out, unsigned order, int64_t first, uint64_t step,
                        uint64_t residual)
{
    hyp_sequence_write_head(out, order, METHOD_EQUAL, first, step);
    hyp_buf_append_svarint(out, (int64_t)residual);
}

void hyp_sequence_write(struct hyp_buf *out, const int64_t *values, size_t n, uint64_t *scratch)
{
    if (n == 0) {
        return;
    }
    if (all_equal(values, n)) {
        write_equal(out, 0, values[0], 1, 0);
        return;
    }
    uint64_t step = find_step(values, n);
    uint64_t *u = scratch;
    hyp_sequence_fill(values, n, step, u);
    struct costs costs;
    measure_orders(u, n, &costs);
    if (costs.runs[0] == 1 || costs.runs[1] == 1) {
        write_equal(out, costs.runs[0] == 1 ? 0 : 1, values[0], step, u[1] - u[0]);
        return;
    }
    unsigned steady = costs.runs[1] < costs.runs[0] ? 1 : 0;
    size_t start = out->len;
    if (costs.runs[steady] <= n / VALUES_PER_RUN) {
        hyp_sequence_residuals(values, n, step, steady, u);
        hyp_sequence_write_head(out, steady, METHOD_RUNS, values[0], step);
        write_runs(out, u, n, costs.runs[steady]);
    }
    size_t second = out->len;
    hyp_sequence_write_noisy(out, values, n, step, costs.bits, costs.sampled, u);
    if (second > start) {
        keep_shorter(out, start, second);
    }
}
