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

struct hyp_series;
/* Memory alone: lets the readings of [from, to) go and shows the latest of the others. Inside
 * the gate. HYP_OK | NO_MEMORY | CORRUPT */
HYP_MUST_USE enum hyp_status hyp_forget_in_memory(struct hyp_store *store,
                                                  struct hyp_series *series, int64_t from,
                                                  int64_t to);

#endif
