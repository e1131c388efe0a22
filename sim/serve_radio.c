/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/serve_radio.h"

#include "sim/noise.h"
#include "sim/radio.h"

#include <mosquitto.h>
#include <stdlib.h>
#include <string.h>

/* However fast the town lives, a meter is heard at most so often. */
#define PERIOD_MIN_MS 200
#define REDIAL_MS 1000
#define KEEP_ALIVE_S 60
#define QOS_AT_LEAST_1 1

/* Hex and line feed, or the bytes themselves. */
static void render(const struct sim_serve *serve, const struct sim_telegram *telegram,
                   struct hyp_buf *out)
{
    if (strcmp(serve->options->radio_format, "raw") == 0) {
        hyp_buf_append(out, telegram->bytes, telegram->len);
    } else {
        hyp_buf_append_hex(out, telegram->bytes, telegram->len);
        hyp_buf_append_char(out, '\n');
    }
}

static void publish(struct sim_serve *serve, const struct sim_device *device,
                    const struct sim_telegram *telegram)
{
    char topic[128];
    char payload[2 * SIM_RADIO_MAX + 2];
    struct hyp_buf name;
    struct hyp_buf text;
    if (serve->mqtt == NULL) {
        return;
    }
    hyp_buf_init_fixed(&name, topic, sizeof(topic));
    hyp_buf_append_fmt(&name, "%s/%08X", serve->options->mqtt_topic, device->meter.identity.id);
    hyp_buf_init_fixed(&text, payload, sizeof(payload));
    hyp_buf_append_hex(&text, telegram->bytes, telegram->len);
    /* While the broker is away telegrams are lost, as on the air. */
    HYP_IGNORE(mosquitto_publish(serve->mqtt, NULL, hyp_buf_terminate(&name), (int)text.len,
                                 text.data, QOS_AT_LEAST_1, false));
}

/* Sends one telegram of a meter; @only one connection alone, or NULL for every listener. */
static void send_one(struct sim_serve *serve, struct sim_device *device, bool full,
                     struct sim_conn *only)
{
    struct sim_telegram telegram;
    int64_t now = sim_serve_now(serve);
    if (sim_radio_send(device, &serve->town->climate, now, full, &telegram) != HYP_OK) {
        return;
    }
    if (serve->town->lines[device->line].kind == SIM_LINE_WMBUS_MQTT) {
        publish(serve, device, &telegram);
        return;
    }
    uint8_t memory[2 * SIM_RADIO_MAX + 2];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    render(serve, &telegram, &text);
    if (only != NULL) {
        sim_conn_answer(only, text.data, text.len, 0);
        return;
    }
    struct sim_conn *next;
    for (struct sim_conn *conn = serve->servers[device->line].conns; conn != NULL;
         conn = next) {
        next = conn->next;
        if (conn->open) {
            sim_conn_answer(conn, text.data, text.len, 0);
        }
    }
}

/* A new listener hears every meter once, in full, instead of waiting for its period. */
static void send_all(struct sim_serve *serve, enum sim_line_kind kind, struct sim_conn *only)
{
    for (size_t i = 0; i < serve->town->device_count; i++) {
        struct sim_device *device = &serve->town->devices[i];
        if (device->wrap != SIM_WRAP_WIRED && serve->town->lines[device->line].kind == kind) {
            send_one(serve, device, true, only);
        }
    }
}

static uint64_t period_ms(const struct sim_serve *serve)
{
    uint64_t period = serve->options->radio_period_s * 1000 / serve->options->speed;
    return HYP_MAX(period, PERIOD_MIN_MS);
}

static void device_due(void *owner, void *payload)
{
    struct sim_serve *serve = owner;
    struct sim_device *device = payload;
    if (serve->stopping) {
        return;
    }
    send_one(serve, device, false, NULL);
    /* Without memory the meter falls silent. */
    HYP_IGNORE(sim_agenda_add(&serve->net.agenda, period_ms(serve), device_due, serve, device));
}

static enum hyp_status schedule_devices(struct sim_serve *serve)
{
    uint64_t period = period_ms(serve);
    for (size_t i = 0; i < serve->town->device_count; i++) {
        struct sim_device *device = &serve->town->devices[i];
        if (device->wrap == SIM_WRAP_WIRED) {
            continue;
        }
        uint64_t first = sim_hash(device->meter.seed, 8, 8) % period;
        enum hyp_status status =
            sim_agenda_add(&serve->net.agenda, first, device_due, serve, device);
        if (status != HYP_OK) {
            return status;
        }
    }
    return HYP_OK;
}

/* --- TCP --- */

static void dial_due(void *owner, void *payload)
{
    struct sim_serve *serve = owner;
    (void)payload;
    if (!serve->stopping) {
        sim_server_dial(&serve->servers[sim_town_line(serve->town, "radio-tcp")],
                        serve->dial_host, serve->dial_port);
    }
}

static void radio_opened(struct sim_conn *conn)
{
    send_all(conn->server->user, SIM_LINE_WMBUS_TCP, conn);
}

