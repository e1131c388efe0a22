/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed chunks: what goes in comes out, whole or by register; the head tells the truth about
 * it; damage is noticed. Sequences: any numbers come back.
 */
#include "support/rows.h"

#include "base/limits.h"
#include "base/rng.h"
#include "model/reading.h"
#include "model/value.h"
#include "store/chunk.h"
#include "store/sequence.h"
#include "store/series.h"

/* --- sequences --- */

static const struct pattern {
    const char *name;
    enum { ANY, LEVEL, COUNTER, RUNS, EQUAL, STEADY, SQUARES, SPIKES } kind;
    unsigned bits;    /* of the noise */
    int64_t times;    /* every value is a multiple of it */
    size_t most_bits; /* per value that 1000 of them may take; 0 = any */
} patterns[] = {
    {"any 64-bit numbers",              ANY,     64, 1,    0 },
    {"any 33-bit numbers",              ANY,     33, 1,    35},
    {"any 3-bit numbers",               ANY,     3,  1,    5 },
    {"noise about a level",             LEVEL,   6,  1,    9 },
    {"a counter with noise",            COUNTER, 5,  1,    7 },
    {"a counter in steps of ten",       COUNTER, 5,  10,   7 },
    {"hundreds of 64-bit steps",        COUNTER, 64, 1,    0 },
    {"runs",                            RUNS,    20, 1,    4 },
    {"all equal",                       EQUAL,   40, 1,    1 },
    {"steady",                          STEADY,  20, 1,    1 },
    {"steady in hours of milliseconds", STEADY,  8,  3600, 1 },
    {"squares",                         SQUARES, 0,  1,    5 },
    {"a level with rare spikes",        SPIKES,  62, 1,    10},
};

static uint64_t noise(struct hyp_rng *rng, unsigned bits)
{
    uint64_t value;
    hyp_rng_fill(rng, (uint8_t *)&value, sizeof(value));
    return bits == 0 ? 0 : value >> (64 - bits);
}

static uint64_t next_number(const struct pattern *p, struct hyp_rng *rng, uint64_t i,
                            uint64_t before)
{
    switch (p->kind) {
    case ANY: return noise(rng, p->bits);
    case LEVEL: return 7500 + noise(rng, p->bits);
    case COUNTER: return before + 45 + noise(rng, p->bits);
    case RUNS: return hyp_rng_below(rng, 20) == 0 ? noise(rng, p->bits) : before;
    case EQUAL: return (uint64_t)INT64_MIN + p->bits;
    case STEADY: return before + (uint64_t)1 + p->bits;
    case SQUARES: return 5 * i * i - 1000 * i;
    case SPIKES: return hyp_rng_below(rng, 200) == 0 ? noise(rng, p->bits) : 40 + i % 7;
    }
    return 0;
}

static void numbers_come_back(void **state)
{
    const struct pattern *p = *state;
    static int64_t in[1000];
    static int64_t out[1000];
    static uint64_t scratch[1000];
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, p->bits + 100u * (unsigned)p->kind);
    static const size_t lengths[] = {0, 1, 2, 3, 4, 63, 64, 65, 66, 129, 999, 1000};
    for (size_t l = 0; l < HYP_ARRAY_LEN(lengths); l++) {
        size_t n = lengths[l];
        uint64_t value = 0;
        for (size_t i = 0; i < n; i++) {
            value = next_number(p, &seeded.rng, i, value);
            in[i] = (int64_t)(value * (uint64_t)p->times);
        }
        struct hyp_buf bytes;
        hyp_buf_init_heap(&bytes, 1u << 20);
        hyp_sequence_write(&bytes, in, n, scratch);
        hyp_buf_append_u8(&bytes, 0x5A); /* a sequence knows its end */
        assert_int_equal(hyp_buf_status(&bytes), HYP_OK);
        struct hyp_bytes reader = hyp_bytes_from(bytes.data, bytes.len);
        hyp_sequence_read(&reader, out, n);
        assert_false(hyp_bytes_failed(&reader));
        assert_int_equal(hyp_bytes_left(&reader), 1);
        assert_memory_equal(in, out, n * sizeof(*in));
        if (n == 1000 && p->most_bits > 0) {
            assert_true(bytes.len * 8 <= p->most_bits * n);
        }
        hyp_buf_finish(&bytes);
    }
}

/* --- chunks --- */

#define POINTS 24

