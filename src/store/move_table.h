/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table on its way between PostgreSQL and SQLite (store/move.h, store/backup_database.h):
 * its columns, its rows, their sum.
 *
 * The only place of the store where SQL is put together at run time: from the names of tables
 * and columns that the target's own catalogue gives, and that must be plain words. So a table
 * of a later migration is moved without a line here.
 */
#ifndef HYP_STORE_MOVE_TABLE_H
#define HYP_STORE_MOVE_TABLE_H

#include "store/db.h"

#include "base/arena.h"

enum hyp_move_type { HYP_MOVE_INT, HYP_MOVE_REAL, HYP_MOVE_TEXT, HYP_MOVE_BLOB };

#define HYP_MOVE_COLUMNS 64
#define HYP_MOVE_TABLES 256

/* With or without the columns that only a shared database has (store/partition.h). */
enum hyp_move_columns { HYP_MOVE_SHARDED, HYP_MOVE_PLAIN };

struct hyp_move_table {
    const char *name;
    const char *select; /* all columns, as the target has them */
    const char *source; /* the same from SQLite */
    const char *copy;
    const char *insert; /* into SQLite */
    enum hyp_move_type types[HYP_MOVE_COLUMNS];
    size_t count;
};

/* What a table holds: rows, and the sum of their hashes, which does not depend on the order. */
struct hyp_move_sum {
    int64_t rows;
    uint64_t checksum;
};

/* Names of the tables of a PostgreSQL schema that belong to a store, not to the sessions that
 * work on it there: those that others refer to first, partitioned ones last. */
HYP_MUST_USE enum hyp_status hyp_move_list_tables(struct hyp_db *db, struct hyp_arena *arena,
                                                  const char *names[static HYP_MOVE_TABLES],
                                                  size_t *ret_count);
/* Has any of these tables of a PostgreSQL schema a row? */
HYP_MUST_USE enum hyp_status hyp_move_find_rows(struct hyp_db *db, struct hyp_arena *arena,
                                                const char *const *names, size_t count,
                                                bool *ret_found);
/* Reads the columns of a table in PostgreSQL; texts live in the arena. */
HYP_MUST_USE enum hyp_status hyp_move_table_open(struct hyp_db *to, const char *name,
                                                 enum hyp_move_columns which,
                                                 struct hyp_arena *arena,
                                                 struct hyp_move_table *table);
/* Copies all rows; the sum is of what was sent. Where there are none, PostgreSQL is told
 * nothing. */
HYP_MUST_USE enum hyp_status hyp_move_table_copy(const struct hyp_move_table *table,
                                                 struct hyp_db *from, struct hyp_db *to,
                                                 struct hyp_move_sum *ret_sum);
/* The same from PostgreSQL into SQLite, of a table opened as plain. */
HYP_MUST_USE enum hyp_status hyp_move_table_insert(const struct hyp_move_table *table,
                                                   struct hyp_db *from, struct hyp_db *to,
                                                   struct hyp_move_sum *ret_sum);
/* The sum of what is there. */
HYP_MUST_USE enum hyp_status hyp_move_table_sum(const struct hyp_move_table *table,
                                                struct hyp_db *db,
                                                struct hyp_move_sum *ret_sum);

#endif
