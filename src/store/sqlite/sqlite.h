/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite behind the database layer (store/db.h).
 *
 * Writing connections: WAL, synchronous=FULL (a commit returns after fsync), foreign keys on.
 */
#ifndef HYP_STORE_SQLITE_SQLITE_H
#define HYP_STORE_SQLITE_SQLITE_H

#include "store/db.h"

enum hyp_sqlite_mode {
    HYP_SQLITE_WRITE, /* creates the file if missing */
    HYP_SQLITE_COPY,  /* the same for hyp_sqlite_copy: pages of any size, no WAL yet */
    HYP_SQLITE_READ,  /* read-only */
    HYP_SQLITE_MEMORY,
};

/*
 * Opens a database file.
 * @path     ignored for HYP_SQLITE_MEMORY
 * Returns   HYP_OK | IO | FULL | CORRUPT (not a database) | NO_MEMORY, *err says more
 */
HYP_MUST_USE enum hyp_status hyp_sqlite_open(const char *path, enum hyp_sqlite_mode mode,
                                             struct hyp_db **ret_db, struct hyp_error *err);

/*
 * Copies a database, as it is at this moment, over the file `target`; writers go on meanwhile.
 * Returns   HYP_OK | IO | FULL | CORRUPT | BUSY (target in use)
 * Context   blocks on disk for the whole copy
 */
HYP_MUST_USE enum hyp_status hyp_sqlite_copy(struct hyp_db *db, const char *target,
                                             struct hyp_error *err);

/* SQLite's own check of every page and index. CORRUPT with its first complaint. */
HYP_MUST_USE enum hyp_status hyp_sqlite_check(struct hyp_db *db, struct hyp_error *err);

/*
 * The same and all references between tables, with every complaint (some dozen at most).
 * @complain  gets a sentence that is valid during the call
 * Returns    HYP_OK, also when there was something to complain about | what SQLite says
 */
HYP_MUST_USE enum hyp_status hyp_sqlite_inspect(struct hyp_db *db,
                                                void (*complain)(void *user, const char *text),
                                                void *user);

#endif
