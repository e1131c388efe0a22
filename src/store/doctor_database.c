/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor's look at a PostgreSQL server: settings that a store depends on, and what the
 * server itself can say of its tables and indexes.
 */
#include "store/doctor_state.h"

#include "base/limits.h"
#include "store/layout.h"
#include "store/server.h"

#include <string.h>

#define INDEXES_MAX 4096
#define TABLE_REMEDY "stop the server and restore a backup: hypocaust restore --database"

static enum hyp_status connect(const struct hyp_doctor *doctor, const char *suffix,
                               struct hyp_db **ret_db, struct hyp_error *err)
{
    const struct hyp_server_config config = {.url = doctor->database,
                                             .schema = doctor->schema,
                                             .suffix = suffix,
                                             .mode = HYP_SERVER_READ};
    return hyp_server_open(&config, ret_db, err);
}

enum hyp_status hyp_visit_connect(struct hyp_visit *visit, const char *suffix,
                                  struct hyp_db **ret_db, struct hyp_error *err)
{
    enum hyp_status status = connect(visit->doctor, suffix, ret_db, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_db_begin_snapshot(*ret_db);
    status = (*ret_db)->failed;
    return status == HYP_OK ? HYP_OK : hyp_db_error(*ret_db, status, err, "PostgreSQL");
}

void hyp_visit_resume(struct hyp_db *db)
{
    if (db != NULL && hyp_db_is_sharded(db) && db->failed != HYP_OK) {
        hyp_db_rollback(db);
        hyp_db_begin_snapshot(db); /* its failure is the next question's */
    }
}

/* --- settings --- */

/* What is not so is told. The session overrules synchronous_commit, so that its setting only
 * matters to other programs. */
static const struct setting_row {
    const char *sql;
    const char *right;
    const char *remedy;
    const char *what;
} settings[] = {
    {"SELECT current_setting('fsync')",                               "on",  "set fsync = on in postgresql.conf and reload",
     "fsync is off: a crash of the machine loses acknowledged readings, or the database"                                                                                                                   },
    {"SELECT current_setting('full_page_writes')",                    "on",
     "set full_page_writes = on in postgresql.conf and reload",                                                              "full_page_writes is off: a crash of the machine may leave half-written pages"},
    {"SELECT current_setting('zero_damaged_pages')",                  "off",
     "set zero_damaged_pages = off in postgresql.conf and reload",                                                           "zero_damaged_pages is on: damaged pages read as empty instead of being told" },
    {"SELECT current_setting('ignore_checksum_failure')",             "off",
     "set ignore_checksum_failure = off in postgresql.conf and reload",                                                      "ignore_checksum_failure is on: damaged pages are not told"                   },
    {"SELECT CASE WHEN pg_is_in_recovery() THEN 'on' ELSE 'off' END", "off",
     "serve from the primary; this one takes readings once it is promoted",                                                  "the server is a standby: nothing new is stored"                              },
};

static void check_setting(struct hyp_visit *visit, const struct setting_row *row)
{
    struct hyp_query query;
    char value[HYP_LIMIT_NAME] = "";
    hyp_query_open(&query, visit->main, row->sql);
    if (hyp_query_row(&query)) {
        hyp_query_text(&query, value, sizeof(value));
    }
    enum hyp_status status = hyp_query_close(&query);
    if (status != HYP_OK) {
        hyp_visit_failed(visit, visit->main, status, "settings");
    } else if (strcmp(value, row->right) != 0) {
        hyp_visit_find(visit, HYP_FINDING_WARNING, row->remedy, "%s", row->what);
    }
}

void hyp_visit_settings(struct hyp_visit *visit)
{
    char version[HYP_LIMIT_NAME] = "";
    char sums[HYP_LIMIT_NAME] = "";
    hyp_visit_begin(visit, "server");
    for (size_t i = 0; i < HYP_ARRAY_LEN(settings); i++) {
        check_setting(visit, &settings[i]);
    }
    struct hyp_query query;
    hyp_query_open(
        &query, visit->main,
        "SELECT current_setting('server_version'), current_setting('data_checksums')");
    if (hyp_query_row(&query)) {
        hyp_query_text(&query, version, sizeof(version));
        hyp_query_text(&query, sums, sizeof(sums));
    }
    enum hyp_status status = hyp_query_close(&query);
    if (status != HYP_OK) {
        hyp_visit_failed(visit, visit->main, status, "server");
    }
    hyp_visit_end(visit, "PostgreSQL %s syncs what it acknowledges; its checksums of pages: %s",
                  version, sums);
}

/* --- tables and indexes --- */

static void check_catalogue(struct hyp_visit *visit, struct hyp_db *db)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON"
                   " pg_class.oid = indexrelid WHERE relnamespace ="
                   " to_regnamespace(quote_ident(current_schema())) AND NOT (indisvalid AND"
                   " indisready AND indislive)");
    while (hyp_query_row(&query)) {
        struct hyp_str name = hyp_query_str(&query);
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, "REINDEX INDEX it in psql",
                       "index %.*s is not valid", HYP_STR_ARG(name));
    }
    enum hyp_status status = hyp_query_close(&query);
    if (status == HYP_OK) {
        hyp_query_open(&query, db,
                       "SELECT conname::text, conrelid::regclass::text FROM pg_constraint"
                       " WHERE connamespace = to_regnamespace(quote_ident(current_schema()))"
                       " AND NOT convalidated");
        while (hyp_query_row(&query)) {
            struct hyp_str name = hyp_query_str(&query);
            struct hyp_str table = hyp_query_str(&query);
            hyp_visit_find(visit, HYP_FINDING_DAMAGE,
                           "ALTER TABLE ... VALIDATE CONSTRAINT it in psql",
                           "references of table %.*s are not checked (%.*s)",
                           HYP_STR_ARG(table), HYP_STR_ARG(name));
        }
        status = hyp_query_close(&query);
    }
    if (status != HYP_OK) {
        hyp_visit_failed(visit, db, status, "catalogue");
    }
}

