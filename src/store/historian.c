/* SPDX-License-Identifier: Apache-2.0 */
#include "store/historian.h"

#include <stdlib.h>

static enum hyp_status init_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    if (pthread_rwlockattr_init(&attributes) != 0) {
        return HYP_NO_MEMORY;
    }
    /* Intake must not wait for ever behind a stream of queries. */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    int code = pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    return code == 0 ? HYP_OK : HYP_NO_MEMORY;
}

enum hyp_status hyp_historian_create(struct hyp_historian **ret_historian)
{
    struct hyp_historian *historian = calloc(1, sizeof(*historian));
    if (historian == NULL) {
        return HYP_NO_MEMORY;
    }
    enum hyp_status status = init_lock(&historian->lock);
    if (status != HYP_OK) {
        free(historian);
        return status;
    }
    hyp_map_init(&historian->devices);
    hyp_map_init(&historian->points);
    hyp_text_pool_init(&historian->texts);
    *ret_historian = historian;
    return HYP_OK;
}

void *hyp_historian_destroy(struct hyp_historian *historian)
{
    if (historian == NULL) {
        return NULL;
    }
    size_t cursor = 0;
    uint64_t key;
    uint64_t value;
    while (hyp_map_next(&historian->devices, &cursor, &key, &value)) {
        hyp_series_destroy((struct hyp_series *)(uintptr_t)value);
    }
    hyp_map_finish(&historian->devices);
    hyp_map_finish(&historian->points);
    hyp_text_pool_finish(&historian->texts);
    pthread_rwlock_destroy(&historian->lock);
    free(historian);
    return NULL;
}

/* --- registry --- */

enum hyp_status hyp_historian_add_device(struct hyp_historian *historian, hyp_device_id device,
                                         hyp_tenant_id tenant)
{
    struct hyp_series *series;
    enum hyp_status status = hyp_series_create(device, tenant, &series);
    if (status != HYP_OK) {
        return status;
    }
    pthread_rwlock_wrlock(&historian->lock);
    status = hyp_map_set(&historian->devices, (uint64_t)device.id, (uint64_t)(uintptr_t)series);
    pthread_rwlock_unlock(&historian->lock);
    if (status != HYP_OK) {
        hyp_series_destroy(series);
    }
    return status;
}

struct hyp_series *hyp_historian_find(const struct hyp_historian *historian,
                                      hyp_device_id device)
{
    uint64_t value;
    if (!hyp_map_get(&historian->devices, (uint64_t)device.id, &value)) {
        return NULL;
    }
    return (struct hyp_series *)(uintptr_t)value;
}

const struct hyp_series *hyp_historian_find_for(const struct hyp_historian *historian,
                                                hyp_tenant_id tenant, hyp_device_id device)
{
    const struct hyp_series *series = hyp_historian_find(historian, device);
    return series != NULL && series->tenant.id == tenant.id ? series : NULL;
}

const struct hyp_series *hyp_historian_find_point(const struct hyp_historian *historian,
                                                  hyp_tenant_id tenant, hyp_point_id point,
                                                  uint32_t *ret_column)
{
    uint64_t device;
    if (!hyp_map_get(&historian->points, (uint64_t)point.id, &device)) {
        return NULL;
    }
    const struct hyp_series *series =
        hyp_historian_find_for(historian, tenant, (hyp_device_id){.id = (int64_t)device});
    if (series == NULL) {
        return NULL;
    }
    uint32_t column = hyp_series_find_point(series, point.id, 0);
    if (column >= series->committed_columns) {
        return NULL;
    }
    *ret_column = column;
    return series;
}

void hyp_historian_remove_device(struct hyp_historian *historian, hyp_device_id device)
{
    pthread_rwlock_wrlock(&historian->lock);
    struct hyp_series *series = hyp_historian_find(historian, device);
    if (series != NULL) {
        historian->removals++;
        for (uint32_t i = 0; i < series->column_count; i++) {
            hyp_map_remove(&historian->points, (uint64_t)series->columns[i].point);
        }
        hyp_map_remove(&historian->devices, (uint64_t)device.id);
        historian->readings -= series->readings + series->sealed_readings;
        historian->values -= series->values + series->sealed_values;
        historian->point_count -= series->committed_columns;
        historian->memory -= series->memory;
        hyp_series_destroy(series);
    }
    pthread_rwlock_unlock(&historian->lock);
}

/* --- points --- */

