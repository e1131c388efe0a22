/* SPDX-License-Identifier: Apache-2.0 */
/*
 * String views: a pointer with a length into memory that somebody else owns.
 *
 * Not for building text (see buf.h). A view is never assumed to be terminated. All parsers take
 * the whole view: trailing garbage is an error, not ignored.
 */
#ifndef HYP_BASE_STR_H
#define HYP_BASE_STR_H

#include "base/attr.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hyp_str {
    const char *ptr;
    size_t len;
};

#define HYP_STR(literal) ((struct hyp_str){.ptr = (literal), .len = sizeof(literal) - 1})
/* For printf: ("%.*s", HYP_STR_ARG(view)) */
#define HYP_STR_ARG(view) (int)(view).len, (view).ptr

/* A view of a terminated string; NULL gives the empty view. */
struct hyp_str hyp_str_from(const char *text);

/* Byte by byte; two empty views are equal. */
bool hyp_str_equal(struct hyp_str a, struct hyp_str b);
/* ASCII only, locale-free. */
bool hyp_str_equal_nocase(struct hyp_str a, struct hyp_str b);
/* <0, 0, >0 in byte order. */
int hyp_str_compare(struct hyp_str a, struct hyp_str b);
/* Every text begins and ends with the empty one. */
bool hyp_str_has_prefix(struct hyp_str text, struct hyp_str prefix);
bool hyp_str_has_suffix(struct hyp_str text, struct hyp_str suffix);
/* Index of the first `c`, or -1. */
ptrdiff_t hyp_str_find_char(struct hyp_str text, char c);
/* Without blanks, tabs, CR and LF at both ends. */
struct hyp_str hyp_str_trim(struct hyp_str text);

/*
 * Cuts the part before the first `separator` off *rest.
 * @ret_part the part without separator
 * Returns   false when *rest was exhausted before (an empty last part after a separator counts)
 */
bool hyp_str_split_next(struct hyp_str *rest, char separator, struct hyp_str *ret_part);

/* Decimal digits only (and a leading '-' for i64). INVALID on anything else or overflow. */
HYP_MUST_USE enum hyp_status hyp_str_to_u64(struct hyp_str text, uint64_t *ret_value);
HYP_MUST_USE enum hyp_status hyp_str_to_i64(struct hyp_str text, int64_t *ret_value);
/* Hex digits of either case without prefix, 1 to 16. HYP_OK | INVALID */
HYP_MUST_USE enum hyp_status hyp_str_hex_to_u64(struct hyp_str text, uint64_t *ret_value);

/* Value of one hex digit, or -1. */
int hyp_hex_digit(char c);

/*
 * Hex text to bytes. Blanks, tabs, '_', ':' and '-' between bytes are allowed.
 * @ret_len  number of bytes written
 * Returns   HYP_OK | INVALID with err->offset = character that is no hex digit, or an odd
 * number of digits | LIMIT when `capacity` is too small
 */
HYP_MUST_USE enum hyp_status hyp_hex_decode(struct hyp_str text, uint8_t *out, size_t capacity,
                                            size_t *ret_len, struct hyp_error *err);

#endif
