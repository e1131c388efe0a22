/* SPDX-License-Identifier: Apache-2.0 */
#include "service/devices.h"

#include "base/map.h"
#include "service/inside.h"
#include "service/readings.h"

#include <string.h>

/* --- what the latest values say --- */

/* The register people look at first, by kind of device; the first that is there wins. */
static const struct headline_row {
    const char *kind;
    enum hyp_name names[4];
} headline_rows[] = {
    {"heat_meter",        {HYP_NAME_ENERGY, HYP_NAME_COOLING_ENERGY, HYP_NAME_VOLUME}},
    {"water_meter",       {HYP_NAME_VOLUME, HYP_NAME_FLOW}                           },
    {"hca",               {HYP_NAME_HCA_UNITS}                                       },
    {"electricity_meter",
     {HYP_NAME_ACTIVE_ENERGY_IMPORT, HYP_NAME_ENERGY, HYP_NAME_ACTIVE_POWER}         },
    {"controller",        {HYP_NAME_FLOW_TEMPERATURE, HYP_NAME_SENSOR_TEMPERATURE}   },
    {"generic",           {HYP_NAME_ENERGY, HYP_NAME_VOLUME, HYP_NAME_REGISTER}      },
};

static bool is_plain_register(const struct hyp_point_key *key)
{
    return key->function == HYP_FUNCTION_INSTANTANEOUS && key->storage == 0 && key->tariff == 0;
}

static const struct hyp_latest *find_headline(const char *kind, const struct hyp_latest *values,
                                              size_t count)
{
    for (size_t row = 0; row < HYP_ARRAY_LEN(headline_rows); row++) {
        if (strcmp(headline_rows[row].kind, kind) != 0) {
            continue;
        }
        for (size_t n = 0; n < HYP_ARRAY_LEN(headline_rows[row].names); n++) {
            const struct hyp_latest *best = NULL;
            for (size_t i = 0; i < count; i++) {
                const struct hyp_latest *at = &values[i];
                if (headline_rows[row].names[n] != HYP_NAME_UNKNOWN &&
                    at->point.key.name == headline_rows[row].names[n] &&
                    is_plain_register(&at->point.key) &&
                    (best == NULL || at->point.key.subunit < best->point.key.subunit)) {
                    best = at;
                }
            }
            if (best != NULL) {
                return best;
            }
        }
    }
    return NULL;
}

void hyp_stored_value_format(struct hyp_buf *out, const struct hyp_stored_value *value)
{
    struct hyp_value plain = {.kind = value->kind, .quality = value->quality};
    switch (value->kind) {
    case HYP_VALUE_DECIMAL: plain.decimal = value->decimal; break;
    case HYP_VALUE_CIVIL: plain.civil = value->civil; break;
    case HYP_VALUE_FLAGS: plain.flags = value->flags; break;
    case HYP_VALUE_TEXT: plain.text = value->text; break;
    case HYP_VALUE_UNSET: break;
    }
    hyp_value_format(out, &plain);
}

static void fill_headline(const char *kind, const struct hyp_latest *values, size_t count,
                          struct hyp_device_extra *extra)
{
    const struct hyp_latest *shown = find_headline(kind, values, count);
    if (shown == NULL || !hyp_quality_is_usable(shown->value.quality)) {
        return;
    }
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, extra->headline_key, sizeof(extra->headline_key));
    hyp_point_key_format(&buf, &shown->point.key);
    hyp_buf_terminate(&buf);
    hyp_buf_init_fixed(&buf, extra->headline_text, sizeof(extra->headline_text));
    hyp_stored_value_format(&buf, &shown->value);
    hyp_buf_terminate(&buf);
    extra->headline_unit = hyp_unit_text(shown->point.unit);
    extra->has_headline = true;
}

