/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live push by server-sent events. The connection sleeps while there is nothing to say; the hub
 * wakes it. What is queued is rendered here, on the epoll thread, only as fast as the client
 * reads.
 */
#include "api/inside.h"
#include "api/render.h"
#include "api/routes.h"
#include "service/auth.h"
#include "service/hub.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4096

struct hyp_watch {
    struct MHD_Connection *connection;
    struct hyp_service *service;
    struct hyp_watcher *stream;
    struct hyp_buf text; /* rendered and not sent yet */
    size_t sent;
    bool ended;
    bool by_session;
    char token[HYP_TOKEN_TEXT_MAX]; /* session or API token: looked at again at every ping */
};

static void wake(void *user)
{
    struct hyp_watch *watch = user;
    MHD_resume_connection(watch->connection);
}

static void free_watch(void *user)
{
    struct hyp_watch *watch = user;
    hyp_watcher_close(watch->stream);
    hyp_buf_finish(&watch->text);
    hyp_wipe(watch->token, sizeof(watch->token));
    free(watch);
}

/* --- events as text --- */

static void begin_event(struct hyp_watch *watch, struct hyp_json *json, const char *name)
{
    hyp_buf_append_fmt(&watch->text, "event: %s\ndata: ", name);
    hyp_json_init(json, &watch->text);
    hyp_json_object_begin(json);
}

static void end_event(struct hyp_watch *watch, struct hyp_json *json)
{
    hyp_json_object_end(json);
    hyp_buf_append_text(&watch->text, "\n\n");
}

static void write_simple(struct hyp_watch *watch, const char *name)
{
    struct hyp_json json;
    begin_event(watch, &json, name);
    hyp_render_time(&json, "time", hyp_clock_utc(hyp_service_clock(watch->service)));
    end_event(watch, &json);
}

static void write_values(struct hyp_watch *watch, const struct hyp_event *event)
{
    struct hyp_json json;
    size_t wanted = 0;
    for (size_t i = 0; i < event->values.count; i++) {
        wanted += hyp_watcher_wants(watch->stream, event->values.device,
                                    event->values.values[i].point)
                      ? 1
                      : 0;
    }
    if (wanted == 0) {
        return;
    }
    begin_event(watch, &json, "values");
    hyp_json_member_i64(&json, "device", event->values.device.id);
    hyp_render_time(&json, "time", event->values.time);
    hyp_json_key(&json, "values");
    hyp_json_array_begin(&json);
    for (size_t i = 0; i < event->values.count; i++) {
        const struct hyp_stored_value *value = &event->values.values[i];
        if (hyp_watcher_wants(watch->stream, event->values.device, value->point)) {
            hyp_json_object_begin(&json);
            hyp_render_short_value(&json, value);
            hyp_json_object_end(&json);
        }
    }
    hyp_json_array_end(&json);
    end_event(watch, &json);
}

static void write_device(struct hyp_watch *watch, const struct hyp_event *event)
{
    struct hyp_json json;
    const struct hyp_device_state *state = &event->device.state;
    begin_event(watch, &json, "device");
    hyp_json_member_i64(&json, "id", state->device.id);
    hyp_json_member_text(&json, "state", hyp_condition_text(event->device.condition));
    hyp_render_time(&json, "last_reading", event->device.last_reading);
    hyp_render_comm_members(&json, &state->comm);
    hyp_render_time(&json, "next_due", state->next_due);
    hyp_json_member_bool(&json, "backing_off", state->backing_off);
    hyp_json_member_text(&json, "job", hyp_job_state_text(state->job));
    end_event(watch, &json);
}

static void write_line(struct hyp_watch *watch, const struct hyp_event *event)
{
    struct hyp_json json;
    begin_event(watch, &json, "line");
    hyp_json_member_i64(&json, "id", event->line.line.id);
    hyp_render_line_state(&json, &event->line);
    end_event(watch, &json);
}

static void write_job(struct hyp_watch *watch, const struct hyp_event *event)
{
    struct hyp_json json;
    begin_event(watch, &json, "job");
    hyp_render_job_members(&json, &event->job);
    end_event(watch, &json);
}

/* Signed out, revoked or expired meanwhile: the stream has no right to go on. */
static bool still_allowed(const struct hyp_watch *watch)
{
    struct hyp_str token = hyp_str_from(watch->token);
    return watch->by_session ? hyp_auth_session_is_valid(watch->service, token)
                             : hyp_auth_bearer_is_valid(watch->service, token);
}

static void write_event(struct hyp_watch *watch, const struct hyp_event *event)
{
    switch (event->kind) {
    case HYP_EVENT_VALUES: write_values(watch, event); return;
    case HYP_EVENT_DEVICE: write_device(watch, event); return;
    case HYP_EVENT_LINE: write_line(watch, event); return;
    case HYP_EVENT_JOB: write_job(watch, event); return;
    case HYP_EVENT_LAGGED: write_simple(watch, "lagged"); return;
    case HYP_EVENT_PING:
        if (still_allowed(watch)) {
            write_simple(watch, "ping");
        } else {
            watch->ended = true;
        }
        return;
    }
}

