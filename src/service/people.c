/* SPDX-License-Identifier: Apache-2.0 */
#include "service/people.h"

#include "service/audit.h"
#include "service/inside.h"

#include <string.h>

static void wipe_hash(struct hyp_user *user)
{
    hyp_wipe(user->password_hash, sizeof(user->password_hash));
}

/* The user with its hash, of this tenant only. */
static enum hyp_status load_user(struct hyp_service *service, const struct hyp_scope *scope,
                                 int64_t id, struct hyp_user *ret_user, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_USER_MANAGE, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_user(service->config.store, id, ret_user);
    if (status == HYP_NOT_FOUND ||
        (status == HYP_OK && ret_user->tenant.id != hyp_scope_tenant(scope).id)) {
        return hyp_service_not_found(err, "user", id);
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_people_users(struct hyp_service *service, const struct hyp_scope *scope,
                                 struct hyp_arena *arena, struct hyp_user **ret_users,
                                 size_t *ret_count, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_USER_MANAGE, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_users(service->config.store, hyp_scope_tenant(scope), arena, ret_users,
                             ret_count);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    for (size_t i = 0; i < *ret_count; i++) {
        wipe_hash(&(*ret_users)[i]);
    }
    return HYP_OK;
}

enum hyp_status hyp_people_user(struct hyp_service *service, const struct hyp_scope *scope,
                                int64_t id, struct hyp_user *ret_user, struct hyp_error *err)
{
    enum hyp_status status = load_user(service, scope, id, ret_user, err);
    if (status == HYP_OK) {
        wipe_hash(ret_user);
    }
    return status;
}

enum hyp_status hyp_people_user_by_login(struct hyp_service *service,
                                         const struct hyp_scope *scope, struct hyp_str login,
                                         struct hyp_user *ret_user, struct hyp_error *err)
{
    struct hyp_user user;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_USER_MANAGE, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_user_by_login(service->config.store, login, &user);
    if (status != HYP_OK && status != HYP_NOT_FOUND) {
        return hyp_service_explain_failure(err, status);
    }
    if (status != HYP_OK || user.tenant.id != hyp_scope_tenant(scope).id) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "There is no user \"%.*s\".",
                             HYP_STR_ARG(login));
    }
    wipe_hash(&user);
    *ret_user = user;
    return HYP_OK;
}

static enum hyp_status check_fields(const struct hyp_user *user, struct hyp_error *err)
{
    if (user->login[0] == '\0') {
        return hyp_error_set(err, HYP_INVALID, -1, "login: a user name is needed.");
    }
    if (user->role != HYP_ROLE_READER && user->role != HYP_ROLE_ADMIN) {
        return hyp_error_set(err, HYP_INVALID, -1, "role: must be \"reader\" or \"admin\".");
    }
    return HYP_OK;
}

