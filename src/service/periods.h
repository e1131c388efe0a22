/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings of one register by calendar period of the site: extremes, mean, first, last, and
 * what a counter counted. Not for charts of free width: those are hyp_readings_series.
 */
#ifndef HYP_SERVICE_PERIODS_H
#define HYP_SERVICE_PERIODS_H

#include "base/arena.h"
#include "metering/aggregate.h"
#include "service/scope.h"
#include "service/service.h"

struct hyp_periods_query {
    hyp_point_id point;
    hyp_utc from;
    hyp_utc to;
    enum hyp_period period;
    int settlement_day;  /* 1..HYP_SETTLEMENT_DAY_MAX; 0 = the meter's */
    int settlement_hour; /* 0..23; -1 = the meter's */
};

struct hyp_periods {
    struct hyp_point point;
    bool counter; /* only counters have deltas */
    struct hyp_period_row *rows;
    size_t count;
};

/*
 * All rows of a register in a span, oldest first, in the arena.
 * Returns  HYP_OK | DENIED | NOT_FOUND (the point) | INVALID
 *        | UNSUPPORTED (it holds no numbers) | LIMIT (HYP_LIMIT_CHART_BUCKETS periods)
 * Limits   reads a month of values at a time, however long the range
 * Context  worker; reads from the disk
 */
HYP_MUST_USE enum hyp_status
hyp_readings_periods(struct hyp_service *service, const struct hyp_scope *scope,
                     const struct hyp_periods_query *query, struct hyp_arena *arena,
                     struct hyp_periods *ret_periods, struct hyp_error *err);

#endif
