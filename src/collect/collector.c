/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of the collector, and its register of lines and devices. Calls of other threads become
 * calls on the loop thread (hyp_loop_call); commands are in command.c, questions in query.c.
 */
#include "collect/collector.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

/* How often the wall clock is compared with the clock that never jumps. */
#define CLOCK_WATCH_MS 30000
#define CLOCK_JUMP_MS 2000
/* What the sink has not taken this long after the stop stays with the sender. */
#define STOP_LIMIT_MS 10000

/* --- lines and names --- */

static uint64_t name_hash(hyp_tenant_id tenant, struct hyp_str name)
{
    return hyp_hash_bytes(name.ptr, name.len) ^ (uint64_t)tenant.id * 0x9E3779B97F4A7C15u;
}

struct hyp_wire *hyp_collector_wire(const struct hyp_collector *collector, hyp_line_id id)
{
    uint64_t value = 0;
    return hyp_map_get(&collector->lines, (uint64_t)id.id, &value)
               ? (struct hyp_wire *)(uintptr_t)value
               : NULL;
}

struct hyp_wire *hyp_collector_wire_by_name(const struct hyp_collector *collector,
                                            hyp_tenant_id tenant, struct hyp_str name)
{
    uint64_t value = 0;
    if (!hyp_map_get(&collector->line_names, name_hash(tenant, name), &value)) {
        return NULL;
    }
    struct hyp_wire *wire = (struct hyp_wire *)(uintptr_t)value;
    bool same =
        wire->tenant.id == tenant.id && hyp_str_equal(hyp_str_from(wire->settings->name), name);
    return same ? wire : NULL;
}

static struct hyp_bus *as_bus(struct hyp_wire *wire)
{
    bool polled = wire != NULL && hyp_line_kind_is_polled((enum hyp_line_kind)wire->kind);
    return polled ? HYP_CONTAINER_OF(wire, struct hyp_bus, wire) : NULL;
}

static struct hyp_ear *as_ear(struct hyp_wire *wire)
{
    return wire == NULL || as_bus(wire) != NULL ? NULL
                                                : HYP_CONTAINER_OF(wire, struct hyp_ear, wire);
}

static struct hyp_wire *next_wire(const struct hyp_collector *collector, size_t *cursor)
{
    uint64_t key;
    uint64_t value;
    return hyp_map_next(&collector->lines, cursor, &key, &value)
               ? (struct hyp_wire *)(uintptr_t)value
               : NULL;
}

/* --- stations and their lines --- */

static void detach(struct hyp_collector *collector, struct hyp_station *station)
{
    if (station->bus != NULL) {
        hyp_bus_detach(station->bus, station);
    }
    hyp_station_unschedule(collector, station);
}

static void attach(struct hyp_collector *collector, struct hyp_station *station)
{
    struct hyp_bus *bus = as_bus(hyp_collector_wire(collector, station->line));
    if (bus != NULL && bus->wire.tenant.id == station->tenant.id) {
        hyp_bus_attach(bus, station);
        hyp_station_schedule(collector, station);
    }
}

static void attach_all(struct hyp_collector *collector, hyp_line_id line)
{
    size_t cursor = 0;
    struct hyp_station *station;
    while ((station = hyp_stations_next(&collector->stations, &cursor)) != NULL) {
        if (station->line.id == line.id && station->bus == NULL) {
            attach(collector, station);
        }
    }
}

void hyp_station_export(const struct hyp_station *station, struct hyp_device_state *ret_state)
{
    *ret_state = (struct hyp_device_state){
        .device = station->id,
        .job = (enum hyp_job_state)station->job_state,
        .next_due = station->due,
        .backing_off = hyp_station_is_backing_off(station),
    };
    hyp_comm_export(&station->comm, &ret_state->comm);
}

void hyp_station_changed(struct hyp_collector *collector, struct hyp_station *station)
{
    const struct hyp_collect_observer *observer = &collector->config.observer;
    if (observer->device_state != NULL &&
        hyp_stations_find(&collector->stations, station->id) == station) {
        struct hyp_device_state state;
        hyp_station_export(station, &state);
        observer->device_state(observer->user, &state);
    }
}

/* --- lines come and go --- */

