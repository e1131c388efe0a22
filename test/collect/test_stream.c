/* SPDX-License-Identifier: Apache-2.0 */
/* Telegrams in streams: whole, byte by byte and cut anywhere give the same. */
#include "collect/stream.h"

#include "support/hex.h"

/* A plain OMS water meter telegram (44 .. 7A, mode 0) and the same with CRCs of format A. */
#define PLAIN "1E44AE4C9956341268077A550000000413D22B0000426C5F2C02FD17000003"
#define WIRED "680F0F680805720000000000000000000000007F16"

struct stream_row {
    const char *name;
    const char *hex; /* what arrives */
    const char *telegrams[4];
    size_t skipped; /* at least */
};

static const struct stream_row stream_rows[] = {
    {"raw",                                    PLAIN,              {PLAIN},        0},
    {"raw, twice",                             PLAIN PLAIN,        {PLAIN, PLAIN}, 0},
    {"raw after noise",                        "000102" PLAIN,     {PLAIN},        3},
    {"raw with a receiver's byte behind each", PLAIN "A5" PLAIN,   {PLAIN, PLAIN}, 1},
    {"wired",                                  WIRED,              {WIRED},        0},
    {"wired and raw",                          WIRED PLAIN,        {WIRED, PLAIN}, 0},
    {"acknowledge first",                      "E5" WIRED,         {WIRED},        1},
    {"empty lines",                            "0D0A0D0A",         {NULL},         0},
    {"a comment",                              "232068656C6C6F0A", {NULL},         0},
};

static size_t pieces_of(const uint8_t *bytes, size_t len, size_t step, char *out, size_t size,
                        uint64_t *ret_skipped)
{
    struct hyp_stream stream;
    struct hyp_buf text;
    size_t count = 0;
    hyp_stream_init(&stream, HYP_RECEIVER_AUTO);
    hyp_buf_init_fixed(&text, out, size);
    for (size_t at = 0; at < len; at += step) {
        struct hyp_piece piece;
        hyp_stream_feed(&stream, bytes + at, HYP_MIN(step, len - at));
        while (hyp_stream_next(&stream, false, &piece)) {
            hyp_buf_append_hex(&text, piece.bytes, piece.len);
            hyp_buf_append_char(&text, '\n');
            count++;
        }
    }
    hyp_buf_terminate(&text);
    *ret_skipped = stream.skipped;
    hyp_stream_finish(&stream);
    return count;
}

static void check_bytes(const char *name, const uint8_t *bytes, size_t len,
                        const char *const *telegrams, size_t skipped)
{
    char expected[4096];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, expected, sizeof(expected));
    for (size_t i = 0; i < 4 && telegrams[i] != NULL; i++) {
        hyp_buf_append_fmt(&text, "%s\n", telegrams[i]);
    }
    hyp_buf_terminate(&text);
    for (size_t step = 1; step <= len; step++) {
        char found[4096];
        uint64_t lost = 0;
        pieces_of(bytes, len, step, found, sizeof(found), &lost);
        if (strcmp(found, expected) != 0) {
            fail_msg("%s in steps of %zu:\n%s\ninstead of\n%s", name, step, found, expected);
        }
        assert_true(lost >= skipped);
    }
}

static void check_stream(void **state)
{
    const struct stream_row *row = *state;
    uint8_t bytes[1024];
    size_t len = test_hex(row->hex, bytes, sizeof(bytes));
    check_bytes(row->name, bytes, len, row->telegrams, row->skipped);
}

struct text_row {
    const char *name;
    const char *text;
    const char *telegrams[4];
    size_t skipped;
};

static const struct text_row text_rows[] = {
    {"hex lines",             PLAIN "\n" PLAIN "\r\n",                                         {PLAIN, PLAIN}, 0},
    {"small letters",
     "1e44ae4c9956341268077a550000000413d22b0000426c5f2c02fd17000003\n",                       {PLAIN},
     0                                                                                                          },
    {"between bars",
     "telegram=|1E44AE4C9956341268077A55000000_0413D22B0000426C5F2C02FD17000003|\n",           {PLAIN},
     0                                                                                                          },
    {"rtl_wmbus",             "T1;1;1;2019-02-09 07:14:18.000;117;102;12345699;0x" PLAIN "\n", {PLAIN},        0},
    {"rtl_wmbus, bad CRC",
     "T1;0;1;2019-02-09 07:14:18.000;117;102;12345699;0x" PLAIN "\n",
     {NULL},
     1                                                                                                          },
    {"rtl_wmbus, bad 3 of 6",
     "T1;1;0;2019-02-09 07:14:18.000;117;102;12345699;0x" PLAIN "\n",
     {NULL},
     1                                                                                                          },
    {"CUL",                   "b" PLAIN "\n",                                                  {PLAIN},        0},
    {"CUL mode C",            "bY" PLAIN "\n",                                                 {PLAIN},        0},
    {"JSON",                  "{\"model\":\"Wireless-MBus\",\"data\":\"" PLAIN "\"}\n",        {PLAIN},        0},
    {"JSON with others",      "{\"data\": 5, \"telegram\" : \"" PLAIN "\"}\n",                 {PLAIN},        0},
    {"JSON without",          "{\"data\":\"hello\"}\n",                                        {NULL},         1},
    {"greeting",              "IMEI:356612024123456\r\n" PLAIN "\n",                           {PLAIN},        1},
    {"odd digits",            "1E44AE4C995634126\n" PLAIN "\n",                                {PLAIN},        1},
    {"comment between",       PLAIN "\n# note\n" PLAIN "\n",                                   {PLAIN, PLAIN}, 0},
    {"too short",             "1E44\n",                                                        {NULL},         1},
};

