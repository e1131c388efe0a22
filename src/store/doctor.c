/* SPDX-License-Identifier: Apache-2.0 */
#include "store/doctor_state.h"

#include "base/limits.h"
#include "model/time.h"
#include "store/folder.h"
#include "store/layout.h"
#include "store/migrate.h"
#include "store/server.h"
#include "store/sqlite/sqlite.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define RESTORE "stop the server and restore a backup: hypocaust restore"
#define SECRET_MAX 1024
/* No server of this program ran before it: 2024-01-01. */
#define CLOCK_LEAST_MS 1704067200000LL
/* Clocks of meters may be ahead so far. */
#define CLOCK_AHEAD_MS 86400000LL

/* --- findings --- */

static void tell(struct hyp_visit *visit, const struct hyp_finding *finding)
{
    visit->worst = HYP_MAX(visit->worst, finding->level);
    visit->doctor->tell(visit->doctor->user, finding);
}

static void fill(char *out, size_t size, const char *format, va_list args) HYP_PRINTF(3, 0);
static void fill(char *out, size_t size, const char *format, va_list args)
{
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, out, size);
    hyp_buf_append_vfmt(&text, format, args);
    HYP_IGNORE(hyp_buf_terminate(&text)); /* a sentence that is cut is still told */
}

void hyp_visit_begin(struct hyp_visit *visit, const char *check)
{
    visit->check = check;
    visit->findings = 0;
    hyp_visit_resume(visit->main);
    hyp_visit_resume(visit->frames);
}

void hyp_visit_end(struct hyp_visit *visit, const char *format, ...)
{
    struct hyp_finding finding = {.check = visit->check};
    if (visit->away.status != HYP_OK) {
        return;
    }
    if (visit->findings == 0) {
        va_list args;
        va_start(args, format);
        fill(finding.what, sizeof(finding.what), format, args);
        va_end(args);
        tell(visit, &finding);
    } else if (visit->findings > HYP_LIMIT_DOCTOR_FINDINGS) {
        struct hyp_buf text;
        hyp_buf_init_fixed(&text, finding.what, sizeof(finding.what));
        hyp_buf_append_fmt(&text, "and %llu more of the kind",
                           (unsigned long long)(visit->findings - HYP_LIMIT_DOCTOR_FINDINGS));
        HYP_IGNORE(hyp_buf_terminate(&text)); /* it fits */
        finding.level = HYP_FINDING_WARNING;
        tell(visit, &finding);
    }
}

void hyp_visit_find(struct hyp_visit *visit, enum hyp_finding_level level, const char *remedy,
                    const char *format, ...)
{
    if (visit->away.status != HYP_OK) {
        return; /* of what could not be read nothing can be said */
    }
    if (visit->findings++ >= HYP_LIMIT_DOCTOR_FINDINGS) {
        visit->worst = HYP_MAX(visit->worst, level);
        return;
    }
    struct hyp_finding finding = {.level = level, .check = visit->check};
    va_list args;
    va_start(args, format);
    fill(finding.what, sizeof(finding.what), format, args);
    va_end(args);
    hyp_text_copy(finding.remedy, sizeof(finding.remedy), hyp_str_from(remedy));
    tell(visit, &finding);
}

void hyp_visit_give_up(struct hyp_visit *visit, enum hyp_status status,
                       const struct hyp_error *err)
{
    if (visit->away.status == HYP_OK) {
        visit->away = *err;
        visit->away.status = status;
    }
}

/* Those of a store in PostgreSQL are its server's. */
static bool is_in_database(const struct hyp_visit *visit)
{
    return visit->doctor->database != NULL;
}

/* Has the server refused to answer, whatever is in the database? */
static bool is_shut(const struct hyp_visit *visit, const struct hyp_db *db,
                    enum hyp_status status)
{
    return is_in_database(visit) &&
           (status == HYP_BUSY || hyp_server_is_away(db) || hyp_server_is_denied(db));
}

void hyp_visit_failed(struct hyp_visit *visit, struct hyp_db *db, enum hyp_status status,
                      const char *what)
{
    struct hyp_error err = {0};
    hyp_db_error(db, status, &err, what);
    visit->no_memory |= status == HYP_NO_MEMORY;
    if (is_shut(visit, db, status)) {
        hyp_visit_give_up(visit, status, &err);
    } else {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, RESTORE, "%s", err.text);
    }
}

/* --- files and disk --- */

static const struct file_row {
    const char *name;
    mode_t refused; /* rights that nobody should have */
} files[] = {
    {HYP_MAIN_FILE,   0   },
    {HYP_FRAMES_FILE, 0   },
    {HYP_SECRET_FILE, 0077},
};

