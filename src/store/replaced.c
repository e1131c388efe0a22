/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row's data: version 1, then pairs of varints: number of the old frame, number of the new.
 */
#include "store/replaced.h"

#include "store/follow.h"

#include "base/bytes.h"

#define ROW_VERSION 1
#define ROW_MAX ((size_t)HYP_LIMIT_BATCH_FRAMES * 20 + 1)
#define NAME_MAX_LEN 48

static void row_name(char out[static NAME_MAX_LEN], int64_t first)
{
    struct hyp_buf name;
    hyp_buf_init_fixed(&name, out, NAME_MAX_LEN);
    hyp_buf_append_fmt(&name, "frames.replaced.%lld", (long long)first);
    hyp_buf_terminate(&name);
}

enum hyp_status hyp_replaced_log(struct hyp_store *store, const struct hyp_replacement *list,
                                 size_t count)
{
    if (count == 0) {
        return HYP_OK;
    }
    char name[NAME_MAX_LEN];
    struct hyp_buf data HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&data, ROW_MAX);
    hyp_buf_append_u8(&data, ROW_VERSION);
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append_varint(&data, (uint64_t)list[i].old_frame);
        hyp_buf_append_varint(&data, (uint64_t)list[i].new_frame);
    }
    if (hyp_buf_status(&data) != HYP_OK) {
        return hyp_buf_status(&data);
    }
    /* A frame is replaced once, so its number names the row. */
    row_name(name, list[0].old_frame);
    struct hyp_query query;
    hyp_query_open(&query, store->write.main,
                   "INSERT INTO learned(name, data) VALUES ($1, $2)"
                   " ON CONFLICT (name) DO UPDATE SET data = excluded.data");
    hyp_query_bind_text(&query, name);
    hyp_query_bind_blob(&query, data.data, data.len);
    hyp_follow_note(store, HYP_CHANGE_REPLACED, 0, 0, 0);
    return hyp_query_run(&query, NULL);
}

void hyp_replaced_apply(struct hyp_store *store, const struct hyp_replacement *list,
                        size_t count)
{
    struct hyp_frames *frames = store->frames;
    pthread_rwlock_wrlock(&frames->lock);
    for (size_t i = 0; i < count; i++) {
        HYP_IGNORE(hyp_map_set(&frames->replaced, (uint64_t)list[i].old_frame,
                               (uint64_t)list[i].new_frame)); /* see the header */
    }
    pthread_rwlock_unlock(&frames->lock);
}

static enum hyp_status load_row(struct hyp_frames *frames, struct hyp_str data)
{
    struct hyp_bytes in = hyp_bytes_from((const uint8_t *)data.ptr, data.len);
    if (hyp_bytes_u8(&in) != ROW_VERSION) {
        return HYP_OK; /* damaged: its frames are listed twice, nothing is lost */
    }
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && hyp_bytes_left(&in) > 0) {
        uint64_t old_frame = hyp_bytes_varint(&in);
        uint64_t new_frame = hyp_bytes_varint(&in);
        if (!hyp_bytes_failed(&in)) {
            status = hyp_map_set(&frames->replaced, old_frame, new_frame);
        }
    }
    return status;
}

enum hyp_status hyp_replaced_load(struct hyp_store *store)
{
    struct hyp_query query;
    enum hyp_status status = HYP_OK;
    hyp_query_open(&query, store->write.main,
                   "SELECT data FROM learned"
                   " WHERE name > 'frames.replaced.' AND name < 'frames.replaced/'");
    while (status == HYP_OK && hyp_query_row(&query)) {
        pthread_rwlock_wrlock(&store->frames->lock);
        status = load_row(store->frames, hyp_query_blob(&query));
        pthread_rwlock_unlock(&store->frames->lock);
    }
    enum hyp_status read = hyp_query_close(&query);
    return status == HYP_OK ? read : status;
}

/* --- the end of a row --- */

