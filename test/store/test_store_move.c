/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in SQLite files becomes one in PostgreSQL, with everything in it, or nothing happens.
 */
#include "fixture.h"

#include "store/db.h"
#include "store/layout.h"
#include "store/migrate.h"
#include "store/move.h"
#include "store/sqlite/sqlite.h"

#include <unistd.h>

#define HOURS 2000

/* Before each test: a closed store in the SQLite files of a folder. */
struct plant {
    struct test_folder folder;
    struct test_place place; /* where it is to go */
    hyp_device_id device;
    int64_t tables;
    int64_t rows;
};

static void open_at(struct test_store *t, const struct test_place *place, bool in_database)
{
    *t = (struct test_store){0};
    hyp_clock_fake_init(&t->clock, (hyp_utc){.ms = START_MS + SEAL_LATER_MS});
    hyp_arena_init(&t->arena, (size_t)1 << 30);
    test_log_init(&t->log);
    struct hyp_store_config config = place->config;
    config.clock = &t->clock.clock;
    config.log = &t->log.log;
    config.seal_readings = 1;
    if (!in_database) {
        config.database = NULL;
    }
    struct hyp_error err = {0};
    if (hyp_store_open(&config, &t->store, &err) != HYP_OK) {
        fail_msg("store cannot be opened: %s", err.text);
    }
    struct hyp_tenant *tenants;
    size_t count;
    assert_int_equal(hyp_store_tenants(t->store, &t->arena, &tenants, &count), HYP_OK);
    if (count > 0) {
        t->tenant = tenants[0].id;
    }
}

static void put_reading(struct test_store *t, hyp_device_id device, int i)
{
    struct hyp_value values[] = {test_decimal(HYP_NAME_ENERGY, 100 + i, -1),
                                 test_decimal(HYP_NAME_FLOW, i % 7, 0)};
    struct hyp_reading reading = test_reading(device, START_MS + i * HOUR_MS, values, 2);
    struct hyp_raw_frame frame = {.device = device,
                                  .received.ms = START_MS + i * HOUR_MS,
                                  .bytes = (const uint8_t *)"\x68\x00\xFF\x16",
                                  .len = 4};
    test_put_read_frame(t, &frame, &reading);
}

/* Readings in the log and in chunks, a removed device, names beyond ASCII and none at all. */
static void make_plant(struct plant *p)
{
    *p = (struct plant){0};
    test_folder_make(&p->folder);
    test_place(&p->place, &p->folder);
    struct test_store t;
    open_at(&t, &p->place, false);
    struct hyp_tenant tenant = {.name = "Stra\xC3\x9F"
                                        "e",
                                .language = "de",
                                .time_zone = "Europe/Berlin"};
    assert_int_equal(hyp_store_tenant_add(t.store, &tenant), HYP_OK);
    t.tenant = tenant.id;
    hyp_device_id gone = test_device(&t, "1");
    p->device = test_device(&t, "2");
    assert_int_equal(hyp_store_device_remove(t.store, t.tenant, gone, NULL), HYP_OK);
    struct hyp_device strange = {.tenant = t.tenant, .serial = "3", .name = "not \xFF UTF-8"};
    assert_int_equal(hyp_store_device_add(t.store, &strange, NULL), HYP_OK);
    for (int i = 0; i < 50; i++) {
        put_reading(&t, p->device, i);
    }
    for (int i = HOURS; i < HOURS + 50; i++) {
        put_reading(&t, p->device, i);
    }
    test_store_close(&t);
}

static void remove_plant(struct plant *p)
{
    test_folder_remove(&p->folder);
}

static void count_table(void *user, const char *table, int64_t rows, uint64_t checksum)
{
    (void)table;
    struct plant *p = user;
    p->tables++;
    p->rows += rows;
    assert_true(rows == 0 || checksum != 0);
}

static enum hyp_status move_plant(struct plant *p, struct hyp_error *err)
{
    const struct hyp_store_move move = {.folder = p->folder.path,
                                        .database = p->place.config.database,
                                        .schema = p->place.config.schema,
                                        .clock = hyp_clock_system(),
                                        .user = p,
                                        .moved = count_table};
    return hyp_store_move(&move, err);
}

static void assert_says(const struct hyp_error *err, const char *part)
{
    if (strstr(err->text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err->text, part);
    }
}

/* --- what must be there afterwards --- */

