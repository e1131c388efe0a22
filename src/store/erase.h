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

#endif
