/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading and commanding have in common: whom to talk to, the frame count bit, how a
 * failed exchange is put into words. Private to the sessions of this folder.
 */
#ifndef HYP_PROTOCOL_MBUS_TALK_H
#define HYP_PROTOCOL_MBUS_TALK_H

#include "protocol/mbus/master.h"

/* Begins a conversation: nothing is sent yet; the line's rate is switched with the first
 * request if need be. @link outlives it; @target is copied */
void hyp_mbus_talk_init(struct hyp_mbus_conversation *talk, struct hyp_mbus_link *link,
                        const struct hyp_mbus_target *target);

/* The rate the line must be switched to before the first request; 0 = it is right. Takes note
 * that it will be. */
uint32_t hyp_mbus_link_switch(struct hyp_mbus_link *link);

/* The A field of requests: 253 for a selected meter. */
uint8_t hyp_mbus_talk_address(const struct hyp_mbus_conversation *talk);

/* Is it known which frame count bit the meter at this A field (0..255) has seen last? */
bool hyp_mbus_fcb_is_known(const struct hyp_mbus_fcb *fcb, uint8_t address);
/* After SND_NKE or a selection the next request carries FCB 1. */
void hyp_mbus_fcb_reset(struct hyp_mbus_fcb *fcb, uint8_t address);
/* The meter has answered: its next request carries the other bit. */
void hyp_mbus_fcb_toggle(struct hyp_mbus_fcb *fcb, uint8_t address);
/* It may have missed a request: its link is reset before the next one. */
void hyp_mbus_fcb_forget(struct hyp_mbus_fcb *fcb, uint8_t address);
/* SND_UD or REQ_UD2 with the bit that is due. */
uint8_t hyp_mbus_talk_c(const struct hyp_mbus_conversation *talk, uint8_t c);

#define HYP_MBUS_CI_SELECT 0x52
#define HYP_MBUS_SELECT_MAX 14 /* address, and 0C 78 with a fabrication number */
/* User data of a selection; returns its length, 8 or 14. */
size_t hyp_mbus_select_encode(const struct hyp_mbus_secondary *address,
                              uint8_t out[static HYP_MBUS_SELECT_MAX]);

/*
 * Prepare and send one request (EN 13757-2); what became of it is in talk->exchange after feed
 * and tick. select: SND_UD to 253 with the secondary address, answered by E5. reset: SND_NKE,
 * `tries` times at most. send: SND_UD with data (up to HYP_MBUS_USER_DATA_MAX bytes behind CI),
 * once where nobody answers. request: REQ_UD2, answered by RSP_UD.
 */
struct hyp_session_io hyp_mbus_talk_select(struct hyp_mbus_conversation *talk, hyp_mono now);
struct hyp_session_io hyp_mbus_talk_reset(struct hyp_mbus_conversation *talk, uint8_t tries,
                                          hyp_mono now);
struct hyp_session_io hyp_mbus_talk_send(struct hyp_mbus_conversation *talk, uint8_t ci,
                                         const uint8_t *data, size_t len, hyp_mono now);
struct hyp_session_io hyp_mbus_talk_request(struct hyp_mbus_conversation *talk, hyp_mono now);

/* The conversation has ended, well or with a status and a sentence for people. After a failure
 * the meter's link is reset before it is talked to again. */
struct hyp_session_io hyp_mbus_talk_done(struct hyp_mbus_conversation *talk);
struct hyp_session_io hyp_mbus_talk_fail(struct hyp_mbus_conversation *talk,
                                         enum hyp_status status, const char *format, ...)
    HYP_PRINTF(3, 4);
/* Fails with the status and words of the exchange's outcome. @doing "reading", "the selection"
 */
struct hyp_session_io hyp_mbus_talk_fail_exchange(struct hyp_mbus_conversation *talk,
                                                  const char *doing);

/* The end as io, for calls after it. */
struct hyp_session_io hyp_mbus_talk_ended(const struct hyp_mbus_conversation *talk);

/* Bytes of transport header after this CI; 0 when there is none or the CI is not known. */
size_t hyp_mbus_header_len(uint8_t ci);
/*
 * The meter named in the header of an answer. With the fixed data structure only the id is
 * known, the rest is "any".
 * Returns false when the answer names no meter.
 */
bool hyp_mbus_answer_identity(const struct hyp_mbus_frame *frame,
                              struct hyp_mbus_secondary *ret_meter);
/* Like hyp_mbus_secondary_matches; a field the meter leaves open does not count against it. */
bool hyp_mbus_answer_fits(const struct hyp_mbus_secondary *pattern,
                          const struct hyp_mbus_secondary *meter);
static inline bool hyp_mbus_frame_is_response(const struct hyp_mbus_frame *frame)
{
    return (frame->c & 0x4F) == HYP_MBUS_C_RSP_UD;
}

#endif
