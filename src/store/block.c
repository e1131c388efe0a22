/* SPDX-License-Identifier: Apache-2.0 */
#include "store/block.h"

#include "base/bytes.h"
#include "base/limits.h"
#include "model/value.h"

#include <stdlib.h>
#include <string.h>

#define MODE_EVERY_ROW 1u
#define MODE_ONE_EXPONENT 2u
#define MODE_ONE_QUALITY 4u
#define MODE_ONE_PAYLOAD 8u

/* --- packing: the rows' own columns --- */

static void pack_times(const struct hyp_rows *rows, struct hyp_buf *out)
{
    const struct hyp_row *r = rows->rows;
    bool regular = true;
    for (size_t i = 2; i < rows->row_count; i++) {
        regular &= (uint64_t)r[i].time - (uint64_t)r[i - 1].time ==
                   (uint64_t)r[1].time - (uint64_t)r[0].time;
    }
    hyp_buf_append_u8(out, regular ? 0 : 1);
    hyp_buf_append_svarint(out, r[0].time);
    size_t steps = regular ? HYP_MIN(rows->row_count, 2u) : rows->row_count;
    for (size_t i = 1; i < steps; i++) {
        hyp_buf_append_varint(out, (uint64_t)r[i].time - (uint64_t)r[i - 1].time);
    }
    if (regular && rows->row_count == 1) {
        hyp_buf_append_varint(out, 0);
    }
}

static int64_t delay(const struct hyp_row *row)
{
    return (int64_t)((uint64_t)row->receive - (uint64_t)row->time);
}

static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static void pack_delays(const struct hyp_rows *rows, struct hyp_buf *out)
{
    bool constant = true;
    for (size_t i = 1; i < rows->row_count; i++) {
        constant &= delay(&rows->rows[i]) == delay(&rows->rows[0]);
    }
    hyp_buf_append_u8(out, constant ? 0 : 1);
    int64_t previous = 0;
    for (size_t i = 0; i < (constant ? 1 : rows->row_count); i++) {
        hyp_buf_append_svarint(out, minus(delay(&rows->rows[i]), previous));
        previous = delay(&rows->rows[i]);
    }
}

static void pack_frames(const struct hyp_rows *rows, struct hyp_buf *out)
{
    bool any = false;
    for (size_t i = 0; i < rows->row_count; i++) {
        any |= rows->rows[i].frame != 0;
    }
    hyp_buf_append_u8(out, any ? 1 : 0);
    int64_t previous = 0;
    for (size_t i = 0; any && i < rows->row_count; i++) {
        hyp_buf_append_svarint(out, minus(rows->rows[i].frame, previous));
        previous = rows->rows[i].frame;
    }
}

static uint8_t origin(const struct hyp_row *row)
{
    return (uint8_t)(row->kind << 4 | row->source);
}

static void pack_origins(const struct hyp_rows *rows, struct hyp_buf *out)
{
    bool constant = true;
    for (size_t i = 1; i < rows->row_count; i++) {
        constant &= origin(&rows->rows[i]) == origin(&rows->rows[0]);
    }
    hyp_buf_append_u8(out, constant ? 0 : 1);
    for (size_t i = 0; i < (constant ? 1 : rows->row_count); i++) {
        hyp_buf_append_u8(out, origin(&rows->rows[i]));
    }
}

/* --- packing: the values of one column --- */

/* A value with the row it belongs to; sorted by column, then row. */
struct placed {
    const struct hyp_cell *cell;
    uint32_t row;
};

static uint8_t column_mode(const struct placed *values, size_t count, size_t row_count)
{
    uint8_t mode = MODE_ONE_EXPONENT | MODE_ONE_QUALITY | MODE_ONE_PAYLOAD |
                   (count == row_count ? MODE_EVERY_ROW : 0);
    const struct hyp_cell *first = values[0].cell;
    for (size_t i = 1; i < count; i++) {
        const struct hyp_cell *cell = values[i].cell;
        if (cell->exp10 != first->exp10) {
            mode &= (uint8_t)~MODE_ONE_EXPONENT;
        }
        if (cell->quality != first->quality) {
            mode &= (uint8_t) ~(MODE_ONE_QUALITY | MODE_ONE_PAYLOAD);
        }
        if (cell->payload != first->payload) {
            mode &= (uint8_t)~MODE_ONE_PAYLOAD;
        }
    }
    return mode;
}

