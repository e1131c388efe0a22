/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP links: connections, whoever began them (tcp_listen.c takes those from outside). Ten
 * thousand of them are normal, so the descriptor is watched directly (sockets.h), and what is
 * needed only for a while (looked-up addresses, bytes that the socket does not take yet) is
 * separate memory that goes again.
 */
#include "collect/tcp.h"
#include "base/buf.h"
#include "base/limits.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A half-open connection behind a mobile network's NAT shows after this time and some tries. */
#define KEEP_ALIVE_S 45
#define KEEP_ALIVE_BETWEEN_S 15
#define KEEP_ALIVE_TRIES 4

struct tcp_link {
    struct hyp_link link;
    struct hyp_socket socket;
    union {
        struct connecting *connecting; /* until opened */
        struct unsent *unsent;         /* after it: the socket was full */
    };
};

/* Everything only needed on the way up. */
struct connecting {
    struct tcp_link *link; /* NULL: the owner has closed it meanwhile */
    uv_getaddrinfo_t lookup;
    struct addrinfo *found;
    struct addrinfo *next; /* to be tried if this one fails */
    bool in_lookup;
};

struct unsent {
    size_t len;
    uint8_t bytes[];
};

enum hyp_status hyp_status_from_uv(int code)
{
    static const struct {
        int code;
        enum hyp_status status;
    } rows[] = {
        {UV_ECONNREFUSED, HYP_REFUSED  },
        {UV_ETIMEDOUT,    HYP_TIMEOUT  },
        {UV_EOF,          HYP_CLOSED   },
        {UV_ECONNRESET,   HYP_CLOSED   },
        {UV_EPIPE,        HYP_CLOSED   },
        {UV_ENOMEM,       HYP_NO_MEMORY},
        {UV_EACCES,       HYP_DENIED   },
        {UV_EPERM,        HYP_DENIED   },
        {UV_ENOENT,       HYP_NOT_FOUND},
        {UV_EBUSY,        HYP_BUSY     },
        {UV_EADDRINUSE,   HYP_EXISTS   },
        {UV_EAI_NONAME,   HYP_NOT_FOUND},
        {UV_EAI_NODATA,   HYP_NOT_FOUND},
        {UV_EMFILE,       HYP_LIMIT    },
        {UV_ENFILE,       HYP_LIMIT    },
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        if (rows[i].code == code) {
            return rows[i].status;
        }
    }
    return HYP_IO;
}

static const char *text_of(int code)
{
    return code == UV_EOF ? "the other side closed the connection" : uv_strerror(code);
}

static struct hyp_sockets *sockets_of(const struct tcp_link *link)
{
    return &link->link.loop->sockets;
}

/* --- end --- */

static void on_connected(struct hyp_socket *socket, uint32_t events);

/* Is it still on its way up? */
static bool is_opening(const struct tcp_link *link)
{
    return link->socket.ready == on_connected;
}

static void free_connecting(struct tcp_link *link)
{
    struct connecting *connecting = link->connecting;
    link->connecting = NULL;
    connecting->link = NULL;
    if (connecting->in_lookup) {
        uv_cancel((uv_req_t *)&connecting->lookup); /* its callback frees */
        return;
    }
    uv_freeaddrinfo(connecting->found);
    free(connecting);
}

static void tcp_close(struct hyp_link *base)
{
    struct tcp_link *link = (struct tcp_link *)(void *)base;
    hyp_socket_close(sockets_of(link), &link->socket);
    if (is_opening(link)) {
        free_connecting(link);
    } else {
        free(link->unsent);
    }
    free(link);
}

/* The link ends by itself. */
static void fail(struct tcp_link *link, int code)
{
    const struct hyp_link_events *events = link->link.events;
    void *user = link->link.user;
    tcp_close(&link->link);
    events->closed(user, hyp_status_from_uv(code), text_of(code));
}

/* --- bytes --- */

static void want(struct tcp_link *link, uint32_t event, bool wanted)
{
    uint32_t events = wanted ? link->socket.events | event : link->socket.events & ~event;
    hyp_socket_want(sockets_of(link), &link->socket, events);
}

