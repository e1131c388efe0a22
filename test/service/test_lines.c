/* SPDX-License-Identifier: Apache-2.0 */
#include "fresh.h"

#include "service/overview.h"
#include "store/core.h"

/* --- what is refused, with the name of the field --- */

static const struct line_row {
    const char *name;
    const char *field;
    struct hyp_line line;
} line_rows[] = {
    {"a gateway",           NULL,    {.name = "x", .kind = HYP_LINE_MBUS_TCP, .host = "h", .port = 1}                      },
    {"a name",              "name",  {.kind = HYP_LINE_MBUS_TCP, .host = "h", .port = 1}                                   },
    {"a kind",              "kind",  {.name = "x", .host = "h", .port = 1}                                                 },
    {"a host",              "host",  {.name = "x", .kind = HYP_LINE_MBUS_TCP, .port = 1}                                   },
    {"a port",              "port",  {.name = "x", .kind = HYP_LINE_MODBUS_TCP, .host = "h"}                               },
    {"a serial port",       NULL,    {.name = "x", .kind = HYP_LINE_MBUS_SERIAL, .path = "/dev/ttyS0"}                     },
    {"a path for it",       "path",  {.name = "x", .kind = HYP_LINE_MBUS_SERIAL}                                           },
    {"a usual rate",
     "baud",                         {.name = "x", .kind = HYP_LINE_MBUS_SERIAL, .path = "/dev/a", .baud = 1234}           },
    {"a parity",
     "parity",                       {.name = "x", .kind = HYP_LINE_MBUS_SERIAL, .path = "/dev/a", .parity = 'X'}          },
    {"a topic",             "topic", {.name = "x", .kind = HYP_LINE_WMBUS_MQTT, .host = "h", .port = 1}                    },
    {"a folder",            "path",  {.name = "x", .kind = HYP_LINE_DROP_FOLDER, .path = "relative"}                       },
    {"patience has an end",
     "timeout_ms",                   {.name = "x", .kind = HYP_LINE_MBUS_TCP, .host = "h", .port = 1, .timeout_ms = 600001}},
};

static void check_line(void **state)
{
    const struct line_row *row = *state;
    struct hyp_line line = row->line;
    struct hyp_error err = {0};
    enum hyp_status status = hyp_line_check(&line, &err);
    assert_int_equal(status, row->field == NULL ? HYP_OK : HYP_INVALID);
    if (row->field != NULL) {
        assert_true(hyp_str_has_prefix(hyp_str_from(err.text), hyp_str_from(row->field)));
    }
}

/* --- lines --- */

static void lines_in_use_stay(void **state)
{
    struct hyp_line_view *lines;
    size_t count;
    (void)state;
    struct hyp_line line = test_add_line(&t, "north");
    struct hyp_device device = test_add_device(&t, "m", "12345678", line.id.id);
    assert_int_equal(hyp_line_remove(t.service, &t.admin, line.id, NULL), HYP_CONFLICT);
    assert_int_equal(hyp_lines_list(t.service, &t.reader, &t.arena, &lines, &count, NULL),
                     HYP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(lines[0].devices, 1);
    assert_int_equal(hyp_device_remove(t.service, &t.admin, device.id, NULL), HYP_OK);
    assert_int_equal(hyp_line_remove(t.service, &t.admin, line.id, NULL), HYP_OK);
    assert_int_equal(hyp_line_remove(t.service, &t.admin, line.id, NULL), HYP_NOT_FOUND);
}

/* In a list as one by one: none, one, several, a line that is gone, and devices of no line. */
static void a_list_counts_as_single_lines_do(void **state)
{
    (void)state;
    static const size_t devices[] = {2, 0, 3, 0, 1};
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct hyp_line lines[HYP_ARRAY_LEN(devices)];
    struct hyp_line_view *views;
    struct hyp_line_view one;
    size_t count;
    int serial = 10000000;
    for (size_t i = 0; i < HYP_ARRAY_LEN(devices); i++) {
        lines[i] = test_add_line(&t, names[i]);
    }
    for (size_t n = 0; n < 3; n++) {
        for (size_t i = 0; i < HYP_ARRAY_LEN(devices); i++) {
            if (n < devices[i]) {
                char text[16];
                struct hyp_buf buf;
                hyp_buf_init_fixed(&buf, text, sizeof(text));
                hyp_buf_append_fmt(&buf, "%d", serial++);
                test_add_device(&t, hyp_buf_terminate(&buf), text, lines[i].id.id);
            }
        }
    }
    test_add_device(&t, "of no line", "99999999", 0);
    assert_int_equal(hyp_line_remove(t.service, &t.admin, lines[1].id, NULL), HYP_OK);
    assert_int_equal(hyp_lines_list(t.service, &t.reader, &t.arena, &views, &count, NULL),
                     HYP_OK);
    assert_int_equal(count, HYP_ARRAY_LEN(devices) - 1);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(views[i].devices, devices[i == 0 ? 0 : i + 1]);
        assert_int_equal(hyp_line_get(t.service, &t.reader, views[i].line.id, &one, NULL),
                         HYP_OK);
        assert_int_equal(one.devices, views[i].devices);
    }
}

