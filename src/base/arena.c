/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK 4096
#define ALIGNMENT _Alignof(max_align_t)

struct hyp_arena_block {
    struct hyp_arena_block *older;
    size_t capacity;
    size_t used;
    _Alignas(max_align_t) uint8_t bytes[];
};

void hyp_arena_init(struct hyp_arena *arena, size_t max)
{
    *arena = (struct hyp_arena){.max = max};
}

static void free_older_than(struct hyp_arena_block *block)
{
    struct hyp_arena_block *older = block->older;
    while (older != NULL) {
        struct hyp_arena_block *next = older->older;
        free(older);
        older = next;
    }
    block->older = NULL;
}

void hyp_arena_finish(struct hyp_arena *arena)
{
    if (arena->newest != NULL) {
        free_older_than(arena->newest);
        free(arena->newest);
    }
    *arena = (struct hyp_arena){.max = arena->max};
}

void hyp_arena_reset(struct hyp_arena *arena)
{
    if (arena->newest != NULL) {
        /* The newest block is the largest: the next round fits into it at once. */
        free_older_than(arena->newest);
        arena->newest->used = 0;
    }
    arena->used = 0;
}

static struct hyp_arena_block *add_block(struct hyp_arena *arena, size_t size)
{
    size_t capacity = arena->newest == NULL ? FIRST_BLOCK : arena->newest->capacity * 2;
    capacity = HYP_MAX(capacity, size);
    struct hyp_arena_block *block = malloc(sizeof(*block) + capacity);
    if (block == NULL) {
        return NULL;
    }
    block->older = arena->newest;
    block->capacity = capacity;
    block->used = 0;
    arena->newest = block;
    return block;
}

static size_t pad(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void *hyp_arena_alloc(struct hyp_arena *arena, size_t size)
{
    if (size > arena->max || arena->max - size < arena->used) {
        return NULL;
    }
    size_t padded = pad(size);
    struct hyp_arena_block *block = arena->newest;
    if (block == NULL || block->capacity - block->used < padded) {
        block = add_block(arena, padded);
        if (block == NULL) {
            return NULL;
        }
    }
    void *at = block->bytes + block->used;
    block->used += padded;
    arena->used += padded;
    memset(at, 0, size);
    return at;
}

/* Takes the bytes behind the last allocation too; false when `at` is not the last, or there is
 * no room behind it. */
static bool extend(struct hyp_arena *arena, const void *at, size_t size, size_t larger)
{
    struct hyp_arena_block *block = arena->newest;
    size_t padded = pad(size);
    if (size == 0 || block == NULL || block->used < padded ||
        block->bytes + block->used - padded != (const uint8_t *)at) {
        return false;
    }
    size_t more = pad(larger) - padded;
    if (more > block->capacity - block->used || arena->used > arena->max ||
        more > arena->max - arena->used) {
        return false;
    }
    block->used += more;
    arena->used += more;
    return true;
}

void *hyp_arena_grow(struct hyp_arena *arena, void *at, size_t size, size_t larger)
{
    if (larger < SIZE_MAX - ALIGNMENT && extend(arena, at, size, larger)) {
        memset((uint8_t *)at + size, 0, larger - size);
        return at;
    }
    void *moved = hyp_arena_alloc(arena, larger);
    if (moved != NULL && size > 0) {
        memcpy(moved, at, size);
    }
    return moved;
}

void *hyp_arena_alloc_array(struct hyp_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    return hyp_arena_alloc(arena, total);
}

char *hyp_arena_copy_str(struct hyp_arena *arena, struct hyp_str text)
{
    char *copy = hyp_arena_alloc(arena, text.len + 1);
    if (copy != NULL && text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return copy;
}
