/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log's bytes: as drawn in store/log.h, the same in and out, damage noticed.
 */
#include "support/hex.h"

#include "base/rng.h"
#include "model/reading.h"
#include "store/crc32c.h"
#include "store/log.h"

/* --- checksum --- */

/* RFC 3720, appendix B.4, and the check value of the CRC catalogue. */
static const struct crc_row {
    const char *name;
    const char *hex;
    uint32_t crc;
} crcs[] = {
    {"32 bytes of zeros",     "0000000000000000000000000000000000000000000000000000000000000000",
     0x8A9136AA                                                                                             },
    {"32 bytes of ones",      "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
     0x62A8AB43                                                                                             },
    {"32 incrementing bytes",
     "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",                          0x46DD794E},
    {"123456789",             "313233343536373839",                                               0xE3069283},
};

static void crc_is_castagnoli(void **state)
{
    const struct crc_row *row = *state;
    uint8_t bytes[64];
    size_t len = test_hex(row->hex, bytes, sizeof(bytes));
    assert_int_equal(hyp_crc32c(bytes, len), row->crc);
    assert_int_equal(hyp_crc32c_portable(bytes, len), row->crc);
}

static void both_ways_of_the_crc_agree(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 1);
    uint8_t bytes[100];
    hyp_rng_fill(&seeded.rng, bytes, sizeof(bytes));
    for (size_t from = 0; from < 8; from++) {
        for (size_t len = 0; from + len <= sizeof(bytes); len++) {
            assert_int_equal(hyp_crc32c(bytes + from, len),
                             hyp_crc32c_portable(bytes + from, len));
        }
    }
}

/* --- golden bytes --- */

struct test_values {
    struct hyp_log_reading reading;
    struct hyp_log_value values[8];
};

static const struct golden {
    const char *name;
    const char *hex; /* after version and checksum */
    int64_t frame_row;
    struct test_values reading;
} goldens[] = {
    {"a batch without values",
     "00 01  02 02 00 11 00 00",                                                 0,
     {{.device = 1, .time = 1, .receive = 1, .kind = 1, .source = 1, .value_count = 0}, {{0}}}},
    {"good decimals of points that follow each other",
     "00 01  0E D00F 0A 11 00 02  01 AE01  03 09",                               0,
     {{.device = 7, .time = 1000, .receive = 1005, .kind = 1, .source = 1, .value_count = 2},
      {{.point = 1,
        .quality = HYP_QUALITY_GOOD,
        .kind = HYP_VALUE_DECIMAL,
        .exp10 = -1,
        .payload = 87},
       {.point = 2,
        .quality = HYP_QUALITY_GOOD,
        .kind = HYP_VALUE_DECIMAL,
        .exp10 = -3,
        .payload = -5}}}                                                                      },
    {"a frame, a far point and an absent value",
     "09 01  02 00 00 21 04 02  70 A01F 02  F5 CF0F",                            9,
     {{.device = 1, .kind = 2, .source = 1, .frame = 4, .value_count = 2},
      {{.point = 2000, .quality = HYP_QUALITY_GOOD, .kind = HYP_VALUE_DECIMAL, .payload = 1},
       {.point = 1000, .quality = HYP_QUALITY_NO_VALUE}}}                                     },
    {"other kinds",
     "00 01  02 00 00 15 00 04  82 01 02 18  81 02 06  81 03 04  81 04 02 4F4B", 0,
     {{.device = 1, .kind = 1, .source = 5, .value_count = 4},
      {{.point = 1,
        .quality = HYP_QUALITY_DOUBTFUL,
        .kind = HYP_VALUE_DECIMAL,
        .exp10 = 2,
        .payload = 12},
       {.point = 2, .quality = HYP_QUALITY_GOOD, .kind = HYP_VALUE_CIVIL, .payload = 3},
       {.point = 3, .quality = HYP_QUALITY_GOOD, .kind = HYP_VALUE_FLAGS, .payload = 4},
       {.point = 4,
        .quality = HYP_QUALITY_GOOD,
        .kind = HYP_VALUE_TEXT,
        .text = {.ptr = "OK", .len = 2}}}}                                                    },
};

static void write_reading(struct hyp_log_writer *writer, const struct test_values *reading)
{
    hyp_log_reading(writer, &reading->reading);
    for (uint32_t i = 0; i < reading->reading.value_count; i++) {
        hyp_log_value(writer, &reading->values[i]);
    }
}

static void same_value(const struct hyp_log_value *a, const struct hyp_log_value *b)
{
    assert_int_equal(a->point, b->point);
    assert_int_equal(a->quality, b->quality);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->exp10, b->exp10);
    assert_int_equal(a->payload, b->payload);
    assert_true(hyp_str_equal(a->text, b->text));
}

static void read_reading(struct hyp_log_reader *reader, const struct test_values *expected)
{
    struct hyp_log_reading reading;
    assert_int_equal(hyp_log_next(reader, &reading), HYP_OK);
    assert_int_equal(reading.device, expected->reading.device);
    assert_int_equal(reading.time, expected->reading.time);
    assert_int_equal(reading.receive, expected->reading.receive);
    assert_int_equal(reading.kind, expected->reading.kind);
    assert_int_equal(reading.source, expected->reading.source);
    assert_int_equal(reading.frame, expected->reading.frame);
    assert_int_equal(reading.value_count, expected->reading.value_count);
    for (uint32_t i = 0; i < reading.value_count; i++) {
        struct hyp_log_value value;
        assert_int_equal(hyp_log_next_value(reader, &value), HYP_OK);
        same_value(&value, &expected->values[i]);
    }
}

