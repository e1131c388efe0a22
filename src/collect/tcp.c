/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP links: the side that connects and the side that listens. Both end in the same struct once
 * the connection stands. Ten thousand of them are normal, so what is needed only while a
 * connection is made (request, looked-up addresses) is separate memory that goes again.
 */
#include "base/buf.h"
#include "base/limits.h"
#include "collect/link.h"

#include <stdlib.h>
#include <string.h>

/* A half-open connection behind a mobile network's NAT shows after this time and some tries. */
#define KEEP_ALIVE_S 45
#define BACKLOG 128

struct tcp_link {
    struct hyp_link link;
    struct connecting *connecting; /* until opened */
    uv_tcp_t tcp;
};

/* Everything only needed on the way up. */
struct connecting {
    struct tcp_link *link; /* NULL: the owner has closed it meanwhile */
    uv_getaddrinfo_t lookup;
    uv_connect_t connect;
    struct addrinfo *found;
    struct addrinfo *next; /* to be tried if this one fails */
    bool in_lookup;
    bool in_connect;
};

struct write {
    uv_write_t request;
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

/* --- end --- */

static void free_connecting(struct tcp_link *link)
{
    struct connecting *connecting = link->connecting;
    link->connecting = NULL;
    if (connecting == NULL) {
        return;
    }
    connecting->link = NULL;
    if (connecting->in_lookup) {
        uv_cancel((uv_req_t *)&connecting->lookup); /* its callback frees */
        return;
    }
    if (connecting->in_connect) {
        return; /* closing the handle ends the request; its callback frees */
    }
    uv_freeaddrinfo(connecting->found);
    free(connecting);
}

static void on_handle_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void tcp_close(struct hyp_link *base)
{
    struct tcp_link *link = (struct tcp_link *)(void *)base;
    free_connecting(link); /* also tells a handle that is being renewed not to go on */
    if (uv_is_closing((uv_handle_t *)&link->tcp) == 0) {
        uv_close((uv_handle_t *)&link->tcp, on_handle_closed);
    }
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

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct tcp_link *link = handle->data;
    *buf = uv_buf_init((char *)link->link.loop->scratch, HYP_LIMIT_LINK_BUFFER);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct tcp_link *link = stream->data;
    if (count > 0) {
        link->link.events->received(link->link.user, (const uint8_t *)buf->base, (size_t)count);
    } else if (count < 0) {
        fail(link, (int)count);
    }
}

static void on_written(uv_write_t *request, int status)
{
    (void)status; /* a broken connection shows at the reading side */
    free(HYP_CONTAINER_OF(request, struct write, request));
}

static void tcp_send(struct hyp_link *base, const uint8_t *bytes, size_t len)
{
    struct tcp_link *link = (struct tcp_link *)(void *)base;
    if (len == 0 || uv_is_closing((uv_handle_t *)&link->tcp) != 0) {
        return;
    }
    /* Requests are small: nearly always the socket takes them at once. libuv's buffers are not
       const; they are only read. */
    uv_buf_t buf = uv_buf_init(NULL, (unsigned)len);
    memcpy(&buf.base, &bytes, sizeof(bytes));
    int sent = uv_try_write((uv_stream_t *)&link->tcp, &buf, 1);
    size_t done = sent > 0 ? (size_t)sent : 0;
    if (done == len || (sent < 0 && sent != UV_EAGAIN)) {
        return;
    }
    struct write *write = malloc(sizeof(*write) + (len - done));
    if (write == NULL) {
        return;
    }
    memcpy(write->bytes, bytes + done, len - done);
    buf = uv_buf_init((char *)write->bytes, (unsigned)(len - done));
    if (uv_write(&write->request, (uv_stream_t *)&link->tcp, &buf, 1, on_written) != 0) {
        free(write);
    }
}

static void tcp_pause(struct hyp_link *base, bool paused)
{
    struct tcp_link *link = (struct tcp_link *)(void *)base;
    if (link->connecting != NULL || uv_is_closing((uv_handle_t *)&link->tcp) != 0) {
        return;
    }
    if (paused) {
        uv_read_stop((uv_stream_t *)&link->tcp);
    } else {
        uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read);
    }
}

static const struct hyp_link_ops tcp_ops = {
    .send = tcp_send, .pause = tcp_pause, .close = tcp_close};

static int begin_reading(struct tcp_link *link)
{
    uv_tcp_nodelay(&link->tcp, 1);
    uv_tcp_keepalive(&link->tcp, 1, KEEP_ALIVE_S);
    return uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read);
}

static struct tcp_link *link_create(struct hyp_loop *loop)
{
    struct tcp_link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return NULL;
    }
    if (uv_tcp_init(&loop->uv, &link->tcp) != 0) {
        free(link);
        return NULL;
    }
    link->link = (struct hyp_link){.ops = &tcp_ops, .loop = loop};
    link->tcp.data = link;
    return link;
}

/* --- connecting --- */

