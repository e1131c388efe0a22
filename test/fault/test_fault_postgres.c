/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL fails: the connection is cut at the n-th statement, for every n, and the server
 * refuses rows of one table after the other. What was acknowledged is there once, what was
 * refused can be sent again, and everything goes on by itself.
 */
#include "scenario.h"
#include "wire_cutter.h"

#include "base/limits.h"
#include "store/core.h"
#include "store/server.h"

#include <limits.h>
#include <stdatomic.h>

/* Statements of two batches, each with its sealing and packing, and more. */
#define STATEMENTS 60
#define TRIES 1000
/* More than there are in the change of a device. */
#define PEOPLE_STATEMENTS 12
#define ROUNDS_MAX 600
#define DAY_MS 86400000

/* Sends until it is taken, as a gateway does. */
static void send_until_taken(struct scenario *s, struct hyp_store *store, int64_t k)
{
    for (int i = 0; i < TRIES; i++) {
        if (scenario_send(s, store, k) == HYP_OK) {
            return;
        }
    }
    fail_msg("batch %lld is never taken", (long long)k);
}

/* --- cut connections --- */

static const struct cut_row {
    const char *name;
    bool after;
} cuts[] = {
    {"cut before the server hears it",   false},
    {"cut before the answer comes back", true },
};

static void a_cut_connection_loses_nothing(void **state)
{
    const struct cut_row *row = *state;
    static struct scenario s;
    scenario_make(&s);
    s.seal_readings = 1;
    struct wire_cutter *cutter = wire_cutter_start(s.folder.path);
    s.database = wire_cutter_url(cutter);
    struct hyp_store *store;
    assert_int_equal(scenario_open(&s, &store), HYP_OK);
    int64_t k = 0;
    for (long n = 1; n <= STATEMENTS; n++) {
        wire_cutter_arm(cutter, n, row->after);
        while (!wire_cutter_has_cut(cutter)) {
            send_until_taken(&s, store, k++);
        }
        send_until_taken(&s, store, k++);
    }
    scenario_check(&s, store);
    hyp_store_close(store);
    wire_cutter_stop(cutter);
    s.database = NULL;
    scenario_check_closed(&s);
    scenario_remove(&s);
}

/* --- a server that stays away --- */

/* A store by way of the cutter, and what it says of itself. */
struct outage {
    struct scenario s;
    struct hyp_log log;
    struct wire_cutter *cutter;
    struct hyp_store *store;
    int64_t k;
    atomic_int found_main; /* commits, when the server was back */
    atomic_int found_frames;
    atomic_int told;
    atomic_int changes;
};

static void count_found(struct hyp_log *log, enum hyp_log_level level, struct hyp_str line)
{
    struct outage *o = HYP_CONTAINER_OF(log, struct outage, log);
    (void)level;
    o->found_main += hyp_str_has_prefix(line, HYP_STR("store.commit_found database=main"));
    o->found_frames += hyp_str_has_prefix(line, HYP_STR("store.commit_found database=frames"));
}

static void count_told(void *user, hyp_device_id device, hyp_utc source_time,
                       const struct hyp_stored_value *values, size_t count)
{
    (void)device;
    (void)source_time;
    (void)values;
    ((struct outage *)user)->told += (int)count;
}

static void count_changes(void *user, const struct hyp_store_changes *changes)
{
    ((struct outage *)user)->changes += (int)changes->id_count;
}

static void start_outage(struct outage *o, bool is_heavy)
{
    *o = (struct outage){.k = 0};
    scenario_make(&o->s);
    o->s.is_heavy = is_heavy;
    o->log.write = count_found;
    o->s.log = &o->log;
    o->s.seal_readings = 1;
    o->s.database_tries = 1;
    o->cutter = wire_cutter_start(o->s.folder.path);
    o->s.database = wire_cutter_url(o->cutter);
    assert_int_equal(scenario_open(&o->s, &o->store), HYP_OK);
    const struct hyp_store_observer observer = {
        .user = o, .committed = count_told, .changed = count_changes};
    assert_int_equal(hyp_store_observe(o->store, &observer), HYP_OK);
}

