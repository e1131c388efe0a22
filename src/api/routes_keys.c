/* SPDX-License-Identifier: Apache-2.0 */
/* Keys come in and never go out: no reply here holds one. */
#include "api/render.h"
#include "api/routes.h"
#include "service/backlog.h"
#include "service/keys.h"
#include "service/plant_json.h"

/* --- rows --- */

static enum hyp_status read_key_row(const json_t *object, struct hyp_key_row *row, size_t index,
                                    struct hyp_error *err)
{
    struct hyp_str serial;
    struct hyp_str manufacturer;
    struct hyp_str key;
    struct hyp_error inner = {0};
    enum hyp_status status =
        hyp_json_get_text(object, "serial", HYP_SERIAL_MAX - 1, &serial, &inner);
    status = status == HYP_OK
                 ? hyp_json_get_text(object, "manufacturer", 3, &manufacturer, &inner)
                 : status;
    status = status == HYP_OK ? hyp_json_get_text(object, "key", 64, &key, &inner) : status;
    status = status == HYP_OK ? hyp_key_read_hex(key, "key", &row->key, &inner) : status;
    if (status == HYP_OK && serial.len == 0) {
        status = hyp_error_set(&inner, HYP_INVALID, -1, "serial: is needed.");
    }
    if (status != HYP_OK) {
        return hyp_error_set(err, status, -1, "keys: row %zu: %s", index, inner.text);
    }
    hyp_text_copy(row->serial, sizeof(row->serial), serial);
    hyp_text_copy(row->manufacturer, sizeof(row->manufacturer), manufacturer);
    return HYP_OK;
}

static enum hyp_status import_keys(struct hyp_request *req, const json_t *list,
                                   struct hyp_error *err)
{
    size_t count = json_array_size(list);
    struct hyp_key_matches matches = {0};
    struct hyp_key_row *rows = hyp_arena_alloc_array(&req->arena, count + 1, sizeof(*rows));
    if (rows == NULL) {
        return HYP_NO_MEMORY;
    }
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = read_key_row(json_array_get(list, i), &rows[i], i, err);
    }
    if (status == HYP_OK) {
        status =
            hyp_keys_import(req->service, req->scope, rows, count, &req->arena, &matches, err);
    }
    hyp_wipe(rows, count * sizeof(*rows));
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(&req->json);
    hyp_json_member_u64(&req->json, "matched", matches.matched);
    hyp_json_member_u64(&req->json, "unmatched", matches.unmatched);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

enum hyp_status hyp_route_keys_import(struct hyp_request *req, struct hyp_error *err)
{
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    const json_t *list = json_object_get(root, "keys");
    if (!json_is_array(list)) {
        status = hyp_error_set(err, HYP_INVALID, -1, "keys: must be a list.");
    } else {
        status = import_keys(req, list, err);
    }
    json_decref(root);
    return status;
}

/* --- a file --- */

static void render_outcome(struct hyp_json *json, const struct hyp_key_outcome *outcome)
{
    hyp_json_object_begin(json);
    hyp_json_member_u64(json, "line", outcome->line);
    hyp_json_member_text(json, "serial", outcome->serial);
    hyp_json_member_text(json, "manufacturer", outcome->manufacturer);
    hyp_json_member_text(json, "result", hyp_key_result_text(outcome->result));
    hyp_json_key(json, "device");
    if (outcome->device.id == 0) {
        hyp_json_null(json);
    } else {
        hyp_json_i64(json, outcome->device.id);
    }
    hyp_json_member_text(json, "device_name", outcome->name);
    hyp_json_member_u64(json, "devices", outcome->devices);
    hyp_json_member_text(json, "text", outcome->text);
    hyp_json_object_end(json);
}

