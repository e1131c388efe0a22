/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants, their users, what those are signed in with, and what they have done. Part of
 * store.h, which includes it.
 *
 * Of passwords, sessions, tokens only hashes are kept: who reads the database cannot sign in.
 */
#ifndef HYP_STORE_PEOPLE_H
#define HYP_STORE_PEOPLE_H

#include "store/store.h"

/* --- tenants --- */

struct hyp_tenant {
    hyp_tenant_id id;
    char name[HYP_LIMIT_NAME];
    char language[8];
    char time_zone[64]; /* "Europe/Copenhagen" */
};

/* Adds a tenant; its id is set, only with OK. */
HYP_MUST_USE enum hyp_status hyp_store_tenant_add(struct hyp_store *store,
                                                  struct hyp_tenant *tenant);
/* All tenants, in the order in which they were added. */
HYP_MUST_USE enum hyp_status hyp_store_tenants(struct hyp_store *store, struct hyp_arena *arena,
                                               struct hyp_tenant **ret_tenants,
                                               size_t *ret_count);
/* Sets name, language and zone; members learn of it. NOT_FOUND when there is none of its id. */
HYP_MUST_USE enum hyp_status hyp_store_tenant_update(struct hyp_store *store,
                                                     const struct hyp_tenant *tenant);

/* --- users --- */

enum hyp_role {
    HYP_ROLE_NONE = 0,
    HYP_ROLE_READER, /* "reader": sees everything of the tenant, changes nothing */
    HYP_ROLE_ADMIN,  /* "admin" */
};
struct hyp_user {
    int64_t id;
    hyp_tenant_id tenant;
    char login[HYP_LIMIT_LOGIN]; /* no two are the same, of all tenants */
    char name[HYP_LIMIT_NAME];
    char password_hash[128]; /* argon2id, libsodium's text form */
    enum hyp_role role;
    char language[8];
    char theme[8]; /* "system", "light", "dark" */
    bool enabled;
    hyp_utc created;
    hyp_utc last_login; /* 0 = never; hyp_store_session_add sets it */
    uint32_t failed_logins;
    hyp_utc locked_until; /* 0 = not locked */
    int64_t revision;     /* 1 = as added */
};

/*
 * Adds a user.
 * @user  its id, time and revision are set, only with OK
 * Returns   HYP_OK | EXISTS (the login) | NOT_FOUND (the tenant) | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_store_user_add(struct hyp_store *store, struct hyp_user *user,
                                                struct hyp_error *err);
/* The first user of a tenant, as hyp_store_user_add; EXISTS when it has one, also when another
 * member was quicker, or when the login is taken. */
HYP_MUST_USE enum hyp_status
hyp_store_user_add_first(struct hyp_store *store, struct hyp_user *user, struct hyp_error *err);
/*
 * Writes all of a user but its id, tenant, time of creation and last sign-in.
 * @user          with the revision that was read; with OK it is one more
 * @end_sessions  all sessions of the user end with it: what they rest on is another
 * Returns   HYP_OK | EXISTS (the login) | CONFLICT (somebody else has changed the user)
 *         | NOT_FOUND | what the database says; then nothing is written and no session ended
 */
HYP_MUST_USE enum hyp_status hyp_store_user_update(struct hyp_store *store,
                                                   struct hyp_user *user, bool end_sessions,
                                                   struct hyp_error *err);
/* Removes a user with all sessions and tokens. NOT_FOUND when the tenant has no such one. */
HYP_MUST_USE enum hyp_status hyp_store_user_remove(struct hyp_store *store,
                                                   hyp_tenant_id tenant, int64_t id,
                                                   struct hyp_error *err);
/* A user of any tenant, for signing in: the tenant is not known before. NOT_FOUND. */
HYP_MUST_USE enum hyp_status hyp_store_user_by_login(struct hyp_store *store,
                                                     struct hyp_str login,
                                                     struct hyp_user *ret_user);
/* A user of any tenant, for whoever has a session or token. NOT_FOUND. */
HYP_MUST_USE enum hyp_status hyp_store_user(struct hyp_store *store, int64_t id,
                                            struct hyp_user *ret_user);
/* All users of a tenant by login. */
HYP_MUST_USE enum hyp_status hyp_store_users(struct hyp_store *store, hyp_tenant_id tenant,
                                             struct hyp_arena *arena,
                                             struct hyp_user **ret_users, size_t *ret_count);

