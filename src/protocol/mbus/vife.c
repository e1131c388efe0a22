/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value information block names the quantity and then qualifies it:
 *
 *   VIF [true VIF after FB, FD, FD FD] VIFE VIFE ...      bit 7 = another byte follows
 *
 * VIFEs combine from left to right and never change the length of the data. Some only narrow
 * the value (backward only, phase L2), some scale it (x 10^-2), and some make it another kind
 * of thing: with 42..4F, 6A..6F the data is the date of an event, with 50..67 a duration,
 * whatever the VIF says. A decoder that skips those books a date as 41 million degrees.
 *
 * Codes 00..1F from a meter are record errors (6.4.8), apart from the few that are qualifiers.
 * After 7F the remaining VIFEs are the maker's; they are kept but not interpreted. The same
 * holds for every VIFE after the VIF 7F/FF.
 *
 * Plain text VIF (7C/FC): real meters send LEN, LEN characters (last first) and then the VIFEs;
 * the standard's wording can be read as VIFEs first. A byte of 20 or more is no length of a
 * unit text, so that both are understood.
 */
#include "protocol/mbus/vife.h"

#include "protocol/mbus/dib.h"
#include "protocol/mbus/latin1.h"

#define TEXT_LEN_MAX 0x1F

enum action {
    ACT_RESERVED = 0,
    ACT_NONE,
    ACT_ERROR,
    ACT_AVERAGE,
    ACT_PROFILE,
    ACT_DEVIATION,
    ACT_OMS,
    ACT_PER,
    ACT_MULTIPLIED,
    ACT_TIME_OF,
    ACT_UNCORRECTED,
    ACT_DIRECTION,
    ACT_NON_METRIC,
    ACT_BASE_CONDITIONS,
    ACT_LIMIT_VALUE,
    ACT_LIMIT_COUNT,
    ACT_LIMIT_TIME,
    ACT_LIMIT_DURATION,
    ACT_DURATION,
    ACT_VALUE_DURING,
    ACT_LEAKAGE,
    ACT_OVERFLOW,
    ACT_SCALE,
    ACT_ADD,
    ACT_EXTENSION,
    ACT_FUTURE,
    ACT_MANUFACTURER,
    ACT_PHASE,
    ACT_QUADRANT,
    ACT_OBIS,
    ACT_TYPE_C,
    ACT_TYPE_D,
};

struct vife_row {
    const char *text;
    uint8_t action;
    int8_t arg;
};

#define VIFE(code, what, argument, words) [code] = {(words), ACT_##what, (argument)}
#define VIFE4(code, what, argument, words)                                                     \
    VIFE(code, what, argument, words), VIFE((code) + 1, what, (argument) + 1, words),          \
        VIFE((code) + 2, what, (argument) + 2, words),                                         \
        VIFE((code) + 3, what, (argument) + 3, words)