static void close_wire(struct hyp_collector *collector, struct hyp_wire *wire)
{
    uint64_t hash = name_hash(wire->tenant, hyp_str_from(wire->settings->name));
    uint64_t value = 0;
    if (hyp_map_get(&collector->line_names, hash, &value) &&
        value == (uint64_t)(uintptr_t)wire) {
        hyp_map_remove(&collector->line_names, hash);
    }
    hyp_map_remove(&collector->lines, (uint64_t)wire->id.id);
    if (as_bus(wire) != NULL) {
        hyp_bus_finish(as_bus(wire));
    } else {
        hyp_ear_finish(as_ear(wire));
    }
    hyp_comm_finish(&wire->comm);
    hyp_wire_settings_destroy(wire->settings);
    free(wire);
}

static enum hyp_status open_wire(struct hyp_collector *collector, const struct hyp_line *line,
                                 struct hyp_wire **ret_wire)
{
    bool polled = hyp_line_kind_is_polled(line->kind);
    struct hyp_wire *wire = calloc(1, polled ? sizeof(struct hyp_bus) : sizeof(struct hyp_ear));
    struct hyp_wire_settings *settings = hyp_wire_settings_create(line);
    if (wire == NULL || settings == NULL) {
        free(wire);
        hyp_wire_settings_destroy(settings);
        return HYP_NO_MEMORY;
    }
    wire->collector = collector;
    wire->settings = settings;
    wire->id = line->id;
    wire->tenant = line->tenant;
    wire->kind = (uint8_t)line->kind;
    wire->enabled = line->enabled;
    wire->revision = line->revision;
    enum hyp_status status = polled
                                 ? hyp_bus_init(HYP_CONTAINER_OF(wire, struct hyp_bus, wire))
                                 : hyp_ear_init(HYP_CONTAINER_OF(wire, struct hyp_ear, wire));
    if (status != HYP_OK) {
        free(wire);
        hyp_wire_settings_destroy(settings);
        return status;
    }
    uint64_t hash = name_hash(line->tenant, hyp_str_from(line->name));
    if (hyp_map_set(&collector->lines, (uint64_t)line->id.id, (uint64_t)(uintptr_t)wire) !=
            HYP_OK ||
        hyp_map_set(&collector->line_names, hash, (uint64_t)(uintptr_t)wire) != HYP_OK) {
        close_wire(collector, wire);
        return HYP_NO_MEMORY;
    }
    *ret_wire = wire;
    return HYP_OK;
}

struct line_call {
    struct hyp_collector *collector;
    const struct hyp_line *line;
    hyp_line_id id;
    enum hyp_status status;
};

static bool is_same_subscription(const struct hyp_wire *wire, const struct hyp_line *line)
{
    const struct hyp_wire_settings *old = wire->settings;
    return line->enabled && wire->kind == (uint8_t)line->kind && old->port == line->port &&
           strcmp(old->host, line->host) == 0 && strcmp(old->topic, line->topic) == 0 &&
           strcmp(old->client_id, line->client_id) == 0;
}

static struct hyp_recent *take_recent(struct hyp_wire *wire)
{
    struct hyp_ear *ear = as_ear(wire);
    struct hyp_recent *recent = ear == NULL ? NULL : ear->recent;
    if (ear != NULL) {
        ear->recent = NULL;
    }
    return recent;
}

/* The new line inherits what is known of the old one's communication. */
static void do_set_line(void *argument)
{
    struct line_call *call = argument;
    struct hyp_collector *collector = call->collector;
    if (collector->stopping) {
        call->status = HYP_CANCELLED;
        return;
    }
    struct hyp_comm_state before = {0};
    struct hyp_recent *recent = NULL;
    struct hyp_wire *old = hyp_collector_wire(collector, call->line->id);
    if (old == NULL && collector->lines.count >= HYP_LIMIT_LINES) {
        call->status = HYP_LIMIT;
        return;
    }
    if (old != NULL) {
        hyp_comm_export(&old->comm, &before);
        old->leaving = !is_same_subscription(old, call->line);
        recent = take_recent(old);
        close_wire(collector, old);
    }
    struct hyp_wire *wire = NULL;
    call->status = open_wire(collector, call->line, &wire);
    if (call->status == HYP_OK && as_ear(wire) != NULL) {
        hyp_ear_inherit(as_ear(wire), recent);
    }
    free(recent);
    if (call->status != HYP_OK) {
        return;
    }
    before.failures_in_row = 0;
    hyp_comm_import(&wire->comm, &before);
    if (as_bus(wire) != NULL) {
        attach_all(collector, wire->id);
    } else {
        hyp_ear_start(as_ear(wire));
    }
    hyp_wire_changed(wire);
}

