/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor's look at a store in PostgreSQL: a healthy one is called healthy, every kind of
 * damage is found and named, and so are settings of the server that lose readings.
 */
#include "doctor_report.h"

#include "store/layout.h"

#include <unistd.h>

#define NOW_MS (START_MS + SEAL_LATER_MS + HOUR_MS)

static enum hyp_finding_level visit(const struct test_folder *folder,
                                    struct test_report *report)
{
    return test_doctor_visit(folder->path, NOW_MS, 1, report);
}

static void tell(const struct test_folder *folder, bool frames, const char *sql)
{
    struct hyp_db *db = test_database(folder, frames);
    if (hyp_db_exec(db, sql) != HYP_OK) {
        fail_msg("%s: %s", sql, db->error_text);
    }
    hyp_db_close(db);
}

static void make_store(struct test_folder *folder)
{
    struct test_store t;
    test_folder_make(folder);
    test_seal_at_once = true;
    test_store_open(&t, folder);
    test_doctor_fill(&t);
    test_store_close(&t);
}

static void a_healthy_store_is_called_healthy(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct test_report report;
    make_store(&folder);
    struct test_store t;
    test_store_open(&t, &folder); /* at work */
    enum hyp_finding_level worst = visit(&folder, &report);
    if (worst != HYP_FINDING_FINE) {
        fail_msg("%s", report.text);
    }
    test_report_says(&report, "files: secret.key is there");
    test_report_says(&report, "server: PostgreSQL ");
    test_report_says(&report, "chunks: 2 chunks, ");
    test_report_says(&report, "1 keys and passwords can be opened");
    test_report_says(&report, "1 rows of frame_block");
    test_store_close(&t);
    test_folder_remove(&folder);
}

static const struct damage_row {
    const char *name;
    bool frames;
    const char *sql; /* what does the damage */
    enum hyp_finding_level level;
    const char *says;
} damages[] = {
    {"a row of the log",                false, "UPDATE intake_log SET data = data || 'x'::bytea",
     HYP_FINDING_DAMAGE,                                                                                               "of table intake_log: checksum"           },
    {"a point that is missing",         false, "DELETE FROM point WHERE device = 1",               HYP_FINDING_DAMAGE,
     "which device 1 does not have"                                                                                                                              },
    {"the head of a chunk",             false,
     "UPDATE chunk SET head = head || 'x'::bytea WHERE id & 4294967295 = 1",                       HYP_FINDING_DAMAGE,
     "of table chunk, of device 1: checksum"                                                                                                                     },
    {"the data of a chunk",             false,
     "UPDATE chunk SET data = data || 'x'::bytea WHERE id & 4294967295 = 2",                       HYP_FINDING_DAMAGE,
     "of table chunk, of device 2: checksum"                                                                                                                     },
    {"a chunk that is missing",         false, "DELETE FROM chunk WHERE id & 4294967295 = 2",
     HYP_FINDING_DAMAGE,                                                                                               " readings of device 2, its chunks hold 0"},
    {"a device not in sealed",          false, "DELETE FROM sealed WHERE device = 2",              HYP_FINDING_DAMAGE,
     "no row of device 2, which has chunks"                                                                                                                      },
    {"a row of raw frames",             false, "UPDATE frame_log SET data = data || 'x'::bytea",
     HYP_FINDING_DAMAGE,                                                                                               "of table frame_log: checksum"            },
    {"a block of raw frames",           true,  "UPDATE frame_block SET data = data || 'x'::bytea",
     HYP_FINDING_DAMAGE,                                                                                               "of table frame_block: checksum"          },
    {"a newer schema",                  false,
     "INSERT INTO schema_version(version, name, applied) VALUES (999, 'x', 0)",                    HYP_FINDING_DAMAGE, "schema version 999"                      },
    {"a table that is missing",         false, "DROP TABLE sealed",                                HYP_FINDING_DAMAGE, "sealed"                                  },
    {"another key",                     false, "UPDATE setting SET data = '\\x00'",                HYP_FINDING_DAMAGE,
     "is not the key that this store was made with"                                                                                                              },
    {"an index that is not valid",      false,
     "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'account_tenant'::regclass",       HYP_FINDING_DAMAGE, "account_tenant is not valid"             },
    {"references that are not checked", false,
     "ALTER TABLE account ADD CONSTRAINT later CHECK (id > 0) NOT VALID",                          HYP_FINDING_DAMAGE,
     "references of table account are not checked (later)"                                                                                                       },
    {"read in the future",              false, "UPDATE sealed SET newest = 1::bigint << 41",
     HYP_FINDING_WARNING,                                                                                              "there are readings of 2039"              },
};

