/* SPDX-License-Identifier: Apache-2.0 */
#include "store/load.h"

#include "store/chunk_table.h"
#include "store/follow.h"
#include "store/frames.h"
#include "store/historian.h"
#include "store/log.h"
#include "store/plan.h"
#include "store/seal.h"
#include "store/sealed.h"

#include <stdlib.h>

enum hyp_status hyp_load_devices(struct hyp_store *store, struct hyp_load_place *place)
{
    struct hyp_query query;
    hyp_query_open(&query, store->write.main,
                   "SELECT id, tenant FROM device WHERE id > $1 ORDER BY id");
    hyp_query_bind_i64(&query, place->device);
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && hyp_query_row(&query)) {
        hyp_device_id device = {.id = hyp_query_i64(&query)};
        hyp_tenant_id tenant = {.id = hyp_query_i64(&query)};
        if (hyp_historian_find(store->historian, device) == NULL) {
            status = hyp_historian_add_device(store->historian, device, tenant);
        }
        place->device = status == HYP_OK ? device.id : place->device;
    }
    enum hyp_status read = hyp_query_close(&query);
    return read == HYP_OK ? status : read;
}

/* A word the vocabulary no longer has makes a point that cannot be shown: it is left out. */
static enum hyp_status load_point(struct hyp_store *store, struct hyp_query *query,
                                  int64_t point)
{
    struct hyp_column column = {.point = point};
    hyp_device_id device = {.id = hyp_query_i64(query)};
    struct hyp_point_key key;
    enum hyp_unit unit;
    enum hyp_value_kind kind;
    struct hyp_str name = hyp_query_str(query);
    enum hyp_status known = hyp_point_key_parse(name, &key);
    if (known == HYP_OK) {
        known = hyp_unit_find(hyp_query_str(query), &unit);
    }
    if (known == HYP_OK) {
        known = hyp_plan_kind_find(hyp_query_str(query), &kind);
    }
    struct hyp_series *series = hyp_historian_find(store->historian, device);
    if (known != HYP_OK || series == NULL) {
        hyp_log_event(store->log, HYP_LOG_ERROR, "store.point_unknown",
                      "point=%lld device=%lld name=%.*s; its values are not shown",
                      (long long)column.point, (long long)device.id, HYP_STR_ARG(name));
        return HYP_OK;
    }
    column.reg = hyp_register_of(&key, unit, kind);
    column.value_kind = (uint8_t)kind & 0x7Fu;
    enum hyp_status status =
        hyp_historian_add_point(store->historian, series, &column, hyp_query_str(query));
    if (status == HYP_OK) {
        hyp_historian_commit_points(store->historian, series);
    }
    return status;
}

enum hyp_status hyp_load_points(struct hyp_store *store, struct hyp_load_place *place)
{
    struct hyp_query query;
    hyp_query_open(&query, store->write.main,
                   "SELECT id, device, name, unit, kind, label FROM point"
                   " WHERE id > $1 ORDER BY id");
    hyp_query_bind_i64(&query, place->point);
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && hyp_query_row(&query)) {
        int64_t point = hyp_query_i64(&query);
        uint64_t known;
        if (!hyp_map_get(&store->historian->points, (uint64_t)point, &known)) {
            status = load_point(store, &query, point);
        }
        place->point = status == HYP_OK ? point : place->point;
    }
    enum hyp_status read = hyp_query_close(&query);
    return read == HYP_OK ? status : read;
}

/* --- what is sealed --- */

static enum hyp_status load_sealed_row(struct hyp_store *store,
                                       const struct hyp_sealed_row *row)
{
    struct hyp_historian *historian = store->historian;
    struct hyp_series *series = hyp_historian_find(historian, row->device);
    if (series == NULL || row->readings <= 0) {
        return HYP_OK;
    }
    series->sealed_readings = (uint64_t)row->readings;
    series->sealed_values = (uint64_t)row->values;
    series->sealed_first = row->oldest;
    series->sealed_last = row->newest;
    historian->readings += series->sealed_readings;
    historian->values += series->sealed_values;
    enum hyp_status status = hyp_sealed_read_shown(historian, series, row->shown);
    if (status != HYP_OK && status != HYP_NO_MEMORY) {
        hyp_log_event(store->log, HYP_LOG_ERROR, "store.shown_damaged",
                      "table=sealed device=%lld reason=%s; the latest values show again when "
                      "the device is read next",
                      (long long)row->device.id, hyp_status_name(status));
        status = HYP_OK;
    }
    return status;
}

