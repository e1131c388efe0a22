/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plan: what a group of batches changes, worked out before its commit and applied after it.
 *
 * Planning turns values into cells of columns, creates points on first sight, leaves out what
 * is known already and writes the rows of intake log and frame log. Nothing that readers see
 * changes before the commit.
 */
#ifndef HYP_STORE_PLAN_H
#define HYP_STORE_PLAN_H

#include "store/core.h"
#include "store/frames.h"
#include "store/log_pack.h"
#include "store/queued.h"
#include "store/replaced.h"
#include "store/series.h"

/* A row of one device. Named by number too, because a device may be removed before a late
 * apply: then the historian has counted a removal, and the pointer is not used. */
struct hyp_planned_row {
    hyp_device_id device;
    struct hyp_series *series;
    struct hyp_row row;
    size_t first_cell; /* in the plan's cells */
    uint32_t frame;    /* while planning: index in the batch's frames + 1 */
    uint8_t shape;     /* for the log: hyp_log_pack_see */
    int64_t base;      /* point of the first cell */
};

/* A row of the intake log. */
struct hyp_planned_log {
    int64_t row;
    int64_t newest; /* latest source time in it */
};

struct hyp_plan {
    uint64_t removals;         /* of the historian, when the rows were planned */
    struct hyp_series **found; /* of one batch, by reading; NULL = unknown device */
    size_t found_capacity;
    struct hyp_planned_row *rows;
    size_t row_count;
    size_t row_capacity;
    struct hyp_cell *cells;
    size_t cell_count;
    size_t cell_capacity;
    hyp_device_id *grown; /* devices with new points */
    size_t grown_count;
    size_t grown_capacity;
    struct hyp_pending_frames *frames;
    size_t frame_count;
    size_t frame_capacity;
    struct hyp_buf blob;
    struct hyp_log_pack pack;
    struct hyp_kept_frame *kept; /* of one batch */
    uint32_t *frame_uses;        /* of one batch: rows per frame, later its new index + 1 */
    struct hyp_replacement *replaced;
    size_t replaced_count;
    size_t replaced_capacity;
    uint32_t *seen; /* by column: the last pass that met it */
    uint32_t pass;
    struct hyp_planned_log *log; /* rows written to the intake log */
    size_t log_count;
    size_t log_capacity;
    size_t applied; /* rows applied so far */
    uint64_t duplicates;
    uint64_t dropped;
};

/* init: an empty plan, or NO_MEMORY with nothing to finish. finish: frees everything; frames
 * that were not kept go with it. */
HYP_MUST_USE enum hyp_status hyp_plan_init(struct hyp_plan *plan);
void hyp_plan_finish(struct hyp_plan *plan);
/* Forgets everything, for the next group. */
void hyp_plan_reset(struct hyp_plan *plan);

/*
 * Plans one batch and writes its log rows, inside the gate's transaction.
 * Returns   HYP_OK | the first failure: the whole group must be rolled back
 */
HYP_MUST_USE enum hyp_status hyp_plan_batch(struct hyp_plan *plan, struct hyp_store *store,
                                            const struct hyp_queued *queued);
/* After the commit, still inside the gate: points and frames become visible; cannot fail. The
 * rows wait for hyp_plan_apply. */
void hyp_plan_commit(struct hyp_plan *plan, struct hyp_store *store);
/* Instead of it, when the transaction was rolled back: points that were new are forgotten, the
 * plan is empty. Inside the gate. */
void hyp_plan_rollback(struct hyp_plan *plan, struct hyp_store *store);
/*
 * Puts the rows into the historian, from where the last call stopped.
 * Returns   HYP_OK (all applied) | NO_MEMORY (call again)
 */
HYP_MUST_USE enum hyp_status hyp_plan_apply(struct hyp_plan *plan, struct hyp_store *store);

/* Kinds of values as the table point keeps them: "decimal". Back: HYP_OK | NOT_FOUND */
const char *hyp_plan_kind_text(enum hyp_value_kind kind);
HYP_MUST_USE enum hyp_status hyp_plan_kind_find(struct hyp_str text,
                                                enum hyp_value_kind *ret_kind);

#endif
