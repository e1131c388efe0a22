/* SPDX-License-Identifier: Apache-2.0 */
#include "service/readings.h"

#include "service/inside.h"
#include "service/series_marks.h"

/* Readings per step of an export. */
#define EXPORT_STEP 500
/* Pages of frames looked through for those that gave no reading. */
#define FRAME_BLOCKS 20
#define EXPORT_WINDOW_MS (7LL * 24 * 3600 * 1000)
#define EXPORT_WINDOW_MAX_MS (3650LL * 24 * 3600 * 1000)

static enum hyp_status check_device(struct hyp_service *service, const struct hyp_scope *scope,
                                    hyp_device_id device, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_READ, err);
    if (status == HYP_OK &&
        !hyp_directory_has_device(service->directory, hyp_scope_tenant(scope), device)) {
        status = hyp_service_not_found(err, "device", device.id);
    }
    return status;
}

enum hyp_status hyp_readings_latest(struct hyp_service *service, const struct hyp_scope *scope,
                                    hyp_device_id device, struct hyp_arena *arena,
                                    struct hyp_latest **ret_values, size_t *ret_count,
                                    struct hyp_error *err)
{
    enum hyp_status status = check_device(service, scope, device, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_latest(service->config.store, hyp_scope_tenant(scope), device, arena,
                              ret_values, ret_count);
    if (status == HYP_NOT_FOUND) {
        *ret_count = 0; /* a device that has not said anything yet */
        return HYP_OK;
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_readings_point_latest(struct hyp_service *service,
                                          const struct hyp_scope *scope, hyp_point_id id,
                                          struct hyp_arena *arena, struct hyp_latest *ret_value,
                                          struct hyp_error *err)
{
    struct hyp_point point;
    struct hyp_latest *values = NULL;
    size_t count = 0;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_tenant_id tenant = hyp_scope_tenant(scope);
    status = hyp_store_point(service->config.store, tenant, id, &point);
    if (status == HYP_OK) {
        status = hyp_store_latest(service->config.store, tenant, point.device, arena, &values,
                                  &count);
    }
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        if (values[i].point.id.id == id.id) {
            *ret_value = values[i];
            return HYP_OK;
        }
    }
    return status == HYP_OK || status == HYP_NOT_FOUND
               ? hyp_service_not_found(err, "value of point", id.id)
               : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_readings_points(struct hyp_service *service, const struct hyp_scope *scope,
                                    hyp_device_id device, struct hyp_arena *arena,
                                    struct hyp_point **ret_points, size_t *ret_count,
                                    struct hyp_error *err)
{
    enum hyp_status status = check_device(service, scope, device, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_points(service->config.store, hyp_scope_tenant(scope), device, arena,
                              ret_points, ret_count);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_readings_list(struct hyp_service *service, const struct hyp_scope *scope,
                                  hyp_device_id device, hyp_utc from, hyp_utc to,
                                  struct hyp_page page, struct hyp_arena *arena,
                                  struct hyp_stored_reading **ret_readings, size_t *ret_count,
                                  size_t *ret_total, struct hyp_error *err)
{
    enum hyp_status status = check_device(service, scope, device, err);
    if (status != HYP_OK) {
        return status;
    }
    status = (page.merged ? hyp_store_instants : hyp_store_readings)(
        service->config.store, hyp_scope_tenant(scope), device, from, to, page.offset,
        page.limit, arena, ret_readings, ret_count, ret_total);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

/* --- charts --- */

/* What a chart is made of, while it is. */
struct chart {
    struct hyp_service *service;
    hyp_tenant_id tenant;
    const struct hyp_series_query *query;
    struct hyp_arena *arena;
    struct hyp_series *series;                 /* query->point_count */
    struct hyp_series *some[HYP_LIMIT_SERIES]; /* those that are summarised now */
    size_t count;
};

/* The ids of chart->some, of which summaries come one after the other. */
static void list_points(const struct chart *chart, hyp_point_id *points)
{
    for (size_t i = 0; i < chart->count; i++) {
        points[i] = chart->some[i]->point.id;
    }
}

/* Numbers of which there are too many for the width become buckets. */
static enum hyp_status choose_mode(struct chart *chart)
{
    const hyp_utc whole[2] = {chart->query->from, chart->query->to};
    struct hyp_summary *summaries;
    hyp_point_id points[HYP_LIMIT_SERIES];
    size_t kept = 0;
    for (size_t i = 0; i < chart->query->point_count; i++) {
        chart->series[i].raw = true;
        if (chart->series[i].point.kind == HYP_VALUE_DECIMAL) {
            chart->some[chart->count++] = &chart->series[i];
        }
    }
    if (chart->count == 0) {
        return HYP_OK;
    }
    list_points(chart, points);
    enum hyp_status status =
        hyp_store_summaries(chart->service->config.store, chart->tenant, points, chart->count,
                            whole, 1, chart->arena, &summaries);
    for (size_t i = 0; status == HYP_OK && i < chart->count; i++) {
        chart->some[i]->raw = summaries[i].count <= 2 * chart->query->px;
        if (!chart->some[i]->raw) {
            chart->some[kept++] = chart->some[i];
        }
    }
    chart->count = kept;
    return status;
}

/*
 * More than two values a pixel need more milliseconds than pixels, so the bounds ascend.
 * Rounded up: a value at the start of a bucket falls into it.
 */
static enum hyp_status fill_buckets(const struct chart *chart)
{
    const struct hyp_series_query *query = chart->query;
    const unsigned __int128 span = (uint64_t)query->to.ms - (uint64_t)query->from.ms;
    struct hyp_summary *summaries;
    struct hyp_summary_marks *marks;
    hyp_point_id points[HYP_LIMIT_SERIES];
    hyp_utc *bounds = hyp_arena_alloc_array(chart->arena, query->px + 1, sizeof(*bounds));
    if (bounds == NULL) {
        return HYP_NO_MEMORY;
    }
    for (size_t i = 0; i <= query->px; i++) {
        uint64_t offset = (uint64_t)((span * i + query->px - 1) / query->px);
        bounds[i].ms = (int64_t)((uint64_t)query->from.ms + offset);
    }
    list_points(chart, points);
    enum hyp_status status = hyp_store_marked_summaries(
        chart->service->config.store, chart->tenant, points, chart->count, bounds, query->px,
        chart->arena, &summaries, &marks);
    for (size_t i = 0; status == HYP_OK && i < chart->count; i++) {
        struct hyp_series *series = chart->some[i];
        series->buckets = summaries + i * query->px;
        series->bucket_count = query->px;
        series->marks = marks + i * query->px;
        series->longest_ms =
            hyp_series_longest_step(series->buckets, series->bucket_count, chart->arena);
    }
    return status;
}

static enum hyp_status fill_chart(struct chart *chart)
{
    enum hyp_status status = choose_mode(chart);
    if (status == HYP_OK && chart->count > 0) {
        status = fill_buckets(chart);
    }
    for (size_t i = 0; status == HYP_OK && i < chart->query->point_count; i++) {
        struct hyp_series *series = &chart->series[i];
        if (series->raw) {
            status = hyp_store_series(chart->service->config.store, chart->tenant,
                                      series->point.id, chart->query->from, chart->query->to,
                                      chart->arena, &series->values, &series->value_count);
        }
        if (status == HYP_OK) {
            status = hyp_series_find_events(chart->service->config.store, chart->tenant,
                                            chart->query->from, chart->query->to, chart->arena,
                                            series);
        }
    }
    return status;
}

static enum hyp_status begin_series(struct hyp_service *service, hyp_tenant_id tenant,
                                    hyp_point_id id, struct hyp_series *series,
                                    struct hyp_error *err)
{
    struct hyp_device_view view;
    enum hyp_status status = hyp_store_point(service->config.store, tenant, id, &series->point);
    if (status != HYP_OK) {
        return hyp_service_not_found(err, "point", id.id);
    }
    if (hyp_directory_device(service->directory, tenant, series->point.device,
                             hyp_service_now(service), &view) == HYP_OK) {
        hyp_text_copy(series->device_name, sizeof(series->device_name),
                      hyp_str_from(view.device.name));
    }
    return HYP_OK;
}

enum hyp_status hyp_readings_series(struct hyp_service *service, const struct hyp_scope *scope,
                                    const struct hyp_series_query *query,
                                    struct hyp_arena *arena, struct hyp_series **ret_series,
                                    struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    if (query->point_count == 0 || query->point_count > HYP_LIMIT_SERIES) {
        return hyp_error_set(err, HYP_INVALID, -1, "points: 1 to %d points make a chart.",
                             HYP_LIMIT_SERIES);
    }
    if (query->from.ms >= query->to.ms) {
        return hyp_error_set(err, HYP_INVALID, -1, "from: must be before \"to\".");
    }
    if (query->px == 0 || query->px > HYP_LIMIT_CHART_BUCKETS) {
        return hyp_error_set(err, HYP_INVALID, -1, "px: must be 1..%d.",
                             HYP_LIMIT_CHART_BUCKETS);
    }
    struct hyp_series *series =
        hyp_arena_alloc_array(arena, query->point_count, sizeof(*series));
    if (series == NULL) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    hyp_tenant_id tenant = hyp_scope_tenant(scope);
    for (size_t i = 0; status == HYP_OK && i < query->point_count; i++) {
        status = begin_series(service, tenant, query->points[i], &series[i], err);
    }
    if (status != HYP_OK) {
        return status;
    }
    struct chart chart = {
        .service = service, .tenant = tenant, .query = query, .arena = arena, .series = series};
    status = fill_chart(&chart);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    *ret_series = series;
    return HYP_OK;
}

/* --- export --- */

/* Narrows the range to what there is: from the oldest reading to behind the newest. */
static enum hyp_status find_bounds(struct hyp_export *export)
{
    struct hyp_arena arena;
    struct hyp_store *store = export->service->config.store;
    struct hyp_stored_reading *newest = NULL;
    struct hyp_stored_reading *oldest = NULL;
    size_t count = 0;
    size_t total = 0;
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status =
        hyp_store_readings(store, export->tenant, export->device, export->next, export->to, 0,
                           1, &arena, &newest, &count, &total);
    if (status == HYP_OK && count > 0) {
        status = hyp_store_readings(store, export->tenant, export->device, export->next,
                                    export->to, total - 1, 1, &arena, &oldest, &count, &total);
    }
    if (status == HYP_OK) {
        export->next = count > 0 ? oldest[0].source_time : export->to;
        export->to.ms = count > 0 ? newest[0].source_time.ms + 1 : export->to.ms;
    }
    hyp_arena_finish(&arena);
    return status;
}

enum hyp_status hyp_export_init(struct hyp_export *export, struct hyp_service *service,
                                const struct hyp_scope *scope, hyp_device_id device,
                                hyp_utc from, hyp_utc to, struct hyp_error *err)
{
    enum hyp_status status = check_device(service, scope, device, err);
    if (status != HYP_OK) {
        return status;
    }
    *export = (struct hyp_export){
        .service = service,
        .tenant = hyp_scope_tenant(scope),
        .device = device,
        .next = from,
        .to = to,
        .window_ms = EXPORT_WINDOW_MS,
    };
    status = find_bounds(export);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

static void reverse(struct hyp_stored_reading *readings, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct hyp_stored_reading kept = readings[i];
        readings[i] = readings[count - 1 - i];
        readings[count - 1 - i] = kept;
    }
}

/*
 * The store gives newest first, so the walk goes by windows of time, each small enough to be
 * taken whole: readings that arrive meanwhile can neither be doubled nor push others out.
 */
enum hyp_status hyp_export_next(struct hyp_export *export, struct hyp_arena *arena,
                                struct hyp_stored_reading **ret_readings, size_t *ret_count)
{
    *ret_count = 0;
    while (export->next.ms < export->to.ms) {
        size_t total;
        hyp_utc end = {HYP_MIN(export->next.ms + export->window_ms, export->to.ms)};
        enum hyp_status status = hyp_store_readings(
            export->service->config.store, export->tenant, export->device, export->next, end, 0,
            EXPORT_STEP, arena, ret_readings, ret_count, &total);
        if (status != HYP_OK) {
            return status;
        }
        if (total > EXPORT_STEP && export->window_ms > 1) {
            export->window_ms = HYP_MAX(export->window_ms / 4, (int64_t)1);
            hyp_arena_reset(arena);
            continue;
        }
        export->next = end;
        if (*ret_count > 0) {
            reverse(*ret_readings, *ret_count);
            return HYP_OK;
        }
        export->window_ms = HYP_MIN(export->window_ms * 2, EXPORT_WINDOW_MAX_MS);
    }
    *ret_count = 0;
    return HYP_OK;
}

/* --- raw frames --- */

/* Looks through the frames block by block; the store knows no filter by outcome. */
static enum hyp_status list_unknown(struct hyp_service *service, hyp_tenant_id tenant,
                                    hyp_device_id device, hyp_line_id line,
                                    struct hyp_page page, struct hyp_arena *arena,
                                    struct hyp_stored_frame **ret_frames, size_t *ret_count)
{
    struct hyp_stored_frame *kept = hyp_arena_alloc_array(arena, page.limit + 1, sizeof(*kept));
    size_t found = 0;
    size_t got = HYP_LIMIT_PAGE;
    if (kept == NULL) {
        return HYP_NO_MEMORY;
    }
    for (size_t block = 0; block < FRAME_BLOCKS && got == HYP_LIMIT_PAGE; block++) {
        struct hyp_stored_frame *frames;
        enum hyp_status status =
            hyp_store_frames(service->config.store, tenant, device, line,
                             block * HYP_LIMIT_PAGE, HYP_LIMIT_PAGE, arena, &frames, &got);
        if (status != HYP_OK) {
            return status;
        }
        for (size_t i = 0; i < got && found < page.offset + page.limit; i++) {
            if (frames[i].device.id != 0 && frames[i].outcome == HYP_OK) {
                continue;
            }
            if (found >= page.offset) {
                kept[found - page.offset] = frames[i];
            }
            found++;
        }
    }
    *ret_frames = kept;
    *ret_count = found > page.offset ? found - page.offset : 0;
    return HYP_OK;
}

enum hyp_status hyp_frames_list(struct hyp_service *service, const struct hyp_scope *scope,
                                hyp_device_id device, hyp_line_id line, bool unknown,
                                struct hyp_page page, struct hyp_arena *arena,
                                struct hyp_stored_frame **ret_frames, size_t *ret_count,
                                struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_FRAME_READ, err);
    if (status == HYP_OK && device.id != 0) {
        status = check_device(service, scope, device, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_tenant_id tenant = hyp_scope_tenant(scope);
    status = unknown ? list_unknown(service, tenant, device, line, page, arena, ret_frames,
                                    ret_count)
                     : hyp_store_frames(service->config.store, tenant, device, line,
                                        page.offset, page.limit, arena, ret_frames, ret_count);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_frame_get(struct hyp_service *service, const struct hyp_scope *scope,
                              hyp_frame_id id, struct hyp_arena *arena,
                              struct hyp_stored_frame *ret_frame, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_FRAME_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    status =
        hyp_store_frame(service->config.store, hyp_scope_tenant(scope), id, arena, ret_frame);
    if (status == HYP_NOT_FOUND) {
        return hyp_service_not_found(err, "frame", id.id);
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_frame_copies(struct hyp_service *service, const struct hyp_scope *scope,
                                 const struct hyp_stored_frame *frame,
                                 struct hyp_frame_copy ret_copies[static HYP_LIMIT_RECEIVERS],
                                 size_t *ret_count, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_FRAME_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_frame_copies(service->config.store, hyp_scope_tenant(scope), frame,
                                    ret_copies, ret_count);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}
