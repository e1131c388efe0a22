/* SPDX-License-Identifier: Apache-2.0 */
/* Values for charts: one by one, or as buckets with what these hide. */
#include "api/inside.h"
#include "api/render.h"
#include "api/routes.h"

#include <math.h>

/* Which values were not simply measured; absent ones say so by themselves. */
static void render_marks(struct hyp_json *json, const struct hyp_series *series)
{
    hyp_json_key(json, "marks");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < series->value_count; i++) {
        enum hyp_quality quality = series->values[i].quality;
        if (quality != HYP_QUALITY_GOOD && hyp_quality_is_usable(quality)) {
            hyp_json_object_begin(json);
            hyp_json_member_u64(json, "index", i);
            hyp_json_member_text(json, "quality", hyp_quality_text(quality));
            hyp_json_object_end(json);
        }
    }
    hyp_json_array_end(json);
}

static void render_raw(struct hyp_json *json, const struct hyp_series *series)
{
    hyp_json_member_text(json, "mode", "raw");
    hyp_json_key(json, "times");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < series->value_count; i++) {
        hyp_json_i64(json, series->values[i].time.ms);
    }
    hyp_json_array_end(json);
    hyp_json_key(json, "values");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < series->value_count; i++) {
        hyp_render_bare_value(json, &series->values[i]);
    }
    hyp_json_array_end(json);
    render_marks(json, series);
}

/* A mean to three digits behind those of its values: the others would be noise. */
static void render_mean(struct hyp_json *json, const struct hyp_summary *bucket)
{
    const int exact = 15; /* digits that a double keeps */
    int decimals = 3 - HYP_MIN(HYP_MIN(bucket->min.exp10, bucket->max.exp10), (int8_t)0);
    double steps = 1;
    for (int i = 0; i < decimals && i < exact; i++) {
        steps *= 10;
    }
    double scaled = round(bucket->mean * steps);
    bool fits = decimals < exact && fabs(scaled) < 1e15;
    hyp_json_double(json, fits ? scaled / steps : bucket->mean);
}

enum bucket_column { BUCKET_MIN, BUCKET_MEAN, BUCKET_MAX, BUCKET_LAST, BUCKET_COLUMNS };

static void render_bucket(struct hyp_json *json, const struct hyp_summary *bucket,
                          enum bucket_column column)
{
    if (bucket->count == 0) {
        hyp_json_null(json);
        return;
    }
    switch (column) {
    case BUCKET_MIN: hyp_json_decimal(json, bucket->min); break;
    case BUCKET_MEAN: render_mean(json, bucket); break;
    case BUCKET_MAX: hyp_json_decimal(json, bucket->max); break;
    case BUCKET_LAST: hyp_json_decimal(json, bucket->last); break;
    case BUCKET_COLUMNS: break;
    }
}

static void render_buckets(struct hyp_json *json, const struct hyp_series *series)
{
    static const char *const names[BUCKET_COLUMNS] = {"min", "mean", "max", "last"};
    hyp_json_member_text(json, "mode", "buckets");
    hyp_json_key(json, "times");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < series->bucket_count; i++) {
        hyp_json_i64(json, series->buckets[i].start.ms);
    }
    hyp_json_array_end(json);
    for (size_t column = 0; column < BUCKET_COLUMNS; column++) {
        hyp_json_key(json, names[column]);
        hyp_json_array_begin(json);
        for (size_t i = 0; i < series->bucket_count; i++) {
            render_bucket(json, &series->buckets[i], (enum bucket_column)column);
        }
        hyp_json_array_end(json);
    }
}

static void render_bucket_mark(struct hyp_json *json, size_t index, enum hyp_quality quality,
                               uint64_t count)
{
    if (count > 0) {
        hyp_json_object_begin(json);
        hyp_json_member_u64(json, "index", index);
        hyp_json_member_text(json, "quality", hyp_quality_text(quality));
        hyp_json_member_u64(json, "count", count);
        hyp_json_object_end(json);
    }
}

