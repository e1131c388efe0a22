/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading raw frames: pending rows first, because they are the newest, then blocks backwards.
 *
 * A block is read only when all its rows are older than the oldest pending one: while rows
 * move from one to the other they are in both.
 */
#include "store/frames.h"
#include "store/historian.h"
#include "store/replaced.h"

#include <stdlib.h>
#include <string.h>

#define SCRATCH_MAX ((size_t)256 * 1024 * 1024)

/* A page being filled. */
struct page {
    struct hyp_store *store;
    hyp_tenant_id tenant;
    hyp_device_id device;
    hyp_line_id line;
    size_t skip;
    size_t limit;
    struct hyp_arena *bytes; /* where bytes are copied to; NULL = nobody asks for them */
    struct hyp_list list;
};

static bool page_is_full(const struct page *page)
{
    return page->list.failed || page->list.count >= page->limit;
}

static bool is_visible(const struct page *page, const struct hyp_kept_frame *kept)
{
    const struct hyp_stored_frame *frame = &kept->frame;
    if (kept->tenant.id != page->tenant.id || frame->protocol == HYP_RAW_COPY ||
        (page->device.id != 0 && frame->device.id != page->device.id) ||
        (page->line.id != 0 && frame->line.id != page->line.id)) {
        return false;
    }
    if (frame->device.id == 0) {
        return true;
    }
    /* Frames of a removed device are there until they are wiped, but nobody sees them. */
    pthread_rwlock_rdlock(&page->store->historian->lock);
    bool known = hyp_historian_find_for(page->store->historian, page->tenant, frame->device);
    pthread_rwlock_unlock(&page->store->historian->lock);
    return known;
}

static int newest_first(const void *a, const void *b)
{
    const struct hyp_kept_frame *x = a;
    const struct hyp_kept_frame *y = b;
    return x->frame.id.id > y->frame.id.id ? -1 : x->frame.id.id < y->frame.id.id;
}

static void copy_bytes(struct page *page, struct hyp_stored_frame *frame)
{
    struct hyp_str bytes = {.ptr = (const char *)frame->bytes, .len = frame->len};
    frame->bytes = NULL;
    if (page->bytes != NULL) {
        frame->bytes = (const uint8_t *)hyp_arena_copy_str(page->bytes, bytes);
        page->list.failed = page->list.failed || frame->bytes == NULL;
    }
}

static void add_frames(struct page *page, struct hyp_kept_frame *kept, size_t count)
{
    qsort(kept, count, sizeof(*kept), newest_first);
    for (size_t i = 0; i < count && !page_is_full(page); i++) {
        if (!is_visible(page, &kept[i]) ||
            hyp_replaced_has(page->store->frames, kept[i].frame.id)) {
            continue;
        }
        if (page->skip > 0) {
            page->skip--;
            continue;
        }
        struct hyp_stored_frame *frame = hyp_list_add(&page->list);
        if (frame != NULL) {
            *frame = kept[i].frame;
            copy_bytes(page, frame);
        }
    }
}

/* Returns the row below which blocks may be read. */
static enum hyp_status add_pending(struct page *page, int64_t *ret_below)
{
    const struct hyp_frames *frames = page->store->frames;
    struct hyp_arena scratch;
    hyp_arena_init(&scratch, SCRATCH_MAX);
    enum hyp_status status = HYP_OK;
    *ret_below = frames->pending_count == 0 ? INT64_MAX : frames->pending[0].log_row;
    for (size_t i = frames->pending_count; i > 0 && status == HYP_OK && !page_is_full(page);
         i--) {
        const struct hyp_pending_frames *row = &frames->pending[i - 1];
        struct hyp_kept_frame *kept;
        size_t count;
        hyp_arena_reset(&scratch);
        status = hyp_frames_decode(row->blob, row->len, row->log_row << HYP_FRAME_INDEX_BITS,
                                   &scratch, &kept, &count);
        if (status == HYP_OK) {
            add_frames(page, kept, count);
        }
    }
    hyp_arena_finish(&scratch);
    return status;
}

