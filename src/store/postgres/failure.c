/* SPDX-License-Identifier: Apache-2.0 */
#include "store/postgres/session.h"

#include "base/buf.h"

#include <string.h>

#define DENIED "42501"
#define NO_PASSWORD "28P01"

/* SQLSTATE codes by prefix, the longest first. What the server holds against this program (its
 * password, its rights) is no fault of who asked for something: the database cannot be used. */
static const struct {
    const char *prefix;
    enum hyp_status status;
} status_rows[] = {
    {"23505", HYP_EXISTS   },
    {"23503", HYP_CONFLICT },
    {"25006", HYP_IO       }, /* read-only: a standby, or a disk that filled up */
    {"25P03", HYP_BUSY     }, /* silent in a transaction, or too long in it (25P04): the */
    {"25P04", HYP_BUSY     }, /* session was ended */
    {"3D000", HYP_IO       }, /* no such database */
    {"3F000", HYP_IO       }, /* no such schema, or it is not ours to see */
    {"42P01", HYP_IO       }, /* no such table, or its schema is not ours to see */
    {DENIED,  HYP_IO       },
    {"53100", HYP_FULL     },
    {"53200", HYP_NO_MEMORY},
    {"54000", HYP_LIMIT    },
    {"55P03", HYP_BUSY     },
    {"57014", HYP_BUSY     }, /* cancelled by an administrator, or by a limit of his */
    {"57P0",  HYP_BUSY     }, /* stopping, stopped, starting */
    {"XX001", HYP_CORRUPT  },
    {"XX002", HYP_CORRUPT  },
    {"08",    HYP_IO       },
    {"22",    HYP_INVALID  },
    {"23",    HYP_INVALID  },
    {"28",    HYP_IO       }, /* does not let us in */
    {"40",    HYP_BUSY     }, /* rolled back in favour of another transaction */
    {"53",    HYP_BUSY     }, /* too many connections, some other limit of the server */
    {"58",    HYP_IO       },
};

/* What to do when no session can be had, by code; "" when the server has not even answered. */
static const struct {
    const char *prefix;
    const char *remedy;
} remedy_rows[] = {
    {"28",    "check user and password in the URL (or PGPASSFILE), and pg_hba.conf"         },
    {"3D000", "CREATE DATABASE it, or mend the URL"                                         },
    {"3F000", "the user of the URL needs USAGE and CREATE on the schema"                    },
    {DENIED,  "the user of the URL needs CONNECT and CREATE on the database, and its tables"},
    {"53300", "raise max_connections, or the limit of the user, or end other programs"      },
    {"57P03", "wait until it has started"                                                   },
    {"",      "is it running, and is the URL right?"                                        },
};

static enum hyp_status status_of(struct hyp_str state)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(status_rows); i++) {
        if (hyp_str_has_prefix(state, hyp_str_from(status_rows[i].prefix))) {
            return status_rows[i].status;
        }
    }
    /* Without a code it is the connection that failed. */
    return state.len == 0 ? HYP_IO : HYP_INTERNAL;
}

/* What is to be done about a session that could not be begun; "" when nothing is known. */
static const char *remedy_of(struct hyp_str state)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(remedy_rows); i++) {
        struct hyp_str prefix = hyp_str_from(remedy_rows[i].prefix);
        if (prefix.len == 0 ? state.len == 0 : hyp_str_has_prefix(state, prefix)) {
            return remedy_rows[i].remedy;
        }
    }
    return "";
}

/* The five characters as a number, so that it can be looked up: base 36. */
static int code_of(struct hyp_str state)
{
    int code = 0;
    for (size_t i = 0; i < state.len && i < 5; i++) {
        char c = state.ptr[i];
        code = code * 36 + (c >= 'A' ? c - 'A' + 10 : c - '0');
    }
    return code;
}

/* The first line: the following ones quote the statement and values. */
static struct hyp_str first_line(const char *text)
{
    struct hyp_str rest = hyp_str_from(text == NULL ? "" : text);
    struct hyp_str line = {0};
    return hyp_str_split_next(&rest, '\n', &line) ? line : HYP_STR("");
}

/* A row for which there is no partition: another process has just dropped it, and the next try
 * makes it again. A real check has a name. */
static bool misses_partition(const PGresult *result, struct hyp_str code)
{
    return hyp_str_equal(code, HYP_STR("23514")) &&
           PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) == NULL;
}

static bool ends_session(struct hyp_str code)
{
    return hyp_str_has_prefix(code, HYP_STR("57P0")) || hyp_str_equal(code, HYP_STR("25P03")) ||
           hyp_str_equal(code, HYP_STR("25P04"));
}

/* Keeps code and words for whoever explains the failure. */
static enum hyp_status keep(struct hyp_postgres *pg, struct hyp_str code, struct hyp_str text)
{
    hyp_text_copy(pg->code, sizeof(pg->code), code);
    pg->base.error_code = code_of(code);
    hyp_postgres_set_error(pg, text.len > 0 ? text : HYP_STR("the connection was lost"));
    pg->broken |= ends_session(code);
    return status_of(code);
}

