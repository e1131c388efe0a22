/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch goes round: free -> open (being filled) -> waiting -> with the sink -> free.
 *
 * When the sink has nothing of ours, the open batch leaves at the next turn of the loop; while
 * one is being committed the next one fills. So a single reading is committed at once and a
 * flood in large groups, without a time to tune.
 *
 * A sink that is done before submit returns (a memory, a test) is served without a turn of the
 * loop in between, and with batches small enough to stay in the processor's cache: what has
 * just been decoded is read again at once, and the same memory serves the next ones.
 *
 * The sink may say "busy" (its queue is full) or report later that nothing was kept (disk full,
 * disk broken). In both cases the batch stays ours and is offered again.
 */
#include "collect/outbox_batch.h"

#define BUSY_PAUSE_MS 20
#define FAILED_PAUSE_MS 1000
#define REST_MS 1000

static void push_waiting(struct hyp_outbox *outbox, struct hyp_outbox_batch *batch, bool front)
{
    struct hyp_outbox_batch **place = &outbox->waiting;
    while (!front && *place != NULL) {
        place = &(*place)->next;
    }
    batch->next = *place;
    *place = batch;
    outbox->wait_count++;
}

static void close_open(struct hyp_outbox *outbox)
{
    if (outbox->open != NULL && !hyp_outbox_batch_is_empty(outbox->open)) {
        push_waiting(outbox, outbox->open, false);
        outbox->open = NULL;
    }
}

/* Damage too can be mended while the server runs: an index that is built again, a page that is
 * restored (hyp_store_sink says what is to be sent again). */
static bool may_pass(enum hyp_status status)
{
    return status == HYP_BUSY || status == HYP_IO || status == HYP_FULL ||
           status == HYP_NO_MEMORY || status == HYP_CORRUPT;
}

static void note_loss(struct hyp_outbox *outbox, const struct hyp_outbox_batch *batch)
{
    for (struct hyp_outbox_waiter *at = outbox->waiters; at != NULL; at = at->next) {
        if (batch->number <= at->until) {
            at->status = batch->status;
        }
    }
}

/* The batch's way ends: whoever waits is told, its memory is used again. */
static void settle(struct hyp_outbox *outbox, struct hyp_outbox_batch *batch)
{
    if (batch->status != HYP_OK) {
        outbox->lost += batch->view.reading_count;
        hyp_log_event(outbox->log, HYP_LOG_ERROR, "outbox.refused",
                      "readings=%zu status=%s what=\"given up\"", batch->view.reading_count,
                      hyp_status_name(batch->status));
        note_loss(outbox, batch);
    }
    for (size_t i = 0; i < batch->ticket_count; i++) {
        outbox->committed(outbox->user, &batch->tickets[i], batch->status);
    }
    if (outbox->free_count >= HYP_LIMIT_OUTBOX_SPARE) {
        hyp_outbox_batch_destroy(batch);
        return;
    }
    hyp_outbox_batch_reset(batch);
    batch->next = outbox->free;
    outbox->free = batch;
    outbox->free_count++;
}

/* Called by the sink, from its thread or from within submit. */
static void on_done(void *user, enum hyp_status status)
{
    struct hyp_outbox_batch *batch = user;
    struct hyp_outbox *outbox = batch->outbox;
    batch->status = status;
    pthread_mutex_lock(&outbox->loop->lock);
    /* Who waits for a commit must not be told in the midst of what he is doing. */
    bool at_once = batch->in_submit && batch->ticket_count == 0;
    batch->done_at_once = at_once;
    if (!at_once) {
        batch->next = outbox->done;
        outbox->done = batch;
    }
    pthread_mutex_unlock(&outbox->loop->lock);
    if (!at_once) {
        hyp_loop_post(outbox->loop, &outbox->arrived);
    }
}

