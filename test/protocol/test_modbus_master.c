/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions against a device played by the test: a table of registers 0..99 with missing
 * addresses, that answers, refuses, stays silent, is late or damaged as its script says.
 */
#include "support/rows.h"

#include "protocol/modbus/master.h"

#include "base/bytes.h"
#include "base/limits.h"

#define UNIT 1
#define REGISTERS 100

/* What the device does with the n-th request: one letter each, the last one repeats.
 *   a answer   s silence   d damaged answer   b busy   g gateway target silent   f failure
 *   w answer with a wrong transaction id first, then the right one
 *   n the answer of a neighbour first, then the right one   e echo the request first
 *   k take a write but keep another value */
struct device {
    enum hyp_modbus_framing framing;
    const char *script;
    bool missing[REGISTERS];
    uint16_t registers[REGISTERS];
    size_t requests;
    char log[2048]; /* "3:10+4 " per request */
    struct hyp_buf log_buf;
    uint8_t answer[2 * HYP_MODBUS_FRAME_MAX];
    size_t answer_len;
};

static void device_init(struct device *device, enum hyp_modbus_framing framing,
                        const char *script)
{
    memset(device, 0, sizeof(*device));
    device->framing = framing;
    device->script = script;
    for (size_t i = 0; i < REGISTERS; i++) {
        device->registers[i] = (uint16_t)(i * 3 + 1000);
    }
    hyp_buf_init_fixed(&device->log_buf, device->log, sizeof(device->log));
}

static void append_frame(struct device *device, uint16_t transaction, const struct hyp_buf *pdu)
{
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, device->answer + device->answer_len,
                       sizeof(device->answer) - device->answer_len);
    if (device->framing == HYP_MODBUS_TCP) {
        hyp_buf_append_be16(&out, transaction);
        hyp_buf_append_be16(&out, 0);
        hyp_buf_append_be16(&out, (uint16_t)pdu->len);
        hyp_buf_append(&out, pdu->data, pdu->len);
    } else {
        hyp_buf_append(&out, pdu->data, pdu->len);
        hyp_buf_append_le16(&out, hyp_modbus_crc(pdu->data, pdu->len));
    }
    assert_int_equal(hyp_buf_status(&out), HYP_OK);
    device->answer_len += out.len;
}

static bool device_has(const struct device *device, uint32_t start, uint32_t count)
{
    for (uint32_t i = start; i < start + count; i++) {
        if (i >= REGISTERS || device->missing[i]) {
            return false;
        }
    }
    return true;
}

static void append_exception(struct hyp_buf *pdu, uint8_t function, uint8_t exception)
{
    hyp_buf_append_u8(pdu, (uint8_t)(function | 0x80));
    hyp_buf_append_u8(pdu, exception);
}

static void append_read(struct device *device, struct hyp_buf *pdu, uint8_t function,
                        uint16_t start, uint16_t count)
{
    if (!device_has(device, start, count)) {
        append_exception(pdu, function, HYP_MODBUS_ILLEGAL_ADDRESS);
        return;
    }
    hyp_buf_append_u8(pdu, function);
    if (hyp_modbus_is_bits(function)) {
        hyp_buf_append_u8(pdu, 1);
        hyp_buf_append_u8(pdu, (uint8_t)(device->registers[start] != 0));
        return;
    }
    hyp_buf_append_u8(pdu, (uint8_t)(count * 2));
    for (uint16_t i = start; i < start + count; i++) {
        hyp_buf_append_be16(pdu, device->registers[i]);
    }
}

static void append_write(struct device *device, struct hyp_buf *pdu, uint8_t function,
                         uint16_t start, uint16_t value, struct hyp_bytes rest, bool keep)
{
    if (!device_has(device, start, 1)) {
        append_exception(pdu, function, HYP_MODBUS_ILLEGAL_ADDRESS);
        return;
    }
    hyp_buf_append_u8(pdu, function);
    hyp_buf_append_be16(pdu, start);
    hyp_buf_append_be16(pdu, value);
    if (keep) {
        return;
    }
    if (function == HYP_MODBUS_WRITE_REGISTERS) {
        hyp_bytes_skip(&rest, 1);
        for (uint16_t i = 0; i < value; i++) {
            device->registers[start + i] = hyp_bytes_be16(&rest);
        }
    } else {
        device->registers[start] = value;
    }
}

