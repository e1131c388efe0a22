/* SPDX-License-Identifier: Apache-2.0 */
#include "service/passing.h"

#include "base/limits.h"
#include "service/inside.h"

#include <stdlib.h>

/* More orders than members can have passed on. */
#define LOOK_ARENA_MAX (16 * 1024 * 1024)
#define CANCELLED_TEXT "cancelled"

void hyp_passing_init(struct hyp_passing *passing)
{
    pthread_mutex_init(&passing->lock, NULL);
}

void hyp_passing_finish(struct hyp_passing *passing)
{
    pthread_mutex_destroy(&passing->lock);
}

static int64_t mono_ms(const struct hyp_service *service)
{
    return hyp_clock_mono(service->config.clock).ms;
}

static const char *own_name(const struct hyp_service *service)
{
    return hyp_store_member(service->config.store);
}

static bool is_same(const char *a, const char *b)
{
    return hyp_str_equal(hyp_str_from(a), hyp_str_from(b));
}

/* --- whose devices are asked where --- */

struct asked {
    hyp_device_id device;
    hyp_line_id line;
    size_t place; /* as it was asked for */
    bool elsewhere;
};

/* Here first, then line by line. */
static int compare_asked(const void *left, const void *right)
{
    const struct asked *a = left;
    const struct asked *b = right;
    if (a->elsewhere != b->elsewhere) {
        return a->elsewhere ? 1 : -1;
    }
    if (a->elsewhere && a->line.id != b->line.id) {
        return a->line.id < b->line.id ? -1 : 1;
    }
    return a->place < b->place ? -1 : a->place > b->place;
}

static int compare_lines(const void *left, const void *right)
{
    const struct asked *a = left;
    const struct asked *b = right;
    return a->line.id < b->line.id ? -1 : a->line.id > b->line.id;
}

/* Each line is asked for once. */
static enum hyp_status place_lines(struct hyp_service *service, hyp_tenant_id tenant,
                                   struct asked *list, size_t count, struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    struct hyp_error said;
    qsort(list, count, sizeof(*list), compare_lines);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || list[i].line.id != list[i - 1].line.id) {
            said = (struct hyp_error){.offset = -1};
            status = hyp_members_check_line(service, tenant, list[i].line, &said);
            if (status != HYP_OK && status != HYP_CONFLICT) {
                return hyp_error_set(err, status, -1, "%s", said.text);
            }
        }
        list[i].elsewhere = status == HYP_CONFLICT;
    }
    qsort(list, count, sizeof(*list), compare_asked);
    return HYP_OK;
}

static enum hyp_status place_devices(struct hyp_service *service, hyp_tenant_id tenant,
                                     const hyp_device_id *devices, size_t count,
                                     struct asked *list, struct hyp_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct hyp_device_view view;
        list[i] = (struct asked){.device = devices[i], .place = i};
        /* One that is removed meanwhile is the collector's to refuse. */
        if (hyp_directory_device(service->directory, tenant, devices[i],
                                 hyp_service_now(service), &view) == HYP_OK) {
            list[i].line = view.device.line;
        }
    }
    return place_lines(service, tenant, list, count, err);
}

/* --- passing on --- */

static void release_passed(struct hyp_service *service, struct hyp_passed *passed)
{
    pthread_mutex_lock(&service->passing.lock);
    *passed = (struct hyp_passed){.used = false};
    pthread_mutex_unlock(&service->passing.lock);
}

static struct hyp_passed *reserve_passed(struct hyp_service *service, uint32_t count)
{
    struct hyp_passed *found = NULL;
    pthread_mutex_lock(&service->passing.lock);
    for (size_t i = 0; found == NULL && i < HYP_LIMIT_MEMBER_ORDERS; i++) {
        if (!service->passing.passed[i].used) {
            found = &service->passing.passed[i];
            *found = (struct hyp_passed){.used = true, .count = count};
        }
    }
    pthread_mutex_unlock(&service->passing.lock);
    return found;
}

