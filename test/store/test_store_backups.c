/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Daily backups: when they are made by the wall clock of the plant, over missed times, changed
 * clocks and failures; which are kept; and that each of them becomes a store again.
 */
#include "daily.h"

#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_restorable(struct daily *d, const char *name, bool good)
{
    char path[512];
    struct hyp_buf buf;
    struct hyp_error err = {0};
    hyp_buf_init_fixed(&buf, path, sizeof(path));
    hyp_buf_append_fmt(&buf, "%s/%s", target(d, "", 1), name);
    const char *to = test_path(&d->folder, name, 2);
    enum hyp_status status = hyp_store_restore(hyp_buf_terminate(&buf), to, &err);
    assert_int_equal(status == HYP_OK, good);
    if (good && !test_is_postgres()) { /* the copy is of files: store/backup has the way back */
        struct test_folder folder;
        struct test_store t;
        struct hyp_device *devices;
        size_t count;
        hyp_text_copy(folder.path, sizeof(folder.path), hyp_str_from(to));
        test_store_open(&t, &folder);
        assert_int_equal(hyp_store_devices(t.store, t.tenant, &t.arena, &devices, &count),
                         HYP_OK);
        assert_int_equal(count, 1);
        test_store_close(&t);
    }
}

/* Changes a byte of a file, or cuts it. */
static void spoil(const char *path, bool cut)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(cut ? ftruncate(fd, 100) : pwrite(fd, "spoilt", 6, 3000), cut ? 0 : 6);
    close(fd);
}

/* --- when --- */

static void the_first_is_made_at_once_and_the_next_at_its_time(void **state)
{
    (void)state;
    struct daily d;
    open_daily(&d, 7);
    assert_true(step_at(&d, MIDNIGHT_MS));
    assert_good(&d, 1);
    assert_string_equal(d.report.list[0].name, "hypocaust-2023-11-14T00-00-00Z");
    assert_int_equal(d.report.list[0].state, HYP_BACKUP_GOOD);
    assert_true(d.report.list[0].bytes > 4096);
    assert_int_equal(d.report.last_success.ms, MIDNIGHT_MS);
    /* Half past two, an hour east of Greenwich. */
    int64_t due = MIDNIGHT_MS + 90 * MINUTE_MS;
    assert_int_equal(d.report.next.ms, due);
    assert_false(step_at(&d, due - 1));
    assert_true(step_at(&d, due));
    assert_good(&d, 2);
    assert_int_equal(d.report.last_attempt.ms, due);
    assert_int_equal(d.report.next.ms, due + DAY_MS);
    assert_false(step_at(&d, due + 1));
    assert_false(step_at(&d, due + DAY_MS - 1));
    assert_restorable(&d, "hypocaust-2023-11-14T01-30-00Z", true);
    close_daily(&d);
}

static void a_missed_time_is_made_up_for_after_the_start(void **state)
{
    (void)state;
    struct daily d;
    open_daily(&d, 7);
    assert_true(step_at(&d, MIDNIGHT_MS));
    restart(&d, 7);
    assert_false(step_at(&d, MIDNIGHT_MS + 89 * MINUTE_MS));
    assert_int_equal(d.report.last_success.ms, MIDNIGHT_MS);
    assert_int_equal(d.report.last_attempt.ms, 0);
    assert_int_equal(d.report.count, 1);
    restart(&d, 7);
    assert_true(step_at(&d, MIDNIGHT_MS + 3 * DAY_MS + 12 * HOUR_MS));
    assert_good(&d, 2); /* one for all that were missed */
    assert_int_equal(d.report.next.ms, MIDNIGHT_MS + 4 * DAY_MS + 90 * MINUTE_MS);
    close_daily(&d);
}

static void a_clock_that_jumps_stops_nothing(void **state)
{
    (void)state;
    struct daily d;
    open_daily(&d, 2);
    assert_true(step_at(&d, MIDNIGHT_MS));
    /* A year ahead for a while: one backup of the future. */
    assert_true(step_at(&d, MIDNIGHT_MS + 365 * DAY_MS));
    assert_good(&d, 2);
    assert_false(step_at(&d, MIDNIGHT_MS + 10 * MINUTE_MS));
    assert_int_equal(d.report.next.ms, MIDNIGHT_MS + 90 * MINUTE_MS);
    /* It is the first to go when there are enough others. */
    assert_true(step_at(&d, MIDNIGHT_MS + DAY_MS));
    assert_good(&d, 2);
    assert_int_equal(d.report.list[0].time.ms, MIDNIGHT_MS + DAY_MS);
    assert_int_equal(d.report.list[1].time.ms, MIDNIGHT_MS);
    /* Back to the year 2000, as after an empty battery: still one a day. */
    int64_t old = 946684800000LL;
    assert_true(step_at(&d, old));
    assert_string_equal(d.report.last_error, "");
    assert_false(step_at(&d, old + HOUR_MS));
    assert_true(step_at(&d, old + DAY_MS + 2 * HOUR_MS));
    assert_int_equal(d.report.last_success.ms, old + DAY_MS + 2 * HOUR_MS);
    close_daily(&d);
}

