/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Summaries with what they hide: how many values of a span were not simply measured, and the
 * longest time without a value. The data of every chunk is looked at for it, also where its
 * head would answer: for charts, not for tables of many meters.
 */
#ifndef HYP_STORE_MARKS_H
#define HYP_STORE_MARKS_H

#include "base/arena.h"
#include "base/status.h"
#include "model/reading.h"
#include "model/time.h"

struct hyp_store;
struct hyp_summary;

/* Of one span; those that cannot be seen in its summary. */
struct hyp_summary_marks {
    uint64_t corrected;
    uint64_t manual;
    uint64_t estimated;
    uint64_t doubtful;
    /* The longest step between two values one behind the other, of which the later one lies in
     * the span and the earlier one in it or in one before. 0 and 0 = there is none. */
    hyp_utc step_from;
    hyp_utc step_to;
};

/*
 * As hyp_store_summaries.
 * @ret_marks  in the arena, one for each of *ret_summaries
 */
HYP_MUST_USE enum hyp_status hyp_store_marked_summaries(
    struct hyp_store *store, hyp_tenant_id tenant, const hyp_point_id *points,
    size_t point_count, const hyp_utc *bounds, size_t span_count, struct hyp_arena *arena,
    struct hyp_summary **ret_summaries, struct hyp_summary_marks **ret_marks);

#endif
