/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices. Their keys are boxes in the database and plain only in memory. The historian's
 * registry follows every commit, so that intake and queries find a device without SQL.
 */
#include "store/core.h"
#include "store/follow.h"
#include "store/historian.h"
#include "store/intake.h"

/* In the order of read_device. */
#define DEVICE_COLUMNS                                                                         \
    "id, tenant, line, name, kind, profile, manufacturer, serial, version, medium,"            \
    " primary_address, secondary, unit_id, address, city, latitude, longitude, schedule,"      \
    " enabled, baud, revision, created, secret"

static enum hyp_status read_device(struct hyp_store *store, struct hyp_query *query,
                                   struct hyp_device *device)
{
    *device = (struct hyp_device){.id.id = hyp_query_i64(query)};
    device->tenant.id = hyp_query_i64(query);
    device->line.id = hyp_query_i64(query);
    hyp_query_text(query, device->name, sizeof(device->name));
    hyp_query_text(query, device->kind, sizeof(device->kind));
    hyp_query_text(query, device->profile, sizeof(device->profile));
    hyp_query_text(query, device->manufacturer, sizeof(device->manufacturer));
    hyp_query_text(query, device->serial, sizeof(device->serial));
    device->version = (int16_t)hyp_query_i64(query);
    device->medium = (int16_t)hyp_query_i64(query);
    device->primary_address = (int16_t)hyp_query_i64(query);
    device->secondary = hyp_query_i64(query) != 0;
    device->unit_id = (uint8_t)hyp_query_i64(query);
    hyp_query_text(query, device->address, sizeof(device->address));
    hyp_query_text(query, device->city, sizeof(device->city));
    device->latitude = hyp_query_f64(query);
    device->longitude = hyp_query_f64(query);
    enum hyp_status schedule =
        hyp_schedule_parse(hyp_query_str(query), &device->schedule, NULL);
    device->enabled = hyp_query_i64(query) != 0;
    device->baud = (uint32_t)hyp_query_i64(query);
    device->revision = hyp_query_i64(query);
    device->created = hyp_query_utc(query);
    size_t len;
    enum hyp_status status =
        hyp_core_unseal(store, query, device->key.bytes, sizeof(device->key.bytes), &len);
    device->has_key = status == HYP_OK && len > 0;
    return schedule != HYP_OK ? HYP_CORRUPT : status;
}

/* What bind_device points to while the statement runs. */
struct device_texts {
    struct hyp_box box;
    char schedule[64];
};

/* Parameters 1..20 of insert and update, in this order. */
static void bind_device(struct hyp_store *store, struct hyp_query *query,
                        const struct hyp_device *device, struct device_texts *texts)
{
    hyp_core_seal(store, device->key.bytes, device->has_key ? sizeof(device->key.bytes) : 0,
                  &texts->box);
    struct hyp_buf schedule;
    hyp_buf_init_fixed(&schedule, texts->schedule, sizeof(texts->schedule));
    struct hyp_schedule set = device->schedule;
    set.kind = set.kind == HYP_SCHEDULE_UNSET ? HYP_SCHEDULE_NONE : set.kind;
    hyp_schedule_format(&schedule, &set);
    hyp_query_bind_i64(query, device->tenant.id);
    hyp_query_bind_id(query, device->line.id);
    hyp_query_bind_text(query, device->name);
    hyp_query_bind_text(query, device->kind);
    hyp_query_bind_text(query, device->profile);
    hyp_query_bind_text(query, device->manufacturer);
    hyp_query_bind_text(query, device->serial);
    hyp_query_bind_i64(query, device->version);
    hyp_query_bind_i64(query, device->medium);
    hyp_query_bind_i64(query, device->primary_address);
    hyp_query_bind_i64(query, device->secondary);
    hyp_query_bind_i64(query, device->unit_id);
    hyp_query_bind_text(query, device->address);
    hyp_query_bind_text(query, device->city);
    hyp_query_bind_f64(query, device->latitude);
    hyp_query_bind_f64(query, device->longitude);
    hyp_query_bind_str(query, hyp_buf_view(&schedule));
    hyp_query_bind_i64(query, device->enabled);
    hyp_query_bind_i64(query, device->baud);
    hyp_query_bind_blob(query, texts->box.bytes, texts->box.len);
}

