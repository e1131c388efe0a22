/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords: the rules a new one must keep, and argon2id (libsodium) on them.
 *
 * A run costs tens of milliseconds and tens of megabytes on purpose, so runs are limited to
 * HYP_LIMIT_HASH_AT_ONCE in the whole process; a few wait, the rest get BUSY.
 */
#ifndef HYP_SERVICE_PASSWORD_H
#define HYP_SERVICE_PASSWORD_H

#include "base/status.h"
#include "base/str.h"
#include "service/service.h"

#include <pthread.h>

#define HYP_PASSWORD_HASH_MAX 128

struct hyp_hasher {
    struct hyp_hash_cost cost;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    unsigned running;
    unsigned waiting;
    char decoy[HYP_PASSWORD_HASH_MAX]; /* checked when a login does not exist */
};

/* HYP_OK | INTERNAL when libsodium cannot start. */
HYP_MUST_USE enum hyp_status hyp_hasher_init(struct hyp_hasher *hasher,
                                             const struct hyp_hash_cost *cost);
/* Nobody may be running or waiting. */
void hyp_hasher_finish(struct hyp_hasher *hasher);

/* Is it a password to choose: HYP_LIMIT_PASSWORD_MIN .. _MAX bytes, not the login, none of the
 * usual ones? HYP_OK | INVALID with the broken rule in words */
HYP_MUST_USE enum hyp_status
hyp_password_check_rules(struct hyp_str password, struct hyp_str login, struct hyp_error *err);

/* The argon2id hash as text, with its salt and cost. Context blocks for one run, and for a
 * place to run. HYP_OK | BUSY | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_password_hash(struct hyp_hasher *hasher,
                                               struct hyp_str password,
                                               char ret_hash[static HYP_PASSWORD_HASH_MAX]);
/*
 * @hash     NULL = there is no such login: costs the same and fails
 * Returns   HYP_OK | UNAUTHENTICATED | BUSY
 */
HYP_MUST_USE enum hyp_status hyp_password_verify(struct hyp_hasher *hasher,
                                                 struct hyp_str password, const char *hash);

#endif
