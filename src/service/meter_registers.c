/* SPDX-License-Identifier: Apache-2.0 */
#include "service/meter_registers.h"

#include "base/map.h"
#include "service/devices.h"
#include "service/inside.h"

/* Each device of the list must be the tenant's: one that is not does not exist. */
static enum hyp_status load_list(struct hyp_service *service, hyp_tenant_id tenant,
                                 const struct hyp_meter_registers_query *query,
                                 struct hyp_map *listed, struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; status == HYP_OK && i < query->device_count; i++) {
        hyp_device_id id = query->devices[i];
        status = hyp_directory_has_device(service->directory, tenant, id)
                     ? hyp_map_set(listed, (uint64_t)id.id, 1)
                     : hyp_service_not_found(err, "device", id.id);
    }
    return status;
}

static enum hyp_status add_register(struct hyp_service *service,
                                    const struct hyp_device *device,
                                    const struct hyp_point_key *key, struct hyp_arena *scratch,
                                    struct hyp_arena *arena,
                                    struct hyp_meter_registers *registers)
{
    struct hyp_point *points = NULL;
    size_t count = 0;
    enum hyp_status status = hyp_store_points(service->config.store, device->tenant, device->id,
                                              scratch, &points, &count);
    if (status == HYP_NOT_FOUND) {
        status = HYP_OK; /* it has not said anything yet */
    }
    if (status != HYP_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        if (!hyp_point_key_equal(&points[i].key, key) || points[i].kind != HYP_VALUE_DECIMAL) {
            continue;
        }
        const struct hyp_meter_register found = {
            .point = points[i].id,
            .device = device->id,
            .unit = points[i].unit,
            .name = hyp_arena_copy_str(arena, hyp_str_from(device->name)),
            .serial = hyp_arena_copy_str(arena, hyp_str_from(device->serial)),
        };
        registers->list[registers->count++] = found;
        return found.name == NULL || found.serial == NULL ? HYP_LIMIT : HYP_OK;
    }
    registers->without++;
    return HYP_OK;
}

static enum hyp_status pick(struct hyp_service *service,
                            const struct hyp_meter_registers_query *query,
                            const struct hyp_map *listed, const struct hyp_device_page *page,
                            struct hyp_arena *arena, struct hyp_meter_registers *registers)
{
    struct hyp_arena scratch;
    enum hyp_status status = HYP_OK;
    registers->list = hyp_arena_alloc_array(arena, page->count + 1, sizeof(*registers->list));
    if (registers->list == NULL) {
        return HYP_LIMIT;
    }
    hyp_arena_init(&scratch, HYP_LIMIT_REQUEST_ARENA);
    for (size_t i = 0; status == HYP_OK && i < page->count; i++) {
        const struct hyp_device *device = &page->views[i].device;
        uint64_t unused;
        if (query->devices != NULL && !hyp_map_get(listed, (uint64_t)device->id.id, &unused)) {
            continue;
        }
        hyp_arena_reset(&scratch);
        status = add_register(service, device, &query->key, &scratch, arena, registers);
    }
    hyp_arena_finish(&scratch);
    return status;
}

enum hyp_status
hyp_meter_registers_find(struct hyp_service *service, const struct hyp_scope *scope,
                         const struct hyp_meter_registers_query *query, struct hyp_arena *arena,
                         struct hyp_meter_registers *ret_registers, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    const struct hyp_device_query devices = {
        .search = query->search,
        .kind = query->kind,
        .line = HYP_LINE_ANY,
        .sort = HYP_SORT_NAME,
        .limit = SIZE_MAX,
    };
    struct hyp_meter_registers registers = {0};
    struct hyp_device_page page;
    struct hyp_arena views; /* large, and not needed any more afterwards */
    struct hyp_map listed;
    hyp_map_init(&listed);
    hyp_arena_init(&views, HYP_LIMIT_REQUEST_ARENA);
    status = load_list(service, hyp_scope_tenant(scope), query, &listed, err);
    if (status == HYP_OK) {
        status =
            hyp_devices_list(service, scope, &devices, query->group, &views, &page, NULL, err);
    }
    if (status == HYP_OK) {
        status = pick(service, query, &listed, &page, arena, &registers);
    }
    hyp_arena_finish(&views);
    hyp_map_finish(&listed);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    *ret_registers = registers;
    return HYP_OK;
}
