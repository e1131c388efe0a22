/* SPDX-License-Identifier: Apache-2.0 */
#include "service/period_walk.h"

#include "service/counting.h"
#include "service/inside.h"

#include <string.h>

#define DAY_MS (24LL * 3600 * 1000)
#define WINDOW_MS (31 * DAY_MS)
#define WINDOW_LEAST_MS (3600LL * 1000)
#define LATEST_MS 253402300799000LL /* the end of 9999 */
#define FIRST_ROWS 64

/* One that is not told has no daylight saving. */
static const struct hyp_zone *zone_of(const struct hyp_service *service,
                                      struct hyp_zone_fixed *utc)
{
    hyp_zone_fixed_init(utc, 0);
    return service->config.zone == NULL ? &utc->zone : service->config.zone;
}

enum hyp_status hyp_periods_check(const struct hyp_periods_query *query, struct hyp_error *err)
{
    if (query->from.ms < 0 || query->to.ms > LATEST_MS || query->from.ms >= query->to.ms) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "from: must be before \"to\", both from 1970 to 9999.");
    }
    if (query->settlement_day < 0 || query->settlement_day > HYP_SETTLEMENT_DAY_MAX) {
        return hyp_error_set(err, HYP_INVALID, -1, "settlement_day: must be 1..%d.",
                             HYP_SETTLEMENT_DAY_MAX);
    }
    if (query->settlement_hour < -1 || query->settlement_hour > 23) {
        return hyp_error_set(err, HYP_INVALID, -1, "settlement_hour: must be 0..23.");
    }
    return HYP_OK;
}

size_t hyp_periods_rows(const struct hyp_service *service,
                        const struct hyp_periods_query *query,
                        const struct hyp_settlement *settlement, size_t rows_max)
{
    struct hyp_zone_fixed utc;
    const struct hyp_settlement own = {
        .zone = zone_of(service, &utc),
        .day = HYP_MAX(query->settlement_day, 1),
        .hour = HYP_MAX(query->settlement_hour, 0),
    };
    size_t count = 0;
    hyp_utc at = query->from;
    while (at.ms < query->to.ms && count <= rows_max) {
        at = hyp_calendar_next(settlement == NULL ? &own : settlement, query->period, at);
        count++;
    }
    return count;
}

/* --- rows --- */

static bool grow(struct hyp_period_rows *rows)
{
    size_t capacity = rows->capacity == 0 ? FIRST_ROWS : rows->capacity * 2;
    struct hyp_period_row *list = hyp_arena_alloc_array(rows->arena, capacity, sizeof(*list));
    if (list == NULL) {
        return false;
    }
    if (rows->count > 0) {
        memcpy(list, rows->list, rows->count * sizeof(*list));
    }
    rows->list = list;
    rows->capacity = capacity;
    return true;
}

static void keep_row(void *user, const struct hyp_period_row *row)
{
    struct hyp_period_rows *rows = user;
    if (rows->lost || (rows->count == rows->capacity && !grow(rows))) {
        rows->lost = true;
        return;
    }
    rows->list[rows->count++] = *row;
}

/* --- beginning --- */

static enum hyp_status find_point(struct hyp_period_walk *walk, hyp_point_id id,
                                  struct hyp_error *err)
{
    if (hyp_store_point(walk->service->config.store, walk->tenant, id, &walk->point) !=
        HYP_OK) {
        return hyp_service_not_found(err, "point", id.id);
    }
    walk->counter = hyp_point_is_counter(&walk->point);
    return walk->point.kind == HYP_VALUE_DECIMAL
               ? HYP_OK
               : hyp_error_set(err, HYP_UNSUPPORTED, -1, "This register holds no numbers.");
}

/* What is kept of the counter; a settlement that the question names comes first. */
static enum hyp_status set_rules(struct hyp_period_walk *walk,
                                 const struct hyp_periods_query *query,
                                 struct hyp_aggregate_config *config, struct hyp_error *err)
{
    struct hyp_counting counting;
    struct hyp_counter_event *events;
    enum hyp_status status =
        hyp_counting_rules(walk->service, walk->tenant, query->point, &walk->kept, &counting,
                           &config->rules, &events, &config->event_count);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    config->events = events;
    config->settlement.day =
        query->settlement_day > 0 ? query->settlement_day : counting.settlement_day;
    config->settlement.hour =
        query->settlement_hour >= 0 ? query->settlement_hour : counting.settlement_hour;
    return HYP_OK;
}

