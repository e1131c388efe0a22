/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MQTT subscription on libmosquitto, without a thread of its own: the library's socket is
 * watched by the loop, and the library is called when something can be read or written and once
 * a second for its keep-alive. It is connected on a worker thread, because it looks up the name
 * of the broker and reads certificates while its caller waits; it must be given the name, not
 * an address, for the broker's certificate to be checked against it.
 *
 * Acknowledging. The library acknowledges a message of quality of service 1 by itself, in
 * version 2.0 even before it hands the message over. What it does not do, told that it is used
 * with threads (mosquitto_threaded_set), is to write: acknowledgements wait in its queue until
 * mosquitto_loop_write is called. So from a message until hyp_mqtt_acknowledge nothing is
 * written, and the queue leaves in one go. Should that take longer than the keep-alive, the
 * broker ends the connection and repeats the messages on the next. Quality of service 2 would
 * not help: the library keeps its half of the exchange in memory only.
 */
#include "collect/mqtt.h"

#include "base/limits.h"
#include "collect/mqtt_tls.h"

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
#define SESSION_PRESENT 1
#define TEXT_MAX 200

struct mqtt_link {
    struct hyp_link link;
    struct mosquitto *client;
    uv_poll_t poll;
    uv_timer_t misc;
    uv_work_t connecting;
    int connect_result;
    int connect_errno;
    int fd; /* a copy of the library's socket, -1 = none */
    int open_handles;
    uint32_t unacknowledged; /* messages; nothing is written while there are any */
    uint32_t since_connect;  /* messages received on this connection */
    uint16_t port;
    bool connects; /* the worker has the client */
    bool resumed;  /* the broker knew our session */
    bool tls;
    bool greeted; /* the broker has answered */
    bool polling;
    bool paused;
    bool closing;
    char *topic;
    char *host;
    char said[TEXT_MAX];   /* the library's first error message */
    char reason[TEXT_MAX]; /* why the broker refused */
};

static struct mqtt_link *as_mqtt(struct hyp_link *base)
{
    return (struct mqtt_link *)(void *)base;
}

/* --- end --- */

static void release(struct mqtt_link *link)
{
    if (--link->open_handles > 0) {
        return;
    }
    if (link->fd >= 0) {
        close(link->fd);
    }
    mosquitto_destroy(link->client);
    mosquitto_lib_cleanup();
    free(link->topic);
    free(link->host);
    free(link);
}

