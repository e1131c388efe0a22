/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many equal devices for measurements: each connection to the Modbus port is a device of its
 * own, each connection to the M-Bus port a bus of meters.
 *
 * Built to cost little: bare epoll, a flat array of small connections, and one queue of answers
 * in order of time (the latency is the same for all, so a queue is the whole timer).
 */
#ifndef SIM_SCALE_H
#define SIM_SCALE_H

#include "sim/options.h"

/*
 * Serves until SIGINT or SIGTERM.
 * Returns   HYP_OK | IO, NO_MEMORY with *err filled, before anything was served
 */
HYP_MUST_USE enum hyp_status sim_scale_run(const struct sim_options *options,
                                           struct hyp_error *err);

#endif
