/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load: builds the historian from the database at start.
 */
#ifndef HYP_STORE_LOAD_H
#define HYP_STORE_LOAD_H

#include "store/core.h"
#include "store/series.h"

/*
 * Registers devices and points and applies the intake log. A damaged row is reported to the log
 * with its number and left out.
 * @ret_damaged  rows left out
 */
HYP_MUST_USE enum hyp_status hyp_load(struct hyp_store *store, uint64_t *ret_damaged,
                                      struct hyp_error *err);

/* --- in parts, for a store that is open (store/follow.h); inside the gate --- */

/* The last device and point that are known. */
struct hyp_load_place {
    int64_t device;
    int64_t point;
};
/* Those behind the place, which follows as far as it got. A point whose name, unit or kind this
 * program does not know, or without device, is reported to the log and left out.
 * HYP_OK | NO_MEMORY | LIMIT | what the database says */
HYP_MUST_USE enum hyp_status hyp_load_devices(struct hyp_store *store,
                                              struct hyp_load_place *place);
HYP_MUST_USE enum hyp_status hyp_load_points(struct hyp_store *store,
                                             struct hyp_load_place *place);

struct hyp_load_log {
    int64_t next; /* row to begin with; follows */
    int64_t last; /* row to end with */
    uint64_t damaged;
    void *user;
    /* Told of every reading that was new to memory; may be NULL. */
    void (*inserted)(void *user, hyp_device_id device, const struct hyp_row *row,
                     const struct hyp_cell *cells);
};
/* Applies rows of the intake log. The same once more does no harm. */
HYP_MUST_USE enum hyp_status hyp_load_log(struct hyp_store *store, struct hyp_load_log *load);

#endif
