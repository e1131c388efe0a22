/* SPDX-License-Identifier: Apache-2.0 */
#include "store/series.h"

#include "base/limits.h"
#include "store/period.h"

#include <stdlib.h>
#include <string.h>

/* Rows at which the last block is packed and a new one begun: enough that the columns' heads
 * weigh little, few enough that open blocks of ten thousand devices do not. */
#define ROWS_PER_BLOCK 32
/* Rows at which a block that takes late readings is split. */
#define ROWS_SPLIT 96
/* Far above what HYP_LIMIT_INSTANT_READINGS readings of HYP_LIMIT_DEVICE_POINTS can need. */
#define PACKED_MAX (64 * 1024 * 1024)

enum hyp_status hyp_series_create(hyp_device_id device, hyp_tenant_id tenant,
                                  struct hyp_series **ret_series)
{
    struct hyp_series *series = calloc(1, sizeof(*series));
    if (series == NULL) {
        return HYP_NO_MEMORY;
    }
    series->device = device;
    series->tenant = tenant;
    series->hot = HYP_NO_BLOCK;
    *ret_series = series;
    return HYP_OK;
}

static void free_rows(struct hyp_rows *rows)
{
    if (rows != NULL) {
        hyp_rows_finish(rows);
        free(rows);
    }
}

void *hyp_series_destroy(struct hyp_series *series)
{
    if (series == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < series->block_count; i++) {
        free(series->blocks[i].packed);
        free_rows(series->blocks[i].open);
    }
    free(series->blocks);
    free(series->columns);
    free(series->arrivals);
    free(series);
    return NULL;
}

/* --- columns --- */

enum hyp_status hyp_series_add_column(struct hyp_series *series,
                                      const struct hyp_column *column)
{
    if (series->column_count >= HYP_LIMIT_DEVICE_POINTS) {
        return HYP_LIMIT;
    }
    if (series->column_count == series->column_capacity) {
        uint32_t capacity = HYP_MAX(series->column_capacity * 2, 8u);
        struct hyp_column *columns =
            realloc(series->columns, capacity * sizeof(*series->columns));
        series->columns = columns == NULL ? series->columns : columns;
        struct hyp_arrival *arrivals =
            columns == NULL ? NULL
                            : realloc(series->arrivals, capacity * sizeof(*series->arrivals));
        if (arrivals == NULL) {
            return HYP_NO_MEMORY;
        }
        series->memory += (capacity - series->column_capacity) *
                          (sizeof(*series->columns) + sizeof(*series->arrivals));
        series->arrivals = arrivals;
        series->column_capacity = capacity;
    }
    series->arrivals[series->column_count] = (struct hyp_arrival){0};
    series->columns[series->column_count++] = *column;
    return HYP_OK;
}

uint32_t hyp_series_find_point(const struct hyp_series *series, int64_t point, uint32_t hint)
{
    if (hint < series->column_count && series->columns[hint].point == point) {
        return hint;
    }
    /* Points get their numbers in the order in which columns are added. */
    uint32_t low = 0;
    uint32_t high = series->column_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (series->columns[middle].point < point) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < series->column_count && series->columns[low].point == point ? low : UINT32_MAX;
}

/* --- blocks --- */

static size_t rows_memory(const struct hyp_rows *rows)
{
    return sizeof(*rows) + rows->row_capacity * sizeof(*rows->rows) +
           rows->cell_capacity * sizeof(*rows->cells);
}

/* Makes the packed form beside the open one. */
static enum hyp_status pack_block(struct hyp_series *series, struct hyp_block *block)
{
    if (block->packed != NULL) {
        return HYP_OK;
    }
    struct hyp_buf out HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&out, PACKED_MAX);
    enum hyp_status status = hyp_block_pack(block->open, &out);
    if (status != HYP_OK) {
        return status;
    }
    size_t len;
    uint8_t *packed = hyp_buf_steal(&out, &len);
    /* Giving back the spare end cannot fail in a way that matters. */
    uint8_t *exact = realloc(packed, len);
    block->packed = exact == NULL ? packed : exact;
    block->packed_len = (uint32_t)len;
    series->memory += len;
    return HYP_OK;
}

