/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario.h"

#include "store/layout.h"
#include "store/sqlite/sqlite.h"

#define FRAME_DAYS 36500
#define HEAVY_FRAMES (HYP_LIMIT_FRAME_PENDING / HYP_LIMIT_FRAME_BYTES)

enum hyp_status scenario_open(struct scenario *s, struct hyp_store **ret_store)
{
    struct test_place place;
    test_place(&place, &s->folder);
    struct hyp_store_config config = place.config;
    config.database = s->database == NULL ? config.database : s->database;
    config.clock = s->clock == NULL ? hyp_clock_system() : s->clock;
    config.seal_readings = s->seal_readings;
    config.log = s->log;
    config.frame_days = s->is_heavy ? FRAME_DAYS : 0; /* else blocks of that time are too old */
    config.database_tries = s->database_tries;
    struct hyp_error err = {0};
    enum hyp_status status = hyp_store_open(&config, ret_store, &err);
    if (status != HYP_OK && err.text[0] == '\0') {
        fail_msg("a refusal to open says nothing");
    }
    return status;
}

void scenario_make(struct scenario *s)
{
    *s = (struct scenario){0};
    test_folder_make(&s->folder);
    struct hyp_store *store;
    assert_int_equal(scenario_open(s, &store), HYP_OK);
    struct hyp_tenant tenant = {.name = "Town", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(store, &tenant), HYP_OK);
    s->tenant = tenant.id;
    for (int i = 0; i < SCENARIO_DEVICES; i++) {
        struct hyp_device device = {.tenant = tenant.id, .serial = {(char)('1' + i)}};
        assert_int_equal(hyp_store_device_add(store, &device, NULL), HYP_OK);
        s->devices[i] = device.id;
    }
    hyp_store_close(store);
}

void scenario_remove(struct scenario *s)
{
    test_folder_remove(&s->folder);
}

size_t scenario_frames(const struct scenario *s)
{
    return s->is_heavy ? HEAVY_FRAMES : 2;
}

const struct hyp_batch *scenario_batch(const struct scenario *s, int64_t k)
{
    static const uint8_t bytes[HYP_LIMIT_FRAME_BYTES] = {0x68, 0x01, 0x16};
    static struct hyp_value values[2 * SCENARIO_DEVICES];
    static struct hyp_reading readings[SCENARIO_DEVICES];
    static struct hyp_raw_frame frames[HEAVY_FRAMES];
    static struct hyp_batch batch;
    for (int i = 0; i < SCENARIO_DEVICES; i++) {
        values[2 * i] = test_decimal(HYP_NAME_VOLUME, k, 0);
        values[2 * i + 1] = test_decimal(HYP_NAME_FLOW, -k, -1);
        readings[i] = test_reading(s->devices[i], START_MS + k, &values[2 * i], 2);
        readings[i].frame = 0;
    }
    for (size_t i = 0; i < HEAVY_FRAMES; i++) {
        frames[i] = (struct hyp_raw_frame){.device = s->devices[0],
                                           .received.ms = START_MS + k,
                                           .protocol = HYP_RAW_MBUS,
                                           .bytes = bytes,
                                           .len = s->is_heavy ? sizeof(bytes) : 3};
    }
    batch = (struct hyp_batch){.readings = readings,
                               .reading_count = SCENARIO_DEVICES,
                               .frames = frames,
                               .frame_count = scenario_frames(s)};
    return &batch;
}

enum hyp_status scenario_send(struct scenario *s, struct hyp_store *store, int64_t k)
{
    assert_true(k < SCENARIO_BATCHES_MAX);
    s->sent[k] = true;
    enum hyp_status status = test_submit(store, scenario_batch(s, k));
    s->acknowledged[k] |= status == HYP_OK;
    return status;
}

static void check_device(const struct scenario *s, struct hyp_store *store,
                         struct hyp_arena *arena, hyp_device_id device)
{
    struct hyp_stored_reading *readings;
    size_t count;
    size_t total;
    static bool present[SCENARIO_BATCHES_MAX];
    memset(present, 0, sizeof(present));
    assert_int_equal(hyp_store_readings(store, s->tenant, device, (hyp_utc){INT64_MIN},
                                        (hyp_utc){INT64_MAX}, 0, SIZE_MAX, arena, &readings,
                                        &count, &total),
                     HYP_OK);
    for (size_t i = 0; i < count; i++) {
        int64_t k = readings[i].source_time.ms - START_MS;
        assert_true(k >= 0 && k < SCENARIO_BATCHES_MAX && s->sent[k]);
        if (present[k]) {
            fail_msg("batch %lld is there twice", (long long)k);
        }
        present[k] = true;
        assert_int_equal(readings[i].value_count, 2);
        assert_int_equal(readings[i].values[0].decimal.digits, k);
        assert_int_equal(readings[i].values[1].decimal.digits, -k);
        struct hyp_stored_frame frame;
        assert_int_equal(hyp_store_frame(store, s->tenant, readings[i].frame, arena, &frame),
                         HYP_OK);
        assert_int_equal(frame.received.ms, START_MS + k);
    }
    for (size_t k = 0; k < SCENARIO_BATCHES_MAX; k++) {
        if (s->acknowledged[k] && !present[k]) {
            fail_msg("batch %zu was acknowledged and is lost", k);
        }
    }
}

void scenario_check(struct scenario *s, struct hyp_store *store)
{
    struct hyp_arena arena;
    hyp_arena_init(&arena, (size_t)1 << 30);
    for (int i = 0; i < SCENARIO_DEVICES; i++) {
        check_device(s, store, &arena, s->devices[i]);
    }
    hyp_arena_finish(&arena);
}

static void check_pages(struct scenario *s, const char *file)
{
    struct hyp_db *db;
    struct hyp_error err = {0};
    if (hyp_sqlite_open(test_path(&s->folder, file, 0), HYP_SQLITE_READ, &db, &err) != HYP_OK ||
        hyp_sqlite_check(db, &err) != HYP_OK) {
        fail_msg("%s: %s", file, err.text);
    }
    hyp_db_close(db);
}

void scenario_check_pages(struct scenario *s)
{
    check_pages(s, HYP_MAIN_FILE);
    check_pages(s, HYP_FRAMES_FILE);
}

void scenario_check_closed(struct scenario *s)
{
    struct hyp_store *store;
    assert_int_equal(scenario_open(s, &store), HYP_OK);
    struct hyp_store_stats stats;
    hyp_store_stats(store, &stats);
    assert_int_equal(stats.damaged, 0);
    scenario_check(s, store);
    hyp_store_close(store);
}
