/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor's look at a store in PostgreSQL: a healthy one is called healthy, every kind of
 * damage is found and named, and so are settings of the server that lose readings.
 */
#include "fixture.h"

#include "store/doctor.h"
#include "store/layout.h"

#include <stdio.h>
#include <unistd.h>

#define NOW_MS (START_MS + SEAL_LATER_MS + HOUR_MS)

/* What the doctor said, a line a finding. */
struct report {
    char text[65536];
    size_t len;
    size_t without_remedy;
};

static void note(void *user, const struct hyp_finding *finding)
{
    struct report *report = user;
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, report->text + report->len, sizeof(report->text) - report->len);
    hyp_buf_append_fmt(&out, "%d %s: %s\n", (int)finding->level, finding->check, finding->what);
    report->len += out.len;
    report->text[report->len] = '\0';
    report->without_remedy += finding->level != HYP_FINDING_FINE &&
                              finding->remedy[0] == '\0' &&
                              strncmp(finding->what, "and ", 4) != 0;
}

static enum hyp_finding_level visit(const struct test_folder *folder, struct report *report)
{
    struct test_place place;
    struct hyp_clock_fake clock;
    hyp_clock_fake_init(&clock, (hyp_utc){.ms = NOW_MS});
    test_place(&place, folder);
    *report = (struct report){0};
    struct hyp_doctor doctor = {.folder = folder->path,
                                .database = place.config.database,
                                .schema = place.config.schema,
                                .clock = &clock.clock,
                                .least_free = 1,
                                .user = report,
                                .tell = note};
    enum hyp_finding_level worst = HYP_FINDING_FINE;
    struct hyp_error err = {0};
    if (hyp_doctor_check(&doctor, &worst, &err) != HYP_OK) {
        fail_msg("the doctor says: %s", err.text);
    }
    assert_int_equal(report->without_remedy, 0);
    return worst;
}

static void assert_says(const struct report *report, const char *part)
{
    if (strstr(report->text, part) == NULL) {
        fail_msg("it does not say \"%s\", but:\n%s", part, report->text);
    }
}

static void tell(const struct test_folder *folder, bool frames, const char *sql)
{
    struct hyp_db *db = test_database(folder, frames);
    if (hyp_db_exec(db, sql) != HYP_OK) {
        fail_msg("%s: %s", sql, db->error_text);
    }
    hyp_db_close(db);
}

/* Two devices with a month in chunks and a reading in the log, frames in both forms. */
static void make_store(struct test_folder *folder)
{
    static uint8_t bytes[HYP_LIMIT_FRAME_BYTES];
    struct test_store t;
    test_folder_make(folder);
    test_seal_at_once = true;
    test_store_open(&t, folder);
    struct hyp_device device = {.tenant = t.tenant, .serial = "1", .has_key = true};
    memcpy(device.key.bytes, "0123456789ABCDEF", 16);
    assert_int_equal(hyp_store_device_add(t.store, &device, NULL), HYP_OK);
    hyp_device_id other = test_device(&t, "2");
    struct hyp_raw_frame frame = {.device = device.id,
                                  .received = {.ms = START_MS + SEAL_LATER_MS},
                                  .protocol = HYP_RAW_MBUS,
                                  .bytes = bytes,
                                  .len = sizeof(bytes)};
    for (int i = 0; i < 300; i++) {
        struct hyp_value value = test_decimal(HYP_NAME_VOLUME, i, 0);
        struct hyp_reading reading =
            test_reading(i % 2 == 0 ? device.id : other, START_MS + i * HOUR_MS, &value, 1);
        reading.frame = 0;
        bytes[0] = (uint8_t)i;
        struct hyp_batch batch = {
            .readings = &reading, .reading_count = 1, .frames = &frame, .frame_count = 1};
        assert_int_equal(test_submit(t.store, &batch), HYP_OK);
    }
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 1000, 0);
    struct hyp_reading fresh = test_reading(device.id, START_MS + SEAL_LATER_MS, &value, 1);
    assert_int_equal(test_put(&t, &fresh), HYP_OK);
    test_store_close(&t);
}

static void a_healthy_store_is_called_healthy(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct report report;
    make_store(&folder);
    struct test_store t;
    test_store_open(&t, &folder); /* at work */
    enum hyp_finding_level worst = visit(&folder, &report);
    if (worst != HYP_FINDING_FINE) {
        fail_msg("%s", report.text);
    }
    assert_says(&report, "files: secret.key is there");
    assert_says(&report, "server: PostgreSQL ");
    assert_says(&report, "chunks: 2 chunks, ");
    assert_says(&report, "1 keys and passwords can be opened");
    assert_says(&report, "1 rows of frame_block");
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
    static struct report report;
    make_store(&folder);
    tell(&folder, row->frames, row->sql);
    assert_int_equal(visit(&folder, &report), row->level);
    assert_says(&report, row->says);
    /* What comes behind is looked at all the same. */
    assert_says(&report, "frame_block");
    test_folder_remove(&folder);
}

/* An index whose order is not that of its table's type any more, as after a change of the
 * machine's collations. */
static void a_wrong_index_is_found_by_amcheck(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct report report;
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
    assert_says(&report, "every page of every index agrees with its table");
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
    assert_says(&report, "wrong_n");
    test_folder_remove(&folder);
}

/* Of the session only, so that the other tests on this server go on. */
static void settings_that_lose_readings_are_warned_of(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct report report;
    make_store(&folder);
    assert_int_equal(setenv("PGOPTIONS", "-c zero_damaged_pages=on", 1), 0);
    enum hyp_finding_level worst = visit(&folder, &report);
    assert_int_equal(unsetenv("PGOPTIONS"), 0);
    assert_int_equal(worst, HYP_FINDING_WARNING);
    assert_says(&report, "zero_damaged_pages is on");
    test_folder_remove(&folder);
}

static void no_store_is_damage(void **state)
{
    (void)state;
    struct test_folder folder;
    static struct report report;
    test_folder_make(&folder);
    assert_int_equal(visit(&folder, &report), HYP_FINDING_DAMAGE);
    assert_says(&report, "secret.key is missing");
    assert_says(&report, "schema_version");
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
