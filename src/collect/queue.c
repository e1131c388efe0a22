/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/queue.h"

static enum hyp_queue_class class_of(const struct hyp_entry *entry)
{
    if (entry->order != NULL) {
        return entry->priority == HYP_PRIORITY_LIVE ? HYP_QUEUE_LIVE : HYP_QUEUE_MANUAL;
    }
    /* Without an order it is a scheduled read, which always has a station. */
    bool doubtful = entry->station != NULL && entry->station->strikes > 0;
    return doubtful ? HYP_QUEUE_DOUBTFUL : HYP_QUEUE_SCHEDULED;
}

void hyp_queue_push(struct hyp_queue *queue, struct hyp_entry *entry, bool front)
{
    entry->rank = (uint8_t)class_of(entry);
    unsigned bound = entry->rank + (front ? 0u : 1u); /* those of a rank below it stay before */
    struct hyp_entry *last = queue->last;
    queue->count++;
    if (last == NULL) {
        entry->next = entry;
        queue->last = entry;
        return;
    }
    struct hyp_entry *before = last;
    if (last->rank < bound) {
        queue->last = entry;
    } else {
        /* Ends at the last one, whose rank is not below the bound. */
        while (before->next->rank < bound) {
            before = before->next;
        }
    }
    entry->next = before->next;
    before->next = entry;
}

struct hyp_entry *hyp_queue_pop(struct hyp_queue *queue)
{
    struct hyp_entry *last = queue->last;
    if (last == NULL) {
        return NULL;
    }
    struct hyp_entry *first = last->next;
    last->next = first->next;
    if (first == last) {
        queue->last = NULL;
    }
    first->next = NULL;
    queue->count--;
    return first;
}

void hyp_queue_sweep(struct hyp_queue *queue,
                     bool (*matches)(const struct hyp_entry *entry, const void *what),
                     const void *what, void (*give)(void *user, struct hyp_entry *entry),
                     void *user)
{
    struct hyp_queue old = *queue;
    struct hyp_entry *entry;
    *queue = (struct hyp_queue){0};
    while ((entry = hyp_queue_pop(&old)) != NULL) {
        if (matches(entry, what)) {
            give(user, entry);
        } else {
            hyp_queue_push(queue, entry, false);
        }
    }
}

struct hyp_entry *hyp_queue_next(const struct hyp_queue *queue, const struct hyp_entry *entry)
{
    struct hyp_entry *last = queue->last;
    if (last == NULL || entry == last) {
        return NULL;
    }
    return entry == NULL ? last->next : entry->next;
}

bool hyp_queue_is_urgent(const struct hyp_queue *queue)
{
    return queue->last != NULL && queue->last->next->rank <= HYP_QUEUE_MANUAL;
}
