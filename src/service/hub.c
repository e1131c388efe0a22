/* SPDX-License-Identifier: Apache-2.0 */
#include "service/hub.h"

#include "base/map.h"
#include "service/inside.h"

#include <stdlib.h>
#include <string.h>

/* An event with its reference count in front and the copied values behind. */
struct hub_event {
    atomic_uint references;
    struct hyp_event event;
    struct hyp_stored_value values[];
};

struct hyp_watcher {
    struct hyp_hub *hub;
    struct hyp_watcher *next;
    struct hyp_watcher **link; /* what points to this stream */
    hyp_tenant_id tenant;
    int64_t user_id;
    void (*wake)(void *user);
    void *user;
    bool waiting; /* told that there is nothing: must be woken */
    bool ended;
    bool devices, lines, jobs;
    hyp_device_id device;    /* all values of this one */
    struct hyp_map points;   /* wanted points */
    struct hyp_map watching; /* devices of those points and `device` */
    const struct hub_event *queue[HYP_LIMIT_STREAM_QUEUE];
    size_t first;
    size_t count;
};

struct hyp_hub {
    pthread_mutex_t lock;
    struct hyp_watcher *streams;
    size_t stream_count;
    bool closed;            /* no new streams */
    struct hyp_map watched; /* device -> number of streams that watch it */
};

enum hyp_status hyp_hub_create(struct hyp_hub **ret_hub)
{
    struct hyp_hub *hub = calloc(1, sizeof(*hub));
    if (hub == NULL) {
        return HYP_NO_MEMORY;
    }
    pthread_mutex_init(&hub->lock, NULL);
    hyp_map_init(&hub->watched);
    *ret_hub = hub;
    return HYP_OK;
}

void *hyp_hub_destroy(struct hyp_hub *hub)
{
    if (hub != NULL) {
        hyp_map_finish(&hub->watched);
        pthread_mutex_destroy(&hub->lock);
        free(hub);
    }
    return NULL;
}

size_t hyp_hub_stream_count(struct hyp_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    size_t count = hub->stream_count;
    pthread_mutex_unlock(&hub->lock);
    return count;
}

/* --- events --- */

static const struct hub_event *holder_of(const struct hyp_event *event)
{
    return (const struct hub_event *)(const void *)((const char *)event -
                                                    offsetof(struct hub_event, event));
}

static void release(const struct hub_event *shared)
{
    /* The count is the one part of a published event that changes. */
    struct hub_event *mine = (struct hub_event *)(uintptr_t)shared;
    if (atomic_fetch_sub(&mine->references, 1) == 1) {
        free(mine);
    }
}

void hyp_event_release(const struct hyp_event *event)
{
    if (event != NULL) {
        release(holder_of(event));
    }
}

static struct hub_event *make_event(const struct hyp_event *event, size_t value_count,
                                    size_t text_bytes)
{
    struct hub_event *made =
        malloc(sizeof(*made) + value_count * sizeof(made->values[0]) + text_bytes);
    if (made != NULL) {
        atomic_init(&made->references, 1);
        made->event = *event;
    }
    return made;
}

static struct hub_event *make_values(hyp_tenant_id tenant, hyp_device_id device, hyp_utc time,
                                     const struct hyp_stored_value *values, size_t count)
{
    size_t text_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        text_bytes += values[i].kind == HYP_VALUE_TEXT ? values[i].text.len : 0;
    }
    struct hyp_event event = {.kind = HYP_EVENT_VALUES, .tenant = tenant};
    struct hub_event *made = make_event(&event, count, text_bytes);
    if (made == NULL) {
        return NULL;
    }
    char *text = (char *)&made->values[count];
    for (size_t i = 0; i < count; i++) {
        made->values[i] = values[i];
        if (values[i].kind == HYP_VALUE_TEXT && values[i].text.len > 0) {
            memcpy(text, values[i].text.ptr, values[i].text.len);
            made->values[i].text.ptr = text;
            text += values[i].text.len;
        }
    }
    made->event.values.device = device;
    made->event.values.time = time;
    made->event.values.values = made->values;
    made->event.values.count = count;
    return made;
}

/* --- queues; all with the lock --- */

static void wake_locked(struct hyp_watcher *stream)
{
    if (stream->waiting) {
        stream->waiting = false;
        stream->wake(stream->user);
    }
}

static void drop_queue(struct hyp_watcher *stream)
{
    while (stream->count > 0) {
        release(stream->queue[stream->first]);
        stream->first = (stream->first + 1) % HYP_LIMIT_STREAM_QUEUE;
        stream->count--;
    }
}

static void append(struct hyp_watcher *stream, const struct hub_event *shared)
{
    size_t at = (stream->first + stream->count) % HYP_LIMIT_STREAM_QUEUE;
    stream->queue[at] = shared;
    stream->count++;
}

