/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoder: a line of hex in, what the telegram says out. Behind `hypocaust decode`, the decode
 * benchmark and the fuzz target of input lines.
 *
 * It owns what must outlive a line: keys, learned formats of compact frames, the device
 * library. One thread.
 */
#ifndef HYP_CMD_DECODER_H
#define HYP_CMD_DECODER_H

#include "base/buf.h"
#include "device/library.h"
#include "protocol/telegram.h"

struct hyp_decoder;

struct hyp_decoder_options {
    bool accept_plain; /* test data: the payload may be plain although its header says
                          encrypted, and L may be too small */
    bool explain;      /* collect the notes on every byte */
};

/* One data record with the value the profile makes of it; the rest is as the record says. */
struct hyp_decoded_record {
    struct hyp_value value;
    enum hyp_quantity quantity;
    enum hyp_unit sent_unit; /* of the record as sent; differs from the value's where a profile
                                knows better (var, sent as W) */
    enum hyp_function function;
    uint64_t storage;
    uint32_t tariff;
    uint16_t subunit;
    bool has_time; /* an element of a compact profile: when it was true */
    struct hyp_civil time;
};

/* What one telegram said. All pointers live until the next telegram. */
struct hyp_decoded {
    enum hyp_status status; /* OK, or why it was refused */
    struct hyp_error error; /* set when status is not OK, or when the records stopped early */
    const struct hyp_telegram *telegram;
    const char *profile; /* stable name; NULL when refused */
    const struct hyp_decoded_record *records;
    size_t count;
    const struct hyp_explain *explain; /* NULL unless asked for */
    const uint8_t *bytes;              /* as received */
    size_t len;
    bool length_repaired; /* L was too small and taken as the number of bytes behind it */
};

/*
 * A decoder with the built-in profiles, the known formats of compact frames, and no keys.
 * Returns    HYP_OK | NO_MEMORY | as hyp_library_create
 * Ownership  the caller destroys it (NULL is allowed); its keys are wiped then
 */
HYP_MUST_USE enum hyp_status hyp_decoder_create(const struct hyp_decoder_options *options,
                                                struct hyp_decoder **ret_decoder,
                                                struct hyp_error *err);
void *hyp_decoder_destroy(struct hyp_decoder *decoder);

/*
 * Adds or replaces the key of a meter.
 * @id    eight hex digits as printed on the meter, or "*" for every meter without its own
 * @key   32 hex digits (AES), or 16 (DES, Diehl)
 * Returns HYP_OK | INVALID | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_decoder_add_key(struct hyp_decoder *decoder, struct hyp_str id,
                                                 struct hyp_str key, struct hyp_error *err);

/* Adds the keys of a file: `id;key` a line, # comments. err->offset is the line. */
HYP_MUST_USE enum hyp_status hyp_decoder_add_keys(struct hyp_decoder *decoder,
                                                  struct hyp_str text, struct hyp_error *err);

/*
 * Decodes a line `HEX` or `HEX;KEY`; that key is used for this line only.
 * @ret_decoded  always filled
 */
void hyp_decoder_line(struct hyp_decoder *decoder, struct hyp_str line,
                      struct hyp_decoded *ret_decoded);

/* Decodes the bytes of one telegram with the keys added. */
void hyp_decoder_telegram(struct hyp_decoder *decoder, const uint8_t *bytes, size_t len,
                          struct hyp_decoded *ret_decoded);

/* Keys and formats as the telegram codec asks for them; lives as the decoder. */
const struct hyp_telegram_context *hyp_decoder_context(const struct hyp_decoder *decoder);

/* --- output (decoder_json.c, decoder_text.c) --- */

/* One JSON object and a line feed. */
void hyp_decoded_write_json(struct hyp_buf *out, const struct hyp_decoded *decoded,
                            size_t line);
/* A heading and one line per record. */
void hyp_decoded_write_table(struct hyp_buf *out, const struct hyp_decoded *decoded,
                             size_t line);
/* One line per note: offset, bytes, field, meaning, clause. */
void hyp_decoded_write_notes(struct hyp_buf *out, const struct hyp_decoded *decoded);

#endif
