/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/decoder.h"

#include "base/json.h"

static void write_head(struct hyp_json *json, const struct hyp_telegram *telegram,
                       const char *profile)
{
    const struct hyp_meter_identity *meter = &telegram->meter;
    hyp_json_member_text(json, "link", telegram->link == HYP_LINK_MBUS ? "mbus" : "wmbus");
    if (telegram->primary_address >= 0) {
        hyp_json_member_i64(json, "address", telegram->primary_address);
    }
    if (telegram->has_identity) {
        hyp_json_member_text(json, "manufacturer", meter->manufacturer);
        hyp_json_member_text(json, "id", meter->id);
        hyp_json_member_u64(json, "version", meter->version);
        hyp_json_member_text(json, "medium", hyp_medium_text(meter->medium));
        hyp_json_member_u64(json, "medium_code", meter->medium);
    }
    if (profile != NULL) {
        hyp_json_member_text(json, "profile", profile);
    }
    hyp_json_member_u64(json, "access", telegram->access);
    hyp_json_key(json, "status");
    hyp_json_array_begin(json);
    const char *names[8];
    const size_t count =
        telegram->has_status ? hyp_status_byte_names(telegram->status, names) : 0;
    for (size_t i = 0; i < count; i++) {
        hyp_json_text(json, names[i]);
    }
    hyp_json_array_end(json);
    hyp_json_key(json, "encryption");
    hyp_json_object_begin(json);
    hyp_json_member_u64(json, "mode", telegram->security_mode);
    hyp_json_member_text(json, "state", hyp_encryption_state_text(telegram->encryption));
    hyp_json_object_end(json);
}

static void write_civil(struct hyp_json *json, const char *key, const struct hyp_civil *civil)
{
    char text[32];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_civil_format(&buf, civil);
    hyp_json_member_str(json, key, hyp_buf_view(&buf));
}

static void write_payload(struct hyp_json *json, const struct hyp_value *value)
{
    if (!hyp_quality_is_usable(value->quality) || value->kind == HYP_VALUE_UNSET) {
        hyp_json_member_null(json, "value");
        return;
    }
    switch (value->kind) {
    case HYP_VALUE_DECIMAL:
        hyp_json_key(json, "value");
        hyp_json_decimal(json, value->decimal);
        return;
    case HYP_VALUE_FLAGS: hyp_json_member_u64(json, "value", value->flags); return;
    case HYP_VALUE_TEXT: hyp_json_member_str(json, "value", value->text); return;
    case HYP_VALUE_CIVIL:
        write_civil(json, "value", &value->civil);
        write_civil(json, "time", &value->civil);
        return;
    case HYP_VALUE_UNSET: return;
    }
}

static void write_record(struct hyp_json *json, const struct hyp_decoded_record *record)
{
    const struct hyp_value *value = &record->value;
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "name",
                         hyp_vocabulary_word((enum hyp_name)value->key.name)->name);
    hyp_json_member_text(json, "quantity", hyp_quantity_text(record->quantity));
    hyp_json_member_text(json, "unit", hyp_unit_text(value->unit));
    write_payload(json, value);
    hyp_json_member_text(json, "quality", hyp_quality_text(value->quality));
    hyp_json_member_text(json, "function", hyp_function_text(record->function));
    hyp_json_member_u64(json, "storage", record->storage);
    hyp_json_member_u64(json, "tariff", record->tariff);
    hyp_json_member_u64(json, "subunit", record->subunit);
    if (record->has_time && value->kind != HYP_VALUE_CIVIL) {
        write_civil(json, "time", &record->time);
    }
    if (value->label.len > 0) {
        hyp_json_member_str(json, "label", value->label);
    }
    hyp_json_object_end(json);
}

static void write_error(struct hyp_json *json, const char *key, const struct hyp_error *error)
{
    hyp_json_key(json, key);
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "code", hyp_status_name(error->status));
    if (error->offset >= 0) {
        hyp_json_member_i64(json, "offset", error->offset);
    }
    hyp_json_member_text(json, "text", error->text);
    hyp_json_object_end(json);
}

static void write_notes(struct hyp_json *json, const struct hyp_decoded *decoded)
{
    hyp_json_key(json, "bytes");
    hyp_json_hex(json, decoded->bytes, decoded->len);
    hyp_json_key(json, "plain");
    hyp_json_hex(json, decoded->telegram->plain, decoded->telegram->plain_len);
    hyp_json_key(json, "notes");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < decoded->explain->count; i++) {
        const struct hyp_note *note = &decoded->explain->notes[i];
        hyp_json_object_begin(json);
        hyp_json_member_u64(json, "stage", note->stage);
        hyp_json_member_u64(json, "offset", note->offset);
        hyp_json_member_u64(json, "len", note->len);
        hyp_json_member_text(json, "layer",
                             hyp_note_layer_text((enum hyp_note_layer)note->layer));
        hyp_json_member_i64(json, "record", note->record);
        hyp_json_member_text(json, "field", note->field);
        hyp_json_member_text(json, "meaning", note->meaning);
        hyp_json_member_text(json, "clause", note->clause);
        hyp_json_object_end(json);
    }
    hyp_json_array_end(json);
}

void hyp_decoded_write_json(struct hyp_buf *out, const struct hyp_decoded *decoded, size_t line)
{
    struct hyp_json json;
    hyp_json_init(&json, out);
    hyp_json_object_begin(&json);
    hyp_json_member_u64(&json, "line", line);
    hyp_json_member_bool(&json, "ok", decoded->status == HYP_OK);
    if (decoded->error.status != HYP_OK) {
        write_error(&json, decoded->status == HYP_OK ? "incomplete" : "error", &decoded->error);
    }
    if (decoded->telegram != NULL) {
        write_head(&json, decoded->telegram, decoded->profile);
        hyp_json_key(&json, "records");
        hyp_json_array_begin(&json);
        for (size_t i = 0; i < decoded->count; i++) {
            write_record(&json, &decoded->records[i]);
        }
        hyp_json_array_end(&json);
        if (decoded->explain != NULL) {
            write_notes(&json, decoded);
        }
    }
    hyp_json_object_end(&json);
    hyp_buf_append_char(out, '\n');
}
