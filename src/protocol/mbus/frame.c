/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   ACK      E5
 *   short    10 | C | A | CS | 16
 *   control  68 | 03 | 03 | 68 | C | A | CI | CS | 16
 *   long     68 | L  | L  | 68 | C | A | CI | data .. | CS | 16     L = 3 + data
 *
 * CS is the sum of the bytes from C to the last data byte, modulo 256.
 *
 * The receiver resynchronises byte by byte: when what begins at a start byte turns out to be no
 * frame, only that one byte is given up, because the true start may be the next one. Bytes that
 * belong to nothing are counted; whether they matter (a collision in a search) or not (noise
 * before an answer) is decided by the sessions.
 */
#include "protocol/mbus/frame.h"

#include <assert.h>
#include <string.h>

#define ACK 0xE5
#define START_SHORT 0x10
#define START_LONG 0x68
#define STOP 0x16
#define SHORT_LEN 5
#define HEAD 4   /* 68 L L 68 */
#define TAIL 2   /* CS 16 */
#define FIELDS 3 /* C A CI */

static uint8_t checksum(const uint8_t *bytes, size_t len)
{
    uint8_t sum = 0; /* narrow, so that the compiler adds many bytes at once */
    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum;
}

/* CS and stop byte at the end of a frame whose summed bytes begin at `from`. */
static enum hyp_status check_tail(const uint8_t *bytes, size_t from, size_t len,
                                  struct hyp_error *err)
{
    size_t at = len - TAIL;
    uint8_t sum = checksum(bytes + from, at - from);
    if (bytes[at] != sum) {
        return hyp_error_set(err, HYP_BAD_CHECK, (int64_t)at,
                             "checksum is %02X, sum of the bytes is %02X", bytes[at], sum);
    }
    if (bytes[at + 1] != STOP) {
        return hyp_error_set(err, HYP_MALFORMED, (int64_t)(at + 1), "stop byte is %02X, not 16",
                             bytes[at + 1]);
    }
    return HYP_OK;
}

static enum hyp_status cut(size_t len, size_t wanted, struct hyp_error *err)
{
    return hyp_error_set(err, HYP_NEED_MORE, (int64_t)len,
                         "cut: the frame has %zu bytes, %zu are there", wanted, len);
}

static enum hyp_status parse_short(const uint8_t *bytes, size_t len,
                                   struct hyp_mbus_frame *ret_frame, struct hyp_error *err)
{
    if (len < SHORT_LEN) {
        return cut(len, SHORT_LEN, err);
    }
    enum hyp_status status = check_tail(bytes, 1, SHORT_LEN, err);
    if (status == HYP_OK) {
        *ret_frame = (struct hyp_mbus_frame){
            .kind = HYP_MBUS_FRAME_SHORT,
            .c = bytes[1],
            .a = bytes[2],
            .bytes = bytes,
            .len = SHORT_LEN,
        };
    }
    return status;
}

/* The four bytes 68 L L 68, as far as they are there. */
static enum hyp_status check_head(const uint8_t *bytes, size_t len, struct hyp_error *err)
{
    if (len > 1 && bytes[1] < FIELDS) {
        return hyp_error_set(err, HYP_MALFORMED, 1, "length %u is too short for C A CI",
                             bytes[1]);
    }
    if (len > 2 && bytes[2] != bytes[1]) {
        return hyp_error_set(err, HYP_MALFORMED, 2, "the two length bytes differ: %u and %u",
                             bytes[1], bytes[2]);
    }
    if (len > 3 && bytes[3] != START_LONG) {
        return hyp_error_set(err, HYP_MALFORMED, 3, "second start byte is %02X, not 68",
                             bytes[3]);
    }
    return len < HEAD ? hyp_error_set(err, HYP_NEED_MORE, (int64_t)len,
                                      "the frame is cut in its first four bytes")
                      : HYP_OK;
}

static enum hyp_status parse_long(const uint8_t *bytes, size_t len,
                                  struct hyp_mbus_frame *ret_frame, struct hyp_error *err)
{
    enum hyp_status status = check_head(bytes, len, err);
    if (status != HYP_OK) {
        return status;
    }
    size_t total = HEAD + (size_t)bytes[1] + TAIL;
    if (len < total) {
        return cut(len, total, err);
    }
    status = check_tail(bytes, HEAD, total, err);
    if (status == HYP_OK) {
        *ret_frame = (struct hyp_mbus_frame){
            .kind = bytes[1] == FIELDS ? HYP_MBUS_FRAME_CONTROL : HYP_MBUS_FRAME_LONG,
            .c = bytes[4],
            .a = bytes[5],
            .ci = bytes[6],
            .bytes = bytes,
            .len = total,
            .data = bytes + HEAD + FIELDS,
            .data_len = bytes[1] - (size_t)FIELDS,
        };
    }
    return status;
}

