/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, their queues, scans. */
#include "api/render.h"
#include "api/routes.h"
#include "service/plant_json.h"

#include <string.h>

enum hyp_status hyp_route_lines_list(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_line_view *lines;
    size_t count;
    enum hyp_status status =
        hyp_lines_list(req->service, req->scope, &req->arena, &lines, &count, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_render_list_begin(&req->json, count, 0);
    for (size_t i = 0; i < count; i++) {
        hyp_render_line(&req->json, &lines[i]);
    }
    hyp_render_list_end(&req->json);
    return HYP_OK;
}

static enum hyp_status answer_line(struct hyp_request *req, hyp_line_id id,
                                   struct hyp_error *err)
{
    struct hyp_line_view view;
    enum hyp_status status = hyp_line_get(req->service, req->scope, id, &view, err);
    if (status == HYP_OK) {
        hyp_render_line(&req->json, &view);
    }
    return status;
}

enum hyp_status hyp_route_line_get(struct hyp_request *req, struct hyp_error *err)
{
    return answer_line(req, (hyp_line_id){req->ids[0]}, err);
}

/* A line that has just been stored: as it is now, or as it was given when that cannot be found
 * out. What is done is not answered as failed. */
static void answer_stored(struct hyp_request *req, struct hyp_line *line)
{
    struct hyp_line_view view;
    struct hyp_error ignored;
    bool has_password = line->password[0] != '\0';
    hyp_wipe(line->password, sizeof(line->password));
    if (hyp_line_get(req->service, req->scope, line->id, &view, &ignored) != HYP_OK) {
        view = (struct hyp_line_view){
            .line = *line, .has_password = has_password, .state.line = line->id};
    }
    hyp_render_line(&req->json, &view);
}

enum hyp_status hyp_route_line_add(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_line line;
    bool password_given;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_line_defaults(&line);
    status = hyp_line_read_json(root, &line, &password_given, err);
    json_decref(root);
    if (status == HYP_OK) {
        status = hyp_line_add(req->service, req->scope, &line, err);
    }
    if (status == HYP_OK) {
        answer_stored(req, &line);
        req->http_status = MHD_HTTP_CREATED;
        hyp_request_header(req, "Location",
                           hyp_request_text(req, "/api/v1/lines/%lld", (long long)line.id.id));
    }
    hyp_wipe(line.password, sizeof(line.password));
    return status;
}

enum hyp_status hyp_route_line_change(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_line_view view;
    bool password_given = false;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_line_get(req->service, req->scope, (hyp_line_id){req->ids[0]}, &view, err);
    if (status == HYP_OK) {
        view.line.revision = 0; /* without one in the body it cannot match */
        status = hyp_line_read_json(root, &view.line, &password_given, err);
    }
    json_decref(root);
    if (status == HYP_OK) {
        status = hyp_line_update(req->service, req->scope, &view.line, password_given, err);
    }
    if (status == HYP_OK) {
        answer_stored(req, &view.line);
    }
    hyp_wipe(view.line.password, sizeof(view.line.password));
    return status;
}

enum hyp_status hyp_route_line_remove(struct hyp_request *req, struct hyp_error *err)
{
    enum hyp_status status =
        hyp_line_remove(req->service, req->scope, (hyp_line_id){req->ids[0]}, err);
    return status == HYP_OK ? hyp_request_no_content(req) : status;
}

enum hyp_status hyp_route_line_queue(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_queue_view *queue;
    size_t count;
    enum hyp_status status = hyp_field_queue(
        req->service, req->scope, (hyp_line_id){req->ids[0]}, &req->arena, &queue, &count, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(&req->json);
    hyp_json_key(&req->json, "items");
    hyp_json_array_begin(&req->json);
    for (size_t i = 0; i < count; i++) {
        const struct hyp_queue_entry *entry = &queue[i].entry;
        hyp_json_object_begin(&req->json);
        hyp_json_member_u64(&req->json, "job", entry->job.id);
        hyp_json_member_i64(&req->json, "device", entry->device.id);
        hyp_json_member_text(&req->json, "device_name", queue[i].device_name);
        hyp_json_member_text(&req->json, "priority", hyp_render_priority(entry->priority));
        hyp_json_member_text(&req->json, "state", hyp_job_state_text(entry->state));
        hyp_render_time(&req->json, "queued", entry->queued);
        hyp_json_object_end(&req->json);
    }
    hyp_json_array_end(&req->json);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

/* --- scan --- */

static enum hyp_status read_address(const json_t *root, const char *name, uint8_t fallback,
                                    uint8_t *ret_address, struct hyp_error *err)
{
    const json_t *value = json_object_get(root, name);
    json_int_t number =
        value == NULL || json_is_null(value) ? fallback : json_integer_value(value);
    bool is_number = value == NULL || json_is_null(value) || json_is_integer(value);
    if (!is_number || number < 0 || number > 255) {
        return hyp_error_set(err, HYP_INVALID, -1, "%s: must be an address from 0 to 255.",
                             name);
    }
    *ret_address = (uint8_t)number;
    return HYP_OK;
}

static enum hyp_status read_bauds(const json_t *root, struct hyp_scan *scan,
                                  struct hyp_error *err)
{
    const json_t *list = json_object_get(root, "bauds");
    bool none = list == NULL || json_is_null(list);
    if (!none && (!json_is_array(list) || json_array_size(list) > HYP_SCAN_BAUDS)) {
        return hyp_error_set(err, HYP_INVALID, -1, "bauds: must be a list of at most %d rates.",
                             HYP_SCAN_BAUDS);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t baud = json_integer_value(json_array_get(list, i));
        if (baud < 1 || baud > UINT32_MAX || hyp_mbus_baud_index((uint32_t)baud) < 0) {
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "bauds: each must be a rate of the M-Bus: 300, 600, 1200, "
                                 "2400, 4800, 9600, 19200 or 38400.");
        }
        scan->bauds[i] = (uint32_t)baud;
    }
    return HYP_OK;
}

static enum hyp_status read_scan(const json_t *root, struct hyp_scan *scan,
                                 struct hyp_error *err)
{
    static const char *const known[] = {"mode",     "first", "last", "wildcard",
                                        "thorough", "bauds", NULL};
    struct hyp_str mode;
    struct hyp_str wildcard;
    enum hyp_status status = hyp_json_only(root, known, err);
    status = status == HYP_OK ? hyp_json_get_text(root, "mode", 16, &mode, err) : status;
    status = status == HYP_OK ? hyp_json_get_text(root, "wildcard", sizeof(scan->wildcard) - 1,
                                                  &wildcard, err)
                              : status;
    if (status != HYP_OK) {
        return status;
    }
    bool unit = hyp_str_equal(mode, HYP_STR("unit"));
    scan->secondary = hyp_str_equal(mode, HYP_STR("secondary"));
    if (!unit && !scan->secondary && !hyp_str_equal(mode, HYP_STR("primary"))) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "mode: must be \"primary\", \"secondary\" or \"unit\".");
    }
    hyp_text_copy(scan->wildcard, sizeof(scan->wildcard), wildcard);
    scan->thorough = json_is_true(json_object_get(root, "thorough"));
    status = read_bauds(root, scan, err);
    if (status == HYP_OK) {
        status = read_address(root, "first", unit ? 1 : 0, &scan->first, err);
    }
    if (status == HYP_OK) {
        status = read_address(root, "last", unit ? 247 : 250, &scan->last, err);
    }
    if (status == HYP_OK && scan->first > scan->last) {
        status = hyp_error_set(err, HYP_INVALID, -1, "first: must not be above last.");
    }
    return status;
}

enum hyp_status hyp_route_line_scan(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_scan scan = {.line = {req->ids[0]}};
    struct hyp_job job;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = read_scan(root, &scan, err);
    json_decref(root);
    if (status == HYP_OK) {
        status = hyp_field_scan(req->service, req->scope, &scan, &job, err);
    }
    if (status == HYP_OK) {
        req->http_status = MHD_HTTP_ACCEPTED;
        hyp_render_job(&req->json, &job);
    }
    return status;
}
