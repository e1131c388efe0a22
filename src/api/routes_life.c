/* SPDX-License-Identifier: Apache-2.0 */
/* Values that people type in, versions of values, forgetting. */
#include "api/render.h"
#include "api/routes.h"
#include "service/devices.h"
#include "service/life.h"
#include "service/people.h"

/* --- entering --- */

/* A time that must be there. */
static enum hyp_status read_time(const json_t *root, const char *name, hyp_utc *ret_time,
                                 struct hyp_error *err)
{
    struct hyp_str text;
    enum hyp_status status = hyp_json_get_text(root, name, 40, &text, err);
    if (status == HYP_OK && hyp_utc_parse(text, ret_time) != HYP_OK) {
        status = hyp_error_set(err, HYP_INVALID, -1,
                               "%s: must be a time like 2026-01-31T00:00:00Z.", name);
    }
    return status;
}

static enum hyp_status read_typed(const json_t *root, struct hyp_typed_value *typed,
                                  struct hyp_error *err)
{
    static const char *const known[] = {"key",     "unit",   "value",   "time",
                                        "quality", "reason", "confirm", NULL};
    const struct {
        const char *name;
        size_t max;
        struct hyp_str *text;
    } texts[] = {
        {"key",     HYP_POINT_KEY_TEXT_MAX, &typed->key    },
        {"unit",    16,                     &typed->unit   },
        {"value",   40,                     &typed->number },
        {"quality", 16,                     &typed->quality},
        {"reason",  HYP_ERROR_TEXT_MAX - 1, &typed->reason },
    };
    enum hyp_status status = hyp_json_only(root, known, err);
    for (size_t i = 0; i < HYP_ARRAY_LEN(texts) && status == HYP_OK; i++) {
        status = hyp_json_get_text(root, texts[i].name, texts[i].max, texts[i].text, err);
    }
    const json_t *confirm = json_object_get(root, "confirm");
    typed->confirmed = json_is_true(confirm);
    if (status == HYP_OK && confirm != NULL && !json_is_boolean(confirm)) {
        status = hyp_error_set(err, HYP_INVALID, -1, "confirm: must be true or false.");
    }
    return status == HYP_OK ? read_time(root, "time", &typed->time, err) : status;
}

enum hyp_status hyp_route_value_enter(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_typed_value typed = {.device.id = req->ids[0]};
    bool stored = false;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = read_typed(root, &typed, err);
    if (status == HYP_OK) {
        status = hyp_life_enter(req->service, req->scope, &typed, &req->arena, &stored, err);
    }
    json_decref(root);
    if (status == HYP_OK) {
        req->http_status = stored ? MHD_HTTP_CREATED : MHD_HTTP_OK;
        hyp_json_object_begin(&req->json);
        hyp_json_member_bool(&req->json, "stored", stored);
        hyp_json_object_end(&req->json);
    }
    return status;
}

/* --- versions --- */

