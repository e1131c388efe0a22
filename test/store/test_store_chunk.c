/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed chunks: what goes in comes out, whole or by register; the head tells the truth about
 * it; damage is noticed.
 */
#include "chunk_shapes.h"

#include "model/value.h"
#include "store/series.h"

/* All rows of the chunk are those it was made of. */
static void check_rows(struct made *m)
{
    struct hyp_chunk_target target = {.column_of = column_of, .texts = &m->texts};
    struct hyp_rows out = {0};
    assert_int_equal(hyp_chunk_rows(&m->chunk, &m->work, &target, &out), HYP_OK);
    same_rows(m, &out);
    hyp_rows_finish(&out);
}

static void chunk_comes_back(void **state)
{
    struct made m;
    make(&m, *state);
    check_rows(&m);
    drop(&m);
}

static void one_register_comes_back_alone(void **state)
{
    struct made m;
    make(&m, *state);
    for (uint32_t c = 0; c < POINTS; c++) {
        struct hyp_chunk_target target = {
            .column_of = column_of, .only_point = points[c].point, .texts = &m.texts};
        struct hyp_rows out = {0};
        assert_int_equal(hyp_chunk_rows(&m.chunk, &m.work, &target, &out), HYP_OK);
        size_t at = 0;
        for (size_t r = 0; r < m.rows.row_count; r++) {
            const struct hyp_cell *in = hyp_series_row_cell(&m.rows, &m.rows.rows[r], c);
            if (in != NULL) {
                assert_true(at < out.row_count);
                same_row(&m.rows.rows[r], &out.rows[at]);
                assert_int_equal(out.rows[at].cells, 1);
                same_cell(&m, in, &out.cells[out.rows[at].first_cell]);
                at++;
            }
        }
        assert_int_equal(at, out.row_count);
        hyp_rows_finish(&out);
    }
    drop(&m);
}

/* The shown value of a column at the instant of row r: the best of its versions. */
static const struct hyp_cell *shown_at(const struct made *m, size_t r, uint32_t column)
{
    const struct hyp_cell *best = NULL;
    uint8_t best_kind = 0;
    int64_t time = m->rows.rows[r].time;
    for (; r < m->rows.row_count && m->rows.rows[r].time == time; r++) {
        const struct hyp_row *row = &m->rows.rows[r];
        const struct hyp_cell *cell = hyp_series_row_cell(&m->rows, row, column);
        if (cell != NULL && (best == NULL || hyp_series_is_better(cell->quality, row->kind,
                                                                  best->quality, best_kind))) {
            best = cell;
            best_kind = row->kind;
        }
    }
    return best;
}

static int compare(const struct hyp_cell *cell, int64_t digits, int8_t exp10)
{
    return hyp_decimal_compare(
        (struct hyp_decimal){.digits = cell->payload, .exp10 = cell->exp10},
        (struct hyp_decimal){.digits = digits, .exp10 = exp10});
}

static void check_stats(const struct made *m, uint32_t c, const struct hyp_chunk_stats *s)
{
    uint64_t count = 0;
    bool min_met = false;
    bool max_met = false;
    hyp_int128 sum = 0;
    const struct hyp_cell *last = NULL;
    for (size_t r = 0; r < m->rows.row_count; r++) {
        if (r > 0 && m->rows.rows[r].time == m->rows.rows[r - 1].time) {
            continue;
        }
        const struct hyp_cell *cell = shown_at(m, r, c);
        if (cell == NULL || !hyp_quality_is_usable((enum hyp_quality)cell->quality)) {
            continue;
        }
        assert_true(count > 0 || compare(cell, s->first, s->exp10) == 0);
        assert_true(compare(cell, s->min, s->exp10) >= 0);
        assert_true(compare(cell, s->max, s->exp10) <= 0);
        min_met |= compare(cell, s->min, s->exp10) == 0;
        max_met |= compare(cell, s->max, s->exp10) == 0;
        struct hyp_decimal value = {.digits = cell->payload, .exp10 = cell->exp10};
        assert_int_equal(hyp_decimal_rescale(value, s->exp10, &value), HYP_OK);
        sum += value.digits;
        last = cell;
        count++;
    }
    assert_int_equal(count, s->count);
    assert_true(count == 0 || (min_met && max_met && sum == s->sum));
    assert_true(last == NULL || compare(last, s->last, s->exp10) == 0);
}

