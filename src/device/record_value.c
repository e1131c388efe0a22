/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one record to its value: a profile's rule gives the name, else generic naming does; the
 * unit is brought to its family's canonical one, which moves the decimal point and keeps every
 * digit. Makers pack small numbers beside flags into one record; a rule with "bits" makes a
 * value of its own of such a part.
 */
#include "device/record_value.h"

#include "base/limits.h"
#include "device/generic.h"
#include "protocol/mbus/vif.h"

#include <string.h>

/* --- rules --- */

static bool span_has(const struct hyp_span *span, uint64_t number)
{
    return number >= (uint64_t)span->first && number <= (uint64_t)span->last;
}

static bool vib_fits(const struct hyp_field *field, const struct hyp_draft *draft)
{
    const struct hyp_mbus_record *record = draft->record;
    if (record->vib_len != field->vib.len) {
        return false;
    }
    size_t at = (size_t)record->offset + record->dib_len;
    return at + field->vib.len <= draft->telegram->data_len &&
           memcmp(draft->telegram->data + at, field->vib.data, field->vib.len) == 0;
}

static bool field_fits(const struct hyp_field *field, const struct hyp_draft *draft)
{
    const struct hyp_mbus_record *record = draft->record;
    if (field->vib.len > 0 && !vib_fits(field, draft)) {
        return false;
    }
    if (field->generic != HYP_ANY && field->generic != (int)draft->value->key.name) {
        return false;
    }
    return (field->function == HYP_ANY || field->function == (int)record->function) &&
           span_has(&field->storage, record->storage) &&
           span_has(&field->tariff, record->tariff) &&
           span_has(&field->subunit, record->subunit);
}

static const struct hyp_field *find_field(const struct hyp_draft *draft)
{
    for (size_t i = 0; i < draft->profile->field_count; i++) {
        const struct hyp_field *field = &draft->profile->fields[i];
        if (field_fits(field, draft) && !hyp_field_is_part(field)) {
            return field;
        }
    }
    return NULL;
}

/* The first rule about a part from `*at` on that fits; `*at` moves behind it. */
static const struct hyp_field *find_part(const struct hyp_draft *draft, size_t *at)
{
    while (*at < draft->profile->field_count) {
        const struct hyp_field *field = &draft->profile->fields[(*at)++];
        if (hyp_field_is_part(field) && field_fits(field, draft)) {
            return field;
        }
    }
    return NULL;
}

static void apply_key(struct hyp_draft *draft)
{
    const struct hyp_field *field = draft->field;
    struct hyp_point_key *key = &draft->value->key;
    key->name = (uint16_t)field->name;
    if (field->vib.len > 0) {
        key->subunit = draft->record->subunit; /* the name tells what the VIF means */
    }
    if (field->set_function != HYP_ANY) {
        key->function = (uint8_t)field->set_function;
    }
    if (field->set_storage != HYP_ANY) {
        key->storage = (uint64_t)field->set_storage;
    }
    if (field->set_tariff != HYP_ANY) {
        key->tariff = (uint32_t)field->set_tariff;
    }
    if (field->set_subunit != HYP_ANY) {
        key->subunit = (uint16_t)field->set_subunit;
    }
}

/* --- payload --- */

/* Bytes of a record as hex, most significant first; longer ones are cut to what a text holds.
 */
static enum hyp_status set_hex_text(struct hyp_draft *draft)
{
    char memory[HYP_LIMIT_VALUE_TEXT];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    size_t len = HYP_MIN((size_t)draft->record->data_len, sizeof(memory) / 2);
    for (size_t i = len; i > 0; i--) {
        hyp_buf_append_hex(&text, draft->record->data + i - 1, 1);
    }
    const char *copy = hyp_arena_copy_str(draft->arena, hyp_buf_view(&text));
    if (copy == NULL) {
        return HYP_NO_MEMORY;
    }
    draft->value->kind = HYP_VALUE_TEXT;
    draft->value->text = (struct hyp_str){.ptr = copy, .len = text.len};
    draft->value->quality = HYP_QUALITY_GOOD;
    return HYP_OK;
}

