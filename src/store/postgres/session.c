/* SPDX-License-Identifier: Apache-2.0 */
#include "store/postgres/session.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/limits.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_LEAST 150000

/* --- one statement, answered at once --- */

enum hyp_status hyp_postgres_check(struct hyp_postgres *pg, PGresult *result)
{
    ExecStatusType outcome = PQresultStatus(result);
    bool good = outcome == PGRES_COMMAND_OK || outcome == PGRES_TUPLES_OK;
    return good ? HYP_OK : hyp_postgres_failed(pg, result);
}

static enum hyp_status ask(struct hyp_postgres *pg, const char *sql, int count,
                           const char *const *values, PGresult **ret_result)
{
    PGresult *result = PQexecParams(pg->conn, sql, count, NULL, values, NULL, NULL, 0);
    enum hyp_status status = hyp_postgres_check(pg, result);
    if (status != HYP_OK) {
        PQclear(result);
        return status;
    }
    *ret_result = result;
    return HYP_OK;
}

enum hyp_status hyp_postgres_ask(struct hyp_postgres *pg, const char *sql, const char *value,
                                 char *out, size_t size)
{
    PGresult *result;
    const char *const values[] = {value};
    enum hyp_status status = ask(pg, sql, value == NULL ? 0 : 1, values, &result);
    if (status == HYP_OK) {
        const char *text = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
        hyp_text_copy(out, size, hyp_str_from(text));
        PQclear(result);
    }
    return status;
}

static enum hyp_status run(struct hyp_postgres *pg, const char *sql)
{
    PGresult *result = PQexec(pg->conn, sql);
    enum hyp_status status = hyp_postgres_check(pg, result);
    PQclear(result);
    return status;
}

/* --- connecting --- */

bool hyp_postgres_is_url(const char *url)
{
    struct hyp_str text = hyp_str_from(url);
    return hyp_str_has_prefix(text, HYP_STR("postgresql://")) ||
           hyp_str_has_prefix(text, HYP_STR("postgres://"));
}

static void ignore_notice(void *user, const PGresult *result)
{
    (void)user;
    (void)result;
}

void hyp_postgres_set_error(struct hyp_postgres *pg, struct hyp_str text)
{
    hyp_text_copy(pg->base.error_text, sizeof(pg->base.error_text), text);
}

/* libpq's own words for a URL that it cannot read quote it, password and all. */
static enum hyp_status check_url(struct hyp_postgres *pg)
{
    char *message = NULL;
    PQconninfoOption *parts = PQconninfoParse(pg->url, &message);
    bool good = hyp_postgres_is_url(pg->url) && parts != NULL;
    PQconninfoFree(parts);
    PQfreemem(message);
    if (!good) {
        hyp_postgres_set_error(
            pg, HYP_STR("the URL cannot be read; it looks like "
                        "postgresql://user@host:5432/name, with % before special "
                        "characters of a password"));
        return HYP_INVALID;
    }
    return HYP_OK;
}

/* Settings of a session. A server that says OK before its disk is no place for readings. The
 * name of an application is what other sessions see of this one: a member's is in it. A
 * member that is stopped holds up the others until the server ends its session: when it says
 * nothing, and when it takes nothing of an answer. */
static const char *const session_sql =
    "SELECT set_config('search_path', quote_ident($1), false),"
    " set_config('hypocaust.schema', $1, false),"
    " set_config('default_transaction_read_only', $2, false),"
    " set_config('jit', 'off', false),"
    " set_config('hypocaust.member', $3, false),"
    " set_config('application_name', CASE $3 WHEN '' THEN current_setting('application_name')"
    " ELSE '" HYP_SERVER_APPLICATION "' || $3 END, false),"
    " set_config('idle_session_timeout', $4, false),"
    " set_config('idle_in_transaction_session_timeout', $4, false),"
    " set_config('tcp_user_timeout', $4, false),"
    " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
    " WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

/* One row that every transaction counts up: after a lost connection it tells whether the last
 * commit has happened. Not part of the migrations: it is this backend's own. */
