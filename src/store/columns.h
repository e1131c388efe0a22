/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns: readings of one device put together column by column, for the chunk they are sealed
 * in. A device says the same registers each time, so blocks and chunks nearly always can be
 * unpacked straight into columns, and a chunk written out of them; where a reading lacks a
 * register, what was gathered is turned into rows (store/block.h) and goes on as such.
 *
 * The rows' own members (times, frames ...) are kept in a struct hyp_rows beside the columns;
 * its rows have no cells of their own while values are gathered. Texts are never gathered.
 *
 * Not for more than one thread.
 */
#ifndef HYP_STORE_COLUMNS_H
#define HYP_STORE_COLUMNS_H

#include "store/block.h"

/* All zero at first; grows as needed. Value r of column i is at i * room + r. */
struct hyp_columns {
    size_t rows;       /* gathered */
    size_t room;       /* of each column */
    size_t count;      /* columns */
    uint16_t *numbers; /* of the columns, ascending */
    int64_t *payloads;
    int8_t *exponents;
    uint8_t *qualities;
    size_t number_capacity;
    size_t payload_capacity;
    size_t exponent_capacity;
    size_t quality_capacity;
};

/* Frees them and leaves it all zero. */
void hyp_columns_finish(struct hyp_columns *columns);
/* Forgets what was gathered. */
void hyp_columns_clear(struct hyp_columns *columns);

/*
 * Makes room for values of the next column of a piece; pieces say all columns in their order.
 * @index    0 for the first column of the piece, 1 ...
 * @number   of the column
 * @more     rows of the piece
 * @ret_at   where its first value goes
 * Returns   HYP_OK | NOT_FOUND (pieces before had other columns) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_columns_open(struct hyp_columns *columns, size_t index,
                                              uint16_t number, size_t more, size_t *ret_at);
/* The piece has so many columns and rows, and all of them are filled. HYP_OK | NOT_FOUND */
HYP_MUST_USE enum hyp_status hyp_columns_close(struct hyp_columns *columns, size_t count,
                                               size_t more);

/* Adds the rows of an open block and their values. HYP_OK | NOT_FOUND (a row has other columns:
 * nothing is added) | NO_MEMORY | LIMIT */
HYP_MUST_USE enum hyp_status hyp_columns_add(struct hyp_columns *columns, struct hyp_rows *rows,
                                             const struct hyp_rows *from);

/* Turns all that was gathered into cells of *rows, which has its rows, and forgets it.
 * HYP_OK | NO_MEMORY | LIMIT */
HYP_MUST_USE enum hyp_status hyp_columns_spill(struct hyp_columns *columns,
                                               struct hyp_rows *rows);

#endif
