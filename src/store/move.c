/* SPDX-License-Identifier: Apache-2.0 */
#include "store/move.h"

#include "base/limits.h"
#include "store/folder.h"
#include "store/layout.h"
#include "store/migrate.h"
#include "store/move_table.h"
#include "store/partition.h"
#include "store/postgres/postgres.h"
#include "store/sqlite/sqlite.h"
#include "store/store.h"

#include <string.h>
#include <unistd.h>

#define ARENA_MAX (4 * 1024 * 1024)

struct moving {
    const struct hyp_store_move *move;
    struct hyp_error *err;
    struct hyp_arena arena;
    int lock_fd;
    struct hyp_db *from[2]; /* main, frames */
    struct hyp_db *to[2];
};

static const char *const files[] = {HYP_MAIN_FILE, HYP_FRAMES_FILE};
static const struct hyp_migrations *const migrations[] = {&hyp_store_migrations,
                                                          &hyp_frame_migrations};

/* --- opening both ends --- */

static enum hyp_status open_source(struct moving *m, size_t i)
{
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, m->move->folder, files[i], m->err);
    if (status == HYP_OK && !hyp_file_exists(path.text)) {
        return hyp_error_set(m->err, HYP_NOT_FOUND, -1, "%s is missing: %s is no data folder",
                             path.text, m->move->folder);
    }
    if (status == HYP_OK) {
        status = hyp_sqlite_open(path.text, HYP_SQLITE_WRITE, &m->from[i], m->err);
    }
    if (status == HYP_OK) {
        status = hyp_sqlite_check(m->from[i], m->err);
    }
    /* Both ends must have the same columns. */
    return status == HYP_OK ? hyp_migrate(m->from[i], migrations[i],
                                          hyp_clock_utc(m->move->clock), files[i], m->err)
                            : status;
}

static enum hyp_status open_target(struct moving *m, size_t i)
{
    char name[HYP_LIMIT_SCHEMA_NAME];
    struct hyp_buf schema;
    hyp_buf_init_fixed(&schema, name, sizeof(name));
    hyp_buf_append_text(&schema, m->move->schema == NULL ? HYP_MAIN_SCHEMA : m->move->schema);
    hyp_buf_append_text(&schema, i == 0 ? "" : HYP_FRAMES_SCHEMA_SUFFIX);
    const struct hyp_postgres_config config = {.url = m->move->database,
                                               .schema = hyp_buf_terminate(&schema)};
    if (hyp_buf_status(&schema) != HYP_OK) {
        return hyp_error_set(m->err, HYP_LIMIT, -1, "the name of the schema is too long");
    }
    enum hyp_status status = hyp_postgres_open(&config, &m->to[i], m->err);
    if (status == HYP_OK) {
        status = hyp_postgres_lock(m->to[i], m->err);
    }
    return status == HYP_OK ? hyp_migrate(m->to[i], migrations[i],
                                          hyp_clock_utc(m->move->clock), "PostgreSQL", m->err)
                            : status;
}

static enum hyp_status open_ends(struct moving *m)
{
    enum hyp_status status = hyp_folder_lock(m->move->folder, &m->lock_fd, m->err);
    for (size_t i = 0; i < HYP_ARRAY_LEN(files) && status == HYP_OK; i++) {
        status = open_source(m, i);
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(files) && status == HYP_OK; i++) {
        status = open_target(m, i);
    }
    return status;
}

/* --- tables --- */

static enum hyp_status name_failure(struct moving *m, struct hyp_db *db, enum hyp_status status,
                                    const char *table)
{
    struct hyp_error cause = {0};
    hyp_db_error(db, status, &cause, table);
    return hyp_error_set_code(m->err, status, cause.source, cause.code,
                              "nothing was moved: table %s", cause.text);
}

