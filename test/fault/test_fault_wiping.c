/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention, forgetting and the end of old frames, with a failure at each place there is: the
 * n-th statement, allocation, change of a file or word to the server, for every n until a life
 * passes without meeting it.
 *
 * Lives follow each other in one store, each with a device of its own whose readings go. At any
 * time a month shows all that was there or what is left at the end; its ends and extremes are
 * exact; what went does not come back; and once the cause is gone the next run ends it.
 */
#include "fault.h"
#include "fixture.h"
#include "wire_cutter.h"

#include "store/erase.h"
#include "store/forget.h"
#include "store/frames.h"
#include "store/period.h"
#include "store/retention.h"
#include "store/seal.h"

#define DAY_MS (24 * HOUR_MS)
#define FIRST_NOON_MS 1655294400000LL /* 2022-06-15T12:00 */
#define LIFE_DAYS 3
/* Whole months before this one: gone by half of the second, thinned to the third, full after
 * that. */
#define OLDEST_MONTH 16
#define REMOVE_MONTHS 15
#define THIN_MONTHS 13
#define MONTHS 4
#define PER_DAY 2
#define READINGS_MAX (PER_DAY * 31 * MONTHS)
#define FRAMES 3
#define PLACES_MAX 3000
#define STARTS 8 /* every eighth life meets a new start */
#define STEPS_MAX 3000
#define ROUNDS_MAX 100

enum care { RETAIN, FORGET, EXPIRE };

static const struct care_row {
    const char *name;
    enum care care;
    int frames;
    bool plain; /* a part of another row: the first kind of failure does, in files */
} cares[] = {
    {"retention",             RETAIN, 0,      true },
    {"retention with frames", RETAIN, FRAMES, false},
    {"forgetting",            FORGET, 0,      true },
    {"forgetting frames",     FORGET, FRAMES, false},
    {"frames that are old",   EXPIRE, FRAMES, false},
};

/* What is there of a device. */
struct view {
    bool shown[READINGS_MAX];
    uint64_t frames;
};

struct life {
    const struct care_row *row;
    const struct fault *fault;
    struct test_folder folder;
    struct test_store t;
    struct wire_cutter *cutter;
    long number;
    hyp_device_id device;
    hyp_point_id energy;
    hyp_point_id temperature;
    int64_t months[MONTHS + 1]; /* where they begin */
    int readings;
    int64_t forget_from;
    int64_t forget_to;
    uint64_t frames; /* at its begin */
    struct view seen;
};

/* --- the store --- */

static void open_store(struct life *life, int64_t now)
{
    const struct hyp_store_config settings = {
        .database = life->cutter == NULL ? NULL : wire_cutter_url(life->cutter),
        .retain = life->row->care == RETAIN,
        .seal_readings = 1,
        .frame_days = life->row->care == EXPIRE ? 1 : 100000};
    test_store_open_at(&life->t, &life->folder, now, &settings);
    fault_install(life->t.store);
}

static int64_t now_of(const struct life *life)
{
    return life->t.clock.now_utc.ms;
}

/* All care there is, until nobody has more to do. The writer does some too: what it is at when
 * one round finds nothing is over in the next. */
static void care(struct life *life)
{
    struct hyp_store *store = life->t.store;
    int idle = 0;
    for (int step = 0; step < STEPS_MAX && idle < 3; step++) {
        bool more = hyp_frames_step(store) || hyp_erase_step(store) || hyp_forget_step(store) ||
                    hyp_seal_step(store) || hyp_retention_step(store);
        idle = more ? 0 : idle + 1;
    }
    assert_int_equal(idle, 3);
}

static void make_store(struct life *life)
{
    open_store(life, FIRST_NOON_MS);
    struct hyp_tenant tenant = {.name = "Town", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(life->t.store, &tenant), HYP_OK);
    life->t.tenant = tenant.id;
    struct hyp_retention rule = {.full_months = THIN_MONTHS, .day_months = REMOVE_MONTHS};
    assert_int_equal(hyp_store_retention_set(life->t.store, tenant.id, &rule, NULL), HYP_OK);
    care(life); /* the first day nothing goes */
}

/* --- a device --- */

static int64_t time_of(const struct life *life, int i)
{
    return life->months[0] + i / PER_DAY * DAY_MS + i % PER_DAY * 16 * HOUR_MS;
}

