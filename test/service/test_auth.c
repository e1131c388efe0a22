/* SPDX-License-Identifier: Apache-2.0 */
#include "fresh.h"

#include "store/core.h"

#define HOUR_MS (3600LL * 1000)
#define ADDRESS "192.0.2.50"

static enum hyp_status session_of(const char *token)
{
    const struct hyp_scope *scope;
    return hyp_auth_session(t.service, hyp_str_from(token), &t.arena, &scope);
}

/* --- set-up --- */

static enum hyp_status try_setup(const char *token, const char *login, const char *password)
{
    struct hyp_grant grant;
    struct hyp_error err = {0};
    const struct hyp_setup setup = {
        .token = hyp_str_from(token),
        .login = hyp_str_from(login),
        .password = hyp_str_from(password),
        .language = HYP_STR("da"),
        .time_zone = HYP_STR("Europe/Copenhagen"),
        .address = HYP_STR(ADDRESS),
    };
    return hyp_auth_set_up(t.service, &setup, &t.arena, &grant, &err);
}

static void set_up_makes_the_first_admin(void **state)
{
    (void)state;
    assert_true(hyp_auth_first_run(t.service));
    char token[HYP_TOKEN_TEXT_MAX];
    hyp_text_copy(token, sizeof(token), hyp_str_from(hyp_auth_setup_token(t.service)));
    assert_true(strlen(token) >= 40);
    assert_int_equal(try_setup("wrong", "ada", TEST_PASSWORD), HYP_DENIED);
    assert_int_equal(try_setup("", "ada", TEST_PASSWORD), HYP_DENIED);
    assert_int_equal(try_setup(token, "", TEST_PASSWORD), HYP_INVALID);
    assert_int_equal(try_setup(token, "ada", "short"), HYP_INVALID);
    assert_int_equal(try_setup(token, "ada", TEST_PASSWORD), HYP_OK);
    assert_false(hyp_auth_first_run(t.service));
    assert_string_equal(hyp_auth_setup_token(t.service), "");
    /* The link works for one person. */
    assert_int_equal(try_setup(token, "eve", TEST_PASSWORD), HYP_EXISTS);
    assert_string_equal(hyp_service_first_tenant(t.service).language, "da");
    assert_string_equal(test_last_audit(&t).action, "system.setup");
}

static void set_up_is_over_after_a_restart(void **state)
{
    (void)state;
    char before[HYP_TOKEN_TEXT_MAX];
    hyp_text_copy(before, sizeof(before), hyp_str_from(hyp_auth_setup_token(t.service)));
    test_service_restart(&t);
    assert_string_not_equal(before, hyp_auth_setup_token(t.service));
    assert_int_equal(try_setup(before, "ada", TEST_PASSWORD), HYP_DENIED);
    test_set_up(&t);
    test_service_restart(&t);
    assert_false(hyp_auth_first_run(t.service));
}

/* Whoever asks does not wait for a password that is being hashed, or a slow database. */
static void a_set_up_under_way_holds_nobody(void **state)
{
    (void)state;
    pthread_mutex_lock(&t.service->auth.lock);
    assert_true(hyp_auth_first_run(t.service));
    pthread_mutex_unlock(&t.service->auth.lock);
    test_set_up(&t);
    pthread_mutex_lock(&t.service->auth.lock);
    assert_false(hyp_auth_first_run(t.service));
    pthread_mutex_unlock(&t.service->auth.lock);
}

static void set_up_cannot_be_guessed(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(try_setup("guess", "eve", TEST_PASSWORD), HYP_DENIED);
    }
    /* The right one is not looked at either while the address has to wait. */
    char token[HYP_TOKEN_TEXT_MAX];
    hyp_text_copy(token, sizeof(token), hyp_str_from(hyp_auth_setup_token(t.service)));
    assert_int_equal(try_setup(token, "ada", TEST_PASSWORD), HYP_DENIED);
    hyp_clock_fake_advance(&t.clock, HOUR_MS);
    assert_int_equal(try_setup(token, "ada", TEST_PASSWORD), HYP_OK);
}

/* --- sign-in --- */

