/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout of a request and its answer (Modbus application protocol 1.1b3 and the TCP and serial
 * line guides):
 *
 *     TCP  | transaction 2 | 00 00 | length 2 | unit | function | ... |
 *     RTU                                     | unit | function | ... | CRC lo | CRC hi |
 *
 *     read request        function | address 2 | count 2
 *     read answer         function | byte count | data
 *     write single        function | address 2 | value 2        answered by its copy
 *     write multiple      function | address 2 | count 2 | byte count | data
 *       its answer        function | address 2 | count 2
 *     exception           function + 80 | exception
 *
 * All 16-bit fields have the high byte first; only the CRC is sent low byte first.
 */
#include "protocol/modbus/frame.h"

#include "base/bytes.h"

#include <string.h>

#define MBAP_LEN 6 /* transaction, protocol, length; the unit belongs to the counted part */
#define CRC_LEN 2
#define EXCEPTION_BIT 0x80u

struct function_row {
    uint16_t count_max;
    bool read;
    bool multiple; /* write with byte count and data */
};

static const struct function_row function_rows[] = {
    [HYP_MODBUS_READ_COILS] = {HYP_MODBUS_READ_BITS_MAX,       true,  false},
    [HYP_MODBUS_READ_DISCRETE_INPUTS] = {HYP_MODBUS_READ_BITS_MAX,       true,  false},
    [HYP_MODBUS_READ_HOLDING] = {HYP_MODBUS_READ_REGISTERS_MAX,  true,  false},
    [HYP_MODBUS_READ_INPUT] = {HYP_MODBUS_READ_REGISTERS_MAX,  true,  false},
    [HYP_MODBUS_WRITE_COIL] = {1,                              false, false},
    [HYP_MODBUS_WRITE_REGISTER] = {1,                              false, false},
    [HYP_MODBUS_WRITE_COILS] = {HYP_MODBUS_WRITE_BITS_MAX,      false, true },
    [HYP_MODBUS_WRITE_REGISTERS] = {HYP_MODBUS_WRITE_REGISTERS_MAX, false, true },
};

static const char *const exception_texts[] = {
    [HYP_MODBUS_ILLEGAL_FUNCTION] = "illegal function",
    [HYP_MODBUS_ILLEGAL_ADDRESS] = "illegal address",
    [HYP_MODBUS_ILLEGAL_VALUE] = "illegal value",
    [HYP_MODBUS_DEVICE_FAILURE] = "device failure",
    [HYP_MODBUS_ACKNOWLEDGE] = "acknowledged, still working",
    [HYP_MODBUS_BUSY] = "device busy",
    [7] = "negative acknowledge",
    [8] = "memory parity error",
    [HYP_MODBUS_GATEWAY_NO_PATH] = "gateway: no path to the target",
    [HYP_MODBUS_GATEWAY_NO_ANSWER] = "gateway: target did not answer",
};

const char *hyp_modbus_exception_text(uint8_t exception)
{
    if (exception >= HYP_ARRAY_LEN(exception_texts) || exception_texts[exception] == NULL) {
        return "unknown exception";
    }
    return exception_texts[exception];
}

static const struct function_row *find_function(uint8_t function)
{
    if (function >= HYP_ARRAY_LEN(function_rows) || function_rows[function].count_max == 0) {
        return NULL;
    }
    return &function_rows[function];
}

size_t hyp_modbus_data_bytes(uint8_t function, uint16_t count)
{
    return hyp_modbus_is_bits(function) ? (count + 7u) / 8u : count * 2u;
}

uint16_t hyp_modbus_crc(const uint8_t *data, size_t len)
{
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < len; i++) {
        crc = (uint16_t)(crc ^ data[i]);
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc >> 1) ^ ((crc & 1u) != 0 ? 0xA001u : 0u));
        }
    }
    return crc;
}

