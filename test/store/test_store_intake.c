/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a batch: committed once, in versions, found again after a restart too.
 */
#include "fixture.h"

/* Values of a point over all time. */
static size_t all_values(struct test_store *t, hyp_point_id point,
                         struct hyp_stored_value **values)
{
    size_t count;
    assert_int_equal(hyp_store_series(t->store, t->tenant, point, (hyp_utc){INT64_MIN},
                                      (hyp_utc){INT64_MAX}, &t->arena, values, &count),
                     HYP_OK);
    return count;
}

/* A store on disk, because most of this must hold after a restart too. */
struct disk {
    struct test_folder folder;
    struct test_store t;
    hyp_device_id device;
};

static void open_disk(struct disk *d)
{
    test_folder_make(&d->folder);
    test_store_open(&d->t, &d->folder);
    d->device = test_device(&d->t, "11111111");
}

static void reopen(struct disk *d)
{
    test_store_close(&d->t);
    test_store_open(&d->t, &d->folder);
}

static void close_disk(struct disk *d)
{
    test_store_close(&d->t);
    test_folder_remove(&d->folder);
}

static void put_volume(struct disk *d, int64_t time, int64_t digits, enum hyp_quality quality)
{
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, digits, -2);
    value.quality = quality;
    struct hyp_reading reading = test_reading(d->device, time, &value, 1);
    assert_int_equal(test_put(&d->t, &reading), HYP_OK);
}

/* --- values of every kind --- */

static const struct kind_row {
    const char *name;
    struct hyp_value value;
    const char *text; /* as shown */
} kinds[] = {
    {"a decimal",
     {.key.name = HYP_NAME_VOLUME,
      .unit = HYP_UNIT_M3,
      .kind = HYP_VALUE_DECIMAL,
      .quality = HYP_QUALITY_GOOD,
      .decimal = {1250, -2}},
     "12.50"                                                                                       },
    {"a large negative decimal",
     {.key.name = HYP_NAME_VOLUME,
      .unit = HYP_UNIT_M3,
      .kind = HYP_VALUE_DECIMAL,
      .quality = HYP_QUALITY_DOUBTFUL,
      .decimal = {-9223372036854775807, 3}},
     "-9223372036854775807000"                                                                     },
    {"a civil time",
     {.key.name = HYP_NAME_METER_TIME,
      .kind = HYP_VALUE_CIVIL,
      .quality = HYP_QUALITY_GOOD,
      .civil = {2026, 1, 31, 14, 5, 9, HYP_CIVIL_SECOND, false}},
     "2026-01-31T14:05:09"                                                                         },
    {"flags",
     {.key.name = HYP_NAME_INFO_CODE,
      .kind = HYP_VALUE_FLAGS,
      .quality = HYP_QUALITY_GOOD,
      .flags = 0x8000000000000004u},
     "0x8000000000000004"                                                                          },
    {"a text",
     {.key.name = HYP_NAME_INFO_CODE,
      .kind = HYP_VALUE_TEXT,
      .quality = HYP_QUALITY_MANUAL,
      .text = {"Wärme", 6}},
     "Wärme"                                                                                      },
    {"an empty text",
     {.key.name = HYP_NAME_INFO_CODE,
      .kind = HYP_VALUE_TEXT,
      .quality = HYP_QUALITY_GOOD,
      .text = {"", 0}},
     ""                                                                                            },
    {"no value",                 {.key.name = HYP_NAME_VOLUME, .quality = HYP_QUALITY_NO_VALUE}, ""},
    {"an overflow",
     {.key.name = HYP_NAME_VOLUME, .kind = HYP_VALUE_DECIMAL, .quality = HYP_QUALITY_OVERFLOW},
     ""                                                                                            },
};

