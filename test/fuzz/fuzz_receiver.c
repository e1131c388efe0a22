/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a receiver says on its port, cut into pieces: where the cuts are must not matter, a
 * telegram is one with an L field and a known C field, and nothing is looked at twice. The
 * first byte is the length of a piece. Built once per receiver (RECEIVER).
 */
#include "collect/stream.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static uint64_t run(enum hyp_receiver_kind kind, const uint8_t *data, size_t size, size_t step,
                    struct hyp_buf *found)
{
    struct hyp_stream stream;
    hyp_stream_init(&stream, kind);
    for (size_t at = 0; at < size; at += step) {
        struct hyp_piece piece;
        hyp_stream_feed(&stream, data + at, HYP_MIN(step, size - at));
        while (hyp_stream_next(&stream, false, &piece)) {
            require(piece.len >= 2 && piece.len <= HYP_LIMIT_FRAME_BYTES);
            hyp_buf_append_varint(found, piece.len);
            hyp_buf_append(found, piece.bytes, piece.len);
            hyp_buf_append_varint(found, (uint64_t)(piece.signal_dbm + 32768));
        }
        require(stream.at <= stream.pending.len);
    }
    uint64_t skipped = stream.skipped;
    hyp_stream_gap(&stream);
    require(stream.at == stream.pending.len);
    hyp_stream_finish(&stream);
    return skipped;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 8192) {
        return 0;
    }
    struct hyp_buf whole;
    struct hyp_buf pieces;
    hyp_buf_init_heap(&whole, 1 << 20);
    hyp_buf_init_heap(&pieces, 1 << 20);
    uint64_t skipped = run(RECEIVER, data + 1, size - 1, size - 1, &whole);
    require(run(RECEIVER, data + 1, size - 1, (size_t)data[0] % 64 + 1, &pieces) == skipped);
    require(hyp_str_equal(hyp_buf_view(&whole), hyp_buf_view(&pieces)));
    hyp_buf_finish(&whole);
    hyp_buf_finish(&pieces);
    return 0;
}