static void check_readings(struct test_store *t, const struct plant *p)
{
    struct hyp_stored_value *values;
    size_t count;
    assert_int_equal(hyp_store_series(t->store, t->tenant,
                                      test_point(t, p->device, HYP_NAME_ENERGY), (hyp_utc){0},
                                      (hyp_utc){INT64_MAX}, &t->arena, &values, &count),
                     HYP_OK);
    assert_int_equal(count, 100);
    for (size_t i = 0; i < count; i++) {
        int64_t hour = i < 50 ? (int64_t)i : HOURS + (int64_t)i - 50;
        assert_int_equal(values[i].time.ms, START_MS + hour * HOUR_MS);
        assert_int_equal(values[i].decimal.digits, 100 + hour);
        assert_int_equal(values[i].decimal.exp10, -1);
    }
    struct hyp_latest *latest;
    assert_int_equal(
        hyp_store_latest(t->store, t->tenant, p->device, &t->arena, &latest, &count), HYP_OK);
    assert_int_equal(count, 2);
    struct hyp_stored_frame frame;
    assert_int_equal(hyp_store_frame(t->store, t->tenant, latest[0].frame, &t->arena, &frame),
                     HYP_OK);
    assert_int_equal(frame.len, 4);
}

static void a_moved_store_has_everything(void **state)
{
    (void)state;
    struct plant p;
    make_plant(&p);
    struct hyp_error err = {0};
    if (move_plant(&p, &err) != HYP_OK) {
        fail_msg("move failed: %s", err.text);
    }
    assert_true(p.tables > 20);
    assert_true(p.rows > 10);
    struct test_store t;
    open_at(&t, &p.place, true);
    struct hyp_tenant *tenants;
    struct hyp_device *devices;
    size_t count;
    assert_int_equal(hyp_store_tenants(t.store, &t.arena, &tenants, &count), HYP_OK);
    assert_int_equal(count, 1);
    assert_string_equal(tenants[0].name, "Stra\xC3\x9F"
                                         "e");
    assert_int_equal(hyp_store_devices(t.store, t.tenant, &t.arena, &devices, &count), HYP_OK);
    assert_int_equal(count, 2);
    assert_string_equal(devices[1].name, "not ? UTF-8");
    check_readings(&t, &p);
    /* Numbers go on behind the last one, and intake goes on as before. */
    hyp_device_id next = test_device(&t, "4");
    assert_true(next.id > devices[1].id.id);
    struct hyp_store_stats stats;
    put_reading(&t, p.device, HOURS + 49);
    hyp_store_stats(t.store, &stats);
    assert_int_equal(stats.duplicates, 2);
    put_reading(&t, p.device, HOURS + 50);
    hyp_store_stats(t.store, &stats);
    assert_int_equal(stats.readings, 101);
    test_store_close(&t);
    remove_plant(&p);
}

static int64_t ask(struct plant *p, const char *sql)
{
    return test_ask(&p->folder, false, sql);
}

/* How long a partition is: what the number of devices says, which has to be there before. */
static void a_moved_store_has_the_partitions_of_its_size(void **state)
{
    (void)state;
    static const char years[] = "SELECT COUNT(*) FROM pg_class WHERE relispartition AND"
                                " relkind = 'r' AND relname ~ '^chunk_[0-9]{4}$'"
                                " AND relnamespace ="
                                " to_regnamespace(quote_ident(current_schema()))";
    for (int large = 0; large < 2; large++) {
        struct plant p;
        make_plant(&p);
        struct test_store t;
        open_at(&t, &p.place, false);
        test_devices(&t, 1000, large == 0 ? 10 : TEST_DEVICES_OF_MONTHS);
        test_store_close(&t);
        struct hyp_error err = {0};
        assert_int_equal(move_plant(&p, &err), HYP_OK);
        assert_int_equal(ask(&p, years), large == 0 ? 2 : 0); /* of both ends */
        assert_true(ask(&p, "SELECT COUNT(*) FROM chunk") > 0);
        remove_plant(&p);
    }
}

static void a_moved_folder_is_not_opened_by_mistake(void **state)
{
    (void)state;
    struct plant p;
    make_plant(&p);
    struct hyp_error err = {0};
    assert_int_equal(move_plant(&p, &err), HYP_OK);
    struct hyp_store_config config = {.folder = p.folder.path, .clock = hyp_clock_system()};
    struct hyp_store *store;
    assert_int_equal(hyp_store_open(&config, &store, &err), HYP_UNSUPPORTED);
    assert_says(&err, "--database");
    assert_int_equal(unlink(test_path(&p.folder, HYP_MOVED_FILE, 0)), 0);
    struct test_store t;
    open_at(&t, &p.place, false);
    check_readings(&t, &p);
    test_store_close(&t);
    remove_plant(&p);
}

