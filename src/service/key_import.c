/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of many meters at once. What is to be done is gathered first, with nothing changed; then
 * all keys go into the database in one transaction, and the directory and the collector follow.
 */
#include "service/inside.h"
#include "service/key_xml.h"
#include "service/keys.h"

#include <string.h>

#define SAME_SERIAL 16 /* devices that one row may mean */

struct import_run {
    struct hyp_service *service;
    hyp_tenant_id tenant;
    struct hyp_device_key *changes;
    size_t change_count;
    size_t change_capacity;
    struct hyp_error *err;
};

static size_t find_devices(struct hyp_service *service, hyp_tenant_id tenant,
                           const struct hyp_key_row *row,
                           hyp_device_id found[static SAME_SERIAL])
{
    return hyp_directory_find_serial(service->directory, tenant,
                                     hyp_str_from(row->manufacturer), hyp_str_from(row->serial),
                                     found, SAME_SERIAL);
}

static enum hyp_status begin(struct import_run *run, struct hyp_arena *arena, size_t rows)
{
    run->change_capacity = rows * SAME_SERIAL;
    run->changes = hyp_arena_alloc_array(arena, run->change_capacity, sizeof(*run->changes));
    return run->changes == NULL ? HYP_NO_MEMORY : HYP_OK;
}

/* Later rows of a file win over earlier ones: they are set in their order. */
static void add_change(struct import_run *run, hyp_device_id device,
                       const struct hyp_aes_key *key)
{
    if (run->change_count < run->change_capacity) {
        run->changes[run->change_count++] = (struct hyp_device_key){device, *key};
    }
}

/* The key is stored. A device that cannot be looked up now is with the keeper's next look. */
static void follow(struct import_run *run, hyp_device_id id)
{
    struct hyp_device device;
    enum hyp_status status =
        hyp_store_device(run->service->config.store, run->tenant, id, &device);
    if (status == HYP_OK) {
        hyp_service_follow_device(run->service, &device);
        hyp_wipe(&device.key, sizeof(device.key));
        return;
    }
    const struct hyp_store_change change = {.tenant = run->tenant, .device = id};
    hyp_members_look_again(run->service, &change);
}

static enum hyp_status apply_changes(struct import_run *run, const struct hyp_scope *scope)
{
    if (run->change_count == 0) {
        return HYP_OK;
    }
    enum hyp_status status = hyp_store_device_keys_set(
        run->service->config.store, run->tenant, run->changes, run->change_count, run->err);
    if (status != HYP_OK) {
        return status;
    }
    for (size_t i = 0; i < run->change_count; i++) {
        follow(run, run->changes[i].device);
    }
    hyp_service_audit(run->service, scope, "key.import", "device", 0, "keys of %zu meters set",
                      run->change_count);
    hyp_backlog_ask(run->service, run->tenant, true);
    return HYP_OK;
}

static void finish(struct import_run *run)
{
    if (run->changes != NULL) {
        hyp_wipe(run->changes, run->change_count * sizeof(*run->changes));
    }
}

enum hyp_status hyp_keys_import(struct hyp_service *service, const struct hyp_scope *scope,
                                const struct hyp_key_row *rows, size_t count,
                                struct hyp_arena *arena, struct hyp_key_matches *ret_matches,
                                struct hyp_error *err)
{
    struct hyp_key_matches matches = {0};
    struct import_run run = {.service = service, .err = err};
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_KEY_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    run.tenant = hyp_scope_tenant(scope);
    status = begin(&run, arena, count);
    pthread_mutex_lock(&service->plant_lock);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        hyp_device_id found[SAME_SERIAL];
        size_t found_count = find_devices(service, run.tenant, &rows[i], found);
        for (size_t n = 0; n < found_count; n++) {
            add_change(&run, found[n], &rows[i].key);
        }
        *(found_count > 0 ? &matches.matched : &matches.unmatched) += 1;
    }
    status = status == HYP_OK ? apply_changes(&run, scope) : status;
    pthread_mutex_unlock(&service->plant_lock);
    finish(&run);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    *ret_matches = matches;
    return HYP_OK;
}

/* --- a file --- */

const char *hyp_key_result_text(enum hyp_key_result result)
{
    static const char *const texts[HYP_KEY_RESULT_COUNT] = {
        [HYP_KEY_NEW] = "new",         [HYP_KEY_CHANGED] = "changed", [HYP_KEY_SAME] = "same",
        [HYP_KEY_UNKNOWN] = "unknown", [HYP_KEY_BAD] = "bad",
    };
    return texts[result];
}

/* What the row would do to one device. */
static enum hyp_status take_device(struct import_run *run, const struct hyp_key_row *row,
                                   hyp_device_id id, enum hyp_key_result *ret_result)
{
    struct hyp_device device;
    enum hyp_status status =
        hyp_store_device(run->service->config.store, run->tenant, id, &device);
    if (status != HYP_OK) {
        return status;
    }
    bool same = device.has_key && hyp_equal_constant_time(device.key.bytes, row->key.bytes,
                                                          sizeof(row->key.bytes));
    *ret_result = same ? HYP_KEY_SAME : device.has_key ? HYP_KEY_CHANGED : HYP_KEY_NEW;
    hyp_wipe(&device.key, sizeof(device.key));
    if (!same) {
        add_change(run, id, &row->key);
    }
    return HYP_OK;
}

