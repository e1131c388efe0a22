/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving a store from SQLite to PostgreSQL with a failure at each place there is: the n-th
 * statement, step, row, allocation or file of either side, and the connection cut at the n-th
 * word, at COMMIT too, before the server hears it and after.
 *
 * Whatever fails, the folder is as it was, the error says what is true of the database, and it
 * is true: nothing is there, all is there, or both can be. The next move begins anew or takes
 * up what it finds, and everything has the counts and checksums of a move without a failure.
 */
#include "allocation_fault.h"
#include "fixture.h"
#include "move_fault.h"
#include "wire_cutter.h"

#include "store/core.h"
#include "store/folder.h"
#include "store/frames.h"
#include "store/layout.h"
#include "store/move.h"
#include "store/move_table.h"
#include "store/seal.h"

#include <unistd.h>

/* In the environment: each place, which takes some minutes. */
#define EVERY "HYP_TEST_EVERY_PLACE"
#define READINGS 3
#define TABLES_MAX 64
/* The last words of a move: COMMIT, and that connections end. */
#define LAST_WORDS 6

/* --- a plant in files, and where it goes --- */

struct sum {
    char table[64];
    int64_t rows;
    uint64_t checksum;
};

struct sums {
    struct sum list[TABLES_MAX];
    size_t count;
};

#define FILE_MAX 262144

struct file {
    char bytes[FILE_MAX];
    size_t len;
};

struct plant {
    struct test_folder folder;
    struct test_place place;
    struct wire_cutter *cutter;
    hyp_device_id device;
    struct file files[2]; /* SQLite's */
    struct hyp_db *main;  /* connections of our own to the target */
    struct hyp_db *frames;
    struct sums whole; /* of a move without a failure */
    struct sums told;  /* by the last move */
    long unknown;      /* moves of which nobody knew what had become of them */
    long all;          /* moves that only did not mark the folder */
};

/* Whoever opens a file of SQLite for writing counts one change in its first page, and writes
 * nothing else. */
static void hide_count(struct file *file)
{
    static const size_t places[] = {24, 92};
    for (size_t i = 0; i < HYP_ARRAY_LEN(places); i++) {
        assert_true(places[i] + 4 <= file->len);
        memset(file->bytes + places[i], 0, 4);
    }
}

static void read_files(const struct plant *p, struct file files[2])
{
    static const char *const names[] = {HYP_MAIN_FILE, HYP_FRAMES_FILE};
    for (size_t i = 0; i < HYP_ARRAY_LEN(names); i++) {
        const char *path = test_path(&p->folder, names[i], 0);
        assert_int_equal(hyp_file_read(path, files[i].bytes, FILE_MAX, &files[i].len, NULL),
                         HYP_OK);
        hide_count(&files[i]);
    }
}

/* One for all rows: its tables take longer to make than a move. */
static struct plant plant;

static void open_at(struct test_store *t, struct plant *p, const char *database)
{
    *t = (struct test_store){0};
    hyp_clock_fake_init(&t->clock, (hyp_utc){.ms = START_MS + SEAL_LATER_MS});
    hyp_arena_init(&t->arena, (size_t)1 << 30);
    test_log_init(&t->log);
    struct hyp_store_config config = p->place.config;
    config.database = database;
    config.clock = &t->clock.clock;
    config.log = &t->log.log;
    config.seal_readings = 1;
    config.frame_days = 100000;
    struct hyp_error err = {0};
    if (hyp_store_open(&config, &t->store, &err) != HYP_OK) {
        fail_msg("store cannot be opened: %s", err.text);
    }
}

static int64_t time_of(int i)
{
    /* The last one is of now, so that it is not sealed. */
    return START_MS + (i + 1 < READINGS ? i * HOUR_MS : SEAL_LATER_MS);
}

