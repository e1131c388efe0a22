/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk.h"

#include "base/limits.h"
#include "model/value.h"
#include "store/chunk_choose.h"
#include "store/chunk_column.h"
#include "store/chunk_format.h"
#include "store/columns.h"
#include "store/crc32c.h"
#include "store/reserve.h"
#include "store/sequence.h"
#include "store/sequence_noise.h"
#include "store/series.h"

#include <string.h>

/* --- texts --- */

/* Numbers the texts of a column in the order of their first use; payloads become numbers. */
static enum hyp_status number_texts(struct hyp_chunk_work *work, size_t begin, size_t end,
                                    int64_t *order, size_t *count)
{
    for (size_t i = begin; i < end; i++) {
        if (!hyp_quality_is_usable((enum hyp_quality)work->qualities[i])) {
            continue;
        }
        uint64_t number;
        if (!hyp_map_get(&work->text_index, (uint64_t)work->payloads[i], &number)) {
            number = *count;
            enum hyp_status status =
                hyp_map_set(&work->text_index, (uint64_t)work->payloads[i], number);
            if (status != HYP_OK) {
                return status;
            }
            order[(*count)++] = work->payloads[i];
        }
        work->payloads[i] = (int64_t)number;
    }
    return HYP_OK;
}

static enum hyp_status write_texts(struct hyp_chunk_work *work,
                                   const struct hyp_chunk_source *source, struct hyp_buf *data)
{
    size_t count = 0;
    enum hyp_status status = HYP_OK;
    for (uint32_t c = 0; c < source->point_count && status == HYP_OK; c++) {
        if (source->points[c].value_kind == HYP_VALUE_TEXT) {
            status =
                number_texts(work, work->starts[c], work->starts[c + 1], work->numbers, &count);
        }
    }
    hyp_buf_append_varint(data, count);
    for (size_t i = 0; i < count && status == HYP_OK; i++) {
        struct hyp_str text = hyp_chunk_text(source->texts, work->numbers[i]);
        hyp_buf_append_varint(data, text.len);
        hyp_buf_append_str(data, text);
    }
    if (count > 0) {
        hyp_map_finish(&work->text_index);
        hyp_map_init(&work->text_index);
    }
    return status;
}

/* --- columns out of rows --- */

/* Has every row the same columns in the same ascending order? So it nearly always is. */
static bool is_regular(const struct hyp_chunk_source *source)
{
    const struct hyp_rows *rows = source->rows;
    const struct hyp_row *first = &rows->rows[0];
    const struct hyp_cell *model = &rows->cells[first->first_cell];
    bool same = true;
    for (size_t i = 1; i < first->cells && same; i++) {
        same = model[i].column > model[i - 1].column;
    }
    for (size_t r = 1; r < rows->row_count && same; r++) {
        const struct hyp_cell *cell = &rows->cells[rows->rows[r].first_cell];
        same = rows->rows[r].cells == first->cells;
        for (size_t i = 0; same && i < first->cells; i++) {
            same = cell[i].column == model[i].column;
        }
    }
    return same;
}

/* Sorts the cells of regular rows. */
static void transpose(struct hyp_chunk_work *work, const struct hyp_chunk_source *source)
{
    const struct hyp_rows *rows = source->rows;
    size_t count = rows->row_count;
    const struct hyp_row *first = &rows->rows[0];
    uint32_t column = 0;
    for (size_t i = 0; i < first->cells; i++) {
        for (; column <= rows->cells[first->first_cell + i].column; column++) {
            work->starts[column] = (uint32_t)(i * count);
        }
        for (size_t r = 0; r < count; r++) {
            const struct hyp_cell *cell = &rows->cells[rows->rows[r].first_cell + i];
            work->payloads[i * count + r] = cell->payload;
            work->exponents[i * count + r] = cell->exp10;
            work->qualities[i * count + r] = cell->quality;
            work->rows[i * count + r] = (uint32_t)r;
        }
    }
    for (; column <= source->point_count; column++) {
        work->starts[column] = (uint32_t)(first->cells * count);
    }
}