enum hyp_status hyp_collector_set_line(struct hyp_collector *collector,
                                       const struct hyp_line *line)
{
    if (line->id.id == 0 || line->kind <= HYP_LINE_UNSET || line->kind >= HYP_LINE_KIND_COUNT) {
        return HYP_INVALID;
    }
    struct line_call call = {.collector = collector, .line = line};
    hyp_loop_call(&collector->loop, do_set_line, &call);
    return call.status;
}

static void do_remove_line(void *argument)
{
    struct line_call *call = argument;
    struct hyp_wire *wire = hyp_collector_wire(call->collector, call->id);
    if (wire != NULL) {
        wire->leaving = true;
        close_wire(call->collector, wire);
    }
}

struct telegram_call {
    struct hyp_collector *collector;
    hyp_line_id line;
    const uint8_t *bytes;
    size_t len;
};

static void do_restore_telegram(void *argument)
{
    const struct telegram_call *call = argument;
    struct hyp_wire *wire = hyp_collector_wire(call->collector, call->line);
    if (wire != NULL && as_bus(wire) == NULL) {
        hyp_ear_remember(as_ear(wire), call->bytes, call->len);
    }
}

void hyp_collector_restore_telegram(struct hyp_collector *collector, hyp_line_id line,
                                    const uint8_t *bytes, size_t len)
{
    struct telegram_call call = {
        .collector = collector, .line = line, .bytes = bytes, .len = len};
    hyp_loop_call(&collector->loop, do_restore_telegram, &call);
}

void hyp_collector_remove_line(struct hyp_collector *collector, hyp_line_id line)
{
    struct line_call call = {.collector = collector, .id = line};
    hyp_loop_call(&collector->loop, do_remove_line, &call);
}

/* --- devices come and go --- */

struct device_call {
    struct hyp_collector *collector;
    const struct hyp_device *device;
    hyp_device_id id;
    enum hyp_status status;
};

static struct hyp_station *new_station(struct hyp_collector *collector)
{
    struct hyp_station *station = calloc(1, sizeof(*station));
    if (station != NULL && hyp_station_add_timer(collector, station) != HYP_OK) {
        free(station);
        station = NULL;
    }
    if (station != NULL) {
        station->daily_done = INT32_MIN;
    }
    return station;
}

static void drop_station(struct hyp_collector *collector, struct hyp_station *station)
{
    hyp_timer_remove(&collector->loop, &station->timer);
    hyp_station_finish(station);
    free(station);
}

static void forget_heard(struct hyp_collector *collector, const struct hyp_station *station)
{
    if (!station->has_identity || station->version < 0 || station->medium < 0) {
        return; /* it leaves the list when it is heard next and known */
    }
    struct hyp_meter_identity meter = {.manufacturer_code = station->manufacturer,
                                       .id_raw = station->id_raw,
                                       .version = (uint8_t)station->version,
                                       .medium = (uint8_t)station->medium};
    hyp_heard_forget(&collector->intake.heard, station->tenant, &meter);
}

static void do_set_device(void *argument)
{
    struct device_call *call = argument;
    struct hyp_collector *collector = call->collector;
    struct hyp_station *station = hyp_stations_find(&collector->stations, call->device->id);
    bool known = station != NULL;
    if (known) {
        detach(collector, station);
        hyp_stations_remove(&collector->stations, station);
    } else {
        station = new_station(collector);
    }
    if (station == NULL) {
        call->status = HYP_NO_MEMORY;
        return;
    }
    call->status = hyp_station_set(station, call->device, collector->config.library);
    if (call->status == HYP_OK) {
        call->status = hyp_stations_insert(&collector->stations, station);
    }
    if (call->status != HYP_OK) {
        drop_station(collector, station);
        return;
    }
    station->strikes = 0; /* somebody has changed it: a new chance */
    forget_heard(collector, station);
    attach(collector, station);
}

