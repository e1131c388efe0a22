/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sequence_noise.h"

#include "base/attr.h"
#include "store/bits.h"

#include <assert.h>

/* Orders whose rough cost is that near to the least are measured, in bits a value. */
#define NEAR_BITS 3
/* Of these, a code is made where Rice codes are that near to the shortest. */
#define CODE_NEAR_BITS 1

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
static uint64_t rice_size(const struct hyp_passes *passes, const uint64_t *z, size_t n,
                          uint8_t k[static HYP_NOISE_BLOCKS])
{
    uint64_t bits = 0;
    size_t number = 0;
    for (size_t begin = 1; begin < n; begin += RICE_BLOCK, number++) {
        uint64_t block;
        unsigned chosen =
            passes->choose_k(z + begin, HYP_MIN(n - begin, (size_t)RICE_BLOCK), &block);
        if (number < HYP_NOISE_BLOCKS) {
            k[number] = (uint8_t)chosen;
        }
        bits += RICE_K_BITS + block;
    }
    return bits;
}

static void write_rice(struct hyp_buf *out, const struct hyp_passes *passes,
                       const struct hyp_noise *noise, const uint64_t *z, size_t n)
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
        unsigned k = number < HYP_NOISE_BLOCKS ? noise->k[number]
                                               : passes->choose_k(z + begin, count, &block);
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

/* The numbers to code, z, of an order that was measured. */
static void make_again(const struct hyp_noise *noise, const struct hyp_passes *passes,
                       const struct hyp_stepped *stepped, uint64_t *u)
{
    passes->residuals(stepped->q, stepped->n, noise->order, u);
    passes->centre(u, stepped->n, noise->bias);
}

/* Takes the residuals of one order; leaves the numbers to code, z, in u. */
static void look(struct hyp_noise *noise, const struct hyp_passes *passes,
                 const struct hyp_stepped *stepped, unsigned order, uint64_t *u)
{
    struct hyp_pass_range range = passes->residuals(stepped->q, stepped->n, order, u);
    noise->order = order;
    noise->least = range.least;
    noise->width = hyp_bit_length((uint64_t)range.most - (uint64_t)range.least);
    noise->bias = order < 2 ? (uint64_t)range.mean : 0;
    passes->centre(u, stepped->n, noise->bias);
}

/* The same, and the shorter of Rice codes and plain fields. */
static void measure(struct hyp_noise *noise, const struct hyp_passes *passes,
                    const struct hyp_stepped *stepped, unsigned order, uint64_t *u)
{
    size_t n = stepped->n;
    look(noise, passes, stepped, order, u);
    noise->method = METHOD_RICE;
    noise->bits = rice_size(passes, u, n, noise->k);
    if ((n - 1) * noise->width < noise->bits) {
        noise->method = METHOD_PACKED;
        noise->bits = (n - 1) * noise->width;
    }
}

static void write_noise(struct hyp_buf *out, const struct hyp_passes *passes,
                        struct hyp_noise *noise, const struct hyp_stepped *stepped,
                        const uint64_t *z)
{
    hyp_sequence_write_head(out, noise->order, noise->method, stepped->first, stepped->step);
    if (noise->method == METHOD_PACKED) {
        write_packed(out, noise, z, stepped->n);
        return;
    }
    hyp_buf_append_svarint(out, (int64_t)noise->bias);
    if (noise->method == METHOD_RICE) {
        write_rice(out, passes, noise, z, stepped->n);
    } else {
        write_huffman(out, noise, z, stepped->n);
    }
}

/* Lengths of a code for the z of the order in u; taken if it is shorter. Returns its bits. */
static uint64_t make_code(struct hyp_noise *noise, const uint64_t *u, size_t n)
{
    uint64_t code = hyp_huffman_make(&noise->huffman, u + 1, n - 1);
    if (code < noise->bits) {
        noise->method = METHOD_HUFFMAN;
        noise->bits = code;
    }
    return code;
}

/* Makes a code for every order that is near the shortest one, and takes the shortest of all.
 * @at         the order whose z is in u; afterwards the one of *ret_best
 * @ret_codes  bits of the codes, by order; those not made are left */
static unsigned choose_coded(const struct hyp_noise measured[3],
                             const struct hyp_passes *passes, const struct hyp_stepped *stepped,
                             unsigned at, uint64_t *u, struct hyp_noise *ret_best,
                             uint64_t ret_codes[3])
{
    struct hyp_noise tried;
    uint64_t limit = ret_best->bits + stepped->n * CODE_NEAR_BITS;
    unsigned last = at;
    for (unsigned i = 0; i < 3; i++) {
        unsigned order = (last + i) % 3;
        if (measured[order].bits > limit) {
            continue;
        }
        tried = measured[order];
        if (at != order) {
            make_again(&tried, passes, stepped, u);
            at = order;
        }
        ret_codes[order] = make_code(&tried, u, stepped->n);
        if (tried.bits < ret_best->bits) {
            *ret_best = tried;
        }
    }
    return at;
}

