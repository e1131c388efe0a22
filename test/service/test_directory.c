/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/map.h"

#define HOUR_MS (3600LL * 1000)
#define NOW_MS (TEST_START_MS + 1000 * HOUR_MS)

static struct hyp_directory *directory;
static struct hyp_arena arena;

static const hyp_tenant_id tenant = {1};
static const hyp_tenant_id other = {2};
static const hyp_utc now = {NOW_MS};

static int open_directory(void **state)
{
    (void)state;
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    return hyp_directory_create(NULL, &directory) == HYP_OK ? 0 : -1;
}

static int close_directory(void **state)
{
    (void)state;
    directory = hyp_directory_destroy(directory);
    hyp_arena_finish(&arena);
    return 0;
}

/* --- condition --- */

static const struct condition_row {
    const char *name;
    bool enabled;
    struct hyp_schedule schedule;
    int64_t success_ago_ms; /* -1 = never */
    uint32_t failures;
    enum hyp_condition condition;
} condition_rows[] = {
    {"fresh",              true,  {HYP_SCHEDULE_EVERY, 15, 0, 0},     60000,        0, HYP_CONDITION_OK      },
    {"at three periods",   true,  {HYP_SCHEDULE_EVERY, 15, 0, 0},     45 * 60000,   0, HYP_CONDITION_OK      },
    {"beyond three",
     true,                        {HYP_SCHEDULE_EVERY, 15, 0, 0},
     45 * 60000 + 1,
     0,                                                                                HYP_CONDITION_STALE   },
    {"daily",              true,  {HYP_SCHEDULE_DAILY, 0, 190, 0x7F}, 71 * HOUR_MS, 0, HYP_CONDITION_OK      },
    {"daily, stale",
     true,                        {HYP_SCHEDULE_DAILY, 0, 190, 0x7F},
     73 * HOUR_MS,
     0,                                                                                HYP_CONDITION_STALE   },
    {"once a week",
     true,                        {HYP_SCHEDULE_DAILY, 0, 190, 0x01},
     20 * 24 * HOUR_MS,
     0,                                                                                HYP_CONDITION_OK      },
    {"wireless",           true,  {HYP_SCHEDULE_NONE, 0, 0, 0},       23 * HOUR_MS, 0, HYP_CONDITION_OK      },
    {"wireless, stale",
     true,                        {HYP_SCHEDULE_NONE, 0, 0, 0},
     25 * HOUR_MS,
     0,                                                                                HYP_CONDITION_STALE   },
    {"two failures",       true,  {HYP_SCHEDULE_EVERY, 15, 0, 0},     60000,        2, HYP_CONDITION_OK      },
    {"three failures",     true,  {HYP_SCHEDULE_EVERY, 15, 0, 0},     60000,        3, HYP_CONDITION_FAILING },
    {"never",              true,  {HYP_SCHEDULE_EVERY, 15, 0, 0},     -1,           0, HYP_CONDITION_NEVER   },
    {"never, and failing", true,  {HYP_SCHEDULE_EVERY, 15, 0, 0},     -1,           9, HYP_CONDITION_NEVER   },
    {"switched off",       false, {HYP_SCHEDULE_EVERY, 15, 0, 0},     60000,        9, HYP_CONDITION_DISABLED},
};

/* Readings that came from a file count as well, also without any success on a line. */
static const struct stored_row {
    const char *name;
    int64_t success_ago_ms; /* -1 = never */
    int64_t stored_ago_ms;
    uint32_t failures;
    int64_t last_ago_ms;
    enum hyp_condition condition;
} stored_rows[] = {
    {"imported just now",            -1,       60000,     0, 60000,     HYP_CONDITION_OK     },
    {"imported, old",                -1,       90000000,  0, 90000000,  HYP_CONDITION_STALE  },
    {"imported, then failing",       -1,       60000,     3, 60000,     HYP_CONDITION_FAILING},
    {"imported after a success",     90000000, 60000,     0, 60000,     HYP_CONDITION_OK     },
    {"history older than a success", 60000,    90000000,  0, 60000,     HYP_CONDITION_OK     },
    {"a clock ahead of a success",   90000000, -86400000, 0, 90000000,  HYP_CONDITION_STALE  },
    {"only a clock ahead",           -1,       -86400000, 0, -86400000, HYP_CONDITION_STALE  },
};

