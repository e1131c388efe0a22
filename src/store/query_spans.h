/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans of a summary: values of one point go into the spans that hold their times, one by one,
 * as a decoded column, or as what the head of a chunk says of all of them. For query_summary.c.
 */
#ifndef HYP_STORE_QUERY_SPANS_H
#define HYP_STORE_QUERY_SPANS_H

#include "store/chunk.h"
#include "store/store.h"

/* Spans and what was found in them so far. */
struct hyp_spans {
    const hyp_utc *bounds; /* count + 1 */
    size_t count;
    struct hyp_summary *out;         /* of one point */
    struct hyp_summary_marks *marks; /* of each of them; NULL = not asked for */
};

/* Adds a usable value to the span that holds its time (ms), if one does. In order of time. */
void hyp_spans_add_value(const struct hyp_spans *spans, int64_t time, int64_t digits,
                         int8_t exp10, enum hyp_quality quality);
/* False, and nothing is added, when the chunk is not in one span as a whole, or marks are
 * asked. */
bool hyp_spans_add_head(const struct hyp_spans *spans, const struct hyp_chunk *chunk,
                        const struct hyp_chunk_stats *stats);
/* Adds the values of work, which are in order of time, cut at the bounds. */
void hyp_spans_add_column(const struct hyp_spans *spans, const struct hyp_chunk_column *column,
                          const struct hyp_chunk_work *work);

#endif
