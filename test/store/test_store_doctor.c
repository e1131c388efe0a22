/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doctor: a healthy folder is called healthy, also while its store is open; every kind of
 * damage is found, named with its place, and comes with a remedy.
 */
#include "doctor_report.h"

#include "store/doctor.h"
#include "store/layout.h"
#include "store/sqlite/sqlite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_MS (START_MS + SEAL_LATER_MS + HOUR_MS)

static enum hyp_finding_level visit(const char *folder, struct test_report *report)
{
    return test_doctor_visit(folder, NOW_MS, 1, report);
}

static void make_folder(struct test_folder *folder)
{
    test_folder_make(folder);
    struct test_store t;
    test_seal_at_once = true;
    test_store_open(&t, folder);
    test_doctor_fill(&t);
    test_store_close(&t);
}

static void a_healthy_folder_is_called_healthy(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct test_report report;
    make_folder(&folder);
    enum hyp_finding_level worst = visit(folder.path, &report);
    if (worst != HYP_FINDING_FINE) {
        fail_msg("%s", report.text);
    }
    test_report_says(&report, "chunks: ");
    test_report_says(&report, "chunks: 2 chunks, ");
    test_report_says(&report, "1 keys and passwords can be opened");
    test_report_says(&report, "1 rows of frame_block");
    test_folder_remove(&folder);
}

static void a_store_at_work_is_called_healthy(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct test_report report;
    test_folder_make(&folder);
    struct test_store t;
    test_seal_at_once = true;
    test_store_open(&t, &folder);
    test_doctor_fill(&t);
    enum hyp_finding_level worst = visit(folder.path, &report);
    if (worst != HYP_FINDING_FINE) {
        fail_msg("%s", report.text);
    }
    test_store_close(&t);
    test_folder_remove(&folder);
}

static void no_data_folder_is_an_error(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct test_report report;
    test_folder_make(&folder);
    struct hyp_doctor doctor = {.folder = folder.path,
                                .clock = hyp_clock_system(),
                                .user = &report,
                                .tell = test_report_note};
    enum hyp_finding_level worst;
    struct hyp_error err = {0};
    assert_int_equal(hyp_doctor_check(&doctor, &worst, &err), HYP_NOT_FOUND);
    assert_non_null(strstr(err.text, "is no data folder"));
    test_folder_remove(&folder);
}

/* --- damage of rows --- */

