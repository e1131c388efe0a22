/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of both framings: vectors, refusals, and the receiver under every cut of the stream.
 */
#include "support/hex.h"

#include "protocol/modbus/frame.h"

#define FRAME_MAX 600

static const uint8_t coil_on[] = {0xFF, 0x00};
static const uint8_t register_215[] = {0x00, 0xD7};
static const uint8_t two_registers[] = {0x00, 0x0A, 0x01, 0x02};
static const uint8_t ten_coils[] = {0xCD, 0x01};

/* --- requests --- */

static const struct request_row {
    const char *name;
    enum hyp_modbus_framing framing;
    struct hyp_modbus_request request;
    enum hyp_status status;
    const char *hex;
} request_rows[] = {
  /* The controllers' note B.1: four registers from 2059, checked with pymodbus and mbpoll. */
    {"RTU read of the application key",
     HYP_MODBUS_RTU,                                              {1, 3, 2059, 4, NULL},
     HYP_OK,                                                                                                       "01 03 08 0B 00 04 37 AB"                           },
    {"the same over TCP",
     HYP_MODBUS_TCP,                                              {1, 3, 2059, 4, NULL},
     HYP_OK,                                                                                                       "12 34 00 00 00 06 01 03 08 0B 00 04"               },
    {"input registers",
     HYP_MODBUS_TCP,                                              {7, 4, 0, 125, NULL},
     HYP_OK,                                                                                                       "12 34 00 00 00 06 07 04 00 00 00 7D"               },
    {"coils",
     HYP_MODBUS_TCP,                                              {1, 1, 0x13, 0x25, NULL},
     HYP_OK,                                                                                                       "12 34 00 00 00 06 01 01 00 13 00 25"               },
    {"write one coil",
     HYP_MODBUS_TCP,                                              {1, 5, 0xAC, 1, coil_on},
     HYP_OK,                                                                                                       "12 34 00 00 00 06 01 05 00 AC FF 00"               },
    {"write one register",
     HYP_MODBUS_RTU,                                              {1, 6, 11179, 1, register_215},
     HYP_OK,                                                                                                       "01 06 2B AB 00 D7 B1 90"                           },
    {"write coils",
     HYP_MODBUS_TCP,                                              {1, 15, 0x13, 10, ten_coils},
     HYP_OK,                                                                                                       "12 34 00 00 00 09 01 0F 00 13 00 0A 02 CD 01"      },
    {"write registers",
     HYP_MODBUS_TCP,                                              {1, 16, 1, 2, two_registers},
     HYP_OK,                                                                                                       "12 34 00 00 00 0B 01 10 00 01 00 02 04 00 0A 01 02"},
    {"last address alone",
     HYP_MODBUS_TCP,                                              {1, 3, 65535, 1, NULL},
     HYP_OK,                                                                                                       "12 34 00 00 00 06 01 03 FF FF 00 01"               },
    {"past the last address",           HYP_MODBUS_TCP,           {1, 3, 65535, 2, NULL},         HYP_INVALID,     NULL                                                },
    {"no registers",                    HYP_MODBUS_TCP,           {1, 3, 0, 0, NULL},             HYP_INVALID,     NULL                                                },
    {"126 registers",                   HYP_MODBUS_TCP,           {1, 3, 0, 126, NULL},           HYP_INVALID,     NULL                                                },
    {"2001 coils",                      HYP_MODBUS_TCP,           {1, 1, 0, 2001, NULL},          HYP_INVALID,     NULL                                                },
    {"two registers by function 6",
     HYP_MODBUS_TCP,                                              {1, 6, 0, 2, two_registers},
     HYP_INVALID,                                                                                                  NULL                                                },
    {"write without data",              HYP_MODBUS_TCP,           {1, 16, 0, 2, NULL},            HYP_INVALID,     NULL                                                },
    {"function 23",                     HYP_MODBUS_TCP,           {1, 23, 0, 2, NULL},            HYP_UNSUPPORTED, NULL                                                },
    {"no framing",                      HYP_MODBUS_FRAMING_UNSET, {1, 3, 0, 2, NULL},             HYP_UNSUPPORTED, NULL                                                },
};

static void check_request(void **state)
{
    const struct request_row *row = *state;
    uint8_t memory[HYP_MODBUS_FRAME_MAX];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, sizeof(memory));
    assert_int_equal(hyp_modbus_request_encode(&out, row->framing, 0x1234, &row->request),
                     row->status);
    if (row->status != HYP_OK) {
        assert_int_equal(out.len, 0);
        return;
    }
    uint8_t expected[HYP_MODBUS_FRAME_MAX];
    size_t len = test_hex(row->hex, expected, sizeof(expected));
    assert_int_equal(out.len, len);
    assert_memory_equal(memory, expected, len);
}