static void signs_in(void **state)
{
    struct hyp_grant grant;
    int64_t wait_ms;
    (void)state;
    test_set_up(&t);
    assert_int_equal(test_login(&t, "admin", TEST_PASSWORD, ADDRESS, &grant, &wait_ms), HYP_OK);
    assert_int_equal(hyp_scope_role(grant.scope), HYP_ROLE_ADMIN);
    assert_int_equal(session_of(grant.token), HYP_OK);
    assert_true(hyp_auth_csrf_matches(hyp_str_from(grant.token), hyp_str_from(grant.csrf)));
    assert_false(hyp_auth_csrf_matches(hyp_str_from(grant.token), HYP_STR("")));
    assert_false(hyp_auth_csrf_matches(HYP_STR("another"), hyp_str_from(grant.csrf)));
    assert_string_equal(test_last_audit(&t).action, "session.start");
}

static const struct refusal_row {
    const char *name;
    const char *login;
    const char *password;
} refusal_rows[] = {
    {"a wrong password",      "admin",    "correct horse batterz"},
    {"no password",           "admin",    ""                     },
    {"an unknown login",      "nobody",   TEST_PASSWORD          },
    {"no login",              "",         TEST_PASSWORD          },
    {"the login in capitals", "ADMIN ",   TEST_PASSWORD          },
    {"a disabled user",       "gone",     TEST_PASSWORD          },
    {"a hostile login",       "' OR 1=1", TEST_PASSWORD          },
};

/* All refusals read the same: they say nothing about which logins exist. */
static void refuses(void **state)
{
    const struct refusal_row *row = *state;
    struct hyp_grant grant;
    struct hyp_error err = {0};
    int64_t wait_ms;
    test_service_open(&t);
    test_set_up(&t);
    struct hyp_user gone = test_add_user(&t, "gone", HYP_ROLE_READER);
    gone.enabled = false;
    assert_int_equal(
        hyp_people_user_update(t.service, &t.admin, &gone, (struct hyp_str){0}, &err), HYP_OK);
    const struct hyp_login login = {.login = hyp_str_from(row->login),
                                    .password = hyp_str_from(row->password),
                                    .address = HYP_STR(ADDRESS)};
    assert_int_equal(hyp_auth_login(t.service, &login, &t.arena, &grant, &wait_ms, &err),
                     HYP_UNAUTHENTICATED);
    assert_string_equal(err.text, "The user name or the password is wrong.");
    assert_int_equal(wait_ms, 0);
    test_service_close(&t);
}

static void backs_off_and_survives_a_restart(void **state)
{
    struct hyp_grant grant;
    int64_t wait_ms = 0;
    (void)state;
    test_set_up(&t);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(test_login(&t, "admin", "wrong wrong", ADDRESS, &grant, &wait_ms),
                         HYP_UNAUTHENTICATED);
        hyp_clock_fake_advance(&t.clock, wait_ms);
    }
    assert_int_equal(wait_ms, 8000);
    assert_int_equal(test_login(&t, "admin", "wrong wrong", ADDRESS, &grant, &wait_ms),
                     HYP_UNAUTHENTICATED);
    assert_int_equal(wait_ms, 16000);
    /* The right password is not looked at while one has to wait; neither after a restart, nor
     * from another address. */
    hyp_clock_fake_advance(&t.clock, 6000);
    assert_int_equal(test_login(&t, "admin", TEST_PASSWORD, ADDRESS, &grant, &wait_ms),
                     HYP_UNAUTHENTICATED);
    test_service_restart(&t);
    assert_int_equal(test_login(&t, "admin", TEST_PASSWORD, "192.0.2.99", &grant, &wait_ms),
                     HYP_UNAUTHENTICATED);
    assert_int_equal(wait_ms, 10000);
    hyp_clock_fake_advance(&t.clock, 10000);
    assert_int_equal(test_login(&t, "admin", TEST_PASSWORD, ADDRESS, &grant, &wait_ms), HYP_OK);
    /* A success forgets the failures of the login. */
    assert_int_equal(test_login(&t, "admin", "wrong wrong", ADDRESS, &grant, &wait_ms),
                     HYP_UNAUTHENTICATED);
    assert_int_equal(wait_ms, 0);
}

