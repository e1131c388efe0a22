/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that has its database to itself, and a commit whose outcome was asked for in vain
 * until it was given up: the sender was refused. When the server is back and has the commit all
 * the same, memory takes in what it has written before anything else begins, so that what is
 * sent again is known.
 */
#include "store/follow_state.h"

#include "store/frames.h"
#include "store/intake.h"
#include "store/retention.h"
#include "store/seal.h"
#include "store/server.h"

void hyp_follow_remember(struct hyp_store *store, const struct hyp_followed *change)
{
    struct hyp_follower *follower = store->follower;
    if (store->write.main->failed != HYP_OK) {
        return; /* it may not even have begun, and what is remembered is of the one before */
    }
    uint64_t begun = hyp_server_begun(store->write.main);
    if (follower->remembered != begun) {
        follower->remembered = begun;
        follower->list_count = 0;
    }
    enum hyp_status status = hyp_reserve(&follower->list, &follower->list_capacity,
                                         follower->list_count + 1, sizeof(*follower->list));
    if (status != HYP_OK) {
        hyp_db_fail(store->write.main, status);
        return;
    }
    follower->list[follower->list_count++] = *change;
}

bool hyp_follow_is_unsure(const struct hyp_store *store)
{
    return store->follower != NULL && store->follower->loaded &&
           (hyp_server_is_unsure(store->write.main) ||
            hyp_server_is_unsure(store->write.frames));
}

/* Once more after a failure on the way: the same twice does no harm. */
static enum hyp_status follow_remembered(struct hyp_store *store)
{
    struct hyp_follower *follower = store->follower;
    enum hyp_status status = hyp_follow_rows(store);
    if (status == HYP_OK) {
        status = hyp_follow_log(store, INT64_MAX);
    }
    bool own = follower->remembered == hyp_server_begun(store->write.main);
    for (size_t i = 0; own && i < follower->list_count && status == HYP_OK; i++) {
        status = hyp_follow_change(store, &follower->list[i]);
    }
    return status;
}

static enum hyp_status follow_main(struct hyp_store *store)
{
    struct hyp_db *db = store->write.main;
    hyp_db_begin_snapshot(db);
    enum hyp_status status = db->failed;
    if (status == HYP_OK) {
        status = follow_remembered(store);
    }
    hyp_db_rollback(db);
    db->failed = HYP_OK;
    return status;
}

static enum hyp_status follow_frames(struct hyp_store *store)
{
    enum hyp_status status = hyp_frames_load_totals(store);
    if (status == HYP_OK) {
        hyp_frames_let_go(store->frames, store->frames->packed_row);
        store->frames->check_limits = true;
    }
    return status;
}

/* One of the two databases. */
static enum hyp_status settle(struct hyp_store *store, struct hyp_db *db, const char *name,
                              enum hyp_status (*follow)(struct hyp_store *store))
{
    if (!hyp_server_is_unsure(db)) {
        return HYP_OK;
    }
    enum hyp_status status = hyp_server_settle(db);
    if (status == HYP_CANCELLED) {
        return HYP_OK; /* memory is as it was before */
    }
    if (status == HYP_OK) {
        status = follow(store);
    }
    if (status == HYP_OK) {
        hyp_server_settled(db);
        hyp_log_event(
            store->log, HYP_LOG_INFO, "store.commit_found",
            "database=%s; it has a commit that was given up while it was away, and what "
            "that wrote was taken in",
            name);
    }
    return status;
}

enum hyp_status hyp_follow_settle(struct hyp_store *store)
{
    if (!hyp_follow_is_unsure(store)) {
        return HYP_OK;
    }
    enum hyp_status status = settle(store, store->write.main, "main", follow_main);
    if (status == HYP_OK) {
        status = settle(store, store->write.frames, "frames", follow_frames);
    }
    if (status == HYP_OK) {
        /* Whatever a run had begun rests on what was known before. */
        hyp_seal_start_over(store);
        hyp_retention_start_over(store);
        store->forget_pending = true;
        store->follower->news = true;
        hyp_intake_wake(store->intake);
    }
    return status;
}
