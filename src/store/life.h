/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of readings: what people enter beside the measured, how long readings are kept, and how
 * they are forgotten on request. Part of store.h, which includes it.
 */
#ifndef HYP_STORE_LIFE_H
#define HYP_STORE_LIFE_H

#include "store/store.h"

/* --- versions --- */

/* A value that a person enters. */
struct hyp_entry {
    hyp_tenant_id tenant;
    hyp_device_id device;
    hyp_utc time;             /* when it is true */
    enum hyp_quality quality; /* MANUAL, ESTIMATED, or CORRECTED: shown instead of a good one */
    struct hyp_point_key key;
    enum hyp_unit unit;
    struct hyp_decimal decimal;
    int64_t user;
    const char *author; /* the user's name today */
    const char *reason;
};
/*
 * Keeps the value beside whatever else there is for its time, with who entered it and why.
 * @ret_stored  false: a value that is as good and equal was there already
 * Returns      HYP_OK | INVALID (quality) | NOT_FOUND (device) | BUSY, FULL, IO: not kept
 * Context      waits for the commit
 */
HYP_MUST_USE enum hyp_status hyp_store_enter(struct hyp_store *store,
                                             const struct hyp_entry *entry, bool *ret_stored,
                                             struct hyp_error *err);

/* One of the values that there are for an instant. */
struct hyp_version {
    struct hyp_stored_value value;
    hyp_utc receive_time;
    enum hyp_reading_kind kind;
    hyp_frame_id frame; /* 0 = none kept */
    bool shown;         /* it is this one that queries give */
    int64_t user;       /* of an entry; else 0 */
    const char *author; /* of an entry; else NULL */
    const char *reason;
};
/* Every version of the values of a point in [from, to), by time and then by arrival; the first
 * `limit` of them. HYP_OK | NOT_FOUND | LIMIT (arena) | what the database says */
HYP_MUST_USE enum hyp_status hyp_store_versions(struct hyp_store *store, hyp_tenant_id tenant,
                                                hyp_point_id point, hyp_utc from, hyp_utc to,
                                                size_t limit, struct hyp_arena *arena,
                                                struct hyp_version **ret_versions,
                                                size_t *ret_count);

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

/* What a rule means today, and what the last run has done. */
struct hyp_retention_plan {
    hyp_utc thin_before; /* of older readings one a day stays; 0 = never */
    hyp_utc remove_before;
    hyp_utc oldest;        /* reading of the tenant; 0 = it has none */
    uint64_t devices;      /* that have readings */
    uint64_t thin_devices; /* that have readings before thin_before */
    uint64_t remove_devices;
    hyp_utc last_run;     /* that came to its end; 0 = none yet */
    uint64_t last_values; /* of the tenant that went in it */
    hyp_utc next_run;     /* 0 = not known yet */
};
/*
 * What would go under this rule, by the oldest reading of each device; changes nothing.
 * @rule     as for hyp_store_retention_set
 * Returns   HYP_OK | INVALID (err: which number) | what the database says
 * Context   reads memory and two rows
 */
HYP_MUST_USE enum hyp_status hyp_store_retention_plan(struct hyp_store *store,
                                                      hyp_tenant_id tenant,
                                                      const struct hyp_retention *rule,
                                                      struct hyp_retention_plan *ret_plan,
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
    uint64_t readings; /* wiped */
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
