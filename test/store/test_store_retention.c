/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention: thirteen months whole, five years with a reading a day, then nothing; months stay
 * exact, tenants have their own rules, and a clock that jumps wipes nothing.
 */
#include "fixture.h"

#include "store/retention.h"

#define DAY_MS (24 * HOUR_MS)
#define MONTHS 16
#define BEGIN_MS 1609459200000LL /* 2021-01-01 */
#define HOURS (24 * 485)         /* to 2022-05-01 */
#define END_MS (BEGIN_MS + HOURS * HOUR_MS)

struct life {
    struct test_folder folder;
    struct test_store t;
    hyp_device_id device;
};

static void open_at(struct life *life, int64_t now)
{
    test_store_open_at(&life->t, &life->folder, now,
                       &(struct hyp_store_config){.retain = true, .seal_readings = 1});
}

static void put_hours(struct life *life, int from, int to)
{
    enum { AT_ONCE = 1000 };
    static struct hyp_reading readings[AT_ONCE];
    static struct hyp_value values[AT_ONCE][2];
    for (int hour = from; hour < to;) {
        size_t count = 0;
        for (; count < AT_ONCE && hour < to; count++, hour++) {
            values[count][0] = test_decimal(HYP_NAME_ENERGY, 3LL * hour + hour % 7, -1);
            values[count][1] =
                test_decimal(HYP_NAME_FLOW_TEMPERATURE, 500 + (hour * 7919LL) % 401, -1);
            readings[count] =
                test_reading(life->device, BEGIN_MS + hour * HOUR_MS, values[count], 2);
        }
        struct hyp_batch batch = {.readings = readings, .reading_count = count};
        assert_int_equal(test_submit(life->t.store, &batch), HYP_OK);
    }
}

static void begin_life(struct life *life)
{
    test_folder_make(&life->folder);
    open_at(life, END_MS);
    struct hyp_tenant tenant = {
        .name = "Town", .language = "en", .time_zone = "Europe/Copenhagen"};
    assert_int_equal(hyp_store_tenant_add(life->t.store, &tenant), HYP_OK);
    life->t.tenant = tenant.id;
    life->device = test_device(&life->t, "1");
    put_hours(life, 0, HOURS);
}

static void end_life(struct life *life)
{
    test_store_close(&life->t);
    test_folder_remove(&life->folder);
}

static uint64_t count_readings(struct life *life)
{
    struct hyp_store_stats stats;
    hyp_store_stats(life->t.store, &stats);
    return stats.readings;
}

/* An empty batch is nothing, but care follows every commit. */
static void ask_for_care(struct life *life)
{
    struct hyp_batch nothing = {0};
    assert_int_equal(test_submit(life->t.store, &nothing), HYP_OK);
}

/* A run is over when days pass and nothing more goes. */
static void pass_days(struct life *life, int days)
{
    for (int day = 0; day < days; day++) {
        hyp_clock_fake_advance(&life->t.clock, DAY_MS + HOUR_MS);
        for (int i = 0; i < 12; i++) {
            ask_for_care(life);
        }
    }
}

static void wait_for(struct life *life, uint64_t most)
{
    while (count_readings(life) > most) {
        pass_days(life, 1);
    }
}

static void summarise(struct life *life, struct hyp_summary **ret_summaries)
{
    static const int lengths[MONTHS] = {31, 28, 31, 30, 31, 30, 31, 31,
                                        30, 31, 30, 31, 31, 28, 31, 30};
    hyp_utc bounds[MONTHS + 1] = {{BEGIN_MS}};
    for (int m = 0; m < MONTHS; m++) {
        bounds[m + 1].ms = bounds[m].ms + lengths[m] * DAY_MS;
    }
    hyp_point_id points[] = {test_point(&life->t, life->device, HYP_NAME_ENERGY),
                             test_point(&life->t, life->device, HYP_NAME_FLOW_TEMPERATURE)};
    assert_int_equal(hyp_store_summaries(life->t.store, life->t.tenant, points, 2, bounds,
                                         MONTHS, &life->t.arena, ret_summaries),
                     HYP_OK);
}

