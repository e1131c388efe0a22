/* SPDX-License-Identifier: Apache-2.0 */
#include "store/follow_state.h"

#include "store/chunk_table.h"
#include "store/forget.h"
#include "store/frames.h"
#include "store/historian.h"
#include "store/replaced.h"
#include "store/seal_state.h"
#include "store/sealed.h"
#include "store/server.h"

#include <stdlib.h>

/* Changes read at a time. */
#define CHANGES_AT_ONCE 256

enum hyp_status hyp_follower_create(struct hyp_follower **ret_follower)
{
    struct hyp_follower *follower = calloc(1, sizeof(*follower));
    if (follower == NULL) {
        return HYP_NO_MEMORY;
    }
    hyp_map_init(&follower->lines);
    hyp_map_init(&follower->forgotten);
    *ret_follower = follower;
    return HYP_OK;
}

void *hyp_follower_destroy(struct hyp_follower *follower)
{
    if (follower != NULL) {
        hyp_map_finish(&follower->lines);
        hyp_map_finish(&follower->forgotten);
        free(follower->list);
        free(follower->told.rows);
        free(follower->told.cells);
        free(follower);
    }
    return NULL;
}

struct hyp_load_place *hyp_follow_place(struct hyp_follower *follower)
{
    return &follower->place;
}

/* --- telling --- */

/* What cannot be told is in memory all the same: whoever asks sees it. */
static void tell(void *user, hyp_device_id device, const struct hyp_row *row,
                 const struct hyp_cell *cells)
{
    struct hyp_told *told = &((struct hyp_follower *)user)->told;
    if (told->row_count == HYP_LIMIT_MEMBER_TOLD ||
        hyp_reserve(&told->rows, &told->row_capacity, told->row_count + 1,
                    sizeof(*told->rows)) != HYP_OK ||
        hyp_reserve(&told->cells, &told->cell_capacity, told->cell_count + row->cells,
                    sizeof(*told->cells)) != HYP_OK) {
        return;
    }
    told->rows[told->row_count++] =
        (struct hyp_planned_row){.device = device, .row = *row, .first_cell = told->cell_count};
    for (size_t i = 0; i < row->cells; i++) {
        told->cells[told->cell_count++] = cells[i];
    }
}

void hyp_follow_take_told(struct hyp_store *store, struct hyp_told *told,
                          struct hyp_store_changes *changes)
{
    struct hyp_follower *follower = store->follower;
    hyp_core_enter(store);
    struct hyp_told taken = follower->told;
    *changes = follower->changes;
    follower->told = *told;
    follower->told.row_count = 0;
    follower->told.cell_count = 0;
    follower->changes = (struct hyp_store_changes){.id_count = 0};
    hyp_core_release(store);
    *told = taken;
}

static void tell_id(struct hyp_store_changes *changes, struct hyp_store_change change)
{
    for (size_t i = 0; i < changes->id_count; i++) {
        const struct hyp_store_change *known = &changes->ids[i];
        if (known->line.id == change.line.id && known->device.id == change.device.id) {
            return;
        }
    }
    if (changes->id_count < HYP_ARRAY_LEN(changes->ids)) {
        changes->ids[changes->id_count++] = change;
    } else {
        changes->all = true;
    }
}

/* --- one change --- */

/* Blocks go, and the counts of what is sealed come, at once. */
static void let_go(struct hyp_store *store, struct hyp_series *series,
                   const struct hyp_followed *change, const struct hyp_sealed_row *sealed)
{
    struct hyp_historian *historian = store->historian;
    pthread_rwlock_wrlock(&historian->lock);
    size_t memory = series->memory;
    uint64_t readings = series->readings + series->sealed_readings;
    uint64_t values = series->values + series->sealed_values;
    if (change->first < change->last) {
        hyp_series_drop(series, change->first, change->last);
    }
    series->sealed_readings = (uint64_t)sealed->readings;
    series->sealed_values = (uint64_t)sealed->values;
    series->sealed_first = sealed->oldest;
    series->sealed_last = sealed->newest;
    historian->memory -= memory - series->memory;
    historian->readings += series->readings + series->sealed_readings - readings;
    historian->values += series->values + series->sealed_values - values;
    if (change->kind == HYP_CHANGE_CHUNK) {
        store->follower->chunk_change = HYP_MAX(store->follower->chunk_change, change->id);
    }
    pthread_rwlock_unlock(&historian->lock);
}

