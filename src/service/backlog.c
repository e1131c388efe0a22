/* SPDX-License-Identifier: Apache-2.0 */
#include "service/backlog.h"

#include "service/inside.h"

#include <stdlib.h>
#include <string.h>

/* Frames handed to the collector at a time. */
#define PIECE_FRAMES 256
/* How long to wait when the collector has too much to feed on. */
#define BUSY_WAIT_MS 200
#define ARENA_MAX ((size_t)256 * 1024 * 1024)
#define TENANTS HYP_LIMIT_KEY_SETS

/* What may be read with a key or a format that was not there before. */
static const enum hyp_status outcomes[] = {HYP_NO_KEY, HYP_WRONG_KEY, HYP_NOT_FOUND};

struct tenant_backlog {
    hyp_tenant_id tenant;
    bool asked;
    bool strangers;
    struct hyp_backlog_state state;
};

struct hyp_backlog {
    struct hyp_service *service;
    pthread_t thread;
    bool thread_runs;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* asked, fed, or to stop */
    bool stopping;
    struct tenant_backlog tenants[TENANTS];
    size_t tenant_count;
    bool fed;
    struct hyp_intake_result result;
};

/* --- feeding --- */

static void on_fed(void *user, const struct hyp_intake_result *result)
{
    struct hyp_backlog *backlog = user;
    pthread_mutex_lock(&backlog->lock);
    backlog->result = *result;
    backlog->fed = true;
    pthread_cond_broadcast(&backlog->wake);
    pthread_mutex_unlock(&backlog->lock);
}

static bool is_stopping(struct hyp_backlog *backlog)
{
    pthread_mutex_lock(&backlog->lock);
    bool stopping = backlog->stopping;
    pthread_mutex_unlock(&backlog->lock);
    return stopping;
}

static void wait_a_little(struct hyp_backlog *backlog)
{
    int64_t until_ms = hyp_clock_mono(hyp_clock_system()).ms + BUSY_WAIT_MS;
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    pthread_mutex_lock(&backlog->lock);
    if (!backlog->stopping) {
        pthread_cond_timedwait(&backlog->wake, &backlog->lock, &until);
    }
    pthread_mutex_unlock(&backlog->lock);
}

/* Decodes some frames again and waits for their commit. */
static enum hyp_status feed(struct hyp_backlog *backlog, hyp_tenant_id tenant,
                            const struct hyp_raw_frame *frames, size_t count)
{
    struct hyp_collector *collector = atomic_load(&backlog->service->collector);
    enum hyp_status status = HYP_BUSY;
    if (collector == NULL) {
        return HYP_UNSUPPORTED;
    }
    backlog->fed = false;
    while (status == HYP_BUSY && !is_stopping(backlog)) {
        status = hyp_collector_decode_again(collector, tenant, frames, count, on_fed, backlog);
        if (status == HYP_BUSY) {
            wait_a_little(backlog);
        }
    }
    if (status != HYP_OK) {
        return status;
    }
    /* The collector calls back for certain, also when it stops. */
    pthread_mutex_lock(&backlog->lock);
    while (!backlog->fed) {
        pthread_cond_wait(&backlog->wake, &backlog->lock);
    }
    status = backlog->result.status;
    pthread_mutex_unlock(&backlog->lock);
    return status;
}

/* --- one run --- */

struct run {
    struct hyp_backlog *backlog;
    struct tenant_backlog *of;
    bool strangers;
    bool counting;
    struct hyp_raw_frame piece[PIECE_FRAMES];
    size_t piece_count;
};

static void note_progress(struct run *run, uint64_t total, uint64_t done, uint64_t readings)
{
    pthread_mutex_lock(&run->backlog->lock);
    run->of->state.total += total;
    run->of->state.done += done;
    run->of->state.readings += readings;
    pthread_mutex_unlock(&run->backlog->lock);
}

static enum hyp_status flush(struct run *run)
{
    if (run->piece_count == 0) {
        return HYP_OK;
    }
    enum hyp_status status = feed(run->backlog, run->of->tenant, run->piece, run->piece_count);
    if (status == HYP_OK) {
        note_progress(run, 0, run->piece_count, run->backlog->result.readings);
    }
    run->piece_count = 0;
    return status;
}

