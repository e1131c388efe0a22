/* SPDX-License-Identifier: Apache-2.0 */
#include "store/retention.h"

#include "base/limits.h"
#include "store/chunk_table.h"
#include "store/follow.h"
#include "store/intake.h"
#include "store/seal_state.h"
#include "store/thin.h"

#include <stdlib.h>
#include <string.h>

/* Chunks looked at in one step, and written again at most. */
#define LOOKS_PER_STEP 256
#define WRITES_PER_STEP 16
#define DAY_MS 86400000LL

/* A chunk as the table has it. */
struct candidate {
    int64_t id;
    int64_t log_row;
    int64_t thinned; /* log_row when it was thinned; -1 = never */
};

/* What a tenant's settings mean today. */
struct rule {
    hyp_tenant_id tenant;
    int64_t thin_before;   /* source times; INT64_MIN = never */
    int64_t remove_before; /* the same */
    int hour;
    uint64_t values; /* that this run has taken */
};

struct hyp_retainer {
    const struct hyp_zone *zone;
    int64_t next_run; /* 0 = not read from the table yet */
    bool running;
    int64_t place; /* the next chunk to look at */
    int64_t end;
    struct rule *rules;
    size_t rule_count;
    size_t rule_capacity;
};

enum hyp_status hyp_retainer_create(const struct hyp_zone *zone,
                                    struct hyp_retainer **ret_retainer)
{
    struct hyp_retainer *retainer = calloc(1, sizeof(*retainer));
    if (retainer == NULL) {
        return HYP_NO_MEMORY;
    }
    retainer->zone = zone;
    *ret_retainer = retainer;
    return HYP_OK;
}

void *hyp_retainer_destroy(struct hyp_retainer *retainer)
{
    if (retainer != NULL) {
        free(retainer->rules);
        free(retainer);
    }
    return NULL;
}

/* --- settings --- */

static void read_retention(struct hyp_query *query, struct hyp_retention *retention)
{
    retention->full_months = hyp_query_i64(query);
    retention->day_months = hyp_query_i64(query);
    retention->day_hour = hyp_query_i64(query);
}

static const struct hyp_retention usual = {.full_months = HYP_LIMIT_RETENTION_FULL,
                                           .day_months = HYP_LIMIT_RETENTION_DAY};

enum hyp_status hyp_store_retention(struct hyp_store *store, hyp_tenant_id tenant,
                                    struct hyp_retention *ret_retention)
{
    struct hyp_connections reader = hyp_core_reader(store);
    struct hyp_retention retention = usual;
    struct hyp_query query;
    hyp_query_open(&query, reader.main,
                   "SELECT full_months, day_months, day_hour FROM retention WHERE tenant = $1");
    hyp_query_bind_i64(&query, tenant.id);
    if (hyp_query_row(&query)) {
        read_retention(&query, &retention);
    }
    enum hyp_status status = hyp_query_close(&query);
    hyp_core_reader_return(store, reader);
    if (status == HYP_OK) {
        *ret_retention = retention;
    }
    return status;
}

enum hyp_status hyp_retention_check(const struct hyp_retention *retention,
                                    struct hyp_error *err)
{
    int64_t full = retention->full_months;
    int64_t day = retention->day_months;
    if (full < 0 || full > HYP_LIMIT_RETENTION_MONTHS) {
        return hyp_error_set(err, HYP_INVALID, -1, "full_months: must be 0 (for ever) to %d.",
                             HYP_LIMIT_RETENTION_MONTHS);
    }
    if (day < 0 || day > HYP_LIMIT_RETENTION_MONTHS || (day > 0 && day < full)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "day_months: must be 0 (for ever), or from full_months to %d.",
                             HYP_LIMIT_RETENTION_MONTHS);
    }
    if (retention->day_hour < 0 || retention->day_hour > 23) {
        return hyp_error_set(err, HYP_INVALID, -1, "day_hour: must be 0 to 23.");
    }
    return HYP_OK;
}

