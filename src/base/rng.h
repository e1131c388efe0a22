/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Randomness is injected: the system's for secrets, a seeded one for tests and staggering.
 */
#ifndef HYP_BASE_RNG_H
#define HYP_BASE_RNG_H

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>

struct hyp_rng {
    void (*fill)(struct hyp_rng *rng, uint8_t *out, size_t len);
};

/* The kernel's random source; suitable for keys and tokens. Any thread. */
struct hyp_rng *hyp_rng_system(void);

/* splitmix64 from a seed: repeatable, NOT for secrets. */
struct hyp_rng_seeded {
    struct hyp_rng rng;
    uint64_t state;
};
/* The same seed gives the same bytes on every machine. Not for several threads. */
void hyp_rng_seeded_init(struct hyp_rng_seeded *seeded, uint64_t seed);

static inline void hyp_rng_fill(struct hyp_rng *rng, uint8_t *out, size_t len)
{
    rng->fill(rng, out, len);
}

/* Uniform in 0..bound-1; bound > 0. */
uint64_t hyp_rng_below(struct hyp_rng *rng, uint64_t bound);

#endif