static const struct sql_row {
    const char *name;
    const char *file;
    const char *sql; /* what does the damage */
    enum hyp_finding_level level;
    const char *says;
} sql_rows[] = {
    {"a row of the log",           HYP_MAIN_FILE,
     "UPDATE intake_log SET data = CAST(data || 'x' AS BLOB)",                                         HYP_FINDING_DAMAGE,
     "of table intake_log: checksum"                                                                                                                                   },
    {"a log of another version",   HYP_MAIN_FILE,
     "UPDATE intake_log SET data = CAST('zzzzzzzz' AS BLOB)",                                          HYP_FINDING_DAMAGE,
     "of table intake_log: legal but"                                                                                                                                  },
    {"a point that is missing",    HYP_MAIN_FILE,   "DELETE FROM point WHERE device = 1",
     HYP_FINDING_DAMAGE,                                                                                                    "which device 1 does not have"             },
    {"the head of a chunk",        HYP_MAIN_FILE,
     "UPDATE chunk SET head = CAST(head || 'x' AS BLOB) WHERE id & 4294967295 = 1",                    HYP_FINDING_DAMAGE,  "of table chunk, of device 1: checksum"    },
    {"the data of a chunk",        HYP_MAIN_FILE,
     "UPDATE chunk SET data = CAST(data || 'x' AS BLOB) WHERE id & 4294967295 = 2",                    HYP_FINDING_DAMAGE,  "of table chunk, of device 2: checksum"    },
    {"a chunk at the wrong place", HYP_MAIN_FILE,
     "UPDATE chunk SET id = id + (1 << 38) WHERE id & 4294967295 = 2",                                 HYP_FINDING_DAMAGE,
     "of table chunk, of device 2: violates"                                                                                                                           },
    {"a chunk of nobody",          HYP_MAIN_FILE,
     "UPDATE chunk SET id = id + 7 WHERE id & 4294967295 = 2",                                         HYP_FINDING_DAMAGE,
     "is of device 9, which does not exist"                                                                                                                            },
    {"a chunk that is missing",    HYP_MAIN_FILE,   "DELETE FROM chunk WHERE id & 4294967295 = 2",
     HYP_FINDING_DAMAGE,                                                                                                    " readings of device 2, its chunks hold 0" },
    {"a count that is wrong",      HYP_MAIN_FILE,   "UPDATE sealed SET readings = 3 WHERE device = 2",
     HYP_FINDING_DAMAGE,                                                                                                    "3 readings of device 2, its chunks hold 1"},
    {"times that are wrong",       HYP_MAIN_FILE,   "UPDATE sealed SET newest = 5 WHERE device = 2",
     HYP_FINDING_DAMAGE,                                                                                                    "of another time"                          },
    {"a device not in sealed",     HYP_MAIN_FILE,   "DELETE FROM sealed WHERE device = 2",
     HYP_FINDING_DAMAGE,                                                                                                    "no row of device 2, which has chunks"     },
    {"a row of raw frames",        HYP_MAIN_FILE,
     "UPDATE frame_log SET data = CAST(data || 'x' AS BLOB)",                                          HYP_FINDING_DAMAGE,
     "of table frame_log: checksum"                                                                                                                                    },
    {"a block of raw frames",      HYP_FRAMES_FILE,
     "UPDATE frame_block SET data = CAST(data || 'x' AS BLOB)",                                        HYP_FINDING_DAMAGE,
     "of table frame_block: checksum"                                                                                                                                  },
    {"a reference to nothing",     HYP_MAIN_FILE,
     "PRAGMA foreign_keys = OFF; INSERT INTO comm_event(device, time, status, message)"
     " VALUES (99, 0, 'OK', '')",                                                                      HYP_FINDING_DAMAGE,  "table comm_event names a device"          },
    {"a newer schema",             HYP_MAIN_FILE,
     "INSERT INTO schema_version(version, name, applied) VALUES (999, 'x', 0)",                        HYP_FINDING_DAMAGE,  "schema version 999"                       },
    {"an older schema",            HYP_FRAMES_FILE, "DELETE FROM schema_version",                      HYP_FINDING_WARNING,
     "schema version 0, this program uses"                                                                                                                             },
    {"another key",                HYP_MAIN_FILE,   "UPDATE setting SET data = zeroblob(49)",          HYP_FINDING_DAMAGE,
     "is not the key that this store was made with"                                                                                                                    },
    {"a secret of another key",    HYP_MAIN_FILE,
     "UPDATE device SET secret = zeroblob(56) WHERE id = 1",                                           HYP_FINDING_DAMAGE,
     "the key of device 1 cannot be opened"                                                                                                                            },
    {"written in the future",      HYP_MAIN_FILE,   "UPDATE schema_version SET applied = 1 << 41",
     HYP_FINDING_WARNING,                                                                                                   "it was set back"                          },
    {"read in the future",         HYP_MAIN_FILE,   "UPDATE sealed SET newest = 1 << 41",
     HYP_FINDING_WARNING,                                                                                                   "there are readings of 2039"               },
};

static void damage_of_rows_is_found(void **state)
{
    const struct sql_row *row = *state;
    struct test_folder folder;
    static struct test_report report;
    make_folder(&folder);
    struct hyp_db *db;
    assert_int_equal(
        hyp_sqlite_open(test_path(&folder, row->file, 0), HYP_SQLITE_WRITE, &db, NULL), HYP_OK);
    assert_int_equal(hyp_db_exec(db, row->sql), HYP_OK);
    hyp_db_close(db);
    assert_int_equal(visit(folder.path, &report), row->level);
    test_report_says(&report, row->says);
    test_folder_remove(&folder);
}

/* As hyp_store_device_remove leaves it, before the first step of erasing. */
static void a_device_that_is_being_erased_is_no_damage(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct test_report report;
    make_folder(&folder);
    struct hyp_db *db;
    assert_int_equal(
        hyp_sqlite_open(test_path(&folder, HYP_MAIN_FILE, 0), HYP_SQLITE_WRITE, &db, NULL),
        HYP_OK);
    assert_int_equal(hyp_db_exec(db,
                                 "PRAGMA foreign_keys = ON; DELETE FROM device WHERE id = 1;"
                                 "INSERT INTO erasure(device, log_next) VALUES (1, 0)"),
                     HYP_OK);
    hyp_db_close(db);
    if (visit(folder.path, &report) != HYP_FINDING_FINE) {
        fail_msg("%s", report.text);
    }
    test_report_says(&report, "chunks: 2 chunks, ");
    test_folder_remove(&folder);
}

static void many_findings_are_counted(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct test_report report;
    make_folder(&folder);
    struct hyp_db *db;
    assert_int_equal(
        hyp_sqlite_open(test_path(&folder, HYP_MAIN_FILE, 0), HYP_SQLITE_WRITE, &db, NULL),
        HYP_OK);
    assert_int_equal(hyp_db_exec(db,
                                 "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1"
                                 " FROM n WHERE i < 1049) INSERT INTO intake_log(id, data)"
                                 " SELECT i, zeroblob(9) FROM n"),
                     HYP_OK);
    hyp_db_close(db);
    assert_int_equal(visit(folder.path, &report), HYP_FINDING_DAMAGE);
    test_report_says(&report, "and 30 more of the kind");
    assert_int_equal(report.counts[HYP_FINDING_DAMAGE], 20);
    test_folder_remove(&folder);
}

