/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers live in one binary heap behind a single libuv timer: ten thousand lines cost ten
 * thousand pointers, and a test that moves the injected clock moves all deadlines at once.
 * Nearly all deadlines are moved or dropped before they are over, because devices answer. So a
 * timer that is disarmed or moved to later stays where it is, and is put right when it comes to
 * the top: a poll does not touch the heap at all.
 *
 * Tasks of other threads wait in a list under the lock; the async handle wakes the loop. A call
 * is a task on the caller's stack and a condition to wait for.
 */
#include "collect/loop.h"

#include "base/limits.h"

#include <assert.h>
#include <stdlib.h>

/* --- timers --- */

static void place(struct hyp_loop *loop, struct hyp_timer *timer, uint32_t at)
{
    loop->heap[at - 1] = timer;
    timer->place = at;
}

static void sift_up(struct hyp_loop *loop, struct hyp_timer *timer)
{
    uint32_t at = timer->place;
    while (at > 1 && loop->heap[at / 2 - 1]->key_ms > timer->key_ms) {
        place(loop, loop->heap[at / 2 - 1], at);
        at /= 2;
    }
    place(loop, timer, at);
}

static void sift_down(struct hyp_loop *loop, struct hyp_timer *timer)
{
    uint32_t at = timer->place;
    for (;;) {
        uint32_t child = at * 2;
        if (child > loop->armed) {
            break;
        }
        if (child < loop->armed && loop->heap[child]->key_ms < loop->heap[child - 1]->key_ms) {
            child++;
        }
        if (loop->heap[child - 1]->key_ms >= timer->key_ms) {
            break;
        }
        place(loop, loop->heap[child - 1], at);
        at = child;
    }
    place(loop, timer, at);
}

static void on_alarm(uv_timer_t *alarm);

