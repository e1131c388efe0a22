/* SPDX-License-Identifier: Apache-2.0 */
#include "store/postgres/session.h"

#include <string.h>

/* SQLSTATE codes by prefix, the longest first. */
static const struct {
    const char *prefix;
    enum hyp_status status;
} status_rows[] = {
    {"23505", HYP_EXISTS         },
    {"23503", HYP_CONFLICT       },
    {"25006", HYP_IO             }, /* read-only: a standby, or a disk that filled up */
    {"25P03", HYP_BUSY           }, /* silent in a transaction: the session was ended */
    {"3D000", HYP_NOT_FOUND      },
    {"42501", HYP_DENIED         },
    {"53100", HYP_FULL           },
    {"53200", HYP_NO_MEMORY      },
    {"53300", HYP_BUSY           },
    {"54000", HYP_LIMIT          },
    {"55P03", HYP_BUSY           },
    {"57014", HYP_BUSY           }, /* cancelled by an administrator, or by a limit of his */
    {"57P0",  HYP_BUSY           }, /* stopping, stopped, starting */
    {"XX001", HYP_CORRUPT        },
    {"XX002", HYP_CORRUPT        },
    {"08",    HYP_IO             },
    {"22",    HYP_INVALID        },
    {"23",    HYP_INVALID        },
    {"28",    HYP_UNAUTHENTICATED},
    {"40",    HYP_BUSY           }, /* rolled back in favour of another transaction */
    {"53",    HYP_FULL           },
    {"58",    HYP_IO             },
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

enum hyp_status hyp_postgres_failed(struct hyp_postgres *pg, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    struct hyp_str code = hyp_str_from(state == NULL ? "" : state);
    struct hyp_db *db = &pg->base;
    db->error_code = code_of(code);
    hyp_text_copy(db->error_text, sizeof(db->error_text),
                  text == NULL ? first_line(PQerrorMessage(pg->conn)) : hyp_str_from(text));
    if (db->error_text[0] == '\0') {
        hyp_text_copy(db->error_text, sizeof(db->error_text),
                      HYP_STR("the connection was lost"));
    }
    pg->broken |=
        hyp_str_has_prefix(code, HYP_STR("57P0")) || hyp_str_has_prefix(code, HYP_STR("25P03"));
    return misses_partition(result, code) ? HYP_BUSY : status_of(code);
}