/* --- sessions of browsers --- */

struct hyp_session_row {
    uint8_t token_hash[32]; /* of what the cookie holds */
    uint8_t csrf_hash[32];
    int64_t user; /* its id */
    hyp_utc created;
    hyp_utc last_seen;
    hyp_utc expires;
};

/*
 * Adds a session, notes its beginning as the user's last sign-in, and removes sessions that
 * have expired.
 * @user  as the session rests on it: password, role and being enabled must still be these. So a
 *        change of the user either is seen here, or ends the session (`end_sessions` above).
 * Returns   HYP_OK | CONFLICT (the user has changed, or is gone) | LIMIT (HYP_LIMIT_SESSIONS)
 *         | what the database says; then there is no session
 */
HYP_MUST_USE enum hyp_status hyp_store_session_add(struct hyp_store *store,
                                                   const struct hyp_user *user,
                                                   const struct hyp_session_row *session);
/* A session, expired or not. NOT_FOUND. */
HYP_MUST_USE enum hyp_status hyp_store_session(struct hyp_store *store,
                                               const uint8_t token_hash[static 32],
                                               struct hyp_session_row *ret_session);
/* Sets when it was seen and when it expires. NOT_FOUND. */
HYP_MUST_USE enum hyp_status hyp_store_session_touch(struct hyp_store *store,
                                                     const uint8_t token_hash[static 32],
                                                     hyp_utc last_seen, hyp_utc expires);
/* Ends a session. NOT_FOUND. */
HYP_MUST_USE enum hyp_status hyp_store_session_remove(struct hyp_store *store,
                                                      const uint8_t token_hash[static 32]);

/* --- tokens of programs --- */

struct hyp_api_token {
    int64_t id;
    hyp_tenant_id tenant;
    int64_t user;
    char name[HYP_LIMIT_NAME];
    uint8_t token_hash[32];
    enum hyp_role role; /* what it allows at most; the user's role still counts */
    hyp_utc created;
    hyp_utc last_used; /* 0 = never */
    hyp_utc expires;   /* 0 = never */
};

/*
 * Adds a token.
 * @token  its id is set, only with OK
 * Returns   HYP_OK | NOT_FOUND (the user, or it is of another tenant) | EXISTS (the hash)
 *         | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_store_token_add(struct hyp_store *store,
                                                 struct hyp_api_token *token);
/* A token of any tenant, expired or not, for whoever shows it. NOT_FOUND. */
HYP_MUST_USE enum hyp_status hyp_store_token_by_hash(struct hyp_store *store,
                                                     const uint8_t token_hash[static 32],
                                                     struct hyp_api_token *ret_token);
/* Sets when it was used. NOT_FOUND. */
HYP_MUST_USE enum hyp_status hyp_store_token_touch(struct hyp_store *store, int64_t id,
                                                   hyp_utc last_used);
/* NOT_FOUND when the tenant has no such token. */
HYP_MUST_USE enum hyp_status hyp_store_token_remove(struct hyp_store *store,
                                                    hyp_tenant_id tenant, int64_t id);
/* All tokens of a tenant, in the order in which they were added. */
HYP_MUST_USE enum hyp_status hyp_store_tokens(struct hyp_store *store, hyp_tenant_id tenant,
                                              struct hyp_arena *arena,
                                              struct hyp_api_token **ret_tokens,
                                              size_t *ret_count);

/* --- audit --- */

/* What was done, when and by whom; never changed, never removed. */
struct hyp_audit_entry {
    int64_t id;
    hyp_tenant_id tenant;
    hyp_utc time;
    int64_t user;                    /* 0 = the system */
    char action[48];                 /* "device.update" */
    char object[64];                 /* "device:17" */
    char detail[HYP_ERROR_TEXT_MAX]; /* old -> new, never a secret */
};

/* Writes an entry; its id is the store's. */
HYP_MUST_USE enum hyp_status hyp_store_audit_add(struct hyp_store *store,
                                                 const struct hyp_audit_entry *entry);
/* `limit` entries of a tenant, newest first, after the newest `offset`. */
HYP_MUST_USE enum hyp_status hyp_store_audit(struct hyp_store *store, hyp_tenant_id tenant,
                                             size_t offset, size_t limit,
                                             struct hyp_arena *arena,
                                             struct hyp_audit_entry **ret_entries,
                                             size_t *ret_count);

#endif
