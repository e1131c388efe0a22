/* SPDX-License-Identifier: Apache-2.0 */
/* Latest values and readings. */
#include "api/inside.h"
#include "api/render.h"
#include "api/routes.h"

#include <string.h>

/* --- latest --- */

static void render_info(struct hyp_request *req, const struct hyp_profile *profile,
                        const struct hyp_latest *values, size_t count)
{
    hyp_json_key(&req->json, "info");
    hyp_json_array_begin(&req->json);
    for (size_t i = 0; i < count; i++) {
        struct hyp_info_bit bits[64];
        const struct hyp_stored_value *value = &values[i].value;
        bool flags = value->kind == HYP_VALUE_FLAGS && hyp_quality_is_usable(value->quality) &&
                     values[i].point.key.storage == 0;
        size_t active = flags ? hyp_profile_value_bits(profile, values[i].point.key.name,
                                                       value->flags, bits, HYP_ARRAY_LEN(bits))
                              : 0;
        for (size_t n = 0; n < active; n++) {
            hyp_render_info_bit(&req->json, &bits[n]);
        }
    }
    hyp_json_array_end(&req->json);
}

enum hyp_status hyp_route_device_latest(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_device_view view;
    struct hyp_latest *values = NULL;
    size_t count;
    hyp_device_id id = {req->ids[0]};
    hyp_utc now = hyp_clock_utc(hyp_service_clock(req->service));
    enum hyp_status status =
        hyp_device_get(req->service, req->scope, id, &req->arena, &view, NULL, err);
    if (status == HYP_OK) {
        status = hyp_readings_latest(req->service, req->scope, id, &req->arena, &values, &count,
                                     err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(&req->json);
    hyp_json_member_i64(&req->json, "device", id.id);
    hyp_json_key(&req->json, "values");
    hyp_json_array_begin(&req->json);
    for (size_t i = 0; i < count; i++) {
        hyp_render_latest(&req->json, &values[i], view.profile, now);
    }
    hyp_json_array_end(&req->json);
    render_info(req, view.profile, values, count);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

/* One register, for machines that ask often: about 200 bytes. */
enum hyp_status hyp_route_point_latest(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_latest latest;
    struct hyp_json *json = &req->json;
    char key[HYP_POINT_KEY_TEXT_MAX];
    struct hyp_buf text;
    enum hyp_status status = hyp_readings_point_latest(
        req->service, req->scope, (hyp_point_id){req->ids[0]}, &req->arena, &latest, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_buf_init_fixed(&text, key, sizeof(key));
    hyp_point_key_format(&text, &latest.point.key);
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "point", latest.point.id.id);
    hyp_json_member_i64(json, "device", latest.point.device.id);
    hyp_json_member_str(json, "key", hyp_buf_view(&text));
    hyp_json_member_text(json, "unit", hyp_unit_text(latest.point.unit));
    hyp_render_payload(json, &latest.value, NULL);
    hyp_render_time(json, "time", latest.value.time);
    hyp_json_object_end(json);
    return HYP_OK;
}

/* Every register of every device that the filter lets through, as columns. */
enum hyp_status hyp_route_latest_all(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_device_query query = {
        .search = hyp_request_query(req, "search"),
        .kind = hyp_request_query(req, "kind"),
        .line = HYP_LINE_ANY,
        .sort = HYP_SORT_NAME,
        .limit = SIZE_MAX,
    };
    struct hyp_device_page page;
    struct hyp_json *json = &req->json;
    struct hyp_arena scratch;
    enum hyp_status status =
        hyp_devices_list(req->service, req->scope, &query, 0, &req->arena, &page, NULL, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_arena_init(&scratch, HYP_LIMIT_REQUEST_ARENA);
    hyp_json_object_begin(json);
    hyp_json_key(json, "items");
    hyp_json_array_begin(json);
    for (size_t i = 0; status == HYP_OK && i < page.count; i++) {
        struct hyp_latest *values = NULL;
        size_t count;
        hyp_arena_reset(&scratch);
        status = hyp_readings_latest(req->service, req->scope, page.views[i].device.id,
                                     &scratch, &values, &count, err);
        if (status != HYP_OK) {
            break;
        }
        hyp_json_object_begin(json);
        hyp_json_member_i64(json, "device", page.views[i].device.id.id);
        hyp_json_key(json, "points");
        hyp_json_array_begin(json);
        for (size_t n = 0; n < count; n++) {
            hyp_json_i64(json, values[n].point.id.id);
        }
        hyp_json_array_end(json);
        hyp_json_key(json, "times");
        hyp_json_array_begin(json);
        for (size_t n = 0; n < count; n++) {
            hyp_json_i64(json, values[n].value.time.ms);
        }
        hyp_json_array_end(json);
        hyp_json_key(json, "values");
        hyp_json_array_begin(json);
        for (size_t n = 0; n < count; n++) {
            hyp_render_bare_value(json, &values[n].value);
        }
        hyp_json_array_end(json);
        hyp_json_object_end(json);
    }
    hyp_json_array_end(json);
    hyp_json_object_end(json);
    hyp_arena_finish(&scratch);
    return status;
}

/* --- points and readings --- */

enum hyp_status hyp_route_device_points(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_point *points;
    size_t count;
    enum hyp_status status =
        hyp_readings_points(req->service, req->scope, (hyp_device_id){req->ids[0]}, &req->arena,
                            &points, &count, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(&req->json);
    hyp_json_key(&req->json, "items");
    hyp_json_array_begin(&req->json);
    for (size_t i = 0; i < count; i++) {
        hyp_json_object_begin(&req->json);
        hyp_json_member_i64(&req->json, "point", points[i].id.id);
        hyp_render_key_members(&req->json, &points[i].key, points[i].unit,
                               hyp_str_from(points[i].label));
        hyp_json_member_text(&req->json, "kind", hyp_render_value_kind(points[i].kind));
        hyp_json_object_end(&req->json);
    }
    hyp_json_array_end(&req->json);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

/* The keys of a device's points, so that each value of a reading can be named. */
struct key_table {
    const struct hyp_point *points;
    size_t count;
};

static const struct hyp_point *find_point(const struct key_table *table, hyp_point_id id)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->points[i].id.id == id.id) {
            return &table->points[i];
        }
    }
    return NULL;
}

static void render_reading(struct hyp_json *json, const struct hyp_stored_reading *reading,
                           const struct key_table *table, bool merged)
{
    hyp_json_object_begin(json);
    hyp_render_time(json, "time", reading->source_time);
    hyp_render_time(json, "receive_time", reading->receive_time);
    hyp_json_member_text(json, "kind", hyp_reading_kind_text(reading->kind));
    hyp_json_member_text(json, "source", hyp_reading_source_text(reading->source));
    hyp_json_key(json, "frame");
    if (reading->frame.id == 0) {
        hyp_json_null(json);
    } else {
        hyp_json_i64(json, reading->frame.id);
    }
    hyp_json_key(json, "values");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < reading->value_count; i++) {
        char key[HYP_POINT_KEY_TEXT_MAX];
        struct hyp_buf text;
        const struct hyp_point *point = find_point(table, reading->values[i].point);
        hyp_buf_init_fixed(&text, key, sizeof(key));
        if (point != NULL) {
            hyp_point_key_format(&text, &point->key);
        }
        hyp_json_object_begin(json);
        hyp_render_short_value(json, &reading->values[i]);
        hyp_json_member_str(json, "key", hyp_buf_view(&text));
        if (merged) {
            hyp_json_member_u64(json, "versions", reading->values[i].versions);
        }
        hyp_json_object_end(json);
    }
    hyp_json_array_end(json);
    hyp_json_object_end(json);
}

enum hyp_status hyp_read_range(struct hyp_request *req, hyp_utc *ret_from, hyp_utc *ret_to,
                               struct hyp_error *err)
{
    enum hyp_status status = hyp_request_query_time(req, "from", (hyp_utc){0}, ret_from, err);
    if (status == HYP_OK) {
        status = hyp_request_query_time(req, "to", (hyp_utc){HYP_FAR_FUTURE_MS}, ret_to, err);
    }
    return status;
}

enum hyp_status hyp_route_device_readings(struct hyp_request *req, struct hyp_error *err)
{
    hyp_device_id id = {req->ids[0]};
    hyp_utc from;
    hyp_utc to;
    struct hyp_page page;
    struct hyp_point *points;
    struct hyp_stored_reading *readings;
    size_t point_count;
    size_t count;
    size_t total;
    enum hyp_status status = hyp_read_range(req, &from, &to, err);
    if (status == HYP_OK) {
        status = hyp_request_page(req, &page, err);
    }
    if (status == HYP_OK) {
        status = hyp_request_query_either(req, "versions", "each", "merged", &page.merged, err);
    }
    if (status == HYP_OK) {
        status = hyp_readings_points(req->service, req->scope, id, &req->arena, &points,
                                     &point_count, err);
    }
    if (status == HYP_OK) {
        status = hyp_readings_list(req->service, req->scope, id, from, to, page, &req->arena,
                                   &readings, &count, &total, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    const struct key_table table = {points, point_count};
    hyp_render_list_begin(&req->json, total, page.offset);
    for (size_t i = 0; i < count; i++) {
        render_reading(&req->json, &readings[i], &table, page.merged);
    }
    hyp_render_list_end(&req->json);
    return HYP_OK;
}
