/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns: what is gathered from blocks and chunks is what their rows say, a chunk written out
 * of columns is the one written out of rows, and readings of another kind stop the gathering.
 */
#include "support/rows.h"

#include "base/rng.h"
#include "model/value.h"
#include "store/chunk.h"
#include "store/columns.h"

#define HOUR_MS 3600000LL
#define BUILDER_MAX ((size_t)1 << 24)

static const struct shape {
    const char *name;
    size_t pieces;
    size_t rows; /* of each piece */
    uint16_t columns;
    bool odd;    /* exponents and qualities differ from value to value */
    bool steady; /* all payloads of a column are equal */
} shapes[] = {
    {"one row",                      1,  1,  3,  false, false},
    {"a block",                      1,  32, 10, false, false},
    {"a month of blocks",            23, 32, 10, false, false},
    {"a month that says one thing",  23, 32, 4,  false, true },
    {"values of every quality",      9,  40, 6,  true,  false},
    {"absent values and one number", 9,  40, 6,  true,  true },
    {"many columns",                 3,  5,  70, true,  false},
};

static struct hyp_cell make_cell(const struct shape *shape, struct hyp_rng *rng,
                                 uint16_t column, int64_t row)
{
    struct hyp_cell cell = {
        .column = (uint16_t)(2 * column), .quality = HYP_QUALITY_GOOD, .exp10 = -2};
    if (!shape->steady) {
        cell.payload = row * column * 1000 + (int64_t)hyp_rng_below(rng, 300);
    }
    if (shape->odd && hyp_rng_below(rng, 3) == 0) {
        cell.quality = (uint8_t)(1 + hyp_rng_below(rng, HYP_QUALITY_LAST));
        cell.exp10 = (int8_t)((int)hyp_rng_below(rng, 3) - 3);
    }
    if (!hyp_quality_is_usable((enum hyp_quality)cell.quality)) {
        cell.payload = 0;
        cell.exp10 = 0;
    }
    return cell;
}

/* Piece number `piece` of a device's readings. @leave_out a row that lacks its last register */
static void make_piece(const struct shape *shape, size_t piece, size_t leave_out,
                       struct hyp_rows *rows)
{
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 7 + piece);
    struct hyp_cell cells[80];
    for (size_t r = 0; r < shape->rows; r++) {
        int64_t number = (int64_t)(piece * shape->rows + r);
        struct hyp_row row = {.time = 1700000000000 + number * HOUR_MS,
                              .receive = 1700000000000 + number * HOUR_MS + number % 3,
                              .frame = number % 5 == 0 ? number : 0,
                              .cells = shape->columns,
                              .kind = 1,
                              .source = (uint8_t)(1 + number % 2)};
        for (uint16_t c = 0; c < shape->columns; c++) {
            cells[c] = make_cell(shape, &seeded.rng, c, number);
        }
        row.cells = (uint16_t)(row.cells - (r == leave_out));
        assert_int_equal(hyp_rows_reserve(rows, row.cells), HYP_OK);
        hyp_rows_insert(rows, &row, cells);
    }
}

/* Packed every other time, as blocks in memory are. */
static enum hyp_status gather(const struct shape *shape, size_t piece, size_t leave_out,
                              struct hyp_rows *rows, struct hyp_columns *columns)
{
    struct hyp_rows made = {0};
    make_piece(shape, piece, leave_out, &made);
    struct hyp_buf packed HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&packed, BUILDER_MAX);
    assert_int_equal(hyp_block_pack(&made, &packed), HYP_OK);
    enum hyp_status status = piece % 2 == 0
                                 ? hyp_block_gather(packed.data, packed.len, rows, columns)
                                 : hyp_columns_add(columns, rows, &made);
    hyp_rows_finish(&made);
    return status;
}