static void fill_severity(const struct hyp_profile *profile, const struct hyp_latest *values,
                          size_t count, struct hyp_device_extra *extra)
{
    for (size_t i = 0; i < count; i++) {
        struct hyp_info_bit worst;
        const struct hyp_point_key *key = &values[i].point.key;
        if (is_plain_register(key) && values[i].value.kind == HYP_VALUE_FLAGS &&
            hyp_quality_is_usable(values[i].value.quality) &&
            hyp_profile_value_bits(profile, key->name, values[i].value.flags, &worst, 1) == 1) {
            extra->severity = HYP_MAX(extra->severity, worst.severity);
        }
    }
}

static enum hyp_status fill_extra(struct hyp_service *service,
                                  const struct hyp_device_view *view, struct hyp_arena *scratch,
                                  struct hyp_device_extra *ret_extra)
{
    struct hyp_latest *values;
    size_t count;
    struct hyp_device_extra extra = {.headline_unit = ""};
    enum hyp_status status = hyp_store_latest(service->config.store, view->device.tenant,
                                              view->device.id, scratch, &values, &count);
    if (status == HYP_NOT_FOUND) {
        count = 0; /* nothing committed yet */
    } else if (status != HYP_OK) {
        return status;
    }
    fill_headline(view->device.kind, values, count, &extra);
    fill_severity(view->profile, values, count, &extra);
    *ret_extra = extra;
    return HYP_OK;
}

/* --- list and look --- */

static enum hyp_status load_members(struct hyp_service *service, const struct hyp_scope *scope,
                                    int64_t group, struct hyp_arena *arena,
                                    struct hyp_map *members, struct hyp_error *err)
{
    hyp_device_id *devices;
    size_t count;
    enum hyp_status status =
        hyp_group_members(service, scope, group, arena, &devices, &count, err);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = hyp_map_set(members, (uint64_t)devices[i].id, 1);
    }
    return status;
}

static enum hyp_status fill_extras(struct hyp_service *service,
                                   const struct hyp_device_page *page, struct hyp_arena *arena,
                                   struct hyp_device_extra **ret_extras)
{
    struct hyp_device_extra *extras =
        hyp_arena_alloc_array(arena, page->count + 1, sizeof(*extras));
    if (extras == NULL) {
        return HYP_NO_MEMORY;
    }
    struct hyp_arena scratch;
    hyp_arena_init(&scratch, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; status == HYP_OK && i < page->count; i++) {
        status = fill_extra(service, &page->views[i], &scratch, &extras[i]);
        hyp_arena_reset(&scratch);
    }
    hyp_arena_finish(&scratch);
    *ret_extras = extras;
    return status;
}

