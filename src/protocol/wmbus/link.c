/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame format A (L counts no CRC):
 *
 *     | L C M M A A A A A A | CRC | 16 bytes | CRC | ... | 1..16 bytes | CRC |
 *
 * Frame format B (L counts the CRCs; a telegram of at most 128 bytes has one CRC, at its end):
 *
 *     | L C M M A A A A A A  up to 116 bytes | CRC | rest | CRC |
 *
 * A stripped telegram is as long as one of format B with the same L, so B is decided by its CRC
 * before "stripped" is believed. CRCs travel high byte first.
 */
#include "protocol/wmbus/link.h"

#include "protocol/wmbus/crc.h"

#include <string.h>

#define CRC_LEN 2
#define BLOCK_A 16
#define BLOCK_B 126
#define CLAUSE "EN 13757-4"

static const struct hyp_wmbus_function functions[] = {
    {0x44, true,  "SND_NR",  "send, no reply expected: a reading"     },
    {0x46, true,  "SND_IR",  "installation request"                   },
    {0x47, true,  "ACC_NR",  "access without data"                    },
    {0x48, true,  "ACC_DMD", "access demand"                          },
    {0x08, true,  "RSP_UD",  "response with data"                     },
    {0x18, true,  "RSP_UD",  "response with data, flow control set"   },
    {0x28, true,  "RSP_UD",  "response with data, alarm data waiting" },
    {0x38, true,  "RSP_UD",  "response with data, alarm data waiting" },
    {0x00, true,  "ACK",     "acknowledge"                            },
    {0x40, false, "SND_NKE", "link reset"                             },
    {0x43, false, "SND_UD2", "data to the meter, response expected"   },
    {0x53, false, "SND_UD",  "data to the meter"                      },
    {0x73, false, "SND_UD",  "data to the meter"                      },
    {0x5A, false, "REQ_UD1", "request for alarm data"                 },
    {0x7A, false, "REQ_UD1", "request for alarm data"                 },
    {0x5B, false, "REQ_UD2", "request for data"                       },
    {0x7B, false, "REQ_UD2", "request for data"                       },
    {0x06, false, "CNF_IR",  "confirmation of an installation request"},
};

const struct hyp_wmbus_function *hyp_wmbus_function_find(uint8_t c_field)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(functions); i++) {
        if (functions[i].c_field == c_field) {
            return &functions[i];
        }
    }
    return NULL;
}

static bool crc_fits(const uint8_t *data, size_t len)
{
    return hyp_wmbus_crc(data, len) == (data[len] << 8 | data[len + 1]);
}

/* Bytes of format A on air for this L. */
static size_t total_a(uint8_t l)
{
    size_t blocks = ((size_t)l - (HYP_WMBUS_LINK_HEADER - 1) + BLOCK_A - 1) / BLOCK_A;
    return (size_t)l + 1 + CRC_LEN * (1 + blocks);
}

static bool is_length(size_t len, size_t total)
{
    return len >= total && len <= total + HYP_WMBUS_TRAILING_MAX;
}

/* Offset of the first wrong CRC of format A, or 0 when all fit. `total` as total_a() says. */
static size_t wrong_crc_a(const uint8_t *bytes, size_t total)
{
    if (!crc_fits(bytes, HYP_WMBUS_LINK_HEADER)) {
        return HYP_WMBUS_LINK_HEADER;
    }
    for (size_t at = HYP_WMBUS_LINK_HEADER + CRC_LEN; at < total;) {
        size_t block = HYP_MIN(total - at - CRC_LEN, (size_t)BLOCK_A);
        if (!crc_fits(bytes + at, block)) {
            return at + block;
        }
        at += block + CRC_LEN;
    }
    return 0;
}

/* Is it format B: L + 1 bytes with one or two CRCs in place? */
static bool fits_b(const uint8_t *bytes, size_t total)
{
    const size_t first = BLOCK_B + CRC_LEN;
    if (total <= first) {
        return total > HYP_WMBUS_LINK_HEADER + CRC_LEN && crc_fits(bytes, total - CRC_LEN);
    }
    return total > first + CRC_LEN && crc_fits(bytes, BLOCK_B) &&
           crc_fits(bytes + first, total - first - CRC_LEN);
}

