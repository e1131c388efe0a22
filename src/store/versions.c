/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that people type in, and every version of a value with who brought it and why.
 *
 * An entry is two things: a row of the table entry, and a reading that goes through the intake
 * like any other. The row is committed first, so that no typed value is ever without its
 * author; a row without its reading (a crash in between) is shown nowhere.
 */
#include "store/core.h"
#include "store/historian.h"
#include "store/intake.h"
#include "store/pieces.h"

#include <string.h>

/* Entries of one device and source time in the same millisecond. */
#define SAME_TIME_MAX 1000

/* --- waiting for the commit --- */

struct waiting {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool done;
    enum hyp_status status;
};

static void note_done(void *user, enum hyp_status status)
{
    struct waiting *waiting = user;
    pthread_mutex_lock(&waiting->mutex);
    waiting->done = true;
    waiting->status = status;
    pthread_cond_signal(&waiting->changed);
    pthread_mutex_unlock(&waiting->mutex);
}

static enum hyp_status submit_and_wait(struct hyp_store *store, const struct hyp_batch *batch)
{
    struct waiting waiting = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                              .changed = PTHREAD_COND_INITIALIZER};
    struct hyp_sink *sink = hyp_store_sink(store);
    enum hyp_status status = sink->submit(sink, batch, note_done, &waiting);
    if (status != HYP_OK) {
        return status;
    }
    pthread_mutex_lock(&waiting.mutex);
    while (!waiting.done) {
        pthread_cond_wait(&waiting.changed, &waiting.mutex);
    }
    pthread_mutex_unlock(&waiting.mutex);
    return waiting.status;
}

/* --- entering --- */

static enum hyp_status insert_row(struct hyp_store *store, const struct hyp_entry *entry,
                                  int64_t receive, struct hyp_error *err)
{
    struct hyp_db *db = hyp_core_begin(store);
    enum hyp_status status =
        hyp_core_exists(db, HYP_SQL_DEVICE_EXISTS, entry->device.id, entry->tenant);
    if (status == HYP_OK) {
        struct hyp_query query;
        hyp_query_open(&query, db,
                       "INSERT INTO entry(device, time, receive, account, author, reason)"
                       " VALUES ($1, $2, $3, $4, $5, $6)");
        hyp_query_bind_i64(&query, entry->device.id);
        hyp_query_bind_i64(&query, entry->time.ms);
        hyp_query_bind_i64(&query, receive);
        hyp_query_bind_i64(&query, entry->user);
        hyp_query_bind_text(&query, entry->author);
        hyp_query_bind_text(&query, entry->reason);
        status = hyp_query_run(&query, NULL);
    } else if (status == HYP_NOT_FOUND) {
        hyp_error_set(err, status, -1, "there is no device %lld", (long long)entry->device.id);
    }
    return hyp_core_finish(store, status, err, "entry");
}

static void remove_row(struct hyp_store *store, const struct hyp_entry *entry, int64_t receive)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "DELETE FROM entry WHERE device = $1 AND time = $2 AND receive = $3");
    hyp_query_bind_i64(&query, entry->device.id);
    hyp_query_bind_i64(&query, entry->time.ms);
    hyp_query_bind_i64(&query, receive);
    /* A row that stays has no reading and is shown nowhere. */
    HYP_IGNORE(hyp_core_finish(store, hyp_query_run(&query, NULL), NULL, "entry"));
}

/* The time of receipt makes entries of the same source time different. */
static enum hyp_status claim_row(struct hyp_store *store, const struct hyp_entry *entry,
                                 int64_t *ret_receive, struct hyp_error *err)
{
    int64_t receive = hyp_core_now(store).ms;
    enum hyp_status status = HYP_EXISTS;
    for (int i = 0; status == HYP_EXISTS && i < SAME_TIME_MAX; i++) {
        status = insert_row(store, entry, receive++, err);
    }
    *ret_receive = receive - 1;
    return status;
}

