/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the captures of a profile through the same path as bytes from a line: open, match, name,
 * scale. Differences are reported as the lines that would have to stand in the file, so that a
 * person can check them against the meter's display and paste them.
 */
#include "base/limits.h"
#include "device/profile.h"

#include <string.h>

#define FORMATS_MAX HYP_LIMIT_CAPTURE_PRECEDING
#define ARENA_MAX (4 * 1024 * 1024)

struct run {
    const struct hyp_library *library;
    const struct hyp_profile *profile;
    const struct hyp_capture *capture;
    struct hyp_buf *report;
    bool failed;
    struct hyp_arena arena;
    struct hyp_compact_format formats[FORMATS_MAX];
    size_t format_count;
    const struct hyp_value *values;
    size_t value_count;
};

static bool find_key(void *user, const struct hyp_meter_identity *meter,
                     struct hyp_aes_key *ret_key)
{
    const struct run *run = user;
    (void)meter;
    if (run->capture->key.len != sizeof(ret_key->bytes)) {
        return false;
    }
    memcpy(ret_key->bytes, run->capture->key.data, sizeof(ret_key->bytes));
    return true;
}

static bool find_short_key(void *user, const struct hyp_meter_identity *meter,
                           uint8_t ret_key[static 8])
{
    const struct run *run = user;
    (void)meter;
    if (run->capture->key.len != 8) {
        return false;
    }
    memcpy(ret_key, run->capture->key.data, 8);
    return true;
}

static const struct hyp_compact_format *find_format(void *user, uint16_t signature)
{
    const struct run *run = user;
    for (size_t i = 0; i < run->format_count; i++) {
        if (run->formats[i].signature == signature) {
            return &run->formats[i];
        }
    }
    return NULL;
}

static void learn_format(void *user, const struct hyp_compact_format *format)
{
    struct run *run = user;
    if (run->format_count < FORMATS_MAX) {
        run->formats[run->format_count++] = *format;
    }
}

static void complain(struct run *run, uint32_t line, const char *what, struct hyp_str detail)
{
    hyp_buf_append_fmt(run->report, "%s: capture \"%s\" (line %u): %s%.*s\n",
                       run->profile->info.name, run->capture->name, line, what,
                       HYP_STR_ARG(detail));
    run->failed = true;
}

/* "12.50 kWh", "2026-01-31", "(no_value)" */
static void format_value(struct hyp_buf *out, const struct hyp_value *value)
{
    if (!hyp_quality_is_usable(value->quality)) {
        hyp_buf_append_fmt(out, "(%s)", hyp_quality_text(value->quality));
        return;
    }
    hyp_value_format(out, value);
    if (value->kind == HYP_VALUE_DECIMAL && value->unit != HYP_UNIT_NONE) {
        hyp_buf_append_fmt(out, " %s", hyp_unit_text(value->unit));
    }
}

static void format_key(struct hyp_buf *out, const struct hyp_value *value)
{
    hyp_point_key_format(out, &value->key);
}

static const struct hyp_value *find_value(const struct run *run, struct hyp_str key)
{
    for (size_t i = 0; i < run->value_count; i++) {
        char memory[HYP_POINT_KEY_TEXT_MAX];
        struct hyp_buf text;
        hyp_buf_init_fixed(&text, memory, sizeof(memory));
        format_key(&text, &run->values[i]);
        if (hyp_str_equal(hyp_buf_view(&text), key)) {
            return &run->values[i];
        }
    }
    return NULL;
}

static void check_expectation(struct run *run, const struct hyp_expectation *expectation)
{
    const struct hyp_value *value = find_value(run, expectation->key);
    char memory[HYP_LIMIT_VALUE_TEXT + 64];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    if (value == NULL) {
        complain(run, expectation->line, "not found: ", expectation->key);
        return;
    }
    format_value(&text, value);
    if (!hyp_str_equal(hyp_buf_view(&text), expectation->text)) {
        complain(run, expectation->line, "differs: ", expectation->key);
    }
}

/* What the profile makes of the status byte beyond what the standard says. */
static size_t makers_status(const struct run *run, struct hyp_info_bit *out, size_t capacity)
{
    struct hyp_info_bit bits[64];
    struct hyp_info_bit standard[8];
    size_t count = 0;
    for (size_t i = 0; i < run->value_count; i++) {
        const struct hyp_value *value = &run->values[i];
        if (value->key.name != HYP_NAME_STATUS || value->kind != HYP_VALUE_FLAGS) {
            continue;
        }
        const uint8_t status = (uint8_t)value->flags;
        size_t known = hyp_profile_status_bits(NULL, status, standard, HYP_ARRAY_LEN(standard));
        size_t all = hyp_profile_status_bits(run->profile, status, bits, HYP_ARRAY_LEN(bits));
        for (size_t k = 0; k < all && all > known && count < capacity; k++) {
            bool is_standard = false;
            for (size_t n = 0; n < known; n++) {
                is_standard = is_standard || bits[k].name == standard[n].name;
            }
            if (!is_standard) {
                out[count++] = bits[k];
            }
        }
    }
    return count;
}

