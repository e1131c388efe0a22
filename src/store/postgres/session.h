/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with PostgreSQL: what the files of this folder share. Nobody else includes this.
 */
#ifndef HYP_STORE_POSTGRES_SESSION_H
#define HYP_STORE_POSTGRES_SESSION_H

#include "store/postgres/postgres.h"

#include <postgresql/libpq-fe.h>

/* A SQLSTATE and its terminator. */
#define HYP_POSTGRES_CODE_MAX 6

/* Types by their numbers in the catalogue; they are part of the protocol. */
enum hyp_postgres_type {
    HYP_POSTGRES_BOOL = 16,
    HYP_POSTGRES_BYTEA = 17,
    HYP_POSTGRES_INT8 = 20,
    HYP_POSTGRES_INT2 = 21,
    HYP_POSTGRES_INT4 = 23,
    HYP_POSTGRES_TEXT = 25,
    HYP_POSTGRES_FLOAT4 = 700,
    HYP_POSTGRES_FLOAT8 = 701,
    HYP_POSTGRES_NUMERIC = 1700,
};

struct hyp_postgres {
    struct hyp_db base;
    PGconn *conn; /* NULL = not connected yet */
    char *url;
    char *schema;
    char *member; /* NULL = the only process that works on the schema */
    enum hyp_server_mode mode;
    bool locked;      /* the schema is ours, see hyp_server_lock */
    bool broken;      /* the server has said that this session ends */
    uint64_t session; /* counts connections; prepared statements belong to one */
    uint64_t named;   /* the session that has the member's name */
    uint64_t next_name;
    int64_t changes;            /* rows of the last statement */
    int64_t removed;            /* rows, since the tables were swept */
    bool emptied;               /* a partition may have no rows any more */
    int64_t drop_ms;            /* not before: somebody was reading; clock that never jumps */
    struct hyp_stmt *streaming; /* whose rows are on their way */
    struct hyp_stmt *spare;     /* finalised ones, to be used again */
    uint64_t begun;             /* transactions since this process came */
    int64_t number;             /* of the last transaction that was begun */
    int64_t own;                /* the same among those of this member */
    bool leases;                /* some were taken in this session (member.c) */
    uint64_t fence;             /* the only session in which to begin; 0 = any (member.c) */
    _Atomic bool unsure;        /* the outcome of its commit is not known */
    int tries;                  /* 0 = as many as are usual */
    char code[HYP_POSTGRES_CODE_MAX]; /* of the last failure; "" = the server gave none */
    struct hyp_outage *outage;        /* NULL = nobody is told */
};

/* The first halves of the keys of advisory locks, "hyp1" to "hyp4"; the second half is a hash.
 * They are the same in every version: programs of two versions must not meet in a schema. */
#define HYP_POSTGRES_OWNER "1752789041"  /* of the schema: who owns it, or shares it */
#define HYP_POSTGRES_MAKING "1752789042" /* of the schema: who makes it */
#define HYP_POSTGRES_MEMBER "1752789043" /* of schema and name of a member */
/* The fourth, of schema and name of a job, is HYP_SERVER_LEASE. */

/* The row of a member in the table of the counter. */
#define HYP_POSTGRES_OWN_ROW                                                                   \
    "4294967296 + (hashtext(current_setting('hypocaust.member')) & 2147483647)"

/* --- session.c --- */

/* Connects and prepares the session. Returns a status as hyp_server_open. */
HYP_MUST_USE enum hyp_status hyp_postgres_connect(struct hyp_postgres *pg);
/* Is there no connection to speak on? */
bool hyp_postgres_is_lost(const struct hyp_postgres *pg);
/* The same after a failure of a statement outside a transaction. libpq keeps a connection that
 * it could not write to until it has read its end; what the server says has a code. */
bool hyp_postgres_has_gone(struct hyp_postgres *pg, enum hyp_status failure);
/* Connects again, with patience for a server that is starting; with none for one that others
 * have waited for in vain (store/outage.h). */
HYP_MUST_USE enum hyp_status hyp_postgres_reconnect(struct hyp_postgres *pg);
/* Runs a literal, for its outcome. */
enum hyp_status hyp_postgres_exec(struct hyp_db *db, const char *sql);
/* Frees nothing: HYP_OK, or what the server says in place of an answer. */
HYP_MUST_USE enum hyp_status hyp_postgres_check(struct hyp_postgres *pg, PGresult *result);
/* Asks a literal with one text (or NULL: none): the first column of the first row as text; ""
 * for no row or NULL. */
HYP_MUST_USE enum hyp_status hyp_postgres_ask(struct hyp_postgres *pg, const char *sql,
                                              const char *value, char *out, size_t size);
/* What hyp_db_error is to say of the last failure; cut to fit. */
void hyp_postgres_set_error(struct hyp_postgres *pg, struct hyp_str text);
/* Waits a moment, a longer one after more tries. */
void hyp_postgres_wait(size_t tries);
/* Is this a URL that hyp_postgres_connect takes? */
bool hyp_postgres_is_url(const char *url);
/* Members of hyp_server_ops. */
bool hyp_postgres_is_unsure(const struct hyp_db *db);
enum hyp_status hyp_postgres_settle(struct hyp_db *db);
void hyp_postgres_settled(struct hyp_db *db);

