/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing: frames of some hundred batches leave the frame log and become one compressed block.
 */
#include "store/follow.h"
#include "store/frames.h"
#include "store/historian.h"
#include "store/partition.h"
#include "store/period.h"
#include "store/replaced.h"

#include <stdlib.h>
#include <string.h>

#define BLOB_MAX ((size_t)64 * 1024 * 1024)
/* Decoded heads and bytes of one block. */
#define SCRATCH_MAX ((size_t)256 * 1024 * 1024)

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

static void index_row(struct hyp_db *db, const char *sql, int64_t id, int64_t block,
                      struct hyp_shard shard)
{
    struct hyp_query query;
    hyp_query_open(&query, db, sql);
    hyp_query_bind_i64(&query, id);
    hyp_query_bind_i64(&query, block);
    if (hyp_db_is_sharded(db)) {
        hyp_query_bind_i64(&query, shard.tenant.id);
        hyp_query_bind_i64(&query, shard.period);
    }
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

static void index_block(struct hyp_db *db, const struct load *load, int64_t block,
                        struct hyp_shard shard)
{
    bool sharded = hyp_db_is_sharded(db);
    const char *device_sql = sharded
                                 ? "INSERT INTO frame_device(device, block, tenant, period)"
                                   " VALUES ($1, $2, $3, $4)"
                                 : "INSERT INTO frame_device(device, block) VALUES ($1, $2)";
    const char *line_sql =
        sharded ? "INSERT INTO frame_line(line, block, tenant, period)"
                  " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
                : "INSERT INTO frame_line(line, block) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    hyp_partition_need(db, HYP_PARTITIONED_FRAME_DEVICE, shard.period);
    hyp_partition_need(db, HYP_PARTITIONED_FRAME_LINE, shard.period);
    for (size_t i = 0; i < load->count; i++) {
        const struct hyp_stored_frame *frame = &load->frames[i].frame;
        /* Sorted by device, so each device is met once in a row. */
        if (frame->device.id != 0 &&
            (i == 0 || load->frames[i - 1].frame.device.id != frame->device.id)) {
            index_row(db, device_sql, frame->device.id, block, shard);
        }
        if (frame->line.id != 0 &&
            (i == 0 || load->frames[i - 1].frame.line.id != frame->line.id)) {
            index_row(db, line_sql, frame->line.id, block, shard);
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
    struct hyp_shard shard = {.tenant = hyp_frames_tenant(load->frames, load->count),
                              .period = hyp_period_of(newest)};
    struct hyp_query query;
    hyp_partition_need(db, HYP_PARTITIONED_FRAME_BLOCK, shard.period);
    if (hyp_db_is_sharded(db)) {
        hyp_query_open(&query, db,
                       "INSERT INTO frame_block(tenant, period, first_log, last_log, oldest,"
                       " newest, frames, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                       " RETURNING id");
        hyp_query_bind_i64(&query, shard.tenant.id);
        hyp_query_bind_i64(&query, shard.period);
    } else {
        hyp_query_open(&query, db,
                       "INSERT INTO frame_block(first_log, last_log, oldest, newest, frames,"
                       " data) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id");
    }
    hyp_query_bind_i64(&query, load->first_row);
    hyp_query_bind_i64(&query, load->last_row);
    hyp_query_bind_i64(&query, oldest);
    hyp_query_bind_i64(&query, newest);
    hyp_query_bind_i64(&query, (int64_t)load->count);
    hyp_query_bind_blob(&query, blob->data, blob->len);
    int64_t block = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    HYP_IGNORE(hyp_query_close(&query)); /* sticky until commit */
    index_block(db, load, block, shard);
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
        store->frames->rows_left = true;
    }
    return status;
}

/* --- the log behind a block --- */

static enum hyp_status has_packed(struct hyp_store *store, bool *ret_has)
{
    struct hyp_query query;
    hyp_query_open(&query, store->write.main,
                   "SELECT id FROM frame_log WHERE id <= $1 LIMIT 1");
    hyp_query_bind_i64(&query, store->frames->packed_row);
    *ret_has = hyp_query_row(&query);
    return hyp_query_close(&query);
}

static enum hyp_status delete_packed(struct hyp_store *store)
{
    struct hyp_db *db = store->write.main;
    int64_t last = store->frames->packed_row;
    hyp_db_begin(db);
    struct hyp_query query;
    hyp_query_open(&query, db, "DELETE FROM frame_log WHERE id <= $1");
    hyp_query_bind_i64(&query, last);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
    hyp_follow_note(store, HYP_CHANGE_PACKED, 0, 0, last);
    return hyp_db_commit(db);
}

enum hyp_status hyp_frames_forget_packed(struct hyp_store *store)
{
    struct hyp_frames *frames = store->frames;
    bool has = true;
    enum hyp_status status = has_packed(store, &has);
    if (status == HYP_OK && has) {
        status = delete_packed(store);
    }
    if (status == HYP_OK) {
        hyp_frames_let_go(frames, frames->packed_row);
        frames->rows_left = false;
    }
    return status;
}

enum hyp_status hyp_frames_pack(struct hyp_store *store)
{
    struct hyp_frames *frames = store->frames;
    enum hyp_status status = frames->rows_left ? hyp_frames_forget_packed(store) : HYP_OK;
    if (status != HYP_OK || frames->pending_count == 0) {
        return status;
    }
    struct hyp_arena arena;
    hyp_arena_init(&arena, SCRATCH_MAX);
    status = write_block(store, &arena);
    hyp_arena_finish(&arena);
    return status == HYP_OK ? hyp_frames_forget_packed(store) : status;
}
