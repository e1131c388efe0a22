/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

#include "service/inside.h"
#include "service/reception.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* How often the keeper looks around. */
#define KEEPER_PERIOD_S 5
#define MEMBERS_PERIOD_S 1     /* the same for what other servers do */
#define RECEPTION_PERIOD_S 600 /* counts of receivers are written down so often */

/* --- small things used by every use case --- */

enum hyp_status hyp_service_not_found(struct hyp_error *err, const char *what, int64_t id)
{
    return hyp_error_set(err, HYP_NOT_FOUND, -1, "There is no %s %lld.", what, (long long)id);
}

enum hyp_status(hyp_service_explain_failure)(struct hyp_error *err, enum hyp_status status)
{
    if (err != NULL && (err->status != status || err->text[0] == '\0')) {
        return hyp_error_set(err, status, -1, "This did not work: %s.",
                             hyp_status_text(status));
    }
    return status;
}

static HYP_PRINTF(5, 0) void write_audit(struct hyp_service *service,
                                         struct hyp_audit_entry *entry, const char *object_kind,
                                         int64_t object_id, const char *format, va_list args)
{
    struct hyp_buf buf;
    entry->time = hyp_service_now(service);
    hyp_buf_init_fixed(&buf, entry->object, sizeof(entry->object));
    hyp_buf_append_text(&buf, object_kind);
    if (object_id != 0) {
        hyp_buf_append_char(&buf, ':');
        hyp_buf_append_i64(&buf, object_id);
    }
    hyp_buf_terminate(&buf);
    hyp_buf_init_fixed(&buf, entry->detail, sizeof(entry->detail));
    hyp_buf_append_vfmt(&buf, format, args);
    hyp_buf_terminate(&buf);
    enum hyp_status status = hyp_store_audit_add(service->config.store, entry);
    if (status != HYP_OK) {
        hyp_log_event(service->config.log, HYP_LOG_ERROR, "audit.lost",
                      "action=%s object=%s status=%s", entry->action, entry->object,
                      hyp_status_name(status));
    }
}

void hyp_service_audit(struct hyp_service *service, const struct hyp_scope *scope,
                       const char *action, const char *object_kind, int64_t object_id,
                       const char *format, ...)
{
    struct hyp_audit_entry entry = {.tenant = hyp_scope_tenant(scope),
                                    .user = hyp_scope_user(scope)};
    va_list args;
    hyp_text_copy(entry.action, sizeof(entry.action), hyp_str_from(action));
    va_start(args, format);
    write_audit(service, &entry, object_kind, object_id, format, args);
    va_end(args);
}

void hyp_service_audit_as(struct hyp_service *service, hyp_tenant_id tenant, int64_t user,
                          const char *action, const char *object_kind, int64_t object_id,
                          const char *format, ...)
{
    struct hyp_audit_entry entry = {.tenant = tenant, .user = user};
    va_list args;
    hyp_text_copy(entry.action, sizeof(entry.action), hyp_str_from(action));
    va_start(args, format);
    write_audit(service, &entry, object_kind, object_id, format, args);
    va_end(args);
}

const struct hyp_clock *hyp_service_clock(const struct hyp_service *service)
{
    return service->config.clock;
}

struct hyp_log *hyp_service_log(const struct hyp_service *service)
{
    return service->config.log;
}

hyp_utc hyp_service_started(const struct hyp_service *service)
{
    return service->started;
}

const struct hyp_library *hyp_service_library(const struct hyp_service *service)
{
    return service->config.library;
}

struct hyp_tenant hyp_service_first_tenant(struct hyp_service *service)
{
    pthread_mutex_lock(&service->tenant_lock);
    struct hyp_tenant tenant = service->tenant;
    pthread_mutex_unlock(&service->tenant_lock);
    return tenant;
}

void hyp_service_remember_job(struct hyp_service *service, hyp_job_id job, hyp_tenant_id tenant)
{
    pthread_mutex_lock(&service->job_lock);
    service->job_owners[service->job_next++ % HYP_LIMIT_JOBS] =
        (struct hyp_job_owner){.job = job, .tenant = tenant};
    pthread_mutex_unlock(&service->job_lock);
}

