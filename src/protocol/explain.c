/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/explain.h"

#include "base/buf.h"

#include <stdarg.h>

const char *hyp_note_layer_text(enum hyp_note_layer layer)
{
    static const char *const texts[] = {
        [HYP_NOTE_LINK] = "link",
        [HYP_NOTE_ADDRESS] = "address",
        [HYP_NOTE_TRANSPORT] = "transport",
        [HYP_NOTE_SECURITY] = "security",
        [HYP_NOTE_DIB] = "dib",
        [HYP_NOTE_VIB] = "vib",
        [HYP_NOTE_DATA] = "data",
        [HYP_NOTE_OTHER] = "other",
        [HYP_NOTE_ERROR] = "error",
    };
    return texts[layer];
}

void hyp_note_write_json(struct hyp_json *json, const struct hyp_note *note)
{
    hyp_json_object_begin(json);
    hyp_json_member_u64(json, "stage", note->stage);
    hyp_json_member_u64(json, "offset", note->offset);
    hyp_json_member_u64(json, "length", note->len);
    hyp_json_member_text(json, "layer", hyp_note_layer_text((enum hyp_note_layer)note->layer));
    hyp_json_member_i64(json, "record", note->record);
    hyp_json_member_text(json, "field", note->field);
    hyp_json_member_text(json, "meaning", note->meaning);
    hyp_json_member_text(json, "clause", note->clause);
    hyp_json_object_end(json);
}

void hyp_explain_init(struct hyp_explain *explain, struct hyp_note *notes, size_t capacity)
{
    *explain = (struct hyp_explain){.notes = notes, .capacity = capacity, .record = -1};
}

void hyp_explain_add(struct hyp_explain *explain, enum hyp_note_layer layer, size_t offset,
                     size_t len, const char *field, const char *clause, const char *format, ...)
{
    if (explain == NULL) {
        return;
    }
    if (explain->count == explain->capacity) {
        explain->dropped++;
        return;
    }
    struct hyp_note *note = &explain->notes[explain->count++];
    *note = (struct hyp_note){
        .offset = (uint16_t)(explain->base + offset),
        .len = (uint16_t)len,
        .stage = explain->stage,
        .layer = (uint8_t)layer,
        .record = explain->record,
    };
    (void)hyp_text_copy(note->field, sizeof(note->field), hyp_str_from(field));
    (void)hyp_text_copy(note->clause, sizeof(note->clause), hyp_str_from(clause));
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, note->meaning, sizeof(note->meaning));
    va_list args;
    va_start(args, format);
    hyp_buf_append_vfmt(&text, format, args);
    va_end(args);
    (void)hyp_buf_terminate(&text);
}