/* Remembers, or forgets, that the sink has the batch. */
static void swap_number(struct hyp_outbox *outbox, uint64_t from, uint64_t to)
{
    size_t place = 0;
    while (outbox->with_sink[place] != from) {
        place++;
    }
    outbox->with_sink[place] = to;
}

static void pause_offers(struct hyp_outbox *outbox, int64_t ms)
{
    hyp_mono now = hyp_loop_now(outbox->loop);
    outbox->paused = true;
    hyp_timer_arm(outbox->loop, &outbox->timer, (hyp_mono){now.ms + ms});
}

/* Those who wait are told at the next turn, not in the midst of what a producer does. */
static void wake_for_waiters(struct hyp_outbox *outbox)
{
    if (outbox->waiters != NULL && !hyp_timer_is_armed(&outbox->timer)) {
        pause_offers(outbox, 0);
    }
}

/* Hands a batch over; *ret_done when the sink is done with it already, as batch->status says.
 */
static enum hyp_status submit(struct hyp_outbox *outbox, struct hyp_outbox_batch *batch,
                              bool *ret_done)
{
    batch->in_submit = true; /* nobody else knows the batch yet */
    batch->done_at_once = false;
    enum hyp_status status = outbox->sink->submit(outbox->sink, &batch->view, on_done, batch);
    pthread_mutex_lock(&outbox->loop->lock);
    batch->in_submit = false;
    *ret_done = batch->done_at_once;
    pthread_mutex_unlock(&outbox->loop->lock);
    return status;
}

static void offer(struct hyp_outbox *outbox)
{
    while (outbox->waiting != NULL && outbox->submitted < HYP_LIMIT_OUTBOX_SUBMITTED) {
        struct hyp_outbox_batch *batch = outbox->waiting;
        outbox->waiting = batch->next;
        outbox->wait_count--;
        outbox->submitted++;
        swap_number(outbox, 0, batch->number);
        bool done = false;
        enum hyp_status status = submit(outbox, batch, &done);
        if (status == HYP_OK && !done) {
            continue;
        }
        outbox->submitted--;
        swap_number(outbox, batch->number, 0);
        bool failed_later = status == HYP_OK;
        status = failed_later ? batch->status : status;
        batch->status = status;
        if (!may_pass(status) || outbox->abandoned) {
            settle(outbox, batch);
            wake_for_waiters(outbox);
            continue;
        }
        push_waiting(outbox, batch, true);
        pause_offers(outbox, failed_later ? FAILED_PAUSE_MS : BUSY_PAUSE_MS);
        return;
    }
}

static struct hyp_outbox_batch *take_done(struct hyp_outbox *outbox)
{
    pthread_mutex_lock(&outbox->loop->lock);
    struct hyp_outbox_batch *list = outbox->done;
    outbox->done = NULL;
    pthread_mutex_unlock(&outbox->loop->lock);
    struct hyp_outbox_batch *oldest_first = NULL;
    while (list != NULL) {
        struct hyp_outbox_batch *next = list->next;
        list->next = oldest_first;
        oldest_first = list;
        list = next;
    }
    return oldest_first;
}

/* --- those who wait --- */

static bool is_under_way(const struct hyp_outbox *outbox, uint64_t until)
{
    if (outbox->open != NULL && !hyp_outbox_batch_is_empty(outbox->open) &&
        outbox->open->number <= until) {
        return true;
    }
    for (const struct hyp_outbox_batch *at = outbox->waiting; at != NULL; at = at->next) {
        if (at->number <= until) {
            return true;
        }
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(outbox->with_sink); i++) {
        if (outbox->with_sink[i] != 0 && outbox->with_sink[i] <= until) {
            return true;
        }
    }
    return false;
}

static void tell_waiters(struct hyp_outbox *outbox)
{
    struct hyp_outbox_waiter **at = &outbox->waiters;
    while (*at != NULL) {
        struct hyp_outbox_waiter *waiter = *at;
        if (is_under_way(outbox, waiter->until)) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        waiter->waiting = false;
        waiter->settled(waiter, waiter->status);
        at = &outbox->waiters; /* whoever was told may have changed the list */
    }
}

