/* SPDX-License-Identifier: Apache-2.0 */
#include "store/plan.h"

#include "store/historian.h"
#include "store/plan_frames.h"
#include "store/plan_log.h"
#include "store/plan_value.h"
#include "store/seal.h"

#include <stdlib.h>
#include <string.h>

enum hyp_status hyp_plan_init(struct hyp_plan *plan)
{
    *plan = (struct hyp_plan){0};
    hyp_buf_init_heap(&plan->blob, HYP_LIMIT_LOG_BLOB);
    hyp_log_pack_init(&plan->pack);
    plan->kept = calloc(HYP_LIMIT_BATCH_FRAMES, sizeof(*plan->kept));
    plan->frame_uses = calloc(HYP_LIMIT_BATCH_FRAMES, sizeof(*plan->frame_uses));
    plan->seen = calloc(HYP_LIMIT_DEVICE_POINTS, sizeof(*plan->seen));
    if (plan->kept == NULL || plan->frame_uses == NULL || plan->seen == NULL) {
        hyp_plan_finish(plan);
        return HYP_NO_MEMORY;
    }
    return HYP_OK;
}

void hyp_plan_finish(struct hyp_plan *plan)
{
    hyp_plan_reset(plan);
    free(plan->rows);
    free(plan->found);
    free(plan->cells);
    free(plan->grown);
    free(plan->frames);
    free(plan->log);
    free(plan->kept);
    free(plan->frame_uses);
    free(plan->replaced);
    free(plan->seen);
    hyp_buf_finish(&plan->blob);
    hyp_log_pack_finish(&plan->pack);
    *plan = (struct hyp_plan){0};
}

void hyp_plan_reset(struct hyp_plan *plan)
{
    for (size_t i = 0; i < plan->frame_count; i++) {
        hyp_frames_drop(&plan->frames[i]);
    }
    plan->row_count = 0;
    plan->cell_count = 0;
    plan->grown_count = 0;
    plan->frame_count = 0;
    plan->log_count = 0;
    plan->replaced_count = 0;
    plan->applied = 0;
    plan->duplicates = 0;
    plan->dropped = 0;
}

/* --- readings --- */

/* Moves the cells whose column did not come before in [from, end) to the front; returns how
 * many. A device may send one register twice: the second goes into a row of its own. */
static size_t take_distinct(struct hyp_plan *plan, size_t from)
{
    size_t ascending = from + 1;
    while (ascending < plan->cell_count &&
           plan->cells[ascending].column > plan->cells[ascending - 1].column) {
        ascending++;
    }
    if (ascending == plan->cell_count) {
        return plan->cell_count - from;
    }
    plan->pass++;
    size_t taken = from;
    for (size_t i = from; i < plan->cell_count; i++) {
        struct hyp_cell cell = plan->cells[i];
        if (plan->seen[cell.column] != plan->pass) {
            plan->seen[cell.column] = plan->pass;
            plan->cells[i] = plan->cells[taken];
            plan->cells[taken++] = cell;
        }
    }
    return taken - from;
}

/* Leaves out what memory and chunks know. */
static enum hyp_status filter(struct hyp_plan *plan, struct hyp_store *store,
                              const struct hyp_planned_row *planned, size_t *kept)
{
    struct hyp_series *series = planned->series;
    struct hyp_cell *cells = &plan->cells[planned->first_cell];
    enum hyp_status status = HYP_OK;
    if (!hyp_series_is_after_all(series, planned->row.time)) {
        hyp_historian_enter(store->historian);
        status = hyp_historian_filter(store->historian, series, &planned->row, cells, kept);
        hyp_historian_leave(store->historian);
    }
    return status == HYP_OK ? hyp_seal_filter(store, series, &planned->row, cells, kept)
                            : status;
}

static enum hyp_status add_row(struct hyp_plan *plan, struct hyp_store *store,
                               struct hyp_series *series, const struct hyp_reading *reading,
                               size_t first, size_t count)
{
    struct hyp_planned_row planned = {
        .device = reading->device,
        .series = series,
        .first_cell = first,
        .frame = reading->frame == HYP_NO_FRAME ? 0 : (uint32_t)reading->frame + 1,
        .row = {.time = reading->source_time.ms,
                .receive = reading->receive_time.ms,
                .kind = (uint8_t)reading->kind,
                .source = (uint8_t)reading->source},
    };
    size_t kept = count;
    enum hyp_status status = filter(plan, store, &planned, &kept);
    if (status == HYP_LIMIT) {
        plan->dropped += count;
        return HYP_OK;
    }
    plan->duplicates += count - kept;
    if (status != HYP_OK || kept == 0) {
        return status;
    }
    status =
        hyp_reserve(&plan->rows, &plan->row_capacity, plan->row_count + 1, sizeof(*plan->rows));
    if (status == HYP_OK) {
        planned.row.cells = (uint16_t)kept;
        planned.base = series->columns[plan->cells[first].column].point;
        status = hyp_log_pack_see(&plan->pack, series->columns, &plan->cells[first], kept,
                                  &planned.shape);
    }
    if (status == HYP_OK) {
        plan->rows[plan->row_count++] = planned;
    }
    return status;
}

