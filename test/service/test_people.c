/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static struct test_service t;
static struct hyp_grant admin;

static int open_service(void **state)
{
    (void)state;
    test_service_open(&t);
    admin = test_set_up(&t);
    return 0;
}

static int close_service(void **state)
{
    (void)state;
    test_service_close(&t);
    return 0;
}

static const struct hyp_str no_password = {"", 0};

static struct hyp_user user_named(const char *login)
{
    struct hyp_user user = {0};
    assert_int_equal(
        hyp_people_user_by_login(t.service, &t.admin, hyp_str_from(login), &user, NULL),
        HYP_OK);
    return user;
}

static void adds_and_lists(void **state)
{
    struct hyp_user *users;
    size_t count;
    (void)state;
    test_add_user(&t, "rita", HYP_ROLE_READER);
    assert_int_equal(hyp_people_users(t.service, &t.admin, &t.arena, &users, &count, NULL),
                     HYP_OK);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(users[i].password_hash, "");
        assert_true(users[i].enabled);
        assert_string_equal(users[i].language, "en");
    }
    struct hyp_user twice = {.login = "rita", .role = HYP_ROLE_READER};
    assert_int_equal(
        hyp_people_user_add(t.service, &t.admin, &twice, HYP_STR(TEST_PASSWORD), NULL),
        HYP_EXISTS);
}

static const struct invalid_row {
    const char *name;
    const char *login;
    enum hyp_role role;
    const char *password;
} invalid_rows[] = {
    {"a login is needed",    "",     HYP_ROLE_READER, TEST_PASSWORD},
    {"a role is needed",     "rita", HYP_ROLE_NONE,   TEST_PASSWORD},
    {"a password is needed", "rita", HYP_ROLE_READER, ""           },
    {"a good one",           "rita", HYP_ROLE_READER, "password123"},
};

static void refuses(void **state)
{
    const struct invalid_row *row = *state;
    struct hyp_user user = {.role = row->role, .enabled = true};
    struct hyp_error err = {0};
    open_service(NULL);
    hyp_text_copy(user.login, sizeof(user.login), hyp_str_from(row->login));
    assert_int_equal(
        hyp_people_user_add(t.service, &t.admin, &user, hyp_str_from(row->password), &err),
        HYP_INVALID);
    assert_true(err.text[0] != '\0');
    close_service(NULL);
}

static void readers_manage_nobody(void **state)
{
    struct hyp_user user = {.login = "x", .role = HYP_ROLE_READER};
    struct hyp_user *users;
    struct hyp_api_token token = {.name = "x", .role = HYP_ROLE_READER};
    char text[HYP_TOKEN_TEXT_MAX];
    size_t count;
    (void)state;
    assert_int_equal(hyp_people_users(t.service, &t.reader, &t.arena, &users, &count, NULL),
                     HYP_DENIED);
    assert_int_equal(
        hyp_people_user_add(t.service, &t.reader, &user, HYP_STR(TEST_PASSWORD), NULL),
        HYP_DENIED);
    assert_int_equal(hyp_people_user_remove(t.service, &t.reader, 1, NULL), HYP_DENIED);
    assert_int_equal(hyp_people_token_add(t.service, &t.reader, &token, text, NULL),
                     HYP_DENIED);
}

/* --- the last administrator --- */