static void pack_payloads(const struct placed *values, size_t count, uint8_t mode,
                          struct hyp_buf *out)
{
    if (mode & MODE_ONE_PAYLOAD) {
        hyp_buf_append_svarint(out, values[0].cell->payload);
        return;
    }
    int64_t running = 0;
    for (size_t i = 0; i < count; i++) {
        const struct hyp_cell *cell = values[i].cell;
        if (hyp_quality_is_usable((enum hyp_quality)cell->quality)) {
            hyp_buf_append_svarint(out, minus(cell->payload, running));
            running = cell->payload;
        }
    }
}

static void pack_column(const struct placed *values, size_t count, size_t row_count,
                        struct hyp_buf *out)
{
    uint8_t mode = column_mode(values, count, row_count);
    hyp_buf_append_u8(out, mode);
    if (!(mode & MODE_EVERY_ROW)) {
        hyp_buf_append_varint(out, count);
        uint32_t next = 0;
        for (size_t i = 0; i < count; i++) {
            hyp_buf_append_varint(out, values[i].row - next);
            next = values[i].row + 1;
        }
    }
    for (size_t i = 0; i < (mode & MODE_ONE_EXPONENT ? 1 : count); i++) {
        hyp_buf_append_u8(out, (uint8_t)values[i].cell->exp10);
    }
    for (size_t i = 0; i < (mode & MODE_ONE_QUALITY ? 1 : count); i++) {
        hyp_buf_append_u8(out, values[i].cell->quality);
    }
    pack_payloads(values, count, mode, out);
}

/* Cells in the order of their columns, rows ascending inside: a counting sort. */
static enum hyp_status sort_cells(const struct hyp_rows *rows, struct placed **ret_values,
                                  uint32_t **ret_starts, size_t *ret_columns)
{
    size_t columns = 0;
    for (size_t i = 0; i < rows->cell_count; i++) {
        columns = HYP_MAX(columns, (size_t)rows->cells[i].column + 1);
    }
    struct placed *values = malloc((rows->cell_count + 1) * sizeof(*values));
    uint32_t *starts = calloc(columns + 2, sizeof(*starts));
    if (values == NULL || starts == NULL) {
        free(values);
        free(starts);
        return HYP_NO_MEMORY;
    }
    /* starts[c + 2] counts column c; after the sums starts[c + 1] is where it begins, and after
     * the distribution starts[c] is. */
    for (size_t i = 0; i < rows->cell_count; i++) {
        starts[rows->cells[i].column + 2]++;
    }
    for (size_t c = 2; c < columns + 2; c++) {
        starts[c] += starts[c - 1];
    }
    for (uint32_t r = 0; r < rows->row_count; r++) {
        const struct hyp_row *row = &rows->rows[r];
        for (size_t i = 0; i < row->cells; i++) {
            const struct hyp_cell *cell = &rows->cells[row->first_cell + i];
            values[starts[cell->column + 1]++] = (struct placed){.cell = cell, .row = r};
        }
    }
    *ret_values = values;
    *ret_starts = starts;
    *ret_columns = columns;
    return HYP_OK;
}

static size_t varint_size(uint64_t value)
{
    size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}

/* Writes the column with its length before it: one byte is kept free for the length, which is
 * nearly always enough; otherwise the column moves up. */
static void pack_sized_column(const struct placed *values, size_t count, size_t row_count,
                              struct hyp_buf *out)
{
    size_t at = out->len;
    hyp_buf_append_u8(out, 0);
    pack_column(values, count, row_count, out);
    if (hyp_buf_status(out) != HYP_OK) {
        return;
    }
    size_t len = out->len - at - 1;
    size_t size = varint_size(len);
    for (size_t i = 1; i < size; i++) {
        hyp_buf_append_u8(out, 0);
    }
    if (hyp_buf_status(out) != HYP_OK) {
        return;
    }
    memmove(out->data + at + size, out->data + at + 1, len);
    struct hyp_buf head;
    hyp_buf_init_fixed(&head, out->data + at, size);
    hyp_buf_append_varint(&head, len);
}

