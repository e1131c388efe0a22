/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_table.h"

#include "store/period.h"

/* --- chunks --- */

static void copy(struct hyp_buf *out, struct hyp_str bytes)
{
    hyp_buf_reset(out);
    hyp_buf_append_str(out, bytes);
}

static enum hyp_status finish_get(struct hyp_query *query, bool found,
                                  const struct hyp_buf *out)
{
    enum hyp_status status = hyp_query_close(query);
    if (status != HYP_OK) {
        return status;
    }
    return found ? hyp_buf_status(out) : HYP_NOT_FOUND;
}

enum hyp_status hyp_chunk_table_get(struct hyp_db *db, int64_t id, int64_t *ret_log_row,
                                    struct hyp_buf *head, struct hyp_buf *data)
{
    struct hyp_query query;
    if (data == NULL) {
        hyp_query_open(&query, db, "SELECT log_row, head FROM chunk WHERE id = $1");
    } else {
        hyp_query_open(&query, db, "SELECT log_row, head, data FROM chunk WHERE id = $1");
    }
    hyp_query_bind_i64(&query, id);
    bool found = hyp_query_row(&query);
    if (found) {
        *ret_log_row = hyp_query_i64(&query);
        copy(head, hyp_query_blob(&query));
        if (data != NULL) {
            copy(data, hyp_query_blob(&query));
        }
    }
    enum hyp_status status = finish_get(&query, found, head);
    return status == HYP_OK && data != NULL ? hyp_buf_status(data) : status;
}

enum hyp_status hyp_chunk_table_log_row(struct hyp_db *db, int64_t id, int64_t *ret_log_row)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "SELECT log_row FROM chunk WHERE id = $1");
    hyp_query_bind_i64(&query, id);
    bool found = hyp_query_row(&query);
    if (found) {
        *ret_log_row = hyp_query_i64(&query);
    }
    enum hyp_status status = hyp_query_close(&query);
    return status == HYP_OK && !found ? HYP_NOT_FOUND : status;
}

void hyp_chunk_table_put(struct hyp_db *db, const struct hyp_chunk_row *row)
{
    struct hyp_query query;
    hyp_partition_need(db, HYP_PARTITIONED_CHUNK, hyp_period_of_chunk(row->id));
    if (hyp_db_is_sharded(db)) {
        hyp_query_open(&query, db,
                       "INSERT INTO chunk(tenant, id, log_row, head, data)"
                       " VALUES ($1, $2, $3, $4, $5)"
                       " ON CONFLICT (id, tenant) DO UPDATE SET log_row = excluded.log_row,"
                       " head = excluded.head, data = excluded.data");
        hyp_query_bind_i64(&query, row->tenant.id);
    } else {
        hyp_query_open(&query, db,
                       "INSERT INTO chunk(id, log_row, head, data) VALUES ($1, $2, $3, $4)"
                       " ON CONFLICT (id) DO UPDATE SET log_row = excluded.log_row,"
                       " head = excluded.head, data = excluded.data");
    }
    hyp_query_bind_i64(&query, row->id);
    hyp_query_bind_i64(&query, row->log_row);
    hyp_query_bind_blob(&query, (const uint8_t *)row->head.ptr, row->head.len);
    hyp_query_bind_blob(&query, (const uint8_t *)row->data.ptr, row->data.len);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

void hyp_chunk_table_remove(struct hyp_db *db, int64_t id)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "DELETE FROM chunk WHERE id = $1");
    hyp_query_bind_i64(&query, id);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

void hyp_chunk_scan_open(struct hyp_query *query, struct hyp_db *db, int64_t from, int64_t to,
                         bool with_data)
{
    if (with_data) {
        hyp_query_open(query, db,
                       "SELECT id, log_row, head, data FROM chunk"
                       " WHERE id >= $1 AND id < $2 ORDER BY id");
    } else {
        hyp_query_open(query, db,
                       "SELECT id, log_row, head FROM chunk"
                       " WHERE id >= $1 AND id < $2 ORDER BY id");
    }
    hyp_query_bind_i64(query, from);
    hyp_query_bind_i64(query, to);
}

bool hyp_chunk_scan_next(struct hyp_query *query, bool with_data, struct hyp_chunk_row *row)
{
    if (!hyp_query_row(query)) {
        return false;
    }
    row->id = hyp_query_i64(query);
    row->log_row = hyp_query_i64(query);
    row->head = hyp_query_blob(query);
    row->data = with_data ? hyp_query_blob(query) : HYP_STR("");
    return true;
}

/* --- what is sealed of a device --- */

