/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/gather.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NAME "hypocaust"

struct gather_file {
    sqlite3_file base;
    sqlite3_file *real;
    bool gathers;
    int failed;           /* code of a write that could not be told yet */
    uint8_t *bytes;       /* NULL until there is something to gather */
    int held;             /* bytes that the system has not seen */
    sqlite3_int64 offset; /* in the file, of the first of them */
};

static struct gather_file *mine(sqlite3_file *file)
{
    return (struct gather_file *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return mine(file)->real;
}

/* --- gathering --- */

/* What the last failure was; it is told once. */
static int take_failure(struct gather_file *file)
{
    int code = file->failed;
    file->failed = SQLITE_OK;
    return code;
}

/* Whether it succeeds or not, nothing is held afterwards: who asks again writes again. */
static int let_out(struct gather_file *file)
{
    if (file->held == 0) {
        return SQLITE_OK;
    }
    int held = file->held;
    file->held = 0;
    return file->real->pMethods->xWrite(file->real, file->bytes, held, file->offset);
}

/* For calls whose failure SQLite does not look at. */
static void let_out_untold(struct gather_file *file)
{
    int code = let_out(file);
    if (code != SQLITE_OK) {
        file->failed = code;
    }
}

static int gather_write(sqlite3_file *base, const void *data, int len, sqlite3_int64 offset)
{
    struct gather_file *file = mine(base);
    int code = take_failure(file);
    bool fits = file->gathers && len <= HYP_SQLITE_GATHERED;
    if (code == SQLITE_OK && file->held > 0 &&
        (!fits || offset != file->offset + file->held ||
         len > HYP_SQLITE_GATHERED - file->held)) {
        code = let_out(file);
    }
    if (code != SQLITE_OK) {
        return code;
    }
    if (fits && file->bytes == NULL) {
        file->bytes = sqlite3_malloc(HYP_SQLITE_GATHERED);
    }
    if (!fits || file->bytes == NULL) {
        return file->real->pMethods->xWrite(file->real, data, len, offset);
    }
    if (file->held == 0) {
        file->offset = offset;
    }
    memcpy(file->bytes + file->held, data, (size_t)len);
    file->held += len;
    return SQLITE_OK;
}

static int gather_read(sqlite3_file *base, void *data, int len, sqlite3_int64 offset)
{
    int code = let_out(mine(base));
    return code != SQLITE_OK ? code
                             : real_of(base)->pMethods->xRead(real_of(base), data, len, offset);
}

static int gather_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    int code = take_failure(mine(base));
    code = code == SQLITE_OK ? let_out(mine(base)) : code;
    return code != SQLITE_OK ? code : real_of(base)->pMethods->xTruncate(real_of(base), size);
}

static int gather_sync(sqlite3_file *base, int flags)
{
    int code = take_failure(mine(base));
    code = code == SQLITE_OK ? let_out(mine(base)) : code;
    return code != SQLITE_OK ? code : real_of(base)->pMethods->xSync(real_of(base), flags);
}

static int gather_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    int code = let_out(mine(base));
    return code != SQLITE_OK ? code
                             : real_of(base)->pMethods->xFileSize(real_of(base), ret_size);
}

static int gather_unlock(sqlite3_file *base, int level)
{
    let_out_untold(mine(base));
    return real_of(base)->pMethods->xUnlock(real_of(base), level);
}

static int gather_close(sqlite3_file *base)
{
    struct gather_file *file = mine(base);
    int lost = let_out(file);
    int code = file->real->pMethods->xClose(file->real);
    sqlite3_free(file->bytes);
    sqlite3_free(file->real);
    return code == SQLITE_OK ? lost : code;
}

/* --- what goes through --- */

static int pass_lock(sqlite3_file *base, int level)
{
    return real_of(base)->pMethods->xLock(real_of(base), level);
}

static int pass_is_reserved(sqlite3_file *base, int *ret_reserved)
{
    return real_of(base)->pMethods->xCheckReservedLock(real_of(base), ret_reserved);
}

static int pass_control(sqlite3_file *base, int what, void *argument)
{
    return real_of(base)->pMethods->xFileControl(real_of(base), what, argument);
}

static int pass_sector_size(sqlite3_file *base)
{
    return real_of(base)->pMethods->xSectorSize(real_of(base));
}

static int pass_characteristics(sqlite3_file *base)
{
    return real_of(base)->pMethods->xDeviceCharacteristics(real_of(base));
}

