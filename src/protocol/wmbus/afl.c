/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication and fragmentation layer (EN 13757-7):
 *
 *     | 90 | AFLL | FCL 2 | MCL 1 | KI 2 | MCR 4 | MAC n | ML 2 |
 *
 * AFLL counts the bytes after it. FCL says which of the others are there: bit 14 more
 * fragments, 13 MCL, 12 ML, 11 MCR, 10 MAC, 9 KI, bits 7..0 fragment number. MCL bits 3..0 name
 * the kind of MAC. The MAC is only collected here; security mode 7 verifies it with the derived
 * key.
 *
 * Fragments count from 1; 0 is a message in one piece. A message of several is put together
 * behind the received bytes of its last telegram and opened there.
 */
#include "protocol/wmbus/layers.h"

#include "base/bytes.h"
#include "protocol/wmbus/fragments.h"

#include <assert.h>
#include <string.h>

#define CLAUSE "EN 13757-7"

enum {
    FCL_MORE = 1 << 14,
    FCL_MCL = 1 << 13,
    FCL_ML = 1 << 12,
    FCL_MCR = 1 << 11,
    FCL_MAC = 1 << 10,
    FCL_KI = 1 << 9,
    FCL_FRAGMENT = 0xFF,
};

/* Bytes of the MAC by MCL bits 3..0; 0 = none or not known. */
static const uint8_t mac_len_of[16] = {[3] = 2, [4] = 4, [5] = 8, [6] = 12, [7] = 16, [8] = 12};
#define MCL_GMAC 8

struct fields {
    uint16_t fcl;
    const uint8_t *mcl;
    const uint8_t *ki;
    const uint8_t *mcr;
    const uint8_t *mac;
    const uint8_t *ml;
};

static const uint8_t *take_if(struct hyp_bytes *bytes, unsigned condition, size_t len)
{
    return condition != 0 ? hyp_bytes_take(bytes, len) : NULL;
}

static void note(struct hyp_opening *opening, const uint8_t *at, size_t len, const char *field,
                 const char *meaning)
{
    if (at != NULL) {
        hyp_explain_add(opening->explain, HYP_NOTE_SECURITY,
                        (size_t)(at - opening->telegram->plain), len, field, CLAUSE, "%s",
                        meaning);
    }
}

static void note_fields(struct hyp_opening *opening, const struct fields *fields,
                        size_t mac_len)
{
    hyp_explain_add(opening->explain, HYP_NOTE_TRANSPORT, opening->pos, 1, "CI", CLAUSE,
                    "authentication and fragmentation layer");
    hyp_explain_add(opening->explain, HYP_NOTE_TRANSPORT, opening->pos + 1, 1, "AFLL", CLAUSE,
                    "%u bytes follow in this layer", hyp_opening_at(opening)[1]);
    hyp_explain_add(opening->explain, HYP_NOTE_TRANSPORT, opening->pos + 2, 2, "FCL", CLAUSE,
                    "fragment %u%s", fields->fcl & FCL_FRAGMENT,
                    fields->fcl & FCL_MORE ? ", more follow" : "");
    note(opening, fields->mcl, 1, "MCL", "message control: kind of MAC");
    note(opening, fields->ki, 2, "KI", "key information");
    note(opening, fields->mcr, 4, "MCR", "message counter, least significant byte first");
    note(opening, fields->mac, mac_len, "MAC", "message authentication code");
    note(opening, fields->ml, 2, "ML", "message length");
}

/* The covered head is MCL KI MCR ML in this order, whatever stands between them. */
static struct hyp_fragment_fields collect(const struct fields *fields, size_t mac_len)
{
    const uint8_t *const parts[] = {fields->mcl, fields->ki, fields->mcr, fields->ml};
    static const uint8_t lens[] = {1, 2, 4, 2};
    struct hyp_fragment_fields collected = {.head_len = 0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(parts); i++) {
        if (parts[i] != NULL) {
            memcpy(collected.head + collected.head_len, parts[i], lens[i]);
            collected.head_len = (uint8_t)(collected.head_len + lens[i]);
        }
    }
    if (fields->mcl != NULL) {
        collected.has_control = true;
        collected.control = fields->mcl[0];
    }
    if (fields->mcr != NULL) {
        struct hyp_bytes mcr = hyp_bytes_from(fields->mcr, 4);
        collected.has_counter = true;
        collected.counter = hyp_bytes_le32(&mcr);
    }
    if (fields->ml != NULL) {
        collected.has_length = true;
        collected.length = (uint16_t)(fields->ml[0] | fields->ml[1] << 8);
    }
    if (fields->mac != NULL) {
        memcpy(collected.mac, fields->mac, mac_len);
        collected.mac_len = (uint8_t)mac_len;
    }
    return collected;
}

/* @mac   where the code stands in `plain` */
static void authenticate(struct hyp_authentication *afl,
                         const struct hyp_fragment_fields *fields, const uint8_t *mac)
{
    static_assert(sizeof(afl->head) == sizeof(fields->head), "one head");
    afl->present = true;
    memcpy(afl->head, fields->head, sizeof(afl->head));
    afl->head_len = fields->head_len;
    afl->has_counter = fields->has_counter;
    afl->counter = fields->counter;
    afl->has_mac = fields->mac_len > 0;
    afl->mac = mac;
    afl->mac_len = fields->mac_len;
}