/* --- which are kept --- */

static void the_oldest_goes_when_there_are_newer_good_ones(void **state)
{
    (void)state;
    struct daily d;
    open_daily(&d, 3);
    for (int day = 0; day < 5; day++) {
        assert_true(step_at(&d, MIDNIGHT_MS + day * DAY_MS));
        assert_good(&d, (size_t)HYP_MIN(day + 1, 3));
        assert_int_equal(d.report.list[0].time.ms, MIDNIGHT_MS + day * DAY_MS);
    }
    struct stat about;
    assert_int_not_equal(stat(target(&d, "/hypocaust-2023-11-15T00-00-00Z", 1), &about), 0);
    assert_int_equal(stat(target(&d, "/hypocaust-2023-11-16T00-00-00Z", 1), &about), 0);
    restart(&d, 1);
    assert_true(step_at(&d, MIDNIGHT_MS + 5 * DAY_MS));
    assert_good(&d, 1);
    close_daily(&d);
}

static const struct spoil_row {
    const char *name;
    bool cut;
} spoils[] = {
    {"a byte has changed", false},
    {"a file is cut",      true },
};

static void a_spoilt_backup_does_not_count(void **state)
{
    const struct spoil_row *row = *state;
    struct daily d;
    open_daily(&d, 2);
    assert_true(step_at(&d, MIDNIGHT_MS));
    assert_true(step_at(&d, MIDNIGHT_MS + DAY_MS));
    spoil(target(&d, "/hypocaust-2023-11-15T00-00-00Z/hypocaust.db", 1), row->cut);
    assert_true(step_at(&d, MIDNIGHT_MS + 2 * DAY_MS));
    assert_good(&d, 3); /* the oldest stays: of the two newer ones, one is good */
    assert_int_equal(d.report.list[0].state, HYP_BACKUP_GOOD);
    assert_int_equal(d.report.list[1].state, HYP_BACKUP_DAMAGED);
    assert_int_equal(d.report.list[2].state, HYP_BACKUP_GOOD);
    assert_restorable(&d, "hypocaust-2023-11-15T00-00-00Z", false);
    assert_restorable(&d, "hypocaust-2023-11-14T00-00-00Z", true);
    assert_true(step_at(&d, MIDNIGHT_MS + 3 * DAY_MS));
    assert_good(&d, 2); /* now there are two */
    close_daily(&d);
}

static void what_is_not_ours_is_left_alone(void **state)
{
    (void)state;
    struct daily d;
    struct stat about;
    open_daily(&d, 1);
    struct daily other;
    open_daily(&other, 1);
    assert_true(step_at(&other, MIDNIGHT_MS));
    assert_int_equal(mkdir(target(&d, "", 0), 0700), 0);
    assert_int_equal(rename(target(&other, "/hypocaust-2023-11-14T00-00-00Z", 0),
                            target(&d, "/hypocaust-2023-11-13T00-00-00Z", 1)),
                     0);
    assert_int_equal(mkdir(target(&d, "/hypocaust-2023-11-12T00-00-00Z", 0), 0700), 0);
    assert_int_equal(mkdir(target(&d, "/hypocaust-2022-11-12 before the move", 0), 0700), 0);
    assert_int_equal(mkdir(target(&d, "/hypocaust-2023-11-12T00-00-01Z.partial", 0), 0700), 0);
    for (int day = 0; day < 3; day++) {
        assert_true(step_at(&d, MIDNIGHT_MS + day * DAY_MS));
    }
    assert_good(&d, 3);
    assert_int_equal(d.report.list[0].time.ms, MIDNIGHT_MS + 2 * DAY_MS);
    assert_int_equal(d.report.list[1].state, HYP_BACKUP_FOREIGN);
    assert_int_equal(d.report.list[2].state, HYP_BACKUP_DAMAGED); /* nobody knows whose */
    assert_int_equal(stat(target(&d, "/hypocaust-2022-11-12 before the move", 0), &about), 0);
    assert_int_not_equal(stat(target(&d, "/hypocaust-2023-11-12T00-00-01Z.partial", 0), &about),
                         0);
    close_daily(&other);
    close_daily(&d);
}

