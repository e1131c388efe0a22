/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Daily backups: a thread that copies the store into a dated folder of its own once a day,
 * checks the copy, and removes old ones. Part of store.h, which includes it.
 *
 * A backup is made under a name that ends in ".partial" and gets its own name when it is whole
 * and checked. What is there is known from the folder alone, so nothing is forgotten over a
 * restart: a time that was missed is made up for at once. Backups of another plant in the same
 * folder are left alone, and so is every folder with another kind of name.
 */
#ifndef HYP_STORE_BACKUPS_H
#define HYP_STORE_BACKUPS_H

#include "store/store.h"

struct hyp_backups;

struct hyp_backups_config {
    struct hyp_store *store;
    const char *folder; /* where the backups are; made when it is missing */
    uint16_t minute_of_day;
    size_t keep; /* 1 .. HYP_LIMIT_BACKUPS_KEPT */
    const struct hyp_zone *zone;
    const struct hyp_clock *clock;
    struct hyp_log *log; /* may be NULL */
};

enum hyp_backup_state {
    HYP_BACKUP_UNKNOWN = 0,
    HYP_BACKUP_GOOD,    /* checked when it was made; all there by the last look */
    HYP_BACKUP_DAMAGED, /* something is missing or has changed since */
    HYP_BACKUP_FOREIGN, /* of another plant: has another secret.key */
};
/* "good", "damaged", "foreign" */
const char *hyp_backup_state_text(enum hyp_backup_state state);

#define HYP_BACKUP_NAME_MAX 40
struct hyp_backup {
    char name[HYP_BACKUP_NAME_MAX]; /* hypocaust-2026-11-21T02-30-00Z */
    hyp_utc time;
    int64_t bytes;
    enum hyp_backup_state state;
    bool own;    /* has this plant's secret.key, for all that can be read */
    bool future; /* by today's clock; was made under a wrong one */
};

struct hyp_backups_report {
    char folder[512];
    uint16_t minute_of_day;
    size_t keep;
    bool running;         /* one is being made, or was asked for and comes at once */
    hyp_utc next;         /* when it will be made or tried again; in the past = now */
    hyp_utc last_attempt; /* since the start; 0 = none */
    hyp_utc last_success; /* of the newest good backup there is; 0 = none */
    enum hyp_status last_status;
    char last_error[HYP_ERROR_TEXT_MAX]; /* empty when the last attempt was good */
    struct hyp_backup *list;             /* newest first; those of the future last */
    size_t count;
};

/*
 * Returns    HYP_OK | UNSUPPORTED (memory) | INVALID (no number) | NO_MEMORY
 * Ownership  caller destroys it before the store is closed
 */
HYP_MUST_USE enum hyp_status hyp_backups_create(const struct hyp_backups_config *config,
                                                struct hyp_backups **ret_backups,
                                                struct hyp_error *err);
/* Starts the thread. */
HYP_MUST_USE enum hyp_status hyp_backups_start(struct hyp_backups *backups);
/* Waits for a backup that is being made. Takes NULL, returns NULL. */
void *hyp_backups_destroy(struct hyp_backups *backups);
/*
 * What the thread does now and then: makes a backup if it is time. For tests, without thread.
 * Returns  whether it tried
 */
bool hyp_backups_step(struct hyp_backups *backups);
/*
 * Asks for a backup at once, whatever the hour. It counts among those that are kept.
 * Returns  HYP_OK | CONFLICT (one is being made, or this second has one already)
 * Context  any thread; does not wait for it
 */
HYP_MUST_USE enum hyp_status hyp_backups_ask(struct hyp_backups *backups,
                                             struct hyp_error *err);
/*
 * The same, and when it is there, checked and without damage, all own ones made before `before`
 * go, those of the future too. If it cannot be made none of them does, and the report says why;
 * nothing of it is remembered over a restart.
 * Returns   HYP_OK | CONFLICT (as above, or `before` is of this second)
 */
HYP_MUST_USE enum hyp_status hyp_backups_replace(struct hyp_backups *backups, hyp_utc before,
                                                 struct hyp_error *err);
/* How things stand; the list is copied into the arena. Any thread; never waits for a disk. */
HYP_MUST_USE enum hyp_status hyp_backups_report(struct hyp_backups *backups,
                                                struct hyp_arena *arena,
                                                struct hyp_backups_report *ret_report);

/* A backup that still has what was wiped from the store since. */
struct hyp_holding {
    const struct hyp_backup *backup;
    hyp_utc goes; /* by itself, at the earliest; 0 = it is nobody's, so never */
};
/*
 * Which backups may still have what a wiping that ended at `ended` (0 = it has not yet) has
 * wiped: all but those made since, and those of other plants.
 * @ret_list   room for report->count; points into the report
 * Returns     how many
 */
size_t hyp_backups_holding(const struct hyp_backups_report *report, hyp_utc ended,
                           struct hyp_holding *ret_list);

#endif
