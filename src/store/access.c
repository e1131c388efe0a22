/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of browsers, tokens of programs, and the audit of what both did.
 *
 * Only hashes of tokens are here: whoever reads the database cannot sign in with it.
 */
#include "store/access.h"
#include "store/core.h"
#include "store/follow.h"

#include <string.h>

static void read_hash(struct hyp_query *query, uint8_t hash[static 32])
{
    struct hyp_str blob = hyp_query_blob(query);
    memcpy(hash, blob.ptr, HYP_MIN(blob.len, (size_t)32));
}

/* --- sessions --- */

/*
 * Notes the sign-in, and with it holds the user's row until the end of the transaction: a
 * change of the user waits, or was before and is seen here. No new revision, for whoever edits
 * the user meanwhile must not lose the work. CONFLICT when the user is not as told.
 */
static enum hyp_status note_sign_in(struct hyp_db *db, const struct hyp_user *user,
                                    hyp_utc created)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "UPDATE account SET last_login = $1"
                   " WHERE id = $2 AND password_hash = $3 AND role = $4 AND enabled = $5");
    hyp_query_bind_i64(&query, created.ms);
    hyp_query_bind_i64(&query, user->id);
    hyp_query_bind_text(&query, user->password_hash);
    hyp_query_bind_text(&query, hyp_access_role_text(user->role));
    hyp_query_bind_i64(&query, user->enabled);
    int64_t changes = 0;
    enum hyp_status status = hyp_query_run(&query, &changes);
    return status == HYP_OK && changes == 0 ? HYP_CONFLICT : status;
}

static enum hyp_status insert_session(struct hyp_db *db, const struct hyp_session_row *session)
{
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "INSERT INTO session(token_hash, csrf_hash, account, created, last_seen,"
                   " expires) VALUES ($1, $2, $3, $4, $5, $6)");
    hyp_query_bind_blob(&query, session->token_hash, sizeof(session->token_hash));
    hyp_query_bind_blob(&query, session->csrf_hash, sizeof(session->csrf_hash));
    hyp_query_bind_i64(&query, session->user);
    hyp_query_bind_i64(&query, session->created.ms);
    hyp_query_bind_i64(&query, session->last_seen.ms);
    hyp_query_bind_i64(&query, session->expires.ms);
    return hyp_query_run(&query, NULL);
}

enum hyp_status hyp_store_session_add(struct hyp_store *store, const struct hyp_user *user,
                                      const struct hyp_session_row *session)
{
    struct hyp_db *db = hyp_core_begin(store);
    struct hyp_query query;
    hyp_query_open(&query, db, "DELETE FROM session WHERE expires <= $1");
    hyp_query_bind_i64(&query, hyp_core_now(store).ms);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* a failure is sticky until commit */
    hyp_query_open(&query, db, "SELECT COUNT(*) FROM session");
    int64_t count = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status = hyp_query_close(&query);
    if (status == HYP_OK && count >= HYP_LIMIT_SESSIONS) {
        status = HYP_LIMIT;
    }
    if (status == HYP_OK) {
        status = note_sign_in(db, user, session->created);
    }
    if (status == HYP_OK) {
        status = insert_session(db, session);
    }
    return hyp_core_finish(store, status, NULL, "session");
}

enum hyp_status hyp_store_session(struct hyp_store *store, const uint8_t token_hash[static 32],
                                  struct hyp_session_row *ret_session)
{
    struct hyp_connections reader = hyp_core_reader(store);
    struct hyp_query query;
    hyp_query_open(&query, reader.main,
                   "SELECT token_hash, csrf_hash, account, created, last_seen, expires"
                   " FROM session WHERE token_hash = $1");
    hyp_query_bind_blob(&query, token_hash, 32);
    struct hyp_session_row session = {0};
    bool found = hyp_query_row(&query);
    if (found) {
        read_hash(&query, session.token_hash);
        read_hash(&query, session.csrf_hash);
        session.user = hyp_query_i64(&query);
        session.created = hyp_query_utc(&query);
        session.last_seen = hyp_query_utc(&query);
        session.expires = hyp_query_utc(&query);
    }
    enum hyp_status status = hyp_query_close(&query);
    hyp_core_reader_return(store, reader);
    if (status == HYP_OK && found) {
        *ret_session = session;
    }
    return status == HYP_OK && !found ? HYP_NOT_FOUND : status;
}

