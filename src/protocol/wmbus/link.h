/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link layer of wireless M-Bus (EN 13757-4): is this a telegram, and where is its content?
 *
 * Receivers differ in what they leave in: block CRCs of frame format A or B, or none, and up to
 * three bytes of their own (signal strength, status) behind. This module tells them apart by
 * the CRCs and the length, strictly: bytes whose length and checks do not fit are refused,
 * never repaired. It is not about addresses, keys or what follows the address.
 */
#ifndef HYP_PROTOCOL_WMBUS_LINK_H
#define HYP_PROTOCOL_WMBUS_LINK_H

#include "base/status.h"
#include "protocol/explain.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hyp_wmbus_format {
    HYP_WMBUS_FORMAT_UNSET = 0,
    HYP_WMBUS_FORMAT_STRIPPED, /* no block CRCs */
    HYP_WMBUS_FORMAT_A,        /* CRC after the first 10 and then every 16 bytes */
    HYP_WMBUS_FORMAT_B,        /* CRC after 126 bytes and at the end */
};

/* L C M M A A A A A A */
#define HYP_WMBUS_LINK_HEADER 10
/* The longest telegram without block CRCs, L included. */
#define HYP_WMBUS_TELEGRAM_MAX 256
/* Bytes a receiver may have put behind the telegram. */
#define HYP_WMBUS_TRAILING_MAX 3

struct hyp_wmbus_link {
    enum hyp_wmbus_format format;
    size_t len;      /* bytes of the stripped copy, L included */
    size_t used;     /* bytes of the input that are the telegram */
    size_t trailing; /* receiver bytes behind it, dropped */
};

/* One value of the C field. */
struct hyp_wmbus_function {
    uint8_t c_field;
    bool from_meter; /* else it is sent to a meter */
    const char *name;
    const char *meaning;
};
/* The row of a C field; NULL when no standard defines it. */
const struct hyp_wmbus_function *hyp_wmbus_function_find(uint8_t c_field);

/*
 * Recognises one telegram and copies it without block CRCs; L of the copy is the number of
 * bytes that follow.
 * @explain  notes on length, C field, checks and receiver bytes, or NULL
 * Returns   HYP_OK | NEED_MORE (cut) | BAD_CHECK (a block CRC is wrong; err->offset: the CRC) |
 *           MALFORMED (length or C field are no telegram's)
 */
HYP_MUST_USE enum hyp_status hyp_wmbus_link_parse(
    const uint8_t *bytes, size_t len, uint8_t ret_copy[static HYP_WMBUS_TELEGRAM_MAX],
    struct hyp_wmbus_link *ret_link, struct hyp_explain *explain, struct hyp_error *err);

/*
 * Whether the format rests on one CRC alone. L is the same with and without the CRC of a single
 * block of format B, so one stripped telegram in 65,536 ends in two bytes that read as its CRC;
 * only the layers above can tell.
 */
bool hyp_wmbus_link_is_doubtful(const struct hyp_wmbus_link *link);

/* As hyp_wmbus_link_parse() of the same bytes, but taken as a telegram without CRCs. */
HYP_MUST_USE enum hyp_status
hyp_wmbus_link_parse_stripped(const uint8_t *bytes, const struct hyp_wmbus_link *doubtful,
                              uint8_t ret_copy[static HYP_WMBUS_TELEGRAM_MAX],
                              struct hyp_wmbus_link *ret_link, struct hyp_explain *explain,
                              struct hyp_error *err);

/* Where a byte of the stripped copy stood in the input. */
size_t hyp_wmbus_link_input_offset(enum hyp_wmbus_format format, size_t offset);

#endif
