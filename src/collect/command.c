/* SPDX-License-Identifier: Apache-2.0 */
/* What people and other parts ask the collector to do: read, scan, test, cancel, feed. */
#include "base/limits.h"
#include "collect/collector.h"

#include <stdlib.h>
#include <string.h>

static struct hyp_bus *bus_of_line(const struct hyp_collector *collector, hyp_line_id id)
{
    struct hyp_wire *wire = hyp_collector_wire(collector, id);
    bool polled = wire != NULL && hyp_line_kind_is_polled((enum hyp_line_kind)wire->kind);
    return polled ? HYP_CONTAINER_OF(wire, struct hyp_bus, wire) : NULL;
}

/* --- restoring --- */

struct restore_call {
    struct hyp_collector *collector;
    const struct hyp_device_state *state;
    const struct hyp_compact_format *format;
    hyp_device_id device;
    const struct hyp_modbus_hole *holes;
    size_t count;
};

static void do_restore_state(void *argument)
{
    struct restore_call *call = argument;
    struct hyp_station *station =
        hyp_stations_find(&call->collector->stations, call->state->device);
    if (station == NULL) {
        return;
    }
    hyp_comm_import(&station->comm, &call->state->comm);
    station->strikes = (uint8_t)HYP_MIN(call->state->comm.failures_in_row, 16u);
    if (!station->queued) {
        hyp_station_schedule(call->collector, station);
    }
}

void hyp_collector_restore_state(struct hyp_collector *collector,
                                 const struct hyp_device_state *state)
{
    struct restore_call call = {.collector = collector, .state = state};
    hyp_loop_call(&collector->loop, do_restore_state, &call);
}

static void do_restore_format(void *argument)
{
    struct restore_call *call = argument;
    hyp_intake_add_format(&call->collector->intake, call->format);
}

void hyp_collector_restore_format(struct hyp_collector *collector,
                                  const struct hyp_compact_format *format)
{
    struct restore_call call = {.collector = collector, .format = format};
    hyp_loop_call(&collector->loop, do_restore_format, &call);
}

static void do_restore_holes(void *argument)
{
    struct restore_call *call = argument;
    struct hyp_station *station = hyp_stations_find(&call->collector->stations, call->device);
    if (station != NULL && call->count > 0) {
        (void)hyp_station_add_holes(station, call->holes, call->count);
    }
}

void hyp_collector_restore_holes(struct hyp_collector *collector, hyp_device_id device,
                                 const struct hyp_modbus_hole *holes, size_t count)
{
    struct restore_call call = {
        .collector = collector, .device = device, .holes = holes, .count = count};
    hyp_loop_call(&collector->loop, do_restore_holes, &call);
}

/* --- read now --- */

struct read_call {
    struct hyp_collector *collector;
    const hyp_device_id *devices;
    size_t count;
    enum hyp_priority priority;
    hyp_job_id job;
    enum hyp_status status;
    struct hyp_error *err;
};

/* Every device must be there and be one that can be asked, else nothing is asked. */
static enum hyp_status check_readable(const struct read_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct hyp_station *station =
            hyp_stations_find(&call->collector->stations, call->devices[i]);
        if (station == NULL) {
            return hyp_error_set(call->err, HYP_NOT_FOUND, -1, "there is no device %lld",
                                 (long long)call->devices[i].id);
        }
        if (station->bus == NULL) {
            return hyp_error_set(call->err, HYP_UNSUPPORTED, -1,
                                 "device %lld cannot be asked: it sends by itself, or its "
                                 "line is missing",
                                 (long long)station->id.id);
        }
        if (!station->bus->wire.enabled) {
            return hyp_error_set(call->err, HYP_UNSUPPORTED, -1,
                                 "the line of device %lld is switched off",
                                 (long long)station->id.id);
        }
    }
    return HYP_OK;
}

