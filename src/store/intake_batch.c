/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the intake does with a batch before it is in the queue: check, copy, and the memory of
 * the copies.
 */
#include "store/intake.h"

#include <stdlib.h>
#include <string.h>

/* --- copying a batch --- */

/* Is the text part of the payload? */
static bool has_text(const struct hyp_value *value)
{
    return value->kind == HYP_VALUE_TEXT && hyp_quality_is_usable(value->quality);
}

static bool is_valid_value(const struct hyp_value *value)
{
    bool good = value->quality > HYP_QUALITY_UNSET && value->quality <= HYP_QUALITY_LAST &&
                value->key.name < HYP_NAME_COUNT_OF &&
                value->key.function <= HYP_FUNCTION_ERROR && value->unit < HYP_UNIT_COUNT_OF &&
                value->kind <= HYP_VALUE_TEXT;
    if (!good || !hyp_quality_is_usable(value->quality)) {
        return good;
    }
    return value->kind != HYP_VALUE_UNSET &&
           (value->kind != HYP_VALUE_TEXT || value->text.len <= HYP_LIMIT_VALUE_TEXT);
}

/* @size  grows by what the values take, with their texts */
static bool look_at_reading(const struct hyp_reading *reading, size_t frame_count, size_t *size)
{
    if (reading->kind < HYP_READING_CURRENT || reading->kind > HYP_READING_EVENT ||
        reading->source < HYP_SOURCE_AUTOMATIC || reading->source > HYP_SOURCE_PUSH ||
        reading->value_count > HYP_LIMIT_READING_VALUES ||
        (reading->frame != HYP_NO_FRAME && reading->frame >= frame_count)) {
        return false;
    }
    *size += reading->value_count * sizeof(struct hyp_value);
    for (size_t i = 0; i < reading->value_count; i++) {
        const struct hyp_value *value = &reading->values[i];
        if (!is_valid_value(value)) {
            return false;
        }
        *size += value->label.len + (has_text(value) ? value->text.len : 0);
    }
    return true;
}

bool hyp_queued_look(const struct hyp_batch *batch, size_t *ret_size)
{
    if (batch->reading_count > HYP_LIMIT_BATCH_READINGS ||
        batch->frame_count > HYP_LIMIT_BATCH_FRAMES) {
        return false;
    }
    size_t size = sizeof(struct hyp_queued_batch) +
                  batch->reading_count * sizeof(struct hyp_reading) +
                  batch->frame_count * sizeof(struct hyp_raw_frame);
    for (size_t i = 0; i < batch->reading_count; i++) {
        if (!look_at_reading(&batch->readings[i], batch->frame_count, &size)) {
            return false;
        }
    }
    for (size_t i = 0; i < batch->frame_count; i++) {
        if (batch->frames[i].len > HYP_LIMIT_KEPT_FRAME_BYTES) {
            return false;
        }
        size += batch->frames[i].len;
    }
    *ret_size = size;
    return true;
}

static void *take(uint8_t **at, size_t size)
{
    void *taken = *at;
    *at += size;
    return taken;
}

static struct hyp_str copy_text(uint8_t **at, struct hyp_str text)
{
    char *copy = take(at, text.len);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return (struct hyp_str){.ptr = copy, .len = text.len};
}

/* Views of values become those of copies at *at. */
static void copy_texts(uint8_t **at, struct hyp_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        values[i].label = copy_text(at, values[i].label);
        if (has_text(&values[i])) {
            values[i].text = copy_text(at, values[i].text);
        }
    }
}

void hyp_queued_copy(struct hyp_queued_batch *queued, const struct hyp_batch *batch)
{
    const uint8_t *end = (uint8_t *)queued + queued->size;
    uint8_t *at = (uint8_t *)(queued + 1);
    struct hyp_reading *readings = take(&at, batch->reading_count * sizeof(*readings));
    struct hyp_raw_frame *frames = take(&at, batch->frame_count * sizeof(*frames));
    struct hyp_value *values = (struct hyp_value *)(void *)at;
    size_t value_count = 0;
    for (size_t i = 0; i < batch->reading_count; i++) {
        readings[i] = batch->readings[i];
        readings[i].values = values + value_count;
        if (readings[i].value_count > 0) {
            memcpy(values + value_count, batch->readings[i].values,
                   readings[i].value_count * sizeof(*values));
        }
        value_count += readings[i].value_count;
    }
    at += value_count * sizeof(*values);
    for (size_t i = 0; i < batch->frame_count; i++) {
        frames[i] = batch->frames[i];
        struct hyp_str bytes = {.ptr = (const char *)frames[i].bytes, .len = frames[i].len};
        frames[i].bytes = (const uint8_t *)copy_text(&at, bytes).ptr;
    }
    if (at < end) { /* what is left is for texts; most batches have none */
        copy_texts(&at, values, value_count);
    }
    queued->batch = (struct hyp_batch){.readings = readings,
                                       .reading_count = batch->reading_count,
                                       .frames = frames,
                                       .frame_count = batch->frame_count};
}

/* --- memory of batches --- */

/* Batches are large and of much the same size: given back to the system and taken again, each
 * of their pages would be cleared once more. NULL = no memory. */
struct hyp_queued_batch *hyp_queued_take(struct hyp_intake *intake, size_t size)
{
    pthread_mutex_lock(&intake->mutex);
    struct hyp_queued_batch **at = &intake->spare;
    while (*at != NULL && (*at)->capacity < size) {
        at = &(*at)->next;
    }
    struct hyp_queued_batch *queued = *at;
    if (queued != NULL) {
        *at = queued->next;
        intake->spare_bytes -= queued->capacity;
    }
    pthread_mutex_unlock(&intake->mutex);
    size_t capacity = queued != NULL ? queued->capacity : size;
    queued = queued != NULL ? queued : malloc(size);
    if (queued != NULL) {
        *queued = (struct hyp_queued_batch){.size = size, .capacity = capacity};
    }
    return queued;
}

void hyp_queued_give(struct hyp_intake *intake, struct hyp_queued_batch *queued)
{
    pthread_mutex_lock(&intake->mutex);
    bool keep = intake->spare_bytes + queued->capacity <= HYP_LIMIT_INTAKE_SPARE;
    if (keep) {
        queued->next = intake->spare;
        intake->spare = queued;
        intake->spare_bytes += queued->capacity;
    }
    pthread_mutex_unlock(&intake->mutex);
    if (!keep) {
        free(queued);
    }
}

void hyp_queued_free_spare(struct hyp_intake *intake)
{
    while (intake->spare != NULL) {
        struct hyp_queued_batch *next = intake->spare->next;
        free(intake->spare);
        intake->spare = next;
    }
}
