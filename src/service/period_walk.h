/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One register by calendar periods, a part at a time, however long the range: memory depends on
 * neither the readings nor the rows. Not for charts: those are hyp_readings_series.
 *
 * A walk belongs to one thread at a time and must not be moved or copied once begun.
 */
#ifndef HYP_SERVICE_PERIOD_WALK_H
#define HYP_SERVICE_PERIOD_WALK_H

#include "service/periods.h"

/* Rows of one part, growing in an arena. */
struct hyp_period_rows {
    struct hyp_arena *arena;
    struct hyp_period_row *list;
    size_t count;
    size_t capacity;
    bool lost; /* the arena is full */
};

struct hyp_period_walk {
    struct hyp_service *service;
    hyp_tenant_id tenant;
    struct hyp_point point;
    bool counter;
    struct hyp_zone_fixed utc;
    struct hyp_arena kept;    /* exchanges and resets */
    struct hyp_arena scratch; /* readings of one part */
    struct hyp_aggregate aggregate;
    struct hyp_period_rows rows;
    size_t row_count; /* of the whole walk */
    int64_t window_ms;
    hyp_utc at;
    hyp_utc end;
    bool finished;
};

/*
 * @rows_max  refuses a question with more rows
 * Returns    HYP_OK | DENIED | NOT_FOUND (the point) | INVALID | UNSUPPORTED (it holds no
 *            numbers) | LIMIT (more than rows_max rows); only after HYP_OK is there
 *            anything to finish
 */
HYP_MUST_USE enum hyp_status hyp_period_walk_begin(struct hyp_period_walk *walk,
                                                   struct hyp_service *service,
                                                   const struct hyp_scope *scope,
                                                   const struct hyp_periods_query *query,
                                                   size_t rows_max, struct hyp_error *err);
/*
 * The next rows, oldest first.
 * @ret_rows   in the arena
 * @ret_count  0 = there are no more
 * Returns     HYP_OK | LIMIT (arena) | what the store says
 * Context     worker; reads from the disk
 */
HYP_MUST_USE enum hyp_status hyp_period_walk_next(struct hyp_period_walk *walk,
                                                  struct hyp_arena *arena,
                                                  struct hyp_period_row **ret_rows,
                                                  size_t *ret_count);
/* At any time after begin was HYP_OK, the end of the rows or not. */
void hyp_period_walk_finish(struct hyp_period_walk *walk);

/* Checks a question; INVALID names what is wrong. */
HYP_MUST_USE enum hyp_status hyp_periods_check(const struct hyp_periods_query *query,
                                               struct hyp_error *err);
/*
 * How many rows a register has in a question, by the calendar of the site.
 * @settlement  NULL = that of the question, days 1 and hour 0 where it names none
 * Returns      rows_max + 1 for more than rows_max
 */
size_t hyp_periods_rows(const struct hyp_service *service,
                        const struct hyp_periods_query *query,
                        const struct hyp_settlement *settlement, size_t rows_max);

#endif
