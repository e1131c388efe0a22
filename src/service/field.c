/* SPDX-License-Identifier: Apache-2.0 */
#include "service/field.h"

#include "service/devices.h"
#include "service/inside.h"

#include <string.h>

#define SAVE_BATCH 1024

/* --- what the collector tells --- */

static void note_event(struct hyp_service *service, const struct hyp_device_state *state)
{
    struct hyp_comm_note note = {.device = state->device};
    note.event.status = state->comm.last_status;
    bool failed = state->comm.last_failure.ms > state->comm.last_success.ms;
    note.event.time = failed ? state->comm.last_failure : state->comm.last_success;
    hyp_text_copy(note.event.text, sizeof(note.event.text),
                  hyp_str_from(failed ? state->comm.last_error : "answers"));
    pthread_mutex_lock(&service->keeper_lock);
    if (service->note_count < HYP_COMM_NOTES) {
        service->notes[service->note_count++] = note;
    }
    pthread_mutex_unlock(&service->keeper_lock);
}

void hyp_field_device_state(void *user, const struct hyp_device_state *state)
{
    struct hyp_service *service = user;
    struct hyp_device_view view;
    bool flipped;
    hyp_directory_set_state(service->directory, state, &flipped);
    hyp_tenant_id tenant = hyp_directory_tenant_of(service->directory, state->device);
    if (tenant.id == 0 || hyp_directory_device(service->directory, tenant, state->device,
                                               hyp_service_now(service), &view) != HYP_OK) {
        return; /* removed meanwhile */
    }
    if (flipped) {
        note_event(service, state);
    }
    struct hyp_event event = {.kind = HYP_EVENT_DEVICE, .tenant = tenant};
    event.device.state = *state;
    event.device.condition = view.condition;
    event.device.last_reading = view.last_reading;
    hyp_hub_publish(service->hub, &event);
}

void hyp_field_line_state(void *user, const struct hyp_line_state *state)
{
    struct hyp_service *service = user;
    struct hyp_event event = {.kind = HYP_EVENT_LINE};
    event.tenant = hyp_directory_tenant_of_line(service->directory, state->line);
    event.line = *state;
    if (event.tenant.id != 0) {
        hyp_hub_publish(service->hub, &event);
    }
}

static hyp_tenant_id tenant_of_job(struct hyp_service *service, const struct hyp_job *job)
{
    if (job->device.id != 0) {
        return hyp_directory_tenant_of(service->directory, job->device);
    }
    if (job->line.id != 0) {
        return hyp_directory_tenant_of_line(service->directory, job->line);
    }
    return hyp_service_job_tenant(service, job->id);
}

void hyp_field_job(void *user, const struct hyp_job *job)
{
    struct hyp_service *service = user;
    struct hyp_event event = {.kind = HYP_EVENT_JOB};
    if (job->kind == HYP_JOB_COMMAND) {
        hyp_commands_ended(service, job);
    }
    hyp_passing_job(service, job);
    event.tenant = tenant_of_job(service, job);
    event.job = *job;
    if (event.tenant.id != 0) {
        hyp_hub_publish(service->hub, &event);
    }
}

/* --- saving --- */

static void save_states(struct hyp_service *service)
{
    struct hyp_arena arena;
    hyp_arena_init(&arena, SAVE_BATCH * sizeof(struct hyp_stored_comm) * 2);
    struct hyp_stored_comm *states = hyp_arena_alloc_array(&arena, SAVE_BATCH, sizeof(*states));
    size_t count = SAVE_BATCH;
    while (states != NULL && count == SAVE_BATCH) {
        count = hyp_directory_take_dirty(service->directory, states, SAVE_BATCH);
        if (count == 0) {
            break;
        }
        enum hyp_status status = hyp_store_comm_save(service->config.store, states, count);
        if (status != HYP_OK) {
            hyp_directory_mark_dirty(service->directory, states, count);
            hyp_log_event(service->config.log, HYP_LOG_WARNING, "comm.not_saved",
                          "states=%zu status=%s next=retry", count, hyp_status_name(status));
            break;
        }
    }
    hyp_arena_finish(&arena);
}

