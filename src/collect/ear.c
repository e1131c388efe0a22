/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/ear.h"

#include "base/limits.h"
#include "collect/collector.h"
#include "collect/ear_parts.h"
#include "collect/mqtt.h"
#include "collect/recent.h"

#include <stdlib.h>

#define CONNECT_TIMEOUT_MS 15000
/* A receiver sends a telegram in one go; a longer pause is between two. USB adapters add some
 * tens of milliseconds of their own, a mobile network that sends again takes seconds. */
#define SERIAL_GAP_MS 500
#define NETWORK_GAP_MS 15000

/* --- telegrams --- */

static void station_heard(struct hyp_ear *ear, struct hyp_station *station,
                          enum hyp_status status, const char *text)
{
    struct hyp_collector *collector = ear->wire.collector;
    hyp_utc now = hyp_collector_utc(collector);
    hyp_comm_attempted(&station->comm, now);
    if (status == HYP_OK) {
        hyp_comm_succeeded(&station->comm, now);
    } else {
        hyp_comm_failed(&station->comm, now, status, text);
    }
    hyp_station_changed(collector, station);
}

/* A telegram that a broker sends again is taken once: what was committed just before a process
 * died had not been acknowledged yet. */
static bool is_repeat(struct hyp_ear *ear, const struct hyp_piece *piece)
{
    if (ear->recent == NULL) {
        return false;
    }
    if (hyp_mqtt_may_repeat(ear->link) &&
        hyp_recent_has(ear->recent, piece->bytes, piece->len)) {
        return true;
    }
    hyp_recent_add(ear->recent, piece->bytes, piece->len);
    return false;
}

static void take_piece(struct hyp_ear *ear, const struct hyp_piece *piece)
{
    struct hyp_collector *collector = ear->wire.collector;
    struct hyp_arrival arrival = {
        .tenant = ear->wire.tenant,
        .line = ear->wire.id,
        .protocol = piece->protocol,
        .bytes = piece->bytes,
        .len = piece->len,
        .received = hyp_collector_utc(collector),
        .signal_dbm = piece->signal_dbm,
        .source = HYP_SOURCE_AUTOMATIC,
    };
    if (is_repeat(ear, piece)) {
        return;
    }
    struct hyp_arrived arrived;
    enum hyp_status status = hyp_intake_take(&collector->intake, &arrival, &arrived);
    ear->stream->starved = ear->stream->starved || status == HYP_NO_MEMORY;
    ear->wire.frames_in++;
    ear->wire.frames_refused +=
        status != HYP_OK && arrived.station == NULL && status != HYP_NOT_FOUND ? 1 : 0;
    hyp_comm_succeeded(&ear->wire.comm, arrival.received);
    if (arrived.station != NULL && !arrived.repeated) {
        station_heard(ear, arrived.station, status, arrived.text);
    }
    if (arrived.joined) {
        hyp_station_changed(collector, arrived.station);
    }
}

/* Nothing but noise has come for a while: the line stands, but with a reason. */
static void note_noise(struct hyp_ear *ear)
{
    const struct hyp_wire_settings *settings = ear->wire.settings;
    bool serial = ear->wire.kind == HYP_LINE_WMBUS_SERIAL;
    char what[HYP_ERROR_TEXT_MAX];
    const char *text = "bytes come, but no telegram is among them: check the kind of receiver";
    if (serial) {
        text = "bytes come, but no telegram is among them: check the kind of receiver, baud "
               "rate and parity";
    }
    hyp_log_event(ear->wire.collector->config.log, HYP_LOG_WARNING, "line.noise",
                  "line=%lld receiver=%s", (long long)ear->wire.id.id,
                  hyp_receiver_kind_text(settings->receiver));
    hyp_comm_missed(&ear->wire.comm, hyp_collector_utc(ear->wire.collector), HYP_MALFORMED,
                    hyp_wire_say_closed(&ear->wire, false, text, what));
}

static void count_noise(struct hyp_ear *ear, uint64_t skipped)
{
    bool was_noise = ear->noise >= HYP_LIMIT_NOISE;
    ear->noise = (uint32_t)HYP_MIN(ear->noise + skipped, (uint64_t)UINT32_MAX);
    if (ear->noise >= HYP_LIMIT_NOISE && !was_noise) {
        note_noise(ear);
    }
}

