/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines. Their passwords are boxes in the database and plain only in memory.
 */
#include "store/core.h"
#include "store/follow.h"

#include <string.h>

/* In the order of read_line. */
#define LINE_COLUMNS                                                                           \
    "id, tenant, name, kind, host, port, path, baud, parity, topic, login, timeout_ms,"        \
    " retries, delay_ms, echo, enabled, revision, tls, ca_file, cert_file, key_file,"          \
    " client_id, per_cycle, receiver, password"

static enum hyp_status read_line(struct hyp_store *store, struct hyp_query *query,
                                 struct hyp_line *line)
{
    *line = (struct hyp_line){.id.id = hyp_query_i64(query)};
    line->tenant.id = hyp_query_i64(query);
    hyp_query_text(query, line->name, sizeof(line->name));
    enum hyp_status kind = hyp_line_kind_find(hyp_query_str(query), &line->kind);
    hyp_query_text(query, line->host, sizeof(line->host));
    line->port = (uint16_t)hyp_query_i64(query);
    hyp_query_text(query, line->path, sizeof(line->path));
    line->baud = (uint32_t)hyp_query_i64(query);
    struct hyp_str parity = hyp_query_str(query);
    line->parity = parity.len == 1 ? parity.ptr[0] : '\0';
    hyp_query_text(query, line->topic, sizeof(line->topic));
    hyp_query_text(query, line->login, sizeof(line->login));
    line->timeout_ms = (uint32_t)hyp_query_i64(query);
    line->retries = (uint8_t)hyp_query_i64(query);
    line->delay_ms = (uint32_t)hyp_query_i64(query);
    line->echo = hyp_query_i64(query) != 0;
    line->enabled = hyp_query_i64(query) != 0;
    line->revision = hyp_query_i64(query);
    line->tls = hyp_query_i64(query) != 0;
    hyp_query_text(query, line->ca_file, sizeof(line->ca_file));
    hyp_query_text(query, line->cert_file, sizeof(line->cert_file));
    hyp_query_text(query, line->key_file, sizeof(line->key_file));
    hyp_query_text(query, line->client_id, sizeof(line->client_id));
    line->per_cycle = hyp_query_i64(query) != 0;
    enum hyp_status receiver = hyp_receiver_kind_find(hyp_query_str(query), &line->receiver);
    size_t len;
    enum hyp_status status = hyp_core_unseal(store, query, (uint8_t *)line->password,
                                             sizeof(line->password) - 1, &len);
    return kind != HYP_OK || receiver != HYP_OK ? HYP_CORRUPT : status;
}

/* Parameters 1..23 of insert and update, in this order. */
static void bind_line(struct hyp_query *query, const struct hyp_line *line,
                      const struct hyp_box *box)
{
    hyp_query_bind_i64(query, line->tenant.id);
    hyp_query_bind_text(query, line->name);
    hyp_query_bind_text(query, hyp_line_kind_text(line->kind));
    hyp_query_bind_text(query, line->host);
    hyp_query_bind_i64(query, line->port);
    hyp_query_bind_text(query, line->path);
    hyp_query_bind_i64(query, line->baud);
    hyp_query_bind_str(query,
                       (struct hyp_str){.ptr = &line->parity, .len = line->parity ? 1 : 0});
    hyp_query_bind_text(query, line->topic);
    hyp_query_bind_text(query, line->login);
    hyp_query_bind_i64(query, line->timeout_ms);
    hyp_query_bind_i64(query, line->retries);
    hyp_query_bind_i64(query, line->delay_ms);
    hyp_query_bind_i64(query, line->echo);
    hyp_query_bind_i64(query, line->enabled);
    hyp_query_bind_blob(query, box->bytes, box->len);
    hyp_query_bind_i64(query, line->tls);
    hyp_query_bind_text(query, line->ca_file);
    hyp_query_bind_text(query, line->cert_file);
    hyp_query_bind_text(query, line->key_file);
    hyp_query_bind_text(query, line->client_id);
    hyp_query_bind_i64(query, line->per_cycle);
    hyp_query_bind_text(query, hyp_receiver_kind_text(line->receiver));
}

static enum hyp_status check_line(const struct hyp_line *line, struct hyp_error *err)
{
    if (line->kind <= HYP_LINE_UNSET || line->kind >= HYP_LINE_KIND_COUNT) {
        return hyp_error_set(err, HYP_INVALID, -1, "line \"%s\" has no kind", line->name);
    }
    return HYP_OK;
}

enum hyp_status hyp_store_line_add(struct hyp_store *store, struct hyp_line *line,
                                   struct hyp_error *err)
{
    enum hyp_status status = check_line(line, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_box box;
    hyp_core_seal(store, (const uint8_t *)line->password, strlen(line->password), &box);
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "INSERT INTO line(tenant, name, kind, host, port, path, baud, parity, topic,"
                   " login, timeout_ms, retries, delay_ms, echo, enabled, password, tls,"
                   " ca_file, cert_file, key_file, client_id, per_cycle, receiver, revision)"
                   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
                   " $16, $17, $18, $19, $20, $21, $22, $23, 1) RETURNING id");
    bind_line(&query, line, &box);
    int64_t id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    status = hyp_query_close(&query);
    hyp_follow_note(store, HYP_CHANGE_LINE, id, line->tenant.id, 0);
    status = hyp_core_finish(store, status, err, "line");
    if (status == HYP_OK) {
        line->id.id = id;
        line->revision = 1;
    }
    return status;
}