/* The MAC and the message behind the received bytes; from here on that is the telegram. */
static enum hyp_status adopt(struct hyp_opening *opening, const struct hyp_message *message)
{
    struct hyp_telegram *telegram = opening->telegram;
    uint8_t *mac = telegram->plain + telegram->plain_len;
    const size_t mac_len = message->fields.mac_len;
    const unsigned kind = message->fields.control & 0xFu;
    if (message->len == 0 ||
        (mac_len > 0 && (mac_len != mac_len_of[kind] || kind == MCL_GMAC))) {
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos,
                                  "a message in parts with a code of kind %u and %zu bytes",
                                  kind, mac_len);
    }
    static_assert(2 * (HYP_WMBUS_TELEGRAM_MAX + HYP_FRAGMENT_MAC_MAX) +
                          HYP_LIMIT_MESSAGE_BYTES <=
                      HYP_TELEGRAM_PLAIN_MAX,
                  "a message fits behind its last telegram, with room for records to expand");
    memcpy(mac, message->fields.mac, mac_len);
    memcpy(mac + mac_len, message->bytes, message->len);
    hyp_explain_add(opening->explain, HYP_NOTE_OTHER, opening->pos, hyp_opening_left(opening),
                    "fragment", CLAUSE, "last part of a message of %zu bytes", message->len);
    opening->pos = telegram->plain_len + mac_len;
    telegram->plain_len += mac_len + message->len;
    opening->end = telegram->plain_len;
    authenticate(&opening->afl, &message->fields, mac);
    opening->afl.covered = opening->pos;
    if (opening->explain != NULL) {
        opening->explain->stage = 1;
    }
    return HYP_OK;
}

/* One of several parts; `pos` is behind the layer. */
static enum hyp_status take_fragment(struct hyp_opening *opening, uint16_t fcl,
                                     const struct hyp_fragment_fields *fields)
{
    const unsigned number = fcl & FCL_FRAGMENT;
    const struct hyp_message *message = NULL;
    struct hyp_fragment fragment = {
        .number = (uint8_t)number,
        .more = (fcl & FCL_MORE) != 0,
        .fields = *fields,
        .bytes = hyp_opening_at(opening),
        .len = hyp_opening_left(opening),
    };
    /* On a wire the link names no meter, so that parts of two could not be told apart. */
    if (number == 0 || opening->telegram->link != HYP_LINK_WMBUS || opening->context == NULL ||
        opening->context->fragments == NULL) {
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos,
                                  "fragment %u of a message in several telegrams", number);
    }
    memcpy(fragment.address, opening->link_address, sizeof(fragment.address));
    enum hyp_status status =
        hyp_fragments_add(opening->context->fragments, &fragment, &message);
    switch (status) {
    case HYP_OK: return adopt(opening, message);
    case HYP_NEED_MORE:
        return hyp_opening_refuse(opening, status, opening->pos,
                                  "fragment %u of a message: kept until its rest arrives",
                                  number);
    case HYP_NOT_FOUND:
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos,
                                  "fragment %u of a message: the one before was not received",
                                  number);
    case HYP_BAD_CHECK:
        return hyp_opening_refuse(opening, status, opening->pos,
                                  "the fragments do not make the length that the message has");
    default:
        return hyp_opening_refuse(opening, status, opening->pos,
                                  "a message longer than %d bytes", HYP_LIMIT_MESSAGE_BYTES);
    }
}

/* Bytes of the MAC; only the first fragment tells its kind, in later ones it is what is left.
 */
static size_t mac_length(const struct hyp_bytes *bytes, const struct fields *fields)
{
    const size_t ml = (fields->fcl & FCL_ML) != 0 ? 2 : 0;
    const size_t left = hyp_bytes_left(bytes);
    if (fields->mcl == NULL && (fields->fcl & FCL_FRAGMENT) > 1) {
        return left > ml ? HYP_MIN(left - ml, (size_t)HYP_FRAGMENT_MAC_MAX) : 0;
    }
    return fields->mcl != NULL ? mac_len_of[fields->mcl[0] & 0xF] : 0;
}

enum hyp_status hyp_afl_open(struct hyp_opening *opening)
{
    struct hyp_bytes outer = hyp_bytes_from(hyp_opening_at(opening), hyp_opening_left(opening));
    hyp_bytes_skip(&outer, 1);
    const size_t afll = hyp_bytes_u8(&outer);
    struct hyp_bytes bytes = hyp_bytes_slice(&outer, afll);
    struct fields fields = {.fcl = hyp_bytes_le16(&bytes)};
    fields.mcl = take_if(&bytes, fields.fcl & FCL_MCL, 1);
    fields.ki = take_if(&bytes, fields.fcl & FCL_KI, 2);
    fields.mcr = take_if(&bytes, fields.fcl & FCL_MCR, 4);
    const size_t mac_len = mac_length(&bytes, &fields);
    fields.mac = take_if(&bytes, fields.fcl & FCL_MAC, mac_len);
    fields.ml = take_if(&bytes, fields.fcl & FCL_ML, 2);
    if (hyp_bytes_failed(&outer) || hyp_bytes_failed(&bytes) || hyp_bytes_left(&bytes) != 0) {
        return hyp_opening_refuse(
            opening, HYP_MALFORMED, opening->pos + 1,
            "fields of the authentication layer do not fill its length %zu", afll);
    }
    if (opening->explain != NULL) {
        note_fields(opening, &fields, mac_len);
    }
    const unsigned kind = fields.mcl != NULL ? fields.mcl[0] & 0xFu : 0;
    if ((fields.fcl & FCL_MAC) != 0 && (mac_len == 0 || kind == MCL_GMAC)) {
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos + 4,
                                  "message authentication of kind %u is not supported", kind);
    }
    const struct hyp_fragment_fields collected = collect(&fields, mac_len);
    opening->pos += 2 + afll;
    if ((fields.fcl & (FCL_MORE | FCL_FRAGMENT)) != 0) {
        return take_fragment(opening, fields.fcl, &collected);
    }
    authenticate(&opening->afl, &collected, fields.mac);
    opening->afl.covered = opening->pos;
    return HYP_OK;
}
