/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a batch: committed once, found again, after a restart too.
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

static void check_after_restart(struct test_store *t, const struct test_folder *folder,
                                hyp_device_id device)
{
    (void)folder;
    struct hyp_stored_value *values;
    hyp_point_id energy = test_point(t, device, HYP_NAME_ENERGY);
    assert_int_equal(all_values(t, energy, &values), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(values[i].time.ms, START_MS + i * HOUR_MS);
        assert_int_equal(values[i].decimal.digits, 1000 + i);
        assert_int_equal(values[i].decimal.exp10, -1);
        assert_int_equal(values[i].quality, HYP_QUALITY_GOOD);
        assert_int_equal(values[i].source, HYP_SOURCE_AUTOMATIC);
    }
}

static void readings_survive_a_restart(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    hyp_device_id device = test_device(&t, "11111111");
    for (int i = 0; i < 3; i++) {
        struct hyp_value values[] = {test_decimal(HYP_NAME_ENERGY, 1000 + i, -1),
                                     test_decimal(HYP_NAME_VOLUME, 77 + i, -2)};
        struct hyp_reading reading = test_reading(device, START_MS + i * HOUR_MS, values, 2);
        assert_int_equal(test_put(&t, &reading), HYP_OK);
    }
    check_after_restart(&t, &folder, device);
    test_store_close(&t);
    test_store_open(&t, &folder);
    check_after_restart(&t, &folder, device);
    test_store_close(&t);
    test_folder_remove(&folder);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, readings_survive_a_restart);
    return test_list_run(&list, "store-intake");
}