static enum hyp_status submit_entry(struct hyp_store *store, const struct hyp_entry *entry,
                                    int64_t receive)
{
    struct hyp_value value = {.key = entry->key,
                              .unit = entry->unit,
                              .kind = HYP_VALUE_DECIMAL,
                              .quality = entry->quality,
                              .decimal = entry->decimal};
    struct hyp_reading reading = {.device = entry->device,
                                  .source_time = entry->time,
                                  .receive_time.ms = receive,
                                  .kind = HYP_READING_CURRENT,
                                  .source = HYP_SOURCE_MANUAL,
                                  .frame = HYP_NO_FRAME,
                                  .values = &value,
                                  .value_count = 1};
    struct hyp_batch batch = {.readings = &reading, .reading_count = 1};
    return submit_and_wait(store, &batch);
}

/* Is the reading there? It is not when its value was known already. */
static enum hyp_status find_reading(struct hyp_store *store, const struct hyp_entry *entry,
                                    int64_t receive, bool *ret_found)
{
    struct hyp_arena arena;
    struct hyp_stored_reading *readings = NULL;
    size_t count = 0;
    size_t total;
    hyp_utc end = {.ms = entry->time.ms + 1};
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status =
        hyp_store_readings(store, entry->tenant, entry->device, entry->time, end, 0,
                           HYP_LIMIT_INSTANT_READINGS, &arena, &readings, &count, &total);
    *ret_found = false;
    for (size_t i = 0; i < count; i++) {
        *ret_found |=
            readings[i].receive_time.ms == receive && readings[i].source == HYP_SOURCE_MANUAL;
    }
    hyp_arena_finish(&arena);
    return status;
}

enum hyp_status hyp_store_enter(struct hyp_store *store, const struct hyp_entry *entry,
                                bool *ret_stored, struct hyp_error *err)
{
    if (entry->quality != HYP_QUALITY_MANUAL && entry->quality != HYP_QUALITY_ESTIMATED &&
        entry->quality != HYP_QUALITY_CORRECTED) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "quality: must be \"manual\", \"estimated\" or \"corrected\".");
    }
    int64_t receive = 0;
    enum hyp_status status = claim_row(store, entry, &receive, err);
    if (status != HYP_OK) {
        return status;
    }
    status = submit_entry(store, entry, receive);
    bool stored = false;
    if (status == HYP_OK) {
        status = find_reading(store, entry, receive, &stored);
    }
    if (!stored) {
        remove_row(store, entry, receive);
    }
    if (status != HYP_OK) {
        return hyp_error_set(err, status, -1, "the value was not kept: %s",
                             hyp_status_text(status));
    }
    *ret_stored = stored;
    return HYP_OK;
}

/* --- versions --- */

struct version_list {
    struct hyp_list list;
    int64_t from;
    int64_t to;
    size_t limit;
    size_t instant; /* where the present instant begins in the list */
    hyp_device_id device;
};

static struct hyp_version *at(const struct version_list *versions, size_t i)
{
    return (struct hyp_version *)versions->list.items + i;
}

/* Of the versions of one instant one is shown. */
static void end_instant(struct version_list *versions)
{
    struct hyp_version *best = NULL;
    for (size_t i = versions->instant; i < versions->list.count; i++) {
        struct hyp_version *version = at(versions, i);
        if (best == NULL ||
            hyp_series_is_better((uint8_t)version->value.quality, (uint8_t)version->kind,
                                 (uint8_t)best->value.quality, (uint8_t)best->kind)) {
            best = version;
        }
    }
    if (best != NULL) {
        best->shown = true;
    }
    versions->instant = versions->list.count;
}

static enum hyp_status add_version(struct version_list *versions, struct hyp_pieces *pieces,
                                   uint32_t column, const struct hyp_row *row,
                                   const struct hyp_cell *cell)
{
    if (versions->instant < versions->list.count &&
        at(versions, versions->instant)->value.time.ms != row->time) {
        end_instant(versions);
    }
    struct hyp_version *version = hyp_list_add(&versions->list);
    if (version == NULL) {
        return HYP_LIMIT;
    }
    version->receive_time.ms = row->receive;
    version->kind = (enum hyp_reading_kind)row->kind;
    version->frame.id = row->frame;
    return hyp_query_value(pieces->store->historian, &pieces->texts,
                           &pieces->series->columns[column], cell, row->time, row->source,
                           versions->list.arena, &version->value);
}

