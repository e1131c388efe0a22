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
#include "store/queued.h"

struct hyp_intake {
    struct hyp_store *store;
    struct hyp_sink sink;
    pthread_t thread;
    bool running;
    struct hyp_queued_spare spare;
    pthread_mutex_t mutex; /* of what follows, up to the line */
    pthread_cond_t wake;
    struct hyp_queued_batch *first;
    struct hyp_queued_batch *last;
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
