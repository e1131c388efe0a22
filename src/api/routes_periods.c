/* SPDX-License-Identifier: Apache-2.0 */
/* One register by calendar periods of the site. */
#include "api/inside.h"
#include "api/render.h"
#include "api/routes.h"
#include "service/periods.h"

#define DEFAULT_DAYS 31
#define DAY_MS (24LL * 3600 * 1000)

static const struct flag_row {
    enum hyp_row_flag flag;
    const char *text;
} flag_rows[] = {
    {HYP_ROW_ROLLOVER,   "rollover"  },
    {HYP_ROW_REPLACED,   "replaced"  },
    {HYP_ROW_SMALL_BACK, "small_back"},
    {HYP_ROW_BACK,       "back"      },
};

enum hyp_status hyp_read_periods_query(struct hyp_request *req, struct hyp_periods_query *query,
                                       struct hyp_error *err)
{
    int64_t day = 0;
    int64_t hour = -1;
    struct hyp_str step = hyp_request_query(req, "step");
    hyp_utc now = hyp_clock_utc(hyp_service_clock(req->service));
    query->period = HYP_PERIOD_DAY;
    if (step.len > 0 && hyp_calendar_find(step, &query->period) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "step: must be \"hour\", \"day\", \"month\" or \"year\".");
    }
    enum hyp_status status = hyp_request_query_time(req, "to", now, &query->to, err);
    if (status == HYP_OK) {
        hyp_utc month_ago = {query->to.ms - DEFAULT_DAYS * DAY_MS};
        status = hyp_request_query_time(req, "from", month_ago, &query->from, err);
    }
    if (status == HYP_OK) {
        status = hyp_request_query_i64(req, "settlement_day", 0, 1, HYP_SETTLEMENT_DAY_MAX,
                                       &day, err);
    }
    if (status == HYP_OK) {
        status = hyp_request_query_i64(req, "settlement_hour", -1, 0, 23, &hour, err);
    }
    query->settlement_day = (int)day;
    query->settlement_hour = (int)hour;
    return status;
}

static void member_double(struct hyp_json *json, const char *name, bool known, double value)
{
    hyp_json_key(json, name);
    if (known) {
        hyp_json_double(json, value);
    } else {
        hyp_json_null(json);
    }
}

static void member_decimal(struct hyp_json *json, const char *name, bool known,
                           struct hyp_decimal value)
{
    hyp_json_key(json, name);
    if (known) {
        hyp_json_decimal(json, value);
    } else {
        hyp_json_null(json);
    }
}

const char *hyp_row_flag_text(unsigned flags, size_t index)
{
    if (index >= HYP_ARRAY_LEN(flag_rows)) {
        return NULL;
    }
    return (flags & flag_rows[index].flag) != 0 ? flag_rows[index].text : "";
}

/* How far the numbers of a row or a sum can be trusted. */
static void render_marks(struct hyp_json *json, enum hyp_quality quality, unsigned flags)
{
    hyp_json_key(json, "quality");
    if (quality == HYP_QUALITY_UNSET) {
        hyp_json_null(json);
    } else {
        hyp_json_text(json, hyp_quality_text(quality));
    }
    hyp_json_key(json, "flags");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < HYP_ARRAY_LEN(flag_rows); i++) {
        if ((flags & flag_rows[i].flag) != 0) {
            hyp_json_text(json, flag_rows[i].text);
        }
    }
    hyp_json_array_end(json);
}

void hyp_render_period_row(struct hyp_json *json, const struct hyp_period_row *row)
{
    bool any = row->count > 0;
    hyp_json_object_begin(json);
    hyp_render_time(json, "start", row->start);
    hyp_render_time(json, "end", row->end);
    hyp_json_member_u64(json, "count", row->count);
    member_double(json, "min", any, row->min);
    member_double(json, "mean", any, row->mean);
    member_double(json, "max", any, row->max);
    member_decimal(json, "first", any, row->first);
    member_decimal(json, "last", any, row->last);
    member_decimal(json, "sum", row->has_sum, row->sum);
    member_decimal(json, "delta", row->has_delta, row->delta);
    render_marks(json, row->quality, row->flags);
    hyp_json_object_end(json);
}

void hyp_render_period_brief(struct hyp_json *json, const struct hyp_period_row *row,
                             bool counter)
{
    hyp_json_object_begin(json);
    hyp_render_time(json, "start", row->start);
    hyp_render_time(json, "end", row->end);
    if (counter) {
        member_decimal(json, "value", row->has_delta, row->delta);
    } else {
        member_double(json, "value", row->count > 0, row->mean);
    }
    render_marks(json, row->quality, row->flags);
    hyp_json_object_end(json);
}

void hyp_render_counted(struct hyp_json *json, const char *name,
                        const struct hyp_counted *counted)
{
    member_decimal(json, name, counted->known, counted->value);
    hyp_json_member_u64(json, "absent", counted->absent);
    render_marks(json, counted->quality, counted->flags);
}

enum hyp_status hyp_route_point_periods(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_periods_query query;
    struct hyp_periods periods;
    struct hyp_counted counted = {.known = false};
    struct hyp_period_frame frame;
    struct hyp_json *json = &req->json;
    enum hyp_status status = hyp_read_periods_query(req, &query, err);
    query.point.id = req->ids[0];
    if (status == HYP_OK) {
        status =
            hyp_readings_periods(req->service, req->scope, &query, &req->arena, &periods, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_period_frame_init(&frame, req->service, &query);
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "point", periods.point.id.id);
    hyp_json_member_i64(json, "device", periods.point.device.id);
    hyp_render_key_members(json, &periods.point.key, periods.point.unit,
                           hyp_str_from(periods.point.label));
    hyp_json_member_text(json, "step", hyp_calendar_text(query.period));
    hyp_json_key(json, "items");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < periods.count; i++) {
        hyp_render_period_row(json, &periods.rows[i]);
        if (periods.counter && hyp_period_frame_holds(&frame, &periods.rows[i])) {
            hyp_counted_add(&counted, &periods.rows[i], frame.now);
        }
    }
    hyp_json_array_end(json);
    hyp_render_counted(json, "sum", &counted);
    hyp_json_object_end(json);
    return HYP_OK;
}
