/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/wire.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "collect/collector.h"

#include <stddef.h>
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
    const char *const texts[HYP_WIRE_TEXTS] = {
        [HYP_WIRE_NAME] = line->name,         [HYP_WIRE_HOST] = line->host,
        [HYP_WIRE_PATH] = line->path,         [HYP_WIRE_TOPIC] = line->topic,
        [HYP_WIRE_LOGIN] = line->login,       [HYP_WIRE_PASSWORD] = line->password,
        [HYP_WIRE_CA_FILE] = line->ca_file,   [HYP_WIRE_CERT_FILE] = line->cert_file,
        [HYP_WIRE_KEY_FILE] = line->key_file, [HYP_WIRE_CLIENT_ID] = line->client_id,
    };
    size_t size = 1; /* the empty text */
    for (size_t i = 0; i < HYP_WIRE_TEXTS; i++) {
        size += texts[i][0] == '\0' ? 0 : strlen(texts[i]) + 1;
    }
    struct hyp_wire_settings *settings =
        malloc(HYP_MAX(offsetof(struct hyp_wire_settings, texts) + size, sizeof(*settings)));
    if (settings == NULL) {
        return NULL;
    }
    *settings = (struct hyp_wire_settings){
        .baud = line->baud,
        .timeout_ms = line->timeout_ms,
        .delay_ms = line->delay_ms,
        .port = line->port,
        .retries = line->retries,
        .parity = line->parity,
        .receiver = line->receiver,
        .echo = line->echo,
        .per_cycle = line->per_cycle,
        .tls = line->tls,
    };
    settings->texts[0] = '\0';
    size = 1;
    for (size_t i = 0; i < HYP_WIRE_TEXTS; i++) {
        size_t len = strlen(texts[i]);
        if (len > 0) {
            settings->at[i] = (uint16_t)size;
            memcpy(settings->texts + size, texts[i], len + 1);
            size += len + 1;
        }
    }
    return settings;
}

void hyp_wire_settings_destroy(struct hyp_wire_settings *settings)
{
    if (settings == NULL) {
        return;
    }
    char *password = settings->texts + settings->at[HYP_WIRE_PASSWORD];
    hyp_wipe(password, strlen(password));
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
    if (hyp_wire_text(settings, HYP_WIRE_PATH)[0] != '\0') {
        hyp_buf_append_fmt(&buf, "%s: %s", hyp_wire_text(settings, HYP_WIRE_PATH), text);
    } else if (hyp_wire_text(settings, HYP_WIRE_HOST)[0] != '\0') {
        hyp_buf_append_fmt(&buf, "%s%s:%u: %s", opening ? "cannot connect to " : "",
                           hyp_wire_text(settings, HYP_WIRE_HOST), settings->port, text);
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
