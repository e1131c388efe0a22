/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a PostgreSQL server refuses: what becomes of its codes, what is said and logged of them,
 * and that no half session and no half transaction stays behind.
 */
#include "fixture.h"

#include "store/server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define SCHEMA "refusals"

static struct hyp_db *open_with(struct hyp_outage *outage)
{
    const struct hyp_server_config config = {
        .url = getenv("HYP_TEST_DATABASE"), .schema = SCHEMA, .tries = 1, .outage = outage};
    struct hyp_db *db = NULL;
    struct hyp_error err = {0};
    if (hyp_server_open(&config, &db, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    return db;
}

static void tell(struct hyp_db *db, const char *sql)
{
    if (hyp_db_exec(db, sql) != HYP_OK) {
        fail_msg("%s: %s", sql, db->error_text);
    }
}

/* --- codes --- */

#define RAISE(code) "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '" code "'; END $$"

static const struct code_row {
    const char *name;
    const char *sql;
    enum hyp_status status;
    bool ends; /* the session */
} code_rows[] = {
    {"28P01 a wrong password",              RAISE("28P01"), HYP_IO,        false},
    {"28000 no such role",                  RAISE("28000"), HYP_IO,        false},
    {"3D000 no such database",              RAISE("3D000"), HYP_IO,        false},
    {"3F000 no such schema",                RAISE("3F000"), HYP_IO,        false},
    {"42501 no right",                      RAISE("42501"), HYP_IO,        false},
    {"42P01 no such table",                 RAISE("42P01"), HYP_IO,        false},
    {"53000 some resource",                 RAISE("53000"), HYP_BUSY,      false},
    {"53100 a full disk",                   RAISE("53100"), HYP_FULL,      false},
    {"53200 no memory",                     RAISE("53200"), HYP_NO_MEMORY, false},
    {"53300 too many connections",          RAISE("53300"), HYP_BUSY,      false},
    {"53400 a limit of the server",         RAISE("53400"), HYP_BUSY,      false},
    {"57P03 starting",                      RAISE("57P03"), HYP_BUSY,      true },
    {"25P03 silent for too long",           RAISE("25P03"), HYP_BUSY,      true },
    {"25P04 a transaction too long",        RAISE("25P04"), HYP_BUSY,      true },
    {"25P02 a transaction that has failed", RAISE("25P02"), HYP_INTERNAL,  false},
    {"23505 a key that is taken",           RAISE("23505"), HYP_EXISTS,    false},
    {"22003 a value out of range",          RAISE("22003"), HYP_INVALID,   false},
    {"P0001 anything else",                 RAISE("P0001"), HYP_INTERNAL,  false},
};

static void check_code(void **state)
{
    const struct code_row *row = *state;
    struct hyp_db *db = open_with(NULL);
    assert_int_equal(hyp_db_exec(db, row->sql), row->status);
    assert_string_equal(db->error_text, "no");
    assert_int_equal(hyp_server_is_away(db), row->ends);
    hyp_db_close(db);
}

/* --- opening --- */

static const struct open_row {
    const char *name;
    const char *from, *to; /* what of the URL is something else */
    enum hyp_status status;
    const char *why, *remedy;
} open_rows[] = {
    {"no such database", "test_",          "no_",      HYP_IO, "does not exist", "CREATE DATABASE"},
    {"no such role",     "user=hypocaust", "user=who", HYP_IO, "does not exist", "check user"     },
    {"nobody there",     "host=",          "host=/no", HYP_IO, "/no",            "is it running"  },
};

static void replace(const char *url, const struct open_row *row, struct hyp_buf *out)
{
    const char *at = strstr(url, row->from);
    assert_non_null(at);
    hyp_buf_append_fmt(out, "%.*s%s%s", (int)(at - url), url, row->to, at + strlen(row->from));
    assert_int_equal(hyp_buf_status(out), HYP_OK);
}

static void check_open(void **state)
{
    const struct open_row *row = *state;
    char text[512];
    struct hyp_buf url;
    hyp_buf_init_fixed(&url, text, sizeof(text));
    replace(getenv("HYP_TEST_DATABASE"), row, &url);
    const struct hyp_server_config config = {.url = hyp_buf_terminate(&url), .schema = SCHEMA};
    struct hyp_db *db = NULL;
    struct hyp_error err = {0};
    assert_int_equal(hyp_server_open(&config, &db, &err), row->status);
    assert_null(db);
    if (strstr(err.text, row->why) == NULL || strstr(err.text, row->remedy) == NULL) {
        fail_msg("%s", err.text);
    }
}

/* --- the log --- */

static void an_outage_is_told_once(void **state)
{
    (void)state;
    struct test_log log;
    test_log_init(&log);
    struct hyp_outage outage;
    hyp_outage_init(&outage, hyp_clock_system(), &log.log, 0);
    struct hyp_db *both[] = {open_with(&outage), open_with(&outage)};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(hyp_db_exec(both[i % 2], RAISE("42501")), HYP_IO);
    }
    assert_int_equal(log.lines, 1);
    assert_string_equal(log.last, "store.database_failed status=IO reason=\"no\"");
    assert_int_equal(hyp_db_exec(both[0], RAISE("53100")), HYP_FULL);
    assert_int_equal(log.lines, 2);
    /* What somebody asked for wrongly is his own. */
    assert_int_equal(hyp_db_exec(both[0], RAISE("23505")), HYP_EXISTS);
    assert_int_equal(hyp_db_exec(both[0], RAISE("40001")), HYP_BUSY);
    assert_int_equal(log.lines, 2);
    hyp_db_close(both[0]);
    hyp_db_close(both[1]);
    hyp_outage_finish(&outage);
}

/* --- what stays behind --- */

static const char *const end_others =
    "DO $$ BEGIN PERFORM pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname ="
    " current_database() AND pid <> pg_backend_pid(); END $$";
static const char *const hide = "ALTER TABLE last_commit RENAME TO hidden";
static const char *const show = "ALTER TABLE hidden RENAME TO last_commit";

static enum hyp_status commit_nothing(struct hyp_db *db)
{
    hyp_db_begin(db);
    return hyp_db_commit(db);
}

/* A transaction that could not begin is not there any more when its connection has gone. */
static void a_failed_begin_outlives_no_connection(void **state)
{
    (void)state;
    struct hyp_db *other = open_with(NULL);
    struct hyp_db *db = open_with(NULL);
    tell(other, hide);
    assert_int_equal(commit_nothing(db), HYP_IO);
    tell(other, show);
    tell(other, end_others);
    assert_int_equal(commit_nothing(db), HYP_OK);
    hyp_db_close(db);
    hyp_db_close(other);
}

/* Nor does it stand in the way of what is asked without one. */
static void a_failed_begin_is_rolled_back(void **state)
{
    (void)state;
    struct hyp_db *other = open_with(NULL);
    struct hyp_db *db = open_with(NULL);
    tell(other, hide);
    assert_int_equal(commit_nothing(db), HYP_IO);
    assert_int_equal(test_ask_at(db, "SELECT 7"), 7);
    tell(other, show);
    assert_int_equal(commit_nothing(db), HYP_OK);
    hyp_db_close(db);
    hyp_db_close(other);
}

static int64_t owners(struct hyp_db *db)
{
    return test_ask_at(db,
                       "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                       " AND classid = 1752789041 AND database ="
                       " (SELECT oid FROM pg_database WHERE datname = current_database())");
}

/* The server lets an owner in, but its session cannot be made ready: nothing may happen in it,
 * because the schema is not its own yet. */
static void half_a_session_is_none(void **state)
{
    (void)state;
    struct hyp_db *other = open_with(NULL);
    struct hyp_db *db = open_with(NULL);
    assert_int_equal(hyp_server_lock(db, NULL), HYP_OK);
    tell(other, hide);
    tell(other, "CREATE FUNCTION no_tables() RETURNS event_trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'no tables'; END $$");
    tell(other, "CREATE EVENT TRIGGER no_tables ON ddl_command_start WHEN TAG IN"
                " ('CREATE TABLE') EXECUTE FUNCTION no_tables()");
    tell(other, end_others);
    assert_int_equal(commit_nothing(db), HYP_IO);
    assert_non_null(strstr(db->error_text, "no tables"));
    tell(other, "DROP EVENT TRIGGER no_tables");
    tell(other, "DROP FUNCTION no_tables()");
    tell(other, show);
    assert_int_equal(commit_nothing(db), HYP_OK);
    assert_int_equal(owners(other), 1);
    hyp_db_close(db);
    hyp_db_close(other);
}

/* --- a server that says nothing --- */

/* Takes connections and ends them. */
struct mute {
    int listener;
    unsigned port;
    pthread_t thread;
    atomic_int taken;
    atomic_uint probed_s; /* of the last one: in how many seconds it is probed; 0 = never */
};

/* "0100007F:9BEE" -> 0x9BEE, "02:000003E8" -> 0x3E8 */
static uint64_t behind_colon(struct hyp_str field)
{
    uint64_t number = 0;
    ptrdiff_t colon = hyp_str_find_char(field, ':');
    size_t begin = colon < 0 ? field.len : (size_t)colon + 1;
    return hyp_str_hex_to_u64((struct hyp_str){field.ptr + begin, field.len - begin},
                              &number) == HYP_OK
               ? number
               : 0;
}

/* What the kernel says of the timer of the other end, in hundredths of a second; 0: it is not
 * the one of probes. The fields: number, both ends, state, queues, timer, more. */
static uint64_t find_timer(unsigned client, unsigned server)
{
    FILE *file = fopen("/proc/net/tcp", "r");
    char line[512];
    uint64_t found = 0;
    assert_non_null(file);
    while (found == 0 && fgets(line, sizeof(line), file) != NULL) {
        struct hyp_str rest = hyp_str_trim(hyp_str_from(line));
        struct hyp_str fields[6] = {{0}};
        for (size_t i = 0; i < HYP_ARRAY_LEN(fields);) {
            i += hyp_str_split_next(&rest, ' ', &fields[i]) ? 1 : HYP_ARRAY_LEN(fields);
        }
        if (behind_colon(fields[1]) == client && behind_colon(fields[2]) == server &&
            hyp_str_has_prefix(fields[5], HYP_STR("02:"))) {
            found = behind_colon(fields[5]);
        }
    }
    fclose(file);
    return found;
}

static void *take_and_end(void *argument)
{
    struct mute *mute = argument;
    struct sockaddr_in client = {0};
    socklen_t len = sizeof(client);
    int fd;
    while ((fd = accept(mute->listener, (struct sockaddr *)&client, &len)) >= 0) {
        uint64_t timer = 0;
        /* What is on its way has a timer of its own at first. */
        for (int i = 0; i < 20000 && timer == 0; i++) {
            timer = find_timer(ntohs(client.sin_port), mute->port);
        }
        atomic_store(&mute->probed_s, (unsigned)(timer / 100));
        atomic_fetch_add(&mute->taken, 1);
        close(fd);
    }
    return NULL;
}

static void start_mute(struct mute *mute, char *ret_url, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    *mute = (struct mute){.listener = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(mute->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(mute->listener, 8), 0);
    assert_int_equal(getsockname(mute->listener, (struct sockaddr *)&address, &len), 0);
    mute->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&mute->thread, NULL, take_and_end, mute), 0);
    struct hyp_buf url;
    hyp_buf_init_fixed(&url, ret_url, size);
    hyp_buf_append_fmt(&url, "postgresql://who@127.0.0.1:%u/no?sslmode=disable", mute->port);
    (void)hyp_buf_terminate(&url);
}