size_t hyp_wmbus_link_input_offset(enum hyp_wmbus_format format, size_t offset)
{
    switch (format) {
    case HYP_WMBUS_FORMAT_A:
        return offset < HYP_WMBUS_LINK_HEADER
                   ? offset
                   : offset + CRC_LEN * (1 + (offset - HYP_WMBUS_LINK_HEADER) / BLOCK_A);
    case HYP_WMBUS_FORMAT_B: return offset < BLOCK_B ? offset : offset + CRC_LEN;
    case HYP_WMBUS_FORMAT_UNSET:
    case HYP_WMBUS_FORMAT_STRIPPED: break;
    }
    return offset;
}

/* Copies the blocks without their CRCs. `first` and `block` are the block sizes of the format.
 */
static size_t strip(const uint8_t *bytes, size_t total, size_t first, size_t block,
                    uint8_t *out)
{
    size_t len = 0;
    size_t size = first;
    for (size_t at = 0; at < total; size = block) {
        size_t data = HYP_MIN(total - at - CRC_LEN, size);
        memcpy(out + len, bytes + at, data);
        len += data;
        at += data + CRC_LEN;
    }
    return len;
}

static void note_blocks(struct hyp_explain *explain, size_t total, size_t first, size_t block)
{
    size_t size = first;
    size_t number = 1;
    for (size_t at = 0; at < total; size = block) {
        size_t data = HYP_MIN(total - at - CRC_LEN, size);
        size_t seen = number == 1 ? HYP_WMBUS_LINK_HEADER : 0;
        if (data > seen) {
            hyp_explain_add(explain, HYP_NOTE_OTHER, at + seen, data - seen, "block", CLAUSE,
                            "content of block %zu", number);
        }
        hyp_explain_add(explain, HYP_NOTE_LINK, at + data, CRC_LEN, "CRC", CLAUSE,
                        "check of block %zu, correct", number);
        at += data + CRC_LEN;
        number++;
    }
}

static void note_link(struct hyp_explain *explain, const uint8_t *bytes,
                      const struct hyp_wmbus_link *link)
{
    static const char *const formats[] = {
        [HYP_WMBUS_FORMAT_UNSET] = "",
        [HYP_WMBUS_FORMAT_STRIPPED] = "no block CRCs",
        [HYP_WMBUS_FORMAT_A] = "frame format A, CRCs not counted",
        [HYP_WMBUS_FORMAT_B] = "frame format B, CRCs counted",
    };
    hyp_explain_add(explain, HYP_NOTE_LINK, 0, 1, "L", CLAUSE, "%u bytes follow (%s)", bytes[0],
                    formats[link->format]);
    const struct hyp_wmbus_function *function = hyp_wmbus_function_find(bytes[1]);
    hyp_explain_add(explain, HYP_NOTE_LINK, 1, 1, "C", CLAUSE, "%s: %s",
                    function ? function->name : "unknown",
                    function ? function->meaning : "not defined by the standard");
    if (link->format == HYP_WMBUS_FORMAT_A) {
        note_blocks(explain, link->used, HYP_WMBUS_LINK_HEADER, BLOCK_A);
    } else if (link->format == HYP_WMBUS_FORMAT_B) {
        note_blocks(explain, link->used, BLOCK_B, BLOCK_B);
    }
    if (link->trailing > 0) {
        hyp_explain_add(explain, HYP_NOTE_OTHER, link->used, link->trailing, "receiver bytes",
                        "", "added by the receiver (signal strength or status), ignored");
    }
}

static enum hyp_status refuse(const uint8_t *bytes, size_t len, struct hyp_error *err)
{
    const uint8_t l = bytes[0];
    const size_t a = total_a(l);
    const size_t plain = (size_t)l + 1;
    if (is_length(len, a)) {
        return hyp_error_set(err, HYP_BAD_CHECK, (int64_t)wrong_crc_a(bytes, a),
                             "a block CRC of frame format A is wrong: damaged on air");
    }
    if (len < plain) {
        return hyp_error_set(err, HYP_NEED_MORE, 0,
                             "cut: L announces %u bytes after it, %zu are there", l, len - 1);
    }
    if (len < a && crc_fits(bytes, HYP_WMBUS_LINK_HEADER)) {
        return hyp_error_set(err, HYP_NEED_MORE, 0,
                             "cut: frame format A needs %zu bytes, %zu are there", a, len);
    }
    return hyp_error_set(err, HYP_MALFORMED, 0,
                         "L announces %u bytes after it, but %zu are there", l, len - 1);
}