static void same_rows(const struct hyp_rows *a, const struct hyp_rows *b)
{
    assert_int_equal(a->row_count, b->row_count);
    assert_int_equal(a->cell_count, b->cell_count);
    for (size_t r = 0; r < a->row_count; r++) {
        const struct hyp_row *x = &a->rows[r];
        const struct hyp_row *y = &b->rows[r];
        assert_true(x->time == y->time && x->receive == y->receive && x->frame == y->frame);
        assert_true(x->kind == y->kind && x->source == y->source && x->cells == y->cells);
        for (size_t i = 0; i < x->cells; i++) {
            const struct hyp_cell *v = &a->cells[x->first_cell + i];
            const struct hyp_cell *w = &b->cells[y->first_cell + i];
            assert_int_equal(v->column, w->column);
            assert_int_equal(v->payload, w->payload);
            assert_int_equal(v->exp10, w->exp10);
            assert_int_equal(v->quality, w->quality);
        }
    }
}

static void gather_all(const struct shape *shape, struct hyp_rows *rows,
                       struct hyp_columns *columns)
{
    for (size_t piece = 0; piece < shape->pieces; piece++) {
        assert_int_equal(gather(shape, piece, SIZE_MAX, rows, columns), HYP_OK);
    }
}

static void make_all(const struct shape *shape, size_t pieces, struct hyp_rows *rows)
{
    for (size_t piece = 0; piece < pieces; piece++) {
        make_piece(shape, piece, SIZE_MAX, rows);
    }
}

static void what_was_gathered_becomes_rows(void **state)
{
    const struct shape *shape = *state;
    struct hyp_rows expected = {0};
    struct hyp_rows rows = {0};
    struct hyp_columns columns = {0};
    make_all(shape, shape->pieces, &expected);
    gather_all(shape, &rows, &columns);
    assert_int_equal(hyp_columns_spill(&columns, &rows), HYP_OK);
    same_rows(&expected, &rows);
    hyp_rows_finish(&expected);
    hyp_rows_finish(&rows);
    hyp_columns_finish(&columns);
}

static void another_kind_of_reading_adds_nothing(void **state)
{
    const struct shape *shape = *state;
    struct hyp_rows expected = {0};
    struct hyp_rows rows = {0};
    struct hyp_columns columns = {0};
    make_all(shape, shape->pieces, &expected);
    gather_all(shape, &rows, &columns);
    size_t last = shape->rows - 1;
    for (size_t piece = shape->pieces; piece < shape->pieces + 2; piece++) {
        assert_int_equal(gather(shape, piece, last, &rows, &columns), HYP_NOT_FOUND);
    }
    assert_int_equal(hyp_columns_spill(&columns, &rows), HYP_OK);
    same_rows(&expected, &rows);
    hyp_rows_finish(&expected);
    hyp_rows_finish(&rows);
    hyp_columns_finish(&columns);
}

/* --- chunks --- */

struct written {
    struct hyp_chunk_point points[160];
    struct hyp_buf head;
    struct hyp_buf data;
};

static void write_chunk(const struct hyp_rows *rows, const struct hyp_columns *columns,
                        struct hyp_chunk_work *work, struct written *out)
{
    for (uint32_t c = 0; c < HYP_ARRAY_LEN(out->points); c++) {
        out->points[c] =
            (struct hyp_chunk_point){.point = 100 + c, .value_kind = HYP_VALUE_DECIMAL};
    }
    hyp_buf_init_heap(&out->head, BUILDER_MAX);
    hyp_buf_init_heap(&out->data, BUILDER_MAX);
    struct hyp_chunk_source source = {.rows = rows,
                                      .points = out->points,
                                      .point_count = HYP_ARRAY_LEN(out->points),
                                      .columns = columns,
                                      .thorough = true};
    assert_int_equal(hyp_chunk_write(work, &source, &out->head, &out->data), HYP_OK);
}

static uint32_t column_of(void *user, int64_t point)
{
    (void)user;
    return (uint32_t)(point - 100);
}