static void check_shown(struct disk *d, const struct kind_row *row)
{
    struct hyp_latest *latest;
    size_t count;
    assert_int_equal(
        hyp_store_latest(d->t.store, d->t.tenant, d->device, &d->t.arena, &latest, &count),
        HYP_OK);
    assert_int_equal(count, 1);
    const struct hyp_stored_value *value = &latest[0].value;
    struct hyp_value shown = {.quality = value->quality, .kind = value->kind};
    switch (value->kind) {
    case HYP_VALUE_DECIMAL: shown.decimal = value->decimal; break;
    case HYP_VALUE_CIVIL: shown.civil = value->civil; break;
    case HYP_VALUE_FLAGS: shown.flags = value->flags; break;
    case HYP_VALUE_TEXT: shown.text = value->text; break;
    case HYP_VALUE_UNSET: break;
    }
    struct hyp_buf text;
    hyp_buf_init_heap(&text, 1000);
    hyp_value_format(&text, &shown);
    assert_string_equal(hyp_buf_terminate(&text), row->text);
    hyp_buf_finish(&text);
    assert_int_equal(value->quality, row->value.quality);
    assert_int_equal(latest[0].receive_time.ms, START_MS + 1500);
}

static void every_kind_survives_a_restart(void **state)
{
    const struct kind_row *row = *state;
    struct disk d;
    open_disk(&d);
    struct hyp_reading reading = test_reading(d.device, START_MS, &row->value, 1);
    assert_int_equal(test_put(&d.t, &reading), HYP_OK);
    check_shown(&d, row);
    reopen(&d);
    check_shown(&d, row);
    close_disk(&d);
}

static void readings_survive_a_restart(void **state)
{
    (void)state;
    struct disk d;
    open_disk(&d);
    for (int i = 0; i < 3; i++) {
        put_volume(&d, START_MS + i * HOUR_MS, 1000 + i, HYP_QUALITY_GOOD);
    }
    for (int round = 0; round < 2; round++) {
        struct hyp_stored_value *values;
        hyp_point_id volume = test_point(&d.t, d.device, HYP_NAME_VOLUME);
        assert_int_equal(all_values(&d.t, volume, &values), 3);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(values[i].point.id, volume.id);
            assert_int_equal(values[i].time.ms, START_MS + i * HOUR_MS);
            assert_int_equal(values[i].decimal.digits, 1000 + i);
            assert_int_equal(values[i].decimal.exp10, -2);
            assert_int_equal(values[i].source, HYP_SOURCE_AUTOMATIC);
        }
        reopen(&d);
    }
    close_disk(&d);
}

/* --- the same again, and versions --- */

/* First one value, then another of the same instant. */
static const struct version_row {
    const char *name;
    struct hyp_decimal first;
    enum hyp_quality first_quality;
    struct hyp_decimal second;
    enum hyp_quality second_quality;
    uint64_t duplicates;
    int64_t shown; /* digits at exponent -2; -1 = absent */
} versions[] = {
    {"the same",                       {100, -2}, HYP_QUALITY_GOOD,     {100, -2},  HYP_QUALITY_GOOD,     1, 100},
    {"the same in another resolution",
     {100, -2},
     HYP_QUALITY_GOOD,                                                  {1000, -3},
     HYP_QUALITY_GOOD,                                                                                    1,
     100                                                                                                        },
    {"another value",                  {100, -2}, HYP_QUALITY_GOOD,     {101, -2},  HYP_QUALITY_GOOD,     0, 101},
    {"a worse one later",
     {100, -2},
     HYP_QUALITY_GOOD,                                                  {101, -2},
     HYP_QUALITY_ESTIMATED,                                                                               0,
     100                                                                                                        },
    {"a better one later",
     {100, -2},
     HYP_QUALITY_ESTIMATED,                                             {101, -2},
     HYP_QUALITY_MANUAL,                                                                                  0,
     101                                                                                                        },
    {"manual over doubtful",
     {100, -2},
     HYP_QUALITY_DOUBTFUL,                                              {101, -2},
     HYP_QUALITY_MANUAL,                                                                                  0,
     101                                                                                                        },
    {"the same, now measured",
     {100, -2},
     HYP_QUALITY_ESTIMATED,                                             {100, -2},
     HYP_QUALITY_GOOD,                                                                                    0,
     100                                                                                                        },
    {"the same, now estimated",
     {100, -2},
     HYP_QUALITY_GOOD,                                                  {100, -2},
     HYP_QUALITY_ESTIMATED,                                                                               1,
     100                                                                                                        },
    {"absent after a value",           {100, -2}, HYP_QUALITY_GOOD,     {0, 0},     HYP_QUALITY_NO_VALUE, 0, 100},
    {"a value after absent",
     {0, 0},
     HYP_QUALITY_NO_VALUE,                                              {100, -2},
     HYP_QUALITY_DOUBTFUL,                                                                                0,
     100                                                                                                        },
    {"absent twice",                   {0, 0},    HYP_QUALITY_NO_VALUE, {0, 0},     HYP_QUALITY_NO_VALUE, 1, -1 },
    {"absent for another reason",
     {0, 0},
     HYP_QUALITY_NO_VALUE,                                              {0, 0},
     HYP_QUALITY_OVERFLOW,                                                                                0,
     -1                                                                                                         },
};

