/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded reader over bytes from outside.
 *
 * Every read is checked. An over-read sets a sticky failure and yields zero, so a decoder may
 * read a whole group of fields and check hyp_bytes_failed() once. Never allocates.
 * le = least significant byte first, be = most significant byte first.
 */
#ifndef HYP_BASE_BYTES_H
#define HYP_BASE_BYTES_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hyp_bytes {
    const uint8_t *data;
    size_t len;
    size_t pos;
    bool failed;
};

static inline struct hyp_bytes hyp_bytes_from(const uint8_t *data, size_t len)
{
    return (struct hyp_bytes){.data = data, .len = len};
}

static inline size_t hyp_bytes_left(const struct hyp_bytes *bytes)
{
    return bytes->failed ? 0 : bytes->len - bytes->pos;
}

static inline bool hyp_bytes_failed(const struct hyp_bytes *bytes)
{
    return bytes->failed;
}

/* Pointer to the next `count` bytes, which are consumed; NULL (and failed) if there are fewer.
 */
const uint8_t *hyp_bytes_take(struct hyp_bytes *bytes, size_t count);

/* The next byte without consuming it; -1 at the end. */
int hyp_bytes_peek(const struct hyp_bytes *bytes);

static inline uint8_t hyp_bytes_u8(struct hyp_bytes *bytes)
{
    if (bytes->failed || bytes->pos == bytes->len) {
        bytes->failed = true;
        return 0;
    }
    return bytes->data[bytes->pos++];
}
/* Unsigned numbers of so many bits; 0 (and failed) when there are fewer bytes left. */
uint16_t hyp_bytes_le16(struct hyp_bytes *bytes);
uint32_t hyp_bytes_le24(struct hyp_bytes *bytes);
uint32_t hyp_bytes_le32(struct hyp_bytes *bytes);
uint64_t hyp_bytes_le48(struct hyp_bytes *bytes);
uint64_t hyp_bytes_le64(struct hyp_bytes *bytes);
uint16_t hyp_bytes_be16(struct hyp_bytes *bytes);
uint32_t hyp_bytes_be32(struct hyp_bytes *bytes);
uint64_t hyp_bytes_be64(struct hyp_bytes *bytes);
/* Unsigned LEB128 of at most 10 bytes, as used in our stored formats. */
static inline uint64_t hyp_bytes_varint(struct hyp_bytes *bytes)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = hyp_bytes_u8(bytes);
        if (bytes->failed || (shift == 63 && byte > 1)) {
            break;
        }
        value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    bytes->failed = true;
    return 0;
}
/* Zigzag-coded signed varint. */
static inline int64_t hyp_bytes_svarint(struct hyp_bytes *bytes)
{
    uint64_t coded = hyp_bytes_varint(bytes);
    return (int64_t)(coded >> 1) ^ -(int64_t)(coded & 1);
}
/* Failed if there are fewer. */
void hyp_bytes_skip(struct hyp_bytes *bytes, size_t count);

/* A reader over the next `count` bytes, which are consumed here. Failed if there are fewer. */
struct hyp_bytes hyp_bytes_slice(struct hyp_bytes *bytes, size_t count);

#endif
