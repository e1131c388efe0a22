/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/mbus/notes.h"

#include "protocol/mbus/dib.h"
#include "protocol/mbus/profile.h"
#include "protocol/mbus/vife.h"

#define CLAUSE_DIB "EN 13757-3 6.3"
#define CLAUSE_DATA "EN 13757-3 6.3.3"
#define CLAUSE_VIF "EN 13757-3 6.4.2"
#define CLAUSE_SPECIAL "EN 13757-3 6.4.3"
#define CLAUSE_FD "EN 13757-3 6.4.4"
#define CLAUSE_FB "EN 13757-3 6.4.5"
#define CLAUSE_VIFE "EN 13757-3 6.4.6"
#define CLAUSE_ERROR "EN 13757-3 6.4.8"
#define CLAUSE_TEXT "EN 13757-3 C.2"
#define CLAUSE_TYPES "EN 13757-3 A"
#define CLAUSE_PROFILE "EN 13757-3 Annex F"

static void note_dib(struct hyp_explain *explain, const uint8_t *message,
                     const struct hyp_mbus_record *record)
{
    size_t at = record->offset;
    hyp_explain_add(explain, HYP_NOTE_DIB, at, 1, "DIF", CLAUSE_DIB, "%s, %s%s%s",
                    hyp_function_text(record->function), hyp_mbus_data_text(record->dif),
                    (record->dif & 0x40) != 0 ? ", storage bit 0 set" : "",
                    (record->dif & 0x80) != 0 ? ", DIFE follows" : "");
    for (unsigned k = 0; k + 1 < record->dib_len; k++) {
        uint8_t byte = message[at + 1 + k];
        hyp_explain_add(explain, HYP_NOTE_DIB, at + 1 + k, 1, "DIFE", CLAUSE_DIB,
                        "storage +%llu, tariff +%lu, subunit +%u",
                        (unsigned long long)(byte & 0x0F) << (1 + 4 * k),
                        (unsigned long)(byte >> 4 & 3) << (2 * k),
                        (unsigned)(byte >> 6 & 1) << k);
    }
}

static const char *table_clause(enum hyp_vif_table table)
{
    switch (table) {
    case HYP_VIF_FB: return CLAUSE_FB;
    case HYP_VIF_FD:
    case HYP_VIF_FD_SECOND: return CLAUSE_FD;
    case HYP_VIF_TEXT: return CLAUSE_TEXT;
    case HYP_VIF_EF:
    case HYP_VIF_MANUFACTURER:
    case HYP_VIF_ANY: return CLAUSE_SPECIAL;
    case HYP_VIF_PRIMARY: break;
    }
    return CLAUSE_VIF;
}

/* Bytes before the VIFEs: the VIF itself, with the extension bytes in front of it. */
static size_t vif_bytes(enum hyp_vif_table table)
{
    switch (table) {
    case HYP_VIF_FB:
    case HYP_VIF_FD:
    case HYP_VIF_EF: return 2;
    case HYP_VIF_FD_SECOND: return 3;
    case HYP_VIF_PRIMARY:
    case HYP_VIF_TEXT:
    case HYP_VIF_MANUFACTURER:
    case HYP_VIF_ANY: break;
    }
    return 1;
}

static void note_vife(struct hyp_explain *explain, size_t at, uint8_t code, bool in_extension)
{
    char text[HYP_NOTE_TEXT_MAX];
    struct hyp_buf words;
    bool is_error = !in_extension && hyp_mbus_vife_is_error(code);
    hyp_buf_init_fixed(&words, text, sizeof(text));
    hyp_mbus_vife_format(&words, code, in_extension);
    hyp_explain_add(explain, HYP_NOTE_VIB, at, 1, "VIFE", is_error ? CLAUSE_ERROR : CLAUSE_VIFE,
                    "%s", hyp_buf_terminate(&words));
}

