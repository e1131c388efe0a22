/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup and restore: a copy of one moment, checked, and refused when it is not what it was.
 */
#include "fixture.h"

#include "store/backup_copy.h"
#include "store/move.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_says(const struct hyp_error *err, const char *part)
{
    if (strstr(err->text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err->text, part);
    }
}

static void put(struct test_store *t, hyp_device_id device, int i)
{
    static const uint8_t bytes[] = {0x68, 0x16};
    struct hyp_raw_frame frame = {
        .device = device, .protocol = HYP_RAW_MBUS, .bytes = bytes, .len = 2};
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, i, 0);
    struct hyp_reading reading = test_reading(device, START_MS + i, &value, 1);
    test_put_read_frame(t, &frame, &reading);
}

/* A store with ten readings in folder/data, closed. */
static void make_data(struct test_folder *folder, struct test_folder *data)
{
    test_folder_make(folder);
    hyp_text_copy(data->path, sizeof(data->path), hyp_str_from(test_path(folder, "data", 0)));
    struct test_store t;
    test_store_open(&t, data);
    struct hyp_device device = {.tenant = t.tenant, .serial = "1", .has_key = true};
    memcpy(device.key.bytes, "0123456789ABCDEF", 16);
    assert_int_equal(hyp_store_device_add(t.store, &device, NULL), HYP_OK);
    for (int i = 0; i < 10; i++) {
        put(&t, device.id, i);
    }
    test_store_close(&t);
}

static void check_content(const char *path, size_t least)
{
    struct test_folder folder;
    hyp_text_copy(folder.path, sizeof(folder.path), hyp_str_from(path));
    struct test_store t;
    test_store_open(&t, &folder);
    struct hyp_device *devices;
    size_t count;
    assert_int_equal(hyp_store_devices(t.store, t.tenant, &t.arena, &devices, &count), HYP_OK);
    assert_int_equal(count, 1);
    assert_memory_equal(devices[0].key.bytes, "0123456789ABCDEF", 16);
    struct hyp_stored_reading *readings;
    size_t total;
    assert_int_equal(hyp_store_readings(t.store, t.tenant, devices[0].id, (hyp_utc){0},
                                        (hyp_utc){INT64_MAX}, 0, 100000, &t.arena, &readings,
                                        &count, &total),
                     HYP_OK);
    assert_true(count >= least);
    /* All of a moment: what is there has no gap, and each reading has its frame. */
    for (size_t i = 0; i < count; i++) {
        int64_t number = (int64_t)(count - 1 - i);
        assert_int_equal(readings[i].source_time.ms, START_MS + number);
        assert_int_equal(readings[i].values[0].decimal.digits, number);
        struct hyp_stored_frame frame;
        assert_int_equal(
            hyp_store_frame(t.store, t.tenant, readings[i].frame, &t.arena, &frame), HYP_OK);
    }
    test_store_close(&t);
}

/* To where the stores of this run are. */
static void restore(const char *backup, const char *path)
{
    struct test_folder folder;
    struct test_place place;
    struct hyp_error err = {0};
    hyp_text_copy(folder.path, sizeof(folder.path), hyp_str_from(path));
    test_place(&place, &folder);
    const struct hyp_store_move move = {.folder = path,
                                        .database = place.config.database,
                                        .schema = place.config.schema,
                                        .clock = hyp_clock_system()};
    enum hyp_status status = test_is_postgres()
                                 ? hyp_store_restore_database(backup, &move, &err)
                                 : hyp_store_restore(backup, path, &err);
    if (status != HYP_OK) {
        fail_msg("not restored: %s", err.text);
    }
}

