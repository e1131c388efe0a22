/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements that fail on order: the step, preparation or statement without rows (BEGIN,
 * COMMIT) whose turn it is on either writing connection of a store. One store at a time.
 */
#ifndef HYP_TEST_FAULT_STATEMENT_FAULT_H
#define HYP_TEST_FAULT_STATEMENT_FAULT_H

#include "store/store.h"

/* Puts itself in front of the store's database; anew for one that is opened again. */
void statement_fault_install(struct hyp_store *store);
/* Counts from 0 again; the one numbered n fails (0 = none), or all from it on. */
void statement_fault_arm(struct hyp_store *store, long n, bool forever);
/* What follows until it is resumed neither fails nor counts. */
void statement_fault_pause(struct hyp_store *store, bool paused);
/* How many there were since it was armed. */
long statement_fault_taken(struct hyp_store *store);

#endif
