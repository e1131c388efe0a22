/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a scope. Only auth.c and the tests of this room include it: whoever can fill
 * this struct can read any tenant.
 */
#ifndef HYP_SERVICE_SCOPE_MAKE_H
#define HYP_SERVICE_SCOPE_MAKE_H

#include "service/scope.h"

struct hyp_scope {
    hyp_tenant_id tenant;
    int64_t user; /* 0 = the system */
    enum hyp_role role;
    uint32_t permissions; /* bit = enum hyp_permission */
};

/* A scope with all permissions of the role: those of the table above hyp_permission for
 * readers, all for administrators, none for HYP_ROLE_NONE. */
struct hyp_scope hyp_scope_make(hyp_tenant_id tenant, int64_t user, enum hyp_role role);

#endif