static void test_request_limit(void **state)
{
    (void)state;
    uint8_t memory[7];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, sizeof(memory));
    struct hyp_modbus_request request = {.unit = 1, .function = 3, .count = 1};
    assert_int_equal(hyp_modbus_request_encode(&out, HYP_MODBUS_RTU, 0, &request), HYP_LIMIT);
}

/* --- answers --- */

static const struct answer_row {
    const char *name;
    enum hyp_modbus_framing framing;
    const char *hex;
    enum hyp_status status;
    int64_t offset; /* of the refusal */
    struct hyp_modbus_answer answer;
    const char *data;
} answer_rows[] = {
  /* Note B.1: application A266.1 version 1.02. */
    {"RTU application key",
     HYP_MODBUS_RTU,                                    "01 03 08 00 41 01 0A 00 01 01 02 8C 92",
     HYP_OK,                                                                                                     0,
     {.unit = 1, .function = 3, .data_len = 8},
     "00 41 01 0A 00 01 01 02"                                                                                                },
    {"TCP registers",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 07 01 04 04 43 66 80 00",
     HYP_OK,                                                                                                     0,
     {.transaction = 7, .unit = 1, .function = 4, .data_len = 4},
     "43 66 80 00"                                                                                                            },
    {"TCP exception",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 03 01 83 02",
     HYP_OK,                                                                                                     0,
     {.transaction = 7, .unit = 1, .function = 3, .exception = 2},
     ""                                                                                                                       },
    {"RTU exception",
     HYP_MODBUS_RTU,                                    "01 83 02 C0 F1",
     HYP_OK,                                                                                                     0,
     {.unit = 1, .function = 3, .exception = 2},
     ""                                                                                                                       },
    {"echo of a single write",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 06 01 06 2B AB 00 D7",
     HYP_OK,                                                                                                     0,
     {.transaction = 7, .unit = 1, .function = 6, .address = 11179, .value = 215},
     ""                                                                                                                       },
    {"answer to a multiple write",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 06 01 10 00 01 00 02",
     HYP_OK,                                                                                                     0,
     {.transaction = 7, .unit = 1, .function = 16, .address = 1, .value = 2},
     ""                                                                                                                       },
    {"wrong CRC",
     HYP_MODBUS_RTU,                                    "01 03 08 00 41 01 0A 00 01 01 03 8C 92",
     HYP_BAD_CHECK,                                                                                              11,
     {0},
     NULL                                                                                                                     },
    {"RTU cut short",                   HYP_MODBUS_RTU, "01 03 08 00",                            HYP_NEED_MORE, 4,  {0}, NULL},
    {"TCP cut short",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 07 01 04 04 43 66",
     HYP_NEED_MORE,                                                                                              11,
     {0},
     NULL                                                                                                                     },
    {"TCP header cut short",            HYP_MODBUS_TCP, "00 07 00 00",                            HYP_NEED_MORE, 4,  {0}, NULL},
    {"not the Modbus protocol",
     HYP_MODBUS_TCP,                                    "00 07 00 01 00 03 01 83 02",
     HYP_MALFORMED,                                                                                              2,
     {0},
     NULL                                                                                                                     },
    {"length beyond the largest frame",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 FF 01 83 02",
     HYP_MALFORMED,                                                                                              4,
     {0},
     NULL                                                                                                                     },
    {"length too small for a function",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 01 01",
     HYP_MALFORMED,                                                                                              4,
     {0},
     NULL                                                                                                                     },
    {"byte count disagrees",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 07 01 04 06 43 66 80 00",
     HYP_MALFORMED,                                                                                              9,
     {0},
     NULL                                                                                                                     },
    {"bytes behind the data",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 07 01 04 02 43 66 80 00",
     HYP_MALFORMED,                                                                                              11,
     {0},
     NULL                                                                                                                     },
    {"bytes behind the frame",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 03 01 83 02 00",
     HYP_MALFORMED,                                                                                              9,
     {0},
     NULL                                                                                                                     },
    {"exception zero",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 03 01 83 00",
     HYP_MALFORMED,                                                                                              8,
     {0},
     NULL                                                                                                                     },
    {"function 2B",
     HYP_MODBUS_TCP,                                    "00 07 00 00 00 03 01 2B 0E",
     HYP_UNSUPPORTED,                                                                                            7,
     {0},
     NULL                                                                                                                     },
};