/* Devices of one line that go together, and their place among the orders that are passed on. */
struct part {
    const hyp_device_id *devices;
    size_t count;
    hyp_line_id line;
    struct hyp_passed *passed;
};

/* From now on they can be cancelled, although none of the orders is written. */
static void name_job(struct hyp_service *service, const struct part *parts, size_t count,
                     hyp_job_id job)
{
    pthread_mutex_lock(&service->passing.lock);
    for (size_t i = 0; i < count; i++) {
        parts[i].passed->job = job;
    }
    pthread_mutex_unlock(&service->passing.lock);
}

static bool is_cancelled(struct hyp_service *service, const struct hyp_passed *passed)
{
    pthread_mutex_lock(&service->passing.lock);
    bool cancelled = passed->cancelled;
    pthread_mutex_unlock(&service->passing.lock);
    return cancelled;
}

/* The devices of an order that was not written have failed. */
static void fail_part(struct hyp_service *service, struct hyp_collector *collector,
                      hyp_job_id job, const struct part *part, enum hyp_status status)
{
    struct hyp_passed_part failed = {.failed = part->passed->count};
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, failed.text, sizeof(failed.text));
    if (status == HYP_CANCELLED) {
        hyp_buf_append_text(&text, CANCELLED_TEXT);
    } else {
        hyp_buf_append_fmt(&text,
                           "the order could not be passed on to the server with the line: %s",
                           hyp_status_text(status));
    }
    hyp_buf_terminate(&text);
    release_passed(service, part->passed);
    hyp_collector_passed(collector, job, &failed);
}

static void pass_on(struct hyp_service *service, struct hyp_collector *collector,
                    const struct hyp_scope *scope, hyp_job_id job, const struct part *part)
{
    struct hyp_order_row order = {
        .tenant = hyp_scope_tenant(scope), .line = part->line, .user = hyp_scope_user(scope)};
    enum hyp_status status =
        is_cancelled(service, part->passed)
            ? HYP_CANCELLED
            : hyp_store_order_add(service->config.store, &order, part->devices, part->count);
    if (status == HYP_OK) {
        pthread_mutex_lock(&service->passing.lock);
        part->passed->order = order.id;
        part->passed->until_ms = mono_ms(service) + HYP_LIMIT_MEMBER_ORDER_MS;
        pthread_mutex_unlock(&service->passing.lock);
        return;
    }
    fail_part(service, collector, job, part, status);
}

/* What is asked elsewhere, in parts; each with its place. *parts is zeroed. */
static enum hyp_status make_parts(struct hyp_service *service, const struct asked *list,
                                  const hyp_device_id *devices, size_t count,
                                  struct part *parts, size_t *ret_count)
{
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && list[i].line.id == list[i - 1].line.id) {
            parts[made - 1].count++;
        } else if (made < HYP_LIMIT_MEMBER_ORDERS) {
            parts[made++] =
                (struct part){.devices = &devices[i], .count = 1, .line = list[i].line};
        } else {
            return HYP_LIMIT;
        }
    }
    *ret_count = made;
    bool whole = true;
    for (size_t i = 0; i < made && whole; i++) {
        parts[i].passed = reserve_passed(service, (uint32_t)parts[i].count);
        whole = parts[i].passed != NULL;
    }
    return whole ? HYP_OK : HYP_LIMIT;
}

static void release_parts(struct hyp_service *service, const struct part *parts)
{
    for (size_t i = 0; i < HYP_LIMIT_MEMBER_ORDERS; i++) {
        if (parts[i].passed != NULL) {
            release_passed(service, parts[i].passed);
        }
    }
}

