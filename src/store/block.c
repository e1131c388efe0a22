/* SPDX-License-Identifier: Apache-2.0 */
#include "store/block.h"

#include "model/value.h"
#include "store/block_format.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
    uint8_t *room = hyp_buf_room(out, count * HYP_BUF_VARINT_MAX);
    if (room == NULL) {
        return; /* the builder knows */
    }
    uint8_t *end = room;
    int64_t running = 0;
    for (size_t i = 0; i < count; i++) {
        const struct hyp_cell *cell = values[i].cell;
        if (hyp_quality_is_usable((enum hyp_quality)cell->quality)) {
            end = hyp_buf_put_varint(end, hyp_buf_zigzag(minus(cell->payload, running)));
            running = cell->payload;
        }
    }
    hyp_buf_take(out, (size_t)(end - room));
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

static void pack_rows(const struct hyp_rows *rows, struct hyp_buf *out)
{
    hyp_buf_append_varint(out, rows->row_count);
    if (rows->row_count > 0) {
        pack_times(rows, out);
        pack_delays(rows, out);
        pack_frames(rows, out);
        pack_origins(rows, out);
    }
}

/* Rows of a block that is packed without sorting. */
#define REGULAR_ROWS_MAX 64

/* How much alike the rows of a block are. */
enum likeness {
    ANY_ROWS,
    REGULAR, /* the same columns in the same ascending order, one row behind the other */
    UNIFORM, /* and each column has one exponent and one quality: so it nearly always is */
};

/* Column, exponent and quality of a value in one word. */
static uint32_t tag_of(const struct hyp_cell *cell)
{
    static_assert(offsetof(struct hyp_cell, quality) + sizeof(cell->quality) ==
                      offsetof(struct hyp_cell, column) + sizeof(uint32_t),
                  "the tag of a cell is four bytes");
    uint32_t tag;
    memcpy(&tag, (const uint8_t *)cell + offsetof(struct hyp_cell, column), sizeof(tag));
    return tag;
}

static enum likeness look_at_cells(const struct hyp_cell *cells, size_t n, size_t count)
{
    enum likeness likeness = UNIFORM;
    for (size_t i = 1; i < n; i++) {
        if (cells[i].column <= cells[i - 1].column) {
            return ANY_ROWS;
        }
    }
    for (size_t i = n; i < count; i++) {
        if (tag_of(&cells[i]) != tag_of(&cells[i - n])) {
            if (cells[i].column != cells[i - n].column) {
                return ANY_ROWS;
            }
            likeness = REGULAR;
        }
    }
    return likeness;
}

static enum likeness look_at_rows(const struct hyp_rows *rows)
{
    if (rows->row_count == 0 || rows->row_count > REGULAR_ROWS_MAX) {
        return ANY_ROWS;
    }
    size_t n = rows->rows[0].cells;
    if (n == 0 || rows->cell_count != rows->row_count * n) {
        return ANY_ROWS;
    }
    for (size_t r = 0; r < rows->row_count; r++) {
        if (rows->rows[r].cells != n || rows->rows[r].first_cell != r * n) {
            return ANY_ROWS;
        }
    }
    return look_at_cells(rows->cells, n, rows->cell_count);
}

/* Nearly all differences have one byte or two, and which is not to be foretold. */
static uint8_t *put_difference(uint8_t *at, uint64_t z)
{
    if (z >= 1u << 14) {
        return hyp_buf_put_varint(at, z);
    }
    unsigned more = z >= 0x80;
    at[0] = (uint8_t)((z & 0x7F) | more << 7);
    at[1] = (uint8_t)(z >> 7);
    return at + 1 + more;
}

/* The payloads of a column with one exponent and one quality; value r is at cells[r * n].
 * @mode  gets what is to be known of them */
static uint8_t *put_payloads(uint8_t *at, const struct hyp_cell *cells, size_t n, size_t count,
                             uint8_t *mode)
{
    bool said = hyp_quality_is_usable((enum hyp_quality)cells[0].quality);
    uint8_t *begin = at;
    int64_t running = 0;
    uint64_t moves = 0;
    for (size_t r = 0; r < count; r++) {
        int64_t payload = cells[r * n].payload;
        uint64_t difference = hyp_buf_zigzag(minus(payload, running));
        moves |= r > 0 ? difference : 0;
        at = put_difference(at, difference);
        running = payload;
    }
    if (moves == 0) {
        *mode |= MODE_ONE_PAYLOAD;
        return hyp_buf_put_varint(begin, hyp_buf_zigzag(running));
    }
    return said ? at : begin;
}

/* Writes a column of a block that is uniform. */
static void pack_uniform(const struct hyp_cell *cells, size_t n, size_t count,
                         struct hyp_buf *out)
{
    uint8_t *room = hyp_buf_room(out, (count + 2) * HYP_BUF_VARINT_MAX);
    if (room == NULL) {
        return; /* the builder knows */
    }
    uint8_t *body = room + 1; /* behind its length, which nearly always has one byte */
    body[0] = MODE_EVERY_ROW | MODE_ONE_EXPONENT | MODE_ONE_QUALITY;
    body[1] = (uint8_t)cells[0].exp10;
    body[2] = cells[0].quality;
    const uint8_t *end = put_payloads(body + 3, cells, n, count, body);
    size_t len = (size_t)(end - body);
    size_t size = varint_size(len);
    if (size > 1) {
        memmove(room + size, body, len);
    }
    hyp_buf_put_varint(room, len);
    hyp_buf_take(out, size + len);
}

static void pack_regular(const struct hyp_rows *rows, bool uniform, struct hyp_buf *out)
{
    size_t n = rows->rows[0].cells;
    uint32_t count = rows->row_count;
    uint32_t next = 0;
    struct placed values[REGULAR_ROWS_MAX];
    assert(count > 0 && count <= REGULAR_ROWS_MAX);
    hyp_buf_append_varint(out, n);
    for (size_t c = 0; c < n; c++) {
        hyp_buf_append_varint(out, rows->cells[c].column - next);
        next = rows->cells[c].column + 1u;
        if (uniform) {
            pack_uniform(&rows->cells[c], n, count, out);
            continue;
        }
        for (uint32_t r = 0; r < count; r++) {
            values[r] = (struct placed){.cell = &rows->cells[r * n + c], .row = r};
        }
        pack_sized_column(values, count, count, out);
    }
}

enum hyp_status hyp_block_pack(const struct hyp_rows *rows, struct hyp_buf *out)
{
    enum likeness likeness = look_at_rows(rows);
    if (likeness != ANY_ROWS) {
        pack_rows(rows, out);
        pack_regular(rows, likeness == UNIFORM, out);
        return hyp_buf_status(out);
    }
    struct placed *values;
    uint32_t *starts;
    size_t columns;
    enum hyp_status status = sort_cells(rows, &values, &starts, &columns);
    if (status != HYP_OK) {
        return status;
    }
    pack_rows(rows, out);
    pack_columns(rows, values, starts, columns, out);
    free(values);
    free(starts);
    return hyp_buf_status(out);
}
