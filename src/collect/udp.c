/* SPDX-License-Identifier: Apache-2.0 */
/* UDP listener: every datagram is handed on as one piece. Nothing is ever sent. */
#include "base/limits.h"
#include "collect/link.h"

#include <stdlib.h>

struct udp_link {
    struct hyp_link link;
    uv_udp_t udp;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void udp_close(struct hyp_link *base)
{
    struct udp_link *link = (struct udp_link *)(void *)base;
    if (uv_is_closing((uv_handle_t *)&link->udp) == 0) {
        uv_close((uv_handle_t *)&link->udp, on_closed);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct udp_link *link = handle->data;
    *buf = uv_buf_init((char *)link->link.loop->scratch, HYP_LIMIT_LINK_BUFFER);
}

static void on_datagram(uv_udp_t *udp, ssize_t count, const uv_buf_t *buf,
                        const struct sockaddr *sender, unsigned flags)
{
    struct udp_link *link = udp->data;
    /* A datagram that did not fit is cut: half a telegram is none. Errors of single datagrams
       (an ICMP answer to somebody) do not end the listener. */
    if (count > 0 && sender != NULL && (flags & UV_UDP_PARTIAL) == 0) {
        link->link.events->received(link->link.user, (const uint8_t *)buf->base, (size_t)count);
    }
}

static void udp_send(struct hyp_link *link, const uint8_t *bytes, size_t len)
{
    (void)link;
    (void)bytes;
    (void)len;
}

static void udp_pause(struct hyp_link *base, bool paused)
{
    struct udp_link *link = (struct udp_link *)(void *)base;
    if (paused) {
        uv_udp_recv_stop(&link->udp);
    } else if (uv_is_closing((uv_handle_t *)&link->udp) == 0) {
        uv_udp_recv_start(&link->udp, on_alloc, on_datagram);
    }
}

static const struct hyp_link_ops udp_ops = {
    .send = udp_send, .pause = udp_pause, .close = udp_close};

enum hyp_status hyp_udp_listen(struct hyp_loop *loop, const char *host, uint16_t port,
                               const struct hyp_link_events *events, void *user,
                               struct hyp_link **ret_link, struct hyp_error *err)
{
    struct sockaddr_storage address = {0};
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)&address) != 0 &&
        uv_ip6_addr(host, port, (struct sockaddr_in6 *)&address) != 0) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%s\" is no address to listen on: use 0.0.0.0, 127.0.0.1 or "
                             "another address of this machine",
                             host);
    }
    struct udp_link *link = calloc(1, sizeof(*link));
    if (link == NULL || uv_udp_init(&loop->uv, &link->udp) != 0) {
        free(link);
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a listener");
    }
    link->link =
        (struct hyp_link){.ops = &udp_ops, .events = events, .user = user, .loop = loop};
    link->udp.data = link;
    int rc = uv_udp_bind(&link->udp, (const struct sockaddr *)&address, 0);
    if (rc == 0) {
        rc = uv_udp_recv_start(&link->udp, on_alloc, on_datagram);
    }
    if (rc != 0) {
        udp_close(&link->link);
        return hyp_error_set_code(err, hyp_status_from_uv(rc), HYP_ERROR_UV, rc,
                                  "cannot listen on %s port %u (UDP): %s", host, port,
                                  uv_strerror(rc));
    }
    *ret_link = &link->link;
    return HYP_OK;
}

uint16_t hyp_udp_port(const struct hyp_link *base)
{
    const struct udp_link *link = (const struct udp_link *)(const void *)base;
    struct sockaddr_storage address = {0};
    int len = sizeof(address);
    if (uv_udp_getsockname(&link->udp, (struct sockaddr *)&address, &len) != 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)&address)->sin6_port
                     : ((const struct sockaddr_in *)&address)->sin_port);
}
