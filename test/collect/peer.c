/* SPDX-License-Identifier: Apache-2.0 */
/* Servers on the field's own loop, and a Modbus TCP device with manners. */
#include "field.h"

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    static char bytes[65536];
    (void)suggested;
    *buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_client_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void peer_drop(struct peer_client *client)
{
    struct peer *peer = client->peer;
    for (struct peer_client **at = &peer->clients; *at != NULL; at = &(*at)->next) {
        if (*at == client) {
            *at = client->next;
            peer->client_count--;
            uv_close((uv_handle_t *)&client->tcp, on_client_closed);
            return;
        }
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct peer_client *client = stream->data;
    if (count < 0) {
        peer_drop(client);
    } else if (count > 0 && client->peer->request != NULL) {
        client->peer->request(client, (const uint8_t *)buf->base, (size_t)count);
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    assert_int_equal(status, 0);
    struct peer *peer = server->data;
    field_own_work++;
    struct peer_client *client = calloc(1, sizeof(*client));
    field_own_work--;
    assert_non_null(client);
    uv_tcp_init(&peer->field->loop->uv, &client->tcp);
    client->tcp.data = client;
    client->peer = peer;
    assert_int_equal(uv_accept(server, (uv_stream_t *)&client->tcp), 0);
    assert_int_equal(uv_tcp_nodelay(&client->tcp, 1), 0); /* a piece leaves as it is sent */
    client->next = peer->clients;
    peer->clients = client;
    peer->client_count++;
    peer->accepted++;
    uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
}

void peer_open(struct peer *peer, struct field *field,
               void (*request)(struct peer_client *client, const uint8_t *bytes, size_t len))
{
    peer_open_at(peer, field, request, 0);
}

void peer_open_at(struct peer *peer, struct field *field,
                  void (*request)(struct peer_client *client, const uint8_t *bytes, size_t len),
                  uint16_t port)
{
    *peer = (struct peer){.field = field, .request = request, .user = peer->user};
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", port, &address);
    uv_tcp_init(&field->loop->uv, &peer->server);
    peer->server.data = peer;
    assert_int_equal(uv_tcp_bind(&peer->server, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&peer->server, 512, on_connection), 0);
    int len = sizeof(address);
    uv_tcp_getsockname(&peer->server, (struct sockaddr *)&address, &len);
    peer->port = ntohs(address.sin_port);
}

static void on_server_closed(uv_handle_t *handle)
{
    ((struct peer *)handle->data)->closed = true;
}

static bool is_closed(struct field *field, void *argument)
{
    (void)field;
    return ((struct peer *)argument)->closed;
}

void peer_close(struct peer *peer)
{
    while (peer->clients != NULL) {
        peer_drop(peer->clients);
    }
    uv_close((uv_handle_t *)&peer->server, on_server_closed);
    field_until(peer->field, is_closed, peer);
}

struct reply {
    uv_write_t request;
    uint8_t bytes[2048];
};

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    free(HYP_CONTAINER_OF(request, struct reply, request));
}

void peer_send(struct peer_client *client, const uint8_t *bytes, size_t len)
{
    field_own_work++;
    struct reply *reply = malloc(sizeof(*reply));
    field_own_work--;
    assert_non_null(reply);
    assert_true(len <= sizeof(reply->bytes));
    memcpy(reply->bytes, bytes, len);
    uv_buf_t buf = uv_buf_init((char *)reply->bytes, (unsigned)len);
    assert_int_equal(
        uv_write(&reply->request, (uv_stream_t *)&client->tcp, &buf, 1, on_written), 0);
}

void peer_broadcast(struct peer *peer, const uint8_t *bytes, size_t len)
{
    for (struct peer_client *client = peer->clients; client != NULL; client = client->next) {
        peer_send(client, bytes, len);
    }
}

bool peer_has_clients(struct field *field, void *peer)
{
    (void)field;
    return ((struct peer *)peer)->client_count > 0;
}

/* --- Modbus --- */

static size_t build_answer(const uint8_t *request, uint8_t *out)
{
    uint16_t start = (uint16_t)(request[8] << 8 | request[9]);
    uint16_t count = (uint16_t)(request[10] << 8 | request[11]);
    memcpy(out, request, 8);
    out[8] = (uint8_t)(count * 2);
    for (uint16_t i = 0; i < count; i++) {
        uint16_t value = (uint16_t)((start + i) * 3 + request[6]);
        out[9 + 2 * i] = (uint8_t)(value >> 8);
        out[10 + 2 * i] = (uint8_t)value;
    }
    size_t len = 9u + 2u * count;
    out[4] = 0;
    out[5] = (uint8_t)(len - 6);
    return len;
}

static void send_exception(struct peer_client *client, const uint8_t *request, uint8_t code)
{
    uint8_t out[9];
    memcpy(out, request, 8);
    out[4] = 0;
    out[5] = 3;
    out[7] |= 0x80;
    out[8] = code;
    peer_send(client, out, sizeof(out));
}

static void answer(struct slave *slave, struct peer_client *client, const uint8_t *request)
{
    uint8_t out[300];
    size_t len = build_answer(request, out);
    uint16_t start = (uint16_t)(request[8] << 8 | request[9]);
    uint16_t count = (uint16_t)(request[10] << 8 | request[11]);
    static const uint8_t garbage[] = {0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE};
    switch (slave->manner) {
    case SLAVE_GOOD: peer_send(client, out, len); break;
    case SLAVE_SILENT: break;
    case SLAVE_GARBAGE: peer_send(client, garbage, sizeof(garbage)); break;
    case SLAVE_WRONG_UNIT:
        out[6]++;
        peer_send(client, out, len);
        break;
    case SLAVE_HANG_UP: peer_drop(client); break;
    case SLAVE_HALF: peer_send(client, out, len / 2); break;
    case SLAVE_PIECES:
        for (size_t i = 0; i < len; i++) {
            peer_send(client, out + i, 1);
        }
        break;
    case SLAVE_HOLES:
        if (start <= 12 && start + count > 12) {
            send_exception(client, request, 2);
        } else {
            peer_send(client, out, len);
        }
        break;
    case SLAVE_BUSY: send_exception(client, request, 6); break;
    }
}

static void on_request(struct peer_client *client, const uint8_t *bytes, size_t len)
{
    struct slave *slave = (struct slave *)(void *)client->peer;
    assert_true(client->inbox_len + len <= sizeof(client->inbox));
    memcpy(client->inbox + client->inbox_len, bytes, len);
    client->inbox_len += len;
    while (client->inbox_len >= 12) {
        uint8_t request[12];
        memcpy(request, client->inbox, sizeof(request));
        client->inbox_len -= 12;
        memmove(client->inbox, client->inbox + 12, client->inbox_len);
        if (slave->requests < HYP_ARRAY_LEN(slave->units)) {
            slave->units[slave->requests] = request[6];
            slave->starts[slave->requests] = (uint16_t)(request[8] << 8 | request[9]);
        }
        slave->requests++;
        if (request[6] == slave->silent_unit && slave->silent_unit != 0) {
            continue;
        }
        bool drops = slave->manner == SLAVE_HANG_UP;
        answer(slave, client, request);
        if (drops) {
            return; /* the client is gone */
        }
    }
}

void slave_open(struct slave *slave, struct field *field, enum slave_manner manner)
{
    *slave = (struct slave){.manner = manner};
    peer_open(&slave->peer, field, on_request);
}

void slave_open_at(struct slave *slave, struct field *field, enum slave_manner manner,
                   uint16_t port)
{
    *slave = (struct slave){.manner = manner};
    peer_open_at(&slave->peer, field, on_request, port);
}