static void check_same(const struct hyp_summary *a, const struct hyp_summary *b)
{
    for (int i = 0; i < 2 * MONTHS; i++) {
        assert_true(a[i].count > 0 && b[i].count > 0);
        assert_int_equal(hyp_decimal_compare(a[i].first, b[i].first), 0);
        assert_int_equal(hyp_decimal_compare(a[i].last, b[i].last), 0);
        assert_int_equal(hyp_decimal_compare(a[i].min, b[i].min), 0);
        assert_int_equal(hyp_decimal_compare(a[i].max, b[i].max), 0);
        assert_int_equal(a[i].first_time.ms, b[i].first_time.ms);
        assert_int_equal(a[i].last_time.ms, b[i].last_time.ms);
    }
}

static void old_months_are_thinned_and_stay_exact(void **state)
{
    (void)state;
    struct life life;
    struct hyp_summary *before;
    struct hyp_summary *after;
    begin_life(&life);
    summarise(&life, &before);
    assert_int_equal(count_readings(&life), HOURS);
    /* January to March 2021 are older than thirteen months, the other readings stay. */
    uint64_t kept = HOURS - 24 * 90;
    wait_for(&life, kept + 3 * 40);
    pass_days(&life, 2);
    assert_true(count_readings(&life) >= kept + 90);
    summarise(&life, &after);
    check_same(before, after);
    assert_int_equal(after[3].count, 24 * 30);
    assert_in_range(after[0].count, 31, 40);
    test_check_healthy(&life.t, &life.folder);
    /* And over a restart. */
    struct hyp_summary known[2 * MONTHS];
    memcpy(known, after, sizeof(known)); /* the arena goes with the store */
    uint64_t readings = count_readings(&life);
    int64_t now = life.t.clock.now_utc.ms;
    hyp_tenant_id tenant = life.t.tenant;
    test_store_close(&life.t);
    open_at(&life, now);
    life.t.tenant = tenant;
    assert_int_equal(count_readings(&life), readings);
    summarise(&life, &after);
    check_same(known, after);
    end_life(&life);
}

static void late_readings_of_a_thinned_month_are_thinned_too(void **state)
{
    (void)state;
    struct life life;
    begin_life(&life);
    wait_for(&life, HOURS - 24 * 90 + 3 * 40);
    pass_days(&life, 2);
    uint64_t thinned = count_readings(&life);
    put_hours(&life, 24, 24 * 20);
    assert_true(count_readings(&life) > thinned + 300);
    wait_for(&life, thinned);
    assert_int_equal(count_readings(&life), thinned);
    test_check_healthy(&life.t, &life.folder);
    end_life(&life);
}

static void after_five_years_nothing_is_left(void **state)
{
    (void)state;
    struct life life;
    begin_life(&life);
    struct hyp_retention rule = {.full_months = 1, .day_months = 3};
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_retention_set(life.t.store, life.t.tenant, &rule, &err), HYP_OK);
    /* Three months before 2022-05-02 and a few days: about ninety days of a reading a day. */
    wait_for(&life, 24 * 35 + 100);
    struct hyp_stored_value *values;
    size_t count;
    hyp_point_id energy = test_point(&life.t, life.device, HYP_NAME_ENERGY);
    assert_int_equal(hyp_store_series(life.t.store, life.t.tenant, energy, (hyp_utc){0},
                                      (hyp_utc){INT64_MAX}, &life.t.arena, &values, &count),
                     HYP_OK);
    assert_true(count > 0);
    assert_true(values[0].time.ms >= END_MS - 92 * DAY_MS);
    /* A year on, in steps that the clock is believed. */
    while (count_readings(&life) > 0) {
        hyp_clock_fake_advance(&life.t.clock, 20 * DAY_MS);
        pass_days(&life, 1);
    }
    struct hyp_latest *latest;
    assert_int_equal(hyp_store_latest(life.t.store, life.t.tenant, life.device, &life.t.arena,
                                      &latest, &count),
                     HYP_OK);
    assert_int_equal(count, 0);
    test_check_healthy(&life.t, &life.folder);
    end_life(&life);
}