/* The line must be of the tenant, and a Modbus unit must be free on it. */
static enum hyp_status check_device_line(struct hyp_db *db, const struct hyp_device *device,
                                         struct hyp_error *err)
{
    if (device->line.id == 0) {
        return HYP_OK;
    }
    enum hyp_status status =
        hyp_core_exists(db, HYP_SQL_LINE_EXISTS, device->line.id, device->tenant);
    if (status == HYP_NOT_FOUND) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "there is no line %lld",
                             (long long)device->line.id);
    }
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "SELECT device.name FROM device JOIN line ON line.id = device.line"
                   " WHERE device.line = $1 AND device.unit_id = $2 AND device.id <> $3"
                   " AND line.kind IN ($4, $5, $6)");
    hyp_query_bind_i64(&query, device->line.id);
    hyp_query_bind_i64(&query, device->unit_id);
    hyp_query_bind_i64(&query, device->id.id);
    hyp_query_bind_text(&query, hyp_line_kind_text(HYP_LINE_MODBUS_TCP));
    hyp_query_bind_text(&query, hyp_line_kind_text(HYP_LINE_MODBUS_RTU_TCP));
    hyp_query_bind_text(&query, hyp_line_kind_text(HYP_LINE_MODBUS_SERIAL));
    char taken[HYP_LIMIT_NAME] = "";
    bool found = hyp_query_row(&query);
    if (found) {
        hyp_query_text(&query, taken, sizeof(taken));
    }
    status = hyp_query_close(&query);
    if (status == HYP_OK && found) {
        return hyp_error_set(err, HYP_EXISTS, -1, "unit %u of this line is taken by \"%s\"",
                             device->unit_id, taken);
    }
    return status == HYP_OK ? HYP_OK : hyp_db_error(db, status, err, "device");
}

static enum hyp_status explain_identity(struct hyp_db *db, enum hyp_status status,
                                        const struct hyp_device *device, struct hyp_error *err)
{
    if (status == HYP_EXISTS) {
        return hyp_error_set(err, status, -1, "there is already a device %s %s",
                             device->manufacturer, device->serial);
    }
    if (status == HYP_CONFLICT) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "there is no tenant %lld",
                             (long long)device->tenant.id);
    }
    return hyp_db_error(db, status, err, "device");
}

static enum hyp_status insert_device(struct hyp_store *store, struct hyp_db *db,
                                     struct hyp_device *device, hyp_device_id *ret_id,
                                     struct hyp_error *err)
{
    device->id.id = 0;
    enum hyp_status status = check_device_line(db, device, err);
    if (status != HYP_OK) {
        return status;
    }
    struct device_texts texts;
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "INSERT INTO device(tenant, line, name, kind, profile, manufacturer, serial,"
                   " version, medium, primary_address, secondary, unit_id, address, city,"
                   " latitude, longitude, schedule, enabled, baud, secret, created,"
                   " revision)"
                   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
                   " $16, $17, $18, $19, $20, $21, 1) RETURNING id");
    bind_device(store, &query, device, &texts);
    device->created = hyp_core_now(store);
    hyp_query_bind_i64(&query, device->created.ms);
    hyp_device_id id = {.id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0};
    status = hyp_query_close(&query);
    if (status != HYP_OK) {
        return explain_identity(db, status, device, err);
    }
    status = hyp_historian_add_device(store->historian, id, device->tenant);
    if (status != HYP_OK) {
        return hyp_error_set(err, status, -1, "no memory for another device");
    }
    hyp_follow_note(store, HYP_CHANGE_DEVICE, id.id, device->tenant.id, 0);
    *ret_id = id;
    return HYP_OK;
}

enum hyp_status hyp_store_devices_add(struct hyp_store *store, struct hyp_device *devices,
                                      size_t count, struct hyp_error *err)
{
    struct hyp_db *db = hyp_core_begin(store);
    enum hyp_status status = db->failed;
    if (status != HYP_OK) {
        return hyp_core_finish(store, HYP_OK, err, "device");
    }
    size_t added = 0;
    while (status == HYP_OK && added < count) {
        hyp_device_id id = {0};
        status = insert_device(store, db, &devices[added], &id, err);
        if (status == HYP_OK) {
            devices[added++].id = id;
        }
    }
    bool refused = status != HYP_OK;
    status = hyp_core_commit(store, status, refused ? NULL : err, "device");
    for (size_t i = 0; i < added; i++) {
        if (status == HYP_OK) {
            devices[i].revision = 1;
        } else {
            hyp_historian_remove_device(store->historian, devices[i].id);
            devices[i].id.id = 0;
        }
    }
    hyp_core_release(store);
    return status;
}

enum hyp_status hyp_store_device_add(struct hyp_store *store, struct hyp_device *device,
                                     struct hyp_error *err)
{
    return hyp_store_devices_add(store, device, 1, err);
}