static void do_read(void *argument)
{
    struct read_call *call = argument;
    struct hyp_collector *collector = call->collector;
    call->status = collector->stopping
                       ? hyp_error_set(call->err, HYP_CANCELLED, -1, "the collector stops")
                       : check_readable(call);
    if (call->status != HYP_OK) {
        return;
    }
    bool one = call->count == 1;
    const struct hyp_station *first = hyp_stations_find(&collector->stations, call->devices[0]);
    struct hyp_order *order = hyp_order_create(
        &collector->orders, HYP_JOB_READ, call->priority, one ? first->line : (hyp_line_id){0},
        one ? first->id : (hyp_device_id){0}, (uint32_t)call->count);
    if (order == NULL) {
        call->status =
            hyp_error_set(call->err, HYP_LIMIT, -1, "too many jobs are waiting: try later");
        return;
    }
    call->job = order->job.id;
    for (size_t i = 0; i < call->count; i++) {
        struct hyp_station *station = hyp_stations_find(&collector->stations, call->devices[i]);
        enum hyp_status status = hyp_bus_read(station->bus, station, order);
        if (status != HYP_OK) {
            hyp_order_item_ended(&collector->orders, order, status, false,
                                 "the queue of the line is full");
        }
    }
}

enum hyp_status hyp_collector_read(struct hyp_collector *collector,
                                   const hyp_device_id *devices, size_t count,
                                   enum hyp_priority priority, hyp_job_id *ret_job,
                                   struct hyp_error *err)
{
    if (count == 0 || count > HYP_LIMIT_LINE_QUEUE) {
        return hyp_error_set(err, count == 0 ? HYP_INVALID : HYP_LIMIT, -1,
                             "a job reads 1 to %d devices", HYP_LIMIT_LINE_QUEUE);
    }
    struct read_call call = {.collector = collector,
                             .devices = devices,
                             .count = count,
                             .priority = HYP_MAX(priority, HYP_PRIORITY_MANUAL),
                             .err = err};
    hyp_loop_call(&collector->loop, do_read, &call);
    if (call.status == HYP_OK) {
        *ret_job = call.job;
    }
    return call.status;
}

/* --- scan --- */

struct scan_call {
    struct hyp_collector *collector;
    const struct hyp_scan *scan;
    hyp_job_id job;
    enum hyp_status status;
    struct hyp_error *err;
};

static void do_scan(void *argument)
{
    struct scan_call *call = argument;
    struct hyp_collector *collector = call->collector;
    struct hyp_bus *bus = bus_of_line(collector, call->scan->line);
    if (bus == NULL || !bus->wire.enabled) {
        call->status = hyp_error_set(call->err, HYP_NOT_FOUND, -1,
                                     "there is no line %lld that can be searched",
                                     (long long)call->scan->line.id);
        return;
    }
    call->status = hyp_scan_check(bus, call->scan, call->err);
    if (call->status != HYP_OK) {
        return;
    }
    uint32_t total = hyp_scan_total(call->scan);
    struct hyp_order *order =
        hyp_order_create(&collector->orders, HYP_JOB_SCAN, HYP_PRIORITY_MANUAL,
                         call->scan->line, (hyp_device_id){0}, total);
    if (order == NULL) {
        call->status =
            hyp_error_set(call->err, HYP_LIMIT, -1, "too many jobs are waiting: try later");
        return;
    }
    order->scan = *call->scan;
    order->scan_next = call->scan->first;
    call->job = order->job.id;
    enum hyp_status status = hyp_bus_scan(bus, order);
    if (status != HYP_OK) {
        hyp_order_item_ended(&collector->orders, order, status, false,
                             "the queue of the line is full");
    }
}

enum hyp_status hyp_collector_scan(struct hyp_collector *collector, const struct hyp_scan *scan,
                                   hyp_job_id *ret_job, struct hyp_error *err)
{
    struct scan_call call = {.collector = collector, .scan = scan, .err = err};
    hyp_loop_call(&collector->loop, do_scan, &call);
    if (call.status == HYP_OK) {
        *ret_job = call.job;
    }
    return call.status;
}

/* --- commands to meters --- */

struct command_call {
    struct hyp_collector *collector;
    const struct hyp_meter_command *command;
    hyp_job_id job;
    enum hyp_status status;
    struct hyp_error *err;
};