static void for_ever_is_for_ever(void **state)
{
    (void)state;
    struct life life;
    begin_life(&life);
    struct hyp_retention rule = {0};
    assert_int_equal(hyp_store_retention_set(life.t.store, life.t.tenant, &rule, NULL), HYP_OK);
    for (int i = 0; i < 30; i++) {
        hyp_clock_fake_advance(&life.t.clock, 30 * DAY_MS);
        pass_days(&life, 1);
    }
    assert_int_equal(count_readings(&life), HOURS);
    end_life(&life);
}

static void a_clock_that_jumps_wipes_nothing(void **state)
{
    (void)state;
    struct life life;
    begin_life(&life);
    pass_days(&life, 1);
    pass_days(&life, 2);
    uint64_t readings = count_readings(&life);
    assert_true(readings >= HOURS - 24 * 90);
    hyp_clock_fake_advance(&life.t.clock, 20 * 365 * DAY_MS);
    for (int i = 0; i < 100; i++) {
        ask_for_care(&life);
    }
    assert_int_equal(count_readings(&life), readings);
    hyp_clock_fake_advance(&life.t.clock, -20 * 365 * DAY_MS);
    for (int i = 0; i < 100; i++) {
        ask_for_care(&life);
    }
    assert_int_equal(count_readings(&life), readings);
    end_life(&life);
}

/* When the next run is due cannot be read: that is not the first time of all, which would put
 * it off by a day. */
static void a_date_that_cannot_be_read_is_not_none(void **state)
{
    (void)state;
    struct life life;
    begin_life(&life);
    pass_days(&life, 1);
    test_store_close(&life.t);
    struct hyp_db *db = test_database(&life.folder, false);
    int64_t next = 0;
    assert_int_equal(hyp_retention_load_next(db, &next), HYP_OK);
    assert_true(next > END_MS);
    assert_int_equal(hyp_db_exec(db, "ALTER TABLE setting RENAME TO setting_away"), HYP_OK);
    assert_int_not_equal(hyp_retention_load_next(db, &next), HYP_OK);
    assert_int_equal(hyp_db_exec(db, "DROP TABLE setting_away"), HYP_OK);
    hyp_db_close(db);
    test_folder_remove(&life.folder);
}

static struct hyp_retention_plan plan_of(struct life *life, struct hyp_retention rule)
{
    struct hyp_retention_plan plan;
    struct hyp_error err = {0};
    assert_int_equal(
        hyp_store_retention_plan(life->t.store, life->t.tenant, &rule, &plan, &err), HYP_OK);
    return plan;
}

