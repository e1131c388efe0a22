/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor's look at every row of the historian and of the frames: each is decoded whole.
 */
#include "store/doctor_state.h"

#include "base/limits.h"
#include "store/chunk.h"
#include "store/chunk_table.h"
#include "store/frame_codec.h"
#include "store/log.h"
#include "store/period.h"

#include <inttypes.h>
#include <stdlib.h>

#define LOG_REMEDY                                                                             \
    "the rest is used; a backup from before the damage has this row, or the meters still "     \
    "have "                                                                                    \
    "the values"
#define CHUNK_REMEDY                                                                           \
    "its readings cannot be read, new ones wait in the log; restore a backup to get them back"
#define FRAME_REMEDY "readings are not touched; only raw telegrams are lost"
/* Pages that cannot be read are passed this often before a scan gives up. */
#define BROKEN_MAX 1000
#define ARENA_MAX ((size_t)256 << 20)

/* What a scan of one table needs: `look` gets each row, and `skip` says where to go on behind a
 * row whose page cannot be read. */
struct scan {
    const char *table;
    const char *remedy;
    const char *sql; /* rows from $1 on, in the order of their first column */
    int64_t (*skip)(int64_t id);
    void (*look)(struct hyp_visit *visit, struct hyp_query *query, int64_t id, void *user);
    void *user;
    uint64_t rows;
};

static int64_t skip_one(int64_t id)
{
    return id + 1;
}

/* Chunks of a period stand side by side; single ones would be four thousand million steps. */
static int64_t skip_period(int64_t id)
{
    return hyp_period_chunk(hyp_period_of_chunk(id) + 1, 0);
}

static enum hyp_status scan_from(struct hyp_visit *visit, struct hyp_db *db, struct scan *scan,
                                 int64_t *next)
{
    struct hyp_query query;
    hyp_visit_resume(db);
    hyp_query_open(&query, db, scan->sql);
    hyp_query_bind_i64(&query, *next);
    while (hyp_query_row(&query)) {
        int64_t id = hyp_query_i64(&query);
        scan->look(visit, &query, id, scan->user);
        scan->rows++;
        *next = id + 1;
    }
    return hyp_query_close(&query);
}

static void scan_all(struct hyp_visit *visit, struct hyp_db *db, struct scan *scan)
{
    int64_t next = 0;
    enum hyp_status status = scan_from(visit, db, scan, &next);
    for (int tries = 0; status == HYP_CORRUPT && tries < BROKEN_MAX; tries++) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, scan->remedy,
                       "a page of table %s cannot be read, at row %" PRId64 " or behind",
                       scan->table, next);
        next = scan->skip(next);
        status = scan_from(visit, db, scan, &next);
    }
    if (status != HYP_OK) {
        hyp_visit_failed(visit, db, status, scan->table);
    }
}

static bool knows(const struct hyp_map *map, int64_t id)
{
    uint64_t value;
    return hyp_map_get(map, (uint64_t)id, &value);
}

/* Does the device exist? One that is being erased has no points any more, and what is left of
 * it goes step by step. */
static bool exists(const struct hyp_visit *visit, int64_t device)
{
    uint64_t value;
    return hyp_map_get(&visit->devices, (uint64_t)device, &value) && value == 1;
}

/* Is the point one of this device? */
static bool owns(const struct hyp_visit *visit, int64_t device, int64_t point)
{
    uint64_t owner;
    return hyp_map_get(&visit->points, (uint64_t)point, &owner) && owner == (uint64_t)device;
}

/* --- intake log --- */

struct log_check {
    uint64_t readings;
};

static enum hyp_status look_at_values(struct hyp_visit *visit, struct hyp_log_reader *reader,
                                      const struct hyp_log_reading *reading, int64_t id)
{
    bool known = exists(visit, reading->device);
    enum hyp_status status = HYP_OK;
    for (uint32_t i = 0; i < reading->value_count && status == HYP_OK; i++) {
        struct hyp_log_value value;
        status = hyp_log_next_value(reader, &value);
        if (status == HYP_OK && known && !owns(visit, reading->device, value.point)) {
            hyp_visit_find(visit, HYP_FINDING_DAMAGE, LOG_REMEDY,
                           "row %" PRId64 " of table intake_log has a value of point %" PRId64
                           ", which device %" PRId64 " does not have",
                           id, value.point, reading->device);
        }
    }
    return status;
}

static void look_at_log(struct hyp_visit *visit, struct hyp_query *query, int64_t id,
                        void *user)
{
    struct log_check *check = user;
    struct hyp_str blob = hyp_query_blob(query);
    struct hyp_log_reader reader;
    struct hyp_log_reading reading;
    enum hyp_status status = hyp_log_open(&reader, (const uint8_t *)blob.ptr, blob.len);
    while (status == HYP_OK && (status = hyp_log_next(&reader, &reading)) == HYP_OK) {
        check->readings++;
        status = look_at_values(visit, &reader, &reading, id);
    }
    if (status != HYP_NOT_FOUND) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, LOG_REMEDY,
                       "row %" PRId64 " of table intake_log: %s", id, hyp_status_text(status));
    }
}

