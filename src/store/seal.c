/* SPDX-License-Identifier: Apache-2.0 */
#include "store/seal_state.h"

#include "store/chunk_table.h"
#include "store/intake.h"
#include "store/period.h"
#include "store/sealed.h"

#include <stdlib.h>
#include <string.h>

/* Devices of one slice, and bytes of chunks after which it ends before. */
#define SLICE_DEVICES 64
#define SLICE_BYTES ((size_t)4 << 20)
/* Rows of the log removed in one step. */
#define LOG_ROWS_PER_STEP 64

enum hyp_status hyp_sealer_create(struct hyp_sealer **ret_sealer)
{
    struct hyp_sealer *sealer = calloc(1, sizeof(*sealer));
    if (sealer == NULL) {
        return HYP_NO_MEMORY;
    }
    struct hyp_buf *const builders[] = {&sealer->head, &sealer->data, &sealer->shown,
                                        &sealer->old_head};
    for (size_t i = 0; i < HYP_ARRAY_LEN(builders); i++) {
        hyp_buf_init_heap(builders[i], HYP_LIMIT_CHUNK_BYTES);
    }
    for (size_t i = 0; i < HYP_SEAL_SLOTS; i++) {
        hyp_buf_init_heap(&sealer->old[i], HYP_LIMIT_CHUNK_BYTES);
    }
    hyp_map_init(&sealer->complete);
    hyp_map_init(&sealer->unreadable);
    *ret_sealer = sealer;
    return HYP_OK;
}

void *hyp_sealer_destroy(struct hyp_sealer *sealer)
{
    if (sealer == NULL) {
        return NULL;
    }
    hyp_chunk_work_finish(&sealer->work);
    hyp_rows_finish(&sealer->rows);
    hyp_rows_finish(&sealer->scratch);
    hyp_chunk_texts_finish(&sealer->texts);
    free(sealer->points);
    hyp_buf_finish(&sealer->head);
    hyp_buf_finish(&sealer->data);
    hyp_buf_finish(&sealer->shown);
    hyp_buf_finish(&sealer->old_head);
    for (size_t i = 0; i < HYP_SEAL_SLOTS; i++) {
        hyp_buf_finish(&sealer->old[i]);
    }
    free(sealer->written);
    free(sealer->log);
    free(sealer->devices);
    hyp_map_finish(&sealer->complete);
    hyp_map_finish(&sealer->unreadable);
    free(sealer);
    return NULL;
}

static enum hyp_status reserve(void *memory_of, size_t *capacity, size_t wanted, size_t size)
{
    if (wanted <= *capacity) {
        return HYP_OK;
    }
    void *memory;
    memcpy(&memory, memory_of, sizeof(memory));
    size_t bigger = HYP_MAX(*capacity * 2, HYP_MAX(wanted, (size_t)64));
    void *grown = realloc(memory, bigger * size);
    if (grown == NULL) {
        return HYP_NO_MEMORY;
    }
    memcpy(memory_of, &grown, sizeof(grown));
    *capacity = bigger;
    return HYP_OK;
}

/* --- chunks as they are read --- */

enum hyp_status hyp_seal_open_chunk(struct hyp_chunk *chunk, const struct hyp_buf *head,
                                    const struct hyp_buf *data)
{
    if (hyp_chunk_open(chunk, hyp_buf_view(head)) != HYP_OK ||
        hyp_chunk_attach(chunk, hyp_buf_view(data)) != HYP_OK) {
        return HYP_CORRUPT;
    }
    return HYP_OK;
}

uint32_t hyp_seal_column_of(void *user, int64_t point)
{
    return hyp_series_find_point(user, point, 0);
}

uint64_t hyp_seal_count_values(const struct hyp_chunk *chunk)
{
    struct hyp_chunk_cursor cursor;
    struct hyp_chunk_column column;
    uint64_t count = 0;
    hyp_chunk_columns(chunk, &cursor);
    while (hyp_chunk_next_column(&cursor, &column) == HYP_OK) {
        count += column.cells;
    }
    return count;
}

static void report_damage(struct hyp_store *store, int64_t id, enum hyp_status status)
{
    hyp_log_event(store->log, HYP_LOG_ERROR, "store.chunk_damaged",
                  "table=chunk id=%lld device=%lld reason=%s; its readings cannot be read, "
                  "new ones wait in the log: restore a backup to get it back",
                  (long long)id, (long long)hyp_period_device(id), hyp_status_name(status));
}

