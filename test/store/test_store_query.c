/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries on values: spans, buckets and pages of readings, over open and packed blocks.
 */
#include "fixture.h"

#define HOURS 500

/* Hour h has volume 10 h; every tenth hour is absent. */
static void fill(struct test_store *t, hyp_device_id device)
{
    static struct hyp_value values[HOURS];
    static struct hyp_reading readings[HOURS];
    for (int h = 0; h < HOURS; h++) {
        values[h] = h % 10 == 9 ? test_absent(HYP_NAME_VOLUME, HYP_QUALITY_NO_VALUE)
                                : test_decimal(HYP_NAME_VOLUME, 10 * h, 0);
        readings[h] = test_reading(device, START_MS + h * HOUR_MS, &values[h], 1);
    }
    struct hyp_batch batch = {.readings = readings, .reading_count = HOURS};
    assert_int_equal(test_submit(t->store, &batch), HYP_OK);
}

/* Spans in hours: [from, to). */
static const struct span_row {
    const char *name;
    int64_t from;
    int64_t to;
    int64_t first;
    size_t count;
} spans[] = {
    {"all",                 0,    HOURS, 0,   HOURS},
    {"around all",          -100, 9999,  0,   HOURS},
    {"the first",           0,    1,     0,   1    },
    {"the last",            499,  500,   499, 1    },
    {"across blocks",       30,   70,    30,  40   },
    {"the end is excluded", 31,   32,    31,  1    },
    {"before all",          -9,   0,     0,   0    },
    {"after all",           500,  600,   0,   0    },
    {"empty",               50,   50,    0,   0    },
    {"backwards",           60,   50,    0,   0    },
};

static void a_span_gives_its_values(void **state)
{
    const struct span_row *row = *state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    fill(&t, device);
    struct hyp_stored_value *values;
    size_t count;
    assert_int_equal(
        hyp_store_series(t.store, t.tenant, test_point(&t, device, HYP_NAME_VOLUME),
                         (hyp_utc){START_MS + row->from * HOUR_MS},
                         (hyp_utc){START_MS + row->to * HOUR_MS}, &t.arena, &values, &count),
        HYP_OK);
    assert_int_equal(count, row->count);
    for (size_t i = 0; i < count; i++) {
        int64_t hour = row->first + (int64_t)i;
        assert_int_equal(values[i].time.ms, START_MS + hour * HOUR_MS);
        if (hour % 10 == 9) {
            assert_int_equal(values[i].quality, HYP_QUALITY_NO_VALUE);
        } else {
            assert_int_equal(values[i].decimal.digits, 10 * hour);
        }
    }
    test_store_close(&t);
}

static void pages_of_readings_are_newest_first(void **state)
{
    const struct span_row *row = *state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    fill(&t, device);
    static const size_t page_sizes[] = {1, 7, 100, 1000};
    for (size_t p = 0; p < HYP_ARRAY_LEN(page_sizes); p++) {
        size_t seen = 0;
        size_t count;
        do {
            struct hyp_stored_reading *readings;
            size_t total;
            assert_int_equal(hyp_store_readings(t.store, t.tenant, device,
                                                (hyp_utc){START_MS + row->from * HOUR_MS},
                                                (hyp_utc){START_MS + row->to * HOUR_MS}, seen,
                                                page_sizes[p], &t.arena, &readings, &count,
                                                &total),
                             HYP_OK);
            assert_int_equal(total, row->count);
            for (size_t i = 0; i < count; i++, seen++) {
                int64_t hour = row->first + (int64_t)(row->count - 1 - seen);
                assert_int_equal(readings[i].source_time.ms, START_MS + hour * HOUR_MS);
                assert_int_equal(readings[i].receive_time.ms, START_MS + hour * HOUR_MS + 1500);
                assert_int_equal(readings[i].kind, HYP_READING_CURRENT);
                assert_int_equal(readings[i].value_count, 1);
            }
        } while (count == page_sizes[p]);
        assert_int_equal(seen, row->count);
        hyp_arena_reset(&t.arena);
    }
    test_store_close(&t);
}

/* --- buckets --- */

static void assert_near(double a, double b)
{
    double difference = a > b ? a - b : b - a;
    if (difference > 1e-9) {
        fail_msg("%.12f is not %.12f", a, b);
    }
}

/* 100 hours in buckets of ten: hours 10 b .. 10 b + 8 usable. */
static void buckets_keep_extremes(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    fill(&t, device);
    struct hyp_bucket *buckets;
    assert_int_equal(hyp_store_buckets(t.store, t.tenant,
                                       test_point(&t, device, HYP_NAME_VOLUME),
                                       (hyp_utc){START_MS}, (hyp_utc){START_MS + 100 * HOUR_MS},
                                       10, &t.arena, &buckets),
                     HYP_OK);
    for (int b = 0; b < 10; b++) {
        assert_int_equal(buckets[b].start.ms, START_MS + b * 10 * HOUR_MS);
        assert_int_equal(buckets[b].count, 9);
        assert_near(buckets[b].min, b * 100.0);
        assert_near(buckets[b].max, b * 100.0 + 80);
        assert_near(buckets[b].mean, b * 100.0 + 40);
        assert_near(buckets[b].first, b * 100.0);
        assert_near(buckets[b].last, b * 100.0 + 80);
    }
    test_store_close(&t);
}

