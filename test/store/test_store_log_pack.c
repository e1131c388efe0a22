/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed rows of the log: as drawn in store/log.h, the same in and out, never longer than one
 * by one; what does not hold together is refused.
 */
#include "support/hex.h"

#include "base/rng.h"
#include "model/reading.h"
#include "store/crc32c.h"
#include "store/log_format.h"
#include "store/log_pack.h"

#define COLUMNS_MAX 12
#define READINGS_MAX 150

/* A reading, and the points of its device. */
struct planned {
    struct hyp_log_reading reading;
    struct hyp_column columns[COLUMNS_MAX];
    struct hyp_cell cells[COLUMNS_MAX];
    uint8_t shape;
};

static struct hyp_log_value value_of(const struct planned *planned, uint32_t i)
{
    const struct hyp_cell *cell = &planned->cells[i];
    const struct hyp_column *column = &planned->columns[cell->column];
    struct hyp_log_value value = {.point = column->point, .quality = cell->quality};
    if (hyp_quality_is_usable((enum hyp_quality)cell->quality)) {
        value.kind = column->value_kind;
        value.exp10 = cell->exp10;
        value.payload = cell->payload;
    }
    if (value.kind == HYP_VALUE_TEXT) {
        value.text = HYP_STR("text");
        value.payload = 0;
    }
    return value;
}

/* --- writing and reading --- */

static bool write_packed(struct hyp_log_pack *pack, struct planned *readings, size_t count,
                         int64_t frame_row, struct hyp_buf *out)
{
    hyp_log_pack_reset(pack);
    for (size_t i = 0; i < count; i++) {
        struct planned *planned = &readings[i];
        assert_int_equal(hyp_log_pack_see(pack, planned->columns, planned->cells,
                                          planned->reading.value_count, &planned->shape),
                         HYP_OK);
    }
    if (!hyp_log_pack_begin(pack, out, frame_row, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct planned *planned = &readings[i];
        uint32_t values = planned->reading.value_count;
        int64_t base = values == 0 ? 0 : planned->columns[planned->cells[0].column].point;
        if (hyp_log_pack_reading(pack, &planned->reading, planned->shape, base,
                                 planned->cells)) {
            continue;
        }
        for (uint32_t v = 0; v < values; v++) {
            struct hyp_log_value value = value_of(planned, v);
            hyp_log_value(&pack->writer, &value);
        }
    }
    assert_int_equal(hyp_log_pack_end(pack), HYP_OK);
    return true;
}

static size_t plain_length(const struct planned *readings, size_t count)
{
    struct hyp_buf out;
    hyp_buf_init_heap(&out, 1u << 20);
    struct hyp_log_writer writer;
    hyp_log_begin(&writer, &out, 0, count);
    for (size_t i = 0; i < count; i++) {
        hyp_log_reading(&writer, &readings[i].reading);
        for (uint32_t v = 0; v < readings[i].reading.value_count; v++) {
            struct hyp_log_value value = value_of(&readings[i], v);
            hyp_log_value(&writer, &value);
        }
    }
    assert_int_equal(hyp_log_end(&writer), HYP_OK);
    size_t len = out.len;
    hyp_buf_finish(&out);
    return len;
}

static void reads_as(const struct hyp_buf *blob, const struct planned *readings, size_t count,
                     int64_t frame_row)
{
    struct hyp_log_reader reader;
    assert_int_equal(hyp_log_open(&reader, blob->data, blob->len), HYP_OK);
    assert_int_equal(reader.frame_row, frame_row);
    struct hyp_log_reading got;
    for (size_t i = 0; i < count; i++) {
        const struct hyp_log_reading *wanted = &readings[i].reading;
        assert_int_equal(hyp_log_next(&reader, &got), HYP_OK);
        assert_int_equal(got.device, wanted->device);
        assert_int_equal(got.time, wanted->time);
        assert_int_equal(got.receive, wanted->receive);
        assert_int_equal(got.kind, wanted->kind);
        assert_int_equal(got.source, wanted->source);
        assert_int_equal(got.frame, wanted->frame);
        assert_int_equal(got.value_count, wanted->value_count);
        for (uint32_t v = 0; v < got.value_count; v++) {
            struct hyp_log_value value;
            struct hyp_log_value expected = value_of(&readings[i], v);
            assert_int_equal(hyp_log_next_value(&reader, &value), HYP_OK);
            assert_int_equal(value.point, expected.point);
            assert_int_equal(value.quality, expected.quality);
            assert_int_equal(value.kind, expected.kind);
            assert_int_equal(value.exp10, expected.exp10);
            assert_int_equal(value.payload, expected.payload);
            assert_true(hyp_str_equal(value.text, expected.text));
        }
    }
    assert_int_equal(hyp_log_next(&reader, &got), HYP_NOT_FOUND);
}

/* --- golden bytes --- */

/* Meters 7, 8, ... say 87 + i at -1 and -5 at -3 at the same time, of points 1, 2; 11, 12; ...
 */
static void make_alike(struct planned *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct planned *planned = &readings[i];
        *planned = (struct planned){
            .reading = {.device = 7 + (int64_t)i,
                        .time = 1000,
                        .receive = 1005,
                        .kind = HYP_READING_CURRENT,
                        .source = HYP_SOURCE_AUTOMATIC,
                        .frame = i == 1 ? 3 : 0,
                        .value_count = 2},
            .cells = {{.payload = 87 + (int64_t)i, .exp10 = -1, .quality = HYP_QUALITY_GOOD},
                        {.payload = -5, .column = 1, .exp10 = -3, .quality = HYP_QUALITY_GOOD}},
        };
        for (unsigned c = 0; c < 2; c++) {
            planned->columns[c] = (struct hyp_column){.point = 1 + 10 * (int64_t)i + c,
                                                      .value_kind = HYP_VALUE_DECIMAL};
        }
    }
}

