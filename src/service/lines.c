/* SPDX-License-Identifier: Apache-2.0 */
#include "service/devices.h"

#include "service/inside.h"

#include <string.h>

static void fill_view(struct hyp_service *service, const struct hyp_line *line,
                      struct hyp_line_view *ret_view)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    struct hyp_device_view active;
    *ret_view = (struct hyp_line_view){.line = *line};
    ret_view->has_password = line->password[0] != '\0';
    hyp_wipe(ret_view->line.password, sizeof(ret_view->line.password));
    ret_view->state.line = line->id;
    if (collector == NULL ||
        hyp_collector_line_state(collector, line->id, &ret_view->state) != HYP_OK) {
        return;
    }
    if (ret_view->state.active_device.id != 0 &&
        hyp_directory_device(service->directory, line->tenant, ret_view->state.active_device,
                             hyp_service_now(service), &active) == HYP_OK) {
        hyp_text_copy(ret_view->active_device_name, sizeof(ret_view->active_device_name),
                      hyp_str_from(active.device.name));
    }
}

/* Lines are in the order of numbers. */
static enum hyp_status fill_devices(struct hyp_service *service, struct hyp_arena *arena,
                                    struct hyp_line_view *views, size_t count)
{
    hyp_line_id *lines = hyp_arena_alloc_array(arena, count + 1, sizeof(*lines));
    size_t *devices = hyp_arena_alloc_array(arena, count + 1, sizeof(*devices));
    if (lines == NULL || devices == NULL) {
        return HYP_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        lines[i] = views[i].line.id;
    }
    hyp_directory_devices_on_lines(service->directory, lines, count, devices);
    for (size_t i = 0; i < count; i++) {
        views[i].devices = devices[i];
    }
    return HYP_OK;
}

/* Both lists are in the order of numbers. */
static enum hyp_status fill_members(struct hyp_service *service, hyp_tenant_id tenant,
                                    struct hyp_arena *arena, struct hyp_line_view *views,
                                    size_t count)
{
    struct hyp_line_holder *holders;
    size_t holder_count;
    enum hyp_status status =
        hyp_store_line_holders(service->config.store, tenant, arena, &holders, &holder_count);
    size_t next = 0;
    for (size_t i = 0; i < count && status == HYP_OK; i++) {
        while (next < holder_count && holders[next].line.id < views[i].line.id.id) {
            next++;
        }
        if (next < holder_count && holders[next].line.id == views[i].line.id.id) {
            hyp_text_copy(views[i].member, sizeof(views[i].member),
                          hyp_str_from(holders[next].member));
        }
    }
    return status;
}