static bool has_unknown_point(const struct hyp_chunk *chunk, struct hyp_series *series)
{
    struct hyp_chunk_cursor cursor;
    struct hyp_chunk_column column;
    hyp_chunk_columns(chunk, &cursor);
    while (hyp_chunk_next_column(&cursor, &column) == HYP_OK) {
        if (hyp_seal_column_of(series, column.point) == UINT32_MAX) {
            return true;
        }
    }
    return false;
}

enum hyp_status hyp_seal_take_chunk(struct hyp_store *store, struct hyp_db *db,
                                    struct hyp_series *series, uint32_t period,
                                    struct hyp_seal_written *written)
{
    struct hyp_sealer *sealer = store->sealer;
    struct hyp_buf *data = &sealer->old[period & 7u];
    int64_t id = hyp_period_chunk(period, series->device.id);
    int64_t log_row;
    enum hyp_status status = hyp_chunk_table_get(db, id, &log_row, &sealer->old_head, data);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_chunk chunk;
    struct hyp_chunk_target target = {
        .column_of = hyp_seal_column_of, .user = series, .texts = &sealer->texts};
    status = hyp_seal_open_chunk(&chunk, &sealer->old_head, data);
    if (status == HYP_OK && written != NULL && has_unknown_point(&chunk, series)) {
        /* A word that this program does not know: it must not be written out of the chunk. */
        return HYP_LIMIT;
    }
    if (status == HYP_OK) {
        status = hyp_chunk_rows(&chunk, &sealer->work, &target, &sealer->rows);
    }
    if (status == HYP_MALFORMED || status == HYP_CORRUPT) {
        report_damage(store, id, status);
        return HYP_CORRUPT;
    }
    if (status == HYP_OK && written != NULL) {
        written->readings -= chunk.rows;
        written->values -= (int64_t)hyp_seal_count_values(&chunk);
    }
    return status;
}

void hyp_seal_clear_rows(struct hyp_sealer *sealer)
{
    sealer->rows.row_count = 0;
    sealer->rows.cell_count = 0;
    sealer->texts.count = 0;
    sealer->cached = 0;
}

/* --- one period of one device --- */

/* What there is in chunks of the period: the whole month's if there is one. *ret_period says
 * which chunk is to be written, *ret_parts which parts it takes the place of. */
static enum hyp_status take_chunks(struct hyp_store *store, struct hyp_series *series,
                                   bool month_is_past, uint32_t *period, unsigned *ret_parts,
                                   struct hyp_seal_written *written)
{
    struct hyp_db *db = store->write.main;
    uint32_t whole = hyp_period_whole(*period);
    *ret_parts = 0;
    enum hyp_status status = hyp_seal_take_chunk(store, db, series, whole, written);
    if (status == HYP_OK) {
        *period = whole;
    }
    if (status != HYP_NOT_FOUND) {
        return status;
    }
    if (!month_is_past) {
        status = hyp_seal_take_chunk(store, db, series, *period, written);
        return status == HYP_NOT_FOUND ? HYP_OK : status;
    }
    *period = whole;
    for (uint32_t part = 0; part < HYP_PERIOD_PARTS; part++) {
        status = hyp_seal_take_chunk(store, db, series,
                                     hyp_period_part(hyp_period_month(whole), part), written);
        if (status == HYP_OK) {
            *ret_parts |= 1u << part;
        } else if (status != HYP_NOT_FOUND) {
            return status;
        }
    }
    return HYP_OK;
}

static enum hyp_status list_points(struct hyp_sealer *sealer, const struct hyp_series *series)
{
    enum hyp_status status = reserve(&sealer->points, &sealer->point_capacity,
                                     series->column_count, sizeof(*sealer->points));
    for (uint32_t c = 0; c < series->column_count && status == HYP_OK; c++) {
        sealer->points[c] = (struct hyp_chunk_point){
            .point = series->columns[c].point,
            .value_kind = series->columns[c].value_kind,
            .role = (uint8_t)hyp_chunk_role_of(&series->columns[c].key)};
    }
    return status;
}

