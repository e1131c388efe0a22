/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learned: what the collector found out about meters and that must survive a restart - formats
 * of compact frames, registers that a Modbus device does not have. Kept as blobs in the store.
 */
#ifndef HYP_SERVICE_LEARNED_H
#define HYP_SERVICE_LEARNED_H

#include "service/service.h"

struct hyp_learned;

/* HYP_OK | NO_MEMORY. destroy takes NULL; what was not saved is learned again. */
HYP_MUST_USE enum hyp_status hyp_learned_create(struct hyp_learned **ret_learned);
void *hyp_learned_destroy(struct hyp_learned *learned);

/* Reads the formats from the store and hands everything to the collector (may be NULL). */
HYP_MUST_USE enum hyp_status hyp_learned_restore(struct hyp_service *service,
                                                 struct hyp_collector *collector);
/* Writes what is new; called by the keeper. */
void hyp_learned_save(struct hyp_service *service);

/* Observer calls; the loop thread. Copied, and saved by the keeper; what finds no room is
 * learned again after a restart. @user  the service */
void hyp_learned_on_format(void *user, const struct hyp_compact_format *format);
void hyp_learned_on_holes(void *user, hyp_device_id device, const struct hyp_modbus_hole *holes,
                          size_t count);

/* By signature; NULL when unknown. Lives as long as the service. Any thread. */
const struct hyp_compact_format *hyp_learned_format(struct hyp_service *service,
                                                    uint16_t signature);

#endif
