/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The follower's state, shared by the files that follow (store/follow.h); for nobody else.
 */
#ifndef HYP_STORE_FOLLOW_STATE_H
#define HYP_STORE_FOLLOW_STATE_H

#include "store/follow.h"

#include <stdatomic.h>

/* One change, as it is in the table of changes. */
struct hyp_followed {
    int64_t id;
    int64_t kind;
    int64_t object;
    int64_t first;
    int64_t last;
    int64_t log_row;
};

struct hyp_follower {
    bool loaded;  /* before, there is nothing to follow */
    int64_t seen; /* memory is complete up to the transaction of this number */
    struct hyp_load_place place;
    int64_t log_row;      /* the last one of others */
    int64_t change;       /* the last one that memory follows */
    int64_t chunk_change; /* the same of those that change chunks; historian's lock */
    int64_t noted;        /* in the transaction that is open */
    int64_t noted_chunk;
    bool stale; /* what was missed cannot be told any more */
    _Atomic bool news;
    struct hyp_told told;
    struct hyp_store_changes changes;
    /* the care (follow_care.c) */
    _Atomic bool has_care;
    bool is_new;           /* taken, and nothing done yet */
    uint64_t main_session; /* in which the leases were taken */
    uint64_t frames_session;
    int64_t tried_ms; /* clock that never jumps */
    int64_t greeted_ms;
    struct hyp_map lines; /* line -> session in which its lease was taken */
    /* request to forget -> readings that memory let go before the care came to it */
    struct hyp_map forgotten;
    /* alone: the changes of the transaction that was begun as this one */
    uint64_t remembered;
    struct hyp_followed *list;
    size_t list_count;
    size_t list_capacity;
};

/* Takes in everything up to the transaction `number`; a transaction is open. */
HYP_MUST_USE enum hyp_status hyp_follow_to(struct hyp_store *store, int64_t number);
/* Takes in new devices, points and frames; rows of the log behind those that are known, up to
 * `last`; one change (a kind that is not known is passed over). Inside the gate. HYP_OK |
 * NO_MEMORY | CORRUPT | what the database says; what was taken in stays, and the same again
 * does no harm. */
HYP_MUST_USE enum hyp_status hyp_follow_rows(struct hyp_store *store);
HYP_MUST_USE enum hyp_status hyp_follow_log(struct hyp_store *store, int64_t last);
HYP_MUST_USE enum hyp_status hyp_follow_change(struct hyp_store *store,
                                               const struct hyp_followed *change);
/* Alone: keeps a change until the next transaction. A failure is sticky. */
void hyp_follow_remember(struct hyp_store *store, const struct hyp_followed *change);
/* BUSY when changes were cut off that memory has not followed. */
HYP_MUST_USE enum hyp_status hyp_follow_check_gap(struct hyp_store *store);

#endif