static const struct shape {
    const char *name;
    uint64_t seed;
    size_t rows;
    uint16_t columns;
    bool regular;   /* hourly, constant delay, no frames */
    bool sparse;    /* not every column in every row */
    bool qualities; /* some values absent or doubtful */
    bool wild;      /* any digits and times */
    bool versions;  /* several readings of one instant */
    bool floats;    /* exponents that differ, as shortest decimals have */
} shapes[] = {
    {"one reading",                1,  1,    10, true,  false, false, false, false, false},
    {"one without values",         2,  1,    0,  true,  false, false, false, false, false},
    {"two readings",               3,  2,    10, false, false, false, false, false, false},
    {"a week by the hour",         4,  168,  10, true,  false, false, false, false, false},
    {"a month by the hour",        5,  720,  10, true,  false, false, false, false, false},
    {"irregular, with frames",     6,  300,  10, false, false, false, false, false, false},
    {"registers that come and go", 7,  200,  24, false, true,  false, false, false, false},
    {"absent and doubtful",        8,  200,  12, false, true,  true,  false, false, false},
    {"any numbers",                9,  100,  12, false, true,  true,  true,  false, false},
    {"several versions",           10, 300,  8,  false, true,  true,  false, true,  false},
    {"floating-point registers",   11, 168,  10, true,  false, false, false, false, true },
    {"floats with gaps",           12, 168,  10, true,  true,  true,  false, true,  true },
    {"wild floats",                13, 168,  10, true,  true,  true,  true,  false, true },
    {"many rows",                  14, 5000, 2,  false, true,  true,  false, false, false},
};

/* Columns 5, 11, ... are texts, 6, 12, ... flags. */
static uint8_t kind_of(uint16_t column)
{
    return column % 6 == 5                 ? HYP_VALUE_TEXT
           : column % 6 == 0 && column > 0 ? HYP_VALUE_FLAGS
                                           : HYP_VALUE_DECIMAL;
}

static struct hyp_text_pool pool;
static struct hyp_chunk_point points[POINTS];

static void make_points(void)
{
    static const char *const words[] = {"", "ok", "service due", "leak", "\xC3\xA6ndret"};
    hyp_text_pool_init(&pool);
    for (size_t i = 0; i < HYP_ARRAY_LEN(words); i++) {
        uint32_t number;
        assert_int_equal(hyp_text_pool_add(&pool, hyp_str_from(words[i]), &number), HYP_OK);
    }
    for (uint16_t c = 0; c < POINTS; c++) {
        points[c] =
            (struct hyp_chunk_point){.point = 100 + 3 * c + c % 3, .value_kind = kind_of(c)};
        assert_true(c == 0 || points[c].point > points[c - 1].point);
    }
}

static void make_float(const struct shape *shape, struct hyp_rng *rng, struct hyp_cell *cell)
{
    struct hyp_decimal value;
    float number = (float)hyp_rng_below(rng, 100000) / 7.0f;
    assert_int_equal(hyp_decimal_from_float(number, &value), HYP_OK);
    cell->payload = value.digits;
    cell->exp10 = value.exp10;
    if (shape->wild) {
        cell->payload = (int64_t)noise(rng, 64);
        cell->exp10 = (int8_t)((int)hyp_rng_below(rng, 40) - 20);
    }
}

static struct hyp_cell make_cell(const struct shape *shape, struct hyp_rng *rng,
                                 uint16_t column, size_t row)
{
    struct hyp_cell cell = {.column = column, .quality = HYP_QUALITY_GOOD};
    if (shape->qualities && hyp_rng_below(rng, 4) == 0) {
        cell.quality = (uint8_t)(1 + hyp_rng_below(rng, HYP_QUALITY_LAST));
    }
    if (!hyp_quality_is_usable((enum hyp_quality)cell.quality)) {
        return cell;
    }
    switch ((enum hyp_value_kind)kind_of(column)) {
    case HYP_VALUE_TEXT: cell.payload = (int64_t)hyp_rng_below(rng, 5); break;
    case HYP_VALUE_FLAGS: cell.payload = hyp_rng_below(rng, 50) == 0 ? -1 : 4; break;
    default:
        cell.exp10 = (int8_t)(column % 5 - 3);
        cell.payload = (int64_t)(row * column * 10 + hyp_rng_below(rng, 10));
        if (shape->floats) {
            make_float(shape, rng, &cell);
        } else if (shape->wild) {
            cell.payload = (int64_t)noise(rng, 64);
        }
    }
    return cell;
}

static void make_rows(const struct shape *shape, struct hyp_rows *rows)
{
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, shape->seed);
    struct hyp_rng *rng = &seeded.rng;
    int64_t time = shape->wild ? INT64_MIN : 1700000000000;
    for (size_t r = 0; r < shape->rows; r++) {
        struct hyp_cell cells[POINTS];
        uint16_t count = 0;
        for (uint16_t c = 0; c < shape->columns; c++) {
            if (!shape->sparse || hyp_rng_below(rng, 3) > 0) {
                cells[count++] = make_cell(shape, rng, c, r);
            }
        }
        if (!shape->versions || hyp_rng_below(rng, 3) > 0) {
            time += shape->regular ? 3600000 : (int64_t)hyp_rng_below(rng, INT64_MAX / 5000);
        }
        struct hyp_row row = {
            .time = time, .receive = time + 1000, .cells = count, .kind = 1, .source = 1};
        if (!shape->regular) {
            row.receive = (int64_t)noise(rng, 63);
            row.frame = (int64_t)hyp_rng_below(rng, 1u << 30);
            row.kind = (uint8_t)(1 + hyp_rng_below(rng, HYP_READING_EVENT));
            row.source = (uint8_t)(1 + hyp_rng_below(rng, HYP_SOURCE_PUSH));
        }
        assert_int_equal(hyp_rows_reserve(rows, count), HYP_OK);
        hyp_rows_insert(rows, &row, cells);
    }
}

