/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sequence_passes.h"

#include "base/attr.h"
#include "store/lanes.h"

#include <assert.h>

/* --- values and levels --- */

HYP_LANES_BODY bool all_equal_body(const int64_t *values, size_t n)
{
    uint64_t differs = 0;
    for (size_t i = 1; i < n; i++) {
        differs |= (uint64_t)values[i] ^ (uint64_t)values[0];
    }
    return differs == 0;
}

/* Within these bounds a sum of 64 bits is exact. */
#define SUM_NUMBERS ((size_t)1 << 22)
#define SUM_EACH ((int64_t)1 << 40)

/* Sum and mean of n > 0 numbers of which the rest is known, and their sum modulo 2^64. */
static void finish_range(struct hyp_pass_range *range, const int64_t *numbers, size_t n,
                         uint64_t sum)
{
    assert(n > 0); /* of at least two numbers, as the header says, one is left */
    range->sum = (int64_t)sum;
    if (n <= SUM_NUMBERS && range->least > -SUM_EACH && range->most < SUM_EACH) {
        range->mean = (int64_t)sum / (int64_t)n;
        return;
    }
    range->sum = 0;
    for (size_t i = 0; i < n; i++) {
        range->sum += numbers[i];
    }
    range->mean = (int64_t)(range->sum / (hyp_int128)n);
}

HYP_LANES_BODY struct hyp_pass_range range_body(const int64_t *values, size_t n)
{
    struct hyp_pass_range range;
    int64_t least = values[0];
    int64_t most = values[0];
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        least = HYP_MIN(least, values[i]);
        most = HYP_MAX(most, values[i]);
        sum += (uint64_t)values[i];
    }
    range.least = least;
    range.most = most;
    finish_range(&range, values, n, sum);
    return range;
}

HYP_LANES_BODY struct hyp_pass_range levels_body(const int64_t *q, size_t n, uint64_t *u)
{
    struct hyp_pass_range range;
    int64_t least = 0;
    int64_t most = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t level = (uint64_t)q[i] - (uint64_t)q[0];
        least = HYP_MIN(least, (int64_t)level);
        most = HYP_MAX(most, (int64_t)level);
        sum += level;
        u[i] = level;
    }
    range.least = least;
    range.most = most;
    finish_range(&range, (const int64_t *)u, n, sum);
    return range;
}

HYP_LANES_BODY struct hyp_pass_runs runs_body(const uint64_t *u, size_t n)
{
    uint64_t moves = 0;
    uint64_t bends = 0;
    for (size_t i = 2; i < n; i++) {
        uint64_t step = u[i] - u[i - 1];
        moves += step != 0;
        bends += step != u[i - 1] - u[i - 2];
    }
    return (struct hyp_pass_runs){
        {1 + moves, 1 + bends}
    };
}

/* --- residuals --- */

/* Residual i of an order, i at least 2. */
HYP_LANES_BODY uint64_t residual(const int64_t *q, unsigned order, size_t i)
{
    switch (order) {
    case 0: return (uint64_t)q[i] - (uint64_t)q[0];
    case 1: return (uint64_t)q[i] - (uint64_t)q[i - 1];
    default: return (uint64_t)q[i] - 2 * (uint64_t)q[i - 1] + (uint64_t)q[i - 2];
    }
}

HYP_LANES_BODY struct hyp_pass_range residuals_of(const int64_t *q, size_t n, unsigned order,
                                                  uint64_t *u)
{
    struct hyp_pass_range range;
    u[0] = 0;
    u[1] = (uint64_t)q[1] - (uint64_t)q[0];
    int64_t least = (int64_t)u[1];
    int64_t most = least;
    uint64_t sum = u[1];
    for (size_t i = 2; i < n; i++) {
        uint64_t r = residual(q, order, i);
        least = HYP_MIN(least, (int64_t)r);
        most = HYP_MAX(most, (int64_t)r);
        sum += r;
        u[i] = r;
    }
    range.least = least;
    range.most = most;
    finish_range(&range, (const int64_t *)u + 1, n - 1, sum);
    return range;
}

HYP_LANES_BODY struct hyp_pass_range residuals_body(const int64_t *q, size_t n, unsigned order,
                                                    uint64_t *u)
{
    switch (order) {
    case 0: return residuals_of(q, n, 0, u);
    case 1: return residuals_of(q, n, 1, u);
    default: return residuals_of(q, n, 2, u);
    }
}

HYP_LANES_BODY uint64_t centre_body(uint64_t *u, size_t n, uint64_t bias)
{
    uint64_t any = 0;
    for (size_t i = 1; i < n; i++) {
        u[i] = hyp_zigzag(u[i] - bias);
        any |= u[i];
    }
    return any;
}

/* --- Rice --- */

