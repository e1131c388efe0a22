/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended link layer (EN 13757-4):
 *
 *     8C  | CC | ACC |
 *     8D  | CC | ACC | SN 4 | PLCRC 2 |
 *     8E  | CC | ACC | M2 2 | A2 6 |
 *     8F  | CC | ACC | M2 2 | A2 6 | SN 4 | PLCRC 2 |
 *
 * M2 A2 is the partner (a gateway). SN holds the kind of encryption in its upper three bits;
 * everything behind SN, PLCRC included, is encrypted. The counter block starts with the
 * sender's link address as on the wire, CC and SN; a repeater sets the hop and repeated bits of
 * CC, which the meter did not know when it encrypted, so they are cleared.
 */
#include "protocol/wmbus/layers.h"

#include "base/bytes.h"
#include "protocol/wmbus/crc.h"

#include <string.h>

#define CLAUSE "EN 13757-4"
#define CC_HOP 0x10
#define CC_REPEATED 0x02
#define PLCRC_LEN 2

struct shape {
    bool known;
    bool partner;
    bool session;
};

static struct shape shape_of(uint8_t ci)
{
    switch (ci) {
    case 0x8C: return (struct shape){.known = true};
    case 0x8D: return (struct shape){.known = true, .session = true};
    case 0x8E: return (struct shape){.known = true, .partner = true};
    case 0x8F: return (struct shape){.known = true, .partner = true, .session = true};
    default: return (struct shape){.known = false};
    }
}

static void note_head(struct hyp_explain *explain, const uint8_t *bytes, size_t at,
                      const struct shape *shape)
{
    const uint8_t cc = bytes[1];
    hyp_explain_add(explain, HYP_NOTE_TRANSPORT, at, 1, "CI", CLAUSE, "extended link layer%s%s",
                    shape->partner ? ", with partner address" : "",
                    shape->session ? ", with session" : "");
    hyp_explain_add(explain, HYP_NOTE_TRANSPORT, at + 1, 1, "CC", CLAUSE, "%s%s%s%s%s%s%s%s",
                    cc & 0x80 ? "bidirectional " : "", cc & 0x40 ? "fast-response " : "",
                    cc & 0x20 ? "synchronous " : "", cc & CC_HOP ? "hop " : "",
                    cc & 0x08 ? "priority " : "", cc & 0x04 ? "accessible " : "",
                    cc & CC_REPEATED ? "repeated " : "", cc == 0 ? "no flags" : "");
    hyp_explain_add(explain, HYP_NOTE_TRANSPORT, at + 2, 1, "ACC", CLAUSE, "access number %u",
                    bytes[2]);
    if (shape->partner) {
        struct hyp_meter_identity partner;
        hyp_identity_from_address(&partner, bytes + 3);
        hyp_explain_add(explain, HYP_NOTE_ADDRESS, at + 3, HYP_WMBUS_ADDRESS, "M2 A2", CLAUSE,
                        "partner %s %s version %02X %s", partner.manufacturer, partner.id,
                        partner.version, hyp_medium_text(partner.medium));
    }
}

static bool payload_crc_fits(const uint8_t *payload, size_t len)
{
    return len >= PLCRC_LEN && hyp_wmbus_crc(payload + PLCRC_LEN, len - PLCRC_LEN) ==
                                   (payload[0] | payload[1] << 8);
}

static enum hyp_status run_counter_mode(struct hyp_opening *opening, uint8_t cc,
                                        const uint8_t *sn, const struct hyp_aes_key *key)
{
    uint8_t counter[HYP_AES_BLOCK] = {0};
    memcpy(counter, opening->link_address, HYP_WMBUS_ADDRESS);
    counter[8] = (uint8_t)(cc & ~(CC_HOP | CC_REPEATED));
    memcpy(counter + 9, sn, 4);
    return hyp_aes_ctr(key, counter, hyp_opening_at(opening), hyp_opening_left(opening));
}

