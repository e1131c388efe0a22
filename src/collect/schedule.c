/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When stations are read.
 *
 * Due times are slots of the schedule on the wall clock plus a small share of the period that
 * is the station's own, so that ten thousand devices are not asked in the same moment. They
 * derive from the schedule and the last success alone and therefore survive a restart: a slot
 * that was missed meanwhile is made good at once.
 *
 * A device that does not answer is tried again soon, twice; after that it is asked ever more
 * rarely, an hour apart at most, and with a single attempt each time (the breaker). One answer
 * ends it.
 */
#include "collect/collector.h"

#define MS_PER_MINUTE 60000LL
#define MS_PER_DAY 86400000LL
#define STAGGER_MAX_MS 30000
#define RETRY_FIRST_MS 30000
#define BREAKER_STRIKES 3
#define BREAKER_FIRST_MS (5 * MS_PER_MINUTE)
#define BREAKER_LONGEST_MS (60 * MS_PER_MINUTE)

static int64_t period_ms(const struct hyp_schedule *schedule)
{
    return schedule->kind == HYP_SCHEDULE_EVERY ? schedule->minutes * MS_PER_MINUTE
                                                : MS_PER_DAY;
}

/* The station's own share of the period: always the same, at most a twentieth. */
static int64_t stagger_ms(const struct hyp_station *station)
{
    int64_t window = HYP_MIN(period_ms(&station->schedule) / 20, (int64_t)STAGGER_MAX_MS);
    uint64_t hash = hyp_hash_bytes(&station->id.id, sizeof(station->id.id));
    return (int64_t)(hash % (uint64_t)HYP_MAX(window, 1));
}

static hyp_utc next_slot(const struct hyp_collector *collector,
                         const struct hyp_station *station, hyp_utc after)
{
    return hyp_zone_schedule_next(collector->config.zone, &station->schedule, after);
}

static bool is_scheduled(const struct hyp_collector *collector,
                         const struct hyp_station *station)
{
    return station->enabled && station->bus != NULL && station->bus->wire.enabled &&
           !collector->stopping && station->schedule.kind != HYP_SCHEDULE_NONE &&
           station->schedule.kind != HYP_SCHEDULE_UNSET;
}

static void set_due(struct hyp_collector *collector, struct hyp_station *station, hyp_utc due)
{
    if (due.ms == INT64_MAX) {
        hyp_station_unschedule(collector, station);
        return;
    }
    station->due = due;
    int64_t wait = due.ms - hyp_collector_utc(collector).ms;
    hyp_mono now = hyp_loop_now(&collector->loop);
    hyp_timer_arm(&collector->loop, &station->timer,
                  (hyp_mono){now.ms + HYP_MAX(wait, (int64_t)0)});
}

void hyp_station_unschedule(struct hyp_collector *collector, struct hyp_station *station)
{
    station->due.ms = 0;
    hyp_timer_disarm(&collector->loop, &station->timer);
}

bool hyp_station_is_backing_off(const struct hyp_station *station)
{
    return station->strikes >= BREAKER_STRIKES;
}

static int64_t breaker_pause(const struct hyp_station *station)
{
    int doublings = HYP_MIN(station->strikes - BREAKER_STRIKES, 8);
    return HYP_MIN(BREAKER_FIRST_MS << doublings, BREAKER_LONGEST_MS);
}

void hyp_station_schedule(struct hyp_collector *collector, struct hyp_station *station)
{
    if (!is_scheduled(collector, station)) {
        hyp_station_unschedule(collector, station);
        return;
    }
    hyp_utc now = hyp_collector_utc(collector);
    hyp_utc last = station->comm.last_success;
    if (station->comm.last_failure.ms > last.ms) {
        last = station->comm.last_failure;
    }
    /* A time in the future is of a clock that was wrong then. */
    hyp_utc slot = last.ms > 0 && last.ms <= now.ms ? next_slot(collector, station, last) : now;
    if (hyp_station_is_backing_off(station)) {
        slot.ms = HYP_MAX(slot.ms, last.ms + breaker_pause(station));
    }
    slot.ms = HYP_MAX(slot.ms, now.ms);
    if (slot.ms != INT64_MAX) {
        slot.ms += stagger_ms(station);
    }
    set_due(collector, station, slot);
}

