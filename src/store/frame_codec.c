/* SPDX-License-Identifier: Apache-2.0 */
#include "store/frame_codec.h"

#include "base/bytes.h"
#include "base/limits.h"
#include "store/crc32c.h"

#include <stdlib.h>
#include <zstd.h>

#define VERSION_PLAIN 1
#define VERSION_BLOCK 2
#define HEAD_BYTES 5
#define BLOB_MAX ((size_t)64 * 1024 * 1024)
/* Levels above 6 cost twice the time for some percent on meter frames. */
#define ZSTD_LEVEL 6
/* A head is at least nine bytes, so a count beyond this is a lie. */
#define HEAD_LEAST 9

static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* Writes version and an empty checksum; returns where the blob begins. */
static size_t begin_blob(struct hyp_buf *out, uint8_t version)
{
    size_t start = out->len;
    hyp_buf_append_u8(out, version);
    hyp_buf_append_le32(out, 0);
    return start;
}

static enum hyp_status end_blob(struct hyp_buf *out, size_t start)
{
    if (hyp_buf_status(out) != HYP_OK) {
        return hyp_buf_status(out);
    }
    uint32_t crc = hyp_crc32c(out->data + start + HEAD_BYTES, out->len - start - HEAD_BYTES);
    struct hyp_buf field;
    hyp_buf_init_fixed(&field, out->data + start + 1, sizeof(crc));
    hyp_buf_append_le32(&field, crc);
    return HYP_OK;
}

enum hyp_status hyp_frames_encode(const struct hyp_kept_frame *frames, size_t count,
                                  struct hyp_buf *out)
{
    size_t start = begin_blob(out, VERSION_PLAIN);
    hyp_buf_append_varint(out, count);
    struct hyp_kept_frame before = {0};
    for (size_t i = 0; i < count; i++) {
        const struct hyp_stored_frame *frame = &frames[i].frame;
        hyp_buf_append_svarint(out, minus(frame->id.id, before.frame.id.id));
        hyp_buf_append_svarint(out, minus(frame->received.ms, before.frame.received.ms));
        hyp_buf_append_svarint(out, minus(frames[i].tenant.id, before.tenant.id));
        hyp_buf_append_svarint(out, minus(frame->line.id, before.frame.line.id));
        hyp_buf_append_svarint(out, minus(frame->device.id, before.frame.device.id));
        hyp_buf_append_varint(out, (uint64_t)frame->protocol);
        hyp_buf_append_svarint(out, frame->signal_dbm);
        hyp_buf_append_svarint(out, frame->outcome);
        hyp_buf_append_varint(out, frame->len);
        before = frames[i];
    }
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append(out, frames[i].frame.bytes, frames[i].frame.len);
    }
    return end_blob(out, start);
}

enum hyp_status hyp_frames_compress(const struct hyp_kept_frame *frames, size_t count,
                                    struct hyp_buf *out)
{
    struct hyp_buf plain HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&plain, BLOB_MAX);
    enum hyp_status status = hyp_frames_encode(frames, count, &plain);
    if (status != HYP_OK) {
        return status;
    }
    size_t bound = ZSTD_compressBound(plain.len);
    uint8_t *packed = malloc(bound);
    if (packed == NULL) {
        return HYP_NO_MEMORY;
    }
    size_t len = ZSTD_compress(packed, bound, plain.data, plain.len, ZSTD_LEVEL);
    if (ZSTD_isError(len)) {
        free(packed);
        return HYP_NO_MEMORY;
    }
    size_t start = begin_blob(out, VERSION_BLOCK);
    hyp_buf_append_varint(out, plain.len);
    hyp_buf_append(out, packed, len);
    free(packed);
    return end_blob(out, start);
}

