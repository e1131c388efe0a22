/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a Modbus device: blocks, holes, repeats, late answers. */
#include "support/modbus_device.h"
#include "support/rows.h"

#include "base/bytes.h"
#include "base/limits.h"

static const struct read_row {
    const char *name;
    const char *script;
    const char *missing; /* register numbers */
    struct hyp_modbus_block blocks[3];
    enum hyp_status status;
    const char *snapshot;  /* "3:10+2 " per entry */
    const char *holes;     /* "3:12 " */
    const char *requests;  /* log, NULL = not compared */
    const char *text;      /* part of the error text */
    int64_t waited_tcp_ms; /* pauses and time-outs */
} read_rows[] = {
    {"one block",                                   "a", "",      {{3, 1, 10, 4}}, HYP_OK,   "3:10+4 ",               "", "3:10+4 ",                                           "",            0   },
    {"three blocks",
     "a",                                                "",
     {{3, 1, 10, 4}, {4, 1, 0, 2}, {1, 1, 5, 1}},
     HYP_OK,                                                                                 "3:10+4 4:0+2 1:5+1 ",
     "",                                                                                                                  "3:10+4 4:0+2 1:5+1 ",
     "",                                                                                                                                                                                      40  },
    {"silent once",
     "sa",                                               "",
     {{3, 1, 10, 4}},
     HYP_OK,                                                                                 "3:10+4 ",
     "",                                                                                                                  "3:10+4 3:10+4 ",
     "",                                                                                                                                                                                      1020},
    {"silent for ever",
     "s",                                                "",
     {{3, 1, 10, 4}, {3, 1, 50, 1}},
     HYP_TIMEOUT,                                                                            "",
     "",                                                                                                                  "3:10+4 3:10+4 3:10+4 ",
     "no answer in time",                                                                                                                                                                     3040},
    {"silent after the first block",
     "as",                                               "",
     {{3, 1, 10, 4}, {3, 1, 50, 1}},
     HYP_TIMEOUT,                                                                            "3:10+4 ",
     "",                                                                                                                  NULL,
     "address 50",                                                                                                                                                                            3060},
    {"answer of another request first",
     "w",                                                "",
     {{3, 1, 10, 4}},
     HYP_OK,                                                                                 "3:10+4 ",
     "",                                                                                                                  NULL,
     "",                                                                                                                                                                                      0   },
    {"answer of a neighbour first",
     "n",                                                "",
     {{3, 1, 10, 4}},
     HYP_OK,                                                                                 "3:10+4 ",
     "",                                                                                                                  NULL,
     "",                                                                                                                                                                                      0   },
    {"busy twice",
     "bba",                                              "",
     {{3, 1, 10, 4}},
     HYP_OK,                                                                                 "3:10+4 ",
     "",                                                                                                                  "3:10+4 3:10+4 3:10+4 ",
     "",                                                                                                                                                                                      600 },
    {"busy for ever",                               "b", "",      {{3, 1, 10, 4}}, HYP_BUSY, "",                      "", NULL,                                                "device busy", 600 },
    {"gateway without target",
     "g",                                                "",
     {{3, 1, 10, 4}},
     HYP_TIMEOUT,                                                                            "",
     "",                                                                                                                  NULL,
     "gateway: target did not answer",                                                                                                                                                        40  },
    {"device failure",
     "f",                                                "",
     {{3, 1, 10, 4}},
     HYP_REFUSED,                                                                            "",
     "",                                                                                                                  "3:10+4 ",
     "device failure",                                                                                                                                                                        0   },
    {"failure of one block keeps the others",
     "fa",                                               "",
     {{3, 1, 10, 4}, {3, 1, 50, 1}},
     HYP_OK,                                                                                 "3:50+1 ",
     "",                                                                                                                  "3:10+4 3:50+1 ",
     "device failure",                                                                                                                                                                        20  },
    {"a missing register is found",
     "a",                                                "12",
     {{3, 1, 10, 8}},
     HYP_OK,                                                                                 "3:10+2 3:13+1 3:14+4 ",
     "3:12 ",                                                                                                             "3:10+8 3:10+4 3:10+2 3:12+2 3:12+1 3:13+1 3:14+4 ",
     "",                                                                                                                                                                                      120 },
    {"a missing register in the middle of nothing",
     "a",                                                "12",
     {{3, 1, 12, 1}, {3, 1, 50, 1}},
     HYP_OK,                                                                                 "3:50+1 ",
     "3:12 ",                                                                                                             "3:12+1 3:50+1 ",
     "illegal address",                                                                                                                                                                       20  },
    {"everything missing",
     "a",                                                "10 11",
     {{3, 1, 10, 2}},
     HYP_REFUSED,                                                                            "",
     "3:10 3:11 ",                                                                                                        NULL,
     "illegal address",                                                                                                                                                                       40  },
    {"values are not cut in halves",
     "a",                                                "14",
     {{3, 2, 10, 8}},
     HYP_OK,                                                                                 "3:10+4 3:16+2 ",
     "3:14 3:15 ",                                                                                                        "3:10+8 3:10+4 3:14+4 3:14+2 3:16+2 ",
     "",                                                                                                                                                                                      80  },
};

