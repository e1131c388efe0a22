/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log as people read it: entries of the store with the names that stand behind their
 * numbers. Entries are written by whoever makes the change (hyp_service_audit).
 */
#ifndef HYP_SERVICE_AUDIT_H
#define HYP_SERVICE_AUDIT_H

#include "base/arena.h"
#include "service/scope.h"
#include "service/service.h"

/* What an entry is about, by the names of today; empty when it is gone, or has no name. */
struct hyp_audit_object {
    hyp_device_id device;             /* of a device or one of its registers; 0 = of neither */
    hyp_line_id line;                 /* of a line; 0 = of none */
    char name[HYP_LIMIT_NAME];        /* of the device, line, user, group or token */
    char key[HYP_POINT_KEY_TEXT_MAX]; /* of a register */
};
struct hyp_audit_view {
    struct hyp_audit_entry entry;
    char login[HYP_LIMIT_LOGIN]; /* of who did it; "" for the system and for removed users */
    struct hyp_audit_object object;
};
/*
 * `limit` entries of the tenant, newest first, after the newest `offset`.
 * Returns   HYP_OK | DENIED | NO_MEMORY | what the database says
 * Context   any thread; asks the database for users and registers
 */
HYP_MUST_USE enum hyp_status hyp_audit_list(struct hyp_service *service,
                                            const struct hyp_scope *scope, size_t offset,
                                            size_t limit, struct hyp_arena *arena,
                                            struct hyp_audit_view **ret_entries,
                                            size_t *ret_count, struct hyp_error *err);
/*
 * Today's name of what an entry would be about: what a removal says of it, because afterwards
 * nobody else knows it.
 * @ret_name  empty when there is none, or it cannot be read
 */
void hyp_audit_name(struct hyp_service *service, const struct hyp_scope *scope,
                    const char *kind, int64_t id, char ret_name[static HYP_LIMIT_NAME]);

#endif
