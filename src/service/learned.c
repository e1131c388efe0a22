/* SPDX-License-Identifier: Apache-2.0 */
#include "service/learned.h"

#include "base/bytes.h"
#include "service/inside.h"

#include <stdlib.h>
#include <string.h>

#define FORMATS_BLOB "collect.formats"
#define FORMAT_VERSION 1
#define HOLES_WAITING 256
#define HOLES_MAX 512

/* Holes of one device that wait for being saved. */
struct hole_note {
    hyp_device_id device;
    size_t count;
    struct hyp_modbus_hole holes[HOLES_MAX];
};

struct hyp_learned {
    pthread_mutex_t lock;
    /* Entries never move or change, so a pointer to one stays good. */
    struct hyp_compact_format formats[HYP_LIMIT_COMPACT_FORMATS];
    size_t format_count;
    bool formats_dirty;
    bool formats_new; /* telegrams that waited for one may be read now */
    struct hole_note *holes[HOLES_WAITING];
    size_t hole_count;
};

enum hyp_status hyp_learned_create(struct hyp_learned **ret_learned)
{
    struct hyp_learned *learned = calloc(1, sizeof(*learned));
    if (learned == NULL) {
        return HYP_NO_MEMORY;
    }
    pthread_mutex_init(&learned->lock, NULL);
    *ret_learned = learned;
    return HYP_OK;
}

void *hyp_learned_destroy(struct hyp_learned *learned)
{
    if (learned != NULL) {
        for (size_t i = 0; i < learned->hole_count; i++) {
            free(learned->holes[i]);
        }
        pthread_mutex_destroy(&learned->lock);
        free(learned);
    }
    return NULL;
}

static const struct hyp_compact_format *find_locked(const struct hyp_learned *learned,
                                                    uint16_t signature)
{
    for (size_t i = 0; i < learned->format_count; i++) {
        if (learned->formats[i].signature == signature) {
            return &learned->formats[i];
        }
    }
    return NULL;
}

static bool add_locked(struct hyp_learned *learned, const struct hyp_compact_format *format)
{
    if (learned->format_count == HYP_LIMIT_COMPACT_FORMATS ||
        find_locked(learned, format->signature) != NULL) {
        return false;
    }
    learned->formats[learned->format_count++] = *format;
    return true;
}

const struct hyp_compact_format *hyp_learned_format(struct hyp_service *service,
                                                    uint16_t signature)
{
    struct hyp_learned *learned = service->learned;
    pthread_mutex_lock(&learned->lock);
    const struct hyp_compact_format *format = find_locked(learned, signature);
    pthread_mutex_unlock(&learned->lock);
    return format;
}

void hyp_learned_on_format(void *user, const struct hyp_compact_format *format)
{
    struct hyp_learned *learned = ((struct hyp_service *)user)->learned;
    pthread_mutex_lock(&learned->lock);
    if (add_locked(learned, format)) {
        learned->formats_dirty = true;
        learned->formats_new = true;
    }
    pthread_mutex_unlock(&learned->lock);
}

void hyp_learned_on_holes(void *user, hyp_device_id device, const struct hyp_modbus_hole *holes,
                          size_t count)
{
    struct hyp_learned *learned = ((struct hyp_service *)user)->learned;
    struct hole_note *note = calloc(1, sizeof(*note));
    if (note == NULL) {
        return; /* learned again after a restart */
    }
    note->device = device;
    note->count = HYP_MIN(count, (size_t)HOLES_MAX);
    memcpy(note->holes, holes, note->count * sizeof(*holes));
    pthread_mutex_lock(&learned->lock);
    if (learned->hole_count < HOLES_WAITING) {
        learned->holes[learned->hole_count++] = note;
        note = NULL;
    }
    pthread_mutex_unlock(&learned->lock);
    free(note);
}

/* --- to and from the store --- */

static void hole_blob_name(char out[static 48], hyp_device_id device)
{
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, out, 48);
    hyp_buf_append_fmt(&buf, "collect.holes.%lld", (long long)device.id);
    hyp_buf_terminate(&buf);
}

static void save_formats(struct hyp_service *service)
{
    struct hyp_learned *learned = service->learned;
    struct hyp_buf blob;
    hyp_buf_init_heap(&blob, sizeof(learned->formats) + 16);
    pthread_mutex_lock(&learned->lock);
    bool dirty = learned->formats_dirty;
    learned->formats_dirty = false;
    if (dirty) {
        hyp_buf_append_u8(&blob, FORMAT_VERSION);
        for (size_t i = 0; i < learned->format_count; i++) {
            const struct hyp_compact_format *format = &learned->formats[i];
            hyp_buf_append_le16(&blob, format->signature);
            hyp_buf_append_u8(&blob, format->len);
            hyp_buf_append(&blob, format->difvif, format->len);
        }
    }
    pthread_mutex_unlock(&learned->lock);
    if (dirty && (hyp_buf_status(&blob) != HYP_OK ||
                  hyp_store_blob_put(service->config.store, FORMATS_BLOB, blob.data,
                                     blob.len) != HYP_OK)) {
        pthread_mutex_lock(&learned->lock);
        learned->formats_dirty = true;
        pthread_mutex_unlock(&learned->lock);
    }
    hyp_buf_finish(&blob);
}