/* --- habits --- */

/* So many examinations must have agreed, and so many sequences go without one then. */
#define AGREED_MIN 6
#define UNEXAMINED 15
/* What is so much longer than the shortest, as a part of it, is as good. */
#define AS_GOOD_PART 256
/* Parts that margins are counted in, and how many more of them are nothing new. */
#define MARGIN_PARTS 64
#define MARGIN_MORE 2

bool hyp_sequence_is_habit(const struct hyp_sequence_habit *habit)
{
    return habit != NULL && habit->agreed >= AGREED_MIN && habit->rest > 0;
}

static uint64_t least_cost(const struct hyp_noise_costs *costs)
{
    return HYP_MIN(costs->bits[0], HYP_MIN(costs->bits[1], costs->bits[2]));
}

/* Learns from an examination.
 * @sizes  bits by order, if written by the habit's method */
static void learn(struct hyp_sequence_habit *habit, const struct hyp_noise_costs *costs,
                  const struct hyp_noise *best, const uint64_t sizes[3])
{
    uint64_t above = costs->bits[best->order] - least_cost(costs);
    uint64_t margin = above * MARGIN_PARTS / HYP_MAX(least_cost(costs), (uint64_t)1);
    bool known = habit->method != METHOD_EQUAL;
    if (known && sizes[habit->order] <= best->bits + best->bits / AS_GOOD_PART) {
        habit->agreed = (uint8_t)HYP_MIN(habit->agreed + 1, AGREED_MIN);
    } else {
        *habit = (struct hyp_sequence_habit){.order = (uint8_t)best->order,
                                             .method = (uint8_t)best->method};
    }
    habit->margin = (uint32_t)HYP_MIN(HYP_MAX(margin, habit->margin), (uint64_t)UINT16_MAX);
    habit->rest = UNEXAMINED;
}

/* Is the order no less promising than when it was found shortest? */
static bool still_holds(const struct hyp_sequence_habit *habit,
                        const struct hyp_noise_costs *costs)
{
    uint64_t least = least_cost(costs);
    return hyp_sequence_is_habit(habit) &&
           costs->bits[habit->order] - least <=
               least * (habit->margin + MARGIN_MORE) / MARGIN_PARTS;
}

static void write_by_habit(struct hyp_buf *out, const struct hyp_passes *passes,
                           const struct hyp_stepped *stepped, struct hyp_sequence_habit *habit,
                           uint64_t *u)
{
    struct hyp_noise noise;
    habit->rest--;
    if (habit->method != METHOD_HUFFMAN) {
        measure(&noise, passes, stepped, habit->order, u);
    } else {
        look(&noise, passes, stepped, habit->order, u);
        noise.method = METHOD_PACKED;
        noise.bits = (stepped->n - 1) * noise.width;
        make_code(&noise, u, stepped->n);
    }
    write_noise(out, passes, &noise, stepped, u);
}

/* --- all of it --- */

void hyp_sequence_write_noisy(struct hyp_buf *out, const struct hyp_passes *passes,
                              const struct hyp_stepped *stepped,
                              const struct hyp_noise_costs *costs,
                              struct hyp_sequence_habit *habit, uint64_t *u)
{
    assert(stepped->n > 1);
    if (still_holds(habit, costs)) {
        write_by_habit(out, passes, stepped, habit, u);
        return;
    }
    bool coded = stepped->n >= HYP_NOISE_CODED;
    /* The rough costs choose well among wide residuals; a code for few different ones is
     * shorter than they think, so then the near ones are measured too. */
    uint64_t most = least_cost(costs) + (coded ? costs->sampled * NEAR_BITS : 0);
    struct hyp_noise measured[3];
    uint64_t plain[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    uint64_t codes[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    struct hyp_noise best = {.bits = UINT64_MAX};
    unsigned at = 0;
    for (unsigned order = 0; order < 3; order++) {
        measured[order].bits = UINT64_MAX;
        if (costs->bits[order] <= most) {
            measure(&measured[order], passes, stepped, order, u);
            at = order;
            plain[order] = measured[order].bits;
            if (measured[order].bits < best.bits) {
                best = measured[order];
            }
        }
    }
    if (coded) {
        at = choose_coded(measured, passes, stepped, at, u, &best, codes);
    }
    if (habit != NULL) {
        learn(habit, costs, &best, habit->method == METHOD_HUFFMAN ? codes : plain);
    }
    if (at != best.order) {
        make_again(&best, passes, stepped, u);
    }
    write_noise(out, passes, &best, stepped, u);
}
