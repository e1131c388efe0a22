/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, their communication, keys, manifests and groups. */
#include "api/render.h"
#include "api/routes.h"
#include "service/manifest.h"
#include "service/plant_json.h"

#include <string.h>

/* --- list --- */

static const struct sort_row {
    const char *name;
    enum hyp_device_sort sort;
} sort_rows[] = {
    {"name",         HYP_SORT_NAME        },
    {"serial",       HYP_SORT_SERIAL      },
    {"kind",         HYP_SORT_KIND        },
    {"address",      HYP_SORT_ADDRESS     },
    {"city",         HYP_SORT_CITY        },
    {"line",         HYP_SORT_LINE        },
    {"line_name",    HYP_SORT_LINE        },
    {"state",        HYP_SORT_STATE       },
    {"profile",      HYP_SORT_PROFILE     },
    {"manufacturer", HYP_SORT_MANUFACTURER},
    {"last_success", HYP_SORT_LAST_SUCCESS},
    {"last_reading", HYP_SORT_LAST_READING},
    {"last_attempt", HYP_SORT_LAST_ATTEMPT},
    {"created",      HYP_SORT_CREATED     },
    {"id",           HYP_SORT_ID          },
};

static enum hyp_status read_sort(struct hyp_request *req, struct hyp_device_query *query,
                                 struct hyp_error *err)
{
    struct hyp_str text = hyp_request_query(req, "sort");
    if (text.len == 0) {
        return HYP_OK;
    }
    if (text.ptr[0] == '-') {
        query->descending = true;
        text = (struct hyp_str){text.ptr + 1, text.len - 1};
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(sort_rows); i++) {
        if (hyp_str_equal(text, hyp_str_from(sort_rows[i].name))) {
            query->sort = sort_rows[i].sort;
            return HYP_OK;
        }
    }
    return hyp_error_set(err, HYP_INVALID, -1,
                         "sort: cannot sort by \"%.*s\"; see the documentation for the list.",
                         (int)HYP_MIN(text.len, (size_t)40), text.ptr);
}

static enum hyp_status read_states(struct hyp_request *req, struct hyp_device_query *query,
                                   struct hyp_error *err)
{
    struct hyp_str rest = hyp_request_query(req, "state");
    struct hyp_str part;
    while (rest.len > 0 && hyp_str_split_next(&rest, ',', &part)) {
        enum hyp_condition condition;
        if (hyp_condition_find(part, &condition) != HYP_OK) {
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "state: must be ok, stale, failing, never or disabled.");
        }
        query->conditions |= 1u << condition;
    }
    return HYP_OK;
}

