/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for what a record says beyond its name and key. Without VIFEs there is little to ask:
 * all qualifiers come from them.
 */
#include "device/generic.h"

#include "device/generic_words.h"
#include "device/phase.h"

#define IMPORT_LESS_EXPORT 4

bool hyp_generic_is_derived(const struct hyp_mbus_record *record, enum hyp_name name)
{
    const struct hyp_mbus_qualifier *qualifier = &record->qualifier;
    return qualifier->per != 0 || qualifier->multiplied != 0 ||
           qualifier->direction == IMPORT_LESS_EXPORT ||
           (qualifier->manufacturer &&
            !(hyp_phase_has(name) && hyp_phase_of_maker(record) != 0));
}

static const char *const what_words[] = {
    [HYP_MBUS_COUNT_OF_LIMIT] = "number of exceeds of",
    [HYP_MBUS_TIME_OF_LIMIT] = "time of exceeding",
    [HYP_MBUS_DURATION_OF_LIMIT] = "duration of exceeding",
    [HYP_MBUS_DURATION_OF] = "duration of",
    [HYP_MBUS_TIME_OF] = "time of",
    [HYP_MBUS_LIMIT_VALUE] = "limit of",
    [HYP_MBUS_VALUE_DURING] = "value while exceeding the limit of",
    [HYP_MBUS_LEAKAGE] = "leakage",
    [HYP_MBUS_OVERFLOW_VALUE] = "overflow",
    [HYP_MBUS_PROFILE] = "profile of",
    [HYP_MBUS_OBIS] = "OBIS code of",
};

/* Names whose meaning stands in the label. */
static bool needs_label(enum hyp_name name)
{
    switch (name) {
    case HYP_NAME_EXPERIMENTAL:
    case HYP_NAME_EVENT_TIME:
    case HYP_NAME_EVENT_COUNT:
    case HYP_NAME_DURATION:
    case HYP_NAME_RATIO:
    case HYP_NAME_HCA_RATING: return true;
    default: return false;
    }
}

/* What is left of a battery is in the future by its name. */
static bool says_future(const struct hyp_mbus_record *record, enum hyp_name name)
{
    return record->qualifier.future && name != HYP_NAME_BATTERY_REMAINING;
}

bool hyp_generic_is_qualified(const struct hyp_mbus_record *record, enum hyp_name name)
{
    const struct hyp_mbus_qualifier *q = &record->qualifier;
    if (record->vife_count == 0) {
        return needs_label(name);
    }
    return q->what != HYP_MBUS_VALUE || q->average || says_future(record, name) ||
           q->uncorrected || q->base_conditions || q->direction == 3 ||
           hyp_generic_is_derived(record, name) || needs_label(name);
}

static bool has_phase_of_maker(const struct hyp_mbus_record *record, enum hyp_name name)
{
    return hyp_phase_has(name) && hyp_phase_of_maker(record) != 0;
}

static void append_words(const struct hyp_mbus_record *record, enum hyp_name name,
                         struct hyp_buf *out)
{
    const struct hyp_mbus_qualifier *q = &record->qualifier;
    if (has_phase_of_maker(record, name)) {
        hyp_buf_append_fmt(out, "phase %u ", hyp_phase_of_maker(record));
    }
    if (!hyp_generic_is_qualified(record, name)) {
        return;
    }
    if (q->what != HYP_MBUS_VALUE) {
        const char *side = q->limit == 0 ? "" : (q->limit == 1 ? "lower " : "upper ");
        hyp_buf_append_text(out, q->last ? "last " : "");
        hyp_buf_append_text(out, side);
        hyp_buf_append_text(out, what_words[q->what]);
        hyp_buf_append_char(out, ' ');
    }
    if (q->average) {
        hyp_buf_append_text(out, "average ");
    }
    if (says_future(record, name)) {
        hyp_buf_append_text(out, "future ");
    }
    if (q->uncorrected) {
        hyp_buf_append_text(out, "uncorrected ");
    }
    if (q->base_conditions) {
        hyp_buf_append_text(out, "at base conditions ");
    }
    if (q->direction == 3) {
        hyp_buf_append_text(out, "both directions ");
    }
    if (record->table == HYP_VIF_TEXT) {
        hyp_buf_append_text(out, record->vif_text);
    } else {
        hyp_buf_append_text(out, hyp_mbus_vif_text(record->table, record->code));
    }
    for (size_t i = 0; hyp_generic_is_derived(record, name) && i < record->vife_count; i++) {
        hyp_buf_append_text(out, i == 0 ? ", VIFE " : " ");
        hyp_buf_append_hex(out, &record->vife[i], 1);
    }
}

enum hyp_status hyp_generic_label(const struct hyp_mbus_record *record, enum hyp_name name,
                                  struct hyp_arena *arena, struct hyp_str *ret_label)
{
    char memory[HYP_LIMIT_RECORD_TEXT + 96];
    struct hyp_buf words;
    *ret_label = (struct hyp_str){0};
    if (!hyp_generic_is_qualified(record, name) && !has_phase_of_maker(record, name)) {
        return HYP_OK; /* most records: the name says it all */
    }
    hyp_buf_init_fixed(&words, memory, sizeof(memory));
    append_words(record, name, &words);
    struct hyp_str label = hyp_str_trim(hyp_buf_view(&words));
    if (label.len == 0) {
        return HYP_OK;
    }
    const char *copy = hyp_arena_copy_str(arena, label);
    if (copy == NULL) {
        return HYP_NO_MEMORY;
    }
    *ret_label = (struct hyp_str){.ptr = copy, .len = label.len};
    return HYP_OK;
}