/* Sends what the socket takes; returns how much that was. An error shows when reading. */
static size_t send_some(const struct tcp_link *link, const uint8_t *bytes, size_t len)
{
    ssize_t sent;
    do {
        sent = send(link->socket.fd, bytes, len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return errno == EAGAIN ? 0 : len;
    }
    return (size_t)sent;
}

static void send_unsent(struct tcp_link *link)
{
    struct unsent *unsent = link->unsent;
    size_t done = unsent == NULL ? 0 : send_some(link, unsent->bytes, unsent->len);
    if (unsent != NULL && done < unsent->len) {
        unsent->len -= done;
        memmove(unsent->bytes, unsent->bytes + done, unsent->len);
        return;
    }
    free(unsent);
    link->unsent = NULL;
    want(link, EPOLLOUT, false);
}

static void keep_unsent(struct tcp_link *link, const uint8_t *bytes, size_t len)
{
    size_t before = link->unsent == NULL ? 0 : link->unsent->len;
    if (len > HYP_LIMIT_LINK_BUFFER - before) {
        return; /* nobody takes anything at the other side: a lost request */
    }
    struct unsent *unsent = realloc(link->unsent, sizeof(*unsent) + before + len);
    if (unsent == NULL) {
        return;
    }
    memcpy(unsent->bytes + before, bytes, len);
    unsent->len = before + len;
    link->unsent = unsent;
    want(link, EPOLLOUT, true);
}

static void tcp_send(struct hyp_link *base, const uint8_t *bytes, size_t len)
{
    struct tcp_link *link = (struct tcp_link *)(void *)base;
    if (len == 0 || is_opening(link)) {
        return;
    }
    /* Requests are small: nearly always the socket takes them at once. */
    size_t done = link->unsent == NULL ? send_some(link, bytes, len) : 0;
    if (done < len) {
        keep_unsent(link, bytes + done, len - done);
    }
}

static void tcp_pause(struct hyp_link *base, bool paused)
{
    struct tcp_link *link = (struct tcp_link *)(void *)base;
    if (!is_opening(link)) {
        want(link, EPOLLIN, !paused);
    }
}

static const struct hyp_link_ops tcp_ops = {
    .send = tcp_send, .pause = tcp_pause, .close = tcp_close};

static int pending_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? -error : -errno;
}

/* Last of an event: the owner may close the link in it. */
static void receive(struct tcp_link *link)
{
    struct hyp_loop *loop = link->link.loop;
    ssize_t count = recv(link->socket.fd, loop->scratch, HYP_LIMIT_LINK_BUFFER, 0);
    if (count > 0) {
        hyp_loop_hold_time(loop);
        link->link.events->received(link->link.user, loop->scratch, (size_t)count);
        hyp_loop_release_time(loop);
    } else if (count == 0) {
        fail(link, UV_EOF);
    } else if (errno != EAGAIN && errno != EINTR) {
        fail(link, -errno);
    }
}

static void on_ready(struct hyp_socket *socket, uint32_t events)
{
    struct tcp_link *link = HYP_CONTAINER_OF(socket, struct tcp_link, socket);
    bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
    if ((events & EPOLLOUT) != 0) {
        send_unsent(link);
    }
    if ((socket->events & EPOLLIN) != 0) {
        if (broken || (events & EPOLLIN) != 0) {
            receive(link);
        }
    } else if (broken) {
        /* Nobody reads while it is paused, and the event would come for ever. */
        int error = pending_error(socket->fd);
        fail(link, error == 0 ? UV_EOF : error);
    }
}

static void set_options(int fd)
{
    const struct {
        int level;
        int name;
        int value;
    } rows[] = {
        {IPPROTO_TCP, TCP_NODELAY,   1                   },
        {SOL_SOCKET,  SO_KEEPALIVE,  1                   },
        {IPPROTO_TCP, TCP_KEEPIDLE,  KEEP_ALIVE_S        },
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEP_ALIVE_BETWEEN_S},
        {IPPROTO_TCP, TCP_KEEPCNT,   KEEP_ALIVE_TRIES    },
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        /* A connection without them works too. */
        (void)setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value, sizeof(int));
    }
}

static struct tcp_link *link_create(struct hyp_loop *loop)
{
    struct tcp_link *link = calloc(1, sizeof(*link));
    if (link != NULL) {
        link->link = (struct hyp_link){.ops = &tcp_ops, .loop = loop};
        link->socket = (struct hyp_socket){.fd = -1, .ready = on_ready};
    }
    return link;
}

struct hyp_link *hyp_tcp_take(struct hyp_loop *loop, int fd)
{
    struct tcp_link *link = link_create(loop);
    if (link == NULL) {
        close(fd);
        return NULL;
    }
    link->socket.fd = fd;
    set_options(fd);
    if (hyp_socket_add(&loop->sockets, &link->socket, EPOLLIN) != HYP_OK) {
        tcp_close(&link->link);
        return NULL;
    }
    return &link->link;
}