static enum hyp_status begin(struct hyp_service *service, struct hyp_collector *collector,
                             const struct hyp_scope *scope, const struct asked *list,
                             const struct hyp_shared_read *read, hyp_job_id *ret_job,
                             struct hyp_error *err)
{
    struct part parts[HYP_LIMIT_MEMBER_ORDERS] = {0};
    size_t count = 0;
    enum hyp_status status = make_parts(service, list + read->here, read->devices + read->here,
                                        read->count - read->here, parts, &count);
    if (status != HYP_OK) {
        hyp_error_set(err, status, -1,
                      "%d orders are with other servers: wait for some to end.",
                      HYP_LIMIT_MEMBER_ORDERS);
    } else {
        status = hyp_collector_read_shared(collector, read, ret_job, err);
    }
    if (status != HYP_OK) {
        release_parts(service, parts);
        return status;
    }
    name_job(service, parts, count, *ret_job);
    for (size_t i = 0; i < count; i++) {
        pass_on(service, collector, scope, *ret_job, &parts[i]);
    }
    return HYP_OK;
}

enum hyp_status hyp_passing_read(struct hyp_service *service, const struct hyp_scope *scope,
                                 const hyp_device_id *devices, size_t count,
                                 hyp_job_id *ret_job, struct hyp_error *err)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    if (own_name(service) == NULL) {
        return hyp_collector_read(collector, devices, count, HYP_PRIORITY_MANUAL, ret_job, err);
    }
    struct asked *list = calloc(count, sizeof(*list));
    hyp_device_id *sorted = calloc(count, sizeof(*sorted));
    struct hyp_shared_read read = {.devices = sorted, .count = count};
    enum hyp_status status = HYP_NO_MEMORY;
    if (list != NULL && sorted != NULL) {
        status = place_devices(service, hyp_scope_tenant(scope), devices, count, list, err);
    }
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        sorted[i] = list[i].device;
        read.here += !list[i].elsewhere;
    }
    if (status == HYP_OK) {
        status = begin(service, collector, scope, list, &read, ret_job, err);
    }
    free(list);
    free(sorted);
    return status;
}

void hyp_passing_cancel(struct hyp_service *service, hyp_job_id job)
{
    int64_t orders[HYP_LIMIT_MEMBER_ORDERS];
    size_t count = 0;
    pthread_mutex_lock(&service->passing.lock);
    for (size_t i = 0; i < HYP_LIMIT_MEMBER_ORDERS; i++) {
        struct hyp_passed *passed = &service->passing.passed[i];
        if (passed->used && passed->job.id == job.id) {
            passed->cancelled = true;
            orders[count] = passed->order;
            count += passed->order != 0; /* else it is being written, and looked at behind */
        }
    }
    pthread_mutex_unlock(&service->passing.lock);
    for (size_t i = 0; i < count; i++) {
        /* What cannot be told now the keeper tells. */
        HYP_IGNORE(hyp_store_order_cancel(service->config.store, orders[i]));
    }
    if (count > 0) {
        hyp_passing_told(service);
    }
}

/* --- waking the keeper --- */

void hyp_passing_told(struct hyp_service *service)
{
    pthread_mutex_lock(&service->keeper_lock);
    service->orders_told = true;
    pthread_cond_signal(&service->keeper_wake);
    pthread_mutex_unlock(&service->keeper_lock);
}

static bool has_ended(enum hyp_job_state state)
{
    return state == HYP_JOB_DONE || state == HYP_JOB_DONE_WITH_ERRORS || state == HYP_JOB_ERROR;
}

void hyp_passing_job(struct hyp_service *service, const struct hyp_job *job)
{
    bool taken = false;
    if (own_name(service) == NULL || !has_ended(job->state)) {
        return; /* the keeper looks at the others from time to time */
    }
    pthread_mutex_lock(&service->passing.lock);
    for (size_t i = 0; !taken && i < HYP_LIMIT_MEMBER_ORDERS; i++) {
        const struct hyp_taken *one = &service->passing.taken[i];
        taken = one->used && one->job.id == job->id.id;
    }
    pthread_mutex_unlock(&service->passing.lock);
    if (taken) {
        hyp_passing_told(service);
    }
}

/* --- the keeper's look --- */

struct look {
    struct hyp_service *service;
    struct hyp_store *store;
    struct hyp_collector *collector;
    struct hyp_arena arena;
    bool ending; /* the service stops */
    bool takes;  /* the collector does not: what waits is for the next server with the line */
};