static enum hyp_status write_chunk(struct hyp_store *store, const struct hyp_series *series,
                                   uint32_t period, unsigned parts)
{
    struct hyp_sealer *sealer = store->sealer;
    sealer->texts.pool = &store->historian->texts;
    struct hyp_chunk_source source = {.rows = &sealer->rows,
                                      .points = sealer->points,
                                      .point_count = series->column_count,
                                      .texts = &sealer->texts,
                                      .thorough = period == hyp_period_whole(period)};
    hyp_buf_reset(&sealer->head);
    hyp_buf_reset(&sealer->data);
    enum hyp_status status =
        hyp_chunk_write(&sealer->work, &source, &sealer->head, &sealer->data);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_chunk_row row = {.id = hyp_period_chunk(period, series->device.id),
                                .log_row = sealer->log_row,
                                .head = hyp_buf_view(&sealer->head),
                                .data = hyp_buf_view(&sealer->data)};
    for (uint32_t part = 0; part < HYP_PERIOD_PARTS; part++) {
        if ((parts & 1u << part) != 0) {
            uint32_t old = hyp_period_part(hyp_period_month(period), part);
            hyp_chunk_table_remove(store->write.main, hyp_period_chunk(old, series->device.id));
        }
    }
    hyp_chunk_table_put(store->write.main, &row);
    sealer->slice_bytes += row.head.len + row.data.len;
    return HYP_OK;
}

/* Seals the period that `time` falls into. *ret_next: where the next one begins. */
static enum hyp_status seal_period(struct hyp_store *store, struct hyp_series *series,
                                   int64_t time, int64_t *ret_next)
{
    struct hyp_sealer *sealer = store->sealer;
    uint32_t period = hyp_period_of(time);
    *ret_next = hyp_period_end(period);
    bool month_is_past = hyp_period_end(hyp_period_whole(period)) <= sealer->horizon;
    struct hyp_seal_written written = {.device = series->device};
    unsigned parts;
    hyp_seal_clear_rows(sealer);
    enum hyp_status status = reserve(&sealer->written, &sealer->written_capacity,
                                     sealer->written_count + 1, sizeof(*sealer->written));
    if (status == HYP_OK) {
        status = take_chunks(store, series, month_is_past, &period, &parts, &written);
    }
    if (status != HYP_OK) {
        return status;
    }
    /* All of it, even if the clock was set back and the period goes on: a chunk is complete. */
    written.from = hyp_period_start(period);
    written.to = hyp_period_end(period);
    *ret_next = written.to;
    status = hyp_series_copy_rows(series, written.from, written.to, HYP_ALL_COLUMNS,
                                  &sealer->scratch, &sealer->rows);
    if (status == HYP_OK) {
        status = write_chunk(store, series, period, parts);
    }
    if (status == HYP_OK) {
        written.first = sealer->rows.rows[0].time;
        written.last = sealer->rows.rows[sealer->rows.row_count - 1].time;
        written.readings += sealer->rows.row_count;
        for (uint32_t r = 0; r < sealer->rows.row_count; r++) {
            written.values += sealer->rows.rows[r].cells;
        }
        sealer->written[sealer->written_count++] = written;
    }
    return status;
}

/* --- one device --- */

static void add_written(struct hyp_series *series, const struct hyp_seal_written *written)
{
    bool any = series->sealed_readings > 0;
    series->sealed_first = any ? HYP_MIN(series->sealed_first, written->first) : written->first;
    series->sealed_last = any ? HYP_MAX(series->sealed_last, written->last) : written->last;
    series->sealed_readings += (uint64_t)written->readings;
    series->sealed_values += (uint64_t)written->values;
}

/* The device's row of the table sealed as it is after the slice. */
static void save_sealed(struct hyp_store *store, const struct hyp_series *series,
                        size_t first_written)
{
    struct hyp_sealer *sealer = store->sealer;
    struct hyp_series after = *series;
    for (size_t i = first_written; i < sealer->written_count; i++) {
        add_written(&after, &sealer->written[i]);
    }
    hyp_buf_reset(&sealer->shown);
    hyp_sealed_write_shown(store->historian, series, &sealer->shown);
    if (hyp_buf_status(&sealer->shown) != HYP_OK) {
        hyp_db_fail(store->write.main, hyp_buf_status(&sealer->shown));
        return;
    }
    struct hyp_sealed_row row = {.device = series->device,
                                 .readings = (int64_t)after.sealed_readings,
                                 .values = (int64_t)after.sealed_values,
                                 .oldest = after.sealed_first,
                                 .newest = after.sealed_last,
                                 .shown = hyp_buf_view(&sealer->shown)};
    hyp_sealed_put(store->write.main, &row);
}

/* Is it this device's data, and not the database or the memory, that is in the way? */
static bool is_own_fault(enum hyp_status status)
{
    return status == HYP_CORRUPT || status == HYP_LIMIT;
}