#define PRUNE_ROWS 64
#define PRUNE_MAX ((size_t)PRUNE_ROWS * (ROW_MAX + NAME_MAX_LEN + 64))

struct gone_row {
    const char *name;
    struct hyp_str data;
};

/* Is every frame of the row before `oldest_row`? A damaged row is of no use to anybody. */
static bool is_gone(struct hyp_str data, int64_t oldest_row)
{
    struct hyp_bytes in = hyp_bytes_from((const uint8_t *)data.ptr, data.len);
    uint64_t first_kept = (uint64_t)hyp_frame_number(oldest_row, 0);
    hyp_bytes_skip(&in, 1);
    while (hyp_bytes_left(&in) > 0) {
        if (hyp_bytes_varint(&in) >= first_kept && !hyp_bytes_failed(&in)) {
            return false;
        }
    }
    return true;
}

static enum hyp_status find_gone(struct hyp_store *store, int64_t oldest_row,
                                 struct hyp_arena *arena, struct gone_row *rows,
                                 size_t *ret_count)
{
    struct hyp_query query;
    size_t count = 0;
    hyp_query_open(&query, store->write.main,
                   "SELECT name, data FROM learned"
                   " WHERE name > 'frames.replaced.' AND name < 'frames.replaced/'");
    while (count < PRUNE_ROWS && hyp_query_row(&query)) {
        struct hyp_str name = hyp_query_str(&query);
        struct hyp_str data = hyp_query_blob(&query);
        if (is_gone(data, oldest_row)) {
            rows[count].name = hyp_arena_copy_str(arena, name);
            rows[count].data = (struct hyp_str){hyp_arena_copy_str(arena, data), data.len};
            if (rows[count].name == NULL || rows[count].data.ptr == NULL) {
                break; /* the others next time */
            }
            count++;
        }
    }
    *ret_count = count;
    return hyp_query_close(&query);
}

static void forget(struct hyp_frames *frames, struct hyp_str data)
{
    struct hyp_bytes in = hyp_bytes_from((const uint8_t *)data.ptr, data.len);
    hyp_bytes_skip(&in, 1);
    while (hyp_bytes_left(&in) > 0) {
        uint64_t old_frame = hyp_bytes_varint(&in);
        hyp_bytes_varint(&in);
        hyp_map_remove(&frames->replaced, old_frame);
    }
}

void hyp_replaced_prune(struct hyp_store *store, int64_t oldest_row)
{
    struct hyp_db *db = store->write.main;
    struct gone_row rows[PRUNE_ROWS];
    struct hyp_arena arena;
    size_t count = 0;
    if (store->frames->replaced.count == 0) {
        return;
    }
    hyp_arena_init(&arena, PRUNE_MAX);
    if (find_gone(store, oldest_row, &arena, rows, &count) == HYP_OK && count > 0) {
        hyp_db_begin(db);
        for (size_t i = 0; i < count; i++) {
            struct hyp_query query;
            hyp_query_open(&query, db, "DELETE FROM learned WHERE name = $1");
            hyp_query_bind_text(&query, rows[i].name);
            HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
        }
        if (hyp_db_commit(db) == HYP_OK) {
            pthread_rwlock_wrlock(&store->frames->lock);
            for (size_t i = 0; i < count; i++) {
                forget(store->frames, rows[i].data);
            }
            pthread_rwlock_unlock(&store->frames->lock);
        }
    }
    hyp_arena_finish(&arena);
}

bool hyp_replaced_has(const struct hyp_frames *frames, hyp_frame_id frame)
{
    uint64_t ignored;
    return hyp_map_get(&frames->replaced, (uint64_t)frame.id, &ignored);
}

hyp_frame_id hyp_replaced_follow(const struct hyp_frames *frames, hyp_frame_id frame)
{
    uint64_t next = 0;
    bool moved = hyp_map_get(&frames->replaced, (uint64_t)frame.id, &next) && next != 0;
    return moved ? (hyp_frame_id){(int64_t)next} : frame;
}
