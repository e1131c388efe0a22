/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queued: batches on their way from their sender to the writer thread, with their values packed
 * to a third, because a value is written once and read once more by another processor.
 *
 *     struct hyp_value   72 bytes: key, unit, kind, quality, payload, label
 *     queued             24 bytes: register with exponent and quality | payload
 *
 * Labels and texts, which few values have, are apart.
 */
#ifndef HYP_STORE_QUEUED_H
#define HYP_STORE_QUEUED_H

#include "model/reading.h"
#include "store/register.h"

#include <pthread.h>

/*
 * A value. The low bits of reg.what, which are not the register's:
 *
 *     15      8    7    6  4 3     0
 *    | exponent | plain |  0  | quality |
 *
 * plain  a number or flags that may be used: the payload is what a column keeps
 */
struct hyp_queued_value {
    struct hyp_register reg;
    int64_t payload; /* digits, flags, packed civil time; of a text where in the texts: offset
                        << 32 | length; 0 of one that is absent */
};

#define HYP_QUEUED_PLAIN (1u << 7)

/* The name that a value came with. */
struct hyp_queued_label {
    uint32_t value; /* index among the batch's values; labels are sorted by it */
    uint32_t offset;
    uint32_t len;
};

/* What a batch is in the queue. All of it lives as long as its hyp_queued_batch. */
struct hyp_queued {
    struct hyp_batch batch; /* its readings' values follow each other in the next member, and
                               their own pointers are NULL */
    const struct hyp_queued_value *values;
    const struct hyp_queued_label *labels;
    size_t label_count;
    const char *texts; /* of labels and values */
};

struct hyp_queued_batch {
    struct hyp_queued_batch *next;
    struct hyp_queued content;
    size_t size;     /* bytes of all of it */
    size_t capacity; /* of this allocation */
    void *texts;     /* another allocation: labels and texts; NULL = there are none */
    void (*done)(void *user, enum hyp_status status);
    void *user;
    enum hyp_status status;
};

static inline enum hyp_quality hyp_queued_quality(const struct hyp_queued_value *value)
{
    return (enum hyp_quality)(value->reg.what & 0xF);
}

static inline int8_t hyp_queued_exponent(const struct hyp_queued_value *value)
{
    return (int8_t)(value->reg.what >> 8 & 0xFF);
}

/* The value as it was handed in; its texts are the batch's.
 * @index  of the value among the batch's */
struct hyp_value hyp_queued_open(const struct hyp_queued *queued, size_t index);

/* Allocations of batches that are done, kept for those to come. Any thread. */
struct hyp_queued_spare {
    pthread_mutex_t mutex;
    struct hyp_queued_batch *first;
    size_t bytes;
};

/* init: nothing is kept. finish: frees what is; batches that were not given back are not its.
 */
void hyp_queued_init(struct hyp_queued_spare *spare);
void hyp_queued_finish(struct hyp_queued_spare *spare);
/*
 * A copy of a batch, the caller's to give back.
 * Returns   HYP_OK | INVALID (beyond the limits, or with numbers that do not exist) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_queued_take(struct hyp_queued_spare *spare,
                                             const struct hyp_batch *batch,
                                             struct hyp_queued_batch **ret_queued);
/* Keeps the allocation for batches to come, up to HYP_LIMIT_INTAKE_SPARE, or frees it. */
void hyp_queued_give(struct hyp_queued_spare *spare, struct hyp_queued_batch *queued);

#endif