static enum hyp_status decrypt(struct hyp_opening *opening, uint8_t cc, const uint8_t *sn)
{
    struct hyp_telegram *telegram = opening->telegram;
    uint8_t *payload = hyp_opening_at(opening);
    const size_t len = hyp_opening_left(opening);
    struct hyp_aes_key key;
    telegram->ell_encrypted = true;
    telegram->encryption = HYP_ENCRYPTION_NO_KEY;
    const bool has_key = hyp_opening_key(opening, &telegram->sender, &key);
    if (has_key) {
        enum hyp_status status = run_counter_mode(opening, cc, sn, &key);
        if (status == HYP_OK && payload_crc_fits(payload, len)) {
            telegram->encryption = HYP_ENCRYPTION_DECRYPTED;
            hyp_wipe(&key, sizeof(key));
            return HYP_OK;
        }
        telegram->encryption = HYP_ENCRYPTION_WRONG_KEY;
        if (status == HYP_OK) {
            /* Counter mode is its own inverse: leave the bytes as they were received. */
            status = run_counter_mode(opening, cc, sn, &key);
        }
        hyp_wipe(&key, sizeof(key));
        if (status != HYP_OK) {
            return hyp_opening_refuse(opening, status, opening->pos, "decryption failed");
        }
    }
    if (payload_crc_fits(payload, len)) {
        if (opening->context != NULL && opening->context->accept_plain) {
            telegram->encryption = HYP_ENCRYPTION_ALREADY_PLAIN;
            return HYP_OK;
        }
        return hyp_opening_refuse(opening, has_key ? HYP_WRONG_KEY : HYP_NO_KEY, opening->pos,
                                  "the session says AES-CTR, but the payload is plain");
    }
    if (has_key) {
        return hyp_opening_refuse(opening, HYP_WRONG_KEY, opening->pos,
                                  "the key of %s %s does not open it: payload CRC is wrong",
                                  telegram->sender.manufacturer, telegram->sender.id);
    }
    return hyp_opening_refuse(opening, HYP_NO_KEY, opening->pos,
                              "AES-CTR encrypted, and no key of %s %s is known",
                              telegram->sender.manufacturer, telegram->sender.id);
}

/* SN, encryption and PLCRC; pos is at SN. */
static enum hyp_status open_session(struct hyp_opening *opening, uint8_t cc)
{
    if (hyp_opening_left(opening) < 4 + PLCRC_LEN) {
        return hyp_opening_refuse(opening, HYP_MALFORMED, opening->pos,
                                  "ends within the session number");
    }
    const uint8_t *sn = hyp_opening_at(opening);
    const uint32_t session =
        (uint32_t)sn[0] | (uint32_t)sn[1] << 8 | (uint32_t)sn[2] << 16 | (uint32_t)sn[3] << 24;
    const unsigned encryption = session >> 29;
    if (opening->explain != NULL) {
        hyp_explain_add(opening->explain, HYP_NOTE_SECURITY, opening->pos, 4, "SN", CLAUSE,
                        "session %u, minute %u, %s", session & 0xF, session >> 4 & 0x1FFFFFF,
                        encryption == 0   ? "not encrypted"
                        : encryption == 1 ? "AES-128-CTR"
                                          : "reserved encryption");
    }
    opening->pos += 4;
    if (encryption == 1) {
        enum hyp_status status = decrypt(opening, cc, sn);
        if (status != HYP_OK) {
            return status;
        }
        hyp_opening_enter_plain(opening, hyp_opening_left(opening), "AES-128-CTR");
    } else if (encryption != 0) {
        opening->telegram->encryption = HYP_ENCRYPTION_UNSUPPORTED;
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos - 1,
                                  "reserved encryption %u of the extended link layer",
                                  encryption);
    } else if (!payload_crc_fits(hyp_opening_at(opening), hyp_opening_left(opening))) {
        return hyp_opening_refuse(opening, HYP_BAD_CHECK, opening->pos,
                                  "payload CRC of the extended link layer is wrong");
    }
    hyp_explain_add(opening->explain, HYP_NOTE_SECURITY, opening->pos, PLCRC_LEN, "PLCRC",
                    CLAUSE, "check of the payload, correct");
    opening->pos += PLCRC_LEN;
    return HYP_OK;
}

enum hyp_status hyp_ell_open(struct hyp_opening *opening)
{
    const uint8_t *bytes = hyp_opening_at(opening);
    const struct shape shape = shape_of(bytes[0]);
    if (!shape.known) {
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos,
                                  "extended link layer V (CI 86) is not supported");
    }
    const size_t head = 3 + (shape.partner ? HYP_WMBUS_ADDRESS : 0);
    if (hyp_opening_left(opening) < head) {
        return hyp_opening_refuse(opening, HYP_MALFORMED, opening->pos,
                                  "ends within the extended link layer");
    }
    if (opening->explain != NULL) {
        note_head(opening->explain, bytes, opening->pos, &shape);
    }
    opening->telegram->access = bytes[2];
    opening->pos += head;
    return shape.session ? open_session(opening, bytes[1]) : HYP_OK;
}
