/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loop: the one thread of the collector, its deadlines and its door for other threads.
 *
 * A libuv loop with two additions: timers that follow the injected clock (so that a test moves
 * time by hand), and calls from other threads, which run on the loop thread one after the
 * other. Everything else in this room is used on the loop thread only.
 */
#ifndef HYP_COLLECT_LOOP_H
#define HYP_COLLECT_LOOP_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/status.h"
#include "collect/sockets.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/*
 * One deadline. Embedded in its owner; added once, armed and disarmed at will. There are two of
 * them for every device and a dozen kinds, so each has the number of what it calls.
 */
struct hyp_timer {
    int64_t due_ms; /* hyp_mono; INT64_MAX = not armed */
    int64_t key_ms; /* what the heap has it under: never later than it is due */
    uint32_t place; /* in the heap, from 1; 0 = not in it */
    uint16_t kind;  /* in hyp_loop.kinds, from 1; 0 = not added */
};

#define HYP_TIMER_KINDS_MAX 32

/* Work handed to the loop thread. Embedded in its owner, which lives until it has run. */
struct hyp_task {
    void (*run)(struct hyp_task *task);
    struct hyp_task *next;
    bool posted;
};

struct hyp_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t alarm;
    struct hyp_sockets sockets;
    const struct hyp_clock *clock;
    bool held; /* one event has one time; see hyp_loop_hold_time */
    hyp_mono held_mono;
    hyp_utc held_utc;
    void (*kinds[HYP_TIMER_KINDS_MAX])(struct hyp_timer *timer); /* what timers call */
    uint16_t kind_count;
    struct hyp_timer **heap; /* binary heap, earliest first */
    uint32_t armed;          /* timers in the heap */
    uint32_t added;
    uint32_t capacity;
    uint8_t *scratch; /* bytes just received; shared by all links, valid during one callback */
    pthread_mutex_t lock;
    pthread_cond_t answered;
    struct hyp_task *first; /* under lock */
    struct hyp_task *last;
    pthread_t thread;
    bool running; /* under lock: another thread runs the loop */
};

/* HYP_OK | NO_MEMORY | IO (the system gives no handles), with nothing to finish. @clock must
 * outlive the loop. */
HYP_MUST_USE enum hyp_status hyp_loop_init(struct hyp_loop *loop, const struct hyp_clock *clock,
                                           struct hyp_error *err);
/* After hyp_loop_end and a finished run. */
void hyp_loop_finish(struct hyp_loop *loop);
/* Starts the thread. HYP_OK | IO */
HYP_MUST_USE enum hyp_status hyp_loop_start(struct hyp_loop *loop, struct hyp_error *err);
/* Lets the run end once no link is open any more. Loop thread. */
void hyp_loop_end(struct hyp_loop *loop);
/* Waits for the thread, or runs the loop to its end in this thread if there is none. */
void hyp_loop_join(struct hyp_loop *loop);

/*
 * Runs function(argument) on the loop thread and waits for it. On the loop thread, or while no
 * thread runs the loop, at once. Context: any thread.
 */
void hyp_loop_call(struct hyp_loop *loop, void (*function)(void *argument), void *argument);
/* Hands over a task; at most once until it has run (more are ignored). Context: any thread. */
void hyp_loop_post(struct hyp_loop *loop, struct hyp_task *task);

/*
 * For tests, which run the loop in their own thread: fires what is due and takes the events
 * that are there; @block waits for at least one.
 */
void hyp_loop_step(struct hyp_loop *loop, bool block);

/*
 * From here to the release the loop's time stands still: a poll asks for it a dozen times, and
 * the clock is no small part of its price. Only around the handling of one event.
 */
static inline void hyp_loop_hold_time(struct hyp_loop *loop)
{
    loop->held_mono = hyp_clock_mono(loop->clock);
    loop->held_utc = hyp_clock_utc(loop->clock);
    loop->held = true;
}

static inline void hyp_loop_release_time(struct hyp_loop *loop)
{
    loop->held = false;
}

static inline hyp_mono hyp_loop_now(const struct hyp_loop *loop)
{
    return loop->held ? loop->held_mono : hyp_clock_mono(loop->clock);
}

static inline hyp_utc hyp_loop_utc(const struct hyp_loop *loop)
{
    return loop->held ? loop->held_utc : hyp_clock_utc(loop->clock);
}

/*
 * Makes room for one more timer, so that arming cannot fail. HYP_OK | NO_MEMORY
 * Limits  HYP_TIMER_KINDS_MAX different `fire` in a loop
 */
HYP_MUST_USE enum hyp_status hyp_timer_add(struct hyp_loop *loop, struct hyp_timer *timer,
                                           void (*fire)(struct hyp_timer *timer));
/* Before its owner goes; harmless for one that was never added. */
void hyp_timer_remove(struct hyp_loop *loop, struct hyp_timer *timer);
/* Moves the deadline; one in the past fires at the next turn. */
void hyp_timer_arm(struct hyp_loop *loop, struct hyp_timer *timer, hyp_mono due);
/* It does not fire until it is armed again. */
void hyp_timer_disarm(const struct hyp_loop *loop, struct hyp_timer *timer);

static inline bool hyp_timer_is_armed(const struct hyp_timer *timer)
{
    return timer->place != 0 && timer->due_ms != INT64_MAX;
}

#endif