static void damage_is_found(void **state)
{
    const struct damage_row *row = *state;
    struct test_folder folder;
    static struct test_report report;
    make_store(&folder);
    tell(&folder, row->frames, row->sql);
    assert_int_equal(visit(&folder, &report), row->level);
    test_report_says(&report, row->says);
    /* What comes behind is looked at all the same. */
    test_report_says(&report, "frame_block");
    test_folder_remove(&folder);
}

/* An index whose order is not that of its table's type any more, as after a change of the
 * machine's collations. */
static void a_wrong_index_is_found_by_amcheck(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct test_report report;
    make_store(&folder);
    struct hyp_db *db = test_database(&folder, false);
    bool there =
        hyp_db_exec(db, "CREATE EXTENSION IF NOT EXISTS amcheck SCHEMA pg_catalog") == HYP_OK;
    hyp_db_close(db);
    if (!there) {
        test_folder_remove(&folder);
        TEST_SKIP("the extension amcheck is not installed, or not allowed");
    }
    assert_int_equal(visit(&folder, &report), HYP_FINDING_FINE);
    test_report_says(&report, "every page of every index agrees with its table");
    /* Sorted the other way round from now on, behind the back of what is there. */
    tell(&folder, false,
         "CREATE TABLE wrong AS SELECT generate_series(1, 1000)::bigint AS n;"
         "CREATE INDEX wrong_n ON wrong(n);"
         "CREATE FUNCTION turned(a bigint, b bigint) RETURNS int LANGUAGE sql IMMUTABLE AS"
         " 'SELECT btint8cmp(b, a)';"
         "CREATE OPERATOR CLASS back FOR TYPE bigint USING btree AS OPERATOR 1 >,"
         " OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <,"
         " FUNCTION 1 turned(bigint, bigint);"
         "UPDATE pg_index SET indclass = (SELECT oid::text FROM pg_opclass WHERE"
         " opcname = 'back' ORDER BY oid DESC LIMIT 1)::oidvector WHERE indexrelid ="
         " 'wrong_n'::regclass");
    assert_int_equal(visit(&folder, &report), HYP_FINDING_DAMAGE);
    test_report_says(&report, "wrong_n");
    test_folder_remove(&folder);
}

/* Of the session only, so that the other tests on this server go on. */
static void settings_that_lose_readings_are_warned_of(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct test_report report;
    make_store(&folder);
    assert_int_equal(setenv("PGOPTIONS", "-c zero_damaged_pages=on", 1), 0);
    enum hyp_finding_level worst = visit(&folder, &report);
    assert_int_equal(unsetenv("PGOPTIONS"), 0);
    assert_int_equal(worst, HYP_FINDING_WARNING);
    test_report_says(&report, "zero_damaged_pages is on");
    test_folder_remove(&folder);
}

static void no_store_is_damage(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct test_report report;
    test_folder_make(&folder);
    assert_int_equal(visit(&folder, &report), HYP_FINDING_DAMAGE);
    test_report_says(&report, "secret.key is missing");
    test_report_says(&report, "schema_version");
    test_folder_remove(&folder);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, a_healthy_store_is_called_healthy);
    TEST_ROWS(&list, damages, damage_is_found);
    TEST_ONE(&list, a_wrong_index_is_found_by_amcheck);
    TEST_ONE(&list, settings_that_lose_readings_are_warned_of);
    TEST_ONE(&list, no_store_is_damage);
    return test_list_run(&list, "store-doctor-database");
}
