/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup and restore.
 *
 * A backup is a folder like a data folder at rest: the two databases without WAL, secret.key,
 * and a manifest with the SHA-256 of each, written last, so that a folder without manifest is
 * no backup. The main database is copied before the frames: frames move from the first to the
 * second, so one that moves meanwhile is in both copies and never in none.
 */
#include "store/backup_copy.h"
#include "store/core.h"
#include "store/folder.h"
#include "store/historian.h"
#include "store/layout.h"
#include "store/log.h"
#include "store/sqlite/sqlite.h"

#include "model/time.h"

#include <assert.h>
#include <string.h>

#define MANIFEST_MAX 4096
#define FIRST_LINE "hypocaust backup 1"
#define RESTORING_SUFFIX ".restoring"

/* In the order in which they are restored: the main database last, under another name until
 * all is there. */
static const char *const files[] = {
    [HYP_BACKUP_SECRET] = HYP_SECRET_FILE,
    [HYP_BACKUP_FRAMES] = HYP_FRAMES_FILE,
    [HYP_BACKUP_MAIN] = HYP_MAIN_FILE,
};
static_assert(HYP_ARRAY_LEN(files) == HYP_BACKUP_FILES, "every file has a name");

/* --- checking a copy --- */

static enum hyp_status check_copy(const char *folder, const char *name, struct hyp_error *err)
{
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, folder, name, err);
    struct hyp_db *db;
    if (status == HYP_OK) {
        status = hyp_sqlite_open(path.text, HYP_SQLITE_READ, &db, err);
    }
    if (status == HYP_OK) {
        status = hyp_sqlite_check(db, err);
        hyp_db_close(db);
    }
    return status;
}

static enum hyp_status open_source(const char *folder, const char *name, struct hyp_db **ret_db,
                                   struct hyp_error *err)
{
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, folder, name, err);
    if (status == HYP_OK && !hyp_file_exists(path.text)) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "%s is missing: %s is no data folder",
                             path.text, folder);
    }
    return status == HYP_OK ? hyp_sqlite_open(path.text, HYP_SQLITE_READ, ret_db, err) : status;
}

/* Rows of the log whose checksum is wrong: damage that was in the store before. */
static enum hyp_status count_damaged(const char *folder, int64_t *ret_damaged,
                                     struct hyp_error *err)
{
    struct hyp_db *db;
    enum hyp_status status = open_source(folder, HYP_MAIN_FILE, &db, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_query query;
    hyp_query_open(&query, db, "SELECT data FROM intake_log");
    int64_t damaged = 0;
    while (hyp_query_row(&query)) {
        struct hyp_str blob = hyp_query_blob(&query);
        struct hyp_log_reader reader;
        damaged += hyp_log_open(&reader, (const uint8_t *)blob.ptr, blob.len) != HYP_OK;
    }
    status = hyp_query_close(&query);
    if (status != HYP_OK) {
        status = hyp_db_error(db, status, err, HYP_MAIN_FILE);
    }
    hyp_db_close(db);
    *ret_damaged = damaged;
    return status;
}

/* --- manifest --- */

static enum hyp_status write_manifest(const char *folder, hyp_utc now, struct hyp_error *err)
{
    char text[MANIFEST_MAX];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, text, sizeof(text));
    hyp_buf_append_text(&out, FIRST_LINE "\ntime ");
    hyp_utc_format(&out, now);
    hyp_buf_append_text(&out, "\nprogram " HYP_VERSION "\n");
    struct hyp_path path;
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; i < HYP_ARRAY_LEN(files) && status == HYP_OK; i++) {
        int64_t size = 0;
        uint8_t digest[32] = {0};
        status = hyp_path_join(&path, folder, files[i], err);
        if (status == HYP_OK) {
            status = hyp_file_digest(path.text, &size, digest, err);
        }
        hyp_buf_append_text(&out, "file ");
        hyp_buf_append_hex(&out, digest, sizeof(digest));
        hyp_buf_append_fmt(&out, " %lld %s\n", (long long)size, files[i]);
    }
    if (status == HYP_OK) {
        status = hyp_path_join(&path, folder, HYP_MANIFEST_FILE, err);
    }
    return status == HYP_OK ? hyp_file_create(path.text, out.data, out.len, err) : status;
}

