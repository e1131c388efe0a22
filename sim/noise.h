/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repeatable randomness as pure functions of (seed, place): any moment of the town can be
 * computed without having lived through the moments before it.
 */
#ifndef SIM_NOISE_H
#define SIM_NOISE_H

#include <stdint.h>

/* A well mixed 64-bit number. */
uint64_t sim_hash(uint64_t seed, uint64_t a, uint64_t b);
/* Uniform in [0, 1). */
double sim_unit(uint64_t seed, uint64_t a, uint64_t b);
/* Uniform in [low, high). */
double sim_between(uint64_t seed, uint64_t a, uint64_t b, double low, double high);
/* Smooth curve in [-1, 1] along x; independent for each channel; features about 1 wide. */
double sim_smooth(uint64_t seed, uint64_t channel, double x);

#endif
