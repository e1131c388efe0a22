/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From columns back to rows: how chunks are merged, corrected and shown reading by reading.
 */
#include "store/chunk.h"

#include "model/reading.h"
#include "model/value.h"
#include "store/chunk_format.h"
#include "store/columns.h"
#include "store/reserve.h"
#include "store/sequence.h"

#include <string.h>

/* One of the chunk's columns and where it goes. */
struct wanted {
    struct hyp_chunk_column column;
    uint32_t target;
};

static bool is_wanted(const struct hyp_chunk_target *target, int64_t point,
                      uint32_t *ret_column)
{
    if (target->only_point != 0 && target->only_point != point) {
        return false;
    }
    *ret_column = target->column_of(target->user, point);
    return *ret_column != UINT32_MAX;
}

static bool next_wanted(struct hyp_chunk_cursor *cursor, const struct hyp_chunk_target *target,
                        struct wanted *wanted, enum hyp_status *status)
{
    while ((*status = hyp_chunk_next_column(cursor, &wanted->column)) == HYP_OK) {
        if (is_wanted(target, wanted->column.point, &wanted->target)) {
            return true;
        }
    }
    *status = *status == HYP_NOT_FOUND ? HYP_OK : *status;
    return false;
}

static bool valid_origin(uint8_t kind, uint8_t source)
{
    return kind >= HYP_READING_CURRENT && kind <= HYP_READING_EVENT &&
           source >= HYP_SOURCE_AUTOMATIC && source <= HYP_SOURCE_PUSH;
}

/* Fills the rows' own members, without cells. */
static bool read_rows(const struct hyp_chunk *chunk, struct hyp_chunk_work *work,
                      struct hyp_row *rows, struct hyp_bytes *in)
{
    uint32_t n = chunk->rows;
    *in = chunk->parts;
    hyp_sequence_read(in, work->times, n);
    for (uint32_t i = 0; i < n && !hyp_bytes_failed(in); i++) {
        rows[i] = (struct hyp_row){.time = work->times[i]};
        if (i > 0 && rows[i].time < rows[i - 1].time) {
            return false;
        }
    }
    hyp_sequence_read(in, work->numbers, n);
    for (uint32_t i = 0; i < n && !hyp_bytes_failed(in); i++) {
        rows[i].receive = (int64_t)((uint64_t)rows[i].time + (uint64_t)work->numbers[i]);
    }
    hyp_sequence_read(in, work->numbers, n);
    for (uint32_t i = 0; i < n && !hyp_bytes_failed(in); i++) {
        rows[i].frame = work->numbers[i];
    }
    hyp_sequence_read(in, work->numbers, n);
    for (uint32_t i = 0; i < n && !hyp_bytes_failed(in); i++) {
        rows[i].kind = (uint8_t)(work->numbers[i] >> 4 & 0x0F);
        rows[i].source = (uint8_t)(work->numbers[i] & 0x0F);
        if (!valid_origin(rows[i].kind, rows[i].source)) {
            return false;
        }
    }
    return !hyp_bytes_failed(in);
}

/* Appends the chunk's texts to the target's list. *ret_first: the number of the first. */
static enum hyp_status take_texts(struct hyp_bytes *in, const struct hyp_chunk_target *target,
                                  size_t *ret_first)
{
    struct hyp_chunk_texts *texts = target->texts;
    *ret_first = texts->count;
    uint64_t count = hyp_bytes_varint(in);
    if (hyp_bytes_failed(in) || count > hyp_bytes_left(in)) {
        return HYP_MALFORMED;
    }
    enum hyp_status status = hyp_reserve(&texts->items, &texts->capacity,
                                         texts->count + (size_t)count, sizeof(*texts->items));
    if (status != HYP_OK) {
        return status;
    }
    for (uint64_t i = 0; i < count; i++) {
        size_t len = (size_t)hyp_bytes_varint(in);
        const uint8_t *bytes = hyp_bytes_take(in, len);
        if (bytes == NULL) {
            return HYP_MALFORMED;
        }
        texts->items[texts->count++] = (struct hyp_str){.ptr = (const char *)bytes, .len = len};
    }
    return HYP_OK;
}

/* Counts the cells of every row (first pass). */
static enum hyp_status count_cells(const struct hyp_chunk *chunk, struct hyp_chunk_work *work,
                                   const struct hyp_chunk_target *target, struct hyp_row *rows,
                                   size_t *ret_cells)
{
    struct hyp_chunk_cursor cursor;
    hyp_chunk_columns(chunk, &cursor);
    struct wanted wanted;
    enum hyp_status status;
    size_t cells = 0;
    uint16_t everywhere = 0;
    while (next_wanted(&cursor, target, &wanted, &status)) {
        cells += wanted.column.cells;
        if (wanted.column.cells == chunk->rows) {
            everywhere++;
            continue;
        }
        struct hyp_chunk_body body;
        struct hyp_bytes in;
        if (!hyp_chunk_body_open(chunk, &wanted.column, &body, &in) ||
            !hyp_chunk_row_numbers(&in, chunk, &wanted.column, work)) {
            return HYP_MALFORMED;
        }
        for (uint32_t i = 0; i < wanted.column.cells; i++) {
            rows[work->rows[i]].cells++;
        }
    }
    for (uint32_t i = 0; i < chunk->rows; i++) {
        rows[i].cells = (uint16_t)(rows[i].cells + everywhere);
    }
    *ret_cells = cells;
    return status;
}

