/* SPDX-License-Identifier: Apache-2.0 */
/* How long readings are kept, and what that means. */
#include "api/render.h"
#include "api/routes.h"
#include "service/life.h"

static void render_members(struct hyp_json *json, const struct hyp_retention *retention)
{
    hyp_json_member_i64(json, "full_months", retention->full_months);
    hyp_json_member_i64(json, "day_months", retention->day_months);
    hyp_json_member_i64(json, "day_hour", retention->day_hour);
}

static void render_retention(struct hyp_json *json, const struct hyp_retention *retention)
{
    hyp_json_object_begin(json);
    render_members(json, retention);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_retention_get(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_retention retention;
    enum hyp_status status = hyp_life_retention(req->service, req->scope, &retention, err);
    if (status == HYP_OK) {
        render_retention(&req->json, &retention);
    }
    return status;
}

/* A member that is absent leaves its number as it is. */
static enum hyp_status read_number(const json_t *root, const char *name, int64_t *number,
                                   struct hyp_error *err)
{
    const json_t *value = json_object_get(root, name);
    if (value == NULL) {
        return HYP_OK;
    }
    if (!json_is_integer(value)) {
        return hyp_error_set(err, HYP_INVALID, -1, "%s: must be a whole number.", name);
    }
    *number = json_integer_value(value);
    return HYP_OK;
}

static enum hyp_status read_retention(const json_t *root, struct hyp_retention *retention,
                                      struct hyp_error *err)
{
    static const char *const known[] = {"full_months", "day_months", "day_hour", NULL};
    int64_t *const numbers[] = {&retention->full_months, &retention->day_months,
                                &retention->day_hour};
    enum hyp_status status = hyp_json_only(root, known, err);
    for (size_t i = 0; known[i] != NULL && status == HYP_OK; i++) {
        status = read_number(root, known[i], numbers[i], err);
    }
    return status;
}

enum hyp_status hyp_route_retention_change(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_retention retention;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_life_retention(req->service, req->scope, &retention, err);
    if (status == HYP_OK) {
        status = read_retention(root, &retention, err);
    }
    if (status == HYP_OK) {
        status = hyp_life_retention_set(req->service, req->scope, &retention, err);
    }
    json_decref(root);
    if (status == HYP_OK) {
        render_retention(&req->json, &retention);
    }
    return status;
}

/* --- plan --- */

/* The rule that is asked about: what the question leaves out is as it is set. */
static enum hyp_status read_question(struct hyp_request *req, struct hyp_retention *retention,
                                     struct hyp_error *err)
{
    enum hyp_status status =
        hyp_request_query_i64(req, "full_months", retention->full_months, 0,
                              HYP_LIMIT_RETENTION_MONTHS, &retention->full_months, err);
    if (status == HYP_OK) {
        status = hyp_request_query_i64(req, "day_months", retention->day_months, 0,
                                       HYP_LIMIT_RETENTION_MONTHS, &retention->day_months, err);
    }
    return status;
}

enum hyp_status hyp_route_retention_plan(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_retention retention;
    struct hyp_retention_plan plan;
    struct hyp_json *json = &req->json;
    enum hyp_status status = hyp_life_retention(req->service, req->scope, &retention, err);
    if (status == HYP_OK) {
        status = read_question(req, &retention, err);
    }
    if (status == HYP_OK) {
        status = hyp_life_retention_plan(req->service, req->scope, &retention, &plan, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(json);
    render_members(json, &retention);
    hyp_render_time(json, "thin_before", plan.thin_before);
    hyp_render_time(json, "remove_before", plan.remove_before);
    hyp_render_time(json, "oldest", plan.oldest);
    hyp_json_member_u64(json, "devices", plan.devices);
    hyp_json_member_u64(json, "thin_devices", plan.thin_devices);
    hyp_json_member_u64(json, "remove_devices", plan.remove_devices);
    hyp_render_time(json, "last_run", plan.last_run);
    hyp_json_member_u64(json, "last_values", plan.last_values);
    hyp_render_time(json, "next_run", plan.next_run);
    hyp_json_object_end(json);
    return HYP_OK;
}