static int month_of(const struct life *life, int i)
{
    int month = 0;
    while (time_of(life, i) >= life->months[month + 1]) {
        month++;
    }
    return month;
}

/* The greatest and the least of a month are not at its ends, nor at midnight. */
static int64_t temperature_of(const struct life *life, int i)
{
    int64_t day = (time_of(life, i) - life->months[month_of(life, i)]) / DAY_MS;
    if (i % PER_DAY == 0) {
        return 500;
    }
    return day == 20 ? 900 : day == 25 ? 100 : 500;
}

static void put_device(struct life *life)
{
    static struct hyp_reading readings[READINGS_MAX];
    static struct hyp_value values[READINGS_MAX][2];
    struct hyp_raw_frame frames[FRAMES] = {0};
    for (int i = 0; i < life->readings; i++) {
        values[i][0] = test_decimal(HYP_NAME_ENERGY, 7LL * i, -1);
        values[i][1] = test_decimal(HYP_NAME_FLOW_TEMPERATURE, temperature_of(life, i), -1);
        readings[i] = test_reading(life->device, time_of(life, i), values[i], 2);
    }
    for (int i = 0; i < life->row->frames; i++) {
        int reading = i * life->readings / FRAMES;
        frames[i] = (struct hyp_raw_frame){.device = life->device,
                                           .received.ms = time_of(life, reading),
                                           .protocol = HYP_RAW_MBUS,
                                           .bytes = (const uint8_t *)"frame",
                                           .len = 5};
        readings[reading].frame = (uint32_t)i;
    }
    struct hyp_batch batch = {.readings = readings,
                              .reading_count = (size_t)life->readings,
                              .frames = frames,
                              .frame_count = (size_t)life->row->frames};
    assert_int_equal(test_submit(life->t.store, &batch), HYP_OK);
    care(life);
}

static void look(struct life *life, struct view *view)
{
    struct hyp_stored_value *values;
    size_t count;
    *view = (struct view){0};
    assert_int_equal(hyp_store_series(life->t.store, life->t.tenant, life->energy,
                                      (hyp_utc){INT64_MIN}, (hyp_utc){INT64_MAX},
                                      &life->t.arena, &values, &count),
                     HYP_OK);
    for (size_t i = 0; i < count; i++) {
        int64_t number = values[i].decimal.digits / 7;
        assert_true(number >= 0 && number < life->readings && !view->shown[number]);
        assert_int_equal(values[i].time.ms, time_of(life, (int)number));
        view->shown[number] = true;
    }
    view->frames = hyp_frames_count(life->t.store); /* the other figures ask the database */
    hyp_arena_reset(&life->t.arena);
}

/* --- what must hold --- */

static bool is_thinned(const struct life *life, int month, int64_t now)
{
    return life->row->care == RETAIN &&
           life->months[month + 1] <= hyp_retention_months_before(now, THIN_MONTHS);
}

static int64_t oldest_kept(const struct life *life, int64_t now)
{
    return life->row->care == RETAIN ? hyp_retention_months_before(now, REMOVE_MONTHS)
                                     : INT64_MIN;
}

/* Is a reading there at the end? */
static bool stays(const struct life *life, int i, int64_t now)
{
    int64_t time = time_of(life, i);
    int month = month_of(life, i);
    if (life->row->care == FORGET) {
        return time < life->forget_from || time >= life->forget_to;
    }
    if (time < oldest_kept(life, now)) {
        return false;
    }
    bool first = i == 0 || time_of(life, i - 1) < oldest_kept(life, now);
    bool last = i + 1 == life->readings || month_of(life, i + 1) != month;
    return !is_thinned(life, month, now) || i % PER_DAY == 0 || first || last;
}

static void get_end(const struct life *life, struct view *end)
{
    *end = (struct view){.frames = life->frames};
    for (int i = 0; i < life->readings; i++) {
        end->shown[i] = stays(life, i, now_of(life));
    }
    if (life->row->care == FORGET && life->row->frames > 0) {
        for (int i = 0; i < FRAMES; i++) {
            end->frames -= !stays(life, i * life->readings / FRAMES, now_of(life));
        }
    } else if (life->row->care == EXPIRE) {
        end->frames = 0;
    }
}