static void check_file(struct hyp_visit *visit, const struct file_row *row)
{
    struct hyp_path path;
    struct stat about;
    if (hyp_path_join(&path, visit->doctor->folder, row->name, NULL) != HYP_OK) {
        return;
    }
    if (stat(path.text, &about) != 0) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, RESTORE, "%s is missing", path.text);
    } else if ((about.st_mode & row->refused) != 0) {
        hyp_visit_find(visit, HYP_FINDING_WARNING,
                       "chmod 600 the file, and change the keys if "
                       "somebody else has a login on this machine",
                       "%s can be read by others (mode %03o)", path.text,
                       (unsigned)(about.st_mode & 0777));
    }
}

static void check_files(struct hyp_visit *visit)
{
    const char *folder = visit->doctor->folder;
    struct stat about;
    hyp_visit_begin(visit, "files");
    if (stat(folder, &about) == 0 && (about.st_mode & 0007) != 0) {
        hyp_visit_find(visit, HYP_FINDING_WARNING, "chmod 750 the folder",
                       "%s is open to everybody on this machine (mode %03o)", folder,
                       (unsigned)(about.st_mode & 0777));
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(files); i++) {
        if (!is_in_database(visit) || files[i].refused != 0) {
            check_file(visit, &files[i]);
        }
    }
    hyp_visit_end(visit, "%s%s is there, with the right mode",
                  is_in_database(visit) ? "" : "both databases are there, ", HYP_SECRET_FILE);
}

static void check_disk(struct hyp_visit *visit)
{
    const char *folder = visit->doctor->folder;
    int64_t least =
        visit->doctor->least_free > 0 ? visit->doctor->least_free : HYP_LIMIT_DISK_LOW;
    struct statvfs about;
    hyp_visit_begin(visit, "disk");
    int64_t left = 0;
    if (statvfs(folder, &about) != 0) {
        hyp_visit_find(visit, HYP_FINDING_WARNING, "look at the disk",
                       "the disk of %s does not say how much is free", folder);
    } else {
        left = (int64_t)(about.f_bavail * about.f_frsize);
        if ((about.f_flag & ST_RDONLY) != 0) {
            hyp_visit_find(visit, HYP_FINDING_WARNING,
                           "mount it for writing; senders keep their readings meanwhile",
                           "the disk of %s is read-only: nothing new is stored", folder);
        }
        if (left < least) {
            hyp_visit_find(visit, HYP_FINDING_WARNING,
                           "make room; when nothing is left, senders keep their readings until "
                           "there is",
                           "%lld MB are free on the disk of %s, %lld MB should be",
                           (long long)(left >> 20), folder, (long long)(least >> 20));
        }
    }
    hyp_visit_end(visit, "%lld MB are free", (long long)(left >> 20));
}

/* --- schema and pages --- */

static void check_schema(struct hyp_visit *visit, struct hyp_db *db, const char *name,
                         const struct hyp_migrations *known)
{
    int64_t version = 0;
    hyp_visit_begin(visit, "schema");
    enum hyp_status status = hyp_migrate_version(db, &version);
    if (status != HYP_OK) {
        hyp_visit_failed(visit, db, status, name);
    } else if (version > (int64_t)known->count) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, "use a newer program, or restore a backup",
                       "%s has schema version %lld; this program (%s) knows up to %zu", name,
                       (long long)version, HYP_VERSION, known->count);
    } else if (version < (int64_t)known->count) {
        hyp_visit_find(visit, HYP_FINDING_WARNING,
                       "the next start of the server brings it up to date; back up before",
                       "%s has schema version %lld, this program uses %zu", name,
                       (long long)version, known->count);
    }
    hyp_visit_end(visit, "%s has version %lld", name, (long long)version);
}

static void complain(void *user, const char *text)
{
    hyp_visit_find(user, HYP_FINDING_DAMAGE, RESTORE, "%s", text);
}

static void check_pages(struct hyp_visit *visit, struct hyp_db *db, const char *name)
{
    hyp_visit_begin(visit, name);
    enum hyp_status status = hyp_sqlite_inspect(db, complain, visit);
    if (status != HYP_OK) {
        hyp_visit_failed(visit, db, status, name);
    }
    hyp_visit_end(visit, "every page, index and reference is right");
}

/* --- secrets --- */

/* A box may be any length; only whether it opens is asked. */
static bool opens(const struct hyp_visit *visit, struct hyp_str box)
{
    uint8_t text[SECRET_MAX];
    size_t len;
    return hyp_secret_open(&visit->secret, (const uint8_t *)box.ptr, box.len, text,
                           sizeof(text), &len) == HYP_OK;
}

