/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two radio concentrators: one hands telegrams on over TCP (it listens, and dials out on
 * request), the other publishes them to an MQTT broker, one topic per meter.
 */
#ifndef SIM_SERVE_RADIO_H
#define SIM_SERVE_RADIO_H

#include "sim/serve.h"

/*
 * Starts sending; call after the servers listen.
 * Returns   HYP_OK | INVALID (an endpoint option) | IO | NO_MEMORY, with *err filled
 */
HYP_MUST_USE enum hyp_status sim_radio_start(struct sim_serve *serve, struct hyp_error *err);
/* Ends the broker connection and its thread. Safe when never started. */
void sim_radio_stop(struct sim_serve *serve);

extern const struct sim_server_ops sim_radio_ops; /* user: struct sim_serve */

#endif