static struct hyp_device device_with(int64_t id, const char *name)
{
    struct hyp_device device = {.id = {id},
                                .tenant = tenant,
                                .enabled = true,
                                .version = -1,
                                .medium = -1,
                                .kind = "heat_meter"};
    hyp_text_copy(device.name, sizeof(device.name), hyp_str_from(name));
    return device;
}

static void set(struct hyp_device device)
{
    assert_int_equal(hyp_directory_set_device(directory, &device), HYP_OK);
}

static void check_condition(void **state)
{
    const struct condition_row *row = *state;
    struct hyp_device_view view;
    open_directory(NULL);
    struct hyp_device device = device_with(7, "m");
    device.enabled = row->enabled;
    device.schedule = row->schedule;
    set(device);
    struct hyp_comm_state comm = {.failures_in_row = row->failures};
    comm.last_success.ms = row->success_ago_ms < 0 ? 0 : NOW_MS - row->success_ago_ms;
    hyp_directory_restore_comm(directory, device.id, &comm);
    assert_int_equal(hyp_directory_device(directory, tenant, device.id, now, &view), HYP_OK);
    assert_int_equal(view.condition, row->condition);
    close_directory(NULL);
}

static void check_stored(void **state)
{
    const struct stored_row *row = *state;
    struct hyp_device_view view;
    open_directory(NULL);
    struct hyp_device device = device_with(7, "m");
    device.schedule = (struct hyp_schedule){HYP_SCHEDULE_EVERY, 15, 0, 0};
    set(device);
    struct hyp_comm_state comm = {.failures_in_row = row->failures};
    comm.last_success.ms = row->success_ago_ms < 0 ? 0 : NOW_MS - row->success_ago_ms;
    hyp_directory_restore_comm(directory, device.id, &comm);
    hyp_utc stored = {NOW_MS - row->stored_ago_ms};
    assert_int_equal(hyp_directory_note_reading(directory, device.id, stored).id, tenant.id);
    /* An older one that comes later changes nothing. */
    hyp_directory_note_reading(directory, device.id, (hyp_utc){stored.ms - 1000});
    assert_int_equal(hyp_directory_note_reading(directory, (hyp_device_id){8}, stored).id, 0);
    assert_int_equal(hyp_directory_device(directory, tenant, device.id, now, &view), HYP_OK);
    assert_int_equal(view.condition, row->condition);
    assert_int_equal(view.last_reading.ms, NOW_MS - row->last_ago_ms);
    close_directory(NULL);
}

/* --- query --- */

static void fill(void)
{
    static const struct {
        const char *name, *kind, *serial, *city;
        int64_t line;
        bool ok;
    } devices[] = {
        {"Meter 10",     "heat_meter",  "00000003", "Thermopolis", 1, true },
        {"meter 9",      "heat_meter",  "00000002", "Thermopolis", 1, false},
        {"Østerbro",    "water_meter", "00000001", "Caldera",     1, true },
        {"Åkirke",      "water_meter", "00000005", "Caldera",     2, false},
        {"Controller A", "controller",  "",         "Thermopolis", 0, true },
    };
    struct hyp_line line = {.id = {1}, .tenant = tenant, .name = "north"};
    assert_int_equal(hyp_directory_set_line(directory, &line), HYP_OK);
    line.id.id = 2;
    hyp_text_copy(line.name, sizeof(line.name), HYP_STR("harbour"));
    assert_int_equal(hyp_directory_set_line(directory, &line), HYP_OK);
    for (size_t i = 0; i < HYP_ARRAY_LEN(devices); i++) {
        struct hyp_device device = device_with((int64_t)i + 1, devices[i].name);
        hyp_text_copy(device.kind, sizeof(device.kind), hyp_str_from(devices[i].kind));
        hyp_text_copy(device.serial, sizeof(device.serial), hyp_str_from(devices[i].serial));
        hyp_text_copy(device.city, sizeof(device.city), hyp_str_from(devices[i].city));
        device.line.id = devices[i].line;
        set(device);
        if (devices[i].ok) {
            struct hyp_comm_state comm = {.last_success = {NOW_MS - 1000 * (int64_t)i}};
            hyp_directory_restore_comm(directory, device.id, &comm);
        }
    }
    struct hyp_device foreign = device_with(100, "Meter of others");
    foreign.tenant = other;
    set(foreign);
}

