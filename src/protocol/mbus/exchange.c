/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait: an answer may begin until `answer_ms` after the request, and every byte
 * that arrives keeps the exchange alive for one more `gap_ms`, so that answers that TCP or a
 * radio bridge delivers in pieces are not cut, while a dead line costs one answer time per try.
 *
 * A babbling line cannot hold an exchange for ever: after NOISE_MAX bytes without an
 * answer the try ends.
 */
#include "protocol/mbus/exchange.h"

#include <string.h>

#define NOISE_MAX 4096

static struct hyp_session_io wait_io(const struct hyp_mbus_exchange *exchange)
{
    return (struct hyp_session_io){.state = HYP_SESSION_RUNNING,
                                   .deadline = exchange->deadline};
}

static struct hyp_session_io send_try(struct hyp_mbus_exchange *exchange, hyp_mono now)
{
    hyp_mbus_receiver_init(&exchange->receiver);
    exchange->acks = 0;
    exchange->foreign = 0;
    exchange->heard = 0;
    exchange->outcome = HYP_MBUS_WAITING;
    uint32_t wait_ms = exchange->expect == HYP_MBUS_EXPECT_NOTHING ? exchange->timing.gap_ms
                                                                   : exchange->timing.answer_ms;
    exchange->deadline = (hyp_mono){now.ms + wait_ms};
    struct hyp_session_io io = wait_io(exchange);
    io.send = exchange->request;
    io.send_len = exchange->request_len;
    return io;
}

/* A session's line is switched after sending, so that a rate needed now goes out alone, and the
 * request follows at the next tick, which is due at once. */
static struct hyp_session_io switch_line(struct hyp_mbus_exchange *exchange, hyp_mono now)
{
    exchange->outcome = HYP_MBUS_WAITING;
    exchange->deadline = now;
    exchange->switching = true;
    struct hyp_session_io io = wait_io(exchange);
    io.baud = exchange->baud;
    exchange->baud = 0;
    return io;
}

void hyp_mbus_exchange_short(struct hyp_mbus_exchange *exchange, uint8_t c, uint8_t a,
                             enum hyp_mbus_expect expect, uint8_t tries)
{
    exchange->request_len = hyp_mbus_frame_encode_short(c, a, exchange->request);
    exchange->expect = expect;
    exchange->tries_left = tries;
}

void hyp_mbus_exchange_long(struct hyp_mbus_exchange *exchange, uint8_t c, uint8_t a,
                            uint8_t ci, const uint8_t *data, size_t data_len,
                            enum hyp_mbus_expect expect, uint8_t tries)
{
    exchange->request_len =
        hyp_mbus_frame_encode_long(c, a, ci, data, data_len, exchange->request);
    exchange->expect = expect;
    exchange->tries_left = tries;
}

struct hyp_session_io hyp_mbus_exchange_start(struct hyp_mbus_exchange *exchange, hyp_mono now)
{
    exchange->tries_left--;
    return exchange->baud != 0 ? switch_line(exchange, now) : send_try(exchange, now);
}

static void take_answer(struct hyp_mbus_exchange *exchange, const struct hyp_mbus_frame *frame)
{
    memcpy(exchange->answer_bytes, frame->bytes, frame->len);
    exchange->answer = *frame;
    exchange->answer.bytes = exchange->answer_bytes;
    exchange->answer.data = exchange->answer_bytes + (frame->data - frame->bytes);
    exchange->outcome = HYP_MBUS_GOT_ANSWER;
}

static void take_frame(struct hyp_mbus_exchange *exchange, const struct hyp_mbus_frame *frame)
{
    if (frame->kind == HYP_MBUS_FRAME_ACK) {
        exchange->acks++;
        if (exchange->expect == HYP_MBUS_EXPECT_ACK && !exchange->settle) {
            exchange->outcome = HYP_MBUS_GOT_ACK;
        }
        return;
    }
    if (hyp_mbus_frame_is_request(frame)) {
        exchange->heard -= HYP_MIN(exchange->heard, frame->len);
        return;
    }
    bool ours = exchange->expect == HYP_MBUS_EXPECT_ANSWER &&
                frame->kind != HYP_MBUS_FRAME_SHORT &&
                (exchange->accept == NULL || exchange->accept(exchange->user, frame));
    if (ours) {
        take_answer(exchange, frame);
    } else {
        exchange->foreign++;
    }
}

static void drain(struct hyp_mbus_exchange *exchange)
{
    struct hyp_mbus_frame frame;
    while (exchange->outcome == HYP_MBUS_WAITING &&
           hyp_mbus_receiver_next(&exchange->receiver, &frame) == HYP_OK) {
        take_frame(exchange, &frame);
    }
}

/* What the try amounts to when no more bytes come. */
static enum hyp_mbus_outcome judge(const struct hyp_mbus_exchange *exchange)
{
    bool clean = exchange->receiver.skipped == 0 && exchange->foreign == 0;
    if (exchange->acks > 0) {
        /* A clean single E5 is an answer even where data was asked for: "I have none". */
        return clean && exchange->acks == 1 ? HYP_MBUS_GOT_ACK : HYP_MBUS_GARBLED;
    }
    if (exchange->receiver.skipped > 0) {
        return HYP_MBUS_GARBLED;
    }
    return exchange->foreign > 0 ? HYP_MBUS_FOREIGN : HYP_MBUS_SILENT;
}

static struct hyp_session_io end_try(struct hyp_mbus_exchange *exchange, hyp_mono now)
{
    hyp_mbus_receiver_idle(&exchange->receiver);
    drain(exchange);
    if (exchange->outcome != HYP_MBUS_WAITING) {
        return wait_io(exchange);
    }
    enum hyp_mbus_outcome outcome = judge(exchange);
    bool final =
        outcome == HYP_MBUS_GOT_ACK || (outcome == HYP_MBUS_GARBLED && exchange->give_up_noisy);
    if (!final && exchange->tries_left > 0) {
        exchange->tries_left--;
        return send_try(exchange, now);
    }
    exchange->outcome = outcome;
    return wait_io(exchange);
}

struct hyp_session_io hyp_mbus_exchange_feed(struct hyp_mbus_exchange *exchange,
                                             const uint8_t *bytes, size_t len, hyp_mono now)
{
    while (len > 0 && exchange->outcome == HYP_MBUS_WAITING && !exchange->switching) {
        size_t taken = hyp_mbus_receiver_feed(&exchange->receiver, bytes, len);
        bytes += taken;
        len -= taken;
        exchange->heard += taken;
        drain(exchange);
        if (exchange->heard > NOISE_MAX) {
            return end_try(exchange, now);
        }
        int64_t gap_end = now.ms + exchange->timing.gap_ms;
        if (exchange->settle && exchange->acks > 0) {
            exchange->deadline.ms =
                exchange->settle_ms == 0 ? gap_end : now.ms + exchange->settle_ms;
        } else if (gap_end > exchange->deadline.ms) {
            exchange->deadline.ms = gap_end;
        }
    }
    return wait_io(exchange);
}

struct hyp_session_io hyp_mbus_exchange_tick(struct hyp_mbus_exchange *exchange, hyp_mono now)
{
    if (exchange->outcome != HYP_MBUS_WAITING || now.ms < exchange->deadline.ms) {
        return wait_io(exchange);
    }
    if (exchange->switching) {
        exchange->switching = false;
        return send_try(exchange, now);
    }
    return end_try(exchange, now);
}
