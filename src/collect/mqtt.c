/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MQTT subscription on libmosquitto, without a thread of its own: the library's socket is
 * watched by the loop, and the library is called when something can be read or written and once
 * a second for its keep-alive. The name of the broker is looked up by the loop first, because
 * the library would block on it.
 *
 * Quality of service 1: the broker keeps a message until the library has received it. The
 * library acknowledges before it hands over, so what was received but not yet committed when
 * the process dies is lost; when the outbox is full nothing more is read, and the broker keeps
 * the rest.
 */
#include "base/limits.h"
#include "collect/ear.h"

#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEP_ALIVE_S 30
#define MISC_MS 1000
#define QOS 1
#define SUBSCRIBE_REFUSED 0x80
#define TEXT_MAX 160

struct mqtt_link {
    struct hyp_link link;
    struct mosquitto *client;
    uv_poll_t poll;
    uv_timer_t misc;
    struct lookup *lookup; /* while the name is looked up */
    int fd;                /* a copy of the library's socket, -1 = none */
    int open_handles;
    uint16_t port;
    bool polling;
    bool paused;
    bool closing;
    char *topic;
    char reason[TEXT_MAX]; /* why the broker refused */
};

struct lookup {
    uv_getaddrinfo_t request;
    struct mqtt_link *link; /* NULL: closed meanwhile */
};

/* --- end --- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct mqtt_link *link = handle->data;
    if (--link->open_handles > 0) {
        return;
    }
    if (link->fd >= 0) {
        close(link->fd);
    }
    mosquitto_destroy(link->client);
    mosquitto_lib_cleanup();
    free(link->topic);
    free(link);
}

static void mqtt_close(struct hyp_link *base)
{
    struct mqtt_link *link = (struct mqtt_link *)(void *)base;
    if (link->closing) {
        return;
    }
    link->closing = true;
    if (link->lookup != NULL) {
        link->lookup->link = NULL; /* its callback frees it */
        uv_cancel((uv_req_t *)&link->lookup->request);
        link->lookup = NULL;
    }
    mosquitto_disconnect(link->client);
    if (link->polling) {
        uv_close((uv_handle_t *)&link->poll, on_handle_closed);
    }
    uv_close((uv_handle_t *)&link->misc, on_handle_closed);
}

static void fail(struct mqtt_link *link, enum hyp_status status, const char *text)
{
    if (link->closing) {
        return;
    }
    const struct hyp_link_events *events = link->link.events;
    void *user = link->link.user;
    char copy[TEXT_MAX];
    hyp_text_copy(copy, sizeof(copy), hyp_str_from(text));
    mqtt_close(&link->link);
    events->closed(user, status, copy);
}

static void fail_with(struct mqtt_link *link, int rc)
{
    enum hyp_status status = rc == MOSQ_ERR_CONN_REFUSED ? HYP_REFUSED
                             : rc == MOSQ_ERR_NOMEM      ? HYP_NO_MEMORY
                             : rc == MOSQ_ERR_AUTH       ? HYP_DENIED
                                                         : HYP_CLOSED;
    const char *text = link->reason[0] != '\0' ? link->reason
                       : rc == MOSQ_ERR_ERRNO  ? strerror(errno)
                                               : mosquitto_strerror(rc);
    fail(link, link->reason[0] != '\0' ? HYP_DENIED : status, text);
}

/* --- what the library tells --- */

static void on_connect(struct mosquitto *client, void *user, int code)
{
    struct mqtt_link *link = user;
    if (code != 0) {
        hyp_text_copy(link->reason, sizeof(link->reason),
                      hyp_str_from(mosquitto_connack_string(code)));
        return; /* the library ends the connection, which the poll reports */
    }
    int rc = mosquitto_subscribe(client, NULL, link->topic, QOS);
    if (rc != MOSQ_ERR_SUCCESS) {
        hyp_text_copy(link->reason, sizeof(link->reason), hyp_str_from(mosquitto_strerror(rc)));
        mosquitto_disconnect(client);
    }
}

static void on_subscribe(struct mosquitto *client, void *user, int message, int count,
                         const int *granted)
{
    (void)message;
    struct mqtt_link *link = user;
    if (count < 1 || granted[0] >= SUBSCRIBE_REFUSED) {
        hyp_text_copy(link->reason, sizeof(link->reason),
                      HYP_STR("the broker does not allow to subscribe to this topic"));
        mosquitto_disconnect(client);
        return;
    }
    link->link.events->opened(link->link.user);
}

static void on_message(struct mosquitto *client, void *user,
                       const struct mosquitto_message *message)
{
    (void)client;
    struct mqtt_link *link = user;
    if (!link->closing && message->payloadlen > 0 &&
        message->payloadlen <= HYP_LIMIT_MQTT_PAYLOAD) {
        link->link.events->received(link->link.user, message->payload,
                                    (size_t)message->payloadlen);
    }
}

