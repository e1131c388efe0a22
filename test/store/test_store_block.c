/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks: what is packed comes out again, whole or by column, and damage is noticed.
 */
#include "support/rows.h"

#include "base/limits.h"
#include "base/rng.h"
#include "model/reading.h"
#include "model/value.h"
#include "store/block.h"

/* How a row's made-up readings look. */
static const struct shape {
    const char *name;
    uint64_t seed;
    size_t rows;
    uint16_t columns;
    bool regular;   /* times in equal steps, constant delay, no frames */
    bool sparse;    /* not every column in every row */
    bool qualities; /* some values absent or doubtful */
    bool wild;      /* any 64-bit payload and time */
} shapes[] = {
    {"no rows",                    1,  0,   0,    true,  false, false, false},
    {"one row without values",     2,  1,   0,    true,  false, false, false},
    {"one row",                    3,  1,   10,   true,  false, false, false},
    {"two rows",                   4,  2,   10,   false, false, false, false},
    {"regular hours",              5,  32,  10,   true,  false, false, false},
    {"irregular times, frames",    6,  32,  10,   false, false, false, false},
    {"sparse columns",             7,  40,  50,   false, true,  false, false},
    {"absent and doubtful values", 8,  64,  12,   false, true,  true,  false},
    {"any number",                 9,  64,  12,   false, true,  true,  true },
    {"very many columns",          10, 3,   4096, false, true,  true,  false},
    {"many rows",                  11, 900, 2,    false, true,  true,  false},
};

static struct hyp_cell make_cell(const struct shape *shape, struct hyp_rng *rng,
                                 uint16_t column)
{
    struct hyp_cell cell = {
        .column = column, .quality = HYP_QUALITY_GOOD, .exp10 = (int8_t)(column % 5 - 3)};
    cell.payload = (int64_t)hyp_rng_below(rng, 5) - 2 + column * 1000;
    if (shape->qualities && hyp_rng_below(rng, 4) == 0) {
        cell.quality = (uint8_t)(1 + hyp_rng_below(rng, HYP_QUALITY_LAST));
        cell.exp10 = (int8_t)hyp_rng_below(rng, 256);
    }
    if (shape->wild) {
        hyp_rng_fill(rng, (uint8_t *)&cell.payload, sizeof(cell.payload));
    }
    if (!hyp_quality_is_usable((enum hyp_quality)cell.quality)) {
        cell.payload = 0;
    }
    return cell;
}

static void make_rows(const struct shape *shape, struct hyp_rows *rows)
{
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, shape->seed);
    struct hyp_rng *rng = &seeded.rng;
    static struct hyp_cell cells[4096];
    int64_t time = shape->wild ? INT64_MIN : 1700000000000;
    for (size_t r = 0; r < shape->rows; r++) {
        uint16_t count = 0;
        for (uint16_t c = 0; c < shape->columns; c++) {
            if (!shape->sparse || hyp_rng_below(rng, 3) > 0) {
                cells[count++] = make_cell(shape, rng, c);
            }
        }
        time += shape->regular ? 3600000 : (int64_t)hyp_rng_below(rng, INT64_MAX / 1000);
        struct hyp_row row = {
            .time = time, .receive = time + 1000, .cells = count, .kind = 1, .source = 1};
        if (!shape->regular) {
            row.receive = (int64_t)hyp_rng_below(rng, INT64_MAX);
            row.frame = (int64_t)hyp_rng_below(rng, 1u << 30);
            row.kind = (uint8_t)(1 + hyp_rng_below(rng, HYP_READING_EVENT));
            row.source = (uint8_t)(1 + hyp_rng_below(rng, HYP_SOURCE_PUSH));
        }
        assert_int_equal(hyp_rows_reserve(rows, count), HYP_OK);
        hyp_rows_insert(rows, &row, cells);
    }
}

static const struct hyp_cell *find(const struct hyp_rows *rows, size_t r, uint16_t column)
{
    const struct hyp_row *row = &rows->rows[r];
    for (size_t i = 0; i < row->cells; i++) {
        if (rows->cells[row->first_cell + i].column == column) {
            return &rows->cells[row->first_cell + i];
        }
    }
    return NULL;
}

static void same_row(const struct hyp_row *a, const struct hyp_row *b)
{
    assert_int_equal(a->time, b->time);
    assert_int_equal(a->receive, b->receive);
    assert_int_equal(a->frame, b->frame);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->source, b->source);
}

static void same_cell(const struct hyp_cell *a, const struct hyp_cell *b)
{
    assert_non_null(b);
    assert_int_equal(a->payload, b->payload);
    assert_int_equal(a->exp10, b->exp10);
    assert_int_equal(a->quality, b->quality);
}