static void save_notes(struct hyp_service *service)
{
    for (;;) {
        struct hyp_comm_note note;
        pthread_mutex_lock(&service->keeper_lock);
        bool any = service->note_count > 0;
        if (any) {
            note = service->notes[0];
            service->note_count--;
            memmove(service->notes, service->notes + 1,
                    service->note_count * sizeof(service->notes[0]));
        }
        pthread_mutex_unlock(&service->keeper_lock);
        if (!any) {
            return;
        }
        /* History for people to look at; the state itself is saved with retry. */
        HYP_IGNORE(hyp_store_comm_event_add(service->config.store, note.device, &note.event));
    }
}

void hyp_field_save(struct hyp_service *service)
{
    save_states(service);
    save_notes(service);
}

/* --- jobs --- */

static enum hyp_status take_job(struct hyp_service *service, struct hyp_collector *collector,
                                const struct hyp_scope *scope, hyp_job_id id,
                                struct hyp_job *ret_job)
{
    hyp_service_remember_job(service, id, hyp_scope_tenant(scope));
    struct hyp_job job;
    if (hyp_collector_job(collector, id, &job) != HYP_OK) {
        /* So short that the history has forgotten it already. */
        job = (struct hyp_job){.id = id, .state = HYP_JOB_UNKNOWN};
    }
    *ret_job = job;
    return HYP_OK;
}

enum hyp_status hyp_field_read(struct hyp_service *service, const struct hyp_scope *scope,
                               const hyp_device_id *devices, size_t count,
                               struct hyp_job *ret_job, struct hyp_error *err)
{
    struct hyp_collector *collector;
    hyp_job_id id;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_JOB_RUN, err);
    if (status == HYP_OK && count == 0) {
        status = hyp_error_set(err, HYP_INVALID, -1, "devices: at least one is needed.");
    }
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        if (!hyp_directory_has_device(service->directory, hyp_scope_tenant(scope),
                                      devices[i])) {
            status = hyp_service_not_found(err, "device", devices[i].id);
        }
    }
    if (status == HYP_OK) {
        status = hyp_service_collector(service, &collector, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_passing_read(service, scope, devices, count, &id, err);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "device.read", "device", devices[0].id,
                      "read now, %zu devices", count);
    return take_job(service, collector, scope, id, ret_job);
}

enum hyp_status hyp_field_scan(struct hyp_service *service, const struct hyp_scope *scope,
                               const struct hyp_scan *scan, struct hyp_job *ret_job,
                               struct hyp_error *err)
{
    struct hyp_collector *collector;
    hyp_job_id id;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_JOB_RUN, err);
    if (status == HYP_OK && hyp_directory_tenant_of_line(service->directory, scan->line).id !=
                                hyp_scope_tenant(scope).id) {
        status = hyp_service_not_found(err, "line", scan->line.id);
    }
    if (status == HYP_OK) {
        status = hyp_service_collector(service, &collector, err);
    }
    if (status == HYP_OK) {
        status = hyp_members_check_line(service, hyp_scope_tenant(scope), scan->line, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_collector_scan(collector, scan, &id, err);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "line.scan", "line", scan->line.id, "%s scan",
                      scan->secondary ? "secondary" : "address");
    return take_job(service, collector, scope, id, ret_job);
}

enum hyp_status hyp_field_test(struct hyp_service *service, const struct hyp_scope *scope,
                               struct hyp_device *device, struct hyp_job *ret_job,
                               struct hyp_error *err)
{
    struct hyp_collector *collector;
    hyp_job_id id;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_JOB_RUN, err);
    if (status == HYP_OK) {
        device->tenant = hyp_scope_tenant(scope);
        status = hyp_device_check(service, device->tenant, device, err);
    }
    if (status == HYP_OK) {
        status = hyp_service_collector(service, &collector, err);
    }
    if (status == HYP_OK) {
        status = hyp_members_check_line(service, device->tenant, device->line, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_collector_test(collector, device, &id, err);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "device.test", "line", device->line.id, "test read of %s",
                      device->name);
    return take_job(service, collector, scope, id, ret_job);
}