/* Readings in a chunk and in the log, a block of frames, a device that is gone. */
static void fill(struct plant *p)
{
    struct test_store t;
    open_at(&t, p, NULL);
    struct hyp_tenant tenant = {.name = "Town", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(t.store, &tenant), HYP_OK);
    t.tenant = tenant.id;
    hyp_device_id gone = test_device(&t, "1");
    p->device = test_device(&t, "2");
    assert_int_equal(hyp_store_device_remove(t.store, t.tenant, gone, NULL), HYP_OK);
    for (int i = 0; i < READINGS; i++) {
        struct hyp_value value = test_decimal(HYP_NAME_ENERGY, 100 + i, -1);
        struct hyp_reading reading = test_reading(p->device, time_of(i), &value, 1);
        struct hyp_raw_frame frame = {.device = p->device,
                                      .received.ms = time_of(i),
                                      .bytes = (const uint8_t *)"\x68\x00\xFF\x16",
                                      .len = 4};
        test_put_read_frame(&t, &frame, &reading);
        if (i == 0) {
            hyp_core_enter(t.store);
            assert_int_equal(hyp_frames_pack(t.store), HYP_OK);
            hyp_core_release(t.store);
        }
    }
    while (hyp_seal_step(t.store) || hyp_frames_step(t.store)) {
    }
    test_store_close(&t);
}

static void make_plant(struct plant *p)
{
    memset(p, 0, sizeof(*p));
    test_folder_make(&p->folder);
    test_place(&p->place, &p->folder);
    p->cutter = wire_cutter_start(p->folder.path);
    fill(p);
    read_files(p, p->files);
    p->main = test_database(&p->folder, false);
    p->frames = test_database(&p->folder, true);
}

static void remove_plant(struct plant *p)
{
    hyp_db_close(p->main);
    hyp_db_close(p->frames);
    wire_cutter_stop(p->cutter);
    test_folder_remove(&p->folder);
}

/* --- one move --- */

static void note_table(void *user, const char *table, int64_t rows, uint64_t checksum)
{
    struct sums *sums = user;
    assert_true(sums->count < TABLES_MAX);
    struct sum *sum = &sums->list[sums->count++];
    hyp_text_copy(sum->table, sizeof(sum->table), hyp_str_from(table));
    sum->rows = rows;
    sum->checksum = checksum;
}

/* Sessions end a little later than their clients; whoever gets their locks has seen it. */
static void wait_for_sessions(struct plant *p)
{
    static const char *const sql =
        "SELECT pg_advisory_lock(1752789041, hashtext(current_schema())),"
        " pg_advisory_unlock(1752789041, hashtext(current_schema()))";
    wire_cutter_wait(p->cutter);
    assert_int_equal(hyp_db_exec(p->main, sql), HYP_OK);
    assert_int_equal(hyp_db_exec(p->frames, sql), HYP_OK);
}

static enum hyp_status move_once(struct plant *p, struct hyp_error *err)
{
    const struct hyp_store_move move = {.folder = p->folder.path,
                                        .database = wire_cutter_url(p->cutter),
                                        .schema = p->place.config.schema,
                                        .clock = hyp_clock_system(),
                                        .database_tries = 1,
                                        .user = &p->told,
                                        .moved = note_table};
    p->told.count = 0;
    *err = (struct hyp_error){0};
    return hyp_store_move(&move, err);
}

/* Again, with nothing in the way. */
static void move_again(struct plant *p)
{
    struct hyp_error err;
    wait_for_sessions(p);
    if (move_once(p, &err) != HYP_OK) {
        fail_msg("the next move failed: %s", err.text);
    }
}

/* --- what must hold --- */

static int64_t count_rows(struct plant *p)
{
    return test_ask_at(p->main,
                       "SELECT (SELECT COUNT(*) FROM tenant) + (SELECT COUNT(*) FROM device) +"
                       " (SELECT COUNT(*) FROM point) + (SELECT COUNT(*) FROM intake_log) +"
                       " (SELECT COUNT(*) FROM frame_log) + (SELECT COUNT(*) FROM chunk) +"
                       " (SELECT COUNT(*) FROM sealed)") +
           test_ask_at(p->frames, "SELECT (SELECT COUNT(*) FROM frame_block) +"
                                  " (SELECT COUNT(*) FROM frame_device)");
}

