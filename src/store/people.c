/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants and users. Sessions and tokens are in access.c.
 */
#include "store/access.h"
#include "store/core.h"
#include "store/follow.h"

/* --- roles by name --- */

static const char *const role_texts[] = {
    [HYP_ROLE_NONE] = "none",
    [HYP_ROLE_READER] = "reader",
    [HYP_ROLE_ADMIN] = "admin",
};

const char *hyp_access_role_text(enum hyp_role role)
{
    return role_texts[role];
}

enum hyp_role hyp_access_role_find(struct hyp_str text)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(role_texts); i++) {
        if (hyp_str_equal(text, hyp_str_from(role_texts[i]))) {
            return (enum hyp_role)i;
        }
    }
    /* A role this program does not know allows nothing. */
    return HYP_ROLE_NONE;
}

/* --- tenants --- */

enum hyp_status hyp_store_tenant_add(struct hyp_store *store, struct hyp_tenant *tenant)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "INSERT INTO tenant(name, language, time_zone) VALUES ($1, $2, $3)"
                   " RETURNING id");
    hyp_query_bind_text(&query, tenant->name);
    hyp_query_bind_text(&query, tenant->language);
    hyp_query_bind_text(&query, tenant->time_zone);
    int64_t id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status = hyp_core_finish(store, hyp_query_close(&query), NULL, "tenant");
    if (status == HYP_OK) {
        tenant->id.id = id;
    }
    return status;
}

enum hyp_status hyp_store_tenants(struct hyp_store *store, struct hyp_arena *arena,
                                  struct hyp_tenant **ret_tenants, size_t *ret_count)
{
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_tenant),
                    "SELECT id, name, language, time_zone FROM tenant ORDER BY id");
    struct hyp_tenant *tenant;
    while ((tenant = hyp_rowset_next(&set)) != NULL) {
        tenant->id.id = hyp_query_i64(&set.query);
        hyp_query_text(&set.query, tenant->name, sizeof(tenant->name));
        hyp_query_text(&set.query, tenant->language, sizeof(tenant->language));
        hyp_query_text(&set.query, tenant->time_zone, sizeof(tenant->time_zone));
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_tenants = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}

enum hyp_status hyp_store_tenant_update(struct hyp_store *store,
                                        const struct hyp_tenant *tenant)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "UPDATE tenant SET name = $1, language = $2, time_zone = $3 WHERE id = $4");
    hyp_query_bind_text(&query, tenant->name);
    hyp_query_bind_text(&query, tenant->language);
    hyp_query_bind_text(&query, tenant->time_zone);
    hyp_query_bind_i64(&query, tenant->id.id);
    int64_t changes = 1;
    enum hyp_status status = hyp_query_run(&query, &changes);
    hyp_follow_note(store, HYP_CHANGE_TENANT, tenant->id.id, 0, 0);
    status = hyp_core_finish(store, status, NULL, "tenant");
    return status == HYP_OK && changes == 0 ? HYP_NOT_FOUND : status;
}

/* --- users --- */

/* In the order of read_user. */
#define USER_COLUMNS                                                                           \
    "id, tenant, login, name, password_hash, role, language, theme, enabled, created,"         \
    " last_login, failed_logins, locked_until, revision"

static void read_user(struct hyp_query *query, struct hyp_user *user)
{
    *user = (struct hyp_user){.id = hyp_query_i64(query)};
    user->tenant.id = hyp_query_i64(query);
    hyp_query_text(query, user->login, sizeof(user->login));
    hyp_query_text(query, user->name, sizeof(user->name));
    hyp_query_text(query, user->password_hash, sizeof(user->password_hash));
    user->role = hyp_access_role_find(hyp_query_str(query));
    hyp_query_text(query, user->language, sizeof(user->language));
    hyp_query_text(query, user->theme, sizeof(user->theme));
    user->enabled = hyp_query_i64(query) != 0;
    user->created = hyp_query_utc(query);
    user->last_login = hyp_query_utc(query);
    user->failed_logins = (uint32_t)hyp_query_i64(query);
    user->locked_until = hyp_query_utc(query);
    user->revision = hyp_query_i64(query);
}

