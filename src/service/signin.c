/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Set-up, sign-in and what people change about themselves: everything that looks at a password
 * or at the set-up link, with the back-off that goes with it. Sessions are in auth.c.
 */
#include "service/auth.h"

#include "base/crypto.h"
#include "service/inside.h"

#include <string.h>

#define BACKOFF_BLOB "auth.backoff"
#define BACKOFF_BLOB_MAX (HYP_LIMIT_BACKOFF_ENTRIES * 32 + 16)

/* --- back-off --- */

void hyp_signin_load_backoff(struct hyp_service *service)
{
    struct hyp_arena arena;
    uint8_t *data;
    size_t len;
    hyp_arena_init(&arena, BACKOFF_BLOB_MAX * 2);
    if (hyp_store_blob_get(service->config.store, BACKOFF_BLOB, &arena, &data, &len) ==
        HYP_OK) {
        hyp_backoff_load(&service->auth.backoff, data, len);
    }
    hyp_arena_finish(&arena);
}

static int64_t wait_needed(struct hyp_service *service, const struct hyp_login *login)
{
    struct hyp_auth *auth = &service->auth;
    hyp_utc now = hyp_service_now(service);
    pthread_mutex_lock(&auth->lock);
    int64_t by_login =
        hyp_backoff_wait_ms(&auth->backoff, HYP_BACKOFF_LOGIN, login->login, now);
    int64_t by_address =
        login->address.len == 0
            ? 0
            : hyp_backoff_wait_ms(&auth->backoff, HYP_BACKOFF_ADDRESS, login->address, now);
    pthread_mutex_unlock(&auth->lock);
    return HYP_MAX(by_login, by_address);
}

/* Keeps the table over a restart. The copy is made under the lock, the disk comes after. */
static void save_backoff(struct hyp_service *service)
{
    struct hyp_buf blob;
    hyp_buf_init_heap(&blob, BACKOFF_BLOB_MAX);
    pthread_mutex_lock(&service->auth.lock);
    hyp_backoff_save(&service->auth.backoff, &blob);
    pthread_mutex_unlock(&service->auth.lock);
    if (hyp_buf_status(&blob) == HYP_OK &&
        hyp_store_blob_put(service->config.store, BACKOFF_BLOB, blob.data, blob.len) !=
            HYP_OK) {
        hyp_log_event(service->config.log, HYP_LOG_WARNING, "auth.backoff_not_saved",
                      "next=kept_in_memory");
    }
    hyp_buf_finish(&blob);
}

static int64_t note_failure(struct hyp_service *service, const struct hyp_login *login)
{
    struct hyp_auth *auth = &service->auth;
    hyp_utc now = hyp_service_now(service);
    pthread_mutex_lock(&auth->lock);
    int64_t by_login = hyp_backoff_fail(&auth->backoff, HYP_BACKOFF_LOGIN, login->login, now);
    int64_t by_address =
        login->address.len == 0
            ? 0
            : hyp_backoff_fail(&auth->backoff, HYP_BACKOFF_ADDRESS, login->address, now);
    pthread_mutex_unlock(&auth->lock);
    save_backoff(service);
    hyp_log_event(service->config.log, HYP_LOG_WARNING, "auth.refused", "address=%.*s",
                  HYP_STR_ARG(login->address));
    return HYP_MAX(by_login, by_address);
}

static void note_success(struct hyp_service *service, const struct hyp_login *login)
{
    struct hyp_auth *auth = &service->auth;
    pthread_mutex_lock(&auth->lock);
    hyp_backoff_clear(&auth->backoff, HYP_BACKOFF_LOGIN, login->login);
    pthread_mutex_unlock(&auth->lock);
    save_backoff(service);
}

static enum hyp_status refuse_login(struct hyp_error *err, int64_t wait_ms)
{
    if (wait_ms > 0) {
        return hyp_error_set(err, HYP_UNAUTHENTICATED, -1,
                             "The user name or the password is wrong. "
                             "Wait %lld s before the next attempt.",
                             (long long)((wait_ms + 999) / 1000));
    }
    return hyp_error_set(err, HYP_UNAUTHENTICATED, -1,
                         "The user name or the password is wrong.");
}