static void on_handle_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void mqtt_close(struct hyp_link *base)
{
    struct mqtt_link *link = as_mqtt(base);
    if (link->closing) {
        return;
    }
    link->closing = true;
    if (link->polling) {
        mosquitto_disconnect(link->client);
        if (link->unacknowledged == 0) {
            mosquitto_loop_write(link->client, 1);
        }
        uv_close((uv_handle_t *)&link->poll, on_handle_closed);
    } else if (link->connects) {
        uv_cancel((uv_req_t *)&link->connecting); /* else it ends by itself */
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

static void fail_of_tls(struct mqtt_link *link)
{
    fail(link, HYP_DENIED, hyp_mqtt_tls_reason(link->said));
}

static bool is_about_tls(const struct mqtt_link *link, int rc)
{
    bool ended = rc == MOSQ_ERR_CONN_LOST || rc == MOSQ_ERR_ERRNO;
    return rc == MOSQ_ERR_TLS || (link->tls && !link->greeted && link->polling && ended) ||
           strstr(link->said, "SSL") != NULL || strstr(link->said, "TLS") != NULL;
}

/* The library's words, where they say anything. */
static const char *reason_of(const struct mqtt_link *link, int rc, int error)
{
    switch (rc) {
    case MOSQ_ERR_ERRNO:
        return error == 0 ? "the broker closed the connection" : strerror(error);
    case MOSQ_ERR_UNKNOWN:
    case MOSQ_ERR_PROTOCOL:
    case MOSQ_ERR_MALFORMED_PACKET:
        return link->greeted ? "the broker sent something that is no MQTT"
                             : "what answers there does not speak MQTT: check host and port";
    case MOSQ_ERR_KEEPALIVE: return "the broker does not answer any more";
    default: return mosquitto_strerror(rc);
    }
}

static void fail_with(struct mqtt_link *link, int rc, int error)
{
    enum hyp_status status = rc == MOSQ_ERR_CONN_REFUSED ? HYP_REFUSED
                             : rc == MOSQ_ERR_NOMEM      ? HYP_NO_MEMORY
                             : rc == MOSQ_ERR_AUTH       ? HYP_DENIED
                             : rc == MOSQ_ERR_EAI        ? HYP_NOT_FOUND
                                                         : HYP_CLOSED;
    if (link->reason[0] != '\0') {
        fail(link, HYP_DENIED, link->reason);
    } else if (is_about_tls(link, rc)) {
        fail_of_tls(link);
    } else {
        fail(link, status, reason_of(link, rc, error));
    }
}

/* --- what the library tells --- */

static void refuse(struct mqtt_link *link, const char *reason)
{
    hyp_text_copy(link->reason, sizeof(link->reason), hyp_str_from(reason));
    mosquitto_disconnect(link->client);
}

static void on_connect(struct mosquitto *client, void *user, int code, int flags)
{
    struct mqtt_link *link = user;
    link->greeted = true;
    if (code != 0) {
        hyp_text_copy(link->reason, sizeof(link->reason),
                      hyp_str_from(mosquitto_connack_string(code)));
        return; /* the library ends the connection, which the poll reports */
    }
    link->resumed = (flags & SESSION_PRESENT) != 0;
    int rc = mosquitto_subscribe(client, NULL, link->topic, QOS);
    if (rc != MOSQ_ERR_SUCCESS) {
        refuse(link, mosquitto_strerror(rc));
    }
}

static void on_subscribe(struct mosquitto *client, void *user, int message, int count,
                         const int *granted)
{
    (void)client;
    (void)message;
    struct mqtt_link *link = user;
    if (count < 1 || granted[0] >= SUBSCRIBE_REFUSED) {
        refuse(link, "the broker does not allow to subscribe to this topic");
        return;
    }
    if (!link->closing) {
        link->link.events->opened(link->link.user);
    }
}

static void on_message(struct mosquitto *client, void *user,
                       const struct mosquitto_message *message)
{
    (void)client;
    struct mqtt_link *link = user;
    if (link->closing || message->retain || message->payloadlen <= 0) {
        return;
    }
    if (message->payloadlen > HYP_LIMIT_MQTT_PAYLOAD) {
        /* Acknowledged with the next: the broker would send it again and again. */
        link->link.events->too_long(link->link.user, (size_t)message->payloadlen);
        return;
    }
    link->unacknowledged += message->qos > 0 ? 1 : 0;
    link->link.events->received(link->link.user, message->payload, (size_t)message->payloadlen);
    link->since_connect++;
}

static void on_log(struct mosquitto *client, void *user, int level, const char *text)
{
    (void)client;
    struct mqtt_link *link = user;
    if (level == MOSQ_LOG_ERR && link->said[0] == '\0') { /* the first says why */
        hyp_text_copy(link->said, sizeof(link->said), hyp_str_from(text));
    }
}

/* --- socket --- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct mqtt_link *link)
{
    if (link->closing || !link->polling) {
        return;
    }
    bool read = !link->paused && link->unacknowledged < HYP_LIMIT_MQTT_UNCOMMITTED;
    bool write = link->unacknowledged == 0 && mosquitto_want_write(link->client);
    int events = (read ? UV_READABLE : 0) | (write ? UV_WRITABLE : 0);
    if (events == 0) {
        uv_poll_stop(&link->poll);
    } else {
        uv_poll_start(&link->poll, events, on_ready);
    }
}

static void fail_of_socket(struct mqtt_link *link)
{
    int code = 0;
    socklen_t len = sizeof(code);
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0 || code == 0) {
        fail(link, HYP_REFUSED, "the broker closed the connection");
    } else if (code == ECONNRESET && link->tls && !link->greeted) {
        fail_of_tls(link);
    } else {
        fail(link, HYP_REFUSED, strerror(code));
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct mqtt_link *link = poll->data;
    if (status != 0) {
        fail_of_socket(link);
        return;
    }
    int rc = MOSQ_ERR_SUCCESS;
    if ((events & UV_READABLE) != 0) {
        errno = 0; /* the library takes an old EAGAIN for the end of what is there */
        rc = mosquitto_loop_read(link->client, 1);
    }
    if (link->closing) {
        return;
    }
    if (rc == MOSQ_ERR_SUCCESS && (events & UV_WRITABLE) != 0 && link->unacknowledged == 0) {
        rc = mosquitto_loop_write(link->client, 1);
    }
    if (rc != MOSQ_ERR_SUCCESS || mosquitto_socket(link->client) < 0) {
        fail_with(link, rc == MOSQ_ERR_SUCCESS ? MOSQ_ERR_CONN_LOST : rc, errno);
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
        fail_with(link, rc, errno);
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
    struct mqtt_link *link = as_mqtt(base);
    link->paused = paused;
    watch(link);
}

static const struct hyp_link_ops mqtt_ops = {
    .send = mqtt_send, .pause = mqtt_pause, .close = mqtt_close};

void hyp_mqtt_acknowledge(struct hyp_link *base)
{
    struct mqtt_link *link = as_mqtt(base);
    link->unacknowledged = 0;
    watch(link);
}

bool hyp_mqtt_may_repeat(const struct hyp_link *base)
{
    const struct mqtt_link *link = (const struct mqtt_link *)(const void *)base;
    return link->resumed && link->since_connect < HYP_LIMIT_MQTT_UNCOMMITTED;
}

void hyp_mqtt_unsubscribe(struct hyp_link *base)
{
    struct mqtt_link *link = as_mqtt(base);
    if (link->polling && link->unacknowledged == 0) {
        mosquitto_unsubscribe(link->client, NULL, link->topic);
        mosquitto_loop_write(link->client, 1);
    }
}

/* --- connecting --- */

static void connect_blocking(uv_work_t *work)
{
    struct mqtt_link *link = work->data;
    link->connect_result =
        mosquitto_connect_async(link->client, link->host, link->port, KEEP_ALIVE_S);
    link->connect_errno = errno;
}

static void on_connected(uv_work_t *work, int status)
{
    struct mqtt_link *link = work->data;
    link->connects = false;
    if (link->closing) {
        release(link);
        return;
    }
    link->open_handles--; /* the work; the timer is still there */
    if (status != 0 || link->connect_result != MOSQ_ERR_SUCCESS) {
        fail_with(link, link->connect_result, link->connect_errno);
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

static enum hyp_status set_up_client(struct mqtt_link *link,
                                     const struct hyp_wire_settings *settings,
                                     struct hyp_error *err)
{
    bool kept = hyp_wire_text(settings, HYP_WIRE_CLIENT_ID)[0] != '\0';
    link->client =
        mosquitto_new(kept ? hyp_wire_text(settings, HYP_WIRE_CLIENT_ID) : NULL, !kept, link);
    link->topic = strdup(hyp_wire_text(settings, HYP_WIRE_TOPIC));
    link->host = strdup(hyp_wire_text(settings, HYP_WIRE_HOST));
    bool good = link->client != NULL && link->topic != NULL && link->host != NULL &&
                mosquitto_threaded_set(link->client, true) == MOSQ_ERR_SUCCESS &&
                (hyp_wire_text(settings, HYP_WIRE_LOGIN)[0] == '\0' ||
                 mosquitto_username_pw_set(
                     link->client, hyp_wire_text(settings, HYP_WIRE_LOGIN),
                     hyp_wire_text(settings, HYP_WIRE_PASSWORD)) == MOSQ_ERR_SUCCESS);
    if (!good) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a subscription");
    }
    mosquitto_connect_with_flags_callback_set(link->client, on_connect);
    mosquitto_subscribe_callback_set(link->client, on_subscribe);
    mosquitto_message_callback_set(link->client, on_message);
    mosquitto_log_callback_set(link->client, on_log);
    link->tls = settings->tls;
    return link->tls ? hyp_mqtt_tls_set_up(link->client, settings, err) : HYP_OK;
}

enum hyp_status hyp_mqtt_subscribe(struct hyp_loop *loop,
                                   const struct hyp_wire_settings *settings,
                                   const struct hyp_link_events *events, void *user,
                                   struct hyp_link **ret_link, struct hyp_error *err)
{
    if (mosquitto_sub_topic_check(hyp_wire_text(settings, HYP_WIRE_TOPIC)) !=
            MOSQ_ERR_SUCCESS ||
        hyp_wire_text(settings, HYP_WIRE_TOPIC)[0] == '\0') {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%s\" is no topic: use words between slashes, + for one and # "
                             "for all further levels",
                             hyp_wire_text(settings, HYP_WIRE_TOPIC));
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
    link->connecting.data = link;
    link->open_handles = 1;
    enum hyp_status status = set_up_client(link, settings, err);
    if (status == HYP_OK &&
        uv_queue_work(&loop->uv, &link->connecting, connect_blocking, on_connected) != 0) {
        status = hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a subscription");
    }
    if (status != HYP_OK) {
        link->closing = true;
        uv_close((uv_handle_t *)&link->misc, on_handle_closed);
        return status;
    }
    link->open_handles++; /* the work */
    link->connects = true;
    uv_timer_start(&link->misc, on_misc, MISC_MS, MISC_MS);
    *ret_link = &link->link;
    return HYP_OK;
}