/* Reads one "file DIGEST SIZE NAME" line. */
static enum hyp_status read_entry(const char *folder, struct hyp_str line, size_t index,
                                  struct hyp_backup_file *file, struct hyp_error *err)
{
    struct hyp_str word;
    struct hyp_str digest_text = {0};
    struct hyp_str size_text = {0};
    size_t digest_len = 0;
    bool read = hyp_str_split_next(&line, ' ', &word) && hyp_str_equal(word, HYP_STR("file")) &&
                hyp_str_split_next(&line, ' ', &digest_text) &&
                hyp_str_split_next(&line, ' ', &size_text) &&
                hyp_str_equal(line, hyp_str_from(files[index])) &&
                hyp_str_to_i64(size_text, &file->size) == HYP_OK &&
                hyp_hex_decode(digest_text, file->digest, sizeof(file->digest), &digest_len,
                               NULL) == HYP_OK &&
                digest_len == sizeof(file->digest);
    return read ? HYP_OK
                : hyp_error_set(err, HYP_MALFORMED, -1, "%s/%s: no entry for %s", folder,
                                HYP_MANIFEST_FILE, files[index]);
}

static enum hyp_status parse_manifest(const char *folder, struct hyp_str text,
                                      struct hyp_backup_manifest *manifest,
                                      struct hyp_error *err)
{
    struct hyp_str line;
    if (!hyp_str_split_next(&text, '\n', &line) || !hyp_str_equal(line, HYP_STR(FIRST_LINE))) {
        return hyp_error_set(err, HYP_UNSUPPORTED, 1,
                             "%s/%s does not begin with \"" FIRST_LINE "\"", folder,
                             HYP_MANIFEST_FILE);
    }
    size_t index = 0;
    while (index < HYP_ARRAY_LEN(files) && hyp_str_split_next(&text, '\n', &line)) {
        if (hyp_str_has_prefix(line, HYP_STR("file "))) {
            enum hyp_status status =
                read_entry(folder, line, index, &manifest->files[index], err);
            if (status != HYP_OK) {
                return status;
            }
            index++;
        }
    }
    return index == HYP_ARRAY_LEN(files)
               ? HYP_OK
               : hyp_error_set(err, HYP_MALFORMED, -1, "%s/%s: no entry for %s", folder,
                               HYP_MANIFEST_FILE, files[index]);
}

enum hyp_status hyp_backup_read(const char *folder, struct hyp_backup_manifest *ret_manifest,
                                struct hyp_error *err)
{
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, folder, HYP_MANIFEST_FILE, err);
    if (status != HYP_OK) {
        return status;
    }
    char text[MANIFEST_MAX];
    size_t len = 0;
    status = hyp_file_read(path.text, text, sizeof(text), &len, err);
    if (status == HYP_NOT_FOUND) {
        return hyp_error_set(err, status, -1, "%s is no complete backup: it has no %s", folder,
                             HYP_MANIFEST_FILE);
    }
    struct hyp_str view = {.ptr = text, .len = len};
    return status == HYP_OK ? parse_manifest(folder, view, ret_manifest, err) : status;
}

static enum hyp_status check_file(const char *folder, const char *name,
                                  const struct hyp_backup_file *expected, struct hyp_error *err)
{
    struct hyp_path path;
    struct hyp_backup_file found = {0};
    enum hyp_status status = hyp_path_join(&path, folder, name, err);
    if (status == HYP_OK) {
        status = hyp_file_digest(path.text, &found.size, found.digest, err);
    }
    if (status == HYP_OK &&
        (found.size != expected->size ||
         memcmp(found.digest, expected->digest, sizeof(found.digest)) != 0)) {
        status = hyp_error_set(err, HYP_CORRUPT, -1,
                               "%s is not what was backed up: use another backup", path.text);
    }
    return status;
}

