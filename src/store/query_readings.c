/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings of a device page by page, newest first.
 */
#include "store/core.h"
#include "store/historian.h"
#include "store/pieces.h"

/* A page of readings of one device, filled from the newest block backwards. */
struct reading_page {
    const struct hyp_historian *historian;
    struct hyp_pieces *pieces;
    int64_t from;
    int64_t to;
    size_t skip;
    size_t limit;
    size_t total;
    struct hyp_list list;
};

static int by_column(const struct hyp_cell *a, const struct hyp_cell *b)
{
    return (int)a->column - (int)b->column;
}

/* Cells of an open row are in the order they came; the page shows them by column. */
static void sort_values(const struct hyp_cell *cells, const struct hyp_cell **order,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && by_column(order[at - 1], &cells[i]) > 0; at--) {
            order[at] = order[at - 1];
        }
        order[at] = &cells[i];
    }
}

static enum hyp_status add_reading(struct reading_page *page, const struct hyp_rows *rows,
                                   const struct hyp_row *row)
{
    struct hyp_arena *arena = page->list.arena;
    struct hyp_stored_reading *reading = hyp_list_add(&page->list);
    struct hyp_stored_value *values =
        hyp_arena_alloc_array(arena, (size_t)row->cells + 1, sizeof(*values));
    if (reading == NULL || values == NULL) {
        return HYP_LIMIT;
    }
    *reading = (struct hyp_stored_reading){.source_time.ms = row->time,
                                           .receive_time.ms = row->receive,
                                           .kind = (enum hyp_reading_kind)row->kind,
                                           .source = (enum hyp_reading_source)row->source,
                                           .frame.id = row->frame,
                                           .values = values,
                                           .value_count = row->cells};
    const struct hyp_cell *order[HYP_LIMIT_READING_VALUES];
    sort_values(&rows->cells[row->first_cell], order, row->cells);
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; i < row->cells && status == HYP_OK; i++) {
        status = hyp_query_value(page->historian, &page->pieces->texts,
                                 &page->pieces->series->columns[order[i]->column], order[i],
                                 row->time, row->source, arena, &values[i]);
    }
    return status;
}

static enum hyp_status add_block(struct reading_page *page, const struct hyp_rows *rows)
{
    size_t begin = hyp_rows_find(rows, page->from);
    size_t end = HYP_MAX(begin, hyp_rows_find(rows, page->to));
    page->total += end - begin;
    for (size_t i = end; i > begin; i--) {
        if (page->skip > 0) {
            page->skip--;
        } else if (page->list.count < page->limit) {
            enum hyp_status status = add_reading(page, rows, &rows->rows[i - 1]);
            if (status != HYP_OK) {
                return status;
            }
        }
    }
    return HYP_OK;
}

static enum hyp_status fill_page(struct reading_page *page)
{
    struct hyp_pieces *pieces = page->pieces;
    enum hyp_status status = hyp_pieces_list(pieces, page->from, page->to);
    for (size_t i = pieces->count; i > 0 && status == HYP_OK; i--) {
        const struct hyp_piece *piece = &pieces->list[i - 1];
        bool whole = piece->first >= page->from && piece->last < page->to;
        if (whole && (page->skip >= piece->rows || page->list.count >= page->limit)) {
            /* Only counted: its rows are before or after the page. */
            page->skip -= HYP_MIN(page->skip, (size_t)piece->rows);
            page->total += piece->rows;
            continue;
        }
        const struct hyp_rows *rows;
        status = hyp_pieces_rows(pieces, piece, HYP_ALL_COLUMNS, &rows);
        if (status == HYP_OK) {
            status = add_block(page, rows);
        }
    }
    return status;
}

enum hyp_status hyp_store_readings(struct hyp_store *store, hyp_tenant_id tenant,
                                   hyp_device_id device, hyp_utc from, hyp_utc to,
                                   size_t offset, size_t limit, struct hyp_arena *arena,
                                   struct hyp_stored_reading **ret_readings, size_t *ret_count,
                                   size_t *ret_total)
{
    struct hyp_historian *historian = store->historian;
    struct hyp_pieces pieces;
    struct reading_page page = {.historian = historian,
                                .pieces = &pieces,
                                .from = from.ms,
                                .to = to.ms,
                                .skip = offset,
                                .limit = limit};
    hyp_list_init(&page.list, arena, sizeof(struct hyp_stored_reading));
    hyp_pieces_begin(&pieces, store);
    pieces.series = hyp_historian_find_for(historian, tenant, device);
    enum hyp_status status = pieces.series == NULL ? HYP_NOT_FOUND : fill_page(&page);
    hyp_pieces_end(&pieces);
    if (status == HYP_OK) {
        *ret_readings = page.list.items;
        *ret_count = page.list.count;
        *ret_total = page.total;
    }
    return status;
}
