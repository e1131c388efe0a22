/* SPDX-License-Identifier: Apache-2.0 */
/* What others want to know of the collector. Every answer is a copy made on the loop thread. */
#include "base/limits.h"
#include "collect/collector.h"
#include "collect/reception.h"

#include <stdlib.h>
#include <string.h>

struct query {
    struct hyp_collector *collector;
    hyp_job_id job;
    hyp_line_id line;
    hyp_device_id device;
    void *out;
    size_t capacity;
    size_t count;
    enum hyp_status status;
};

static const char *const link_state_texts[] = {
    [HYP_LINK_DISABLED] = "disabled",     [HYP_LINK_IDLE] = "idle",
    [HYP_LINK_CONNECTING] = "connecting", [HYP_LINK_CONNECTED] = "connected",
    [HYP_LINK_LISTENING] = "listening",   [HYP_LINK_FAILED] = "failed",
};

const char *hyp_link_state_text(enum hyp_link_state state)
{
    return link_state_texts[state];
}

/* --- jobs --- */

static void do_jobs(void *argument)
{
    struct query *query = argument;
    struct hyp_job *out = query->out;
    for (const struct hyp_order *order = query->collector->orders.newest;
         order != NULL && query->count < query->capacity; order = order->older) {
        out[query->count++] = order->job;
    }
}

size_t hyp_collector_jobs(struct hyp_collector *collector, struct hyp_job *out, size_t capacity)
{
    struct query query = {.collector = collector, .out = out, .capacity = capacity};
    hyp_loop_call(&collector->loop, do_jobs, &query);
    return query.count;
}

static void do_job(void *argument)
{
    struct query *query = argument;
    const struct hyp_order *order = hyp_orders_find(&query->collector->orders, query->job);
    query->status = order == NULL ? HYP_NOT_FOUND : HYP_OK;
    if (order != NULL) {
        *(struct hyp_job *)query->out = order->job;
    }
}

enum hyp_status hyp_collector_job(struct hyp_collector *collector, hyp_job_id job,
                                  struct hyp_job *ret_job)
{
    struct query query = {.collector = collector, .job = job, .out = ret_job};
    hyp_loop_call(&collector->loop, do_job, &query);
    return query.status;
}

static void do_found(void *argument)
{
    struct query *query = argument;
    const struct hyp_order *order = hyp_orders_find(&query->collector->orders, query->job);
    if (order != NULL) {
        query->count = HYP_MIN((size_t)order->job.found, query->capacity);
        if (query->count > 0) {
            memcpy(query->out, order->found, query->count * sizeof(*order->found));
        }
    }
}

size_t hyp_collector_found(struct hyp_collector *collector, hyp_job_id job,
                           struct hyp_found_device *out, size_t capacity)
{
    struct query query = {.collector = collector, .job = job, .out = out, .capacity = capacity};
    if (capacity > 0) {
        hyp_loop_call(&collector->loop, do_found, &query);
    }
    return query.count;
}

static void do_heard(void *argument)
{
    struct query *query = argument;
    query->count = hyp_heard_list(&query->collector->intake.heard, query->out, query->capacity);
}

size_t hyp_collector_heard(struct hyp_collector *collector, struct hyp_found_device *out,
                           size_t capacity)
{
    struct query query = {.collector = collector, .out = out, .capacity = capacity};
    hyp_loop_call(&collector->loop, do_heard, &query);
    return query.count;
}

/* --- results of tests --- */

struct result_query {
    struct hyp_collector *collector;
    hyp_job_id job;
    struct hyp_arena *arena;
    struct hyp_value *values;
    size_t count;
    struct hyp_meter_identity meter;
    struct hyp_str profile;
    enum hyp_status status;
};

static bool copy_text(struct hyp_arena *arena, struct hyp_str *text)
{
    char *copy = hyp_arena_copy_str(arena, *text);
    text->ptr = copy;
    return copy != NULL;
}

static void do_test_result(void *argument)
{
    struct result_query *query = argument;
    const struct hyp_order *order = hyp_orders_find(&query->collector->orders, query->job);
    if (order == NULL || order->job.kind != HYP_JOB_TEST) {
        query->status = HYP_NOT_FOUND;
        return;
    }
    if (!hyp_order_is_finished(order)) {
        query->status = HYP_BUSY;
        return;
    }
    if (order->values == NULL) {
        query->status = HYP_NOT_FOUND;
        return;
    }
    query->status = HYP_NO_MEMORY;
    query->values =
        hyp_arena_alloc_array(query->arena, order->value_count, sizeof(*query->values));
    query->profile = hyp_str_from(order->profile);
    if (query->values == NULL || !copy_text(query->arena, &query->profile)) {
        return;
    }
    for (size_t i = 0; i < order->value_count; i++) {
        struct hyp_value *value = &query->values[i];
        *value = order->values[i];
        if (!copy_text(query->arena, &value->label) ||
            (value->kind == HYP_VALUE_TEXT && !copy_text(query->arena, &value->text))) {
            return;
        }
    }
    query->count = order->value_count;
    query->meter = order->meter;
    query->status = HYP_OK;
}

