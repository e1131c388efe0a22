/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded builder of bytes and text: the only place where text is put together.
 *
 * A builder has a maximum from the start. An append that does not fit (or an allocation that
 * fails) sets a sticky failure and changes nothing else, so callers append freely and check
 * once with hyp_buf_status(). (A format in a fixed builder leaves what fits, cut.) Either over
 * the caller's memory (init_fixed) or growing on the heap (init_heap; finish frees).
 */
#ifndef HYP_BASE_BUF_H
#define HYP_BASE_BUF_H

#include "base/attr.h"
#include "base/status.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hyp_buf {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t max;
    bool on_heap;
    enum hyp_status status;
};

/* A growing builder; allocates at the first append. @max bytes, > 0. */
void hyp_buf_init_heap(struct hyp_buf *buf, size_t max);
/* A builder over `size` bytes of the caller, which must outlive it. */
void hyp_buf_init_fixed(struct hyp_buf *buf, void *memory, size_t size);
/* Frees heap memory. Safe on a finished or zeroed builder. */
void hyp_buf_finish(struct hyp_buf *buf);
/* Forgets the content and the failure, keeps the memory. */
void hyp_buf_reset(struct hyp_buf *buf);
/* Hands the heap memory to the caller, who frees it with free(); builder is empty after. */
uint8_t *hyp_buf_steal(struct hyp_buf *buf, size_t *ret_len);

static inline enum hyp_status hyp_buf_status(const struct hyp_buf *buf)
{
    return buf->status;
}

/*
 * Room for `len` bytes behind the content, to be written there and then taken with
 * hyp_buf_take: for output whose size is known in bounds and whose speed matters. Returns NULL
 * (and the sticky failure) when it does not fit
 */
uint8_t *hyp_buf_room(struct hyp_buf *buf, size_t len);
/* Takes the first `len` bytes of the room as content; at most what was asked for. */
void hyp_buf_take(struct hyp_buf *buf, size_t len);

/* @data may be NULL when there are 0 bytes; must not be in the builder itself */
void hyp_buf_append(struct hyp_buf *buf, const void *data, size_t len);

/* Bytes in the longest varint. */
#define HYP_BUF_VARINT_MAX 10

/* Writes a varint at `at`, which has room for HYP_BUF_VARINT_MAX bytes. Returns its end. */
static inline uint8_t *hyp_buf_put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/* A signed number as the varints of our formats take it: small ones of either sign stay small.
 */
static inline uint64_t hyp_buf_zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline void hyp_buf_append_u8(struct hyp_buf *buf, uint8_t value)
{
    if (buf->status == HYP_OK && buf->len < buf->capacity) {
        buf->data[buf->len++] = value;
    } else {
        hyp_buf_append(buf, &value, 1);
    }
}
/* Numbers in binary: least or most significant byte first. */
void hyp_buf_append_le16(struct hyp_buf *buf, uint16_t value);
void hyp_buf_append_le32(struct hyp_buf *buf, uint32_t value);
void hyp_buf_append_le64(struct hyp_buf *buf, uint64_t value);
void hyp_buf_append_be16(struct hyp_buf *buf, uint16_t value);
void hyp_buf_append_be32(struct hyp_buf *buf, uint32_t value);
static inline void hyp_buf_append_varint(struct hyp_buf *buf, uint64_t value)
{
    if (buf->status == HYP_OK && buf->capacity - buf->len >= HYP_BUF_VARINT_MAX) {
        buf->len = (size_t)(hyp_buf_put_varint(buf->data + buf->len, value) - buf->data);
    } else {
        uint8_t bytes[HYP_BUF_VARINT_MAX];
        hyp_buf_append(buf, bytes, (size_t)(hyp_buf_put_varint(bytes, value) - bytes));
    }
}
static inline void hyp_buf_append_svarint(struct hyp_buf *buf, int64_t value)
{
    hyp_buf_append_varint(buf, hyp_buf_zigzag(value));
}
/* Text; numbers in decimal digits. */
void hyp_buf_append_str(struct hyp_buf *buf, struct hyp_str text);
void hyp_buf_append_text(struct hyp_buf *buf, const char *text);
void hyp_buf_append_char(struct hyp_buf *buf, char c);
void hyp_buf_append_i64(struct hyp_buf *buf, int64_t value);
void hyp_buf_append_u64(struct hyp_buf *buf, uint64_t value);
/* Upper-case hex without separators. */
void hyp_buf_append_hex(struct hyp_buf *buf, const uint8_t *data, size_t len);
/* As printf; the status is LIMIT when it was cut, INTERNAL for a format that libc refuses. */
void hyp_buf_append_fmt(struct hyp_buf *buf, const char *format, ...) HYP_PRINTF(2, 3);
void hyp_buf_append_vfmt(struct hyp_buf *buf, const char *format, va_list args)
    HYP_PRINTF(2, 0);

/*
 * Makes the content a C string by writing a terminator after it (not counted in len). In a full
 * fixed builder the last byte gives way to it.
 * Returns   the text, or "" when there is no memory at all; valid until the next append
 */
const char *hyp_buf_terminate(struct hyp_buf *buf);

static inline struct hyp_str hyp_buf_view(const struct hyp_buf *buf)
{
    return (struct hyp_str){.ptr = (const char *)buf->data, .len = buf->len};
}

/* Copies `text` into `out` (size > 0), cut if needed, always terminated. Returns false if cut.
 */
bool hyp_text_copy(char *out, size_t size, struct hyp_str text);

#endif