HYP_LANES_BODY uint64_t rice_bits(const uint64_t *z, size_t n, unsigned k)
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
HYP_LANES_BODY void rice_bits_of_three(const uint64_t *z, size_t n, unsigned k,
                                       uint64_t bits[3])
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

/* Mean of numbers that some are beyond 32 bits of. */
static uint64_t wide_mean(const uint64_t *z, size_t n)
{
    unsigned __int128 sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += z[i];
    }
    return (uint64_t)(sum / n);
}

/* The best k is near the binary logarithm of the mean. */
HYP_LANES_BODY unsigned choose_k_body(const uint64_t *z, size_t n, uint64_t *ret_bits)
{
    uint64_t any = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        any |= z[i];
        sum += z[i];
    }
    if (any == 0) {
        *ret_bits = 0;
        return RICE_ZERO_BLOCK;
    }
    uint64_t mean = any <= UINT32_MAX ? sum / n : wide_mean(z, n);
    unsigned near = hyp_bit_length(mean);
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

/* --- both ways --- */

HYP_LANES(bool, all_equal, (const int64_t *values, size_t n), (values, n))
HYP_LANES(struct hyp_pass_range, range, (const int64_t *values, size_t n), (values, n))
HYP_LANES(struct hyp_pass_range, levels, (const int64_t *q, size_t n, uint64_t *u), (q, n, u))
HYP_LANES(struct hyp_pass_runs, runs, (const uint64_t *u, size_t n), (u, n))
HYP_LANES(struct hyp_pass_range, residuals,
          (const int64_t *q, size_t n, unsigned order, uint64_t *u), (q, n, order, u))
HYP_LANES(uint64_t, centre, (uint64_t * u, size_t n, uint64_t bias), (u, n, bias))
HYP_LANES(unsigned, choose_k, (const uint64_t *z, size_t n, uint64_t *ret_bits),
          (z, n, ret_bits))

const struct hyp_passes hyp_passes_narrow = {
    .all_equal = all_equal_narrow,
    .range = range_narrow,
    .levels = levels_narrow,
    .runs = runs_narrow,
    .residuals = residuals_narrow,
    .centre = centre_narrow,
    .choose_k = choose_k_narrow,
};

const struct hyp_passes hyp_passes_wide = {
    .all_equal = all_equal_wide,
    .range = range_wide,
    .levels = levels_wide,
    .runs = runs_wide,
    .residuals = residuals_wide,
    .centre = centre_wide,
    .choose_k = choose_k_wide,
};

const struct hyp_passes *hyp_passes(void)
{
    return hyp_lanes_are_wide() ? &hyp_passes_wide : &hyp_passes_narrow;
}

/* --- steps --- */

/* Dividing by a step without a division: a multiple of an odd number times its inverse modulo
 * 2^64 is the quotient, and anything else is beyond the greatest quotient there is. */
struct divisor {
    unsigned shift; /* the step is odd << shift */
    uint64_t inverse;
    uint64_t most; /* quotient */
};

static struct divisor divisor_of(uint64_t step)
{
    struct divisor divisor = {.shift = (unsigned)__builtin_ctzll(step),
                              .most = UINT64_MAX / step};
    uint64_t odd = step >> divisor.shift;
    uint64_t inverse = odd; /* in the lowest three bits; each turn doubles them */
    for (int i = 0; i < 5; i++) {
        inverse *= 2 - odd * inverse;
    }
    divisor.inverse = inverse;
    return divisor;
}

static bool is_multiple(uint64_t number, const struct divisor *divisor)
{
    uint64_t turned = number * divisor->inverse;
    turned = turned >> divisor->shift | turned << (-divisor->shift & 63u);
    return turned <= divisor->most;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

uint64_t hyp_pass_find_step(const int64_t *values, size_t n)
{
    uint64_t step = 0;
    struct divisor divisor = {.inverse = 1, .most = 0}; /* of 0: only 0 is a multiple */
    for (size_t i = 1; i < n && step != 1; i++) {
        int64_t difference;
        if (__builtin_sub_overflow(values[i], values[0], &difference)) {
            return 1;
        }
        uint64_t a = difference < 0 ? 0 - (uint64_t)difference : (uint64_t)difference;
        if (!is_multiple(a, &divisor)) {
            step = common_divisor(step, a);
            divisor = divisor_of(step);
        }
    }
    return step == 0 || step > INT64_MAX ? 1 : step;
}

void hyp_pass_divide(const int64_t *values, size_t n, uint64_t step, int64_t *q)
{
    struct divisor divisor = divisor_of(step);
    for (size_t i = 0; i < n; i++) {
        int64_t difference = (values[i] - values[0]) >> divisor.shift;
        q[i] = (int64_t)((uint64_t)difference * divisor.inverse);
    }
}
