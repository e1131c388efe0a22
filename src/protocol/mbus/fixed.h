/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed data structure: the answer of old wired meters (CI 73, or 77 with the most significant
 * byte first), withdrawn from the standard but still in cellars.
 *
 * The two counters come out as ordinary records, so that everything after this needs no second
 * path.
 */
#ifndef HYP_PROTOCOL_MBUS_FIXED_H
#define HYP_PROTOCOL_MBUS_FIXED_H

#include "protocol/mbus/record.h"

/* ID(4) ACC ST MU(2) CNT1(4) CNT2(4) */
#define HYP_MBUS_FIXED_LEN 16

/*
 * Reads the two counters.
 * @data         the 16 bytes after the CI field; outlives the records
 * @explain      notes on unit and counter bytes, or NULL
 * @ret_records  a counter of unit 3F ("none") is left out
 * @ret_count    0..2
 * Returns       HYP_OK | MALFORMED (fewer than 16 bytes)
 */
HYP_MUST_USE enum hyp_status hyp_mbus_fixed_decode(const uint8_t *data, size_t len,
                                                   bool msb_first, struct hyp_explain *explain,
                                                   struct hyp_mbus_record ret_records[static 2],
                                                   size_t *ret_count, struct hyp_error *err);

/* Medium as in the transport header, of the unit bytes. */
uint8_t hyp_mbus_fixed_medium(uint8_t unit1, uint8_t unit2);

#endif