static void save_holes_of(struct hyp_service *service, const struct hole_note *note)
{
    char name[48];
    uint8_t memory[HOLES_MAX * 3 + 1];
    struct hyp_buf blob;
    hyp_buf_init_fixed(&blob, memory, sizeof(memory));
    hyp_buf_append_u8(&blob, FORMAT_VERSION);
    for (size_t i = 0; i < note->count; i++) {
        hyp_buf_append_u8(&blob, note->holes[i].function);
        hyp_buf_append_le16(&blob, note->holes[i].address);
    }
    hole_blob_name(name, note->device);
    /* Not saved = learned again after a restart. */
    HYP_IGNORE(hyp_store_blob_put(service->config.store, name, blob.data, blob.len));
}

void hyp_learned_save(struct hyp_service *service)
{
    struct hyp_learned *learned = service->learned;
    save_formats(service);
    pthread_mutex_lock(&learned->lock);
    bool formats_new = learned->formats_new;
    learned->formats_new = false;
    pthread_mutex_unlock(&learned->lock);
    if (formats_new) {
        hyp_backlog_ask(service, (hyp_tenant_id){0}, false);
    }
    for (;;) {
        struct hole_note *note = NULL;
        pthread_mutex_lock(&learned->lock);
        if (learned->hole_count > 0) {
            note = learned->holes[--learned->hole_count];
        }
        pthread_mutex_unlock(&learned->lock);
        if (note == NULL) {
            return;
        }
        save_holes_of(service, note);
        free(note);
    }
}

static void restore_formats(struct hyp_service *service, struct hyp_arena *arena)
{
    uint8_t *data;
    size_t len;
    if (hyp_store_blob_get(service->config.store, FORMATS_BLOB, arena, &data, &len) != HYP_OK) {
        return;
    }
    struct hyp_bytes bytes = hyp_bytes_from(data, len);
    if (hyp_bytes_u8(&bytes) != FORMAT_VERSION) {
        return;
    }
    while (hyp_bytes_left(&bytes) > 0) {
        struct hyp_compact_format format = {.signature = hyp_bytes_le16(&bytes)};
        format.len = hyp_bytes_u8(&bytes);
        const uint8_t *difvif = hyp_bytes_take(&bytes, format.len);
        if (difvif == NULL || format.len > sizeof(format.difvif)) {
            return;
        }
        memcpy(format.difvif, difvif, format.len);
        add_locked(service->learned, &format);
    }
}

static void restore_holes(struct hyp_service *service, struct hyp_collector *collector,
                          hyp_device_id device, struct hyp_arena *arena)
{
    char name[48];
    uint8_t *data;
    size_t len;
    struct hyp_modbus_hole holes[HOLES_MAX];
    size_t count = 0;
    hole_blob_name(name, device);
    if (hyp_store_blob_get(service->config.store, name, arena, &data, &len) != HYP_OK) {
        return;
    }
    struct hyp_bytes bytes = hyp_bytes_from(data, len);
    if (hyp_bytes_u8(&bytes) != FORMAT_VERSION) {
        return;
    }
    while (count < HOLES_MAX && hyp_bytes_left(&bytes) >= 3) {
        holes[count].function = hyp_bytes_u8(&bytes);
        holes[count++].address = hyp_bytes_le16(&bytes);
    }
    hyp_collector_restore_holes(collector, device, holes, count);
}

static bool is_modbus(const struct hyp_device *device, const struct hyp_library *library)
{
    const struct hyp_profile *profile =
        device->profile[0] == '\0' ? NULL
                                   : hyp_library_find(library, hyp_str_from(device->profile));
    return profile != NULL && hyp_profile_info(profile)->protocol == HYP_DEVICE_MODBUS;
}

enum hyp_status hyp_learned_restore(struct hyp_service *service,
                                    struct hyp_collector *collector)
{
    struct hyp_arena arena;
    struct hyp_device *devices;
    size_t count;
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    restore_formats(service, &arena);
    enum hyp_status status = HYP_OK;
    if (collector != NULL) {
        for (size_t i = 0; i < service->learned->format_count; i++) {
            hyp_collector_restore_format(collector, &service->learned->formats[i]);
        }
        status = hyp_store_devices(service->config.store, (hyp_tenant_id){0}, &arena, &devices,
                                   &count);
        for (size_t i = 0; status == HYP_OK && i < count; i++) {
            if (is_modbus(&devices[i], service->config.library)) {
                restore_holes(service, collector, devices[i].id, &arena);
            }
        }
    }
    hyp_arena_finish(&arena);
    return status;
}
