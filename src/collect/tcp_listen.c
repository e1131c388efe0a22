/* SPDX-License-Identifier: Apache-2.0 */
/* The side of TCP that listens; each connection becomes a link. */
#include "base/limits.h"
#include "collect/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128
/* Connections taken in one turn of the loop. */
#define ACCEPT_MAX 64

struct hyp_tcp_server {
    struct hyp_socket socket;
    struct hyp_loop *loop;
    const struct hyp_tcp_server_events *events;
    void *user;
    int spare; /* a descriptor in reserve, see refuse() */
};

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/*
 * No descriptor is left for the next in the queue, who would be reported for ever: with the one
 * in reserve he is taken and sent away.
 */
static void refuse(struct hyp_tcp_server *server)
{
    if (server->spare >= 0) {
        close(server->spare);
        int fd = accept4(server->socket.fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            close(fd);
        }
        server->spare = open_spare();
    }
}

static void on_connection(struct hyp_socket *socket, uint32_t events)
{
    (void)events;
    struct hyp_tcp_server *server = HYP_CONTAINER_OF(socket, struct hyp_tcp_server, socket);
    for (int i = 0; i < ACCEPT_MAX; i++) {
        int fd = accept4(socket->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                refuse(server);
            }
            return;
        }
        struct hyp_link *link = hyp_tcp_take(server->loop, fd);
        if (link != NULL) {
            server->events->accepted(server->user, link);
        }
    }
}

/* Returns 0 or a negative code; the descriptor is the server's in either case. */
static int listen_at(struct hyp_tcp_server *server, const struct sockaddr_storage *address)
{
    const int on = 1;
    socklen_t size = hyp_tcp_address_size(address->ss_family);
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    server->socket.fd = fd;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (const struct sockaddr *)address, size) != 0 || listen(fd, BACKLOG) != 0) {
        return -errno;
    }
    return hyp_socket_add(&server->loop->sockets, &server->socket, EPOLLIN) == HYP_OK
               ? 0
               : UV_ENOMEM;
}

enum hyp_status hyp_tcp_listen(struct hyp_loop *loop, const char *host, uint16_t port,
                               const struct hyp_tcp_server_events *events, void *user,
                               struct hyp_tcp_server **ret_server, struct hyp_error *err)
{
    struct sockaddr_storage address;
    if (!hyp_tcp_parse_address(host, port, &address)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%s\" is no address to listen on: use 0.0.0.0, 127.0.0.1 or "
                             "another address of this machine",
                             host);
    }
    struct hyp_tcp_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a listener");
    }
    *server = (struct hyp_tcp_server){
        .socket = {.fd = -1, .ready = on_connection},
        .loop = loop,
        .events = events,
        .user = user,
        .spare = open_spare()
    };
    int rc = listen_at(server, &address);
    if (rc != 0) {
        hyp_tcp_server_close(server);
        return hyp_error_set_code(err, hyp_status_from_uv(rc), HYP_ERROR_UV, rc,
                                  "cannot listen on %s port %u: %s", host, port,
                                  uv_strerror(rc));
    }
    *ret_server = server;
    return HYP_OK;
}

uint16_t hyp_tcp_server_port(const struct hyp_tcp_server *server)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t size = sizeof(address);
    memset(&address, 0, sizeof(address));
    if (getsockname(server->socket.fd, &address.any, &size) != 0) {
        return 0;
    }
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port
                                                   : address.v4.sin_port);
}

void hyp_tcp_server_close(struct hyp_tcp_server *server)
{
    hyp_socket_close(&server->loop->sockets, &server->socket);
    if (server->spare >= 0) {
        close(server->spare);
    }
    free(server);
}
