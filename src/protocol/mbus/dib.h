/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data information block: DIF and DIFEs (EN 13757-3 6.3). Private to the record decoder.
 */
#ifndef HYP_PROTOCOL_MBUS_DIB_H
#define HYP_PROTOCOL_MBUS_DIB_H

#include "protocol/mbus/record.h"

/* The data field, low nibble of the DIF. */
enum hyp_mbus_data_field {
    HYP_MBUS_DATA_NONE = 0x0,
    HYP_MBUS_DATA_INT8 = 0x1,
    HYP_MBUS_DATA_INT16 = 0x2,
    HYP_MBUS_DATA_INT24 = 0x3,
    HYP_MBUS_DATA_INT32 = 0x4,
    HYP_MBUS_DATA_FLOAT32 = 0x5,
    HYP_MBUS_DATA_INT48 = 0x6,
    HYP_MBUS_DATA_INT64 = 0x7,
    HYP_MBUS_DATA_SELECTION = 0x8,
    HYP_MBUS_DATA_BCD2 = 0x9,
    HYP_MBUS_DATA_BCD4 = 0xA,
    HYP_MBUS_DATA_BCD6 = 0xB,
    HYP_MBUS_DATA_BCD8 = 0xC,
    HYP_MBUS_DATA_LVAR = 0xD,
    HYP_MBUS_DATA_BCD12 = 0xE,
    HYP_MBUS_DATA_SPECIAL = 0xF,
};

#define HYP_MBUS_DIFE_MAX 10

/* Bytes of data by data field; 0 for LVAR and special. */
extern const uint8_t hyp_mbus_data_bytes[16];
/* "16-bit integer". Never NULL. */
const char *hyp_mbus_data_text(uint8_t data_field);

/* Does the data field hold BCD digits? (9..E but D) */
static inline bool hyp_mbus_data_is_bcd(uint8_t data_field)
{
    return data_field >= HYP_MBUS_DATA_BCD2 && data_field != HYP_MBUS_DATA_LVAR;
}

/* The next byte, or 0 with the reader failed. Inline because it runs per header byte. */
static inline uint8_t hyp_mbus_take(struct hyp_bytes *bytes)
{
    if (bytes->pos >= bytes->len) {
        bytes->failed = true;
        return 0;
    }
    return bytes->data[bytes->pos++];
}

/*
 * Reads the DIFEs after `record->dif` (already consumed).
 * Returns   HYP_OK | MALFORMED (more than 10 DIFEs, or cut short)
 */
HYP_MUST_USE enum hyp_status hyp_mbus_dife_parse(struct hyp_bytes *bytes,
                                                 struct hyp_mbus_record *record,
                                                 struct hyp_error *err);

#endif
