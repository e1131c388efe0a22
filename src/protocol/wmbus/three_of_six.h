/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 3-of-6 line code of mode T (EN 13757-4): every nibble travels as six chips, three of them 1.
 *
 * For receivers that hand over raw chips. Most receivers decode it themselves.
 */
#ifndef HYP_PROTOCOL_WMBUS_THREE_OF_SIX_H
#define HYP_PROTOCOL_WMBUS_THREE_OF_SIX_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Chips (first chip in the highest bit of the first byte) to bytes.
 * @capacity  of `out`; decoding ends there or when fewer than 12 chips are left
 * @ret_len   bytes decoded; written on failure too: the bytes before the bad symbol
 * Returns    HYP_OK | BAD_CHECK when a symbol is none of the sixteen (err->offset: byte of
 *            `chips` that holds its first chip)
 */
HYP_MUST_USE enum hyp_status hyp_three_of_six_decode(const uint8_t *chips, size_t len,
                                                     uint8_t *out, size_t capacity,
                                                     size_t *ret_len, struct hyp_error *err);

/*
 * Bytes to chips; the last byte is filled with zero chips.
 * @ret_len  bytes written: (len * 12 + 7) / 8
 * Returns   HYP_OK | LIMIT when `capacity` is too small
 */
HYP_MUST_USE enum hyp_status hyp_three_of_six_encode(const uint8_t *data, size_t len,
                                                     uint8_t *out, size_t capacity,
                                                     size_t *ret_len);

#endif
