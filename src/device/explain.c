/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile makes of the bytes, added to the notes that the standard made of them. The
 * standard's words stay in front: where the two differ, the reader sees both.
 */
#include "device/library.h"

#include "protocol/mbus/record.h"

#include <string.h>

#define STATUS_FIELD "ST"
#define BITS_MAX 64

/* A note that is being completed. */
struct addition {
    struct hyp_buf text;
    char memory[HYP_NOTE_TEXT_MAX];
};

static void begin(struct addition *addition, const struct hyp_note *note)
{
    hyp_buf_init_fixed(&addition->text, addition->memory, sizeof(addition->memory));
    struct hyp_str meaning = hyp_str_from(note->meaning);
    while (meaning.len > 0 && meaning.ptr[meaning.len - 1] == ' ') {
        meaning.len--; /* a number without a unit */
    }
    hyp_buf_append_str(&addition->text, meaning);
}

/* A text that does not fit is left out as a whole: half of it could say something else. */
static void end(struct addition *addition, struct hyp_note *note)
{
    const char *text = hyp_buf_terminate(&addition->text);
    if (hyp_buf_status(&addition->text) == HYP_OK) {
        memcpy(note->meaning, text, strlen(text) + 1);
    }
}

/* The note on the data of record `index`, or NULL (cut away, or it has no data). */
static struct hyp_note *note_of(const struct hyp_explain *explain, size_t first, size_t index)
{
    for (size_t i = first; i < explain->count; i++) {
        struct hyp_note *note = &explain->notes[i];
        if (note->record >= 0 && (size_t)note->record == index &&
            note->layer == HYP_NOTE_DATA &&
            (strcmp(note->field, "value") == 0 ||
             strcmp(note->field, "profile element") == 0)) {
            return note;
        }
    }
    return NULL;
}

static void append_bits(struct hyp_buf *text, const struct hyp_info_bit *bits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append_text(text, i == 0 ? ": " : ", ");
        hyp_buf_append_text(text, bits[i].name);
    }
}

/* The value as it is stored, when the note does not show it so already. */
static void append_payload(struct hyp_buf *text, const struct hyp_value *value,
                           const char *meaning)
{
    char memory[HYP_NOTE_TEXT_MAX];
    struct hyp_buf shown;
    if (!hyp_quality_is_usable(value->quality)) {
        if (strstr(meaning, "absent") == NULL) {
            hyp_buf_append_fmt(text, ": absent, %s", hyp_quality_text(value->quality));
        }
        return;
    }
    if (value->kind != HYP_VALUE_DECIMAL) {
        return;
    }
    hyp_buf_init_fixed(&shown, memory, sizeof(memory));
    hyp_decimal_format(&shown, value->decimal);
    hyp_buf_append_fmt(&shown, " %s", hyp_unit_symbol(value->unit));
    const char *words = hyp_buf_terminate(&shown);
    if (strstr(meaning, words) == NULL) {
        hyp_buf_append_fmt(text, " = %s", words);
    }
}

static void explain_value(const struct hyp_profile *profile, const struct hyp_value *value,
                          struct hyp_note *note)
{
    struct addition addition;
    begin(&addition, note);
    hyp_buf_append_text(&addition.text, "; ");
    hyp_point_key_format(&addition.text, &value->key);
    append_payload(&addition.text, value, note->meaning);
    if (value->kind == HYP_VALUE_FLAGS && hyp_quality_is_usable(value->quality)) {
        struct hyp_info_bit bits[BITS_MAX];
        append_bits(&addition.text, bits,
                    hyp_profile_value_bits(profile, (enum hyp_name)value->key.name,
                                           value->flags, bits, HYP_ARRAY_LEN(bits)));
    }
    if (value->label.len > 0) {
        hyp_buf_append_text(&addition.text, ", ");
        hyp_buf_append_str(&addition.text, value->label);
    }
    end(&addition, note);
}

/* The maker's part of the status byte; the note names the standard's already. */
static void explain_status(const struct hyp_profile *profile,
                           const struct hyp_telegram *telegram, struct hyp_explain *explain,
                           size_t first)
{
    struct hyp_info_bit bits[BITS_MAX];
    struct hyp_info_bit makers[BITS_MAX];
    size_t count = 0;
    const size_t all =
        hyp_profile_status_bits(profile, telegram->status, bits, HYP_ARRAY_LEN(bits));
    for (size_t i = 0; i < all; i++) {
        if (bits[i].code >= 0 || bits[i].bit >= 5) {
            makers[count++] = bits[i];
        }
    }
    for (size_t i = first; count > 0 && i < explain->count; i++) {
        struct hyp_note *note = &explain->notes[i];
        if (note->layer == HYP_NOTE_TRANSPORT && strcmp(note->field, STATUS_FIELD) == 0) {
            struct addition addition;
            begin(&addition, note);
            hyp_buf_append_text(&addition.text, "; the maker's bits");
            append_bits(&addition.text, makers, count);
            end(&addition, note);
        }
    }
}

void hyp_device_explain(const struct hyp_profile *profile, const struct hyp_telegram *telegram,
                        struct hyp_arena *arena, struct hyp_explain *explain, size_t first)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    if (telegram->has_status) {
        explain_status(profile, telegram, explain, first);
    }
    if (telegram->content != HYP_CONTENT_RECORDS) {
        return;
    }
    hyp_mbus_records_init(&records, telegram->data, telegram->data_len, NULL);
    records.msb_first = !telegram->lsb_first;
    while (hyp_mbus_records_next(&records, &record, NULL) == HYP_OK) {
        struct hyp_value value;
        struct hyp_note *note = note_of(explain, first, records.index - 1);
        if (note != NULL &&
            hyp_device_record_value(profile, telegram, &record, arena, &value) == HYP_OK) {
            explain_value(profile, &value, note);
        }
        for (size_t at = 0;
             note != NULL && hyp_device_record_part(profile, telegram, &record, arena, &at,
                                                    &value) == HYP_OK;) {
            explain_value(profile, &value, note);
        }
    }
}
