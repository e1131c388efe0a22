/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunk: the readings of one device in one period, sealed: all its registers as columns.
 *
 * A chunk is two blobs in one row of the table chunk, so that questions that the head answers
 * (consumption of a month, extremes, which registers there are) never touch the data.
 * Numbers are varints (LEB128), "s" marks zigzag-coded signed ones, "seq" is a sequence
 * (store/sequence.h).
 *
 *     head
 *     +---------+--------+---------------+------+---------+--------+---------+---------+-----+
 *     | version | CRC32C | CRC32C of the | rows | first   | span   | columns | column  | ... |
 *     | u8 = 2  | LE32   | data, LE32    |      | time, s | to last|         |         |     |
 *     +---------+--------+---------------+------+---------+--------+---------+---------+-----+
 *     The first checksum covers everything behind itself.
 *
 *     column, by ascending point
 *     +------------+----------+---------+----------+----------+-----------------------------+
 *     | point,     | flags u8 | [cells] | [usable] | length   | [statistics]                |
 *     | step       |          |         |          | of body  |                             |
 *     +------------+----------+---------+----------+----------+-----------------------------+
 *     flags  bits 0-2 kind of value   bit 3 every row has a value, else cells follows
 *            bit 4 all are usable, else usable follows   bit 5 statistics follow
 *            bit 6 all statistics are the first value    bit 7 a count of shown values follows
 *
 *     statistics of the usable values that are shown (one an instant), at one exponent
 *     +---------+-------------+----------+-------------+-----------+-----------+--------------+
 *     | [count] | exponent i8 | first, s | last - first| first     | max - min | sum          |
 *     |         |             |          | s           | - min     |           | - count x min|
 *     +---------+-------------+----------+-------------+-----------+-----------+--------------+
 *
 *     data
 *     +----------+-----------+-------------------+------------+-------------+--------+--------+
 *     | length of| times seq | receive - source  | frames seq | kind << 4 | | texts  | bodies |
 *     | this part|           | seq               |            | source seq  |        |        |
 *     +----------+-----------+-------------------+------------+-------------+--------+--------+
 *      `----------------------- up to and with the texts ------------------------'
 *     texts  count, then per text length and bytes; text values are indexes into it
 *
 *     body
 *     +----------+-------------+------------+---------------+---------------+-------------+
 *     | flags u8 | [reference] | [rows seq] | exponents     | qualities     | digits seq  |
 *     +----------+-------------+------------+---------------+---------------+-------------+
 *     flags  bits 0-1  exponents: 0 one, i8                1 seq, digits as they came
 *                                 2 seq, digits brought to the least exponent
 *                                 3 least one, i8; digits brought to it; each has as few
 *                                   digits as it can, so its own exponent follows from them
 *            bit 2     qualities: one, u8; else seq
 *            bit 3     a reference to other columns follows (store/chunk_reference.h): to each
 *                      of the digits that the sequence gives, the line of its row is added.
 *                      Those columns are decimal, without a reference and without exponents 1
 *     rows seq holds the rows with a value, unless every row has one. Exponents and digits are
 *     of usable values only. Floating-point registers (their shortest decimal) end in 3.
 *
 *     Version 1, which is read as well, had no references.
 *
 * Sans-I/O. Writing allocates in the work space only, before it begins. Not for two threads
 * with one work space.
 */
#ifndef HYP_STORE_CHUNK_H
#define HYP_STORE_CHUNK_H

#include "base/buf.h"
#include "base/bytes.h"
#include "model/value.h"
#include "store/block.h"
#include "store/chunk_reference.h"
#include "store/sequence.h"
#include "store/text_pool.h"
#include "store/wide.h"

/* Digits by row of a column that others refer to, or the times of the rows: decoded once. */
struct hyp_chunk_line {
    uint64_t serial; /* of the chunk */
    uint64_t used;   /* when, by work->line_turn; 0 = holds nothing */
    uint32_t column; /* its place in the head, or HYP_CHUNK_LINE_TIMES */
    size_t capacity;
    int64_t *digits;
};
#define HYP_CHUNK_LINE_TIMES UINT32_MAX
#define HYP_CHUNK_LINES 12

/* What columns of one kind of register chose: registers and chunks that are alike (`likeness`)
 * meet in one of so many places. Others there cost an examination more, and no more. */
struct hyp_chunk_habit {
    struct hyp_sequence_habit digits[2]; /* plain; with a reference taken out */
};
#define HYP_CHUNK_HABITS 512

/* Working memory of writer and reader; all zero at first, grows as needed. */
struct hyp_chunk_work {
    size_t capacity; /* values in each of these */
    int64_t *times;
    int64_t *numbers;
    uint64_t *scratch;
    int64_t *payloads;
    uint32_t *rows;
    int8_t *exponents;
    uint8_t *qualities;
    int64_t *line;    /* of a reference */
    uint32_t *starts; /* by column */
    size_t start_capacity;
    struct hyp_map text_index;
    struct hyp_chunk_habit habits[HYP_CHUNK_HABITS];
    struct hyp_chunk_chooser *chooser;            /* of the writer, store/chunk_choose.h */
    struct hyp_chunk_line lines[HYP_CHUNK_LINES]; /* of the reader */
    uint64_t line_turn;
};
/* Frees what it has grown to and leaves it all zero, ready for use. */
void hyp_chunk_work_finish(struct hyp_chunk_work *work);

/* Texts that payloads of text columns name. Payloads >= 0 are numbers in the pool; -1, -2 ...
 * are items 0, 1 ... of the list, which chunks append their own texts to. */
struct hyp_chunk_texts {
    const struct hyp_text_pool *pool; /* may be NULL when there are none of it */
    struct hyp_str *items;
    size_t count;
    size_t capacity;
};
/* Frees the list, not the texts: those are views into chunks. Leaves it empty. */
void hyp_chunk_texts_finish(struct hyp_chunk_texts *texts);
/* The text of a payload that is known to be of these texts: nothing is checked. A view, as long
 * as pool and chunk live. */
struct hyp_str hyp_chunk_text(const struct hyp_chunk_texts *texts, int64_t payload);

/* --- writing --- */

/* What a register is to the heat that goes through its meter: flow times the difference of the
 * temperatures is looked for in other registers. */
enum hyp_chunk_role {
    HYP_CHUNK_ROLE_NONE = 0,
    HYP_CHUNK_ROLE_FLOW,
    HYP_CHUNK_ROLE_SUPPLY,
    HYP_CHUNK_ROLE_RETURN,
    HYP_CHUNK_ROLE_COUNT_OF,
};
/* By the register's name; only the present value of tariff 0 has a role. */
enum hyp_chunk_role hyp_chunk_role_of(const struct hyp_point_key *key);
uint32_t hyp_chunk_likeness_of(const struct hyp_point_key *key);

/* What a column number of the rows means. */
struct hyp_chunk_point {
    int64_t point; /* ascending with the column's number */
    uint8_t value_kind;
    uint8_t role;      /* enum hyp_chunk_role */
    uint32_t likeness; /* equal for the same register of other devices; 0 = like no other */
};

struct hyp_chunk_source {
    const struct hyp_rows *rows; /* at least one, sorted as hyp_rows_insert does */
    const struct hyp_chunk_point *points;
    uint32_t point_count;
    const struct hyp_chunk_texts *texts;
    const struct hyp_columns *columns; /* the rows' values; NULL = they are in their cells */
    bool thorough; /* looks for references: worth it where a chunk is to stay */
};

/*
 * Appends a chunk to two empty builders.
 * Returns   HYP_OK | NO_MEMORY | LIMIT (HYP_LIMIT_CHUNK_ROWS, or of a builder)
 */
HYP_MUST_USE enum hyp_status hyp_chunk_write(struct hyp_chunk_work *work,
                                             const struct hyp_chunk_source *source,
                                             struct hyp_buf *head, struct hyp_buf *data);

/* --- reading --- */

/* Statistics of a register, from the head. Numbers are digits at exp10. */
struct hyp_chunk_stats {
    uint64_t count; /* shown usable values; 0 = no statistics */
    int8_t exp10;
    int64_t first;
    int64_t last;
    int64_t min;
    int64_t max;
    hyp_int128 sum;
};

struct hyp_chunk_column {
    int64_t point;
    uint32_t number; /* its place in the head */
    uint8_t value_kind;
    uint32_t cells;
    uint32_t usable;
    struct hyp_chunk_stats stats;
    uint64_t body; /* where its body begins behind the rows' part, and how long it is */
    uint64_t body_len;
};

struct hyp_chunk {
    uint32_t rows;
    int64_t first; /* source times of the first and last row */
    int64_t last;
    uint32_t columns;
    uint32_t data_crc;
    uint64_t serial; /* one for each attached chunk of a process: what `work` knows it by */
    uint8_t version;
    struct hyp_bytes head;  /* at the first column */
    struct hyp_bytes parts; /* of data: the rows' part, behind its times */
    struct hyp_bytes bodies;
};

/*
 * Opens the head; views into it.
 * Returns   HYP_OK | BAD_CHECK | MALFORMED | UNSUPPORTED (version)
 */
HYP_MUST_USE enum hyp_status hyp_chunk_open(struct hyp_chunk *chunk, struct hyp_str head);
/* Adds the data, whose checksum stands in the head. HYP_OK | BAD_CHECK | MALFORMED */
HYP_MUST_USE enum hyp_status hyp_chunk_attach(struct hyp_chunk *chunk, struct hyp_str data);

/* Walks the columns; no data needed. */
struct hyp_chunk_cursor {
    struct hyp_bytes in;
    uint32_t number;
    uint32_t left;
    uint32_t rows;
    int64_t point;
    uint64_t body;
};
/* Puts the cursor before the first column of an opened chunk, which must outlive it. */
void hyp_chunk_columns(const struct hyp_chunk *chunk, struct hyp_chunk_cursor *cursor);
/* Returns   HYP_OK | NOT_FOUND at the end | MALFORMED */
HYP_MUST_USE enum hyp_status hyp_chunk_next_column(struct hyp_chunk_cursor *cursor,
                                                   struct hyp_chunk_column *ret_column);
/* Returns   HYP_OK | NOT_FOUND | MALFORMED */
HYP_MUST_USE enum hyp_status hyp_chunk_find_column(const struct hyp_chunk *chunk, int64_t point,
                                                   struct hyp_chunk_column *ret_column);

/* Source times of all rows into work->times. HYP_OK | NO_MEMORY | MALFORMED */
HYP_MUST_USE enum hyp_status hyp_chunk_times(const struct hyp_chunk *chunk,
                                             struct hyp_chunk_work *work);
/*
 * One column into work: rows (which row each value is of), payloads, exponents, qualities, all
 * `column->cells` of them. Text payloads are indexes into the chunk's own texts.
 */
HYP_MUST_USE enum hyp_status hyp_chunk_values(const struct hyp_chunk *chunk,
                                              const struct hyp_chunk_column *column,
                                              struct hyp_chunk_work *work);

/* Which column a point is; UINT32_MAX = leave it out. */
struct hyp_chunk_target {
    uint32_t (*column_of)(void *user, int64_t point);
    void *user;
    int64_t only_point;            /* rows without it are left out; 0 = all points */
    struct hyp_chunk_texts *texts; /* gets the chunk's texts appended */
};
/*
 * Adds all rows to *rows, in their order and in their place.
 * Returns   HYP_OK | NO_MEMORY | MALFORMED
 */
HYP_MUST_USE enum hyp_status hyp_chunk_rows(const struct hyp_chunk *chunk,
                                            struct hyp_chunk_work *work,
                                            const struct hyp_chunk_target *target,
                                            struct hyp_rows *rows);

struct hyp_columns;
/*
 * Adds all rows behind those of *rows, and their values behind those of *columns.
 * Returns   HYP_OK | NOT_FOUND (not later than those, a row lacks a register, these are not the
 *           columns, or there are texts: nothing is added) | NO_MEMORY | LIMIT | MALFORMED
 */
HYP_MUST_USE enum hyp_status hyp_chunk_gather(const struct hyp_chunk *chunk,
                                              struct hyp_chunk_work *work,
                                              const struct hyp_chunk_target *target,
                                              struct hyp_rows *rows,
                                              struct hyp_columns *columns);

/*
 * The place of a line in *work; the one used longest ago makes room.
 * @ret_known it holds the line already; otherwise it is the caller's to fill, chunk->rows long,
 *            and hyp_chunk_line_keep says that it is full
 * Returns    HYP_OK | NO_MEMORY. Valid until HYP_CHUNK_LINES others were asked for.
 */
HYP_MUST_USE enum hyp_status hyp_chunk_line_get(struct hyp_chunk_work *work,
                                                const struct hyp_chunk *chunk, uint32_t column,
                                                struct hyp_chunk_line **ret_line,
                                                bool *ret_known);
/* The line that hyp_chunk_line_get gave is filled: from now on it is found. */
void hyp_chunk_line_keep(struct hyp_chunk_work *work, struct hyp_chunk_line *line);
/* A line that is there already; NULL = none. */
const struct hyp_chunk_line *hyp_chunk_line_find(const struct hyp_chunk_work *work,
                                                 const struct hyp_chunk *chunk,
                                                 uint32_t column);

/* Makes room for so many values (used by writer and reader). HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_chunk_reserve(struct hyp_chunk_work *work, size_t values);

#endif
