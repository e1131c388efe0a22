/* SPDX-License-Identifier: Apache-2.0 */
#include "store/frames.h"
#include "store/historian.h"
#include "store/replaced.h"

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

enum hyp_status hyp_frames_log(struct hyp_store *store, const struct hyp_kept_frame *kept,
                               size_t count, struct hyp_pending_frames *ret_pending)
{
    struct hyp_buf blob HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&blob, BLOB_MAX);
    enum hyp_status status = hyp_frames_encode(kept, count, &blob);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_query query;
    hyp_query_open(&query, store->write.main,
                   "INSERT INTO frame_log(data) VALUES ($1) RETURNING id");
    hyp_query_bind_blob(&query, blob.data, blob.len);
    int64_t row = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    status = hyp_query_close(&query);
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
    size_t capacity = HYP_MAX(frames->pending_capacity * 2, frames->pending_count + count);
    pthread_rwlock_wrlock(&frames->lock);
    struct hyp_pending_frames *pending =
        realloc(frames->pending, capacity * sizeof(*frames->pending));
    if (pending != NULL) {
        frames->pending = pending;
        frames->pending_capacity = capacity;
    }
    pthread_rwlock_unlock(&frames->lock);
    return pending == NULL ? HYP_NO_MEMORY : HYP_OK;
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

static enum hyp_status load_totals(struct hyp_store *store)
{
    struct hyp_frames *frames = store->frames;
    struct hyp_query query;
    hyp_query_open(&query, store->write.frames,
                   "SELECT COALESCE(MAX(last_log), 0), COALESCE(SUM(LENGTH(data)), 0),"
                   " COALESCE(SUM(frames), 0) FROM frame_block");
    if (hyp_query_row(&query)) {
        frames->packed_row = hyp_query_i64(&query);
        frames->stored_bytes = hyp_query_i64(&query);
        frames->stored_frames = hyp_query_i64(&query);
    }
    return hyp_query_close(&query);
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

enum hyp_status hyp_frames_load(struct hyp_store *store, struct hyp_error *err)
{
    enum hyp_status status = load_totals(store);
    if (status != HYP_OK) {
        return hyp_db_error(store->write.frames, status, err, "frames");
    }
    status = hyp_replaced_load(store);
    if (status != HYP_OK) {
        return hyp_db_error(store->write.main, status, err, "frames");
    }
    struct hyp_query query;
    hyp_query_open(&query, store->write.main,
                   "SELECT id, data FROM frame_log WHERE id > $1 ORDER BY id");
    hyp_query_bind_i64(&query, store->frames->packed_row);
    while (status == HYP_OK && hyp_query_row(&query)) {
        status = load_row(store, &query);
    }
    enum hyp_status read = hyp_query_close(&query);
    status = status == HYP_OK ? read : status;
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

static int by_device(const void *a, const void *b)
{
    const struct hyp_stored_frame *x = &((const struct hyp_kept_frame *)a)->frame;
    const struct hyp_stored_frame *y = &((const struct hyp_kept_frame *)b)->frame;
    if (x->device.id != y->device.id) {
        return x->device.id < y->device.id ? -1 : 1;
    }
    return x->id.id < y->id.id ? -1 : x->id.id > y->id.id;
}

/* What goes into one block. */
struct load {
    struct hyp_kept_frame *frames;
    size_t count;
    int64_t first_row;
    int64_t last_row;
};

/* Frames of devices that were removed, and those decoded again, end here. */
static bool is_wanted(struct hyp_store *store, const struct hyp_kept_frame *kept)
{
    return !hyp_replaced_has(store->frames, kept->frame.id) &&
           (kept->frame.device.id == 0 ||
            hyp_historian_find(store->historian, kept->frame.device) != NULL);
}

/* Gathers pending rows, oldest first, until there is a block's worth. */
static enum hyp_status gather(struct hyp_store *store, struct hyp_arena *arena,
                              struct load *load)
{
    const struct hyp_frames *frames = store->frames;
    size_t rows = 0;
    size_t count = 0;
    for (size_t bytes = 0; rows < frames->pending_count && bytes < HYP_LIMIT_FRAME_PENDING;
         rows++) {
        bytes += frames->pending[rows].len;
        count += frames->pending[rows].count;
    }
    load->frames = hyp_arena_alloc_array(arena, count + 1, sizeof(*load->frames));
    if (load->frames == NULL) {
        return HYP_NO_MEMORY;
    }
    load->count = 0;
    load->first_row = frames->pending[0].log_row;
    load->last_row = frames->pending[rows - 1].log_row;
    for (size_t i = 0; i < rows; i++) {
        const struct hyp_pending_frames *row = &frames->pending[i];
        struct hyp_kept_frame *kept;
        size_t kept_count;
        enum hyp_status status =
            hyp_frames_decode(row->blob, row->len, row->log_row << HYP_FRAME_INDEX_BITS, arena,
                              &kept, &kept_count);
        if (status != HYP_OK) {
            return status;
        }
        for (size_t k = 0; k < kept_count; k++) {
            if (is_wanted(store, &kept[k])) {
                load->frames[load->count++] = kept[k];
            }
        }
    }
    qsort(load->frames, load->count, sizeof(*load->frames), by_device);
    return HYP_OK;
}

static void index_block(struct hyp_db *db, const struct load *load, int64_t block)
{
    for (size_t i = 0; i < load->count; i++) {
        const struct hyp_stored_frame *frame = &load->frames[i].frame;
        struct hyp_query query;
        /* Sorted by device, so each device is met once in a row. */
        if (frame->device.id != 0 &&
            (i == 0 || load->frames[i - 1].frame.device.id != frame->device.id)) {
            hyp_query_open(&query, db,
                           "INSERT INTO frame_device(device, block) VALUES ($1, $2)");
            hyp_query_bind_i64(&query, frame->device.id);
            hyp_query_bind_i64(&query, block);
            HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
        }
        if (frame->line.id != 0 &&
            (i == 0 || load->frames[i - 1].frame.line.id != frame->line.id)) {
            hyp_query_open(&query, db,
                           "INSERT INTO frame_line(line, block) VALUES ($1, $2)"
                           " ON CONFLICT DO NOTHING");
            hyp_query_bind_i64(&query, frame->line.id);
            hyp_query_bind_i64(&query, block);
            HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
        }
    }
}

static void find_span(const struct load *load, int64_t *ret_oldest, int64_t *ret_newest)
{
    *ret_oldest = INT64_MAX;
    *ret_newest = INT64_MIN;
    for (size_t i = 0; i < load->count; i++) {
        *ret_oldest = HYP_MIN(*ret_oldest, load->frames[i].frame.received.ms);
        *ret_newest = HYP_MAX(*ret_newest, load->frames[i].frame.received.ms);
    }
}

/* Writes one block, in a transaction of the frames database that the caller began. */
static int64_t insert_block(struct hyp_db *db, const struct load *load,
                            const struct hyp_buf *blob)
{
    int64_t oldest;
    int64_t newest;
    find_span(load, &oldest, &newest);
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "INSERT INTO frame_block(first_log, last_log, oldest, newest, frames, data)"
                   " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id");
    hyp_query_bind_i64(&query, load->first_row);
    hyp_query_bind_i64(&query, load->last_row);
    hyp_query_bind_i64(&query, oldest);
    hyp_query_bind_i64(&query, newest);
    hyp_query_bind_i64(&query, (int64_t)load->count);
    hyp_query_bind_blob(&query, blob->data, blob->len);
    int64_t block = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    HYP_IGNORE(hyp_query_close(&query)); /* sticky until commit */
    index_block(db, load, block);
    return block;
}

static enum hyp_status write_block(struct hyp_store *store, struct hyp_arena *arena)
{
    struct load load;
    enum hyp_status status = gather(store, arena, &load);
    struct hyp_buf blob HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&blob, BLOB_MAX);
    if (status == HYP_OK) {
        status = hyp_frames_compress(load.frames, load.count, &blob);
    }
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_db *db = store->write.frames;
    hyp_db_begin(db);
    insert_block(db, &load, &blob);
    status = hyp_db_commit(db);
    if (status == HYP_OK) {
        hyp_frames_note_stored(store->frames, (int64_t)blob.len, (int64_t)load.count,
                               load.last_row);
        store->frames->check_limits = true;
    }
    return status;
}

