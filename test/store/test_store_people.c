/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants, users, sessions, tokens, audit; places, installations, groups.
 */
#include "fixture.h"

static struct hyp_user make_user(hyp_tenant_id tenant, const char *login)
{
    struct hyp_user user = {.tenant = tenant,
                            .name = "Åse Østergård",
                            .password_hash = "$argon2id$v=19$m=65536,t=2,p=1$c2FsdA$aGFzaA",
                            .role = HYP_ROLE_ADMIN,
                            .language = "da",
                            .theme = "dark",
                            .enabled = true,
                            .last_login.ms = 5,
                            .failed_logins = 2,
                            .locked_until.ms = 77};
    hyp_text_copy(user.login, sizeof(user.login), hyp_str_from(login));
    return user;
}

static void same_user(const struct hyp_user *a, const struct hyp_user *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->tenant.id, b->tenant.id);
    assert_string_equal(a->login, b->login);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->password_hash, b->password_hash);
    assert_int_equal(a->role, b->role);
    assert_string_equal(a->language, b->language);
    assert_string_equal(a->theme, b->theme);
    assert_int_equal(a->enabled, b->enabled);
    assert_int_equal(a->created.ms, b->created.ms);
    assert_int_equal(a->last_login.ms, b->last_login.ms);
    assert_int_equal(a->failed_logins, b->failed_logins);
    assert_int_equal(a->locked_until.ms, b->locked_until.ms);
    assert_int_equal(a->revision, b->revision);
}

static void tenants_change_and_are_listed(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_tenant second = {.name = "Ålborg", .language = "da", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(t.store, &second), HYP_OK);
    hyp_text_copy(second.time_zone, sizeof(second.time_zone), HYP_STR("Europe/Copenhagen"));
    assert_int_equal(hyp_store_tenant_update(t.store, &second), HYP_OK);
    struct hyp_tenant *tenants;
    size_t count;
    assert_int_equal(hyp_store_tenants(t.store, &t.arena, &tenants, &count), HYP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(tenants[1].id.id, second.id.id);
    assert_string_equal(tenants[1].name, "Ålborg");
    assert_string_equal(tenants[1].time_zone, "Europe/Copenhagen");
    second.id.id = 99;
    assert_int_equal(hyp_store_tenant_update(t.store, &second), HYP_NOT_FOUND);
    test_store_close(&t);
}

static void the_first_user_is_added_once(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_error err = {0};
    struct hyp_user user = make_user(t.tenant, "aase");
    struct hyp_user late = make_user(t.tenant, "berta");
    assert_int_equal(hyp_store_user_add_first(t.store, &user, &err), HYP_OK);
    assert_int_equal(hyp_store_user_add_first(t.store, &late, &err), HYP_EXISTS);
    struct hyp_user back;
    assert_int_equal(hyp_store_user_by_login(t.store, HYP_STR("aase"), &back), HYP_OK);
    same_user(&user, &back);
    assert_int_equal(hyp_store_user_by_login(t.store, HYP_STR("berta"), &back), HYP_NOT_FOUND);
    test_store_close(&t);
}

static void a_user_comes_back_as_given(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_user user = make_user(t.tenant, "aase");
    assert_int_equal(hyp_store_user_add(t.store, &user, NULL), HYP_OK);
    assert_int_equal(user.created.ms, START_MS);
    struct hyp_user back;
    assert_int_equal(hyp_store_user(t.store, user.id, &back), HYP_OK);
    same_user(&user, &back);
    assert_int_equal(hyp_store_user_by_login(t.store, HYP_STR("aase"), &back), HYP_OK);
    same_user(&user, &back);
    assert_int_equal(hyp_store_user_by_login(t.store, HYP_STR("aas"), &back), HYP_NOT_FOUND);
    assert_int_equal(hyp_store_user(t.store, 99, &back), HYP_NOT_FOUND);
    struct hyp_user *users;
    size_t count;
    assert_int_equal(hyp_store_users(t.store, t.tenant, &t.arena, &users, &count), HYP_OK);
    assert_int_equal(count, 1);
    same_user(&user, &users[0]);
    test_store_close(&t);
}

static void a_user_changes_by_revision(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_user user = make_user(t.tenant, "aase");
    struct hyp_user other = make_user(t.tenant, "bo");
    assert_int_equal(hyp_store_user_add(t.store, &user, NULL), HYP_OK);
    assert_int_equal(hyp_store_user_add(t.store, &other, NULL), HYP_OK);
    struct hyp_user stale = user;
    user.role = HYP_ROLE_READER;
    user.enabled = false;
    assert_int_equal(hyp_store_user_update(t.store, &user, false, NULL), HYP_OK);
    struct hyp_user back;
    assert_int_equal(hyp_store_user(t.store, user.id, &back), HYP_OK);
    same_user(&user, &back);
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_user_update(t.store, &stale, false, &err), HYP_CONFLICT);
    hyp_text_copy(other.login, sizeof(other.login), HYP_STR("aase"));
    assert_int_equal(hyp_store_user_update(t.store, &other, false, &err), HYP_EXISTS);
    assert_non_null(strstr(err.text, "\"aase\" is taken"));
    struct hyp_user again = make_user(t.tenant, "aase");
    assert_int_equal(hyp_store_user_add(t.store, &again, &err), HYP_EXISTS);
    assert_non_null(strstr(err.text, "\"aase\" is taken"));
    struct hyp_user lost = make_user((hyp_tenant_id){.id = 99}, "cy");
    assert_int_equal(hyp_store_user_add(t.store, &lost, &err), HYP_NOT_FOUND);
    test_store_close(&t);
}

