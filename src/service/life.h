/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of readings: typing in and correcting values, their versions, how long readings are
 * kept, and forgetting those of a span of time.
 */
#ifndef HYP_SERVICE_LIFE_H
#define HYP_SERVICE_LIFE_H

#include "base/arena.h"
#include "service/scope.h"
#include "service/service.h"

/* A value as somebody types it in. */
struct hyp_typed_value {
    hyp_device_id device;
    struct hyp_str key;  /* "energy", "volume.s1" */
    struct hyp_str unit; /* empty = the register's own */
    struct hyp_str number;
    hyp_utc time;
    struct hyp_str quality; /* "manual" (also when empty), "estimated", "corrected" */
    struct hyp_str reason;
    bool confirmed; /* keep it although the counter would go backwards */
};
/*
 * Keeps it beside what was measured.
 * @ret_stored  false: it was known already
 * Returns      HYP_OK | DENIED | NOT_FOUND | INVALID (err: which field; "confirm": a
 *              counter would go backwards, and it was not confirmed) | BUSY, FULL, IO
 */
HYP_MUST_USE enum hyp_status hyp_life_enter(struct hyp_service *service,
                                            const struct hyp_scope *scope,
                                            const struct hyp_typed_value *typed,
                                            struct hyp_arena *arena, bool *ret_stored,
                                            struct hyp_error *err);

struct hyp_version_query {
    hyp_point_id point;
    hyp_utc from;
    hyp_utc to;
    size_t limit;
};
/* All versions of the values of a register in [from, to), oldest first; at most `limit`.
 * HYP_OK | DENIED | NOT_FOUND (the point) | INVALID (the span) | what the store says */
HYP_MUST_USE enum hyp_status
hyp_life_versions(struct hyp_service *service, const struct hyp_scope *scope,
                  const struct hyp_version_query *query, struct hyp_arena *arena,
                  struct hyp_version **ret_versions, size_t *ret_count, struct hyp_error *err);

/*
 * The tenant's rule: how long its readings are kept. set writes an audit entry of old and new,
 * and takes effect at the next run of a store that was opened with `retain`.
 * Returns  HYP_OK | DENIED | INVALID (err: which number) | what the store says
 */
HYP_MUST_USE enum hyp_status hyp_life_retention(struct hyp_service *service,
                                                const struct hyp_scope *scope,
                                                struct hyp_retention *ret_retention,
                                                struct hyp_error *err);
HYP_MUST_USE enum hyp_status hyp_life_retention_set(struct hyp_service *service,
                                                    const struct hyp_scope *scope,
                                                    const struct hyp_retention *retention,
                                                    struct hyp_error *err);

/*
 * What would go under a rule, and when. See hyp_store_retention_plan.
 * Returns  HYP_OK | DENIED | INVALID (err: which number)
 */
HYP_MUST_USE enum hyp_status hyp_life_retention_plan(struct hyp_service *service,
                                                     const struct hyp_scope *scope,
                                                     const struct hyp_retention *rule,
                                                     struct hyp_retention_plan *ret_plan,
                                                     struct hyp_error *err);

/*
 * Forgets the readings of a device in a span: a request that is carried out, and kept.
 * @forgotten  device, from, to, reason; the rest is filled in
 * Returns     HYP_OK | DENIED | NOT_FOUND (the device) | INVALID (no reason, or as
 *             hyp_store_forget says) | what the store says
 */
HYP_MUST_USE enum hyp_status hyp_life_forget(struct hyp_service *service,
                                             const struct hyp_scope *scope,
                                             struct hyp_forgotten *forgotten,
                                             struct hyp_error *err);
/* All requests of the tenant (hyp_store_forgotten). HYP_OK | DENIED | what the store says */
HYP_MUST_USE enum hyp_status hyp_life_forgotten(struct hyp_service *service,
                                                const struct hyp_scope *scope,
                                                struct hyp_arena *arena,
                                                struct hyp_forgotten **ret_list,
                                                size_t *ret_count, struct hyp_error *err);

/* The backups of this server, and room to list those that hold what was wiped. */
struct hyp_life_backups {
    struct hyp_backups_report report;
    struct hyp_holding *room; /* for hyp_backups_holding */
};
/*
 * Looks at the backups, once for all requests that are to be told of them.
 * @ret_backups  in the arena
 * Returns       HYP_OK | DENIED | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_life_backups(struct hyp_service *service,
                                              const struct hyp_scope *scope,
                                              struct hyp_arena *arena,
                                              struct hyp_life_backups *ret_backups,
                                              struct hyp_error *err);
/* What such a list cannot know of: a sentence. */
const char *hyp_life_unseen_copies(struct hyp_service *service);
/* What removing them was asked for, with what there was then. */
struct hyp_life_removal {
    struct hyp_forgotten forgotten;
    struct hyp_life_backups backups;
};
/*
 * Makes a new backup and removes these ones when it is there; for all tenants, in the audit.
 * @ret_removal  the request, and the backups that are looked at before, so that nothing is left
 *               to be done that could fail; in the arena
 * Returns  HYP_OK (it has begun) | DENIED | NOT_FOUND | UNSUPPORTED (this server makes none)
 *        | CONFLICT (not wiped yet, no backup has it, or one is being made) | NO_MEMORY; then
 *        nothing has begun
 */
HYP_MUST_USE enum hyp_status hyp_life_remove_backups(struct hyp_service *service,
                                                     const struct hyp_scope *scope, int64_t id,
                                                     struct hyp_arena *arena,
                                                     struct hyp_life_removal *ret_removal,
                                                     struct hyp_error *err);

#endif
