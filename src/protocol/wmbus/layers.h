/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers between link and application, opened one after the other in the caller's telegram.
 *
 * Internal to protocol/: hyp_telegram_open() is the entry. Each layer reads at `pos`, moves it
 * behind itself and writes what it learned into the telegram. A layer that refuses returns a
 * status of hyp_telegram_open, has set the error, and a note at the byte.
 */
#ifndef HYP_PROTOCOL_WMBUS_LAYERS_H
#define HYP_PROTOCOL_WMBUS_LAYERS_H

#include "protocol/telegram.h"
#include "protocol/wmbus/link.h"

#include <assert.h>

/* M(2) ID(4) VER MED: the order of the link layer, of initialisation vectors and counters. */
#define HYP_WMBUS_ADDRESS 8

/* Longest data behind the layers: of one telegram, or of a message put together from several.
 */
#define HYP_OPENING_DATA_MAX HYP_LIMIT_MESSAGE_BYTES
static_assert(HYP_OPENING_DATA_MAX >= HYP_WMBUS_TELEGRAM_MAX, "a telegram is a message");

/* What the authentication and fragmentation layer said; checked when the key is derived. */
struct hyp_authentication {
    bool present;
    bool has_mac;
    bool has_counter;
    uint32_t counter;
    uint8_t head[9]; /* MCL KI MCR ML: what the MAC covers before the transport layer */
    uint8_t head_len;
    const uint8_t *mac;
    uint8_t mac_len;
    size_t covered; /* first byte of the transport layer (its CI) */
};

struct hyp_opening {
    const struct hyp_telegram_context *context;
    struct hyp_telegram *telegram;
    struct hyp_explain *explain;
    struct hyp_error *err; /* never NULL */
    size_t pos;            /* next byte of telegram->plain */
    size_t
        end; /* first byte behind the layers: telegram end, or the checksum of a wired frame */
    uint8_t link_address[HYP_WMBUS_ADDRESS];
    uint8_t meter_address[HYP_WMBUS_ADDRESS];
    struct hyp_authentication afl;
    uint8_t diehl;         /* enum hyp_diehl_kind */
    uint8_t payload_stage; /* stage of the notes on the application layer as received */
};

static inline uint8_t *hyp_opening_at(const struct hyp_opening *opening)
{
    return opening->telegram->plain + opening->pos;
}

static inline size_t hyp_opening_left(const struct hyp_opening *opening)
{
    return opening->end - opening->pos;
}

/* Sets error and note at a byte of `plain` and returns `status`. */
enum hyp_status hyp_opening_refuse(struct hyp_opening *opening, enum hyp_status status,
                                   size_t offset, const char *format, ...) HYP_PRINTF(4, 5);

/* From here on notes are about decrypted bytes: closes stage 0 with a note on `len` bytes. */
void hyp_opening_enter_plain(struct hyp_opening *opening, size_t len, const char *meaning);

/* Fills an identity from M ID VER MED as on the wire. */
void hyp_identity_from_address(struct hyp_meter_identity *identity,
                               const uint8_t address[static HYP_WMBUS_ADDRESS]);

/* Asks the caller for the 16-byte key of a meter. */
bool hyp_opening_key(const struct hyp_opening *opening, const struct hyp_meter_identity *meter,
                     struct hyp_aes_key *ret_key);

/* Extended link layer at pos (CI 8C 8D 8E 8F 86); decrypts and checks the rest. */
HYP_MUST_USE enum hyp_status hyp_ell_open(struct hyp_opening *opening);

/* Authentication and fragmentation layer at pos (CI 90). */
HYP_MUST_USE enum hyp_status hyp_afl_open(struct hyp_opening *opening);

/* Transport layer at pos, down to decrypted application data. */
HYP_MUST_USE enum hyp_status hyp_transport_open(struct hyp_opening *opening);

/*
 * Decrypts the application data at pos as the configuration word demands.
 * @config  offset of the configuration word in `plain`
 */
HYP_MUST_USE enum hyp_status hyp_security_open(struct hyp_opening *opening, size_t config);

/* "AES-128-CBC ..."; never NULL. */
const char *hyp_security_mode_text(uint8_t mode);

/* Replaces the compact frame at pos by the records it stands for. */
HYP_MUST_USE enum hyp_status hyp_compact_open(struct hyp_opening *opening);
/* Learns the format frame at pos. */
HYP_MUST_USE enum hyp_status hyp_compact_open_format(struct hyp_opening *opening);
/* Tells the caller the format of the full frame at pos, if its records walk to the end. */
void hyp_compact_learn(struct hyp_opening *opening);

/* A water module whose CFG is no security mode but the mark of its own layout (maker_rfmtx1.c).
 */
bool hyp_rfmtx1_is(const struct hyp_telegram *telegram);

/* How the makers of one house lay out link address and data. */
enum hyp_diehl_kind {
    HYP_DIEHL_NONE = 0,
    HYP_DIEHL_SCRAMBLED, /* address VER TYPE ID; records behind a short header are scrambled */
    HYP_DIEHL_PRIOS,     /* address VER TYPE ID; see maker_prios.c */
};

/* Which layout a stripped telegram has, judged by manufacturer, CI and configuration word. */
enum hyp_diehl_kind hyp_diehl_kind_of(const uint8_t *telegram, size_t len);
/* Unscrambles and proves the records at pos. */
HYP_MUST_USE enum hyp_status hyp_diehl_open(struct hyp_opening *opening);
#define HYP_DIEHL_KEYS 3
/*
 * Seeds to try for the telegram: the meter's own key if one is known, then the factory's.
 * Returns how many.
 */
size_t hyp_diehl_keys(const struct hyp_opening *opening,
                      uint32_t ret_keys[static HYP_DIEHL_KEYS]);
/*
 * The AES key that the house's factories set for its OMS telegrams: what a meter uses until its
 * owner gives it another. False when the meter is of another house.
 */
bool hyp_diehl_factory_key(const struct hyp_meter_identity *meter, struct hyp_aes_key *ret_key);
/* XORs the bytes with the shift register's stream; its own inverse. */
void hyp_diehl_scramble(uint32_t key, uint8_t *data, size_t len);

#endif