/* Sets the libuv timer to the earliest deadline. */
static void set_alarm(struct hyp_loop *loop)
{
    if (uv_is_closing((uv_handle_t *)&loop->alarm) != 0) {
        return;
    }
    if (loop->armed == 0) {
        uv_timer_stop(&loop->alarm);
        return;
    }
    int64_t wait = loop->heap[0]->key_ms - hyp_loop_now(loop).ms;
    uv_timer_start(&loop->alarm, on_alarm, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void take_out(struct hyp_loop *loop, struct hyp_timer *timer)
{
    uint32_t at = timer->place;
    timer->place = 0;
    timer->due_ms = INT64_MAX;
    struct hyp_timer *moved = loop->heap[loop->armed - 1];
    loop->armed--;
    if (moved == timer) {
        return;
    }
    place(loop, moved, at);
    sift_up(loop, moved);
    sift_down(loop, moved);
}

/* The next timer that is due, taken out; NULL when there is none. */
static struct hyp_timer *take_due(struct hyp_loop *loop, int64_t now)
{
    while (loop->armed > 0 && loop->heap[0]->key_ms <= now) {
        struct hyp_timer *timer = loop->heap[0];
        bool due = timer->due_ms <= now;
        if (!due && timer->due_ms != INT64_MAX) {
            timer->key_ms = timer->due_ms;
            sift_down(loop, timer);
            continue;
        }
        take_out(loop, timer);
        if (due) {
            return timer;
        }
    }
    return NULL;
}

/* Returns whether anything was due. */
static bool fire_due(struct hyp_loop *loop)
{
    int64_t now = hyp_loop_now(loop).ms;
    /* Not more than are there now: one that arms itself anew must not starve the links. */
    uint32_t most = loop->armed;
    uint32_t fired = 0;
    struct hyp_timer *timer;
    while (fired < most && (timer = take_due(loop, now)) != NULL) {
        hyp_loop_hold_time(loop);
        loop->kinds[timer->kind - 1](timer);
        hyp_loop_release_time(loop);
        fired++;
    }
    return fired > 0;
}

static void on_alarm(uv_timer_t *alarm)
{
    struct hyp_loop *loop = alarm->data;
    (void)fire_due(loop);
    set_alarm(loop);
}

/* The number of what a timer calls. */
static uint16_t kind_of(struct hyp_loop *loop, void (*fire)(struct hyp_timer *timer))
{
    uint16_t kind = 0;
    while (kind < loop->kind_count && loop->kinds[kind] != fire) {
        kind++;
    }
    if (kind == loop->kind_count) {
        assert(kind < HYP_TIMER_KINDS_MAX);
        loop->kinds[loop->kind_count++] = fire;
    }
    return (uint16_t)(kind + 1);
}

enum hyp_status hyp_timer_add(struct hyp_loop *loop, struct hyp_timer *timer,
                              void (*fire)(struct hyp_timer *timer))
{
    if (loop->added == loop->capacity) {
        uint32_t capacity = loop->capacity == 0 ? 64 : loop->capacity * 2;
        struct hyp_timer **heap = realloc(loop->heap, capacity * sizeof(struct hyp_timer *));
        if (heap == NULL) {
            return HYP_NO_MEMORY;
        }
        loop->heap = heap;
        loop->capacity = capacity;
    }
    loop->added++;
    *timer = (struct hyp_timer){.due_ms = INT64_MAX, .kind = kind_of(loop, fire)};
    return HYP_OK;
}

void hyp_timer_remove(struct hyp_loop *loop, struct hyp_timer *timer)
{
    if (timer->place != 0) {
        take_out(loop, timer);
    }
    if (timer->kind != 0) {
        timer->kind = 0;
        loop->added--;
    }
}

void hyp_timer_arm(struct hyp_loop *loop, struct hyp_timer *timer, hyp_mono due)
{
    int64_t before = loop->armed == 0 ? INT64_MAX : loop->heap[0]->key_ms;
    timer->due_ms = due.ms;
    if (timer->place == 0) {
        assert(loop->armed < loop->added);
        timer->key_ms = due.ms;
        place(loop, timer, ++loop->armed);
        sift_up(loop, timer);
    } else if (due.ms < timer->key_ms) {
        timer->key_ms = due.ms;
        sift_up(loop, timer);
    }
    /* An alarm that is too early costs one empty turn; only a later one would be wrong. */
    if (due.ms < before || uv_is_active((uv_handle_t *)&loop->alarm) == 0) {
        set_alarm(loop);
    }
}

void hyp_timer_disarm(const struct hyp_loop *loop, struct hyp_timer *timer)
{
    (void)loop;
    timer->due_ms = INT64_MAX;
}

/* --- tasks --- */

static struct hyp_task *take_tasks(struct hyp_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct hyp_task *list = loop->first;
    loop->first = NULL;
    loop->last = NULL;
    pthread_mutex_unlock(&loop->lock);
    return list;
}

static void run_tasks(struct hyp_loop *loop)
{
    struct hyp_task *task = take_tasks(loop);
    while (task != NULL) {
        /* Posted anew, or gone, as soon as it runs: what is needed is read before. */
        pthread_mutex_lock(&loop->lock);
        struct hyp_task *next = task->next;
        task->posted = false;
        pthread_mutex_unlock(&loop->lock);
        task->run(task);
        task = next;
    }
}

static void on_wake(uv_async_t *wake)
{
    run_tasks(wake->data);
}

/* Under the lock. */
static void append_task(struct hyp_loop *loop, struct hyp_task *task)
{
    task->next = NULL;
    task->posted = true;
    if (loop->last == NULL) {
        loop->first = task;
    } else {
        loop->last->next = task;
    }
    loop->last = task;
    if (uv_is_closing((uv_handle_t *)&loop->wake) == 0) {
        uv_async_send(&loop->wake);
    }
}

void hyp_loop_post(struct hyp_loop *loop, struct hyp_task *task)
{
    pthread_mutex_lock(&loop->lock);
    if (!task->posted) {
        append_task(loop, task);
    }
    pthread_mutex_unlock(&loop->lock);
}

struct call {
    struct hyp_task task;
    struct hyp_loop *loop;
    void (*function)(void *argument);
    void *argument;
    bool done; /* under the loop's lock */
};

static void run_call(struct hyp_task *task)
{
    struct call *call = HYP_CONTAINER_OF(task, struct call, task);
    struct hyp_loop *loop = call->loop;
    call->function(call->argument);
    pthread_mutex_lock(&loop->lock);
    call->done = true;
    pthread_cond_broadcast(&loop->answered);
    pthread_mutex_unlock(&loop->lock);
}

void hyp_loop_call(struct hyp_loop *loop, void (*function)(void *argument), void *argument)
{
    pthread_mutex_lock(&loop->lock);
    if (!loop->running || pthread_equal(loop->thread, pthread_self()) != 0) {
        pthread_mutex_unlock(&loop->lock);
        function(argument);
        return;
    }
    struct call call = {
        .task = {.run = run_call}, .loop = loop, .function = function, .argument = argument};
    append_task(loop, &call.task);
    while (!call.done) {
        pthread_cond_wait(&loop->answered, &loop->lock);
    }
    pthread_mutex_unlock(&loop->lock);
}

/* --- life --- */

/* Closes what is open; a handle that libuv has is closed by a turn of the loop. */
static void close_half_built(struct hyp_loop *loop)
{
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
    free(loop->scratch);
}

enum hyp_status hyp_loop_init(struct hyp_loop *loop, const struct hyp_clock *clock,
                              struct hyp_error *err)
{
    *loop = (struct hyp_loop){.clock = clock};
    loop->scratch = malloc(HYP_LIMIT_LINK_BUFFER);
    if (loop->scratch == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for the event loop");
    }
    int rc = uv_loop_init(&loop->uv);
    if (rc != 0) {
        free(loop->scratch);
        return hyp_error_set_code(err, HYP_IO, HYP_ERROR_UV, rc,
                                  "cannot create the event loop: %s", uv_strerror(rc));
    }
    rc = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (rc != 0) {
        uv_loop_close(&loop->uv);
        free(loop->scratch);
        return hyp_error_set_code(err, HYP_IO, HYP_ERROR_UV, rc,
                                  "cannot create the event loop's wake-up: %s",
                                  uv_strerror(rc));
    }
    enum hyp_status status = hyp_sockets_init(&loop->sockets, &loop->uv, err);
    if (status != HYP_OK) {
        close_half_built(loop);
        return status;
    }
    uv_timer_init(&loop->uv, &loop->alarm);
    loop->wake.data = loop;
    loop->alarm.data = loop;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->answered, NULL);
    return HYP_OK;
}

void hyp_loop_finish(struct hyp_loop *loop)
{
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0); /* a handle that is still open is a leak of ours */
    (void)rc;
    pthread_mutex_destroy(&loop->lock);
    pthread_cond_destroy(&loop->answered);
    hyp_sockets_finish(&loop->sockets);
    free(loop->heap);
    free(loop->scratch);
    loop->heap = NULL;
    loop->scratch = NULL;
}