/* Parameters 1..10 of insert and update, in this order. */
static void bind_user(struct hyp_query *query, const struct hyp_user *user)
{
    hyp_query_bind_i64(query, user->tenant.id);
    hyp_query_bind_text(query, user->login);
    hyp_query_bind_text(query, user->name);
    hyp_query_bind_text(query, user->password_hash);
    hyp_query_bind_text(query, hyp_access_role_text(user->role));
    hyp_query_bind_text(query, user->language);
    hyp_query_bind_text(query, user->theme);
    hyp_query_bind_i64(query, user->enabled);
    hyp_query_bind_i64(query, user->failed_logins);
    hyp_query_bind_i64(query, user->locked_until.ms);
}

static enum hyp_status explain_login(enum hyp_status status, const struct hyp_user *user,
                                     struct hyp_error *err)
{
    if (status == HYP_EXISTS) {
        return hyp_error_set(err, status, -1, "the login \"%s\" is taken", user->login);
    }
    if (status == HYP_CONFLICT) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "there is no tenant %lld",
                             (long long)user->tenant.id);
    }
    return status;
}

/* In the transaction `db`. */
static enum hyp_status insert_user(struct hyp_store *store, struct hyp_db *db,
                                   struct hyp_user *user, struct hyp_error *err)
{
    hyp_utc created = hyp_core_now(store);
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "INSERT INTO account(tenant, login, name, password_hash, role, language,"
                   " theme, enabled, failed_logins, locked_until, last_login, created,"
                   " revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1)"
                   " RETURNING id");
    bind_user(&query, user);
    hyp_query_bind_i64(&query, user->last_login.ms);
    hyp_query_bind_i64(&query, created.ms);
    int64_t id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status = hyp_core_finish(store, hyp_query_close(&query), err, "user");
    if (status == HYP_OK) {
        user->id = id;
        user->created = created;
        user->revision = 1;
    }
    return explain_login(status, user, err);
}

enum hyp_status hyp_store_user_add(struct hyp_store *store, struct hyp_user *user,
                                   struct hyp_error *err)
{
    return insert_user(store, hyp_core_begin(store), user, err);
}

enum hyp_status hyp_store_user_add_first(struct hyp_store *store, struct hyp_user *user,
                                         struct hyp_error *err)
{
    struct hyp_db *db = hyp_core_begin(store);
    struct hyp_query query;
    hyp_query_open(&query, db, "SELECT id FROM account WHERE tenant = $1 LIMIT 1");
    hyp_query_bind_i64(&query, user->tenant.id);
    bool any = hyp_query_row(&query);
    enum hyp_status status = hyp_query_close(&query);
    if (status == HYP_OK && any) {
        status = hyp_error_set(err, HYP_EXISTS, -1, "there is a user already");
        return hyp_core_finish(store, status, NULL, "user");
    }
    return insert_user(store, db, user, err); /* a failure is sticky until commit */
}

static enum hyp_status end_sessions_of(struct hyp_db *db, int64_t user)
{
    struct hyp_query query;
    hyp_query_open(&query, db, "DELETE FROM session WHERE account = $1");
    hyp_query_bind_i64(&query, user);
    return hyp_query_run(&query, NULL);
}