enum hyp_status hyp_store_retention_set(struct hyp_store *store, hyp_tenant_id tenant,
                                        const struct hyp_retention *retention,
                                        struct hyp_error *err)
{
    enum hyp_status status = hyp_retention_check(retention, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "INSERT INTO retention(tenant, full_months, day_months, day_hour)"
                   " VALUES ($1, $2, $3, $4) ON CONFLICT (tenant) DO UPDATE SET"
                   " full_months = excluded.full_months, day_months = excluded.day_months,"
                   " day_hour = excluded.day_hour");
    hyp_query_bind_i64(&query, tenant.id);
    hyp_query_bind_i64(&query, retention->full_months);
    hyp_query_bind_i64(&query, retention->day_months);
    hyp_query_bind_i64(&query, retention->day_hour);
    status = hyp_query_run(&query, NULL);
    status = hyp_core_finish(store, status, err, "retention");
    /* The foreign key says that there is no such tenant. */
    return status == HYP_CONFLICT ? HYP_NOT_FOUND : status;
}

/* --- when --- */

static void put_off(struct hyp_store *store, int64_t now)
{
    store->retainer->next_run = now + DAY_MS;
    hyp_db_begin(store->write.main);
    hyp_retention_save_next(store->write.main, store->retainer->next_run);
    /* Not saved, it is only later after a restart. */
    HYP_IGNORE(hyp_db_commit(store->write.main));
}

/* Is it time for a run, by a clock that can be believed? */
static bool is_time(struct hyp_store *store, int64_t now)
{
    struct hyp_retainer *retainer = store->retainer;
    if (retainer->next_run == 0 &&
        hyp_retention_load_next(store->write.main, &retainer->next_run) != HYP_OK) {
        return false; /* it is asked for again */
    }
    if (retainer->next_run == 0 || retainer->next_run > now + 2 * DAY_MS) {
        put_off(store, now); /* the first time, or the clock was set back */
        return false;
    }
    if (now < retainer->next_run) {
        return false;
    }
    if (now - retainer->next_run > HYP_LIMIT_RETENTION_JUMP_MS) {
        hyp_log_event(store->log, HYP_LOG_WARNING, "store.retention_waits",
                      "reason=\"the clock is %lld days ahead of the last run\"; old readings "
                      "are thinned tomorrow if it stays so",
                      (long long)((now - retainer->next_run) / DAY_MS));
        put_off(store, now);
        return false;
    }
    return true;
}

void hyp_retention_start_over(struct hyp_store *store)
{
    if (store->retainer != NULL) {
        store->retainer->running = false;
        store->retainer->next_run = 0; /* as the table says */
    }
}

/* --- rules --- */

static enum hyp_status load_rules(struct hyp_store *store, int64_t now)
{
    struct hyp_retainer *retainer = store->retainer;
    struct hyp_query query;
    enum hyp_status status = HYP_OK;
    retainer->rule_count = 0;
    hyp_query_open(&query, store->write.main,
                   "SELECT tenant.id, COALESCE(full_months, $1), COALESCE(day_months, $2),"
                   " COALESCE(day_hour, 0) FROM tenant"
                   " LEFT JOIN retention ON retention.tenant = tenant.id ORDER BY tenant.id");
    hyp_query_bind_i64(&query, usual.full_months);
    hyp_query_bind_i64(&query, usual.day_months);
    while (status == HYP_OK && hyp_query_row(&query)) {
        struct hyp_retention set;
        struct rule rule = {.tenant.id = hyp_query_i64(&query)};
        read_retention(&query, &set);
        rule.thin_before = hyp_retention_months_before(now, set.full_months);
        rule.remove_before = hyp_retention_months_before(now, set.day_months);
        rule.hour = (int)set.day_hour;
        status = hyp_reserve(&retainer->rules, &retainer->rule_capacity,
                             retainer->rule_count + 1, sizeof(*retainer->rules));
        if (status == HYP_OK) {
            retainer->rules[retainer->rule_count++] = rule;
        }
    }
    enum hyp_status read = hyp_query_close(&query);
    return read == HYP_OK ? status : read;
}

static struct rule *find_rule(struct hyp_retainer *retainer, hyp_tenant_id tenant)
{
    for (size_t i = 0; i < retainer->rule_count; i++) {
        if (retainer->rules[i].tenant.id == tenant.id) {
            return &retainer->rules[i];
        }
    }
    return NULL;
}

