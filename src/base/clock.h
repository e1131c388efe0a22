/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks are injected: no room but cmd decides which one is real.
 */
#ifndef HYP_BASE_CLOCK_H
#define HYP_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970-01-01 00:00 UTC. */
typedef struct {
    int64_t ms;
} hyp_utc;

/* Milliseconds of a clock that never jumps; only differences mean something. */
typedef struct {
    int64_t ms;
} hyp_mono;

struct hyp_clock {
    hyp_utc (*utc)(const struct hyp_clock *clock);
    hyp_mono (*mono)(const struct hyp_clock *clock);
};

/* The machine's clock. Any thread. */
const struct hyp_clock *hyp_clock_system(void);

/* A clock that stands still until a test moves it. */
struct hyp_clock_fake {
    struct hyp_clock clock;
    hyp_utc now_utc;
    hyp_mono now_mono;
};
/* Both clocks move by `ms`; an advance below 0 sets them back. One thread at a time. */
void hyp_clock_fake_init(struct hyp_clock_fake *fake, hyp_utc start);
void hyp_clock_fake_advance(struct hyp_clock_fake *fake, int64_t ms);

static inline hyp_utc hyp_clock_utc(const struct hyp_clock *clock)
{
    return clock->utc(clock);
}

static inline hyp_mono hyp_clock_mono(const struct hyp_clock *clock)
{
    return clock->mono(clock);
}

#endif