enum hyp_status hyp_store_device_update(struct hyp_store *store, struct hyp_device *device,
                                        struct hyp_error *err)
{
    struct hyp_db *db = hyp_core_begin(store);
    enum hyp_status status = db->failed != HYP_OK ? HYP_OK : check_device_line(db, device, err);
    if (status != HYP_OK) {
        return hyp_core_finish(store, status, NULL, "device");
    }
    struct device_texts texts;
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "UPDATE device SET tenant = $1, line = $2, name = $3, kind = $4,"
                   " profile = $5, manufacturer = $6, serial = $7, version = $8, medium = $9,"
                   " primary_address = $10, secondary = $11, unit_id = $12, address = $13,"
                   " city = $14, latitude = $15, longitude = $16, schedule = $17,"
                   " enabled = $18, baud = $19, secret = $20, revision = revision + 1"
                   " WHERE id = $21 AND revision = $22 AND tenant = $1");
    bind_device(store, &query, device, &texts);
    hyp_query_bind_i64(&query, device->id.id);
    hyp_query_bind_i64(&query, device->revision);
    int64_t changes = 1;
    status = hyp_query_run(&query, &changes);
    bool explained = changes == 0 || status == HYP_EXISTS;
    if (changes == 0) {
        status = hyp_core_explain_missed(db, HYP_SQL_DEVICE_EXISTS, device->id.id,
                                         device->tenant, "device", err);
    } else if (status == HYP_EXISTS) {
        status = explain_identity(db, status, device, err);
    }
    hyp_follow_note(store, HYP_CHANGE_DEVICE, device->id.id, device->tenant.id, 0);
    status = hyp_core_finish(store, status, explained ? NULL : err, "device");
    device->revision += status == HYP_OK ? 1 : 0;
    return status;
}

enum hyp_status hyp_store_device_remove(struct hyp_store *store, hyp_tenant_id tenant,
                                        hyp_device_id id, struct hyp_error *err)
{
    struct hyp_db *db = hyp_core_begin(store);
    struct hyp_query query;
    hyp_query_open(&query, db, "DELETE FROM device WHERE id = $1 AND tenant = $2");
    hyp_query_bind_i64(&query, id.id);
    hyp_query_bind_i64(&query, tenant.id);
    int64_t changes = 1;
    enum hyp_status status = hyp_query_run(&query, &changes);
    if (changes == 0) {
        status =
            hyp_error_set(err, HYP_NOT_FOUND, -1, "there is no device %lld", (long long)id.id);
        return hyp_core_finish(store, status, NULL, "device");
    }
    hyp_query_open(&query, db, "INSERT INTO erasure(device, log_next) VALUES ($1, 0)");
    hyp_query_bind_i64(&query, id.id);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* a failure is sticky until commit */
    hyp_follow_note(store, HYP_CHANGE_REMOVED, id.id, tenant.id, 0);
    status = hyp_core_commit(store, status, err, "device");
    if (status == HYP_OK) {
        hyp_historian_remove_device(store->historian, id);
    }
    hyp_core_release(store);
    if (status == HYP_OK) {
        hyp_intake_wake(store->intake);
    }
    return status;
}

enum hyp_status hyp_store_device(struct hyp_store *store, hyp_tenant_id tenant,
                                 hyp_device_id id, struct hyp_device *ret_device)
{
    struct hyp_connections reader = hyp_core_reader(store);
    struct hyp_query query;
    hyp_query_open(&query, reader.main,
                   "SELECT " DEVICE_COLUMNS " FROM device WHERE id = $1 AND tenant = $2");
    hyp_query_bind_i64(&query, id.id);
    hyp_query_bind_i64(&query, tenant.id);
    struct hyp_device device;
    enum hyp_status found =
        hyp_query_row(&query) ? read_device(store, &query, &device) : HYP_NOT_FOUND;
    enum hyp_status status = hyp_query_close(&query);
    hyp_core_reader_return(store, reader);
    status = status == HYP_OK ? found : status;
    if (status == HYP_OK) {
        *ret_device = device;
    }
    return status;
}

enum hyp_status hyp_store_devices(struct hyp_store *store, hyp_tenant_id tenant,
                                  struct hyp_arena *arena, struct hyp_device **ret_devices,
                                  size_t *ret_count)
{
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_device),
                    "SELECT " DEVICE_COLUMNS
                    " FROM device WHERE (tenant = $1 OR $1 = 0) ORDER BY id");
    hyp_query_bind_i64(&set.query, tenant.id);
    struct hyp_device *device;
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && (device = hyp_rowset_next(&set)) != NULL) {
        status = read_device(store, &set.query, device);
    }
    enum hyp_status read = hyp_rowset_close(&set);
    status = read == HYP_OK ? status : read;
    if (status == HYP_OK) {
        *ret_devices = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}
