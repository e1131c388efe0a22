/* SPDX-License-Identifier: Apache-2.0 */
/* What the decoder says of values beyond what one record does. */
#ifndef HYP_CMD_DECODER_VALUES_H
#define HYP_CMD_DECODER_VALUES_H

#include "cmd/decoder.h"
#include "protocol/mbus/record.h"

/*
 * The unit that the record itself announces, where the profile gave the value another one of
 * the same size: electricity meters send reactive and apparent quantities under the VIF of W
 * and Wh.
 */
enum hyp_unit hyp_decoded_sent_unit(const struct hyp_mbus_record *record,
                                    const struct hyp_value *value);

/*
 * Adds the total power that an electricity meter of three phases does not send, behind what it
 * sends.
 * @records   room for HYP_LIMIT_READING_VALUES
 * Returns    how many records there are now
 */
size_t hyp_decoded_add_total(uint8_t medium, struct hyp_decoded_record *records, size_t count);

#endif
