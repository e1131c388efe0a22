/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9, a hundred times, under load: every batch the process acknowledged is there
 * afterwards, once.
 *
 * A child opens the store and keeps several batches under way; each done(OK) goes through a
 * pipe. After a random number of them the child is killed, wherever it is. The next child
 * begins with the first batch that was not acknowledged, as a sender would, so batches that
 * were committed but not acknowledged come again.
 */
#include "scenario.h"

#include "base/rng.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLS 100
#define IN_FLIGHT 8
#define PER_LIFE_MAX 40

/* --- the child --- */

struct sender {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int in_flight;
    int pipe;
};

struct ticket {
    struct sender *sender;
    int64_t k;
};

static void acknowledge(void *user, enum hyp_status status)
{
    struct ticket *ticket = user;
    struct sender *sender = ticket->sender;
    /* One write of eight bytes to a pipe is whole or not at all. */
    if (status == HYP_OK && write(sender->pipe, &ticket->k, sizeof(ticket->k)) < 0) {
        _exit(3);
    }
    pthread_mutex_lock(&sender->mutex);
    sender->in_flight--;
    pthread_cond_signal(&sender->changed);
    pthread_mutex_unlock(&sender->mutex);
}

/* Sends until it is killed. */
static void child_life(struct scenario *s, int64_t first, int pipe)
{
    static struct ticket tickets[SCENARIO_BATCHES_MAX];
    struct sender sender = {
        .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .pipe = pipe};
    struct hyp_store *store;
    if (scenario_open(s, &store) != HYP_OK) {
        _exit(2);
    }
    struct hyp_sink *sink = hyp_store_sink(store);
    for (int64_t k = first; k < SCENARIO_BATCHES_MAX; k++) {
        pthread_mutex_lock(&sender.mutex);
        while (sender.in_flight >= IN_FLIGHT) {
            pthread_cond_wait(&sender.changed, &sender.mutex);
        }
        sender.in_flight++;
        pthread_mutex_unlock(&sender.mutex);
        tickets[k] = (struct ticket){.sender = &sender, .k = k};
        if (sink->submit(sink, scenario_batch(s, k), acknowledge, &tickets[k]) != HYP_OK) {
            _exit(4);
        }
    }
    for (;;) {
        pause();
    }
}

/* --- the parent --- */

static void note(struct scenario *s, int64_t k)
{
    assert_true(k >= 0 && k < SCENARIO_BATCHES_MAX);
    s->acknowledged[k] = true;
}

/* Reads acknowledgements until there are `wanted`, or all that are left. */
static void read_acknowledged(struct scenario *s, int pipe, uint64_t wanted)
{
    int64_t k;
    for (uint64_t count = 0; count < wanted; count++) {
        ssize_t got = read(pipe, &k, sizeof(k));
        if (got != (ssize_t)sizeof(k)) {
            return;
        }
        note(s, k);
    }
}

static int64_t first_open(const struct scenario *s)
{
    int64_t k = 0;
    while (k < SCENARIO_BATCHES_MAX && s->acknowledged[k]) {
        k++;
    }
    return k;
}

static void one_life(struct scenario *s, uint64_t wanted)
{
    int64_t first = first_open(s);
    assert_true(first < SCENARIO_BATCHES_MAX - PER_LIFE_MAX);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        child_life(s, first, ends[1]);
    }
    close(ends[1]);
    read_acknowledged(s, ends[0], wanted);
    assert_int_equal(kill(child, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status)) {
        fail_msg("the child ended by itself: %d", WEXITSTATUS(status));
    }
    /* What it acknowledged after that is in the pipe. */
    read_acknowledged(s, ends[0], UINT64_MAX);
    close(ends[0]);
}

static void a_hundred_kills_lose_nothing(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 20260101);
    struct scenario s;
    scenario_make(&s);
    /* Any batch may have been sent by a child that is gone. */
    memset(s.sent, true, sizeof(s.sent));
    for (int life = 0; life < KILLS; life++) {
        s.seal_readings = life % 2 == 0 ? 1 : 0;
        one_life(&s, hyp_rng_below(&seeded.rng, PER_LIFE_MAX));
        scenario_check_closed(&s);
    }
    assert_true(first_open(&s) > KILLS);
    scenario_check_pages(&s);
    scenario_remove(&s);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, a_hundred_kills_lose_nothing);
    return test_list_run(&list, "fault-kill");
}
