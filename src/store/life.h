/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of readings: how long they are kept, and how they are forgotten on request. Part of
 * store.h, which includes it.
 */
#ifndef HYP_STORE_LIFE_H
#define HYP_STORE_LIFE_H

#include "base/arena.h"
#include "model/reading.h"

#include <stddef.h>
#include <stdint.h>

struct hyp_store;

/* --- retention --- */

/*
 * Readings of a tenant are kept whole for full_months; then one a day and register, the one
 * nearest to day_hour of the wall clock, and beside it the first, last, least and greatest of a
 * month; after day_months none. So what a counter counted in a day, month or year that begins
 * at that hour stays exact. Values typed or imported are never thinned.
 */
struct hyp_retention {
    int64_t full_months; /* 0 = for ever */
    int64_t day_months;  /* from the beginning on; 0 = for ever, else not below full_months */
    int64_t day_hour;    /* 0..23 */
};
/* What the tenant has set, or HYP_LIMIT_RETENTION_FULL and HYP_LIMIT_RETENTION_DAY. */
HYP_MUST_USE enum hyp_status hyp_store_retention(struct hyp_store *store, hyp_tenant_id tenant,
                                                 struct hyp_retention *ret_retention);
/* Takes effect with the next run. HYP_OK | INVALID (err: which number) | NOT_FOUND (tenant) */
HYP_MUST_USE enum hyp_status hyp_store_retention_set(struct hyp_store *store,
                                                     hyp_tenant_id tenant,
                                                     const struct hyp_retention *retention,
                                                     struct hyp_error *err);

/* --- forgetting --- */

/* A span of time of one device, and how far its readings are wiped. */
struct hyp_forgotten {
    int64_t id;
    hyp_tenant_id tenant;
    hyp_device_id device;
    hyp_utc from;
    hyp_utc to;
    int64_t user;                    /* who asked for it */
    char reason[HYP_ERROR_TEXT_MAX]; /* no personal data: it stays */
    hyp_utc requested;
    uint64_t readings; /* wiped from chunks */
    uint64_t frames;   /* wiped */
    hyp_utc ended;     /* 0 = not yet */
};
/*
 * Wipes the readings and raw frames of a device in [from, to): out of queries at once, out of
 * the files, with their free pages, in the background. id, requested and ended are filled in.
 * Returns   HYP_OK | NOT_FOUND (device) | INVALID (from is not before to) | what the database
 *           says
 */
HYP_MUST_USE enum hyp_status hyp_store_forget(struct hyp_store *store,
                                              struct hyp_forgotten *forgotten,
                                              struct hyp_error *err);
/* All of a tenant, newest first. */
HYP_MUST_USE enum hyp_status hyp_store_forgotten(struct hyp_store *store, hyp_tenant_id tenant,
                                                 struct hyp_arena *arena,
                                                 struct hyp_forgotten **ret_list,
                                                 size_t *ret_count);

#endif