/* --- member.c --- */

/* Takes the lock of the schema: alone, or with other members. HYP_OK | BUSY | IO ... */
HYP_MUST_USE enum hyp_status hyp_postgres_take_lock(struct hyp_postgres *pg);
/* BUSY when transactions are kept to a session that is gone. */
HYP_MUST_USE enum hyp_status hyp_postgres_check_fence(struct hyp_postgres *pg);
/* After a connection was lost: BUSY, once, when leases went with it. */
HYP_MUST_USE enum hyp_status hyp_postgres_lose_leases(struct hyp_postgres *pg);

/* Members of hyp_server_ops. */
enum hyp_status hyp_postgres_lock(struct hyp_db *db, struct hyp_error *err);
enum hyp_status hyp_postgres_join(struct hyp_db *db, bool *ret_alone, struct hyp_error *err);
enum hyp_status hyp_postgres_share(struct hyp_db *db, struct hyp_error *err);
enum hyp_status hyp_postgres_lease(struct hyp_db *db, const char *job, uint64_t *ret_session);
void hyp_postgres_release(struct hyp_db *db, const char *job);
enum hyp_status hyp_postgres_lease_holder(struct hyp_db *db, const char *job, char *ret_member,
                                          size_t size);
bool hyp_postgres_has_session(const struct hyp_db *db, uint64_t session);
void hyp_postgres_fence(struct hyp_db *db, uint64_t session);
int64_t hyp_postgres_number(const struct hyp_db *db);
uint64_t hyp_postgres_begun(const struct hyp_db *db);

/* --- failure.c --- */

/* Keeps what the server (or, with result NULL, the connection) says. Returns its status. */
enum hyp_status hyp_postgres_failed(struct hyp_postgres *pg, const PGresult *result);
/* The same of a connection that did not come about: where, why, and what to do. HYP_OK when it
 * has come about after all. */
enum hyp_status hyp_postgres_refused(struct hyp_postgres *pg);
/* Adds what to do to what was kept of a session that could not be begun. Returns its status. */
enum hyp_status hyp_postgres_advise(struct hyp_postgres *pg);
/* Writes a failure that somebody has to know of into the log. Returns `status`. */
enum hyp_status hyp_postgres_tell(const struct hyp_postgres *pg, enum hyp_status status);
/* Members of hyp_server_ops. */
bool hyp_postgres_is_denied(const struct hyp_db *db);
bool hyp_postgres_is_away(const struct hyp_db *db);

/* --- statement.c --- */

/* Takes in what is still on its way, so that the connection is free. */
void hyp_postgres_park(struct hyp_postgres *pg);
/* At the end: finalised statements are kept until then. */
void hyp_postgres_free_statements(struct hyp_postgres *pg);

/*
 * The members of hyp_db_ops by these names, as store/db.h has them. The server sees a statement
 * at its first step, when the types of the parameters are known; a finalised one is kept for
 * the next who wants the same. bind: HYP_OK | LIMIT (HYP_LIMIT_SQL_PARAMETERS, 2 GB); a text
 * that is no UTF-8 is copied with '?' in place of what is not (NO_MEMORY), everything else must
 * live until the reset. A reset in the middle of rows takes in the rest of them.
 */
enum hyp_status hyp_postgres_prepare(struct hyp_db *db, const char *sql,
                                     struct hyp_stmt **ret_stmt);
void hyp_postgres_finalise(struct hyp_stmt *stmt);
enum hyp_status hyp_postgres_bind_i64(struct hyp_stmt *stmt, int index, int64_t value);
enum hyp_status hyp_postgres_bind_f64(struct hyp_stmt *stmt, int index, double value);
enum hyp_status hyp_postgres_bind_text(struct hyp_stmt *stmt, int index, struct hyp_str value);
enum hyp_status hyp_postgres_bind_blob(struct hyp_stmt *stmt, int index, const uint8_t *data,
                                       size_t len);
enum hyp_status hyp_postgres_bind_null(struct hyp_stmt *stmt, int index);
enum hyp_status hyp_postgres_step(struct hyp_db *db, struct hyp_stmt *stmt, bool *ret_row);
void hyp_postgres_reset(struct hyp_stmt *stmt);

/* --- copy.c --- */

/* Members of hyp_server_ops. */
void hyp_postgres_copy_begin(struct hyp_server_copy *copy, const char *sql);
void hyp_postgres_copy_row(struct hyp_server_copy *copy, struct hyp_str tuple);
enum hyp_status hyp_postgres_copy_end(struct hyp_server_copy *copy, int64_t *ret_rows);

/* --- column.c --- */

/* The row that the statement stands on. */
const PGresult *hyp_postgres_row(const struct hyp_stmt *stmt);

/* Members of hyp_db_ops. A column of another type of number is converted; of any other type it
 * reads as 0. A blob (or text) is a view until the next step or reset. */
int64_t hyp_postgres_column_i64(struct hyp_stmt *stmt, int column);
double hyp_postgres_column_f64(struct hyp_stmt *stmt, int column);
struct hyp_str hyp_postgres_column_blob(struct hyp_stmt *stmt, int column);
bool hyp_postgres_column_is_null(struct hyp_stmt *stmt, int column);

#endif
