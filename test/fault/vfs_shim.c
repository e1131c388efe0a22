/* SPDX-License-Identifier: Apache-2.0 */
#include "vfs_shim.h"

#include "base/rng.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A write or truncation (data NULL) that was not synced yet. */
struct change {
    struct change *next;
    int64_t offset; /* or the new size */
    size_t len;
    uint8_t *data;
};

/* A file since its last sync. */
struct image {
    struct image *next;
    char *path;
    uint8_t *synced; /* content at the last sync */
    size_t synced_len;
    bool known; /* synced is filled */
    struct change *first;
    struct change **end;
};

struct shim_file {
    sqlite3_file base;
    struct image *image; /* NULL for temporary files */
    sqlite3_file *real;
};

static struct {
    pthread_mutex_t mutex;
    long steps;
    long at;
    int code;
    bool forever;
    bool cut;  /* a power cut is planned */
    bool dark; /* and has happened */
    struct image *images;
} shim = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static sqlite3_vfs *real_vfs;

/* --- images --- */

static void drop_changes(struct image *image)
{
    while (image->first != NULL) {
        struct change *change = image->first;
        image->first = change->next;
        free(change->data);
        free(change);
    }
    image->end = &image->first;
}

static void read_file(const char *path, uint8_t **data, size_t *len)
{
    free(*data);
    *data = NULL;
    *len = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return;
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    *data = malloc((size_t)size + 1);
    *len = *data == NULL ? 0 : fread(*data, 1, (size_t)size, file);
    fclose(file);
}

static struct image *image_of(const char *path)
{
    for (struct image *image = shim.images; image != NULL; image = image->next) {
        if (strcmp(image->path, path) == 0) {
            return image;
        }
    }
    struct image *image = calloc(1, sizeof(*image));
    if (image == NULL) {
        abort();
    }
    image->path = strdup(path);
    image->end = &image->first;
    image->next = shim.images;
    shim.images = image;
    return image;
}

/* Remembers a change, and before the first one what the file was. */
static void note_change(struct image *image, const void *data, size_t len, int64_t offset)
{
    if (!image->known) {
        read_file(image->path, &image->synced, &image->synced_len);
        image->known = true;
    }
    struct change *change = calloc(1, sizeof(*change));
    if (change == NULL) {
        abort();
    }
    change->offset = offset;
    change->len = len;
    if (data != NULL) {
        change->data = malloc(len + 1);
        if (change->data == NULL) {
            abort();
        }
        memcpy(change->data, data, len);
    }
    *image->end = change;
    image->end = &change->next;
}

static void note_sync(struct image *image)
{
    drop_changes(image);
    image->known = false;
}

static void forget_images(void)
{
    while (shim.images != NULL) {
        struct image *image = shim.images;
        shim.images = image->next;
        drop_changes(image);
        free(image->synced);
        free(image->path);
        free(image);
    }
}

static void write_image(const struct image *image, enum shim_kept kept, struct hyp_rng *rng)
{
    FILE *file = fopen(image->path, "wb");
    if (file == NULL) {
        abort();
    }
    fwrite(image->synced, 1, image->synced_len, file);
    for (const struct change *change = image->first; change != NULL; change = change->next) {
        uint64_t part = kept == SHIM_KEEP_NONE ? 0 : hyp_rng_below(rng, 3);
        if (part == 0) {
            continue;
        }
        if (change->data == NULL) {
            fflush(file);
            if (ftruncate(fileno(file), change->offset) != 0) {
                abort();
            }
            continue;
        }
        fseek(file, change->offset, SEEK_SET);
        fwrite(change->data, 1, part == 1 ? change->len / 2 : change->len, file);
    }
    fclose(file);
}

/* --- steps --- */

/* Counts one step; SQLITE_OK or the code it fails with. Mutex held. */
static int take_step(void)
{
    shim.steps++;
    if (shim.dark) {
        return SQLITE_IOERR;
    }
    if (shim.at == 0 || shim.steps < shim.at || (shim.steps > shim.at && !shim.forever)) {
        return SQLITE_OK;
    }
    shim.dark = shim.cut;
    return shim.code;
}

/* --- file methods --- */

static struct shim_file *shim_of(sqlite3_file *file)
{
    return (struct shim_file *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return shim_of(file)->real;
}

static int shim_close(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    int code = real->pMethods->xClose(real);
    sqlite3_free(real);
    return code;
}

static int shim_read(sqlite3_file *file, void *out, int len, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xRead(real, out, len, offset);
}

static int shim_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    pthread_mutex_lock(&shim.mutex);
    int code = take_step();
    if (code == SQLITE_OK) {
        if (shim_of(file)->image != NULL && shim.cut) {
            note_change(shim_of(file)->image, data, (size_t)len, offset);
        }
        code = real->pMethods->xWrite(real, data, len, offset);
    }
    pthread_mutex_unlock(&shim.mutex);
    return code;
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = real_of(file);
    pthread_mutex_lock(&shim.mutex);
    int code = take_step();
    if (code == SQLITE_OK) {
        if (shim_of(file)->image != NULL && shim.cut) {
            note_change(shim_of(file)->image, NULL, 0, size);
        }
        code = real->pMethods->xTruncate(real, size);
    }
    pthread_mutex_unlock(&shim.mutex);
    return code;
}

