/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/csv_file.h"

#include "base/limits.h"

#include <assert.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define PIECE (4 * HYP_LIMIT_IMPORT_LINE)
#define SAMPLE ((size_t)256 * 1024)

static_assert(PIECE > HYP_LIMIT_IMPORT_LINE, "a line fits");

struct hyp_csv_file {
    int fd; /* of the packed bytes, beside gzip's own */
    gzFile gz;
    bool is_file;
    bool begun;
    struct stat about;
    size_t from; /* unread bytes of piece: [from, to) */
    size_t to;
    char piece[PIECE];
};

static enum hyp_status io_error(const char *what, struct hyp_error *err)
{
    return hyp_error_set_code(err, HYP_IO, HYP_ERROR_ERRNO, errno, "%s: %s.", what,
                              strerror(errno));
}

static enum hyp_status open_both(struct hyp_csv_file *file, const char *path,
                                 struct hyp_error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    file->fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &file->about) != 0) {
        return io_error("Cannot open", err);
    }
    if (S_ISDIR(file->about.st_mode)) {
        errno = EISDIR;
        return io_error("Cannot read", err);
    }
    file->is_file = S_ISREG(file->about.st_mode) && !is_stdin;
    int second = is_stdin ? dup(file->fd) : open(path, O_RDONLY | O_CLOEXEC);
    file->gz = second < 0 ? NULL : gzdopen(second, "rb");
    if (file->gz == NULL) {
        if (second >= 0) {
            close(second);
        }
        return io_error("Cannot open", err);
    }
    return HYP_OK;
}

enum hyp_status hyp_csv_file_open(const char *path, struct hyp_csv_file **ret_file,
                                  struct hyp_error *err)
{
    struct hyp_csv_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "No memory.");
    }
    file->fd = -1;
    enum hyp_status status = open_both(file, path, err);
    if (status != HYP_OK) {
        hyp_csv_file_close(file);
        return status;
    }
    *ret_file = file;
    return HYP_OK;
}

void *hyp_csv_file_close(struct hyp_csv_file *file)
{
    if (file != NULL) {
        if (file->gz != NULL) {
            gzclose(file->gz);
        }
        if (file->fd >= 0) {
            close(file->fd);
        }
        free(file);
    }
    return NULL;
}

/* More bytes behind those that are left; HYP_NOT_FOUND at the end. */
static enum hyp_status refill(struct hyp_csv_file *file, struct hyp_error *err)
{
    memmove(file->piece, file->piece + file->from, file->to - file->from);
    file->to -= file->from;
    file->from = 0;
    int got = gzread(file->gz, file->piece + file->to, (unsigned)(PIECE - file->to));
    if (got < 0) {
        int code;
        const char *text = gzerror(file->gz, &code);
        return code == Z_ERRNO ? io_error("Cannot read", err)
                               : hyp_error_set(err, HYP_MALFORMED, -1,
                                               "The packed file is damaged: %s.", text);
    }
    file->to += (size_t)got;
    return got == 0 ? HYP_NOT_FOUND : HYP_OK;
}

static void skip_mark(struct hyp_csv_file *file, struct hyp_csv_line *line)
{
    if (!file->begun && line->len >= 3 && memcmp(line->text, "\xEF\xBB\xBF", 3) == 0) {
        line->text += 3;
        line->len -= 3;
    }
    file->begun = true;
}

enum hyp_status hyp_csv_file_next(struct hyp_csv_file *file, struct hyp_csv_line *ret_line,
                                  struct hyp_error *err)
{
    size_t looked = 0;
    for (;;) {
        char *start = file->piece + file->from;
        size_t have = file->to - file->from;
        char *end = memchr(start + looked, '\n', have - looked);
        enum hyp_status status = HYP_OK;
        if ((end == NULL ? have : (size_t)(end - start)) > HYP_LIMIT_IMPORT_LINE) {
            return hyp_error_set(err, HYP_LIMIT, -1,
                                 "A line has more than %d bytes; this is no CSV file.",
                                 HYP_LIMIT_IMPORT_LINE);
        }
        if (end == NULL) {
            looked = have;
            status = refill(file, err);
        }
        if (end == NULL && status == HYP_OK) {
            continue;
        }
        if (status == HYP_NOT_FOUND ? have == 0 : status != HYP_OK) {
            return status;
        }
        start = file->piece + file->from;
        size_t len = end == NULL ? have : (size_t)(end - start);
        *ret_line = (struct hyp_csv_line){start, len, end == NULL ? len : len + 1};
        file->from += ret_line->size;
        ret_line->len -= len > 0 && start[len - 1] == '\r' ? 1 : 0;
        skip_mark(file, ret_line);
        return HYP_OK;
    }
}

bool hyp_csv_file_can_seek(const struct hyp_csv_file *file)
{
    return file->is_file;
}

enum hyp_status hyp_csv_file_seek(struct hyp_csv_file *file, uint64_t offset,
                                  struct hyp_error *err)
{
    file->from = 0;
    file->to = 0;
    if (offset > INT64_MAX || gzseek(file->gz, (z_off_t)offset, SEEK_SET) < 0) {
        return hyp_error_set(err, HYP_IO, -1,
                             "Cannot go on in the middle of the file; use --again.");
    }
    return HYP_OK;
}

static void append_sample(const struct hyp_csv_file *file, off_t at, struct hyp_buf *out)
{
    uint8_t *room = hyp_buf_room(out, SAMPLE);
    ssize_t got = room == NULL ? -1 : pread(file->fd, room, SAMPLE, at);
    hyp_buf_take(out, got > 0 ? (size_t)got : 0);
}

void hyp_csv_file_fingerprint(const struct hyp_csv_file *file, struct hyp_buf *out)
{
    hyp_buf_append_le64(out, (uint64_t)file->about.st_size);
    hyp_buf_append_le64(out, (uint64_t)file->about.st_mtim.tv_sec);
    hyp_buf_append_le64(out, (uint64_t)file->about.st_mtim.tv_nsec);
    append_sample(file, 0, out);
    append_sample(file, HYP_MAX(file->about.st_size - (off_t)SAMPLE, (off_t)0), out);
}

int hyp_csv_file_percent(const struct hyp_csv_file *file)
{
    z_off_t at = gzoffset(file->gz);
    return file->is_file && file->about.st_size > 0 && at > 0
               ? (int)(at * 100 / file->about.st_size)
               : 0;
}
