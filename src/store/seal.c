/* SPDX-License-Identifier: Apache-2.0 */
#include "store/seal_state.h"

#include "store/chunk_table.h"
#include "store/follow.h"
#include "store/intake.h"
#include "store/period.h"

#include <stdlib.h>

/* Devices of one slice, and bytes of chunks after which it ends before. */
#define SLICE_DEVICES 64
#define SLICE_BYTES ((size_t)4 << 20)
enum hyp_status hyp_sealer_create(struct hyp_sealer **ret_sealer)
{
    struct hyp_sealer *sealer = calloc(1, sizeof(*sealer));
    if (sealer == NULL) {
        return HYP_NO_MEMORY;
    }
    struct hyp_buf *const builders[] = {&sealer->head, &sealer->data, &sealer->shown,
                                        &sealer->old_head};
    for (size_t i = 0; i < HYP_ARRAY_LEN(builders); i++) {
        hyp_buf_init_heap(builders[i], HYP_LIMIT_CHUNK_BYTES);
    }
    for (size_t i = 0; i < HYP_SEAL_SLOTS; i++) {
        hyp_buf_init_heap(&sealer->old[i], HYP_LIMIT_CHUNK_BYTES);
    }
    hyp_map_init(&sealer->complete);
    hyp_map_init(&sealer->unreadable);
    *ret_sealer = sealer;
    return HYP_OK;
}

void *hyp_sealer_destroy(struct hyp_sealer *sealer)
{
    if (sealer == NULL) {
        return NULL;
    }
    hyp_chunk_work_finish(&sealer->work);
    hyp_rows_finish(&sealer->rows);
    hyp_columns_finish(&sealer->columns);
    hyp_rows_finish(&sealer->scratch);
    hyp_chunk_texts_finish(&sealer->texts);
    free(sealer->points);
    hyp_buf_finish(&sealer->head);
    hyp_buf_finish(&sealer->data);
    hyp_buf_finish(&sealer->shown);
    hyp_buf_finish(&sealer->old_head);
    for (size_t i = 0; i < HYP_SEAL_SLOTS; i++) {
        hyp_buf_finish(&sealer->old[i]);
    }
    free(sealer->written);
    free(sealer->log);
    free(sealer->devices);
    hyp_map_finish(&sealer->complete);
    hyp_map_finish(&sealer->unreadable);
    free(sealer);
    return NULL;
}

/* --- one period of one device --- */

/* What there is in chunks of the period: the whole month's if there is one. *ret_period says
 * which chunk is to be written, *ret_parts which parts it takes the place of. */
static enum hyp_status take_chunks(struct hyp_store *store, struct hyp_series *series,
                                   bool month_is_past, uint32_t *period, unsigned *ret_parts,
                                   struct hyp_seal_written *written)
{
    struct hyp_db *db = store->write.main;
    uint32_t whole = hyp_period_whole(*period);
    *ret_parts = 0;
    enum hyp_status status = hyp_seal_take_chunk(store, db, series, whole, written);
    if (status == HYP_OK) {
        *period = whole;
    }
    if (status != HYP_NOT_FOUND) {
        return status;
    }
    if (!month_is_past) {
        status = hyp_seal_take_chunk(store, db, series, *period, written);
        return status == HYP_NOT_FOUND ? HYP_OK : status;
    }
    *period = whole;
    for (uint32_t part = 0; part < HYP_PERIOD_PARTS; part++) {
        status = hyp_seal_take_chunk(store, db, series,
                                     hyp_period_part(hyp_period_month(whole), part), written);
        if (status == HYP_OK) {
            *ret_parts |= 1u << part;
        } else if (status != HYP_NOT_FOUND) {
            return status;
        }
    }
    return HYP_OK;
}

/* Seals the period that `time` falls into. *ret_next: where the next one begins. */
static enum hyp_status seal_period(struct hyp_store *store, struct hyp_series *series,
                                   int64_t time, int64_t *ret_next)
{
    struct hyp_sealer *sealer = store->sealer;
    uint32_t period = hyp_period_of(time);
    *ret_next = hyp_period_end(period);
    bool month_is_past = hyp_period_end(hyp_period_whole(period)) <= sealer->horizon;
    struct hyp_seal_written written = {.device = series->device};
    unsigned parts;
    hyp_seal_begin_rows(sealer, series);
    enum hyp_status status =
        take_chunks(store, series, month_is_past, &period, &parts, &written);
    if (status != HYP_OK) {
        return status;
    }
    /* All of it, even if the clock was set back and the period goes on: a chunk is complete. */
    written.from = hyp_period_start(period);
    written.to = hyp_period_end(period);
    *ret_next = written.to;
    status = hyp_seal_take_memory(sealer, series, written.from, written.to);
    if (status == HYP_OK) {
        status = hyp_seal_write_chunk(store, series, period, sealer->log_row, parts);
    }
    if (status == HYP_OK) {
        written.first = sealer->rows.rows[0].time;
        written.last = sealer->rows.rows[sealer->rows.row_count - 1].time;
        written.readings += sealer->rows.row_count;
        written.values += (int64_t)hyp_seal_count_cells(sealer);
        status = hyp_seal_note_written(sealer, &written);
    }
    return status;
}

/* --- one device --- */

/* Is it this device's data, and not the database or the memory, that is in the way? */
static bool is_own_fault(enum hyp_status status)
{
    return status == HYP_CORRUPT || status == HYP_LIMIT;
}