/* One value that is not what was expected. */
static enum hyp_status plan_one(struct hyp_plan *plan, struct hyp_store *store,
                                struct hyp_series *series, const struct hyp_value *value,
                                uint32_t *hint)
{
    if (value->key.name == HYP_NAME_UNKNOWN) {
        /* By the vocabulary no series; the frame keeps what it was. */
        return HYP_OK;
    }
    enum hyp_status status =
        hyp_plan_value(plan, store, series, value, hint, &plan->cells[plan->cell_count]);
    if (status == HYP_LIMIT) {
        plan->dropped++;
        return HYP_OK;
    }
    plan->cell_count += status == HYP_OK;
    return status;
}

/* Cells for the values from `at` on, which are those of one reading. */
static enum hyp_status plan_values(struct hyp_plan *plan, struct hyp_store *store,
                                   struct hyp_series *series, const struct hyp_queued *queued,
                                   size_t at, size_t count)
{
    enum hyp_status status = hyp_reserve(&plan->cells, &plan->cell_capacity,
                                         plan->cell_count + count, sizeof(*plan->cells));
    uint32_t hint = 0;
    size_t end = at + count;
    while (status == HYP_OK && at < end) {
        size_t run = hyp_plan_run(series, &queued->values[at], end - at, hint,
                                  &plan->cells[plan->cell_count]);
        plan->cell_count += run;
        hint += (uint32_t)run;
        at += run;
        if (run == 0) {
            struct hyp_value value = hyp_queued_open(queued, at);
            status = plan_one(plan, store, series, &value, &hint);
            at++;
        }
    }
    return status;
}

/* @at  of its first value among the batch's */
static enum hyp_status plan_reading(struct hyp_plan *plan, struct hyp_store *store,
                                    struct hyp_series *series, const struct hyp_queued *queued,
                                    const struct hyp_reading *reading, size_t at)
{
    if (series == NULL) {
        plan->dropped += reading->value_count;
        return HYP_OK;
    }
    size_t first = plan->cell_count;
    enum hyp_status status = plan_values(plan, store, series, queued, at, reading->value_count);
    while (status == HYP_OK && first < plan->cell_count) {
        size_t count = take_distinct(plan, first);
        status = add_row(plan, store, series, reading, first, count);
        first += count;
    }
    return status;
}

/* How many readings ahead memory is fetched (hyp_series_fetch). */
#define FETCH_FIRST 8
#define FETCH_SECOND 4

static enum hyp_status find_devices(struct hyp_plan *plan, struct hyp_store *store,
                                    const struct hyp_batch *batch)
{
    enum hyp_status status = hyp_reserve(&plan->found, &plan->found_capacity,
                                         batch->reading_count, sizeof(struct hyp_series *));
    for (size_t i = 0; i < batch->reading_count && status == HYP_OK; i++) {
        plan->found[i] = hyp_historian_find(store->historian, batch->readings[i].device);
    }
    plan->removals = store->historian->removals;
    return status;
}

static enum hyp_status plan_readings(struct hyp_plan *plan, struct hyp_store *store,
                                     const struct hyp_queued *queued)
{
    const struct hyp_batch *batch = &queued->batch;
    size_t at = 0;
    enum hyp_status status = find_devices(plan, store, batch);
    for (size_t i = 0; i < batch->reading_count && status == HYP_OK; i++) {
        if (i + FETCH_FIRST < batch->reading_count && plan->found[i + FETCH_FIRST] != NULL) {
            hyp_series_fetch(plan->found[i + FETCH_FIRST]);
        }
        if (i + FETCH_SECOND < batch->reading_count && plan->found[i + FETCH_SECOND] != NULL) {
            hyp_series_fetch_columns(plan->found[i + FETCH_SECOND]);
        }
        status = plan_reading(plan, store, plan->found[i], queued, &batch->readings[i], at);
        at += batch->readings[i].value_count;
    }
    return status;
}

