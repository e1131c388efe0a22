/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands: [select -> <- E5]  SND_UD -> <- E5
 *
 * Set baud goes on: the line is switched with SND_NKE at the new rate, and back when nobody
 * answers there.
 */
#include "protocol/mbus/master.h"

#include "model/plant.h"
#include "protocol/mbus/talk.h"

#include <string.h>

#define CI_APPLICATION_RESET 0x50
#define CI_DATA 0x51
#define CI_BAUD_300 0xB8

enum step { STEP_SELECT, STEP_RESET, STEP_SEND, STEP_NEW_BAUD };

static void prepare(struct hyp_mbus_command *command, struct hyp_mbus_link *link,
                    const struct hyp_mbus_target *target, uint8_t ci, const uint8_t *data,
                    size_t len)
{
    command->new_baud = 0;
    command->old_baud = 0;
    command->ci = ci;
    command->data_len = len;
    if (len > 0) {
        memcpy(command->data, data, len);
    }
    hyp_mbus_talk_init(&command->talk, link, target);
}

void hyp_mbus_command_reset_application(struct hyp_mbus_command *command,
                                        struct hyp_mbus_link *link,
                                        const struct hyp_mbus_target *target,
                                        int16_t application)
{
    uint8_t subcode = (uint8_t)application;
    prepare(command, link, target, CI_APPLICATION_RESET, &subcode, application >= 0 ? 1 : 0);
}

enum hyp_status hyp_mbus_command_set_address(struct hyp_mbus_command *command,
                                             struct hyp_mbus_link *link,
                                             const struct hyp_mbus_target *target,
                                             uint8_t new_address)
{
    const uint8_t record[] = {0x01, 0x7A, new_address};
    if (new_address > HYP_MBUS_ADDRESS_MAX) {
        return HYP_INVALID;
    }
    prepare(command, link, target, CI_DATA, record, sizeof(record));
    return HYP_OK;
}

enum hyp_status hyp_mbus_command_set_baud(struct hyp_mbus_command *command,
                                          struct hyp_mbus_link *link,
                                          const struct hyp_mbus_target *target,
                                          uint32_t old_baud, uint32_t new_baud)
{
    int index = hyp_mbus_baud_index(new_baud);
    if (index < 0) {
        return HYP_INVALID;
    }
    prepare(command, link, target, (uint8_t)(CI_BAUD_300 + index), NULL, 0);
    command->new_baud = new_baud;
    command->old_baud = old_baud;
    return HYP_OK;
}

enum hyp_status hyp_mbus_command_send(struct hyp_mbus_command *command,
                                      struct hyp_mbus_link *link,
                                      const struct hyp_mbus_target *target,
                                      const uint8_t *records, size_t len)
{
    if (len > HYP_MBUS_USER_DATA_MAX) {
        return HYP_LIMIT;
    }
    prepare(command, link, target, CI_DATA, records, len);
    return HYP_OK;
}

static struct hyp_session_io send_command(struct hyp_mbus_command *command, hyp_mono now)
{
    command->talk.step = STEP_SEND;
    return hyp_mbus_talk_send(&command->talk, command->ci, command->data, command->data_len,
                              now);
}

static struct hyp_session_io start(void *session, hyp_mono now)
{
    struct hyp_mbus_command *command = session;
    struct hyp_mbus_conversation *talk = &command->talk;
    talk->state = HYP_SESSION_RUNNING;
    if (talk->target.secondary) {
        talk->step = STEP_SELECT;
        return hyp_mbus_talk_select(talk, now);
    }
    /* With a frame count bit that may be the last one, the meter would take the command for a
     * repetition and acknowledge without doing anything. */
    if (!hyp_mbus_fcb_is_known(&talk->link->fcb, talk->target.primary)) {
        talk->step = STEP_RESET;
        return hyp_mbus_talk_reset(talk, 1, now);
    }
    return send_command(command, now);
}