/* True when the stream keeps the event: one reference more. */
static bool push_locked(struct hyp_watcher *stream, const struct hub_event *shared)
{
    if (stream->ended) {
        return false;
    }
    bool keeps = stream->count < HYP_LIMIT_STREAM_QUEUE;
    if (keeps) {
        append(stream, shared);
    } else {
        drop_queue(stream);
        struct hyp_event lagged = {.kind = HYP_EVENT_LAGGED, .tenant = stream->tenant};
        struct hub_event *last = make_event(&lagged, 0, 0);
        if (last != NULL) {
            append(stream, last);
        }
        stream->ended = true;
    }
    wake_locked(stream);
    return keeps;
}

static bool wants_event(const struct hyp_watcher *stream, const struct hyp_event *event)
{
    uint64_t ignored;
    if (event->kind == HYP_EVENT_PING) {
        return true;
    }
    if (stream->tenant.id != event->tenant.id) {
        return false;
    }
    switch (event->kind) {
    case HYP_EVENT_VALUES:
        return hyp_map_get(&stream->watching, (uint64_t)event->values.device.id, &ignored);
    case HYP_EVENT_DEVICE:
        return stream->devices || stream->device.id == event->device.state.device.id;
    case HYP_EVENT_LINE: return stream->lines;
    case HYP_EVENT_JOB: return stream->jobs;
    case HYP_EVENT_PING:
    case HYP_EVENT_LAGGED: break;
    }
    return false;
}

/*
 * Gives the event to all who want it, or frees it. The count can wait until all have it:
 * nobody takes from a queue, and so releases, without the lock.
 */
static void fan_out_locked(struct hyp_hub *hub, struct hub_event *made)
{
    unsigned references = 0;
    for (struct hyp_watcher *stream = hub->streams; stream != NULL; stream = stream->next) {
        if (wants_event(stream, &made->event) && push_locked(stream, made)) {
            references++;
        }
    }
    if (references == 0) {
        free(made);
    } else {
        atomic_store(&made->references, references);
    }
}

void hyp_hub_values(struct hyp_hub *hub, hyp_tenant_id tenant, hyp_device_id device,
                    hyp_utc time, const struct hyp_stored_value *values, size_t count)
{
    uint64_t watchers;
    pthread_mutex_lock(&hub->lock);
    if (hyp_map_get(&hub->watched, (uint64_t)device.id, &watchers)) {
        struct hub_event *made = make_values(tenant, device, time, values, count);
        if (made != NULL) {
            fan_out_locked(hub, made);
        }
    }
    pthread_mutex_unlock(&hub->lock);
}

void hyp_hub_publish(struct hyp_hub *hub, const struct hyp_event *event)
{
    pthread_mutex_lock(&hub->lock);
    if (hub->streams != NULL) {
        struct hub_event *made = make_event(event, 0, 0);
        if (made != NULL) {
            fan_out_locked(hub, made);
        }
    }
    pthread_mutex_unlock(&hub->lock);
}

void hyp_hub_ping(struct hyp_hub *hub)
{
    struct hyp_event ping = {.kind = HYP_EVENT_PING};
    hyp_hub_publish(hub, &ping);
}

void hyp_hub_end(struct hyp_hub *hub, int64_t user)
{
    pthread_mutex_lock(&hub->lock);
    for (struct hyp_watcher *stream = hub->streams; stream != NULL; stream = stream->next) {
        if (user == -1 || stream->user_id == user) {
            stream->ended = true;
            wake_locked(stream);
        }
    }
    pthread_mutex_unlock(&hub->lock);
}

void hyp_streams_close_all(struct hyp_service *service)
{
    pthread_mutex_lock(&service->hub->lock);
    service->hub->closed = true;
    pthread_mutex_unlock(&service->hub->lock);
    hyp_hub_end(service->hub, -1);
}

/* --- streams --- */

static enum hyp_status watch(struct hyp_watcher *stream, hyp_device_id device)
{
    return hyp_map_set(&stream->watching, (uint64_t)device.id, 1);
}

static enum hyp_status add_point(struct hyp_service *service, struct hyp_watcher *stream,
                                 hyp_point_id id, struct hyp_error *err)
{
    struct hyp_point point;
    if (hyp_store_point(service->config.store, stream->tenant, id, &point) != HYP_OK) {
        return hyp_service_not_found(err, "point", id.id);
    }
    enum hyp_status status = hyp_map_set(&stream->points, (uint64_t)id.id, 1);
    return status == HYP_OK ? watch(stream, point.device) : status;
}

static enum hyp_status fill_stream(struct hyp_service *service, struct hyp_watcher *stream,
                                   const struct hyp_subscription *subscription,
                                   struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    if (subscription->point_count > HYP_LIMIT_STREAM_POINTS) {
        return hyp_error_set(err, HYP_LIMIT, -1, "A stream carries at most %d points.",
                             HYP_LIMIT_STREAM_POINTS);
    }
    if (subscription->device.id != 0) {
        if (!hyp_directory_has_device(service->directory, stream->tenant,
                                      subscription->device)) {
            return hyp_service_not_found(err, "device", subscription->device.id);
        }
        status = watch(stream, subscription->device);
    }
    for (size_t i = 0; status == HYP_OK && i < subscription->point_count; i++) {
        status = add_point(service, stream, subscription->points[i], err);
    }
    return status;
}

