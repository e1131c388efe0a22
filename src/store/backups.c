/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backups.h"

#include "base/crypto.h"
#include "model/zone.h"
#include "store/backup_copy.h"
#include "store/backups_list.h"
#include "store/core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How often the thread looks at the clock, which may be set at any time. */
#define LOOK_PERIOD_S 10
#define EVERY_DAY 0x7f

struct hyp_backups {
    struct hyp_backups_config config;
    char folder[sizeof(((struct hyp_backups_report *)NULL)->folder)];
    struct hyp_schedule schedule;
    uint8_t own[32]; /* SHA-256 of the plant's secret.key */

    /* the thread's own */
    bool looked; /* into the folder, since the start */
    bool failed; /* the last attempt made no backup */
    hyp_mono retry_at;
    struct hyp_backups_list work;

    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    bool stopping;
    bool asked;                       /* by somebody who does not wait for the hour */
    hyp_utc remove_before;            /* once that one is there; 0 = as many are kept as ever */
    struct hyp_backups_report report; /* without list */
    struct hyp_backups_list shown;
};

/* --- what others see --- */

static hyp_utc find_next(const struct hyp_backups *backups, hyp_utc now)
{
    if (backups->failed) {
        return (hyp_utc){now.ms + backups->retry_at.ms -
                         hyp_clock_mono(backups->config.clock).ms};
    }
    hyp_utc newest = hyp_backups_list_newest(&backups->work, now);
    return newest.ms == 0
               ? now
               : hyp_zone_schedule_next(backups->config.zone, &backups->schedule, newest);
}

static void publish(struct hyp_backups *backups, hyp_utc now)
{
    hyp_utc next = find_next(backups, now);
    pthread_mutex_lock(&backups->lock);
    backups->report.next = next;
    backups->report.last_success = hyp_backups_list_newest(&backups->work, now);
    backups->shown = backups->work;
    pthread_mutex_unlock(&backups->lock);
}

static void publish_start(struct hyp_backups *backups, hyp_utc now)
{
    pthread_mutex_lock(&backups->lock);
    backups->report.running = true;
    backups->report.last_attempt = now;
    pthread_mutex_unlock(&backups->lock);
}

static void publish_end(struct hyp_backups *backups, enum hyp_status status,
                        const struct hyp_error *err)
{
    pthread_mutex_lock(&backups->lock);
    backups->report.running = false;
    backups->report.last_status = status;
    hyp_text_copy(backups->report.last_error, sizeof(backups->report.last_error),
                  hyp_str_from(status == HYP_OK ? "" : err->text));
    pthread_mutex_unlock(&backups->lock);
}

enum hyp_status hyp_backups_report(struct hyp_backups *backups, struct hyp_arena *arena,
                                   struct hyp_backups_report *ret_report)
{
    pthread_mutex_lock(&backups->lock);
    struct hyp_backups_report report = backups->report;
    report.count = backups->shown.count;
    report.list = hyp_arena_alloc(arena, (report.count + 1) * sizeof(*report.list));
    if (report.list != NULL) {
        memcpy(report.list, backups->shown.items, report.count * sizeof(*report.list));
    }
    pthread_mutex_unlock(&backups->lock);
    if (report.list == NULL) {
        return HYP_NO_MEMORY;
    }
    *ret_report = report;
    return HYP_OK;
}

/* --- one backup --- */

/* Made and checked under another name; on failure nothing of it is left, or what is left has a
 * name that the next attempt cleans. */
static enum hyp_status make_partial(struct hyp_backups *backups, const char *partial,
                                    hyp_utc now, int64_t *ret_damaged, struct hyp_error *err)
{
    const struct hyp_store *store = backups->config.store;
    const struct hyp_backup_source source = {
        .folder = store->folder, .database = store->database, .schema = store->schema};
    enum hyp_status status = hyp_backup_make(&source, partial, now, ret_damaged, err);
    if (status == HYP_OK) {
        status = hyp_backup_verify(partial, err);
    }
    if (status != HYP_OK) {
        HYP_IGNORE(hyp_backup_remove(partial, NULL)); /* the first failure is the one to tell */
    }
    return status;
}

static enum hyp_status make(struct hyp_backups *backups, const char *name, hyp_utc now,
                            int64_t *ret_damaged, struct hyp_error *err)
{
    struct hyp_path partial;
    struct hyp_path final;
    enum hyp_status status = hyp_backup_path(&partial, backups->folder, name, true, err);
    if (status == HYP_OK) {
        status = hyp_backup_path(&final, backups->folder, name, false, err);
    }
    if (status == HYP_OK) {
        status = make_partial(backups, partial.text, now, ret_damaged, err);
    }
    if (status == HYP_OK) {
        status = hyp_file_rename(partial.text, final.text, err);
        if (status != HYP_OK) {
            HYP_IGNORE(hyp_backup_remove(partial.text, NULL)); /* as above */
        }
    }
    return status == HYP_OK ? hyp_folder_sync(backups->folder, err) : status;
}

