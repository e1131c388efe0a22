/* SPDX-License-Identifier: Apache-2.0 */
#include "store/postgres/session.h"

#include "base/buf.h"
#include "base/limits.h"
#include "store/utf8.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 24
#define BINARY 1

/* A row that was taken in while another statement wanted the connection. */
struct parked {
    struct parked *next;
    PGresult *row;
};

/* One parameter. `number` holds what `value` points to when it is a number. */
struct parameter {
    uint8_t number[8];
    char *cleaned;
};

struct hyp_stmt {
    struct hyp_postgres *pg;
    struct hyp_stmt *next; /* among the spare ones */
    const char *sql;
    char name[NAME_MAX_LEN];
    uint64_t session; /* in which it is prepared; 0 = in none */
    bool started;
    bool streaming; /* rows are still on their way */
    enum hyp_status ending;
    PGresult *row;
    struct parked *first;
    struct parked *last;
    int count;
    Oid types[HYP_LIMIT_SQL_PARAMETERS];
    const char *values[HYP_LIMIT_SQL_PARAMETERS];
    int lengths[HYP_LIMIT_SQL_PARAMETERS];
    int formats[HYP_LIMIT_SQL_PARAMETERS];
    struct parameter parameters[HYP_LIMIT_SQL_PARAMETERS];
};

const PGresult *hyp_postgres_row(const struct hyp_stmt *stmt)
{
    return stmt->row;
}

/* --- life --- */

static struct hyp_stmt *take_spare(struct hyp_postgres *pg, const char *sql)
{
    struct hyp_stmt **link = &pg->spare;
    while (*link != NULL && (*link)->sql != sql) {
        link = &(*link)->next;
    }
    struct hyp_stmt *stmt = *link;
    if (stmt != NULL) {
        *link = stmt->next;
        stmt->next = NULL;
    }
    return stmt;
}

/* The server sees it at the first step, when the types of the parameters are known. */
enum hyp_status hyp_postgres_prepare(struct hyp_db *db, const char *sql,
                                     struct hyp_stmt **ret_stmt)
{
    struct hyp_postgres *pg = (struct hyp_postgres *)db;
    struct hyp_stmt *stmt = take_spare(pg, sql);
    if (stmt == NULL) {
        stmt = calloc(1, sizeof(*stmt));
    }
    if (stmt == NULL) {
        return HYP_NO_MEMORY;
    }
    stmt->pg = pg;
    stmt->sql = sql;
    *ret_stmt = stmt;
    return HYP_OK;
}

/* Kept for the next who wants the same: libpq 15 cannot close one by the protocol. */
void hyp_postgres_finalise(struct hyp_stmt *stmt)
{
    stmt->next = stmt->pg->spare;
    stmt->pg->spare = stmt;
}

void hyp_postgres_free_statements(struct hyp_postgres *pg)
{
    while (pg->spare != NULL) {
        struct hyp_stmt *next = pg->spare->next;
        free(pg->spare);
        pg->spare = next;
    }
}

/* --- parameters --- */

static struct parameter *parameter_at(struct hyp_stmt *stmt, int index, Oid type,
                                      const char *value, size_t len)
{
    if (index < 1 || index > HYP_LIMIT_SQL_PARAMETERS || len > INT32_MAX) {
        return NULL;
    }
    int i = index - 1;
    if (stmt->session != 0 && stmt->types[i] != type) {
        stmt->session = 0;
    }
    stmt->types[i] = type;
    stmt->values[i] = value;
    stmt->lengths[i] = (int)len;
    stmt->formats[i] = BINARY;
    stmt->count = HYP_MAX(stmt->count, index);
    return &stmt->parameters[i];
}