static int pass_shm_map(sqlite3_file *base, int page, int size, int extend,
                        void volatile **ret_memory)
{
    return real_of(base)->pMethods->xShmMap(real_of(base), page, size, extend, ret_memory);
}

static int pass_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
    return real_of(base)->pMethods->xShmLock(real_of(base), offset, n, flags);
}

static void pass_shm_barrier(sqlite3_file *base)
{
    real_of(base)->pMethods->xShmBarrier(real_of(base));
}

static int pass_shm_unmap(sqlite3_file *base, int remove)
{
    return real_of(base)->pMethods->xShmUnmap(real_of(base), remove);
}

/* Without pages in memory (version 3), which could differ from what is held. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = gather_close,
    .xRead = gather_read,
    .xWrite = gather_write,
    .xTruncate = gather_truncate,
    .xSync = gather_sync,
    .xFileSize = gather_size,
    .xLock = pass_lock,
    .xUnlock = gather_unlock,
    .xCheckReservedLock = pass_is_reserved,
    .xFileControl = pass_control,
    .xSectorSize = pass_sector_size,
    .xDeviceCharacteristics = pass_characteristics,
    .xShmMap = pass_shm_map,
    .xShmLock = pass_shm_lock,
    .xShmBarrier = pass_shm_barrier,
    .xShmUnmap = pass_shm_unmap,
};

/* --- files --- */

static sqlite3_vfs *below(void)
{
    return sqlite3_vfs_find(NULL);
}

/* Where a write may spoil its neighbours SQLite fills the sector behind a commit up, and does
 * not sync all of that: nothing is to be held there. Disks of today do not, says SQLite's own
 * VFS. */
static bool is_safe(sqlite3_file *real)
{
    int promises = real->pMethods->xDeviceCharacteristics(real);
    return (promises & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
}

static int gather_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags,
                       int *ret_flags)
{
    (void)vfs;
    struct gather_file *file = mine(base);
    sqlite3_vfs *real = below();
    *file = (struct gather_file){0};
    file->real = sqlite3_malloc(real->szOsFile);
    if (file->real == NULL) {
        return SQLITE_NOMEM;
    }
    memset(file->real, 0, (size_t)real->szOsFile);
    int code = real->xOpen(real, path, file->real, flags, ret_flags);
    if (code != SQLITE_OK) {
        if (file->real->pMethods != NULL) {
            file->real->pMethods->xClose(file->real);
        }
        sqlite3_free(file->real);
        return code;
    }
    file->gathers = (flags & SQLITE_OPEN_WAL) != 0 && is_safe(file->real);
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

static int pass_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    (void)vfs;
    return below()->xDelete(below(), path, sync);
}

static int pass_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret_result)
{
    (void)vfs;
    return below()->xAccess(below(), path, flags, ret_result);
}

static int pass_full_path(sqlite3_vfs *vfs, const char *path, int size, char *ret_path)
{
    (void)vfs;
    return below()->xFullPathname(below(), path, size, ret_path);
}

static int pass_randomness(sqlite3_vfs *vfs, int len, char *ret_bytes)
{
    (void)vfs;
    return below()->xRandomness(below(), len, ret_bytes);
}

static int pass_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return below()->xSleep(below(), microseconds);
}

static int pass_time(sqlite3_vfs *vfs, double *ret_days)
{
    (void)vfs;
    return below()->xCurrentTime(below(), ret_days);
}

static int pass_last_error(sqlite3_vfs *vfs, int len, char *ret_text)
{
    (void)vfs;
    return below()->xGetLastError(below(), len, ret_text);
}

/* Without loading of extensions, which nothing here asks for. */
static sqlite3_vfs layer = {
    .iVersion = 1,
    .szOsFile = sizeof(struct gather_file),
    .zName = NAME,
    .xOpen = gather_open,
    .xDelete = pass_delete,
    .xAccess = pass_access,
    .xFullPathname = pass_full_path,
    .xRandomness = pass_randomness,
    .xSleep = pass_sleep,
    .xCurrentTime = pass_time,
    .xGetLastError = pass_last_error,
};

static pthread_once_t registered_once = PTHREAD_ONCE_INIT;
static bool registered;

static void make_known(void)
{
    sqlite3_vfs *real = below(); /* initialises SQLite */
    if (real != NULL) {
        layer.mxPathname = real->mxPathname;
        registered = sqlite3_vfs_register(&layer, 0) == SQLITE_OK;
    }
}

const char *hyp_sqlite_gather(void)
{
    pthread_once(&registered_once, make_known);
    return registered ? NAME : NULL;
}
