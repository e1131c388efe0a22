/* SPDX-License-Identifier: Apache-2.0 */
#include "service/periods.h"

#include "service/counting.h"
#include "service/inside.h"

#define DAY_MS (24LL * 3600 * 1000)
#define WINDOW_MS (31 * DAY_MS)
#define WINDOW_LEAST_MS (3600LL * 1000)
#define LATEST_MS 253402300799000LL /* the end of 9999 */

/* One that is not told has no daylight saving. */
static const struct hyp_zone *zone_of(const struct hyp_service *service,
                                      struct hyp_zone_fixed *utc)
{
    hyp_zone_fixed_init(utc, 0);
    return service->config.zone == NULL ? &utc->zone : service->config.zone;
}

static enum hyp_status check_query(const struct hyp_periods_query *query, struct hyp_error *err)
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

static enum hyp_status count_rows(const struct hyp_aggregate_config *config, size_t *ret_count,
                                  struct hyp_error *err)
{
    size_t count = 0;
    hyp_utc at = config->from;
    while (at.ms < config->to.ms && count <= HYP_LIMIT_CHART_BUCKETS) {
        at = hyp_calendar_next(&config->settlement, config->period, at);
        count++;
    }
    if (count > HYP_LIMIT_CHART_BUCKETS) {
        return hyp_error_set(err, HYP_LIMIT, -1,
                             "from: more than %d periods; ask for less at a time, or for "
                             "longer periods.",
                             HYP_LIMIT_CHART_BUCKETS);
    }
    *ret_count = count;
    return HYP_OK;
}

static void keep_row(void *user, const struct hyp_period_row *row)
{
    struct hyp_periods *periods = user;
    periods->rows[periods->count++] = *row;
}

/* Walks the readings by windows, each small enough for the store to give it whole. */
static enum hyp_status feed(struct hyp_service *service, hyp_tenant_id tenant,
                            hyp_point_id point, struct hyp_aggregate *aggregate)
{
    struct hyp_arena scratch;
    enum hyp_status status = HYP_OK;
    int64_t window = WINDOW_MS;
    hyp_utc at = hyp_aggregate_begin(&aggregate->config);
    const hyp_utc end = hyp_aggregate_end(&aggregate->config);
    hyp_arena_init(&scratch, HYP_LIMIT_REQUEST_ARENA);
    while (status == HYP_OK && at.ms < end.ms) {
        struct hyp_stored_value *values = NULL;
        size_t count = 0;
        hyp_utc until = {HYP_MIN(at.ms + window, end.ms)};
        hyp_arena_reset(&scratch);
        status = hyp_store_series(service->config.store, tenant, point, at, until, &scratch,
                                  &values, &count);
        if (status == HYP_LIMIT && window > WINDOW_LEAST_MS) {
            window /= 2;
            status = HYP_OK;
            continue;
        }
        for (size_t i = 0; status == HYP_OK && i < count; i++) {
            if (values[i].kind == HYP_VALUE_DECIMAL &&
                hyp_quality_is_usable(values[i].quality)) {
                hyp_aggregate_add(aggregate, values[i].time, values[i].decimal,
                                  values[i].quality);
            }
        }
        at = until;
    }
    hyp_arena_finish(&scratch);
    return status;
}

static enum hyp_status find_point(struct hyp_service *service, const struct hyp_scope *scope,
                                  hyp_point_id id, struct hyp_periods *periods,
                                  struct hyp_error *err)
{
    if (hyp_store_point(service->config.store, hyp_scope_tenant(scope), id, &periods->point) !=
        HYP_OK) {
        return hyp_service_not_found(err, "point", id.id);
    }
    periods->counter = hyp_point_is_counter(&periods->point);
    return periods->point.kind == HYP_VALUE_DECIMAL
               ? HYP_OK
               : hyp_error_set(err, HYP_UNSUPPORTED, -1, "This register holds no numbers.");
}

/* What is kept of the counter; a settlement that the question names comes first. */
static enum hyp_status set_rules(struct hyp_service *service, hyp_tenant_id tenant,
                                 const struct hyp_periods_query *query, struct hyp_arena *arena,
                                 struct hyp_aggregate_config *config, struct hyp_error *err)
{
    struct hyp_counting counting;
    struct hyp_counter_event *events;
    enum hyp_status status = hyp_counting_rules(service, tenant, query->point, arena, &counting,
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

enum hyp_status hyp_readings_periods(struct hyp_service *service, const struct hyp_scope *scope,
                                     const struct hyp_periods_query *query,
                                     struct hyp_arena *arena, struct hyp_periods *ret_periods,
                                     struct hyp_error *err)
{
    struct hyp_zone_fixed utc;
    struct hyp_aggregate aggregate;
    struct hyp_periods periods = {0};
    size_t rows = 0;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_READ, err);
    if (status == HYP_OK) {
        status = check_query(query, err);
    }
    if (status == HYP_OK) {
        status = find_point(service, scope, query->point, &periods, err);
    }
    struct hyp_aggregate_config config = {
        .settlement.zone = zone_of(service, &utc),
        .period = query->period,
        .from = query->from,
        .to = query->to,
        .counter = periods.counter,
        .emit = keep_row,
        .user = &periods,
    };
    if (status == HYP_OK) {
        status = set_rules(service, hyp_scope_tenant(scope), query, arena, &config, err);
    }
    if (status == HYP_OK) {
        status = count_rows(&config, &rows, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    periods.rows = hyp_arena_alloc_array(arena, rows, sizeof(*periods.rows));
    if (periods.rows == NULL) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    hyp_aggregate_init(&aggregate, &config);
    status = feed(service, hyp_scope_tenant(scope), query->point, &aggregate);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_aggregate_finish(&aggregate);
    *ret_periods = periods;
    return HYP_OK;
}
