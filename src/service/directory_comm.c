/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the directory knows of each device's communication, and what follows from it: its
 * condition. Readings count as well as what the field reports, so a device whose history was
 * imported is not "never read".
 */
#include "service/directory_inside.h"

static const char *const condition_texts[HYP_CONDITION_COUNT] = {
    [HYP_CONDITION_NEVER] = "never",       [HYP_CONDITION_OK] = "ok",
    [HYP_CONDITION_STALE] = "stale",       [HYP_CONDITION_FAILING] = "failing",
    [HYP_CONDITION_DISABLED] = "disabled",
};

const char *hyp_condition_text(enum hyp_condition condition)
{
    return condition_texts[condition];
}

enum hyp_status hyp_condition_find(struct hyp_str text, enum hyp_condition *ret_condition)
{
    for (size_t i = 0; i < HYP_CONDITION_COUNT; i++) {
        if (hyp_str_equal(text, hyp_str_from(condition_texts[i]))) {
            *ret_condition = (enum hyp_condition)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

/* How long a success stays fresh. */
static int64_t fresh_ms(const struct hyp_schedule *schedule)
{
    const int64_t day_ms = 24LL * 3600 * 1000;
    switch (schedule->kind) {
    case HYP_SCHEDULE_EVERY: return 3LL * schedule->minutes * 60 * 1000;
    case HYP_SCHEDULE_DAILY: {
        int days = __builtin_popcount(schedule->weekdays & 0x7Fu);
        return 3 * day_ms * (days == 0 ? 7 : (7 + days - 1) / days);
    }
    case HYP_SCHEDULE_UNSET:
    case HYP_SCHEDULE_NONE: break;
    }
    return day_ms;
}

/* A reading of a meter whose clock is ahead says nothing about how long ago it was taken. */
hyp_utc hyp_directory_last_reading(const struct hyp_directory_entry *entry, hyp_utc now)
{
    int64_t stored_ms = atomic_load(&entry->stored_ms);
    bool usable = stored_ms <= now.ms || entry->comm.last_success.ms == 0;
    return (hyp_utc){HYP_MAX(entry->comm.last_success.ms, usable ? stored_ms : 0)};
}

enum hyp_condition hyp_directory_condition(const struct hyp_directory_entry *entry, hyp_utc now)
{
    if (!entry->device.enabled) {
        return HYP_CONDITION_DISABLED;
    }
    if (entry->comm.last_success.ms == 0 && atomic_load(&entry->stored_ms) == 0) {
        return HYP_CONDITION_NEVER;
    }
    if (entry->comm.failures_in_row >= 3) {
        return HYP_CONDITION_FAILING;
    }
    /* A meter clock that is far ahead is no news of today either. */
    int64_t age_ms = now.ms - hyp_directory_last_reading(entry, now).ms;
    int64_t most_ms = fresh_ms(&entry->device.schedule);
    return age_ms > most_ms || age_ms < -most_ms ? HYP_CONDITION_STALE : HYP_CONDITION_OK;
}

void hyp_directory_set_state(struct hyp_directory *directory,
                             const struct hyp_device_state *state, bool *ret_flipped)
{
    *ret_flipped = false;
    pthread_rwlock_wrlock(&directory->lock);
    struct hyp_directory_entry *entry = hyp_directory_entry_locked(directory, state->device.id);
    if (entry != NULL) {
        bool first = entry->comm.last_success.ms == 0 && entry->comm.last_failure.ms == 0;
        bool spoke = state->comm.last_success.ms != 0 || state->comm.last_failure.ms != 0;
        bool was_ok = entry->comm.last_success.ms >= entry->comm.last_failure.ms;
        bool is_ok = state->comm.last_success.ms >= state->comm.last_failure.ms;
        *ret_flipped = spoke && (first || was_ok != is_ok);
        entry->comm = state->comm;
        entry->job = state->job;
        entry->next_due = state->next_due;
        entry->backing_off = state->backing_off;
        entry->dirty = true;
    }
    pthread_rwlock_unlock(&directory->lock);
}

void hyp_directory_restore_comm(struct hyp_directory *directory, hyp_device_id device,
                                const struct hyp_comm_state *comm)
{
    pthread_rwlock_wrlock(&directory->lock);
    struct hyp_directory_entry *entry = hyp_directory_entry_locked(directory, device.id);
    if (entry != NULL) {
        entry->comm = *comm;
    }
    pthread_rwlock_unlock(&directory->lock);
}

size_t hyp_directory_take_dirty(struct hyp_directory *directory, struct hyp_stored_comm *out,
                                size_t capacity)
{
    size_t count = 0;
    pthread_rwlock_wrlock(&directory->lock);
    for (size_t i = 0; count < capacity && i < directory->count; i++) {
        struct hyp_directory_entry *entry = directory->entries[i];
        if (entry->dirty) {
            out[count++] = (struct hyp_stored_comm){entry->device.id, entry->comm};
            entry->dirty = false;
        }
    }
    pthread_rwlock_unlock(&directory->lock);
    return count;
}

void hyp_directory_mark_dirty(struct hyp_directory *directory,
                              const struct hyp_stored_comm *states, size_t count)
{
    pthread_rwlock_wrlock(&directory->lock);
    for (size_t i = 0; i < count; i++) {
        struct hyp_directory_entry *entry =
            hyp_directory_entry_locked(directory, states[i].device.id);
        if (entry != NULL) {
            entry->dirty = true;
        }
    }
    pthread_rwlock_unlock(&directory->lock);
}

hyp_device_id hyp_directory_last_id(struct hyp_directory *directory)
{
    hyp_device_id last = {0};
    pthread_rwlock_rdlock(&directory->lock);
    for (size_t i = 0; i < directory->count; i++) {
        last.id = HYP_MAX(last.id, directory->entries[i]->device.id.id);
    }
    pthread_rwlock_unlock(&directory->lock);
    return last;
}

hyp_tenant_id hyp_directory_note_reading(struct hyp_directory *directory, hyp_device_id device,
                                         hyp_utc source_time)
{
    hyp_tenant_id tenant = {0};
    pthread_rwlock_rdlock(&directory->lock);
    struct hyp_directory_entry *entry = hyp_directory_entry_locked(directory, device.id);
    if (entry != NULL) {
        tenant = entry->device.tenant;
        int64_t newest = atomic_load(&entry->stored_ms);
        while (source_time.ms > newest &&
               !atomic_compare_exchange_weak(&entry->stored_ms, &newest, source_time.ms)) {
        }
    }
    pthread_rwlock_unlock(&directory->lock);
    return tenant;
}
