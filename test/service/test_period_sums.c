/* SPDX-License-Identifier: Apache-2.0 */
/* What counters counted, added up: exact, by unit and period, with what is absent counted. */
#include "fixture.h"

#include "service/period_sums.h"

#define HOUR_MS 3600000LL
#define HOURS 4

static struct test_service t;

/* Two meters in kWh, of which one falls silent, one in GJ, and one that never spoke. */
static int open_town(void **state)
{
    (void)state;
    test_service_open(&t);
    hyp_clock_fake_advance(&t.clock, 10 * HOUR_MS);
    struct hyp_line line = test_add_line(&t, "north");
    struct hyp_device whole = test_add_device(&t, "Ash 1", "00000001", line.id.id);
    struct hyp_device silent = test_add_device(&t, "Birch 2", "00000002", line.id.id);
    struct hyp_device giga = test_add_device(&t, "Cedar 3", "00000003", line.id.id);
    test_add_device(&t, "Dogwood 4", "00000004", line.id.id);
    test_commit_many(&t, whole.id, TEST_START_MS, HOUR_MS, HOURS + 1, 100);
    test_commit_many(&t, silent.id, TEST_START_MS, HOUR_MS, 2, 50);
    static const struct {
        struct hyp_decimal value;
        enum hyp_quality quality;
    } steps[] = {
        {{10, -1},  HYP_QUALITY_GOOD  },
        {{11, -1},  HYP_QUALITY_GOOD  },
        {{130, -2}, HYP_QUALITY_MANUAL},
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(steps); i++) {
        struct hyp_value energy = {
            .key = {.name = HYP_NAME_ENERGY},
            .unit = HYP_UNIT_GJ,
            .kind = HYP_VALUE_DECIMAL,
            .quality = steps[i].quality,
            .decimal = steps[i].value,
        };
        test_commit_value(&t, giga.id, TEST_START_MS + (int64_t)i * HOUR_MS, &energy);
    }
    return 0;
}

static int close_town(void **state)
{
    (void)state;
    test_service_close(&t);
    return 0;
}

static enum hyp_status ask(enum hyp_name name, struct hyp_periods_query query,
                           struct hyp_period_sums *ret_sums, struct hyp_error *err)
{
    const struct hyp_meter_registers_query which = {.key.name = (uint8_t)name};
    struct hyp_meter_registers meters;
    assert_int_equal(
        hyp_meter_registers_find(t.service, &t.reader, &which, &t.arena, &meters, NULL),
        HYP_OK);
    query.settlement_hour = -1;
    return hyp_period_sums_make(t.service, &t.reader, &query, &which.key, &meters, &t.arena,
                                ret_sums, err);
}

static const struct hyp_periods_query hours = {
    .from = {TEST_START_MS},
    .to = {TEST_START_MS + HOURS * HOUR_MS},
    .period = HYP_PERIOD_HOUR,
};

static void assert_counted(const struct hyp_counted *counted, struct hyp_decimal value,
                           size_t values, size_t absent)
{
    assert_int_equal(counted->known, values > 0);
    assert_true(!counted->known || hyp_decimal_compare(counted->value, value) == 0);
    assert_int_equal(counted->values, values);
    assert_int_equal(counted->absent, absent);
}

static void each_unit_has_its_sum(void **state)
{
    struct hyp_period_sums sums;
    (void)state;
    assert_int_equal(ask(HYP_NAME_ENERGY, hours, &sums, NULL), HYP_OK);
    assert_int_equal(sums.count, HOURS);
    assert_int_equal(sums.bounds[0].ms, TEST_START_MS);
    assert_int_equal(sums.bounds[HOURS].ms, TEST_START_MS + HOURS * HOUR_MS);
    assert_int_equal(sums.unit_count, 2);
    const struct hyp_unit_sums *kwh = &sums.units[0];
    assert_int_equal(kwh->unit, HYP_UNIT_KWH);
    assert_int_equal(kwh->meters, 2);
    assert_int_equal(kwh->incomplete, 1);
    assert_counted(&kwh->whole, (struct hyp_decimal){5, 0}, 5, 3);
    assert_int_equal(kwh->whole.quality, HYP_QUALITY_GOOD);
    assert_counted(&kwh->columns[0], (struct hyp_decimal){2, 0}, 2, 0);
    assert_counted(&kwh->columns[1], (struct hyp_decimal){1, 0}, 1, 1);
    assert_counted(&kwh->columns[3], (struct hyp_decimal){1, 0}, 1, 1);
    const struct hyp_unit_sums *gj = &sums.units[1];
    assert_int_equal(gj->unit, HYP_UNIT_GJ);
    assert_int_equal(gj->meters, 1);
    assert_int_equal(gj->incomplete, 1);
    assert_counted(&gj->whole, (struct hyp_decimal){3, -1}, 2, 2);
    assert_int_equal(gj->whole.quality, HYP_QUALITY_MANUAL);
    assert_int_equal(gj->columns[0].quality, HYP_QUALITY_GOOD);
    assert_counted(&gj->columns[3], (struct hyp_decimal){0, 0}, 0, 1);
}

/* What is not over yet is not absent; a bound within a period takes the whole of it. */
static void the_future_is_not_absent(void **state)
{
    struct hyp_period_sums sums;
    struct hyp_periods_query query = hours;
    (void)state;
    query.from.ms += 9 * HOUR_MS + 1;
    query.to.ms += 8 * HOUR_MS;
    assert_int_equal(ask(HYP_NAME_ENERGY, query, &sums, NULL), HYP_OK);
    assert_int_equal(sums.count, 3);
    assert_int_equal(sums.bounds[0].ms, TEST_START_MS + 9 * HOUR_MS);
    assert_counted(&sums.units[0].whole, (struct hyp_decimal){0, 0}, 0, 2);
    assert_counted(&sums.units[0].columns[0], (struct hyp_decimal){0, 0}, 0, 2);
    assert_counted(&sums.units[0].columns[1], (struct hyp_decimal){0, 0}, 0, 0);
}