static enum hyp_status take(struct run *run, const struct hyp_stored_frame *frame)
{
    if (frame->outcome == HYP_NOT_FOUND && frame->device.id == 0 && !run->strangers) {
        return HYP_OK;
    }
    if (run->counting) {
        note_progress(run, 1, 0, 0);
        return HYP_OK;
    }
    run->piece[run->piece_count++] =
        (struct hyp_raw_frame){.line = frame->line,
                               .device = frame->device,
                               .received = frame->received,
                               .protocol = (uint16_t)frame->protocol,
                               .signal_dbm = frame->signal_dbm,
                               .outcome = frame->outcome,
                               .replaces = frame->id,
                               .bytes = frame->bytes,
                               .len = frame->len};
    return run->piece_count == PIECE_FRAMES ? flush(run) : HYP_OK;
}

/* All frames up to `last`, which is the newest there was when counting began. */
static enum hyp_status walk(struct run *run, hyp_frame_id *last)
{
    struct hyp_arena arena;
    struct hyp_store *store = run->backlog->service->config.store;
    hyp_frame_id after = {0};
    enum hyp_status status = HYP_OK;
    size_t count = 1;
    hyp_arena_init(&arena, ARENA_MAX);
    while (status == HYP_OK && count > 0 && !is_stopping(run->backlog)) {
        struct hyp_stored_frame *frames;
        hyp_arena_reset(&arena);
        status = hyp_store_frames_after(store, run->of->tenant, after, outcomes,
                                        HYP_ARRAY_LEN(outcomes), &arena, &frames, &count);
        for (size_t i = 0; status == HYP_OK && i < count; i++) {
            after = frames[i].id;
            if (!run->counting && after.id > last->id) {
                count = 0;
            } else {
                status = take(run, &frames[i]);
            }
        }
        /* The bytes go with the next page. */
        status = status == HYP_OK ? flush(run) : status;
    }
    hyp_arena_finish(&arena);
    if (run->counting) {
        *last = after;
    }
    return is_stopping(run->backlog) ? HYP_CANCELLED : status;
}

static void begin(struct run *run)
{
    struct tenant_backlog *of = run->of;
    pthread_mutex_lock(&run->backlog->lock);
    run->strangers = of->strangers;
    of->asked = false;
    of->strangers = false;
    of->state = (struct hyp_backlog_state){.running = true,
                                           .started = hyp_service_now(run->backlog->service)};
    pthread_mutex_unlock(&run->backlog->lock);
}

static void end(struct run *run, enum hyp_status status)
{
    struct hyp_backlog_state *state = &run->of->state;
    pthread_mutex_lock(&run->backlog->lock);
    state->running = false;
    state->finished = hyp_service_now(run->backlog->service);
    if (status != HYP_OK) {
        hyp_text_copy(state->error, sizeof(state->error),
                      hyp_str_from(hyp_status_text(status)));
    }
    uint64_t total = state->total;
    uint64_t readings = state->readings;
    pthread_mutex_unlock(&run->backlog->lock);
    if (total > 0) {
        hyp_log_event(run->backlog->service->config.log, HYP_LOG_INFO, "backlog.decoded",
                      "telegrams=%llu readings=%llu status=%s", (unsigned long long)total,
                      (unsigned long long)readings, hyp_status_name(status));
    }
}

static void work(struct hyp_backlog *backlog, struct tenant_backlog *of)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        wait_a_little(backlog); /* stays asked for */
        return;
    }
    hyp_frame_id last = {0};
    run->backlog = backlog;
    run->of = of;
    begin(run);
    run->counting = true;
    enum hyp_status status = walk(run, &last);
    if (status == HYP_OK) {
        pthread_mutex_lock(&backlog->lock);
        of->state.counted = true;
        pthread_mutex_unlock(&backlog->lock);
        run->counting = false;
        status = walk(run, &last);
    }
    end(run, status);
    free(run);
}

/* --- the thread --- */

static struct tenant_backlog *next_asked(struct hyp_backlog *backlog)
{
    for (size_t i = 0; i < backlog->tenant_count; i++) {
        if (backlog->tenants[i].asked) {
            return &backlog->tenants[i];
        }
    }
    return NULL;
}

