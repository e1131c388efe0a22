/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual record: a VIF of the primary table without VIFEs, and an integer or BCD number or a
 * date behind it. Private to the record decoder.
 */
#ifndef HYP_PROTOCOL_MBUS_USUAL_H
#define HYP_PROTOCOL_MBUS_USUAL_H

#include "protocol/mbus/record.h"

/* What a DIF says, and everything that a header need not say. Field by field: most of a record
 * is text that nobody has to clear. */
static inline void hyp_mbus_record_begin(struct hyp_mbus_record *record, size_t start,
                                         uint8_t dif)
{
    record->offset = (uint16_t)start;
    record->dif = dif;
    record->function = (enum hyp_function)(dif >> 4 & 0x03);
    record->storage = dif >> 6 & 0x01;
    record->tariff = 0;
    record->subunit = 0;
    record->vife_count = 0;
    record->record_error = 0;
    record->lvar = 0;
    record->profile_element = 0;
    record->has_time = false;
    record->manufacturer_data = false;
    record->more_follows = false;
    record->qualifier = (struct hyp_mbus_qualifier){0};
}

/*
 * Reads one record if it is a usual one that lies whole in the bytes.
 * @bytes       least significant byte first; moved behind the record, or left alone
 * @ret_record  complete as hyp_mbus_records_next() promises; undefined when false
 * Returns      false: another kind of record, the general way has to read it
 */
HYP_MUST_USE bool hyp_mbus_usual_parse(struct hyp_bytes *bytes,
                                       struct hyp_mbus_record *ret_record);

#endif
