/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions: typed, estimated and corrected values live beside measured ones, with who and why;
 * queries choose by quality, and every version can be shown, also once it is sealed.
 */
#include "fixture.h"

static struct hyp_entry entry_of(struct test_store *t, hyp_device_id device,
                                 enum hyp_quality quality, int64_t digits, const char *reason)
{
    return (struct hyp_entry){.tenant = t->tenant,
                              .device = device,
                              .time.ms = START_MS,
                              .quality = quality,
                              .key.name = HYP_NAME_ENERGY,
                              .unit = hyp_vocabulary_word(HYP_NAME_ENERGY)->unit,
                              .decimal = {.digits = digits},
                              .user = 7,
                              .author = "Ada Clerk",
                              .reason = reason};
}

static bool enter(struct test_store *t, const struct hyp_entry *entry)
{
    bool stored = false;
    struct hyp_error err = {0};
    if (hyp_store_enter(t->store, entry, &stored, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    return stored;
}

static void measure(struct test_store *t, hyp_device_id device, enum hyp_quality quality,
                    int64_t digits)
{
    struct hyp_value value = test_decimal(HYP_NAME_ENERGY, digits, 0);
    value.quality = quality;
    struct hyp_reading reading = test_reading(device, START_MS, &value, 1);
    assert_int_equal(test_put(t, &reading), HYP_OK);
}

static int64_t shown(struct test_store *t, hyp_device_id device)
{
    struct hyp_stored_value *values;
    size_t count;
    hyp_point_id energy = test_point(t, device, HYP_NAME_ENERGY);
    assert_int_equal(hyp_store_series(t->store, t->tenant, energy, (hyp_utc){0},
                                      (hyp_utc){INT64_MAX}, &t->arena, &values, &count),
                     HYP_OK);
    assert_int_equal(count, 1);
    return values[0].decimal.digits;
}

/* In a list of instants both are one reading, that of the measured one. */
static void check_instant(struct test_store *t, hyp_device_id device, int64_t digits)
{
    struct hyp_stored_reading *readings;
    size_t count;
    size_t total;
    struct hyp_value later = test_decimal(HYP_NAME_VOLUME, 7, 0);
    struct hyp_reading next = test_reading(device, START_MS + HOUR_MS, &later, 1);
    assert_int_equal(test_put(t, &next), HYP_OK);
    const hyp_utc end = {START_MS + 2 * HOUR_MS};
    assert_int_equal(hyp_store_readings(t->store, t->tenant, device, (hyp_utc){0}, end, 0, 10,
                                        &t->arena, &readings, &count, &total),
                     HYP_OK);
    assert_int_equal(count, 3);
    assert_int_equal(hyp_store_instants(t->store, t->tenant, device, (hyp_utc){0}, end, 0, 10,
                                        &t->arena, &readings, &count, &total),
                     HYP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(total, 2);
    assert_int_equal(readings[0].values[0].versions, 1);
    assert_int_equal(readings[1].source_time.ms, START_MS);
    assert_int_equal(readings[1].source, HYP_SOURCE_AUTOMATIC);
    assert_int_equal(readings[1].value_count, 1);
    assert_int_equal(readings[1].values[0].versions, 2);
    assert_int_equal(readings[1].values[0].decimal.digits, digits);
    /* The second page of one. */
    assert_int_equal(hyp_store_instants(t->store, t->tenant, device, (hyp_utc){0}, end, 1, 1,
                                        &t->arena, &readings, &count, &total),
                     HYP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(total, 2);
    assert_int_equal(readings[0].source_time.ms, START_MS);
}

/* What is measured, what is typed in, and which of the two is shown. */
static const struct choice_row {
    const char *name;
    enum hyp_quality measured;
    enum hyp_quality typed;
    bool typed_is_shown;
} choice_rows[] = {
    {"typed for a doubtful one",     HYP_QUALITY_DOUBTFUL, HYP_QUALITY_MANUAL,    true },
    {"typed for none",               HYP_QUALITY_NO_VALUE, HYP_QUALITY_MANUAL,    true },
    {"typed beside a good one",      HYP_QUALITY_GOOD,     HYP_QUALITY_MANUAL,    false},
    {"estimated for none",           HYP_QUALITY_NO_VALUE, HYP_QUALITY_ESTIMATED, true },
    {"estimated beside a good one",  HYP_QUALITY_GOOD,     HYP_QUALITY_ESTIMATED, false},
    {"corrected for a good one",     HYP_QUALITY_GOOD,     HYP_QUALITY_CORRECTED, true },
    {"corrected for a doubtful one", HYP_QUALITY_DOUBTFUL, HYP_QUALITY_CORRECTED, true },
};

static void the_better_quality_is_shown(void **state)
{
    const struct choice_row *row = *state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    struct hyp_entry entry = entry_of(&t, device, row->typed, 200, "read by hand");
    measure(&t, device, row->measured, 100);
    assert_true(enter(&t, &entry));
    assert_int_equal(shown(&t, device), row->typed_is_shown ? 200 : 100);
    check_instant(&t, device, row->typed_is_shown ? 200 : 100);
    test_store_close(&t);
}

static size_t list(struct test_store *t, hyp_device_id device, struct hyp_version **versions)
{
    size_t count = 0;
    hyp_point_id energy = test_point(t, device, HYP_NAME_ENERGY);
    assert_int_equal(hyp_store_versions(t->store, t->tenant, energy, (hyp_utc){START_MS},
                                        (hyp_utc){START_MS + 1}, 100, &t->arena, versions,
                                        &count),
                     HYP_OK);
    return count;
}

static void check_versions(struct test_store *t, hyp_device_id device)
{
    struct hyp_version *versions;
    assert_int_equal(list(t, device, &versions), 3);
    assert_int_equal(versions[0].value.decimal.digits, 100);
    assert_int_equal(versions[0].value.source, HYP_SOURCE_AUTOMATIC);
    assert_null(versions[0].author);
    assert_false(versions[0].shown);
    assert_int_equal(versions[1].value.quality, HYP_QUALITY_CORRECTED);
    assert_int_equal(versions[1].value.decimal.digits, 110);
    assert_string_equal(versions[1].author, "Ada Clerk");
    assert_string_equal(versions[1].reason, "wrong pulse weight");
    assert_int_equal(versions[1].user, 7);
    assert_false(versions[1].shown);
    assert_int_equal(versions[2].value.decimal.digits, 120);
    assert_string_equal(versions[2].reason, "typed it wrong");
    assert_true(versions[2].shown);
    assert_true(versions[1].receive_time.ms < versions[2].receive_time.ms);
}

static void every_version_is_listed_with_its_author(void **state)
{
    (void)state;
    struct test_folder folder;
    struct test_store t;
    test_folder_make(&folder);
    test_store_open(&t, &folder);
    hyp_device_id device = test_device(&t, "1");
    struct hyp_entry entry =
        entry_of(&t, device, HYP_QUALITY_CORRECTED, 110, "wrong pulse weight");
    measure(&t, device, HYP_QUALITY_GOOD, 100);
    assert_true(enter(&t, &entry));
    entry.decimal.digits = 120;
    entry.reason = "typed it wrong";
    assert_true(enter(&t, &entry)); /* in the same millisecond */
    assert_int_equal(shown(&t, device), 120);
    check_versions(&t, device);
    test_store_close(&t);
    /* The next start seals them. */
    test_seal_at_once = true;
    test_store_open(&t, &folder);
    check_versions(&t, device);
    struct hyp_store_stats stats;
    do {
        struct hyp_batch nothing = {0};
        assert_int_equal(test_submit(t.store, &nothing), HYP_OK);
        hyp_store_stats(t.store, &stats);
    } while (stats.log_rows > 0);
    check_versions(&t, device);
    test_store_close(&t);
    test_seal_at_once = false;
    test_folder_remove(&folder);
}

static void what_is_known_is_not_kept_again(void **state)
{
    (void)state;
    struct test_store t;
    struct hyp_version *versions;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    struct hyp_entry entry = entry_of(&t, device, HYP_QUALITY_MANUAL, 100, "read by hand");
    assert_true(enter(&t, &entry)); /* a register that was never measured */
    assert_false(enter(&t, &entry));
    entry.quality = HYP_QUALITY_ESTIMATED;
    assert_false(enter(&t, &entry));
    entry.quality = HYP_QUALITY_CORRECTED;
    assert_true(enter(&t, &entry));
    assert_int_equal(list(&t, device, &versions), 2);
    assert_string_equal(versions[1].reason, "read by hand");
    test_store_close(&t);
}

static void strangers_and_other_qualities_are_refused(void **state)
{
    (void)state;
    struct test_store t;
    bool stored;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    struct hyp_error err = {0};
    struct hyp_entry entry = entry_of(&t, device, HYP_QUALITY_GOOD, 100, "x");
    assert_int_equal(hyp_store_enter(t.store, &entry, &stored, &err), HYP_INVALID);
    entry.quality = HYP_QUALITY_MANUAL;
    entry.tenant.id = 99;
    assert_int_equal(hyp_store_enter(t.store, &entry, &stored, &err), HYP_NOT_FOUND);
    entry.tenant = t.tenant;
    assert_true(enter(&t, &entry));
    hyp_point_id energy = test_point(&t, device, HYP_NAME_ENERGY);
    struct hyp_version *versions;
    size_t count;
    assert_int_equal(hyp_store_versions(t.store, (hyp_tenant_id){99}, energy, (hyp_utc){0},
                                        (hyp_utc){INT64_MAX}, 10, &t.arena, &versions, &count),
                     HYP_NOT_FOUND);
    test_store_close(&t);
}

int main(void)
{
    struct test_list list_of_tests = {0};
    TEST_ROWS(&list_of_tests, choice_rows, the_better_quality_is_shown);
    TEST_ONE(&list_of_tests, every_version_is_listed_with_its_author);
    TEST_ONE(&list_of_tests, what_is_known_is_not_kept_again);
    TEST_ONE(&list_of_tests, strangers_and_other_qualities_are_refused);
    return test_list_run(&list_of_tests, "store-versions");
}
