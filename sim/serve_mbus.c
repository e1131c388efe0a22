/* SPDX-License-Identifier: Apache-2.0 */
/* M-Bus over TCP: the bytes of the wire without any framing of their own. */
#include "sim/serve.h"

/* A pause this long between two bytes ends a frame. */
#define GAP_MS 1000

static void mbus_data(struct sim_conn *conn, const uint8_t *bytes, size_t len)
{
    struct sim_serve *serve = conn->server->user;
    struct sim_bus *bus = &serve->buses[conn->server->index];
    if (uv_now(&serve->loop) - conn->last_ms > GAP_MS) {
        sim_bus_idle(bus);
    }
    struct sim_answer answer = {.len = 0};
    size_t at = 0;
    size_t used;
    while (sim_bus_feed(bus, bytes + at, len - at, sim_serve_now(serve), &used, &answer) ||
           used > 0) {
        at += used;
        if (answer.len > 0) {
            sim_conn_answer(conn, answer.bytes, answer.len, answer.extra_delay_ms);
            answer.len = 0;
        }
    }
}

static void mbus_closed(struct sim_conn *conn)
{
    struct sim_serve *serve = conn->server->user;
    sim_bus_idle(&serve->buses[conn->server->index]);
}

const struct sim_server_ops sim_mbus_ops = {.data = mbus_data, .closed = mbus_closed};