static void stop_mute(struct mute *mute)
{
    shutdown(mute->listener, SHUT_RDWR);
    pthread_join(mute->thread, NULL);
    close(mute->listener);
}

/* While an answer is awaited nothing is on its way that could not be delivered: only probes
 * tell that there is nobody any more. */
static void a_machine_that_vanishes_is_noticed(void **state)
{
    (void)state;
    struct mute mute;
    char url[128];
    start_mute(&mute, url, sizeof(url));
    const struct hyp_server_config config = {.url = url, .schema = SCHEMA};
    struct hyp_db *db = NULL;
    struct hyp_error err = {0};
    assert_int_equal(hyp_server_open(&config, &db, &err), HYP_IO);
    stop_mute(&mute);
    assert_in_range(atomic_load(&mute.probed_s), 1, 20);
}

static void a_snapshot_waits_once(void **state)
{
    (void)state;
    struct mute mute;
    char url[128];
    start_mute(&mute, url, sizeof(url));
    const struct hyp_server_config config = {
        .url = url, .schema = SCHEMA, .mode = HYP_SERVER_READ, .tries = 1};
    struct hyp_db *db = NULL;
    struct hyp_error err = {0};
    assert_int_equal(hyp_server_open(&config, &db, &err), HYP_OK);
    hyp_db_begin_snapshot(db);
    assert_int_equal(db->failed, HYP_IO);
    stop_mute(&mute);
    assert_int_equal(atomic_load(&mute.taken), 1);
    hyp_db_close(db);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, code_rows, check_code);
    TEST_ROWS(&list, open_rows, check_open);
    TEST_ONE(&list, an_outage_is_told_once);
    TEST_ONE(&list, a_failed_begin_outlives_no_connection);
    TEST_ONE(&list, a_failed_begin_is_rolled_back);
    TEST_ONE(&list, half_a_session_is_none);
    TEST_ONE(&list, a_machine_that_vanishes_is_noticed);
    TEST_ONE(&list, a_snapshot_waits_once);
    return test_list_run(&list, "store-refusals");
}