/* Builds the pdu of the answer the script wants. */
static void answer_pdu(struct device *device, struct hyp_buf *pdu, struct hyp_bytes request,
                       char action)
{
    uint8_t unit = hyp_bytes_u8(&request);
    uint8_t function = hyp_bytes_u8(&request);
    uint16_t start = hyp_bytes_be16(&request);
    uint16_t count = hyp_bytes_be16(&request);
    hyp_buf_append_fmt(&device->log_buf, "%u:%u+%u ", function, start, count);
    hyp_buf_append_u8(pdu, unit);
    switch (action) {
    case 'b': append_exception(pdu, function, HYP_MODBUS_BUSY); return;
    case 'g': append_exception(pdu, function, HYP_MODBUS_GATEWAY_NO_ANSWER); return;
    case 'f': append_exception(pdu, function, HYP_MODBUS_DEVICE_FAILURE); return;
    default: break;
    }
    if (hyp_modbus_is_read(function)) {
        append_read(device, pdu, function, start, count);
    } else {
        append_write(device, pdu, function, start, count, request, action == 'k');
    }
}

static void device_request(struct device *device, const uint8_t *bytes, size_t len)
{
    size_t last = strlen(device->script) - 1;
    char action = device->script[HYP_MIN(device->requests, last)];
    device->requests++;
    device->answer_len = 0;
    struct hyp_bytes request = hyp_bytes_from(bytes, len);
    uint16_t transaction = 0;
    if (device->framing == HYP_MODBUS_TCP) {
        transaction = hyp_bytes_be16(&request);
        hyp_bytes_skip(&request, 4);
    }
    uint8_t memory[HYP_MODBUS_FRAME_MAX];
    struct hyp_buf pdu;
    hyp_buf_init_fixed(&pdu, memory, sizeof(memory));
    answer_pdu(device, &pdu, request, action);
    if (action == 's' || bytes[0] == 0) {
        if (action == 's' || device->framing == HYP_MODBUS_RTU) {
            return;
        }
    }
    if (action == 'e') {
        memcpy(device->answer, bytes, len);
        device->answer_len = len;
    }
    if (action == 'w') {
        struct hyp_buf wrong = pdu;
        append_frame(device, (uint16_t)(transaction - 1), &wrong);
        device->answer[device->answer_len - 1] ^= 0xFF;
    }
    if (action == 'n') {
        memory[0]++;
        append_frame(device, transaction, &pdu);
        memory[0]--;
    }
    append_frame(device, transaction, &pdu);
    if (action == 'd') {
        device->answer[device->answer_len - 3] ^= 0x40;
    }
}

/* What sessions work in; for those that share it, void between any two calls. */
static struct hyp_modbus_work work;
static struct hyp_modbus_work own_work;

struct run {
    hyp_mono now;
    size_t piece; /* answers arrive in pieces of so many bytes, 0 = whole */
    int64_t waited_ms;
    struct hyp_modbus_exchange *sharing; /* works in shared memory when it keeps nothing */
};

/* Between two calls others use the memory that is shared. */
static void share(const struct run *run)
{
    struct hyp_modbus_exchange *exchange = run->sharing;
    if (exchange == NULL) {
        return;
    }
    if (hyp_modbus_exchange_keeps(exchange)) {
        if (exchange->work == &work) {
            hyp_modbus_exchange_keep(exchange, &own_work);
        }
        memset(&work, 0xA5, sizeof(work));
    } else {
        memset(&work, 0xA5, sizeof(work));
        hyp_modbus_exchange_lend(exchange, &work);
    }
}

static struct hyp_session_io feed_pieces(struct run *run, struct hyp_session session,
                                         struct device *device)
{
    size_t piece = run->piece == 0 ? device->answer_len : run->piece;
    struct hyp_session_io io = {0};
    size_t at = 0;
    do {
        size_t len = HYP_MIN(piece, device->answer_len - at);
        share(run);
        io = session.ops->feed(session.state, device->answer + at, len, run->now);
        at += len;
    } while (at < device->answer_len && io.send_len == 0 && io.state == HYP_SESSION_RUNNING);
    device->answer_len = 0;
    return io;
}