/* clang-format off */
static const struct vife_row vife_rows[128] = {
    VIFE (0x00, NONE,            0, "no error"),
    VIFE (0x01, ERROR,           0, "too many DIFEs"),
    VIFE (0x02, ERROR,           0, "storage number not implemented"),
    VIFE (0x03, ERROR,           0, "unit number not implemented"),
    VIFE (0x04, ERROR,           0, "tariff number not implemented"),
    VIFE (0x05, ERROR,           0, "function not implemented"),
    VIFE (0x06, ERROR,           0, "data class not implemented"),
    VIFE (0x07, ERROR,           0, "data size not implemented"),
    VIFE (0x0B, ERROR,           0, "too many VIFEs"),
    VIFE (0x0C, ERROR,           0, "illegal VIF group"),
    VIFE (0x0D, ERROR,           0, "illegal VIF exponent"),
    VIFE (0x0E, ERROR,           0, "VIF and DIF do not match"),
    VIFE (0x0F, ERROR,           0, "unimplemented action"),
    VIFE (0x12, AVERAGE,         0, "average value"),
    VIFE (0x13, PROFILE,         0, "inverse compact profile"),
    VIFE (0x14, DEVIATION,       0, "relative deviation"),
    VIFE (0x15, ERROR,           0, "no data available"),
    VIFE (0x16, ERROR,           0, "data overflow"),
    VIFE (0x17, ERROR,           0, "data underflow"),
    VIFE (0x18, ERROR,           0, "data error"),
    VIFE (0x1C, ERROR,           0, "premature end of record"),
    VIFE (0x1D, OMS,             0, "standard conform data content"),
    VIFE (0x1E, PROFILE,         0, "compact profile with register numbers"),
    VIFE (0x1F, PROFILE,         0, "compact profile"),
    VIFE (0x20, PER,             0, "per second"),
    VIFE (0x21, PER,             0, "per minute"),
    VIFE (0x22, PER,             0, "per hour"),
    VIFE (0x23, PER,             0, "per day"),
    VIFE (0x24, PER,             0, "per week"),
    VIFE (0x25, PER,             0, "per month"),
    VIFE (0x26, PER,             0, "per year"),
    VIFE (0x27, PER,             0, "per revolution or measurement"),
    VIFE (0x28, PER,             0, "increment per pulse of input 0"),
    VIFE (0x29, PER,             0, "increment per pulse of input 1"),
    VIFE (0x2A, PER,             0, "increment per pulse of output 0"),
    VIFE (0x2B, PER,             0, "increment per pulse of output 1"),
    VIFE (0x2C, PER,             0, "per litre"),
    VIFE (0x2D, PER,             0, "per m3"),
    VIFE (0x2E, PER,             0, "per kg"),
    VIFE (0x2F, PER,             0, "per K"),
    VIFE (0x30, PER,             0, "per kWh"),
    VIFE (0x31, PER,             0, "per GJ"),
    VIFE (0x32, PER,             0, "per kW"),
    VIFE (0x33, PER,             0, "per K*l"),
    VIFE (0x34, PER,             0, "per V"),
    VIFE (0x35, PER,             0, "per A"),
    VIFE (0x36, MULTIPLIED,      0, "multiplied by s"),
    VIFE (0x37, MULTIPLIED,      0, "multiplied by s/V"),
    VIFE (0x38, MULTIPLIED,      0, "multiplied by s/A"),
    VIFE (0x39, TIME_OF,         0, "start date of"),
    VIFE (0x3A, UNCORRECTED,     0, "uncorrected"),
    VIFE (0x3B, DIRECTION,       1, "forward contributions only"),
    VIFE (0x3C, DIRECTION,       2, "backward contributions only, absolute"),
    VIFE (0x3D, NON_METRIC,      0, "non-metric units"),
    VIFE (0x3E, BASE_CONDITIONS, 0, "at base conditions"),
    VIFE (0x3F, OBIS,            0, "OBIS declaration"),
    VIFE (0x40, LIMIT_VALUE,     0, "lower limit value"),
    VIFE (0x48, LIMIT_VALUE,     0, "upper limit value"),
    VIFE (0x41, LIMIT_COUNT,     0, "times below the lower limit"),
    VIFE (0x49, LIMIT_COUNT,     0, "times above the upper limit"),
    VIFE (0x42, LIMIT_TIME,      0, "begin of first time below the lower limit"),
    VIFE (0x43, LIMIT_TIME,      0, "end of first time below the lower limit"),
    VIFE (0x46, LIMIT_TIME,      0, "begin of last time below the lower limit"),
    VIFE (0x47, LIMIT_TIME,      0, "end of last time below the lower limit"),
    VIFE (0x4A, LIMIT_TIME,      0, "begin of first time above the upper limit"),
    VIFE (0x4B, LIMIT_TIME,      0, "end of first time above the upper limit"),
    VIFE (0x4E, LIMIT_TIME,      0, "begin of last time above the upper limit"),
    VIFE (0x4F, LIMIT_TIME,      0, "end of last time above the upper limit"),
    VIFE4(0x50, LIMIT_DURATION,  0, "duration of first time below the lower limit"),
    VIFE4(0x54, LIMIT_DURATION,  0, "duration of last time below the lower limit"),
    VIFE4(0x58, LIMIT_DURATION,  0, "duration of first time above the upper limit"),
    VIFE4(0x5C, LIMIT_DURATION,  0, "duration of last time above the upper limit"),
    VIFE4(0x60, DURATION,        0, "first duration of"),
    VIFE4(0x64, DURATION,        0, "last duration of"),
    VIFE (0x68, VALUE_DURING,    0, "value while below the lower limit"),
    VIFE (0x6C, VALUE_DURING,    0, "value while above the upper limit"),
    VIFE (0x69, LEAKAGE,         0, "leakage value"),
    VIFE (0x6D, OVERFLOW,        0, "overflow value"),
    VIFE (0x6A, TIME_OF,         0, "begin of first"),
    VIFE (0x6B, TIME_OF,         0, "end of first"),
    VIFE (0x6E, TIME_OF,         0, "begin of last"),
    VIFE (0x6F, TIME_OF,         0, "end of last"),
    VIFE4(0x70, SCALE,          -6, "multiplied by"),
    VIFE4(0x74, SCALE,          -2, "multiplied by"),
    VIFE4(0x78, ADD,            -3, "plus"),
    VIFE (0x7C, EXTENSION,       0, "extension of the VIFE table"),
    VIFE (0x7D, SCALE,           3, "multiplied by"),
    VIFE (0x7E, FUTURE,          0, "future value"),
    VIFE (0x7F, MANUFACTURER,    0, "manufacturer specific from here"),
};

