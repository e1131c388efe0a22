/* SPDX-License-Identifier: Apache-2.0 */
/* POST /readings/import: a CSV file of readings, committed when the answer comes. */
#include "api/inside.h"
#include "api/routes.h"
#include "service/import.h"

#include <string.h>

struct report {
    struct hyp_request *req;
    size_t count;
    struct refused_line {
        uint64_t line;
        const char *text;
    } lines[HYP_LIMIT_IMPORT_ERRORS];
};

static void note_refused(void *user, uint64_t line, const char *text)
{
    struct report *report = user;
    if (report->count < HYP_ARRAY_LEN(report->lines)) {
        report->lines[report->count++] = (struct refused_line){
            line, hyp_arena_copy_str(&report->req->arena, hyp_str_from(text))};
    }
}

/* Cuts the next line off; its length without line end. */
static size_t cut_line(const char *text, size_t len, size_t *ret_size)
{
    const char *end = memchr(text, '\n', len);
    size_t line = end == NULL ? len : (size_t)(end - text);
    *ret_size = end == NULL ? len : line + 1;
    return line > 0 && text[line - 1] == '\r' ? line - 1 : line;
}

static enum hyp_status import_lines(struct hyp_import *import, char *text, size_t len,
                                    size_t titles, struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    const struct hyp_import_mark first = {.offset = titles, .line = 1};
    hyp_import_resume(import, &first);
    for (size_t at = titles; status == HYP_OK && at < len;) {
        size_t size;
        size_t line = cut_line(text + at, len - at, &size);
        status = hyp_import_line(import, text + at, line, size, err);
        at += size;
    }
    return status == HYP_OK ? hyp_import_finish(import, err) : status;
}

static void render_report(struct hyp_json *json, const struct hyp_import_counts *counts,
                          const struct report *report, bool dry_run)
{
    hyp_json_object_begin(json);
    hyp_json_member_bool(json, "dry_run", dry_run);
    hyp_json_member_u64(json, "lines", counts->lines);
    hyp_json_member_u64(json, "readings", counts->readings);
    hyp_json_member_u64(json, "values", counts->values);
    hyp_json_member_u64(json, "refused", counts->refused);
    hyp_json_key(json, "errors");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < report->count; i++) {
        hyp_json_object_begin(json);
        hyp_json_member_u64(json, "line", report->lines[i].line);
        hyp_json_member_str(json, "text", hyp_str_from(report->lines[i].text));
        hyp_json_object_end(json);
    }
    hyp_json_array_end(json);
    hyp_json_object_end(json);
}

static enum hyp_status read_config(struct hyp_request *req, struct hyp_import_config *config,
                                   struct hyp_error *err)
{
    struct hyp_str dry = hyp_request_query(req, "dry_run");
    config->dry_run = hyp_str_equal(dry, HYP_STR("true"));
    config->columns = hyp_request_query(req, "columns");
    config->device = hyp_request_query(req, "serial");
    if (dry.len > 0 && !config->dry_run && !hyp_str_equal(dry, HYP_STR("false"))) {
        return hyp_error_set(err, HYP_INVALID, -1, "dry_run: must be true or false.");
    }
    return hyp_request_query_i64(req, "device", 0, 1, INT64_MAX, &config->id.id, err);
}

enum hyp_status hyp_route_readings_import(struct hyp_request *req, struct hyp_error *err)
{
    struct report report = {.req = req};
    struct hyp_import_config config = {.refused = note_refused, .user = &report};
    struct hyp_import *import;
    char *text = (char *)req->body.data;
    size_t len = req->body.len;
    size_t titles;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        len -= 3;
    }
    if (len == 0) {
        return hyp_error_set(err, HYP_INVALID, -1, "The body is empty; it is a CSV file.");
    }
    size_t title_len = cut_line(text, len, &titles);
    enum hyp_status status = read_config(req, &config, err);
    if (status == HYP_OK) {
        status =
            hyp_import_create(req->service, req->scope, &config, text, title_len, &import, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    status = import_lines(import, text, len, titles, err);
    struct hyp_import_mark mark = hyp_import_committed(import);
    hyp_import_destroy(import);
    if (status == HYP_OK) {
        render_report(&req->json, &mark.counts, &report, config.dry_run);
    }
    return status;
}