static void comes_out_as_it_went_in(void **state)
{
    const struct shape *shape = *state;
    struct hyp_rows rows = {0};
    make_rows(shape, &rows);
    struct hyp_buf packed;
    hyp_buf_init_heap(&packed, 1u << 24);
    assert_int_equal(hyp_block_pack(&rows, &packed), HYP_OK);
    struct hyp_rows out = {0};
    assert_int_equal(hyp_block_unpack(packed.data, packed.len, HYP_ALL_COLUMNS, &out), HYP_OK);
    assert_int_equal(out.row_count, rows.row_count);
    assert_int_equal(out.cell_count, rows.cell_count);
    for (size_t r = 0; r < rows.row_count; r++) {
        same_row(&rows.rows[r], &out.rows[r]);
        assert_int_equal(rows.rows[r].cells, out.rows[r].cells);
        for (size_t i = 0; i < rows.rows[r].cells; i++) {
            const struct hyp_cell *cell = &rows.cells[rows.rows[r].first_cell + i];
            same_cell(cell, find(&out, r, cell->column));
        }
    }
    hyp_rows_finish(&rows);
    hyp_rows_finish(&out);
    hyp_buf_finish(&packed);
}

static void one_column_comes_out_alone(void **state)
{
    const struct shape *shape = *state;
    struct hyp_rows rows = {0};
    make_rows(shape, &rows);
    struct hyp_buf packed;
    hyp_buf_init_heap(&packed, 1u << 24);
    assert_int_equal(hyp_block_pack(&rows, &packed), HYP_OK);
    struct hyp_rows out = {0};
    uint16_t step = (uint16_t)(shape->columns > 64 ? 97 : 1);
    for (uint16_t c = 0; c <= shape->columns; c = (uint16_t)(c + step)) {
        assert_int_equal(hyp_block_unpack(packed.data, packed.len, c, &out), HYP_OK);
        size_t at = 0;
        for (size_t r = 0; r < rows.row_count; r++) {
            const struct hyp_cell *cell = find(&rows, r, c);
            if (cell != NULL) {
                assert_true(at < out.row_count);
                same_row(&rows.rows[r], &out.rows[at]);
                assert_int_equal(out.rows[at].cells, 1);
                same_cell(cell, &out.cells[out.rows[at].first_cell]);
                at++;
            }
        }
        assert_int_equal(at, out.row_count);
    }
    hyp_rows_finish(&rows);
    hyp_rows_finish(&out);
    hyp_buf_finish(&packed);
}

/* Any cut and any changed byte give CORRUPT or other rows, but never a bad access. */
static void damage_is_survived(void **state)
{
    (void)state;
    struct hyp_rows rows = {0};
    make_rows(&shapes[7], &rows);
    struct hyp_buf packed;
    hyp_buf_init_heap(&packed, 1u << 24);
    assert_int_equal(hyp_block_pack(&rows, &packed), HYP_OK);
    struct hyp_rows out = {0};
    for (size_t len = 0; len < packed.len; len++) {
        assert_int_equal(hyp_block_unpack(packed.data, len, HYP_ALL_COLUMNS, &out),
                         HYP_CORRUPT);
        assert_int_equal(out.row_count, 0);
    }
    size_t refused = 0;
    for (size_t i = 0; i < packed.len; i++) {
        packed.data[i] ^= 0xA5;
        refused += hyp_block_unpack(packed.data, packed.len, HYP_ALL_COLUMNS, &out) != HYP_OK;
        packed.data[i] ^= 0xA5;
    }
    assert_true(refused > 0);
    hyp_rows_finish(&rows);
    hyp_rows_finish(&out);
    hyp_buf_finish(&packed);
}

/* A heat meter's day costs what block.h promises: about two bytes a value. */
static void regular_readings_are_small(void **state)
{
    (void)state;
    struct hyp_rows rows = {0};
    make_rows(&shapes[4], &rows);
    struct hyp_buf packed;
    hyp_buf_init_heap(&packed, 1u << 24);
    assert_int_equal(hyp_block_pack(&rows, &packed), HYP_OK);
    assert_true(packed.len <= 2 * (size_t)rows.cell_count);
    hyp_rows_finish(&rows);
    hyp_buf_finish(&packed);
}

static void rows_stay_sorted(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 5);
    struct hyp_rows rows = {0};
    for (int i = 0; i < 500; i++) {
        struct hyp_row row = {.time = (int64_t)hyp_rng_below(&seeded.rng, 50),
                              .kind = (uint8_t)hyp_rng_below(&seeded.rng, 4),
                              .receive = i};
        assert_int_equal(hyp_rows_reserve(&rows, 0), HYP_OK);
        hyp_rows_insert(&rows, &row, NULL);
    }
    for (size_t i = 1; i < rows.row_count; i++) {
        const struct hyp_row *a = &rows.rows[i - 1];
        const struct hyp_row *b = &rows.rows[i];
        assert_true(a->time < b->time || (a->time == b->time && a->kind < b->kind) ||
                    (a->time == b->time && a->kind == b->kind && a->receive < b->receive));
    }
    for (int64_t time = -1; time <= 51; time++) {
        size_t at = hyp_rows_find(&rows, time);
        assert_true(at == 0 || rows.rows[at - 1].time < time);
        assert_true(at == rows.row_count || rows.rows[at].time >= time);
    }
    hyp_rows_finish(&rows);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, shapes, comes_out_as_it_went_in);
    TEST_ROWS(&list, shapes, one_column_comes_out_alone);
    TEST_ONE(&list, damage_is_survived);
    TEST_ONE(&list, regular_readings_are_small);
    TEST_ONE(&list, rows_stay_sorted);
    return test_list_run(&list, "store-block");
}
