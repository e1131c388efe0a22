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
#include "store/huffman.h"
#include "store/sequence_format.h"

#include <string.h>

/* Below so many residuals the table of a code weighs more than it saves. */
#define HUFFMAN_MIN 200
/* Orders whose rough cost is that near to the least are measured, in bits a value. */
#define NEAR_BITS 3

static uint64_t zigzag(uint64_t value)
{
    return value << 1 ^ (uint64_t)((int64_t)value >> 63);
}

static unsigned bit_length(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

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

/* What a pass over the values says about one order. */
struct order_cost {
    uint64_t bits; /* roughly */
    uint64_t runs;
};

static void fill_u(const int64_t *values, size_t n, uint64_t step, uint64_t *u)
{
    if (step == 1) {
        for (size_t i = 0; i < n; i++) {
            u[i] = (uint64_t)values[i] - (uint64_t)values[0];
        }
        return;
    }
    int64_t divisor = (int64_t)step;
    for (size_t i = 0; i < n; i++) {
        u[i] = (uint64_t)((values[i] - values[0]) / divisor);
    }
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

static void measure_orders(const uint64_t *u, size_t n, struct order_cost cost[3])
{
    uint64_t level = find_level(u, n);
    uint64_t slope = find_slope(u, n);
    uint64_t before = 0;
    uint64_t bits[3] = {0};
    uint64_t runs[2] = {1, 1};
    for (size_t i = 1; i < n; i++) {
        uint64_t d = u[i] - u[i - 1];
        uint64_t d2 = d - before;
        bits[0] += bit_length(zigzag(u[i] - level));
        bits[1] += bit_length(zigzag(d - slope));
        bits[2] += bit_length(zigzag(d2));
        if (i > 1) {
            runs[0] += d != 0;
            runs[1] += d2 != 0;
        }
        before = d;
    }
    cost[0] = (struct order_cost){.bits = bits[0], .runs = runs[0]};
    cost[1] = (struct order_cost){.bits = bits[1], .runs = runs[1]};
    cost[2] = (struct order_cost){.bits = bits[2], .runs = UINT64_MAX};
}

/* Turns u into the residuals of an order, in place, from the end. */
static void make_residuals(uint64_t *u, size_t n, unsigned order)
{
    for (unsigned pass = 0; pass < order; pass++) {
        for (size_t i = n - 1; i > 0; i--) {
            u[i] -= u[i - 1];
        }
    }
}

/* --- writing the residuals --- */

static void write_head(struct hyp_buf *out, unsigned order, enum hyp_sequence_method method,
                       int64_t first, uint64_t step)
{
    unsigned mode = order | (unsigned)method << METHOD_SHIFT | (step == 1 ? 0 : MODE_STEP);
    hyp_buf_append_u8(out, (uint8_t)mode);
    hyp_buf_append_svarint(out, first);
    if (step != 1) {
        hyp_buf_append_varint(out, step);
    }
}

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

static void write_packed(struct hyp_buf *out, const uint64_t *r, size_t n, int64_t least,
                         unsigned width)
{
    hyp_buf_append_svarint(out, least);
    hyp_buf_append_u8(out, (uint8_t)width);
    uint8_t *room = hyp_buf_room(out, ((n - 1) * width + 7) / 8 + 16);
    if (room == NULL) {
        return;
    }
    struct hyp_bit_writer bits = {.at = room};
    for (size_t i = 1; i < n; i++) {
        hyp_bits_put_long(&bits, r[i] - (uint64_t)least, width);
    }
    hyp_buf_take(out, (size_t)(hyp_bits_flush(&bits) - room));
}

static uint64_t rice_bits(const uint64_t *z, size_t n, unsigned k)
{
    uint64_t bits = n * (k + 1);
    for (size_t i = 0; i < n; i++) {
        uint64_t unary = z[i] >> k;
        bits += unary < RICE_UNARY_MAX ? unary : RICE_UNARY_MAX + 64 - k;
    }
    return bits;
}

/* The best k is near the binary logarithm of the mean. */
static unsigned choose_k(const uint64_t *z, size_t n, uint64_t *ret_bits)
{
    uint64_t any = 0;
    unsigned __int128 sum = 0;
    for (size_t i = 0; i < n; i++) {
        any |= z[i];
        sum += z[i];
    }
    if (any == 0) {
        *ret_bits = 0;
        return RICE_ZERO_BLOCK;
    }
    unsigned near = bit_length((uint64_t)(sum / n));
    near = near > RICE_K_MAX ? RICE_K_MAX : near;
    unsigned best = near;
    uint64_t least = rice_bits(z, n, near);
    for (unsigned k = near > 2 ? near - 2 : 0; k < near; k++) {
        uint64_t bits = rice_bits(z, n, k);
        if (bits < least) {
            least = bits;
            best = k;
        }
    }
    *ret_bits = least;
    return best;
}

static void put_rice(struct hyp_bit_writer *bits, const uint64_t *z, size_t n, unsigned k)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t unary = z[i] >> k;
        if (unary < RICE_UNARY_MAX) {
            uint64_t low = z[i] & (((uint64_t)1 << k) - 1);
            hyp_bits_put(bits, (low << 1 | 1) << unary, (unsigned)unary + 1 + k);
        } else {
            hyp_bits_put(bits, (uint64_t)1 << RICE_UNARY_MAX, RICE_UNARY_MAX + 1);
            hyp_bits_put_long(bits, z[i], 64);
        }
    }
}

