/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back-off of sign-in attempts: who failed how often, and until when they must wait.
 *
 * Kept per login name and per client address, whether the login exists or not, so that the
 * answer says nothing about accounts. Waits double from 1 s to HYP_LIMIT_BACKOFF_S. A bounded
 * table: the entry that matters least gives way. Not for several threads; the owner locks.
 */
#ifndef HYP_SERVICE_BACKOFF_H
#define HYP_SERVICE_BACKOFF_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/str.h"

#include <stdint.h>

enum hyp_backoff_kind {
    HYP_BACKOFF_LOGIN = 0, /* waits begin after 3 failures */
    HYP_BACKOFF_ADDRESS,   /* many people share one: after 10 */
    HYP_BACKOFF_KIND_COUNT,
};

struct hyp_backoff_entry {
    uint64_t key; /* first bytes of SHA-256 over kind and name; 0 = free */
    uint32_t failures;
    hyp_utc until; /* no attempt before */
    hyp_utc last;
};

struct hyp_backoff {
    struct hyp_backoff_entry entries[HYP_LIMIT_BACKOFF_ENTRIES];
};

/* Milliseconds still to wait; 0 = go ahead. */
int64_t hyp_backoff_wait_ms(const struct hyp_backoff *backoff, enum hyp_backoff_kind kind,
                            struct hyp_str name, hyp_utc now);
/* Counts a failure and returns the wait it causes, in ms. */
int64_t hyp_backoff_fail(struct hyp_backoff *backoff, enum hyp_backoff_kind kind,
                         struct hyp_str name, hyp_utc now);
/* Forgets a name after a success. */
void hyp_backoff_clear(struct hyp_backoff *backoff, enum hyp_backoff_kind kind,
                       struct hyp_str name);

/* Bytes for the store, and back; of damaged bytes what comes before the damage is taken. */
void hyp_backoff_save(const struct hyp_backoff *backoff, struct hyp_buf *out);
void hyp_backoff_load(struct hyp_backoff *backoff, const uint8_t *data, size_t len);

#endif