enum hyp_status hyp_collector_test_result(struct hyp_collector *collector, hyp_job_id job,
                                          struct hyp_arena *arena,
                                          struct hyp_value **ret_values, size_t *ret_count,
                                          struct hyp_meter_identity *ret_meter,
                                          struct hyp_str *ret_profile)
{
    struct result_query query = {.collector = collector, .job = job, .arena = arena};
    hyp_loop_call(&collector->loop, do_test_result, &query);
    if (query.status == HYP_OK) {
        *ret_values = query.values;
        *ret_count = query.count;
        *ret_meter = query.meter;
        *ret_profile = query.profile;
    }
    return query.status;
}

/* --- states --- */

static void do_device_state(void *argument)
{
    struct query *query = argument;
    const struct hyp_station *station =
        hyp_stations_find(&query->collector->stations, query->device);
    query->status = station == NULL ? HYP_NOT_FOUND : HYP_OK;
    if (station != NULL) {
        hyp_station_export(station, query->out);
    }
}

enum hyp_status hyp_collector_device_state(struct hyp_collector *collector,
                                           hyp_device_id device,
                                           struct hyp_device_state *ret_state)
{
    struct query query = {.collector = collector, .device = device, .out = ret_state};
    hyp_loop_call(&collector->loop, do_device_state, &query);
    return query.status;
}

/* --- reception --- */

static void do_reception(void *argument)
{
    struct query *query = argument;
    const struct hyp_station *station =
        hyp_stations_find(&query->collector->stations, query->device);
    const struct hyp_reception *reception =
        station == NULL ? NULL : hyp_station_reception(station);
    query->status = reception == NULL ? HYP_NOT_FOUND : HYP_OK;
    if (reception != NULL) {
        hyp_reception_export(reception, station->id, query->out);
    }
}

enum hyp_status hyp_collector_reception(struct hyp_collector *collector, hyp_device_id device,
                                        struct hyp_reception_state *ret_state)
{
    struct query query = {.collector = collector, .device = device, .out = ret_state};
    hyp_loop_call(&collector->loop, do_reception, &query);
    return query.status;
}

/* `status` is OK when one has changed. */
static void do_receptions(void *argument)
{
    struct query *query = argument;
    struct hyp_reception_state *out = query->out;
    for (size_t i = 0; i < query->capacity; i++) {
        hyp_device_id id = {query->device.id + (int64_t)i};
        const struct hyp_station *station = hyp_stations_find(&query->collector->stations, id);
        struct hyp_reception *reception =
            station == NULL ? NULL : hyp_station_reception(station);
        if (reception != NULL) {
            query->status = reception->changed ? HYP_OK : query->status;
            reception->changed = false;
            hyp_reception_export(reception, id, &out[query->count++]);
        }
    }
}

size_t hyp_collector_receptions(struct hyp_collector *collector, hyp_device_id first,
                                struct hyp_reception_state *out, size_t capacity,
                                bool *ret_changed)
{
    struct query query = {.collector = collector,
                          .device = first,
                          .out = out,
                          .capacity = capacity,
                          .status = HYP_NOT_FOUND};
    hyp_loop_call(&collector->loop, do_receptions, &query);
    *ret_changed = query.status == HYP_OK;
    return query.count;
}

/* --- lines --- */

static void do_line_state(void *argument)
{
    struct query *query = argument;
    struct hyp_wire *wire = hyp_collector_wire(query->collector, query->line);
    query->status = wire == NULL ? HYP_NOT_FOUND : HYP_OK;
    if (wire == NULL) {
        return;
    }
    struct hyp_line_state *state = query->out;
    *state = (struct hyp_line_state){
        .line = wire->id,
        .link = (enum hyp_link_state)wire->link_state,
        .bytes_in = wire->bytes_in,
        .bytes_out = wire->bytes_out,
        .frames_in = wire->frames_in,
        .frames_refused = wire->frames_refused,
    };
    hyp_comm_export(&wire->comm, &state->comm);
    if (hyp_line_kind_is_polled((enum hyp_line_kind)wire->kind)) {
        const struct hyp_bus *bus = HYP_CONTAINER_OF(wire, struct hyp_bus, wire);
        state->queue_length = bus->queue.count;
        if (bus->active != NULL && bus->active->entry->station != NULL) {
            state->active_device = bus->active->entry->station->id;
        }
    } else {
        const struct hyp_ear *ear = HYP_CONTAINER_OF(wire, struct hyp_ear, wire);
        state->clients = ear->client_count + (ear->link != NULL && !ear->opening ? 1 : 0);
    }
}

enum hyp_status hyp_collector_line_state(struct hyp_collector *collector, hyp_line_id line,
                                         struct hyp_line_state *ret_state)
{
    struct query query = {.collector = collector, .line = line, .out = ret_state};
    hyp_loop_call(&collector->loop, do_line_state, &query);
    return query.status;
}

static void do_queue(void *argument)
{
    struct query *query = argument;
    struct hyp_wire *wire = hyp_collector_wire(query->collector, query->line);
    if (wire != NULL && hyp_line_kind_is_polled((enum hyp_line_kind)wire->kind)) {
        query->count = hyp_bus_queue_list(HYP_CONTAINER_OF(wire, struct hyp_bus, wire),
                                          query->out, query->capacity);
    }
}

size_t hyp_collector_queue(struct hyp_collector *collector, hyp_line_id line,
                           struct hyp_queue_entry *out, size_t capacity)
{
    struct query query = {
        .collector = collector, .line = line, .out = out, .capacity = capacity};
    hyp_loop_call(&collector->loop, do_queue, &query);
    return query.count;
}