static void check_answer(void **state)
{
    const struct answer_row *row = *state;
    uint8_t bytes[FRAME_MAX];
    size_t len = test_hex(row->hex, bytes, sizeof(bytes));
    struct hyp_modbus_answer answer = {0};
    struct hyp_error err = {0};
    assert_int_equal(hyp_modbus_answer_parse(row->framing, bytes, len, &answer, &err),
                     row->status);
    if (row->status != HYP_OK) {
        assert_int_equal(err.offset, row->offset);
        assert_true(err.text[0] != '\0');
        return;
    }
    uint8_t data[FRAME_MAX];
    size_t data_len = test_hex(row->data, data, sizeof(data));
    assert_int_equal(answer.transaction, row->answer.transaction);
    assert_int_equal(answer.unit, row->answer.unit);
    assert_int_equal(answer.function, row->answer.function);
    assert_int_equal(answer.exception, row->answer.exception);
    assert_int_equal(answer.address, row->answer.address);
    assert_int_equal(answer.value, row->answer.value);
    assert_int_equal(answer.data_len, data_len);
    if (data_len > 0) {
        assert_memory_equal(answer.data, data, data_len);
    }
}

static const struct fits_row {
    const char *name;
    struct hyp_modbus_request request;
    struct hyp_modbus_answer answer;
    bool fits;
} fits_rows[] = {
    {"the right answer",    {1, 3, 0, 4, NULL},  {.unit = 1, .function = 3, .data_len = 8},  true },
    {"another unit",        {1, 3, 0, 4, NULL},  {.unit = 2, .function = 3, .data_len = 8},  false},
    {"any unit behind 255",
     {255, 3, 0, 4, NULL},
     {.unit = 1, .function = 3, .data_len = 8},
     true                                                                                         },
    {"another function",    {1, 3, 0, 4, NULL},  {.unit = 1, .function = 4, .data_len = 8},  false},
    {"another size",        {1, 3, 0, 4, NULL},  {.unit = 1, .function = 3, .data_len = 6},  false},
    {"ten coils",           {1, 1, 0, 10, NULL}, {.unit = 1, .function = 1, .data_len = 2},  true },
    {"an exception",        {1, 3, 0, 4, NULL},  {.unit = 1, .function = 3, .exception = 2}, true },
    {"the written value",
     {1, 6, 9, 1, register_215},
     {.unit = 1, .function = 6, .address = 9, .value = 215},
     true                                                                                         },
    {"another value",
     {1, 6, 9, 1, register_215},
     {.unit = 1, .function = 6, .address = 9, .value = 216},
     false                                                                                        },
    {"another address",
     {1, 6, 9, 1, register_215},
     {.unit = 1, .function = 6, .address = 8, .value = 215},
     false                                                                                        },
    {"the written count",
     {1, 16, 9, 2, two_registers},
     {.unit = 1, .function = 16, .address = 9, .value = 2},
     true                                                                                         },
    {"another count",
     {1, 16, 9, 2, two_registers},
     {.unit = 1, .function = 16, .address = 9, .value = 1},
     false                                                                                        },
};

static void check_fits(void **state)
{
    const struct fits_row *row = *state;
    assert_int_equal(hyp_modbus_answer_fits(&row->answer, &row->request), row->fits);
}

/* --- the receiver --- */

