/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders that members pass on: who is asked to read devices of a line that another member has
 * open writes an order, the one that has the line takes it and tells how it goes, and who asked
 * removes it. Part of store.h, which includes it.
 *
 * An order is taken once: in the session that has the lease of the line, and never again,
 * whatever becomes of the one that took it. Time is the database's. Each change is told to the
 * others (struct hyp_store_changes). All return UNSUPPORTED when this process is alone.
 */
#ifndef HYP_STORE_ORDERS_H
#define HYP_STORE_ORDERS_H

#include "store/store.h"

struct hyp_order_row {
    int64_t id;
    hyp_tenant_id tenant;
    hyp_line_id line;
    int64_t user;                          /* on whose behalf; 0 = nobody's */
    char asker[HYP_LIMIT_MEMBER_NAME + 1]; /* by whom it is passed on */
    char taker[HYP_LIMIT_MEMBER_NAME + 1]; /* "" = it waits for the one that has the line */
    bool cancelled;
    bool ended;
    enum hyp_job_state state; /* of the taker's job */
    uint32_t done;
    uint32_t failed;
    char text[HYP_ERROR_TEXT_MAX]; /* the first failure in words */
};

/*
 * Passes an order on.
 * @order    tenant, line and user; its id and asker are set, only with OK
 * @devices  1 to HYP_LIMIT_LINE_QUEUE
 * Returns   HYP_OK | NO_MEMORY | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_store_order_add(struct hyp_store *store,
                                                 struct hyp_order_row *order,
                                                 const hyp_device_id *devices, size_t count);
/* Orders that this member has passed on or taken, and those that may still be taken; by
 * number. */
HYP_MUST_USE enum hyp_status hyp_store_orders(struct hyp_store *store, struct hyp_arena *arena,
                                              struct hyp_order_row **ret_orders,
                                              size_t *ret_count);
/*
 * Takes an order, for the only time.
 * @ret_devices  in `arena`
 * Returns   HYP_OK | CONFLICT (taken, cancelled, or older than HYP_LIMIT_MEMBER_ORDER_MS)
 *           | BUSY (this member has not the lease of the line) | NO_MEMORY | what the database
 *           says: then it may be taken all the same, and must not be carried out
 */
HYP_MUST_USE enum hyp_status
hyp_store_order_take(struct hyp_store *store, const struct hyp_order_row *order,
                     struct hyp_arena *arena, hyp_device_id **ret_devices, size_t *ret_count);
/* Tells how an order goes that this member has taken: ended, state, done, failed, text.
 * NOT_FOUND when it has ended, or nobody waits for it any more. */
HYP_MUST_USE enum hyp_status hyp_store_order_tell(struct hyp_store *store,
                                                  const struct hyp_order_row *order);
/* Asks its taker to cancel it. NOT_FOUND when it has ended. */
HYP_MUST_USE enum hyp_status hyp_store_order_cancel(struct hyp_store *store, int64_t id);
/* Removes an order that is still as it was seen. CONFLICT when it has been taken or has ended
 * since; then it is there. */
HYP_MUST_USE enum hyp_status hyp_store_order_remove(struct hyp_store *store,
                                                    const struct hyp_order_row *seen);

#endif
