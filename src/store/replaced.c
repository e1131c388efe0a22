/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row's data: version 1, then pairs of varints: number of the old frame, number of the new.
 */
#include "store/replaced.h"

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
        status = load_row(store->frames, hyp_query_blob(&query));
    }
    enum hyp_status read = hyp_query_close(&query);
    return status == HYP_OK ? read : status;
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