static enum hyp_status load_sealed(struct hyp_store *store)
{
    struct hyp_query query;
    struct hyp_sealed_row row;
    enum hyp_status status = HYP_OK;
    hyp_sealed_scan_open(&query, store->write.main);
    while (status == HYP_OK && hyp_sealed_scan_next(&query, &row)) {
        status = load_sealed_row(store, &row);
    }
    enum hyp_status read = hyp_query_close(&query);
    return status == HYP_OK ? read : status;
}

/* --- the log --- */

/* Cells of one reading, and the row of the log that is being loaded. */
struct scratch {
    const struct hyp_load_log *load;
    int64_t log_row;
    int64_t newest;
    struct hyp_cell *cells;
    size_t capacity;
};

/* Turns a logged value into a cell. NOT_FOUND when its point is not known. */
static enum hyp_status load_value(struct hyp_store *store, const struct hyp_series *series,
                                  const struct hyp_log_value *value, uint32_t *hint,
                                  struct hyp_cell *cell)
{
    uint32_t column = hyp_series_find_point(series, value->point, *hint);
    if (column == UINT32_MAX) {
        return HYP_NOT_FOUND;
    }
    *hint = column + 1;
    *cell = (struct hyp_cell){.column = (uint16_t)column,
                              .quality = value->quality,
                              .exp10 = value->exp10,
                              .payload = value->payload};
    if (!hyp_quality_is_usable((enum hyp_quality)value->quality)) {
        return HYP_OK;
    }
    if (value->kind != series->columns[column].value_kind) {
        return HYP_MALFORMED;
    }
    if (value->kind == HYP_VALUE_TEXT) {
        uint32_t text;
        enum hyp_status status = hyp_historian_text(store->historian, value->text, &text);
        if (status != HYP_OK) {
            return status;
        }
        cell->payload = text;
    }
    return HYP_OK;
}

static enum hyp_status load_values(struct hyp_store *store, struct hyp_series *series,
                                   struct hyp_log_reader *reader,
                                   const struct hyp_log_reading *reading,
                                   struct scratch *scratch, size_t *ret_count)
{
    size_t count = 0;
    uint32_t hint = 0;
    for (uint32_t i = 0; i < reading->value_count; i++) {
        struct hyp_log_value value;
        enum hyp_status status = hyp_log_next_value(reader, &value);
        if (status == HYP_OK && series != NULL) {
            status = load_value(store, series, &value, &hint, &scratch->cells[count]);
            count += status == HYP_OK;
            if (status == HYP_NOT_FOUND) {
                /* Of a point this program does not know: its row of the log stays. */
                scratch->newest = INT64_MAX;
                status = HYP_OK;
            }
        }
        if (status != HYP_OK) {
            return status;
        }
    }
    *ret_count = count;
    return HYP_OK;
}

/* Puts in what is new; *count cells of it. There may be readers already (store/follow.h). */
static enum hyp_status add_row(struct hyp_historian *historian, struct hyp_series *series,
                               struct hyp_row *row, struct hyp_cell *cells, size_t *count)
{
    enum hyp_status status = HYP_OK;
    hyp_historian_enter(historian);
    if (!hyp_series_is_after_all(series, row->time)) {
        status = hyp_historian_filter(historian, series, row, cells, count);
    }
    if (status == HYP_OK && *count > 0) {
        row->cells = (uint16_t)*count;
        status = hyp_historian_insert(historian, series, row, cells);
    }
    hyp_historian_leave(historian);
    if (status == HYP_LIMIT) {
        *count = 0;
        return HYP_OK;
    }
    return status;
}

static enum hyp_status load_reading(struct hyp_store *store, struct hyp_log_reader *reader,
                                    const struct hyp_log_reading *reading,
                                    struct scratch *scratch)
{
    enum hyp_status status = hyp_reserve(&scratch->cells, &scratch->capacity,
                                         reading->value_count, sizeof(*scratch->cells));
    struct hyp_series *series =
        hyp_historian_find(store->historian, (hyp_device_id){.id = reading->device});
    size_t count = 0;
    if (status == HYP_OK) {
        status = load_values(store, series, reader, reading, scratch, &count);
    }
    scratch->newest = HYP_MAX(scratch->newest, reading->time);
    bool sealed = false;
    if (status == HYP_OK && count > 0) {
        status = hyp_seal_has(store, series, reading->time, scratch->log_row, &sealed);
    }
    if (status != HYP_OK || count == 0 || sealed) {
        return status;
    }
    struct hyp_row row = {.time = reading->time,
                          .receive = reading->receive,
                          .kind = reading->kind,
                          .source = reading->source};
    if (reading->frame != 0) {
        row.frame = hyp_frame_number(reader->frame_row, reading->frame - 1);
    }
    status = add_row(store->historian, series, &row, scratch->cells, &count);
    if (count == 0) {
        return status;
    }
    if (status == HYP_OK && scratch->load->inserted != NULL) {
        scratch->load->inserted(scratch->load->user, series->device, &row, scratch->cells);
    }
    return status;
}