static const struct stream_row {
    const char *name;
    enum hyp_modbus_framing framing;
    struct hyp_modbus_request expected;
    const char *hex;
    const char *answers; /* data of the answers found, in order; "!2" for an exception */
    size_t skipped;
    bool bad_check;
} stream_rows[] = {
    {"one RTU answer",
     HYP_MODBUS_RTU,                                      {1, 3, 2059, 4, NULL},
     "01 03 08 00 41 01 0A 00 01 01 02 8C 92",                                                     "0041010A00010102;",
     0,                                                                                                                    false},
    {"garbage first",
     HYP_MODBUS_RTU,                                      {1, 3, 2059, 4, NULL},
     "FF 01 01 03 00 01 03 08 00 41 01 0A 00 01 01 02 8C 92",                                      "0041010A00010102;",
     5,                                                                                                                    false},
    {"echo of the request first",
     HYP_MODBUS_RTU,                                      {1, 3, 2059, 4, NULL},
     "01 03 08 0B 00 04 37 AB 01 03 08 00 41 01 0A 00 01 01 02 8C 92",                             "0041010A00010102;",
     8,                                                                                                                    true },
    {"late answer of another size first",
     HYP_MODBUS_RTU,                                      {1, 3, 2059, 4, NULL},
     "01 03 02 00 D7 F8 1A 01 03 08 00 41 01 0A 00 01 01 02 8C 92",                                "0041010A00010102;",
     7,                                                                                                                    false},
    {"answer of a neighbour first",
     HYP_MODBUS_RTU,                                      {1, 3, 2059, 4, NULL},
     "02 03 08 00 41 01 0A 00 01 01 02 83 D6 01 03 08 00 41 01 0A 00 01 01 02 8C 92",              "0041010A00010102;",
     13,                                                                                                                   false},
    {"damaged",
     HYP_MODBUS_RTU,                                      {1, 3, 2059, 4, NULL},
     "01 03 08 00 41 01 0B 00 01 01 02 8C 92",                                                     "",
     13,                                                                                                                   true },
    {"exception",                         HYP_MODBUS_RTU, {1, 3, 2059, 4, NULL}, "01 83 02 C0 F1", "!2;",               0, false},
    {"two TCP answers",
     HYP_MODBUS_TCP,                                      {1, 4, 0, 2, NULL},
     "0007 0000 0007 01 04 04 43668000 0008 0000 0005 01 04 02 0001",                              "43668000;0001;",
     0,                                                                                                                    false},
    {"TCP after garbage",
     HYP_MODBUS_TCP,                                      {1, 4, 0, 2, NULL},
     "55 55 55 55 55 55 0007 0000 0007 01 04 04 43668000",                                         "43668000;",
     6,                                                                                                                    false},
    {"a foreign TCP frame is one piece",
     HYP_MODBUS_TCP,                                      {1, 4, 0, 2, NULL},
     "0007 0000 000C 01 2B 0001 0000 0004 01 04 01 07 0008 0000 0005 01 04 02 0001",               "0001;",
     18,                                                                                                                   false},
};

/* Feeds in two cuts and writes what was found as text. */
static void run_stream(const struct stream_row *row, const uint8_t *bytes, size_t len,
                       size_t cut, bool bytewise, struct hyp_buf *out,
                       struct hyp_modbus_receiver *receiver)
{
    hyp_modbus_receiver_expect(receiver, row->framing, &row->expected);
    size_t at = 0;
    while (at < len) {
        size_t end = bytewise ? at + 1 : (at < cut ? cut : len);
        const uint8_t *part = bytes + at;
        size_t part_len = end - at;
        struct hyp_modbus_answer answer;
        while (hyp_modbus_receiver_next(receiver, &part, &part_len, &answer) == HYP_OK) {
            if (answer.exception != 0) {
                hyp_buf_append_fmt(out, "!%u", answer.exception);
            } else {
                hyp_buf_append_hex(out, answer.data, answer.data_len);
            }
            hyp_buf_append_char(out, ';');
        }
        assert_int_equal(part_len, 0);
        at = end;
    }
}

static void check_stream(void **state)
{
    const struct stream_row *row = *state;
    uint8_t bytes[FRAME_MAX];
    size_t len = test_hex(row->hex, bytes, sizeof(bytes));
    for (size_t cut = 0; cut <= len + 1; cut++) {
        char memory[FRAME_MAX];
        struct hyp_buf out;
        hyp_buf_init_fixed(&out, memory, sizeof(memory));
        struct hyp_modbus_receiver receiver;
        run_stream(row, bytes, len, cut, cut == len + 1, &out, &receiver);
        assert_string_equal(hyp_buf_terminate(&out), row->answers);
        assert_int_equal(receiver.skipped, row->skipped);
        assert_int_equal(receiver.bad_check, row->bad_check);
    }
}

static void test_exception_texts(void **state)
{
    (void)state;
    assert_string_equal(hyp_modbus_exception_text(2), "illegal address");
    assert_string_equal(hyp_modbus_exception_text(11), "gateway: target did not answer");
    assert_string_equal(hyp_modbus_exception_text(0), "unknown exception");
    assert_string_equal(hyp_modbus_exception_text(9), "unknown exception");
    assert_string_equal(hyp_modbus_exception_text(200), "unknown exception");
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, request_rows, check_request);
    TEST_ONE(&list, test_request_limit);
    TEST_ROWS(&list, answer_rows, check_answer);
    TEST_ROWS(&list, fits_rows, check_fits);
    TEST_ROWS(&list, stream_rows, check_stream);
    TEST_ONE(&list, test_exception_texts);
    return test_list_run(&list, "modbus_frame");
}