static void check_boxes(struct hyp_visit *visit, const char *sql, const char *what,
                        uint64_t *count)
{
    struct hyp_query query;
    hyp_query_open(&query, visit->main, sql);
    while (hyp_query_row(&query)) {
        long long id = (long long)hyp_query_i64(&query);
        struct hyp_str box = hyp_query_blob(&query);
        if (box.len == 0) {
            continue;
        }
        (*count)++;
        if (!opens(visit, box)) {
            hyp_visit_find(visit, HYP_FINDING_DAMAGE, "enter it again",
                           "the %s %lld cannot be opened with %s", what, id, HYP_SECRET_FILE);
        }
    }
    enum hyp_status status = hyp_query_close(&query);
    if (status != HYP_OK) {
        hyp_visit_failed(visit, visit->main, status, what);
    }
}

static bool is_key_of_store(struct hyp_visit *visit)
{
    enum hyp_status status = hyp_secret_check(visit->main, &visit->secret);
    return status == HYP_OK || status == HYP_NOT_FOUND;
}

static void check_secrets(struct hyp_visit *visit)
{
    uint64_t count = 0;
    struct hyp_error err = {0};
    hyp_visit_begin(visit, "secrets");
    if (hyp_secret_load(visit->doctor->folder, &visit->secret, &err) != HYP_OK) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE,
                       "take secret.key from a backup of this store: it never changes", "%s",
                       err.text);
    } else if (!is_key_of_store(visit)) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE,
                       "take secret.key from a backup of this store: it never changes",
                       "%s is not the key that this store was made with", HYP_SECRET_FILE);
    } else {
        check_boxes(visit, "SELECT id, secret FROM device ORDER BY id", "key of device",
                    &count);
        check_boxes(visit, "SELECT id, password FROM line ORDER BY id", "password of line",
                    &count);
    }
    hyp_secret_wipe(&visit->secret);
    hyp_visit_end(visit, "%llu keys and passwords can be opened", (unsigned long long)count);
}

/* --- clock --- */

static int64_t newest(struct hyp_visit *visit, struct hyp_db *db, const char *sql)
{
    struct hyp_query query;
    hyp_query_open(&query, db, sql);
    int64_t time = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status = hyp_query_close(&query);
    if (status != HYP_OK) {
        hyp_visit_failed(visit, db, status, "clock");
    }
    return time;
}

static void write_time(char *out, size_t size, int64_t time)
{
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, out, size);
    hyp_utc_format(&text, (hyp_utc){.ms = time});
    HYP_IGNORE(hyp_buf_terminate(&text)); /* it fits */
}

static void check_clock(struct hyp_visit *visit)
{
    int64_t now = hyp_clock_utc(visit->doctor->clock).ms;
    char now_text[40];
    char text[40];
    write_time(now_text, sizeof(now_text), now);
    hyp_visit_begin(visit, "clock");
    int64_t written = HYP_MAX(
        newest(visit, visit->main, "SELECT COALESCE(MAX(time), 0) FROM audit"),
        newest(visit, visit->main, "SELECT COALESCE(MAX(applied), 0) FROM schema_version"));
    int64_t read = newest(visit, visit->main, "SELECT COALESCE(MAX(newest), 0) FROM sealed");
    if (now < CLOCK_LEAST_MS) {
        hyp_visit_find(visit, HYP_FINDING_WARNING, "set the clock, best by NTP",
                       "this machine's clock says %s", now_text);
    } else if (written > now) {
        write_time(text, sizeof(text), written);
        hyp_visit_find(visit, HYP_FINDING_WARNING, "set the clock, best by NTP",
                       "this machine's clock says %s, but something was written at %s: it was "
                       "set back",
                       now_text, text);
    }
    if (read > now + CLOCK_AHEAD_MS) {
        write_time(text, sizeof(text), read);
        hyp_visit_find(visit, HYP_FINDING_WARNING,
                       "look for a meter whose clock is ahead, or set this machine's",
                       "there are readings of %s, and it is %s", text, now_text);
    }
    hyp_visit_end(visit, "it is %s, and nothing was written later", now_text);
}

/* --- the whole --- */

static enum hyp_status open_file(const char *folder, const char *name, struct hyp_db **ret_db,
                                 struct hyp_error *err)
{
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, folder, name, err);
    if (status == HYP_OK && !hyp_file_exists(path.text)) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "%s is missing", path.text);
    }
    if (status == HYP_OK) {
        status = hyp_sqlite_open(path.text, HYP_SQLITE_READ, ret_db, err);
    }
    /* One transaction: what the tables say of each other is of one moment. */
    return status == HYP_OK ? hyp_db_exec(*ret_db, "BEGIN") : status;
}

