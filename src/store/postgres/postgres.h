/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL (15 or newer) behind the database layer (store/db.h), through libpq.
 *
 * Parameters and columns travel in binary; statements are prepared once per session. Rows are
 * read one at a time as they arrive, so a long scan needs no memory; when another statement
 * wants the connection meanwhile, the rest of the scan is taken in first.
 *
 * A lost connection comes back alone. Inside a transaction the loss is the transaction's
 * failure. A query outside one is asked again. When the connection goes during COMMIT, the
 * outcome is asked for by a number that every transaction counts up, so that a commit is never
 * reported as failed when it is not, nor the other way round. (pg_xact_status does not do:
 * after a crash the server gives the number of an unfinished transaction to another one.)
 *
 * Error texts never hold the URL: it may contain a password.
 */
#ifndef HYP_STORE_POSTGRES_POSTGRES_H
#define HYP_STORE_POSTGRES_POSTGRES_H

#include "store/db.h"

#include "base/log.h"

#include <stdatomic.h>

enum hyp_postgres_mode {
    HYP_POSTGRES_WRITE, /* makes the schema if it is missing */
    HYP_POSTGRES_READ,  /* read-only; connects when it is asked the first question */
};

/* What the connections of a store share, so that its log has the reason of an outage
 * (store.database_failed) once a minute and not once a question. All zero but the log at first;
 * any thread. */
struct hyp_postgres_trouble {
    struct hyp_log *log;         /* may be NULL */
    _Atomic int code;            /* of what was told last */
    _Atomic int64_t quiet_until; /* the same is not told before; clock that never jumps */
};

struct hyp_postgres_config {
    const char *url;    /* "postgresql://host/name"; PGPASSFILE and the like are obeyed */
    const char *schema; /* where the tables are */
    const char *member; /* a name among the processes that share the schema; NULL = none do */
    enum hyp_postgres_mode mode;
    int tries; /* of what a server that is away keeps waiting; 0 = as many as are usual */
    struct hyp_postgres_trouble *trouble; /* outlives the connection; NULL = nobody is told */
};

/* Is this a URL that hyp_postgres_open takes? */
bool hyp_postgres_is_url(const char *url);

/*
 * Connects, or for reading gets ready to. The configuration is copied.
 * Returns   HYP_OK | INVALID (no such URL) | UNSUPPORTED (an older server) | IO (not there, or
 *           does not let us in) | BUSY (starting, too many connections) | NO_MEMORY; *err says
 *           where, why and what to do
 * Context   blocks until there is an answer, HYP_LIMIT_DATABASE_CONNECT_S at most
 */
HYP_MUST_USE enum hyp_status hyp_postgres_open(const struct hyp_postgres_config *config,
                                               struct hyp_db **ret_db, struct hyp_error *err);

/* The table, in each schema, that counts transactions. */
#define HYP_POSTGRES_COUNTER "last_commit"
/* The table in which members tell each other what memory must follow (store/follow.h). */
#define HYP_POSTGRES_CHANGES "member_change"

/*
 * Makes this connection the only owner of its schema, for as long as it lives; a connection
 * that comes back after a loss takes the lock again before it does anything.
 * Returns   HYP_OK | BUSY (another process has it) | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_postgres_lock(struct hyp_db *db, struct hyp_error *err);

/*
 * Joins the members that share this schema. The lock is shared with them; the name is this
 * process's own.
 * @ret_alone  nobody else is there, and nobody can come before hyp_postgres_share
 * Returns     HYP_OK | BUSY (a process that does not share; a member of this name) | what the
 *             database says
 * Context     waits some seconds for one who is about to leave, or to share
 */
HYP_MUST_USE enum hyp_status hyp_postgres_join(struct hyp_db *db, bool *ret_alone,
                                               struct hyp_error *err);
/* Lets others in; makes what members need (store/follow.h) if it is missing. */
HYP_MUST_USE enum hyp_status hyp_postgres_share(struct hyp_db *db, struct hyp_error *err);

/* The number of the transaction that was begun last: every one has its own, without gaps, over
 * all members. */
int64_t hyp_postgres_number(const struct hyp_db *db);

/* How many transactions this connection has begun: unlike numbers, none is used again after a
 * rollback. */
uint64_t hyp_postgres_begun(const struct hyp_db *db);

/*
 * Takes the lease of a job: nobody else has it as long as this session lives. The server ends
 * a session that is silent for HYP_LIMIT_MEMBER_SILENCE_MS. The first transaction after a lost
 * session is refused (BUSY), so that none of its holder's happens without the lease.
 * Returns   HYP_OK (*ret_session names the session) | BUSY (another one has it) | what the
 *           database says
 */
HYP_MUST_USE enum hyp_status hyp_postgres_lease(struct hyp_db *db, const char *job,
                                                uint64_t *ret_session);
/* The first half of the key of a lease, an advisory lock whose second half is the hash of
 * schema and job, and what stands before the name of a member in that of its sessions: for
 * questions about many leases at once. */
#define HYP_POSTGRES_LEASE "1752789044"
#define HYP_POSTGRES_APPLICATION "hypocaust/"
/* Gives a lease back. */
void hyp_postgres_release(struct hyp_db *db, const char *job);
/* Writes the name of the member that has the lease of a job, "" when nobody has it.
 * Returns   HYP_OK | IO (no connection now) | what the database says */
HYP_MUST_USE enum hyp_status hyp_postgres_lease_holder(struct hyp_db *db, const char *job,
                                                       char *ret_member, size_t size);
/* Does the session live in which a lease was taken, as far as this side knows? */
bool hyp_postgres_has_session(const struct hyp_db *db, uint64_t session);
/* From now on transactions are refused (BUSY) in any other session: who works under a lease
 * writes nothing after it was lost, though others have met the loss first. 0 = no more. */
void hyp_postgres_fence(struct hyp_db *db, uint64_t session);

/*
 * The server went away during a commit and stayed away for longer than is waited: is it still
 * unknown whether it has happened? Then nothing begins. Not for members, who read what they
 * have written with what the others write. Any thread.
 */
bool hyp_postgres_is_unsure(const struct hyp_db *db);
/*
 * Asks. Returns  HYP_OK (it has: follow it, then tell hyp_postgres_settled) | CANCELLED (it has
 *                not: all is well) | BUSY, IO ... (not known yet)
 */
HYP_MUST_USE enum hyp_status hyp_postgres_settle(struct hyp_db *db);
/* What the commit wrote has been followed: transactions begin again. */
void hyp_postgres_settled(struct hyp_db *db);

/* Was the last failure that the user of the URL may not do this? */
bool hyp_postgres_is_denied(const struct hyp_db *db);
/* Is there no session, as far as this side knows? */
bool hyp_postgres_is_away(const struct hyp_db *db);

/* Bytes of the schema's tables and indexes on disk; 0 when that cannot be told. */
int64_t hyp_postgres_bytes(struct hyp_db *db);

#endif
