/* SPDX-License-Identifier: Apache-2.0 */
#include "service/directory.h"

#include "base/buf.h"
#include "service/directory_inside.h"
#include "service/search.h"

#include <stdlib.h>
#include <string.h>

#define FOLDED_MAX 1024

/* Medium codes of EN 13757-7 table 13, as far as they tell what a device is for. */
static const struct medium_row {
    uint8_t medium;
    const char *kind;
} medium_rows[] = {
    {0x02, "electricity_meter"},
    {0x04, "heat_meter"       },
    {0x06, "water_meter"      },
    {0x07, "water_meter"      },
    {0x08, "hca"              },
    {0x0A, "heat_meter"       },
    {0x0B, "heat_meter"       },
    {0x0C, "heat_meter"       },
    {0x0D, "heat_meter"       },
    {0x15, "water_meter"      },
    {0x16, "water_meter"      },
    {0x17, "water_meter"      },
};

const char *hyp_device_kind_of_medium(int medium)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(medium_rows); i++) {
        if (medium_rows[i].medium == medium) {
            return medium_rows[i].kind;
        }
    }
    return "generic";
}

enum hyp_status hyp_directory_create(const struct hyp_library *library,
                                     struct hyp_directory **ret_directory)
{
    struct hyp_directory *directory = calloc(1, sizeof(*directory));
    if (directory == NULL) {
        return HYP_NO_MEMORY;
    }
    directory->library = library;
    pthread_rwlock_init(&directory->lock, NULL);
    hyp_map_init(&directory->index);
    hyp_map_init(&directory->lines);
    *ret_directory = directory;
    return HYP_OK;
}

static void free_entry(struct hyp_directory_entry *entry)
{
    if (entry != NULL) {
        hyp_wipe(&entry->device.key, sizeof(entry->device.key));
        free(entry->folded);
        free(entry);
    }
}

struct hyp_directory_entry *hyp_directory_entry_locked(const struct hyp_directory *directory,
                                                       int64_t id)
{
    uint64_t at = 0;
    if (!hyp_map_get(&directory->index, (uint64_t)id, &at)) {
        return NULL;
    }
    return (struct hyp_directory_entry *)(uintptr_t)at;
}

static struct hyp_line *find_line(const struct hyp_directory *directory, int64_t id)
{
    uint64_t at = 0;
    if (!hyp_map_get(&directory->lines, (uint64_t)id, &at)) {
        return NULL;
    }
    return (struct hyp_line *)(uintptr_t)at;
}

const struct hyp_line *hyp_directory_line_locked(const struct hyp_directory *directory,
                                                 hyp_line_id id)
{
    return find_line(directory, id.id);
}

void *hyp_directory_destroy(struct hyp_directory *directory)
{
    if (directory == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < directory->count; i++) {
        free_entry(directory->entries[i]);
    }
    size_t cursor = 0;
    uint64_t key;
    uint64_t line;
    while (hyp_map_next(&directory->lines, &cursor, &key, &line)) {
        free((void *)(uintptr_t)line);
    }
    free(directory->entries);
    hyp_map_finish(&directory->index);
    hyp_map_finish(&directory->lines);
    pthread_rwlock_destroy(&directory->lock);
    free(directory);
    return NULL;
}

static const struct hyp_profile *resolve_profile(const struct hyp_library *library,
                                                 const struct hyp_device *device)
{
    if (library == NULL) {
        return NULL;
    }
    if (device->profile[0] != '\0') {
        const struct hyp_profile *chosen =
            hyp_library_find(library, hyp_str_from(device->profile));
        if (chosen != NULL) {
            return chosen;
        }
    }
    struct hyp_meter_identity meter = {0};
    hyp_text_copy(meter.manufacturer, sizeof(meter.manufacturer),
                  hyp_str_from(device->manufacturer));
    if (strlen(device->manufacturer) == 3) {
        meter.manufacturer_code = hyp_manufacturer_from_text(device->manufacturer);
    }
    hyp_text_copy(meter.id, sizeof(meter.id), hyp_str_from(device->serial));
    meter.version = device->version < 0 ? 0 : (uint8_t)device->version;
    meter.medium = device->medium < 0 ? 0 : (uint8_t)device->medium;
    return hyp_library_match(library, &meter);
}