/* Packs the open form and lets it go. On failure the block stays open. */
static enum hyp_status close_block(struct hyp_series *series, struct hyp_block *block)
{
    enum hyp_status status = pack_block(series, block);
    if (status != HYP_OK) {
        return status;
    }
    series->memory -= rows_memory(block->open);
    free_rows(block->open);
    block->open = NULL;
    return HYP_OK;
}

static enum hyp_status close_hot(struct hyp_series *series)
{
    if (series->hot == HYP_NO_BLOCK) {
        return HYP_OK;
    }
    enum hyp_status status = close_block(series, &series->blocks[series->hot]);
    if (status == HYP_OK) {
        series->hot = HYP_NO_BLOCK;
    }
    return status;
}

/* Makes the open form of a block; the packed one stays valid until something is inserted. */
static enum hyp_status open_block(struct hyp_series *series, uint32_t index)
{
    struct hyp_block *block = &series->blocks[index];
    if (block->open != NULL) {
        return HYP_OK;
    }
    enum hyp_status status = close_hot(series);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_rows *rows = calloc(1, sizeof(*rows));
    if (rows == NULL) {
        return HYP_NO_MEMORY;
    }
    status = hyp_block_unpack(block->packed, block->packed_len, HYP_ALL_COLUMNS, rows);
    if (status != HYP_OK) {
        free_rows(rows);
        return status;
    }
    block->open = rows;
    series->memory += rows_memory(rows);
    series->hot = index;
    return HYP_OK;
}

static enum hyp_status reserve_block(struct hyp_series *series)
{
    if (series->block_count < series->block_capacity) {
        return HYP_OK;
    }
    uint32_t capacity = HYP_MAX(series->block_capacity * 2, 2u);
    struct hyp_block *blocks = realloc(series->blocks, capacity * sizeof(*blocks));
    if (blocks == NULL) {
        return HYP_NO_MEMORY;
    }
    series->memory += (capacity - series->block_capacity) * sizeof(*blocks);
    series->blocks = blocks;
    series->block_capacity = capacity;
    return HYP_OK;
}

/* A new empty open block at `index` for times before `end`; the capacity was reserved. */
static enum hyp_status add_block(struct hyp_series *series, uint32_t index, int64_t end)
{
    struct hyp_rows *rows = calloc(1, sizeof(*rows));
    if (rows == NULL) {
        return HYP_NO_MEMORY;
    }
    struct hyp_block *at = &series->blocks[index];
    memmove(at + 1, at, (series->block_count - index) * sizeof(*at));
    *at = (struct hyp_block){.open = rows, .end = end};
    series->block_count++;
    series->memory += rows_memory(rows);
    return HYP_OK;
}

