/* SPDX-License-Identifier: Apache-2.0 */
/* Raw frames and their explanation. */
#include "api/render.h"
#include "api/routes.h"
#include "service/plant_json.h"

#include <string.h>

/* Where 0 stands for none. */
static void render_id(struct hyp_json *json, const char *name, int64_t id)
{
    hyp_json_key(json, name);
    if (id == 0) {
        hyp_json_null(json);
    } else {
        hyp_json_i64(json, id);
    }
}

static void render_signal(struct hyp_json *json, int16_t signal_dbm)
{
    render_id(json, "signal_dbm", signal_dbm);
}

static void render_frame_members(struct hyp_request *req, const struct hyp_stored_frame *frame)
{
    struct hyp_json *json = &req->json;
    struct hyp_plant_names names;
    hyp_plant_names(req->service, req->scope, frame->device, frame->line, &names);
    hyp_json_member_i64(json, "id", frame->id.id);
    hyp_render_time(json, "time", frame->received);
    render_id(json, "device", frame->device.id);
    render_id(json, "line", frame->line.id);
    hyp_json_member_text(json, "device_name", names.device);
    hyp_json_member_text(json, "line_name", names.line);
    hyp_json_member_text(json, "protocol", hyp_raw_protocol_text(frame->protocol));
    hyp_json_member_text(json, "outcome", hyp_status_name(frame->outcome));
    hyp_json_member_u64(json, "bytes", frame->len);
    render_signal(json, frame->signal_dbm);
}

static void render_receiver(struct hyp_request *req, const struct hyp_frame_copy *copy)
{
    struct hyp_json *json = &req->json;
    struct hyp_plant_names names;
    hyp_plant_names(req->service, req->scope, (hyp_device_id){0}, copy->line, &names);
    hyp_json_object_begin(json);
    render_id(json, "line", copy->line.id);
    hyp_json_member_text(json, "line_name", names.line);
    hyp_render_time(json, "time", copy->received);
    render_signal(json, copy->signal_dbm);
    hyp_json_object_end(json);
}

/* All that heard it, whose copy is kept first. */
static void render_receivers(struct hyp_request *req, const struct hyp_stored_frame *frame,
                             const struct hyp_frame_copy *copies, size_t count)
{
    const struct hyp_frame_copy first = {
        .line = frame->line, .received = frame->received, .signal_dbm = frame->signal_dbm};
    hyp_json_key(&req->json, "receivers");
    hyp_json_array_begin(&req->json);
    if (frame->line.id != 0) {
        render_receiver(req, &first);
    }
    for (size_t i = 0; i < count; i++) {
        render_receiver(req, &copies[i]);
    }
    hyp_json_array_end(&req->json);
}

static enum hyp_status list_frames(struct hyp_request *req, hyp_device_id device,
                                   hyp_line_id line, bool only_unknown, struct hyp_error *err)
{
    struct hyp_stored_frame *frames;
    struct hyp_page page;
    size_t count;
    enum hyp_status status = hyp_request_page(req, &page, err);
    if (status == HYP_OK) {
        status = hyp_frames_list(req->service, req->scope, device, line, only_unknown, page,
                                 &req->arena, &frames, &count, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(&req->json);
    hyp_json_member_u64(&req->json, "offset", page.offset);
    hyp_json_key(&req->json, "items");
    hyp_json_array_begin(&req->json);
    for (size_t i = 0; i < count; i++) {
        hyp_json_object_begin(&req->json);
        render_frame_members(req, &frames[i]);
        hyp_json_object_end(&req->json);
    }
    hyp_json_array_end(&req->json);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

enum hyp_status hyp_route_device_frames(struct hyp_request *req, struct hyp_error *err)
{
    return list_frames(req, (hyp_device_id){req->ids[0]}, (hyp_line_id){0}, false, err);
}

enum hyp_status hyp_route_frames_list(struct hyp_request *req, struct hyp_error *err)
{
    int64_t device;
    int64_t line;
    int64_t unknown;
    enum hyp_status status =
        hyp_request_query_i64(req, "device", 0, 0, INT64_MAX, &device, err);
    status = status == HYP_OK ? hyp_request_query_i64(req, "line", 0, 0, INT64_MAX, &line, err)
                              : status;
    status = status == HYP_OK ? hyp_request_query_i64(req, "unknown", 0, 0, 1, &unknown, err)
                              : status;
    if (status != HYP_OK) {
        return status;
    }
    return list_frames(req, (hyp_device_id){device}, (hyp_line_id){line}, unknown == 1, err);
}

enum hyp_status hyp_route_frame_get(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_stored_frame frame;
    struct hyp_explanation explanation;
    struct hyp_frame_copy copies[HYP_LIMIT_RECEIVERS];
    size_t count = 0;
    enum hyp_status status = hyp_frame_get(
        req->service, req->scope, (hyp_frame_id){req->ids[0]}, &req->arena, &frame, err);
    if (status == HYP_OK) {
        status =
            hyp_explain_frame(req->service, req->scope, &frame, &req->arena, &explanation, err);
    }
    if (status == HYP_OK) {
        status = hyp_frame_copies(req->service, req->scope, &frame, copies, &count, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(&req->json);
    render_frame_members(req, &frame);
    render_receivers(req, &frame, copies, count);
    hyp_json_key(&req->json, "hex");
    hyp_json_hex(&req->json, frame.bytes, frame.len);
    hyp_json_key(&req->json, "explain");
    hyp_render_explanation(&req->json, &explanation, hyp_service_library(req->service));
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

struct pasted {
    struct hyp_explain_request request;
    struct hyp_aes_key key;
};

static enum hyp_status read_pasted(struct hyp_request *req, const json_t *root,
                                   struct pasted *pasted, struct hyp_error *err)
{
    static const char *const known[] = {"hex", "key", NULL};
    struct hyp_str hex;
    struct hyp_str key;
    struct hyp_error inner = {0};
    enum hyp_status status = hyp_json_only(root, known, err);
    status = status == HYP_OK ? hyp_json_get_text(root, "hex", HYP_LIMIT_BODY_BYTES, &hex, err)
                              : status;
    status = status == HYP_OK ? hyp_json_get_text(root, "key", 64, &key, err) : status;
    if (status != HYP_OK) {
        return status;
    }
    uint8_t *bytes = hyp_arena_alloc(&req->arena, hex.len / 2 + 1);
    if (bytes == NULL) {
        return HYP_NO_MEMORY;
    }
    status = hyp_hex_decode(hex, bytes, hex.len / 2 + 1, &pasted->request.len, &inner);
    if (status != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, inner.offset,
                             "hex: character %lld is not a hex digit, or one digit is missing.",
                             (long long)inner.offset);
    }
    pasted->request.bytes = bytes;
    if (key.len > 0) {
        status = hyp_key_read_hex(key, "key", &pasted->key, err);
        pasted->request.key = &pasted->key;
    }
    return status;
}

enum hyp_status hyp_route_explain(struct hyp_request *req, struct hyp_error *err)
{
    struct pasted pasted = {0};
    struct hyp_explanation explanation;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = read_pasted(req, root, &pasted, err);
    if (status == HYP_OK) {
        status = hyp_explain_bytes(req->service, req->scope, &pasted.request, &req->arena,
                                   &explanation, err);
    }
    json_decref(root);
    hyp_wipe(&pasted.key, sizeof(pasted.key));
    if (status == HYP_OK) {
        hyp_render_explanation(&req->json, &explanation, hyp_service_library(req->service));
    }
    return status;
}
