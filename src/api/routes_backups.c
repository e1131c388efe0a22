/* SPDX-License-Identifier: Apache-2.0 */
/* The server's daily backups. */
#include "api/render.h"
#include "api/routes.h"
#include "service/backups.h"

static void render_backup(struct hyp_json *json, const struct hyp_backup *backup)
{
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "name", backup->name);
    hyp_render_time(json, "time", backup->time);
    hyp_json_member_i64(json, "bytes", backup->bytes);
    hyp_json_member_text(json, "state", hyp_backup_state_text(backup->state));
    hyp_json_object_end(json);
}

static void render_minute(struct hyp_json *json, const char *key, int minute_of_day)
{
    char text[8];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_buf_append_fmt(&buf, "%02d:%02d", minute_of_day / 60, minute_of_day % 60);
    hyp_json_member_text(json, key, hyp_buf_terminate(&buf));
}

static void render_report(struct hyp_json *json, bool made,
                          const struct hyp_backups_report *report)
{
    hyp_json_member_bool(json, "enabled", made);
    hyp_json_member_text(json, "folder", report->folder);
    render_minute(json, "at", report->minute_of_day);
    hyp_json_member_u64(json, "keep", report->keep);
    hyp_json_member_bool(json, "running", report->running);
    hyp_render_time(json, "next", report->next);
    hyp_render_time(json, "last_attempt", report->last_attempt);
    hyp_render_time(json, "last_success", report->last_success);
    hyp_json_member_text(json, "last_status", hyp_status_name(report->last_status));
    hyp_json_member_text(json, "last_error", report->last_error);
}

static enum hyp_status render_backups(struct hyp_request *req, struct hyp_error *err)
{
    bool made = false;
    struct hyp_backups_report report;
    struct hyp_json *json = &req->json;
    enum hyp_status status =
        hyp_service_backups(req->service, req->scope, &req->arena, &made, &report, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_render_list_begin(json, report.count, 0);
    for (size_t i = 0; i < report.count; i++) {
        render_backup(json, &report.list[i]);
    }
    hyp_json_array_end(json);
    render_report(json, made, &report);
    hyp_json_object_end(json);
    return HYP_OK;
}

enum hyp_status hyp_route_backups_list(struct hyp_request *req, struct hyp_error *err)
{
    return render_backups(req, err);
}

enum hyp_status hyp_route_backup_make(struct hyp_request *req, struct hyp_error *err)
{
    enum hyp_status status = hyp_service_backups_ask(req->service, req->scope, err);
    if (status != HYP_OK) {
        return status;
    }
    req->http_status = MHD_HTTP_ACCEPTED;
    return render_backups(req, err);
}
