/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings of a device page by page, newest first.
 */
#include "store/core.h"
#include "store/historian.h"
#include "store/pieces.h"

#include <string.h>

/* A page of readings of one device, filled from the newest block backwards. */
struct reading_page {
    const struct hyp_historian *historian;
    struct hyp_pieces *pieces;
    int64_t from;
    int64_t to;
    size_t skip;
    size_t limit;
    size_t total;
    bool merge; /* all readings of an instant are one */
    struct hyp_list list;
};

/* What is shown of a column, and how many versions there are. */
struct pick {
    const struct hyp_cell *cell;
    const struct hyp_row *row;
    uint32_t versions;
};

/* Puts a cell in the place of its column; of several the one that is shown. Returns the count.
 * Cells of an open row are in the order they came; the page shows them by column. */
static size_t add_pick(struct pick *picks, size_t count, const struct hyp_row *row,
                       const struct hyp_cell *cell)
{
    size_t at = count;
    while (at > 0 && picks[at - 1].cell->column > cell->column) {
        at--;
    }
    struct pick *known = at > 0 ? &picks[at - 1] : NULL;
    if (known != NULL && known->cell->column == cell->column) {
        known->versions++;
        if (hyp_series_is_better(cell->quality, row->kind, known->cell->quality,
                                 known->row->kind)) {
            known->cell = cell;
            known->row = row;
        }
        return count;
    }
    memmove(&picks[at + 1], &picks[at], (count - at) * sizeof(*picks));
    picks[at] = (struct pick){.cell = cell, .row = row, .versions = 1};
    return count + 1;
}

static size_t pick_all(const struct hyp_rows *rows, size_t first, size_t end,
                       struct pick *picks)
{
    size_t count = 0;
    for (size_t i = first; i < end; i++) {
        const struct hyp_row *row = &rows->rows[i];
        for (size_t c = 0; c < row->cells; c++) {
            count = add_pick(picks, count, row, &rows->cells[row->first_cell + c]);
        }
    }
    return count;
}

static size_t count_cells(const struct hyp_rows *rows, size_t first, size_t end)
{
    size_t count = 0;
    for (size_t i = first; i < end; i++) {
        count += rows->rows[i].cells;
    }
    return count;
}

/* Of several readings of an instant the one that tells its type, arrival and telegram: the
 * first that came by telegram, else the first. */
static const struct hyp_row *find_head(const struct hyp_rows *rows, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        if (rows->rows[i].frame != 0) {
            return &rows->rows[i];
        }
    }
    return &rows->rows[first];
}

static enum hyp_status add_values(struct reading_page *page, const struct pick *picks,
                                  struct hyp_stored_reading *reading)
{
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; i < reading->value_count && status == HYP_OK; i++) {
        status = hyp_query_value(page->historian, &page->pieces->texts,
                                 &page->pieces->series->columns[picks[i].cell->column],
                                 picks[i].cell, picks[i].row->time, picks[i].row->source,
                                 page->list.arena, &reading->values[i]);
        reading->values[i].versions = picks[i].versions;
    }
    return status;
}

/* The rows [first, end) as one reading. */
static enum hyp_status add_reading(struct reading_page *page, const struct hyp_rows *rows,
                                   size_t first, size_t end)
{
    struct hyp_arena *arena = page->list.arena;
    size_t most = count_cells(rows, first, end) + 1;
    struct hyp_stored_reading *reading = hyp_list_add(&page->list);
    struct pick *picks = hyp_arena_alloc_array(arena, most, sizeof(*picks));
    struct hyp_stored_value *values = hyp_arena_alloc_array(arena, most, sizeof(*values));
    if (reading == NULL || picks == NULL || values == NULL) {
        return HYP_LIMIT;
    }
    const struct hyp_row *row = find_head(rows, first, end);
    *reading = (struct hyp_stored_reading){.source_time.ms = row->time,
                                           .receive_time.ms = row->receive,
                                           .kind = (enum hyp_reading_kind)row->kind,
                                           .source = (enum hyp_reading_source)row->source,
                                           .frame.id = row->frame,
                                           .values = values,
                                           .value_count = pick_all(rows, first, end, picks)};
    return add_values(page, picks, reading);
}

/* The first row of the reading whose last one is at end - 1. */
static size_t find_first(const struct reading_page *page, const struct hyp_rows *rows,
                         size_t begin, size_t end)
{
    size_t first = end - 1;
    while (page->merge && first > begin &&
           rows->rows[first - 1].time == rows->rows[end - 1].time) {
        first--;
    }
    return first;
}

static enum hyp_status add_block(struct reading_page *page, const struct hyp_rows *rows)
{
    size_t begin = hyp_rows_find(rows, page->from);
    size_t end = HYP_MAX(begin, hyp_rows_find(rows, page->to));
    enum hyp_status status = HYP_OK;
    while (end > begin && status == HYP_OK) {
        size_t first = find_first(page, rows, begin, end);
        page->total++;
        if (page->skip > 0) {
            page->skip--;
        } else if (page->list.count < page->limit) {
            status = add_reading(page, rows, first, end);
        }
        end = first;
    }
    return status;
}

static enum hyp_status fill_page(struct reading_page *page)
{
    struct hyp_pieces *pieces = page->pieces;
    enum hyp_status status = hyp_pieces_list(pieces, page->from, page->to);
    for (size_t i = pieces->count; i > 0 && status == HYP_OK; i--) {
        const struct hyp_piece *piece = &pieces->list[i - 1];
        /* How many instants a piece has is known from its rows alone. */
        bool whole = !page->merge && piece->first >= page->from && piece->last < page->to;
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

static enum hyp_status query(struct hyp_store *store, hyp_tenant_id tenant,
                             hyp_device_id device, struct reading_page page,
                             struct hyp_arena *arena, struct hyp_stored_reading **ret_readings,
                             size_t *ret_count, size_t *ret_total)
{
    struct hyp_historian *historian = store->historian;
    struct hyp_pieces pieces;
    page.historian = historian;
    page.pieces = &pieces;
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

enum hyp_status hyp_store_readings(struct hyp_store *store, hyp_tenant_id tenant,
                                   hyp_device_id device, hyp_utc from, hyp_utc to,
                                   size_t offset, size_t limit, struct hyp_arena *arena,
                                   struct hyp_stored_reading **ret_readings, size_t *ret_count,
                                   size_t *ret_total)
{
    struct reading_page page = {.from = from.ms, .to = to.ms, .skip = offset, .limit = limit};
    return query(store, tenant, device, page, arena, ret_readings, ret_count, ret_total);
}

enum hyp_status hyp_store_instants(struct hyp_store *store, hyp_tenant_id tenant,
                                   hyp_device_id device, hyp_utc from, hyp_utc to,
                                   size_t offset, size_t limit, struct hyp_arena *arena,
                                   struct hyp_stored_reading **ret_readings, size_t *ret_count,
                                   size_t *ret_total)
{
    struct reading_page page = {
        .from = from.ms, .to = to.ms, .skip = offset, .limit = limit, .merge = true};
    return query(store, tenant, device, page, arena, ret_readings, ret_count, ret_total);
}
