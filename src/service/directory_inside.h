/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the directory, shared by directory.c (keeping) and directory_query.c (asking). */
#ifndef HYP_SERVICE_DIRECTORY_INSIDE_H
#define HYP_SERVICE_DIRECTORY_INSIDE_H

#include "base/map.h"
#include "service/directory.h"

#include <pthread.h>
#include <stdatomic.h>

struct hyp_directory_entry {
    struct hyp_device device;
    struct hyp_comm_state comm;
    _Atomic int64_t stored_ms; /* source time of the newest stored reading; 0 = none */
    enum hyp_job_state job;
    hyp_utc next_due;
    bool backing_off;
    bool dirty; /* comm is newer than in the store */
    const struct hyp_profile *profile;
    char *folded; /* what search looks into */
    size_t folded_len;
    uint32_t name_rank; /* position in the order of names */
};

struct hyp_directory {
    const struct hyp_library *library;
    pthread_rwlock_t lock;
    struct hyp_directory_entry **entries;
    size_t count;
    size_t capacity;
    struct hyp_map index; /* device id -> pointer of its entry */
    struct hyp_map lines; /* line id -> struct hyp_line * */
    bool ranks_stale;     /* name_rank must be computed again */
};

/*
 * All need the lock, and what they give is valid as long as it is held. An entry or a line of
 * any tenant by id, NULL when there is none; an entry's condition and newest reading as judged
 * at `now` (the time of a meter whose clock is ahead does not count where it has been heard
 * otherwise); the entry as it is shown, with its key wiped.
 */
struct hyp_directory_entry *hyp_directory_entry_locked(const struct hyp_directory *directory,
                                                       int64_t id);
const struct hyp_line *hyp_directory_line_locked(const struct hyp_directory *directory,
                                                 hyp_line_id id);
enum hyp_condition hyp_directory_condition(const struct hyp_directory_entry *entry,
                                           hyp_utc now);
hyp_utc hyp_directory_last_reading(const struct hyp_directory_entry *entry, hyp_utc now);
void hyp_directory_view_of(const struct hyp_directory *directory,
                           const struct hyp_directory_entry *entry, hyp_utc now,
                           struct hyp_device_view *ret_view);

#endif
