/* SPDX-License-Identifier: Apache-2.0 */
#include "support/modbus_device.h"

#include "support/rows.h"

#include "base/bytes.h"

void device_init(struct device *device, enum hyp_modbus_framing framing, const char *script)
{
    memset(device, 0, sizeof(*device));
    device->framing = framing;
    device->script = script;
    for (size_t i = 0; i < DEVICE_REGISTERS; i++) {
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
        if (i >= DEVICE_REGISTERS || device->missing[i]) {
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

void device_request(struct device *device, const uint8_t *bytes, size_t len)
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

struct hyp_modbus_work run_work;
static struct hyp_modbus_work own_work;

/* Between two calls others use the memory that is shared. */
static void share(const struct run *run)
{
    struct hyp_modbus_exchange *exchange = run->sharing;
    if (exchange == NULL) {
        return;
    }
    if (hyp_modbus_exchange_keeps(exchange)) {
        if (exchange->work == &run_work) {
            hyp_modbus_exchange_keep(exchange, &own_work);
        }
        memset(&run_work, 0xA5, sizeof(run_work));
    } else {
        memset(&run_work, 0xA5, sizeof(run_work));
        hyp_modbus_exchange_lend(exchange, &run_work);
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

struct hyp_session_io drive(struct run *run, struct hyp_session session, struct device *device)
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

struct hyp_modbus_link link_of(enum hyp_modbus_framing framing)
{
    return (struct hyp_modbus_link){
        .framing = framing, .timeout_ms = 1000, .delay_ms = 20, .busy_ms = 300, .retries = 2};
}