/* Months of which nothing is removed: first, last, least and greatest are what they were. */
static void check_exact(struct life *life)
{
    struct hyp_summary *sums;
    hyp_utc bounds[MONTHS + 1];
    for (int m = 0; m <= MONTHS; m++) {
        bounds[m].ms = life->months[m];
    }
    assert_int_equal(hyp_store_summaries(life->t.store, life->t.tenant, &life->temperature, 1,
                                         bounds, MONTHS, &life->t.arena, &sums),
                     HYP_OK);
    for (int m = 0; m < MONTHS && life->row->care == RETAIN; m++) {
        if (life->months[m] >= oldest_kept(life, now_of(life))) {
            assert_int_equal(sums[m].min.digits, 100);
            assert_int_equal(sums[m].max.digits, 900);
            assert_int_equal(sums[m].first_time.ms, life->months[m]);
            assert_int_equal(sums[m].last_time.ms, life->months[m + 1] - DAY_MS + 16 * HOUR_MS);
        }
    }
}

/* Every month is as it was when it was seen last, or as at the end. */
static void check(struct life *life)
{
    struct view now;
    struct view end;
    look(life, &now);
    get_end(life, &end);
    for (int first = 0, next; first < life->readings; first = next) {
        bool as_seen = true;
        bool as_at_end = true;
        int month = month_of(life, first);
        for (next = first; next < life->readings && month_of(life, next) == month; next++) {
            as_seen &= now.shown[next] == life->seen.shown[next];
            as_at_end &= now.shown[next] == end.shown[next];
        }
        if (!as_seen && !as_at_end) {
            fail_msg("life %ld: month %d is half done", life->number, month);
        }
    }
    assert_in_range(now.frames, end.frames, life->seen.frames);
    check_exact(life);
    hyp_arena_reset(&life->t.arena);
    life->seen = now;
}

static bool is_over(struct life *life)
{
    struct view end;
    get_end(life, &end);
    bool over = memcmp(&life->seen, &end, sizeof(end)) == 0;
    if (life->row->care == FORGET) {
        struct hyp_forgotten *list;
        size_t count;
        assert_int_equal(
            hyp_store_forgotten(life->t.store, life->t.tenant, &life->t.arena, &list, &count),
            HYP_OK);
        over =
            over && count > 0 && list[0].device.id == life->device.id && list[0].ended.ms != 0;
    }
    return over;
}

/* --- lives --- */

/* A day before its readings are due, so that they are sealed and stay till then. */
static void begin_life(struct life *life)
{
    int64_t eve = FIRST_NOON_MS + ++life->number * LIFE_DAYS * DAY_MS;
    hyp_clock_fake_advance(&life->t.clock, eve - now_of(life));
    care(life);
    uint32_t month = hyp_period_month(hyp_period_of(eve + DAY_MS)) - OLDEST_MONTH;
    for (uint32_t m = 0; m <= MONTHS; m++) {
        life->months[m] = hyp_period_start(hyp_period_part(month + m, 0));
    }
    life->readings = (int)((life->months[MONTHS] - life->months[0]) / DAY_MS) * PER_DAY;
    life->forget_from = life->months[0] + 10 * DAY_MS + HOUR_MS;
    life->forget_to = life->months[2] + 10 * DAY_MS + HOUR_MS;
    life->device = test_device(&life->t, "1");
    put_device(life);
    life->energy = test_point(&life->t, life->device, HYP_NAME_ENERGY);
    life->temperature = test_point(&life->t, life->device, HYP_NAME_FLOW_TEMPERATURE);
    look(life, &life->seen);
    life->frames = life->seen.frames;
    for (int i = 0; i < life->readings; i++) {
        assert_true(life->seen.shown[i]);
    }
    hyp_clock_fake_advance(&life->t.clock, DAY_MS);
}

/* What does not begin by itself, if the store does not know of it yet. */
static void ask(struct life *life)
{
    struct hyp_store *store = life->t.store;
    if (life->row->care == FORGET) {
        struct hyp_forgotten *list;
        size_t count;
        struct hyp_forgotten asked = {.tenant = life->t.tenant,
                                      .device = life->device,
                                      .from.ms = life->forget_from,
                                      .to.ms = life->forget_to,
                                      .reason = "moved out"};
        enum hyp_status status =
            hyp_store_forgotten(store, life->t.tenant, &life->t.arena, &list, &count);
        if (status == HYP_OK && (count == 0 || list[0].device.id != life->device.id)) {
            HYP_IGNORE(hyp_store_forget(store, &asked, NULL)); /* asked for again later */
        }
    } else if (life->row->care == EXPIRE) {
        hyp_core_enter(store);
        HYP_IGNORE(hyp_frames_pack(store)); /* tried again later */
        hyp_core_release(store);
    }
}