static int connect_to(struct tcp_link *link, const struct sockaddr *address);

/* A socket that failed to connect cannot try another address: its handle is renewed. */
static void on_renew(uv_handle_t *handle)
{
    struct tcp_link *link = handle->data;
    if (link->connecting == NULL) {
        free(link); /* closed by the owner meanwhile */
        return;
    }
    struct connecting *connecting = link->connecting;
    struct addrinfo *address = connecting->next;
    connecting->next = address->ai_next;
    int rc = uv_tcp_init(&link->link.loop->uv, &link->tcp);
    link->tcp.data = link;
    rc = rc == 0 ? connect_to(link, address->ai_addr) : rc;
    if (rc != 0) {
        fail(link, rc);
    }
}

static void on_connected(uv_connect_t *request, int status)
{
    struct connecting *connecting = HYP_CONTAINER_OF(request, struct connecting, connect);
    struct tcp_link *link = connecting->link;
    connecting->in_connect = false;
    if (link == NULL) {
        uv_freeaddrinfo(connecting->found);
        free(connecting);
        return;
    }
    if (status == 0) {
        free_connecting(link);
        status = begin_reading(link);
        if (status == 0) {
            link->link.events->opened(link->link.user);
            return;
        }
    }
    if (link->connecting != NULL && connecting->next != NULL) {
        uv_close((uv_handle_t *)&link->tcp, on_renew);
        return;
    }
    fail(link, status);
}

static int connect_to(struct tcp_link *link, const struct sockaddr *address)
{
    int rc = uv_tcp_connect(&link->connecting->connect, &link->tcp, address, on_connected);
    link->connecting->in_connect = rc == 0;
    return rc;
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
        connecting->next = found->ai_next;
        status = connect_to(link, found->ai_addr);
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

/* A numeric address needs no lookup. */
static bool parse_address(const char *host, uint16_t port, struct sockaddr_storage *ret_address)
{
    return uv_ip4_addr(host, port, (struct sockaddr_in *)ret_address) == 0 ||
           uv_ip6_addr(host, port, (struct sockaddr_in6 *)ret_address) == 0;
}

enum hyp_status hyp_tcp_connect(struct hyp_loop *loop, const char *host, uint16_t port,
                                const struct hyp_link_events *events, void *user,
                                struct hyp_link **ret_link, struct hyp_error *err)
{
    struct tcp_link *link = link_create(loop);
    struct connecting *connecting = calloc(1, sizeof(*connecting));
    if (link == NULL || connecting == NULL) {
        free(connecting);
        if (link != NULL) {
            tcp_close(&link->link);
        }
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a connection");
    }
    connecting->link = link;
    link->connecting = connecting;
    link->link.events = events;
    link->link.user = user;
    struct sockaddr_storage address;
    int rc = parse_address(host, port, &address)
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

/* --- listening --- */

struct hyp_tcp_server {
    uv_tcp_t tcp;
    struct hyp_loop *loop;
    const struct hyp_tcp_server_events *events;
    void *user;
};

static void on_connection(uv_stream_t *stream, int status)
{
    struct hyp_tcp_server *server = stream->data;
    struct tcp_link *link = status == 0 ? link_create(server->loop) : NULL;
    if (link == NULL) {
        return;
    }
    if (uv_accept(stream, (uv_stream_t *)&link->tcp) != 0 || begin_reading(link) != 0) {
        tcp_close(&link->link);
        return;
    }
    server->events->accepted(server->user, &link->link);
}

enum hyp_status hyp_tcp_listen(struct hyp_loop *loop, const char *host, uint16_t port,
                               const struct hyp_tcp_server_events *events, void *user,
                               struct hyp_tcp_server **ret_server, struct hyp_error *err)
{
    struct sockaddr_storage address;
    if (!parse_address(host, port, &address)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%s\" is no address to listen on: use 0.0.0.0, 127.0.0.1 or "
                             "another address of this machine",
                             host);
    }
    struct hyp_tcp_server *server = calloc(1, sizeof(*server));
    if (server == NULL || uv_tcp_init(&loop->uv, &server->tcp) != 0) {
        free(server);
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a listener");
    }
    *server = (struct hyp_tcp_server){
        .tcp = server->tcp, .loop = loop, .events = events, .user = user};
    server->tcp.data = server;
    int rc = uv_tcp_bind(&server->tcp, (const struct sockaddr *)&address, 0);
    if (rc == 0) {
        rc = uv_listen((uv_stream_t *)&server->tcp, BACKLOG, on_connection);
    }
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
    struct sockaddr_storage address = {0};
    int len = sizeof(address);
    if (uv_tcp_getsockname(&server->tcp, (struct sockaddr *)&address, &len) != 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)&address)->sin6_port
                     : ((const struct sockaddr_in *)&address)->sin_port);
}

void hyp_tcp_server_close(struct hyp_tcp_server *server)
{
    uv_close((uv_handle_t *)&server->tcp, on_handle_closed);
}
