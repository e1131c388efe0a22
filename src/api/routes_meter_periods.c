/* SPDX-License-Identifier: Apache-2.0 */
/* The same register of many meters by calendar periods: a page as JSON, all as CSV, or added.
 */
#include "api/download.h"
#include "api/render.h"
#include "api/routes.h"
#include "service/meter_registers.h"
#include "service/period_walk.h"

#include <stdlib.h>

/* What was asked, and the meters that answer it. */
struct table {
    struct hyp_periods_query periods;
    struct hyp_point_key key;
    bool brief; /* JSON rows with one number each */
    struct hyp_meter_registers meters;
    struct hyp_period_frame frame; /* JSON: of what each meter has a sum */
};

/* --- the question --- */

static enum hyp_status read_devices(struct hyp_request *req,
                                    struct hyp_meter_registers_query *query,
                                    struct hyp_error *err)
{
    int64_t *numbers =
        hyp_arena_alloc_array(&req->arena, HYP_LIMIT_TABLE_METERS, sizeof(*numbers));
    hyp_device_id *devices =
        hyp_arena_alloc_array(&req->arena, HYP_LIMIT_TABLE_METERS, sizeof(*devices));
    if (numbers == NULL || devices == NULL) {
        return HYP_NO_MEMORY;
    }
    enum hyp_status status = hyp_request_query_ids(
        req, "devices", numbers, HYP_LIMIT_TABLE_METERS, &query->device_count, err);
    if (status != HYP_OK) {
        return status;
    }
    for (size_t i = 0; i < query->device_count; i++) {
        devices[i] = (hyp_device_id){numbers[i]};
    }
    query->devices = query->device_count > 0 ? devices : NULL;
    return HYP_OK;
}

static enum hyp_status read_table(struct hyp_request *req, struct hyp_arena *arena,
                                  struct table *table, struct hyp_error *err)
{
    struct hyp_meter_registers_query query = {
        .search = hyp_request_query(req, "search"),
        .kind = hyp_request_query(req, "kind"),
    };
    *table = (struct table){0};
    if (hyp_point_key_parse(hyp_request_query(req, "key"), &table->key) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "key: must name a register, like energy or volume.t1; see "
                             "/api/v1/vocabulary.");
    }
    query.key = table->key;
    enum hyp_status status =
        hyp_request_query_either(req, "rows", "full", "brief", &table->brief, err);
    if (status == HYP_OK) {
        status = hyp_read_periods_query(req, &table->periods, err);
    }
    if (status == HYP_OK) {
        status = hyp_periods_check(&table->periods, err);
    }
    if (status == HYP_OK) {
        status = hyp_request_query_i64(req, "group", 0, 1, INT64_MAX, &query.group, err);
    }
    if (status == HYP_OK) {
        status = read_devices(req, &query, err);
    }
    if (status == HYP_OK) {
        status = hyp_meter_registers_find(req->service, req->scope, &query, arena,
                                          &table->meters, err);
    }
    return status;
}

static enum hyp_status begin_meter(struct hyp_request *req, const struct table *table,
                                   size_t meter, struct hyp_period_walk *walk,
                                   struct hyp_error *err)
{
    struct hyp_periods_query query = table->periods;
    query.point = table->meters.list[meter].point;
    return hyp_period_walk_begin(walk, req->service, req->scope, &query, HYP_LIMIT_PERIOD_ROWS,
                                 err);
}

/* --- JSON --- */

/* The rows of one meter; what it counted in them, as the sums of all have it, into *counted. */
static enum hyp_status render_rows(struct hyp_json *json, struct hyp_period_walk *walk,
                                   const struct table *table, struct hyp_arena *scratch,
                                   struct hyp_counted *counted)
{
    size_t count = 0;
    enum hyp_status status;
    do {
        struct hyp_period_row *rows = NULL;
        hyp_arena_reset(scratch);
        status = hyp_period_walk_next(walk, scratch, &rows, &count);
        for (size_t i = 0; status == HYP_OK && i < count; i++) {
            if (table->brief) {
                hyp_render_period_brief(json, &rows[i], walk->counter);
            } else {
                hyp_render_period_row(json, &rows[i]);
            }
            if (walk->counter && hyp_period_frame_holds(&table->frame, &rows[i])) {
                hyp_counted_add(counted, &rows[i], table->frame.now);
            }
        }
    } while (status == HYP_OK && count > 0);
    return status;
}

