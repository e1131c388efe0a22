/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <string.h>

struct hyp_str hyp_str_from(const char *text)
{
    if (text == NULL) {
        return (struct hyp_str){.ptr = "", .len = 0};
    }
    return (struct hyp_str){.ptr = text, .len = strlen(text)};
}

bool hyp_str_equal(struct hyp_str a, struct hyp_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char fold(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool hyp_str_equal_nocase(struct hyp_str a, struct hyp_str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (fold(a.ptr[i]) != fold(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

int hyp_str_compare(struct hyp_str a, struct hyp_str b)
{
    size_t common = HYP_MIN(a.len, b.len);
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    if (order != 0) {
        return order;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

bool hyp_str_has_prefix(struct hyp_str text, struct hyp_str prefix)
{
    return text.len >= prefix.len &&
           (prefix.len == 0 || memcmp(text.ptr, prefix.ptr, prefix.len) == 0);
}

bool hyp_str_has_suffix(struct hyp_str text, struct hyp_str suffix)
{
    return text.len >= suffix.len &&
           (suffix.len == 0 ||
            memcmp(text.ptr + text.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

ptrdiff_t hyp_str_find_char(struct hyp_str text, char c)
{
    const char *hit = text.len == 0 ? NULL : memchr(text.ptr, c, text.len);
    return hit == NULL ? -1 : hit - text.ptr;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct hyp_str hyp_str_trim(struct hyp_str text)
{
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

bool hyp_str_split_next(struct hyp_str *rest, char separator, struct hyp_str *ret_part)
{
    /* ptr == NULL marks "exhausted", so that "a," yields "a" and "". */
    if (rest->ptr == NULL) {
        return false;
    }
    ptrdiff_t at = hyp_str_find_char(*rest, separator);
    if (at < 0) {
        *ret_part = *rest;
        *rest = (struct hyp_str){.ptr = NULL, .len = 0};
        return true;
    }
    *ret_part = (struct hyp_str){.ptr = rest->ptr, .len = (size_t)at};
    rest->ptr += at + 1;
    rest->len -= (size_t)at + 1;
    return true;
}

enum hyp_status hyp_str_to_u64(struct hyp_str text, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text.len == 0) {
        return HYP_INVALID;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < '0' || c > '9') {
            return HYP_INVALID;
        }
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(c - '0'), &value)) {
            return HYP_INVALID;
        }
    }
    *ret_value = value;
    return HYP_OK;
}

enum hyp_status hyp_str_to_i64(struct hyp_str text, int64_t *ret_value)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    if (negative) {
        text.ptr++;
        text.len--;
    }
    uint64_t magnitude;
    if (hyp_str_to_u64(text, &magnitude) != HYP_OK) {
        return HYP_INVALID;
    }
    if (negative) {
        if (magnitude > (uint64_t)INT64_MAX + 1) {
            return HYP_INVALID;
        }
        *ret_value = magnitude == 0 ? 0 : -(int64_t)(magnitude - 1) - 1;
        return HYP_OK;
    }
    if (magnitude > INT64_MAX) {
        return HYP_INVALID;
    }
    *ret_value = (int64_t)magnitude;
    return HYP_OK;
}

int hyp_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = fold(c);
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

enum hyp_status hyp_str_hex_to_u64(struct hyp_str text, uint64_t *ret_value)
{
    if (text.len == 0 || text.len > 16) {
        return HYP_INVALID;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hyp_hex_digit(text.ptr[i]);
        if (digit < 0) {
            return HYP_INVALID;
        }
        value = value << 4 | (uint64_t)digit;
    }
    *ret_value = value;
    return HYP_OK;
}

static bool is_hex_separator(char c)
{
    return is_blank(c) || c == '_' || c == ':' || c == '-';
}

enum hyp_status hyp_hex_decode(struct hyp_str text, uint8_t *out, size_t capacity,
                               size_t *ret_len, struct hyp_error *err)
{
    size_t len = 0;
    int high = -1;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int digit = hyp_hex_digit(c);
        if (digit < 0) {
            if (high < 0 && is_hex_separator(c)) {
                continue;
            }
            return hyp_error_set(err, HYP_INVALID, (int64_t)i,
                                 "character %zu is not a hexadecimal digit", i + 1);
        }
        if (high < 0) {
            high = digit;
            continue;
        }
        if (len == capacity) {
            return hyp_error_set(err, HYP_LIMIT, (int64_t)i, "more than %zu bytes of hex",
                                 capacity);
        }
        out[len++] = (uint8_t)(high << 4 | digit);
        high = -1;
    }
    if (high >= 0) {
        return hyp_error_set(err, HYP_INVALID, (int64_t)text.len,
                             "odd number of hexadecimal digits");
    }
    *ret_len = len;
    return HYP_OK;
}
