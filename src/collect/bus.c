/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a bus, as states and what moves between them:
 *
 *     down --something to ask--> connecting --opened--> up --asked--> active --ended--> up
 *      ^                            |  failed             |  closed      |  closed
 *      +---- pause, growing --------+---------------------+--------------+
 *
 * pump() looks at the state and does the next step; every event ends with it. The connection is
 * in bus_link.c, the questions are in bus_exchange.c.
 */
#include "collect/bus.h"

#include "base/limits.h"
#include "collect/bus_parts.h"
#include "collect/collector.h"

#include <stddef.h>
#include <stdlib.h>

/* --- ends of entries --- */

void hyp_bus_progress(struct hyp_bus *bus, const struct hyp_entry *entry,
                      enum hyp_job_state state)
{
    if (entry->station != NULL) {
        entry->station->job_state = (uint8_t)state;
    }
    if (entry->order != NULL) {
        hyp_order_progress(&bus->wire.collector->orders, entry->order, state);
        if (entry->station != NULL) {
            hyp_station_changed(bus->wire.collector, entry->station);
        }
    }
}

void hyp_bus_failed(struct hyp_bus *bus, const struct hyp_entry *entry, enum hyp_status status,
                    const char *text)
{
    struct hyp_collector *collector = bus->wire.collector;
    struct hyp_station *station = entry->station;
    if (station != NULL) {
        station->job_state = HYP_JOB_ERROR;
        if (entry->order == NULL) {
            station->queued = false;
            hyp_station_reschedule(collector, station);
        }
        hyp_station_changed(collector, station);
    }
    if (entry->order != NULL) {
        hyp_order_item_ended(&collector->orders, entry->order, status, false, text);
    }
}

static void strike(struct hyp_station *station)
{
    station->strikes = (uint8_t)HYP_MIN(station->strikes + 1, 200);
}

void hyp_bus_device_failed(struct hyp_bus *bus, const struct hyp_entry *entry,
                           enum hyp_status status, const char *text)
{
    struct hyp_station *station = entry->station;
    if (station != NULL) {
        hyp_comm_failed(&station->comm, hyp_collector_utc(bus->wire.collector), status, text);
        strike(station);
    }
    if (status == HYP_TIMEOUT) {
        bus->silent = (uint8_t)HYP_MIN(bus->silent + 1, 200);
    }
    hyp_bus_failed(bus, entry, status, text);
}

bool hyp_entry_is_any(const struct hyp_entry *entry, const void *what)
{
    (void)entry;
    (void)what;
    return true;
}

static void on_timer(struct hyp_timer *timer)
{
    struct hyp_bus *bus = HYP_CONTAINER_OF(timer, struct hyp_bus, timer);
    if (bus->connecting) {
        hyp_bus_connect_timed_out(bus);
        return;
    }
    if (bus->active != NULL) {
        hyp_bus_tick(bus);
    }
    hyp_bus_pump(bus);
}

/* --- the next step --- */

static bool has_missed(const struct hyp_bus *bus)
{
    for (const struct hyp_station *station = bus->stations; station != NULL;
         station = station->next_on_bus) {
        if (station->missed) {
            return true;
        }
    }
    return false;
}

static void pump_down(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    if (bus->queue.count == 0 &&
        !(bus->wire.link_state == HYP_LINK_FAILED && has_missed(bus))) {
        return;
    }
    hyp_mono now = hyp_loop_now(&collector->loop);
    /* A person who waits cuts the pause after a failed connection short. */
    if (bus->wire.link_state == HYP_LINK_FAILED && now.ms < bus->not_before.ms &&
        !hyp_queue_is_urgent(&bus->queue)) {
        hyp_timer_arm(&collector->loop, &bus->timer, bus->not_before);
        return;
    }
    hyp_bus_connect(bus);
}