/* Of a quarter either way, so that devices that died together are not asked together. */
static int64_t with_jitter(struct hyp_collector *collector, int64_t pause)
{
    uint64_t spread = (uint64_t)pause / 2;
    return pause - pause / 4 + (int64_t)hyp_rng_below(collector->config.rng, spread + 1);
}

void hyp_station_reschedule(struct hyp_collector *collector, struct hyp_station *station)
{
    if (!is_scheduled(collector, station)) {
        hyp_station_unschedule(collector, station);
        return;
    }
    hyp_utc now = hyp_collector_utc(collector);
    hyp_utc due = next_slot(collector, station, now);
    if (due.ms == INT64_MAX) {
        set_due(collector, station, due);
        return;
    }
    due.ms += stagger_ms(station);
    if (station->strikes > 0 && !hyp_station_is_backing_off(station)) {
        int64_t retry = with_jitter(collector, RETRY_FIRST_MS << (station->strikes - 1));
        due.ms = HYP_MIN(due.ms, now.ms + retry);
    } else if (hyp_station_is_backing_off(station)) {
        int64_t after = now.ms + with_jitter(collector, breaker_pause(station));
        /* Never more often than a healthy device; a daily one need not wait for its day. */
        bool frequent = period_ms(&station->schedule) <= BREAKER_LONGEST_MS;
        due.ms = frequent ? HYP_MAX(due.ms, after) : HYP_MIN(due.ms, after);
    }
    set_due(collector, station, due);
}

void hyp_station_due_now(struct hyp_collector *collector, struct hyp_station *station)
{
    if (!is_scheduled(collector, station) || station->queued) {
        return;
    }
    /* A busy line asks it as soon as it is free. An idle one waits for its next turn: what
       fails at once and is due at once must not keep the loop from everything else. */
    bool busy = station->bus->active != NULL;
    if (!busy || hyp_bus_read(station->bus, station, NULL) != HYP_OK) {
        set_due(collector, station, hyp_collector_utc(collector));
    }
}

static struct hyp_collector *collector_of(const struct hyp_station *station)
{
    return station->bus->wire.collector;
}

static void on_due(struct hyp_timer *timer)
{
    struct hyp_station *station = HYP_CONTAINER_OF(timer, struct hyp_station, timer);
    if (station->bus == NULL) {
        return;
    }
    struct hyp_collector *collector = collector_of(station);
    hyp_utc now = hyp_collector_utc(collector);
    if (now.ms < station->due.ms) {
        set_due(collector, station, station->due); /* the wall clock was put back */
        return;
    }
    if (hyp_bus_read(station->bus, station, NULL) != HYP_OK) {
        hyp_station_reschedule(collector, station);
    }
}

enum hyp_status hyp_station_add_timer(struct hyp_collector *collector,
                                      struct hyp_station *station)
{
    return hyp_timer_add(&collector->loop, &station->timer, on_due);
}

void hyp_schedule_all(struct hyp_collector *collector)
{
    size_t cursor = 0;
    struct hyp_station *station;
    while ((station = hyp_stations_next(&collector->stations, &cursor)) != NULL) {
        if (!station->queued) {
            hyp_station_schedule(collector, station);
        }
    }
}

int32_t hyp_local_day(const struct hyp_zone *zone, hyp_utc at)
{
    int64_t local = at.ms + hyp_zone_offset_minutes(zone, at) * MS_PER_MINUTE;
    return (int32_t)((local - (local < 0 ? MS_PER_DAY - 1 : 0)) / MS_PER_DAY);
}
