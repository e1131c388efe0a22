/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings that come after their period was sealed, and the log that is read again at start.
 */
#include "store/chunk_table.h"
#include "store/seal_state.h"

/* Reads the chunk that holds `time` into sealer->rows, unless it is there from last time. */
static enum hyp_status cache_chunk(struct hyp_store *store, struct hyp_series *series,
                                   int64_t time)
{
    struct hyp_sealer *sealer = store->sealer;
    uint32_t period = hyp_period_of(time);
    int64_t ids[] = {hyp_period_chunk(hyp_period_whole(period), series->device.id),
                     hyp_period_chunk(period, series->device.id)};
    if (sealer->cached != 0 && (sealer->cached == ids[0] || sealer->cached == ids[1])) {
        return HYP_OK;
    }
    hyp_seal_clear_rows(sealer);
    /* A failure of the writing connection would refuse the batch; that of another one only
     * leaves the reading uncompared. A store in memory has one connection. */
    bool own = store->folder != NULL;
    struct hyp_connections reader = own ? hyp_core_reader(store) : store->write;
    enum hyp_status status =
        hyp_seal_take_chunk(store, reader.main, series, hyp_period_whole(period), NULL);
    sealer->cached = ids[0];
    if (status == HYP_NOT_FOUND) {
        status = hyp_seal_take_chunk(store, reader.main, series, period, NULL);
        sealer->cached = ids[1];
    }
    if (own) {
        hyp_core_reader_return(store, reader);
    }
    if (status != HYP_OK) {
        hyp_seal_clear_rows(sealer);
    }
    return status;
}

/* Payloads of texts name the chunk's own texts: known ones get their number in the pool. */
static struct hyp_cell with_pool_text(const struct hyp_store *store,
                                      const struct hyp_series *series,
                                      const struct hyp_cell *cell)
{
    struct hyp_cell known = *cell;
    uint32_t number;
    if (series->columns[cell->column].value_kind == HYP_VALUE_TEXT && cell->payload < 0 &&
        hyp_text_pool_find(&store->historian->texts,
                           hyp_chunk_text(&store->sealer->texts, cell->payload), &number)) {
        known.payload = number;
    }
    return known;
}

enum hyp_status hyp_seal_filter(struct hyp_store *store, struct hyp_series *series,
                                const struct hyp_row *row, struct hyp_cell *cells,
                                size_t *count)
{
    if (*count == 0 || !hyp_series_is_sealed(series, row->time, row->time + 1)) {
        return HYP_OK;
    }
    enum hyp_status status = cache_chunk(store, series, row->time);
    if (status == HYP_NOT_FOUND || status == HYP_CORRUPT) {
        /* What a damaged chunk knew cannot be told; the reading is kept. */
        return HYP_OK;
    }
    if (status != HYP_OK) {
        return status;
    }
    const struct hyp_rows *rows = &store->sealer->rows;
    for (size_t r = hyp_rows_find(rows, row->time);
         r < rows->row_count && rows->rows[r].time == row->time; r++) {
        size_t kept = 0;
        for (size_t i = 0; i < *count && rows->rows[r].kind == row->kind; i++) {
            const struct hyp_cell *cell =
                hyp_series_row_cell(rows, &rows->rows[r], cells[i].column);
            struct hyp_cell known;
            if (cell != NULL) {
                known = with_pool_text(store, series, cell);
            }
            if (cell == NULL || !hyp_series_covers(&known, &cells[i])) {
                cells[kept++] = cells[i];
            }
        }
        *count = rows->rows[r].kind == row->kind ? kept : *count;
    }
    return HYP_OK;
}

/* --- loading --- */

/* Up to which row of the log the chunk is complete; 0 without one. */
static enum hyp_status find_log_row(struct hyp_store *store, int64_t id, int64_t *ret_log_row)
{
    struct hyp_map *known = &store->sealer->complete;
    uint64_t value;
    if (hyp_map_get(known, (uint64_t)id, &value)) {
        *ret_log_row = (int64_t)value;
        return HYP_OK;
    }
    *ret_log_row = 0;
    enum hyp_status status = hyp_chunk_table_log_row(store->write.main, id, ret_log_row);
    if (status != HYP_OK && status != HYP_NOT_FOUND) {
        return status;
    }
    return hyp_map_set(known, (uint64_t)id, (uint64_t)*ret_log_row);
}

enum hyp_status hyp_seal_has(struct hyp_store *store, const struct hyp_series *series,
                             int64_t time, int64_t log_row, bool *ret_has)
{
    *ret_has = false;
    if (!hyp_series_is_sealed(series, time, time + 1)) {
        return HYP_OK;
    }
    uint32_t period = hyp_period_of(time);
    int64_t complete;
    enum hyp_status status = find_log_row(
        store, hyp_period_chunk(hyp_period_whole(period), series->device.id), &complete);
    if (status == HYP_OK && complete == 0) {
        status = find_log_row(store, hyp_period_chunk(period, series->device.id), &complete);
    }
    *ret_has = status == HYP_OK && log_row <= complete;
    return status;
}
