/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: the lock, the key, the schema, damage; each says what is wrong and what to do.
 */
#include "fixture.h"

#include "store/db.h"
#include "store/layout.h"
#include "store/migrate.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum hyp_status try_open(const char *folder, struct hyp_error *err)
{
    struct test_folder at = {0};
    hyp_text_copy(at.path, sizeof(at.path), hyp_str_from(folder));
    struct test_place place;
    test_place(&place, &at);
    place.config.clock = hyp_clock_system();
    struct hyp_store *store;
    enum hyp_status status = hyp_store_open(&place.config, &store, err);
    if (status == HYP_OK) {
        hyp_store_close(store);
    }
    return status;
}

static void assert_says(const struct hyp_error *err, const char *part)
{
    if (strstr(err->text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err->text, part);
    }
}

/* Runs SQL on a closed store's database. */
static void change(const struct test_folder *folder, const char *file, const char *sql)
{
    struct hyp_db *db = test_database(folder, strcmp(file, HYP_FRAMES_FILE) == 0);
    assert_int_equal(hyp_db_exec(db, sql), HYP_OK);
    hyp_db_close(db);
}

/* A closed store with one device that has a key, and three readings of it. */
static hyp_device_id make_closed_store(struct test_folder *folder)
{
    test_folder_make(folder);
    struct test_store t;
    test_store_open(&t, folder);
    struct hyp_device device = {.tenant = t.tenant, .serial = "1", .has_key = true};
    memcpy(device.key.bytes, "0123456789ABCDEF", 16);
    assert_int_equal(hyp_store_device_add(t.store, &device, NULL), HYP_OK);
    for (int i = 0; i < 3; i++) {
        struct hyp_value value = test_decimal(HYP_NAME_VOLUME, i, 0);
        struct hyp_reading reading = test_reading(device.id, START_MS + i, &value, 1);
        assert_int_equal(test_put(&t, &reading), HYP_OK);
    }
    test_store_close(&t);
    return device.id;
}

/* --- lock --- */

static void a_folder_has_one_owner(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    struct hyp_error err = {0};
    assert_int_equal(try_open(folder.path, &err), HYP_BUSY);
    assert_says(&err, folder.path);
    assert_says(&err, "in use by another process (process ");
    test_store_close(&t);
    assert_int_equal(try_open(folder.path, &err), HYP_OK);
    test_folder_remove(&folder);
}

/* --- folder --- */

