/* SPDX-License-Identifier: Apache-2.0 */
#include "service/periods.h"

#include "service/inside.h"
#include "service/period_walk.h"

#include <string.h>

static enum hyp_status collect(struct hyp_period_walk *walk, struct hyp_arena *arena,
                               struct hyp_periods *periods)
{
    struct hyp_arena part;
    size_t count = 0;
    enum hyp_status status = HYP_OK;
    periods->rows = hyp_arena_alloc_array(arena, walk->row_count, sizeof(*periods->rows));
    if (periods->rows == NULL) {
        return HYP_NO_MEMORY;
    }
    hyp_arena_init(&part, HYP_LIMIT_REQUEST_ARENA);
    do {
        struct hyp_period_row *rows = NULL;
        hyp_arena_reset(&part);
        status = hyp_period_walk_next(walk, &part, &rows, &count);
        if (status == HYP_OK && periods->count + count > walk->row_count) {
            status = HYP_INTERNAL; /* the calendar was counted in another way than walked */
        }
        if (status == HYP_OK && count > 0) {
            memcpy(&periods->rows[periods->count], rows, count * sizeof(*rows));
            periods->count += count;
        }
    } while (status == HYP_OK && count > 0);
    hyp_arena_finish(&part);
    return status;
}

enum hyp_status hyp_readings_periods(struct hyp_service *service, const struct hyp_scope *scope,
                                     const struct hyp_periods_query *query,
                                     struct hyp_arena *arena, struct hyp_periods *ret_periods,
                                     struct hyp_error *err)
{
    struct hyp_period_walk walk;
    enum hyp_status status =
        hyp_period_walk_begin(&walk, service, scope, query, HYP_LIMIT_CHART_BUCKETS, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_periods periods = {.point = walk.point, .counter = walk.counter};
    status = collect(&walk, arena, &periods);
    hyp_period_walk_finish(&walk);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    *ret_periods = periods;
    return HYP_OK;
}
