/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: descriptors that the loop watches, at a price of 16 bytes each.
 *
 * libuv's own handles take a quarter of a kilobyte a connection, which counts when ten thousand
 * devices hold one. So connections are watched by an epoll of our own, and that one descriptor
 * by libuv. Level-triggered: what is not read is reported again. Loop thread only.
 */
#ifndef HYP_COLLECT_SOCKETS_H
#define HYP_COLLECT_SOCKETS_H

#include "base/attr.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <uv.h>

/* Embedded in its owner, which may go as soon as the socket is closed. */
struct hyp_socket {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT: what is watched */
    void (*ready)(struct hyp_socket *socket, uint32_t events);
};

struct hyp_sockets {
    int epoll;
    uv_poll_t poll;
    struct epoll_event *batch; /* being handed out */
    int batch_left;
};

/* HYP_OK | IO (err: the reason) */
HYP_MUST_USE enum hyp_status hyp_sockets_init(struct hyp_sockets *sockets, uv_loop_t *uv,
                                              struct hyp_error *err);
/* Lets the loop end; sockets that are still open get no more events. */
void hyp_sockets_end(struct hyp_sockets *sockets);
/* After the loop has ended. */
void hyp_sockets_finish(struct hyp_sockets *sockets);

/*
 * Watches socket->fd from now on.
 * @events  EPOLLIN, EPOLLOUT, or 0 for errors only
 * Returns  HYP_OK | NO_MEMORY; the descriptor stays with the caller on failure
 */
HYP_MUST_USE enum hyp_status hyp_socket_add(struct hyp_sockets *sockets,
                                            struct hyp_socket *socket, uint32_t events);
/* Changes what is watched. Cannot fail on a socket that was added. */
void hyp_socket_want(struct hyp_sockets *sockets, struct hyp_socket *socket, uint32_t events);
/* Closes the descriptor; no event comes after it, not even one that is there already. */
void hyp_socket_close(struct hyp_sockets *sockets, struct hyp_socket *socket);

#endif
