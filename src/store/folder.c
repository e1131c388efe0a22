/* SPDX-License-Identifier: Apache-2.0 */
#include "store/folder.h"

#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE 0750
#define FILE_MODE 0600
#define LOCK_FILE "lock"
#define DIGEST_PIECE 65536

static enum hyp_status from_errno(struct hyp_error *err, const char *path, const char *what)
{
    int code = errno;
    enum hyp_status status = code == ENOSPC || code == EDQUOT ? HYP_FULL
                             : code == EEXIST                 ? HYP_EXISTS
                             : code == ENOENT                 ? HYP_NOT_FOUND
                                                              : HYP_IO;
    return hyp_error_set_code(err, status, HYP_ERROR_ERRNO, code, "%s: %s: %s", path, what,
                              strerrordesc_np(code));
}

enum hyp_status hyp_path_join(struct hyp_path *ret_path, const char *folder, const char *name,
                              struct hyp_error *err)
{
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, ret_path->text, sizeof(ret_path->text) - 1);
    hyp_buf_append_text(&out, folder);
    hyp_buf_append_char(&out, '/');
    hyp_buf_append_text(&out, name);
    if (hyp_buf_status(&out) != HYP_OK) {
        return hyp_error_set(err, HYP_LIMIT, -1, "path of the data folder is too long");
    }
    ret_path->text[out.len] = '\0';
    return HYP_OK;
}

enum hyp_status hyp_folder_make(const char *folder, struct hyp_error *err)
{
    struct hyp_path path;
    if (!hyp_text_copy(path.text, sizeof(path.text), hyp_str_from(folder))) {
        return hyp_error_set(err, HYP_LIMIT, -1, "path of the data folder is too long");
    }
    for (char *c = path.text + 1; *c != '\0'; c++) {
        if (*c == '/') {
            *c = '\0';
            if (mkdir(path.text, FOLDER_MODE) != 0 && errno != EEXIST) {
                return from_errno(err, path.text, "cannot be created");
            }
            *c = '/';
        }
    }
    if (mkdir(path.text, FOLDER_MODE) != 0 && errno != EEXIST) {
        return from_errno(err, path.text, "cannot be created");
    }
    return HYP_OK;
}

enum hyp_status hyp_folder_is_free(const char *folder, bool *ret_free, struct hyp_error *err)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        if (errno == ENOENT) {
            *ret_free = true;
            return HYP_OK;
        }
        return from_errno(err, folder, "cannot be read");
    }
    bool empty = true;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    closedir(dir);
    *ret_free = empty;
    return HYP_OK;
}

enum hyp_status hyp_folder_sync(const char *folder, struct hyp_error *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return from_errno(err, folder, "cannot be opened");
    }
    enum hyp_status status = fsync(fd) == 0 ? HYP_OK : from_errno(err, folder, "sync failed");
    close(fd);
    return status;
}

/* The lock is the kernel's, so it goes with the process; the number inside is for people. */
static enum hyp_status refuse_locked(const char *folder, int fd, struct hyp_error *err)
{
    char text[24] = "";
    ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
    struct hyp_str owner = {.ptr = text, .len = got > 0 ? (size_t)got : 0};
    owner = hyp_str_trim(owner);
    return hyp_error_set(
        err, HYP_BUSY, -1,
        "%s is in use by another process (%.*s): stop it or use another folder", folder,
        HYP_STR_ARG(owner));
}

static enum hyp_status write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(fd, data, len);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            return HYP_IO;
        }
        data += wrote;
        len -= (size_t)wrote;
    }
    return HYP_OK;
}

enum hyp_status hyp_folder_lock(const char *folder, int *ret_fd, struct hyp_error *err)
{
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, folder, LOCK_FILE, err);
    if (status != HYP_OK) {
        return status;
    }
    int fd = open(path.text, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return from_errno(err, path.text, "cannot be opened");
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        status = errno == EWOULDBLOCK ? refuse_locked(folder, fd, err)
                                      : from_errno(err, path.text, "cannot be locked");
        close(fd);
        return status;
    }
    char text[24];
    struct hyp_buf number;
    hyp_buf_init_fixed(&number, text, sizeof(text));
    hyp_buf_append_fmt(&number, "process %lld\n", (long long)getpid());
    if (ftruncate(fd, 0) != 0 || write_all(fd, number.data, number.len) != HYP_OK) {
        status = from_errno(err, path.text, "cannot be written");
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return HYP_OK;
}