/* Deletes packed rows from the frame log and forgets them here. */
static enum hyp_status forget_packed(struct hyp_store *store)
{
    struct hyp_frames *frames = store->frames;
    struct hyp_db *db = store->write.main;
    hyp_db_begin(db);
    struct hyp_query query;
    hyp_query_open(&query, db, "DELETE FROM frame_log WHERE id <= $1");
    hyp_query_bind_i64(&query, frames->packed_row);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
    enum hyp_status status = hyp_db_commit(db);
    if (status != HYP_OK) {
        return status;
    }
    pthread_rwlock_wrlock(&frames->lock);
    size_t gone = 0;
    while (gone < frames->pending_count &&
           frames->pending[gone].log_row <= frames->packed_row) {
        frames->pending_bytes -= frames->pending[gone].len;
        hyp_frames_drop(&frames->pending[gone]);
        gone++;
    }
    frames->pending_count -= gone;
    memmove(frames->pending, frames->pending + gone,
            frames->pending_count * sizeof(*frames->pending));
    pthread_rwlock_unlock(&frames->lock);
    return HYP_OK;
}

enum hyp_status hyp_frames_pack(struct hyp_store *store)
{
    struct hyp_frames *frames = store->frames;
    if (frames->pending_count == 0) {
        return HYP_OK;
    }
    struct hyp_arena arena;
    hyp_arena_init(&arena, SCRATCH_MAX);
    enum hyp_status status = HYP_OK;
    /* After a failure between block and frame log the rows are in a block already. */
    if (frames->pending[0].log_row > frames->packed_row) {
        status = write_block(store, &arena);
    }
    if (status == HYP_OK) {
        status = forget_packed(store);
    }
    hyp_arena_finish(&arena);
    return status;
}

static bool pack_step(struct hyp_store *store)
{
    return store->frames->pending_bytes >= HYP_LIMIT_FRAME_PENDING &&
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

/* Deletes the oldest block if it is too old or all are too big together. Only looked at when a
 * block was added, so that idle commits cost nothing. */
static bool expire_step(struct hyp_store *store)
{
    struct hyp_frames *frames = store->frames;
    if (!frames->check_limits) {
        return false;
    }
    frames->check_limits = false;
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
    if (hyp_query_close(&query) != HYP_OK || !found || (!too_old && !too_big)) {
        return false;
    }
    hyp_db_begin(db);
    hyp_query_open(&query, db, "DELETE FROM frame_block WHERE id = $1");
    hyp_query_bind_i64(&query, id);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
    if (hyp_db_commit(db) != HYP_OK) {
        return false;
    }
    hyp_frames_note_stored(frames, -bytes, -count, 0);
    frames->check_limits = true;
    hyp_replaced_prune(store, oldest_row(store));
    return true;
}

bool hyp_frames_step(struct hyp_store *store)
{
    hyp_core_enter(store);
    bool more = pack_step(store) || expire_step(store);
    hyp_core_release(store);
    return more;
}
