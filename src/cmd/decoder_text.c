/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/decoder.h"

/* Bytes of a note that are printed before "...". */
#define NOTE_BYTES 12

static void write_title(struct hyp_buf *out, const struct hyp_telegram *telegram,
                        const char *profile)
{
    const struct hyp_meter_identity *meter = &telegram->meter;
    if (telegram->has_identity) {
        hyp_buf_append_fmt(out, "%s %s version %02X %s", meter->manufacturer, meter->id,
                           meter->version, hyp_medium_text(meter->medium));
    } else if (telegram->primary_address >= 0) {
        hyp_buf_append_fmt(out, "primary address %d", telegram->primary_address);
    } else {
        hyp_buf_append_text(out, "unknown sender");
    }
    hyp_buf_append_fmt(out, ", access %u, encryption mode %u (%s)", telegram->access,
                       telegram->security_mode,
                       hyp_encryption_state_text(telegram->encryption));
    if (telegram->has_status) {
        const char *names[8];
        const size_t count = hyp_status_byte_names(telegram->status, names);
        for (size_t i = 0; i < count; i++) {
            hyp_buf_append_fmt(out, "%s%s", i == 0 ? ", status " : " ", names[i]);
        }
    }
    if (profile != NULL) {
        hyp_buf_append_fmt(out, ", profile %s", profile);
    }
}

static void write_row(struct hyp_buf *out, const struct hyp_decoded_record *record)
{
    const struct hyp_value *value = &record->value;
    char key_text[HYP_POINT_KEY_TEXT_MAX];
    struct hyp_buf key;
    hyp_buf_init_fixed(&key, key_text, sizeof(key_text));
    hyp_point_key_format(&key, &value->key);
    hyp_buf_append_fmt(out, "    %-36s ", hyp_buf_terminate(&key));
    if (hyp_quality_is_usable(value->quality)) {
        hyp_value_format(out, value);
        hyp_buf_append_fmt(out, " %s", hyp_unit_text(value->unit));
        if (record->sent_unit != value->unit) {
            hyp_buf_append_fmt(out, " (sent as %s)", hyp_unit_text(record->sent_unit));
        }
    } else {
        hyp_buf_append_fmt(out, "- (%s)", hyp_quality_text(value->quality));
    }
    if (record->has_time) {
        hyp_buf_append_text(out, "  at ");
        hyp_civil_format(out, &record->time);
    }
    if (value->label.len > 0) {
        hyp_buf_append_text(out, "  \"");
        hyp_buf_append_str(out, value->label);
        hyp_buf_append_text(out, "\"");
    }
    hyp_buf_append_char(out, '\n');
}

static void write_failure(struct hyp_buf *out, const struct hyp_error *error)
{
    hyp_buf_append_fmt(out, "    %s", hyp_status_name(error->status));
    if (error->offset >= 0) {
        hyp_buf_append_fmt(out, " at byte %lld", (long long)error->offset);
    }
    hyp_buf_append_fmt(out, ": %s\n", error->text);
}

void hyp_decoded_write_table(struct hyp_buf *out, const struct hyp_decoded *decoded,
                             size_t line)
{
    hyp_buf_append_fmt(out, "%zu: ", line);
    if (decoded->telegram != NULL) {
        write_title(out, decoded->telegram, decoded->profile);
    } else {
        hyp_buf_append_text(out, "not a telegram");
    }
    hyp_buf_append_text(out, decoded->length_repaired ? ", L too small: taken as all bytes\n"
                                                      : "\n");
    for (size_t i = 0; i < decoded->count; i++) {
        write_row(out, &decoded->records[i]);
    }
    if (decoded->error.status != HYP_OK) {
        write_failure(out, &decoded->error);
    }
    if (decoded->explain != NULL) {
        hyp_decoded_write_notes(out, decoded);
    }
}

static void write_note(struct hyp_buf *out, const struct hyp_note *note, const uint8_t *bytes,
                       size_t len)
{
    char hex_text[NOTE_BYTES * 2 + 4];
    struct hyp_buf hex;
    hyp_buf_init_fixed(&hex, hex_text, sizeof(hex_text));
    if ((size_t)note->offset + note->len <= len) {
        hyp_buf_append_hex(&hex, bytes + note->offset, HYP_MIN(note->len, (size_t)NOTE_BYTES));
        hyp_buf_append_text(&hex, note->len > NOTE_BYTES ? ".." : "");
    }
    hyp_buf_append_fmt(out, "    %s%4u %-26s %-14s %s", note->stage == 0 ? " " : "*",
                       note->offset, hyp_buf_terminate(&hex), note->field, note->meaning);
    if (note->clause[0] != '\0') {
        hyp_buf_append_fmt(out, "  [%s]", note->clause);
    }
    hyp_buf_append_char(out, '\n');
}

void hyp_decoded_write_notes(struct hyp_buf *out, const struct hyp_decoded *decoded)
{
    const struct hyp_explain *explain = decoded->explain;
    if (explain == NULL || decoded->telegram == NULL) {
        return;
    }
    for (size_t i = 0; i < explain->count; i++) {
        const struct hyp_note *note = &explain->notes[i];
        if (note->stage == 0) {
            write_note(out, note, decoded->bytes, decoded->len);
        } else {
            write_note(out, note, decoded->telegram->plain, decoded->telegram->plain_len);
        }
    }
    if (explain->dropped > 0) {
        hyp_buf_append_fmt(out, "    ... and %zu more notes\n", explain->dropped);
    }
}
