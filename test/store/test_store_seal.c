/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing: what is past moves into chunks, the log becomes short, late readings join their
 * chunk, and a start knows everything again. Periods follow the calendar.
 */
#include "fixture.h"

#include "base/limits.h"
#include "store/chunk_table.h"
#include "store/layout.h"
#include "store/period.h"

#define DAY_MS (24 * HOUR_MS)

/* --- periods --- */

static const struct period_row {
    const char *name;
    int64_t time;
    int year;
    int month; /* 1..12 */
    uint32_t part;
    int64_t part_days;
    int64_t month_days;
} periods[] = {
    {"1970-01-01",                   0,              1970, 1,  0, 7,  31},
    {"a millisecond before 1970",    -1,             1969, 12, 3, 10, 31},
    {"1970-01-07, last of its part", 7 * DAY_MS - 1, 1970, 1,  0, 7,  31},
    {"1970-01-08",                   7 * DAY_MS,     1970, 1,  1, 7,  31},
    {"2023-11-14",                   START_MS,       2023, 11, 1, 7,  30},
    {"2024-02-29 in a leap year",    1709164800000,  2024, 2,  3, 8,  29},
    {"2023-02-28",                   1677542400000,  2023, 2,  3, 7,  28},
    {"2000-03-01",                   951868800000,   2000, 3,  0, 7,  31},
    {"2100-02-28, no leap year",     4107456000000,  2100, 2,  3, 7,  28},
};

static void a_time_has_its_period(void **state)
{
    const struct period_row *row = *state;
    uint32_t period = hyp_period_of(row->time);
    assert_int_equal(
        period, hyp_period_part((uint32_t)((row->year - 1) * 12 + row->month - 1), row->part));
    assert_true(hyp_period_start(period) <= row->time && row->time < hyp_period_end(period));
    assert_int_equal(hyp_period_end(period) - hyp_period_start(period),
                     row->part_days * DAY_MS);
    uint32_t whole = hyp_period_whole(period);
    assert_int_equal(hyp_period_end(whole) - hyp_period_start(whole), row->month_days * DAY_MS);
    int64_t chunk = hyp_period_chunk(whole, 4000000000);
    assert_int_equal(hyp_period_of_chunk(chunk), whole);
    assert_int_equal(hyp_period_device(chunk), 4000000000);
}

static void periods_leave_no_gap(void **state)
{
    (void)state;
    static const int64_t edges[] = {INT64_MIN,       INT64_MIN + 1,   -62135596800001,
                                    -62135596800000, 253402300799999, 253402300800000,
                                    INT64_MAX - 1};
    for (size_t i = 0; i < HYP_ARRAY_LEN(edges); i++) {
        uint32_t period = hyp_period_of(edges[i]);
        assert_true(hyp_period_start(period) <= edges[i] && edges[i] < hyp_period_end(period));
    }
    int64_t time = -3 * 366 * DAY_MS;
    while (time < 60 * 366 * DAY_MS) {
        int64_t end = hyp_period_end(hyp_period_of(time));
        assert_int_equal(hyp_period_start(hyp_period_of(end)), end);
        assert_int_equal(hyp_period_end(hyp_period_of(end - 1)), end);
        time = end;
    }
}

/* --- stores --- */

/* Hourly readings from the first of a month on; what they say follows from the hour. */
struct life {
    struct test_folder folder;
    struct test_store t;
    hyp_device_id device;
    int64_t begin;
};

static void set_clock(struct life *life, int64_t now)
{
    hyp_clock_fake_advance(&life->t.clock, now - life->t.clock.now_utc.ms);
}

static void open_life(struct life *life, int64_t now)
{
    test_store_open(&life->t, &life->folder);
    set_clock(life, now);
}

static void make_life(struct life *life)
{
    test_folder_make(&life->folder);
    life->begin = hyp_period_start(hyp_period_whole(hyp_period_of(START_MS)));
    open_life(life, life->begin);
    life->device = test_device(&life->t, "1");
}

static void end_life(struct life *life)
{
    test_store_close(&life->t);
    test_folder_remove(&life->folder);
}

static void put_hour(struct life *life, int64_t hour)
{
    struct hyp_value values[] = {test_decimal(HYP_NAME_ENERGY, 1000 + 3 * hour, -1),
                                 test_decimal(HYP_NAME_FLOW_TEMPERATURE, 700 + hour % 24, -1)};
    struct hyp_reading reading =
        test_reading(life->device, life->begin + hour * HOUR_MS, values, 2);
    assert_int_equal(test_put(&life->t, &reading), HYP_OK);
}