static void refusals(void **state)
{
    struct hyp_period_sums sums;
    struct hyp_error err;
    struct hyp_periods_query query = hours;
    (void)state;
    assert_int_equal(ask(HYP_NAME_POWER, hours, &sums, &err), HYP_INVALID);
    assert_non_null(strstr(err.text, "key: only what a counter counts"));
    query.to.ms = query.from.ms + (HYP_LIMIT_CHART_BUCKETS + 1) * HOUR_MS;
    assert_int_equal(ask(HYP_NAME_ENERGY, query, &sums, &err), HYP_LIMIT);
    assert_non_null(strstr(err.text, "more than 4000 periods"));
    query.to = query.from;
    assert_int_equal(ask(HYP_NAME_ENERGY, query, &sums, &err), HYP_INVALID);
}

/* As many meters as would take an hour to read are refused before the first is read. */
static void too_many_values(void **state)
{
    const struct hyp_point_key energy = {.name = HYP_NAME_ENERGY};
    const struct hyp_meter_registers crowd = {.count = HYP_LIMIT_SUM_ROWS / HOURS + 1};
    struct hyp_period_sums sums;
    struct hyp_error err;
    (void)state;
    assert_int_equal(hyp_period_sums_make(t.service, &t.reader, &hours, &energy, &crowd,
                                          &t.arena, &sums, &err),
                     HYP_LIMIT);
    assert_non_null(strstr(err.text, "2500001 meters of 4 periods each"));
}

/* --- one row after the other --- */

static const hyp_utc now = {TEST_START_MS + HOUR_MS};

static struct hyp_period_row row_of(int64_t start_ms, int64_t end_ms, bool known,
                                    struct hyp_decimal delta)
{
    return (struct hyp_period_row){
        .start = {start_ms},
        .end = {end_ms},
        .has_delta = known,
        .delta = delta,
        .quality = known ? HYP_QUALITY_GOOD : HYP_QUALITY_UNSET,
    };
}

static void tenths_add_up_exactly(void **state)
{
    struct hyp_counted counted = {.known = false};
    struct hyp_period_row tenth = row_of(0, 1, true, (struct hyp_decimal){1, -1});
    (void)state;
    for (size_t i = 0; i < 10000; i++) {
        hyp_counted_add(&counted, &tenth, now);
    }
    assert_counted(&counted, (struct hyp_decimal){1000, 0}, 10000, 0);
}

static void a_sum_that_is_too_long_is_not_known(void **state)
{
    struct hyp_counted counted = {.known = false};
    struct hyp_period_row large = row_of(0, 1, true, (struct hyp_decimal){INT64_MAX, 0});
    struct hyp_period_row small = row_of(0, 1, true, (struct hyp_decimal){1, 0});
    (void)state;
    hyp_counted_add(&counted, &large, now);
    assert_true(counted.known);
    hyp_counted_add(&counted, &small, now);
    hyp_counted_add(&counted, &small, now);
    assert_false(counted.known);
    assert_true(counted.too_long);
    assert_int_equal(counted.values, 3);
}

static void absent_rows_and_flags(void **state)
{
    struct hyp_counted counted = {.known = false};
    struct hyp_period_row over = row_of(0, now.ms, false, (struct hyp_decimal){0, 0});
    struct hyp_period_row still = row_of(0, now.ms + 1, false, (struct hyp_decimal){0, 0});
    (void)state;
    over.flags = HYP_ROW_BACK;
    hyp_counted_add(&counted, &over, now);
    hyp_counted_add(&counted, &still, now);
    assert_counted(&counted, (struct hyp_decimal){0, 0}, 0, 1);
    assert_int_equal(counted.flags, HYP_ROW_BACK);
    assert_int_equal(counted.quality, HYP_QUALITY_UNSET);
}

/* A month from the 16th belongs to the calendar month that holds its middle. */
static void shifted_rows_belong_to_the_nearest_period(void **state)
{
    const int64_t day = 24 * HOUR_MS;
    const struct hyp_decimal none = {0, 0};
    struct hyp_period_frame frame = {.from = {31 * day}, .to = {59 * day}};
    struct hyp_period_row before = row_of(14 * day, 45 * day, true, none);
    struct hyp_period_row within = row_of(45 * day, 73 * day - 1, true, none);
    struct hyp_period_row behind = row_of(45 * day, 73 * day, true, none);
    (void)state;
    assert_false(hyp_period_frame_holds(&frame, &before));
    assert_true(hyp_period_frame_holds(&frame, &within));
    assert_false(hyp_period_frame_holds(&frame, &behind));
}

#define WITH_TOWN(test) cmocka_unit_test_setup_teardown(test, open_town, close_town)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TOWN(each_unit_has_its_sum),
        WITH_TOWN(the_future_is_not_absent),
        WITH_TOWN(refusals),
        WITH_TOWN(too_many_values),
        cmocka_unit_test(tenths_add_up_exactly),
        cmocka_unit_test(a_sum_that_is_too_long_is_not_known),
        cmocka_unit_test(absent_rows_and_flags),
        cmocka_unit_test(shifted_rows_belong_to_the_nearest_period),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    return test_list_run(&list, "period_sums");
}
