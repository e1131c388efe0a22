/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of layers:
 *
 *     wireless   link | [ELL] | [AFL] | transport | application data
 *     wired      68 L L 68 C A | [AFL] | transport | application data | CS 16
 *
 * All work is done in `plain`, a copy of the telegram without block CRCs: what is decrypted is
 * decrypted there in place, what is expanded is appended. So an offset in `plain` names the
 * same byte before and after decryption, and hyp_telegram_input_offset() leads back to the
 * input.
 */
#include "protocol/telegram.h"

#include "protocol/mbus/frame.h"
#include "protocol/mbus/record.h"
#include "protocol/wmbus/layers.h"

#include <string.h>

#define WIRED_START 0x68
#define WIRED_SHORT 0x10
#define WIRED_ACK 0xE5
#define WIRED_HEAD 4
#define WIRED_TAIL 2
#define CI_AFL 0x90
#define CI_APATOR_WRAPPER 0xB6

/*
 * Both are cleared for every telegram. Of these sizes the compilers make a string instruction
 * that needs longer to start than copying zeros takes.
 */
static const uint8_t no_fields[offsetof(struct hyp_telegram, plain)];
static const struct hyp_opening no_opening;

static inline void clear(struct hyp_telegram *telegram, enum hyp_link_kind link)
{
    /* `plain` is large and written before it is read: only the fields before it are cleared. */
    memcpy(telegram, no_fields, sizeof(no_fields));
    telegram->primary_address = -1;
    telegram->lsb_first = true;
    telegram->link = link;
}

size_t hyp_telegram_input_offset(const struct hyp_telegram *telegram, size_t plain_offset)
{
    if (plain_offset > telegram->received_len) {
        plain_offset = telegram->payload_offset;
    }
    return hyp_wmbus_link_input_offset((enum hyp_wmbus_format)telegram->block_format,
                                       plain_offset);
}

/* --- wired --- */

static void note_wired(struct hyp_explain *explain, const uint8_t *bytes, size_t l)
{
    const char *clause = "EN 13757-2";
    hyp_explain_add(explain, HYP_NOTE_LINK, 0, 1, "start", clause, "long frame");
    hyp_explain_add(explain, HYP_NOTE_LINK, 1, 2, "L", clause,
                    "%zu bytes from C to the checksum, sent twice", l);
    hyp_explain_add(explain, HYP_NOTE_LINK, 3, 1, "start", clause, "repeated");
    hyp_explain_add(explain, HYP_NOTE_LINK, 4, 1, "C", clause, "%s",
                    (bytes[4] & 0x40) != 0 ? "from the master" : "RSP_UD: response of a meter");
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, 5, 1, "A", clause, "primary address %u",
                    bytes[5]);
    hyp_explain_add(explain, HYP_NOTE_LINK, WIRED_HEAD + l, 1, "CS", clause,
                    "sum of the bytes from C, correct");
    hyp_explain_add(explain, HYP_NOTE_LINK, WIRED_HEAD + l + 1, 1, "stop", clause,
                    "end of frame");
}

/* One whole frame with user data, and nothing behind it. */
static enum hyp_status check_wired(const struct hyp_opening *opening, const uint8_t *bytes,
                                   size_t len, struct hyp_mbus_frame *ret_frame)
{
    enum hyp_status status = hyp_mbus_frame_parse(bytes, len, ret_frame, opening->err);
    if (status != HYP_OK) {
        return status;
    }
    switch (ret_frame->kind) {
    case HYP_MBUS_FRAME_UNSET:
    case HYP_MBUS_FRAME_ACK:
        return hyp_error_set(opening->err, HYP_UNSUPPORTED, 0,
                             "acknowledgement (E5), which carries no data");
    case HYP_MBUS_FRAME_SHORT:
        return hyp_error_set(opening->err, HYP_UNSUPPORTED, 0,
                             "short frame, which carries no data");
    case HYP_MBUS_FRAME_CONTROL:
    case HYP_MBUS_FRAME_LONG: break;
    }
    if (len > ret_frame->len) {
        return hyp_error_set(opening->err, HYP_MALFORMED, (int64_t)ret_frame->len,
                             "%zu bytes behind the end of the frame", len - ret_frame->len);
    }
    return HYP_OK;
}