/* By itself, as hours pass. */
static void come_to_the_end(struct life *life)
{
    for (int round = 0; !is_over(life); round++) {
        if (round == ROUNDS_MAX) {
            fail_msg("life %ld does not come to its end", life->number);
        }
        ask(life);
        care(life);
        check(life);
        hyp_clock_fake_advance(&life->t.clock, HOUR_MS);
    }
}

/* What the database has is what memory showed; then it makes room for the next. */
static void end_life(struct life *life)
{
    struct view again;
    if (life->row->care != RETAIN) {
        /* Frames that are in a block, or were, are not in the log too. */
        assert_int_equal(test_ask(&life->folder, false, "SELECT COUNT(*) FROM frame_log"), 0);
    }
    if (life->number % STARTS == 0) {
        int64_t now = now_of(life);
        test_store_close(&life->t);
        open_store(life, now);
        look(life, &again);
        assert_memory_equal(&again, &life->seen, sizeof(again));
    }
    assert_int_equal(hyp_store_device_remove(life->t.store, life->t.tenant, life->device, NULL),
                     HYP_OK);
    care(life);
    assert_int_equal(test_stats(&life->t).readings, 0);
}

/* One life with a failure at place n. Returns whether there was such a place. */
static bool live(struct life *life, long n)
{
    const struct fault *fault = life->fault;
    begin_life(life);
    struct fault_place place = {
        .store = life->t.store, .cutter = life->cutter, .n = n, .seed = (uint64_t)life->number};
    fault->arm(&place);
    ask(life);
    care(life);
    bool failed = fault->has_failed(&place);
    int64_t now = now_of(life);
    if (fault->restarts) {
        test_store_close(&life->t);
    }
    fault->disarm(&place);
    if (fault->restarts) {
        open_store(life, now);
    }
    check(life);
    /* Without a failure all is done now, so there is no place n. */
    assert_true(failed || is_over(life));
    come_to_the_end(life);
    end_life(life);
    return failed;
}

struct row {
    const char *name;
    char text[96];
    const struct care_row *care;
    const struct fault *fault;
};

static void what_goes_goes_whole_whatever_fails(void **state)
{
    const struct row *row = *state;
    static struct life life;
    life = (struct life){.row = row->care, .fault = row->fault};
    test_folder_make(&life.folder);
    if (fault_cuts(row->fault)) {
        life.cutter = wire_cutter_start(life.folder.path);
    }
    make_store(&life);
    long n = 1;
    while (live(&life, n)) {
        n += row->fault->stride;
        assert_true(n < PLACES_MAX * row->fault->stride);
    }
    print_message("# %ld lives\n", life.number);
    assert_true(life.number > 3);
    test_check_healthy(&life.t, &life.folder);
    test_store_close(&life.t);
    if (life.cutter != NULL) {
        wire_cutter_stop(life.cutter);
    }
    test_folder_remove(&life.folder);
}

int main(void)
{
    static struct row rows[HYP_ARRAY_LEN(cares) * FAULTS];
    struct test_list list = {0};
    size_t count = 0;
    fault_prepare();
    for (size_t c = 0; c < HYP_ARRAY_LEN(cares); c++) {
        for (size_t f = 0; f < FAULTS; f++) {
            bool can = test_is_postgres() ? faults[f].on_postgres : faults[f].on_sqlite;
            if (can && (!cares[c].plain || (f == 0 && !test_is_postgres()))) {
                struct row *row = &rows[count++];
                struct hyp_buf name;
                hyp_buf_init_fixed(&name, row->text, sizeof(row->text));
                hyp_buf_append_fmt(&name, "%s, %s", cares[c].name, faults[f].name);
                row->name = hyp_buf_terminate(&name);
                row->care = &cares[c];
                row->fault = &faults[f];
                test_list_add(&list, row->name, what_goes_goes_whole_whatever_fails, row);
            }
        }
    }
    return test_list_run(&list, "fault-wiping");
}