static const char *const schema_sql =
    "DO $$ BEGIN"
    " PERFORM pg_advisory_xact_lock(" HYP_POSTGRES_MAKING
    ", hashtext(current_setting('hypocaust.schema')));"
    " IF to_regnamespace(quote_ident(current_setting('hypocaust.schema'))) IS NULL THEN"
    " EXECUTE format('CREATE SCHEMA %I', current_setting('hypocaust.schema'));"
    " END IF;"
    " IF to_regclass('" HYP_SERVER_COUNTER "') IS NULL THEN"
    " CREATE TABLE " HYP_SERVER_COUNTER " (id BIGINT PRIMARY KEY, number BIGINT NOT NULL);"
    " INSERT INTO " HYP_SERVER_COUNTER " VALUES (1, 0);"
    " END IF; END $$";

/* A member has a row of its own beside the common one. */
static const char *const member_sql =
    "INSERT INTO " HYP_SERVER_COUNTER " VALUES (" HYP_POSTGRES_OWN_ROW ", 0)"
    " ON CONFLICT DO NOTHING";

static enum hyp_status begin_session(struct hyp_postgres *pg)
{
    if (PQserverVersion(pg->conn) < SERVER_LEAST) {
        hyp_postgres_set_error(pg, HYP_STR("the server is older than PostgreSQL 15"));
        return HYP_UNSUPPORTED;
    }
    PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
    bool reads = pg->mode == HYP_SERVER_READ;
    bool ends = pg->member != NULL && !reads;
    const char *const values[] = {pg->schema, reads ? "on" : "off",
                                  pg->member == NULL ? "" : pg->member,
                                  ends ? HYP_LIMIT_MEMBER_SILENCE_MS : "0"};
    PGresult *result;
    enum hyp_status status = ask(pg, session_sql, HYP_ARRAY_LEN(values), values, &result);
    if (status != HYP_OK) {
        return status;
    }
    PQclear(result);
    if (!reads) {
        status = run(pg, schema_sql);
    }
    return status == HYP_OK && ends ? run(pg, member_sql) : status;
}

enum hyp_status hyp_postgres_connect(struct hyp_postgres *pg)
{
    enum hyp_status status = check_url(pg);
    if (status != HYP_OK) {
        return status;
    }
    /* What stands before "dbname" is a default, what stands behind is not to be changed. */
    const char *const keywords[] = {
        "connect_timeout", "fallback_application_name", "tcp_user_timeout",
        "keepalives_idle", "keepalives_interval",       "keepalives_count",
        "dbname",          "client_encoding",           NULL,
    };
    const char *const values[] = {
        HYP_LIMIT_DATABASE_CONNECT_S,
        "hypocaust",
        HYP_LIMIT_DATABASE_SILENCE_MS,
        HYP_LIMIT_DATABASE_IDLE_S,
        HYP_LIMIT_DATABASE_PROBE_S,
        HYP_LIMIT_DATABASE_PROBES,
        pg->url,
        "UTF8",
        NULL,
    };
    PQfinish(pg->conn);
    pg->session++;
    pg->broken = false;
    pg->streaming = NULL;
    pg->conn = PQconnectdbParams(keywords, values, 1);
    if (pg->conn == NULL) {
        return HYP_NO_MEMORY;
    }
    status = PQstatus(pg->conn) == CONNECTION_OK ? HYP_OK : hyp_postgres_refused(pg);
    if (status == HYP_OK) {
        status = begin_session(pg);
        /* An older server is told without one. */
        return status == HYP_OK || status == HYP_UNSUPPORTED ? status : hyp_postgres_advise(pg);
    }
    return status;
}

bool hyp_postgres_is_lost(const struct hyp_postgres *pg)
{
    return pg->broken || PQstatus(pg->conn) != CONNECTION_OK;
}

bool hyp_postgres_has_gone(struct hyp_postgres *pg, enum hyp_status failure)
{
    pg->broken |= failure == HYP_IO && pg->code[0] == '\0';
    return hyp_postgres_is_lost(pg);
}

/* --- coming back --- */