enum hyp_status hyp_plan_batch(struct hyp_plan *plan, struct hyp_store *store,
                               const struct hyp_queued *queued)
{
    const struct hyp_batch *batch = &queued->batch;
    size_t first_row = plan->row_count;
    hyp_log_pack_reset(&plan->pack);
    enum hyp_status status = plan_readings(plan, store, queued);
    if (status != HYP_OK) {
        return status;
    }
    size_t frames = hyp_plan_choose_frames(plan, store, batch, first_row);
    int64_t frame_log_row;
    status = hyp_plan_log_frames(plan, store, frames, &frame_log_row);
    if (status == HYP_OK) {
        status = hyp_plan_log_replaced(plan, store, batch, frame_log_row);
    }
    if (status != HYP_OK) {
        return status;
    }
    return hyp_plan_log(plan, store, first_row, frame_log_row);
}

/* --- after the commit --- */

void hyp_plan_commit(struct hyp_plan *plan, struct hyp_store *store)
{
    for (size_t i = 0; i < plan->grown_count; i++) {
        struct hyp_series *series = hyp_historian_find(store->historian, plan->grown[i]);
        hyp_historian_commit_points(store->historian, series);
    }
    for (size_t i = 0; i < plan->frame_count; i++) {
        hyp_frames_keep(store, &plan->frames[i]);
    }
    plan->frame_count = 0;
    for (size_t i = 0; i < plan->log_count; i++) {
        HYP_IGNORE(hyp_seal_note_log(store, plan->log[i].row,
                                     plan->log[i].newest)); /* room was reserved */
    }
    if (plan->replaced_count > 0) {
        hyp_replaced_apply(store, plan->replaced, plan->replaced_count);
    }
    plan->replaced_count = 0;
}

void hyp_plan_rollback(struct hyp_plan *plan, struct hyp_store *store)
{
    for (size_t i = 0; i < plan->grown_count; i++) {
        struct hyp_series *series = hyp_historian_find(store->historian, plan->grown[i]);
        hyp_historian_rollback_points(store->historian, series);
    }
    hyp_plan_reset(plan);
}

/* The row's series; NULL when its device is gone. */
static struct hyp_series *series_of(const struct hyp_plan *plan, const struct hyp_store *store,
                                    const struct hyp_planned_row *planned)
{
    return plan->removals == store->historian->removals
               ? planned->series
               : hyp_historian_find(store->historian, planned->device);
}

/* Has the memory fetched that the rows behind row `at` will touch. */
static void fetch_ahead(const struct hyp_plan *plan, const struct hyp_store *store, size_t at)
{
    static void (*const steps[])(const struct hyp_series *series) = {
        hyp_series_fetch_rows, hyp_series_fetch_block, hyp_series_fetch_columns,
        hyp_series_fetch};
    if (plan->removals != store->historian->removals) {
        return;
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(steps); i++) {
        size_t row = at + 2 * (i + 1);
        if (row < plan->row_count) {
            steps[i](plan->rows[row].series);
        }
    }
}

static enum hyp_status apply_row(struct hyp_plan *plan, struct hyp_store *store,
                                 struct hyp_planned_row *planned)
{
    struct hyp_series *series = series_of(plan, store, planned);
    if (series == NULL) {
        planned->row.cells = 0;
        return HYP_OK;
    }
    /* Again, because the batches of one group did not see each other. */
    struct hyp_cell *cells = &plan->cells[planned->first_cell];
    size_t count = planned->row.cells;
    enum hyp_status status =
        hyp_historian_filter(store->historian, series, &planned->row, cells, &count);
    if (status == HYP_OK && count > 0) {
        struct hyp_row row = planned->row;
        row.cells = (uint16_t)count;
        status = hyp_historian_insert(store->historian, series, &row, cells);
    }
    if (status == HYP_NO_MEMORY) {
        return status;
    }
    plan->duplicates += status == HYP_LIMIT ? 0 : planned->row.cells - count;
    planned->row.cells = (uint16_t)count;
    return HYP_OK;
}

/* Rows that are applied before readers get their turn. */
#define ROWS_PER_TURN 64

enum hyp_status hyp_plan_apply(struct hyp_plan *plan, struct hyp_store *store)
{
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && plan->applied < plan->row_count) {
        size_t end = HYP_MIN(plan->applied + ROWS_PER_TURN, plan->row_count);
        hyp_historian_enter(store->historian);
        while (status == HYP_OK && plan->applied < end) {
            fetch_ahead(plan, store, plan->applied);
            status = apply_row(plan, store, &plan->rows[plan->applied]);
            plan->applied += status == HYP_OK;
        }
        hyp_historian_leave(store->historian);
    }
    return status;
}