static enum hyp_status render_meter(struct hyp_request *req, const struct table *table,
                                    size_t index, struct hyp_arena *scratch,
                                    struct hyp_error *err)
{
    const struct hyp_meter_register *meter = &table->meters.list[index];
    struct hyp_json *json = &req->json;
    struct hyp_counted counted = {.known = false};
    struct hyp_period_walk walk;
    enum hyp_status status = begin_meter(req, table, index, &walk, err);
    if (status == HYP_NOT_FOUND) {
        return HYP_OK; /* removed a moment ago */
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "device", meter->device.id);
    hyp_json_member_text(json, "device_name", meter->name);
    hyp_json_member_text(json, "serial", meter->serial);
    hyp_json_member_i64(json, "point", meter->point.id);
    hyp_json_member_text(json, "unit", hyp_unit_text(meter->unit));
    hyp_json_key(json, "rows");
    hyp_json_array_begin(json);
    status = render_rows(json, &walk, table, scratch, &counted);
    hyp_json_array_end(json);
    hyp_render_counted(json, "sum", &counted);
    hyp_json_object_end(json);
    hyp_period_walk_finish(&walk);
    return status;
}

static enum hyp_status check_size(struct hyp_request *req, const struct table *table,
                                  size_t meters, struct hyp_error *err)
{
    size_t rows = hyp_periods_rows(req->service, &table->periods, NULL, HYP_LIMIT_TABLE_ROWS);
    if (rows * meters <= HYP_LIMIT_TABLE_ROWS) {
        return HYP_OK;
    }
    return hyp_error_set(err, HYP_LIMIT, -1,
                         "limit: %zu meters of %zu or more periods each are more than %d rows; "
                         "ask for fewer meters at a time, for longer periods, or for the CSV.",
                         meters, rows, HYP_LIMIT_TABLE_ROWS);
}

static void render_head(struct hyp_json *json, const struct table *table)
{
    char text[HYP_POINT_KEY_TEXT_MAX];
    struct hyp_buf key;
    hyp_buf_init_fixed(&key, text, sizeof(text));
    hyp_point_key_format(&key, &table->key);
    hyp_json_member_str(json, "key", hyp_buf_view(&key));
    hyp_json_member_text(json, "step", hyp_calendar_text(table->periods.period));
    hyp_render_time(json, "from", table->periods.from);
    hyp_render_time(json, "to", table->periods.to);
    hyp_json_member_u64(json, "without", table->meters.without);
    hyp_json_member_u64(json, "total", table->meters.count);
}

