/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY: rows into a table of PostgreSQL as fast as it takes them, in its binary format.
 *
 *     struct hyp_postgres_copy copy;
 *     hyp_postgres_copy_begin(&copy, db, sql);          COPY "t" ("a") FROM STDIN BINARY
 *     for each row: hyp_postgres_copy_row(&copy, row);  one tuple as the format wants it
 *     status = hyp_postgres_copy_end(&copy, &rows);
 *
 * A tuple: i16 number of columns, then per column i32 length (-1 = NULL) and that many bytes;
 * numbers are big-endian. The first failure is sticky until the end.
 */
#ifndef HYP_STORE_POSTGRES_COPY_H
#define HYP_STORE_POSTGRES_COPY_H

#include "store/db.h"

struct hyp_postgres_copy {
    struct hyp_db *db;
    enum hyp_status status;
};

/*
 * Begins. The connection is taken until the end: nothing else may be asked meanwhile. Inside a
 * transaction, whose failure a failed copy becomes.
 */
void hyp_postgres_copy_begin(struct hyp_postgres_copy *copy, struct hyp_db *db,
                             const char *sql);
/* One tuple; copied before it returns. */
void hyp_postgres_copy_row(struct hyp_postgres_copy *copy, struct hyp_str tuple);
/* Says that this was all, or after a failure that nothing of it is wanted. Frees the
 * connection.
 * @ret_rows  how many the server took, after HYP_OK
 * Returns    HYP_OK | LIMIT (a tuple too long) | what the server says */
HYP_MUST_USE enum hyp_status hyp_postgres_copy_end(struct hyp_postgres_copy *copy,
                                                   int64_t *ret_rows);

/* Makes what PostgreSQL takes for a text out of any bytes: others become '?'. */
void hyp_postgres_clean_text(char *text, size_t len);

#endif
