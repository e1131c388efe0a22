/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large tables in PostgreSQL: partitions come before their first row and go when they are
 * empty, the tenant is in every key, and a store from before is brought up to date.
 */
#include "fixture.h"

#include "base/limits.h"
#include "store/layout.h"
#include "store/period.h"
#include "store/postgres/postgres.h"

#define DAY_MS (24 * HOUR_MS)
#define BEGIN_MS 1698796800000LL /* 2023-11-01 */

struct town {
    struct test_folder folder;
    struct test_store t;
    hyp_device_id device;
};

static void set_day(struct town *town, int64_t day)
{
    hyp_clock_fake_advance(&town->t.clock, BEGIN_MS + day * DAY_MS - town->t.clock.now_utc.ms);
}

/* With one device, of the store's few. */
static void make_village(struct town *town)
{
    *town = (struct town){0};
    test_folder_make(&town->folder);
    test_store_open(&town->t, &town->folder);
    set_day(town, 0);
    town->device = test_device(&town->t, "1");
}

/* With so many devices that a month has a partition of its own. */
static void make_town(struct town *town)
{
    make_village(town);
    test_devices(&town->t, 1000, TEST_DEVICES_OF_MONTHS - 1);
}

static void end_town(struct town *town)
{
    test_store_close(&town->t);
    test_folder_remove(&town->folder);
}

/* The hours of one day and a telegram, in one batch, on the evening of that day. */
static enum hyp_status send_day(struct town *town, int64_t day)
{
    struct hyp_value values[24];
    struct hyp_reading readings[24];
    for (int64_t i = 0; i < 24; i++) {
        values[i] = test_decimal(HYP_NAME_ENERGY, 1000 + day * 24 + i, -1);
        readings[i] =
            test_reading(town->device, BEGIN_MS + day * DAY_MS + i * HOUR_MS, &values[i], 1);
        readings[i].frame = 0;
    }
    struct hyp_raw_frame frame = {.device = town->device,
                                  .received.ms = BEGIN_MS + day * DAY_MS,
                                  .bytes = (const uint8_t *)"\x68\x00\xFF\x16",
                                  .len = 4};
    struct hyp_batch batch = {
        .readings = readings, .reading_count = 24, .frames = &frame, .frame_count = 1};
    set_day(town, day + 1);
    return test_submit(town->t.store, &batch);
}

static void put_days(struct town *town, int64_t from, int64_t to)
{
    for (int64_t day = from; day < to; day++) {
        assert_int_equal(send_day(town, day), HYP_OK);
    }
}

static void check_days(struct town *town, int64_t days)
{
    struct hyp_stored_value *values;
    size_t count;
    assert_int_equal(hyp_store_series(town->t.store, town->t.tenant,
                                      test_point(&town->t, town->device, HYP_NAME_ENERGY),
                                      (hyp_utc){INT64_MIN}, (hyp_utc){INT64_MAX},
                                      &town->t.arena, &values, &count),
                     HYP_OK);
    assert_int_equal(count, days * 24);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(values[i].decimal.digits, 1000 + (int64_t)i);
    }
}

static int64_t ask(struct town *town, bool frames, const char *sql)
{
    return test_ask(&town->folder, frames, sql);
}

static void tell(struct town *town, bool frames, const char *sql)
{
    struct hyp_db *db = test_database(&town->folder, frames);
    if (hyp_db_exec(db, sql) != HYP_OK) {
        fail_msg("%s: %s", sql, db->error_text);
    }
    hyp_db_close(db);
}

#define PARTITIONS(like)                                                                       \
    "SELECT COUNT(*) FROM pg_class WHERE relispartition AND relkind = 'r' AND relnamespace ="  \
    " to_regnamespace(quote_ident(current_schema())) AND relname LIKE '" like "'"

/* Care follows every commit, also of nothing. The clock goes on for one evening and no longer:
 * who reads beside, as other tests of this database do, may keep an empty partition for any
 * time, and days that pass meanwhile would seal what the test says is open. */
static void settle(struct town *town, bool frames, const char *sql, int64_t wanted)
{
    struct hyp_batch nothing = {0};
    for (int hours = 0; ask(town, frames, sql) != wanted; hours++) {
        if (hours < 6) {
            hyp_clock_fake_advance(&town->t.clock, HYP_LIMIT_SEAL_PAUSE_MS);
        }
        assert_int_equal(test_submit(town->t.store, &nothing), HYP_OK);
    }
}

