/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data information block says how the data is coded, which function it has and where it
 * belongs:
 *
 *   DIF   7 extension | 6 storage bit 0 | 5..4 function | 3..0 data field
 *   DIFE  7 extension | 6 subunit bit k | 5..4 tariff bits 2k.. | 3..0 storage bits 1+4k..
 *
 * k counts the DIFEs from 0. Ten of them carry 41 bits of storage number, 20 of tariff and 10
 * of subunit, which is why the fields are that wide: cutting them makes two registers one.
 */
#include "protocol/mbus/dib.h"

const uint8_t hyp_mbus_data_bytes[16] = {0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, 0, 6, 0};

const char *hyp_mbus_data_text(uint8_t data_field)
{
    static const char *const texts[16] = {
        "no data",          "8-bit integer",   "16-bit integer",
        "24-bit integer",   "32-bit integer",  "32-bit float",
        "48-bit integer",   "64-bit integer",  "no data, selection",
        "2-digit BCD",      "4-digit BCD",     "6-digit BCD",
        "8-digit BCD",      "variable length", "12-digit BCD",
        "special function",
    };
    return texts[data_field & 0x0F];
}

enum hyp_status hyp_mbus_dife_parse(struct hyp_bytes *bytes, struct hyp_mbus_record *record,
                                    struct hyp_error *err)
{
    uint64_t storage = record->storage;
    uint32_t tariff = 0;
    uint32_t subunit = 0;
    uint8_t byte;
    unsigned k = 0;
    do {
        if (k == HYP_MBUS_DIFE_MAX) {
            return hyp_error_set(err, HYP_MALFORMED, (int64_t)bytes->pos,
                                 "more than 10 DIFE bytes in one record");
        }
        byte = hyp_mbus_take(bytes);
        storage |= (uint64_t)(byte & 0x0F) << (1 + 4 * k);
        tariff |= (uint32_t)(byte >> 4 & 0x03) << (2 * k);
        subunit |= (uint32_t)(byte >> 6 & 0x01) << k;
        k++;
    } while ((byte & 0x80) != 0);
    if (bytes->failed) {
        return hyp_error_set(err, HYP_MALFORMED, (int64_t)bytes->pos,
                             "the data ends within the DIFE bytes of a record");
    }
    record->storage = storage;
    record->tariff = tariff;
    record->subunit = (uint16_t)subunit;
    return HYP_OK;
}
