/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backlog: stored telegrams that could not be read when they came, tried again when a key or
 * the format of a compact frame has come. They keep their times, nothing is doubled, and what
 * still cannot be read stays as it is.
 *
 * One thread works through the frames of one tenant at a time, oldest first, and not faster
 * than the store commits; asking again while it runs makes it run once more.
 */
#ifndef HYP_SERVICE_BACKLOG_H
#define HYP_SERVICE_BACKLOG_H

#include "service/scope.h"
#include "service/service.h"

#include <stdbool.h>

struct hyp_backlog;

struct hyp_backlog_state {
    bool waiting; /* asked for, not begun */
    bool running;
    bool counted; /* `total` is known */
    uint64_t total;
    uint64_t done;
    uint64_t readings; /* that came out of them */
    hyp_utc started;   /* of the present or last run; 0 = none since the server started */
    hyp_utc finished;  /* 0 = not yet */
    char error[HYP_ERROR_TEXT_MAX];
};

/* Starts the thread; where the system gives none, what is asked for waits until the next start
 * of the server. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_backlog_create(struct hyp_service *service,
                                                struct hyp_backlog **ret_backlog);
/* Ends the thread after the frames in hand; before the collector is destroyed. */
void hyp_backlog_stop(struct hyp_backlog *backlog);
void *hyp_backlog_destroy(struct hyp_backlog *backlog);

/*
 * Asks for a run; returns at once. Any thread, also an observer of the collector.
 * @tenant    0 = the first tenant's
 * @strangers telegrams of meters that were not configured then, too
 */
void hyp_backlog_ask(struct hyp_service *service, hyp_tenant_id tenant, bool strangers);

/* --- use cases --- */

/* Asks for a run over the tenant's telegrams, those of strangers too; how far it is. For
 * whoever may set keys. HYP_OK | DENIED | start: UNSUPPORTED (no collector) */
HYP_MUST_USE enum hyp_status hyp_backlog_start(struct hyp_service *service,
                                               const struct hyp_scope *scope,
                                               struct hyp_error *err);
HYP_MUST_USE enum hyp_status hyp_backlog_get(struct hyp_service *service,
                                             const struct hyp_scope *scope,
                                             struct hyp_backlog_state *ret_state,
                                             struct hyp_error *err);

#endif