static void the_last_admin_stays(void **state)
{
    (void)state;
    struct hyp_user last = user_named("admin");
    struct hyp_user changed = last;
    changed.role = HYP_ROLE_READER;
    assert_int_equal(hyp_people_user_update(t.service, &t.admin, &changed, no_password, NULL),
                     HYP_CONFLICT);
    changed = last;
    changed.enabled = false;
    assert_int_equal(hyp_people_user_update(t.service, &t.admin, &changed, no_password, NULL),
                     HYP_CONFLICT);
    assert_int_equal(hyp_people_user_remove(t.service, &t.admin, last.id, NULL), HYP_CONFLICT);
    /* A reader and a disabled administrator do not help. */
    test_add_user(&t, "rita", HYP_ROLE_READER);
    struct hyp_user idle = test_add_user(&t, "idle", HYP_ROLE_ADMIN);
    idle.enabled = false;
    assert_int_equal(hyp_people_user_update(t.service, &t.admin, &idle, no_password, NULL),
                     HYP_OK);
    assert_int_equal(hyp_people_user_remove(t.service, &t.admin, last.id, NULL), HYP_CONFLICT);
    /* Another working one does. */
    test_add_user(&t, "second", HYP_ROLE_ADMIN);
    assert_int_equal(hyp_people_user_remove(t.service, &t.admin, last.id, NULL), HYP_OK);
    assert_int_equal(hyp_people_user_remove(t.service, &t.admin, last.id, NULL), HYP_NOT_FOUND);
}

static void nobody_removes_themselves(void **state)
{
    (void)state;
    test_add_user(&t, "second", HYP_ROLE_ADMIN);
    assert_int_equal(
        hyp_people_user_remove(t.service, admin.scope, hyp_scope_user(admin.scope), NULL),
        HYP_CONFLICT);
}

/* --- what a change ends --- */

static const struct change_row {
    const char *name;
    enum hyp_role role;
    bool enabled;
    const char *password;
    bool ends_sessions;
} change_rows[] = {
    {"a new role ends sessions",     HYP_ROLE_ADMIN,  true,  "",                 true },
    {"disabling ends sessions",      HYP_ROLE_READER, false, "",                 true },
    {"a new password ends sessions", HYP_ROLE_READER, true,  "another good one", true },
    {"a new name does not",          HYP_ROLE_READER, true,  "",                 false},
};

static void ends_sessions(void **state)
{
    const struct change_row *row = *state;
    struct hyp_grant grant;
    int64_t wait_ms;
    const struct hyp_scope *scope;
    open_service(NULL);
    test_add_user(&t, "rita", HYP_ROLE_READER);
    assert_int_equal(test_login(&t, "rita", TEST_PASSWORD, "192.0.2.8", &grant, &wait_ms),
                     HYP_OK);
    struct hyp_user user = user_named("rita");
    user.role = row->role;
    user.enabled = row->enabled;
    hyp_text_copy(user.name, sizeof(user.name), HYP_STR("Rita Reader"));
    assert_int_equal(
        hyp_people_user_update(t.service, &t.admin, &user, hyp_str_from(row->password), NULL),
        HYP_OK);
    enum hyp_status status =
        hyp_auth_session(t.service, hyp_str_from(grant.token), &t.arena, &scope);
    assert_int_equal(status, row->ends_sessions ? HYP_UNAUTHENTICATED : HYP_OK);
    close_service(NULL);
}

static void somebody_else_was_faster(void **state)
{
    (void)state;
    test_add_user(&t, "rita", HYP_ROLE_READER);
    struct hyp_user one = user_named("rita");
    struct hyp_user two = one;
    assert_int_equal(hyp_people_user_update(t.service, &t.admin, &one, no_password, NULL),
                     HYP_OK);
    assert_int_equal(hyp_people_user_update(t.service, &t.admin, &two, no_password, NULL),
                     HYP_CONFLICT);
}

/* --- API tokens --- */