/* What memory knows is what is in the database: another process reads the same. Observers were
 * told all of it, once. */
static void end_outage(struct outage *o)
{
    struct hyp_store_stats before;
    struct hyp_store_stats after;
    scenario_check(&o->s, o->store);
    hyp_store_stats(o->store, &before);
    hyp_store_close(o->store);
    assert_int_equal(before.values, o->told);
    /* Those of a batch that was sent again too, though they gave no reading. */
    assert_int_equal(before.frames, (uint64_t)o->k * scenario_frames(&o->s));
    o->s.database = NULL;
    assert_int_equal(scenario_open(&o->s, &o->store), HYP_OK);
    hyp_store_stats(o->store, &after);
    assert_int_equal(before.readings, after.readings);
    assert_int_equal(before.values, after.values);
    assert_int_equal(before.points, after.points);
    assert_int_equal(before.frames, after.frames);
    scenario_check(&o->s, o->store);
    hyp_store_close(o->store);
    wire_cutter_stop(o->cutter);
    scenario_remove(&o->s);
}

/* From the n-th statement on nobody is there, until whatever was in the way of it has been
 * given up. */
static void go_away(struct outage *o, long n, bool after)
{
    wire_cutter_arm(o->cutter, n, after);
    wire_cutter_stay_away(o->cutter, true);
    while (!wire_cutter_has_cut(o->cutter)) {
        o->k += scenario_send(&o->s, o->store, o->k) == HYP_OK;
    }
    /* The writer comes to this one behind what was cut. */
    o->k += scenario_send(&o->s, o->store, o->k) == HYP_OK;
    wire_cutter_stay_away(o->cutter, false);
}

static const struct away_row {
    const char *name;
    bool after;
    bool is_heavy;
} aways[] = {
    {"it goes before it hears a statement",           false, false},
    {"it goes when it has answered",                  true,  false},
    {"it goes when it has answered blocks of frames", true,  true },
};

static void a_server_that_stays_away_loses_nothing(void **state)
{
    const struct away_row *row = *state;
    static struct outage o;
    start_outage(&o, row->is_heavy);
    for (long n = 1; n <= STATEMENTS; n++) {
        go_away(&o, n, row->after);
        send_until_taken(&o.s, o.store, o.k++);
    }
    assert_true((o.found_main > 0) == row->after);
    assert_true((o.found_frames > 0) == (row->after && row->is_heavy));
    end_outage(&o);
}

/* --- what people change meanwhile --- */

static hyp_device_id find_device(struct outage *o, const char *serial)
{
    struct hyp_arena arena;
    struct hyp_device *devices = NULL;
    size_t count = 0;
    hyp_device_id found = {0};
    hyp_arena_init(&arena, (size_t)1 << 20);
    for (int i = 0; i < TRIES && count == 0; i++) {
        HYP_IGNORE(hyp_store_devices(o->store, o->s.tenant, &arena, &devices, &count));
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(devices[i].serial, serial) == 0) {
            found = devices[i].id;
        }
    }
    hyp_arena_finish(&arena);
    return found;
}

/* Like somebody who tries again until it is done. */
static void add_device(struct outage *o, const char *serial)
{
    enum hyp_status status = HYP_IO;
    for (int i = 0; i < TRIES && status != HYP_OK; i++) {
        struct hyp_device device = {.tenant = o->s.tenant};
        hyp_text_copy(device.serial, sizeof(device.serial), hyp_str_from(serial));
        status = hyp_store_device_add(o->store, &device, NULL);
        if (i == 0 && status != HYP_OK) {
            /* What cannot even begin is no part of what is found later. */
            assert_int_not_equal(
                hyp_store_device_remove(o->store, o->s.tenant, o->s.devices[0], NULL), HYP_OK);
        }
        wire_cutter_stay_away(o->cutter, false);
    }
}

