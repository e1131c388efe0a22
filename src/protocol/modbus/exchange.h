/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange: one Modbus request and its answer, with time-outs, repeats and the protection
 * against answers that come too late. The sessions of master.h are made of exchanges; nothing
 * else needs this header.
 */
#ifndef HYP_PROTOCOL_MODBUS_EXCHANGE_H
#define HYP_PROTOCOL_MODBUS_EXCHANGE_H

#include "protocol/modbus/frame.h"
#include "protocol/session.h"

/*
 * How a line or connection is talked over, and what it has to remember between sessions.
 * Owned by the caller, one per line or connection, shared by all sessions on it.
 */
struct hyp_modbus_link {
    enum hyp_modbus_framing framing;
    uint32_t timeout_ms; /* wait for an answer; 1000 on a LAN, 3000 over radio */
    uint32_t delay_ms;   /* pause between two requests; RTU: at least 3.5 characters */
    uint32_t busy_ms;    /* pause after the exceptions "busy" and "acknowledge" */
    uint8_t retries;     /* repeats after no answer, a damaged answer or "busy" */
    bool echo;           /* the line sends back what we send */

    /* kept by the sessions */
    uint16_t transaction; /* last id used */
    uint8_t late_unit;    /* RTU: this unit may still answer an old request ... */
    hyp_mono late_until;  /* ... until then */
};

#define HYP_MODBUS_TEXT_MAX 160

enum hyp_modbus_outcome {
    HYP_MODBUS_PENDING = 0,
    HYP_MODBUS_ANSWERED,
    HYP_MODBUS_EXCEPTION, /* refused by the device: see answer.exception */
    HYP_MODBUS_FAILED,    /* no usable answer: see status and text */
};

/*
 * The memory an exchange works in: large, and between two calls nearly always without content,
 * because an answer mostly comes in one piece. So one can serve ten thousand exchanges that
 * wait: it is lent to each for the time of a call (hyp_modbus_exchange_lend), and only an
 * exchange that has something to keep needs one of its own (hyp_modbus_exchange_keep).
 */
struct hyp_modbus_work {
    struct hyp_modbus_receiver receiver;
    struct hyp_modbus_answer answer;     /* its data is in the receiver */
    uint8_t frame[HYP_MODBUS_FRAME_MAX]; /* the request that goes out */
    char text[HYP_MODBUS_TEXT_MAX];      /* why it failed */
};

struct hyp_modbus_exchange {
    struct hyp_modbus_link *link;
    struct hyp_modbus_work *work;
    struct hyp_modbus_request request;
    hyp_mono deadline;
    enum hyp_status status;
    uint16_t frame_len;
    uint16_t echo_left;
    uint16_t transaction;
    uint8_t repeats;
    bool waiting;  /* false: pausing before the request goes out */
    bool send_now; /* the call just made put the frame out */
    bool misfit;   /* an answer came that does not fit the request */
};

/* Binds an exchange to its link and the memory it works in; begins nothing. */
void hyp_modbus_exchange_init(struct hyp_modbus_exchange *exchange,
                              struct hyp_modbus_link *link, struct hyp_modbus_work *work);

/*
 * Does `work` hold something that the exchange will need at its next call? If not, the memory
 * may serve others until then.
 */
bool hyp_modbus_exchange_keeps(const struct hyp_modbus_exchange *exchange);
/* Before a call: works in `work` from now on, whose content is void. It must keep nothing. */
void hyp_modbus_exchange_lend(struct hyp_modbus_exchange *exchange,
                              struct hyp_modbus_work *work);
/* After a call: moves what it keeps to `work`, which is its own from now on. */
void hyp_modbus_exchange_keep(struct hyp_modbus_exchange *exchange,
                              struct hyp_modbus_work *work);
/*
 * Begins a request; it goes out at once or after the link's pause.
 * @first  no pause is needed: nothing was sent on this line just before
 */
enum hyp_modbus_outcome hyp_modbus_exchange_begin(struct hyp_modbus_exchange *exchange,
                                                  const struct hyp_modbus_request *request,
                                                  bool first, hyp_mono now);
/*
 * Takes bytes from the line. An echo is passed over, an answer that does not fit the request or
 * comes while nobody was asked is not taken.
 * Returns  PENDING | ANSWERED (work->answer, valid until the next call) | EXCEPTION | FAILED
 */
enum hyp_modbus_outcome hyp_modbus_exchange_feed(struct hyp_modbus_exchange *exchange,
                                                 const uint8_t *bytes, size_t len,
                                                 hyp_mono now);
/* The deadline has come, or not yet: sends, sends once more or gives up (FAILED: TIMEOUT, or
 * BAD_CHECK, MALFORMED for what came instead). A broadcast is ANSWERED when its time is over.
 */
enum hyp_modbus_outcome hyp_modbus_exchange_tick(struct hyp_modbus_exchange *exchange,
                                                 hyp_mono now);
/* Puts a failure of `request` into words, in the work's text. */
void hyp_modbus_exchange_say(struct hyp_modbus_exchange *exchange, const char *what);
/* What the driver has to do now. */
struct hyp_session_io hyp_modbus_exchange_io(const struct hyp_modbus_exchange *exchange);

#endif