/* Whatever the width, each value is in the bucket whose start is at or before it. */
static void each_value_is_in_its_bucket(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    fill(&t, device);
    hyp_point_id point = test_point(&t, device, HYP_NAME_VOLUME);
    static const size_t counts[] = {1, 3, 7, 333, 499, 500, 501, 4000};
    for (size_t c = 0; c < HYP_ARRAY_LEN(counts); c++) {
        struct hyp_bucket *buckets;
        assert_int_equal(hyp_store_buckets(t.store, t.tenant, point, (hyp_utc){START_MS},
                                           (hyp_utc){START_MS + HOURS * HOUR_MS}, counts[c],
                                           &t.arena, &buckets),
                         HYP_OK);
        size_t total = 0;
        for (size_t b = 0; b < counts[c]; b++) {
            total += buckets[b].count;
            if (buckets[b].count > 0) {
                int64_t first = START_MS + (int64_t)(buckets[b].first / 10) * HOUR_MS;
                int64_t last = START_MS + (int64_t)(buckets[b].last / 10) * HOUR_MS;
                assert_true(first >= buckets[b].start.ms);
                assert_true(b + 1 == counts[c] || last < buckets[b + 1].start.ms);
            }
        }
        assert_int_equal(total, HOURS - HOURS / 10);
    }
    test_store_close(&t);
}

static const struct bad_buckets {
    const char *name;
    int64_t from;
    int64_t to;
    size_t count;
} bad_buckets[] = {
    {"an empty span",    5, 5, 1                          },
    {"a backward span",  5, 4, 1                          },
    {"no buckets",       0, 5, 0                          },
    {"too many buckets", 0, 5, HYP_LIMIT_CHART_BUCKETS + 1},
};

static void bad_buckets_are_refused(void **state)
{
    const struct bad_buckets *row = *state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    fill(&t, device);
    struct hyp_bucket *buckets;
    assert_int_equal(hyp_store_buckets(t.store, t.tenant,
                                       test_point(&t, device, HYP_NAME_VOLUME),
                                       (hyp_utc){row->from}, (hyp_utc){row->to}, row->count,
                                       &t.arena, &buckets),
                     HYP_INVALID);
    test_store_close(&t);
}

static void buckets_reach_over_all_time(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 1, 0);
    static const int64_t times[] = {INT64_MIN, -1, 0, INT64_MAX - 1};
    for (size_t i = 0; i < HYP_ARRAY_LEN(times); i++) {
        struct hyp_reading reading = test_reading(device, 0, &value, 1);
        reading.source_time.ms = times[i];
        assert_int_equal(test_put(&t, &reading), HYP_OK);
    }
    struct hyp_bucket *buckets;
    assert_int_equal(
        hyp_store_buckets(t.store, t.tenant, test_point(&t, device, HYP_NAME_VOLUME),
                          (hyp_utc){INT64_MIN}, (hyp_utc){INT64_MAX}, 2, &t.arena, &buckets),
        HYP_OK);
    /* 2^64 - 1 ms in two halves: the second begins at 0. */
    assert_int_equal(buckets[0].count, 2);
    assert_int_equal(buckets[1].count, 2);
    assert_int_equal(buckets[1].start.ms, 0);
    test_store_close(&t);
}

static void an_arena_too_small_is_said(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    fill(&t, device);
    struct hyp_arena small;
    hyp_arena_init(&small, 5000);
    struct hyp_stored_value *values;
    size_t count;
    assert_int_equal(hyp_store_series(t.store, t.tenant,
                                      test_point(&t, device, HYP_NAME_VOLUME), (hyp_utc){0},
                                      (hyp_utc){INT64_MAX}, &small, &values, &count),
                     HYP_LIMIT);
    hyp_arena_finish(&small);
    test_store_close(&t);
}

static void a_device_without_values_is_empty(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    struct hyp_latest *latest;
    struct hyp_point *points;
    size_t count;
    assert_int_equal(hyp_store_latest(t.store, t.tenant, device, &t.arena, &latest, &count),
                     HYP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(hyp_store_points(t.store, t.tenant, device, &t.arena, &points, &count),
                     HYP_OK);
    assert_int_equal(count, 0);
    test_store_close(&t);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, spans, a_span_gives_its_values);
    TEST_ROWS(&list, spans, pages_of_readings_are_newest_first);
    TEST_ONE(&list, buckets_keep_extremes);
    TEST_ONE(&list, each_value_is_in_its_bucket);
    TEST_ROWS(&list, bad_buckets, bad_buckets_are_refused);
    TEST_ONE(&list, buckets_reach_over_all_time);
    TEST_ONE(&list, an_arena_too_small_is_said);
    TEST_ONE(&list, a_device_without_values_is_empty);
    return test_list_run(&list, "store-query");
}