static void a_master_carries_250_meters(void **state)
{
    struct hyp_error err = {0};
    struct hyp_line_view view;
    (void)state;
    struct hyp_line north = test_add_line(&t, "north");
    struct hyp_line south = test_add_line(&t, "south");
    for (unsigned i = 0; i < 250; i++) {
        char serial[9];
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, serial, sizeof(serial));
        hyp_buf_append_fmt(&buf, "%08u", 10000000 + i);
        test_add_device(&t, hyp_buf_terminate(&buf), serial, north.id.id);
    }
    struct hyp_device device = test_add_device(&t, "elsewhere", "20000000", south.id.id);
    device.line = north.id;
    assert_int_equal(hyp_device_update(t.service, &t.admin, &device, false, &err), HYP_INVALID);
    assert_non_null(strstr(err.text, "line: north carries 250 of at most 250"));
    device.id.id = 0;
    hyp_text_copy(device.serial, sizeof(device.serial), HYP_STR("20000001"));
    assert_int_equal(hyp_device_add(t.service, &t.admin, &device, &err), HYP_INVALID);
    assert_int_equal(hyp_line_get(t.service, &t.reader, north.id, &view, NULL), HYP_OK);
    assert_int_equal(view.devices, 250);
    /* What is there may be changed. */
    struct hyp_device_view first;
    struct hyp_device_page page;
    const struct hyp_device_query query = {.line = north.id.id, .limit = 1};
    assert_int_equal(
        hyp_devices_list(t.service, &t.admin, &query, 0, &t.arena, &page, NULL, NULL), HYP_OK);
    assert_int_equal(hyp_device_get(t.service, &t.admin, page.views[0].device.id, &t.arena,
                                    &first, NULL, NULL),
                     HYP_OK);
    assert_int_equal(hyp_device_update(t.service, &t.admin, &first.device, false, &err),
                     HYP_OK);
}

static void names_of_lines_are_unique(void **state)
{
    struct hyp_error err = {0};
    (void)state;
    test_add_line(&t, "north");
    struct hyp_line south = test_add_line(&t, "south");
    hyp_text_copy(south.name, sizeof(south.name), HYP_STR("north"));
    assert_int_equal(hyp_line_update(t.service, &t.admin, &south, false, &err), HYP_EXISTS);
    assert_true(hyp_str_has_prefix(hyp_str_from(err.text), HYP_STR("name: ")));
}

static void passwords_of_lines_stay_inside(void **state)
{
    struct hyp_line_view view;
    struct hyp_line stored;
    (void)state;
    struct hyp_line line = {.name = "broker",
                            .kind = HYP_LINE_WMBUS_MQTT,
                            .host = "h",
                            .port = 1883,
                            .topic = "m/#",
                            .login = "u",
                            .password = "secret"};
    assert_int_equal(hyp_line_add(t.service, &t.admin, &line, NULL), HYP_OK);
    assert_int_equal(hyp_line_get(t.service, &t.admin, line.id, &view, NULL), HYP_OK);
    assert_true(view.has_password);
    assert_string_equal(view.line.password, "");
    view.line.port = 1884;
    assert_int_equal(hyp_line_update(t.service, &t.admin, &view.line, false, NULL), HYP_OK);
    assert_int_equal(hyp_store_line(t.store, t.admin.tenant, line.id, &stored), HYP_OK);
    assert_string_equal(stored.password, "secret");
    assert_int_equal(stored.port, 1884);
    assert_null(strstr(test_last_audit(&t).detail, "secret"));
}

