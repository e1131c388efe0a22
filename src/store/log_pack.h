/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log pack: writes a row of the intake log in version 2 (store/log.h), for batches of many
 * readings that look alike: what they have in common is said once, as a shape, and their digits
 * become bit fields as wide as the batch needs.
 *
 * Every reading is seen first; then it is known which shapes are worth their place, and the
 * readings are written in their order. Not for reading: that is log.h, for every version.
 */
#ifndef HYP_STORE_LOG_PACK_H
#define HYP_STORE_LOG_PACK_H

#include "store/bits.h"
#include "store/log.h"
#include "store/series.h"

/* One column of a shape. */
struct hyp_log_column {
    int64_t least; /* of the payloads seen */
    int64_t most;
    int32_t step; /* from the point of the column before */
    int8_t exp10;
    uint8_t quality;
    uint8_t kind;
    uint8_t meaning; /* kind << 4 | quality; no kind when the value is absent */
    uint8_t width;   /* of its field, once it is known */
};

struct hyp_log_shape {
    size_t first; /* of its columns */
    uint32_t columns;
    uint32_t uses;
    uint64_t plain_bytes; /* what its values would take in version 1, about */
    uint64_t bits;        /* of the fields of one reading */
    uint8_t number;       /* as written; 0 = not worth it */
};

struct hyp_log_pack {
    struct hyp_log_shape shapes[HYP_LOG_SHAPES];
    unsigned shape_count;
    unsigned last; /* index of the shape seen last */
    struct hyp_log_column *columns;
    size_t column_count;
    size_t column_capacity;
    /* while writing */
    struct hyp_log_writer writer;
    struct hyp_buf fields;
    struct hyp_bit_writer bits;
    int64_t device_step;
    int64_t base;
    int64_t base_step;
    int64_t delay;
    uint8_t origin;
};

/* init allocates nothing, finish frees what it has grown to. */
void hyp_log_pack_init(struct hyp_log_pack *pack);
void hyp_log_pack_finish(struct hyp_log_pack *pack);
/* Forgets everything, for the next batch. */
void hyp_log_pack_reset(struct hyp_log_pack *pack);

/*
 * Looks at the values of a reading.
 * @columns    of its device; cells name them
 * @ret_shape  for hyp_log_pack_reading; 0 = none, its values are written one by one
 * Returns     HYP_OK | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_log_pack_see(struct hyp_log_pack *pack,
                                              const struct hyp_column *columns,
                                              const struct hyp_cell *cells, size_t count,
                                              uint8_t *ret_shape);

/*
 * Begins a blob at the end of *out. @readings how many follow
 * Returns   false: no shape is worth it, nothing was written, and the batch is one for
 *           hyp_log_begin
 */
bool hyp_log_pack_begin(struct hyp_log_pack *pack, struct hyp_buf *out, int64_t frame_row,
                        size_t readings);
/*
 * @shape    as it was seen
 * @base     the point of the first value
 * Returns   true: done. False: value_count values follow, by hyp_log_value(&pack->writer).
 */
bool hyp_log_pack_reading(struct hyp_log_pack *pack, const struct hyp_log_reading *reading,
                          uint8_t shape, int64_t base, const struct hyp_cell *cells);
/* Adds the fields and fills in the checksum. Returns the builder's status. */
HYP_MUST_USE enum hyp_status hyp_log_pack_end(struct hyp_log_pack *pack);

#endif