static void note_vifes(struct hyp_explain *explain, const struct hyp_mbus_record *record,
                       size_t at)
{
    bool makers = record->table == HYP_VIF_MANUFACTURER;
    bool in_extension = false;
    for (size_t i = 0; i < record->vife_count; i++) {
        uint8_t code = record->vife[i];
        if (makers) {
            hyp_explain_add(explain, HYP_NOTE_VIB, at + i, 1, "VIFE", CLAUSE_VIFE,
                            "manufacturer specific %02X", code);
            continue;
        }
        note_vife(explain, at + i, code, in_extension);
        makers = !in_extension && code == HYP_MBUS_VIFE_MANUFACTURER;
        in_extension = !in_extension && code == HYP_MBUS_VIFE_EXTENSION;
    }
}

/* What a VIF names, and what one of its units is: "volume, 10^-3 m3". */
static void format_vif(struct hyp_buf *out, const struct hyp_mbus_record *record)
{
    const struct hyp_mbus_vif *row = hyp_mbus_vif_row(record->table, record->code);
    const char *unit = hyp_unit_symbol((enum hyp_unit)row->unit);
    hyp_buf_append_text(out, hyp_mbus_vif_text(record->table, record->code));
    if (row->factor == HYP_MBUS_FACTOR_2_POW_MINUS_12) {
        hyp_buf_append_text(out, ", 2^-12");
    } else if (row->factor != HYP_MBUS_FACTOR_NONE) {
        struct hyp_decimal one = hyp_mbus_factor_value((enum hyp_mbus_factor)row->factor);
        one.exp10 = (int8_t)(one.exp10 + row->exp10);
        hyp_buf_append_text(out, ", ");
        hyp_decimal_format(out, one);
        hyp_buf_append_fmt(out, " %s", unit);
    } else if (row->exp10 != 0) {
        hyp_buf_append_fmt(out, ", 10^%d%s%s", row->exp10, unit[0] == '\0' ? "" : " ", unit);
    } else if (unit[0] != '\0') {
        hyp_buf_append_fmt(out, ", in %s", unit);
    }
}

static void note_vib(struct hyp_explain *explain, const uint8_t *message,
                     const struct hyp_mbus_record *record)
{
    size_t at = (size_t)record->offset + record->dib_len;
    size_t end = at + record->vib_len;
    size_t head = vif_bytes(record->table);
    char text[HYP_NOTE_TEXT_MAX];
    struct hyp_buf words;
    hyp_buf_init_fixed(&words, text, sizeof(text));
    format_vif(&words, record);
    hyp_explain_add(explain, HYP_NOTE_VIB, at, head, "VIF", table_clause(record->table), "%s",
                    hyp_buf_terminate(&words));
    at += head;
    size_t text_len = record->vib_len - head - record->vife_count;
    if (record->table == HYP_VIF_TEXT) {
        /* The length byte tells which of the two orders this meter uses. */
        bool text_first = record->vife_count == 0 || message[at] == text_len - 1;
        size_t text_at = text_first ? at : end - text_len;
        hyp_explain_add(explain, HYP_NOTE_VIB, text_at, text_len, "unit text", CLAUSE_TEXT,
                        "\"%s\"", record->vif_text);
        at += text_first ? text_len : 0;
    }
    note_vifes(explain, record, at);
}

/* The decoded value in words; "no value (reason)" when absent. */
static void format_value(struct hyp_buf *out, const struct hyp_mbus_record *record)
{
    if (!hyp_quality_is_usable(record->quality)) {
        hyp_buf_append_text(out, "absent: ");
        hyp_buf_append_text(out, hyp_quality_text(record->quality));
        return;
    }
    switch (record->kind) {
    case HYP_VALUE_UNSET: hyp_buf_append_text(out, "bytes"); break;
    case HYP_VALUE_DECIMAL:
        hyp_decimal_format(out, record->decimal);
        hyp_buf_append_char(out, ' ');
        hyp_buf_append_text(out, hyp_unit_symbol(record->unit));
        break;
    case HYP_VALUE_CIVIL:
        hyp_civil_format(out, &record->civil);
        if (record->civil.summer_time) {
            hyp_buf_append_text(out, " summer time");
        }
        break;
    case HYP_VALUE_FLAGS:
        hyp_buf_append_fmt(out, "flags %0*llX", 2 * HYP_MIN((int)record->data_len, 8),
                           (unsigned long long)record->flags);
        break;
    case HYP_VALUE_TEXT:
        hyp_buf_append_char(out, '"');
        hyp_buf_append_text(out, record->text);
        hyp_buf_append_char(out, '"');
        break;
    }
    if (record->quality != HYP_QUALITY_GOOD) {
        hyp_buf_append_text(out, " (");
        hyp_buf_append_text(out, hyp_quality_text(record->quality));
        hyp_buf_append_char(out, ')');
    }
}