static void format_snapshot(const struct device *device, const struct hyp_modbus_read *read,
                            struct hyp_buf *out)
{
    struct hyp_bytes bytes = hyp_bytes_from(read->snapshot, read->len);
    while (hyp_bytes_left(&bytes) > 0) {
        assert_int_equal(hyp_bytes_u8(&bytes), DEVICE_UNIT);
        uint8_t function = hyp_bytes_u8(&bytes);
        uint16_t start = hyp_bytes_be16(&bytes);
        uint16_t count = hyp_bytes_be16(&bytes);
        hyp_buf_append_fmt(out, "%u:%u+%u ", function, start, count);
        if (hyp_modbus_is_bits(function)) {
            hyp_bytes_skip(&bytes, 1);
            continue;
        }
        for (uint16_t i = start; i < start + count; i++) {
            assert_int_equal(hyp_bytes_be16(&bytes), device->registers[i]);
        }
    }
    assert_false(hyp_bytes_failed(&bytes));
}

static void set_missing(struct device *device, const char *text)
{
    struct hyp_str rest = hyp_str_from(text);
    struct hyp_str part;
    uint64_t number;
    while (rest.len > 0 && hyp_str_split_next(&rest, ' ', &part)) {
        assert_int_equal(hyp_str_to_u64(part, &number), HYP_OK);
        device->missing[number] = true;
    }
}

static void check_read_with(const struct read_row *row, enum hyp_modbus_framing framing,
                            size_t piece, bool sharing)
{
    struct device device;
    device_init(&device, framing, row->script);
    set_missing(&device, row->missing);
    struct hyp_modbus_link link = link_of(framing);
    struct hyp_modbus_hole holes[8];
    struct hyp_modbus_hole_list list = {.holes = holes, .capacity = 8};
    uint8_t snapshot[512];
    struct hyp_modbus_read read;
    size_t blocks = 0;
    while (blocks < 3 && row->blocks[blocks].count > 0) {
        blocks++;
    }
    hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT, row->blocks, blocks);
    hyp_modbus_read_output(&read, snapshot, sizeof(snapshot), &list);
    struct run run = {
        .piece = piece, .now = {5000}, .sharing = sharing ? &read.exchange : NULL};
    struct hyp_session session = {.ops = &hyp_modbus_read_ops, .state = &read};
    struct hyp_session_io io = drive(&run, session, &device);

    assert_int_equal(io.status, row->status);
    assert_int_equal(io.state, row->status == HYP_OK ? HYP_SESSION_DONE : HYP_SESSION_FAILED);
    char memory[256];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, sizeof(memory));
    format_snapshot(&device, &read, &out);
    assert_string_equal(hyp_buf_terminate(&out), row->snapshot);
    hyp_buf_reset(&out);
    for (size_t i = 0; i < list.count; i++) {
        hyp_buf_append_fmt(&out, "%u:%u ", holes[i].function, holes[i].address);
    }
    assert_string_equal(hyp_buf_terminate(&out), row->holes);
    assert_int_equal(read.holes_learned, list.count);
    if (row->requests != NULL) {
        assert_string_equal(hyp_buf_terminate(&device.log_buf), row->requests);
    }
    assert_non_null(strstr(session.ops->error_text(session.state), row->text));
    if (framing == HYP_MODBUS_TCP) {
        assert_int_equal(run.waited_ms, row->waited_tcp_ms);
    }
}

static void check_read(void **state)
{
    const struct read_row *row = *state;
    for (size_t piece = 0; piece <= 16; piece++) {
        for (int sharing = 0; sharing < 2; sharing++) {
            check_read_with(row, HYP_MODBUS_TCP, piece, sharing == 1);
            if (strcmp(row->script, "w") != 0) { /* RTU has no transaction ids to tell apart */
                check_read_with(row, HYP_MODBUS_RTU, piece, sharing == 1);
            }
        }
    }
}

