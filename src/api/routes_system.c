/* SPDX-License-Identifier: Apache-2.0 */
/* Overview, profiles, vocabulary. */
#include "api/render.h"
#include "api/routes.h"

static void render_counts(struct hyp_json *json, const struct hyp_overview *overview)
{
    hyp_json_key(json, "devices");
    hyp_json_object_begin(json);
    hyp_json_member_u64(json, "total", overview->devices);
    for (int i = 0; i < HYP_CONDITION_COUNT; i++) {
        hyp_json_member_u64(json, hyp_condition_text((enum hyp_condition)i),
                            overview->conditions[i]);
    }
    hyp_json_object_end(json);
    hyp_json_key(json, "lines");
    hyp_json_object_begin(json);
    hyp_json_member_u64(json, "total", overview->lines);
    hyp_json_member_u64(json, "connected", overview->lines_connected);
    hyp_json_member_u64(json, "failed", overview->lines_failed);
    hyp_json_object_end(json);
    hyp_json_key(json, "by_kind");
    hyp_json_object_begin(json);
    for (size_t i = 0; i < overview->kind_count; i++) {
        /* Copied into the arena with a terminator by the directory. */
        hyp_json_member_u64(json, overview->kinds[i].key.ptr, overview->kinds[i].count);
    }
    hyp_json_object_end(json);
}

/* Which of several servers this is, and what it does for the others. */
static void render_member(struct hyp_json *json, const struct hyp_overview *overview)
{
    if (overview->member == NULL) {
        hyp_json_member_null(json, "member");
        return;
    }
    hyp_json_key(json, "member");
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "name", overview->member);
    hyp_json_member_bool(json, "care", overview->store.has_care);
    hyp_json_member_u64(json, "lines", overview->member_lines);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_overview(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_overview overview;
    struct hyp_json *json = &req->json;
    enum hyp_status status =
        hyp_overview_get(req->service, req->scope, &req->arena, &overview, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(json);
    render_counts(json, &overview);
    hyp_json_member_u64(json, "values", overview.store.values);
    hyp_json_member_u64(json, "readings", overview.store.readings);
    hyp_json_member_u64(json, "readings_today", overview.readings_today);
    hyp_json_member_u64(json, "frames", overview.store.frames);
    hyp_json_key(json, "jobs");
    hyp_json_object_begin(json);
    hyp_json_member_u64(json, "running", overview.jobs_running);
    hyp_json_object_end(json);
    hyp_json_key(json, "store");
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "bytes", overview.store.bytes_on_disk);
    hyp_json_member_text(json, "last_commit", hyp_status_name(overview.store.last_commit));
    hyp_json_member_text(json, "error", overview.store.last_error);
    render_member(json, &overview);
    hyp_json_object_end(json);
    hyp_render_time(json, "started", overview.started);
    hyp_json_object_end(json);
    return HYP_OK;
}

/* --- profiles --- */

static const char *const protocol_texts[] = {
    [HYP_DEVICE_UNSET] = "unset", [HYP_DEVICE_MBUS] = "mbus",     [HYP_DEVICE_WMBUS] = "wmbus",
    [HYP_DEVICE_METER] = "meter", [HYP_DEVICE_MODBUS] = "modbus",
};

static void render_profile_members(struct hyp_json *json, const struct hyp_profile *profile)
{
    const struct hyp_profile_info *info = hyp_profile_info(profile);
    hyp_json_member_text(json, "name", info->name);
    hyp_json_member_text(json, "title", info->title);
    hyp_json_member_text(json, "kind", info->kind);
    hyp_json_member_text(json, "protocol", protocol_texts[info->protocol]);
    hyp_json_member_bool(json, "battery", info->battery);
}

enum hyp_status hyp_route_profiles_list(struct hyp_request *req, struct hyp_error *err)
{
    const struct hyp_library *library = hyp_service_library(req->service);
    size_t count = hyp_library_count(library);
    (void)err;
    hyp_render_list_begin(&req->json, count, 0);
    for (size_t i = 0; i < count; i++) {
        hyp_json_object_begin(&req->json);
        render_profile_members(&req->json, hyp_library_at(library, i));
        hyp_json_object_end(&req->json);
    }
    hyp_render_list_end(&req->json);
    return HYP_OK;
}

enum hyp_status hyp_route_profile_get(struct hyp_request *req, struct hyp_error *err)
{
    const struct hyp_library *library = hyp_service_library(req->service);
    const struct hyp_profile *profile = hyp_library_find(library, req->name);
    struct hyp_info_bit bits[64];
    if (profile == NULL) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "There is no profile \"%.*s\".",
                             HYP_STR_ARG(req->name));
    }
    hyp_json_object_begin(&req->json);
    render_profile_members(&req->json, profile);
    hyp_json_member_str(&req->json, "source", hyp_profile_source(profile));
    hyp_json_key(&req->json, "info_bits");
    hyp_json_array_begin(&req->json);
    size_t count = hyp_profile_info_all(profile, bits, HYP_ARRAY_LEN(bits));
    for (size_t i = 0; i < count; i++) {
        hyp_render_info_bit(&req->json, &bits[i]);
    }
    hyp_json_array_end(&req->json);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

/* --- vocabulary --- */

enum hyp_status hyp_route_vocabulary(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_json *json = &req->json;
    (void)err;
    hyp_json_object_begin(json);
    hyp_json_key(json, "names");
    hyp_json_array_begin(json);
    for (int i = HYP_NAME_UNKNOWN + 1; i < HYP_NAME_COUNT_OF; i++) {
        const struct hyp_word *word = hyp_vocabulary_word((enum hyp_name)i);
        hyp_json_object_begin(json);
        hyp_json_member_text(json, "name", word->name);
        hyp_json_member_text(json, "quantity", hyp_quantity_text(word->quantity));
        hyp_json_member_text(json, "unit", hyp_unit_text(word->unit));
        hyp_json_member_text(json, "aggregation", hyp_aggregation_text(word->aggregation));
        hyp_json_member_text(json, "meaning", word->meaning);
        hyp_json_object_end(json);
    }
    hyp_json_array_end(json);
    hyp_json_key(json, "units");
    hyp_json_array_begin(json);
    for (int i = HYP_UNIT_NONE + 1; i < HYP_UNIT_COUNT_OF; i++) {
        hyp_json_text(json, hyp_unit_text((enum hyp_unit)i));
    }
    hyp_json_array_end(json);
    hyp_json_key(json, "quantities");
    hyp_json_array_begin(json);
    for (int i = HYP_QUANTITY_UNKNOWN + 1; i < HYP_QUANTITY_COUNT_OF; i++) {
        hyp_json_text(json, hyp_quantity_text((enum hyp_quantity)i));
    }
    hyp_json_array_end(json);
    hyp_json_object_end(json);
    return HYP_OK;
}