void hyp_sealed_put(struct hyp_db *db, const struct hyp_sealed_row *row)
{
    struct hyp_query query;
    if (hyp_db_is_sharded(db)) {
        hyp_query_open(&query, db,
                       "INSERT INTO sealed(tenant, device, readings, value_count, oldest,"
                       " newest, shown) VALUES ($1, $2, $3, $4, $5, $6, $7)"
                       " ON CONFLICT (device, tenant) DO UPDATE SET"
                       " readings = excluded.readings, value_count = excluded.value_count,"
                       " oldest = excluded.oldest, newest = excluded.newest,"
                       " shown = excluded.shown");
        hyp_query_bind_i64(&query, row->tenant.id);
    } else {
        hyp_query_open(&query, db,
                       "INSERT INTO sealed(device, readings, value_count, oldest, newest,"
                       " shown) VALUES ($1, $2, $3, $4, $5, $6)"
                       " ON CONFLICT (device) DO UPDATE SET readings = excluded.readings,"
                       " value_count = excluded.value_count, oldest = excluded.oldest,"
                       " newest = excluded.newest, shown = excluded.shown");
    }
    hyp_query_bind_i64(&query, row->device.id);
    hyp_query_bind_i64(&query, row->readings);
    hyp_query_bind_i64(&query, row->values);
    hyp_query_bind_i64(&query, row->oldest);
    hyp_query_bind_i64(&query, row->newest);
    hyp_query_bind_blob(&query, (const uint8_t *)row->shown.ptr, row->shown.len);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

void hyp_sealed_remove(struct hyp_db *db, hyp_device_id device)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "DELETE FROM sealed WHERE device = $1");
    hyp_query_bind_i64(&query, device.id);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

enum hyp_status hyp_sealed_get(struct hyp_db *db, hyp_device_id device,
                               struct hyp_sealed_row *row)
{
    struct hyp_query query;
    if (hyp_db_is_sharded(db)) {
        hyp_query_open(&query, db,
                       "SELECT readings, value_count, oldest, newest, tenant FROM sealed"
                       " WHERE device = $1");
    } else {
        hyp_query_open(&query, db,
                       "SELECT readings, value_count, oldest, newest, 0 FROM sealed"
                       " WHERE device = $1");
    }
    hyp_query_bind_i64(&query, device.id);
    bool found = hyp_query_row(&query);
    if (found) {
        *row = (struct hyp_sealed_row){.device = device};
        row->readings = hyp_query_i64(&query);
        row->values = hyp_query_i64(&query);
        row->oldest = hyp_query_i64(&query);
        row->newest = hyp_query_i64(&query);
        row->tenant.id = hyp_query_i64(&query);
    }
    enum hyp_status status = hyp_query_close(&query);
    return status == HYP_OK && !found ? HYP_NOT_FOUND : status;
}

void hyp_sealed_scan_open(struct hyp_query *query, struct hyp_db *db)
{
    hyp_query_open(query, db,
                   "SELECT device, readings, value_count, oldest, newest, shown FROM sealed"
                   " ORDER BY device");
}

void hyp_sealed_find_open(struct hyp_query *query, struct hyp_db *db, hyp_device_id device)
{
    hyp_query_open(query, db,
                   "SELECT device, readings, value_count, oldest, newest, shown FROM sealed"
                   " WHERE device = $1");
    hyp_query_bind_i64(query, device.id);
}

bool hyp_sealed_scan_next(struct hyp_query *query, struct hyp_sealed_row *row)
{
    if (!hyp_query_row(query)) {
        return false;
    }
    row->device.id = hyp_query_i64(query);
    row->readings = hyp_query_i64(query);
    row->values = hyp_query_i64(query);
    row->oldest = hyp_query_i64(query);
    row->newest = hyp_query_i64(query);
    row->shown = hyp_query_blob(query);
    return true;
}

/* --- intake log --- */

int64_t hyp_intake_log_add(struct hyp_db *db, struct hyp_shard shard, const uint8_t *data,
                           size_t len)
{
    struct hyp_query query;
    hyp_partition_need(db, HYP_PARTITIONED_INTAKE_LOG, shard.period);
    if (hyp_db_is_sharded(db)) {
        hyp_query_open(&query, db,
                       "INSERT INTO intake_log(tenant, period, data) VALUES ($1, $2, $3)"
                       " RETURNING id");
        hyp_query_bind_i64(&query, shard.tenant.id);
        hyp_query_bind_i64(&query, shard.period);
    } else {
        hyp_query_open(&query, db,
                       hyp_db_knows_ids(db)
                           ? "INSERT INTO intake_log(data) VALUES ($1)"
                           : "INSERT INTO intake_log(data) VALUES ($1) RETURNING id");
    }
    hyp_query_bind_blob(&query, data, len);
    int64_t id = 0;
    HYP_IGNORE(hyp_query_insert(&query, &id)); /* sticky until commit */
    return id;
}

void hyp_intake_log_remove(struct hyp_db *db, int64_t first, int64_t last)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "DELETE FROM intake_log WHERE id >= $1 AND id <= $2");
    hyp_query_bind_i64(&query, first);
    hyp_query_bind_i64(&query, last);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

void hyp_intake_log_scan_open(struct hyp_query *query, struct hyp_db *db, int64_t from)
{
    hyp_query_open(query, db, "SELECT id, data FROM intake_log WHERE id >= $1 ORDER BY id");
    hyp_query_bind_i64(query, from);
}

bool hyp_intake_log_scan_next(struct hyp_query *query, int64_t *ret_row,
                              struct hyp_str *ret_blob)
{
    if (!hyp_query_row(query)) {
        return false;
    }
    *ret_row = hyp_query_i64(query);
    *ret_blob = hyp_query_blob(query);
    return true;
}
