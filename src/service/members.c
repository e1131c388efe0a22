/* SPDX-License-Identifier: Apache-2.0 */
#include "service/members.h"

#include "service/inside.h"

#include <string.h>

void hyp_members_init(struct hyp_members *members)
{
    pthread_mutex_init(&members->lock, NULL);
    hyp_map_init(&members->lines);
}

void hyp_members_finish(struct hyp_members *members)
{
    hyp_map_finish(&members->lines);
    pthread_mutex_destroy(&members->lock);
}

/* --- what was told --- */

void hyp_members_told(void *user, const struct hyp_store_changes *changes)
{
    struct hyp_service *service = user;
    struct hyp_store_changes *told = &service->members.told;
    pthread_mutex_lock(&service->members.lock);
    told->all |= changes->all;
    told->access |= changes->access;
    told->tenant |= changes->tenant;
    told->keys |= changes->keys;
    for (size_t i = 0; i < changes->id_count; i++) {
        if (told->id_count == HYP_ARRAY_LEN(told->ids)) {
            told->all = true;
            break;
        }
        told->ids[told->id_count++] = changes->ids[i];
    }
    pthread_mutex_unlock(&service->members.lock);
    if (changes->orders) {
        hyp_passing_told(service);
    }
    if (changes->access) {
        /* At once: somebody may have been shut out. */
        hyp_sessions_forget(service->auth.sessions);
    }
}

void hyp_members_look_again(struct hyp_service *service, const struct hyp_store_change *change)
{
    const struct hyp_store_changes changes = {.ids = {*change}, .id_count = 1};
    hyp_members_told(service, &changes);
}

static struct hyp_store_changes take_told(struct hyp_service *service)
{
    pthread_mutex_lock(&service->members.lock);
    struct hyp_store_changes told = service->members.told;
    service->members.told = (struct hyp_store_changes){.id_count = 0};
    pthread_mutex_unlock(&service->members.lock);
    return told;
}

/* --- plant --- */

static enum hyp_status follow_line(struct hyp_service *service, hyp_tenant_id tenant,
                                   hyp_line_id id)
{
    struct hyp_line line;
    struct hyp_collector *collector = atomic_load(&service->collector);
    enum hyp_status status = hyp_store_line(service->config.store, tenant, id, &line);
    if (status == HYP_NOT_FOUND) {
        if (collector != NULL) {
            hyp_collector_remove_line(collector, id);
        }
        hyp_members_drop_line(service, id);
        hyp_directory_remove_line(service->directory, id);
        return HYP_OK;
    }
    if (status == HYP_OK) {
        hyp_service_follow_line(service, &line);
    }
    hyp_wipe(&line, sizeof(line));
    return status;
}

static enum hyp_status follow_device(struct hyp_service *service, hyp_tenant_id tenant,
                                     hyp_device_id id)
{
    struct hyp_device device;
    struct hyp_collector *collector = atomic_load(&service->collector);
    enum hyp_status status = hyp_store_device(service->config.store, tenant, id, &device);
    if (status == HYP_NOT_FOUND) {
        if (collector != NULL) {
            hyp_collector_remove_device(collector, id);
        }
        hyp_directory_remove_device(service->directory, id);
        return HYP_OK;
    }
    if (status == HYP_OK) {
        hyp_service_follow_device(service, &device);
    }
    hyp_wipe(&device, sizeof(device));
    return status;
}

/* Those that are known here: changed, gone, or neither. */
static enum hyp_status follow_known(struct hyp_service *service)
{
    struct hyp_directory *directory = service->directory;
    enum hyp_status status = HYP_OK;
    hyp_line_id line = hyp_directory_next_line(directory, (hyp_line_id){0});
    while (status == HYP_OK && line.id != 0) {
        status = follow_line(service, hyp_directory_tenant_of_line(directory, line), line);
        line = hyp_directory_next_line(directory, line);
    }
    int64_t last = hyp_directory_last_id(directory).id;
    for (int64_t id = 1; id <= last && status == HYP_OK; id++) {
        hyp_device_id device = {.id = id};
        hyp_tenant_id tenant = hyp_directory_tenant_of(directory, device);
        status = tenant.id == 0 ? HYP_OK : follow_device(service, tenant, device);
    }
    return status;
}

