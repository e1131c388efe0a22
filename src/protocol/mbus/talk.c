/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/mbus/talk.h"

#include "base/buf.h"

#include <stdarg.h>

/* Smallest time a level converter and its driver add to the bus. */
#define CONVERTER_MS 100

struct hyp_mbus_timing hyp_mbus_timing_for_baud(uint32_t baud)
{
    uint32_t rate = baud == 0 ? 2400 : baud;
    return (struct hyp_mbus_timing){
        .answer_ms = 330 * 1000 / rate + 50 + CONVERTER_MS,
        .gap_ms = 33 * 1000 / rate + CONVERTER_MS,
    };
}

void hyp_mbus_link_init(struct hyp_mbus_link *link, struct hyp_mbus_timing timing,
                        uint8_t retries)
{
    *link = (struct hyp_mbus_link){.timing = timing, .retries = retries};
}

uint32_t hyp_mbus_link_switch(struct hyp_mbus_link *link)
{
    if (link->baud == 0 || link->baud == link->line_baud) {
        return 0;
    }
    /* Another meter may have the same address at another rate. */
    link->fcb = (struct hyp_mbus_fcb){0};
    link->line_baud = link->baud;
    return link->baud;
}

bool hyp_mbus_fcb_is_known(const struct hyp_mbus_fcb *fcb, uint8_t address)
{
    return (fcb->known[address / 8] >> address % 8 & 1) != 0;
}

void hyp_mbus_fcb_reset(struct hyp_mbus_fcb *fcb, uint8_t address)
{
    fcb->bit[address / 8] |= (uint8_t)(1u << address % 8);
    fcb->known[address / 8] |= (uint8_t)(1u << address % 8);
}

void hyp_mbus_fcb_toggle(struct hyp_mbus_fcb *fcb, uint8_t address)
{
    fcb->bit[address / 8] ^= (uint8_t)(1u << address % 8);
}

void hyp_mbus_fcb_forget(struct hyp_mbus_fcb *fcb, uint8_t address)
{
    fcb->known[address / 8] &= (uint8_t) ~(1u << address % 8);
}

void hyp_mbus_talk_init(struct hyp_mbus_conversation *talk, struct hyp_mbus_link *link,
                        const struct hyp_mbus_target *target)
{
    *talk = (struct hyp_mbus_conversation){.link = link, .target = *target};
    talk->exchange.timing = link->timing;
    talk->exchange.baud = hyp_mbus_link_switch(link);
}

uint8_t hyp_mbus_talk_address(const struct hyp_mbus_conversation *talk)
{
    return talk->target.secondary ? HYP_MBUS_ADDRESS_SELECTED : talk->target.primary;
}

uint8_t hyp_mbus_talk_c(const struct hyp_mbus_conversation *talk, uint8_t c)
{
    uint8_t address = hyp_mbus_talk_address(talk);
    bool bit = (talk->link->fcb.bit[address / 8] >> address % 8 & 1) != 0;
    return (uint8_t)(bit ? c | HYP_MBUS_C_FCB : c);
}

static uint8_t tries(const struct hyp_mbus_conversation *talk)
{
    return (uint8_t)(1 + HYP_MIN(talk->link->retries, 254));
}

static enum hyp_mbus_expect expect_ack(const struct hyp_mbus_conversation *talk)
{
    return hyp_mbus_talk_address(talk) == HYP_MBUS_ADDRESS_ALL ? HYP_MBUS_EXPECT_NOTHING
                                                               : HYP_MBUS_EXPECT_ACK;
}

size_t hyp_mbus_select_encode(const struct hyp_mbus_secondary *address,
                              uint8_t out[static HYP_MBUS_SELECT_MAX])
{
    hyp_mbus_secondary_encode(address, out);
    if (!address->has_fabrication) {
        return 8;
    }
    out[8] = 0x0C;
    out[9] = 0x78;
    for (unsigned i = 0; i < 4; i++) {
        out[10 + i] = (uint8_t)(address->fabrication >> (8 * i));
    }
    return HYP_MBUS_SELECT_MAX;
}

struct hyp_session_io hyp_mbus_talk_select(struct hyp_mbus_conversation *talk, hyp_mono now)
{
    uint8_t data[HYP_MBUS_SELECT_MAX];
    size_t len = hyp_mbus_select_encode(&talk->target.address, data);
    hyp_mbus_exchange_long(&talk->exchange, HYP_MBUS_C_SND_UD, HYP_MBUS_ADDRESS_SELECTED,
                           HYP_MBUS_CI_SELECT, data, len, HYP_MBUS_EXPECT_ACK, tries(talk));
    return hyp_mbus_exchange_start(&talk->exchange, now);
}

struct hyp_session_io hyp_mbus_talk_reset(struct hyp_mbus_conversation *talk,
                                          uint8_t tries_count, hyp_mono now)
{
    hyp_mbus_exchange_short(&talk->exchange, HYP_MBUS_C_SND_NKE, hyp_mbus_talk_address(talk),
                            expect_ack(talk), tries_count);
    return hyp_mbus_exchange_start(&talk->exchange, now);
}

struct hyp_session_io hyp_mbus_talk_send(struct hyp_mbus_conversation *talk, uint8_t ci,
                                         const uint8_t *data, size_t len, hyp_mono now)
{
    enum hyp_mbus_expect expect = expect_ack(talk);
    hyp_mbus_exchange_long(&talk->exchange, hyp_mbus_talk_c(talk, HYP_MBUS_C_SND_UD),
                           hyp_mbus_talk_address(talk), ci, data, len, expect,
                           expect == HYP_MBUS_EXPECT_NOTHING ? 1 : tries(talk));
    return hyp_mbus_exchange_start(&talk->exchange, now);
}

