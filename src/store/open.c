/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and closing a store: folder, lock, key, databases, schema, historian, writer.
 */
#include "store/core.h"
#include "store/folder.h"
#include "store/follow.h"
#include "store/frames.h"
#include "store/historian.h"
#include "store/intake.h"
#include "store/layout.h"
#include "store/load.h"
#include "store/migrate.h"
#include "store/retention.h"
#include "store/seal.h"
#include "store/server.h"
#include "store/sqlite/sqlite.h"

#include "base/crypto.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- databases --- */

enum role { WRITER, READER };

static enum hyp_status open_file(struct hyp_store *store, const char *name, enum role role,
                                 struct hyp_db **ret_db, struct hyp_error *err)
{
    if (store->folder == NULL) {
        return hyp_sqlite_open(NULL, HYP_SQLITE_MEMORY, ret_db, err);
    }
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, store->folder, name, err);
    return status == HYP_OK
               ? hyp_sqlite_open(path.text, role == WRITER ? HYP_SQLITE_WRITE : HYP_SQLITE_READ,
                                 ret_db, err)
               : status;
}

static enum hyp_status open_schema(struct hyp_store *store, const char *suffix, enum role role,
                                   struct hyp_db **ret_db, struct hyp_error *err)
{
    const struct hyp_server_config config = {.url = store->database,
                                             .schema = store->schema,
                                             .suffix = suffix,
                                             .member = store->member,
                                             .tries = store->database_tries,
                                             .outage = &store->outage,
                                             .mode = role == WRITER ? HYP_SERVER_WRITE
                                                                    : HYP_SERVER_READ};
    return hyp_server_open(&config, ret_db, err);
}

static enum hyp_status open_pair(struct hyp_store *store, enum role role,
                                 struct hyp_connections *pair, struct hyp_error *err)
{
    enum hyp_status status;
    if (store->database != NULL) {
        status = open_schema(store, "", role, &pair->main, err);
        return status == HYP_OK
                   ? open_schema(store, HYP_FRAMES_SCHEMA_SUFFIX, role, &pair->frames, err)
                   : status;
    }
    status = open_file(store, HYP_MAIN_FILE, role, &pair->main, err);
    return status == HYP_OK ? open_file(store, HYP_FRAMES_FILE, role, &pair->frames, err)
                            : status;
}

static enum hyp_status lock_database(struct hyp_store *store, bool *ret_alone,
                                     struct hyp_error *err)
{
    if (store->member != NULL) {
        return hyp_server_join(store->write.main, ret_alone, err);
    }
    enum hyp_status status = hyp_server_lock(store->write.main, err);
    return status == HYP_OK ? hyp_server_lock(store->write.frames, err) : status;
}

/* Where others are at work, nothing is changed under their feet. */
static enum hyp_status prepare_schema(struct hyp_store *store, bool alone,
                                      struct hyp_error *err)
{
    bool postgres = store->database != NULL;
    enum hyp_status (*prepare)(struct hyp_db * db, const struct hyp_migrations *list,
                               hyp_utc now, const char *what, struct hyp_error *err) =
        alone ? hyp_migrate : hyp_migrate_check;
    hyp_utc now = hyp_core_now(store);
    enum hyp_status status = prepare(store->write.main, &hyp_store_migrations, now,
                                     postgres ? "PostgreSQL" : HYP_MAIN_FILE, err);
    if (status == HYP_OK) {
        status = prepare(store->write.frames, &hyp_frame_migrations, now,
                         postgres ? "PostgreSQL" : HYP_FRAMES_FILE, err);
    }
    store->alone = alone;
    return status;
}

static enum hyp_status open_databases(struct hyp_store *store, struct hyp_error *err)
{
    bool alone = true;
    enum hyp_status status = open_pair(store, WRITER, &store->write, err);
    if (status == HYP_OK && store->database != NULL) {
        status = lock_database(store, &alone, err);
    }
    if (status == HYP_OK) {
        status = prepare_schema(store, alone, err);
    }
    for (size_t i = 0; i < HYP_CORE_READERS && status == HYP_OK && store->folder != NULL; i++) {
        status = open_pair(store, READER, &store->readers.all[i], err);
    }
    return status;
}

/* --- key --- */

