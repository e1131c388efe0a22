/* SPDX-License-Identifier: Apache-2.0 */
#include "api/inside.h"

#include <stdlib.h>

struct hyp_workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
    void (*run)(struct hyp_request *req);
    struct hyp_request *first;
    struct hyp_request *last;
    size_t queued;
    unsigned count;
    pthread_t threads[];
};

static void *work(void *argument)
{
    struct hyp_workers *workers = argument;
    pthread_mutex_lock(&workers->lock);
    for (;;) {
        struct hyp_request *req = workers->first;
        if (req == NULL && workers->stopping) {
            break;
        }
        if (req == NULL) {
            pthread_cond_wait(&workers->wake, &workers->lock);
            continue;
        }
        workers->first = req->next;
        workers->last = workers->first == NULL ? NULL : workers->last;
        workers->queued--;
        req->next = NULL;
        pthread_mutex_unlock(&workers->lock);
        workers->run(req);
        pthread_mutex_lock(&workers->lock);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

enum hyp_status hyp_workers_create(unsigned count, void (*run)(struct hyp_request *req),
                                   struct hyp_workers **ret_workers)
{
    struct hyp_workers *workers =
        calloc(1, sizeof(*workers) + count * sizeof(workers->threads[0]));
    if (workers == NULL) {
        return HYP_NO_MEMORY;
    }
    workers->run = run;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wake, NULL);
    while (workers->count < count &&
           pthread_create(&workers->threads[workers->count], NULL, work, workers) == 0) {
        workers->count++;
    }
    if (workers->count < count) {
        hyp_workers_destroy(workers);
        return HYP_NO_MEMORY;
    }
    *ret_workers = workers;
    return HYP_OK;
}

void *hyp_workers_destroy(struct hyp_workers *workers)
{
    if (workers == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->count; i++) {
        pthread_join(workers->threads[i], NULL);
    }
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
    return NULL;
}

static void enqueue_locked(struct hyp_workers *workers, struct hyp_request *req)
{
    req->next = NULL;
    if (workers->last == NULL) {
        workers->first = req;
    } else {
        workers->last->next = req;
    }
    workers->last = req;
    workers->queued++;
    pthread_cond_signal(&workers->wake);
}

bool hyp_workers_submit(struct hyp_workers *workers, struct hyp_request *req)
{
    pthread_mutex_lock(&workers->lock);
    bool taken = workers->queued < HYP_LIMIT_WORKER_QUEUE && !workers->stopping;
    if (taken) {
        enqueue_locked(workers, req);
    }
    pthread_mutex_unlock(&workers->lock);
    return taken;
}

void hyp_workers_continue(struct hyp_workers *workers, struct hyp_request *req)
{
    pthread_mutex_lock(&workers->lock);
    enqueue_locked(workers, req);
    pthread_mutex_unlock(&workers->lock);
}