static enum hyp_status read_query(struct hyp_request *req, struct hyp_device_query *query,
                                  int64_t *ret_group, struct hyp_error *err)
{
    struct hyp_page page;
    *query = (struct hyp_device_query){
        .search = hyp_request_query(req, "search"),
        .kind = hyp_request_query(req, "kind"),
        .profile = hyp_request_query(req, "profile"),
    };
    enum hyp_status status = hyp_request_page(req, &page, err);
    if (status == HYP_OK) {
        status =
            hyp_request_query_i64(req, "line", HYP_LINE_ANY, 0, INT64_MAX, &query->line, err);
    }
    if (status == HYP_OK) {
        status = hyp_request_query_i64(req, "group", 0, 0, INT64_MAX, ret_group, err);
    }
    if (status == HYP_OK) {
        status = read_states(req, query, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    query->offset = page.offset;
    query->limit = page.limit;
    return read_sort(req, query, err);
}

static void render_facets(struct hyp_json *json, const struct hyp_device_page *page)
{
    hyp_json_key(json, "facets");
    hyp_json_object_begin(json);
    hyp_json_key(json, "kind");
    hyp_json_object_begin(json);
    for (size_t i = 0; i < page->kind_count; i++) {
        hyp_json_member_u64(json, page->kinds[i].key.ptr, page->kinds[i].count);
    }
    hyp_json_object_end(json);
    hyp_json_key(json, "state");
    hyp_json_object_begin(json);
    for (int i = 0; i < HYP_CONDITION_COUNT; i++) {
        hyp_json_member_u64(json, hyp_condition_text((enum hyp_condition)i),
                            page->conditions[i]);
    }
    hyp_json_object_end(json);
    hyp_json_key(json, "line");
    hyp_json_object_begin(json);
    for (size_t i = 0; i < page->line_count; i++) {
        char text[24];
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, text, sizeof(text));
        hyp_buf_append_i64(&buf, page->lines[i].line);
        hyp_json_member_u64(json, hyp_buf_terminate(&buf), page->lines[i].count);
    }
    hyp_json_object_end(json);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_devices_list(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_device_query query;
    struct hyp_device_page page;
    struct hyp_device_extra *extras;
    int64_t group;
    enum hyp_status status = read_query(req, &query, &group, err);
    if (status == HYP_OK) {
        status = hyp_devices_list(req->service, req->scope, &query, group, &req->arena, &page,
                                  &extras, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_render_list_begin(&req->json, page.total, query.offset);
    for (size_t i = 0; i < page.count; i++) {
        hyp_render_device(&req->json, &page.views[i], &extras[i]);
    }
    hyp_json_array_end(&req->json);
    render_facets(&req->json, &page);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

/* --- one --- */

static enum hyp_status answer_device(struct hyp_request *req, hyp_device_id id,
                                     struct hyp_error *err)
{
    struct hyp_device_view view;
    struct hyp_device_extra extra;
    enum hyp_status status =
        hyp_device_get(req->service, req->scope, id, &req->arena, &view, &extra, err);
    if (status == HYP_OK) {
        hyp_render_device(&req->json, &view, &extra);
    }
    return status;
}

enum hyp_status hyp_route_device_get(struct hyp_request *req, struct hyp_error *err)
{
    return answer_device(req, (hyp_device_id){req->ids[0]}, err);
}

/* A device that has just been stored: as it is now, or as far as *view says when that cannot be
 * found out. What is done is not answered as failed. */
static void answer_stored(struct hyp_request *req, struct hyp_device_view *view)
{
    struct hyp_device_extra extra;
    struct hyp_device_view now;
    struct hyp_error ignored;
    if (hyp_device_get(req->service, req->scope, view->device.id, &req->arena, &now, &extra,
                       &ignored) == HYP_OK) {
        hyp_render_device(&req->json, &now, &extra);
        return;
    }
    extra = (struct hyp_device_extra){.headline_unit = ""};
    hyp_render_device(&req->json, view, &extra);
}

enum hyp_status hyp_route_device_add(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_device_view view = {.condition = HYP_CONDITION_NEVER};
    struct hyp_device *device = &view.device;
    bool key_given;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_device_defaults(device);
    status = hyp_device_read_json(root, device, &key_given, err);
    json_decref(root);
    if (status == HYP_OK) {
        status = hyp_device_add(req->service, req->scope, device, err);
    }
    if (status == HYP_OK) {
        req->http_status = MHD_HTTP_CREATED;
        hyp_request_header(
            req, "Location",
            hyp_request_text(req, "/api/v1/devices/%lld", (long long)device->id.id));
        answer_stored(req, &view);
    }
    hyp_wipe(&device->key, sizeof(device->key));
    return status;
}

enum hyp_status hyp_route_device_change(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_device_view view;
    bool key_given = false;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_device_get(req->service, req->scope, (hyp_device_id){req->ids[0]}, &req->arena,
                            &view, NULL, err);
    if (status == HYP_OK) {
        view.device.revision = 0; /* without one in the body it cannot match */
        status = hyp_device_read_json(root, &view.device, &key_given, err);
    }
    json_decref(root);
    if (status == HYP_OK) {
        status = hyp_device_update(req->service, req->scope, &view.device, key_given, err);
    }
    if (status == HYP_OK) {
        answer_stored(req, &view);
    }
    hyp_wipe(&view.device.key, sizeof(view.device.key));
    return status;
}

enum hyp_status hyp_route_device_remove(struct hyp_request *req, struct hyp_error *err)
{
    enum hyp_status status =
        hyp_device_remove(req->service, req->scope, (hyp_device_id){req->ids[0]}, err);
    return status == HYP_OK ? hyp_request_no_content(req) : status;
}

/* --- many --- */

static void render_import(struct hyp_json *json, const struct hyp_manifest_result *result)
{
    hyp_json_member_u64(json, "lines", result->lines);
    hyp_json_member_u64(json, "devices", result->devices);
    hyp_json_member_u64(json, "groups", result->groups);
    hyp_json_member_u64(json, "skipped", result->skipped);
    hyp_json_key(json, "errors");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < result->error_count; i++) {
        hyp_json_text(json, result->errors[i]);
    }
    hyp_json_array_end(json);
}

enum hyp_status hyp_route_devices_import(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_manifest_result result;
    struct hyp_str text = hyp_buf_view(&req->body);
    enum hyp_status status =
        hyp_manifest_import(req->service, req->scope, text, &req->arena, &result, err);
    if (status != HYP_OK && result.error_count == 0) {
        return status;
    }
    if (status != HYP_OK) {
        /* A problem with the list of everything that is wrong. */
        hyp_request_fail(req, status, err);
        req->out.len--; /* the closing brace */
        hyp_buf_append_char(&req->out, ',');
        hyp_json_init(&req->json, &req->out);
        render_import(&req->json, &result);
        hyp_buf_append_char(&req->out, '}');
        return HYP_OK;
    }
    hyp_json_object_begin(&req->json);
    render_import(&req->json, &result);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

/* --- groups --- */

static void render_group(struct hyp_json *json, const struct hyp_group *group)
{
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "id", group->id);
    hyp_json_member_text(json, "name", group->name);
    hyp_json_member_u64(json, "members", group->members);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_groups_list(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_group *groups;
    size_t count;
    enum hyp_status status =
        hyp_groups_list(req->service, req->scope, &req->arena, &groups, &count, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_render_list_begin(&req->json, count, 0);
    for (size_t i = 0; i < count; i++) {
        render_group(&req->json, &groups[i]);
    }
    hyp_render_list_end(&req->json);
    return HYP_OK;
}

enum hyp_status hyp_route_group_add(struct hyp_request *req, struct hyp_error *err)
{
    static const char *const known[] = {"name", NULL};
    struct hyp_group group = {0};
    struct hyp_str name;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_json_only(root, known, err);
    if (status == HYP_OK) {
        status = hyp_json_get_text(root, "name", HYP_LIMIT_NAME - 1, &name, err);
    }
    if (status == HYP_OK) {
        hyp_text_copy(group.name, sizeof(group.name), name);
        status = hyp_group_add(req->service, req->scope, &group, err);
    }
    json_decref(root);
    if (status == HYP_OK) {
        req->http_status = MHD_HTTP_CREATED;
        render_group(&req->json, &group);
    }
    return status;
}

enum hyp_status hyp_route_group_remove(struct hyp_request *req, struct hyp_error *err)
{
    enum hyp_status status = hyp_group_remove(req->service, req->scope, req->ids[0], err);
    return status == HYP_OK ? hyp_request_no_content(req) : status;
}

enum hyp_status hyp_read_device_ids(struct hyp_request *req, const json_t *root,
                                    const char *name, hyp_device_id **ret_ids,
                                    size_t *ret_count, struct hyp_error *err)
{
    const json_t *list = json_object_get(root, name);
    size_t count = json_array_size(list);
    hyp_device_id *ids = hyp_arena_alloc_array(&req->arena, count + 1, sizeof(*ids));
    if (ids == NULL) {
        return HYP_NO_MEMORY;
    }
    if (list != NULL && !json_is_array(list)) {
        return hyp_error_set(err, HYP_INVALID, -1, "%s: must be a list of device ids.", name);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_array_get(list, i);
        if (!json_is_integer(id) || json_integer_value(id) <= 0) {
            return hyp_error_set(err, HYP_INVALID, -1, "%s: must be a list of device ids.",
                                 name);
        }
        ids[i] = (hyp_device_id){json_integer_value(id)};
    }
    *ret_ids = ids;
    *ret_count = count;
    return HYP_OK;
}

enum hyp_status hyp_route_group_members(struct hyp_request *req, struct hyp_error *err)
{
    static const char *const known[] = {"add", "remove", NULL};
    hyp_device_id *add;
    hyp_device_id *remove;
    struct hyp_group_change change;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_json_only(root, known, err);
    if (status == HYP_OK) {
        status = hyp_read_device_ids(req, root, "add", &add, &change.add_count, err);
    }
    if (status == HYP_OK) {
        status = hyp_read_device_ids(req, root, "remove", &remove, &change.remove_count, err);
    }
    json_decref(root);
    if (status == HYP_OK) {
        change.add = add;
        change.remove = remove;
        status = hyp_group_change(req->service, req->scope, req->ids[0], &change, err);
    }
    return status == HYP_OK ? hyp_request_no_content(req) : status;
}
