/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/attr.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec now;
    if (clock_gettime(id, &now) != 0) {
        return 0;
    }
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static hyp_utc system_utc(const struct hyp_clock *clock HYP_UNUSED)
{
    return (hyp_utc){read_ms(CLOCK_REALTIME)};
}

static hyp_mono system_mono(const struct hyp_clock *clock HYP_UNUSED)
{
    return (hyp_mono){read_ms(CLOCK_MONOTONIC)};
}

const struct hyp_clock *hyp_clock_system(void)
{
    static const struct hyp_clock system_clock = {.utc = system_utc, .mono = system_mono};
    return &system_clock;
}

static hyp_utc fake_utc(const struct hyp_clock *clock)
{
    const struct hyp_clock_fake *fake = (const struct hyp_clock_fake *)(const void *)clock;
    return fake->now_utc;
}

static hyp_mono fake_mono(const struct hyp_clock *clock)
{
    const struct hyp_clock_fake *fake = (const struct hyp_clock_fake *)(const void *)clock;
    return fake->now_mono;
}

void hyp_clock_fake_init(struct hyp_clock_fake *fake, hyp_utc start)
{
    *fake = (struct hyp_clock_fake){
        .clock = {.utc = fake_utc, .mono = fake_mono},
        .now_utc = start,
        .now_mono = {1000              },
    };
}

void hyp_clock_fake_advance(struct hyp_clock_fake *fake, int64_t ms)
{
    fake->now_utc.ms += ms;
    fake->now_mono.ms += ms;
}
