/* SPDX-License-Identifier: Apache-2.0 */
#include "service/manifest.h"

#include "base/map.h"
#include "service/devices.h"
#include "service/inside.h"
#include "service/plant_json.h"

#include <string.h>

struct manifest_run {
    struct hyp_service *service;
    const struct hyp_scope *scope;
    struct hyp_arena *arena;
    struct hyp_manifest_result *result;
    const json_t *lines;
    const json_t *devices;
    const json_t *groups;
    struct hyp_line *new_lines;
    hyp_line_id *line_ids; /* one per line of the manifest */
    bool *line_is_new;
    struct hyp_device *new_devices;
    size_t new_device_count;
    size_t *device_lines;      /* line index of each new device */
    size_t *device_at;         /* manifest index -> new device, or SIZE_MAX */
    hyp_device_id *device_ids; /* manifest index -> id, once known */
};

#define NO_INDEX SIZE_MAX

static void add_error(struct manifest_run *run, const char *what, size_t index,
                      const char *text)
{
    if (run->result->error_count < HYP_LIMIT_IMPORT_ERRORS) {
        struct hyp_buf buf;
        char *out = run->result->errors[run->result->error_count++];
        hyp_buf_init_fixed(&buf, out, HYP_ERROR_TEXT_MAX);
        hyp_buf_append_fmt(&buf, "%s[%zu] %s", what, index, text);
        hyp_buf_terminate(&buf);
    }
}

static struct hyp_str text_of(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    return (struct hyp_str){json_string_value(value), json_string_length(value)};
}

/* --- reading --- */

static void read_line(struct manifest_run *run, size_t index)
{
    struct hyp_line *line = &run->new_lines[index];
    struct hyp_error err = {0};
    bool password_given;
    hyp_line_defaults(line);
    if (hyp_line_read_json(json_array_get(run->lines, index), line, &password_given, &err) !=
            HYP_OK ||
        hyp_line_check(line, &err) != HYP_OK) {
        add_error(run, "lines", index, err.text);
        return;
    }
    run->line_ids[index] = hyp_directory_line_by_name(
        run->service->directory, hyp_scope_tenant(run->scope), hyp_str_from(line->name));
    run->line_is_new[index] = run->line_ids[index].id == 0;
    for (size_t i = 0; i < index; i++) {
        if (strcmp(run->new_lines[i].name, line->name) == 0) {
            add_error(run, "lines", index, "name: occurs twice.");
        }
    }
}

static size_t find_line(struct manifest_run *run, struct hyp_str name)
{
    for (size_t i = 0; i < json_array_size(run->lines); i++) {
        if (hyp_str_equal(hyp_str_from(run->new_lines[i].name), name)) {
            return i;
        }
    }
    return NO_INDEX;
}

/* Is the device in the plant already? The store would say EXISTS for the whole batch. */
static hyp_device_id find_present(struct manifest_run *run, const struct hyp_device *device)
{
    hyp_device_id found[64];
    hyp_tenant_id tenant = hyp_scope_tenant(run->scope);
    size_t count = device->serial[0] == '\0'
                       ? 0
                       : hyp_directory_find_serial(run->service->directory, tenant,
                                                   hyp_str_from(device->manufacturer),
                                                   hyp_str_from(device->serial), found,
                                                   HYP_ARRAY_LEN(found));
    for (size_t i = 0; i < count; i++) {
        struct hyp_device_view view;
        if (hyp_directory_device(run->service->directory, tenant, found[i],
                                 hyp_service_now(run->service), &view) == HYP_OK &&
            view.device.version == device->version && view.device.medium == device->medium) {
            return found[i];
        }
    }
    return (hyp_device_id){0};
}

static void keep_device(struct manifest_run *run, size_t index, size_t line_index,
                        const struct hyp_device *device)
{
    run->device_ids[index] = find_present(run, device);
    if (run->device_ids[index].id != 0) {
        run->result->skipped++;
        return;
    }
    run->device_at[index] = run->new_device_count;
    run->device_lines[run->new_device_count] = line_index;
    run->new_devices[run->new_device_count++] = *device;
}