static enum hyp_status read_check(struct hyp_db *db, uint8_t *box, size_t capacity,
                                  size_t *ret_len)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "SELECT data FROM setting WHERE name = $1");
    hyp_query_bind_text(&query, HYP_SECRET_CHECK_NAME);
    enum hyp_status found = HYP_NOT_FOUND;
    if (hyp_query_row(&query)) {
        struct hyp_str blob = hyp_query_blob(&query);
        *ret_len = HYP_MIN(blob.len, capacity);
        memcpy(box, blob.ptr, *ret_len);
        found = HYP_OK;
    }
    enum hyp_status status = hyp_query_close(&query);
    return status == HYP_OK ? found : status;
}

static enum hyp_status write_check(struct hyp_store *store, struct hyp_error *err)
{
    struct hyp_box box;
    hyp_core_seal(store, (const uint8_t *)HYP_SECRET_CHECK_TEXT, strlen(HYP_SECRET_CHECK_TEXT),
                  &box);
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "INSERT INTO setting(name, data) VALUES ($1, $2)");
    hyp_query_bind_text(&query, HYP_SECRET_CHECK_NAME);
    hyp_query_bind_blob(&query, box.bytes, box.len);
    return hyp_core_finish(store, hyp_query_run(&query, NULL), err, "setting");
}

/* The key of a store without any: read what a start that was cut short left, or make one. */
static enum hyp_status make_key(struct hyp_store *store, struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    if (store->folder == NULL) {
        hyp_rng_fill(store->rng, store->secret.key, sizeof(store->secret.key));
    } else {
        status = hyp_secret_load(store->folder, &store->secret, err);
        if (status == HYP_NOT_FOUND) {
            status = hyp_secret_create(store->folder, store->rng, &store->secret, err);
        }
    }
    return status == HYP_OK ? write_check(store, err) : status;
}

static enum hyp_status open_key(struct hyp_store *store, struct hyp_error *err)
{
    uint8_t box[HYP_SECRET_BOX_EXTRA + sizeof(HYP_SECRET_CHECK_TEXT)];
    size_t len = 0;
    enum hyp_status status = read_check(store->write.main, box, sizeof(box), &len);
    if (status == HYP_NOT_FOUND) {
        return make_key(store, err);
    }
    if (status != HYP_OK) {
        return hyp_db_error(store->write.main, status, err, HYP_MAIN_FILE);
    }
    status = hyp_secret_load(store->folder, &store->secret, err);
    if (status == HYP_NOT_FOUND) {
        return hyp_error_set(err, status, -1,
                             "%s/%s is missing: keys and passwords in this store were closed "
                             "with it; restore it from a backup%s",
                             store->folder, HYP_SECRET_FILE,
                             hyp_db_is_sharded(store->write.main)
                                 ? ", or copy it from the folder of another member"
                                 : "");
    }
    uint8_t text[sizeof(box)];
    size_t text_len;
    if (status == HYP_OK &&
        hyp_secret_open(&store->secret, box, len, text, sizeof(text), &text_len) != HYP_OK) {
        return hyp_error_set(err, HYP_WRONG_KEY, -1,
                             "%s/%s is not the key of this store; restore the right one from "
                             "a backup",
                             store->folder, HYP_SECRET_FILE);
    }
    return status;
}

/* --- life --- */

static bool is_member_name(const struct hyp_store_config *config)
{
    struct hyp_str name = hyp_str_from(config->member);
    bool good = config->database != NULL && name.len > 0 && name.len <= HYP_LIMIT_MEMBER_NAME;
    for (size_t i = 0; i < name.len && good; i++) {
        char c = name.ptr[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    }
    return good;
}

static enum hyp_status copy_names(struct hyp_store *store,
                                  const struct hyp_store_config *config, struct hyp_error *err)
{
    if (config->database != NULL && config->folder == NULL) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "a store in PostgreSQL needs a folder for secret.key");
    }
    if (config->member != NULL && !is_member_name(config)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "a member needs a database that is shared, and a name of up to %d "
                             "letters, digits, - and _",
                             HYP_LIMIT_MEMBER_NAME);
    }
    if (config->folder != NULL) {
        store->folder = strdup(config->folder);
    }
    if (config->database != NULL) {
        store->database = strdup(config->database);
        store->schema = strdup(config->schema == NULL ? HYP_MAIN_SCHEMA : config->schema);
    }
    if (config->member != NULL) {
        store->member = strdup(config->member);
    }
    bool good =
        (store->folder != NULL || config->folder == NULL) &&
        (store->member != NULL || config->member == NULL) &&
        (config->database == NULL || (store->database != NULL && store->schema != NULL));
    return good ? HYP_OK : hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory to open the store");
}

