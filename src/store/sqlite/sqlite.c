/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/sqlite.h"

#include "base/limits.h"
#include "store/sqlite/gather.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* How long a connection waits for another one's lock; only backup and restore meet one. */
#define BUSY_TIMEOUT_MS 10000

struct sqlite_db {
    struct hyp_db base;
    sqlite3 *handle;
    int64_t spare_since; /* when the look at the free pages began; 0 = not yet */
    int64_t spare_least; /* fewest of them since */
    int64_t surplus;     /* of them, still to be given back */
};

static sqlite3 *handle_of(struct hyp_db *db)
{
    return ((struct sqlite_db *)db)->handle;
}

static sqlite3_stmt *real(struct hyp_stmt *stmt)
{
    return (sqlite3_stmt *)stmt;
}

/* Result codes by the low byte; extended codes that mean something else come first. */
static const struct {
    int code;
    enum hyp_status status;
} status_rows[] = {
    {SQLITE_IOERR_NOMEM,           HYP_NO_MEMORY},
    {SQLITE_CONSTRAINT_UNIQUE,     HYP_EXISTS   },
    {SQLITE_CONSTRAINT_PRIMARYKEY, HYP_EXISTS   },
    {SQLITE_CONSTRAINT_ROWID,      HYP_EXISTS   },
    {SQLITE_CONSTRAINT_FOREIGNKEY, HYP_CONFLICT },
    {SQLITE_OK,                    HYP_OK       },
    {SQLITE_NOMEM,                 HYP_NO_MEMORY},
    {SQLITE_FULL,                  HYP_FULL     },
    {SQLITE_IOERR,                 HYP_IO       },
    {SQLITE_READONLY,              HYP_IO       },
    {SQLITE_CANTOPEN,              HYP_IO       },
    {SQLITE_PERM,                  HYP_IO       },
    {SQLITE_CORRUPT,               HYP_CORRUPT  },
    {SQLITE_NOTADB,                HYP_CORRUPT  },
    {SQLITE_BUSY,                  HYP_BUSY     },
    {SQLITE_LOCKED,                HYP_BUSY     },
    {SQLITE_TOOBIG,                HYP_LIMIT    },
    {SQLITE_CONSTRAINT,            HYP_INVALID  },
};

static enum hyp_status status_of(int code)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(status_rows); i++) {
        if (status_rows[i].code == code || status_rows[i].code == (code & 0xFF)) {
            return status_rows[i].status;
        }
    }
    return HYP_INTERNAL;
}

/* Keeps what SQLite said for hyp_db_error; a later call would overwrite it. */
static enum hyp_status failed(struct hyp_db *db, int code)
{
    db->error_code = code;
    hyp_text_copy(db->error_text, sizeof(db->error_text),
                  hyp_str_from(sqlite3_errmsg(handle_of(db))));
    enum hyp_status status = status_of(code);
    /* An extended code may end in the byte of SQLITE_OK; whoever calls this has failed. */
    return status == HYP_OK ? HYP_INTERNAL : status;
}

