/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries on values: spans, buckets and pages of readings, over open and packed blocks.
 */
#include "fixture.h"

#include "base/rng.h"

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

/* --- summaries --- */

#define SUMMARY_DEVICES 70 /* more than answers without a scan of heads */
#define SUMMARY_READINGS 60

/* What a summary must say, from the raw values. */
static void check_summary(const struct hyp_summary *s, const struct hyp_stored_value *values,
                          size_t count, hyp_utc from, hyp_utc to)
{
    uint64_t met = 0;
    double sum = 0;
    assert_int_equal(s->start.ms, from.ms);
    for (size_t i = 0; i < count; i++) {
        const struct hyp_stored_value *v = &values[i];
        if (v->time.ms < from.ms || v->time.ms >= to.ms || !hyp_quality_is_usable(v->quality)) {
            continue;
        }
        assert_true(met > 0 || hyp_decimal_compare(v->decimal, s->first) == 0);
        assert_true(hyp_decimal_compare(v->decimal, s->min) >= 0);
        assert_true(hyp_decimal_compare(v->decimal, s->max) <= 0);
        sum += hyp_decimal_to_double(v->decimal);
        met++;
        if (met == s->count) {
            assert_int_equal(hyp_decimal_compare(v->decimal, s->last), 0);
        }
    }
    assert_int_equal(met, s->count);
    double mean = met == 0 ? 0 : sum / (double)met;
    assert_true(met == 0 || (mean - s->mean < 1e-6 && s->mean - mean < 1e-6));
}

static void put_summary_reading(struct test_store *t, struct hyp_rng *rng, hyp_device_id device,
                                int64_t begin)
{
    struct hyp_value values[] = {
        test_decimal(HYP_NAME_ENERGY, (int64_t)hyp_rng_below(rng, 100000),
                     hyp_rng_below(rng, 10) == 0 ? -2 : -1),
        test_decimal(HYP_NAME_FLOW, (int64_t)hyp_rng_below(rng, 2000) - 1000, -3)};
    if (hyp_rng_below(rng, 8) == 0) {
        values[1] = test_absent(HYP_NAME_FLOW, HYP_QUALITY_NO_VALUE);
    }
    /* Some instants twice: several versions. */
    int64_t time = begin + (int64_t)hyp_rng_below(rng, 24 * 80) * HOUR_MS;
    struct hyp_reading reading = test_reading(device, time, values, 2);
    assert_int_equal(test_put(t, &reading), HYP_OK);
}

static void check_all_summaries(struct test_store *t, const hyp_point_id *points, size_t count,
                                const hyp_utc *bounds, size_t span_count)
{
    struct hyp_summary *summaries;
    assert_int_equal(hyp_store_summaries(t->store, t->tenant, points, count, bounds, span_count,
                                         &t->arena, &summaries),
                     HYP_OK);
    for (size_t p = 0; p < count; p++) {
        struct hyp_stored_value *values;
        size_t value_count;
        assert_int_equal(hyp_store_series(t->store, t->tenant, points[p], bounds[0],
                                          bounds[span_count], &t->arena, &values, &value_count),
                         HYP_OK);
        for (size_t i = 0; i < span_count; i++) {
            check_summary(&summaries[p * span_count + i], values, value_count, bounds[i],
                          bounds[i + 1]);
        }
    }
}

static void summaries_agree_with_the_values(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 77);
    static hyp_point_id points[2 * SUMMARY_DEVICES];
    int64_t begin = 1696118400000; /* 2023-10-01 */
    for (size_t d = 0; d < SUMMARY_DEVICES; d++) {
        char serial[] = {(char)('0' + d / 10), (char)('0' + d % 10), '\0'};
        hyp_device_id device = test_device(&t, serial);
        for (size_t r = 0; r < (d % 7 == 0 ? SUMMARY_READINGS : 4); r++) {
            put_summary_reading(&t, &seeded.rng, device, begin);
        }
        points[2 * d] = test_point(&t, device, HYP_NAME_ENERGY);
        points[2 * d + 1] = test_point(&t, device, HYP_NAME_FLOW);
    }
    static const hyp_utc months[] = {
        {1696118400000}, {1698796800000}, {1701388800000}, {1704067200000}};
    static const hyp_utc odd[] = {{1696118400001}, {1696500000000}, {1696500000001},
                                  {1699000000000}, {1701000000000}, {1709000000000}};
    check_all_summaries(&t, points, 2 * SUMMARY_DEVICES, months, 3);
    check_all_summaries(&t, points, 2 * SUMMARY_DEVICES, odd, 5);
    check_all_summaries(&t, points, 10, months, 3);
    check_all_summaries(&t, points, 10, odd, 5);
    test_store_close(&t);
}

static void bad_summaries_are_refused(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    fill(&t, device);
    hyp_point_id points[] = {test_point(&t, device, HYP_NAME_VOLUME), {.id = 4711}};
    static const hyp_utc good[] = {{0}, {10}};
    static const hyp_utc empty[] = {{10}, {10}};
    struct hyp_summary *out;
    assert_int_equal(
        hyp_store_summaries(t.store, t.tenant, points, 1, empty, 1, &t.arena, &out),
        HYP_INVALID);
    assert_int_equal(hyp_store_summaries(t.store, t.tenant, points, 1, good, 0, &t.arena, &out),
                     HYP_INVALID);
    assert_int_equal(hyp_store_summaries(t.store, t.tenant, points, 2, good, 1, &t.arena, &out),
                     HYP_NOT_FOUND);
    hyp_tenant_id other = {.id = t.tenant.id + 1};
    assert_int_equal(hyp_store_summaries(t.store, other, points, 1, good, 1, &t.arena, &out),
                     HYP_NOT_FOUND);
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
    TEST_ONE(&list, summaries_agree_with_the_values);
    TEST_ONE(&list, bad_summaries_are_refused);
    return test_list_run(&list, "store-query");
}