static void radio_closed(struct sim_conn *conn)
{
    struct sim_serve *serve = conn->server->user;
    if (conn->dialled && !serve->stopping) {
        HYP_IGNORE(sim_agenda_add(&serve->net.agenda, REDIAL_MS, dial_due, serve, NULL));
    }
}

const struct sim_server_ops sim_radio_ops = {.opened = radio_opened, .closed = radio_closed};

/* --- MQTT --- */

/* On the broker library's thread: only wakes the loop. */
static void broker_connected(struct mosquitto *mqtt, void *user, int result)
{
    struct sim_serve *serve = user;
    (void)mqtt;
    if (result == 0) {
        uv_async_send(&serve->mqtt_connected);
    }
}

static void greet_broker(uv_async_t *handle)
{
    send_all(handle->data, SIM_LINE_WMBUS_MQTT, NULL);
}

static void broker_due(void *owner, void *payload);

/* Returns what the library says; a broker that is not there yet is asked for again, for the
 * library's thread does so only after a first attempt that went well. */
static int reach_broker(struct sim_serve *serve)
{
    const struct sim_line *line = &serve->town->lines[sim_town_line(serve->town, "radio-mqtt")];
    int result = mosquitto_connect_async(serve->mqtt, line->host, line->port, KEEP_ALIVE_S);
    if ((result == MOSQ_ERR_ERRNO || result == MOSQ_ERR_NO_CONN) &&
        sim_agenda_add(&serve->net.agenda, REDIAL_MS, broker_due, serve, NULL) == HYP_OK) {
        return MOSQ_ERR_SUCCESS;
    }
    return result;
}

static void broker_due(void *owner, void *payload)
{
    struct sim_serve *serve = owner;
    (void)payload;
    if (!serve->stopping) {
        HYP_IGNORE(reach_broker(serve)); /* without memory the line stays silent */
    }
}

static enum hyp_status start_mqtt(struct sim_serve *serve, struct hyp_error *err)
{
    struct sim_line *line = &serve->town->lines[sim_town_line(serve->town, "radio-mqtt")];
    if (sim_endpoint_parse(serve->options->mqtt, line->host, sizeof(line->host), &line->port) !=
        HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1, "--mqtt takes HOST:PORT, not \"%s\"",
                             serve->options->mqtt);
    }
    struct hyp_buf topic;
    hyp_buf_init_fixed(&topic, line->topic, sizeof(line->topic));
    hyp_buf_append_fmt(&topic, "%s/#", serve->options->mqtt_topic);
    (void)hyp_buf_terminate(&topic);
    mosquitto_lib_init();
    serve->mqtt_started = true;
    serve->mqtt = mosquitto_new(NULL, true, serve);
    if (serve->mqtt == NULL ||
        uv_async_init(&serve->loop, &serve->mqtt_connected, greet_broker) != 0) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory for the broker connection");
    }
    serve->mqtt_connected.data = serve;
    serve->mqtt_has_async = true;
    mosquitto_connect_callback_set(serve->mqtt, broker_connected);
    int result = mosquitto_reconnect_delay_set(serve->mqtt, 1, 5, false);
    if (result == MOSQ_ERR_SUCCESS) {
        result = reach_broker(serve);
    }
    if (result == MOSQ_ERR_SUCCESS) {
        result = mosquitto_loop_start(serve->mqtt);
    }
    if (result != MOSQ_ERR_SUCCESS) {
        return hyp_error_set_code(err, HYP_IO, HYP_ERROR_MQTT, result,
                                  "cannot reach the broker %s: %s; check --mqtt",
                                  serve->options->mqtt, mosquitto_strerror(result));
    }
    return HYP_OK;
}

void sim_radio_stop(struct sim_serve *serve)
{
    if (serve->mqtt != NULL) {
        HYP_IGNORE(mosquitto_disconnect(serve->mqtt)); /* it may not have been connected */
        HYP_IGNORE(mosquitto_loop_stop(serve->mqtt, false));
        mosquitto_destroy(serve->mqtt);
        serve->mqtt = NULL;
    }
    if (serve->mqtt_has_async) {
        serve->mqtt_has_async = false;
        uv_close((uv_handle_t *)&serve->mqtt_connected, NULL);
    }
    if (serve->mqtt_started) {
        serve->mqtt_started = false;
        mosquitto_lib_cleanup();
    }
}

enum hyp_status sim_radio_start(struct sim_serve *serve, struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    if (serve->options->radio_dial != NULL) {
        status = sim_endpoint_parse(serve->options->radio_dial, serve->dial_host,
                                    sizeof(serve->dial_host), &serve->dial_port);
        if (status != HYP_OK) {
            return hyp_error_set(err, status, -1, "--radio-dial takes HOST:PORT, not \"%s\"",
                                 serve->options->radio_dial);
        }
        dial_due(serve, NULL);
    }
    if (serve->options->mqtt != NULL) {
        status = start_mqtt(serve, err);
    }
    if (status == HYP_OK && !serve->options->once) {
        status = schedule_devices(serve);
        if (status != HYP_OK) {
            status = hyp_error_set(err, status, -1, "no memory for the radio meters");
        }
    }
    return status;
}
