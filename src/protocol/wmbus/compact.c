/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compact frames (EN 13757-3 annex G): a telegram without its DIF and VIF bytes.
 *
 *     compact   [2F 2F] | SIG 2 | CRC 2 | data of all records, in order |
 *     format    [2F 2F] | LEN | SIG 2 | DIF/VIF of all records |
 *
 * SIG is the CRC of all DIF/VIF bytes of the full frame, CRC that of its whole content, fillers
 * left out. So a full frame teaches the format of the compact ones, and a rebuilt frame proves
 * itself: a format of the same signature that is not the right one is noticed.
 */
#include "protocol/wmbus/layers.h"

#include "protocol/wmbus/crc.h"
#include "protocol/wmbus/walk.h"

#include <string.h>

#define CLAUSE "EN 13757-3 annex G"
#define FILLER 0x2F
#define HEAD_LEN 4

static void skip_fillers(struct hyp_opening *opening)
{
    while (hyp_opening_left(opening) > 0 && hyp_opening_at(opening)[0] == FILLER) {
        opening->pos++;
    }
}

/*
 * The format of records that walk to their end without a manufacturer's rest (which a compact
 * frame could not carry: its length is in no header). False when they are not such.
 */
static bool make_format(const uint8_t *bytes, size_t len, struct hyp_compact_format *ret_format)
{
    size_t used = 0;
    for (size_t at = 0; at < len;) {
        if (bytes[at] == FILLER) {
            at++;
            continue;
        }
        size_t data = 0;
        const size_t header = hyp_walk_header(bytes + at, len - at);
        if (header == 0 || used + header > sizeof(ret_format->difvif) ||
            !hyp_walk_data(bytes[at], bytes + at + header, len - at - header, &data)) {
            return false;
        }
        memcpy(ret_format->difvif + used, bytes + at, header);
        used += header;
        at += header + data;
    }
    if (used == 0) {
        return false;
    }
    ret_format->len = (uint8_t)used;
    ret_format->signature = hyp_wmbus_crc(ret_format->difvif, used);
    return true;
}

void hyp_compact_learn(struct hyp_opening *opening)
{
    const struct hyp_telegram_context *context = opening->context;
    struct hyp_compact_format format;
    if (context != NULL && context->learn_format != NULL &&
        make_format(hyp_opening_at(opening), hyp_opening_left(opening), &format)) {
        context->learn_format(context->user, &format);
    }
}

/* Do the bytes of a format split into whole record headers? */
static bool is_format(const uint8_t *difvif, size_t len)
{
    for (size_t at = 0; at < len;) {
        const size_t header = hyp_walk_header(difvif + at, len - at);
        if (header == 0) {
            return false;
        }
        at += header;
    }
    return len > 0;
}

enum hyp_status hyp_compact_open_format(struct hyp_opening *opening)
{
    skip_fillers(opening);
    const uint8_t *bytes = hyp_opening_at(opening);
    const size_t left = hyp_opening_left(opening);
    const size_t len = left > 0 ? bytes[0] : 0;
    struct hyp_compact_format format;
    if (len < 3 || len + 1 > left || len - 2 > sizeof(format.difvif)) {
        return hyp_opening_refuse(opening, HYP_MALFORMED, opening->pos,
                                  "format frame of length %zu in %zu bytes", len, left);
    }
    format.signature = (uint16_t)(bytes[1] | bytes[2] << 8);
    format.len = (uint8_t)(len - 2);
    memcpy(format.difvif, bytes + 3, format.len);
    hyp_explain_add(opening->explain, HYP_NOTE_TRANSPORT, opening->pos, 1, "LEN", CLAUSE,
                    "%zu bytes follow", len);
    hyp_explain_add(opening->explain, HYP_NOTE_SECURITY, opening->pos + 1, 2, "SIG", CLAUSE,
                    "signature %04X", format.signature);
    if (hyp_wmbus_crc(format.difvif, format.len) != format.signature) {
        return hyp_opening_refuse(opening, HYP_BAD_CHECK, opening->pos + 1,
                                  "signature %04X does not fit the format", format.signature);
    }
    if (!is_format(format.difvif, format.len)) {
        return hyp_opening_refuse(opening, HYP_MALFORMED, opening->pos + 3,
                                  "the format is no sequence of DIF and VIF");
    }
    hyp_explain_add(opening->explain, HYP_NOTE_DIB, opening->pos + 3, format.len, "format",
                    CLAUSE, "DIF and VIF of the compact frames with this signature");
    if (opening->context != NULL && opening->context->learn_format != NULL) {
        opening->context->learn_format(opening->context->user, &format);
    }
    opening->telegram->content = HYP_CONTENT_NONE;
    return HYP_OK;
}