enum hyp_status hyp_backup_verify(const char *folder, struct hyp_error *err)
{
    struct hyp_backup_manifest manifest;
    enum hyp_status status = hyp_backup_read(folder, &manifest, err);
    for (size_t i = 0; i < HYP_ARRAY_LEN(files) && status == HYP_OK; i++) {
        status = check_file(folder, files[i], &manifest.files[i], err);
    }
    return status;
}

/* What is no file, or cannot be reached, is not as long as it should be either. */
bool hyp_backup_has_sizes(const char *folder, const struct hyp_backup_manifest *manifest)
{
    struct hyp_path path;
    bool same = true;
    for (size_t i = 0; i < HYP_ARRAY_LEN(files); i++) {
        same = same && hyp_path_join(&path, folder, files[i], NULL) == HYP_OK &&
               hyp_file_size(path.text) == manifest->files[i].size;
    }
    return same;
}

/* Only what a backup consists of: other files are somebody else's, and keep the folder. */
enum hyp_status hyp_backup_remove(const char *folder, struct hyp_error *err)
{
    static const char *const ends[] = {"", "-journal", "-wal", "-shm"};
    struct hyp_path path;
    /* The manifest first: what is left of an unfinished removal looks like no backup. */
    enum hyp_status status = hyp_path_join(&path, folder, HYP_MANIFEST_FILE, err);
    if (status == HYP_OK) {
        status = hyp_file_remove(path.text, err);
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(files) * HYP_ARRAY_LEN(ends) && status == HYP_OK;
         i++) {
        char name[64];
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, name, sizeof(name));
        hyp_buf_append_text(&buf, files[i / HYP_ARRAY_LEN(ends)]);
        hyp_buf_append_text(&buf, ends[i % HYP_ARRAY_LEN(ends)]);
        status = hyp_path_join(&path, folder, hyp_buf_terminate(&buf), err);
        if (status == HYP_OK) {
            status = hyp_file_remove(path.text, err);
        }
    }
    return status == HYP_OK ? hyp_folder_remove(folder, err) : status;
}

/* --- backup --- */

static enum hyp_status prepare_target(const char *target, struct hyp_error *err)
{
    bool free_folder = false;
    enum hyp_status status = hyp_folder_is_free(target, &free_folder, err);
    if (status == HYP_OK && !free_folder) {
        return hyp_error_set(err, HYP_EXISTS, -1, "%s is not empty: name a new folder", target);
    }
    return status == HYP_OK ? hyp_folder_make(target, err) : status;
}

static enum hyp_status copy_database(struct hyp_db *db, const char *target, const char *name,
                                     struct hyp_error *err)
{
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, target, name, err);
    if (status == HYP_OK) {
        status = hyp_sqlite_copy(db, path.text, err);
    }
    return status == HYP_OK ? check_copy(target, name, err) : status;
}