/* --- failures --- */

static void a_failure_says_where_and_is_tried_again(void **state)
{
    (void)state;
    struct daily d;
    open_daily(&d, 7);
    int fd = open(target(&d, "", 0), O_WRONLY | O_CREAT, 0600); /* a file in its place */
    assert_true(fd >= 0);
    close(fd);
    assert_true(step_at(&d, MIDNIGHT_MS));
    assert_int_not_equal(d.report.last_status, HYP_OK);
    assert_non_null(strstr(d.report.last_error, target(&d, "", 0)));
    assert_non_null(strstr(d.t.log.last, "backup.failed"));
    assert_int_equal(d.report.last_success.ms, 0);
    assert_int_equal(d.report.next.ms, MIDNIGHT_MS + HOUR_MS);
    assert_false(step_at(&d, MIDNIGHT_MS + HOUR_MS - 1));
    assert_int_equal(unlink(target(&d, "", 0)), 0);
    assert_true(step_at(&d, MIDNIGHT_MS + HOUR_MS));
    assert_good(&d, 1);
    close_daily(&d);
}

/* More folders than are listed: no backup whose name nobody would see, and no second one. */
static void a_crowded_folder_gets_no_more(void **state)
{
    (void)state;
    struct daily d;
    open_daily(&d, 7);
    assert_int_equal(mkdir(target(&d, "", 0), 0700), 0);
    for (int i = 0; i <= HYP_LIMIT_BACKUPS; i++) {
        char name[64];
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, name, sizeof(name));
        hyp_buf_append_fmt(&buf, "/hypocaust-2020-01-01T%02d-%02d-00Z", i / 60, i % 60);
        assert_int_equal(mkdir(target(&d, hyp_buf_terminate(&buf), 0), 0700), 0);
    }
    assert_true(step_at(&d, MIDNIGHT_MS));
    assert_int_equal(d.report.last_status, HYP_LIMIT);
    assert_false(step_at(&d, MIDNIGHT_MS + MINUTE_MS));
    struct stat about;
    assert_int_not_equal(stat(target(&d, "/hypocaust-2023-11-14T00-00-00Z", 0), &about), 0);
    close_daily(&d);
}

/* The rows of the intake log that are damaged are in every new backup. */
static void a_damaged_store_is_backed_up_and_keeps_old_backups(void **state)
{
    (void)state;
    struct daily d;
    open_daily(&d, 1);
    assert_true(step_at(&d, MIDNIGHT_MS));
    struct test_folder data;
    hyp_text_copy(data.path, sizeof(data.path), hyp_str_from(test_path(&d.folder, "data", 0)));
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 1, 0);
    struct hyp_reading reading = test_reading((hyp_device_id){.id = 1}, MIDNIGHT_MS, &value, 1);
    assert_int_equal(test_put(&d.t, &reading), HYP_OK);
    struct hyp_db *db = test_database(&data, false);
    struct hyp_query query;
    hyp_query_open(&query, db, "UPDATE intake_log SET data = zeroblob(20)");
    assert_int_equal(hyp_query_run(&query, NULL), HYP_OK);
    hyp_db_close(db);
    assert_true(step_at(&d, MIDNIGHT_MS + DAY_MS));
    assert_int_equal(d.report.last_status, HYP_CORRUPT);
    assert_non_null(strstr(d.report.last_error, "keep older backups"));
    assert_int_equal(d.report.count, 2);
    assert_int_equal(d.report.last_success.ms, MIDNIGHT_MS + DAY_MS);
    assert_false(step_at(&d, MIDNIGHT_MS + DAY_MS + HOUR_MS)); /* tomorrow again */
    close_daily(&d);
}

static void a_folder_in_use_by_another_server_is_refused(void **state)
{
    (void)state;
    struct daily d;
    open_daily(&d, 7);
    /* A data folder is locked by its server: no place for backups. */
    d.backups = hyp_backups_destroy(d.backups);
    struct hyp_backups_config config = {
        .store = d.t.store,
        .folder = test_path(&d.folder, "data", 0),
        .keep = 1,
        .zone = &d.zone.zone,
        .clock = &d.t.clock.clock,
    };
    assert_int_equal(hyp_backups_create(&config, &d.backups, NULL), HYP_OK);
    assert_true(step_at(&d, MIDNIGHT_MS));
    assert_int_equal(d.report.last_status, HYP_BUSY);
    assert_non_null(strstr(d.report.last_error, "is in use"));
    close_daily(&d);
}

