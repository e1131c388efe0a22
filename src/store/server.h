/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases behind a server: what they have beyond store/db.h. Their connections get lost and
 * come back, processes share them, and a commit may be heard of late or never.
 *
 * Nothing else names such a database: what is behind these functions is in a folder of its own
 * (postgres/), and hyp_server_open is the only way in. All but hyp_server_open are for
 * connections it has made.
 */
#ifndef HYP_STORE_SERVER_H
#define HYP_STORE_SERVER_H

#include "store/db.h"
#include "store/outage.h"

/* --- opening --- */

enum hyp_server_mode {
    HYP_SERVER_WRITE, /* makes the schema if it is missing */
    HYP_SERVER_READ,  /* read-only; connects when it is asked the first question */
};

struct hyp_server_config {
    const char *url;    /* "postgresql://host/name"; PGPASSFILE and the like are obeyed */
    const char *schema; /* where the tables are; NULL = HYP_MAIN_SCHEMA */
    const char *suffix; /* of the schema's name; NULL = "" */
    const char *member; /* a name among the processes that share the schema; NULL = none do */
    enum hyp_server_mode mode;
    int tries; /* of what a server that is away keeps waiting; 0 = as many as are usual */
    struct hyp_outage *outage; /* outlives the connection; NULL = nobody is told */
};

/*
 * Connects, or for reading gets ready to. The configuration is copied.
 * Returns   HYP_OK | INVALID (no such URL) | LIMIT (a name too long for a schema) | UNSUPPORTED
 *           (an older server) | IO (not there, or does not let us in) | BUSY (starting, too
 *           many connections) | NO_MEMORY; *err says where, why and what to do, and never holds
 *           the URL: it may contain a password
 * Context   blocks until there is an answer, HYP_LIMIT_DATABASE_CONNECT_S at most
 */
HYP_MUST_USE enum hyp_status hyp_server_open(const struct hyp_server_config *config,
                                             struct hyp_db **ret_db, struct hyp_error *err);

/* The table, in each schema, that counts transactions. */
#define HYP_SERVER_COUNTER "last_commit"
/* The table in which members tell each other what memory must follow (store/follow.h). */
#define HYP_SERVER_CHANGES "member_change"
/* The table of orders that they pass on to each other (store/orders.h). */
#define HYP_SERVER_ORDERS "member_order"

/* --- who works on it --- */

/*
 * Makes this connection the only owner of its schema, for as long as it lives; a connection
 * that comes back after a loss takes the lock again before it does anything.
 * Returns   HYP_OK | BUSY (another process has it) | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_server_lock(struct hyp_db *db, struct hyp_error *err);

/*
 * Joins the members that share this schema. The lock is shared with them; the name is this
 * process's own.
 * @ret_alone  nobody else is there, and nobody can come before hyp_server_share
 * Returns     HYP_OK | BUSY (a process that does not share; a member of this name) | what the
 *             database says
 * Context     waits some seconds for one who is about to leave, or to share
 */
HYP_MUST_USE enum hyp_status hyp_server_join(struct hyp_db *db, bool *ret_alone,
                                             struct hyp_error *err);
/* Lets others in; makes what members need (store/follow.h) if it is missing. */
HYP_MUST_USE enum hyp_status hyp_server_share(struct hyp_db *db, struct hyp_error *err);

/*
 * Takes the lease of a job: nobody else has it as long as this session lives. The server ends
 * a session that is silent for HYP_LIMIT_MEMBER_SILENCE_MS. The first transaction after a lost
 * session is refused (BUSY), so that none of its holder's happens without the lease.
 * Returns   HYP_OK (*ret_session names the session) | BUSY (another one has it) | what the
 *           database says
 */
HYP_MUST_USE enum hyp_status hyp_server_lease(struct hyp_db *db, const char *job,
                                              uint64_t *ret_session);
/* The first half of the key of a lease, an advisory lock whose second half is the hash of
 * schema and job, and what stands before the name of a member in that of its sessions: for
 * questions about many leases at once. */
#define HYP_SERVER_LEASE "1752789044"
#define HYP_SERVER_APPLICATION "hypocaust/"
/* Gives a lease back. */
void hyp_server_release(struct hyp_db *db, const char *job);
/* Writes the name of the member that has the lease of a job, "" when nobody has it.
 * Returns   HYP_OK | IO (no connection now) | what the database says */
HYP_MUST_USE enum hyp_status hyp_server_lease_holder(struct hyp_db *db, const char *job,
                                                     char *ret_member, size_t size);
/* Does the session live in which a lease was taken, as far as this side knows? */
bool hyp_server_has_session(const struct hyp_db *db, uint64_t session);
/* From now on transactions are refused (BUSY) in any other session: who works under a lease
 * writes nothing after it was lost, though others have met the loss first. 0 = no more. */