enum hyp_status hyp_collector_set_device(struct hyp_collector *collector,
                                         const struct hyp_device *device)
{
    if (device->id.id == 0) {
        return HYP_INVALID;
    }
    struct device_call call = {.collector = collector, .device = device};
    hyp_loop_call(&collector->loop, do_set_device, &call);
    return call.status;
}

static void do_remove_device(void *argument)
{
    struct device_call *call = argument;
    struct hyp_collector *collector = call->collector;
    struct hyp_station *station = hyp_stations_find(&collector->stations, call->id);
    if (station != NULL) {
        detach(collector, station);
        hyp_stations_remove(&collector->stations, station);
        drop_station(collector, station);
    }
}

void hyp_collector_remove_device(struct hyp_collector *collector, hyp_device_id device)
{
    struct device_call call = {.collector = collector, .id = device};
    hyp_loop_call(&collector->loop, do_remove_device, &call);
}

/* The loop may end when nothing is on its way any more. */
static void check_stopped(struct hyp_collector *collector)
{
    if (!collector->stopping || collector->stopped ||
        !hyp_outbox_is_empty(&collector->outbox)) {
        return;
    }
    collector->stopped = true;
    hyp_timer_disarm(&collector->loop, &collector->stop_limit);
    hyp_loop_end(&collector->loop);
}

/* --- commits --- */

static void job_committed(struct hyp_collector *collector, const struct hyp_ticket *ticket,
                          enum hyp_status status)
{
    struct hyp_order *order = hyp_orders_find(&collector->orders, (hyp_job_id){ticket->id});
    struct hyp_station *station = hyp_stations_find(&collector->stations, ticket->device);
    if (station != NULL) {
        station->job_state = status == HYP_OK ? HYP_JOB_DONE : HYP_JOB_ERROR;
        hyp_station_changed(collector, station);
    }
    if (order != NULL) {
        hyp_order_item_ended(&collector->orders, order, status, false,
                             status == HYP_OK ? NULL : "the reading could not be stored");
    }
}

static void on_committed(void *user, const struct hyp_ticket *ticket, enum hyp_status status)
{
    struct hyp_collector *collector = user;
    switch (ticket->kind) {
    case HYP_TICKET_NONE: break;
    case HYP_TICKET_JOB: job_committed(collector, ticket, status); break;
    case HYP_TICKET_FEED: hyp_feeds_committed(&collector->feeds, ticket, status); break;
    }
}

static void on_emptied(void *user)
{
    check_stopped(user);
}

static void on_room(void *user)
{
    struct hyp_collector *collector = user;
    hyp_feeds_continue(&collector->feeds);
    size_t cursor = 0;
    struct hyp_wire *wire;
    while ((wire = next_wire(collector, &cursor)) != NULL) {
        struct hyp_bus *bus = as_bus(wire);
        if (bus != NULL) {
            hyp_bus_pump(bus);
        } else {
            hyp_ear_pause(as_ear(wire), false);
        }
    }
}

/* --- life --- */

static void on_clock_watch(struct hyp_timer *timer)
{
    struct hyp_collector *collector =
        HYP_CONTAINER_OF(timer, struct hyp_collector, clock_watch);
    int64_t now = hyp_loop_now(&collector->loop).ms;
    int64_t offset = hyp_collector_utc(collector).ms - now;
    int64_t jump = offset - collector->clock_offset;
    collector->clock_offset = offset;
    if (jump > CLOCK_JUMP_MS || jump < -CLOCK_JUMP_MS) {
        hyp_schedule_all(collector);
    }
    hyp_timer_arm(&collector->loop, timer, (hyp_mono){now + CLOCK_WATCH_MS});
}

static void on_stop_limit(struct hyp_timer *timer)
{
    struct hyp_collector *collector = HYP_CONTAINER_OF(timer, struct hyp_collector, stop_limit);
    hyp_outbox_abandon(&collector->outbox);
    check_stopped(collector);
}