static void read_device(struct manifest_run *run, size_t index)
{
    const json_t *object = json_array_get(run->devices, index);
    struct hyp_device device;
    struct hyp_error err = {0};
    hyp_device_defaults(&device);
    run->device_at[index] = NO_INDEX;
    if (hyp_device_read_manifest(object, &device, &err) != HYP_OK) {
        add_error(run, "devices", index, err.text);
        return;
    }
    struct hyp_str line_name = text_of(object, "line");
    size_t line_index = line_name.len == 0 ? NO_INDEX : find_line(run, line_name);
    if (line_name.len > 0 && line_index == NO_INDEX) {
        device.line = hyp_directory_line_by_name(run->service->directory,
                                                 hyp_scope_tenant(run->scope), line_name);
        if (device.line.id == 0) {
            add_error(run, "devices", index, "line: there is no line of this name.");
            return;
        }
    }
    /* A profile that this program does not have is a suggestion: the meter is matched. */
    if (hyp_library_find(run->service->config.library, hyp_str_from(device.profile)) == NULL) {
        device.profile[0] = '\0';
    }
    keep_device(run, index, line_index, &device);
    hyp_wipe(&device.key, sizeof(device.key));
}

/* --- writing --- */

/* Takes back the lines that were added before something failed. */
static void remove_lines(struct manifest_run *run, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (run->line_is_new[i] &&
            hyp_line_remove(run->service, run->scope, run->line_ids[i], NULL) != HYP_OK) {
            hyp_log_event(run->service->config.log, HYP_LOG_ERROR, "import.line_left",
                          "line=%lld next=remove_by_hand", (long long)run->line_ids[i].id);
        }
    }
}

static enum hyp_status write_lines(struct manifest_run *run, struct hyp_error *err)
{
    for (size_t i = 0; i < json_array_size(run->lines); i++) {
        if (!run->line_is_new[i]) {
            run->result->skipped++;
            continue;
        }
        enum hyp_status status =
            hyp_line_add(run->service, run->scope, &run->new_lines[i], err);
        if (status != HYP_OK) {
            remove_lines(run, i);
            run->result->lines = 0;
            return status;
        }
        run->line_ids[i] = run->new_lines[i].id;
        run->result->lines++;
    }
    return HYP_OK;
}

static size_t manifest_index(const struct manifest_run *run, size_t device_at)
{
    size_t index = 0;
    while (run->device_at[index] != device_at) {
        index++;
    }
    return index;
}

/* Are there more devices for a line than it carries? Said of the last of them. */
static void check_line_room(struct manifest_run *run, hyp_line_id line, size_t more,
                            struct hyp_error *err)
{
    size_t last = run->new_device_count;
    if (hyp_line_has_room(run->service, hyp_scope_tenant(run->scope), line, more, err) ==
        HYP_OK) {
        return;
    }
    while (last > 0 && run->new_devices[last - 1].line.id != line.id) {
        last--;
    }
    add_error(run, "devices", last > 0 ? manifest_index(run, last - 1) : 0, err->text);
}

static enum hyp_status check_room(struct manifest_run *run, struct hyp_error *err)
{
    HYP_CLEANUP(hyp_map_finish) struct hyp_map counts = {0};
    size_t cursor = 0;
    uint64_t line;
    uint64_t count;
    for (size_t i = 0; i < run->new_device_count; i++) {
        line = (uint64_t)run->new_devices[i].line.id;
        count = 0;
        (void)hyp_map_get(&counts, line, &count);
        if (hyp_map_set(&counts, line, count + 1) != HYP_OK) {
            return HYP_NO_MEMORY;
        }
    }
    while (hyp_map_next(&counts, &cursor, &line, &count)) {
        check_line_room(run, (hyp_line_id){(int64_t)line}, (size_t)count, err);
    }
    return HYP_OK;
}

/* Checks need the lines' ids, so they come after the lines were added. */
static enum hyp_status complete_devices(struct manifest_run *run, struct hyp_error *err)
{
    for (size_t i = 0; i < run->new_device_count; i++) {
        struct hyp_device *device = &run->new_devices[i];
        device->tenant = hyp_scope_tenant(run->scope);
        device->created = hyp_service_now(run->service);
        if (run->device_lines[i] != NO_INDEX) {
            device->line = run->line_ids[run->device_lines[i]];
        }
        if (hyp_device_check(run->service, device->tenant, device, err) != HYP_OK) {
            add_error(run, "devices", manifest_index(run, i), err->text);
        }
    }
    if (check_room(run, err) != HYP_OK) {
        return HYP_NO_MEMORY;
    }
    return run->result->error_count == 0 ? HYP_OK : HYP_INVALID;
}