static bool is_wrapped_ci(uint8_t ci)
{
    return ci == 0x72 || ci == 0x78 || ci == 0x7A || (ci >= 0xA0 && ci <= 0xA7);
}

/*
 * Apator's radio modules may put bytes of their own before the message:
 *
 *     | B6 | LEN | LEN bytes, not known | CI of the message | ..
 */
static void skip_wrapper(struct hyp_opening *opening)
{
    const uint8_t *bytes = hyp_opening_at(opening);
    const size_t left = hyp_opening_left(opening);
    const char *maker = opening->telegram->meter.manufacturer;
    if (left < 3 || bytes[0] != CI_APATOR_WRAPPER ||
        (strcmp(maker, "APT") != 0 && strcmp(maker, "APA") != 0)) {
        return;
    }
    const size_t skip = 2 + (size_t)bytes[1];
    if (skip < left && is_wrapped_ci(bytes[skip])) {
        hyp_explain_add(opening->explain, HYP_NOTE_TRANSPORT, opening->pos, skip, "wrapper",
                        maker, "%u bytes that are not known", bytes[1]);
        opening->pos += skip;
    }
}

/* From the authentication layer, if there is one, on. */
static enum hyp_status open_authenticated(struct hyp_opening *opening)
{
    enum hyp_status status = HYP_OK;
    skip_wrapper(opening);
    if (hyp_opening_left(opening) > 0 && hyp_opening_at(opening)[0] == CI_AFL) {
        status = hyp_afl_open(opening);
    }
    if (status == HYP_OK && hyp_opening_left(opening) > 0) {
        status = hyp_transport_open(opening);
    }
    return status;
}

static enum hyp_status open_wired(struct hyp_opening *opening, const uint8_t *bytes, size_t len)
{
    struct hyp_telegram *telegram = opening->telegram;
    struct hyp_mbus_frame frame;
    enum hyp_status status = check_wired(opening, bytes, len, &frame);
    if (status != HYP_OK) {
        return status;
    }
    const size_t l = len - WIRED_HEAD - WIRED_TAIL;
    memcpy(telegram->plain, bytes, len);
    telegram->plain_len = len;
    telegram->received_len = len;
    telegram->c_field = frame.c;
    telegram->primary_address = frame.a;
    if (opening->explain != NULL) {
        note_wired(opening->explain, bytes, l);
    }
    opening->pos = WIRED_HEAD + 2;
    opening->end = WIRED_HEAD + l;
    if (hyp_mbus_frame_is_request(&frame)) {
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, 4,
                                  "C field %02X: a command of the master, no reading", frame.c);
    }
    return open_authenticated(opening);
}

/* --- wireless --- */

static void note_address(struct hyp_explain *explain, const struct hyp_meter_identity *sender,
                         bool swapped)
{
    const char *clause = swapped ? "Diehl" : "EN 13757-4";
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, 2, 2, "M", "EN 13757-4", "manufacturer %s",
                    sender->manufacturer);
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, swapped ? 4 : 8, 1, "VER", clause,
                    "version %02X", sender->version);
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, swapped ? 5 : 9, 1, "TYPE", clause, "%s",
                    hyp_medium_text(sender->medium));
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, swapped ? 6 : 4, 4, "ID", clause, "%s",
                    sender->id);
}

/* M ID VER TYPE on air; one house sends M VER TYPE ID instead. */
static void take_address(struct hyp_opening *opening)
{
    struct hyp_telegram *telegram = opening->telegram;
    const uint8_t *air = telegram->plain + 2;
    opening->diehl = (uint8_t)hyp_diehl_kind_of(telegram->plain, telegram->plain_len);
    memcpy(opening->link_address, air, HYP_WMBUS_ADDRESS);
    if (opening->diehl != HYP_DIEHL_NONE) {
        memcpy(opening->link_address + 2, air + 4, 4);
        memcpy(opening->link_address + 6, air + 2, 2);
    }
    memcpy(opening->meter_address, opening->link_address, HYP_WMBUS_ADDRESS);
    hyp_identity_from_address(&telegram->sender, opening->link_address);
    telegram->meter = telegram->sender;
    telegram->has_identity = true;
    if (opening->explain != NULL) {
        note_address(opening->explain, &telegram->sender, opening->diehl != HYP_DIEHL_NONE);
    }
}

static bool is_ell(uint8_t ci)
{
    return (ci >= 0x8C && ci <= 0x8F) || ci == 0x86;
}