enum hyp_status hyp_store_session_touch(struct hyp_store *store,
                                        const uint8_t token_hash[static 32], hyp_utc last_seen,
                                        hyp_utc expires)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "UPDATE session SET last_seen = $1, expires = $2 WHERE token_hash = $3");
    hyp_query_bind_i64(&query, last_seen.ms);
    hyp_query_bind_i64(&query, expires.ms);
    hyp_query_bind_blob(&query, token_hash, 32);
    int64_t changes = 1;
    enum hyp_status status =
        hyp_core_finish(store, hyp_query_run(&query, &changes), NULL, "session");
    return status == HYP_OK && changes == 0 ? HYP_NOT_FOUND : status;
}

enum hyp_status hyp_store_session_remove(struct hyp_store *store,
                                         const uint8_t token_hash[static 32])
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store), "DELETE FROM session WHERE token_hash = $1");
    hyp_query_bind_blob(&query, token_hash, 32);
    int64_t changes = 1;
    enum hyp_status status = hyp_query_run(&query, &changes);
    hyp_follow_note(store, HYP_CHANGE_ACCESS, 0, 0, 0);
    status = hyp_core_finish(store, status, NULL, "session");
    return status == HYP_OK && changes == 0 ? HYP_NOT_FOUND : status;
}

/* --- tokens --- */

/* In the order of read_token. */
#define TOKEN_COLUMNS "id, tenant, account, name, token_hash, role, created, last_used, expires"

static void read_token(struct hyp_query *query, struct hyp_api_token *token)
{
    *token = (struct hyp_api_token){.id = hyp_query_i64(query)};
    token->tenant.id = hyp_query_i64(query);
    token->user = hyp_query_i64(query);
    hyp_query_text(query, token->name, sizeof(token->name));
    read_hash(query, token->token_hash);
    token->role = hyp_access_role_find(hyp_query_str(query));
    token->created = hyp_query_utc(query);
    token->last_used = hyp_query_utc(query);
    token->expires = hyp_query_utc(query);
}

enum hyp_status hyp_store_token_add(struct hyp_store *store, struct hyp_api_token *token)
{
    struct hyp_query query;
    /* The user must be of the same tenant, or a token would reach into another one. */
    hyp_query_open(&query, hyp_core_begin(store),
                   "INSERT INTO api_token(name, token_hash, role, created, last_used, expires,"
                   " tenant, account)"
                   " SELECT $1, $2, $3, $4, $5, $6, tenant, id FROM account"
                   " WHERE tenant = $7 AND id = $8 RETURNING id");
    hyp_query_bind_text(&query, token->name);
    hyp_query_bind_blob(&query, token->token_hash, sizeof(token->token_hash));
    hyp_query_bind_text(&query, hyp_access_role_text(token->role));
    hyp_query_bind_i64(&query, token->created.ms);
    hyp_query_bind_i64(&query, token->last_used.ms);
    hyp_query_bind_i64(&query, token->expires.ms);
    hyp_query_bind_i64(&query, token->tenant.id);
    hyp_query_bind_i64(&query, token->user);
    int64_t id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status = hyp_core_finish(store, hyp_query_close(&query), NULL, "token");
    if (status == HYP_OK && id == 0) {
        return HYP_NOT_FOUND;
    }
    if (status == HYP_OK) {
        token->id = id;
    }
    return status;
}

enum hyp_status hyp_store_token_by_hash(struct hyp_store *store,
                                        const uint8_t token_hash[static 32],
                                        struct hyp_api_token *ret_token)
{
    struct hyp_connections reader = hyp_core_reader(store);
    struct hyp_query query;
    hyp_query_open(&query, reader.main,
                   "SELECT " TOKEN_COLUMNS " FROM api_token WHERE token_hash = $1");
    hyp_query_bind_blob(&query, token_hash, 32);
    struct hyp_api_token token;
    bool found = hyp_query_row(&query);
    if (found) {
        read_token(&query, &token);
    }
    enum hyp_status status = hyp_query_close(&query);
    hyp_core_reader_return(store, reader);
    if (status == HYP_OK && found) {
        *ret_token = token;
    }
    return status == HYP_OK && !found ? HYP_NOT_FOUND : status;
}