static void remove_device(struct outage *o, hyp_device_id id)
{
    enum hyp_status status = HYP_IO;
    for (int i = 0; i < TRIES && status != HYP_OK && status != HYP_NOT_FOUND; i++) {
        status = hyp_store_device_remove(o->store, o->s.tenant, id, NULL);
        wire_cutter_stay_away(o->cutter, false);
    }
}

static enum hyp_status latest_of(struct outage *o, hyp_device_id id)
{
    struct hyp_arena arena;
    struct hyp_latest *latest;
    size_t count;
    hyp_arena_init(&arena, (size_t)1 << 20);
    enum hyp_status status =
        hyp_store_latest(o->store, o->s.tenant, id, &arena, &latest, &count);
    hyp_arena_finish(&arena);
    return status;
}

/* A device that was added, or removed, by a commit that was given up is known, or gone. What
 * the writer says meanwhile is counted too, so it takes some rounds until both commits are met.
 */
static void what_people_change_is_followed(void **state)
{
    (void)state;
    static struct outage o;
    start_outage(&o, false);
    for (long round = 0; round < ROUNDS_MAX && o.changes < 2; round++) {
        char serial[16];
        struct hyp_buf text;
        hyp_buf_init_fixed(&text, serial, sizeof(serial));
        hyp_buf_append_i64(&text, 1000 + round);
        (void)hyp_buf_terminate(&text);
        wire_cutter_arm(o.cutter, 1 + round % PEOPLE_STATEMENTS, true);
        wire_cutter_stay_away(o.cutter, true);
        add_device(&o, serial);
        hyp_device_id id = find_device(&o, serial);
        assert_true(id.id != 0);
        assert_int_equal(latest_of(&o, id), HYP_OK);
        wire_cutter_arm(o.cutter, 1 + round % PEOPLE_STATEMENTS, true);
        wire_cutter_stay_away(o.cutter, true);
        remove_device(&o, id);
        assert_int_equal(latest_of(&o, id), HYP_NOT_FOUND);
    }
    assert_true(o.changes >= 2);
    send_until_taken(&o.s, o.store, o.k++);
    end_outage(&o);
}

/* --- an outage that is known --- */

/* A store that waits as usual, and somebody who counts those who knock. */
struct absence {
    struct scenario s;
    struct hyp_clock_fake clock;
    struct wire_cutter *cutter;
    struct hyp_store *store;
};

static void start_absence(struct absence *a, bool stands_still)
{
    *a = (struct absence){0};
    scenario_make(&a->s);
    hyp_clock_fake_init(&a->clock, hyp_clock_utc(hyp_clock_system()));
    a->s.clock = stands_still ? &a->clock.clock : NULL;
    a->cutter = wire_cutter_start(a->s.folder.path);
    a->s.database = wire_cutter_url(a->cutter);
    assert_int_equal(scenario_open(&a->s, &a->store), HYP_OK);
}

static void end_absence(struct absence *a)
{
    scenario_check(&a->s, a->store);
    hyp_store_close(a->store);
    wire_cutter_stop(a->cutter);
    scenario_remove(&a->s);
}

static enum hyp_status ask(struct absence *a)
{
    struct hyp_arena arena;
    struct hyp_device *devices;
    size_t count;
    hyp_arena_init(&arena, (size_t)1 << 20);
    enum hyp_status status = hyp_store_devices(a->store, a->s.tenant, &arena, &devices, &count);
    hyp_arena_finish(&arena);
    return status;
}

static enum hyp_status change(struct absence *a)
{
    struct hyp_tenant tenant = {.name = "Village", .language = "en", .time_zone = "UTC"};
    return hyp_store_tenant_add(a->store, &tenant);
}

/* How many knock while something is asked and changed a few times, in vain. @after_ms of the
 * clock that stands still */
static long knocks(struct absence *a, int64_t after_ms)
{
    long before = wire_cutter_came(a->cutter);
    hyp_clock_fake_advance(&a->clock, after_ms);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ask(a), HYP_IO);
        assert_int_equal(change(a), HYP_IO);
    }
    return wire_cutter_came(a->cutter) - before;
}