/* The words by which somebody looks for this device. */
static char *make_folded(const struct hyp_directory *directory,
                         const struct hyp_directory_entry *entry, size_t *ret_len)
{
    const struct hyp_line *line = find_line(directory, entry->device.line.id);
    const char *parts[] = {
        entry->device.name,
        entry->device.serial,
        entry->device.manufacturer,
        entry->device.address,
        entry->device.city,
        entry->device.kind,
        entry->device.profile,
        entry->profile == NULL ? "" : hyp_profile_info(entry->profile)->title,
        line == NULL ? "" : line->name,
    };
    struct hyp_buf buf;
    hyp_buf_init_heap(&buf, FOLDED_MAX);
    for (size_t i = 0; i < HYP_ARRAY_LEN(parts); i++) {
        hyp_search_fold(&buf, hyp_str_from(parts[i]));
        /* A separator that no query contains, so that words never match across fields. */
        hyp_buf_append_char(&buf, '\n');
    }
    if (hyp_buf_status(&buf) == HYP_NO_MEMORY) {
        hyp_buf_finish(&buf);
        return NULL;
    }
    return (char *)hyp_buf_steal(&buf, ret_len);
}

static bool refold(const struct hyp_directory *directory, struct hyp_directory_entry *entry)
{
    size_t len = 0;
    char *folded = make_folded(directory, entry, &len);
    if (folded == NULL) {
        return false;
    }
    free(entry->folded);
    entry->folded = folded;
    entry->folded_len = len;
    return true;
}

static bool reserve_entry(struct hyp_directory *directory)
{
    if (directory->count < directory->capacity) {
        return true;
    }
    size_t capacity = HYP_MAX(directory->capacity * 2, (size_t)64);
    struct hyp_directory_entry **grown =
        realloc(directory->entries, capacity * sizeof(struct hyp_directory_entry *));
    if (grown == NULL) {
        return false;
    }
    directory->entries = grown;
    directory->capacity = capacity;
    return true;
}

static enum hyp_status add_entry(struct hyp_directory *directory,
                                 struct hyp_directory_entry *entry)
{
    if (!reserve_entry(directory) || !refold(directory, entry)) {
        return HYP_NO_MEMORY;
    }
    enum hyp_status status = hyp_map_set(&directory->index, (uint64_t)entry->device.id.id,
                                         (uint64_t)(uintptr_t)entry);
    if (status == HYP_OK) {
        directory->entries[directory->count++] = entry;
    }
    return status;
}

enum hyp_status hyp_directory_set_device(struct hyp_directory *directory,
                                         const struct hyp_device *device)
{
    enum hyp_status status = HYP_OK;
    pthread_rwlock_wrlock(&directory->lock);
    struct hyp_directory_entry *entry = hyp_directory_entry_locked(directory, device->id.id);
    bool fresh = entry == NULL;
    if (fresh) {
        entry = calloc(1, sizeof(*entry));
    }
    if (entry == NULL) {
        status = HYP_NO_MEMORY;
    } else {
        entry->device = *device;
        entry->profile = resolve_profile(directory->library, device);
        directory->ranks_stale = true;
        if (fresh) {
            status = add_entry(directory, entry);
        } else if (!refold(directory, entry)) {
            status = HYP_NO_MEMORY;
        }
        if (fresh && status != HYP_OK) {
            free_entry(entry);
        }
    }
    pthread_rwlock_unlock(&directory->lock);
    return status;
}