enum hyp_status hyp_store_token_touch(struct hyp_store *store, int64_t id, hyp_utc last_used)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "UPDATE api_token SET last_used = $1 WHERE id = $2");
    hyp_query_bind_i64(&query, last_used.ms);
    hyp_query_bind_i64(&query, id);
    int64_t changes = 1;
    enum hyp_status status =
        hyp_core_finish(store, hyp_query_run(&query, &changes), NULL, "token");
    return status == HYP_OK && changes == 0 ? HYP_NOT_FOUND : status;
}

enum hyp_status hyp_store_token_remove(struct hyp_store *store, hyp_tenant_id tenant,
                                       int64_t id)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "DELETE FROM api_token WHERE id = $1 AND tenant = $2");
    hyp_query_bind_i64(&query, id);
    hyp_query_bind_i64(&query, tenant.id);
    int64_t changes = 1;
    enum hyp_status status = hyp_query_run(&query, &changes);
    hyp_follow_note(store, HYP_CHANGE_ACCESS, 0, 0, 0);
    status = hyp_core_finish(store, status, NULL, "token");
    return status == HYP_OK && changes == 0 ? HYP_NOT_FOUND : status;
}

enum hyp_status hyp_store_tokens(struct hyp_store *store, hyp_tenant_id tenant,
                                 struct hyp_arena *arena, struct hyp_api_token **ret_tokens,
                                 size_t *ret_count)
{
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_api_token),
                    "SELECT " TOKEN_COLUMNS " FROM api_token WHERE tenant = $1 ORDER BY id");
    hyp_query_bind_i64(&set.query, tenant.id);
    struct hyp_api_token *token;
    while ((token = hyp_rowset_next(&set)) != NULL) {
        read_token(&set.query, token);
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_tokens = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}

/* --- audit --- */

enum hyp_status hyp_store_audit_add(struct hyp_store *store,
                                    const struct hyp_audit_entry *entry)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "INSERT INTO audit(tenant, time, account, action, object, detail)"
                   " VALUES ($1, $2, $3, $4, $5, $6)");
    hyp_query_bind_i64(&query, entry->tenant.id);
    hyp_query_bind_i64(&query, entry->time.ms);
    hyp_query_bind_i64(&query, entry->user);
    hyp_query_bind_text(&query, entry->action);
    hyp_query_bind_text(&query, entry->object);
    hyp_query_bind_text(&query, entry->detail);
    return hyp_core_finish(store, hyp_query_run(&query, NULL), NULL, "audit");
}

enum hyp_status hyp_store_audit(struct hyp_store *store, hyp_tenant_id tenant, size_t offset,
                                size_t limit, struct hyp_arena *arena,
                                struct hyp_audit_entry **ret_entries, size_t *ret_count)
{
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_audit_entry),
                    "SELECT id, tenant, time, account, action, object, detail FROM audit"
                    " WHERE tenant = $1 ORDER BY id DESC LIMIT $2 OFFSET $3");
    hyp_query_bind_i64(&set.query, tenant.id);
    hyp_query_bind_i64(&set.query, (int64_t)HYP_MIN(limit, (size_t)INT64_MAX));
    hyp_query_bind_i64(&set.query, (int64_t)HYP_MIN(offset, (size_t)INT64_MAX));
    struct hyp_audit_entry *entry;
    while ((entry = hyp_rowset_next(&set)) != NULL) {
        entry->id = hyp_query_i64(&set.query);
        entry->tenant.id = hyp_query_i64(&set.query);
        entry->time = hyp_query_utc(&set.query);
        entry->user = hyp_query_i64(&set.query);
        hyp_query_text(&set.query, entry->action, sizeof(entry->action));
        hyp_query_text(&set.query, entry->object, sizeof(entry->object));
        hyp_query_text(&set.query, entry->detail, sizeof(entry->detail));
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_entries = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}
