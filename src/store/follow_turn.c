/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following before each transaction, between them, and from the moment of loading.
 */
#include "store/follow_state.h"

#include "store/seal_state.h"
#include "store/server.h"

/* Changes noted between two times of cutting the table. */
#define CUT_EVERY 1024

/* --- noting --- */

/* Who is that far behind has to start anew; see hyp_follow_check_gap. Rows are counted, not
 * numbers: transactions that failed have used some up. */
static void cut(struct hyp_db *db)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "DELETE FROM " HYP_SERVER_CHANGES
                   " WHERE id < (SELECT id FROM " HYP_SERVER_CHANGES
                   " ORDER BY id DESC OFFSET $1 LIMIT 1)");
    hyp_query_bind_i64(&query, HYP_LIMIT_MEMBER_CHANGES);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

void hyp_follow_note(struct hyp_store *store, enum hyp_change change, int64_t object,
                     int64_t first, int64_t last)
{
    struct hyp_follower *follower = store->follower;
    if (follower == NULL || !follower->loaded) {
        return;
    }
    if (store->member == NULL) {
        hyp_follow_remember(
            store, &(struct hyp_followed){
                       .kind = change, .object = object, .first = first, .last = last});
        return;
    }
    int64_t log_row = HYP_MAX(follower->log_row, hyp_seal_last_log_row(store->sealer));
    struct hyp_query query;
    hyp_query_open(&query, store->write.main,
                   "INSERT INTO " HYP_SERVER_CHANGES "(kind, object, first, last, log_row)"
                   " VALUES ($1, $2, $3, $4, $5) RETURNING id");
    hyp_query_bind_i64(&query, change);
    hyp_query_bind_i64(&query, object);
    hyp_query_bind_i64(&query, first);
    hyp_query_bind_i64(&query, last);
    hyp_query_bind_i64(&query, log_row);
    int64_t id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    if (hyp_query_close(&query) != HYP_OK) {
        return; /* sticky until commit */
    }
    follower->noted = id;
    if (change == HYP_CHANGE_CHUNK) {
        follower->noted_chunk = id;
    }
    if (id % CUT_EVERY == 0) {
        cut(store->write.main);
    }
}

enum hyp_status hyp_follow_check_gap(struct hyp_store *store)
{
    struct hyp_query query;
    hyp_query_open(&query, store->write.main,
                   "SELECT COALESCE(MIN(id), 0) FROM " HYP_SERVER_CHANGES);
    int64_t first = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status = hyp_query_close(&query);
    /* The row of the last known change is there, unless it was cut off. */
    if (status == HYP_OK && first > store->follower->change) {
        store->follower->stale = true;
        hyp_log_event(store->log, HYP_LOG_ERROR, "member.too_late",
                      "member=%s; this process has missed too much of what the others did: "
                      "start it anew",
                      store->member);
        status = HYP_BUSY;
    }
    return status;
}

/* --- transactions --- */

void hyp_follow_begun(struct hyp_store *store)
{
    struct hyp_follower *follower = store->follower;
    struct hyp_db *db = store->write.main;
    if (store->member == NULL || !follower->loaded || db->failed != HYP_OK) {
        return;
    }
    enum hyp_status status = HYP_BUSY;
    if (!follower->stale) {
        status = hyp_follow_to(store, hyp_server_number(db) - 1);
    }
    if (status != HYP_OK) {
        hyp_db_fail(db, status);
    }
}

void hyp_follow_committed(struct hyp_store *store)
{
    struct hyp_follower *follower = store->follower;
    if (store->member == NULL || !follower->loaded) {
        return;
    }
    int64_t number = hyp_server_number(store->write.main);
    /* Otherwise somebody came in between: the own changes are followed with his. */
    if (number - 1 == follower->seen) {
        follower->seen = number;
        follower->change = HYP_MAX(follower->change, follower->noted);
    }
    follower->noted = 0;
}

void hyp_follow_sealed(struct hyp_store *store, enum hyp_status status)
{
    struct hyp_follower *follower = store->follower;
    if (store->member == NULL) {
        return;
    }
    if (status == HYP_OK) {
        follower->chunk_change = HYP_MAX(follower->chunk_change, follower->noted_chunk);
    }
    follower->noted_chunk = 0;
}

/* --- loading --- */

static int64_t ask(struct hyp_db *db, const char *sql)
{
    struct hyp_query query;
    hyp_query_open(&query, db, sql);
    int64_t number = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    HYP_IGNORE(hyp_query_close(&query)); /* sticky until the end of the transaction */
    return number;
}

static const char *const number_sql = "SELECT number FROM " HYP_SERVER_COUNTER " WHERE id = 1";
static const char *const last_sql = "SELECT COALESCE(MAX(id), 0) FROM " HYP_SERVER_CHANGES;
static const char *const chunk_sql =
    "SELECT COALESCE(MAX(id), 0) FROM " HYP_SERVER_CHANGES " WHERE kind = 1";
static_assert(HYP_CHANGE_CHUNK == 1, "as in the statement");

void hyp_follow_load_begin(struct hyp_store *store)
{
    if (store->member != NULL) {
        hyp_db_begin_snapshot(store->write.main);
    }
}

enum hyp_status hyp_follow_load_end(struct hyp_store *store, enum hyp_status status)
{
    struct hyp_follower *follower = store->follower;
    struct hyp_db *db = store->write.main;
    if (store->member == NULL) {
        if (follower != NULL) {
            follower->loaded = status == HYP_OK;
        }
        return status;
    }
    follower->seen = ask(db, number_sql);
    follower->change = ask(db, last_sql);
    follower->chunk_change = ask(db, chunk_sql);
    enum hyp_status read = db->failed;
    hyp_db_rollback(db);
    db->failed = HYP_OK;
    follower->loaded = status == HYP_OK && read == HYP_OK;
    return status == HYP_OK ? read : status;
}

/* --- between transactions --- */

enum hyp_status hyp_follow_poll(struct hyp_store *store)
{
    struct hyp_db *db = store->write.main;
    hyp_core_enter(store);
    hyp_db_begin_snapshot(db);
    int64_t number = ask(db, number_sql);
    enum hyp_status status = db->failed;
    if (status == HYP_OK) {
        status = store->follower->stale ? HYP_BUSY : hyp_follow_to(store, number);
    }
    hyp_db_rollback(db);
    db->failed = HYP_OK;
    hyp_core_release(store);
    return status;
}

enum hyp_status hyp_store_catch_up(struct hyp_store *store)
{
    if (store->member != NULL) {
        return hyp_follow_poll(store);
    }
    if (!hyp_follow_is_unsure(store)) {
        return HYP_OK;
    }
    hyp_core_enter(store);
    enum hyp_status status = hyp_follow_settle(store);
    hyp_core_release(store);
    return status;
}

bool hyp_follow_is_news(struct hyp_store *store)
{
    return atomic_exchange(&store->follower->news, false);
}

/* --- reading --- */

enum hyp_status hyp_follow_agrees(struct hyp_store *store, struct hyp_db *db, bool *ret_agrees)
{
    int64_t last = ask(db, chunk_sql);
    *ret_agrees = last <= store->follower->chunk_change;
    return db->failed;
}
