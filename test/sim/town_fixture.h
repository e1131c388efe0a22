/* SPDX-License-Identifier: Apache-2.0 */
/* A town for tests: always the same one, at the same winter morning. */
#ifndef HYP_TEST_SIM_TOWN_FIXTURE_H
#define HYP_TEST_SIM_TOWN_FIXTURE_H

#include "support/rows.h"

#include "sim/civil.h"
#include "sim/town.h"

/* 2026-01-15 06:00 UTC, a Thursday. */
#define TEST_NOW_MS ((int64_t)1768456800000)
/* Days of weather beyond it. */
#ifndef TEST_DAYS
#define TEST_DAYS 3
#endif

static inline struct sim_town *test_town(uint64_t seed, unsigned faults)
{
    struct sim_town_plan plan = {.seed = seed, .anchor_ms = TEST_NOW_MS, .faults = faults};
    struct sim_town *town = NULL;
    if (sim_town_create(&plan, &town) != HYP_OK ||
        sim_climate_reserve(&town->climate, TEST_NOW_MS + TEST_DAYS * SIM_DAY_MS) != HYP_OK) {
        fail_msg("the test town could not be built");
    }
    return town;
}

/* The `nth` meter of a make. */
static inline struct sim_device *test_device(struct sim_town *town, enum sim_make_id make,
                                             unsigned nth)
{
    for (size_t i = 0; i < town->device_count; i++) {
        if (town->devices[i].make == sim_make_get(make) && nth-- == 0) {
            return &town->devices[i];
        }
    }
    fail_msg("the town has no such meter");
    return NULL;
}

#endif