static enum hyp_status seal_device(struct hyp_store *store, struct hyp_series *series)
{
    struct hyp_sealer *sealer = store->sealer;
    size_t first_written = sealer->written_count;
    enum hyp_status status = list_points(sealer, series);
    int64_t time = INT64_MIN;
    while (status == HYP_OK) {
        uint32_t block = hyp_series_find_block(series, time);
        if (block == series->block_count || series->blocks[block].first >= sealer->horizon) {
            break;
        }
        int64_t next;
        status = seal_period(store, series, HYP_MAX(time, series->blocks[block].first), &next);
        if (is_own_fault(status) && store->write.main->failed == HYP_OK) {
            /* The others can be sealed; these stay in log and memory. */
            sealer->failed = true;
            status = HYP_OK;
        }
        time = next;
    }
    if (status == HYP_OK && sealer->written_count > first_written) {
        save_sealed(store, series, first_written);
    }
    return status;
}

/* --- slices --- */

/* After the commit: memory and counters follow. */
static void apply_written(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    struct hyp_historian *historian = store->historian;
    for (size_t i = 0; i < sealer->written_count; i++) {
        const struct hyp_seal_written *written = &sealer->written[i];
        struct hyp_series *series = hyp_historian_find(historian, written->device);
        size_t memory = series->memory;
        uint64_t readings = series->readings;
        uint64_t values = series->values;
        hyp_series_drop(series, written->from, written->to);
        add_written(series, written);
        historian->memory -= memory - series->memory;
        historian->readings += (uint64_t)written->readings - (readings - series->readings);
        historian->values += (uint64_t)written->values - (values - series->values);
    }
}

/* The database is locked for readers of the historian while the commit lasts, so that none sees
 * a reading in both places, or in neither. */
static bool finish_slice(struct hyp_store *store, enum hyp_status status)
{
    struct hyp_sealer *sealer = store->sealer;
    struct hyp_error err = {0};
    pthread_rwlock_wrlock(&store->historian->lock);
    status = hyp_core_commit(store, status, &err, "sealing");
    if (status == HYP_OK) {
        apply_written(store);
    }
    pthread_rwlock_unlock(&store->historian->lock);
    sealer->written_count = 0;
    sealer->slice_bytes = 0;
    if (status != HYP_OK) {
        sealer->running = false;
        sealer->last_start = 0;
        hyp_log_event(store->log, HYP_LOG_WARNING, "store.seal_failed",
                      "status=%s reason=\"%s\"; the log keeps everything, trying again later",
                      hyp_status_name(status), err.text);
    }
    return status == HYP_OK;
}

static bool seal_slice(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    size_t begin = sealer->device_next;
    hyp_device_id device = {0};
    uint64_t known;
    hyp_db_begin(store->write.main);
    enum hyp_status status = store->write.main->failed;
    for (size_t n = 0;
         status == HYP_OK && n < SLICE_DEVICES && sealer->slice_bytes < SLICE_BYTES &&
         sealer->device_next < sealer->device_count;
         n++) {
        device.id = sealer->devices[sealer->device_next++];
        struct hyp_series *series = hyp_historian_find(store->historian, device);
        if (hyp_map_get(&sealer->unreadable, (uint64_t)device.id, &known)) {
            sealer->failed = true;
        } else if (series != NULL) {
            status = seal_device(store, series);
        }
    }
    bool done = finish_slice(store, status);
    if (status == HYP_CORRUPT &&
        hyp_map_set(&sealer->unreadable, (uint64_t)device.id, 1) == HYP_OK) {
        /* A page of the database cannot be read: again without this device. */
        sealer->device_next = begin;
        sealer->failed = true;
        sealer->running = true;
        return true;
    }
    return done;
}

/* --- the log --- */

enum hyp_status hyp_seal_reserve_log(struct hyp_store *store, size_t rows)
{
    struct hyp_sealer *sealer = store->sealer;
    return reserve(&sealer->log, &sealer->log_capacity, sealer->log_count + rows,
                   sizeof(*sealer->log));
}

enum hyp_status hyp_seal_note_log(struct hyp_store *store, int64_t row, int64_t newest)
{
    enum hyp_status status = hyp_seal_reserve_log(store, 1);
    if (status == HYP_OK) {
        struct hyp_sealer *sealer = store->sealer;
        sealer->log[sealer->log_count++] =
            (struct hyp_seal_logged){.row = row, .newest = newest};
        sealer->log_rows = sealer->log_count;
    }
    return status;
}

size_t hyp_seal_log_rows(const struct hyp_store *store)
{
    return store->sealer->log_rows;
}

