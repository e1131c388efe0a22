/* SPDX-License-Identifier: Apache-2.0 */
/* Text and frames that other threads hand in to be decoded. */
#include "base/limits.h"
#include "collect/collector.h"

#include <stdlib.h>
#include <string.h>

struct feed_call {
    struct hyp_collector *collector;
    char *text;
    size_t len;
    struct hyp_feed_order order;
    enum hyp_status status;
};

static void do_feed(void *argument)
{
    struct feed_call *call = argument;
    call->status =
        call->collector->stopping
            ? HYP_CANCELLED
            : hyp_feeds_add(&call->collector->feeds, call->text, call->len, &call->order);
}

enum hyp_status hyp_collector_feed(struct hyp_collector *collector, hyp_tenant_id tenant,
                                   struct hyp_str text, enum hyp_reading_source source,
                                   void (*done)(void *user, const struct hyp_intake_result *),
                                   void *user)
{
    if (text.len > HYP_LIMIT_DROP_FILE_BYTES) {
        return HYP_LIMIT;
    }
    struct feed_call call = {
        .collector = collector,
        .text = malloc(text.len + 1),
        .len = text.len,
        .order = {.tenant = tenant, .source = source, .done = done, .user = user},
    };
    if (call.text == NULL) {
        return HYP_NO_MEMORY;
    }
    if (text.len > 0) {
        memcpy(call.text, text.ptr, text.len);
    }
    hyp_loop_call(&collector->loop, do_feed, &call);
    if (call.status != HYP_OK) {
        free(call.text);
    }
    return call.status;
}

/* Frames and their bytes in one piece of memory; NULL without memory. */
static struct hyp_raw_frame *copy_frames(const struct hyp_raw_frame *frames, size_t count)
{
    size_t size = count * sizeof(*frames);
    for (size_t i = 0; i < count; i++) {
        size += frames[i].len;
    }
    struct hyp_raw_frame *copy = malloc(size + 1);
    if (copy == NULL) {
        return NULL;
    }
    uint8_t *bytes = (uint8_t *)(copy + count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = frames[i];
        copy[i].bytes = bytes;
        memcpy(bytes, frames[i].bytes, frames[i].len);
        bytes += frames[i].len;
    }
    return copy;
}

struct again_call {
    struct hyp_collector *collector;
    struct hyp_raw_frame *frames;
    size_t count;
    struct hyp_feed_order order;
    enum hyp_status status;
};

static void do_again(void *argument)
{
    struct again_call *call = argument;
    call->status = call->collector->stopping
                       ? HYP_CANCELLED
                       : hyp_feeds_add_frames(&call->collector->feeds, call->frames,
                                              call->count, &call->order);
}

enum hyp_status hyp_collector_decode_again(
    struct hyp_collector *collector, hyp_tenant_id tenant, const struct hyp_raw_frame *frames,
    size_t count, void (*done)(void *user, const struct hyp_intake_result *result), void *user)
{
    struct again_call call = {
        .collector = collector,
        .frames = copy_frames(frames, count),
        .count = count,
        .order = {.tenant = tenant, .source = HYP_SOURCE_AUTOMATIC, .done = done, .user = user},
    };
    if (call.frames == NULL) {
        return HYP_NO_MEMORY;
    }
    hyp_loop_call(&collector->loop, do_again, &call);
    if (call.status != HYP_OK) {
        free(call.frames);
    }
    return call.status;
}