static void a_backup_becomes_a_store_again(void **state)
{
    (void)state;
    struct test_folder folder;
    struct test_folder data;
    make_data(&folder, &data);
    const char *backup = test_path(&folder, "backup", 1);
    const char *restored = test_path(&folder, "restored", 2);
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_backup_folder(data.path, NULL, backup, hyp_clock_system(), &err),
                     HYP_OK);
    struct stat about;
    assert_int_equal(stat(test_path(&folder, "backup/secret.key", 3), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(hyp_store_restore(backup, restored, &err), HYP_OK);
    check_content(restored, 10);
    check_content(data.path, 10);
    test_folder_remove(&folder);
}

/* Nothing could be opened with it: such a backup is none. */
static void a_key_of_another_store_is_not_backed_up(void **state)
{
    (void)state;
    struct test_folder folder;
    struct test_folder data;
    make_data(&folder, &data);
    int fd = open(test_path(&data, "secret.key", 3), O_WRONLY);
    assert_int_equal(write(fd, "another store's key: 32 bytes of", 32), 32);
    assert_int_equal(close(fd), 0);
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_backup_folder(data.path, NULL, test_path(&folder, "backup", 1),
                                             hyp_clock_system(), &err),
                     HYP_WRONG_KEY);
    assert_non_null(strstr(err.text, "is not the key of this store"));
    test_folder_remove(&folder);
}

static void a_store_in_memory_can_be_backed_up(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_device device = {.tenant = t.tenant, .serial = "1", .has_key = true};
    memcpy(device.key.bytes, "0123456789ABCDEF", 16);
    assert_int_equal(hyp_store_device_add(t.store, &device, NULL), HYP_OK);
    put(&t, device.id, 0);
    struct hyp_error err = {0};
    const char *backup = test_path(&folder, "backup", 0);
    assert_int_equal(hyp_store_backup(t.store, backup, &err), HYP_OK);
    test_store_close(&t);
    const char *restored = test_path(&folder, "restored", 1);
    restore(backup, restored);
    check_content(restored, 1);
    test_folder_remove(&folder);
}

/* --- under load --- */

struct load {
    struct test_store *t;
    hyp_device_id device;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int done;
    bool stop;
};

static void *write_on(void *argument)
{
    struct load *load = argument;
    bool stop = false;
    for (int i = 10; !stop; i++) {
        put(load->t, load->device, i);
        pthread_mutex_lock(&load->mutex);
        load->done = i + 1;
        stop = load->stop;
        pthread_cond_signal(&load->changed);
        pthread_mutex_unlock(&load->mutex);
    }
    return NULL;
}

static int wait_done(struct load *load, int least)
{
    pthread_mutex_lock(&load->mutex);
    while (load->done < least) {
        pthread_cond_wait(&load->changed, &load->mutex);
    }
    int done = load->done;
    pthread_mutex_unlock(&load->mutex);
    return done;
}

static void a_backup_under_load_is_of_one_moment(void **state)
{
    (void)state;
    struct test_folder folder;
    struct test_folder data;
    make_data(&folder, &data);
    struct test_store t;
    test_store_open(&t, &data);
    struct hyp_device *devices;
    size_t count;
    assert_int_equal(hyp_store_devices(t.store, t.tenant, &t.arena, &devices, &count), HYP_OK);
    struct load load = {.t = &t,
                        .device = devices[0].id,
                        .mutex = PTHREAD_MUTEX_INITIALIZER,
                        .changed = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &load), 0);
    int before = wait_done(&load, 20);
    struct hyp_error err = {0};
    const char *backup = test_path(&folder, "backup", 1);
    assert_int_equal(hyp_store_backup(t.store, backup, &err), HYP_OK);
    wait_done(&load, before + 20);
    pthread_mutex_lock(&load.mutex);
    load.stop = true;
    pthread_mutex_unlock(&load.mutex);
    pthread_join(thread, NULL);
    test_store_close(&t);
    const char *restored = test_path(&folder, "restored", 2);
    restore(backup, restored);
    check_content(restored, (size_t)before);
    test_folder_remove(&folder);
}

/* --- refusals --- */