static void put_hours(struct life *life, int64_t from, int64_t to)
{
    for (int64_t hour = from; hour < to; hour++) {
        put_hour(life, hour);
    }
}

/* Hours 0 .. to must be there, once each. */
static void check_hours(struct life *life, int64_t to)
{
    struct hyp_stored_value *values;
    size_t count;
    hyp_point_id energy = test_point(&life->t, life->device, HYP_NAME_ENERGY);
    assert_int_equal(hyp_store_series(life->t.store, life->t.tenant, energy,
                                      (hyp_utc){INT64_MIN}, (hyp_utc){INT64_MAX},
                                      &life->t.arena, &values, &count),
                     HYP_OK);
    assert_int_equal(count, to);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(values[i].time.ms, life->begin + (int64_t)i * HOUR_MS);
        assert_int_equal(values[i].decimal.digits, 1000 + 3 * (int64_t)i);
        assert_int_equal(values[i].decimal.exp10, -1);
    }
    struct hyp_store_stats stats;
    hyp_store_stats(life->t.store, &stats);
    assert_int_equal(stats.readings, to);
    assert_int_equal(stats.values, 2 * to);
    struct hyp_latest *latest;
    assert_int_equal(hyp_store_latest(life->t.store, life->t.tenant, life->device,
                                      &life->t.arena, &latest, &count),
                     HYP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(latest[0].value.time.ms, life->begin + (to - 1) * HOUR_MS);
    assert_int_equal(latest[0].receive_time.ms, latest[0].value.time.ms + 1500);
}

static int64_t count_rows(struct life *life, const char *sql)
{
    return test_ask(&life->folder, false, sql);
}

#define COUNT_CHUNKS "SELECT count(*) FROM chunk"
#define COUNT_LOG "SELECT count(*) FROM intake_log"

/* An empty batch is nothing, but care follows every commit; late readings wait for a while. */
static void ask_for_care(struct life *life)
{
    hyp_clock_fake_advance(&life->t.clock, HYP_LIMIT_SEAL_PAUSE_MS);
    struct hyp_batch nothing = {0};
    assert_int_equal(test_submit(life->t.store, &nothing), HYP_OK);
}

/* Lets the writer do its care until the log is as short as this. */
static void settle(struct life *life, int64_t log_rows)
{
    while (count_rows(life, COUNT_LOG) != log_rows) {
        ask_for_care(life);
    }
}

static void parts_are_sealed_and_merged(void **state)
{
    (void)state;
    struct life life;
    make_life(&life);
    put_hours(&life, 0, 24 * 9);
    check_hours(&life, 24 * 9);
    /* Day 9: the first part is past; the log keeps what is younger. */
    set_clock(&life, life.begin + 9 * DAY_MS);
    put_hour(&life, 24 * 9);
    settle(&life, 24 * 2 + 1);
    assert_int_equal(count_rows(&life, COUNT_CHUNKS), 1);
    check_hours(&life, 24 * 9 + 1);
    /* The month is past: one chunk instead of its parts. */
    put_hours(&life, 24 * 9 + 1, 24 * 32);
    set_clock(&life, life.begin + 32 * DAY_MS);
    put_hour(&life, 24 * 32);
    settle(&life, 24 * 2 + 1);
    assert_int_equal(count_rows(&life, COUNT_CHUNKS), 1);
    check_hours(&life, 24 * 32 + 1);
    test_store_close(&life.t);
    open_life(&life, life.begin + 32 * DAY_MS);
    check_hours(&life, 24 * 32 + 1);
    end_life(&life);
}

static void late_readings_join_their_chunk(void **state)
{
    (void)state;
    struct life life;
    make_life(&life);
    for (int64_t hour = 0; hour < 24 * 40; hour++) {
        if (hour % 5 != 2) {
            put_hour(&life, hour);
        }
    }
    set_clock(&life, life.begin + 90 * DAY_MS);
    put_hour(&life, 24 * 40);
    settle(&life, 0);
    assert_int_equal(count_rows(&life, COUNT_CHUNKS), 2);
    /* What was left out, and everything once more. */
    put_hours(&life, 0, 24 * 40);
    struct hyp_store_stats stats;
    hyp_store_stats(life.t.store, &stats);
    assert_int_equal(stats.duplicates, 24 * 40 / 5 * 4 * 2);
    check_hours(&life, 24 * 40 + 1);
    test_store_close(&life.t);
    open_life(&life, life.begin + 91 * DAY_MS);
    check_hours(&life, 24 * 40 + 1);
    settle(&life, 0);
    assert_int_equal(count_rows(&life, COUNT_CHUNKS), 2);
    check_hours(&life, 24 * 40 + 1);
    end_life(&life);
}

