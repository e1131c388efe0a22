/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed: the latest value of every point of a device as bytes, kept beside its chunks so that
 * a start knows them without reading any chunk.
 *
 *     +---------+--------+-------+----------------------------------------------------------+
 *     | version | CRC32C | count | per point:                                               |
 *     | u8 = 1  | LE32   |       | point step, source time s, receive - source s, frame s,  |
 *     |         |        |       | kind << 4 | source u8, quality u8, exponent i8, payload  |
 *     +---------+--------+-------+----------------------------------------------------------+
 *     Numbers are varints, "s" zigzag-coded; the source time is against the point before. The
 *     payload of a text (bit 7 of the quality) is its length and bytes. The checksum covers
 * what follows it.
 */
#ifndef HYP_STORE_SEALED_H
#define HYP_STORE_SEALED_H

#include "store/historian.h"

/* Appends the latest values of the committed columns that have one. */
void hyp_sealed_write_shown(const struct hyp_historian *historian,
                            const struct hyp_series *series, struct hyp_buf *out);
/*
 * Shows them again. Points that are not known (any more) are left out.
 * Returns   HYP_OK | NO_MEMORY | BAD_CHECK | MALFORMED | UNSUPPORTED
 * Context   writer, or while opening
 */
HYP_MUST_USE enum hyp_status hyp_sealed_read_shown(struct hyp_historian *historian,
                                                   struct hyp_series *series,
                                                   struct hyp_str blob);

#endif