static enum hyp_status open_layers(struct hyp_opening *opening)
{
    enum hyp_status status = HYP_OK;
    if (hyp_opening_left(opening) > 0 && is_ell(hyp_opening_at(opening)[0])) {
        status = hyp_ell_open(opening);
    }
    return status == HYP_OK ? open_authenticated(opening) : status;
}

/* What follows the link layer. */
static enum hyp_status open_linked(struct hyp_opening *opening,
                                   const struct hyp_wmbus_link *link)
{
    struct hyp_telegram *telegram = opening->telegram;
    telegram->plain_len = link->len;
    telegram->received_len = link->len;
    telegram->trailing = link->trailing;
    telegram->block_format = (uint8_t)link->format;
    telegram->c_field = telegram->plain[1];
    opening->pos = HYP_WMBUS_LINK_HEADER;
    opening->end = link->len;
    take_address(opening);
    if (opening->explain != NULL && link->format != HYP_WMBUS_FORMAT_STRIPPED) {
        /* With CRCs in between, what follows is explained in the stripped copy. */
        opening->explain->stage = 1;
    }
    const struct hyp_wmbus_function *function = hyp_wmbus_function_find(telegram->c_field);
    if (function == NULL || !function->from_meter) {
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, 1,
                                  "C field %02X: %s, no reading of a meter", telegram->c_field,
                                  function != NULL ? function->meaning : "reserved");
    }
    return open_layers(opening);
}

/* Whether the application data, if they are records, can be walked to their end. */
static bool is_whole(const struct hyp_telegram *telegram)
{
    if (telegram->content != HYP_CONTENT_RECORDS) {
        return true;
    }
    struct hyp_mbus_records records;
    hyp_mbus_records_init(&records, telegram->plain + telegram->data_offset, telegram->data_len,
                          NULL);
    records.msb_first = !telegram->lsb_first;
    records.keep_containers = true;
    struct hyp_mbus_record record;
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK) {
        status = hyp_mbus_records_next(&records, &record, NULL);
    }
    return status == HYP_NOT_FOUND;
}

/* Forgets what an opening found, notes included. */
static void begin_again(struct hyp_opening *opening, size_t notes)
{
    *opening = (struct hyp_opening){
        .context = opening->context,
        .telegram = opening->telegram,
        .explain = opening->explain,
        .err = opening->err,
    };
    if (opening->explain != NULL) {
        opening->explain->count = notes;
        opening->explain->stage = 0;
        opening->explain->record = -1;
    }
    clear(opening->telegram, HYP_LINK_WMBUS);
}

static bool is_settled(const struct hyp_opening *opening, enum hyp_status status)
{
    return status == HYP_NO_KEY || (status == HYP_OK && is_whole(opening->telegram));
}

/*
 * A telegram whose only CRC may be chance did not read well with it: taken as one without CRCs
 * when that makes sense of it to the last byte.
 */
static enum hyp_status open_again(struct hyp_opening *opening, const uint8_t *bytes,
                                  const struct hyp_wmbus_link *doubtful, size_t notes)
{
    struct hyp_wmbus_link link;
    begin_again(opening, notes);
    enum hyp_status status = hyp_wmbus_link_parse_stripped(
        bytes, doubtful, opening->telegram->plain, &link, opening->explain, opening->err);
    if (status == HYP_OK) {
        status = open_linked(opening, &link);
    }
    if (is_settled(opening, status)) {
        return status;
    }
    begin_again(opening, notes);
    status =
        hyp_wmbus_link_parse(bytes, doubtful->used + doubtful->trailing,
                             opening->telegram->plain, &link, opening->explain, opening->err);
    return status == HYP_OK ? open_linked(opening, &link) : status;
}

static enum hyp_status open_wireless(struct hyp_opening *opening, const uint8_t *bytes,
                                     size_t len)
{
    const size_t notes = opening->explain != NULL ? opening->explain->count : 0;
    struct hyp_wmbus_link link;
    enum hyp_status status = hyp_wmbus_link_parse(bytes, len, opening->telegram->plain, &link,
                                                  opening->explain, opening->err);
    if (status != HYP_OK) {
        return status;
    }
    status = open_linked(opening, &link);
    if (hyp_wmbus_link_is_doubtful(&link) && !is_settled(opening, status)) {
        return open_again(opening, bytes, &link, notes);
    }
    return status;
}

