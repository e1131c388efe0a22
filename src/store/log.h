/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log: the bytes of one row of the intake log, which is one committed batch.
 *
 *     +---------+--------+----------------+---------------+------------+----------+-----+
 *     | version | CRC32C | frame log row  | reading count | reading    | reading  | ... |
 *     | u8 = 1  | LE32   | varint, 0=none | varint        |            |          |     |
 *     +---------+--------+----------------+---------------+------------+----------+-----+
 *     The checksum covers everything after itself.
 *
 *     reading (each number against the one of the reading before, which starts as 0):
 *     +----------+---------------+---------+--------------+--------------+---------+--------+
 *     | device   | source time   | receive | kind, source | frame        | value   | values |
 *     | s delta  | ms, s delta   | s after | u8 kind << 4 | varint index | count   |        |
 *     |          |               | source  | + source     | + 1, 0: none | varint  |        |
 *     +----------+---------------+---------+--------------+--------------+---------+--------+
 *
 *     value: head u8, [point step], [...], payload
 *       head  7   6 5 4        3 2 1 0
 *           +---+------------+------------+
 *           | 0 | point step | -exponent  |   a good decimal: payload = digits s
 *           | 1 | point step | quality    |   anything else, see below
 *           +---+------------+------------+
 *       point step 0..6: point number = last one + 1 .. + 7; 7: s step follows the head
 *       other values, when the quality is usable: kind u8, then
 *         decimal  exponent i8, digits s     civil  packed number s (store/series.h)
 *         flags    varint                    text   length varint, bytes
 *       absent values have nothing more.
 *
 * Version 2 is for batches of many readings that look alike (store/log_pack.h writes it):
 *
 *  +---------+--------+---------+---------+----------+--------+---------+----------+--------+
 *  | version | CRC32C | frame   | reading | shapes   | shapes | fields: | readings |        |
 *  | u8 = 2  | LE32   | log row | count   | u8 1..15 |        | bytes   |          | fields |
 *  +---------+--------+---------+---------+----------+--------+---------+----------+--------+
 *
 *     shape: column count varint, then of each column
 *     +----------------------------+-------------+--------------+----------+---------+
 *     | step from the point of the | exponent i8 | kind << 4 +  | width u8 | least   |
 *     | column before, i32; 0      |             | quality, u8  | 0..64    | payload |
 *     +----------------------------+-------------+--------------+----------+---------+
 *     An absent value has kind 0; a text no shape.
 *
 *     reading: head u8, then what is not as in the reading before (which starts as 0)
 *       head  7            6       5          4        3 2 1 0
 *           +------------+-------+----------+--------+---------+
 *           | same steps | frame | same     | same   | shape,  |
 *           |            |       | origin   | time   | 0=none  |
 *           +------------+-------+----------+--------+---------+
 *       not same steps: device s delta, and with a shape the point of its first value s delta
 *         (against the last reading with a shape); same: both deltas are the ones before
 *       not same time: s delta     not same origin: receive s after source, kind and source u8
 *       frame: index + 1 varint    no shape: value count, values as in version 1
 *
 *     fields: of every reading with a shape the payloads less the least ones, `width` bits
 *     each, lowest bit first; zeros up to the end of the last byte.
 *
 * Varints are LEB128, "s" marks zigzag-coded signed ones; deltas are modulo 2^64. Point and
 * device numbers are those of the tables point and device. Numbers of qualities, kinds and
 * sources are part of the format and never change their meaning.
 */
#ifndef HYP_STORE_LOG_H
#define HYP_STORE_LOG_H

#include "base/buf.h"
#include "base/bytes.h"
#include "model/value.h"
#include "store/bits.h"

#include <stddef.h>
#include <stdint.h>

/* One value as logged. */
struct hyp_log_value {
    int64_t point;
    uint8_t quality; /* enum hyp_quality */
    uint8_t kind;    /* enum hyp_value_kind; UNSET for absent ones */
    int8_t exp10;
    int64_t payload;     /* digits, flags or packed civil time */
    struct hyp_str text; /* of a text; view into the blob when read */
};

/* What stands before the values of a reading. */
struct hyp_log_reading {
    int64_t device;
    int64_t time;
    int64_t receive;
    uint8_t kind;
    uint8_t source;
    uint32_t frame; /* index + 1; 0 = none */
    uint32_t value_count;
};

/* --- writing --- */

struct hyp_log_writer {
    struct hyp_buf *out;
    size_t start;
    int64_t device;
    int64_t time;
    int64_t point;
};

/* Begins a blob at the end of *out. @readings how many follow */
void hyp_log_begin(struct hyp_log_writer *writer, struct hyp_buf *out, int64_t frame_row,
                   size_t readings);
/* One reading, then its value_count values in the order of their points; a full builder is
 * found out at the end. */
void hyp_log_reading(struct hyp_log_writer *writer, const struct hyp_log_reading *reading);
void hyp_log_value(struct hyp_log_writer *writer, const struct hyp_log_value *value);
/* Fills in the checksum. Returns the builder's status. */
HYP_MUST_USE enum hyp_status hyp_log_end(struct hyp_log_writer *writer);

/* --- reading --- */

/* Shapes of one blob, at most. */
#define HYP_LOG_SHAPES 15

/* Where a shape is in a blob, and the bits of the fields of one reading. */
struct hyp_log_known_shape {
    uint32_t at;
    uint32_t columns;
    uint64_t bits;
};

struct hyp_log_reader {
    struct hyp_bytes in;
    int64_t frame_row;
    uint64_t readings_left;
    uint64_t values_left; /* of the present reading */
    int64_t device;
    int64_t time;
    int64_t point;
    /* version 2 */
    unsigned shape_count; /* 0 in version 1 */
    struct hyp_log_known_shape shapes[HYP_LOG_SHAPES];
    struct hyp_bit_reader fields;
    const uint8_t *column; /* of the next value; NULL = it is one as in version 1 */
    int64_t device_step;
    int64_t base;
    int64_t base_step;
    int64_t delay;
    uint8_t origin;
    int64_t packed_point;
};

/* Opens a blob. HYP_OK | BAD_CHECK | UNSUPPORTED (version) | MALFORMED */
HYP_MUST_USE enum hyp_status hyp_log_open(struct hyp_log_reader *reader, const uint8_t *data,
                                          size_t len);
/* The next reading; its values must be read before. NOT_FOUND = no more. HYP_OK | MALFORMED */
HYP_MUST_USE enum hyp_status hyp_log_next(struct hyp_log_reader *reader,
                                          struct hyp_log_reading *ret_reading);
/* The next of its values. HYP_OK | MALFORMED */
HYP_MUST_USE enum hyp_status hyp_log_next_value(struct hyp_log_reader *reader,
                                                struct hyp_log_value *ret_value);

#endif