static enum hyp_status reserve(struct hyp_chunk_work *work, size_t values, size_t points)
{
    enum hyp_status status = hyp_chunk_reserve(work, values);
    return status == HYP_OK ? hyp_reserve(&work->starts, &work->start_capacity, points + 2,
                                          sizeof(*work->starts))
                            : status;
}

/* The values are sorted already: only says where columns begin, as if they stood one behind the
 * other, and that each has a value for every row. */
static enum hyp_status place_columns(struct hyp_chunk_work *work,
                                     const struct hyp_chunk_source *source)
{
    const struct hyp_columns *columns = source->columns;
    uint32_t count = source->rows->row_count;
    enum hyp_status status = reserve(work, count, source->point_count);
    if (status != HYP_OK) {
        return status;
    }
    uint32_t c = 0;
    for (size_t i = 0; i < columns->count; i++) {
        for (; c <= columns->numbers[i]; c++) {
            work->starts[c] = (uint32_t)(i * count);
        }
    }
    for (; c <= source->point_count; c++) {
        work->starts[c] = (uint32_t)(columns->count * count);
    }
    for (uint32_t r = 0; r < count; r++) {
        work->rows[r] = r;
    }
    return HYP_OK;
}

/* Sorts the cells by column; starts[c] .. starts[c + 1] are those of column c, by row. */
static enum hyp_status sort_cells(struct hyp_chunk_work *work,
                                  const struct hyp_chunk_source *source)
{
    const struct hyp_rows *rows = source->rows;
    size_t cells = 0;
    for (size_t r = 0; r < rows->row_count; r++) {
        cells += rows->rows[r].cells;
    }
    enum hyp_status status =
        reserve(work, HYP_MAX(cells, (size_t)rows->row_count), source->point_count);
    if (status != HYP_OK) {
        return status;
    }
    if (cells == 0) { /* nor are there rows->cells */
        memset(work->starts, 0, ((size_t)source->point_count + 2) * sizeof(*work->starts));
        return HYP_OK;
    }
    if (is_regular(source)) {
        transpose(work, source);
        return HYP_OK;
    }
    /* Counted one place further on, so that after filling, starts[c] is where c begins. */
    memset(work->starts, 0, ((size_t)source->point_count + 2) * sizeof(*work->starts));
    for (size_t r = 0; r < rows->row_count; r++) {
        const struct hyp_cell *cell = &rows->cells[rows->rows[r].first_cell];
        for (size_t i = 0; i < rows->rows[r].cells; i++) {
            work->starts[cell[i].column + 2]++;
        }
    }
    for (size_t c = 2; c < (size_t)source->point_count + 2; c++) {
        work->starts[c] += work->starts[c - 1];
    }
    for (size_t r = 0; r < rows->row_count; r++) {
        const struct hyp_cell *cell = &rows->cells[rows->rows[r].first_cell];
        for (size_t i = 0; i < rows->rows[r].cells; i++) {
            uint32_t at = work->starts[cell[i].column + 1]++;
            work->payloads[at] = cell[i].payload;
            work->exponents[at] = cell[i].exp10;
            work->qualities[at] = cell[i].quality;
            work->rows[at] = (uint32_t)r;
        }
    }
    return HYP_OK;
}

/* --- chunk --- */

static struct hyp_cells cells_of(const struct hyp_chunk_work *work,
                                 const struct hyp_chunk_source *source, uint32_t c)
{
    uint32_t begin = work->starts[c];
    struct hyp_cells column = {.rows = source->rows, .cells = work->starts[c + 1] - begin};
    if (source->columns != NULL) {
        size_t at = begin / source->rows->row_count * source->columns->room;
        column.payloads = source->columns->payloads + at;
        column.exponents = source->columns->exponents + at;
        column.qualities = source->columns->qualities + at;
        column.row = work->rows;
    } else {
        column.payloads = work->payloads + begin;
        column.exponents = work->exponents + begin;
        column.qualities = work->qualities + begin;
        column.row = work->rows + begin;
    }
    hyp_cells_look(&column);
    return column;
}

