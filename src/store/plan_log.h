/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of the intake log of a batch while it is planned (store/plan.h); for plan.c only.
 */
#ifndef HYP_STORE_PLAN_LOG_H
#define HYP_STORE_PLAN_LOG_H

#include "store/plan.h"

/*
 * Writes the rows from `first_row` on to the intake log, packed where that is shorter.
 * @frame_log_row  where the frames of the batch are; 0 = there are none
 * Returns         HYP_OK | NO_MEMORY | LIMIT | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_plan_log(struct hyp_plan *plan, struct hyp_store *store,
                                          size_t first_row, int64_t frame_log_row);

#endif
