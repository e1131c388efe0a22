/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "support/rows.h"

static void append_numbers(struct hyp_buf *buf)
{
    hyp_buf_append_u8(buf, 0xAB);
    hyp_buf_append_le16(buf, 0x0102);
    hyp_buf_append_le32(buf, 0x01020304);
    hyp_buf_append_le64(buf, 0x0102030405060708u);
    hyp_buf_append_be16(buf, 0x0102);
    hyp_buf_append_be32(buf, 0x01020304);
}

static void append_text(struct hyp_buf *buf)
{
    hyp_buf_append_text(buf, "a=");
    hyp_buf_append_i64(buf, INT64_MIN);
    hyp_buf_append_char(buf, ' ');
    hyp_buf_append_u64(buf, UINT64_MAX);
    hyp_buf_append_char(buf, ' ');
    hyp_buf_append_i64(buf, 0);
    hyp_buf_append_fmt(buf, " %s/%03d", "x", 7);
    hyp_buf_append_str(buf, HYP_STR("!"));
}

static void append_hex(struct hyp_buf *buf)
{
    hyp_buf_append_hex(buf, (const uint8_t[]){0x00, 0x9F, 0xFF}, 3);
    hyp_buf_append_hex(buf, NULL, 0);
}

static void append_varints(struct hyp_buf *buf)
{
    hyp_buf_append_varint(buf, 0);
    hyp_buf_append_varint(buf, 127);
    hyp_buf_append_varint(buf, 128);
    hyp_buf_append_varint(buf, UINT64_MAX);
    hyp_buf_append_svarint(buf, -1);
    hyp_buf_append_svarint(buf, 1);
    hyp_buf_append_svarint(buf, INT64_MIN);
}

struct build_row {
    const char *name;
    void (*build)(struct hyp_buf *buf);
    const char *expected;
    size_t len;
};

static const struct build_row build_rows[] = {
    {"numbers", append_numbers,
     "\xAB\x02\x01\x04\x03\x02\x01\x08\x07\x06\x05\x04\x03\x02\x01\x01\x02\x01\x02\x03\x04", 21},
    {"text",    append_text,    "a=-9223372036854775808 18446744073709551615 0 x/007!",      52},
    {"hex",     append_hex,     "009FFF",                                                    6 },
    {"varints", append_varints,
     "\x00\x7F\x80\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x01\x02"
     "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",                                             26},
};

static void check_build(void **state)
{
    const struct build_row *row = *state;
    struct hyp_buf heap;
    hyp_buf_init_heap(&heap, 1000);
    row->build(&heap);
    assert_int_equal(hyp_buf_status(&heap), HYP_OK);
    assert_int_equal(heap.len, row->len);
    assert_memory_equal(heap.data, row->expected, row->len);
    hyp_buf_finish(&heap);
}

/* Whatever the maximum, the content is a prefix of whole appends and the failure sticks. */
static void check_every_limit(void **state)
{
    const struct build_row *row = *state;
    for (size_t max = 1; max < row->len; max++) {
        struct hyp_buf heap;
        hyp_buf_init_heap(&heap, max);
        row->build(&heap);
        assert_int_equal(hyp_buf_status(&heap), HYP_LIMIT);
        assert_true(heap.len <= max);
        if (heap.len > 0) {
            assert_memory_equal(heap.data, row->expected, heap.len);
        }
        hyp_buf_finish(&heap);
        uint8_t memory[64];
        memset(memory, 0x5A, sizeof(memory));
        struct hyp_buf fixed;
        hyp_buf_init_fixed(&fixed, memory, max);
        row->build(&fixed);
        assert_int_equal(hyp_buf_status(&fixed), HYP_LIMIT);
        assert_int_equal(memory[max], 0x5A);
    }
}

static void failure_sticks_until_reset(void **state)
{
    (void)state;
    char memory[4];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, memory, sizeof(memory));
    hyp_buf_append_text(&buf, "abc");
    hyp_buf_append_text(&buf, "de");
    assert_int_equal(hyp_buf_status(&buf), HYP_LIMIT);
    hyp_buf_append_char(&buf, 'f');
    assert_int_equal(buf.len, 3);
    hyp_buf_reset(&buf);
    hyp_buf_append_text(&buf, "wxyz");
    assert_int_equal(hyp_buf_status(&buf), HYP_OK);
    assert_int_equal(buf.len, 4);
}