static void a_short_absence_goes_unnoticed(void **state)
{
    (void)state;
    static struct absence a;
    start_absence(&a, true);
    wire_cutter_turn_away(a.cutter, 3);
    assert_int_equal(ask(&a), HYP_OK);
    wire_cutter_turn_away(a.cutter, 3);
    assert_int_equal(change(&a), HYP_OK);
    wire_cutter_turn_away(a.cutter, 3);
    assert_int_equal(scenario_send(&a.s, a.store, 0), HYP_OK);
    end_absence(&a);
}

/* The clock stands still but for the pauses. */
static void nobody_waits_for_an_outage_that_is_known(void **state)
{
    (void)state;
    static struct absence a;
    start_absence(&a, true);
    wire_cutter_turn_away(a.cutter, LONG_MAX);
    assert_int_equal(ask(&a), HYP_IO);
    /* Behind what the writer was at when the server went: it may have been about to knock. */
    assert_int_equal(scenario_send(&a.s, a.store, 0), HYP_IO);
    assert_int_equal(knocks(&a, 0), 0);
    assert_int_equal(knocks(&a, HYP_LIMIT_DATABASE_AWAY_MS), 1);
    wire_cutter_turn_away(a.cutter, 0);
    assert_int_equal(knocks(&a, 0), 0);
    hyp_clock_fake_advance(&a.clock, HYP_LIMIT_DATABASE_AWAY_MS);
    assert_int_equal(ask(&a), HYP_OK);
    assert_int_equal(change(&a), HYP_OK);
    assert_int_equal(scenario_send(&a.s, a.store, 0), HYP_OK);
    end_absence(&a);
}

/* Of an outage that is over, but not yet as far as the store knows: its pause goes on. */
static void a_sender_is_not_refused_sooner(void **state)
{
    (void)state;
    static struct absence a;
    start_absence(&a, false);
    wire_cutter_turn_away(a.cutter, LONG_MAX);
    assert_int_equal(scenario_send(&a.s, a.store, 0), HYP_IO);
    assert_int_equal(scenario_send(&a.s, a.store, 0), HYP_IO);
    wire_cutter_turn_away(a.cutter, 0);
    assert_int_equal(scenario_send(&a.s, a.store, 0), HYP_OK);
    end_absence(&a);
}

/* Others who want a connection find no room, say; the writer has one. Whoever waited would for
 * longer than this test may take. */
static void the_writer_does_not_wait_for_others(void **state)
{
    (void)state;
    static struct absence a;
    start_absence(&a, true);
    assert_int_equal(scenario_send(&a.s, a.store, 0), HYP_OK);
    a.store->outage.pause_ms = DAY_MS;
    hyp_outage_met(&a.store->outage, HYP_BUSY, 0, "too many clients");
    assert_int_equal(scenario_send(&a.s, a.store, 1), HYP_OK);
    assert_true(hyp_outage_is_known(&a.store->outage));
    hyp_outage_over(&a.store->outage);
    end_absence(&a);
}

/* The one who begins asks for the outcome of the last commit; refused there, he must not be let
 * in by another door. */
static void nothing_begins_before_an_outcome_is_known(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct wire_cutter *cutter = wire_cutter_start(folder.path);
    const struct hyp_server_config config = {
        .url = wire_cutter_url(cutter), .schema = "outcome", .tries = 1};
    struct hyp_db *db = NULL;
    assert_int_equal(hyp_server_open(&config, &db, NULL), HYP_OK);
    hyp_db_begin(db);
    wire_cutter_arm(cutter, 1, true);
    wire_cutter_stay_away(cutter, true);
    assert_int_equal(hyp_db_commit(db), HYP_IO);
    wire_cutter_stay_away(cutter, false);
    wire_cutter_turn_away(cutter, 1);
    hyp_db_begin(db);
    assert_int_equal(hyp_db_commit(db), HYP_IO);
    assert_true(hyp_server_is_unsure(db));
    assert_int_equal(hyp_server_settle(db), HYP_OK);
    hyp_server_settled(db);
    hyp_db_begin(db);
    assert_int_equal(hyp_db_commit(db), HYP_OK);
    hyp_db_close(db);
    wire_cutter_stop(cutter);
    test_folder_remove(&folder);
}

