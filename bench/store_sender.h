/* SPDX-License-Identifier: Apache-2.0 */
/* How the benches of the store fill it: devices to send for, and batches under way. */
#ifndef HYP_BENCH_STORE_SENDER_H
#define HYP_BENCH_STORE_SENDER_H

#include "store/store.h"

#include <pthread.h>

/* Batches that are handed over and not yet acknowledged. */
struct store_sender {
    struct hyp_store *store;
    size_t limit; /* so many at once */
    pthread_mutex_t mutex;
    pthread_cond_t done;
    size_t in_flight;
    enum hyp_status failed; /* the first that was not taken */
};

void store_sender_init(struct store_sender *sender, struct hyp_store *store, size_t limit);
/* Waits for room, and hands the batch over, which is copied. Returns OK, or why this one or an
 * earlier one was not taken. */
enum hyp_status store_sender_put(struct store_sender *sender, const struct hyp_batch *batch);
/* Waits until nothing is under way. Returns as store_sender_put. */
enum hyp_status store_sender_settle(struct store_sender *sender);

/* A tenant and so many meters of it, numbered from 0, that nobody polls; the caller frees the
 * list. NULL: they cannot be made. */
hyp_device_id *store_sender_add_devices(struct hyp_store *store, size_t count,
                                        struct hyp_error *err);

#endif