/* --- damage of files --- */

/* Overwrites bytes in the middle of the file, past the pages of the schema. */
static void spoil(const char *path)
{
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    struct stat about;
    assert_int_equal(fstat(fd, &about), 0);
    uint8_t noise[4096];
    memset(noise, 0xA5, sizeof(noise));
    off_t pages = about.st_size / 4096;
    for (off_t page = pages / 2; page < pages; page++) {
        assert_int_equal(pwrite(fd, noise, sizeof(noise), page * 4096), sizeof(noise));
    }
    close(fd);
}

enum deed {
    CHMOD_KEY,
    CHMOD_FOLDER,
    REMOVE_KEY,
    CUT_KEY,
    REMOVE_FRAMES,
    SPOIL_MAIN,
    NO_DATABASE
};

static const struct file_row {
    const char *name;
    enum deed deed;
    enum hyp_finding_level level;
    const char *says;
} file_rows[] = {
    {"a key that others can read", CHMOD_KEY,     HYP_FINDING_WARNING,
     "secret.key can be read by others (mode 644)"                                                 },
    {"an open folder",             CHMOD_FOLDER,  HYP_FINDING_WARNING, "is open to everybody"      },
    {"no key",                     REMOVE_KEY,    HYP_FINDING_DAMAGE,  "secret.key is missing"     },
    {"a short key",                CUT_KEY,       HYP_FINDING_DAMAGE,  "must hold exactly 32 bytes"},
    {"no frames",                  REMOVE_FRAMES, HYP_FINDING_DAMAGE,  "frames.db is missing"      },
    {"pages that are spoilt",      SPOIL_MAIN,    HYP_FINDING_DAMAGE,  "hypocaust.db: "            },
    {"something else",             NO_DATABASE,   HYP_FINDING_DAMAGE,  "not a database"            },
};

static void do_deed(const struct test_folder *folder, enum deed deed)
{
    const char *key = test_path(folder, "secret.key", 0);
    const char *database = test_path(folder, HYP_MAIN_FILE, 1);
    int done = 0;
    switch (deed) {
    case CHMOD_KEY: done = chmod(key, 0644); break;
    case CHMOD_FOLDER: done = chmod(folder->path, 0755); break;
    case REMOVE_KEY: done = unlink(key); break;
    case CUT_KEY: done = truncate(key, 31); break;
    case REMOVE_FRAMES: done = unlink(test_path(folder, HYP_FRAMES_FILE, 2)); break;
    case SPOIL_MAIN: spoil(database); break;
    case NO_DATABASE: {
        FILE *file = fopen(database, "w");
        assert_non_null(file);
        for (int i = 0; i < 1000; i++) {
            assert_true(fputs("this is a letter ", file) >= 0);
        }
        done = fclose(file);
        break;
    }
    }
    assert_int_equal(done, 0);
}

static void damage_of_files_is_found(void **state)
{
    const struct file_row *row = *state;
    struct test_folder folder;
    static struct test_report report;
    make_folder(&folder);
    do_deed(&folder, row->deed);
    assert_int_equal(visit(folder.path, &report), row->level);
    test_report_says(&report, row->says);
    test_folder_remove(&folder);
}

static void a_full_disk_and_a_wrong_clock_are_warned_of(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct test_report report;
    make_folder(&folder);
    assert_int_equal(test_doctor_visit(folder.path, NOW_MS, INT64_MAX, &report),
                     HYP_FINDING_WARNING);
    test_report_says(&report, "MB should be");
    assert_int_equal(test_doctor_visit(folder.path, 86400000, 1, &report), HYP_FINDING_WARNING);
    test_report_says(&report, "clock says 1970-01-02");
    test_folder_remove(&folder);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, a_healthy_folder_is_called_healthy);
    TEST_ONE(&list, a_store_at_work_is_called_healthy);
    TEST_ONE(&list, no_data_folder_is_an_error);
    TEST_ROWS(&list, sql_rows, damage_of_rows_is_found);
    TEST_ONE(&list, a_device_that_is_being_erased_is_no_damage);
    TEST_ONE(&list, many_findings_are_counted);
    TEST_ROWS(&list, file_rows, damage_of_files_is_found);
    TEST_ONE(&list, a_full_disk_and_a_wrong_clock_are_warned_of);
    return test_list_run(&list, "store-doctor");
}
