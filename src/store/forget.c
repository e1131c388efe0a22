/* SPDX-License-Identifier: Apache-2.0 */
#include "store/forget.h"

#include "store/chunk_table.h"
#include "store/erase.h"
#include "store/follow_state.h"
#include "store/frames.h"
#include "store/intake.h"
#include "store/seal_state.h"
#include "store/thin.h"

/* Chunks written again in one step, and looked for. */
#define WRITES_PER_STEP 8
#define LOOKS_PER_STEP 256

enum stage {
    STAGE_LOG = 0, /* place = next row of the log */
    STAGE_CHUNKS,  /* place = next period */
    STAGE_FRAMES,  /* place = last block; -1 = frames are not packed yet */
    STAGE_FILES,
    STAGE_DONE,
};

struct task {
    int64_t id;
    hyp_device_id device;
    int64_t from;
    int64_t to;
    int64_t stage;
    int64_t place;
    int64_t readings;
    int64_t frames;
    int64_t ended;
};

/* --- the table --- */

static enum hyp_status find_task(struct hyp_db *db, struct task *task)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "SELECT id, device, since, until, stage, place, readings, frames"
                   " FROM forgotten WHERE ended = 0 ORDER BY id LIMIT 1");
    bool found = hyp_query_row(&query);
    if (found) {
        *task = (struct task){.id = hyp_query_i64(&query)};
        task->device.id = hyp_query_i64(&query);
        task->from = hyp_query_i64(&query);
        task->to = hyp_query_i64(&query);
        task->stage = hyp_query_i64(&query);
        task->place = hyp_query_i64(&query);
        task->readings = hyp_query_i64(&query);
        task->frames = hyp_query_i64(&query);
    }
    enum hyp_status status = hyp_query_close(&query);
    return status == HYP_OK && !found ? HYP_NOT_FOUND : status;
}

/* Inside a transaction. */
static void save_task(struct hyp_db *db, const struct task *task)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "UPDATE forgotten SET stage = $1, place = $2, readings = $3, frames = $4,"
                   " ended = $5 WHERE id = $6");
    hyp_query_bind_i64(&query, task->stage);
    hyp_query_bind_i64(&query, task->place);
    hyp_query_bind_i64(&query, task->readings);
    hyp_query_bind_i64(&query, task->frames);
    hyp_query_bind_i64(&query, task->ended);
    hyp_query_bind_i64(&query, task->id);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

static enum hyp_status save_alone(struct hyp_db *db, const struct task *task)
{
    hyp_db_begin(db);
    save_task(db, task);
    return hyp_db_commit(db);
}

static void next_stage(struct task *task, enum stage stage, int64_t place)
{
    task->stage = stage;
    task->place = place;
}

/* --- memory --- */

/* Latest values out of the span are hidden; others take their place as they are found. */
static void hide_shown(struct hyp_series *series, const struct task *task)
{
    for (uint32_t c = 0; c < series->column_count; c++) {
        int64_t time = hyp_series_arrival(series, c)->time;
        if (time >= task->from && time < task->to) {
            hyp_series_hide(series, c);
        }
    }
}

static void show_row(struct hyp_series *series, const struct hyp_rows *rows,
                     const struct hyp_row *row)
{
    for (size_t i = 0; i < row->cells; i++) {
        const struct hyp_cell *cell = &rows->cells[row->first_cell + i];
        if (series->columns[cell->column].quality == HYP_QUALITY_UNSET ||
            row->time > hyp_series_arrival(series, cell->column)->time) {
            hyp_series_show(series, row, cell);
        }
    }
}

static enum hyp_status show_memory(struct hyp_series *series, struct hyp_rows *scratch)
{
    enum hyp_status status = HYP_OK;
    for (uint32_t b = 0; b < series->block_count && status == HYP_OK; b++) {
        const struct hyp_rows *rows;
        status = hyp_series_block_rows(&series->blocks[b], HYP_ALL_COLUMNS, scratch, &rows);
        for (uint32_t r = 0; status == HYP_OK && r < rows->row_count; r++) {
            show_row(series, rows, &rows->rows[r]);
        }
    }
    return status;
}