static enum hyp_status load_blob(struct hyp_store *store, struct hyp_str blob,
                                 struct scratch *scratch)
{
    struct hyp_log_reader reader;
    enum hyp_status status = hyp_log_open(&reader, (const uint8_t *)blob.ptr, blob.len);
    struct hyp_log_reading reading;
    while (status == HYP_OK && (status = hyp_log_next(&reader, &reading)) == HYP_OK) {
        status = load_reading(store, &reader, &reading, scratch);
    }
    return status == HYP_NOT_FOUND ? HYP_OK : status;
}

static void report_damage(struct hyp_store *store, int64_t row, enum hyp_status status)
{
    hyp_log_event(store->log, HYP_LOG_ERROR, "store.log_damaged",
                  "table=intake_log row=%lld reason=%s; skipping row, restore a backup to get "
                  "it back",
                  (long long)row, hyp_status_name(status));
}

/* Loads one row. A damaged one is reported, left out, and never removed. */
static enum hyp_status load_row(struct hyp_store *store, int64_t row, struct hyp_str blob,
                                struct scratch *scratch, struct hyp_load_log *load)
{
    scratch->log_row = row;
    scratch->newest = INT64_MIN;
    enum hyp_status status = load_blob(store, blob, scratch);
    if (status != HYP_OK && status != HYP_NO_MEMORY && store->write.main->failed == HYP_OK) {
        report_damage(store, row, status);
        load->damaged++;
        scratch->newest = INT64_MAX;
        status = HYP_OK;
    }
    return status == HYP_OK ? hyp_seal_note_log(store, row, scratch->newest) : status;
}

/* A scan broken by a damaged page can go on behind it. */
static enum hyp_status load_rows(struct hyp_store *store, struct hyp_load_log *load)
{
    struct scratch scratch = {.load = load};
    struct hyp_query query;
    hyp_intake_log_scan_open(&query, store->write.main, load->next);
    enum hyp_status status = HYP_OK;
    int64_t row;
    struct hyp_str blob;
    while (status == HYP_OK && hyp_intake_log_scan_next(&query, &row, &blob) &&
           row <= load->last) {
        status = load_row(store, row, blob, &scratch, load);
        load->next = status == HYP_OK ? row + 1 : load->next;
    }
    enum hyp_status read = hyp_query_close(&query);
    free(scratch.cells);
    return status == HYP_OK ? read : status;
}

/* How many broken scans are worth trying to get past. */
#define BROKEN_MAX 10000

enum hyp_status hyp_load_log(struct hyp_store *store, struct hyp_load_log *load)
{
    enum hyp_status status = load_rows(store, load);
    for (int tries = 0;
         status == HYP_CORRUPT && tries < BROKEN_MAX && !store->write.main->in_transaction;
         tries++) {
        /* The page of this row cannot be read; the next one may be. */
        report_damage(store, load->next, status);
        load->damaged++;
        status = hyp_seal_note_log(store, load->next, INT64_MAX);
        if (status != HYP_OK) {
            return status;
        }
        load->next++;
        status = load_rows(store, load);
    }
    return status;
}

enum hyp_status hyp_load(struct hyp_store *store, uint64_t *ret_damaged, struct hyp_error *err)
{
    struct hyp_load_place first = {.device = 0};
    struct hyp_load_place *place =
        store->follower == NULL ? &first : hyp_follow_place(store->follower);
    struct hyp_load_log load = {.last = INT64_MAX};
    enum hyp_status status = hyp_load_devices(store, place);
    if (status == HYP_OK) {
        status = hyp_load_points(store, place);
    }
    if (status == HYP_OK) {
        status = load_sealed(store);
    }
    if (status == HYP_OK) {
        status = hyp_load_log(store, &load);
    }
    if (status != HYP_OK) {
        return hyp_db_error(store->write.main, status, err, "loading the intake log");
    }
    *ret_damaged = load.damaged;
    return HYP_OK;
}
