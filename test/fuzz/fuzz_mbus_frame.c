/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a wired line: the first byte says in which pieces they come. Frames found must
 * not depend on the pieces, and a frame that was found encodes to the same bytes.
 */
#include "protocol/mbus/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

struct found {
    size_t frames;
    size_t bytes;
    uint64_t sum;
    size_t skipped;
    size_t broken;
};

static void check_frame(const struct hyp_mbus_frame *frame)
{
    uint8_t again[HYP_MBUS_FRAME_MAX];
    size_t len = 1;
    again[0] = 0xE5;
    require(frame->len <= HYP_MBUS_FRAME_MAX);
    if (frame->kind == HYP_MBUS_FRAME_SHORT) {
        len = hyp_mbus_frame_encode_short(frame->c, frame->a, again);
    } else if (frame->kind != HYP_MBUS_FRAME_ACK) {
        len = hyp_mbus_frame_encode_long(frame->c, frame->a, frame->ci, frame->data,
                                         frame->data_len, again);
    }
    require(len == frame->len && memcmp(again, frame->bytes, len) == 0);
}

static void take_all(struct hyp_mbus_receiver *receiver, struct found *found)
{
    struct hyp_mbus_frame frame;
    while (hyp_mbus_receiver_next(receiver, &frame) == HYP_OK) {
        check_frame(&frame);
        found->frames++;
        found->bytes += frame.len;
        for (size_t i = 0; i < frame.len; i++) {
            found->sum = (found->sum ^ frame.bytes[i]) * 0x100000001B3u;
        }
    }
}

static struct found receive(const uint8_t *data, size_t size, size_t piece)
{
    struct hyp_mbus_receiver receiver;
    struct found found = {0};
    hyp_mbus_receiver_init(&receiver);
    for (size_t at = 0; at < size;) {
        size_t taken = hyp_mbus_receiver_feed(&receiver, data + at, HYP_MIN(piece, size - at));
        require(taken > 0);
        at += taken;
        take_all(&receiver, &found);
    }
    hyp_mbus_receiver_idle(&receiver);
    take_all(&receiver, &found);
    require(receiver.len == receiver.consume || receiver.len == 0);
    found.skipped = receiver.skipped;
    found.broken = receiver.broken;
    require(found.bytes + found.skipped == size);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t piece = (size_t)data[0] + 1;
    struct found whole = receive(data + 1, size - 1, size);
    struct found pieces = receive(data + 1, size - 1, piece);
    struct found bytes = receive(data + 1, size - 1, 1);
    require(memcmp(&whole, &pieces, sizeof(whole)) == 0);
    require(memcmp(&whole, &bytes, sizeof(whole)) == 0);
    return 0;
}
