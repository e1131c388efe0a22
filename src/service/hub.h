/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hub: fans out what just happened to those who watch (live push).
 *
 * Publishers are the store's writer thread and the collector's loop thread; they never wait for
 * a watcher. Each stream has a bounded queue; one that does not keep up gets a last LAGGED
 * event and is closed, so that its client starts afresh instead of seeing a hole.
 */
#ifndef HYP_SERVICE_HUB_H
#define HYP_SERVICE_HUB_H

#include "service/directory.h"
#include "service/scope.h"
#include "service/service.h"

#include <stdbool.h>

enum hyp_event_kind {
    HYP_EVENT_VALUES = 0,
    HYP_EVENT_DEVICE,
    HYP_EVENT_LINE,
    HYP_EVENT_JOB,
    HYP_EVENT_PING,
    HYP_EVENT_LAGGED,
};

/* Immutable once published; shared by all streams that queue it. */
struct hyp_event {
    enum hyp_event_kind kind;
    hyp_tenant_id tenant;
    union {
        struct {
            hyp_device_id device;
            hyp_utc time;
            const struct hyp_stored_value *values; /* texts included live as the event */
            size_t count;
        } values;
        struct {
            struct hyp_device_state state;
            enum hyp_condition condition;
            hyp_utc last_reading;
        } device;
        struct hyp_line_state line;
        struct hyp_job job;
    };
};

struct hyp_hub;
struct hyp_watcher;

/* HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_hub_create(struct hyp_hub **ret_hub);
/* All streams must be closed before. */
void *hyp_hub_destroy(struct hyp_hub *hub);

/* Tell all who want it of values, of anything else. Any thread; neither waits for a watcher.
 * What is needed is copied; without a watcher nothing is allocated, and without memory the
 * event is lost: clients see the state when they next ask. */
void hyp_hub_values(struct hyp_hub *hub, hyp_tenant_id tenant, hyp_device_id device,
                    hyp_utc time, const struct hyp_stored_value *values, size_t count);
void hyp_hub_publish(struct hyp_hub *hub, const struct hyp_event *event);
/* A PING to all. */
void hyp_hub_ping(struct hyp_hub *hub);
/* Ends the streams of a user, or all (user -1). */
void hyp_hub_end(struct hyp_hub *hub, int64_t user);

/* What a client wants to hear. */
struct hyp_subscription {
    bool devices; /* communication of all devices */
    bool lines;
    bool jobs;
    hyp_device_id device; /* values of this device; 0 = none */
    const hyp_point_id *points;
    size_t point_count; /* at most HYP_LIMIT_STREAM_POINTS */
};

/*
 * Opens a stream.
 * @wake     called from any thread, under the hub's lock, when there is something to fetch
 *           after hyp_watcher_next said there is nothing; must not call the hub
 * Returns   HYP_OK | DENIED | NOT_FOUND (a device or point) | LIMIT (points of one stream)
 *         | BUSY (HYP_LIMIT_STREAMS, or HYP_LIMIT_USER_STREAMS of one user)
 *         | CANCELLED (the server goes down) | NO_MEMORY
 * Ownership the caller's to close
 */
HYP_MUST_USE enum hyp_status
hyp_watcher_open(struct hyp_service *service, const struct hyp_scope *scope,
                 const struct hyp_subscription *subscription, void (*wake)(void *user),
                 void *user, struct hyp_watcher **ret_stream, struct hyp_error *err);
/* No `wake` is running or comes any more after it returns. */
void *hyp_watcher_close(struct hyp_watcher *stream);

/*
 * The next event, to be given back by hyp_event_release; NULL when there is none (then `wake`
 * will be called) or when the stream has ended.
 */
const struct hyp_event *hyp_watcher_next(struct hyp_watcher *stream, bool *ret_ended);
/* Gives back an event of hyp_watcher_next, also after the stream was closed. NULL is allowed.
 */
void hyp_event_release(const struct hyp_event *event);
/* Did the client ask for this point? */
bool hyp_watcher_wants(const struct hyp_watcher *stream, hyp_device_id device,
                       hyp_point_id point);

/* Streams that are open now. */
size_t hyp_hub_stream_count(struct hyp_hub *hub);

/* Ends all streams and lets no new one begin: the server goes down. */
void hyp_streams_close_all(struct hyp_service *service);

#endif