/* What cannot be removed is in the way of nothing but itself. */
static void clean(struct hyp_backups *backups)
{
    struct hyp_error err = {0};
    if (hyp_backups_list_clean(backups->folder, &err) != HYP_OK) {
        hyp_log_event(backups->config.log, HYP_LOG_WARNING, "backup.leftover",
                      "reason=\"%s\"; remove it yourself", err.text);
    }
}

/* In the folder, which is this process's alone. */
static enum hyp_status attempt_inside(struct hyp_backups *backups, hyp_utc now, hyp_utc before,
                                      struct hyp_error *err)
{
    char name[HYP_BACKUP_NAME_MAX];
    int64_t damaged = 0;
    size_t removed = 0;
    hyp_backup_name(name, now);
    clean(backups);
    /* A folder that cannot be read would get one backup after the other. */
    enum hyp_status status =
        hyp_backups_list_read(&backups->work, backups->folder, backups->own, now, err);
    if (status == HYP_OK) {
        status = make(backups, name, now, &damaged, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_backups_list_read(&backups->work, backups->folder, backups->own, now, err);
    backups->failed = status != HYP_OK;
    if (status == HYP_OK) {
        /* Damage of the store is in every new backup: older ones are kept, all of them. */
        status = hyp_backup_judge(damaged, err);
    }
    if (status == HYP_OK) {
        status = hyp_backups_list_prune(&backups->work, backups->folder, backups->config.keep,
                                        name, &removed, err);
    }
    if (status == HYP_OK && before.ms != 0) {
        status = hyp_backups_list_remove(&backups->work, backups->folder, before, name,
                                         &removed, err);
    }
    hyp_log_event(backups->config.log, HYP_LOG_INFO, "backup.made", "folder=%s/%s removed=%zu",
                  backups->folder, name, removed);
    return status;
}

static void attempt(struct hyp_backups *backups, hyp_utc now, hyp_utc before)
{
    struct hyp_error err = {0};
    int fd = -1;
    publish_start(backups, now);
    backups->failed = true;
    enum hyp_status status = hyp_folder_make(backups->folder, &err);
    if (status == HYP_OK) {
        status = hyp_folder_lock(backups->folder, &fd, &err);
    }
    if (status == HYP_OK) {
        status = attempt_inside(backups, now, before, &err);
        close(fd);
    }
    if (status != HYP_OK) {
        hyp_log_event(backups->config.log, HYP_LOG_ERROR,
                      backups->failed ? "backup.failed" : "backup.incident",
                      "folder=%s status=%s reason=\"%s\"%s", backups->folder,
                      hyp_status_name(status), err.text,
                      backups->failed ? "; tried again in an hour" : "; the backup is made");
    }
    backups->retry_at.ms = hyp_clock_mono(backups->config.clock).ms + HYP_LIMIT_BACKUP_RETRY_MS;
    /* Whoever sees the end sees what came of it. */
    publish(backups, hyp_clock_utc(backups->config.clock));
    publish_end(backups, status, &err);
}

/* The names of backups tell them apart by the second. */
static const char *why_not(const struct hyp_backups *backups, hyp_utc now, hyp_utc before)
{
    if (backups->report.running) {
        return "a backup is being made; wait until it is there";
    }
    if (before.ms != 0 && before.ms / 1000 >= now.ms / 1000) {
        return "a backup of this second would look as old as those it replaces; ask again";
    }
    return backups->report.last_success.ms / 1000 == now.ms / 1000
               ? "a backup of this second is there already; ask again"
               : NULL;
}

static enum hyp_status ask(struct hyp_backups *backups, hyp_utc before, struct hyp_error *err)
{
    hyp_utc now = hyp_clock_utc(backups->config.clock);
    pthread_mutex_lock(&backups->lock);
    const char *reason = why_not(backups, now, before);
    if (reason == NULL) {
        backups->asked = true;
        backups->remove_before = before;
        backups->report.running = true;
        pthread_cond_signal(&backups->wake);
    }
    pthread_mutex_unlock(&backups->lock);
    return reason == NULL ? HYP_OK : hyp_error_set(err, HYP_CONFLICT, -1, "%s", reason);
}

enum hyp_status hyp_backups_ask(struct hyp_backups *backups, struct hyp_error *err)
{
    return ask(backups, (hyp_utc){0}, err);
}

enum hyp_status hyp_backups_replace(struct hyp_backups *backups, hyp_utc before,
                                    struct hyp_error *err)
{
    return ask(backups, before, err);
}

static bool take_asked(struct hyp_backups *backups, hyp_utc *ret_before)
{
    pthread_mutex_lock(&backups->lock);
    bool asked = backups->asked;
    *ret_before = backups->remove_before;
    backups->asked = false;
    backups->remove_before = (hyp_utc){0};
    pthread_mutex_unlock(&backups->lock);
    return asked;
}

bool hyp_backups_step(struct hyp_backups *backups)
{
    hyp_utc now = hyp_clock_utc(backups->config.clock);
    if (!backups->looked) {
        backups->looked = true;
        /* What cannot be read has no backups; the first attempt will say why. */
        HYP_IGNORE(
            hyp_backups_list_read(&backups->work, backups->folder, backups->own, now, NULL));
        publish(backups, now);
    }
    hyp_utc before;
    bool due = take_asked(backups, &before) || find_next(backups, now).ms <= now.ms;
    if (due) {
        attempt(backups, now, before);
    }
    publish(backups, hyp_clock_utc(backups->config.clock));
    return due;
}

/* --- life --- */

static void *work(void *argument)
{
    struct hyp_backups *backups = argument;
    pthread_mutex_lock(&backups->lock);
    while (!backups->stopping) {
        pthread_mutex_unlock(&backups->lock);
        hyp_backups_step(backups);
        pthread_mutex_lock(&backups->lock);
        /* The machine's clock: a condition variable knows no other. */
        int64_t until_ms =
            hyp_clock_mono(hyp_clock_system()).ms + (int64_t)LOOK_PERIOD_S * 1000;
        struct timespec until = {.tv_sec = until_ms / 1000,
                                 .tv_nsec = until_ms % 1000 * 1000000};
        int waited = 0;
        while (!backups->stopping && !backups->asked && waited != ETIMEDOUT) {
            waited = pthread_cond_timedwait(&backups->wake, &backups->lock, &until);
        }
    }
    pthread_mutex_unlock(&backups->lock);
    return NULL;
}

static enum hyp_status check(const struct hyp_backups_config *config, struct hyp_error *err)
{
    if (config->store->folder == NULL) {
        return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                             "a store in memory has no daily backups: use a data folder");
    }
    if (config->keep < 1 || config->keep > HYP_LIMIT_BACKUPS_KEPT ||
        config->minute_of_day >= 1440) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "backups: keep must be 1 to %d, the time before 24:00",
                             HYP_LIMIT_BACKUPS_KEPT);
    }
    return HYP_OK;
}

