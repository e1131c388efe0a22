/* SPDX-License-Identifier: Apache-2.0 */
/* Backups: what the server's daily ones have come to. */
#ifndef HYP_SERVICE_BACKUPS_H
#define HYP_SERVICE_BACKUPS_H

#include "base/arena.h"
#include "service/scope.h"
#include "service/service.h"

/*
 * @ret_made    false: this server makes none, and the report is empty
 * @ret_report  its list is in the arena
 * Returns      HYP_OK | DENIED | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_service_backups(struct hyp_service *service,
                                                 const struct hyp_scope *scope,
                                                 struct hyp_arena *arena, bool *ret_made,
                                                 struct hyp_backups_report *ret_report,
                                                 struct hyp_error *err);

/*
 * Asks for a backup now; see hyp_backups_ask.
 * Returns  HYP_OK | DENIED | UNSUPPORTED (this server makes none) | CONFLICT
 */
HYP_MUST_USE enum hyp_status hyp_service_backups_ask(struct hyp_service *service,
                                                     const struct hyp_scope *scope,
                                                     struct hyp_error *err);

#endif