hyp_tenant_id hyp_service_job_tenant(struct hyp_service *service, hyp_job_id job)
{
    hyp_tenant_id tenant = {0};
    pthread_mutex_lock(&service->job_lock);
    for (size_t i = 0; i < HYP_LIMIT_JOBS; i++) {
        if (service->job_owners[i].job.id == job.id && job.id != 0) {
            tenant = service->job_owners[i].tenant;
        }
    }
    pthread_mutex_unlock(&service->job_lock);
    return tenant;
}

/* --- loading --- */

static enum hyp_status load_tenant(struct hyp_service *service, struct hyp_arena *arena,
                                   struct hyp_error *err)
{
    struct hyp_tenant *tenants;
    size_t count;
    enum hyp_status status = hyp_store_tenants(service->config.store, arena, &tenants, &count);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    if (count > 0) {
        service->tenant = tenants[0];
        return HYP_OK;
    }
    struct hyp_tenant first = {.name = "Hypocaust", .language = "en"};
    const char *zone = service->config.time_zone == NULL ? "UTC" : service->config.time_zone;
    hyp_text_copy(first.time_zone, sizeof(first.time_zone), hyp_str_from(zone));
    status = hyp_store_tenant_add(service->config.store, &first);
    service->tenant = first;
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

static enum hyp_status load_lines(struct hyp_service *service, struct hyp_arena *arena)
{
    struct hyp_line *lines;
    size_t count;
    enum hyp_status status =
        hyp_store_lines(service->config.store, (hyp_tenant_id){0}, arena, &lines, &count);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = hyp_directory_set_line(service->directory, &lines[i]);
        hyp_wipe(lines[i].password, sizeof(lines[i].password));
    }
    return status;
}

/* Time of the newest stored value; a device without readings keeps none. */
static enum hyp_status restore_reading(struct hyp_service *service,
                                       const struct hyp_device *device,
                                       struct hyp_arena *scratch)
{
    struct hyp_latest *values;
    size_t count = 0;
    enum hyp_status status = hyp_store_latest(service->config.store, device->tenant, device->id,
                                              scratch, &values, &count);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        hyp_directory_note_reading(service->directory, device->id, values[i].value.time);
    }
    hyp_arena_reset(scratch);
    return status == HYP_NOT_FOUND ? HYP_OK : status;
}

static enum hyp_status restore_readings(struct hyp_service *service,
                                        const struct hyp_device *devices, size_t count)
{
    struct hyp_arena scratch;
    enum hyp_status status = HYP_OK;
    hyp_arena_init(&scratch, HYP_LIMIT_REQUEST_ARENA);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = restore_reading(service, &devices[i], &scratch);
    }
    hyp_arena_finish(&scratch);
    return status;
}

static enum hyp_status load_devices(struct hyp_service *service, struct hyp_arena *arena)
{
    struct hyp_device *devices;
    struct hyp_stored_comm *states;
    size_t count;
    enum hyp_status status =
        hyp_store_devices(service->config.store, (hyp_tenant_id){0}, arena, &devices, &count);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = hyp_directory_set_device(service->directory, &devices[i]);
        hyp_wipe(&devices[i].key, sizeof(devices[i].key));
    }
    if (status == HYP_OK) {
        status = restore_readings(service, devices, count);
    }
    if (status == HYP_OK) {
        status = hyp_store_comm_load(service->config.store, arena, &states, &count);
    }
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        hyp_directory_restore_comm(service->directory, states[i].device, &states[i].comm);
    }
    return status;
}

static enum hyp_status load(struct hyp_service *service, struct hyp_error *err)
{
    struct hyp_arena arena;
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status = load_tenant(service, &arena, err);
    if (status == HYP_OK) {
        status = load_lines(service, &arena);
        status = status == HYP_OK ? load_devices(service, &arena) : status;
        hyp_today_load(service, &arena);
        if (status != HYP_OK) {
            hyp_service_explain_failure(err, status);
        }
    }
    hyp_arena_finish(&arena);
    return status;
}

/* --- after each commit --- */

static void on_committed(void *user, hyp_device_id device, hyp_utc source_time,
                         const struct hyp_stored_value *values, size_t count)
{
    struct hyp_service *service = user;
    hyp_tenant_id tenant = hyp_directory_note_reading(service->directory, device, source_time);
    hyp_today_note(service, source_time);
    if (tenant.id != 0) {
        hyp_hub_values(service->hub, tenant, device, source_time, values, count);
    }
}

/* --- life --- */