static void pack_columns(const struct hyp_rows *rows, const struct placed *values,
                         const uint32_t *starts, size_t columns, struct hyp_buf *out)
{
    size_t used = 0;
    for (size_t c = 0; c < columns; c++) {
        used += starts[c + 1] > starts[c];
    }
    hyp_buf_append_varint(out, used);
    size_t next = 0;
    for (size_t c = 0; c < columns; c++) {
        size_t count = starts[c + 1] - starts[c];
        if (count > 0) {
            hyp_buf_append_varint(out, c - next);
            next = c + 1;
            pack_sized_column(&values[starts[c]], count, rows->row_count, out);
        }
    }
}

enum hyp_status hyp_block_pack(const struct hyp_rows *rows, struct hyp_buf *out)
{
    struct placed *values;
    uint32_t *starts;
    size_t columns;
    enum hyp_status status = sort_cells(rows, &values, &starts, &columns);
    if (status != HYP_OK) {
        return status;
    }
    hyp_buf_append_varint(out, rows->row_count);
    if (rows->row_count > 0) {
        pack_times(rows, out);
        pack_delays(rows, out);
        pack_frames(rows, out);
        pack_origins(rows, out);
    }
    pack_columns(rows, values, starts, columns, out);
    free(values);
    free(starts);
    return hyp_buf_status(out);
}

/* --- unpacking --- */

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
    uint8_t byte = 0;
    for (size_t i = 0; i < count; i++) {
        byte = mode & MODE_ONE_EXPONENT && i > 0 ? byte : hyp_bytes_u8(in);
        cells[i].exp10 = (int8_t)byte;
    }
    for (size_t i = 0; i < count; i++) {
        byte = mode & MODE_ONE_QUALITY && i > 0 ? byte : hyp_bytes_u8(in);
        cells[i].quality = byte;
    }
    int64_t running = mode & MODE_ONE_PAYLOAD ? hyp_bytes_svarint(in) : 0;
    for (size_t i = 0; i < count; i++) {
        if (hyp_quality_is_usable((enum hyp_quality)cells[i].quality)) {
            running = mode & MODE_ONE_PAYLOAD ? running : plus(running, hyp_bytes_svarint(in));
            cells[i].payload = running;
        }
    }
    return in->failed ? 0 : count;
}

/* The columns as they come, before they are sorted back into rows. */
struct loose {
    struct hyp_cell *cells;
    uint32_t *at;
    size_t count;
    size_t capacity;
};

static enum hyp_status loose_reserve(struct loose *loose, size_t more)
{
    if (loose->count + more <= loose->capacity) {
        return HYP_OK;
    }
    size_t bigger = HYP_MAX(loose->capacity * 2, loose->count + more);
    struct hyp_cell *cells = realloc(loose->cells, bigger * sizeof(*cells));
    if (cells == NULL) {
        return HYP_NO_MEMORY;
    }
    loose->cells = cells;
    uint32_t *at = realloc(loose->at, bigger * sizeof(*at));
    if (at == NULL) {
        return HYP_NO_MEMORY;
    }
    loose->at = at;
    loose->capacity = bigger;
    return HYP_OK;
}

static enum hyp_status unpack_columns(struct hyp_bytes *in, uint32_t wanted, size_t row_count,
                                      struct loose *loose)
{
    uint64_t columns = hyp_bytes_varint(in);
    uint64_t column = 0;
    for (uint64_t c = 0; c < columns; c++, column++) {
        uint64_t step = hyp_bytes_varint(in);
        column += HYP_MIN(step, (uint64_t)UINT16_MAX + 1);
        struct hyp_bytes body = hyp_bytes_slice(in, (size_t)hyp_bytes_varint(in));
        if (in->failed || column > UINT16_MAX || row_count == 0) {
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
    struct loose loose = {0};
    status = unpack_columns(&in, column, (size_t)count, &loose);
    if (status == HYP_OK) {
        status = distribute(&loose, rows, column != HYP_ALL_COLUMNS);
    }
    if (status != HYP_OK) {
        rows->row_count = 0;
        rows->cell_count = 0;
    }
    free(loose.cells);
    free(loose.at);
    return status;
}