static enum hyp_status open_folder(struct hyp_store *store,
                                   const struct hyp_store_config *config, struct hyp_error *err)
{
    enum hyp_status named = copy_names(store, config, err);
    const char *folder = store->folder;
    if (named != HYP_OK || folder == NULL) {
        return named;
    }
    struct hyp_path moved;
    enum hyp_status status = hyp_path_join(&moved, folder, HYP_MOVED_FILE, err);
    if (status == HYP_OK && store->database == NULL && hyp_file_exists(moved.text)) {
        return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                             "the readings of %s were moved to PostgreSQL: use --database, or "
                             "remove " HYP_MOVED_FILE " to go on with the old files",
                             folder);
    }
    if (status == HYP_OK) {
        status = hyp_folder_make(folder, err);
    }
    return status == HYP_OK ? hyp_folder_lock(folder, &store->lock_fd, err) : status;
}

static enum hyp_status create_parts(struct hyp_store *store,
                                    const struct hyp_store_config *config)
{
    enum hyp_status status = hyp_historian_create(&store->historian);
    if (status == HYP_OK) {
        status = hyp_frames_create(&store->frames);
    }
    if (status == HYP_OK) {
        status = hyp_sealer_create(&store->sealer);
    }
    if (status == HYP_OK && config->database != NULL) {
        status = hyp_follower_create(&store->follower);
    }
    if (status == HYP_OK && config->retain) {
        status = hyp_retainer_create(config->zone, &store->retainer);
    }
    return status == HYP_OK ? hyp_intake_create(store, &store->intake) : status;
}

static enum hyp_status load(struct hyp_store *store, struct hyp_error *err)
{
    hyp_follow_load_begin(store);
    enum hyp_status status = hyp_load(store, &store->damaged, err);
    if (status == HYP_OK) {
        status = hyp_frames_load(store, err);
    }
    enum hyp_status ended = hyp_follow_load_end(store, status);
    return status == HYP_OK && ended != HYP_OK
               ? hyp_db_error(store->write.main, ended, err, "loading")
               : status;
}

static enum hyp_status open_parts(struct hyp_store *store,
                                  const struct hyp_store_config *config, struct hyp_error *err)
{
    if (hyp_secret_start() != HYP_OK) {
        return hyp_error_set(err, HYP_INTERNAL, -1, "libsodium cannot be started");
    }
    enum hyp_status status = create_parts(store, config);
    if (status != HYP_OK) {
        return hyp_error_set(err, status, -1, "no memory to open the store");
    }
    status = open_folder(store, config, err);
    if (status == HYP_OK) {
        status = open_databases(store, err);
    }
    if (status == HYP_OK) {
        status = open_key(store, err);
    }
    if (status == HYP_OK && store->member != NULL && store->alone) {
        status = hyp_server_share(store->write.main, err);
    }
    if (status == HYP_OK) {
        status = load(store, err);
    }
    if (status == HYP_OK && hyp_intake_start(store->intake) != HYP_OK) {
        status = hyp_error_set(err, HYP_NO_MEMORY, -1, "the writer thread cannot be started");
    }
    return status;
}

enum hyp_status hyp_store_open(const struct hyp_store_config *config,
                               struct hyp_store **ret_store, struct hyp_error *err)
{
    struct hyp_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory to open the store");
    }
    store->lock_fd = -1;
    store->clock = config->clock;
    store->log = config->log;
    store->rng = config->rng == NULL ? hyp_rng_system() : config->rng;
    store->frame_days = config->frame_days == 0 ? HYP_LIMIT_FRAME_DAYS : config->frame_days;
    store->frame_bytes = config->frame_bytes == 0 ? HYP_LIMIT_FRAME_STORE : config->frame_bytes;
    store->seal_readings =
        config->seal_readings == 0 ? HYP_LIMIT_SEAL_READINGS : config->seal_readings;
    store->database_tries = config->database_tries;
    hyp_outage_init(&store->outage, config->clock, config->log,
                    config->database_tries == 0 ? HYP_LIMIT_DATABASE_AWAY_MS : 0);
    store->forget_pending = true;
    pthread_mutex_init(&store->gate.mutex, NULL);
    pthread_cond_init(&store->gate.turn, NULL);
    pthread_mutex_init(&store->readers.mutex, NULL);
    pthread_cond_init(&store->readers.freed, NULL);
    enum hyp_status status = open_parts(store, config, err);
    if (status != HYP_OK) {
        hyp_store_close(store);
        return status;
    }
    *ret_store = store;
    return HYP_OK;
}