void hyp_visit_log(struct hyp_visit *visit)
{
    struct log_check check = {0};
    struct scan scan = {.table = "intake_log",
                        .remedy = LOG_REMEDY,
                        .sql = "SELECT id, data FROM intake_log WHERE id >= $1 ORDER BY id",
                        .skip = skip_one,
                        .look = look_at_log,
                        .user = &check};
    hyp_visit_begin(visit, "intake log");
    scan_all(visit, visit->main, &scan);
    hyp_visit_end(visit, "%" PRIu64 " rows, %" PRIu64 " readings, every checksum is right",
                  scan.rows, check.readings);
}

/* --- chunks --- */

/* What the chunks of one device hold together. */
struct device_sum {
    int64_t device;
    int64_t readings;
    int64_t first;
    int64_t last;
};

struct chunk_check {
    struct hyp_chunk_work work;
    struct device_sum *sums;
    size_t count;
    size_t capacity;
    struct hyp_map index; /* device -> place in sums */
    uint64_t readings;
    uint64_t values;
};

static enum hyp_status grow_sums(struct chunk_check *check)
{
    return hyp_reserve(&check->sums, &check->capacity, check->count + 1, sizeof(*check->sums));
}

static enum hyp_status add_up(struct chunk_check *check, int64_t device,
                              const struct hyp_chunk *chunk)
{
    uint64_t at;
    if (!hyp_map_get(&check->index, (uint64_t)device, &at)) {
        if (grow_sums(check) != HYP_OK ||
            hyp_map_set(&check->index, (uint64_t)device, check->count) != HYP_OK) {
            return HYP_NO_MEMORY;
        }
        at = check->count++;
        check->sums[at] =
            (struct device_sum){.device = device, .first = chunk->first, .last = chunk->last};
    }
    struct device_sum *sum = &check->sums[at];
    sum->readings += chunk->rows;
    sum->first = HYP_MIN(sum->first, chunk->first);
    sum->last = HYP_MAX(sum->last, chunk->last);
    return HYP_OK;
}

/* Times must ascend and lie in the period that the key says. */
static enum hyp_status look_at_times(struct chunk_check *check, const struct hyp_chunk *chunk,
                                     uint32_t period)
{
    enum hyp_status status = hyp_chunk_times(chunk, &check->work);
    int64_t before = hyp_period_start(period);
    for (uint32_t r = 0; r < chunk->rows && status == HYP_OK; r++) {
        int64_t time = check->work.times[r];
        if (time < before || time >= hyp_period_end(period)) {
            return HYP_MALFORMED;
        }
        before = time;
    }
    return status;
}

static enum hyp_status look_at_columns(struct hyp_visit *visit, struct chunk_check *check,
                                       const struct hyp_chunk *chunk, int64_t id)
{
    struct hyp_chunk_cursor cursor;
    struct hyp_chunk_column column;
    enum hyp_status status;
    int64_t device = hyp_period_device(id);
    hyp_chunk_columns(chunk, &cursor);
    while ((status = hyp_chunk_next_column(&cursor, &column)) == HYP_OK) {
        if (exists(visit, device) && !owns(visit, device, column.point)) {
            hyp_visit_find(visit, HYP_FINDING_DAMAGE, CHUNK_REMEDY,
                           "row %" PRId64 " of table chunk has a column of point %" PRId64
                           ", which device %" PRId64 " does not have",
                           id, column.point, device);
        }
        status = hyp_chunk_values(chunk, &column, &check->work);
        if (status != HYP_OK) {
            return status;
        }
        check->values += column.cells;
    }
    return status == HYP_NOT_FOUND ? HYP_OK : status;
}

static void look_at_chunk(struct hyp_visit *visit, struct hyp_query *query, int64_t id,
                          void *user)
{
    struct chunk_check *check = user;
    struct hyp_chunk chunk;
    struct hyp_str head = hyp_query_blob(query);
    struct hyp_str data = hyp_query_blob(query);
    int64_t device = hyp_period_device(id);
    if (!knows(&visit->devices, device)) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, "nobody can see them; they only take up room",
                       "row %" PRId64 " of table chunk is of device %" PRId64
                       ", which does not exist",
                       id, device);
    }
    enum hyp_status status = hyp_chunk_open(&chunk, head);
    if (status == HYP_OK) {
        status = hyp_chunk_attach(&chunk, data);
    }
    if (status == HYP_OK) {
        status = look_at_times(check, &chunk, hyp_period_of_chunk(id));
    }
    if (status == HYP_OK) {
        status = look_at_columns(visit, check, &chunk, id);
    }
    if (status == HYP_OK) {
        status = add_up(check, device, &chunk);
    }
    visit->no_memory |= status == HYP_NO_MEMORY;
    if (status != HYP_OK) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, CHUNK_REMEDY,
                       "row %" PRId64 " of table chunk, of device %" PRId64 ": %s", id, device,
                       hyp_status_text(status));
        return;
    }
    check->readings += chunk.rows;
}