static bool begin_run(struct hyp_store *store)
{
    struct hyp_retainer *retainer = store->retainer;
    int64_t now = hyp_core_now(store).ms;
    if (!is_time(store, now) || load_rules(store, now) != HYP_OK) {
        return false;
    }
    int64_t newest = INT64_MIN;
    for (size_t i = 0; i < retainer->rule_count; i++) {
        newest = HYP_MAX(
            newest, HYP_MAX(retainer->rules[i].thin_before, retainer->rules[i].remove_before));
    }
    retainer->place = 0;
    retainer->end = newest == INT64_MIN
                        ? 0
                        : hyp_period_chunk(hyp_period_whole(hyp_period_of(newest)) + 1, 0);
    retainer->running = true;
    return true;
}

/* --- one chunk --- */

static void note_thinned(struct hyp_db *db, hyp_tenant_id tenant, int64_t id, int64_t log_row)
{
    struct hyp_query query;
    if (hyp_db_is_sharded(db)) {
        hyp_query_open(&query, db,
                       "INSERT INTO thinned(tenant, chunk, log_row) VALUES ($1, $2, $3)"
                       " ON CONFLICT (chunk, tenant) DO UPDATE SET log_row = excluded.log_row");
        hyp_query_bind_i64(&query, tenant.id);
    } else {
        hyp_query_open(&query, db,
                       "INSERT INTO thinned(chunk, log_row) VALUES ($1, $2)"
                       " ON CONFLICT (chunk) DO UPDATE SET log_row = excluded.log_row");
    }
    hyp_query_bind_i64(&query, id);
    hyp_query_bind_i64(&query, log_row);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

/* The latest values disappear too when they are as old. */
static void hide_shown(struct hyp_store *store, struct hyp_series *series, int64_t before)
{
    pthread_rwlock_wrlock(&store->historian->lock);
    for (uint32_t c = 0; c < series->column_count; c++) {
        if (hyp_series_arrival(series, c)->time < before) {
            hyp_series_hide(series, c);
        }
    }
    pthread_rwlock_unlock(&store->historian->lock);
}

/* Cells that no row has any more stay in their array. */
static uint64_t count_values(const struct hyp_rows *rows)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < rows->row_count; i++) {
        count += rows->rows[i].cells;
    }
    return count;
}

static enum hyp_status treat(struct hyp_store *store, struct hyp_series *series,
                             struct rule *rule, const struct candidate *candidate)
{
    struct hyp_sealer *sealer = store->sealer;
    struct hyp_seal_written written = {
        .device = series->device, .first = series->sealed_first, .last = series->sealed_last};
    uint32_t period = hyp_period_of_chunk(candidate->id);
    hyp_seal_clear_rows(sealer);
    enum hyp_status status =
        hyp_seal_take_chunk(store, store->write.main, series, period, &written);
    if (status != HYP_OK) {
        return status;
    }
    uint64_t values = count_values(&sealer->rows);
    hyp_thin_remove(&sealer->rows, INT64_MIN, rule->remove_before);
    if (rule->remove_before > hyp_period_start(period)) {
        hide_shown(store, series, rule->remove_before);
    }
    bool thin = hyp_period_end(period) <= rule->thin_before;
    if (thin) {
        struct hyp_thin how = {.zone = store->retainer->zone, .hour = rule->hour};
        status = hyp_thin_rows(&how, series, &sealer->rows);
    }
    if (status == HYP_OK) {
        rule->values += values - count_values(&sealer->rows);
        status = hyp_seal_rewrite(store, series, candidate->id, candidate->log_row, &written);
    }
    if (status == HYP_OK && thin && sealer->rows.row_count > 0) {
        note_thinned(store->write.main, series->tenant, candidate->id, candidate->log_row);
    }
    return status;
}

/* Has the chunk readings that are too old? */
static bool is_too_old(struct hyp_store *store, const struct rule *rule, int64_t id)
{
    uint32_t period = hyp_period_of_chunk(id);
    if (hyp_period_end(period) <= rule->remove_before) {
        return true;
    }
    struct hyp_buf *head = &store->sealer->old_head;
    struct hyp_chunk chunk;
    int64_t log_row;
    return hyp_period_start(period) < rule->remove_before &&
           hyp_chunk_table_get(store->write.main, id, &log_row, head, NULL) == HYP_OK &&
           hyp_chunk_open(&chunk, hyp_buf_view(head)) == HYP_OK &&
           chunk.first < rule->remove_before;
}

static bool is_to_thin(const struct rule *rule, const struct candidate *candidate)
{
    return hyp_period_end(hyp_period_of_chunk(candidate->id)) <= rule->thin_before &&
           candidate->thinned != candidate->log_row;
}