static void append_pdu(struct hyp_buf *out, const struct function_row *row,
                       const struct hyp_modbus_request *request)
{
    size_t data_len = hyp_modbus_data_bytes(request->function, request->count);
    hyp_buf_append_u8(out, request->unit);
    hyp_buf_append_u8(out, request->function);
    hyp_buf_append_be16(out, request->address);
    if (row->read || row->multiple) {
        hyp_buf_append_be16(out, request->count);
    }
    if (row->multiple) {
        hyp_buf_append_u8(out, (uint8_t)data_len);
        hyp_buf_append(out, request->data, data_len);
    } else if (!row->read) {
        hyp_buf_append(out, request->data, 2);
    }
}

enum hyp_status hyp_modbus_request_encode(struct hyp_buf *out, enum hyp_modbus_framing framing,
                                          uint16_t transaction,
                                          const struct hyp_modbus_request *request)
{
    const struct function_row *row = find_function(request->function);
    if (row == NULL || framing == HYP_MODBUS_FRAMING_UNSET) {
        return HYP_UNSUPPORTED;
    }
    if (request->count == 0 || request->count > row->count_max ||
        request->address + request->count > 0x10000 || (!row->read && request->data == NULL)) {
        return HYP_INVALID;
    }
    uint8_t memory[HYP_MODBUS_FRAME_MAX];
    struct hyp_buf pdu;
    hyp_buf_init_fixed(&pdu, memory, sizeof(memory));
    append_pdu(&pdu, row, request);
    if (framing == HYP_MODBUS_TCP) {
        hyp_buf_append_be16(out, transaction);
        hyp_buf_append_be16(out, 0);
        hyp_buf_append_be16(out, (uint16_t)pdu.len);
        hyp_buf_append(out, memory, pdu.len);
    } else {
        hyp_buf_append(out, memory, pdu.len);
        hyp_buf_append_le16(out, hyp_modbus_crc(memory, pdu.len));
    }
    return hyp_buf_status(out);
}

/* Unit, function and what follows; `bytes` holds exactly that. `base` is its frame offset. */
static enum hyp_status parse_pdu(struct hyp_bytes bytes, size_t base,
                                 struct hyp_modbus_answer *answer, struct hyp_error *err)
{
    answer->unit = hyp_bytes_u8(&bytes);
    uint8_t function = hyp_bytes_u8(&bytes);
    answer->function = function & (uint8_t)~EXCEPTION_BIT;
    const struct function_row *row = find_function(answer->function);
    if (row == NULL) {
        return hyp_error_set(err, HYP_UNSUPPORTED, (int64_t)base + 1,
                             "answer with unknown function %u", answer->function);
    }
    if ((function & EXCEPTION_BIT) != 0) {
        answer->exception = hyp_bytes_u8(&bytes);
        if (answer->exception == 0) {
            return hyp_error_set(err, HYP_MALFORMED, (int64_t)base + 2,
                                 "exception without code");
        }
    } else if (row->read) {
        answer->data_len = hyp_bytes_u8(&bytes);
        answer->data = hyp_bytes_take(&bytes, answer->data_len);
    } else {
        answer->address = hyp_bytes_be16(&bytes);
        answer->value = hyp_bytes_be16(&bytes);
    }
    if (hyp_bytes_failed(&bytes) || hyp_bytes_left(&bytes) != 0) {
        return hyp_error_set(err, HYP_MALFORMED, (int64_t)(base + bytes.pos),
                             "the frame is %s than its function says",
                             hyp_bytes_failed(&bytes) ? "shorter" : "longer");
    }
    return HYP_OK;
}

