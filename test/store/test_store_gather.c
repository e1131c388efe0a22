/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes that are gathered: fewer of them, the same files, and every failure told.
 */
#include "support/rows.h"

#include "fixture.h"

#include "base/attr.h"
#include "base/rng.h"
#include "store/sqlite/gather.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* --- the disk below: counts writes, and refuses them on demand --- */

static sqlite3_vfs disk;
static sqlite3_io_methods disk_methods;
static const sqlite3_io_methods *real_methods;
static long writes;
static bool full;
static bool spoils; /* what stands beside a write */

static int count_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    writes++;
    return full ? SQLITE_FULL : real_methods->xWrite(file, data, len, offset);
}

static int characteristics(sqlite3_file *file)
{
    return spoils ? 0 : real_methods->xDeviceCharacteristics(file);
}

static int (*real_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);

static int counted_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                        int *ret_flags)
{
    int code = real_open(vfs, path, file, flags, ret_flags);
    if (code == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
        real_methods = file->pMethods;
        disk_methods = *real_methods;
        disk_methods.xWrite = count_write;
        disk_methods.xDeviceCharacteristics = characteristics;
        file->pMethods = &disk_methods;
    }
    return code;
}

static void install_disk(void)
{
    disk = *sqlite3_vfs_find(NULL);
    real_open = disk.xOpen;
    disk.xOpen = counted_open;
    disk.zName = "counted";
    assert_int_equal(sqlite3_vfs_register(&disk, 1), SQLITE_OK);
}

/* --- one file --- */

struct opened {
    struct test_folder folder;
    sqlite3_file *file;
};

static struct opened open_file(void)
{
    struct opened opened;
    test_folder_make(&opened.folder);
    const char *path = test_path(&opened.folder, "file.wal", 0);
    sqlite3_vfs *vfs = sqlite3_vfs_find(hyp_sqlite_gather());
    assert_non_null(vfs);
    opened.file = calloc(1, (size_t)vfs->szOsFile);
    assert_non_null(opened.file);
    int flags = SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    assert_int_equal(vfs->xOpen(vfs, path, opened.file, flags, NULL), SQLITE_OK);
    writes = 0;
    full = false;
    return opened;
}

static void close_file(struct opened *opened)
{
    assert_int_equal(opened->file->pMethods->xClose(opened->file), SQLITE_OK);
    free(opened->file);
    test_folder_remove(&opened->folder);
}

static int put(struct opened *opened, const void *data, int len, sqlite3_int64 offset)
{
    return opened->file->pMethods->xWrite(opened->file, data, len, offset);
}

static int sync_file(struct opened *opened)
{
    return opened->file->pMethods->xSync(opened->file, SQLITE_SYNC_NORMAL);
}

static const struct frames {
    const char *name;
    int head; /* bytes before each page, as in the write-ahead log */
    int page; /* 0 = none */
    int count;
    int skipped; /* bytes left out between two */
    long most;   /* writes that the system sees */
} frames[] = {
    {"frames of the log",            24, 1024,                    60,  0, 1 },
    {"more than is held",            24, 1024,                    200, 0, 4 },
    {"pages with gaps between",      0,  1024,                    10,  1, 10},
    {"one that does not fit",        24, HYP_SQLITE_GATHERED + 1, 1,   0, 2 },
    {"as much as there is room for", 0,  HYP_SQLITE_GATHERED,     2,   0, 2 },
};

