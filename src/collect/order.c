/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/order.h"

#include "base/limits.h"
#include "collect/intake.h"

#include <stdlib.h>
#include <string.h>

void hyp_orders_init(struct hyp_orders *orders, const struct hyp_clock *clock,
                     const struct hyp_collect_observer *observer)
{
    *orders = (struct hyp_orders){.clock = clock, .observer = observer};
    hyp_map_init(&orders->by_id);
}

static void drop_results(struct hyp_orders *orders, struct hyp_order *order)
{
    if (order->values != NULL) {
        orders->results--;
        order->values = NULL;
        order->value_count = 0;
    }
    hyp_arena_finish(&order->arena);
}

static void destroy(struct hyp_orders *orders, struct hyp_order *order)
{
    *(order->newer == NULL ? &orders->newest : &order->newer->older) = order->older;
    *(order->older == NULL ? &orders->oldest : &order->older->newer) = order->newer;
    hyp_map_remove(&orders->by_id, order->job.id.id);
    drop_results(orders, order);
    if (order->probe != NULL) {
        hyp_station_finish(order->probe);
        free(order->probe);
    }
    free(order->found);
    free(order);
    orders->count--;
}

void hyp_orders_finish(struct hyp_orders *orders)
{
    while (orders->newest != NULL) {
        destroy(orders, orders->newest);
    }
    hyp_map_finish(&orders->by_id);
}

bool hyp_order_is_finished(const struct hyp_order *order)
{
    enum hyp_job_state state = order->job.state;
    return state == HYP_JOB_DONE || state == HYP_JOB_DONE_WITH_ERRORS || state == HYP_JOB_ERROR;
}

static bool make_room(struct hyp_orders *orders)
{
    if (orders->count < HYP_LIMIT_JOBS) {
        return true;
    }
    for (struct hyp_order *order = orders->oldest; order != NULL; order = order->newer) {
        if (hyp_order_is_finished(order)) {
            destroy(orders, order);
            return true;
        }
    }
    return false;
}

static struct hyp_order *allocate(struct hyp_orders *orders, uint64_t id)
{
    struct hyp_order *order = calloc(1, sizeof(*order));
    if (order != NULL &&
        hyp_map_set(&orders->by_id, id, (uint64_t)(uintptr_t)order) != HYP_OK) {
        free(order);
        order = NULL;
    }
    return order;
}

enum hyp_status hyp_order_create(struct hyp_orders *orders, const struct hyp_job *job,
                                 struct hyp_order **ret_order, struct hyp_error *err)
{
    if (!make_room(orders)) {
        return hyp_error_set(err, HYP_LIMIT, -1, "too many jobs are waiting: try later");
    }
    struct hyp_order *order = allocate(orders, orders->last_id + 1);
    if (order == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1,
                             "there is not enough memory for the job: try later");
    }
    hyp_utc now = hyp_clock_utc(orders->clock);
    order->job = *job;
    order->job.id.id = ++orders->last_id;
    order->job.state = HYP_JOB_WAITING;
    order->job.created = now;
    order->job.changed = now;
    hyp_arena_init(&order->arena, HYP_LIMIT_OUTBOX_BATCH_BYTES);
    order->older = orders->newest;
    *(orders->newest == NULL ? &orders->oldest : &orders->newest->newer) = order;
    orders->newest = order;
    orders->count++;
    *ret_order = order;
    return HYP_OK;
}

struct hyp_order *hyp_orders_find(const struct hyp_orders *orders, hyp_job_id id)
{
    uint64_t value = 0;
    return hyp_map_get(&orders->by_id, id.id, &value) ? (struct hyp_order *)(uintptr_t)value
                                                      : NULL;
}

static void changed(struct hyp_orders *orders, struct hyp_order *order)
{
    order->job.changed = hyp_clock_utc(orders->clock);
    if (orders->observer->job != NULL) {
        orders->observer->job(orders->observer->user, &order->job);
    }
}

