/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving a store from the SQLite files of a folder into a PostgreSQL database.
 *
 * All or nothing: the rows are copied in one transaction, counted and checksummed on the way in
 * and again as PostgreSQL gives them back; only when both agree it is committed. Then the
 * folder is marked, so that a start without the database is refused instead of going on with
 * old readings. secret.key stays in the folder; the SQLite files stay too, untouched.
 *
 * It can be started again after any failure. When the connection is lost during the commit and
 * does not come back, nobody knows what became of it, and the error says so; the next run finds
 * all of it in the database, compares it with the folder, and ends what is left to do.
 */
#ifndef HYP_STORE_MOVE_H
#define HYP_STORE_MOVE_H

#include "base/clock.h"
#include "base/status.h"

#include <stdint.h>

struct hyp_store_move {
    const char *folder;
    const char *database; /* URL; may hold a password, which is in no error */
    const char *schema;   /* NULL = "hypocaust" */
    const struct hyp_clock *clock;
    int database_tries; /* of what a server that is away keeps waiting; 0 = as many as usual */
    void *user;
    /* Called after each table that was copied and read back, or found there. May be NULL. */
    void (*moved)(void *user, const char *table, int64_t rows, uint64_t checksum);
};

/*
 * Moves.
 * Returns   HYP_OK
 *         | BUSY       a server works on the folder, or on the database
 *         | NOT_FOUND  the folder holds no store
 *         | EXISTS     the database holds a store already, and not what is in the folder
 *         | CORRUPT    what PostgreSQL gives back is not what was copied
 *         | what either database says
 *           *err says what is true of the database (nothing was moved, all was, or it is not
 *           known), and names the table or step
 * Context   blocks for the whole copy
 */
HYP_MUST_USE enum hyp_status hyp_store_move(const struct hyp_store_move *move,
                                            struct hyp_error *err);

/*
 * Verifies a backup and restores it into an empty database, with secret.key in the new or empty
 * folder that `move` names. When the database refuses it, the folder holds all of it as files:
 * hyp_store_move goes on from there.
 */
HYP_MUST_USE enum hyp_status hyp_store_restore_database(const char *backup_folder,
                                                        const struct hyp_store_move *move,
                                                        struct hyp_error *err);

#endif
