/* SPDX-License-Identifier: Apache-2.0 */
#include "store/move_table.h"

#include "base/crypto.h"
#include "base/limits.h"
#include "store/server.h"
#include "store/utf8.h"

#include <string.h>

#define SQL_MAX 8192
#define QUESTION_MAX 16384
#define TUPLE_MAX (1024 * 1024 * 1024)

/* --- names --- */

/* Our own names are plain words; another one is a table of somebody else. */
static bool is_plain(struct hyp_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return false;
        }
    }
    return name.len > 0;
}

static enum hyp_status find_type(struct hyp_str text, enum hyp_move_type *ret_type)
{
    static const struct {
        const char *text;
        enum hyp_move_type type;
    } rows[] = {
        {"bigint",           HYP_MOVE_INT },
        {"double precision", HYP_MOVE_REAL},
        {"text",             HYP_MOVE_TEXT},
        {"bytea",            HYP_MOVE_BLOB},
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        if (hyp_str_equal(text, hyp_str_from(rows[i].text))) {
            *ret_type = rows[i].type;
            return HYP_OK;
        }
    }
    return HYP_UNSUPPORTED;
}

/* Columns that only a shared database has (store/partition.h), and what they are for rows of
 * SQLite. Log and frames leave soon: they go into the early partitions, to no tenant. */
static const char *source_of(const char *table, struct hyp_str column)
{
    static const struct {
        const char *table;
        const char *column;
        const char *source;
    } rows[] = {
        {"chunk",        "tenant",
         "COALESCE((SELECT tenant FROM device WHERE device.id = chunk.id & 4294967295), 0)"},
        {"sealed",       "tenant",
         "COALESCE((SELECT tenant FROM device WHERE device.id = sealed.device), 0)"        },
        {"thinned",      "tenant",
         "COALESCE((SELECT tenant FROM device WHERE device.id = thinned.chunk & 4294967295),"
         " 0)"                                                                             },
        {"intake_log",   "tenant", "0"                                                     },
        {"intake_log",   "period", "0"                                                     },
        {"frame_log",    "tenant", "0"                                                     },
        {"frame_log",    "period", "0"                                                     },
        {"frame_block",  "tenant", "0"                                                     },
        {"frame_block",  "period", "0"                                                     },
        {"frame_device", "tenant", "0"                                                     },
        {"frame_device", "period", "0"                                                     },
        {"frame_line",   "tenant", "0"                                                     },
        {"frame_line",   "period", "0"                                                     },
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        if (strcmp(table, rows[i].table) == 0 &&
            hyp_str_equal(column, hyp_str_from(rows[i].column))) {
            return rows[i].source;
        }
    }
    return NULL;
}

static void add_column(struct hyp_buf *list, struct hyp_str name, const char *source)
{
    hyp_buf_append_text(list, list->len == 0 ? "" : ", ");
    if (source != NULL) {
        hyp_buf_append_text(list, source);
        return;
    }
    hyp_buf_append_char(list, '"');
    hyp_buf_append_str(list, name);
    hyp_buf_append_char(list, '"');
}

static enum hyp_status read_columns(struct hyp_db *to, struct hyp_move_table *table,
                                    enum hyp_move_columns which, struct hyp_buf *columns,
                                    struct hyp_buf *sources)
{
    struct hyp_query query;
    hyp_query_open(&query, to,
                   "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute"
                   " WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0"
                   " AND NOT attisdropped ORDER BY attnum");
    hyp_query_bind_text(&query, table->name);
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && hyp_query_row(&query)) {
        struct hyp_str name = hyp_query_str(&query);
        struct hyp_str type = hyp_query_str(&query);
        const char *source = source_of(table->name, name);
        if (source != NULL && which == HYP_MOVE_PLAIN) {
            continue;
        }
        if (!is_plain(name) || table->count == HYP_MOVE_COLUMNS) {
            status = HYP_UNSUPPORTED;
            break;
        }
        add_column(columns, name, NULL);
        add_column(sources, name, source);
        status = find_type(type, &table->types[table->count++]);
    }
    enum hyp_status read = hyp_query_close(&query);
    return status == HYP_OK ? read : status;
}

