/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hyp_buf_init_heap(struct hyp_buf *buf, size_t max)
{
    *buf = (struct hyp_buf){.max = max, .on_heap = true};
}

void hyp_buf_init_fixed(struct hyp_buf *buf, void *memory, size_t size)
{
    *buf = (struct hyp_buf){.data = memory, .capacity = size, .max = size};
}

void hyp_buf_finish(struct hyp_buf *buf)
{
    if (buf->on_heap) {
        free(buf->data);
    }
    *buf = (struct hyp_buf){.status = HYP_OK};
}

void hyp_buf_reset(struct hyp_buf *buf)
{
    buf->len = 0;
    buf->status = HYP_OK;
}

uint8_t *hyp_buf_steal(struct hyp_buf *buf, size_t *ret_len)
{
    uint8_t *data = buf->data;
    *ret_len = buf->len;
    *buf = (struct hyp_buf){.max = buf->max, .on_heap = buf->on_heap};
    return data;
}

/* Makes room for `extra` bytes; false and a sticky status when that is not possible. */
static bool reserve(struct hyp_buf *buf, size_t extra)
{
    if (buf->status != HYP_OK) {
        return false;
    }
    if (extra > buf->max - buf->len) {
        buf->status = HYP_LIMIT;
        return false;
    }
    if (extra <= buf->capacity - buf->len) {
        return true;
    }
    size_t wanted = HYP_MAX(buf->len + extra, buf->capacity * 2);
    wanted = HYP_MIN(HYP_MAX(wanted, (size_t)64), buf->max);
    uint8_t *grown = realloc(buf->data, wanted);
    if (grown == NULL) {
        buf->status = HYP_NO_MEMORY;
        return false;
    }
    buf->data = grown;
    buf->capacity = wanted;
    return true;
}

uint8_t *hyp_buf_room(struct hyp_buf *buf, size_t len)
{
    return reserve(buf, len) ? buf->data + buf->len : NULL;
}

void hyp_buf_take(struct hyp_buf *buf, size_t len)
{
    assert(len <= buf->capacity - buf->len);
    buf->len += len;
}

void hyp_buf_append(struct hyp_buf *buf, const void *data, size_t len)
{
    if (len == 0 || !reserve(buf, len)) {
        return;
    }
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
}

static void append_le(struct hyp_buf *buf, uint64_t value, size_t count)
{
    if (!reserve(buf, count)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        buf->data[buf->len++] = (uint8_t)(value >> (8 * i));
    }
}

void hyp_buf_append_le16(struct hyp_buf *buf, uint16_t value)
{
    append_le(buf, value, 2);
}

void hyp_buf_append_le32(struct hyp_buf *buf, uint32_t value)
{
    append_le(buf, value, 4);
}

void hyp_buf_append_le64(struct hyp_buf *buf, uint64_t value)
{
    append_le(buf, value, 8);
}

void hyp_buf_append_be16(struct hyp_buf *buf, uint16_t value)
{
    append_le(buf, __builtin_bswap16(value), 2);
}

void hyp_buf_append_be32(struct hyp_buf *buf, uint32_t value)
{
    append_le(buf, __builtin_bswap32(value), 4);
}

void hyp_buf_append_str(struct hyp_buf *buf, struct hyp_str text)
{
    hyp_buf_append(buf, text.ptr, text.len);
}

void hyp_buf_append_text(struct hyp_buf *buf, const char *text)
{
    hyp_buf_append(buf, text, strlen(text));
}

void hyp_buf_append_char(struct hyp_buf *buf, char c)
{
    hyp_buf_append_u8(buf, (uint8_t)c);
}

/* "00" to "99", side by side. */
static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

void hyp_buf_append_u64(struct hyp_buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    while (value >= 100) {
        at -= 2;
        memcpy(digits + at, digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(digits + at, digit_pairs + 2 * value, 2);
    } else {
        digits[--at] = (char)('0' + value);
    }
    hyp_buf_append(buf, digits + at, sizeof(digits) - at);
}

void hyp_buf_append_i64(struct hyp_buf *buf, int64_t value)
{
    if (value < 0) {
        hyp_buf_append_u8(buf, '-');
        hyp_buf_append_u64(buf, 0 - (uint64_t)value);
        return;
    }
    hyp_buf_append_u64(buf, (uint64_t)value);
}

void hyp_buf_append_hex(struct hyp_buf *buf, const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    if (len > SIZE_MAX / 2 || !reserve(buf, len * 2)) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        buf->data[buf->len++] = (uint8_t)digits[data[i] >> 4];
        buf->data[buf->len++] = (uint8_t)digits[data[i] & 15];
    }
}

void hyp_buf_append_vfmt(struct hyp_buf *buf, const char *format, va_list args)
{
    if (buf->status != HYP_OK) {
        return;
    }
    va_list again;
    va_copy(again, args);
    size_t room = buf->capacity - buf->len;
    int needed = vsnprintf(room == 0 ? NULL : (char *)buf->data + buf->len, room, format, args);
    if (needed < 0) {
        buf->status = HYP_INTERNAL;
    } else if ((size_t)needed < room) {
        buf->len += (size_t)needed;
    } else if (reserve(buf, (size_t)needed + 1)) {
        int written =
            vsnprintf((char *)buf->data + buf->len, (size_t)needed + 1, format, again);
        buf->len += (size_t)written;
    } else if (!buf->on_heap && room > 0) {
        /* vsnprintf wrote what fits: keep it, the status says that it was cut. */
        buf->len += room - 1;
    }
    va_end(again);
}

void hyp_buf_append_fmt(struct hyp_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    hyp_buf_append_vfmt(buf, format, args);
    va_end(args);
}

const char *hyp_buf_terminate(struct hyp_buf *buf)
{
    if (buf->len == buf->capacity) {
        enum hyp_status before = buf->status;
        buf->status = HYP_OK;
        bool roomy = reserve(buf, 1);
        if (roomy || before != HYP_OK) {
            buf->status = before;
        }
        if (!roomy) {
            if (buf->len == 0) {
                return "";
            }
            buf->len--;
        }
    }
    buf->data[buf->len] = '\0';
    return (const char *)buf->data;
}

bool hyp_text_copy(char *out, size_t size, struct hyp_str text)
{
    size_t len = HYP_MIN(text.len, size - 1);
    if (len > 0) {
        memcpy(out, text.ptr, len);
    }
    out[len] = '\0';
    return len == text.len;
}
