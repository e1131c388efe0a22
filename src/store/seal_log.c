/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the intake log, and how those are removed that hold nothing but sealed readings.
 */
#include "store/seal_state.h"

#include "store/chunk_table.h"
#include "store/follow.h"

#include <string.h>

/* Rows of the log removed in one step. */
#define LOG_ROWS_PER_STEP 64

enum hyp_status hyp_seal_reserve_log(struct hyp_store *store, size_t rows)
{
    struct hyp_sealer *sealer = store->sealer;
    return hyp_reserve(&sealer->log, &sealer->log_capacity, sealer->log_count + rows,
                       sizeof(*sealer->log));
}

enum hyp_status hyp_seal_note_log(struct hyp_store *store, int64_t row, int64_t newest)
{
    enum hyp_status status = hyp_seal_reserve_log(store, 1);
    if (status == HYP_OK) {
        struct hyp_sealer *sealer = store->sealer;
        sealer->log[sealer->log_count++] =
            (struct hyp_seal_logged){.row = row, .newest = newest};
        sealer->log_rows = sealer->log_count;
    }
    return status;
}

size_t hyp_seal_log_rows(const struct hyp_store *store)
{
    return store->sealer->log_rows;
}

int64_t hyp_seal_last_log_row(const struct hyp_sealer *sealer)
{
    return sealer->log_count > 0 ? sealer->log[sealer->log_count - 1].row : 0;
}

static void forget_notes(struct hyp_sealer *sealer, size_t begin, size_t end)
{
    if (begin < end) {
        memmove(&sealer->log[begin], &sealer->log[end],
                (sealer->log_count - end) * sizeof(*sealer->log));
    }
    sealer->log_count -= end - begin;
    sealer->log_rows = sealer->log_count;
}

static bool is_superfluous(const struct hyp_sealer *sealer, size_t i)
{
    return sealer->log[i].row <= sealer->log_end && sealer->log[i].newest < sealer->horizon;
}

bool hyp_seal_can_trim(const struct hyp_sealer *sealer)
{
    for (size_t i = 0; i < sealer->log_count; i++) {
        if (is_superfluous(sealer, i)) {
            return true;
        }
    }
    return false;
}

bool hyp_seal_trim_log(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    size_t begin = sealer->log_next;
    while (begin < sealer->log_count && !is_superfluous(sealer, begin)) {
        begin++;
    }
    size_t end = begin;
    while (end < sealer->log_count && end - begin < LOG_ROWS_PER_STEP &&
           is_superfluous(sealer, end)) {
        end++;
    }
    sealer->log_next = begin;
    if (begin == end) {
        return false;
    }
    hyp_db_begin(store->write.main);
    hyp_intake_log_remove(store->write.main, sealer->log[begin].row, sealer->log[end - 1].row);
    hyp_follow_note(store, HYP_CHANGE_TRIMMED, 0, sealer->log[begin].row,
                    sealer->log[end - 1].row);
    struct hyp_error err = {0};
    if (hyp_core_commit(store, HYP_OK, &err, "trimming the log") != HYP_OK) {
        sealer->running = false;
        sealer->last_start = 0;
        return false;
    }
    forget_notes(sealer, begin, end);
    return true;
}

void hyp_seal_log_trimmed(struct hyp_store *store, int64_t first, int64_t last)
{
    struct hyp_sealer *sealer = store->sealer;
    size_t begin = 0;
    while (begin < sealer->log_count && sealer->log[begin].row < first) {
        begin++;
    }
    size_t end = begin;
    while (end < sealer->log_count && sealer->log[end].row <= last) {
        end++;
    }
    forget_notes(sealer, begin, end);
}

void hyp_seal_start_over(struct hyp_store *store)
{
    struct hyp_sealer *sealer = store->sealer;
    sealer->running = false;
    sealer->last_start = 0;
    hyp_seal_chunks_changed(store);
}

void hyp_seal_chunks_changed(struct hyp_store *store)
{
    store->sealer->cached = 0;
    hyp_map_finish(&store->sealer->complete);
    hyp_map_init(&store->sealer->complete);
}
