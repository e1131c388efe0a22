/* SPDX-License-Identifier: Apache-2.0 */
#include "store/query_spans.h"

/* A run of values in one span, at one exponent. */
struct run {
    uint64_t count;
    int8_t exp10;
    int64_t first_time;
    int64_t last_time;
    int64_t first;
    int64_t last;
    int64_t min;
    int64_t max;
    hyp_int128 sum;
};

/* The span that holds `time`; count = none. */
static size_t find_span(const struct hyp_spans *spans, int64_t time)
{
    size_t low = 0;
    size_t high = spans->count + 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (spans->bounds[middle].ms <= time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 || low > spans->count ? spans->count : low - 1;
}

static struct hyp_decimal decimal(int64_t digits, int8_t exp10)
{
    return (struct hyp_decimal){.digits = digits, .exp10 = exp10};
}

static void add_run(struct hyp_summary *summary, const struct run *run)
{
    if (run->count == 0) {
        return;
    }
    struct hyp_decimal min = decimal(run->min, run->exp10);
    struct hyp_decimal max = decimal(run->max, run->exp10);
    bool none = summary->count == 0;
    if (none || hyp_decimal_compare(min, summary->min) < 0) {
        summary->min = min;
    }
    if (none || hyp_decimal_compare(max, summary->max) > 0) {
        summary->max = max;
    }
    if (none || run->first_time < summary->first_time.ms) {
        summary->first = decimal(run->first, run->exp10);
        summary->first_time.ms = run->first_time;
    }
    if (none || run->last_time > summary->last_time.ms) {
        summary->last = decimal(run->last, run->exp10);
        summary->last_time.ms = run->last_time;
    }
    /* Exact to the double's digits: the sum of a run is exact, and the mean of means is
     * weighted. */
    double mean =
        hyp_decimal_to_double(decimal(1, run->exp10)) * ((double)run->sum / (double)run->count);
    summary->count += run->count;
    summary->mean += (mean - summary->mean) * ((double)run->count / (double)summary->count);
}

/* --- marks --- */

static void count_quality(struct hyp_summary_marks *marks, enum hyp_quality quality)
{
    marks->corrected += quality == HYP_QUALITY_CORRECTED ? 1 : 0;
    marks->manual += quality == HYP_QUALITY_MANUAL ? 1 : 0;
    marks->estimated += quality == HYP_QUALITY_ESTIMATED ? 1 : 0;
    marks->doubtful += quality == HYP_QUALITY_DOUBTFUL ? 1 : 0;
}

static void note_step(struct hyp_summary_marks *marks, int64_t from, int64_t to)
{
    if (to - from > marks->step_to.ms - marks->step_from.ms) {
        marks->step_from.ms = from;
        marks->step_to.ms = to;
    }
}

/* The step to the first value of what comes next into a span, before it is added. */
static void note_step_to(const struct hyp_spans *spans, size_t span, int64_t time)
{
    size_t before = span + 1;
    while (before > 0 && spans->out[before - 1].count == 0) {
        before--;
    }
    if (before > 0) {
        note_step(&spans->marks[span], spans->out[before - 1].last_time.ms, time);
    }
}

/* --- values --- */

void hyp_spans_add_value(const struct hyp_spans *spans, int64_t time, int64_t digits,
                         int8_t exp10, enum hyp_quality quality)
{
    size_t span = find_span(spans, time);
    if (span == spans->count) {
        return;
    }
    struct run run = {.count = 1,
                      .exp10 = exp10,
                      .first_time = time,
                      .last_time = time,
                      .first = digits,
                      .last = digits,
                      .min = digits,
                      .max = digits,
                      .sum = digits};
    if (spans->marks != NULL) {
        note_step_to(spans, span, time);
        count_quality(&spans->marks[span], quality);
    }
    add_run(&spans->out[span], &run);
}

/* --- from the head --- */

bool hyp_spans_add_head(const struct hyp_spans *spans, const struct hyp_chunk *chunk,
                        const struct hyp_chunk_stats *stats)
{
    size_t span = find_span(spans, chunk->first);
    if (spans->marks != NULL || stats->count == 0 || span == spans->count ||
        find_span(spans, chunk->last) != span) {
        return false;
    }
    struct run run = {.count = stats->count,
                      .exp10 = stats->exp10,
                      .first_time = chunk->first,
                      .last_time = chunk->last,
                      .first = stats->first,
                      .last = stats->last,
                      .min = stats->min,
                      .max = stats->max,
                      .sum = stats->sum};
    add_run(&spans->out[span], &run);
    return true;
}

/* --- from a column --- */

/* Where the run ends that begins at `begin`: values before the time `end` at one exponent. */
static uint32_t find_run_end(const struct hyp_chunk_column *column,
                             const struct hyp_chunk_work *work, uint32_t begin, int64_t end)
{
    uint32_t i = begin + 1;
    while (i < column->cells && work->times[work->rows[i]] < end &&
           work->exponents[i] == work->exponents[begin]) {
        i++;
    }
    return i;
}

/* Values [begin, end) of work as one run. */
static void make_run(const struct hyp_chunk_work *work, uint32_t begin, uint32_t end,
                     struct run *run)
{
    const int64_t *digits = work->payloads;
    int64_t min = digits[begin];
    int64_t max = digits[begin];
    hyp_int128 sum = 0;
    for (uint32_t i = begin; i < end; i++) {
        min = digits[i] < min ? digits[i] : min;
        max = digits[i] > max ? digits[i] : max;
        sum += digits[i];
    }
    *run = (struct run){.count = end - begin,
                        .exp10 = work->exponents[begin],
                        .first_time = work->times[work->rows[begin]],
                        .last_time = work->times[work->rows[end - 1]],
                        .first = digits[begin],
                        .last = digits[end - 1],
                        .min = min,
                        .max = max,
                        .sum = sum};
}

/* Without a branch: nearly always they all are, and this says so of many at once. */
static bool are_good(const uint8_t *qualities, uint32_t count)
{
    unsigned other = 0;
    for (uint32_t i = 0; i < count; i++) {
        other |= (unsigned)(qualities[i] ^ HYP_QUALITY_GOOD);
    }
    return other == 0;
}

/* Values [begin, end) of work, which are of one span. */
static void mark_run(const struct hyp_spans *spans, size_t span,
                     const struct hyp_chunk_work *work, uint32_t begin, uint32_t end)
{
    struct hyp_summary_marks *marks = &spans->marks[span];
    int64_t before = work->times[work->rows[begin]];
    note_step_to(spans, span, before);
    if (!are_good(work->qualities + begin, end - begin)) {
        for (uint32_t i = begin; i < end; i++) {
            count_quality(marks, (enum hyp_quality)work->qualities[i]);
        }
    }
    int64_t longest = marks->step_to.ms - marks->step_from.ms;
    for (uint32_t i = begin + 1; i < end; i++) {
        int64_t time = work->times[work->rows[i]];
        if (time - before > longest) {
            note_step(marks, before, time);
            longest = time - before;
        }
        before = time;
    }
}

void hyp_spans_add_column(const struct hyp_spans *spans, const struct hyp_chunk_column *column,
                          const struct hyp_chunk_work *work)
{
    for (uint32_t i = 0; i < column->cells;) {
        int64_t time = work->times[work->rows[i]];
        size_t span = find_span(spans, time);
        bool inside = span < spans->count;
        int64_t end = inside                       ? spans->bounds[span + 1].ms
                      : time < spans->bounds[0].ms ? spans->bounds[0].ms
                                                   : INT64_MAX;
        uint32_t next = find_run_end(column, work, i, end);
        if (inside) {
            struct run run;
            make_run(work, i, next, &run);
            if (spans->marks != NULL) {
                mark_run(spans, span, work, i, next);
            }
            add_run(&spans->out[span], &run);
        }
        i = next;
    }
}