static void writes_are_put_together(void **state)
{
    const struct frames *p = *state;
    struct opened opened = open_file();
    static uint8_t page[HYP_SQLITE_GATHERED + 1];
    static uint8_t back[HYP_SQLITE_GATHERED + 1];
    sqlite3_int64 offset = 0;
    for (int i = 0; i < p->count; i++) {
        memset(page, i + 1, sizeof(page));
        if (p->head > 0) {
            assert_int_equal(put(&opened, page, p->head, offset), SQLITE_OK);
        }
        assert_int_equal(put(&opened, page, p->page, offset + p->head), SQLITE_OK);
        offset += p->head + p->page + p->skipped;
    }
    assert_int_equal(sync_file(&opened), SQLITE_OK);
    assert_true(writes > 0 && writes <= p->most);
    sqlite3_int64 size;
    assert_int_equal(opened.file->pMethods->xFileSize(opened.file, &size), SQLITE_OK);
    assert_int_equal(size, offset - p->skipped);
    for (int i = 0; i < p->count; i++) {
        int whole = p->head + p->page;
        sqlite3_int64 at = (sqlite3_int64)i * (whole + p->skipped) + p->head;
        memset(page, i + 1, sizeof(page));
        assert_int_equal(opened.file->pMethods->xRead(opened.file, back, p->page, at),
                         SQLITE_OK);
        assert_memory_equal(back, page, (size_t)p->page);
    }
    close_file(&opened);
}

#define MODEL_BYTES 100000

/* Whatever is done in whatever order, the file is what it would be without the layer. */
static void any_order_is_kept(void **state)
{
    (void)state;
    struct opened opened = open_file();
    const sqlite3_io_methods *m = opened.file->pMethods;
    static uint8_t model[MODEL_BYTES + 5000];
    static uint8_t bytes[5000];
    memset(model, 0, sizeof(model));
    sqlite3_int64 size = 0;
    sqlite3_int64 next = 0;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 11);
    for (int turn = 0; turn < 4000; turn++) {
        int len = 1 + (int)hyp_rng_below(&seeded.rng, sizeof(bytes));
        sqlite3_int64 any = (sqlite3_int64)hyp_rng_below(&seeded.rng, MODEL_BYTES);
        sqlite3_int64 found;
        switch (hyp_rng_below(&seeded.rng, 12)) {
        case 0:
            if (any + len <= size) {
                assert_int_equal(m->xRead(opened.file, bytes, len, any), SQLITE_OK);
                assert_memory_equal(bytes, model + any, (size_t)len);
            }
            break;
        case 1:
            assert_int_equal(m->xFileSize(opened.file, &found), SQLITE_OK);
            assert_int_equal(found, size);
            break;
        case 2:
            if (any < size) {
                assert_int_equal(m->xTruncate(opened.file, any), SQLITE_OK);
                memset(model + any, 0, (size_t)(size - any));
                size = any;
            }
            break;
        case 3: assert_int_equal(sync_file(&opened), SQLITE_OK); break;
        default:
            any = turn % 5 == 0 || next > MODEL_BYTES ? any : next;
            hyp_rng_fill(&seeded.rng, bytes, (size_t)len);
            assert_int_equal(put(&opened, bytes, len, any), SQLITE_OK);
            memcpy(model + any, bytes, (size_t)len);
            next = any + len;
            size = HYP_MAX(size, next);
        }
    }
    close_file(&opened);
}

static void refused_writes_are_told(void **state)
{
    (void)state;
    struct opened opened = open_file();
    static const uint8_t page[1024] = {1};
    full = true;
    assert_int_equal(put(&opened, page, sizeof(page), 0), SQLITE_OK); /* held */
    assert_int_equal(sync_file(&opened), SQLITE_FULL);
    assert_int_equal(sync_file(&opened), SQLITE_OK); /* nothing is held any more */
    assert_int_equal(put(&opened, page, sizeof(page), 0), SQLITE_OK);
    uint8_t back[1024];
    assert_int_equal(opened.file->pMethods->xRead(opened.file, back, sizeof(back), 0),
                     SQLITE_FULL);
    /* Nobody looks at what giving back a lock says; the next one says it. */
    assert_int_equal(put(&opened, page, sizeof(page), 0), SQLITE_OK);
    assert_int_equal(opened.file->pMethods->xUnlock(opened.file, SQLITE_LOCK_NONE), SQLITE_OK);
    full = false;
    assert_int_equal(sync_file(&opened), SQLITE_FULL);
    assert_int_equal(put(&opened, page, sizeof(page), 0), SQLITE_OK);
    assert_int_equal(sync_file(&opened), SQLITE_OK);
    close_file(&opened);
}

/* On a disk that may spoil what stands beside a write SQLite does not sync all that it counts
 * on.
 */
