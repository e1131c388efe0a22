/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text or binary is decided per telegram. A text line starts with characters of a text; a
 * binary telegram starts with its length and its C field, of which the second is hardly ever a
 * hex digit together with the ten bytes after it.
 *
 * Binary telegrams carry no end mark. With block CRCs of format A they are longer than L says;
 * whether the CRCs are there shows in the first block: bytes 10 and 11 are its CRC or not.
 */
#include "collect/stream.h"

#include "protocol/wmbus/crc.h"
#include "protocol/wmbus/link.h"

#include <string.h>

#define LONG_START 0x68
#define LONG_OVERHEAD 6
#define DECIDE_LEN 12
#define FIRST_BLOCK 10
#define BLOCK 16
#define LEAST_L 9

void hyp_stream_init(struct hyp_stream *stream, enum hyp_receiver_kind receiver)
{
    stream->receiver = receiver;
    stream->at = 0;
    stream->skipped = 0;
    stream->starved = false;
    hyp_buf_init_heap(&stream->pending, HYP_LIMIT_LINK_BUFFER);
}

void hyp_stream_finish(struct hyp_stream *stream)
{
    hyp_buf_finish(&stream->pending);
}

static void forget(struct hyp_stream *stream, size_t count)
{
    struct hyp_buf *pending = &stream->pending;
    memmove(pending->data, pending->data + count, pending->len - count);
    pending->len -= count;
    stream->at = 0;
}

void hyp_stream_feed(struct hyp_stream *stream, const uint8_t *bytes, size_t len)
{
    if (stream->at > 0) {
        forget(stream, stream->at);
    }
    size_t room = HYP_LIMIT_LINK_BUFFER - stream->pending.len;
    if (len > room) {
        /* Nobody sends this much without a telegram in it. */
        stream->skipped += stream->pending.len;
        hyp_buf_reset(&stream->pending);
        len = HYP_MIN(len, (size_t)HYP_LIMIT_LINK_BUFFER);
    }
    hyp_buf_append(&stream->pending, bytes, len);
    if (hyp_buf_status(&stream->pending) != HYP_OK) {
        stream->skipped += len;
        stream->starved = true;
        hyp_buf_reset(&stream->pending);
    }
}

/* --- text --- */

enum hyp_raw_protocol hyp_raw_protocol_of(const uint8_t *bytes, size_t len)
{
    bool wired = len >= LONG_OVERHEAD && bytes[0] == LONG_START && bytes[3] == LONG_START &&
                 bytes[1] == bytes[2];
    return wired ? HYP_RAW_MBUS : HYP_RAW_WMBUS;
}

static struct hyp_str after(struct hyp_str text, size_t count)
{
    return (struct hyp_str){text.ptr + count, text.len - count};
}

