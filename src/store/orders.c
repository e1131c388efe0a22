/* SPDX-License-Identifier: Apache-2.0 */
#include "store/core.h"
#include "store/follow.h"
#include "store/server.h"

#include "base/limits.h"

/* The database's clock: those of the members may differ. */
#define NOW "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
/* Nobody waits that long: whoever passed it on has not come back. */
#define FORGOTTEN_MS 86400000
#define DEVICE_TEXT_MAX 21

static bool is_alone(const struct hyp_store *store)
{
    return store->member == NULL;
}

/* Ends a transaction that was to change one row. @otherwise when it did not */
static enum hyp_status finish(struct hyp_store *store, enum hyp_status status, int64_t changes,
                              enum hyp_status otherwise, hyp_line_id line)
{
    if (status == HYP_OK && changes == 0) {
        status = otherwise;
    }
    if (status == HYP_OK) {
        hyp_follow_note(store, HYP_CHANGE_ORDER, line.id, 0, 0);
    }
    return hyp_core_finish(store, status, NULL, "order");
}

/* --- passing on --- */

static void forget_old(struct hyp_db *db)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "DELETE FROM " HYP_SERVER_ORDERS " WHERE created < " NOW " - $1");
    hyp_query_bind_i64(&query, FORGOTTEN_MS);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

static enum hyp_status add(struct hyp_store *store, struct hyp_order_row *order,
                           const char *devices)
{
    struct hyp_db *db = hyp_core_begin(store);
    struct hyp_query query;
    forget_old(db);
    hyp_query_open(&query, db,
                   "INSERT INTO " HYP_SERVER_ORDERS
                   "(created, tenant, line, user_id, devices, asker, taker, cancelled, ended,"
                   " state, done, failed, text)"
                   " VALUES (" NOW ", $1, $2, $3, $4, $5, '', 0, 0, 0, 0, 0, '') RETURNING id");
    hyp_query_bind_i64(&query, order->tenant.id);
    hyp_query_bind_i64(&query, order->line.id);
    hyp_query_bind_i64(&query, order->user);
    hyp_query_bind_text(&query, devices);
    hyp_query_bind_text(&query, store->member);
    int64_t id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status = finish(store, hyp_query_close(&query), 1, HYP_OK, order->line);
    if (status == HYP_OK) {
        order->id = id;
        hyp_text_copy(order->asker, sizeof(order->asker), hyp_str_from(store->member));
    }
    return status;
}

enum hyp_status hyp_store_order_add(struct hyp_store *store, struct hyp_order_row *order,
                                    const hyp_device_id *devices, size_t count)
{
    if (is_alone(store)) {
        return HYP_UNSUPPORTED;
    }
    struct hyp_buf text;
    hyp_buf_init_heap(&text, (count + 1) * DEVICE_TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append_fmt(&text, "%s%lld", i == 0 ? "" : ",", (long long)devices[i].id);
    }
    const char *list = hyp_buf_terminate(&text);
    enum hyp_status status = hyp_buf_status(&text);
    if (status == HYP_OK) {
        status = add(store, order, list);
    }
    hyp_buf_finish(&text);
    return status;
}

enum hyp_status hyp_store_order_cancel(struct hyp_store *store, int64_t id)
{
    if (is_alone(store)) {
        return HYP_UNSUPPORTED;
    }
    struct hyp_query query;
    int64_t changes = 0;
    hyp_query_open(&query, hyp_core_begin(store),
                   "UPDATE " HYP_SERVER_ORDERS
                   " SET cancelled = 1 WHERE id = $1 AND ended = 0");
    hyp_query_bind_i64(&query, id);
    enum hyp_status status = hyp_query_run(&query, &changes);
    return finish(store, status, changes, HYP_NOT_FOUND, (hyp_line_id){0});
}

enum hyp_status hyp_store_order_remove(struct hyp_store *store,
                                       const struct hyp_order_row *seen)
{
    if (is_alone(store)) {
        return HYP_UNSUPPORTED;
    }
    struct hyp_query query;
    int64_t changes = 0;
    hyp_query_open(&query, hyp_core_begin(store),
                   "DELETE FROM " HYP_SERVER_ORDERS
                   " WHERE id = $1 AND taker = $2 AND ended = $3");
    hyp_query_bind_i64(&query, seen->id);
    hyp_query_bind_text(&query, seen->taker);
    hyp_query_bind_i64(&query, seen->ended);
    enum hyp_status status = hyp_query_run(&query, &changes);
    return finish(store, status, changes, HYP_CONFLICT, seen->line);
}

/* --- looking --- */

static const char *const orders_sql =
    "SELECT id, tenant, line, user_id, asker, taker, cancelled, ended, state, done, failed,"
    " text FROM " HYP_SERVER_ORDERS " WHERE asker = $1 OR taker = $1"
    " OR (taker = '' AND created > " NOW " - $2) ORDER BY id";