/* Drives a session to its end against the device. */
static struct hyp_session_io drive(struct run *run, struct hyp_session session,
                                   struct device *device)
{
    struct hyp_session_io io = session.ops->start(session.state, run->now);
    for (int steps = 0; steps < 1000 && io.state == HYP_SESSION_RUNNING; steps++) {
        if (io.send_len > 0) {
            device_request(device, io.send, io.send_len);
        }
        if (device->answer_len > 0) {
            io = feed_pieces(run, session, device);
        } else {
            assert_true(io.deadline.ms != INT64_MAX);
            run->waited_ms += io.deadline.ms - run->now.ms;
            run->now = io.deadline;
            share(run);
            io = session.ops->tick(session.state, run->now);
        }
    }
    assert_true(io.state != HYP_SESSION_RUNNING);
    assert_true(session.ops->feed(session.state, NULL, 0, run->now).state == io.state);
    assert_true(session.ops->tick(session.state, run->now).state == io.state);
    return io;
}

static struct hyp_modbus_link link_of(enum hyp_modbus_framing framing)
{
    return (struct hyp_modbus_link){
        .framing = framing, .timeout_ms = 1000, .delay_ms = 20, .busy_ms = 300, .retries = 2};
}

/* --- reading --- */

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
        assert_int_equal(hyp_bytes_u8(&bytes), UNIT);
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
    hyp_modbus_read_init(&read, &link, &work, UNIT, row->blocks, blocks);
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
    hyp_modbus_read_init(&read, &link, &work, UNIT, &block, 1);
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
    struct hyp_modbus_request request = {UNIT, 6, 20, 1, value};
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
    hyp_modbus_read_init(&read, &link, &work, UNIT, blocks, 2);
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
    hyp_modbus_read_init(&read, &link, &work, UNIT, &block, 1);
    struct run run = {0};
    struct hyp_session session = {.ops = &hyp_modbus_read_ops, .state = &read};
    assert_int_equal(drive(&run, session, &device).status, HYP_TIMEOUT);

    hyp_modbus_read_init(&read, &link, &work, UNIT, &block, 1);
    assert_int_equal(hyp_modbus_read_ops.start(&read, run.now).send_len, 0);
    hyp_modbus_read_init(&read, &link, &work, UNIT + 1, &block, 1);
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
        hyp_modbus_read_init(&read, &link, &work, UNIT, &block, 1);
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
    hyp_modbus_read_init(&read, &link, &work, UNIT, blocks, 2);
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
    hyp_modbus_read_init(&read, &link, &work, UNIT, &block, 1);
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
    struct hyp_modbus_hole holes[REGISTERS];
    struct hyp_modbus_hole_list list = {.holes = holes, .capacity = REGISTERS};
    uint8_t snapshot[512];
    struct device device;
    device_init(&device, HYP_MODBUS_TCP, "a");
    for (size_t i = 0; i < REGISTERS; i += 2) {
        device.missing[i] = true;
    }
    struct hyp_modbus_read read;
    hyp_modbus_read_init(&read, &link, &work, UNIT, &block, 1);
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
    hyp_modbus_read_init(&read, &link, &work, UNIT, NULL, 0);
    assert_int_equal(hyp_modbus_read_ops.start(&read, (hyp_mono){0}).status, HYP_INVALID);
    struct hyp_modbus_block block = {3, 1, 65535, 4};
    hyp_modbus_read_init(&read, &link, &work, UNIT, &block, 1);
    assert_int_equal(hyp_modbus_read_ops.start(&read, (hyp_mono){0}).status, HYP_INVALID);
    assert_non_null(strstr(hyp_modbus_read_ops.error_text(&read), "limits"));
}

/* --- writing --- */

static const uint8_t write_data[] = {0x00, 0xD7, 0x01, 0x02};
static const uint8_t coil_data[] = {0xFF, 0x00};
static const uint8_t bits_data[] = {0x01};

