/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers, writers and the intake at once: every answer is of some moment, whole. Worth most
 * under the thread sanitizer.
 */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define DEVICES 4
#define BATCHES 400
#define READERS 3

struct town {
    struct test_store t;
    hyp_device_id devices[DEVICES];
    atomic_bool stop;
};

/* Batch k: for each device a reading now and a late one; both have value = time. */
static void send(struct town *town, int64_t k)
{
    struct hyp_value values[2 * DEVICES];
    struct hyp_reading readings[2 * DEVICES];
    static const uint8_t bytes[300] = {0x68};
    struct hyp_raw_frame frame = {.device = town->devices[0],
                                  .received.ms = k,
                                  .protocol = HYP_RAW_MBUS,
                                  .bytes = bytes,
                                  .len = sizeof(bytes)};
    for (int i = 0; i < DEVICES; i++) {
        int64_t times[2] = {1000000 + k, 500000 - 3 * k};
        for (int j = 0; j < 2; j++) {
            values[2 * i + j] = test_decimal(HYP_NAME_VOLUME, times[j], 0);
            readings[2 * i + j] =
                test_reading(town->devices[i], times[j], &values[2 * i + j], 1);
            readings[2 * i + j].frame = 0;
        }
    }
    struct hyp_batch batch = {
        .readings = readings, .reading_count = 2 * DEVICES, .frames = &frame, .frame_count = 1};
    assert_int_equal(test_submit(town->t.store, &batch), HYP_OK);
}

static void read_device(struct town *town, hyp_device_id device, struct hyp_arena *arena)
{
    struct hyp_store *store = town->t.store;
    struct hyp_latest *latest;
    struct hyp_stored_value *values;
    struct hyp_stored_reading *readings;
    struct hyp_stored_frame *frames;
    struct hyp_summary *summaries;
    static const hyp_utc bounds[] = {{0}, {500000}, {1000000}, {2000000}};
    size_t count;
    size_t total;
    assert_int_equal(hyp_store_latest(store, town->t.tenant, device, arena, &latest, &count),
                     HYP_OK);
    if (count == 0) {
        return;
    }
    hyp_point_id point = latest[0].point.id;
    int64_t newest = latest[0].value.time.ms;
    assert_int_equal(latest[0].value.decimal.digits, newest);
    assert_int_equal(hyp_store_series(store, town->t.tenant, point, (hyp_utc){0},
                                      (hyp_utc){INT64_MAX}, arena, &values, &count),
                     HYP_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(values[i].decimal.digits, values[i].time.ms);
        assert_true(i == 0 || values[i].time.ms > values[i - 1].time.ms);
    }
    assert_true(count > 0 && values[count - 1].time.ms >= newest);
    assert_int_equal(hyp_store_readings(store, town->t.tenant, device, (hyp_utc){0},
                                        (hyp_utc){INT64_MAX}, 3, 20, arena, &readings, &count,
                                        &total),
                     HYP_OK);
    assert_true(total > 0);
    assert_int_equal(
        hyp_store_summaries(store, town->t.tenant, &point, 1, bounds, 3, arena, &summaries),
        HYP_OK);
    assert_int_equal(hyp_store_frames(store, town->t.tenant, town->devices[0], (hyp_line_id){0},
                                      0, 20, arena, &frames, &count),
                     HYP_OK);
    assert_true(count > 0);
}

static void *read_on(void *argument)
{
    struct town *town = argument;
    struct hyp_arena arena;
    hyp_arena_init(&arena, (size_t)1 << 28);
    for (int i = 0; !atomic_load(&town->stop); i++) {
        read_device(town, town->devices[i % DEVICES], &arena);
        struct hyp_store_stats stats;
        hyp_store_stats(town->t.store, &stats);
        struct hyp_device *devices;
        size_t count;
        assert_int_equal(
            hyp_store_devices(town->t.store, town->t.tenant, &arena, &devices, &count), HYP_OK);
        assert_true(count >= DEVICES);
        hyp_arena_reset(&arena);
    }
    hyp_arena_finish(&arena);
    return NULL;
}

/* Devices come, get values and go, all the time. */
static void *change_on(void *argument)
{
    struct town *town = argument;
    for (int i = 0; !atomic_load(&town->stop); i++) {
        struct hyp_device device = {.tenant = town->t.tenant, .serial = "passing"};
        assert_int_equal(hyp_store_device_add(town->t.store, &device, NULL), HYP_OK);
        struct hyp_value value = {
            .key.name = HYP_NAME_INFO_CODE,
            .kind = HYP_VALUE_TEXT,
            .quality = HYP_QUALITY_GOOD,
            .text = {"text", 4}
        };
        struct hyp_reading reading = test_reading(device.id, 1000 + i, &value, 1);
        struct hyp_batch batch = {.readings = &reading, .reading_count = 1};
        assert_int_equal(test_submit(town->t.store, &batch), HYP_OK);
        struct hyp_stored_comm comm = {.device = device.id, .comm.attempts = 1};
        assert_int_equal(hyp_store_comm_save(town->t.store, &comm, 1), HYP_OK);
        assert_int_equal(
            hyp_store_device_remove(town->t.store, town->t.tenant, device.id, NULL), HYP_OK);
    }
    return NULL;
}

static const struct place {
    const char *name;
    bool on_disk;
} places[] = {
    {"on disk",   true },
    {"in memory", false},
};

static void everything_at_once(void **state)
{
    const struct place *row = *state;
    struct test_folder folder;
    static struct town town;
    if (row->on_disk) {
        test_folder_make(&folder);
    }
    test_store_open(&town.t, row->on_disk ? &folder : NULL);
    static const char *const serials[DEVICES] = {"1", "2", "3", "4"};
    for (int i = 0; i < DEVICES; i++) {
        town.devices[i] = test_device(&town.t, serials[i]);
    }
    atomic_store(&town.stop, false);
    pthread_t threads[READERS + 1];
    for (int i = 0; i <= READERS; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < READERS ? read_on : change_on, &town), 0);
    }
    for (int64_t k = 0; k < BATCHES; k++) {
        send(&town, k);
    }
    atomic_store(&town.stop, true);
    for (int i = 0; i <= READERS; i++) {
        pthread_join(threads[i], NULL);
    }
    struct hyp_store_stats stats;
    hyp_store_stats(town.t.store, &stats);
    assert_int_equal(stats.values, 2 * DEVICES * BATCHES);
    test_store_close(&town.t);
    if (row->on_disk) {
        test_folder_remove(&folder);
    }
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, places, everything_at_once);
    return test_list_run(&list, "store-parallel");
}
