/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention: thins and removes chunks that have reached the age that their tenant has set
 * (struct hyp_retention), a few at a time, once a day.
 *
 * The first run comes a day after a store was first opened with retention, so that there is
 * time to set it. When the clock is more than HYP_LIMIT_RETENTION_JUMP_MS ahead of where it
 * should be, a run waits another day: a clock that was set wrong must not wipe years.
 *
 * Readings in memory are younger than that, or wait to be sealed; they come next time.
 */
#ifndef HYP_STORE_RETENTION_H
#define HYP_STORE_RETENTION_H

#include "store/core.h"

struct hyp_retainer;

/* @zone of the wall clock; NULL = UTC; must live as long. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_retainer_create(const struct hyp_zone *zone,
                                                 struct hyp_retainer **ret_retainer);
/* NULL is allowed. Returns NULL. */
void *hyp_retainer_destroy(struct hyp_retainer *retainer);
/* Another process has done this before: nothing of an own run goes on. Inside the gate. */
void hyp_retention_start_over(struct hyp_store *store);

/*
 * One step: some chunks are looked at, a few are written again. Takes the gate itself.
 * Returns   true when more may be waiting
 */
bool hyp_retention_step(struct hyp_store *store);

/* --- shared by the files of retention only --- */

/* HYP_OK | INVALID (err: which number) */
HYP_MUST_USE enum hyp_status hyp_retention_check(const struct hyp_retention *retention,
                                                 struct hyp_error *err);
/* The same day of the month some months before `now`, of short months the 28th; INT64_MIN for
 * no months: never. */
int64_t hyp_retention_months_before(int64_t now, int64_t months);

/* When the next run comes, and what the last one took from a tenant; kept in the settings. */
struct hyp_retention_run {
    int64_t ended; /* 0 = none yet */
    uint64_t values;
};
/* *ret_next 0: none yet. HYP_OK | what the database says */
HYP_MUST_USE enum hyp_status hyp_retention_load_next(struct hyp_db *db, int64_t *ret_next);
/* These two belong into a transaction; a failure is sticky until its commit. */
void hyp_retention_save_next(struct hyp_db *db, int64_t next);
void hyp_retention_save_run(struct hyp_db *db, hyp_tenant_id tenant,
                            const struct hyp_retention_run *run);

#endif
