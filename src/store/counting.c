/* SPDX-License-Identifier: Apache-2.0 */
#include "store/core.h"

#define POINT_EXISTS                                                                           \
    "SELECT 1 FROM point JOIN device ON device.id = point.device"                              \
    " WHERE point.id = $1 AND device.tenant = $2"

static const char *const kind_texts[] = {
    [HYP_COUNTER_ENTRY_UNSET] = "unset",
    [HYP_COUNTER_ENTRY_EXCHANGE] = "exchange",
    [HYP_COUNTER_ENTRY_RESET] = "reset",
};

const char *hyp_counter_entry_kind_text(enum hyp_counter_entry_kind kind)
{
    return kind_texts[kind];
}

enum hyp_status hyp_counter_entry_kind_find(struct hyp_str text,
                                            enum hyp_counter_entry_kind *ret_kind)
{
    for (size_t i = HYP_COUNTER_ENTRY_EXCHANGE; i < HYP_ARRAY_LEN(kind_texts); i++) {
        if (hyp_str_equal(text, hyp_str_from(kind_texts[i]))) {
            *ret_kind = (enum hyp_counter_entry_kind)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

/* --- entries --- */

/* A decimal as text; bound views must live until the statement has run. */
struct decimal_text {
    char memory[48];
    struct hyp_buf buf;
};

static void bind_decimal(struct hyp_query *query, struct hyp_decimal value,
                         struct decimal_text *text)
{
    hyp_buf_init_fixed(&text->buf, text->memory, sizeof(text->memory));
    hyp_decimal_format(&text->buf, value);
    hyp_query_bind_str(query, hyp_buf_view(&text->buf));
}

static int64_t insert_entry(struct hyp_db *db, const struct hyp_counter_entry *entry,
                            enum hyp_status *ret_status)
{
    struct hyp_query query;
    struct decimal_text closing;
    struct decimal_text opening;
    hyp_query_open(&query, db,
                   "INSERT INTO counter_event(point, time, kind, closing, opening, author,"
                   " entered, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                   " ON CONFLICT (point, time) DO NOTHING RETURNING id");
    hyp_query_bind_i64(&query, entry->point.id);
    hyp_query_bind_i64(&query, entry->time.ms);
    hyp_query_bind_text(&query, kind_texts[entry->kind]);
    bind_decimal(&query, entry->closing, &closing);
    bind_decimal(&query, entry->opening, &opening);
    hyp_query_bind_i64(&query, entry->author);
    hyp_query_bind_i64(&query, entry->entered.ms);
    hyp_query_bind_text(&query, entry->note);
    int64_t id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    *ret_status = hyp_query_close(&query);
    if (*ret_status == HYP_OK && id == 0) {
        *ret_status = HYP_EXISTS;
    }
    return id;
}

enum hyp_status hyp_store_counter_entry_add(struct hyp_store *store, hyp_tenant_id tenant,
                                            struct hyp_counter_entry *entry,
                                            struct hyp_error *err)
{
    struct hyp_db *db = hyp_core_begin(store);
    int64_t id = 0;
    enum hyp_status status = hyp_core_exists(db, POINT_EXISTS, entry->point.id, tenant);
    if (status == HYP_OK) {
        id = insert_entry(db, entry, &status);
    }
    status = hyp_core_finish(store, status, err, "counter event");
    if (status == HYP_OK) {
        entry->id = id;
    }
    return status;
}

enum hyp_status hyp_store_counter_entry_remove(struct hyp_store *store, hyp_tenant_id tenant,
                                               hyp_point_id point, int64_t id,
                                               struct hyp_error *err)
{
    struct hyp_query query;
    int64_t removed = 0;
    struct hyp_db *db = hyp_core_begin(store);
    enum hyp_status status = hyp_core_exists(db, POINT_EXISTS, point.id, tenant);
    if (status == HYP_OK) {
        hyp_query_open(&query, db, "DELETE FROM counter_event WHERE id = $1 AND point = $2");
        hyp_query_bind_i64(&query, id);
        hyp_query_bind_i64(&query, point.id);
        status = hyp_query_run(&query, &removed);
    }
    if (status == HYP_OK && removed == 0) {
        status = HYP_NOT_FOUND;
    }
    return hyp_core_finish(store, status, err, "counter event");
}

static void read_entry(struct hyp_query *query, struct hyp_counter_entry *entry,
                       enum hyp_status *status)
{
    entry->id = hyp_query_i64(query);
    entry->point.id = hyp_query_i64(query);
    entry->time = hyp_query_utc(query);
    if (hyp_counter_entry_kind_find(hyp_query_str(query), &entry->kind) != HYP_OK ||
        hyp_decimal_parse(hyp_query_str(query), &entry->closing) != HYP_OK ||
        hyp_decimal_parse(hyp_query_str(query), &entry->opening) != HYP_OK) {
        *status = HYP_CORRUPT;
        return;
    }
    entry->author = hyp_query_i64(query);
    entry->entered = hyp_query_utc(query);
    hyp_query_text(query, entry->note, sizeof(entry->note));
}

enum hyp_status hyp_store_counter_entries(struct hyp_store *store, hyp_tenant_id tenant,
                                          hyp_point_id point, struct hyp_arena *arena,
                                          struct hyp_counter_entry **ret_entries,
                                          size_t *ret_count)
{
    struct hyp_rowset set;
    struct hyp_counter_entry *entry;
    enum hyp_status sense = HYP_OK;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_counter_entry),
                    "SELECT counter_event.id, counter_event.point, counter_event.time,"
                    " counter_event.kind, closing, opening, author, entered, note"
                    " FROM counter_event JOIN point ON point.id = counter_event.point"
                    " JOIN device ON device.id = point.device"
                    " WHERE device.tenant = $1 AND counter_event.point = $2"
                    " ORDER BY counter_event.time");
    hyp_query_bind_i64(&set.query, tenant.id);
    hyp_query_bind_i64(&set.query, point.id);
    while ((entry = hyp_rowset_next(&set)) != NULL) {
        read_entry(&set.query, entry, &sense);
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status != HYP_OK || sense != HYP_OK) {
        return status == HYP_OK ? sense : status;
    }
    *ret_entries = set.list.items;
    *ret_count = set.list.count;
    return HYP_OK;
}

/* --- rules --- */

enum hyp_status hyp_store_counting(struct hyp_store *store, hyp_tenant_id tenant,
                                   hyp_point_id point, struct hyp_counting *ret_counting)
{
    struct hyp_query query;
    struct hyp_connections reader = hyp_core_reader(store);
    hyp_query_open(&query, reader.main,
                   "SELECT COALESCE(counter_digits.digits, 0), COALESCE(settlement.day, 1),"
                   " COALESCE(settlement.hour, 0) FROM point"
                   " JOIN device ON device.id = point.device"
                   " LEFT JOIN counter_digits ON counter_digits.point = point.id"
                   " LEFT JOIN settlement ON settlement.device = device.id"
                   " WHERE point.id = $1 AND device.tenant = $2");
    hyp_query_bind_i64(&query, point.id);
    hyp_query_bind_i64(&query, tenant.id);
    bool found = hyp_query_row(&query);
    if (found) {
        ret_counting->digits = (int)hyp_query_i64(&query);
        ret_counting->settlement_day = (int)hyp_query_i64(&query);
        ret_counting->settlement_hour = (int)hyp_query_i64(&query);
    }
    enum hyp_status status = hyp_query_close(&query);
    hyp_core_reader_return(store, reader);
    return status == HYP_OK && !found ? HYP_NOT_FOUND : status;
}

static enum hyp_status find_device(struct hyp_db *db, hyp_tenant_id tenant, hyp_point_id point,
                                   int64_t *ret_device)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "SELECT point.device FROM point JOIN device ON device.id = point.device"
                   " WHERE point.id = $1 AND device.tenant = $2");
    hyp_query_bind_i64(&query, point.id);
    hyp_query_bind_i64(&query, tenant.id);
    bool found = hyp_query_row(&query);
    *ret_device = found ? hyp_query_i64(&query) : 0;
    enum hyp_status status = hyp_query_close(&query);
    return status == HYP_OK && !found ? HYP_NOT_FOUND : status;
}