/* Opens one of the databases; a failure is a finding of its own. */
static bool open_database(struct hyp_visit *visit, const char *name, struct hyp_db **ret_db)
{
    struct hyp_error err = {0};
    hyp_visit_begin(visit, name);
    enum hyp_status status =
        is_in_database(visit)
            ? hyp_visit_connect(visit, ret_db == &visit->main ? "" : HYP_FRAMES_SCHEMA_SUFFIX,
                                ret_db, &err)
            : open_file(visit->doctor->folder, name, ret_db, &err);
    visit->no_memory |= status == HYP_NO_MEMORY;
    if (status != HYP_OK && is_in_database(visit)) {
        hyp_visit_give_up(visit, status, &err);
    } else if (status != HYP_OK) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, RESTORE, "%s",
                       err.text[0] == '\0' ? hyp_status_text(status) : err.text);
    }
    return status == HYP_OK;
}

static void load_ids(struct hyp_visit *visit, const char *sql, struct hyp_map *map)
{
    struct hyp_query query;
    hyp_query_open(&query, visit->main, sql);
    while (hyp_query_row(&query)) {
        uint64_t id = (uint64_t)hyp_query_i64(&query);
        visit->no_memory |= hyp_map_set(map, id, (uint64_t)hyp_query_i64(&query)) != HYP_OK;
    }
    enum hyp_status status = hyp_query_close(&query);
    /* A page that cannot be read was told by the check of pages. */
    if (status != HYP_OK && is_shut(visit, visit->main, status)) {
        hyp_visit_failed(visit, visit->main, status, "list of devices");
    }
}

static void visit_main(struct hyp_visit *visit)
{
    const char *name = is_in_database(visit) ? "main schema" : HYP_MAIN_FILE;
    if (!open_database(visit, name, &visit->main)) {
        return;
    }
    check_schema(visit, visit->main, name, &hyp_store_migrations);
    if (is_in_database(visit)) {
        hyp_visit_settings(visit);
        hyp_visit_tables(visit, visit->main, "", "tables");
    } else {
        check_pages(visit, visit->main, name);
    }
    load_ids(visit, "SELECT id, 1 FROM device", &visit->devices);
    load_ids(visit, "SELECT device, 0 FROM erasure", &visit->devices);
    load_ids(visit, "SELECT id, device FROM point", &visit->points);
    check_secrets(visit);
    hyp_visit_log(visit);
    hyp_visit_chunks(visit);
    hyp_visit_frame_log(visit);
    check_clock(visit);
}

static void visit_frames(struct hyp_visit *visit)
{
    const char *name = is_in_database(visit) ? "frames schema" : HYP_FRAMES_FILE;
    if (!open_database(visit, name, &visit->frames)) {
        return;
    }
    check_schema(visit, visit->frames, name, &hyp_frame_migrations);
    if (is_in_database(visit)) {
        hyp_visit_tables(visit, visit->frames, HYP_FRAMES_SCHEMA_SUFFIX, "frame tables");
    } else {
        check_pages(visit, visit->frames, name);
    }
    hyp_visit_frame_blocks(visit);
}

enum hyp_status hyp_doctor_check(const struct hyp_doctor *doctor,
                                 enum hyp_finding_level *ret_worst, struct hyp_error *err)
{
    struct hyp_path main_file;
    enum hyp_status status = hyp_path_join(&main_file, doctor->folder, HYP_MAIN_FILE, err);
    if (status != HYP_OK) {
        return status;
    }
    if (doctor->database == NULL && !hyp_file_exists(main_file.text)) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "%s is missing: %s is no data folder",
                             main_file.text, doctor->folder);
    }
    if (hyp_secret_start() != HYP_OK) {
        return hyp_error_set(err, HYP_INTERNAL, -1, "libsodium cannot be started");
    }
    struct hyp_visit visit = {.doctor = doctor};
    hyp_map_init(&visit.devices);
    hyp_map_init(&visit.points);
    check_files(&visit);
    check_disk(&visit);
    visit_main(&visit);
    visit_frames(&visit);
    hyp_db_close(visit.main);
    hyp_db_close(visit.frames);
    hyp_map_finish(&visit.devices);
    hyp_map_finish(&visit.points);
    if (visit.no_memory) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "not enough memory to check everything");
    }
    if (visit.away.status != HYP_OK) {
        return hyp_error_set_code(err, visit.away.status, visit.away.source, visit.away.code,
                                  "not everything could be checked: %s", visit.away.text);
    }
    *ret_worst = visit.worst;
    return HYP_OK;
}
