/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forgetting: what a device said in a span of time is gone from queries and from every byte of
 * the files, wherever it was; everything else stays, also over restarts.
 */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>

#define DAY_MS (24 * HOUR_MS)
#define HOURS 720
#define GONE "FormerTenant"
#define STAYS "NextOccupant"
/* The last part of the hours is not sealed yet. */
#define NOW_MS (START_MS + HOURS * HOUR_MS)

static const struct span_row {
    const char *name;
    int from; /* hours */
    int to;
    bool restart; /* in the middle of it */
} span_rows[] = {
    {"sealed long ago",            0,    100,   false},
    {"sealed, a part of a chunk",  90,   110,   false},
    {"in memory and the log",      700,  715,   false},
    {"with the latest",            710,  HOURS, false},
    {"from chunks to memory",      200,  710,   false},
    {"everything",                 -10,  9999,  false},
    {"nothing there",              -300, -100,  false},
    {"over a restart",             200,  710,   true },
    {"everything, over a restart", 0,    9999,  true },
};

struct life {
    struct test_folder folder;
    struct test_store t;
    hyp_device_id device;
    hyp_device_id neighbour;
    const struct span_row *row;
};

static void open_life(struct life *life)
{
    test_store_open_at(&life->t, &life->folder, NOW_MS,
                       &(struct hyp_store_config){.seal_readings = 1});
}

static bool is_gone(const struct life *life, int hour)
{
    return hour >= life->row->from && hour < life->row->to;
}

/* Half a day goes in at once: what is tested is not the intake. */
#define AT_ONCE 12

/* What the batch points to. */
struct half_day {
    char texts[AT_ONCE][40];
    struct hyp_value values[AT_ONCE][2];
    struct hyp_reading readings[AT_ONCE];
    struct hyp_raw_frame frames[AT_ONCE];
};

/* A number, and a text that can be looked for in the files; the telegram has it too. */
static void add_hour(struct half_day *half, size_t i, hyp_device_id device, int hour)
{
    const char *text = half->texts[i];
    half->values[i][0] = test_decimal(HYP_NAME_ENERGY, hour, 0);
    half->values[i][1] = (struct hyp_value){.key = {.name = HYP_NAME_TEXT},
                                            .kind = HYP_VALUE_TEXT,
                                            .quality = HYP_QUALITY_GOOD,
                                            .text = hyp_str_from(text)};
    half->frames[i] = (struct hyp_raw_frame){.device = device,
                                             .received = {.ms = START_MS + hour * HOUR_MS},
                                             .protocol = HYP_RAW_MBUS,
                                             .bytes = (const uint8_t *)text,
                                             .len = strlen(text)};
    half->readings[i] = test_reading(device, START_MS + hour * HOUR_MS, half->values[i], 2);
    half->readings[i].frame = i;
}

static void put(struct life *life, hyp_device_id device, int first_hour)
{
    static struct half_day half;
    for (size_t i = 0; i < AT_ONCE; i++) {
        int hour = first_hour + (int)i;
        const char *kind = device.id == life->neighbour.id ? "Neighbour"
                           : is_gone(life, hour)           ? GONE
                                                           : STAYS;
        struct hyp_buf out;
        hyp_buf_init_fixed(&out, half.texts[i], sizeof(half.texts[i]));
        hyp_buf_append_fmt(&out, "%s-%d", kind, hour);
        (void)hyp_buf_terminate(&out);
        add_hour(&half, i, device, hour);
    }
    struct hyp_batch batch = {.readings = half.readings,
                              .reading_count = AT_ONCE,
                              .frames = half.frames,
                              .frame_count = AT_ONCE};
    assert_int_equal(test_submit(life->t.store, &batch), HYP_OK);
}

static void begin_life(struct life *life, const struct span_row *row)
{
    *life = (struct life){.row = row};
    test_folder_make(&life->folder);
    open_life(life);
    struct hyp_tenant tenant = {
        .name = "Town", .language = "en", .time_zone = "Europe/Copenhagen"};
    assert_int_equal(hyp_store_tenant_add(life->t.store, &tenant), HYP_OK);
    life->t.tenant = tenant.id;
    life->device = test_device(&life->t, "1");
    life->neighbour = test_device(&life->t, "2");
    for (int hour = 0; hour < HOURS; hour += AT_ONCE) {
        put(life, life->device, hour);
        put(life, life->neighbour, hour);
    }
}

static void end_life(struct life *life)
{
    test_store_close(&life->t);
    test_folder_remove(&life->folder);
}

/* How often the bytes stand in the files of the folder. */
static size_t count_in_files(const struct life *life, const char *text)
{
    size_t count = 0;
    DIR *dir = opendir(life->folder.path);
    assert_non_null(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        FILE *file = fopen(test_path(&life->folder, entry->d_name, 0), "rb");
        if (file == NULL || entry->d_name[0] == '.') {
            continue;
        }
        static char bytes[32 << 20];
        size_t len = fread(bytes, 1, sizeof(bytes), file);
        assert_true(len < sizeof(bytes));
        (void)fclose(file);
        const char *at = bytes;
        while ((at = memmem(at, len - (size_t)(at - bytes), text, strlen(text))) != NULL) {
            at++;
            count++;
        }
    }
    closedir(dir);
    return count;
}

static void ask_for_care(struct life *life)
{
    struct hyp_batch nothing = {0};
    assert_int_equal(test_submit(life->t.store, &nothing), HYP_OK);
}