static const struct vife_row extension_rows[128] = {
    VIFE (0x01, PHASE,           1, "at phase L1"),
    VIFE (0x02, PHASE,           2, "at phase L2"),
    VIFE (0x03, PHASE,           3, "at phase L3"),
    VIFE (0x04, PHASE,           4, "at neutral"),
    VIFE (0x05, PHASE,           5, "between phases L1 and L2"),
    VIFE (0x06, PHASE,           6, "between phases L2 and L3"),
    VIFE (0x07, PHASE,           7, "between phases L3 and L1"),
    VIFE (0x08, QUADRANT,        1, "quadrant Q1"),
    VIFE (0x09, QUADRANT,        2, "quadrant Q2"),
    VIFE (0x0A, QUADRANT,        3, "quadrant Q3"),
    VIFE (0x0B, QUADRANT,        4, "quadrant Q4"),
    VIFE (0x0C, DIRECTION,       4, "delta of import and export"),
    VIFE (0x10, DIRECTION,       3, "forward and backward contributions, both absolute"),
    VIFE (0x11, TYPE_C,          0, "data type C"),
    VIFE (0x12, TYPE_D,          0, "data type D"),
    VIFE (0x14, NONE,            0, "from the partner to the meter"),
    VIFE (0x15, NONE,            0, "from the meter to the partner"),
};
/* clang-format on */

static const uint8_t time_units[4] = {HYP_UNIT_S, HYP_UNIT_MIN, HYP_UNIT_H, HYP_UNIT_D};

static const struct vife_row *find_row(uint8_t code, bool in_extension)
{
    return in_extension ? &extension_rows[code & 0x7F] : &vife_rows[code & 0x7F];
}

static const char *words_of(const struct vife_row *row)
{
    return row->text == NULL ? "reserved" : row->text;
}

void hyp_mbus_vife_format(struct hyp_buf *out, uint8_t code, bool in_extension)
{
    const struct vife_row *row = find_row(code, in_extension);
    hyp_buf_append_text(out, words_of(row));
    switch ((enum action)row->action) {
    case ACT_SCALE:
    case ACT_ADD: hyp_buf_append_fmt(out, " 10^%d", row->arg); break;
    case ACT_LIMIT_DURATION:
    case ACT_DURATION:
        hyp_buf_append_fmt(out, ", in %s",
                           hyp_unit_symbol((enum hyp_unit)time_units[code & 0x03]));
        break;
    default: break;
    }
}

const char *hyp_mbus_record_error_text(uint8_t code)
{
    return code < 0x20 ? words_of(&vife_rows[code]) : "reserved";
}

