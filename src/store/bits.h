/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bits: writer and bounded reader of bit fields, lowest bit first.
 *
 * The reader yields zeros behind the end and remembers that it went there. Inline, because this
 * is where packing and unpacking spend their time.
 */
#ifndef HYP_STORE_BITS_H
#define HYP_STORE_BITS_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hyp_bit_writer {
    uint8_t *at; /* room for every bit that will be written, and 8 bytes more */
    uint64_t hold;
    unsigned held; /* bits in hold, < 8 between calls */
};

#define HYP_BITS_PUT_MAX 56u

/* Writes the low `width` bits (0..HYP_BITS_PUT_MAX) of value; higher ones must be 0. */
static inline void hyp_bits_put(struct hyp_bit_writer *writer, uint64_t value, unsigned width)
{
    writer->hold |= value << writer->held;
    writer->held += width;
    uint64_t bytes = htole64(writer->hold);
    memcpy(writer->at, &bytes, sizeof(bytes));
    unsigned whole = writer->held >> 3; /* at most 7 */
    writer->at += whole;
    writer->hold >>= whole * 8;
    writer->held &= 7;
}

static inline void hyp_bits_put_long(struct hyp_bit_writer *writer, uint64_t value,
                                     unsigned width)
{
    if (width > 32) {
        hyp_bits_put(writer, value & UINT32_MAX, 32);
        value >>= 32;
        width -= 32;
    }
    hyp_bits_put(writer, value, width);
}

/* Ends on a byte. Returns where the next byte goes. */
static inline uint8_t *hyp_bits_flush(struct hyp_bit_writer *writer)
{
    if (writer->held > 0) {
        *writer->at++ = (uint8_t)writer->hold;
        writer->hold = 0;
        writer->held = 0;
    }
    return writer->at;
}

struct hyp_bit_reader {
    const uint8_t *data;
    size_t len; /* bytes */
    size_t pos; /* bits */
};

#define HYP_BITS_PEEKED 56u

/* At least the next HYP_BITS_PEEKED bits; zeros behind the end. */
static inline uint64_t hyp_bits_peek(const struct hyp_bit_reader *reader)
{
    size_t byte = reader->pos >> 3;
    uint64_t word = 0;
    if (byte + 8 <= reader->len) {
        memcpy(&word, reader->data + byte, 8);
    } else if (byte < reader->len) {
        memcpy(&word, reader->data + byte, reader->len - byte);
    }
    return le64toh(word) >> (reader->pos & 7);
}

/* The next `width` bits, 0..56. */
static inline uint64_t hyp_bits_get(struct hyp_bit_reader *reader, unsigned width)
{
    uint64_t value = hyp_bits_peek(reader) & (((uint64_t)1 << width) - 1);
    reader->pos += width;
    return value;
}

static inline uint64_t hyp_bits_get_long(struct hyp_bit_reader *reader, unsigned width)
{
    if (width <= 32) {
        return hyp_bits_get(reader, width);
    }
    uint64_t low = hyp_bits_get(reader, 32);
    return low | hyp_bits_get(reader, width - 32) << 32;
}

/* Bytes used so far, the last one perhaps in part. */
static inline size_t hyp_bits_bytes(const struct hyp_bit_reader *reader)
{
    return (reader->pos + 7) >> 3;
}

#endif
