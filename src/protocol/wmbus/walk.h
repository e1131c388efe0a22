/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walk over data records by their headers only: where DIF/VIF end and data starts.
 *
 * For compact frames, whose formats are the DIF/VIF bytes alone, and to prove that unscrambled
 * bytes are records. It decodes no value; that is mbus/record.h.
 */
#ifndef HYP_PROTOCOL_WMBUS_WALK_H
#define HYP_PROTOCOL_WMBUS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Length of the DIF [DIFE] VIF [VIFE] at the start of `bytes`; 0 when it is cut, too long or a
 * special DIF (0F, 1F, 2F ...).
 */
size_t hyp_walk_header(const uint8_t *bytes, size_t len);

/*
 * Length of the data that belongs to this DIF, with the length byte of variable data.
 * @data      the bytes where the data would start
 * @ret_len   written on success
 * Returns    false when the data does not fit into `len` bytes or its length is reserved
 */
bool hyp_walk_data(uint8_t dif, const uint8_t *data, size_t len, size_t *ret_len);

/*
 * Do the bytes walk to their end as records (fillers and a manufacturer's rest allowed)?
 * @ret_records  number of records, may be NULL
 */
bool hyp_walk_all(const uint8_t *bytes, size_t len, size_t *ret_records);

#endif