/* A log that tells when a line has come. */
struct signal_log {
    struct hyp_log log;
    sem_t written;
};

static void post_line(struct hyp_log *log, enum hyp_log_level level, struct hyp_str line)
{
    (void)level;
    (void)line;
    sem_post(&((struct signal_log *)log)->written);
}

static void one_that_is_asked_for_is_made_at_once(void **state)
{
    (void)state;
    struct daily d;
    struct hyp_error err = {0};
    open_daily(&d, 2);
    assert_true(step_at(&d, MIDNIGHT_MS));
    assert_int_equal(hyp_backups_ask(d.backups, &err), HYP_CONFLICT); /* the same second */
    assert_non_null(strstr(err.text, "this second"));
    assert_false(step_at(&d, MIDNIGHT_MS + MINUTE_MS));
    assert_int_equal(hyp_backups_ask(d.backups, &err), HYP_OK);
    assert_int_equal(hyp_backups_report(d.backups, &d.t.arena, &d.report), HYP_OK);
    assert_true(d.report.running);
    assert_int_equal(hyp_backups_ask(d.backups, &err), HYP_CONFLICT);
    assert_non_null(strstr(err.text, "is being made"));
    assert_true(step_at(&d, MIDNIGHT_MS + MINUTE_MS));
    assert_good(&d, 2);
    assert_false(d.report.running);
    assert_string_equal(d.report.list[0].name, "hypocaust-2023-11-14T00-01-00Z");
    assert_restorable(&d, d.report.list[0].name, true);
    /* Once; the daily one keeps its hour, and of three the oldest goes. */
    assert_false(step_at(&d, MIDNIGHT_MS + 2 * MINUTE_MS));
    assert_int_equal(hyp_backups_ask(d.backups, &err), HYP_OK);
    assert_true(step_at(&d, MIDNIGHT_MS + 3 * MINUTE_MS));
    assert_good(&d, 2);
    assert_string_equal(d.report.list[1].name, "hypocaust-2023-11-14T00-01-00Z");
    close_daily(&d);
}

/* What the thread has begun is finished before the end. */
static void the_thread_makes_one_and_ends(void **state)
{
    (void)state;
    struct daily d;
    struct signal_log made = {
        .log = {.write = post_line, .least = HYP_LOG_INFO}
    };
    assert_int_equal(sem_init(&made.written, 0, 0), 0);
    open_daily(&d, 7);
    d.backups = hyp_backups_destroy(d.backups);
    start(&d, 7, &made.log);
    assert_int_equal(hyp_backups_start(d.backups), HYP_OK);
    assert_int_equal(sem_wait(&made.written), 0);
    /* One that has nothing to do is woken by whoever asks. */
    d.backups = hyp_backups_destroy(d.backups);
    hyp_clock_fake_advance(&d.t.clock, MINUTE_MS);
    start(&d, 7, &made.log);
    assert_int_equal(hyp_backups_start(d.backups), HYP_OK);
    assert_int_equal(hyp_backups_ask(d.backups, NULL), HYP_OK);
    assert_int_equal(sem_wait(&made.written), 0);
    restart(&d, 7);
    assert_false(step_at(&d, MIDNIGHT_MS + MINUTE_MS));
    assert_good(&d, 2);
    sem_destroy(&made.written);
    close_daily(&d);
}

static void other_stores_are_refused(void **state)
{
    (void)state;
    struct test_store t;
    struct hyp_backups *backups;
    struct hyp_error err = {0};
    test_store_open(&t, NULL);
    struct hyp_zone_fixed zone;
    hyp_zone_fixed_init(&zone, 0);
    struct hyp_backups_config config = {.store = t.store,
                                        .folder = "/nowhere",
                                        .keep = 1,
                                        .zone = &zone.zone,
                                        .clock = &t.clock.clock};
    assert_int_equal(hyp_backups_create(&config, &backups, &err), HYP_UNSUPPORTED);
    assert_non_null(strstr(err.text, "in memory"));
    test_store_close(&t);
}

/* --- what was wiped since --- */

