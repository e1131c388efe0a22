/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "service/counting.h"
#include "service/periods.h"

#include "service/overview.h"
#include "service/readings.h"

#define HOUR_MS (3600LL * 1000)

static struct test_service t;
static struct hyp_device device;

static int open_service(void **state)
{
    (void)state;
    test_service_open(&t);
    device = test_add_device(&t, "m", "12345678", 0);
    return 0;
}

static int close_service(void **state)
{
    (void)state;
    test_service_close(&t);
    return 0;
}

static hyp_point_id point_of(hyp_device_id owner, enum hyp_name name)
{
    struct hyp_point *points;
    size_t count;
    assert_int_equal(
        hyp_readings_points(t.service, &t.reader, owner, &t.arena, &points, &count, NULL),
        HYP_OK);
    for (size_t i = 0; i < count; i++) {
        if (points[i].key.name == name) {
            return points[i].id;
        }
    }
    fail_msg("no such point");
    return (hyp_point_id){0};
}

static hyp_point_id energy_point(void)
{
    return point_of(device.id, HYP_NAME_ENERGY);
}

static void latest_of_a_silent_device(void **state)
{
    struct hyp_latest *values;
    size_t count = 99;
    (void)state;
    assert_int_equal(
        hyp_readings_latest(t.service, &t.reader, device.id, &t.arena, &values, &count, NULL),
        HYP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(hyp_readings_latest(t.service, &t.reader, (hyp_device_id){99}, &t.arena,
                                         &values, &count, NULL),
                     HYP_NOT_FOUND);
}

static void latest_of_one_register(void **state)
{
    struct hyp_latest latest;
    (void)state;
    test_commit(&t, device.id, TEST_START_MS, 100);
    test_commit(&t, device.id, TEST_START_MS + HOUR_MS, 103);
    assert_int_equal(hyp_readings_point_latest(t.service, &t.reader, energy_point(), &t.arena,
                                               &latest, NULL),
                     HYP_OK);
    assert_int_equal(latest.value.decimal.digits, 103);
    assert_int_equal(hyp_readings_point_latest(t.service, &t.reader, (hyp_point_id){999},
                                               &t.arena, &latest, NULL),
                     HYP_NOT_FOUND);
}

static void charts_are_raw_or_buckets(void **state)
{
    struct hyp_series *series;
    (void)state;
    test_commit_many(&t, device.id, TEST_START_MS, HOUR_MS, 100, 0);
    hyp_point_id point = energy_point();
    struct hyp_series_query query = {.points = &point,
                                     .point_count = 1,
                                     .from = {TEST_START_MS},
                                     .to = {TEST_START_MS + 100 * HOUR_MS},
                                     .px = 50};
    assert_int_equal(hyp_readings_series(t.service, &t.reader, &query, &t.arena, &series, NULL),
                     HYP_OK);
    assert_true(series[0].raw); /* two per pixel */
    assert_int_equal(series[0].value_count, 100);
    assert_string_equal(series[0].device_name, "m");
    query.px = 10;
    assert_int_equal(hyp_readings_series(t.service, &t.reader, &query, &t.arena, &series, NULL),
                     HYP_OK);
    assert_false(series[0].raw);
    assert_int_equal(series[0].bucket_count, 10);
    assert_int_equal(series[0].buckets[3].count, 10);
    assert_int_equal(series[0].buckets[3].min.digits, 30);
    assert_int_equal(series[0].buckets[3].last.digits, 39);
}

/* Registers of two devices in one chart, each as it needs to be, one of them twice. */
/* What the mean of a bucket does not show: an outage, a typed value, an exchanged meter. */
static void buckets_tell_what_they_hide(void **state)
{
    struct hyp_series *series;
    (void)state;
    test_commit_many(&t, device.id, TEST_START_MS, HOUR_MS, 95, 0);
    test_commit_many(&t, device.id, TEST_START_MS + 104 * HOUR_MS, HOUR_MS, 96, 104);
    struct hyp_value typed = {
        .key = {.name = HYP_NAME_ENERGY},
        .unit = HYP_UNIT_KWH,
        .kind = HYP_VALUE_DECIMAL,
        .quality = HYP_QUALITY_MANUAL,
        .decimal = { 100,                      0},
    };
    test_commit_value(&t, device.id, TEST_START_MS + 33 * HOUR_MS + 1, &typed);
    hyp_point_id point = energy_point();
    struct hyp_counter_entry entry = {
        .point = point,
        .time = {TEST_START_MS + 50 * HOUR_MS},
        .kind = HYP_COUNTER_ENTRY_EXCHANGE,
    };
    assert_int_equal(
        hyp_store_counter_entry_add(t.store, hyp_scope_tenant(&t.admin), &entry, NULL), HYP_OK);
    const struct hyp_series_query query = {.points = &point,
                                           .point_count = 1,
                                           .from = {TEST_START_MS},
                                           .to = {TEST_START_MS + 200 * HOUR_MS},
                                           .px = 10};
    assert_int_equal(hyp_readings_series(t.service, &t.reader, &query, &t.arena, &series, NULL),
                     HYP_OK);
    assert_false(series[0].raw);
    for (size_t i = 0; i < 10; i++) {
        const struct hyp_summary_marks *marks = &series[0].marks[i];
        int64_t step_ms = marks->step_to.ms - marks->step_from.ms;
        assert_int_equal(marks->manual, i == 1 ? 1 : 0);
        assert_int_equal(marks->corrected + marks->estimated + marks->doubtful, 0);
        assert_int_equal(step_ms > series[0].longest_ms, i == 5);
        assert_int_equal(step_ms, i == 5 ? 10 * HOUR_MS : HOUR_MS);
    }
    assert_int_equal(series[0].event_count, 1);
    assert_int_equal(series[0].events[0].time.ms, entry.time.ms);
    assert_int_equal(series[0].events[0].kind, HYP_COUNTER_ENTRY_EXCHANGE);
}

static void charts_mix_raw_and_buckets(void **state)
{
    struct hyp_series *series;
    (void)state;
    struct hyp_device other = test_add_device(&t, "n", "87654321", 0);
    test_commit_many(&t, device.id, TEST_START_MS, HOUR_MS, 100, 0);
    test_commit_many(&t, other.id, TEST_START_MS, HOUR_MS, 5, 7000);
    const hyp_point_id points[] = {energy_point(), point_of(device.id, HYP_NAME_INFO_CODE),
                                   point_of(other.id, HYP_NAME_ENERGY), energy_point()};
    const struct hyp_series_query query = {.points = points,
                                           .point_count = 4,
                                           .from = {TEST_START_MS},
                                           .to = {TEST_START_MS + 120 * HOUR_MS},
                                           .px = 12};
    assert_int_equal(hyp_readings_series(t.service, &t.reader, &query, &t.arena, &series, NULL),
                     HYP_OK);
    assert_true(series[1].raw && series[2].raw);
    assert_int_equal(series[1].value_count, 100);
    assert_int_equal(series[2].value_count, 5);
    assert_int_equal(series[2].values[4].decimal.digits, 7004);
    for (size_t i = 0; i < 4; i += 3) {
        assert_false(series[i].raw);
        assert_int_equal(series[i].bucket_count, 12);
        const struct hyp_summary *tenth = &series[i].buckets[9];
        assert_int_equal(tenth->start.ms, TEST_START_MS + 90 * HOUR_MS);
        assert_int_equal(tenth->count, 10);
        assert_int_equal(tenth->max.digits, 99);
        assert_true(tenth->mean > 94.49 && tenth->mean < 94.51);
        assert_int_equal(series[i].buckets[10].count, 0); /* nothing was said any more */
    }
}

static const struct query_row {
    const char *name;
    int64_t from, to;
    size_t px, points;
    enum hyp_status status;
} query_rows[] = {
    {"good",            0,  10, 800,  1,                    HYP_OK     },
    {"no points",       0,  10, 800,  0,                    HYP_INVALID},
    {"too many points", 0,  10, 800,  HYP_LIMIT_SERIES + 1, HYP_INVALID},
    {"backwards",       10, 0,  800,  1,                    HYP_INVALID},
    {"nothing",         10, 10, 800,  1,                    HYP_INVALID},
    {"no width",        0,  10, 0,    1,                    HYP_INVALID},
    {"too wide",        0,  10, 4001, 1,                    HYP_INVALID},
};

static void check_query(void **state)
{
    const struct query_row *row = *state;
    struct hyp_series *series;
    hyp_point_id points[HYP_LIMIT_SERIES + 1];
    open_service(NULL);
    test_commit(&t, device.id, TEST_START_MS, 1);
    points[0] = energy_point();
    const struct hyp_series_query query = {.points = points,
                                           .point_count = row->points,
                                           .from = {row->from},
                                           .to = {row->to},
                                           .px = row->px};
    assert_int_equal(hyp_readings_series(t.service, &t.reader, &query, &t.arena, &series, NULL),
                     row->status);
    close_service(NULL);
}

/* --- export --- */

static size_t export_all(int64_t from_ms, int64_t to_ms)
{
    struct hyp_export export;
    struct hyp_arena step;
    struct hyp_stored_reading *readings;
    size_t count = 1;
    size_t total = 0;
    int64_t last = INT64_MIN;
    hyp_arena_init(&step, HYP_LIMIT_REQUEST_ARENA);
    assert_int_equal(hyp_export_init(&export, t.service, &t.reader, device.id,
                                     (hyp_utc){from_ms}, (hyp_utc){to_ms}, NULL),
                     HYP_OK);
    while (count > 0) {
        hyp_arena_reset(&step);
        assert_int_equal(hyp_export_next(&export, &step, &readings, &count), HYP_OK);
        for (size_t i = 0; i < count; i++) {
            assert_true(readings[i].source_time.ms > last);
            last = readings[i].source_time.ms;
        }
        total += count;
    }
    hyp_arena_finish(&step);
    return total;
}

static void exports_are_whole_and_in_order(void **state)
{
    (void)state;
    assert_int_equal(export_all(0, INT64_MAX / 2), 0);
    /* A dense hour, then silence for years, then one more. */
    test_commit_many(&t, device.id, TEST_START_MS, 1000, 1200, 0);
    test_commit(&t, device.id, TEST_START_MS + 8LL * 365 * 24 * HOUR_MS, 5000);
    assert_int_equal(export_all(0, INT64_MAX / 2), 1201);
    assert_int_equal(export_all(TEST_START_MS + 1000, TEST_START_MS + 4000), 3);
}

/* --- calendar periods --- */

static struct hyp_point point_named(enum hyp_name name)
{
    struct hyp_point *points;
    size_t count;
    struct hyp_point found = {0};
    assert_int_equal(
        hyp_readings_points(t.service, &t.reader, device.id, &t.arena, &points, &count, NULL),
        HYP_OK);
    for (size_t i = 0; i < count; i++) {
        found = points[i].key.name == name ? points[i] : found;
    }
    assert_true(found.id.id > 0);
    return found;
}

static struct hyp_periods_query period_query(enum hyp_name name, enum hyp_period period,
                                             int64_t hours)
{
    return (struct hyp_periods_query){
        .point = point_named(name).id,
        .from = {TEST_START_MS},
        .to = {TEST_START_MS + hours * HOUR_MS},
        .period = period,
        .settlement_day = 1,
    };
}

/* Energy grows by one an hour for more than a month: read window by window. */
static void days_and_months_of_a_counter(void **state)
{
    struct hyp_periods periods;
    struct hyp_error err;
    (void)state;
    test_commit_many(&t, device.id, TEST_START_MS - 5 * HOUR_MS, HOUR_MS, 40 * 24, 5000);
    struct hyp_periods_query query = period_query(HYP_NAME_ENERGY, HYP_PERIOD_DAY, 35 * 24);
    assert_int_equal(
        hyp_readings_periods(t.service, &t.reader, &query, &t.arena, &periods, &err), HYP_OK);
    assert_true(periods.counter);
    assert_int_equal(periods.count, 35);
    for (size_t i = 0; i < periods.count; i++) {
        assert_int_equal(periods.rows[i].count, 24);
        assert_true(periods.rows[i].has_delta);
        assert_int_equal(
            hyp_decimal_compare(periods.rows[i].delta, (struct hyp_decimal){24, 0}), 0);
    }
    query.period = HYP_PERIOD_MONTH;
    query.to.ms = TEST_START_MS + 20 * 24 * HOUR_MS;
    assert_int_equal(
        hyp_readings_periods(t.service, &t.reader, &query, &t.arena, &periods, &err), HYP_OK);
    assert_int_equal(periods.count, 1);
    assert_int_equal(periods.rows[0].count, 31 * 24);
    assert_int_equal(
        hyp_decimal_compare(periods.rows[0].delta, (struct hyp_decimal){31 * 24, 0}), 0);
}

static struct hyp_decimal energy_of(struct hyp_periods_query query)
{
    struct hyp_periods periods;
    struct hyp_error err;
    assert_int_equal(
        hyp_readings_periods(t.service, &t.reader, &query, &t.arena, &periods, &err), HYP_OK);
    assert_int_equal(periods.count, 1);
    assert_true(periods.rows[0].has_delta || (periods.rows[0].flags & HYP_ROW_BACK) != 0);
    return periods.rows[0].has_delta ? periods.rows[0].delta : (struct hyp_decimal){-1, 0};
}

/* 100 -> 110 | exchanged at 115, the new meter began at 2 | 5 -> 9: 10 + 5 + 3 + 4. */
static void an_exchange_is_counted(void **state)
{
    struct hyp_error err;
    struct hyp_counting_view view;
    char author[HYP_LIMIT_NAME];
    (void)state;
    test_commit(&t, device.id, TEST_START_MS, 100);
    test_commit(&t, device.id, TEST_START_MS + 6 * HOUR_MS, 110);
    test_commit(&t, device.id, TEST_START_MS + 12 * HOUR_MS, 5);
    test_commit(&t, device.id, TEST_START_MS + 24 * HOUR_MS, 9);
    hyp_clock_fake_advance(&t.clock, 48 * HOUR_MS);
    struct hyp_periods_query query = period_query(HYP_NAME_ENERGY, HYP_PERIOD_DAY, 24);
    assert_int_equal(energy_of(query).digits, -1);
    struct hyp_counter_entry entry = {
        .point = query.point,
        .time.ms = TEST_START_MS + 8 * HOUR_MS,
        .kind = HYP_COUNTER_ENTRY_EXCHANGE,
        .closing = {115, 0 },
        .opening = {20,  -1},
        .note = "M. Jensen"
    };
    assert_int_equal(hyp_counting_entry_add(t.service, &t.reader, &entry, &err), HYP_DENIED);
    assert_int_equal(hyp_counting_entry_add(t.service, &t.admin, &entry, &err), HYP_OK);
    assert_int_equal(hyp_counting_entry_add(t.service, &t.admin, &entry, &err), HYP_EXISTS);
    assert_int_equal(hyp_decimal_compare(energy_of(query), (struct hyp_decimal){22, 0}), 0);
    assert_int_equal(hyp_counting_get(t.service, &t.reader, query.point, &t.arena, &view, &err),
                     HYP_OK);
    assert_int_equal(view.entry_count, 1);
    assert_int_equal(view.entries[0].opening.exp10, -1);
    assert_string_equal(view.entries[0].note, "M. Jensen");
    assert_string_equal(test_last_audit(&t).action, "counting.event");
    hyp_people_name(t.service, view.entries[0].author, author, sizeof(author));
    assert_string_equal(author, "");
    entry.author = test_add_user(&t, "anna", HYP_ROLE_ADMIN).id;
    hyp_people_name(t.service, entry.author, author, sizeof(author));
    assert_string_equal(author, "anna");
    assert_int_equal(
        hyp_counting_entry_remove(t.service, &t.admin, query.point, entry.id, &err), HYP_OK);
    assert_int_equal(
        hyp_counting_entry_remove(t.service, &t.admin, query.point, entry.id, &err),
        HYP_NOT_FOUND);
    assert_int_equal(energy_of(query).digits, -1);
}

/* A display of three digits: 990 -> 4 is a step of 14 once that is known. */
static void digits_tell_a_roll_over(void **state)
{
    struct hyp_error err;
    (void)state;
    test_commit(&t, device.id, TEST_START_MS, 990);
    test_commit(&t, device.id, TEST_START_MS + 23 * HOUR_MS, 4);
    struct hyp_periods_query query = period_query(HYP_NAME_ENERGY, HYP_PERIOD_DAY, 24);
    assert_int_equal(energy_of(query).digits, -1);
    struct hyp_counting counting = {.digits = 3, .settlement_day = 1};
    assert_int_equal(hyp_counting_set(t.service, &t.admin, query.point, &counting, &err),
                     HYP_OK);
    assert_int_equal(hyp_decimal_compare(energy_of(query), (struct hyp_decimal){14, 0}), 0);
    counting.digits = 16;
    assert_int_equal(hyp_counting_set(t.service, &t.admin, query.point, &counting, &err),
                     HYP_INVALID);
}

/* The meter's month begins on the 16th at ten, unless a question names another. */
static void periods_begin_with_the_meters_settlement(void **state)
{
    struct hyp_periods periods;
    struct hyp_error err;
    (void)state;
    test_commit(&t, device.id, TEST_START_MS, 1);
    struct hyp_periods_query query = period_query(HYP_NAME_ENERGY, HYP_PERIOD_MONTH, 24);
    const struct hyp_counting counting = {.settlement_day = 16, .settlement_hour = 10};
    assert_int_equal(hyp_counting_set(t.service, &t.admin, query.point, &counting, &err),
                     HYP_OK);
    query.settlement_day = 0;
    query.settlement_hour = -1;
    assert_int_equal(
        hyp_readings_periods(t.service, &t.reader, &query, &t.arena, &periods, &err), HYP_OK);
    assert_int_equal(periods.rows[0].start.ms, TEST_START_MS - (16 * 24 - 10) * HOUR_MS);
    query.settlement_day = 1;
    query.settlement_hour = 0;
    assert_int_equal(
        hyp_readings_periods(t.service, &t.reader, &query, &t.arena, &periods, &err), HYP_OK);
    assert_int_equal(periods.rows[0].start.ms, TEST_START_MS);
}

static void periods_refuse(void **state)
{
    struct hyp_periods periods;
    struct hyp_error err;
    (void)state;
    test_commit(&t, device.id, TEST_START_MS, 1);
    struct hyp_periods_query good = period_query(HYP_NAME_ENERGY, HYP_PERIOD_HOUR, 4000);
    struct hyp_periods_query many = period_query(HYP_NAME_ENERGY, HYP_PERIOD_HOUR, 4001);
    struct hyp_periods_query text = period_query(HYP_NAME_CUSTOMER_NUMBER, HYP_PERIOD_DAY, 24);
    struct hyp_periods_query none = good;
    struct hyp_periods_query backward = good;
    struct hyp_periods_query late = good;
    struct hyp_periods_query day = good;
    none.point.id = 999999;
    backward.to.ms = backward.from.ms;
    late.to.ms = INT64_MAX;
    day.settlement_day = 29;
    const struct {
        const struct hyp_periods_query *query;
        const struct hyp_scope *scope;
        enum hyp_status status;
    } wanted[] = {
        {&good,     &t.reader,   HYP_OK         },
        {&many,     &t.reader,   HYP_LIMIT      },
        {&text,     &t.reader,   HYP_UNSUPPORTED},
        {&none,     &t.reader,   HYP_NOT_FOUND  },
        {&good,     &t.stranger, HYP_NOT_FOUND  },
        {&backward, &t.reader,   HYP_INVALID    },
        {&late,     &t.reader,   HYP_INVALID    },
        {&day,      &t.reader,   HYP_INVALID    },
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(wanted); i++) {
        assert_int_equal(hyp_readings_periods(t.service, wanted[i].scope, wanted[i].query,
                                              &t.arena, &periods, &err),
                         wanted[i].status);
    }
}

/* --- overview --- */

static void overview_counts(void **state)
{
    struct hyp_overview overview;
    (void)state;
    hyp_clock_fake_advance(&t.clock, 3 * HOUR_MS);
    test_commit(&t, device.id, TEST_START_MS + HOUR_MS, 1);      /* today */
    test_commit(&t, device.id, TEST_START_MS - 30 * HOUR_MS, 0); /* days ago */
    test_service_restart(&t); /* the count survives, and the observer has run */
    assert_int_equal(hyp_overview_get(t.service, &t.reader, &t.arena, &overview, NULL), HYP_OK);
    assert_int_equal(overview.devices, 1);
    assert_int_equal(overview.conditions[HYP_CONDITION_OK], 1);
    assert_int_equal(overview.store.readings, 2);
    assert_int_equal(overview.kind_count, 1);
    assert_int_equal(overview.lines, 0);
    assert_int_equal(hyp_service_health(t.service, NULL), HYP_OK);
}

#define WITH_SERVICE(test) cmocka_unit_test_setup_teardown(test, open_service, close_service)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(latest_of_a_silent_device),
        WITH_SERVICE(latest_of_one_register),
        WITH_SERVICE(charts_are_raw_or_buckets),
        WITH_SERVICE(charts_mix_raw_and_buckets),
        WITH_SERVICE(buckets_tell_what_they_hide),
        WITH_SERVICE(exports_are_whole_and_in_order),
        WITH_SERVICE(days_and_months_of_a_counter),
        WITH_SERVICE(an_exchange_is_counted),
        WITH_SERVICE(digits_tell_a_roll_over),
        WITH_SERVICE(periods_begin_with_the_meters_settlement),
        WITH_SERVICE(periods_refuse),
        WITH_SERVICE(overview_counts),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    TEST_ROWS(&list, query_rows, check_query);
    return test_list_run(&list, "readings");
}
