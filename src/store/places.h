/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places where devices measure, which device was at which place when, and groups of devices.
 * Part of store.h, which includes it.
 */
#ifndef HYP_STORE_PLACES_H
#define HYP_STORE_PLACES_H

#include "store/store.h"

/* --- metering points --- */

/* A place that is measured; devices come and go, the place stays. */
struct hyp_metering_point {
    int64_t id;
    hyp_tenant_id tenant;
    char name[HYP_LIMIT_NAME];
    char address[HYP_LIMIT_NAME];
    char medium[24];  /* "heat", "water", as in the names of media */
    int64_t revision; /* 1 = as added */
};

/*
 * Adds a metering point.
 * @point  its id and revision are set, only with OK
 * Returns   HYP_OK | NOT_FOUND (the tenant) | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_store_metering_point_add(struct hyp_store *store,
                                                          struct hyp_metering_point *point,
                                                          struct hyp_error *err);
/* All metering points of a tenant, in the order in which they were added. */
HYP_MUST_USE enum hyp_status hyp_store_metering_points(struct hyp_store *store,
                                                       hyp_tenant_id tenant,
                                                       struct hyp_arena *arena,
                                                       struct hyp_metering_point **ret_points,
                                                       size_t *ret_count);

/* --- installations --- */

/* A device at a metering point during [from, to). */
struct hyp_installation {
    int64_t id;
    int64_t metering_point;
    hyp_device_id device;
    hyp_utc from;
    hyp_utc to; /* 0 = installed now */
};

/*
 * Adds an installation.
 * @installation  its id is set, only with OK
 * Returns   HYP_OK
 *         | INVALID    it ends before it begins
 *         | NOT_FOUND  the metering point or the device is not the tenant's
 *         | CONFLICT   another one of the same place or device overlaps it
 *         | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_store_installation_add(struct hyp_store *store,
                                                        hyp_tenant_id tenant,
                                                        struct hyp_installation *installation,
                                                        struct hyp_error *err);
/*
 * Installations of a tenant, by their begin.
 * @device  only those of this one; id 0 = of all
 */
HYP_MUST_USE enum hyp_status hyp_store_installations(struct hyp_store *store,
                                                     hyp_tenant_id tenant, hyp_device_id device,
                                                     struct hyp_arena *arena,
                                                     struct hyp_installation **ret_list,
                                                     size_t *ret_count);

/* --- groups --- */

/* Devices that are looked at together; a device may be in many groups. */
struct hyp_group {
    int64_t id;
    hyp_tenant_id tenant;
    char name[HYP_LIMIT_NAME];
    uint32_t members;
};

/*
 * Adds a group without members.
 * @group  its id and number of members are set, only with OK
 * Returns   HYP_OK | EXISTS (the tenant has one of this name) | NOT_FOUND (the tenant)
 *         | what the database says
 */
HYP_MUST_USE enum hyp_status
hyp_store_group_add(struct hyp_store *store, struct hyp_group *group, struct hyp_error *err);
/* Removes a group, not its devices. NOT_FOUND when the tenant has no such one. */
HYP_MUST_USE enum hyp_status hyp_store_group_remove(struct hyp_store *store,
                                                    hyp_tenant_id tenant, int64_t group,
                                                    struct hyp_error *err);
/* All groups of a tenant by name. */
HYP_MUST_USE enum hyp_status hyp_store_groups(struct hyp_store *store, hyp_tenant_id tenant,
                                              struct hyp_arena *arena,
                                              struct hyp_group **ret_groups, size_t *ret_count);
/* Devices that go into a group and out of it. One in both lists goes out. */
struct hyp_group_change {
    const hyp_device_id *add; /* those that are in it stay */
    size_t add_count;
    const hyp_device_id *remove; /* those that are not in it stay out */
    size_t remove_count;
};
/*
 * Takes devices into a group and out of it: all or none.
 * Returns   HYP_OK | NOT_FOUND (the group or a device; *err names it) | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_store_group_change(struct hyp_store *store,
                                                    hyp_tenant_id tenant, int64_t group,
                                                    const struct hyp_group_change *change,
                                                    struct hyp_error *err);
/* The devices of a group by id. NOT_FOUND when the tenant has no such group. */
HYP_MUST_USE enum hyp_status hyp_store_group_members(struct hyp_store *store,
                                                     hyp_tenant_id tenant, int64_t group,
                                                     struct hyp_arena *arena,
                                                     hyp_device_id **ret_devices,
                                                     size_t *ret_count);

#endif
