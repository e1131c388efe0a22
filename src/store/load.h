/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load: builds the historian from the database at start.
 */
#ifndef HYP_STORE_LOAD_H
#define HYP_STORE_LOAD_H

#include "store/core.h"

/*
 * Registers devices and points and applies the intake log. A damaged row is reported to the log
 * with its number and left out.
 * @ret_damaged  rows left out
 */
HYP_MUST_USE enum hyp_status hyp_load(struct hyp_store *store, uint64_t *ret_damaged,
                                      struct hyp_error *err);

#endif
