/* SPDX-License-Identifier: Apache-2.0 */
#include "service/series_marks.h"

#include "service/counting.h"

#include <stdlib.h>

static int by_size(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one;
    int64_t b = *(const int64_t *)other;
    return a < b ? -1 : a > b ? 1 : 0;
}

int64_t hyp_series_longest_step(const struct hyp_summary *buckets, size_t count,
                                struct hyp_arena *arena)
{
    int64_t *steps = hyp_arena_alloc_array(arena, count + 1, sizeof(*steps));
    size_t known = 0;
    for (size_t i = 0; steps != NULL && i < count; i++) {
        if (buckets[i].count >= 2) {
            int64_t span_ms = buckets[i].last_time.ms - buckets[i].first_time.ms;
            steps[known++] = span_ms / (int64_t)(buckets[i].count - 1);
        }
    }
    if (known == 0) {
        return INT64_MAX;
    }
    qsort(steps, known, sizeof(*steps), by_size);
    return steps[known / 2] / 2 * 7;
}

enum hyp_status hyp_series_find_events(struct hyp_store *store, hyp_tenant_id tenant,
                                       hyp_utc from, hyp_utc to, struct hyp_arena *arena,
                                       struct hyp_series *series)
{
    struct hyp_counter_entry *entries = NULL;
    size_t count = 0;
    if (!hyp_point_is_counter(&series->point)) {
        return HYP_OK;
    }
    enum hyp_status status =
        hyp_store_counter_entries(store, tenant, series->point.id, arena, &entries, &count);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        if (entries[i].time.ms >= from.ms && entries[i].time.ms < to.ms) {
            entries[series->event_count++] = entries[i];
        }
    }
    series->events = entries;
    return status;
}