void *hyp_store_close(struct hyp_store *store)
{
    if (store == NULL) {
        return NULL;
    }
    hyp_intake_destroy(store->intake);
    for (size_t i = 0; i < HYP_CORE_READERS; i++) {
        hyp_db_close(store->readers.all[i].main);
        hyp_db_close(store->readers.all[i].frames);
    }
    /* The writers last: the last connection folds the WAL into the database. */
    hyp_db_close(store->write.main);
    hyp_db_close(store->write.frames);
    hyp_follower_destroy(store->follower);
    hyp_retainer_destroy(store->retainer);
    hyp_sealer_destroy(store->sealer);
    hyp_frames_destroy(store->frames);
    hyp_historian_destroy(store->historian);
    if (store->lock_fd >= 0) {
        close(store->lock_fd);
    }
    pthread_cond_destroy(&store->readers.freed);
    pthread_mutex_destroy(&store->readers.mutex);
    pthread_cond_destroy(&store->gate.turn);
    pthread_mutex_destroy(&store->gate.mutex);
    hyp_outage_finish(&store->outage);
    hyp_secret_wipe(&store->secret);
    if (store->database != NULL) {
        hyp_wipe(store->database, strlen(store->database));
    }
    free(store->database);
    free(store->schema);
    free(store->member);
    free(store->folder);
    free(store);
    return NULL;
}

/* --- stats --- */

static int64_t size_in_database(struct hyp_store *store)
{
    struct hyp_connections reader = hyp_core_reader(store);
    int64_t size = hyp_server_bytes(reader.main) + hyp_server_bytes(reader.frames);
    hyp_core_reader_return(store, reader);
    return size;
}

static int64_t size_on_disk(struct hyp_store *store)
{
    if (store->database != NULL) {
        return size_in_database(store);
    }
    static const char *const files[] = {HYP_MAIN_FILE, HYP_MAIN_FILE "-wal", HYP_FRAMES_FILE,
                                        HYP_FRAMES_FILE "-wal"};
    int64_t size = 0;
    for (size_t i = 0; store->folder != NULL && i < HYP_ARRAY_LEN(files); i++) {
        struct hyp_path path;
        if (hyp_path_join(&path, store->folder, files[i], NULL) == HYP_OK) {
            size += hyp_file_size(path.text);
        }
    }
    return size;
}

void hyp_store_stats(struct hyp_store *store, struct hyp_store_stats *ret_stats)
{
    *ret_stats = (struct hyp_store_stats){.damaged = store->damaged,
                                          .bytes_on_disk = size_on_disk(store)};
    ret_stats->log_rows = hyp_seal_log_rows(store);
    ret_stats->frames = hyp_frames_count(store);
    ret_stats->in_database = hyp_db_is_sharded(store->write.main);
    ret_stats->member = store->member != NULL;
    ret_stats->has_care = hyp_follow_cares(store);
    struct hyp_historian *historian = store->historian;
    pthread_rwlock_rdlock(&historian->lock);
    ret_stats->values = historian->values;
    ret_stats->readings = historian->readings;
    ret_stats->points = historian->point_count;
    ret_stats->bytes_in_memory = (int64_t)historian->memory;
    pthread_rwlock_unlock(&historian->lock);
    struct hyp_intake *intake = store->intake;
    pthread_mutex_lock(&intake->mutex);
    ret_stats->batches = intake->batches;
    ret_stats->duplicates = intake->duplicates;
    ret_stats->dropped = intake->dropped;
    ret_stats->queue_length = intake->queue_length;
    ret_stats->last_commit = intake->last_commit;
    memcpy(ret_stats->last_error, intake->last_error, sizeof(ret_stats->last_error));
    pthread_mutex_unlock(&intake->mutex);
}

enum hyp_status hyp_store_last_commit(struct hyp_store *store)
{
    struct hyp_intake *intake = store->intake;
    pthread_mutex_lock(&intake->mutex);
    enum hyp_status status = intake->last_commit;
    pthread_mutex_unlock(&intake->mutex);
    return status;
}