static void pump_up(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    while (bus->up && bus->active == NULL && bus->queue.count > 0) {
        hyp_mono now = hyp_loop_now(&collector->loop);
        if (now.ms < bus->not_before.ms) {
            hyp_timer_arm(&collector->loop, &bus->timer, bus->not_before);
            return;
        }
        hyp_bus_begin(bus, hyp_queue_pop(&bus->queue));
    }
    if (bus->up && bus->active == NULL && bus->queue.count == 0 &&
        bus->wire.settings->per_cycle) {
        hyp_bus_disconnect(bus);
        hyp_wire_set_link_state(&bus->wire, HYP_LINK_IDLE);
    }
}

void hyp_bus_pump(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    if (bus->active != NULL || bus->connecting || bus->waiting || collector->stopping ||
        !bus->wire.enabled || hyp_outbox_is_full(&collector->outbox)) {
        return;
    }
    if (bus->up) {
        pump_up(bus);
    } else {
        pump_down(bus);
    }
}

/* --- what others ask of a bus --- */

size_t hyp_bus_size(enum hyp_line_kind kind)
{
    bool mbus = kind == HYP_LINE_MBUS_TCP || kind == HYP_LINE_MBUS_SERIAL;
    return offsetof(struct hyp_bus, protocol) +
           (mbus ? sizeof(struct hyp_mbus_link) : sizeof(struct hyp_modbus_link));
}

enum hyp_status hyp_bus_init(struct hyp_bus *bus)
{
    struct hyp_wire *wire = &bus->wire;
    wire->link_state = wire->enabled ? HYP_LINK_IDLE : HYP_LINK_DISABLED;
    hyp_bus_protocol_init(bus);
    return hyp_timer_add(&wire->collector->loop, &bus->timer, on_timer);
}

static void give_cancelled(void *user, struct hyp_entry *entry)
{
    hyp_bus_failed(user, entry, HYP_CANCELLED, "cancelled");
    free(entry);
}

static void give_line_gone(void *user, struct hyp_entry *entry)
{
    hyp_bus_failed(user, entry, HYP_CANCELLED,
                   "the line was changed, removed or stopped before the answer: ask again");
    free(entry);
}

static void give_device_gone(void *user, struct hyp_entry *entry)
{
    hyp_bus_failed(user, entry, HYP_CANCELLED,
                   "the device was removed, switched off or given another line before its "
                   "answer: ask again");
    free(entry);
}

void hyp_bus_finish(struct hyp_bus *bus)
{
    struct hyp_loop *loop = &bus->wire.collector->loop;
    bus->wire.enabled = false;
    hyp_bus_stop_waiting(bus);
    if (bus->connecting) {
        hyp_bus_leave_connecting(bus);
    }
    if (bus->active != NULL) {
        give_line_gone(bus, hyp_bus_end_exchange(bus));
    }
    hyp_queue_sweep(&bus->queue, hyp_entry_is_any, NULL, give_line_gone, bus);
    hyp_bus_disconnect(bus);
    hyp_timer_remove(loop, &bus->timer);
    while (bus->stations != NULL) {
        hyp_bus_detach(bus, bus->stations);
    }
}

void hyp_bus_attach(struct hyp_bus *bus, struct hyp_station *station)
{
    station->bus = bus;
    station->next_on_bus = bus->stations;
    bus->stations = station;
}

static bool is_of_station(const struct hyp_entry *entry, const void *station)
{
    return entry->station == station;
}

void hyp_bus_detach(struct hyp_bus *bus, struct hyp_station *station)
{
    struct hyp_collector *collector = bus->wire.collector;
    if (bus->active != NULL && bus->active->entry->station == station) {
        /* A late answer must find nobody: on a connection of its own framing the protocol
           drops it, but the session ends here. */
        give_device_gone(bus, hyp_bus_end_exchange(bus));
        hyp_bus_pause_requests(bus);
    }
    hyp_queue_sweep(&bus->queue, is_of_station, station, give_device_gone, bus);
    for (struct hyp_station **at = &bus->stations; *at != NULL; at = &(*at)->next_on_bus) {
        if (*at == station) {
            *at = station->next_on_bus;
            break;
        }
    }
    hyp_station_unschedule(collector, station);
    station->bus = NULL;
    station->next_on_bus = NULL;
    station->missed = false;
    station->queued = false;
    hyp_bus_pump(bus); /* others may have waited for its answer */
}