static void *run_thread(void *argument)
{
    struct hyp_loop *loop = argument;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    /* Calls that arrived while the wake-up was closing still get their answer. */
    pthread_mutex_lock(&loop->lock);
    loop->running = false;
    pthread_mutex_unlock(&loop->lock);
    run_tasks(loop);
    return NULL;
}

enum hyp_status hyp_loop_start(struct hyp_loop *loop, struct hyp_error *err)
{
    pthread_mutex_lock(&loop->lock);
    int rc = pthread_create(&loop->thread, NULL, run_thread, loop);
    loop->running = rc == 0;
    pthread_mutex_unlock(&loop->lock);
    if (rc != 0) {
        return hyp_error_set_code(err, HYP_IO, HYP_ERROR_ERRNO, rc,
                                  "cannot start the collector's thread");
    }
    return HYP_OK;
}

void hyp_loop_end(struct hyp_loop *loop)
{
    if (uv_is_closing((uv_handle_t *)&loop->alarm) == 0) {
        uv_close((uv_handle_t *)&loop->alarm, NULL);
        hyp_sockets_end(&loop->sockets);
        pthread_mutex_lock(&loop->lock);
        uv_close((uv_handle_t *)&loop->wake, NULL);
        pthread_mutex_unlock(&loop->lock);
    }
}

void hyp_loop_join(struct hyp_loop *loop)
{
    if (loop->thread != 0) {
        pthread_join(loop->thread, NULL);
        loop->thread = 0;
    } else {
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
}

void hyp_loop_step(struct hyp_loop *loop, bool block)
{
    bool fired = fire_due(loop);
    set_alarm(loop);
    uv_run(&loop->uv, block && !fired ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    (void)fire_due(loop);
}