void hyp_directory_remove_device(struct hyp_directory *directory, hyp_device_id id)
{
    pthread_rwlock_wrlock(&directory->lock);
    struct hyp_directory_entry *entry = hyp_directory_entry_locked(directory, id.id);
    if (entry != NULL) {
        size_t at = 0;
        while (directory->entries[at] != entry) {
            at++;
        }
        directory->entries[at] = directory->entries[--directory->count];
        hyp_map_remove(&directory->index, (uint64_t)id.id);
        directory->ranks_stale = true;
        free_entry(entry);
    }
    pthread_rwlock_unlock(&directory->lock);
}

enum hyp_status hyp_directory_set_line(struct hyp_directory *directory,
                                       const struct hyp_line *line)
{
    struct hyp_line *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return HYP_NO_MEMORY;
    }
    *copy = *line;
    hyp_wipe(copy->password, sizeof(copy->password));
    pthread_rwlock_wrlock(&directory->lock);
    struct hyp_line *before = find_line(directory, line->id.id);
    enum hyp_status status =
        hyp_map_set(&directory->lines, (uint64_t)line->id.id, (uint64_t)(uintptr_t)copy);
    if (status == HYP_OK) {
        bool renamed = before != NULL && strcmp(before->name, copy->name) != 0;
        for (size_t i = 0; renamed && i < directory->count; i++) {
            if (directory->entries[i]->device.line.id == line->id.id) {
                /* Without memory the old words stay: only the search is behind. */
                HYP_IGNORE(!refold(directory, directory->entries[i]));
            }
        }
        free(before);
    } else {
        free(copy);
    }
    pthread_rwlock_unlock(&directory->lock);
    return status;
}

void hyp_directory_remove_line(struct hyp_directory *directory, hyp_line_id id)
{
    pthread_rwlock_wrlock(&directory->lock);
    free(find_line(directory, id.id));
    hyp_map_remove(&directory->lines, (uint64_t)id.id);
    pthread_rwlock_unlock(&directory->lock);
}

void hyp_directory_view_of(const struct hyp_directory *directory,
                           const struct hyp_directory_entry *entry, hyp_utc now,
                           struct hyp_device_view *ret_view)
{
    const struct hyp_line *line = find_line(directory, entry->device.line.id);
    *ret_view = (struct hyp_device_view){
        .device = entry->device,
        .comm = entry->comm,
        .condition = hyp_directory_condition(entry, now),
        .last_reading = hyp_directory_last_reading(entry, now),
        .job = entry->job,
        .next_due = entry->next_due,
        .backing_off = entry->backing_off,
        .profile = entry->profile,
    };
    hyp_wipe(&ret_view->device.key, sizeof(ret_view->device.key));
    if (line != NULL) {
        hyp_text_copy(ret_view->line_name, sizeof(ret_view->line_name),
                      hyp_str_from(line->name));
        ret_view->polled = hyp_line_kind_is_polled(line->kind);
    }
}

enum hyp_status hyp_directory_device(struct hyp_directory *directory, hyp_tenant_id tenant,
                                     hyp_device_id id, hyp_utc now,
                                     struct hyp_device_view *ret_view)
{
    pthread_rwlock_rdlock(&directory->lock);
    const struct hyp_directory_entry *entry = hyp_directory_entry_locked(directory, id.id);
    bool found = entry != NULL && entry->device.tenant.id == tenant.id;
    if (found) {
        hyp_directory_view_of(directory, entry, now, ret_view);
    }
    pthread_rwlock_unlock(&directory->lock);
    return found ? HYP_OK : HYP_NOT_FOUND;
}

bool hyp_directory_has_device(struct hyp_directory *directory, hyp_tenant_id tenant,
                              hyp_device_id id)
{
    return tenant.id != 0 && hyp_directory_tenant_of(directory, id).id == tenant.id;
}

hyp_tenant_id hyp_directory_tenant_of(struct hyp_directory *directory, hyp_device_id id)
{
    pthread_rwlock_rdlock(&directory->lock);
    const struct hyp_directory_entry *entry = hyp_directory_entry_locked(directory, id.id);
    hyp_tenant_id tenant = entry == NULL ? (hyp_tenant_id){0} : entry->device.tenant;
    pthread_rwlock_unlock(&directory->lock);
    return tenant;
}