static enum hyp_status parse_tcp(const uint8_t *bytes, size_t len,
                                 struct hyp_modbus_answer *answer, struct hyp_error *err)
{
    struct hyp_bytes reader = hyp_bytes_from(bytes, len);
    answer->transaction = hyp_bytes_be16(&reader);
    uint16_t protocol = hyp_bytes_be16(&reader);
    uint16_t length = hyp_bytes_be16(&reader);
    if (hyp_bytes_failed(&reader)) {
        return hyp_error_set(err, HYP_NEED_MORE, (int64_t)len, "header is not complete");
    }
    if (protocol != 0) {
        return hyp_error_set(err, HYP_MALFORMED, 2, "protocol %u is not Modbus", protocol);
    }
    if (length < 3 || length > HYP_MODBUS_FRAME_MAX - MBAP_LEN) {
        return hyp_error_set(err, HYP_MALFORMED, 4, "length %u is out of range", length);
    }
    if (len - MBAP_LEN < length) {
        return hyp_error_set(err, HYP_NEED_MORE, (int64_t)len, "%zu more bytes are needed",
                             length - (len - MBAP_LEN));
    }
    if (len - MBAP_LEN > length) {
        return hyp_error_set(err, HYP_MALFORMED, MBAP_LEN + length, "bytes after the frame");
    }
    return parse_pdu(hyp_bytes_slice(&reader, length), MBAP_LEN, answer, err);
}

static enum hyp_status parse_rtu(const uint8_t *bytes, size_t len,
                                 struct hyp_modbus_answer *answer, struct hyp_error *err)
{
    if (len < 2 + 1 + CRC_LEN) {
        return hyp_error_set(err, HYP_NEED_MORE, (int64_t)len, "frame is not complete");
    }
    uint16_t crc = hyp_modbus_crc(bytes, len - CRC_LEN);
    uint16_t sent = (uint16_t)(bytes[len - 2] | bytes[len - 1] << 8);
    if (crc != sent) {
        return hyp_error_set(err, HYP_BAD_CHECK, (int64_t)len - CRC_LEN,
                             "CRC is %04X, computed %04X", sent, crc);
    }
    return parse_pdu(hyp_bytes_from(bytes, len - CRC_LEN), 0, answer, err);
}

enum hyp_status hyp_modbus_answer_parse(enum hyp_modbus_framing framing, const uint8_t *bytes,
                                        size_t len, struct hyp_modbus_answer *ret_answer,
                                        struct hyp_error *err)
{
    struct hyp_modbus_answer answer = {0};
    enum hyp_status status = framing == HYP_MODBUS_TCP ? parse_tcp(bytes, len, &answer, err)
                                                       : parse_rtu(bytes, len, &answer, err);
    if (status == HYP_OK) {
        *ret_answer = answer;
    }
    return status;
}

bool hyp_modbus_answer_fits(const struct hyp_modbus_answer *answer,
                            const struct hyp_modbus_request *request)
{
    if (answer->function != request->function) {
        return false;
    }
    /* Servers behind the "any" unit ids of TCP answer with an id of their own. */
    bool any_unit = request->unit == 0 || request->unit == 255;
    if (answer->unit != request->unit && !any_unit) {
        return false;
    }
    if (answer->exception != 0) {
        return true;
    }
    if (hyp_modbus_is_read(request->function)) {
        return answer->data_len == hyp_modbus_data_bytes(request->function, request->count);
    }
    if (answer->address != request->address) {
        return false;
    }
    bool single = request->function == HYP_MODBUS_WRITE_COIL ||
                  request->function == HYP_MODBUS_WRITE_REGISTER;
    uint16_t echoed = request->count;
    if (single) {
        echoed = (uint16_t)(request->data[0] << 8 | request->data[1]);
    }
    return answer->value == echoed;
}

void hyp_modbus_receiver_expect(struct hyp_modbus_receiver *receiver,
                                enum hyp_modbus_framing framing,
                                const struct hyp_modbus_request *request)
{
    receiver->framing = framing;
    receiver->expected = *request;
    receiver->len = 0;
    receiver->frame_len = 0;
    receiver->skipped = 0;
    receiver->bad_check = false;
}

static void drop_front(struct hyp_modbus_receiver *receiver, size_t count)
{
    memmove(receiver->buffer, receiver->buffer + count, receiver->len - count);
    receiver->len -= count;
}

