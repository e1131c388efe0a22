/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backup_database.h"

#include "base/limits.h"
#include "store/folder.h"
#include "store/layout.h"
#include "store/migrate.h"
#include "store/move_table.h"
#include "store/server.h"
#include "store/sqlite/sqlite.h"

#define ARENA_MAX (4 * 1024 * 1024)

/* One of the two databases on its way into its file. */
struct writing {
    const char *file;
    const struct hyp_migrations *migrations;
    struct hyp_arena arena;
    struct hyp_db *from;
    struct hyp_db *to;
    struct hyp_error *err;
};

static enum hyp_status open_from(struct writing *w, const struct hyp_backup_source *source,
                                 const char *suffix)
{
    const struct hyp_server_config config = {.url = source->database,
                                             .schema = source->schema,
                                             .suffix = suffix,
                                             .mode = HYP_SERVER_READ};
    enum hyp_status status = hyp_server_open(&config, &w->from, w->err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_db_begin_snapshot(w->from);
    status = w->from->failed;
    return status == HYP_OK ? HYP_OK : hyp_db_error(w->from, status, w->err, "PostgreSQL");
}

/* Both ends must have the same columns. */
static enum hyp_status check_version(struct writing *w)
{
    int64_t version = 0;
    enum hyp_status status = hyp_migrate_version(w->from, &version);
    if (status != HYP_OK) {
        return hyp_db_error(w->from, status, w->err, "the database holds no store");
    }
    return version == (int64_t)w->migrations->count
               ? HYP_OK
               : hyp_error_set(w->err, HYP_UNSUPPORTED, -1,
                               "the database has schema version %lld, this program (%s) %zu: "
                               "back it up with the program that serves it",
                               (long long)version, HYP_VERSION, w->migrations->count);
}

static enum hyp_status open_to(struct writing *w, const char *target, hyp_utc now)
{
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, target, w->file, w->err);
    if (status == HYP_OK) {
        status = hyp_sqlite_open(path.text, HYP_SQLITE_WRITE, &w->to, w->err);
    }
    return status == HYP_OK ? hyp_migrate(w->to, w->migrations, now, w->file, w->err) : status;
}

static enum hyp_status name_failure(struct writing *w, enum hyp_status status,
                                    const char *table)
{
    struct hyp_error cause = {0};
    struct hyp_db *at = w->from->error_text[0] != '\0' ? w->from : w->to;
    hyp_db_error(at, status, &cause, table);
    return hyp_error_set_code(w->err, status, cause.source, cause.code,
                              "nothing was backed up: table %s", cause.text);
}

static enum hyp_status write_table(struct writing *w, const char *name)
{
    struct hyp_move_table table;
    struct hyp_move_sum read = {0};
    struct hyp_move_sum written = {0};
    enum hyp_status status =
        hyp_move_table_open(w->from, name, HYP_MOVE_PLAIN, &w->arena, &table);
    if (status == HYP_OK) {
        status = hyp_move_table_insert(&table, w->from, w->to, &read);
    }
    if (status == HYP_OK) {
        status = hyp_move_table_sum(&table, w->to, &written);
    }
    if (status != HYP_OK) {
        return name_failure(w, status, name);
    }
    return read.rows == written.rows && read.checksum == written.checksum
               ? HYP_OK
               : hyp_error_set(w->err, HYP_CORRUPT, -1,
                               "nothing was backed up: table %s has %lld rows, the copy gives "
                               "back %lld, or others: check the disk",
                               name, (long long)read.rows, (long long)written.rows);
}

/* --- numbers of rows to come --- */

static void set_counter(struct hyp_db *to, struct hyp_str table, int64_t last)
{
    struct hyp_query query;
    hyp_query_open(&query, to, "DELETE FROM sqlite_sequence WHERE name = $1");
    hyp_query_bind_str(&query, table);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
    hyp_query_open(&query, to, "INSERT INTO sqlite_sequence(name, seq) VALUES ($1, $2)");
    hyp_query_bind_str(&query, table);
    hyp_query_bind_i64(&query, last);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

/* A number is never used twice, not even that of a row that is gone. */
static enum hyp_status set_counters(struct writing *w)
{
    static const struct hyp_str end = {.ptr = "_id_seq", .len = 7};
    struct hyp_query query;
    hyp_query_open(&query, w->from,
                   "SELECT sequencename::text, last_value FROM pg_sequences"
                   " WHERE schemaname = current_schema() AND last_value IS NOT NULL");
    while (hyp_query_row(&query)) {
        struct hyp_str name = hyp_query_str(&query);
        int64_t last = hyp_query_i64(&query);
        if (name.len > end.len) {
            name.len -= end.len;
            set_counter(w->to, name, last);
        }
    }
    enum hyp_status status = hyp_query_close(&query);
    return status == HYP_OK ? HYP_OK : name_failure(w, status, "pg_sequences");
}

/* --- all of it --- */

static enum hyp_status write_tables(struct writing *w)
{
    const char *names[HYP_MOVE_TABLES];
    size_t count = 0;
    enum hyp_status status = hyp_move_list_tables(w->from, &w->arena, names, &count);
    if (status != HYP_OK) {
        return name_failure(w, status, "list");
    }
    hyp_db_begin(w->to);
    /* Rows may come before what they refer to. */
    hyp_db_fail(w->to, hyp_db_exec(w->to, "PRAGMA defer_foreign_keys=ON"));
    for (size_t i = 0; i < count && status == HYP_OK; i++) {
        status = write_table(w, names[i]);
    }
    if (status == HYP_OK) {
        status = set_counters(w);
    }
    if (status != HYP_OK) {
        hyp_db_rollback(w->to);
        return status;
    }
    status = hyp_db_commit(w->to);
    if (status == HYP_OK) {
        /* One plain file without a log beside it, like every backup. */
        status = hyp_db_exec(w->to, "PRAGMA journal_mode=DELETE");
    }
    return status == HYP_OK ? HYP_OK : name_failure(w, status, "commit");
}

static enum hyp_status write_file(struct writing *w, const struct hyp_backup_source *source,
                                  const char *suffix, const char *target, hyp_utc now)
{
    hyp_arena_init(&w->arena, ARENA_MAX);
    enum hyp_status status = open_from(w, source, suffix);
    if (status == HYP_OK) {
        status = check_version(w);
    }
    if (status == HYP_OK) {
        status = open_to(w, target, now);
    }
    if (status == HYP_OK) {
        status = write_tables(w);
    }
    if (w->from != NULL) {
        hyp_db_rollback(w->from);
    }
    hyp_db_close(w->from);
    hyp_db_close(w->to);
    hyp_arena_finish(&w->arena);
    return status;
}

enum hyp_status hyp_backup_write_database(const struct hyp_backup_source *source,
                                          const char *target, hyp_utc now,
                                          struct hyp_error *err)
{
    /* Frames go from the first to the second: one that moves meanwhile is in both copies. */
    struct writing main = {
        .file = HYP_MAIN_FILE, .migrations = &hyp_store_migrations, .err = err};
    struct writing frames = {
        .file = HYP_FRAMES_FILE, .migrations = &hyp_frame_migrations, .err = err};
    enum hyp_status status = write_file(&main, source, "", target, now);
    return status == HYP_OK ? write_file(&frames, source, HYP_FRAMES_SCHEMA_SUFFIX, target, now)
                            : status;
}