static void bytes_are_as_drawn(void **state)
{
    const struct golden *row = *state;
    struct hyp_buf out;
    hyp_buf_init_heap(&out, 4096);
    struct hyp_log_writer writer;
    hyp_log_begin(&writer, &out, row->frame_row, 1);
    write_reading(&writer, &row->reading);
    assert_int_equal(hyp_log_end(&writer), HYP_OK);
    uint8_t expected[256];
    size_t len = test_hex(row->hex, expected, sizeof(expected));
    assert_int_equal(out.len, len + 5);
    assert_memory_equal(out.data + 5, expected, len);
    assert_int_equal(out.data[0], 1);
    struct hyp_bytes crc = hyp_bytes_from(out.data + 1, 4);
    assert_int_equal(hyp_bytes_le32(&crc), hyp_crc32c_portable(expected, len));
    struct hyp_log_reader reader;
    assert_int_equal(hyp_log_open(&reader, out.data, out.len), HYP_OK);
    assert_int_equal(reader.frame_row, row->frame_row);
    read_reading(&reader, &row->reading);
    struct hyp_log_reading none;
    assert_int_equal(hyp_log_next(&reader, &none), HYP_NOT_FOUND);
    hyp_buf_finish(&out);
}

/* --- random batches --- */

static int64_t any_number(struct hyp_rng *rng)
{
    uint64_t bits;
    hyp_rng_fill(rng, (uint8_t *)&bits, sizeof(bits));
    return (int64_t)(bits >> hyp_rng_below(rng, 64));
}

static struct hyp_log_value any_value(struct hyp_rng *rng)
{
    static const char letters[] = "abcdefgh";
    struct hyp_log_value value = {.point = any_number(rng),
                                  .quality =
                                      (uint8_t)(1 + hyp_rng_below(rng, HYP_QUALITY_LAST))};
    if (!hyp_quality_is_usable((enum hyp_quality)value.quality)) {
        return value;
    }
    value.kind = (uint8_t)(1 + hyp_rng_below(rng, HYP_VALUE_TEXT));
    if (value.kind == HYP_VALUE_DECIMAL) {
        value.exp10 = (int8_t)hyp_rng_below(rng, 256);
    }
    if (value.kind == HYP_VALUE_TEXT) {
        value.text = (struct hyp_str){.ptr = letters, .len = (size_t)hyp_rng_below(rng, 8)};
    } else {
        value.payload = any_number(rng);
    }
    return value;
}

static struct test_values any_reading(struct hyp_rng *rng)
{
    struct test_values out = {
        .reading = {.device = any_number(rng),
                    .time = any_number(rng),
                    .receive = any_number(rng),
                    .kind = (uint8_t)(1 + hyp_rng_below(rng, HYP_READING_EVENT)),
                    .source = (uint8_t)(1 + hyp_rng_below(rng, HYP_SOURCE_PUSH)),
                    .frame = (uint32_t)hyp_rng_below(rng, 4096),
                    .value_count = (uint32_t)hyp_rng_below(rng, 9)}
    };
    for (uint32_t i = 0; i < out.reading.value_count; i++) {
        out.values[i] = any_value(rng);
    }
    return out;
}

static void any_batch_comes_back(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 7);
    static struct test_values readings[50];
    struct hyp_buf out;
    hyp_buf_init_heap(&out, 1u << 20);
    for (int round = 0; round < 100; round++) {
        hyp_buf_reset(&out);
        struct hyp_log_writer writer;
        size_t count = (size_t)hyp_rng_below(&seeded.rng, 50);
        hyp_log_begin(&writer, &out, round, count);
        for (size_t i = 0; i < count; i++) {
            readings[i] = any_reading(&seeded.rng);
            write_reading(&writer, &readings[i]);
        }
        assert_int_equal(hyp_log_end(&writer), HYP_OK);
        struct hyp_log_reader reader;
        assert_int_equal(hyp_log_open(&reader, out.data, out.len), HYP_OK);
        for (size_t i = 0; i < count; i++) {
            read_reading(&reader, &readings[i]);
        }
        struct hyp_log_reading none;
        assert_int_equal(hyp_log_next(&reader, &none), HYP_NOT_FOUND);
    }
    hyp_buf_finish(&out);
}

/* --- damage --- */

static void every_changed_bit_is_noticed(void **state)
{
    (void)state;
    struct hyp_buf out;
    hyp_buf_init_heap(&out, 4096);
    struct hyp_log_writer writer;
    hyp_log_begin(&writer, &out, 0, 1);
    write_reading(&writer, &goldens[3].reading);
    assert_int_equal(hyp_log_end(&writer), HYP_OK);
    struct hyp_log_reader reader;
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(hyp_log_open(&reader, out.data, out.len),
                         bit < 8 ? HYP_UNSUPPORTED : HYP_BAD_CHECK);
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < out.len; len++) {
        assert_int_equal(hyp_log_open(&reader, out.data, len),
                         len < 5 ? HYP_MALFORMED : HYP_BAD_CHECK);
    }
    hyp_buf_finish(&out);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, crcs, crc_is_castagnoli);
    TEST_ONE(&list, both_ways_of_the_crc_agree);
    TEST_ROWS(&list, goldens, bytes_are_as_drawn);
    TEST_ONE(&list, any_batch_comes_back);
    TEST_ONE(&list, every_changed_bit_is_noticed);
    return test_list_run(&list, "store-log");
}
