/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame codec: raw frames as bytes, both for a row of the frame log (a batch) and, compressed,
 * for a block of the frames database.
 *
 *     +-----+--------+-------+------------------------------------+-------------+
 *     | u8  | CRC32C | count | heads, one per frame               | bytes, one  |
 *     | = 1 | LE32   |       |                                    | per frame   |
 *     +-----+--------+-------+------------------------------------+-------------+
 *     head (each s against the frame before):
 *       id s | received s, ms | tenant s | line s | device s | protocol varint |
 *       signal dBm s | outcome s (enum hyp_status, itself) | length varint
 *     The checksum covers everything after itself.
 *
 *     block:
 *     +-----+--------+------------------+------------------------------+
 *     | u8  | CRC32C | length unpacked  | zstd frame of the above      |
 *     | = 2 | LE32   | varint           |                              |
 *     +-----+--------+------------------+------------------------------+
 *
 * Heads stand apart from the bytes and frames are sorted by device, because alike things in a
 * row are what zstd is good at.
 */
#ifndef HYP_STORE_FRAME_CODEC_H
#define HYP_STORE_FRAME_CODEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "store/store.h"

/* A frame with the tenant it belongs to (0 = nobody can see it). */
struct hyp_kept_frame {
    struct hyp_stored_frame frame;
    hyp_tenant_id tenant;
    hyp_frame_id replaces; /* while a batch is planned; not encoded */
};

/* Appends a blob with the frames in the order given. Returns the builder's status. */
HYP_MUST_USE enum hyp_status hyp_frames_encode(const struct hyp_kept_frame *frames,
                                               size_t count, struct hyp_buf *out);
/* The same, compressed. HYP_OK | NO_MEMORY | LIMIT */
HYP_MUST_USE enum hyp_status hyp_frames_compress(const struct hyp_kept_frame *frames,
                                                 size_t count, struct hyp_buf *out);
/*
 * Reads a blob of either form into the arena; frame.bytes point into `data` (plain form) or
 * into the arena.
 * @id_base  added to each id
 * Returns   HYP_OK | BAD_CHECK | UNSUPPORTED | MALFORMED | LIMIT (arena)
 */
HYP_MUST_USE enum hyp_status hyp_frames_decode(const uint8_t *data, size_t len, int64_t id_base,
                                               struct hyp_arena *arena,
                                               struct hyp_kept_frame **ret_frames,
                                               size_t *ret_count);

#endif