/* Decides the format; false when length and checks fit none. */
static bool recognise(const uint8_t *bytes, size_t len, struct hyp_wmbus_link *ret_link)
{
    const size_t a = total_a(bytes[0]);
    const size_t plain = (size_t)bytes[0] + 1;
    struct hyp_wmbus_link link = {.used = plain};
    if (is_length(len, a) && wrong_crc_a(bytes, a) == 0) {
        link.format = HYP_WMBUS_FORMAT_A;
        link.used = a;
    } else if (is_length(len, plain)) {
        link.format = fits_b(bytes, plain) ? HYP_WMBUS_FORMAT_B : HYP_WMBUS_FORMAT_STRIPPED;
    } else {
        return false;
    }
    link.trailing = len - link.used;
    *ret_link = link;
    return true;
}

/* The part that both entries share, once the format is known. */
static enum hyp_status copy_link(const uint8_t *bytes, struct hyp_wmbus_link link,
                                 uint8_t ret_copy[static HYP_WMBUS_TELEGRAM_MAX],
                                 struct hyp_wmbus_link *ret_link, struct hyp_explain *explain,
                                 struct hyp_error *err)
{
    if (link.format == HYP_WMBUS_FORMAT_STRIPPED && hyp_wmbus_function_find(bytes[1]) == NULL) {
        /* Without a CRC the C field is the only sign that this is a telegram at all. */
        return hyp_error_set(err, HYP_MALFORMED, 1,
                             "C field %02X is none of wireless M-Bus and no CRC proves it",
                             bytes[1]);
    }
    switch (link.format) {
    case HYP_WMBUS_FORMAT_A:
        link.len = strip(bytes, link.used, HYP_WMBUS_LINK_HEADER, BLOCK_A, ret_copy);
        break;
    case HYP_WMBUS_FORMAT_B:
        link.len = strip(bytes, link.used, BLOCK_B, BLOCK_B, ret_copy);
        break;
    case HYP_WMBUS_FORMAT_UNSET:
    case HYP_WMBUS_FORMAT_STRIPPED:
        memcpy(ret_copy, bytes, link.used);
        link.len = link.used;
        break;
    }
    ret_copy[0] = (uint8_t)(link.len - 1);
    if (explain != NULL) {
        note_link(explain, bytes, &link);
    }
    *ret_link = link;
    return HYP_OK;
}

enum hyp_status hyp_wmbus_link_parse(const uint8_t *bytes, size_t len,
                                     uint8_t ret_copy[static HYP_WMBUS_TELEGRAM_MAX],
                                     struct hyp_wmbus_link *ret_link,
                                     struct hyp_explain *explain, struct hyp_error *err)
{
    if (len < HYP_WMBUS_LINK_HEADER) {
        return hyp_error_set(err, HYP_NEED_MORE, (int64_t)len,
                             "%zu bytes are too few for a wireless telegram (at least %d)", len,
                             HYP_WMBUS_LINK_HEADER);
    }
    if (bytes[0] < HYP_WMBUS_LINK_HEADER - 1) {
        return hyp_error_set(err, HYP_MALFORMED, 0, "L is %u: too short for an address",
                             bytes[0]);
    }
    struct hyp_wmbus_link link;
    if (!recognise(bytes, len, &link)) {
        return refuse(bytes, len, err);
    }
    return copy_link(bytes, link, ret_copy, ret_link, explain, err);
}

bool hyp_wmbus_link_is_doubtful(const struct hyp_wmbus_link *link)
{
    return link->format == HYP_WMBUS_FORMAT_B && link->used <= BLOCK_B + CRC_LEN;
}

enum hyp_status hyp_wmbus_link_parse_stripped(const uint8_t *bytes,
                                              const struct hyp_wmbus_link *doubtful,
                                              uint8_t ret_copy[static HYP_WMBUS_TELEGRAM_MAX],
                                              struct hyp_wmbus_link *ret_link,
                                              struct hyp_explain *explain,
                                              struct hyp_error *err)
{
    struct hyp_wmbus_link link = *doubtful;
    link.format = HYP_WMBUS_FORMAT_STRIPPED;
    return copy_link(bytes, link, ret_copy, ret_link, explain, err);
}
