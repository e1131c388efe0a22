/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash map from a 64-bit number to a 64-bit number (an index, an id or a pointer as integer).
 *
 * Open addressing, power-of-two capacity, at most 70 % full. Key 0 is allowed. Keys are mixed,
 * so sequential ids are fine. Not for hostile keys without a secret seed.
 */
#ifndef HYP_BASE_MAP_H
#define HYP_BASE_MAP_H

#include "base/attr.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hyp_map_slot;

struct hyp_map {
    struct hyp_map_slot *slots;
    size_t capacity;
    size_t count;
};

/* init allocates nothing; finish frees it and leaves an empty map. */
void hyp_map_init(struct hyp_map *map);
void hyp_map_finish(struct hyp_map *map);
/* Adds or replaces. HYP_OK | NO_MEMORY (map unchanged); replacing cannot fail. */
HYP_MUST_USE enum hyp_status hyp_map_set(struct hyp_map *map, uint64_t key, uint64_t value);
/* Room for one more: as long as there is not one more than now, adding cannot fail either.
 * HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_map_reserve(struct hyp_map *map);
/* Returns false when absent; *ret_value is written on success only. */
bool hyp_map_get(const struct hyp_map *map, uint64_t key, uint64_t *ret_value);
/* Returns whether it was there. */
bool hyp_map_remove(struct hyp_map *map, uint64_t key);
/*
 * Walks all entries in no particular order: start with *cursor = 0.
 * Returns   false at the end. The map must not change meanwhile.
 */
bool hyp_map_next(const struct hyp_map *map, size_t *cursor, uint64_t *ret_key,
                  uint64_t *ret_value);

/* FNV-1a over bytes, mixed; for keys made of text. */
uint64_t hyp_hash_bytes(const void *data, size_t len);

#endif