/* --- a server that refuses --- */

static void tell(struct scenario *s, bool frames, const char *sql)
{
    struct hyp_db *db = test_database(&s->folder, frames);
    if (hyp_db_exec(db, sql) != HYP_OK) {
        fail_msg("%s: %s", sql, db->error_text);
    }
    hyp_db_close(db);
}

#define REFUSE(table, code)                                                                    \
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"                    \
    " RAISE EXCEPTION 'no room' USING ERRCODE = '" code "'; END $$;"                           \
    "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON " table                                  \
    " FOR EACH ROW EXECUTE FUNCTION refuse()"

static const struct refusal_row {
    const char *name;
    const char *sql;
    bool at_intake; /* batches are refused; else only what comes after them */
    bool frames;    /* the table is one of the frames */
    enum hyp_status status;
} refusals[] = {
    {"the log finds the disk full",   REFUSE("intake_log",  "53100"), true,  false, HYP_FULL},
    {"frames find the disk full",     REFUSE("frame_log",   "53100"), true,  false, HYP_FULL},
    {"points find the disk full",     REFUSE("point",       "53100"), true,  false, HYP_FULL},
    {"the log loses to somebody",     REFUSE("intake_log",  "40001"), true,  false, HYP_BUSY},
    {"the server runs out of memory", REFUSE("intake_log",  "53200"), true,  false,
     HYP_NO_MEMORY                                                                          },
    {"chunks find the disk full",     REFUSE("chunk",       "53100"), false, false, HYP_OK  },
    {"chunks meet a damaged page",    REFUSE("chunk",       "XX001"), false, false, HYP_OK  },
    {"what is sealed finds it full",  REFUSE("sealed",      "53100"), false, false, HYP_OK  },
    {"blocks of frames find it full", REFUSE("frame_block", "53100"), false, true,  HYP_OK  },
};

static void a_refusal_of_the_server_passes(void **state)
{
    const struct refusal_row *row = *state;
    static struct scenario s;
    scenario_make(&s);
    s.seal_readings = 1;
    struct hyp_store *store;
    struct hyp_store_stats stats;
    tell(&s, row->frames, row->sql);
    assert_int_equal(scenario_open(&s, &store), HYP_OK);
    for (int64_t k = 0; k < 20; k++) {
        assert_int_equal(scenario_send(&s, store, k), row->status);
    }
    hyp_store_stats(store, &stats);
    assert_int_equal(stats.last_commit, row->status);
    assert_int_equal(stats.readings, row->at_intake ? 0 : 20 * SCENARIO_DEVICES);
    scenario_check(&s, store);
    tell(&s, row->frames, "DROP FUNCTION refuse CASCADE");
    for (int64_t k = 0; k < 40; k++) {
        assert_int_equal(scenario_send(&s, store, k), HYP_OK);
    }
    scenario_check(&s, store);
    hyp_store_close(store);
    scenario_check_closed(&s);
    scenario_remove(&s);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, cuts, a_cut_connection_loses_nothing);
    TEST_ROWS(&list, aways, a_server_that_stays_away_loses_nothing);
    TEST_ONE(&list, what_people_change_is_followed);
    TEST_ONE(&list, a_short_absence_goes_unnoticed);
    TEST_ONE(&list, nobody_waits_for_an_outage_that_is_known);
    TEST_ONE(&list, a_sender_is_not_refused_sooner);
    TEST_ONE(&list, the_writer_does_not_wait_for_others);
    TEST_ONE(&list, nothing_begins_before_an_outcome_is_known);
    TEST_ROWS(&list, refusals, a_refusal_of_the_server_passes);
    return test_list_run(&list, "fault-postgres");
}
