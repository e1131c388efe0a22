/* SPDX-License-Identifier: Apache-2.0 */
#include "store/core.h"

#include "store/follow.h"
#include "store/intake.h"

#include <string.h>

/* --- gate --- */

void hyp_core_enter(struct hyp_store *store)
{
    struct hyp_gate *gate = &store->gate;
    pthread_mutex_lock(&gate->mutex);
    uint64_t ticket = gate->next++;
    while (gate->serving != ticket) {
        pthread_cond_wait(&gate->turn, &gate->mutex);
    }
    pthread_mutex_unlock(&gate->mutex);
}

void hyp_core_release(struct hyp_store *store)
{
    struct hyp_gate *gate = &store->gate;
    pthread_mutex_lock(&gate->mutex);
    gate->serving++;
    pthread_cond_broadcast(&gate->turn);
    pthread_mutex_unlock(&gate->mutex);
}

struct hyp_db *hyp_core_begin(struct hyp_store *store)
{
    hyp_core_enter(store);
    enum hyp_status settled = hyp_follow_settle(store);
    if (settled == HYP_OK) {
        hyp_db_begin(store->write.main);
        hyp_follow_begun(store);
    } else {
        hyp_db_fail(store->write.main, settled);
    }
    return store->write.main;
}

enum hyp_status hyp_core_commit(struct hyp_store *store, enum hyp_status status,
                                struct hyp_error *err, const char *what)
{
    struct hyp_db *db = store->write.main;
    enum hyp_status first = db->failed;
    if (status != HYP_OK) {
        hyp_db_fail(db, status);
    }
    enum hyp_status result = hyp_db_commit(db);
    if (result != HYP_OK && (status == HYP_OK || first != HYP_OK)) {
        hyp_db_error(db, result, err, what);
    }
    if (result == HYP_OK) {
        hyp_follow_committed(store);
    } else if (hyp_follow_is_unsure(store)) {
        hyp_intake_wake(store->intake); /* it asks from time to time */
    }
    return result;
}

enum hyp_status hyp_core_finish(struct hyp_store *store, enum hyp_status status,
                                struct hyp_error *err, const char *what)
{
    enum hyp_status result = hyp_core_commit(store, status, err, what);
    hyp_core_release(store);
    return result;
}

/* --- readers --- */

struct hyp_connections hyp_core_reader(struct hyp_store *store)
{
    if (store->folder == NULL) {
        hyp_core_enter(store);
        return store->write;
    }
    struct hyp_reader_pool *pool = &store->readers;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        for (size_t i = 0; i < HYP_CORE_READERS; i++) {
            if (!pool->taken[i]) {
                pool->taken[i] = true;
                pthread_mutex_unlock(&pool->mutex);
                return pool->all[i];
            }
        }
        pthread_cond_wait(&pool->freed, &pool->mutex);
    }
}

void hyp_core_reader_return(struct hyp_store *store, struct hyp_connections connections)
{
    if (store->folder == NULL) {
        hyp_core_release(store);
        return;
    }
    struct hyp_reader_pool *pool = &store->readers;
    pthread_mutex_lock(&pool->mutex);
    for (size_t i = 0; i < HYP_CORE_READERS; i++) {
        if (pool->all[i].main == connections.main) {
            pool->taken[i] = false;
        }
    }
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->mutex);
}

/* --- lists --- */

void hyp_list_init(struct hyp_list *list, struct hyp_arena *arena, size_t size)
{
    *list = (struct hyp_list){.arena = arena, .size = size};
}

void *hyp_list_add(struct hyp_list *list)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        void *bigger = hyp_arena_grow(list->arena, list->items, list->capacity * list->size,
                                      capacity * list->size);
        if (bigger == NULL) {
            list->failed = true;
            return NULL;
        }
        list->items = bigger;
        list->capacity = capacity;
    }
    return (char *)list->items + list->size * list->count++;
}

void hyp_rowset_open(struct hyp_rowset *set, struct hyp_store *store, struct hyp_arena *arena,
                     size_t size, const char *sql)
{
    set->store = store;
    set->reader = hyp_core_reader(store);
    hyp_query_open(&set->query, set->reader.main, sql);
    hyp_list_init(&set->list, arena, size);
}

void *hyp_rowset_next(struct hyp_rowset *set)
{
    if (set->list.failed || !hyp_query_row(&set->query)) {
        return NULL;
    }
    return hyp_list_add(&set->list);
}

enum hyp_status hyp_rowset_close(struct hyp_rowset *set)
{
    enum hyp_status status = hyp_query_close(&set->query);
    hyp_core_reader_return(set->store, set->reader);
    return status == HYP_OK && set->list.failed ? HYP_LIMIT : status;
}

/* --- small parts --- */

hyp_utc hyp_core_now(struct hyp_store *store)
{
    return hyp_clock_utc(store->clock);
}

void hyp_core_seal(struct hyp_store *store, const uint8_t *data, size_t len,
                   struct hyp_box *box)
{
    box->len = len == 0 ? 0 : len + HYP_SECRET_BOX_EXTRA;
    if (len > 0) {
        hyp_secret_seal(&store->secret, store->rng, data, len, box->bytes);
    }
}

enum hyp_status hyp_core_unseal(struct hyp_store *store, struct hyp_query *query, uint8_t *out,
                                size_t capacity, size_t *ret_len)
{
    struct hyp_str box = hyp_query_blob(query);
    if (box.len == 0) {
        *ret_len = 0;
        return HYP_OK;
    }
    return hyp_secret_open(&store->secret, (const uint8_t *)box.ptr, box.len, out, capacity,
                           ret_len);
}

enum hyp_status hyp_core_exists(struct hyp_db *db, const char *sql, int64_t id,
                                hyp_tenant_id tenant)
{
    struct hyp_query query;
    hyp_query_open(&query, db, sql);
    hyp_query_bind_i64(&query, id);
    hyp_query_bind_i64(&query, tenant.id);
    bool found = hyp_query_row(&query);
    enum hyp_status status = hyp_query_close(&query);
    return status == HYP_OK && !found ? HYP_NOT_FOUND : status;
}

enum hyp_status hyp_core_check(struct hyp_store *store, const char *sql, int64_t id,
                               hyp_tenant_id tenant)
{
    struct hyp_connections reader = hyp_core_reader(store);
    enum hyp_status status = hyp_core_exists(reader.main, sql, id, tenant);
    hyp_core_reader_return(store, reader);
    return status;
}

enum hyp_status hyp_core_explain_missed(struct hyp_db *db, const char *sql, int64_t id,
                                        hyp_tenant_id tenant, const char *what,
                                        struct hyp_error *err)
{
    enum hyp_status status = hyp_core_exists(db, sql, id, tenant);
    if (status == HYP_NOT_FOUND) {
        return hyp_error_set(err, status, -1, "there is no %s %lld", what, (long long)id);
    }
    if (status != HYP_OK) {
        return hyp_db_error(db, status, err, what);
    }
    return hyp_error_set(err, HYP_CONFLICT, -1,
                         "%s %lld was changed by somebody else meanwhile: load it again", what,
                         (long long)id);
}
