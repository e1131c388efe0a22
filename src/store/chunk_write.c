/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk.h"

#include "base/limits.h"
#include "model/value.h"
#include "store/chunk_format.h"
#include "store/crc32c.h"
#include "store/sequence.h"
#include "store/series.h"

#include <stdlib.h>
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

static enum hyp_status reserve_starts(struct hyp_chunk_work *work, size_t count)
{
    if (count <= work->start_capacity) {
        return HYP_OK;
    }
    uint32_t *starts = realloc(work->starts, count * sizeof(*starts));
    if (starts == NULL) {
        return HYP_NO_MEMORY;
    }
    work->starts = starts;
    work->start_capacity = count;
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
    enum hyp_status status = hyp_chunk_reserve(work, HYP_MAX(cells, (size_t)rows->row_count));
    if (status == HYP_OK) {
        status = reserve_starts(work, (size_t)source->point_count + 2);
    }
    if (status != HYP_OK) {
        return status;
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

/* --- exponents and digits --- */

/* The values of one column. */
struct column {
    const struct hyp_rows *rows;
    const int64_t *payloads;
    const int8_t *exponents;
    const uint8_t *qualities;
    const uint32_t *row;
    size_t cells;
    size_t usable;
    int8_t least; /* exponent of the usable values */
    bool one_exponent;
    bool scalable; /* all can be brought to the least exponent */
};

static bool is_usable(const struct column *column, size_t i)
{
    return hyp_quality_is_usable((enum hyp_quality)column->qualities[i]);
}

static bool scale(int64_t digits, int places, int64_t *ret_digits)
{
    while (digits != 0 && places > 0) {
        if (__builtin_mul_overflow(digits, 10, &digits)) {
            return false;
        }
        places--;
    }
    *ret_digits = digits;
    return true;
}

static void look_at_exponents(struct column *column)
{
    column->least = INT8_MAX;
    column->one_exponent = true;
    bool any = false;
    int8_t first = 0;
    for (size_t i = 0; i < column->cells; i++) {
        if (!is_usable(column, i)) {
            continue;
        }
        column->usable++;
        first = any ? first : column->exponents[i];
        any = true;
        column->one_exponent &= column->exponents[i] == first;
        column->least = HYP_MIN(column->least, column->exponents[i]);
    }
    column->least = any ? column->least : 0;
    column->scalable = true;
    for (size_t i = 0; i < column->cells && !column->one_exponent && column->scalable; i++) {
        int64_t digits;
        column->scalable =
            !is_usable(column, i) ||
            scale(column->payloads[i], column->exponents[i] - column->least, &digits);
    }
}

/* Digits of value i at the least exponent; the column is scalable. */
static int64_t scaled(const struct column *column, size_t i)
{
    int64_t digits = 0;
    HYP_IGNORE(scale(column->payloads[i], column->exponents[i] - column->least, &digits));
    return digits;
}

static void write_digits(struct hyp_buf *data, const struct column *column, bool scaled_ones,
                         struct hyp_chunk_work *work)
{
    size_t n = 0;
    for (size_t i = 0; i < column->cells; i++) {
        if (is_usable(column, i)) {
            work->numbers[n++] = scaled_ones ? scaled(column, i) : column->payloads[i];
        }
    }
    hyp_sequence_write(data, work->numbers, n, work->scratch);
}

static void write_exponents(struct hyp_buf *data, const struct column *column,
                            struct hyp_chunk_work *work)
{
    size_t n = 0;
    for (size_t i = 0; i < column->cells; i++) {
        if (is_usable(column, i)) {
            work->numbers[n++] = column->exponents[i];
        }
    }
    hyp_sequence_write(data, work->numbers, n, work->scratch);
}

static bool all_shortest(const struct column *column)
{
    for (size_t i = 0; i < column->cells; i++) {
        if (is_usable(column, i) &&
            hyp_chunk_shortest_exponent(scaled(column, i), column->least) !=
                column->exponents[i]) {
            return false;
        }
    }
    return true;
}

/* --- body --- */

static void write_row_numbers(struct hyp_buf *data, const struct column *column,
                              struct hyp_chunk_work *work)
{
    for (size_t i = 0; i < column->cells; i++) {
        work->numbers[i] = column->row[i];
    }
    hyp_sequence_write(data, work->numbers, column->cells, work->scratch);
}

static bool one_quality(const struct column *column)
{
    for (size_t i = 1; i < column->cells; i++) {
        if (column->qualities[i] != column->qualities[0]) {
            return false;
        }
    }
    return true;
}

static void write_qualities(struct hyp_buf *data, const struct column *column,
                            struct hyp_chunk_work *work)
{
    for (size_t i = 0; i < column->cells; i++) {
        work->numbers[i] = column->qualities[i];
    }
    hyp_sequence_write(data, work->numbers, column->cells, work->scratch);
}

static void write_body_as(struct hyp_buf *data, const struct column *column,
                          enum hyp_chunk_exponents how, struct hyp_chunk_work *work)
{
    bool one = one_quality(column);
    hyp_buf_append_u8(data, (uint8_t)(how | (one ? HYP_CHUNK_ONE_QUALITY : 0u)));
    if (column->cells != column->rows->row_count) {
        write_row_numbers(data, column, work);
    }
    if (how == HYP_CHUNK_ONE_EXPONENT || how == HYP_CHUNK_SHORTEST) {
        hyp_buf_append_u8(data, (uint8_t)column->least);
    } else {
        write_exponents(data, column, work);
    }
    if (one) {
        hyp_buf_append_u8(data, column->qualities[0]);
    } else {
        write_qualities(data, column, work);
    }
    write_digits(data, column, how == HYP_CHUNK_SCALED || how == HYP_CHUNK_SHORTEST, work);
}

/* Where exponents differ, the ways to keep them are tried and the shortest one stays. */
static void write_body(struct hyp_buf *data, const struct column *column,
                       struct hyp_chunk_work *work)
{
    if (column->one_exponent) {
        write_body_as(data, column, HYP_CHUNK_ONE_EXPONENT, work);
        return;
    }
    size_t start = data->len;
    write_body_as(data, column, HYP_CHUNK_RAW, work);
    if (!column->scalable) {
        return;
    }
    enum hyp_chunk_exponents other =
        all_shortest(column) ? HYP_CHUNK_SHORTEST : HYP_CHUNK_SCALED;
    size_t second = data->len;
    write_body_as(data, column, other, work);
    if (hyp_buf_status(data) != HYP_OK) {
        return;
    }
    size_t len = data->len - second;
    if (len < second - start) {
        memmove(data->data + start, data->data + second, len);
        data->len = start + len;
    } else {
        data->len = second;
    }
}

/* --- statistics --- */

static void add_to_stats(struct hyp_chunk_stats *stats, int64_t digits)
{
    if (stats->count == 0) {
        stats->first = digits;
        stats->min = digits;
        stats->max = digits;
    }
    stats->last = digits;
    stats->min = HYP_MIN(stats->min, digits);
    stats->max = HYP_MAX(stats->max, digits);
    stats->sum += digits;
    stats->count++;
}

/* Statistics over the shown version of every instant. */
static void make_stats(const struct column *column, struct hyp_chunk_stats *stats)
{
    *stats = (struct hyp_chunk_stats){.exp10 = column->least};
    const struct hyp_row *rows = column->rows->rows;
    for (size_t i = 0; i < column->cells;) {
        size_t shown = i;
        size_t next = i + 1;
        for (;
             next < column->cells && rows[column->row[next]].time == rows[column->row[i]].time;
             next++) {
            if (hyp_series_is_better(column->qualities[next], rows[column->row[next]].kind,
                                     column->qualities[shown], rows[column->row[shown]].kind)) {
                shown = next;
            }
        }
        if (is_usable(column, shown)) {
            add_to_stats(stats, scaled(column, shown));
        }
        i = next;
    }
}

/* Does max - min fit, as the head wants it? */
static bool is_writable(const struct hyp_chunk_stats *stats)
{
    int64_t range;
    return stats->count > 0 && !__builtin_sub_overflow(stats->max, stats->min, &range);
}

static void append_varint128(struct hyp_buf *out, unsigned __int128 value)
{
    while (value >= 0x80) {
        hyp_buf_append_u8(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    hyp_buf_append_u8(out, (uint8_t)value);
}

static bool is_constant(const struct hyp_chunk_stats *stats)
{
    return stats->min == stats->max;
}

static void write_stats(struct hyp_buf *head, const struct hyp_chunk_stats *stats,
                        bool with_count)
{
    if (with_count) {
        hyp_buf_append_varint(head, stats->count);
    }
    hyp_buf_append_u8(head, (uint8_t)stats->exp10);
    hyp_buf_append_svarint(head, stats->first);
    if (is_constant(stats)) {
        return;
    }
    hyp_buf_append_svarint(head, stats->last - stats->first);
    hyp_buf_append_varint(head, (uint64_t)(stats->first - stats->min));
    hyp_buf_append_varint(head, (uint64_t)(stats->max - stats->min));
    hyp_int128 rest = stats->sum - (hyp_int128)stats->min * (hyp_int128)stats->count;
    append_varint128(head, (unsigned __int128)rest);
}

/* --- chunk --- */

static void write_column(struct hyp_chunk_work *work, const struct hyp_chunk_source *source,
                         uint32_t c, int64_t step, struct hyp_buf *head, struct hyp_buf *data)
{
    uint32_t begin = work->starts[c];
    struct column column = {.rows = source->rows,
                            .payloads = work->payloads + begin,
                            .exponents = work->exponents + begin,
                            .qualities = work->qualities + begin,
                            .row = work->rows + begin,
                            .cells = work->starts[c + 1] - begin};
    look_at_exponents(&column);
    size_t start = data->len;
    write_body(data, &column, work);
    struct hyp_chunk_stats stats = {0};
    uint8_t kind = source->points[c].value_kind;
    if (kind == HYP_VALUE_DECIMAL && column.scalable) {
        make_stats(&column, &stats);
    }
    bool has_stats = is_writable(&stats);
    bool with_count = has_stats && stats.count != column.usable;
    uint8_t flags = kind;
    flags |= column.cells == source->rows->row_count ? HYP_CHUNK_EVERY_ROW : 0u;
    flags |= column.usable == column.cells ? HYP_CHUNK_ALL_USABLE : 0u;
    flags |= has_stats ? HYP_CHUNK_STATS : 0u;
    flags |= has_stats && is_constant(&stats) ? HYP_CHUNK_CONSTANT : 0u;
    flags |= with_count ? HYP_CHUNK_COUNT : 0u;
    hyp_buf_append_varint(head, (uint64_t)step);
    hyp_buf_append_u8(head, flags);
    if ((flags & HYP_CHUNK_EVERY_ROW) == 0) {
        hyp_buf_append_varint(head, column.cells);
    }
    if ((flags & HYP_CHUNK_ALL_USABLE) == 0) {
        hyp_buf_append_varint(head, column.usable);
    }
    hyp_buf_append_varint(head, data->len - start);
    if (has_stats) {
        write_stats(head, &stats, with_count);
    }
}

static uint32_t count_columns(const struct hyp_chunk_work *work, uint32_t point_count)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < point_count; c++) {
        count += work->starts[c + 1] > work->starts[c];
    }
    return count;
}

/* One number of every row, as the rows' part keeps it. */
static int64_t row_number(const struct hyp_row *row, int which)
{
    switch (which) {
    case 0: return row->time;
    case 1: return (int64_t)((uint64_t)row->receive - (uint64_t)row->time);
    case 2: return row->frame;
    default: return row->kind << 4 | row->source;
    }
}

static enum hyp_status write_rows(struct hyp_chunk_work *work,
                                  const struct hyp_chunk_source *source, struct hyp_buf *data)
{
    struct hyp_buf part HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&part, data->max);
    for (int which = 0; which < HYP_CHUNK_ROW_SEQUENCES; which++) {
        for (size_t r = 0; r < source->rows->row_count; r++) {
            work->times[r] = row_number(&source->rows->rows[r], which);
        }
        hyp_sequence_write(&part, work->times, source->rows->row_count, work->scratch);
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
    enum hyp_status status = sort_cells(work, source);
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
    int64_t point = 0;
    for (uint32_t c = 0; c < source->point_count; c++) {
        if (work->starts[c + 1] > work->starts[c]) {
            write_column(work, source, c, source->points[c].point - point, head, data);
            point = source->points[c].point;
        }
    }
    if (hyp_buf_status(head) != HYP_OK || hyp_buf_status(data) != HYP_OK) {
        return hyp_buf_status(head) != HYP_OK ? hyp_buf_status(head) : hyp_buf_status(data);
    }
    write_checksum(head, hyp_crc32c(data->data, data->len));
    return HYP_OK;
}
