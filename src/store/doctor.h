/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doctor: looks over a whole store and says in words what is wrong and what to do.
 *
 * Reads only, with connections of its own and in one read transaction per database, so the
 * server may run meanwhile. It checks files and their rights, the key and all that is closed
 * with it, schema, pages and references of both databases, every checksum of log, chunks and
 * frames, that what chunks hold is what the table `sealed` says, free disk and the clock. Of a
 * PostgreSQL server it asks for its settings, and with the extension amcheck for every index.
 *
 * Not for repairing: what can be repaired without loss the server does itself at its start.
 */
#ifndef HYP_STORE_DOCTOR_H
#define HYP_STORE_DOCTOR_H

#include "base/clock.h"
#include "base/status.h"

#include <stdint.h>

enum hyp_finding_level {
    HYP_FINDING_FINE = 0, /* one per check that found nothing: what was looked at */
    HYP_FINDING_WARNING,  /* works, but somebody should act */
    HYP_FINDING_DAMAGE,   /* something stored cannot be used */
};

struct hyp_finding {
    enum hyp_finding_level level;
    const char *check;               /* "disk", "intake log", ... */
    char what[HYP_ERROR_TEXT_MAX];   /* a sentence that names the place */
    char remedy[HYP_ERROR_TEXT_MAX]; /* empty when it is fine */
};

struct hyp_doctor {
    const char *folder;
    const char *database; /* URL of the PostgreSQL database of the store; NULL = its files */
    const char *schema;   /* NULL = "hypocaust" */
    const struct hyp_clock *clock;
    int64_t least_free; /* bytes that should be free on the disk; 0 = HYP_LIMIT_DISK_LOW */
    void *user;
    /* Called for every finding, in the order of the checks; the finding lives for the call. */
    void (*tell)(void *user, const struct hyp_finding *finding);
};

/*
 * Checks the data folder.
 * @ret_worst  of all findings
 * Returns     HYP_OK when everything could be looked at, whatever was found | NOT_FOUND (no
 *             data folder) | NO_MEMORY | INTERNAL | IO, BUSY ... (the database
 *             does not let us look, or no more: what was found before was told)
 * Context     any thread; reads the whole store
 * Limits      HYP_LIMIT_DOCTOR_FINDINGS of each check are told one by one, then their number
 */
HYP_MUST_USE enum hyp_status hyp_doctor_check(const struct hyp_doctor *doctor,
                                              enum hyp_finding_level *ret_worst,
                                              struct hyp_error *err);

#endif