static enum hyp_status find_job(struct hyp_service *service, const struct hyp_scope *scope,
                                hyp_job_id id, struct hyp_collector *collector,
                                struct hyp_job *ret_job, struct hyp_error *err)
{
    if (hyp_collector_job(collector, id, ret_job) != HYP_OK ||
        tenant_of_job(service, ret_job).id != hyp_scope_tenant(scope).id) {
        return hyp_service_not_found(err, "job", (int64_t)id.id);
    }
    return HYP_OK;
}

enum hyp_status hyp_field_cancel(struct hyp_service *service, const struct hyp_scope *scope,
                                 hyp_job_id id, struct hyp_error *err)
{
    struct hyp_collector *collector;
    struct hyp_job job;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_JOB_RUN, err);
    if (status == HYP_OK) {
        status = hyp_service_collector(service, &collector, err);
    }
    if (status == HYP_OK) {
        status = find_job(service, scope, id, collector, &job, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_collector_cancel(collector, id);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_passing_cancel(service, id);
    hyp_service_audit(service, scope, "job.cancel", "job", (int64_t)id.id, "%s",
                      hyp_job_kind_text(job.kind));
    return HYP_OK;
}

enum hyp_status hyp_field_jobs(struct hyp_service *service, const struct hyp_scope *scope,
                               struct hyp_arena *arena, struct hyp_job **ret_jobs,
                               size_t *ret_count, struct hyp_error *err)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_JOB_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_job *jobs = hyp_arena_alloc_array(arena, HYP_LIMIT_JOBS, sizeof(*jobs));
    if (jobs == NULL) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    size_t all = collector == NULL ? 0 : hyp_collector_jobs(collector, jobs, HYP_LIMIT_JOBS);
    size_t kept = 0;
    for (size_t i = 0; i < all; i++) {
        if (tenant_of_job(service, &jobs[i]).id == hyp_scope_tenant(scope).id) {
            jobs[kept++] = jobs[i];
        }
    }
    *ret_jobs = jobs;
    *ret_count = kept;
    return HYP_OK;
}

static bool is_finished(enum hyp_job_state state)
{
    return state == HYP_JOB_DONE || state == HYP_JOB_DONE_WITH_ERRORS || state == HYP_JOB_ERROR;
}

static enum hyp_status fill_found(struct hyp_collector *collector, hyp_job_id id,
                                  struct hyp_arena *arena, struct hyp_job_detail *detail)
{
    size_t capacity = (size_t)detail->job.found + 64;
    detail->found = hyp_arena_alloc_array(arena, capacity, sizeof(*detail->found));
    if (detail->found == NULL) {
        return HYP_NO_MEMORY;
    }
    detail->found_count = hyp_collector_found(collector, id, detail->found, capacity);
    return HYP_OK;
}

