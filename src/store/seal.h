/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seal: moves readings of past periods from the log and the memory into chunks.
 *
 * A period is past when a day has gone since its end. A run goes over the devices that have
 * readings of past periods, in slices of one transaction each: what there is of the period (a
 * chunk, and the memory) is put together and written as one chunk, then the memory is let go.
 * The first three parts of a month get chunks of their own; when the month is past, one chunk
 * takes their place. When all devices are done, the rows of the log that hold nothing younger
 * are removed. A late reading waits in log and memory for the next run.
 *
 * A chunk knows up to which row of the log it is complete, so a crash between slices leaves
 * nothing twice and nothing out: at start the readings that a chunk has are skipped
 * (hyp_seal_has).
 *
 * Context: the writer thread, inside the gate, unless said otherwise.
 */
#ifndef HYP_STORE_SEAL_H
#define HYP_STORE_SEAL_H

#include "store/chunk.h"
#include "store/core.h"
#include "store/historian.h"

struct hyp_sealer;

/* HYP_OK | NO_MEMORY. destroy: NULL is allowed; chunks that are under way are written again. */
HYP_MUST_USE enum hyp_status hyp_sealer_create(struct hyp_sealer **ret_sealer);
void *hyp_sealer_destroy(struct hyp_sealer *sealer);

/*
 * One step: a slice of devices, a piece of the log, or some free pages. Takes the gate itself.
 * Returns   true when more may be waiting
 */
bool hyp_seal_step(struct hyp_store *store);

/* A row of the log and the latest source time in it: known at its commit or when it is loaded.
 * Rows come in order. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_seal_note_log(struct hyp_store *store, int64_t row,
                                               int64_t newest);
/* Makes room for so many notes, so that the next ones cannot fail. */
HYP_MUST_USE enum hyp_status hyp_seal_reserve_log(struct hyp_store *store, size_t rows);

/* Another process has removed rows of the log, or changed chunks: notes and what was read of
 * them are forgotten. */
void hyp_seal_log_trimmed(struct hyp_store *store, int64_t first, int64_t last);
void hyp_seal_chunks_changed(struct hyp_store *store);
/* Another process has sealed before: nothing of an own run goes on. */
void hyp_seal_start_over(struct hyp_store *store);

/* Rows of the log. Any thread. */
size_t hyp_seal_log_rows(const struct hyp_store *store);

/*
 * Removes from *cells what chunks know already, as hyp_series_filter does for the memory.
 * Returns   HYP_OK | NO_MEMORY | CORRUPT | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_seal_filter(struct hyp_store *store, struct hyp_series *series,
                                             const struct hyp_row *row, struct hyp_cell *cells,
                                             size_t *count);

/* While loading: is the reading of this time from this row of the log in a chunk? A failure of
 * the database is returned. */
HYP_MUST_USE enum hyp_status hyp_seal_has(struct hyp_store *store,
                                          const struct hyp_series *series, int64_t time,
                                          int64_t log_row, bool *ret_has);

/* Opens a chunk of two builders as they were read. CORRUPT when it is damaged. */
HYP_MUST_USE enum hyp_status hyp_seal_open_chunk(struct hyp_chunk *chunk,
                                                 const struct hyp_buf *head,
                                                 const struct hyp_buf *data);
/* For hyp_chunk_target: the column of a point of the series `user`. */
uint32_t hyp_seal_column_of(void *user, int64_t point);
/* Number of values in a chunk, from its head; 0 when that is damaged. */
uint64_t hyp_seal_count_values(const struct hyp_chunk *chunk);

#endif