static void become(struct hyp_mbus_record *record, struct hyp_mbus_scale *scale,
                   enum hyp_mbus_what what, enum hyp_quantity quantity, enum hyp_unit unit,
                   enum hyp_mbus_coding coding)
{
    record->qualifier.what = (uint8_t)what;
    record->quantity = quantity;
    record->unit = unit;
    *scale = (struct hyp_mbus_scale){.coding = (uint8_t)coding};
}

/* Bit 3 upper limit, bit 2 last, bit 0 end, the way all event VIFEs are laid out. */
static void set_event_bits(struct hyp_mbus_qualifier *q, uint8_t code, bool with_limit)
{
    if (with_limit) {
        q->limit = (code & 0x08) != 0 ? 2 : 1;
    }
    q->last = (code & 0x04) != 0;
}

static void apply_per(struct hyp_mbus_record *record, uint8_t code)
{
    record->qualifier.per = code;
    /* Maximum power "per month" (a real heat meter) is still a power. */
    bool extreme_per_time = code <= 0x26 && (record->function == HYP_FUNCTION_MAXIMUM ||
                                             record->function == HYP_FUNCTION_MINIMUM);
    if (!extreme_per_time) {
        record->quantity = HYP_QUANTITY_UNKNOWN;
    }
}

/* VIFEs that make the value another kind of thing. */
static void apply_event(struct hyp_mbus_record *record, struct hyp_mbus_scale *scale,
                        enum action action, uint8_t code)
{
    struct hyp_mbus_qualifier *q = &record->qualifier;
    switch (action) {
    case ACT_TIME_OF:
        become(record, scale, HYP_MBUS_TIME_OF, HYP_QUANTITY_TIME, HYP_UNIT_NONE,
               HYP_MBUS_CODING_TIME);
        if (code != 0x39) {
            set_event_bits(q, code, false);
            q->end = (code & 0x01) != 0;
        }
        break;
    case ACT_LIMIT_TIME:
        become(record, scale, HYP_MBUS_TIME_OF_LIMIT, HYP_QUANTITY_TIME, HYP_UNIT_NONE,
               HYP_MBUS_CODING_TIME);
        set_event_bits(q, code, true);
        q->end = (code & 0x01) != 0;
        break;
    case ACT_LIMIT_COUNT:
        become(record, scale, HYP_MBUS_COUNT_OF_LIMIT, HYP_QUANTITY_COUNT, HYP_UNIT_COUNT,
               HYP_MBUS_CODING_UNSIGNED);
        q->limit = (code & 0x08) != 0 ? 2 : 1;
        break;
    case ACT_LIMIT_DURATION:
    case ACT_DURATION:
        become(record, scale,
               action == ACT_DURATION ? HYP_MBUS_DURATION_OF : HYP_MBUS_DURATION_OF_LIMIT,
               HYP_QUANTITY_DURATION, (enum hyp_unit)time_units[code & 0x03],
               HYP_MBUS_CODING_UNSIGNED);
        set_event_bits(q, code, action == ACT_LIMIT_DURATION);
        break;
    default: break;
    }
}

static void apply_limit(struct hyp_mbus_qualifier *q, enum hyp_mbus_what what, bool upper)
{
    q->what = (uint8_t)what;
    q->limit = upper ? 2 : 1;
}

/* VIFEs that only say how the data is to be read. The data behind an OBIS declaration is the
 * code by which the record is known elsewhere, not a value of what the VIF names. */
static void apply_type(struct hyp_mbus_record *record, struct hyp_mbus_scale *scale,
                       enum action action)
{
    if (action == ACT_OBIS) {
        become(record, scale, HYP_MBUS_OBIS, HYP_QUANTITY_IDENTIFIER, HYP_UNIT_NONE,
               HYP_MBUS_CODING_IDENTIFIER);
    } else if (action == ACT_TYPE_D) {
        become(record, scale, HYP_MBUS_VALUE, HYP_QUANTITY_FLAGS, HYP_UNIT_NONE,
               HYP_MBUS_CODING_FLAGS);
    } else if (scale->coding == HYP_MBUS_CODING_SIGNED) {
        scale->coding = HYP_MBUS_CODING_UNSIGNED;
    }
}