static void note_taken(const struct look *look, struct hyp_taken *taken,
                       const struct hyp_taken *what)
{
    pthread_mutex_lock(&look->service->passing.lock);
    *taken = *what;
    pthread_mutex_unlock(&look->service->passing.lock);
}

static struct hyp_taken *find_taken(const struct look *look, int64_t order)
{
    struct hyp_taken *found = NULL;
    for (size_t i = 0; found == NULL && i < HYP_LIMIT_MEMBER_ORDERS; i++) {
        struct hyp_taken *taken = &look->service->passing.taken[i];
        if (order == 0 ? !taken->used : taken->used && taken->order == order) {
            found = taken;
        }
    }
    return found;
}

/* Tells the job where it is further than the order says. */
static enum hyp_status tell_job(const struct look *look, struct hyp_order_row *order,
                                const struct hyp_job *job)
{
    bool ended = has_ended(job->state);
    if (order->ended == ended && order->state == job->state && order->done == job->done &&
        order->failed == job->failed) {
        return HYP_OK;
    }
    order->ended = ended;
    order->state = job->state;
    order->done = job->done;
    order->failed = job->failed;
    hyp_text_copy(order->text, sizeof(order->text), hyp_str_from(job->text));
    return hyp_store_order_tell(look->store, order);
}

static struct hyp_job make_end(const char *text)
{
    struct hyp_job end = {.state = HYP_JOB_ERROR};
    hyp_text_copy(end.text, sizeof(end.text), hyp_str_from(text));
    return end;
}

/* "the server "north"..." */
static struct hyp_job make_end_of(const char *member, const char *text)
{
    struct hyp_job end = {.state = HYP_JOB_ERROR};
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, end.text, sizeof(end.text));
    hyp_buf_append_fmt(&buf, "the server \"%s\"%s", member, text);
    hyp_buf_terminate(&buf);
    return end;
}

static void follow_taken(const struct look *look, struct hyp_taken *taken,
                         struct hyp_order_row *order)
{
    struct hyp_job job = taken->end;
    if (order->cancelled && !taken->cancelled && taken->job.id != 0) {
        taken->cancelled = true;
        /* It may have ended. */
        HYP_IGNORE(hyp_collector_cancel(look->collector, taken->job));
    }
    if (taken->job.id != 0 && hyp_collector_job(look->collector, taken->job, &job) != HYP_OK) {
        job = make_end_of(own_name(look->service), " does not know any more how it ended");
    }
    enum hyp_status status = tell_job(look, order, &job);
    if (status == HYP_NOT_FOUND || (status == HYP_OK && has_ended(job.state))) {
        note_taken(look, taken, &(struct hyp_taken){.used = false});
    }
}

/* What this server has taken, and does not know of, it has taken before it was started anew, or
 * in a commit whose outcome it did not hear: it may have been begun or not. */
static void disown(const struct look *look, struct hyp_order_row *order)
{
    const struct hyp_job end =
        make_end_of(own_name(look->service),
                    " was started anew, or lost its database, before the answer: ask again");
    HYP_IGNORE(tell_job(look, order, &end)); /* once more with the next look */
}

static bool are_devices_of(const struct look *look, hyp_tenant_id tenant,
                           const hyp_device_id *devices, size_t count)
{
    bool all = true;
    for (size_t i = 0; i < count && all; i++) {
        all = hyp_directory_has_device(look->service->directory, tenant, devices[i]);
    }
    return all;
}

