/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log names what its numbers stand for: by today's names, and to nobody else's
 * tenant. */
#include "fixture.h"

#include "service/audit.h"
#include "service/devices.h"
#include "service/people.h"
#include "service/readings.h"

static struct test_service t;
static struct hyp_device device;
static struct hyp_line line;
static struct hyp_user user;
static hyp_point_id point;
static struct hyp_group group;
static struct hyp_api_token token;

static int open_service(void **state)
{
    (void)state;
    struct hyp_point *points;
    size_t count;
    test_service_open(&t);
    line = test_add_line(&t, "riser");
    device = test_add_device(&t, "meter", "12345678", line.id.id);
    user = test_add_user(&t, "rita", HYP_ROLE_READER);
    test_commit(&t, device.id, TEST_START_MS, 17);
    group = (struct hyp_group){.name = "harbour"};
    assert_int_equal(hyp_group_add(t.service, &t.admin, &group, NULL), HYP_OK);
    token = (struct hyp_api_token){.name = "billing", .role = HYP_ROLE_READER};
    char text[HYP_TOKEN_TEXT_MAX];
    struct hyp_scope rita = t.admin;
    rita.user = user.id;
    assert_int_equal(hyp_people_token_add(t.service, &rita, &token, text, NULL), HYP_OK);
    assert_int_equal(
        hyp_readings_points(t.service, &t.admin, device.id, &t.arena, &points, &count, NULL),
        HYP_OK);
    assert_true(count > 0);
    point = points[0].id;
    return 0;
}

static int close_service(void **state)
{
    (void)state;
    test_service_close(&t);
    return 0;
}

static struct hyp_audit_view newest(const struct hyp_scope *scope)
{
    struct hyp_audit_view *views;
    size_t count;
    assert_int_equal(hyp_audit_list(t.service, scope, 0, 1, &t.arena, &views, &count, NULL),
                     HYP_OK);
    assert_int_equal(count, 1);
    return views[0];
}

/* What an entry about this becomes. */
static struct hyp_audit_object named(const struct hyp_scope *scope, const char *kind,
                                     int64_t id)
{
    hyp_service_audit(t.service, scope, "test.done", kind, id, "done");
    return newest(scope).object;
}

static void names_what_there_is(void **state)
{
    (void)state;
    struct hyp_audit_object found = named(&t.admin, "device", device.id.id);
    assert_string_equal(found.name, "meter");
    assert_string_equal(found.key, "");
    assert_int_equal(found.device.id, device.id.id);
    assert_int_equal(found.line.id, 0);
    found = named(&t.admin, "point", point.id);
    assert_string_equal(found.name, "meter");
    assert_string_equal(found.key, "energy");
    assert_int_equal(found.device.id, device.id.id);
    found = named(&t.admin, "line", line.id.id);
    assert_string_equal(found.name, "riser");
    assert_int_equal(found.line.id, line.id.id);
    assert_int_equal(found.device.id, 0);
    assert_string_equal(named(&t.admin, "user", user.id).name, "rita");
    assert_string_equal(named(&t.admin, "group", group.id).name, "harbour");
    assert_string_equal(named(&t.admin, "token", token.id).name, "billing");
}

/* Of what is gone its last entry has the name. */
static void a_removal_says_the_name(void **state)
{
    (void)state;
    assert_int_equal(hyp_group_remove(t.service, &t.admin, group.id, NULL), HYP_OK);
    struct hyp_audit_view gone = newest(&t.admin);
    assert_string_equal(gone.entry.action, "group.remove");
    assert_string_equal(gone.entry.detail, "harbour");
    assert_string_equal(gone.object.name, "");
    assert_int_equal(hyp_people_token_remove(t.service, &t.admin, token.id, NULL), HYP_OK);
    gone = newest(&t.admin);
    assert_string_equal(gone.entry.action, "token.remove");
    assert_string_equal(gone.entry.detail, "billing");
}

static void names_are_those_of_today(void **state)
{
    (void)state;
    named(&t.admin, "device", device.id.id);
    hyp_text_copy(device.name, sizeof(device.name), HYP_STR("renamed"));
    assert_int_equal(hyp_device_update(t.service, &t.admin, &device, false, NULL), HYP_OK);
    assert_string_equal(newest(&t.admin).object.name, "renamed");
    assert_int_equal(hyp_device_remove(t.service, &t.admin, device.id, NULL), HYP_OK);
    struct hyp_audit_view gone = newest(&t.admin);
    assert_string_equal(gone.entry.action, "device.remove");
    assert_string_equal(gone.object.name, "");
    assert_int_equal(gone.object.device.id, 0);
}

/* Entries about the plant, and of kinds that have no name, are told by their words. */
static void the_rest_has_no_name(void **state)
{
    static const char *const kinds[] = {"plant", "job", "forgotten", "devices"};
    (void)state;
    for (size_t i = 0; i < HYP_ARRAY_LEN(kinds); i++) {
        for (int64_t id = 0; id < 2; id++) {
            struct hyp_audit_object found = named(&t.admin, kinds[i], id);
            assert_string_equal(found.name, "");
            assert_string_equal(found.key, "");
            assert_int_equal(found.device.id, 0);
            assert_int_equal(found.line.id, 0);
        }
    }
    assert_string_equal(named(&t.admin, "device", 0).name, "");
    assert_string_equal(named(&t.admin, "device", 999).name, "");
    assert_string_equal(named(&t.admin, "point", 999).key, "");
}

static void another_tenant_learns_no_name(void **state)
{
    (void)state;
    assert_string_equal(named(&t.stranger, "device", device.id.id).name, "");
    assert_int_equal(named(&t.stranger, "device", device.id.id).device.id, 0);
    assert_string_equal(named(&t.stranger, "point", point.id).key, "");
    assert_string_equal(named(&t.stranger, "line", line.id.id).name, "");
    assert_string_equal(named(&t.stranger, "user", user.id).name, "");
    assert_string_equal(named(&t.stranger, "group", group.id).name, "");
    assert_string_equal(named(&t.stranger, "token", token.id).name, "");
}

static void says_who(void **state)
{
    (void)state;
    struct hyp_audit_view *views;
    size_t count;
    struct hyp_scope rita = t.admin;
    rita.user = user.id;
    named(&rita, "device", device.id.id);
    named(&rita, "line", line.id.id);
    named(&t.admin, "line", line.id.id);
    assert_int_equal(hyp_audit_list(t.service, &t.admin, 0, 3, &t.arena, &views, &count, NULL),
                     HYP_OK);
    assert_int_equal(count, 3);
    assert_string_equal(views[0].login, "");
    assert_string_equal(views[1].login, "rita");
    assert_string_equal(views[2].login, "rita");
    assert_string_equal(views[0].object.name, "riser");
    assert_string_equal(views[1].object.name, "riser");
    assert_string_equal(views[2].object.name, "meter");
    assert_int_equal(hyp_audit_list(t.service, &t.reader, 0, 3, &t.arena, &views, &count, NULL),
                     HYP_DENIED);
}

#define WITH_SERVICE(test) cmocka_unit_test_setup_teardown(test, open_service, close_service)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(names_what_there_is),           WITH_SERVICE(names_are_those_of_today),
        WITH_SERVICE(the_rest_has_no_name),          WITH_SERVICE(says_who),
        WITH_SERVICE(another_tenant_learns_no_name), WITH_SERVICE(a_removal_says_the_name),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    return test_list_run(&list, "service-audit");
}