static void wiped_readings_go_with_the_older_backups(void **state)
{
    (void)state;
    struct daily d;
    struct hyp_holding list[4];
    struct hyp_error err = {0};
    open_daily(&d, 3);
    assert_true(step_at(&d, MIDNIGHT_MS));
    assert_true(step_at(&d, MIDNIGHT_MS + DAY_MS));
    const hyp_utc between = {MIDNIGHT_MS + HOUR_MS};
    const hyp_utc after = {MIDNIGHT_MS + DAY_MS + HOUR_MS};
    assert_int_equal(hyp_backups_holding(&d.report, (hyp_utc){0}, list), 2);
    assert_int_equal(hyp_backups_holding(&d.report, between, list), 1);
    assert_int_equal(list[0].backup->time.ms, MIDNIGHT_MS);
    assert_int_equal(hyp_backups_holding(&d.report, after, list), 2);
    /* Three newer ones push one out. */
    assert_int_equal(list[0].goes.ms, d.report.next.ms + 2 * DAY_MS);
    assert_int_equal(list[1].goes.ms, d.report.next.ms + DAY_MS);
    assert_false(step_at(&d, MIDNIGHT_MS + DAY_MS + MINUTE_MS)); /* not of the same second */
    assert_int_equal(hyp_backups_replace(d.backups, between, &err), HYP_OK);
    assert_int_equal(hyp_backups_replace(d.backups, after, &err), HYP_CONFLICT); /* is asked */
    assert_true(step_at(&d, after.ms));
    assert_good(&d, 2);
    assert_int_equal(d.report.list[1].time.ms, MIDNIGHT_MS + DAY_MS);
    assert_int_equal(hyp_backups_holding(&d.report, between, list), 0);
    assert_false(step_at(&d, after.ms + MINUTE_MS));
    assert_int_equal(hyp_backups_replace(d.backups, (hyp_utc){after.ms + MINUTE_MS}, &err),
                     HYP_CONFLICT); /* could not be told from the new one */
    assert_int_equal(hyp_backups_replace(d.backups, after, &err), HYP_OK);
    assert_true(step_at(&d, after.ms + HOUR_MS));
    assert_good(&d, 1);
    assert_int_equal(d.report.list[0].time.ms, after.ms + HOUR_MS);
    close_daily(&d);
}

static void without_a_new_backup_no_older_one_goes(void **state)
{
    (void)state;
    struct daily d;
    struct hyp_error err = {0};
    open_daily(&d, 3);
    assert_true(step_at(&d, MIDNIGHT_MS));
    assert_false(step_at(&d, MIDNIGHT_MS + MINUTE_MS));
    assert_int_equal(rename(target(&d, "", 0), target(&d, "-away", 1)), 0);
    int fd = open(target(&d, "", 0), O_WRONLY | O_CREAT, 0600); /* a file in its place */
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(hyp_backups_replace(d.backups, (hyp_utc){MIDNIGHT_MS}, &err), HYP_OK);
    assert_true(step_at(&d, MIDNIGHT_MS + MINUTE_MS));
    assert_int_not_equal(d.report.last_status, HYP_OK);
    assert_int_equal(unlink(target(&d, "", 0)), 0);
    assert_int_equal(rename(target(&d, "-away", 0), target(&d, "", 1)), 0);
    assert_true(step_at(&d, MIDNIGHT_MS + 2 * HOUR_MS)); /* tried again, as any other */
    assert_good(&d, 2);
    close_daily(&d);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, the_first_is_made_at_once_and_the_next_at_its_time);
    TEST_ONE(&list, a_missed_time_is_made_up_for_after_the_start);
    TEST_ONE(&list, the_oldest_goes_when_there_are_newer_good_ones);
    TEST_ONE(&list, the_thread_makes_one_and_ends);
    if (test_is_postgres()) { /* the rest is about folders, whatever is copied into them */
        return test_list_run(&list, "store-backups");
    }
    TEST_ONE(&list, other_stores_are_refused);
    TEST_ONE(&list, a_clock_that_jumps_stops_nothing);
    TEST_ROWS(&list, spoils, a_spoilt_backup_does_not_count);
    TEST_ONE(&list, what_is_not_ours_is_left_alone);
    TEST_ONE(&list, a_failure_says_where_and_is_tried_again);
    TEST_ONE(&list, a_crowded_folder_gets_no_more);
    TEST_ONE(&list, a_damaged_store_is_backed_up_and_keeps_old_backups);
    TEST_ONE(&list, a_folder_in_use_by_another_server_is_refused);
    TEST_ONE(&list, one_that_is_asked_for_is_made_at_once);
    TEST_ONE(&list, wiped_readings_go_with_the_older_backups);
    TEST_ONE(&list, without_a_new_backup_no_older_one_goes);
    return test_list_run(&list, "store-backups");
}