static void check_info(struct run *run)
{
    uint64_t code = 0;
    for (size_t i = 0; i < run->value_count; i++) {
        const struct hyp_value *value = &run->values[i];
        if (value->key.name == HYP_NAME_INFO_CODE && value->key.storage == 0 &&
            value->kind == HYP_VALUE_FLAGS) {
            code |= value->flags;
        }
    }
    struct hyp_info_bit bits[64 + 8];
    size_t count = hyp_profile_info_bits(run->profile, code, bits, 64);
    count += makers_status(run, bits + count, HYP_ARRAY_LEN(bits) - count);
    char memory[1024];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append_fmt(&text, "%s%s", i == 0 ? "" : " ", bits[i].name);
    }
    if (!hyp_str_equal(hyp_buf_view(&text), hyp_str_from(run->capture->info))) {
        complain(run, run->capture->line, "info is: ", hyp_buf_view(&text));
    }
}

static void check_values(struct run *run)
{
    const struct hyp_capture *capture = run->capture;
    for (size_t i = 0; i < capture->expectation_count; i++) {
        check_expectation(run, &capture->expectations[i]);
    }
    if (run->value_count != capture->expectation_count) {
        complain(run, capture->line, "the number of values differs", HYP_STR(""));
    }
    check_info(run);
    if (!run->failed) {
        return;
    }
    hyp_buf_append_text(run->report, "    expect:\n");
    for (size_t i = 0; i < run->value_count; i++) {
        hyp_buf_append_text(run->report, "      ");
        format_key(run->report, &run->values[i]);
        hyp_buf_append_text(run->report, ": ");
        format_value(run->report, &run->values[i]);
        if (run->values[i].label.len > 0) {
            hyp_buf_append_fmt(run->report, " # %.*s", HYP_STR_ARG(run->values[i].label));
        }
        hyp_buf_append_char(run->report, '\n');
    }
}

/* A refusal that is wanted is a success. Returns whether there are values to compare. */
static bool check_status(struct run *run, enum hyp_status status, const struct hyp_error *err)
{
    if (run->capture->refused != 0) {
        const char *wanted = hyp_capture_refusal_text(run->capture->refused);
        const char *got = hyp_status_name(status);
        if (strcmp(wanted, got) != 0) {
            complain(run, run->capture->line, "should be refused but is ", hyp_str_from(got));
        }
        return false;
    }
    if (status != HYP_OK) {
        complain(run, run->capture->line, "refused: ", hyp_str_from(err->text));
    }
    return status == HYP_OK;
}

static void run_telegram(struct run *run)
{
    const struct hyp_capture *capture = run->capture;
    struct hyp_telegram_context context = {
        .user = run,
        .find_key = find_key,
        .find_short_key = find_short_key,
        .find_format = find_format,
        .learn_format = learn_format,
        .accept_plain = capture->accept_plain,
    };
    struct hyp_telegram telegram;
    struct hyp_error err = {0};
    for (size_t i = 0; i < capture->preceding_count; i++) {
        enum hyp_status status =
            hyp_telegram_open(capture->preceding[i].data, capture->preceding[i].len,
                              HYP_LINK_UNSET, &context, &telegram, NULL, &err);
        if (status != HYP_OK) {
            complain(run, capture->line,
                     "preceding telegram refused: ", hyp_str_from(err.text));
            return;
        }
    }
    enum hyp_status status = hyp_telegram_open(capture->telegram.data, capture->telegram.len,
                                               HYP_LINK_UNSET, &context, &telegram, NULL, &err);
    struct hyp_civil meter_time;
    struct hyp_value *values = NULL;
    if (status == HYP_OK) {
        status = hyp_device_values(run->library, run->profile, &telegram, &run->arena, &values,
                                   &run->value_count, &meter_time, &err);
        run->values = values;
    }
    if (!check_status(run, status, &err)) {
        return;
    }
    const struct hyp_profile *matched = hyp_library_match(run->library, &telegram.meter);
    if (matched != run->profile) {
        complain(run, capture->line, "is matched by profile ",
                 hyp_str_from(hyp_profile_info(matched)->name));
    }
    check_values(run);
}

static void run_snapshot(struct run *run)
{
    struct hyp_error err = {0};
    struct hyp_value *values = NULL;
    enum hyp_status status = hyp_device_modbus_values(run->profile, run->capture->snapshot.data,
                                                      run->capture->snapshot.len, &run->arena,
                                                      &values, &run->value_count, &err);
    run->values = values;
    if (check_status(run, status, &err)) {
        check_values(run);
    }
}

enum hyp_status hyp_profile_check_captures(const struct hyp_library *library,
                                           const struct hyp_profile *profile,
                                           struct hyp_buf *report, size_t *ret_ok,
                                           size_t *ret_failed)
{
    size_t ok = 0;
    size_t failed = 0;
    for (size_t i = 0; i < profile->capture_count; i++) {
        struct run run = {.library = library,
                          .profile = profile,
                          .capture = &profile->captures[i],
                          .report = report};
        hyp_arena_init(&run.arena, ARENA_MAX);
        if (run.capture->telegram.len > 0) {
            run_telegram(&run);
        } else {
            run_snapshot(&run);
        }
        hyp_arena_finish(&run.arena);
        failed += run.failed ? 1 : 0;
        ok += run.failed ? 0 : 1;
    }
    *ret_ok = ok;
    *ret_failed = failed;
    return hyp_buf_status(report);
}