static bool is_marked(const struct plant *p)
{
    return access(test_path(&p->folder, HYP_MOVED_FILE, 0), F_OK) == 0;
}

/* The folder as it was, but for the mark. */
static void check_folder(const struct plant *p)
{
    static struct file now[2];
    read_files(p, now);
    for (size_t i = 0; i < HYP_ARRAY_LEN(now); i++) {
        assert_int_equal(now[i].len, p->files[i].len);
        assert_memory_equal(now[i].bytes, p->files[i].bytes, now[i].len);
    }
}

/* Every table as in a move without a failure, in the words of the move and by a look at it. */
static void check_moved(struct plant *p)
{
    check_folder(p);
    assert_true(is_marked(p));
    assert_int_equal(p->told.count, p->whole.count);
    for (size_t i = 0; i < p->told.count; i++) {
        assert_string_equal(p->told.list[i].table, p->whole.list[i].table);
        assert_int_equal(p->told.list[i].rows, p->whole.list[i].rows);
        assert_true(p->told.list[i].checksum == p->whole.list[i].checksum);
    }
    assert_true(count_rows(p) > 0);
    static const struct {
        const char *table;
        bool frames;
        const char *sql;
    } rows[] = {
        {"device",      false, "SELECT COUNT(*) FROM device"     },
        {"intake_log",  false, "SELECT COUNT(*) FROM intake_log" },
        {"chunk",       false, "SELECT COUNT(*) FROM chunk"      },
        {"frame_block", true,  "SELECT COUNT(*) FROM frame_block"},
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        size_t t = 0;
        while (t < p->whole.count && strcmp(p->whole.list[t].table, rows[i].table) != 0) {
            t++;
        }
        assert_true(t < p->whole.count);
        if (p->whole.list[t].rows <= 0) {
            fail_msg("%s has no rows", rows[i].table);
        }
        assert_int_equal(test_ask_at(rows[i].frames ? p->frames : p->main, rows[i].sql),
                         p->whole.list[t].rows);
    }
}

static bool says(const struct hyp_error *err, const char *begin)
{
    return hyp_str_has_prefix(hyp_str_from(err->text), hyp_str_from(begin));
}

/* What the error says is true, and the next move goes on from there. */
static void check_failed(struct plant *p, const struct hyp_error *err)
{
    check_folder(p);
    wait_for_sessions(p);
    assert_int_not_equal(err->status, HYP_OK);
    if (says(err, "nothing was moved: ") || says(err, "the move has not begun: ")) {
        if (count_rows(p) != 0) {
            fail_msg("%s; but something was", err->text);
        }
        assert_false(is_marked(p));
    } else if (says(err, "not known whether all was moved ")) {
        p->unknown++;
        assert_false(is_marked(p));
        move_again(p);
        check_moved(p);
    } else if (says(err, "all was moved, but the folder is not marked ")) {
        p->all++;
        move_again(p);
        check_moved(p);
    } else {
        fail_msg("nobody is told what is true: %s", err->text);
    }
}

/* As before the first move; tables stay. */
static void clear_target(struct plant *p)
{
    static const char *const sql =
        "SET session_replication_role = replica; DO $$ DECLARE item RECORD; BEGIN"
        " FOR item IN SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND NOT relispartition AND relnamespace = to_regnamespace(quote_ident("
        "current_schema())) AND relname NOT IN ('schema_version', 'last_commit') LOOP"
        " EXECUTE format('DELETE FROM %I', item.relname); END LOOP; END $$";
    assert_int_equal(hyp_db_exec(p->main, sql), HYP_OK);
    assert_int_equal(hyp_db_exec(p->frames, sql), HYP_OK);
    HYP_IGNORE(hyp_file_remove(test_path(&p->folder, HYP_MOVED_FILE, 0), NULL));
    assert_int_equal(count_rows(p), 0);
}

/* Neither tables nor schemas, which a move makes. */
static void drop_target(struct plant *p)
{
    static const char *const sql = "SET client_min_messages = warning; DO $$ BEGIN"
                                   " EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE',"
                                   " current_setting('hypocaust.schema')); END $$";
    assert_int_equal(hyp_db_exec(p->main, sql), HYP_OK);
    assert_int_equal(hyp_db_exec(p->frames, sql), HYP_OK);
    HYP_IGNORE(hyp_file_remove(test_path(&p->folder, HYP_MOVED_FILE, 0), NULL));
}

