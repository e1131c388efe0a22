/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wired M-Bus link layer (EN 13757-2): frames, and a receiver that finds them in a stream.
 *
 * Both directions are handled, so that a test or a simulator can use the same functions. What
 * is inside the user data is not this module's business.
 */
#ifndef HYP_PROTOCOL_MBUS_FRAME_H
#define HYP_PROTOCOL_MBUS_FRAME_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HYP_MBUS_FRAME_MAX 261 /* 68 L L 68, 255 bytes, CS 16 */
#define HYP_MBUS_USER_DATA_MAX 252

#define HYP_MBUS_ADDRESS_MAX 250
#define HYP_MBUS_ADDRESS_SELECTED 253
#define HYP_MBUS_ADDRESS_ANY 254 /* broadcast that is answered: one meter on the bus only */
#define HYP_MBUS_ADDRESS_ALL 255 /* broadcast without answer */

/* C field. */
#define HYP_MBUS_C_SND_NKE 0x40
#define HYP_MBUS_C_SND_UD 0x53
#define HYP_MBUS_C_REQ_UD1 0x5A
#define HYP_MBUS_C_REQ_UD2 0x5B
#define HYP_MBUS_C_RSP_UD 0x08
#define HYP_MBUS_C_FCB 0x20
#define HYP_MBUS_C_FROM_MASTER 0x40

enum hyp_mbus_frame_kind {
    HYP_MBUS_FRAME_UNSET = 0,
    HYP_MBUS_FRAME_ACK,     /* E5 */
    HYP_MBUS_FRAME_SHORT,   /* 10 C A CS 16 */
    HYP_MBUS_FRAME_CONTROL, /* 68 03 03 68 C A CI CS 16 */
    HYP_MBUS_FRAME_LONG,    /* 68 L L 68 C A CI data.. CS 16 */
};

struct hyp_mbus_frame {
    enum hyp_mbus_frame_kind kind;
    uint8_t c;
    uint8_t a;
    uint8_t ci;           /* control and long frames */
    const uint8_t *bytes; /* the whole frame, in the caller's or the receiver's buffer */
    size_t len;           /* of the whole frame */
    const uint8_t *data;  /* after CI */
    size_t data_len;
};

/* Sent by a master: a request, or the echo of one. */
static inline bool hyp_mbus_frame_is_request(const struct hyp_mbus_frame *frame)
{
    return frame->kind != HYP_MBUS_FRAME_ACK && (frame->c & HYP_MBUS_C_FROM_MASTER) != 0;
}

/*
 * Reads the frame at the start of `bytes`; there may be more behind it.
 * Returns   HYP_OK | NEED_MORE (a frame that is cut) | BAD_CHECK | MALFORMED (no frame begins
 *           here, lengths differ, no stop byte); err->offset is the byte that does not fit
 */
HYP_MUST_USE enum hyp_status hyp_mbus_frame_parse(const uint8_t *bytes, size_t len,
                                                  struct hyp_mbus_frame *ret_frame,
                                                  struct hyp_error *err);

/* Writes 10 C A CS 16; returns 5. */
size_t hyp_mbus_frame_encode_short(uint8_t c, uint8_t a, uint8_t out[static 5]);

/*
 * Writes a long frame (a control frame when there is no data).
 * @data_len  0..HYP_MBUS_USER_DATA_MAX
 * Returns    the length of the frame, 9..261
 */
size_t hyp_mbus_frame_encode_long(uint8_t c, uint8_t a, uint8_t ci, const uint8_t *data,
                                  size_t data_len, uint8_t out[static HYP_MBUS_FRAME_MAX]);

/*
 * Finds frames in a byte stream that may be cut and joined anywhere.
 * Drive it so: feed; next until NEED_MORE; feed the bytes that were not taken; and so on.
 */
struct hyp_mbus_receiver {
    uint8_t bytes[HYP_MBUS_FRAME_MAX]; /* what needs more is shorter than a whole frame */
    size_t len;
    size_t consume; /* bytes of the frame given out last, dropped at the next call */
    bool idle;      /* the line went quiet: what is incomplete is broken */
    size_t skipped; /* bytes so far that belonged to no frame */
    size_t broken;  /* frames so far with a wrong checksum or stop byte */
};

/* Empty, counters at 0. */
void hyp_mbus_receiver_init(struct hyp_mbus_receiver *receiver);

/* Takes as many bytes as fit and returns how many; at least one unless `len` is 0 or frames
 * wait to be taken with next. */
size_t hyp_mbus_receiver_feed(struct hyp_mbus_receiver *receiver, const uint8_t *bytes,
                              size_t len);

/*
 * The next frame.
 * @ret_frame  its bytes are valid until the next call on this receiver
 * Returns     HYP_OK | NEED_MORE
 */
HYP_MUST_USE enum hyp_status hyp_mbus_receiver_next(struct hyp_mbus_receiver *receiver,
                                                    struct hyp_mbus_frame *ret_frame);

/*
 * Tells that the line has been quiet for longer than a gap within a frame. An unfinished frame
 * is then broken, but a whole one may hide behind its first byte: call next until NEED_MORE.
 */
void hyp_mbus_receiver_idle(struct hyp_mbus_receiver *receiver);

#endif
