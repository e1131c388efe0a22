/* SPDX-License-Identifier: Apache-2.0 */
#include "service/devices.h"

#include "service/audit.h"
#include "service/inside.h"

#include <string.h>

enum hyp_status hyp_groups_list(struct hyp_service *service, const struct hyp_scope *scope,
                                struct hyp_arena *arena, struct hyp_group **ret_groups,
                                size_t *ret_count, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_GROUP_READ, err);
    if (status == HYP_OK) {
        status = hyp_store_groups(service->config.store, hyp_scope_tenant(scope), arena,
                                  ret_groups, ret_count);
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_group_add(struct hyp_service *service, const struct hyp_scope *scope,
                              struct hyp_group *group, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_GROUP_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    if (group->name[0] == '\0') {
        return hyp_error_set(err, HYP_INVALID, -1, "name: a group needs a name.");
    }
    group->tenant = hyp_scope_tenant(scope);
    status = hyp_store_group_add(service->config.store, group, err);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "group.add", "group", group->id, "%s", group->name);
    return HYP_OK;
}

enum hyp_status hyp_group_remove(struct hyp_service *service, const struct hyp_scope *scope,
                                 int64_t id, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_GROUP_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    char name[HYP_LIMIT_NAME];
    hyp_audit_name(service, scope, "group", id, name);
    status = hyp_store_group_remove(service->config.store, hyp_scope_tenant(scope), id, err);
    if (status != HYP_OK) {
        return status == HYP_NOT_FOUND ? hyp_service_not_found(err, "group", id)
                                       : hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "group.remove", "group", id, "%s", name);
    return HYP_OK;
}

static enum hyp_status check_members(struct hyp_service *service, const struct hyp_scope *scope,
                                     const hyp_device_id *devices, size_t count,
                                     struct hyp_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!hyp_directory_has_device(service->directory, hyp_scope_tenant(scope),
                                      devices[i])) {
            return hyp_service_not_found(err, "device", devices[i].id);
        }
    }
    return HYP_OK;
}

enum hyp_status hyp_group_change(struct hyp_service *service, const struct hyp_scope *scope,
                                 int64_t id, const struct hyp_group_change *change,
                                 struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_GROUP_WRITE, err);
    if (status == HYP_OK) {
        status = check_members(service, scope, change->add, change->add_count, err);
    }
    if (status == HYP_OK) {
        status = check_members(service, scope, change->remove, change->remove_count, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    status =
        hyp_store_group_change(service->config.store, hyp_scope_tenant(scope), id, change, err);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "group.members", "group", id, "%zu added, %zu removed",
                      change->add_count, change->remove_count);
    return HYP_OK;
}

enum hyp_status hyp_group_members(struct hyp_service *service, const struct hyp_scope *scope,
                                  int64_t id, struct hyp_arena *arena,
                                  hyp_device_id **ret_devices, size_t *ret_count,
                                  struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_GROUP_READ, err);
    if (status == HYP_OK) {
        status = hyp_store_group_members(service->config.store, hyp_scope_tenant(scope), id,
                                         arena, ret_devices, ret_count);
    }
    if (status == HYP_NOT_FOUND) {
        return hyp_service_not_found(err, "group", id);
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}