/* Blocks of the periods around the span are taken apart and made again without it. */
static enum hyp_status drop_rows(struct hyp_store *store, struct hyp_series *series,
                                 const struct task *task)
{
    struct hyp_sealer *sealer = store->sealer;
    struct hyp_rows *rows = &sealer->rows;
    int64_t begin = hyp_period_start(hyp_period_of(task->from));
    int64_t end = hyp_period_end(hyp_period_of(task->to));
    hyp_seal_clear_rows(sealer);
    enum hyp_status status =
        hyp_series_copy_rows(series, begin, end, HYP_ALL_COLUMNS, &sealer->scratch, rows);
    if (status != HYP_OK) {
        return status;
    }
    hyp_series_drop(series, begin, end);
    hyp_thin_remove(rows, task->from, task->to);
    for (uint32_t r = 0; r < rows->row_count && status == HYP_OK; r++) {
        status =
            hyp_series_insert(series, &rows->rows[r], &rows->cells[rows->rows[r].first_cell]);
    }
    hyp_seal_clear_rows(sealer);
    return status == HYP_OK ? show_memory(series, &sealer->scratch) : status;
}

/* *ret_readings: how many there were, whatever the status. */
static enum hyp_status forget_in_memory(struct hyp_store *store, struct hyp_series *series,
                                        const struct task *task, uint64_t *ret_readings)
{
    struct hyp_historian *historian = store->historian;
    pthread_rwlock_wrlock(&historian->lock);
    size_t memory = series->memory;
    uint64_t readings = series->readings;
    uint64_t values = series->values;
    hide_shown(series, task);
    enum hyp_status status = drop_rows(store, series, task);
    historian->memory -= memory - series->memory;
    historian->readings -= readings - series->readings;
    historian->values -= values - series->values;
    *ret_readings = readings - series->readings;
    pthread_rwlock_unlock(&historian->lock);
    return status;
}

/* The request of this span whose readings nobody has taken from the log yet; *ret_id 0 = none.
 * *ret_any: there is one of some span. */
static enum hyp_status find_waiting(struct hyp_db *db, const struct task *task, int64_t *ret_id,
                                    bool *ret_any)
{
    struct hyp_query query;
    *ret_id = 0;
    *ret_any = false;
    hyp_query_open(&query, db,
                   "SELECT id, device, since, until FROM forgotten WHERE ended = 0 AND"
                   " stage = 0 AND place = 0 ORDER BY id");
    while (hyp_query_row(&query)) {
        int64_t id = hyp_query_i64(&query);
        bool same = hyp_query_i64(&query) == task->device.id;
        same = hyp_query_i64(&query) == task->from && same;
        same = hyp_query_i64(&query) == task->to && same;
        *ret_id = *ret_id == 0 && same ? id : *ret_id;
        *ret_any = true;
    }
    return hyp_query_close(&query);
}

static uint64_t followed_readings(const struct hyp_store *store, int64_t request)
{
    uint64_t readings = 0;
    bool found = store->follower != NULL &&
                 hyp_map_get(&store->follower->forgotten, (uint64_t)request, &readings);
    return found ? readings : 0;
}

/* All members have the same in memory, so it does not matter which of them gets the care. */
static enum hyp_status count_followed(struct hyp_store *store, const struct task *task,
                                      uint64_t readings)
{
    struct hyp_map *counts = &store->follower->forgotten;
    int64_t id;
    bool any;
    enum hyp_status status = find_waiting(store->write.main, task, &id, &any);
    if (status == HYP_OK && !any) {
        hyp_map_finish(counts);
        hyp_map_init(counts);
    }
    return status == HYP_OK && id != 0
               ? hyp_map_set(counts, (uint64_t)id, followed_readings(store, id) + readings)
               : status;
}

enum hyp_status hyp_forget_follow(struct hyp_store *store, hyp_device_id device, int64_t from,
                                  int64_t to)
{
    const struct task task = {.device = device, .from = from, .to = to};
    struct hyp_series *series = hyp_historian_find(store->historian, device);
    uint64_t readings = 0;
    store->forget_pending = true;
    enum hyp_status status =
        series == NULL ? HYP_OK : forget_in_memory(store, series, &task, &readings);
    enum hyp_status counted = count_followed(store, &task, readings);
    return status == HYP_OK ? counted : status;
}