enum hyp_status hyp_store_counting_set(struct hyp_store *store, hyp_tenant_id tenant,
                                       hyp_point_id point, const struct hyp_counting *counting,
                                       struct hyp_error *err)
{
    struct hyp_query query;
    struct hyp_db *db = hyp_core_begin(store);
    int64_t device = 0;
    enum hyp_status status = find_device(db, tenant, point, &device);
    if (status == HYP_OK) {
        hyp_query_open(&query, db,
                       "INSERT INTO counter_digits(point, digits) VALUES ($1, $2)"
                       " ON CONFLICT (point) DO UPDATE SET digits = excluded.digits");
        hyp_query_bind_i64(&query, point.id);
        hyp_query_bind_i64(&query, counting->digits);
        status = hyp_query_run(&query, NULL);
    }
    if (status == HYP_OK) {
        hyp_query_open(&query, db,
                       "INSERT INTO settlement(device, day, hour) VALUES ($1, $2, $3)"
                       " ON CONFLICT (device) DO UPDATE SET day = excluded.day,"
                       " hour = excluded.hour");
        hyp_query_bind_i64(&query, device);
        hyp_query_bind_i64(&query, counting->settlement_day);
        hyp_query_bind_i64(&query, counting->settlement_hour);
        status = hyp_query_run(&query, NULL);
    }
    return hyp_core_finish(store, status, err, "counting");
}
