/* SPDX-License-Identifier: Apache-2.0 */
#include "service/period_sums.h"

#include "service/counting.h"
#include "service/inside.h"
#include "service/period_walk.h"

#include <stdlib.h>
#include <string.h>

/* --- adding --- */

void hyp_counted_add(struct hyp_counted *counted, const struct hyp_period_row *row, hyp_utc now)
{
    counted->quality = hyp_quality_worse(counted->quality, row->quality);
    counted->flags |= row->flags;
    if (!row->has_delta) {
        counted->absent += row->end.ms <= now.ms ? 1 : 0;
        return;
    }
    if (counted->values++ == 0) {
        counted->value = row->delta;
    } else if (!counted->too_long) {
        counted->too_long =
            hyp_decimal_add(counted->value, row->delta, &counted->value) != HYP_OK;
    }
    counted->known = !counted->too_long;
}

/* --- the periods --- */

void hyp_period_frame_init(struct hyp_period_frame *frame, const struct hyp_service *service,
                           const struct hyp_periods_query *query)
{
    hyp_zone_fixed_init(&frame->utc, 0);
    frame->settlement = (struct hyp_settlement){
        .zone = service->config.zone == NULL ? &frame->utc.zone : service->config.zone,
        .day = HYP_MAX(query->settlement_day, 1),
        .hour = HYP_MAX(query->settlement_hour, 0),
    };
    frame->period = query->period;
    frame->from = hyp_calendar_start(&frame->settlement, query->period, query->from);
    frame->to =
        hyp_calendar_next(&frame->settlement, query->period, (hyp_utc){query->to.ms - 1});
    frame->now = hyp_service_now(service);
}

static hyp_utc middle_of(const struct hyp_period_row *row)
{
    return (hyp_utc){row->start.ms + (row->end.ms - row->start.ms) / 2};
}

bool hyp_period_frame_holds(const struct hyp_period_frame *frame,
                            const struct hyp_period_row *row)
{
    hyp_utc middle = middle_of(row);
    return middle.ms >= frame->from.ms && middle.ms < frame->to.ms;
}

static enum hyp_status make_bounds(const struct hyp_period_frame *frame, size_t count,
                                   struct hyp_arena *arena, struct hyp_period_sums *sums)
{
    hyp_utc at = frame->from;
    sums->count = count;
    sums->bounds = hyp_arena_alloc_array(arena, count + 1, sizeof(*sums->bounds));
    if (sums->bounds == NULL) {
        return HYP_NO_MEMORY;
    }
    for (size_t i = 0; i <= count; i++) {
        sums->bounds[i] = at;
        at = hyp_calendar_next(&frame->settlement, frame->period, at);
    }
    return HYP_OK;
}

/* --- units --- */

static enum hyp_status find_unit(struct hyp_period_sums *sums, enum hyp_unit unit,
                                 struct hyp_arena *arena, struct hyp_unit_sums **ret_unit)
{
    for (size_t i = 0; i < sums->unit_count; i++) {
        if (sums->units[i].unit == unit) {
            *ret_unit = &sums->units[i];
            return HYP_OK;
        }
    }
    struct hyp_counted *columns = hyp_arena_alloc_array(arena, sums->count, sizeof(*columns));
    if (columns == NULL) {
        return HYP_NO_MEMORY;
    }
    memset(columns, 0, sums->count * sizeof(*columns));
    sums->units[sums->unit_count] = (struct hyp_unit_sums){.unit = unit, .columns = columns};
    *ret_unit = &sums->units[sums->unit_count++];
    return HYP_OK;
}

static int by_meters(const void *one, const void *other)
{
    const struct hyp_unit_sums *a = one;
    const struct hyp_unit_sums *b = other;
    if (a->meters != b->meters) {
        return a->meters > b->meters ? -1 : 1;
    }
    return (int)a->unit - (int)b->unit;
}

/* --- meters --- */

/* Rows come in order, so the next one is in this column or behind it. */
static void add_rows(const struct hyp_period_frame *frame, const struct hyp_period_sums *sums,
                     struct hyp_unit_sums *unit, const struct hyp_period_row *rows,
                     size_t count, size_t *column)
{
    for (size_t i = 0; i < count; i++) {
        if (!hyp_period_frame_holds(frame, &rows[i])) {
            continue;
        }
        while (*column + 1 < sums->count &&
               sums->bounds[*column + 1].ms <= middle_of(&rows[i]).ms) {
            (*column)++;
        }
        hyp_counted_add(&unit->columns[*column], &rows[i], frame->now);
        hyp_counted_add(&unit->whole, &rows[i], frame->now);
    }
}

