/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of many readings that look alike is packed in the intake log; the store keeps its
 * promises with it: after a restart everything is there, with the frames, and one device can be
 * forgotten out of it without the others.
 */
#include "fixture.h"

#include "store/log_format.h"

#define DEVICES 3
#define HOURS 24
#define GONE_HOURS 5 /* of the first device, from the begin */

struct town {
    struct test_folder folder;
    struct test_store t;
    hyp_device_id devices[DEVICES];
    bool forgotten;
};

static int64_t energy_of(int device, int hour)
{
    return 100000 * (device + 1) - 7 * hour;
}

static bool is_gone(const struct town *town, int device, int hour)
{
    return town->forgotten && device == 0 && hour < GONE_HOURS;
}

/* All of them at once: two registers, one of them missing now and then, one telegram. */
static void submit_all(struct town *town)
{
    static struct hyp_value values[DEVICES * HOURS][2];
    static struct hyp_reading readings[DEVICES * HOURS];
    for (int hour = 0; hour < HOURS; hour++) {
        for (int d = 0; d < DEVICES; d++) {
            int at = hour * DEVICES + d;
            values[at][0] = test_decimal(HYP_NAME_ENERGY, energy_of(d, hour), 3);
            values[at][1] = hour % 8 == 7 ? test_absent(HYP_NAME_POWER, HYP_QUALITY_NO_VALUE)
                                          : test_decimal(HYP_NAME_POWER, -hour, 0);
            readings[at] =
                test_reading(town->devices[d], START_MS + hour * HOUR_MS, values[at], 2);
        }
    }
    struct hyp_raw_frame frame = {.device = town->devices[1],
                                  .received = {.ms = START_MS},
                                  .protocol = HYP_RAW_MBUS,
                                  .bytes = (const uint8_t *)"telegram",
                                  .len = 8};
    readings[(HOURS - 1) * DEVICES + 1].frame = 0;
    struct hyp_batch batch = {.readings = readings,
                              .reading_count = HYP_ARRAY_LEN(readings),
                              .frames = &frame,
                              .frame_count = 1};
    assert_int_equal(test_submit(town->t.store, &batch), HYP_OK);
}

/* What the one row of the log begins with. */
static int version_of_log(const struct town *town)
{
    struct hyp_db *db = test_database(&town->folder, false);
    struct hyp_query query;
    hyp_query_open(&query, db, "SELECT data FROM intake_log ORDER BY id");
    assert_true(hyp_query_row(&query));
    struct hyp_str blob = hyp_query_blob(&query);
    assert_true(blob.len > 0);
    int version = (uint8_t)blob.ptr[0];
    assert_false(hyp_query_row(&query));
    assert_int_equal(hyp_query_close(&query), HYP_OK);
    hyp_db_close(db);
    return version;
}

static struct hyp_stored_value *list_values(struct town *town, int device, enum hyp_name name,
                                            size_t *ret_count)
{
    struct hyp_stored_value *values;
    hyp_point_id point = test_point(&town->t, town->devices[device], name);
    assert_int_equal(hyp_store_series(town->t.store, town->t.tenant, point,
                                      (hyp_utc){INT64_MIN}, (hyp_utc){INT64_MAX},
                                      &town->t.arena, &values, ret_count),
                     HYP_OK);
    return values;
}

static void check_device(struct town *town, int device)
{
    size_t energies;
    size_t powers;
    const struct hyp_stored_value *energy =
        list_values(town, device, HYP_NAME_ENERGY, &energies);
    const struct hyp_stored_value *power = list_values(town, device, HYP_NAME_POWER, &powers);
    size_t at = 0;
    for (int hour = 0; hour < HOURS; hour++) {
        if (is_gone(town, device, hour)) {
            continue;
        }
        assert_true(at < energies && at < powers);
        assert_int_equal(energy[at].time.ms, START_MS + hour * HOUR_MS);
        assert_int_equal(energy[at].decimal.digits, energy_of(device, hour));
        assert_int_equal(energy[at].decimal.exp10, 3);
        bool absent = hour % 8 == 7;
        assert_int_equal(power[at].quality, absent ? HYP_QUALITY_NO_VALUE : HYP_QUALITY_GOOD);
        assert_int_equal(power[at].decimal.digits, absent ? 0 : -hour);
        at++;
    }
    assert_int_equal(energies, at);
    assert_int_equal(powers, at);
}

/* The latest values of the second device came with the telegram. */
static void check_frame(struct town *town)
{
    struct hyp_latest *latest;
    size_t count;
    assert_int_equal(hyp_store_latest(town->t.store, town->t.tenant, town->devices[1],
                                      &town->t.arena, &latest, &count),
                     HYP_OK);
    assert_int_equal(count, 2);
    struct hyp_stored_frame frame;
    assert_int_equal(
        hyp_store_frame(town->t.store, town->t.tenant, latest[0].frame, &town->t.arena, &frame),
        HYP_OK);
    assert_int_equal(frame.device.id, town->devices[1].id);
}

static void check_all(struct town *town)
{
    check_frame(town);
    for (int d = 0; d < DEVICES; d++) {
        check_device(town, d);
    }
    test_check_healthy(&town->t, &town->folder);
}

static void restart(struct town *town)
{
    test_store_close(&town->t);
    test_store_open(&town->t, &town->folder);
}

static void begin_town(struct town *town)
{
    *town = (struct town){0};
    test_folder_make(&town->folder);
    test_store_open(&town->t, &town->folder);
    static const char *const serials[DEVICES] = {"1", "2", "3"};
    for (int d = 0; d < DEVICES; d++) {
        town->devices[d] = test_device(&town->t, serials[d]);
    }
    submit_all(town);
    assert_int_equal(version_of_log(town), HYP_LOG_PACKED);
}

static void end_town(struct town *town)
{
    test_store_close(&town->t);
    test_folder_remove(&town->folder);
}

static void all_is_there_after_a_restart(void **state)
{
    (void)state;
    struct town town;
    begin_town(&town);
    check_all(&town);
    restart(&town);
    check_all(&town);
    /* The same again is known already. */
    submit_all(&town);
    struct hyp_store_stats stats;
    hyp_store_stats(town.t.store, &stats);
    assert_int_equal(stats.readings, DEVICES * HOURS);
    assert_int_equal(version_of_log(&town), HYP_LOG_PACKED);
    end_town(&town);
}

static void one_device_is_forgotten_out_of_it(void **state)
{
    (void)state;
    struct town town;
    begin_town(&town);
    struct hyp_forgotten asked = {.tenant = town.t.tenant,
                                  .device = town.devices[0],
                                  .from.ms = START_MS,
                                  .to.ms = START_MS + GONE_HOURS * HOUR_MS,
                                  .user = 1,
                                  .reason = "moved out"};
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_forget(town.t.store, &asked, &err), HYP_OK);
    struct hyp_forgotten *list;
    size_t count;
    do {
        struct hyp_batch nothing = {0};
        assert_int_equal(test_submit(town.t.store, &nothing), HYP_OK);
        assert_int_equal(
            hyp_store_forgotten(town.t.store, town.t.tenant, &town.t.arena, &list, &count),
            HYP_OK);
        assert_int_equal(count, 1);
    } while (list[0].ended.ms == 0);
    town.forgotten = true;
    check_all(&town);
    restart(&town);
    check_all(&town);
    end_town(&town);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, all_is_there_after_a_restart);
    TEST_ONE(&list, one_device_is_forgotten_out_of_it);
    return test_list_run(&list, "store-packed");
}
