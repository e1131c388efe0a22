/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VIF tables: what a value information field means (EN 13757-3 6.4).
 *
 * Private to the record decoder. One row per code, found by index; the meaning of VIFEs is in
 * vife.h, the reading of the data bytes in value.h and time.h.
 */
#ifndef HYP_PROTOCOL_MBUS_VIF_H
#define HYP_PROTOCOL_MBUS_VIF_H

#include "protocol/mbus/record.h"

/* How the data bytes of a VIF are to be read where the DIF leaves a choice. */
enum hyp_mbus_coding {
    HYP_MBUS_CODING_SIGNED = 0, /* type B, the rule: 80..00 means "no value" */
    HYP_MBUS_CODING_UNSIGNED,   /* type C: FF..FF means "no value" */
    HYP_MBUS_CODING_IDENTIFIER, /* type A or C, every pattern is a value; BCD keeps zeros */
    HYP_MBUS_CODING_FLAGS,      /* type D */
    HYP_MBUS_CODING_TIME,       /* type F, G, I, J or M by length */
    HYP_MBUS_CODING_BYTES,      /* container, type K or L: bytes */
};

/* Factor that is no power of ten; exact as a decimal. */
enum hyp_mbus_factor {
    HYP_MBUS_FACTOR_NONE = 0,
    HYP_MBUS_FACTOR_2_POW_MINUS_12, /* rating factors of allocators */
    HYP_MBUS_FACTOR_CUBIC_FEET,     /* to m3 */
    HYP_MBUS_FACTOR_GALLONS,        /* US gallon to m3 */
};

struct hyp_mbus_vif {
    const char *text;
    uint8_t quantity; /* enum hyp_quantity */
    uint8_t unit;     /* enum hyp_unit */
    int8_t exp10;
    uint8_t coding; /* enum hyp_mbus_coding */
    uint8_t factor; /* enum hyp_mbus_factor */
};

/* The rows of one table, found by code & mask; tables of one meaning have mask 0. */
struct hyp_mbus_vif_rows {
    const struct hyp_mbus_vif *rows;
    uint8_t mask;
};
extern const struct hyp_mbus_vif hyp_mbus_vif_primary[128];
extern const struct hyp_mbus_vif_rows hyp_mbus_vif_tables[HYP_VIF_ANY + 1];

/* The row of a code; a row with text NULL is a reserved code. Inline: runs for every record. */
static inline const struct hyp_mbus_vif *hyp_mbus_vif_row(enum hyp_vif_table table,
                                                          uint8_t code)
{
    return &hyp_mbus_vif_tables[table].rows[code & hyp_mbus_vif_tables[table].mask];
}

/* The exact decimal of a factor. */
struct hyp_decimal hyp_mbus_factor_value(enum hyp_mbus_factor factor);

/*
 * Quantity and unit of a plain text unit such as "%RH".
 * Returns   false when the text is none we know
 */
bool hyp_mbus_vif_text_unit(const char *text, enum hyp_quantity *ret_quantity,
                            enum hyp_unit *ret_unit);

#endif