void hyp_outbox_wait(struct hyp_outbox *outbox, struct hyp_outbox_waiter *waiter)
{
    bool nothing_new = outbox->open != NULL && hyp_outbox_batch_is_empty(outbox->open);
    waiter->until = outbox->last_number - (nothing_new ? 1 : 0);
    if (!waiter->waiting) {
        waiter->waiting = true;
        waiter->status = HYP_OK;
        waiter->next = outbox->waiters;
        outbox->waiters = waiter;
    }
    if (!is_under_way(outbox, waiter->until)) {
        wake_for_waiters(outbox);
    }
}

void hyp_outbox_forget(struct hyp_outbox *outbox, struct hyp_outbox_waiter *waiter)
{
    struct hyp_outbox_waiter **at = &outbox->waiters;
    while (*at != NULL && *at != waiter) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = waiter->next;
    }
    waiter->waiting = false;
}

static void tell(struct hyp_outbox *outbox, bool was_full)
{
    tell_waiters(outbox);
    if (was_full && !hyp_outbox_is_full(outbox)) {
        outbox->room(outbox->user);
    }
    if (hyp_outbox_is_empty(outbox)) {
        hyp_mono now = hyp_loop_now(outbox->loop);
        hyp_timer_arm(outbox->loop, &outbox->rest, (hyp_mono){now.ms + REST_MS});
        outbox->emptied(outbox->user);
    }
}

static void on_arrived(struct hyp_task *task)
{
    struct hyp_outbox *outbox = HYP_CONTAINER_OF(task, struct hyp_outbox, arrived);
    bool was_full = hyp_outbox_is_full(outbox);
    bool pause = false;
    for (struct hyp_outbox_batch *batch = take_done(outbox); batch != NULL;) {
        struct hyp_outbox_batch *next = batch->next;
        outbox->submitted--;
        swap_number(outbox, batch->number, 0);
        if (batch->status != HYP_OK && may_pass(batch->status) && !outbox->abandoned) {
            push_waiting(outbox, batch, true);
            pause = true;
        } else {
            settle(outbox, batch);
        }
        batch = next;
    }
    if (pause) {
        pause_offers(outbox, FAILED_PAUSE_MS);
        tell_waiters(outbox);
        return;
    }
    if (outbox->submitted == 0) {
        close_open(outbox);
    }
    offer(outbox);
    tell(outbox, was_full);
}

static void on_timer(struct hyp_timer *timer)
{
    struct hyp_outbox *outbox = HYP_CONTAINER_OF(timer, struct hyp_outbox, timer);
    bool was_full = hyp_outbox_is_full(outbox);
    outbox->paused = false;
    if (outbox->submitted == 0) {
        close_open(outbox);
    }
    offer(outbox);
    tell(outbox, was_full);
}

static void on_rest(struct hyp_timer *timer)
{
    struct hyp_outbox *outbox = HYP_CONTAINER_OF(timer, struct hyp_outbox, rest);
    if (!hyp_outbox_is_empty(outbox)) {
        return; /* it will be again */
    }
    outbox->open = hyp_outbox_batch_destroy(outbox->open);
    hyp_outbox_batch_destroy_all(outbox->free);
    outbox->free = NULL;
    outbox->free_count = 0;
    outbox->rested(outbox->user);
}

enum hyp_status hyp_outbox_init(struct hyp_outbox *outbox, struct hyp_loop *loop,
                                struct hyp_sink *sink, struct hyp_log *log)
{
    *outbox = (struct hyp_outbox){.loop = loop, .sink = sink, .log = log};
    outbox->arrived.run = on_arrived;
    enum hyp_status status = hyp_timer_add(loop, &outbox->timer, on_timer);
    return status == HYP_OK ? hyp_timer_add(loop, &outbox->rest, on_rest) : status;
}

