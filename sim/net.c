/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/net.h"

#include "sim/noise.h"

#include <stdlib.h>
#include <string.h>

#define BACKLOG 512
/* A client that does not read this many bytes is dropped. */
#define WRITE_QUEUE_MAX ((size_t)4 * 1024 * 1024)
/* Pause between the pieces of a split answer. */
#define PIECE_MS 2

/* Bytes on their way out, with their own memory. */
struct parcel {
    uv_write_t request;
    struct sim_conn *conn;
    size_t len;
    uint8_t bytes[];
};

enum hyp_status sim_net_init(struct sim_net *net, uv_loop_t *loop)
{
    *net = (struct sim_net){.loop = loop};
    return sim_agenda_init(&net->agenda, loop);
}

void sim_net_finish(struct sim_net *net)
{
    sim_agenda_finish(&net->agenda);
}

void sim_server_init(struct sim_server *server, struct sim_net *net,
                     const struct sim_server_ops *ops, void *user)
{
    *server = (struct sim_server){.net = net, .ops = ops, .user = user};
}

static void free_when_done(struct sim_conn *conn)
{
    if (conn->closed && conn->pending == 0) {
        free(conn);
    }
}

static void unlink_conn(struct sim_conn *conn)
{
    struct sim_conn **at = &conn->server->conns;
    while (*at != NULL && *at != conn) {
        at = &(*at)->next;
    }
    if (*at == conn) {
        *at = conn->next;
    }
}

static void conn_closed(uv_handle_t *handle)
{
    struct sim_conn *conn = handle->data;
    conn->closed = true;
    free_when_done(conn);
}

void sim_conn_close(struct sim_conn *conn)
{
    if (conn->closing) {
        return;
    }
    conn->closing = true;
    unlink_conn(conn);
    if (conn->server->ops->closed != NULL) {
        conn->server->ops->closed(conn);
    }
    uv_close((uv_handle_t *)&conn->tcp, conn_closed);
}

static void written(uv_write_t *request, int result)
{
    struct parcel *parcel = request->data;
    if (result < 0) {
        sim_conn_close(parcel->conn);
    }
    parcel->conn->pending--;
    free_when_done(parcel->conn);
    free(parcel);
}

static struct parcel *make_parcel(struct sim_conn *conn, const uint8_t *bytes, size_t len)
{
    struct parcel *parcel = malloc(sizeof(*parcel) + len);
    if (parcel == NULL) {
        sim_conn_close(conn);
        return NULL;
    }
    parcel->conn = conn;
    parcel->len = len;
    parcel->request.data = parcel;
    memcpy(parcel->bytes, bytes, len);
    conn->pending++;
    return parcel;
}

static void drop_parcel(struct parcel *parcel)
{
    parcel->conn->pending--;
    free_when_done(parcel->conn);
    free(parcel);
}

static void send_parcel(struct parcel *parcel)
{
    struct sim_conn *conn = parcel->conn;
    uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
    if (conn->closing) {
        drop_parcel(parcel);
        return;
    }
    if (uv_stream_get_write_queue_size(stream) > WRITE_QUEUE_MAX) {
        sim_conn_close(conn);
        drop_parcel(parcel);
        return;
    }
    uv_buf_t buf = uv_buf_init((char *)parcel->bytes, (unsigned)parcel->len);
    if (uv_write(&parcel->request, stream, &buf, 1, written) != 0) {
        sim_conn_close(conn);
        drop_parcel(parcel);
    }
}

static void parcel_due(void *owner, void *payload)
{
    (void)owner;
    send_parcel(payload);
}

static void post(struct sim_conn *conn, const uint8_t *bytes, size_t len, uint64_t delay_ms)
{
    struct parcel *parcel = make_parcel(conn, bytes, len);
    if (parcel != NULL && sim_agenda_add(&conn->server->net->agenda, delay_ms, parcel_due, NULL,
                                         parcel) != HYP_OK) {
        sim_conn_close(conn);
        drop_parcel(parcel);
    }
}

void sim_conn_answer(struct sim_conn *conn, const uint8_t *bytes, size_t len, uint32_t extra_ms)
{
    struct sim_net *net = conn->server->net;
    uint64_t delay = (uint64_t)net->latency_ms + extra_ms;
    size_t at = 0;
    while (at < len && !conn->closing) {
        size_t piece = len - at;
        if (net->split) {
            piece = HYP_MIN(piece, 1 + sim_hash(0, 1, net->pieces++) % 7);
        }
        post(conn, bytes + at, piece, delay);
        at += piece;
        delay += PIECE_MS;
    }
}

void sim_conn_send(struct sim_conn *conn, const uint8_t *bytes, size_t len)
{
    if (conn->closing) {
        return;
    }
    struct parcel *parcel = make_parcel(conn, bytes, len);
    if (parcel != NULL) {
        send_parcel(parcel);
    }
}

static void lend_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct sim_conn *conn = handle->data;
    struct sim_net *net = conn->server->net;
    (void)wanted;
    *buf = uv_buf_init(net->buffer, sizeof(net->buffer));
}

