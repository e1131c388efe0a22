/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the rows of a series' blocks, open or packed.
 */
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