/* The latest values are in the table sealed too. */
static enum hyp_status forget_shown(struct hyp_store *store, struct hyp_series *series,
                                    const struct task *task)
{
    uint64_t readings = 0;
    enum hyp_status status = forget_in_memory(store, series, task, &readings);
    store->forgotten_unsealed += readings;
    if (status == HYP_OK && series->sealed_readings > 0) {
        hyp_db_begin(store->write.main);
        hyp_seal_save_sealed(store, series, 0);
        hyp_follow_note(store, HYP_CHANGE_SHOWN, series->device.id, 0, 0);
        status = hyp_db_commit(store->write.main);
    }
    return status;
}

/* --- log --- */

/* Who typed something in, and why. */
static void forget_entries(struct hyp_db *db, const struct task *task)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "DELETE FROM entry WHERE device = $1 AND time >= $2 AND time < $3");
    hyp_query_bind_i64(&query, task->device.id);
    hyp_query_bind_i64(&query, task->from);
    hyp_query_bind_i64(&query, task->to);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

static enum hyp_status forget_in_log(struct hyp_store *store, struct task *task)
{
    struct hyp_db *db = store->write.main;
    const struct hyp_erase_span span = {
        .device = task->device, .first = task->from, .last = task->to - 1};
    if (task->place == 0) {
        /* Saved with the first rows: after a restart the memory has what is left only. */
        task->readings =
            (int64_t)(store->forgotten_unsealed + followed_readings(store, task->id));
    }
    hyp_db_begin(db);
    if (!hyp_erase_log(db, &span, &task->place)) {
        forget_entries(db, task);
        hyp_follow_note(store, HYP_CHANGE_FORGET, task->device.id, task->from, task->to);
        next_stage(task, STAGE_CHUNKS, 0);
    }
    save_task(db, task);
    return hyp_db_commit(db);
}

/* --- chunks --- */

/* Texts of chunks become texts of the pool, so that they can be shown. */
static enum hyp_status pool_texts(struct hyp_store *store, const struct hyp_series *series,
                                  const struct hyp_row *row)
{
    const struct hyp_rows *rows = &store->sealer->rows;
    for (size_t i = 0; i < row->cells; i++) {
        struct hyp_cell *cell = &rows->cells[row->first_cell + i];
        if (series->columns[cell->column].value_kind == HYP_VALUE_TEXT && cell->payload < 0 &&
            hyp_quality_is_usable((enum hyp_quality)cell->quality)) {
            uint32_t number;
            enum hyp_status status = hyp_historian_text(
                store->historian, hyp_chunk_text(&store->sealer->texts, cell->payload),
                &number);
            if (status != HYP_OK) {
                return status;
            }
            cell->payload = number;
        }
    }
    return HYP_OK;
}

static enum hyp_status show_chunk(struct hyp_store *store, struct hyp_series *series)
{
    const struct hyp_rows *rows = &store->sealer->rows;
    enum hyp_status status = HYP_OK;
    for (uint32_t r = 0; r < rows->row_count && status == HYP_OK; r++) {
        status = pool_texts(store, series, &rows->rows[r]);
    }
    if (status == HYP_OK) {
        store->sealer->texts.pool = &store->historian->texts;
        pthread_rwlock_wrlock(&store->historian->lock);
        for (uint32_t r = 0; r < rows->row_count; r++) {
            show_row(series, rows, &rows->rows[r]);
        }
        pthread_rwlock_unlock(&store->historian->lock);
    }
    return status;
}

/* *ret_wrote: the chunk was there. */
static enum hyp_status forget_chunk(struct hyp_store *store, struct hyp_series *series,
                                    struct task *task, uint32_t period, bool *ret_wrote)
{
    struct hyp_sealer *sealer = store->sealer;
    struct hyp_seal_written written = {
        .device = series->device, .first = series->sealed_first, .last = series->sealed_last};
    int64_t id = hyp_period_chunk(period, series->device.id);
    int64_t log_row = 0;
    enum hyp_status status = hyp_chunk_table_log_row(store->write.main, id, &log_row);
    if (status == HYP_OK) {
        hyp_seal_clear_rows(sealer);
        status = hyp_seal_take_chunk(store, store->write.main, series, period, &written);
    }
    *ret_wrote = status == HYP_OK;
    if (status != HYP_OK) {
        /* One that is damaged cannot be read by anybody; it was told. */
        bool passed = status == HYP_NOT_FOUND || status == HYP_CORRUPT || status == HYP_LIMIT;
        return passed && store->write.main->failed == HYP_OK ? HYP_OK : status;
    }
    size_t removed = hyp_thin_remove(&sealer->rows, task->from, task->to);
    task->readings += (int64_t)removed;
    status = show_chunk(store, series);
    if (status == HYP_OK && removed == 0) {
        hyp_seal_save_sealed(store, series, 0);
        hyp_follow_note(store, HYP_CHANGE_SHOWN, series->device.id, 0, 0);
        return HYP_OK;
    }
    return status == HYP_OK ? hyp_seal_rewrite(store, series, id, log_row, &written) : status;
}

