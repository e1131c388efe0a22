/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For every address: SND_NKE; whoever acknowledges is asked for data once, to learn who it is.
 * Garbled bytes after either mean two meters with one address, which is worth telling: nothing
 * else on this bus will ever read them.
 */
#include "protocol/mbus/search.h"

#include "protocol/mbus/talk.h"

enum step { STEP_RESET, STEP_REQUEST };

void hyp_mbus_scan_init(struct hyp_mbus_scan *scan, struct hyp_mbus_link *link, uint8_t first,
                        uint8_t last, struct hyp_mbus_found *items, size_t capacity)
{
    *scan = (struct hyp_mbus_scan){
        .findings = {.items = items, .capacity = capacity},
        .first = first,
        .last = HYP_MIN(last, (uint8_t)HYP_MBUS_ADDRESS_MAX),
        .address = first,
        .link = link,
    };
    scan->exchange.timing = link->timing;
    scan->exchange.baud = hyp_mbus_link_switch(link);
    scan->exchange.give_up_noisy = true;
}

unsigned hyp_mbus_scan_permille(const struct hyp_mbus_scan *scan)
{
    if (scan->state == HYP_SESSION_DONE || scan->last < scan->first) {
        return 1000;
    }
    return 1000u * (unsigned)(scan->address - scan->first) /
           ((unsigned)(scan->last - scan->first) + 1);
}

static struct hyp_session_io ended(const struct hyp_mbus_scan *scan)
{
    return (struct hyp_session_io){.state = scan->state, .deadline = HYP_NO_DEADLINE};
}

static uint8_t tries(const struct hyp_mbus_scan *scan)
{
    return (uint8_t)(1 + HYP_MIN(scan->link->retries, 254));
}

static struct hyp_session_io reset(struct hyp_mbus_scan *scan, hyp_mono now)
{
    scan->step = STEP_RESET;
    scan->exchange.settle = true;
    hyp_mbus_exchange_short(&scan->exchange, HYP_MBUS_C_SND_NKE, scan->address,
                            HYP_MBUS_EXPECT_ACK, tries(scan));
    return hyp_mbus_exchange_start(&scan->exchange, now);
}

static struct hyp_session_io request(struct hyp_mbus_scan *scan, hyp_mono now)
{
    scan->step = STEP_REQUEST;
    scan->exchange.settle = false;
    hyp_mbus_fcb_reset(&scan->link->fcb, scan->address);
    hyp_mbus_exchange_short(&scan->exchange, HYP_MBUS_C_REQ_UD2 | HYP_MBUS_C_FCB, scan->address,
                            HYP_MBUS_EXPECT_ANSWER, tries(scan));
    return hyp_mbus_exchange_start(&scan->exchange, now);
}

static bool accept_answer(void *user, const struct hyp_mbus_frame *frame)
{
    const struct hyp_mbus_scan *scan = user;
    return hyp_mbus_frame_is_response(frame) && frame->a == scan->address;
}

static void add(struct hyp_mbus_scan *scan, struct hyp_mbus_found found)
{
    struct hyp_mbus_findings *findings = &scan->findings;
    found.primary = scan->address;
    if (!found.has_address) {
        found.address = HYP_MBUS_SECONDARY_ANY;
    }
    if (findings->count == findings->capacity) {
        findings->dropped++;
        return;
    }
    findings->items[findings->count++] = found;
}

static struct hyp_session_io next_address(struct hyp_mbus_scan *scan, hyp_mono now)
{
    if (scan->address >= scan->last) {
        scan->state = HYP_SESSION_DONE;
        return ended(scan);
    }
    scan->address++;
    return reset(scan, now);
}

static struct hyp_session_io after_reset(struct hyp_mbus_scan *scan, hyp_mono now)
{
    switch (scan->exchange.outcome) {
    case HYP_MBUS_GOT_ACK: return request(scan, now);
    case HYP_MBUS_GARBLED:
        add(scan, (struct hyp_mbus_found){.collision = true});
        return next_address(scan, now);
    case HYP_MBUS_WAITING:
    case HYP_MBUS_SILENT:
    case HYP_MBUS_FOREIGN:
    case HYP_MBUS_GOT_ANSWER: break;
    }
    return scan->patient ? request(scan, now) : next_address(scan, now);
}

static struct hyp_session_io after_request(struct hyp_mbus_scan *scan, hyp_mono now)
{
    struct hyp_mbus_found found = {.collision = false};
    bool acknowledged = true;
    switch (scan->exchange.outcome) {
    case HYP_MBUS_GOT_ANSWER:
        found.has_address = hyp_mbus_answer_identity(&scan->exchange.answer, &found.address);
        hyp_mbus_fcb_toggle(&scan->link->fcb, scan->address);
        break;
    case HYP_MBUS_GARBLED: found.collision = true; break;
    case HYP_MBUS_GOT_ACK: found.no_data = true; break;
    case HYP_MBUS_WAITING:
    case HYP_MBUS_SILENT:
    case HYP_MBUS_FOREIGN:
        found.no_data = true;
        /* Whether SND_NKE was acknowledged is all that tells a mute meter from none. */
        acknowledged = scan->acknowledged;
        break;
    }
    if (acknowledged) {
        add(scan, found);
    }
    return next_address(scan, now);
}

static struct hyp_session_io proceed(struct hyp_mbus_scan *scan, struct hyp_session_io io,
                                     hyp_mono now)
{
    if (scan->exchange.outcome == HYP_MBUS_WAITING) {
        return io;
    }
    if (scan->step == STEP_RESET) {
        scan->acknowledged = scan->exchange.outcome == HYP_MBUS_GOT_ACK;
        return after_reset(scan, now);
    }
    return after_request(scan, now);
}

static struct hyp_session_io start(void *session, hyp_mono now)
{
    struct hyp_mbus_scan *scan = session;
    scan->exchange.accept = accept_answer;
    scan->exchange.user = scan;
    if (scan->first > scan->last) {
        scan->state = HYP_SESSION_DONE;
        return ended(scan);
    }
    scan->state = HYP_SESSION_RUNNING;
    return reset(scan, now);
}

static struct hyp_session_io feed(void *session, const uint8_t *bytes, size_t len, hyp_mono now)
{
    struct hyp_mbus_scan *scan = session;
    if (scan->state != HYP_SESSION_RUNNING) {
        return ended(scan);
    }
    return proceed(scan, hyp_mbus_exchange_feed(&scan->exchange, bytes, len, now), now);
}

static struct hyp_session_io tick(void *session, hyp_mono now)
{
    struct hyp_mbus_scan *scan = session;
    if (scan->state != HYP_SESSION_RUNNING) {
        return ended(scan);
    }
    return proceed(scan, hyp_mbus_exchange_tick(&scan->exchange, now), now);
}

static const char *error_text(const void *session)
{
    (void)session;
    return "";
}

const struct hyp_session_ops hyp_mbus_scan_ops = {
    .name = "mbus.scan",
    .start = start,
    .feed = feed,
    .tick = tick,
    .error_text = error_text,
};
