/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries on values: spans, summaries and pages of readings, over open and packed blocks.
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

/* --- summaries of spans --- */

static void assert_near(double a, double b)
{
    double difference = a > b ? a - b : b - a;
    if (difference > 1e-9) {
        fail_msg("%.12f is not %.12f", a, b);
    }
}

/* The spans between so many bounds, of the volume of a device. */
static struct hyp_summary *summarise_volume(struct test_store *t, hyp_device_id device,
                                            const hyp_utc *bounds, size_t span_count)
{
    hyp_point_id point = test_point(t, device, HYP_NAME_VOLUME);
    struct hyp_summary *summaries;
    assert_int_equal(hyp_store_summaries(t->store, t->tenant, &point, 1, bounds, span_count,
                                         &t->arena, &summaries),
                     HYP_OK);
    return summaries;
}

/* 100 hours by tens: hours 10 s .. 10 s + 8 usable. */
static void summaries_keep_extremes(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    fill(&t, device);
    hyp_utc bounds[11];
    for (int s = 0; s <= 10; s++) {
        bounds[s].ms = START_MS + s * 10 * HOUR_MS;
    }
    const struct hyp_summary *summaries = summarise_volume(&t, device, bounds, 10);
    for (int s = 0; s < 10; s++) {
        assert_int_equal(summaries[s].start.ms, bounds[s].ms);
        assert_int_equal(summaries[s].count, 9);
        assert_near(hyp_decimal_to_double(summaries[s].min), s * 100.0);
        assert_near(hyp_decimal_to_double(summaries[s].max), s * 100.0 + 80);
        assert_near(summaries[s].mean, s * 100.0 + 40);
        assert_near(hyp_decimal_to_double(summaries[s].first), s * 100.0);
        assert_near(hyp_decimal_to_double(summaries[s].last), s * 100.0 + 80);
    }
    test_store_close(&t);
}

/* The hour at which a volume was read. */
static int64_t time_of(struct hyp_decimal volume)
{
    return START_MS + (int64_t)(hyp_decimal_to_double(volume) / 10) * HOUR_MS;
}

/* Whatever the width, each value is in its span. */
static void each_value_is_in_its_span(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    fill(&t, device);
    static const int64_t counts[] = {1, 3, 7, 333, 499, 500, 501, 4000};
    static hyp_utc bounds[4001];
    for (size_t c = 0; c < HYP_ARRAY_LEN(counts); c++) {
        for (int64_t s = 0; s <= counts[c]; s++) {
            bounds[s].ms = START_MS + HOURS * HOUR_MS * s / counts[c];
        }
        const struct hyp_summary *summaries =
            summarise_volume(&t, device, bounds, (size_t)counts[c]);
        size_t total = 0;
        for (int64_t s = 0; s < counts[c]; s++) {
            total += summaries[s].count;
            if (summaries[s].count > 0) {
                assert_true(time_of(summaries[s].first) >= bounds[s].ms);
                assert_true(time_of(summaries[s].last) < bounds[s + 1].ms);
            }
        }
        assert_int_equal(total, HOURS - HOURS / 10);
        hyp_arena_reset(&t.arena);
    }
    test_store_close(&t);
}

static void summaries_reach_over_all_time(void **state)
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
    static const hyp_utc bounds[] = {{INT64_MIN}, {0}, {INT64_MAX}};
    const struct hyp_summary *summaries = summarise_volume(&t, device, bounds, 2);
    assert_int_equal(summaries[0].count, 2);
    assert_int_equal(summaries[1].count, 2);
    assert_int_equal(summaries[1].start.ms, 0);
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
    static const enum hyp_quality odd[] = {HYP_QUALITY_MANUAL, HYP_QUALITY_DOUBTFUL,
                                           HYP_QUALITY_ESTIMATED, HYP_QUALITY_CORRECTED};
    if (hyp_rng_below(rng, 16) == 0) {
        values[0].quality = odd[hyp_rng_below(rng, HYP_ARRAY_LEN(odd))];
    }
    /* Some instants twice: several versions. */
    int64_t time = begin + (int64_t)hyp_rng_below(rng, 24 * 80) * HOUR_MS;
    struct hyp_reading reading = test_reading(device, time, values, 2);
    assert_int_equal(test_put(t, &reading), HYP_OK);
}

static uint64_t count_of(const struct hyp_stored_value *values, size_t count, hyp_utc from,
                         hyp_utc to, enum hyp_quality quality)
{
    uint64_t found = 0;
    for (size_t i = 0; i < count; i++) {
        bool inside = values[i].time.ms >= from.ms && values[i].time.ms < to.ms;
        found += inside && values[i].quality == quality ? 1 : 0;
    }
    return found;
}

/* Against the values themselves, of which the first lies in the first span. */
static void check_marks(const struct hyp_summary_marks *marks,
                        const struct hyp_stored_value *values, size_t count, hyp_utc from,
                        hyp_utc to)
{
    int64_t last = INT64_MAX;
    int64_t longest = 0;
    for (size_t i = 0; i < count && values[i].time.ms < to.ms; i++) {
        if (!hyp_quality_is_usable(values[i].quality)) {
            continue;
        }
        if (values[i].time.ms >= from.ms && last != INT64_MAX) {
            longest = HYP_MAX(longest, values[i].time.ms - last);
        }
        last = values[i].time.ms;
    }
    assert_int_equal(marks->step_to.ms - marks->step_from.ms, longest);
    assert_int_equal(marks->manual, count_of(values, count, from, to, HYP_QUALITY_MANUAL));
    assert_int_equal(marks->doubtful, count_of(values, count, from, to, HYP_QUALITY_DOUBTFUL));
    assert_int_equal(marks->corrected,
                     count_of(values, count, from, to, HYP_QUALITY_CORRECTED));
    assert_int_equal(marks->estimated,
                     count_of(values, count, from, to, HYP_QUALITY_ESTIMATED));
}

static void check_all_summaries(struct test_store *t, const hyp_point_id *points, size_t count,
                                const hyp_utc *bounds, size_t span_count)
{
    struct hyp_summary *summaries;
    struct hyp_summary *others;
    struct hyp_summary_marks *marks;
    assert_int_equal(hyp_store_summaries(t->store, t->tenant, points, count, bounds, span_count,
                                         &t->arena, &summaries),
                     HYP_OK);
    assert_int_equal(hyp_store_marked_summaries(t->store, t->tenant, points, count, bounds,
                                                span_count, &t->arena, &others, &marks),
                     HYP_OK);
    for (size_t p = 0; p < count; p++) {
        struct hyp_stored_value *values;
        size_t value_count;
        assert_int_equal(hyp_store_series(t->store, t->tenant, points[p], bounds[0],
                                          bounds[span_count], &t->arena, &values, &value_count),
                         HYP_OK);
        for (size_t i = 0; i < span_count; i++) {
            size_t at = p * span_count + i;
            check_summary(&summaries[at], values, value_count, bounds[i], bounds[i + 1]);
            check_summary(&others[at], values, value_count, bounds[i], bounds[i + 1]);
            check_marks(&marks[at], values, value_count, bounds[i], bounds[i + 1]);
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
    TEST_ONE(&list, summaries_keep_extremes);
    TEST_ONE(&list, each_value_is_in_its_span);
    TEST_ONE(&list, summaries_reach_over_all_time);
    TEST_ONE(&list, an_arena_too_small_is_said);
    TEST_ONE(&list, a_device_without_values_is_empty);
    TEST_ONE(&list, summaries_agree_with_the_values);
    TEST_ONE(&list, bad_summaries_are_refused);
    return test_list_run(&list, "store-query");
}
