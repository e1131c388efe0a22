/* SPDX-License-Identifier: Apache-2.0 */
/* Read now, test, jobs, what is on the air, intake. */
#include "api/render.h"
#include "api/routes.h"
#include "service/plant_json.h"

#include <string.h>

enum hyp_status hyp_route_device_read(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_job job;
    hyp_device_id id = {req->ids[0]};
    enum hyp_status status = hyp_field_read(req->service, req->scope, &id, 1, &job, err);
    if (status == HYP_OK) {
        req->http_status = MHD_HTTP_ACCEPTED;
        hyp_render_job(&req->json, &job);
    }
    return status;
}

enum hyp_status hyp_route_read(struct hyp_request *req, struct hyp_error *err)
{
    static const char *const known[] = {"devices", NULL};
    hyp_device_id *ids;
    size_t count;
    struct hyp_job job;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_json_only(root, known, err);
    if (status == HYP_OK) {
        status = hyp_read_device_ids(req, root, "devices", &ids, &count, err);
    }
    json_decref(root);
    if (status == HYP_OK) {
        status = hyp_field_read(req->service, req->scope, ids, count, &job, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    req->http_status = MHD_HTTP_ACCEPTED;
    hyp_json_object_begin(&req->json);
    hyp_json_key(&req->json, "jobs");
    hyp_json_array_begin(&req->json);
    hyp_render_job(&req->json, &job);
    hyp_json_array_end(&req->json);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

enum hyp_status hyp_route_device_test(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_device device;
    struct hyp_job job;
    bool key_given;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_device_defaults(&device);
    status = hyp_device_read_json(root, &device, &key_given, err);
    json_decref(root);
    if (status == HYP_OK) {
        status = hyp_field_test(req->service, req->scope, &device, &job, err);
    }
    hyp_wipe(&device.key, sizeof(device.key));
    if (status == HYP_OK) {
        req->http_status = MHD_HTTP_ACCEPTED;
        hyp_render_job(&req->json, &job);
    }
    return status;
}

/* A job with the names that a list shows. */
static void render_named_members(struct hyp_request *req, const struct hyp_job *job)
{
    struct hyp_plant_names names;
    hyp_plant_names(req->service, req->scope, job->device, job->line, &names);
    hyp_render_job_members(&req->json, job);
    hyp_json_member_text(&req->json, "device_name", names.device);
    hyp_json_member_text(&req->json, "line_name", names.line);
}

enum hyp_status hyp_route_jobs_list(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_job *jobs;
    struct hyp_page page;
    size_t count;
    enum hyp_status status = hyp_request_page(req, &page, err);
    if (status == HYP_OK) {
        status = hyp_field_jobs(req->service, req->scope, &req->arena, &jobs, &count, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_render_list_begin(&req->json, count, page.offset);
    for (size_t i = page.offset; i < count && i - page.offset < page.limit; i++) {
        hyp_json_object_begin(&req->json);
        render_named_members(req, &jobs[i]);
        hyp_json_object_end(&req->json);
    }
    hyp_render_list_end(&req->json);
    return HYP_OK;
}

static void render_test(struct hyp_request *req, const struct hyp_job_detail *detail)
{
    const struct hyp_profile *profile =
        hyp_library_find(hyp_service_library(req->service), detail->profile);
    hyp_json_key(&req->json, "values");
    hyp_json_array_begin(&req->json);
    for (size_t i = 0; i < detail->value_count; i++) {
        hyp_render_value(&req->json, &detail->values[i], profile);
    }
    hyp_json_array_end(&req->json);
    hyp_json_key(&req->json, "meter");
    hyp_render_meter(&req->json, &detail->meter);
    hyp_json_member_str(&req->json, "profile", detail->profile);
    hyp_json_member_text(&req->json, "profile_title",
                         profile == NULL ? "" : hyp_profile_info(profile)->title);
}

enum hyp_status hyp_route_job_get(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_job_detail detail;
    hyp_job_id id = {(uint64_t)req->ids[0]};
    enum hyp_status status =
        hyp_field_job_detail(req->service, req->scope, id, &req->arena, &detail, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(&req->json);
    render_named_members(req, &detail.job);
    if (detail.job.kind == HYP_JOB_SCAN) {
        hyp_json_key(&req->json, "results");
        hyp_json_array_begin(&req->json);
        for (size_t i = 0; i < detail.found_count; i++) {
            hyp_render_found(&req->json, &detail.found[i], hyp_service_library(req->service));
        }
        hyp_json_array_end(&req->json);
    }
    if (detail.has_values) {
        render_test(req, &detail);
    }
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

enum hyp_status hyp_route_job_cancel(struct hyp_request *req, struct hyp_error *err)
{
    hyp_job_id id = {(uint64_t)req->ids[0]};
    enum hyp_status status = hyp_field_cancel(req->service, req->scope, id, err);
    return status == HYP_OK ? hyp_request_no_content(req) : status;
}

enum hyp_status hyp_route_heard(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_found_device *found;
    size_t count;
    enum hyp_status status =
        hyp_field_heard(req->service, req->scope, &req->arena, &found, &count, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_render_list_begin(&req->json, count, 0);
    for (size_t i = 0; i < count; i++) {
        hyp_render_found(&req->json, &found[i], hyp_service_library(req->service));
    }
    hyp_render_list_end(&req->json);
    return HYP_OK;
}

/* --- intake: the answer comes after the commit --- */

static void answer_intake(struct hyp_request *req)
{
    const struct hyp_intake_result *result = req->deferred_data;
    if (result->status != HYP_OK) {
        struct hyp_error err = {.offset = -1};
        hyp_text_copy(err.text, sizeof(err.text), hyp_str_from(result->first_error));
        hyp_request_fail(req, result->status, &err);
        return;
    }
    hyp_json_object_begin(&req->json);
    hyp_json_member_u64(&req->json, "lines", result->lines);
    hyp_json_member_u64(&req->json, "readings", result->readings);
    hyp_json_member_u64(&req->json, "unknown", result->unknown);
    hyp_json_member_u64(&req->json, "refused", result->refused);
    hyp_json_member_text(&req->json, "first_error", result->first_error);
    hyp_json_object_end(&req->json);
}

static void intake_done(void *user, const struct hyp_intake_result *result)
{
    struct hyp_request *req = user;
    struct hyp_intake_result *kept = req->deferred_data;
    *kept = *result;
    hyp_request_finish(req);
}

enum hyp_status hyp_route_intake(struct hyp_request *req, struct hyp_error *err)
{
    req->deferred_data = hyp_arena_alloc(&req->arena, sizeof(struct hyp_intake_result));
    if (req->deferred_data == NULL) {
        return HYP_NO_MEMORY;
    }
    hyp_request_defer(req, answer_intake);
    enum hyp_status status =
        hyp_field_intake(req->service, req->scope, hyp_buf_view(&req->body), HYP_SOURCE_PUSH,
                         intake_done, req, err);
    if (status != HYP_OK) {
        hyp_request_not_deferred(req);
    }
    return status;
}