static enum hyp_status add_rows(struct version_list *versions, struct hyp_pieces *pieces,
                                uint32_t column, const struct hyp_rows *rows)
{
    enum hyp_status status = HYP_OK;
    for (size_t i = hyp_rows_find(rows, versions->from);
         status == HYP_OK && i < rows->row_count && rows->rows[i].time < versions->to &&
         versions->list.count < versions->limit;
         i++) {
        const struct hyp_cell *cell = hyp_series_row_cell(rows, &rows->rows[i], column);
        if (cell != NULL) {
            status = add_version(versions, pieces, column, &rows->rows[i], cell);
        }
    }
    return status;
}

static enum hyp_status list_versions(struct hyp_store *store, hyp_tenant_id tenant,
                                     hyp_point_id point, struct version_list *versions)
{
    struct hyp_pieces pieces;
    uint32_t column;
    hyp_pieces_begin(&pieces, store);
    pieces.series = hyp_historian_find_point(store->historian, tenant, point, &column);
    enum hyp_status status = HYP_NOT_FOUND;
    if (pieces.series != NULL) {
        versions->device = pieces.series->device;
        status = hyp_pieces_list(&pieces, versions->from, versions->to);
    }
    for (size_t i = 0; i < pieces.count && status == HYP_OK; i++) {
        const struct hyp_rows *rows;
        status = hyp_pieces_rows(&pieces, &pieces.list[i], column, &rows);
        if (status == HYP_OK) {
            status = add_rows(versions, &pieces, column, rows);
        }
    }
    hyp_pieces_end(&pieces);
    end_instant(versions);
    return status;
}

/* Both lists are sorted by source time; entries of one instant are few. */
static enum hyp_status name_author(struct version_list *versions, struct hyp_query *query,
                                   size_t *next)
{
    int64_t time = hyp_query_i64(query);
    int64_t receive = hyp_query_i64(query);
    int64_t user = hyp_query_i64(query);
    struct hyp_str author = hyp_query_str(query);
    struct hyp_str reason = hyp_query_str(query);
    while (*next < versions->list.count && at(versions, *next)->value.time.ms < time) {
        (*next)++;
    }
    for (size_t i = *next; i < versions->list.count && at(versions, i)->value.time.ms == time;
         i++) {
        struct hyp_version *version = at(versions, i);
        if (version->receive_time.ms == receive && version->value.source == HYP_SOURCE_MANUAL) {
            version->user = user;
            version->author = hyp_arena_copy_str(versions->list.arena, author);
            version->reason = hyp_arena_copy_str(versions->list.arena, reason);
            if (version->author == NULL || version->reason == NULL) {
                return HYP_LIMIT;
            }
        }
    }
    return HYP_OK;
}

static enum hyp_status name_authors(struct hyp_store *store, struct version_list *versions)
{
    struct hyp_connections reader = hyp_core_reader(store);
    struct hyp_query query;
    size_t next = 0;
    enum hyp_status status = HYP_OK;
    hyp_query_open(&query, reader.main,
                   "SELECT time, receive, account, author, reason FROM entry WHERE device = $1"
                   " AND time >= $2 AND time < $3 ORDER BY time, receive");
    hyp_query_bind_i64(&query, versions->device.id);
    hyp_query_bind_i64(&query, versions->from);
    hyp_query_bind_i64(&query, versions->to);
    while (status == HYP_OK && hyp_query_row(&query)) {
        status = name_author(versions, &query, &next);
    }
    enum hyp_status read = hyp_query_close(&query);
    hyp_core_reader_return(store, reader);
    return read == HYP_OK ? status : read;
}

enum hyp_status hyp_store_versions(struct hyp_store *store, hyp_tenant_id tenant,
                                   hyp_point_id point, hyp_utc from, hyp_utc to, size_t limit,
                                   struct hyp_arena *arena, struct hyp_version **ret_versions,
                                   size_t *ret_count)
{
    struct version_list versions = {.from = from.ms, .to = to.ms, .limit = limit};
    hyp_list_init(&versions.list, arena, sizeof(struct hyp_version));
    enum hyp_status status = list_versions(store, tenant, point, &versions);
    if (status == HYP_OK) {
        status = name_authors(store, &versions);
    }
    if (status == HYP_OK) {
        *ret_versions = versions.list.items;
        *ret_count = versions.list.count;
    }
    return status;
}