enum hyp_status hyp_lines_list(struct hyp_service *service, const struct hyp_scope *scope,
                               struct hyp_arena *arena, struct hyp_line_view **ret_lines,
                               size_t *ret_count, struct hyp_error *err)
{
    struct hyp_line *lines;
    size_t count;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_LINE_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    status =
        hyp_store_lines(service->config.store, hyp_scope_tenant(scope), arena, &lines, &count);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    struct hyp_line_view *views = hyp_arena_alloc_array(arena, count + 1, sizeof(*views));
    if (views == NULL) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    for (size_t i = 0; i < count; i++) {
        fill_view(service, &lines[i], &views[i]);
        hyp_wipe(lines[i].password, sizeof(lines[i].password));
    }
    status = fill_devices(service, arena, views, count);
    if (status == HYP_OK) {
        status = fill_members(service, hyp_scope_tenant(scope), arena, views, count);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    *ret_lines = views;
    *ret_count = count;
    return HYP_OK;
}

enum hyp_status hyp_line_get(struct hyp_service *service, const struct hyp_scope *scope,
                             hyp_line_id id, struct hyp_line_view *ret_line,
                             struct hyp_error *err)
{
    struct hyp_line line;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_LINE_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_line(service->config.store, hyp_scope_tenant(scope), id, &line);
    if (status != HYP_OK) {
        return status == HYP_NOT_FOUND ? hyp_service_not_found(err, "line", id.id)
                                       : hyp_service_explain_failure(err, status);
    }
    fill_view(service, &line, ret_line);
    ret_line->devices = hyp_directory_devices_on_line(service->directory, id);
    hyp_wipe(line.password, sizeof(line.password));
    if (hyp_store_line_holder(service->config.store, id, ret_line->member) != HYP_OK) {
        ret_line->member[0] = '\0'; /* nobody can tell while the database is away */
    }
    return HYP_OK;
}

/* Names tell lines apart in manifests and history files, so they are unique in a tenant. */
static enum hyp_status check_name(struct hyp_service *service, const struct hyp_scope *scope,
                                  const struct hyp_line *line, struct hyp_error *err)
{
    hyp_line_id other = hyp_directory_line_by_name(service->directory, hyp_scope_tenant(scope),
                                                   hyp_str_from(line->name));
    if (other.id == 0 || other.id == line->id.id) {
        return HYP_OK;
    }
    return hyp_error_set(err, HYP_EXISTS, -1, "name: another line is called \"%s\" already.",
                         line->name);
}

/* One too many would be stored, and never opened. */
static enum hyp_status check_count(struct hyp_service *service, struct hyp_error *err)
{
    return hyp_directory_line_count(service->directory) < HYP_LIMIT_LINES
               ? HYP_OK
               : hyp_error_set(err, HYP_LIMIT, -1, "There are %d lines, more are not opened.",
                               HYP_LIMIT_LINES);
}

enum hyp_status hyp_line_add(struct hyp_service *service, const struct hyp_scope *scope,
                             struct hyp_line *line, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_LINE_WRITE, err);
    if (status == HYP_OK) {
        status = hyp_line_check(line, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    line->id = (hyp_line_id){0};
    line->tenant = hyp_scope_tenant(scope);
    hyp_line_name_client(service, line);
    pthread_mutex_lock(&service->plant_lock);
    status = check_name(service, scope, line, err);
    if (status == HYP_OK) {
        status = check_count(service, err);
    }
    if (status == HYP_OK) {
        status = hyp_store_line_add(service->config.store, line, err);
    }
    if (status == HYP_OK) {
        hyp_service_follow_line(service, line);
    }
    pthread_mutex_unlock(&service->plant_lock);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "line.add", "line", line->id.id, "%s (%s)", line->name,
                      hyp_line_kind_text(line->kind));
    return HYP_OK;
}

static enum hyp_status update_locked(struct hyp_service *service, const struct hyp_scope *scope,
                                     struct hyp_line *line, bool password_given,
                                     struct hyp_error *err)
{
    struct hyp_line before;
    enum hyp_status status =
        hyp_store_line(service->config.store, hyp_scope_tenant(scope), line->id, &before);
    if (status != HYP_OK) {
        return hyp_service_not_found(err, "line", line->id.id);
    }
    line->tenant = before.tenant;
    hyp_line_name_client(service, line);
    if (!password_given) {
        hyp_text_copy(line->password, sizeof(line->password), hyp_str_from(before.password));
    }
    hyp_wipe(before.password, sizeof(before.password));
    status = hyp_line_check(line, err);
    if (status == HYP_OK) {
        status = check_name(service, scope, line, err);
    }
    if (status == HYP_OK) {
        status = hyp_store_line_update(service->config.store, line, err);
    }
    if (status == HYP_OK) {
        hyp_service_follow_line(service, line);
    }
    return status;
}

enum hyp_status hyp_line_update(struct hyp_service *service, const struct hyp_scope *scope,
                                struct hyp_line *line, bool password_given,
                                struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_LINE_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    pthread_mutex_lock(&service->plant_lock);
    status = update_locked(service, scope, line, password_given, err);
    pthread_mutex_unlock(&service->plant_lock);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "line.update", "line", line->id.id,
                      "%s (%s) %s:%u%s, %s%s", line->name, hyp_line_kind_text(line->kind),
                      line->host, line->port, line->path, line->enabled ? "on" : "off",
                      password_given ? ", password changed" : "");
    return HYP_OK;
}

enum hyp_status hyp_line_remove(struct hyp_service *service, const struct hyp_scope *scope,
                                hyp_line_id id, struct hyp_error *err)
{
    struct hyp_line_view view = {.devices = 0};
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_LINE_WRITE, err);
    if (status == HYP_OK) {
        status = hyp_line_get(service, scope, id, &view, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    if (view.devices > 0) {
        return hyp_error_set(err, HYP_CONFLICT, -1,
                             "%zu devices use this line. Move or remove them first.",
                             view.devices);
    }
    pthread_mutex_lock(&service->plant_lock);
    status = hyp_store_line_remove(service->config.store, hyp_scope_tenant(scope), id, err);
    if (status == HYP_OK) {
        struct hyp_collector *collector = atomic_load(&service->collector);
        if (collector != NULL) {
            hyp_collector_remove_line(collector, id);
        }
        hyp_members_drop_line(service, id);
        hyp_directory_remove_line(service->directory, id);
    }
    pthread_mutex_unlock(&service->plant_lock);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "line.remove", "line", id.id, "%s", view.line.name);
    return HYP_OK;
}

void hyp_plant_names(struct hyp_service *service, const struct hyp_scope *scope,
                     hyp_device_id device, hyp_line_id line, struct hyp_plant_names *ret_names)
{
    struct hyp_device_view view;
    *ret_names = (struct hyp_plant_names){.device = ""};
    if (device.id != 0 &&
        hyp_directory_device(service->directory, hyp_scope_tenant(scope), device,
                             hyp_service_now(service), &view) == HYP_OK) {
        hyp_text_copy(ret_names->device, sizeof(ret_names->device),
                      hyp_str_from(view.device.name));
    }
    if (line.id != 0) {
        hyp_directory_line_name(service->directory, hyp_scope_tenant(scope), line,
                                ret_names->line);
    }
}