static const char *write_select(struct hyp_arena *arena, const char *list, const char *name)
{
    char text[SQL_MAX];
    struct hyp_buf sql;
    hyp_buf_init_fixed(&sql, text, sizeof(text));
    hyp_buf_append_fmt(&sql, "SELECT %s FROM \"%s\"", list, name);
    return hyp_buf_status(&sql) == HYP_OK ? hyp_arena_copy_str(arena, hyp_buf_view(&sql))
                                          : NULL;
}

static const char *write_copy(struct hyp_arena *arena, const char *list, const char *name)
{
    char text[SQL_MAX];
    struct hyp_buf sql;
    hyp_buf_init_fixed(&sql, text, sizeof(text));
    hyp_buf_append_fmt(&sql, "COPY \"%s\" (%s) FROM STDIN BINARY", name, list);
    return hyp_buf_status(&sql) == HYP_OK ? hyp_arena_copy_str(arena, hyp_buf_view(&sql))
                                          : NULL;
}

static const char *write_insert(struct hyp_arena *arena, const char *list, const char *name,
                                size_t count)
{
    char text[SQL_MAX];
    struct hyp_buf sql;
    hyp_buf_init_fixed(&sql, text, sizeof(text));
    hyp_buf_append_fmt(&sql, "INSERT INTO \"%s\" (%s) VALUES (", name, list);
    for (size_t i = 1; i <= count; i++) {
        hyp_buf_append_fmt(&sql, "%s$%zu", i == 1 ? "" : ", ", i);
    }
    hyp_buf_append_char(&sql, ')');
    return hyp_buf_status(&sql) == HYP_OK ? hyp_arena_copy_str(arena, hyp_buf_view(&sql))
                                          : NULL;
}

enum hyp_status hyp_move_table_open(struct hyp_db *to, const char *name,
                                    enum hyp_move_columns which, struct hyp_arena *arena,
                                    struct hyp_move_table *table)
{
    char column_text[SQL_MAX / 2];
    char source_text[SQL_MAX / 2];
    struct hyp_buf columns;
    struct hyp_buf sources;
    hyp_buf_init_fixed(&columns, column_text, sizeof(column_text));
    hyp_buf_init_fixed(&sources, source_text, sizeof(source_text));
    *table = (struct hyp_move_table){.name = name};
    if (!is_plain(hyp_str_from(name))) {
        return HYP_UNSUPPORTED;
    }
    enum hyp_status status = read_columns(to, table, which, &columns, &sources);
    if (status != HYP_OK) {
        return status;
    }
    const char *list = hyp_buf_terminate(&columns);
    table->select = write_select(arena, list, name);
    table->source = write_select(arena, hyp_buf_terminate(&sources), name);
    table->copy = write_copy(arena, list, name);
    table->insert = write_insert(arena, list, name, table->count);
    bool whole = hyp_buf_status(&columns) == HYP_OK && hyp_buf_status(&sources) == HYP_OK &&
                 table->select != NULL && table->source != NULL && table->copy != NULL &&
                 table->insert != NULL;
    return whole ? HYP_OK : HYP_LIMIT;
}

/* --- tables --- */

enum hyp_status hyp_move_list_tables(struct hyp_db *db, struct hyp_arena *arena,
                                     const char *names[static HYP_MOVE_TABLES],
                                     size_t *ret_count)
{
    struct hyp_query query;
    hyp_query_open(
        &query, db,
        "SELECT name::text FROM (WITH RECURSIVE step(id, depth) AS ("
        " SELECT oid, 0 FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = to_regnamespace(quote_ident(current_schema()))"
        " UNION SELECT conrelid, depth + 1 FROM step JOIN pg_constraint ON confrelid = id"
        " WHERE contype = 'f' AND conrelid <> confrelid AND depth < 32)"
        " SELECT relname AS name, relkind = 'p' AS large, MAX(depth) AS depth"
        " FROM step JOIN pg_class ON oid = id GROUP BY relname, relkind) AS tables"
        " WHERE name NOT IN ('schema_version', '" HYP_SERVER_COUNTER "',"
        " '" HYP_SERVER_CHANGES "', '" HYP_SERVER_ORDERS "')"
        " ORDER BY large, depth, name");
    size_t count = 0;
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && hyp_query_row(&query)) {
        const char *name = hyp_arena_copy_str(arena, hyp_query_str(&query));
        status = name == NULL || count == HYP_MOVE_TABLES ? HYP_LIMIT : HYP_OK;
        if (status == HYP_OK) {
            names[count++] = name;
        }
    }
    enum hyp_status read = hyp_query_close(&query);
    *ret_count = count;
    return status == HYP_OK ? read : status;
}

