/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An outage of a database, as far as those know of it who ask it: what the connections of a
 * store share. The log has the reason of it (store.database_failed) once a minute and not once
 * a question.
 *
 * The first who find the server away try again and again before they give up: a restart goes
 * unnoticed. From then on the outage is known, and whoever asks is refused at once with the
 * reason that was found last; only one at a time tries again, after a pause. With the first who
 * is let in the outage is over.
 *
 * Knows no database: a backend tells what it has met. Any thread. A pointer may be NULL: of a
 * connection that shares with nobody, and then nothing is known and everybody tries.
 */
#ifndef HYP_STORE_OUTAGE_H
#define HYP_STORE_OUTAGE_H

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"

#include <pthread.h>
#include <stdbool.h>

struct hyp_outage {
    const struct hyp_clock *clock;
    struct hyp_log *log;   /* may be NULL */
    int64_t pause_ms;      /* 0 = everybody tries, an outage is never known */
    pthread_mutex_t mutex; /* of all that follows */
    pthread_cond_t tried;
    int told;            /* code of what the log had last */
    int64_t quiet_until; /* the same is not told before; 0 = nothing was told */
    bool known;
    bool trying; /* somebody, on behalf of all */
    int64_t try_at;
    enum hyp_status status; /* why; the database's code and words for it */
    int code;
    char reason[HYP_ERROR_TEXT_MAX];
};

/* @clock that never jumps; outlives it. @log may be NULL. @pause_ms between tries */
void hyp_outage_init(struct hyp_outage *outage, const struct hyp_clock *clock,
                     struct hyp_log *log, int64_t pause_ms);
void hyp_outage_finish(struct hyp_outage *outage);

/*
 * Writes a failure into the log that somebody has to know of, unless it has it already.
 * @code    of the database; another one is told at once
 * @reason  in the words of the database; holds no secret
 */
void hyp_outage_tell(struct hyp_outage *outage, enum hyp_status status, int code,
                     const char *reason);

/* Has somebody given up, and nobody been let in since? */
bool hyp_outage_is_known(struct hyp_outage *outage);
/*
 * May the caller try to connect? Of a known outage only one may, and not before the pause is
 * over; he says how it ended, by hyp_outage_met or hyp_outage_over.
 * Context   waits a moment, HYP_LIMIT_DATABASE_TRY_MS at most, for somebody who just tries:
 * most often he is let in, or refused, at once
 */
bool hyp_outage_may_try(struct hyp_outage *outage);
/* The caller gives up: the outage is known, and for a pause nobody tries. As for tell. */
void hyp_outage_met(struct hyp_outage *outage, enum hyp_status status, int code,
                    const char *reason);
/* The caller was let in. */
void hyp_outage_over(struct hyp_outage *outage);
/* What was met last. @ret_reason of HYP_ERROR_TEXT_MAX bytes. Returns the status */
enum hyp_status hyp_outage_reason(struct hyp_outage *outage, int *ret_code, char *ret_reason);
/* Waits until the outage is over or somebody may try, for a pause at most. */
void hyp_outage_wait(struct hyp_outage *outage);

#endif