/* --- groups --- */

static void groups_hold_devices(void **state)
{
    struct hyp_device_page page;
    struct hyp_error err = {0};
    const struct hyp_device_query query = {.line = HYP_LINE_ANY, .limit = 10};
    struct hyp_group group = {.name = "west"};
    struct hyp_group nameless = {0};
    hyp_device_id unknown = {999};
    (void)state;
    struct hyp_device one = test_add_device(&t, "one", "12345678", 0);
    test_add_device(&t, "two", "87654321", 0);
    assert_int_equal(hyp_group_add(t.service, &t.admin, &nameless, &err), HYP_INVALID);
    assert_int_equal(hyp_group_add(t.service, &t.reader, &group, &err), HYP_DENIED);
    assert_int_equal(hyp_group_add(t.service, &t.admin, &group, &err), HYP_OK);
    assert_int_equal(
        hyp_group_change(t.service, &t.admin, group.id,
                         &(struct hyp_group_change){.add = &one.id, .add_count = 1}, &err),
        HYP_OK);
    assert_int_equal(
        hyp_group_change(t.service, &t.admin, group.id,
                         &(struct hyp_group_change){.add = &unknown, .add_count = 1}, &err),
        HYP_NOT_FOUND);
    assert_int_equal(
        hyp_devices_list(t.service, &t.reader, &query, group.id, &t.arena, &page, NULL, &err),
        HYP_OK);
    assert_int_equal(page.total, 1);
    assert_int_equal(
        hyp_devices_list(t.service, &t.reader, &query, 77, &t.arena, &page, NULL, &err),
        HYP_NOT_FOUND);
    assert_int_equal(
        hyp_group_change(t.service, &t.admin, 77, &(struct hyp_group_change){0}, &err),
        HYP_NOT_FOUND);
    /* One in both lists goes out. */
    assert_int_equal(hyp_group_change(t.service, &t.admin, group.id,
                                      &(struct hyp_group_change){.add = &one.id,
                                                                 .add_count = 1,
                                                                 .remove = &one.id,
                                                                 .remove_count = 1},
                                      &err),
                     HYP_OK);
    assert_int_equal(
        hyp_devices_list(t.service, &t.reader, &query, group.id, &t.arena, &page, NULL, &err),
        HYP_OK);
    assert_int_equal(page.total, 0);
    assert_int_equal(hyp_group_remove(t.service, &t.admin, group.id, &err), HYP_OK);
    assert_int_equal(hyp_group_remove(t.service, &t.admin, group.id, &err), HYP_NOT_FOUND);
}

/* As for a store whose secret.key is another one: a box that is opened is a failure. */
static void the_overview_opens_no_passwords(void **state)
{
    (void)state;
    struct hyp_line line = {.name = "broker",
                            .kind = HYP_LINE_WMBUS_MQTT,
                            .host = "192.0.2.9",
                            .port = 1883,
                            .topic = "meters",
                            .password = "secret"};
    struct hyp_line *lines;
    struct hyp_overview overview;
    size_t count;
    assert_int_equal(hyp_line_add(t.service, &t.admin, &line, NULL), HYP_OK);
    t.store->secret.key[0] ^= 1;
    assert_int_equal(
        hyp_store_lines(t.store, hyp_scope_tenant(&t.admin), &t.arena, &lines, &count),
        HYP_WRONG_KEY);
    assert_int_equal(hyp_overview_get(t.service, &t.reader, &t.arena, &overview, NULL), HYP_OK);
    assert_int_equal(overview.lines, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(lines_in_use_stay),
        WITH_SERVICE(a_list_counts_as_single_lines_do),
        WITH_SERVICE(a_master_carries_250_meters),
        WITH_SERVICE(names_of_lines_are_unique),
        WITH_SERVICE(passwords_of_lines_stay_inside),
        WITH_SERVICE(groups_hold_devices),
        WITH_SERVICE(the_overview_opens_no_passwords),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    TEST_ROWS(&list, line_rows, check_line);
    return test_list_run(&list, "lines");
}