/* Puts the cells into their places (second pass); rows[i].cells counts up again. */
static enum hyp_status place_cells(const struct hyp_chunk *chunk, struct hyp_chunk_work *work,
                                   const struct hyp_chunk_target *target, size_t first_text,
                                   struct hyp_row *rows, struct hyp_cell *cells)
{
    struct hyp_chunk_cursor cursor;
    hyp_chunk_columns(chunk, &cursor);
    struct wanted wanted;
    enum hyp_status status;
    while (next_wanted(&cursor, target, &wanted, &status)) {
        status = hyp_chunk_values(chunk, &wanted.column, work);
        if (status != HYP_OK) {
            return status;
        }
        bool is_text = wanted.column.value_kind == HYP_VALUE_TEXT;
        for (uint32_t i = 0; i < wanted.column.cells; i++) {
            struct hyp_row *row = &rows[work->rows[i]];
            struct hyp_cell *cell = &cells[row->first_cell + row->cells++];
            *cell = (struct hyp_cell){.column = (uint16_t)wanted.target,
                                      .payload = work->payloads[i],
                                      .exp10 = work->exponents[i],
                                      .quality = work->qualities[i]};
            if (is_text && hyp_quality_is_usable((enum hyp_quality)cell->quality)) {
                if (cell->payload < 0 ||
                    (uint64_t)cell->payload >= target->texts->count - first_text) {
                    return HYP_MALFORMED;
                }
                cell->payload = -(int64_t)first_text - cell->payload - 1;
            }
        }
    }
    return status;
}

/* Leaves out rows without cells. Returns how many stay. */
static uint32_t keep_filled(struct hyp_row *rows, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].cells > 0) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

/* The rows of a chunk behind those that are there, not counted yet; in stands at the texts. */
static enum hyp_status append_rows(const struct hyp_chunk *chunk, struct hyp_chunk_work *work,
                                   struct hyp_rows *rows, struct hyp_bytes *in)
{
    enum hyp_status status = hyp_chunk_reserve(work, chunk->rows);
    if (status == HYP_OK) {
        status = hyp_rows_reserve_more(rows, chunk->rows, 0);
    }
    if (status == HYP_OK && !read_rows(chunk, work, &rows->rows[rows->row_count], in)) {
        status = HYP_MALFORMED;
    }
    return status;
}

enum hyp_status hyp_chunk_rows(const struct hyp_chunk *chunk, struct hyp_chunk_work *work,
                               const struct hyp_chunk_target *target, struct hyp_rows *rows)
{
    struct hyp_bytes in;
    size_t first_text;
    enum hyp_status status = append_rows(chunk, work, rows, &in);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_row *added = &rows->rows[rows->row_count];
    if (rows->row_count > 0 && added[0].time < added[-1].time) {
        return HYP_MALFORMED;
    }
    status = take_texts(&in, target, &first_text);
    size_t cells = 0;
    if (status == HYP_OK) {
        status = count_cells(chunk, work, target, added, &cells);
    }
    if (status == HYP_OK) {
        status = hyp_rows_reserve_more(rows, 0, cells);
    }
    if (status != HYP_OK) {
        return status;
    }
    uint32_t at = rows->cell_count;
    for (uint32_t i = 0; i < chunk->rows; i++) {
        added[i].first_cell = at;
        at += added[i].cells;
        added[i].cells = 0;
    }
    status = place_cells(chunk, work, target, first_text, added, rows->cells);
    if (status == HYP_OK) {
        rows->row_count +=
            target->only_point != 0 ? keep_filled(added, chunk->rows) : chunk->rows;
        rows->cell_count = at;
    }
    return status;
}

/* --- into columns --- */

static enum hyp_status gather_columns(const struct hyp_chunk *chunk,
                                      struct hyp_chunk_work *work,
                                      const struct hyp_chunk_target *target,
                                      struct hyp_columns *columns)
{
    struct hyp_chunk_cursor cursor;
    hyp_chunk_columns(chunk, &cursor);
    struct wanted wanted;
    enum hyp_status status;
    size_t n = chunk->rows;
    size_t count = 0;
    while (next_wanted(&cursor, target, &wanted, &status)) {
        if (wanted.column.cells != n || wanted.column.value_kind == HYP_VALUE_TEXT) {
            return HYP_NOT_FOUND;
        }
        size_t at;
        status = hyp_columns_open(columns, count++, (uint16_t)wanted.target, n, &at);
        if (status == HYP_OK) {
            status = hyp_chunk_values(chunk, &wanted.column, work);
        }
        if (status != HYP_OK) {
            return status;
        }
        memcpy(columns->payloads + at, work->payloads, n * sizeof(*work->payloads));
        memcpy(columns->exponents + at, work->exponents, n);
        memcpy(columns->qualities + at, work->qualities, n);
    }
    return status == HYP_OK && count > 0 ? hyp_columns_close(columns, count, n) : HYP_NOT_FOUND;
}

enum hyp_status hyp_chunk_gather(const struct hyp_chunk *chunk, struct hyp_chunk_work *work,
                                 const struct hyp_chunk_target *target, struct hyp_rows *rows,
                                 struct hyp_columns *columns)
{
    struct hyp_bytes in;
    enum hyp_status status = append_rows(chunk, work, rows, &in);
    if (status != HYP_OK) {
        return status;
    }
    const struct hyp_row *added = &rows->rows[rows->row_count];
    bool later = rows->row_count == 0 || added[0].time > added[-1].time;
    if (!later || hyp_bytes_varint(&in) != 0 || hyp_bytes_failed(&in)) {
        return HYP_NOT_FOUND; /* texts, or what is left to who reads rows to complain about */
    }
    status = gather_columns(chunk, work, target, columns);
    if (status == HYP_OK) {
        rows->row_count += chunk->rows;
    }
    return status;
}
