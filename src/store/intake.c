/* SPDX-License-Identifier: Apache-2.0 */
#include "store/intake.h"

#include "store/erase.h"
#include "store/forget.h"
#include "store/frames.h"
#include "store/historian.h"
#include "store/retention.h"
#include "store/seal.h"

#include <stdlib.h>
#include <string.h>

/* --- the queue --- */

static enum hyp_status submit(struct hyp_sink *sink, const struct hyp_batch *batch,
                              void (*done)(void *user, enum hyp_status status), void *user)
{
    struct hyp_intake *intake = HYP_CONTAINER_OF(sink, struct hyp_intake, sink);
    struct hyp_queued_batch *queued;
    enum hyp_status status = hyp_queued_take(&intake->spare, batch, &queued);
    if (status != HYP_OK) {
        return status == HYP_NO_MEMORY ? HYP_BUSY : status;
    }
    queued->done = done;
    queued->user = user;
    pthread_mutex_lock(&intake->mutex);
    bool full = intake->queue_bytes + queued->size > HYP_LIMIT_INTAKE_QUEUE;
    if (!full) {
        if (intake->last == NULL) {
            intake->first = queued;
        } else {
            intake->last->next = queued;
        }
        intake->last = queued;
        intake->queue_bytes += queued->size;
        intake->queue_length++;
        pthread_cond_signal(&intake->wake);
    }
    pthread_mutex_unlock(&intake->mutex);
    if (full) {
        hyp_queued_give(&intake->spare, queued);
        return HYP_BUSY;
    }
    return HYP_OK;
}

/* --- committing a group --- */

static void note_outcome(struct hyp_intake *intake, enum hyp_status status,
                         const struct hyp_error *err, size_t batches)
{
    const struct hyp_plan *plan = &intake->plan;
    pthread_mutex_lock(&intake->mutex);
    if (status == HYP_OK) {
        intake->batches += batches;
        intake->duplicates += plan->duplicates;
        intake->dropped += plan->dropped;
    }
    bool changed = intake->last_commit != status;
    intake->last_commit = status;
    hyp_text_copy(intake->last_error, sizeof(intake->last_error),
                  hyp_str_from(status == HYP_OK ? "" : err->text));
    pthread_mutex_unlock(&intake->mutex);
    if (changed && status == HYP_OK) {
        hyp_log_event(intake->store->log, HYP_LOG_INFO, "store.intake_recovered", "status=OK");
    } else if (changed) {
        hyp_log_event(intake->store->log, HYP_LOG_ERROR, "store.intake_failed",
                      "status=%s reason=\"%s\"; senders keep their batches",
                      hyp_status_name(status), err->text);
    }
}

/*
 * Begins. A server that is known to be away is waited for like one that has just gone, so that
 * senders are not refused sooner; but outside the gate, where nobody waits for the one who
 * waits. It is away for those who have no connection: the writer's may be as good as ever.
 */
static enum hyp_status begin(struct hyp_store *store)
{
    bool waits = hyp_outage_is_known(&store->outage);
    for (int turn = 0;; turn++) {
        enum hyp_status status = hyp_core_begin(store)->failed;
        if (status == HYP_OK || turn >= HYP_LIMIT_DATABASE_TURNS || !waits ||
            !hyp_outage_is_known(&store->outage)) {
            return status;
        }
        HYP_IGNORE(hyp_core_finish(store, status, NULL, "intake")); /* nothing was begun */
        hyp_outage_wait(&store->outage);
    }
}

