/* SPDX-License-Identifier: Apache-2.0 */
/* What was known before a restart is handed to the collector again. */
#include "collect/collector.h"
#include "collect/reception.h"

struct restore_call {
    struct hyp_collector *collector;
    const struct hyp_device_state *state;
    const struct hyp_reception_state *reception;
    const struct hyp_compact_format *format;
    hyp_device_id device;
    const struct hyp_modbus_hole *holes;
    size_t count;
};

/* What is known of a device says since when its line has worked at least. */
static void note_line_success(struct hyp_wire *wire, hyp_utc at)
{
    if (at.ms > wire->comm.last_success.ms) {
        wire->comm.last_success = at;
    }
}

static void do_restore_state(void *argument)
{
    struct restore_call *call = argument;
    struct hyp_station *station =
        hyp_stations_find(&call->collector->stations, call->state->device);
    if (station == NULL) {
        return;
    }
    hyp_comm_import(&station->comm, &call->state->comm);
    if (station->bus != NULL) {
        note_line_success(&station->bus->wire, call->state->comm.last_success);
    }
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

static void do_restore_reception(void *argument)
{
    const struct restore_call *call = argument;
    const struct hyp_reception_state *state = call->reception;
    struct hyp_station *station = hyp_stations_find(&call->collector->stations, state->device);
    struct hyp_reception *reception =
        station == NULL ? NULL : hyp_station_begin_reception(station);
    if (reception == NULL) {
        return;
    }
    hyp_reception_import(reception, state);
    for (size_t i = 0; i < state->count; i++) {
        struct hyp_wire *wire = hyp_collector_wire(call->collector, state->by[i].line);
        if (wire != NULL && wire->tenant.id == station->tenant.id) {
            note_line_success(wire, state->by[i].last_heard);
        }
    }
}

void hyp_collector_restore_reception(struct hyp_collector *collector,
                                     const struct hyp_reception_state *state)
{
    struct restore_call call = {.collector = collector, .reception = state};
    hyp_loop_call(&collector->loop, do_restore_reception, &call);
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
