/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands to wired meters, from the order to the record of how it ended.
 *
 * A command that the meter has taken changes what the device is configured as (its address, its
 * rate), and that must not happen before, nor be forgotten. The loop thread, which knows when a
 * command ends, may not change devices; so the end is noted here and the keeper does the rest:
 * device first, audit entry after.
 */
#include "service/field.h"

#include "service/devices.h"
#include "service/inside.h"

#include <string.h>

static bool is_finished(enum hyp_job_state state)
{
    return state == HYP_JOB_DONE || state == HYP_JOB_DONE_WITH_ERRORS || state == HYP_JOB_ERROR;
}

static void describe(struct hyp_buf *out, const struct hyp_meter_command *command)
{
    switch (command->kind) {
    case HYP_METER_RESET_APPLICATION:
        hyp_buf_append_text(out, "application reset");
        if (command->value >= 0) {
            hyp_buf_append_fmt(out, ", subcode %02X", (unsigned)command->value);
        }
        break;
    case HYP_METER_SET_ADDRESS:
        hyp_buf_append_fmt(out, "set primary address %d", command->value);
        break;
    case HYP_METER_SET_BAUD: hyp_buf_append_fmt(out, "set %d baud", command->value); break;
    case HYP_METER_COMMAND_UNSET: break;
    }
}

/* --- waiting for the end --- */

static struct hyp_pending_command *reserve(struct hyp_service *service)
{
    struct hyp_pending_command *free_slot = NULL;
    pthread_mutex_lock(&service->keeper_lock);
    for (size_t i = 0; free_slot == NULL && i < HYP_LIMIT_PENDING_COMMANDS; i++) {
        if (!service->commands[i].used) {
            free_slot = &service->commands[i];
            *free_slot = (struct hyp_pending_command){.used = true};
        }
    }
    pthread_mutex_unlock(&service->keeper_lock);
    return free_slot;
}

static void release(struct hyp_service *service, struct hyp_pending_command *pending)
{
    pthread_mutex_lock(&service->keeper_lock);
    pending->used = false;
    pthread_mutex_unlock(&service->keeper_lock);
}

void hyp_commands_ended(struct hyp_service *service, const struct hyp_job *job)
{
    if (!is_finished(job->state)) {
        return;
    }
    pthread_mutex_lock(&service->keeper_lock);
    for (size_t i = 0; i < HYP_LIMIT_PENDING_COMMANDS; i++) {
        struct hyp_pending_command *pending = &service->commands[i];
        if (pending->used && pending->job.id == job->id.id && !pending->ended) {
            pending->ended = true;
            pending->good = job->state == HYP_JOB_DONE;
            hyp_text_copy(pending->text, sizeof(pending->text), hyp_str_from(job->text));
            service->commands_ended = true;
            pthread_cond_signal(&service->keeper_wake);
        }
    }
    pthread_mutex_unlock(&service->keeper_lock);
}

/* --- after the end --- */

static bool take_ended(struct hyp_service *service, struct hyp_pending_command *ret_pending)
{
    bool found = false;
    pthread_mutex_lock(&service->keeper_lock);
    service->commands_ended = false;
    for (size_t i = 0; !found && i < HYP_LIMIT_PENDING_COMMANDS; i++) {
        struct hyp_pending_command *pending = &service->commands[i];
        if (pending->used && pending->ended) {
            *ret_pending = *pending;
            pending->used = false;
            found = true;
        }
    }
    pthread_mutex_unlock(&service->keeper_lock);
    return found;
}

static void finish(struct hyp_service *service, const struct hyp_pending_command *pending)
{
    char text[HYP_ERROR_TEXT_MAX];
    struct hyp_buf what;
    struct hyp_error err = {0};
    const struct hyp_meter_command *command = &pending->command;
    enum hyp_status status = HYP_OK;
    hyp_buf_init_fixed(&what, text, sizeof(text));
    describe(&what, command);
    if (pending->good) {
        status = hyp_device_commanded(service, pending->tenant, command, &err);
    }
    if (status != HYP_OK) {
        hyp_log_event(service->config.log, HYP_LOG_ERROR, "command.not_saved",
                      "device=%lld status=%s next=change_the_device_by_hand",
                      (long long)command->device.id, hyp_status_name(status));
    }
    hyp_service_audit_as(service, pending->tenant, pending->user, "device.command_end",
                         "device", command->device.id, "%s: %s%s", hyp_buf_terminate(&what),
                         pending->good ? "done" : "failed, ",
                         pending->good ? err.text : pending->text);
}