/*
 * Puts headers of the format and data of the frame together, behind what `plain` holds.
 * Returns false when they do not fit each other.
 */
static bool rebuild(struct hyp_telegram *telegram, const struct hyp_compact_format *format,
                    const uint8_t *data, size_t len, size_t *ret_taken)
{
    uint8_t *out = telegram->plain + telegram->plain_len;
    const size_t room = sizeof(telegram->plain) - telegram->plain_len;
    size_t used = 0;
    size_t taken = 0;
    for (size_t at = 0; at < format->len;) {
        size_t piece = 0;
        const size_t header = hyp_walk_header(format->difvif + at, format->len - at);
        if (header == 0 ||
            !hyp_walk_data(format->difvif[at], data + taken, len - taken, &piece) ||
            used + header + piece > room) {
            return false;
        }
        memcpy(out + used, format->difvif + at, header);
        memcpy(out + used + header, data + taken, piece);
        used += header + piece;
        taken += piece;
        at += header;
    }
    /* What is left is padding, or a plain tail behind encrypted blocks: the check decides. */
    *ret_taken = taken;
    telegram->data_len = used;
    return true;
}

static void note_frame(struct hyp_opening *opening, uint16_t signature, size_t taken)
{
    const size_t data = opening->pos + HEAD_LEN;
    hyp_explain_add(opening->explain, HYP_NOTE_SECURITY, opening->pos, 2, "SIG", CLAUSE,
                    "signature of the format: %04X", signature);
    hyp_explain_add(opening->explain, HYP_NOTE_SECURITY, opening->pos + 2, 2, "CRC", CLAUSE,
                    "check of the full frame, correct");
    hyp_explain_add(opening->explain, HYP_NOTE_DATA, data, taken, "data", CLAUSE,
                    "values of all records without DIF and VIF");
    if (data + taken < opening->end) {
        hyp_explain_add(opening->explain, HYP_NOTE_OTHER, data + taken,
                        opening->end - data - taken, "rest", "",
                        "padding or bytes outside the compact frame");
    }
}

enum hyp_status hyp_compact_open(struct hyp_opening *opening)
{
    struct hyp_telegram *telegram = opening->telegram;
    const struct hyp_telegram_context *context = opening->context;
    telegram->compact = true;
    skip_fillers(opening);
    if (hyp_opening_left(opening) < HEAD_LEN) {
        return hyp_opening_refuse(opening, HYP_MALFORMED, opening->pos,
                                  "compact frame ends before its signature and check");
    }
    const uint8_t *bytes = hyp_opening_at(opening);
    const uint16_t signature = (uint16_t)(bytes[0] | bytes[1] << 8);
    const uint16_t crc = (uint16_t)(bytes[2] | bytes[3] << 8);
    const struct hyp_compact_format *format =
        context != NULL && context->find_format != NULL
            ? context->find_format(context->user, signature)
            : NULL;
    if (format == NULL) {
        return hyp_opening_refuse(opening, HYP_NOT_FOUND, opening->pos,
                                  "compact frame of format %04X, which no full frame has shown "
                                  "yet",
                                  signature);
    }
    const size_t at = telegram->plain_len;
    size_t taken = 0;
    if (!rebuild(telegram, format, bytes + HEAD_LEN, hyp_opening_left(opening) - HEAD_LEN,
                 &taken) ||
        hyp_wmbus_crc(telegram->plain + at, telegram->data_len) != crc) {
        telegram->data_len = 0;
        return hyp_opening_refuse(opening, HYP_BAD_CHECK, opening->pos + 2,
                                  "the frame rebuilt with format %04X fails its check",
                                  signature);
    }
    telegram->content = HYP_CONTENT_RECORDS;
    telegram->data_offset = at;
    telegram->plain_len += telegram->data_len;
    if (opening->explain != NULL) {
        note_frame(opening, signature, taken);
        opening->explain->stage = 1;
    }
    return HYP_OK;
}
