/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State and history of communication, and data learned from the field.
 */
#include "store/core.h"
#include "store/follow.h"

#include <stdlib.h>

/* Statuses are kept by name: a number alone would mean something else after the list grows. */
static enum hyp_status status_find(struct hyp_str name)
{
    static const enum hyp_status all[] = {
#define HYP_STATUS_ROW(name, value, text) HYP_##name,
        HYP_STATUS_MAP(HYP_STATUS_ROW)
#undef HYP_STATUS_ROW
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(all); i++) {
        if (hyp_str_equal(name, hyp_str_from(hyp_status_name(all[i])))) {
            return all[i];
        }
    }
    return HYP_INTERNAL;
}

static void save_state(struct hyp_db *db, const struct hyp_stored_comm *state)
{
    const struct hyp_comm_state *comm = &state->comm;
    struct hyp_query query;
    /* Nothing is written for a device that was removed meanwhile. */
    hyp_query_open(
        &query, db,
        "INSERT INTO comm_state(device, last_attempt, last_success, last_failure,"
        " last_status, failures_in_row, attempts, successes, last_error)"
        " SELECT id, $1, $2, $3, $4, $5, $6, $7, $8 FROM device WHERE id = $9"
        " ON CONFLICT (device) DO UPDATE SET last_attempt = excluded.last_attempt,"
        " last_success = excluded.last_success, last_failure = excluded.last_failure,"
        " last_status = excluded.last_status,"
        " failures_in_row = excluded.failures_in_row, attempts = excluded.attempts,"
        " successes = excluded.successes, last_error = excluded.last_error");
    hyp_query_bind_i64(&query, comm->last_attempt.ms);
    hyp_query_bind_i64(&query, comm->last_success.ms);
    hyp_query_bind_i64(&query, comm->last_failure.ms);
    hyp_query_bind_text(&query, hyp_status_name(comm->last_status));
    hyp_query_bind_i64(&query, comm->failures_in_row);
    hyp_query_bind_i64(&query, (int64_t)comm->attempts);
    hyp_query_bind_i64(&query, (int64_t)comm->successes);
    hyp_query_bind_text(&query, comm->last_error);
    hyp_query_bind_i64(&query, state->device.id);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* a failure is sticky until commit */
}

enum hyp_status hyp_store_comm_save(struct hyp_store *store,
                                    const struct hyp_stored_comm *states, size_t count)
{
    struct hyp_db *db = hyp_core_begin(store);
    for (size_t i = 0; i < count; i++) {
        save_state(db, &states[i]);
    }
    return hyp_core_finish(store, HYP_OK, NULL, "communication state");
}

enum hyp_status hyp_store_comm_load(struct hyp_store *store, struct hyp_arena *arena,
                                    struct hyp_stored_comm **ret_states, size_t *ret_count)
{
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_stored_comm),
                    "SELECT device, last_attempt, last_success, last_failure, last_status,"
                    " failures_in_row, attempts, successes, last_error FROM comm_state"
                    " ORDER BY device");
    struct hyp_stored_comm *state;
    while ((state = hyp_rowset_next(&set)) != NULL) {
        state->device.id = hyp_query_i64(&set.query);
        state->comm.last_attempt = hyp_query_utc(&set.query);
        state->comm.last_success = hyp_query_utc(&set.query);
        state->comm.last_failure = hyp_query_utc(&set.query);
        state->comm.last_status = status_find(hyp_query_str(&set.query));
        state->comm.failures_in_row = (uint32_t)hyp_query_i64(&set.query);
        state->comm.attempts = (uint64_t)hyp_query_i64(&set.query);
        state->comm.successes = (uint64_t)hyp_query_i64(&set.query);
        hyp_query_text(&set.query, state->comm.last_error, sizeof(state->comm.last_error));
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_states = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}

enum hyp_status hyp_store_comm_event_add(struct hyp_store *store, hyp_device_id device,
                                         const struct hyp_comm_event *event)
{
    struct hyp_db *db = hyp_core_begin(store);
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "INSERT INTO comm_event(time, status, message, device)"
                   " SELECT $1, $2, $3, id FROM device WHERE id = $4");
    hyp_query_bind_i64(&query, event->time.ms);
    hyp_query_bind_text(&query, hyp_status_name(event->status));
    hyp_query_bind_text(&query, event->text);
    hyp_query_bind_i64(&query, device.id);
    int64_t added = 0;
    enum hyp_status status = hyp_query_run(&query, &added);
    hyp_query_open(&query, db,
                   "DELETE FROM comm_event WHERE device = $1 AND id <= (SELECT id FROM"
                   " comm_event WHERE device = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)");
    hyp_query_bind_i64(&query, device.id);
    hyp_query_bind_i64(&query, HYP_LIMIT_COMM_EVENTS);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* a failure is sticky until commit */
    if (status == HYP_OK && added == 0) {
        status = HYP_NOT_FOUND;
    }
    return hyp_core_finish(store, status, NULL, "communication event");
}

