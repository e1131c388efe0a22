/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Things to do later: one heap and one timer for the whole simulator. Equal times keep the
 * order in which they were added. Loop thread.
 */
#ifndef SIM_AGENDA_H
#define SIM_AGENDA_H

#include "base/attr.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct sim_task {
    uint64_t due_ms; /* uv_now() */
    uint64_t order;
    void (*run)(void *owner, void *payload);
    void *owner;
    void *payload;
};

struct sim_agenda {
    uv_timer_t timer;
    struct sim_task *tasks; /* binary heap, earliest first */
    size_t count;
    size_t capacity;
    uint64_t added;
    bool finishing;
};

/* Returns HYP_OK | IO */
HYP_MUST_USE enum hyp_status sim_agenda_init(struct sim_agenda *agenda, uv_loop_t *loop);
/*
 * Runs what is left at once, so that payloads are freed by those who know them, refuses new
 * tasks, and closes the timer (the loop must run once more).
 */
void sim_agenda_finish(struct sim_agenda *agenda);

/*
 * Adds a task.
 * Returns   HYP_OK | NO_MEMORY | CANCELLED (being finished); the payload stays the caller's
 * then
 */
HYP_MUST_USE enum hyp_status sim_agenda_add(struct sim_agenda *agenda, uint64_t delay_ms,
                                            void (*run)(void *owner, void *payload),
                                            void *owner, void *payload);

#endif
