/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

void *hyp_db_close(struct hyp_db *db)
{
    if (db == NULL) {
        return NULL;
    }
    size_t cursor = 0;
    uint64_t key;
    uint64_t value;
    while (hyp_map_next(&db->statements, &cursor, &key, &value)) {
        db->ops->finalise((struct hyp_stmt *)(uintptr_t)value);
    }
    hyp_map_finish(&db->statements);
    hyp_map_finish(&db->partitions);
    db->ops->close(db);
    return NULL;
}

void hyp_db_forget_partitions(struct hyp_db *db)
{
    hyp_map_finish(&db->partitions);
    hyp_map_init(&db->partitions);
}

void hyp_db_fail(struct hyp_db *db, enum hyp_status status)
{
    if (db->failed == HYP_OK) {
        db->failed = status;
    }
}

bool hyp_db_tidy(struct hyp_db *db, int64_t now_ms)
{
    return db->ops->tidy(db, now_ms);
}

enum hyp_status hyp_db_purge(struct hyp_db *db, bool *ret_more)
{
    *ret_more = false;
    return db->ops->purge == NULL ? HYP_OK : db->ops->purge(db, ret_more);
}

enum hyp_status hyp_db_exec(struct hyp_db *db, const char *sql)
{
    return db->ops->exec(db, sql);
}

/* A rollback may itself have failed, without memory for one. What it was to take back must be
 * seen by nobody. */
static enum hyp_status end_rollback(struct hyp_db *db)
{
    if (!db->unended) {
        return HYP_OK;
    }
    enum hyp_status status =
        db->ops->is_in_transaction(db) ? db->ops->exec(db, "ROLLBACK") : HYP_OK;
    /* With a connection that went meanwhile its transaction has gone too. */
    db->unended = status != HYP_OK && db->ops->is_in_transaction(db);
    return db->unended ? status : HYP_OK;
}

static void begin(struct hyp_db *db, const char *sql)
{
    db->failed = HYP_OK;
    db->error_code = 0;
    db->error_text[0] = '\0';
    db->unended = db->ops->is_in_transaction(db);
    hyp_db_fail(db, end_rollback(db));
    if (db->failed == HYP_OK) {
        hyp_db_fail(db, db->ops->exec(db, sql));
    }
    db->in_transaction = db->failed == HYP_OK;
    /* A database may have begun, and refused what belongs to beginning. */
    db->unended = !db->in_transaction && db->ops->is_in_transaction(db);
}

void hyp_db_begin(struct hyp_db *db)
{
    begin(db, db->ops->begin);
}

void hyp_db_begin_snapshot(struct hyp_db *db)
{
    begin(db, db->ops->begin_snapshot);
}

void hyp_db_rollback(struct hyp_db *db)
{
    hyp_db_forget_partitions(db); /* those of this transaction do not stay */
    if (db->in_transaction) {
        char text[HYP_ERROR_TEXT_MAX];
        int code = db->error_code;
        hyp_text_copy(text, sizeof(text), hyp_str_from(db->error_text));
        /* After some failures the database has rolled back already and refuses; a rollback that
         * could not be done is done by whatever comes next. */
        db->unended = db->ops->exec(db, "ROLLBACK") != HYP_OK;
        db->error_code = code;
        hyp_text_copy(db->error_text, sizeof(db->error_text), hyp_str_from(text));
    }
    db->in_transaction = false;
}

enum hyp_status hyp_db_commit(struct hyp_db *db)
{
    if (db->failed == HYP_OK) {
        hyp_db_fail(db, db->ops->exec(db, "COMMIT"));
    }
    enum hyp_status status = db->failed;
    if (status != HYP_OK) {
        hyp_db_rollback(db);
    }
    db->in_transaction = false;
    db->failed = HYP_OK;
    return status;
}

enum hyp_status hyp_db_error(struct hyp_db *db, enum hyp_status status, struct hyp_error *err,
                             const char *what)
{
    if (db->error_text[0] != '\0') {
        return hyp_error_set_code(err, status, db->ops->error_source, db->error_code, "%s: %s",
                                  what, db->error_text);
    }
    return hyp_error_set(err, status, -1, "%s: %s", what, hyp_status_text(status));
}

/* --- one statement --- */

static enum hyp_status take_statement(struct hyp_query *query, const char *sql)
{
    struct hyp_db *db = query->db;
    uint64_t value;
    if (hyp_map_get(&db->statements, (uint64_t)(uintptr_t)sql, &value)) {
        /* Out of the cache while in use, so that a nested run of the same text gets its own. */
        hyp_map_remove(&db->statements, (uint64_t)(uintptr_t)sql);
        query->stmt = (struct hyp_stmt *)(uintptr_t)value;
        return HYP_OK;
    }
    return db->ops->prepare(db, sql, &query->stmt);
}