hyp_tenant_id hyp_directory_tenant_of_line(struct hyp_directory *directory, hyp_line_id id)
{
    pthread_rwlock_rdlock(&directory->lock);
    const struct hyp_line *line = find_line(directory, id.id);
    hyp_tenant_id tenant = line == NULL ? (hyp_tenant_id){0} : line->tenant;
    pthread_rwlock_unlock(&directory->lock);
    return tenant;
}

enum hyp_status hyp_directory_lines(struct hyp_directory *directory, hyp_tenant_id tenant,
                                    struct hyp_arena *arena, hyp_line_id **ret_lines,
                                    size_t *ret_count)
{
    size_t cursor = 0;
    size_t count = 0;
    uint64_t id;
    uint64_t at;
    pthread_rwlock_rdlock(&directory->lock);
    hyp_line_id *lines =
        hyp_arena_alloc_array(arena, directory->lines.count + 1, sizeof(*lines));
    while (lines != NULL && hyp_map_next(&directory->lines, &cursor, &id, &at)) {
        if (((const struct hyp_line *)(uintptr_t)at)->tenant.id == tenant.id) {
            lines[count++] = (hyp_line_id){(int64_t)id};
        }
    }
    pthread_rwlock_unlock(&directory->lock);
    *ret_lines = lines;
    *ret_count = count;
    return lines == NULL ? HYP_NO_MEMORY : HYP_OK;
}

size_t hyp_directory_line_count(struct hyp_directory *directory)
{
    pthread_rwlock_rdlock(&directory->lock);
    size_t count = directory->lines.count;
    pthread_rwlock_unlock(&directory->lock);
    return count;
}

hyp_line_id hyp_directory_next_line(struct hyp_directory *directory, hyp_line_id line)
{
    hyp_line_id next = {0};
    pthread_rwlock_rdlock(&directory->lock);
    size_t cursor = 0;
    uint64_t id;
    uint64_t at;
    while (hyp_map_next(&directory->lines, &cursor, &id, &at)) {
        if ((int64_t)id > line.id && (next.id == 0 || (int64_t)id < next.id)) {
            next.id = (int64_t)id;
        }
    }
    pthread_rwlock_unlock(&directory->lock);
    return next;
}

bool hyp_directory_line_asks(struct hyp_directory *directory, hyp_line_id id)
{
    pthread_rwlock_rdlock(&directory->lock);
    const struct hyp_line *line = find_line(directory, id.id);
    bool asks = line != NULL && line->enabled && hyp_line_kind_is_polled(line->kind);
    pthread_rwlock_unlock(&directory->lock);
    return asks;
}

void hyp_directory_line_name(struct hyp_directory *directory, hyp_tenant_id tenant,
                             hyp_line_id id, char ret_name[static HYP_LIMIT_NAME])
{
    ret_name[0] = '\0';
    pthread_rwlock_rdlock(&directory->lock);
    const struct hyp_line *line = find_line(directory, id.id);
    if (line != NULL && line->tenant.id == tenant.id) {
        hyp_text_copy(ret_name, HYP_LIMIT_NAME, hyp_str_from(line->name));
    }
    pthread_rwlock_unlock(&directory->lock);
}

hyp_line_id hyp_directory_line_by_name(struct hyp_directory *directory, hyp_tenant_id tenant,
                                       struct hyp_str name)
{
    hyp_line_id found = {0};
    pthread_rwlock_rdlock(&directory->lock);
    size_t cursor = 0;
    uint64_t key;
    uint64_t at;
    while (hyp_map_next(&directory->lines, &cursor, &key, &at)) {
        const struct hyp_line *line = (const struct hyp_line *)(uintptr_t)at;
        if (line->tenant.id == tenant.id && hyp_str_equal(hyp_str_from(line->name), name)) {
            found = line->id;
        }
    }
    pthread_rwlock_unlock(&directory->lock);
    return found;
}

