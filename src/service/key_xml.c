/* SPDX-License-Identifier: Apache-2.0 */
#include "service/key_xml.h"

#include <string.h>

#define BASE64_PAD '='

static struct hyp_str after(struct hyp_str text, size_t count)
{
    return (struct hyp_str){text.ptr + count, text.len - count};
}

/* --- elements --- */

/* One tag: `<name ..>`, `</name>` or `<name .. />`; and what stands behind it. */
struct tag {
    struct hyp_str name; /* without its prefix */
    struct hyp_str rest;
    const char *start;
    bool closing;
    bool empty;
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '.' || c == ':';
}

static bool next_tag(struct hyp_str text, struct tag *ret_tag)
{
    ptrdiff_t open = hyp_str_find_char(text, '<');
    if (open < 0) {
        return false;
    }
    struct hyp_str inside = after(text, (size_t)open + 1);
    ptrdiff_t close = hyp_str_find_char(inside, '>');
    if (close < 0) {
        return false;
    }
    *ret_tag = (struct tag){
        .start = text.ptr + open,
        .rest = after(inside, (size_t)close + 1),
        .closing = close > 0 && inside.ptr[0] == '/',
        .empty = close > 0 && inside.ptr[close - 1] == '/',
    };
    struct hyp_str name = {inside.ptr + (ret_tag->closing ? 1 : 0), 0};
    const char *end = inside.ptr + close;
    while (name.ptr + name.len < end && is_name_char(name.ptr[name.len])) {
        name.len++;
        if (name.ptr[name.len - 1] == ':') {
            name = (struct hyp_str){name.ptr + name.len, 0};
        }
    }
    ret_tag->name = name;
    return true;
}

/* The next element of that name: what is between its tags. Names do not nest in these files. */
static bool next_element(struct hyp_str *rest, const char *const *names, size_t count,
                         struct hyp_str *ret_inside)
{
    struct tag tag;
    while (next_tag(*rest, &tag)) {
        *rest = tag.rest;
        bool found = false;
        for (size_t i = 0; i < count && !found && !tag.closing && !tag.empty; i++) {
            found = hyp_str_equal(tag.name, hyp_str_from(names[i]));
        }
        if (!found) {
            continue;
        }
        struct tag end;
        struct hyp_str look = tag.rest;
        while (next_tag(look, &end)) {
            look = end.rest;
            if (end.closing && hyp_str_equal(end.name, tag.name)) {
                *ret_inside =
                    (struct hyp_str){tag.rest.ptr, (size_t)(end.start - tag.rest.ptr)};
                *rest = end.rest;
                return true;
            }
        }
        rest->len = 0; /* never closed: there is nothing more to be believed */
        return false;
    }
    return false;
}

static struct hyp_str first_of(struct hyp_str text, const char *const *names, size_t count)
{
    struct hyp_str inside;
    return next_element(&text, names, count, &inside) ? hyp_str_trim(inside)
                                                      : (struct hyp_str){"", 0};
}

static const char *const meter_names[] = {"Meter", "Device"};
static const char *const serial_names[] = {"SerialNo", "SerialNumber"};
static const char *const maker_names[] = {"VendorId", "ManufacturerId"};
static const char *const key_names[] = {"DEK", "Value"};
static const char *const cipher_names[] = {"CipherValue"};
static const char *const list_names[] = {"MetersInOrder", "Devices", "Meter", "Device"};

bool hyp_key_xml_next(struct hyp_str *rest, struct hyp_key_xml_meter *ret_meter)
{
    struct hyp_str inside;
    if (!next_element(rest, meter_names, HYP_ARRAY_LEN(meter_names), &inside)) {
        return false;
    }
    *ret_meter = (struct hyp_key_xml_meter){
        .serial = first_of(inside, serial_names, HYP_ARRAY_LEN(serial_names)),
        .maker = first_of(inside, maker_names, HYP_ARRAY_LEN(maker_names)),
        .key = first_of(inside, key_names, HYP_ARRAY_LEN(key_names)),
    };
    return true;
}