enum hyp_status hyp_service_create(const struct hyp_service_config *config,
                                   struct hyp_service **ret_service, struct hyp_error *err)
{
    struct hyp_service *service = calloc(1, sizeof(*service));
    if (service == NULL) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    service->config = *config;
    service->started = hyp_clock_utc(config->clock);
    pthread_mutex_init(&service->tenant_lock, NULL);
    pthread_mutex_init(&service->plant_lock, NULL);
    hyp_members_init(&service->members);
    hyp_passing_init(&service->passing);
    pthread_mutex_init(&service->job_lock, NULL);
    pthread_mutex_init(&service->today.lock, NULL);
    pthread_mutex_init(&service->keeper_lock, NULL);
    pthread_mutex_init(&service->found_keys.lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&service->keeper_wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    service->notes = calloc(HYP_COMM_NOTES, sizeof(*service->notes));
    enum hyp_status status = service->notes == NULL ? HYP_NO_MEMORY : HYP_OK;
    if (status == HYP_OK) {
        status = hyp_directory_create(config->library, &service->directory);
    }
    if (status == HYP_OK) {
        status = hyp_hub_create(&service->hub);
    }
    if (status == HYP_OK) {
        status = hyp_learned_create(&service->learned);
    }
    if (status == HYP_OK) {
        status = hyp_backlog_create(service, &service->backlog);
    }
    if (status == HYP_OK) {
        status = load(service, err);
    }
    if (status == HYP_OK) {
        status = hyp_auth_init(service, err);
    }
    if (status == HYP_OK) {
        /* Last: an observer stays for the life of the store. */
        struct hyp_store_observer observer = {
            .user = service, .committed = on_committed, .changed = hyp_members_told};
        status = hyp_store_observe(config->store, &observer);
    }
    if (status != HYP_OK) {
        hyp_service_explain_failure(err, status);
        hyp_service_destroy(service);
        return status;
    }
    *ret_service = service;
    return HYP_OK;
}

struct hyp_collect_observer hyp_service_observer(struct hyp_service *service)
{
    return (struct hyp_collect_observer){
        .user = service,
        .device_state = hyp_field_device_state,
        .line_state = hyp_field_line_state,
        .job = hyp_field_job,
        .format_learned = hyp_learned_on_format,
        .holes_learned = hyp_learned_on_holes,
        .key_found = hyp_keys_on_found,
    };
}

/* Whatever is only in memory and worth keeping. */
static void save_all(struct hyp_service *service)
{
    hyp_commands_apply(service);
    hyp_field_save(service);
    hyp_auth_sweep(service);
    hyp_learned_save(service);
    hyp_keys_save_found(service);
    hyp_today_save(service);
}

/* Waits so long, or until the end; commands that end meanwhile are written down, and orders of
 * other servers done. Under the keeper's lock. */
static void wait_s(struct hyp_service *service, int64_t seconds)
{
    /* The machine's clock: a condition variable knows no other. */
    int64_t now_ms = hyp_clock_mono(hyp_clock_system()).ms;
    struct timespec until = {.tv_sec = now_ms / 1000 + seconds,
                             .tv_nsec = now_ms % 1000 * 1000000};
    int waited = 0;
    while (!service->stopping && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&service->keeper_wake, &service->keeper_lock, &until);
        if (service->commands_ended && !service->stopping) {
            pthread_mutex_unlock(&service->keeper_lock);
            hyp_commands_apply(service);
            pthread_mutex_lock(&service->keeper_lock);
        }
        if (service->orders_told && !service->stopping) {
            service->orders_told = false;
            pthread_mutex_unlock(&service->keeper_lock);
            hyp_members_look_at_orders(service);
            pthread_mutex_lock(&service->keeper_lock);
        }
    }
}

/* One round; with other servers it is cut into shorter ones. */
static void wait_round(struct hyp_service *service)
{
    bool member = hyp_store_member(service->config.store) != NULL;
    int64_t step_s = member ? MEMBERS_PERIOD_S : KEEPER_PERIOD_S;
    for (int64_t waited_s = 0; waited_s < KEEPER_PERIOD_S && !service->stopping;
         waited_s += step_s) {
        wait_s(service, step_s);
        if (!service->stopping) {
            pthread_mutex_unlock(&service->keeper_lock);
            hyp_members_look(service);
            pthread_mutex_lock(&service->keeper_lock);
        }
    }
}