/* --- both --- */

static enum hyp_link_kind guess_link(const uint8_t *bytes, size_t len)
{
    if (len == 1 && bytes[0] == WIRED_ACK) {
        return HYP_LINK_MBUS;
    }
    if (len == 5 && bytes[0] == WIRED_SHORT) {
        return HYP_LINK_MBUS;
    }
    if (len >= WIRED_HEAD && bytes[0] == WIRED_START &&
        (bytes[3] == WIRED_START || bytes[1] == bytes[2])) {
        return HYP_LINK_MBUS;
    }
    return HYP_LINK_WMBUS;
}

/* Notes on the bytes of a stage that no layer explained, so that the listing has no holes. */
static void note_gaps(struct hyp_explain *explain, uint8_t stage, size_t from, size_t to,
                      const char *meaning)
{
    bool seen[HYP_TELEGRAM_PLAIN_MAX] = {false};
    to = HYP_MIN(to, sizeof(seen));
    for (size_t i = 0; i < explain->count; i++) {
        const struct hyp_note *note = &explain->notes[i];
        const size_t end = HYP_MIN((size_t)note->offset + note->len, to);
        for (size_t at = note->offset; note->stage == stage && at < end; at++) {
            seen[at] = true;
        }
    }
    explain->stage = stage;
    for (size_t at = from; at < to;) {
        size_t end = at;
        while (end < to && !seen[end]) {
            end++;
        }
        if (end > at) {
            hyp_explain_add(explain, HYP_NOTE_OTHER, at, end - at, "not decoded", "", "%s",
                            meaning);
        }
        at = end + 1;
    }
}

/* The link layers refuse without an opening: their note is made here. */
static void note_refusal(struct hyp_explain *explain, const struct hyp_error *err, size_t len)
{
    for (size_t i = 0; i < explain->count; i++) {
        if (explain->notes[i].layer == HYP_NOTE_ERROR) {
            return;
        }
    }
    const size_t at = err->offset >= 0 ? (size_t)err->offset : 0;
    if (at < len) {
        hyp_explain_add(explain, HYP_NOTE_ERROR, at, 1, hyp_status_name(err->status), "", "%s",
                        err->text);
    }
}

/* What is left to say when the layers are done; leaves the stage that the records are in. */
static void note_rest(struct hyp_opening *opening, enum hyp_status status, size_t len)
{
    const struct hyp_telegram *telegram = opening->telegram;
    struct hyp_explain *explain = opening->explain;
    const uint8_t stage = explain->stage;
    if (status != HYP_OK) {
        note_refusal(explain, opening->err, len);
        note_gaps(explain, 0, 0, len, "behind or before the place of refusal");
        return;
    }
    if (telegram->content == HYP_CONTENT_MANUFACTURER || telegram->translated) {
        const char *meaning = "the manufacturer's own, not known";
        note_gaps(explain, 0, 0, len, meaning);
        note_gaps(explain, 1, telegram->payload_offset,
                  opening->payload_stage == 0 ? 0 : telegram->received_len, meaning);
    }
    explain->stage = stage;
}

enum hyp_status hyp_telegram_open(const uint8_t *bytes, size_t len, enum hyp_link_kind link,
                                  const struct hyp_telegram_context *context,
                                  struct hyp_telegram *ret_tel, struct hyp_explain *explain,
                                  struct hyp_error *err)
{
    clear(ret_tel, link != HYP_LINK_UNSET ? link : guess_link(bytes, len));
    struct hyp_error local;
    struct hyp_opening opening = no_opening;
    opening.context = context;
    opening.telegram = ret_tel;
    opening.explain = explain;
    opening.err = err != NULL ? err : &local;
    enum hyp_status status = ret_tel->link == HYP_LINK_MBUS
                                 ? open_wired(&opening, bytes, len)
                                 : open_wireless(&opening, bytes, len);
    if (status != HYP_OK) {
        ret_tel->content = HYP_CONTENT_NONE;
        ret_tel->data_len = 0;
    }
    if (explain != NULL) {
        note_rest(&opening, status, len);
    }
    ret_tel->data = ret_tel->plain + ret_tel->data_offset;
    if (explain != NULL) {
        explain->base = ret_tel->data_offset;
    }
    return status;
}
