/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several members on one PostgreSQL database: what one has committed the others know, a reading
 * that comes to two is one, and only one of them seals. Each member is a store of its own here,
 * with its own connections; that processes are killed is test/system/members.py.
 */
#include "fixture.h"

#include "base/limits.h"
#include "store/layout.h"
#include "store/postgres/postgres.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define DAY_MS (24 * HOUR_MS)
#define MEMBERS 2

/* The members of one schema, which has the first folder's name. */
struct town {
    struct test_folder folders[MEMBERS];
    struct test_store members[MEMBERS];
    struct test_place place;
};

static void copy_key(const struct town *town)
{
    uint8_t key[64];
    FILE *from = fopen(test_path(&town->folders[0], "secret.key", 0), "rb");
    FILE *to = fopen(test_path(&town->folders[1], "secret.key", 1), "wb");
    assert_non_null(from);
    assert_non_null(to);
    size_t len = fread(key, 1, sizeof(key), from);
    assert_int_equal(fwrite(key, 1, len, to), len);
    fclose(from);
    assert_int_equal(fclose(to), 0);
}

static enum hyp_status open_store(struct town *town, int i, const char *member,
                                  struct hyp_store **ret_store, struct hyp_error *err)
{
    struct hyp_store_config config = town->place.config;
    config.folder = town->folders[i].path;
    config.clock = &town->members[i].clock.clock;
    config.log = &town->members[i].log.log;
    config.member = member; /* whatever the environment says */
    config.seal_readings = 1;
    return hyp_store_open(&config, ret_store, err);
}

static void open_member(struct town *town, int i)
{
    static const char *const names[MEMBERS] = {"north", "south"};
    struct test_store *t = &town->members[i];
    hyp_tenant_id tenant = town->members[0].tenant;
    *t = (struct test_store){.tenant = tenant};
    hyp_clock_fake_init(&t->clock, (hyp_utc){.ms = START_MS});
    hyp_arena_init(&t->arena, (size_t)1 << 28);
    test_log_init(&t->log);
    struct hyp_error err = {0};
    if (open_store(town, i, names[i], &t->store, &err) != HYP_OK) {
        fail_msg("member %s cannot be opened: %s", names[i], err.text);
    }
}

static void close_member(struct town *town, int i)
{
    town->members[i].store = hyp_store_close(town->members[i].store);
    hyp_arena_finish(&town->members[i].arena);
}

static void open_town(struct town *town)
{
    *town = (struct town){0};
    for (int i = 0; i < MEMBERS; i++) {
        test_folder_make(&town->folders[i]);
    }
    test_place(&town->place, &town->folders[0]);
    open_member(town, 0);
    struct hyp_tenant tenant = {.name = "Town", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(town->members[0].store, &tenant), HYP_OK);
    copy_key(town);
    town->members[0].tenant = tenant.id;
    open_member(town, 1);
}

static void close_town(struct town *town)
{
    for (int i = 0; i < MEMBERS; i++) {
        close_member(town, i);
        test_folder_remove(&town->folders[i]);
    }
}

static void set_clocks(struct town *town, int64_t now)
{
    for (int i = 0; i < MEMBERS; i++) {
        hyp_clock_fake_advance(&town->members[i].clock,
                               now - town->members[i].clock.now_utc.ms);
    }
}

static void catch_up(struct town *town)
{
    for (int i = 0; i < MEMBERS; i++) {
        assert_int_equal(hyp_store_catch_up(town->members[i].store), HYP_OK);
    }
}

static void put(struct town *town, int member, hyp_device_id device, int64_t time,
                int64_t digits)
{
    struct hyp_value values[] = {test_decimal(HYP_NAME_ENERGY, digits, -1),
                                 test_decimal(HYP_NAME_FLOW_TEMPERATURE, digits % 100, 0)};
    struct hyp_reading reading = test_reading(device, time, values, 2);
    assert_int_equal(test_put(&town->members[member], &reading), HYP_OK);
}

static struct hyp_store_stats stats_of(struct town *town, int member)
{
    struct hyp_store_stats stats;
    hyp_store_stats(town->members[member].store, &stats);
    return stats;
}

/* --- all members answer the same --- */