/* --- kinds of failure --- */

struct fault {
    const char *name;
    enum move_fault kind;
    struct allocation_fault *allocations; /* instead of a kind */
    bool forever;
    bool cuts; /* instead of both */
    bool after;
    bool stays_away;
    long tries; /* so many places, spread evenly; 0 = each; see EVERY */
};

static const struct fault faults[] = {
    {"a statement of SQLite",             MOVE_FAULT_SOURCE, NULL,                0, 0, 0, 0, 12},
    {"a statement of PostgreSQL",         MOVE_FAULT_TARGET, NULL,                0, 0, 0, 0, 20},
    {"a piece of a COPY",                 MOVE_FAULT_COPY,   NULL,                0, 0, 0, 0, 8 },
    {"the answer to COMMIT",              MOVE_FAULT_ANSWER, NULL,                0, 0, 0, 0, 0 },
    {"a file of the folder",              MOVE_FAULT_FILE,   NULL,                0, 0, 0, 0, 0 },
    {"an allocation of ours",             MOVE_FAULT_NONE,   &our_allocations,    0, 0, 0, 0, 12},
    {"allocations of ours from one on",   MOVE_FAULT_NONE,   &our_allocations,    1, 0, 0, 0, 6 },
    {"allocations of SQLite from one on", MOVE_FAULT_NONE,   &sqlite_allocations, 1, 0, 0, 0, 8 },
    {"cut before a word",                 MOVE_FAULT_NONE,   NULL,                0, 1, 0, 0, 16},
    {"cut after a word",                  MOVE_FAULT_NONE,   NULL,                0, 1, 1, 0, 16},
    {"gone before a word",                MOVE_FAULT_NONE,   NULL,                0, 1, 0, 1, 4 },
    {"gone after a word",                 MOVE_FAULT_NONE,   NULL,                0, 1, 1, 1, 4 },
};

static void arm(struct plant *p, const struct fault *fault, long n)
{
    if (fault->cuts) {
        wire_cutter_arm(p->cutter, n, fault->after);
        wire_cutter_stay_away(p->cutter, fault->stays_away);
    } else if (fault->allocations != NULL) {
        allocation_fault_arm(fault->allocations, n, fault->forever);
    } else {
        move_fault_arm(fault->kind, n);
    }
}

/* How many places there were. */
static long disarm(struct plant *p, const struct fault *fault)
{
    long taken = move_fault_taken();
    if (fault->cuts) {
        taken = wire_cutter_heard(p->cutter);
    } else if (fault->allocations != NULL) {
        taken = atomic_load(&fault->allocations->taken);
        allocation_fault_arm(fault->allocations, 0, false);
    }
    wire_cutter_arm(p->cutter, 0, false);
    move_fault_disarm();
    return taken;
}

/* A server that is away stays so for the next one too, who knows nothing of the one before. */
static void check_away(struct plant *p)
{
    struct hyp_error err;
    assert_int_equal(move_once(p, &err), HYP_IO);
    assert_true(says(&err, "the move has not begun: "));
}

/* One move with a failure at place n. */
static void live(struct plant *p, const struct fault *fault, long n)
{
    struct hyp_error err;
    wait_for_sessions(p);
    arm(p, fault, n);
    enum hyp_status status = move_once(p, &err);
    if (fault->stays_away && wire_cutter_has_cut(p->cutter) && status != HYP_OK) {
        check_away(p);
    }
    wire_cutter_stay_away(p->cutter, false);
    disarm(p, fault);
    if (status == HYP_OK) {
        check_moved(p);
    } else {
        check_failed(p, &err);
    }
    if (is_marked(p)) {
        clear_target(p);
    }
}

