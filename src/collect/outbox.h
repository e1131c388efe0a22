/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outbox: readings and frames on their way to the sink, in batches, with back-pressure.
 *
 * The values of a reading are built directly in the memory of the batch they will leave with.
 * A batch leaves when it is large enough, or soon after its first reading when the sink has
 * nothing of ours to do. A batch the sink cannot take is kept and offered again; when too many
 * wait the outbox is full, and whoever produces readings has to pause until there is room.
 * Nothing that was added is dropped unless the sink refuses it for good. Memory of batches is
 * kept for the next ones, and goes when none has come for a second. Loop thread only.
 */
#ifndef HYP_COLLECT_OUTBOX_H
#define HYP_COLLECT_OUTBOX_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"
#include "collect/loop.h"
#include "model/reading.h"

/* Who waits for the commit of a reading. */
struct hyp_ticket {
    enum hyp_ticket_kind {
        HYP_TICKET_NONE = 0,
        HYP_TICKET_JOB,  /* id = job */
        HYP_TICKET_FEED, /* id = feed */
    } kind;
    uint32_t readings; /* readings of this batch with that ticket, in the callback */
    uint64_t id;
    hyp_device_id device;
};

struct hyp_outbox_batch;

/* Told once when all that was added before it began to wait has been committed. */
struct hyp_outbox_waiter {
    struct hyp_outbox_waiter *next;
    uint64_t until;         /* number of the batch waited for */
    enum hyp_status status; /* the worst of the batches that ended meanwhile */
    bool waiting;
    /* @status  OK = committed; else something of it has been given up */
    void (*settled)(struct hyp_outbox_waiter *waiter, enum hyp_status status);
};

struct hyp_outbox {
    struct hyp_loop *loop;
    struct hyp_sink *sink;
    struct hyp_log *log;
    void *user;
    void (*committed)(void *user, const struct hyp_ticket *ticket, enum hyp_status status);
    void (*room)(void *user);         /* was full, is not any more */
    void (*emptied)(void *user);      /* all has been committed or given up */
    void (*rested)(void *user);       /* nothing has come for a second */
    struct hyp_outbox_batch *open;    /* being filled, or NULL */
    struct hyp_outbox_batch *waiting; /* filled, oldest first */
    struct hyp_outbox_batch *free;
    struct hyp_outbox_waiter *waiters;
    uint64_t last_number;          /* of the batch opened last */
    struct hyp_timer timer;        /* leave soon, or offer again */
    struct hyp_timer rest;         /* memory kept for the next batch goes */
    struct hyp_task arrived;       /* the sink is done with one */
    struct hyp_outbox_batch *done; /* under the loop's lock */
    uint32_t wait_count;
    uint32_t free_count;
    uint32_t submitted;                             /* with the sink, not done */
    uint64_t with_sink[HYP_LIMIT_OUTBOX_SUBMITTED]; /* their numbers, 0 = free place */
    bool paused;    /* the sink could not take the last one: the timer offers it again */
    bool abandoned; /* draining took too long */
    uint64_t lost;  /* readings the sink refused for good */
};

/*
 * An empty outbox; set `user` and all four callbacks after it.
 * @log     may be NULL
 * Returns  HYP_OK | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_outbox_init(struct hyp_outbox *outbox, struct hyp_loop *loop,
                                             struct hyp_sink *sink, struct hyp_log *log);
/* Frees it; the sink must have nothing of it any more (hyp_outbox_is_empty). Readings that are
 * still in it are lost. */
void hyp_outbox_finish(struct hyp_outbox *outbox);

/* Must producers pause? */
bool hyp_outbox_is_full(const struct hyp_outbox *outbox);
/* Is everything committed or given up? */
bool hyp_outbox_is_empty(const struct hyp_outbox *outbox);

/* Memory for the values of the next reading; NULL without memory. Lives until the commit. */
struct hyp_arena *hyp_outbox_arena(struct hyp_outbox *outbox);

/*
 * Adds a frame; its bytes are copied.
 * @ret_index  for hyp_reading.frame
 * Returns     HYP_OK | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_outbox_add_frame(struct hyp_outbox *outbox,
                                                  const struct hyp_raw_frame *frame,
                                                  size_t *ret_index);
/*
 * Adds a reading whose values are in hyp_outbox_arena. A frame it names must have been added
 * just before.
 * Returns     HYP_OK (the ticket's callback will come) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_outbox_add_reading(struct hyp_outbox *outbox,
                                                    const struct hyp_reading *reading,
                                                    const struct hyp_ticket *ticket);
/* Lets what is there leave without waiting for more. */
void hyp_outbox_flush(struct hyp_outbox *outbox);
/*
 * Begins to wait for all that has been added so far, or waits for more when it waits already.
 * Never calls `settled` from within. The waiter must live until then or until the forget.
 */
void hyp_outbox_wait(struct hyp_outbox *outbox, struct hyp_outbox_waiter *waiter);
/* Waits no more; harmless for one that does not wait. */
void hyp_outbox_forget(struct hyp_outbox *outbox, struct hyp_outbox_waiter *waiter);
/* Gives up what has not been taken by the sink; what it has is still waited for. */
void hyp_outbox_abandon(struct hyp_outbox *outbox);

#endif
