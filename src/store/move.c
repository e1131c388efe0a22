/* SPDX-License-Identifier: Apache-2.0 */
#include "store/move.h"

#include "base/limits.h"
#include "store/folder.h"
#include "store/layout.h"
#include "store/migrate.h"
#include "store/move_table.h"
#include "store/partition.h"
#include "store/server.h"
#include "store/sqlite/sqlite.h"
#include "store/store.h"

#include <string.h>
#include <unistd.h>

#define ARENA_MAX (4 * 1024 * 1024)
#define DATABASES 2

/* What is true of the target. */
enum outcome { NOT_BEGUN, NOTHING_MOVED, NOT_KNOWN, ALL_MOVED };

struct moving {
    const struct hyp_store_move *move;
    struct hyp_error *err;
    struct hyp_arena arena;
    int lock_fd;
    struct hyp_db *from[DATABASES]; /* main, frames */
    struct hyp_db *to[DATABASES];
    char schemas[DATABASES][HYP_LIMIT_SCHEMA_NAME];
    enum outcome outcome;
};

static const char *const files[DATABASES] = {HYP_MAIN_FILE, HYP_FRAMES_FILE};
static const struct hyp_migrations *const migrations[DATABASES] = {&hyp_store_migrations,
                                                                   &hyp_frame_migrations};

/* What a person has to know before the reason: it says what to do next. What an earlier move
 * has left is not known before the target was looked at. */
static const char *const told[] = {
    [NOT_BEGUN] = "the move has not begun: ",
    [NOTHING_MOVED] = "nothing was moved: ",
    [NOT_KNOWN] = "not known whether all was moved (migrate-store again finds out): ",
    [ALL_MOVED] = "all was moved, but the folder is not marked (migrate-store again does): ",
};

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
    struct hyp_buf schema;
    hyp_buf_init_fixed(&schema, m->schemas[i], sizeof(m->schemas[i]));
    hyp_buf_append_text(&schema, m->move->schema == NULL ? HYP_MAIN_SCHEMA : m->move->schema);
    hyp_buf_append_text(&schema, i == 0 ? "" : HYP_FRAMES_SCHEMA_SUFFIX);
    const struct hyp_server_config config = {.url = m->move->database,
                                             .schema = hyp_buf_terminate(&schema),
                                             .tries = m->move->database_tries};
    if (hyp_buf_status(&schema) != HYP_OK) {
        return hyp_error_set(m->err, HYP_LIMIT, -1, "the name of the schema is too long");
    }
    enum hyp_status status = hyp_server_open(&config, &m->to[i], m->err);
    if (status == HYP_OK) {
        status = hyp_server_lock(m->to[i], m->err);
    }
    return status == HYP_OK ? hyp_migrate(m->to[i], migrations[i],
                                          hyp_clock_utc(m->move->clock), "PostgreSQL", m->err)
                            : status;
}

static enum hyp_status open_ends(struct moving *m)
{
    enum hyp_status status = hyp_folder_lock(m->move->folder, &m->lock_fd, m->err);
    for (size_t i = 0; i < DATABASES && status == HYP_OK; i++) {
        status = open_source(m, i);
    }
    for (size_t i = 0; i < DATABASES && status == HYP_OK; i++) {
        status = open_target(m, i);
    }
    return status;
}

/* --- tables --- */

/* Names the place; what is true of the target is said before it in the end. */
static enum hyp_status fail(struct moving *m, struct hyp_db *db, enum hyp_status status,
                            const char *place)
{
    return hyp_db_error(db, status, m->err, place);
}

static enum hyp_status fail_table(struct moving *m, struct hyp_db *db, enum hyp_status status,
                                  const char *table)
{
    struct hyp_error cause = {0};
    hyp_db_error(db, status, &cause, table);
    return hyp_error_set_code(m->err, status, cause.source, cause.code, "table %s", cause.text);
}

static enum hyp_status list_tables(struct moving *m, struct hyp_db *db,
                                   const char *names[static HYP_MOVE_TABLES], size_t *ret_count)
{
    enum hyp_status status = hyp_move_list_tables(db, &m->arena, names, ret_count);
    return status == HYP_OK ? HYP_OK : fail(m, db, status, "list of tables");
}

static void tell(struct moving *m, const char *table, const struct hyp_move_sum *sum)
{
    if (m->move->moved != NULL) {
        m->move->moved(m->move->user, table, sum->rows, sum->checksum);
    }
}

static bool is_same(const struct hyp_move_sum *a, const struct hyp_move_sum *b)
{
    return a->rows == b->rows && a->checksum == b->checksum;
}

