/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Late answers. TCP answers carry the transaction id of their request, so an old one is known
 * and dropped. RTU answers carry nothing: an answer that comes after the time-out looks like
 * the answer to whatever was asked next. Three rules keep them apart:
 *   1. the receiver takes only answers of the unit, function and size asked for;
 *   2. when a request was repeated and then answered, a second answer may still be on its way:
 *      the next request to the same unit waits one time-out and drops what comes meanwhile;
 *   3. the same wait follows a request that was given up. Other units need not wait, rule 1
 *      protects them, so a dead device does not slow its neighbours.
 */
#include "protocol/modbus/exchange.h"

#include "base/buf.h"

static hyp_mono after(hyp_mono now, uint32_t ms)
{
    return (hyp_mono){now.ms + (int64_t)ms};
}

void hyp_modbus_exchange_say(struct hyp_modbus_exchange *exchange, const char *what)
{
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, exchange->work->text, sizeof(exchange->work->text));
    hyp_buf_append_fmt(&buf, "unit %u, function %u, address %u, count %u: %s",
                       exchange->request.unit, exchange->request.function,
                       exchange->request.address, exchange->request.count, what);
    hyp_buf_terminate(&buf);
}

static enum hyp_modbus_outcome fail(struct hyp_modbus_exchange *exchange,
                                    enum hyp_status status, const char *what)
{
    exchange->waiting = false;
    exchange->deadline = HYP_NO_DEADLINE;
    exchange->status = status;
    hyp_modbus_exchange_say(exchange, what);
    return HYP_MODBUS_FAILED;
}

static bool is_broadcast(const struct hyp_modbus_exchange *exchange)
{
    return exchange->link->framing == HYP_MODBUS_RTU && exchange->request.unit == 0;
}

static void remember_late(struct hyp_modbus_exchange *exchange, hyp_mono now)
{
    if (exchange->link->framing == HYP_MODBUS_RTU) {
        exchange->link->late_unit = exchange->request.unit;
        exchange->link->late_until = after(now, exchange->link->timeout_ms);
    }
}

void hyp_modbus_exchange_init(struct hyp_modbus_exchange *exchange,
                              struct hyp_modbus_link *link, struct hyp_modbus_work *work)
{
    exchange->link = link;
    exchange->work = work;
    exchange->waiting = false;
    exchange->send_now = false;
    exchange->deadline = HYP_NO_DEADLINE;
    exchange->status = HYP_OK;
    exchange->work->text[0] = '\0';
}

/* What was skipped or damaged decides the words of a time-out, so it is worth keeping too. */
bool hyp_modbus_exchange_keeps(const struct hyp_modbus_exchange *exchange)
{
    const struct hyp_modbus_receiver *receiver = &exchange->work->receiver;
    return exchange->waiting && (exchange->echo_left > 0 || receiver->len > 0 ||
                                 receiver->skipped > 0 || receiver->bad_check);
}

void hyp_modbus_exchange_lend(struct hyp_modbus_exchange *exchange,
                              struct hyp_modbus_work *work)
{
    exchange->work = work;
    work->text[0] = '\0';
    if (exchange->waiting) {
        hyp_modbus_receiver_expect(&work->receiver, exchange->link->framing,
                                   &exchange->request);
    }
}

void hyp_modbus_exchange_keep(struct hyp_modbus_exchange *exchange,
                              struct hyp_modbus_work *work)
{
    *work = *exchange->work;
    work->answer.data = NULL; /* of an answer that is done with */
    exchange->work = work;
}

static enum hyp_modbus_outcome send_request(struct hyp_modbus_exchange *exchange, hyp_mono now)
{
    struct hyp_modbus_link *link = exchange->link;
    exchange->transaction = ++link->transaction;
    struct hyp_buf frame;
    hyp_buf_init_fixed(&frame, exchange->work->frame, sizeof(exchange->work->frame));
    enum hyp_status status = hyp_modbus_request_encode(
        &frame, link->framing, exchange->transaction, &exchange->request);
    if (status != HYP_OK) {
        return fail(exchange, status, "the request is outside the limits of Modbus");
    }
    exchange->frame_len = (uint16_t)frame.len;
    exchange->echo_left = link->echo ? exchange->frame_len : 0;
    exchange->send_now = true;
    exchange->waiting = true;
    exchange->deadline = after(now, link->timeout_ms);
    hyp_modbus_receiver_expect(&exchange->work->receiver, link->framing, &exchange->request);
    return HYP_MODBUS_PENDING;
}

/* Lets the request go out after `pause_ms`. */
static enum hyp_modbus_outcome send_after(struct hyp_modbus_exchange *exchange,
                                          uint32_t pause_ms, hyp_mono now)
{
    hyp_mono at = after(now, pause_ms);
    const struct hyp_modbus_link *link = exchange->link;
    if (link->framing == HYP_MODBUS_RTU && link->late_unit == exchange->request.unit) {
        at.ms = HYP_MAX(at.ms, link->late_until.ms);
    }
    if (at.ms <= now.ms) {
        return send_request(exchange, now);
    }
    exchange->waiting = false;
    exchange->deadline = at;
    return HYP_MODBUS_PENDING;
}

