/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns in PostgreSQL's binary format: numbers are big-endian, texts and bytes as they are.
 *
 *     numeric (what SUM of integers gives):
 *     +------------+------------+----------+-----------+-----------------------+-----+
 *     | digits i16 | weight i16 | sign u16 | scale i16 | digit i16, base 10000 | ... |
 *     +------------+------------+----------+-----------+-----------------------+-----+
 */
#include "store/postgres/session.h"

#include <string.h>

static uint64_t big_endian(const uint8_t *bytes, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

struct cell {
    const uint8_t *bytes;
    size_t len;
    Oid type;
};

static struct cell cell_of(const struct hyp_stmt *stmt, int column)
{
    const PGresult *row = hyp_postgres_row(stmt);
    return (struct cell){.bytes = (const uint8_t *)PQgetvalue(row, 0, column),
                         .len = (size_t)PQgetlength(row, 0, column),
                         .type = PQftype(row, column)};
}

/* Whole numbers only; a fraction is cut off. */
static int64_t read_numeric(const struct cell *cell)
{
    if (cell->len < 8) {
        return 0;
    }
    int digits = (int16_t)big_endian(cell->bytes, 2);
    int weight = (int16_t)big_endian(cell->bytes + 2, 2);
    bool negative = big_endian(cell->bytes + 4, 2) == 0x4000;
    int64_t value = 0;
    for (int i = 0; i <= weight; i++) {
        bool there = i < digits && cell->len >= 10 + 2 * (size_t)i;
        value = value * 10000 + (there ? (int64_t)big_endian(cell->bytes + 8 + 2 * i, 2) : 0);
    }
    return negative ? -value : value;
}

static double read_float(const struct cell *cell)
{
    uint64_t bits = big_endian(cell->bytes, cell->len);
    if (cell->type == HYP_POSTGRES_FLOAT4) {
        uint32_t half = (uint32_t)bits;
        float value;
        memcpy(&value, &half, sizeof(value));
        return (double)value;
    }
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

int64_t hyp_postgres_column_i64(struct hyp_stmt *stmt, int column)
{
    struct cell cell = cell_of(stmt, column);
    switch (cell.len == 0 ? 0 : cell.type) {
    case HYP_POSTGRES_BOOL: return cell.bytes[0];
    case HYP_POSTGRES_INT2: return (int16_t)big_endian(cell.bytes, 2);
    case HYP_POSTGRES_INT4: return (int32_t)big_endian(cell.bytes, 4);
    case HYP_POSTGRES_INT8: return (int64_t)big_endian(cell.bytes, 8);
    case HYP_POSTGRES_NUMERIC: return read_numeric(&cell);
    case HYP_POSTGRES_FLOAT4:
    case HYP_POSTGRES_FLOAT8: return (int64_t)read_float(&cell);
    default: return 0;
    }
}

double hyp_postgres_column_f64(struct hyp_stmt *stmt, int column)
{
    struct cell cell = cell_of(stmt, column);
    if (cell.len > 0 &&
        (cell.type == HYP_POSTGRES_FLOAT4 || cell.type == HYP_POSTGRES_FLOAT8)) {
        return read_float(&cell);
    }
    return (double)hyp_postgres_column_i64(stmt, column);
}

struct hyp_str hyp_postgres_column_blob(struct hyp_stmt *stmt, int column)
{
    struct cell cell = cell_of(stmt, column);
    return (struct hyp_str){.ptr = cell.bytes == NULL ? "" : (const char *)cell.bytes,
                            .len = cell.len};
}

bool hyp_postgres_column_is_null(struct hyp_stmt *stmt, int column)
{
    return PQgetisnull(hyp_postgres_row(stmt), 0, column) != 0;
}
