/* SPDX-License-Identifier: Apache-2.0 */
#include "caller.h"

static void on_caller_connected(uv_connect_t *request, int status)
{
    assert_int_equal(status, 0);
    HYP_CONTAINER_OF(request, struct caller, connect)->connected = true;
}

static bool is_connected(struct field *field, void *argument)
{
    (void)field;
    return ((struct caller *)argument)->connected;
}

void caller_open(struct caller *caller, struct field *field, uint16_t port)
{
    *caller = (struct caller){0};
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", port, &address);
    uv_tcp_init(&field->loop->uv, &caller->tcp);
    uv_tcp_connect(&caller->connect, &caller->tcp, (const struct sockaddr *)&address,
                   on_caller_connected);
    field_until(field, is_connected, caller);
}

void caller_say(struct caller *caller, const void *bytes, size_t len)
{
    uv_buf_t buf = uv_buf_init(NULL, (unsigned)len);
    memcpy(&buf.base, &bytes, sizeof(bytes));
    assert_int_equal(uv_try_write((uv_stream_t *)&caller->tcp, &buf, 1), len);
}

static void on_caller_closed(uv_handle_t *handle)
{
    HYP_CONTAINER_OF((uv_tcp_t *)handle, struct caller, tcp)->closed = true;
}

static bool is_hung_up(struct field *field, void *argument)
{
    (void)field;
    return ((struct caller *)argument)->closed;
}

void caller_close(struct caller *caller, struct field *field)
{
    uv_close((uv_handle_t *)&caller->tcp, on_caller_closed);
    field_until(field, is_hung_up, caller);
}