static void do_command(void *argument)
{
    struct command_call *call = argument;
    struct hyp_collector *collector = call->collector;
    struct hyp_station *station =
        hyp_stations_find(&collector->stations, call->command->device);
    if (station == NULL) {
        call->status = hyp_error_set(call->err, HYP_NOT_FOUND, -1, "there is no device %lld",
                                     (long long)call->command->device.id);
        return;
    }
    call->status = hyp_meter_command_check(call->command, station, call->err);
    if (call->status != HYP_OK) {
        return;
    }
    struct hyp_order *order =
        hyp_order_create(&collector->orders, HYP_JOB_COMMAND, HYP_PRIORITY_MANUAL,
                         station->line, station->id, 1);
    if (order == NULL) {
        call->status =
            hyp_error_set(call->err, HYP_LIMIT, -1, "too many jobs are waiting: try later");
        return;
    }
    order->command = *call->command;
    call->job = order->job.id;
    enum hyp_status status = hyp_bus_read(station->bus, station, order);
    if (status != HYP_OK) {
        hyp_order_item_ended(&collector->orders, order, status, false,
                             "the queue of the line is full");
    }
}

enum hyp_status hyp_collector_command(struct hyp_collector *collector,
                                      const struct hyp_meter_command *command,
                                      hyp_job_id *ret_job, struct hyp_error *err)
{
    struct command_call call = {.collector = collector, .command = command, .err = err};
    hyp_loop_call(&collector->loop, do_command, &call);
    if (call.status == HYP_OK) {
        *ret_job = call.job;
    }
    return call.status;
}

/* --- test --- */

struct test_call {
    struct hyp_collector *collector;
    const struct hyp_device *device;
    hyp_job_id job;
    enum hyp_status status;
    struct hyp_error *err;
};

static struct hyp_station *create_probe(struct hyp_collector *collector,
                                        const struct hyp_device *device)
{
    struct hyp_station *probe = calloc(1, sizeof(*probe));
    if (probe != NULL && hyp_station_set(probe, device, collector->config.library) != HYP_OK) {
        free(probe);
        probe = NULL;
    }
    if (probe != NULL) {
        probe->daily_done = INT32_MIN;
    }
    return probe;
}

static void do_test(void *argument)
{
    struct test_call *call = argument;
    struct hyp_collector *collector = call->collector;
    struct hyp_bus *bus = bus_of_line(collector, call->device->line);
    if (bus == NULL || !bus->wire.enabled) {
        call->status = hyp_error_set(call->err, HYP_NOT_FOUND, -1,
                                     "there is no line %lld that devices can be asked on",
                                     (long long)call->device->line.id);
        return;
    }
    struct hyp_order *order =
        hyp_order_create(&collector->orders, HYP_JOB_TEST, HYP_PRIORITY_MANUAL,
                         call->device->line, call->device->id, 1);
    if (order == NULL) {
        call->status =
            hyp_error_set(call->err, HYP_LIMIT, -1, "too many jobs are waiting: try later");
        return;
    }
    call->job = order->job.id;
    order->probe = create_probe(collector, call->device);
    enum hyp_status status =
        order->probe == NULL ? HYP_NO_MEMORY : hyp_bus_read(bus, order->probe, order);
    if (status != HYP_OK) {
        hyp_order_item_ended(&collector->orders, order, status, false, hyp_status_text(status));
    }
}

enum hyp_status hyp_collector_test(struct hyp_collector *collector,
                                   const struct hyp_device *device, hyp_job_id *ret_job,
                                   struct hyp_error *err)
{
    struct test_call call = {.collector = collector, .device = device, .err = err};
    hyp_loop_call(&collector->loop, do_test, &call);
    if (call.status == HYP_OK) {
        *ret_job = call.job;
    }
    return call.status;
}

/* --- cancel --- */

struct cancel_call {
    struct hyp_collector *collector;
    hyp_job_id job;
    enum hyp_status status;
};

static void do_cancel(void *argument)
{
    struct cancel_call *call = argument;
    struct hyp_order *order = hyp_orders_find(&call->collector->orders, call->job);
    if (order == NULL) {
        call->status = HYP_NOT_FOUND;
        return;
    }
    if (hyp_order_is_finished(order)) {
        call->status = HYP_CONFLICT;
        return;
    }
    order->cancelled = true;
    size_t cursor = 0;
    uint64_t key;
    uint64_t value;
    while (hyp_map_next(&call->collector->lines, &cursor, &key, &value)) {
        struct hyp_bus *bus = bus_of_line(call->collector, (hyp_line_id){(int64_t)key});
        if (bus != NULL) {
            hyp_bus_cancel(bus, order);
        }
    }
}

