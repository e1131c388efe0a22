/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drop folder: files put into it are fed to the intake and then moved to done/, or to failed/
 * with a text beside them that says why.
 *
 * Whoever writes a file may not be finished when it appears. Names that end in .tmp or .part
 * and names that start with a dot are left alone, and a file must have kept its size and time
 * for a moment before it is taken. The folder is watched, and looked through now and then for
 * what the watching has missed (network drives). Files are taken one after the other.
 */
#include "base/limits.h"
#include "collect/collector.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTLE_MS 400
#define RESCAN_MS 60000
#define SEEN_MAX 4096
#define SAME_NAMES_MAX 1000
#define FILE_PATH_MAX 1024

struct seen {
    struct seen *next;
    int64_t size;
    int64_t mtime_ns;
    hyp_mono since;
    bool present; /* in the scan under way */
    char name[];
};

/* One file on its way; outlives the folder when that is closed meanwhile. */
struct import {
    struct hyp_folder *folder; /* NULL: closed */
    uv_work_t work;
    char path[FILE_PATH_MAX];
    char name[256];
    char *text;
    size_t len;
    int error; /* errno of reading */
};

struct hyp_folder {
    struct hyp_ear *ear;
    uv_fs_event_t watch;
    struct hyp_timer timer;
    struct seen *seen;
    size_t seen_count;
    struct import *import;
    char path[HYP_PATH_MAX];
};

static bool join_path(char *out, size_t size, const char *folder, const char *middle,
                      const char *name)
{
    struct hyp_buf path;
    hyp_buf_init_fixed(&path, out, size - 1);
    hyp_buf_append_text(&path, folder);
    hyp_buf_append_char(&path, '/');
    hyp_buf_append_text(&path, middle);
    hyp_buf_append_text(&path, name);
    bool whole = hyp_buf_status(&path) == HYP_OK;
    out[whole ? path.len : 0] = '\0';
    return whole;
}

static void look_again(struct hyp_folder *folder, int64_t ms)
{
    struct hyp_loop *loop = &folder->ear->wire.collector->loop;
    hyp_mono due = {hyp_loop_now(loop).ms + ms};
    if (!hyp_timer_is_armed(&folder->timer) || folder->timer.due_ms > due.ms) {
        hyp_timer_arm(loop, &folder->timer, due);
    }
}

/* --- the file's end --- */

static void write_reason(const char *path, const struct hyp_intake_result *result,
                         const char *why)
{
    char text[512];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, text, sizeof(text));
    hyp_buf_append_fmt(&out, "%s\n%llu lines, %llu readings stored, %llu lines refused, ", why,
                       (unsigned long long)result->lines, (unsigned long long)result->readings,
                       (unsigned long long)result->refused);
    hyp_buf_append_fmt(&out, "%llu telegrams of meters that are not configured\n",
                       (unsigned long long)result->unknown);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd >= 0) {
        HYP_IGNORE(write(fd, out.data, out.len) < 0); /* the move says it too */
        close(fd);
    }
}

/* Moves the file; a name that is taken there gets a number. */
static bool move_to(const struct hyp_folder *folder, const struct import *import,
                    const char *where, char *ret_target)
{
    char name[300];
    for (int i = 0; i < SAME_NAMES_MAX; i++) {
        struct hyp_buf out;
        hyp_buf_init_fixed(&out, name, sizeof(name));
        hyp_buf_append_text(&out, import->name);
        if (i > 0) {
            hyp_buf_append_fmt(&out, ".%d", i);
        }
        if (!join_path(ret_target, FILE_PATH_MAX, folder->path, where,
                       hyp_buf_terminate(&out))) {
            return false;
        }
        struct stat status;
        if (lstat(ret_target, &status) != 0 && errno == ENOENT) {
            return rename(import->path, ret_target) == 0;
        }
    }
    return false;
}

static const char *verdict(const struct hyp_intake_result *result)
{
    if (result->first_error[0] != '\0') {
        return result->first_error;
    }
    if (result->lines == 0) {
        return "the file has no telegrams";
    }
    return result->readings == 0 && result->unknown > 0
               ? "none of the telegrams is of a configured meter"
               : NULL;
}

static struct seen *find_seen(struct hyp_folder *folder, const char *name)
{
    struct seen *seen = folder->seen;
    while (seen != NULL && strcmp(seen->name, name) != 0) {
        seen = seen->next;
    }
    return seen;
}

