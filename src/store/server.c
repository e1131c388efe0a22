/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that knows which servers there are: a URL is opened by the backend that takes
 * it, and everything else goes through its operations.
 */
#include "store/server.h"

#include "base/limits.h"
#include "store/layout.h"
#include "store/postgres/postgres.h"

enum hyp_status hyp_server_open(const struct hyp_server_config *config, struct hyp_db **ret_db,
                                struct hyp_error *err)
{
    char name[HYP_LIMIT_SCHEMA_NAME];
    struct hyp_buf schema;
    hyp_buf_init_fixed(&schema, name, sizeof(name));
    hyp_buf_append_text(&schema, config->schema == NULL ? HYP_MAIN_SCHEMA : config->schema);
    hyp_buf_append_text(&schema, config->suffix == NULL ? "" : config->suffix);
    struct hyp_server_config named = *config;
    named.schema = hyp_buf_terminate(&schema);
    named.suffix = NULL;
    if (hyp_buf_status(&schema) != HYP_OK) {
        return hyp_error_set(err, HYP_LIMIT, -1, "the name of the schema is too long");
    }
    return hyp_postgres_open(&named, ret_db, err);
}

static const struct hyp_server_ops *ops_of(const struct hyp_db *db)
{
    return db->ops->server;
}

enum hyp_status hyp_server_lock(struct hyp_db *db, struct hyp_error *err)
{
    return ops_of(db)->lock(db, err);
}

enum hyp_status hyp_server_join(struct hyp_db *db, bool *ret_alone, struct hyp_error *err)
{
    return ops_of(db)->join(db, ret_alone, err);
}

enum hyp_status hyp_server_share(struct hyp_db *db, struct hyp_error *err)
{
    return ops_of(db)->share(db, err);
}

enum hyp_status hyp_server_lease(struct hyp_db *db, const char *job, uint64_t *ret_session)
{
    return ops_of(db)->lease(db, job, ret_session);
}

void hyp_server_release(struct hyp_db *db, const char *job)
{
    ops_of(db)->release(db, job);
}

enum hyp_status hyp_server_lease_holder(struct hyp_db *db, const char *job, char *ret_member,
                                        size_t size)
{
    return ops_of(db)->lease_holder(db, job, ret_member, size);
}

bool hyp_server_has_session(const struct hyp_db *db, uint64_t session)
{
    return ops_of(db)->has_session(db, session);
}

void hyp_server_fence(struct hyp_db *db, uint64_t session)
{
    ops_of(db)->fence(db, session);
}

int64_t hyp_server_number(const struct hyp_db *db)
{
    return ops_of(db)->number(db);
}

uint64_t hyp_server_begun(const struct hyp_db *db)
{
    return ops_of(db)->begun(db);
}

bool hyp_server_is_unsure(const struct hyp_db *db)
{
    return ops_of(db)->is_unsure(db);
}

enum hyp_status hyp_server_settle(struct hyp_db *db)
{
    return ops_of(db)->settle(db);
}

void hyp_server_settled(struct hyp_db *db)
{
    ops_of(db)->settled(db);
}

bool hyp_server_is_denied(const struct hyp_db *db)
{
    return ops_of(db)->is_denied(db);
}

bool hyp_server_is_away(const struct hyp_db *db)
{
    return ops_of(db)->is_away(db);
}

int64_t hyp_server_bytes(struct hyp_db *db)
{
    return ops_of(db)->bytes(db);
}

void hyp_server_copy_begin(struct hyp_server_copy *copy, struct hyp_db *db, const char *sql)
{
    *copy = (struct hyp_server_copy){.db = db, .status = HYP_OK};
    ops_of(db)->copy_begin(copy, sql);
}

void hyp_server_copy_row(struct hyp_server_copy *copy, struct hyp_str tuple)
{
    ops_of(copy->db)->copy_row(copy, tuple);
}

enum hyp_status hyp_server_copy_end(struct hyp_server_copy *copy, int64_t *ret_rows)
{
    return ops_of(copy->db)->copy_end(copy, ret_rows);
}
