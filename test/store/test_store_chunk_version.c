/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions of chunks: references between registers, which are new in version 2, and chunks that
 * a program of version 1 wrote.
 */
#include "chunk_shapes.h"

#include "model/value.h"
#include "store/chunk_format.h"
#include "store/crc32c.h"

#include <stdio.h>

/* --- references --- */

/* Power, energy and volume of a meter are told by its flow and temperatures. */
static void registers_tell_each_other(void **state)
{
    (void)state;
    struct made thorough;
    struct made quick;
    make_as(&thorough, &shapes[SHAPE_HEAT], true);
    make_as(&quick, &shapes[SHAPE_HEAT], false);
    assert_true(shapes[SHAPE_HEAT].heat);
    assert_true(thorough.data.len * 10 < quick.data.len * 8);
    drop(&thorough);
    drop(&quick);
}

static void repair(struct made *m)
{
    struct hyp_buf field;
    hyp_buf_init_fixed(&field, m->head.data + HYP_CHUNK_DATA_CRC_AT, 4);
    hyp_buf_append_le32(&field, hyp_crc32c(m->data.data, m->data.len));
    hyp_buf_init_fixed(&field, m->head.data + HYP_CHUNK_CRC_AT, 4);
    hyp_buf_append_le32(&field, hyp_crc32c(m->head.data + HYP_CHUNK_DATA_CRC_AT,
                                           m->head.len - HYP_CHUNK_DATA_CRC_AT));
}

static enum hyp_status read_again(struct made *m, struct hyp_rows *out)
{
    struct hyp_chunk_target target = {.column_of = column_of, .texts = &m->texts};
    m->texts.count = 0;
    out->row_count = 0;
    out->cell_count = 0;
    enum hyp_status status = hyp_chunk_open(&m->chunk, hyp_buf_view(&m->head));
    if (status == HYP_OK) {
        status = hyp_chunk_attach(&m->chunk, hyp_buf_view(&m->data));
    }
    return status == HYP_OK ? hyp_chunk_rows(&m->chunk, &m->work, &target, out) : status;
}

/* Damage that the checksums agree with is read as something else, or refused. */
static void repaired_damage_is_harmless(void **state)
{
    (void)state;
    struct made m;
    make(&m, &shapes[SHAPE_SHORT_HEAT]);
    assert_true(shapes[SHAPE_SHORT_HEAT].heat);
    struct hyp_rows out = {0};
    size_t refused = 0;
    for (size_t i = 0; i < m.data.len; i++) {
        for (unsigned bit = 1; bit < 256; bit *= 4) {
            m.data.data[i] ^= (uint8_t)bit;
            repair(&m);
            enum hyp_status status = read_again(&m, &out);
            assert_true(status == HYP_OK || status == HYP_MALFORMED);
            refused += status == HYP_MALFORMED;
            m.data.data[i] ^= (uint8_t)bit;
        }
    }
    assert_true(refused > m.data.len / 20);
    hyp_rows_finish(&out);
    drop(&m);
}

/* References are new in version 2: in a chunk of version 1 that bit is damage. */
static void version_1_has_no_references(void **state)
{
    (void)state;
    struct made m;
    struct hyp_rows out = {0};
    make(&m, &shapes[SHAPE_HEAT]);
    m.head.data[0] = 1;
    assert_int_equal(read_again(&m, &out), HYP_MALFORMED);
    drop(&m);
    make_as(&m, &shapes[SHAPE_WEEK], false);
    m.head.data[0] = 1;
    assert_int_equal(read_again(&m, &out), HYP_OK);
    assert_int_equal(out.row_count, 168);
    m.head.data[0] = HYP_CHUNK_VERSION + 1;
    assert_int_equal(read_again(&m, &out), HYP_UNSUPPORTED);
    m.head.data[0] = 0;
    assert_int_equal(read_again(&m, &out), HYP_UNSUPPORTED);
    hyp_rows_finish(&out);
    drop(&m);
}

static void lines_follow_their_definition(void **state)
{
    (void)state;
    enum { N = 5 };
    static const int64_t times[N] = {0, 1000, 2000, 4000, 4500};
    static const int64_t flow[N] = {10, 20, INT64_MAX, -7, 4};
    static const int64_t supply[N] = {5, 5, INT64_MIN, 5, 5};
    static const int64_t back[N] = {2, 2, INT64_MAX, 2, 2};
    const int64_t *const x[HYP_REFERENCE_COLUMNS] = {flow, supply, back};
    int64_t line[N];
    struct hyp_chunk_reference level = {.relation = HYP_RELATION_LEVEL,
                                        .count = 1,
                                        .factor = -HYP_REFERENCE_ONE / 2,
                                        .unit = 1};
    hyp_chunk_reference_source(&level, x, N, line);
    hyp_chunk_reference_line(&level, times, N, line);
    static const int64_t halves[N] = {-5, -10, -(INT64_MAX / 2) - 1, 3, -2};
    assert_memory_equal(line, halves, sizeof(line));
    struct hyp_chunk_reference sum = {.relation = HYP_RELATION_INTEGRAL,
                                      .count = HYP_REFERENCE_COLUMNS,
                                      .factor = HYP_REFERENCE_ONE,
                                      .unit = 1000};
    hyp_chunk_reference_source(&sum, x, N, line);
    assert_int_equal(line[0], 30);
    /* Modulo 2^64: INT64_MAX * (INT64_MIN - INT64_MAX) = INT64_MAX * 1. */
    assert_int_equal(line[2], INT64_MAX);
    line[2] = 100;
    hyp_chunk_reference_line(&sum, times, N, line);
    static const int64_t sums[N] = {0, 60, 160, 118, 124};
    assert_memory_equal(line, sums, sizeof(line));
}