/* Commits batches first .. (count of them) in one transaction. */
static enum hyp_status try_group(struct hyp_intake *intake, struct hyp_queued_batch *first,
                                 size_t count)
{
    struct hyp_store *store = intake->store;
    struct hyp_plan *plan = &intake->plan;
    struct hyp_error err = {0};
    hyp_plan_reset(plan);
    enum hyp_status status = begin(store);
    struct hyp_queued_batch *queued = first;
    for (size_t i = 0; i < count && status == HYP_OK; i++, queued = queued->next) {
        status = hyp_plan_batch(plan, store, &queued->content);
    }
    status = hyp_core_commit(store, status, &err, "intake");
    if (status == HYP_OK) {
        hyp_plan_commit(plan, store);
        /* Before others' later readings. What finds no memory now is applied later. */
        HYP_IGNORE(hyp_plan_apply(plan, store));
    } else {
        if (err.status == HYP_OK) {
            hyp_error_set(&err, status, -1, "intake: %s", hyp_status_text(status));
        }
        hyp_plan_rollback(plan, store);
    }
    hyp_core_release(store);
    note_outcome(intake, status, &err, count);
    return status;
}

/* Applies what the last commit left, inside the gate, so that no device goes away meanwhile. */
static enum hyp_status apply(struct hyp_intake *intake)
{
    if (intake->plan.applied == intake->plan.row_count) {
        return HYP_OK;
    }
    uint64_t before = intake->plan.duplicates;
    hyp_core_enter(intake->store);
    enum hyp_status status = hyp_plan_apply(&intake->plan, intake->store);
    hyp_core_release(intake->store);
    pthread_mutex_lock(&intake->mutex);
    intake->duplicates += intake->plan.duplicates - before;
    pthread_mutex_unlock(&intake->mutex);
    return status;
}

/* --- telling --- */

static void call_done(struct hyp_intake *intake, struct hyp_queued_batch *first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hyp_queued_batch *next = first->next;
        if (first->done != NULL) {
            first->done(first->user, first->status);
        }
        hyp_queued_give(&intake->spare, first);
        first = next;
    }
}

/* --- the writer thread --- */

/* Batches are tried one by one after this: one of them may be what is wrong. */
static bool is_worth_splitting(enum hyp_status status)
{
    return status != HYP_OK && status != HYP_FULL && status != HYP_IO && status != HYP_BUSY;
}

static void commit_one_by_one(struct hyp_intake *intake, struct hyp_queued_batch *group,
                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hyp_queued_batch *next = group->next;
        group->status = apply(intake);
        if (group->status == HYP_OK) {
            group->status = try_group(intake, group, 1);
        }
        bool applied = group->status == HYP_OK && apply(intake) == HYP_OK;
        call_done(intake, group, 1);
        if (applied) {
            hyp_intake_tell(intake);
        }
        group = next;
    }
}

static void commit_group(struct hyp_intake *intake, struct hyp_queued_batch *group,
                         size_t count)
{
    /* Rows of an earlier commit that found no memory come first, or nothing does. */
    enum hyp_status status = apply(intake);
    if (status == HYP_OK) {
        status = try_group(intake, group, count);
        if (count > 1 && is_worth_splitting(status)) {
            commit_one_by_one(intake, group, count);
            return;
        }
    }
    struct hyp_queued_batch *queued = group;
    for (size_t i = 0; i < count; i++, queued = queued->next) {
        queued->status = status;
    }
    bool applied = status == HYP_OK && apply(intake) == HYP_OK;
    call_done(intake, group, count);
    if (applied) {
        hyp_intake_tell(intake);
    }
}

/*
 * Waits for something to do and takes the next group off the queue.
 * @ret_count  batches in the group; 0 = there is care to do, others to follow, or the end
 * Returns     false when stopped and the queue is empty
 */
static bool next_group(struct hyp_intake *intake, struct hyp_queued_batch **ret_group,
                       size_t *ret_count)
{
    pthread_mutex_lock(&intake->mutex);
    bool waited = true;
    while (intake->first == NULL && !intake->care && !intake->stop && waited) {
        waited = hyp_intake_wait(intake);
    }
    bool end = intake->first == NULL && intake->stop;
    *ret_group = intake->first;
    size_t count = 0;
    for (size_t bytes = 0; intake->first != NULL && bytes < HYP_LIMIT_INTAKE_GROUP; count++) {
        bytes += intake->first->size;
        intake->queue_bytes -= intake->first->size;
        intake->first = intake->first->next;
    }
    if (intake->first == NULL) {
        intake->last = NULL;
    }
    intake->queue_length -= count;
    if (count > 0) {
        intake->care = true;
    }
    *ret_count = count;
    pthread_mutex_unlock(&intake->mutex);
    return !end;
}

