/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sequence_noise.h"

#include "base/attr.h"
#include "store/bits.h"

#include <assert.h>

/* Below so many residuals the table of a code weighs more than it saves. */
#define HUFFMAN_MIN 200
/* Orders whose rough cost is that near to the least are measured, in bits a value. */
#define NEAR_BITS 3
/* Of these, a code is made where Rice codes are that near to the shortest. */
#define CODE_NEAR_BITS 1

/* --- residuals --- */

void hyp_sequence_fill(const int64_t *values, size_t n, uint64_t step, uint64_t *u)
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

void hyp_sequence_residuals(const int64_t *values, size_t n, uint64_t step, unsigned order,
                            uint64_t *u)
{
    if (step != 1 || order == 0) {
        hyp_sequence_fill(values, n, step, u);
        for (unsigned pass = 0; pass < order; pass++) {
            for (size_t i = n - 1; i > 0; i--) {
                u[i] -= u[i - 1];
            }
        }
        return;
    }
    u[0] = 0;
    for (size_t i = 1; i < n; i++) {
        u[i] = (uint64_t)values[i] - (uint64_t)values[i - 1];
    }
    for (size_t i = 2; i < n && order == 2; i++) {
        u[i] = (uint64_t)values[i] - 2 * (uint64_t)values[i - 1] + (uint64_t)values[i - 2];
    }
}

void hyp_sequence_write_head(struct hyp_buf *out, unsigned order,
                             enum hyp_sequence_method method, int64_t first, uint64_t step)
{
    unsigned mode = order | (unsigned)method << METHOD_SHIFT | (step == 1 ? 0 : MODE_STEP);
    hyp_buf_append_u8(out, (uint8_t)mode);
    hyp_buf_append_svarint(out, first);
    if (step != 1) {
        hyp_buf_append_varint(out, step);
    }
}

/* --- Rice --- */

static uint64_t rice_bits(const uint64_t *z, size_t n, unsigned k)
{
    uint64_t bits = n * (k + 1);
    for (size_t i = 0; i < n; i++) {
        uint64_t unary = z[i] >> k;
        bits += unary < RICE_UNARY_MAX ? unary : RICE_UNARY_MAX + 64 - k;
    }
    return bits;
}

/* The same for k, k - 1 and k - 2 (k >= 2), where none of the numbers is beyond the unary part.
 */
static void rice_bits_of_three(const uint64_t *z, size_t n, unsigned k, uint64_t bits[3])
{
    uint64_t sums[3] = {0};
    for (size_t i = 0; i < n; i++) {
        sums[0] += z[i] >> k;
        sums[1] += z[i] >> (k - 1);
        sums[2] += z[i] >> (k - 2);
    }
    for (unsigned i = 0; i < 3; i++) {
        bits[i] = n * (k - i + 1) + sums[i];
    }
}

