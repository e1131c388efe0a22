/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector's inside: the parts and how they hang together. For the files of this room
 * only; everybody else uses collect.h.
 */
#ifndef HYP_COLLECT_COLLECTOR_H
#define HYP_COLLECT_COLLECTOR_H

#include "collect/bus.h"
#include "collect/collect.h"
#include "collect/ear.h"
#include "collect/exchange.h"
#include "collect/feed.h"
#include "collect/intake.h"
#include "collect/loop.h"
#include "collect/order.h"
#include "collect/outbox.h"
#include "collect/station.h"

struct hyp_collector {
    struct hyp_collect_config config;
    struct hyp_zone_fixed utc; /* used when the config names no zone */
    struct hyp_loop loop;
    struct hyp_outbox outbox;
    struct hyp_stations stations;
    struct hyp_orders orders;
    struct hyp_intake intake;
    struct hyp_feeds feeds;
    struct hyp_exchange_pool exchanges;
    struct hyp_map lines;          /* id -> struct hyp_wire * */
    struct hyp_map line_names;     /* hash of tenant and name -> struct hyp_wire * */
    struct hyp_bus *connect_first; /* buses that wait for a free place to connect */
    struct hyp_bus *connect_last;
    uint32_t connecting;
    struct hyp_timer clock_watch; /* notices when the wall clock is put */
    int64_t clock_offset;
    struct hyp_timer stop_limit;
    bool stopping;
    bool stopped;
};

/* --- schedule.c: when stations are read --- */

/* Chooses the next due time from the schedule and the history, and arms the timer. */
void hyp_station_schedule(struct hyp_collector *collector, struct hyp_station *station);
/* After an attempt: the next slot, an early retry, or a growing pause. */
void hyp_station_reschedule(struct hyp_collector *collector, struct hyp_station *station);
/* Read it at the next turn (its line is back, or its neighbours answer again). */
void hyp_station_due_now(struct hyp_collector *collector, struct hyp_station *station);
/* Not read by schedule until it is scheduled again. */
void hyp_station_unschedule(struct hyp_collector *collector, struct hyp_station *station);
/* Before the others of these, once for a station. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_station_add_timer(struct hyp_collector *collector,
                                                   struct hyp_station *station);
/* The wall clock has been put: all due times are chosen anew. */
void hyp_schedule_all(struct hyp_collector *collector);
/* Number of the day at the place of the zone. */
int32_t hyp_local_day(const struct hyp_zone *zone, hyp_utc at);
/* Does the breaker space its attempts? */
bool hyp_station_is_backing_off(const struct hyp_station *station);

/* --- lines.c: the register of lines --- */

/* A line by number, or a tenant's line by its exact name; NULL when there is none. */
struct hyp_wire *hyp_collector_wire(const struct hyp_collector *collector, hyp_line_id id);
struct hyp_wire *hyp_collector_wire_by_name(const struct hyp_collector *collector,
                                            hyp_tenant_id tenant, struct hyp_str name);
/* Walks all lines; begin with *cursor = 0. NULL at the end. */
struct hyp_wire *hyp_collector_next_wire(const struct hyp_collector *collector, size_t *cursor);
/* Closes every line; their devices stay. */
void hyp_collector_close_wires(struct hyp_collector *collector);

/* The bus behind a line that asks; NULL when there is no line, or one that listens. */
static inline struct hyp_bus *hyp_wire_bus(struct hyp_wire *wire)
{
    bool polled = wire != NULL && hyp_line_kind_is_polled((enum hyp_line_kind)wire->kind);
    return polled ? HYP_CONTAINER_OF(wire, struct hyp_bus, wire) : NULL;
}

/* The ear behind a line that listens; NULL when there is no line, or one that asks. */
static inline struct hyp_ear *hyp_wire_ear(struct hyp_wire *wire)
{
    bool listens = wire != NULL && hyp_wire_bus(wire) == NULL;
    return listens ? HYP_CONTAINER_OF(wire, struct hyp_ear, wire) : NULL;
}

static inline struct hyp_bus *hyp_collector_bus(const struct hyp_collector *collector,
                                                hyp_line_id id)
{
    return hyp_wire_bus(hyp_collector_wire(collector, id));
}

/* --- devices.c: the register of devices --- */

/* Gives the devices of a line, which has just come, its bus. */
void hyp_collector_attach(struct hyp_collector *collector, hyp_line_id line);
/* Tells the observer about a station. */
void hyp_station_changed(struct hyp_collector *collector, struct hyp_station *station);
/* Its state as observers and callers get it. */
void hyp_station_export(const struct hyp_station *station, struct hyp_device_state *ret_state);

static inline hyp_utc hyp_collector_utc(const struct hyp_collector *collector)
{
    return hyp_loop_utc(&collector->loop);
}

#endif
