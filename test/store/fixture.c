/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "own_database.h"

#include "store/doctor.h"
#include "store/layout.h"
#include "store/server.h"
#include "store/sqlite/sqlite.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define ARENA_MAX ((size_t)1 << 30)

/* --- folders --- */

static void join(char *out, size_t size, const char *a, const char *b)
{
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, out, size);
    hyp_buf_append_text(&buf, a);
    hyp_buf_append_text(&buf, b);
    assert_int_equal(hyp_buf_status(&buf), HYP_OK);
    (void)hyp_buf_terminate(&buf);
}

void test_folder_make(struct test_folder *folder)
{
    const char *base = getenv("TMPDIR");
    if (base == NULL) {
        /* In memory where there is such a folder: thousands of syncs are what takes time. */
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    }
    join(folder->path, sizeof(folder->path), base, "/hypocaust-test-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
}

const char *test_path(const struct test_folder *folder, const char *name, int slot)
{
    static char paths[4][512];
    char with_slash[300];
    join(with_slash, sizeof(with_slash), folder->path, "/");
    join(paths[slot], sizeof(paths[slot]), with_slash, name);
    return paths[slot];
}

/* --- databases --- */

static const char *database_url(void)
{
    return getenv("HYP_TEST_DATABASE");
}

bool test_is_postgres(void)
{
    return database_url() != NULL;
}

/* The letters that mkdtemp chose: a folder's schema has them as its name, or its database, so
 * that a store that is opened again finds its own. */
static const char *letters_of(const struct test_folder *folder)
{
    const char *dash = strrchr(folder->path, '-');
    assert_non_null(dash);
    return dash + 1;
}

void test_place(struct test_place *place, const struct test_folder *folder)
{
    *place = (struct test_place){.config.folder = folder == NULL ? NULL : folder->path};
    if (!test_is_postgres() || folder == NULL) {
        return;
    }
    if (own_database_is_wanted()) {
        own_database_url(letters_of(folder), place->url, sizeof(place->url));
        place->config.database = place->url;
        place->config.schema = HYP_MAIN_SCHEMA;
    } else {
        join(place->schema, sizeof(place->schema), letters_of(folder), "");
        place->config.database = database_url();
        place->config.schema = place->schema;
    }
    /* The same promises for one that shares its database, though nobody else comes. */
    place->config.member = getenv("HYP_TEST_MEMBER");
}

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path);
}

