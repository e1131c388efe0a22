/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reception: which receivers hear a radio device, for people, and kept over restarts.
 *
 * The numbers live in the collector. They are written down now and then and at the end, as one
 * blob per HYP_RECEPTION_GROUP device ids, and only for groups in which something was heard: a
 * crash loses some minutes of counts, never a reading.
 */
#ifndef HYP_SERVICE_RECEPTION_H
#define HYP_SERVICE_RECEPTION_H

#include "service/scope.h"
#include "service/service.h"

#define HYP_RECEPTION_GROUP 256

/* One receiver, with the name of its line. */
struct hyp_receiver_view {
    struct hyp_heard_by heard;
    char line_name[HYP_LIMIT_NAME];
};
struct hyp_reception_view {
    struct hyp_reception_state state;
    size_t count; /* lines that have been removed are left out */
    struct hyp_receiver_view receivers[HYP_LIMIT_RECEIVERS]; /* best first */
};
/*
 * @ret_view  empty for a device that was never heard by radio
 * Returns    HYP_OK | DENIED | NOT_FOUND
 */
HYP_MUST_USE enum hyp_status hyp_reception_get(struct hyp_service *service,
                                               const struct hyp_scope *scope,
                                               hyp_device_id device,
                                               struct hyp_reception_view *ret_view,
                                               struct hyp_error *err);

/* Writes down what has changed. The keeper, and whoever ends the service. */
void hyp_reception_save(struct hyp_service *service);
/* Hands everything to the collector. What is damaged is left out. */
void hyp_reception_restore(struct hyp_service *service, struct hyp_collector *collector);

#endif
