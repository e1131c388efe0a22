/* SPDX-License-Identifier: Apache-2.0 */
/* How it stands with reaching a device: state, history, and who hears it. */
#include "api/render.h"
#include "api/routes.h"
#include "service/reception.h"

static void render_signal(struct hyp_json *json, const char *name, int16_t dbm)
{
    hyp_json_key(json, name);
    if (dbm == 0) {
        hyp_json_null(json);
    } else {
        hyp_json_i64(json, dbm);
    }
}

static void render_receiver(struct hyp_json *json, const struct hyp_receiver_view *receiver)
{
    const struct hyp_heard_by *heard = &receiver->heard;
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "line", heard->line.id);
    hyp_json_member_text(json, "line_name", receiver->line_name);
    hyp_render_time(json, "last_heard", heard->last_heard);
    hyp_json_member_u64(json, "telegrams", heard->telegrams);
    hyp_json_member_u64(json, "of", heard->of);
    render_signal(json, "last_dbm", heard->last_dbm);
    render_signal(json, "best_dbm", heard->best_dbm);
    hyp_json_member_bool(json, "newest", heard->newest);
    hyp_json_object_end(json);
}

/* null for a device that was never heard by radio. */
static void render_reception(struct hyp_json *json, const struct hyp_reception_view *view)
{
    hyp_json_key(json, "reception");
    if (view->state.count == 0) {
        hyp_json_null(json);
        return;
    }
    hyp_json_object_begin(json);
    hyp_json_member_u64(json, "telegrams", view->state.telegrams);
    hyp_render_time(json, "last_heard", view->state.last_heard);
    render_signal(json, "best_dbm", view->state.best_dbm);
    hyp_json_key(json, "receivers");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < view->count; i++) {
        render_receiver(json, &view->receivers[i]);
    }
    hyp_json_array_end(json);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_communication(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_device_view view;
    struct hyp_comm_event *events;
    struct hyp_reception_view reception;
    size_t count;
    struct hyp_json *json = &req->json;
    hyp_device_id id = {req->ids[0]};
    enum hyp_status status =
        hyp_device_get(req->service, req->scope, id, &req->arena, &view, NULL, err);
    if (status == HYP_OK) {
        status = hyp_field_comm_events(req->service, req->scope, id, &req->arena, &events,
                                       &count, err);
    }
    if (status == HYP_OK) {
        status = hyp_reception_get(req->service, req->scope, id, &reception, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "state", hyp_condition_text(view.condition));
    hyp_render_time(json, "last_reading", view.last_reading);
    hyp_render_comm_members(json, &view.comm);
    hyp_render_time(json, "next_due", hyp_device_next_due(req->service, &view));
    hyp_json_member_bool(json, "backing_off", view.backing_off);
    hyp_json_member_text(json, "job", hyp_job_state_text(view.job));
    render_reception(json, &reception);
    hyp_json_key(json, "events");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        hyp_json_object_begin(json);
        hyp_render_time(json, "time", events[i].time);
        hyp_json_member_text(json, "status", hyp_status_name(events[i].status));
        hyp_json_member_text(json, "text", events[i].text);
        hyp_json_object_end(json);
    }
    hyp_json_array_end(json);
    hyp_json_object_end(json);
    return HYP_OK;
}
