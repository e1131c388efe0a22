/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backups_list.h"

#include "model/time.h"
#include "store/backup_copy.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "hypocaust-"
/* Where "hypocaust-2026-11-21T02-30-00Z" has other characters than ISO 8601. */
#define COLON_1 23
#define COLON_2 26

static const char *const state_texts[] = {
    [HYP_BACKUP_UNKNOWN] = "unknown",
    [HYP_BACKUP_GOOD] = "good",
    [HYP_BACKUP_DAMAGED] = "damaged",
    [HYP_BACKUP_FOREIGN] = "foreign",
};

const char *hyp_backup_state_text(enum hyp_backup_state state)
{
    return state_texts[state];
}

/* --- names --- */

void hyp_backup_name(char out[static HYP_BACKUP_NAME_MAX], hyp_utc time)
{
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, out, HYP_BACKUP_NAME_MAX);
    hyp_buf_append_text(&buf, PREFIX);
    hyp_utc_format(&buf, (hyp_utc){time.ms - time.ms % 1000});
    hyp_buf_terminate(&buf);
    for (char *c = out; *c != '\0'; c++) {
        *c = *c == ':' ? '-' : *c;
    }
}

/* Only a name that hyp_backup_name gives, with this end. */
static bool parse_name(struct hyp_str name, struct hyp_str end, char out[HYP_BACKUP_NAME_MAX],
                       hyp_utc *ret_time)
{
    char text[HYP_BACKUP_NAME_MAX];
    if (!hyp_str_has_suffix(name, end)) {
        return false;
    }
    name.len -= end.len;
    if (!hyp_str_has_prefix(name, HYP_STR(PREFIX)) || name.len <= COLON_2 ||
        !hyp_text_copy(text, sizeof(text), name)) {
        return false;
    }
    text[COLON_1] = ':';
    text[COLON_2] = ':';
    if (hyp_utc_parse(hyp_str_from(text + strlen(PREFIX)), ret_time) != HYP_OK) {
        return false;
    }
    hyp_backup_name(out, *ret_time);
    return hyp_str_equal(name, hyp_str_from(out));
}

enum hyp_status hyp_backup_path(struct hyp_path *ret_path, const char *folder, const char *name,
                                bool partial, struct hyp_error *err)
{
    char text[HYP_BACKUP_NAME_MAX + sizeof(HYP_BACKUP_PARTIAL)];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_buf_append_text(&buf, name);
    hyp_buf_append_text(&buf, partial ? HYP_BACKUP_PARTIAL : "");
    return hyp_path_join(ret_path, folder, hyp_buf_terminate(&buf), err);
}

/* --- reading the folder --- */

static enum hyp_status open_folder(const char *folder, DIR **ret_dir, struct hyp_error *err)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        int code = errno;
        return hyp_error_set_code(err, code == ENOENT ? HYP_NOT_FOUND : HYP_IO, HYP_ERROR_ERRNO,
                                  code, "%s: cannot be read: %s", folder,
                                  strerrordesc_np(code));
    }
    *ret_dir = dir;
    return HYP_OK;
}

static void look(struct hyp_backup *backup, const char *folder, const uint8_t own[static 32])
{
    struct hyp_path path;
    struct hyp_backup_manifest manifest;
    backup->state = HYP_BACKUP_DAMAGED;
    if (hyp_backup_path(&path, folder, backup->name, false, NULL) != HYP_OK ||
        hyp_backup_read(path.text, &manifest, NULL) != HYP_OK) {
        return; /* nobody can say whose it is, so it is never removed */
    }
    for (size_t i = 0; i < HYP_BACKUP_FILES; i++) {
        backup->bytes += manifest.files[i].size;
    }
    backup->own = memcmp(manifest.files[HYP_BACKUP_SECRET].digest, own, 32) == 0;
    if (!backup->own) {
        backup->state = HYP_BACKUP_FOREIGN;
    } else if (hyp_backup_has_sizes(path.text, &manifest)) {
        backup->state = HYP_BACKUP_GOOD;
    }
}

static int compare(const void *one, const void *other)
{
    const struct hyp_backup *a = one;
    const struct hyp_backup *b = other;
    if (a->future != b->future) {
        return a->future ? 1 : -1;
    }
    return a->time.ms < b->time.ms ? 1 : a->time.ms > b->time.ms ? -1 : 0;
}

enum hyp_status hyp_backups_list_read(struct hyp_backups_list *list, const char *folder,
                                      const uint8_t own[static 32], hyp_utc now,
                                      struct hyp_error *err)
{
    DIR *dir = NULL;
    const struct dirent *entry;
    enum hyp_status status = open_folder(folder, &dir, err);
    if (status != HYP_OK) {
        return status;
    }
    list->count = 0;
    while (status == HYP_OK && (entry = readdir(dir)) != NULL) {
        struct hyp_backup backup = {0};
        if (!parse_name(hyp_str_from(entry->d_name), HYP_STR(""), backup.name, &backup.time)) {
            continue;
        }
        if (list->count == HYP_LIMIT_BACKUPS) {
            status = hyp_error_set(err, HYP_LIMIT, -1,
                                   "%s has more than %d backups: move some elsewhere", folder,
                                   HYP_LIMIT_BACKUPS);
            continue;
        }
        backup.future = backup.time.ms > now.ms;
        look(&backup, folder, own);
        list->items[list->count++] = backup;
    }
    closedir(dir);
    qsort(list->items, list->count, sizeof(list->items[0]), compare);
    return status;
}

