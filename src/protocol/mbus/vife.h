/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Value information block: VIF, extension tables and VIFEs together (EN 13757-3 6.4). Private
 * to the record decoder.
 */
#ifndef HYP_PROTOCOL_MBUS_VIFE_H
#define HYP_PROTOCOL_MBUS_VIFE_H

#include "protocol/mbus/record.h"
#include "protocol/mbus/vif.h"

/* What a VIB says about the number behind it, while a record is being decoded. */
struct hyp_mbus_scale {
    int16_t exp10;
    uint8_t coding; /* enum hyp_mbus_coding */
    uint8_t factor; /* enum hyp_mbus_factor */
    bool add;       /* add 10^add_exp10 in the unit of the VIF */
    int8_t add_exp10;
};

/*
 * Reads VIF and VIFEs at the reader and sets all fields of the record that follow from them:
 * table, code, vife, qualifier, record_error, quantity, subject, unit, vif_text. The caller has
 * zeroed vife_count, qualifier and record_error.
 * Returns   HYP_OK | MALFORMED (too many VIFEs, cut short)
 */
HYP_MUST_USE enum hyp_status hyp_mbus_vib_parse(struct hyp_bytes *bytes,
                                                struct hyp_mbus_record *record,
                                                struct hyp_mbus_scale *ret_scale,
                                                struct hyp_error *err);

/* What a VIFE says, in English, with the factor, the constant or the unit that its last bits
 * give. @in_extension the byte after FC */
void hyp_mbus_vife_format(struct hyp_buf *out, uint8_t code, bool in_extension);

/* VIFEs that make a record a compact profile container. */
#define HYP_MBUS_VIFE_PROFILE_INVERSE 0x13
#define HYP_MBUS_VIFE_PROFILE_REGISTERS 0x1E
#define HYP_MBUS_VIFE_PROFILE 0x1F
#define HYP_MBUS_VIFE_EXTENSION 0x7C
#define HYP_MBUS_VIFE_MANUFACTURER 0x7F
#define HYP_MBUS_VIFE_TYPE_C 0x11 /* behind the extension */

/* Codes that say what is wrong with a record, reserved ones among them (6.4.8). */
static inline bool hyp_mbus_vife_is_error(uint8_t code)
{
    return code <= 0x11 || (code >= 0x15 && code <= 0x1C);
}

static inline bool hyp_mbus_vife_is_profile(uint8_t code)
{
    return code == HYP_MBUS_VIFE_PROFILE_INVERSE || code == HYP_MBUS_VIFE_PROFILE_REGISTERS ||
           code == HYP_MBUS_VIFE_PROFILE;
}

#endif