static enum hyp_status move_table(struct moving *m, size_t i, const char *name)
{
    struct hyp_move_table table;
    struct hyp_move_sum sent = {0};
    struct hyp_move_sum found = {0};
    struct hyp_db *at = m->to[i];
    enum hyp_status status =
        hyp_move_table_open(m->to[i], name, HYP_MOVE_SHARDED, &m->arena, &table);
    if (status == HYP_OK) {
        status = hyp_move_table_copy(&table, m->from[i], m->to[i], &sent);
        at = m->from[i]->error_text[0] != '\0' ? m->from[i] : at;
    }
    if (status == HYP_OK) {
        status = hyp_move_table_sum(&table, m->to[i], &found);
    }
    if (status != HYP_OK) {
        return name_failure(m, at, status, name);
    }
    if (sent.rows != found.rows || sent.checksum != found.checksum) {
        return hyp_error_set(m->err, HYP_CORRUPT, -1,
                             "nothing was moved: table %s has %lld rows with checksum %016llx, "
                             "PostgreSQL gives back %lld with %016llx",
                             name, (long long)sent.rows, (unsigned long long)sent.checksum,
                             (long long)found.rows, (unsigned long long)found.checksum);
    }
    if (m->move->moved != NULL) {
        m->move->moved(m->move->user, name, found.rows, found.checksum);
    }
    return HYP_OK;
}

/* Is there nothing in the target that a store would miss? */
static enum hyp_status check_empty(struct moving *m, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hyp_move_table table;
        struct hyp_move_sum found = {0};
        enum hyp_status status =
            hyp_move_table_open(m->to[0], names[i], HYP_MOVE_SHARDED, &m->arena, &table);
        if (status == HYP_OK) {
            status = hyp_move_table_sum(&table, m->to[0], &found);
        }
        if (status != HYP_OK) {
            return name_failure(m, m->to[0], status, names[i]);
        }
        if (found.rows > 0) {
            return hyp_error_set(m->err, HYP_EXISTS, -1,
                                 "the database holds a store already (table %s has rows): name "
                                 "an empty database",
                                 names[i]);
        }
    }
    return HYP_OK;
}

/* --- numbers of rows to come --- */

