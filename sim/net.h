/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP for the simulator: servers, connections, answers that leave later or in small pieces.
 * Loop thread. Connections are freed when closed and no answer of theirs waits any more.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "sim/agenda.h"

#include <stdbool.h>

struct sim_net;
struct sim_server;

struct sim_conn {
    uv_tcp_t tcp;
    struct sim_server *server;
    struct sim_conn *next; /* of the server, oldest first */
    uint8_t input[320];
    size_t input_len;
    uint64_t last_ms; /* last byte received */
    unsigned pending; /* answers on the agenda */
    bool open;        /* connected and reading */
    bool closing;
    bool closed;
    bool dialled; /* we connected; free the slot of the dialler on close */
};

/* What a protocol does with its connections; members may be NULL. */
struct sim_server_ops {
    void (*opened)(struct sim_conn *conn);
    void (*data)(struct sim_conn *conn, const uint8_t *bytes, size_t len);
    void (*closed)(struct sim_conn *conn);
};

struct sim_server {
    uv_tcp_t listener;
    bool listens;
    struct sim_net *net;
    const struct sim_server_ops *ops;
    void *user;
    size_t index; /* of the served line among its kind */
    struct sim_conn *conns;
    uint64_t idle_limit_ms; /* connections silent for longer are closed; 0 = never */
};

struct sim_net {
    uv_loop_t *loop;
    struct sim_agenda agenda;
    uint32_t latency_ms; /* before each answer */
    bool split;          /* answers leave in small pieces */
    uint64_t pieces;     /* so far; makes their sizes differ */
    char buffer[16384];  /* lent to one read at a time: the bytes are handled at once */
};

HYP_MUST_USE enum hyp_status sim_net_init(struct sim_net *net, uv_loop_t *loop);
void sim_net_finish(struct sim_net *net);

/* A server without listener: its connections come from sim_server_dial() alone. */
void sim_server_init(struct sim_server *server, struct sim_net *net,
                     const struct sim_server_ops *ops, void *user);
/*
 * Listens.
 * @port     0 = any free one
 * @ret_port the real port
 * Returns   HYP_OK | IO with *err naming address and port
 */
HYP_MUST_USE enum hyp_status sim_server_listen(struct sim_server *server, const char *host,
                                               uint16_t port, uint16_t *ret_port,
                                               struct hyp_error *err);
/* Connects out; on success the connection behaves like an accepted one. Failure is silent. */
void sim_server_dial(struct sim_server *server, const char *host, uint16_t port);
/* Closes listener and connections. The loop must run until they are gone. */
void sim_server_close(struct sim_server *server);
/* Closes connections that have been silent for longer than the limit. */
void sim_server_drop_idle(struct sim_server *server);

/* Sends after net->latency_ms + `extra_ms`. */
void sim_conn_answer(struct sim_conn *conn, const uint8_t *bytes, size_t len,
                     uint32_t extra_ms);
/* Sends now. */
void sim_conn_send(struct sim_conn *conn, const uint8_t *bytes, size_t len);
void sim_conn_close(struct sim_conn *conn);

#endif
