/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metering points, installations of devices at them, and groups.
 */
#include "store/core.h"

#define POINT_EXISTS "SELECT 1 FROM metering_point WHERE id = $1 AND tenant = $2"
#define GROUP_EXISTS "SELECT 1 FROM device_group WHERE id = $1 AND tenant = $2"

/* A foreign key that fails here can only be the tenant. */
static enum hyp_status tenant_missing(enum hyp_status status)
{
    return status == HYP_CONFLICT ? HYP_NOT_FOUND : status;
}

enum hyp_status hyp_store_metering_point_add(struct hyp_store *store,
                                             struct hyp_metering_point *point,
                                             struct hyp_error *err)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "INSERT INTO metering_point(tenant, name, address, medium, revision)"
                   " VALUES ($1, $2, $3, $4, 1) RETURNING id");
    hyp_query_bind_i64(&query, point->tenant.id);
    hyp_query_bind_text(&query, point->name);
    hyp_query_bind_text(&query, point->address);
    hyp_query_bind_text(&query, point->medium);
    int64_t id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status =
        hyp_core_finish(store, hyp_query_close(&query), err, "metering point");
    if (status == HYP_OK) {
        point->id = id;
        point->revision = 1;
    }
    return tenant_missing(status);
}

enum hyp_status hyp_store_metering_points(struct hyp_store *store, hyp_tenant_id tenant,
                                          struct hyp_arena *arena,
                                          struct hyp_metering_point **ret_points,
                                          size_t *ret_count)
{
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_metering_point),
                    "SELECT id, tenant, name, address, medium, revision FROM metering_point"
                    " WHERE tenant = $1 ORDER BY id");
    hyp_query_bind_i64(&set.query, tenant.id);
    struct hyp_metering_point *point;
    while ((point = hyp_rowset_next(&set)) != NULL) {
        point->id = hyp_query_i64(&set.query);
        point->tenant.id = hyp_query_i64(&set.query);
        hyp_query_text(&set.query, point->name, sizeof(point->name));
        hyp_query_text(&set.query, point->address, sizeof(point->address));
        hyp_query_text(&set.query, point->medium, sizeof(point->medium));
        point->revision = hyp_query_i64(&set.query);
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_points = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}

/* --- installations --- */

static enum hyp_status check_installation(struct hyp_db *db, hyp_tenant_id tenant,
                                          const struct hyp_installation *installation,
                                          struct hyp_error *err)
{
    if (installation->to.ms != 0 && installation->to.ms <= installation->from.ms) {
        return hyp_error_set(err, HYP_INVALID, -1, "the installation ends before it begins");
    }
    enum hyp_status status =
        hyp_core_exists(db, POINT_EXISTS, installation->metering_point, tenant);
    if (status == HYP_OK) {
        status = hyp_core_exists(db, HYP_SQL_DEVICE_EXISTS, installation->device.id, tenant);
    }
    if (status != HYP_OK) {
        return hyp_error_set(err, status, -1, "metering point or device is not there");
    }
    struct hyp_query query;
    /* [a, b) and [c, d) overlap when a < d and c < b; an open end is later than everything. */
    hyp_query_open(&query, db,
                   "SELECT id FROM installation WHERE (metering_point = $1 OR device = $2)"
                   " AND (until = 0 OR until > $3) AND ($4 = 0 OR since < $4)");
    hyp_query_bind_i64(&query, installation->metering_point);
    hyp_query_bind_i64(&query, installation->device.id);
    hyp_query_bind_i64(&query, installation->from.ms);
    hyp_query_bind_i64(&query, installation->to.ms);
    bool overlap = hyp_query_row(&query);
    status = hyp_query_close(&query);
    if (status == HYP_OK && overlap) {
        return hyp_error_set(err, HYP_CONFLICT, -1,
                             "the period overlaps another installation of this place or device:"
                             " end that one first");
    }
    return status;
}

enum hyp_status hyp_store_installation_add(struct hyp_store *store, hyp_tenant_id tenant,
                                           struct hyp_installation *installation,
                                           struct hyp_error *err)
{
    struct hyp_db *db = hyp_core_begin(store);
    enum hyp_status status = check_installation(db, tenant, installation, err);
    if (status != HYP_OK) {
        return hyp_core_finish(store, status, err, "installation");
    }
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "INSERT INTO installation(metering_point, device, since, until)"
                   " VALUES ($1, $2, $3, $4) RETURNING id");
    hyp_query_bind_i64(&query, installation->metering_point);
    hyp_query_bind_i64(&query, installation->device.id);
    hyp_query_bind_i64(&query, installation->from.ms);
    hyp_query_bind_i64(&query, installation->to.ms);
    int64_t id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    status = hyp_core_finish(store, hyp_query_close(&query), err, "installation");
    if (status == HYP_OK) {
        installation->id = id;
    }
    return status;
}