static void *run_backlog(void *argument)
{
    struct hyp_backlog *backlog = argument;
    pthread_mutex_lock(&backlog->lock);
    while (!backlog->stopping) {
        struct tenant_backlog *of = next_asked(backlog);
        if (of == NULL) {
            pthread_cond_wait(&backlog->wake, &backlog->lock);
            continue;
        }
        pthread_mutex_unlock(&backlog->lock);
        work(backlog, of);
        pthread_mutex_lock(&backlog->lock);
    }
    pthread_mutex_unlock(&backlog->lock);
    return NULL;
}

enum hyp_status hyp_backlog_create(struct hyp_service *service,
                                   struct hyp_backlog **ret_backlog)
{
    struct hyp_backlog *backlog = calloc(1, sizeof(*backlog));
    if (backlog == NULL) {
        return HYP_NO_MEMORY;
    }
    backlog->service = service;
    pthread_mutex_init(&backlog->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&backlog->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    backlog->thread_runs = pthread_create(&backlog->thread, NULL, run_backlog, backlog) == 0;
    *ret_backlog = backlog;
    return HYP_OK;
}

void hyp_backlog_stop(struct hyp_backlog *backlog)
{
    if (backlog == NULL || !backlog->thread_runs) {
        return;
    }
    pthread_mutex_lock(&backlog->lock);
    backlog->stopping = true;
    pthread_cond_broadcast(&backlog->wake);
    pthread_mutex_unlock(&backlog->lock);
    pthread_join(backlog->thread, NULL);
    backlog->thread_runs = false;
}

void *hyp_backlog_destroy(struct hyp_backlog *backlog)
{
    if (backlog != NULL) {
        hyp_backlog_stop(backlog);
        pthread_cond_destroy(&backlog->wake);
        pthread_mutex_destroy(&backlog->lock);
        free(backlog);
    }
    return NULL;
}

/* Needs the lock; NULL when there are too many tenants. */
static struct tenant_backlog *of_tenant(struct hyp_backlog *backlog, hyp_tenant_id tenant)
{
    for (size_t i = 0; i < backlog->tenant_count; i++) {
        if (backlog->tenants[i].tenant.id == tenant.id) {
            return &backlog->tenants[i];
        }
    }
    if (backlog->tenant_count == TENANTS) {
        return NULL;
    }
    struct tenant_backlog *of = &backlog->tenants[backlog->tenant_count++];
    of->tenant = tenant;
    return of;
}

void hyp_backlog_ask(struct hyp_service *service, hyp_tenant_id tenant, bool strangers)
{
    struct hyp_backlog *backlog = service->backlog;
    if (tenant.id == 0) {
        tenant = hyp_service_first_tenant(service).id;
    }
    pthread_mutex_lock(&backlog->lock);
    struct tenant_backlog *of = of_tenant(backlog, tenant);
    if (of != NULL) {
        of->asked = true;
        of->strangers = of->strangers || strangers;
        pthread_cond_broadcast(&backlog->wake);
    }
    pthread_mutex_unlock(&backlog->lock);
}

/* --- use cases --- */

enum hyp_status hyp_backlog_start(struct hyp_service *service, const struct hyp_scope *scope,
                                  struct hyp_error *err)
{
    struct hyp_collector *collector;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_KEY_WRITE, err);
    if (status == HYP_OK) {
        status = hyp_service_collector(service, &collector, err);
    }
    if (status == HYP_OK) {
        hyp_backlog_ask(service, hyp_scope_tenant(scope), true);
    }
    return status;
}

enum hyp_status hyp_backlog_get(struct hyp_service *service, const struct hyp_scope *scope,
                                struct hyp_backlog_state *ret_state, struct hyp_error *err)
{
    struct hyp_backlog *backlog = service->backlog;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_KEY_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    pthread_mutex_lock(&backlog->lock);
    struct tenant_backlog *of = of_tenant(backlog, hyp_scope_tenant(scope));
    *ret_state = of == NULL ? (struct hyp_backlog_state){0} : of->state;
    ret_state->waiting = of != NULL && of->asked;
    pthread_mutex_unlock(&backlog->lock);
    return HYP_OK;
}