void test_folder_remove(struct test_folder *folder)
{
    assert_int_equal(nftw(folder->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    if (own_database_is_wanted()) {
        own_database_remove(letters_of(folder));
    }
}

struct hyp_db *test_database(const struct test_folder *folder, bool frames)
{
    struct hyp_db *db = NULL;
    struct hyp_error err = {0};
    enum hyp_status status;
    if (test_is_postgres()) {
        struct test_place place;
        test_place(&place, folder);
        char schema[96];
        join(schema, sizeof(schema), place.config.schema,
             frames ? HYP_FRAMES_SCHEMA_SUFFIX : "");
        const struct hyp_server_config config = {.url = place.config.database,
                                                 .schema = schema};
        status = hyp_server_open(&config, &db, &err);
    } else {
        status = hyp_sqlite_open(test_path(folder, frames ? HYP_FRAMES_FILE : HYP_MAIN_FILE, 0),
                                 HYP_SQLITE_WRITE, &db, &err);
    }
    if (status != HYP_OK) {
        fail_msg("database cannot be opened: %s", err.text);
    }
    return db;
}

int64_t test_ask_at(struct hyp_db *db, const char *sql)
{
    struct hyp_query query;
    hyp_query_open(&query, db, sql);
    int64_t number = hyp_query_row(&query) ? hyp_query_i64(&query) : -1;
    assert_int_equal(hyp_query_close(&query), HYP_OK);
    return number;
}

int64_t test_ask(const struct test_folder *folder, bool frames, const char *sql)
{
    struct hyp_db *db = test_database(folder, frames);
    int64_t number = test_ask_at(db, sql);
    hyp_db_close(db);
    return number;
}

/* --- stores --- */

static void keep_line(struct hyp_log *log, enum hyp_log_level level, struct hyp_str line)
{
    (void)level;
    struct test_log *t = HYP_CONTAINER_OF(log, struct test_log, log);
    char text[sizeof(t->last)];
    hyp_text_copy(text, sizeof(text), line);
    /* Comes at any time in a run as a member; no test is about it. */
    if (strstr(text, "member.care_taken") == NULL) {
        hyp_text_copy(t->last, sizeof(t->last), hyp_str_from(text));
        t->lines++;
    }
}

void test_log_init(struct test_log *log)
{
    *log = (struct test_log){
        .log = {.write = keep_line, .least = HYP_LOG_DEBUG}
    };
}

static void find_tenant(struct test_store *t)
{
    struct hyp_tenant *tenants;
    size_t count;
    assert_int_equal(hyp_store_tenants(t->store, &t->arena, &tenants, &count), HYP_OK);
    if (count > 0) {
        t->tenant = tenants[0].id;
        return;
    }
    struct hyp_tenant tenant = {
        .name = "Town", .language = "en", .time_zone = "Europe/Copenhagen"};
    assert_int_equal(hyp_store_tenant_add(t->store, &tenant), HYP_OK);
    t->tenant = tenant.id;
}

bool test_seal_at_once;

void test_store_open(struct test_store *t, const struct test_folder *folder)
{
    *t = (struct test_store){0};
    int64_t later = test_seal_at_once ? SEAL_LATER_MS : 0;
    hyp_clock_fake_init(&t->clock, (hyp_utc){.ms = START_MS + later});
    hyp_arena_init(&t->arena, ARENA_MAX);
    test_log_init(&t->log);
    if (test_is_postgres() && folder == NULL) {
        test_folder_make(&t->own);
        folder = &t->own;
    }
    struct test_place place;
    test_place(&place, folder);
    place.config.clock = &t->clock.clock;
    place.config.log = &t->log.log;
    place.config.seal_readings = test_seal_at_once ? 1 : 0;
    struct hyp_error err = {0};
    if (hyp_store_open(&place.config, &t->store, &err) != HYP_OK) {
        fail_msg("store cannot be opened: %s", err.text);
    }
    find_tenant(t);
}

void test_store_open_at(struct test_store *t, const struct test_folder *folder, int64_t now,
                        const struct hyp_store_config *settings)
{
    hyp_tenant_id tenant = t->tenant;
    *t = (struct test_store){.tenant = tenant};
    hyp_clock_fake_init(&t->clock, (hyp_utc){.ms = now});
    hyp_arena_init(&t->arena, ARENA_MAX);
    test_log_init(&t->log);
    struct test_place place;
    test_place(&place, folder);
    struct hyp_store_config config = place.config;
    config.clock = &t->clock.clock;
    config.log = &t->log.log;
    config.retain = settings->retain;
    config.seal_readings = settings->seal_readings;
    config.frame_days = settings->frame_days;
    if (settings->database != NULL) {
        config.database = settings->database;
    }
    struct hyp_error err = {0};
    if (hyp_store_open(&config, &t->store, &err) != HYP_OK) {
        fail_msg("store cannot be opened: %s", err.text);
    }
}

void test_store_close(struct test_store *t)
{
    t->store = hyp_store_close(t->store);
    hyp_arena_finish(&t->arena);
    if (t->own.path[0] != '\0') {
        test_folder_remove(&t->own);
    }
}

hyp_device_id test_device(struct test_store *t, const char *serial)
{
    struct hyp_device device = {.tenant = t->tenant,
                                .kind = "heat_meter",
                                .manufacturer = "KAM",
                                .version = 52,
                                .medium = 4,
                                .primary_address = -1,
                                .schedule = {.kind = HYP_SCHEDULE_NONE},
                                .enabled = true};
    hyp_text_copy(device.serial, sizeof(device.serial), hyp_str_from(serial));
    hyp_text_copy(device.name, sizeof(device.name), hyp_str_from(serial));
    struct hyp_error err = {0};
    if (hyp_store_device_add(t->store, &device, &err) != HYP_OK) {
        fail_msg("device %s cannot be added: %s", serial, err.text);
    }
    return device.id;
}

void test_devices(struct test_store *t, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        char serial[16];
        struct hyp_buf text;
        hyp_buf_init_fixed(&text, serial, sizeof(serial));
        hyp_buf_append_i64(&text, i);
        (void)test_device(t, hyp_buf_terminate(&text));
    }
}

hyp_line_id test_line(struct test_store *t, const char *name)
{
    struct hyp_line line = {.tenant = t->tenant, .kind = HYP_LINE_WMBUS_TCP};
    hyp_text_copy(line.name, sizeof(line.name), hyp_str_from(name));
    assert_int_equal(hyp_store_line_add(t->store, &line, NULL), HYP_OK);
    return line.id;
}

/* --- batches --- */

struct hyp_value test_decimal(enum hyp_name name, int64_t digits, int exp10)
{
    return (struct hyp_value){
        .key = {.name = (uint16_t)name },
        .unit = hyp_vocabulary_word(name)->unit,
        .kind = HYP_VALUE_DECIMAL,
        .quality = HYP_QUALITY_GOOD,
        .decimal = { .digits = digits, .exp10 = (int8_t)exp10}
    };
}

struct hyp_value test_absent(enum hyp_name name, enum hyp_quality quality)
{
    return (struct hyp_value){.key = {.name = (uint16_t)name},
                              .unit = hyp_vocabulary_word(name)->unit,
                              .kind = HYP_VALUE_DECIMAL,
                              .quality = quality};
}

struct hyp_reading test_reading(hyp_device_id device, int64_t time_ms,
                                const struct hyp_value *values, size_t count)
{
    return (struct hyp_reading){.device = device,
                                .source_time.ms = time_ms,
                                .receive_time.ms = time_ms + 1500,
                                .kind = HYP_READING_CURRENT,
                                .source = HYP_SOURCE_AUTOMATIC,
                                .frame = HYP_NO_FRAME,
                                .values = values,
                                .value_count = count};
}

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool done;
    enum hyp_status status;
};

