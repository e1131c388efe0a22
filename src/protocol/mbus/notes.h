/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes on the bytes of data records, for the inspector. Private to the record decoder; called
 * only when somebody asked for an explanation.
 */
#ifndef HYP_PROTOCOL_MBUS_NOTES_H
#define HYP_PROTOCOL_MBUS_NOTES_H

#include "protocol/mbus/record.h"

/* Every byte of a decoded record or compact profile container. @message start of the records */
void hyp_mbus_notes_record(struct hyp_explain *explain, const uint8_t *message,
                           const struct hyp_mbus_record *record);
/* One element of a compact profile. */
void hyp_mbus_notes_element(struct hyp_explain *explain, const uint8_t *message,
                            const struct hyp_mbus_record *record);
/* The rest after DIF 0F, 1F or 7F. */
void hyp_mbus_notes_rest(struct hyp_explain *explain, const struct hyp_mbus_record *record);
/* Idle filler (DIF 2F). @offset as hyp_explain_add */
void hyp_mbus_notes_filler(struct hyp_explain *explain, size_t offset, size_t len);
/* The bytes from where a record began to the end, which could not be read. */
void hyp_mbus_notes_refused(struct hyp_explain *explain, size_t record_start, size_t refused_at,
                            size_t len, const char *reason);

#endif