void hyp_server_fence(struct hyp_db *db, uint64_t session);

/* --- what has become of transactions --- */

/* The number of the transaction that was begun last: every one has its own, without gaps, over
 * all members. */
int64_t hyp_server_number(const struct hyp_db *db);
/* How many transactions this connection has begun: unlike numbers, none is used again after a
 * rollback. */
uint64_t hyp_server_begun(const struct hyp_db *db);
/*
 * The server went away during a commit and stayed away for longer than is waited: is it still
 * unknown whether it has happened? Then nothing begins. Not for members, who read what they
 * have written with what the others write. Any thread.
 */
bool hyp_server_is_unsure(const struct hyp_db *db);
/*
 * Asks. Returns  HYP_OK (it has: follow it, then tell hyp_server_settled) | CANCELLED (it has
 *                not: all is well) | BUSY, IO ... (not known yet)
 */
HYP_MUST_USE enum hyp_status hyp_server_settle(struct hyp_db *db);
/* What the commit wrote has been followed: transactions begin again. */
void hyp_server_settled(struct hyp_db *db);

/* --- what is known of it --- */

/* Was the last failure that the user of the URL may not do this? */
bool hyp_server_is_denied(const struct hyp_db *db);
/* Is there no session, as far as this side knows? */
bool hyp_server_is_away(const struct hyp_db *db);
/* Bytes of the schema's tables and indexes on disk; 0 when that cannot be told. */
int64_t hyp_server_bytes(struct hyp_db *db);

/* --- many rows at once --- */

/*
 * Rows into a table as fast as the server takes them, in the binary format of COPY.
 *
 *     struct hyp_server_copy copy;
 *     hyp_server_copy_begin(&copy, db, sql);          COPY "t" ("a") FROM STDIN BINARY
 *     for each row: hyp_server_copy_row(&copy, row);  one tuple as the format wants it
 *     status = hyp_server_copy_end(&copy, &rows);
 *
 * A tuple: i16 number of columns, then per column i32 length (-1 = NULL) and that many bytes;
 * numbers are big-endian; texts are UTF-8 without zeros (store/utf8.h). The first failure is
 * sticky until the end.
 */
struct hyp_server_copy {
    struct hyp_db *db;
    enum hyp_status status;
};
/* Begins. The connection is taken until the end: nothing else may be asked meanwhile. Inside a
 * transaction, whose failure a failed copy becomes. */
void hyp_server_copy_begin(struct hyp_server_copy *copy, struct hyp_db *db, const char *sql);
/* One tuple; copied before it returns. */
void hyp_server_copy_row(struct hyp_server_copy *copy, struct hyp_str tuple);
/* Says that this was all, or after a failure that nothing of it is wanted. Frees the
 * connection.
 * @ret_rows  how many the server took, after HYP_OK
 * Returns    HYP_OK | LIMIT (a tuple too long) | what the server says */
HYP_MUST_USE enum hyp_status hyp_server_copy_end(struct hyp_server_copy *copy,
                                                 int64_t *ret_rows);

/* --- for backends --- */

/* The functions above by their names; all are mandatory. */
struct hyp_server_ops {
    enum hyp_status (*lock)(struct hyp_db *db, struct hyp_error *err);
    enum hyp_status (*join)(struct hyp_db *db, bool *ret_alone, struct hyp_error *err);
    enum hyp_status (*share)(struct hyp_db *db, struct hyp_error *err);
    enum hyp_status (*lease)(struct hyp_db *db, const char *job, uint64_t *ret_session);
    void (*release)(struct hyp_db *db, const char *job);
    enum hyp_status (*lease_holder)(struct hyp_db *db, const char *job, char *ret_member,
                                    size_t size);
    bool (*has_session)(const struct hyp_db *db, uint64_t session);
    void (*fence)(struct hyp_db *db, uint64_t session);
    int64_t (*number)(const struct hyp_db *db);
    uint64_t (*begun)(const struct hyp_db *db);
    bool (*is_unsure)(const struct hyp_db *db);
    enum hyp_status (*settle)(struct hyp_db *db);
    void (*settled)(struct hyp_db *db);
    bool (*is_denied)(const struct hyp_db *db);
    bool (*is_away)(const struct hyp_db *db);
    int64_t (*bytes)(struct hyp_db *db);
    void (*copy_begin)(struct hyp_server_copy *copy, const char *sql);
    void (*copy_row)(struct hyp_server_copy *copy, struct hyp_str tuple);
    enum hyp_status (*copy_end)(struct hyp_server_copy *copy, int64_t *ret_rows);
};

#endif