/* From a month before the span, for the latest values, to its end. */
static enum hyp_status forget_in_chunks(struct hyp_store *store, struct hyp_series *series,
                                        struct task *task)
{
    if (series == NULL || series->sealed_readings == 0) {
        next_stage(task, STAGE_FRAMES, -1);
        return save_alone(store->write.main, task);
    }
    int64_t first = HYP_MAX(series->sealed_first, task->from);
    int64_t last = HYP_MIN(series->sealed_last, task->to - 1);
    uint32_t month = hyp_period_month(hyp_period_of(first));
    int64_t begin = hyp_period_part(month > 0 ? month - 1 : 0, 0);
    int64_t end = last < first ? 0 : (int64_t)hyp_period_whole(hyp_period_of(last)) + 1;
    struct hyp_error err = {0};
    enum hyp_status status = HYP_OK;
    size_t writes = 0;
    hyp_db_begin(store->write.main);
    task->place = HYP_MAX(task->place, begin);
    for (size_t looks = 0; status == HYP_OK && task->place < end && looks < LOOKS_PER_STEP &&
                           writes < WRITES_PER_STEP;
         looks++, task->place++) {
        bool wrote = false;
        if ((task->place & 7) <= HYP_PERIOD_WHOLE) {
            status = forget_chunk(store, series, task, (uint32_t)task->place, &wrote);
        }
        writes += wrote;
    }
    if (task->place >= end) {
        next_stage(task, STAGE_FRAMES, -1);
    }
    save_task(store->write.main, task);
    return hyp_seal_commit(store, status, "forgetting", &err);
}

/* --- frames and files --- */

static enum hyp_status forget_in_frames(struct hyp_store *store, struct task *task)
{
    const struct hyp_frame_span span = {
        .device = task->device, .first = task->from, .last = task->to - 1};
    uint64_t erased = 0;
    enum hyp_status status = HYP_OK;
    if (task->place < 0) {
        status = hyp_frames_pack(store);
        task->place = 0;
    } else {
        status = hyp_frames_erase_step(store, &span, &task->place, &erased);
        task->frames += (int64_t)erased;
    }
    if (status == HYP_NOT_FOUND) {
        next_stage(task, STAGE_FILES, 0);
        status = HYP_OK;
    }
    return status == HYP_OK ? save_alone(store->write.main, task) : status;
}

/* What was deleted is still in free pages and in the write-ahead logs. */
static enum hyp_status forget_in_files(struct hyp_store *store, struct task *task)
{
    bool more = false;
    enum hyp_status status = hyp_db_purge(store->write.frames, &more);
    if (status == HYP_OK && !more) {
        status = hyp_db_purge(store->write.main, &more);
    }
    if (status == HYP_OK && !more) {
        task->ended = HYP_MAX(hyp_core_now(store).ms, (int64_t)1);
        next_stage(task, STAGE_DONE, 0);
        status = save_alone(store->write.main, task);
    }
    return status;
}

/* --- steps --- */

static enum hyp_status run_stage(struct hyp_store *store, struct hyp_series *series,
                                 struct task *task)
{
    switch ((enum stage)task->stage) {
    case STAGE_LOG: return forget_in_log(store, task);
    case STAGE_CHUNKS: return forget_in_chunks(store, series, task);
    case STAGE_FRAMES: return forget_in_frames(store, task);
    case STAGE_FILES: return forget_in_files(store, task);
    case STAGE_DONE: break;
    }
    return HYP_INTERNAL;
}