static enum hyp_status find_login(struct hyp_service *service, struct hyp_str login,
                                  struct hyp_user *ret_user)
{
    return login.len > 0 && login.len < HYP_LIMIT_LOGIN
               ? hyp_store_user_by_login(service->config.store, login, ret_user)
               : HYP_NOT_FOUND;
}

enum hyp_status hyp_auth_login(struct hyp_service *service, const struct hyp_login *login,
                               struct hyp_arena *arena, struct hyp_grant *ret_grant,
                               int64_t *ret_wait_ms, struct hyp_error *err)
{
    struct hyp_user user = {0};
    *ret_wait_ms = wait_needed(service, login);
    if (*ret_wait_ms > 0) {
        return refuse_login(err, *ret_wait_ms);
    }
    enum hyp_status status = find_login(service, login->login, &user);
    if (status != HYP_OK && status != HYP_NOT_FOUND) {
        return hyp_service_explain_failure(err, status); /* nobody's fault: it does not count */
    }
    bool known = status == HYP_OK;
    struct hyp_str password = login->password;
    password.len = HYP_MIN(password.len, (size_t)HYP_LIMIT_PASSWORD_MAX);
    status =
        hyp_password_verify(&service->auth.hasher, password, known ? user.password_hash : NULL);
    if (status == HYP_BUSY) {
        return hyp_error_set(err, HYP_BUSY, -1,
                             "Too many people sign in at this moment. Try again in a second.");
    }
    if (status != HYP_OK || !user.enabled) {
        *ret_wait_ms = note_failure(service, login);
        return refuse_login(err, *ret_wait_ms);
    }
    status = hyp_auth_open_session(service, &user, arena, ret_grant);
    if (status == HYP_CONFLICT) {
        return refuse_login(err,
                            0); /* the password was changed while the old one was checked */
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    note_success(service, login);
    hyp_service_audit(service, ret_grant->scope, "session.start", "user", user.id,
                      "signed in from %.*s", HYP_STR_ARG(login->address));
    hyp_wipe(&user, sizeof(user));
    return HYP_OK;
}

/* After something that stands whatever becomes of the session. @done  what that is */
static enum hyp_status begin_session(struct hyp_service *service, const struct hyp_user *user,
                                     const char *done, struct hyp_arena *arena,
                                     struct hyp_grant *ret_grant, struct hyp_error *err)
{
    enum hyp_status status = hyp_auth_open_session(service, user, arena, ret_grant);
    return status == HYP_OK ? HYP_OK
                            : hyp_error_set(err, status, -1,
                                            "%s, but you are not signed in "
                                            "(%s). Sign in.",
                                            done, hyp_status_text(status));
}

/* --- set-up --- */

static bool setup_token_matches(const struct hyp_auth *auth, struct hyp_str token)
{
    return auth->setup_token[0] != '\0' && token.len == strlen(auth->setup_token) &&
           hyp_equal_constant_time((const uint8_t *)token.ptr,
                                   (const uint8_t *)auth->setup_token, token.len);
}

static enum hyp_status check_setup(struct hyp_service *service, const struct hyp_setup *setup,
                                   struct hyp_error *err)
{
    struct hyp_login as_login = {.login = HYP_STR("setup"), .address = setup->address};
    if (!hyp_auth_first_run(service)) {
        return hyp_error_set(err, HYP_EXISTS, -1,
                             "The set-up is done already. Sign in as administrator.");
    }
    int64_t wait_ms = hyp_backoff_wait_ms(&service->auth.backoff, HYP_BACKOFF_ADDRESS,
                                          setup->address, hyp_service_now(service));
    if (wait_ms > 0 || !setup_token_matches(&service->auth, setup->token)) {
        hyp_backoff_fail(&service->auth.backoff, HYP_BACKOFF_ADDRESS, as_login.address,
                         hyp_service_now(service));
        return hyp_error_set(err, HYP_DENIED, -1,
                             "The set-up link is not valid. Use the one that the server "
                             "printed when it started last.");
    }
    if (setup->login.len == 0 || setup->login.len >= HYP_LIMIT_LOGIN) {
        return hyp_error_set(err, HYP_INVALID, -1, "The user name needs 1 to %d characters.",
                             HYP_LIMIT_LOGIN - 1);
    }
    return hyp_password_check_rules(setup->password, setup->login, err);
}

static enum hyp_status set_zone(struct hyp_service *service, const char *name,
                                struct hyp_error *err)
{
    struct hyp_error inner = {0};
    if (service->config.set_zone == NULL ||
        service->config.set_zone(service->config.set_zone_user, name, &inner) == HYP_OK) {
        return HYP_OK;
    }
    return hyp_error_set(err, HYP_INVALID, -1, "time_zone: %s", inner.text);
}

static enum hyp_status update_tenant(struct hyp_service *service, const struct hyp_setup *setup,
                                     struct hyp_error *err)
{
    pthread_mutex_lock(&service->tenant_lock);
    struct hyp_tenant tenant = service->tenant;
    if (setup->language.len > 0) {
        hyp_text_copy(tenant.language, sizeof(tenant.language), setup->language);
    }
    if (setup->time_zone.len > 0) {
        hyp_text_copy(tenant.time_zone, sizeof(tenant.time_zone), setup->time_zone);
    }
    enum hyp_status status = HYP_OK;
    if (setup->time_zone.len > 0) {
        status = set_zone(service, tenant.time_zone, err);
    }
    if (status == HYP_OK) {
        status = hyp_store_tenant_update(service->config.store, &tenant);
    }
    if (status == HYP_OK) {
        service->tenant = tenant;
    }
    pthread_mutex_unlock(&service->tenant_lock);
    return status;
}

/* Runs under the auth lock, so that the link works for exactly one person. */
static enum hyp_status set_up_locked(struct hyp_service *service, const struct hyp_setup *setup,
                                     struct hyp_user *user, struct hyp_error *err)
{
    enum hyp_status status = check_setup(service, setup, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_password_hash(&service->auth.hasher, setup->password, user->password_hash);
    if (status == HYP_OK) {
        status = update_tenant(service, setup, err);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    status = hyp_store_user_add_first(service->config.store, user, err);
    if (status == HYP_OK) {
        atomic_store(&service->auth.first_run, false);
    }
    return status;
}

enum hyp_status hyp_auth_set_up(struct hyp_service *service, const struct hyp_setup *setup,
                                struct hyp_arena *arena, struct hyp_grant *ret_grant,
                                struct hyp_error *err)
{
    struct hyp_user user = {
        .tenant = service->tenant.id,
        .role = HYP_ROLE_ADMIN,
        .language = "en",
        .theme = "system",
        .enabled = true,
        .created = hyp_service_now(service),
        .last_login = hyp_service_now(service),
    };
    hyp_text_copy(user.login, sizeof(user.login), setup->login);
    hyp_text_copy(user.name, sizeof(user.name),
                  setup->name.len > 0 ? setup->name : setup->login);
    if (setup->language.len > 0) {
        hyp_text_copy(user.language, sizeof(user.language), setup->language);
    }
    pthread_mutex_lock(&service->auth.lock);
    enum hyp_status status = set_up_locked(service, setup, &user, err);
    pthread_mutex_unlock(&service->auth.lock);
    if (status != HYP_OK) {
        return status;
    }
    hyp_service_audit_as(service, user.tenant, user.id, "system.setup", "user", user.id,
                         "first administrator \"%s\"", user.login);
    return begin_session(service, &user, "The administrator is made", arena, ret_grant, err);
}

/* --- oneself --- */

enum hyp_status hyp_auth_identity(struct hyp_service *service, const struct hyp_scope *scope,
                                  struct hyp_identity *ret_identity, struct hyp_error *err)
{
    struct hyp_identity identity = {.tenant = hyp_service_first_tenant(service)};
    enum hyp_status status = hyp_store_user(service->config.store, scope->user, &identity.user);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_wipe(identity.user.password_hash, sizeof(identity.user.password_hash));
    *ret_identity = identity;
    return HYP_OK;
}

/*
 * A stolen session must not become a way to guess the password: guesses back off as sign-ins.
 * By the login only: without an address, all users would share one entry and could lock each
 * other out.
 */
static enum hyp_status change_own_password(struct hyp_service *service, struct hyp_user *user,
                                           const struct hyp_self_change *change,
                                           struct hyp_error *err)
{
    const struct hyp_login as_login = {.login = hyp_str_from(user->login)};
    int64_t wait_ms = wait_needed(service, &as_login);
    enum hyp_status status =
        hyp_password_check_rules(change->password, hyp_str_from(user->login), err);
    if (status != HYP_OK) {
        return status;
    }
    if (wait_ms > 0) {
        return hyp_error_set(err, HYP_DENIED, -1,
                             "Too many wrong passwords. Wait %lld s before the next attempt.",
                             (long long)((wait_ms + 999) / 1000));
    }
    struct hyp_str old = change->password_old;
    old.len = HYP_MIN(old.len, (size_t)HYP_LIMIT_PASSWORD_MAX);
    status = hyp_password_verify(&service->auth.hasher, old, user->password_hash);
    if (status == HYP_UNAUTHENTICATED) {
        note_failure(service, &as_login);
        return hyp_error_set(err, HYP_DENIED, -1, "The present password is wrong.");
    }
    if (status == HYP_OK) {
        status =
            hyp_password_hash(&service->auth.hasher, change->password, user->password_hash);
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

static enum hyp_status check_self_change(const struct hyp_self_change *change,
                                         struct hyp_error *err)
{
    static const char *const themes[] = {"", "system", "light", "dark"};
    bool theme_known = false;
    for (size_t i = 0; i < HYP_ARRAY_LEN(themes); i++) {
        theme_known = theme_known || hyp_str_equal(change->theme, hyp_str_from(themes[i]));
    }
    if (!theme_known) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "The theme is one of \"system\", \"light\" and \"dark\".");
    }
    if (change->language.len >= sizeof(((struct hyp_user *)0)->language)) {
        return hyp_error_set(err, HYP_INVALID, -1, "The language is a code like \"en\".");
    }
    return HYP_OK;
}

static void apply_self_change(struct hyp_user *user, const struct hyp_self_change *change)
{
    if (change->name.len > 0) {
        hyp_text_copy(user->name, sizeof(user->name), change->name);
    }
    if (change->language.len > 0) {
        hyp_text_copy(user->language, sizeof(user->language), change->language);
    }
    if (change->theme.len > 0) {
        hyp_text_copy(user->theme, sizeof(user->theme), change->theme);
    }
}

enum hyp_status hyp_auth_change_self(struct hyp_service *service, const struct hyp_scope *scope,
                                     const struct hyp_self_change *change,
                                     struct hyp_arena *arena, struct hyp_grant *ret_grant,
                                     struct hyp_error *err)
{
    struct hyp_user user;
    bool new_password = change->password.len > 0;
    *ret_grant = (struct hyp_grant){.scope = scope};
    enum hyp_status status = check_self_change(change, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_user(service->config.store, scope->user, &user);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    if (new_password) {
        status = change_own_password(service, &user, change, err);
        if (status != HYP_OK) {
            return status;
        }
    }
    apply_self_change(&user, change);
    status = hyp_store_user_update(service->config.store, &user, new_password, err);
    if (status != HYP_OK || !new_password) {
        return status;
    }
    hyp_sessions_remove_user(service->auth.sessions, user.id);
    hyp_service_audit(service, scope, "user.password", "user", user.id, "changed by the user");
    return begin_session(service, &user, "The password is changed", arena, ret_grant, err);
}