static enum hyp_status follow_new_lines(struct hyp_service *service, struct hyp_arena *arena)
{
    struct hyp_line *lines;
    size_t count = 0;
    enum hyp_status status =
        hyp_store_lines(service->config.store, (hyp_tenant_id){0}, arena, &lines, &count);
    for (size_t i = 0; i < count && status == HYP_OK; i++) {
        if (hyp_directory_tenant_of_line(service->directory, lines[i].id).id == 0) {
            status = follow_line(service, lines[i].tenant, lines[i].id);
        }
        hyp_wipe(lines[i].password, sizeof(lines[i].password));
    }
    return status;
}

static enum hyp_status follow_new_devices(struct hyp_service *service, struct hyp_arena *arena)
{
    struct hyp_device *devices;
    size_t count = 0;
    enum hyp_status status =
        hyp_store_devices(service->config.store, (hyp_tenant_id){0}, arena, &devices, &count);
    for (size_t i = 0; i < count && status == HYP_OK; i++) {
        if (hyp_directory_tenant_of(service->directory, devices[i].id).id == 0) {
            status = follow_device(service, devices[i].tenant, devices[i].id);
        }
        hyp_wipe(&devices[i].key, sizeof(devices[i].key));
    }
    return status;
}

/* All that there are, and all that there were, of every tenant. */
static enum hyp_status follow_everything(struct hyp_service *service)
{
    struct hyp_arena arena;
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status = follow_known(service);
    if (status == HYP_OK) {
        status = follow_new_lines(service, &arena);
    }
    if (status == HYP_OK) {
        status = follow_new_devices(service, &arena);
    }
    hyp_arena_finish(&arena);
    return status;
}

static enum hyp_status follow_tenant(struct hyp_service *service)
{
    struct hyp_arena arena;
    struct hyp_tenant *tenants;
    size_t count = 0;
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status = hyp_store_tenants(service->config.store, &arena, &tenants, &count);
    if (status == HYP_OK && count > 0) {
        pthread_mutex_lock(&service->tenant_lock);
        if (service->config.set_zone != NULL) {
            status = service->config.set_zone(service->config.set_zone_user,
                                              tenants[0].time_zone, NULL);
        }
        service->tenant = tenants[0];
        pthread_mutex_unlock(&service->tenant_lock);
    }
    hyp_arena_finish(&arena);
    return status;
}

static enum hyp_status follow(struct hyp_service *service, const struct hyp_store_changes *told)
{
    enum hyp_status status = told->all ? follow_everything(service) : HYP_OK;
    for (size_t i = 0; i < told->id_count && status == HYP_OK; i++) {
        const struct hyp_store_change *change = &told->ids[i];
        status = change->line.id != 0 ? follow_line(service, change->tenant, change->line)
                                      : follow_device(service, change->tenant, change->device);
    }
    if (status == HYP_OK && told->tenant) {
        status = follow_tenant(service);
    }
    return status == HYP_OK && told->keys ? hyp_default_keys_push(service) : status;
}

/* --- leases --- */

static bool needs_lease(const struct hyp_line *line)
{
    return line->enabled && line->kind != HYP_LINE_WMBUS_TCP_LISTEN &&
           line->kind != HYP_LINE_WMBUS_UDP_LISTEN;
}

bool hyp_members_may_open(struct hyp_service *service, const struct hyp_line *line)
{
    if (hyp_store_member(service->config.store) == NULL) {
        return true;
    }
    if (!needs_lease(line) || service->config.no_collect) {
        hyp_members_drop_line(service, line->id);
        return true;
    }
    bool has = hyp_store_line_lease(service->config.store, line->id);
    uint64_t before = 0;
    HYP_IGNORE(!hyp_map_get(&service->members.lines, (uint64_t)line->id.id, &before));
    if (hyp_map_set(&service->members.lines, (uint64_t)line->id.id, has) != HYP_OK) {
        hyp_store_line_release(service->config.store, line->id);
        return false;
    }
    if (has != (before != 0)) {
        hyp_log_event(service->config.log, HYP_LOG_INFO,
                      has ? "member.line_taken" : "member.line_lost", "member=%s line=%lld",
                      hyp_store_member(service->config.store), (long long)line->id.id);
    }
    return has;
}

void hyp_members_drop_line(struct hyp_service *service, hyp_line_id line)
{
    uint64_t known;
    if (hyp_map_get(&service->members.lines, (uint64_t)line.id, &known)) {
        hyp_map_remove(&service->members.lines, (uint64_t)line.id);
        hyp_store_line_release(service->config.store, line);
    }
}

