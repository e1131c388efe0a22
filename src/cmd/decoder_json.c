/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON object per telegram, written the fast way: pieces whose text is known at compile
 * time are copied with their lengths into room that was reserved for the whole record. Only
 * texts of the meter go through the escaping writer. (The general writer, base/json.h, costs
 * five times as much per record; this is where bulk decoding spends its time.)
 */
#include "cmd/decoder.h"

#include "base/json.h"

#include <assert.h>
#include <string.h>

/* Vocabulary words with their lengths. They hold nothing that JSON escapes. */
static const struct hyp_str names[] = {
#define X(id, name, quantity, unit, aggregation, meaning) {name, sizeof(name) - 1},
#include "model/vocabulary.def"
#undef X
};

static const struct hyp_str quantities[] = {
#define X(id, text) {text, sizeof(text) - 1},
#include "model/quantity.def"
#undef X
};

static const struct hyp_str units[] = {
#define X(id, text, canonical, exp10) {text, sizeof(text) - 1},
#include "model/unit.def"
#undef X
};

static_assert(HYP_ARRAY_LEN(names) == HYP_NAME_COUNT_OF, "a view for every name");
static_assert(HYP_ARRAY_LEN(quantities) == HYP_QUANTITY_COUNT_OF, "a view for every quantity");
static_assert(HYP_ARRAY_LEN(units) == HYP_UNIT_COUNT_OF, "a view for every unit");

/* Longest record without its texts: keys, words, five numbers, two times. */
#define RECORD_ROOM 640
#define HEAD_ROOM 640

/* Where the next byte goes, inside reserved room. */
struct cursor {
    uint8_t *at;
};

static inline void put(struct cursor *cursor, const char *text, size_t len)
{
    memcpy(cursor->at, text, len);
    cursor->at += len;
}

#define PUT(cursor, literal) put((cursor), (literal), sizeof(literal) - 1)

static void put_str(struct cursor *cursor, struct hyp_str text)
{
    put(cursor, text.ptr, text.len);
}

static void put_text(struct cursor *cursor, const char *text)
{
    put(cursor, text, strlen(text));
}

/* Decimal digits; `least` pads with zeros in front. */
static void put_digits(struct cursor *cursor, uint64_t value, size_t least)
{
    char digits[20];
    size_t len = 0;
    do {
        digits[sizeof(digits) - ++len] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (len < least) {
        digits[sizeof(digits) - ++len] = '0';
    }
    put(cursor, digits + sizeof(digits) - len, len);
}

/* As hyp_decimal_format writes it. */
static void put_decimal(struct cursor *cursor, struct hyp_decimal value)
{
    enum { EXP10_MAX = 18 };
    static const uint64_t powers[EXP10_MAX + 1] = {
        1,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
    };
    if (value.exp10 < -EXP10_MAX || value.exp10 > EXP10_MAX) {
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, cursor->at, 48);
        hyp_decimal_format(&buf, value);
        cursor->at += buf.len;
        return;
    }
    const bool negative = value.digits < 0;
    const uint64_t magnitude = negative ? 0 - (uint64_t)value.digits : (uint64_t)value.digits;
    if (negative) {
        PUT(cursor, "-");
    }
    if (value.exp10 >= 0) {
        put_digits(cursor, magnitude, 1);
        for (int i = 0; magnitude != 0 && i < value.exp10; i++) {
            PUT(cursor, "0");
        }
        return;
    }
    const uint64_t power = powers[-value.exp10];
    put_digits(cursor, magnitude / power, 1);
    PUT(cursor, ".");
    put_digits(cursor, magnitude % power, (size_t)-value.exp10);
}

/* As hyp_civil_format writes it, in quotes. */
static void put_civil(struct cursor *cursor, const struct hyp_civil *civil)
{
    PUT(cursor, "\"");
    if (civil->precision != HYP_CIVIL_TIME_OF_DAY) {
        put_digits(cursor, (uint64_t)civil->year, 4);
        PUT(cursor, "-");
        put_digits(cursor, civil->month, 2);
        PUT(cursor, "-");
        put_digits(cursor, civil->day, 2);
    }
    if (civil->precision == HYP_CIVIL_MINUTE || civil->precision == HYP_CIVIL_SECOND) {
        PUT(cursor, "T");
    }
    if (civil->precision != HYP_CIVIL_DATE) {
        put_digits(cursor, civil->hour, 2);
        PUT(cursor, ":");
        put_digits(cursor, civil->minute, 2);
    }
    if (civil->precision == HYP_CIVIL_SECOND || civil->precision == HYP_CIVIL_TIME_OF_DAY) {
        PUT(cursor, ":");
        put_digits(cursor, civil->second, 2);
    }
    PUT(cursor, "\"");
}