static void nothing_is_held_on_an_unsafe_disk(void **state)
{
    (void)state;
    spoils = true;
    struct opened opened = open_file();
    spoils = false;
    static const uint8_t page[1024] = {1};
    for (long i = 0; i < 5; i++) {
        assert_int_equal(put(&opened, page, sizeof(page), i * 1024), SQLITE_OK);
        assert_int_equal(writes, i + 1);
    }
    close_file(&opened);
}

/* --- a database --- */

static void run(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t found = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return found;
}

static sqlite3 *open_writer(const char *path)
{
    sqlite3 *db;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    assert_int_equal(sqlite3_open_v2(path, &db, flags, hyp_sqlite_gather()), SQLITE_OK);
    run(db, "PRAGMA page_size=1024; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE row(id INTEGER PRIMARY KEY, bytes BLOB)");
    return db;
}

/* A connection that does not gather. */
static sqlite3 *open_reader(const char *path)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    return db;
}

static void check_whole(sqlite3 *db)
{
    assert_int_equal(number(db, "SELECT count(*) FROM pragma_integrity_check"
                                " WHERE integrity_check <> 'ok'"),
                     0);
}

/* Another connection, which does not gather, sees each commit whole, however it was written:
 * the cache of the writer is too small for any of them. */
static void others_see_commits(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    const char *path = test_path(&folder, "database", 0);
    sqlite3 *writer = open_writer(path);
    sqlite3 *reader = open_reader(path);
    run(writer, "PRAGMA cache_size=5; PRAGMA wal_autocheckpoint=100");
    for (int64_t i = 1; i <= 30; i++) {
        run(writer, "BEGIN; INSERT INTO row(bytes) VALUES (randomblob(40000));"
                    "UPDATE row SET bytes = randomblob(3000) WHERE id % 3 = 1; COMMIT");
        assert_int_equal(number(reader, "SELECT count(*) FROM row"), i);
        run(writer, "BEGIN; INSERT INTO row(bytes) VALUES (randomblob(30000)); ROLLBACK");
        assert_int_equal(number(reader, "SELECT max(id) FROM row"), i);
    }
    assert_int_equal(number(reader, "SELECT sum(length(bytes)) FROM row"),
                     10 * 3000 + 20 * 40000);
    check_whole(reader);
    sqlite3_close(reader);
    sqlite3_close(writer);
    test_folder_remove(&folder);
}

/* A reader of an older moment keeps a checkpoint from its end. What that has written to the
 * database by then others read there, though nothing was synced. */
static void others_see_what_half_a_checkpoint_wrote(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    const char *path = test_path(&folder, "database", 0);
    sqlite3 *writer = open_writer(path);
    sqlite3 *late = open_reader(path);
    sqlite3 *reader = open_reader(path);
    run(writer, "PRAGMA wal_autocheckpoint=0;"
                "INSERT INTO row(bytes) VALUES (randomblob(9000)), (randomblob(8000))");
    run(late, "BEGIN");
    assert_int_equal(number(late, "SELECT count(*) FROM row"), 2);
    run(writer, "INSERT INTO row(bytes) VALUES (randomblob(7000))");
    run(writer, "PRAGMA wal_checkpoint(PASSIVE)");
    assert_int_equal(number(reader, "SELECT sum(length(bytes)) FROM row"), 24000);
    check_whole(reader);
    run(late, "COMMIT");
    sqlite3_close(late);
    sqlite3_close(reader);
    sqlite3_close(writer);
    test_folder_remove(&folder);
}

int main(void)
{
    install_disk();
    struct test_list list = {0};
    TEST_ROWS(&list, frames, writes_are_put_together);
    TEST_ONE(&list, any_order_is_kept);
    TEST_ONE(&list, refused_writes_are_told);
    TEST_ONE(&list, nothing_is_held_on_an_unsafe_disk);
    TEST_ONE(&list, others_see_commits);
    TEST_ONE(&list, others_see_what_half_a_checkpoint_wrote);
    return test_list_run(&list, "store-gather");
}
