/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a line of a chart does not show by itself: outages within buckets, and when the meter
 * was exchanged or its register reset. For readings.c and those who draw.
 */
#ifndef HYP_SERVICE_SERIES_MARKS_H
#define HYP_SERVICE_SERIES_MARKS_H

#include "service/readings.h"

/*
 * The longest step between two values that is no outage: three and a half times the usual one
 * of the buckets, as the browser has it where values come one by one. INT64_MAX where too
 * little is known.
 */
int64_t hyp_series_longest_step(const struct hyp_summary *buckets, size_t count,
                                struct hyp_arena *arena);
/* The exchanges and resets of its counter in [from, to). HYP_OK | what the store says */
HYP_MUST_USE enum hyp_status hyp_series_find_events(struct hyp_store *store,
                                                    hyp_tenant_id tenant, hyp_utc from,
                                                    hyp_utc to, struct hyp_arena *arena,
                                                    struct hyp_series *series);

#endif
