/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection of a bus.
 *
 * A connection that dies is judged by what had been heard on it. One that had worked and is
 * closed while it is idle is normal (controllers do so after a minute): the next request makes
 * a new one, also when the end only shows as the request goes out. One that is closed on its
 * first request, before anything was answered, is a failure of the line: somebody else may be
 * connected to a device that serves one client.
 *
 * When the line fails, what was scheduled on it is marked as missed instead of queued, and
 * asked as soon as the line is back. Neither counts against the devices.
 */
#include "base/limits.h"
#include "collect/bus_parts.h"
#include "collect/collector.h"

#include <stdlib.h>

#define CONNECT_TIMEOUT_MS 10000

/* --- the line has failed --- */

static void miss(void *user, struct hyp_entry *entry)
{
    struct hyp_bus *bus = user;
    const char *text = bus->wire.comm.error == NULL ? "the line is down" : bus->wire.comm.error;
    enum hyp_status status = (enum hyp_status)bus->wire.comm.status;
    struct hyp_station *station = entry->station;
    if (station != NULL) {
        hyp_utc now = hyp_collector_utc(bus->wire.collector);
        hyp_comm_attempted(&station->comm, now);
        hyp_comm_missed(&station->comm, now, status, text);
        station->missed = station->missed || entry->order == NULL;
    }
    hyp_bus_failed(bus, entry, status, text);
    free(entry);
}

/* All that waits has missed its turn; the line is tried again after a pause. */
static void line_failed(struct hyp_bus *bus, enum hyp_status status, const char *text)
{
    struct hyp_wire *wire = &bus->wire;
    hyp_comm_failed(&wire->comm, hyp_collector_utc(wire->collector), status, text);
    hyp_log_event(wire->collector->config.log, HYP_LOG_WARNING, "line.failed",
                  "line=%lld status=%s failures=%u", (long long)wire->id.id,
                  hyp_status_name(status), wire->comm.failures_in_row);
    bus->not_before.ms = hyp_loop_now(&wire->collector->loop).ms + hyp_wire_pause_ms(wire);
    wire->link_state = HYP_LINK_FAILED;
    hyp_queue_sweep(&bus->queue, hyp_entry_is_any, NULL, miss, bus);
    hyp_wire_changed(wire);
}

/* --- turns --- */

void hyp_bus_stop_waiting(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    if (!bus->waiting) {
        return;
    }
    struct hyp_bus *before = NULL;
    for (struct hyp_bus *at = collector->connect_first; at != bus; at = at->next_waiting) {
        before = at;
    }
    *(before == NULL ? &collector->connect_first : &before->next_waiting) = bus->next_waiting;
    if (collector->connect_last == bus) {
        collector->connect_last = before;
    }
    bus->waiting = false;
    bus->next_waiting = NULL;
}

void hyp_bus_leave_connecting(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    if (!bus->connecting) {
        return;
    }
    bus->connecting = false;
    collector->connecting--;
    /* One that has nothing to ask any more, or fails at once, passes its turn on. */
    while (collector->connect_first != NULL && collector->connecting < HYP_LIMIT_CONNECTING) {
        struct hyp_bus *next = collector->connect_first;
        hyp_bus_stop_waiting(next);
        hyp_bus_pump(next);
    }
}

static void wait_to_connect(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    if (bus->waiting) {
        return;
    }
    bus->waiting = true;
    bus->next_waiting = NULL;
    *(collector->connect_last == NULL ? &collector->connect_first
                                      : &collector->connect_last->next_waiting) = bus;
    collector->connect_last = bus;
}

/* --- up --- */

/* Devices whose turn came while the line was down are asked now. */
static void queue_missed(struct hyp_bus *bus)
{
    for (struct hyp_station *station = bus->stations; station != NULL;
         station = station->next_on_bus) {
        if (station->missed) {
            station->missed = false;
            hyp_station_due_now(bus->wire.collector, station);
        }
    }
}

static void on_opened(void *user)
{
    struct hyp_bus *bus = user;
    struct hyp_collector *collector = bus->wire.collector;
    hyp_timer_disarm(&collector->loop, &bus->timer);
    bus->up = true;
    bus->fresh = true;
    bus->not_before = (hyp_mono){0};
    hyp_wire_set_link_state(&bus->wire, HYP_LINK_CONNECTED);
    hyp_bus_protocol_opened(bus);
    queue_missed(bus);
    hyp_bus_leave_connecting(bus);
    hyp_bus_pump(bus);
}