static void partitions_come_and_go(void **state)
{
    (void)state;
    struct town town;
    make_town(&town);
    put_days(&town, 0, 10);
    /* The log of the days that came until the 8th is gone once they are sealed. */
    settle(&town, false, PARTITIONS("intake_log_2023%"), 1);
    assert_int_equal(ask(&town, false, PARTITIONS("intake_log_2023_11_08")), 1);
    assert_int_equal(ask(&town, false, PARTITIONS("chunk_2023_11_weeks")), 1);
    assert_int_equal(ask(&town, false, PARTITIONS("chunk_2023_11")), 0);
    assert_int_equal(ask(&town, false, "SELECT COUNT(*) FROM chunk_2023_11_weeks"), 1);
    put_days(&town, 10, 40);
    settle(&town, false, PARTITIONS("chunk_2023_11_weeks"), 0);
    assert_int_equal(ask(&town, false, "SELECT COUNT(*) FROM chunk_2023_11"), 1);
    assert_int_equal(ask(&town, false, "SELECT COUNT(*) FROM chunk_2023_12_weeks"), 1);
    check_days(&town, 40);
    /* A reading of another century has a place too. */
    struct hyp_value value = test_decimal(HYP_NAME_FLOW, 1, 0);
    struct hyp_reading old = test_reading(town.device, 0, &value, 1);
    assert_int_equal(test_put(&town.t, &old), HYP_OK);
    settle(&town, false, "SELECT COUNT(*) FROM chunk_early", 1);
    check_days(&town, 40);
    end_town(&town);
}

/* A backup, or a reader of another server, that began before the weeks became a month, sees the
 * weeks: they stay as long as it does. */
static void who_sees_what_was_keeps_its_partition(void **state)
{
    (void)state;
    struct town town;
    make_town(&town);
    put_days(&town, 0, 10);
    settle(&town, false, "SELECT COUNT(*) FROM chunk_2023_11_weeks", 1);
    struct hyp_db *reader = test_database(&town.folder, false);
    hyp_db_begin_snapshot(reader);
    assert_int_equal(reader->failed, HYP_OK);
    struct hyp_query query;
    hyp_query_open(&query, reader, "SELECT COUNT(*) FROM account"); /* not of that table */
    assert_true(hyp_query_row(&query));
    assert_int_equal(hyp_query_close(&query), HYP_OK);
    put_days(&town, 10, 40);
    settle(&town, false, "SELECT COUNT(*) FROM chunk_2023_11", 1);
    struct hyp_batch nothing = {0};
    for (int i = 0; i < 20; i++) {
        assert_int_equal(test_submit(town.t.store, &nothing), HYP_OK);
    }
    hyp_query_open(&query, reader, "SELECT COUNT(*) FROM chunk");
    assert_true(hyp_query_row(&query));
    assert_int_equal(hyp_query_i64(&query), 1);
    assert_int_equal(hyp_query_close(&query), HYP_OK);
    hyp_db_rollback(reader);
    hyp_db_close(reader);
    settle(&town, false, PARTITIONS("chunk_2023_11_weeks"), 0);
    check_days(&town, 40);
    end_town(&town);
}

/* The months of few devices share the year's partition, and weeks and months of one year stand
 * side by side in it; a year keeps what it has begun with. */
static void few_devices_have_a_partition_a_year(void **state)
{
    (void)state;
    struct town town;
    make_village(&town);
    put_days(&town, 0, 10);
    settle(&town, false, "SELECT COUNT(*) FROM chunk_2023", 1);
    put_days(&town, 10, 75); /* until 2024-01-15 */
    settle(&town, false, "SELECT COUNT(*) FROM chunk_2023", 2);
    settle(&town, false, "SELECT COUNT(*) FROM chunk_2024", 1);
    assert_int_equal(ask(&town, false, PARTITIONS("chunk_2%")), 2);
    check_days(&town, 75);
    test_devices(&town.t, 1000, TEST_DEVICES_OF_MONTHS - 1);
    put_days(&town, 75, 440); /* until 2025-01-14 */
    settle(&town, false, "SELECT COUNT(*) FROM chunk_2024", 12);
    settle(&town, false, "SELECT COUNT(*) FROM chunk_2025_01_weeks", 1);
    assert_int_equal(ask(&town, false, PARTITIONS("chunk_2%")), 3);
    check_days(&town, 440);
    end_town(&town);
}

