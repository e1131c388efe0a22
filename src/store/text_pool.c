/* SPDX-License-Identifier: Apache-2.0 */
#include "store/text_pool.h"

#include "store/reserve.h"

#include <stdlib.h>
#include <string.h>

void hyp_text_pool_init(struct hyp_text_pool *pool)
{
    *pool = (struct hyp_text_pool){0};
    hyp_map_init(&pool->by_hash);
}

void hyp_text_pool_finish(struct hyp_text_pool *pool)
{
    free(pool->bytes);
    free(pool->starts);
    hyp_map_finish(&pool->by_hash);
    hyp_text_pool_init(pool);
}

struct hyp_str hyp_text_pool_get(const struct hyp_text_pool *pool, uint32_t index)
{
    if (index >= pool->count) {
        return (struct hyp_str){.ptr = "", .len = 0};
    }
    return (struct hyp_str){.ptr = pool->bytes + pool->starts[index],
                            .len = pool->starts[index + 1] - pool->starts[index]};
}

/* The slot of the text in the map: its own, or the free one where it belongs. */
static bool find_slot(const struct hyp_text_pool *pool, struct hyp_str text, uint64_t *ret_hash,
                      uint32_t *ret_index)
{
    uint64_t hash = hyp_hash_bytes(text.ptr, text.len);
    uint64_t index;
    while (hyp_map_get(&pool->by_hash, hash, &index)) {
        if (hyp_str_equal(hyp_text_pool_get(pool, (uint32_t)index), text)) {
            *ret_index = (uint32_t)index;
            return true;
        }
        hash++;
    }
    *ret_hash = hash;
    return false;
}

bool hyp_text_pool_find(const struct hyp_text_pool *pool, struct hyp_str text,
                        uint32_t *ret_index)
{
    uint64_t hash;
    return find_slot(pool, text, &hash, ret_index);
}

static enum hyp_status reserve(struct hyp_text_pool *pool, size_t extra)
{
    if (pool->len + extra > UINT32_MAX) {
        return HYP_LIMIT;
    }
    /* One byte more, so that there is an address behind the last text. */
    enum hyp_status status =
        hyp_reserve(&pool->bytes, &pool->capacity, pool->len + extra + 1, sizeof(*pool->bytes));
    if (status == HYP_OK) {
        status = hyp_reserve(&pool->starts, &pool->start_capacity, pool->count + 2,
                             sizeof(*pool->starts));
    }
    return status;
}

enum hyp_status hyp_text_pool_add(struct hyp_text_pool *pool, struct hyp_str text,
                                  uint32_t *ret_index)
{
    uint64_t hash;
    if (find_slot(pool, text, &hash, ret_index)) {
        return HYP_OK;
    }
    enum hyp_status status = reserve(pool, text.len);
    if (status == HYP_OK) {
        status = hyp_map_set(&pool->by_hash, hash, pool->count);
    }
    if (status != HYP_OK) {
        return status;
    }
    if (text.len > 0) {
        memcpy(pool->bytes + pool->len, text.ptr, text.len);
    }
    pool->starts[pool->count] = (uint32_t)pool->len;
    pool->len += text.len;
    pool->starts[pool->count + 1] = (uint32_t)pool->len;
    *ret_index = (uint32_t)pool->count++;
    return HYP_OK;
}
