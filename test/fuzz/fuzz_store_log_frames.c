/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of the frame log and a block of frames: what reads well comes back the same from both
 * forms.
 * Input: one byte 0 = plain, else block; then the blob behind version and checksum.
 */
#include "store/crc32c.h"
#include "store/frame_codec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_MAX ((size_t)1 << 28)

static void check_same(const struct hyp_buf *blob, const struct hyp_kept_frame *kept,
                       size_t count, struct hyp_arena *arena)
{
    struct hyp_kept_frame *again;
    size_t again_count;
    if (hyp_frames_decode(blob->data, blob->len, 0, arena, &again, &again_count) != HYP_OK ||
        again_count != count) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        const struct hyp_stored_frame *a = &kept[i].frame;
        const struct hyp_stored_frame *b = &again[i].frame;
        if (a->id.id != b->id.id || a->received.ms != b->received.ms ||
            a->line.id != b->line.id || a->device.id != b->device.id ||
            a->protocol != b->protocol || a->signal_dbm != b->signal_dbm ||
            a->outcome != b->outcome || a->len != b->len ||
            kept[i].tenant.id != again[i].tenant.id ||
            (a->len > 0 && memcmp(a->bytes, b->bytes, a->len) != 0)) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct hyp_buf blob;
    hyp_buf_init_heap(&blob, ARENA_MAX);
    hyp_buf_append_u8(&blob, data[0] == 0 ? 1 : 2);
    hyp_buf_append_le32(&blob, hyp_crc32c(data + 1, size - 1));
    hyp_buf_append(&blob, data + 1, size - 1);
    struct hyp_arena arena;
    hyp_arena_init(&arena, ARENA_MAX);
    struct hyp_kept_frame *kept;
    size_t count;
    if (hyp_frames_decode(blob.data, blob.len, 0, &arena, &kept, &count) == HYP_OK) {
        struct hyp_buf again;
        hyp_buf_init_heap(&again, ARENA_MAX);
        if (hyp_frames_encode(kept, count, &again) != HYP_OK) {
            abort();
        }
        check_same(&again, kept, count, &arena);
        hyp_buf_reset(&again);
        if (hyp_frames_compress(kept, count, &again) != HYP_OK) {
            abort();
        }
        check_same(&again, kept, count, &arena);
        hyp_buf_finish(&again);
    }
    hyp_arena_finish(&arena);
    hyp_buf_finish(&blob);
    return 0;
}