uint32_t hyp_series_find_block(const struct hyp_series *series, int64_t time)
{
    uint32_t low = 0;
    uint32_t high = series->block_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (series->blocks[middle].last < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void note_rows(struct hyp_block *block)
{
    const struct hyp_rows *rows = block->open;
    block->rows = rows->row_count;
    block->cells = rows->cell_count;
    block->first = rows->rows[0].time;
    block->last = rows->rows[rows->row_count - 1].time;
}

/* The same for one row more. The first of the others is cold memory, and not looked at. */
static void note_row(struct hyp_block *block, int64_t time)
{
    bool alone = block->open->row_count == 1;
    block->rows = block->open->row_count;
    block->cells = block->open->cell_count;
    block->first = alone ? time : HYP_MIN(block->first, time);
    block->last = alone ? time : HYP_MAX(block->last, time);
}

/* Where a block may be cut: near the middle, between two times. 0 = nowhere. */
static uint32_t find_cut(const struct hyp_rows *rows)
{
    uint32_t middle = rows->row_count / 2;
    for (uint32_t i = middle; i < rows->row_count; i++) {
        if (rows->rows[i].time != rows->rows[i - 1].time) {
            return i;
        }
    }
    for (uint32_t i = middle; i > 1; i--) {
        if (rows->rows[i - 1].time != rows->rows[i - 2].time) {
            return i - 1;
        }
    }
    return 0;
}

static enum hyp_status copy_rows(const struct hyp_rows *from, uint32_t begin, uint32_t end,
                                 struct hyp_rows *to)
{
    for (uint32_t i = begin; i < end; i++) {
        const struct hyp_row *row = &from->rows[i];
        enum hyp_status status = hyp_rows_reserve(to, row->cells);
        if (status != HYP_OK) {
            return status;
        }
        hyp_rows_insert(to, row, &from->cells[row->first_cell]);
    }
    return HYP_OK;
}

/* Cuts a block that grew by late readings in two. Without memory it just stays long. */
static void split_block(struct hyp_series *series, uint32_t index)
{
    struct hyp_rows *old = series->blocks[index].open;
    uint32_t cut = find_cut(old);
    struct hyp_rows tail = {0};
    struct hyp_rows head = {0};
    if (series->hot != index) {
        HYP_IGNORE(close_hot(series)); /* without memory it stays open */
    }
    if (cut == 0 || reserve_block(series) != HYP_OK ||
        copy_rows(old, 0, cut, &head) != HYP_OK ||
        copy_rows(old, cut, old->row_count, &tail) != HYP_OK ||
        add_block(series, index, series->blocks[index].end) != HYP_OK) {
        hyp_rows_finish(&head);
        hyp_rows_finish(&tail);
        return;
    }
    struct hyp_block *first = &series->blocks[index];
    series->memory -= rows_memory(first->open) + rows_memory(old);
    *first->open = head;
    hyp_rows_finish(old);
    *old = tail;
    series->memory += rows_memory(first->open) + rows_memory(old);
    note_rows(first);
    note_rows(first + 1);
    /* Of the two open halves one must close: readings that come in reverse order go on in the
     * first half, so that stays open and the second is packed, unless it is the last block. */
    series->hot = index;
    if (index + 2 < series->block_count) {
        HYP_IGNORE(close_block(series, first + 1)); /* without memory it stays open */
    }
}

/* --- values --- */

static size_t remove_known(const struct hyp_rows *rows, const struct hyp_row *known,
                           struct hyp_cell *cells, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct hyp_cell *cell = hyp_series_row_cell(rows, known, cells[i].column);
        if (cell == NULL || !hyp_series_covers(cell, &cells[i])) {
            cells[kept++] = cells[i];
        }
    }
    return kept;
}

enum hyp_status hyp_series_filter(struct hyp_series *series, const struct hyp_row *row,
                                  struct hyp_cell *cells, size_t *count)
{
    if (hyp_series_is_after_all(series, row->time)) {
        return HYP_OK;
    }
    uint32_t index = hyp_series_find_block(series, row->time);
    if (series->blocks[index].first > row->time) {
        return HYP_OK;
    }
    enum hyp_status status = open_block(series, index);
    if (status != HYP_OK) {
        return status;
    }
    const struct hyp_rows *rows = series->blocks[index].open;
    size_t same_time = 0;
    for (size_t i = hyp_rows_find(rows, row->time);
         i < rows->row_count && rows->rows[i].time == row->time && *count > 0; i++) {
        same_time++;
        if (rows->rows[i].kind == row->kind) {
            *count = remove_known(rows, &rows->rows[i], cells, *count);
        }
    }
    if (same_time >= HYP_LIMIT_INSTANT_READINGS && *count > 0) {
        *count = 0;
        return HYP_LIMIT;
    }
    return HYP_OK;
}

/* Takes a block away with what is in it. */
static void remove_block(struct hyp_series *series, uint32_t index)
{
    struct hyp_block *block = &series->blocks[index];
    if (block->open != NULL) {
        series->memory -= rows_memory(block->open);
        free_rows(block->open);
    }
    if (block->packed != NULL) {
        series->memory -= block->packed_len;
        free(block->packed);
    }
    memmove(block, block + 1, (series->block_count - index - 1) * sizeof(*block));
    series->block_count--;
    if (series->hot == index) {
        series->hot = HYP_NO_BLOCK;
    } else if (series->hot != HYP_NO_BLOCK && series->hot > index) {
        series->hot--;
    }
}

/* The open form of the last block, packed and emptied, for the block that follows; NULL when it
 * is not worth it. */
static struct hyp_rows *take_rows(struct hyp_series *series)
{
    uint32_t last = series->block_count - 1;
    if (series->block_count == 0 || series->blocks[last].open == NULL ||
        series->blocks[last].open->row_capacity > 2 * ROWS_PER_BLOCK ||
        pack_block(series, &series->blocks[last]) != HYP_OK) {
        return NULL;
    }
    struct hyp_rows *rows = series->blocks[last].open;
    rows->row_count = 0;
    rows->cell_count = 0;
    series->blocks[last].open = NULL;
    series->hot = series->hot == last ? HYP_NO_BLOCK : series->hot;
    return rows;
}

/* A new block at the end; the one before is packed. */
static enum hyp_status append_block(struct hyp_series *series, int64_t time)
{
    uint32_t count = series->block_count;
    int64_t end = hyp_period_end(hyp_period_of(time));
    enum hyp_status status = reserve_block(series);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_rows *rows = take_rows(series);
    if (rows != NULL) {
        series->blocks[series->block_count++] = (struct hyp_block){.open = rows, .end = end};
        return HYP_OK;
    }
    status = add_block(series, count, end);
    if (status == HYP_OK && count > 0 && series->blocks[count - 1].open != NULL &&
        close_block(series, &series->blocks[count - 1]) == HYP_OK && series->hot == count - 1) {
        /* Without memory it stays open, which only costs memory. */
        series->hot = HYP_NO_BLOCK;
    }
    return status;
}

/* A new block between others. */
static enum hyp_status insert_block(struct hyp_series *series, uint32_t index, int64_t end)
{
    enum hyp_status status = close_hot(series);
    if (status == HYP_OK) {
        status = reserve_block(series);
    }
    if (status == HYP_OK) {
        status = add_block(series, index, end);
    }
    if (status == HYP_OK) {
        series->hot = index;
    }
    return status;
}

/* The block that takes a row of this time, open. Blocks keep to one period each. */
static enum hyp_status block_for(struct hyp_series *series, int64_t time, uint32_t *ret_index)
{
    uint32_t count = series->block_count;
    if (hyp_series_is_after_all(series, time)) {
        const struct hyp_block *last = count > 0 ? &series->blocks[count - 1] : NULL;
        if (last != NULL && last->open != NULL && last->rows < ROWS_PER_BLOCK &&
            time < last->end) {
            *ret_index = count - 1;
            return HYP_OK;
        }
        *ret_index = count;
        return append_block(series, time);
    }
    uint32_t index = hyp_series_find_block(series, time);
    *ret_index = index;
    if (series->blocks[index].first <= time) {
        return open_block(series, index);
    }
    int64_t end = hyp_period_end(hyp_period_of(time));
    if (series->blocks[index].end == end) {
        return open_block(series, index);
    }
    if (index > 0 && series->blocks[index - 1].end == end) {
        *ret_index = index - 1;
        return open_block(series, index - 1);
    }
    return insert_block(series, index, end);
}

enum hyp_status hyp_series_insert(struct hyp_series *series, const struct hyp_row *row,
                                  const struct hyp_cell *cells)
{
    uint32_t index;
    enum hyp_status status = block_for(series, row->time, &index);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_block *block = &series->blocks[index];
    size_t before = rows_memory(block->open);
    status = hyp_rows_reserve(block->open, row->cells);
    series->memory += rows_memory(block->open) - before;
    if (status != HYP_OK) {
        if (block->open->row_count == 0) {
            remove_block(series, index);
        }
        return status;
    }
    hyp_rows_insert(block->open, row, cells);
    if (block->packed != NULL) {
        free(block->packed);
        block->packed = NULL;
        series->memory -= block->packed_len;
    }
    note_row(block, row->time);
    hyp_series_show_row(series, row, cells);
    series->readings++;
    series->values += row->cells;
    if (block->rows > ROWS_SPLIT) {
        split_block(series, index);
    }
    return HYP_OK;
}

void hyp_series_drop(struct hyp_series *series, int64_t from, int64_t to)
{
    uint32_t b = hyp_series_find_block(series, from);
    while (b < series->block_count && series->blocks[b].first < to) {
        series->readings -= series->blocks[b].rows;
        series->values -= series->blocks[b].cells;
        remove_block(series, b);
    }
}