static void same_values(const struct hyp_stored_value *a, const struct hyp_stored_value *b)
{
    assert_int_equal(a->point.id, b->point.id);
    assert_int_equal(a->time.ms, b->time.ms);
    assert_int_equal(a->quality, b->quality);
    assert_int_equal(a->kind, b->kind);
    if (a->kind == HYP_VALUE_DECIMAL && hyp_quality_is_usable(a->quality)) {
        assert_int_equal(hyp_decimal_compare(a->decimal, b->decimal), 0);
    }
}

static size_t readings_of(struct town *town, int member, hyp_device_id device,
                          struct hyp_stored_reading **ret_readings)
{
    struct test_store *t = &town->members[member];
    size_t count;
    size_t total;
    assert_int_equal(hyp_store_readings(t->store, t->tenant, device, (hyp_utc){0},
                                        (hyp_utc){INT64_MAX}, 0, 100000, &t->arena,
                                        ret_readings, &count, &total),
                     HYP_OK);
    assert_int_equal(count, total);
    return count;
}

static void same_latest(struct town *town, hyp_device_id device)
{
    struct hyp_latest *latest[MEMBERS];
    size_t counts[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
        struct test_store *t = &town->members[i];
        assert_int_equal(
            hyp_store_latest(t->store, t->tenant, device, &t->arena, &latest[i], &counts[i]),
            HYP_OK);
    }
    assert_int_equal(counts[0], counts[1]);
    for (size_t a = 0; a < counts[0]; a++) {
        size_t b = 0;
        while (b < counts[1] && latest[1][b].point.id.id != latest[0][a].point.id.id) {
            b++;
        }
        assert_true(b < counts[1]);
        same_values(&latest[0][a].value, &latest[1][b].value);
    }
}

/* Returns how many readings of the device both have. */
static size_t same_answers(struct town *town, hyp_device_id device)
{
    struct hyp_stored_reading *readings[MEMBERS];
    catch_up(town);
    size_t count = readings_of(town, 0, device, &readings[0]);
    assert_int_equal(readings_of(town, 1, device, &readings[1]), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(readings[0][i].source_time.ms, readings[1][i].source_time.ms);
        assert_int_equal(readings[0][i].frame.id, readings[1][i].frame.id);
        assert_int_equal(readings[0][i].value_count, readings[1][i].value_count);
        for (size_t v = 0; v < readings[0][i].value_count; v++) {
            same_values(&readings[0][i].values[v], &readings[1][i].values[v]);
        }
    }
    same_latest(town, device);
    struct hyp_store_stats a = stats_of(town, 0);
    struct hyp_store_stats b = stats_of(town, 1);
    assert_int_equal(a.readings, b.readings);
    assert_int_equal(a.values, b.values);
    assert_int_equal(a.points, b.points);
    for (int i = 0; i < MEMBERS; i++) {
        hyp_arena_reset(&town->members[i].arena);
    }
    return count;
}

/* --- joining --- */

static void members_need_a_name_and_others_that_share(void **state)
{
    (void)state;
    struct town town;
    struct hyp_store *store = NULL;
    struct hyp_error err = {0};
    open_town(&town);
    close_member(&town, 1);
    assert_int_equal(open_store(&town, 1, NULL, &store, &err), HYP_BUSY);
    assert_non_null(strstr(err.text, "--member"));
    assert_int_equal(open_store(&town, 1, "north", &store, &err), HYP_BUSY);
    assert_non_null(strstr(err.text, "name"));
    assert_int_equal(open_store(&town, 1, "no spaces", &store, &err), HYP_INVALID);
    close_member(&town, 0);
    assert_int_equal(open_store(&town, 0, NULL, &store, &err), HYP_OK);
    struct hyp_store *second = NULL;
    assert_int_equal(open_store(&town, 1, "south", &second, &err), HYP_BUSY);
    hyp_store_close(store);
    open_member(&town, 0);
    open_member(&town, 1);
    close_town(&town);
}

/* --- intake --- */

static void what_one_stores_the_others_know(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id first = test_device(&town.members[0], "1");
    hyp_device_id second = test_device(&town.members[1], "2");
    for (int i = 0; i < 40; i++) {
        put(&town, i % 2, first, START_MS + i * HOUR_MS, i);
        put(&town, i % 3 == 0, second, START_MS + i * HOUR_MS, 10 * i);
    }
    assert_int_equal(same_answers(&town, first), 40);
    assert_int_equal(same_answers(&town, second), 40);
    close_member(&town, 0);
    open_member(&town, 0);
    assert_int_equal(same_answers(&town, first), 40);
    close_town(&town);
}

