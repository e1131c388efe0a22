/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries on points and values, under the historian's lock: chunks and memory together.
 */
#include "store/core.h"
#include "store/historian.h"
#include "store/pieces.h"

#include <string.h>

/* --- points --- */

static void copy_point(const struct hyp_historian *historian, const struct hyp_series *series,
                       const struct hyp_column *column, struct hyp_point *point)
{
    point->id.id = column->point;
    point->device = series->device;
    point->key = hyp_register_key(column->reg);
    point->unit = hyp_register_unit(column->reg);
    point->kind = (enum hyp_value_kind)column->value_kind;
    hyp_text_copy(point->label, sizeof(point->label),
                  hyp_text_pool_get(&historian->texts, column->label));
}

enum hyp_status hyp_store_points(struct hyp_store *store, hyp_tenant_id tenant,
                                 hyp_device_id device, struct hyp_arena *arena,
                                 struct hyp_point **ret_points, size_t *ret_count)
{
    struct hyp_historian *historian = store->historian;
    pthread_rwlock_rdlock(&historian->lock);
    const struct hyp_series *series = hyp_historian_find_for(historian, tenant, device);
    size_t count = series == NULL ? 0 : series->committed_columns;
    struct hyp_point *points = hyp_arena_alloc_array(arena, count + 1, sizeof(*points));
    for (size_t i = 0; points != NULL && i < count; i++) {
        copy_point(historian, series, &series->columns[i], &points[i]);
    }
    pthread_rwlock_unlock(&historian->lock);
    if (series == NULL) {
        return HYP_NOT_FOUND;
    }
    if (points == NULL) {
        return HYP_LIMIT;
    }
    *ret_points = points;
    *ret_count = count;
    return HYP_OK;
}

enum hyp_status hyp_store_point(struct hyp_store *store, hyp_tenant_id tenant, hyp_point_id id,
                                struct hyp_point *ret_point)
{
    struct hyp_historian *historian = store->historian;
    pthread_rwlock_rdlock(&historian->lock);
    uint32_t column;
    const struct hyp_series *series = hyp_historian_find_point(historian, tenant, id, &column);
    if (series != NULL) {
        copy_point(historian, series, &series->columns[column], ret_point);
    }
    pthread_rwlock_unlock(&historian->lock);
    return series == NULL ? HYP_NOT_FOUND : HYP_OK;
}

/* --- latest --- */

static enum hyp_status copy_latest(const struct hyp_historian *historian,
                                   const struct hyp_series *series, struct hyp_arena *arena,
                                   struct hyp_latest *latest, size_t *ret_count)
{
    size_t count = 0;
    for (uint32_t i = 0; i < series->committed_columns; i++) {
        const struct hyp_column *column = &series->columns[i];
        const struct hyp_arrival *arrival = hyp_series_arrival(series, i);
        if (column->quality == HYP_QUALITY_UNSET) {
            continue;
        }
        struct hyp_latest *out = &latest[count++];
        struct hyp_cell cell = {
            .payload = column->payload, .exp10 = column->exp10, .quality = column->quality};
        copy_point(historian, series, column, &out->point);
        out->receive_time.ms = arrival->receive;
        out->frame.id = arrival->frame;
        enum hyp_status status = hyp_query_value(historian, NULL, column, &cell, arrival->time,
                                                 column->origin & 0x0F, arena, &out->value);
        if (status != HYP_OK) {
            return status;
        }
    }
    *ret_count = count;
    return HYP_OK;
}

enum hyp_status hyp_store_latest(struct hyp_store *store, hyp_tenant_id tenant,
                                 hyp_device_id device, struct hyp_arena *arena,
                                 struct hyp_latest **ret_values, size_t *ret_count)
{
    struct hyp_historian *historian = store->historian;
    pthread_rwlock_rdlock(&historian->lock);
    enum hyp_status status = HYP_NOT_FOUND;
    const struct hyp_series *series = hyp_historian_find_for(historian, tenant, device);
    if (series != NULL) {
        struct hyp_latest *latest = hyp_arena_alloc_array(
            arena, (size_t)series->committed_columns + 1, sizeof(*latest));
        size_t count;
        status =
            latest == NULL ? HYP_LIMIT : copy_latest(historian, series, arena, latest, &count);
        if (status == HYP_OK) {
            *ret_values = latest;
            *ret_count = count;
        }
    }
    pthread_rwlock_unlock(&historian->lock);
    return status;
}

