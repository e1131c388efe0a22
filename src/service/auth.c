/* SPDX-License-Identifier: Apache-2.0 */
#include "service/auth.h"

#include "base/crypto.h"
#include "service/inside.h"
#include "service/scope_make.h"

#include <sodium.h>
#include <string.h>

#define BACKOFF_BLOB "auth.backoff"
#define BACKOFF_BLOB_MAX (HYP_LIMIT_BACKOFF_ENTRIES * 32 + 16)
#define TOKEN_BYTES 32
#define SAVE_SEEN_MS (5LL * 60 * 1000)
#define SWEEP_BATCH 256

/* --- tokens --- */

static void to_base64(const uint8_t *bytes, size_t len, char *out, size_t size)
{
    sodium_bin2base64(out, size, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void hyp_auth_make_token(struct hyp_service *service, const char *prefix,
                         char ret_token[static HYP_TOKEN_TEXT_MAX], uint8_t ret_hash[static 32])
{
    uint8_t bytes[TOKEN_BYTES];
    char text[HYP_TOKEN_TEXT_MAX];
    hyp_rng_fill(service->config.rng, bytes, sizeof(bytes));
    to_base64(bytes, sizeof(bytes), text, sizeof(text));
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, ret_token, HYP_TOKEN_TEXT_MAX);
    hyp_buf_append_text(&buf, prefix);
    hyp_buf_append_text(&buf, text);
    hyp_buf_terminate(&buf);
    hyp_sha256((const uint8_t *)ret_token, buf.len, ret_hash);
    hyp_wipe(bytes, sizeof(bytes));
    hyp_wipe(text, sizeof(text));
}

void hyp_auth_csrf(struct hyp_str token, char ret_csrf[static HYP_TOKEN_TEXT_MAX])
{
    uint8_t digest[32];
    crypto_generichash_state state;
    static const char purpose[] = "hypocaust csrf";
    crypto_generichash_init(&state, (const uint8_t *)purpose, sizeof(purpose), sizeof(digest));
    crypto_generichash_update(&state, (const uint8_t *)token.ptr, token.len);
    crypto_generichash_final(&state, digest, sizeof(digest));
    to_base64(digest, sizeof(digest), ret_csrf, HYP_TOKEN_TEXT_MAX);
}

bool hyp_auth_csrf_matches(struct hyp_str token, struct hyp_str csrf)
{
    char wanted[HYP_TOKEN_TEXT_MAX];
    hyp_auth_csrf(token, wanted);
    return csrf.len == strlen(wanted) &&
           hyp_equal_constant_time((const uint8_t *)csrf.ptr, (const uint8_t *)wanted,
                                   csrf.len);
}

/* --- life --- */

static enum hyp_status count_users(struct hyp_service *service, size_t *ret_count)
{
    struct hyp_arena arena;
    struct hyp_user *users;
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status =
        hyp_store_users(service->config.store, service->tenant.id, &arena, &users, ret_count);
    hyp_arena_finish(&arena);
    return status;
}

static void load_backoff(struct hyp_service *service)
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

enum hyp_status hyp_auth_init(struct hyp_service *service, struct hyp_error *err)
{
    struct hyp_auth *auth = &service->auth;
    pthread_mutex_init(&auth->lock, NULL);
    enum hyp_status status = hyp_hasher_init(&auth->hasher, &service->config.hash_cost);
    if (status != HYP_OK) {
        return hyp_error_set(err, status, -1, "Password hashing cannot start: %s.",
                             hyp_status_text(status));
    }
    status = hyp_sessions_create(service->config.rng, &auth->sessions);
    size_t users = 0;
    if (status == HYP_OK) {
        status = count_users(service, &users);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    load_backoff(service);
    auth->first_run = users == 0;
    if (auth->first_run) {
        uint8_t unused_hash[32];
        hyp_auth_make_token(service, "", auth->setup_token, unused_hash);
    }
    return HYP_OK;
}

void hyp_auth_finish(struct hyp_service *service)
{
    struct hyp_auth *auth = &service->auth;
    auth->sessions = hyp_sessions_destroy(auth->sessions);
    hyp_hasher_finish(&auth->hasher);
    pthread_mutex_destroy(&auth->lock);
    hyp_wipe(auth->setup_token, sizeof(auth->setup_token));
}

bool hyp_auth_first_run(struct hyp_service *service)
{
    pthread_mutex_lock(&service->auth.lock);
    bool first_run = service->auth.first_run;
    pthread_mutex_unlock(&service->auth.lock);
    return first_run;
}

const char *hyp_auth_setup_token(struct hyp_service *service)
{
    return hyp_auth_first_run(service) ? service->auth.setup_token : "";
}

/* --- sessions --- */

static enum hyp_status give_scope(struct hyp_arena *arena, const struct hyp_scope *scope,
                                  const struct hyp_scope **ret_scope)
{
    struct hyp_scope *copy = hyp_arena_alloc(arena, sizeof(*copy));
    if (copy == NULL) {
        return HYP_NO_MEMORY;
    }
    *copy = *scope;
    *ret_scope = copy;
    return HYP_OK;
}

static enum hyp_status open_session(struct hyp_service *service, const struct hyp_user *user,
                                    struct hyp_arena *arena, struct hyp_grant *ret_grant)
{
    struct hyp_grant grant = {0};
    hyp_utc now = hyp_service_now(service);
    struct hyp_session_row row = {.user = user->id, .created = now, .last_seen = now};
    row.expires.ms = now.ms + HYP_LIMIT_SESSION_DAYS * 24LL * 3600 * 1000;
    hyp_auth_make_token(service, "", grant.token, row.token_hash);
    struct hyp_str token = hyp_str_from(grant.token);
    hyp_auth_csrf(token, grant.csrf);
    hyp_sha256((const uint8_t *)grant.csrf, strlen(grant.csrf), row.csrf_hash);
    uint64_t epoch = hyp_sessions_epoch(service->auth.sessions);
    enum hyp_status status = hyp_store_session_add(service->config.store, &row);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_session_entry entry = {
        .scope = hyp_scope_make(user->tenant, user->id, user->role),
        .created = now,
        .expires = row.expires,
        .last_seen = now,
        .saved_seen = now,
    };
    memcpy(entry.token_hash, row.token_hash, sizeof(entry.token_hash));
    /* Not kept in memory (full, or something was revoked): the store will be asked instead. */
    HYP_IGNORE(hyp_sessions_put(service->auth.sessions, token, &entry, epoch));
    grant.expires = row.expires;
    status = give_scope(arena, &entry.scope, &grant.scope);
    if (status == HYP_OK) {
        *ret_grant = grant;
    }
    return status;
}

static bool looks_like_token(struct hyp_str token)
{
    return token.len >= 16 && token.len < HYP_TOKEN_TEXT_MAX;
}

/* A session that memory does not know: after a restart, or forged. */
static enum hyp_status load_session(struct hyp_service *service, struct hyp_str token,
                                    struct hyp_scope *ret_scope)
{
    struct hyp_session_row row;
    struct hyp_user user;
    struct hyp_session_entry entry = {0};
    hyp_utc now = hyp_service_now(service);
    hyp_sha256((const uint8_t *)token.ptr, token.len, entry.token_hash);
    uint64_t epoch = hyp_sessions_epoch(service->auth.sessions);
    if (hyp_store_session(service->config.store, entry.token_hash, &row) != HYP_OK ||
        now.ms >= row.expires.ms ||
        now.ms - row.last_seen.ms > HYP_LIMIT_SESSION_HOURS * 3600LL * 1000 ||
        hyp_store_user(service->config.store, row.user, &user) != HYP_OK || !user.enabled) {
        return HYP_UNAUTHENTICATED;
    }
    entry.scope = hyp_scope_make(user.tenant, user.id, user.role);
    entry.created = row.created;
    entry.expires = row.expires;
    entry.last_seen = now;
    entry.saved_seen = row.last_seen;
    HYP_IGNORE(hyp_sessions_put(service->auth.sessions, token, &entry, epoch));
    *ret_scope = entry.scope;
    return HYP_OK;
}

enum hyp_status hyp_auth_session(struct hyp_service *service, struct hyp_str token,
                                 struct hyp_arena *arena, const struct hyp_scope **ret_scope)
{
    struct hyp_scope scope;
    if (!looks_like_token(token)) {
        return HYP_UNAUTHENTICATED;
    }
    if (!hyp_sessions_get(service->auth.sessions, token, hyp_service_now(service), &scope)) {
        enum hyp_status status = load_session(service, token, &scope);
        if (status != HYP_OK) {
            return status;
        }
    }
    return give_scope(arena, &scope, ret_scope);
}

bool hyp_auth_session_is_valid(struct hyp_service *service, struct hyp_str token)
{
    struct hyp_scope scope;
    return hyp_sessions_peek(service->auth.sessions, token, hyp_service_now(service), &scope) ||
           load_session(service, token, &scope) == HYP_OK;
}

static enum hyp_status load_bearer(struct hyp_service *service, struct hyp_str token,
                                   struct hyp_scope *ret_scope)
{
    struct hyp_api_token row;
    struct hyp_user user;
    struct hyp_session_entry entry = {0};
    hyp_utc now = hyp_service_now(service);
    hyp_sha256((const uint8_t *)token.ptr, token.len, entry.token_hash);
    uint64_t epoch = hyp_sessions_epoch(service->auth.sessions);
    if (hyp_store_token_by_hash(service->config.store, entry.token_hash, &row) != HYP_OK ||
        (row.expires.ms != 0 && now.ms >= row.expires.ms) ||
        hyp_store_user(service->config.store, row.user, &user) != HYP_OK || !user.enabled) {
        return HYP_UNAUTHENTICATED;
    }
    /* A token never outranks the person who made it. */
    enum hyp_role role = HYP_MIN(row.role, user.role);
    entry.scope = hyp_scope_make(row.tenant, row.user, role);
    entry.api_token = row.id;
    entry.created = row.created;
    entry.expires = row.expires;
    entry.last_seen = now;
    HYP_IGNORE(hyp_sessions_put(service->auth.sessions, token, &entry, epoch));
    *ret_scope = entry.scope;
    return HYP_OK;
}

enum hyp_status hyp_auth_bearer(struct hyp_service *service, struct hyp_str token,
                                struct hyp_arena *arena, const struct hyp_scope **ret_scope)
{
    struct hyp_scope scope;
    if (!looks_like_token(token) || !hyp_str_has_prefix(token, HYP_STR("hyp_"))) {
        return HYP_UNAUTHENTICATED;
    }
    if (!hyp_sessions_get(service->auth.sessions, token, hyp_service_now(service), &scope)) {
        enum hyp_status status = load_bearer(service, token, &scope);
        if (status != HYP_OK) {
            return status;
        }
    }
    return give_scope(arena, &scope, ret_scope);
}

enum hyp_status hyp_auth_logout(struct hyp_service *service, const struct hyp_scope *scope,
                                struct hyp_str token)
{
    uint8_t hash[32];
    hyp_sha256((const uint8_t *)token.ptr, token.len, hash);
    hyp_sessions_remove(service->auth.sessions, token);
    enum hyp_status status = hyp_store_session_remove(service->config.store, hash);
    if (status == HYP_OK || status == HYP_NOT_FOUND) {
        hyp_service_audit(service, scope, "session.end", "user", scope->user, "signed out");
        return HYP_OK;
    }
    return status;
}

void hyp_auth_sweep(struct hyp_service *service)
{
    struct hyp_session_entry used[SWEEP_BATCH];
    size_t count = hyp_sessions_sweep(service->auth.sessions, hyp_service_now(service),
                                      SAVE_SEEN_MS, used, SWEEP_BATCH);
    for (size_t i = 0; i < count; i++) {
        /* A lost note costs at most an earlier sign-out after a restart. */
        HYP_IGNORE(hyp_store_session_touch(service->config.store, used[i].token_hash,
                                           used[i].last_seen, used[i].expires));
    }
}

/* --- sign-in --- */

static int64_t wait_needed(struct hyp_service *service, const struct hyp_login *login)
{
    struct hyp_auth *auth = &service->auth;
    hyp_utc now = hyp_service_now(service);
    pthread_mutex_lock(&auth->lock);
    int64_t by_login =
        hyp_backoff_wait_ms(&auth->backoff, HYP_BACKOFF_LOGIN, login->login, now);
    int64_t by_address =
        hyp_backoff_wait_ms(&auth->backoff, HYP_BACKOFF_ADDRESS, login->address, now);
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
        hyp_backoff_fail(&auth->backoff, HYP_BACKOFF_ADDRESS, login->address, now);
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

enum hyp_status hyp_auth_login(struct hyp_service *service, const struct hyp_login *login,
                               struct hyp_arena *arena, struct hyp_grant *ret_grant,
                               int64_t *ret_wait_ms, struct hyp_error *err)
{
    struct hyp_user user = {0};
    *ret_wait_ms = wait_needed(service, login);
    if (*ret_wait_ms > 0) {
        return refuse_login(err, *ret_wait_ms);
    }
    bool known = login->login.len > 0 && login->login.len < HYP_LIMIT_LOGIN &&
                 hyp_store_user_by_login(service->config.store, login->login, &user) == HYP_OK;
    struct hyp_str password = login->password;
    password.len = HYP_MIN(password.len, (size_t)HYP_LIMIT_PASSWORD_MAX);
    enum hyp_status status =
        hyp_password_verify(&service->auth.hasher, password, known ? user.password_hash : NULL);
    if (status == HYP_BUSY) {
        return hyp_error_set(err, HYP_BUSY, -1,
                             "Too many people sign in at this moment. Try again in a second.");
    }
    if (status != HYP_OK || !user.enabled) {
        *ret_wait_ms = note_failure(service, login);
        return refuse_login(err, *ret_wait_ms);
    }
    note_success(service, login);
    status = open_session(service, &user, arena, ret_grant);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    user.last_login = hyp_service_now(service);
    /* Somebody edits the user at this moment: then the date of this sign-in is not worth a
     * conflict. */
    HYP_IGNORE(hyp_store_user_update(service->config.store, &user, NULL));
    hyp_service_audit(service, ret_grant->scope, "session.start", "user", user.id,
                      "signed in from %.*s", HYP_STR_ARG(login->address));
    hyp_wipe(&user, sizeof(user));
    return HYP_OK;
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
    if (!service->auth.first_run) {
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
    status = hyp_store_user_add(service->config.store, user, err);
    if (status == HYP_OK) {
        service->auth.first_run = false;
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
    status = open_session(service, &user, arena, ret_grant);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, ret_grant->scope, "system.setup", "user", user.id,
                      "first administrator \"%s\"", user.login);
    return HYP_OK;
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

static enum hyp_status change_own_password(struct hyp_service *service, struct hyp_user *user,
                                           const struct hyp_self_change *change,
                                           struct hyp_error *err)
{
    enum hyp_status status =
        hyp_password_check_rules(change->password, hyp_str_from(user->login), err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_str old = change->password_old;
    old.len = HYP_MIN(old.len, (size_t)HYP_LIMIT_PASSWORD_MAX);
    status = hyp_password_verify(&service->auth.hasher, old, user->password_hash);
    if (status == HYP_UNAUTHENTICATED) {
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
    status = hyp_store_user_update(service->config.store, &user, err);
    if (status != HYP_OK || !new_password) {
        return status;
    }
    status = hyp_store_sessions_remove_user(service->config.store, user.id);
    hyp_sessions_remove_user(service->auth.sessions, user.id);
    if (status == HYP_OK) {
        status = open_session(service, &user, arena, ret_grant);
    }
    hyp_service_audit(service, scope, "user.password", "user", user.id, "changed by the user");
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

const struct hyp_scope *hyp_auth_console(struct hyp_service *service, struct hyp_arena *arena)
{
    struct hyp_scope scope =
        hyp_scope_make(hyp_service_first_tenant(service).id, 0, HYP_ROLE_ADMIN);
    const struct hyp_scope *given = NULL;
    return give_scope(arena, &scope, &given) == HYP_OK ? given : NULL;
}