static void bytes_are_as_drawn(void **state)
{
    (void)state;
    /* frame row 9, eight readings, one shape of two columns: step 0, -1, good decimals, 3 bits
     * from 87 on; step 1, -3, 0 bits, always -5; three bytes of fields; readings: all new;
     * steps, and a frame; steps; steps as before; the same; and 0, 1, 2, ... in three bits
     * each. */
    static const char hex[] = "09 08 01"
                              " 02 00000000 FF 11 03 5700000000000000"
                              "    01000000 FD 11 00 FBFFFFFFFFFFFFFF"
                              " 03"
                              " 01 0E 02 D00F 0A 11"
                              " 71 02 14 03"
                              " B1 B1 B1 B1 B1 B1"
                              " 88C6FA";
    static struct planned readings[8];
    make_alike(readings, 8);
    struct hyp_log_pack pack;
    hyp_log_pack_init(&pack);
    struct hyp_buf out;
    hyp_buf_init_heap(&out, 4096);
    assert_true(write_packed(&pack, readings, 8, 9, &out));
    uint8_t expected[256];
    size_t len = test_hex(hex, expected, sizeof(expected));
    assert_int_equal(out.len, len + 5);
    assert_memory_equal(out.data + 5, expected, len);
    assert_int_equal(out.data[0], HYP_LOG_PACKED);
    reads_as(&out, readings, 8, 9);
    hyp_buf_finish(&out);
    hyp_log_pack_finish(&pack);
}

static void few_readings_are_not_packed(void **state)
{
    (void)state;
    static struct planned readings[3];
    make_alike(readings, 3);
    struct hyp_log_pack pack;
    hyp_log_pack_init(&pack);
    struct hyp_buf out;
    hyp_buf_init_heap(&out, 4096);
    assert_false(write_packed(&pack, readings, 3, 0, &out));
    assert_int_equal(out.len, 0);
    hyp_buf_finish(&out);
    hyp_log_pack_finish(&pack);
}

/* --- random batches --- */

static int64_t any_number(struct hyp_rng *rng)
{
    uint64_t bits;
    hyp_rng_fill(rng, (uint8_t *)&bits, sizeof(bits));
    uint64_t number = bits >> hyp_rng_below(rng, 64);
    return (int64_t)(hyp_rng_below(rng, 2) == 0 ? number : 0 - number);
}