/* With another key nothing in the backup could ever be opened. */
static enum hyp_status check_key(const char *target, const struct hyp_secret *secret,
                                 struct hyp_error *err)
{
    struct hyp_db *db;
    enum hyp_status status = open_source(target, HYP_MAIN_FILE, &db, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_secret_check(db, secret);
    if (status == HYP_WRONG_KEY) {
        status = hyp_error_set(err, status, -1,
                               HYP_SECRET_FILE " of the data folder is not the key of this "
                                               "store: put the right one there and back up "
                                               "again");
    } else if (status == HYP_NOT_FOUND) {
        status = HYP_OK;
    } else if (status != HYP_OK) {
        status = hyp_db_error(db, status, err, HYP_MAIN_FILE);
    }
    hyp_db_close(db);
    return status;
}

/* What every backup has beside the two databases. */
static enum hyp_status finish_copy(const char *target, const struct hyp_secret *secret,
                                   hyp_utc now, int64_t *ret_damaged, struct hyp_error *err)
{
    struct hyp_path path;
    enum hyp_status status = check_key(target, secret, err);
    if (status == HYP_OK) {
        status = hyp_path_join(&path, target, HYP_SECRET_FILE, err);
    }
    if (status == HYP_OK) {
        status = hyp_file_create(path.text, secret->key, sizeof(secret->key), err);
    }
    if (status == HYP_OK) {
        status = write_manifest(target, now, err);
    }
    if (status == HYP_OK) {
        status = hyp_folder_sync(target, err);
    }
    return status == HYP_OK ? count_damaged(target, ret_damaged, err) : status;
}

static enum hyp_status back_up(struct hyp_connections from, const struct hyp_secret *secret,
                               hyp_utc now, const char *target, int64_t *ret_damaged,
                               struct hyp_error *err)
{
    enum hyp_status status = prepare_target(target, err);
    if (status == HYP_OK) {
        status = copy_database(from.main, target, HYP_MAIN_FILE, err);
    }
    if (status == HYP_OK) {
        status = copy_database(from.frames, target, HYP_FRAMES_FILE, err);
    }
    return status == HYP_OK ? finish_copy(target, secret, now, ret_damaged, err) : status;
}

static enum hyp_status back_up_database(const struct hyp_backup_source *source,
                                        const struct hyp_secret *secret, hyp_utc now,
                                        const char *target, int64_t *ret_damaged,
                                        struct hyp_error *err)
{
    enum hyp_status status = prepare_target(target, err);
    if (status == HYP_OK) {
        status = hyp_backup_write_database(source, target, now, err);
    }
    if (status == HYP_OK) {
        status = check_copy(target, HYP_MAIN_FILE, err);
    }
    if (status == HYP_OK) {
        status = check_copy(target, HYP_FRAMES_FILE, err);
    }
    return status == HYP_OK ? finish_copy(target, secret, now, ret_damaged, err) : status;
}

enum hyp_status hyp_backup_judge(int64_t damaged, struct hyp_error *err)
{
    return damaged == 0
               ? HYP_OK
               : hyp_error_set(err, HYP_CORRUPT, -1,
                               "the backup is complete, but %lld rows of the intake log were "
                               "damaged in the store before: keep older backups",
                               (long long)damaged);
}

static enum hyp_status refuse_moved(const char *folder, struct hyp_error *err)
{
    struct hyp_path moved;
    enum hyp_status status = hyp_path_join(&moved, folder, HYP_MOVED_FILE, err);
    return status == HYP_OK && hyp_file_exists(moved.text)
               ? hyp_error_set(err, HYP_UNSUPPORTED, -1,
                               "the readings of %s were moved to PostgreSQL: name it with "
                               "--database",
                               folder)
               : status;
}

static enum hyp_status open_sources(const char *folder, struct hyp_connections *from,
                                    struct hyp_error *err)
{
    enum hyp_status status = refuse_moved(folder, err);
    if (status == HYP_OK) {
        status = open_source(folder, HYP_MAIN_FILE, &from->main, err);
    }
    return status == HYP_OK ? open_source(folder, HYP_FRAMES_FILE, &from->frames, err) : status;
}

enum hyp_status hyp_backup_make(const struct hyp_backup_source *source, const char *target,
                                hyp_utc now, int64_t *ret_damaged, struct hyp_error *err)
{
    struct hyp_connections from = {0};
    struct hyp_secret secret;
    bool in_files = source->database == NULL;
    if (hyp_secret_start() != HYP_OK) {
        return hyp_error_set(err, HYP_INTERNAL, -1, "libsodium cannot be started");
    }
    enum hyp_status status = in_files ? open_sources(source->folder, &from, err) : HYP_OK;
    if (status == HYP_OK) {
        status = hyp_secret_load(source->folder, &secret, err);
    }
    if (status == HYP_OK) {
        status = in_files ? back_up(from, &secret, now, target, ret_damaged, err)
                          : back_up_database(source, &secret, now, target, ret_damaged, err);
        hyp_secret_wipe(&secret);
    }
    hyp_db_close(from.main);
    hyp_db_close(from.frames);
    return status;
}

static enum hyp_status make_and_judge(const struct hyp_backup_source *source,
                                      const char *target, const struct hyp_clock *clock,
                                      struct hyp_error *err)
{
    int64_t damaged = 0;
    enum hyp_status status =
        hyp_backup_make(source, target, hyp_clock_utc(clock), &damaged, err);
    return status == HYP_OK ? hyp_backup_judge(damaged, err) : status;
}

enum hyp_status hyp_store_backup_folder(const char *folder, const char *database,
                                        const char *target_folder,
                                        const struct hyp_clock *clock, struct hyp_error *err)
{
    const struct hyp_backup_source source = {.folder = folder, .database = database};
    return make_and_judge(&source, target_folder, clock, err);
}

enum hyp_status hyp_store_backup(struct hyp_store *store, const char *target_folder,
                                 struct hyp_error *err)
{
    if (store->folder != NULL) {
        /* Connections of its own, so that a long copy holds up neither queries nor intake. */
        const struct hyp_backup_source source = {
            .folder = store->folder, .database = store->database, .schema = store->schema};
        return make_and_judge(&source, target_folder, store->clock, err);
    }
    int64_t damaged = 0;
    hyp_core_enter(store);
    enum hyp_status status = back_up(store->write, &store->secret, hyp_core_now(store),
                                     target_folder, &damaged, err);
    hyp_core_release(store);
    return status == HYP_OK ? hyp_backup_judge(damaged, err) : status;
}

/* --- restore --- */

static enum hyp_status copy_files(const char *from, const char *to, struct hyp_error *err)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(files); i++) {
        struct hyp_path source;
        struct hyp_path target;
        bool is_main = i + 1 == HYP_ARRAY_LEN(files);
        enum hyp_status status = hyp_path_join(&source, from, files[i], err);
        if (status == HYP_OK) {
            status = hyp_path_join(&target, to,
                                   is_main ? HYP_MAIN_FILE RESTORING_SUFFIX : files[i], err);
        }
        if (status == HYP_OK) {
            status = hyp_file_copy(source.text, target.text, err);
        }
        if (status != HYP_OK) {
            return status;
        }
    }
    return HYP_OK;
}

static enum hyp_status reveal_main(const char *folder, struct hyp_error *err)
{
    struct hyp_path hidden;
    struct hyp_path shown;
    enum hyp_status status =
        hyp_path_join(&hidden, folder, HYP_MAIN_FILE RESTORING_SUFFIX, err);
    if (status == HYP_OK) {
        status = hyp_path_join(&shown, folder, HYP_MAIN_FILE, err);
    }
    if (status == HYP_OK) {
        status = hyp_file_rename(hidden.text, shown.text, err);
    }
    return status == HYP_OK ? hyp_folder_sync(folder, err) : status;
}

enum hyp_status hyp_store_restore(const char *backup_folder, const char *folder,
                                  struct hyp_error *err)
{
    enum hyp_status status = hyp_backup_verify(backup_folder, err);
    if (status == HYP_OK) {
        status = check_copy(backup_folder, HYP_MAIN_FILE, err);
    }
    if (status == HYP_OK) {
        status = check_copy(backup_folder, HYP_FRAMES_FILE, err);
    }
    if (status == HYP_OK) {
        status = prepare_target(folder, err);
    }
    if (status == HYP_OK) {
        status = copy_files(backup_folder, folder, err);
    }
    return status == HYP_OK ? reveal_main(folder, err) : status;
}