static void a_chunk_is_the_same_by_rows_and_by_columns(void **state)
{
    const struct shape *shape = *state;
    struct hyp_chunk_work work = {0};
    struct hyp_rows expected = {0};
    struct hyp_rows rows = {0};
    struct hyp_columns columns = {0};
    static struct written by_rows;
    static struct written by_columns;
    make_all(shape, shape->pieces, &expected);
    gather_all(shape, &rows, &columns);
    write_chunk(&expected, NULL, &work, &by_rows);
    write_chunk(&rows, &columns, &work, &by_columns);
    assert_int_equal(by_rows.head.len, by_columns.head.len);
    assert_memory_equal(by_rows.head.data, by_columns.head.data, by_rows.head.len);
    assert_int_equal(by_rows.data.len, by_columns.data.len);
    assert_memory_equal(by_rows.data.data, by_columns.data.data, by_rows.data.len);

    /* And back, with a block behind it. */
    struct hyp_chunk chunk;
    struct hyp_chunk_texts texts = {0};
    struct hyp_chunk_target target = {.column_of = column_of, .texts = &texts};
    assert_int_equal(hyp_chunk_open(&chunk, hyp_buf_view(&by_rows.head)), HYP_OK);
    assert_int_equal(hyp_chunk_attach(&chunk, hyp_buf_view(&by_rows.data)), HYP_OK);
    rows.row_count = 0;
    hyp_columns_clear(&columns);
    assert_int_equal(hyp_chunk_gather(&chunk, &work, &target, &rows, &columns), HYP_OK);
    /* The same times again have no place behind themselves. */
    assert_int_equal(hyp_chunk_gather(&chunk, &work, &target, &rows, &columns), HYP_NOT_FOUND);
    assert_int_equal(gather(shape, shape->pieces, SIZE_MAX, &rows, &columns), HYP_OK);
    make_piece(shape, shape->pieces, SIZE_MAX, &expected);
    assert_int_equal(hyp_columns_spill(&columns, &rows), HYP_OK);
    same_rows(&expected, &rows);

    hyp_buf_finish(&by_rows.head);
    hyp_buf_finish(&by_rows.data);
    hyp_buf_finish(&by_columns.head);
    hyp_buf_finish(&by_columns.data);
    hyp_chunk_texts_finish(&texts);
    hyp_chunk_work_finish(&work);
    hyp_rows_finish(&expected);
    hyp_rows_finish(&rows);
    hyp_columns_finish(&columns);
}

/* Any cut and any changed byte of a block give a failure or other values, never a bad access.
 */
static void damage_is_survived(void **state)
{
    (void)state;
    struct hyp_rows made = {0};
    make_piece(&shapes[4], 0, SIZE_MAX, &made);
    struct hyp_buf packed;
    hyp_buf_init_heap(&packed, BUILDER_MAX);
    assert_int_equal(hyp_block_pack(&made, &packed), HYP_OK);
    struct hyp_rows rows = {0};
    struct hyp_columns columns = {0};
    for (size_t len = 0; len < packed.len; len++) {
        assert_int_not_equal(hyp_block_gather(packed.data, len, &rows, &columns), HYP_OK);
        assert_int_equal(rows.row_count, 0);
    }
    size_t refused = 0;
    for (size_t i = 0; i < packed.len; i++) {
        packed.data[i] ^= 0xA5;
        refused += hyp_block_gather(packed.data, packed.len, &rows, &columns) != HYP_OK;
        packed.data[i] ^= 0xA5;
        rows.row_count = 0;
        hyp_columns_clear(&columns);
    }
    assert_true(refused > 0);
    hyp_rows_finish(&made);
    hyp_rows_finish(&rows);
    hyp_columns_finish(&columns);
    hyp_buf_finish(&packed);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, shapes, what_was_gathered_becomes_rows);
    TEST_ROWS(&list, shapes, another_kind_of_reading_adds_nothing);
    TEST_ROWS(&list, shapes, a_chunk_is_the_same_by_rows_and_by_columns);
    TEST_ONE(&list, damage_is_survived);
    return test_list_run(&list, "store-columns");
}
