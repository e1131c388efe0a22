/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Daily backups on a disk that fails at the n-th change, once or for good: whatever then has
 * the name of a backup can be restored, the failure is told, older backups are there, and when
 * the disk works again so do the backups.
 *
 * Changes by SQLite are counted by its VFS, ours by the linker's --wrap.
 */
#include "scenario.h"
#include "vfs_shim.h"

#include "model/zone.h"

#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS 86400000LL

/* --- our own changes --- */

static struct {
    long taken;
    long at; /* 0 = never */
    bool forever;
} order;

static bool is_refused(void)
{
    order.taken++;
    bool refused =
        order.at != 0 && (order.taken == order.at || (order.taken > order.at && order.forever));
    if (refused) {
        errno = ENOSPC;
    }
    return refused;
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __real_rmdir(const char *path);
int __wrap_rmdir(const char *path);

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    return is_refused() ? -1 : __real_write(fd, data, len);
}

int __wrap_fsync(int fd)
{
    return is_refused() ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    return is_refused() ? -1 : __real_rename(from, to);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    return is_refused() ? -1 : __real_mkdir(path, mode);
}

int __wrap_unlink(const char *path)
{
    return is_refused() ? -1 : __real_unlink(path);
}

int __wrap_rmdir(const char *path)
{
    return is_refused() ? -1 : __real_rmdir(path);
}

/* --- a plant with backups --- */

struct daily {
    struct scenario s;
    struct hyp_store *store;
    struct hyp_clock_fake clock;
    struct hyp_zone_fixed zone;
    struct hyp_backups *backups;
    struct test_folder target;
    struct test_folder scratch;
};

static void start(struct daily *d)
{
    struct hyp_backups_config config = {
        .store = d->store,
        .folder = d->target.path,
        .keep = 2,
        .zone = &d->zone.zone,
        .clock = &d->clock.clock,
    };
    assert_int_equal(hyp_backups_create(&config, &d->backups, NULL), HYP_OK);
}

/* Two good backups, and the clock at the time for the third. */
static void open_daily(struct daily *d)
{
    *d = (struct daily){0};
    scenario_make(&d->s);
    assert_int_equal(scenario_open(&d->s, &d->store), HYP_OK);
    assert_int_equal(scenario_send(&d->s, d->store, 0), HYP_OK);
    test_folder_make(&d->target);
    test_folder_make(&d->scratch);
    hyp_clock_fake_init(&d->clock, (hyp_utc){START_MS});
    hyp_zone_fixed_init(&d->zone, 0);
    start(d);
    for (int i = 0; i < 2; i++) {
        assert_true(hyp_backups_step(d->backups));
        hyp_clock_fake_advance(&d->clock, DAY_MS);
    }
}

static void close_daily(struct daily *d)
{
    hyp_backups_destroy(d->backups);
    hyp_store_close(d->store);
    test_folder_remove(&d->target);
    test_folder_remove(&d->scratch);
    scenario_remove(&d->s);
}

static void report(struct daily *d, struct hyp_arena *arena, struct hyp_backups_report *out)
{
    hyp_arena_reset(arena);
    assert_int_equal(hyp_backups_report(d->backups, arena, out), HYP_OK);
}

/* Everything with the name of a backup is one. Returns how many there are. */
static size_t check_all(struct daily *d)
{
    size_t count = 0;
    DIR *dir = opendir(d->target.path);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        struct hyp_str name = hyp_str_from(entry->d_name);
        char from[1024];
        struct hyp_buf buf;
        struct hyp_error err = {0};
        if (!hyp_str_has_prefix(name, HYP_STR("hypocaust-")) ||
            hyp_str_has_suffix(name, HYP_STR(".partial"))) {
            continue;
        }
        hyp_buf_init_fixed(&buf, from, sizeof(from));
        hyp_buf_append_fmt(&buf, "%s/%s", d->target.path, entry->d_name);
        struct test_folder restored;
        test_folder_make(&restored);
        if (hyp_store_restore(hyp_buf_terminate(&buf), restored.path, &err) != HYP_OK) {
            fail_msg("%s looks whole: %s", from, err.text);
        }
        test_folder_remove(&restored);
        count++;
    }
    closedir(dir);
    return count;
}

static void refuse(bool ours, long at, bool forever)
{
    order.taken = 0;
    order.at = ours ? at : 0;
    order.forever = forever;
    if (ours || at == 0) {
        shim_reset();
    } else {
        shim_fail_at(at, SQLITE_FULL, forever);
    }
}

static const struct fault_row {
    const char *name;
    bool ours;
    bool forever;
} faults[] = {
    {"our change fails once",            true,  false},
    {"our changes fail from then on",    true,  true },
    {"the database's change fails once", false, false},
    {"the database's fail from then on", false, true },
};

/* @return whether there was an n-th change */
static bool fail_nth(const struct fault_row *row, long at)
{
    struct daily d;
    struct hyp_arena arena;
    struct hyp_backups_report now;
    refuse(row->ours, 0, false);
    open_daily(&d);
    hyp_arena_init(&arena, 1024 * 1024);
    refuse(row->ours, at, row->forever);
    assert_true(hyp_backups_step(d.backups));
    bool reached = (row->ours ? order.taken : shim_steps()) >= at;
    refuse(row->ours, 0, false);
    report(&d, &arena, &now);
    bool good = now.last_status == HYP_OK;
    assert_true(good == (now.last_error[0] == '\0'));
    assert_true(good || strlen(now.last_error) > 10);
    if (row->forever && reached && row->ours) {
        assert_false(good);
    }
    assert_true(check_all(&d) >= 2);
    /* With the disk working again. A second later: names are seconds. */
    hyp_clock_fake_advance(&d.clock, DAY_MS + 1000);
    assert_true(hyp_backups_step(d.backups));
    report(&d, &arena, &now);
    assert_string_equal(now.last_error, "");
    assert_int_equal(check_all(&d), 2);
    assert_int_equal(now.count, 2);
    DIR *dir = opendir(d.target.path);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        assert_false(hyp_str_has_suffix(hyp_str_from(entry->d_name), HYP_STR(".partial")));
    }
    closedir(dir);
    hyp_arena_finish(&arena);
    close_daily(&d);
    return reached;
}

static void no_half_backup_looks_whole(void **state)
{
    const struct fault_row *row = *state;
    /* The database writes page by page: a few of those in the middle are enough. */
    long at = 1;
    while (fail_nth(row, at)) {
        at += row->ours || at < 4 ? 1 : 61;
    }
    /* Folder, lock, key, manifest, names: our own are more than these. */
    assert_true(at > 8);
}

int main(void)
{
    shim_install();
    struct test_list list = {0};
    TEST_ROWS(&list, faults, no_half_backup_looks_whole);
    return test_list_run(&list, "fault-backups");
}
