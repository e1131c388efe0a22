/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why these methods: registers of heat meters are counters (a steady step and noise around it:
 * order 1 or 2, RICE), temperatures and flows (order 1, or 0 where they jump about a level),
 * states and daily extremes (RUNS), codes that are always 0 (EQUAL), and times (order 1 EQUAL,
 * RUNS where telegrams were lost). Rice codes come within some hundredths of a bit of the
 * entropy of such residuals, and blocks of 64 follow the seasons; PACKED is for residuals
 * without a centre, and for numbers too wide for Rice.
 */
#include "store/sequence.h"

#include "store/bits.h"

enum method {
    METHOD_EQUAL = 0,
    METHOD_RUNS = 1,
    METHOD_PACKED = 2,
    METHOD_RICE = 3,
};

#define ORDER_MASK 3u
#define METHOD_SHIFT 2
#define METHOD_MASK 7u
#define MODE_STEP 0x80u

#define RICE_BLOCK 64
#define RICE_ZERO_BLOCK 63u
#define RICE_K_BITS 6
#define RICE_K_MAX 32u
#define RICE_UNARY_MAX 24u

static uint64_t zigzag(uint64_t value)
{
    return value << 1 ^ (uint64_t)((int64_t)value >> 63);
}

static uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
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

static void write_head(struct hyp_buf *out, unsigned order, enum method method, int64_t first,
                       uint64_t step)
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

/* Writes residuals as Rice blocks; r is turned into z. */
static void write_rice(struct hyp_buf *out, uint64_t *r, size_t n, uint64_t bias)
{
    hyp_buf_append_svarint(out, (int64_t)bias);
    /* Every residual escaped, and what the writer of bits wants behind its end. */
    uint8_t *room = hyp_buf_room(out, (n * (RICE_UNARY_MAX + 1 + 64) + 7) / 8 + n / 32 + 32);
    if (room == NULL) {
        return;
    }
    struct hyp_bit_writer bits = {.at = room};
    for (size_t i = 1; i < n; i++) {
        r[i] = zigzag(r[i] - bias);
    }
    for (size_t begin = 1; begin < n; begin += RICE_BLOCK) {
        size_t count = n - begin < RICE_BLOCK ? n - begin : RICE_BLOCK;
        uint64_t size;
        unsigned k = choose_k(r + begin, count, &size);
        hyp_bits_put(&bits, k, RICE_K_BITS);
        if (k != RICE_ZERO_BLOCK) {
            put_rice(&bits, r + begin, count, k);
        }
    }
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

/* Residuals with noise: Rice codes, or plain fields where those are shorter. */
static void write_noise(struct hyp_buf *out, unsigned order, int64_t first, uint64_t step,
                        uint64_t *r, size_t n)
{
    int64_t least;
    unsigned width;
    find_range(r, n, &least, &width);
    uint64_t bias = 0;
    if (order < 2) {
        __int128 sum = 0;
        for (size_t i = 1; i < n; i++) {
            sum += (int64_t)r[i];
        }
        bias = (uint64_t)(int64_t)(sum / (__int128)(n - 1));
    }
    size_t start = out->len;
    write_head(out, order, METHOD_RICE, first, step);
    write_rice(out, r, n, bias);
    if (out->len - start <= (n - 1) * width / 8 || hyp_buf_status(out) != HYP_OK) {
        return;
    }
    for (size_t i = 1; i < n; i++) {
        r[i] = unzigzag(r[i]) + bias;
    }
    size_t second = out->len;
    write_head(out, order, METHOD_PACKED, first, step);
    write_packed(out, r, n, least, width);
    keep_shorter(out, start, second);
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
    unsigned order = cost[1].bits <= cost[0].bits ? 1 : 0;
    order = cost[2].bits < cost[order].bits ? 2 : order;
    size_t start = out->len;
    if (cost[steady].runs > n / VALUES_PER_RUN) {
        make_residuals(u, n, order);
        write_noise(out, order, values[0], step, u, n);
        return;
    }
    make_residuals(u, n, steady);
    write_head(out, steady, METHOD_RUNS, values[0], step);
    write_runs(out, u, n, cost[steady].runs);
    size_t second = out->len;
    fill_u(values, n, step, u);
    make_residuals(u, n, order);
    write_noise(out, order, values[0], step, u, n);
    keep_shorter(out, start, second);
}

/* --- reading --- */

static void read_runs(struct hyp_bytes *in, uint64_t *r, size_t n)
{
    uint64_t runs = hyp_bytes_varint(in);
    uint64_t value = 0;
    size_t at = 1;
    for (uint64_t run = 0; run < runs && !hyp_bytes_failed(in); run++) {
        value += (uint64_t)hyp_bytes_svarint(in);
        uint64_t len = hyp_bytes_varint(in);
        if (len >= n - at) {
            in->failed = true;
            return;
        }
        for (uint64_t i = 0; i <= len; i++) {
            r[at++] = value;
        }
    }
    in->failed |= at != n;
}

static struct hyp_bit_reader begin_bits(const struct hyp_bytes *in)
{
    return (struct hyp_bit_reader){.data = in->data + in->pos, .len = hyp_bytes_left(in)};
}

static void end_bits(struct hyp_bytes *in, const struct hyp_bit_reader *bits)
{
    hyp_bytes_skip(in, hyp_bits_bytes(bits));
}

static void read_packed(struct hyp_bytes *in, uint64_t *r, size_t n)
{
    uint64_t least = (uint64_t)hyp_bytes_svarint(in);
    unsigned width = hyp_bytes_u8(in);
    if (hyp_bytes_failed(in) || width > 64 || hyp_bytes_left(in) < ((n - 1) * width + 7) / 8) {
        in->failed = true;
        return;
    }
    struct hyp_bit_reader bits = begin_bits(in);
    for (size_t i = 1; i < n; i++) {
        r[i] = hyp_bits_get_long(&bits, width) + least;
    }
    end_bits(in, &bits);
}

static bool read_rice_block(struct hyp_bit_reader *bits, uint64_t *r, size_t n, uint64_t bias)
{
    unsigned k = (unsigned)hyp_bits_get(bits, RICE_K_BITS);
    if (k == RICE_ZERO_BLOCK) {
        for (size_t i = 0; i < n; i++) {
            r[i] = bias;
        }
        return true;
    }
    if (k > RICE_K_MAX) {
        return false;
    }
    uint64_t mask = ((uint64_t)1 << k) - 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t word = hyp_bits_peek(bits);
        unsigned unary = word == 0 ? 64 : (unsigned)__builtin_ctzll(word);
        if (unary < RICE_UNARY_MAX) {
            bits->pos += unary + 1 + k;
            uint64_t z = (uint64_t)unary << k | (word >> (unary + 1) & mask);
            r[i] = unzigzag(z) + bias;
        } else if (unary == RICE_UNARY_MAX) {
            bits->pos += RICE_UNARY_MAX + 1;
            r[i] = unzigzag(hyp_bits_get_long(bits, 64)) + bias;
        } else {
            return false;
        }
    }
    return true;
}

