/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypocaust import readings: CSV files into the data folder of a server that is not running.
 *
 * How far a file has come is kept in the store, beside the readings: cut off at any moment, the
 * same command goes on behind the last commit. A running server has the folder to itself; it
 * takes the same files over HTTP (POST /readings/import).
 */
#include "cmd/command.h"

#include "base/crypto.h"
#include "cmd/csv_file.h"
#include "cmd/database.h"
#include "cmd/log_sink.h"
#include "cmd/options.h"
#include "cmd/zone_file.h"
#include "service/auth.h"
#include "service/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_MS 2000
#define SAVE_LINES 50000 /* or so: a fsync each */

struct settings {
    const char *data;
    const char *database;
    const char *columns;
    const char *device;
    const char *zone;
    bool dry_run;
    bool again;
};

#define AT(member) offsetof(struct settings, member)
/* clang-format off */
static const struct hyp_option options[] = {
    {"data",      "DIR",  "data folder (./data, or $HYPOCAUST_DATA)", HYP_OPTION_TEXT, AT(data), 0, 0},
    {"database",  "URL",  "postgresql://... instead of files ($HYPOCAUST_DATABASE)", HYP_OPTION_TEXT, AT(database), 0, 0},
    {"columns",   "LIST", "what titles mean: \"TITLE=energy [MWh], TITLE=time, TITLE=-\"", HYP_OPTION_TEXT, AT(columns), 0, 0},
    {"device",    "NUMBER", "serial number of the meter of all lines", HYP_OPTION_TEXT, AT(device), 0, 0},
    {"time-zone", "NAME", "zone of times without one (the plant's)",  HYP_OPTION_TEXT, AT(zone), 0, 0},
    {"dry-run",   NULL,   "look at everything, keep nothing",         HYP_OPTION_ON,   AT(dry_run), 0, 0},
    {"again",     NULL,   "from the beginning, even if it was imported before", HYP_OPTION_ON, AT(again), 0, 0},
};
/* clang-format on */

static const char usage[] =
    "Usage: hypocaust import readings [OPTION]... FILE.csv[.gz]...\n"
    "Imports readings into the data folder of a server that is not running. The first line\n"
    "of a file says what its columns are: time, serial, and registers like \"energy [kWh]\".\n"
    "Cut off, the same command goes on where it was; nothing is kept twice. docs/import.md\n";

struct shell {
    struct settings settings;
    char *database;
    struct hyp_log log;
    struct hyp_live_zone zone;
    struct hyp_store *store;
    struct hyp_service *service;
    struct hyp_arena arena;
    const struct hyp_scope *scope;
};

/* One file under way. */
struct job {
    struct shell *shell;
    const char *path;
    struct hyp_csv_file *file;
    struct hyp_import *import;
    char mark_name[64];
    hyp_mono told;
    uint64_t saved_line;
};

static int fail(const char *text)
{
    fprintf(stderr, "hypocaust import: %s\n", text);
    return 1;
}

static void tell_refused(void *user, uint64_t line, const char *text)
{
    const struct job *job = user;
    fprintf(stderr, "%s:%llu: %s\n", job->path, (unsigned long long)line, text);
}

/* --- how far it has come --- */

#define MARK_WORDS 7
#define MARK_BYTES (MARK_WORDS * sizeof(uint64_t))

/* The file's content and what is made of it: a change of either begins anew. */
static void name_mark(struct job *job)
{
    const struct settings *settings = &job->shell->settings;
    const char *parts[] = {settings->columns, settings->device, settings->zone};
    struct hyp_buf text;
    uint8_t digest[32];
    hyp_buf_init_heap(&text, (size_t)1024 * 1024);
    hyp_csv_file_fingerprint(job->file, &text);
    for (size_t i = 0; i < HYP_ARRAY_LEN(parts); i++) {
        hyp_buf_append_text(&text, parts[i] == NULL ? "" : parts[i]);
        hyp_buf_append_char(&text, '\n');
    }
    hyp_sha256(text.data, text.len, digest);
    hyp_buf_finish(&text);
    hyp_buf_init_fixed(&text, job->mark_name, sizeof(job->mark_name));
    hyp_buf_append_text(&text, "import.");
    hyp_buf_append_hex(&text, digest, 16);
    hyp_buf_terminate(&text);
}

static void save_mark(struct job *job, const struct hyp_import_mark *mark, bool complete)
{
    struct hyp_buf out;
    uint8_t bytes[MARK_BYTES];
    const uint64_t words[MARK_WORDS] = {complete,
                                        mark->offset,
                                        mark->line,
                                        mark->counts.lines,
                                        mark->counts.readings,
                                        mark->counts.values,
                                        mark->counts.refused};
    hyp_buf_init_fixed(&out, bytes, sizeof(bytes));
    for (size_t i = 0; i < MARK_WORDS; i++) {
        hyp_buf_append_le64(&out, words[i]);
    }
    /* Not kept: the next run begins earlier, and finds those readings known. */
    HYP_IGNORE(hyp_store_blob_put(job->shell->store, job->mark_name, bytes, out.len));
    job->saved_line = mark->line;
}

