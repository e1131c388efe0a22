/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plan value: the part of the plan (store/plan.h) that turns a value into a cell of its column,
 * and creates the point where there is none yet. For the plan only.
 */
#ifndef HYP_STORE_PLAN_VALUE_H
#define HYP_STORE_PLAN_VALUE_H

#include "store/plan.h"

/*
 * One cell for a value; creates its point on first sight.
 * @hint     the column to look at first; afterwards the one behind the value's
 * Returns   HYP_OK | LIMIT (the value is dropped) | NO_MEMORY | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_plan_value(struct hyp_plan *plan, struct hyp_store *store,
                                            struct hyp_series *series,
                                            const struct hyp_value *given, uint32_t *hint,
                                            struct hyp_cell *cell);

/*
 * Turns values into cells as long as they are numbers of the columns from `hint` on, in their
 * order: a device says the same registers in the same order each time.
 * @hint    at most series->column_count
 * Returns  how many; hyp_plan_value is for the next one
 */
size_t hyp_plan_run(const struct hyp_series *series, const struct hyp_queued_value *values,
                    size_t count, uint32_t hint, struct hyp_cell *cells);

#endif
