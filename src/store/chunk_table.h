/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunk table: the whole border between the historian and the database.
 *
 * Every statement on the tables chunk, sealed and intake_log that the historian's logic needs
 * is behind one of these functions; the logic (store/seal.h, store/pieces.h, store/load.h)
 * knows no SQL. They run on the seam of store/db.h, so a backend has nothing of its own to
 * write for the historian but the words of its migrations, unless it knows a faster way.
 *
 * Writing functions run inside the caller's transaction; a failure is sticky until its commit.
 */
#ifndef HYP_STORE_CHUNK_TABLE_H
#define HYP_STORE_CHUNK_TABLE_H

#include "store/core.h"
#include "store/partition.h"

/* --- chunks --- */

/* One row of the table; views until the query goes on, copies with hyp_chunk_row_copy. */
struct hyp_chunk_row {
    int64_t id;
    hyp_tenant_id tenant; /* of the device; to be written only */
    int64_t log_row;
    struct hyp_str head;
    struct hyp_str data; /* empty when only the head was asked for */
};

/*
 * Reads one chunk into the caller's builders (emptied first).
 * @data     NULL = only the head
 * Returns   HYP_OK | NOT_FOUND | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_chunk_table_get(struct hyp_db *db, int64_t id,
                                                 int64_t *ret_log_row, struct hyp_buf *head,
                                                 struct hyp_buf *data);
/* Up to which row of the log a chunk is complete; NOT_FOUND without one. */
HYP_MUST_USE enum hyp_status hyp_chunk_table_log_row(struct hyp_db *db, int64_t id,
                                                     int64_t *ret_log_row);
/* Adds a chunk, or takes the place of the one of this id. */
void hyp_chunk_table_put(struct hyp_db *db, const struct hyp_chunk_row *row);
/* Removes a chunk; one that is not there is no failure. */
void hyp_chunk_table_remove(struct hyp_db *db, int64_t id);

/*
 * Goes over chunks by id in [from, to): heads only, or with data.
 *
 *     hyp_chunk_scan_open(&query, db, from, to, false);
 *     while (hyp_chunk_scan_next(&query, false, &row)) ...
 *     status = hyp_query_close(&query);
 */
void hyp_chunk_scan_open(struct hyp_query *query, struct hyp_db *db, int64_t from, int64_t to,
                         bool with_data);
/* The next chunk, its views valid until the next call; false at the end, or after a failure
 * that close returns. row->tenant is left alone. @with_data as it was opened with */
bool hyp_chunk_scan_next(struct hyp_query *query, bool with_data, struct hyp_chunk_row *row);

/* --- what is sealed of a device --- */

struct hyp_sealed_row {
    hyp_device_id device;
    hyp_tenant_id tenant; /* of the device; not read by the scan */
    int64_t readings;
    int64_t values;
    int64_t oldest; /* source times */
    int64_t newest;
    struct hyp_str shown; /* store/sealed.h */
};
/* Adds the row of a device or takes its place; a device without sealed readings has none. */
void hyp_sealed_put(struct hyp_db *db, const struct hyp_sealed_row *row);
void hyp_sealed_remove(struct hyp_db *db, hyp_device_id device);
/* One device. HYP_OK | NOT_FOUND | what the database says; shown is left empty */
HYP_MUST_USE enum hyp_status hyp_sealed_get(struct hyp_db *db, hyp_device_id device,
                                            struct hyp_sealed_row *row);
/* Goes over the rows of all devices by id, with hyp_sealed_scan_next; closed as a query. */
void hyp_sealed_scan_open(struct hyp_query *query, struct hyp_db *db);
/* The same of one device. */
void hyp_sealed_find_open(struct hyp_query *query, struct hyp_db *db, hyp_device_id device);
/* The next row; `shown` is a view until the next call. False at the end or after a failure. */
bool hyp_sealed_scan_next(struct hyp_query *query, struct hyp_sealed_row *row);

/* --- intake log --- */

/* Appends a row. Returns its number; 0 after a failure, which is sticky. */
int64_t hyp_intake_log_add(struct hyp_db *db, struct hyp_shard shard, const uint8_t *data,
                           size_t len);
/* Removes rows first .. last. */
void hyp_intake_log_remove(struct hyp_db *db, int64_t first, int64_t last);
/* Rows from `from` on, in their order: number and blob (store/log.h), a view until the next
 * call. False at the end, or after a failure that hyp_query_close returns. */
void hyp_intake_log_scan_open(struct hyp_query *query, struct hyp_db *db, int64_t from);
bool hyp_intake_log_scan_next(struct hyp_query *query, int64_t *ret_row,
                              struct hyp_str *ret_blob);

#endif
