/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting: what people tell about counters (exchanges, resets, digits, settlement day and
 * hour): checked, kept with its author, and handed to src/metering with the readings.
 */
#ifndef HYP_SERVICE_COUNTING_H
#define HYP_SERVICE_COUNTING_H

#include "base/arena.h"
#include "metering/counter.h"
#include "service/scope.h"
#include "service/service.h"

struct hyp_counting_view {
    struct hyp_point point;
    struct hyp_counting counting;
    struct hyp_counter_entry *entries; /* in order of time */
    size_t entry_count;
};

/* HYP_OK | DENIED | NOT_FOUND | UNSUPPORTED (no counter) */
HYP_MUST_USE enum hyp_status hyp_counting_get(struct hyp_service *service,
                                              const struct hyp_scope *scope, hyp_point_id point,
                                              struct hyp_arena *arena,
                                              struct hyp_counting_view *ret_view,
                                              struct hyp_error *err);
/* The settlement is that of the whole device. HYP_OK | DENIED | NOT_FOUND | INVALID ... */
HYP_MUST_USE enum hyp_status hyp_counting_set(struct hyp_service *service,
                                              const struct hyp_scope *scope, hyp_point_id point,
                                              const struct hyp_counting *counting,
                                              struct hyp_error *err);
/* Fills in id, author and when it was entered. EXISTS: there is one at this time. */
HYP_MUST_USE enum hyp_status hyp_counting_entry_add(struct hyp_service *service,
                                                    const struct hyp_scope *scope,
                                                    struct hyp_counter_entry *entry,
                                                    struct hyp_error *err);
/* Takes an exchange or reset back. HYP_OK | DENIED | NOT_FOUND (the point, or no such entry of
 * it) | what the store says */
HYP_MUST_USE enum hyp_status hyp_counting_entry_remove(struct hyp_service *service,
                                                       const struct hyp_scope *scope,
                                                       hyp_point_id point, int64_t id,
                                                       struct hyp_error *err);

/*
 * What src/metering needs of a counter.
 * @ret_rules   its modulus is 10^digits; 0 when the digits are not known: no roll-over
 * @ret_events  exchanges and resets by time, in the arena
 * Returns      HYP_OK | NOT_FOUND (the point) | LIMIT (arena) | what the store says
 */
HYP_MUST_USE enum hyp_status
hyp_counting_rules(struct hyp_service *service, hyp_tenant_id tenant, hyp_point_id point,
                   struct hyp_arena *arena, struct hyp_counting *ret_counting,
                   struct hyp_counter_rules *ret_rules, struct hyp_counter_event **ret_events,
                   size_t *ret_count);

/* Is it the running total of a counter? */
bool hyp_point_is_counter(const struct hyp_point *point);

#endif