static void set_counter(struct hyp_db *to, struct hyp_str table, int64_t last)
{
    struct hyp_query query;
    hyp_query_open(&query, to,
                   "SELECT setval(pg_get_serial_sequence("
                   "format('%I.%I', current_schema(), $1::text), 'id'), $2)");
    hyp_query_bind_str(&query, table);
    hyp_query_bind_i64(&query, last);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

/* A number is never used twice, not even that of a row that is gone. */
static enum hyp_status set_counters(struct hyp_db *from, struct hyp_db *to)
{
    struct hyp_query query;
    hyp_query_open(&query, from, "SELECT name, seq FROM sqlite_sequence");
    while (hyp_query_row(&query)) {
        struct hyp_str name = hyp_query_str(&query);
        int64_t last = hyp_query_i64(&query);
        if (last > 0) {
            set_counter(to, name, last);
        }
    }
    return hyp_query_close(&query);
}

/* --- all of it --- */

static void run(struct hyp_db *to, const char *sql)
{
    struct hyp_query query;
    hyp_query_open(&query, to, sql);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

/* Frames of a move that ended between its two commits. */
static void clear_frames(struct hyp_db *to)
{
    run(to, "DELETE FROM frame_device");
    run(to, "DELETE FROM frame_line");
    run(to, "DELETE FROM frame_block");
}

/* Chunks are only told apart by their time once there is a partition for it. */
static enum hyp_status make_partitions(struct hyp_db *from, struct hyp_db *to)
{
    struct hyp_query query;
    hyp_query_open(&query, from, "SELECT DISTINCT id >> 32 FROM chunk");
    while (hyp_query_row(&query)) {
        hyp_partition_need(to, HYP_PARTITIONED_CHUNK, (uint32_t)hyp_query_i64(&query));
    }
    return hyp_query_close(&query);
}

static enum hyp_status move_database(struct moving *m, size_t i)
{
    const char *names[HYP_MOVE_TABLES];
    size_t count = 0;
    enum hyp_status status = hyp_move_list_tables(m->to[i], &m->arena, names, &count);
    if (status != HYP_OK) {
        return name_failure(m, m->to[i], status, "list");
    }
    hyp_db_begin(m->to[i]);
    if (i == 1) {
        clear_frames(m->to[i]);
    } else {
        status = make_partitions(m->from[i], m->to[i]);
    }
    for (size_t t = 0; t < count && status == HYP_OK; t++) {
        status = move_table(m, i, names[t]);
    }
    if (status == HYP_OK) {
        status = set_counters(m->from[i], m->to[i]);
    }
    if (status != HYP_OK) {
        hyp_db_rollback(m->to[i]);
        return status;
    }
    status = hyp_db_commit(m->to[i]);
    return status == HYP_OK ? HYP_OK : name_failure(m, m->to[i], status, "commit");
}

static enum hyp_status move_all(struct moving *m)
{
    const char *names[HYP_MOVE_TABLES];
    size_t count = 0;
    enum hyp_status status = hyp_move_list_tables(m->to[0], &m->arena, names, &count);
    if (status != HYP_OK) {
        return name_failure(m, m->to[0], status, "list");
    }
    status = check_empty(m, names, count);
    /* The main tables are what makes a store, so they come last. */
    if (status == HYP_OK) {
        status = move_database(m, 1);
    }
    return status == HYP_OK ? move_database(m, 0) : status;
}

static enum hyp_status mark_folder(struct moving *m)
{
    static const char text[] =
        "The readings of this folder were moved to PostgreSQL; secret.key is still needed "
        "here.\n"
        "To go back to the SQLite files as they were then, remove this file.\n";
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, m->move->folder, HYP_MOVED_FILE, m->err);
    if (status == HYP_OK) {
        status = hyp_file_create(path.text, (const uint8_t *)text, sizeof(text) - 1, m->err);
    }
    return status == HYP_OK ? hyp_folder_sync(m->move->folder, m->err) : status;
}

enum hyp_status hyp_store_move(const struct hyp_store_move *move, struct hyp_error *err)
{
    struct moving m = {.move = move, .err = err, .lock_fd = -1};
    hyp_arena_init(&m.arena, ARENA_MAX);
    enum hyp_status status = open_ends(&m);
    if (status == HYP_OK) {
        status = move_all(&m);
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(files); i++) {
        hyp_db_close(m.from[i]);
        hyp_db_close(m.to[i]);
    }
    if (status == HYP_OK) {
        status = mark_folder(&m);
    }
    if (m.lock_fd >= 0) {
        close(m.lock_fd);
    }
    hyp_arena_finish(&m.arena);
    return status;
}

/* --- restore --- */

/* The folder needs its key and nothing else any more. */
static enum hyp_status drop_files(const char *folder, struct hyp_error *err)
{
    static const char *const names[] = {
        HYP_MAIN_FILE,          HYP_MAIN_FILE "-wal",   HYP_MAIN_FILE "-shm", HYP_FRAMES_FILE,
        HYP_FRAMES_FILE "-wal", HYP_FRAMES_FILE "-shm", HYP_MOVED_FILE,
    };
    struct hyp_path path;
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; i < HYP_ARRAY_LEN(names) && status == HYP_OK; i++) {
        status = hyp_path_join(&path, folder, names[i], err);
        if (status == HYP_OK) {
            status = hyp_file_remove(path.text, err);
        }
    }
    return status == HYP_OK ? hyp_folder_sync(folder, err) : status;
}

enum hyp_status hyp_store_restore_database(const char *backup_folder,
                                           const struct hyp_store_move *move,
                                           struct hyp_error *err)
{
    enum hyp_status status = hyp_store_restore(backup_folder, move->folder, err);
    if (status == HYP_OK) {
        status = hyp_store_move(move, err);
    }
    return status == HYP_OK ? drop_files(move->folder, err) : status;
}