static void unknown_logins_back_off_alike(void **state)
{
    struct hyp_grant grant;
    int64_t known_ms = 0;
    int64_t unknown_ms = 0;
    (void)state;
    test_set_up(&t);
    for (int i = 0; i < 3; i++) {
        HYP_IGNORE(test_login(&t, "admin", "wrong", "192.0.2.1", &grant, &known_ms));
        HYP_IGNORE(test_login(&t, "nobody", "wrong", "192.0.2.2", &grant, &unknown_ms));
    }
    assert_int_equal(known_ms, 1000);
    assert_int_equal(unknown_ms, known_ms);
}

static void one_address_cannot_try_many_logins(void **state)
{
    struct hyp_grant grant;
    int64_t wait_ms = 0;
    char login[16];
    struct hyp_buf buf;
    (void)state;
    test_set_up(&t);
    for (int i = 0; i < 10; i++) {
        hyp_buf_init_fixed(&buf, login, sizeof(login));
        hyp_buf_append_fmt(&buf, "user%d", i);
        HYP_IGNORE(test_login(&t, hyp_buf_terminate(&buf), "wrong", ADDRESS, &grant, &wait_ms));
    }
    assert_int_equal(wait_ms, 1000);
    assert_int_equal(test_login(&t, "admin", TEST_PASSWORD, ADDRESS, &grant, &wait_ms),
                     HYP_UNAUTHENTICATED);
    assert_int_equal(test_login(&t, "admin", TEST_PASSWORD, "192.0.2.3", &grant, &wait_ms),
                     HYP_OK);
}

/* A wrong present password counts against its own login only. */
static void users_do_not_lock_each_other_out(void **state)
{
    struct hyp_grant grant;
    int64_t wait_ms = 0;
    struct hyp_error err;
    struct hyp_self_change change = {
        .password_old = HYP_STR("not the password"),
        .password = HYP_STR("quite another password"),
    };
    (void)state;
    struct hyp_grant admin = test_set_up(&t);
    test_add_user(&t, "guesser", HYP_ROLE_READER);
    assert_int_equal(test_login(&t, "guesser", TEST_PASSWORD, ADDRESS, &grant, &wait_ms),
                     HYP_OK);
    for (int i = 0; i < 15; i++) {
        struct hyp_grant changed;
        assert_int_equal(
            hyp_auth_change_self(t.service, grant.scope, &change, &t.arena, &changed, &err),
            HYP_DENIED);
        hyp_clock_fake_advance(&t.clock, 1000);
    }
    assert_non_null(strstr(err.text, "Too many wrong passwords"));
    change.password_old = HYP_STR(TEST_PASSWORD);
    assert_int_equal(
        hyp_auth_change_self(t.service, admin.scope, &change, &t.arena, &grant, &err), HYP_OK);
}

/* --- sessions --- */

static void sessions_survive_a_restart(void **state)
{
    (void)state;
    struct hyp_grant grant = test_set_up(&t);
    test_service_restart(&t);
    assert_int_equal(session_of(grant.token), HYP_OK);
    assert_int_equal(session_of("0123456789012345678901234567890123456789012"),
                     HYP_UNAUTHENTICATED);
}

static void sessions_end_by_idleness_and_age(void **state)
{
    (void)state;
    struct hyp_grant grant = test_set_up(&t);
    hyp_clock_fake_advance(&t.clock, 11 * HOUR_MS);
    assert_int_equal(session_of(grant.token), HYP_OK);
    hyp_clock_fake_advance(&t.clock, 13 * HOUR_MS);
    assert_int_equal(session_of(grant.token), HYP_UNAUTHENTICATED);
    struct hyp_grant second;
    int64_t wait_ms;
    assert_int_equal(test_login(&t, "admin", TEST_PASSWORD, ADDRESS, &second, &wait_ms),
                     HYP_OK);
    for (int hour = 0; hour < HYP_LIMIT_SESSION_DAYS * 24 - 10; hour += 10) {
        hyp_clock_fake_advance(&t.clock, 10 * HOUR_MS);
        assert_int_equal(session_of(second.token), HYP_OK);
    }
    hyp_clock_fake_advance(&t.clock, 10 * HOUR_MS);
    assert_int_equal(session_of(second.token), HYP_UNAUTHENTICATED);
}