static void test_damaged_rtu(void **state)
{
    (void)state;
    struct device device;
    device_init(&device, HYP_MODBUS_RTU, "d");
    struct hyp_modbus_link link = link_of(HYP_MODBUS_RTU);
    struct hyp_modbus_block block = {3, 1, 10, 4};
    struct hyp_modbus_read read;
    hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT, &block, 1);
    struct run run = {0};
    struct hyp_session session = {.ops = &hyp_modbus_read_ops, .state = &read};
    assert_int_equal(drive(&run, session, &device).status, HYP_BAD_CHECK);
    assert_int_equal(device.requests, 3);
    assert_non_null(strstr(session.ops->error_text(&read), "wrong CRC"));
}

static void test_echo(void **state)
{
    (void)state;
    struct device device;
    device_init(&device, HYP_MODBUS_RTU, "e");
    struct hyp_modbus_link link = link_of(HYP_MODBUS_RTU);
    link.echo = true;
    const uint8_t value[] = {0x00, 0x05};
    struct hyp_modbus_request request = {DEVICE_UNIT, 6, 20, 1, value};
    struct hyp_modbus_write write;
    assert_int_equal(hyp_modbus_write_init(&write, &link, &request, 3), HYP_OK);
    struct run run = {.piece = 3};
    struct hyp_session session = {.ops = &hyp_modbus_write_ops, .state = &write};
    assert_int_equal(drive(&run, session, &device).status, HYP_OK);
    assert_int_equal(device.registers[20], 5);
    assert_int_equal(write.found_len, 2);
}

/* A repeated RTU request may be answered twice; the second answer must not become the next
 * block's data. */
static void test_late_rtu_answer(void **state)
{
    (void)state;
    struct hyp_modbus_link link = link_of(HYP_MODBUS_RTU);
    struct hyp_modbus_block blocks[] = {
        {3, 1, 10, 2},
        {3, 1, 50, 2}
    };
    uint8_t snapshot[64];
    struct hyp_modbus_read read;
    hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT, blocks, 2);
    hyp_modbus_read_output(&read, snapshot, sizeof(snapshot), NULL);
    struct device device;
    device_init(&device, HYP_MODBUS_RTU, "a");
    const struct hyp_session_ops *ops = &hyp_modbus_read_ops;
    hyp_mono now = {0};

    struct hyp_session_io io = ops->start(&read, now);
    device_request(&device, io.send, io.send_len); /* its answer is late */
    io = ops->tick(&read, io.deadline);            /* time-out, pause */
    io = ops->tick(&read, io.deadline);            /* sent again */
    assert_true(io.send_len > 0);
    now.ms = 1100;
    io = ops->feed(&read, device.answer, device.answer_len, now);
    assert_int_equal(io.send_len, 0); /* waits for the second answer ... */
    assert_int_equal(io.deadline.ms, now.ms + 1000);
    io = ops->feed(&read, device.answer, device.answer_len, now); /* ... and drops it */
    assert_int_equal(io.send_len, 0);
    io = ops->tick(&read, io.deadline);
    assert_true(io.send_len > 0);
    device_request(&device, io.send, io.send_len);
    io = ops->feed(&read, device.answer, device.answer_len, now);
    assert_int_equal(io.state, HYP_SESSION_DONE);
    char memory[64];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, sizeof(memory));
    format_snapshot(&device, &read, &out);
    assert_string_equal(hyp_buf_terminate(&out), "3:10+2 3:50+2 ");
}

/* After a device was given up, the same unit waits, its neighbour does not. */
static void test_late_wait_is_per_unit(void **state)
{
    (void)state;
    struct hyp_modbus_link link = link_of(HYP_MODBUS_RTU);
    struct hyp_modbus_block block = {3, 1, 10, 2};
    struct device device;
    device_init(&device, HYP_MODBUS_RTU, "s");
    struct hyp_modbus_read read;
    hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT, &block, 1);
    struct run run = {0};
    struct hyp_session session = {.ops = &hyp_modbus_read_ops, .state = &read};
    assert_int_equal(drive(&run, session, &device).status, HYP_TIMEOUT);

    hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT, &block, 1);
    assert_int_equal(hyp_modbus_read_ops.start(&read, run.now).send_len, 0);
    hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT + 1, &block, 1);
    assert_true(hyp_modbus_read_ops.start(&read, run.now).send_len > 0);
}

static void test_transactions_go_on(void **state)
{
    (void)state;
    struct hyp_modbus_link link = link_of(HYP_MODBUS_TCP);
    link.transaction = UINT16_MAX - 1;
    struct hyp_modbus_block block = {3, 1, 10, 2};
    struct hyp_modbus_read read;
    for (unsigned expected = UINT16_MAX; expected <= UINT16_MAX + 2u; expected++) {
        hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT, &block, 1);
        struct hyp_session_io io = hyp_modbus_read_ops.start(&read, (hyp_mono){0});
        assert_int_equal(io.send[0] << 8 | io.send[1], expected & 0xFFFF);
    }
}

