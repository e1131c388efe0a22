/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table of learned compact frame formats, by signature.
 *
 * Formats belong to a firmware, not to a meter: one table serves all meters, and it is worth
 * keeping for ever. Fixed size, no allocation; the owner decides where it lives. One thread.
 */
#ifndef HYP_PROTOCOL_WMBUS_FORMATS_H
#define HYP_PROTOCOL_WMBUS_FORMATS_H

#include "base/limits.h"
#include "protocol/telegram.h"

struct hyp_formats {
    size_t count;
    uint16_t slots[4 * HYP_LIMIT_COMPACT_FORMATS]; /* index + 1 by signature; 0 = free */
    struct hyp_compact_format formats[HYP_LIMIT_COMPACT_FORMATS];
};

/* Empty: forgets all. */
void hyp_formats_init(struct hyp_formats *formats);

/* The format of a signature; NULL when unknown. Valid until the same signature is learned anew.
 */
const struct hyp_compact_format *hyp_formats_find(const struct hyp_formats *formats,
                                                  uint16_t signature);

/*
 * Adds a format or replaces the one of the same signature (the latest full frame is right).
 * Returns   HYP_OK (new or changed) | EXISTS (known, unchanged) | LIMIT (table is full)
 * Limits    HYP_LIMIT_COMPACT_FORMATS
 */
HYP_MUST_USE enum hyp_status hyp_formats_learn(struct hyp_formats *formats,
                                               const struct hyp_compact_format *format);

/* Adds the formats that are known of meters in the field. */
void hyp_formats_add_known(struct hyp_formats *formats);

#endif