/* Opens the query for the blocks that may hold a wanted frame, newest first. */
static void open_blocks(struct hyp_query *query, struct hyp_db *db, const struct page *page,
                        int64_t below)
{
    if (page->device.id != 0) {
        hyp_query_open(query, db,
                       "SELECT id, data FROM frame_block WHERE last_log < $1 AND id IN"
                       " (SELECT block FROM frame_device WHERE device = $2) ORDER BY id DESC");
    } else if (page->line.id != 0) {
        hyp_query_open(query, db,
                       "SELECT id, data FROM frame_block WHERE last_log < $1 AND id IN"
                       " (SELECT block FROM frame_line WHERE line = $2) ORDER BY id DESC");
    } else {
        hyp_query_open(query, db,
                       "SELECT id, data FROM frame_block WHERE last_log < $1"
                       " ORDER BY id DESC");
    }
    hyp_query_bind_i64(query, below);
    if (page->device.id != 0) {
        hyp_query_bind_i64(query, page->device.id);
    } else if (page->line.id != 0) {
        hyp_query_bind_i64(query, page->line.id);
    }
}

static enum hyp_status add_blocks(struct page *page, struct hyp_db *db, int64_t below)
{
    struct hyp_arena scratch;
    hyp_arena_init(&scratch, SCRATCH_MAX);
    struct hyp_query query;
    open_blocks(&query, db, page, below);
    while (!page_is_full(page) && hyp_query_row(&query)) {
        int64_t id = hyp_query_i64(&query);
        struct hyp_str blob = hyp_query_blob(&query);
        struct hyp_kept_frame *kept;
        size_t count;
        hyp_arena_reset(&scratch);
        enum hyp_status status =
            hyp_frames_decode((const uint8_t *)blob.ptr, blob.len, 0, &scratch, &kept, &count);
        if (status == HYP_OK) {
            add_frames(page, kept, count);
        } else {
            hyp_log_event(page->store->log, HYP_LOG_ERROR, "store.frames_damaged",
                          "table=frame_block row=%lld reason=%s; skipping block", (long long)id,
                          hyp_status_name(status));
        }
    }
    enum hyp_status status = hyp_query_close(&query);
    hyp_arena_finish(&scratch);
    return status;
}

static enum hyp_status check_scope(struct hyp_store *store, hyp_tenant_id tenant,
                                   hyp_device_id device, hyp_line_id line)
{
    if (device.id != 0) {
        pthread_rwlock_rdlock(&store->historian->lock);
        bool known = hyp_historian_find_for(store->historian, tenant, device) != NULL;
        pthread_rwlock_unlock(&store->historian->lock);
        if (!known) {
            return HYP_NOT_FOUND;
        }
    }
    return line.id == 0 ? HYP_OK : hyp_core_check(store, HYP_SQL_LINE_EXISTS, line.id, tenant);
}

static enum hyp_status fill_page(struct page *page, struct hyp_stored_frame **ret_frames,
                                 size_t *ret_count)
{
    struct hyp_store *store = page->store;
    enum hyp_status status = check_scope(store, page->tenant, page->device, page->line);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_connections reader = hyp_core_reader(store);
    pthread_rwlock_rdlock(&store->frames->lock);
    int64_t below;
    status = add_pending(page, &below);
    if (status == HYP_OK && !page_is_full(page)) {
        status = add_blocks(page, reader.frames, below);
    }
    pthread_rwlock_unlock(&store->frames->lock);
    hyp_core_reader_return(store, reader);
    if (status == HYP_OK && page->list.failed) {
        status = HYP_LIMIT;
    }
    if (status == HYP_OK) {
        *ret_frames = page->list.items;
        *ret_count = page->list.count;
    }
    return status;
}

enum hyp_status hyp_store_newest_frames(struct hyp_store *store, hyp_tenant_id tenant,
                                        hyp_line_id line, size_t limit, struct hyp_arena *arena,
                                        struct hyp_stored_frame **ret_frames, size_t *ret_count)
{
    struct page page = {
        .store = store, .tenant = tenant, .line = line, .limit = limit, .bytes = arena};
    hyp_list_init(&page.list, arena, sizeof(struct hyp_stored_frame));
    return fill_page(&page, ret_frames, ret_count);
}

enum hyp_status hyp_store_frames(struct hyp_store *store, hyp_tenant_id tenant,
                                 hyp_device_id device, hyp_line_id line, size_t offset,
                                 size_t limit, struct hyp_arena *arena,
                                 struct hyp_stored_frame **ret_frames, size_t *ret_count)
{
    struct page page = {.store = store,
                        .tenant = tenant,
                        .device = device,
                        .line = line,
                        .skip = offset,
                        .limit = limit};
    hyp_list_init(&page.list, arena, sizeof(struct hyp_stored_frame));
    return fill_page(&page, ret_frames, ret_count);
}

