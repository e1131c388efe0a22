/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One backup folder: making, checking and removing it. Inside of the store; store.h has what
 * others may ask for, backups.h the daily ones.
 */
#ifndef HYP_STORE_BACKUP_COPY_H
#define HYP_STORE_BACKUP_COPY_H

#include "base/clock.h"
#include "base/status.h"
#include "store/backup_database.h"

#include <stdbool.h>

enum hyp_backup_part {
    HYP_BACKUP_SECRET = 0,
    HYP_BACKUP_FRAMES,
    HYP_BACKUP_MAIN,
    HYP_BACKUP_FILES,
};

struct hyp_backup_file {
    int64_t size;
    uint8_t digest[32];
};

/* What backup.txt says. */
struct hyp_backup_manifest {
    struct hyp_backup_file files[HYP_BACKUP_FILES];
};

/*
 * Copies a store to a new or empty folder and checks the pages of the copy.
 * @ret_damaged  rows of the intake log that were damaged in the store before
 * Context       blocks on disk for the whole copy, with connections of its own
 */
HYP_MUST_USE enum hyp_status hyp_backup_make(const struct hyp_backup_source *source,
                                             const char *target, hyp_utc now,
                                             int64_t *ret_damaged, struct hyp_error *err);
/* CORRUPT with its sentence when there were damaged rows. */
HYP_MUST_USE enum hyp_status hyp_backup_judge(int64_t damaged, struct hyp_error *err);

/* HYP_OK | NOT_FOUND (no manifest: no whole backup) | UNSUPPORTED, MALFORMED | IO */
HYP_MUST_USE enum hyp_status hyp_backup_read(const char *folder,
                                             struct hyp_backup_manifest *ret_manifest,
                                             struct hyp_error *err);
/* Reads every file: is it what the manifest says? */
HYP_MUST_USE enum hyp_status hyp_backup_verify(const char *folder, struct hyp_error *err);
/* A quick look: are all files as long as they should be? */
bool hyp_backup_has_sizes(const char *folder, const struct hyp_backup_manifest *manifest);
/* Removes a backup, or what there is of one. IO when something else is in the folder. */
HYP_MUST_USE enum hyp_status hyp_backup_remove(const char *folder, struct hyp_error *err);

#endif
