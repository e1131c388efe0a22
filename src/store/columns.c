/* SPDX-License-Identifier: Apache-2.0 */
#include "store/columns.h"

#include "store/reserve.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Rows that each column has room for at least. */
#define ROOM_MIN 64

void hyp_columns_finish(struct hyp_columns *columns)
{
    free(columns->numbers);
    free(columns->payloads);
    free(columns->exponents);
    free(columns->qualities);
    *columns = (struct hyp_columns){0};
}

void hyp_columns_clear(struct hyp_columns *columns)
{
    columns->rows = 0;
    columns->count = 0;
}

/* Makes room for so many columns, each as long as there is room for. */
static enum hyp_status reserve(struct hyp_columns *columns, size_t count, size_t room)
{
    size_t values = count * room;
    enum hyp_status status = hyp_reserve(&columns->numbers, &columns->number_capacity, count,
                                         sizeof(*columns->numbers));
    if (status == HYP_OK) {
        status = hyp_reserve(&columns->payloads, &columns->payload_capacity, values,
                             sizeof(*columns->payloads));
    }
    if (status == HYP_OK) {
        status = hyp_reserve(&columns->exponents, &columns->exponent_capacity, values,
                             sizeof(*columns->exponents));
    }
    if (status == HYP_OK) {
        status = hyp_reserve(&columns->qualities, &columns->quality_capacity, values,
                             sizeof(*columns->qualities));
    }
    return status;
}

/* Makes every column longer; what is in them moves, the last one first. */
static enum hyp_status grow(struct hyp_columns *columns, size_t rows)
{
    size_t room = HYP_MAX(HYP_MAX(rows, columns->room * 2), (size_t)ROOM_MIN);
    enum hyp_status status = reserve(columns, columns->count, room);
    if (status != HYP_OK) {
        return status;
    }
    for (size_t i = columns->count; i-- > 1 && columns->rows > 0;) {
        size_t from = i * columns->room;
        size_t to = i * room;
        memmove(columns->payloads + to, columns->payloads + from,
                columns->rows * sizeof(*columns->payloads));
        memmove(columns->exponents + to, columns->exponents + from, columns->rows);
        memmove(columns->qualities + to, columns->qualities + from, columns->rows);
    }
    columns->room = room;
    return HYP_OK;
}

enum hyp_status hyp_columns_open(struct hyp_columns *columns, size_t index, uint16_t number,
                                 size_t more, size_t *ret_at)
{
    enum hyp_status status = HYP_OK;
    if (columns->rows == 0 && index == 0) {
        columns->count = 0; /* what a piece before left that was given up */
    }
    if (columns->rows + more > columns->room) {
        assert(index == 0);
        status = grow(columns, columns->rows + more);
    }
    if (columns->rows > 0 && status == HYP_OK) {
        status = index < columns->count && columns->numbers[index] == number ? HYP_OK
                                                                             : HYP_NOT_FOUND;
    } else if (status == HYP_OK) {
        status = reserve(columns, index + 1, columns->room);
        if (status == HYP_OK) {
            columns->numbers[index] = number;
            columns->count = index + 1;
        }
    }
    *ret_at = index * columns->room + columns->rows;
    return status;
}

enum hyp_status hyp_columns_close(struct hyp_columns *columns, size_t count, size_t more)
{
    if (count != columns->count) {
        return HYP_NOT_FOUND;
    }
    columns->rows += more;
    return HYP_OK;
}

/* Has every row the same columns in the same ascending order? */
static bool is_regular(const struct hyp_rows *rows)
{
    const struct hyp_row *first = &rows->rows[0];
    const struct hyp_cell *model = &rows->cells[first->first_cell];
    bool same = first->cells > 0;
    for (size_t i = 1; i < first->cells; i++) {
        same &= model[i].column > model[i - 1].column;
    }
    for (size_t r = 1; r < rows->row_count && same; r++) {
        const struct hyp_cell *cells = &rows->cells[rows->rows[r].first_cell];
        same = rows->rows[r].cells == first->cells;
        for (size_t i = 0; same && i < first->cells; i++) {
            same = cells[i].column == model[i].column;
        }
    }
    return same;
}

enum hyp_status hyp_columns_add(struct hyp_columns *columns, struct hyp_rows *rows,
                                const struct hyp_rows *from)
{
    size_t more = from->row_count;
    if (more == 0 || !is_regular(from)) {
        return more == 0 ? HYP_OK : HYP_NOT_FOUND;
    }
    const struct hyp_row *first = &from->rows[0];
    enum hyp_status status = hyp_rows_reserve_more(rows, more, 0);
    for (size_t i = 0; i < first->cells && status == HYP_OK; i++) {
        size_t at;
        status =
            hyp_columns_open(columns, i, from->cells[first->first_cell + i].column, more, &at);
        for (size_t r = 0; r < more && status == HYP_OK; r++) {
            const struct hyp_cell *cell = &from->cells[from->rows[r].first_cell + i];
            columns->payloads[at + r] = cell->payload;
            columns->exponents[at + r] = cell->exp10;
            columns->qualities[at + r] = cell->quality;
        }
    }
    if (status == HYP_OK) {
        status = hyp_columns_close(columns, first->cells, more);
    }
    if (status == HYP_OK) {
        memcpy(rows->rows + rows->row_count, from->rows, more * sizeof(*rows->rows));
        rows->row_count += (uint32_t)more;
    }
    return status;
}

enum hyp_status hyp_columns_spill(struct hyp_columns *columns, struct hyp_rows *rows)
{
    size_t count = columns->rows > 0 ? columns->count : 0;
    enum hyp_status status = hyp_rows_reserve_more(rows, 0, count * columns->rows);
    if (status != HYP_OK) {
        return status;
    }
    for (size_t r = 0; r < columns->rows; r++) {
        struct hyp_cell *cells = &rows->cells[r * count];
        rows->rows[r].first_cell = (uint32_t)(r * count);
        rows->rows[r].cells = (uint16_t)count;
        for (size_t i = 0; i < count; i++) {
            size_t at = i * columns->room + r;
            cells[i] = (struct hyp_cell){.payload = columns->payloads[at],
                                         .column = columns->numbers[i],
                                         .exp10 = columns->exponents[at],
                                         .quality = columns->qualities[at]};
        }
    }
    rows->cell_count = (uint32_t)(count * columns->rows);
    hyp_columns_clear(columns);
    return HYP_OK;
}
