/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces: the readings of one device over a span of time, one chunk or block of memory at a
 * time.
 *
 * A list of pieces is made from heads and blocks only; rows are decoded when a piece is asked
 * for, so a query holds one piece in memory however long its span is. A piece with a chunk
 * takes in the late readings that wait in memory for the same period.
 *
 *     hyp_pieces_begin(&pieces, store);          takes a connection, then the historian's lock
 *     pieces.series = ...found under the lock...;
 *     status = hyp_pieces_list(&pieces, from, to);
 *     ... hyp_pieces_rows(&pieces, &pieces.list[i], column, &rows) ...
 *     hyp_pieces_end(&pieces);
 *
 * The lock is held from begin to end: a reading is then neither seen twice nor missed while it
 * is being sealed. Where another process may seal it, the connection is in a snapshot as old as
 * memory.
 */
#ifndef HYP_STORE_PIECES_H
#define HYP_STORE_PIECES_H

#include "store/chunk.h"
#include "store/core.h"
#include "store/historian.h"

struct hyp_piece {
    int64_t first; /* source times of its first and last reading */
    int64_t last;
    uint64_t rows;
    int64_t chunk;  /* 0 = a block of memory */
    uint32_t block; /* of the series, when there is no chunk */
};

struct hyp_pieces {
    struct hyp_store *store;
    struct hyp_connections reader;
    enum hyp_status status; /* why nothing can be read, or HYP_OK */
    const struct hyp_series *series;
    struct hyp_piece *list; /* in the order of time */
    size_t count;
    size_t capacity;
    struct hyp_chunk_texts texts; /* of the rows last asked for */
    struct hyp_chunk_work work;
    struct hyp_rows rows;
    struct hyp_rows scratch;
    struct hyp_buf head;
    struct hyp_buf data;
};

/* As above. Where another process writes, begin waits until memory and connection agree; a
 * failure of that is in pieces->status and comes out of list. After begin always end. */
void hyp_pieces_begin(struct hyp_pieces *pieces, struct hyp_store *store);
void hyp_pieces_end(struct hyp_pieces *pieces);

/* Lists what there is in [from, to). HYP_OK | NO_MEMORY | CORRUPT | what the database says */
HYP_MUST_USE enum hyp_status hyp_pieces_list(struct hyp_pieces *pieces, int64_t from,
                                             int64_t to);
/*
 * The rows of a piece, perhaps more than asked for at its ends.
 * @column   only rows with this column (an open block gives all), or HYP_ALL_COLUMNS
 * @ret_rows valid until the next call
 */
HYP_MUST_USE enum hyp_status hyp_pieces_rows(struct hyp_pieces *pieces,
                                             const struct hyp_piece *piece, uint32_t column,
                                             const struct hyp_rows **ret_rows);

/* Opens the chunk `id` of the device, head and data, into *chunk (views into pieces).
 * HYP_OK | NOT_FOUND | CORRUPT, reported to the log | what the database says */
HYP_MUST_USE enum hyp_status hyp_pieces_chunk(struct hyp_pieces *pieces, int64_t id,
                                              struct hyp_chunk *chunk);

/*
 * A value as the API shows it, its text copied into the arena.
 * @texts   of the piece the cell is from; NULL = the cell is of the memory
 * @time    source time, ms
 * Returns  HYP_OK | LIMIT (arena)
 */
HYP_MUST_USE enum hyp_status
hyp_query_value(const struct hyp_historian *historian, const struct hyp_chunk_texts *texts,
                const struct hyp_column *column, const struct hyp_cell *cell, int64_t time,
                uint8_t source, struct hyp_arena *arena, struct hyp_stored_value *value);

#endif
