/* SPDX-License-Identifier: Apache-2.0 */
/* One register of many meters: which meters, and what each counted, part by part. */
#include "fixture.h"

#include "service/meter_registers.h"
#include "service/period_walk.h"

#define HOUR_MS 3600000LL
#define METERS 3

static struct test_service t;
static struct hyp_device devices[METERS];
static struct hyp_device silent;

static int open_town(void **state)
{
    static const char *const names[METERS] = {"Birch 1", "Ash 2", "Cedar 3"};
    static const char *const serials[METERS] = {"00000001", "00000002", "00000003"};
    (void)state;
    test_service_open(&t);
    struct hyp_line line = test_add_line(&t, "north");
    for (size_t i = 0; i < METERS; i++) {
        devices[i] = test_add_device(&t, names[i], serials[i], line.id.id);
        test_commit_many(&t, devices[i].id, TEST_START_MS, HOUR_MS, 49, 100 * (int64_t)i);
    }
    silent = test_add_device(&t, "Dogwood 4", "00000004", line.id.id);
    return 0;
}

static int close_town(void **state)
{
    (void)state;
    test_service_close(&t);
    return 0;
}

static struct hyp_meter_registers find(struct hyp_meter_registers_query query)
{
    struct hyp_meter_registers found;
    struct hyp_error err;
    query.key.name = query.key.name == 0 ? HYP_NAME_ENERGY : query.key.name;
    assert_int_equal(
        hyp_meter_registers_find(t.service, &t.reader, &query, &t.arena, &found, &err), HYP_OK);
    return found;
}

static void all_meters_by_name(void **state)
{
    (void)state;
    struct hyp_meter_registers found = find((struct hyp_meter_registers_query){0});
    assert_int_equal(found.count, METERS);
    assert_int_equal(found.without, 1);
    assert_string_equal(found.list[0].name, "Ash 2");
    assert_string_equal(found.list[0].serial, "00000002");
    assert_int_equal(found.list[0].device.id, devices[1].id.id);
    assert_int_equal(found.list[0].unit, HYP_UNIT_KWH);
    assert_string_equal(found.list[2].name, "Cedar 3");
}

static void of_a_group(void **state)
{
    const hyp_device_id members[] = {devices[0].id, silent.id};
    struct hyp_group group = {.name = "east"};
    (void)state;
    assert_int_equal(hyp_group_add(t.service, &t.admin, &group, NULL), HYP_OK);
    assert_int_equal(
        hyp_group_change(t.service, &t.admin, group.id,
                         &(struct hyp_group_change){.add = members, .add_count = 2}, NULL),
        HYP_OK);
    struct hyp_meter_registers found =
        find((struct hyp_meter_registers_query){.group = group.id});
    assert_int_equal(found.count, 1);
    assert_int_equal(found.without, 1);
    assert_int_equal(found.list[0].device.id, devices[0].id.id);
}

static void of_a_list(void **state)
{
    const hyp_device_id wanted[] = {devices[2].id, devices[0].id};
    (void)state;
    struct hyp_meter_registers found =
        find((struct hyp_meter_registers_query){.devices = wanted, .device_count = 2});
    assert_int_equal(found.count, 2);
    assert_int_equal(found.without, 0);
    assert_string_equal(found.list[0].name, "Birch 1");
    found = find((struct hyp_meter_registers_query){
        .devices = wanted, .device_count = 2, .search = HYP_STR("cedar")});
    assert_int_equal(found.count, 1);
    assert_string_equal(found.list[0].name, "Cedar 3");
}

/* A register of text has no periods, so no meter has it here. */
static void texts_are_left_out(void **state)
{
    (void)state;
    struct hyp_meter_registers found =
        find((struct hyp_meter_registers_query){.key.name = HYP_NAME_CUSTOMER_NUMBER});
    assert_int_equal(found.count, 0);
    assert_int_equal(found.without, METERS + 1);
}

static struct hyp_periods_query hours_of(size_t meter, int64_t hours)
{
    const struct hyp_meter_registers_query one = {.devices = &devices[meter].id,
                                                  .device_count = 1};
    return (struct hyp_periods_query){
        .point = find(one).list[0].point,
        .from = {TEST_START_MS},
        .to = {TEST_START_MS + hours * HOUR_MS},
        .period = HYP_PERIOD_HOUR,
    };
}

/* Parts come one behind the other without a gap, whatever silence lies between the readings. */
static void parts_make_the_whole(void **state)
{
    const int64_t hours = 200LL * 24;
    struct hyp_period_walk walk;
    struct hyp_arena part;
    size_t parts = 0;
    size_t total = 0;
    size_t largest = 0;
    size_t count = 1;
    (void)state;
    test_commit_many(&t, devices[0].id, TEST_START_MS + 49 * HOUR_MS, HOUR_MS, 150 * 24, 49);
    struct hyp_periods_query query = hours_of(0, hours);
    assert_int_equal(
        hyp_period_walk_begin(&walk, t.service, &t.reader, &query, HYP_LIMIT_PERIOD_ROWS, NULL),
        HYP_OK);
    assert_int_equal(walk.row_count, hours);
    hyp_arena_init(&part, HYP_LIMIT_REQUEST_ARENA);
    for (int64_t at = TEST_START_MS; count > 0; parts++) {
        struct hyp_period_row *rows;
        hyp_arena_reset(&part);
        assert_int_equal(hyp_period_walk_next(&walk, &part, &rows, &count), HYP_OK);
        for (size_t i = 0; i < count; i++, at += HOUR_MS, total++) {
            bool read = total < 49 + 150 * 24;
            assert_int_equal(rows[i].start.ms, at);
            assert_int_equal(rows[i].count, read ? 1 : 0);
            assert_true(!read || total == 49 + 150 * 24 - 1 ||
                        (rows[i].has_delta && rows[i].delta.digits == 1));
        }
        largest = HYP_MAX(largest, count);
    }
    assert_int_equal(total, hours);
    assert_true(parts > 4 && largest < (size_t)hours / 3);
    hyp_arena_finish(&part);
    hyp_period_walk_finish(&walk);
}

static void too_many_rows(void **state)
{
    struct hyp_period_walk walk;
    struct hyp_error err;
    (void)state;
    struct hyp_periods_query query = hours_of(0, 11);
    assert_int_equal(hyp_period_walk_begin(&walk, t.service, &t.reader, &query, 10, &err),
                     HYP_LIMIT);
    assert_non_null(strstr(err.text, "more than 10 periods"));
    assert_int_equal(hyp_period_walk_begin(&walk, t.service, &t.reader, &query, 11, &err),
                     HYP_OK);
    hyp_period_walk_finish(&walk);
}

#define WITH_TOWN(test) cmocka_unit_test_setup_teardown(test, open_town, close_town)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TOWN(all_meters_by_name),
        WITH_TOWN(of_a_group),
        WITH_TOWN(of_a_list),
        WITH_TOWN(texts_are_left_out),
        WITH_TOWN(parts_make_the_whole),
        WITH_TOWN(too_many_rows),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    return test_list_run(&list, "meter_registers");
}