static void check_text(void **state)
{
    const struct text_row *row = *state;
    check_bytes(row->name, (const uint8_t *)row->text, strlen(row->text), row->telegrams,
                row->skipped);
}

static void whole_messages_need_no_end(void **state)
{
    (void)state;
    static const char *const messages[] = {PLAIN, "telegram=|" PLAIN "|", "  " PLAIN "  ",
                                           "{\"hex\":\"" PLAIN "\",\"rssi\":-71}"};
    for (size_t i = 0; i < HYP_ARRAY_LEN(messages); i++) {
        struct hyp_stream stream;
        struct hyp_piece piece;
        hyp_stream_init(&stream, HYP_RECEIVER_AUTO);
        hyp_stream_feed(&stream, (const uint8_t *)messages[i], strlen(messages[i]));
        assert_true(hyp_stream_next(&stream, true, &piece));
        assert_int_equal(piece.len, sizeof(PLAIN) / 2);
        assert_int_equal(piece.protocol, HYP_RAW_WMBUS);
        assert_int_equal(piece.signal_dbm, i == 3 ? -71 : 0);
        assert_false(hyp_stream_next(&stream, true, &piece));
        hyp_stream_finish(&stream);
    }
}

static void a_binary_message_keeps_the_receivers_bytes(void **state)
{
    (void)state;
    uint8_t bytes[64];
    size_t len = test_hex(PLAIN "8005", bytes, sizeof(bytes));
    struct hyp_stream stream;
    struct hyp_piece piece;
    hyp_stream_init(&stream, HYP_RECEIVER_AUTO);
    hyp_stream_feed(&stream, bytes, len);
    assert_true(hyp_stream_next(&stream, true, &piece));
    assert_int_equal(piece.len, len);
    hyp_stream_finish(&stream);
}

static void half_a_message_is_none(void **state)
{
    (void)state;
    uint8_t bytes[64];
    size_t len = test_hex(PLAIN, bytes, sizeof(bytes));
    struct hyp_stream stream;
    struct hyp_piece piece;
    hyp_stream_init(&stream, HYP_RECEIVER_AUTO);
    hyp_stream_feed(&stream, bytes, len / 2);
    assert_false(hyp_stream_next(&stream, true, &piece));
    assert_true(stream.skipped > 0);
    hyp_stream_feed(&stream, bytes, len);
    assert_true(hyp_stream_next(&stream, true, &piece));
    hyp_stream_finish(&stream);
}

static void a_flood_without_telegrams_is_bounded(void **state)
{
    (void)state;
    struct hyp_stream stream;
    struct hyp_piece piece;
    hyp_stream_init(&stream, HYP_RECEIVER_AUTO);
    static uint8_t letters[HYP_LIMIT_LINK_BUFFER];
    memset(letters, 'x', sizeof(letters));
    for (int i = 0; i < 5; i++) {
        hyp_stream_feed(&stream, letters, sizeof(letters));
        assert_false(hyp_stream_next(&stream, false, &piece));
        assert_true(stream.pending.len <= HYP_LIMIT_LINK_BUFFER);
    }
    assert_true(stream.skipped >= 4 * sizeof(letters));
    hyp_stream_finish(&stream);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, stream_rows, check_stream);
    TEST_ROWS(&list, text_rows, check_text);
    TEST_ONE(&list, whole_messages_need_no_end);
    TEST_ONE(&list, a_binary_message_keeps_the_receivers_bytes);
    TEST_ONE(&list, half_a_message_is_none);
    TEST_ONE(&list, a_flood_without_telegrams_is_bounded);
    return test_list_run(&list, "stream");
}