static void read_rice(struct hyp_bytes *in, uint64_t *r, size_t n)
{
    uint64_t bias = (uint64_t)hyp_bytes_svarint(in);
    struct hyp_bit_reader bits = begin_bits(in);
    bool good = !hyp_bytes_failed(in);
    for (size_t begin = 1; begin < n && good; begin += RICE_BLOCK) {
        size_t count = n - begin < RICE_BLOCK ? n - begin : RICE_BLOCK;
        good = read_rice_block(&bits, r + begin, count, bias);
    }
    if (good) {
        end_bits(in, &bits); /* fails when the bits went behind the end */
    } else {
        in->failed = true;
    }
}

/* Sums the residuals up again and puts first and step back in. */
static void restore(uint64_t *v, size_t n, unsigned order, uint64_t first, uint64_t step)
{
    v[0] = 0;
    for (unsigned pass = 0; pass < order; pass++) {
        for (size_t i = 1; i < n; i++) {
            v[i] += v[i - 1];
        }
    }
    for (size_t i = 0; i < n; i++) {
        v[i] = v[i] * step + first;
    }
}

void hyp_sequence_read(struct hyp_bytes *in, int64_t *values, size_t n)
{
    if (n == 0) {
        return;
    }
    uint8_t mode = hyp_bytes_u8(in);
    uint64_t first = (uint64_t)hyp_bytes_svarint(in);
    uint64_t step = (mode & MODE_STEP) != 0 ? hyp_bytes_varint(in) : 1;
    unsigned order = mode & ORDER_MASK;
    /* The differences were taken modulo 2^64, so the residuals are summed as such. */
    uint64_t *r = (uint64_t *)values;
    if (order > 2) {
        in->failed = true;
    }
    switch (mode >> METHOD_SHIFT & METHOD_MASK) {
    case METHOD_EQUAL: {
        uint64_t all = (uint64_t)hyp_bytes_svarint(in);
        for (size_t i = 1; i < n; i++) {
            r[i] = all;
        }
        break;
    }
    case METHOD_RUNS: read_runs(in, r, n); break;
    case METHOD_PACKED: read_packed(in, r, n); break;
    case METHOD_RICE: read_rice(in, r, n); break;
    default: in->failed = true; break;
    }
    if (hyp_bytes_failed(in)) {
        return;
    }
    restore(r, n, order, first, step);
}