void hyp_order_progress(struct hyp_orders *orders, struct hyp_order *order,
                        enum hyp_job_state state)
{
    if (order->job.state != state && !hyp_order_is_finished(order)) {
        order->job.state = state;
        changed(orders, order);
    }
}

/* Values of old tests are dropped; their job stays in the history. */
static void limit_results(struct hyp_orders *orders)
{
    for (struct hyp_order *order = orders->oldest;
         order != NULL && orders->results > HYP_LIMIT_JOB_RESULTS; order = order->newer) {
        if (hyp_order_is_finished(order)) {
            drop_results(orders, order);
        }
    }
}

static enum hyp_job_state final_state(const struct hyp_order *order)
{
    const struct hyp_job *job = &order->job;
    if (job->failed == 0) {
        return order->with_errors ? HYP_JOB_DONE_WITH_ERRORS : HYP_JOB_DONE;
    }
    return job->done == 0 ? HYP_JOB_ERROR : HYP_JOB_DONE_WITH_ERRORS;
}

static void note_text(struct hyp_job *job, const char *text)
{
    if (text != NULL && job->text[0] == '\0') {
        hyp_text_copy(job->text, sizeof(job->text), hyp_str_from(text));
    }
}

void hyp_order_note_partial(struct hyp_order *order, bool partial, const char *text)
{
    if (partial) {
        order->with_errors = true;
        note_text(&order->job, text);
    }
}

void hyp_order_item_ended(struct hyp_orders *orders, struct hyp_order *order,
                          enum hyp_status status, bool partial, const char *text)
{
    struct hyp_job *job = &order->job;
    if (hyp_order_is_finished(order)) {
        return;
    }
    if (status != HYP_OK || partial) {
        note_text(job, text);
    }
    if (job->kind == HYP_JOB_SCAN) {
        /* `done` counts addresses here; what was found before a failure is still good. */
        job->state = status == HYP_OK ? HYP_JOB_DONE
                     : job->found > 0 ? HYP_JOB_DONE_WITH_ERRORS
                                      : HYP_JOB_ERROR;
        changed(orders, order);
        return;
    }
    if (status == HYP_OK) {
        job->done++;
        order->with_errors = order->with_errors || partial;
    } else {
        job->failed++;
    }
    if (job->done + job->failed >= job->total) {
        job->state = final_state(order);
        limit_results(orders);
    }
    changed(orders, order);
}

void hyp_order_tested(struct hyp_orders *orders, struct hyp_order *order,
                      const struct hyp_arrived *arrived, const struct hyp_profile *profile)
{
    size_t size = arrived->value_count * sizeof(*order->values);
    order->values = hyp_arena_alloc(&order->arena, size);
    if (order->values == NULL) {
        return;
    }
    memcpy(order->values, arrived->values, size);
    order->value_count = arrived->value_count;
    order->meter = arrived->meter;
    orders->results++;
    if (profile != NULL) {
        hyp_text_copy(order->profile, sizeof(order->profile),
                      hyp_str_from(hyp_profile_info(profile)->name));
    }
}

void hyp_order_found(struct hyp_orders *orders, struct hyp_order *order,
                     const struct hyp_found_device *found)
{
    if (order->job.found == HYP_LIMIT_JOB_FOUND) {
        return;
    }
    if ((order->job.found & (order->job.found - 1)) == 0) {
        size_t capacity = order->job.found == 0 ? 1 : order->job.found * 2u;
        struct hyp_found_device *grown = realloc(order->found, capacity * sizeof(*grown));
        if (grown == NULL) {
            return;
        }
        order->found = grown;
    }
    order->found[order->job.found++] = *found;
    if (orders->observer->found != NULL) {
        orders->observer->found(orders->observer->user, found);
    }
    changed(orders, order);
}

void hyp_order_scanned(struct hyp_orders *orders, struct hyp_order *order, uint32_t done)
{
    if (done != order->job.done && !hyp_order_is_finished(order)) {
        order->job.done = done;
        changed(orders, order);
    }
}