/* --- reading by the HTTP library --- */

/* Renders what is queued, up to a few blocks. False when there is nothing now. */
static bool refill(struct hyp_watch *watch)
{
    hyp_buf_reset(&watch->text);
    watch->sent = 0;
    while (!watch->ended && watch->text.len < BLOCK_BYTES) {
        bool ended = false;
        const struct hyp_event *event = hyp_watcher_next(watch->stream, &ended);
        if (event == NULL) {
            watch->ended = watch->ended || ended;
            break;
        }
        write_event(watch, event);
        hyp_event_release(event);
    }
    return watch->text.len > 0;
}

static ssize_t read_block(void *user, uint64_t position, char *out, size_t max)
{
    struct hyp_watch *watch = user;
    (void)position;
    if (watch->sent == watch->text.len && !refill(watch)) {
        if (watch->ended || hyp_buf_status(&watch->text) != HYP_OK) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        /* hyp_watcher_next promised to call wake(); if it did already, this does nothing. */
        MHD_suspend_connection(watch->connection);
        return 0;
    }
    size_t len = HYP_MIN(max, watch->text.len - watch->sent);
    memcpy(out, watch->text.data + watch->sent, len);
    watch->sent += len;
    return (ssize_t)len;
}

/* --- the route --- */

static enum hyp_status read_topics(struct hyp_request *req,
                                   struct hyp_subscription *subscription, struct hyp_error *err)
{
    struct hyp_str rest = hyp_request_query(req, "topics");
    struct hyp_str topic;
    while (rest.len > 0 && hyp_str_split_next(&rest, ',', &topic)) {
        if (hyp_str_equal(topic, HYP_STR("devices"))) {
            subscription->devices = true;
        } else if (hyp_str_equal(topic, HYP_STR("lines"))) {
            subscription->lines = true;
        } else if (hyp_str_equal(topic, HYP_STR("jobs"))) {
            subscription->jobs = true;
        } else {
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "topics: must be of devices, lines and jobs.");
        }
    }
    return HYP_OK;
}

static enum hyp_status read_points(struct hyp_request *req,
                                   struct hyp_subscription *subscription, struct hyp_error *err)
{
    int64_t *numbers =
        hyp_arena_alloc_array(&req->arena, HYP_LIMIT_STREAM_POINTS, sizeof(*numbers));
    hyp_point_id *points =
        hyp_arena_alloc_array(&req->arena, HYP_LIMIT_STREAM_POINTS, sizeof(*points));
    if (numbers == NULL || points == NULL) {
        return HYP_NO_MEMORY;
    }
    enum hyp_status status = hyp_request_query_ids(
        req, "points", numbers, HYP_LIMIT_STREAM_POINTS, &subscription->point_count, err);
    if (status != HYP_OK) {
        return status;
    }
    for (size_t i = 0; i < subscription->point_count; i++) {
        points[i] = (hyp_point_id){numbers[i]};
    }
    subscription->points = points;
    return HYP_OK;
}

static enum hyp_status make_watch(struct hyp_request *req, struct hyp_watch **ret_watch,
                                  struct hyp_error *err)
{
    struct hyp_subscription subscription = {0};
    enum hyp_status status = read_topics(req, &subscription, err);
    if (status == HYP_OK) {
        status =
            hyp_request_query_i64(req, "device", 0, 0, INT64_MAX, &subscription.device.id, err);
    }
    if (status == HYP_OK) {
        status = read_points(req, &subscription, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        return HYP_NO_MEMORY;
    }
    watch->connection = req->connection;
    watch->service = req->service;
    watch->by_session = req->with_session;
    hyp_text_copy(watch->token, sizeof(watch->token), req->token);
    hyp_buf_init_heap(&watch->text, HYP_LIMIT_REPLY_BYTES);
    status = hyp_watcher_open(req->service, req->scope, &subscription, wake, watch,
                              &watch->stream, err);
    if (status != HYP_OK) {
        hyp_buf_finish(&watch->text);
        free(watch);
        return status;
    }
    *ret_watch = watch;
    return HYP_OK;
}

enum hyp_status hyp_route_stream(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_watch *watch;
    enum hyp_status status = make_watch(req, &watch, err);
    if (status != HYP_OK) {
        return status;
    }
    /* Proxies and browsers hand events on when a little has arrived: hello comes at once. */
    hyp_buf_append_text(&watch->text, "retry: 3000\n");
    write_simple(watch, "hello");
    req->stream = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_block,
                                                    watch, free_watch);
    if (req->stream == NULL) {
        free_watch(watch);
        return HYP_NO_MEMORY;
    }
    req->kind = HYP_REPLY_STREAM;
    req->no_etag = true;
    req->content_type = "text/event-stream";
    hyp_request_header(req, "X-Accel-Buffering", "no");
    return HYP_OK;
}
