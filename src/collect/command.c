/* SPDX-License-Identifier: Apache-2.0 */
/* What people and other parts ask the collector to do: read, scan, command, test, cancel. */
#include "base/limits.h"
#include "collect/collector.h"

#include <stdlib.h>
#include <string.h>

static void not_queued(struct hyp_collector *collector, struct hyp_order *order,
                       enum hyp_status status)
{
    hyp_order_item_ended(&collector->orders, order, status, false,
                         status == HYP_LIMIT ? "the queue of the line is full"
                                             : hyp_status_text(status));
}

/* --- read now --- */

struct read_call {
    struct hyp_collector *collector;
    const hyp_device_id *devices;
    size_t count;
    size_t here; /* of them are asked here */
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
        if (i < call->here && !station->bus->wire.enabled) {
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
    const struct hyp_job job = {.kind = HYP_JOB_READ,
                                .priority = call->priority,
                                .line = one ? first->line : (hyp_line_id){0},
                                .device = one ? first->id : (hyp_device_id){0},
                                .total = (uint32_t)call->count};
    struct hyp_order *order;
    call->status = hyp_order_create(&collector->orders, &job, &order, call->err);
    if (call->status != HYP_OK) {
        return;
    }
    call->job = order->job.id;
    for (size_t i = 0; i < call->here; i++) {
        struct hyp_station *station = hyp_stations_find(&collector->stations, call->devices[i]);
        enum hyp_status status = hyp_bus_read(station->bus, station, order);
        if (status != HYP_OK) {
            not_queued(collector, order, status);
        }
    }
}

static enum hyp_status call_read(struct read_call *call, hyp_job_id *ret_job)
{
    if (call->count == 0 || call->count > HYP_LIMIT_LINE_QUEUE) {
        return hyp_error_set(call->err, call->count == 0 ? HYP_INVALID : HYP_LIMIT, -1,
                             "a job reads 1 to %d devices", HYP_LIMIT_LINE_QUEUE);
    }
    hyp_loop_call(&call->collector->loop, do_read, call);
    if (call->status == HYP_OK) {
        *ret_job = call->job;
    }
    return call->status;
}

enum hyp_status hyp_collector_read(struct hyp_collector *collector,
                                   const hyp_device_id *devices, size_t count,
                                   enum hyp_priority priority, hyp_job_id *ret_job,
                                   struct hyp_error *err)
{
    struct read_call call = {.collector = collector,
                             .devices = devices,
                             .count = count,
                             .here = count,
                             .priority = HYP_MAX(priority, HYP_PRIORITY_MANUAL),
                             .err = err};
    return call_read(&call, ret_job);
}

enum hyp_status hyp_collector_read_shared(struct hyp_collector *collector,
                                          const struct hyp_shared_read *read,
                                          hyp_job_id *ret_job, struct hyp_error *err)
{
    struct read_call call = {.collector = collector,
                             .devices = read->devices,
                             .count = read->count,
                             .here = read->here,
                             .priority = HYP_PRIORITY_MANUAL,
                             .err = err};
    return call_read(&call, ret_job);
}

struct passed_call {
    struct hyp_collector *collector;
    hyp_job_id job;
    const struct hyp_passed_part *part;
};

static void do_passed(void *argument)
{
    const struct passed_call *call = argument;
    const struct hyp_passed_part *part = call->part;
    struct hyp_orders *orders = &call->collector->orders;
    struct hyp_order *order = hyp_orders_find(orders, call->job);
    if (order == NULL || hyp_order_is_finished(order)) {
        return;
    }
    hyp_order_note_partial(order, part->partial, part->text);
    if (part->state != HYP_JOB_UNKNOWN && part->state < HYP_JOB_DONE) {
        hyp_order_progress(orders, order, part->state);
    }
    for (uint32_t i = 0; i < part->done; i++) {
        hyp_order_item_ended(orders, order, HYP_OK, false, NULL);
    }
    for (uint32_t i = 0; i < part->failed; i++) {
        hyp_order_item_ended(orders, order, HYP_IO, false, part->text);
    }
}

void hyp_collector_passed(struct hyp_collector *collector, hyp_job_id job,
                          const struct hyp_passed_part *part)
{
    struct passed_call call = {.collector = collector, .job = job, .part = part};
    hyp_loop_call(&collector->loop, do_passed, &call);
}

struct stopping_call {
    const struct hyp_collector *collector;
    bool stopping;
};

static void do_stopping(void *argument)
{
    struct stopping_call *call = argument;
    call->stopping = call->collector->stopping;
}

bool hyp_collector_is_stopping(struct hyp_collector *collector)
{
    struct stopping_call call = {.collector = collector};
    hyp_loop_call(&collector->loop, do_stopping, &call);
    return call.stopping;
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
    struct hyp_bus *bus = hyp_collector_bus(collector, call->scan->line);
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
    const struct hyp_job job = {.kind = HYP_JOB_SCAN,
                                .priority = HYP_PRIORITY_MANUAL,
                                .line = call->scan->line,
                                .total = hyp_scan_total(call->scan)};
    struct hyp_order *order;
    call->status = hyp_order_create(&collector->orders, &job, &order, call->err);
    if (call->status != HYP_OK) {
        return;
    }
    order->scan = *call->scan;
    order->scan_next = call->scan->first;
    call->job = order->job.id;
    enum hyp_status status = hyp_bus_scan(bus, order);
    if (status != HYP_OK) {
        not_queued(collector, order, status);
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
    const struct hyp_job job = {.kind = HYP_JOB_COMMAND,
                                .priority = HYP_PRIORITY_MANUAL,
                                .line = station->line,
                                .device = station->id,
                                .total = 1};
    struct hyp_order *order;
    call->status = hyp_order_create(&collector->orders, &job, &order, call->err);
    if (call->status != HYP_OK) {
        return;
    }
    order->command = *call->command;
    call->job = order->job.id;
    enum hyp_status status = hyp_bus_read(station->bus, station, order);
    if (status != HYP_OK) {
        not_queued(collector, order, status);
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
    struct hyp_bus *bus = hyp_collector_bus(collector, call->device->line);
    if (bus == NULL || !bus->wire.enabled) {
        call->status = hyp_error_set(call->err, HYP_NOT_FOUND, -1,
                                     "there is no line %lld that devices can be asked on",
                                     (long long)call->device->line.id);
        return;
    }
    const struct hyp_job job = {.kind = HYP_JOB_TEST,
                                .priority = HYP_PRIORITY_MANUAL,
                                .line = call->device->line,
                                .device = call->device->id,
                                .total = 1};
    struct hyp_order *order;
    call->status = hyp_order_create(&collector->orders, &job, &order, call->err);
    if (call->status != HYP_OK) {
        return;
    }
    call->job = order->job.id;
    order->probe = create_probe(collector, call->device);
    enum hyp_status status =
        order->probe == NULL ? HYP_NO_MEMORY : hyp_bus_read(bus, order->probe, order);
    if (status != HYP_OK) {
        not_queued(collector, order, status);
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
        struct hyp_bus *bus = hyp_collector_bus(call->collector, (hyp_line_id){(int64_t)key});
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
