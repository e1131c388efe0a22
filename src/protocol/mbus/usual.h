/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual record: a VIF of the primary table without VIFEs, and an integer or BCD number or a
 * date behind it. Private to the record decoder.
 */
#ifndef HYP_PROTOCOL_MBUS_USUAL_H
#define HYP_PROTOCOL_MBUS_USUAL_H

#include "protocol/mbus/record.h"

/*
 * Reads one record if it is a usual one that lies whole in the bytes.
 * @bytes       least significant byte first; moved behind the record, or left alone
 * @ret_record  complete as hyp_mbus_records_next() promises; undefined when false
 * Returns      false: another kind of record, the general way has to read it
 */
HYP_MUST_USE bool hyp_mbus_usual_parse(struct hyp_bytes *bytes,
                                       struct hyp_mbus_record *ret_record);

#endif
