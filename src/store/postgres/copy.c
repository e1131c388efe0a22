/* SPDX-License-Identifier: Apache-2.0 */
#include "store/postgres/session.h"

/* Signature, flags, length of the extension. */
static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
/* Instead of a number of columns: the end. */
static const char tail[] = "\377\377";

static struct hyp_postgres *real(const struct hyp_server_copy *copy)
{
    return (struct hyp_postgres *)copy->db;
}

static void put(struct hyp_server_copy *copy, const char *bytes, size_t len)
{
    if (copy->status != HYP_OK) {
        return;
    }
    struct hyp_postgres *pg = real(copy);
    if (len > INT32_MAX) {
        copy->status = HYP_LIMIT;
    } else if (PQputCopyData(pg->conn, bytes, (int)len) != 1) {
        copy->status = hyp_postgres_failed(pg, NULL);
    }
}

void hyp_postgres_copy_begin(struct hyp_server_copy *copy, const char *sql)
{
    struct hyp_postgres *pg = real(copy);
    hyp_postgres_park(pg);
    PGresult *result = PQexec(pg->conn, sql);
    if (PQresultStatus(result) != PGRES_COPY_IN) {
        copy->status = hyp_postgres_failed(pg, result);
    }
    PQclear(result);
    put(copy, head, sizeof(head) - 1);
}

void hyp_postgres_copy_row(struct hyp_server_copy *copy, struct hyp_str tuple)
{
    put(copy, tuple.ptr, tuple.len);
}

enum hyp_status hyp_postgres_copy_end(struct hyp_server_copy *copy, int64_t *ret_rows)
{
    struct hyp_postgres *pg = real(copy);
    put(copy, tail, sizeof(tail) - 1);
    const char *why = copy->status == HYP_OK ? NULL : "given up";
    if (PQputCopyEnd(pg->conn, why) != 1 && copy->status == HYP_OK) {
        copy->status = hyp_postgres_failed(pg, NULL);
    }
    PGresult *result;
    while ((result = PQgetResult(pg->conn)) != NULL) {
        if (PQresultStatus(result) == PGRES_COPY_IN) {
            /* The end could not be sent, so no answer would ever come. */
            PQclear(result);
            pg->broken = true;
            break;
        }
        if (copy->status == HYP_OK && PQresultStatus(result) != PGRES_COMMAND_OK) {
            copy->status = hyp_postgres_failed(pg, result);
        } else if (copy->status == HYP_OK) {
            int64_t rows = 0;
            HYP_IGNORE(hyp_str_to_i64(hyp_str_from(PQcmdTuples(result)), &rows)); /* or 0 */
            *ret_rows = rows;
        }
        PQclear(result);
    }
    if (copy->status != HYP_OK) {
        hyp_db_fail(copy->db, copy->status);
    }
    return copy->status;
}