static bool load_mark(struct job *job, struct hyp_import_mark *ret_mark, bool *ret_complete)
{
    uint8_t *bytes;
    size_t len;
    uint64_t words[MARK_WORDS] = {0};
    if (hyp_store_blob_get(job->shell->store, job->mark_name, &job->shell->arena, &bytes,
                           &len) != HYP_OK ||
        len != MARK_BYTES) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        words[i / 8] |= (uint64_t)bytes[i] << (8 * (i % 8));
    }
    *ret_complete = words[0] != 0;
    *ret_mark = (struct hyp_import_mark){
        .offset = words[1],
        .line = words[2],
        .counts = {words[3], words[4], words[5], words[6]}
    };
    return true;
}

/* --- one file --- */

static void tell_progress(struct job *job)
{
    hyp_mono now = hyp_clock_mono(hyp_clock_system());
    if (now.ms - job->told.ms < PROGRESS_MS) {
        return;
    }
    struct hyp_import_mark mark = hyp_import_committed(job->import);
    job->told = now;
    fprintf(stderr, "%s: %d %%, %llu lines, %llu values, %llu refused\n", job->path,
            hyp_csv_file_percent(job->file), (unsigned long long)mark.counts.lines,
            (unsigned long long)mark.counts.values, (unsigned long long)mark.counts.refused);
}

static enum hyp_status feed_lines(struct job *job, struct hyp_error *err)
{
    struct hyp_csv_line line;
    enum hyp_status status;
    bool keep = !job->shell->settings.dry_run && hyp_csv_file_can_seek(job->file);
    while ((status = hyp_csv_file_next(job->file, &line, err)) == HYP_OK) {
        status = hyp_import_line(job->import, line.text, line.len, line.size, err);
        if (status != HYP_OK) {
            return status;
        }
        uint64_t at = hyp_import_position(job->import).line;
        if (at % 1024 == 0) {
            tell_progress(job);
        }
        if (keep && at >= job->saved_line + SAVE_LINES) {
            struct hyp_import_mark mark = hyp_import_committed(job->import);
            save_mark(job, &mark, false);
            job->saved_line = at;
        }
    }
    if (status == HYP_NOT_FOUND) {
        return hyp_import_finish(job->import, err);
    }
    HYP_IGNORE(hyp_import_finish(job->import, NULL)); /* what came before the fault is good */
    return status;
}

static void tell_end(const struct job *job, const struct hyp_import_mark *mark)
{
    printf("%s: %llu values of %llu readings %s", job->path,
           (unsigned long long)mark->counts.values, (unsigned long long)mark->counts.readings,
           job->shell->settings.dry_run ? "could be imported" : "imported");
    if (mark->counts.refused > 0) {
        printf(", %llu of %llu lines refused", (unsigned long long)mark->counts.refused,
               (unsigned long long)mark->counts.lines);
    }
    printf("\n");
}

static enum hyp_status begin_import(struct job *job, struct hyp_error *err)
{
    struct shell *shell = job->shell;
    struct hyp_csv_line titles;
    const struct hyp_import_config config = {
        .columns = hyp_str_from(shell->settings.columns),
        .device = hyp_str_from(shell->settings.device),
        .zone = &shell->zone.zone,
        .dry_run = shell->settings.dry_run,
        .refused = tell_refused,
        .user = job,
    };
    enum hyp_status status = hyp_csv_file_next(job->file, &titles, err);
    if (status != HYP_OK) {
        return status == HYP_NOT_FOUND
                   ? hyp_error_set(err, HYP_INVALID, -1, "The file is empty.")
                   : status;
    }
    status = hyp_import_create(shell->service, shell->scope, &config, titles.text, titles.len,
                               &job->import, err);
    const struct hyp_import_mark first = {.offset = titles.size, .line = 1};
    if (status == HYP_OK) {
        hyp_import_resume(job->import, &first);
    }
    return status;
}

/* Skips what an earlier run has committed. */
static enum hyp_status skip_known(struct job *job, bool *ret_complete, struct hyp_error *err)
{
    struct hyp_import_mark mark;
    *ret_complete = false;
    if (job->shell->settings.again || job->shell->settings.dry_run ||
        !hyp_csv_file_can_seek(job->file)) {
        return HYP_OK;
    }
    name_mark(job);
    if (!load_mark(job, &mark, ret_complete)) {
        return HYP_OK;
    }
    if (*ret_complete) {
        printf("%s: imported before; --again reads it once more\n", job->path);
        return HYP_OK;
    }
    printf("%s: goes on at line %llu\n", job->path, (unsigned long long)mark.line + 1);
    enum hyp_status status = hyp_csv_file_seek(job->file, mark.offset, err);
    if (status == HYP_OK) {
        hyp_import_resume(job->import, &mark);
        job->saved_line = mark.line;
    }
    return status;
}

