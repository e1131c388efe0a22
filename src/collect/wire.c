/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/wire.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "collect/collector.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_PAUSE_MS 1000
#define LONGEST_PAUSE_MS 300000

bool hyp_line_kind_is_polled(enum hyp_line_kind kind)
{
    return kind == HYP_LINE_MBUS_TCP || kind == HYP_LINE_MBUS_SERIAL ||
           kind == HYP_LINE_MODBUS_TCP || kind == HYP_LINE_MODBUS_RTU_TCP ||
           kind == HYP_LINE_MODBUS_SERIAL;
}

struct hyp_wire_settings *hyp_wire_settings_create(const struct hyp_line *line)
{
    const char *texts[] = {line->name,     line->host,     line->path,    line->topic,
                           line->login,    line->password, line->ca_file, line->cert_file,
                           line->key_file, line->client_id};
    size_t size = 0;
    for (size_t i = 0; i < HYP_ARRAY_LEN(texts); i++) {
        size += strlen(texts[i]) + 1;
    }
    struct hyp_wire_settings *settings = malloc(sizeof(*settings) + size);
    if (settings == NULL) {
        return NULL;
    }
    char *at = settings->texts;
    for (size_t i = 0; i < HYP_ARRAY_LEN(texts); i++) {
        size_t len = strlen(texts[i]) + 1;
        memcpy(at, texts[i], len);
        texts[i] = at;
        at += len;
    }
    settings->name = texts[0];
    settings->host = texts[1];
    settings->path = texts[2];
    settings->topic = texts[3];
    settings->login = texts[4];
    settings->password = texts[5];
    settings->ca_file = texts[6];
    settings->cert_file = texts[7];
    settings->key_file = texts[8];
    settings->client_id = texts[9];
    settings->tls = line->tls;
    settings->receiver = line->receiver;
    settings->port = line->port;
    settings->baud = line->baud;
    settings->timeout_ms = line->timeout_ms;
    settings->delay_ms = line->delay_ms;
    settings->retries = line->retries;
    settings->parity = line->parity;
    settings->echo = line->echo;
    settings->per_cycle = line->per_cycle;
    return settings;
}

void hyp_wire_settings_destroy(struct hyp_wire_settings *settings)
{
    if (settings == NULL) {
        return;
    }
    size_t len = strlen(settings->password);
    if (len > 0) {
        hyp_wipe(settings->texts + (settings->password - settings->texts), len);
    }
    free(settings);
}

void hyp_wire_set_link_state(struct hyp_wire *wire, enum hyp_link_state state)
{
    if (wire->link_state != state) {
        wire->link_state = (uint8_t)state;
        hyp_wire_changed(wire);
    }
}

void hyp_wire_changed(struct hyp_wire *wire)
{
    const struct hyp_collect_observer *observer = &wire->collector->config.observer;
    if (observer->line_state != NULL) {
        struct hyp_line_state state;
        if (hyp_collector_line_state(wire->collector, wire->id, &state) == HYP_OK) {
            observer->line_state(observer->user, &state);
        }
    }
}

const char *hyp_wire_say_closed(const struct hyp_wire *wire, bool opening, const char *text,
                                char out[static HYP_ERROR_TEXT_MAX])
{
    const struct hyp_wire_settings *settings = wire->settings;
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, out, HYP_ERROR_TEXT_MAX);
    if (settings->path[0] != '\0') {
        hyp_buf_append_fmt(&buf, "%s: %s", settings->path, text);
    } else if (settings->host[0] != '\0') {
        hyp_buf_append_fmt(&buf, "%s%s:%u: %s", opening ? "cannot connect to " : "",
                           settings->host, settings->port, text);
    } else {
        hyp_buf_append_fmt(&buf, "port %u: %s", settings->port, text);
    }
    return hyp_buf_terminate(&buf);
}

int64_t hyp_wire_pause_ms(struct hyp_wire *wire)
{
    uint32_t doublings = wire->comm.failures_in_row == 0 ? 0 : wire->comm.failures_in_row - 1;
    int64_t pause = doublings > 16 ? LONGEST_PAUSE_MS : (int64_t)FIRST_PAUSE_MS << doublings;
    pause = HYP_MIN(pause, (int64_t)LONGEST_PAUSE_MS);
    /* A quarter either way, so that a thousand lines do not come back in the same moment. */
    uint64_t spread = (uint64_t)pause / 2;
    return pause - pause / 4 + (int64_t)hyp_rng_below(wire->collector->config.rng, spread + 1);
}
