/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wire: what every configured line has in common while it runs, whether it is polled (bus.h) or
 * listened to (ear.h). First member of both. Loop thread only.
 */
#ifndef HYP_COLLECT_WIRE_H
#define HYP_COLLECT_WIRE_H

#include "collect/collect.h"
#include "collect/comm.h"
#include "collect/link.h"

struct hyp_collector;
struct hyp_station;

/* The texts of a line; most lines have two or three of them. */
enum hyp_wire_text {
    HYP_WIRE_NAME = 0,
    HYP_WIRE_HOST,
    HYP_WIRE_PATH,
    HYP_WIRE_TOPIC,
    HYP_WIRE_LOGIN,
    HYP_WIRE_PASSWORD,
    HYP_WIRE_CA_FILE,
    HYP_WIRE_CERT_FILE,
    HYP_WIRE_KEY_FILE,
    HYP_WIRE_CLIENT_ID,
    HYP_WIRE_TEXTS,
};

/* The texts and numbers of a line; one piece of memory, as small as what is in it. */
struct hyp_wire_settings {
    uint32_t baud;
    uint32_t timeout_ms;
    uint32_t delay_ms;
    uint16_t port;
    uint16_t at[HYP_WIRE_TEXTS]; /* where in `texts`; all empty ones are at 0 */
    uint8_t retries;
    char parity;
    enum hyp_receiver_kind receiver : 8;
    bool echo : 1;
    bool per_cycle : 1;
    bool tls : 1;
    char texts[];
};

/* One of the texts; "" when the line does not have it. */
static inline const char *hyp_wire_text(const struct hyp_wire_settings *settings,
                                        enum hyp_wire_text which)
{
    return settings->texts + settings->at[which];
}

struct hyp_wire {
    struct hyp_collector *collector;
    struct hyp_wire_settings *settings;
    struct hyp_comm comm;
    hyp_line_id id;
    hyp_tenant_id tenant;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t frames_in;
    uint64_t frames_refused;
    uint8_t kind;       /* enum hyp_line_kind */
    uint8_t link_state; /* enum hyp_link_state */
    bool enabled;
    bool leaving; /* its end is for good: a broker need not keep messages for it */
};

/* Copies what the line says. NULL without memory. */
struct hyp_wire_settings *hyp_wire_settings_create(const struct hyp_line *line);
/* Wipes and frees. */
void hyp_wire_settings_destroy(struct hyp_wire_settings *settings);

/* Notes a state of the link, and tells the observer if it is another. */
void hyp_wire_set_link_state(struct hyp_wire *wire, enum hyp_link_state state);
/* Tells the observer. */
void hyp_wire_changed(struct hyp_wire *wire);

/*
 * Writes why the connection has ended, or cannot be made, with the place in front: the port's
 * path, or host and port.
 * @opening  it was still on its way up
 * Returns   `out`
 */
const char *hyp_wire_say_closed(const struct hyp_wire *wire, bool opening, const char *text,
                                char out[static HYP_ERROR_TEXT_MAX]);

/* Pause before attempt number `failures` + 1 of reaching the other side; with jitter. */
int64_t hyp_wire_pause_ms(struct hyp_wire *wire);

#endif