/* How long to wait before each try: a server that restarts is there within some seconds. */
static const int waits_ms[] = {0, 50, 100, 200, 400, 800};

/* Waits for nothing but time: a server that is not there cannot be listened to. */
static void wait_ms(int ms)
{
    HYP_IGNORE(poll(NULL, 0, ms)); /* cut short by a signal: it is tried a little earlier */
}

/* Would the same succeed a moment later? */
static bool is_passing(enum hyp_status status)
{
    return status == HYP_IO || status == HYP_BUSY;
}

/* What keeps a transaction from its begin or end says nothing about what is in it: whoever sent
 * it keeps it and sends it again. */
static enum hyp_status only_passing(enum hyp_status status)
{
    bool known = status == HYP_OK || is_passing(status) || status == HYP_FULL ||
                 status == HYP_NO_MEMORY || status == HYP_CORRUPT;
    return known ? status : HYP_IO;
}

/* A try, and whether there was somebody to let us in. */
static enum hyp_status try_once(struct hyp_postgres *pg, bool *ret_away)
{
    enum hyp_status status = hyp_postgres_connect(pg);
    *ret_away = status != HYP_OK && hyp_postgres_is_lost(pg);
    if (status == HYP_OK && pg->locked) {
        /* The server may not have noticed yet that the session before is gone. */
        status = hyp_postgres_take_lock(pg);
    }
    /* Half of a session is none: without its settings or the lock nothing must happen. */
    pg->broken |= status != HYP_OK;
    return status;
}

/* The others have a use for what became of it: always that somebody was let in, or of an outage
 * that they know that it goes on. A new one is known when it was waited for in vain. */
static void note_try(struct hyp_postgres *pg, enum hyp_status status, bool away, bool last)
{
    if (!away) {
        hyp_outage_over(pg->outage);
    } else if (last || hyp_outage_is_known(pg->outage)) {
        hyp_outage_met(pg->outage, status, pg->base.error_code, pg->base.error_text);
    }
}

static enum hyp_status refuse_at_once(struct hyp_postgres *pg)
{
    pg->code[0] = '\0';
    return hyp_outage_reason(pg->outage, &pg->base.error_code, pg->base.error_text);
}

/* @insists  is not put off because others have found nobody there */
static enum hyp_status reconnect(struct hyp_postgres *pg, bool insists)
{
    enum hyp_status status = HYP_IO;
    size_t usual = pg->tries == 0 ? HYP_ARRAY_LEN(waits_ms) : (size_t)pg->tries;
    size_t tries = HYP_MIN(usual, HYP_ARRAY_LEN(waits_ms));
    for (size_t i = 0; i < tries; i++) {
        bool away;
        wait_ms(waits_ms[i]);
        if (!insists && !hyp_outage_may_try(pg->outage)) {
            return refuse_at_once(pg);
        }
        status = try_once(pg, &away);
        note_try(pg, status, away, i + 1 == tries);
        if (!is_passing(status)) {
            return status == HYP_OK ? hyp_postgres_lose_leases(pg) : status;
        }
        if (!insists && hyp_outage_is_known(pg->outage)) {
            return status;
        }
    }
    return status;
}

enum hyp_status hyp_postgres_reconnect(struct hyp_postgres *pg)
{
    return reconnect(pg, false);
}

void hyp_postgres_wait(size_t tries)
{
    wait_ms(waits_ms[HYP_MIN(tries, HYP_ARRAY_LEN(waits_ms) - 1)]);
}

/* --- transactions --- */

static const char *const begin_alone_sql =
    "BEGIN; UPDATE " HYP_SERVER_COUNTER
    " SET number = number + 1 WHERE id = 1 RETURNING number, number";
static const char *const outcome_alone_sql =
    "SELECT number FROM " HYP_SERVER_COUNTER " WHERE id = 1";

