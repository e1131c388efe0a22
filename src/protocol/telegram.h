/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telegram: one M-Bus frame or wireless M-Bus telegram opened down to its application data.
 *
 * The one entry for bytes of a meter, wired or wireless: finds the layers (link, ELL, AFL,
 * transport), checks integrity, decrypts, expands compact frames, and says whose telegram it
 * is. Sans-I/O, no allocation, no global: keys and compact formats are asked from the caller.
 */
#ifndef HYP_PROTOCOL_TELEGRAM_H
#define HYP_PROTOCOL_TELEGRAM_H

#include "base/crypto.h"
#include "base/limits.h"
#include "base/status.h"
#include "protocol/explain.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who a meter is. `id` is text: 8 hex digits, leading zeros kept, not always BCD. */
struct hyp_meter_identity {
    char manufacturer[4]; /* "KAM" */
    uint16_t manufacturer_code;
    char id[9];
    uint32_t id_raw; /* the same as a number: nibbles of the id */
    uint8_t version;
    uint8_t medium;
};

/* "heat", "cold_water" ...; never NULL. Stable words of the API. */
const char *hyp_medium_text(uint8_t medium);

enum hyp_link_kind {
    HYP_LINK_UNSET = 0,
    HYP_LINK_MBUS,
    HYP_LINK_WMBUS,
};

enum hyp_encryption_state {
    HYP_ENCRYPTION_NONE = 0,
    HYP_ENCRYPTION_DECRYPTED,
    HYP_ENCRYPTION_NO_KEY,
    HYP_ENCRYPTION_WRONG_KEY,
    HYP_ENCRYPTION_ALREADY_PLAIN, /* header says encrypted, payload is plain (accept_plain only)
                                   */
    HYP_ENCRYPTION_UNSUPPORTED,
};
/* "none", "decrypted", "no_key" ...; never NULL. Stable words of the API. */
const char *hyp_encryption_state_text(enum hyp_encryption_state state);

/* What the application data is; only RECORDS may be walked with hyp_mbus_records. */
enum hyp_telegram_content {
    HYP_CONTENT_NONE = 0, /* a telegram without application data, or a format frame */
    HYP_CONTENT_RECORDS,
    HYP_CONTENT_FIXED,        /* old fixed data structure (wired CI 73) */
    HYP_CONTENT_ALARM,        /* alarm status bytes (CI 71, 74, 75) */
    HYP_CONTENT_MANUFACTURER, /* a manufacturer's own CI that no rule here can read */
};

/* Learned formats of compact frames: signature -> DIF/VIF bytes. */
struct hyp_compact_format {
    uint16_t signature;
    uint8_t len;
    uint8_t difvif[128];
};

struct hyp_fragments;

struct hyp_telegram_context {
    void *user;
    /* Key of a meter; false when none is known. May be NULL (no keys). */
    bool (*find_key)(void *user, const struct hyp_meter_identity *meter,
                     struct hyp_aes_key *ret_key);
    /* Known format by signature; NULL when unknown. May be NULL. */
    const struct hyp_compact_format *(*find_format)(void *user, uint16_t signature);
    /* Told of every format seen in a full frame. May be NULL. */
    void (*learn_format)(void *user, const struct hyp_compact_format *format);
    bool accept_plain; /* test data only: payload may be plain although the header says
                          encrypted */
    /* An 8-byte key for DES (modes 2, 3) and Diehl's scrambling; may be NULL. */
    bool (*find_short_key)(void *user, const struct hyp_meter_identity *meter,
                           uint8_t ret_key[static 8]);
    /* Messages in several telegrams under way (wmbus/fragments.h); NULL = they are refused. */
    struct hyp_fragments *fragments;
};

#define HYP_TELEGRAM_PLAIN_MAX 1024

struct hyp_telegram {
    enum hyp_link_kind link;
    uint8_t c_field;
    int16_t primary_address;          /* wired; -1 for wireless */
    struct hyp_meter_identity meter;  /* the meter (transport header if it has one) */
    struct hyp_meter_identity sender; /* link address: meter, adapter or gateway */
    bool has_identity;                /* false for wired frames without long header */
    uint8_t ci;
    uint8_t access;
    uint8_t status; /* EN 13757-7 status byte */
    bool has_status;
    uint16_t configuration;
    uint8_t security_mode;
    enum hyp_encryption_state encryption;
    bool ell_encrypted;
    bool has_counter; /* `counter` is authenticated: a replay shows as one not grown */
    uint32_t counter; /* message counter (AFL or transport layer, security profile B) */
    bool compact;     /* arrived as compact frame, expanded */
    bool translated;  /* a manufacturer's own layout, rewritten as data records */
    bool lsb_first;   /* false for CI 76/77 */
    enum hyp_telegram_content content;
    const uint8_t *data; /* application data, inside `plain`: never copy the struct */
    size_t data_len;
    size_t data_offset;    /* where `data` starts in `plain` */
    size_t payload_offset; /* where the application layer starts in `plain` as received */
    size_t trailing;       /* receiver bytes after the telegram that were dropped */
    uint8_t block_format;  /* enum hyp_wmbus_format; for hyp_telegram_input_offset */
    size_t received_len;   /* bytes of `plain` that came with the telegram */
    size_t plain_len;
    /* Stage 1: the telegram without block CRCs, decrypted; behind it the records that a compact
       frame or a manufacturer's own layout stand for. */
    uint8_t plain[HYP_TELEGRAM_PLAIN_MAX];
};

/*
 * Opens one complete wired frame (68..16) or wireless telegram (L field first, with or without
 * block CRCs of format A or B, up to 3 receiver bytes behind).
 * @link     which of the two the bytes are; HYP_LINK_UNSET = decide by the first bytes
 * @ret_tel  identity fields are filled as far as known even when the result is NO_KEY or
 *           WRONG_KEY, so that the sender can be reported; data is empty then
 * @explain  notes on every byte up to the application data, or NULL; on success its stage and
 *           base are left so that walking `data` adds the notes of the records
 * Returns   HYP_OK | NEED_MORE (cut, or a fragment of a message whose rest has to come)
 *         | BAD_CHECK | MALFORMED | UNSUPPORTED (legal, but not a reading or not known)
 *         | NO_KEY | WRONG_KEY | NOT_FOUND (compact frame of a format not yet learned)
 *         | REFUSED (the meter answered with an application error);
 *           err->offset is the byte in the input where it was refused
 */
HYP_MUST_USE enum hyp_status
hyp_telegram_open(const uint8_t *bytes, size_t len, enum hyp_link_kind link,
                  const struct hyp_telegram_context *context, struct hyp_telegram *ret_tel,
                  struct hyp_explain *explain, struct hyp_error *err);

/*
 * Where a byte of `plain` stood in the input: for error offsets of the records. Bytes that were
 * not received as such (expanded records) give the start of the application layer.
 */
size_t hyp_telegram_input_offset(const struct hyp_telegram *telegram, size_t plain_offset);

/* Three letters of a manufacturer code (EN 62056-21; bit 15 masked), '?' for what is no letter;
 * and back: letters of either case, five bits each, nothing is checked. */
void hyp_manufacturer_to_text(uint16_t code, char ret_text[static 4]);
uint16_t hyp_manufacturer_from_text(const char text[static 3]);

/* Names of the standard bits of the status byte, in order; NULL-terminated array of at most 8.
 */
size_t hyp_status_byte_names(uint8_t status, const char *ret_names[static 8]);

#endif
