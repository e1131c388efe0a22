/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How chunks are read, written and accounted for by whoever changes them: the sealer, retention
 * and erasure. All of it in the writer's transaction.
 */
#include "store/seal_state.h"

#include "store/chunk_table.h"
#include "store/follow.h"
#include "store/sealed.h"

#include <stdlib.h>
#include <string.h>

/* --- reading --- */

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

/* From here on rows have cells. */
static enum hyp_status stop_gathering(struct hyp_sealer *sealer)
{
    sealer->gathering = false;
    return hyp_columns_spill(&sealer->columns, &sealer->rows);
}

static enum hyp_status add_rows(struct hyp_sealer *sealer, const struct hyp_chunk *chunk,
                                const struct hyp_chunk_target *target)
{
    if (sealer->gathering) {
        enum hyp_status status =
            hyp_chunk_gather(chunk, &sealer->work, target, &sealer->rows, &sealer->columns);
        if (status == HYP_NOT_FOUND) {
            status = stop_gathering(sealer);
        }
        if (status != HYP_OK || sealer->gathering) {
            return status;
        }
    }
    return hyp_chunk_rows(chunk, &sealer->work, target, &sealer->rows);
}

enum hyp_status hyp_seal_take_memory(struct hyp_sealer *sealer, const struct hyp_series *series,
                                     int64_t from, int64_t to)
{
    int64_t next = from;
    if (sealer->gathering) {
        enum hyp_status status =
            hyp_series_gather(series, from, to, &sealer->columns, &sealer->rows, &next);
        if (status == HYP_NOT_FOUND) {
            status = stop_gathering(sealer);
        }
        if (status != HYP_OK || sealer->gathering) {
            return status;
        }
    }
    return hyp_series_copy_rows(series, next, to, HYP_ALL_COLUMNS, &sealer->scratch,
                                &sealer->rows);
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
        status = add_rows(sealer, &chunk, &target);
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
    sealer->gathering = false;
    hyp_columns_clear(&sealer->columns);
}

void hyp_seal_begin_rows(struct hyp_sealer *sealer, const struct hyp_series *series)
{
    hyp_seal_clear_rows(sealer);
    sealer->gathering = true;
    for (uint32_t c = 0; c < series->column_count; c++) {
        sealer->gathering &= sealer->points[c].value_kind != HYP_VALUE_TEXT;
    }
}

uint64_t hyp_seal_count_cells(const struct hyp_sealer *sealer)
{
    if (sealer->gathering) {
        return (uint64_t)sealer->columns.count * sealer->columns.rows;
    }
    uint64_t count = 0;
    for (uint32_t r = 0; r < sealer->rows.row_count; r++) {
        count += sealer->rows.rows[r].cells;
    }
    return count;
}

/* --- writing --- */

enum hyp_status hyp_seal_list_points(struct hyp_sealer *sealer, const struct hyp_series *series)
{
    enum hyp_status status = hyp_reserve(&sealer->points, &sealer->point_capacity,
                                         series->column_count, sizeof(*sealer->points));
    for (uint32_t c = 0; c < series->column_count && status == HYP_OK; c++) {
        struct hyp_point_key key = hyp_register_key(series->columns[c].reg);
        sealer->points[c] =
            (struct hyp_chunk_point){.point = series->columns[c].point,
                                     .value_kind = series->columns[c].value_kind,
                                     .role = (uint8_t)hyp_chunk_role_of(&key),
                                     .likeness = hyp_chunk_likeness_of(&key)};
    }
    return status;
}

