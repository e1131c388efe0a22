/* SPDX-License-Identifier: Apache-2.0 */
/* Modbus TCP as the ECL serves it: one client, the next is dropped on its first request. */
#include "sim/serve.h"

#include <string.h>

static void answer_frame(struct sim_conn *conn, const uint8_t *frame, size_t len)
{
    struct sim_serve *serve = conn->server->user;
    struct sim_controller *controller = &serve->town->controllers[conn->server->index];
    uint8_t reply[SIM_MODBUS_TCP_MAX];
    if (serve->options->silence) {
        return;
    }
    sim_ecl_advance(&controller->ecl, sim_serve_now(serve));
    size_t pdu = sim_ecl_answer(&controller->ecl, frame[6], frame + 7, len - 7, reply + 7);
    if (pdu == 0) {
        return;
    }
    memcpy(reply, frame, 4);
    reply[4] = 0;
    reply[5] = (uint8_t)(pdu + 1);
    reply[6] = frame[6];
    sim_conn_answer(conn, reply, pdu + 7, 0);
}

static void modbus_data(struct sim_conn *conn, const uint8_t *bytes, size_t len)
{
    if (conn != conn->server->conns) {
        sim_conn_close(conn); /* somebody was here before */
        return;
    }
    while (len > 0 && !conn->closing) {
        size_t taken = HYP_MIN(len, sizeof(conn->input) - conn->input_len);
        memcpy(conn->input + conn->input_len, bytes, taken);
        conn->input_len += taken;
        bytes += taken;
        len -= taken;
        int frame;
        while ((frame = sim_modbus_tcp_length(conn->input, conn->input_len)) > 0) {
            answer_frame(conn, conn->input, (size_t)frame);
            conn->input_len -= (size_t)frame;
            memmove(conn->input, conn->input + frame, conn->input_len);
        }
        if (frame < 0) {
            sim_conn_close(conn);
        }
    }
}

const struct sim_server_ops sim_modbus_ops = {.data = modbus_data};
