/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings: latest values, readings in order, series for charts, raw frames.
 */
#ifndef HYP_SERVICE_READINGS_H
#define HYP_SERVICE_READINGS_H

#include "base/arena.h"
#include "service/directory.h"
#include "service/scope.h"
#include "service/service.h"

/* The payload as text, as hyp_value_format does it. */
void hyp_stored_value_format(struct hyp_buf *out, const struct hyp_stored_value *value);

/* Of all registers of a device. DENIED | NOT_FOUND (the device), else as hyp_store_latest. */
HYP_MUST_USE enum hyp_status hyp_readings_latest(struct hyp_service *service,
                                                 const struct hyp_scope *scope,
                                                 hyp_device_id device, struct hyp_arena *arena,
                                                 struct hyp_latest **ret_values,
                                                 size_t *ret_count, struct hyp_error *err);
/* The latest value of one register, texts in the arena. HYP_OK | DENIED | NOT_FOUND (the point,
 * or it has no value) | what the store says */
HYP_MUST_USE enum hyp_status
hyp_readings_point_latest(struct hyp_service *service, const struct hyp_scope *scope,
                          hyp_point_id point, struct hyp_arena *arena,
                          struct hyp_latest *ret_value, struct hyp_error *err);
/* All registers of a device. DENIED | NOT_FOUND (the device), else as hyp_store_points. */
HYP_MUST_USE enum hyp_status hyp_readings_points(struct hyp_service *service,
                                                 const struct hyp_scope *scope,
                                                 hyp_device_id device, struct hyp_arena *arena,
                                                 struct hyp_point **ret_points,
                                                 size_t *ret_count, struct hyp_error *err);

struct hyp_page {
    size_t offset;
    size_t limit;
    bool merged; /* readings only: all of an instant are one (hyp_store_instants) */
};
/*
 * One page of a device's readings in [from, to), newest first.
 * @ret_total  of all pages
 * Returns     HYP_OK | DENIED | NOT_FOUND (the device) | as hyp_store_readings
 */
HYP_MUST_USE enum hyp_status
hyp_readings_list(struct hyp_service *service, const struct hyp_scope *scope,
                  hyp_device_id device, hyp_utc from, hyp_utc to, struct hyp_page page,
                  struct hyp_arena *arena, struct hyp_stored_reading **ret_readings,
                  size_t *ret_count, size_t *ret_total, struct hyp_error *err);

struct hyp_series {
    struct hyp_point point;
    char device_name[HYP_LIMIT_NAME];
    bool raw;
    struct hyp_stored_value *values; /* raw */
    size_t value_count;
    struct hyp_summary *buckets; /* not raw */
    size_t bucket_count;
    struct hyp_summary_marks *marks;  /* of each bucket */
    int64_t longest_ms;               /* longer steps between values of buckets are outages */
    struct hyp_counter_entry *events; /* exchanges and resets in the range, by time */
    size_t event_count;
};
struct hyp_series_query {
    const hyp_point_id *points;
    size_t point_count; /* at most HYP_LIMIT_SERIES */
    hyp_utc from;
    hyp_utc to;
    size_t px; /* width of the chart; raw values as long as there are at most two per pixel */
};
/*
 * Registers for a chart, one series each in the order of `points`.
 * Returns   HYP_OK | DENIED | NOT_FOUND (a register) | INVALID (number of points,
 *           span, px) | what the store says
 */
HYP_MUST_USE enum hyp_status
hyp_readings_series(struct hyp_service *service, const struct hyp_scope *scope,
                    const struct hyp_series_query *query, struct hyp_arena *arena,
                    struct hyp_series **ret_series, struct hyp_error *err);

/*
 * Walks all readings of a device from old to new, for exports.
 * Initialised by hyp_export_init; hyp_export_next gives a handful at a time until *ret_count
 * is 0.
 */
struct hyp_export {
    struct hyp_service *service;
    hyp_tenant_id tenant;
    hyp_device_id device;
    hyp_utc next; /* readings before this time are done */
    hyp_utc to;
    int64_t window_ms;
};
/* DENIED; NOT_FOUND (the device). */
HYP_MUST_USE enum hyp_status hyp_export_init(struct hyp_export *export,
                                             struct hyp_service *service,
                                             const struct hyp_scope *scope,
                                             hyp_device_id device, hyp_utc from, hyp_utc to,
                                             struct hyp_error *err);
/*
 * The next readings, old to new.
 * @arena      holds the result of this call and nothing else: it may be reset in between
 * @ret_count  0 = there are no more
 * Returns     HYP_OK | as hyp_store_readings
 */
HYP_MUST_USE enum hyp_status hyp_export_next(struct hyp_export *export, struct hyp_arena *arena,
                                             struct hyp_stored_reading **ret_readings,
                                             size_t *ret_count);

/* --- raw frames --- */

/*
 * One page of the tenant's frames, newest first, without their bytes.
 * @device, @line  only those of it; id 0 = of all
 * @unknown        only frames that gave no reading: refused, or of an unknown sender; they
 *                 are looked for among the newest 20 x HYP_LIMIT_PAGE frames
 * Returns         HYP_OK | DENIED | NOT_FOUND (the device or the line)
 *               | as hyp_store_frames
 */
HYP_MUST_USE enum hyp_status
hyp_frames_list(struct hyp_service *service, const struct hyp_scope *scope,
                hyp_device_id device, hyp_line_id line, bool unknown, struct hyp_page page,
                struct hyp_arena *arena, struct hyp_stored_frame **ret_frames,
                size_t *ret_count, struct hyp_error *err);
/* One frame with its bytes, in the arena. DENIED | NOT_FOUND, else as hyp_store_frame. */
HYP_MUST_USE enum hyp_status hyp_frame_get(struct hyp_service *service,
                                           const struct hyp_scope *scope, hyp_frame_id id,
                                           struct hyp_arena *arena,
                                           struct hyp_stored_frame *ret_frame,
                                           struct hyp_error *err);
/* Who else heard its telegram, at most HYP_LIMIT_RECEIVERS. DENIED, else as
 * hyp_store_frame_copies; @frame from hyp_frame_get */
HYP_MUST_USE enum hyp_status
hyp_frame_copies(struct hyp_service *service, const struct hyp_scope *scope,
                 const struct hyp_stored_frame *frame,
                 struct hyp_frame_copy ret_copies[static HYP_LIMIT_RECEIVERS],
                 size_t *ret_count, struct hyp_error *err);

#endif
