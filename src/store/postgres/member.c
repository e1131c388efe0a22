/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members: several processes on one schema, and the leases of jobs that only one of them may
 * do.
 *
 * All of it are advisory locks of the server, which belong to a session and end with it,
 * whatever becomes of the process: a lease needs no clock of anybody's, and what is written in
 * the session that holds it cannot be written after it is gone. The server ends a session that
 * says nothing for a while, so a process that hangs loses its leases too.
 */
#include "store/postgres/session.h"

#include "base/limits.h"

#include <string.h>

/* An owner that was killed a moment ago may still have it: the server has to notice. */
#define LOCK_TRIES 6

/* Asks for a lock; *ret_taken says whether it was given. */
static enum hyp_status try_lock(struct hyp_postgres *pg, const char *sql, const char *value,
                                bool *ret_taken)
{
    char taken[8];
    enum hyp_status status = hyp_postgres_ask(pg, sql, value, taken, sizeof(taken));
    *ret_taken = status == HYP_OK && hyp_str_equal(hyp_str_from(taken), HYP_STR("t"));
    return status;
}

static enum hyp_status refuse(struct hyp_postgres *pg, struct hyp_str text)
{
    hyp_postgres_set_error(pg, text);
    return HYP_BUSY;
}

/* --- alone --- */

static const char *const owner_sql =
    "SELECT pg_try_advisory_lock(" HYP_POSTGRES_OWNER ", hashtext($1))";

static enum hyp_status take_alone(struct hyp_postgres *pg)
{
    bool taken;
    enum hyp_status status = try_lock(pg, owner_sql, pg->schema, &taken);
    if (status == HYP_OK && !taken) {
        return refuse(pg, HYP_STR("the database is in use by another process: stop it, use "
                                  "another database, or start both with --member"));
    }
    return status;
}

enum hyp_status hyp_postgres_lock(struct hyp_db *db, struct hyp_error *err)
{
    struct hyp_postgres *pg = (struct hyp_postgres *)db;
    enum hyp_status status = HYP_BUSY;
    for (size_t i = 0; i < LOCK_TRIES && status == HYP_BUSY; i++) {
        hyp_postgres_wait(i);
        status = take_alone(pg);
    }
    pg->locked = status == HYP_OK;
    return status == HYP_OK ? HYP_OK : hyp_db_error(db, status, err, "PostgreSQL");
}

/* --- with others --- */

static const char *const name_sql =
    "SELECT pg_try_advisory_lock(" HYP_POSTGRES_MEMBER
    ", hashtext(current_setting('hypocaust.schema') || '/' || $1))";
static const char *const shared_sql =
    "SELECT pg_try_advisory_lock_shared(" HYP_POSTGRES_OWNER ", hashtext($1))";

/* The name once per session: locks are counted. */
static enum hyp_status take_name(struct hyp_postgres *pg)
{
    bool taken = pg->named == pg->session;
    enum hyp_status status = taken ? HYP_OK : try_lock(pg, name_sql, pg->member, &taken);
    if (status == HYP_OK && !taken) {
        return refuse(pg, HYP_STR("another process has this name (--member) in the database"));
    }
    pg->named = status == HYP_OK ? pg->session : pg->named;
    return status;
}

static enum hyp_status take_shared(struct hyp_postgres *pg)
{
    bool taken = false;
    enum hyp_status status = take_name(pg);
    if (status == HYP_OK) {
        status = try_lock(pg, shared_sql, pg->schema, &taken);
    }
    if (status == HYP_OK && !taken) {
        return refuse(pg, HYP_STR("the database is in use by a process that was not started "
                                  "with --member: stop it, or start it with --member"));
    }
    return status;
}

static enum hyp_status join_once(struct hyp_postgres *pg, bool *ret_alone)
{
    *ret_alone = false;
    enum hyp_status status = take_name(pg);
    if (status == HYP_OK) {
        status = try_lock(pg, owner_sql, pg->schema, ret_alone);
    }
    return status == HYP_OK && !*ret_alone ? take_shared(pg) : status;
}

/* Orders of one member to another (store/orders.h). Two may come at once; one that came before
 * this table was known never looks at it, and leaves orders to others. */
static const char *const order_sql =
    "DO $$ BEGIN"
    " PERFORM pg_advisory_xact_lock(" HYP_POSTGRES_MAKING
    ", hashtext(current_setting('hypocaust.schema')));"
    " IF to_regclass('" HYP_SERVER_ORDERS "') IS NULL THEN"
    " CREATE TABLE " HYP_SERVER_ORDERS
    " (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, created BIGINT NOT NULL,"
    " tenant BIGINT NOT NULL, line BIGINT NOT NULL, user_id BIGINT NOT NULL,"
    " devices TEXT NOT NULL, asker TEXT NOT NULL, taker TEXT NOT NULL,"
    " cancelled BIGINT NOT NULL, ended BIGINT NOT NULL, state BIGINT NOT NULL,"
    " done BIGINT NOT NULL, failed BIGINT NOT NULL, text TEXT NOT NULL);"
    " END IF; END $$";

enum hyp_status hyp_postgres_join(struct hyp_db *db, bool *ret_alone, struct hyp_error *err)
{
    struct hyp_postgres *pg = (struct hyp_postgres *)db;
    enum hyp_status status = HYP_BUSY;
    for (size_t i = 0; i < HYP_LIMIT_MEMBER_TRIES && status == HYP_BUSY; i++) {
        hyp_postgres_wait(i);
        status = join_once(pg, ret_alone);
    }
    pg->locked = status == HYP_OK && !*ret_alone;
    if (pg->locked) {
        status = hyp_db_exec(db, order_sql);
    }
    return status == HYP_OK ? HYP_OK : hyp_db_error(db, status, err, "PostgreSQL");
}

