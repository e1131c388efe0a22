/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings of many shapes and the chunks made of them, for the tests of chunks.
 */
#ifndef HYP_TEST_STORE_CHUNK_SHAPES_H
#define HYP_TEST_STORE_CHUNK_SHAPES_H

#include "support/rows.h"

#include "store/chunk.h"

#define POINTS 24

/* Which row of shapes the tests name. */
enum {
    SHAPE_WEEK = 3,
    SHAPE_MONTH = 4,
    SHAPE_ABSENT = 7,
    SHAPE_HEAT = 14,
    SHAPE_SHORT_HEAT = 19,
    SHAPE_COUNT = 20,
};

struct shape {
    const char *name;
    uint64_t seed;
    size_t rows;
    uint16_t columns;
    bool regular;   /* hourly, constant delay, no frames */
    bool sparse;    /* not every column in every row */
    bool qualities; /* some values absent or doubtful */
    bool wild;      /* any digits and times */
    bool versions;  /* several readings of one instant */
    bool floats;    /* exponents that differ, as shortest decimals have */
    bool heat;      /* columns 0 to 4 and 7 are a heat meter's */
};
extern const struct shape shapes[SHAPE_COUNT];

/* Columns 5, 11, ... are texts, 6, 12, ... flags; made by make_points. */
extern struct hyp_text_pool pool;
extern struct hyp_chunk_point points[POINTS];
uint8_t kind_of(uint16_t column);
void make_points(void);

/* A chunk made of a shape, opened. */
struct made {
    struct hyp_rows rows;
    struct hyp_chunk_work work;
    struct hyp_chunk_texts texts;
    struct hyp_buf head;
    struct hyp_buf data;
    struct hyp_chunk chunk;
};

/* The same seed makes the same rows. */
void make_rows(const struct shape *shape, struct hyp_rows *rows);
void make_as(struct made *m, const struct shape *shape, bool thorough);
void make(struct made *m, const struct shape *shape);
void drop(struct made *m);

/* The column of a point, as hyp_chunk_target wants it. */
uint32_t column_of(void *user, int64_t point);

void same_row(const struct hyp_row *a, const struct hyp_row *b);
void same_cell(const struct made *m, const struct hyp_cell *in, const struct hyp_cell *out);
void same_rows(const struct made *m, const struct hyp_rows *out);

#endif