static const struct write_row {
    const char *name;
    const char *script;
    struct hyp_modbus_request request;
    uint8_t read_back;
    enum hyp_status status;
    const char *requests;
    const char *text;
} write_rows[] = {
    {"one register",                "a",  {UNIT, 6, 20, 1, write_data},  0, HYP_OK,      "6:20+215 ",          ""               },
    {"one register, read back",
     "a",                                 {UNIT, 6, 20, 1, write_data},
     3,                                                                     HYP_OK,
     "6:20+215 3:20+1 ",                                                                                       ""               },
    {"read back as input register",
     "a",                                 {UNIT, 6, 20, 1, write_data},
     4,                                                                     HYP_OK,
     "6:20+215 4:20+1 ",                                                                                       ""               },
    {"registers, read back",
     "a",                                 {UNIT, 16, 20, 2, write_data},
     3,                                                                     HYP_OK,
     "16:20+2 3:20+2 ",                                                                                        ""               },
    {"another value is kept",
     "k",                                 {UNIT, 6, 20, 1, write_data},
     3,                                                                     HYP_REFUSED,
     "6:20+215 3:20+1 ",                                                                                       "now reads 0424" },
    {"a coil, read back",
     "a",                                 {UNIT, 5, 20, 1, coil_data},
     1,                                                                     HYP_OK,
     "5:20+65280 1:20+1 ",                                                                                     ""               },
    {"coils, read back",            "a",  {UNIT, 15, 20, 1, bits_data},  1, HYP_OK,      "15:20+1 1:20+1 ",    ""               },
    {"silent once",                 "sa", {UNIT, 6, 20, 1, write_data},  0, HYP_OK,      "6:20+215 6:20+215 ", ""               },
    {"silent for ever",             "s",  {UNIT, 6, 20, 1, write_data},  3, HYP_TIMEOUT, NULL,                 "no answer"      },
    {"silent when read back",
     "as",                                {UNIT, 6, 20, 1, write_data},
     3,                                                                     HYP_TIMEOUT,
     NULL,                                                                                                     "function 3"     },
    {"refused",
     "f",                                 {UNIT, 6, 20, 1, write_data},
     3,                                                                     HYP_REFUSED,
     "6:20+215 ",                                                                                              "device failure" },
    {"no such register",
     "a",                                 {UNIT, 6, 200, 1, write_data},
     3,                                                                     HYP_REFUSED,
     "6:200+215 ",                                                                                             "illegal address"},
};

static void check_write(void **state)
{
    const struct write_row *row = *state;
    for (int framing = HYP_MODBUS_TCP; framing <= HYP_MODBUS_RTU; framing++) {
        struct device device;
        device_init(&device, (enum hyp_modbus_framing)framing, row->script);
        struct hyp_modbus_link link = link_of((enum hyp_modbus_framing)framing);
        struct hyp_modbus_write write;
        assert_int_equal(hyp_modbus_write_init(&write, &link, &row->request, row->read_back),
                         HYP_OK);
        struct run run = {.piece = 5};
        struct hyp_session session = {.ops = &hyp_modbus_write_ops, .state = &write};
        struct hyp_session_io io = drive(&run, session, &device);
        assert_int_equal(io.status, row->status);
        if (row->requests != NULL) {
            assert_string_equal(hyp_buf_terminate(&device.log_buf), row->requests);
        }
        assert_non_null(strstr(session.ops->error_text(&write), row->text));
    }
}

static void test_broadcast(void **state)
{
    (void)state;
    struct device device;
    device_init(&device, HYP_MODBUS_RTU, "a");
    struct hyp_modbus_link link = link_of(HYP_MODBUS_RTU);
    struct hyp_modbus_request request = {0, 6, 20, 1, write_data};
    struct hyp_modbus_write write;
    assert_int_equal(hyp_modbus_write_init(&write, &link, &request, 3), HYP_OK);
    struct run run = {0};
    struct hyp_session session = {.ops = &hyp_modbus_write_ops, .state = &write};
    assert_int_equal(drive(&run, session, &device).status, HYP_OK);
    assert_int_equal(device.requests, 1);
}

static void test_write_init_refuses(void **state)
{
    (void)state;
    struct hyp_modbus_link link = link_of(HYP_MODBUS_TCP);
    struct hyp_modbus_write write;
    struct hyp_modbus_request read = {UNIT, 3, 20, 1, write_data};
    assert_int_equal(hyp_modbus_write_init(&write, &link, &read, 0), HYP_UNSUPPORTED);
    struct hyp_modbus_request many = {UNIT, 16, 20, 124, write_data};
    assert_int_equal(hyp_modbus_write_init(&write, &link, &many, 0), HYP_INVALID);
    struct hyp_modbus_request coil = {UNIT, 5, 20, 1, coil_data};
    assert_int_equal(hyp_modbus_write_init(&write, &link, &coil, 3), HYP_INVALID);
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
    TEST_ROWS(&list, write_rows, check_write);
    TEST_ONE(&list, test_broadcast);
    TEST_ONE(&list, test_write_init_refuses);
    return test_list_run(&list, "modbus_master");
}
