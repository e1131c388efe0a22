/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An outage of a database, as far as those know of it who ask it: what the connections of a
 * store share. The log has the reason of it (store.database_failed) once a minute and not once
 * a question.
 *
 * Knows no database: a backend tells what it has met. Any thread.
 */
#ifndef HYP_STORE_OUTAGE_H
#define HYP_STORE_OUTAGE_H

#include "base/log.h"
#include "base/status.h"

#include <stdatomic.h>

/* All zero but the log at first. */
struct hyp_outage {
    struct hyp_log *log;         /* may be NULL */
    _Atomic int code;            /* of what was told last */
    _Atomic int64_t quiet_until; /* the same is not told before; clock that never jumps */
};

/*
 * Writes a failure into the log that somebody has to know of, unless it has it already.
 * @outage  NULL = nobody is told
 * @code    of the database; another one is told at once
 * @reason  in the words of the database; holds no secret
 */
void hyp_outage_tell(struct hyp_outage *outage, enum hyp_status status, int code,
                     const char *reason);

#endif