static void put_version(struct disk *d, struct hyp_decimal decimal, enum hyp_quality quality)
{
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, decimal.digits, decimal.exp10);
    value.quality = quality;
    struct hyp_reading reading = test_reading(d->device, START_MS, &value, 1);
    assert_int_equal(test_put(&d->t, &reading), HYP_OK);
}

static void check_version(struct disk *d, const struct version_row *row)
{
    struct hyp_stored_value *values;
    hyp_point_id point = test_point(&d->t, d->device, HYP_NAME_VOLUME);
    assert_int_equal(all_values(&d->t, point, &values), 1);
    assert_int_equal(hyp_quality_is_usable(values[0].quality), row->shown >= 0);
    struct hyp_latest *latest;
    size_t count;
    assert_int_equal(
        hyp_store_latest(d->t.store, d->t.tenant, d->device, &d->t.arena, &latest, &count),
        HYP_OK);
    assert_int_equal(latest[0].value.quality, values[0].quality);
    if (row->shown >= 0) {
        assert_int_equal(values[0].decimal.digits, row->shown);
        assert_int_equal(latest[0].value.decimal.digits, row->shown);
    }
    /* Nothing is overwritten: both versions are among the readings. */
    struct hyp_stored_reading *readings;
    size_t total;
    assert_int_equal(hyp_store_readings(d->t.store, d->t.tenant, d->device, (hyp_utc){0},
                                        (hyp_utc){INT64_MAX}, 0, 10, &d->t.arena, &readings,
                                        &count, &total),
                     HYP_OK);
    assert_int_equal(total, 2 - row->duplicates);
    assert_int_equal(readings[count - 1].values[0].quality, row->first_quality);
}

static void versions_are_kept_and_the_best_is_shown(void **state)
{
    const struct version_row *row = *state;
    struct disk d;
    open_disk(&d);
    put_version(&d, row->first, row->first_quality);
    put_version(&d, row->second, row->second_quality);
    assert_int_equal(test_stats(&d.t).duplicates, row->duplicates);
    check_version(&d, row);
    /* Again both: they are known. */
    put_version(&d, row->first, row->first_quality);
    put_version(&d, row->second, row->second_quality);
    assert_int_equal(test_stats(&d.t).duplicates, row->duplicates + 2);
    reopen(&d);
    check_version(&d, row);
    close_disk(&d);
}

static void a_group_dedupes_within_itself(void **state)
{
    (void)state;
    struct disk d;
    open_disk(&d);
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 1, 0);
    struct hyp_reading readings[] = {test_reading(d.device, START_MS, &value, 1),
                                     test_reading(d.device, START_MS, &value, 1)};
    struct hyp_batch batch = {.readings = readings, .reading_count = 2};
    assert_int_equal(test_submit(d.t.store, &batch), HYP_OK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(test_stats(&d.t).values, 1);
        assert_int_equal(test_stats(&d.t).readings, 1);
        reopen(&d);
    }
    close_disk(&d);
}

static void hourly_and_current_do_not_meet(void **state)
{
    (void)state;
    struct disk d;
    open_disk(&d);
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 5, 0);
    struct hyp_reading reading = test_reading(d.device, START_MS, &value, 1);
    assert_int_equal(test_put(&d.t, &reading), HYP_OK);
    reading.kind = HYP_READING_HOUR;
    assert_int_equal(test_put(&d.t, &reading), HYP_OK);
    assert_int_equal(test_stats(&d.t).readings, 2);
    assert_int_equal(test_stats(&d.t).duplicates, 0);
    struct hyp_stored_value *values;
    assert_int_equal(all_values(&d.t, test_point(&d.t, d.device, HYP_NAME_VOLUME), &values), 1);
    close_disk(&d);
}

