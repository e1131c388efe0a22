/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forget: wipes what is stored of a device over a span of time, so that nothing of it is left
 * in the files. The table forgotten remembers how far it is, so a restart goes on.
 *
 *   memory, log -> chunks -> raw frames -> free pages and write-ahead log of both databases
 *
 * Memory comes first, and again after a restart, so that nothing is sealed meanwhile.
 */
#ifndef HYP_STORE_FORGET_H
#define HYP_STORE_FORGET_H

#include "store/core.h"

/*
 * One step. Takes the gate itself.
 * Returns   true when something was done and more may be waiting
 */
bool hyp_forget_step(struct hyp_store *store);

/* Another member was asked for it, or has done it: memory lets the readings of [from, to) go,
 * shows the latest of the others, and counts for when the care comes to the request here.
 * Inside the gate. HYP_OK | NO_MEMORY | CORRUPT | what the database says */
HYP_MUST_USE enum hyp_status hyp_forget_follow(struct hyp_store *store, hyp_device_id device,
                                               int64_t from, int64_t to);

#endif