/* Whoever had months, and has few devices now, goes on with months until the year is over. */
static void a_year_begun_in_months_stays_so(void **state)
{
    (void)state;
    struct town town;
    make_town(&town);
    put_days(&town, 0, 35);
    settle(&town, false, PARTITIONS("chunk_2023_11_weeks"), 0);
    assert_int_equal(ask(&town, false, "SELECT COUNT(*) FROM chunk_2023_11"), 1);
    tell(&town, false, "DELETE FROM device WHERE serial::bigint >= 1000");
    put_days(&town, 35, 75);
    settle(&town, false, "SELECT COUNT(*) FROM chunk_2023_12", 1);
    settle(&town, false, "SELECT COUNT(*) FROM chunk_2024", 1);
    check_days(&town, 75);
    end_town(&town);
}

static void the_tenant_is_in_every_key(void **state)
{
    (void)state;
    static const char *const tables[] = {
        "SELECT COUNT(*) FROM chunk WHERE tenant = 0 OR tenant IS NULL",
        "SELECT COUNT(*) FROM sealed WHERE tenant = 0",
        "SELECT COUNT(*) FROM intake_log WHERE tenant = 0",
        "SELECT COUNT(*) FROM frame_log WHERE tenant = 0",
    };
    static const char keys[] =
        "SELECT COUNT(*) FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE indisprimary"
        " AND c.relnamespace = to_regnamespace(quote_ident(current_schema()))"
        " AND c.relkind = 'p' AND NOT EXISTS (SELECT FROM pg_attribute a WHERE"
        " a.attrelid = c.oid AND a.attname = 'tenant' AND a.attnum = ANY(indkey))";
    struct town town;
    make_town(&town);
    put_days(&town, 0, 10);
    settle(&town, false, "SELECT COUNT(*) FROM chunk", 1);
    for (size_t i = 0; i < HYP_ARRAY_LEN(tables); i++) {
        assert_int_equal(ask(&town, false, tables[i]), 0);
    }
    assert_true(ask(&town, false, "SELECT COUNT(*) FROM intake_log") > 0);
    assert_int_equal(ask(&town, false, keys), 0);
    assert_int_equal(ask(&town, true, keys), 0);
    /* One batch of two tenants is no single one's. */
    struct hyp_tenant other = {.name = "Other", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(town.t.store, &other), HYP_OK);
    hyp_tenant_id first = town.t.tenant;
    town.t.tenant = other.id;
    struct hyp_value value = test_decimal(HYP_NAME_FLOW, 1, 0);
    struct hyp_reading readings[] = {
        test_reading(town.device, BEGIN_MS + 10 * DAY_MS, &value, 1),
        test_reading(test_device(&town.t, "2"), BEGIN_MS + 10 * DAY_MS, &value, 1)};
    town.t.tenant = first;
    struct hyp_batch batch = {.readings = readings, .reading_count = 2};
    assert_int_equal(test_submit(town.t.store, &batch), HYP_OK);
    assert_int_equal(ask(&town, false, tables[2]), 1);
    end_town(&town);
}

/* What another process has dropped: the sender keeps the batch and has it taken the next time.
 */
static void a_partition_that_went_is_made_again(void **state)
{
    (void)state;
    struct town town;
    make_town(&town);
    put_days(&town, 0, 1);
    tell(&town, false, "DROP TABLE intake_log_2023_11_01");
    assert_int_equal(send_day(&town, 1), HYP_BUSY);
    assert_int_equal(send_day(&town, 1), HYP_OK);
    check_days(&town, 2);
    end_town(&town);
}

/* --- a store from before --- */

/* What version 8 of the main tables and version 1 of the frames' was. */
static const char main_before[] =
    "CREATE TABLE old AS SELECT id, log_row, head, data FROM chunk; DROP TABLE chunk;"
    "ALTER TABLE old RENAME TO chunk; ALTER TABLE chunk ADD PRIMARY KEY (id);"
    "ALTER TABLE sealed DROP CONSTRAINT sealed_pkey, DROP COLUMN tenant,"
    " ADD PRIMARY KEY (device);"
    "ALTER TABLE thinned DROP CONSTRAINT thinned_pkey, DROP COLUMN tenant,"
    " ADD PRIMARY KEY (chunk);"
    "CREATE TABLE old AS SELECT id, data FROM intake_log; DROP TABLE intake_log;"
    "CREATE TABLE intake_log (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
    " data BYTEA NOT NULL); INSERT INTO intake_log SELECT * FROM old; DROP TABLE old;"
    "SELECT setval('intake_log_id_seq', 1000);"
    "CREATE TABLE old AS SELECT id, data FROM frame_log; DROP TABLE frame_log;"
    "CREATE TABLE frame_log (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
    " data BYTEA NOT NULL); INSERT INTO frame_log SELECT * FROM old; DROP TABLE old;"
    "SELECT setval('frame_log_id_seq', 1000);"
    "DROP FUNCTION add_partition, drop_empty_partitions;"
    "DELETE FROM schema_version WHERE version > 8;";