/* Whether integers are of type C: by their VIF, or because a VIFE makes them a count, a
 * duration or a code, or says so (FC 11). */
static bool is_unsigned(const struct hyp_mbus_record *record)
{
    const struct hyp_mbus_vif *row = hyp_mbus_vif_row(record->table, record->code);
    for (size_t i = 1; i < record->vife_count; i++) {
        if (record->vife[i - 1] == HYP_MBUS_VIFE_EXTENSION &&
            record->vife[i] == HYP_MBUS_VIFE_TYPE_C) {
            return true;
        }
    }
    return row->coding != HYP_MBUS_CODING_SIGNED ||
           record->qualifier.what == HYP_MBUS_COUNT_OF_LIMIT ||
           record->qualifier.what == HYP_MBUS_DURATION_OF_LIMIT ||
           record->qualifier.what == HYP_MBUS_DURATION_OF ||
           record->qualifier.what == HYP_MBUS_OBIS;
}

static const char *date_clause(size_t len)
{
    switch (len) {
    case 2: return CLAUSE_TYPES ", type G";
    case 3: return CLAUSE_TYPES ", type J";
    case 4: return CLAUSE_TYPES ", type F";
    case 6: return CLAUSE_TYPES ", type I";
    default: return CLAUSE_TYPES;
    }
}

/* Type K has a fixed length, types L and M do not. */
static const char *bytes_clause(const struct hyp_mbus_record *record)
{
    if (record->table == HYP_VIF_FD && record->code == 0x72) {
        return CLAUSE_TYPES ", type K";
    }
    if (record->table == HYP_VIF_FD && record->code == 0x73) {
        return CLAUSE_TYPES ", type L";
    }
    return record->quantity == HYP_QUANTITY_TIME ? CLAUSE_TYPES ", type M" : CLAUSE_DATA;
}

/* Which data type of the standard the bytes are read as. */
static const char *type_clause(const struct hyp_mbus_record *record)
{
    uint8_t field = record->dif & 0x0F;
    bool bcd = hyp_mbus_data_is_bcd(field) || (record->lvar >= 0xC0 && record->lvar < 0xE0);
    if (record->table == HYP_VIF_MANUFACTURER || record->qualifier.manufacturer) {
        return CLAUSE_SPECIAL; /* the maker's */
    }
    switch (record->kind) {
    case HYP_VALUE_UNSET: return bytes_clause(record);
    case HYP_VALUE_CIVIL: return date_clause(record->data_len);
    case HYP_VALUE_FLAGS: return CLAUSE_TYPES ", type D";
    case HYP_VALUE_DECIMAL:
    case HYP_VALUE_TEXT: break;
    }
    if (field == HYP_MBUS_DATA_FLOAT32) {
        return CLAUSE_TYPES ", type H";
    }
    if (bcd) {
        return CLAUSE_TYPES ", type A";
    }
    if (field == HYP_MBUS_DATA_LVAR && record->lvar < 0xC0) {
        return CLAUSE_DATA; /* characters */
    }
    return is_unsigned(record) ? CLAUSE_TYPES ", type C" : CLAUSE_TYPES ", type B";
}

static void note_value(struct hyp_explain *explain, size_t at,
                       const struct hyp_mbus_record *record, const char *field,
                       const char *clause)
{
    char text[HYP_NOTE_TEXT_MAX];
    struct hyp_buf buf;
    if (record->data_len == 0) {
        return;
    }
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    format_value(&buf, record);
    if (record->record_error != 0) {
        hyp_buf_append_text(&buf, "; the meter reports: ");
        hyp_buf_append_text(&buf, hyp_mbus_record_error_text(record->record_error));
    }
    hyp_explain_add(explain, HYP_NOTE_DATA, at, record->data_len, field, clause, "%s",
                    hyp_buf_terminate(&buf));
}

