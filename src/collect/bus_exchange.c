/* SPDX-License-Identifier: Apache-2.0 */
/* One question on a bus and what becomes of its answer. */
#include "collect/bus_parts.h"
#include "collect/collector.h"

#include <stdlib.h>

#define SILENT_DEVICES 3
#define MISSED_RETRY_STRIKES 2

struct hyp_entry *hyp_bus_end_exchange(struct hyp_bus *bus)
{
    struct hyp_exchange *exchange = bus->active;
    struct hyp_entry *entry = exchange->entry;
    bus->active = NULL;
    hyp_timer_disarm(&bus->wire.collector->loop, &bus->timer);
    hyp_exchange_give(&bus->wire.collector->exchanges, exchange);
    return entry;
}

void hyp_bus_pause_requests(struct hyp_bus *bus)
{
    hyp_mono now = hyp_loop_now(&bus->wire.collector->loop);
    bus->not_before.ms =
        now.ms + HYP_MAX(bus->wire.settings->delay_ms, (uint32_t)bus->silence_ms);
}

/* The line works; neighbours that were given up while it was silent get a new chance. */
static void line_answered(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    hyp_comm_succeeded(&bus->wire.comm, hyp_collector_utc(collector));
    bus->fresh = false;
    if (bus->silent >= SILENT_DEVICES) {
        for (struct hyp_station *station = bus->stations; station != NULL;
             station = station->next_on_bus) {
            if (station->strikes > MISSED_RETRY_STRIKES) {
                station->strikes = MISSED_RETRY_STRIKES;
                hyp_station_due_now(collector, station);
            }
        }
    }
    bus->silent = 0;
}

/* --- answers --- */

/* A scheduled read has its reading. */
static void scheduled_done(struct hyp_bus *bus, struct hyp_station *station,
                           const struct hyp_arrived *arrived)
{
    station->queued = false;
    station->job_state = arrived->partial ? HYP_JOB_DONE_WITH_ERRORS : HYP_JOB_DONE;
    hyp_station_reschedule(bus->wire.collector, station);
    hyp_station_changed(bus->wire.collector, station);
}

static void test_done(struct hyp_bus *bus, const struct hyp_entry *entry,
                      const struct hyp_arrived *arrived)
{
    struct hyp_collector *collector = bus->wire.collector;
    const struct hyp_profile *profile = entry->station->profile;
    if (profile == NULL && arrived->has_meter) {
        profile = hyp_library_match(collector->config.library, &arrived->meter);
    }
    hyp_order_tested(&collector->orders, entry->order, arrived, profile);
    hyp_order_item_ended(&collector->orders, entry->order, HYP_OK, arrived->partial,
                         arrived->text);
}

static struct hyp_arrival arrival_of(const struct hyp_bus *bus, const struct hyp_entry *entry,
                                     const struct hyp_exchange *exchange)
{
    struct hyp_order *order = entry->order;
    struct hyp_arrival arrival = {
        .tenant = bus->wire.tenant,
        .line = bus->wire.id,
        .protocol = exchange->protocol,
        .bytes = exchange->answer,
        .len = exchange->len,
        .received = hyp_collector_utc(bus->wire.collector),
        .source = order == NULL ? HYP_SOURCE_AUTOMATIC : HYP_SOURCE_ON_DEMAND,
        .expected = entry->station,
    };
    if (order != NULL && order->job.kind == HYP_JOB_TEST) {
        arrival.arena = &order->arena;
    } else if (order != NULL) {
        arrival.ticket = (struct hyp_ticket){
            .kind = HYP_TICKET_JOB, .id = order->job.id.id, .device = entry->station->id};
    }
    return arrival;
}

/* The answer is complete: to the intake with it, or into the hands of a test. */
static void take_answer(struct hyp_bus *bus, const struct hyp_entry *entry,
                        const struct hyp_exchange *exchange, struct hyp_session_io io)
{
    struct hyp_collector *collector = bus->wire.collector;
    struct hyp_station *station = entry->station;
    struct hyp_arrival arrival = arrival_of(bus, entry, exchange);
    struct hyp_arrived arrived;
    bus->wire.frames_in++;
    enum hyp_status status = hyp_intake_take(&collector->intake, &arrival, &arrived);
    if (status != HYP_OK) {
        bus->wire.frames_refused++;
        hyp_bus_device_failed(bus, entry, status, arrived.text);
        return;
    }
    if (io.state == HYP_SESSION_FAILED) {
        arrived.partial = true;
        hyp_text_copy(arrived.text, sizeof(arrived.text),
                      hyp_str_from(hyp_exchange_error_text(exchange)));
    }
    hyp_comm_succeeded(&station->comm, arrival.received);
    station->strikes = 0;
    if (entry->order == NULL) {
        scheduled_done(bus, station, &arrived);
    } else if (arrival.arena != NULL) {
        test_done(bus, entry, &arrived);
    } else {
        /* Ends with the commit. */
        hyp_order_note_partial(entry->order, arrived.partial, arrived.text);
        hyp_station_changed(collector, station);
    }
}

/*
 * The session has ended. One that broke off after some telegrams or registers has still read
 * those: they are taken, and what is missing is said.
 */