static enum hyp_status take_row(struct import_run *run, const struct hyp_key_row *row,
                                struct hyp_key_outcome *outcome)
{
    hyp_device_id found[SAME_SERIAL];
    struct hyp_device_view view;
    enum hyp_status status = HYP_OK;
    outcome->result = HYP_KEY_UNKNOWN;
    outcome->devices = find_devices(run->service, run->tenant, row, found);
    for (size_t i = 0; status == HYP_OK && i < outcome->devices; i++) {
        enum hyp_key_result result;
        status = take_device(run, row, found[i], &result);
        /* Of several devices the one with the most to say. */
        if (status == HYP_OK && (i == 0 || result < outcome->result)) {
            outcome->result = result;
        }
    }
    if (outcome->devices > 0 &&
        hyp_directory_device(run->service->directory, run->tenant, found[0],
                             hyp_service_now(run->service), &view) == HYP_OK) {
        outcome->device = found[0];
        hyp_text_copy(outcome->name, sizeof(outcome->name), hyp_str_from(view.device.name));
    }
    return status;
}

static enum hyp_status take_file(struct import_run *run, struct hyp_key_file *file,
                                 struct hyp_key_report *report, size_t capacity)
{
    struct hyp_key_row row;
    struct hyp_error why = {0};
    enum hyp_status status = HYP_OK;
    enum hyp_status read;
    while (status == HYP_OK && (read = hyp_key_file_next(file, &row, &why)) != HYP_NOT_FOUND) {
        if (report->count == capacity) {
            status =
                hyp_error_set(run->err, HYP_LIMIT, -1,
                              "A key file has %d rows at most; split it.", HYP_LIMIT_KEY_ROWS);
            break;
        }
        struct hyp_key_outcome *outcome = &report->outcomes[report->count++];
        outcome->line = file->line;
        memcpy(outcome->serial, row.serial, sizeof(outcome->serial));
        memcpy(outcome->manufacturer, row.manufacturer, sizeof(outcome->manufacturer));
        if (read == HYP_OK) {
            status = take_row(run, &row, outcome);
        } else {
            outcome->result = HYP_KEY_BAD;
            hyp_text_copy(outcome->text, sizeof(outcome->text), hyp_str_from(why.text));
        }
        report->counts[outcome->result]++;
        hyp_wipe(&row, sizeof(row));
    }
    return status;
}

/* Rows a file can have at most: a meter of XML needs a tag, a row of CSV a line. */
static size_t count_rows(struct hyp_str text)
{
    char mark = hyp_key_xml_is(text) ? '<' : '\n';
    size_t rows = 1;
    for (size_t i = 0; i < text.len; i++) {
        rows += text.ptr[i] == mark ? 1 : 0;
    }
    return HYP_MIN(rows, (size_t)HYP_LIMIT_KEY_ROWS);
}

static enum hyp_status refuse_bad_rows(const struct hyp_key_report *report,
                                       struct hyp_error *err)
{
    size_t i = 0;
    while (report->outcomes[i].result != HYP_KEY_BAD) {
        i++;
    }
    return hyp_error_set(err, HYP_INVALID, -1,
                         "Row %zu cannot be read: %s. Nothing was set. Rows like that: %zu.",
                         report->outcomes[i].line, report->outcomes[i].text,
                         report->counts[HYP_KEY_BAD]);
}

/* The text to read rows from: opened when it is closed. */
static enum hyp_status open_text(struct hyp_str text, struct hyp_str password,
                                 struct hyp_arena *arena, struct hyp_key_plain *ret_plain,
                                 struct hyp_error *err)
{
    *ret_plain = (struct hyp_key_plain){.text = text};
    if (hyp_str_has_prefix(text, HYP_STR("PK\x03\x04"))) {
        return hyp_error_set(
            err, HYP_UNSUPPORTED, -1,
            "This is a ZIP archive. Unpack it and choose the .kem file in it.");
    }
    return hyp_key_xml_is(text) ? hyp_key_xml_open(text, password, arena, ret_plain, err)
                                : HYP_OK;
}

static enum hyp_status take_text(struct import_run *run, const struct hyp_scope *scope,
                                 const struct hyp_key_input *input, struct hyp_str text,
                                 struct hyp_key_report *report, size_t capacity)
{
    struct hyp_key_file file;
    hyp_key_file_init(&file, text);
    pthread_mutex_lock(&run->service->plant_lock);
    enum hyp_status status = take_file(run, &file, report, capacity);
    if (status == HYP_OK && input->apply && !input->skip_bad &&
        report->counts[HYP_KEY_BAD] > 0) {
        status = refuse_bad_rows(report, run->err);
    }
    if (status == HYP_OK && input->apply) {
        status = apply_changes(run, scope);
    }
    pthread_mutex_unlock(&run->service->plant_lock);
    return status;
}

enum hyp_status hyp_keys_file(struct hyp_service *service, const struct hyp_scope *scope,
                              const struct hyp_key_input *input, struct hyp_arena *arena,
                              struct hyp_key_report *ret_report, struct hyp_error *err)
{
    struct import_run run = {.service = service, .err = err};
    struct hyp_key_report report = {0};
    struct hyp_key_plain plain = {
        .text = {"", 0}
    };
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_KEY_WRITE, err);
    if (status == HYP_OK) {
        run.tenant = hyp_scope_tenant(scope);
        status = open_text(input->text, input->password, arena, &plain, err);
    }
    size_t rows = count_rows(plain.text);
    if (status == HYP_OK) {
        report.outcomes = hyp_arena_alloc_array(arena, rows, sizeof(*report.outcomes));
        status = report.outcomes == NULL ? HYP_NO_MEMORY : begin(&run, arena, rows);
    }
    if (status == HYP_OK) {
        status = take_text(&run, scope, input, plain.text, &report, rows);
    }
    finish(&run);
    if (plain.secret != NULL) {
        hyp_wipe(plain.secret, plain.secret_len);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    *ret_report = report;
    return HYP_OK;
}