enum hyp_status hyp_store_installations(struct hyp_store *store, hyp_tenant_id tenant,
                                        hyp_device_id device, struct hyp_arena *arena,
                                        struct hyp_installation **ret_list, size_t *ret_count)
{
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_installation),
                    "SELECT installation.id, metering_point, device, since, until"
                    " FROM installation JOIN device ON device.id = installation.device"
                    " WHERE device.tenant = $1 AND ($2 = 0 OR device.id = $2)"
                    " ORDER BY since, installation.id");
    hyp_query_bind_i64(&set.query, tenant.id);
    hyp_query_bind_i64(&set.query, device.id);
    struct hyp_installation *installation;
    while ((installation = hyp_rowset_next(&set)) != NULL) {
        installation->id = hyp_query_i64(&set.query);
        installation->metering_point = hyp_query_i64(&set.query);
        installation->device.id = hyp_query_i64(&set.query);
        installation->from = hyp_query_utc(&set.query);
        installation->to = hyp_query_utc(&set.query);
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_list = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}

/* --- groups --- */

enum hyp_status hyp_store_group_add(struct hyp_store *store, struct hyp_group *group,
                                    struct hyp_error *err)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "INSERT INTO device_group(tenant, name) VALUES ($1, $2) RETURNING id");
    hyp_query_bind_i64(&query, group->tenant.id);
    hyp_query_bind_text(&query, group->name);
    int64_t id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status = hyp_core_finish(store, hyp_query_close(&query), err, "group");
    if (status == HYP_EXISTS) {
        return hyp_error_set(err, status, -1, "there is already a group \"%s\"", group->name);
    }
    if (status == HYP_OK) {
        group->id = id;
        group->members = 0;
    }
    return tenant_missing(status);
}

enum hyp_status hyp_store_group_remove(struct hyp_store *store, hyp_tenant_id tenant,
                                       int64_t group, struct hyp_error *err)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "DELETE FROM device_group WHERE id = $1 AND tenant = $2");
    hyp_query_bind_i64(&query, group);
    hyp_query_bind_i64(&query, tenant.id);
    int64_t changes = 1;
    enum hyp_status status =
        hyp_core_finish(store, hyp_query_run(&query, &changes), err, "group");
    if (status == HYP_OK && changes == 0) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "there is no group %lld",
                             (long long)group);
    }
    return status;
}

enum hyp_status hyp_store_groups(struct hyp_store *store, hyp_tenant_id tenant,
                                 struct hyp_arena *arena, struct hyp_group **ret_groups,
                                 size_t *ret_count)
{
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_group),
                    "SELECT id, tenant, name,"
                    " (SELECT COUNT(*) FROM group_member WHERE device_group = device_group.id)"
                    " FROM device_group WHERE tenant = $1 ORDER BY name, id");
    hyp_query_bind_i64(&set.query, tenant.id);
    struct hyp_group *group;
    while ((group = hyp_rowset_next(&set)) != NULL) {
        group->id = hyp_query_i64(&set.query);
        group->tenant.id = hyp_query_i64(&set.query);
        hyp_query_text(&set.query, group->name, sizeof(group->name));
        group->members = (uint32_t)hyp_query_i64(&set.query);
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_groups = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}

static enum hyp_status set_member(struct hyp_db *db, int64_t group, hyp_device_id device,
                                  bool member)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   member ? "INSERT INTO group_member(device_group, device) VALUES ($1, $2)"
                            " ON CONFLICT DO NOTHING"
                          : "DELETE FROM group_member WHERE device_group = $1 AND device = $2");
    hyp_query_bind_i64(&query, group);
    hyp_query_bind_i64(&query, device.id);
    return hyp_query_run(&query, NULL);
}

static enum hyp_status set_members(struct hyp_db *db, hyp_tenant_id tenant, int64_t group,
                                   const hyp_device_id *devices, size_t count, bool member,
                                   struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = hyp_core_exists(db, HYP_SQL_DEVICE_EXISTS, devices[i].id, tenant);
        if (status == HYP_OK) {
            status = set_member(db, group, devices[i], member);
        } else if (status == HYP_NOT_FOUND) {
            hyp_error_set(err, status, -1, "there is no device %lld", (long long)devices[i].id);
        }
    }
    return status;
}

enum hyp_status hyp_store_group_change(struct hyp_store *store, hyp_tenant_id tenant,
                                       int64_t group, const struct hyp_group_change *change,
                                       struct hyp_error *err)
{
    struct hyp_db *db = hyp_core_begin(store);
    enum hyp_status status = hyp_core_exists(db, GROUP_EXISTS, group, tenant);
    if (status == HYP_NOT_FOUND) {
        hyp_error_set(err, status, -1, "there is no group %lld", (long long)group);
    }
    if (status == HYP_OK) {
        status = set_members(db, tenant, group, change->add, change->add_count, true, err);
    }
    if (status == HYP_OK) {
        status =
            set_members(db, tenant, group, change->remove, change->remove_count, false, err);
    }
    return hyp_core_finish(store, status, err, "group");
}

enum hyp_status hyp_store_group_members(struct hyp_store *store, hyp_tenant_id tenant,
                                        int64_t group, struct hyp_arena *arena,
                                        hyp_device_id **ret_devices, size_t *ret_count)
{
    enum hyp_status status = hyp_core_check(store, GROUP_EXISTS, group, tenant);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(hyp_device_id),
                    "SELECT device FROM group_member WHERE device_group = $1 ORDER BY device");
    hyp_query_bind_i64(&set.query, group);
    hyp_device_id *device;
    while ((device = hyp_rowset_next(&set)) != NULL) {
        device->id = hyp_query_i64(&set.query);
    }
    status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_devices = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}
