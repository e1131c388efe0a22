/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a bus, as states and what moves between them:
 *
 *     down --something to ask--> connecting --opened--> up --asked--> active --ended--> up
 *      ^                            |  failed             |  closed      |  closed
 *      +---- pause, growing --------+---------------------+--------------+
 *
 * pump() looks at the state and does the next step; every event ends with it.
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
#include "collect/bus.h"

#include "base/limits.h"
#include "collect/collector.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 10000
#define SILENT_DEVICES 3
#define MISSED_RETRY_STRIKES 2

/* --- queues --- */

static enum hyp_bus_queue queue_of(const struct hyp_entry *entry)
{
    if (entry->order != NULL) {
        return entry->priority == HYP_PRIORITY_LIVE ? HYP_BUS_LIVE : HYP_BUS_MANUAL;
    }
    return entry->station->strikes > 0 ? HYP_BUS_DOUBTFUL : HYP_BUS_SCHEDULED;
}

static void push(struct hyp_bus *bus, struct hyp_entry *entry, bool front)
{
    enum hyp_bus_queue queue = queue_of(entry);
    entry->next = front ? bus->queues[queue].first : NULL;
    if (bus->queues[queue].first == NULL) {
        bus->queues[queue].first = entry;
        bus->queues[queue].last = entry;
    } else if (front) {
        bus->queues[queue].first = entry;
    } else {
        bus->queues[queue].last->next = entry;
        bus->queues[queue].last = entry;
    }
    bus->queued++;
}

static struct hyp_entry *pop(struct hyp_bus *bus)
{
    for (size_t queue = 0; queue < HYP_BUS_QUEUES; queue++) {
        struct hyp_entry *entry = bus->queues[queue].first;
        if (entry != NULL) {
            bus->queues[queue].first = entry->next;
            entry->next = NULL;
            bus->queued--;
            return entry;
        }
    }
    return NULL;
}

/* Takes all entries out that `matches` says, and hands them to `give`. */
static void sweep(struct hyp_bus *bus, bool (*matches)(const struct hyp_entry *, const void *),
                  const void *what, void (*give)(struct hyp_bus *, struct hyp_entry *))
{
    for (size_t queue = 0; queue < HYP_BUS_QUEUES; queue++) {
        struct hyp_entry *list = bus->queues[queue].first;
        bus->queues[queue].first = NULL;
        bus->queues[queue].last = NULL;
        while (list != NULL) {
            struct hyp_entry *entry = list;
            list = list->next;
            bus->queued--;
            if (matches(entry, what)) {
                entry->next = NULL;
                give(bus, entry);
            } else {
                push(bus, entry, false);
            }
        }
    }
}

/* --- ends of entries --- */

