/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rows.h"

#include "metering/aggregate.h"

#define HOUR_MS 3600000LL
#define DAY_MS (24 * HOUR_MS)
#define START_MS 1767225600000LL /* 2026-01-01 */
#define ROWS_MAX 64

static struct hyp_period_row got[ROWS_MAX];
static size_t got_count;
static struct hyp_zone_fixed utc;
static struct hyp_aggregate aggregate;

static void keep(void *user, const struct hyp_period_row *row)
{
    (void)user;
    assert_true(got_count < ROWS_MAX);
    got[got_count++] = *row;
}

/* `days` days from the start. */
static struct hyp_aggregate_config days_config(int days)
{
    got_count = 0;
    hyp_zone_fixed_init(&utc, 0);
    return (struct hyp_aggregate_config){
        .settlement = {&utc.zone, 1, 0},
        .period = HYP_PERIOD_DAY,
        .from = {START_MS       },
        .to = {START_MS + days * DAY_MS },
        .counter = true,
        .emit = keep,
    };
}

static void add_of(int64_t hour, int64_t tenths, enum hyp_quality quality)
{
    hyp_aggregate_add(&aggregate, (hyp_utc){START_MS + hour * HOUR_MS},
                      (struct hyp_decimal){tenths, -1}, quality);
}

static void add(int64_t hour, int64_t tenths)
{
    add_of(hour, tenths, HYP_QUALITY_GOOD);
}

static void assert_delta(size_t row, int64_t tenths)
{
    assert_true(got[row].has_delta);
    assert_int_equal(hyp_decimal_compare(got[row].delta, (struct hyp_decimal){tenths, -1}), 0);
}

static void hourly_readings(void **state)
{
    (void)state;
    struct hyp_aggregate_config config = days_config(2);
    hyp_aggregate_init(&aggregate, &config);
    for (int64_t hour = -3; hour <= 51; hour++) {
        add(hour, 1000 + 10 * hour);
    }
    hyp_aggregate_finish(&aggregate);
    assert_int_equal(got_count, 2);
    assert_int_equal(got[0].start.ms, START_MS);
    assert_int_equal(got[1].end.ms, START_MS + 2 * DAY_MS);
    assert_int_equal(got[0].count, 24);
    assert_true(got[0].min >= 99.9 && got[0].min <= 100.1);
    assert_true(got[0].max >= 122.9 && got[0].max <= 123.1);
    assert_true(got[0].mean >= 111.4 && got[0].mean <= 111.6);
    assert_false(got[0].has_sum);
    assert_int_equal(got[1].first.digits, 1240);
    assert_int_equal(got[1].last.digits, 1470);
    assert_delta(0, 240);
    assert_delta(1, 240);
}

/* Of a register that is no counter; exact, whatever the digits. */
static void sums_of_readings(void **state)
{
    (void)state;
    struct hyp_aggregate_config config = days_config(1);
    config.counter = false;
    hyp_aggregate_init(&aggregate, &config);
    add(1, 1);
    hyp_aggregate_add(&aggregate, (hyp_utc){START_MS + 2 * HOUR_MS},
                      (struct hyp_decimal){25, -2}, HYP_QUALITY_GOOD);
    add(3, 3);
    hyp_aggregate_finish(&aggregate);
    assert_int_equal(got_count, 1);
    assert_true(got[0].has_sum && !got[0].has_delta);
    assert_int_equal(hyp_decimal_compare(got[0].sum, (struct hyp_decimal){65, -2}), 0);
}

/* Readings near the bounds, not on them: the nearest count, and the days add up to the whole.
 */
static void nearest_readings(void **state)
{
    (void)state;
    struct hyp_aggregate_config config = days_config(3);
    hyp_aggregate_init(&aggregate, &config);
    add(-2, 1000); /* nearest to day 0 */
    add(5, 1100);
    add(23, 1200); /* nearest to day 1 */
    add(27, 1300);
    add(50, 1900); /* nearest to day 2: 2 hours behind it */
    add(71, 2500); /* nearest to day 3 */
    hyp_aggregate_finish(&aggregate);
    assert_int_equal(got_count, 3);
    assert_delta(0, 200);
    assert_delta(1, 700);
    assert_delta(2, 600);
}

static void a_gap_is_not_guessed(void **state)
{
    (void)state;
    struct hyp_aggregate_config config = days_config(5);
    hyp_aggregate_init(&aggregate, &config);
    add(0, 1000);
    add(24, 1100);
    add(96, 1900);
    add(120, 2000);
    hyp_aggregate_finish(&aggregate);
    assert_int_equal(got_count, 5);
    assert_delta(0, 100);
    for (size_t i = 1; i < 4; i++) {
        assert_false(got[i].has_delta);
    }
    assert_int_equal(got[2].count, 0);
    assert_delta(4, 100);
}