/* What was moved is found again, as long as nobody has worked on it. */
static void a_second_move_compares(void **state)
{
    (void)state;
    struct plant p;
    make_plant(&p);
    struct hyp_error err = {0};
    assert_int_equal(move_plant(&p, &err), HYP_OK);
    int64_t tables = p.tables;
    int64_t rows = p.rows;
    assert_int_equal(unlink(test_path(&p.folder, HYP_MOVED_FILE, 0)), 0);
    assert_int_equal(move_plant(&p, &err), HYP_OK);
    assert_int_equal(p.tables, 2 * tables);
    assert_int_equal(p.rows, 2 * rows);
    assert_int_equal(access(test_path(&p.folder, HYP_MOVED_FILE, 0), F_OK), 0);
    assert_int_equal(move_plant(&p, &err), HYP_OK);
    remove_plant(&p);
}

static void another_store_is_not_written_over(void **state)
{
    (void)state;
    struct plant p;
    make_plant(&p);
    struct hyp_error err = {0};
    assert_int_equal(move_plant(&p, &err), HYP_OK);
    struct test_store t;
    open_at(&t, &p.place, true);
    put_reading(&t, p.device, HOURS + 50);
    test_store_close(&t);
    int64_t tables = p.tables;
    assert_int_equal(move_plant(&p, &err), HYP_EXISTS);
    assert_says(&err, "the move has not begun: the database holds a store already");
    assert_int_equal(p.tables, tables);
    remove_plant(&p);
}

static void a_running_server_is_not_moved(void **state)
{
    (void)state;
    struct plant p;
    make_plant(&p);
    struct test_store t;
    open_at(&t, &p.place, false);
    struct hyp_error err = {0};
    assert_int_equal(move_plant(&p, &err), HYP_BUSY);
    test_store_close(&t);
    assert_int_equal(move_plant(&p, &err), HYP_OK);
    remove_plant(&p);
}

static void no_store_is_nothing_to_move(void **state)
{
    (void)state;
    struct plant p = {0};
    test_folder_make(&p.folder);
    test_place(&p.place, &p.folder);
    struct hyp_error err = {0};
    assert_int_equal(move_plant(&p, &err), HYP_NOT_FOUND);
    assert_says(&err, "no data folder");
    remove_plant(&p);
}

/* The target refuses a row late in the move: everything is as before, and again it succeeds. */
static void a_move_that_fails_moves_nothing(void **state)
{
    (void)state;
    struct plant p;
    make_plant(&p);
    struct hyp_error err = {0};
    struct test_folder empty;
    test_folder_make(&empty);
    struct test_place place;
    test_place(&place, &empty);
    struct hyp_db *db = test_database(&empty, false);
    assert_int_equal(hyp_migrate(db, &hyp_store_migrations, (hyp_utc){1}, "test", &err),
                     HYP_OK);
    assert_int_equal(hyp_db_exec(db, "ALTER TABLE point ADD CONSTRAINT never CHECK (id < 0)"),
                     HYP_OK);
    p.place = place;
    assert_int_equal(move_plant(&p, &err), HYP_INVALID);
    assert_says(&err, "nothing was moved: table point");
    assert_int_not_equal(access(test_path(&p.folder, HYP_MOVED_FILE, 0), F_OK), 0);
    assert_int_equal(hyp_db_exec(db, "ALTER TABLE point DROP CONSTRAINT never"), HYP_OK);
    hyp_db_close(db);
    if (move_plant(&p, &err) != HYP_OK) {
        fail_msg("second try failed: %s", err.text);
    }
    test_folder_remove(&empty);
    remove_plant(&p);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, a_moved_store_has_everything);
    TEST_ONE(&list, a_moved_store_has_the_partitions_of_its_size);
    TEST_ONE(&list, a_moved_folder_is_not_opened_by_mistake);
    TEST_ONE(&list, a_second_move_compares);
    TEST_ONE(&list, another_store_is_not_written_over);
    TEST_ONE(&list, a_running_server_is_not_moved);
    TEST_ONE(&list, no_store_is_nothing_to_move);
    TEST_ONE(&list, a_move_that_fails_moves_nothing);
    return test_list_run(&list, "store-move");
}
