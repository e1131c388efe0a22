/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Database layer: the small seam between the store's SQL and a real database.
 *
 * All SQL of the store is written once, as literals that SQLite and PostgreSQL both accept:
 * parameters are $1, $2 ... in order of first appearance, new ids come from RETURNING, upserts
 * are ON CONFLICT. What differs (column types of the migrations) goes through hyp_db_words.
 *
 * A connection is used by one thread at a time. Its first failure inside a transaction is
 * sticky: later statements do nothing and the commit becomes a rollback, so code that writes
 * several rows checks once, at the end.
 *
 * "What the database says", here and in every header above: EXISTS (a unique key is taken),
 * CONFLICT (a reference that must hold), BUSY (locked, stopping, rolled back for another: again
 * later), IO (of a PostgreSQL server also: it does not let this program in, or to the tables),
 * FULL, CORRUPT, NO_MEMORY, LIMIT (too large for it), INVALID (a value it refuses).
 *
 * Not for building SQL at run time, and not a cursor over large results: rows are read in order
 * and copied out at once.
 */
#ifndef HYP_STORE_DB_H
#define HYP_STORE_DB_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hyp_db;
struct hyp_stmt; /* belongs to the backend */
struct hyp_server_ops;

/* A word of the migrations and what it is in this database: "{key}" -> "INTEGER PRIMARY KEY".
 */
struct hyp_db_word {
    const char *word;
    const char *text;
};

/* One database. All members but purge, begin_snapshot and last_id are mandatory; indexes of
 * parameters start at 1, of columns at 0.
 */
struct hyp_db_ops {
    const char *name;
    const char *begin; /* statement that begins a writing transaction */
    /* One that sees what is committed now, and nothing later. NULL: several processes never
     * write to such a database. */
    const char *begin_snapshot;
    const struct hyp_db_word *words;
    size_t word_count;
    bool sharded; /* large tables have tenant and period as columns (store/partition.h) */
    enum hyp_error_source error_source;
    const struct hyp_server_ops *server; /* store/server.h; NULL: it is in a file */
    enum hyp_status (*exec)(struct hyp_db *db, const char *sql);
    enum hyp_status (*prepare)(struct hyp_db *db, const char *sql, struct hyp_stmt **ret_stmt);
    void (*finalise)(struct hyp_stmt *stmt);
    enum hyp_status (*bind_i64)(struct hyp_stmt *stmt, int index, int64_t value);
    enum hyp_status (*bind_f64)(struct hyp_stmt *stmt, int index, double value);
    /* The memory must live until the statement is reset. */
    enum hyp_status (*bind_text)(struct hyp_stmt *stmt, int index, struct hyp_str value);
    enum hyp_status (*bind_blob)(struct hyp_stmt *stmt, int index, const uint8_t *data,
                                 size_t len);
    enum hyp_status (*bind_null)(struct hyp_stmt *stmt, int index);
    /* *ret_row false: the statement has ended. */
    enum hyp_status (*step)(struct hyp_db *db, struct hyp_stmt *stmt, bool *ret_row);
    void (*reset)(struct hyp_stmt *stmt);
    int64_t (*column_i64)(struct hyp_stmt *stmt, int column);
    double (*column_f64)(struct hyp_stmt *stmt, int column);
    /* Views are valid until the next step or reset. */
    struct hyp_str (*column_text)(struct hyp_stmt *stmt, int column);
    struct hyp_str (*column_blob)(struct hyp_stmt *stmt, int column);
    bool (*column_is_null)(struct hyp_stmt *stmt, int column);
    int64_t (*changes)(struct hyp_db *db); /* rows of the last statement */
    int64_t (*last_id)(
        struct hyp_db *db); /* of the row inserted last; NULL: RETURNING says it */
    bool (*is_in_transaction)(struct hyp_db *db);
    /* A step of giving free space back; outside transactions. True: there is more to do. */
    bool (*tidy)(struct hyp_db *db, int64_t now_ms);
    /* A step of removing every trace of what was deleted from the files; outside transactions.
     * BUSY when somebody still reads what was. NULL: nothing needs to be done. */
    enum hyp_status (*purge)(struct hyp_db *db, bool *ret_more);
    void (*close)(struct hyp_db *db); /* frees db too */
};

/* A connection. Backends embed it as their first member. */
struct hyp_db {
    const struct hyp_db_ops *ops;
    struct hyp_map statements; /* literal's address -> prepared statement, kept until close */
    struct hyp_map
        partitions; /* known to be there (store/partition.h); none after a rollback */
    bool in_transaction;
    bool unended;           /* a rollback could not be done, and comes before anything else */
    enum hyp_status failed; /* sticky, cleared by begin */
    int error_code;
    char error_text[HYP_ERROR_TEXT_MAX];
};

/* Finalises the kept statements, ends the connection and frees it; NULL is allowed. An open
 * transaction is lost with it. Returns NULL. */
void *hyp_db_close(struct hyp_db *db);

/*
 * A writing transaction. Clears the failure of the one before; a failure of the beginning
 * itself (BUSY, IO ...) is sticky, so whoever goes on writing learns of it at commit.
 */
void hyp_db_begin(struct hyp_db *db);
/*
 * Commits, or rolls back when anything since begin has failed.
 * Returns   HYP_OK: what was written is on disk | the first failure: nothing of it is
 */
