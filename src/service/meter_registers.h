/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same register of many meters: of a group, of a list, or of all, so that a question about
 * a town is one question. What the registers counted is asked one by one with a
 * hyp_period_walk.
 */
#ifndef HYP_SERVICE_METER_REGISTERS_H
#define HYP_SERVICE_METER_REGISTERS_H

#include "base/arena.h"
#include "service/scope.h"
#include "service/service.h"

struct hyp_meter_registers_query {
    struct hyp_point_key key;
    int64_t group;                /* 0 = any */
    const hyp_device_id *devices; /* NULL = any */
    size_t device_count;
    struct hyp_str search; /* as in lists of devices; empty = any */
    struct hyp_str kind;   /* empty = any */
};

struct hyp_meter_register {
    hyp_point_id point;
    hyp_device_id device;
    enum hyp_unit unit;
    const char *name; /* of the device; all texts in the arena */
    const char *serial;
};

struct hyp_meter_registers {
    struct hyp_meter_register *list; /* by name of the device */
    size_t count;
    size_t without; /* devices that were asked for and have no such register */
};

/*
 * Finds the register `key` of every meter that fits all that is asked, by name of the meter.
 * Returns  HYP_OK | DENIED | NOT_FOUND (group, or a device of the list) | LIMIT (arena)
 * Limits   holds a few words per meter
 * Context  worker
 */
HYP_MUST_USE enum hyp_status
hyp_meter_registers_find(struct hyp_service *service, const struct hyp_scope *scope,
                         const struct hyp_meter_registers_query *query, struct hyp_arena *arena,
                         struct hyp_meter_registers *ret_registers, struct hyp_error *err);

#endif