static void head_tells_the_truth(void **state)
{
    const struct shape *shape = *state;
    struct made m;
    make(&m, shape);
    assert_int_equal(m.chunk.rows, m.rows.row_count);
    assert_int_equal(m.chunk.first, m.rows.rows[0].time);
    assert_int_equal(m.chunk.last, m.rows.rows[m.rows.row_count - 1].time);
    size_t with_stats = 0;
    for (uint32_t c = 0; c < POINTS; c++) {
        size_t cells = 0;
        for (size_t i = 0; i < m.rows.cell_count; i++) {
            cells += m.rows.cells[i].column == c;
        }
        struct hyp_chunk_column column;
        enum hyp_status status = hyp_chunk_find_column(&m.chunk, points[c].point, &column);
        assert_int_equal(status, cells > 0 ? HYP_OK : HYP_NOT_FOUND);
        if (cells > 0) {
            assert_int_equal(column.cells, cells);
            assert_int_equal(column.value_kind, kind_of((uint16_t)c));
            if (column.stats.count > 0) {
                check_stats(&m, c, &column.stats);
                with_stats++;
            }
        }
    }
    assert_true(with_stats > 0 || shape->wild || shape->columns == 0);
    drop(&m);
}

/* Every changed byte and every cut is noticed. */
static void damage_is_noticed(void **state)
{
    (void)state;
    struct made m;
    make(&m, &shapes[SHAPE_ABSENT]);
    struct hyp_chunk chunk;
    for (size_t i = 0; i < m.head.len; i++) {
        struct hyp_str cut = {.ptr = (const char *)m.head.data, .len = i};
        assert_int_not_equal(hyp_chunk_open(&chunk, cut), HYP_OK);
        m.head.data[i] ^= 0x10;
        assert_int_not_equal(hyp_chunk_open(&chunk, hyp_buf_view(&m.head)), HYP_OK);
        m.head.data[i] ^= 0x10;
    }
    for (size_t i = 0; i < m.data.len; i++) {
        struct hyp_str cut = {.ptr = (const char *)m.data.data, .len = i};
        assert_int_equal(hyp_chunk_attach(&m.chunk, cut), HYP_BAD_CHECK);
        m.data.data[i] ^= 0x10;
        assert_int_equal(hyp_chunk_attach(&m.chunk, hyp_buf_view(&m.data)), HYP_BAD_CHECK);
        m.data.data[i] ^= 0x10;
    }
    drop(&m);
}

/* Chunks one after the other become one: how weeks are merged to months. */
static void chunks_follow_each_other(void **state)
{
    (void)state;
    struct made m;
    make(&m, &shapes[SHAPE_MONTH]);
    struct hyp_rows out = {0};
    struct hyp_chunk_target target = {.column_of = column_of, .texts = &m.texts};
    assert_int_equal(hyp_chunk_rows(&m.chunk, &m.work, &target, &out), HYP_OK);
    struct made later;
    make(&later, &shapes[SHAPE_MONTH]);
    /* Not in its place: it begins before the first one ends. */
    assert_int_equal(hyp_chunk_rows(&later.chunk, &m.work, &target, &out), HYP_MALFORMED);
    assert_int_equal(out.row_count, 720);
    hyp_rows_finish(&out);
    drop(&later);
    drop(&m);
}