static const char frames_before[] =
    "DROP TABLE frame_block, frame_device, frame_line;"
    "CREATE TABLE frame_block (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
    " first_log BIGINT NOT NULL, last_log BIGINT NOT NULL, oldest BIGINT NOT NULL,"
    " newest BIGINT NOT NULL, frames BIGINT NOT NULL, data BYTEA NOT NULL);"
    "CREATE INDEX frame_block_log ON frame_block(last_log);"
    "CREATE TABLE frame_device (device BIGINT NOT NULL, block BIGINT NOT NULL REFERENCES"
    " frame_block(id) ON DELETE CASCADE, PRIMARY KEY (device, block));"
    "CREATE INDEX frame_device_block ON frame_device(block);"
    "CREATE TABLE frame_line (line BIGINT NOT NULL, block BIGINT NOT NULL REFERENCES"
    " frame_block(id) ON DELETE CASCADE, PRIMARY KEY (line, block));"
    "CREATE INDEX frame_line_block ON frame_line(block);"
    "INSERT INTO frame_block VALUES (7, 1, 1, 1701388800000, 1702166400000, 1, '\\x00'); "
    "INSERT INTO frame_device"
    " VALUES (1, 7); INSERT INTO frame_line VALUES (3, 7); SELECT setval('frame_block_id_seq',"
    " 40); DROP FUNCTION add_partition, drop_empty_partitions;"
    "DELETE FROM schema_version WHERE version > 1;";

static void a_store_from_before_is_brought_up_to_date(void **state)
{
    (void)state;
    struct town town;
    make_town(&town);
    put_days(&town, 0, 40);
    settle(&town, false, PARTITIONS("chunk_2023_11_weeks"), 0);
    int64_t log_rows = ask(&town, false, "SELECT COUNT(*) FROM intake_log");
    assert_true(log_rows > 0);
    test_store_close(&town.t);
    tell(&town, false, main_before);
    tell(&town, true, frames_before);
    test_store_open(&town.t, &town.folder);
    set_day(&town, 40);
    check_days(&town, 40);
    assert_int_equal(ask(&town, false, "SELECT COUNT(*) FROM chunk_2023_11"), 1);
    assert_int_equal(ask(&town, false, "SELECT COUNT(*) FROM chunk_2023_12_weeks"), 1);
    assert_int_equal(ask(&town, false, "SELECT COUNT(*) FROM chunk WHERE tenant = 0"), 0);
    assert_int_equal(ask(&town, false, "SELECT COUNT(*) FROM sealed WHERE tenant = 0"), 0);
    assert_int_equal(ask(&town, false, "SELECT COUNT(*) FROM intake_log_early"), log_rows);
    assert_int_equal(ask(&town, true, "SELECT id FROM frame_block"), 7);
    assert_int_equal(ask(&town, true, "SELECT block FROM frame_line WHERE line = 3"), 7);
    assert_int_equal(ask(&town, true, "SELECT last_value FROM frame_block_id_seq"), 40);
    put_days(&town, 40, 41);
    assert_int_equal(ask(&town, false, "SELECT MAX(id) FROM intake_log"), 1001);
    put_days(&town, 41, 70);
    settle(&town, false, "SELECT COUNT(*) FROM intake_log_early", 0);
    check_days(&town, 70);
    end_town(&town);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, partitions_come_and_go);
    TEST_ONE(&list, who_sees_what_was_keeps_its_partition);
    TEST_ONE(&list, few_devices_have_a_partition_a_year);
    TEST_ONE(&list, a_year_begun_in_months_stays_so);
    TEST_ONE(&list, the_tenant_is_in_every_key);
    TEST_ONE(&list, a_partition_that_went_is_made_again);
    TEST_ONE(&list, a_store_from_before_is_brought_up_to_date);
    return test_list_run(&list, "store-partition");
}