static void flip_byte(const char *path, off_t at)
{
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0xFF;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* What is done to a good backup, and what restore says. */
static const struct spoiled_row {
    const char *name;
    const char *file;
    int way; /* 0 remove, 1 change a byte, 2 cut */
    enum hyp_status status;
    const char *text;
} spoiled[] = {
    {"without manifest", "backup.txt",   0, HYP_NOT_FOUND,   "no complete backup"    },
    {"manifest changed", "backup.txt",   1, HYP_UNSUPPORTED, "does not begin with"   },
    {"manifest cut",     "backup.txt",   2, HYP_MALFORMED,   "no entry for"          },
    {"database changed", "hypocaust.db", 1, HYP_CORRUPT,     "not what was backed up"},
    {"database cut",     "hypocaust.db", 2, HYP_CORRUPT,     "not what was backed up"},
    {"without frames",   "frames.db",    0, HYP_NOT_FOUND,   "frames.db"             },
    {"key changed",      "secret.key",   1, HYP_CORRUPT,     "secret.key is not what"},
};

static void a_spoiled_backup_is_refused(void **state)
{
    const struct spoiled_row *row = *state;
    struct test_folder folder;
    struct test_folder data;
    make_data(&folder, &data);
    struct hyp_error err = {0};
    const char *backup = test_path(&folder, "backup", 1);
    assert_int_equal(hyp_store_backup_folder(data.path, NULL, backup, hyp_clock_system(), &err),
                     HYP_OK);
    struct test_folder inside;
    hyp_text_copy(inside.path, sizeof(inside.path), hyp_str_from(backup));
    const char *path = test_path(&inside, row->file, 2);
    switch (row->way) {
    case 0: assert_int_equal(unlink(path), 0); break;
    case 1: flip_byte(path, 5); break;
    default: assert_int_equal(truncate(path, 40), 0); break;
    }
    const char *restored = test_path(&folder, "restored", 3);
    assert_int_equal(hyp_store_restore(backup, restored, &err), row->status);
    assert_says(&err, row->text);
    /* Nothing was made. */
    struct stat about;
    assert_int_not_equal(stat(restored, &about), 0);
    test_folder_remove(&folder);
}

static void folders_in_use_are_left_alone(void **state)
{
    (void)state;
    struct test_folder folder;
    struct test_folder data;
    make_data(&folder, &data);
    struct hyp_error err = {0};
    const char *backup = test_path(&folder, "backup", 1);
    assert_int_equal(
        hyp_store_backup_folder(data.path, NULL, data.path, hyp_clock_system(), &err),
        HYP_EXISTS);
    assert_says(&err, "is not empty");
    assert_int_equal(hyp_store_backup_folder(data.path, NULL, backup, hyp_clock_system(), &err),
                     HYP_OK);
    assert_int_equal(hyp_store_backup_folder(data.path, NULL, backup, hyp_clock_system(), &err),
                     HYP_EXISTS);
    assert_int_equal(hyp_store_restore(backup, data.path, &err), HYP_EXISTS);
    assert_int_equal(hyp_store_backup_folder(folder.path, NULL, test_path(&folder, "x", 2),
                                             hyp_clock_system(), &err),
                     HYP_NOT_FOUND);
    assert_says(&err, "is no data folder");
    check_content(data.path, 10);
    test_folder_remove(&folder);
}

/* --- of a database --- */

static void back_up(const struct test_folder *data, const char *backup)
{
    struct test_store t;
    struct hyp_error err = {0};
    test_store_open(&t, data);
    if (hyp_store_backup(t.store, backup, &err) != HYP_OK) {
        fail_msg("no backup: %s", err.text);
    }
    test_store_close(&t);
}

/* There is one kind of backup: it becomes a store in a database, or in files. */
static void a_backup_of_a_database_fits_both(void **state)
{
    (void)state;
    struct test_folder folder;
    struct test_folder data;
    make_data(&folder, &data);
    const char *backup = test_path(&folder, "backup", 1);
    back_up(&data, backup);
    struct stat about;
    assert_int_equal(stat(test_path(&folder, "backup/secret.key", 3), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_not_equal(stat(test_path(&folder, "backup/hypocaust.db-wal", 3), &about), 0);
    const char *restored = test_path(&folder, "restored", 2);
    restore(backup, restored);
    assert_int_not_equal(stat(test_path(&folder, "restored/hypocaust.db", 3), &about), 0);
    check_content(restored, 10);
    /* The same backup once more, as files. */
    struct hyp_error err = {0};
    const char *files = test_path(&folder, "files", 2);
    assert_int_equal(hyp_store_restore(backup, files, &err), HYP_OK);
    struct hyp_store_config config = {.folder = files, .clock = hyp_clock_system()};
    struct hyp_store *store;
    assert_int_equal(hyp_store_open(&config, &store, &err), HYP_OK);
    struct hyp_store_stats stats;
    hyp_store_stats(store, &stats);
    assert_int_equal(stats.readings, 10);
    assert_int_equal(stats.frames, 10);
    hyp_store_close(store);
    check_content(data.path, 10);
    test_folder_remove(&folder);
}

static void numbers_go_on_after_a_restore(void **state)
{
    (void)state;
    struct test_folder folder;
    struct test_folder data;
    make_data(&folder, &data);
    struct test_store t;
    test_store_open(&t, &data);
    hyp_device_id gone = test_device(&t, "2");
    assert_int_equal(hyp_store_device_remove(t.store, t.tenant, gone, NULL), HYP_OK);
    test_store_close(&t);
    const char *backup = test_path(&folder, "backup", 1);
    back_up(&data, backup);
    const char *restored = test_path(&folder, "restored", 2);
    restore(backup, restored);
    struct test_folder again;
    hyp_text_copy(again.path, sizeof(again.path), hyp_str_from(restored));
    test_store_open(&t, &again);
    assert_true(test_device(&t, "3").id > gone.id);
    test_store_close(&t);
    test_folder_remove(&folder);
}

static void a_database_of_another_version_is_refused(void **state)
{
    (void)state;
    struct test_folder folder;
    struct test_folder data;
    make_data(&folder, &data);
    struct test_place place;
    test_place(&place, &data);
    struct hyp_db *db = test_database(&data, true);
    assert_int_equal(hyp_db_exec(db, "DELETE FROM schema_version WHERE version > 1"), HYP_OK);
    hyp_db_close(db);
    const char *backup = test_path(&folder, "backup", 1);
    const struct hyp_backup_source source = {
        .folder = data.path, .database = place.config.database, .schema = place.config.schema};
    struct hyp_error err = {0};
    int64_t damaged;
    assert_int_equal(hyp_backup_make(&source, backup, (hyp_utc){1}, &damaged, &err),
                     HYP_UNSUPPORTED);
    assert_says(&err, "schema version 1");
    /* What is there of it is no backup. */
    assert_int_equal(hyp_store_restore(backup, test_path(&folder, "x", 2), &err),
                     HYP_NOT_FOUND);
    test_folder_remove(&folder);
}

static void a_moved_folder_names_its_database(void **state)
{
    (void)state;
    struct test_folder folder;
    struct test_folder data;
    make_data(&folder, &data);
    FILE *file = fopen(test_path(&data, "moved.txt", 3), "w");
    assert_non_null(file);
    fclose(file);
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_backup_folder(data.path, NULL, test_path(&folder, "x", 2),
                                             hyp_clock_system(), &err),
                     HYP_UNSUPPORTED);
    assert_says(&err, "--database");
    test_folder_remove(&folder);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, a_store_in_memory_can_be_backed_up);
    if (test_is_postgres()) {
        TEST_ONE(&list, a_backup_of_a_database_fits_both);
        TEST_ONE(&list, numbers_go_on_after_a_restore);
        TEST_ONE(&list, a_database_of_another_version_is_refused);
        TEST_ONE(&list, a_backup_under_load_is_of_one_moment);
        return test_list_run(&list, "store-backup");
    }
    TEST_ONE(&list, a_backup_becomes_a_store_again);
    TEST_ONE(&list, a_key_of_another_store_is_not_backed_up);
    TEST_ONE(&list, a_backup_under_load_is_of_one_moment);
    TEST_ROWS(&list, spoiled, a_spoiled_backup_is_refused);
    TEST_ONE(&list, folders_in_use_are_left_alone);
    TEST_ONE(&list, a_moved_folder_names_its_database);
    return test_list_run(&list, "store-backup");
}