static void note_done(void *user, enum hyp_status status)
{
    struct waiter *waiter = user;
    pthread_mutex_lock(&waiter->mutex);
    waiter->done = true;
    waiter->status = status;
    pthread_cond_signal(&waiter->changed);
    pthread_mutex_unlock(&waiter->mutex);
}

enum hyp_status test_submit(struct hyp_store *store, const struct hyp_batch *batch)
{
    struct waiter waiter = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
    struct hyp_sink *sink = hyp_store_sink(store);
    enum hyp_status status = sink->submit(sink, batch, note_done, &waiter);
    if (status != HYP_OK) {
        return status;
    }
    pthread_mutex_lock(&waiter.mutex);
    while (!waiter.done) {
        pthread_cond_wait(&waiter.changed, &waiter.mutex);
    }
    pthread_mutex_unlock(&waiter.mutex);
    return waiter.status;
}

enum hyp_status test_put(struct test_store *t, const struct hyp_reading *reading)
{
    struct hyp_batch batch = {.readings = reading, .reading_count = 1};
    return test_submit(t->store, &batch);
}

void test_put_frame(struct test_store *t, const struct hyp_raw_frame *frame)
{
    struct hyp_batch batch = {.frames = frame, .frame_count = 1};
    assert_int_equal(test_submit(t->store, &batch), HYP_OK);
}

void test_put_read_frame(struct test_store *t, const struct hyp_raw_frame *frame,
                         struct hyp_reading *reading)
{
    reading->frame = 0;
    struct hyp_batch batch = {
        .readings = reading, .reading_count = 1, .frames = frame, .frame_count = 1};
    assert_int_equal(test_submit(t->store, &batch), HYP_OK);
}

hyp_point_id test_point(struct test_store *t, hyp_device_id device, enum hyp_name name)
{
    struct hyp_point *points;
    size_t count;
    assert_int_equal(hyp_store_points(t->store, t->tenant, device, &t->arena, &points, &count),
                     HYP_OK);
    for (size_t i = 0; i < count; i++) {
        if (points[i].key.name == name && points[i].key.storage == 0) {
            return points[i].id;
        }
    }
    return (hyp_point_id){0};
}

struct hyp_store_stats test_stats(struct test_store *t)
{
    struct hyp_store_stats stats;
    hyp_store_stats(t->store, &stats);
    return stats;
}

static void note_damage(void *user, const struct hyp_finding *finding)
{
    if (finding->level == HYP_FINDING_DAMAGE) {
        hyp_text_copy(user, HYP_ERROR_TEXT_MAX, hyp_str_from(finding->what));
    }
}

void test_check_healthy(struct test_store *t, const struct test_folder *folder)
{
    struct test_place place;
    test_place(&place, folder);
    char damage[HYP_ERROR_TEXT_MAX] = "";
    struct hyp_doctor doctor = {.folder = folder->path,
                                .database = place.config.database,
                                .schema = place.config.schema,
                                .clock = &t->clock.clock,
                                .least_free = 1,
                                .user = damage,
                                .tell = note_damage};
    enum hyp_finding_level worst;
    assert_int_equal(hyp_doctor_check(&doctor, &worst, NULL), HYP_OK);
    assert_string_equal(damage, "");
}