static void a_reading_that_comes_to_both_is_one(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    for (int i = 0; i < 30; i++) {
        put(&town, i % 2, device, START_MS + i * HOUR_MS, i);
        put(&town, 1 - i % 2, device, START_MS + i * HOUR_MS, i);
    }
    assert_int_equal(same_answers(&town, device), 30);
    assert_int_equal(stats_of(&town, 0).values, 60);
    assert_int_equal(stats_of(&town, 0).duplicates + stats_of(&town, 1).duplicates, 60);
    /* Another value of the same instant stays beside the first, the same one is shown. */
    put(&town, 0, device, START_MS, 900);
    put(&town, 1, device, START_MS, 901);
    put(&town, 0, device, START_MS + 29 * HOUR_MS, 902);
    put(&town, 1, device, START_MS + 29 * HOUR_MS, 903);
    assert_int_equal(same_answers(&town, device), 34);
    close_town(&town);
}

struct told {
    atomic_int values;
    atomic_int changes;
};

static void count_values(void *user, hyp_device_id device, hyp_utc source_time,
                         const struct hyp_stored_value *values, size_t count)
{
    (void)device;
    (void)source_time;
    (void)values;
    atomic_fetch_add(&((struct told *)user)->values, (int)count);
}

static void count_changes(void *user, const struct hyp_store_changes *changes)
{
    atomic_fetch_add(&((struct told *)user)->changes, (int)changes->id_count);
}

static void observers_are_told_of_the_others(void **state)
{
    (void)state;
    struct town town;
    static struct told told;
    told = (struct told){0};
    open_town(&town);
    const struct hyp_store_observer observer = {
        .user = &told, .committed = count_values, .changed = count_changes};
    assert_int_equal(hyp_store_observe(town.members[1].store, &observer), HYP_OK);
    hyp_device_id device = test_device(&town.members[0], "1");
    for (int i = 0; i < 10; i++) {
        put(&town, 0, device, START_MS + i * HOUR_MS, i);
    }
    while (atomic_load(&told.values) < 20 || atomic_load(&told.changes) < 1) {
        catch_up(&town);
    }
    assert_int_equal(atomic_load(&told.values), 20);
    assert_int_equal(atomic_load(&told.changes), 1);
    close_town(&town);
}

/* --- the plant --- */

static void devices_go_everywhere(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id stays = test_device(&town.members[0], "1");
    hyp_device_id goes = test_device(&town.members[0], "2");
    put(&town, 1, stays, START_MS, 1);
    put(&town, 1, goes, START_MS, 2);
    assert_int_equal(
        hyp_store_device_remove(town.members[0].store, town.members[0].tenant, goes, NULL),
        HYP_OK);
    put(&town, 1, goes, START_MS + HOUR_MS, 3); /* dropped: nobody has it any more */
    catch_up(&town);
    struct hyp_latest *latest;
    size_t count;
    assert_int_equal(hyp_store_latest(town.members[1].store, town.members[1].tenant, goes,
                                      &town.members[1].arena, &latest, &count),
                     HYP_NOT_FOUND);
    assert_int_equal(stats_of(&town, 1).dropped, 2);
    assert_int_equal(same_answers(&town, stays), 1);
    close_town(&town);
}

/* --- care --- */

static int carer(struct town *town)
{
    bool first = stats_of(town, 0).has_care;
    bool second = stats_of(town, 1).has_care;
    assert_false(first && second);
    return first ? 0 : second ? 1 : -1;
}

static int wait_for_carer(struct town *town)
{
    int who;
    while ((who = carer(town)) < 0) {
        catch_up(town);
    }
    return who;
}

static int64_t count_rows(struct town *town, const char *sql)
{
    struct hyp_db *db = test_database(&town->folders[0], false);
    struct hyp_query query;
    hyp_query_open(&query, db, sql);
    int64_t count = hyp_query_row(&query) ? hyp_query_i64(&query) : -1;
    assert_int_equal(hyp_query_close(&query), HYP_OK);
    hyp_db_close(db);
    return count;
}

/* Everything past is in chunks when the log has only what is not. */
static void wait_until_sealed(struct town *town, int64_t log_rows)
{
    while (count_rows(town, "SELECT COUNT(*) FROM intake_log") > log_rows) {
        catch_up(town);
    }
}

