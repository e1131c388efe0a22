/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of a record: data bytes to exact number, time, flags or text. Private to the record
 * decoder.
 */
#ifndef HYP_PROTOCOL_MBUS_VALUE_H
#define HYP_PROTOCOL_MBUS_VALUE_H

#include "protocol/mbus/record.h"
#include "protocol/mbus/vife.h"

/*
 * Takes the data bytes of a record whose DIB and VIB are read, with the LVAR byte of variable
 * length data: sets data, data_len and lvar.
 * Returns   HYP_OK | MALFORMED (cut short) | UNSUPPORTED (reserved LVAR)
 */
HYP_MUST_USE enum hyp_status hyp_mbus_data_take(struct hyp_bytes *bytes,
                                                struct hyp_mbus_record *record,
                                                struct hyp_error *err);

/* Sets kind, quality and the value of a record whose data is taken. Cannot fail: what cannot be
 * read is absent, with the reason in `quality`. */
void hyp_mbus_value_decode(struct hyp_mbus_record *record, const struct hyp_mbus_scale *scale,
                           bool msb_first);

/*
 * One number of a data field: integer, BCD or float.
 * @field      enum hyp_mbus_data_field with 1..8 bytes
 * @ret_value  written only when the result is GOOD
 * Returns     GOOD | NO_VALUE (sentinel) | INVALID (BCD error digits, too large for 64 bits)
 */
enum hyp_quality hyp_mbus_number_decode(const uint8_t *bytes, uint8_t field,
                                        enum hyp_mbus_coding coding,
                                        struct hyp_decimal *ret_value);

/* digits x 10^exp10 with factor and additive constant of the VIB, into the record. */
void hyp_mbus_value_scale(struct hyp_mbus_record *record, struct hyp_decimal value,
                          const struct hyp_mbus_scale *scale);

/* Is this decoded record a stored counter whose bytes are all FF, as erased memory is? */
bool hyp_mbus_value_is_never_written(const struct hyp_mbus_record *record);

/* Record errors of the meter override the quality of what was decoded. */
void hyp_mbus_value_apply_error(struct hyp_mbus_record *record);

#endif