enum hyp_status hyp_collector_cancel(struct hyp_collector *collector, hyp_job_id job)
{
    struct cancel_call call = {.collector = collector, .job = job};
    hyp_loop_call(&collector->loop, do_cancel, &call);
    return call.status;
}

/* --- feed --- */

struct feed_call {
    struct hyp_collector *collector;
    char *text;
    size_t len;
    struct hyp_feed_order order;
    enum hyp_status status;
};

static void do_feed(void *argument)
{
    struct feed_call *call = argument;
    call->status =
        call->collector->stopping
            ? HYP_CANCELLED
            : hyp_feeds_add(&call->collector->feeds, call->text, call->len, &call->order);
}

enum hyp_status hyp_collector_feed(struct hyp_collector *collector, hyp_tenant_id tenant,
                                   struct hyp_str text, enum hyp_reading_source source,
                                   void (*done)(void *user, const struct hyp_intake_result *),
                                   void *user)
{
    if (text.len > HYP_LIMIT_DROP_FILE_BYTES) {
        return HYP_LIMIT;
    }
    struct feed_call call = {
        .collector = collector,
        .text = malloc(text.len + 1),
        .len = text.len,
        .order = {.tenant = tenant, .source = source, .done = done, .user = user},
    };
    if (call.text == NULL) {
        return HYP_NO_MEMORY;
    }
    if (text.len > 0) {
        memcpy(call.text, text.ptr, text.len);
    }
    hyp_loop_call(&collector->loop, do_feed, &call);
    if (call.status != HYP_OK) {
        free(call.text);
    }
    return call.status;
}

/* Frames and their bytes in one piece of memory; NULL without memory. */
static struct hyp_raw_frame *copy_frames(const struct hyp_raw_frame *frames, size_t count)
{
    size_t size = count * sizeof(*frames);
    for (size_t i = 0; i < count; i++) {
        size += frames[i].len;
    }
    struct hyp_raw_frame *copy = malloc(size + 1);
    if (copy == NULL) {
        return NULL;
    }
    uint8_t *bytes = (uint8_t *)(copy + count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = frames[i];
        copy[i].bytes = bytes;
        memcpy(bytes, frames[i].bytes, frames[i].len);
        bytes += frames[i].len;
    }
    return copy;
}

struct again_call {
    struct hyp_collector *collector;
    struct hyp_raw_frame *frames;
    size_t count;
    struct hyp_feed_order order;
    enum hyp_status status;
};

static void do_again(void *argument)
{
    struct again_call *call = argument;
    call->status = call->collector->stopping
                       ? HYP_CANCELLED
                       : hyp_feeds_add_frames(&call->collector->feeds, call->frames,
                                              call->count, &call->order);
}

enum hyp_status hyp_collector_decode_again(
    struct hyp_collector *collector, hyp_tenant_id tenant, const struct hyp_raw_frame *frames,
    size_t count, void (*done)(void *user, const struct hyp_intake_result *result), void *user)
{
    struct again_call call = {
        .collector = collector,
        .frames = copy_frames(frames, count),
        .count = count,
        .order = {.tenant = tenant, .source = HYP_SOURCE_AUTOMATIC, .done = done, .user = user},
    };
    if (call.frames == NULL) {
        return HYP_NO_MEMORY;
    }
    hyp_loop_call(&collector->loop, do_again, &call);
    if (call.status != HYP_OK) {
        free(call.frames);
    }
    return call.status;
}

/* --- default keys --- */

struct default_keys_call {
    struct hyp_collector *collector;
    hyp_tenant_id tenant;
    const struct hyp_aes_key *keys;
    size_t count;
    enum hyp_status status;
};

static void do_set_default_keys(void *argument)
{
    struct default_keys_call *call = argument;
    call->status = hyp_intake_set_default_keys(&call->collector->intake, call->tenant,
                                               call->keys, call->count);
}

enum hyp_status hyp_collector_set_default_keys(struct hyp_collector *collector,
                                               hyp_tenant_id tenant,
                                               const struct hyp_aes_key *keys, size_t count)
{
    struct default_keys_call call = {
        .collector = collector, .tenant = tenant, .keys = keys, .count = count};
    hyp_loop_call(&collector->loop, do_set_default_keys, &call);
    return call.status;
}