static enum hyp_status walk_meter(struct hyp_period_walk *walk,
                                  const struct hyp_period_frame *frame,
                                  const struct hyp_period_sums *sums,
                                  struct hyp_unit_sums *unit, struct hyp_arena *scratch)
{
    const size_t absent = unit->whole.absent;
    size_t column = 0;
    size_t count = 0;
    enum hyp_status status;
    do {
        struct hyp_period_row *rows = NULL;
        hyp_arena_reset(scratch);
        status = hyp_period_walk_next(walk, scratch, &rows, &count);
        if (status == HYP_OK) {
            add_rows(frame, sums, unit, rows, count, &column);
        }
    } while (status == HYP_OK && count > 0);
    unit->meters++;
    unit->incomplete += unit->whole.absent > absent ? 1 : 0;
    return status;
}

struct sums_question {
    struct hyp_service *service;
    const struct hyp_scope *scope;
    const struct hyp_periods_query *query;
    struct hyp_period_frame frame;
};

static enum hyp_status add_meter(const struct sums_question *question,
                                 const struct hyp_meter_register *meter,
                                 struct hyp_arena *arena, struct hyp_arena *scratch,
                                 struct hyp_period_sums *sums, struct hyp_error *err)
{
    struct hyp_period_walk walk;
    struct hyp_unit_sums *unit = NULL;
    struct hyp_periods_query query = *question->query;
    query.point = meter->point;
    enum hyp_status status = hyp_period_walk_begin(&walk, question->service, question->scope,
                                                   &query, HYP_LIMIT_PERIOD_ROWS, err);
    if (status == HYP_NOT_FOUND) {
        return HYP_OK; /* removed a moment ago */
    }
    if (status != HYP_OK) {
        return status;
    }
    status = find_unit(sums, meter->unit, arena, &unit);
    if (status == HYP_OK) {
        status = walk_meter(&walk, &question->frame, sums, unit, scratch);
    }
    hyp_period_walk_finish(&walk);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

/* --- the question --- */

static enum hyp_status check_question(const struct sums_question *question,
                                      const struct hyp_point_key *key, size_t meters,
                                      size_t *ret_count, struct hyp_error *err)
{
    const struct hyp_point point = {.key = *key, .kind = HYP_VALUE_DECIMAL};
    if (!hyp_point_is_counter(&point)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "key: only what a counter counts can be added up; see "
                             "/api/v1/vocabulary.");
    }
    const struct hyp_periods_query whole = {
        .from = question->frame.from,
        .to = question->frame.to,
        .period = question->query->period,
        .settlement_day = question->query->settlement_day,
        .settlement_hour = question->query->settlement_hour,
    };
    size_t count = hyp_periods_rows(question->service, &whole, NULL, HYP_LIMIT_CHART_BUCKETS);
    if (count > HYP_LIMIT_CHART_BUCKETS) {
        return hyp_error_set(err, HYP_LIMIT, -1,
                             "from: more than %d periods; ask for less at a time, or for "
                             "longer periods.",
                             HYP_LIMIT_CHART_BUCKETS);
    }
    if (meters > HYP_LIMIT_SUM_ROWS / count) {
        return hyp_error_set(err, HYP_LIMIT, -1,
                             "from: %zu meters of %zu periods each are more than %d values; "
                             "ask for fewer meters, or for longer periods.",
                             meters, count, HYP_LIMIT_SUM_ROWS);
    }
    *ret_count = count;
    return HYP_OK;
}

enum hyp_status hyp_period_sums_make(struct hyp_service *service, const struct hyp_scope *scope,
                                     const struct hyp_periods_query *query,
                                     const struct hyp_point_key *key,
                                     const struct hyp_meter_registers *meters,
                                     struct hyp_arena *arena, struct hyp_period_sums *ret_sums,
                                     struct hyp_error *err)
{
    struct sums_question question = {.service = service, .scope = scope, .query = query};
    struct hyp_period_sums sums = {0};
    struct hyp_arena scratch;
    size_t count = 0;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_READ, err);
    if (status == HYP_OK) {
        status = hyp_periods_check(query, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_period_frame_init(&question.frame, service, query);
    status = check_question(&question, key, meters->count, &count, err);
    if (status != HYP_OK) {
        return status;
    }
    sums.units = hyp_arena_alloc_array(arena, HYP_UNIT_COUNT_OF, sizeof(*sums.units));
    if (sums.units == NULL || make_bounds(&question.frame, count, arena, &sums) != HYP_OK) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    hyp_arena_init(&scratch, HYP_LIMIT_REQUEST_ARENA);
    for (size_t i = 0; status == HYP_OK && i < meters->count; i++) {
        status = add_meter(&question, &meters->list[i], arena, &scratch, &sums, err);
    }
    hyp_arena_finish(&scratch);
    if (status == HYP_OK) {
        qsort(sums.units, sums.unit_count, sizeof(*sums.units), by_meters);
        *ret_sums = sums;
    }
    return status;
}