static enum hyp_status bind_number(struct hyp_stmt *stmt, int index, Oid type, uint64_t bits)
{
    struct parameter *parameter = parameter_at(stmt, index, type, NULL, sizeof(bits));
    if (parameter == NULL) {
        return HYP_LIMIT;
    }
    for (size_t i = 0; i < sizeof(bits); i++) {
        parameter->number[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    stmt->values[index - 1] = (const char *)parameter->number;
    return HYP_OK;
}

enum hyp_status hyp_postgres_bind_i64(struct hyp_stmt *stmt, int index, int64_t value)
{
    return bind_number(stmt, index, HYP_POSTGRES_INT8, (uint64_t)value);
}

enum hyp_status hyp_postgres_bind_f64(struct hyp_stmt *stmt, int index, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bind_number(stmt, index, HYP_POSTGRES_FLOAT8, bits);
}

/* SQLite keeps any bytes as text; here what is no UTF-8 becomes '?', so that a strange name
 * from the field cannot stop the readings that come with it. */
static char *clean_copy(struct hyp_str text)
{
    char *copy = malloc(text.len);
    if (copy != NULL) {
        memcpy(copy, text.ptr, text.len);
        hyp_utf8_clean(copy, text.len);
    }
    return copy;
}

enum hyp_status hyp_postgres_bind_text(struct hyp_stmt *stmt, int index, struct hyp_str value)
{
    const char *text = value.ptr == NULL ? "" : value.ptr;
    struct parameter *parameter = parameter_at(stmt, index, HYP_POSTGRES_TEXT, text, value.len);
    if (parameter == NULL) {
        return HYP_LIMIT;
    }
    if (!hyp_utf8_is_clean(value)) {
        parameter->cleaned = clean_copy(value);
        stmt->values[index - 1] = parameter->cleaned;
        return parameter->cleaned == NULL ? HYP_NO_MEMORY : HYP_OK;
    }
    return HYP_OK;
}

enum hyp_status hyp_postgres_bind_blob(struct hyp_stmt *stmt, int index, const uint8_t *data,
                                       size_t len)
{
    const char *bytes = len == 0 ? "" : (const char *)data;
    return parameter_at(stmt, index, HYP_POSTGRES_BYTEA, bytes, len) == NULL ? HYP_LIMIT
                                                                             : HYP_OK;
}

/* What may be NULL are references: numbers. */
enum hyp_status hyp_postgres_bind_null(struct hyp_stmt *stmt, int index)
{
    return parameter_at(stmt, index, HYP_POSTGRES_INT8, NULL, 0) == NULL ? HYP_LIMIT : HYP_OK;
}

/* --- running --- */

static enum hyp_status prepare_now(struct hyp_postgres *pg, struct hyp_stmt *stmt)
{
    struct hyp_buf name;
    hyp_buf_init_fixed(&name, stmt->name, sizeof(stmt->name));
    hyp_buf_append_fmt(&name, "s%llu", (unsigned long long)pg->next_name++);
    PGresult *result =
        PQprepare(pg->conn, hyp_buf_terminate(&name), stmt->sql, stmt->count, stmt->types);
    bool good = PQresultStatus(result) == PGRES_COMMAND_OK;
    enum hyp_status status = good ? HYP_OK : hyp_postgres_failed(pg, result);
    PQclear(result);
    stmt->session = good ? pg->session : 0;
    return status;
}

static enum hyp_status send_once(struct hyp_postgres *pg, struct hyp_stmt *stmt)
{
    enum hyp_status status = stmt->session == pg->session ? HYP_OK : prepare_now(pg, stmt);
    if (status != HYP_OK) {
        return status;
    }
    if (PQsendQueryPrepared(pg->conn, stmt->name, stmt->count, stmt->values, stmt->lengths,
                            stmt->formats, BINARY) == 0) {
        return hyp_postgres_failed(pg, NULL);
    }
    PQsetSingleRowMode(pg->conn);
    stmt->streaming = true;
    pg->streaming = stmt;
    return HYP_OK;
}

/* The answer has been read to its end. */
static void end_stream(struct hyp_postgres *pg, struct hyp_stmt *stmt)
{
    PGresult *rest;
    while ((rest = PQgetResult(pg->conn)) != NULL) {
        PQclear(rest);
    }
    stmt->streaming = false;
    pg->streaming = NULL;
}

static int64_t changed_rows(PGresult *result)
{
    int64_t number = 0;
    return hyp_str_to_i64(hyp_str_from(PQcmdTuples(result)), &number) == HYP_OK ? number : 0;
}

/* Rows that go from a partitioned table leave something to tidy. */
static void note_removed(struct hyp_postgres *pg, const char *sql)
{
    static const struct {
        const char *begin;
        bool swept; /* told to vacuum (postgres_tidy) */
    } rows[] = {
        {"DELETE FROM chunk ",       true },
        {"DELETE FROM intake_log ",  true },
        {"DELETE FROM frame_log ",   true },
        {"DELETE FROM frame_block ", false},
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        if (pg->changes > 0 &&
            hyp_str_has_prefix(hyp_str_from(sql), hyp_str_from(rows[i].begin))) {
            pg->removed += rows[i].swept ? pg->changes : 0;
            pg->emptied = true;
        }
    }
}

/* The next row of the stream. *ret_row NULL: it has ended. */
static enum hyp_status fetch(struct hyp_postgres *pg, struct hyp_stmt *stmt, PGresult **ret_row)
{
    PGresult *result = PQgetResult(pg->conn);
    ExecStatusType outcome = PQresultStatus(result);
    enum hyp_status status = HYP_OK;
    *ret_row = NULL;
    if (outcome == PGRES_SINGLE_TUPLE) {
        *ret_row = result;
        return HYP_OK;
    }
    if (outcome == PGRES_TUPLES_OK || outcome == PGRES_COMMAND_OK) {
        pg->changes = changed_rows(result);
        note_removed(pg, stmt->sql);
    } else {
        status = hyp_postgres_failed(pg, result);
    }
    PQclear(result);
    end_stream(pg, stmt);
    return status;
}

void hyp_postgres_park(struct hyp_postgres *pg)
{
    struct hyp_stmt *stmt = pg->streaming;
    while (pg->streaming != NULL) {
        PGresult *row;
        enum hyp_status status = fetch(pg, stmt, &row);
        if (status != HYP_OK) {
            stmt->ending = status;
        }
        if (row == NULL) {
            return;
        }
        struct parked *parked = malloc(sizeof(*parked));
        if (parked == NULL) {
            PQclear(row);
            end_stream(pg, stmt);
            stmt->ending = HYP_NO_MEMORY;
            return;
        }
        *parked = (struct parked){.row = row};
        if (stmt->last == NULL) {
            stmt->first = parked;
        } else {
            stmt->last->next = parked;
        }
        stmt->last = parked;
    }
}

static bool is_question(const struct hyp_stmt *stmt)
{
    return hyp_str_has_prefix(hyp_str_from(stmt->sql), HYP_STR("SELECT"));
}

/* A question outside a transaction may be asked again. */
static bool may_repeat(struct hyp_postgres *pg, const struct hyp_stmt *stmt,
                       enum hyp_status failure)
{
    return !pg->base.in_transaction && hyp_postgres_has_gone(pg, failure) && is_question(stmt);
}

static enum hyp_status start_once(struct hyp_postgres *pg, struct hyp_stmt *stmt,
                                  PGresult **ret_row)
{
    *ret_row = NULL;
    enum hyp_status status = send_once(pg, stmt);
    if (status == HYP_OK) {
        status = fetch(pg, stmt, ret_row);
    }
    if (status == HYP_OK && !is_question(stmt)) {
        /* Rows of RETURNING come before references are checked. */
        hyp_postgres_park(pg);
        status = stmt->ending;
    }
    return status;
}

static enum hyp_status start(struct hyp_postgres *pg, struct hyp_stmt *stmt, PGresult **ret_row)
{
    hyp_postgres_park(pg);
    stmt->started = true;
    enum hyp_status status = start_once(pg, stmt, ret_row);
    if (status != HYP_OK && may_repeat(pg, stmt, status)) {
        status = hyp_postgres_reconnect(pg);
        if (status == HYP_OK) {
            status = start_once(pg, stmt, ret_row);
        }
    }
    return status;
}

static PGresult *take_parked(struct hyp_stmt *stmt)
{
    struct parked *parked = stmt->first;
    PGresult *row = parked->row;
    stmt->first = parked->next;
    if (stmt->first == NULL) {
        stmt->last = NULL;
    }
    free(parked);
    return row;
}

static void drop_row(struct hyp_stmt *stmt)
{
    PQclear(stmt->row);
    stmt->row = NULL;
}

enum hyp_status hyp_postgres_step(struct hyp_db *db, struct hyp_stmt *stmt, bool *ret_row)
{
    struct hyp_postgres *pg = (struct hyp_postgres *)db;
    enum hyp_status status = HYP_OK;
    drop_row(stmt);
    if (!stmt->started) {
        status = start(pg, stmt, &stmt->row);
    } else if (stmt->first != NULL) {
        stmt->row = take_parked(stmt);
    } else if (stmt->streaming) {
        status = fetch(pg, stmt, &stmt->row);
    } else {
        status = stmt->ending;
    }
    if (status != HYP_OK) {
        drop_row(stmt);
    }
    *ret_row = stmt->row != NULL;
    return hyp_postgres_tell(pg, status);
}

void hyp_postgres_reset(struct hyp_stmt *stmt)
{
    struct hyp_postgres *pg = stmt->pg;
    drop_row(stmt);
    while (stmt->first != NULL) {
        PQclear(take_parked(stmt));
    }
    while (stmt->streaming) {
        PGresult *row = NULL;
        enum hyp_status status = fetch(pg, stmt, &row);
        HYP_IGNORE(status); /* nobody wants the rest */
        PQclear(row);
    }
    for (int i = 0; i < stmt->count; i++) {
        free(stmt->parameters[i].cleaned);
        stmt->parameters[i].cleaned = NULL;
        stmt->values[i] = NULL;
        stmt->lengths[i] = 0;
    }
    stmt->started = false;
    stmt->ending = HYP_OK;
}