/* --- one frame --- */

static enum hyp_status pick(const struct page *page, const struct hyp_kept_frame *kept,
                            size_t count, hyp_frame_id id, struct hyp_arena *arena,
                            struct hyp_stored_frame *ret_frame)
{
    for (size_t i = 0; i < count; i++) {
        if (kept[i].frame.id.id == id.id && is_visible(page, &kept[i])) {
            struct hyp_str bytes = {.ptr = (const char *)kept[i].frame.bytes,
                                    .len = kept[i].frame.len};
            const char *copy = hyp_arena_copy_str(arena, bytes);
            if (copy == NULL) {
                return HYP_LIMIT;
            }
            *ret_frame = kept[i].frame;
            ret_frame->bytes = (const uint8_t *)copy;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

static enum hyp_status find_pending(const struct page *page, hyp_frame_id id,
                                    struct hyp_arena *scratch, struct hyp_kept_frame **kept,
                                    size_t *count)
{
    const struct hyp_frames *frames = page->store->frames;
    for (size_t i = 0; i < frames->pending_count; i++) {
        const struct hyp_pending_frames *row = &frames->pending[i];
        if (row->log_row == id.id >> HYP_FRAME_INDEX_BITS) {
            return hyp_frames_decode(row->blob, row->len, row->log_row << HYP_FRAME_INDEX_BITS,
                                     scratch, kept, count);
        }
    }
    return HYP_NOT_FOUND;
}

static enum hyp_status find_in_blocks(struct hyp_db *db, hyp_frame_id id,
                                      struct hyp_arena *scratch, struct hyp_kept_frame **kept,
                                      size_t *count)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "SELECT data FROM frame_block WHERE last_log >= $1 ORDER BY last_log"
                   " LIMIT 1");
    hyp_query_bind_i64(&query, id.id >> HYP_FRAME_INDEX_BITS);
    enum hyp_status status = HYP_NOT_FOUND;
    if (hyp_query_row(&query)) {
        struct hyp_str blob = hyp_query_blob(&query);
        status =
            hyp_frames_decode((const uint8_t *)blob.ptr, blob.len, 0, scratch, kept, count);
        if (status != HYP_OK) {
            status = HYP_CORRUPT;
        }
    }
    enum hyp_status read = hyp_query_close(&query);
    return read == HYP_OK ? status : read;
}

enum hyp_status hyp_store_frame(struct hyp_store *store, hyp_tenant_id tenant, hyp_frame_id id,
                                struct hyp_arena *arena, struct hyp_stored_frame *ret_frame)
{
    struct page page = {.store = store, .tenant = tenant};
    struct hyp_arena scratch;
    hyp_arena_init(&scratch, SCRATCH_MAX);
    struct hyp_kept_frame *kept = NULL;
    size_t count = 0;
    struct hyp_connections reader = hyp_core_reader(store);
    pthread_rwlock_rdlock(&store->frames->lock);
    id = hyp_replaced_follow(store->frames, id);
    enum hyp_status status = find_pending(&page, id, &scratch, &kept, &count);
    if (status == HYP_NOT_FOUND) {
        status = find_in_blocks(reader.frames, id, &scratch, &kept, &count);
    }
    if (status == HYP_OK) {
        status = pick(&page, kept, count, id, arena, ret_frame);
    }
    pthread_rwlock_unlock(&store->frames->lock);
    hyp_core_reader_return(store, reader);
    hyp_arena_finish(&scratch);
    return status;
}

/* --- frames that may be decoded again --- */

/* One block or pending row, oldest first. */
struct unit {
    struct page page;
    hyp_frame_id after;
    const enum hyp_status *outcomes;
    size_t outcome_count;
    struct hyp_arena *arena;
};

static bool is_asked(const struct unit *unit, const struct hyp_kept_frame *kept)
{
    bool asked = false;
    for (size_t i = 0; i < unit->outcome_count; i++) {
        asked = asked || kept->frame.outcome == unit->outcomes[i];
    }
    return asked && kept->frame.id.id > unit->after.id && is_visible(&unit->page, kept) &&
           !hyp_replaced_has(unit->page.store->frames, kept->frame.id);
}

static void add_asked(struct unit *unit, struct hyp_kept_frame *kept, size_t count)
{
    qsort(kept, count, sizeof(*kept), newest_first);
    for (size_t i = count; i > 0; i--) {
        const struct hyp_stored_frame *found = &kept[i - 1].frame;
        if (!is_asked(unit, &kept[i - 1])) {
            continue;
        }
        struct hyp_str bytes = {.ptr = (const char *)found->bytes, .len = found->len};
        const char *copy = hyp_arena_copy_str(unit->arena, bytes);
        struct hyp_stored_frame *frame = hyp_list_add(&unit->page.list);
        if (frame == NULL || copy == NULL) {
            unit->page.list.failed = true;
            return;
        }
        *frame = *found;
        frame->bytes = (const uint8_t *)copy;
    }
}

/* The next block behind `row`. NOT_FOUND at the end. */
static enum hyp_status read_block(struct unit *unit, struct hyp_db *db, int64_t *row)
{
    struct hyp_arena scratch;
    struct hyp_query query;
    enum hyp_status status = HYP_NOT_FOUND;
    hyp_arena_init(&scratch, SCRATCH_MAX);
    hyp_query_open(&query, db,
                   "SELECT last_log, data FROM frame_block WHERE last_log > $1"
                   " ORDER BY last_log LIMIT 1");
    hyp_query_bind_i64(&query, *row);
    if (hyp_query_row(&query)) {
        *row = hyp_query_i64(&query);
        struct hyp_str blob = hyp_query_blob(&query);
        struct hyp_kept_frame *kept;
        size_t count;
        status = HYP_OK; /* a damaged block has been reported; it is passed over */
        if (hyp_frames_decode((const uint8_t *)blob.ptr, blob.len, 0, &scratch, &kept,
                              &count) == HYP_OK) {
            add_asked(unit, kept, count);
        }
    }
    enum hyp_status read = hyp_query_close(&query);
    hyp_arena_finish(&scratch);
    return read == HYP_OK ? status : read;
}

static enum hyp_status read_pending(struct unit *unit, int64_t *row)
{
    const struct hyp_frames *frames = unit->page.store->frames;
    for (size_t i = 0; i < frames->pending_count; i++) {
        const struct hyp_pending_frames *pending = &frames->pending[i];
        if (pending->log_row <= *row) {
            continue;
        }
        struct hyp_arena scratch;
        struct hyp_kept_frame *kept;
        size_t count;
        *row = pending->log_row;
        hyp_arena_init(&scratch, SCRATCH_MAX);
        enum hyp_status status = hyp_frames_decode(pending->blob, pending->len,
                                                   pending->log_row << HYP_FRAME_INDEX_BITS,
                                                   &scratch, &kept, &count);
        if (status == HYP_OK) {
            add_asked(unit, kept, count);
        }
        hyp_arena_finish(&scratch);
        return status;
    }
    return HYP_NOT_FOUND;
}

/* The frames after `row` (the row of `after` may be read in part) until some are found. */
static enum hyp_status read_units(struct unit *unit, struct hyp_db *db, int64_t *row)
{
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && unit->page.list.count == 0 && !unit->page.list.failed) {
        status = read_block(unit, db, row);
        if (status == HYP_NOT_FOUND) {
            status = read_pending(unit, row);
        }
    }
    return status == HYP_NOT_FOUND ? HYP_OK : status;
}