static const char *write_question(struct hyp_arena *arena, const char *const *names,
                                  size_t count)
{
    char text[QUESTION_MAX];
    struct hyp_buf sql;
    hyp_buf_init_fixed(&sql, text, sizeof(text));
    hyp_buf_append_text(&sql, "SELECT false");
    for (size_t i = 0; i < count; i++) {
        if (!is_plain(hyp_str_from(names[i]))) {
            return NULL;
        }
        hyp_buf_append_fmt(&sql, " OR EXISTS (SELECT FROM \"%s\")", names[i]);
    }
    return hyp_buf_status(&sql) == HYP_OK ? hyp_arena_copy_str(arena, hyp_buf_view(&sql))
                                          : NULL;
}

enum hyp_status hyp_move_find_rows(struct hyp_db *db, struct hyp_arena *arena,
                                   const char *const *names, size_t count, bool *ret_found)
{
    const char *sql = write_question(arena, names, count);
    if (sql == NULL) {
        return HYP_LIMIT;
    }
    struct hyp_query query;
    hyp_query_open(&query, db, sql);
    bool found = hyp_query_row(&query) && hyp_query_i64(&query) != 0;
    enum hyp_status status = hyp_query_close(&query);
    if (status == HYP_OK) {
        *ret_found = found;
    }
    return status;
}

/* --- rows --- */

static void append_number(struct hyp_buf *out, uint64_t number, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--) {
        hyp_buf_append_char(out, (char)(uint8_t)(number >> (8 * (i - 1))));
    }
}

static void append_bytes(struct hyp_buf *out, struct hyp_str bytes)
{
    append_number(out, bytes.len, 4);
    hyp_buf_append_str(out, bytes);
}

static void append_column(struct hyp_buf *out, struct hyp_query *query, enum hyp_move_type type)
{
    if (query->db->ops->column_is_null(query->stmt, query->column)) {
        query->column++;
        append_number(out, UINT32_MAX, 4);
        return;
    }
    double real;
    uint64_t bits;
    switch (type) {
    case HYP_MOVE_INT:
        append_number(out, 8, 4);
        append_number(out, (uint64_t)hyp_query_i64(query), 8);
        return;
    case HYP_MOVE_REAL:
        real = hyp_query_f64(query);
        memcpy(&bits, &real, sizeof(bits));
        append_number(out, 8, 4);
        append_number(out, bits, 8);
        return;
    case HYP_MOVE_TEXT: append_bytes(out, hyp_query_str(query)); return;
    case HYP_MOVE_BLOB: append_bytes(out, hyp_query_blob(query)); return;
    }
}

/* The row that the query stands on, as COPY wants it. */
static enum hyp_status write_tuple(const struct hyp_move_table *table, struct hyp_query *query,
                                   struct hyp_buf *tuple)
{
    hyp_buf_reset(tuple);
    append_number(tuple, table->count, 2);
    for (size_t i = 0; i < table->count; i++) {
        size_t begin = tuple->len;
        append_column(tuple, query, table->types[i]);
        if (table->types[i] == HYP_MOVE_TEXT && hyp_buf_status(tuple) == HYP_OK &&
            tuple->len > begin + 4) {
            hyp_utf8_clean((char *)tuple->data + begin + 4, tuple->len - begin - 4);
        }
    }
    return hyp_buf_status(tuple);
}

static void add_row(struct hyp_move_sum *sum, struct hyp_str tuple)
{
    uint8_t digest[32];
    uint64_t hash;
    hyp_sha256((const uint8_t *)tuple.ptr, tuple.len, digest);
    memcpy(&hash, digest, sizeof(hash));
    sum->rows++;
    sum->checksum += hash;
}