/* The functions of the extension amcheck must be found by name. */
static bool find_amcheck(struct hyp_db *db)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "SELECT set_config('search_path', quote_ident(current_schema()) || ', ' ||"
                   " extnamespace::regnamespace::text, false) FROM pg_extension"
                   " WHERE extname = 'amcheck'");
    bool found = hyp_query_row(&query);
    return hyp_query_close(&query) == HYP_OK && found;
}

static enum hyp_status list_relations(struct hyp_db *db, int64_t oids[static INDEXES_MAX],
                                      size_t *ret_count)
{
    struct hyp_query query;
    size_t count = 0;
    hyp_query_open(&query, db,
                   "SELECT pg_class.oid::bigint FROM pg_class JOIN pg_am ON pg_am.oid = relam"
                   " WHERE relnamespace = to_regnamespace(quote_ident(current_schema()))"
                   " AND relkind = 'i' AND amname = 'btree' ORDER BY 1");
    while (count < INDEXES_MAX && hyp_query_row(&query)) {
        oids[count++] = hyp_query_i64(&query);
    }
    *ret_count = count;
    return hyp_query_close(&query);
}

/* Compares one index with its table, page by page. */
static enum hyp_status check_index(struct hyp_visit *visit, struct hyp_db *db, int64_t oid)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "SELECT bt_index_check($1::oid::regclass, true)");
    hyp_query_bind_i64(&query, oid);
    enum hyp_status status = hyp_query_run(&query, NULL);
    if (status == HYP_CORRUPT) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, "REINDEX DATABASE in psql, then ask again",
                       "%s", db->error_text);
        return HYP_OK;
    }
    /* Dropped meanwhile, with its partition. */
    bool gone = status == HYP_INTERNAL ||
                (status == HYP_IO && !hyp_server_is_denied(db) && !hyp_server_is_away(db));
    return gone ? HYP_OK : status;
}

static const char *check_indexes(struct hyp_visit *visit, struct hyp_db *db)
{
    int64_t oids[INDEXES_MAX];
    size_t count = 0;
    if (!find_amcheck(db)) {
        return "for every page of the indexes, CREATE EXTENSION amcheck";
    }
    enum hyp_status status = list_relations(db, oids, &count);
    for (size_t i = 0; i < count && status == HYP_OK; i++) {
        status = check_index(visit, db, oids[i]);
    }
    if (status != HYP_OK && hyp_server_is_denied(db)) {
        return "for every page of the indexes, let this user execute bt_index_check(regclass, "
               "boolean)";
    }
    if (status != HYP_OK) {
        hyp_visit_failed(visit, db, status, "amcheck");
    }
    return "every page of every index agrees with its table";
}

void hyp_visit_tables(struct hyp_visit *visit, struct hyp_db *db, const char *suffix,
                      const char *name)
{
    /* A connection of its own: what it finds ends a transaction. */
    struct hyp_db *own = NULL;
    struct hyp_error err = {0};
    const char *said = "";
    hyp_visit_begin(visit, name);
    check_catalogue(visit, db);
    if (connect(visit->doctor, suffix, &own, &err) == HYP_OK) {
        said = check_indexes(visit, own);
    } else {
        hyp_visit_give_up(visit, err.status, &err);
    }
    hyp_db_close(own);
    hyp_visit_end(visit, "indexes and references are valid; %s", said);
}