static void set_job_state(struct hyp_bus *bus, struct hyp_entry *entry,
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

/* The entry has ended without a reading. */
static void end_failed(struct hyp_bus *bus, struct hyp_entry *entry, enum hyp_status status,
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
    free(entry);
}

static void strike(struct hyp_station *station)
{
    station->strikes = (uint8_t)HYP_MIN(station->strikes + 1, 200);
}

/* The device was asked and it was its fault. */
static void device_failed(struct hyp_bus *bus, struct hyp_entry *entry, enum hyp_status status,
                          const char *text)
{
    struct hyp_station *station = entry->station;
    if (station != NULL) {
        hyp_comm_failed(&station->comm, hyp_collector_utc(bus->wire.collector), status, text);
        strike(station);
    }
    if (status == HYP_TIMEOUT) {
        bus->silent = (uint8_t)HYP_MIN(bus->silent + 1, 200);
    }
    end_failed(bus, entry, status, text);
}

static bool is_any(const struct hyp_entry *entry, const void *what)
{
    (void)entry;
    (void)what;
    return true;
}

static void miss(struct hyp_bus *bus, struct hyp_entry *entry)
{
    struct hyp_collector *collector = bus->wire.collector;
    const char *text = bus->wire.comm.error == NULL ? "the line is down" : bus->wire.comm.error;
    enum hyp_status status = (enum hyp_status)bus->wire.comm.status;
    struct hyp_station *station = entry->station;
    if (station != NULL) {
        hyp_utc now = hyp_collector_utc(collector);
        hyp_comm_attempted(&station->comm, now);
        hyp_comm_missed(&station->comm, now, status, text);
        station->missed = station->missed || entry->order == NULL;
    }
    end_failed(bus, entry, status, text);
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
    sweep(bus, is_any, NULL, miss);
    hyp_wire_changed(wire);
}

/* --- connecting --- */

static void leave_connecting(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    if (!bus->connecting) {
        return;
    }
    bus->connecting = false;
    collector->connecting--;
    struct hyp_bus *next = collector->connect_first;
    if (next != NULL) {
        collector->connect_first = next->next_waiting;
        if (collector->connect_first == NULL) {
            collector->connect_last = NULL;
        }
        next->waiting = false;
        next->next_waiting = NULL;
        hyp_bus_pump(next);
    }
}

static void stop_waiting(struct hyp_bus *bus)
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

static const struct hyp_link_events bus_events;

static enum hyp_status open_link(struct hyp_bus *bus, struct hyp_error *err)
{
    const struct hyp_wire_settings *settings = bus->wire.settings;
    struct hyp_loop *loop = &bus->wire.collector->loop;
    if (bus->wire.kind == HYP_LINE_MBUS_SERIAL || bus->wire.kind == HYP_LINE_MODBUS_SERIAL) {
        struct hyp_serial_settings serial = {
            .path = settings->path, .baud = settings->baud, .parity = settings->parity};
        return hyp_serial_open(loop, &serial, &bus_events, bus, &bus->link, err);
    }
    return hyp_tcp_connect(loop, settings->host, settings->port, &bus_events, bus, &bus->link,
                           err);
}

static void drop_link(struct hyp_bus *bus)
{
    if (bus->link != NULL) {
        hyp_link_close(bus->link);
        bus->link = NULL;
    }
    bus->up = false;
}

static void start_connecting(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
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
    leave_connecting(bus);
    hyp_bus_pump(bus);
}

/* --- exchanges --- */

static void drive(struct hyp_bus *bus, struct hyp_session_io io);

/* Ends the exchange under way; its entry stays with the caller. */
static struct hyp_entry *end_exchange(struct hyp_bus *bus)
{
    struct hyp_exchange *exchange = bus->active;
    struct hyp_entry *entry = exchange->entry;
    bus->active = NULL;
    hyp_timer_disarm(&bus->wire.collector->loop, &bus->timer);
    hyp_exchange_give(&bus->wire.collector->exchanges, exchange);
    return entry;
}

static void pause_requests(struct hyp_bus *bus)
{
    hyp_mono now = hyp_loop_now(&bus->wire.collector->loop);
    bus->not_before.ms = now.ms + HYP_MAX(bus->wire.settings->delay_ms, bus->silence_ms);
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

/* The answer is complete: to the intake with it, or into the hands of a test. */
static void take_answer(struct hyp_bus *bus, struct hyp_entry *entry,
                        const struct hyp_exchange *exchange, struct hyp_session_io io)
{
    struct hyp_collector *collector = bus->wire.collector;
    struct hyp_station *station = entry->station;
    struct hyp_order *order = entry->order;
    bool test = order != NULL && order->job.kind == HYP_JOB_TEST;
    struct hyp_arrival arrival = {
        .tenant = bus->wire.tenant,
        .line = bus->wire.id,
        .protocol = exchange->protocol,
        .bytes = exchange->out,
        .len = exchange->len,
        .received = hyp_collector_utc(collector),
        .source = order == NULL ? HYP_SOURCE_AUTOMATIC : HYP_SOURCE_ON_DEMAND,
        .expected = station,
        .arena = test ? &order->arena : NULL,
    };
    if (order != NULL && !test) {
        arrival.ticket = (struct hyp_ticket){
            .kind = HYP_TICKET_JOB, .id = order->job.id.id, .device = station->id};
    }
    struct hyp_arrived arrived;
    bus->wire.frames_in++;
    enum hyp_status status = hyp_intake_take(&collector->intake, &arrival, &arrived);
    if (status != HYP_OK) {
        bus->wire.frames_refused++;
        device_failed(bus, entry, status, arrived.text);
        return;
    }
    if (io.state == HYP_SESSION_FAILED) {
        arrived.partial = true;
        hyp_text_copy(arrived.text, sizeof(arrived.text),
                      hyp_str_from(exchange->session.ops->error_text(exchange->session.state)));
    }
    hyp_comm_succeeded(&station->comm, arrival.received);
    station->strikes = 0;
    if (order == NULL) {
        station->queued = false;
        station->job_state = arrived.partial ? HYP_JOB_DONE_WITH_ERRORS : HYP_JOB_DONE;
        hyp_station_reschedule(collector, station);
        hyp_station_changed(collector, station);
    } else if (test) {
        const struct hyp_profile *profile = station->profile;
        if (profile == NULL && arrived.has_meter) {
            profile = hyp_library_match(collector->config.library, &arrived.meter);
        }
        hyp_order_tested(&collector->orders, order, &arrived, profile);
        hyp_order_item_ended(&collector->orders, order, HYP_OK, arrived.partial, arrived.text);
    } else {
        /* Ends with the commit. */
        hyp_order_note_partial(order, arrived.partial, arrived.text);
        hyp_station_changed(collector, station);
    }
    free(entry);
}

/*
 * The session has ended. One that broke off after some telegrams or registers has still read
 * those: they are taken, and what is missing is said.
 */
static void read_ended(struct hyp_bus *bus, struct hyp_session_io io)
{
    struct hyp_exchange *exchange = bus->active;
    struct hyp_entry *entry = exchange->entry;
    const struct hyp_session *session = &exchange->session;
    hyp_exchange_collect(exchange, bus);
    if (io.state == HYP_SESSION_FAILED && exchange->len == 0) {
        device_failed(bus, entry, io.status, session->ops->error_text(session->state));
        return;
    }
    set_job_state(bus, entry, HYP_JOB_PROCESSING);
    take_answer(bus, entry, exchange, io);
}

static void complete(struct hyp_bus *bus, struct hyp_session_io io)
{
    struct hyp_exchange *exchange = bus->active;
    struct hyp_entry *entry = exchange->entry;
    pause_requests(bus);
    if (exchange->answered) {
        line_answered(bus);
    }
    if (exchange->cancelled) {
        end_failed(bus, entry, HYP_CANCELLED, "cancelled");
    } else if (hyp_exchange_is_scan(exchange)) {
        if (hyp_scan_step_done(exchange, bus, io)) {
            push(bus, entry, false); /* others have their turn in between */
        } else {
            free(entry);
        }
    } else {
        read_ended(bus, io);
    }
    end_exchange(bus);
}

static void drive(struct hyp_bus *bus, struct hyp_session_io io)
{
    struct hyp_loop *loop = &bus->wire.collector->loop;
    if (io.send_len > 0) {
        bus->wire.bytes_out += io.send_len;
        hyp_link_send(bus->link, io.send, io.send_len);
        set_job_state(bus, bus->active->entry, HYP_JOB_SENT);
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

static void begin(struct hyp_bus *bus, struct hyp_entry *entry)
{
    struct hyp_collector *collector = bus->wire.collector;
    struct hyp_exchange *exchange = hyp_exchange_take(&collector->exchanges);
    if (exchange == NULL) {
        end_failed(bus, entry, HYP_NO_MEMORY, "out of memory for a session");
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
        device_failed(bus, entry, status, err.text);
        return;
    }
    bus->active = exchange;
    drive(bus, exchange->session.ops->start(exchange->session.state,
                                            hyp_loop_now(&collector->loop)));
}

static void on_received(void *user, const uint8_t *bytes, size_t len)
{
    struct hyp_bus *bus = user;
    bus->wire.bytes_in += len;
    struct hyp_exchange *exchange = bus->active;
    if (exchange == NULL) {
        return; /* nobody was asked */
    }
    exchange->answered = true;
    set_job_state(bus, exchange->entry, HYP_JOB_LOADING);
    hyp_mono now = hyp_loop_now(&bus->wire.collector->loop);
    drive(bus, exchange->session.ops->feed(exchange->session.state, bytes, len, now));
    if (bus->active == NULL) {
        hyp_bus_pump(bus);
    }
}

/* --- ends of connections --- */

static void closed_while_asking(struct hyp_bus *bus, enum hyp_status status, const char *text)
{
    bool answered = bus->active->answered;
    bool cancelled = bus->active->cancelled;
    struct hyp_entry *entry = end_exchange(bus);
    if (cancelled || (entry->order != NULL && hyp_order_is_finished(entry->order))) {
        end_failed(bus, entry, HYP_CANCELLED, "cancelled");
    } else if (!answered && !bus->fresh && !entry->retried) {
        entry->retried = true; /* the connection had died while nobody used it */
        push(bus, entry, true);
    } else if (!answered && bus->fresh) {
        push(bus, entry, true);
        line_failed(bus, status, text); /* the entry shares the line's fate */
    } else {
        device_failed(bus, entry, status, text);
    }
}

static void on_closed(void *user, enum hyp_status status, const char *text)
{
    struct hyp_bus *bus = user;
    bus->link = NULL;
    bus->up = false;
    bus->wire.link_state = HYP_LINK_IDLE;
    hyp_timer_disarm(&bus->wire.collector->loop, &bus->timer);
    if (bus->connecting) {
        char what[HYP_ERROR_TEXT_MAX];
        struct hyp_buf out;
        hyp_buf_init_fixed(&out, what, sizeof(what));
        hyp_buf_append_fmt(&out, "cannot connect to %s:%u: %s", bus->wire.settings->host,
                           bus->wire.settings->port, text);
        hyp_buf_terminate(&out);
        line_failed(bus, status, what);
        leave_connecting(bus);
    } else if (bus->active != NULL) {
        closed_while_asking(bus, status, text);
    }
    hyp_wire_changed(&bus->wire);
    hyp_bus_pump(bus);
}

static const struct hyp_link_events bus_events = {
    .opened = on_opened, .received = on_received, .closed = on_closed};

static void on_timer(struct hyp_timer *timer)
{
    struct hyp_bus *bus = HYP_CONTAINER_OF(timer, struct hyp_bus, timer);
    hyp_mono now = hyp_loop_now(&bus->wire.collector->loop);
    if (bus->connecting) {
        drop_link(bus);
        on_closed(bus, HYP_TIMEOUT, "no answer within 10 s");
        return;
    }
    if (bus->active != NULL) {
        struct hyp_session *session = &bus->active->session;
        drive(bus, session->ops->tick(session->state, now));
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

/* A person waits: the pause after a failed connection is cut short. */
static bool is_urgent(const struct hyp_bus *bus)
{
    return bus->queues[HYP_BUS_LIVE].first != NULL || bus->queues[HYP_BUS_MANUAL].first != NULL;
}

static void pump_down(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    if (bus->queued == 0 && !(bus->wire.link_state == HYP_LINK_FAILED && has_missed(bus))) {
        return;
    }
    hyp_mono now = hyp_loop_now(&collector->loop);
    if (bus->wire.link_state == HYP_LINK_FAILED && now.ms < bus->not_before.ms &&
        !is_urgent(bus)) {
        hyp_timer_arm(&collector->loop, &bus->timer, bus->not_before);
        return;
    }
    if (collector->connecting >= HYP_LIMIT_CONNECTING) {
        wait_to_connect(bus);
        return;
    }
    start_connecting(bus);
}

static void pump_up(struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    while (bus->up && bus->active == NULL && bus->queued > 0) {
        hyp_mono now = hyp_loop_now(&collector->loop);
        if (now.ms < bus->not_before.ms) {
            hyp_timer_arm(&collector->loop, &bus->timer, bus->not_before);
            return;
        }
        begin(bus, pop(bus));
    }
    if (bus->up && bus->active == NULL && bus->queued == 0 && bus->wire.settings->per_cycle) {
        drop_link(bus);
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

enum hyp_status hyp_bus_init(struct hyp_bus *bus)
{
    struct hyp_wire *wire = &bus->wire;
    wire->link_state = wire->enabled ? HYP_LINK_IDLE : HYP_LINK_DISABLED;
    hyp_bus_protocol_init(bus);
    return hyp_timer_add(&wire->collector->loop, &bus->timer, on_timer);
}

static void give_cancelled(struct hyp_bus *bus, struct hyp_entry *entry)
{
    end_failed(bus, entry, HYP_CANCELLED, "cancelled");
}

void hyp_bus_finish(struct hyp_bus *bus)
{
    struct hyp_loop *loop = &bus->wire.collector->loop;
    bus->wire.enabled = false;
    stop_waiting(bus);
    if (bus->connecting) {
        leave_connecting(bus);
    }
    if (bus->active != NULL) {
        end_failed(bus, end_exchange(bus), HYP_CANCELLED, "cancelled");
    }
    sweep(bus, is_any, NULL, give_cancelled);
    drop_link(bus);
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
        end_failed(bus, end_exchange(bus), HYP_CANCELLED, "cancelled");
        pause_requests(bus);
    }
    sweep(bus, is_of_station, station, give_cancelled);
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
}

static enum hyp_status add_entry(struct hyp_bus *bus, struct hyp_station *station,
                                 struct hyp_order *order)
{
    if (bus->queued >= HYP_LIMIT_LINE_QUEUE) {
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
    push(bus, entry, false);
    set_job_state(bus, entry, bus->up ? HYP_JOB_QUEUED : HYP_JOB_WAITING);
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
    sweep(bus, is_of_order, order, give_cancelled);
    if (bus->active != NULL && bus->active->entry->order == order) {
        bus->active->cancelled = true; /* half duplex: the answer has to be waited for */
    }
}

size_t hyp_bus_queue_list(const struct hyp_bus *bus, struct hyp_queue_entry *out,
                          size_t capacity)
{
    size_t count = 0;
    for (int queue = -1; queue < HYP_BUS_QUEUES; queue++) {
        const struct hyp_entry *entry = queue >= 0            ? bus->queues[queue].first
                                        : bus->active != NULL ? bus->active->entry
                                                              : NULL;
        for (; entry != NULL && count < capacity; entry = entry->next) {
            bool own_job = entry->order != NULL;
            out[count++] = (struct hyp_queue_entry){
                .job = own_job ? entry->order->job.id : (hyp_job_id){0},
                .device = entry->station == NULL ? (hyp_device_id){0} : entry->station->id,
                .priority = (enum hyp_priority)entry->priority,
                .state = queue < 0 ? (own_job ? entry->order->job.state
                                              : (enum hyp_job_state)entry->station->job_state)
                         : bus->up ? HYP_JOB_QUEUED
                                   : HYP_JOB_WAITING,
                .queued = entry->queued,
            };
        }
    }
    return count;
}