static void a_missing_folder_is_made(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct hyp_error err = {0};
    const char *deep = test_path(&folder, "a/b/c", 0);
    assert_int_equal(try_open(deep, &err), HYP_OK);
    struct stat about;
    assert_int_equal(stat(test_path(&folder, "a/b/c/secret.key", 1), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(about.st_size, 32);
    test_folder_remove(&folder);
}

static void a_file_is_no_folder(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    const char *path = test_path(&folder, "file", 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    struct hyp_error err = {0};
    assert_int_equal(try_open(path, &err), HYP_IO);
    assert_says(&err, "file");
    test_folder_remove(&folder);
}

/* --- key --- */

static void a_missing_key_is_said(void **state)
{
    (void)state;
    struct test_folder folder;
    make_closed_store(&folder);
    assert_int_equal(unlink(test_path(&folder, "secret.key", 0)), 0);
    struct hyp_error err = {0};
    assert_int_equal(try_open(folder.path, &err), HYP_NOT_FOUND);
    assert_says(&err, "secret.key is missing");
    assert_says(&err, "restore it from a backup");
    test_folder_remove(&folder);
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void a_wrong_key_is_said(void **state)
{
    (void)state;
    struct test_folder folder;
    make_closed_store(&folder);
    write_file(test_path(&folder, "secret.key", 0), "0123456789abcdef0123456789abcdef", 32);
    struct hyp_error err = {0};
    assert_int_equal(try_open(folder.path, &err), HYP_WRONG_KEY);
    assert_says(&err, "is not the key of this store");
    write_file(test_path(&folder, "secret.key", 0), "too short", 9);
    assert_int_equal(try_open(folder.path, &err), HYP_CORRUPT);
    assert_says(&err, "exactly 32 bytes");
    test_folder_remove(&folder);
}

/* A start that ended between the key file and the database goes on with that key. */
static void a_key_without_database_is_used(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    write_file(test_path(&folder, "secret.key", 0), "0123456789abcdef0123456789abcdef", 32);
    struct hyp_error err = {0};
    assert_int_equal(try_open(folder.path, &err), HYP_OK);
    assert_int_equal(try_open(folder.path, &err), HYP_OK);
    test_folder_remove(&folder);
}

/* --- schema --- */

static void a_newer_database_is_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"hypocaust.db", "frames.db"};
    for (size_t i = 0; i < HYP_ARRAY_LEN(files); i++) {
        struct test_folder folder;
        make_closed_store(&folder);
        change(&folder, files[i],
               "INSERT INTO schema_version(version, name, applied) VALUES (999, 'future', 0)");
        struct hyp_error err = {0};
        assert_int_equal(try_open(folder.path, &err), HYP_UNSUPPORTED);
        assert_says(&err, test_is_postgres() ? "PostgreSQL" : files[i]);
        assert_says(&err, "schema version 999");
        assert_says(&err, "knows up to ");
        test_folder_remove(&folder);
    }
}

static const struct hyp_migration two_steps[] = {
    {1, "first",
     "CREATE TABLE a (id {key}, n {int} NOT NULL) {strict};"
     "INSERT INTO a(n) VALUES (7);"                                                         },
    {2, "second", "ALTER TABLE a ADD COLUMN m {text}; UPDATE a SET m = 'seven' WHERE n = 7;"},
};
static const struct hyp_migration broken_step[] = {
    {1, "first",  "CREATE TABLE a (id {key}, n {int} NOT NULL) {strict};"                 },
    {2, "second", "CREATE TABLE b (id {key}) {strict}; INSERT INTO nowhere(n) VALUES (1);"},
};
static const struct hyp_migration unknown_word[] = {
    {1, "first", "CREATE TABLE a (id {no_such_word});"},
};

static void migrations_go_from_where_a_database_is(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct hyp_db *db = test_database(&folder, false);
    struct hyp_error err = {0};
    struct hyp_migrations first = {two_steps, 1};
    struct hyp_migrations both = {two_steps, 2};
    assert_int_equal(hyp_migrate(db, &first, (hyp_utc){5}, "test", &err), HYP_OK);
    assert_int_equal(test_ask_at(db, "SELECT MAX(version) FROM schema_version"), 1);
    assert_int_equal(hyp_migrate(db, &both, (hyp_utc){6}, "test", &err), HYP_OK);
    assert_int_equal(test_ask_at(db, "SELECT COUNT(*) FROM a WHERE m = 'seven'"), 1);
    assert_int_equal(test_ask_at(db, "SELECT applied FROM schema_version WHERE version = 2"),
                     6);
    assert_int_equal(hyp_migrate(db, &both, (hyp_utc){7}, "test", &err), HYP_OK);
    assert_int_equal(test_ask_at(db, "SELECT COUNT(*) FROM schema_version"), 2);
    assert_int_equal(hyp_migrate(db, &first, (hyp_utc){8}, "test", &err), HYP_UNSUPPORTED);
    hyp_db_close(db);
    test_folder_remove(&folder);
}

static void a_broken_migration_leaves_the_version_before(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct hyp_db *db = test_database(&folder, false);
    struct hyp_error err = {0};
    struct hyp_migrations list = {broken_step, 2};
    assert_int_not_equal(hyp_migrate(db, &list, (hyp_utc){5}, "test", &err), HYP_OK);
    assert_says(&err, "migration 2 (second) of test");
    assert_says(&err, "nowhere");
    assert_int_equal(test_ask_at(db, "SELECT MAX(version) FROM schema_version"), 1);
    assert_int_equal(hyp_db_exec(db, "CREATE TABLE b (n INTEGER)"), HYP_OK);
    struct hyp_db *other = test_database(&folder, true);
    struct hyp_migrations bad = {unknown_word, 1};
    assert_int_equal(hyp_migrate(other, &bad, (hyp_utc){5}, "test", &err), HYP_MALFORMED);
    hyp_db_close(other);
    hyp_db_close(db);
    test_folder_remove(&folder);
}

/* Every released version's database, as SQL text beside this test, opens and keeps its content.
 */
static void version_1_opens(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    write_file(test_path(&folder, "secret.key", 0), "0123456789abcdef0123456789abcdef", 32);
    static char sql[256 * 1024];
    FILE *file = fopen(HYP_TEST_VERSION_1, "rb");
    assert_non_null(file);
    size_t len = fread(sql, 1, sizeof(sql) - 1, file);
    fclose(file);
    sql[len] = '\0';
    change(&folder, "hypocaust.db", sql);
    struct test_store t;
    test_store_open(&t, &folder);
    struct hyp_device *devices;
    size_t count;
    assert_int_equal(hyp_store_devices(t.store, t.tenant, &t.arena, &devices, &count), HYP_OK);
    assert_int_equal(count, 1);
    assert_string_equal(devices[0].serial, "12345678");
    assert_true(devices[0].has_key);
    assert_memory_equal(devices[0].key.bytes, "0123456789ABCDEF", 16);
    assert_int_equal(devices[0].schedule.minutes, 15);
    struct hyp_latest *latest;
    assert_int_equal(
        hyp_store_latest(t.store, t.tenant, devices[0].id, &t.arena, &latest, &count), HYP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(latest[0].point.key.name, HYP_NAME_VOLUME);
    assert_int_equal(latest[0].value.decimal.digits, 1234);
    assert_int_equal(latest[0].value.decimal.exp10, -2);
    assert_int_equal(latest[1].value.kind, HYP_VALUE_TEXT);
    assert_int_equal(latest[1].value.text.len, 5);
    struct hyp_stored_frame frame;
    assert_int_equal(hyp_store_frame(t.store, t.tenant, latest[0].frame, &t.arena, &frame),
                     HYP_OK);
    assert_int_equal(frame.len, 4);
    test_store_close(&t);
    test_folder_remove(&folder);
}

/* --- damage --- */

static void a_damaged_row_is_reported_and_the_rest_loaded(void **state)
{
    (void)state;
    struct test_folder folder;
    hyp_device_id device = make_closed_store(&folder);
    /* Row 2 has lost its last byte. */
    change(&folder, "hypocaust.db",
           "UPDATE intake_log SET data = substr(data, 1, length(data) - 1) WHERE id = 2");
    struct test_store t;
    test_store_open(&t, &folder);
    struct hyp_store_stats stats;
    hyp_store_stats(t.store, &stats);
    assert_int_equal(stats.damaged, 1);
    assert_int_equal(stats.values, 2);
    assert_non_null(strstr(t.log.last, "store.log_damaged"));
    assert_non_null(strstr(t.log.last, "table=intake_log row=2 reason=BAD_CHECK"));
    struct hyp_stored_value *values;
    size_t count;
    assert_int_equal(hyp_store_series(t.store, t.tenant,
                                      test_point(&t, device, HYP_NAME_VOLUME), (hyp_utc){0},
                                      (hyp_utc){INT64_MAX}, &t.arena, &values, &count),
                     HYP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(values[0].decimal.digits, 0);
    assert_int_equal(values[1].decimal.digits, 2);
    test_store_close(&t);
    test_folder_remove(&folder);
}

static void a_file_that_is_no_database_is_said(void **state)
{
    (void)state;
    static const char *const files[] = {"hypocaust.db", "frames.db"};
    for (size_t i = 0; i < HYP_ARRAY_LEN(files); i++) {
        struct test_folder folder;
        make_closed_store(&folder);
        static char garbage[8192];
        memset(garbage, 'x', sizeof(garbage));
        write_file(test_path(&folder, files[i], 0), garbage, sizeof(garbage));
        struct hyp_error err = {0};
        assert_int_equal(try_open(folder.path, &err), HYP_CORRUPT);
        assert_says(&err, files[i]);
        test_folder_remove(&folder);
    }
}

/* --- wiping --- */

/* The bytes of a removed device's readings leave the log, also after a restart in between. */
static void a_removed_device_leaves_the_log(void **state)
{
    (void)state;
    struct test_folder folder;
    hyp_device_id device = make_closed_store(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    hyp_device_id other = test_device(&t, "2");
    struct hyp_value value = test_decimal(HYP_NAME_FLOW, 5, 0);
    struct hyp_reading readings[] = {test_reading(device, START_MS + 9, &value, 1),
                                     test_reading(other, START_MS + 9, &value, 1)};
    struct hyp_batch batch = {.readings = readings, .reading_count = 2};
    assert_int_equal(test_submit(t.store, &batch), HYP_OK);
    assert_int_equal(hyp_store_device_remove(t.store, t.tenant, device, NULL), HYP_OK);
    int64_t left;
    do {
        /* The writer takes its steps between these queries: it is what is waited for. */
        struct hyp_db *db = test_database(&folder, false);
        left = test_ask_at(db, "SELECT COUNT(*) FROM erasure");
        if (left == 0) {
            assert_int_equal(test_ask_at(db, "SELECT COUNT(*) FROM intake_log"), 4);
            /* Head, no frames, no readings. */
            assert_int_equal(
                test_ask_at(db, "SELECT COUNT(*) FROM intake_log WHERE length(data) = 7"), 3);
        }
        hyp_db_close(db);
    } while (left > 0);
    test_store_close(&t);
    test_store_open(&t, &folder);
    struct hyp_store_stats stats;
    hyp_store_stats(t.store, &stats);
    assert_int_equal(stats.values, 1);
    assert_int_equal(stats.damaged, 0);
    test_store_close(&t);
    test_folder_remove(&folder);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, a_folder_has_one_owner);
    TEST_ONE(&list, a_missing_folder_is_made);
    TEST_ONE(&list, a_file_is_no_folder);
    TEST_ONE(&list, a_missing_key_is_said);
    TEST_ONE(&list, a_wrong_key_is_said);
    TEST_ONE(&list, a_key_without_database_is_used);
    TEST_ONE(&list, a_newer_database_is_refused);
    TEST_ONE(&list, migrations_go_from_where_a_database_is);
    TEST_ONE(&list, a_broken_migration_leaves_the_version_before);
    if (!test_is_postgres()) { /* it is about files of SQLite */
        TEST_ONE(&list, version_1_opens);
    }
    TEST_ONE(&list, a_damaged_row_is_reported_and_the_rest_loaded);
    if (!test_is_postgres()) { /* it is about files of SQLite */
        TEST_ONE(&list, a_file_that_is_no_database_is_said);
    }
    TEST_ONE(&list, a_removed_device_leaves_the_log);
    return test_list_run(&list, "store-open");
}
