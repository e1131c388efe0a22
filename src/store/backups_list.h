/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backups of a folder: names, what is there, and which may go. Inside of the store.
 */
#ifndef HYP_STORE_BACKUPS_LIST_H
#define HYP_STORE_BACKUPS_LIST_H

#include "store/backups.h"
#include "store/folder.h"

#define HYP_BACKUP_PARTIAL ".partial"

struct hyp_backups_list {
    size_t count;
    struct hyp_backup items[HYP_LIMIT_BACKUPS];
};

/* hypocaust-2026-11-21T02-30-00Z, in UTC: sorts by time, fits every file system. */
void hyp_backup_name(char out[static HYP_BACKUP_NAME_MAX], hyp_utc time);
/* folder/NAME or folder/NAME.partial */
HYP_MUST_USE enum hyp_status hyp_backup_path(struct hyp_path *ret_path, const char *folder,
                                             const char *name, bool partial,
                                             struct hyp_error *err);

/*
 * Reads the folder.
 * @own      SHA-256 of the plant's secret.key
 * Returns   HYP_OK | NOT_FOUND | IO | LIMIT (more than HYP_LIMIT_BACKUPS)
 */
HYP_MUST_USE enum hyp_status hyp_backups_list_read(struct hyp_backups_list *list,
                                                   const char *folder,
                                                   const uint8_t own[static 32], hyp_utc now,
                                                   struct hyp_error *err);
/* Removes what attempts left behind that were cut short. */
HYP_MUST_USE enum hyp_status hyp_backups_list_clean(const char *folder, struct hyp_error *err);
/*
 * Removes every backup that is older than `keep` good ones; those are read and compared with
 * their digests first, all but the one of `fresh`, and what is bad does not count.
 * @removed  counts them
 */
HYP_MUST_USE enum hyp_status hyp_backups_list_prune(struct hyp_backups_list *list,
                                                    const char *folder, size_t keep,
                                                    const char *fresh, size_t *removed,
                                                    struct hyp_error *err);
/* Removes every own backup made before a time, whether good or not, and those of the future;
 * not the one of `fresh`. @removed counts them */
HYP_MUST_USE enum hyp_status hyp_backups_list_remove(struct hyp_backups_list *list,
                                                     const char *folder, hyp_utc before,
                                                     const char *fresh, size_t *removed,
                                                     struct hyp_error *err);
/* Time of the newest good backup that is not of the future; 0 = none. */
hyp_utc hyp_backups_list_newest(const struct hyp_backups_list *list, hyp_utc now);

#endif