static enum hyp_status run_job(struct job *job, uint64_t *ret_refused, struct hyp_error *err)
{
    bool complete = false;
    enum hyp_status status = begin_import(job, err);
    if (status == HYP_OK) {
        status = skip_known(job, &complete, err);
    }
    if (status != HYP_OK || complete) {
        return status;
    }
    status = feed_lines(job, err);
    struct hyp_import_mark mark = hyp_import_committed(job->import);
    if (!job->shell->settings.dry_run && job->mark_name[0] != '\0') {
        save_mark(job, &mark, status == HYP_OK);
    }
    *ret_refused = mark.counts.refused;
    if (status == HYP_OK) {
        tell_end(job, &mark);
    }
    return status;
}

static int import_file(struct shell *shell, const char *path)
{
    struct hyp_error err = {0};
    struct job job = {.shell = shell, .path = path, .told = hyp_clock_mono(hyp_clock_system())};
    uint64_t refused = 0;
    enum hyp_status status = hyp_csv_file_open(path, &job.file, &err);
    if (status == HYP_OK) {
        status = run_job(&job, &refused, &err);
    }
    hyp_import_destroy(job.import);
    hyp_csv_file_close(job.file);
    if (status != HYP_OK) {
        fprintf(stderr, "hypocaust import: %s: %s\n", path, err.text);
    }
    return status != HYP_OK || refused > 0 ? 1 : 0;
}

/* --- the command --- */

/* That of the plant, or the one that was asked for. */
static int choose_zone(struct shell *shell)
{
    struct hyp_error err = {0};
    struct hyp_tenant tenant = hyp_service_first_tenant(shell->service);
    const char *name = shell->settings.zone == NULL ? tenant.time_zone : shell->settings.zone;
    return hyp_live_zone_set(&shell->zone, name, &err) == HYP_OK ? 0 : fail(err.text);
}

static int with_service(struct shell *shell, char **files, int count)
{
    struct hyp_error err = {0};
    const struct hyp_service_config config = {
        .store = shell->store,
        .clock = hyp_clock_system(),
        .rng = hyp_rng_system(),
        .log = &shell->log,
    };
    if (hyp_service_create(&config, &shell->service, &err) != HYP_OK) {
        return fail(err.text);
    }
    shell->scope = hyp_auth_console(shell->service, &shell->arena);
    int result = shell->scope == NULL ? fail("out of memory") : choose_zone(shell);
    for (int i = 0; shell->scope != NULL && result == 0 && i < count; i++) {
        result = import_file(shell, files[i]);
    }
    return result;
}

static int with_store(struct shell *shell, char **files, int count)
{
    struct hyp_error err = {0};
    const struct hyp_store_config config = {.folder = shell->settings.data,
                                            .database = shell->database,
                                            .clock = hyp_clock_system(),
                                            .log = &shell->log};
    enum hyp_status status = hyp_store_open(&config, &shell->store, &err);
    if (status != HYP_OK) {
        fail(err.text);
        if (status == HYP_BUSY) {
            fprintf(stderr, "A running server takes the same file over HTTP: POST "
                            "/api/v1/readings/import, see docs/import.md.\n");
        }
        return 1;
    }
    hyp_arena_init(&shell->arena, HYP_LIMIT_REQUEST_ARENA);
    hyp_live_zone_init(&shell->zone);
    int result = with_service(shell, files, count);
    hyp_store_close(shell->store);
    hyp_service_destroy(shell->service);
    hyp_live_zone_finish(&shell->zone);
    hyp_arena_finish(&shell->arena);
    return result;
}

int hyp_command_import(int argc, char **argv)
{
    struct shell shell = {.settings = {.data = getenv("HYPOCAUST_DATA")}};
    bool named = argc > 1 && strcmp(argv[1], "readings") == 0;
    bool help = argc > 1 && strcmp(argv[1], "--help") == 0;
    int rest = 1;
    if (!named && !help) {
        fprintf(stderr, "%s", usage);
        return 2;
    }
    int skip = named ? 1 : 0;
    enum hyp_status status =
        hyp_options_parse(usage, options, HYP_ARRAY_LEN(options), argc - skip, argv + skip,
                          &shell.settings, &rest);
    if (status != HYP_OK) {
        return status == HYP_CANCELLED ? 0 : 2;
    }
    if (skip + rest >= argc) {
        fail("which file? Name one or more");
        return 2;
    }
    if (shell.settings.data == NULL) {
        shell.settings.data = "./data";
    }
    hyp_log_sink_init(&shell.log, HYP_LOG_WARNING);
    shell.database = hyp_database_take(shell.settings.database);
    int result = with_store(&shell, argv + skip + rest, argc - skip - rest);
    hyp_database_forget(shell.database);
    return result;
}