static enum hyp_status add_timers(struct hyp_collector *collector)
{
    struct hyp_loop *loop = &collector->loop;
    enum hyp_status status = hyp_timer_add(loop, &collector->clock_watch, on_clock_watch);
    if (status == HYP_OK) {
        status = hyp_timer_add(loop, &collector->stop_limit, on_stop_limit);
    }
    if (status == HYP_OK) {
        status = hyp_feeds_init(&collector->feeds, collector);
    }
    return status;
}

enum hyp_status hyp_collector_create(const struct hyp_collect_config *config,
                                     struct hyp_collector **ret_collector,
                                     struct hyp_error *err)
{
    struct hyp_collector *collector = calloc(1, sizeof(*collector));
    if (collector == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for the collector");
    }
    collector->config = *config;
    hyp_zone_fixed_init(&collector->utc, 0);
    if (config->zone == NULL) {
        collector->config.zone = &collector->utc.zone;
    }
    enum hyp_status status = hyp_loop_init(&collector->loop, config->clock, err);
    if (status != HYP_OK) {
        free(collector);
        return status;
    }
    hyp_stations_init(&collector->stations);
    hyp_map_init(&collector->lines);
    hyp_map_init(&collector->line_names);
    hyp_orders_init(&collector->orders, config->clock, &collector->config.observer);
    hyp_intake_init(&collector->intake, &collector->config, &collector->stations,
                    &collector->outbox);
    status = hyp_outbox_init(&collector->outbox, &collector->loop, config->sink, config->log);
    if (status == HYP_OK) {
        status = add_timers(collector);
    }
    if (status != HYP_OK) {
        hyp_collector_destroy(collector);
        return hyp_error_set(err, status, -1, "out of memory for the collector");
    }
    collector->outbox.user = collector;
    collector->outbox.committed = on_committed;
    collector->outbox.room = on_room;
    collector->outbox.emptied = on_emptied;
    hyp_mono now = hyp_loop_now(&collector->loop);
    collector->clock_offset = hyp_collector_utc(collector).ms - now.ms;
    hyp_timer_arm(&collector->loop, &collector->clock_watch,
                  (hyp_mono){now.ms + CLOCK_WATCH_MS});
    *ret_collector = collector;
    return HYP_OK;
}

enum hyp_status hyp_collector_start(struct hyp_collector *collector, struct hyp_error *err)
{
    return hyp_loop_start(&collector->loop, err);
}

static void close_all_wires(struct hyp_collector *collector)
{
    size_t cursor = 0;
    struct hyp_wire *wire;
    while ((wire = next_wire(collector, &cursor)) != NULL) {
        close_wire(collector, wire);
        cursor = 0;
    }
}

static void do_stop(void *argument)
{
    struct hyp_collector *collector = argument;
    if (collector->stopping) {
        return;
    }
    collector->stopping = true;
    hyp_timer_disarm(&collector->loop, &collector->clock_watch);
    hyp_feeds_stop(&collector->feeds);
    close_all_wires(collector);
    hyp_outbox_flush(&collector->outbox);
    hyp_mono now = hyp_loop_now(&collector->loop);
    hyp_timer_arm(&collector->loop, &collector->stop_limit, (hyp_mono){now.ms + STOP_LIMIT_MS});
    check_stopped(collector);
}

void hyp_collector_stop(struct hyp_collector *collector)
{
    hyp_loop_call(&collector->loop, do_stop, collector);
    hyp_loop_join(&collector->loop);
}

void *hyp_collector_destroy(struct hyp_collector *collector)
{
    if (collector == NULL) {
        return NULL;
    }
    hyp_collector_stop(collector);
    size_t cursor = 0;
    struct hyp_station *station;
    while ((station = hyp_stations_next(&collector->stations, &cursor)) != NULL) {
        hyp_timer_remove(&collector->loop, &station->timer);
    }
    hyp_stations_finish(&collector->stations);
    hyp_orders_finish(&collector->orders);
    hyp_intake_finish(&collector->intake);
    hyp_exchange_pool_finish(&collector->exchanges);
    hyp_outbox_finish(&collector->outbox);
    hyp_feeds_finish(&collector->feeds);
    hyp_map_finish(&collector->lines);
    hyp_map_finish(&collector->line_names);
    hyp_loop_finish(&collector->loop);
    free(collector);
    return NULL;
}
