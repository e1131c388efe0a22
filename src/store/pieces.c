/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pieces.h"

#include "store/chunk_table.h"
#include "store/follow.h"
#include "store/period.h"
#include "store/seal.h"

#include <stdlib.h>

static void take_lock(struct hyp_pieces *pieces)
{
    /* First the connection: a writer holds its own while it waits for the lock. */
    pieces->reader = hyp_core_reader(pieces->store);
    pthread_rwlock_rdlock(&pieces->store->historian->lock);
}

static void let_go(struct hyp_pieces *pieces)
{
    if (pieces->store->member != NULL) {
        hyp_db_rollback(pieces->reader.main);
        pieces->reader.main->failed = HYP_OK;
    }
    pthread_rwlock_unlock(&pieces->store->historian->lock);
    hyp_core_reader_return(pieces->store, pieces->reader);
}

/* Others, or a commit that was given up, may have sealed what memory still has: then it would
 * be seen twice. From here on a member's connection sees the database as it is now. */
static bool agree(struct hyp_pieces *pieces)
{
    if (pieces->status != HYP_OK) {
        return true; /* it was tried often enough */
    }
    if (pieces->store->member == NULL) {
        return !hyp_follow_is_unsure(pieces->store);
    }
    bool agrees = false;
    hyp_db_begin_snapshot(pieces->reader.main);
    enum hyp_status status = pieces->reader.main->failed;
    if (status == HYP_OK) {
        status = hyp_follow_agrees(pieces->store, pieces->reader.main, &agrees);
    }
    if (status != HYP_OK) {
        pieces->status = status;
    }
    return agrees || status != HYP_OK;
}

void hyp_pieces_begin(struct hyp_pieces *pieces, struct hyp_store *store)
{
    *pieces = (struct hyp_pieces){.store = store, .texts.pool = &store->historian->texts};
    hyp_buf_init_heap(&pieces->head, HYP_LIMIT_CHUNK_BYTES);
    hyp_buf_init_heap(&pieces->data, HYP_LIMIT_CHUNK_BYTES);
    take_lock(pieces);
    for (int i = 0; !agree(pieces); i++) {
        let_go(pieces);
        /* A member meets a failure again, or not, at the next look; alone there is nobody whose
         * writing would be in the way. */
        enum hyp_status caught_up = hyp_store_catch_up(store);
        if (i == HYP_LIMIT_MEMBER_LOOKS || (store->member == NULL && caught_up != HYP_OK)) {
            pieces->status = HYP_BUSY;
        }
        take_lock(pieces);
    }
}

void hyp_pieces_end(struct hyp_pieces *pieces)
{
    let_go(pieces);
    free(pieces->list);
    hyp_chunk_texts_finish(&pieces->texts);
    hyp_chunk_work_finish(&pieces->work);
    hyp_rows_finish(&pieces->rows);
    hyp_rows_finish(&pieces->scratch);
    hyp_buf_finish(&pieces->head);
    hyp_buf_finish(&pieces->data);
}

/* --- the list --- */

static enum hyp_status add_piece(struct hyp_pieces *pieces, const struct hyp_piece *piece)
{
    enum hyp_status status =
        hyp_reserve(&pieces->list, &pieces->capacity, pieces->count + 1, sizeof(*pieces->list));
    if (status == HYP_OK) {
        pieces->list[pieces->count++] = *piece;
    }
    return status;
}

/* Adds the blocks from *block on that begin before `time`. */
static enum hyp_status add_blocks(struct hyp_pieces *pieces, uint32_t *block, int64_t time)
{
    const struct hyp_series *series = pieces->series;
    enum hyp_status status = HYP_OK;
    for (; status == HYP_OK && *block < series->block_count &&
           series->blocks[*block].first < time;
         (*block)++) {
        const struct hyp_block *source = &series->blocks[*block];
        struct hyp_piece piece = {.first = source->first,
                                  .last = source->last,
                                  .rows = source->rows,
                                  .block = *block};
        status = add_piece(pieces, &piece);
    }
    return status;
}

/* Adds a chunk with the blocks of its period. */
static enum hyp_status add_chunk(struct hyp_pieces *pieces, const struct hyp_chunk *chunk,
                                 int64_t id, uint32_t *block)
{
    const struct hyp_series *series = pieces->series;
    uint32_t period = hyp_period_of_chunk(id);
    enum hyp_status status = add_blocks(pieces, block, hyp_period_start(period));
    struct hyp_piece piece = {
        .first = chunk->first, .last = chunk->last, .rows = chunk->rows, .chunk = id};
    int64_t end = hyp_period_end(period);
    for (; *block < series->block_count && series->blocks[*block].first < end; (*block)++) {
        const struct hyp_block *late = &series->blocks[*block];
        piece.first = HYP_MIN(piece.first, late->first);
        piece.last = HYP_MAX(piece.last, late->last);
        piece.rows += late->rows;
    }
    return status == HYP_OK ? add_piece(pieces, &piece) : status;
}

static enum hyp_status report(struct hyp_pieces *pieces, int64_t id, enum hyp_status status)
{
    hyp_log_event(pieces->store->log, HYP_LOG_ERROR, "store.chunk_damaged",
                  "table=chunk id=%lld device=%lld reason=%s; its readings cannot be shown: "
                  "restore a backup to get it back",
                  (long long)id, (long long)hyp_period_device(id), hyp_status_name(status));
    return HYP_CORRUPT;
}