enum hyp_status hyp_devices_list(struct hyp_service *service, const struct hyp_scope *scope,
                                 const struct hyp_device_query *query, int64_t group,
                                 struct hyp_arena *arena, struct hyp_device_page *ret_page,
                                 struct hyp_device_extra **ret_extras, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DEVICE_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_device_query asked = *query;
    struct hyp_map members;
    hyp_map_init(&members);
    if (group != 0) {
        status = load_members(service, scope, group, arena, &members, err);
        asked.members = &members;
    }
    if (status == HYP_OK) {
        status = hyp_directory_query(service->directory, hyp_scope_tenant(scope), &asked,
                                     hyp_service_now(service), arena, ret_page);
    }
    if (status == HYP_OK && ret_extras != NULL) {
        status = fill_extras(service, ret_page, arena, ret_extras);
    }
    hyp_map_finish(&members);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_device_get(struct hyp_service *service, const struct hyp_scope *scope,
                               hyp_device_id id, struct hyp_arena *arena,
                               struct hyp_device_view *ret_view,
                               struct hyp_device_extra *ret_extra, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DEVICE_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_directory_device(service->directory, hyp_scope_tenant(scope), id,
                                  hyp_service_now(service), ret_view);
    if (status != HYP_OK) {
        return hyp_service_not_found(err, "device", id.id);
    }
    if (ret_extra != NULL) {
        status = fill_extra(service, ret_view, arena, ret_extra);
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

hyp_utc hyp_device_next_due(struct hyp_service *service, const struct hyp_device_view *view)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    struct hyp_device_state state;
    bool known = view->next_due.ms != 0 || view->device.schedule.kind == HYP_SCHEDULE_NONE;
    if (!known && collector != NULL &&
        hyp_collector_device_state(collector, view->device.id, &state) == HYP_OK) {
        return state.next_due;
    }
    return view->next_due;
}

/* --- change --- */

enum hyp_status hyp_device_add(struct hyp_service *service, const struct hyp_scope *scope,
                               struct hyp_device *device, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DEVICE_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    device->tenant = hyp_scope_tenant(scope);
    device->created = hyp_service_now(service);
    status = hyp_device_check(service, device->tenant, device, err);
    if (status != HYP_OK) {
        return status;
    }
    pthread_mutex_lock(&service->plant_lock);
    status = hyp_line_has_room(service, device->tenant, device->line, 1, err);
    if (status == HYP_OK) {
        status = hyp_store_device_add(service->config.store, device, err);
    }
    if (status == HYP_OK) {
        hyp_service_follow_device(service, device);
    }
    pthread_mutex_unlock(&service->plant_lock);
    if (status == HYP_OK) {
        hyp_service_audit(service, scope, "device.add", "device", device->id.id, "%s (%s %s)",
                          device->name, device->manufacturer, device->serial);
        if (device->has_key) {
            hyp_backlog_ask(service, device->tenant, true);
        }
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

/* "name: a -> b; line: 1 -> 2"; a key is only ever "changed". */
static void describe_text(struct hyp_buf *out, const char *field, const char *before,
                          const char *after)
{
    if (strcmp(before, after) != 0) {
        hyp_buf_append_fmt(out, "%s%s: %s -> %s", out->len > 0 ? "; " : "", field, before,
                           after);
    }
}

static void describe_number(struct hyp_buf *out, const char *field, int64_t before,
                            int64_t after)
{
    if (before != after) {
        hyp_buf_append_fmt(out, "%s%s: %lld -> %lld", out->len > 0 ? "; " : "", field,
                           (long long)before, (long long)after);
    }
}

static void describe_change(struct hyp_buf *out, const struct hyp_device *before,
                            const struct hyp_device *after)
{
    char schedule_before[64];
    char schedule_after[64];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, schedule_before, sizeof(schedule_before));
    hyp_schedule_format(&buf, &before->schedule);
    hyp_buf_terminate(&buf);
    hyp_buf_init_fixed(&buf, schedule_after, sizeof(schedule_after));
    hyp_schedule_format(&buf, &after->schedule);
    hyp_buf_terminate(&buf);
    describe_text(out, "name", before->name, after->name);
    describe_text(out, "kind", before->kind, after->kind);
    describe_text(out, "profile", before->profile, after->profile);
    describe_text(out, "manufacturer", before->manufacturer, after->manufacturer);
    describe_text(out, "serial", before->serial, after->serial);
    describe_number(out, "version", before->version, after->version);
    describe_number(out, "medium", before->medium, after->medium);
    describe_number(out, "line", before->line.id, after->line.id);
    describe_number(out, "primary_address", before->primary_address, after->primary_address);
    describe_number(out, "secondary", before->secondary, after->secondary);
    describe_number(out, "baud", before->baud, after->baud);
    describe_number(out, "unit_id", before->unit_id, after->unit_id);
    describe_text(out, "address", before->address, after->address);
    describe_text(out, "city", before->city, after->city);
    describe_text(out, "schedule", schedule_before, schedule_after);
    describe_number(out, "enabled", before->enabled, after->enabled);
    if (before->has_key != after->has_key ||
        !hyp_equal_constant_time(before->key.bytes, after->key.bytes, sizeof(after->key))) {
        hyp_buf_append_fmt(out, "%skey changed", out->len > 0 ? "; " : "");
    }
}

static enum hyp_status update_locked(struct hyp_service *service, const struct hyp_scope *scope,
                                     struct hyp_device *device, bool key_given,
                                     struct hyp_device *before, struct hyp_error *err)
{
    enum hyp_status status =
        hyp_store_device(service->config.store, hyp_scope_tenant(scope), device->id, before);
    if (status != HYP_OK) {
        return hyp_service_not_found(err, "device", device->id.id);
    }
    if (!key_given) {
        device->has_key = before->has_key;
        device->key = before->key;
    }
    device->tenant = before->tenant;
    device->created = before->created;
    status = hyp_device_check(service, device->tenant, device, err);
    if (status == HYP_OK && device->line.id != before->line.id) {
        status = hyp_line_has_room(service, device->tenant, device->line, 1, err);
    }
    if (status == HYP_OK) {
        status = hyp_store_device_update(service->config.store, device, err);
    }
    if (status == HYP_OK) {
        hyp_service_follow_device(service, device);
    }
    return status;
}

enum hyp_status hyp_device_update(struct hyp_service *service, const struct hyp_scope *scope,
                                  struct hyp_device *device, bool key_given,
                                  struct hyp_error *err)
{
    struct hyp_device before;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DEVICE_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    pthread_mutex_lock(&service->plant_lock);
    status = update_locked(service, scope, device, key_given, &before, err);
    pthread_mutex_unlock(&service->plant_lock);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    char text[HYP_ERROR_TEXT_MAX];
    struct hyp_buf detail;
    hyp_buf_init_fixed(&detail, text, sizeof(text));
    describe_change(&detail, &before, device);
    hyp_service_audit(service, scope, "device.update", "device", device->id.id, "%s",
                      hyp_buf_terminate(&detail));
    hyp_wipe(&before.key, sizeof(before.key));
    if (key_given && device->has_key) {
        hyp_backlog_ask(service, device->tenant, false);
    }
    return HYP_OK;
}

enum hyp_status hyp_device_commanded(struct hyp_service *service, hyp_tenant_id tenant,
                                     const struct hyp_meter_command *command,
                                     struct hyp_error *err)
{
    struct hyp_device device;
    if (command->kind == HYP_METER_RESET_APPLICATION) {
        return HYP_OK;
    }
    pthread_mutex_lock(&service->plant_lock);
    enum hyp_status status =
        hyp_store_device(service->config.store, tenant, command->device, &device);
    if (status == HYP_OK) {
        if (command->kind == HYP_METER_SET_ADDRESS) {
            device.primary_address = (int16_t)command->value;
        } else {
            device.baud = (uint32_t)command->value;
        }
        status = hyp_store_device_update(service->config.store, &device, err);
    }
    if (status == HYP_OK) {
        hyp_service_follow_device(service, &device);
    }
    pthread_mutex_unlock(&service->plant_lock);
    hyp_wipe(&device.key, sizeof(device.key));
    return status;
}

enum hyp_status hyp_device_remove(struct hyp_service *service, const struct hyp_scope *scope,
                                  hyp_device_id id, struct hyp_error *err)
{
    struct hyp_device_view view;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DEVICE_WRITE, err);
    if (status == HYP_OK) {
        status = hyp_device_get(service, scope, id, NULL, &view, NULL, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    pthread_mutex_lock(&service->plant_lock);
    status = hyp_store_device_remove(service->config.store, hyp_scope_tenant(scope), id, err);
    if (status == HYP_OK) {
        struct hyp_collector *collector = atomic_load(&service->collector);
        if (collector != NULL) {
            hyp_collector_remove_device(collector, id);
        }
        hyp_directory_remove_device(service->directory, id);
    }
    pthread_mutex_unlock(&service->plant_lock);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "device.remove", "device", id.id, "%s (%s %s)",
                      view.device.name, view.device.manufacturer, view.device.serial);
    return HYP_OK;
}
