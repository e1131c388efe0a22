/* SPDX-License-Identifier: Apache-2.0 */
/* GET /devices/{id}/readings.csv: written while it is read, whatever its length. */
#include "api/download.h"
#include "api/render.h"
#include "api/routes.h"

#include <stdlib.h>

struct hyp_csv {
    struct hyp_export export;
    struct hyp_arena points_arena;
    struct hyp_arena step_arena;
    const struct hyp_point **columns;
    size_t column_count;
    bool titled;
};

static void free_csv(void *user)
{
    struct hyp_csv *csv = user;
    hyp_arena_finish(&csv->points_arena);
    hyp_arena_finish(&csv->step_arena);
    free(csv);
}

static void append_header(const struct hyp_csv *csv, struct hyp_buf *out)
{
    hyp_buf_append_text(out, "time;receive_time;source");
    for (size_t i = 0; i < csv->column_count; i++) {
        char memory[HYP_POINT_KEY_TEXT_MAX + 32];
        struct hyp_buf cell;
        const char *unit = hyp_unit_text(csv->columns[i]->unit);
        hyp_buf_init_fixed(&cell, memory, sizeof(memory));
        hyp_point_key_format(&cell, &csv->columns[i]->key);
        if (unit[0] != '\0') {
            hyp_buf_append_fmt(&cell, " [%s]", unit);
        }
        hyp_buf_append_char(out, ';');
        hyp_csv_cell(out, hyp_buf_view(&cell));
    }
    hyp_buf_append_text(out, "\r\n");
}

static void append_value(struct hyp_buf *out, const struct hyp_stored_value *value)
{
    char memory[HYP_LIMIT_VALUE_TEXT + 64];
    struct hyp_buf cell;
    hyp_buf_init_fixed(&cell, memory, sizeof(memory));
    if (hyp_quality_is_usable(value->quality)) {
        hyp_stored_value_format(&cell, value);
    }
    if (value->kind == HYP_VALUE_TEXT) {
        hyp_csv_cell(out, hyp_buf_view(&cell));
    } else {
        hyp_buf_append_str(out, hyp_buf_view(&cell));
    }
}

static void append_row(const struct hyp_csv *csv, const struct hyp_stored_reading *reading,
                       struct hyp_buf *out)
{
    hyp_utc_format(out, reading->source_time);
    hyp_buf_append_char(out, ';');
    hyp_utc_format(out, reading->receive_time);
    hyp_buf_append_char(out, ';');
    hyp_buf_append_text(out, hyp_reading_source_text(reading->source));
    for (size_t c = 0; c < csv->column_count; c++) {
        hyp_buf_append_char(out, ';');
        for (size_t i = 0; i < reading->value_count; i++) {
            if (reading->values[i].point.id == csv->columns[c]->id.id) {
                append_value(out, &reading->values[i]);
                break;
            }
        }
    }
    hyp_buf_append_text(out, "\r\n");
}

static enum hyp_status fill_csv(void *user, struct hyp_buf *out)
{
    struct hyp_csv *csv = user;
    struct hyp_stored_reading *readings;
    size_t count;
    if (!csv->titled) {
        append_header(csv, out);
        csv->titled = true;
    }
    hyp_arena_reset(&csv->step_arena);
    enum hyp_status status = hyp_export_next(&csv->export, &csv->step_arena, &readings, &count);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        append_row(csv, &readings[i], out);
    }
    return status;
}

static const struct hyp_point *find_column(const struct hyp_point *points, size_t count,
                                           int64_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (points[i].id.id == id) {
            return &points[i];
        }
    }
    return NULL;
}

/* All points, or the ones asked for, in that order. */
static enum hyp_status choose_columns(struct hyp_request *req, struct hyp_csv *csv,
                                      struct hyp_error *err)
{
    struct hyp_point *points;
    size_t count;
    int64_t wanted[256];
    size_t wanted_count;
    enum hyp_status status =
        hyp_readings_points(req->service, req->scope, (hyp_device_id){req->ids[0]},
                            &csv->points_arena, &points, &count, err);
    if (status == HYP_OK) {
        status = hyp_request_query_ids(req, "points", wanted, HYP_ARRAY_LEN(wanted),
                                       &wanted_count, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    csv->column_count = wanted_count > 0 ? wanted_count : count;
    csv->columns = hyp_arena_alloc_array(&csv->points_arena, csv->column_count + 1,
                                         sizeof(struct hyp_point *));
    if (csv->columns == NULL) {
        return HYP_NO_MEMORY;
    }
    for (size_t i = 0; i < csv->column_count; i++) {
        csv->columns[i] = wanted_count > 0 ? find_column(points, count, wanted[i]) : &points[i];
        if (csv->columns[i] == NULL) {
            return hyp_error_set(err, HYP_NOT_FOUND, -1, "Point %lld is none of this device's.",
                                 (long long)wanted[i]);
        }
    }
    return HYP_OK;
}

static enum hyp_status begin_csv(struct hyp_request *req, struct hyp_csv *csv,
                                 struct hyp_error *err)
{
    hyp_utc from;
    hyp_utc to;
    enum hyp_status status = hyp_read_range(req, &from, &to, err);
    if (status == HYP_OK) {
        status = choose_columns(req, csv, err);
    }
    if (status == HYP_OK) {
        status = hyp_export_init(&csv->export, req->service, req->scope,
                                 (hyp_device_id){req->ids[0]}, from, to, err);
    }
    return status;
}

enum hyp_status hyp_route_device_csv(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_csv *csv = calloc(1, sizeof(*csv));
    if (csv == NULL) {
        return HYP_NO_MEMORY;
    }
    hyp_arena_init(&csv->points_arena, HYP_LIMIT_REQUEST_ARENA);
    hyp_arena_init(&csv->step_arena, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status = begin_csv(req, csv, err);
    if (status != HYP_OK) {
        free_csv(csv);
        return status;
    }
    const struct hyp_download_source source = {fill_csv, free_csv, csv};
    return hyp_download_begin(req, &source, "", "text/csv; charset=utf-8",
                              hyp_request_text(req, "device-%lld.csv", (long long)req->ids[0]));
}
