/* SPDX-License-Identifier: Apache-2.0 */
#include "service/scope.h"

#include "service/scope_make.h"

static const struct permission_row {
    const char *text;
    bool reader;
} permission_rows[HYP_PERMISSION_COUNT] = {
#define X(id, text, reader) [HYP_PERMISSION_##id] = {text, reader},
    HYP_PERMISSION_MAP(X)
#undef X
};

static const char *const role_texts[] = {
    [HYP_ROLE_NONE] = "none",
    [HYP_ROLE_READER] = "reader",
    [HYP_ROLE_ADMIN] = "admin",
};

const char *hyp_permission_text(enum hyp_permission permission)
{
    if (permission <= HYP_PERMISSION_UNSET || permission >= HYP_PERMISSION_COUNT) {
        return "unset";
    }
    return permission_rows[permission].text;
}

hyp_tenant_id hyp_scope_tenant(const struct hyp_scope *scope)
{
    return scope->tenant;
}

int64_t hyp_scope_user(const struct hyp_scope *scope)
{
    return scope->user;
}

enum hyp_role hyp_scope_role(const struct hyp_scope *scope)
{
    return scope->role;
}

bool hyp_scope_may(const struct hyp_scope *scope, enum hyp_permission permission)
{
    if (permission == HYP_PERMISSION_PUBLIC) {
        return true;
    }
    return scope != NULL && permission > HYP_PERMISSION_UNSET &&
           permission < HYP_PERMISSION_COUNT && (scope->permissions >> permission & 1u) != 0;
}

enum hyp_status hyp_scope_require(const struct hyp_scope *scope, enum hyp_permission permission,
                                  struct hyp_error *err)
{
    if (hyp_scope_may(scope, permission)) {
        return HYP_OK;
    }
    return hyp_error_set(err, HYP_DENIED, -1,
                         "This needs the right \"%s\", which only an administrator can give.",
                         hyp_permission_text(permission));
}

const char *hyp_role_text(enum hyp_role role)
{
    return (size_t)role < HYP_ARRAY_LEN(role_texts) ? role_texts[role] : "none";
}

enum hyp_status hyp_role_find(struct hyp_str text, enum hyp_role *ret_role)
{
    for (size_t i = HYP_ROLE_READER; i < HYP_ARRAY_LEN(role_texts); i++) {
        if (hyp_str_equal(text, hyp_str_from(role_texts[i]))) {
            *ret_role = (enum hyp_role)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

struct hyp_scope hyp_scope_make(hyp_tenant_id tenant, int64_t user, enum hyp_role role)
{
    struct hyp_scope scope = {.tenant = tenant, .user = user, .role = role};
    for (int i = HYP_PERMISSION_PUBLIC; i < HYP_PERMISSION_COUNT; i++) {
        bool granted =
            role == HYP_ROLE_ADMIN || (role == HYP_ROLE_READER && permission_rows[i].reader);
        scope.permissions |= granted ? 1u << i : 0u;
    }
    return scope;
}
