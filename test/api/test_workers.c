/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rows.h"

#include "api/inside.h"

#include <semaphore.h>

static sem_t may_run;
static atomic_int ran;

static void run_slowly(struct hyp_request *req)
{
    (void)req;
    sem_wait(&may_run);
    atomic_fetch_add(&ran, 1);
}

static void runs_all_and_ends(void **state)
{
    static struct hyp_request requests[100];
    struct hyp_workers *workers = NULL;
    (void)state;
    sem_init(&may_run, 0, 0);
    atomic_store(&ran, 0);
    assert_int_equal(hyp_workers_create(3, run_slowly, &workers), HYP_OK);
    for (size_t i = 0; i < HYP_ARRAY_LEN(requests); i++) {
        assert_true(hyp_workers_submit(workers, &requests[i]));
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(requests); i++) {
        sem_post(&may_run);
    }
    hyp_workers_destroy(workers); /* what is queued is still run */
    assert_int_equal(atomic_load(&ran), HYP_ARRAY_LEN(requests));
    sem_destroy(&may_run);
}

static void a_full_queue_says_no(void **state)
{
    static struct hyp_request requests[HYP_LIMIT_WORKER_QUEUE + 2];
    struct hyp_workers *workers = NULL;
    size_t taken = 0;
    (void)state;
    sem_init(&may_run, 0, 0);
    atomic_store(&ran, 0);
    assert_int_equal(hyp_workers_create(1, run_slowly, &workers), HYP_OK);
    while (taken < HYP_ARRAY_LEN(requests) && hyp_workers_submit(workers, &requests[taken])) {
        taken++;
    }
    /* One may be running already. */
    assert_true(taken >= HYP_LIMIT_WORKER_QUEUE && taken <= HYP_LIMIT_WORKER_QUEUE + 1);
    /* What has begun already goes on all the same. */
    struct hyp_request begun = {0};
    hyp_workers_continue(workers, &begun);
    taken++;
    for (size_t i = 0; i < taken; i++) {
        sem_post(&may_run);
    }
    hyp_workers_destroy(workers);
    assert_int_equal(atomic_load(&ran), taken);
    sem_destroy(&may_run);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, runs_all_and_ends);
    TEST_ONE(&list, a_full_queue_says_no);
    return test_list_run(&list, "workers");
}