/* One register twice in one reading, with two values: neither is lost. */
static void a_register_sent_twice_gives_two_versions(void **state)
{
    (void)state;
    struct disk d;
    open_disk(&d);
    struct hyp_value values[] = {
        test_decimal(HYP_NAME_VOLUME, 5, 0), test_decimal(HYP_NAME_ENERGY, 1, 0),
        test_decimal(HYP_NAME_VOLUME, 6, 0), test_decimal(HYP_NAME_VOLUME, 5, 0)};
    struct hyp_reading reading = test_reading(d.device, START_MS, values, 4);
    assert_int_equal(test_put(&d.t, &reading), HYP_OK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(test_stats(&d.t).values, 3);
        assert_int_equal(test_stats(&d.t).readings, 2);
        reopen(&d);
    }
    close_disk(&d);
}

/* --- points --- */

static void points_are_created_on_first_sight(void **state)
{
    (void)state;
    struct disk d;
    open_disk(&d);
    struct hyp_value values[] = {test_decimal(HYP_NAME_ENERGY, 1, 0),
                                 test_decimal(HYP_NAME_FLOW, 2, 0),
                                 test_decimal(HYP_NAME_FLOW, 3, 0)};
    values[0].unit = HYP_UNIT_KWH;
    values[0].label = HYP_STR("Heat energy E1");
    values[2].key.function = HYP_FUNCTION_MAXIMUM;
    values[2].key.storage = 1;
    struct hyp_reading reading = test_reading(d.device, START_MS, values, 3);
    assert_int_equal(test_put(&d.t, &reading), HYP_OK);
    for (int round = 0; round < 2; round++) {
        struct hyp_point *points;
        size_t count;
        assert_int_equal(
            hyp_store_points(d.t.store, d.t.tenant, d.device, &d.t.arena, &points, &count),
            HYP_OK);
        assert_int_equal(count, 3);
        for (size_t i = 0; i < 3; i++) {
            assert_true(hyp_point_key_equal(&points[i].key, &values[i].key));
            assert_int_equal(points[i].unit, values[i].unit);
            assert_int_equal(points[i].kind, HYP_VALUE_DECIMAL);
            assert_int_equal(points[i].device.id, d.device.id);
            struct hyp_point alone;
            assert_int_equal(hyp_store_point(d.t.store, d.t.tenant, points[i].id, &alone),
                             HYP_OK);
            assert_string_equal(alone.label, points[i].label);
        }
        assert_string_equal(points[0].label, "Heat energy E1");
        assert_string_equal(points[1].label, "");
        reopen(&d);
    }
    close_disk(&d);
}

static void units_are_normalised_within_their_family(void **state)
{
    (void)state;
    struct disk d;
    open_disk(&d);
    struct hyp_value value = test_decimal(HYP_NAME_ENERGY, 5, 0);
    value.unit = HYP_UNIT_MWH;
    struct hyp_reading reading = test_reading(d.device, START_MS, &value, 1);
    assert_int_equal(test_put(&d.t, &reading), HYP_OK);
    value.unit = HYP_UNIT_WH;
    reading.source_time.ms += HOUR_MS;
    assert_int_equal(test_put(&d.t, &reading), HYP_OK);
    struct hyp_stored_value *values;
    assert_int_equal(all_values(&d.t, test_point(&d.t, d.device, HYP_NAME_ENERGY), &values), 2);
    assert_int_equal(values[0].decimal.digits, 5);
    assert_int_equal(values[0].decimal.exp10, 3);
    assert_int_equal(values[1].decimal.exp10, -3);
    struct hyp_point point;
    assert_int_equal(hyp_store_point(d.t.store, d.t.tenant, values[0].point, &point), HYP_OK);
    assert_int_equal(point.unit, HYP_UNIT_KWH);
    close_disk(&d);
}

