/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication: first set-up, sign-in, sessions, API tokens. The only maker of scopes.
 *
 * A session token is 32 random bytes in base64url; the store and the memory know only digests
 * of it. The CSRF token is derived from the session token, so it can be told again to whoever
 * holds the cookie and to nobody else. Failed attempts back off per login and per address,
 * whether the login exists or not, and across restarts.
 */
#ifndef HYP_SERVICE_AUTH_H
#define HYP_SERVICE_AUTH_H

#include "base/arena.h"
#include "service/scope.h"
#include "service/service.h"

#include <stdbool.h>

#define HYP_TOKEN_TEXT_MAX 64 /* base64url of 32 bytes, prefix and terminator */

/* What a person holds after signing in. The token is shown once and kept by the browser. */
struct hyp_grant {
    const struct hyp_scope *scope; /* in the caller's arena */
    char token[HYP_TOKEN_TEXT_MAX];
    char csrf[HYP_TOKEN_TEXT_MAX];
    hyp_utc expires;
};

/* Who is signed in, for the first screen. */
struct hyp_identity {
    struct hyp_user user; /* hash wiped */
    struct hyp_tenant tenant;
};

struct hyp_login {
    struct hyp_str login;
    struct hyp_str password;
    struct hyp_str address; /* of the client, for the back-off */
};

struct hyp_setup {
    struct hyp_str token;
    struct hyp_str login;
    struct hyp_str name;
    struct hyp_str password;
    struct hyp_str language;  /* empty = "en" */
    struct hyp_str time_zone; /* empty = as it is */
    struct hyp_str address;
};

/* Is there no user yet? Waits for no sign-in; as long as there is none the store is asked, for
 * another member may have been set up meanwhile. */
bool hyp_auth_first_run(struct hyp_service *service);
/*
 * The one-time token that allows to create the first administrator; "" once a user exists.
 * New at every start; lives as long as the service.
 */
const char *hyp_auth_setup_token(struct hyp_service *service);

/*
 * Creates the first administrator and signs in.
 * Returns  HYP_OK | DENIED (wrong token) | EXISTS (done already) | INVALID | BUSY
 * Context  blocks for an argon2id run
 */
HYP_MUST_USE enum hyp_status
hyp_auth_set_up(struct hyp_service *service, const struct hyp_setup *setup,
                struct hyp_arena *arena, struct hyp_grant *ret_grant, struct hyp_error *err);

/*
 * Signs in.
 * @ret_wait_ms  0, or how long no attempt will be looked at (also written on failure)
 * Returns       HYP_OK | UNAUTHENTICATED (the same for a wrong name, a wrong password, a
 *               disabled user and a locked login) | BUSY
 *             | what the store says: the attempt was not looked at, and does not count
 * Context       blocks for an argon2id run
 */
HYP_MUST_USE enum hyp_status hyp_auth_login(struct hyp_service *service,
                                            const struct hyp_login *login,
                                            struct hyp_arena *arena,
                                            struct hyp_grant *ret_grant, int64_t *ret_wait_ms,
                                            struct hyp_error *err);

/*
 * Scope of a session token; the frequent path, from memory.
 * Returns   HYP_OK | UNAUTHENTICATED | NO_MEMORY
 *         | what the store says, when memory does not know the token and the store cannot be
 *           asked: whether it is good is not known then
 */
HYP_MUST_USE enum hyp_status hyp_auth_session(struct hyp_service *service, struct hyp_str token,
                                              struct hyp_arena *arena,
                                              const struct hyp_scope **ret_scope);
/* Would the token still be accepted? Does not count as a use of the session. */
bool hyp_auth_session_is_valid(struct hyp_service *service, struct hyp_str token);
/* The same two for an API token ("hyp_..."). Its scope has the lesser role of token and user.
 */
bool hyp_auth_bearer_is_valid(struct hyp_service *service, struct hyp_str token);
HYP_MUST_USE enum hyp_status hyp_auth_bearer(struct hyp_service *service, struct hyp_str token,
                                             struct hyp_arena *arena,
                                             const struct hyp_scope **ret_scope);
/* Does `csrf` belong to the session token? */
bool hyp_auth_csrf_matches(struct hyp_str token, struct hyp_str csrf);
/* The CSRF token of a session token. */
void hyp_auth_csrf(struct hyp_str token, char ret_csrf[static HYP_TOKEN_TEXT_MAX]);

/*
 * Ends a session; one that has ended already is no failure. Memory forgets it also when the
 * store cannot.
 * @token    the session's own; the scope is for the audit
 * Returns   HYP_OK | what the store says: then it lives on in the store
 */
HYP_MUST_USE enum hyp_status hyp_auth_logout(struct hyp_service *service,
                                             const struct hyp_scope *scope,
                                             struct hyp_str token);
/* The user of a scope, as stored now. HYP_OK | NOT_FOUND (the scope is no user's, or of one who
 * is gone) | what the store says */
HYP_MUST_USE enum hyp_status hyp_auth_identity(struct hyp_service *service,
                                               const struct hyp_scope *scope,
                                               struct hyp_identity *ret_identity,
                                               struct hyp_error *err);

/* What users may change about themselves; empty = leave. */
struct hyp_self_change {
    struct hyp_str name;
    struct hyp_str language;
    struct hyp_str theme;
    struct hyp_str password_old;
    struct hyp_str password;
};
/*
 * Changes the user of a scope.
 * @ret_grant   after a password change a new session (all others end, and API tokens are looked
 *              up again); token "" otherwise
 * Returns      HYP_OK | INVALID | DENIED (old password is wrong) | BUSY
 *            | CONFLICT (somebody else has just changed the user) | what the store says
 * Context      blocks for argon2id runs when the password changes
 */
HYP_MUST_USE enum hyp_status
hyp_auth_change_self(struct hyp_service *service, const struct hyp_scope *scope,
                     const struct hyp_self_change *change, struct hyp_arena *arena,
                     struct hyp_grant *ret_grant, struct hyp_error *err);

/* The scope of whoever has a shell on the machine (cmd only): administrator of the tenant. */
const struct hyp_scope *hyp_auth_console(struct hyp_service *service, struct hyp_arena *arena);

#endif