static void read_head(struct hyp_bytes *in, struct hyp_kept_frame *frame)
{
    frame->frame.id.id = plus(frame->frame.id.id, hyp_bytes_svarint(in));
    frame->frame.received.ms = plus(frame->frame.received.ms, hyp_bytes_svarint(in));
    frame->tenant.id = plus(frame->tenant.id, hyp_bytes_svarint(in));
    frame->frame.line.id = plus(frame->frame.line.id, hyp_bytes_svarint(in));
    frame->frame.device.id = plus(frame->frame.device.id, hyp_bytes_svarint(in));
    uint64_t protocol = hyp_bytes_varint(in);
    frame->frame.protocol =
        protocol <= HYP_RAW_COPY ? (enum hyp_raw_protocol)protocol : HYP_RAW_UNSET;
    frame->frame.signal_dbm = (int16_t)hyp_bytes_svarint(in);
    frame->frame.outcome = (enum hyp_status)hyp_bytes_svarint(in);
    frame->frame.len = (size_t)hyp_bytes_varint(in);
}

static enum hyp_status decode_plain(struct hyp_bytes *in, int64_t id_base,
                                    struct hyp_arena *arena, struct hyp_kept_frame **ret_frames,
                                    size_t *ret_count)
{
    uint64_t count = hyp_bytes_varint(in);
    if (hyp_bytes_failed(in) || count > hyp_bytes_left(in) / HEAD_LEAST) {
        return HYP_MALFORMED;
    }
    struct hyp_kept_frame *frames =
        hyp_arena_alloc_array(arena, (size_t)count + 1, sizeof(*frames));
    if (frames == NULL) {
        return HYP_LIMIT;
    }
    struct hyp_kept_frame running = {0};
    for (size_t i = 0; i < count; i++) {
        read_head(in, &running);
        frames[i] = running;
        frames[i].frame.id.id = plus(running.frame.id.id, id_base);
    }
    for (size_t i = 0; i < count; i++) {
        frames[i].frame.bytes = hyp_bytes_take(in, frames[i].frame.len);
    }
    if (hyp_bytes_failed(in) || hyp_bytes_left(in) != 0) {
        return HYP_MALFORMED;
    }
    *ret_frames = frames;
    *ret_count = (size_t)count;
    return HYP_OK;
}

/* Unpacks the block's zstd frame; *in is moved to the plain blob inside. */
static enum hyp_status unpack(struct hyp_bytes *in, struct hyp_arena *arena)
{
    uint64_t len = hyp_bytes_varint(in);
    size_t packed_len = hyp_bytes_left(in);
    const uint8_t *packed = hyp_bytes_take(in, packed_len);
    if (hyp_bytes_failed(in) || len > BLOB_MAX) {
        return HYP_MALFORMED;
    }
    uint8_t *plain = hyp_arena_alloc(arena, (size_t)len + 1);
    if (plain == NULL) {
        return HYP_LIMIT;
    }
    size_t got = ZSTD_decompress(plain, (size_t)len, packed, packed_len);
    if (ZSTD_isError(got) || got != len) {
        return HYP_MALFORMED;
    }
    *in = hyp_bytes_from(plain, (size_t)len);
    return HYP_OK;
}

/* Reads version and checksum. */
static enum hyp_status open_blob(struct hyp_bytes *in, uint8_t *ret_version)
{
    uint8_t version = hyp_bytes_u8(in);
    uint32_t crc = hyp_bytes_le32(in);
    if (hyp_bytes_failed(in)) {
        return HYP_MALFORMED;
    }
    if (version != VERSION_PLAIN && version != VERSION_BLOCK) {
        return HYP_UNSUPPORTED;
    }
    if (hyp_crc32c(in->data + HEAD_BYTES, in->len - HEAD_BYTES) != crc) {
        return HYP_BAD_CHECK;
    }
    *ret_version = version;
    return HYP_OK;
}

enum hyp_status hyp_frames_decode(const uint8_t *data, size_t len, int64_t id_base,
                                  struct hyp_arena *arena, struct hyp_kept_frame **ret_frames,
                                  size_t *ret_count)
{
    struct hyp_bytes in = hyp_bytes_from(data, len);
    uint8_t version;
    enum hyp_status status = open_blob(&in, &version);
    if (status == HYP_OK && version == VERSION_BLOCK) {
        status = unpack(&in, arena);
        if (status == HYP_OK) {
            status = open_blob(&in, &version);
        }
        if (status == HYP_OK && version != VERSION_PLAIN) {
            status = HYP_MALFORMED;
        }
    }
    return status == HYP_OK ? decode_plain(&in, id_base, arena, ret_frames, ret_count) : status;
}