static void read_order(struct hyp_query *query, struct hyp_order_row *order)
{
    order->id = hyp_query_i64(query);
    order->tenant.id = hyp_query_i64(query);
    order->line.id = hyp_query_i64(query);
    order->user = hyp_query_i64(query);
    hyp_query_text(query, order->asker, sizeof(order->asker));
    hyp_query_text(query, order->taker, sizeof(order->taker));
    order->cancelled = hyp_query_i64(query) != 0;
    order->ended = hyp_query_i64(query) != 0;
    order->state = (enum hyp_job_state)hyp_query_i64(query);
    order->done = (uint32_t)hyp_query_i64(query);
    order->failed = (uint32_t)hyp_query_i64(query);
    hyp_query_text(query, order->text, sizeof(order->text));
}

enum hyp_status hyp_store_orders(struct hyp_store *store, struct hyp_arena *arena,
                                 struct hyp_order_row **ret_orders, size_t *ret_count)
{
    if (is_alone(store)) {
        return HYP_UNSUPPORTED;
    }
    struct hyp_rowset set;
    struct hyp_order_row *order;
    hyp_rowset_open(&set, store, arena, sizeof(*order), orders_sql);
    hyp_query_bind_text(&set.query, store->member);
    hyp_query_bind_i64(&set.query, HYP_LIMIT_MEMBER_ORDER_MS);
    while ((order = hyp_rowset_next(&set)) != NULL) {
        read_order(&set.query, order);
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_orders = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}

/* --- taking --- */

static enum hyp_status read_devices(struct hyp_str text, struct hyp_arena *arena,
                                    hyp_device_id **ret_devices, size_t *ret_count)
{
    struct hyp_list list;
    struct hyp_str part;
    enum hyp_status status = HYP_OK;
    hyp_list_init(&list, arena, sizeof(hyp_device_id));
    while (status == HYP_OK && hyp_str_split_next(&text, ',', &part)) {
        hyp_device_id *device = hyp_list_add(&list);
        status = device == NULL ? HYP_NO_MEMORY : hyp_str_to_i64(part, &device->id);
    }
    *ret_devices = list.items;
    *ret_count = list.count;
    return status;
}

enum hyp_status hyp_store_order_take(struct hyp_store *store, const struct hyp_order_row *order,
                                     struct hyp_arena *arena, hyp_device_id **ret_devices,
                                     size_t *ret_count)
{
    if (is_alone(store)) {
        return HYP_UNSUPPORTED;
    }
    struct hyp_db *db = hyp_core_begin(store);
    if (!hyp_follow_has_line(store, order->line)) {
        return hyp_core_finish(store, HYP_BUSY, NULL, "order");
    }
    struct hyp_query query;
    hyp_device_id *devices = NULL;
    size_t count = 0;
    hyp_query_open(&query, db,
                   "UPDATE " HYP_SERVER_ORDERS " SET taker = $1 WHERE id = $2 AND taker = ''"
                   " AND cancelled = 0 AND created > " NOW " - $3 RETURNING devices");
    hyp_query_bind_text(&query, store->member);
    hyp_query_bind_i64(&query, order->id);
    hyp_query_bind_i64(&query, HYP_LIMIT_MEMBER_ORDER_MS);
    enum hyp_status status = hyp_query_row(&query)
                                 ? read_devices(hyp_query_str(&query), arena, &devices, &count)
                                 : HYP_CONFLICT;
    enum hyp_status read = hyp_query_close(&query);
    status = finish(store, read == HYP_OK ? status : read, 1, HYP_OK, order->line);
    if (status == HYP_OK) {
        *ret_devices = devices;
        *ret_count = count;
    }
    return status;
}

enum hyp_status hyp_store_order_tell(struct hyp_store *store, const struct hyp_order_row *order)
{
    if (is_alone(store)) {
        return HYP_UNSUPPORTED;
    }
    struct hyp_query query;
    int64_t changes = 0;
    hyp_query_open(&query, hyp_core_begin(store),
                   "UPDATE " HYP_SERVER_ORDERS
                   " SET ended = $1, state = $2, done = $3, failed = $4, text = $5"
                   " WHERE id = $6 AND taker = $7 AND ended = 0");
    hyp_query_bind_i64(&query, order->ended);
    hyp_query_bind_i64(&query, order->state);
    hyp_query_bind_i64(&query, order->done);
    hyp_query_bind_i64(&query, order->failed);
    hyp_query_bind_text(&query, order->text);
    hyp_query_bind_i64(&query, order->id);
    hyp_query_bind_text(&query, store->member);
    enum hyp_status status = hyp_query_run(&query, &changes);
    return finish(store, status, changes, HYP_NOT_FOUND, order->line);
}
