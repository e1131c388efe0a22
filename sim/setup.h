/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to a town and its clock. */
#ifndef SIM_SETUP_H
#define SIM_SETUP_H

#include "base/clock.h"
#include "sim/options.h"
#include "sim/town.h"

/* The town's clock: starts somewhere, runs `speed` times as fast as the machine's. */
struct sim_clock {
    const struct hyp_clock *machine;
    int64_t start_ms;
    int64_t machine_start_ms;
    uint64_t speed;
};

int64_t sim_clock_now(const struct sim_clock *clock);

/*
 * Builds the town the options ask for.
 * Returns   HYP_OK | INVALID, IO, MALFORMED, NO_MEMORY with *err filled
 */
HYP_MUST_USE enum hyp_status sim_setup(const struct sim_options *options,
                                       const struct hyp_clock *machine,
                                       struct sim_town **ret_town, struct sim_clock *ret_clock,
                                       struct hyp_error *err);

#endif