static void set_raw_number(struct hyp_draft *draft, bool is_signed)
{
    const struct hyp_mbus_record *record = draft->record;
    uint64_t raw = hyp_mbus_record_raw(record);
    unsigned width = 8u * HYP_MIN(record->data_len, 8u);
    draft->value->kind = HYP_VALUE_DECIMAL;
    draft->value->unit = HYP_UNIT_NONE;
    draft->value->quality = HYP_QUALITY_GOOD;
    if (is_signed && width > 0 && width < 64 && (raw >> (width - 1) & 1u) != 0) {
        raw |= UINT64_MAX << width;
    } else if (!is_signed && raw > INT64_MAX) {
        draft->value->quality = HYP_QUALITY_OVERFLOW;
        return;
    }
    draft->value->decimal = (struct hyp_decimal){.digits = (int64_t)raw};
}

static void set_raw_bcd(struct hyp_draft *draft)
{
    uint64_t raw = hyp_mbus_record_raw(draft->record);
    int64_t digits = 0;
    draft->value->kind = HYP_VALUE_DECIMAL;
    draft->value->unit = HYP_UNIT_NONE;
    draft->value->quality = HYP_QUALITY_GOOD;
    for (int shift = 60; shift >= 0; shift -= 4) {
        unsigned nibble = (unsigned)(raw >> shift & 15u);
        if (nibble > 9) {
            draft->value->quality = HYP_QUALITY_INVALID;
            return;
        }
        digits = digits * 10 + nibble;
    }
    draft->value->decimal = (struct hyp_decimal){.digits = digits};
}

/* Texts of fixed width are filled up with blanks; those are no part of the value. */
static enum hyp_status copy_text(struct hyp_draft *draft)
{
    struct hyp_str text = hyp_str_trim(hyp_str_from(draft->record->text));
    text.len = HYP_MIN(text.len, (size_t)HYP_LIMIT_VALUE_TEXT);
    const char *copy = hyp_arena_copy_str(draft->arena, text);
    if (copy == NULL) {
        return HYP_NO_MEMORY;
    }
    draft->value->text = (struct hyp_str){.ptr = copy, .len = text.len};
    return HYP_OK;
}

/* As the record layer decoded it; bytes without a standard meaning stay visible as hex. */
static enum hyp_status set_payload(struct hyp_draft *draft)
{
    const struct hyp_mbus_record *record = draft->record;
    struct hyp_value *value = draft->value;
    value->kind = record->kind;
    value->unit = record->unit;
    value->quality = record->quality;
    switch (record->kind) {
    case HYP_VALUE_UNSET:
        return record->quality == HYP_QUALITY_GOOD && record->data_len > 0 ? set_hex_text(draft)
                                                                           : HYP_OK;
    case HYP_VALUE_DECIMAL: value->decimal = record->decimal; return HYP_OK;
    case HYP_VALUE_CIVIL: value->civil = record->civil; return HYP_OK;
    case HYP_VALUE_FLAGS: value->flags = record->flags; return HYP_OK;
    case HYP_VALUE_TEXT: return copy_text(draft);
    }
    return HYP_OK;
}

static enum hyp_status set_payload_as(struct hyp_draft *draft, enum hyp_field_form form)
{
    switch (form) {
    case HYP_FORM_RECORD: break;
    case HYP_FORM_HEX: return set_hex_text(draft);
    case HYP_FORM_UNSIGNED: set_raw_number(draft, false); return HYP_OK;
    case HYP_FORM_SIGNED: set_raw_number(draft, true); return HYP_OK;
    case HYP_FORM_BCD: set_raw_bcd(draft); return HYP_OK;
    case HYP_FORM_FLAGS:
        draft->value->kind = HYP_VALUE_FLAGS;
        draft->value->unit = HYP_UNIT_NONE;
        draft->value->quality = HYP_QUALITY_GOOD;
        draft->value->flags = hyp_mbus_record_raw(draft->record) & (uint64_t)draft->field->mask;
        return HYP_OK;
    }
    return set_payload(draft);
}