/* Chunks that were written as those before them, by a work space that has seen all of them. */
static void chunks_come_back_from_habits(void **state)
{
    (void)state;
    struct hyp_chunk_work writer = {0};
    for (uint64_t i = 0; i < 24; i++) {
        struct shape shape = shapes[i % 8 == 7 ? i % SHAPE_COUNT : SHAPE_MONTH];
        shape.seed += i;
        struct made m;
        make(&m, &shape);
        struct hyp_chunk_source source = {.rows = &m.rows,
                                          .points = points,
                                          .point_count = POINTS,
                                          .texts = &m.texts,
                                          .thorough = true};
        hyp_buf_reset(&m.head);
        hyp_buf_reset(&m.data);
        assert_int_equal(hyp_chunk_write(&writer, &source, &m.head, &m.data), HYP_OK);
        assert_int_equal(hyp_chunk_open(&m.chunk, hyp_buf_view(&m.head)), HYP_OK);
        assert_int_equal(hyp_chunk_attach(&m.chunk, hyp_buf_view(&m.data)), HYP_OK);
        check_rows(&m);
        drop(&m);
    }
    hyp_chunk_work_finish(&writer);
}

/* One column through a work space that has seen others, and through a new one. */
static size_t same_column(const struct hyp_chunk *chunk, int64_t point,
                          struct hyp_chunk_work *shared)
{
    struct hyp_chunk_column column;
    if (hyp_chunk_find_column(chunk, point, &column) != HYP_OK) {
        return 0;
    }
    struct hyp_chunk_work fresh = {0};
    assert_int_equal(hyp_chunk_values(chunk, &column, shared), HYP_OK);
    assert_int_equal(hyp_chunk_values(chunk, &column, &fresh), HYP_OK);
    size_t n = column.cells;
    assert_memory_equal(shared->payloads, fresh.payloads, n * sizeof(*fresh.payloads));
    assert_memory_equal(shared->exponents, fresh.exponents, n);
    assert_memory_equal(shared->rows, fresh.rows, n * sizeof(*fresh.rows));
    hyp_chunk_work_finish(&fresh);
    return 1;
}

/* What a work space keeps of one chunk is not taken for another's, in any order of reading. */
static void decoded_sources_stay_with_their_chunk(void **state)
{
    (void)state;
    static const int which[] = {SHAPE_HEAT, SHAPE_SHORT_HEAT, SHAPE_HEAT, SHAPE_MONTH};
    struct made all[HYP_ARRAY_LEN(which)];
    for (size_t i = 0; i < HYP_ARRAY_LEN(which); i++) {
        struct shape shape = shapes[which[i]];
        shape.seed += i;
        make(&all[i], &shape);
    }
    struct hyp_chunk_work shared = {0};
    size_t columns = 0;
    for (uint32_t c = POINTS * 3; c-- > 0;) {
        uint32_t column = c < POINTS ? c : c < 2 * POINTS ? 2 * POINTS - 1 - c : c - 2 * POINTS;
        for (size_t i = 0; i < HYP_ARRAY_LEN(which); i++) {
            columns += same_column(&all[i].chunk, points[column].point, &shared);
        }
    }
    assert_true(columns > 3 * HYP_ARRAY_LEN(which));
    hyp_chunk_work_finish(&shared);
    for (size_t i = 0; i < HYP_ARRAY_LEN(which); i++) {
        drop(&all[i]);
    }
}

int main(void)
{
    make_points();
    struct test_list list = {0};
    TEST_ROWS(&list, shapes, chunk_comes_back);
    TEST_ROWS(&list, shapes, one_register_comes_back_alone);
    TEST_ROWS(&list, shapes, head_tells_the_truth);
    TEST_ONE(&list, damage_is_noticed);
    TEST_ONE(&list, chunks_follow_each_other);
    TEST_ONE(&list, chunks_come_back_from_habits);
    TEST_ONE(&list, decoded_sources_stay_with_their_chunk);
    int failed = test_list_run(&list, "store-chunk");
    hyp_text_pool_finish(&pool);
    return failed;
}