/* The latest values: those that were sealed, and what memory has beside. */
static enum hyp_status show(struct hyp_store *store, struct hyp_series *series,
                            struct hyp_str shown)
{
    struct hyp_series fresh;
    enum hyp_status status = hyp_series_copy_hidden(series, &fresh);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_sealed_read_shown(store->historian, &fresh, shown);
    if (status != HYP_NO_MEMORY) {
        status = hyp_series_show_blocks(&fresh, &store->sealer->scratch);
    }
    if (status == HYP_OK) {
        pthread_rwlock_wrlock(&store->historian->lock);
        hyp_series_take_shown(series, &fresh);
        pthread_rwlock_unlock(&store->historian->lock);
        return HYP_OK;
    }
    hyp_series_drop_shown(&fresh);
    return status;
}

static enum hyp_status follow_chunk(struct hyp_store *store, const struct hyp_followed *change)
{
    const hyp_device_id device = {.id = change->object};
    struct hyp_series *series = hyp_historian_find(store->historian, device);
    struct hyp_sealed_row sealed = {.device = device};
    struct hyp_query query;
    enum hyp_status status = HYP_OK;
    hyp_seal_chunks_changed(store);
    hyp_sealed_find_open(&query, store->write.main, device);
    bool found = hyp_sealed_scan_next(&query, &sealed);
    if (series != NULL) {
        let_go(store, series, change, &sealed);
    } else if (change->kind == HYP_CHANGE_CHUNK) {
        pthread_rwlock_wrlock(&store->historian->lock);
        store->follower->chunk_change = HYP_MAX(store->follower->chunk_change, change->id);
        pthread_rwlock_unlock(&store->historian->lock);
    }
    if (series != NULL && found) {
        status = show(store, series, sealed.shown);
    }
    enum hyp_status read = hyp_query_close(&query);
    return read == HYP_OK ? status : read;
}

static enum hyp_status packed(struct hyp_store *store, const struct hyp_followed *change)
{
    enum hyp_status status = hyp_frames_load_totals(store);
    /* There may be one more block by now, whose change comes next. */
    hyp_frames_let_go(store->frames, HYP_MAX(change->last, store->frames->packed_row));
    return status;
}

enum hyp_status hyp_follow_change(struct hyp_store *store, const struct hyp_followed *change)
{
    struct hyp_store_changes *told = &store->follower->changes;
    const hyp_device_id device = {.id = change->object};
    const hyp_tenant_id tenant = {.id = change->first};
    switch ((enum hyp_change)change->kind) {
    case HYP_CHANGE_CHUNK:
    case HYP_CHANGE_SHOWN: return follow_chunk(store, change);
    case HYP_CHANGE_REMOVED:
        hyp_historian_remove_device(store->historian, device);
        tell_id(told, (struct hyp_store_change){.tenant = tenant, .device = device});
        return HYP_OK;
    case HYP_CHANGE_TRIMMED:
        hyp_seal_log_trimmed(store, change->first, change->last);
        return HYP_OK;
    case HYP_CHANGE_PACKED: return packed(store, change);
    case HYP_CHANGE_REPLACED: return hyp_replaced_load(store);
    case HYP_CHANGE_FORGET:
        return hyp_forget_follow(store, device, change->first, change->last);
    case HYP_CHANGE_LINE:
        tell_id(told, (struct hyp_store_change){.tenant = tenant, .line.id = change->object});
        return HYP_OK;
    case HYP_CHANGE_DEVICE:
        tell_id(told, (struct hyp_store_change){.tenant = tenant, .device = device});
        return HYP_OK;
    case HYP_CHANGE_ACCESS: told->access = true; return HYP_OK;
    case HYP_CHANGE_TENANT: told->tenant = true; return HYP_OK;
    case HYP_CHANGE_KEYS: told->keys = true; return HYP_OK;
    case HYP_CHANGE_ORDER: told->orders = true; return HYP_OK;
    case HYP_CHANGE_COUNT: break;
    }
    return HYP_OK; /* the first row, or a newer program's: nothing here knows of it */
}