static void apply(struct hyp_mbus_record *record, struct hyp_mbus_scale *scale,
                  const struct vife_row *row, uint8_t code)
{
    struct hyp_mbus_qualifier *q = &record->qualifier;
    switch ((enum action)row->action) {
    case ACT_NONE: break;
    case ACT_RESERVED:
        if (code != 0 && code < 0x20) {
            record->record_error = code;
        }
        break;
    case ACT_ERROR: record->record_error = code; break;
    case ACT_AVERAGE: q->average = true; break;
    case ACT_PROFILE: q->what = HYP_MBUS_PROFILE; break;
    case ACT_DEVIATION: record->quantity = HYP_QUANTITY_UNKNOWN; break;
    case ACT_OMS: q->oms_standard = true; break;
    case ACT_PER: apply_per(record, code); break;
    case ACT_MULTIPLIED:
        q->multiplied = code;
        record->quantity = HYP_QUANTITY_UNKNOWN;
        break;
    case ACT_UNCORRECTED: q->uncorrected = true; break;
    case ACT_DIRECTION: q->direction = (uint8_t)row->arg; break;
    case ACT_NON_METRIC:
        q->non_metric = true;
        record->quantity = HYP_QUANTITY_UNKNOWN;
        record->unit = HYP_UNIT_NONE;
        break;
    case ACT_BASE_CONDITIONS: q->base_conditions = true; break;
    case ACT_LIMIT_VALUE: apply_limit(q, HYP_MBUS_LIMIT_VALUE, code == 0x48); break;
    case ACT_VALUE_DURING: apply_limit(q, HYP_MBUS_VALUE_DURING, code == 0x6C); break;
    case ACT_LEAKAGE: q->what = HYP_MBUS_LEAKAGE; break;
    case ACT_OVERFLOW: q->what = HYP_MBUS_OVERFLOW_VALUE; break;
    case ACT_TIME_OF:
    case ACT_LIMIT_TIME:
    case ACT_LIMIT_COUNT:
    case ACT_LIMIT_DURATION:
    case ACT_DURATION: apply_event(record, scale, (enum action)row->action, code); break;
    case ACT_SCALE: scale->exp10 = (int16_t)(scale->exp10 + row->arg); break;
    case ACT_ADD:
        scale->add = true;
        scale->add_exp10 = row->arg;
        break;
    case ACT_EXTENSION: break; /* the next byte is looked up in the other table */
    case ACT_FUTURE: q->future = true; break;
    case ACT_MANUFACTURER: q->manufacturer = true; break;
    case ACT_PHASE: q->phase = (uint8_t)row->arg; break;
    case ACT_QUADRANT: q->quadrant = (uint8_t)row->arg; break;
    case ACT_OBIS:
    case ACT_TYPE_C:
    case ACT_TYPE_D: apply_type(record, scale, (enum action)row->action); break;
    }
}

static enum hyp_status too_short(const struct hyp_bytes *bytes, struct hyp_error *err)
{
    return hyp_error_set(err, HYP_MALFORMED, (int64_t)bytes->pos,
                         "the data ends within the VIF bytes of a record");
}

static enum hyp_status parse_vifes(struct hyp_bytes *bytes, struct hyp_mbus_record *record,
                                   struct hyp_mbus_scale *scale, struct hyp_error *err)
{
    const struct vife_row *rows = vife_rows;
    bool makers = record->table == HYP_VIF_MANUFACTURER;
    uint8_t byte;
    do {
        if (record->vife_count == HYP_MBUS_VIFE_MAX) {
            return hyp_error_set(err, HYP_MALFORMED, (int64_t)bytes->pos,
                                 "more than 10 VIFE bytes in one record");
        }
        byte = hyp_mbus_take(bytes);
        uint8_t code = byte & 0x7F;
        record->vife[record->vife_count++] = code;
        if (!makers) {
            apply(record, scale, &rows[code], code);
            makers = record->qualifier.manufacturer;
            bool extend = rows == vife_rows && code == HYP_MBUS_VIFE_EXTENSION;
            rows = extend ? extension_rows : vife_rows;
        }
    } while ((byte & 0x80) != 0);
    return bytes->failed ? too_short(bytes, err) : HYP_OK;
}