/* A text of the meter, escaped, or of the profile. */
static void append_text(struct hyp_buf *out, struct hyp_str text)
{
    struct hyp_json json;
    hyp_json_init(&json, out);
    hyp_json_str(&json, text);
}

static void put_number_member(struct cursor *cursor, const char *key, size_t key_len,
                              uint64_t value)
{
    put(cursor, key, key_len);
    put_digits(cursor, value, 1);
}
#define PUT_NUMBER(cursor, key, value)                                                         \
    put_number_member((cursor), (key), sizeof(key) - 1, (value))

static void put_payload(struct cursor *cursor, const struct hyp_value *value)
{
    if (!hyp_quality_is_usable(value->quality)) {
        PUT(cursor, "null");
        return;
    }
    switch (value->kind) {
    case HYP_VALUE_DECIMAL: put_decimal(cursor, value->decimal); return;
    case HYP_VALUE_FLAGS: put_digits(cursor, value->flags, 1); return;
    case HYP_VALUE_CIVIL:
        put_civil(cursor, &value->civil);
        PUT(cursor, ",\"time\":");
        put_civil(cursor, &value->civil);
        return;
    case HYP_VALUE_TEXT: /* appended by the caller */
    case HYP_VALUE_UNSET: PUT(cursor, "null"); return;
    }
}

static void put_function(struct cursor *cursor, enum hyp_function function)
{
    if (function == HYP_FUNCTION_INSTANTANEOUS) {
        PUT(cursor, ",\"function\":\"instantaneous\"");
        return;
    }
    PUT(cursor, ",\"function\":\"");
    put_text(cursor, hyp_function_text(function));
    PUT(cursor, "\"");
}

static void put_quality(struct cursor *cursor, enum hyp_quality quality)
{
    if (quality == HYP_QUALITY_GOOD) {
        PUT(cursor, ",\"quality\":\"good\"");
        return;
    }
    PUT(cursor, ",\"quality\":\"");
    put_text(cursor, hyp_quality_text(quality));
    PUT(cursor, "\"");
}

static void put_which(struct cursor *cursor, const struct hyp_decoded_record *record)
{
    const struct hyp_value *value = &record->value;
    put_quality(cursor, value->quality);
    put_function(cursor, record->function);
    PUT_NUMBER(cursor, ",\"storage\":", record->storage);
    PUT_NUMBER(cursor, ",\"tariff\":", record->tariff);
    PUT_NUMBER(cursor, ",\"subunit\":", record->subunit);
    if (record->has_time && value->kind != HYP_VALUE_CIVIL) {
        PUT(cursor, ",\"time\":");
        put_civil(cursor, &record->time);
    }
}

static void append_record(struct hyp_buf *out, const struct hyp_decoded_record *record)
{
    const struct hyp_value *value = &record->value;
    uint8_t *room = hyp_buf_room(out, RECORD_ROOM);
    if (room == NULL) {
        return;
    }
    struct cursor cursor = {room};
    PUT(&cursor, "{\"name\":\"");
    put_str(&cursor, names[value->key.name]);
    PUT(&cursor, "\",\"quantity\":\"");
    put_str(&cursor, quantities[record->quantity]);
    PUT(&cursor, "\",\"unit\":\"");
    put_str(&cursor, units[record->sent_unit]);
    if (record->sent_unit != value->unit) {
        PUT(&cursor, "\",\"profile_unit\":\"");
        put_str(&cursor, units[value->unit]);
    }
    PUT(&cursor, "\",\"value\":");
    if (value->kind == HYP_VALUE_TEXT && hyp_quality_is_usable(value->quality)) {
        hyp_buf_take(out, (size_t)(cursor.at - room));
        append_text(out, value->text);
        room = hyp_buf_room(out, RECORD_ROOM);
        if (room == NULL) {
            return;
        }
        cursor.at = room;
    } else {
        put_payload(&cursor, value);
    }
    put_which(&cursor, record);
    hyp_buf_take(out, (size_t)(cursor.at - room));
    if (value->label.len > 0) {
        hyp_buf_append_text(out, ",\"label\":");
        append_text(out, value->label);
    }
    hyp_buf_append_char(out, '}');
}

static void put_meter(struct cursor *cursor, const struct hyp_meter_identity *meter)
{
    PUT(cursor, ",\"manufacturer\":\"");
    put(cursor, meter->manufacturer, 3);
    PUT(cursor, "\",\"id\":\"");
    put(cursor, meter->id, 8);
    PUT_NUMBER(cursor, "\",\"version\":", meter->version);
    PUT(cursor, ",\"medium\":\"");
    put_text(cursor, hyp_medium_text(meter->medium));
    PUT_NUMBER(cursor, "\",\"medium_code\":", meter->medium);
}