enum hyp_status hyp_file_create(const char *path, const uint8_t *data, size_t len,
                                struct hyp_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return from_errno(err, path, "cannot be created");
    }
    enum hyp_status status = HYP_OK;
    if (write_all(fd, data, len) != HYP_OK || fsync(fd) != 0) {
        status = from_errno(err, path, "cannot be written");
    }
    close(fd);
    if (status != HYP_OK) {
        unlink(path);
    }
    return status;
}

/* A file seen as memory. */
struct mapping {
    uint8_t *data;
    size_t len;
};

static enum hyp_status map_file(const char *path, struct mapping *ret_mapping,
                                struct hyp_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return from_errno(err, path, "cannot be read");
    }
    struct stat about;
    if (fstat(fd, &about) != 0) {
        enum hyp_status status = from_errno(err, path, "cannot be read");
        close(fd);
        return status;
    }
    struct mapping mapping = {.len = (size_t)about.st_size};
    if (mapping.len > 0) {
        void *data = mmap(NULL, mapping.len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            enum hyp_status status = from_errno(err, path, "cannot be read");
            close(fd);
            return status;
        }
        mapping.data = data;
    }
    close(fd);
    *ret_mapping = mapping;
    return HYP_OK;
}

static void unmap_file(struct mapping *mapping)
{
    if (mapping->data != NULL) {
        munmap(mapping->data, mapping->len);
    }
}

enum hyp_status hyp_file_copy(const char *from, const char *to, struct hyp_error *err)
{
    struct mapping mapping = {0};
    enum hyp_status status = map_file(from, &mapping, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_file_create(to, mapping.data, mapping.len, err);
    unmap_file(&mapping);
    return status;
}

/* Read piece by piece: a file that shrinks, or a disk that is pulled out, is an error of read()
 * but would be a signal of mapped memory. */
enum hyp_status hyp_file_digest(const char *path, int64_t *ret_size,
                                uint8_t ret_digest[static 32], struct hyp_error *err)
{
    uint8_t piece[DIGEST_PIECE];
    int64_t size = 0;
    ssize_t got = 0;
    crypto_hash_sha256_state state;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return from_errno(err, path, "cannot be read");
    }
    crypto_hash_sha256_init(&state);
    while ((got = read(fd, piece, sizeof(piece))) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0) {
            crypto_hash_sha256_update(&state, piece, (unsigned long long)got);
            size += got;
        }
    }
    enum hyp_status status = got == 0 ? HYP_OK : from_errno(err, path, "cannot be read");
    close(fd);
    if (status == HYP_OK) {
        crypto_hash_sha256_final(&state, ret_digest);
        *ret_size = size;
    }
    return status;
}

enum hyp_status hyp_file_read(const char *path, char *out, size_t capacity, size_t *ret_len,
                              struct hyp_error *err)
{
    struct mapping mapping = {0};
    enum hyp_status status = map_file(path, &mapping, err);
    if (status != HYP_OK) {
        return status;
    }
    if (mapping.len > capacity) {
        status =
            hyp_error_set(err, HYP_LIMIT, -1, "%s is longer than %zu bytes", path, capacity);
    } else {
        struct hyp_buf copy;
        hyp_buf_init_fixed(&copy, out, capacity);
        hyp_buf_append(&copy, mapping.data, mapping.len);
        *ret_len = mapping.len;
    }
    unmap_file(&mapping);
    return status;
}

enum hyp_status hyp_file_rename(const char *from, const char *to, struct hyp_error *err)
{
    return rename(from, to) == 0 ? HYP_OK : from_errno(err, to, "cannot be renamed to");
}

enum hyp_status hyp_file_remove(const char *path, struct hyp_error *err)
{
    return unlink(path) == 0 || errno == ENOENT ? HYP_OK
                                                : from_errno(err, path, "cannot be removed");
}

enum hyp_status hyp_folder_remove(const char *folder, struct hyp_error *err)
{
    return rmdir(folder) == 0 || errno == ENOENT ? HYP_OK
                                                 : from_errno(err, folder, "cannot be removed");
}

int64_t hyp_file_size(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? (int64_t)about.st_size : 0;
}

bool hyp_file_exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}