void hyp_query_open(struct hyp_query *query, struct hyp_db *db, const char *sql)
{
    *query = (struct hyp_query){.db = db, .sql = sql, .status = db->failed};
    if (query->status == HYP_OK && !db->in_transaction) {
        query->status = end_rollback(db);
    }
    if (query->status == HYP_OK) {
        query->status = take_statement(query, sql);
    }
}

static bool can_bind(struct hyp_query *query)
{
    query->bound++;
    return query->status == HYP_OK;
}

void hyp_query_bind_i64(struct hyp_query *query, int64_t value)
{
    if (can_bind(query)) {
        query->status = query->db->ops->bind_i64(query->stmt, query->bound, value);
    }
}

void hyp_query_bind_id(struct hyp_query *query, int64_t value)
{
    if (value != 0) {
        hyp_query_bind_i64(query, value);
    } else if (can_bind(query)) {
        query->status = query->db->ops->bind_null(query->stmt, query->bound);
    }
}

void hyp_query_bind_f64(struct hyp_query *query, double value)
{
    if (can_bind(query)) {
        query->status = query->db->ops->bind_f64(query->stmt, query->bound, value);
    }
}

void hyp_query_bind_str(struct hyp_query *query, struct hyp_str value)
{
    if (can_bind(query)) {
        query->status = query->db->ops->bind_text(query->stmt, query->bound, value);
    }
}

void hyp_query_bind_text(struct hyp_query *query, const char *value)
{
    hyp_query_bind_str(query, hyp_str_from(value));
}

void hyp_query_bind_blob(struct hyp_query *query, const uint8_t *data, size_t len)
{
    if (can_bind(query)) {
        query->status = query->db->ops->bind_blob(query->stmt, query->bound, data, len);
    }
}

bool hyp_query_row(struct hyp_query *query)
{
    if (query->status != HYP_OK || query->ended) {
        return false;
    }
    bool row = false;
    query->status = query->db->ops->step(query->db, query->stmt, &row);
    query->column = 0;
    query->ended = query->status != HYP_OK || !row;
    return !query->ended;
}

int64_t hyp_query_i64(struct hyp_query *query)
{
    return query->db->ops->column_i64(query->stmt, query->column++);
}

double hyp_query_f64(struct hyp_query *query)
{
    return query->db->ops->column_f64(query->stmt, query->column++);
}

struct hyp_str hyp_query_str(struct hyp_query *query)
{
    return query->db->ops->column_text(query->stmt, query->column++);
}

struct hyp_str hyp_query_blob(struct hyp_query *query)
{
    return query->db->ops->column_blob(query->stmt, query->column++);
}

hyp_utc hyp_query_utc(struct hyp_query *query)
{
    return (hyp_utc){.ms = hyp_query_i64(query)};
}

void hyp_query_text(struct hyp_query *query, char *out, size_t size)
{
    hyp_text_copy(out, size, hyp_query_str(query));
}

enum hyp_status hyp_query_close(struct hyp_query *query)
{
    struct hyp_db *db = query->db;
    if (query->stmt != NULL) {
        db->ops->reset(query->stmt);
        uint64_t value;
        uint64_t key = (uint64_t)(uintptr_t)query->sql;
        /* A statement that cannot be cached is only slower next time. */
        if (hyp_map_get(&db->statements, key, &value) ||
            hyp_map_set(&db->statements, key, (uint64_t)(uintptr_t)query->stmt) != HYP_OK) {
            db->ops->finalise(query->stmt);
        }
        query->stmt = NULL;
    }
    if (query->status != HYP_OK && db->in_transaction) {
        hyp_db_fail(db, query->status);
    }
    return query->status;
}

enum hyp_status hyp_query_insert(struct hyp_query *query, int64_t *ret_id)
{
    bool returned = hyp_query_row(query);
    int64_t id = returned ? hyp_query_i64(query) : 0;
    if (!returned && query->status == HYP_OK && hyp_db_knows_ids(query->db)) {
        id = query->db->ops->last_id(query->db);
    }
    enum hyp_status status = hyp_query_close(query);
    if (status == HYP_OK) {
        *ret_id = id;
    }
    return status;
}

enum hyp_status hyp_query_run(struct hyp_query *query, int64_t *ret_changes)
{
    while (hyp_query_row(query)) {
    }
    int64_t changes = query->status == HYP_OK ? query->db->ops->changes(query->db) : 0;
    enum hyp_status status = hyp_query_close(query);
    if (status == HYP_OK && ret_changes != NULL) {
        *ret_changes = changes;
    }
    return status;
}