hyp_utc hyp_backups_list_newest(const struct hyp_backups_list *list, hyp_utc now)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].state == HYP_BACKUP_GOOD && list->items[i].time.ms <= now.ms) {
            return list->items[i].time;
        }
    }
    return (hyp_utc){0};
}

/* --- removing --- */

enum hyp_status hyp_backups_list_clean(const char *folder, struct hyp_error *err)
{
    DIR *dir = NULL;
    const struct dirent *entry;
    enum hyp_status status = open_folder(folder, &dir, err);
    if (status != HYP_OK) {
        return status;
    }
    while (status == HYP_OK && (entry = readdir(dir)) != NULL) {
        char name[HYP_BACKUP_NAME_MAX];
        hyp_utc time;
        struct hyp_path path;
        if (!parse_name(hyp_str_from(entry->d_name), HYP_STR(HYP_BACKUP_PARTIAL), name,
                        &time)) {
            continue;
        }
        status = hyp_backup_path(&path, folder, name, true, err);
        if (status == HYP_OK) {
            status = hyp_backup_remove(path.text, err);
        }
    }
    closedir(dir);
    return status;
}

/* Loses its name first: a removal that is cut short leaves nothing that looks whole. */
static enum hyp_status remove_one(const char *folder, const char *name, struct hyp_error *err)
{
    struct hyp_path path;
    struct hyp_path partial;
    enum hyp_status status = hyp_backup_path(&path, folder, name, false, err);
    if (status == HYP_OK) {
        status = hyp_backup_path(&partial, folder, name, true, err);
    }
    if (status == HYP_OK) {
        status = hyp_file_rename(path.text, partial.text, err);
    }
    return status == HYP_OK ? hyp_backup_remove(partial.text, err) : status;
}

static bool is_still_good(struct hyp_backup *backup, const char *folder, const char *fresh)
{
    struct hyp_path path;
    if (backup->state == HYP_BACKUP_GOOD && strcmp(backup->name, fresh) != 0 &&
        (hyp_backup_path(&path, folder, backup->name, false, NULL) != HYP_OK ||
         hyp_backup_verify(path.text, NULL) != HYP_OK)) {
        backup->state = HYP_BACKUP_DAMAGED;
    }
    return backup->state == HYP_BACKUP_GOOD;
}

enum hyp_status hyp_backups_list_prune(struct hyp_backups_list *list, const char *folder,
                                       size_t keep, const char *fresh, size_t *removed,
                                       struct hyp_error *err)
{
    size_t own = 0;
    size_t good = 0;
    size_t left = 0;
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; i < list->count; i++) {
        own += list->items[i].own;
    }
    if (own <= keep) {
        return HYP_OK;
    }
    for (size_t i = 0; i < list->count; i++) {
        struct hyp_backup *backup = &list->items[i];
        if (backup->own && good >= keep && status == HYP_OK) {
            status = remove_one(folder, backup->name, err);
            *removed += status == HYP_OK;
            if (status == HYP_OK) {
                continue;
            }
            backup->state = HYP_BACKUP_DAMAGED;
        } else if (backup->own && good < keep) {
            good += is_still_good(backup, folder, fresh);
        }
        list->items[left++] = *backup;
    }
    list->count = left;
    return status;
}

static bool is_before(const struct hyp_backup *backup, hyp_utc before)
{
    /* Names tell the second only. */
    return backup->time.ms <= before.ms || backup->future;
}

enum hyp_status hyp_backups_list_remove(struct hyp_backups_list *list, const char *folder,
                                        hyp_utc before, const char *fresh, size_t *removed,
                                        struct hyp_error *err)
{
    size_t left = 0;
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; i < list->count; i++) {
        struct hyp_backup *backup = &list->items[i];
        bool goes = backup->own && is_before(backup, before) &&
                    strcmp(backup->name, fresh) != 0 && status == HYP_OK;
        if (goes) {
            status = remove_one(folder, backup->name, err);
            *removed += status == HYP_OK;
        }
        if (!goes || status != HYP_OK) {
            list->items[left++] = *backup;
        }
    }
    list->count = left;
    return status;
}

/* --- what was wiped since --- */

#define DAY_MS 86400000LL

/* It goes when there are `keep` newer good ones, and one a day comes. */
static hyp_utc goes_at(const struct hyp_backups_report *report, size_t newer)
{
    int64_t missing = newer < report->keep ? (int64_t)(report->keep - newer) : 1;
    return (hyp_utc){report->next.ms + (missing - 1) * DAY_MS};
}

size_t hyp_backups_holding(const struct hyp_backups_report *report, hyp_utc ended,
                           struct hyp_holding *ret_list)
{
    size_t count = 0;
    size_t newer = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct hyp_backup *backup = &report->list[i];
        bool holds =
            backup->state != HYP_BACKUP_FOREIGN && (ended.ms == 0 || is_before(backup, ended));
        if (holds) {
            ret_list[count++] = (struct hyp_holding){
                .backup = backup, .goes = backup->own ? goes_at(report, newer) : (hyp_utc){0}};
        }
        newer += backup->state == HYP_BACKUP_GOOD;
    }
    return count;
}