/* --- a store that cannot be asked --- */

/* Away with a table, so that every question to it fails, and back. */
static void rename_table(const char *sql)
{
    hyp_core_enter(t.store);
    assert_int_equal(hyp_db_exec(t.store->write.main, sql), HYP_OK);
    hyp_core_release(t.store);
}

static void assert_not_known(enum hyp_status status)
{
    assert_int_not_equal(status, HYP_OK);
    assert_int_not_equal(status, HYP_UNAUTHENTICATED);
    assert_int_not_equal(status, HYP_NOT_FOUND);
}

static void a_failing_store_makes_no_token_wrong(void **state)
{
    (void)state;
    struct hyp_grant grant = test_set_up(&t);
    char text[HYP_TOKEN_TEXT_MAX];
    struct hyp_api_token token = {.name = "script", .role = HYP_ROLE_READER};
    const struct hyp_scope *scope;
    assert_int_equal(hyp_people_token_add(t.service, grant.scope, &token, text, NULL), HYP_OK);
    test_service_restart(&t); /* memory knows neither */
    rename_table("ALTER TABLE session RENAME TO session_away");
    rename_table("ALTER TABLE api_token RENAME TO api_token_away");
    assert_not_known(session_of(grant.token));
    assert_not_known(hyp_auth_bearer(t.service, hyp_str_from(text), &t.arena, &scope));
    rename_table("ALTER TABLE session_away RENAME TO session");
    rename_table("ALTER TABLE api_token_away RENAME TO api_token");
    assert_int_equal(session_of(grant.token), HYP_OK);
    assert_int_equal(hyp_auth_bearer(t.service, hyp_str_from(text), &t.arena, &scope), HYP_OK);
}

/* Nobody is made to wait, or told that the password is wrong, for what the store has done. */
static void a_failing_store_counts_no_attempt(void **state)
{
    (void)state;
    struct hyp_grant grant;
    struct hyp_user user;
    int64_t wait_ms = 0;
    test_set_up(&t);
    rename_table("ALTER TABLE account RENAME TO account_away");
    for (int i = 0; i < 12; i++) {
        assert_not_known(test_login(&t, "admin", TEST_PASSWORD, ADDRESS, &grant, &wait_ms));
        assert_int_equal(wait_ms, 0);
    }
    assert_not_known(
        hyp_people_user_by_login(t.service, &t.admin, HYP_STR("admin"), &user, NULL));
    rename_table("ALTER TABLE account_away RENAME TO account");
    assert_int_equal(test_login(&t, "admin", TEST_PASSWORD, ADDRESS, &grant, &wait_ms), HYP_OK);
}

static void signing_out_ends_it(void **state)
{
    (void)state;
    struct hyp_grant grant = test_set_up(&t);
    assert_int_equal(hyp_auth_logout(t.service, grant.scope, hyp_str_from(grant.token)),
                     HYP_OK);
    assert_int_equal(session_of(grant.token), HYP_UNAUTHENTICATED);
    assert_false(hyp_auth_session_is_valid(t.service, hyp_str_from(grant.token)));
    test_service_restart(&t);
    assert_int_equal(session_of(grant.token), HYP_UNAUTHENTICATED);
}