/* Below so many values a reference weighs more than it saves. */
#define REFERENCE_VALUES_MIN 48

/* The digits of a column by row, as a reference to it finds them. */
static void spread(struct hyp_chunk_work *work, const struct hyp_cells *column,
                   int64_t *ret_line)
{
    size_t row_count = column->rows->row_count;
    if (column->plain && column->cells == row_count) {
        hyp_cells_digits(column, ret_line);
        return;
    }
    struct hyp_chunk_cells cells = {
        .rows = column->row, .qualities = column->qualities, .count = column->cells};
    hyp_cells_digits(column, work->numbers);
    hyp_chunk_spread_digits(&cells, work->numbers, row_count, ret_line);
}

/* Has the chooser look for references. False when there are none. */
static bool choose(struct hyp_chunk_work *work, const struct hyp_chunk_source *source)
{
    const struct hyp_rows *rows = source->rows;
    if (!source->thorough ||
        hyp_chunk_chooser_begin(&work->chooser, rows->rows, rows->row_count) != HYP_OK) {
        return false;
    }
    uint32_t number = 0;
    for (uint32_t c = 0; c < source->point_count; c++) {
        if (work->starts[c + 1] == work->starts[c]) {
            continue;
        }
        struct hyp_cells column = cells_of(work, source, c);
        const struct hyp_chunk_point *point = &source->points[c];
        if (point->value_kind == HYP_VALUE_DECIMAL && column.scalable &&
            column.usable >= REFERENCE_VALUES_MIN) {
            int64_t *line =
                hyp_chunk_chooser_add(work->chooser, number, (enum hyp_chunk_role)point->role);
            if (line == NULL) {
                break;
            }
            spread(work, &column, line);
        }
        number++;
    }
    hyp_chunk_chooser_run(work->chooser);
    return true;
}

static uint32_t count_columns(const struct hyp_chunk_work *work, uint32_t point_count)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < point_count; c++) {
        count += work->starts[c + 1] > work->starts[c];
    }
    return count;
}

static bool has_distinct_times(const struct hyp_rows *rows)
{
    for (size_t r = 1; r < rows->row_count; r++) {
        if (rows->rows[r].time == rows->rows[r - 1].time) {
            return false;
        }
    }
    return true;
}

/* Where columns like this one keep what they chose. Short and thorough chunks, and those of few
 * rows, do not choose alike. */
static struct hyp_chunk_habit *habit_of(struct hyp_chunk_work *work,
                                        const struct hyp_chunk_source *source, uint32_t c)
{
    if (source->points[c].likeness == 0) {
        return NULL;
    }
    bool coded = work->starts[c + 1] - work->starts[c] >= HYP_NOISE_CODED;
    uint32_t at = source->points[c].likeness ^ (source->thorough ? 1u : 0u) ^ (coded ? 2u : 0u);
    return &work->habits[at % HYP_CHUNK_HABITS];
}

static void write_columns(struct hyp_chunk_work *work, const struct hyp_chunk_source *source,
                          struct hyp_buf *head, struct hyp_buf *data)
{
    bool chosen = choose(work, source);
    bool distinct = has_distinct_times(source->rows);
    int64_t point = 0;
    uint32_t number = 0;
    for (uint32_t c = 0; c < source->point_count; c++) {
        if (work->starts[c + 1] == work->starts[c]) {
            continue;
        }
        struct hyp_cells column = cells_of(work, source, c);
        column.distinct = distinct;
        column.habit = habit_of(work, source, c);
        if (chosen) {
            column.is_sure = hyp_chunk_chooser_is_sure(work->chooser, number);
            column.is_source = hyp_chunk_chooser_is_source(work->chooser, number);
            column.reference = hyp_chunk_chooser_get(work->chooser, number);
        }
        int64_t step = source->points[c].point - point;
        hyp_cells_write(&column, source->points[c].value_kind, step, work, head, data);
        point = source->points[c].point;
        number++;
    }
}

