/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of the collector, and what follows a commit. Calls of other threads become calls on the
 * loop thread (hyp_loop_call): lines.c and devices.c keep what is there, command.c and
 * hand_in.c take orders, query.c answers questions.
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

/* What was kept for the next exchanges goes too. */
static void on_rested(void *user)
{
    struct hyp_collector *collector = user;
    hyp_exchange_pool_trim(&collector->exchanges);
}

static void on_room(void *user)
{
    struct hyp_collector *collector = user;
    hyp_feeds_continue(&collector->feeds);
    size_t cursor = 0;
    struct hyp_wire *wire;
    while ((wire = hyp_collector_next_wire(collector, &cursor)) != NULL) {
        struct hyp_bus *bus = hyp_wire_bus(wire);
        if (bus != NULL) {
            hyp_bus_pump(bus);
        } else {
            hyp_ear_pause(hyp_wire_ear(wire), false);
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
    collector->outbox.rested = on_rested;
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

static void do_stop(void *argument)
{
    struct hyp_collector *collector = argument;
    if (collector->stopping) {
        return;
    }
    collector->stopping = true;
    hyp_timer_disarm(&collector->loop, &collector->clock_watch);
    hyp_feeds_stop(&collector->feeds);
    hyp_collector_close_wires(collector);
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
