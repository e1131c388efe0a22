/* SPDX-License-Identifier: Apache-2.0 */
#include "chunk_shapes.h"

#include "base/limits.h"
#include "base/rng.h"
#include "model/reading.h"
#include "model/value.h"
#include "store/series.h"

static uint64_t noise(struct hyp_rng *rng, unsigned bits)
{
    uint64_t value;
    hyp_rng_fill(rng, (uint8_t *)&value, sizeof(value));
    return bits == 0 ? 0 : value >> (64 - bits);
}

const struct shape shapes[] = {
    {"one reading",                1,  1,    10, true,  false, false, false, false, false, false},
    {"one without values",         2,  1,    0,  true,  false, false, false, false, false, false},
    {"two readings",               3,  2,    10, false, false, false, false, false, false, false},
    {"a week by the hour",         4,  168,  10, true,  false, false, false, false, false, false},
    {"a month by the hour",        5,  720,  10, true,  false, false, false, false, false, false},
    {"irregular, with frames",     6,  300,  10, false, false, false, false, false, false, false},
    {"registers that come and go", 7,  200,  24, false, true,  false, false, false, false, false},
    {"absent and doubtful",        8,  200,  12, false, true,  true,  false, false, false, false},
    {"any numbers",                9,  100,  12, false, true,  true,  true,  false, false, false},
    {"several versions",           10, 300,  8,  false, true,  true,  false, true,  false, false},
    {"floating-point registers",   11, 168,  10, true,  false, false, false, false, true,  false},
    {"floats with gaps",           12, 168,  10, true,  true,  true,  false, true,  true,  false},
    {"wild floats",                13, 168,  10, true,  true,  true,  true,  false, true,  false},
    {"many rows",                  14, 5000, 2,  false, true,  true,  false, false, false, false},
    {"a heat meter",               15, 720,  8,  true,  false, false, false, false, false, true },
    {"a heat meter now and then",  16, 400,  8,  false, false, false, false, false, false, true },
    {"a heat meter with gaps",     17, 400,  12, true,  true,  true,  false, false, false, true },
    {"a heat meter with versions", 18, 400,  8,  false, true,  true,  false, true,  false, true },
    {"a heat meter in floats",     19, 200,  8,  true,  false, false, false, false, true,  true },
    {"a heat meter, short",        20, 60,   8,  true,  false, false, false, false, false, true },
};

/* Columns 5, 11, ... are texts, 6, 12, ... flags. */
uint8_t kind_of(uint16_t column)
{
    return column % 6 == 5                 ? HYP_VALUE_TEXT
           : column % 6 == 0 && column > 0 ? HYP_VALUE_FLAGS
                                           : HYP_VALUE_DECIMAL;
}

static uint8_t role_of(uint16_t column)
{
    static const uint8_t roles[] = {
        [1] = HYP_CHUNK_ROLE_FLOW, [2] = HYP_CHUNK_ROLE_SUPPLY, [3] = HYP_CHUNK_ROLE_RETURN};
    return column < HYP_ARRAY_LEN(roles) ? roles[column] : (uint8_t)HYP_CHUNK_ROLE_NONE;
}

/* A meter that counts what goes through it. */
struct heat {
    int64_t energy;
    int64_t flow;
    int64_t supply;
    int64_t back;
    int64_t power;
    int64_t volume;
};

static void next_heat(struct heat *heat, struct hyp_rng *rng, int64_t span_ms)
{
    heat->flow = 400 + (int64_t)hyp_rng_below(rng, 300);
    heat->supply = 7500 + (int64_t)hyp_rng_below(rng, 200);
    heat->back = 4000 + (int64_t)hyp_rng_below(rng, 200);
    heat->power = heat->flow * (heat->supply - heat->back) / 8600;
    heat->energy += heat->power * (span_ms / 1000) / 3600;
    heat->volume += heat->flow * (span_ms / 1000) / 36000;
}

static bool heat_digits(const struct heat *heat, uint16_t column, int64_t *ret_digits)
{
    switch (column) {
    case 0: *ret_digits = heat->energy; return true;
    case 1: *ret_digits = heat->flow; return true;
    case 2: *ret_digits = heat->supply; return true;
    case 3: *ret_digits = heat->back; return true;
    case 4: *ret_digits = heat->power; return true;
    case 7: *ret_digits = heat->volume; return true;
    default: return false;
    }
}

struct hyp_text_pool pool;
struct hyp_chunk_point points[POINTS];

