/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/noise.h"

#include <math.h>

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

uint64_t sim_hash(uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t z = mix(seed + 0x9E3779B97F4A7C15u);
    z = mix(z ^ (a + 0x9E3779B97F4A7C15u));
    return mix(z ^ (b * 0xD6E8FEB86659FD93u + 0x9E3779B97F4A7C15u));
}

double sim_unit(uint64_t seed, uint64_t a, uint64_t b)
{
    return (double)(sim_hash(seed, a, b) >> 11) * 0x1p-53;
}

double sim_between(uint64_t seed, uint64_t a, uint64_t b, double low, double high)
{
    return low + (high - low) * sim_unit(seed, a, b);
}

double sim_smooth(uint64_t seed, uint64_t channel, double x)
{
    double cell = floor(x);
    double t = x - cell;
    uint64_t at = (uint64_t)(int64_t)cell;
    double left = 2.0 * sim_unit(seed, channel, at) - 1.0;
    double right = 2.0 * sim_unit(seed, channel, at + 1) - 1.0;
    return left + (right - left) * t * t * (3.0 - 2.0 * t);
}