void hyp_commands_apply(struct hyp_service *service)
{
    struct hyp_pending_command pending;
    while (take_ended(service, &pending)) {
        finish(service, &pending);
    }
}

/* --- the order --- */

/* 0 is what meters come with; every other address is for one meter of a line. */
static enum hyp_status check_address(struct hyp_service *service, hyp_tenant_id tenant,
                                     const struct hyp_meter_command *command,
                                     struct hyp_error *err)
{
    char taken[HYP_LIMIT_NAME];
    if (command->kind != HYP_METER_SET_ADDRESS || command->value == 0 ||
        !hyp_directory_address_taken(service->directory, tenant, command->device,
                                     command->value, taken)) {
        return HYP_OK;
    }
    return hyp_error_set(err, HYP_EXISTS, -1,
                         "address: %d is taken on this line by \"%s\"; choose another.",
                         command->value, taken);
}

static enum hyp_status check(struct hyp_service *service, const struct hyp_scope *scope,
                             const struct hyp_meter_command *command, struct hyp_error *err)
{
    hyp_tenant_id tenant = hyp_scope_tenant(scope);
    if (!hyp_directory_has_device(service->directory, tenant, command->device)) {
        return hyp_service_not_found(err, "device", command->device.id);
    }
    return check_address(service, tenant, command, err);
}

/* The end may have come while nobody waited for it yet. */
static void await_end(struct hyp_service *service, struct hyp_collector *collector,
                      struct hyp_pending_command *pending, hyp_job_id id)
{
    struct hyp_job job;
    pthread_mutex_lock(&service->keeper_lock);
    pending->job = id;
    pthread_mutex_unlock(&service->keeper_lock);
    if (hyp_collector_job(collector, id, &job) == HYP_OK) {
        hyp_commands_ended(service, &job);
    }
}

enum hyp_status hyp_field_command(struct hyp_service *service, const struct hyp_scope *scope,
                                  const struct hyp_meter_command *command,
                                  struct hyp_job *ret_job, struct hyp_error *err)
{
    struct hyp_collector *collector = NULL;
    hyp_job_id id = {0};
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DEVICE_COMMAND, err);
    status = status == HYP_OK ? check(service, scope, command, err) : status;
    status = status == HYP_OK ? hyp_service_collector(service, &collector, err) : status;
    if (status == HYP_OK) {
        status = hyp_members_check_devices(service, hyp_scope_tenant(scope), &command->device,
                                           1, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_pending_command *pending = reserve(service);
    if (pending == NULL) {
        return hyp_error_set(err, HYP_BUSY, -1,
                             "%d commands to meters are under way; wait for some to end.",
                             HYP_LIMIT_PENDING_COMMANDS);
    }
    pending->tenant = hyp_scope_tenant(scope);
    pending->user = hyp_scope_user(scope);
    pending->command = *command;
    status = hyp_collector_command(collector, command, &id, err);
    if (status != HYP_OK) {
        release(service, pending);
        return hyp_service_explain_failure(err, status);
    }
    char text[HYP_ERROR_TEXT_MAX];
    struct hyp_buf what;
    hyp_buf_init_fixed(&what, text, sizeof(text));
    describe(&what, command);
    hyp_service_audit(service, scope, "device.command", "device", command->device.id, "%s",
                      hyp_buf_terminate(&what));
    await_end(service, collector, pending, id);
    hyp_service_remember_job(service, id, hyp_scope_tenant(scope));
    if (hyp_collector_job(collector, id, ret_job) != HYP_OK) {
        *ret_job = (struct hyp_job){.id = id, .kind = HYP_JOB_COMMAND};
    }
    return HYP_OK;
}
