/* SPDX-License-Identifier: Apache-2.0 */
#include "move_fault.h"

#include "store/postgres/postgres.h"
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <libpq-fe.h>
#include <string.h>
#include <unistd.h>

static struct {
    enum move_fault kind;
    long at;
    long taken;
} order;

void move_fault_arm(enum move_fault kind, long n)
{
    order.kind = kind;
    order.at = n;
    order.taken = 0;
}

void move_fault_disarm(void)
{
    order.kind = MOVE_FAULT_NONE;
}

long move_fault_taken(void)
{
    return order.taken;
}

static bool is_due(enum move_fault kind)
{
    return order.kind == kind && ++order.taken == order.at;
}

/* --- statements: another table of operations in front of each database --- */

static struct shield {
    const struct hyp_db_ops *real;
    struct hyp_db_ops ops;
} shields[2];

static const struct shield *shield_of(const struct hyp_db *db, enum move_fault *ret_kind)
{
    bool is_source = db->ops == &shields[0].ops;
    *ret_kind = is_source ? MOVE_FAULT_SOURCE : MOVE_FAULT_TARGET;
    return &shields[is_source ? 0 : 1];
}

static enum hyp_status faulty_step(struct hyp_db *db, struct hyp_stmt *stmt, bool *ret_row)
{
    enum move_fault kind;
    const struct shield *shield = shield_of(db, &kind);
    return is_due(kind) ? HYP_IO : shield->real->step(db, stmt, ret_row);
}

static enum hyp_status faulty_exec(struct hyp_db *db, const char *sql)
{
    enum move_fault kind;
    const struct shield *shield = shield_of(db, &kind);
    /* A database that cannot even do that has done it by itself. */
    bool ends = strcmp(sql, "ROLLBACK") == 0;
    return !ends && is_due(kind) ? HYP_IO : shield->real->exec(db, sql);
}

static enum hyp_status faulty_prepare(struct hyp_db *db, const char *sql,
                                      struct hyp_stmt **ret_stmt)
{
    enum move_fault kind;
    const struct shield *shield = shield_of(db, &kind);
    return is_due(kind) ? HYP_NO_MEMORY : shield->real->prepare(db, sql, ret_stmt);
}

static enum hyp_status put_in_front(struct shield *shield, struct hyp_db *db)
{
    if (order.kind != MOVE_FAULT_NONE) {
        shield->real = db->ops;
        shield->ops = *db->ops;
        shield->ops.step = faulty_step;
        shield->ops.exec = faulty_exec;
        shield->ops.prepare = faulty_prepare;
        db->ops = &shield->ops;
    }
    return HYP_OK;
}

enum hyp_status __real_hyp_sqlite_open(const char *path, enum hyp_sqlite_mode mode,
                                       struct hyp_db **ret_db, struct hyp_error *err);
enum hyp_status __wrap_hyp_sqlite_open(const char *path, enum hyp_sqlite_mode mode,
                                       struct hyp_db **ret_db, struct hyp_error *err);
enum hyp_status __real_hyp_postgres_open(const struct hyp_server_config *config,
                                         struct hyp_db **ret_db, struct hyp_error *err);
enum hyp_status __wrap_hyp_postgres_open(const struct hyp_server_config *config,
                                         struct hyp_db **ret_db, struct hyp_error *err);

enum hyp_status __wrap_hyp_sqlite_open(const char *path, enum hyp_sqlite_mode mode,
                                       struct hyp_db **ret_db, struct hyp_error *err)
{
    enum hyp_status status = __real_hyp_sqlite_open(path, mode, ret_db, err);
    return status == HYP_OK ? put_in_front(&shields[0], *ret_db) : status;
}

enum hyp_status __wrap_hyp_postgres_open(const struct hyp_server_config *config,
                                         struct hyp_db **ret_db, struct hyp_error *err)
{
    enum hyp_status status = __real_hyp_postgres_open(config, ret_db, err);
    return status == HYP_OK ? put_in_front(&shields[1], *ret_db) : status;
}

/* --- libpq --- */

int __real_PQputCopyData(PGconn *conn, const char *buffer, int len);
int __wrap_PQputCopyData(PGconn *conn, const char *buffer, int len);
int __real_PQputCopyEnd(PGconn *conn, const char *why);
int __wrap_PQputCopyEnd(PGconn *conn, const char *why);
PGresult *__real_PQexec(PGconn *conn, const char *sql);
PGresult *__wrap_PQexec(PGconn *conn, const char *sql);

int __wrap_PQputCopyData(PGconn *conn, const char *buffer, int len)
{
    return is_due(MOVE_FAULT_COPY) ? -1 : __real_PQputCopyData(conn, buffer, len);
}

/* As without memory: the server is told nothing. */
int __wrap_PQputCopyEnd(PGconn *conn, const char *why)
{
    return is_due(MOVE_FAULT_COPY) ? -1 : __real_PQputCopyEnd(conn, why);
}

PGresult *__wrap_PQexec(PGconn *conn, const char *sql)
{
    PGresult *result = __real_PQexec(conn, sql);
    if (strcmp(sql, "COMMIT") == 0 && is_due(MOVE_FAULT_ANSWER)) {
        PQclear(result);
        return NULL;
    }
    return result;
}

/* --- files --- */

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

static bool is_refused(void)
{
    bool refused = is_due(MOVE_FAULT_FILE);
    errno = refused ? ENOSPC : errno;
    return refused;
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    return is_refused() ? -1 : __real_write(fd, data, len);
}

int __wrap_fsync(int fd)
{
    return is_refused() ? -1 : __real_fsync(fd);
}