/* LEN and LEN characters, last character first. */
static void take_text(struct hyp_bytes *bytes, struct hyp_mbus_record *record)
{
    uint8_t len = hyp_mbus_take(bytes);
    const uint8_t *text = hyp_bytes_take(bytes, len);
    if (text == NULL) {
        return;
    }
    hyp_mbus_latin1_reversed(text, len, record->vif_text);
    enum hyp_quantity quantity;
    enum hyp_unit unit;
    if (hyp_mbus_vif_text_unit(record->vif_text, &quantity, &unit)) {
        record->quantity = quantity;
        record->unit = unit;
    }
}

static enum hyp_status parse_text_vif(struct hyp_bytes *bytes, struct hyp_mbus_record *record,
                                      struct hyp_mbus_scale *scale, bool extended,
                                      struct hyp_error *err)
{
    bool vifes_first = extended && hyp_bytes_peek(bytes) > TEXT_LEN_MAX;
    enum hyp_status status = HYP_OK;
    if (vifes_first) {
        status = parse_vifes(bytes, record, scale, err);
        if (status != HYP_OK) {
            return status;
        }
    }
    take_text(bytes, record);
    if (bytes->failed) {
        return too_short(bytes, err);
    }
    record->subject = record->quantity;
    if (extended && !vifes_first) {
        status = parse_vifes(bytes, record, scale, err);
    }
    return status;
}

/* VIFs from 6F on, which are no quantities of the primary table: extensions, text, any,
 * makers'. Returns the byte whose bit 7 says whether VIFEs follow. */
static uint8_t parse_special(struct hyp_bytes *bytes, struct hyp_mbus_record *record,
                             uint8_t vif)
{
    switch (vif) {
    case 0xFB: record->table = HYP_VIF_FB; return hyp_mbus_take(bytes);
    case 0xEF: record->table = HYP_VIF_EF; return hyp_mbus_take(bytes);
    case 0xFD: {
        uint8_t byte = hyp_mbus_take(bytes);
        bool second = byte == 0xFD;
        record->table = second ? HYP_VIF_FD_SECOND : HYP_VIF_FD;
        return second ? hyp_mbus_take(bytes) : byte;
    }
    case 0x7C:
    case 0xFC: record->table = HYP_VIF_TEXT; break;
    case 0x7E:
    case 0xFE: record->table = HYP_VIF_ANY; break;
    case 0x7F:
    case 0xFF: record->table = HYP_VIF_MANUFACTURER; break;
    default: break;
    }
    return vif;
}

enum hyp_status hyp_mbus_vib_parse(struct hyp_bytes *bytes, struct hyp_mbus_record *record,
                                   struct hyp_mbus_scale *ret_scale, struct hyp_error *err)
{
    uint8_t vif = hyp_mbus_take(bytes);
    record->table = HYP_VIF_PRIMARY;
    record->vif_text[0] = '\0';
    if ((vif & 0x7F) >= 0x6F) {
        vif = parse_special(bytes, record, vif);
    }
    if (bytes->failed) {
        return too_short(bytes, err);
    }
    record->code = vif & 0x7F;
    const struct hyp_mbus_vif *row = hyp_mbus_vif_row(record->table, record->code);
    record->quantity = (enum hyp_quantity)row->quantity;
    record->subject = (enum hyp_quantity)row->quantity;
    record->unit = (enum hyp_unit)row->unit;
    *ret_scale = (struct hyp_mbus_scale){
        .exp10 = row->exp10, .coding = row->coding, .factor = row->factor};
    if ((vif & 0x80) == 0 && record->table != HYP_VIF_TEXT) {
        return HYP_OK;
    }
    return record->table == HYP_VIF_TEXT
               ? parse_text_vif(bytes, record, ret_scale, (vif & 0x80) != 0, err)
               : parse_vifes(bytes, record, ret_scale, err);
}
