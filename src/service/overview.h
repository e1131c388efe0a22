/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overview: the calm counts of the first screen, and whether all is well.
 */
#ifndef HYP_SERVICE_OVERVIEW_H
#define HYP_SERVICE_OVERVIEW_H

#include "base/arena.h"
#include "service/directory.h"
#include "service/scope.h"
#include "service/service.h"

struct hyp_overview {
    size_t devices;
    uint32_t conditions[HYP_CONDITION_COUNT];
    struct hyp_facet kinds[HYP_FACET_KINDS];
    size_t kind_count;
    size_t lines;
    size_t lines_connected; /* or listening */
    size_t lines_failed;
    size_t jobs_running;
    uint64_t readings_today; /* with a source time of today, in the tenant's zone */
    struct hyp_store_stats store;
    const char *member;  /* this server among several on one database; NULL = it is alone */
    size_t member_lines; /* that this one has leased */
    hyp_utc started;
};
/* The counts of the tenant, and the store's. HYP_OK | DENIED | NO_MEMORY | what the store says
 */
HYP_MUST_USE enum hyp_status hyp_overview_get(struct hyp_service *service,
                                              const struct hyp_scope *scope,
                                              struct hyp_arena *arena,
                                              struct hyp_overview *ret_overview,
                                              struct hyp_error *err);

/* Is intake being committed? From memory. HYP_OK | BUSY: the last commit failed, *err says why.
 * Needs no scope: says nothing else. */
HYP_MUST_USE enum hyp_status hyp_service_health(struct hyp_service *service,
                                                struct hyp_error *err);

#endif
