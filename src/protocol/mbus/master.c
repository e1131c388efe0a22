/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a meter:
 *
 *   primary    [SND_NKE ->  <- E5]  [CI 50 -> <- E5]  REQ_UD2 -> <- RSP_UD ...
 *   secondary  select -> <- E5      [CI 50 -> <- E5]  REQ_UD2 -> <- RSP_UD ...   (A = 253)
 *
 * REQ_UD2 is repeated with the toggled frame count bit while the answer ends with DIF 1F. A
 * repetition after silence or damage keeps the bit, so that the meter sends the same telegram
 * again; when the first answer was only late, two copies arrive, and the second must not be
 * taken for the next telegram: an answer equal to the one before is dropped.
 *
 * SND_NKE that is not acknowledged is no reason to give up, because some meters never do.
 */
#include "protocol/mbus/master.h"

#include "protocol/mbus/apl_error.h"
#include "protocol/mbus/record.h"
#include "protocol/mbus/talk.h"

#include <string.h>

#define CI_APPLICATION_RESET 0x50
#define CI_ERROR 0x70
#define CI_ERROR_SHORT 0x6E
#define CI_ERROR_LONG 0x6F
#define APL_ERROR_BUSY 0x08

enum step { STEP_SELECT, STEP_RESET, STEP_APPLICATION, STEP_REQUEST };

void hyp_mbus_read_init(struct hyp_mbus_read *read, struct hyp_mbus_link *link,
                        const struct hyp_mbus_target *target, uint8_t *frames, size_t capacity)
{
    *read = (struct hyp_mbus_read){
        .application = -1,
        .telegrams_max = HYP_LIMIT_MULTI_TELEGRAMS,
        .capacity = capacity,
        .error_code = -1,
    };
    read->frames = frames;
    hyp_mbus_talk_init(&read->talk, link, target);
}

static bool is_application_error(uint8_t ci)
{
    return ci == CI_ERROR || ci == CI_ERROR_SHORT || ci == CI_ERROR_LONG;
}

/* A repeated request may bring a late answer and its copy. */
static bool is_last_telegram(const struct hyp_mbus_read *read,
                             const struct hyp_mbus_frame *frame)
{
    size_t len = read->talk.exchange.answer.len;
    return read->frame_count > 0 && frame->len == len &&
           memcmp(frame->bytes, read->talk.exchange.answer_bytes, len) == 0;
}

static bool accept_answer(void *user, const struct hyp_mbus_frame *frame)
{
    const struct hyp_mbus_read *read = user;
    const struct hyp_mbus_target *target = &read->talk.target;
    struct hyp_mbus_secondary meter;
    if (!hyp_mbus_frame_is_response(frame)) {
        return false;
    }
    bool any_address = target->secondary || target->primary == HYP_MBUS_ADDRESS_ANY;
    if (!any_address && frame->a != target->primary) {
        return false;
    }
    if (!hyp_mbus_answer_identity(frame, &meter)) {
        /* An error reply is no reading, so it may come without a name. */
        return is_application_error(frame->ci) ||
               !(target->secondary || target->check_identity);
    }
    if ((target->secondary || target->check_identity) &&
        !hyp_mbus_answer_fits(&target->address, &meter)) {
        return false;
    }
    if (read->has_identity && !hyp_mbus_secondary_equal(&read->meter, &meter)) {
        return false;
    }
    return !is_last_telegram(read, frame);
}

static struct hyp_session_io request(struct hyp_mbus_read *read, hyp_mono now)
{
    read->talk.step = STEP_REQUEST;
    return hyp_mbus_talk_request(&read->talk, now);
}

static struct hyp_session_io reset_application(struct hyp_mbus_read *read, hyp_mono now)
{
    if (!read->has_application_reset) {
        return request(read, now);
    }
    uint8_t subcode = (uint8_t)read->application;
    read->talk.step = STEP_APPLICATION;
    return hyp_mbus_talk_send(&read->talk, CI_APPLICATION_RESET, &subcode,
                              read->application >= 0 ? 1 : 0, now);
}

static struct hyp_session_io start(void *session, hyp_mono now)
{
    struct hyp_mbus_read *read = session;
    struct hyp_mbus_conversation *talk = &read->talk;
    talk->state = HYP_SESSION_RUNNING;
    talk->exchange.accept = accept_answer;
    talk->exchange.user = read;
    if (talk->target.secondary) {
        talk->step = STEP_SELECT;
        return hyp_mbus_talk_select(talk, now);
    }
    bool known = hyp_mbus_fcb_is_known(&talk->link->fcb, talk->target.primary);
    if (read->reset == HYP_MBUS_RESET_ALWAYS ||
        (read->reset == HYP_MBUS_RESET_WHEN_NEEDED && !known)) {
        talk->step = STEP_RESET;
        return hyp_mbus_talk_reset(talk, 1, now);
    }
    return reset_application(read, now);
}

