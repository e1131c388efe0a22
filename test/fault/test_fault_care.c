/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Care while the disk fails: sealing, thinning, forgetting and erasing, with a disk that is
 * full or broken from the n-th change of a file on, and with a power cut there.
 *
 * A life without a failure says what is left at the end. With one, a month of a device shows at
 * any time either all that was there or what is left at the end, never anything else; what went
 * does not come back; and once the cause is gone the care gets to its end by itself.
 */
#include "fixture.h"
#include "vfs_shim.h"

#include <sqlite3.h>
#include <stdio.h>

#define DAY_MS (24 * HOUR_MS)
#define BEGIN_MS 1609459200000LL /* 2021-01-01 */
#define STEP_MS (4 * HOUR_MS)
#define READINGS 354 /* to the end of February */
#define MONTHS 2
#define DEVICES 2
#define AT_ONCE 59
/* Failures are planned at all places of a life that has so few, otherwise at about so many. The
 * others are those of other rows and runs: HYP_FAULT_RUN=1, 2, ... begin one place later each.
 */
#define PLACES_ALL 150
#define PLACES 40
#define ROUNDS_MAX 3000

static const int64_t month_ends[MONTHS] = {BEGIN_MS + 31 * DAY_MS, BEGIN_MS + 59 * DAY_MS};

/* What the store cares for. */
enum care { SEAL, THIN, FORGET, ERASE };

/* Days after the begin: when the store is filled, and when the care begins. */
static const struct care_row {
    enum care care;
    int filled;
    int begins;
    bool retain;
} cares[] = {
    [SEAL] = {SEAL,   0,   70,  false},
    [THIN] = {THIN,   470, 474, true },
    [FORGET] = {FORGET, 70,  71,  false},
    [ERASE] = {ERASE,  70,  71,  false},
};

static const struct fault_row {
    const char *name;
    enum care care;
    int code; /* 0 = a power cut */
    enum shim_kept kept;
} faults[] = {
    {"sealing, disk full",          SEAL,   SQLITE_FULL,        SHIM_KEEP_ALL },
    {"sealing, disk broken",        SEAL,   SQLITE_IOERR_WRITE, SHIM_KEEP_ALL },
    {"sealing, power cut, torn",    SEAL,   0,                  SHIM_KEEP_SOME},
    {"thinning, disk full",         THIN,   SQLITE_FULL,        SHIM_KEEP_ALL },
    {"thinning, disk broken",       THIN,   SQLITE_IOERR_WRITE, SHIM_KEEP_ALL },
    {"thinning, power cut, torn",   THIN,   0,                  SHIM_KEEP_SOME},
    {"thinning, power cut, lost",   THIN,   0,                  SHIM_KEEP_NONE},
    {"forgetting, disk full",       FORGET, SQLITE_FULL,        SHIM_KEEP_ALL },
    {"forgetting, sync refused",    FORGET, SQLITE_IOERR_FSYNC, SHIM_KEEP_ALL },
    {"forgetting, power cut, torn", FORGET, 0,                  SHIM_KEEP_SOME},
    {"forgetting, power cut, lost", FORGET, 0,                  SHIM_KEEP_NONE},
    {"erasing, disk full",          ERASE,  SQLITE_FULL,        SHIM_KEEP_ALL },
    {"erasing, disk broken",        ERASE,  SQLITE_IOERR_WRITE, SHIM_KEEP_ALL },
    {"erasing, power cut, torn",    ERASE,  0,                  SHIM_KEEP_SOME},
};

/* Which readings are shown, and how many frames there are. */
struct view {
    bool shown[DEVICES][READINGS];
    uint64_t frames;
};

struct life {
    struct test_folder folder;
    struct test_store t;
    const struct care_row *row;
    hyp_device_id devices[DEVICES];
    hyp_point_id points[DEVICES];
    bool asked; /* the store has said that it will forget, or has removed the device */
    struct view seen;
};

/* --- a life --- */