static void put_status(struct cursor *cursor, const struct hyp_telegram *telegram)
{
    const char *texts[8];
    const size_t count =
        telegram->has_status ? hyp_status_byte_names(telegram->status, texts) : 0;
    PUT(cursor, ",\"status\":[");
    for (size_t i = 0; i < count; i++) {
        put(cursor, ",\"", i == 0 ? 0 : 1);
        PUT(cursor, "\"");
        put_text(cursor, texts[i]);
        PUT(cursor, "\"");
    }
    PUT(cursor, "]");
}

static void append_head(struct hyp_buf *out, const struct hyp_telegram *telegram,
                        const char *profile)
{
    uint8_t *room = hyp_buf_room(out, HEAD_ROOM);
    if (room == NULL) {
        return;
    }
    struct cursor cursor = {room};
    if (telegram->link == HYP_LINK_MBUS) {
        PUT(&cursor, ",\"link\":\"mbus\"");
    } else {
        PUT(&cursor, ",\"link\":\"wmbus\"");
    }
    if (telegram->primary_address >= 0) {
        PUT_NUMBER(&cursor, ",\"address\":", (uint64_t)telegram->primary_address);
    }
    if (telegram->has_identity) {
        put_meter(&cursor, &telegram->meter);
    }
    if (profile != NULL) {
        PUT(&cursor, ",\"profile\":\"");
        put_text(&cursor, profile);
        PUT(&cursor, "\"");
    }
    PUT_NUMBER(&cursor, ",\"access\":", telegram->access);
    put_status(&cursor, telegram);
    PUT_NUMBER(&cursor, ",\"encryption\":{\"mode\":", telegram->security_mode);
    PUT(&cursor, ",\"state\":\"");
    put_text(&cursor, hyp_encryption_state_text(telegram->encryption));
    PUT(&cursor, "\"}");
    hyp_buf_take(out, (size_t)(cursor.at - room));
}

static void append_error(struct hyp_buf *out, const char *key, const struct hyp_error *error)
{
    struct hyp_json json;
    hyp_buf_append_fmt(out, ",\"%s\":", key);
    hyp_json_init(&json, out);
    hyp_json_object_begin(&json);
    hyp_json_member_text(&json, "code", hyp_status_name(error->status));
    if (error->offset >= 0) {
        hyp_json_member_i64(&json, "offset", error->offset);
    }
    hyp_json_member_text(&json, "text", error->text);
    hyp_json_object_end(&json);
}

static void append_note(struct hyp_json *json, const struct hyp_note *note)
{
    hyp_json_object_begin(json);
    hyp_json_member_u64(json, "stage", note->stage);
    hyp_json_member_u64(json, "offset", note->offset);
    hyp_json_member_u64(json, "len", note->len);
    hyp_json_member_text(json, "layer", hyp_note_layer_text((enum hyp_note_layer)note->layer));
    hyp_json_member_i64(json, "record", note->record);
    hyp_json_member_text(json, "field", note->field);
    hyp_json_member_text(json, "meaning", note->meaning);
    hyp_json_member_text(json, "clause", note->clause);
    hyp_json_object_end(json);
}

static void append_notes(struct hyp_buf *out, const struct hyp_decoded *decoded)
{
    struct hyp_json json;
    hyp_buf_append_char(out, ',');
    hyp_json_init(&json, out);
    hyp_json_key(&json, "bytes");
    hyp_json_hex(&json, decoded->bytes, decoded->len);
    hyp_json_key(&json, "plain");
    hyp_json_hex(&json, decoded->telegram->plain, decoded->telegram->plain_len);
    hyp_json_key(&json, "notes");
    hyp_json_array_begin(&json);
    for (size_t i = 0; i < decoded->explain->count; i++) {
        append_note(&json, &decoded->explain->notes[i]);
    }
    hyp_json_array_end(&json);
}

void hyp_decoded_write_json(struct hyp_buf *out, const struct hyp_decoded *decoded, size_t line)
{
    hyp_buf_append_text(out, "{\"line\":");
    hyp_buf_append_u64(out, line);
    hyp_buf_append_text(out, decoded->status == HYP_OK ? ",\"ok\":true" : ",\"ok\":false");
    if (decoded->error.status != HYP_OK) {
        append_error(out, decoded->status == HYP_OK ? "incomplete" : "error", &decoded->error);
    }
    if (decoded->length_repaired) {
        hyp_buf_append_text(out, ",\"length_repaired\":true");
    }
    if (decoded->telegram != NULL) {
        append_head(out, decoded->telegram, decoded->profile);
        hyp_buf_append_text(out, ",\"records\":[");
        for (size_t i = 0; i < decoded->count; i++) {
            if (i > 0) {
                hyp_buf_append_char(out, ',');
            }
            append_record(out, &decoded->records[i]);
        }
        hyp_buf_append_char(out, ']');
        if (decoded->explain != NULL) {
            append_notes(out, decoded);
        }
    }
    hyp_buf_append_text(out, "}\n");
}
