/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is full, broken or read-only, at every change of a file: senders are told, and
 * the store goes on alone when the cause has gone.
 */
#include "scenario.h"
#include "vfs_shim.h"

#include <sqlite3.h>

static const struct disk_row {
    const char *name;
    int code;
    enum hyp_status status;
} disks[] = {
    {"full",         SQLITE_FULL,        HYP_FULL},
    {"broken",       SQLITE_IOERR_WRITE, HYP_IO  },
    {"sync refused", SQLITE_IOERR_FSYNC, HYP_IO  },
    {"read-only",    SQLITE_READONLY,    HYP_IO  },
};

static void intake_refuses_and_recovers(void **state)
{
    const struct disk_row *row = *state;
    struct scenario s;
    scenario_make(&s);
    shim_reset();
    struct hyp_store *store;
    assert_int_equal(scenario_open(&s, &store), HYP_OK);
    assert_int_equal(scenario_send(&s, store, 0), HYP_OK);
    shim_fail_at(1, row->code, true);
    struct hyp_store_stats stats;
    for (int64_t k = 1; k < 5; k++) {
        assert_int_equal(scenario_send(&s, store, k), row->status);
        hyp_store_stats(store, &stats);
        assert_int_equal(stats.last_commit, row->status);
        assert_true(strlen(stats.last_error) > 10);
    }
    struct hyp_device device = {.tenant = s.tenant, .serial = "new"};
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_device_add(store, &device, &err), row->status);
    assert_int_equal(err.status, row->status);
    scenario_check(&s, store);
    /* The disk works again: the senders' next try succeeds. */
    shim_reset();
    for (int64_t k = 1; k < 5; k++) {
        assert_int_equal(scenario_send(&s, store, k), HYP_OK);
    }
    hyp_store_stats(store, &stats);
    assert_int_equal(stats.last_commit, HYP_OK);
    assert_string_equal(stats.last_error, "");
    assert_int_equal(hyp_store_device_add(store, &device, &err), HYP_OK);
    scenario_check(&s, store);
    hyp_store_close(store);
    scenario_check_closed(&s);
    scenario_check_pages(&s);
    scenario_remove(&s);
}

/* Once, at the n-th change, for every n; the store stays open and usable. */
static void one_failure_does_not_spread(void **state)
{
    const struct disk_row *row = *state;
    struct scenario s;
    scenario_make(&s);
    shim_reset();
    struct hyp_store *store;
    assert_int_equal(scenario_open(&s, &store), HYP_OK);
    assert_int_equal(scenario_send(&s, store, 0), HYP_OK);
    long before = shim_steps();
    assert_int_equal(scenario_send(&s, store, 1), HYP_OK);
    long steps = shim_steps() - before;
    assert_true(steps > 1);
    int64_t k = 2;
    for (long at = 1; at <= steps; at++) {
        shim_fail_at(at, row->code, false);
        enum hyp_status status = scenario_send(&s, store, k);
        assert_true(status == HYP_OK || status == row->status);
        shim_fail_at(0, SQLITE_OK, false);
        assert_int_equal(scenario_send(&s, store, k), HYP_OK);
        assert_int_equal(scenario_send(&s, store, k + 1), HYP_OK);
        scenario_check(&s, store);
        k += 2;
    }
    hyp_store_close(store);
    scenario_check_closed(&s);
    scenario_check_pages(&s);
    scenario_remove(&s);
}

/* Opening on a disk that refuses from the n-th change on: a reason, no crash; later it opens.
 */
static void opening_says_why_not(void **state)
{
    const struct disk_row *row = *state;
    shim_reset();
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    long steps = shim_steps();
    test_store_close(&t);
    test_folder_remove(&folder);
    for (long at = 1; at <= steps; at += 5) {
        test_folder_make(&folder);
        shim_fail_at(at, row->code, true);
        struct hyp_store_config config = {.folder = folder.path, .clock = hyp_clock_system()};
        struct hyp_store *store;
        struct hyp_error err = {0};
        enum hyp_status status = hyp_store_open(&config, &store, &err);
        if (status == HYP_OK) {
            hyp_store_close(store);
        } else {
            assert_true(strlen(err.text) > 10);
            assert_true(status == row->status || status == HYP_IO);
        }
        shim_reset();
        test_store_open(&t, &folder);
        test_store_close(&t);
        test_folder_remove(&folder);
    }
}

int main(void)
{
    shim_install();
    struct test_list list = {0};
    TEST_ROWS(&list, disks, intake_refuses_and_recovers);
    TEST_ROWS(&list, disks, one_failure_does_not_spread);
    TEST_ROWS(&list, disks, opening_says_why_not);
    return test_list_run(&list, "fault-disk");
}