static void a_new_password_ends_the_others(void **state)
{
    struct hyp_grant second;
    struct hyp_grant third;
    struct hyp_error err = {0};
    int64_t wait_ms;
    (void)state;
    struct hyp_grant first = test_set_up(&t);
    assert_int_equal(test_login(&t, "admin", TEST_PASSWORD, ADDRESS, &second, &wait_ms),
                     HYP_OK);
    struct hyp_self_change change = {.password_old = HYP_STR("not the old one"),
                                     .password = HYP_STR("another good one")};
    assert_int_equal(
        hyp_auth_change_self(t.service, first.scope, &change, &t.arena, &third, &err),
        HYP_DENIED);
    change.password_old = HYP_STR(TEST_PASSWORD);
    change.password = HYP_STR("short");
    assert_int_equal(
        hyp_auth_change_self(t.service, first.scope, &change, &t.arena, &third, &err),
        HYP_INVALID);
    change.password = HYP_STR("another good one");
    assert_int_equal(
        hyp_auth_change_self(t.service, first.scope, &change, &t.arena, &third, &err), HYP_OK);
    assert_int_equal(session_of(first.token), HYP_UNAUTHENTICATED);
    assert_int_equal(session_of(second.token), HYP_UNAUTHENTICATED);
    assert_int_equal(session_of(third.token), HYP_OK);
    assert_int_equal(test_login(&t, "admin", TEST_PASSWORD, ADDRESS, &second, &wait_ms),
                     HYP_UNAUTHENTICATED);
    assert_int_equal(test_login(&t, "admin", "another good one", ADDRESS, &second, &wait_ms),
                     HYP_OK);
}

static void own_passwords_cannot_be_guessed(void **state)
{
    struct hyp_grant same;
    struct hyp_error err = {0};
    (void)state;
    struct hyp_grant grant = test_set_up(&t);
    struct hyp_self_change change = {.password_old = HYP_STR("a guess"),
                                     .password = HYP_STR("another good one")};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            hyp_auth_change_self(t.service, grant.scope, &change, &t.arena, &same, &err),
            HYP_DENIED);
    }
    change.password_old = HYP_STR(TEST_PASSWORD);
    assert_int_equal(
        hyp_auth_change_self(t.service, grant.scope, &change, &t.arena, &same, &err),
        HYP_DENIED);
    assert_non_null(strstr(err.text, "Wait 1 s"));
    hyp_clock_fake_advance(&t.clock, 1000);
    assert_int_equal(
        hyp_auth_change_self(t.service, grant.scope, &change, &t.arena, &same, &err), HYP_OK);
}

static void people_change_their_looks(void **state)
{
    struct hyp_grant same;
    struct hyp_identity identity;
    struct hyp_error err = {0};
    (void)state;
    struct hyp_grant grant = test_set_up(&t);
    struct hyp_self_change change = {.theme = HYP_STR("dark"), .language = HYP_STR("de")};
    assert_int_equal(
        hyp_auth_change_self(t.service, grant.scope, &change, &t.arena, &same, &err), HYP_OK);
    assert_string_equal(same.token, ""); /* the session goes on */
    assert_int_equal(hyp_auth_identity(t.service, grant.scope, &identity, &err), HYP_OK);
    assert_string_equal(identity.user.theme, "dark");
    assert_string_equal(identity.user.language, "de");
    assert_string_equal(identity.user.name, "Ada Admin");
    assert_string_equal(identity.user.password_hash, "");
    change.theme = HYP_STR("pink");
    assert_int_equal(
        hyp_auth_change_self(t.service, grant.scope, &change, &t.arena, &same, &err),
        HYP_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(set_up_makes_the_first_admin),
        WITH_SERVICE(set_up_is_over_after_a_restart),
        WITH_SERVICE(a_set_up_under_way_holds_nobody),
        WITH_SERVICE(set_up_cannot_be_guessed),
        WITH_SERVICE(signs_in),
        WITH_SERVICE(backs_off_and_survives_a_restart),
        WITH_SERVICE(unknown_logins_back_off_alike),
        WITH_SERVICE(users_do_not_lock_each_other_out),
        WITH_SERVICE(one_address_cannot_try_many_logins),
        WITH_SERVICE(sessions_survive_a_restart),
        WITH_SERVICE(sessions_end_by_idleness_and_age),
        WITH_SERVICE(signing_out_ends_it),
        WITH_SERVICE(a_failing_store_makes_no_token_wrong),
        WITH_SERVICE(a_failing_store_counts_no_attempt),
        WITH_SERVICE(a_new_password_ends_the_others),
        WITH_SERVICE(own_passwords_cannot_be_guessed),
        WITH_SERVICE(people_change_their_looks),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    TEST_ROWS(&list, refusal_rows, refuses);
    return test_list_run(&list, "auth");
}