static void sessions_live_and_end(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_user user = make_user(t.tenant, "aase");
    assert_int_equal(hyp_store_user_add(t.store, &user, NULL), HYP_OK);
    struct hyp_session_row session = {
        .token_hash = {1, 2, 3},
        .csrf_hash = {9, 8 },
        .user = user.id,
        .created.ms = START_MS,
        .last_seen.ms = START_MS,
        .expires.ms = START_MS + HOUR_MS
    };
    assert_int_equal(hyp_store_session_add(t.store, &user, &session), HYP_OK);
    struct hyp_session_row back;
    assert_int_equal(hyp_store_session(t.store, session.token_hash, &back), HYP_OK);
    assert_memory_equal(&back, &session, sizeof(back));
    assert_int_equal(hyp_store_session_touch(t.store, session.token_hash,
                                             (hyp_utc){START_MS + 1}, (hyp_utc){START_MS + 2}),
                     HYP_OK);
    assert_int_equal(hyp_store_session(t.store, session.token_hash, &back), HYP_OK);
    assert_int_equal(back.last_seen.ms, START_MS + 1);
    assert_int_equal(back.expires.ms, START_MS + 2);
    /* An expired one goes when the next begins. */
    hyp_clock_fake_advance(&t.clock, 10);
    struct hyp_session_row second = session;
    second.token_hash[0] = 7;
    assert_int_equal(hyp_store_session_add(t.store, &user, &second), HYP_OK);
    assert_int_equal(hyp_store_session(t.store, session.token_hash, &back), HYP_NOT_FOUND);
    assert_int_equal(hyp_store_session_remove(t.store, second.token_hash), HYP_OK);
    assert_int_equal(hyp_store_session_remove(t.store, second.token_hash), HYP_NOT_FOUND);
    assert_int_equal(
        hyp_store_session_touch(t.store, second.token_hash, (hyp_utc){1}, (hyp_utc){1}),
        HYP_NOT_FOUND);
    assert_int_equal(hyp_store_session_add(t.store, &user, &second), HYP_OK);
    /* What does not concern them leaves them, and so does a change that is refused. */
    struct hyp_user stale = user;
    assert_int_equal(hyp_store_user_update(t.store, &user, false, NULL), HYP_OK);
    assert_int_equal(hyp_store_user_update(t.store, &stale, true, NULL), HYP_CONFLICT);
    assert_int_equal(hyp_store_session(t.store, second.token_hash, &back), HYP_OK);
    assert_int_equal(hyp_store_user_update(t.store, &user, true, NULL), HYP_OK);
    assert_int_equal(hyp_store_session(t.store, second.token_hash, &back), HYP_NOT_FOUND);
    test_store_close(&t);
}