static enum hyp_status move_table(struct moving *m, size_t i, const char *name)
{
    struct hyp_move_table table;
    struct hyp_move_sum sent = {0};
    struct hyp_move_sum found = {0};
    struct hyp_db *at = m->to[0];
    enum hyp_status status =
        hyp_move_table_open(m->to[0], name, HYP_MOVE_SHARDED, &m->arena, &table);
    if (status == HYP_OK) {
        status = hyp_move_table_copy(&table, m->from[i], m->to[0], &sent);
        at = m->from[i]->error_text[0] != '\0' ? m->from[i] : at;
    }
    if (status == HYP_OK) {
        status = hyp_move_table_sum(&table, m->to[0], &found);
    }
    if (status != HYP_OK) {
        return fail_table(m, at, status, name);
    }
    if (!is_same(&sent, &found)) {
        return hyp_error_set(m->err, HYP_CORRUPT, -1,
                             "table %s has %lld rows with checksum %016llx, "
                             "PostgreSQL gives back %lld with %016llx",
                             name, (long long)sent.rows, (unsigned long long)sent.checksum,
                             (long long)found.rows, (unsigned long long)found.checksum);
    }
    tell(m, name, &found);
    return HYP_OK;
}

/* --- a target that is not empty --- */

/* Is there nothing in the target that a store would miss? */
static enum hyp_status look_for_rows(struct moving *m, bool *ret_found)
{
    const char *names[HYP_MOVE_TABLES];
    size_t count = 0;
    *ret_found = false;
    enum hyp_status status = list_tables(m, m->to[0], names, &count);
    if (status == HYP_OK) {
        status = hyp_move_find_rows(m->to[0], &m->arena, names, count, ret_found);
        status = status == HYP_OK ? HYP_OK : fail(m, m->to[0], status, "is it empty");
    }
    return status;
}

/* What one of the databases has, when it is what the folder has. */
static enum hyp_status compare_database(struct moving *m, size_t i,
                                        const char *names[static HYP_MOVE_TABLES],
                                        struct hyp_move_sum sums[static HYP_MOVE_TABLES],
                                        size_t *ret_count)
{
    enum hyp_status status = list_tables(m, m->to[i], names, ret_count);
    for (size_t t = 0; t < *ret_count && status == HYP_OK; t++) {
        struct hyp_move_table table;
        struct hyp_move_sum here = {0};
        status = hyp_move_table_open(m->to[i], names[t], HYP_MOVE_SHARDED, &m->arena, &table);
        if (status == HYP_OK) {
            status = hyp_move_table_sum(&table, m->to[i], &sums[t]);
        }
        struct hyp_db *at = status == HYP_OK ? m->from[i] : m->to[i];
        if (status == HYP_OK) {
            status = hyp_move_table_sum(&table, m->from[i], &here);
        }
        if (status != HYP_OK) {
            return fail_table(m, at, status, names[t]);
        }
        if (!is_same(&here, &sums[t])) {
            return hyp_error_set(m->err, HYP_EXISTS, -1,
                                 "the database holds a store already, and not this one as it "
                                 "is here (table %s): name an empty database",
                                 names[t]);
        }
    }
    return status;
}

/*
 * A move whose outcome nobody heard, or that ended before the folder was marked, has left all
 * of it in the target. Another store is refused, and so is one that was used since.
 */
static enum hyp_status take_up(struct moving *m)
{
    const char *names[DATABASES][HYP_MOVE_TABLES];
    struct hyp_move_sum sums[DATABASES][HYP_MOVE_TABLES] = {0};
    size_t counts[DATABASES] = {0};
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; i < DATABASES && status == HYP_OK; i++) {
        status = compare_database(m, i, names[i], sums[i], &counts[i]);
    }
    for (size_t i = DATABASES; i > 0 && status == HYP_OK; i--) {
        for (size_t t = 0; t < counts[i - 1]; t++) {
            tell(m, names[i - 1][t], &sums[i - 1][t]);
        }
    }
    return status;
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

/* Earlier programs moved frames in a transaction of their own, and it may have been their
 * last. */
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