static bool open_at(struct life *life, int64_t now)
{
    struct test_store *t = &life->t;
    hyp_tenant_id tenant = t->tenant;
    *t = (struct test_store){.tenant = tenant};
    hyp_clock_fake_init(&t->clock, (hyp_utc){.ms = now});
    hyp_arena_init(&t->arena, (size_t)1 << 26);
    test_log_init(&t->log);
    struct hyp_store_config config = {.folder = life->folder.path,
                                      .clock = &t->clock.clock,
                                      .log = &t->log.log,
                                      .retain = life->row->retain,
                                      .seal_readings = 1};
    if (hyp_store_open(&config, &t->store, NULL) == HYP_OK) {
        return true;
    }
    hyp_arena_finish(&t->arena);
    return false;
}

static void put_all(struct life *life)
{
    static struct hyp_reading readings[AT_ONCE];
    static struct hyp_value values[AT_ONCE];
    struct hyp_raw_frame frame = {
        .protocol = HYP_RAW_MBUS, .bytes = (const uint8_t *)"frame", .len = 5};
    for (int d = 0; d < DEVICES; d++) {
        for (int first = 0; first < READINGS; first += AT_ONCE) {
            frame.device = life->devices[d];
            frame.received.ms = BEGIN_MS + first * STEP_MS;
            for (int i = 0; i < AT_ONCE; i++) {
                values[i] = test_decimal(HYP_NAME_ENERGY, 7LL * (first + i) + d, -1);
                readings[i] = test_reading(life->devices[d], BEGIN_MS + (first + i) * STEP_MS,
                                           &values[i], 1);
            }
            readings[0].frame = 0;
            struct hyp_batch batch = {.readings = readings,
                                      .reading_count = AT_ONCE,
                                      .frames = &frame,
                                      .frame_count = 1};
            assert_int_equal(test_submit(life->t.store, &batch), HYP_OK);
        }
        life->points[d] = test_point(&life->t, life->devices[d], HYP_NAME_ENERGY);
    }
}

static void look(struct life *life, struct view *view)
{
    *view = (struct view){0};
    for (int d = 0; d < DEVICES; d++) {
        struct hyp_stored_value *values;
        size_t count = 0;
        enum hyp_status status = hyp_store_series(
            life->t.store, life->t.tenant, life->points[d], (hyp_utc){INT64_MIN},
            (hyp_utc){INT64_MAX}, &life->t.arena, &values, &count);
        assert_true(status == HYP_OK || (status == HYP_NOT_FOUND && d == 0));
        for (size_t i = 0; status == HYP_OK && i < count; i++) {
            int64_t at = (values[i].time.ms - BEGIN_MS) / STEP_MS;
            assert_true(at >= 0 && at < READINGS && !view->shown[d][at]);
            assert_int_equal(values[i].decimal.digits, 7 * at + d);
            view->shown[d][at] = true;
        }
    }
    struct hyp_store_stats stats;
    hyp_store_stats(life->t.store, &stats);
    view->frames = stats.frames;
    hyp_arena_reset(&life->t.arena);
}

/* An empty batch is nothing, but care follows every commit. */
static void ask_for_care(struct life *life)
{
    struct hyp_batch nothing = {0};
    HYP_IGNORE(test_submit(life->t.store, &nothing)); /* refused while the disk is */
}

/* Filled, and cared for as far as the clock says; closed. */
static void make_template(struct life *life, const struct care_row *row)
{
    *life = (struct life){.row = row};
    test_folder_make(&life->folder);
    assert_true(open_at(life, BEGIN_MS + row->filled * DAY_MS));
    struct hyp_tenant tenant = {.name = "Town", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(life->t.store, &tenant), HYP_OK);
    life->t.tenant = tenant.id;
    life->devices[0] = test_device(&life->t, "1");
    life->devices[1] = test_device(&life->t, "2");
    put_all(life);
    struct hyp_store_stats stats = {.log_rows = 1};
    for (int round = 0; row->filled > 0 && stats.log_rows > 0; round++) {
        assert_true(round < ROUNDS_MAX);
        ask_for_care(life);
        hyp_store_stats(life->t.store, &stats);
    }
    look(life, &life->seen);
    test_store_close(&life->t);
}

