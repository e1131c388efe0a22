/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session table: tokens in use, in memory, so that a request costs no disk.
 *
 * Found by a keyed hash of the token (SipHash-2-4-128 with a key of this process), which is
 * cheap and says nothing without the key. Any thread. The store stays the truth for what must
 * survive a restart; this table forgets what is revoked at once.
 */
#ifndef HYP_SERVICE_SESSIONS_H
#define HYP_SERVICE_SESSIONS_H

#include "base/rng.h"
#include "base/str.h"
#include "service/scope_make.h"
#include "store/store.h"

#include <stdbool.h>

struct hyp_sessions;

struct hyp_session_entry {
    struct hyp_scope scope;
    uint8_t token_hash[32];
    int64_t api_token; /* id, 0 for a session of a person */
    hyp_utc created;
    hyp_utc expires; /* 0 = never (API tokens) */
    hyp_utc last_seen;
    hyp_utc saved_seen; /* last_seen as the store knows it */
};

/* An empty table with a key of its own from `rng`. HYP_OK | NO_MEMORY. destroy takes NULL. */
HYP_MUST_USE enum hyp_status hyp_sessions_create(struct hyp_rng *rng,
                                                 struct hyp_sessions **ret_sessions);
void *hyp_sessions_destroy(struct hyp_sessions *sessions);

/* Read it before asking the store about a token, and give it to hyp_sessions_put. */
uint64_t hyp_sessions_epoch(struct hyp_sessions *sessions);
/* Remembers a token that the store knows. HYP_OK | CONFLICT (something was revoked since
 * `epoch`: ask again) | LIMIT (HYP_LIMIT_SESSIONS) | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_sessions_put(struct hyp_sessions *sessions,
                                              struct hyp_str token,
                                              const struct hyp_session_entry *entry,
                                              uint64_t epoch);
/* Finds, checks expiry at `now`, notes the use. False = not known (ask the store). */
bool hyp_sessions_get(struct hyp_sessions *sessions, struct hyp_str token, hyp_utc now,
                      struct hyp_scope *ret_scope);
/* The same without noting a use. */
bool hyp_sessions_peek(struct hyp_sessions *sessions, struct hyp_str token, hyp_utc now,
                       struct hyp_scope *ret_scope);
/* Forgets one token, and what is being looked up; nothing when it is not known. */
void hyp_sessions_remove(struct hyp_sessions *sessions, struct hyp_str token);
/* All of a user (their API tokens too). */
void hyp_sessions_remove_user(struct hyp_sessions *sessions, int64_t user);
/* The session of an API token, by the token's id. */
void hyp_sessions_remove_api_token(struct hyp_sessions *sessions, int64_t api_token);
/* Everything that is remembered: the store is asked again. */
void hyp_sessions_forget(struct hyp_sessions *sessions);
/*
 * Drops expired ones and copies out up to `capacity` whose use the store should hear of.
 */
size_t hyp_sessions_sweep(struct hyp_sessions *sessions, hyp_utc now, int64_t older_than_ms,
                          struct hyp_session_entry *out, size_t capacity);

#endif