/* One connection writes the tables of both schemas, so that one commit is for all of them. */
static void choose_schema(struct moving *m, size_t i)
{
    struct hyp_query query;
    hyp_query_open(&query, m->to[0], "SELECT set_config('search_path', quote_ident($1), true)");
    hyp_query_bind_text(&query, m->schemas[i]);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

/* Failures of the target are sticky: what comes behind one says nothing of it. */
static enum hyp_status check_target(struct moving *m, const char *place)
{
    struct hyp_db *to = m->to[0];
    return to->failed == HYP_OK ? HYP_OK : fail(m, to, to->failed, place);
}

static enum hyp_status prepare_database(struct moving *m, size_t i)
{
    choose_schema(m, i);
    if (i == 0) {
        return check_target(m, "schema");
    }
    clear_frames(m->to[0]);
    return check_target(m, "frames that are left");
}

/* How long a partition is depends on the number of devices, and they have come before. */
static enum hyp_status prepare_table(struct moving *m, size_t i, const char *name)
{
    if (strcmp(name, "chunk") != 0) {
        return HYP_OK;
    }
    enum hyp_status status = make_partitions(m->from[i], m->to[0]);
    return status == HYP_OK ? check_target(m, "partitions")
                            : fail(m, m->from[i], status, "partitions");
}

static enum hyp_status move_database(struct moving *m, size_t i)
{
    const char *names[HYP_MOVE_TABLES];
    size_t count = 0;
    enum hyp_status status = prepare_database(m, i);
    if (status == HYP_OK) {
        status = list_tables(m, m->to[0], names, &count);
    }
    for (size_t t = 0; t < count && status == HYP_OK; t++) {
        status = prepare_table(m, i, names[t]);
        status = status == HYP_OK ? move_table(m, i, names[t]) : status;
    }
    if (status != HYP_OK) {
        return status;
    }
    status = set_counters(m->from[i], m->to[0]);
    return status == HYP_OK ? check_target(m, "numbers of rows to come")
                            : fail(m, m->from[i], status, "numbers of rows to come");
}

static enum hyp_status commit(struct moving *m)
{
    struct hyp_db *to = m->to[0];
    enum hyp_status status = hyp_db_commit(to);
    if (status == HYP_OK) {
        return HYP_OK;
    }
    m->outcome = hyp_server_is_unsure(to) ? NOT_KNOWN : NOTHING_MOVED;
    return fail(m, to, status, "commit");
}

static enum hyp_status copy_all(struct moving *m)
{
    m->outcome = NOTHING_MOVED;
    hyp_db_begin(m->to[0]);
    enum hyp_status status = check_target(m, "begin");
    for (size_t i = DATABASES; i > 0 && status == HYP_OK; i--) {
        status = move_database(m, i - 1);
    }
    if (status != HYP_OK) {
        hyp_db_rollback(m->to[0]);
        return status;
    }
    return commit(m);
}

static enum hyp_status move_all(struct moving *m)
{
    bool found = false;
    enum hyp_status status = look_for_rows(m, &found);
    if (status == HYP_OK) {
        status = found ? take_up(m) : copy_all(m);
    }
    if (status == HYP_OK) {
        m->outcome = ALL_MOVED;
    }
    return status;
}

/* A folder that was moved before, to another database, has the mark. */
static enum hyp_status mark_folder(struct moving *m)
{
    static const char text[] =
        "The readings of this folder were moved to PostgreSQL; secret.key is still needed "
        "here.\n"
        "To go back to the SQLite files as they were then, remove this file.\n";
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, m->move->folder, HYP_MOVED_FILE, m->err);
    if (status == HYP_OK && !hyp_file_exists(path.text)) {
        status = hyp_file_create(path.text, (const uint8_t *)text, sizeof(text) - 1, m->err);
    }
    return status == HYP_OK ? hyp_folder_sync(m->move->folder, m->err) : status;
}

static void close_ends(struct moving *m)
{
    for (size_t i = 0; i < DATABASES; i++) {
        m->from[i] = hyp_db_close(m->from[i]);
        m->to[i] = hyp_db_close(m->to[i]);
    }
}

enum hyp_status hyp_store_move(const struct hyp_store_move *move, struct hyp_error *err)
{
    struct hyp_error cause = {0};
    struct moving m = {.move = move, .err = &cause, .lock_fd = -1};
    hyp_arena_init(&m.arena, ARENA_MAX);
    enum hyp_status status = open_ends(&m);
    if (status == HYP_OK) {
        status = move_all(&m);
    }
    close_ends(&m);
    if (status == HYP_OK) {
        status = mark_folder(&m);
    }
    if (m.lock_fd >= 0) {
        close(m.lock_fd);
    }
    hyp_arena_finish(&m.arena);
    return status == HYP_OK ? HYP_OK
                            : hyp_error_set_code(err, status, cause.source, cause.code, "%s%s",
                                                 told[m.outcome], cause.text);
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
    struct hyp_error cause = {0};
    if (status == HYP_OK && (status = drop_files(move->folder, &cause)) != HYP_OK) {
        return hyp_error_set_code(err, status, cause.source, cause.code,
                                  "all is in the database; remove the .db files of the folder "
                                  "yourself: %s",
                                  cause.text);
    }
    return status;
}
