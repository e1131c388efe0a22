/* SPDX-License-Identifier: Apache-2.0 */
#include "store/erase.h"

#include "store/chunk_table.h"
#include "store/follow.h"
#include "store/frames.h"
#include "store/log.h"
#include "store/period.h"

/* Rows of the log looked at in one step; a row is a batch, so this takes some milliseconds. */
#define ROWS_PER_STEP 64

struct erasure {
    hyp_device_id device;
    int64_t log_next;
};

/* A removed device that is not wiped yet. */
static bool find_erasure(struct hyp_db *db, struct erasure *erasure)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "SELECT device, log_next FROM erasure ORDER BY device LIMIT 1");
    bool found = hyp_query_row(&query);
    if (found) {
        erasure->device.id = hyp_query_i64(&query);
        erasure->log_next = hyp_query_i64(&query);
    }
    return hyp_query_close(&query) == HYP_OK && found;
}

static bool is_in(const struct hyp_erase_span *span, const struct hyp_log_reading *reading)
{
    return reading->device == span->device.id && reading->time >= span->first &&
           reading->time <= span->last;
}

/* Copies a blob without the readings of a span. NOT_FOUND when it has none. */
static enum hyp_status copy_without(struct hyp_str blob, const struct hyp_erase_span *span,
                                    struct hyp_buf *out)
{
    struct hyp_log_reader reader;
    enum hyp_status status = hyp_log_open(&reader, (const uint8_t *)blob.ptr, blob.len);
    if (status != HYP_OK) {
        return status;
    }
    /* The number of readings stands in front, so they are counted first. */
    struct hyp_log_reader counter = reader;
    struct hyp_log_reading reading;
    struct hyp_log_value value;
    size_t kept = 0;
    size_t all = 0;
    while ((status = hyp_log_next(&counter, &reading)) == HYP_OK) {
        all++;
        kept += !is_in(span, &reading);
        for (uint32_t i = 0; i < reading.value_count; i++) {
            status = hyp_log_next_value(&counter, &value);
            if (status != HYP_OK) {
                return status;
            }
        }
    }
    if (status != HYP_NOT_FOUND || kept == all) {
        return status;
    }
    struct hyp_log_writer writer;
    hyp_log_begin(&writer, out, reader.frame_row, kept);
    while (hyp_log_next(&reader, &reading) == HYP_OK) {
        bool keep = !is_in(span, &reading);
        if (keep) {
            hyp_log_reading(&writer, &reading);
        }
        for (uint32_t i = 0; i < reading.value_count; i++) {
            HYP_IGNORE(hyp_log_next_value(&reader, &value)); /* read well above */
            if (keep) {
                hyp_log_value(&writer, &value);
            }
        }
    }
    return hyp_log_end(&writer);
}

static void rewrite_row(struct hyp_db *db, int64_t row, const struct hyp_buf *blob)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "UPDATE intake_log SET data = $1 WHERE id = $2");
    hyp_query_bind_blob(&query, blob->data, blob->len);
    hyp_query_bind_i64(&query, row);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

static void save_place(struct hyp_db *db, const struct erasure *erasure)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "UPDATE erasure SET log_next = $1 WHERE device = $2");
    hyp_query_bind_i64(&query, erasure->log_next);
    hyp_query_bind_i64(&query, erasure->device.id);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

bool hyp_erase_log(struct hyp_db *db, const struct hyp_erase_span *span, int64_t *row_next)
{
    struct hyp_buf blob HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&blob, HYP_LIMIT_LOG_BLOB);
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "SELECT id, data FROM intake_log WHERE id >= $1 ORDER BY id LIMIT $2");
    hyp_query_bind_i64(&query, *row_next);
    hyp_query_bind_i64(&query, ROWS_PER_STEP);
    bool any = false;
    while (hyp_query_row(&query)) {
        int64_t row = hyp_query_i64(&query);
        hyp_buf_reset(&blob);
        enum hyp_status status = copy_without(hyp_query_blob(&query), span, &blob);
        if (status == HYP_OK) {
            rewrite_row(db, row, &blob);
        } else if (status == HYP_NO_MEMORY || status == HYP_LIMIT) {
            hyp_db_fail(db, status);
        }
        /* A damaged row stays: it is not loaded either. */
        *row_next = row + 1;
        any = true;
    }
    HYP_IGNORE(hyp_query_close(&query)); /* sticky until commit */
    return any;
}

/* Chunks of so many months are looked for in one step. */
#define MONTHS_PER_STEP 64

/*
 * Removes chunks of some months, from the oldest on; the row of the table sealed says how far
 * they go and remembers the place. Returns whether there were any left.
 */
static bool erase_chunks(struct hyp_db *db, hyp_device_id device)
{
    struct hyp_sealed_row row;
    if (hyp_sealed_get(db, device, &row) != HYP_OK) {
        return false;
    }
    uint32_t month = hyp_period_month(hyp_period_of(row.oldest));
    uint32_t last = hyp_period_month(hyp_period_of(row.newest));
    for (uint32_t n = 0; n < MONTHS_PER_STEP && month <= last; n++, month++) {
        for (uint32_t part = 0; part <= HYP_PERIOD_WHOLE; part++) {
            hyp_chunk_table_remove(db,
                                   hyp_period_chunk(hyp_period_part(month, part), device.id));
        }
    }
    if (month > last) {
        hyp_sealed_remove(db, device);
    } else {
        row.oldest = hyp_period_start(hyp_period_part(month, 0));
        row.shown = HYP_STR("");
        hyp_sealed_put(db, &row);
    }
    return true;
}

static enum hyp_status forget(struct hyp_db *db, const struct erasure *erasure)
{
    hyp_db_begin(db);
    struct hyp_query query;
    hyp_query_open(&query, db, "DELETE FROM erasure WHERE device = $1");
    hyp_query_bind_i64(&query, erasure->device.id);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
    return hyp_db_commit(db);
}

static bool step(struct hyp_store *store)
{
    struct hyp_db *db = store->write.main;
    struct erasure erasure;
    if (!find_erasure(db, &erasure)) {
        return false;
    }
    hyp_db_begin(db);
    bool any = erase_chunks(db, erasure.device);
    const struct hyp_erase_span all = {
        .device = erasure.device, .first = INT64_MIN, .last = INT64_MAX};
    any = hyp_erase_log(db, &all, &erasure.log_next) || any;
    save_place(db, &erasure);
    if (hyp_db_commit(db) != HYP_OK) {
        return false;
    }
    if (any) {
        return true;
    }
    const struct hyp_frame_span frames = {
        .device = erasure.device, .first = INT64_MIN, .last = INT64_MAX};
    int64_t block = 0;
    uint64_t erased;
    enum hyp_status status = hyp_frames_erase_step(store, &frames, &block, &erased);
    if (status == HYP_NOT_FOUND) {
        status = forget(db, &erasure);
    }
    return status == HYP_OK;
}

bool hyp_erase_step(struct hyp_store *store)
{
    hyp_follow_enter_care(store);
    bool more = step(store);
    hyp_follow_leave_care(store);
    return more;
}