static void finish_import(struct hyp_folder *folder, struct import *import,
                          const struct hyp_intake_result *result, const char *why)
{
    struct hyp_wire *wire = &folder->ear->wire;
    char target[FILE_PATH_MAX];
    char reason[FILE_PATH_MAX + 8];
    bool moved = move_to(folder, import, why == NULL ? "done/" : "failed/", target);
    hyp_utc now = hyp_collector_utc(wire->collector);
    wire->frames_in += result->lines;
    wire->frames_refused += result->refused;
    if (why != NULL && moved) {
        struct hyp_buf out;
        hyp_buf_init_fixed(&out, reason, sizeof(reason));
        hyp_buf_append_text(&out, target);
        hyp_buf_append_text(&out, ".reason");
        write_reason(hyp_buf_terminate(&out), result, why);
    }
    if (!moved) {
        struct seen *seen = find_seen(folder, import->name);
        if (seen != NULL) {
            seen->since.ms = INT64_MAX / 2; /* not again and again, only when it changes */
        }
        hyp_comm_failed(&wire->comm, now, HYP_IO,
                        "a file cannot be moved to done/ or failed/: check the rights of the "
                        "folder");
    } else if (why != NULL) {
        hyp_comm_failed(&wire->comm, now, HYP_MALFORMED, why);
    } else {
        hyp_comm_succeeded(&wire->comm, now);
    }
    hyp_wire_changed(wire);
}

static void import_destroy(struct import *import)
{
    if (import->folder != NULL) {
        import->folder->import = NULL;
    }
    free(import->text);
    free(import);
}

static void on_fed(void *user, const struct hyp_intake_result *result)
{
    struct import *import = user;
    struct hyp_folder *folder = import->folder;
    import->text = NULL; /* was the feed's */
    /* What was not committed stays where it is and is taken again. */
    if (folder != NULL && result->status == HYP_OK) {
        finish_import(folder, import, result, verdict(result));
    }
    import_destroy(import);
    if (folder != NULL) {
        look_again(folder, result->status == HYP_OK ? 0 : RESCAN_MS);
    }
}

/* --- reading a file, on a worker --- */

static void read_file(uv_work_t *work)
{
    struct import *import = HYP_CONTAINER_OF(work, struct import, work);
    int fd = open(import->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        import->error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    size_t size = (size_t)status.st_size;
    import->text = size > HYP_LIMIT_DROP_FILE_BYTES ? NULL : malloc(size + 1);
    import->error = import->text != NULL               ? 0
                    : size > HYP_LIMIT_DROP_FILE_BYTES ? EFBIG
                                                       : ENOMEM;
    while (import->error == 0 && import->len < size) {
        ssize_t got = read(fd, import->text + import->len, size - import->len);
        if (got <= 0) {
            import->error = got == 0 ? 0 : errno;
            break;
        }
        import->len += (size_t)got;
    }
    close(fd);
}

/* Of this machine, and no fault of the file: it stays where it is until that is over. */
static bool is_shortage(int error)
{
    return error == ENOMEM || error == EMFILE || error == ENFILE;
}

static void on_file_read(uv_work_t *work, int status)
{
    struct import *import = HYP_CONTAINER_OF(work, struct import, work);
    struct hyp_folder *folder = import->folder;
    if (folder == NULL || status != 0) {
        import_destroy(import);
        return;
    }
    struct hyp_wire *wire = &folder->ear->wire;
    if (import->error == ENOENT) {
        import_destroy(import); /* taken away again */
        return;
    }
    if (is_shortage(import->error)) {
        hyp_comm_failed(&wire->comm, hyp_collector_utc(wire->collector), HYP_NO_MEMORY,
                        strerror(import->error));
        hyp_wire_changed(wire);
        import_destroy(import);
        look_again(folder, RESCAN_MS);
        return;
    }
    if (import->error != 0) {
        struct hyp_intake_result none = {0};
        finish_import(folder, import, &none,
                      import->error == EFBIG ? "the file is too large: 64 MiB at most"
                                             : strerror(import->error));
        import_destroy(import);
        look_again(folder, SETTLE_MS);
        return;
    }
    struct hyp_feed_order order = {.tenant = wire->tenant,
                                   .line = wire->id,
                                   .source = HYP_SOURCE_FILE,
                                   .done = on_fed,
                                   .user = import};
    wire->bytes_in += import->len;
    if (hyp_feeds_add(&wire->collector->feeds, import->text, import->len, &order) != HYP_OK) {
        import_destroy(import);
        look_again(folder, SETTLE_MS);
    }
}

static void start_import(struct hyp_folder *folder, const char *name)
{
    struct import *import = calloc(1, sizeof(*import));
    if (import == NULL) {
        return;
    }
    hyp_text_copy(import->name, sizeof(import->name), hyp_str_from(name));
    import->folder = folder;
    folder->import = import;
    hyp_comm_attempted(&folder->ear->wire.comm, hyp_collector_utc(folder->ear->wire.collector));
    if (!join_path(import->path, sizeof(import->path), folder->path, "", name) ||
        uv_queue_work(&folder->ear->wire.collector->loop.uv, &import->work, read_file,
                      on_file_read) != 0) {
        import_destroy(import);
    }
}

/* --- looking through the folder --- */

static bool is_wanted(const char *name)
{
    struct hyp_str text = hyp_str_from(name);
    return text.len > 0 && text.len < 256 && name[0] != '.' &&
           !hyp_str_has_suffix(text, HYP_STR(".tmp")) &&
           !hyp_str_has_suffix(text, HYP_STR(".part"));
}

static struct seen *add_seen(struct hyp_folder *folder, const char *name)
{
    if (folder->seen_count >= SEEN_MAX) {
        return NULL; /* the rest has its turn when these are done */
    }
    size_t len = strlen(name) + 1;
    struct seen *seen = calloc(1, sizeof(*seen) + len);
    if (seen != NULL) {
        memcpy(seen->name, name, len);
        seen->next = folder->seen;
        folder->seen = seen;
        folder->seen_count++;
    }
    return seen;
}

/* Has the file been as it is for long enough? */
static bool is_settled(struct hyp_folder *folder, const char *name)
{
    char path[FILE_PATH_MAX];
    struct stat status;
    if (!join_path(path, sizeof(path), folder->path, "", name) || lstat(path, &status) != 0 ||
        !S_ISREG(status.st_mode)) {
        return false;
    }
    struct seen *seen = find_seen(folder, name);
    bool known = seen != NULL;
    seen = known ? seen : add_seen(folder, name);
    if (seen == NULL) {
        return false;
    }
    hyp_mono now = hyp_loop_now(&folder->ear->wire.collector->loop);
    int64_t mtime = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    seen->present = true;
    if (!known || seen->size != status.st_size || seen->mtime_ns != mtime) {
        seen->size = status.st_size;
        seen->mtime_ns = mtime;
        seen->since = now;
    }
    return now.ms - seen->since.ms >= SETTLE_MS;
}

static void forget_absent(struct hyp_folder *folder, bool all)
{
    struct seen **at = &folder->seen;
    while (*at != NULL) {
        struct seen *seen = *at;
        if (seen->present && !all) {
            seen->present = false;
            at = &seen->next;
        } else {
            *at = seen->next;
            folder->seen_count--;
            free(seen);
        }
    }
}

static void scan(struct hyp_folder *folder)
{
    if (folder->import != NULL || folder->ear->paused) {
        return; /* its end looks again */
    }
    DIR *dir = opendir(folder->path);
    if (dir == NULL) {
        hyp_comm_failed(&folder->ear->wire.comm, hyp_collector_utc(folder->ear->wire.collector),
                        HYP_IO, "the folder cannot be read: is the drive still there?");
        look_again(folder, RESCAN_MS);
        return;
    }
    bool unsettled = false;
    char chosen[256] = "";
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (!is_wanted(entry->d_name)) {
            continue;
        }
        if (!is_settled(folder, entry->d_name)) {
            unsettled = unsettled || find_seen(folder, entry->d_name) != NULL;
        } else if (chosen[0] == '\0' || strcmp(entry->d_name, chosen) < 0) {
            hyp_text_copy(chosen, sizeof(chosen), hyp_str_from(entry->d_name));
        }
    }
    closedir(dir);
    forget_absent(folder, false);
    look_again(folder, unsettled ? SETTLE_MS : RESCAN_MS);
    if (chosen[0] != '\0') {
        start_import(folder, chosen);
    }
}