static ptrdiff_t find_text(struct hyp_str text, struct hyp_str what)
{
    for (size_t i = 0; i + what.len <= text.len; i++) {
        if (hyp_str_has_prefix(after(text, i), what)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

/* MODE;CRC_OK;3OF6_OK;TIME;RSSI;CURRENT_RSSI;ID;0xHEX */
static bool rtl_wmbus_hex(struct hyp_str line, struct hyp_str *ret_hex)
{
    ptrdiff_t hex = find_text(line, HYP_STR(";0x"));
    if (hex < 0) {
        return false;
    }
    struct hyp_str rest = line;
    struct hyp_str mode;
    struct hyp_str crc;
    struct hyp_str code;
    bool good = hyp_str_split_next(&rest, ';', &mode) && hyp_str_split_next(&rest, ';', &crc) &&
                hyp_str_split_next(&rest, ';', &code) && hyp_str_equal(crc, HYP_STR("1")) &&
                hyp_str_equal(code, HYP_STR("1"));
    if (!good) {
        return false;
    }
    *ret_hex = after(line, (size_t)hex + 3);
    ptrdiff_t end = hyp_str_find_char(*ret_hex, ';');
    if (end >= 0) {
        ret_hex->len = (size_t)end;
    }
    return true;
}

/* The string that follows "name": in a JSON text; no other string in a telegram's JSON looks
 * like that. */
static bool json_string(struct hyp_str text, struct hyp_str quoted_name, struct hyp_str *ret)
{
    ptrdiff_t at = find_text(text, quoted_name);
    if (at < 0) {
        return false;
    }
    struct hyp_str rest = hyp_str_trim(after(text, (size_t)at + quoted_name.len));
    if (!hyp_str_has_prefix(rest, HYP_STR(":"))) {
        return false;
    }
    rest = hyp_str_trim(after(rest, 1));
    bool quoted = hyp_str_has_prefix(rest, HYP_STR("\""));
    rest = quoted ? after(rest, 1) : rest;
    size_t len = 0;
    while (len < rest.len &&
           (quoted ? rest.ptr[len] != '"'
                   : (rest.ptr[len] != ',' && rest.ptr[len] != '}' && rest.ptr[len] != ' '))) {
        len++;
    }
    *ret = (struct hyp_str){rest.ptr, len};
    return len > 0;
}

static bool looks_like_hex(struct hyp_str text)
{
    for (size_t i = 0; i < HYP_MIN(text.len, (size_t)8); i++) {
        if (hyp_hex_digit(text.ptr[i]) < 0) {
            return false;
        }
    }
    return text.len >= 2 * DECIDE_LEN;
}

static bool json_hex(struct hyp_str line, struct hyp_str *ret_hex)
{
    static const char *const names[] = {"\"telegram\"", "\"payload_hex\"", "\"data\"",
                                        "\"hex\"",      "\"payload\"",     "\"frame\""};
    for (size_t i = 0; i < HYP_ARRAY_LEN(names); i++) {
        if (json_string(line, hyp_str_from(names[i]), ret_hex) && looks_like_hex(*ret_hex)) {
            return true;
        }
    }
    return false;
}

static int16_t json_signal(struct hyp_str line)
{
    static const char *const names[] = {"\"rssi_dbm\"", "\"rssi\""};
    struct hyp_str text;
    struct hyp_decimal value;
    for (size_t i = 0; i < HYP_ARRAY_LEN(names); i++) {
        if (json_string(line, hyp_str_from(names[i]), &text) &&
            hyp_decimal_parse(text, &value) == HYP_OK) {
            double dbm = hyp_decimal_to_double(value);
            return dbm < 0 && dbm > -200 ? (int16_t)dbm : 0;
        }
    }
    return 0;
}

/* The hex digits of a line, without what stands around them. */
static bool find_hex(struct hyp_str line, struct hyp_str *ret_hex)
{
    ptrdiff_t named = find_text(line, HYP_STR("telegram="));
    if (hyp_str_has_prefix(line, HYP_STR("{"))) {
        return json_hex(line, ret_hex);
    }
    if (find_text(line, HYP_STR(";")) >= 0) {
        return rtl_wmbus_hex(line, ret_hex);
    }
    if (named >= 0) {
        line = after(line, (size_t)named + 9);
    } else if (hyp_str_has_prefix(line, HYP_STR("bY"))) {
        line = after(line, 2);
    } else if (hyp_str_has_prefix(line, HYP_STR("b")) && line.len % 2 == 1) {
        line = after(line, 1);
    }
    *ret_hex = line;
    return line.len > 0;
}

/* Bars and underscores group digits for the eye. */
static size_t without_marks(struct hyp_str hex, char *out, size_t capacity)
{
    size_t len = 0;
    for (size_t i = 0; i < hex.len && len < capacity; i++) {
        if (hex.ptr[i] != '|' && hex.ptr[i] != '_') {
            out[len++] = hex.ptr[i];
        }
    }
    return len;
}

enum hyp_status hyp_receiver_line_parse(struct hyp_str line, uint8_t *out,
                                        struct hyp_piece *ret_piece)
{
    line = hyp_str_trim(line);
    struct hyp_str hex;
    if (line.len == 0 || line.ptr[0] == '#' || !find_hex(line, &hex)) {
        return HYP_NOT_MINE;
    }
    char digits[3 * HYP_LIMIT_FRAME_BYTES];
    size_t digit_count = without_marks(hex, digits, sizeof(digits));
    size_t len = 0;
    enum hyp_status status = hyp_hex_decode((struct hyp_str){digits, digit_count}, out,
                                            HYP_LIMIT_FRAME_BYTES, &len, NULL);
    if (status != HYP_OK) {
        return HYP_MALFORMED;
    }
    if (len < LONG_OVERHEAD) {
        return HYP_NOT_MINE;
    }
    *ret_piece =
        (struct hyp_piece){.protocol = hyp_raw_protocol_of(out, len), .bytes = out, .len = len};
    if (line.ptr[0] == '{') {
        ret_piece->signal_dbm = json_signal(line);
    }
    return HYP_OK;
}

/* --- binary --- */

static bool is_text_char(uint8_t c)
{
    return (c >= 0x20 && c < 0x7F) || c == '\t' || c == '\r' || c == '\n';
}

/* Is this the start of a text line? Undecided (false, *ret_wait) with too few bytes. */
static bool is_text(const uint8_t *bytes, size_t len, bool whole, bool *ret_wait)
{
    size_t look = HYP_MIN(len, (size_t)DECIDE_LEN);
    *ret_wait = false;
    for (size_t i = 0; i < look; i++) {
        if (bytes[i] == '\n') {
            return true;
        }
        if (!is_text_char(bytes[i])) {
            return false;
        }
    }
    *ret_wait = look < DECIDE_LEN && !whole;
    return !*ret_wait;
}

/* Length of the telegram at the front, 0 when it is none; may exceed `len`. */
static size_t binary_length(const uint8_t *bytes, size_t len)
{
    if (len >= 4 && bytes[0] == LONG_START && bytes[3] == LONG_START && bytes[1] == bytes[2]) {
        return (size_t)bytes[1] + LONG_OVERHEAD;
    }
    size_t l = bytes[0];
    if (l < LEAST_L || len < 2 || hyp_wmbus_function_find(bytes[1]) == NULL) {
        return 0;
    }
    bool has_crcs = len >= DECIDE_LEN && hyp_wmbus_crc(bytes, FIRST_BLOCK) ==
                                             (bytes[FIRST_BLOCK] << 8 | bytes[FIRST_BLOCK + 1]);
    if (has_crcs) {
        size_t rest = l - LEAST_L;
        return l + 1 + 2 + 2 * ((rest + BLOCK - 1) / BLOCK);
    }
    return l + 1;
}

static bool take_binary(struct hyp_stream *stream, const uint8_t *bytes, size_t len, bool whole,
                        struct hyp_piece *ret_piece, bool *ret_wait)
{
    *ret_wait = len < DECIDE_LEN && !whole;
    if (*ret_wait) {
        return false;
    }
    size_t length = binary_length(bytes, len);
    if (length == 0) {
        stream->at++;
        stream->skipped++;
        return false;
    }
    if (length > len) {
        *ret_wait = !whole;
        stream->at += whole ? 1 : 0;
        stream->skipped += whole ? 1 : 0;
        return false;
    }
    if (whole && len - length <= HYP_WMBUS_TRAILING_MAX) {
        length = len; /* a receiver's own bytes behind a single telegram */
    }
    *ret_piece = (struct hyp_piece){
        .protocol = hyp_raw_protocol_of(bytes, length), .bytes = bytes, .len = length};
    stream->at += length;
    return true;
}

static bool take_line(struct hyp_stream *stream, const uint8_t *bytes, size_t len, bool whole,
                      struct hyp_piece *ret_piece, bool *ret_wait)
{
    const uint8_t *end = memchr(bytes, '\n', len);
    *ret_wait = end == NULL && !whole;
    if (*ret_wait) {
        return false;
    }
    size_t line_len = end == NULL ? len : (size_t)(end - bytes);
    stream->at += line_len + (end == NULL ? 0 : 1);
    struct hyp_str line = {(const char *)bytes, line_len};
    enum hyp_status status = hyp_receiver_line_parse(line, stream->telegram, ret_piece);
    bool noise = status != HYP_OK && hyp_str_trim(line).len > 0 && line.ptr[0] != '#';
    stream->skipped += noise ? 1 : 0;
    return status == HYP_OK;
}

void hyp_stream_gap(struct hyp_stream *stream)
{
    stream->skipped += stream->pending.len > stream->at ? 1 : 0;
    stream->at = stream->pending.len;
}

static bool take_from_receiver(struct hyp_stream *stream, struct hyp_piece *ret_piece)
{
    struct hyp_receiver_find *find = &stream->find;
    while (stream->at < stream->pending.len) {
        hyp_receiver_find(stream->receiver, stream->pending.data + stream->at,
                          stream->pending.len - stream->at, find);
        stream->at += find->used;
        switch (find->outcome) {
        case HYP_RECEIVED_MORE: return false;
        case HYP_RECEIVED_NOISE: stream->skipped++; break;
        case HYP_RECEIVED_OTHER: break;
        case HYP_RECEIVED_TELEGRAM:
            *ret_piece = (struct hyp_piece){.protocol = HYP_RAW_WMBUS,
                                            .bytes = find->telegram,
                                            .len = find->len,
                                            .signal_dbm = find->signal_dbm};
            return true;
        }
    }
    return false;
}

bool hyp_stream_next(struct hyp_stream *stream, bool whole, struct hyp_piece *ret_piece)
{
    bool wait = false;
    if (stream->receiver != HYP_RECEIVER_AUTO) {
        bool found = take_from_receiver(stream, ret_piece);
        if (!found && whole) {
            hyp_stream_gap(stream);
        }
        return found;
    }
    while (!wait && stream->at < stream->pending.len) {
        const uint8_t *bytes = stream->pending.data + stream->at;
        size_t len = stream->pending.len - stream->at;
        bool text = is_text(bytes, len, whole, &wait);
        if (wait) {
            break;
        }
        bool found = text ? take_line(stream, bytes, len, whole, ret_piece, &wait)
                          : take_binary(stream, bytes, len, whole, ret_piece, &wait);
        if (found) {
            return true;
        }
    }
    if (whole) {
        stream->at = stream->pending.len;
    }
    return false;
}
