/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intake: the queue of batches and the writer thread that commits them in groups.
 *
 * A batch goes: copied into the queue (any thread) -> planned: points found or created, known
 * values left out, bytes of the log written -> committed with its group -> applied to the
 * historian -> done -> observers. The plan of a committed group is kept until it is applied
 * completely: without memory for that, nothing more is committed, so that disk and memory
 * never part by more than one group.
 */
#ifndef HYP_STORE_INTAKE_H
#define HYP_STORE_INTAKE_H

#include "store/core.h"
#include "store/follow.h"
#include "store/plan.h"

struct hyp_queued_batch {
    struct hyp_queued_batch *next;
    struct hyp_batch batch; /* points into this allocation */
    size_t size;
    size_t capacity; /* of the allocation; >= size */
    void (*done)(void *user, enum hyp_status status);
    void *user;
    enum hyp_status status;
};

struct hyp_intake {
    struct hyp_store *store;
    struct hyp_sink sink;
    pthread_t thread;
    bool running;
    pthread_mutex_t mutex; /* of what follows, up to the line */
    pthread_cond_t wake;
    struct hyp_queued_batch *first;
    struct hyp_queued_batch *last;
    struct hyp_queued_batch *spare; /* allocations for batches to come */
    size_t spare_bytes;
    size_t queue_bytes;
    uint64_t queue_length;
    bool stop;
    bool care; /* there may be a step of care to do */
    struct hyp_store_observer observers[HYP_LIMIT_OBSERVERS];
    size_t observer_count;
    uint64_t batches;
    uint64_t duplicates;
    uint64_t dropped;
    enum hyp_status last_commit;
    char last_error[HYP_ERROR_TEXT_MAX];
    /* --- the writer's own --- */
    struct hyp_plan plan;
    struct hyp_told told; /* readings of other members */
    int64_t next_poll_ms; /* when to look for more of them; the clock that never jumps */
    enum hyp_status last_poll;
};

/* --- batches (intake_batch.c) --- */

/* Does it keep to the limits, and are its numbers ones that exist?
 * @ret_size  bytes that a queued copy takes */
bool hyp_queued_look(const struct hyp_batch *batch, size_t *ret_size);
/* Copies everything behind *queued, which is as large as that. */
void hyp_queued_copy(struct hyp_queued_batch *queued, const struct hyp_batch *batch);
/* Memory for a copy, one that was given back if it is large enough; NULL = no memory. */
struct hyp_queued_batch *hyp_queued_take(struct hyp_intake *intake, size_t size);
/* Keeps it for batches to come, up to HYP_LIMIT_INTAKE_SPARE, or frees it. */
void hyp_queued_give(struct hyp_intake *intake, struct hyp_queued_batch *queued);
void hyp_queued_free_spare(struct hyp_intake *intake);

/* --- observers and other members (intake_tell.c); the writer's own --- */

/* Tells observers of what the plan has brought into the historian. */
void hyp_intake_tell(struct hyp_intake *intake);
/*
 * Looks for what others have committed, or what became of a commit that was given up, when it
 * is time, and tells observers.
 * @due     somebody has asked for care
 * Returns  whether this member is to take a step of care
 */
bool hyp_intake_follow(struct hyp_intake *intake, bool due);
/* Waits for the signal, under the mutex. False: it is time to look for what others wrote. */
bool hyp_intake_wait(struct hyp_intake *intake);
void hyp_intake_init_wake(struct hyp_intake *intake);

/* --- life --- */

HYP_MUST_USE enum hyp_status hyp_intake_create(struct hyp_store *store,
                                               struct hyp_intake **ret_intake);
/* Starts the writer thread. */
HYP_MUST_USE enum hyp_status hyp_intake_start(struct hyp_intake *intake);
/* Commits what is queued, joins the thread and frees everything. */
void *hyp_intake_destroy(struct hyp_intake *intake);
/* Has everything that is committed reached the historian? The writer's own question. */
bool hyp_intake_is_applied(const struct hyp_intake *intake);
/* There is care to do: removed devices to wipe, frames to pack. */
void hyp_intake_wake(struct hyp_intake *intake);

#endif
