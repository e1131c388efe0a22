/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void system_fill(struct hyp_rng *rng HYP_UNUSED, uint8_t *out, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t got = getrandom(out + done, len - done, 0);
        if (got > 0) {
            done += (size_t)got;
        }
        /* EINTR only: getrandom cannot fail otherwise once the kernel has started. */
    }
}

struct hyp_rng *hyp_rng_system(void)
{
    static struct hyp_rng system_rng = {.fill = system_fill};
    return &system_rng;
}

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void seeded_fill(struct hyp_rng *rng, uint8_t *out, size_t len)
{
    struct hyp_rng_seeded *seeded = (struct hyp_rng_seeded *)(void *)rng;
    while (len > 0) {
        uint64_t word = splitmix(&seeded->state);
        size_t part = HYP_MIN(len, sizeof(word));
        memcpy(out, &word, part);
        out += part;
        len -= part;
    }
}

void hyp_rng_seeded_init(struct hyp_rng_seeded *seeded, uint64_t seed)
{
    *seeded = (struct hyp_rng_seeded){.rng = {.fill = seeded_fill}, .state = seed};
}

uint64_t hyp_rng_below(struct hyp_rng *rng, uint64_t bound)
{
    /* Values in the incomplete last stretch are drawn again, else small results come too often.
     */
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t value;
    do {
        hyp_rng_fill(rng, (uint8_t *)&value, sizeof(value));
    } while (value >= limit);
    return value % bound;
}