/* A clock that jumps ahead and comes back loses nothing and doubles nothing. */
static void a_clock_may_jump(void **state)
{
    (void)state;
    struct life life;
    make_life(&life);
    put_hours(&life, 0, 24 * 5);
    set_clock(&life, life.begin + 4000 * DAY_MS);
    put_hour(&life, 24 * 5);
    settle(&life, 0);
    set_clock(&life, life.begin + 5 * DAY_MS);
    put_hours(&life, 24 * 5 + 1, 24 * 10);
    check_hours(&life, 24 * 10);
    test_store_close(&life.t);
    open_life(&life, life.begin + 10 * DAY_MS);
    check_hours(&life, 24 * 10);
    put_hours(&life, 24 * 10, 24 * 40);
    set_clock(&life, life.begin + 90 * DAY_MS);
    put_hour(&life, 24 * 40);
    settle(&life, 0);
    check_hours(&life, 24 * 40 + 1);
    end_life(&life);
}

/* A damaged chunk is told, the others stay, and readings for it wait in the log. */
static void a_damaged_chunk_is_told(void **state)
{
    (void)state;
    struct life life;
    make_life(&life);
    put_hours(&life, 0, 24 * 40);
    set_clock(&life, life.begin + 90 * DAY_MS);
    put_hour(&life, 24 * 40);
    settle(&life, 0);
    test_store_close(&life.t);
    struct hyp_db *db = test_database(&life.folder, false);
    assert_int_equal(hyp_db_exec(db, "UPDATE chunk SET data = substr(data, 2) WHERE id ="
                                     " (SELECT min(id) FROM chunk)"),
                     HYP_OK);
    hyp_db_close(db);
    open_life(&life, life.begin + 90 * DAY_MS);
    struct hyp_stored_value *values;
    size_t count;
    hyp_point_id energy = test_point(&life.t, life.device, HYP_NAME_ENERGY);
    int64_t second = hyp_period_end(hyp_period_whole(hyp_period_of(life.begin)));
    assert_int_equal(hyp_store_series(life.t.store, life.t.tenant, energy,
                                      (hyp_utc){life.begin}, (hyp_utc){second}, &life.t.arena,
                                      &values, &count),
                     HYP_CORRUPT);
    assert_non_null(strstr(life.t.log.last, "store.chunk_damaged"));
    assert_int_equal(hyp_store_series(life.t.store, life.t.tenant, energy, (hyp_utc){second},
                                      (hyp_utc){INT64_MAX}, &life.t.arena, &values, &count),
                     HYP_OK);
    assert_int_equal(count, 24 * 10 + 1);
    put_hour(&life, 0);
    test_store_close(&life.t);
    assert_int_equal(count_rows(&life, COUNT_LOG), 1);
    open_life(&life, life.begin + 90 * DAY_MS);
    end_life(&life);
}

/* Nothing of a removed device stays. */
static void a_removed_device_leaves_no_chunk(void **state)
{
    (void)state;
    struct life life;
    make_life(&life);
    put_hours(&life, 0, 24 * 40);
    set_clock(&life, life.begin + 90 * DAY_MS);
    put_hour(&life, 24 * 40);
    settle(&life, 0);
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_device_remove(life.t.store, life.t.tenant, life.device, &err),
                     HYP_OK);
    struct hyp_store_stats stats;
    hyp_store_stats(life.t.store, &stats);
    assert_int_equal(stats.readings, 0);
    assert_int_equal(stats.values, 0);
    while (count_rows(&life, "SELECT count(*) FROM erasure") != 0) {
        ask_for_care(&life);
    }
    assert_int_equal(count_rows(&life, COUNT_CHUNKS), 0);
    assert_int_equal(count_rows(&life, "SELECT count(*) FROM sealed"), 0);
    end_life(&life);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, periods, a_time_has_its_period);
    TEST_ONE(&list, periods_leave_no_gap);
    TEST_ONE(&list, parts_are_sealed_and_merged);
    TEST_ONE(&list, late_readings_join_their_chunk);
    TEST_ONE(&list, a_clock_may_jump);
    TEST_ONE(&list, a_damaged_chunk_is_told);
    TEST_ONE(&list, a_removed_device_leaves_no_chunk);
    return test_list_run(&list, "store-seal");
}