static void received(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct sim_conn *conn = stream->data;
    if (got < 0) {
        sim_conn_close(conn);
        return;
    }
    if (got > 0 && conn->server->ops->data != NULL) {
        conn->server->ops->data(conn, (const uint8_t *)buf->base, (size_t)got);
        conn->last_ms = uv_now(stream->loop);
    }
}

static struct sim_conn *make_conn(struct sim_server *server)
{
    struct sim_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        return NULL;
    }
    if (uv_tcp_init(server->net->loop, &conn->tcp) != 0) {
        free(conn);
        return NULL;
    }
    conn->tcp.data = conn;
    conn->server = server;
    conn->last_ms = uv_now(server->net->loop);
    struct sim_conn **last = &server->conns;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = conn;
    return conn;
}

static void begin(struct sim_conn *conn)
{
    HYP_IGNORE(uv_tcp_nodelay(&conn->tcp, 1)); /* a slower answer is still an answer */
    if (uv_read_start((uv_stream_t *)&conn->tcp, lend_buffer, received) != 0) {
        sim_conn_close(conn);
        return;
    }
    conn->open = true;
    if (conn->server->ops->opened != NULL) {
        conn->server->ops->opened(conn);
    }
}

static void accepted(uv_stream_t *listener, int result)
{
    struct sim_server *server = listener->data;
    if (result < 0) {
        return;
    }
    struct sim_conn *conn = make_conn(server);
    if (conn == NULL) {
        return;
    }
    if (uv_accept(listener, (uv_stream_t *)&conn->tcp) != 0) {
        sim_conn_close(conn);
        return;
    }
    begin(conn);
}

static enum hyp_status bound_port(const uv_tcp_t *tcp, uint16_t *ret_port)
{
    struct sockaddr_storage address;
    int size = sizeof(address);
    if (uv_tcp_getsockname(tcp, (struct sockaddr *)&address, &size) != 0) {
        return HYP_IO;
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&address;
    uint16_t wire = address.ss_family == AF_INET ? v4->sin_port : v6->sin6_port;
    *ret_port = ntohs(wire);
    return HYP_OK;
}

/* A numeric address of either family. */
static bool numeric_address(const char *host, uint16_t port,
                            struct sockaddr_storage *ret_address)
{
    return uv_ip4_addr(host, port, (struct sockaddr_in *)(void *)ret_address) == 0 ||
           uv_ip6_addr(host, port, (struct sockaddr_in6 *)(void *)ret_address) == 0;
}

enum hyp_status sim_server_listen(struct sim_server *server, const char *host, uint16_t port,
                                  uint16_t *ret_port, struct hyp_error *err)
{
    struct sockaddr_storage address = {0};
    if (!numeric_address(host, port, &address)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%s\" is no IP address; give one as --host", host);
    }
    if (uv_tcp_init(server->net->loop, &server->listener) != 0) {
        return hyp_error_set(err, HYP_IO, -1, "cannot create a socket");
    }
    server->listener.data = server;
    server->listens = true;
    int result = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0);
    if (result == 0) {
        result = uv_listen((uv_stream_t *)&server->listener, BACKLOG, accepted);
    }
    if (result != 0 || bound_port(&server->listener, ret_port) != HYP_OK) {
        return hyp_error_set_code(err, HYP_IO, HYP_ERROR_UV, result,
                                  "cannot listen on %s port %u: %s; choose another port", host,
                                  port, uv_strerror(result));
    }
    return HYP_OK;
}

static void dialled(uv_connect_t *request, int result)
{
    struct sim_conn *conn = request->handle->data;
    free(request);
    if (result == UV_ECANCELED) {
        return; /* being closed already */
    }
    if (result < 0) {
        sim_conn_close(conn);
        return;
    }
    begin(conn);
}

void sim_server_dial(struct sim_server *server, const char *host, uint16_t port)
{
    struct sockaddr_storage address = {0};
    uv_connect_t *request = calloc(1, sizeof(*request));
    struct sim_conn *conn = request == NULL ? NULL : make_conn(server);
    if (conn == NULL) {
        free(request);
        return;
    }
    conn->dialled = true;
    if (!numeric_address(host, port, &address) ||
        uv_tcp_connect(request, &conn->tcp, (const struct sockaddr *)&address, dialled) != 0) {
        free(request);
        sim_conn_close(conn);
    }
}

void sim_server_close(struct sim_server *server)
{
    if (server->listens) {
        server->listens = false;
        uv_close((uv_handle_t *)&server->listener, NULL);
    }
    while (server->conns != NULL) {
        sim_conn_close(server->conns);
    }
}

void sim_server_drop_idle(struct sim_server *server)
{
    if (server->idle_limit_ms == 0) {
        return;
    }
    uint64_t now = uv_now(server->net->loop);
    struct sim_conn *next;
    for (struct sim_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        if (now - conn->last_ms >= server->idle_limit_ms) {
            sim_conn_close(conn);
        }
    }
}