static void test_snapshot_full(void **state)
{
    (void)state;
    struct hyp_modbus_link link = link_of(HYP_MODBUS_TCP);
    struct hyp_modbus_block blocks[] = {
        {3, 1, 10, 4},
        {3, 1, 50, 1}
    };
    assert_int_equal(hyp_modbus_snapshot_size(blocks, 2), 6 + 8 + 6 + 2);
    uint8_t snapshot[6 + 8 + 6];
    struct hyp_modbus_read read;
    hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT, blocks, 2);
    hyp_modbus_read_output(&read, snapshot, sizeof(snapshot), NULL);
    struct device device;
    device_init(&device, HYP_MODBUS_TCP, "a");
    struct run run = {0};
    struct hyp_session session = {.ops = &hyp_modbus_read_ops, .state = &read};
    assert_int_equal(drive(&run, session, &device).state, HYP_SESSION_DONE);
    assert_int_equal(read.len, 14);
    assert_true(read.snapshot_full);
}

static void test_hole_list_full(void **state)
{
    (void)state;
    struct hyp_modbus_link link = link_of(HYP_MODBUS_TCP);
    struct hyp_modbus_block block = {3, 1, 10, 8};
    struct hyp_modbus_hole holes[1];
    struct hyp_modbus_hole_list list = {.holes = holes, .capacity = 1};
    uint8_t snapshot[64];
    struct hyp_modbus_read read;
    hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT, &block, 1);
    hyp_modbus_read_output(&read, snapshot, sizeof(snapshot), &list);
    struct device device;
    device_init(&device, HYP_MODBUS_TCP, "a");
    set_missing(&device, "11 13");
    struct run run = {0};
    struct hyp_session session = {.ops = &hyp_modbus_read_ops, .state = &read};
    assert_int_equal(drive(&run, session, &device).state, HYP_SESSION_DONE);
    assert_int_equal(list.count, 1);
    assert_int_equal(read.holes_learned, 1);
}

/* However many registers are missing, one session spends a bounded number of requests. */
static void test_bisect_is_bounded(void **state)
{
    (void)state;
    struct hyp_modbus_link link = link_of(HYP_MODBUS_TCP);
    struct hyp_modbus_block block = {3, 1, 0, 100};
    struct hyp_modbus_hole holes[DEVICE_REGISTERS];
    struct hyp_modbus_hole_list list = {.holes = holes, .capacity = DEVICE_REGISTERS};
    uint8_t snapshot[512];
    struct device device;
    device_init(&device, HYP_MODBUS_TCP, "a");
    for (size_t i = 0; i < DEVICE_REGISTERS; i += 2) {
        device.missing[i] = true;
    }
    struct hyp_modbus_read read;
    hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT, &block, 1);
    hyp_modbus_read_output(&read, snapshot, sizeof(snapshot), &list);
    struct run run = {0};
    struct hyp_session session = {.ops = &hyp_modbus_read_ops, .state = &read};
    assert_int_equal(drive(&run, session, &device).state, HYP_SESSION_DONE);
    assert_true(device.requests <= 1 + HYP_LIMIT_MODBUS_BISECT);
    assert_true(list.count > 0 && list.count < 50);
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(holes[i].address % 2, 0);
    }
}

static void test_nothing_to_read(void **state)
{
    (void)state;
    struct hyp_modbus_link link = link_of(HYP_MODBUS_TCP);
    struct hyp_modbus_read read;
    hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT, NULL, 0);
    assert_int_equal(hyp_modbus_read_ops.start(&read, (hyp_mono){0}).status, HYP_INVALID);
    struct hyp_modbus_block block = {3, 1, 65535, 4};
    hyp_modbus_read_init(&read, &link, &run_work, DEVICE_UNIT, &block, 1);
    assert_int_equal(hyp_modbus_read_ops.start(&read, (hyp_mono){0}).status, HYP_INVALID);
    assert_non_null(strstr(hyp_modbus_read_ops.error_text(&read), "limits"));
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, read_rows, check_read);
    TEST_ONE(&list, test_damaged_rtu);
    TEST_ONE(&list, test_echo);
    TEST_ONE(&list, test_late_rtu_answer);
    TEST_ONE(&list, test_late_wait_is_per_unit);
    TEST_ONE(&list, test_transactions_go_on);
    TEST_ONE(&list, test_snapshot_full);
    TEST_ONE(&list, test_hole_list_full);
    TEST_ONE(&list, test_bisect_is_bounded);
    TEST_ONE(&list, test_nothing_to_read);
    return test_list_run(&list, "modbus_master");
}
