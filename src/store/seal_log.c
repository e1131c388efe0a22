/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the intake log, and how those are removed that hold nothing but sealed readings.
 */
#include "store/seal_state.h"

#include "store/chunk_table.h"

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

static bool is_superfluous(const struct hyp_sealer *sealer, size_t i)
{
    return sealer->log[i].row <= sealer->log_end && sealer->log[i].newest < sealer->horizon;
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
    struct hyp_error err = {0};
    if (hyp_core_commit(store, HYP_OK, &err, "trimming the log") != HYP_OK) {
        sealer->running = false;
        sealer->last_start = 0;
        return false;
    }
    memmove(&sealer->log[begin], &sealer->log[end],
            (sealer->log_count - end) * sizeof(*sealer->log));
    sealer->log_count -= end - begin;
    sealer->log_rows = sealer->log_count;
    return true;
}