static struct hyp_session_io refuse(struct hyp_mbus_read *read)
{
    const struct hyp_mbus_frame *answer = &read->talk.exchange.answer;
    size_t header = hyp_mbus_header_len(answer->ci);
    uint8_t code = answer->data_len > header ? answer->data[header] : 0;
    read->error_code = code;
    return hyp_mbus_talk_fail(&read->talk, code == APL_ERROR_BUSY ? HYP_BUSY : HYP_REFUSED,
                              "the meter answered with application error %02X: %s", code,
                              hyp_mbus_apl_error_text(code));
}

/*
 * Old meters leave a signature or FFFF in the configuration word, so only the modes that exist
 * on wires (DES, AES in its variants, TLS) count as encrypted.
 */
static bool is_encrypted(uint8_t configuration_high)
{
    const uint32_t modes = 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 7 | 1u << 8 | 1u << 9 |
                           1u << 10 | 1u << 13;
    return (modes >> (configuration_high & 0x1F) & 1) != 0;
}

/* Do the records end with "more telegrams follow"? Encrypted ones cannot say. */
static bool announces_more(const struct hyp_mbus_frame *frame)
{
    size_t header = hyp_mbus_header_len(frame->ci);
    bool has_records =
        frame->ci == 0x72 || frame->ci == 0x76 || frame->ci == 0x78 || frame->ci == 0x7A;
    if (!has_records || frame->data_len < header) {
        return false;
    }
    if (header > 0 && is_encrypted(frame->data[header - 1])) {
        return false;
    }
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    hyp_mbus_records_init(&records, frame->data + header, frame->data_len - header, NULL);
    records.keep_containers = true;
    while (hyp_mbus_records_next(&records, &record, NULL) == HYP_OK) {
    }
    return records.more_follows;
}

static void store(struct hyp_mbus_read *read, const struct hyp_mbus_frame *frame)
{
    if (frame->len > read->capacity - read->frames_len) {
        read->frames_full = true;
        return;
    }
    memcpy(read->frames + read->frames_len, frame->bytes, frame->len);
    read->frames_len += frame->len;
    read->frame_count++;
}

static struct hyp_session_io take_answer(struct hyp_mbus_read *read, hyp_mono now)
{
    struct hyp_mbus_conversation *talk = &read->talk;
    const struct hyp_mbus_frame *answer = &talk->exchange.answer;
    hyp_mbus_fcb_toggle(&talk->link->fcb, hyp_mbus_talk_address(talk));
    if (is_application_error(answer->ci)) {
        return refuse(read);
    }
    if (!read->has_identity) {
        read->has_identity = hyp_mbus_answer_identity(answer, &read->meter);
    }
    store(read, answer);
    bool more = announces_more(answer);
    if (!more || read->single || read->frames_full ||
        read->frame_count >= read->telegrams_max) {
        read->more_follows = more;
        return hyp_mbus_talk_done(talk);
    }
    return request(read, now);
}

/* The outcome of a step that is over. */
static struct hyp_session_io proceed(struct hyp_mbus_read *read, struct hyp_session_io io,
                                     hyp_mono now)
{
    struct hyp_mbus_conversation *talk = &read->talk;
    enum hyp_mbus_outcome outcome = talk->exchange.outcome;
    uint8_t address = hyp_mbus_talk_address(talk);
    if (outcome == HYP_MBUS_WAITING) {
        return io;
    }
    switch ((enum step)talk->step) {
    case STEP_SELECT:
        if (outcome != HYP_MBUS_GOT_ACK) {
            return hyp_mbus_talk_fail_exchange(talk, "the selection");
        }
        hyp_mbus_fcb_reset(&talk->link->fcb, address);
        return reset_application(read, now);
    case STEP_RESET:
        hyp_mbus_fcb_reset(&talk->link->fcb, address);
        return reset_application(read, now);
    case STEP_APPLICATION:
        if (outcome != HYP_MBUS_GOT_ACK) {
            return hyp_mbus_talk_fail_exchange(talk, "the application reset");
        }
        hyp_mbus_fcb_toggle(&talk->link->fcb, address);
        return request(read, now);
    case STEP_REQUEST: break;
    }
    if (outcome != HYP_MBUS_GOT_ANSWER) {
        return hyp_mbus_talk_fail_exchange(talk, "the request");
    }
    return take_answer(read, now);
}

static struct hyp_session_io feed(void *session, const uint8_t *bytes, size_t len, hyp_mono now)
{
    struct hyp_mbus_read *read = session;
    if (read->talk.state != HYP_SESSION_RUNNING) {
        return hyp_mbus_talk_ended(&read->talk);
    }
    return proceed(read, hyp_mbus_exchange_feed(&read->talk.exchange, bytes, len, now), now);
}

static struct hyp_session_io tick(void *session, hyp_mono now)
{
    struct hyp_mbus_read *read = session;
    if (read->talk.state != HYP_SESSION_RUNNING) {
        return hyp_mbus_talk_ended(&read->talk);
    }
    return proceed(read, hyp_mbus_exchange_tick(&read->talk.exchange, now), now);
}

static const char *error_text(const void *session)
{
    const struct hyp_mbus_read *read = session;
    return read->talk.text;
}

const struct hyp_session_ops hyp_mbus_read_ops = {
    .name = "mbus.read",
    .start = start,
    .feed = feed,
    .tick = tick,
    .error_text = error_text,
};