enum hyp_status hyp_store_user_update(struct hyp_store *store, struct hyp_user *user,
                                      bool end_sessions, struct hyp_error *err)
{
    struct hyp_db *db = hyp_core_begin(store);
    struct hyp_query query;
    hyp_query_open(&query, db,
                   "UPDATE account SET tenant = $1, login = $2, name = $3,"
                   " password_hash = $4, role = $5, language = $6, theme = $7, enabled = $8,"
                   " failed_logins = $9, locked_until = $10, revision = revision + 1"
                   " WHERE id = $11 AND revision = $12 AND tenant = $1");
    bind_user(&query, user);
    hyp_query_bind_i64(&query, user->id);
    hyp_query_bind_i64(&query, user->revision);
    int64_t changes = 1;
    enum hyp_status status = hyp_query_run(&query, &changes);
    if (changes == 0) {
        status =
            hyp_core_explain_missed(db, "SELECT 1 FROM account WHERE id = $1 AND tenant = $2",
                                    user->id, user->tenant, "user", err);
        return hyp_core_finish(store, status, NULL, "user");
    }
    if (status == HYP_OK && end_sessions) {
        status = end_sessions_of(db, user->id);
    }
    hyp_follow_note(store, HYP_CHANGE_ACCESS, 0, 0, 0);
    status = hyp_core_finish(store, status, err, "user");
    user->revision += status == HYP_OK ? 1 : 0;
    return explain_login(status, user, err);
}

enum hyp_status hyp_store_user_remove(struct hyp_store *store, hyp_tenant_id tenant, int64_t id,
                                      struct hyp_error *err)
{
    struct hyp_query query;
    hyp_query_open(&query, hyp_core_begin(store),
                   "DELETE FROM account WHERE id = $1 AND tenant = $2");
    hyp_query_bind_i64(&query, id);
    hyp_query_bind_i64(&query, tenant.id);
    int64_t changes = 1;
    enum hyp_status status = hyp_query_run(&query, &changes);
    hyp_follow_note(store, HYP_CHANGE_ACCESS, 0, 0, 0);
    status = hyp_core_finish(store, status, err, "user");
    if (status == HYP_OK && changes == 0) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "there is no user %lld", (long long)id);
    }
    return status;
}

static enum hyp_status finish_user(struct hyp_store *store, struct hyp_connections reader,
                                   struct hyp_query *query, struct hyp_user *ret_user)
{
    struct hyp_user user;
    bool found = hyp_query_row(query);
    if (found) {
        read_user(query, &user);
    }
    enum hyp_status status = hyp_query_close(query);
    hyp_core_reader_return(store, reader);
    if (status == HYP_OK && found) {
        *ret_user = user;
    }
    return status == HYP_OK && !found ? HYP_NOT_FOUND : status;
}

enum hyp_status hyp_store_user_by_login(struct hyp_store *store, struct hyp_str login,
                                        struct hyp_user *ret_user)
{
    struct hyp_connections reader = hyp_core_reader(store);
    struct hyp_query query;
    hyp_query_open(&query, reader.main,
                   "SELECT " USER_COLUMNS " FROM account WHERE login = $1");
    hyp_query_bind_str(&query, login);
    return finish_user(store, reader, &query, ret_user);
}

enum hyp_status hyp_store_user(struct hyp_store *store, int64_t id, struct hyp_user *ret_user)
{
    struct hyp_connections reader = hyp_core_reader(store);
    struct hyp_query query;
    hyp_query_open(&query, reader.main, "SELECT " USER_COLUMNS " FROM account WHERE id = $1");
    hyp_query_bind_i64(&query, id);
    return finish_user(store, reader, &query, ret_user);
}

enum hyp_status hyp_store_users(struct hyp_store *store, hyp_tenant_id tenant,
                                struct hyp_arena *arena, struct hyp_user **ret_users,
                                size_t *ret_count)
{
    struct hyp_rowset set;
    hyp_rowset_open(&set, store, arena, sizeof(struct hyp_user),
                    "SELECT " USER_COLUMNS " FROM account WHERE tenant = $1 ORDER BY login");
    hyp_query_bind_i64(&set.query, tenant.id);
    struct hyp_user *user;
    while ((user = hyp_rowset_next(&set)) != NULL) {
        read_user(&set.query, user);
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_users = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}