static const struct query_row {
    const char *name;
    struct hyp_device_query query;
    const char *found; /* ids in order */
    size_t total;
} query_rows[] = {
    {"everything by name, numbers by value",
     {.line = HYP_LINE_ANY, .limit = 10},
     "5 2 1 4 3",                                                                                                              5},
    {"backwards",                            {.line = HYP_LINE_ANY, .limit = 10, .descending = true},             "3 4 1 2 5", 5},
    {"by serial",                            {.line = HYP_LINE_ANY, .limit = 10, .sort = HYP_SORT_SERIAL},        "5 3 2 1 4", 5},
    {"by city, then name",
     {.line = HYP_LINE_ANY, .limit = 10, .sort = HYP_SORT_CITY},
     "4 3 5 2 1",                                                                                                              5},
    {"by line name",
     {.line = HYP_LINE_ANY, .limit = 10, .sort = HYP_SORT_LINE},
     "5 4 2 1 3",                                                                                                              5},
    {"latest success first",
     {.line = HYP_LINE_ANY, .limit = 10, .sort = HYP_SORT_LAST_SUCCESS, .descending = true},
     "1 3 5 2 4",                                                                                                              5},
    {"by id",                                {.line = HYP_LINE_ANY, .limit = 10, .sort = HYP_SORT_ID},            "1 2 3 4 5", 5},
    {"a window",                             {.line = HYP_LINE_ANY, .offset = 1, .limit = 2},                     "2 1",       5},
    {"beyond the end",                       {.line = HYP_LINE_ANY, .offset = 9, .limit = 2},                     "",          5},
    {"only the count",                       {.line = HYP_LINE_ANY, .limit = 0},                                  "",          5},
    {"a word",                               {.line = HYP_LINE_ANY, .limit = 10, .search = HYP_STR("meter")},     "2 1 4 3",   4},
    {"a name in any case",
     {.line = HYP_LINE_ANY, .limit = 10, .search = HYP_STR("øSTER")},
     "3",                                                                                                                      1},
    {"the name of a line",
     {.line = HYP_LINE_ANY, .limit = 10, .search = HYP_STR("harbour")},
     "4",                                                                                                                      1},
    {"a kind",                               {.line = HYP_LINE_ANY, .limit = 10, .kind = HYP_STR("water_meter")}, "4 3",       2},
    {"a line",                               {.line = 1, .limit = 10},                                            "2 1 3",     3},
    {"on no line",                           {.line = 0, .limit = 10},                                            "5",         1},
    {"a state",
     {.line = HYP_LINE_ANY, .limit = 10, .conditions = 1u << HYP_CONDITION_NEVER},
     "2 4",                                                                                                                    2},
    {"two states",
     {.line = HYP_LINE_ANY,
      .limit = 10,
      .conditions = 1u << HYP_CONDITION_NEVER | 1u << HYP_CONDITION_OK},
     "5 2 1 4 3",                                                                                                              5},
    {"all filters together",
     {.line = 1,
      .limit = 10,
      .kind = HYP_STR("heat_meter"),
      .search = HYP_STR("thermo"),
      .conditions = 1u << HYP_CONDITION_OK},
     "1",                                                                                                                      1},
};

static void check_query(void **state)
{
    const struct query_row *row = *state;
    struct hyp_device_page page;
    char ids[64];
    struct hyp_buf buf;
    open_directory(NULL);
    fill();
    assert_int_equal(hyp_directory_query(directory, tenant, &row->query, now, &arena, &page),
                     HYP_OK);
    hyp_buf_init_fixed(&buf, ids, sizeof(ids));
    for (size_t i = 0; i < page.count; i++) {
        hyp_buf_append_fmt(&buf, "%s%lld", i > 0 ? " " : "",
                           (long long)page.views[i].device.id.id);
    }
    assert_string_equal(hyp_buf_terminate(&buf), row->found);
    assert_int_equal(page.total, row->total);
    close_directory(NULL);
}