static enum hyp_status write_devices(struct manifest_run *run, struct hyp_error *err)
{
    struct hyp_service *service = run->service;
    pthread_mutex_lock(&service->plant_lock);
    enum hyp_status status = HYP_OK;
    if (run->new_device_count > 0) {
        status = hyp_store_devices_add(service->config.store, run->new_devices,
                                       run->new_device_count, err);
    }
    for (size_t i = 0; status == HYP_OK && i < run->new_device_count; i++) {
        hyp_service_follow_device(service, &run->new_devices[i]);
    }
    pthread_mutex_unlock(&service->plant_lock);
    if (status == HYP_OK) {
        run->result->devices = run->new_device_count;
    }
    return status;
}

static hyp_device_id device_by_name(struct manifest_run *run, struct hyp_str name)
{
    for (size_t i = 0; i < json_array_size(run->devices); i++) {
        if (hyp_str_equal(text_of(json_array_get(run->devices, i), "name"), name)) {
            return run->device_at[i] == NO_INDEX ? run->device_ids[i]
                                                 : run->new_devices[run->device_at[i]].id;
        }
    }
    return (hyp_device_id){0};
}

static bool group_exists(struct manifest_run *run, struct hyp_str name)
{
    struct hyp_group *groups;
    size_t count = 0;
    if (hyp_groups_list(run->service, run->scope, run->arena, &groups, &count, NULL) !=
        HYP_OK) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (hyp_str_equal(hyp_str_from(groups[i].name), name)) {
            return true;
        }
    }
    return false;
}

static enum hyp_status write_group(struct manifest_run *run, const json_t *object,
                                   struct hyp_error *err)
{
    struct hyp_group group = {0};
    const json_t *members = json_object_get(object, "devices");
    size_t size = json_array_size(members);
    hyp_device_id *ids = hyp_arena_alloc_array(run->arena, size + 1, sizeof(*ids));
    size_t count = 0;
    if (ids == NULL) {
        return HYP_NO_MEMORY;
    }
    if (group_exists(run, text_of(object, "name"))) {
        return HYP_OK;
    }
    hyp_text_copy(group.name, sizeof(group.name), text_of(object, "name"));
    for (size_t i = 0; i < size; i++) {
        const json_t *name = json_array_get(members, i);
        struct hyp_str text = {json_string_value(name), json_string_length(name)};
        hyp_device_id id = device_by_name(run, text);
        if (id.id != 0) {
            ids[count++] = id;
        }
    }
    enum hyp_status status = hyp_group_add(run->service, run->scope, &group, err);
    if (status == HYP_OK) {
        run->result->groups++;
        const struct hyp_group_change change = {.add = ids, .add_count = count};
        status = hyp_group_change(run->service, run->scope, group.id, &change, err);
    }
    return status;
}

/* --- the whole --- */

static enum hyp_status allocate(struct manifest_run *run)
{
    size_t lines = json_array_size(run->lines) + 1;
    size_t devices = json_array_size(run->devices) + 1;
    struct hyp_arena *arena = run->arena;
    run->new_lines = hyp_arena_alloc_array(arena, lines, sizeof(*run->new_lines));
    run->line_ids = hyp_arena_alloc_array(arena, lines, sizeof(*run->line_ids));
    run->line_is_new = hyp_arena_alloc_array(arena, lines, sizeof(*run->line_is_new));
    run->new_devices = hyp_arena_alloc_array(arena, devices, sizeof(*run->new_devices));
    run->device_lines = hyp_arena_alloc_array(arena, devices, sizeof(*run->device_lines));
    run->device_at = hyp_arena_alloc_array(arena, devices, sizeof(*run->device_at));
    run->device_ids = hyp_arena_alloc_array(arena, devices, sizeof(*run->device_ids));
    run->result->errors =
        hyp_arena_alloc_array(arena, HYP_LIMIT_IMPORT_ERRORS, HYP_ERROR_TEXT_MAX);
    bool whole = run->new_lines != NULL && run->line_ids != NULL && run->line_is_new != NULL &&
                 run->new_devices != NULL && run->device_lines != NULL &&
                 run->device_at != NULL && run->device_ids != NULL &&
                 run->result->errors != NULL;
    return whole ? HYP_OK : HYP_NO_MEMORY;
}

