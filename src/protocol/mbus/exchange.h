/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange: one request on a wired M-Bus and what comes back, with repetitions. Shared by the
 * master's sessions and the searches; not for callers outside this folder.
 *
 * Echoes of the request (converters that hear themselves) are recognised by their direction bit
 * and dropped. Noise before an answer is tolerated. An answer of somebody else is never taken:
 * the session's `accept` decides, and the exchange goes on waiting.
 */
#ifndef HYP_PROTOCOL_MBUS_EXCHANGE_H
#define HYP_PROTOCOL_MBUS_EXCHANGE_H

#include "protocol/mbus/frame.h"
#include "protocol/session.h"

/* Times of a line; see struct hyp_mbus_link for the caller's view. */
struct hyp_mbus_timing {
    uint32_t answer_ms; /* from the end of the request to the first byte of the answer */
    uint32_t gap_ms;    /* silence that ends a frame */
};

enum hyp_mbus_expect {
    HYP_MBUS_EXPECT_NOTHING = 0, /* broadcast without answer */
    HYP_MBUS_EXPECT_ACK,
    HYP_MBUS_EXPECT_ANSWER, /* RSP_UD */
};

enum hyp_mbus_outcome {
    HYP_MBUS_WAITING = 0,
    HYP_MBUS_GOT_ACK,
    HYP_MBUS_GOT_ANSWER,
    HYP_MBUS_SILENT,  /* nothing was heard in all tries (or nothing was expected) */
    HYP_MBUS_GARBLED, /* bytes, but no whole frame: noise or a collision */
    HYP_MBUS_FOREIGN, /* whole frames, but none for this request */
};

struct hyp_mbus_exchange {
    struct hyp_mbus_timing timing;
    struct hyp_mbus_receiver receiver;
    uint8_t request[HYP_MBUS_FRAME_MAX];
    size_t request_len;
    enum hyp_mbus_expect expect;
    bool settle;        /* wait for a gap after E5, so that a second one is heard */
    uint32_t settle_ms; /* wait that long instead; 0 = a gap */
    bool give_up_noisy; /* do not repeat after garbled bytes (they are the result) */
    uint8_t tries_left;
    uint32_t baud;  /* to switch the line to before the next request, 0 = leave */
    bool switching; /* the switch is out, the request is not */

    /* Is this answer for us? NULL takes any. */
    bool (*accept)(void *user, const struct hyp_mbus_frame *frame);
    void *user;

    enum hyp_mbus_outcome outcome;
    uint8_t answer_bytes[HYP_MBUS_FRAME_MAX];
    struct hyp_mbus_frame answer; /* points into answer_bytes */

    size_t acks;
    size_t foreign;
    size_t heard; /* bytes of this try, echoes not counted */
    hyp_mono deadline;
};

/* A request of 10 C A CS 16. */
void hyp_mbus_exchange_short(struct hyp_mbus_exchange *exchange, uint8_t c, uint8_t a,
                             enum hyp_mbus_expect expect, uint8_t tries);
/* A request of 68 .. 16. */
void hyp_mbus_exchange_long(struct hyp_mbus_exchange *exchange, uint8_t c, uint8_t a,
                            uint8_t ci, const uint8_t *data, size_t data_len,
                            enum hyp_mbus_expect expect, uint8_t tries);

/* Sends the request prepared with one of the two above. */
struct hyp_session_io hyp_mbus_exchange_start(struct hyp_mbus_exchange *exchange, hyp_mono now);
/* Takes bytes; look at exchange->outcome after. Bytes after the outcome are left unread. */
struct hyp_session_io hyp_mbus_exchange_feed(struct hyp_mbus_exchange *exchange,
                                             const uint8_t *bytes, size_t len, hyp_mono now);
/* The deadline has come, or not yet: sends what waits for a switch of rate, ends a try, repeats
 * or gives up; look at exchange->outcome after. */
struct hyp_session_io hyp_mbus_exchange_tick(struct hyp_mbus_exchange *exchange, hyp_mono now);

#endif