static enum hyp_status list_chunk(struct hyp_pieces *pieces, uint32_t period, uint32_t *block)
{
    int64_t id = hyp_period_chunk(period, pieces->series->device.id);
    int64_t log_row;
    enum hyp_status status =
        hyp_chunk_table_get(pieces->reader.main, id, &log_row, &pieces->head, NULL);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_chunk chunk;
    status = hyp_chunk_open(&chunk, hyp_buf_view(&pieces->head));
    return status == HYP_OK ? add_chunk(pieces, &chunk, id, block) : report(pieces, id, status);
}

/* The chunks of a month: the whole one, or those of its parts between `from` and `to`. */
static enum hyp_status list_month(struct hyp_pieces *pieces, uint32_t month, int64_t from,
                                  int64_t to, uint32_t *block)
{
    enum hyp_status status =
        list_chunk(pieces, hyp_period_part(month, HYP_PERIOD_WHOLE), block);
    for (uint32_t part = 0; part < HYP_PERIOD_PARTS && status == HYP_NOT_FOUND; part++) {
        uint32_t period = hyp_period_part(month, part);
        if (hyp_period_end(period) > from && hyp_period_start(period) < to) {
            enum hyp_status found = list_chunk(pieces, period, block);
            status = found == HYP_OK ? HYP_NOT_FOUND : found;
        }
    }
    return status == HYP_NOT_FOUND ? HYP_OK : status;
}

enum hyp_status hyp_pieces_list(struct hyp_pieces *pieces, int64_t from, int64_t to)
{
    const struct hyp_series *series = pieces->series;
    pieces->count = 0;
    uint32_t block = hyp_series_find_block(series, from);
    enum hyp_status status = pieces->status;
    if (status == HYP_OK && from < to && hyp_series_is_sealed(series, from, to)) {
        int64_t begin = HYP_MAX(from, series->sealed_first);
        int64_t last = HYP_MIN(to - 1, series->sealed_last);
        uint32_t end = hyp_period_month(hyp_period_of(last));
        for (uint32_t month = hyp_period_month(hyp_period_of(begin));
             month <= end && status == HYP_OK; month++) {
            status =
                list_month(pieces, month, begin, last + (last < INT64_MAX ? 1 : 0), &block);
        }
    }
    return status == HYP_OK ? add_blocks(pieces, &block, to) : status;
}

/* --- rows --- */

enum hyp_status hyp_pieces_chunk(struct hyp_pieces *pieces, int64_t id, struct hyp_chunk *chunk)
{
    int64_t log_row;
    enum hyp_status status =
        hyp_chunk_table_get(pieces->reader.main, id, &log_row, &pieces->head, &pieces->data);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_seal_open_chunk(chunk, &pieces->head, &pieces->data);
    return status == HYP_OK ? HYP_OK : report(pieces, id, status);
}

static uint32_t column_of(void *user, int64_t point)
{
    return hyp_series_find_point(((struct hyp_pieces *)user)->series, point, 0);
}

enum hyp_status hyp_pieces_rows(struct hyp_pieces *pieces, const struct hyp_piece *piece,
                                uint32_t column, const struct hyp_rows **ret_rows)
{
    const struct hyp_series *series = pieces->series;
    if (piece->chunk == 0) {
        return hyp_series_block_rows(&series->blocks[piece->block], column, &pieces->scratch,
                                     ret_rows);
    }
    struct hyp_chunk chunk;
    enum hyp_status status = hyp_pieces_chunk(pieces, piece->chunk, &chunk);
    if (status != HYP_OK) {
        return status;
    }
    pieces->rows.row_count = 0;
    pieces->rows.cell_count = 0;
    pieces->texts.count = 0;
    struct hyp_chunk_target target = {
        .column_of = column_of,
        .user = pieces,
        .only_point = column == HYP_ALL_COLUMNS ? 0 : series->columns[column].point,
        .texts = &pieces->texts};
    status = hyp_chunk_rows(&chunk, &pieces->work, &target, &pieces->rows);
    if (status == HYP_MALFORMED) {
        return report(pieces, piece->chunk, status);
    }
    uint32_t period = hyp_period_of_chunk(piece->chunk);
    if (status == HYP_OK) {
        status = hyp_series_copy_rows(series, hyp_period_start(period), hyp_period_end(period),
                                      column, &pieces->scratch, &pieces->rows);
    }
    *ret_rows = &pieces->rows;
    return status;
}

/* --- values --- */

enum hyp_status hyp_query_value(const struct hyp_historian *historian,
                                const struct hyp_chunk_texts *texts,
                                const struct hyp_column *column, const struct hyp_cell *cell,
                                int64_t time, uint8_t source, struct hyp_arena *arena,
                                struct hyp_stored_value *value)
{
    hyp_historian_value(historian, column, cell, time, source, value);
    if (value->kind == HYP_VALUE_TEXT && hyp_quality_is_usable(value->quality)) {
        if (cell->payload < 0) {
            value->text = hyp_chunk_text(texts, cell->payload);
        }
        /* Views into pool and chunk end with the lock. */
        const char *copy = hyp_arena_copy_str(arena, value->text);
        if (copy == NULL) {
            return HYP_LIMIT;
        }
        value->text.ptr = copy;
    }
    return HYP_OK;
}
