/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup of a store in PostgreSQL: its rows as they are at one moment, written into the same
 * two SQLite files that a backup of a data folder has.
 *
 * So there is one form of backup: it is checked, kept and restored like any other, into a
 * folder as well as into a database, and needs neither this server's version nor its tools.
 */
#ifndef HYP_STORE_BACKUP_DATABASE_H
#define HYP_STORE_BACKUP_DATABASE_H

#include "base/clock.h"
#include "base/status.h"

/* Where a store is. */
struct hyp_backup_source {
    const char *folder;
    const char *database; /* URL; NULL = the files of the folder */
    const char *schema;   /* NULL = "hypocaust" */
};

/*
 * Writes hypocaust.db and frames.db into `target`, which is there and has neither. Every table
 * is counted and checksummed as the database gives it, and again as it was written.
 * Returns   HYP_OK | UNSUPPORTED (schema of another version) | CORRUPT | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_backup_write_database(const struct hyp_backup_source *source,
                                                       const char *target, hyp_utc now,
                                                       struct hyp_error *err);

#endif