/* What a session rests on is the user as it was read: any of it that is another since counts.
 */
static void a_session_of_a_changed_user_does_not_begin(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_user user = make_user(t.tenant, "aase");
    struct hyp_session_row session = {.token_hash = {1}, .expires.ms = START_MS + HOUR_MS};
    struct hyp_user back;
    assert_int_equal(hyp_store_user_add(t.store, &user, NULL), HYP_OK);
    session.user = user.id;
    session.created.ms = START_MS + 1;
    const struct hyp_user read = user;
    for (int change = 0; change < 3; change++) {
        user = read;
        assert_int_equal(hyp_store_user(t.store, user.id, &back), HYP_OK);
        user.revision = back.revision;
        hyp_text_copy(user.password_hash, sizeof(user.password_hash),
                      hyp_str_from(change == 0 ? "new" : read.password_hash));
        user.role = change == 1 ? HYP_ROLE_READER : read.role;
        user.enabled = change != 2;
        assert_int_equal(hyp_store_user_update(t.store, &user, true, NULL), HYP_OK);
        assert_int_equal(hyp_store_session_add(t.store, &read, &session), HYP_CONFLICT);
        assert_int_equal(hyp_store_session(t.store, session.token_hash, &session),
                         HYP_NOT_FOUND);
        assert_int_equal(hyp_store_user(t.store, user.id, &back), HYP_OK);
        assert_int_equal(back.last_login.ms, read.last_login.ms);
    }
    assert_int_equal(hyp_store_session_add(t.store, &user, &session), HYP_OK);
    assert_int_equal(hyp_store_user(t.store, user.id, &back), HYP_OK);
    assert_int_equal(back.last_login.ms, START_MS + 1);
    assert_int_equal(back.revision, user.revision);
    user.name[0] = 'B';
    user.last_login.ms = 7;
    assert_int_equal(hyp_store_user_update(t.store, &user, false, NULL), HYP_OK);
    assert_int_equal(hyp_store_user(t.store, user.id, &back), HYP_OK);
    assert_int_equal(back.last_login.ms, START_MS + 1);
    assert_int_equal(hyp_store_user_remove(t.store, t.tenant, user.id, NULL), HYP_OK);
    assert_int_equal(hyp_store_session_add(t.store, &user, &session), HYP_CONFLICT);
    test_store_close(&t);
}