/* kWh one day, GJ the next: two points, and the second says why. */
static void another_family_is_another_point(void **state)
{
    (void)state;
    struct disk d;
    open_disk(&d);
    struct hyp_value value = test_decimal(HYP_NAME_ENERGY, 5, 0);
    value.label = HYP_STR("Energy");
    static const enum hyp_unit units[] = {HYP_UNIT_KWH, HYP_UNIT_GJ, HYP_UNIT_KWH};
    for (int i = 0; i < 3; i++) {
        value.unit = units[i];
        struct hyp_reading reading = test_reading(d.device, START_MS + i * HOUR_MS, &value, 1);
        assert_int_equal(test_put(&d.t, &reading), HYP_OK);
    }
    /* Absent, of no unit: goes with the first of the name. */
    value = test_absent(HYP_NAME_ENERGY, HYP_QUALITY_NO_VALUE);
    struct hyp_reading reading = test_reading(d.device, START_MS + 3 * HOUR_MS, &value, 1);
    assert_int_equal(test_put(&d.t, &reading), HYP_OK);
    struct hyp_point *points;
    size_t count;
    assert_int_equal(
        hyp_store_points(d.t.store, d.t.tenant, d.device, &d.t.arena, &points, &count), HYP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(points[0].unit, HYP_UNIT_KWH);
    assert_string_equal(points[0].label, "Energy");
    assert_int_equal(points[1].unit, HYP_UNIT_GJ);
    assert_string_equal(points[1].label, "Energy (GJ)");
    struct hyp_stored_value *values;
    assert_int_equal(all_values(&d.t, points[0].id, &values), 3);
    assert_int_equal(all_values(&d.t, points[1].id, &values), 1);
    close_disk(&d);
}

static void a_device_has_a_limit_of_points(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    static struct hyp_value values[HYP_LIMIT_READING_VALUES];
    for (uint64_t storage = 0; storage < HYP_LIMIT_DEVICE_POINTS + 512;) {
        for (size_t i = 0; i < HYP_LIMIT_READING_VALUES; i++) {
            values[i] = test_decimal(HYP_NAME_VOLUME, 1, 0);
            values[i].key.storage = storage++;
        }
        struct hyp_reading reading =
            test_reading(device, START_MS, values, HYP_LIMIT_READING_VALUES);
        assert_int_equal(test_put(&t, &reading), HYP_OK);
    }
    assert_int_equal(test_stats(&t).points, HYP_LIMIT_DEVICE_POINTS);
    assert_int_equal(test_stats(&t).dropped, 512);
    test_store_close(&t);
}

static void an_instant_has_a_limit_of_versions(void **state)
{
    (void)state;
    struct disk d;
    open_disk(&d);
    static struct hyp_value values[HYP_LIMIT_INSTANT_READINGS + 10];
    static struct hyp_reading readings[HYP_LIMIT_INSTANT_READINGS + 10];
    for (size_t i = 0; i < HYP_ARRAY_LEN(readings); i++) {
        values[i] = test_decimal(HYP_NAME_VOLUME, (int64_t)i, 0);
        readings[i] = test_reading(d.device, START_MS, &values[i], 1);
    }
    struct hyp_batch batch = {.readings = readings, .reading_count = HYP_ARRAY_LEN(readings)};
    assert_int_equal(test_submit(d.t.store, &batch), HYP_OK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(test_stats(&d.t).readings, HYP_LIMIT_INSTANT_READINGS);
        reopen(&d);
    }
    close_disk(&d);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, kinds, every_kind_survives_a_restart);
    TEST_ONE(&list, readings_survive_a_restart);
    TEST_ROWS(&list, versions, versions_are_kept_and_the_best_is_shown);
    TEST_ONE(&list, a_group_dedupes_within_itself);
    TEST_ONE(&list, hourly_and_current_do_not_meet);
    TEST_ONE(&list, a_register_sent_twice_gives_two_versions);
    TEST_ONE(&list, points_are_created_on_first_sight);
    TEST_ONE(&list, units_are_normalised_within_their_family);
    TEST_ONE(&list, another_family_is_another_point);
    TEST_ONE(&list, a_device_has_a_limit_of_points);
    TEST_ONE(&list, an_instant_has_a_limit_of_versions);
    return test_list_run(&list, "store-intake");
}