static enum hyp_status begin_walk(struct hyp_period_walk *walk,
                                  const struct hyp_periods_query *query, size_t rows_max,
                                  struct hyp_error *err)
{
    struct hyp_aggregate_config config = {
        .settlement.zone = zone_of(walk->service, &walk->utc),
        .period = query->period,
        .from = query->from,
        .to = query->to,
        .emit = keep_row,
        .user = &walk->rows,
    };
    enum hyp_status status = find_point(walk, query->point, err);
    config.counter = walk->counter;
    if (status == HYP_OK) {
        status = set_rules(walk, query, &config, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    walk->row_count = hyp_periods_rows(walk->service, query, &config.settlement, rows_max);
    if (walk->row_count > rows_max) {
        return hyp_error_set(err, HYP_LIMIT, -1,
                             "from: more than %zu periods; ask for less at a time, or for "
                             "longer periods.",
                             rows_max);
    }
    hyp_aggregate_init(&walk->aggregate, &config);
    walk->at = hyp_aggregate_begin(&config);
    walk->end = hyp_aggregate_end(&config);
    return HYP_OK;
}

enum hyp_status hyp_period_walk_begin(struct hyp_period_walk *walk, struct hyp_service *service,
                                      const struct hyp_scope *scope,
                                      const struct hyp_periods_query *query, size_t rows_max,
                                      struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_READ, err);
    if (status == HYP_OK) {
        status = hyp_periods_check(query, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    *walk = (struct hyp_period_walk){
        .service = service,
        .tenant = hyp_scope_tenant(scope),
        .window_ms = WINDOW_MS,
    };
    hyp_arena_init(&walk->kept, HYP_LIMIT_REQUEST_ARENA);
    hyp_arena_init(&walk->scratch, HYP_LIMIT_REQUEST_ARENA);
    status = begin_walk(walk, query, rows_max, err);
    if (status != HYP_OK) {
        hyp_period_walk_finish(walk);
    }
    return status;
}

void hyp_period_walk_finish(struct hyp_period_walk *walk)
{
    hyp_arena_finish(&walk->kept);
    hyp_arena_finish(&walk->scratch);
}

/* --- walking --- */

/* The readings of one window, small enough for the store to give it whole. */
static enum hyp_status feed_window(struct hyp_period_walk *walk)
{
    struct hyp_stored_value *values = NULL;
    size_t count = 0;
    hyp_utc until = {HYP_MIN(walk->at.ms + walk->window_ms, walk->end.ms)};
    hyp_arena_reset(&walk->scratch);
    enum hyp_status status =
        hyp_store_series(walk->service->config.store, walk->tenant, walk->point.id, walk->at,
                         until, &walk->scratch, &values, &count);
    if (status == HYP_LIMIT && walk->window_ms > WINDOW_LEAST_MS) {
        walk->window_ms /= 2;
        return HYP_OK;
    }
    if (status != HYP_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == HYP_VALUE_DECIMAL && hyp_quality_is_usable(values[i].quality)) {
            hyp_aggregate_add(&walk->aggregate, values[i].time, values[i].decimal,
                              values[i].quality);
        }
    }
    walk->at = until;
    return HYP_OK;
}

enum hyp_status hyp_period_walk_next(struct hyp_period_walk *walk, struct hyp_arena *arena,
                                     struct hyp_period_row **ret_rows, size_t *ret_count)
{
    enum hyp_status status = HYP_OK;
    walk->rows = (struct hyp_period_rows){.arena = arena};
    while (status == HYP_OK && walk->rows.count == 0 && !walk->finished) {
        if (walk->at.ms < walk->end.ms) {
            status = feed_window(walk);
        } else {
            hyp_aggregate_finish(&walk->aggregate);
            walk->finished = true;
        }
    }
    if (status == HYP_OK && walk->rows.lost) {
        status = HYP_LIMIT;
    }
    if (status != HYP_OK) {
        return status;
    }
    *ret_rows = walk->rows.list;
    *ret_count = walk->rows.count;
    return HYP_OK;
}
