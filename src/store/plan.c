/* SPDX-License-Identifier: Apache-2.0 */
#include "store/plan.h"

#include "store/chunk_table.h"
#include "store/historian.h"
#include "store/log.h"
#include "store/period.h"
#include "store/plan_frames.h"
#include "store/plan_value.h"
#include "store/seal.h"

#include <stdlib.h>
#include <string.h>

enum hyp_status hyp_plan_init(struct hyp_plan *plan)
{
    *plan = (struct hyp_plan){0};
    hyp_buf_init_heap(&plan->blob, HYP_LIMIT_LOG_BLOB);
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
        plan->rows[plan->row_count++] = planned;
    }
    return status;
}

static enum hyp_status plan_reading(struct hyp_plan *plan, struct hyp_store *store,
                                    struct hyp_series *series,
                                    const struct hyp_reading *reading)
{
    if (series == NULL) {
        plan->dropped += reading->value_count;
        return HYP_OK;
    }
    size_t first = plan->cell_count;
    enum hyp_status status = hyp_reserve(&plan->cells, &plan->cell_capacity,
                                         first + reading->value_count, sizeof(*plan->cells));
    uint32_t hint = 0;
    for (size_t i = 0; status == HYP_OK && i < reading->value_count; i++) {
        if (reading->values[i].key.name == HYP_NAME_UNKNOWN) {
            /* By the vocabulary no series; the frame keeps what it was. */
            continue;
        }
        status = hyp_plan_value(plan, store, series, &reading->values[i], &hint,
                                &plan->cells[plan->cell_count]);
        if (status == HYP_LIMIT) {
            plan->dropped++;
            status = HYP_OK;
        } else if (status == HYP_OK) {
            plan->cell_count++;
        }
    }
    while (status == HYP_OK && first < plan->cell_count) {
        size_t count = take_distinct(plan, first);
        status = add_row(plan, store, series, reading, first, count);
        first += count;
    }
    return status;
}

/* --- log --- */

static void log_row(struct hyp_log_writer *writer, const struct hyp_plan *plan,
                    struct hyp_store *store, const struct hyp_planned_row *planned)
{
    const struct hyp_series *series = planned->series;
    struct hyp_log_reading reading = {.device = planned->device.id,
                                      .time = planned->row.time,
                                      .receive = planned->row.receive,
                                      .kind = planned->row.kind,
                                      .source = planned->row.source,
                                      .frame = planned->frame,
                                      .value_count = planned->row.cells};
    hyp_log_reading(writer, &reading);
    for (size_t i = 0; i < planned->row.cells; i++) {
        const struct hyp_cell *cell = &plan->cells[planned->first_cell + i];
        const struct hyp_column *column = &series->columns[cell->column];
        struct hyp_log_value value = {.point = column->point,
                                      .quality = cell->quality,
                                      .kind = column->value_kind,
                                      .exp10 = cell->exp10,
                                      .payload = cell->payload};
        if (column->value_kind == HYP_VALUE_TEXT) {
            value.text = hyp_text_pool_get(&store->historian->texts, (uint32_t)cell->payload);
        }
        hyp_log_value(writer, &value);
    }
}

static int64_t newest_time(const struct hyp_plan *plan, size_t first_row)
{
    int64_t newest = INT64_MIN;
    for (size_t i = first_row; i < plan->row_count; i++) {
        newest = HYP_MAX(newest, plan->rows[i].row.time);
    }
    return newest;
}

/* Whose the rows are from `first_row` on, and when they came; only asked where it is kept. */
static struct hyp_shard find_shard(const struct hyp_plan *plan, struct hyp_store *store,
                                   size_t first_row)
{
    struct hyp_shard shard = {.period = hyp_period_of(hyp_core_now(store).ms)};
    for (size_t i = first_row; i < plan->row_count; i++) {
        hyp_tenant_id tenant =
            hyp_historian_find(store->historian, plan->rows[i].device)->tenant;
        if (i > first_row && tenant.id != shard.tenant.id) {
            shard.tenant.id = 0;
            break;
        }
        shard.tenant = tenant;
    }
    return shard;
}

static enum hyp_status write_log(struct hyp_plan *plan, struct hyp_store *store,
                                 size_t first_row, int64_t frame_log_row)
{
    if (plan->row_count == first_row) {
        return HYP_OK;
    }
    hyp_buf_reset(&plan->blob);
    struct hyp_log_writer writer;
    hyp_log_begin(&writer, &plan->blob, frame_log_row, plan->row_count - first_row);
    for (size_t i = first_row; i < plan->row_count; i++) {
        struct hyp_planned_row *planned = &plan->rows[i];
        if (planned->frame != 0) {
            planned->frame = plan->frame_uses[planned->frame - 1];
            planned->row.frame = hyp_frame_number(frame_log_row, planned->frame - 1);
        }
        log_row(&writer, plan, store, planned);
    }
    enum hyp_status status = hyp_log_end(&writer);
    if (status != HYP_OK) {
        return status;
    }
    status =
        hyp_reserve(&plan->log, &plan->log_capacity, plan->log_count + 1, sizeof(*plan->log));
    if (status == HYP_OK) {
        status = hyp_seal_reserve_log(store, plan->log_count + 1);
    }
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_shard shard = {0};
    if (hyp_db_is_sharded(store->write.main)) {
        shard = find_shard(plan, store, first_row);
    }
    int64_t row = hyp_intake_log_add(store->write.main, shard, plan->blob.data, plan->blob.len);
    plan->log[plan->log_count++] =
        (struct hyp_planned_log){.row = row, .newest = newest_time(plan, first_row)};
    return store->write.main->failed;
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
                                     const struct hyp_batch *batch)
{
    enum hyp_status status = find_devices(plan, store, batch);
    for (size_t i = 0; i < batch->reading_count && status == HYP_OK; i++) {
        if (i + FETCH_FIRST < batch->reading_count && plan->found[i + FETCH_FIRST] != NULL) {
            hyp_series_fetch(plan->found[i + FETCH_FIRST]);
        }
        if (i + FETCH_SECOND < batch->reading_count && plan->found[i + FETCH_SECOND] != NULL) {
            hyp_series_fetch_columns(plan->found[i + FETCH_SECOND]);
        }
        status = plan_reading(plan, store, plan->found[i], &batch->readings[i]);
    }
    return status;
}

enum hyp_status hyp_plan_batch(struct hyp_plan *plan, struct hyp_store *store,
                               const struct hyp_batch *batch)
{
    size_t first_row = plan->row_count;
    enum hyp_status status = plan_readings(plan, store, batch);
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
    return write_log(plan, store, first_row, frame_log_row);
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
