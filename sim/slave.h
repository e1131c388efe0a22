/* SPDX-License-Identifier: Apache-2.0 */
/* One M-Bus slave's reaction to a request; the bus joins the reactions of all. */
#ifndef SIM_SLAVE_H
#define SIM_SLAVE_H

#include "sim/bus.h"

/* Returns whether the slave puts *ret_frame on the wire. */
bool sim_slave_react(struct sim_slave *slave, const struct sim_climate *climate,
                     const struct sim_request *request, int64_t now_ms,
                     struct sim_wired *ret_frame);

#endif