/* --- all of them --- */

enum hyp_status hyp_follow_log(struct hyp_store *store, int64_t last)
{
    struct hyp_follower *follower = store->follower;
    /* Own rows are noted at their commit. */
    follower->log_row = HYP_MAX(follower->log_row, hyp_seal_last_log_row(store->sealer));
    if (last <= follower->log_row) {
        return HYP_OK;
    }
    struct hyp_load_log load = {
        .next = follower->log_row + 1, .last = last, .user = follower, .inserted = tell};
    return hyp_load_log(store, &load);
}

static enum hyp_status read_changes(struct hyp_store *store, struct hyp_followed *list,
                                    size_t *ret_count)
{
    struct hyp_query query;
    size_t count = 0;
    hyp_query_open(&query, store->write.main,
                   "SELECT id, kind, object, first, last, log_row FROM " HYP_SERVER_CHANGES
                   " WHERE id > $1 ORDER BY id LIMIT $2");
    hyp_query_bind_i64(&query, store->follower->change);
    hyp_query_bind_i64(&query, CHANGES_AT_ONCE);
    while (count < CHANGES_AT_ONCE && hyp_query_row(&query)) {
        list[count] = (struct hyp_followed){.id = hyp_query_i64(&query)};
        list[count].kind = hyp_query_i64(&query);
        list[count].object = hyp_query_i64(&query);
        list[count].first = hyp_query_i64(&query);
        list[count].last = hyp_query_i64(&query);
        list[count++].log_row = hyp_query_i64(&query);
    }
    *ret_count = count;
    return hyp_query_close(&query);
}

static enum hyp_status follow_changes(struct hyp_store *store)
{
    struct hyp_followed list[CHANGES_AT_ONCE];
    size_t count = CHANGES_AT_ONCE;
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && count == CHANGES_AT_ONCE) {
        status = read_changes(store, list, &count);
        if (status == HYP_OK && count == CHANGES_AT_ONCE) {
            status = hyp_follow_check_gap(store);
        }
        for (size_t i = 0; i < count && status == HYP_OK; i++) {
            status = hyp_follow_log(store, list[i].log_row);
            if (status == HYP_OK) {
                status = hyp_follow_change(store, &list[i]);
            }
            if (status == HYP_OK) {
                store->follower->change = list[i].id;
            }
        }
    }
    return status;
}

enum hyp_status hyp_follow_rows(struct hyp_store *store)
{
    struct hyp_follower *follower = store->follower;
    enum hyp_status status = hyp_load_devices(store, &follower->place);
    if (status == HYP_OK) {
        status = hyp_load_points(store, &follower->place);
    }
    return status == HYP_OK ? hyp_frames_load_rows(store, hyp_frames_last_row(store->frames))
                            : status;
}

static enum hyp_status follow_all(struct hyp_store *store)
{
    enum hyp_status status = hyp_follow_rows(store);
    if (status == HYP_OK) {
        status = follow_changes(store);
    }
    if (status == HYP_OK) {
        status = hyp_follow_log(store, INT64_MAX);
    }
    return status;
}

enum hyp_status hyp_follow_to(struct hyp_store *store, int64_t number)
{
    struct hyp_follower *follower = store->follower;
    if (number == follower->seen) {
        return HYP_OK;
    }
    enum hyp_status status = follow_all(store);
    if (status == HYP_OK) {
        follower->seen = number;
        follower->news = true;
    }
    return status;
}