static uint32_t kind_count(const struct hyp_device_page *page, const char *kind)
{
    for (size_t i = 0; i < page->kind_count; i++) {
        if (hyp_str_equal(page->kinds[i].key, hyp_str_from(kind))) {
            return page->kinds[i].count;
        }
    }
    return 0;
}

static void facets_leave_out_their_own_filter(void **state)
{
    struct hyp_device_page page;
    struct hyp_device_query query = {.line = 1,
                                     .kind = HYP_STR("heat_meter"),
                                     .limit = 10,
                                     .conditions = 1u << HYP_CONDITION_OK};
    (void)state;
    fill();
    assert_int_equal(hyp_directory_query(directory, tenant, &query, now, &arena, &page),
                     HYP_OK);
    assert_int_equal(page.total, 1);
    /* With another kind (same line, same state) one would see the water meter. */
    assert_int_equal(kind_count(&page, "heat_meter"), 1);
    assert_int_equal(kind_count(&page, "water_meter"), 1);
    assert_int_equal(kind_count(&page, "controller"), 0);
    assert_int_equal(page.conditions[HYP_CONDITION_OK], 1);
    assert_int_equal(page.conditions[HYP_CONDITION_NEVER], 1);
    assert_int_equal(page.line_count, 1);
    assert_int_equal(page.lines[0].line, 1);
    assert_int_equal(page.lines[0].count, 1);
}

static void groups_limit_the_list(void **state)
{
    struct hyp_device_page page;
    struct hyp_map members;
    struct hyp_device_query query = {.line = HYP_LINE_ANY, .limit = 10, .members = &members};
    (void)state;
    fill();
    hyp_map_init(&members);
    assert_int_equal(hyp_map_set(&members, 3, 1), HYP_OK);
    assert_int_equal(hyp_map_set(&members, 100, 1), HYP_OK); /* of another tenant */
    assert_int_equal(hyp_directory_query(directory, tenant, &query, now, &arena, &page),
                     HYP_OK);
    assert_int_equal(page.total, 1);
    assert_int_equal(page.views[0].device.id.id, 3);
    hyp_map_finish(&members);
}

static void a_renamed_line_is_found(void **state)
{
    struct hyp_device_page page;
    struct hyp_device_query query = {
        .line = HYP_LINE_ANY, .limit = 10, .search = HYP_STR("quay")};
    struct hyp_line line = {.id = {2}, .tenant = tenant, .name = "quay"};
    (void)state;
    fill();
    assert_int_equal(hyp_directory_set_line(directory, &line), HYP_OK);
    assert_int_equal(hyp_directory_query(directory, tenant, &query, now, &arena, &page),
                     HYP_OK);
    assert_int_equal(page.total, 1);
    assert_string_equal(page.views[0].line_name, "quay");
}

static void ten_thousand_devices(void **state)
{
    struct hyp_device_page page;
    struct hyp_device_query query = {
        .line = HYP_LINE_ANY, .limit = 200, .offset = 9900, .search = HYP_STR("meter")};
    char name[32];
    struct hyp_buf buf;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        hyp_buf_init_fixed(&buf, name, sizeof(name));
        hyp_buf_append_fmt(&buf, "Meter %d", 9999 - i);
        set(device_with(i + 1, hyp_buf_terminate(&buf)));
    }
    assert_int_equal(hyp_directory_query(directory, tenant, &query, now, &arena, &page),
                     HYP_OK);
    assert_int_equal(page.total, 10000);
    assert_int_equal(page.count, 100);
    assert_string_equal(page.views[0].device.name, "Meter 9900");
    assert_string_equal(page.views[99].device.name, "Meter 9999");
    for (int i = 0; i < 10000; i += 2) {
        hyp_directory_remove_device(directory, (hyp_device_id){i + 1});
    }
    query.offset = 0;
    assert_int_equal(hyp_directory_query(directory, tenant, &query, now, &arena, &page),
                     HYP_OK);
    assert_int_equal(page.total, 5000);
    assert_string_equal(page.views[0].device.name, "Meter 0");
    assert_string_equal(page.views[1].device.name, "Meter 2");
}

