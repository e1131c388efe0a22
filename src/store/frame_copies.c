/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who else heard a telegram. A copy is a frame of its own (HYP_RAW_COPY) that says by which
 * line and how well, and names the telegram by the mark of its bytes; it comes within
 * HYP_LIMIT_COPY_MS of it, so it is looked for among the frames of that time. A telegram that
 * is decoded again later keeps bytes and time, and with them its copies.
 */
#include "base/bytes.h"
#include "store/frames.h"

#include <stdlib.h>

#define SCRATCH_MAX ((size_t)256 * 1024 * 1024)
#define MARK_BYTES 8

/* What is looked for, and what has been found. */
struct search {
    hyp_tenant_id tenant;
    const struct hyp_stored_frame *frame;
    uint64_t mark;
    struct hyp_frame_copy *copies;
    size_t count;
};

static bool is_copy(const struct search *search, const struct hyp_kept_frame *kept)
{
    const struct hyp_stored_frame *copy = &kept->frame;
    int64_t after = copy->received.ms - search->frame->received.ms;
    if (copy->protocol != HYP_RAW_COPY || kept->tenant.id != search->tenant.id ||
        copy->len != MARK_BYTES || after < 0 || after >= HYP_LIMIT_COPY_MS ||
        (copy->device.id != 0 && copy->device.id != search->frame->device.id)) {
        return false;
    }
    struct hyp_bytes in = hyp_bytes_from(copy->bytes, copy->len);
    return hyp_bytes_le64(&in) == search->mark;
}

static bool is_known(const struct search *search, const struct hyp_stored_frame *copy)
{
    bool known = copy->line.id == search->frame->line.id;
    for (size_t i = 0; i < search->count; i++) {
        known = known || search->copies[i].line.id == copy->line.id;
    }
    return known;
}

static void add_copies(struct search *search, const struct hyp_kept_frame *kept, size_t count)
{
    for (size_t i = 0; i < count && search->count < HYP_LIMIT_RECEIVERS; i++) {
        const struct hyp_stored_frame *copy = &kept[i].frame;
        if (is_copy(search, &kept[i]) && !is_known(search, copy)) {
            search->copies[search->count++] = (struct hyp_frame_copy){
                .line = copy->line, .received = copy->received, .signal_dbm = copy->signal_dbm};
        }
    }
}

/* A damaged blob has no copies for us; it has been reported by whoever reads its frames. */
static void add_blob(struct search *search, const uint8_t *blob, size_t len)
{
    struct hyp_arena scratch;
    struct hyp_kept_frame *kept;
    size_t count;
    hyp_arena_init(&scratch, SCRATCH_MAX);
    if (hyp_frames_decode(blob, len, 0, &scratch, &kept, &count) == HYP_OK) {
        add_copies(search, kept, count);
    }
    hyp_arena_finish(&scratch);
}

static enum hyp_status add_blocks(struct search *search, struct hyp_db *db)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "SELECT data FROM frame_block WHERE newest >= $1 AND oldest < $2"
                   " ORDER BY last_log LIMIT $3");
    hyp_query_bind_i64(&query, search->frame->received.ms);
    hyp_query_bind_i64(&query, search->frame->received.ms + HYP_LIMIT_COPY_MS);
    hyp_query_bind_i64(&query, HYP_LIMIT_COPY_BLOCKS);
    while (hyp_query_row(&query)) {
        struct hyp_str blob = hyp_query_blob(&query);
        add_blob(search, (const uint8_t *)blob.ptr, blob.len);
    }
    return hyp_query_close(&query);
}

static int in_order(const void *a, const void *b)
{
    const struct hyp_frame_copy *x = a;
    const struct hyp_frame_copy *y = b;
    if (x->received.ms != y->received.ms) {
        return x->received.ms < y->received.ms ? -1 : 1;
    }
    return x->line.id < y->line.id ? -1 : x->line.id > y->line.id;
}

enum hyp_status hyp_store_frame_copies(
    struct hyp_store *store, hyp_tenant_id tenant, const struct hyp_stored_frame *frame,
    struct hyp_frame_copy ret_copies[static HYP_LIMIT_RECEIVERS], size_t *ret_count)
{
    struct search search = {.tenant = tenant,
                            .frame = frame,
                            .mark = hyp_raw_frame_mark(frame->bytes, frame->len),
                            .copies = ret_copies};
    *ret_count = 0;
    if (frame->protocol != HYP_RAW_WMBUS) {
        return HYP_OK;
    }
    struct hyp_connections reader = hyp_core_reader(store);
    pthread_rwlock_rdlock(&store->frames->lock);
    /* While rows move to a block they are in both: the second time they are known. */
    enum hyp_status status = add_blocks(&search, reader.frames);
    for (size_t i = 0; i < store->frames->pending_count; i++) {
        const struct hyp_pending_frames *row = &store->frames->pending[i];
        add_blob(&search, row->blob, row->len);
    }
    pthread_rwlock_unlock(&store->frames->lock);
    hyp_core_reader_return(store, reader);
    qsort(ret_copies, search.count, sizeof(*ret_copies), in_order);
    *ret_count = search.count;
    return status;
}