/* A chunk made of a shape, opened. */
struct made {
    struct hyp_rows rows;
    struct hyp_chunk_work work;
    struct hyp_chunk_texts texts;
    struct hyp_buf head;
    struct hyp_buf data;
    struct hyp_chunk chunk;
};

static void make(struct made *m, const struct shape *shape)
{
    *m = (struct made){.texts.pool = &pool};
    make_rows(shape, &m->rows);
    hyp_buf_init_heap(&m->head, 1u << 24);
    hyp_buf_init_heap(&m->data, 1u << 24);
    struct hyp_chunk_source source = {
        .rows = &m->rows, .points = points, .point_count = POINTS, .texts = &m->texts};
    assert_int_equal(hyp_chunk_write(&m->work, &source, &m->head, &m->data), HYP_OK);
    assert_int_equal(hyp_chunk_open(&m->chunk, hyp_buf_view(&m->head)), HYP_OK);
    assert_int_equal(hyp_chunk_attach(&m->chunk, hyp_buf_view(&m->data)), HYP_OK);
}

static void drop(struct made *m)
{
    hyp_rows_finish(&m->rows);
    hyp_chunk_work_finish(&m->work);
    hyp_chunk_texts_finish(&m->texts);
    hyp_buf_finish(&m->head);
    hyp_buf_finish(&m->data);
}

static uint32_t column_of(void *user, int64_t point)
{
    (void)user;
    for (uint32_t c = 0; c < POINTS; c++) {
        if (points[c].point == point) {
            return c;
        }
    }
    return UINT32_MAX;
}

static void same_row(const struct hyp_row *a, const struct hyp_row *b)
{
    assert_int_equal(a->time, b->time);
    assert_int_equal(a->receive, b->receive);
    assert_int_equal(a->frame, b->frame);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->source, b->source);
}

static void same_cell(const struct made *m, const struct hyp_cell *in,
                      const struct hyp_cell *out)
{
    assert_non_null(out);
    assert_int_equal(in->quality, out->quality);
    if (kind_of(in->column) == HYP_VALUE_TEXT &&
        hyp_quality_is_usable((enum hyp_quality)in->quality)) {
        assert_true(out->payload < 0);
        assert_true(hyp_str_equal(hyp_chunk_text(&m->texts, in->payload),
                                  hyp_chunk_text(&m->texts, out->payload)));
        return;
    }
    assert_int_equal(in->payload, out->payload);
    assert_int_equal(in->exp10, out->exp10);
}

static void chunk_comes_back(void **state)
{
    struct made m;
    make(&m, *state);
    struct hyp_chunk_target target = {.column_of = column_of, .texts = &m.texts};
    struct hyp_rows out = {0};
    assert_int_equal(hyp_chunk_rows(&m.chunk, &m.work, &target, &out), HYP_OK);
    assert_int_equal(out.row_count, m.rows.row_count);
    assert_int_equal(out.cell_count, m.rows.cell_count);
    for (size_t r = 0; r < out.row_count; r++) {
        same_row(&m.rows.rows[r], &out.rows[r]);
        assert_int_equal(m.rows.rows[r].cells, out.rows[r].cells);
        for (size_t i = 0; i < out.rows[r].cells; i++) {
            const struct hyp_cell *in = &m.rows.cells[m.rows.rows[r].first_cell + i];
            same_cell(&m, in, hyp_series_row_cell(&out, &out.rows[r], in->column));
        }
    }
    hyp_rows_finish(&out);
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
    make(&m, &shapes[7]);
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
    make(&m, &shapes[4]);
    struct hyp_rows out = {0};
    struct hyp_chunk_target target = {.column_of = column_of, .texts = &m.texts};
    assert_int_equal(hyp_chunk_rows(&m.chunk, &m.work, &target, &out), HYP_OK);
    struct made later;
    make(&later, &shapes[4]);
    /* Not in its place: it begins before the first one ends. */
    assert_int_equal(hyp_chunk_rows(&later.chunk, &m.work, &target, &out), HYP_MALFORMED);
    assert_int_equal(out.row_count, 720);
    hyp_rows_finish(&out);
    drop(&later);
    drop(&m);
}

int main(void)
{
    make_points();
    struct test_list list = {0};
    TEST_ROWS(&list, patterns, numbers_come_back);
    TEST_ROWS(&list, shapes, chunk_comes_back);
    TEST_ROWS(&list, shapes, one_register_comes_back_alone);
    TEST_ROWS(&list, shapes, head_tells_the_truth);
    TEST_ONE(&list, damage_is_noticed);
    TEST_ONE(&list, chunks_follow_each_other);
    int failed = test_list_run(&list, "store-chunk");
    hyp_text_pool_finish(&pool);
    return failed;
}