/* A family of meters: which kinds its registers have, in which order they come. */
static void fill_family(struct hyp_rng *rng, struct planned *planned)
{
    uint32_t count = (uint32_t)hyp_rng_below(rng, COLUMNS_MAX + 1);
    *planned = (struct planned){.reading.value_count = count};
    int64_t point = 0;
    for (uint32_t c = 0; c < count; c++) {
        point += hyp_rng_below(rng, 8) == 0 ? any_number(rng) : 1;
        uint8_t kind = hyp_rng_below(rng, 12) == 0 ? HYP_VALUE_TEXT
                       : hyp_rng_below(rng, 4) > 0 ? HYP_VALUE_DECIMAL
                                                   : (uint8_t)(1 + hyp_rng_below(rng, 3));
        planned->columns[c] = (struct hyp_column){.point = point, .value_kind = kind & 0x7Fu};
        uint8_t quality = hyp_rng_below(rng, 8) > 0
                              ? HYP_QUALITY_GOOD
                              : (uint8_t)(1 + hyp_rng_below(rng, HYP_QUALITY_LAST));
        planned->cells[c].column = (uint16_t)c;
        planned->cells[c].quality = quality;
        if (kind == HYP_VALUE_DECIMAL && hyp_quality_is_usable((enum hyp_quality)quality)) {
            planned->cells[c].exp10 = (int8_t)hyp_rng_below(rng, 256);
        }
    }
}

static void fill_reading(struct hyp_rng *rng, struct planned *planned, int64_t i, bool small)
{
    struct hyp_log_reading *reading = &planned->reading;
    bool alike = hyp_rng_below(rng, 4) > 0;
    reading->device = alike ? i : any_number(rng);
    reading->time = alike ? 1000 : any_number(rng);
    reading->receive = alike ? 1010 : any_number(rng);
    reading->kind = (uint8_t)(1 + (alike ? 0 : hyp_rng_below(rng, HYP_READING_EVENT)));
    reading->source = (uint8_t)(1 + (alike ? 0 : hyp_rng_below(rng, HYP_SOURCE_PUSH)));
    reading->frame = alike ? 0 : (uint32_t)hyp_rng_below(rng, 4096);
    for (uint32_t c = 0; c < reading->value_count; c++) {
        struct hyp_cell *cell = &planned->cells[c];
        planned->columns[c].point += i * COLUMNS_MAX;
        if (hyp_quality_is_usable((enum hyp_quality)cell->quality)) {
            cell->payload = small ? (int64_t)hyp_rng_below(rng, 5000) - 100 : any_number(rng);
        }
    }
}

static void any_batch_comes_back(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 11);
    struct hyp_rng *rng = &seeded.rng;
    static struct planned families[18];
    static struct planned readings[READINGS_MAX];
    struct hyp_log_pack pack;
    hyp_log_pack_init(&pack);
    struct hyp_buf out;
    hyp_buf_init_heap(&out, 1u << 20);
    size_t packed = 0;
    for (int round = 0; round < 300; round++) {
        bool many = hyp_rng_below(rng, 4) == 0; /* more than there may be shapes */
        bool small = hyp_rng_below(rng, 4) > 0;
        uint64_t kinds = 1 + hyp_rng_below(rng, many ? HYP_ARRAY_LEN(families) : 3);
        for (uint64_t f = 0; f < kinds; f++) {
            fill_family(rng, &families[f]);
        }
        size_t count = (size_t)hyp_rng_below(rng, READINGS_MAX + 1);
        for (size_t i = 0; i < count; i++) {
            readings[i] = families[hyp_rng_below(rng, kinds)];
            fill_reading(rng, &readings[i], (int64_t)i, small);
        }
        hyp_buf_reset(&out);
        if (write_packed(&pack, readings, count, round, &out)) {
            packed++;
            reads_as(&out, readings, count, round);
            /* No more than the table of shapes and a byte a reading for what was foreseen. */
            assert_true(out.len <= plain_length(readings, count) + 12 * count + 32);
        }
    }
    assert_true(packed > 50);
    hyp_buf_finish(&out);
    hyp_log_pack_finish(&pack);
}

/* --- what does not hold together --- */

