/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue: what waits to be asked on a bus.
 *
 * Live before manual before scheduled, first in first out within; scheduled reads of devices
 * that have failed before come last, so that a dead device costs its neighbours nothing but
 * idle time. The entries are one ring in the order of their turns, known by its last, because
 * ten thousand idle lines have an empty queue each. Loop thread only.
 */
#ifndef HYP_COLLECT_QUEUE_H
#define HYP_COLLECT_QUEUE_H

#include "collect/order.h"

enum hyp_queue_class {
    HYP_QUEUE_LIVE = 0,
    HYP_QUEUE_MANUAL,
    HYP_QUEUE_SCHEDULED,
    HYP_QUEUE_DOUBTFUL, /* scheduled, of devices that did not answer last time */
};

/* Something to be asked. */
struct hyp_entry {
    struct hyp_entry *next;
    struct hyp_station *station; /* NULL: a scan */
    struct hyp_order *order;     /* NULL: a scheduled read */
    hyp_utc queued;
    uint8_t priority; /* enum hyp_priority */
    uint8_t rank;     /* enum hyp_queue_class when it was queued */
    bool retried;     /* once more after a connection that had died unnoticed */
};

struct hyp_queue {
    struct hyp_entry *last; /* last->next is the first; NULL = none */
    uint32_t count;
};

/*
 * Puts an entry at the end, or in front, of its class. The queue owns it.
 * Limits  walks over those before it, unless it becomes the last or the first: the scheduled
 *         reads of a line whose devices answer, nearly all there are, do
 */
void hyp_queue_push(struct hyp_queue *queue, struct hyp_entry *entry, bool front);
/* Takes the next one out; NULL when there is none. The caller owns it. */
struct hyp_entry *hyp_queue_pop(struct hyp_queue *queue);

/*
 * Takes out all entries that `matches` says, and hands each to `give`, which owns it. What
 * `give` queues meanwhile is not looked at.
 */
void hyp_queue_sweep(struct hyp_queue *queue,
                     bool (*matches)(const struct hyp_entry *entry, const void *what),
                     const void *what, void (*give)(void *user, struct hyp_entry *entry),
                     void *user);

/* Walks all in the order of turns; @entry NULL gives the first, the last is followed by NULL.
 */
struct hyp_entry *hyp_queue_next(const struct hyp_queue *queue, const struct hyp_entry *entry);
/* Does a person wait for something in here? */
bool hyp_queue_is_urgent(const struct hyp_queue *queue);

#endif