static void read_ended(struct hyp_bus *bus, struct hyp_session_io io)
{
    struct hyp_exchange *exchange = bus->active;
    const struct hyp_entry *entry = exchange->entry;
    hyp_exchange_collect(exchange, bus);
    if (io.state == HYP_SESSION_FAILED && exchange->len == 0) {
        hyp_bus_device_failed(bus, entry, io.status, hyp_exchange_error_text(exchange));
        return;
    }
    hyp_bus_progress(bus, entry, HYP_JOB_PROCESSING);
    take_answer(bus, entry, exchange, io);
}

/* --- the course of an exchange --- */

static void command_ended(struct hyp_bus *bus, struct hyp_session_io io)
{
    const struct hyp_exchange *exchange = bus->active;
    const struct hyp_session *session = &exchange->session;
    if (io.state == HYP_SESSION_FAILED) {
        hyp_bus_device_failed(bus, exchange->entry, io.status,
                              session->ops->error_text(session->state));
    } else {
        hyp_meter_command_done(exchange, bus);
    }
}

static void complete(struct hyp_bus *bus, struct hyp_session_io io)
{
    struct hyp_exchange *exchange = bus->active;
    bool goes_on = false;
    bool once_more = false;
    hyp_bus_pause_requests(bus);
    if (exchange->answered) {
        line_answered(bus);
    }
    if (hyp_exchange_is_command(exchange)) {
        command_ended(bus, io); /* what the meter has taken cannot be cancelled any more */
    } else if (exchange->cancelled) {
        hyp_bus_failed(bus, exchange->entry, HYP_CANCELLED, "cancelled");
    } else if (exchange->again) {
        once_more = true;
    } else if (hyp_exchange_is_scan(exchange)) {
        goes_on = hyp_scan_step_done(exchange, bus, io);
    } else {
        read_ended(bus, io);
    }
    struct hyp_entry *entry = hyp_bus_end_exchange(bus);
    if (goes_on || once_more) {
        /* Others have their turn between the steps of a scan. */
        hyp_queue_push(&bus->queue, entry, once_more);
    } else {
        free(entry);
    }
}

static void drive(struct hyp_bus *bus, struct hyp_session_io io)
{
    struct hyp_loop *loop = &bus->wire.collector->loop;
    if (io.send_len > 0) {
        bus->wire.bytes_out += io.send_len;
        hyp_link_send(bus->link, io.send, io.send_len);
        hyp_bus_progress(bus, bus->active->entry, HYP_JOB_SENT);
    }
    if (io.baud != 0) {
        hyp_link_set_baud(bus->link, io.baud);
    }
    if (hyp_exchange_is_scan(bus->active)) {
        hyp_scan_progress(bus->active, bus);
        if (bus->active->cancelled) {
            io.state = HYP_SESSION_FAILED; /* a search takes minutes: it ends here */
        }
    }
    if (io.state != HYP_SESSION_RUNNING) {
        complete(bus, io);
        return;
    }
    if (io.deadline.ms == INT64_MAX) {
        hyp_timer_disarm(loop, &bus->timer);
    } else {
        hyp_timer_arm(loop, &bus->timer, io.deadline);
    }
}

static enum hyp_exchange_room room_for(const struct hyp_bus *bus, const struct hyp_entry *entry)
{
    bool command = entry->order != NULL && entry->order->job.kind == HYP_JOB_COMMAND;
    if (entry->station == NULL || command) {
        return HYP_EXCHANGE_ANY;
    }
    return hyp_bus_is_mbus(bus) ? HYP_EXCHANGE_MBUS_READ : HYP_EXCHANGE_MODBUS_READ;
}

void hyp_bus_begin(struct hyp_bus *bus, struct hyp_entry *entry)
{
    struct hyp_collector *collector = bus->wire.collector;
    struct hyp_exchange *exchange =
        hyp_exchange_take(&collector->exchanges, room_for(bus, entry));
    if (exchange == NULL) {
        hyp_bus_failed(bus, entry, HYP_NO_MEMORY, "out of memory for a session");
        free(entry);
        return;
    }
    struct hyp_error err = {0};
    if (entry->station != NULL) {
        hyp_comm_attempted(&entry->station->comm, hyp_collector_utc(collector));
    }
    hyp_comm_attempted(&bus->wire.comm, hyp_collector_utc(collector));
    enum hyp_status status = hyp_exchange_prepare(exchange, bus, entry, &err);
    if (status != HYP_OK) {
        hyp_exchange_give(&collector->exchanges, exchange);
        hyp_bus_device_failed(bus, entry, status, err.text);
        free(entry);
        return;
    }
    bus->active = exchange;
    drive(bus, hyp_exchange_start(exchange, bus));
}

void hyp_bus_feed(struct hyp_bus *bus, const uint8_t *bytes, size_t len)
{
    struct hyp_exchange *exchange = bus->active;
    exchange->answered = true;
    hyp_bus_progress(bus, exchange->entry, HYP_JOB_LOADING);
    drive(bus, hyp_exchange_feed(exchange, bus, bytes, len));
}

void hyp_bus_tick(struct hyp_bus *bus)
{
    drive(bus, hyp_exchange_tick(bus->active, bus));
}