static struct hyp_session_io after_send(struct hyp_mbus_command *command, hyp_mono now)
{
    struct hyp_mbus_conversation *talk = &command->talk;
    enum hyp_mbus_outcome outcome = talk->exchange.outcome;
    bool silent_is_fine = talk->exchange.expect == HYP_MBUS_EXPECT_NOTHING;
    if (outcome != HYP_MBUS_GOT_ACK && !silent_is_fine) {
        return hyp_mbus_talk_fail_exchange(talk, "the command");
    }
    hyp_mbus_fcb_toggle(&talk->link->fcb, hyp_mbus_talk_address(talk));
    if (command->new_baud == 0) {
        return hyp_mbus_talk_done(talk);
    }
    struct hyp_mbus_timing slowest = hyp_mbus_timing_for_baud(command->new_baud);
    talk->step = STEP_NEW_BAUD;
    talk->exchange.baud = command->new_baud;
    talk->link->line_baud = command->new_baud;
    talk->exchange.timing.answer_ms =
        HYP_MAX(talk->exchange.timing.answer_ms, slowest.answer_ms);
    talk->exchange.timing.gap_ms = HYP_MAX(talk->exchange.timing.gap_ms, slowest.gap_ms);
    /* A selected meter would be deselected by SND_NKE, which is as good: it has answered. */
    return hyp_mbus_talk_reset(talk, (uint8_t)(1 + HYP_MIN(talk->link->retries, 254)), now);
}

static struct hyp_session_io after_new_baud(struct hyp_mbus_command *command)
{
    struct hyp_mbus_conversation *talk = &command->talk;
    bool silent_is_fine = talk->exchange.expect == HYP_MBUS_EXPECT_NOTHING;
    if (talk->exchange.outcome == HYP_MBUS_GOT_ACK || silent_is_fine) {
        hyp_mbus_fcb_reset(&talk->link->fcb, hyp_mbus_talk_address(talk));
        return hyp_mbus_talk_done(talk);
    }
    struct hyp_session_io io = hyp_mbus_talk_fail(
        talk, HYP_TIMEOUT, "the meter does not answer at %u baud; the line is back at %u",
        command->new_baud, command->old_baud);
    io.baud = command->old_baud;
    talk->link->line_baud = command->old_baud;
    return io;
}

static struct hyp_session_io proceed(struct hyp_mbus_command *command, struct hyp_session_io io,
                                     hyp_mono now)
{
    struct hyp_mbus_conversation *talk = &command->talk;
    enum hyp_mbus_outcome outcome = talk->exchange.outcome;
    if (outcome == HYP_MBUS_WAITING) {
        return io;
    }
    switch ((enum step)talk->step) {
    case STEP_SELECT:
        if (outcome != HYP_MBUS_GOT_ACK) {
            return hyp_mbus_talk_fail_exchange(talk, "the selection");
        }
        hyp_mbus_fcb_reset(&talk->link->fcb, hyp_mbus_talk_address(talk));
        return send_command(command, now);
    case STEP_RESET:
        hyp_mbus_fcb_reset(&talk->link->fcb, hyp_mbus_talk_address(talk));
        return send_command(command, now);
    case STEP_SEND: return after_send(command, now);
    case STEP_NEW_BAUD: break;
    }
    return after_new_baud(command);
}

static struct hyp_session_io feed(void *session, const uint8_t *bytes, size_t len, hyp_mono now)
{
    struct hyp_mbus_command *command = session;
    if (command->talk.state != HYP_SESSION_RUNNING) {
        return hyp_mbus_talk_ended(&command->talk);
    }
    struct hyp_session_io io = hyp_mbus_exchange_feed(&command->talk.exchange, bytes, len, now);
    return proceed(command, io, now);
}

static struct hyp_session_io tick(void *session, hyp_mono now)
{
    struct hyp_mbus_command *command = session;
    if (command->talk.state != HYP_SESSION_RUNNING) {
        return hyp_mbus_talk_ended(&command->talk);
    }
    return proceed(command, hyp_mbus_exchange_tick(&command->talk.exchange, now), now);
}

static const char *error_text(const void *session)
{
    const struct hyp_mbus_command *command = session;
    return command->talk.text;
}

const struct hyp_session_ops hyp_mbus_command_ops = {
    .name = "mbus.command",
    .start = start,
    .feed = feed,
    .tick = tick,
    .error_text = error_text,
};