/* The common row is locked until the end: members write one after the other. */
static const char *const begin_member_sql =
    "BEGIN; UPDATE " HYP_SERVER_COUNTER
    " SET number = number + 1 WHERE id = " HYP_POSTGRES_OWN_ROW "; UPDATE " HYP_SERVER_COUNTER
    " SET number = number + 1 WHERE id = 1 RETURNING number,"
    " (SELECT own.number FROM " HYP_SERVER_COUNTER
    " AS own WHERE own.id = " HYP_POSTGRES_OWN_ROW ")";
static const char *const outcome_member_sql =
    "SELECT number FROM " HYP_SERVER_COUNTER " WHERE id = " HYP_POSTGRES_OWN_ROW;

/*
 * What became of the commit during which the connection went: its transaction had counted up,
 * so the number is there or it is not. Nobody else counts in that row: the lock is ours again,
 * hence the old session is over. @insists as for reconnect. Returns   HYP_OK (it is in the
 * database) | CANCELLED (it is not) | BUSY, IO (not known yet)
 */
static enum hyp_status ask_outcome(struct hyp_postgres *pg, bool insists)
{
    char text[24];
    int64_t number = 0;
    enum hyp_status status = hyp_postgres_is_lost(pg) ? reconnect(pg, insists) : HYP_OK;
    if (status == HYP_OK) {
        status =
            hyp_postgres_ask(pg, pg->member == NULL ? outcome_alone_sql : outcome_member_sql,
                             NULL, text, sizeof(text));
    }
    if (status == HYP_OK) {
        status = hyp_str_to_i64(hyp_str_from(text), &number);
    }
    if (status != HYP_OK) {
        return status;
    }
    return number == (pg->member == NULL ? pg->number : pg->own) ? HYP_OK : HYP_CANCELLED;
}

static enum hyp_status settle_commit(struct hyp_postgres *pg)
{
    pg->unsure = true;
    int tries = pg->tries == 0 ? HYP_LIMIT_DATABASE_SETTLE_TRIES : pg->tries;
    enum hyp_status status = HYP_BUSY;
    for (int i = 0; i < tries && is_passing(status); i++) {
        wait_ms(i == 0 ? 0 : waits_ms[HYP_ARRAY_LEN(waits_ms) - 1]);
        status = ask_outcome(pg, true);
    }
    if (status == HYP_CANCELLED) {
        pg->unsure = false;
        hyp_postgres_set_error(pg, HYP_STR("the connection was lost before the commit"));
        return HYP_IO;
    }
    if (status == HYP_OK) {
        pg->unsure = false;
    }
    return only_passing(status);
}

bool hyp_postgres_is_unsure(const struct hyp_db *db)
{
    const struct hyp_postgres *pg = (const struct hyp_postgres *)db;
    return pg->unsure && pg->member == NULL;
}

enum hyp_status hyp_postgres_settle(struct hyp_db *db)
{
    struct hyp_postgres *pg = (struct hyp_postgres *)db;
    hyp_postgres_park(pg);
    enum hyp_status status = ask_outcome(pg, false);
    if (status == HYP_CANCELLED) {
        pg->unsure = false;
    }
    return status;
}

void hyp_postgres_settled(struct hyp_db *db)
{
    ((struct hyp_postgres *)db)->unsure = false;
}

/* Nothing new before the outcome of the last commit is known: if it is in the database after
 * all, the store's memory does not know it, and has to follow it first (follow_late.c). (A
 * member reads it with what the others write.) */
static enum hyp_status settle_old(struct hyp_postgres *pg)
{
    bool fresh = hyp_postgres_is_lost(pg);
    enum hyp_status status = ask_outcome(pg, false);
    if (is_passing(status) && !fresh && hyp_postgres_has_gone(pg, status)) {
        /* The connection went while nobody looked. */
        status = ask_outcome(pg, false);
    }
    if (status == HYP_OK && pg->member == NULL) {
        hyp_postgres_set_error(
            pg, HYP_STR("a commit that was given up has happened all the same: what it wrote "
                        "comes first"));
        return HYP_BUSY;
    }
    if (status == HYP_OK || status == HYP_CANCELLED) {
        pg->unsure = false;
        return HYP_OK;
    }
    return status;
}