HYP_MUST_USE enum hyp_status hyp_db_commit(struct hyp_db *db);
/*
 * Takes back what was written since begin; nothing without a transaction. The sticky failure
 * and the database's own words for it stay (until the next begin) for hyp_db_error. A rollback
 * that fails is made up for before the next statement, so nobody sees what it was to take back.
 */
void hyp_db_rollback(struct hyp_db *db);
/* Begins a transaction that only reads, all of it at one moment; ended by a rollback. Only
 * where ops->begin_snapshot is not NULL. */
void hyp_db_begin_snapshot(struct hyp_db *db);
/* Makes `status` the sticky failure unless there is one already. */
void hyp_db_fail(struct hyp_db *db, enum hyp_status status);
/* Have large tables the columns of store/partition.h? */
static inline bool hyp_db_is_sharded(const struct hyp_db *db)
{
    return db->ops->sharded;
}
/* Does hyp_query_insert find ids by itself? A statement need not return them then, which would
 * take SQLite longer than inserting the row. */
static inline bool hyp_db_knows_ids(const struct hyp_db *db)
{
    return db->ops->last_id != NULL;
}
/* Partitions may have gone: they are asked for again before the next row. */
void hyp_db_forget_partitions(struct hyp_db *db);
/* Gives a piece of the space back that was freed and that nothing has used for a while. Outside
 * transactions. @now_ms of the clock that never jumps. Returns whether there is more to do. */
bool hyp_db_tidy(struct hyp_db *db, int64_t now_ms);
/* Removes a piece of what deleted rows left in the files. Outside transactions. @ret_more false
 * where nothing is left to do. HYP_OK | BUSY (ask again later) | what the database says */
HYP_MUST_USE enum hyp_status hyp_db_purge(struct hyp_db *db, bool *ret_more);
/* Runs a literal without parameters and rows. HYP_OK | what the database says, which is not
 * made sticky here. */
HYP_MUST_USE enum hyp_status hyp_db_exec(struct hyp_db *db, const char *sql);
/* Fills *err (may be NULL) with "what: ..." and the database's own words for its last failure,
 * or the name of `status` when it has said nothing. Returns `status`. */
enum hyp_status hyp_db_error(struct hyp_db *db, enum hyp_status status, struct hyp_error *err,
                             const char *what);

/*
 * One run of one statement:
 *
 *     struct hyp_query q;
 *     hyp_query_open(&q, db, "SELECT id, name FROM line WHERE tenant = $1");
 *     hyp_query_bind_i64(&q, tenant.id);
 *     while (hyp_query_row(&q)) { id = hyp_query_i64(&q); ... }
 *     return hyp_query_close(&q);
 *
 * Parameters are bound and columns read in their order. A failure is sticky until close.
 */
struct hyp_query {
    struct hyp_db *db;
    const char *sql;
    struct hyp_stmt *stmt;
    enum hyp_status status;
    int bound;
    int column;
    bool ended;
};

/*
 * Takes the prepared statement of a literal, or prepares it. Two runs of one literal at a time
 * get a statement each. After a failure in the transaction the query has failed from the start.
 * @query  initialised here; must be closed, whatever happens
 * @sql    a literal: its address names the prepared statement
 */
void hyp_query_open(struct hyp_query *query, struct hyp_db *db, const char *sql);
/* Each binds the next parameter. Texts and blobs are not copied: they must live until close. */
void hyp_query_bind_i64(struct hyp_query *query, int64_t value);
/* 0 is stored as NULL: for references that may be absent. */
void hyp_query_bind_id(struct hyp_query *query, int64_t value);
void hyp_query_bind_f64(struct hyp_query *query, double value);
void hyp_query_bind_str(struct hyp_query *query, struct hyp_str value);
void hyp_query_bind_text(struct hyp_query *query, const char *value);
void hyp_query_bind_blob(struct hyp_query *query, const uint8_t *data, size_t len);
/* Goes to the next row; false at the end or after a failure. */
bool hyp_query_row(struct hyp_query *query);
/* The next column of the row, only after hyp_query_row was true; NULL reads as 0 or empty.
 * Views are valid until the next row or close. */
int64_t hyp_query_i64(struct hyp_query *query);
double hyp_query_f64(struct hyp_query *query);
struct hyp_str hyp_query_str(struct hyp_query *query);
struct hyp_str hyp_query_blob(struct hyp_query *query);
hyp_utc hyp_query_utc(struct hyp_query *query);
/* Copies a text column into a fixed field (cut if it does not fit). */
void hyp_query_text(struct hyp_query *query, char *out, size_t size);
/* Gives the statement back for the next run. Returns HYP_OK or the first failure of open,
 * binding and rows, which in a transaction becomes the transaction's. */
HYP_MUST_USE enum hyp_status hyp_query_close(struct hyp_query *query);
/* Inserts one row with a statement that returns its id, or needs not (hyp_db_knows_ids), and
 * closes it. @ret_id set only with HYP_OK. Returns as close. */
HYP_MUST_USE enum hyp_status hyp_query_insert(struct hyp_query *query, int64_t *ret_id);
/* Runs a statement to its end, passing over rows, and closes it. @ret_changes rows that it
 * wrote or removed, set only with HYP_OK; may be NULL. Returns as close. */
HYP_MUST_USE enum hyp_status hyp_query_run(struct hyp_query *query, int64_t *ret_changes);

#endif
