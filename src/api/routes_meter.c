/* SPDX-License-Identifier: Apache-2.0 */
/* Commands to wired meters. Each answers with the job that carries it out. */
#include "api/render.h"
#include "api/routes.h"
#include "service/plant_json.h"

/* The only member of the body, a whole number; absent or null is `fallback` where there is one.
 */
static enum hyp_status read_number(struct hyp_request *req, const char *name, bool optional,
                                   int32_t *ret_value, struct hyp_error *err)
{
    const char *const known[] = {name, NULL};
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_json_only(root, known, err);
    const json_t *value = json_object_get(root, name);
    bool absent = value == NULL || json_is_null(value);
    json_int_t number = absent ? -1 : json_integer_value(value);
    bool good =
        absent ? optional : json_is_integer(value) && number >= 0 && number <= INT32_MAX;
    json_decref(root);
    if (status == HYP_OK && !good) {
        status = hyp_error_set(err, HYP_INVALID, -1, "%s: must be a whole number.", name);
    }
    *ret_value = (int32_t)number;
    return status;
}

static enum hyp_status run(struct hyp_request *req, enum hyp_meter_command_kind kind,
                           const char *member, bool optional, struct hyp_error *err)
{
    struct hyp_meter_command command = {.kind = kind, .device = {req->ids[0]}};
    struct hyp_job job;
    enum hyp_status status = read_number(req, member, optional, &command.value, err);
    if (status == HYP_OK) {
        status = hyp_field_command(req->service, req->scope, &command, &job, err);
    }
    if (status == HYP_OK) {
        req->http_status = MHD_HTTP_ACCEPTED;
        hyp_render_job(&req->json, &job);
    }
    return status;
}

enum hyp_status hyp_route_meter_reset(struct hyp_request *req, struct hyp_error *err)
{
    return run(req, HYP_METER_RESET_APPLICATION, "subcode", true, err);
}

enum hyp_status hyp_route_meter_address(struct hyp_request *req, struct hyp_error *err)
{
    return run(req, HYP_METER_SET_ADDRESS, "address", false, err);
}

enum hyp_status hyp_route_meter_baud(struct hyp_request *req, struct hyp_error *err)
{
    return run(req, HYP_METER_SET_BAUD, "baud", false, err);
}