/* --- connecting --- */

static int connect_to_any(struct tcp_link *link, int code);

static void on_connected(struct hyp_socket *socket, uint32_t events)
{
    (void)events; /* whatever it is, the attempt is over */
    struct tcp_link *link = HYP_CONTAINER_OF(socket, struct tcp_link, socket);
    int code = pending_error(socket->fd);
    if (code != 0) {
        hyp_socket_close(sockets_of(link), socket);
        code = connect_to_any(link, code);
        if (code != 0) {
            fail(link, code);
        }
        return;
    }
    free_connecting(link);
    set_options(socket->fd);
    socket->ready = on_ready;
    hyp_socket_want(sockets_of(link), socket, EPOLLIN);
    link->link.events->opened(link->link.user);
}

/* Returns 0 when the attempt is under way, else a negative code. */
static int connect_to(struct tcp_link *link, const struct sockaddr *address)
{
    socklen_t size = hyp_tcp_address_size(address->sa_family);
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    link->socket.fd = fd;
    int code = connect(fd, address, size) == 0 || errno == EINPROGRESS ? 0 : -errno;
    if (code == 0 && hyp_socket_add(sockets_of(link), &link->socket, EPOLLOUT) != HYP_OK) {
        code = UV_ENOMEM;
    }
    if (code != 0) {
        hyp_socket_close(sockets_of(link), &link->socket);
    }
    return code;
}

/* Tries the addresses that are left; `code` is why the one before failed. */
static int connect_to_any(struct tcp_link *link, int code)
{
    struct connecting *connecting = link->connecting;
    while (code != 0 && connecting->next != NULL) {
        const struct sockaddr *address = connecting->next->ai_addr;
        connecting->next = connecting->next->ai_next;
        code = connect_to(link, address);
    }
    return code;
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct connecting *connecting = HYP_CONTAINER_OF(request, struct connecting, lookup);
    struct tcp_link *link = connecting->link;
    connecting->in_lookup = false;
    connecting->found = found;
    if (link == NULL) {
        uv_freeaddrinfo(found);
        free(connecting);
        return;
    }
    if (status == 0) {
        connecting->next = found;
        status = connect_to_any(link, UV_EAI_NONAME);
    }
    if (status != 0) {
        fail(link, status);
    }
}

static int begin_lookup(struct tcp_link *link, const char *host, uint16_t port)
{
    char digits[8];
    struct hyp_buf service;
    hyp_buf_init_fixed(&service, digits, sizeof(digits));
    hyp_buf_append_u64(&service, port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int rc = uv_getaddrinfo(&link->link.loop->uv, &link->connecting->lookup, on_looked_up, host,
                            hyp_buf_terminate(&service), &hints);
    link->connecting->in_lookup = rc == 0;
    return rc;
}

bool hyp_tcp_parse_address(const char *host, uint16_t port,
                           struct sockaddr_storage *ret_address)
{
    return uv_ip4_addr(host, port, (struct sockaddr_in *)ret_address) == 0 ||
           uv_ip6_addr(host, port, (struct sockaddr_in6 *)ret_address) == 0;
}

socklen_t hyp_tcp_address_size(sa_family_t family)
{
    return family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

enum hyp_status hyp_tcp_connect(struct hyp_loop *loop, const char *host, uint16_t port,
                                const struct hyp_link_events *events, void *user,
                                struct hyp_link **ret_link, struct hyp_error *err)
{
    struct tcp_link *link = link_create(loop);
    struct connecting *connecting = calloc(1, sizeof(*connecting));
    if (link == NULL || connecting == NULL) {
        free(connecting);
        free(link);
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a connection");
    }
    connecting->link = link;
    link->connecting = connecting;
    link->socket.ready = on_connected;
    link->link.events = events;
    link->link.user = user;
    struct sockaddr_storage address;
    int rc = hyp_tcp_parse_address(host, port, &address)
                 ? connect_to(link, (const struct sockaddr *)&address)
                 : begin_lookup(link, host, port);
    if (rc != 0) {
        tcp_close(&link->link);
        return hyp_error_set_code(err, hyp_status_from_uv(rc), HYP_ERROR_UV, rc,
                                  "cannot connect to %s:%u: %s", host, port, uv_strerror(rc));
    }
    *ret_link = &link->link;
    return HYP_OK;
}
