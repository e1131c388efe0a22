/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/zone_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZONE_FOLDER "/usr/share/zoneinfo/"
#define ZONE_FILE_MAX (256 * 1024)

static int live_offset(const struct hyp_zone *zone, hyp_utc at)
{
    const struct hyp_live_zone *live =
        (const struct hyp_live_zone *)(const void *)((const char *)zone -
                                                     offsetof(struct hyp_live_zone, zone));
    struct hyp_zone *current = atomic_load(&live->current);
    return current == NULL ? 0 : hyp_zone_offset_minutes(current, at);
}

void hyp_live_zone_init(struct hyp_live_zone *live)
{
    *live = (struct hyp_live_zone){.zone = {.offset_minutes = live_offset}};
}

void hyp_live_zone_finish(struct hyp_live_zone *live)
{
    for (size_t i = 0; i < live->count; i++) {
        hyp_zone_destroy(live->owned[i]);
    }
    live->count = 0;
}

/* "Europe/Copenhagen": letters, digits and a few signs; no way out of the folder. */
static bool is_zone_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool good = (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
                    (*c >= '0' && *c <= '9') || strchr("_+-/", *c) != NULL;
        if (!good) {
            return false;
        }
    }
    return name[0] != '\0' && name[0] != '/';
}

static enum hyp_status read_zone(const char *name, uint8_t *out, size_t capacity,
                                 size_t *ret_len, struct hyp_error *err)
{
    char path[PATH_MAX];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, path, sizeof(path));
    hyp_buf_append_text(&buf, ZONE_FOLDER);
    hyp_buf_append_text(&buf, name);
    FILE *file = is_zone_name(name) ? fopen(hyp_buf_terminate(&buf), "rb") : NULL;
    if (file == NULL) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "There is no time zone \"%.60s\"; use a name like "
                             "Europe/Copenhagen.",
                             name);
    }
    *ret_len = fread(out, 1, capacity, file);
    fclose(file);
    return HYP_OK;
}

enum hyp_status hyp_live_zone_set(struct hyp_live_zone *live, const char *name,
                                  struct hyp_error *err)
{
    struct hyp_zone *zone = NULL;
    size_t len = 0;
    if (live->count == HYP_ARRAY_LEN(live->owned)) {
        return hyp_error_set(err, HYP_LIMIT, -1,
                             "The time zone was changed too often; start the server again.");
    }
    uint8_t *bytes = malloc(ZONE_FILE_MAX);
    if (bytes == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "No memory for a time zone.");
    }
    enum hyp_status status = read_zone(name, bytes, ZONE_FILE_MAX, &len, err);
    if (status == HYP_OK) {
        status = hyp_zone_create(bytes, len, &zone, err);
    }
    free(bytes);
    if (status == HYP_OK) {
        live->owned[live->count++] = zone;
        atomic_store(&live->current, zone);
    }
    return status;
}

void hyp_machine_zone_name(char *out, size_t size)
{
    char target[PATH_MAX];
    ssize_t len = readlink("/etc/localtime", target, sizeof(target) - 1);
    struct hyp_str path = {target, len < 0 ? 0 : (size_t)len};
    const struct hyp_str folder = HYP_STR("zoneinfo/");
    for (size_t i = 0; i + folder.len < path.len; i++) {
        struct hyp_str rest = {path.ptr + i, path.len - i};
        if (hyp_str_has_prefix(rest, folder)) {
            rest = (struct hyp_str){rest.ptr + folder.len, rest.len - folder.len};
            hyp_text_copy(out, size, rest);
            return;
        }
    }
    hyp_text_copy(out, size, HYP_STR("UTC"));
}