static void steps_back(void **state)
{
    (void)state;
    struct hyp_aggregate_config config = days_config(3);
    hyp_aggregate_init(&aggregate, &config);
    add(0, 1000);
    add(24, 1100);
    add(30, 5); /* nobody said why */
    add(48, 25);
    add(72, 45);
    hyp_aggregate_finish(&aggregate);
    assert_delta(0, 100);
    assert_false(got[1].has_delta);
    assert_int_equal(got[1].flags, HYP_ROW_BACK);
    assert_delta(2, 20);
    assert_int_equal(got[2].flags, 0);
}

static void exchange_and_rollover(void **state)
{
    const struct hyp_counter_event events[] = {
        {{START_MS - 40 * DAY_MS},  {0, 0},     {7, 0}  }, /* before all readings */
        {{START_MS + 30 * HOUR_MS}, {1150, -1}, {20, -1}},
    };
    (void)state;
    struct hyp_aggregate_config config = days_config(4);
    config.events = events;
    config.event_count = HYP_ARRAY_LEN(events);
    config.rules.tolerance = (struct hyp_decimal){2, -1};
    hyp_aggregate_init(&aggregate, &config);
    add(0, 1000);
    add(24, 1100);
    add(36, 50); /* 5.0 of the old meter, 3.0 of the new one */
    add(48, 9999990);
    add(60, 20); /* 3.0 over the top */
    add(66, 19); /* noise: the higher one stays the floor */
    add(72, 30);
    add(96, 40);
    hyp_aggregate_finish(&aggregate);
    assert_int_equal(got_count, 4);
    assert_delta(0, 100);
    assert_delta(1, 50 + 30 + 9999940);
    assert_int_equal(got[1].flags, HYP_ROW_REPLACED);
    assert_delta(2, 30 + 10);
    assert_int_equal(got[2].flags, HYP_ROW_ROLLOVER | HYP_ROW_SMALL_BACK);
    assert_delta(3, 10);
}

static void gauges_have_no_sum(void **state)
{
    (void)state;
    struct hyp_aggregate_config config = days_config(1);
    config.counter = false;
    hyp_aggregate_init(&aggregate, &config);
    add(0, 700);
    add(1, 300);
    add(1, 900); /* not later: passed over */
    add(24, 500);
    hyp_aggregate_finish(&aggregate);
    assert_int_equal(got_count, 1);
    assert_int_equal(got[0].count, 2);
    assert_false(got[0].has_delta);
    assert_int_equal(got[0].flags, 0);
    assert_true(got[0].min > 29.9 && got[0].max < 70.1);
}

/*
 * A row is as good as the worst reading it rests on: those in the period, and those next to its
 * bounds even when they lie outside, but only for as long as a sum runs between them.
 */
static void quality_of_rows(void **state)
{
    (void)state;
    struct hyp_aggregate_config config = days_config(6);
    hyp_aggregate_init(&aggregate, &config);
    add(0, 1000);
    add_of(12, 1100, HYP_QUALITY_MANUAL);
    add_of(13, 1110, HYP_QUALITY_CORRECTED);
    add(24, 1200);
    add_of(50, 1300, HYP_QUALITY_ESTIMATED); /* nearest to day 2, and in it */
    add(72, 1400);
    add_of(73, 1410, HYP_QUALITY_DOUBTFUL);
    add_of(74, 1420, HYP_QUALITY_ESTIMATED);
    add(131, 1500); /* the start of day 4 and the end of day 5 have no reading near enough */
    hyp_aggregate_finish(&aggregate);
    assert_int_equal(got_count, 6);
    assert_int_equal(got[0].quality, HYP_QUALITY_MANUAL);
    assert_int_equal(got[1].quality, HYP_QUALITY_ESTIMATED);
    assert_delta(1, 100);
    assert_int_equal(got[2].quality, HYP_QUALITY_ESTIMATED);
    assert_int_equal(got[3].quality, HYP_QUALITY_DOUBTFUL);
    assert_int_equal(got[4].quality, HYP_QUALITY_UNSET);
    assert_false(got[4].has_delta);
    assert_false(got[5].has_delta);
    assert_int_equal(got[5].quality, HYP_QUALITY_GOOD);
}

static void nothing_at_all(void **state)
{
    (void)state;
    struct hyp_aggregate_config config = days_config(3);
    hyp_aggregate_init(&aggregate, &config);
    hyp_aggregate_finish(&aggregate);
    assert_int_equal(got_count, 3);
    assert_int_equal(got[2].count, 0);
    assert_false(got[2].has_delta);
    assert_int_equal(hyp_aggregate_begin(&config).ms, START_MS - DAY_MS / 2);
    assert_int_equal(hyp_aggregate_end(&config).ms, START_MS + 3 * DAY_MS + DAY_MS / 2 + 1);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, hourly_readings);
    TEST_ONE(&list, sums_of_readings);
    TEST_ONE(&list, nearest_readings);
    TEST_ONE(&list, a_gap_is_not_guessed);
    TEST_ONE(&list, steps_back);
    TEST_ONE(&list, exchange_and_rollover);
    TEST_ONE(&list, gauges_have_no_sum);
    TEST_ONE(&list, quality_of_rows);
    TEST_ONE(&list, nothing_at_all);
    return test_list_run(&list, "aggregate");
}
