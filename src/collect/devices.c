/* SPDX-License-Identifier: Apache-2.0 */
/* The register of devices: they come, are changed, and go, and find the bus of their line. */
#include "collect/collector.h"

#include <stdlib.h>

static void detach(struct hyp_collector *collector, struct hyp_station *station)
{
    if (station->bus != NULL) {
        hyp_bus_detach(station->bus, station);
    }
    hyp_station_unschedule(collector, station);
}

static void attach(struct hyp_collector *collector, struct hyp_station *station)
{
    struct hyp_bus *bus = hyp_wire_bus(hyp_collector_wire(collector, station->line));
    if (bus != NULL && bus->wire.tenant.id == station->tenant.id) {
        hyp_bus_attach(bus, station);
        hyp_station_schedule(collector, station);
    }
}

void hyp_collector_attach(struct hyp_collector *collector, hyp_line_id line)
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

/* Is the line the same, and does the device still want to be asked there? */
static bool stays_on_bus(const struct hyp_station *station, const struct hyp_device *device)
{
    return station->bus != NULL && device->enabled && station->line.id == device->line.id &&
           station->tenant.id == device->tenant.id;
}

/* A new station as the device says, not in the register yet. */
static enum hyp_status add_station(struct hyp_collector *collector,
                                   const struct hyp_device *device,
                                   struct hyp_station **ret_station)
{
    struct hyp_station *station = new_station(collector);
    if (station == NULL) {
        return HYP_NO_MEMORY;
    }
    enum hyp_status status = hyp_station_set(station, device, collector->config.library);
    if (status != HYP_OK) {
        drop_station(collector, station);
        return status;
    }
    *ret_station = station;
    return HYP_OK;
}

/* One that is there becomes as the device says and leaves the register; or all stays. */
static enum hyp_status change_station(struct hyp_collector *collector,
                                      struct hyp_station *station,
                                      const struct hyp_device *device)
{
    hyp_stations_remove(&collector->stations, station);
    enum hyp_status status = hyp_station_set(station, device, collector->config.library);
    if (status != HYP_OK) {
        hyp_stations_insert(&collector->stations, station);
    }
    return status;
}

static void do_set_device(void *argument)
{
    struct device_call *call = argument;
    struct hyp_collector *collector = call->collector;
    struct hyp_station *station = hyp_stations_find(&collector->stations, call->device->id);
    bool stays = station != NULL && stays_on_bus(station, call->device);
    call->status = hyp_stations_reserve(&collector->stations);
    if (call->status == HYP_OK) {
        call->status = station == NULL ? add_station(collector, call->device, &station)
                                       : change_station(collector, station, call->device);
    }
    if (call->status != HYP_OK) {
        return;
    }
    if (!stays) {
        detach(collector, station);
    }
    hyp_stations_insert(&collector->stations, station);
    station->strikes = 0; /* somebody has changed it: a new chance */
    forget_heard(collector, station);
    if (!stays) {
        attach(collector, station);
        return;
    }
    hyp_bus_renew(station->bus, station);
    if (!station->queued) {
        hyp_station_schedule(collector, station);
    }
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