void hyp_ear_take_bytes(struct hyp_ear *ear, struct hyp_stream *stream, const uint8_t *bytes,
                        size_t len, bool whole)
{
    struct hyp_piece piece;
    uint64_t skipped = stream->skipped;
    uint64_t since = skipped; /* the last telegram */
    ear->wire.bytes_in += len;
    hyp_stream_feed(stream, bytes, len);
    while (hyp_stream_next(stream, whole, &piece)) {
        take_piece(ear, &piece);
        since = stream->skipped;
        ear->noise = 0;
    }
    count_noise(ear, stream->skipped - since);
    ear->wire.frames_refused += stream->skipped > skipped && whole ? 1 : 0;
    hyp_wire_changed(&ear->wire);
    if (hyp_outbox_is_full(&ear->wire.collector->outbox)) {
        hyp_ear_pause(ear, true);
    }
}

void hyp_ear_note_gap(const struct hyp_ear *ear, struct hyp_stream *stream,
                      int64_t *last_bytes_ms)
{
    int64_t now = hyp_loop_now(&ear->wire.collector->loop).ms;
    bool serial = ear->wire.kind == HYP_LINE_WMBUS_SERIAL;
    if (now - *last_bytes_ms > (serial ? SERIAL_GAP_MS : NETWORK_GAP_MS)) {
        hyp_stream_gap(stream);
    }
    *last_bytes_ms = now;
}

/* --- one link: TCP client, UDP, MQTT --- */

static bool is_message_link(const struct hyp_ear *ear)
{
    return ear->wire.kind == HYP_LINE_WMBUS_UDP_LISTEN || ear->wire.kind == HYP_LINE_WMBUS_MQTT;
}

static void try_later(struct hyp_ear *ear, enum hyp_status status, const char *text)
{
    struct hyp_collector *collector = ear->wire.collector;
    hyp_comm_failed(&ear->wire.comm, hyp_collector_utc(collector), status, text);
    hyp_log_event(collector->config.log, HYP_LOG_WARNING, "line.failed",
                  "line=%lld status=%s failures=%u", (long long)ear->wire.id.id,
                  hyp_status_name(status), ear->wire.comm.failures_in_row);
    ear->opening = false;
    hyp_mono due = {hyp_loop_now(&collector->loop).ms + hyp_wire_pause_ms(&ear->wire)};
    hyp_timer_arm(&collector->loop, &ear->timer, due);
    ear->wire.link_state = HYP_LINK_FAILED;
    hyp_wire_changed(&ear->wire);
}

static void on_opened(void *user)
{
    struct hyp_ear *ear = user;
    ear->opening = false;
    hyp_timer_disarm(&ear->wire.collector->loop, &ear->timer);
    hyp_comm_succeeded(&ear->wire.comm, hyp_collector_utc(ear->wire.collector));
    hyp_wire_set_link_state(&ear->wire, HYP_LINK_CONNECTED);
    struct hyp_str greeting = hyp_receiver_greeting(ear->wire.settings->receiver);
    if (ear->wire.kind == HYP_LINE_WMBUS_SERIAL && greeting.len > 0) {
        hyp_link_send(ear->link, (const uint8_t *)greeting.ptr, greeting.len);
        ear->wire.bytes_out += greeting.len;
    }
    if (ear->paused) {
        hyp_link_pause(ear->link, true);
    }
}

static void on_received(void *user, const uint8_t *bytes, size_t len)
{
    struct hyp_ear *ear = user;
    struct hyp_outbox *outbox = &ear->wire.collector->outbox;
    uint64_t lost = outbox->lost;
    ear->heard_here = true;
    ear->fruitless = 0;
    hyp_ear_note_gap(ear, ear->stream, &ear->last_bytes_ms);
    hyp_ear_take_bytes(ear, ear->stream, bytes, len, is_message_link(ear));
    if (ear->recent != NULL) {
        hyp_outbox_wait(outbox, &ear->commit);
        ear->commit.status = lost == outbox->lost ? ear->commit.status : HYP_FULL;
        ear->commit.status = ear->stream->starved ? HYP_NO_MEMORY : ear->commit.status;
    }
}

static void on_too_long(void *user, size_t len)
{
    struct hyp_ear *ear = user;
    char text[HYP_ERROR_TEXT_MAX];
    char what[HYP_ERROR_TEXT_MAX];
    struct hyp_buf out;
    ear->heard_here = true;
    ear->fruitless = 0;
    ear->wire.bytes_in += len;
    ear->wire.frames_refused++;
    hyp_buf_init_fixed(&out, text, sizeof(text));
    hyp_buf_append_fmt(&out,
                       "a message of %zu bytes was left out, %d are taken: send telegrams one "
                       "by one, or narrow the topic",
                       len, HYP_LIMIT_MQTT_PAYLOAD);
    hyp_log_event(ear->wire.collector->config.log, HYP_LOG_WARNING, "line.too_long",
                  "line=%lld bytes=%zu", (long long)ear->wire.id.id, len);
    hyp_comm_missed(&ear->wire.comm, hyp_collector_utc(ear->wire.collector), HYP_LIMIT,
                    hyp_wire_say_closed(&ear->wire, false, hyp_buf_terminate(&out), what));
    hyp_wire_changed(&ear->wire);
}

