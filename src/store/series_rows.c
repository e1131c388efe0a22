/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the rows of a series' blocks, open or packed.
 */
#include "store/columns.h"
#include "store/series.h"

const struct hyp_cell *hyp_series_row_cell(const struct hyp_rows *rows,
                                           const struct hyp_row *row, uint32_t column)
{
    const struct hyp_cell *cells = &rows->cells[row->first_cell];
    for (size_t i = 0; i < row->cells; i++) {
        if (cells[i].column == column) {
            return &cells[i];
        }
    }
    return NULL;
}

enum hyp_status hyp_series_block_rows(const struct hyp_block *block, uint32_t column,
                                      struct hyp_rows *scratch,
                                      const struct hyp_rows **ret_rows)
{
    if (block->open != NULL) {
        *ret_rows = block->open;
        return HYP_OK;
    }
    *ret_rows = scratch;
    return hyp_block_unpack(block->packed, block->packed_len, column, scratch);
}

enum hyp_status hyp_series_copy_rows(const struct hyp_series *series, int64_t from, int64_t to,
                                     uint32_t column, struct hyp_rows *scratch,
                                     struct hyp_rows *rows)
{
    enum hyp_status status = HYP_OK;
    for (uint32_t b = hyp_series_find_block(series, from);
         status == HYP_OK && b < series->block_count && series->blocks[b].first < to; b++) {
        const struct hyp_rows *source;
        status = hyp_series_block_rows(&series->blocks[b], column, scratch, &source);
        for (size_t i = status == HYP_OK ? hyp_rows_find(source, from) : 0;
             status == HYP_OK && i < source->row_count && source->rows[i].time < to; i++) {
            const struct hyp_row *row = &source->rows[i];
            if (column != HYP_ALL_COLUMNS && hyp_series_row_cell(source, row, column) == NULL) {
                continue;
            }
            status = hyp_rows_reserve(rows, row->cells);
            if (status == HYP_OK) {
                hyp_rows_insert(rows, row, &source->cells[row->first_cell]);
            }
        }
    }
    return status;
}

enum hyp_status hyp_series_gather(const struct hyp_series *series, int64_t from, int64_t to,
                                  struct hyp_columns *columns, struct hyp_rows *rows,
                                  int64_t *ret_next)
{
    enum hyp_status status = HYP_OK;
    for (uint32_t b = hyp_series_find_block(series, from);
         status == HYP_OK && b < series->block_count && series->blocks[b].first < to; b++) {
        const struct hyp_block *block = &series->blocks[b];
        bool later =
            rows->row_count == 0 || block->first > rows->rows[rows->row_count - 1].time;
        if (!later || block->first < from || block->last >= to) {
            status = HYP_NOT_FOUND;
        } else if (block->open != NULL) {
            status = hyp_columns_add(columns, rows, block->open);
        } else {
            status = hyp_block_gather(block->packed, block->packed_len, rows, columns);
        }
        *ret_next = HYP_MAX(block->first, from);
    }
    return status;
}

/* --- fetching ahead --- */

#define CACHE_LINE 64
/* Of a device's columns, more than nearly any has. */
#define FETCHED_MAX ((size_t)2048)

static void fetch(const void *memory, size_t size)
{
    const char *at = memory;
    for (size_t i = 0; i < size; i += CACHE_LINE) {
        __builtin_prefetch(at + i, 1);
    }
}

void hyp_series_fetch(const struct hyp_series *series)
{
    fetch(series, sizeof(*series));
}

void hyp_series_fetch_columns(const struct hyp_series *series)
{
    size_t size = series->column_count * sizeof(*series->columns);
    fetch(series->columns, HYP_MIN(size, FETCHED_MAX));
    if (series->block_count > 0) {
        fetch(&series->blocks[series->block_count - 1], sizeof(*series->blocks));
    }
}

void hyp_series_fetch_block(const struct hyp_series *series)
{
    if (series->block_count > 0 && series->blocks[series->block_count - 1].open != NULL) {
        fetch(series->blocks[series->block_count - 1].open, sizeof(struct hyp_rows));
    }
}

void hyp_series_fetch_rows(const struct hyp_series *series)
{
    if (series->block_count == 0 || series->blocks[series->block_count - 1].open == NULL) {
        return;
    }
    const struct hyp_rows *rows = series->blocks[series->block_count - 1].open;
    if (rows->row_count > 0) {
        size_t cells = rows->cell_count / rows->row_count; /* as many as the last ones had */
        fetch(rows->rows + rows->row_count - 1, 2 * sizeof(*rows->rows));
        fetch(rows->cells + rows->cell_count,
              HYP_MIN(cells * sizeof(*rows->cells), FETCHED_MAX));
    }
}
