/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdlib.h>

/*
 * Key 0 marks a free slot, so that a slot has 16 bytes. The entry of key 0 itself is in one
 * more slot behind the others, whose key says whether it is there.
 */
struct hyp_map_slot {
    uint64_t key;
    uint64_t value;
};

void hyp_map_init(struct hyp_map *map)
{
    *map = (struct hyp_map){0};
}

void hyp_map_finish(struct hyp_map *map)
{
    free(map->slots);
    *map = (struct hyp_map){0};
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xFF51AFD7ED558CCDu;
    x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53u;
    return x ^ x >> 33;
}

/* The slot of `key`, or the free slot where it belongs. capacity > count, so it ends. */
static size_t find_slot(const struct hyp_map *map, uint64_t key)
{
    if (key == 0) {
        return map->capacity;
    }
    size_t mask = map->capacity - 1;
    size_t at = (size_t)mix(key) & mask;
    while (map->slots[at].key != 0 && map->slots[at].key != key) {
        at = (at + 1) & mask;
    }
    return at;
}

static enum hyp_status grow(struct hyp_map *map)
{
    size_t capacity = map->capacity == 0 ? 16 : map->capacity * 2;
    struct hyp_map bigger = {.capacity = capacity};
    bigger.slots = calloc(capacity + 1, sizeof(*bigger.slots));
    if (bigger.slots == NULL) {
        return HYP_NO_MEMORY;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].key != 0) {
            bigger.slots[find_slot(&bigger, map->slots[i].key)] = map->slots[i];
        }
    }
    if (map->capacity > 0) {
        bigger.slots[capacity] = map->slots[map->capacity];
    }
    free(map->slots);
    map->slots = bigger.slots;
    map->capacity = capacity;
    return HYP_OK;
}

enum hyp_status hyp_map_reserve(struct hyp_map *map)
{
    bool full = map->capacity == 0 || (map->count + 1) * 10 > map->capacity * 7;
    return full ? grow(map) : HYP_OK;
}

enum hyp_status hyp_map_set(struct hyp_map *map, uint64_t key, uint64_t value)
{
    if (map->count > 0) {
        struct hyp_map_slot *old = &map->slots[find_slot(map, key)];
        if (old->key != 0) {
            old->value = value;
            return HYP_OK;
        }
    }
    enum hyp_status status = hyp_map_reserve(map);
    if (status != HYP_OK) {
        return status;
    }
    map->slots[find_slot(map, key)] =
        (struct hyp_map_slot){.key = key == 0 ? 1 : key, .value = value};
    map->count++;
    return HYP_OK;
}

bool hyp_map_get(const struct hyp_map *map, uint64_t key, uint64_t *ret_value)
{
    if (map->count == 0) {
        return false;
    }
    const struct hyp_map_slot *slot = &map->slots[find_slot(map, key)];
    if (slot->key == 0) {
        return false;
    }
    *ret_value = slot->value;
    return true;
}

bool hyp_map_remove(struct hyp_map *map, uint64_t key)
{
    if (map->count == 0) {
        return false;
    }
    size_t mask = map->capacity - 1;
    size_t hole = find_slot(map, key);
    if (map->slots[hole].key == 0) {
        return false;
    }
    map->count--;
    if (key == 0) {
        map->slots[hole].key = 0;
        return true;
    }
    /* Backward shift: later members of the run move up, so that no tombstones are needed. */
    for (size_t at = (hole + 1) & mask; map->slots[at].key != 0; at = (at + 1) & mask) {
        size_t home = (size_t)mix(map->slots[at].key) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole].key = 0;
    return true;
}

bool hyp_map_next(const struct hyp_map *map, size_t *cursor, uint64_t *ret_key,
                  uint64_t *ret_value)
{
    while (map->capacity > 0 && *cursor <= map->capacity) {
        bool zero = *cursor == map->capacity;
        const struct hyp_map_slot *slot = &map->slots[(*cursor)++];
        if (slot->key != 0) {
            *ret_key = zero ? 0 : slot->key;
            *ret_value = slot->value;
            return true;
        }
    }
    return false;
}

uint64_t hyp_hash_bytes(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001B3u;
    }
    return mix(hash);
}