enum hyp_status hyp_mbus_frame_parse(const uint8_t *bytes, size_t len,
                                     struct hyp_mbus_frame *ret_frame, struct hyp_error *err)
{
    if (len == 0) {
        return hyp_error_set(err, HYP_NEED_MORE, 0, "no bytes");
    }
    switch (bytes[0]) {
    case ACK:
        *ret_frame =
            (struct hyp_mbus_frame){.kind = HYP_MBUS_FRAME_ACK, .bytes = bytes, .len = 1};
        return HYP_OK;
    case START_SHORT: return parse_short(bytes, len, ret_frame, err);
    case START_LONG: return parse_long(bytes, len, ret_frame, err);
    default: break;
    }
    return hyp_error_set(err, HYP_MALFORMED, 0, "no frame begins with %02X", bytes[0]);
}

size_t hyp_mbus_frame_encode_short(uint8_t c, uint8_t a, uint8_t out[static 5])
{
    out[0] = START_SHORT;
    out[1] = c;
    out[2] = a;
    out[3] = (uint8_t)(c + a);
    out[4] = STOP;
    return SHORT_LEN;
}

size_t hyp_mbus_frame_encode_long(uint8_t c, uint8_t a, uint8_t ci, const uint8_t *data,
                                  size_t data_len, uint8_t out[static HYP_MBUS_FRAME_MAX])
{
    assert(data_len <= HYP_MBUS_USER_DATA_MAX);
    size_t l = FIELDS + data_len;
    out[0] = START_LONG;
    out[1] = (uint8_t)l;
    out[2] = (uint8_t)l;
    out[3] = START_LONG;
    out[4] = c;
    out[5] = a;
    out[6] = ci;
    if (data_len > 0) {
        memcpy(out + HEAD + FIELDS, data, data_len);
    }
    out[HEAD + l] = checksum(out + HEAD, l);
    out[HEAD + l + 1] = STOP;
    return HEAD + l + TAIL;
}

void hyp_mbus_receiver_init(struct hyp_mbus_receiver *receiver)
{
    *receiver = (struct hyp_mbus_receiver){.len = 0};
}

static void drop(struct hyp_mbus_receiver *receiver, size_t count)
{
    receiver->len -= count;
    memmove(receiver->bytes, receiver->bytes + count, receiver->len);
}

static void drop_given_out(struct hyp_mbus_receiver *receiver)
{
    drop(receiver, receiver->consume);
    receiver->consume = 0;
}

size_t hyp_mbus_receiver_feed(struct hyp_mbus_receiver *receiver, const uint8_t *bytes,
                              size_t len)
{
    drop_given_out(receiver);
    size_t taken = HYP_MIN(len, sizeof(receiver->bytes) - receiver->len);
    if (taken > 0) {
        memcpy(receiver->bytes + receiver->len, bytes, taken);
        receiver->len += taken;
        receiver->idle = false;
    }
    return taken;
}

enum hyp_status hyp_mbus_receiver_next(struct hyp_mbus_receiver *receiver,
                                       struct hyp_mbus_frame *ret_frame)
{
    drop_given_out(receiver);
    size_t start = 0;
    enum hyp_status status = HYP_NEED_MORE;
    while (start < receiver->len) {
        status = hyp_mbus_frame_parse(receiver->bytes + start, receiver->len - start, ret_frame,
                                      NULL);
        if (status == HYP_OK || (status == HYP_NEED_MORE && !receiver->idle)) {
            break;
        }
        receiver->broken += status == HYP_BAD_CHECK ? 1 : 0;
        receiver->skipped++;
        start++;
        status = HYP_NEED_MORE;
    }
    if (status == HYP_OK) {
        receiver->consume = start + ret_frame->len;
        return HYP_OK;
    }
    drop(receiver, start);
    return HYP_NEED_MORE;
}

void hyp_mbus_receiver_idle(struct hyp_mbus_receiver *receiver)
{
    drop_given_out(receiver);
    receiver->idle = true;
}