static enum hyp_status begin_once(struct hyp_postgres *pg)
{
    enum hyp_status status = hyp_postgres_check_fence(pg);
    if (status != HYP_OK) {
        return status;
    }
    PGresult *result =
        PQexec(pg->conn, pg->member == NULL ? begin_alone_sql : begin_member_sql);
    status = hyp_postgres_check(pg, result);
    pg->begun++;
    if (status == HYP_OK) {
        status = hyp_str_to_i64(hyp_str_from(PQgetvalue(result, 0, 0)), &pg->number);
    }
    if (status == HYP_OK) {
        status = hyp_str_to_i64(hyp_str_from(PQgetvalue(result, 0, 1)), &pg->own);
    }
    PQclear(result);
    return status;
}

static enum hyp_status begin(struct hyp_postgres *pg)
{
    enum hyp_status status = pg->unsure ? settle_old(pg) : HYP_OK;
    if (status != HYP_OK) {
        return status;
    }
    bool fresh = hyp_postgres_is_lost(pg);
    if (fresh) {
        status = hyp_postgres_reconnect(pg);
    }
    if (status == HYP_OK) {
        status = begin_once(pg);
    }
    if (status != HYP_OK && !fresh && hyp_postgres_has_gone(pg, status)) {
        /* The connection went while nobody looked: nothing has begun yet. */
        status = hyp_postgres_reconnect(pg);
        return status == HYP_OK ? begin_once(pg) : status;
    }
    return status;
}

static enum hyp_status begin_snapshot(struct hyp_postgres *pg)
{
    const char *sql = pg->base.ops->begin_snapshot;
    bool fresh = hyp_postgres_is_lost(pg);
    enum hyp_status status = fresh ? hyp_postgres_reconnect(pg) : HYP_OK;
    if (status == HYP_OK) {
        status = run(pg, sql);
    }
    if (status != HYP_OK && !fresh && hyp_postgres_has_gone(pg, status)) {
        status = hyp_postgres_reconnect(pg);
        return status == HYP_OK ? run(pg, sql) : status;
    }
    return status;
}

/* Has the server said how the commit ended? It has not when the connection went, nor when its
 * answer found no memory here; a transaction that is still open had none. */
static bool is_answered(struct hyp_postgres *pg, const PGresult *result)
{
    PGTransactionStatusType state = PQtransactionStatus(pg->conn);
    if (hyp_postgres_is_lost(pg)) {
        return false;
    }
    pg->broken = state == PQTRANS_ACTIVE;
    return PQresultStatus(result) == PGRES_COMMAND_OK ||
           PQresultErrorField(result, PG_DIAG_SQLSTATE) != NULL || state == PQTRANS_INTRANS ||
           state == PQTRANS_INERROR;
}

static enum hyp_status commit(struct hyp_postgres *pg)
{
    PGresult *result = PQexec(pg->conn, "COMMIT");
    enum hyp_status status = hyp_postgres_check(pg, result);
    if (status == HYP_OK &&
        !hyp_str_equal(hyp_str_from(PQcmdStatus(result)), HYP_STR("COMMIT"))) {
        hyp_postgres_set_error(pg, HYP_STR("a statement had failed: rolled back"));
        status = HYP_INTERNAL;
    }
    bool unknown = status != HYP_OK && !is_answered(pg, result);
    PQclear(result);
    return unknown ? settle_commit(pg) : status;
}

static enum hyp_status exec(struct hyp_postgres *pg, const char *sql)
{
    const struct hyp_db_ops *ops = pg->base.ops;
    if (sql == ops->begin) {
        return only_passing(begin(pg));
    }
    if (sql == ops->begin_snapshot) {
        return only_passing(begin_snapshot(pg));
    }
    return hyp_str_equal(hyp_str_from(sql), HYP_STR("COMMIT")) ? commit(pg) : run(pg, sql);
}

enum hyp_status hyp_postgres_exec(struct hyp_db *db, const char *sql)
{
    struct hyp_postgres *pg = (struct hyp_postgres *)db;
    hyp_postgres_park(pg);
    return hyp_postgres_tell(pg, exec(pg, sql));
}