static struct hyp_forgotten last_of_list(struct life *life)
{
    struct hyp_forgotten *list;
    size_t count;
    assert_int_equal(
        hyp_store_forgotten(life->t.store, life->t.tenant, &life->t.arena, &list, &count),
        HYP_OK);
    assert_int_equal(count, 1);
    return list[0];
}

static void check_device(struct life *life, hyp_device_id device, bool is_neighbour)
{
    struct hyp_stored_value *values;
    size_t count;
    hyp_point_id energy = test_point(&life->t, device, HYP_NAME_ENERGY);
    assert_int_equal(hyp_store_series(life->t.store, life->t.tenant, energy,
                                      (hyp_utc){INT64_MIN}, (hyp_utc){INT64_MAX},
                                      &life->t.arena, &values, &count),
                     HYP_OK);
    size_t at = 0;
    int newest = -1;
    for (int hour = 0; hour < HOURS; hour++) {
        if (is_neighbour || !is_gone(life, hour)) {
            assert_true(at < count);
            assert_int_equal(values[at].time.ms, START_MS + hour * HOUR_MS);
            assert_int_equal(values[at++].decimal.digits, hour);
            newest = hour;
        }
    }
    assert_int_equal(at, count);
    struct hyp_latest *latest;
    assert_int_equal(hyp_store_latest(life->t.store, life->t.tenant, device, &life->t.arena,
                                      &latest, &count),
                     HYP_OK);
    assert_int_equal(count, newest < 0 ? 0 : 2);
    if (newest >= 0) {
        assert_int_equal(latest[0].value.time.ms, START_MS + newest * HOUR_MS);
        assert_int_equal(latest[0].value.decimal.digits, newest);
        assert_int_equal(latest[1].value.time.ms, START_MS + newest * HOUR_MS);
    }
}

static void check_frames(struct life *life, hyp_device_id device, size_t expected)
{
    struct hyp_stored_frame *frames;
    size_t count;
    assert_int_equal(hyp_store_frames(life->t.store, life->t.tenant, device, (hyp_line_id){0},
                                      0, 10000, &life->t.arena, &frames, &count),
                     HYP_OK);
    assert_int_equal(count, expected);
}

static size_t count_gone(const struct life *life)
{
    size_t gone = 0;
    for (int hour = 0; hour < HOURS; hour++) {
        gone += is_gone(life, hour);
    }
    return gone;
}

static void check_all(struct life *life)
{
    check_device(life, life->device, false);
    check_device(life, life->neighbour, true);
    check_frames(life, life->device, HOURS - count_gone(life));
    check_frames(life, life->neighbour, HOURS);
    struct hyp_store_stats stats;
    hyp_store_stats(life->t.store, &stats);
    assert_int_equal(stats.readings, 2 * HOURS - count_gone(life));
    assert_int_equal(stats.values, 2 * stats.readings);
    assert_int_equal(stats.frames, 2 * HOURS - count_gone(life));
    test_check_healthy(&life->t, &life->folder);
}

static void nothing_is_left_of_a_span(void **state)
{
    const struct span_row *row = *state;
    struct life life;
    begin_life(&life, row);
    if (count_gone(&life) > 0 && !test_is_postgres()) {
        assert_true(count_in_files(&life, GONE) > 0);
    }
    struct hyp_forgotten asked = {.tenant = life.t.tenant,
                                  .device = life.device,
                                  .from.ms = START_MS + row->from * HOUR_MS,
                                  .to.ms = START_MS + row->to * HOUR_MS,
                                  .user = 7,
                                  .reason = "moved out, request 12"};
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_forget(life.t.store, &asked, &err), HYP_OK);
    if (row->restart) {
        test_store_close(&life.t);
        open_life(&life);
    }
    while (last_of_list(&life).ended.ms == 0) {
        ask_for_care(&life);
    }
    struct hyp_forgotten proof = last_of_list(&life);
    assert_int_equal(proof.id, asked.id);
    assert_int_equal(proof.user, 7);
    assert_string_equal(proof.reason, "moved out, request 12");
    assert_int_equal(proof.readings, count_gone(&life));
    assert_int_equal(proof.frames, count_gone(&life));
    check_all(&life);
    assert_int_equal(count_in_files(&life, GONE), 0);
    assert_true(test_is_postgres() || count_in_files(&life, "Neighbour") > 0);
    test_store_close(&life.t);
    assert_int_equal(count_in_files(&life, GONE), 0);
    open_life(&life);
    check_all(&life);
    end_life(&life);
}

static void strangers_and_wrong_spans_are_refused(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    struct hyp_forgotten asked = {
        .tenant = t.tenant, .device = device, .from.ms = 5, .to.ms = 5};
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_forget(t.store, &asked, &err), HYP_INVALID);
    asked.to.ms = 6;
    asked.tenant.id = 99;
    assert_int_equal(hyp_store_forget(t.store, &asked, &err), HYP_NOT_FOUND);
    asked.tenant = t.tenant;
    asked.device.id = 99;
    assert_int_equal(hyp_store_forget(t.store, &asked, &err), HYP_NOT_FOUND);
    struct hyp_forgotten *list;
    size_t count;
    assert_int_equal(hyp_store_forgotten(t.store, t.tenant, &t.arena, &list, &count), HYP_OK);
    assert_int_equal(count, 0);
    test_store_close(&t);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, span_rows, nothing_is_left_of_a_span);
    TEST_ONE(&list, strangers_and_wrong_spans_are_refused);
    return test_list_run(&list, "store-forget");
}