static void what_one_seals_leaves_the_others(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    for (int i = 0; i < 200; i++) {
        put(&town, i % 2, device, START_MS + i * HOUR_MS, i);
    }
    assert_int_equal(same_answers(&town, device), 200);
    set_clocks(&town, START_MS + 90 * DAY_MS);
    put(&town, 0, device, START_MS + 89 * DAY_MS, 5000);
    put(&town, 1, device, START_MS + 89 * DAY_MS + HOUR_MS, 5001);
    wait_until_sealed(&town, 2);
    assert_int_equal(same_answers(&town, device), 202);
    assert_int_equal(stats_of(&town, 0).log_rows, 2);
    assert_int_equal(stats_of(&town, 1).log_rows, 2);
    /* What is sealed is known to both; late readings wait beside it and are sealed too. */
    put(&town, 0, device, START_MS + 3 * HOUR_MS, 3);
    put(&town, 1, device, START_MS + 4 * HOUR_MS, 4);
    assert_int_equal(same_answers(&town, device), 202);
    for (int i = 0; i < 20; i++) {
        put(&town, i % 2, device, START_MS + i * HOUR_MS + 60000, 100 + i);
        assert_int_equal(same_answers(&town, device), 203 + i);
    }
    close_member(&town, 1);
    open_member(&town, 1);
    set_clocks(&town, START_MS + 90 * DAY_MS);
    assert_int_equal(same_answers(&town, device), 222);
    close_town(&town);
}

static void the_care_goes_on_when_its_member_leaves(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    int who = wait_for_carer(&town);
    for (int i = 0; i < 50; i++) {
        put(&town, i % 2, device, START_MS + i * HOUR_MS, i);
    }
    close_member(&town, who);
    while (!stats_of(&town, 1 - who).has_care) {
        assert_int_equal(hyp_store_catch_up(town.members[1 - who].store), HYP_OK);
    }
    open_member(&town, who);
    set_clocks(&town, START_MS + 90 * DAY_MS);
    put(&town, who, device, START_MS + 89 * DAY_MS, 5000);
    wait_until_sealed(&town, 1);
    assert_int_equal(same_answers(&town, device), 51);
    assert_int_equal(carer(&town), 1 - who);
    close_town(&town);
}

/* Of those who share the schema. */
static const char *const end_sessions_sql =
    "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'"
    " AND classid = 1752789041 AND objid::bigint ="
    " hashtext(current_setting('hypocaust.schema'))::bigint & 4294967295";

/* The server ends every session; both come back, and nothing is doubled or lost. */
static void lost_sessions_come_back(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    wait_for_carer(&town);
    for (int i = 0; i < 60; i++) {
        if (i % 20 == 10) {
            assert_int_equal(count_rows(&town, end_sessions_sql), MEMBERS);
        }
        struct hyp_value value = test_decimal(HYP_NAME_ENERGY, i, 0);
        struct hyp_reading reading = test_reading(device, START_MS + i * HOUR_MS, &value, 1);
        /* Refused, it is still with its sender, who sends it again. */
        while (test_put(&town.members[i % 2], &reading) != HYP_OK) {
        }
    }
    while (hyp_store_catch_up(town.members[0].store) != HYP_OK ||
           hyp_store_catch_up(town.members[1].store) != HYP_OK) {
    }
    assert_int_equal(same_answers(&town, device), 60);
    wait_for_carer(&town);
    close_town(&town);
}

static void frames_are_packed_once(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    static uint8_t bytes[2000];
    enum { FRAMES = 400 };
    for (int i = 0; i < FRAMES; i++) {
        for (size_t b = 0; b < sizeof(bytes); b++) {
            bytes[b] = (uint8_t)((b * 7919u + (unsigned)i * 104729u) >> 3);
        }
        struct hyp_value value = test_decimal(HYP_NAME_ENERGY, i, 0);
        struct hyp_reading reading = test_reading(device, START_MS + i * HOUR_MS, &value, 1);
        struct hyp_raw_frame frame = {.device = device,
                                      .received.ms = START_MS + i * HOUR_MS,
                                      .protocol = HYP_RAW_MBUS,
                                      .bytes = bytes,
                                      .len = sizeof(bytes)};
        reading.frame = 0;
        struct hyp_batch batch = {
            .readings = &reading, .reading_count = 1, .frames = &frame, .frame_count = 1};
        assert_int_equal(test_submit(town.members[i % 2].store, &batch), HYP_OK);
    }
    while (count_rows(&town, "SELECT COUNT(*) FROM frame_log") >= FRAMES) {
        catch_up(&town);
    }
    assert_int_equal(same_answers(&town, device), FRAMES);
    for (int i = 0; i < MEMBERS; i++) {
        struct test_store *t = &town.members[i];
        struct hyp_stored_frame *frames;
        size_t count;
        assert_int_equal(hyp_store_frames(t->store, t->tenant, device, (hyp_line_id){0}, 0,
                                          2 * FRAMES, &t->arena, &frames, &count),
                         HYP_OK);
        assert_int_equal(count, FRAMES);
        for (size_t f = 1; f < count; f++) {
            assert_true(frames[f].id.id < frames[f - 1].id.id);
        }
        assert_int_equal(stats_of(&town, i).frames, FRAMES);
    }
    close_town(&town);
}