static void bind_column(struct hyp_query *insert, struct hyp_query *row,
                        enum hyp_move_type type)
{
    struct hyp_str bytes;
    if (row->db->ops->column_is_null(row->stmt, row->column)) {
        row->column++;
        hyp_query_bind_id(insert, 0);
        return;
    }
    switch (type) {
    case HYP_MOVE_INT: hyp_query_bind_i64(insert, hyp_query_i64(row)); return;
    case HYP_MOVE_REAL: hyp_query_bind_f64(insert, hyp_query_f64(row)); return;
    case HYP_MOVE_TEXT: hyp_query_bind_str(insert, hyp_query_str(row)); return;
    case HYP_MOVE_BLOB:
        bytes = hyp_query_blob(row);
        hyp_query_bind_blob(insert, (const uint8_t *)bytes.ptr, bytes.len);
        return;
    }
}

/* Writes the row that the query stands on. */
static enum hyp_status insert_row(const struct hyp_move_table *table, struct hyp_query *row,
                                  struct hyp_db *to)
{
    struct hyp_query insert;
    hyp_query_open(&insert, to, table->insert);
    row->column = 0;
    for (size_t i = 0; i < table->count; i++) {
        bind_column(&insert, row, table->types[i]);
    }
    return hyp_query_run(&insert, NULL);
}

/* A COPY that begins with its first row. */
struct copying {
    struct hyp_server_copy copy;
    struct hyp_db *to;
    bool begun;
};

/* Where the rows go. Both NULL = only the sum. */
struct sink {
    struct copying *copying;
    struct hyp_db *insert;
};

static enum hyp_status copy_row(const struct hyp_move_table *table, struct copying *copying,
                                const struct hyp_buf *tuple)
{
    if (!copying->begun) {
        hyp_server_copy_begin(&copying->copy, copying->to, table->copy);
        copying->begun = copying->copy.status == HYP_OK;
    }
    if (copying->begun) {
        hyp_server_copy_row(&copying->copy, hyp_buf_view(tuple));
    }
    return copying->copy.status;
}

static enum hyp_status pass_row(const struct hyp_move_table *table, struct hyp_query *row,
                                const struct hyp_buf *tuple, struct sink sink)
{
    if (sink.copying != NULL) {
        return copy_row(table, sink.copying, tuple);
    }
    return sink.insert == NULL ? HYP_OK : insert_row(table, row, sink.insert);
}

/* Goes over all rows of a table. */
static enum hyp_status go_over(const struct hyp_move_table *table, struct hyp_db *db,
                               struct sink sink, struct hyp_move_sum *ret_sum)
{
    const char *sql = hyp_db_is_sharded(db) ? table->select : table->source;
    struct hyp_buf tuple HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&tuple, TUPLE_MAX);
    struct hyp_move_sum sum = {0};
    struct hyp_query query;
    hyp_query_open(&query, db, sql);
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && hyp_query_row(&query)) {
        status = write_tuple(table, &query, &tuple);
        if (status == HYP_OK) {
            add_row(&sum, hyp_buf_view(&tuple));
        }
        if (status == HYP_OK) {
            status = pass_row(table, &query, &tuple, sink);
        }
    }
    enum hyp_status read = hyp_query_close(&query);
    *ret_sum = sum;
    return status == HYP_OK ? read : status;
}

enum hyp_status hyp_move_table_copy(const struct hyp_move_table *table, struct hyp_db *from,
                                    struct hyp_db *to, struct hyp_move_sum *ret_sum)
{
    struct copying copying = {.to = to};
    int64_t taken = 0;
    enum hyp_status status = go_over(table, from, (struct sink){.copying = &copying}, ret_sum);
    if (copying.begun) {
        if (status != HYP_OK && copying.copy.status == HYP_OK) {
            copying.copy.status = status; /* tells the server that this is not all */
        }
        enum hyp_status ended = hyp_server_copy_end(&copying.copy, &taken);
        status = status == HYP_OK ? ended : status;
    }
    return status == HYP_OK && taken != ret_sum->rows ? HYP_CORRUPT : status;
}

enum hyp_status hyp_move_table_sum(const struct hyp_move_table *table, struct hyp_db *db,
                                   struct hyp_move_sum *ret_sum)
{
    return go_over(table, db, (struct sink){0}, ret_sum);
}

enum hyp_status hyp_move_table_insert(const struct hyp_move_table *table, struct hyp_db *from,
                                      struct hyp_db *to, struct hyp_move_sum *ret_sum)
{
    return go_over(table, from, (struct sink){.insert = to}, ret_sum);
}
