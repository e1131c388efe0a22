/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "service/manifest.h"

#define LINE_NORTH                                                                             \
    "{\"name\":\"north\",\"kind\":\"mbus-tcp\",\"host\":\"127.0.0.1\",\"port\":10001}"
#define METER_ONE                                                                              \
    "{\"name\":\"one\",\"line\":\"north\",\"kind\":\"heat_meter\",\"manufacturer\":\"KAM\","   \
    "\"id\":\"12345678\",\"version\":53,\"medium\":4,\"primary_address\":1,"                   \
    "\"profile\":\"no such profile\",\"site\":\"Quay 3\",\"key\":null}"
#define METER_TWO                                                                              \
    "{\"name\":\"two\",\"line\":\"north\",\"kind\":\"water_meter\",\"manufacturer\":\"ZRI\","  \
    "\"id\":\"87654321\",\"version\":1,\"medium\":7,\"primary_address\":null,"                 \
    "\"secondary\":true}"
#define GROUP_QUAY "{\"name\":\"quay\",\"devices\":[\"one\",\"two\",\"nobody\"]}"
#define WHOLE                                                                                  \
    "{\"lines\":[" LINE_NORTH "],\"devices\":[" METER_ONE "," METER_TWO                        \
    "],\"groups\":[" GROUP_QUAY "],\"faults\":[]}"

static struct test_service t;
static struct hyp_manifest_result result;

static int open_service(void **state)
{
    (void)state;
    test_service_open(&t);
    return 0;
}

static int close_service(void **state)
{
    (void)state;
    test_service_close(&t);
    return 0;
}

static enum hyp_status import(const char *text, struct hyp_error *err)
{
    return hyp_manifest_import(t.service, &t.admin, hyp_str_from(text), &t.arena, &result, err);
}

static size_t device_count(void)
{
    struct hyp_device_page page;
    const struct hyp_device_query query = {.line = HYP_LINE_ANY};
    assert_int_equal(
        hyp_devices_list(t.service, &t.admin, &query, 0, &t.arena, &page, NULL, NULL), HYP_OK);
    return page.total;
}

static size_t line_count(void)
{
    struct hyp_line_view *lines;
    size_t count;
    assert_int_equal(hyp_lines_list(t.service, &t.admin, &t.arena, &lines, &count, NULL),
                     HYP_OK);
    return count;
}

static void imports_once(void **state)
{
    struct hyp_error err = {0};
    struct hyp_group *groups;
    size_t count;
    (void)state;
    assert_int_equal(import(WHOLE, &err), HYP_OK);
    assert_int_equal(result.lines, 1);
    assert_int_equal(result.devices, 2);
    assert_int_equal(result.groups, 1);
    assert_int_equal(result.skipped, 0);
    assert_int_equal(hyp_groups_list(t.service, &t.admin, &t.arena, &groups, &count, NULL),
                     HYP_OK);
    assert_int_equal(groups[0].members, 2);
    assert_string_equal(test_last_audit(&t).action, "plant.import");
    assert_int_equal(import(WHOLE, &err), HYP_OK);
    assert_int_equal(result.lines + result.devices + result.groups, 0);
    assert_int_equal(result.skipped, 3);
    assert_int_equal(device_count(), 2);
}

static void readers_import_nothing(void **state)
{
    (void)state;
    assert_int_equal(
        hyp_manifest_import(t.service, &t.reader, HYP_STR(WHOLE), &t.arena, &result, NULL),
        HYP_DENIED);
    assert_int_equal(device_count(), 0);
}

static const struct row {
    const char *name;
    const char *text;
    enum hyp_status status;
    const char *place; /* part of the first error */
} rows[] = {
    {"no JSON",                         "{\"lines\": [",                               HYP_MALFORMED, "Line 1, column"              },
    {"no object",                       "[]",                                          HYP_INVALID,   "JSON object"                 },
    {"lines must be a list",            "{\"lines\":{}}",                              HYP_INVALID,   "lines: "                     },
    {"a line without a port",
     "{\"lines\":[{\"name\":\"x\",\"kind\":\"mbus-tcp\",\"host\":\"h\"}]}",            HYP_INVALID,
     "lines[0] port: "                                                                                                              },
    {"two lines of one name",           "{\"lines\":[" LINE_NORTH "," LINE_NORTH "]}", HYP_INVALID,
     "lines[1] name: "                                                                                                              },
    {"a device on an unknown line",
     "{\"lines\":[" LINE_NORTH "],\"devices\":[" METER_ONE
     ",{\"name\":\"x\",\"line\":\"south\"}]}",                                         HYP_INVALID,   "devices[1] line: "           },
    {"a wrong key",
     "{\"lines\":[" LINE_NORTH "],\"devices\":[" METER_ONE
     ",{\"id\":\"11111111\",\"key\":\"00\"}]}",                                        HYP_INVALID,   "devices[1] key: "            },
    {"a device that no line can reach",
     "{\"lines\":[" LINE_NORTH "],\"devices\":[" METER_ONE
     ",{\"id\":\"11111111\",\"line\":\"north\",\"primary_address\":null}]}",           HYP_INVALID,   "devices[1] primary_address: "},
    {"the same meter twice",
     "{\"lines\":[" LINE_NORTH "],\"devices\":[" METER_ONE "," METER_ONE "]}",         HYP_INVALID,
     "devices["                                                                                                                     },
};

/* Whatever is wrong, and wherever: nothing at all is imported. */
static void all_or_nothing(void **state)
{
    const struct row *row = *state;
    struct hyp_error err = {0};
    open_service(NULL);
    assert_int_not_equal(import(row->text, &err), HYP_OK);
    if (strstr(err.text, row->place) == NULL) {
        fail_msg("%s: %s", row->name, err.text);
    }
    assert_int_equal(device_count(), 0);
    assert_int_equal(line_count(), 0);
    close_service(NULL);
}

static void no_line_gets_more_than_it_carries(void **state)
{
    struct hyp_error err = {0};
    struct hyp_buf text;
    (void)state;
    hyp_buf_init_heap(&text, 1 << 20);
    hyp_buf_append_text(&text, "{\"lines\":[" LINE_NORTH "],\"devices\":[");
    for (unsigned i = 0; i < 251; i++) {
        hyp_buf_append_fmt(&text, "%s{\"id\":\"%08u\",\"line\":\"north\",\"secondary\":true}",
                           i == 0 ? "" : ",", 10000000 + i);
    }
    hyp_buf_append_text(&text, "]}");
    assert_int_not_equal(import(hyp_buf_terminate(&text), &err), HYP_OK);
    assert_non_null(strstr(err.text, "devices[250] line: north carries 0 of at most 250"));
    assert_int_equal(device_count(), 0);
    assert_int_equal(line_count(), 0);
    hyp_buf_finish(&text);
}

#define WITH_SERVICE(test) cmocka_unit_test_setup_teardown(test, open_service, close_service)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(imports_once),
        WITH_SERVICE(readers_import_nothing),
        WITH_SERVICE(no_line_gets_more_than_it_carries),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    TEST_ROWS(&list, rows, all_or_nothing);
    return test_list_run(&list, "manifest");
}
