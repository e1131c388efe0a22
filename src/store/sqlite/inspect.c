/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/sqlite.h"

#include "base/limits.h"

/* Complaints of one check that are passed on; more say nothing new. */
#define COMPLAINTS_MAX 20

static bool is_ok(const char *text)
{
    return hyp_str_equal(hyp_str_from(text), HYP_STR("ok"));
}

static enum hyp_status check_pages(struct hyp_db *db,
                                   void (*complain)(void *user, const char *text), void *user)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "PRAGMA integrity_check(20)");
    while (hyp_query_row(&query)) {
        char text[HYP_ERROR_TEXT_MAX];
        hyp_query_text(&query, text, sizeof(text));
        if (!is_ok(text)) {
            complain(user, text);
        }
    }
    return hyp_query_close(&query);
}

static enum hyp_status
check_references(struct hyp_db *db, void (*complain)(void *user, const char *text), void *user)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "PRAGMA foreign_key_check");
    for (int i = 0; i < COMPLAINTS_MAX && hyp_query_row(&query); i++) {
        char table[HYP_LIMIT_NAME];
        char parent[HYP_LIMIT_NAME];
        hyp_query_text(&query, table, sizeof(table));
        long long row = (long long)hyp_query_i64(&query);
        hyp_query_text(&query, parent, sizeof(parent));
        char text[HYP_ERROR_TEXT_MAX];
        struct hyp_buf out;
        hyp_buf_init_fixed(&out, text, sizeof(text));
        hyp_buf_append_fmt(&out, "row %lld of table %s names a %s that does not exist", row,
                           table, parent);
        complain(user, hyp_buf_terminate(&out));
    }
    return hyp_query_close(&query);
}

enum hyp_status hyp_sqlite_inspect(struct hyp_db *db,
                                   void (*complain)(void *user, const char *text), void *user)
{
    enum hyp_status status = check_pages(db, complain, user);
    return status == HYP_OK ? check_references(db, complain, user) : status;
}