/* What members tell each other (store/follow.h). One row is there from the beginning: without
 * it nobody could tell an empty table from one that was cut off. */
static const char *const change_sql =
    "DO $$ BEGIN"
    " IF to_regclass('" HYP_SERVER_CHANGES "') IS NULL THEN"
    " CREATE TABLE " HYP_SERVER_CHANGES " (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " kind BIGINT NOT NULL, object BIGINT NOT NULL, first BIGINT NOT NULL,"
    " last BIGINT NOT NULL, log_row BIGINT NOT NULL);"
    " CREATE INDEX ON " HYP_SERVER_CHANGES " (kind, id);"
    " INSERT INTO " HYP_SERVER_CHANGES
    "(kind, object, first, last, log_row) VALUES (0, 0, 0, 0, 0);"
    " END IF; END $$";
static const char *const leave_sql =
    "SELECT pg_advisory_unlock(" HYP_POSTGRES_OWNER ", hashtext($1))";

enum hyp_status hyp_postgres_share(struct hyp_db *db, struct hyp_error *err)
{
    struct hyp_postgres *pg = (struct hyp_postgres *)db;
    bool left = false;
    enum hyp_status status = hyp_db_exec(db, change_sql);
    if (status == HYP_OK) {
        status = hyp_db_exec(db, order_sql);
    }
    if (status == HYP_OK) {
        status = take_shared(pg);
    }
    if (status == HYP_OK) {
        status = try_lock(pg, leave_sql, pg->schema, &left);
    }
    pg->locked = status == HYP_OK;
    return status == HYP_OK ? HYP_OK : hyp_db_error(db, status, err, "PostgreSQL");
}

enum hyp_status hyp_postgres_take_lock(struct hyp_postgres *pg)
{
    return pg->member == NULL ? take_alone(pg) : take_shared(pg);
}

int64_t hyp_postgres_number(const struct hyp_db *db)
{
    return ((const struct hyp_postgres *)db)->number;
}

uint64_t hyp_postgres_begun(const struct hyp_db *db)
{
    return ((const struct hyp_postgres *)db)->begun;
}

/* --- leases --- */

static const char *const lease_sql =
    "SELECT pg_try_advisory_lock(" HYP_SERVER_LEASE
    ", hashtext(current_setting('hypocaust.schema') || '/' || $1))";
static const char *const release_sql =
    "SELECT pg_advisory_unlock(" HYP_SERVER_LEASE
    ", hashtext(current_setting('hypocaust.schema') || '/' || $1))";

static enum hyp_status refuse_lost(struct hyp_postgres *pg)
{
    return refuse(pg, HYP_STR("the session with the leases of this process was lost"));
}

enum hyp_status hyp_postgres_lose_leases(struct hyp_postgres *pg)
{
    if (!pg->leases) {
        return HYP_OK;
    }
    pg->leases = false;
    return refuse_lost(pg);
}

enum hyp_status hyp_postgres_check_fence(struct hyp_postgres *pg)
{
    bool inside = pg->fence == 0 || pg->fence == pg->session;
    return inside ? HYP_OK : refuse_lost(pg);
}

void hyp_postgres_fence(struct hyp_db *db, uint64_t session)
{
    ((struct hyp_postgres *)db)->fence = session;
}

enum hyp_status hyp_postgres_lease(struct hyp_db *db, const char *job, uint64_t *ret_session)
{
    struct hyp_postgres *pg = (struct hyp_postgres *)db;
    bool taken = false;
    hyp_postgres_park(pg);
    enum hyp_status status = hyp_postgres_is_lost(pg) ? hyp_postgres_reconnect(pg) : HYP_OK;
    if (status == HYP_OK) {
        status = try_lock(pg, lease_sql, job, &taken);
    }
    if (status != HYP_OK || !taken) {
        return status == HYP_OK ? HYP_BUSY : status;
    }
    pg->leases = true;
    *ret_session = pg->session;
    return HYP_OK;
}

void hyp_postgres_release(struct hyp_db *db, const char *job)
{
    struct hyp_postgres *pg = (struct hyp_postgres *)db;
    bool given = false;
    hyp_postgres_park(pg);
    if (!hyp_postgres_is_lost(pg)) {
        /* A lost session has released it already. */
        HYP_IGNORE(try_lock(pg, release_sql, job, &given));
    }
}

/* Sessions of other roles are seen by their application's name too; what they do is not. */
static const char *const holder_sql =
    "SELECT substr(a.application_name, length('" HYP_SERVER_APPLICATION "') + 1)"
    " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND l.classid = " HYP_SERVER_LEASE " AND l.objid::bigint ="
    " hashtext(current_setting('hypocaust.schema') || '/' || $1)::bigint & 4294967295"
    " AND starts_with(a.application_name, '" HYP_SERVER_APPLICATION "')";

enum hyp_status hyp_postgres_lease_holder(struct hyp_db *db, const char *job, char *ret_member,
                                          size_t size)
{
    struct hyp_postgres *pg = (struct hyp_postgres *)db;
    hyp_postgres_park(pg);
    return hyp_postgres_is_lost(pg) ? HYP_IO
                                    : hyp_postgres_ask(pg, holder_sql, job, ret_member, size);
}

bool hyp_postgres_has_session(const struct hyp_db *db, uint64_t session)
{
    const struct hyp_postgres *pg = (const struct hyp_postgres *)db;
    return pg->session == session && !hyp_postgres_is_lost(pg);
}