static void init_lock(struct hyp_backups *backups)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&backups->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&backups->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum hyp_status hyp_backups_create(const struct hyp_backups_config *config,
                                   struct hyp_backups **ret_backups, struct hyp_error *err)
{
    enum hyp_status status = check(config, err);
    struct hyp_backups *backups = status == HYP_OK ? calloc(1, sizeof(*backups)) : NULL;
    if (backups == NULL) {
        return status == HYP_OK ? hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory")
                                : status;
    }
    backups->config = *config;
    if (!hyp_text_copy(backups->folder, sizeof(backups->folder),
                       hyp_str_from(config->folder))) {
        free(backups);
        return hyp_error_set(err, HYP_LIMIT, -1, "path of the folder of backups is too long");
    }
    backups->config.folder = backups->folder;
    backups->schedule = (struct hyp_schedule){.kind = HYP_SCHEDULE_DAILY,
                                              .minute_of_day = config->minute_of_day,
                                              .weekdays = EVERY_DAY};
    hyp_sha256(config->store->secret.key, sizeof(config->store->secret.key), backups->own);
    backups->report.minute_of_day = config->minute_of_day;
    backups->report.keep = config->keep;
    hyp_text_copy(backups->report.folder, sizeof(backups->report.folder),
                  hyp_str_from(config->folder));
    init_lock(backups);
    *ret_backups = backups;
    return HYP_OK;
}

enum hyp_status hyp_backups_start(struct hyp_backups *backups)
{
    backups->runs = pthread_create(&backups->thread, NULL, work, backups) == 0;
    return backups->runs ? HYP_OK : HYP_NO_MEMORY;
}

void *hyp_backups_destroy(struct hyp_backups *backups)
{
    if (backups == NULL) {
        return NULL;
    }
    if (backups->runs) {
        pthread_mutex_lock(&backups->lock);
        backups->stopping = true;
        pthread_cond_signal(&backups->wake);
        pthread_mutex_unlock(&backups->lock);
        pthread_join(backups->thread, NULL);
    }
    pthread_cond_destroy(&backups->wake);
    pthread_mutex_destroy(&backups->lock);
    free(backups);
    return NULL;
}