static void on_closed(void *user, enum hyp_status status, const char *text)
{
    struct hyp_ear *ear = user;
    ear->link = NULL;
    hyp_outbox_forget(&ear->wire.collector->outbox, &ear->commit);
    hyp_stream_finish(ear->stream);
    hyp_stream_init(
        ear->stream,
        ear->wire.settings->receiver); /* half a telegram of the old connection is none */
    char what[HYP_ERROR_TEXT_MAX];
    ear->fruitless += ear->heard_here ? 0 : 1;
    ear->heard_here = false;
    /* One who takes the connection and ends it at once is not asked every second. */
    ear->wire.comm.failures_in_row =
        HYP_MAX(ear->wire.comm.failures_in_row, ear->fruitless - (ear->fruitless > 0 ? 1 : 0));
    try_later(ear, status, hyp_wire_say_closed(&ear->wire, ear->opening, text, what));
}

/* All that a broker has sent so far is committed, or some of it is lost: then nothing is
 * acknowledged, and the broker sends it again on the next connection. */
static void on_settled(struct hyp_outbox_waiter *waiter, enum hyp_status status)
{
    struct hyp_ear *ear = HYP_CONTAINER_OF(waiter, struct hyp_ear, commit);
    if (ear->link == NULL) {
        return;
    }
    if (status == HYP_OK) {
        hyp_mqtt_acknowledge(ear->link);
        return;
    }
    hyp_recent_clear(ear->recent);
    hyp_link_close(ear->link);
    on_closed(ear, status,
              "messages could not be stored; the broker keeps them and sends them again");
}

static const struct hyp_link_events ear_events = {
    .opened = on_opened, .received = on_received, .too_long = on_too_long, .closed = on_closed};

/* --- opening --- */

static const char *listen_host(const struct hyp_ear *ear)
{
    const char *host = hyp_wire_text(ear->wire.settings, HYP_WIRE_HOST);
    return host[0] == '\0' ? "127.0.0.1" : host;
}

static enum hyp_status open_port(struct hyp_ear *ear, struct hyp_error *err)
{
    const struct hyp_wire_settings *settings = ear->wire.settings;
    struct hyp_serial_settings port = {.path = hyp_wire_text(settings, HYP_WIRE_PATH),
                                       .baud = settings->baud,
                                       .parity = settings->parity};
    return hyp_serial_open(&ear->wire.collector->loop, &port, &ear_events, ear, &ear->link,
                           err);
}

static enum hyp_status open_ear(struct hyp_ear *ear, struct hyp_error *err)
{
    const struct hyp_wire_settings *settings = ear->wire.settings;
    struct hyp_loop *loop = &ear->wire.collector->loop;
    switch ((enum hyp_line_kind)ear->wire.kind) {
    case HYP_LINE_WMBUS_TCP:
        return hyp_tcp_connect(loop, hyp_wire_text(settings, HYP_WIRE_HOST), settings->port,
                               &ear_events, ear, &ear->link, err);
    case HYP_LINE_WMBUS_TCP_LISTEN:
        return hyp_tcp_listen(loop, listen_host(ear), settings->port, &hyp_ear_server_events,
                              ear, &ear->server, err);
    case HYP_LINE_WMBUS_UDP_LISTEN:
        return hyp_udp_listen(loop, listen_host(ear), settings->port, &ear_events, ear,
                              &ear->link, err);
    case HYP_LINE_WMBUS_MQTT:
        return hyp_mqtt_subscribe(loop, settings, &ear_events, ear, &ear->link, err);
    case HYP_LINE_WMBUS_SERIAL: return open_port(ear, err);
    case HYP_LINE_DROP_FOLDER: return hyp_folder_open(ear, &ear->folder, err);
    case HYP_LINE_UNSET:
    case HYP_LINE_MBUS_TCP:
    case HYP_LINE_MBUS_SERIAL:
    case HYP_LINE_MODBUS_TCP:
    case HYP_LINE_MODBUS_RTU_TCP:
    case HYP_LINE_MODBUS_SERIAL:
    case HYP_LINE_KIND_COUNT: break;
    }
    return hyp_error_set(err, HYP_INVALID, -1, "this kind of line cannot be listened to");
}