static void *keep(void *argument)
{
    struct hyp_service *service = argument;
    int64_t rounds = 0;
    pthread_mutex_lock(&service->keeper_lock);
    while (!service->stopping) {
        wait_round(service);
        pthread_mutex_unlock(&service->keeper_lock);
        save_all(service);
        if (++rounds % (HYP_LIMIT_STREAM_PING_S / KEEPER_PERIOD_S) == 0) {
            hyp_hub_ping(service->hub);
        }
        if (rounds % (RECEPTION_PERIOD_S / KEEPER_PERIOD_S) == 0) {
            hyp_reception_save(service);
        }
        pthread_mutex_lock(&service->keeper_lock);
    }
    pthread_mutex_unlock(&service->keeper_lock);
    return NULL;
}

static enum hyp_status hand_over(struct hyp_service *service, struct hyp_collector *collector,
                                 struct hyp_arena *arena)
{
    struct hyp_line *lines;
    struct hyp_device *devices;
    struct hyp_stored_comm *states;
    size_t count;
    enum hyp_status status =
        hyp_store_lines(service->config.store, (hyp_tenant_id){0}, arena, &lines, &count);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = hyp_service_restore_line(service, collector, &lines[i]);
        hyp_wipe(lines[i].password, sizeof(lines[i].password));
    }
    if (status == HYP_OK) {
        status = hyp_store_devices(service->config.store, (hyp_tenant_id){0}, arena, &devices,
                                   &count);
    }
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = hyp_service_push_device(service, &devices[i]);
        hyp_wipe(&devices[i].key, sizeof(devices[i].key));
    }
    if (status == HYP_OK) {
        status = hyp_store_comm_load(service->config.store, arena, &states, &count);
    }
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        struct hyp_device_state state = {.device = states[i].device, .comm = states[i].comm};
        hyp_collector_restore_state(collector, &state);
    }
    return status;
}

enum hyp_status hyp_service_start(struct hyp_service *service, struct hyp_collector *collector,
                                  struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    if (collector != NULL) {
        struct hyp_arena arena;
        hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
        atomic_store(&service->collector, collector);
        status = hand_over(service, collector, &arena);
        hyp_arena_finish(&arena);
    }
    if (status == HYP_OK) {
        status = hyp_learned_restore(service, collector);
    }
    if (status == HYP_OK && collector != NULL) {
        hyp_reception_restore(service, collector);
    }
    if (status == HYP_OK) {
        status = hyp_default_keys_push(service);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    int failed = pthread_create(&service->keeper, NULL, keep, service);
    if (failed != 0) {
        return hyp_error_set_code(err, HYP_INTERNAL, HYP_ERROR_ERRNO, failed,
                                  "The house-keeping thread cannot start: %s.",
                                  strerror(failed));
    }
    service->keeper_runs = true;
    return HYP_OK;
}

void hyp_service_stop(struct hyp_service *service)
{
    hyp_backlog_stop(service->backlog);
    if (service->keeper_runs) {
        pthread_mutex_lock(&service->keeper_lock);
        service->stopping = true;
        pthread_cond_signal(&service->keeper_wake);
        pthread_mutex_unlock(&service->keeper_lock);
        pthread_join(service->keeper, NULL);
        service->keeper_runs = false;
    }
    hyp_hub_end(service->hub, -1);
    hyp_passing_look(service);
    save_all(service);
    hyp_reception_save(service);
}

void *hyp_service_destroy(struct hyp_service *service)
{
    if (service == NULL) {
        return NULL;
    }
    if (service->auth.sessions != NULL) {
        hyp_auth_finish(service);
    }
    hyp_backlog_destroy(service->backlog);
    hyp_directory_destroy(service->directory);
    hyp_hub_destroy(service->hub);
    hyp_learned_destroy(service->learned);
    pthread_cond_destroy(&service->keeper_wake);
    pthread_mutex_destroy(&service->keeper_lock);
    pthread_mutex_destroy(&service->plant_lock);
    hyp_members_finish(&service->members);
    hyp_passing_finish(&service->passing);
    hyp_wipe(service->found_keys.list, sizeof(service->found_keys.list));
    pthread_mutex_destroy(&service->found_keys.lock);
    pthread_mutex_destroy(&service->job_lock);
    pthread_mutex_destroy(&service->today.lock);
    pthread_mutex_destroy(&service->tenant_lock);
    free(service->notes);
    free(service);
    return NULL;
}
