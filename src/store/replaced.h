/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaced: stored frames that were decoded again, and the frames that took their place.
 *
 * A telegram that could not be read when it came is kept with its reason. When it can be read
 * later it comes again as a new frame with its reading, and the old one disappears from the
 * lists; its number leads to the new one. Written in the transaction of that reading, as one
 * row of `learned` per batch, so both are there or neither.
 */
#ifndef HYP_STORE_REPLACED_H
#define HYP_STORE_REPLACED_H

#include "store/frames.h"

struct hyp_replacement {
    int64_t old_frame;
    int64_t new_frame; /* 0 = its values were known already: no new frame was kept */
};

/* Reads all rows, at start. */
HYP_MUST_USE enum hyp_status hyp_replaced_load(struct hyp_store *store);
/* Writes one row, inside the gate's transaction. */
HYP_MUST_USE enum hyp_status hyp_replaced_log(struct hyp_store *store,
                                              const struct hyp_replacement *list, size_t count);
/* After the commit. Without memory the old frame stays in sight until the next start. */
void hyp_replaced_apply(struct hyp_store *store, const struct hyp_replacement *list,
                        size_t count);

/*
 * Deletes the rows of which nothing is kept any more: the old frames and those in their place
 * are all before `oldest_row` of the frame log. Inside the gate, without transaction. What
 * cannot be deleted now is left for the next time.
 */
void hyp_replaced_prune(struct hyp_store *store, int64_t oldest_row);

/* Both under the lock of the frames. */
bool hyp_replaced_has(const struct hyp_frames *frames, hyp_frame_id frame);
/* The frame to show for a number: itself, or what took its place. */
hyp_frame_id hyp_replaced_follow(const struct hyp_frames *frames, hyp_frame_id frame);

#endif
