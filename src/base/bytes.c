/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

const uint8_t *hyp_bytes_take(struct hyp_bytes *bytes, size_t count)
{
    if (bytes->failed || count > bytes->len - bytes->pos) {
        bytes->failed = true;
        return NULL;
    }
    const uint8_t *at = bytes->data + bytes->pos;
    bytes->pos += count;
    return at;
}

int hyp_bytes_peek(const struct hyp_bytes *bytes)
{
    if (hyp_bytes_left(bytes) == 0) {
        return -1;
    }
    return bytes->data[bytes->pos];
}

static uint64_t read_le(struct hyp_bytes *bytes, size_t count)
{
    const uint8_t *at = hyp_bytes_take(bytes, count);
    uint64_t value = 0;
    if (at == NULL) {
        return 0;
    }
    for (size_t i = count; i > 0; i--) {
        value = value << 8 | at[i - 1];
    }
    return value;
}

static uint64_t read_be(struct hyp_bytes *bytes, size_t count)
{
    const uint8_t *at = hyp_bytes_take(bytes, count);
    uint64_t value = 0;
    if (at == NULL) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

uint16_t hyp_bytes_le16(struct hyp_bytes *bytes)
{
    return (uint16_t)read_le(bytes, 2);
}

uint32_t hyp_bytes_le24(struct hyp_bytes *bytes)
{
    return (uint32_t)read_le(bytes, 3);
}

uint32_t hyp_bytes_le32(struct hyp_bytes *bytes)
{
    return (uint32_t)read_le(bytes, 4);
}

uint64_t hyp_bytes_le48(struct hyp_bytes *bytes)
{
    return read_le(bytes, 6);
}

uint64_t hyp_bytes_le64(struct hyp_bytes *bytes)
{
    return read_le(bytes, 8);
}

uint16_t hyp_bytes_be16(struct hyp_bytes *bytes)
{
    return (uint16_t)read_be(bytes, 2);
}

uint32_t hyp_bytes_be32(struct hyp_bytes *bytes)
{
    return (uint32_t)read_be(bytes, 4);
}

uint64_t hyp_bytes_be64(struct hyp_bytes *bytes)
{
    return read_be(bytes, 8);
}

void hyp_bytes_skip(struct hyp_bytes *bytes, size_t count)
{
    /* The result is not needed: a failure stays in the reader. */
    (void)hyp_bytes_take(bytes, count);
}

struct hyp_bytes hyp_bytes_slice(struct hyp_bytes *bytes, size_t count)
{
    const uint8_t *at = hyp_bytes_take(bytes, count);
    if (at == NULL) {
        return (struct hyp_bytes){.failed = true};
    }
    return hyp_bytes_from(at, count);
}
