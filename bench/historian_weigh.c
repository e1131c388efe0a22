/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables and their slack come from SQLite's own table dbstat, everything else from the chunks
 * themselves: how long each of their parts is, and the body of every register.
 */
#include "historian_weigh.h"

#include "store/chunk.h"
#include "store/sequence.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGISTERS_MAX 64

enum part {
    PART_HEAD,
    PART_TIMES,
    PART_RECEIVE,
    PART_FRAMES,
    PART_ORIGIN,
    PART_TEXTS,
    PART_BODIES,
    PART_COUNT,
};

static const char *const part_names[PART_COUNT] = {"heads",  "times", "receive times", "frames",
                                                   "origin", "texts", "bodies"};

struct register_sum {
    char key[64]; /* as the table point writes it */
    uint64_t bytes;
    uint64_t cells;
};

struct sums {
    uint64_t parts[PART_COUNT];
    uint64_t chunks;
    struct register_sum registers[REGISTERS_MAX];
    size_t register_count;
};

static void fail(sqlite3 *db, const char *what)
{
    fprintf(stderr, "bench/historian: weighing: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static sqlite3_stmt *ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fail(db, sql);
    }
    return stmt;
}

static void print_tables(sqlite3 *db, uint64_t values)
{
    sqlite3_stmt *stmt =
        ask(db, "SELECT name, sum(pgsize), sum(payload), sum(unused) FROM dbstat"
                " GROUP BY name ORDER BY 2 DESC");
    double pages = 0;
    double small = 0;
    int tables = 0;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        double bytes = (double)sqlite3_column_int64(stmt, 1);
        pages += bytes;
        if (bytes / (double)values < 0.002) {
            small += bytes;
            tables++;
            continue;
        }
        printf("weight table=%-22s bytes_per_value=%.4f payload=%.4f unused=%.4f\n",
               (const char *)sqlite3_column_text(stmt, 0), bytes / (double)values,
               (double)sqlite3_column_int64(stmt, 2) / (double)values,
               (double)sqlite3_column_int64(stmt, 3) / (double)values);
    }
    sqlite3_finalize(stmt);
    stmt = ask(db, "SELECT page_count * page_size, freelist_count * page_size"
                   " FROM pragma_page_count, pragma_page_size, pragma_freelist_count");
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        double file = (double)sqlite3_column_int64(stmt, 0);
        double empty = (double)sqlite3_column_int64(stmt, 1);
        printf("weight others=%d bytes_per_value=%.4f; free pages %.4f, page map %.4f\n",
               tables, small / (double)values, empty / (double)values,
               (file - empty - pages) / (double)values);
    }
    sqlite3_finalize(stmt);
}

static void add_parts(struct sums *sums, const struct hyp_chunk *chunk,
                      struct hyp_chunk_work *work)
{
    struct hyp_bytes in = chunk->parts;
    for (int part = PART_TIMES; part <= PART_ORIGIN; part++) {
        size_t before = in.pos;
        hyp_sequence_read(&in, work->numbers, chunk->rows);
        sums->parts[part] += in.pos - before;
    }
    sums->parts[PART_TEXTS] += hyp_bytes_left(&in);
    sums->parts[PART_BODIES] += chunk->bodies.len;
}

static struct register_sum *find_register(struct sums *sums, const char *key)
{
    for (size_t i = 0; i < sums->register_count; i++) {
        if (strcmp(sums->registers[i].key, key) == 0) {
            return &sums->registers[i];
        }
    }
    if (sums->register_count == REGISTERS_MAX) {
        return &sums->registers[0];
    }
    struct register_sum *added = &sums->registers[sums->register_count++];
    hyp_text_copy(added->key, sizeof(added->key), hyp_str_from(key));
    return added;
}

static void add_columns(struct sums *sums, const struct hyp_chunk *chunk, sqlite3_stmt *points)
{
    struct hyp_chunk_cursor cursor;
    struct hyp_chunk_column column;
    hyp_chunk_columns(chunk, &cursor);
    while (hyp_chunk_next_column(&cursor, &column) == HYP_OK) {
        sqlite3_bind_int64(points, 1, column.point);
        if (sqlite3_step(points) == SQLITE_ROW) {
            const char *key = (const char *)sqlite3_column_text(points, 0);
            struct register_sum *sum = find_register(sums, key);
            sum->bytes += column.body_len;
            sum->cells += column.cells;
        }
        sqlite3_reset(points);
    }
}

static struct hyp_str blob(sqlite3_stmt *stmt, int column)
{
    return (struct hyp_str){.ptr = sqlite3_column_blob(stmt, column),
                            .len = (size_t)sqlite3_column_bytes(stmt, column)};
}

static void add_chunks(sqlite3 *db, struct sums *sums)
{
    sqlite3_stmt *chunks = ask(db, "SELECT head, data FROM chunk");
    sqlite3_stmt *points = ask(db, "SELECT name FROM point WHERE id = ?");
    struct hyp_chunk_work work = {0};
    while (sqlite3_step(chunks) == SQLITE_ROW) {
        struct hyp_chunk chunk;
        struct hyp_str head = blob(chunks, 0);
        if (hyp_chunk_open(&chunk, head) != HYP_OK ||
            hyp_chunk_attach(&chunk, blob(chunks, 1)) != HYP_OK ||
            hyp_chunk_times(&chunk, &work) != HYP_OK) {
            fail(db, "a chunk cannot be read");
        }
        sums->chunks++;
        sums->parts[PART_HEAD] += head.len;
        add_parts(sums, &chunk, &work);
        add_columns(sums, &chunk, points);
    }
    hyp_chunk_work_finish(&work);
    sqlite3_finalize(chunks);
    sqlite3_finalize(points);
}

void weigh(const char *folder, uint64_t values)
{
    char path[1024];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, path, sizeof(path));
    hyp_buf_append_fmt(&text, "%s/hypocaust.db", folder);
    sqlite3 *db;
    if (sqlite3_open_v2(hyp_buf_terminate(&text), &db, SQLITE_OPEN_READWRITE, NULL) !=
        SQLITE_OK) {
        fail(db, path);
    }
    print_tables(db, values);
    struct sums sums = {0};
    add_chunks(db, &sums);
    for (int part = 0; part < PART_COUNT; part++) {
        printf("weight part=%-14s bytes_per_value=%.4f\n", part_names[part],
               (double)sums.parts[part] / (double)values);
    }
    printf("weight chunks=%llu mean_bytes=%.0f\n", (unsigned long long)sums.chunks,
           (double)(sums.parts[PART_HEAD] + sums.parts[PART_BODIES]) / (double)sums.chunks);
    for (size_t i = 0; i < sums.register_count; i++) {
        const struct register_sum *sum = &sums.registers[i];
        printf("weight register=%s bits_per_cell=%.3f bytes_per_value=%.4f\n", sum->key,
               8.0 * (double)sum->bytes / (double)sum->cells,
               (double)sum->bytes / (double)values);
    }
    sqlite3_close(db);
}