enum hyp_modbus_outcome hyp_modbus_exchange_begin(struct hyp_modbus_exchange *exchange,
                                                  const struct hyp_modbus_request *request,
                                                  bool first, hyp_mono now)
{
    exchange->request = *request;
    exchange->repeats = 0;
    exchange->misfit = false;
    exchange->send_now = false;
    exchange->status = HYP_OK;
    exchange->work->text[0] = '\0';
    return send_after(exchange, first ? 0 : exchange->link->delay_ms, now);
}

/* The attempt gave nothing: once more, or give up for good. */
static enum hyp_modbus_outcome repeat(struct hyp_modbus_exchange *exchange, uint32_t pause_ms,
                                      hyp_mono now, enum hyp_status status, const char *what)
{
    if (exchange->repeats >= exchange->link->retries) {
        return fail(exchange, status, what);
    }
    exchange->repeats++;
    return send_after(exchange, pause_ms, now);
}

static enum hyp_modbus_outcome take_exception(struct hyp_modbus_exchange *exchange,
                                              hyp_mono now)
{
    uint8_t code = exchange->work->answer.exception;
    const char *text = hyp_modbus_exception_text(code);
    switch (code) {
    case HYP_MODBUS_ACKNOWLEDGE:
    case HYP_MODBUS_BUSY: return repeat(exchange, exchange->link->busy_ms, now, HYP_BUSY, text);
    case HYP_MODBUS_GATEWAY_NO_PATH:
    case HYP_MODBUS_GATEWAY_NO_ANSWER:
        return repeat(exchange, exchange->link->delay_ms, now, HYP_TIMEOUT, text);
    default: break;
    }
    exchange->waiting = false;
    exchange->deadline = HYP_NO_DEADLINE;
    exchange->status = HYP_REFUSED;
    hyp_modbus_exchange_say(exchange, text);
    return HYP_MODBUS_EXCEPTION;
}

static void skip_echo(struct hyp_modbus_exchange *exchange, const uint8_t **bytes, size_t *len)
{
    while (exchange->echo_left > 0 && *len > 0) {
        size_t at = (size_t)exchange->frame_len - exchange->echo_left;
        if (**bytes != exchange->work->frame[at]) {
            exchange->echo_left = 0; /* not our echo after all: the answer itself */
            return;
        }
        exchange->echo_left--;
        (*bytes)++;
        (*len)--;
    }
}

enum hyp_modbus_outcome hyp_modbus_exchange_feed(struct hyp_modbus_exchange *exchange,
                                                 const uint8_t *bytes, size_t len, hyp_mono now)
{
    exchange->send_now = false;
    if (!exchange->waiting || is_broadcast(exchange)) {
        return HYP_MODBUS_PENDING; /* nobody was asked: what comes is late or noise */
    }
    skip_echo(exchange, &bytes, &len);
    while (hyp_modbus_receiver_next(&exchange->work->receiver, &bytes, &len,
                                    &exchange->work->answer) == HYP_OK) {
        bool tcp = exchange->link->framing == HYP_MODBUS_TCP;
        if (tcp && exchange->work->answer.transaction != exchange->transaction) {
            continue;
        }
        if (!hyp_modbus_answer_fits(&exchange->work->answer, &exchange->request)) {
            exchange->misfit = true;
            continue;
        }
        if (exchange->repeats > 0) {
            remember_late(exchange, now);
        }
        if (exchange->work->answer.exception != 0) {
            return take_exception(exchange, now);
        }
        exchange->waiting = false;
        exchange->deadline = HYP_NO_DEADLINE;
        return HYP_MODBUS_ANSWERED;
    }
    return HYP_MODBUS_PENDING;
}

/* Nothing usable came in time; says which of the three kinds of nothing it was. */
static enum hyp_modbus_outcome time_out(struct hyp_modbus_exchange *exchange, hyp_mono now)
{
    enum hyp_status status = HYP_TIMEOUT;
    const char *what = "no answer in time";
    if (exchange->work->receiver.bad_check) {
        status = HYP_BAD_CHECK;
        what = "the answer was damaged (wrong CRC); check the line and the baud rate";
    } else if (exchange->misfit) {
        status = HYP_MALFORMED;
        what = "the answer does not fit the request";
    } else if (exchange->work->receiver.skipped > 0 || exchange->work->receiver.len > 0) {
        status = HYP_MALFORMED;
        what = "bytes came that are no answer to this request";
    }
    if (exchange->repeats >= exchange->link->retries) {
        remember_late(exchange, now);
    }
    return repeat(exchange, exchange->link->delay_ms, now, status, what);
}

enum hyp_modbus_outcome hyp_modbus_exchange_tick(struct hyp_modbus_exchange *exchange,
                                                 hyp_mono now)
{
    exchange->send_now = false;
    if (now.ms < exchange->deadline.ms) {
        return HYP_MODBUS_PENDING;
    }
    if (!exchange->waiting) {
        return send_request(exchange, now);
    }
    if (is_broadcast(exchange)) {
        exchange->waiting = false;
        exchange->deadline = HYP_NO_DEADLINE;
        return HYP_MODBUS_ANSWERED;
    }
    return time_out(exchange, now);
}

struct hyp_session_io hyp_modbus_exchange_io(const struct hyp_modbus_exchange *exchange)
{
    return (struct hyp_session_io){
        .state = HYP_SESSION_RUNNING,
        .status = HYP_OK,
        .send = exchange->send_now ? exchange->work->frame : NULL,
        .send_len = exchange->send_now ? exchange->frame_len : 0,
        .deadline = exchange->deadline,
    };
}
