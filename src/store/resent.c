/* SPDX-License-Identifier: Apache-2.0 */
#include "store/resent.h"

#include "base/crypto.h"

#include <string.h>

/* Frames are only compared by this: of a hash that cannot be steered, 64 bits are enough. */
static uint64_t mark_of(const struct hyp_kept_frame *kept)
{
    const struct hyp_stored_frame *frame = &kept->frame;
    uint8_t digest[32];
    uint64_t parts[8] = {
        (uint64_t)frame->line.id,
        (uint64_t)frame->device.id,
        (uint64_t)frame->received.ms,
        (uint64_t)frame->protocol,
    };
    uint64_t mark;
    hyp_sha256(frame->bytes, frame->len, digest);
    memcpy(&parts[4], digest, sizeof(digest));
    hyp_sha256((const uint8_t *)parts, sizeof(parts), digest);
    memcpy(&mark, digest, sizeof(mark));
    return mark;
}

void hyp_resent_note(struct hyp_frames *frames, const struct hyp_kept_frame *kept, size_t count)
{
    if (frames->found_count + count > HYP_LIMIT_RESENT_FRAMES) {
        hyp_map_finish(&frames->found);
        hyp_map_init(&frames->found);
        frames->found_count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        HYP_IGNORE(hyp_map_set(&frames->found, mark_of(&kept[i]), 1)); /* kept twice then */
    }
    frames->found_count += count;
}

bool hyp_resent_is_known(const struct hyp_frames *frames, const struct hyp_kept_frame *kept)
{
    uint64_t value;
    return frames->found_count > 0 && hyp_map_get(&frames->found, mark_of(kept), &value);
}