static enum hyp_status set_password(struct hyp_service *service, struct hyp_user *user,
                                    struct hyp_str password, struct hyp_error *err)
{
    enum hyp_status status = hyp_password_check_rules(password, hyp_str_from(user->login), err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_password_hash(&service->auth.hasher, password, user->password_hash);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_people_user_add(struct hyp_service *service, const struct hyp_scope *scope,
                                    struct hyp_user *user, struct hyp_str password,
                                    struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_USER_MANAGE, err);
    if (status == HYP_OK) {
        status = check_fields(user, err);
    }
    if (status == HYP_OK) {
        status = set_password(service, user, password, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    user->tenant = hyp_scope_tenant(scope);
    user->created = hyp_service_now(service);
    const char *defaults[] = {"en", "system"};
    if (user->language[0] == '\0') {
        hyp_text_copy(user->language, sizeof(user->language), hyp_str_from(defaults[0]));
    }
    if (user->theme[0] == '\0') {
        hyp_text_copy(user->theme, sizeof(user->theme), hyp_str_from(defaults[1]));
    }
    pthread_mutex_lock(&service->auth.lock);
    status = hyp_store_user_add(service->config.store, user, err);
    if (status == HYP_OK) {
        atomic_store(&service->auth.first_run, false);
    }
    pthread_mutex_unlock(&service->auth.lock);
    wipe_hash(user);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "user.add", "user", user->id, "%s as %s", user->login,
                      hyp_role_text(user->role));
    return HYP_OK;
}

static bool is_active_admin(const struct hyp_user *user)
{
    return user->enabled && user->role == HYP_ROLE_ADMIN;
}

/* Refuses what would leave nobody to administer. With the auth lock. */
static enum hyp_status keep_an_admin(struct hyp_service *service, const struct hyp_scope *scope,
                                     int64_t leaving, struct hyp_error *err)
{
    struct hyp_arena arena;
    struct hyp_user *users;
    size_t count = 0;
    size_t left = 0;
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status =
        hyp_store_users(service->config.store, hyp_scope_tenant(scope), &arena, &users, &count);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        left += users[i].id != leaving && is_active_admin(&users[i]) ? 1 : 0;
    }
    hyp_arena_finish(&arena);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    if (left == 0) {
        return hyp_error_set(err, HYP_CONFLICT, -1,
                             "This is the last administrator. Make another one first.");
    }
    return HYP_OK;
}

static enum hyp_status update_locked(struct hyp_service *service, const struct hyp_scope *scope,
                                     const struct hyp_user *before, struct hyp_user *user,
                                     bool end_sessions, struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    if (is_active_admin(before) && !is_active_admin(user)) {
        status = keep_an_admin(service, scope, user->id, err);
    }
    return status == HYP_OK
               ? hyp_store_user_update(service->config.store, user, end_sessions, err)
               : status;
}

enum hyp_status hyp_people_user_update(struct hyp_service *service,
                                       const struct hyp_scope *scope, struct hyp_user *user,
                                       struct hyp_str password, struct hyp_error *err)
{
    struct hyp_user before;
    enum hyp_status status = load_user(service, scope, user->id, &before, err);
    if (status == HYP_OK) {
        status = check_fields(user, err);
    }
    if (status != HYP_OK) {
        wipe_hash(&before);
        return status;
    }
    memcpy(user->password_hash, before.password_hash, sizeof(user->password_hash));
    user->tenant = before.tenant;
    user->created = before.created;
    if (password.len > 0) {
        status = set_password(service, user, password, err);
        if (status != HYP_OK) {
            wipe_hash(user);
            wipe_hash(&before);
            return status;
        }
    }
    bool end_sessions =
        password.len > 0 || before.role != user->role || before.enabled != user->enabled;
    pthread_mutex_lock(&service->auth.lock);
    status = update_locked(service, scope, &before, user, end_sessions, err);
    pthread_mutex_unlock(&service->auth.lock);
    wipe_hash(user);
    wipe_hash(&before);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    if (end_sessions) {
        hyp_sessions_remove_user(service->auth.sessions, user->id);
        hyp_hub_end(service->hub, user->id);
    }
    hyp_service_audit(service, scope, "user.update", "user", user->id,
                      "%s: %s -> %s, %s -> %s%s", user->login, hyp_role_text(before.role),
                      hyp_role_text(user->role), before.enabled ? "enabled" : "disabled",
                      user->enabled ? "enabled" : "disabled",
                      password.len > 0 ? ", password changed" : "");
    return HYP_OK;
}

enum hyp_status hyp_people_user_remove(struct hyp_service *service,
                                       const struct hyp_scope *scope, int64_t id,
                                       struct hyp_error *err)
{
    struct hyp_user user;
    enum hyp_status status = load_user(service, scope, id, &user, err);
    if (status != HYP_OK) {
        return status;
    }
    wipe_hash(&user);
    if (id == hyp_scope_user(scope)) {
        return hyp_error_set(err, HYP_CONFLICT, -1,
                             "You cannot remove yourself. Another administrator can.");
    }
    pthread_mutex_lock(&service->auth.lock);
    if (is_active_admin(&user)) {
        status = keep_an_admin(service, scope, id, err);
    }
    if (status == HYP_OK) {
        status = hyp_store_user_remove(service->config.store, hyp_scope_tenant(scope), id, err);
    }
    pthread_mutex_unlock(&service->auth.lock);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_sessions_remove_user(service->auth.sessions, id);
    hyp_hub_end(service->hub, id);
    hyp_service_audit(service, scope, "user.remove", "user", id, "%s", user.login);
    return HYP_OK;
}

void hyp_people_name(struct hyp_service *service, int64_t id, char *name, size_t size)
{
    struct hyp_user user;
    struct hyp_str found = HYP_STR("");
    if (id != 0 && hyp_store_user(service->config.store, id, &user) == HYP_OK) {
        found = hyp_str_from(user.name[0] != '\0' ? user.name : user.login);
    }
    hyp_text_copy(name, size, found);
}

/* --- API tokens --- */

enum hyp_status hyp_people_tokens(struct hyp_service *service, const struct hyp_scope *scope,
                                  struct hyp_arena *arena, struct hyp_api_token **ret_tokens,
                                  size_t *ret_count, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_TOKEN_MANAGE, err);
    if (status == HYP_OK) {
        status = hyp_store_tokens(service->config.store, hyp_scope_tenant(scope), arena,
                                  ret_tokens, ret_count);
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_people_token_add(struct hyp_service *service, const struct hyp_scope *scope,
                                     struct hyp_api_token *token,
                                     char ret_text[static HYP_TOKEN_TEXT_MAX],
                                     struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_TOKEN_MANAGE, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_utc now = hyp_service_now(service);
    if (token->name[0] == '\0') {
        return hyp_error_set(err, HYP_INVALID, -1, "name: a token needs a name.");
    }
    if (token->role != HYP_ROLE_READER && token->role != HYP_ROLE_ADMIN) {
        return hyp_error_set(err, HYP_INVALID, -1, "role: must be \"reader\" or \"admin\".");
    }
    if (token->expires.ms != 0 && token->expires.ms <= now.ms) {
        return hyp_error_set(err, HYP_INVALID, -1, "expires: must be in the future.");
    }
    token->tenant = hyp_scope_tenant(scope);
    token->user = hyp_scope_user(scope);
    token->created = now;
    char text[HYP_TOKEN_TEXT_MAX];
    hyp_auth_make_token(service, "hyp_", text, token->token_hash);
    status = hyp_store_token_add(service->config.store, token);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    memcpy(ret_text, text, sizeof(text));
    hyp_wipe(text, sizeof(text));
    hyp_service_audit(service, scope, "token.add", "token", token->id, "%s as %s", token->name,
                      hyp_role_text(token->role));
    return HYP_OK;
}

enum hyp_status hyp_people_token_remove(struct hyp_service *service,
                                        const struct hyp_scope *scope, int64_t id,
                                        struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_TOKEN_MANAGE, err);
    char name[HYP_LIMIT_NAME];
    if (status == HYP_OK) {
        hyp_audit_name(service, scope, "token", id, name);
        status = hyp_store_token_remove(service->config.store, hyp_scope_tenant(scope), id);
    }
    if (status == HYP_NOT_FOUND) {
        return hyp_service_not_found(err, "token", id);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_sessions_remove_api_token(service->auth.sessions, id);
    hyp_service_audit(service, scope, "token.remove", "token", id, "%s", name);
    return HYP_OK;
}