/* How long the frame at the front is: 0 = more bytes needed to say, SIZE_MAX = no frame here.
 */
static size_t tcp_frame_len(const struct hyp_modbus_receiver *receiver)
{
    const uint8_t *b = receiver->buffer;
    if ((receiver->len > 2 && b[2] != 0) || (receiver->len > 3 && b[3] != 0) ||
        (receiver->len > 4 && b[4] != 0)) {
        return SIZE_MAX;
    }
    if (receiver->len < MBAP_LEN) {
        return 0;
    }
    return b[5] >= 3 && b[5] <= HYP_MODBUS_FRAME_MAX - MBAP_LEN ? (size_t)MBAP_LEN + b[5]
                                                                : SIZE_MAX;
}

static size_t rtu_frame_len(const struct hyp_modbus_receiver *receiver)
{
    const uint8_t *b = receiver->buffer;
    const struct hyp_modbus_request *expected = &receiver->expected;
    if (b[0] != expected->unit) {
        return SIZE_MAX;
    }
    if (receiver->len < 2) {
        return 0;
    }
    if ((b[1] & (uint8_t)~EXCEPTION_BIT) != expected->function) {
        return SIZE_MAX;
    }
    if ((b[1] & EXCEPTION_BIT) != 0) {
        return 3 + CRC_LEN;
    }
    if (!hyp_modbus_is_read(expected->function)) {
        return 6 + CRC_LEN;
    }
    if (receiver->len < 3) {
        return 0;
    }
    size_t data_len = hyp_modbus_data_bytes(expected->function, expected->count);
    return b[2] == data_len ? 3 + data_len + CRC_LEN : SIZE_MAX;
}

/*
 * Looks for a frame at the front of the buffer, skipping bytes that cannot start one. What is
 * skipped depends on the bytes alone, never on how they arrived.
 */
static enum hyp_status scan(struct hyp_modbus_receiver *receiver,
                            struct hyp_modbus_answer *ret_answer)
{
    while (receiver->len > 0) {
        size_t frame_len = receiver->framing == HYP_MODBUS_TCP ? tcp_frame_len(receiver)
                                                               : rtu_frame_len(receiver);
        if (frame_len == 0 || (frame_len != SIZE_MAX && frame_len > receiver->len)) {
            return HYP_NEED_MORE;
        }
        if (frame_len != SIZE_MAX) {
            enum hyp_status status = hyp_modbus_answer_parse(
                receiver->framing, receiver->buffer, frame_len, ret_answer, NULL);
            if (status == HYP_OK) {
                receiver->frame_len = frame_len;
                return HYP_OK;
            }
            receiver->bad_check |= status == HYP_BAD_CHECK;
        }
        /* A TCP frame of a foreign kind ends where its header says; nothing inside it may be
         * taken for a header. RTU has only its CRC to go by, so it moves byte by byte. */
        bool whole = receiver->framing == HYP_MODBUS_TCP && frame_len != SIZE_MAX;
        size_t count = whole ? frame_len : 1;
        receiver->skipped += count;
        drop_front(receiver, count);
    }
    return HYP_NEED_MORE;
}

enum hyp_status hyp_modbus_receiver_next(struct hyp_modbus_receiver *receiver,
                                         const uint8_t **bytes, size_t *len,
                                         struct hyp_modbus_answer *ret_answer)
{
    drop_front(receiver, receiver->frame_len);
    receiver->frame_len = 0;
    for (;;) {
        if (scan(receiver, ret_answer) == HYP_OK) {
            return HYP_OK;
        }
        if (*len == 0) {
            return HYP_NEED_MORE;
        }
        size_t room = HYP_MIN(sizeof(receiver->buffer) - receiver->len, *len);
        memcpy(receiver->buffer + receiver->len, *bytes, room);
        receiver->len += room;
        *bytes += room;
        *len -= room;
    }
}