static void open_or_retry(struct hyp_ear *ear)
{
    struct hyp_collector *collector = ear->wire.collector;
    struct hyp_error err = {0};
    hyp_comm_attempted(&ear->wire.comm, hyp_collector_utc(collector));
    enum hyp_status status = open_ear(ear, &err);
    if (status != HYP_OK) {
        try_later(ear, status, err.text);
        return;
    }
    if (ear->wire.kind == HYP_LINE_WMBUS_TCP || ear->wire.kind == HYP_LINE_WMBUS_MQTT) {
        ear->opening = true;
        hyp_mono due = {hyp_loop_now(&collector->loop).ms + CONNECT_TIMEOUT_MS};
        hyp_timer_arm(&collector->loop, &ear->timer, due);
        hyp_wire_set_link_state(&ear->wire, HYP_LINK_CONNECTING);
        return;
    }
    hyp_comm_succeeded(&ear->wire.comm, hyp_collector_utc(collector));
    hyp_wire_set_link_state(&ear->wire, HYP_LINK_LISTENING);
}

static void on_timer(struct hyp_timer *timer)
{
    struct hyp_ear *ear = HYP_CONTAINER_OF(timer, struct hyp_ear, timer);
    if (ear->opening) {
        hyp_link_close(ear->link);
        on_closed(ear, HYP_TIMEOUT, "no answer within 15 s");
    } else {
        open_or_retry(ear);
    }
}

enum hyp_status hyp_ear_init(struct hyp_ear *ear)
{
    ear->wire.link_state = ear->wire.enabled ? HYP_LINK_IDLE : HYP_LINK_DISABLED;
    ear->stream = calloc(1, sizeof(*ear->stream));
    if (ear->stream == NULL) {
        return HYP_NO_MEMORY;
    }
    hyp_stream_init(ear->stream, ear->wire.settings->receiver);
    enum hyp_status status = hyp_timer_add(&ear->wire.collector->loop, &ear->timer, on_timer);
    if (status == HYP_OK && ear->wire.kind == HYP_LINE_WMBUS_MQTT) {
        ear->commit.settled = on_settled;
        ear->recent = calloc(1, sizeof(*ear->recent));
        if (ear->recent == NULL) {
            hyp_timer_remove(&ear->wire.collector->loop, &ear->timer);
            status = HYP_NO_MEMORY;
        }
    }
    if (status != HYP_OK) {
        free(ear->stream);
        ear->stream = NULL;
    }
    return status;
}

void hyp_ear_start(struct hyp_ear *ear)
{
    if (ear->wire.enabled && !ear->wire.collector->stopping) {
        open_or_retry(ear);
    }
}

void hyp_ear_finish(struct hyp_ear *ear)
{
    ear->wire.enabled = false;
    hyp_timer_remove(&ear->wire.collector->loop, &ear->timer);
    hyp_outbox_forget(&ear->wire.collector->outbox, &ear->commit);
    if (ear->link != NULL) {
        if (ear->wire.kind == HYP_LINE_WMBUS_MQTT && ear->wire.leaving) {
            hyp_mqtt_unsubscribe(ear->link);
        }
        hyp_link_close(ear->link);
        ear->link = NULL;
    }
    free(ear->recent);
    ear->recent = NULL;
    if (ear->server != NULL) {
        hyp_tcp_server_close(ear->server);
        ear->server = NULL;
    }
    hyp_ear_close_clients(ear);
    if (ear->folder != NULL) {
        hyp_folder_close(ear->folder);
        ear->folder = NULL;
    }
    if (ear->stream != NULL) {
        hyp_stream_finish(ear->stream);
        free(ear->stream);
        ear->stream = NULL;
    }
}

void hyp_ear_pause(struct hyp_ear *ear, bool paused)
{
    if (ear->paused == paused) {
        return;
    }
    ear->paused = paused;
    if (ear->link != NULL && !ear->opening) {
        hyp_link_pause(ear->link, paused);
    }
    hyp_ear_pause_clients(ear, paused);
}

void hyp_ear_inherit(struct hyp_ear *ear, struct hyp_recent *recent)
{
    if (ear->recent != NULL && recent != NULL) {
        *ear->recent = *recent;
    }
}

void hyp_ear_remember(struct hyp_ear *ear, const uint8_t *bytes, size_t len)
{
    if (ear->recent != NULL) {
        hyp_recent_add(ear->recent, bytes, len);
    }
}

uint16_t hyp_ear_port(const struct hyp_ear *ear)
{
    if (ear->server != NULL) {
        return hyp_tcp_server_port(ear->server);
    }
    return ear->link != NULL && ear->wire.kind == HYP_LINE_WMBUS_UDP_LISTEN
               ? hyp_udp_port(ear->link)
               : 0;
}
