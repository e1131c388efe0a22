/* SPDX-License-Identifier: Apache-2.0 */
#include "service/keys.h"

#include "service/inside.h"

#include <string.h>

#define SAME_SERIAL 16 /* devices that one row may mean */

enum hyp_status hyp_keys_set(struct hyp_service *service, hyp_tenant_id tenant,
                             hyp_device_id id, const struct hyp_aes_key *key,
                             struct hyp_error *err)
{
    struct hyp_device device;
    enum hyp_status status = hyp_store_device(service->config.store, tenant, id, &device);
    if (status != HYP_OK) {
        return status;
    }
    device.key = *key;
    device.has_key = true;
    status = hyp_store_device_update(service->config.store, &device, err);
    if (status == HYP_OK) {
        status = hyp_service_follow_device(service, &device, err);
    }
    hyp_wipe(&device.key, sizeof(device.key));
    return status;
}

static size_t find_devices(struct hyp_service *service, hyp_tenant_id tenant,
                           const struct hyp_key_row *row,
                           hyp_device_id found[static SAME_SERIAL])
{
    return hyp_directory_find_serial(service->directory, tenant,
                                     hyp_str_from(row->manufacturer), hyp_str_from(row->serial),
                                     found, SAME_SERIAL);
}

/* Audit and backlog after `count` meters got their keys. */
static void finish_import(struct hyp_service *service, const struct hyp_scope *scope,
                          size_t count)
{
    if (count > 0) {
        hyp_service_audit(service, scope, "key.import", "device", 0, "keys of %zu meters set",
                          count);
        hyp_backlog_ask(service, hyp_scope_tenant(scope), true);
    }
}

enum hyp_status hyp_keys_import(struct hyp_service *service, const struct hyp_scope *scope,
                                const struct hyp_key_row *rows, size_t count,
                                size_t *ret_matched, size_t *ret_unmatched,
                                struct hyp_error *err)
{
    size_t matched = 0;
    size_t unmatched = 0;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_KEY_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_tenant_id tenant = hyp_scope_tenant(scope);
    pthread_mutex_lock(&service->plant_lock);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        hyp_device_id found[SAME_SERIAL];
        size_t found_count = find_devices(service, tenant, &rows[i], found);
        for (size_t n = 0; status == HYP_OK && n < found_count; n++) {
            status = hyp_keys_set(service, tenant, found[n], &rows[i].key, err);
        }
        matched += found_count > 0 ? 1 : 0;
        unmatched += found_count > 0 ? 0 : 1;
    }
    pthread_mutex_unlock(&service->plant_lock);
    finish_import(service, scope, matched);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    *ret_matched = matched;
    *ret_unmatched = unmatched;
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

struct import_run {
    struct hyp_service *service;
    hyp_tenant_id tenant;
    bool apply;
    size_t set;
    struct hyp_error *err;
};

/* What the row would do to one device; does it when asked to. */
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
    if (run->apply && !same) {
        status = hyp_keys_set(run->service, run->tenant, id, &row->key, run->err);
        run->set += status == HYP_OK ? 1 : 0;
    }
    return status;
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
                                 struct hyp_key_report *report)
{
    struct hyp_key_row row;
    struct hyp_error why = {0};
    enum hyp_status status = HYP_OK;
    enum hyp_status read;
    while (status == HYP_OK && (read = hyp_key_file_next(file, &row, &why)) != HYP_NOT_FOUND) {
        if (read == HYP_UNSUPPORTED) {
            return hyp_error_set(run->err, read, -1, "%s", why.text);
        }
        if (report->count == HYP_LIMIT_KEY_ROWS) {
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

static size_t count_lines(struct hyp_str text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.ptr[i] == '\n' ? 1 : 0;
    }
    return HYP_MIN(lines, (size_t)HYP_LIMIT_KEY_ROWS);
}

enum hyp_status hyp_keys_file(struct hyp_service *service, const struct hyp_scope *scope,
                              struct hyp_str text, bool apply, struct hyp_arena *arena,
                              struct hyp_key_report *ret_report, struct hyp_error *err)
{
    struct import_run run = {.service = service, .apply = apply, .err = err};
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_KEY_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_key_file file;
    struct hyp_key_report report = {
        .outcomes = hyp_arena_alloc_array(arena, count_lines(text), sizeof(*report.outcomes))};
    if (report.outcomes == NULL) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    run.tenant = hyp_scope_tenant(scope);
    hyp_key_file_init(&file, text);
    pthread_mutex_lock(&service->plant_lock);
    status = take_file(&run, &file, &report);
    pthread_mutex_unlock(&service->plant_lock);
    finish_import(service, scope, run.set);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    *ret_report = report;
    return HYP_OK;
}
