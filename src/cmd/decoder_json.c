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

/*
 * Pieces of a record that one word decides, with all that JSON needs around it. Each has the
 * full width of its table, so that copying one is a few moves of a size known at compile time;
 * what is behind its length is overwritten by the next. The words hold nothing that is escaped.
 */
#define NAME_WIDTH 64
#define QUANTITY_WIDTH 48
#define UNIT_WIDTH 16

struct name_piece {
    uint8_t len;
    char text[NAME_WIDTH];
};
struct quantity_piece {
    uint8_t len;
    char text[QUANTITY_WIDTH];
};
struct unit_piece {
    uint8_t len;
    char text[UNIT_WIDTH];
};

#define PIECE(words)                                                                           \
    {                                                                                          \
        sizeof(words) - 1, words                                                               \
    }

static const struct name_piece names[] = {
#define X(id, name, quantity, unit, aggregation, meaning)                                      \
    PIECE("{\"name\":\"" name "\",\"quantity\":\""),
#include "model/vocabulary.def"
#undef X
};

static const struct quantity_piece quantities[] = {
#define X(id, text) PIECE(text "\",\"unit\":\""),
#include "model/quantity.def"
#undef X
};

static const struct unit_piece units[] = {
#define X(id, text, canonical, exp10) PIECE(text),
#include "model/unit.def"
#undef X
};

#undef PIECE

static_assert(HYP_ARRAY_LEN(names) == HYP_NAME_COUNT_OF, "a piece for every name");
static_assert(HYP_ARRAY_LEN(quantities) == HYP_QUANTITY_COUNT_OF, "a piece for every quantity");
static_assert(HYP_ARRAY_LEN(units) == HYP_UNIT_COUNT_OF, "a piece for every unit");

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

/* Copies the whole width, goes on behind the words. */
#define PUT_PIECE(cursor, piece)                                                               \
    do {                                                                                       \
        memcpy((cursor)->at, (piece).text, sizeof((piece).text));                              \
        (cursor)->at += (piece).len;                                                           \
    } while (0)

static void put_text(struct cursor *cursor, const char *text)
{
    put(cursor, text, strlen(text));
}

#define NUMBER_WIDTH 20

/* The digits of a number at the end of `room`; `least` pads with zeros in front. */
static inline size_t format_digits(uint64_t value, size_t least, char room[static NUMBER_WIDTH])
{
    size_t len = 0;
    do {
        room[NUMBER_WIDTH - ++len] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (len < least) {
        room[NUMBER_WIDTH - ++len] = '0';
    }
    return len;
}

/* Decimal digits; `least` pads with zeros in front. */
static void put_digits(struct cursor *cursor, uint64_t value, size_t least)
{
    char digits[NUMBER_WIDTH];
    if (value < 10 && least <= 1) {
        *cursor->at++ = (uint8_t)('0' + value);
        return;
    }
    const size_t len = format_digits(value, least, digits);
    put(cursor, digits + NUMBER_WIDTH - len, len);
}

static inline void put_two(struct cursor *cursor, unsigned value)
{
    cursor->at[0] = (uint8_t)('0' + value / 10);
    cursor->at[1] = (uint8_t)('0' + value % 10);
    cursor->at += 2;
}

/* As hyp_decimal_format writes it. */
static void put_decimal(struct cursor *cursor, struct hyp_decimal value)
{
    enum { EXP10_MAX = 18 };
    char digits[NUMBER_WIDTH];
    if (value.exp10 < -EXP10_MAX || value.exp10 > EXP10_MAX) {
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, cursor->at, 48);
        hyp_decimal_format(&buf, value);
        cursor->at += buf.len;
        return;
    }
    const uint64_t magnitude =
        value.digits < 0 ? 0 - (uint64_t)value.digits : (uint64_t)value.digits;
    if (value.digits < 0) {
        *cursor->at++ = '-';
    }
    const size_t fraction = value.exp10 < 0 ? (size_t)-value.exp10 : 0;
    const size_t len = format_digits(magnitude, fraction + 1, digits);
    put(cursor, digits + NUMBER_WIDTH - len, len - fraction);
    if (fraction > 0) {
        *cursor->at++ = '.';
        put(cursor, digits + NUMBER_WIDTH - fraction, fraction);
    }
    for (int i = 0; magnitude != 0 && i < value.exp10; i++) {
        *cursor->at++ = '0';
    }
}

/* As hyp_civil_format writes it, in quotes. */
static void put_civil(struct cursor *cursor, const struct hyp_civil *civil)
{
    *cursor->at++ = '"';
    if (civil->precision != HYP_CIVIL_TIME_OF_DAY) {
        put_digits(cursor, (uint64_t)civil->year, 4);
        *cursor->at++ = '-';
        put_two(cursor, civil->month);
        *cursor->at++ = '-';
        put_two(cursor, civil->day);
    }
    if (civil->precision == HYP_CIVIL_MINUTE || civil->precision == HYP_CIVIL_SECOND) {
        *cursor->at++ = 'T';
    }
    if (civil->precision != HYP_CIVIL_DATE) {
        put_two(cursor, civil->hour);
        *cursor->at++ = ':';
        put_two(cursor, civil->minute);
    }
    if (civil->precision == HYP_CIVIL_SECOND || civil->precision == HYP_CIVIL_TIME_OF_DAY) {
        *cursor->at++ = ':';
        put_two(cursor, civil->second);
    }
    *cursor->at++ = '"';
}

/* Printable ASCII that JSON does not escape: nearly every text. */
static bool is_plain(struct hyp_str text)
{
    unsigned odd = 0;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        odd |= c - 0x20u > 0x7Eu - 0x20u || c == '"' || c == '\\';
    }
    return odd == 0;
}

/* A text of the meter, escaped, or of the profile. */
static void append_text(struct hyp_buf *out, struct hyp_str text)
{
    struct hyp_json json;
    uint8_t *room = is_plain(text) ? hyp_buf_room(out, text.len + 2) : NULL;
    if (room != NULL) {
        room[0] = '"';
        memcpy(room + 1, text.ptr, text.len);
        room[1 + text.len] = '"';
        hyp_buf_take(out, text.len + 2);
        return;
    }
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

/* What nearly every record says: a good momentary value without storage, tariff and subunit. */
static bool is_usual(const struct hyp_decoded_record *record)
{
    return record->value.quality == HYP_QUALITY_GOOD &&
           record->function == HYP_FUNCTION_INSTANTANEOUS &&
           (record->storage | record->tariff | record->subunit) == 0;
}

static void put_which(struct cursor *cursor, const struct hyp_decoded_record *record)
{
    const struct hyp_value *value = &record->value;
    if (is_usual(record)) {
        PUT(cursor, ",\"quality\":\"good\",\"function\":\"instantaneous\",\"storage\":0,"
                    "\"tariff\":0,\"subunit\":0");
    } else {
        put_quality(cursor, value->quality);
        put_function(cursor, record->function);
        PUT_NUMBER(cursor, ",\"storage\":", record->storage);
        PUT_NUMBER(cursor, ",\"tariff\":", record->tariff);
        PUT_NUMBER(cursor, ",\"subunit\":", record->subunit);
    }
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
    PUT_PIECE(&cursor, names[value->key.name]);
    PUT_PIECE(&cursor, quantities[record->quantity]);
    PUT_PIECE(&cursor, units[record->sent_unit]);
    if (record->sent_unit != value->unit) {
        PUT(&cursor, "\",\"profile_unit\":\"");
        PUT_PIECE(&cursor, units[value->unit]);
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
        hyp_note_write_json(&json, &decoded->explain->notes[i]);
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
