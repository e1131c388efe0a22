/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a batch is one piece for the rows and an arena for what they point to. */
#include "collect/outbox_batch.h"

#include <stdlib.h>
#include <string.h>

struct hyp_outbox_batch *hyp_outbox_batch_destroy(struct hyp_outbox_batch *batch)
{
    if (batch != NULL) {
        hyp_arena_finish(&batch->arena);
        free(batch);
    }
    return NULL;
}

struct hyp_outbox_batch *hyp_outbox_batch_create(struct hyp_outbox *outbox)
{
    struct hyp_outbox_batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return NULL;
    }
    batch->outbox = outbox;
    hyp_arena_init(&batch->arena, HYP_LIMIT_OUTBOX_BATCH_BYTES);
    batch->view.readings = batch->readings;
    batch->view.frames = batch->frames;
    return batch;
}

void hyp_outbox_batch_reset(struct hyp_outbox_batch *batch)
{
    batch->view.reading_count = 0;
    batch->view.frame_count = 0;
    batch->ticket_count = 0;
    batch->next = NULL;
    hyp_arena_reset(&batch->arena);
}

bool hyp_outbox_batch_is_empty(const struct hyp_outbox_batch *batch)
{
    return batch->view.reading_count == 0 && batch->view.frame_count == 0;
}

bool hyp_outbox_batch_is_large(const struct hyp_outbox_batch *batch)
{
    size_t bytes =
        batch->outbox->submitted == 0 ? HYP_LIMIT_OUTBOX_HOT_BYTES : HYP_LIMIT_OUTBOX_BYTES;
    return batch->view.reading_count >= HYP_LIMIT_OUTBOX_READINGS ||
           batch->view.frame_count >= HYP_LIMIT_OUTBOX_FRAMES || batch->arena.used >= bytes;
}

void hyp_outbox_batch_destroy_all(struct hyp_outbox_batch *first)
{
    while (first != NULL) {
        struct hyp_outbox_batch *next = first->next;
        hyp_outbox_batch_destroy(first);
        first = next;
    }
}

enum hyp_status hyp_outbox_batch_add_frame(struct hyp_outbox_batch *batch,
                                           const struct hyp_raw_frame *frame, size_t *ret_index)
{
    if (batch->view.frame_count == HYP_OUTBOX_FRAMES_MAX) {
        return HYP_NO_MEMORY;
    }
    uint8_t *bytes = hyp_arena_alloc(&batch->arena, HYP_MAX(frame->len, (size_t)1));
    if (bytes == NULL) {
        return HYP_NO_MEMORY;
    }
    if (frame->len > 0) {
        memcpy(bytes, frame->bytes, frame->len);
    }
    *ret_index = batch->view.frame_count;
    batch->frames[batch->view.frame_count] = *frame;
    batch->frames[batch->view.frame_count].bytes = bytes;
    batch->view.frame_count++;
    return HYP_OK;
}

static void add_ticket(struct hyp_outbox_batch *batch, const struct hyp_ticket *ticket)
{
    if (ticket == NULL || ticket->kind == HYP_TICKET_NONE) {
        return;
    }
    struct hyp_ticket *last =
        batch->ticket_count == 0 ? NULL : &batch->tickets[batch->ticket_count - 1];
    if (last != NULL && last->kind == ticket->kind && last->id == ticket->id &&
        (ticket->kind == HYP_TICKET_FEED || last->device.id == ticket->device.id)) {
        last->readings++;
        return;
    }
    batch->tickets[batch->ticket_count] = *ticket;
    batch->tickets[batch->ticket_count].readings = 1;
    batch->ticket_count++;
}

enum hyp_status hyp_outbox_batch_add_reading(struct hyp_outbox_batch *batch,
                                             const struct hyp_reading *reading,
                                             const struct hyp_ticket *ticket)
{
    if (batch->view.reading_count == HYP_OUTBOX_READINGS_MAX) {
        return HYP_NO_MEMORY;
    }
    batch->readings[batch->view.reading_count++] = *reading;
    add_ticket(batch, ticket);
    return HYP_OK;
}