void hyp_outbox_finish(struct hyp_outbox *outbox)
{
    if (outbox->loop == NULL) {
        return;
    }
    hyp_timer_remove(outbox->loop, &outbox->timer);
    hyp_timer_remove(outbox->loop, &outbox->rest);
    outbox->open = hyp_outbox_batch_destroy(outbox->open);
    hyp_outbox_batch_destroy_all(outbox->waiting);
    hyp_outbox_batch_destroy_all(outbox->free);
    *outbox = (struct hyp_outbox){0};
}

bool hyp_outbox_is_full(const struct hyp_outbox *outbox)
{
    return outbox->wait_count >= HYP_LIMIT_OUTBOX_BATCHES;
}

bool hyp_outbox_is_empty(const struct hyp_outbox *outbox)
{
    return outbox->wait_count == 0 && outbox->submitted == 0 &&
           (outbox->open == NULL || hyp_outbox_batch_is_empty(outbox->open));
}

static struct hyp_outbox_batch *open_batch(struct hyp_outbox *outbox)
{
    if (outbox->open == NULL) {
        outbox->open = outbox->free;
        if (outbox->open != NULL) {
            outbox->free = outbox->open->next;
            outbox->free_count--;
            outbox->open->next = NULL;
        } else {
            outbox->open = hyp_outbox_batch_create(outbox);
        }
        if (outbox->open != NULL) {
            outbox->open->number = ++outbox->last_number;
        }
    }
    return outbox->open;
}

struct hyp_arena *hyp_outbox_arena(struct hyp_outbox *outbox)
{
    if (outbox->open != NULL && hyp_outbox_batch_is_large(outbox->open)) {
        close_open(outbox);
        if (!outbox->paused) {
            offer(outbox);
        }
    }
    struct hyp_outbox_batch *batch = open_batch(outbox);
    return batch == NULL ? NULL : &batch->arena;
}

/* Something is in the open batch: it leaves at the next turn, or when the sink is done. */
static void leave_soon(struct hyp_outbox *outbox)
{
    if (outbox->submitted == 0 && !hyp_timer_is_armed(&outbox->timer)) {
        hyp_timer_arm(outbox->loop, &outbox->timer, hyp_loop_now(outbox->loop));
    }
}

enum hyp_status hyp_outbox_add_frame(struct hyp_outbox *outbox,
                                     const struct hyp_raw_frame *frame, size_t *ret_index)
{
    struct hyp_outbox_batch *batch = open_batch(outbox);
    enum hyp_status status =
        batch == NULL ? HYP_NO_MEMORY : hyp_outbox_batch_add_frame(batch, frame, ret_index);
    if (status == HYP_OK) {
        leave_soon(outbox);
    }
    return status;
}

enum hyp_status hyp_outbox_add_reading(struct hyp_outbox *outbox,
                                       const struct hyp_reading *reading,
                                       const struct hyp_ticket *ticket)
{
    struct hyp_outbox_batch *batch = open_batch(outbox);
    enum hyp_status status =
        batch == NULL ? HYP_NO_MEMORY : hyp_outbox_batch_add_reading(batch, reading, ticket);
    if (status == HYP_OK) {
        leave_soon(outbox);
    }
    return status;
}

void hyp_outbox_flush(struct hyp_outbox *outbox)
{
    close_open(outbox);
    if (!outbox->paused) {
        offer(outbox);
    }
}

void hyp_outbox_abandon(struct hyp_outbox *outbox)
{
    outbox->abandoned = true;
    hyp_timer_disarm(outbox->loop, &outbox->timer);
    close_open(outbox);
    while (outbox->waiting != NULL) {
        struct hyp_outbox_batch *batch = outbox->waiting;
        outbox->waiting = batch->next;
        outbox->wait_count--;
        batch->status = batch->status == HYP_OK ? HYP_CANCELLED : batch->status;
        settle(outbox, batch);
    }
}
