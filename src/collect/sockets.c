/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/sockets.h"

#include <errno.h>
#include <unistd.h>

/* Handed out before the loop looks at its timers and at other threads again. */
#define BATCH 512

static void on_events(uv_poll_t *poll, int status, int what)
{
    (void)status;
    (void)what;
    struct hyp_sockets *sockets = poll->data;
    struct epoll_event events[BATCH];
    int count = epoll_wait(sockets->epoll, events, BATCH, 0);
    for (int i = 0; i < count; i++) {
        struct hyp_socket *socket = events[i].data.ptr;
        sockets->batch = events + i + 1;
        sockets->batch_left = count - i - 1;
        if (socket != NULL) {
            socket->ready(socket, events[i].events);
        }
    }
    sockets->batch = NULL;
    sockets->batch_left = 0;
}

enum hyp_status hyp_sockets_init(struct hyp_sockets *sockets, uv_loop_t *uv,
                                 struct hyp_error *err)
{
    sockets->epoll = epoll_create1(EPOLL_CLOEXEC);
    int rc = sockets->epoll < 0 ? -errno : uv_poll_init(uv, &sockets->poll, sockets->epoll);
    if (rc == 0) {
        sockets->poll.data = sockets;
        rc = uv_poll_start(&sockets->poll, UV_READABLE, on_events);
    }
    if (rc != 0) {
        hyp_sockets_finish(sockets);
        return hyp_error_set_code(err, HYP_IO, HYP_ERROR_UV, rc, "cannot watch connections: %s",
                                  uv_strerror(rc));
    }
    return HYP_OK;
}

void hyp_sockets_end(struct hyp_sockets *sockets)
{
    if (uv_is_closing((uv_handle_t *)&sockets->poll) == 0) {
        uv_close((uv_handle_t *)&sockets->poll, NULL);
    }
}

void hyp_sockets_finish(struct hyp_sockets *sockets)
{
    if (sockets->epoll >= 0) {
        close(sockets->epoll);
        sockets->epoll = -1;
    }
}

enum hyp_status hyp_socket_add(struct hyp_sockets *sockets, struct hyp_socket *socket,
                               uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = socket};
    if (epoll_ctl(sockets->epoll, EPOLL_CTL_ADD, socket->fd, &event) != 0) {
        return HYP_NO_MEMORY;
    }
    socket->events = events;
    return HYP_OK;
}

void hyp_socket_want(struct hyp_sockets *sockets, struct hyp_socket *socket, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = socket};
    if (socket->events != events &&
        epoll_ctl(sockets->epoll, EPOLL_CTL_MOD, socket->fd, &event) == 0) {
        socket->events = events;
    }
}

void hyp_socket_close(struct hyp_sockets *sockets, struct hyp_socket *socket)
{
    if (socket->fd < 0) {
        return;
    }
    close(socket->fd); /* leaves the epoll by that */
    socket->fd = -1;
    for (int i = 0; i < sockets->batch_left; i++) {
        if (sockets->batch[i].data.ptr == socket) {
            sockets->batch[i].data.ptr = NULL;
        }
    }
}