static void tokens_live_and_end(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_user user = make_user(t.tenant, "aase");
    assert_int_equal(hyp_store_user_add(t.store, &user, NULL), HYP_OK);
    struct hyp_api_token token = {.tenant = t.tenant,
                                  .user = user.id,
                                  .name = "reporting",
                                  .token_hash = {5},
                                  .role = HYP_ROLE_READER,
                                  .created.ms = START_MS,
                                  .expires.ms = 0};
    assert_int_equal(hyp_store_token_add(t.store, &token), HYP_OK);
    struct hyp_api_token back;
    assert_int_equal(hyp_store_token_by_hash(t.store, token.token_hash, &back), HYP_OK);
    assert_int_equal(back.id, token.id);
    assert_int_equal(back.user, user.id);
    assert_int_equal(back.tenant.id, t.tenant.id);
    assert_int_equal(back.role, HYP_ROLE_READER);
    assert_string_equal(back.name, "reporting");
    assert_int_equal(hyp_store_token_touch(t.store, token.id, (hyp_utc){START_MS + 9}), HYP_OK);
    struct hyp_api_token *tokens;
    size_t count;
    assert_int_equal(hyp_store_tokens(t.store, t.tenant, &t.arena, &tokens, &count), HYP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(tokens[0].last_used.ms, START_MS + 9);
    assert_int_equal(hyp_store_token_add(t.store, &token), HYP_EXISTS);
    assert_int_equal(hyp_store_token_remove(t.store, t.tenant, token.id), HYP_OK);
    assert_int_equal(hyp_store_token_by_hash(t.store, token.token_hash, &back), HYP_NOT_FOUND);
    assert_int_equal(hyp_store_token_touch(t.store, token.id, (hyp_utc){1}), HYP_NOT_FOUND);
    /* With the user everything of the user goes. */
    assert_int_equal(hyp_store_token_add(t.store, &token), HYP_OK);
    assert_int_equal(hyp_store_user_remove(t.store, t.tenant, user.id, NULL), HYP_OK);
    assert_int_equal(hyp_store_token_by_hash(t.store, token.token_hash, &back), HYP_NOT_FOUND);
    assert_int_equal(hyp_store_user_remove(t.store, t.tenant, user.id, NULL), HYP_NOT_FOUND);
    test_store_close(&t);
}

static void audit_is_newest_first(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    for (int i = 0; i < 10; i++) {
        struct hyp_audit_entry entry = {.tenant = t.tenant,
                                        .time.ms = i,
                                        .user = 3,
                                        .action = "device.update",
                                        .object = "device:17",
                                        .detail = "name: a -> b"};
        assert_int_equal(hyp_store_audit_add(t.store, &entry), HYP_OK);
    }
    struct hyp_audit_entry *entries;
    size_t count;
    assert_int_equal(hyp_store_audit(t.store, t.tenant, 2, 3, &t.arena, &entries, &count),
                     HYP_OK);
    assert_int_equal(count, 3);
    assert_int_equal(entries[0].time.ms, 7);
    assert_int_equal(entries[2].time.ms, 5);
    assert_int_equal(entries[0].user, 3);
    assert_string_equal(entries[0].action, "device.update");
    assert_string_equal(entries[0].object, "device:17");
    assert_string_equal(entries[0].detail, "name: a -> b");
    test_store_close(&t);
}

/* --- places --- */

/* An installation 1000..2000 of device A at place X is there; then another one comes. */
static const struct overlap_row {
    const char *name;
    bool other_place;
    bool other_device;
    int64_t from;
    int64_t to;
    enum hyp_status status;
} overlaps[] = {
    {"after it",                           false, false, 2000, 3000, HYP_OK      },
    {"before it",                          false, false, 500,  1000, HYP_OK      },
    {"inside",                             false, true,  1200, 1300, HYP_CONFLICT},
    {"around",                             true,  false, 500,  2500, HYP_CONFLICT},
    {"into its end",                       false, false, 1999, 0,    HYP_CONFLICT},
    {"into its start",                     false, false, 900,  1001, HYP_CONFLICT},
    {"open since before",                  false, false, 900,  0,    HYP_CONFLICT},
    {"at the same time, all is different", true,  true,  1200, 0,    HYP_OK      },
    {"ends before it begins",              true,  true,  1200, 1100, HYP_INVALID },
};

static void installations_do_not_overlap(void **state)
{
    const struct overlap_row *row = *state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_metering_point places[2] = {
        {.tenant = t.tenant, .name = "X", .medium = "heat"},
        {.tenant = t.tenant,                  .name = "Y"           }
    };
    hyp_device_id devices[2] = {test_device(&t, "1"), test_device(&t, "2")};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hyp_store_metering_point_add(t.store, &places[i], NULL), HYP_OK);
    }
    struct hyp_installation first = {
        .metering_point = places[0].id, .device = devices[0], .from.ms = 1000, .to.ms = 2000};
    assert_int_equal(hyp_store_installation_add(t.store, t.tenant, &first, NULL), HYP_OK);
    struct hyp_installation second = {.metering_point = places[row->other_place].id,
                                      .device = devices[row->other_device],
                                      .from.ms = row->from,
                                      .to.ms = row->to};
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_installation_add(t.store, t.tenant, &second, &err), row->status);
    struct hyp_installation *list;
    size_t count;
    assert_int_equal(
        hyp_store_installations(t.store, t.tenant, (hyp_device_id){0}, &t.arena, &list, &count),
        HYP_OK);
    assert_int_equal(count, row->status == HYP_OK ? 2 : 1);
    test_store_close(&t);
}