/* Bits of all blocks. */
static uint64_t rice_size(const uint64_t *z, size_t n)
{
    uint64_t bits = 0;
    for (size_t begin = 1; begin < n; begin += RICE_BLOCK) {
        size_t count = n - begin < RICE_BLOCK ? n - begin : RICE_BLOCK;
        uint64_t block;
        HYP_IGNORE(choose_k(z + begin, count, &block)); /* only its cost is asked for */
        bits += RICE_K_BITS + block;
    }
    return bits;
}

static void write_rice(struct hyp_buf *out, const uint64_t *z, size_t n, uint64_t bias,
                       uint64_t size)
{
    hyp_buf_append_svarint(out, (int64_t)bias);
    uint8_t *room = hyp_buf_room(out, size / 8 + 16);
    if (room == NULL) {
        return;
    }
    struct hyp_bit_writer bits = {.at = room};
    for (size_t begin = 1; begin < n; begin += RICE_BLOCK) {
        size_t count = n - begin < RICE_BLOCK ? n - begin : RICE_BLOCK;
        uint64_t block;
        unsigned k = choose_k(z + begin, count, &block);
        hyp_bits_put(&bits, k, RICE_K_BITS);
        if (k != RICE_ZERO_BLOCK) {
            put_rice(&bits, z + begin, count, k);
        }
    }
    hyp_buf_take(out, (size_t)(hyp_bits_flush(&bits) - room));
}