static void note_lvar(struct hyp_explain *explain, size_t at,
                      const struct hyp_mbus_record *record)
{
    static const char *const kinds[] = {"characters or bytes", "bytes of positive BCD",
                                        "bytes of negative BCD", "bytes of binary"};
    size_t kind = record->lvar <= 0xBF  ? 0
                  : record->lvar < 0xD0 ? 1
                  : record->lvar < 0xE0 ? 2
                                        : 3;
    hyp_explain_add(explain, HYP_NOTE_DATA, at, 1, "LVAR", CLAUSE_DATA, "%u %s",
                    record->data_len, kinds[kind]);
}

static void note_container(struct hyp_explain *explain, size_t at,
                           const struct hyp_mbus_record *record)
{
    static const char *const units[4] = {"s", "min", "h", "d"};
    size_t size = hyp_mbus_profile_element_size(record);
    if (size == 0) {
        note_value(explain, at, record, "profile", CLAUSE_PROFILE);
        return;
    }
    uint8_t control = record->data[0];
    hyp_explain_add(explain, HYP_NOTE_DATA, at, 1, "profile control", CLAUSE_PROFILE,
                    "%s, spacing unit %s, elements: %s", hyp_mbus_profile_mode_text(control),
                    units[control >> 4 & 3], hyp_mbus_data_text(control));
    hyp_explain_add(explain, HYP_NOTE_DATA, at + 1, 1, "profile spacing", CLAUSE_PROFILE,
                    "%s%u",
                    record->data[1] == 0xFE   ? "month, quarter or half year: code "
                    : record->data[1] == 0xFD ? "half month: code "
                                              : "",
                    record->data[1]);
    size_t rest = (record->data_len - 2u) % size;
    if (rest != 0) {
        hyp_explain_add(explain, HYP_NOTE_OTHER, at + record->data_len - rest, rest,
                        "profile rest", CLAUSE_PROFILE, "no whole element");
    }
}

void hyp_mbus_notes_record(struct hyp_explain *explain, const uint8_t *message,
                           const struct hyp_mbus_record *record)
{
    note_dib(explain, message, record);
    note_vib(explain, message, record);
    size_t at = (size_t)record->offset + record->dib_len + record->vib_len;
    if ((record->dif & 0x0F) == HYP_MBUS_DATA_LVAR) {
        note_lvar(explain, at, record);
        at++;
    }
    if (record->qualifier.what == HYP_MBUS_PROFILE) {
        note_container(explain, at, record);
    } else {
        note_value(explain, at, record, "value", type_clause(record));
    }
}

void hyp_mbus_notes_element(struct hyp_explain *explain, const uint8_t *message,
                            const struct hyp_mbus_record *record)
{
    note_value(explain, (size_t)(record->data - message), record, "profile element",
               CLAUSE_PROFILE);
}

void hyp_mbus_notes_rest(struct hyp_explain *explain, const struct hyp_mbus_record *record)
{
    const char *meaning = record->dif == 0x0F   ? "rest is manufacturer specific"
                          : record->dif == 0x1F ? "rest is manufacturer specific, "
                                                  "more telegrams follow"
                                                : "readout request, rest not interpreted";
    hyp_explain_add(explain, HYP_NOTE_DIB, record->offset, 1, "DIF", CLAUSE_DIB, "%s", meaning);
    if (record->data_len > 0) {
        hyp_explain_add(explain, HYP_NOTE_OTHER, record->offset + 1u, record->data_len,
                        "manufacturer data", CLAUSE_DIB, "%u bytes", record->data_len);
    }
}

void hyp_mbus_notes_filler(struct hyp_explain *explain, size_t offset, size_t len)
{
    hyp_explain_add(explain, HYP_NOTE_OTHER, offset, len, "filler", CLAUSE_DIB, "idle");
}

void hyp_mbus_notes_refused(struct hyp_explain *explain, size_t record_start, size_t refused_at,
                            size_t len, const char *reason)
{
    if (refused_at > record_start) {
        hyp_explain_add(explain, HYP_NOTE_OTHER, record_start, refused_at - record_start,
                        "unfinished record", CLAUSE_DIB, "could not be read to its end");
    }
    hyp_explain_add(explain, HYP_NOTE_ERROR, refused_at, len - refused_at, "refused",
                    CLAUSE_DIB, "%s", reason);
}
