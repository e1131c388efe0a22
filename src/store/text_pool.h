/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text pool: every distinct text value and label once, by number.
 *
 * Grows only: texts are few and repeat. Not for more than one writer.
 */
#ifndef HYP_STORE_TEXT_POOL_H
#define HYP_STORE_TEXT_POOL_H

#include "base/map.h"
#include "base/str.h"

struct hyp_text_pool {
    char *bytes;
    size_t len;
    size_t capacity;
    uint32_t *starts; /* text i is bytes[starts[i]] .. bytes[starts[i + 1]] */
    size_t count;
    size_t start_capacity;
    struct hyp_map by_hash; /* hash, counted up on collision -> number */
};

/* finish frees all texts and leaves an empty pool. */
void hyp_text_pool_init(struct hyp_text_pool *pool);
void hyp_text_pool_finish(struct hyp_text_pool *pool);
/* Number of a text known already; false = not known. */
bool hyp_text_pool_find(const struct hyp_text_pool *pool, struct hyp_str text,
                        uint32_t *ret_index);
/* Adds the text unless it is there. HYP_OK | NO_MEMORY | LIMIT (pool full: 4 GB) */
HYP_MUST_USE enum hyp_status hyp_text_pool_add(struct hyp_text_pool *pool, struct hyp_str text,
                                               uint32_t *ret_index);
/* View until the next add. @index of a text of this pool: nothing is checked */
struct hyp_str hyp_text_pool_get(const struct hyp_text_pool *pool, uint32_t index);

#endif
