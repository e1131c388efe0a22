/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is the matter with a device, of the values that say so.
 *
 * Most makers set one bit for each fault. Zenner adds numbers (1000 battery expired + 40 air =
 * 1040) so that the display shows them in one; taken apart greatest first, each decimal place
 * holds one. Diehl puts one number into the upper half of the status byte.
 */
#include "device/profile.h"

#define STATUS_APPLICATION 0x03
#define STATUS_UPPER 0xF0

/* EN 13757-7 7.5.6; bits 1 and 0 are one number. */
static const struct hyp_info_bit application_states[4] = {
    [1] = {0, -1, "busy",              "Application busy",            HYP_SEVERITY_LOW   },
    [2] = {1, -1, "application_error", "Application error",           HYP_SEVERITY_MEDIUM},
    [3] = {1, -1, "alarm",             "Abnormal condition or alarm", HYP_SEVERITY_MEDIUM},
};
static const struct hyp_info_bit status_bits[] = {
    {2, -1, "power_low",       "Power low",       HYP_SEVERITY_MEDIUM},
    {3, -1, "permanent_error", "Permanent error", HYP_SEVERITY_HIGH  },
    {4, -1, "temporary_error", "Temporary error", HYP_SEVERITY_LOW   },
};

/* Results in a caller's array, kept worst first; of equals the earlier stays in front. */
struct sorted {
    struct hyp_info_bit *out;
    size_t capacity;
    size_t count;
};

static void add(struct sorted *sorted, const struct hyp_info_bit *bit)
{
    size_t at = sorted->count;
    while (at > 0 && sorted->out[at - 1].severity < bit->severity) {
        at--;
    }
    if (at == sorted->capacity) {
        return;
    }
    const size_t last = HYP_MIN(sorted->count, sorted->capacity - 1);
    for (size_t i = last; i > at; i--) {
        sorted->out[i] = sorted->out[i - 1];
    }
    sorted->out[at] = *bit;
    sorted->count = HYP_MIN(sorted->count + 1, sorted->capacity);
}

static void add_row(struct sorted *sorted, const struct hyp_info_row *row)
{
    const struct hyp_info_bit bit = {.bit = (int8_t)row->bit,
                                     .code = row->code,
                                     .name = row->name,
                                     .text = row->text,
                                     .severity = (enum hyp_severity)row->severity};
    add(sorted, &bit);
}

static bool is_list_of_codes(const struct hyp_info_table *table)
{
    return table->count > 0 && table->rows[0].code >= 0;
}

static void add_bits(struct sorted *sorted, const struct hyp_info_table *table, uint64_t value)
{
    for (size_t i = 0; i < table->count; i++) {
        if ((value >> table->rows[i].bit & 1u) != 0) {
            add_row(sorted, &table->rows[i]);
        }
    }
}

/* The greatest number of the list that is not above `value`; NULL when all are. */
static const struct hyp_info_row *greatest(const struct hyp_info_table *table, uint64_t value)
{
    const struct hyp_info_row *found = NULL;
    for (size_t i = 0; i < table->count; i++) {
        const struct hyp_info_row *row = &table->rows[i];
        if ((uint64_t)row->code <= value && (found == NULL || row->code > found->code)) {
            found = row;
        }
    }
    return found;
}

static void add_numbers(struct sorted *sorted, const struct hyp_info_table *table,
                        uint64_t value)
{
    const struct hyp_info_row *row = greatest(table, value);
    while (row != NULL) {
        add_row(sorted, row);
        value -= (uint64_t)row->code;
        const struct hyp_info_row *next = greatest(table, value);
        /* A number twice is no sum of faults: the rest is not known. */
        row = next == row ? NULL : next;
    }
}

size_t hyp_profile_info_bits(const struct hyp_profile *profile, uint64_t code,
                             struct hyp_info_bit *out, size_t capacity)
{
    struct sorted sorted = {.out = out, .capacity = capacity};
    if (is_list_of_codes(&profile->codes)) {
        add_numbers(&sorted, &profile->codes, code);
    } else {
        add_bits(&sorted, &profile->codes, code);
    }
    return sorted.count;
}

static void add_makers_status(struct sorted *sorted, const struct hyp_info_table *table,
                              uint8_t status)
{
    if (!is_list_of_codes(table)) {
        add_bits(sorted, table, status);
        return;
    }
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].code == (status & STATUS_UPPER)) {
            add_row(sorted, &table->rows[i]);
        }
    }
}

size_t hyp_profile_status_bits(const struct hyp_profile *profile, uint8_t status,
                               struct hyp_info_bit *out, size_t capacity)
{
    struct sorted sorted = {.out = out, .capacity = capacity};
    if (profile != NULL) {
        add_makers_status(&sorted, &profile->status, status);
    }
    if ((status & STATUS_APPLICATION) != 0) {
        add(&sorted, &application_states[status & STATUS_APPLICATION]);
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(status_bits); i++) {
        if ((status >> status_bits[i].bit & 1) != 0) {
            add(&sorted, &status_bits[i]);
        }
    }
    return sorted.count;
}

size_t hyp_profile_value_bits(const struct hyp_profile *profile, enum hyp_name name,
                              uint64_t flags, struct hyp_info_bit *out, size_t capacity)
{
    if (name == HYP_NAME_STATUS) {
        return hyp_profile_status_bits(profile, (uint8_t)flags, out, capacity);
    }
    return name == HYP_NAME_INFO_CODE && profile != NULL
               ? hyp_profile_info_bits(profile, flags, out, capacity)
               : 0;
}

size_t hyp_profile_info_all(const struct hyp_profile *profile, struct hyp_info_bit *out,
                            size_t capacity)
{
    struct sorted sorted = {.out = out, .capacity = capacity};
    for (size_t i = 0; i < profile->codes.count; i++) {
        add_row(&sorted, &profile->codes.rows[i]);
    }
    for (size_t i = 0; i < profile->status.count; i++) {
        add_row(&sorted, &profile->status.rows[i]);
    }
    return sorted.count;
}