static void on_timer(struct hyp_timer *timer)
{
    scan(HYP_CONTAINER_OF(timer, struct hyp_folder, timer));
}

static void on_watched(uv_fs_event_t *watch, const char *name, int events, int status)
{
    (void)name;
    (void)events;
    (void)status;
    scan(watch->data);
}

/* --- life --- */

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void hyp_folder_close(struct hyp_folder *folder)
{
    hyp_timer_remove(&folder->ear->wire.collector->loop, &folder->timer);
    forget_absent(folder, true);
    if (folder->import != NULL) {
        folder->import->folder = NULL;
        folder->import = NULL;
    }
    uv_close((uv_handle_t *)&folder->watch, on_watch_closed);
}

static enum hyp_status make_folders(const char *path, struct hyp_error *err)
{
    static const char *const names[] = {"done", "failed"};
    char folder[FILE_PATH_MAX];
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "there is no folder %s: create it", path);
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(names); i++) {
        if (!join_path(folder, sizeof(folder), path, "", names[i]) ||
            (mkdir(folder, 0750) != 0 && errno != EEXIST)) {
            return hyp_error_set_code(err, HYP_DENIED, HYP_ERROR_ERRNO, errno,
                                      "cannot create %s in %s: %s", names[i], path,
                                      strerror(errno));
        }
    }
    return HYP_OK;
}

enum hyp_status hyp_folder_open(struct hyp_ear *ear, struct hyp_folder **ret_folder,
                                struct hyp_error *err)
{
    const char *path = hyp_wire_text(ear->wire.settings, HYP_WIRE_PATH);
    struct hyp_loop *loop = &ear->wire.collector->loop;
    enum hyp_status status = make_folders(path, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_folder *folder = calloc(1, sizeof(*folder));
    if (folder == NULL || hyp_timer_add(loop, &folder->timer, on_timer) != HYP_OK) {
        free(folder);
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a folder");
    }
    folder->ear = ear;
    hyp_text_copy(folder->path, sizeof(folder->path), hyp_str_from(path));
    uv_fs_event_init(&loop->uv, &folder->watch);
    folder->watch.data = folder;
    /* Without watching (limit of the system, network drive) the regular look remains. */
    (void)uv_fs_event_start(&folder->watch, on_watched, path, 0);
    look_again(folder, 0);
    *ret_folder = folder;
    return HYP_OK;
}
