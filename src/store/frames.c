/* SPDX-License-Identifier: Apache-2.0 */
#include "store/frames.h"
#include "store/follow.h"
#include "store/historian.h"
#include "store/partition.h"
#include "store/period.h"
#include "store/replaced.h"
#include "store/resent.h"

#include <stdlib.h>
#include <string.h>

#define BLOB_MAX ((size_t)64 * 1024 * 1024)
#define DAY_MS (24 * 3600 * 1000LL)
/* Decoded heads and bytes of one block. */
#define SCRATCH_MAX ((size_t)256 * 1024 * 1024)

enum hyp_status hyp_frames_create(struct hyp_frames **ret_frames)
{
    struct hyp_frames *frames = calloc(1, sizeof(*frames));
    if (frames == NULL) {
        return HYP_NO_MEMORY;
    }
    if (pthread_rwlock_init(&frames->lock, NULL) != 0) {
        free(frames);
        return HYP_NO_MEMORY;
    }
    frames->check_limits = true;
    frames->rows_left = true;
    hyp_map_init(&frames->found);
    hyp_map_init(&frames->replaced);
    *ret_frames = frames;
    return HYP_OK;
}

void *hyp_frames_destroy(struct hyp_frames *frames)
{
    if (frames == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < frames->pending_count; i++) {
        free(frames->pending[i].blob);
    }
    free(frames->pending);
    hyp_map_finish(&frames->found);
    hyp_map_finish(&frames->replaced);
    pthread_rwlock_destroy(&frames->lock);
    free(frames);
    return NULL;
}

/* --- frame log --- */

void hyp_frames_drop(struct hyp_pending_frames *pending)
{
    free(pending->blob);
    *pending = (struct hyp_pending_frames){0};
}

hyp_tenant_id hyp_frames_tenant(const struct hyp_kept_frame *kept, size_t count)
{
    hyp_tenant_id tenant = count > 0 ? kept[0].tenant : (hyp_tenant_id){0};
    for (size_t i = 1; i < count; i++) {
        tenant.id = kept[i].tenant.id == tenant.id ? tenant.id : 0;
    }
    return tenant;
}

static int64_t insert_log_row(struct hyp_db *db, struct hyp_shard shard,
                              const struct hyp_buf *blob)
{
    struct hyp_query query;
    hyp_partition_need(db, HYP_PARTITIONED_FRAME_LOG, shard.period);
    if (hyp_db_is_sharded(db)) {
        hyp_query_open(&query, db,
                       "INSERT INTO frame_log(tenant, period, data) VALUES ($1, $2, $3)"
                       " RETURNING id");
        hyp_query_bind_i64(&query, shard.tenant.id);
        hyp_query_bind_i64(&query, shard.period);
    } else {
        hyp_query_open(&query, db, "INSERT INTO frame_log(data) VALUES ($1) RETURNING id");
    }
    hyp_query_bind_blob(&query, blob->data, blob->len);
    int64_t row = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    HYP_IGNORE(hyp_query_close(&query)); /* sticky until commit */
    return row;
}

enum hyp_status hyp_frames_log(struct hyp_store *store, const struct hyp_kept_frame *kept,
                               size_t count, struct hyp_pending_frames *ret_pending)
{
    struct hyp_buf blob HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&blob, BLOB_MAX);
    enum hyp_status status = hyp_frames_encode(kept, count, &blob);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_shard shard = {.tenant = hyp_frames_tenant(kept, count),
                              .period = hyp_period_of(hyp_core_now(store).ms)};
    int64_t row = insert_log_row(store->write.main, shard, &blob);
    status = store->write.main->failed;
    if (status == HYP_OK) {
        ret_pending->log_row = row;
        ret_pending->count = (uint32_t)count;
        ret_pending->blob = hyp_buf_steal(&blob, &ret_pending->len);
    }
    return status;
}

enum hyp_status hyp_frames_reserve(struct hyp_store *store, size_t count)
{
    struct hyp_frames *frames = store->frames;
    if (frames->pending_count + count <= frames->pending_capacity) {
        return HYP_OK;
    }
    pthread_rwlock_wrlock(&frames->lock);
    enum hyp_status status =
        hyp_reserve(&frames->pending, &frames->pending_capacity, frames->pending_count + count,
                    sizeof(*frames->pending));
    pthread_rwlock_unlock(&frames->lock);
    return status;
}