bool hyp_directory_address_taken(struct hyp_directory *directory, hyp_tenant_id tenant,
                                 hyp_device_id device, int32_t address,
                                 char ret_name[static HYP_LIMIT_NAME])
{
    bool taken = false;
    pthread_rwlock_rdlock(&directory->lock);
    const struct hyp_directory_entry *own = hyp_directory_entry_locked(directory, device.id);
    for (size_t i = 0; own != NULL && !taken && i < directory->count; i++) {
        const struct hyp_device *other = &directory->entries[i]->device;
        taken = other->id.id != device.id && other->tenant.id == tenant.id &&
                other->line.id == own->device.line.id && other->primary_address == address;
        if (taken) {
            hyp_text_copy(ret_name, HYP_LIMIT_NAME, hyp_str_from(other->name));
        }
    }
    pthread_rwlock_unlock(&directory->lock);
    return taken;
}

size_t hyp_directory_devices_on_line(struct hyp_directory *directory, hyp_line_id id)
{
    size_t count = 0;
    pthread_rwlock_rdlock(&directory->lock);
    for (size_t i = 0; i < directory->count; i++) {
        count += directory->entries[i]->device.line.id == id.id ? 1 : 0;
    }
    pthread_rwlock_unlock(&directory->lock);
    return count;
}

static int compare_lines(const void *left, const void *right)
{
    int64_t a = ((const hyp_line_id *)left)->id;
    int64_t b = ((const hyp_line_id *)right)->id;
    return a < b ? -1 : a > b;
}

void hyp_directory_devices_on_lines(struct hyp_directory *directory, const hyp_line_id *lines,
                                    size_t count, size_t *ret_devices)
{
    for (size_t i = 0; i < count; i++) {
        ret_devices[i] = 0;
    }
    pthread_rwlock_rdlock(&directory->lock);
    for (size_t i = 0; i < directory->count && count > 0; i++) {
        const hyp_line_id *line = bsearch(&directory->entries[i]->device.line, lines, count,
                                          sizeof(*lines), compare_lines);
        if (line != NULL) {
            ret_devices[line - lines]++;
        }
    }
    pthread_rwlock_unlock(&directory->lock);
}

static bool is_meter(const struct hyp_device *device, const struct hyp_meter_identity *meter)
{
    return hyp_str_equal_nocase(hyp_str_from(device->serial), hyp_str_from(meter->id)) &&
           (device->manufacturer[0] == '\0' ||
            strcmp(device->manufacturer, meter->manufacturer) == 0) &&
           (device->version < 0 || device->version == meter->version) &&
           (device->medium < 0 || device->medium == meter->medium);
}

bool hyp_directory_find_key(struct hyp_directory *directory, hyp_tenant_id tenant,
                            const struct hyp_meter_identity *meter, struct hyp_aes_key *ret_key)
{
    bool found = false;
    pthread_rwlock_rdlock(&directory->lock);
    for (size_t i = 0; !found && i < directory->count; i++) {
        const struct hyp_device *device = &directory->entries[i]->device;
        if (device->tenant.id == tenant.id && device->has_key && is_meter(device, meter)) {
            *ret_key = device->key;
            found = true;
        }
    }
    pthread_rwlock_unlock(&directory->lock);
    return found;
}

size_t hyp_directory_find_serial(struct hyp_directory *directory, hyp_tenant_id tenant,
                                 struct hyp_str manufacturer, struct hyp_str serial,
                                 hyp_device_id *out, size_t capacity)
{
    size_t count = 0;
    pthread_rwlock_rdlock(&directory->lock);
    for (size_t i = 0; count < capacity && i < directory->count; i++) {
        const struct hyp_device *device = &directory->entries[i]->device;
        if (device->tenant.id == tenant.id && device->serial[0] != '\0' &&
            hyp_str_equal_nocase(hyp_str_from(device->serial), serial) &&
            (manufacturer.len == 0 ||
             hyp_str_equal_nocase(hyp_str_from(device->manufacturer), manufacturer))) {
            out[count++] = device->id;
        }
    }
    pthread_rwlock_unlock(&directory->lock);
    return count;
}