static void on_received(void *user, const uint8_t *bytes, size_t len)
{
    struct hyp_bus *bus = user;
    bus->wire.bytes_in += len;
    if (bus->active == NULL) {
        return; /* nobody was asked */
    }
    hyp_bus_feed(bus, bytes, len);
    if (bus->active == NULL) {
        hyp_bus_pump(bus);
    }
}

/* --- down --- */

static void closed_while_asking(struct hyp_bus *bus, enum hyp_status status, const char *text)
{
    bool answered = bus->active->answered;
    bool cancelled = bus->active->cancelled;
    bool again = bus->active->again;
    struct hyp_entry *entry = hyp_bus_end_exchange(bus);
    if (cancelled || (entry->order != NULL && hyp_order_is_finished(entry->order))) {
        hyp_bus_failed(bus, entry, HYP_CANCELLED, "cancelled");
    } else if (again && answered) {
        hyp_queue_push(&bus->queue, entry, true); /* the device has been changed meanwhile */
        return;
    } else if (!answered && !bus->fresh && !entry->retried) {
        entry->retried = true; /* the connection had died while nobody used it */
        hyp_queue_push(&bus->queue, entry, true);
        return;
    } else if (!answered && bus->fresh) {
        hyp_queue_push(&bus->queue, entry, true);
        line_failed(bus, status, text); /* the entry shares the line's fate */
        return;
    } else {
        hyp_bus_device_failed(bus, entry, status, text);
    }
    free(entry);
}

static void on_closed(void *user, enum hyp_status status, const char *text)
{
    struct hyp_bus *bus = user;
    bus->link = NULL;
    bus->up = false;
    bus->wire.link_state = HYP_LINK_IDLE;
    hyp_timer_disarm(&bus->wire.collector->loop, &bus->timer);
    char what[HYP_ERROR_TEXT_MAX];
    text = hyp_wire_say_closed(&bus->wire, bus->connecting, text, what);
    if (bus->connecting) {
        line_failed(bus, status, text);
        hyp_bus_leave_connecting(bus);
    } else if (bus->active != NULL) {
        closed_while_asking(bus, status, text);
    }
    hyp_wire_changed(&bus->wire);
    hyp_bus_pump(bus);
}

static const struct hyp_link_events bus_events = {
    .opened = on_opened, .received = on_received, .closed = on_closed};

void hyp_bus_disconnect(struct hyp_bus *bus)
{
    if (bus->link != NULL) {
        hyp_link_close(bus->link);
        bus->link = NULL;
    }
    bus->up = false;
}

void hyp_bus_connect_timed_out(struct hyp_bus *bus)
{
    hyp_bus_disconnect(bus);
    on_closed(bus, HYP_TIMEOUT, "no answer within 10 s");
}

/* --- on the way up --- */

static enum hyp_status open_link(struct hyp_bus *bus, struct hyp_error *err)
{
    const struct hyp_wire_settings *settings = bus->wire.settings;
    struct hyp_loop *loop = &bus->wire.collector->loop;
    if (bus->wire.kind == HYP_LINE_MBUS_SERIAL || bus->wire.kind == HYP_LINE_MODBUS_SERIAL) {
        struct hyp_serial_settings serial = {.path = hyp_wire_text(settings, HYP_WIRE_PATH),
                                             .baud = settings->baud,
                                             .parity = settings->parity};
        return hyp_serial_open(loop, &serial, &bus_events, bus, &bus->link, err);
    }
    return hyp_tcp_connect(loop, hyp_wire_text(settings, HYP_WIRE_HOST), settings->port,
                           &bus_events, bus, &bus->link, err);
}

void hyp_bus_connect(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    if (collector->connecting >= HYP_LIMIT_CONNECTING) {
        wait_to_connect(bus);
        return;
    }
    struct hyp_error err = {0};
    hyp_comm_attempted(&bus->wire.comm, hyp_collector_utc(collector));
    enum hyp_status status = open_link(bus, &err);
    if (status != HYP_OK) {
        line_failed(bus, status, err.text);
        return;
    }
    bus->connecting = true;
    collector->connecting++;
    hyp_mono now = hyp_loop_now(&collector->loop);
    hyp_timer_arm(&collector->loop, &bus->timer, (hyp_mono){now.ms + CONNECT_TIMEOUT_MS});
    hyp_wire_set_link_state(&bus->wire, HYP_LINK_CONNECTING);
}
