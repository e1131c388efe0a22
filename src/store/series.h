/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Series: the values of one device that are not sealed yet, sorted by time, and its points.
 *
 * Readings live in blocks (store/block.h) that follow each other in time. The last block is
 * open; an earlier one is opened when a late reading falls into it, at most one at a time, and
 * packed again afterwards. A column is a point; columns are numbered in the order in which the
 * points appeared.
 *
 * Not for more than one writer; readers need the historian's lock.
 */
#ifndef HYP_STORE_SERIES_H
#define HYP_STORE_SERIES_H

#include "model/reading.h"
#include "store/block.h"
#include "store/register.h"
#include "store/text_pool.h"

/* When a value came: what it has in common with the others of its reading. */
struct hyp_arrival {
    int64_t time;
    int64_t receive;
    int64_t frame;
};

/*
 * A point of the device, and of its latest value what differs within a reading: every reading
 * touches all of its columns, with their memory cold, so they are small.
 */
struct hyp_column {
    int64_t point;
    struct hyp_register reg; /* with nothing that is not its */
    int64_t payload;         /* of the latest value, as the four below */
    uint32_t label;          /* in the text pool */
    int8_t exp10;
    uint8_t quality;        /* UNSET = there is none yet */
    uint8_t origin;         /* enum hyp_reading_kind << 4 | enum hyp_reading_source */
    uint8_t value_kind : 7; /* the register's enum hyp_value_kind; never UNSET */
    bool newest : 1; /* it came with series->newest, else with series->arrivals[column] */
};

struct hyp_block {
    int64_t first; /* source times of its first and last row */
    int64_t last;
    int64_t end; /* of its period (store/period.h): no time in it is at or behind this */
    uint32_t rows;
    uint32_t cells;
    uint32_t packed_len;
    uint8_t *packed;       /* NULL while the open form is newer */
    struct hyp_rows *open; /* NULL when only the packed form is there */
};

struct hyp_series {
    hyp_device_id device;
    hyp_tenant_id tenant;
    struct hyp_column *columns;
    uint32_t column_count;
    uint32_t column_capacity;
    uint32_t newest_count;        /* columns that came with the newest */
    struct hyp_arrival newest;    /* of the newest reading that is shown */
    struct hyp_arrival *arrivals; /* by column, of the others; cold */
    uint32_t committed_columns;   /* readers see these; the others wait for their commit */
    uint32_t block_count;
    uint32_t block_capacity;
    uint32_t hot; /* the open block that is not the last; HYP_NO_BLOCK = none */
    struct hyp_block *blocks;
    uint64_t readings; /* in blocks */
    uint64_t values;
    uint64_t sealed_readings; /* in chunks */
    uint64_t sealed_values;
    int64_t sealed_first; /* source times of the first and last of them */
    int64_t sealed_last;
    size_t memory; /* bytes of blocks and columns */
};

#define HYP_NO_BLOCK UINT32_MAX

/* A series without points and readings, the caller's to destroy. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_series_create(hyp_device_id device, hyp_tenant_id tenant,
                                               struct hyp_series **ret_series);
void *hyp_series_destroy(struct hyp_series *series);

/* --- columns --- */

/* Adds a column that is not committed yet. HYP_OK | NO_MEMORY | LIMIT */
HYP_MUST_USE enum hyp_status hyp_series_add_column(struct hyp_series *series,
                                                   const struct hyp_column *column);
/* The column of a point, looked for from `hint` on. HYP_NO_BLOCK-like: UINT32_MAX = none. */
uint32_t hyp_series_find_point(const struct hyp_series *series, int64_t point, uint32_t hint);

/* --- values --- */

/* Is there nothing at or after this time? Then no duplicate is possible. */
static inline bool hyp_series_is_after_all(const struct hyp_series *series, int64_t time)
{
    return series->block_count == 0 || series->blocks[series->block_count - 1].last < time;
}

/*
 * Has the processor fetch what the next reading of a series touches. The devices of a batch
 * come one after the other, each with its memory cold; so these are called some devices ahead,
 * one after the other, because each of them follows a pointer that the one before had fetched.
 */
void hyp_series_fetch(const struct hyp_series *series);
void hyp_series_fetch_columns(const struct hyp_series *series);
void hyp_series_fetch_block(const struct hyp_series *series);
void hyp_series_fetch_rows(const struct hyp_series *series);

/*
 * Removes from *cells what the series knows already: same time, kind and column, equal value
 * and no better quality.
 * @count    cells before and after
 * Returns   HYP_OK | NO_MEMORY | LIMIT (HYP_LIMIT_INSTANT_READINGS: all cells removed)
 */
HYP_MUST_USE enum hyp_status hyp_series_filter(struct hyp_series *series,
                                               const struct hyp_row *row,
                                               struct hyp_cell *cells, size_t *count);

