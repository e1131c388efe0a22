/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folder: paths, whole files and the lock of a data folder.
 *
 * What the system refuses comes back as NOT_FOUND, EXISTS, FULL or IO, with path, reason and
 * errno in *err (may be NULL).
 */
#ifndef HYP_STORE_FOLDER_H
#define HYP_STORE_FOLDER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HYP_STORE_PATH_MAX 1024

struct hyp_path {
    char text[HYP_STORE_PATH_MAX];
};

/* folder/name; LIMIT when too long. */
HYP_MUST_USE enum hyp_status hyp_path_join(struct hyp_path *ret_path, const char *folder,
                                           const char *name, struct hyp_error *err);

/* Makes the folder (mode 0750) and its parents if they are missing. */
HYP_MUST_USE enum hyp_status hyp_folder_make(const char *folder, struct hyp_error *err);
/* Is it missing or without entries? */
HYP_MUST_USE enum hyp_status hyp_folder_is_free(const char *folder, bool *ret_free,
                                                struct hyp_error *err);
/* Makes new and renamed entries durable. */
HYP_MUST_USE enum hyp_status hyp_folder_sync(const char *folder, struct hyp_error *err);

/*
 * Takes the folder for this process until the descriptor is closed.
 * Returns   HYP_OK | BUSY when another process has it, with its number in *err | IO
 */
HYP_MUST_USE enum hyp_status hyp_folder_lock(const char *folder, int *ret_fd,
                                             struct hyp_error *err);

/* Writes a new file of mode 0600, synced. HYP_OK | EXISTS | IO | FULL */
HYP_MUST_USE enum hyp_status hyp_file_create(const char *path, const uint8_t *data, size_t len,
                                             struct hyp_error *err);
/* Copies a file to a new one of mode 0600, synced. */
HYP_MUST_USE enum hyp_status hyp_file_copy(const char *from, const char *to,
                                           struct hyp_error *err);
/* Reads a small file whole. HYP_OK | NOT_FOUND | IO | LIMIT (longer than capacity) */
HYP_MUST_USE enum hyp_status hyp_file_read(const char *path, char *out, size_t capacity,
                                           size_t *ret_len, struct hyp_error *err);
/* Within a file system; takes the place of what has the name. Durable after hyp_folder_sync.
 * HYP_OK | NOT_FOUND | FULL | IO */
HYP_MUST_USE enum hyp_status hyp_file_rename(const char *from, const char *to,
                                             struct hyp_error *err);
/* What is not there counts as removed; a folder must be empty. */
HYP_MUST_USE enum hyp_status hyp_file_remove(const char *path, struct hyp_error *err);
HYP_MUST_USE enum hyp_status hyp_folder_remove(const char *folder, struct hyp_error *err);
/* Size and SHA-256 of a file. */
HYP_MUST_USE enum hyp_status hyp_file_digest(const char *path, int64_t *ret_size,
                                             uint8_t ret_digest[static 32],
                                             struct hyp_error *err);
/* Size in bytes; 0 when there is none. */
int64_t hyp_file_size(const char *path);
/* Is there a file, folder or anything else of this name? False also where one may not look. */
bool hyp_file_exists(const char *path);

#endif