enum hyp_status hyp_store_frames_after(struct hyp_store *store, hyp_tenant_id tenant,
                                       hyp_frame_id after, const enum hyp_status *outcomes,
                                       size_t outcome_count, struct hyp_arena *arena,
                                       struct hyp_stored_frame **ret_frames, size_t *ret_count)
{
    struct unit unit = {
        .page = {.store = store, .tenant = tenant},
        .after = after,
        .outcomes = outcomes,
        .outcome_count = outcome_count,
        .arena = arena
    };
    hyp_list_init(&unit.page.list, arena, sizeof(struct hyp_stored_frame));
    /* The row of `after` comes again, for what is behind it in the same row. */
    int64_t row = (after.id >> HYP_FRAME_INDEX_BITS) - 1;
    struct hyp_connections reader = hyp_core_reader(store);
    pthread_rwlock_rdlock(&store->frames->lock);
    enum hyp_status status = read_units(&unit, reader.frames, &row);
    pthread_rwlock_unlock(&store->frames->lock);
    hyp_core_reader_return(store, reader);
    if (status == HYP_OK && unit.page.list.failed) {
        status = HYP_LIMIT;
    }
    if (status == HYP_OK) {
        *ret_frames = unit.page.list.items;
        *ret_count = unit.page.list.count;
    }
    return status;
}