enum hyp_status hyp_seal_write_chunk(struct hyp_store *store, const struct hyp_series *series,
                                     uint32_t period, int64_t log_row, unsigned parts)
{
    struct hyp_sealer *sealer = store->sealer;
    sealer->texts.pool = &store->historian->texts;
    struct hyp_chunk_source source = {.rows = &sealer->rows,
                                      .points = sealer->points,
                                      .point_count = series->column_count,
                                      .texts = &sealer->texts,
                                      .columns = sealer->gathering ? &sealer->columns : NULL,
                                      .thorough = period == hyp_period_whole(period)};
    hyp_buf_reset(&sealer->head);
    hyp_buf_reset(&sealer->data);
    enum hyp_status status =
        hyp_chunk_write(&sealer->work, &source, &sealer->head, &sealer->data);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_chunk_row row = {.id = hyp_period_chunk(period, series->device.id),
                                .tenant = series->tenant,
                                .log_row = log_row,
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

/* --- accounts --- */

enum hyp_status hyp_seal_note_written(struct hyp_sealer *sealer,
                                      const struct hyp_seal_written *written)
{
    enum hyp_status status = hyp_reserve(&sealer->written, &sealer->written_capacity,
                                         sealer->written_count + 1, sizeof(*sealer->written));
    if (status == HYP_OK) {
        sealer->written[sealer->written_count++] = *written;
    }
    return status;
}

static void add_written(struct hyp_series *series, const struct hyp_seal_written *written)
{
    bool any = series->sealed_readings > 0;
    series->sealed_first = any ? HYP_MIN(series->sealed_first, written->first) : written->first;
    series->sealed_last = any ? HYP_MAX(series->sealed_last, written->last) : written->last;
    series->sealed_readings += (uint64_t)written->readings;
    series->sealed_values += (uint64_t)written->values;
}

/* The device's row of the table sealed as it is after the slice. */
void hyp_seal_save_sealed(struct hyp_store *store, const struct hyp_series *series,
                          size_t first_written)
{
    struct hyp_sealer *sealer = store->sealer;
    struct hyp_series after = *series;
    for (size_t i = first_written; i < sealer->written_count; i++) {
        if (sealer->written[i].device.id == series->device.id) {
            add_written(&after, &sealer->written[i]);
        }
    }
    hyp_buf_reset(&sealer->shown);
    hyp_sealed_write_shown(store->historian, series, &sealer->shown);
    if (hyp_buf_status(&sealer->shown) != HYP_OK) {
        hyp_db_fail(store->write.main, hyp_buf_status(&sealer->shown));
        return;
    }
    struct hyp_sealed_row row = {.device = series->device,
                                 .tenant = series->tenant,
                                 .readings = (int64_t)after.sealed_readings,
                                 .values = (int64_t)after.sealed_values,
                                 .oldest = after.sealed_first,
                                 .newest = after.sealed_last,
                                 .shown = hyp_buf_view(&sealer->shown)};
    hyp_sealed_put(store->write.main, &row);
}

static void forget_thinned(struct hyp_db *db, int64_t id)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "DELETE FROM thinned WHERE chunk = $1");
    hyp_query_bind_i64(&query, id);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

enum hyp_status hyp_seal_rewrite(struct hyp_store *store, struct hyp_series *series, int64_t id,
                                 int64_t log_row, struct hyp_seal_written *written)
{
    struct hyp_sealer *sealer = store->sealer;
    enum hyp_status status = HYP_OK;
    if (sealer->rows.row_count == 0) {
        hyp_chunk_table_remove(store->write.main, id);
        forget_thinned(store->write.main, id);
    } else {
        status = hyp_seal_list_points(sealer, series);
        if (status == HYP_OK) {
            status = hyp_seal_write_chunk(store, series, hyp_period_of_chunk(id), log_row, 0);
        }
        written->first = sealer->rows.rows[0].time;
        written->last = sealer->rows.rows[sealer->rows.row_count - 1].time;
    }
    written->readings += sealer->rows.row_count;
    written->values += (int64_t)hyp_seal_count_cells(sealer);
    if (status == HYP_OK) {
        status = hyp_seal_note_written(sealer, written);
    }
    if (status == HYP_OK) {
        hyp_seal_save_sealed(store, series, 0);
    }
    return status;
}

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
enum hyp_status hyp_seal_commit(struct hyp_store *store, enum hyp_status status,
                                const char *what, struct hyp_error *err)
{
    struct hyp_sealer *sealer = store->sealer;
    for (size_t i = 0; i < sealer->written_count && status == HYP_OK; i++) {
        const struct hyp_seal_written *written = &sealer->written[i];
        hyp_follow_note(store, HYP_CHANGE_CHUNK, written->device.id, written->from,
                        written->to);
    }
    pthread_rwlock_wrlock(&store->historian->lock);
    status = hyp_core_commit(store, status, err, what);
    if (status == HYP_OK) {
        apply_written(store);
    }
    hyp_follow_sealed(store, status);
    pthread_rwlock_unlock(&store->historian->lock);
    sealer->written_count = 0;
    sealer->slice_bytes = 0;
    return status;
}
