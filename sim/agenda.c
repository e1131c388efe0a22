/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/agenda.h"

#include <stdlib.h>

enum hyp_status sim_agenda_init(struct sim_agenda *agenda, uv_loop_t *loop)
{
    *agenda = (struct sim_agenda){0};
    agenda->timer.data = agenda;
    return uv_timer_init(loop, &agenda->timer) == 0 ? HYP_OK : HYP_IO;
}

static bool comes_before(const struct sim_task *a, const struct sim_task *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void swap(struct sim_task *a, struct sim_task *b)
{
    struct sim_task kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct sim_agenda *agenda, size_t at)
{
    struct sim_task *tasks = agenda->tasks;
    while (at > 0 && comes_before(&tasks[at], &tasks[(at - 1) / 2])) {
        swap(&tasks[at], &tasks[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct sim_agenda *agenda)
{
    struct sim_task *tasks = agenda->tasks;
    size_t at = 0;
    for (;;) {
        size_t first = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < agenda->count; child++) {
            if (comes_before(&tasks[child], &tasks[first])) {
                first = child;
            }
        }
        if (first == at) {
            return;
        }
        swap(&tasks[at], &tasks[first]);
        at = first;
    }
}

static struct sim_task take_first(struct sim_agenda *agenda)
{
    struct sim_task task = agenda->tasks[0];
    agenda->tasks[0] = agenda->tasks[--agenda->count];
    sift_down(agenda);
    return task;
}

void sim_agenda_finish(struct sim_agenda *agenda)
{
    agenda->finishing = true;
    while (agenda->count > 0) {
        struct sim_task task = take_first(agenda);
        task.run(task.owner, task.payload);
    }
    uv_close((uv_handle_t *)&agenda->timer, NULL);
    free(agenda->tasks);
    agenda->tasks = NULL;
    agenda->capacity = 0;
}

static void run_due(uv_timer_t *timer);

/* Arms the timer for the earliest task. Cannot fail: the callback is not NULL. */
static void arm(struct sim_agenda *agenda)
{
    if (agenda->count == 0) {
        uv_timer_stop(&agenda->timer);
        return;
    }
    uint64_t now = uv_now(agenda->timer.loop);
    uint64_t due = agenda->tasks[0].due_ms;
    uv_timer_start(&agenda->timer, run_due, due > now ? due - now : 0, 0);
}

static void run_due(uv_timer_t *timer)
{
    struct sim_agenda *agenda = timer->data;
    uint64_t now = uv_now(timer->loop);
    while (agenda->count > 0 && agenda->tasks[0].due_ms <= now) {
        struct sim_task task = take_first(agenda);
        task.run(task.owner, task.payload);
    }
    arm(agenda);
}

enum hyp_status sim_agenda_add(struct sim_agenda *agenda, uint64_t delay_ms,
                               void (*run)(void *owner, void *payload), void *owner,
                               void *payload)
{
    if (agenda->finishing) {
        return HYP_CANCELLED;
    }
    if (agenda->count == agenda->capacity) {
        size_t capacity = agenda->capacity == 0 ? 256 : agenda->capacity * 2;
        struct sim_task *tasks = realloc(agenda->tasks, capacity * sizeof(*tasks));
        if (tasks == NULL) {
            return HYP_NO_MEMORY;
        }
        agenda->tasks = tasks;
        agenda->capacity = capacity;
    }
    agenda->tasks[agenda->count] = (struct sim_task){
        .due_ms = uv_now(agenda->timer.loop) + delay_ms,
        .order = agenda->added++,
        .run = run,
        .owner = owner,
        .payload = payload,
    };
    sift_up(agenda, agenda->count++);
    arm(agenda);
    return HYP_OK;
}
