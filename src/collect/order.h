/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order: a job somebody asked for (read now, scan, test), with its progress and its result.
 *
 * An order consists of items (one per device; one per scan or test). It ends when all items
 * have ended. Finished orders are remembered up to a limit, oldest forgotten first. Loop thread
 * only.
 */
#ifndef HYP_COLLECT_ORDER_H
#define HYP_COLLECT_ORDER_H

#include "base/arena.h"
#include "base/map.h"
#include "collect/collect.h"
#include "collect/station.h"

struct hyp_order {
    struct hyp_job job;
    struct hyp_order *newer;
    struct hyp_order *older;
    bool with_errors; /* an item ended with part of its values missing */
    bool cancelled;
    /* scan */
    struct hyp_scan scan;
    int scan_next;
    uint8_t scan_rate; /* place in scan.bauds */
    struct hyp_found_device *found;
    struct hyp_meter_command command;
    /* test: a station of its own, and what it said */
    struct hyp_station *probe;
    struct hyp_arena arena;
    struct hyp_value *values;
    size_t value_count;
    struct hyp_meter_identity meter;
    char profile[64];
};

struct hyp_orders {
    struct hyp_map by_id;
    struct hyp_order *newest;
    struct hyp_order *oldest;
    size_t count;
    size_t results; /* finished tests that still have their values */
    uint64_t last_id;
    const struct hyp_clock *clock;
    const struct hyp_collect_observer *observer;
};

/* No orders; clock and observer must outlive them. finish frees all without telling anybody. */
void hyp_orders_init(struct hyp_orders *orders, const struct hyp_clock *clock,
                     const struct hyp_collect_observer *observer);
void hyp_orders_finish(struct hyp_orders *orders);

/*
 * A new order that waits.
 * @job   kind, priority, line, device and total of its items; the rest is filled in
 * Returns   HYP_OK | LIMIT (HYP_LIMIT_JOBS are unfinished) | NO_MEMORY; *err says so
 */
HYP_MUST_USE enum hyp_status hyp_order_create(struct hyp_orders *orders,
                                              const struct hyp_job *job,
                                              struct hyp_order **ret_order,
                                              struct hyp_error *err);
/* NULL when there is none, or it has left the history. */
struct hyp_order *hyp_orders_find(const struct hyp_orders *orders, hyp_job_id id);

/* Has it ended, well or not? A cancelled one has when its last item has ended. */
bool hyp_order_is_finished(const struct hyp_order *order);
/* An item is further on its way; going back (a retry) is shown too. */
void hyp_order_progress(struct hyp_orders *orders, struct hyp_order *order,
                        enum hyp_job_state state);
/*
 * An item has ended.
 * @partial  it gave values, but not all
 * @text     about a failure; may be NULL
 */
void hyp_order_item_ended(struct hyp_orders *orders, struct hyp_order *order,
                          enum hyp_status status, bool partial, const char *text);
/* An item that will end well lacks part of its values. */
void hyp_order_note_partial(struct hyp_order *order, bool partial, const char *text);
struct hyp_arrived;
/* A test has its values; they live in the order's arena. */
void hyp_order_tested(struct hyp_orders *orders, struct hyp_order *order,
                      const struct hyp_arrived *arrived, const struct hyp_profile *profile);
/* A scan has found a device. */
void hyp_order_found(struct hyp_orders *orders, struct hyp_order *order,
                     const struct hyp_found_device *found);
/* Progress of a scan. */
void hyp_order_scanned(struct hyp_orders *orders, struct hyp_order *order, uint32_t done);

#endif