/* --- walking one column --- */

/* The versions of one instant come one after the other; the shown one is handed on. */
struct instant {
    const struct hyp_historian *historian;
    const struct hyp_chunk_texts *texts;
    const struct hyp_column *column;
    enum hyp_status (*add)(struct instant *instant);
    void *user;
    bool any;
    int64_t time;
    uint8_t kind;
    uint8_t source;
    struct hyp_cell cell;
};

static enum hyp_status next_version(struct instant *instant, const struct hyp_row *row,
                                    const struct hyp_cell *cell)
{
    if (instant->any && row->time == instant->time &&
        !hyp_series_is_better(cell->quality, row->kind, instant->cell.quality, instant->kind)) {
        return HYP_OK;
    }
    enum hyp_status status = HYP_OK;
    if (instant->any && row->time != instant->time) {
        status = instant->add(instant);
    }
    instant->any = true;
    instant->time = row->time;
    instant->kind = row->kind;
    instant->source = row->source;
    instant->cell = *cell;
    return status;
}

static enum hyp_status walk_block(struct instant *instant, const struct hyp_rows *rows,
                                  uint32_t column, int64_t from, int64_t to)
{
    for (size_t i = hyp_rows_find(rows, from); i < rows->row_count && rows->rows[i].time < to;
         i++) {
        const struct hyp_cell *cell = hyp_series_row_cell(rows, &rows->rows[i], column);
        if (cell != NULL) {
            enum hyp_status status = next_version(instant, &rows->rows[i], cell);
            if (status != HYP_OK) {
                return status;
            }
        }
    }
    return HYP_OK;
}

/* Hands the shown version of every instant of [from, to) to instant->add, oldest first. */
static enum hyp_status walk_column(struct instant *instant, struct hyp_pieces *pieces,
                                   uint32_t column, int64_t from, int64_t to)
{
    enum hyp_status status = hyp_pieces_list(pieces, from, to);
    for (size_t i = 0; i < pieces->count && status == HYP_OK; i++) {
        const struct hyp_rows *rows;
        status = hyp_pieces_rows(pieces, &pieces->list[i], column, &rows);
        if (status == HYP_OK) {
            status = walk_block(instant, rows, column, from, to);
        }
        if (status == HYP_OK && instant->any) {
            /* No instant goes on in the next piece, and this one's texts end here. */
            status = instant->add(instant);
            instant->any = false;
        }
    }
    return status;
}

static enum hyp_status walk_point(struct hyp_store *store, hyp_tenant_id tenant,
                                  hyp_point_id point, int64_t from, int64_t to,
                                  struct instant *instant)
{
    struct hyp_historian *historian = store->historian;
    struct hyp_pieces pieces;
    hyp_pieces_begin(&pieces, store);
    enum hyp_status status = HYP_NOT_FOUND;
    uint32_t column;
    const struct hyp_series *series =
        hyp_historian_find_point(historian, tenant, point, &column);
    if (series != NULL) {
        pieces.series = series;
        instant->historian = historian;
        instant->texts = &pieces.texts;
        instant->column = &series->columns[column];
        status = walk_column(instant, &pieces, column, from, to);
        instant->texts = NULL; /* they end with the pieces */
    }
    hyp_pieces_end(&pieces);
    return status;
}

/* --- series --- */

static enum hyp_status add_value(struct instant *instant)
{
    struct hyp_list *list = instant->user;
    struct hyp_stored_value *value = hyp_list_add(list);
    if (value == NULL) {
        return HYP_LIMIT;
    }
    return hyp_query_value(instant->historian, instant->texts, instant->column, &instant->cell,
                           instant->time, instant->source, list->arena, value);
}

enum hyp_status hyp_store_series(struct hyp_store *store, hyp_tenant_id tenant,
                                 hyp_point_id point, hyp_utc from, hyp_utc to,
                                 struct hyp_arena *arena, struct hyp_stored_value **ret_values,
                                 size_t *ret_count)
{
    struct hyp_list list;
    hyp_list_init(&list, arena, sizeof(struct hyp_stored_value));
    struct instant instant = {.add = add_value, .user = &list};
    enum hyp_status status = walk_point(store, tenant, point, from.ms, to.ms, &instant);
    if (status == HYP_OK) {
        *ret_values = list.items;
        *ret_count = list.count;
    }
    return status;
}