static void what_is_forgotten_is_gone_everywhere(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    for (int i = 0; i < 100; i++) {
        put(&town, i % 2, device, START_MS + i * HOUR_MS, i);
    }
    set_clocks(&town, START_MS + 90 * DAY_MS);
    for (int i = 0; i < 10; i++) {
        put(&town, i % 2, device, START_MS + 89 * DAY_MS + i * HOUR_MS, 1000 + i);
    }
    int other = 1 - wait_for_carer(&town);
    struct hyp_forgotten forgotten = {.tenant = town.members[0].tenant,
                                      .device = device,
                                      .from.ms = START_MS + 50 * HOUR_MS,
                                      .to.ms = START_MS + 89 * DAY_MS + 5 * HOUR_MS,
                                      .reason = "moved out"};
    assert_int_equal(hyp_store_forget(town.members[other].store, &forgotten, NULL), HYP_OK);
    while (count_rows(&town, "SELECT COUNT(*) FROM forgotten WHERE ended = 0") > 0) {
        catch_up(&town);
    }
    assert_int_equal(same_answers(&town, device), 55);
    close_town(&town);
}

/* --- all at once --- */

#define ROUNDS 150

struct sender {
    struct town *town;
    int member;
    hyp_device_id devices[2];
};

/* Both members get every reading, in another order, old and new ones. */
static void *send_all(void *argument)
{
    const struct sender *sender = argument;
    for (int i = 0; i < ROUNDS; i++) {
        int n = sender->member == 0 ? i : (i * 7) % ROUNDS;
        put(sender->town, sender->member, sender->devices[n % 2], START_MS + n * HOUR_MS, n);
        put(sender->town, sender->member, sender->devices[0], START_MS + 89 * DAY_MS + n * 1000,
            n);
    }
    return NULL;
}

static void both_at_once(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    set_clocks(&town, START_MS + 90 * DAY_MS);
    hyp_device_id a = test_device(&town.members[0], "1");
    hyp_device_id b = test_device(&town.members[1], "2");
    struct sender senders[MEMBERS];
    pthread_t threads[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
        senders[i] = (struct sender){
            .town = &town, .member = i, .devices = {a, b}
        };
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    for (int i = 0; i < MEMBERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(same_answers(&town, a), ROUNDS + ROUNDS / 2);
    assert_int_equal(same_answers(&town, b), ROUNDS / 2);
    close_member(&town, 0);
    close_member(&town, 1);
    open_member(&town, 1);
    open_member(&town, 0);
    assert_int_equal(same_answers(&town, a), ROUNDS + ROUNDS / 2);
    assert_int_equal(same_answers(&town, b), ROUNDS / 2);
    close_town(&town);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, members_need_a_name_and_others_that_share);
    TEST_ONE(&list, what_one_stores_the_others_know);
    TEST_ONE(&list, a_reading_that_comes_to_both_is_one);
    TEST_ONE(&list, observers_are_told_of_the_others);
    TEST_ONE(&list, devices_go_everywhere);
    TEST_ONE(&list, what_one_seals_leaves_the_others);
    TEST_ONE(&list, the_care_goes_on_when_its_member_leaves);
    TEST_ONE(&list, lost_sessions_come_back);
    TEST_ONE(&list, frames_are_packed_once);
    TEST_ONE(&list, what_is_forgotten_is_gone_everywhere);
    TEST_ONE(&list, both_at_once);
    return test_list_run(&list, "store-members");
}