/* A move without a failure: how many places are there? */
static long count_places(struct plant *p, const struct fault *fault)
{
    wait_for_sessions(p);
    arm(p, fault, 0);
    struct hyp_error err;
    if (move_once(p, &err) != HYP_OK) {
        fail_msg("move failed: %s", err.text);
    }
    wire_cutter_wait(p->cutter);
    p->whole = p->told;
    return disarm(p, fault);
}

/* The store is there, as the folder had it. */
static void check_store(struct plant *p)
{
    struct test_store t;
    move_again(p);
    open_at(&t, p, p->place.config.database);
    struct hyp_tenant *tenants;
    struct hyp_stored_value *values;
    struct hyp_latest *latest;
    struct hyp_stored_frame frame;
    size_t count;
    assert_int_equal(hyp_store_tenants(t.store, &t.arena, &tenants, &count), HYP_OK);
    assert_int_equal(count, 1);
    t.tenant = tenants[0].id;
    assert_int_equal(hyp_store_series(t.store, t.tenant,
                                      test_point(&t, p->device, HYP_NAME_ENERGY), (hyp_utc){0},
                                      (hyp_utc){INT64_MAX}, &t.arena, &values, &count),
                     HYP_OK);
    assert_int_equal(count, READINGS);
    for (int i = 0; i < READINGS; i++) {
        assert_int_equal(values[i].time.ms, time_of(i));
        assert_int_equal(values[i].decimal.digits, 100 + i);
    }
    assert_int_equal(hyp_store_latest(t.store, t.tenant, p->device, &t.arena, &latest, &count),
                     HYP_OK);
    assert_int_equal(hyp_store_frame(t.store, t.tenant, latest[0].frame, &t.arena, &frame),
                     HYP_OK);
    test_check_healthy(&t, &p->folder);
    test_store_close(&t);
    clear_target(p);
}

static void all_or_nothing_whatever_fails(void **state)
{
    const struct fault *fault = *state;
    struct plant *p = &plant;
    p->unknown = 0;
    p->all = 0;
    clear_target(p);
    long places = count_places(p, fault);
    clear_target(p);
    assert_true(places > 0);
    bool every = fault->tries == 0 || getenv(EVERY) != NULL;
    long step = every ? 1 : HYP_MAX(places / fault->tries, 1);
    long lives = 0;
    for (long n = 1; n <= places; lives++) {
        live(p, fault, n);
        /* Where it matters most, each. */
        bool ends = fault->cuts && n + step > places - LAST_WORDS;
        n += ends ? HYP_MAX(HYP_MIN(step, places - LAST_WORDS - n), 1) : step;
    }
    print_message("# %ld of %ld places, %ld with an outcome that was not known\n", lives,
                  places, p->unknown);
    assert_true(p->unknown > 0 || !fault->stays_away);
    assert_true((p->all > 0) == (fault->kind == MOVE_FAULT_FILE));
    check_store(p);
}

/* The first time: schemas and tables are made, each step in a transaction of its own. */
static void a_new_database_too(void **state)
{
    (void)state;
    static const struct fault fault = {.kind = MOVE_FAULT_TARGET};
    struct plant *p = &plant;
    make_plant(p);
    drop_target(p);
    long places = count_places(p, &fault);
    long step = HYP_MAX(places / 6, 1);
    for (long n = 1; n <= places; n += step) {
        struct hyp_error err;
        drop_target(p);
        wait_for_sessions(p);
        arm(p, &fault, n);
        enum hyp_status status = move_once(p, &err);
        disarm(p, &fault);
        if (status != HYP_OK) {
            assert_true(says(&err, "the move has not begun: ") ||
                        says(&err, "nothing was moved: "));
            check_folder(p);
            move_again(p);
        }
        check_moved(p);
    }
}

static void that_was_all(void **state)
{
    (void)state;
    remove_plant(&plant);
}

int main(void)
{
    allocation_fault_hook_sqlite();
    struct test_list list = {0};
    TEST_ONE(&list, a_new_database_too); /* makes the plant of all */
    TEST_ROWS(&list, faults, all_or_nothing_whatever_fails);
    TEST_ONE(&list, that_was_all);
    return test_list_run(&list, "fault-move");
}