enum hyp_status hyp_field_job_detail(struct hyp_service *service, const struct hyp_scope *scope,
                                     hyp_job_id id, struct hyp_arena *arena,
                                     struct hyp_job_detail *ret_detail, struct hyp_error *err)
{
    struct hyp_collector *collector;
    struct hyp_job_detail detail = {0};
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_JOB_READ, err);
    if (status == HYP_OK) {
        status = hyp_service_collector(service, &collector, err);
    }
    if (status == HYP_OK) {
        status = find_job(service, scope, id, collector, &detail.job, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    if (detail.job.kind == HYP_JOB_SCAN) {
        status = fill_found(collector, id, arena, &detail);
    } else if (detail.job.kind == HYP_JOB_TEST && is_finished(detail.job.state)) {
        detail.has_values =
            hyp_collector_test_result(collector, id, arena, &detail.values, &detail.value_count,
                                      &detail.meter, &detail.profile) == HYP_OK;
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    *ret_detail = detail;
    return HYP_OK;
}

enum hyp_status hyp_field_heard(struct hyp_service *service, const struct hyp_scope *scope,
                                struct hyp_arena *arena, struct hyp_found_device **ret_found,
                                size_t *ret_count, struct hyp_error *err)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DEVICE_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_found_device *found =
        hyp_arena_alloc_array(arena, HYP_LIMIT_PAGE, sizeof(*found));
    if (found == NULL) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    size_t all = collector == NULL ? 0 : hyp_collector_heard(collector, found, HYP_LIMIT_PAGE);
    size_t kept = 0;
    for (size_t i = 0; i < all; i++) {
        /* A meter of nobody is seen by whoever owns the line that heard it. */
        if (hyp_directory_tenant_of_line(service->directory, found[i].line).id ==
            hyp_scope_tenant(scope).id) {
            found[kept++] = found[i];
        }
    }
    *ret_found = found;
    *ret_count = kept;
    return HYP_OK;
}

static void name_queue(struct hyp_service *service, hyp_tenant_id tenant,
                       struct hyp_queue_view *view)
{
    struct hyp_device_view device;
    if (hyp_directory_device(service->directory, tenant, view->entry.device,
                             hyp_service_now(service), &device) == HYP_OK) {
        hyp_text_copy(view->device_name, sizeof(view->device_name),
                      hyp_str_from(device.device.name));
    }
}

enum hyp_status hyp_field_queue(struct hyp_service *service, const struct hyp_scope *scope,
                                hyp_line_id line, struct hyp_arena *arena,
                                struct hyp_queue_view **ret_queue, size_t *ret_count,
                                struct hyp_error *err)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    hyp_tenant_id tenant = hyp_scope_tenant(scope);
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_LINE_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    if (hyp_directory_tenant_of_line(service->directory, line).id != tenant.id) {
        return hyp_service_not_found(err, "line", line.id);
    }
    struct hyp_queue_entry *entries =
        hyp_arena_alloc_array(arena, HYP_LIMIT_PAGE, sizeof(*entries));
    struct hyp_queue_view *views = hyp_arena_alloc_array(arena, HYP_LIMIT_PAGE, sizeof(*views));
    if (entries == NULL || views == NULL) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    size_t count =
        collector == NULL ? 0 : hyp_collector_queue(collector, line, entries, HYP_LIMIT_PAGE);
    for (size_t i = 0; i < count; i++) {
        views[i].entry = entries[i];
        name_queue(service, tenant, &views[i]);
    }
    *ret_queue = views;
    *ret_count = count;
    return HYP_OK;
}

/* --- communication --- */

enum hyp_status hyp_field_comm_events(struct hyp_service *service,
                                      const struct hyp_scope *scope, hyp_device_id device,
                                      struct hyp_arena *arena,
                                      struct hyp_comm_event **ret_events, size_t *ret_count,
                                      struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DEVICE_READ, err);
    if (status == HYP_OK) {
        status = hyp_store_comm_events(service->config.store, hyp_scope_tenant(scope), device,
                                       HYP_LIMIT_COMM_PAGE, arena, ret_events, ret_count);
    }
    if (status == HYP_NOT_FOUND) {
        return hyp_service_not_found(err, "device", device.id);
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

/* --- intake --- */

enum hyp_status hyp_field_intake(struct hyp_service *service, const struct hyp_scope *scope,
                                 struct hyp_str text, enum hyp_reading_source source,
                                 void (*done)(void *user,
                                              const struct hyp_intake_result *result),
                                 void *user, struct hyp_error *err)
{
    struct hyp_collector *collector;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_WRITE, err);
    if (status == HYP_OK) {
        status = hyp_service_collector(service, &collector, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_collector_feed(collector, hyp_scope_tenant(scope), text, source, done, user);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}
