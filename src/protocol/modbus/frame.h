/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modbus frames: requests as bytes, answers as structs, in the framings TCP (MBAP header) and
 * RTU (address and CRC; on a serial line or inside a TCP stream).
 *
 * Knows functions 1-6, 15 and 16. Addresses are wire addresses (0-based): "register 40001" or a
 * controller's parameter number are notations of people and are converted before they get here.
 * Not about sessions, time-outs or what a register means (master.h, registers.h).
 */
#ifndef HYP_PROTOCOL_MODBUS_FRAME_H
#define HYP_PROTOCOL_MODBUS_FRAME_H

#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hyp_modbus_framing {
    HYP_MODBUS_FRAMING_UNSET = 0,
    HYP_MODBUS_TCP,
    HYP_MODBUS_RTU, /* also RTU over TCP */
};

enum hyp_modbus_function {
    HYP_MODBUS_READ_COILS = 1,
    HYP_MODBUS_READ_DISCRETE_INPUTS = 2,
    HYP_MODBUS_READ_HOLDING = 3,
    HYP_MODBUS_READ_INPUT = 4,
    HYP_MODBUS_WRITE_COIL = 5,
    HYP_MODBUS_WRITE_REGISTER = 6,
    HYP_MODBUS_WRITE_COILS = 15,
    HYP_MODBUS_WRITE_REGISTERS = 16,
};

enum hyp_modbus_exception {
    HYP_MODBUS_ILLEGAL_FUNCTION = 1,
    HYP_MODBUS_ILLEGAL_ADDRESS = 2,
    HYP_MODBUS_ILLEGAL_VALUE = 3,
    HYP_MODBUS_DEVICE_FAILURE = 4,
    HYP_MODBUS_ACKNOWLEDGE = 5,
    HYP_MODBUS_BUSY = 6,
    HYP_MODBUS_GATEWAY_NO_PATH = 10,
    HYP_MODBUS_GATEWAY_NO_ANSWER = 11,
};

/* Longest frames: TCP 260, RTU 256 bytes. */
#define HYP_MODBUS_FRAME_MAX 260
/* Most a request may ask for or carry; many devices allow less. */
#define HYP_MODBUS_READ_BITS_MAX 2000
#define HYP_MODBUS_READ_REGISTERS_MAX 125
#define HYP_MODBUS_WRITE_BITS_MAX 1968
#define HYP_MODBUS_WRITE_REGISTERS_MAX 123

/* "illegal address", "gateway: target did not answer" ...; "unknown exception" otherwise. */
const char *hyp_modbus_exception_text(uint8_t exception);

/* Does the function address single bits (1, 2, 5, 15)? */
static inline bool hyp_modbus_is_bits(uint8_t function)
{
    return function == HYP_MODBUS_READ_COILS || function == HYP_MODBUS_READ_DISCRETE_INPUTS ||
           function == HYP_MODBUS_WRITE_COIL || function == HYP_MODBUS_WRITE_COILS;
}

/* Is it one of the reading functions 1-4? */
static inline bool hyp_modbus_is_read(uint8_t function)
{
    return function >= HYP_MODBUS_READ_COILS && function <= HYP_MODBUS_READ_INPUT;
}

/* Data bytes of `count` bits or registers of a function. */
size_t hyp_modbus_data_bytes(uint8_t function, uint16_t count);

/* CRC-16 of RTU (polynomial A001 reflected, start FFFF); sent low byte first. */
uint16_t hyp_modbus_crc(const uint8_t *data, size_t len);

struct hyp_modbus_request {
    uint8_t unit;
    uint8_t function;
    uint16_t address;
    uint16_t count;      /* bits or registers; 1 for functions 5 and 6 */
    const uint8_t *data; /* 5, 6: two bytes (FF00 / 0000 for 5); 15: bits, lowest first; 16:
                            registers, high byte first; NULL for reads */
};

/*
 * Appends a request as one frame.
 * @transaction  TCP only
 * Returns   HYP_OK | UNSUPPORTED (function) | INVALID (count outside the protocol's limits, or
 *           past address 65535) | LIMIT (builder full)
 */
HYP_MUST_USE enum hyp_status
hyp_modbus_request_encode(struct hyp_buf *out, enum hyp_modbus_framing framing,
                          uint16_t transaction, const struct hyp_modbus_request *request);

struct hyp_modbus_answer {
    uint16_t transaction; /* TCP only */
    uint8_t unit;
    uint8_t function;    /* without the exception bit */
    uint8_t exception;   /* 0 = none */
    uint16_t address;    /* writes */
    uint16_t value;      /* 5, 6: the value written; 15, 16: how many */
    const uint8_t *data; /* reads: in the caller's bytes */
    size_t data_len;
};

/*
 * Takes one complete frame apart.
 * @len      exactly the frame
 * @ret_answer  data points into `bytes`
 * Returns   HYP_OK | NEED_MORE | BAD_CHECK (CRC) | MALFORMED (lengths disagree) | UNSUPPORTED
 *           (function); err->offset = byte
 */
HYP_MUST_USE enum hyp_status hyp_modbus_answer_parse(enum hyp_modbus_framing framing,
                                                     const uint8_t *bytes, size_t len,
                                                     struct hyp_modbus_answer *ret_answer,
                                                     struct hyp_error *err);

/* Is this the answer (or the exception) to that request: function, sizes, echoed fields? */
bool hyp_modbus_answer_fits(const struct hyp_modbus_answer *answer,
                            const struct hyp_modbus_request *request);

/*
 * Finds answers in a stream of bytes, however the stream is cut.
 *
 * RTU has no start mark, so the receiver is told what it waits for: unit, function and number
 * of data bytes decide whether a position can be the start of the answer; everything else
 * (garbage, an echoed request, the end of a late answer) is skipped byte by byte. TCP frames
 * carry their length; bytes that cannot be an MBAP header are skipped.
 */
struct hyp_modbus_receiver {
    enum hyp_modbus_framing framing;
    struct hyp_modbus_request expected;
    uint8_t buffer[HYP_MODBUS_FRAME_MAX];
    size_t len;
    size_t frame_len; /* of the frame given out last; removed at the next call */
    size_t skipped;   /* bytes thrown away since expect */
    bool bad_check;   /* a frame of the right shape had a wrong CRC since expect */
};

/* Empties the receiver and tells what is waited for (data is not looked at). */
void hyp_modbus_receiver_expect(struct hyp_modbus_receiver *receiver,
                                enum hyp_modbus_framing framing,
                                const struct hyp_modbus_request *request);

/*
 * Takes bytes until a frame is complete.
 * @bytes, @len   advanced past what was taken
 * @ret_answer    valid until the next call
 * Returns   HYP_OK (call again: more may follow) | NEED_MORE (all bytes taken)
 */
HYP_MUST_USE enum hyp_status hyp_modbus_receiver_next(struct hyp_modbus_receiver *receiver,
                                                      const uint8_t **bytes, size_t *len,
                                                      struct hyp_modbus_answer *ret_answer);

#endif
