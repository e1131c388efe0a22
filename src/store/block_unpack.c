/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the packed form of a block back to its rows.
 */
#include "store/block.h"

#include "base/bytes.h"
#include "base/limits.h"
#include "model/value.h"
#include "store/block_format.h"
#include "store/columns.h"
#include "store/reserve.h"

#include <stdlib.h>
#include <string.h>

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static void unpack_row_columns(struct hyp_bytes *in, struct hyp_row *rows, size_t count)
{
    uint8_t irregular = hyp_bytes_u8(in);
    int64_t time = hyp_bytes_svarint(in);
    uint64_t step = irregular ? 0 : hyp_bytes_varint(in);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            time = plus(time, (int64_t)(irregular ? hyp_bytes_varint(in) : step));
        }
        rows[i] = (struct hyp_row){.time = time};
    }
    uint8_t each = hyp_bytes_u8(in);
    int64_t wait = 0;
    for (size_t i = 0; i < count; i++) {
        wait = each || i == 0 ? plus(wait, hyp_bytes_svarint(in)) : wait;
        rows[i].receive = plus(rows[i].time, wait);
    }
    each = hyp_bytes_u8(in);
    int64_t frame = 0;
    for (size_t i = 0; i < count; i++) {
        frame = each ? plus(frame, hyp_bytes_svarint(in)) : 0;
        rows[i].frame = frame;
    }
    each = hyp_bytes_u8(in);
    uint8_t from = 0;
    for (size_t i = 0; i < count; i++) {
        from = each || i == 0 ? hyp_bytes_u8(in) : from;
        rows[i].kind = from >> 4;
        rows[i].source = from & 0x0F;
    }
}

/* Unpacks exponents, qualities and payloads into cells `stride` apart. */
static void unpack_values(struct hyp_bytes *in, uint8_t mode, size_t count,
                          struct hyp_cell *cells, size_t stride)
{
    uint8_t byte = 0;
    for (size_t i = 0; i < count; i++) {
        byte = mode & MODE_ONE_EXPONENT && i > 0 ? byte : hyp_bytes_u8(in);
        cells[i * stride].exp10 = (int8_t)byte;
    }
    for (size_t i = 0; i < count; i++) {
        byte = mode & MODE_ONE_QUALITY && i > 0 ? byte : hyp_bytes_u8(in);
        cells[i * stride].quality = byte;
    }
    int64_t running = mode & MODE_ONE_PAYLOAD ? hyp_bytes_svarint(in) : 0;
    for (size_t i = 0; i < count; i++) {
        struct hyp_cell *cell = &cells[i * stride];
        if (hyp_quality_is_usable((enum hyp_quality)cell->quality)) {
            running = mode & MODE_ONE_PAYLOAD ? running : plus(running, hyp_bytes_svarint(in));
            cell->payload = running;
        }
    }
}

/*
 * Unpacks one column into *cells, with the row of each in *at.
 * Returns the number of values; 0 when damaged.
 */
static size_t unpack_column(struct hyp_bytes *in, uint16_t column, size_t row_count,
                            struct hyp_cell *cells, uint32_t *at)
{
    uint8_t mode = hyp_bytes_u8(in);
    size_t count = mode & MODE_EVERY_ROW ? row_count : (size_t)hyp_bytes_varint(in);
    if (count > row_count) {
        in->failed = true;
        return 0;
    }
    uint64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        next += mode & MODE_EVERY_ROW ? 0 : hyp_bytes_varint(in);
        if (next >= row_count) {
            in->failed = true;
            return 0;
        }
        at[i] = (uint32_t)next++;
        cells[i] = (struct hyp_cell){.column = column};
    }
    unpack_values(in, mode, count, cells, 1);
    return in->failed ? 0 : count;
}

/* The next column: its number, and its body. False when damaged. */
static bool next_column(struct hyp_bytes *in, uint64_t *column, struct hyp_bytes *ret_body)
{
    uint64_t step = hyp_bytes_varint(in);
    *column += HYP_MIN(step, (uint64_t)UINT16_MAX + 1);
    *ret_body = hyp_bytes_slice(in, (size_t)hyp_bytes_varint(in));
    return !in->failed && *column <= UINT16_MAX;
}

/* The columns as they come, before they are sorted back into rows. */
struct loose {
    struct hyp_cell *cells;
    uint32_t *at;
    size_t count;
    size_t capacity; /* of cells */
    size_t at_capacity;
};

static enum hyp_status loose_reserve(struct loose *loose, size_t more)
{
    size_t wanted = loose->count + more;
    enum hyp_status status =
        hyp_reserve(&loose->cells, &loose->capacity, wanted, sizeof(*loose->cells));
    return status == HYP_OK
               ? hyp_reserve(&loose->at, &loose->at_capacity, wanted, sizeof(*loose->at))
               : status;
}