enum hyp_status hyp_historian_add_point(struct hyp_historian *historian,
                                        struct hyp_series *series,
                                        const struct hyp_column *column, struct hyp_str label)
{
    struct hyp_column added = *column;
    pthread_rwlock_wrlock(&historian->lock);
    size_t before = series->memory;
    enum hyp_status status = hyp_text_pool_add(&historian->texts, label, &added.label);
    if (status == HYP_OK) {
        status =
            hyp_map_set(&historian->points, (uint64_t)added.point, (uint64_t)series->device.id);
    }
    if (status == HYP_OK) {
        status = hyp_series_add_column(series, &added);
        if (status != HYP_OK) {
            hyp_map_remove(&historian->points, (uint64_t)added.point);
        }
    }
    historian->memory += series->memory - before;
    pthread_rwlock_unlock(&historian->lock);
    return status;
}

void hyp_historian_commit_points(struct hyp_historian *historian, struct hyp_series *series)
{
    pthread_rwlock_wrlock(&historian->lock);
    historian->point_count += series->column_count - series->committed_columns;
    series->committed_columns = series->column_count;
    pthread_rwlock_unlock(&historian->lock);
}

void hyp_historian_rollback_points(struct hyp_historian *historian, struct hyp_series *series)
{
    pthread_rwlock_wrlock(&historian->lock);
    for (uint32_t i = series->committed_columns; i < series->column_count; i++) {
        hyp_map_remove(&historian->points, (uint64_t)series->columns[i].point);
    }
    series->column_count = series->committed_columns;
    pthread_rwlock_unlock(&historian->lock);
}

enum hyp_status hyp_historian_text(struct hyp_historian *historian, struct hyp_str text,
                                   uint32_t *ret_index)
{
    if (hyp_text_pool_find(&historian->texts, text, ret_index)) {
        return HYP_OK;
    }
    pthread_rwlock_wrlock(&historian->lock);
    size_t before = historian->texts.capacity;
    enum hyp_status status = hyp_text_pool_add(&historian->texts, text, ret_index);
    historian->memory += historian->texts.capacity - before;
    pthread_rwlock_unlock(&historian->lock);
    return status;
}

/* --- values --- */

void hyp_historian_enter(struct hyp_historian *historian)
{
    pthread_rwlock_wrlock(&historian->lock);
}

void hyp_historian_leave(struct hyp_historian *historian)
{
    pthread_rwlock_unlock(&historian->lock);
}

enum hyp_status hyp_historian_filter(struct hyp_historian *historian, struct hyp_series *series,
                                     const struct hyp_row *row, struct hyp_cell *cells,
                                     size_t *count)
{
    size_t before = series->memory;
    enum hyp_status status = hyp_series_filter(series, row, cells, count);
    historian->memory += series->memory - before;
    return status;
}

enum hyp_status hyp_historian_insert(struct hyp_historian *historian, struct hyp_series *series,
                                     const struct hyp_row *row, const struct hyp_cell *cells)
{
    size_t before = series->memory;
    enum hyp_status status = hyp_series_insert(series, row, cells);
    historian->memory += series->memory - before;
    if (status == HYP_OK) {
        historian->readings++;
        historian->values += row->cells;
    }
    return status;
}

void hyp_historian_value(const struct hyp_historian *historian, const struct hyp_column *column,
                         const struct hyp_cell *cell, int64_t time, uint8_t source,
                         struct hyp_stored_value *ret_value)
{
    *ret_value = (struct hyp_stored_value){
        .point.id = column->point,
        .time.ms = time,
        .kind = (enum hyp_value_kind)column->value_kind,
        .quality = (enum hyp_quality)cell->quality,
        .source = (enum hyp_reading_source)source,
    };
    if (!hyp_quality_is_usable(ret_value->quality)) {
        return;
    }
    switch (ret_value->kind) {
    case HYP_VALUE_UNSET: break;
    case HYP_VALUE_DECIMAL:
        ret_value->decimal =
            (struct hyp_decimal){.digits = cell->payload, .exp10 = cell->exp10};
        break;
    case HYP_VALUE_CIVIL: ret_value->civil = hyp_series_unpack_civil(cell->payload); break;
    case HYP_VALUE_FLAGS: ret_value->flags = (uint64_t)cell->payload; break;
    case HYP_VALUE_TEXT:
        if (cell->payload >= 0) {
            ret_value->text = hyp_text_pool_get(&historian->texts, (uint32_t)cell->payload);
        }
        break;
    }
}