enum hyp_status hyp_route_periods(struct hyp_request *req, struct hyp_error *err)
{
    struct table table;
    struct hyp_page page;
    struct hyp_arena scratch;
    enum hyp_status status = hyp_request_page(req, &page, err);
    if (status == HYP_OK) {
        status = read_table(req, &req->arena, &table, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_period_frame_init(&table.frame, req->service, &table.periods);
    size_t first = HYP_MIN(page.offset, table.meters.count);
    size_t count = HYP_MIN(page.limit, table.meters.count - first);
    status = check_size(req, &table, count, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_arena_init(&scratch, HYP_LIMIT_REQUEST_ARENA);
    hyp_json_object_begin(&req->json);
    render_head(&req->json, &table);
    hyp_json_member_u64(&req->json, "offset", page.offset);
    hyp_json_key(&req->json, "items");
    hyp_json_array_begin(&req->json);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = render_meter(req, &table, first + i, &scratch, err);
    }
    hyp_json_array_end(&req->json);
    hyp_json_object_end(&req->json);
    hyp_arena_finish(&scratch);
    return status;
}

/* --- sums --- */

static void render_unit(struct hyp_json *json, const struct hyp_period_sums *sums,
                        const struct hyp_unit_sums *unit)
{
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "unit", hyp_unit_text(unit->unit));
    hyp_json_member_u64(json, "meters", unit->meters);
    hyp_json_member_u64(json, "incomplete", unit->incomplete);
    hyp_render_counted(json, "sum", &unit->whole);
    hyp_json_key(json, "rows");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < sums->count; i++) {
        hyp_json_object_begin(json);
        hyp_render_time(json, "start", sums->bounds[i]);
        hyp_render_time(json, "end", sums->bounds[i + 1]);
        hyp_render_counted(json, "value", &unit->columns[i]);
        hyp_json_member_u64(json, "meters", unit->columns[i].values);
        hyp_json_object_end(json);
    }
    hyp_json_array_end(json);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_periods_sums(struct hyp_request *req, struct hyp_error *err)
{
    struct table table;
    struct hyp_period_sums sums;
    struct hyp_json *json = &req->json;
    enum hyp_status status = read_table(req, &req->arena, &table, err);
    if (status == HYP_OK) {
        status = hyp_period_sums_make(req->service, req->scope, &table.periods, &table.key,
                                      &table.meters, &req->arena, &sums, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(json);
    render_head(json, &table);
    hyp_json_key(json, "items");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < sums.unit_count; i++) {
        render_unit(json, &sums, &sums.units[i]);
    }
    hyp_json_array_end(json);
    hyp_json_object_end(json);
    return HYP_OK;
}

/* --- CSV --- */

struct table_csv {
    struct hyp_request *req;
    struct table table;
    struct hyp_arena kept;
    struct hyp_arena scratch;
    size_t next; /* meter */
    bool walks;
    struct hyp_period_walk walk;
};

static void free_csv(void *user)
{
    struct table_csv *csv = user;
    if (csv->walks) {
        hyp_period_walk_finish(&csv->walk);
    }
    hyp_arena_finish(&csv->kept);
    hyp_arena_finish(&csv->scratch);
    free(csv);
}

static void append_decimal(struct hyp_buf *out, bool known, struct hyp_decimal value)
{
    hyp_buf_append_char(out, ';');
    if (known) {
        hyp_decimal_format(out, value);
    }
}

static void append_double(struct hyp_buf *out, bool known, double value)
{
    struct hyp_decimal decimal = {0};
    bool exact = known && hyp_decimal_from_double(value, &decimal) == HYP_OK;
    append_decimal(out, exact, decimal);
    if (known && !exact) {
        hyp_buf_append_fmt(out, "%.17g", value);
    }
}

static void append_flags(struct hyp_buf *out, unsigned flags)
{
    const char *text;
    const char *between = "";
    for (size_t i = 0; (text = hyp_row_flag_text(flags, i)) != NULL; i++) {
        if (text[0] != '\0') {
            hyp_buf_append_text(out, between);
            hyp_buf_append_text(out, text);
            between = " ";
        }
    }
}

static void append_row(struct hyp_buf *out, const struct hyp_meter_register *meter,
                       const struct hyp_period_row *row)
{
    bool any = row->count > 0;
    hyp_buf_append_fmt(out, "%lld;", (long long)meter->device.id);
    hyp_csv_cell(out, hyp_str_from(meter->name));
    hyp_buf_append_char(out, ';');
    hyp_csv_cell(out, hyp_str_from(meter->serial));
    hyp_buf_append_fmt(out, ";%s;", hyp_unit_text(meter->unit));
    hyp_utc_format(out, row->start);
    hyp_buf_append_char(out, ';');
    hyp_utc_format(out, row->end);
    hyp_buf_append_fmt(out, ";%lu", (unsigned long)row->count);
    append_decimal(out, any, row->first);
    append_decimal(out, any, row->last);
    append_double(out, any, row->min);
    append_double(out, any, row->mean);
    append_double(out, any, row->max);
    append_decimal(out, row->has_sum, row->sum);
    append_decimal(out, row->has_delta, row->delta);
    hyp_buf_append_char(out, ';');
    if (row->quality != HYP_QUALITY_UNSET) {
        hyp_buf_append_text(out, hyp_quality_text(row->quality));
    }
    hyp_buf_append_char(out, ';');
    append_flags(out, row->flags);
    hyp_buf_append_text(out, "\r\n");
}

/* The walk over the next meter; HYP_OK without one is the end. */
static enum hyp_status next_meter(struct table_csv *csv)
{
    enum hyp_status status = HYP_NOT_FOUND;
    while (status == HYP_NOT_FOUND && csv->next < csv->table.meters.count) {
        status = begin_meter(csv->req, &csv->table, csv->next++, &csv->walk, NULL);
    }
    csv->walks = status == HYP_OK;
    return status == HYP_NOT_FOUND ? HYP_OK : status;
}

static enum hyp_status fill_csv(void *user, struct hyp_buf *out)
{
    struct table_csv *csv = user;
    struct hyp_period_row *rows = NULL;
    size_t count = 0;
    enum hyp_status status = HYP_OK;
    while (count == 0) {
        status = csv->walks ? HYP_OK : next_meter(csv);
        if (status != HYP_OK || !csv->walks) {
            return status;
        }
        hyp_arena_reset(&csv->scratch);
        status = hyp_period_walk_next(&csv->walk, &csv->scratch, &rows, &count);
        if (status != HYP_OK) {
            return status;
        }
        if (count == 0) {
            hyp_period_walk_finish(&csv->walk);
            csv->walks = false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        append_row(out, &csv->table.meters.list[csv->next - 1], &rows[i]);
    }
    return HYP_OK;
}

enum hyp_status hyp_route_periods_csv(struct hyp_request *req, struct hyp_error *err)
{
    struct table_csv *csv = calloc(1, sizeof(*csv));
    if (csv == NULL) {
        return HYP_NO_MEMORY;
    }
    csv->req = req;
    hyp_arena_init(&csv->kept, HYP_LIMIT_REQUEST_ARENA);
    hyp_arena_init(&csv->scratch, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status = read_table(req, &csv->kept, &csv->table, err);
    if (status == HYP_OK) {
        status = csv->table.meters.count == 0
                     ? HYP_OK
                     : begin_meter(req, &csv->table, 0, &csv->walk, err);
        csv->walks = status == HYP_OK && csv->table.meters.count > 0;
        csv->next = csv->walks ? 1 : 0;
    }
    if (status != HYP_OK) {
        free_csv(csv);
        return status;
    }
    const struct hyp_download_source source = {fill_csv, free_csv, csv};
    return hyp_download_begin(req, &source,
                              "device;name;serial;unit;start;end;count;first;last;min;mean;max;"
                              "sum;delta;quality;flags\r\n",
                              "text/csv; charset=utf-8", "periods.csv");
}