/* One number of every row, as the rows' part keeps it. */
static void list_row_numbers(const struct hyp_rows *rows, int which, int64_t *numbers)
{
    const struct hyp_row *row = rows->rows;
    size_t n = rows->row_count;
    switch (which) {
    case 0:
        for (size_t r = 0; r < n; r++) {
            numbers[r] = row[r].time;
        }
        return;
    case 1:
        for (size_t r = 0; r < n; r++) {
            numbers[r] = (int64_t)((uint64_t)row[r].receive - (uint64_t)row[r].time);
        }
        return;
    case 2:
        for (size_t r = 0; r < n; r++) {
            numbers[r] = row[r].frame;
        }
        return;
    default:
        for (size_t r = 0; r < n; r++) {
            numbers[r] = row[r].kind << 4 | row[r].source;
        }
    }
}

static enum hyp_status write_rows(struct hyp_chunk_work *work,
                                  const struct hyp_chunk_source *source, struct hyp_buf *data)
{
    struct hyp_buf part HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&part, data->max);
    for (int which = 0; which < HYP_CHUNK_ROW_SEQUENCES; which++) {
        list_row_numbers(source->rows, which, work->times);
        hyp_sequence_write(&part, work->times, source->rows->row_count, work->scratch, NULL);
    }
    enum hyp_status status = write_texts(work, source, &part);
    if (status == HYP_OK) {
        status = hyp_buf_status(&part);
    }
    if (status == HYP_OK) {
        hyp_buf_append_varint(data, part.len);
        hyp_buf_append(data, part.data, part.len);
    }
    return status;
}

static void write_checksum(struct hyp_buf *head, uint32_t data_crc)
{
    struct hyp_buf field;
    hyp_buf_init_fixed(&field, head->data + HYP_CHUNK_DATA_CRC_AT, sizeof(data_crc));
    hyp_buf_append_le32(&field, data_crc);
    uint32_t crc =
        hyp_crc32c(head->data + HYP_CHUNK_DATA_CRC_AT, head->len - HYP_CHUNK_DATA_CRC_AT);
    hyp_buf_init_fixed(&field, head->data + HYP_CHUNK_CRC_AT, sizeof(crc));
    hyp_buf_append_le32(&field, crc);
}

enum hyp_status hyp_chunk_write(struct hyp_chunk_work *work,
                                const struct hyp_chunk_source *source, struct hyp_buf *head,
                                struct hyp_buf *data)
{
    const struct hyp_rows *rows = source->rows;
    if (rows->row_count == 0 || rows->row_count > HYP_LIMIT_CHUNK_ROWS) {
        return rows->row_count == 0 ? HYP_INVALID : HYP_LIMIT;
    }
    enum hyp_status status =
        source->columns != NULL ? place_columns(work, source) : sort_cells(work, source);
    if (status == HYP_OK) {
        status = write_rows(work, source, data);
    }
    if (status != HYP_OK) {
        return status;
    }
    int64_t first = rows->rows[0].time;
    int64_t last = rows->rows[rows->row_count - 1].time;
    hyp_buf_append_u8(head, HYP_CHUNK_VERSION);
    hyp_buf_append_le32(head, 0);
    hyp_buf_append_le32(head, 0);
    hyp_buf_append_varint(head, rows->row_count);
    hyp_buf_append_svarint(head, first);
    hyp_buf_append_varint(head, (uint64_t)last - (uint64_t)first);
    hyp_buf_append_varint(head, count_columns(work, source->point_count));
    write_columns(work, source, head, data);
    if (hyp_buf_status(head) != HYP_OK || hyp_buf_status(data) != HYP_OK) {
        return hyp_buf_status(head) != HYP_OK ? hyp_buf_status(head) : hyp_buf_status(data);
    }
    write_checksum(head, hyp_crc32c(data->data, data->len));
    return HYP_OK;
}
