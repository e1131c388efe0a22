/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One column of a chunk as it is written: its body, its statistics, its part of the head
 * (store/chunk.h draws them). For chunk_write.c only.
 */
#ifndef HYP_STORE_CHUNK_COLUMN_H
#define HYP_STORE_CHUNK_COLUMN_H

#include "store/chunk.h"

/* The values of one column, by row. */
struct hyp_cells {
    const struct hyp_rows *rows;
    const int64_t *payloads;
    const int8_t *exponents;
    const uint8_t *qualities;
    const uint32_t *row;
    size_t cells;
    /* found by hyp_cells_look */
    size_t usable;
    int8_t least; /* exponent of the usable values */
    bool one_exponent;
    bool scalable; /* all can be brought to the least exponent */
    bool one_quality;
    bool plain; /* all are usable and have one exponent */
    /* said by the writer */
    bool distinct; /* no two rows have one time */
    /* said by the chooser of references */
    bool is_source;
    const struct hyp_chunk_reference *reference; /* NULL = none */
    struct hyp_chunk_habit *habit;               /* NULL = none */
    bool is_sure; /* the reference saves so much that the plain way need not be tried */
};

/* Counts the usable values and looks at their exponents. */
void hyp_cells_look(struct hyp_cells *column);
/* Digits of the usable values at the least exponent; the column is scalable. */
void hyp_cells_digits(const struct hyp_cells *column, int64_t *ret_digits);
/*
 * Writes body and head.
 * @kind     enum hyp_value_kind
 * @step     point number against the column before
 * A failure is sticky in the builders.
 */
void hyp_cells_write(const struct hyp_cells *column, uint8_t kind, int64_t step,
                     struct hyp_chunk_work *work, struct hyp_buf *head, struct hyp_buf *data);

#endif