static enum hyp_status unpack_columns(struct hyp_bytes *in, uint32_t wanted, size_t row_count,
                                      struct loose *loose)
{
    uint64_t columns = hyp_bytes_varint(in);
    uint64_t column = 0;
    for (uint64_t c = 0; c < columns; c++, column++) {
        struct hyp_bytes body;
        if (!next_column(in, &column, &body) || row_count == 0) {
            return HYP_CORRUPT;
        }
        if (wanted != HYP_ALL_COLUMNS && wanted != column) {
            continue;
        }
        enum hyp_status status = loose_reserve(loose, row_count);
        if (status != HYP_OK) {
            return status;
        }
        loose->count += unpack_column(&body, (uint16_t)column, row_count,
                                      loose->cells + loose->count, loose->at + loose->count);
        if (body.failed) {
            return HYP_CORRUPT;
        }
    }
    return in->failed ? HYP_CORRUPT : HYP_OK;
}

/* Sorts the loose cells back to their rows; drops rows without cells if asked. */
static enum hyp_status distribute(const struct loose *loose, struct hyp_rows *rows, bool drop)
{
    for (size_t i = 0; i < loose->count; i++) {
        if (rows->rows[loose->at[i]].cells == UINT16_MAX) {
            return HYP_CORRUPT;
        }
        rows->rows[loose->at[i]].cells++;
    }
    enum hyp_status status = hyp_rows_reserve_more(rows, 0, loose->count);
    if (status != HYP_OK) {
        return status;
    }
    uint32_t first = 0;
    for (size_t r = 0; r < rows->row_count; r++) {
        rows->rows[r].first_cell = first;
        first += rows->rows[r].cells;
        rows->rows[r].cells = 0;
    }
    for (size_t i = 0; i < loose->count; i++) {
        struct hyp_row *row = &rows->rows[loose->at[i]];
        rows->cells[row->first_cell + row->cells++] = loose->cells[i];
    }
    rows->cell_count = (uint32_t)loose->count;
    size_t kept = 0;
    for (size_t r = 0; drop && r < rows->row_count; r++) {
        if (rows->rows[r].cells > 0) {
            rows->rows[kept++] = rows->rows[r];
        }
    }
    rows->row_count = drop ? (uint32_t)kept : rows->row_count;
    return HYP_OK;
}

/*
 * All columns straight into their rows.
 * @in       at the columns
 * Returns   HYP_OK | NOT_FOUND (a column lacks rows: nothing of use is done) | NO_MEMORY |
 * LIMIT | CORRUPT
 */
static enum hyp_status unpack_regular(struct hyp_bytes in, struct hyp_rows *rows)
{
    uint64_t columns = hyp_bytes_varint(&in);
    size_t count = rows->row_count;
    if (count == 0 || columns == 0 || columns > HYP_MIN(hyp_bytes_left(&in), UINT16_MAX)) {
        return HYP_NOT_FOUND;
    }
    enum hyp_status status = hyp_rows_reserve_more(rows, 0, (size_t)columns * count);
    uint64_t column = 0;
    for (size_t c = 0; c < columns && status == HYP_OK; c++, column++) {
        struct hyp_bytes body;
        if (!next_column(&in, &column, &body)) {
            return HYP_CORRUPT;
        }
        uint8_t mode = hyp_bytes_u8(&body);
        if ((mode & MODE_EVERY_ROW) == 0) {
            return HYP_NOT_FOUND;
        }
        struct hyp_cell *cells = rows->cells + c;
        for (size_t r = 0; r < count; r++) {
            cells[r * columns] = (struct hyp_cell){.column = (uint16_t)column};
        }
        unpack_values(&body, mode, count, cells, (size_t)columns);
        status = body.failed ? HYP_CORRUPT : HYP_OK;
    }
    for (size_t r = 0; r < count && status == HYP_OK; r++) {
        rows->rows[r].first_cell = (uint32_t)(r * columns);
        rows->rows[r].cells = (uint16_t)columns;
    }
    rows->cell_count = status == HYP_OK ? (uint32_t)(columns * count) : 0;
    return status;
}

/* The columns, or one of them, sorted back into their rows. */
static enum hyp_status unpack_sorted(struct hyp_bytes *in, uint32_t column,
                                     struct hyp_rows *rows)
{
    struct loose loose = {0};
    enum hyp_status status = unpack_columns(in, column, rows->row_count, &loose);
    if (status == HYP_OK) {
        status = distribute(&loose, rows, column != HYP_ALL_COLUMNS);
    }
    free(loose.cells);
    free(loose.at);
    return status;
}