static void terminated_text_of_a_full_builder_loses_its_end(void **state)
{
    (void)state;
    char memory[4];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, memory, sizeof(memory));
    hyp_buf_append_text(&buf, "abcd");
    assert_string_equal(hyp_buf_terminate(&buf), "abc");
    struct hyp_buf empty;
    hyp_buf_init_heap(&empty, 10);
    assert_string_equal(hyp_buf_terminate(&empty), "");
    hyp_buf_finish(&empty);
}

static void formatted_text_is_cut_in_a_fixed_builder(void **state)
{
    (void)state;
    char memory[6];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, memory, sizeof(memory));
    hyp_buf_append_fmt(&buf, "%s", "abcdefgh");
    assert_int_equal(hyp_buf_status(&buf), HYP_LIMIT);
    assert_string_equal(hyp_buf_terminate(&buf), "abcde");
}

static void stolen_memory_is_the_callers(void **state)
{
    (void)state;
    struct hyp_buf buf;
    hyp_buf_init_heap(&buf, 100);
    hyp_buf_append_text(&buf, "hello");
    size_t len = 0;
    uint8_t *data = hyp_buf_steal(&buf, &len);
    assert_int_equal(len, 5);
    assert_memory_equal(data, "hello", 5);
    free(data);
    hyp_buf_append_text(&buf, "again");
    assert_int_equal(buf.len, 5);
    hyp_buf_finish(&buf);
    hyp_buf_finish(&buf);
}

static void grows_past_many_appends(void **state)
{
    (void)state;
    struct hyp_buf buf;
    hyp_buf_init_heap(&buf, 100000);
    for (int i = 0; i < 100000; i++) {
        hyp_buf_append_char(&buf, (char)('a' + i % 26));
    }
    assert_int_equal(hyp_buf_status(&buf), HYP_OK);
    assert_int_equal(buf.data[99999], 'a' + 99999 % 26);
    hyp_buf_append_char(&buf, 'x');
    assert_int_equal(hyp_buf_status(&buf), HYP_LIMIT);
    hyp_buf_finish(&buf);
}

static void copied_text_is_cut_and_terminated(void **state)
{
    (void)state;
    char out[4];
    assert_true(hyp_text_copy(out, sizeof(out), HYP_STR("abc")));
    assert_string_equal(out, "abc");
    assert_false(hyp_text_copy(out, sizeof(out), HYP_STR("abcd")));
    assert_string_equal(out, "abc");
    assert_true(hyp_text_copy(out, sizeof(out), (struct hyp_str){0}));
    assert_string_equal(out, "");
}

static void room_is_taken_as_far_as_it_was_filled(void **state)
{
    (void)state;
    uint8_t memory[4];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, memory, sizeof(memory));
    uint8_t *room = hyp_buf_room(&buf, 4);
    assert_non_null(room);
    memcpy(room, "ab", 2);
    hyp_buf_take(&buf, 2);
    assert_int_equal(buf.len, 2);
    assert_null(hyp_buf_room(&buf, 3));
    assert_int_equal(hyp_buf_status(&buf), HYP_LIMIT);
    assert_int_equal(buf.len, 2);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, build_rows, check_build);
    TEST_ROWS(&list, build_rows, check_every_limit);
    TEST_ONE(&list, failure_sticks_until_reset);
    TEST_ONE(&list, terminated_text_of_a_full_builder_loses_its_end);
    TEST_ONE(&list, formatted_text_is_cut_in_a_fixed_builder);
    TEST_ONE(&list, stolen_memory_is_the_callers);
    TEST_ONE(&list, grows_past_many_appends);
    TEST_ONE(&list, copied_text_is_cut_and_terminated);
    TEST_ONE(&list, room_is_taken_as_far_as_it_was_filled);
    return test_list_run(&list, "buf");
}