static void take(struct look *look, struct hyp_order_row *order)
{
    struct hyp_service *service = look->service;
    struct hyp_taken *taken = find_taken(look, 0);
    hyp_device_id *devices;
    size_t count = 0;
    struct hyp_error err = {.offset = -1};
    if (taken == NULL ||
        hyp_store_order_take(look->store, order, &look->arena, &devices, &count) != HYP_OK) {
        return; /* with the next look, or by another one */
    }
    struct hyp_taken what = {.used = true, .listed = true, .order = order->id};
    hyp_text_copy(order->taker, sizeof(order->taker), hyp_str_from(own_name(service)));
    enum hyp_status status =
        are_devices_of(look, order->tenant, devices, count)
            ? hyp_collector_read(look->collector, devices, count, HYP_PRIORITY_MANUAL,
                                 &what.job, &err)
            : hyp_error_set(&err, HYP_NOT_FOUND, -1, "a device is not there any more");
    if (status == HYP_OK) {
        hyp_service_remember_job(service, what.job, order->tenant);
    } else {
        hyp_service_explain_failure(&err, status);
        what.end = make_end(err.text);
        what.end.failed = (uint32_t)count;
    }
    note_taken(look, taken, &what);
    hyp_log_event(service->config.log, HYP_LOG_INFO, "member.order_taken",
                  "member=%s asker=%s line=%lld devices=%zu status=%s", own_name(service),
                  order->asker, (long long)order->line.id, count, hyp_status_name(status));
    follow_taken(look, taken, order);
}

/* --- what was passed on --- */

static struct hyp_passed *find_passed(const struct look *look, int64_t order, bool *ret_writing)
{
    struct hyp_passed *found = NULL;
    *ret_writing = false;
    pthread_mutex_lock(&look->service->passing.lock);
    for (size_t i = 0; i < HYP_LIMIT_MEMBER_ORDERS; i++) {
        struct hyp_passed *passed = &look->service->passing.passed[i];
        *ret_writing |= passed->used && passed->order == 0;
        if (passed->used && passed->order == order) {
            found = passed;
        }
    }
    pthread_mutex_unlock(&look->service->passing.lock);
    return found;
}

/* The job ends: whatever of the order is not known to have ended has failed. */
static void end_passed(const struct look *look, struct hyp_passed *passed,
                       struct hyp_passed_part *part)
{
    uint32_t known = passed->done + passed->failed + part->done;
    part->failed = passed->count - HYP_MIN(passed->count, known);
    hyp_job_id job = passed->job;
    release_passed(look->service, passed);
    hyp_collector_passed(look->collector, job, part);
}

static void end_like(const struct look *look, struct hyp_passed *passed, struct hyp_job end)
{
    struct hyp_passed_part part = {.state = HYP_JOB_UNKNOWN};
    hyp_text_copy(part.text, sizeof(part.text), hyp_str_from(end.text));
    end_passed(look, passed, &part);
}

static void follow_progress(const struct look *look, struct hyp_passed *passed,
                            const struct hyp_order_row *order)
{
    struct hyp_passed_part part = {.state = order->state,
                                   .done = order->done - HYP_MIN(order->done, passed->done),
                                   .failed =
                                       order->failed - HYP_MIN(order->failed, passed->failed)};
    hyp_text_copy(part.text, sizeof(part.text), hyp_str_from(order->text));
    if (!order->ended) {
        passed->done += part.done;
        passed->failed += part.failed;
        hyp_collector_passed(look->collector, passed->job, &part);
        return;
    }
    part.partial = order->state == HYP_JOB_DONE_WITH_ERRORS && order->failed == 0;
    end_passed(look, passed, &part);
    HYP_IGNORE(hyp_store_order_remove(look->store, order)); /* then it is found unknown */
}

/* Has the taker lost the line, and perhaps its life? Without the database nobody can tell. */
static bool is_orphan(const struct look *look, const struct hyp_order_row *order)
{
    char holder[HYP_LIMIT_MEMBER_NAME + 1];
    return !is_same(order->taker, own_name(look->service)) &&
           hyp_store_line_holder(look->store, order->line, holder) == HYP_OK &&
           !is_same(order->taker, holder);
}

