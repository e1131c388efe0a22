/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define HOUR_MS (3600LL * 1000)

static struct hyp_sessions *table;

static int open_table(void **state)
{
    static struct hyp_rng_seeded rng;
    (void)state;
    hyp_rng_seeded_init(&rng, 7);
    return hyp_sessions_create(&rng.rng, &table) == HYP_OK ? 0 : -1;
}

static int close_table(void **state)
{
    (void)state;
    table = hyp_sessions_destroy(table);
    return 0;
}

static struct hyp_session_entry entry_of(int64_t user, int64_t api_token)
{
    return (struct hyp_session_entry){
        .scope = hyp_scope_make((hyp_tenant_id){1}, user, HYP_ROLE_READER),
        .api_token = api_token,
        .created = {TEST_START_MS},
        .expires = {TEST_START_MS + 100 * HOUR_MS},
        .last_seen = {TEST_START_MS},
        .saved_seen = {TEST_START_MS},
    };
}

static void put(const char *token, int64_t user, int64_t api_token)
{
    struct hyp_session_entry entry = entry_of(user, api_token);
    assert_int_equal(
        hyp_sessions_put(table, hyp_str_from(token), &entry, hyp_sessions_epoch(table)),
        HYP_OK);
}

static bool known(const char *token, int64_t after_ms)
{
    struct hyp_scope scope;
    return hyp_sessions_peek(table, hyp_str_from(token), (hyp_utc){TEST_START_MS + after_ms},
                             &scope);
}

static void finds_what_was_put(void **state)
{
    struct hyp_scope scope;
    (void)state;
    put("token-a", 1, 0);
    put("token-b", 2, 0);
    assert_true(hyp_sessions_get(table, HYP_STR("token-b"), (hyp_utc){TEST_START_MS}, &scope));
    assert_int_equal(scope.user, 2);
    assert_false(known("token-c", 0));
    assert_false(known("token-", 0));
    assert_false(known("", 0));
}

static void idle_ones_end(void **state)
{
    struct hyp_scope scope;
    (void)state;
    put("token-a", 1, 0);
    assert_true(known("token-a", 12 * HOUR_MS));
    assert_false(known("token-a", 12 * HOUR_MS + 1));
    /* A use begins the twelve hours anew, a peek does not. */
    assert_true(hyp_sessions_get(table, HYP_STR("token-a"),
                                 (hyp_utc){TEST_START_MS + 6 * HOUR_MS}, &scope));
    assert_true(known("token-a", 18 * HOUR_MS));
    assert_false(known("token-a", 18 * HOUR_MS + 1));
}

static void all_end_in_the_end(void **state)
{
    struct hyp_scope scope;
    (void)state;
    put("token-a", 1, 0);
    for (int64_t hour = 10; hour < 100; hour += 10) {
        assert_true(hyp_sessions_get(table, HYP_STR("token-a"),
                                     (hyp_utc){TEST_START_MS + hour * HOUR_MS}, &scope));
    }
    assert_false(hyp_sessions_get(table, HYP_STR("token-a"),
                                  (hyp_utc){TEST_START_MS + 100 * HOUR_MS}, &scope));
}

static void programs_may_be_idle(void **state)
{
    (void)state;
    put("hyp_token", 1, 5);
    assert_true(known("hyp_token", 99 * HOUR_MS));
    assert_false(known("hyp_token", 100 * HOUR_MS));
}

static void revoking(void **state)
{
    (void)state;
    put("token-a", 1, 0);
    put("token-b", 1, 0);
    put("token-c", 2, 0);
    put("hyp_d", 2, 5);
    put("hyp_e", 2, 6);
    hyp_sessions_remove(table, HYP_STR("token-a"));
    assert_false(known("token-a", 0));
    hyp_sessions_remove_user(table, 1);
    assert_false(known("token-b", 0));
    hyp_sessions_remove_api_token(table, 5);
    assert_false(known("hyp_d", 0));
    assert_true(known("token-c", 0));
    assert_true(known("hyp_e", 0));
}

static void many_are_revoked_at_once(void **state)
{
    char token[32];
    struct hyp_buf buf;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        hyp_buf_init_fixed(&buf, token, sizeof(token));
        hyp_buf_append_fmt(&buf, "token-%d", i);
        put(hyp_buf_terminate(&buf), i % 2, 0);
    }
    hyp_sessions_remove_user(table, 1);
    for (int i = 0; i < 1000; i++) {
        hyp_buf_init_fixed(&buf, token, sizeof(token));
        hyp_buf_append_fmt(&buf, "token-%d", i);
        assert_int_equal(known(hyp_buf_terminate(&buf), 0), i % 2 == 0);
    }
}

/* A token looked up in the store while it is being revoked must not come back. */
static void a_late_answer_is_not_kept(void **state)
{
    struct hyp_session_entry entry = entry_of(1, 0);
    (void)state;
    uint64_t epoch = hyp_sessions_epoch(table);
    hyp_sessions_remove_user(table, 1);
    assert_int_equal(hyp_sessions_put(table, HYP_STR("token-a"), &entry, epoch), HYP_CONFLICT);
    assert_false(known("token-a", 0));
}

/* Another request of a page whose user signs out has read the session just before. */
static void a_late_answer_does_not_undo_signing_out(void **state)
{
    struct hyp_session_entry entry = entry_of(1, 0);
    (void)state;
    uint64_t epoch = hyp_sessions_epoch(table);
    hyp_sessions_remove(table, HYP_STR("token-a"));
    assert_int_equal(hyp_sessions_put(table, HYP_STR("token-a"), &entry, epoch), HYP_CONFLICT);
    assert_false(known("token-a", 0));
}

static void sweeping(void **state)
{
    struct hyp_session_entry used[4];
    struct hyp_scope scope;
    (void)state;
    put("token-a", 1, 0);
    put("token-b", 2, 0);
    hyp_utc later = {TEST_START_MS + 11 * HOUR_MS};
    assert_true(hyp_sessions_get(table, HYP_STR("token-a"), later, &scope));
    assert_int_equal(hyp_sessions_sweep(table, later, 1000, used, 4), 1);
    assert_int_equal(used[0].scope.user, 1);
    assert_int_equal(used[0].last_seen.ms, later.ms);
    assert_int_equal(hyp_sessions_sweep(table, later, 1000, used, 4), 0); /* told once */
    later.ms += 2 * HOUR_MS;
    hyp_sessions_sweep(table, later, 1000, used, 4);
    assert_false(known("token-b", 0)); /* expired ones are dropped */
    assert_true(known("token-a", 0));
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TABLE(finds_what_was_put),
        WITH_TABLE(idle_ones_end),
        WITH_TABLE(all_end_in_the_end),
        WITH_TABLE(programs_may_be_idle),
        WITH_TABLE(revoking),
        WITH_TABLE(many_are_revoked_at_once),
        WITH_TABLE(a_late_answer_is_not_kept),
        WITH_TABLE(a_late_answer_does_not_undo_signing_out),
        WITH_TABLE(sweeping),
    };
    return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