/* --- steps --- */

static enum hyp_status list_candidates(struct hyp_store *store,
                                       struct candidate list[static LOOKS_PER_STEP],
                                       size_t *ret_count)
{
    struct hyp_query query;
    size_t count = 0;
    hyp_query_open(&query, store->write.main,
                   "SELECT chunk.id, chunk.log_row, COALESCE(thinned.log_row, -1) FROM chunk"
                   " LEFT JOIN thinned ON thinned.chunk = chunk.id"
                   " WHERE chunk.id >= $1 AND chunk.id < $2 ORDER BY chunk.id LIMIT $3");
    hyp_query_bind_i64(&query, store->retainer->place);
    hyp_query_bind_i64(&query, store->retainer->end);
    hyp_query_bind_i64(&query, LOOKS_PER_STEP);
    while (count < LOOKS_PER_STEP && hyp_query_row(&query)) {
        list[count] = (struct candidate){.id = hyp_query_i64(&query)};
        list[count].log_row = hyp_query_i64(&query);
        list[count++].thinned = hyp_query_i64(&query);
    }
    *ret_count = count;
    return hyp_query_close(&query);
}

/* One chunk, if it is due. *ret_wrote says whether it was. */
static enum hyp_status treat_if_due(struct hyp_store *store, const struct candidate *candidate,
                                    bool *ret_wrote)
{
    hyp_device_id device = {.id = hyp_period_device(candidate->id)};
    struct hyp_series *series = hyp_historian_find(store->historian, device);
    struct rule *rule = series == NULL ? NULL : find_rule(store->retainer, series->tenant);
    *ret_wrote =
        rule != NULL && (is_to_thin(rule, candidate) || is_too_old(store, rule, candidate->id));
    if (!*ret_wrote) {
        return HYP_OK;
    }
    enum hyp_status status = treat(store, series, rule, candidate);
    bool own_fault = status == HYP_CORRUPT || status == HYP_LIMIT;
    /* A chunk that cannot be read, or not be written by this program, stays as it is. */
    return own_fault && store->write.main->failed == HYP_OK ? HYP_OK : status;
}

static void end_run(struct hyp_store *store)
{
    struct hyp_retainer *retainer = store->retainer;
    int64_t now = hyp_core_now(store).ms;
    retainer->running = false;
    retainer->next_run = now + DAY_MS;
    hyp_db_begin(store->write.main);
    hyp_retention_save_next(store->write.main, retainer->next_run);
    for (size_t i = 0; i < retainer->rule_count; i++) {
        const struct hyp_retention_run run = {now, retainer->rules[i].values};
        hyp_retention_save_run(store->write.main, retainer->rules[i].tenant, &run);
    }
    /* Not saved, it comes later after a restart, and people are not told. */
    HYP_IGNORE(hyp_db_commit(store->write.main));
}

static bool run_step(struct hyp_store *store)
{
    struct hyp_retainer *retainer = store->retainer;
    struct candidate list[LOOKS_PER_STEP];
    size_t count = 0;
    size_t writes = 0;
    size_t looked = 0;
    hyp_db_begin(store->write.main);
    enum hyp_status status = list_candidates(store, list, &count);
    while (status == HYP_OK && looked < count && writes < WRITES_PER_STEP) {
        bool wrote = false;
        status = treat_if_due(store, &list[looked++], &wrote);
        writes += wrote;
    }
    struct hyp_error err = {0};
    status = hyp_seal_commit(store, status, "retention", &err);
    if (status != HYP_OK) {
        retainer->running = false;
        retainer->next_run = hyp_core_now(store).ms + HYP_LIMIT_SEAL_PAUSE_MS;
        hyp_log_event(store->log, HYP_LOG_WARNING, "store.retention_failed",
                      "status=%s reason=\"%s\"; nothing is lost, trying again in an hour",
                      hyp_status_name(status), err.text);
        return false;
    }
    if (count == 0) {
        end_run(store);
        return false;
    }
    retainer->place = list[looked - 1].id + 1;
    return true;
}

bool hyp_retention_step(struct hyp_store *store)
{
    if (store->retainer == NULL) {
        return false;
    }
    hyp_follow_enter_care(store);
    bool more = hyp_intake_is_applied(store->intake) &&
                (store->retainer->running || begin_run(store)) && run_step(store);
    hyp_follow_leave_care(store);
    return more;
}