bool hyp_key_xml_is(struct hyp_str text)
{
    static const struct hyp_str mark = {"\xEF\xBB\xBF", 3};
    if (hyp_str_has_prefix(text, mark)) {
        text = after(text, mark.len);
    }
    text = hyp_str_trim(text);
    return text.len > 0 && text.ptr[0] == '<';
}

/* --- opening --- */

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Returns false when it is no base64. @out  3/4 of the length of the text */
static bool base64_decode(struct hyp_str text, uint8_t *out, size_t *ret_len)
{
    unsigned held = 0;
    unsigned bits = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == BASE64_PAD) {
            continue;
        }
        int value = base64_value(c);
        if (value < 0) {
            return false;
        }
        held = (held << 6 | (unsigned)value) & 0xFFFFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[len++] = (uint8_t)(held >> bits);
        }
    }
    *ret_len = len;
    return true;
}

/* A list of meters, or what a wrong password makes of it? */
static bool is_list(struct hyp_str plain)
{
    struct tag tag;
    while (next_tag(plain, &tag)) {
        plain = tag.rest;
        for (size_t i = 0; i < HYP_ARRAY_LEN(list_names); i++) {
            if (hyp_str_equal(tag.name, hyp_str_from(list_names[i]))) {
                return true;
            }
        }
    }
    return false;
}

static enum hyp_status decrypt(struct hyp_str cipher, struct hyp_str password,
                               struct hyp_arena *arena, struct hyp_key_plain *ret_plain,
                               struct hyp_error *err)
{
    struct hyp_aes_key key = {{0}};
    size_t len = 0;
    uint8_t *plain = hyp_arena_alloc(arena, cipher.len + 1);
    if (plain == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "There is no memory for this key file.");
    }
    if (!base64_decode(cipher, plain, &len) || len == 0 || len % HYP_AES_BLOCK != 0) {
        return hyp_error_set(err, HYP_MALFORMED, -1,
                             "CipherValue is damaged: it is no base64 of whole blocks.");
    }
    memcpy(key.bytes, password.ptr, password.len);
    enum hyp_status status = hyp_aes_cbc_decrypt(&key, key.bytes, plain, len);
    hyp_wipe(&key, sizeof(key));
    *ret_plain = (struct hyp_key_plain){
        .text = {(const char *)plain, len},
          .secret = plain, .secret_len = len
    };
    if (status == HYP_OK && !is_list(ret_plain->text)) {
        return hyp_error_set(err, HYP_WRONG_KEY, -1,
                             "The password does not open this key file. It is the one the file "
                             "was ordered with, or the customer number.");
    }
    return status;
}

enum hyp_status hyp_key_xml_open(struct hyp_str text, struct hyp_str password,
                                 struct hyp_arena *arena, struct hyp_key_plain *ret_plain,
                                 struct hyp_error *err)
{
    struct hyp_str rest = text;
    struct hyp_str cipher;
    *ret_plain = (struct hyp_key_plain){
        .text = {"", 0}
    };
    if (!next_element(&rest, cipher_names, HYP_ARRAY_LEN(cipher_names), &cipher)) {
        *ret_plain = (struct hyp_key_plain){.text = text};
        return is_list(text)
                   ? HYP_OK
                   : hyp_error_set(
                         err, HYP_UNSUPPORTED, -1,
                         "This XML has neither meters nor CipherValue in it. Keys are "
                         "read from Kamstrup's .kem files and from CSV.");
    }
    if (password.len == 0 || password.len > HYP_AES_BLOCK) {
        return hyp_error_set(err, HYP_NO_KEY, -1,
                             "password: this key file is closed with a password of up to %d "
                             "characters.",
                             HYP_AES_BLOCK);
    }
    return decrypt(cipher, password, arena, ret_plain, err);
}