enum hyp_status hyp_store_comm_events(struct hyp_store *store, hyp_tenant_id tenant,
                                      hyp_device_id device, size_t limit,
                                      struct hyp_arena *arena,
                                      struct hyp_comm_event **ret_events, size_t *ret_count)
{
    enum hyp_status status = hyp_core_check(store, HYP_SQL_DEVICE_EXISTS, device.id, tenant);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_comm_event),
                    "SELECT time, status, message FROM comm_event WHERE device = $1"
                    " ORDER BY id DESC LIMIT $2");
    hyp_query_bind_i64(&set.query, device.id);
    hyp_query_bind_i64(&set.query, (int64_t)limit);
    struct hyp_comm_event *event;
    while ((event = hyp_rowset_next(&set)) != NULL) {
        event->time = hyp_query_utc(&set.query);
        event->status = status_find(hyp_query_str(&set.query));
        hyp_query_text(&set.query, event->text, sizeof(event->text));
    }
    status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_events = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}

/* --- learned data --- */

static enum hyp_status put(struct hyp_store *store, const char *name, const uint8_t *data,
                           size_t len, bool secret)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "INSERT INTO learned(name, data) VALUES ($1, $2)"
                   " ON CONFLICT (name) DO UPDATE SET data = excluded.data");
    hyp_query_bind_text(&query, name);
    hyp_query_bind_blob(&query, data, len);
    enum hyp_status status = hyp_query_run(&query, NULL);
    if (secret) {
        hyp_follow_note(store, HYP_CHANGE_KEYS, 0, 0, 0);
    }
    return hyp_core_finish(store, status, NULL, "learned data");
}

enum hyp_status hyp_store_blob_put(struct hyp_store *store, const char *name,
                                   const uint8_t *data, size_t len)
{
    return put(store, name, data, len, false);
}

enum hyp_status hyp_store_blob_get(struct hyp_store *store, const char *name,
                                   struct hyp_arena *arena, uint8_t **ret_data, size_t *ret_len)
{
    struct hyp_connections reader = hyp_core_reader(store);
    struct hyp_query query;
    hyp_query_open(&query, reader.main, "SELECT data FROM learned WHERE name = $1");
    hyp_query_bind_text(&query, name);
    char *copy = NULL;
    size_t len = 0;
    enum hyp_status found = HYP_NOT_FOUND;
    if (hyp_query_row(&query)) {
        struct hyp_str blob = hyp_query_blob(&query);
        copy = hyp_arena_copy_str(arena, blob);
        len = blob.len;
        found = copy == NULL ? HYP_LIMIT : HYP_OK;
    }
    enum hyp_status status = hyp_query_close(&query);
    hyp_core_reader_return(store, reader);
    status = status == HYP_OK ? found : status;
    if (status == HYP_OK) {
        *ret_data = (uint8_t *)copy;
        *ret_len = len;
    }
    return status;
}

enum hyp_status hyp_store_secret_put(struct hyp_store *store, const char *name,
                                     const uint8_t *data, size_t len)
{
    uint8_t *box = malloc(len + HYP_SECRET_BOX_EXTRA);
    if (box == NULL) {
        return HYP_NO_MEMORY;
    }
    size_t box_len = 0;
    if (len > 0) {
        hyp_secret_seal(&store->secret, store->rng, data, len, box);
        box_len = len + HYP_SECRET_BOX_EXTRA;
    }
    enum hyp_status status = put(store, name, box, box_len, true);
    free(box);
    return status;
}

enum hyp_status hyp_store_secret_get(struct hyp_store *store, const char *name, uint8_t *out,
                                     size_t capacity, size_t *ret_len)
{
    struct hyp_arena arena;
    uint8_t *box;
    size_t len;
    hyp_arena_init(&arena, capacity + HYP_SECRET_BOX_EXTRA + 4096);
    enum hyp_status status = hyp_store_blob_get(store, name, &arena, &box, &len);
    if (status == HYP_OK) {
        status = len == 0 ? HYP_NOT_FOUND
                          : hyp_secret_open(&store->secret, box, len, out, capacity, ret_len);
    }
    hyp_arena_finish(&arena);
    return status;
}
