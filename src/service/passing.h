/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passing on: devices whose line another server of the same database has open are read there,
 * and the job of who asked goes as if they were read here.
 *
 * The order goes through the database (store/orders.h). The server with the line takes it,
 * once, does it as a job of its own and tells how far that is; the one that was asked ends the
 * items of its job accordingly and removes the order. When the server that has taken it ends or
 * loses the line, the items end as failed, because nobody knows whether the meter was asked; an
 * order that nobody has taken yet waits for the next one that opens the line, for
 * HYP_LIMIT_MEMBER_ORDER_MS.
 */
#ifndef HYP_SERVICE_PASSING_H
#define HYP_SERVICE_PASSING_H

#include "collect/collect.h"
#include "service/scope.h"
#include "store/store.h"

#include <pthread.h>

struct hyp_service;

/* An order that is passed on for a job of this server. */
struct hyp_passed {
    bool used;
    bool listed;    /* passed on before the orders were read that are looked at */
    bool cancelled; /* its job was */
    int64_t order;  /* 0 = it is being written */
    hyp_job_id job; /* 0 = it has not begun */
    uint32_t count; /* devices */
    uint32_t done;  /* known of them */
    uint32_t failed;
    int64_t until_ms; /* when nobody has taken it; clock that never jumps */
};

/* An order that this server has taken. */
struct hyp_taken {
    bool used;
    bool listed;
    bool cancelled;
    int64_t order;
    hyp_job_id job;     /* 0 = it could not begin, */
    struct hyp_job end; /* which is told */
};

struct hyp_passing {
    pthread_mutex_t lock; /* of the lists; not held over a call of store or collector */
    struct hyp_passed passed[HYP_LIMIT_MEMBER_ORDERS];
    struct hyp_taken taken[HYP_LIMIT_MEMBER_ORDERS]; /* added and removed by the keeper */
};

void hyp_passing_init(struct hyp_passing *passing);
void hyp_passing_finish(struct hyp_passing *passing);

/*
 * Begins a job that reads devices of the scope's tenant, here or where their lines are open.
 * Not under the plant's lock.
 * Returns   HYP_OK | as hyp_collector_read | BUSY (no server has a line open) | LIMIT (too many
 *           orders are passed on) | NO_MEMORY; then nothing has begun
 */
HYP_MUST_USE enum hyp_status hyp_passing_read(struct hyp_service *service,
                                              const struct hyp_scope *scope,
                                              const hyp_device_id *devices, size_t count,
                                              hyp_job_id *ret_job, struct hyp_error *err);
/* A job was cancelled: so are the orders that were passed on for it. */
void hyp_passing_cancel(struct hyp_service *service, hyp_job_id job);
/* Orders have changed, as another server says: the keeper looks at once. */
void hyp_passing_told(struct hyp_service *service);
/* A job of this server has changed; loop thread. */
void hyp_passing_job(struct hyp_service *service, const struct hyp_job *job);
/* Called by the keeper, behind the leases: takes orders, tells of those that were taken and
 * follows those that were passed on. At the end of the service it takes none, and removes its
 * own. */
void hyp_passing_look(struct hyp_service *service);

#endif