/* The best k is near the binary logarithm of the mean. @n at most RICE_BLOCK */
static unsigned choose_k(const uint64_t *z, size_t n, uint64_t *ret_bits)
{
    uint64_t any = 0;
    uint64_t low = 0;
    for (size_t i = 0; i < n; i++) {
        any |= z[i];
        low += z[i] & UINT32_MAX;
    }
    if (any == 0) {
        *ret_bits = 0;
        return RICE_ZERO_BLOCK;
    }
    unsigned __int128 sum = low;
    for (size_t i = 0; i < n && any > UINT32_MAX; i++) {
        sum += z[i] & ~(uint64_t)UINT32_MAX;
    }
    unsigned near = hyp_bit_length((uint64_t)(sum / n));
    near = near > RICE_K_MAX ? RICE_K_MAX : near;
    uint64_t bits[3];
    unsigned count = HYP_MIN(near, 2u) + 1;
    if (near >= 2 && any >> (near - 2) < RICE_UNARY_MAX) {
        rice_bits_of_three(z, n, near, bits);
    } else {
        for (unsigned i = 0; i < count; i++) {
            bits[i] = rice_bits(z, n, near - i);
        }
    }
    unsigned best = 0;
    for (unsigned i = count; i-- > 1;) {
        best = bits[i] < bits[best] ? i : best;
    }
    *ret_bits = bits[best];
    return near - best;
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
static uint64_t rice_size(const uint64_t *z, size_t n, uint8_t k[static HYP_NOISE_BLOCKS])
{
    uint64_t bits = 0;
    size_t number = 0;
    for (size_t begin = 1; begin < n; begin += RICE_BLOCK, number++) {
        uint64_t block;
        unsigned chosen = choose_k(z + begin, HYP_MIN(n - begin, (size_t)RICE_BLOCK), &block);
        if (number < HYP_NOISE_BLOCKS) {
            k[number] = (uint8_t)chosen;
        }
        bits += RICE_K_BITS + block;
    }
    return bits;
}

static void write_rice(struct hyp_buf *out, const struct hyp_noise *noise, const uint64_t *z,
                       size_t n)
{
    uint8_t *room = hyp_buf_room(out, noise->bits / 8 + 16);
    if (room == NULL) {
        return;
    }
    struct hyp_bit_writer bits = {.at = room};
    size_t number = 0;
    for (size_t begin = 1; begin < n; begin += RICE_BLOCK, number++) {
        size_t count = HYP_MIN(n - begin, (size_t)RICE_BLOCK);
        uint64_t block;
        unsigned k =
            number < HYP_NOISE_BLOCKS ? noise->k[number] : choose_k(z + begin, count, &block);
        hyp_bits_put(&bits, k, RICE_K_BITS);
        if (k != RICE_ZERO_BLOCK) {
            put_rice(&bits, z + begin, count, k);
        }
    }
    hyp_buf_take(out, (size_t)(hyp_bits_flush(&bits) - room));
}

/* --- the other two --- */

static void write_packed(struct hyp_buf *out, const struct hyp_noise *noise, const uint64_t *z,
                         size_t n)
{
    hyp_buf_append_svarint(out, noise->least);
    hyp_buf_append_u8(out, (uint8_t)noise->width);
    uint8_t *room = hyp_buf_room(out, ((n - 1) * noise->width + 7) / 8 + 16);
    if (room == NULL) {
        return;
    }
    struct hyp_bit_writer bits = {.at = room};
    uint64_t least = (uint64_t)noise->least - noise->bias;
    for (size_t i = 1; i < n; i++) {
        hyp_bits_put_long(&bits, unzigzag(z[i]) - least, noise->width);
    }
    hyp_buf_take(out, (size_t)(hyp_bits_flush(&bits) - room));
}

static void write_huffman(struct hyp_buf *out, struct hyp_noise *noise, const uint64_t *z,
                          size_t n)
{
    uint8_t *room = hyp_buf_room(out, noise->bits / 8 + 16);
    if (room == NULL) {
        return;
    }
    struct hyp_bit_writer bits = {.at = room};
    hyp_huffman_put(&noise->huffman, &bits, z + 1, n - 1);
    hyp_buf_take(out, (size_t)(hyp_bits_flush(&bits) - room));
}

/* --- measuring --- */

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
    *ret_width = hyp_bit_length((uint64_t)most - (uint64_t)least);
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

/* Makes the numbers to code of residuals. */
static void centre(uint64_t *u, size_t n, uint64_t bias)
{
    for (size_t i = 1; i < n; i++) {
        u[i] = hyp_zigzag(u[i] - bias);
    }
}

/* The numbers to code, z, of an order that was measured. */
static void make_again(const struct hyp_noise *noise, const int64_t *values, size_t n,
                       uint64_t step, uint64_t *u)
{
    hyp_sequence_residuals(values, n, step, noise->order, u);
    centre(u, n, noise->bias);
}

/* Finds the shorter of Rice codes and plain fields for one order; leaves the numbers to code,
 * z, in u. */
static void measure(struct hyp_noise *noise, const int64_t *values, size_t n, uint64_t step,
                    unsigned order, uint64_t *u)
{
    hyp_sequence_residuals(values, n, step, order, u);
    noise->order = order;
    find_range(u, n, &noise->least, &noise->width);
    noise->bias = order < 2 ? find_bias(u, n) : 0;
    centre(u, n, noise->bias);
    noise->method = METHOD_RICE;
    noise->bits = rice_size(u, n, noise->k);
    if ((n - 1) * noise->width < noise->bits) {
        noise->method = METHOD_PACKED;
        noise->bits = (n - 1) * noise->width;
    }
}

static void write_noise(struct hyp_buf *out, struct hyp_noise *noise, int64_t first,
                        uint64_t step, const uint64_t *z, size_t n)
{
    hyp_sequence_write_head(out, noise->order, noise->method, first, step);
    if (noise->method == METHOD_PACKED) {
        write_packed(out, noise, z, n);
        return;
    }
    hyp_buf_append_svarint(out, (int64_t)noise->bias);
    if (noise->method == METHOD_RICE) {
        write_rice(out, noise, z, n);
    } else {
        write_huffman(out, noise, z, n);
    }
}

/* Makes a code for every order that is near the shortest one, and takes the shortest of all.
 * @at       the order whose z is in u; afterwards the one of *ret_best */
static unsigned choose_coded(const struct hyp_noise measured[3], uint64_t limit,
                             const int64_t *values, size_t n, uint64_t step, unsigned at,
                             uint64_t *u, struct hyp_noise *ret_best)
{
    struct hyp_noise tried;
    unsigned last = at;
    for (unsigned i = 0; i < 3; i++) {
        unsigned order = (last + i) % 3;
        if (measured[order].bits > limit) {
            continue;
        }
        tried = measured[order];
        if (at != order) {
            make_again(&tried, values, n, step, u);
            at = order;
        }
        uint64_t code = hyp_huffman_make(&tried.huffman, u + 1, n - 1);
        if (code < tried.bits) {
            tried.method = METHOD_HUFFMAN;
            tried.bits = code;
        }
        if (tried.bits < ret_best->bits) {
            *ret_best = tried;
        }
    }
    return at;
}

void hyp_sequence_write_noisy(struct hyp_buf *out, const int64_t *values, size_t n,
                              uint64_t step, const uint64_t rough[3], size_t sampled,
                              uint64_t *u)
{
    assert(n > 1);
    bool coded = n > HUFFMAN_MIN;
    uint64_t least = HYP_MIN(rough[0], HYP_MIN(rough[1], rough[2]));
    /* The rough costs choose well among wide residuals; a code for few different ones is
     * shorter than they think, so then the near ones are measured too. */
    uint64_t most = coded ? least + sampled * NEAR_BITS : least;
    struct hyp_noise measured[3];
    struct hyp_noise best = {.bits = UINT64_MAX};
    unsigned at = 0;
    for (unsigned order = 0; order < 3; order++) {
        measured[order].bits = UINT64_MAX;
        if (rough[order] <= most) {
            measure(&measured[order], values, n, step, order, u);
            at = order;
            if (measured[order].bits < best.bits) {
                best = measured[order];
            }
        }
    }
    if (coded) {
        uint64_t limit = best.bits + n * CODE_NEAR_BITS;
        at = choose_coded(measured, limit, values, n, step, at, u, &best);
    }
    if (at != best.order) {
        make_again(&best, values, n, step, u);
    }
    write_noise(out, &best, values[0], step, u, n);
}