static enum hyp_status first_error(struct manifest_run *run, struct hyp_error *err)
{
    return hyp_error_set(err, HYP_INVALID, -1, "Nothing was imported. %s",
                         run->result->errors[0]);
}

static enum hyp_status import(struct manifest_run *run, struct hyp_error *err)
{
    enum hyp_status status = allocate(run);
    if (status != HYP_OK) {
        return status;
    }
    for (size_t i = 0; i < json_array_size(run->lines); i++) {
        read_line(run, i);
    }
    for (size_t i = 0; i < json_array_size(run->devices); i++) {
        read_device(run, i);
    }
    if (run->result->error_count > 0) {
        return first_error(run, err);
    }
    status = write_lines(run, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_error inner = {0};
    status = complete_devices(run, &inner);
    if (status == HYP_OK) {
        status = write_devices(run, &inner);
    }
    if (status != HYP_OK) {
        remove_lines(run, json_array_size(run->lines));
        run->result->lines = 0;
        if (run->result->error_count == 0) {
            add_error(run, "devices", 0, inner.text);
        }
        return status == HYP_NO_MEMORY ? status : first_error(run, err);
    }
    for (size_t i = 0; status == HYP_OK && i < json_array_size(run->groups); i++) {
        status = write_group(run, json_array_get(run->groups, i), &inner);
    }
    if (status != HYP_OK) {
        hyp_service_explain_failure(&inner, status);
        return hyp_error_set(err, status, -1,
                             "Lines and devices are imported, not all groups. %s", inner.text);
    }
    return HYP_OK;
}

static enum hyp_status check_form(struct manifest_run *run, const json_t *root,
                                  struct hyp_error *err)
{
    static const char *const members[] = {"lines", "devices", "groups"};
    const json_t **places[] = {&run->lines, &run->devices, &run->groups};
    if (!json_is_object(root)) {
        return hyp_error_set(err, HYP_INVALID, -1, "A manifest is a JSON object.");
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(members); i++) {
        *places[i] = json_object_get(root, members[i]);
        if (*places[i] != NULL && !json_is_array(*places[i])) {
            return hyp_error_set(err, HYP_INVALID, -1, "%s: must be a list.", members[i]);
        }
    }
    if (json_array_size(run->lines) > HYP_LIMIT_LINES) {
        return hyp_error_set(err, HYP_LIMIT, -1, "lines: at most %d in one manifest.",
                             HYP_LIMIT_LINES);
    }
    return HYP_OK;
}

enum hyp_status hyp_manifest_import(struct hyp_service *service, const struct hyp_scope *scope,
                                    struct hyp_str text, struct hyp_arena *arena,
                                    struct hyp_manifest_result *ret_result,
                                    struct hyp_error *err)
{
    struct manifest_run run = {
        .service = service, .scope = scope, .arena = arena, .result = ret_result};
    json_error_t place;
    *ret_result = (struct hyp_manifest_result){0};
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DEVICE_WRITE, err);
    if (status == HYP_OK) {
        status = hyp_scope_require(scope, HYP_PERMISSION_LINE_WRITE, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &place);
    if (root == NULL) {
        return hyp_error_set(err, HYP_MALFORMED, place.position, "Line %d, column %d: %s.",
                             place.line, place.column, place.text);
    }
    status = check_form(&run, root, err);
    if (status == HYP_OK) {
        status = import(&run, err);
    }
    if (status == HYP_OK || ret_result->lines > 0 || ret_result->devices > 0) {
        hyp_service_audit(service, scope, "plant.import", "plant", 0,
                          "%zu lines, %zu devices, %zu groups, %zu skipped", ret_result->lines,
                          ret_result->devices, ret_result->groups, ret_result->skipped);
    }
    if (run.new_devices != NULL) {
        hyp_wipe(run.new_devices,
                 (json_array_size(run.devices) + 1) * sizeof(*run.new_devices));
    }
    json_decref(root);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}
