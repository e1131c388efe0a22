/* SPDX-License-Identifier: Apache-2.0 */
#include "service/auth.h"

#include "base/crypto.h"
#include "service/inside.h"
#include "service/scope_make.h"

#include <sodium.h>
#include <string.h>

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
    hyp_signin_load_backoff(service);
    atomic_init(&auth->first_run, users == 0);
    if (users == 0) {
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
    size_t users;
    if (atomic_load(&service->auth.first_run) && count_users(service, &users) == HYP_OK &&
        users > 0) {
        atomic_store(&service->auth.first_run, false);
    }
    return atomic_load(&service->auth.first_run);
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

enum hyp_status hyp_auth_open_session(struct hyp_service *service, const struct hyp_user *user,
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
    enum hyp_status status = hyp_store_session_add(service->config.store, user, &row);
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

/* What a token means that could not be looked up: nothing, if the store does not have it. */
static enum hyp_status refuse_token(enum hyp_status looked_up)
{
    return looked_up == HYP_OK || looked_up == HYP_NOT_FOUND ? HYP_UNAUTHENTICATED : looked_up;
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
    enum hyp_status status = hyp_store_session(service->config.store, entry.token_hash, &row);
    if (status != HYP_OK || now.ms >= row.expires.ms ||
        now.ms - row.last_seen.ms > HYP_LIMIT_SESSION_HOURS * 3600LL * 1000) {
        return refuse_token(status);
    }
    status = hyp_store_user(service->config.store, row.user, &user);
    if (status != HYP_OK || !user.enabled) {
        return refuse_token(status);
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
    enum hyp_status status =
        hyp_store_token_by_hash(service->config.store, entry.token_hash, &row);
    if (status != HYP_OK || (row.expires.ms != 0 && now.ms >= row.expires.ms)) {
        return refuse_token(status);
    }
    status = hyp_store_user(service->config.store, row.user, &user);
    if (status != HYP_OK || !user.enabled) {
        return refuse_token(status);
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

bool hyp_auth_bearer_is_valid(struct hyp_service *service, struct hyp_str token)
{
    struct hyp_scope scope;
    return hyp_sessions_peek(service->auth.sessions, token, hyp_service_now(service), &scope) ||
           load_bearer(service, token, &scope) == HYP_OK;
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
    enum hyp_status status = hyp_store_session_remove(service->config.store, hash);
    /* After the store, and for whoever has just read it there: else another request of the same
       page could bring the session back to memory, where it would outlive its end. */
    hyp_sessions_remove(service->auth.sessions, token);
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

/* --- the shell --- */

const struct hyp_scope *hyp_auth_console(struct hyp_service *service, struct hyp_arena *arena)
{
    struct hyp_scope scope =
        hyp_scope_make(hyp_service_first_tenant(service).id, 0, HYP_ROLE_ADMIN);
    const struct hyp_scope *given = NULL;
    return give_scope(arena, &scope, &given) == HYP_OK ? given : NULL;
}