/* Without its row in `sealed`, or with a wrong one, a device's chunks are not found. */
static void compare_sealed(struct hyp_visit *visit, struct chunk_check *check)
{
    struct hyp_query query;
    struct hyp_sealed_row row;
    hyp_sealed_scan_open(&query, visit->main);
    while (hyp_sealed_scan_next(&query, &row)) {
        uint64_t at;
        const struct device_sum *sum = NULL;
        if (hyp_map_get(&check->index, (uint64_t)row.device.id, &at)) {
            sum = &check->sums[at];
            HYP_IGNORE(
                hyp_map_remove(&check->index, (uint64_t)row.device.id)); /* it is there */
        }
        int64_t readings = sum == NULL ? 0 : sum->readings;
        bool covers = sum == NULL || (row.oldest <= sum->first && row.newest >= sum->last);
        if (exists(visit, row.device.id) && (readings != row.readings || !covers)) {
            hyp_visit_find(visit, HYP_FINDING_DAMAGE, CHUNK_REMEDY,
                           "table sealed says %" PRId64 " readings of device %" PRId64
                           ", its chunks hold %" PRId64 "%s",
                           row.readings, row.device.id, readings,
                           covers ? "" : " of another time");
        }
    }
    enum hyp_status status = hyp_query_close(&query);
    if (status != HYP_OK) {
        hyp_visit_failed(visit, visit->main, status, "sealed");
    }
    size_t cursor = 0;
    uint64_t device;
    uint64_t at;
    while (hyp_map_next(&check->index, &cursor, &device, &at)) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, CHUNK_REMEDY,
                       "table sealed has no row of device %" PRIu64 ", which has chunks",
                       device);
    }
}

void hyp_visit_chunks(struct hyp_visit *visit)
{
    struct chunk_check check = {0};
    struct scan scan = {.table = "chunk",
                        .remedy = CHUNK_REMEDY,
                        .sql = "SELECT id, head, data FROM chunk WHERE id >= $1 ORDER BY id",
                        .skip = skip_period,
                        .look = look_at_chunk,
                        .user = &check};
    hyp_map_init(&check.index);
    hyp_visit_begin(visit, "chunks");
    scan_all(visit, visit->main, &scan);
    if (visit->findings == 0) {
        /* Sums say nothing new where chunks could not be read. */
        compare_sealed(visit, &check);
    }
    hyp_visit_end(visit,
                  "%" PRIu64 " chunks, %" PRIu64 " readings, %" PRIu64
                  " values, every checksum is right",
                  scan.rows, check.readings, check.values);
    hyp_chunk_work_finish(&check.work);
    hyp_map_finish(&check.index);
    free(check.sums);
}

/* --- frames --- */

struct frame_check {
    struct hyp_arena arena;
    const char *table;
    uint64_t frames;
};

static void look_at_frames(struct hyp_visit *visit, struct hyp_query *query, int64_t id,
                           void *user)
{
    struct frame_check *check = user;
    struct hyp_str blob = hyp_query_blob(query);
    struct hyp_kept_frame *frames;
    size_t count = 0;
    enum hyp_status status = hyp_frames_decode((const uint8_t *)blob.ptr, blob.len, 0,
                                               &check->arena, &frames, &count);
    hyp_arena_reset(&check->arena);
    if (status != HYP_OK) {
        hyp_visit_find(visit, HYP_FINDING_DAMAGE, FRAME_REMEDY,
                       "row %" PRId64 " of table %s: %s", id, check->table,
                       hyp_status_text(status));
    }
    check->frames += count;
}

static void visit_frames(struct hyp_visit *visit, struct hyp_db *db, struct scan *scan)
{
    struct frame_check check = {.table = scan->table};
    hyp_arena_init(&check.arena, ARENA_MAX);
    scan->user = &check;
    scan->remedy = FRAME_REMEDY;
    scan->skip = skip_one;
    scan->look = look_at_frames;
    hyp_visit_begin(visit, "raw frames");
    scan_all(visit, db, scan);
    hyp_visit_end(visit, "%" PRIu64 " rows of %s, %" PRIu64 " frames, every checksum is right",
                  scan->rows, scan->table, check.frames);
    hyp_arena_finish(&check.arena);
    scan->user = NULL;
}

void hyp_visit_frame_log(struct hyp_visit *visit)
{
    struct scan scan = {.table = "frame_log",
                        .sql = "SELECT id, data FROM frame_log WHERE id >= $1 ORDER BY id"};
    visit_frames(visit, visit->main, &scan);
}

void hyp_visit_frame_blocks(struct hyp_visit *visit)
{
    struct scan scan = {.table = "frame_block",
                        .sql = "SELECT id, data FROM frame_block WHERE id >= $1 ORDER BY id"};
    visit_frames(visit, visit->frames, &scan);
}
