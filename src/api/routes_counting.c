/* SPDX-License-Identifier: Apache-2.0 */
/* How a register counts: digits, settlement, exchanges and resets. */
#include "api/inside.h"
#include "api/render.h"
#include "api/routes.h"
#include "service/counting.h"
#include "service/people.h"

static void render_entry(struct hyp_request *req, const struct hyp_counter_entry *entry)
{
    struct hyp_json *json = &req->json;
    char author[HYP_LIMIT_NAME];
    hyp_people_name(req->service, entry->author, author, sizeof(author));
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "id", entry->id);
    hyp_render_time(json, "time", entry->time);
    hyp_json_member_text(json, "kind", hyp_counter_entry_kind_text(entry->kind));
    hyp_json_key(json, "closing");
    hyp_json_decimal(json, entry->closing);
    hyp_json_key(json, "opening");
    hyp_json_decimal(json, entry->opening);
    hyp_json_key(json, "user");
    if (entry->author == 0) {
        hyp_json_null(json);
    } else {
        hyp_json_i64(json, entry->author);
    }
    hyp_json_member_text(json, "user_name", author);
    hyp_render_time(json, "entered", entry->entered);
    hyp_json_member_text(json, "note", entry->note);
    hyp_json_object_end(json);
}

static void render_view(struct hyp_request *req, const struct hyp_counting_view *view)
{
    struct hyp_json *json = &req->json;
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "point", view->point.id.id);
    hyp_json_member_i64(json, "device", view->point.device.id);
    hyp_json_member_text(json, "unit", hyp_unit_text(view->point.unit));
    hyp_json_key(json, "digits");
    if (view->counting.digits == 0) {
        hyp_json_null(json);
    } else {
        hyp_json_i64(json, view->counting.digits);
    }
    hyp_json_member_i64(json, "settlement_day", view->counting.settlement_day);
    hyp_json_member_i64(json, "settlement_hour", view->counting.settlement_hour);
    hyp_json_key(json, "events");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < view->entry_count; i++) {
        render_entry(req, &view->entries[i]);
    }
    hyp_json_array_end(json);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_counting_get(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_counting_view view;
    enum hyp_status status = hyp_counting_get(
        req->service, req->scope, (hyp_point_id){req->ids[0]}, &req->arena, &view, err);
    if (status == HYP_OK) {
        render_view(req, &view);
    }
    return status;
}

/* A whole number, if the member is there; null means `none`. */
static enum hyp_status take_number(const json_t *root, const char *name, int none, int *number,
                                   struct hyp_error *err)
{
    const json_t *member = json_object_get(root, name);
    if (member == NULL) {
        return HYP_OK;
    }
    bool small = json_is_integer(member) && json_integer_value(member) >= -1 &&
                 json_integer_value(member) <= 1000;
    if (!small && !(json_is_null(member) && none >= 0)) {
        return hyp_error_set(err, HYP_INVALID, -1, "%s: must be a small whole number.", name);
    }
    *number = small ? (int)json_integer_value(member) : none;
    return HYP_OK;
}

static enum hyp_status read_counting(const json_t *root, struct hyp_counting *counting,
                                     struct hyp_error *err)
{
    static const char *const known[] = {"digits", "settlement_day", "settlement_hour", NULL};
    enum hyp_status status = hyp_json_only(root, known, err);
    if (status == HYP_OK) {
        status = take_number(root, "digits", 0, &counting->digits, err);
    }
    if (status == HYP_OK) {
        status = take_number(root, "settlement_day", -1, &counting->settlement_day, err);
    }
    if (status == HYP_OK) {
        status = take_number(root, "settlement_hour", -1, &counting->settlement_hour, err);
    }
    return status;
}

enum hyp_status hyp_route_counting_change(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_counting_view view;
    json_t *root;
    hyp_point_id point = {req->ids[0]};
    enum hyp_status status =
        hyp_counting_get(req->service, req->scope, point, &req->arena, &view, err);
    if (status == HYP_OK) {
        status = hyp_request_json(req, &root, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    status = read_counting(root, &view.counting, err);
    json_decref(root);
    if (status == HYP_OK) {
        status = hyp_counting_set(req->service, req->scope, point, &view.counting, err);
    }
    if (status == HYP_OK) {
        render_view(req, &view);
    }
    return status;
}

/* --- exchanges and resets --- */

/* Exact: as text, or as a number that JSON holds exactly anyway. */
static enum hyp_status read_decimal(const json_t *root, const char *name,
                                    struct hyp_decimal *ret_value, struct hyp_error *err)
{
    const json_t *member = json_object_get(root, name);
    enum hyp_status status = HYP_INVALID;
    if (json_is_string(member)) {
        status = hyp_decimal_parse(hyp_str_from(json_string_value(member)), ret_value);
    } else if (json_is_integer(member)) {
        *ret_value = (struct hyp_decimal){json_integer_value(member), 0};
        status = HYP_OK;
    } else if (json_is_real(member)) {
        status = hyp_decimal_from_double(json_real_value(member), ret_value);
    }
    return status == HYP_OK
               ? HYP_OK
               : hyp_error_set(err, HYP_INVALID, -1, "%s: must be a number like 1234.5.", name);
}

static enum hyp_status read_entry(const json_t *root, struct hyp_counter_entry *entry,
                                  struct hyp_error *err)
{
    static const char *const known[] = {"time", "kind", "closing", "opening", "note", NULL};
    struct hyp_str time = {"", 0};
    struct hyp_str kind = {"", 0};
    struct hyp_str note = {"", 0};
    enum hyp_status status = hyp_json_only(root, known, err);
    status = status == HYP_OK ? hyp_json_get_text(root, "time", 40, &time, err) : status;
    status = status == HYP_OK ? hyp_json_get_text(root, "kind", 16, &kind, err) : status;
    status = status == HYP_OK ? hyp_json_get_text(root, "note", HYP_LIMIT_NAME - 1, &note, err)
                              : status;
    status = status == HYP_OK ? read_decimal(root, "closing", &entry->closing, err) : status;
    status = status == HYP_OK ? read_decimal(root, "opening", &entry->opening, err) : status;
    if (status != HYP_OK) {
        return status;
    }
    hyp_text_copy(entry->note, sizeof(entry->note), note);
    if (hyp_counter_entry_kind_find(kind, &entry->kind) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1, "kind: must be \"exchange\" or \"reset\".");
    }
    return hyp_utc_parse(time, &entry->time) == HYP_OK
               ? HYP_OK
               : hyp_error_set(err, HYP_INVALID, -1,
                               "time: must be a time like 2026-01-31T14:05:09Z.");
}

enum hyp_status hyp_route_counting_event_add(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_counter_entry entry = {.point.id = req->ids[0]};
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = read_entry(root, &entry, err);
    json_decref(root);
    if (status == HYP_OK) {
        status = hyp_counting_entry_add(req->service, req->scope, &entry, err);
    }
    if (status == HYP_OK) {
        req->http_status = MHD_HTTP_CREATED;
        render_entry(req, &entry);
    }
    return status;
}

enum hyp_status hyp_route_counting_event_remove(struct hyp_request *req, struct hyp_error *err)
{
    enum hyp_status status = hyp_counting_entry_remove(
        req->service, req->scope, (hyp_point_id){req->ids[0]}, req->ids[1], err);
    return status == HYP_OK ? hyp_request_no_content(req) : status;
}