static bool step(struct hyp_store *store)
{
    if (!store->forget_pending) {
        return false;
    }
    struct task task = {0};
    enum hyp_status status = find_task(store->write.main, &task);
    if (status == HYP_NOT_FOUND) {
        store->forget_pending = false;
        return false;
    }
    struct hyp_series *series = hyp_historian_find(store->historian, task.device);
    if (status == HYP_OK && store->forgotten_counted != task.id) {
        store->forgotten_counted = task.id;
        store->forgotten_unsealed = 0;
    }
    if (status == HYP_OK && series != NULL && store->forgotten_in_memory != task.id) {
        status = forget_shown(store, series, &task);
        store->forgotten_in_memory = status == HYP_OK ? task.id : 0;
    }
    if (status == HYP_OK) {
        status = run_stage(store, series, &task);
    }
    if (status != HYP_OK && status != HYP_BUSY) {
        hyp_log_event(store->log, HYP_LOG_WARNING, "store.forget_failed",
                      "id=%lld device=%lld status=%s; trying again with the next batch",
                      (long long)task.id, (long long)task.device.id, hyp_status_name(status));
    }
    return status == HYP_OK;
}

bool hyp_forget_step(struct hyp_store *store)
{
    hyp_follow_enter_care(store);
    bool more = hyp_intake_is_applied(store->intake) && step(store);
    hyp_follow_leave_care(store);
    return more;
}

/* --- asking for it --- */

static void insert_task(struct hyp_db *db, struct hyp_forgotten *forgotten)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "INSERT INTO forgotten(tenant, device, since, until, account, reason,"
                   " requested, stage, place, readings, frames, ended)"
                   " VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, 0, 0) RETURNING id");
    hyp_query_bind_i64(&query, forgotten->tenant.id);
    hyp_query_bind_i64(&query, forgotten->device.id);
    hyp_query_bind_i64(&query, forgotten->from.ms);
    hyp_query_bind_i64(&query, forgotten->to.ms);
    hyp_query_bind_i64(&query, forgotten->user);
    hyp_query_bind_text(&query, forgotten->reason);
    hyp_query_bind_i64(&query, forgotten->requested.ms);
    if (hyp_query_row(&query)) {
        forgotten->id = hyp_query_i64(&query);
    }
    HYP_IGNORE(hyp_query_close(&query)); /* sticky until commit */
}

enum hyp_status hyp_store_forget(struct hyp_store *store, struct hyp_forgotten *forgotten,
                                 struct hyp_error *err)
{
    if (forgotten->from.ms >= forgotten->to.ms) {
        return hyp_error_set(err, HYP_INVALID, -1, "from: must be before \"to\".");
    }
    struct hyp_db *db = hyp_core_begin(store);
    forgotten->requested = hyp_core_now(store);
    forgotten->ended.ms = 0;
    enum hyp_status status =
        hyp_core_exists(db, HYP_SQL_DEVICE_EXISTS, forgotten->device.id, forgotten->tenant);
    if (status == HYP_NOT_FOUND) {
        hyp_error_set(err, status, -1, "there is no device %lld",
                      (long long)forgotten->device.id);
    } else {
        insert_task(db, forgotten);
        hyp_follow_note(store, HYP_CHANGE_FORGET, forgotten->device.id, forgotten->from.ms,
                        forgotten->to.ms);
    }
    status = hyp_core_commit(store, status, err, "forgetting");
    store->forget_pending |= status == HYP_OK;
    hyp_core_release(store);
    if (status == HYP_OK) {
        hyp_intake_wake(store->intake);
    }
    return status;
}

enum hyp_status hyp_store_forgotten(struct hyp_store *store, hyp_tenant_id tenant,
                                    struct hyp_arena *arena, struct hyp_forgotten **ret_list,
                                    size_t *ret_count)
{
    struct hyp_rowset set;
    struct hyp_forgotten *row;
    hyp_rowset_open(&set, store, arena, sizeof(*row),
                    "SELECT id, device, since, until, account, reason, requested, readings,"
                    " frames, ended FROM forgotten WHERE tenant = $1 ORDER BY id DESC");
    hyp_query_bind_i64(&set.query, tenant.id);
    while ((row = hyp_rowset_next(&set)) != NULL) {
        row->tenant = tenant;
        row->id = hyp_query_i64(&set.query);
        row->device.id = hyp_query_i64(&set.query);
        row->from = hyp_query_utc(&set.query);
        row->to = hyp_query_utc(&set.query);
        row->user = hyp_query_i64(&set.query);
        hyp_query_text(&set.query, row->reason, sizeof(row->reason));
        row->requested = hyp_query_utc(&set.query);
        row->readings = (uint64_t)hyp_query_i64(&set.query);
        row->frames = (uint64_t)hyp_query_i64(&set.query);
        row->ended = hyp_query_utc(&set.query);
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_list = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}