static void copy_file(const struct life *from, const struct life *to, const char *name)
{
    FILE *in = fopen(test_path(&from->folder, name, 0), "rb");
    FILE *out = fopen(test_path(&to->folder, name, 1), "wb");
    assert_true(in != NULL && out != NULL);
    static char bytes[1 << 22];
    size_t len = fread(bytes, 1, sizeof(bytes), in);
    assert_true(len < sizeof(bytes));
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void begin_life(struct life *life, const struct life *template)
{
    *life = *template;
    test_folder_make(&life->folder);
    copy_file(template, life, "hypocaust.db");
    copy_file(template, life, "frames.db");
    copy_file(template, life, "secret.key");
}

/* --- the care --- */

static size_t count_forgotten(struct life *life, bool *ret_ended)
{
    struct hyp_forgotten *list;
    size_t count;
    assert_int_equal(
        hyp_store_forgotten(life->t.store, life->t.tenant, &life->t.arena, &list, &count),
        HYP_OK);
    *ret_ended = count > 0 && list[0].ended.ms != 0;
    return count;
}

/* Asks for what does not come by itself, if the store does not know of it yet. */
static void ask(struct life *life)
{
    bool ended;
    if (life->row->care == FORGET && count_forgotten(life, &ended) == 0) {
        assert_false(life->asked);
        struct hyp_forgotten asked = {.tenant = life->t.tenant,
                                      .device = life->devices[0],
                                      .from.ms = BEGIN_MS + 10 * DAY_MS,
                                      .to.ms = BEGIN_MS + 40 * DAY_MS,
                                      .reason = "moved out"};
        life->asked = hyp_store_forget(life->t.store, &asked, NULL) == HYP_OK;
    }
    struct hyp_device device;
    if (life->row->care == ERASE &&
        hyp_store_device(life->t.store, life->t.tenant, life->devices[0], &device) == HYP_OK) {
        assert_false(life->asked);
        life->asked = hyp_store_device_remove(life->t.store, life->t.tenant, life->devices[0],
                                              NULL) == HYP_OK;
    }
}

static int month_of(int reading)
{
    return BEGIN_MS + reading * STEP_MS < month_ends[0] ? 0 : 1;
}

/* Every month is as it was when it was seen last, or as at the end. */
static void check(struct life *life, const struct view *end)
{
    struct view now;
    look(life, &now);
    for (int d = 0; d < DEVICES; d++) {
        for (int month = 0; month < MONTHS; month++) {
            bool as_seen = true;
            bool as_at_end = true;
            for (int i = 0; i < READINGS; i++) {
                as_seen &= month_of(i) != month || now.shown[d][i] == life->seen.shown[d][i];
                as_at_end &= month_of(i) != month || now.shown[d][i] == end->shown[d][i];
            }
            assert_true(as_seen || as_at_end);
        }
    }
    assert_true(now.frames <= life->seen.frames && now.frames >= end->frames);
    life->seen = now;
}

static bool is_same(const struct view *a, const struct view *b)
{
    return a->frames == b->frames && memcmp(a->shown, b->shown, sizeof(a->shown)) == 0;
}

/* Are there removed devices whose bytes are not wiped yet? */
static bool is_erasing(const struct life *life)
{
    struct hyp_db *db = test_database(&life->folder, false);
    struct hyp_query query;
    hyp_query_open(&query, db, "SELECT COUNT(*) FROM erasure");
    bool any = !hyp_query_row(&query) || hyp_query_i64(&query) > 0;
    assert_int_equal(hyp_query_close(&query), HYP_OK);
    hyp_db_close(db);
    return any;
}

static bool is_over(struct life *life, const struct view *end)
{
    bool ended = true;
    if (life->row->care == FORGET) {
        HYP_IGNORE(count_forgotten(life, &ended) == 0); /* only its end is asked for */
    }
    struct hyp_store_stats stats;
    hyp_store_stats(life->t.store, &stats);
    return ended && stats.log_rows == 0 && !is_erasing(life) && is_same(&life->seen, end);
}

/* By itself, as days pass. */
static void come_to_the_end(struct life *life, const struct view *end)
{
    ask(life);
    check(life, end);
    for (int round = 1; !is_over(life, end); round++) {
        assert_true(round < ROUNDS_MAX);
        ask_for_care(life);
        if (round % 20 == 0) {
            hyp_clock_fake_advance(&life->t.clock, DAY_MS + HOUR_MS);
        }
        check(life, end);
    }
    test_check_healthy(&life->t, &life->folder);
}

/* Some care, as far as it goes. */
static void care_for_a_while(struct life *life)
{
    ask(life);
    for (int round = 0; round < 8; round++) {
        ask_for_care(life);
    }
    hyp_clock_fake_advance(&life->t.clock, DAY_MS + HOUR_MS);
    for (int round = 0; round < 8; round++) {
        ask_for_care(life);
    }
}

/* --- failures --- */

static int64_t begins(const struct life *life)
{
    return BEGIN_MS + life->row->begins * DAY_MS;
}

/* A life without a failure. Returns its steps. */
static long learn(const struct life *template, struct view *end)
{
    struct life life;
    begin_life(&life, template);
    shim_reset();
    assert_true(open_at(&life, begins(&life)));
    care_for_a_while(&life);
    bool ended = false;
    for (int round = 0; round < 200; round++) {
        ask_for_care(&life);
        if (round % 20 == 0) {
            hyp_clock_fake_advance(&life.t.clock, DAY_MS + HOUR_MS);
        }
    }
    look(&life, end);
    if (life.row->care == FORGET) {
        assert_int_equal(count_forgotten(&life, &ended), 1);
        assert_true(ended);
    }
    test_store_close(&life.t);
    long steps = shim_steps();
    test_folder_remove(&life.folder);
    return steps;
}

static void fail_at(const struct life *template, const struct fault_row *row, long at,
                    const struct view *end)
{
    struct life life;
    begin_life(&life, template);
    shim_reset();
    assert_true(open_at(&life, begins(&life)));
    shim_fail_at(at, row->code, true);
    care_for_a_while(&life);
    check(&life, end);
    /* The disk works again. */
    shim_reset();
    come_to_the_end(&life, end);
    test_store_close(&life.t);
    test_folder_remove(&life.folder);
}

static void cut_at(const struct life *template, const struct fault_row *row, long at,
                   const struct view *end)
{
    struct life life;
    begin_life(&life, template);
    shim_reset();
    shim_cut_at(at);
    if (open_at(&life, begins(&life))) {
        care_for_a_while(&life);
        test_store_close(&life.t);
    }
    shim_after_cut(row->kept, (uint64_t)at);
    assert_true(open_at(&life, begins(&life) + 2 * DAY_MS));
    check(&life, end);
    come_to_the_end(&life, end);
    test_store_close(&life.t);
    test_folder_remove(&life.folder);
}

static size_t count_shown(const struct view *view, int device)
{
    size_t count = 0;
    for (int i = 0; i < READINGS; i++) {
        count += view->shown[device][i];
    }
    return count;
}

static long run_number(void)
{
    const char *text = getenv("HYP_FAULT_RUN");
    int64_t number = 0;
    if (text != NULL) {
        assert_int_equal(hyp_str_to_i64(hyp_str_from(text), &number), HYP_OK);
        assert_true(number >= 0 && number < INT32_MAX);
    }
    return (long)number;
}

static void care_comes_to_its_end_whatever_fails(void **state)
{
    const struct fault_row *row = *state;
    struct life template;
    make_template(&template, &cares[row->care]);
    assert_int_equal(count_shown(&template.seen, 0), READINGS);
    struct view end;
    long steps = learn(&template, &end);
    assert_true(steps > 20);
    assert_true(row->care == SEAL || count_shown(&end, 0) < READINGS);
    assert_true(row->care == THIN || count_shown(&end, 1) == READINGS);
    long stride = steps <= PLACES_ALL ? 1 : steps / PLACES + 1;
    long first = 1 + (run_number() + (long)(row - faults)) % stride;
    print_message("places %ld, %ld .. of %ld\n", first, first + stride, steps);
    for (long at = first; at <= steps; at += stride) {
        if (row->code == 0) {
            cut_at(&template, row, at, &end);
        } else {
            fail_at(&template, row, at, &end);
        }
    }
    shim_reset();
    test_folder_remove(&template.folder);
}

int main(void)
{
    shim_install();
    struct test_list list = {0};
    TEST_ROWS(&list, faults, care_comes_to_its_end_whatever_fails);
    return test_list_run(&list, "fault-care");
}
