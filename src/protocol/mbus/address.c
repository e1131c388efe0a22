/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/mbus/address.h"

static void put_le32(uint8_t *out, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint32_t get_le32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

void hyp_mbus_secondary_encode(const struct hyp_mbus_secondary *address,
                               uint8_t ret_bytes[static 8])
{
    put_le32(ret_bytes, address->id);
    ret_bytes[4] = (uint8_t)address->manufacturer;
    ret_bytes[5] = (uint8_t)(address->manufacturer >> 8);
    ret_bytes[6] = address->version;
    ret_bytes[7] = address->medium;
}

struct hyp_mbus_secondary hyp_mbus_secondary_decode(const uint8_t bytes[static 8])
{
    return (struct hyp_mbus_secondary){
        .id = get_le32(bytes),
        .manufacturer = (uint16_t)(bytes[4] | bytes[5] << 8),
        .version = bytes[6],
        .medium = bytes[7],
    };
}

static void format_digits(struct hyp_buf *out, uint32_t nibbles)
{
    for (int shift = 28; shift >= 0; shift -= 4) {
        hyp_buf_append_char(out, "0123456789ABCDEF"[nibbles >> shift & 0x0F]);
    }
}

static void format_manufacturer(struct hyp_buf *out, uint16_t code)
{
    bool letters = true;
    for (int shift = 10; shift >= 0; shift -= 5) {
        unsigned letter = (unsigned)code >> shift & 0x1F;
        letters = letters && letter >= 1 && letter <= 26;
    }
    if (!letters || (code & 0x8000) != 0) {
        hyp_buf_append_fmt(out, "%04X", code);
        return;
    }
    for (int shift = 10; shift >= 0; shift -= 5) {
        hyp_buf_append_char(out, (char)('@' + (code >> shift & 0x1F)));
    }
}

static void format_byte(struct hyp_buf *out, uint8_t byte)
{
    hyp_buf_append_char(out, '.');
    if (byte == 0xFF) {
        hyp_buf_append_char(out, '*');
    } else {
        hyp_buf_append_hex(out, &byte, 1);
    }
}

void hyp_mbus_secondary_format(struct hyp_buf *out, const struct hyp_mbus_secondary *address)
{
    format_digits(out, address->id);
    hyp_buf_append_char(out, '.');
    if (address->manufacturer == 0xFFFF) {
        hyp_buf_append_char(out, '*');
    } else {
        format_manufacturer(out, address->manufacturer);
    }
    format_byte(out, address->version);
    format_byte(out, address->medium);
    if (address->has_fabrication) {
        hyp_buf_append_char(out, '.');
        format_digits(out, address->fabrication);
    }
}

static bool parse_hex(struct hyp_str text, size_t digits, uint64_t any, uint64_t *ret_value)
{
    if (hyp_str_equal(text, HYP_STR("*"))) {
        *ret_value = any;
        return true;
    }
    return text.len == digits && hyp_str_hex_to_u64(text, ret_value) == HYP_OK;
}

static bool parse_manufacturer(struct hyp_str text, uint64_t *ret_code)
{
    if (text.len != 3) {
        return parse_hex(text, 4, 0xFFFF, ret_code);
    }
    uint64_t code = 0;
    for (size_t i = 0; i < 3; i++) {
        if (text.ptr[i] < 'A' || text.ptr[i] > 'Z') {
            return false;
        }
        code = code << 5 | (uint64_t)(text.ptr[i] - '@');
    }
    *ret_code = code;
    return true;
}

/* 16 hex digits as other tools write them. */
static enum hyp_status parse_plain(struct hyp_str text, struct hyp_mbus_secondary *ret_address)
{
    uint64_t all;
    if (hyp_str_hex_to_u64(text, &all) != HYP_OK) {
        return HYP_INVALID;
    }
    uint16_t wire = (uint16_t)(all >> 16);
    *ret_address = (struct hyp_mbus_secondary){
        .id = (uint32_t)(all >> 32),
        .manufacturer = (uint16_t)(wire >> 8 | wire << 8),
        .version = (uint8_t)(all >> 8),
        .medium = (uint8_t)all,
    };
    return HYP_OK;
}

enum hyp_status hyp_mbus_secondary_parse(struct hyp_str text,
                                         struct hyp_mbus_secondary *ret_address)
{
    if (text.len == 16 && hyp_str_find_char(text, '.') < 0) {
        return parse_plain(text, ret_address);
    }
    uint64_t fields[5] = {0xFFFFFFFF, 0xFFFF, 0xFF, 0xFF, 0};
    struct hyp_str part;
    size_t count = 0;
    while (hyp_str_split_next(&text, '.', &part)) {
        bool ok = false;
        switch (count) {
        case 0: ok = parse_hex(part, 8, 0xFFFFFFFF, &fields[0]); break;
        case 1: ok = parse_manufacturer(part, &fields[1]); break;
        case 2:
        case 3: ok = parse_hex(part, 2, 0xFF, &fields[count]); break;
        case 4: ok = parse_hex(part, 8, 0xFFFFFFFF, &fields[4]); break;
        default: break;
        }
        if (!ok) {
            return HYP_INVALID;
        }
        count++;
    }
    if (count == 0) {
        return HYP_INVALID;
    }
    *ret_address = (struct hyp_mbus_secondary){
        .id = (uint32_t)fields[0],
        .manufacturer = (uint16_t)fields[1],
        .version = (uint8_t)fields[2],
        .medium = (uint8_t)fields[3],
        .has_fabrication = count == 5,
        .fabrication = (uint32_t)fields[4],
    };
    return HYP_OK;
}

static bool digits_match(uint32_t pattern, uint32_t value)
{
    for (unsigned shift = 0; shift < 32; shift += 4) {
        uint32_t digit = pattern >> shift & 0x0F;
        if (digit != 0x0F && digit != (value >> shift & 0x0F)) {
            return false;
        }
    }
    return true;
}

bool hyp_mbus_secondary_matches(const struct hyp_mbus_secondary *pattern,
                                const struct hyp_mbus_secondary *meter)
{
    return digits_match(pattern->id, meter->id) &&
           (pattern->manufacturer == 0xFFFF || pattern->manufacturer == meter->manufacturer) &&
           (pattern->version == 0xFF || pattern->version == meter->version) &&
           (pattern->medium == 0xFF || pattern->medium == meter->medium);
}

bool hyp_mbus_secondary_equal(const struct hyp_mbus_secondary *a,
                              const struct hyp_mbus_secondary *b)
{
    return a->id == b->id && a->manufacturer == b->manufacturer && a->version == b->version &&
           a->medium == b->medium && a->has_fabrication == b->has_fabrication &&
           (!a->has_fabrication || a->fabrication == b->fabrication);
}

enum hyp_status hyp_mbus_pattern_parse(struct hyp_str text,
                                       struct hyp_mbus_secondary *ret_pattern)
{
    char full[HYP_MBUS_SECONDARY_TEXT_MAX];
    struct hyp_buf out;
    ptrdiff_t point = hyp_str_find_char(text, '.');
    size_t digits = point < 0 ? text.len : (size_t)point;
    bool whole = text.len == 0 || text.ptr[0] == '*';
    hyp_buf_init_fixed(&out, full, sizeof(full));
    for (size_t i = 0; i < digits; i++) {
        hyp_buf_append_char(&out, text.ptr[i] == '?' ? 'F' : text.ptr[i]);
    }
    while (!whole && out.len < 8) {
        hyp_buf_append_char(&out, 'F');
    }
    hyp_buf_append(&out, text.ptr + digits, text.len - digits);
    if (hyp_buf_status(&out) != HYP_OK) {
        return HYP_INVALID;
    }
    return hyp_mbus_secondary_parse(hyp_buf_view(&out), ret_pattern);
}
