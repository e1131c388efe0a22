/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Erase: wipes the values and frames of removed devices from the logs, in small steps.
 *
 * Removing a device hides everything at once; this takes the bytes out afterwards. The table
 * erasure remembers what is left to do, so a restart goes on.
 */
#ifndef HYP_STORE_ERASE_H
#define HYP_STORE_ERASE_H

#include "store/core.h"

/*
 * One step: some rows of the intake log, or one block of frames. Takes the gate itself.
 * Returns   true when something was done and more may be waiting
 */
bool hyp_erase_step(struct hyp_store *store);

/* Readings of a device from `first` to `last`, both included. */
struct hyp_erase_span {
    hyp_device_id device;
    int64_t first;
    int64_t last;
};
/*
 * Takes such readings out of some rows of the intake log, inside the caller's transaction.
 * @row_next  the first row to look at; follows
 * Returns    whether there were any rows
 */
bool hyp_erase_log(struct hyp_db *db, const struct hyp_erase_span *span, int64_t *row_next);

#endif
