/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>

void hyp_json_init(struct hyp_json *json, struct hyp_buf *out)
{
    *json = (struct hyp_json){.out = out};
}

/* Every value calls this first: it writes the comma that the value before left open. */
static void open_value(struct hyp_json *json)
{
    if (json->need_comma) {
        hyp_buf_append_char(json->out, ',');
    }
    json->need_comma = true;
}

static void open_nest(struct hyp_json *json, char bracket)
{
    open_value(json);
    hyp_buf_append_char(json->out, bracket);
    json->need_comma = false;
}

static void close_nest(struct hyp_json *json, char bracket)
{
    hyp_buf_append_char(json->out, bracket);
    json->need_comma = true;
}

void hyp_json_object_begin(struct hyp_json *json)
{
    open_nest(json, '{');
}

void hyp_json_object_end(struct hyp_json *json)
{
    close_nest(json, '}');
}

void hyp_json_array_begin(struct hyp_json *json)
{
    open_nest(json, '[');
}

void hyp_json_array_end(struct hyp_json *json)
{
    close_nest(json, ']');
}

/* Length of the valid UTF-8 sequence at `at` (RFC 3629), or 0. */
static size_t utf8_length(struct hyp_str text, size_t at)
{
    const unsigned char *s = (const unsigned char *)text.ptr + at;
    size_t left = text.len - at;
    unsigned char lead = s[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t len = lead >= 0xC2 && lead < 0xE0 ? 2 : (lead & 0xF0) == 0xE0 ? 3 : 0;
    if (lead >= 0xF0 && lead < 0xF5) {
        len = 4;
    }
    if (len == 0 || left < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (lead == 0xE0 && s[1] < 0xA0) || (lead == 0xF0 && s[1] < 0x90);
    bool surrogate = lead == 0xED && s[1] >= 0xA0;
    bool too_high = lead == 0xF4 && s[1] >= 0x90;
    return overlong || surrogate || too_high ? 0 : len;
}

static void append_escaped_char(struct hyp_buf *out, unsigned char c)
{
    switch (c) {
    case '"': hyp_buf_append_text(out, "\\\""); break;
    case '\\': hyp_buf_append_text(out, "\\\\"); break;
    case '\n': hyp_buf_append_text(out, "\\n"); break;
    case '\r': hyp_buf_append_text(out, "\\r"); break;
    case '\t': hyp_buf_append_text(out, "\\t"); break;
    default: hyp_buf_append_fmt(out, "\\u%04x", (unsigned)c); break;
    }
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

static void append_quoted(struct hyp_buf *out, struct hyp_str text)
{
    hyp_buf_append_char(out, '"');
    size_t at = 0;
    while (at < text.len) {
        size_t run = at;
        while (run < text.len && is_plain((unsigned char)text.ptr[run])) {
            run++;
        }
        hyp_buf_append(out, text.ptr + at, run - at);
        at = run;
        if (at == text.len) {
            break;
        }
        unsigned char c = (unsigned char)text.ptr[at];
        size_t len = utf8_length(text, at);
        if (len == 0) {
            hyp_buf_append_text(out, "\xEF\xBF\xBD");
            at++;
        } else if (len == 1) {
            append_escaped_char(out, c);
            at++;
        } else {
            hyp_buf_append(out, text.ptr + at, len);
            at += len;
        }
    }
    hyp_buf_append_char(out, '"');
}

void hyp_json_key(struct hyp_json *json, const char *key)
{
    open_value(json);
    append_quoted(json->out, hyp_str_from(key));
    hyp_buf_append_char(json->out, ':');
    json->need_comma = false;
}

void hyp_json_str(struct hyp_json *json, struct hyp_str value)
{
    open_value(json);
    append_quoted(json->out, value);
}

void hyp_json_text(struct hyp_json *json, const char *value)
{
    hyp_json_str(json, hyp_str_from(value));
}

void hyp_json_i64(struct hyp_json *json, int64_t value)
{
    open_value(json);
    hyp_buf_append_i64(json->out, value);
}

void hyp_json_u64(struct hyp_json *json, uint64_t value)
{
    open_value(json);
    hyp_buf_append_u64(json->out, value);
}

void hyp_json_bool(struct hyp_json *json, bool value)
{
    open_value(json);
    hyp_buf_append_text(json->out, value ? "true" : "false");
}

void hyp_json_null(struct hyp_json *json)
{
    open_value(json);
    hyp_buf_append_text(json->out, "null");
}

void hyp_json_decimal(struct hyp_json *json, struct hyp_decimal value)
{
    open_value(json);
    hyp_decimal_format(json->out, value);
}

void hyp_json_double(struct hyp_json *json, double value)
{
    struct hyp_decimal decimal;
    if (hyp_decimal_from_double(value, &decimal) == HYP_OK) {
        hyp_json_decimal(json, decimal);
    } else if (isfinite(value)) {
        open_value(json);
        hyp_buf_append_fmt(json->out, "%.17g", value);
    } else {
        hyp_json_null(json);
    }
}

void hyp_json_hex(struct hyp_json *json, const uint8_t *data, size_t len)
{
    open_value(json);
    hyp_buf_append_char(json->out, '"');
    hyp_buf_append_hex(json->out, data, len);
    hyp_buf_append_char(json->out, '"');
}

void hyp_json_raw(struct hyp_json *json, struct hyp_str value)
{
    open_value(json);
    hyp_buf_append_str(json->out, value);
}

void hyp_json_member_str(struct hyp_json *json, const char *key, struct hyp_str value)
{
    hyp_json_key(json, key);
    hyp_json_str(json, value);
}

void hyp_json_member_text(struct hyp_json *json, const char *key, const char *value)
{
    hyp_json_key(json, key);
    hyp_json_text(json, value);
}

void hyp_json_member_i64(struct hyp_json *json, const char *key, int64_t value)
{
    hyp_json_key(json, key);
    hyp_json_i64(json, value);
}

void hyp_json_member_u64(struct hyp_json *json, const char *key, uint64_t value)
{
    hyp_json_key(json, key);
    hyp_json_u64(json, value);
}

void hyp_json_member_bool(struct hyp_json *json, const char *key, bool value)
{
    hyp_json_key(json, key);
    hyp_json_bool(json, value);
}

void hyp_json_member_null(struct hyp_json *json, const char *key)
{
    hyp_json_key(json, key);
    hyp_json_null(json);
}
