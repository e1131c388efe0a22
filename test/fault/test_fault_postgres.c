/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL fails: the connection is cut at the n-th statement, for every n, and the server
 * refuses rows of one table after the other. What was acknowledged is there once, what was
 * refused can be sent again, and everything goes on by itself.
 */
#include "scenario.h"
#include "wire_cutter.h"

/* Statements of two batches, each with its sealing and packing, and more. */
#define STATEMENTS 60
#define TRIES 1000

/* Sends until it is taken, as a gateway does. */
static void send_until_taken(struct scenario *s, struct hyp_store *store, int64_t k)
{
    for (int i = 0; i < TRIES; i++) {
        if (scenario_send(s, store, k) == HYP_OK) {
            return;
        }
    }
    fail_msg("batch %lld is never taken", (long long)k);
}

/* --- cut connections --- */

static const char *server_folder(char *out, size_t size)
{
    const char *url = getenv("HYP_TEST_DATABASE");
    assert_non_null(url);
    const char *begin = strstr(url, "host=");
    assert_non_null(begin);
    begin += strlen("host=");
    struct hyp_str folder = {.ptr = begin, .len = strcspn(begin, "&")};
    assert_true(hyp_text_copy(out, size, folder));
    return out;
}

/* The same database by way of the cutter's socket. */
static const char *relayed_url(const char *folder, char *out, size_t size)
{
    const char *url = getenv("HYP_TEST_DATABASE");
    assert_non_null(url);
    const char *host = strstr(url, "host=");
    assert_non_null(host);
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, out, size);
    hyp_buf_append_str(&text, (struct hyp_str){.ptr = url, .len = (size_t)(host - url)});
    hyp_buf_append_fmt(&text, "host=%s%s", folder, host + strcspn(host, "&"));
    assert_int_equal(hyp_buf_status(&text), HYP_OK);
    return hyp_buf_terminate(&text);
}

static const struct cut_row {
    const char *name;
    bool after;
} cuts[] = {
    {"cut before the server hears it",   false},
    {"cut before the answer comes back", true },
};

static void a_cut_connection_loses_nothing(void **state)
{
    const struct cut_row *row = *state;
    static struct scenario s;
    char folder[256];
    char url[512];
    scenario_make(&s);
    s.seal_readings = 1;
    struct wire_cutter *cutter =
        wire_cutter_start(s.folder.path, server_folder(folder, sizeof(folder)));
    s.database = relayed_url(s.folder.path, url, sizeof(url));
    struct hyp_store *store;
    assert_int_equal(scenario_open(&s, &store), HYP_OK);
    int64_t k = 0;
    for (long n = 1; n <= STATEMENTS; n++) {
        wire_cutter_arm(cutter, n, row->after);
        while (!wire_cutter_has_cut(cutter)) {
            send_until_taken(&s, store, k++);
        }
        send_until_taken(&s, store, k++);
    }
    scenario_check(&s, store);
    hyp_store_close(store);
    wire_cutter_stop(cutter);
    s.database = NULL;
    scenario_check_closed(&s);
    scenario_remove(&s);
}

/* --- a server that refuses --- */

static void tell(struct scenario *s, bool frames, const char *sql)
{
    struct hyp_db *db = test_database(&s->folder, frames);
    if (hyp_db_exec(db, sql) != HYP_OK) {
        fail_msg("%s: %s", sql, db->error_text);
    }
    hyp_db_close(db);
}

#define REFUSE(table, code)                                                                    \
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"                    \
    " RAISE EXCEPTION 'no room' USING ERRCODE = '" code "'; END $$;"                           \
    "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON " table                                  \
    " FOR EACH ROW EXECUTE FUNCTION refuse()"

static const struct refusal_row {
    const char *name;
    const char *sql;
    bool at_intake; /* batches are refused; else only what comes after them */
    bool frames;    /* the table is one of the frames */
    enum hyp_status status;
} refusals[] = {
    {"the log finds the disk full",   REFUSE("intake_log",  "53100"), true,  false, HYP_FULL},
    {"frames find the disk full",     REFUSE("frame_log",   "53100"), true,  false, HYP_FULL},
    {"points find the disk full",     REFUSE("point",       "53100"), true,  false, HYP_FULL},
    {"the log loses to somebody",     REFUSE("intake_log",  "40001"), true,  false, HYP_BUSY},
    {"the server runs out of memory", REFUSE("intake_log",  "53200"), true,  false,
     HYP_NO_MEMORY                                                                          },
    {"chunks find the disk full",     REFUSE("chunk",       "53100"), false, false, HYP_OK  },
    {"chunks meet a damaged page",    REFUSE("chunk",       "XX001"), false, false, HYP_OK  },
    {"what is sealed finds it full",  REFUSE("sealed",      "53100"), false, false, HYP_OK  },
    {"blocks of frames find it full", REFUSE("frame_block", "53100"), false, true,  HYP_OK  },
};

static void a_refusal_of_the_server_passes(void **state)
{
    const struct refusal_row *row = *state;
    static struct scenario s;
    scenario_make(&s);
    s.seal_readings = 1;
    struct hyp_store *store;
    struct hyp_store_stats stats;
    tell(&s, row->frames, row->sql);
    assert_int_equal(scenario_open(&s, &store), HYP_OK);
    for (int64_t k = 0; k < 20; k++) {
        assert_int_equal(scenario_send(&s, store, k), row->status);
    }
    hyp_store_stats(store, &stats);
    assert_int_equal(stats.last_commit, row->status);
    assert_int_equal(stats.readings, row->at_intake ? 0 : 20 * SCENARIO_DEVICES);
    scenario_check(&s, store);
    tell(&s, row->frames, "DROP FUNCTION refuse CASCADE");
    for (int64_t k = 0; k < 40; k++) {
        assert_int_equal(scenario_send(&s, store, k), HYP_OK);
    }
    scenario_check(&s, store);
    hyp_store_close(store);
    scenario_check_closed(&s);
    scenario_remove(&s);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, cuts, a_cut_connection_loses_nothing);
    TEST_ROWS(&list, refusals, a_refusal_of_the_server_passes);
    return test_list_run(&list, "fault-postgres");
}
