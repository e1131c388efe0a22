/* SPDX-License-Identifier: Apache-2.0 */
#include "own_database.h"

#include "fixture.h"
#include "store/layout.h"
#include "store/migrate.h"
#include "store/server.h"

#include <libpq-fe.h>

#define MODEL "model"
#define URL_BEGIN "postgresql:///"

bool own_database_is_wanted(void)
{
    return test_is_postgres() && getenv("HYP_TEST_COPIED_TABLES") != NULL;
}

/* --- one session, for making and removing --- */

static void ignore_notice(void *user, const char *message)
{
    (void)user;
    (void)message;
}

/* Answers the number of rows. */
HYP_PRINTF(1, 2) static int tell(const char *format, ...)
{
    /* Open until the program ends: nobody else uses this database then. */
    static PGconn *session;
    if (session == NULL) {
        session = PQconnectdb(getenv("HYP_TEST_DATABASE"));
        PQsetNoticeProcessor(session, ignore_notice, NULL);
    }
    char sql[512];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, sql, sizeof(sql));
    va_list arguments;
    va_start(arguments, format);
    hyp_buf_append_vfmt(&text, format, arguments);
    va_end(arguments);
    assert_int_equal(hyp_buf_status(&text), HYP_OK);
    PGresult *result = PQexec(session, hyp_buf_terminate(&text));
    ExecStatusType outcome = PQresultStatus(result);
    if (outcome != PGRES_COMMAND_OK && outcome != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(session));
    }
    int rows = PQntuples(result);
    PQclear(result);
    return rows;
}

/* --- names: that of the program's database, and behind it the one asked for --- */

struct full_name {
    char text[128];
};

/* The URL of the program's database is postgresql:///NAME?MORE. */
static void split_url(struct hyp_str *ret_name, struct hyp_str *ret_more)
{
    struct hyp_str url = hyp_str_from(getenv("HYP_TEST_DATABASE"));
    assert_true(hyp_str_has_prefix(url, HYP_STR(URL_BEGIN)));
    size_t name = strlen(URL_BEGIN);
    size_t more = strcspn(url.ptr, "?");
    *ret_name = (struct hyp_str){.ptr = url.ptr + name, .len = more - name};
    *ret_more = (struct hyp_str){.ptr = url.ptr + more, .len = url.len - more};
}

static struct full_name name_of(const char *name)
{
    struct hyp_str database, more;
    split_url(&database, &more);
    struct full_name full;
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, full.text, sizeof(full.text));
    hyp_buf_append_str(&text, database);
    hyp_buf_append_fmt(&text, "_%s", name);
    assert_int_equal(hyp_buf_status(&text), HYP_OK);
    (void)hyp_buf_terminate(&text);
    return full;
}

static void write_url(const struct full_name *full, char *out, size_t size)
{
    struct hyp_str database, more;
    split_url(&database, &more);
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, out, size);
    hyp_buf_append_fmt(&text, URL_BEGIN "%s", full->text);
    hyp_buf_append_str(&text, more);
    assert_int_equal(hyp_buf_status(&text), HYP_OK);
    (void)hyp_buf_terminate(&text);
}

/* --- the one that is copied --- */

static void make_tables(const char *url, const char *schema, const struct hyp_migrations *list)
{
    const struct hyp_server_config config = {.url = url, .schema = schema};
    struct hyp_db *db = NULL;
    struct hyp_error err = {0};
    enum hyp_status status = hyp_server_open(&config, &db, &err);
    if (status == HYP_OK) {
        status = hyp_migrate(db, list, (hyp_utc){.ms = START_MS}, schema, &err);
    }
    if (status != HYP_OK) {
        fail_msg("tables cannot be made in %s: %s", url, err.text);
    }
    hyp_db_close(db);
}

static void make_model(const struct full_name *model)
{
    char url[512];
    write_url(model, url, sizeof(url));
    tell("CREATE DATABASE \"%s\"", model->text);
    make_tables(url, HYP_MAIN_SCHEMA, &hyp_store_migrations);
    make_tables(url, HYP_MAIN_SCHEMA HYP_FRAMES_SCHEMA_SUFFIX, &hyp_frame_migrations);
    /* What somebody is in cannot be copied, and a session ends a little later than its client:
     * this waits for that. */
    tell("SELECT pg_terminate_backend(pid, 120000) FROM pg_stat_activity WHERE datname = '%s'",
         model->text);
}

static bool exists(const struct full_name *full)
{
    return tell("SELECT FROM pg_database WHERE datname = '%s'", full->text) > 0;
}

void own_database_url(const char *name, char *out, size_t size)
{
    struct full_name full = name_of(name);
    if (!exists(&full)) {
        struct full_name model = name_of(MODEL);
        if (!exists(&model)) {
            make_model(&model);
        }
        tell("CREATE DATABASE \"%s\" TEMPLATE \"%s\"", full.text, model.text);
    }
    write_url(&full, out, size);
}

void own_database_remove(const char *name)
{
    struct full_name full = name_of(name);
    tell("DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", full.text);
}