/* What the numbers of a bucket hide: values that were not simply measured, and outages. */
static void render_hidden(struct hyp_json *json, const struct hyp_series *series)
{
    hyp_json_key(json, "marks");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < series->bucket_count; i++) {
        const struct hyp_summary_marks *marks = &series->marks[i];
        render_bucket_mark(json, i, HYP_QUALITY_DOUBTFUL, marks->doubtful);
        render_bucket_mark(json, i, HYP_QUALITY_ESTIMATED, marks->estimated);
        render_bucket_mark(json, i, HYP_QUALITY_MANUAL, marks->manual);
        render_bucket_mark(json, i, HYP_QUALITY_CORRECTED, marks->corrected);
    }
    hyp_json_array_end(json);
    hyp_json_key(json, "gaps");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < series->bucket_count; i++) {
        const struct hyp_summary_marks *marks = &series->marks[i];
        if (marks->step_to.ms - marks->step_from.ms > series->longest_ms) {
            hyp_json_object_begin(json);
            hyp_json_member_i64(json, "from", marks->step_from.ms);
            hyp_json_member_i64(json, "to", marks->step_to.ms);
            hyp_json_object_end(json);
        }
    }
    hyp_json_array_end(json);
}

static void render_events(struct hyp_json *json, const struct hyp_series *series)
{
    hyp_json_key(json, "events");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < series->event_count; i++) {
        hyp_json_object_begin(json);
        hyp_json_member_i64(json, "time", series->events[i].time.ms);
        hyp_json_member_text(json, "kind", hyp_counter_entry_kind_text(series->events[i].kind));
        hyp_json_object_end(json);
    }
    hyp_json_array_end(json);
}

static void render_series(struct hyp_json *json, const struct hyp_series *series)
{
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "point", series->point.id.id);
    hyp_json_member_i64(json, "device", series->point.device.id);
    hyp_json_member_text(json, "device_name", series->device_name);
    hyp_render_key_members(json, &series->point.key, series->point.unit,
                           hyp_str_from(series->point.label));
    if (series->raw) {
        render_raw(json, series);
    } else {
        render_buckets(json, series);
        render_hidden(json, series);
    }
    render_events(json, series);
    hyp_json_object_end(json);
}

static enum hyp_status read_series_query(struct hyp_request *req, hyp_point_id *points,
                                         struct hyp_series_query *query, struct hyp_error *err)
{
    const int64_t day_ms = 24LL * 3600 * 1000;
    int64_t numbers[HYP_LIMIT_SERIES];
    int64_t px;
    hyp_utc now = hyp_clock_utc(hyp_service_clock(req->service));
    enum hyp_status status = hyp_request_query_ids(req, "points", numbers, HYP_LIMIT_SERIES,
                                                   &query->point_count, err);
    for (size_t i = 0; status == HYP_OK && i < query->point_count; i++) {
        points[i] = (hyp_point_id){numbers[i]};
    }
    if (status == HYP_OK) {
        status = hyp_request_query_time(req, "to", now, &query->to, err);
    }
    if (status == HYP_OK) {
        status = hyp_request_query_time(req, "from", (hyp_utc){query->to.ms - day_ms},
                                        &query->from, err);
    }
    if (status == HYP_OK) {
        status = hyp_request_query_i64(req, "px", 800, 1, HYP_LIMIT_CHART_BUCKETS, &px, err);
    }
    if (status == HYP_OK) {
        query->points = points;
        query->px = (size_t)px;
    }
    return status;
}

enum hyp_status hyp_route_series(struct hyp_request *req, struct hyp_error *err)
{
    hyp_point_id points[HYP_LIMIT_SERIES];
    struct hyp_series_query query;
    struct hyp_series *series;
    enum hyp_status status = read_series_query(req, points, &query, err);
    if (status == HYP_OK) {
        status =
            hyp_readings_series(req->service, req->scope, &query, &req->arena, &series, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(&req->json);
    hyp_json_member_i64(&req->json, "from", query.from.ms);
    hyp_json_member_i64(&req->json, "to", query.to.ms);
    hyp_json_key(&req->json, "series");
    hyp_json_array_begin(&req->json);
    for (size_t i = 0; i < query.point_count; i++) {
        render_series(&req->json, &series[i]);
    }
    hyp_json_array_end(&req->json);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}