static const struct written_reference {
    const char *name;
    struct hyp_chunk_reference reference;
    bool refused;
} written_references[] = {
    {"a level",              {1, 1, {7}, -5, 1},                              false},
    {"an integral",          {2, 1, {300}, INT64_MAX, 3600000},               false},
    {"a product",            {1, 3, {0, 1, UINT32_MAX}, INT64_MIN, 1},        false},
    {"a product's integral", {2, 3, {2, 1, 0}, HYP_REFERENCE_ONE, INT64_MAX}, false},
    {"no relation",          {0, 1, {7}, 5, 1},                               true },
    {"a relation unknown",   {3, 1, {7}, 5, 1},                               true },
    {"no unit",              {2, 1, {7}, 5, 0},                               true },
    {"a unit below nothing", {2, 1, {7}, 5, -1},                              true },
};

static void reference_comes_back(void **state)
{
    const struct written_reference *row = *state;
    uint8_t memory[64];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, sizeof(memory));
    hyp_chunk_reference_write(&out, &row->reference);
    struct hyp_bytes in = hyp_bytes_from(out.data, out.len);
    struct hyp_chunk_reference back;
    hyp_chunk_reference_read(&in, &back);
    assert_int_equal(hyp_bytes_failed(&in), row->refused);
    if (!row->refused) {
        assert_int_equal(hyp_bytes_left(&in), 0);
        assert_int_equal(back.relation, row->reference.relation);
        assert_int_equal(back.count, row->reference.count);
        assert_memory_equal(back.columns, row->reference.columns, sizeof(back.columns));
        assert_true(back.factor == row->reference.factor && back.unit == row->reference.unit);
    }
}

/* --- version 1 --- */

/* What a program of version 1 wrote of some of the shapes: length of the head (two bytes, low
 * first), head, data. */
static const struct stored {
    const char *name;
    const char *file;
    size_t shape;
} stored_chunks[] = {
    {"version 1: one reading",         "one",              0 },
    {"version 1: a week by the hour",  "week",             3 },
    {"version 1: absent and doubtful", "absent",           7 },
    {"version 1: floats with gaps",    "floats_with_gaps", 11},
};

static size_t read_stored(const char *name, uint8_t *bytes, size_t size)
{
    char path[512];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, path, sizeof(path));
    hyp_buf_append_fmt(&text, "%s/%s", HYP_TEST_CHUNKS_1, name);
    FILE *file = fopen(hyp_buf_terminate(&text), "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, size, file);
    fclose(file);
    return len;
}

static void stored_version_1_is_read(void **state)
{
    const struct stored *row = *state;
    static uint8_t bytes[16384];
    size_t len = read_stored(row->file, bytes, sizeof(bytes));
    size_t head_len = (size_t)bytes[0] | (size_t)bytes[1] << 8;
    assert_true(len > 2 + head_len && bytes[2] == 1);
    struct made m = {.texts.pool = &pool};
    make_rows(&shapes[row->shape], &m.rows);
    hyp_buf_init_heap(&m.head, head_len);
    hyp_buf_init_heap(&m.data, len);
    hyp_buf_append(&m.head, bytes + 2, head_len);
    hyp_buf_append(&m.data, bytes + 2 + head_len, len - 2 - head_len);
    struct hyp_rows out = {0};
    repair(&m);
    assert_int_equal(read_again(&m, &out), HYP_OK);
    same_rows(&m, &out);
    hyp_rows_finish(&out);
    drop(&m);
}

int main(void)
{
    make_points();
    struct test_list list = {0};
    TEST_ONE(&list, registers_tell_each_other);
    TEST_ONE(&list, repaired_damage_is_harmless);
    TEST_ONE(&list, version_1_has_no_references);
    TEST_ONE(&list, lines_follow_their_definition);
    TEST_ROWS(&list, written_references, reference_comes_back);
    TEST_ROWS(&list, stored_chunks, stored_version_1_is_read);
    int failed = test_list_run(&list, "store-chunk-version");
    hyp_text_pool_finish(&pool);
    return failed;
}
