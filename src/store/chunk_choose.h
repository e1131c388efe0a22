/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which registers of a chunk are told by others (store/chunk_reference.h): the search.
 *
 * Columns are compared at some hundred rows: how much of the variance of one, or of its
 * differences, is explained by another one, by its integral over time, or by flow times the
 * difference of temperatures. Sources are then taken one after the other, the one first that
 * saves most over all columns. What is found is a proposal: the writer keeps it only if the
 * column gets shorter.
 *
 *     status = hyp_chunk_chooser_begin(&chooser, rows, row_count);
 *     while (...) { line = hyp_chunk_chooser_add(chooser, number, role); fill it }
 *     hyp_chunk_chooser_run(chooser);
 *     reference = hyp_chunk_chooser_get(chooser, number);
 */
#ifndef HYP_STORE_CHUNK_CHOOSE_H
#define HYP_STORE_CHUNK_CHOOSE_H

#include "store/block.h"
#include "store/chunk.h"
#include "store/chunk_reference.h"

struct hyp_chunk_chooser;
/* NULL is allowed. Returns NULL. */
void *hyp_chunk_chooser_destroy(struct hyp_chunk_chooser *chooser);

/*
 * Forgets the chunk before.
 * @chooser  made when *chooser is NULL
 * Returns   HYP_OK | NO_MEMORY | LIMIT (too few rows, or too many for the memory of the search)
 */
HYP_MUST_USE enum hyp_status hyp_chunk_chooser_begin(struct hyp_chunk_chooser **chooser,
                                                     const struct hyp_row *rows,
                                                     size_t row_count);
/*
 * Adds a decimal column.
 * @number   its place in the head, ascending
 * Returns   where its digits by row go (row_count of them), until the next call; NULL when
 *           there are enough, or no memory: then it is neither told nor referred to
 */
int64_t *hyp_chunk_chooser_add(struct hyp_chunk_chooser *chooser, uint32_t number,
                               enum hyp_chunk_role role);
/* Searches, once all columns were added and filled. The work is bounded: columns are compared
 * in pairs, at a fixed number of rows. */
void hyp_chunk_chooser_run(struct hyp_chunk_chooser *chooser);
/* The reference proposed for a column; NULL = none. Valid until the next begin. */
const struct hyp_chunk_reference *hyp_chunk_chooser_get(const struct hyp_chunk_chooser *chooser,
                                                        uint32_t number);
/* Is that reference certain to save much? */
bool hyp_chunk_chooser_is_sure(const struct hyp_chunk_chooser *chooser, uint32_t number);
/* Is the column named by a proposed reference? */
bool hyp_chunk_chooser_is_source(const struct hyp_chunk_chooser *chooser, uint32_t number);
/* The line of a proposed reference. @ret_line row_count of them */
void hyp_chunk_chooser_line(const struct hyp_chunk_chooser *chooser,
                            const struct hyp_chunk_reference *reference, int64_t *ret_line);

#endif