static void render_report(struct hyp_json *json, const struct hyp_key_report *report,
                          bool applied)
{
    hyp_json_object_begin(json);
    hyp_json_member_bool(json, "applied", applied);
    hyp_json_key(json, "counts");
    hyp_json_object_begin(json);
    for (size_t i = 0; i < HYP_KEY_RESULT_COUNT; i++) {
        hyp_json_member_u64(json, hyp_key_result_text((enum hyp_key_result)i),
                            report->counts[i]);
    }
    hyp_json_object_end(json);
    hyp_json_key(json, "rows");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < report->count; i++) {
        render_outcome(json, &report->outcomes[i]);
    }
    hyp_json_array_end(json);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_keys_file(struct hyp_request *req, struct hyp_error *err)
{
    json_t *root;
    struct hyp_key_input input = {
        .password = {"", 0}
    };
    struct hyp_key_report report;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    const json_t *apply = json_object_get(root, "apply");
    input.apply = json_is_true(apply);
    input.skip_bad = json_is_true(json_object_get(root, "skip_bad"));
    status = hyp_json_get_text(root, "text", HYP_LIMIT_BODY_BYTES, &input.text, err);
    if (status == HYP_OK && json_object_get(root, "password") != NULL) {
        status =
            hyp_json_get_text(root, "password", HYP_LIMIT_PASSWORD_MAX, &input.password, err);
    }
    if (status == HYP_OK && (!json_is_boolean(apply) || input.text.len == 0)) {
        status =
            hyp_error_set(err, HYP_INVALID, -1,
                          input.text.len == 0 ? "text: the content of a key file is needed."
                                              : "apply: must be true or false.");
    }
    if (status == HYP_OK) {
        status = hyp_keys_file(req->service, req->scope, &input, &req->arena, &report, err);
    }
    json_decref(root);
    if (status == HYP_OK) {
        render_report(&req->json, &report, input.apply);
    }
    return status;
}

/* --- default keys --- */

static void render_default(struct hyp_json *json, const struct hyp_default_key *key)
{
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "id", key->id);
    hyp_json_member_text(json, "name", key->name);
    hyp_render_time(json, "created", key->created);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_default_keys_list(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_default_key *keys;
    size_t count;
    enum hyp_status status =
        hyp_default_keys_list(req->service, req->scope, &req->arena, &keys, &count, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_render_list_begin(&req->json, count, 0);
    for (size_t i = 0; i < count; i++) {
        render_default(&req->json, &keys[i]);
    }
    hyp_render_list_end(&req->json);
    return HYP_OK;
}

enum hyp_status hyp_route_default_key_add(struct hyp_request *req, struct hyp_error *err)
{
    json_t *root;
    struct hyp_str name;
    struct hyp_str text;
    struct hyp_aes_key key;
    struct hyp_default_key added;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_json_get_text(root, "name", HYP_LIMIT_NAME - 1, &name, err);
    status = status == HYP_OK ? hyp_json_get_text(root, "key", 64, &text, err) : status;
    status = status == HYP_OK ? hyp_key_read_hex(text, "key", &key, err) : status;
    if (status == HYP_OK) {
        status = hyp_default_key_add(req->service, req->scope, name, &key, &added, err);
        hyp_wipe(&key, sizeof(key));
    }
    json_decref(root);
    if (status == HYP_OK) {
        render_default(&req->json, &added);
    }
    return status;
}

enum hyp_status hyp_route_default_key_remove(struct hyp_request *req, struct hyp_error *err)
{
    enum hyp_status status = hyp_default_key_remove(req->service, req->scope, req->ids[0], err);
    return status == HYP_OK ? hyp_request_no_content(req) : status;
}

/* --- backlog --- */

static enum hyp_status answer_backlog(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_backlog_state state;
    struct hyp_json *json = &req->json;
    enum hyp_status status = hyp_backlog_get(req->service, req->scope, &state, err);
    if (status != HYP_OK) {
        return status;
    }
    bool active = state.waiting || state.running;
    uint64_t percent = 0;
    if (state.counted) {
        percent = state.total == 0 ? 100 : 100 * state.done / state.total;
    }
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "state",
                         active ? (state.counted && state.running ? "decoding" : "counting")
                                : (state.started.ms == 0 ? "idle" : "done"));
    hyp_json_member_u64(json, "percent", percent);
    hyp_json_member_u64(json, "total", state.total);
    hyp_json_member_u64(json, "done", state.done);
    hyp_json_member_u64(json, "readings", state.readings);
    hyp_render_time(json, "started", state.started);
    hyp_render_time(json, "finished", state.finished);
    hyp_json_member_text(json, "error", state.error);
    hyp_json_object_end(json);
    return HYP_OK;
}

enum hyp_status hyp_route_backlog_get(struct hyp_request *req, struct hyp_error *err)
{
    return answer_backlog(req, err);
}

enum hyp_status hyp_route_backlog_start(struct hyp_request *req, struct hyp_error *err)
{
    enum hyp_status status = hyp_backlog_start(req->service, req->scope, err);
    return status == HYP_OK ? answer_backlog(req, err) : status;
}