enum hyp_status hyp_store_line_update(struct hyp_store *store, struct hyp_line *line,
                                      struct hyp_error *err)
{
    enum hyp_status status = check_line(line, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_box box;
    hyp_core_seal(store, (const uint8_t *)line->password, strlen(line->password), &box);
    struct hyp_db *db = hyp_core_begin(store);
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "UPDATE line SET tenant = $1, name = $2, kind = $3, host = $4, port = $5,"
                   " path = $6, baud = $7, parity = $8, topic = $9, login = $10,"
                   " timeout_ms = $11, retries = $12, delay_ms = $13, echo = $14,"
                   " enabled = $15, password = $16, tls = $17, ca_file = $18,"
                   " cert_file = $19, key_file = $20, client_id = $21, per_cycle = $22,"
                   " receiver = $23, revision = revision + 1"
                   " WHERE id = $24 AND revision = $25 AND tenant = $1");
    bind_line(&query, line, &box);
    hyp_query_bind_i64(&query, line->id.id);
    hyp_query_bind_i64(&query, line->revision);
    int64_t changes = 1;
    status = hyp_query_run(&query, &changes);
    if (changes == 0) {
        status = hyp_core_explain_missed(db, HYP_SQL_LINE_EXISTS, line->id.id, line->tenant,
                                         "line", err);
    }
    hyp_follow_note(store, HYP_CHANGE_LINE, line->id.id, line->tenant.id, 0);
    status = hyp_core_finish(store, status, changes == 0 ? NULL : err, "line");
    line->revision += status == HYP_OK ? 1 : 0;
    return status;
}

enum hyp_status hyp_store_line_remove(struct hyp_store *store, hyp_tenant_id tenant,
                                      hyp_line_id id, struct hyp_error *err)
{
    struct hyp_db *db = hyp_core_begin(store);
    struct hyp_query query;
    hyp_query_open(&query, db, "SELECT COUNT(*) FROM device WHERE line = $1 AND tenant = $2");
    hyp_query_bind_i64(&query, id.id);
    hyp_query_bind_i64(&query, tenant.id);
    int64_t users = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status = hyp_query_close(&query);
    if (status == HYP_OK && users > 0) {
        status = hyp_error_set(err, HYP_CONFLICT, -1,
                               "%lld devices use the line: move or remove them first",
                               (long long)users);
        return hyp_core_finish(store, status, NULL, "line");
    }
    hyp_query_open(&query, db, "DELETE FROM line WHERE id = $1 AND tenant = $2");
    hyp_query_bind_i64(&query, id.id);
    hyp_query_bind_i64(&query, tenant.id);
    int64_t changes = 0;
    status = hyp_query_run(&query, &changes);
    if (status == HYP_OK && changes == 0) {
        status =
            hyp_error_set(err, HYP_NOT_FOUND, -1, "there is no line %lld", (long long)id.id);
        return hyp_core_finish(store, status, NULL, "line");
    }
    hyp_follow_note(store, HYP_CHANGE_LINE, id.id, tenant.id, 0);
    return hyp_core_finish(store, status, err, "line");
}

enum hyp_status hyp_store_line(struct hyp_store *store, hyp_tenant_id tenant, hyp_line_id id,
                               struct hyp_line *ret_line)
{
    struct hyp_connections reader = hyp_core_reader(store);
    struct hyp_query query;
    hyp_query_open(&query, reader.main,
                   "SELECT " LINE_COLUMNS " FROM line WHERE id = $1 AND tenant = $2");
    hyp_query_bind_i64(&query, id.id);
    hyp_query_bind_i64(&query, tenant.id);
    struct hyp_line line;
    enum hyp_status found =
        hyp_query_row(&query) ? read_line(store, &query, &line) : HYP_NOT_FOUND;
    enum hyp_status status = hyp_query_close(&query);
    hyp_core_reader_return(store, reader);
    status = status == HYP_OK ? found : status;
    if (status == HYP_OK) {
        *ret_line = line;
    }
    return status;
}

enum hyp_status hyp_store_lines(struct hyp_store *store, hyp_tenant_id tenant,
                                struct hyp_arena *arena, struct hyp_line **ret_lines,
                                size_t *ret_count)
{
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_line),
                    "SELECT " LINE_COLUMNS
                    " FROM line WHERE (tenant = $1 OR $1 = 0) ORDER BY id");
    hyp_query_bind_i64(&set.query, tenant.id);
    struct hyp_line *line;
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && (line = hyp_rowset_next(&set)) != NULL) {
        status = read_line(store, &set.query, line);
    }
    enum hyp_status read = hyp_rowset_close(&set);
    status = read == HYP_OK ? status : read;
    if (status == HYP_OK) {
        *ret_lines = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}
