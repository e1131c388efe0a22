/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers: what 16-bit words mean as numbers and texts.
 *
 * Exact: integers and BCD keep all digits, IEEE 754 numbers become the shortest decimal that
 * reads back the same. Scaling, units and names are the profile's business (device/).
 */
#ifndef HYP_PROTOCOL_MODBUS_REGISTERS_H
#define HYP_PROTOCOL_MODBUS_REGISTERS_H

#include "base/buf.h"
#include "base/decimal.h"
#include "base/status.h"
#include "base/str.h"

#include <stdint.h>

/* X(ENUM, "name in profiles", words; 0 = the profile says how many) */
#define HYP_MODBUS_TYPE_MAP(X)                                                                 \
    X(UNSET, "", 0)                                                                            \
    X(INT16, "int16", 1)                                                                       \
    X(UINT16, "uint16", 1)                                                                     \
    X(INT32, "int32", 2)                                                                       \
    X(UINT32, "uint32", 2)                                                                     \
    X(INT48, "int48", 3)                                                                       \
    X(UINT48, "uint48", 3)                                                                     \
    X(INT64, "int64", 4)                                                                       \
    X(UINT64, "uint64", 4)                                                                     \
    X(FLOAT32, "float32", 2)                                                                   \
    X(FLOAT64, "float64", 4)                                                                   \
    X(BCD16, "bcd16", 1)                                                                       \
    X(BCD32, "bcd32", 2)                                                                       \
    X(BCD64, "bcd64", 4)                                                                       \
    X(FLAGS16, "flags16", 1)                                                                   \
    X(FLAGS32, "flags32", 2)                                                                   \
    X(BIT, "bit", 1)                                                                           \
    X(STRING, "string", 0)

enum hyp_modbus_type {
#define HYP_MODBUS_TYPE_ENUM(id, name, words) HYP_MODBUS_TYPE_##id,
    HYP_MODBUS_TYPE_MAP(HYP_MODBUS_TYPE_ENUM)
#undef HYP_MODBUS_TYPE_ENUM
        HYP_MODBUS_TYPE_COUNT_OF
};

/*
 * Order of the bytes of a value that is longer than a register. Names are those people find in
 * manuals; A is the most significant byte. For eight bytes:
 *   ABCD  ABCDEFGH    CDAB  GHEFCDAB (words reversed)
 *   BADC  BADCFEHG    DCBA  HGFEDCBA
 *   CDABGHEF, DCBAHGFE: eight bytes only; four-byte values then follow CDAB, DCBA
 */
enum hyp_modbus_order {
    HYP_MODBUS_ORDER_UNSET = 0, /* taken as ABCD */
    HYP_MODBUS_ABCD,
    HYP_MODBUS_CDAB,
    HYP_MODBUS_BADC,
    HYP_MODBUS_DCBA,
    HYP_MODBUS_CDABGHEF,
    HYP_MODBUS_DCBAHGFE,
};

/* Also the long spellings ("GHEFCDAB"); letter case does not matter. HYP_OK | NOT_FOUND */
HYP_MUST_USE enum hyp_status hyp_modbus_order_find(struct hyp_str text,
                                                   enum hyp_modbus_order *ret_order);
/* A type by its name in profiles: HYP_OK | NOT_FOUND; and back, never NULL. */
HYP_MUST_USE enum hyp_status hyp_modbus_type_find(struct hyp_str text,
                                                  enum hyp_modbus_type *ret_type);
const char *hyp_modbus_type_text(enum hyp_modbus_type type);
/* Registers a value of the type takes; 0 for strings. */
uint16_t hyp_modbus_type_words(enum hyp_modbus_type type);

/* The longest string in registers. */
#define HYP_MODBUS_STRING_WORDS_MAX 32

/*
 * The bits of a value, most significant byte first, in the low bytes of the result.
 * @data   as received, 2 * hyp_modbus_type_words(type) bytes
 */
uint64_t hyp_modbus_register_bits(enum hyp_modbus_type type, enum hyp_modbus_order order,
                                  const uint8_t *data);

/*
 * The number in `data`. For FLAGS and BIT types use hyp_modbus_register_bits.
 * Returns   HYP_OK | IMPLAUSIBLE (NaN, infinity, or beyond 63 bits) | MALFORMED (a BCD nibble
 *           above 9) | UNSUPPORTED (a type that is no number)
 */
HYP_MUST_USE enum hyp_status hyp_modbus_register_number(enum hyp_modbus_type type,
                                                        enum hyp_modbus_order order,
                                                        const uint8_t *data,
                                                        struct hyp_decimal *ret_number);

/*
 * The text in registers, high byte first (low byte first for BADC and DCBA), up to the first
 * zero byte, blanks at the end removed; bytes above 7F are taken as ISO 8859-1.
 */
void hyp_modbus_register_text(enum hyp_modbus_order order, const uint8_t *data, size_t words,
                              struct hyp_buf *out);

#endif
