/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link: bytes to and from the field, whatever carries them. Loop thread only.
 *
 * A link is created on its way up. It reports `opened` at most once, then bytes, and ends
 * either with one `closed` (its own doing; the link is gone after it) or with hyp_link_close
 * (the owner's doing; no more events). Events never come from within a call of the owner,
 * except from within its own events.
 */
#ifndef HYP_COLLECT_LINK_H
#define HYP_COLLECT_LINK_H

#include "collect/loop.h"
#include "model/plant.h"

struct hyp_link;

struct hyp_link_events {
    void (*opened)(void *user);
    void (*received)(void *user, const uint8_t *bytes, size_t len);
    /* A message longer than the link takes was passed over. NULL: the link has no messages. */
    void (*too_long)(void *user, size_t len);
    /* @text  for a person: "connection refused" */
    void (*closed)(void *user, enum hyp_status status, const char *text);
};

struct hyp_link_ops {
    void (*send)(struct hyp_link *link, const uint8_t *bytes, size_t len);
    void (*set_baud)(struct hyp_link *link, uint32_t baud); /* NULL: has no baud rate */
    void (*pause)(struct hyp_link *link, bool paused);      /* stops and resumes receiving */
    void (*close)(struct hyp_link *link);
};

/* First member of every kind of link. */
struct hyp_link {
    const struct hyp_link_ops *ops;
    const struct hyp_link_events *events;
    void *user;
    struct hyp_loop *loop;
};

/* What is sent follows what was sent before; what the link cannot take is a lost request. */
static inline void hyp_link_send(struct hyp_link *link, const uint8_t *bytes, size_t len)
{
    link->ops->send(link, bytes, len);
}

static inline void hyp_link_set_baud(struct hyp_link *link, uint32_t baud)
{
    if (link->ops->set_baud != NULL) {
        link->ops->set_baud(link, baud);
    }
}

static inline void hyp_link_pause(struct hyp_link *link, bool paused)
{
    link->ops->pause(link, paused);
}

/* Ends the link; its memory goes when libuv has let go of it. */
static inline void hyp_link_close(struct hyp_link *link)
{
    link->ops->close(link);
}

/*
 * Begins to connect to host:port; a name is looked up first.
 * @host  copied
 * Returns  HYP_OK (opened or closed will come) | NO_MEMORY | IO (err: the reason)
 */
HYP_MUST_USE enum hyp_status hyp_tcp_connect(struct hyp_loop *loop, const char *host,
                                             uint16_t port,
                                             const struct hyp_link_events *events, void *user,
                                             struct hyp_link **ret_link, struct hyp_error *err);

/* A serial port to be opened. */
struct hyp_serial_settings {
    const char *path;
    uint32_t baud;
    char parity; /* 'N', 'E', 'O'; always 8 data bits, 1 stop bit */
};
/*
 * Opens a serial port; `opened` comes at the next turn.
 * Returns  HYP_OK | NOT_FOUND, DENIED, BUSY (used by another program), INVALID (not a serial
 *          port, or a baud rate it cannot), IO, NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_serial_open(struct hyp_loop *loop,
                                             const struct hyp_serial_settings *settings,
                                             const struct hyp_link_events *events, void *user,
                                             struct hyp_link **ret_link, struct hyp_error *err);

struct hyp_tcp_server;
struct hyp_tcp_server_events {
    /* A connection, open: sets its events and user, or closes it. */
    void (*accepted)(void *user, struct hyp_link *link);
};
/*
 * Listens for connections. Each one is a link of its own, handed over by `accepted`.
 * @host     an IPv4 or IPv6 address of this machine; names are not looked up
 * @port     0 = any that is free
 * Returns   HYP_OK | INVALID (no address) | EXISTS (the port is taken) | DENIED | LIMIT | IO
 *         | NO_MEMORY, *err is a sentence
 */
HYP_MUST_USE enum hyp_status hyp_tcp_listen(struct hyp_loop *loop, const char *host,
                                            uint16_t port,
                                            const struct hyp_tcp_server_events *events,
                                            void *user, struct hyp_tcp_server **ret_server,
                                            struct hyp_error *err);
/* The port that is listened on; useful when 0 was asked for. */
uint16_t hyp_tcp_server_port(const struct hyp_tcp_server *server);
/* Listens no more and frees the server; links that were accepted stay. */
void hyp_tcp_server_close(struct hyp_tcp_server *server);

/* Receives datagrams; every one is one `received`. `opened` does not come: it is open when this
 * returns. Arguments and statuses as hyp_tcp_listen. */
HYP_MUST_USE enum hyp_status hyp_udp_listen(struct hyp_loop *loop, const char *host,
                                            uint16_t port, const struct hyp_link_events *events,
                                            void *user, struct hyp_link **ret_link,
                                            struct hyp_error *err);
/* The port of a link of hyp_udp_listen; 0 when the system does not say. */
uint16_t hyp_udp_port(const struct hyp_link *link);

/* The status for a libuv error code (below 0); IO for those that say nothing to an operator. */
enum hyp_status hyp_status_from_uv(int code);

#endif