static enum hyp_status sqlite_exec(struct hyp_db *db, const char *sql)
{
    int code = sqlite3_exec(handle_of(db), sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? HYP_OK : failed(db, code);
}

/* "$3" must be parameter 3, or the binding by position would go astray. */
static bool parameters_in_order(sqlite3_stmt *stmt)
{
    int count = sqlite3_bind_parameter_count(stmt);
    for (int i = 1; i <= count; i++) {
        const char *name = sqlite3_bind_parameter_name(stmt, i);
        uint64_t number;
        if (name == NULL || name[0] != '$' ||
            hyp_str_to_u64(hyp_str_from(name + 1), &number) != HYP_OK ||
            number != (uint64_t)i) {
            return false;
        }
    }
    return true;
}

static enum hyp_status sqlite_prepare(struct hyp_db *db, const char *sql,
                                      struct hyp_stmt **ret_stmt)
{
    sqlite3_stmt *stmt = NULL;
    int code =
        sqlite3_prepare_v3(handle_of(db), sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (code != SQLITE_OK) {
        return failed(db, code);
    }
    assert(parameters_in_order(stmt));
    *ret_stmt = (struct hyp_stmt *)stmt;
    return HYP_OK;
}

static void sqlite_finalise(struct hyp_stmt *stmt)
{
    sqlite3_finalize(real(stmt));
}

static enum hyp_status sqlite_bind_i64(struct hyp_stmt *stmt, int index, int64_t value)
{
    return status_of(sqlite3_bind_int64(real(stmt), index, value));
}

static enum hyp_status sqlite_bind_f64(struct hyp_stmt *stmt, int index, double value)
{
    return status_of(sqlite3_bind_double(real(stmt), index, value));
}

static enum hyp_status sqlite_bind_text(struct hyp_stmt *stmt, int index, struct hyp_str value)
{
    const char *text = value.ptr == NULL ? "" : value.ptr;
    return status_of(
        sqlite3_bind_text64(real(stmt), index, text, value.len, SQLITE_STATIC, SQLITE_UTF8));
}

static enum hyp_status sqlite_bind_blob(struct hyp_stmt *stmt, int index, const uint8_t *data,
                                        size_t len)
{
    if (len == 0) {
        return status_of(sqlite3_bind_zeroblob(real(stmt), index, 0));
    }
    return status_of(sqlite3_bind_blob64(real(stmt), index, data, len, SQLITE_STATIC));
}

static enum hyp_status sqlite_bind_null(struct hyp_stmt *stmt, int index)
{
    return status_of(sqlite3_bind_null(real(stmt), index));
}

static enum hyp_status sqlite_step(struct hyp_db *db, struct hyp_stmt *stmt, bool *ret_row)
{
    int code = sqlite3_step(real(stmt));
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        return failed(db, sqlite3_extended_errcode(handle_of(db)));
    }
    *ret_row = code == SQLITE_ROW;
    return HYP_OK;
}

static void sqlite_reset(struct hyp_stmt *stmt)
{
    /* The return value repeats the failure of the last step. */
    sqlite3_reset(real(stmt));
    sqlite3_clear_bindings(real(stmt));
}

static int64_t sqlite_column_i64(struct hyp_stmt *stmt, int column)
{
    return sqlite3_column_int64(real(stmt), column);
}

static double sqlite_column_f64(struct hyp_stmt *stmt, int column)
{
    return sqlite3_column_double(real(stmt), column);
}

/* For texts too: unlike sqlite3_column_text it never allocates, so it cannot fail. */
static struct hyp_str sqlite_column_blob(struct hyp_stmt *stmt, int column)
{
    const char *data = sqlite3_column_blob(real(stmt), column);
    return (struct hyp_str){.ptr = data == NULL ? "" : data,
                            .len = (size_t)sqlite3_column_bytes(real(stmt), column)};
}

static bool sqlite_column_is_null(struct hyp_stmt *stmt, int column)
{
    return sqlite3_column_type(real(stmt), column) == SQLITE_NULL;
}

static int64_t sqlite_changes(struct hyp_db *db)
{
    return sqlite3_changes64(handle_of(db));
}

static int64_t sqlite_last_id(struct hyp_db *db)
{
    return sqlite3_last_insert_rowid(handle_of(db));
}

static bool sqlite_is_in_transaction(struct hyp_db *db)
{
    return sqlite3_get_autocommit(handle_of(db)) == 0;
}

/* Free pages are kept for the next rows, up to this part of all pages; and this many at least.
 */
#define FREE_PART 32
/* What one step gives back, as the statement says. */
#define GIVEN_PAGES 512
/* "Hypo": nothing that was deleted is left in pages in use. */
#define CLEAN_FILE 0x4879706F
#define CLEAN_FILE_TEXT "0x4879706F"
#define FREE_MIN 64

static int64_t pragma_number(struct hyp_db *db, const char *sql)
{
    struct hyp_query query;
    hyp_query_open(&query, db, sql);
    int64_t number = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    return hyp_query_close(&query) == HYP_OK ? number : 0;
}

/*
 * How many of the free pages nobody needed for HYP_LIMIT_SPARE_MS. The log grows for a part of
 * a month and is emptied then: the pages it leaves are what it grows into again, and moving
 * them out of the file and back would cost more than all that is written into them.
 */
static int64_t find_surplus(struct sqlite_db *db, int64_t unused, int64_t now_ms)
{
    db->spare_least = HYP_MIN(db->spare_least, unused);
    if (db->spare_since != 0 && now_ms >= db->spare_since &&
        now_ms - db->spare_since < HYP_LIMIT_SPARE_MS) {
        return 0;
    }
    bool whole = db->spare_since != 0 && now_ms >= db->spare_since;
    int64_t surplus = whole ? db->spare_least : 0;
    db->spare_since = now_ms;
    db->spare_least = unused;
    return surplus;
}

/*
 * All free pages at once: the commit of a file whose auto_vacuum is FULL does that, and setting
 * it is such a commit. In steps SQLite looks for each page in the whole list of free ones,
 * which for some ten thousand pages takes longer than sealing what was in them. A file that
 * stays FULL because the second statement fails is INCREMENTAL again when it is opened next.
 */
static bool give_back_at_once(struct hyp_db *db)
{
    HYP_IGNORE(sqlite_exec(db, "PRAGMA auto_vacuum = FULL"));        /* or later */
    HYP_IGNORE(sqlite_exec(db, "PRAGMA auto_vacuum = INCREMENTAL")); /* or when opened */
    return false;
}

/* A file of an older version cannot give pages back until it has been written anew once; that
 * is done when half of it is free, so it is never bigger than what it gives back. */
static void write_anew(struct hyp_db *db, bool half_free)
{
    if (half_free) {
        HYP_IGNORE(sqlite_exec(db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM")); /* or later */
    }
}

/* Free pages at the end of the file are cut off, after pages in use have moved to the front: at
 * once, or in steps where the writer would have to wait long for that. */
static bool sqlite_tidy(struct hyp_db *base, int64_t now_ms)
{
    struct sqlite_db *db = (struct sqlite_db *)base;
    int64_t unused = pragma_number(base, "PRAGMA freelist_count");
    if (db->surplus > 0) {
        db->surplus -= GIVEN_PAGES;
        return sqlite_exec(base, "PRAGMA incremental_vacuum(512)") == HYP_OK && db->surplus > 0;
    }
    int64_t surplus = find_surplus(db, unused, now_ms);
    int64_t pages = surplus < FREE_MIN ? 0 : pragma_number(base, "PRAGMA page_count");
    if (surplus < FREE_MIN || surplus < pages / FREE_PART) {
        return false;
    }
    if (pragma_number(base, "PRAGMA auto_vacuum") == 0) {
        write_anew(base, unused >= pages / 2);
        return false;
    }
    if (unused <= HYP_LIMIT_SPARE_PAGES_AT_ONCE) {
        return give_back_at_once(base);
    }
    db->surplus = surplus;
    return true;
}

/* Empties the write-ahead log; who reads an old state of it is not waited for. */
static enum hyp_status empty_wal(struct hyp_db *db)
{
    struct hyp_query query;
    sqlite3_busy_timeout(handle_of(db), 0);
    hyp_query_open(&query, db, "PRAGMA wal_checkpoint(TRUNCATE)");
    bool busy = !hyp_query_row(&query) || hyp_query_i64(&query) != 0;
    enum hyp_status status = hyp_query_close(&query);
    sqlite3_busy_timeout(handle_of(db), BUSY_TIMEOUT_MS);
    return status == HYP_OK && busy ? HYP_BUSY : status;
}

/*
 * Pages in use are overwritten where something was deleted from them (secure_delete=FAST);
 * pages that are not in use are cut off. A file of a program that did not do the first is
 * written anew once; its number of the application says that it has been.
 */
static enum hyp_status sqlite_purge(struct hyp_db *db, bool *ret_more)
{
    if (pragma_number(db, "PRAGMA application_id") != CLEAN_FILE) {
        *ret_more = true;
        return sqlite_exec(db, "PRAGMA auto_vacuum=INCREMENTAL; VACUUM;"
                               "PRAGMA application_id=" CLEAN_FILE_TEXT);
    }
    int64_t unused = pragma_number(db, "PRAGMA freelist_count");
    if (unused > 0) {
        enum hyp_status status = sqlite_exec(db, "PRAGMA incremental_vacuum(512)");
        *ret_more = status == HYP_OK && pragma_number(db, "PRAGMA freelist_count") < unused;
        return status;
    }
    return empty_wal(db);
}

static void sqlite_close(struct hyp_db *db)
{
    /* All statements are finalised before, so this cannot be refused. */
    sqlite3_close_v2(handle_of(db));
    free(db);
}

static const struct hyp_db_word sqlite_words[] = {
    {"key",          "INTEGER PRIMARY KEY AUTOINCREMENT"},
    {"int",          "INTEGER"                          },
    {"real",         "REAL"                             },
    {"text",         "TEXT"                             },
    {"blob",         "BLOB"                             },
    {"strict",       "STRICT"                           },
    {"partitions",   ""                                 },
    {"partitions_2", ""                                 },
    {"postgres",     "/*"                               },
    {"end_postgres", "*/"                               },
};

static const struct hyp_db_ops sqlite_ops = {
    .name = "SQLite",
    .begin = "BEGIN IMMEDIATE",
    .words = sqlite_words,
    .word_count = HYP_ARRAY_LEN(sqlite_words),
    .error_source = HYP_ERROR_SQLITE,
    .exec = sqlite_exec,
    .prepare = sqlite_prepare,
    .finalise = sqlite_finalise,
    .bind_i64 = sqlite_bind_i64,
    .bind_f64 = sqlite_bind_f64,
    .bind_text = sqlite_bind_text,
    .bind_blob = sqlite_bind_blob,
    .bind_null = sqlite_bind_null,
    .step = sqlite_step,
    .reset = sqlite_reset,
    .column_i64 = sqlite_column_i64,
    .column_f64 = sqlite_column_f64,
    .column_text = sqlite_column_blob,
    .column_blob = sqlite_column_blob,
    .column_is_null = sqlite_column_is_null,
    .changes = sqlite_changes,
    .last_id = sqlite_last_id,
    .is_in_transaction = sqlite_is_in_transaction,
    .tidy = sqlite_tidy,
    .purge = sqlite_purge,
    .close = sqlite_close,
};

/* What each mode says to SQLite after opening. */
static const struct {
    int flags;
    const char *settings;
} modes[] = {
    [HYP_SQLITE_WRITE] =
        {SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                            "PRAGMA page_size=1024; PRAGMA auto_vacuum=INCREMENTAL;"
         "PRAGMA secure_delete=FAST;"
         "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=4096; PRAGMA synchronous=FULL;"
         "PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864;"
         "PRAGMA temp_store=MEMORY"                                                                                   },
 /* An empty file that takes the pages of another one, however long these are. */
    [HYP_SQLITE_COPY] = {SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,                      "PRAGMA synchronous=FULL"},
    [HYP_SQLITE_READ] = {SQLITE_OPEN_READONLY,
                            "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY"                                          },
    [HYP_SQLITE_MEMORY] = {SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY,
                            "PRAGMA foreign_keys=ON"                                                                  },
};

enum hyp_status hyp_sqlite_open(const char *path, enum hyp_sqlite_mode mode,
                                struct hyp_db **ret_db, struct hyp_error *err)
{
    struct sqlite_db *db = calloc(1, sizeof(*db));
    if (db == NULL) {
        hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory to open the database");
        return HYP_NO_MEMORY;
    }
    db->base.ops = &sqlite_ops;
    hyp_map_init(&db->base.statements);
    hyp_map_init(&db->base.partitions);
    /* One thread at a time per connection is our rule, so SQLite need not lock. */
    int code = sqlite3_open_v2(mode == HYP_SQLITE_MEMORY ? ":memory:" : path, &db->handle,
                               modes[mode].flags | SQLITE_OPEN_NOMUTEX,
                               mode == HYP_SQLITE_WRITE ? hyp_sqlite_gather() : NULL);
    enum hyp_status status = code == SQLITE_OK ? HYP_OK : failed(&db->base, code);
    if (status == HYP_OK) {
        sqlite3_extended_result_codes(db->handle, 1);
        sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
        status = sqlite_exec(&db->base, modes[mode].settings);
    }
    if (status != HYP_OK) {
        hyp_db_error(&db->base, status, err, mode == HYP_SQLITE_MEMORY ? "memory" : path);
        hyp_db_close(&db->base);
        return status;
    }
    *ret_db = &db->base;
    return HYP_OK;
}

static enum hyp_status copy_pages(sqlite3 *from, struct hyp_db *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(handle_of(to), "main", from, "main");
    if (backup == NULL) {
        return failed(to, sqlite3_extended_errcode(handle_of(to)));
    }
    /* All pages in one step: one read transaction, so the copy is of one moment and writers,
     * who append to the WAL, are not held up. */
    int code = sqlite3_backup_step(backup, -1);
    int finish = sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE && finish == SQLITE_OK) {
        return HYP_OK;
    }
    return failed(to, code == SQLITE_DONE ? finish : code);
}

enum hyp_status hyp_sqlite_copy(struct hyp_db *db, const char *target, struct hyp_error *err)
{
    struct hyp_db *copy;
    enum hyp_status status = hyp_sqlite_open(target, HYP_SQLITE_COPY, &copy, err);
    if (status != HYP_OK) {
        return status;
    }
    status = copy_pages(handle_of(db), copy);
    if (status == HYP_OK) {
        /* One plain file: the copied header asks for WAL. */
        status = sqlite_exec(copy, "PRAGMA journal_mode=DELETE");
    }
    if (status != HYP_OK) {
        status = hyp_db_error(copy, status, err, target);
    }
    hyp_db_close(copy);
    return status;
}

enum hyp_status hyp_sqlite_check(struct hyp_db *db, struct hyp_error *err)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "PRAGMA integrity_check(1)");
    char complaint[HYP_ERROR_TEXT_MAX] = "";
    if (hyp_query_row(&query)) {
        hyp_query_text(&query, complaint, sizeof(complaint));
    }
    enum hyp_status status = hyp_query_close(&query);
    if (status != HYP_OK) {
        return hyp_db_error(db, status, err, "integrity check");
    }
    if (!hyp_str_equal(hyp_str_from(complaint), HYP_STR("ok"))) {
        return hyp_error_set(err, HYP_CORRUPT, -1, "integrity check: %s", complaint);
    }
    return HYP_OK;
}