/* Lines whose lease has come or gone; the others of them with the next look. */
static size_t changed_leases(struct hyp_service *service,
                             hyp_line_id lines[static HYP_LIMIT_MEMBER_NAMED])
{
    size_t count = 0;
    size_t cursor = 0;
    uint64_t line;
    uint64_t had;
    while (count < HYP_LIMIT_MEMBER_NAMED &&
           hyp_map_next(&service->members.lines, &cursor, &line, &had)) {
        const hyp_line_id id = {.id = (int64_t)line};
        if (hyp_store_line_lease(service->config.store, id) != (had != 0)) {
            lines[count++] = id;
        }
    }
    return count;
}

static enum hyp_status look_after_leases(struct hyp_service *service)
{
    hyp_line_id lines[HYP_LIMIT_MEMBER_NAMED];
    size_t count = changed_leases(service, lines); /* none when this server is alone */
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; i < count && status == HYP_OK; i++) {
        hyp_tenant_id tenant = hyp_directory_tenant_of_line(service->directory, lines[i]);
        status = follow_line(service, tenant, lines[i]);
    }
    return status;
}

static void look(struct hyp_service *service, bool leases)
{
    struct hyp_store_changes told = take_told(service);
    pthread_mutex_lock(&service->plant_lock);
    enum hyp_status status = follow(service, &told);
    if (status == HYP_OK && leases) {
        status = look_after_leases(service);
    }
    pthread_mutex_unlock(&service->plant_lock);
    if (status != HYP_OK) {
        /* Everything once more with the next look. */
        told.all = true;
        hyp_members_told(service, &told);
    }
    hyp_passing_look(service);
}

void hyp_members_look(struct hyp_service *service)
{
    look(service, true);
}

void hyp_members_look_at_orders(struct hyp_service *service)
{
    look(service, false);
}

/* --- asking on a line --- */

bool hyp_members_has_line(struct hyp_service *service, hyp_line_id line)
{
    uint64_t has = 0;
    pthread_mutex_lock(&service->plant_lock);
    bool known = hyp_map_get(&service->members.lines, (uint64_t)line.id, &has);
    pthread_mutex_unlock(&service->plant_lock);
    return known && has != 0;
}

enum hyp_status hyp_members_check_line(struct hyp_service *service, hyp_tenant_id tenant,
                                       hyp_line_id line, struct hyp_error *err)
{
    struct hyp_store *store = service->config.store;
    const char *self = hyp_store_member(store);
    char holder[HYP_LIMIT_MEMBER_NAME + 1] = "";
    char name[HYP_LIMIT_NAME];
    if (self == NULL || !hyp_directory_line_asks(service->directory, line) ||
        hyp_members_has_line(service, line)) {
        return HYP_OK;
    }
    hyp_directory_line_name(service->directory, tenant, line, name);
    /* Without the database nobody can tell, and a line that is being taken over is nobody's:
     * neither lasts. */
    if (hyp_store_line_holder(store, line, holder) != HYP_OK || holder[0] == '\0' ||
        hyp_str_equal(hyp_str_from(holder), hyp_str_from(self))) {
        return hyp_error_set(err, HYP_BUSY, -1,
                             "No server has opened this line yet: try again in some seconds, "
                             "or start one without --no-collect. Line: %s.",
                             name);
    }
    return hyp_error_set(err, HYP_CONFLICT, -1,
                         "The server \"%s\" has this line open: do this there, or stop that "
                         "server, and another one opens the line. Line: %s.",
                         holder, name);
}

enum hyp_status hyp_members_check_devices(struct hyp_service *service, hyp_tenant_id tenant,
                                          const hyp_device_id *devices, size_t count,
                                          struct hyp_error *err)
{
    struct hyp_device_view view;
    hyp_line_id checked = {0};
    enum hyp_status status = HYP_OK;
    if (hyp_store_member(service->config.store) == NULL) {
        return HYP_OK;
    }
    for (size_t i = 0; i < count && status == HYP_OK; i++) {
        /* One that is removed meanwhile is the collector's to refuse. */
        if (hyp_directory_device(service->directory, tenant, devices[i],
                                 hyp_service_now(service), &view) == HYP_OK &&
            view.device.line.id != checked.id) {
            checked = view.device.line;
            status = hyp_members_check_line(service, tenant, checked, err);
        }
    }
    return status;
}

size_t hyp_members_lines(struct hyp_service *service)
{
    size_t cursor = 0;
    size_t count = 0;
    uint64_t line;
    uint64_t has;
    pthread_mutex_lock(&service->plant_lock);
    while (hyp_map_next(&service->members.lines, &cursor, &line, &has)) {
        count += has != 0;
    }
    pthread_mutex_unlock(&service->plant_lock);
    return count;
}
