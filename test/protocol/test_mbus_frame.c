/* SPDX-License-Identifier: Apache-2.0 */
/* Link layer frames, and the receiver under every cut of the stream. */
#include "support/hex.h"

#include "base/buf.h"
#include "protocol/mbus/frame.h"

static const struct parse_row {
    const char *name;
    const char *hex;
    enum hyp_status status;
    int64_t offset; /* of the error */
    enum hyp_mbus_frame_kind kind;
    uint8_t c;
    uint8_t a;
    uint8_t ci;
    size_t len;
    size_t data_len;
} parse_rows[] = {
  /* clang-format off */
    {"acknowledgement", "E5", HYP_OK, 0, HYP_MBUS_FRAME_ACK, 0, 0, 0, 1, 0},
    {"short frame", "10 7B 05 80 16", HYP_OK, 0, HYP_MBUS_FRAME_SHORT, 0x7B, 5, 0, 5, 0},
    {"control frame: set 9600 baud", "68 03 03 68 53 01 BD 11 16", HYP_OK, 0, HYP_MBUS_FRAME_CONTROL, 0x53, 1, 0xBD, 9, 0},
    {"select", "68 0B 0B 68 53 FD 52 78 56 34 12 FF FF FF FF B2 16", HYP_OK, 0, HYP_MBUS_FRAME_LONG, 0x53, 0xFD, 0x52, 17, 8},
    {"bytes behind the frame are left", "10 7B 05 80 16 E5", HYP_OK, 0, HYP_MBUS_FRAME_SHORT, 0x7B, 5, 0, 5, 0},
    {"nothing", "", HYP_NEED_MORE, 0, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
    {"noise", "FF", HYP_MALFORMED, 0, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
    {"short frame cut", "10 7B 05", HYP_NEED_MORE, 3, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
    {"short frame checksum", "10 7B 05 81 16", HYP_BAD_CHECK, 3, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
    {"short frame stop", "10 7B 05 80 17", HYP_MALFORMED, 4, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
    {"head cut", "68 0B", HYP_NEED_MORE, 2, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
    {"length too short", "68 02", HYP_MALFORMED, 1, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
    {"lengths differ", "68 0B 0C 68", HYP_MALFORMED, 2, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
    {"second start byte", "68 0B 0B 69", HYP_MALFORMED, 3, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
    {"long frame cut", "68 0B 0B 68 53 FD 52 78", HYP_NEED_MORE, 8, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
    {"long frame checksum", "68 04 04 68 08 01 70 00 78 16", HYP_BAD_CHECK, 8, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
    {"long frame stop", "68 04 04 68 08 01 70 00 79 61", HYP_MALFORMED, 9, HYP_MBUS_FRAME_UNSET, 0, 0, 0, 0, 0},
  /* clang-format on */
};

static void check_parse(void **state)
{
    const struct parse_row *row = *state;
    uint8_t bytes[HYP_MBUS_FRAME_MAX];
    struct hyp_mbus_frame frame = {.kind = HYP_MBUS_FRAME_UNSET};
    struct hyp_error err = {.offset = 0};
    size_t len = test_hex(row->hex, bytes, sizeof(bytes));
    assert_int_equal(hyp_mbus_frame_parse(bytes, len, &frame, &err), row->status);
    assert_int_equal(frame.kind, row->kind);
    if (row->status != HYP_OK) {
        assert_int_equal(err.offset, row->offset);
        assert_true(err.text[0] != '\0');
        return;
    }
    assert_int_equal(frame.c, row->c);
    assert_int_equal(frame.a, row->a);
    assert_int_equal(frame.ci, row->ci);
    assert_int_equal(frame.len, row->len);
    assert_int_equal(frame.data_len, row->data_len);
    assert_int_equal(hyp_mbus_frame_is_request(&frame), row->kind != HYP_MBUS_FRAME_ACK);
}

static void check_encode(void **state)
{
    (void)state;
    const uint8_t select[] = {0x78, 0x56, 0x34, 0x12, 0xFF, 0xFF, 0xFF, 0xFF};
    uint8_t expected[HYP_MBUS_FRAME_MAX];
    uint8_t out[HYP_MBUS_FRAME_MAX];
    size_t len = test_hex("68 0B 0B 68 53 FD 52 78 56 34 12 FF FF FF FF B2 16", expected,
                          sizeof(expected));
    assert_int_equal(hyp_mbus_frame_encode_long(0x53, 0xFD, 0x52, select, sizeof(select), out),
                     len);
    assert_memory_equal(out, expected, len);
    assert_int_equal(hyp_mbus_frame_encode_long(0x53, 1, 0xBD, NULL, 0, out), 9);
    len = test_hex("68 03 03 68 53 01 BD 11 16", expected, sizeof(expected));
    assert_memory_equal(out, expected, len);
    assert_int_equal(hyp_mbus_frame_encode_short(0x40, 0xFD, out), 5);
    len = test_hex("10 40 FD 3D 16", expected, sizeof(expected));
    assert_memory_equal(out, expected, len);
}

static void check_longest(void **state)
{
    (void)state;
    uint8_t data[HYP_MBUS_USER_DATA_MAX];
    uint8_t out[HYP_MBUS_FRAME_MAX];
    struct hyp_mbus_frame frame;
    memset(data, 0x68, sizeof(data));
    assert_int_equal(hyp_mbus_frame_encode_long(0x08, 1, 0x72, data, sizeof(data), out),
                     HYP_MBUS_FRAME_MAX);
    assert_int_equal(hyp_mbus_frame_parse(out, sizeof(out), &frame, NULL), HYP_OK);
    assert_int_equal(frame.data_len, HYP_MBUS_USER_DATA_MAX);
    assert_memory_equal(frame.data, data, sizeof(data));
}

/* --- receiver --- */

static const struct stream_row {
    const char *name;
    const char *hex;
    const char *expected; /* frames as hex, one per line; then skipped and broken */
} stream_rows[] = {
  /* clang-format off */
    {"frames back to back", "E5 10 7B 05 80 16 68 04 04 68 08 01 70 00 79 16 E5",
     "E5\n107B058016\n680404680801700079" "16\nE5\n0 0\n"},
    {"noise before and between", "00 FF E5 AA 10 7B 05 80 16", "E5\n107B058016\n3 0\n"},
    {"a start byte too many", "68 68 04 04 68 08 01 70 00 79 16", "680404680801700079" "16\n1 0\n"},
    {"a frame within a broken frame", "68 0B 0B 68 53 68 04 04 68 08 01 70 00 79 16 00 00", "680404680801700079" "16\n7 1\n"},
    {"broken checksum, then a good copy", "68 04 04 68 08 01 70 00 78 16 68 04 04 68 08 01 70 00 79 16", "680404680801700079" "16\n10 1\n"},
    {"a cut frame swallows nothing once the line is quiet", "68 0B 0B 68 10 7B 05 80 16", "107B058016\n4 0\n"},
    {"a short frame's start inside noise", "10 10 7B 05 80 16", "107B058016\n1 1\n"},
    {"only noise", "00 01 02 03 16 16", "6 0\n"},
    {"E5 after a cut frame", "68 04 04 68 E5", "E5\n4 0\n"},
  /* clang-format on */
};

static void take_all(struct hyp_mbus_receiver *receiver, struct hyp_buf *out)
{
    struct hyp_mbus_frame frame;
    while (hyp_mbus_receiver_next(receiver, &frame) == HYP_OK) {
        hyp_buf_append_hex(out, frame.bytes, frame.len);
        hyp_buf_append_char(out, '\n');
    }
}

static void feed_all(struct hyp_mbus_receiver *receiver, const uint8_t *bytes, size_t len,
                     struct hyp_buf *out)
{
    while (len > 0) {
        size_t taken = hyp_mbus_receiver_feed(receiver, bytes, len);
        bytes += taken;
        len -= taken;
        take_all(receiver, out);
    }
}

/* Feeds the bytes in two parts, cut at `cut`; the whole when cut is 0. */
static void receive(const uint8_t *bytes, size_t len, size_t cut, struct hyp_buf *out)
{
    struct hyp_mbus_receiver receiver;
    hyp_mbus_receiver_init(&receiver);
    feed_all(&receiver, bytes, cut, out);
    feed_all(&receiver, bytes + cut, len - cut, out);
    hyp_mbus_receiver_idle(&receiver);
    take_all(&receiver, out);
    hyp_buf_append_fmt(out, "%zu %zu\n", receiver.skipped, receiver.broken);
}

static void check_stream(void **state)
{
    const struct stream_row *row = *state;
    uint8_t bytes[64];
    char text[512];
    struct hyp_buf out;
    size_t len = test_hex(row->hex, bytes, sizeof(bytes));
    for (size_t cut = 0; cut <= len; cut++) {
        hyp_buf_init_fixed(&out, text, sizeof(text));
        receive(bytes, len, cut, &out);
        assert_string_equal(hyp_buf_terminate(&out), row->expected);
    }
    struct hyp_mbus_receiver receiver;
    hyp_mbus_receiver_init(&receiver);
    hyp_buf_init_fixed(&out, text, sizeof(text));
    for (size_t i = 0; i < len; i++) {
        feed_all(&receiver, &bytes[i], 1, &out);
    }
    hyp_mbus_receiver_idle(&receiver);
    take_all(&receiver, &out);
    hyp_buf_append_fmt(&out, "%zu %zu\n", receiver.skipped, receiver.broken);
    assert_string_equal(hyp_buf_terminate(&out), row->expected);
}

/* More bytes than the buffer holds, in one call and joined. */
static void check_long_stream(void **state)
{
    (void)state;
    static uint8_t stream[40 * HYP_MBUS_FRAME_MAX];
    uint8_t data[HYP_MBUS_USER_DATA_MAX] = {0};
    struct hyp_mbus_receiver receiver;
    struct hyp_mbus_frame frame;
    size_t len = 0;
    size_t found = 0;
    while (len + HYP_MBUS_FRAME_MAX <= sizeof(stream)) {
        len += hyp_mbus_frame_encode_long(0x08, 1, 0x72, data, sizeof(data), stream + len);
    }
    hyp_mbus_receiver_init(&receiver);
    for (size_t at = 0; at < len;) {
        size_t taken = hyp_mbus_receiver_feed(&receiver, stream + at, len - at);
        assert_true(taken > 0);
        at += taken;
        while (hyp_mbus_receiver_next(&receiver, &frame) == HYP_OK) {
            found++;
        }
    }
    assert_int_equal(found, 40);
    assert_int_equal(receiver.skipped, 0);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, parse_rows, check_parse);
    TEST_ONE(&list, check_encode);
    TEST_ONE(&list, check_longest);
    TEST_ROWS(&list, stream_rows, check_stream);
    TEST_ONE(&list, check_long_stream);
    return test_list_run(&list, "mbus_frame");
}
