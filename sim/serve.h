/* SPDX-License-Identifier: Apache-2.0 */
/* The town on sockets: one loop, one thread (MQTT has its own). */
#ifndef SIM_SERVE_H
#define SIM_SERVE_H

#include "sim/net.h"
#include "sim/setup.h"

#define SIM_BUSES 2

struct mosquitto;

struct sim_serve {
    const struct sim_options *options;
    struct sim_town *town;
    struct sim_clock clock;
    uv_loop_t loop;
    struct sim_net net;
    uv_signal_t signals[2];
    uv_timer_t sweep; /* once a second: idle connections, the climate ahead */
    struct sim_bus buses[SIM_BUSES];
    struct sim_slave *slaves; /* of all buses, one after the other */
    struct sim_server servers[SIM_TOWN_LINES];
    struct mosquitto *mqtt; /* NULL without broker */
    uv_async_t mqtt_connected;
    bool mqtt_started;
    bool mqtt_has_async;
    char dial_host[64];
    uint16_t dial_port;
    bool loop_is_ready;
    bool stopping;
};

/*
 * Serves until SIGINT or SIGTERM.
 * Returns   HYP_OK | IO and others with *err filled, before anything was served
 */
HYP_MUST_USE enum hyp_status sim_serve_run(const struct sim_options *options,
                                           const struct hyp_clock *machine,
                                           struct hyp_error *err);

/* The town's time, with the climate reserved beyond it. */
int64_t sim_serve_now(struct sim_serve *serve);

/* --- protocols on connections (serve_*.c); server.user is set by serve.c --- */

extern const struct sim_server_ops sim_mbus_ops;   /* user: struct sim_bus_port */
extern const struct sim_server_ops sim_modbus_ops; /* user: struct sim_ecl_port */

#endif
