/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope: who asks, for which tenant, and what they may do.
 *
 * Every use case takes one, and only authentication (auth.h) makes one, so there is no code
 * path to the data without. Immutable; lives in the arena that authentication was given.
 */
#ifndef HYP_SERVICE_SCOPE_H
#define HYP_SERVICE_SCOPE_H

#include "base/status.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* X(ENUM, "name", may a reader) - PUBLIC needs no scope at all. */
#define HYP_PERMISSION_MAP(X)                                                                  \
    X(PUBLIC, "public", true)                                                                  \
    X(SESSION, "session", true)                                                                \
    X(SYSTEM_READ, "system.read", true)                                                        \
    X(DEVICE_READ, "device.read", true)                                                        \
    X(DEVICE_WRITE, "device.write", false)                                                     \
    X(DEVICE_COMMAND, "device.command", false)                                                 \
    X(LINE_READ, "line.read", true)                                                            \
    X(LINE_WRITE, "line.write", false)                                                         \
    X(READING_READ, "reading.read", true)                                                      \
    X(READING_WRITE, "reading.write", false)                                                   \
    X(FRAME_READ, "frame.read", true)                                                          \
    X(JOB_READ, "job.read", true)                                                              \
    X(JOB_RUN, "job.run", false)                                                               \
    X(GROUP_READ, "group.read", true)                                                          \
    X(GROUP_WRITE, "group.write", false)                                                       \
    X(KEY_WRITE, "key.write", false)                                                           \
    X(USER_MANAGE, "user.manage", false)                                                       \
    X(TOKEN_MANAGE, "token.manage", false)                                                     \
    X(AUDIT_READ, "audit.read", false)                                                         \
    X(DATA_MANAGE, "data.manage", false)                                                       \
    X(BACKUP_REMOVE, "backup.remove", false)

enum hyp_permission {
    HYP_PERMISSION_UNSET = 0,
#define X(id, text, reader) HYP_PERMISSION_##id,
    HYP_PERMISSION_MAP(X)
#undef X
        HYP_PERMISSION_COUNT,
};
/* "device.read"; never NULL. */
const char *hyp_permission_text(enum hyp_permission permission);

struct hyp_scope;

/* Whose data; who (0 = the system, not a user); with which role. The scope must not be NULL. */
hyp_tenant_id hyp_scope_tenant(const struct hyp_scope *scope);
int64_t hyp_scope_user(const struct hyp_scope *scope);
enum hyp_role hyp_scope_role(const struct hyp_scope *scope);
/* NULL may only what is public. */
bool hyp_scope_may(const struct hyp_scope *scope, enum hyp_permission permission);
/* HYP_OK | DENIED with a sentence in *err. Every use case begins with it. */
HYP_MUST_USE enum hyp_status hyp_scope_require(const struct hyp_scope *scope,
                                               enum hyp_permission permission,
                                               struct hyp_error *err);

/* "admin", "reader"; and back: HYP_OK | NOT_FOUND (for "none" too). */
const char *hyp_role_text(enum hyp_role role);
HYP_MUST_USE enum hyp_status hyp_role_find(struct hyp_str text, enum hyp_role *ret_role);

#endif