static struct hyp_api_token make_token(enum hyp_role role, int64_t expires_ms, char *ret_text)
{
    struct hyp_api_token token = {.name = "script", .role = role, .expires = {expires_ms}};
    struct hyp_error err = {0};
    if (hyp_people_token_add(t.service, admin.scope, &token, ret_text, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    return token;
}

static enum hyp_status bearer(const char *text, enum hyp_role *ret_role)
{
    const struct hyp_scope *scope;
    enum hyp_status status = hyp_auth_bearer(t.service, hyp_str_from(text), &t.arena, &scope);
    *ret_role = status == HYP_OK ? hyp_scope_role(scope) : HYP_ROLE_NONE;
    return status;
}

static void tokens_work_and_end(void **state)
{
    char text[HYP_TOKEN_TEXT_MAX];
    char revoked[HYP_TOKEN_TEXT_MAX];
    enum hyp_role role;
    (void)state;
    make_token(HYP_ROLE_READER, TEST_START_MS + 3600000, text);
    struct hyp_api_token token = make_token(HYP_ROLE_ADMIN, 0, revoked);
    assert_true(hyp_str_has_prefix(hyp_str_from(text), HYP_STR("hyp_")));
    assert_int_equal(bearer(text, &role), HYP_OK);
    assert_int_equal(role, HYP_ROLE_READER);
    assert_int_equal(bearer(revoked, &role), HYP_OK);
    assert_int_equal(role, HYP_ROLE_ADMIN);
    assert_int_equal(bearer("hyp_0123456789012345678901234567890", &role), HYP_UNAUTHENTICATED);
    assert_int_equal(bearer(text + 4, &role), HYP_UNAUTHENTICATED);
    assert_int_equal(hyp_people_token_remove(t.service, &t.admin, token.id, NULL), HYP_OK);
    assert_int_equal(bearer(revoked, &role), HYP_UNAUTHENTICATED);
    hyp_clock_fake_advance(&t.clock, 3600000);
    assert_int_equal(bearer(text, &role), HYP_UNAUTHENTICATED);
    test_service_restart(&t);
    assert_int_equal(bearer(text, &role), HYP_UNAUTHENTICATED);
    assert_int_equal(bearer(revoked, &role), HYP_UNAUTHENTICATED);
}

/* What a person may no longer do, their programs may not do either. */
static void tokens_follow_their_maker(void **state)
{
    char text[HYP_TOKEN_TEXT_MAX];
    enum hyp_role role;
    (void)state;
    make_token(HYP_ROLE_ADMIN, 0, text);
    test_add_user(&t, "second", HYP_ROLE_ADMIN);
    struct hyp_user maker = user_named("admin");
    maker.role = HYP_ROLE_READER;
    assert_int_equal(hyp_people_user_update(t.service, &t.admin, &maker, no_password, NULL),
                     HYP_OK);
    assert_int_equal(bearer(text, &role), HYP_OK);
    assert_int_equal(role, HYP_ROLE_READER);
    maker = user_named("admin");
    maker.enabled = false;
    assert_int_equal(hyp_people_user_update(t.service, &t.admin, &maker, no_password, NULL),
                     HYP_OK);
    assert_int_equal(bearer(text, &role), HYP_UNAUTHENTICATED);
}

static void token_rules(void **state)
{
    char text[HYP_TOKEN_TEXT_MAX];
    (void)state;
    struct hyp_api_token no_name = {.role = HYP_ROLE_READER};
    struct hyp_api_token no_role = {.name = "x"};
    struct hyp_api_token past = {
        .name = "x", .role = HYP_ROLE_READER, .expires = {TEST_START_MS - 1}};
    assert_int_equal(hyp_people_token_add(t.service, admin.scope, &no_name, text, NULL),
                     HYP_INVALID);
    assert_int_equal(hyp_people_token_add(t.service, admin.scope, &no_role, text, NULL),
                     HYP_INVALID);
    assert_int_equal(hyp_people_token_add(t.service, admin.scope, &past, text, NULL),
                     HYP_INVALID);
    assert_int_equal(hyp_people_token_remove(t.service, &t.admin, 99, NULL), HYP_NOT_FOUND);
}

#define WITH_SERVICE(test) cmocka_unit_test_setup_teardown(test, open_service, close_service)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(adds_and_lists),
        WITH_SERVICE(readers_manage_nobody),
        WITH_SERVICE(the_last_admin_stays),
        WITH_SERVICE(nobody_removes_themselves),
        WITH_SERVICE(somebody_else_was_faster),
        WITH_SERVICE(tokens_work_and_end),
        WITH_SERVICE(tokens_follow_their_maker),
        WITH_SERVICE(token_rules),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    TEST_ROWS(&list, invalid_rows, refuses);
    TEST_ROWS(&list, change_rows, ends_sessions);
    return test_list_run(&list, "people");
}