enum hyp_status hyp_postgres_failed(struct hyp_postgres *pg, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    struct hyp_str code = hyp_str_from(state == NULL ? "" : state);
    enum hyp_status status = keep(
        pg, code, text == NULL ? first_line(PQerrorMessage(pg->conn)) : hyp_str_from(text));
    return misses_partition(result, code) ? HYP_BUSY : status;
}

bool hyp_postgres_is_denied(const struct hyp_db *db)
{
    return db->error_code == code_of(HYP_STR(DENIED));
}

bool hyp_postgres_is_away(const struct hyp_db *db)
{
    return hyp_postgres_is_lost((const struct hyp_postgres *)db);
}

/* --- telling --- */

/* What is nobody's fault who asked, and does not pass by itself within the same question. */
static bool is_trouble(const struct hyp_postgres *pg, enum hyp_status status)
{
    switch (status) {
    case HYP_IO:
    case HYP_FULL:
    case HYP_NO_MEMORY:
    case HYP_CORRUPT:
    case HYP_INTERNAL: return true;
    default: return status == HYP_BUSY && hyp_postgres_is_lost(pg);
    }
}

enum hyp_status hyp_postgres_tell(const struct hyp_postgres *pg, enum hyp_status status)
{
    if (is_trouble(pg, status)) {
        hyp_outage_tell(pg->outage, status, pg->base.error_code, pg->base.error_text);
    }
    return status;
}

/* --- sessions that cannot be had --- */

/* Stands behind the severity of what a server says: "... failed: FATAL:  password ..." */
#define SAID ":  "

/* What stands behind a mark; all of it without one. */
static struct hyp_str behind(struct hyp_str text, const char *mark, bool *ret_found)
{
    size_t len = strlen(mark);
    *ret_found = false;
    for (size_t i = 0; i + len <= text.len && !*ret_found; i++) {
        if (memcmp(text.ptr + i, mark, len) == 0) {
            *ret_found = true;
            text = (struct hyp_str){.ptr = text.ptr + i + len, .len = text.len - i - len};
        }
    }
    return text;
}

/* Why there is no connection. Of several servers in a URL, the one that was tried last; what
 * could not even be tried is in the first line. */
static struct hyp_str reason_of(const char *message)
{
    struct hyp_str rest = hyp_str_from(message);
    struct hyp_str line = {0};
    struct hyp_str reason = first_line(message);
    while (hyp_str_split_next(&rest, '\n', &line)) {
        bool found;
        struct hyp_str words = behind(line, "failed: ", &found);
        reason = found ? words : reason;
    }
    return reason;
}

/*
 * libpq tells the code of a refusal only where its messages were set to be codes before it
 * connected. So a server that has said something is made to say it again.
 */
static void ask_code(struct hyp_postgres *pg, char ret_code[static HYP_POSTGRES_CODE_MAX])
{
    bool said;
    PQsetErrorVerbosity(pg->conn, PQERRORS_SQLSTATE);
    PQreset(pg->conn);
    PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
    struct hyp_str code = behind(reason_of(PQerrorMessage(pg->conn)), SAID, &said);
    hyp_text_copy(ret_code, HYP_POSTGRES_CODE_MAX, said ? code : HYP_STR(""));
}

/* "host:port: what was said", without a password: none of the three has one. */
static void note_words(struct hyp_postgres *pg, char *out, size_t size, bool *ret_said)
{
    struct hyp_str words = behind(reason_of(PQerrorMessage(pg->conn)), SAID, ret_said);
    const char *host = PQhost(pg->conn);
    const char *port = PQport(pg->conn);
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, out, size);
    hyp_buf_append_fmt(&buf, "%s:%s: %.*s", host == NULL ? "" : host, port == NULL ? "" : port,
                       HYP_STR_ARG(words));
    HYP_IGNORE(hyp_buf_terminate(&buf)); /* cut when it is too long */
}

enum hyp_status hyp_postgres_advise(struct hyp_postgres *pg)
{
    char text[2 * HYP_ERROR_TEXT_MAX];
    struct hyp_str code = hyp_str_from(pg->code);
    const char *remedy = remedy_of(code);
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_buf_append_fmt(&buf, "%s%s%s", pg->base.error_text, remedy[0] == '\0' ? "" : "; ",
                       remedy);
    hyp_postgres_set_error(pg, hyp_str_from(hyp_buf_terminate(&buf)));
    return status_of(code);
}

enum hyp_status hyp_postgres_refused(struct hyp_postgres *pg)
{
    char words[HYP_ERROR_TEXT_MAX];
    char code[HYP_POSTGRES_CODE_MAX] = "";
    bool said;
    bool needs_password = PQconnectionNeedsPassword(pg->conn) != 0;
    note_words(pg, words, sizeof(words), &said);
    if (said) {
        ask_code(pg, code);
    } else if (needs_password) {
        hyp_text_copy(code, sizeof(code), HYP_STR(NO_PASSWORD));
    }
    if (PQstatus(pg->conn) == CONNECTION_OK) {
        return HYP_OK;
    }
    keep(pg, hyp_str_from(code), hyp_str_from(words));
    return hyp_postgres_advise(pg);
}
