/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking frames out of compressed blocks: of devices that were removed, and of spans of time
 * that are to be forgotten.
 */
#include "store/frames.h"

#define SCRATCH_MAX ((size_t)256 << 20)
#define BLOB_MAX ((size_t)64 << 20)

struct erased_block {
    int64_t id;
    struct hyp_kept_frame *frames;
    size_t before;
    size_t count; /* that stay */
    bool has_device;
    int64_t bytes_before;
};

static enum hyp_status find_block(struct hyp_store *store, const struct hyp_frame_span *span,
                                  int64_t after, struct hyp_arena *arena,
                                  struct erased_block *block)
{
    struct hyp_query query;
    hyp_query_open(&query, store->write.frames,
                   "SELECT frame_block.id, data FROM frame_block"
                   " JOIN frame_device ON frame_device.block = frame_block.id"
                   " WHERE frame_device.device = $1 AND frame_block.id > $2"
                   " AND newest >= $3 AND oldest <= $4 ORDER BY frame_block.id LIMIT 1");
    hyp_query_bind_i64(&query, span->device.id);
    hyp_query_bind_i64(&query, after);
    hyp_query_bind_i64(&query, span->first);
    hyp_query_bind_i64(&query, span->last);
    enum hyp_status status = HYP_NOT_FOUND;
    if (hyp_query_row(&query)) {
        block->id = hyp_query_i64(&query);
        struct hyp_str blob = hyp_query_blob(&query);
        block->bytes_before = (int64_t)blob.len;
        status = hyp_frames_decode((const uint8_t *)blob.ptr, blob.len, 0, arena,
                                   &block->frames, &block->before);
    }
    enum hyp_status read = hyp_query_close(&query);
    return read == HYP_OK ? status : read;
}

static bool is_in(const struct hyp_frame_span *span, const struct hyp_stored_frame *frame)
{
    return frame->device.id == span->device.id && frame->received.ms >= span->first &&
           frame->received.ms <= span->last;
}

static void take_out(const struct hyp_frame_span *span, struct erased_block *block)
{
    for (size_t i = 0; i < block->before; i++) {
        if (!is_in(span, &block->frames[i].frame)) {
            block->has_device |= block->frames[i].frame.device.id == span->device.id;
            block->frames[block->count++] = block->frames[i];
        }
    }
}

static void unlist(struct hyp_db *db, int64_t block, hyp_device_id device)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "DELETE FROM frame_device WHERE device = $1 AND block = $2");
    hyp_query_bind_i64(&query, device.id);
    hyp_query_bind_i64(&query, block);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

static enum hyp_status replace_block(struct hyp_store *store, const struct erased_block *block,
                                     const struct hyp_buf *blob, hyp_device_id device)
{
    struct hyp_db *db = store->write.frames;
    hyp_db_begin(db);
    struct hyp_query query;
    hyp_query_open(&query, db, "UPDATE frame_block SET frames = $1, data = $2 WHERE id = $3");
    hyp_query_bind_i64(&query, (int64_t)block->count);
    hyp_query_bind_blob(&query, blob->data, blob->len);
    hyp_query_bind_i64(&query, block->id);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
    if (!block->has_device) {
        unlist(db, block->id, device);
    }
    enum hyp_status status = hyp_db_commit(db);
    if (status == HYP_OK) {
        hyp_frames_note_stored(store->frames, (int64_t)blob->len - block->bytes_before,
                               (int64_t)block->count - (int64_t)block->before, 0);
    }
    return status;
}

static enum hyp_status rewrite(struct hyp_store *store, const struct hyp_frame_span *span,
                               struct erased_block *block)
{
    struct hyp_buf blob HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&blob, BLOB_MAX);
    take_out(span, block);
    if (block->count == block->before) {
        return HYP_OK;
    }
    enum hyp_status status = hyp_frames_compress(block->frames, block->count, &blob);
    return status == HYP_OK ? replace_block(store, block, &blob, span->device) : status;
}

enum hyp_status hyp_frames_erase_step(struct hyp_store *store,
                                      const struct hyp_frame_span *span, int64_t *block,
                                      uint64_t *ret_erased)
{
    struct hyp_arena arena;
    hyp_arena_init(&arena, SCRATCH_MAX);
    struct erased_block found = {0};
    *ret_erased = 0;
    enum hyp_status status =
        store->frames->rows_left ? hyp_frames_forget_packed(store) : HYP_OK;
    if (status == HYP_OK) {
        status = find_block(store, span, *block, &arena, &found);
    }
    if (status == HYP_OK) {
        status = rewrite(store, span, &found);
        *ret_erased = status == HYP_OK ? found.before - found.count : 0;
    } else if (status == HYP_BAD_CHECK || status == HYP_MALFORMED ||
               status == HYP_UNSUPPORTED) {
        /* A damaged block cannot be read by anybody: there is nothing to take out. */
        hyp_db_begin(store->write.frames);
        unlist(store->write.frames, found.id, span->device);
        status = hyp_db_commit(store->write.frames);
    }
    if (status == HYP_OK) {
        *block = found.id;
    }
    hyp_arena_finish(&arena);
    return status;
}