void make_points(void)
{
    static const char *const words[] = {"", "ok", "service due", "leak", "\xC3\xA6ndret"};
    hyp_text_pool_init(&pool);
    for (size_t i = 0; i < HYP_ARRAY_LEN(words); i++) {
        uint32_t number;
        assert_int_equal(hyp_text_pool_add(&pool, hyp_str_from(words[i]), &number), HYP_OK);
    }
    for (uint16_t c = 0; c < POINTS; c++) {
        points[c] = (struct hyp_chunk_point){.point = 100 + 3 * c + c % 3,
                                             .value_kind = kind_of(c),
                                             .role = role_of(c),
                                             .likeness = 8u * c + 8};
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
                                 const struct heat *heat, uint16_t column, size_t row)
{
    struct hyp_cell cell = {.column = column, .quality = HYP_QUALITY_GOOD};
    if (shape->qualities && hyp_rng_below(rng, 4) == 0) {
        /* The other shapes are as version 1 wrote them, which had no more qualities. */
        unsigned last = shape->heat ? HYP_QUALITY_LAST : HYP_QUALITY_DEVICE_ERROR;
        cell.quality = (uint8_t)(1 + hyp_rng_below(rng, last));
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
        if (shape->heat && heat_digits(heat, column, &cell.payload)) {
            cell.exp10 = shape->floats && cell.payload % 10 == 0 ? -1 : -2;
            cell.payload /= cell.exp10 == -1 ? 10 : 1;
        } else if (shape->floats) {
            make_float(shape, rng, &cell);
        } else if (shape->wild) {
            cell.payload = (int64_t)noise(rng, 64);
        }
    }
    return cell;
}

void make_rows(const struct shape *shape, struct hyp_rows *rows)
{
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, shape->seed);
    struct hyp_rng *rng = &seeded.rng;
    int64_t time = shape->wild ? INT64_MIN : 1700000000000;
    struct heat heat = {.energy = 123456, .volume = 654321};
    int64_t span = 3600000;
    for (size_t r = 0; r < shape->rows; r++) {
        struct hyp_cell cells[POINTS];
        uint16_t count = 0;
        if (shape->heat) {
            next_heat(&heat, rng, span);
        }
        for (uint16_t c = 0; c < shape->columns; c++) {
            if (!shape->sparse || hyp_rng_below(rng, 3) > 0) {
                cells[count++] = make_cell(shape, rng, &heat, c, r);
            }
        }
        if (!shape->versions || hyp_rng_below(rng, 3) > 0) {
            uint64_t most = shape->heat ? 7200000 : INT64_MAX / 5000;
            span = shape->regular ? 3600000 : (int64_t)hyp_rng_below(rng, most);
            time += span;
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

void make_as(struct made *m, const struct shape *shape, bool thorough)
{
    *m = (struct made){.texts.pool = &pool};
    make_rows(shape, &m->rows);
    hyp_buf_init_heap(&m->head, 1u << 24);
    hyp_buf_init_heap(&m->data, 1u << 24);
    struct hyp_chunk_source source = {.rows = &m->rows,
                                      .points = points,
                                      .point_count = POINTS,
                                      .texts = &m->texts,
                                      .thorough = thorough};
    assert_int_equal(hyp_chunk_write(&m->work, &source, &m->head, &m->data), HYP_OK);
    assert_int_equal(hyp_chunk_open(&m->chunk, hyp_buf_view(&m->head)), HYP_OK);
    assert_int_equal(hyp_chunk_attach(&m->chunk, hyp_buf_view(&m->data)), HYP_OK);
}

void make(struct made *m, const struct shape *shape)
{
    make_as(m, shape, true);
}

void drop(struct made *m)
{
    hyp_rows_finish(&m->rows);
    hyp_chunk_work_finish(&m->work);
    hyp_chunk_texts_finish(&m->texts);
    hyp_buf_finish(&m->head);
    hyp_buf_finish(&m->data);
}

uint32_t column_of(void *user, int64_t point)
{
    (void)user;
    for (uint32_t c = 0; c < POINTS; c++) {
        if (points[c].point == point) {
            return c;
        }
    }
    return UINT32_MAX;
}

void same_row(const struct hyp_row *a, const struct hyp_row *b)
{
    assert_int_equal(a->time, b->time);
    assert_int_equal(a->receive, b->receive);
    assert_int_equal(a->frame, b->frame);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->source, b->source);
}

void same_cell(const struct made *m, const struct hyp_cell *in, const struct hyp_cell *out)
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

void same_rows(const struct made *m, const struct hyp_rows *out)
{
    assert_int_equal(out->row_count, m->rows.row_count);
    assert_int_equal(out->cell_count, m->rows.cell_count);
    for (size_t r = 0; r < out->row_count; r++) {
        same_row(&m->rows.rows[r], &out->rows[r]);
        assert_int_equal(m->rows.rows[r].cells, out->rows[r].cells);
        for (size_t i = 0; i < out->rows[r].cells; i++) {
            const struct hyp_cell *in = &m->rows.cells[m->rows.rows[r].first_cell + i];
            same_cell(m, in, hyp_series_row_cell(out, &out->rows[r], in->column));
        }
    }
}
