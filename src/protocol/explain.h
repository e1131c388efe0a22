/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explanation: which byte range of a telegram means what, for the inspector and `decode
 * --explain`.
 *
 * Codecs add notes while they parse, also up to the byte where they refuse. The caller owns the
 * array; when it is full further notes are counted but dropped. `stage` 0 offsets are bytes as
 * received; stage 1 offsets are bytes of the decrypted or expanded copy (hyp_telegram.plain).
 */
#ifndef HYP_PROTOCOL_EXPLAIN_H
#define HYP_PROTOCOL_EXPLAIN_H

#include "base/attr.h"
#include "base/json.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* Which layer a note belongs to; the inspector colours by it. */
enum hyp_note_layer {
    HYP_NOTE_LINK = 0,  /* start, length, C, A, checksums */
    HYP_NOTE_ADDRESS,   /* manufacturer, id, version, medium */
    HYP_NOTE_TRANSPORT, /* CI, access, status, configuration, ELL, AFL */
    HYP_NOTE_SECURITY,  /* keys, MACs, check bytes, padding */
    HYP_NOTE_DIB,       /* data information block */
    HYP_NOTE_VIB,       /* value information block */
    HYP_NOTE_DATA,      /* value */
    HYP_NOTE_OTHER,     /* filler, manufacturer specific rest, trailing bytes */
    HYP_NOTE_ERROR,     /* where and why it was refused */
};
/* "link", "address" ...; never NULL. Stable words of the API. */
const char *hyp_note_layer_text(enum hyp_note_layer layer);

#define HYP_NOTE_TEXT_MAX 160

struct hyp_note {
    uint16_t offset;
    uint16_t len;
    uint8_t stage;
    uint8_t layer;                   /* enum hyp_note_layer */
    int16_t record;                  /* index of the data record it belongs to, -1 for none */
    char field[32];                  /* "DIF", "manufacturer", "status" ... */
    char meaning[HYP_NOTE_TEXT_MAX]; /* decoded value in words: "KAM", "instantaneous, 32-bit
                                        integer" */
    char clause[24]; /* standard clause, e.g. "EN 13757-3 6.3.3", may be empty */
};

struct hyp_explain {
    struct hyp_note *notes;
    size_t capacity;
    size_t count;   /* notes written */
    size_t dropped; /* notes that did not fit */
    uint8_t stage;  /* stage of the notes added next */
    int16_t record; /* record of the notes added next, -1 */
    size_t base;    /* added to every offset */
};

/* Writes a note as the API and `decode --explain` show it. */
void hyp_note_write_json(struct hyp_json *json, const struct hyp_note *note);

/* No notes yet; stage 0, no record. @notes the caller's, `capacity` of them, outlive it */
void hyp_explain_init(struct hyp_explain *explain, struct hyp_note *notes, size_t capacity);

/* Adds a note. @explain may be NULL (nothing happens), so codecs call it unconditionally. */
void hyp_explain_add(struct hyp_explain *explain, enum hyp_note_layer layer, size_t offset,
                     size_t len, const char *field, const char *clause, const char *format, ...)
    HYP_PRINTF(7, 8);

#endif
