/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the intake tells of what was committed, here and by other members.
 */
#include "store/intake.h"

#include "store/historian.h"

#include <errno.h>
#include <string.h>

static size_t copy_observers(struct hyp_intake *intake,
                             struct hyp_store_observer observers[static HYP_LIMIT_OBSERVERS])
{
    pthread_mutex_lock(&intake->mutex);
    size_t count = intake->observer_count;
    memcpy(observers, intake->observers, count * sizeof(*observers));
    pthread_mutex_unlock(&intake->mutex);
    return count;
}

/* Values of a row as observers see them. Returns how many: 0 when the device is gone. */
static size_t observed_values(struct hyp_intake *intake, const struct hyp_planned_row *planned,
                              const struct hyp_cell *cells, struct hyp_stored_value *values)
{
    struct hyp_historian *historian = intake->store->historian;
    size_t count = 0;
    pthread_rwlock_rdlock(&historian->lock);
    const struct hyp_series *series = hyp_historian_find(historian, planned->device);
    for (; series != NULL && count < planned->row.cells; count++) {
        const struct hyp_cell *cell = &cells[planned->first_cell + count];
        hyp_historian_value(historian, &series->columns[cell->column], cell, planned->row.time,
                            planned->row.source, &values[count]);
    }
    pthread_rwlock_unlock(&historian->lock);
    return count;
}

static void tell_rows(struct hyp_intake *intake, const struct hyp_planned_row *rows,
                      size_t row_count, const struct hyp_cell *cells)
{
    struct hyp_store_observer observers[HYP_LIMIT_OBSERVERS];
    size_t observer_count = row_count == 0 ? 0 : copy_observers(intake, observers);
    struct hyp_stored_value values[HYP_LIMIT_READING_VALUES];
    for (size_t i = 0; i < row_count && observer_count > 0; i++) {
        size_t count = observed_values(intake, &rows[i], cells, values);
        for (size_t o = 0; o < observer_count && count > 0; o++) {
            observers[o].committed(observers[o].user, rows[i].device,
                                   (hyp_utc){.ms = rows[i].row.time}, values, count);
        }
    }
}

void hyp_intake_tell(struct hyp_intake *intake)
{
    tell_rows(intake, intake->plan.rows, intake->plan.applied, intake->plan.cells);
}

/* --- of others --- */

static void tell_changes(struct hyp_intake *intake, const struct hyp_store_changes *changes)
{
    bool any = changes->all || changes->id_count > 0 || changes->access || changes->tenant ||
               changes->keys || changes->orders;
    struct hyp_store_observer observers[HYP_LIMIT_OBSERVERS];
    size_t count = any ? copy_observers(intake, observers) : 0;
    for (size_t i = 0; i < count; i++) {
        if (observers[i].changed != NULL) {
            observers[i].changed(observers[i].user, changes);
        }
    }
}

/* The plant first: who is told of a reading should know its device. */
static void tell_of_others(struct hyp_intake *intake)
{
    struct hyp_store_changes changes;
    hyp_follow_take_told(intake->store, &intake->told, &changes);
    tell_changes(intake, &changes);
    tell_rows(intake, intake->told.rows, intake->told.row_count, intake->told.cells);
}

static int64_t mono_ms(void)
{
    /* The machine's clock: a condition variable knows no other. */
    return hyp_clock_mono(hyp_clock_system()).ms;
}

static void note_poll(struct hyp_intake *intake, enum hyp_status status)
{
    if (status == intake->last_poll) {
        return;
    }
    intake->last_poll = status;
    hyp_log_event(intake->store->log, status == HYP_OK ? HYP_LOG_INFO : HYP_LOG_WARNING,
                  "member.follow", "member=%s status=%s", intake->store->member,
                  hyp_status_name(status));
}

/* Alone there is nothing to follow but a commit that was given up. Care waits until it is known
 * what became of it. */
static bool settle(struct hyp_intake *intake)
{
    struct hyp_store *store = intake->store;
    if (hyp_follow_is_unsure(store) && mono_ms() >= intake->next_poll_ms) {
        /* Not known yet, it is asked again. */
        HYP_IGNORE(hyp_store_catch_up(store));
        intake->next_poll_ms = mono_ms() + HYP_LIMIT_DATABASE_PAUSE_MS;
    }
    if (hyp_follow_is_news(store)) {
        tell_of_others(intake);
    }
    return !hyp_follow_is_unsure(store);
}

bool hyp_intake_follow(struct hyp_intake *intake, bool due)
{
    struct hyp_store *store = intake->store;
    if (store->member == NULL) {
        return settle(intake);
    }
    int64_t now = mono_ms();
    if (now >= intake->next_poll_ms) {
        note_poll(intake, hyp_follow_poll(store));
        intake->next_poll_ms = mono_ms() + HYP_LIMIT_MEMBER_POLL_MS;
    }
    tell_of_others(intake);
    bool news = hyp_follow_is_news(store);
    return hyp_follow_has_care(store) && (due || news);
}

bool hyp_intake_wait(struct hyp_intake *intake)
{
    if (intake->store->member == NULL && !hyp_follow_is_unsure(intake->store)) {
        pthread_cond_wait(&intake->wake, &intake->mutex);
        return true;
    }
    struct timespec until = {.tv_sec = intake->next_poll_ms / 1000,
                             .tv_nsec = intake->next_poll_ms % 1000 * 1000000};
    return pthread_cond_timedwait(&intake->wake, &intake->mutex, &until) != ETIMEDOUT;
}

void hyp_intake_init_wake(struct hyp_intake *intake)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&intake->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}
