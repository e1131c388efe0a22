/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secondary addresses: identification, manufacturer, version and medium, with wildcards.
 *
 * The identification is kept as eight nibbles, because not all meters count in decimal: F is
 * the wildcard, A..E are digits of some makers. Wildcards of the other fields have all bits
 * set. An enhanced address also names the fabrication number, for meters that share the rest.
 */
#ifndef HYP_PROTOCOL_MBUS_ADDRESS_H
#define HYP_PROTOCOL_MBUS_ADDRESS_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct hyp_mbus_secondary {
    uint32_t id;           /* 0x12345678 for 12345678; nibble F = any digit */
    uint16_t manufacturer; /* FFFF = any; as on the wire, bit 15 kept */
    uint8_t version;       /* FF = any */
    uint8_t medium;        /* FF = any */
    bool has_fabrication;
    uint32_t fabrication; /* nibbles, F = any digit */
};

/* The address that every meter answers to. */
#define HYP_MBUS_SECONDARY_ANY                                                                 \
    ((struct hyp_mbus_secondary){                                                              \
        .id = 0xFFFFFFFF, .manufacturer = 0xFFFF, .version = 0xFF, .medium = 0xFF})

/* Longest text with terminator: "12345678.KAM.35.04.12345678". */
#define HYP_MBUS_SECONDARY_TEXT_MAX 32

/* "12345678.KAM.35.04", "*" for a field that is any; ".fabrication" behind when it has one. */
void hyp_mbus_secondary_format(struct hyp_buf *out, const struct hyp_mbus_secondary *address);

/*
 * Reads that text (fields may be left out from the end: "12345678" is any make), or 16 hex
 * digits as other tools write them: id, manufacturer as on the wire, version, medium.
 * Returns   HYP_OK | INVALID
 */
HYP_MUST_USE enum hyp_status hyp_mbus_secondary_parse(struct hyp_str text,
                                                      struct hyp_mbus_secondary *ret_address);

/*
 * Reads what narrows a search: the same texts, but the id may be cut short ("12" is every id
 * that begins with 12) and a "?" in it is any digit.
 * Returns   HYP_OK | INVALID
 */
HYP_MUST_USE enum hyp_status hyp_mbus_pattern_parse(struct hyp_str text,
                                                    struct hyp_mbus_secondary *ret_pattern);

/* The 8 bytes of a selection; also those of a long transport header, whose order is the same.
 */
void hyp_mbus_secondary_encode(const struct hyp_mbus_secondary *address,
                               uint8_t ret_bytes[static 8]);
struct hyp_mbus_secondary hyp_mbus_secondary_decode(const uint8_t bytes[static 8]);

/* Does a meter's own address (no wildcards) fall under `pattern`? Fabrication is not looked at.
 */
bool hyp_mbus_secondary_matches(const struct hyp_mbus_secondary *pattern,
                                const struct hyp_mbus_secondary *meter);
/* Are they the same in every field, wildcards too, the fabrication number if they have one? */
bool hyp_mbus_secondary_equal(const struct hyp_mbus_secondary *a,
                              const struct hyp_mbus_secondary *b);

#endif