static enum hyp_status seal_device(struct hyp_store *store, struct hyp_series *series)
{
    struct hyp_sealer *sealer = store->sealer;
    size_t first_written = sealer->written_count;
    enum hyp_status status = hyp_seal_list_points(sealer, series);
    int64_t time = INT64_MIN;
    while (status == HYP_OK) {
        uint32_t block = hyp_series_find_block(series, time);
        if (block == series->block_count || series->blocks[block].first >= sealer->horizon) {
            break;
        }
        int64_t next;
        status = seal_period(store, series, HYP_MAX(time, series->blocks[block].first), &next);
        if (is_own_fault(status) && store->write.main->failed == HYP_OK) {
            /* The others can be sealed; these stay in log and memory. */
            sealer->failed = true;
            status = HYP_OK;
        }
        time = next;
    }
    if (status == HYP_OK && sealer->written_count > first_written) {
        hyp_seal_save_sealed(store, series, first_written);
    }
    return status;
}

/* --- slices --- */

static bool finish_slice(struct hyp_store *store, enum hyp_status status)
{
    struct hyp_sealer *sealer = store->sealer;
    struct hyp_error err = {0};
    status = hyp_seal_commit(store, status, "sealing", &err);
    if (status != HYP_OK) {
        sealer->running = false;
        sealer->last_start = 0;
        hyp_log_event(store->log, HYP_LOG_WARNING, "store.seal_failed",
                      "status=%s reason=\"%s\"; the log keeps everything, trying again later",
                      hyp_status_name(status), err.text);
    }
    return status == HYP_OK;
}

static bool seal_slice(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    size_t begin = sealer->device_next;
    hyp_device_id device = {0};
    uint64_t known;
    hyp_db_begin(store->write.main);
    hyp_follow_begun(store);
    /* The slice is complete up to what is committed by now, by anybody: the others let go all
     * that they have of it. */
    sealer->log_row = hyp_seal_last_log_row(sealer);
    enum hyp_status status = store->write.main->failed;
    for (size_t n = 0;
         status == HYP_OK && n < SLICE_DEVICES && sealer->slice_bytes < SLICE_BYTES &&
         sealer->device_next < sealer->device_count;
         n++) {
        device.id = sealer->devices[sealer->device_next++];
        struct hyp_series *series = hyp_historian_find(store->historian, device);
        if (hyp_map_get(&sealer->unreadable, (uint64_t)device.id, &known)) {
            sealer->failed = true;
        } else if (series != NULL) {
            status = seal_device(store, series);
        }
    }
    bool done = finish_slice(store, status);
    if (status == HYP_CORRUPT &&
        hyp_map_set(&sealer->unreadable, (uint64_t)device.id, 1) == HYP_OK) {
        /* A page of the database cannot be read: again without this device. */
        sealer->device_next = begin;
        sealer->failed = true;
        sealer->running = true;
        return true;
    }
    return done;
}

/* --- runs --- */

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool is_due(const struct hyp_series *series, int64_t horizon)
{
    return series->block_count > 0 && series->blocks[0].first < horizon;
}

static enum hyp_status list_devices(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    sealer->device_count = 0;
    sealer->device_next = 0;
    size_t cursor = 0;
    uint64_t key;
    uint64_t value;
    while (hyp_map_next(&store->historian->devices, &cursor, &key, &value)) {
        const struct hyp_series *series = (const struct hyp_series *)(uintptr_t)value;
        if (!is_due(series, sealer->horizon)) {
            continue;
        }
        if (series->device.id > HYP_PERIOD_DEVICE_MAX) {
            sealer->failed = true; /* beyond the keys of chunks: it stays in the log */
            continue;
        }
        enum hyp_status status =
            hyp_reserve(&sealer->devices, &sealer->device_capacity, sealer->device_count + 1,
                        sizeof(*sealer->devices));
        if (status != HYP_OK) {
            return status;
        }
        sealer->devices[sealer->device_count++] = (int64_t)key;
    }
    if (sealer->device_count > 0) {
        qsort(sealer->devices, sealer->device_count, sizeof(*sealer->devices), compare_ids);
    }
    return HYP_OK;
}

/* A run begins when a period has become past, and for late readings when there are many, or an
 * hour after the last run. */
static bool is_time(struct hyp_store *store, int64_t now, int64_t horizon)
{
    const struct hyp_sealer *sealer = store->sealer;
    if (sealer->last_start == 0 || horizon != sealer->last_horizon) {
        return true;
    }
    uint64_t readings = store->historian->readings - sealer->last_readings;
    return readings >= store->seal_readings || now < sealer->last_start ||
           now - sealer->last_start >= HYP_LIMIT_SEAL_PAUSE_MS;
}

static bool begin_run(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    int64_t now = hyp_core_now(store).ms;
    int64_t horizon = hyp_period_start(hyp_period_of(now - HYP_LIMIT_SEAL_GRACE_MS));
    if (!is_time(store, now, horizon)) {
        return false;
    }
    sealer->horizon = horizon;
    sealer->last_horizon = horizon;
    sealer->last_start = now == 0 ? 1 : now;
    sealer->last_readings = store->historian->readings;
    sealer->log_end = hyp_seal_last_log_row(sealer);
    sealer->log_next = 0;
    sealer->failed = false;
    sealer->running = list_devices(store) == HYP_OK &&
                      (sealer->device_count > 0 || hyp_seal_can_trim(sealer));
    return sealer->running;
}

static bool step(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    if (!sealer->running && !begin_run(store)) {
        return hyp_db_tidy(store->write.main, hyp_core_now(store).ms);
    }
    if (sealer->device_next < sealer->device_count) {
        return seal_slice(store);
    }
    if (!sealer->failed && hyp_seal_trim_log(store)) {
        return true;
    }
    sealer->running = false;
    return true;
}

bool hyp_seal_step(struct hyp_store *store)
{
    hyp_follow_enter_care(store);
    bool more = hyp_intake_is_applied(store->intake) && step(store);
    hyp_follow_leave_care(store);
    return more;
}