static void write_huffman(struct hyp_buf *out, const struct hyp_huffman *huffman,
                          const uint64_t *z, size_t n, uint64_t bias, uint64_t size)
{
    hyp_buf_append_svarint(out, (int64_t)bias);
    uint8_t *room = hyp_buf_room(out, size / 8 + 16);
    if (room == NULL) {
        return;
    }
    struct hyp_bit_writer bits = {.at = room};
    hyp_huffman_put(huffman, &bits, z + 1, n - 1);
    hyp_buf_take(out, (size_t)(hyp_bits_flush(&bits) - room));
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

static void find_range(const uint64_t *r, size_t n, int64_t *ret_least, unsigned *ret_width)
{
    int64_t least = (int64_t)r[1];
    int64_t most = least;
    for (size_t i = 2; i < n; i++) {
        int64_t value = (int64_t)r[i];
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    *ret_least = least;
    *ret_width = bit_length((uint64_t)most - (uint64_t)least);
}

/* The level that the residuals are about. */
static uint64_t find_bias(const uint64_t *r, size_t n)
{
    __int128 sum = 0;
    for (size_t i = 1; i < n; i++) {
        sum += (int64_t)r[i];
    }
    return (uint64_t)(int64_t)(sum / (__int128)(n - 1));
}

/* How residuals with noise are written, and what that takes. */
struct noise {
    unsigned order;
    enum hyp_sequence_method method;
    uint64_t bits;
    uint64_t bias;
    int64_t least; /* of the residuals, and the width of their range */
    unsigned width;
    struct hyp_huffman huffman;
};

/* Finds the shortest of Rice codes, a Huffman code and plain fields for one order. r becomes z,
 * or stays when fields are shortest. */
static void measure_noise(struct noise *noise, unsigned order, uint64_t *r, size_t n)
{
    noise->order = order;
    find_range(r, n, &noise->least, &noise->width);
    noise->bias = order < 2 ? find_bias(r, n) : 0;
    for (size_t i = 1; i < n; i++) {
        r[i] = zigzag(r[i] - noise->bias);
    }
    noise->method = METHOD_RICE;
    noise->bits = rice_size(r, n);
    uint64_t code =
        n > HUFFMAN_MIN ? hyp_huffman_make(&noise->huffman, r + 1, n - 1) : UINT64_MAX;
    if (code < noise->bits) {
        noise->method = METHOD_HUFFMAN;
        noise->bits = code;
    }
    if ((n - 1) * noise->width < noise->bits) {
        noise->method = METHOD_PACKED;
        noise->bits = (n - 1) * noise->width;
        for (size_t i = 1; i < n; i++) {
            r[i] = unzigzag(r[i]) + noise->bias;
        }
    }
}

static void write_noise(struct hyp_buf *out, const struct noise *noise, int64_t first,
                        uint64_t step, const uint64_t *r, size_t n)
{
    write_head(out, noise->order, noise->method, first, step);
    if (noise->method == METHOD_PACKED) {
        write_packed(out, r, n, noise->least, noise->width);
    } else if (noise->method == METHOD_RICE) {
        write_rice(out, r, n, noise->bias, noise->bits);
    } else {
        write_huffman(out, &noise->huffman, r, n, noise->bias, noise->bits);
    }
}

/* Values in order 0, 1 or 2, whichever is shortest. */
static void write_noisy(struct hyp_buf *out, const int64_t *values, size_t n, uint64_t step,
                        const struct order_cost cost[3], uint64_t *u)
{
    uint64_t least = HYP_MIN(cost[0].bits, HYP_MIN(cost[1].bits, cost[2].bits));
    /* The rough costs choose well among wide residuals; a code for few different ones is
     * shorter than they think, so then the near ones are measured too. */
    uint64_t most = n > HUFFMAN_MIN ? least + n * NEAR_BITS : least;
    struct noise best = {.bits = UINT64_MAX};
    struct noise tried;
    for (unsigned order = 0; order < 3; order++) {
        if (cost[order].bits <= most) {
            fill_u(values, n, step, u);
            make_residuals(u, n, order);
            measure_noise(&tried, order, u, n);
            if (tried.bits < best.bits) {
                best = tried;
            }
        }
    }
    if (best.order != tried.order) {
        fill_u(values, n, step, u);
        make_residuals(u, n, best.order);
        measure_noise(&best, best.order, u, n);
    }
    write_noise(out, &best, values[0], step, u, n);
}

/* Runs are tried where there are few of them; at this many values per run they win at last. */
#define VALUES_PER_RUN 3

void hyp_sequence_write(struct hyp_buf *out, const int64_t *values, size_t n, uint64_t *scratch)
{
    if (n == 0) {
        return;
    }
    uint64_t step = find_step(values, n);
    uint64_t *u = scratch;
    fill_u(values, n, step, u);
    struct order_cost cost[3];
    measure_orders(u, n, cost);
    if (n == 1 || cost[0].runs == 1 || cost[1].runs == 1) {
        unsigned order = n == 1 || cost[0].runs == 1 ? 0 : 1;
        write_head(out, order, METHOD_EQUAL, values[0], step);
        hyp_buf_append_svarint(out, n == 1 ? 0 : (int64_t)(u[1] - u[0]));
        return;
    }
    unsigned steady = cost[1].runs < cost[0].runs ? 1 : 0;
    size_t start = out->len;
    if (cost[steady].runs <= n / VALUES_PER_RUN) {
        make_residuals(u, n, steady);
        write_head(out, steady, METHOD_RUNS, values[0], step);
        write_runs(out, u, n, cost[steady].runs);
    }
    size_t second = out->len;
    write_noisy(out, values, n, step, cost, u);
    if (second > start) {
        keep_shorter(out, start, second);
    }
}