void hyp_frames_keep(struct hyp_store *store, struct hyp_pending_frames *pending)
{
    struct hyp_frames *frames = store->frames;
    pthread_rwlock_wrlock(&frames->lock);
    frames->pending[frames->pending_count++] = *pending;
    frames->pending_bytes += pending->len;
    pthread_rwlock_unlock(&frames->lock);
    *pending = (struct hyp_pending_frames){0};
}

uint64_t hyp_frames_count(struct hyp_store *store)
{
    struct hyp_frames *frames = store->frames;
    pthread_rwlock_rdlock(&frames->lock);
    uint64_t count = (uint64_t)frames->stored_frames;
    for (size_t i = 0; i < frames->pending_count; i++) {
        /* Rows on their way are in a block already. */
        count += frames->pending[i].log_row > frames->packed_row ? frames->pending[i].count : 0;
    }
    pthread_rwlock_unlock(&frames->lock);
    return count;
}

/* --- start --- */

enum hyp_status hyp_frames_load_totals(struct hyp_store *store)
{
    struct hyp_frames *frames = store->frames;
    int64_t totals[3] = {0};
    struct hyp_query query;
    hyp_query_open(&query, store->write.frames,
                   "SELECT COALESCE(MAX(last_log), 0), COALESCE(SUM(LENGTH(data)), 0),"
                   " COALESCE(SUM(frames), 0) FROM frame_block");
    for (size_t i = 0; i < HYP_ARRAY_LEN(totals) && (i > 0 || hyp_query_row(&query)); i++) {
        totals[i] = hyp_query_i64(&query);
    }
    enum hyp_status status = hyp_query_close(&query);
    if (status == HYP_OK) {
        pthread_rwlock_wrlock(&frames->lock);
        frames->packed_row = totals[0];
        frames->stored_bytes = totals[1];
        frames->stored_frames = totals[2];
        frames->rows_left = true;
        pthread_rwlock_unlock(&frames->lock);
    }
    return status;
}

static enum hyp_status load_row(struct hyp_store *store, struct hyp_query *query)
{
    int64_t row = hyp_query_i64(query);
    struct hyp_str blob = hyp_query_blob(query);
    struct hyp_arena arena;
    hyp_arena_init(&arena, SCRATCH_MAX);
    struct hyp_kept_frame *kept;
    size_t count = 0;
    enum hyp_status status =
        hyp_frames_decode((const uint8_t *)blob.ptr, blob.len, 0, &arena, &kept, &count);
    if (status == HYP_OK) {
        hyp_resent_note(store->frames, kept, count);
    }
    hyp_arena_finish(&arena);
    if (status != HYP_OK) {
        hyp_log_event(store->log, HYP_LOG_ERROR, "store.frames_damaged",
                      "table=frame_log row=%lld reason=%s; skipping row", (long long)row,
                      hyp_status_name(status));
        return HYP_OK;
    }
    struct hyp_pending_frames pending = {
        .log_row = row, .len = blob.len, .count = (uint32_t)count, .blob = malloc(blob.len)};
    if (pending.blob == NULL || hyp_frames_reserve(store, 1) != HYP_OK) {
        free(pending.blob);
        return HYP_NO_MEMORY;
    }
    memcpy(pending.blob, blob.ptr, blob.len);
    hyp_frames_keep(store, &pending);
    return HYP_OK;
}

enum hyp_status hyp_frames_load_rows(struct hyp_store *store, int64_t after)
{
    struct hyp_query query;
    enum hyp_status status = HYP_OK;
    hyp_query_open(&query, store->write.main,
                   "SELECT id, data FROM frame_log WHERE id > $1 ORDER BY id");
    hyp_query_bind_i64(&query, after);
    while (status == HYP_OK && hyp_query_row(&query)) {
        status = load_row(store, &query);
    }
    enum hyp_status read = hyp_query_close(&query);
    return status == HYP_OK ? read : status;
}

int64_t hyp_frames_last_row(const struct hyp_frames *frames)
{
    int64_t last =
        frames->pending_count == 0 ? 0 : frames->pending[frames->pending_count - 1].log_row;
    return HYP_MAX(last, frames->packed_row);
}

enum hyp_status hyp_frames_load(struct hyp_store *store, struct hyp_error *err)
{
    enum hyp_status status = hyp_frames_load_totals(store);
    if (status != HYP_OK) {
        return hyp_db_error(store->write.frames, status, err, "frames");
    }
    status = hyp_replaced_load(store);
    if (status != HYP_OK) {
        return hyp_db_error(store->write.main, status, err, "frames");
    }
    status = hyp_frames_load_rows(store, store->frames->packed_row);
    return status == HYP_OK ? HYP_OK : hyp_db_error(store->write.main, status, err, "frames");
}