/* Looked at before it is changed, and told afterwards. */
static void a_plan_says_what_goes_and_what_went(void **state)
{
    (void)state;
    struct life life;
    begin_life(&life);
    assert_int_not_equal(test_device(&life.t, "2").id, life.device.id); /* empty: not counted */
    struct hyp_retention_plan plan = plan_of(&life, (struct hyp_retention){13, 60, 0});
    assert_int_equal(plan.thin_before.ms, 1617235200000LL);   /* 2021-04-01 */
    assert_int_equal(plan.remove_before.ms, 1493596800000LL); /* 2017-05-01 */
    assert_int_equal(plan.oldest.ms, BEGIN_MS);
    assert_int_equal(plan.devices, 1);
    assert_int_equal(plan.thin_devices, 1);
    assert_int_equal(plan.remove_devices, 0);
    assert_int_equal(plan.last_run.ms, 0);
    plan = plan_of(&life, (struct hyp_retention){1, 3, 0});
    assert_int_equal(plan.remove_devices, 1);
    plan = plan_of(&life, (struct hyp_retention){0, 0, 0});
    assert_int_equal(plan.thin_before.ms, 0);
    assert_int_equal(plan.remove_before.ms, 0);
    assert_int_equal(plan.thin_devices + plan.remove_devices, 0);
    struct hyp_retention wrong = {13, 12, 0};
    assert_int_equal(hyp_store_retention_plan(life.t.store, life.t.tenant, &wrong, &plan, NULL),
                     HYP_INVALID);
    struct hyp_store_stats stats;
    struct hyp_retention usual = {13, 60, 0};
    /* By the hour: not past the end of the first run. */
    for (plan.last_run.ms = 0; plan.last_run.ms == 0;) {
        hyp_clock_fake_advance(&life.t.clock, HOUR_MS);
        ask_for_care(&life);
        plan = plan_of(&life, usual);
    }
    hyp_store_stats(life.t.store, &stats);
    assert_true(stats.values < 2 * (HOURS - 24 * 80));
    assert_int_equal(plan.last_values, 2 * HOURS - stats.values);
    assert_in_range(plan.last_run.ms, END_MS + DAY_MS, life.t.clock.now_utc.ms);
    assert_true(plan.next_run.ms > plan.last_run.ms);
    hyp_tenant_id nobody = {.id = 99};
    assert_int_equal(hyp_store_retention_plan(life.t.store, nobody, &usual, &plan, NULL),
                     HYP_OK);
    assert_int_equal(plan.devices, 0);
    assert_int_equal(plan.last_run.ms, 0);
    end_life(&life);
}

static const struct rule_row {
    const char *name;
    struct hyp_retention rule;
    enum hyp_status status;
} rule_rows[] = {
    {"usual",               {13, 60, 0},   HYP_OK     },
    {"for ever",            {0, 0, 0},     HYP_OK     },
    {"thinned, never gone", {13, 0, 23},   HYP_OK     },
    {"never thinned",       {0, 24, 0},    HYP_OK     },
    {"gone before thinned", {13, 12, 0},   HYP_INVALID},
    {"negative",            {-1, 60, 0},   HYP_INVALID},
    {"too long",            {13, 1201, 0}, HYP_INVALID},
    {"no such hour",        {13, 60, 24},  HYP_INVALID},
};

static void rules_are_checked_and_kept(void **state)
{
    const struct rule_row *row = *state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_retention rule;
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_retention(t.store, t.tenant, &rule), HYP_OK);
    assert_int_equal(rule.full_months, 13);
    assert_int_equal(rule.day_months, 60);
    assert_int_equal(hyp_store_retention_set(t.store, t.tenant, &row->rule, &err), row->status);
    assert_int_equal(err.text[0] != '\0', row->status != HYP_OK);
    struct hyp_retention expected = row->status == HYP_OK ? row->rule : rule;
    assert_int_equal(hyp_store_retention(t.store, t.tenant, &rule), HYP_OK);
    assert_memory_equal(&rule, &expected, sizeof(rule));
    hyp_tenant_id nobody = {.id = 99};
    if (row->status == HYP_OK) {
        assert_int_equal(hyp_store_retention_set(t.store, nobody, &row->rule, NULL),
                         HYP_NOT_FOUND);
    }
    test_store_close(&t);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, old_months_are_thinned_and_stay_exact);
    TEST_ONE(&list, late_readings_of_a_thinned_month_are_thinned_too);
    TEST_ONE(&list, after_five_years_nothing_is_left);
    TEST_ONE(&list, for_ever_is_for_ever);
    TEST_ONE(&list, a_clock_that_jumps_wipes_nothing);
    TEST_ONE(&list, a_date_that_cannot_be_read_is_not_none);
    TEST_ONE(&list, a_plan_says_what_goes_and_what_went);
    TEST_ROWS(&list, rule_rows, rules_are_checked_and_kept);
    return test_list_run(&list, "store-retention");
}
