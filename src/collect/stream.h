/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream: finds telegrams in what concentrators and receivers send, sans I/O.
 *
 * Understands, mixed in any order and cut anywhere:
 *   - raw telegrams: wireless (L field first, with or without CRCs), wired (68 L L 68 ... 16)
 *   - text lines: plain hex; hex between bars after "telegram="; rtl_wmbus
 *     (MODE;CRC;3OF6;TIME;RSSI;..;0xHEX, only with both checks good); CUL (b, bY before hex);
 *     JSON with the telegram in hex as "telegram", "data", "hex", "payload" or "frame"
 * What is none of these is skipped and counted. Whose telegram it is and whether it is whole
 * is the intake's business.
 */
#ifndef HYP_COLLECT_STREAM_H
#define HYP_COLLECT_STREAM_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"
#include "model/reading.h"
#include "protocol/receiver/receiver.h"

#include <stdbool.h>

struct hyp_stream {
    struct hyp_buf pending;
    size_t at;                               /* of what has not been looked at */
    uint64_t skipped;                        /* bytes and lines that were no telegram */
    uint8_t telegram[HYP_LIMIT_FRAME_BYTES]; /* of the last text line */
    enum hyp_receiver_kind receiver;         /* AUTO: anything of the above */
    struct hyp_receiver_find find;           /* of a receiver other than AUTO */
    bool starved;                            /* bytes found no memory; stays */
};

/* A telegram found; valid until the next call on the stream. */
struct hyp_piece {
    enum hyp_raw_protocol protocol;
    const uint8_t *bytes;
    size_t len;
    int16_t signal_dbm; /* 0 = not known */
};

/* Allocates nothing yet; finish frees what waits. @receiver whose protocol to expect */
void hyp_stream_init(struct hyp_stream *stream, enum hyp_receiver_kind receiver);
void hyp_stream_finish(struct hyp_stream *stream);

/* Adds bytes. When more than the limit waits, the oldest are skipped. */
void hyp_stream_feed(struct hyp_stream *stream, const uint8_t *bytes, size_t len);
/* There was a pause: what has not become a telegram by now is none. */
void hyp_stream_gap(struct hyp_stream *stream);
/*
 * The next telegram.
 * @whole   nothing will follow (a datagram, a message): decide with what is there
 * Returns  false when more bytes are needed
 */
bool hyp_stream_next(struct hyp_stream *stream, bool whole, struct hyp_piece *ret_piece);

/* Wired when it starts like a long frame, else wireless. */
enum hyp_raw_protocol hyp_raw_protocol_of(const uint8_t *bytes, size_t len);

/*
 * The telegram of one text line.
 * @out      at least HYP_LIMIT_FRAME_BYTES
 * Returns   HYP_OK | NOT_MINE (no telegram in it) | MALFORMED (looks like one, is damaged)
 */
HYP_MUST_USE enum hyp_status hyp_receiver_line_parse(struct hyp_str line, uint8_t *out,
                                                     struct hyp_piece *ret_piece);

#endif
