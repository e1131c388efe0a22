/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals: the n-th call that the collector makes to the system fails, while a plant is read.
 * The calls pass through the test (--wrap); those of its own sink and peers are left alone.
 */
#ifndef HYP_TEST_COLLECT_REFUSALS_H
#define HYP_TEST_COLLECT_REFUSALS_H

#include "plant.h"

/* To be asked in each call of the kind that is to fail: is this one refused? */
bool refusals_take(void);

/* From here call number `until` and the ones after it, `refuse` of them, fail. */
void refusals_begin(long until, long refuse);
/* To here. Returns  whether any was refused */
bool refusals_end(void);
/* The same meanwhile. */
bool refusals_any(void);

/*
 * Reads a plant for half an hour in which call number `until` and the ones after it, `refuse`
 * of them, fail; then for two hours more, in which all must be well again. Returns  whether
 * there was a call to refuse
 */
bool refusals_try(long until, long refuse);

#endif