static void render_version(struct hyp_json *json, const struct hyp_version *version)
{
    hyp_json_object_begin(json);
    hyp_render_time(json, "time", version->value.time);
    hyp_render_payload(json, &version->value, NULL);
    hyp_json_member_text(json, "reading", hyp_reading_kind_text(version->kind));
    hyp_json_member_text(json, "source", hyp_reading_source_text(version->value.source));
    hyp_render_time(json, "received", version->receive_time);
    hyp_json_member_bool(json, "shown", version->shown);
    if (version->frame.id == 0) {
        hyp_json_member_null(json, "frame");
    } else {
        hyp_json_member_i64(json, "frame", version->frame.id);
    }
    hyp_json_member_text(json, "author", version->author == NULL ? "" : version->author);
    hyp_json_member_text(json, "reason", version->reason == NULL ? "" : version->reason);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_point_history(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_version_query query = {.point.id = req->ids[0], .limit = HYP_LIMIT_PAGE};
    struct hyp_version *versions = NULL;
    size_t count = 0;
    enum hyp_status status =
        hyp_request_query_time(req, "from", (hyp_utc){0}, &query.from, err);
    if (status == HYP_OK) {
        status =
            hyp_request_query_time(req, "to", (hyp_utc){HYP_FAR_FUTURE_MS}, &query.to, err);
    }
    if (status == HYP_OK) {
        status = hyp_life_versions(req->service, req->scope, &query, &req->arena, &versions,
                                   &count, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(&req->json);
    hyp_json_member_i64(&req->json, "point", query.point.id);
    hyp_json_key(&req->json, "items");
    hyp_json_array_begin(&req->json);
    for (size_t i = 0; i < count; i++) {
        render_version(&req->json, &versions[i]);
    }
    hyp_json_array_end(&req->json);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

/* --- forgetting --- */

/* Backups that have it still. */
static void render_holding(struct hyp_json *json, const struct hyp_holding *list, size_t count)
{
    hyp_json_key(json, "backups");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        hyp_json_object_begin(json);
        hyp_json_member_text(json, "name", list[i].backup->name);
        hyp_render_time(json, "time", list[i].backup->time);
        hyp_json_member_text(json, "state", hyp_backup_state_text(list[i].backup->state));
        hyp_render_time(json, "goes", list[i].goes);
        hyp_json_object_end(json);
    }
    hyp_json_array_end(json);
}

static void render_one(struct hyp_request *req, const struct hyp_forgotten *forgotten,
                       const struct hyp_life_backups *backups)
{
    struct hyp_json *json = &req->json;
    size_t count = hyp_backups_holding(&backups->report, forgotten->ended, backups->room);
    struct hyp_plant_names names;
    char author[HYP_LIMIT_NAME];
    hyp_plant_names(req->service, req->scope, forgotten->device, (hyp_line_id){0}, &names);
    hyp_people_name(req->service, forgotten->user, author, sizeof(author));
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "id", forgotten->id);
    hyp_json_member_i64(json, "device", forgotten->device.id);
    hyp_json_member_text(json, "device_name", names.device);
    hyp_render_time(json, "from", forgotten->from);
    hyp_render_time(json, "to", forgotten->to);
    hyp_json_member_i64(json, "user", forgotten->user);
    hyp_json_member_text(json, "user_name", author);
    hyp_json_member_text(json, "reason", forgotten->reason);
    hyp_render_time(json, "requested", forgotten->requested);
    hyp_render_time(json, "ended", forgotten->ended);
    hyp_json_member_u64(json, "readings", forgotten->readings);
    hyp_json_member_u64(json, "frames", forgotten->frames);
    render_holding(json, backups->room, count);
    hyp_json_member_text(json, "copies", hyp_life_unseen_copies(req->service));
    hyp_json_object_end(json);
}

static enum hyp_status read_forgotten(const json_t *root, struct hyp_forgotten *forgotten,
                                      struct hyp_error *err)
{
    static const char *const known[] = {"from", "to", "reason", NULL};
    struct hyp_str reason = {0};
    enum hyp_status status = hyp_json_only(root, known, err);
    if (status == HYP_OK) {
        status = hyp_json_get_text(root, "reason", sizeof(forgotten->reason) - 1, &reason, err);
    }
    if (status == HYP_OK) {
        status = read_time(root, "from", &forgotten->from, err);
    }
    if (status == HYP_OK) {
        status = read_time(root, "to", &forgotten->to, err);
    }
    hyp_text_copy(forgotten->reason, sizeof(forgotten->reason), hyp_str_trim(reason));
    return status;
}

enum hyp_status hyp_route_device_forget(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_forgotten forgotten = {.device.id = req->ids[0]};
    struct hyp_life_backups backups;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = read_forgotten(root, &forgotten, err);
    if (status == HYP_OK) {
        /* Before: once the readings are forgotten nothing may fail. */
        status = hyp_life_backups(req->service, req->scope, &req->arena, &backups, err);
    }
    if (status == HYP_OK) {
        status = hyp_life_forget(req->service, req->scope, &forgotten, err);
    }
    json_decref(root);
    if (status == HYP_OK) {
        req->http_status = MHD_HTTP_ACCEPTED;
        render_one(req, &forgotten, &backups);
    }
    return status;
}

enum hyp_status hyp_route_forgotten_list(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_forgotten *list = NULL;
    size_t count = 0;
    struct hyp_life_backups backups;
    enum hyp_status status =
        hyp_life_forgotten(req->service, req->scope, &req->arena, &list, &count, err);
    if (status == HYP_OK) {
        status = hyp_life_backups(req->service, req->scope, &req->arena, &backups, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_render_list_begin(&req->json, count, 0);
    for (size_t i = 0; i < count; i++) {
        render_one(req, &list[i], &backups);
    }
    hyp_render_list_end(&req->json);
    return HYP_OK;
}

/* A request that says what it does, so that nobody does it by mistake. */
static enum hyp_status read_confirmation(struct hyp_request *req, struct hyp_error *err)
{
    static const char *const known[] = {"confirm", NULL};
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_json_only(root, known, err);
    if (status == HYP_OK && !json_is_true(json_object_get(root, "confirm"))) {
        status = hyp_error_set(err, HYP_INVALID, -1,
                               "confirm: must be true; older states of the plant go too.");
    }
    json_decref(root);
    return status;
}

enum hyp_status hyp_route_forgotten_backups_replace(struct hyp_request *req,
                                                    struct hyp_error *err)
{
    struct hyp_life_removal removal;
    enum hyp_status status = read_confirmation(req, err);
    if (status == HYP_OK) {
        status = hyp_life_remove_backups(req->service, req->scope, req->ids[0], &req->arena,
                                         &removal, err);
    }
    if (status == HYP_OK) {
        req->http_status = MHD_HTTP_ACCEPTED;
        render_one(req, &removal.forgotten, &removal.backups);
    }
    return status;
}
