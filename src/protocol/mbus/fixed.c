/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   0        4     5    6     7     8         12        16
 *   | ID     | ACC | ST | MU1 | MU2 | CNT 1   | CNT 2   |
 *
 *   ST  bit 0: 0 = BCD, 1 = binary; bit 1: 0 = actual values, 1 = stored at a fixed date
 *   MU  bits 5..0 unit of the counter; bits 7,6 = medium bits 1,0 (MU1) and 3,2 (MU2)
 *
 * A counter with unit 3E has the unit of counter 1 and is historic, hence storage 1.
 */
#include "protocol/mbus/fixed.h"

#include "protocol/mbus/dib.h"
#include "protocol/mbus/value.h"
#include "protocol/mbus/vife.h"

#define CLAUSE "M-Bus 4.8 6.2"

#define STATUS_BINARY 0x01
#define STATUS_STORED 0x02
#define UNIT_MASK 0x3F
#define UNIT_HISTORIC 0x3E
#define UNIT_NONE 0x3F

struct unit_row {
    uint8_t first;
    uint8_t last;
    const char *text;
    enum hyp_quantity quantity;
    enum hyp_unit unit;
    int8_t exp10; /* of `first` */
    uint8_t vif;  /* a primary VIF of this quantity, so that records of both kinds agree */
};

/* clang-format off */
static const struct unit_row unit_rows[] = {
    {0x00, 0x01, "time or date", HYP_QUANTITY_UNKNOWN,     HYP_UNIT_NONE,     0,  0x7E},
    {0x02, 0x0A, "energy",       HYP_QUANTITY_ENERGY,      HYP_UNIT_WH,       0,  0x03},
    {0x0B, 0x13, "energy",       HYP_QUANTITY_ENERGY,      HYP_UNIT_KJ,       0,  0x0B},
    {0x14, 0x1C, "power",        HYP_QUANTITY_POWER,       HYP_UNIT_W,        0,  0x2B},
    {0x1D, 0x25, "power",        HYP_QUANTITY_POWER,       HYP_UNIT_KJ_PER_H, 0,  0x33},
    {0x26, 0x2E, "volume",       HYP_QUANTITY_VOLUME,      HYP_UNIT_M3,       -6, 0x13},
    {0x2F, 0x37, "volume flow",  HYP_QUANTITY_FLOW,        HYP_UNIT_M3_PER_H, -6, 0x3B},
    {0x38, 0x38, "temperature",  HYP_QUANTITY_TEMPERATURE, HYP_UNIT_DEG_C,    -3, 0x7E},
    {0x39, 0x39, "heat cost allocator units", HYP_QUANTITY_HCA, HYP_UNIT_HCA, 0,  0x6E},
    {0x3A, 0x3D, "reserved",     HYP_QUANTITY_UNKNOWN,     HYP_UNIT_NONE,     0,  0x7E},
};
/* clang-format on */

/* The first six bits only: 3E and 3F are handled before. */
static const struct unit_row *find_unit(uint8_t code)
{
    for (size_t i = 0; i + 1 < HYP_ARRAY_LEN(unit_rows); i++) {
        if (code <= unit_rows[i].last) {
            return &unit_rows[i];
        }
    }
    return &unit_rows[HYP_ARRAY_LEN(unit_rows) - 1];
}

uint8_t hyp_mbus_fixed_medium(uint8_t unit1, uint8_t unit2)
{
    /* Codes A..E are "mode 2" (most significant byte first) of gas, heat, hot water, water and
     * allocator; the variable structure gave those numbers other meanings later. */
    static const uint8_t media[16] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                                      0x08, 0x0F, 0x03, 0x04, 0x06, 0x07, 0x08, 0x0F};
    return media[unit1 >> 6 | (unit2 >> 6) << 2];
}

static void decode_counter(const uint8_t *data, unsigned number, uint8_t code, bool msb_first,
                           struct hyp_mbus_record *record)
{
    const struct unit_row *row = find_unit(code);
    uint8_t status = data[5];
    struct hyp_mbus_scale scale = {.exp10 = (int16_t)(row->exp10 + code - row->first)};
    *record = (struct hyp_mbus_record){
        .offset = (uint16_t)(8 + 4 * number),
        .data = data + 8 + 4 * (size_t)number,
        .data_len = 4,
        .dif = (status & STATUS_BINARY) != 0 ? HYP_MBUS_DATA_INT32 : HYP_MBUS_DATA_BCD8,
        .storage = (status & STATUS_STORED) != 0 ? 1 : 0,
        .table = row->vif == 0x7E ? HYP_VIF_ANY : HYP_VIF_PRIMARY,
        .code = row->vif,
        .quantity = row->quantity,
        .subject = row->quantity,
        .unit = row->unit,
    };
    if (row->quantity == HYP_QUANTITY_UNKNOWN) {
        scale.exp10 = 0;
    }
    hyp_mbus_value_decode(record, &scale, msb_first);
}

static void note_counter(struct hyp_explain *explain, const struct hyp_mbus_record *record,
                         unsigned number, uint8_t code)
{
    char text[64];
    struct hyp_buf buf;
    const struct unit_row *row = find_unit(code);
    hyp_explain_add(explain, HYP_NOTE_VIB, 6 + number, 1, "unit", CLAUSE, "%s, 10^%d %s%s",
                    row->text, row->exp10 + code - row->first, hyp_unit_text(row->unit),
                    record->storage != 0 ? ", historic" : "");
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    if (hyp_quality_is_usable(record->quality)) {
        hyp_decimal_format(&buf, record->decimal);
        hyp_buf_append_char(&buf, ' ');
        hyp_buf_append_text(&buf, hyp_unit_text(record->unit));
    } else {
        hyp_buf_append_text(&buf, "absent: ");
        hyp_buf_append_text(&buf, hyp_quality_text(record->quality));
    }
    hyp_explain_add(explain, HYP_NOTE_DATA, record->offset, record->data_len, "counter", CLAUSE,
                    "%s", hyp_buf_terminate(&buf));
}

enum hyp_status hyp_mbus_fixed_decode(const uint8_t *data, size_t len, bool msb_first,
                                      struct hyp_explain *explain,
                                      struct hyp_mbus_record ret_records[static 2],
                                      size_t *ret_count, struct hyp_error *err)
{
    if (len < HYP_MBUS_FIXED_LEN) {
        return hyp_error_set(err, HYP_MALFORMED, (int64_t)len,
                             "the fixed data structure ends after %zu of 16 bytes", len);
    }
    uint8_t first = data[6] & UNIT_MASK;
    size_t count = 0;
    for (unsigned number = 0; number < 2; number++) {
        uint8_t code = data[6 + number] & UNIT_MASK;
        bool historic = code == UNIT_HISTORIC;
        code = historic ? first : code;
        if (code >= UNIT_HISTORIC) {
            hyp_explain_add(explain, HYP_NOTE_VIB, 6 + number, 1, "unit", CLAUSE, "no counter");
            hyp_explain_add(explain, HYP_NOTE_OTHER, 8 + 4 * (size_t)number, 4, "counter",
                            CLAUSE, "not used");
            continue;
        }
        struct hyp_mbus_record *record = &ret_records[count++];
        decode_counter(data, number, code, msb_first, record);
        record->storage = historic ? 1 : record->storage;
        if (explain != NULL) {
            explain->record = (int16_t)(count - 1);
            note_counter(explain, record, number, code);
            explain->record = -1;
        }
    }
    *ret_count = count;
    return HYP_OK;
}