/* --- one --- */

static void keys_do_not_leave(void **state)
{
    struct hyp_device_view view;
    struct hyp_aes_key key;
    struct hyp_meter_identity meter = {.manufacturer = "KAM", .id = "12345678"};
    (void)state;
    struct hyp_device device = device_with(7, "m");
    hyp_text_copy(device.serial, sizeof(device.serial), HYP_STR("12345678"));
    hyp_text_copy(device.manufacturer, sizeof(device.manufacturer), HYP_STR("KAM"));
    device.has_key = true;
    memset(device.key.bytes, 0xA5, sizeof(device.key.bytes));
    set(device);
    assert_int_equal(hyp_directory_device(directory, tenant, device.id, now, &view), HYP_OK);
    assert_true(view.device.has_key);
    for (size_t i = 0; i < sizeof(view.device.key.bytes); i++) {
        assert_int_equal(view.device.key.bytes[i], 0);
    }
    assert_true(hyp_directory_find_key(directory, tenant, &meter, &key));
    assert_int_equal(key.bytes[0], 0xA5);
    assert_false(hyp_directory_find_key(directory, other, &meter, &key));
    hyp_text_copy(meter.manufacturer, sizeof(meter.manufacturer), HYP_STR("ELS"));
    assert_false(hyp_directory_find_key(directory, tenant, &meter, &key));
}

static void states_flip_and_wait_to_be_saved(void **state)
{
    struct hyp_stored_comm dirty[4];
    struct hyp_device_state report = {.device = {7}};
    bool flipped;
    (void)state;
    set(device_with(7, "m"));
    report.comm.last_attempt.ms = NOW_MS;
    hyp_directory_set_state(directory, &report, &flipped);
    assert_false(flipped); /* asked, no answer yet */
    report.comm.last_success.ms = NOW_MS + 1;
    hyp_directory_set_state(directory, &report, &flipped);
    assert_true(flipped); /* speaks for the first time */
    report.comm.last_success.ms = NOW_MS + 2;
    hyp_directory_set_state(directory, &report, &flipped);
    assert_false(flipped);
    report.comm.last_failure.ms = NOW_MS + 3;
    hyp_directory_set_state(directory, &report, &flipped);
    assert_true(flipped);
    assert_int_equal(hyp_directory_take_dirty(directory, dirty, 4), 1);
    assert_int_equal(dirty[0].comm.last_failure.ms, NOW_MS + 3);
    assert_int_equal(hyp_directory_take_dirty(directory, dirty, 4), 0);
    hyp_directory_mark_dirty(directory, dirty, 1);
    assert_int_equal(hyp_directory_take_dirty(directory, dirty, 4), 1);
    /* Of a device that is gone nothing is kept. */
    hyp_directory_remove_device(directory, (hyp_device_id){7});
    hyp_directory_set_state(directory, &report, &flipped);
    assert_false(flipped);
    hyp_directory_mark_dirty(directory, dirty, 1);
    assert_int_equal(hyp_directory_take_dirty(directory, dirty, 4), 0);
}

#define WITH_DIRECTORY(test)                                                                   \
    cmocka_unit_test_setup_teardown(test, open_directory, close_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIRECTORY(facets_leave_out_their_own_filter),
        WITH_DIRECTORY(groups_limit_the_list),
        WITH_DIRECTORY(a_renamed_line_is_found),
        WITH_DIRECTORY(ten_thousand_devices),
        WITH_DIRECTORY(keys_do_not_leave),
        WITH_DIRECTORY(states_flip_and_wait_to_be_saved),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    TEST_ROWS(&list, condition_rows, check_condition);
    TEST_ROWS(&list, stored_rows, check_stored);
    TEST_ROWS(&list, query_rows, check_query);
    return test_list_run(&list, "directory");
}