static void an_open_installation_blocks_the_future(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_metering_point place = {.tenant = t.tenant, .name = "X", .address = "Torvet 1"};
    assert_int_equal(hyp_store_metering_point_add(t.store, &place, NULL), HYP_OK);
    hyp_device_id device = test_device(&t, "1");
    struct hyp_installation open = {
        .metering_point = place.id, .device = device, .from.ms = 1000};
    assert_int_equal(hyp_store_installation_add(t.store, t.tenant, &open, NULL), HYP_OK);
    struct hyp_installation later = {
        .metering_point = place.id, .device = device, .from.ms = 5000, .to.ms = 6000};
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_installation_add(t.store, t.tenant, &later, &err), HYP_CONFLICT);
    assert_non_null(strstr(err.text, "overlaps"));
    struct hyp_installation *list;
    size_t count;
    assert_int_equal(
        hyp_store_installations(t.store, t.tenant, device, &t.arena, &list, &count), HYP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].from.ms, 1000);
    assert_int_equal(list[0].to.ms, 0);
    struct hyp_metering_point *places;
    assert_int_equal(hyp_store_metering_points(t.store, t.tenant, &t.arena, &places, &count),
                     HYP_OK);
    assert_int_equal(count, 1);
    assert_string_equal(places[0].address, "Torvet 1");
    test_store_close(&t);
}

static void groups_have_members(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_group group = {.tenant = t.tenant, .name = "Old town"};
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_group_add(t.store, &group, &err), HYP_OK);
    struct hyp_group same = {.tenant = t.tenant, .name = "Old town"};
    assert_int_equal(hyp_store_group_add(t.store, &same, &err), HYP_EXISTS);
    assert_non_null(strstr(err.text, "Old town"));
    hyp_device_id devices[] = {test_device(&t, "1"), test_device(&t, "2"), {.id = 99}};
    assert_int_equal(hyp_store_group_change(
                         t.store, t.tenant, group.id,
                         &(struct hyp_group_change){.add = devices, .add_count = 3}, &err),
                     HYP_NOT_FOUND);
    /* Nor does any go in when one that is to go out is not there. */
    assert_int_equal(hyp_store_group_change(t.store, t.tenant, group.id,
                                            &(struct hyp_group_change){.add = devices,
                                                                       .add_count = 2,
                                                                       .remove = &devices[2],
                                                                       .remove_count = 1},
                                            &err),
                     HYP_NOT_FOUND);
    assert_non_null(strstr(err.text, "99"));
    hyp_device_id *members;
    size_t count;
    assert_int_equal(
        hyp_store_group_members(t.store, t.tenant, group.id, &t.arena, &members, &count),
        HYP_OK);
    assert_int_equal(count, 0);
    for (int i = 0; i < 2; i++) {
        /* Twice is once. */
        assert_int_equal(hyp_store_group_change(
                             t.store, t.tenant, group.id,
                             &(struct hyp_group_change){.add = devices, .add_count = 2}, &err),
                         HYP_OK);
    }
    struct hyp_group *groups;
    assert_int_equal(hyp_store_groups(t.store, t.tenant, &t.arena, &groups, &count), HYP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(groups[0].members, 2);
    assert_int_equal(
        hyp_store_group_change(t.store, t.tenant, group.id,
                               &(struct hyp_group_change){.remove = devices, .remove_count = 1},
                               &err),
        HYP_OK);
    assert_int_equal(hyp_store_device_remove(t.store, t.tenant, devices[1], NULL), HYP_OK);
    assert_int_equal(
        hyp_store_group_members(t.store, t.tenant, group.id, &t.arena, &members, &count),
        HYP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(hyp_store_group_remove(t.store, t.tenant, group.id, &err), HYP_OK);
    assert_int_equal(hyp_store_group_remove(t.store, t.tenant, group.id, &err), HYP_NOT_FOUND);
    test_store_close(&t);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, tenants_change_and_are_listed);
    TEST_ONE(&list, the_first_user_is_added_once);
    TEST_ONE(&list, a_user_comes_back_as_given);
    TEST_ONE(&list, a_user_changes_by_revision);
    TEST_ONE(&list, sessions_live_and_end);
    TEST_ONE(&list, a_session_of_a_changed_user_does_not_begin);
    TEST_ONE(&list, tokens_live_and_end);
    TEST_ONE(&list, audit_is_newest_first);
    TEST_ROWS(&list, overlaps, installations_do_not_overlap);
    TEST_ONE(&list, an_open_installation_blocks_the_future);
    TEST_ONE(&list, groups_have_members);
    return test_list_run(&list, "store-people");
}