/* --- socket --- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct mqtt_link *link)
{
    if (link->closing || !link->polling) {
        return;
    }
    int events = (link->paused ? 0 : UV_READABLE) |
                 (mosquitto_want_write(link->client) ? UV_WRITABLE : 0);
    if (events == 0) {
        uv_poll_stop(&link->poll);
    } else {
        uv_poll_start(&link->poll, events, on_ready);
    }
}

static const char *socket_error(const struct mqtt_link *link)
{
    int code = 0;
    socklen_t len = sizeof(code);
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0 || code == 0) {
        return "the broker closed the connection";
    }
    return strerror(code);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct mqtt_link *link = poll->data;
    if (status != 0) {
        fail(link, HYP_REFUSED, socket_error(link));
        return;
    }
    int rc = MOSQ_ERR_SUCCESS;
    if ((events & UV_READABLE) != 0) {
        rc = mosquitto_loop_read(link->client, 1);
    }
    if (rc == MOSQ_ERR_SUCCESS && (events & UV_WRITABLE) != 0) {
        rc = mosquitto_loop_write(link->client, 1);
    }
    if (rc != MOSQ_ERR_SUCCESS || mosquitto_socket(link->client) < 0) {
        fail_with(link, rc == MOSQ_ERR_SUCCESS ? MOSQ_ERR_CONN_LOST : rc);
        return;
    }
    watch(link);
}

static void on_misc(uv_timer_t *timer)
{
    struct mqtt_link *link = timer->data;
    if (!link->polling) {
        return;
    }
    int rc = mosquitto_loop_misc(link->client);
    if (rc != MOSQ_ERR_SUCCESS) {
        fail_with(link, rc);
        return;
    }
    watch(link);
}

static void mqtt_send(struct hyp_link *link, const uint8_t *bytes, size_t len)
{
    (void)link;
    (void)bytes;
    (void)len; /* this link only listens */
}

static void mqtt_pause(struct hyp_link *base, bool paused)
{
    struct mqtt_link *link = (struct mqtt_link *)(void *)base;
    link->paused = paused;
    watch(link);
}

static const struct hyp_link_ops mqtt_ops = {
    .send = mqtt_send, .pause = mqtt_pause, .close = mqtt_close};

/* --- connecting --- */

static void connect_to(struct mqtt_link *link, const struct sockaddr *address)
{
    char host[64];
    int rc = address->sa_family == AF_INET6
                 ? uv_ip6_name((const struct sockaddr_in6 *)(const void *)address, host,
                               sizeof(host))
                 : uv_ip4_name((const struct sockaddr_in *)(const void *)address, host,
                               sizeof(host));
    if (rc != 0) {
        fail(link, HYP_INVALID, "the broker's address is none this program knows");
        return;
    }
    rc = mosquitto_connect_async(link->client, host, link->port, KEEP_ALIVE_S);
    if (rc != MOSQ_ERR_SUCCESS) {
        fail_with(link, rc);
        return;
    }
    /* A copy: the library may close its socket while the loop still watches it. */
    link->fd = fcntl(mosquitto_socket(link->client), F_DUPFD_CLOEXEC, 0);
    if (link->fd < 0 || uv_poll_init(&link->link.loop->uv, &link->poll, link->fd) != 0) {
        fail(link, HYP_IO, "the connection to the broker cannot be watched");
        return;
    }
    link->poll.data = link;
    link->polling = true;
    link->open_handles++;
    watch(link);
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = HYP_CONTAINER_OF(request, struct lookup, request);
    struct mqtt_link *link = lookup->link;
    free(lookup);
    if (link != NULL) {
        link->lookup = NULL;
        if (status != 0) {
            fail(link, hyp_status_from_uv(status), uv_strerror(status));
        } else {
            connect_to(link, found->ai_addr);
        }
    }
    uv_freeaddrinfo(found);
}

static bool begin_lookup(struct mqtt_link *link, const char *host)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    link->lookup = calloc(1, sizeof(*link->lookup));
    if (link->lookup == NULL) {
        return false;
    }
    link->lookup->link = link;
    if (uv_getaddrinfo(&link->link.loop->uv, &link->lookup->request, on_looked_up, host, NULL,
                       &hints) != 0) {
        free(link->lookup);
        link->lookup = NULL;
        return false;
    }
    return true;
}

static bool set_up_client(struct mqtt_link *link, const struct hyp_wire_settings *settings,
                          const char *client_id)
{
    link->client = mosquitto_new(client_id, true, link);
    if (link->client == NULL) {
        return false;
    }
    mosquitto_connect_callback_set(link->client, on_connect);
    mosquitto_subscribe_callback_set(link->client, on_subscribe);
    mosquitto_message_callback_set(link->client, on_message);
    return settings->login[0] == '\0' ||
           mosquitto_username_pw_set(link->client, settings->login, settings->password) ==
               MOSQ_ERR_SUCCESS;
}

enum hyp_status hyp_mqtt_subscribe(struct hyp_loop *loop,
                                   const struct hyp_wire_settings *settings,
                                   const char *client_id, const struct hyp_link_events *events,
                                   void *user, struct hyp_link **ret_link,
                                   struct hyp_error *err)
{
    if (mosquitto_sub_topic_check(settings->topic) != MOSQ_ERR_SUCCESS ||
        settings->topic[0] == '\0') {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%s\" is no topic: use words between slashes, + for one and # "
                             "for all further levels",
                             settings->topic);
    }
    struct mqtt_link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a subscription");
    }
    mosquitto_lib_init();
    link->link =
        (struct hyp_link){.ops = &mqtt_ops, .events = events, .user = user, .loop = loop};
    link->fd = -1;
    link->port = settings->port;
    uv_timer_init(&loop->uv, &link->misc);
    link->misc.data = link;
    link->open_handles = 1;
    link->topic = strdup(settings->topic);
    if (link->topic == NULL || !set_up_client(link, settings, client_id) ||
        !begin_lookup(link, settings->host)) {
        mqtt_close(&link->link);
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a subscription");
    }
    uv_timer_start(&link->misc, on_misc, MISC_MS, MISC_MS);
    *ret_link = &link->link;
    return HYP_OK;
}