/* --- packing --- */

void hyp_frames_note_stored(struct hyp_frames *frames, int64_t bytes, int64_t count,
                            int64_t packed_row)
{
    pthread_rwlock_wrlock(&frames->lock);
    frames->stored_bytes += bytes;
    frames->stored_frames += count;
    frames->packed_row = HYP_MAX(frames->packed_row, packed_row);
    pthread_rwlock_unlock(&frames->lock);
}

void hyp_frames_let_go(struct hyp_frames *frames, int64_t last_row)
{
    pthread_rwlock_wrlock(&frames->lock);
    size_t gone = 0;
    while (gone < frames->pending_count && frames->pending[gone].log_row <= last_row) {
        frames->pending_bytes -= frames->pending[gone].len;
        hyp_frames_drop(&frames->pending[gone]);
        gone++;
    }
    frames->pending_count -= gone;
    if (gone > 0) {
        memmove(frames->pending, frames->pending + gone,
                frames->pending_count * sizeof(*frames->pending));
    }
    pthread_rwlock_unlock(&frames->lock);
}

static bool pack_step(struct hyp_store *store)
{
    if (store->frames->rows_left) {
        HYP_IGNORE(hyp_frames_forget_packed(store)); /* it is tried again at the next step */
    }
    return !store->frames->rows_left &&
           store->frames->pending_bytes >= HYP_LIMIT_FRAME_PENDING &&
           hyp_frames_pack(store) == HYP_OK;
}

/* --- limits --- */

/* The first row of the frame log of which something may be kept. */
static int64_t oldest_row(struct hyp_store *store)
{
    struct hyp_query query;
    int64_t row = store->frames->packed_row + 1;
    hyp_query_open(&query, store->write.frames,
                   "SELECT first_log FROM frame_block ORDER BY id LIMIT 1");
    row = hyp_query_row(&query) ? hyp_query_i64(&query) : row;
    return hyp_query_close(&query) == HYP_OK ? row : 0;
}

static void delete_by(struct hyp_db *db, const char *sql, int64_t block)
{
    struct hyp_query query;
    hyp_query_open(&query, db, sql);
    hyp_query_bind_i64(&query, block);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

static enum hyp_status delete_block(struct hyp_db *db, int64_t id)
{
    hyp_db_begin(db);
    if (hyp_db_is_sharded(db)) {
        /* No references between partitions: nothing goes along by itself. */
        delete_by(db, "DELETE FROM frame_device WHERE block = $1", id);
        delete_by(db, "DELETE FROM frame_line WHERE block = $1", id);
    }
    delete_by(db, "DELETE FROM frame_block WHERE id = $1", id);
    return hyp_db_commit(db);
}

/* Deletes the oldest block if it is too old or all are too big together. Only looked at when a
 * block was added, so that idle commits cost nothing. A block goes after its rows of the log,
 * or they would be packed once more after a restart. */
static bool expire_step(struct hyp_store *store)
{
    struct hyp_frames *frames = store->frames;
    if (!frames->check_limits || frames->rows_left) {
        return false;
    }
    struct hyp_db *db = store->write.frames;
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "SELECT id, newest, frames, LENGTH(data) FROM frame_block"
                   " ORDER BY id LIMIT 1");
    bool found = hyp_query_row(&query);
    int64_t id = found ? hyp_query_i64(&query) : 0;
    int64_t newest = found ? hyp_query_i64(&query) : 0;
    int64_t count = found ? hyp_query_i64(&query) : 0;
    int64_t bytes = found ? hyp_query_i64(&query) : 0;
    bool too_old = newest < hyp_core_now(store).ms - store->frame_days * DAY_MS;
    bool too_big = frames->stored_bytes > store->frame_bytes;
    if (hyp_query_close(&query) != HYP_OK) {
        return false; /* looked at again after the next commit */
    }
    frames->check_limits = found && (too_old || too_big);
    if (!frames->check_limits || delete_block(db, id) != HYP_OK) {
        return false;
    }
    if (hyp_db_is_sharded(db)) {
        HYP_IGNORE(hyp_db_tidy(
            db, hyp_core_now(store).ms)); /* it is tried again when the next block expires */
    }
    hyp_frames_note_stored(frames, -bytes, -count, 0);
    hyp_replaced_prune(store, oldest_row(store));
    return true;
}

bool hyp_frames_step(struct hyp_store *store)
{
    hyp_follow_enter_care(store);
    bool more = pack_step(store) || expire_step(store);
    hyp_follow_leave_care(store);
    return more;
}