static int shim_sync(sqlite3_file *file, int flags)
{
    sqlite3_file *real = real_of(file);
    pthread_mutex_lock(&shim.mutex);
    int code = take_step();
    if (code == SQLITE_OK) {
        code = real->pMethods->xSync(real, flags);
        if (shim_of(file)->image != NULL) {
            note_sync(shim_of(file)->image);
        }
    }
    pthread_mutex_unlock(&shim.mutex);
    return code;
}

static int shim_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xFileSize(real, size);
}

static int shim_lock(sqlite3_file *file, int level)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xLock(real, level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xUnlock(real, level);
}

static int shim_check_lock(sqlite3_file *file, int *out)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xCheckReservedLock(real, out);
}

static int shim_control(sqlite3_file *file, int op, void *argument)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xFileControl(real, op, argument);
}

static int shim_sector(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xSectorSize(real);
}

/* What SQLite's own VFS says: writes may be torn, but spoil nothing beside them. */
static int shim_characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int shim_shm_map(sqlite3_file *file, int page, int size, int extend,
                        void volatile **memory)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xShmMap(real, page, size, extend, memory);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xShmLock(real, offset, count, flags);
}

static void shim_shm_barrier(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    real->pMethods->xShmBarrier(real);
}

static int shim_shm_unmap(sqlite3_file *file, int delete_flag)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xShmUnmap(real, delete_flag);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_file_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_lock,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_characteristics,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

/* --- VFS methods --- */

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *out_flags)
{
    (void)vfs;
    struct shim_file *shim_file = shim_of(file);
    file->pMethods = NULL;
    shim_file->real = sqlite3_malloc(real_vfs->szOsFile);
    if (shim_file->real == NULL) {
        return SQLITE_NOMEM;
    }
    int code = real_vfs->xOpen(real_vfs, name, shim_file->real, flags, out_flags);
    if (code != SQLITE_OK) {
        sqlite3_free(shim_file->real);
        return code;
    }
    file->pMethods = &methods;
    pthread_mutex_lock(&shim.mutex);
    shim_file->image = name == NULL ? NULL : image_of(name);
    pthread_mutex_unlock(&shim.mutex);
    return SQLITE_OK;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    pthread_mutex_lock(&shim.mutex);
    int code = take_step();
    if (code == SQLITE_OK) {
        note_sync(image_of(name));
        code = real_vfs->xDelete(real_vfs, name, sync);
    }
    pthread_mutex_unlock(&shim.mutex);
    return code;
}

void shim_install(void)
{
    static sqlite3_vfs vfs;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.pNext = NULL;
    vfs.zName = "shim";
    vfs.szOsFile = (int)sizeof(struct shim_file);
    vfs.xOpen = shim_open;
    vfs.xDelete = shim_delete;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK) {
        abort();
    }
}

/* --- orders --- */

static void order(long at, int code, bool forever, bool cut)
{
    pthread_mutex_lock(&shim.mutex);
    shim.at = at == 0 ? 0 : shim.steps + at;
    shim.code = code;
    shim.forever = forever;
    shim.cut = cut;
    shim.dark = false;
    pthread_mutex_unlock(&shim.mutex);
}

void shim_reset(void)
{
    pthread_mutex_lock(&shim.mutex);
    shim.steps = 0;
    pthread_mutex_unlock(&shim.mutex);
    order(0, SQLITE_OK, false, false);
}

long shim_steps(void)
{
    pthread_mutex_lock(&shim.mutex);
    long steps = shim.steps;
    pthread_mutex_unlock(&shim.mutex);
    return steps;
}

void shim_fail_at(long at, int code, bool forever)
{
    order(at, code, forever, false);
}

void shim_cut_at(long at)
{
    order(at, SQLITE_IOERR, true, true);
}

void shim_after_cut(enum shim_kept kept, uint64_t seed)
{
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, seed);
    pthread_mutex_lock(&shim.mutex);
    for (struct image *image = shim.images; image != NULL; image = image->next) {
        if (shim.dark && image->first != NULL && kept != SHIM_KEEP_ALL) {
            write_image(image, kept, &seeded.rng);
        }
    }
    forget_images();
    pthread_mutex_unlock(&shim.mutex);
    shim_reset();
}