static void follow_passed(const struct look *look, struct hyp_passed *passed,
                          const struct hyp_order_row *order)
{
    bool waits = order->taker[0] == '\0';
    if (!waits || order->ended) {
        follow_progress(look, passed, order);
    }
    if (order->ended) {
        return;
    }
    bool late = waits && mono_ms(look->service) >= passed->until_ms;
    bool cancelled = is_cancelled(look->service, passed);
    if (waits ? !late && !cancelled : !is_orphan(look, order)) {
        if (cancelled && !order->cancelled) {
            HYP_IGNORE(hyp_store_order_cancel(look->store, order->id)); /* again next time */
        }
        return;
    }
    /* It may just have been taken, or have ended: then the next look sees more. */
    if (hyp_store_order_remove(look->store, order) != HYP_OK) {
        return;
    }
    end_like(look, passed,
             !waits ? make_end_of(order->taker, ", which was asking, ended or lost the line "
                                                "before the answer: ask again")
             : cancelled ? make_end(CANCELLED_TEXT)
                         : make_end("no server with the line took the order within a minute: "
                                    "ask again"));
}

/* --- all of them --- */

static void follow_order(struct look *look, struct hyp_order_row *order)
{
    struct hyp_service *service = look->service;
    const char *self = own_name(service);
    struct hyp_taken *taken = find_taken(look, order->id);
    bool writing;
    struct hyp_passed *passed = find_passed(look, order->id, &writing);
    bool asks = is_same(order->asker, self);
    if (asks && (look->ending || (passed == NULL && !writing && taken == NULL))) {
        /* Of a job that ends with this server, or was before it was started. */
        HYP_IGNORE(hyp_store_order_remove(look->store, order)); /* again with the next look */
        return;
    }
    if (taken != NULL) {
        taken->listed = true;
        follow_taken(look, taken, order);
    } else if (is_same(order->taker, self) && !order->ended) {
        disown(look, order);
    } else if (order->taker[0] == '\0' && !order->cancelled && look->takes &&
               hyp_members_has_line(service, order->line)) {
        take(look, order);
    }
    if (passed != NULL) {
        passed->listed = false;
        follow_passed(look, passed, order);
    }
}

/* Marks what must be among the orders that are read next. */
static void mark(const struct look *look)
{
    struct hyp_passing *passing = &look->service->passing;
    pthread_mutex_lock(&passing->lock);
    for (size_t i = 0; i < HYP_LIMIT_MEMBER_ORDERS; i++) {
        passing->passed[i].listed = passing->passed[i].used && passing->passed[i].order != 0;
        passing->taken[i].listed = false;
    }
    pthread_mutex_unlock(&passing->lock);
}

/* Those whose order is not there any more. */
static void sweep(const struct look *look)
{
    struct hyp_passing *passing = &look->service->passing;
    for (size_t i = 0; i < HYP_LIMIT_MEMBER_ORDERS; i++) {
        struct hyp_taken *taken = &passing->taken[i];
        if (taken->used && !taken->listed) {
            note_taken(look, taken, &(struct hyp_taken){.used = false});
        }
        pthread_mutex_lock(&passing->lock);
        bool lost = passing->passed[i].used && passing->passed[i].listed;
        pthread_mutex_unlock(&passing->lock);
        if (lost) {
            end_like(look, &passing->passed[i],
                     make_end("the order to the other server was lost: ask again"));
        }
    }
}

void hyp_passing_look(struct hyp_service *service)
{
    struct look look = {.service = service,
                        .store = service->config.store,
                        .collector = atomic_load(&service->collector)};
    struct hyp_order_row *orders;
    size_t count = 0;
    if (own_name(service) == NULL || look.collector == NULL) {
        return;
    }
    pthread_mutex_lock(&service->keeper_lock);
    look.ending = service->stopping;
    pthread_mutex_unlock(&service->keeper_lock);
    look.takes = !look.ending && !hyp_collector_is_stopping(look.collector);
    hyp_arena_init(&look.arena, LOOK_ARENA_MAX);
    mark(&look);
    if (hyp_store_orders(look.store, &look.arena, &orders, &count) == HYP_OK) {
        for (size_t i = 0; i < count; i++) {
            follow_order(&look, &orders[i]);
        }
        sweep(&look);
    }
    hyp_arena_finish(&look.arena);
}