struct hyp_session_io hyp_mbus_talk_request(struct hyp_mbus_conversation *talk, hyp_mono now)
{
    hyp_mbus_exchange_short(&talk->exchange, hyp_mbus_talk_c(talk, HYP_MBUS_C_REQ_UD2),
                            hyp_mbus_talk_address(talk), HYP_MBUS_EXPECT_ANSWER, tries(talk));
    return hyp_mbus_exchange_start(&talk->exchange, now);
}

struct hyp_session_io hyp_mbus_talk_ended(const struct hyp_mbus_conversation *talk)
{
    return (struct hyp_session_io){
        .state = talk->state, .status = talk->status, .deadline = HYP_NO_DEADLINE};
}

struct hyp_session_io hyp_mbus_talk_done(struct hyp_mbus_conversation *talk)
{
    talk->state = HYP_SESSION_DONE;
    talk->status = HYP_OK;
    talk->text[0] = '\0';
    return hyp_mbus_talk_ended(talk);
}

static HYP_PRINTF(3, 0) struct hyp_session_io
    fail_va(struct hyp_mbus_conversation *talk, enum hyp_status status, const char *format,
            va_list args)
{
    struct hyp_buf text;
    talk->state = HYP_SESSION_FAILED;
    talk->status = status;
    hyp_buf_init_fixed(&text, talk->text, sizeof(talk->text));
    hyp_buf_append_vfmt(&text, format, args);
    (void)hyp_buf_terminate(&text);
    /* What the meter made of the last request is not known: start over next time. */
    hyp_mbus_fcb_forget(&talk->link->fcb, hyp_mbus_talk_address(talk));
    return hyp_mbus_talk_ended(talk);
}

struct hyp_session_io hyp_mbus_talk_fail(struct hyp_mbus_conversation *talk,
                                         enum hyp_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct hyp_session_io io = fail_va(talk, status, format, args);
    va_end(args);
    return io;
}

struct hyp_session_io hyp_mbus_talk_fail_exchange(struct hyp_mbus_conversation *talk,
                                                  const char *doing)
{
    const struct hyp_mbus_exchange *exchange = &talk->exchange;
    unsigned count = tries(talk);
    switch (exchange->outcome) {
    case HYP_MBUS_GARBLED:
        return hyp_mbus_talk_fail(talk, HYP_BAD_CHECK,
                                  "only damaged bytes came back for %s (%u %s): noise, two "
                                  "meters with one address, or a wrong baud rate",
                                  doing, count, count == 1 ? "try" : "tries");
    case HYP_MBUS_FOREIGN:
        return hyp_mbus_talk_fail(talk, HYP_NOT_MINE,
                                  "another meter answered for %s; nothing was taken from it",
                                  doing);
    case HYP_MBUS_GOT_ACK:
        return hyp_mbus_talk_fail(talk, HYP_REFUSED,
                                  "the meter acknowledged %s but sent no data", doing);
    case HYP_MBUS_WAITING:
    case HYP_MBUS_GOT_ANSWER:
    case HYP_MBUS_SILENT: break;
    }
    return hyp_mbus_talk_fail(talk, HYP_TIMEOUT, "no answer for %s within %u ms (%u %s)", doing,
                              exchange->timing.answer_ms, count, count == 1 ? "try" : "tries");
}

size_t hyp_mbus_header_len(uint8_t ci)
{
    switch (ci) {
    case 0x6F:
    case 0x72:
    case 0x75:
    case 0x76: return 12;
    case 0x6E:
    case 0x74:
    case 0x7A: return 4;
    default: return 0;
    }
}

bool hyp_mbus_answer_identity(const struct hyp_mbus_frame *frame,
                              struct hyp_mbus_secondary *ret_meter)
{
    uint8_t bytes[8];
    const uint8_t *data = frame->data;
    bool fixed = frame->ci == 0x73 || frame->ci == 0x77;
    bool msb_first = frame->ci == 0x76 || frame->ci == 0x77;
    size_t wanted = fixed ? 16 : 12;
    if ((!fixed && hyp_mbus_header_len(frame->ci) != 12) || frame->data_len < wanted) {
        return false;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = data[i];
    }
    if (msb_first) {
        for (size_t i = 0; i < 4; i++) {
            bytes[i] = data[3 - i];
        }
        bytes[4] = data[5];
        bytes[5] = data[4];
    }
    *ret_meter = hyp_mbus_secondary_decode(bytes);
    if (fixed) {
        ret_meter->manufacturer = 0xFFFF;
        ret_meter->version = 0xFF;
        ret_meter->medium = 0xFF;
    }
    return true;
}

bool hyp_mbus_answer_fits(const struct hyp_mbus_secondary *pattern,
                          const struct hyp_mbus_secondary *meter)
{
    struct hyp_mbus_secondary open = *pattern;
    if (meter->manufacturer == 0xFFFF && meter->version == 0xFF && meter->medium == 0xFF) {
        open.manufacturer = 0xFFFF;
        open.version = 0xFF;
        open.medium = 0xFF;
    }
    return hyp_mbus_secondary_matches(&open, meter);
}
