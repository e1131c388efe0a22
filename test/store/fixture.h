/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store's tests share: a folder that goes away, a store in it or in memory with one
 * tenant and some devices, and batches that are waited for. Failures fail the test.
 */
#ifndef HYP_TEST_STORE_FIXTURE_H
#define HYP_TEST_STORE_FIXTURE_H

#include "support/rows.h"

#include "store/db.h"
#include "store/store.h"

#define START_MS 1700000000000LL
#define HOUR_MS 3600000LL

/* A folder of its own under TMPDIR, /dev/shm or /tmp. */
struct test_folder {
    char path[256];
};
void test_folder_make(struct test_folder *folder);
/* Removes it with everything inside, and its database where it has one of its own. */
void test_folder_remove(struct test_folder *folder);
/* folder/name, valid until the next call with the same slot 0..3 */
const char *test_path(const struct test_folder *folder, const char *name, int slot);

/* A log sink that keeps the last line. */
struct test_log {
    struct hyp_log log;
    char last[512];
    size_t lines;
};
void test_log_init(struct test_log *log);

struct test_store {
    struct hyp_store *store;
    struct hyp_clock_fake clock;
    struct test_log log;
    struct hyp_arena arena;
    hyp_tenant_id tenant;
    struct test_folder own; /* for secret.key of a store "in memory" that is in PostgreSQL */
};
/* Are the stores of this run in PostgreSQL? (test/support/with_postgres.py says so.) */
bool test_is_postgres(void);
/* A connection of its own to the database of the store in a folder: main tables, or frames. */
struct hyp_db *test_database(const struct test_folder *folder, bool frames);
/* Fills what says where the store of a folder is. */
struct test_place {
    struct hyp_store_config config;
    char schema[64];
    char url[512];
};
void test_place(struct test_place *place, const struct test_folder *folder);
/* Set before opening: the clock is a hundred days on, and every reading is sealed at once. */
extern bool test_seal_at_once;
#define SEAL_LATER_MS (100LL * 24 * HOUR_MS)
/* @folder NULL = in memory. An existing folder is opened again; tenant is its first. */
void test_store_open(struct test_store *t, const struct test_folder *folder);
/* The store of a folder at any time, with the settings of its care: retain, seal_readings,
 * frame_days, and database where it is not the folder's own. t->tenant stays. */
void test_store_open_at(struct test_store *t, const struct test_folder *folder, int64_t now,
                        const struct hyp_store_config *settings);
void test_store_close(struct test_store *t);
/* The doctor finds no damage in the open store of the folder. */
void test_check_healthy(struct test_store *t, const struct test_folder *folder);
hyp_device_id test_device(struct test_store *t, const char *serial);
/* So many more, with serial numbers from the first on. */
void test_devices(struct test_store *t, int first, int count);
/* From so many devices on a shared database has a partition a month (add_partition,
 * store/postgres/partitions.h). */
#define TEST_DEVICES_OF_MONTHS 250
/* A line of radio receivers. */
hyp_line_id test_line(struct test_store *t, const char *name);

/* Values for batches. */
struct hyp_value test_decimal(enum hyp_name name, int64_t digits, int exp10);
struct hyp_value test_absent(enum hyp_name name, enum hyp_quality quality);
struct hyp_reading test_reading(hyp_device_id device, int64_t time_ms,
                                const struct hyp_value *values, size_t count);

/* Submits and waits for done; returns its status, or submit's when that was not OK. */
enum hyp_status test_submit(struct hyp_store *store, const struct hyp_batch *batch);
/* One reading alone. */
enum hyp_status test_put(struct test_store *t, const struct hyp_reading *reading);
/* One raw frame alone. */
void test_put_frame(struct test_store *t, const struct hyp_raw_frame *frame);
/* A frame with the one reading that came from it. */
void test_put_read_frame(struct test_store *t, const struct hyp_raw_frame *frame,
                         struct hyp_reading *reading);
/* The point of a device with this name; 0 when there is none. */
hyp_point_id test_point(struct test_store *t, hyp_device_id device, enum hyp_name name);
/* What a question for one number answers in a database of the store; -1 when it answers
 * nothing. */
int64_t test_ask(const struct test_folder *folder, bool frames, const char *sql);
/* The same at a connection that is open. */
int64_t test_ask_at(struct hyp_db *db, const char *sql);
/* What the store counts now. */
struct hyp_store_stats test_stats(struct test_store *t);

#endif
