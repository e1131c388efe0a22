/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/bytes.h"

#include "support/rows.h"

static const uint8_t sample[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static uint64_t read_u8(struct hyp_bytes *b)
{
    return hyp_bytes_u8(b);
}
static uint64_t read_le16(struct hyp_bytes *b)
{
    return hyp_bytes_le16(b);
}
static uint64_t read_le24(struct hyp_bytes *b)
{
    return hyp_bytes_le24(b);
}
static uint64_t read_le32(struct hyp_bytes *b)
{
    return hyp_bytes_le32(b);
}
static uint64_t read_le48(struct hyp_bytes *b)
{
    return hyp_bytes_le48(b);
}
static uint64_t read_le64(struct hyp_bytes *b)
{
    return hyp_bytes_le64(b);
}
static uint64_t read_be16(struct hyp_bytes *b)
{
    return hyp_bytes_be16(b);
}
static uint64_t read_be32(struct hyp_bytes *b)
{
    return hyp_bytes_be32(b);
}
static uint64_t read_be64(struct hyp_bytes *b)
{
    return hyp_bytes_be64(b);
}

struct read_row {
    const char *name;
    uint64_t (*read)(struct hyp_bytes *bytes);
    size_t width;
    uint64_t value;
};

static const struct read_row read_rows[] = {
    {"u8",   read_u8,   1, 0x01              },
    {"le16", read_le16, 2, 0x0201            },
    {"le24", read_le24, 3, 0x030201          },
    {"le32", read_le32, 4, 0x04030201        },
    {"le48", read_le48, 6, 0x060504030201    },
    {"le64", read_le64, 8, 0x0807060504030201},
    {"be16", read_be16, 2, 0x0102            },
    {"be32", read_be32, 4, 0x01020304        },
    {"be64", read_be64, 8, 0x0102030405060708},
};

static void check_read(void **state)
{
    const struct read_row *row = *state;
    struct hyp_bytes bytes = hyp_bytes_from(sample, sizeof(sample));
    assert_true(row->read(&bytes) == row->value);
    assert_int_equal(bytes.pos, row->width);
    assert_false(hyp_bytes_failed(&bytes));
    struct hyp_bytes exact = hyp_bytes_from(sample, row->width);
    assert_true(row->read(&exact) == row->value);
    assert_int_equal(hyp_bytes_left(&exact), 0);
}

static void check_over_read(void **state)
{
    const struct read_row *row = *state;
    for (size_t len = 0; len < row->width; len++) {
        struct hyp_bytes bytes = hyp_bytes_from(sample, len);
        assert_true(row->read(&bytes) == 0);
        assert_true(hyp_bytes_failed(&bytes));
        assert_int_equal(hyp_bytes_left(&bytes), 0);
        assert_int_equal(hyp_bytes_u8(&bytes), 0);
        assert_int_equal(hyp_bytes_peek(&bytes), -1);
    }
}

struct varint_row {
    const char *name;
    const char *bytes;
    size_t len;
    bool ok;
    uint64_t value;
};

static const struct varint_row varint_rows[] = {
    {"zero",          "\x00",                                         1,  true,  0         },
    {"two bytes",     "\x80\x01",                                     2,  true,  128       },
    {"largest",       "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",     10, true,  UINT64_MAX},
    {"cut",           "\x80",                                         1,  false, 0         },
    {"empty",         "",                                             0,  false, 0         },
    {"above 64 bits", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02",     10, false, 0         },
    {"eleven bytes",  "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, false, 0         },
};

static void check_varint(void **state)
{
    const struct varint_row *row = *state;
    struct hyp_bytes bytes = hyp_bytes_from((const uint8_t *)row->bytes, row->len);
    uint64_t value = hyp_bytes_varint(&bytes);
    assert_int_equal(!hyp_bytes_failed(&bytes), row->ok);
    assert_true(value == row->value);
}

static void varints_read_back(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0,   1,   -1,      63,        64,
                                      -64, -65, 1 << 20, INT64_MAX, INT64_MIN};
    struct hyp_buf buf;
    hyp_buf_init_heap(&buf, 1000);
    for (size_t i = 0; i < HYP_ARRAY_LEN(numbers); i++) {
        hyp_buf_append_svarint(&buf, numbers[i]);
        hyp_buf_append_varint(&buf, (uint64_t)numbers[i]);
    }
    struct hyp_bytes bytes = hyp_bytes_from(buf.data, buf.len);
    for (size_t i = 0; i < HYP_ARRAY_LEN(numbers); i++) {
        assert_true(hyp_bytes_svarint(&bytes) == numbers[i]);
        assert_true(hyp_bytes_varint(&bytes) == (uint64_t)numbers[i]);
    }
    assert_int_equal(hyp_bytes_left(&bytes), 0);
    assert_false(hyp_bytes_failed(&bytes));
    hyp_buf_finish(&buf);
}

static void slice_is_consumed_and_bounded(void **state)
{
    (void)state;
    struct hyp_bytes bytes = hyp_bytes_from(sample, sizeof(sample));
    hyp_bytes_skip(&bytes, 2);
    struct hyp_bytes part = hyp_bytes_slice(&bytes, 3);
    assert_int_equal(hyp_bytes_peek(&bytes), 6);
    assert_int_equal(hyp_bytes_le24(&part), 0x050403);
    assert_int_equal(hyp_bytes_u8(&part), 0);
    assert_true(hyp_bytes_failed(&part));
    assert_false(hyp_bytes_failed(&bytes));
    struct hyp_bytes too_long = hyp_bytes_slice(&bytes, 6);
    assert_true(hyp_bytes_failed(&bytes));
    assert_true(hyp_bytes_failed(&too_long));
    assert_int_equal(hyp_bytes_left(&too_long), 0);
}

static void huge_counts_do_not_wrap(void **state)
{
    (void)state;
    struct hyp_bytes bytes = hyp_bytes_from(sample, sizeof(sample));
    hyp_bytes_skip(&bytes, 4);
    assert_null(hyp_bytes_take(&bytes, SIZE_MAX));
    assert_true(hyp_bytes_failed(&bytes));
    struct hyp_bytes other = hyp_bytes_from(sample, sizeof(sample));
    hyp_bytes_skip(&other, 4);
    hyp_bytes_skip(&other, SIZE_MAX - 3);
    assert_true(hyp_bytes_failed(&other));
}

static void empty_reader(void **state)
{
    (void)state;
    struct hyp_bytes bytes = hyp_bytes_from(NULL, 0);
    assert_int_equal(hyp_bytes_peek(&bytes), -1);
    assert_int_equal(hyp_bytes_left(&bytes), 0);
    assert_false(hyp_bytes_failed(&bytes));
    assert_int_equal(hyp_bytes_u8(&bytes), 0);
    assert_true(hyp_bytes_failed(&bytes));
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, read_rows, check_read);
    TEST_ROWS(&list, read_rows, check_over_read);
    TEST_ROWS(&list, varint_rows, check_varint);
    TEST_ONE(&list, varints_read_back);
    TEST_ONE(&list, slice_is_consumed_and_bounded);
    TEST_ONE(&list, huge_counts_do_not_wrap);
    TEST_ONE(&list, empty_reader);
    return test_list_run(&list, "bytes");
}
