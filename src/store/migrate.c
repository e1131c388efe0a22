/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrate.h"

/* A migration with its words filled in stays below this. */
#define SQL_MAX (1024 * 1024)

enum hyp_status hyp_migrate_version(struct hyp_db *db, int64_t *ret_version)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "SELECT COALESCE(MAX(version), 0) FROM schema_version");
    int64_t version = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status = hyp_query_close(&query);
    if (status == HYP_OK) {
        *ret_version = version;
    }
    return status;
}

static const char *word_text(const struct hyp_db_ops *ops, struct hyp_str word)
{
    for (size_t i = 0; i < ops->word_count; i++) {
        if (hyp_str_equal(word, hyp_str_from(ops->words[i].word))) {
            return ops->words[i].text;
        }
    }
    return NULL;
}

/* Replaces each {word} by what it is in this database. */
static enum hyp_status fill_in(struct hyp_buf *out, const struct hyp_db_ops *ops,
                               const char *sql)
{
    struct hyp_str rest = hyp_str_from(sql);
    ptrdiff_t open;
    while ((open = hyp_str_find_char(rest, '{')) >= 0) {
        hyp_buf_append(out, rest.ptr, (size_t)open);
        rest = (struct hyp_str){.ptr = rest.ptr + open + 1, .len = rest.len - (size_t)open - 1};
        ptrdiff_t end = hyp_str_find_char(rest, '}');
        const char *text =
            end < 0 ? NULL
                    : word_text(ops, (struct hyp_str){.ptr = rest.ptr, .len = (size_t)end});
        if (text == NULL) {
            return HYP_MALFORMED;
        }
        hyp_buf_append_text(out, text);
        rest = (struct hyp_str){.ptr = rest.ptr + end + 1, .len = rest.len - (size_t)end - 1};
    }
    hyp_buf_append_str(out, rest);
    return hyp_buf_status(out);
}

static void record_step(struct hyp_db *db, const struct hyp_migration *step, hyp_utc now)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "INSERT INTO schema_version(version, name, applied) VALUES ($1, $2, $3)");
    hyp_query_bind_i64(&query, step->version);
    hyp_query_bind_text(&query, step->name);
    hyp_query_bind_i64(&query, now.ms);
    /* A failure is sticky in the transaction. */
    HYP_IGNORE(hyp_query_run(&query, NULL));
}

static enum hyp_status apply(struct hyp_db *db, const struct hyp_migration *step, hyp_utc now)
{
    struct hyp_buf sql HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&sql, SQL_MAX);
    enum hyp_status status = fill_in(&sql, db->ops, step->sql);
    hyp_db_begin(db);
    if (status == HYP_OK && db->failed == HYP_OK) {
        /* hyp_buf_terminate gives "" without memory, which would be applied as nothing. */
        hyp_buf_append_char(&sql, '\n');
        const char *text = hyp_buf_terminate(&sql);
        status = text[0] == '\0' ? HYP_NO_MEMORY : hyp_db_exec(db, text);
    }
    if (status != HYP_OK) {
        hyp_db_fail(db, status);
    }
    record_step(db, step, now);
    return hyp_db_commit(db);
}

static enum hyp_status prepare_table(struct hyp_db *db)
{
    static const struct hyp_migration table = {
        .sql = "CREATE TABLE IF NOT EXISTS schema_version (version {int} PRIMARY KEY,"
               " name {text} NOT NULL, applied {int} NOT NULL) {strict};"};
    struct hyp_buf sql HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&sql, SQL_MAX);
    enum hyp_status status = fill_in(&sql, db->ops, table.sql);
    if (status != HYP_OK) {
        return status;
    }
    hyp_buf_append_char(&sql, '\n');
    const char *text = hyp_buf_terminate(&sql);
    return text[0] == '\0' ? HYP_NO_MEMORY : hyp_db_exec(db, text);
}

enum hyp_status hyp_migrate_check(struct hyp_db *db, const struct hyp_migrations *list,
                                  hyp_utc now, const char *what, struct hyp_error *err)
{
    (void)now;
    int64_t version = 0;
    enum hyp_status status = hyp_migrate_version(db, &version);
    if (status != HYP_OK) {
        return hyp_db_error(db, status, err, what);
    }
    if (version == (int64_t)list->count) {
        return HYP_OK;
    }
    return hyp_error_set(
        err, HYP_UNSUPPORTED, -1,
        "%s has schema version %lld, this program (%s) works with %zu, and other "
        "members are at work: stop them first, then start all with the same "
        "program",
        what, (long long)version, HYP_VERSION, list->count);
}

enum hyp_status hyp_migrate(struct hyp_db *db, const struct hyp_migrations *list, hyp_utc now,
                            const char *what, struct hyp_error *err)
{
    int64_t version = 0;
    enum hyp_status status = prepare_table(db);
    if (status == HYP_OK) {
        status = hyp_migrate_version(db, &version);
    }
    if (status != HYP_OK) {
        return hyp_db_error(db, status, err, what);
    }
    if (version > (int64_t)list->count) {
        return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                             "%s has schema version %lld, this program (%s) knows up to %zu: "
                             "use a newer program or restore a backup",
                             what, (long long)version, HYP_VERSION, list->count);
    }
    for (size_t i = (size_t)version; i < list->count; i++) {
        status = apply(db, &list->rows[i], now);
        if (status != HYP_OK) {
            struct hyp_error cause;
            hyp_db_error(db, status, &cause, what);
            return hyp_error_set_code(err, status, cause.source, cause.code,
                                      "migration %d (%s) of %s", list->rows[i].version,
                                      list->rows[i].name, cause.text);
        }
    }
    return HYP_OK;
}
