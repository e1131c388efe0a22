/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: memory with one lifetime (a request, a batch, a report), given back all at once.
 *
 * Allocation is a pointer bump in growing blocks, bounded by a maximum. Not for objects that
 * must be freed one by one. One thread at a time.
 */
#ifndef HYP_BASE_ARENA_H
#define HYP_BASE_ARENA_H

#include "base/attr.h"
#include "base/str.h"

#include <stddef.h>

struct hyp_arena_block;

struct hyp_arena {
    struct hyp_arena_block *newest;
    size_t used;
    size_t max;
};

/* @max bytes over all blocks; allocations beyond it return NULL. */
void hyp_arena_init(struct hyp_arena *arena, size_t max);
/* Frees all blocks. Safe on a zeroed arena. */
void hyp_arena_finish(struct hyp_arena *arena);
/* Forgets all allocations; keeps one block for reuse. */
void hyp_arena_reset(struct hyp_arena *arena);

/* `size` zeroed bytes aligned for any type, or NULL at the limit or without memory. */
HYP_MUST_USE void *hyp_arena_alloc(struct hyp_arena *arena, size_t size);
/*
 * A larger allocation with the bytes of an earlier one, and zeros behind them: the same place
 * when nothing was allocated since and there is room behind it, else a copy of it.
 * @at       of this arena, `size` bytes; NULL = none, with size 0
 * @larger   at least `size`
 * Returns   where the bytes are now; NULL at the limit or without memory: those at `at` stay
 */
HYP_MUST_USE void *hyp_arena_grow(struct hyp_arena *arena, void *at, size_t size,
                                  size_t larger);
/* Array of `count` elements; NULL on overflow too. */
HYP_MUST_USE void *hyp_arena_alloc_array(struct hyp_arena *arena, size_t count, size_t size);
/* A terminated copy of `text`, or NULL. */
HYP_MUST_USE char *hyp_arena_copy_str(struct hyp_arena *arena, struct hyp_str text);

#endif