/*
 * Adds a reading whose cells were filtered; each column at most once.
 * Returns   HYP_OK | NO_MEMORY (nothing added)
 */
HYP_MUST_USE enum hyp_status hyp_series_insert(struct hyp_series *series,
                                               const struct hyp_row *row,
                                               const struct hyp_cell *cells);

/* Lets the blocks of [from, to) go, which begins and ends with a period. */
void hyp_series_drop(struct hyp_series *series, int64_t from, int64_t to);

/* --- reading --- */

/* Are there sealed readings in [from, to)? There may be, if true. */
static inline bool hyp_series_is_sealed(const struct hyp_series *series, int64_t from,
                                        int64_t to)
{
    return series->sealed_readings > 0 && series->sealed_first < to &&
           series->sealed_last >= from;
}

/* Does a known value make another one of its time, kind and column superfluous? */
bool hyp_series_covers(const struct hyp_cell *known, const struct hyp_cell *cell);

/* When the latest value of a column came; all 0 when it has none. */
static inline const struct hyp_arrival *hyp_series_arrival(const struct hyp_series *series,
                                                           uint32_t column)
{
    return series->columns[column].newest ? &series->newest : &series->arrivals[column];
}
/* Has a column show nothing any more. */
void hyp_series_hide(struct hyp_series *series, uint32_t column);
/*
 * A copy that shows nothing yet, to find out beside the series what it has to show: with
 * columns of its own, and the blocks of the series, which must not change meanwhile. The caller
 * ends it with one of the two below. HYP_OK | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_series_copy_hidden(const struct hyp_series *series,
                                                    struct hyp_series *ret_copy);
/* The series shows what the copy does. */
void hyp_series_take_shown(struct hyp_series *series, struct hyp_series *copy);
void hyp_series_drop_shown(struct hyp_series *copy);

/* Makes a value the latest of its column, unless the one there is later or better. */
void hyp_series_show(struct hyp_series *series, const struct hyp_row *row,
                     const struct hyp_cell *cell);

/* The same for the values of a reading. */
void hyp_series_show_row(struct hyp_series *series, const struct hyp_row *row,
                         const struct hyp_cell *cells);

/* Shows all values of the blocks, as if they had just come. HYP_OK | NO_MEMORY | CORRUPT */
HYP_MUST_USE enum hyp_status hyp_series_show_blocks(struct hyp_series *series,
                                                    struct hyp_rows *scratch);

/*
 * Is a value with this quality, reading kind and a later arrival shown instead of that one?
 * Corrected before good, manual, estimated, doubtful, absent; then current before hour, day
 * ...; then the later arrival.
 */
bool hyp_series_is_better(uint8_t quality, uint8_t kind, uint8_t than_quality,
                          uint8_t than_kind);

/* Index of the first block that ends at or after `time`; block_count = none. */
uint32_t hyp_series_find_block(const struct hyp_series *series, int64_t time);

/*
 * The rows of a block: those of the open form, or unpacked into *scratch.
 * @column   only rows with this column, HYP_ALL_COLUMNS = all; an open block always gives all
 * @ret_rows valid until the block changes or scratch is used again
 */
HYP_MUST_USE enum hyp_status hyp_series_block_rows(const struct hyp_block *block,
                                                   uint32_t column, struct hyp_rows *scratch,
                                                   const struct hyp_rows **ret_rows);
/*
 * Inserts copies of the rows of [from, to) into *rows, in their places.
 * @column   only rows with this column, or HYP_ALL_COLUMNS
 * Returns   HYP_OK | NO_MEMORY | LIMIT | CORRUPT
 */
HYP_MUST_USE enum hyp_status hyp_series_copy_rows(const struct hyp_series *series, int64_t from,
                                                  int64_t to, uint32_t column,
                                                  struct hyp_rows *scratch,
                                                  struct hyp_rows *rows);
struct hyp_columns;
/*
 * Adds the rows of [from, to), which are those of whole periods, to *rows and *columns.
 * @ret_next  on NOT_FOUND: the time from which on nothing was added
 * Returns    HYP_OK | NOT_FOUND (no place for them in columns) | NO_MEMORY | LIMIT | CORRUPT
 */
HYP_MUST_USE enum hyp_status hyp_series_gather(const struct hyp_series *series, int64_t from,
                                               int64_t to, struct hyp_columns *columns,
                                               struct hyp_rows *rows, int64_t *ret_next);
/* The cell of a column in a row; NULL = none. */
const struct hyp_cell *hyp_series_row_cell(const struct hyp_rows *rows,
                                           const struct hyp_row *row, uint32_t column);

/* --- payloads --- */

/* A civil time as one number that sorts like it; and back. */
int64_t hyp_series_pack_civil(const struct hyp_civil *civil);
struct hyp_civil hyp_series_unpack_civil(int64_t packed);

#endif