static const struct broken {
    const char *name;
    const char *hex; /* after version and checksum */
    bool opens;
} broken[] = {
    {"no shape",                             "00 01 00 00",                                          false},
    {"more shapes than there may be",        "00 01 10",                                             false},
    {"a shape without columns",              "00 01 01 00 00",                                       false},
    {"a shape that is cut",                  "00 01 01 01 00000000 00 11 08 00000000000000",         false},
    {"a field wider than a number",          "00 01 01 01 00000000 00 11 41 0000000000000000 00",    false},
    {"a text in a shape",                    "00 01 01 01 00000000 00 41 08 0000000000000000 00",    false},
    {"an absent value with a kind",          "00 01 01 01 00000000 00 15 08 0000000000000000 00",    false},
    {"a value without a kind",               "00 01 01 01 00000000 00 01 08 0000000000000000 00",    false},
    {"a quality that is none",               "00 01 01 01 00000000 00 10 08 0000000000000000 00",    false},
    {"more fields than there are bytes",     "00 01 01 01 00000000 00 11 08 0000000000000000 05 01",
     false                                                                                                },
    {"a reading whose fields are not there",
     "00 01 01 01 00000000 00 11 08 0000000000000000 00 01 02 02 02 02 11",                          true },
    {"a shape that was not told",
     "00 01 01 01 00000000 00 11 08 0000000000000000 01 02 02 02 02 02 11 2A",                       true },
    {"a frame that is none",
     "00 01 01 01 00000000 00 11 08 0000000000000000 01 41 02 02 02 02 11 00 2A",                    true },
    {"a kind of reading that is none",
     "00 01 01 01 00000000 00 11 08 0000000000000000 01 21 02 02 02 2A",                             true },
    {"fields that belong to no reading",
     "00 01 01 01 00000000 00 11 08 0000000000000000 02 01 02 02 02 02 11 2A 2A",                    true },
    {"bytes behind the last reading",
     "00 01 01 01 00000000 00 11 08 0000000000000000 01 01 02 02 02 02 11 00 2A",                    true },
};

/* Reads everything. Returns the first failure. */
static enum hyp_status read_all(struct hyp_log_reader *reader)
{
    struct hyp_log_reading reading;
    enum hyp_status status;
    while ((status = hyp_log_next(reader, &reading)) == HYP_OK) {
        for (uint32_t i = 0; i < reading.value_count; i++) {
            struct hyp_log_value value;
            status = hyp_log_next_value(reader, &value);
            if (status != HYP_OK) {
                return status;
            }
        }
    }
    return status == HYP_NOT_FOUND ? HYP_OK : status;
}

static size_t make_blob(const char *hex, uint8_t *out, size_t size)
{
    size_t len = test_hex(hex, out + 5, size - 5);
    out[0] = HYP_LOG_PACKED;
    struct hyp_buf crc;
    hyp_buf_init_fixed(&crc, out + 1, 4);
    hyp_buf_append_le32(&crc, hyp_crc32c_portable(out + 5, len));
    return len + 5;
}

static void what_does_not_hold_together_is_refused(void **state)
{
    const struct broken *row = *state;
    uint8_t blob[128];
    size_t len = make_blob(row->hex, blob, sizeof(blob));
    struct hyp_log_reader reader;
    enum hyp_status opened = hyp_log_open(&reader, blob, len);
    assert_int_equal(opened, row->opens ? HYP_OK : HYP_MALFORMED);
    if (opened == HYP_OK) {
        assert_int_equal(read_all(&reader), HYP_MALFORMED);
    }
}

/* The rows above, but for what is wrong with them. */
static void the_same_in_order_is_read(void **state)
{
    (void)state;
    uint8_t blob[128];
    size_t len = make_blob("00 01 01 01 00000000 00 11 08 0000000000000000"
                           " 01 01 02 02 02 02 11 2A",
                           blob, sizeof(blob));
    struct hyp_log_reader reader;
    assert_int_equal(hyp_log_open(&reader, blob, len), HYP_OK);
    struct hyp_log_reading reading;
    struct hyp_log_value value;
    assert_int_equal(hyp_log_next(&reader, &reading), HYP_OK);
    assert_int_equal(hyp_log_next_value(&reader, &value), HYP_OK);
    assert_int_equal(value.payload, 42);
    assert_int_equal(hyp_log_next_value(&reader, &value), HYP_MALFORMED);
    assert_int_equal(hyp_log_next(&reader, &reading), HYP_NOT_FOUND);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, bytes_are_as_drawn);
    TEST_ONE(&list, few_readings_are_not_packed);
    TEST_ONE(&list, any_batch_comes_back);
    TEST_ROWS(&list, broken, what_does_not_hold_together_is_refused);
    TEST_ONE(&list, the_same_in_order_is_read);
    return test_list_run(&list, "store-log-pack");
}
