/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block: some dozen readings of one device, sorted by time; open (rows, quick to change) or
 * packed (columns, about two bytes a value).
 *
 * Packed form. All numbers are varints (LEB128), "s" marks zigzag-coded signed ones, deltas
 * are taken modulo 2^64:
 *
 *     +------+--------------+-----------------+---------------+--------------+------------+
 *     | rows | source times | receive times   | frames        | kind, source | columns    |
 *     +------+--------------+-----------------+---------------+--------------+------------+
 *     source times   mode u8: 0 first s, step             (regular)
 *                             1 first s, rows-1 steps     (steps are never negative)
 *     receive times  mode u8: 0 one s                     (receive - source is constant)
 *                             1 rows x s delta of (receive - source)
 *     frames         mode u8: 0                           (no reading has a frame)
 *                             1 rows x s delta of frame id
 *     kind, source   mode u8: 0 one u8, kind << 4 | source
 *                             1 rows x u8
 *     columns        count, then per column, ascending:
 *
 *     +-------------+-----------+---------+------------+-------------+-----------+----------+
 *     | column step | bytes (*) | mode u8 | (presence) | exponent(s) | qualities | payloads |
 *     +-------------+-----------+---------+------------+-------------+-----------+----------+
 *     bytes      length of what follows, so that other columns can be skipped
 *     mode       bit 0  every row has a value; else presence = count, count row steps
 *                bit 1  one exponent (i8); else one per value
 *                bit 2  one quality (u8); else one per value
 *                bit 3  one payload for all; else first s and s deltas
 *     Absent values carry no payload: they repeat the running one, which costs nothing.
 *
 * Not a file format: packed blocks live in memory only. Not for more than one thread.
 */
#ifndef HYP_STORE_BLOCK_H
#define HYP_STORE_BLOCK_H

#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One value: payload is digits of a decimal, flags, a packed civil time or the index of a text
 * (store/series.h knows which, by column). 0 when the quality says that it is absent. */
struct hyp_cell {
    int64_t payload;
    uint16_t column;
    int8_t exp10;
    uint8_t quality; /* enum hyp_quality */
};

/* One reading; its cells are contiguous, in no particular order of columns. */
struct hyp_row {
    int64_t time;    /* source time, ms UTC */
    int64_t receive; /* receive time */
    int64_t frame;   /* 0 = none */
    uint32_t first_cell;
    uint16_t cells;
    uint8_t kind;   /* enum hyp_reading_kind */
    uint8_t source; /* enum hyp_reading_source */
};

/* The open form. Rows are sorted by time, then kind, then arrival. */
struct hyp_rows {
    struct hyp_row *rows;
    struct hyp_cell *cells;
    uint32_t row_count;
    uint32_t row_capacity;
    uint32_t cell_count;
    uint32_t cell_capacity;
};

/* Frees them and leaves it all zero: no rows. */
void hyp_rows_finish(struct hyp_rows *rows);
/* Makes room for one more row of `cells` cells. HYP_OK | NO_MEMORY (unchanged) */
HYP_MUST_USE enum hyp_status hyp_rows_reserve(struct hyp_rows *rows, size_t cells);
/* The same for many rows with so many cells together. HYP_OK | NO_MEMORY | LIMIT */
HYP_MUST_USE enum hyp_status hyp_rows_reserve_more(struct hyp_rows *rows, size_t row_count,
                                                   size_t cells);
/* Inserts a copy of *row with its cells in its place; room was reserved. Returns its index. */
size_t hyp_rows_insert(struct hyp_rows *rows, const struct hyp_row *row,
                       const struct hyp_cell *cells);
/* Index of the first row with time >= `time`. */
size_t hyp_rows_find(const struct hyp_rows *rows, int64_t time);

/*
 * Packs rows.
 * @out      heap builder, appended to
 * Returns   HYP_OK | NO_MEMORY | LIMIT (of the builder)
 */
HYP_MUST_USE enum hyp_status hyp_block_pack(const struct hyp_rows *rows, struct hyp_buf *out);

#define HYP_ALL_COLUMNS UINT32_MAX
/*
 * Unpacks all rows, or the values of one column only (rows without it are left out).
 * @column   a column, or HYP_ALL_COLUMNS
 * @rows     emptied first, also after a failure; keeps its memory for the next call
 * Returns   HYP_OK | NO_MEMORY | CORRUPT
 */
HYP_MUST_USE enum hyp_status hyp_block_unpack(const uint8_t *data, size_t len, uint32_t column,
                                              struct hyp_rows *rows);

struct hyp_columns;
/*
 * Unpacks all rows behind those of *rows, and their values behind those of *columns.
 * Returns   HYP_OK | NOT_FOUND (a row lacks a register, or these are not the columns: nothing
 *           is added) | NO_MEMORY | LIMIT | CORRUPT
 */
HYP_MUST_USE enum hyp_status hyp_block_gather(const uint8_t *data, size_t len,
                                              struct hyp_rows *rows,
                                              struct hyp_columns *columns);

#endif
