/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw frames of a batch while it is planned (store/plan.h); for plan.c only.
 */
#ifndef HYP_STORE_PLAN_FRAMES_H
#define HYP_STORE_PLAN_FRAMES_H

#include "store/plan.h"

/*
 * Which frames of the batch are kept: those that gave a new row, and those that gave no reading
 * at all (refused, or not understood yet). Not those whose readings were all known, nor those
 * without any that were sent before (store/resent.h).
 * Returns   how many; they stand in plan->kept
 */
size_t hyp_plan_choose_frames(struct hyp_plan *plan, struct hyp_store *store,
                              const struct hyp_batch *batch, size_t first_row);
/* Writes them to the frame log. *ret_log_row: 0 when there were none. */
HYP_MUST_USE enum hyp_status hyp_plan_log_frames(struct hyp_plan *plan, struct hyp_store *store,
                                                 size_t count, int64_t *ret_log_row);
/*
 * Frames of the batch that were decoded again take the place of the old ones. One whose values
 * are all known has no frame of its own now: the old one only goes.
 */
HYP_MUST_USE enum hyp_status hyp_plan_log_replaced(struct hyp_plan *plan,
                                                   struct hyp_store *store,
                                                   const struct hyp_batch *batch,
                                                   int64_t frame_log_row);

#endif