enum hyp_status hyp_block_unpack(const uint8_t *data, size_t len, uint32_t column,
                                 struct hyp_rows *rows)
{
    struct hyp_bytes in = hyp_bytes_from(data, len);
    rows->row_count = 0;
    rows->cell_count = 0;
    uint64_t count = hyp_bytes_varint(&in);
    if (count > HYP_LIMIT_BLOCK_ROWS) {
        return HYP_CORRUPT;
    }
    enum hyp_status status = hyp_rows_reserve_more(rows, (size_t)count, 0);
    if (status != HYP_OK) {
        return status;
    }
    if (count > 0) {
        unpack_row_columns(&in, rows->rows, (size_t)count);
    }
    rows->row_count = (uint32_t)count;
    status = column == HYP_ALL_COLUMNS ? unpack_regular(in, rows) : HYP_NOT_FOUND;
    if (status == HYP_NOT_FOUND) {
        status = unpack_sorted(&in, column, rows);
    }
    if (status != HYP_OK) {
        rows->row_count = 0;
        rows->cell_count = 0;
    }
    return status;
}

/* --- into columns --- */

/* The next signed number; most are one byte or two. */
static int64_t next_number(struct hyp_bytes *in)
{
    if (in->len - in->pos < 2) {
        return hyp_bytes_svarint(in);
    }
    const uint8_t *at = in->data + in->pos;
    unsigned coded = at[0];
    if (coded >= 0x80) {
        if (at[1] >= 0x80) {
            return hyp_bytes_svarint(in);
        }
        coded = (coded & 0x7F) | (unsigned)at[1] << 7;
        in->pos++;
    }
    in->pos++;
    return (int64_t)(coded >> 1) ^ -(int64_t)(coded & 1);
}

static void gather_bytes(struct hyp_bytes *in, bool one, size_t count, uint8_t *bytes)
{
    if (one) {
        memset(bytes, hyp_bytes_u8(in), count);
        return;
    }
    const uint8_t *from = hyp_bytes_take(in, count);
    if (from != NULL) {
        memcpy(bytes, from, count);
    }
}

/* What unpack_values does, into arrays. */
static void gather_values(struct hyp_bytes *in, uint8_t mode, size_t count,
                          struct hyp_columns *columns, size_t at)
{
    int64_t *payloads = columns->payloads + at;
    uint8_t *qualities = columns->qualities + at;
    gather_bytes(in, mode & MODE_ONE_EXPONENT, count, (uint8_t *)columns->exponents + at);
    gather_bytes(in, mode & MODE_ONE_QUALITY, count, qualities);
    if (in->failed) {
        return;
    }
    bool all = mode & MODE_ONE_QUALITY && hyp_quality_is_usable((enum hyp_quality)qualities[0]);
    int64_t running = mode & MODE_ONE_PAYLOAD ? hyp_bytes_svarint(in) : 0;
    if (mode & MODE_ONE_PAYLOAD) {
        for (size_t i = 0; i < count; i++) {
            bool usable = all || hyp_quality_is_usable((enum hyp_quality)qualities[i]);
            payloads[i] = usable ? running : 0;
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (all || hyp_quality_is_usable((enum hyp_quality)qualities[i])) {
            running = plus(running, next_number(in));
            payloads[i] = running;
        } else {
            payloads[i] = 0;
        }
    }
}

static enum hyp_status gather_columns(struct hyp_bytes *in, size_t row_count,
                                      struct hyp_columns *columns)
{
    uint64_t count = hyp_bytes_varint(in);
    uint64_t column = 0;
    if (count == 0) {
        return HYP_NOT_FOUND;
    }
    for (uint64_t c = 0; c < count; c++, column++) {
        struct hyp_bytes body;
        if (!next_column(in, &column, &body)) {
            return HYP_CORRUPT;
        }
        uint8_t mode = hyp_bytes_u8(&body);
        if ((mode & MODE_EVERY_ROW) == 0) {
            return HYP_NOT_FOUND;
        }
        size_t at;
        enum hyp_status status =
            hyp_columns_open(columns, (size_t)c, (uint16_t)column, row_count, &at);
        if (status != HYP_OK) {
            return status;
        }
        gather_values(&body, mode, row_count, columns, at);
        if (body.failed) {
            return HYP_CORRUPT;
        }
    }
    return hyp_columns_close(columns, (size_t)count, row_count);
}

enum hyp_status hyp_block_gather(const uint8_t *data, size_t len, struct hyp_rows *rows,
                                 struct hyp_columns *columns)
{
    struct hyp_bytes in = hyp_bytes_from(data, len);
    uint64_t count = hyp_bytes_varint(&in);
    if (count == 0 || count > HYP_LIMIT_BLOCK_ROWS) {
        return HYP_CORRUPT;
    }
    enum hyp_status status = hyp_rows_reserve_more(rows, (size_t)count, 0);
    if (status == HYP_OK) {
        unpack_row_columns(&in, rows->rows + rows->row_count, (size_t)count);
        status = gather_columns(&in, (size_t)count, columns);
    }
    if (status == HYP_OK) {
        rows->row_count += (uint32_t)count;
    }
    return status;
}