static bool is_superfluous(const struct hyp_sealer *sealer, size_t i)
{
    return sealer->log[i].row <= sealer->log_end && sealer->log[i].newest < sealer->horizon;
}

/* Removes some rows of the log that hold nothing but sealed readings. */
static bool trim_log(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    size_t begin = sealer->log_next;
    while (begin < sealer->log_count && !is_superfluous(sealer, begin)) {
        begin++;
    }
    size_t end = begin;
    while (end < sealer->log_count && end - begin < LOG_ROWS_PER_STEP &&
           is_superfluous(sealer, end)) {
        end++;
    }
    sealer->log_next = begin;
    if (begin == end) {
        return false;
    }
    hyp_db_begin(store->write.main);
    hyp_intake_log_remove(store->write.main, sealer->log[begin].row, sealer->log[end - 1].row);
    struct hyp_error err = {0};
    if (hyp_core_commit(store, HYP_OK, &err, "trimming the log") != HYP_OK) {
        sealer->running = false;
        sealer->last_start = 0;
        return false;
    }
    memmove(&sealer->log[begin], &sealer->log[end],
            (sealer->log_count - end) * sizeof(*sealer->log));
    sealer->log_count -= end - begin;
    sealer->log_rows = sealer->log_count;
    return true;
}

/* --- runs --- */

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool is_due(const struct hyp_series *series, int64_t horizon)
{
    return series->block_count > 0 && series->blocks[0].first < horizon;
}

static enum hyp_status list_devices(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    sealer->device_count = 0;
    sealer->device_next = 0;
    size_t cursor = 0;
    uint64_t key;
    uint64_t value;
    while (hyp_map_next(&store->historian->devices, &cursor, &key, &value)) {
        const struct hyp_series *series = (const struct hyp_series *)(uintptr_t)value;
        if (!is_due(series, sealer->horizon)) {
            continue;
        }
        if (series->device.id > HYP_PERIOD_DEVICE_MAX) {
            sealer->failed = true; /* beyond the keys of chunks: it stays in the log */
            continue;
        }
        enum hyp_status status = reserve(&sealer->devices, &sealer->device_capacity,
                                         sealer->device_count + 1, sizeof(*sealer->devices));
        if (status != HYP_OK) {
            return status;
        }
        sealer->devices[sealer->device_count++] = (int64_t)key;
    }
    if (sealer->device_count > 0) {
        qsort(sealer->devices, sealer->device_count, sizeof(*sealer->devices), compare_ids);
    }
    return HYP_OK;
}

/* A run begins when a period has become past, and for late readings when there are many, or an
 * hour after the last run. */
static bool is_time(struct hyp_store *store, int64_t now, int64_t horizon)
{
    const struct hyp_sealer *sealer = store->sealer;
    if (sealer->last_start == 0 || horizon != sealer->last_horizon) {
        return true;
    }
    uint64_t readings = store->historian->readings - sealer->last_readings;
    return readings >= store->seal_readings || now < sealer->last_start ||
           now - sealer->last_start >= HYP_LIMIT_SEAL_PAUSE_MS;
}

static int64_t last_log_row(const struct hyp_sealer *sealer)
{
    return sealer->log_count > 0 ? sealer->log[sealer->log_count - 1].row : 0;
}

static bool begin_run(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    int64_t now = hyp_core_now(store).ms;
    int64_t horizon = hyp_period_start(hyp_period_of(now - HYP_LIMIT_SEAL_GRACE_MS));
    if (!is_time(store, now, horizon)) {
        return false;
    }
    sealer->horizon = horizon;
    sealer->last_horizon = horizon;
    sealer->last_start = now == 0 ? 1 : now;
    sealer->last_readings = store->historian->readings;
    sealer->log_end = last_log_row(sealer);
    sealer->log_next = 0;
    sealer->failed = false;
    sealer->running = list_devices(store) == HYP_OK && sealer->device_count > 0;
    return sealer->running;
}

static bool step(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    if (!sealer->running && !begin_run(store)) {
        return hyp_db_tidy(store->write.main);
    }
    /* Each slice is complete up to what is committed and applied by now. */
    sealer->log_row = last_log_row(sealer);
    if (sealer->device_next < sealer->device_count) {
        return seal_slice(store);
    }
    if (!sealer->failed && trim_log(store)) {
        return true;
    }
    sealer->running = false;
    return true;
}

bool hyp_seal_step(struct hyp_store *store)
{
    hyp_core_enter(store);
    bool more = hyp_intake_is_applied(store->intake) && step(store);
    hyp_core_release(store);
    return more;
}
