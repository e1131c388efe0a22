/* SPDX-License-Identifier: Apache-2.0 */
#include "store/block.h"

#include <stdlib.h>
#include <string.h>

void hyp_rows_finish(struct hyp_rows *rows)
{
    free(rows->rows);
    free(rows->cells);
    *rows = (struct hyp_rows){0};
}

static enum hyp_status grow(void **memory, uint32_t *capacity, size_t wanted, size_t size)
{
    if (wanted <= *capacity) {
        return HYP_OK;
    }
    size_t bigger = HYP_MAX((size_t)*capacity * 2, HYP_MAX(wanted, (size_t)4));
    if (bigger > UINT32_MAX) {
        return HYP_LIMIT;
    }
    void *grown = realloc(*memory, bigger * size);
    if (grown == NULL) {
        return HYP_NO_MEMORY;
    }
    *memory = grown;
    *capacity = (uint32_t)bigger;
    return HYP_OK;
}

static enum hyp_status reserve_rows(struct hyp_rows *rows, size_t count)
{
    void *memory = rows->rows;
    enum hyp_status status = grow(&memory, &rows->row_capacity, count, sizeof(*rows->rows));
    rows->rows = memory;
    return status;
}

static enum hyp_status reserve_cells(struct hyp_rows *rows, size_t count)
{
    void *memory = rows->cells;
    enum hyp_status status = grow(&memory, &rows->cell_capacity, count, sizeof(*rows->cells));
    rows->cells = memory;
    return status;
}

enum hyp_status hyp_rows_reserve(struct hyp_rows *rows, size_t cells)
{
    enum hyp_status status = reserve_rows(rows, (size_t)rows->row_count + 1);
    return status != HYP_OK ? status : reserve_cells(rows, (size_t)rows->cell_count + cells);
}

enum hyp_status hyp_rows_reserve_more(struct hyp_rows *rows, size_t row_count, size_t cells)
{
    enum hyp_status status = reserve_rows(rows, (size_t)rows->row_count + row_count);
    return status != HYP_OK ? status : reserve_cells(rows, (size_t)rows->cell_count + cells);
}

size_t hyp_rows_find(const struct hyp_rows *rows, int64_t time)
{
    size_t low = 0;
    size_t high = rows->row_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->rows[middle].time < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t hyp_rows_insert(struct hyp_rows *rows, const struct hyp_row *row,
                       const struct hyp_cell *cells)
{
    size_t at = rows->row_count;
    while (at > 0 &&
           (rows->rows[at - 1].time > row->time ||
            (rows->rows[at - 1].time == row->time && rows->rows[at - 1].kind > row->kind))) {
        at--;
    }
    memmove(&rows->rows[at + 1], &rows->rows[at], (rows->row_count - at) * sizeof(*rows->rows));
    rows->rows[at] = *row;
    rows->rows[at].first_cell = rows->cell_count;
    if (row->cells > 0) {
        memcpy(&rows->cells[rows->cell_count], cells, row->cells * sizeof(*cells));
    }
    rows->cell_count += row->cells;
    rows->row_count++;
    return at;
}
