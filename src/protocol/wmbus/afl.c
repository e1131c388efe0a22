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
 */
#include "protocol/wmbus/layers.h"

#include "base/bytes.h"

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
static void collect(struct hyp_authentication *afl, const struct fields *fields, size_t mac_len)
{
    const uint8_t *const parts[] = {fields->mcl, fields->ki, fields->mcr, fields->ml};
    static const uint8_t lens[] = {1, 2, 4, 2};
    afl->present = true;
    afl->head_len = 0;
    for (size_t i = 0; i < HYP_ARRAY_LEN(parts); i++) {
        if (parts[i] != NULL) {
            memcpy(afl->head + afl->head_len, parts[i], lens[i]);
            afl->head_len = (uint8_t)(afl->head_len + lens[i]);
        }
    }
    if (fields->mcr != NULL) {
        struct hyp_bytes mcr = hyp_bytes_from(fields->mcr, 4);
        afl->has_counter = true;
        afl->counter = hyp_bytes_le32(&mcr);
    }
    afl->has_mac = fields->mac != NULL;
    afl->mac = fields->mac;
    afl->mac_len = (uint8_t)mac_len;
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
    const unsigned kind = fields.mcl != NULL ? fields.mcl[0] & 0xFu : 0;
    const size_t mac_len = mac_len_of[kind];
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
    if ((fields.fcl & (FCL_MORE | FCL_FRAGMENT)) != 0) {
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos + 2,
                                  "fragment %u of a message in several telegrams",
                                  fields.fcl & FCL_FRAGMENT);
    }
    if ((fields.fcl & FCL_MAC) != 0 && (mac_len == 0 || kind == MCL_GMAC)) {
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos + 4,
                                  "message authentication of kind %u is not supported", kind);
    }
    collect(&opening->afl, &fields, mac_len);
    opening->pos += 2 + afll;
    opening->afl.covered = opening->pos;
    return HYP_OK;
}
