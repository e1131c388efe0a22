/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a concentrator sends, cut into pieces: every telegram found must be one of the bytes
 * that came, and where the cuts are must not matter. The first byte is the length of a piece.
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

static void run(const uint8_t *data, size_t size, size_t step, struct hyp_buf *found)
{
    struct hyp_stream stream;
    hyp_stream_init(&stream, HYP_RECEIVER_AUTO);
    for (size_t at = 0; at < size; at += step) {
        struct hyp_piece piece;
        hyp_stream_feed(&stream, data + at, HYP_MIN(step, size - at));
        while (hyp_stream_next(&stream, false, &piece)) {
            require(piece.len > 0 && piece.len <= HYP_LIMIT_FRAME_BYTES);
            hyp_buf_append_varint(found, piece.len);
            hyp_buf_append(found, piece.bytes, piece.len);
        }
        require(stream.at <= stream.pending.len);
    }
    hyp_stream_finish(&stream);
}

static void run_whole(const uint8_t *data, size_t size)
{
    struct hyp_stream stream;
    struct hyp_piece piece;
    hyp_stream_init(&stream, HYP_RECEIVER_AUTO);
    hyp_stream_feed(&stream, data, size);
    while (hyp_stream_next(&stream, true, &piece)) {
        require(piece.len > 0);
    }
    require(stream.at == stream.pending.len);
    hyp_stream_finish(&stream);
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
    run(data + 1, size - 1, size - 1, &whole);
    run(data + 1, size - 1, (size_t)data[0] % 64 + 1, &pieces);
    require(hyp_str_equal(hyp_buf_view(&whole), hyp_buf_view(&pieces)));
    run_whole(data + 1, size - 1);
    hyp_buf_finish(&whole);
    hyp_buf_finish(&pieces);
    return 0;
}