void hyp_bus_renew(struct hyp_bus *bus, const struct hyp_station *station)
{
    /* A command is not given twice: the meter may have taken it. */
    if (bus->active != NULL && bus->active->entry->station == station &&
        !hyp_exchange_is_command(bus->active)) {
        bus->active->again = true;
    }
}

static enum hyp_status add_entry(struct hyp_bus *bus, struct hyp_station *station,
                                 struct hyp_order *order)
{
    if (bus->queue.count >= HYP_LIMIT_LINE_QUEUE) {
        return HYP_LIMIT;
    }
    struct hyp_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return HYP_NO_MEMORY;
    }
    entry->station = station;
    entry->order = order;
    entry->queued = hyp_collector_utc(bus->wire.collector);
    entry->priority =
        order == NULL ? (uint8_t)HYP_PRIORITY_SCHEDULED : (uint8_t)order->job.priority;
    hyp_queue_push(&bus->queue, entry, false);
    hyp_bus_progress(bus, entry, bus->up ? HYP_JOB_QUEUED : HYP_JOB_WAITING);
    return HYP_OK;
}

enum hyp_status hyp_bus_read(struct hyp_bus *bus, struct hyp_station *station,
                             struct hyp_order *order)
{
    if (order == NULL) {
        if (station->queued) {
            return HYP_OK;
        }
        hyp_station_unschedule(bus->wire.collector, station);
    }
    enum hyp_status status = add_entry(bus, station, order);
    if (status != HYP_OK) {
        return status;
    }
    station->queued = station->queued || order == NULL;
    hyp_bus_pump(bus);
    return HYP_OK;
}

enum hyp_status hyp_bus_scan(struct hyp_bus *bus, struct hyp_order *order)
{
    enum hyp_status status = add_entry(bus, NULL, order);
    if (status == HYP_OK) {
        hyp_bus_pump(bus);
    }
    return status;
}

static bool is_of_order(const struct hyp_entry *entry, const void *order)
{
    return entry->order == order;
}

void hyp_bus_cancel(struct hyp_bus *bus, struct hyp_order *order)
{
    hyp_queue_sweep(&bus->queue, is_of_order, order, give_cancelled, bus);
    if (bus->active != NULL && bus->active->entry->order == order) {
        bus->active->cancelled = true; /* half duplex: the answer has to be waited for */
    }
}

static struct hyp_queue_entry describe(const struct hyp_entry *entry, enum hyp_job_state state)
{
    return (struct hyp_queue_entry){
        .job = entry->order == NULL ? (hyp_job_id){0} : entry->order->job.id,
        .device = entry->station == NULL ? (hyp_device_id){0} : entry->station->id,
        .priority = (enum hyp_priority)entry->priority,
        .state = state,
        .queued = entry->queued,
    };
}

static enum hyp_job_state state_of_active(const struct hyp_entry *entry)
{
    if (entry->order != NULL) {
        return entry->order->job.state;
    }
    return entry->station == NULL ? HYP_JOB_SENT
                                  : (enum hyp_job_state)entry->station->job_state;
}

size_t hyp_bus_queue_list(const struct hyp_bus *bus, struct hyp_queue_entry *out,
                          size_t capacity)
{
    size_t count = 0;
    if (bus->active != NULL && capacity > 0) {
        out[count++] = describe(bus->active->entry, state_of_active(bus->active->entry));
    }
    const struct hyp_entry *entry = NULL;
    while (count < capacity && (entry = hyp_queue_next(&bus->queue, entry)) != NULL) {
        out[count++] = describe(entry, bus->up ? HYP_JOB_QUEUED : HYP_JOB_WAITING);
    }
    return count;
}