/* One step of care between groups; when there is no more, only a commit or a removal asks
 * again. */
static void care(struct hyp_intake *intake)
{
    pthread_mutex_lock(&intake->mutex);
    bool due = intake->care;
    intake->care = false;
    pthread_mutex_unlock(&intake->mutex);
    if (intake->store->follower != NULL && !hyp_intake_follow(intake, due)) {
        return;
    }
    if (hyp_frames_step(intake->store) || hyp_erase_step(intake->store) ||
        hyp_forget_step(intake->store) || hyp_seal_step(intake->store) ||
        hyp_retention_step(intake->store)) {
        hyp_intake_wake(intake);
    }
}

static void *run(void *argument)
{
    struct hyp_intake *intake = argument;
    struct hyp_queued_batch *group;
    size_t count;
    while (next_group(intake, &group, &count)) {
        if (count > 0) {
            commit_group(intake, group, count);
        }
        care(intake);
    }
    return NULL;
}

bool hyp_intake_is_applied(const struct hyp_intake *intake)
{
    return intake->plan.applied == intake->plan.row_count;
}

void hyp_intake_wake(struct hyp_intake *intake)
{
    pthread_mutex_lock(&intake->mutex);
    intake->care = true;
    pthread_cond_signal(&intake->wake);
    pthread_mutex_unlock(&intake->mutex);
}

/* --- life --- */

enum hyp_status hyp_intake_create(struct hyp_store *store, struct hyp_intake **ret_intake)
{
    struct hyp_intake *intake = calloc(1, sizeof(*intake));
    if (intake == NULL) {
        return HYP_NO_MEMORY;
    }
    intake->store = store;
    intake->sink.submit = submit;
    intake->care = true;
    enum hyp_status status = hyp_plan_init(&intake->plan);
    if (status != HYP_OK) {
        free(intake);
        return status;
    }
    hyp_queued_init(&intake->spare);
    pthread_mutex_init(&intake->mutex, NULL);
    hyp_intake_init_wake(intake);
    *ret_intake = intake;
    return HYP_OK;
}

enum hyp_status hyp_intake_start(struct hyp_intake *intake)
{
    if (pthread_create(&intake->thread, NULL, run, intake) != 0) {
        return HYP_NO_MEMORY;
    }
    intake->running = true;
    return HYP_OK;
}

void *hyp_intake_destroy(struct hyp_intake *intake)
{
    if (intake == NULL) {
        return NULL;
    }
    if (intake->running) {
        pthread_mutex_lock(&intake->mutex);
        intake->stop = true;
        pthread_cond_signal(&intake->wake);
        pthread_mutex_unlock(&intake->mutex);
        pthread_join(intake->thread, NULL);
    }
    pthread_cond_destroy(&intake->wake);
    pthread_mutex_destroy(&intake->mutex);
    hyp_plan_finish(&intake->plan);
    hyp_queued_finish(&intake->spare);
    free(intake->told.rows);
    free(intake->told.cells);
    free(intake);
    return NULL;
}

/* --- public --- */

struct hyp_sink *hyp_store_sink(struct hyp_store *store)
{
    return &store->intake->sink;
}

enum hyp_status hyp_store_observe(struct hyp_store *store,
                                  const struct hyp_store_observer *observer)
{
    struct hyp_intake *intake = store->intake;
    pthread_mutex_lock(&intake->mutex);
    enum hyp_status status = intake->observer_count < HYP_LIMIT_OBSERVERS ? HYP_OK : HYP_LIMIT;
    if (status == HYP_OK) {
        intake->observers[intake->observer_count++] = *observer;
    }
    pthread_mutex_unlock(&intake->mutex);
    return status;
}