/* Counts the stream's devices up or down in the hub. */
static enum hyp_status count_watched(struct hyp_hub *hub, const struct hyp_watcher *stream,
                                     bool up)
{
    enum hyp_status status = HYP_OK;
    size_t cursor = 0;
    uint64_t device;
    uint64_t one;
    while (status == HYP_OK && hyp_map_next(&stream->watching, &cursor, &device, &one)) {
        uint64_t count = 0;
        HYP_IGNORE(!hyp_map_get(&hub->watched, device, &count)); /* absent = 0 */
        if (up) {
            status = hyp_map_set(&hub->watched, device, count + 1);
        } else if (count > 1) {
            status = hyp_map_set(&hub->watched, device, count - 1);
        } else {
            hyp_map_remove(&hub->watched, device);
        }
    }
    return status;
}

static size_t count_of_user(const struct hyp_hub *hub, int64_t user)
{
    size_t count = 0;
    for (const struct hyp_watcher *at = hub->streams; at != NULL; at = at->next) {
        count += at->user_id == user ? 1 : 0;
    }
    return count;
}

static enum hyp_status enter_hub(struct hyp_hub *hub, struct hyp_watcher *stream)
{
    if (hub->closed) {
        return HYP_CANCELLED;
    }
    /* One person with many windows, or a script gone wild, must leave room for the others. */
    if (hub->stream_count >= HYP_LIMIT_STREAMS ||
        count_of_user(hub, stream->user_id) >= HYP_LIMIT_USER_STREAMS) {
        return HYP_BUSY;
    }
    enum hyp_status status = count_watched(hub, stream, true);
    if (status != HYP_OK) {
        return status;
    }
    stream->next = hub->streams;
    stream->link = &hub->streams;
    if (hub->streams != NULL) {
        hub->streams->link = &stream->next;
    }
    hub->streams = stream;
    hub->stream_count++;
    return HYP_OK;
}

static void free_stream(struct hyp_watcher *stream)
{
    hyp_map_finish(&stream->points);
    hyp_map_finish(&stream->watching);
    free(stream);
}

enum hyp_status hyp_watcher_open(struct hyp_service *service, const struct hyp_scope *scope,
                                 const struct hyp_subscription *subscription,
                                 void (*wake)(void *user), void *user,
                                 struct hyp_watcher **ret_stream, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_watcher *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    stream->hub = service->hub;
    stream->tenant = hyp_scope_tenant(scope);
    stream->user_id = hyp_scope_user(scope);
    stream->wake = wake;
    stream->user = user;
    stream->devices = subscription->devices;
    stream->lines = subscription->lines;
    stream->jobs = subscription->jobs;
    stream->device = subscription->device;
    status = fill_stream(service, stream, subscription, err);
    if (status == HYP_OK) {
        pthread_mutex_lock(&service->hub->lock);
        status = enter_hub(service->hub, stream);
        pthread_mutex_unlock(&service->hub->lock);
        if (status != HYP_OK) {
            hyp_service_explain_failure(err, status);
        }
    }
    if (status != HYP_OK) {
        free_stream(stream);
        return status;
    }
    *ret_stream = stream;
    return HYP_OK;
}

void *hyp_watcher_close(struct hyp_watcher *stream)
{
    if (stream == NULL) {
        return NULL;
    }
    struct hyp_hub *hub = stream->hub;
    pthread_mutex_lock(&hub->lock);
    *stream->link = stream->next;
    if (stream->next != NULL) {
        stream->next->link = stream->link;
    }
    hub->stream_count--;
    /* Counting down only shrinks or rewrites entries that exist, so it cannot fail. */
    HYP_IGNORE(count_watched(hub, stream, false));
    drop_queue(stream);
    pthread_mutex_unlock(&hub->lock);
    free_stream(stream);
    return NULL;
}

const struct hyp_event *hyp_watcher_next(struct hyp_watcher *stream, bool *ret_ended)
{
    const struct hub_event *shared = NULL;
    pthread_mutex_lock(&stream->hub->lock);
    if (stream->count > 0) {
        shared = stream->queue[stream->first];
        stream->first = (stream->first + 1) % HYP_LIMIT_STREAM_QUEUE;
        stream->count--;
    }
    *ret_ended = shared == NULL && stream->ended;
    stream->waiting = shared == NULL && !stream->ended;
    pthread_mutex_unlock(&stream->hub->lock);
    return shared == NULL ? NULL : &shared->event;
}

bool hyp_watcher_wants(const struct hyp_watcher *stream, hyp_device_id device,
                       hyp_point_id point)
{
    uint64_t ignored;
    return (stream->device.id != 0 && stream->device.id == device.id) ||
           hyp_map_get(&stream->points, (uint64_t)point.id, &ignored);
}
