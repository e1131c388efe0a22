/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members: when several servers work on one database, this one keeps up with what the others
 * change in plant and people, and opens only lines that no other has open.
 *
 * A line is leased (hyp_store_line_lease) before it is opened, and closed when the lease was
 * lost. Lines that listen for senders are open in every member: senders choose one. A server
 * that is alone follows only what it has changed itself: by a commit that was given up
 * (store.h), or when there was no memory to follow at once.
 */
#ifndef HYP_SERVICE_MEMBERS_H
#define HYP_SERVICE_MEMBERS_H

#include "base/map.h"
#include "store/store.h"

#include <pthread.h>

struct hyp_service;

struct hyp_members {
    pthread_mutex_t lock; /* of what was told */
    struct hyp_store_changes told;
    struct hyp_map
        lines; /* enabled lines that need a lease -> 1 when it is there; plant's lock */
};

/* No lines, nothing told. finish leaves leases to the store. */
void hyp_members_init(struct hyp_members *members);
void hyp_members_finish(struct hyp_members *members);

/* For hyp_store_observer: another member has changed something. */
void hyp_members_told(void *user, const struct hyp_store_changes *changes);
/* A line or device, if it is there, could not be taken over from the store: once more with the
 * next look. */
void hyp_members_look_again(struct hyp_service *service, const struct hyp_store_change *change);
/* May this server open a line that is about to be given to the collector? Under the plant's
 * lock, or before there are requests. */
bool hyp_members_may_open(struct hyp_service *service, const struct hyp_line *line);
/* The line is gone. Under the plant's lock. */
void hyp_members_drop_line(struct hyp_service *service, hyp_line_id line);
/* Called by the keeper: follows what was told, looks after leases, and then after orders that
 * are passed on (service/passing.h). */
void hyp_members_look(struct hyp_service *service);
/* The same without the leases, when there are orders: their devices may be new. */
void hyp_members_look_at_orders(struct hyp_service *service);
/* Has this server the lease of a line? Not under the plant's lock. */
bool hyp_members_has_line(struct hyp_service *service, hyp_line_id line);
/*
 * Can this server ask on a line? Not when another one has it open: the error names that one.
 * Not under the plant's lock.
 * Returns   HYP_OK (also for a line that nobody can ask on: that is the collector's to say)
 *           | CONFLICT (another server has it) | BUSY (none has it yet)
 */
HYP_MUST_USE enum hyp_status hyp_members_check_line(struct hyp_service *service,
                                                    hyp_tenant_id tenant, hyp_line_id line,
                                                    struct hyp_error *err);
/* The same for the lines of devices. */
HYP_MUST_USE enum hyp_status hyp_members_check_devices(struct hyp_service *service,
                                                       hyp_tenant_id tenant,
                                                       const hyp_device_id *devices,
                                                       size_t count, struct hyp_error *err);
/* How many lines this server has leased. */
size_t hyp_members_lines(struct hyp_service *service);

#endif