static bool is_sentinel(const struct hyp_field *field, const struct hyp_value *value)
{
    for (size_t i = 0; i < field->invalid_count; i++) {
        if (value->kind == HYP_VALUE_DECIMAL &&
            hyp_decimal_compare(value->decimal, field->invalid[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool scale_and_move(const struct hyp_field *field, struct hyp_decimal *decimal)
{
    const bool scaled = field->scale.digits != 1 || field->scale.exp10 != 0;
    const bool moved = field->offset.digits != 0;
    return (!scaled || hyp_decimal_multiply(*decimal, field->scale, decimal) == HYP_OK) &&
           (!moved || hyp_decimal_add(*decimal, field->offset, decimal) == HYP_OK);
}

/* What a rule does to the payload: sentinels, scale, offset, unit. */
static void apply_meaning(struct hyp_draft *draft)
{
    const struct hyp_field *field = draft->field;
    struct hyp_value *value = draft->value;
    if (is_sentinel(field, value)) {
        value->quality = HYP_QUALITY_NO_VALUE;
        return;
    }
    if (value->kind == HYP_VALUE_DECIMAL && !scale_and_move(field, &value->decimal)) {
        value->quality = HYP_QUALITY_OVERFLOW;
    }
    if (field->unit != HYP_ANY && value->kind == HYP_VALUE_DECIMAL) {
        value->unit = (enum hyp_unit)field->unit;
    }
}

static void normalise(struct hyp_value *value)
{
    struct hyp_decimal unused = {0};
    bool usable = value->kind == HYP_VALUE_DECIMAL && hyp_quality_is_usable(value->quality);
    struct hyp_decimal *decimal = usable ? &value->decimal : &unused;
    if (hyp_unit_normalise(decimal, &value->unit) != HYP_OK) {
        value->quality = HYP_QUALITY_OVERFLOW;
    }
}

/* Manufacturer data, containers whose elements follow, and secrets give no value. */
static bool is_value(const struct hyp_mbus_record *record)
{
    bool secret = record->table == HYP_VIF_FD &&
                  ((record->code >= 0x12 && record->code <= 0x16) || record->code == 0x19);
    bool container = record->qualifier.what == HYP_MBUS_PROFILE && record->profile_element == 0;
    return !record->manufacturer_data && !secret && !container;
}

/* What the standard calls a VIF that has no name in the vocabulary; "" when it is not its own.
 */
static const char *standard_words(const struct hyp_mbus_record *record)
{
    const bool extension = record->table == HYP_VIF_FB || record->table == HYP_VIF_FD;
    return extension ? hyp_mbus_vif_text(record->table, record->code) : "";
}

/* A name nobody knows still shows which VIF it was. */
static enum hyp_status label_unknown(struct hyp_draft *draft)
{
    const struct hyp_mbus_record *record = draft->record;
    const char *words = standard_words(record);
    char memory[HYP_LIMIT_RECORD_TEXT + 64];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    hyp_buf_append_text(&text, "VIF ");
    size_t at = (size_t)record->offset + record->dib_len;
    if (at + record->vib_len <= draft->telegram->data_len) {
        hyp_buf_append_hex(&text, draft->telegram->data + at, HYP_MIN(record->vib_len, 24));
    }
    hyp_buf_append_text(&text, words[0] == '\0' ? "" : ", ");
    hyp_buf_append_text(&text, words);
    const char *copy = hyp_arena_copy_str(draft->arena, hyp_buf_view(&text));
    draft->value->label = hyp_str_from(copy);
    return copy == NULL ? HYP_NO_MEMORY : HYP_OK;
}

static enum hyp_status set_label(struct hyp_draft *draft)
{
    enum hyp_name name = (enum hyp_name)draft->value->key.name;
    const struct hyp_field *field = draft->field;
    if (field != NULL && (field->label != NULL || field->vib.len > 0)) {
        /* Who names an exact VIF knows what it is; words for the VIF would only mislead. */
        draft->value->label = hyp_str_from(field->label);
        return HYP_OK;
    }
    if (name == HYP_NAME_UNKNOWN) {
        return label_unknown(draft);
    }
    return hyp_generic_label(draft->record, name, draft->arena, &draft->value->label);
}

enum hyp_status hyp_draft_value(struct hyp_draft *draft)
{
    if (!is_value(draft->record)) {
        return HYP_NOT_FOUND;
    }
    *draft->value = (struct hyp_value){.unit = HYP_UNIT_NONE};
    hyp_generic_key(draft->record, draft->telegram->meter.medium, &draft->value->key);
    draft->field = find_field(draft);
    enum hyp_field_form form = HYP_FORM_RECORD;
    if (draft->field != NULL) {
        if (draft->field->ignore) {
            return HYP_NOT_FOUND;
        }
        form = (enum hyp_field_form)draft->field->form;
        apply_key(draft);
    }
    enum hyp_status status = set_payload_as(draft, form);
    if (status != HYP_OK) {
        return status;
    }
    if (draft->field != NULL) {
        apply_meaning(draft);
    }
    normalise(draft->value);
    return set_label(draft);
}

/* The bits of a part as a number. A record that says "none" as a whole has no parts either. */
static void set_bits(struct hyp_draft *draft)
{
    const struct hyp_span *bits = &draft->field->bits;
    const unsigned width = (unsigned)(bits->last - bits->first + 1);
    const uint64_t raw = hyp_mbus_record_raw(draft->record) >> bits->first;
    draft->value->kind = HYP_VALUE_DECIMAL;
    draft->value->quality = draft->record->quality;
    /* At most 63 bits: the reader of profiles sees to that. */
    draft->value->decimal =
        (struct hyp_decimal){.digits = (int64_t)(raw & ((1ull << width) - 1))};
}

enum hyp_status hyp_draft_part(struct hyp_draft *draft, size_t *at)
{
    if (draft->profile->part_count == 0 || !is_value(draft->record)) {
        return HYP_NOT_FOUND;
    }
    *draft->value = (struct hyp_value){.unit = HYP_UNIT_NONE};
    hyp_generic_key(draft->record, draft->telegram->meter.medium, &draft->value->key);
    draft->field = find_part(draft, at);
    if (draft->field == NULL) {
        return HYP_NOT_FOUND;
    }
    apply_key(draft);
    set_bits(draft);
    apply_meaning(draft);
    normalise(draft->value);
    draft->value->label = hyp_str_from(draft->field->label);
    return HYP_OK;
}

enum hyp_status hyp_device_record_value(const struct hyp_profile *profile,
                                        const struct hyp_telegram *telegram,
                                        const struct hyp_mbus_record *record,
                                        struct hyp_arena *arena, struct hyp_value *ret_value)
{
    struct hyp_draft draft = {.profile = profile,
                              .telegram = telegram,
                              .record = record,
                              .arena = arena,
                              .value = ret_value};
    return hyp_draft_value(&draft);
}

bool hyp_profile_has_parts(const struct hyp_profile *profile)
{
    return profile->part_count > 0;
}

enum hyp_status hyp_device_record_part(const struct hyp_profile *profile,
                                       const struct hyp_telegram *telegram,
                                       const struct hyp_mbus_record *record,
                                       struct hyp_arena *arena, size_t *at,
                                       struct hyp_value *ret_value)
{
    struct hyp_draft draft = {.profile = profile,
                              .telegram = telegram,
                              .record = record,
                              .arena = arena,
                              .value = ret_value};
    return hyp_draft_part(&draft, at);
}
