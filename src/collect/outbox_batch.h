/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch: readings and frames that go to the sink together, in memory of their own. For the
 * outbox only, which says where each batch is on its way. Loop thread only.
 */
#ifndef HYP_COLLECT_OUTBOX_BATCH_H
#define HYP_COLLECT_OUTBOX_BATCH_H

#include "collect/outbox.h"

/* Room for what one telegram may add after the batch was found large enough to leave. */
#define HYP_OUTBOX_SPARE 64
#define HYP_OUTBOX_READINGS_MAX (HYP_LIMIT_OUTBOX_READINGS + HYP_OUTBOX_SPARE)
#define HYP_OUTBOX_FRAMES_MAX (HYP_LIMIT_OUTBOX_FRAMES + HYP_OUTBOX_SPARE)

struct hyp_outbox_batch {
    struct hyp_outbox_batch *next;
    struct hyp_outbox *outbox;
    uint64_t number;       /* grows with each batch opened */
    struct hyp_batch view; /* what the sink sees */
    size_t ticket_count;
    bool in_submit;    /* under the loop's lock: submit has not returned */
    bool done_at_once; /* under the loop's lock: the sink was done before it returned */
    struct hyp_arena arena;
    enum hyp_status status; /* of the last attempt */
    struct hyp_reading readings[HYP_OUTBOX_READINGS_MAX];
    struct hyp_raw_frame frames[HYP_OUTBOX_FRAMES_MAX];
    struct hyp_ticket tickets[HYP_OUTBOX_READINGS_MAX];
};

/* create: NULL without memory. destroy: one (NULL is allowed; returns NULL), or all of a list
 * by `next`; none may be with the sink. */
struct hyp_outbox_batch *hyp_outbox_batch_create(struct hyp_outbox *outbox);
struct hyp_outbox_batch *hyp_outbox_batch_destroy(struct hyp_outbox_batch *batch);
void hyp_outbox_batch_destroy_all(struct hyp_outbox_batch *first);
/* Empties it for the next use; its memory stays. */
void hyp_outbox_batch_reset(struct hyp_outbox_batch *batch);
/* Has it neither readings nor frames? */
bool hyp_outbox_batch_is_empty(const struct hyp_outbox_batch *batch);
/* A sink that is busy gets larger batches: one commit costs it the same for many readings. */
bool hyp_outbox_batch_is_large(const struct hyp_outbox_batch *batch);
/* As hyp_outbox_add_frame and hyp_outbox_add_reading; NO_MEMORY also for a full batch. */
HYP_MUST_USE enum hyp_status hyp_outbox_batch_add_frame(struct hyp_outbox_batch *batch,
                                                        const struct hyp_raw_frame *frame,
                                                        size_t *ret_index);
HYP_MUST_USE enum hyp_status hyp_outbox_batch_add_reading(struct hyp_outbox_batch *batch,
                                                          const struct hyp_reading *reading,
                                                          const struct hyp_ticket *ticket);

#endif
