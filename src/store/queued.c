/* SPDX-License-Identifier: Apache-2.0 */
#include "store/queued.h"

#include "base/limits.h"
#include "store/series.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- is it a batch? --- */

static bool is_valid_reading(const struct hyp_reading *reading, size_t frame_count)
{
    return reading->kind >= HYP_READING_CURRENT && reading->kind <= HYP_READING_EVENT &&
           reading->source >= HYP_SOURCE_AUTOMATIC && reading->source <= HYP_SOURCE_PUSH &&
           reading->value_count <= HYP_LIMIT_READING_VALUES &&
           (reading->frame == HYP_NO_FRAME || reading->frame < frame_count);
}

/* Does it keep to the limits, apart from what its values are?
 * @ret_values  how many they are
 * @ret_size    bytes of a copy without labels and texts */
static bool look(const struct hyp_batch *batch, size_t *ret_values, size_t *ret_size)
{
    if (batch->reading_count > HYP_LIMIT_BATCH_READINGS ||
        batch->frame_count > HYP_LIMIT_BATCH_FRAMES) {
        return false;
    }
    size_t values = 0;
    for (size_t i = 0; i < batch->reading_count; i++) {
        if (!is_valid_reading(&batch->readings[i], batch->frame_count)) {
            return false;
        }
        values += batch->readings[i].value_count;
    }
    size_t bytes = 0;
    for (size_t i = 0; i < batch->frame_count; i++) {
        if (batch->frames[i].len > HYP_LIMIT_KEPT_FRAME_BYTES) {
            return false;
        }
        bytes += batch->frames[i].len;
    }
    *ret_values = values;
    *ret_size = sizeof(struct hyp_queued_batch) +
                batch->reading_count * sizeof(struct hyp_reading) +
                batch->frame_count * sizeof(struct hyp_raw_frame) +
                values * sizeof(struct hyp_queued_value) + bytes;
    return *ret_size <= HYP_LIMIT_INTAKE_QUEUE;
}

/* Are the numbers of a value ones that exist? All are looked at at once: they nearly always
 * are. */
static bool is_valid_value(const struct hyp_value *value)
{
    return (value->quality > HYP_QUALITY_UNSET) & (value->quality <= HYP_QUALITY_LAST) &
           (value->key.name < HYP_NAME_COUNT_OF) & (value->key.function <= HYP_FUNCTION_ERROR) &
           (value->unit < HYP_UNIT_COUNT_OF) & (value->kind <= HYP_VALUE_TEXT) &
           hyp_register_holds(&value->key);
}

/* --- packing --- */

/* What goes beside the values of a batch. */
struct extra {
    size_t labels;
    size_t bytes;
};

static const unsigned plain_kinds = 1u << HYP_VALUE_DECIMAL | 1u << HYP_VALUE_FLAGS;

/* A value that is absent, or neither a number nor flags; where a text is, is filled in later.
 * Returns false when it is not a value. */
static bool pack_other(const struct hyp_value *value, struct hyp_queued_value *packed,
                       struct extra *extra)
{
    packed->payload = 0;
    if (!hyp_quality_is_usable(value->quality)) {
        return true;
    }
    if (value->kind == HYP_VALUE_CIVIL) {
        packed->payload = hyp_series_pack_civil(&value->civil);
        return true;
    }
    extra->bytes += value->text.len;
    return value->kind == HYP_VALUE_TEXT && value->text.len <= HYP_LIMIT_VALUE_TEXT;
}

/* Returns false when it is not a value. */
static bool pack_value(const struct hyp_value *value, struct hyp_queued_value *packed,
                       struct extra *extra)
{
    static_assert(offsetof(struct hyp_value, flags) == offsetof(struct hyp_value, decimal) +
                                                           offsetof(struct hyp_decimal, digits),
                  "flags are where digits are");
    if (!is_valid_value(value)) {
        return false;
    }
    packed->reg = hyp_register_of(&value->key, value->unit, value->kind);
    packed->reg.what |= value->quality;
    extra->labels += value->label.len > 0;
    extra->bytes += value->label.len;
    if ((plain_kinds >> value->kind & 1) == 0 || !hyp_quality_is_usable(value->quality)) {
        return pack_other(value, packed, extra);
    }
    bool decimal = value->kind == HYP_VALUE_DECIMAL;
    packed->reg.what |=
        HYP_QUEUED_PLAIN | (decimal ? (uint64_t)(uint8_t)value->decimal.exp10 << 8 : 0);
    packed->payload = (int64_t)value->flags;
    return true;
}

static void *take(uint8_t **at, size_t size)
{
    void *taken = *at;
    *at += size;
    return taken;
}

/* Have two values the same key, unit, kind and quality? In whole words: where the bytes between
 * members differ, it only says no. */
static bool is_alike(const struct hyp_value *a, const struct hyp_value *b)
{
    enum { WORDS = offsetof(struct hyp_value, quality) / sizeof(uint64_t) };
    static_assert(offsetof(struct hyp_value, quality) % sizeof(uint64_t) == 0 &&
                      offsetof(struct hyp_value, kind) == offsetof(struct hyp_value, unit) + 4,
                  "the words in front of the quality are key, unit and kind");
    uint64_t x[WORDS];
    uint64_t y[WORDS];
    memcpy(x, a, sizeof(x));
    memcpy(y, b, sizeof(y));
    uint64_t differs = a->quality ^ b->quality;
    for (size_t i = 0; i < WORDS; i++) {
        differs |= x[i] ^ y[i];
    }
    return differs == 0;
}

/*
 * Packs the values of a reading; devices mostly say the registers that the one before said, for
 * which a few words are compared instead of being packed anew.
 * @before  the reading before, whose packed values end where *packed begins; NULL = none
 */
static bool copy_values(struct hyp_queued_value *packed, const struct hyp_reading *before,
                        const struct hyp_reading *reading, struct extra *extra)
{
    size_t count = reading->value_count;
    bool compares = before != NULL && before->value_count == count;
    const struct hyp_queued_value *last = compares ? packed - count : NULL;
    bool good = true;
    for (size_t v = 0; v < count && good; v++) {
        const struct hyp_value *value = &reading->values[v];
        uint64_t what = compares ? last[v].reg.what : 0;
        if ((what & HYP_QUEUED_PLAIN) != 0 && value->label.len == 0 &&
            is_alike(value, &before->values[v])) {
            uint64_t exponent =
                value->kind == HYP_VALUE_DECIMAL ? (uint8_t)value->decimal.exp10 : 0;
            packed[v].reg.what = (what & ~(uint64_t)0xFF00) | exponent << 8;
            packed[v].reg.where = last[v].reg.where;
            packed[v].payload = (int64_t)value->flags;
        } else {
            good = pack_value(value, &packed[v], extra);
        }
    }
    return good;
}

static void copy_frames(struct hyp_raw_frame *frames, const struct hyp_batch *batch,
                        uint8_t *at)
{
    for (size_t i = 0; i < batch->frame_count; i++) {
        frames[i] = batch->frames[i];
        uint8_t *bytes = take(&at, frames[i].len);
        if (frames[i].len > 0) {
            memcpy(bytes, frames[i].bytes, frames[i].len);
        }
        frames[i].bytes = bytes;
    }
}

/* Returns false when a value is none.
 * @ret_values  the packed ones */
static bool copy(struct hyp_queued_batch *queued, const struct hyp_batch *batch,
                 size_t value_count, struct extra *extra, struct hyp_queued_value **ret_values)
{
    uint8_t *at = (uint8_t *)(queued + 1);
    struct hyp_reading *readings = take(&at, batch->reading_count * sizeof(*readings));
    struct hyp_raw_frame *frames = take(&at, batch->frame_count * sizeof(*frames));
    struct hyp_queued_value *values = take(&at, value_count * sizeof(*values));
    copy_frames(frames, batch, at);
    queued->content = (struct hyp_queued){
        .batch = {.readings = readings,
                  .reading_count = batch->reading_count,
                  .frames = frames,
                  .frame_count = batch->frame_count},
        .values = values,
        .texts = "",
    };
    *ret_values = values;
    bool good = true;
    for (size_t i = 0; i < batch->reading_count && good; i++) {
        const struct hyp_reading *reading = &batch->readings[i];
        good = copy_values(values, i > 0 ? reading - 1 : NULL, reading, extra);
        values += reading->value_count;
        readings[i] = *reading;
        readings[i].values = NULL;
    }
    return good;
}

/* --- labels and texts --- */

/* Where they go. */
struct beside {
    struct hyp_queued_label *labels;
    size_t label_count;
    char *texts;
    size_t used;
};

static uint32_t put_text(struct beside *beside, struct hyp_str text)
{
    size_t offset = beside->used;
    if (text.len > 0) {
        memcpy(beside->texts + offset, text.ptr, text.len);
    }
    beside->used += text.len;
    return (uint32_t)offset;
}

/* Label and text of one value, if it has them.
 * @index  of the value among the batch's */
static void put_beside(struct beside *beside, const struct hyp_value *value, uint32_t index,
                       struct hyp_queued_value *packed)
{
    if (value->label.len > 0) {
        beside->labels[beside->label_count++] =
            (struct hyp_queued_label){.value = index,
                                      .offset = put_text(beside, value->label),
                                      .len = (uint32_t)value->label.len};
    }
    if (value->kind == HYP_VALUE_TEXT && hyp_quality_is_usable(value->quality)) {
        uint64_t offset = put_text(beside, value->text);
        packed->payload = (int64_t)(offset << 32 | value->text.len);
    }
}

/* Copies labels and texts, of which there are some, and tells the values where they are. */
static enum hyp_status copy_beside(struct hyp_queued_batch *queued,
                                   struct hyp_queued_value *values,
                                   const struct hyp_batch *batch, const struct extra *extra)
{
    size_t size = extra->labels * sizeof(struct hyp_queued_label) + extra->bytes;
    if (size > HYP_LIMIT_INTAKE_QUEUE - queued->size) {
        return HYP_INVALID;
    }
    queued->texts = malloc(size);
    if (queued->texts == NULL) {
        return HYP_NO_MEMORY;
    }
    queued->size += size;
    struct beside beside = {.labels = queued->texts};
    beside.texts = (char *)(beside.labels + extra->labels);
    uint32_t index = 0;
    for (size_t i = 0; i < batch->reading_count; i++) {
        const struct hyp_reading *reading = &batch->readings[i];
        for (size_t v = 0; v < reading->value_count; v++, index++) {
            put_beside(&beside, &reading->values[v], index, &values[index]);
        }
    }
    queued->content.labels = beside.labels;
    queued->content.label_count = beside.label_count;
    queued->content.texts = beside.texts;
    return HYP_OK;
}

static int compare_label(const void *key, const void *label)
{
    size_t value = *(const size_t *)key;
    uint32_t other = ((const struct hyp_queued_label *)label)->value;
    return (value > other) - (value < other);
}

struct hyp_value hyp_queued_open(const struct hyp_queued *queued, size_t index)
{
    const struct hyp_queued_value *packed = &queued->values[index];
    struct hyp_value value = {.key = hyp_register_key(packed->reg),
                              .unit = hyp_register_unit(packed->reg),
                              .kind = hyp_register_kind(packed->reg),
                              .quality = hyp_queued_quality(packed)};
    uint64_t payload = (uint64_t)packed->payload;
    switch (value.kind) {
    case HYP_VALUE_UNSET: break;
    case HYP_VALUE_DECIMAL:
        value.decimal.digits = packed->payload;
        value.decimal.exp10 = hyp_queued_exponent(packed);
        break;
    case HYP_VALUE_CIVIL: value.civil = hyp_series_unpack_civil(packed->payload); break;
    case HYP_VALUE_FLAGS: value.flags = payload; break;
    case HYP_VALUE_TEXT:
        value.text = (struct hyp_str){.ptr = queued->texts + (payload >> 32),
                                      .len = payload & UINT32_MAX};
        break;
    }
    const struct hyp_queued_label *label =
        queued->label_count == 0 ? NULL
                                 : bsearch(&index, queued->labels, queued->label_count,
                                           sizeof(*queued->labels), compare_label);
    if (label != NULL) {
        value.label = (struct hyp_str){.ptr = queued->texts + label->offset, .len = label->len};
    }
    return value;
}

/* --- memory of batches --- */

void hyp_queued_init(struct hyp_queued_spare *spare)
{
    *spare = (struct hyp_queued_spare){0};
    pthread_mutex_init(&spare->mutex, NULL);
}

void hyp_queued_finish(struct hyp_queued_spare *spare)
{
    while (spare->first != NULL) {
        struct hyp_queued_batch *next = spare->first->next;
        free(spare->first);
        spare->first = next;
    }
    pthread_mutex_destroy(&spare->mutex);
}

/* Batches are large and of much the same size: given back to the system and taken again, each
 * of their pages would be cleared once more. NULL = no memory. */
static struct hyp_queued_batch *take_memory(struct hyp_queued_spare *spare, size_t size)
{
    pthread_mutex_lock(&spare->mutex);
    struct hyp_queued_batch **at = &spare->first;
    while (*at != NULL && (*at)->capacity < size) {
        at = &(*at)->next;
    }
    struct hyp_queued_batch *queued = *at;
    if (queued != NULL) {
        *at = queued->next;
        spare->bytes -= queued->capacity;
    }
    pthread_mutex_unlock(&spare->mutex);
    size_t capacity = queued != NULL ? queued->capacity : size;
    queued = queued != NULL ? queued : malloc(size);
    if (queued != NULL) {
        *queued = (struct hyp_queued_batch){.size = size, .capacity = capacity};
    }
    return queued;
}

enum hyp_status hyp_queued_take(struct hyp_queued_spare *spare, const struct hyp_batch *batch,
                                struct hyp_queued_batch **ret_queued)
{
    size_t value_count;
    size_t size;
    if (!look(batch, &value_count, &size)) {
        return HYP_INVALID;
    }
    struct hyp_queued_batch *queued = take_memory(spare, size);
    if (queued == NULL) {
        return HYP_NO_MEMORY;
    }
    struct extra extra = {0};
    struct hyp_queued_value *values;
    bool good = copy(queued, batch, value_count, &extra, &values);
    enum hyp_status status = good ? HYP_OK : HYP_INVALID;
    if (status == HYP_OK && extra.bytes > 0) {
        status = copy_beside(queued, values, batch, &extra);
    }
    if (status != HYP_OK) {
        hyp_queued_give(spare, queued);
        return status;
    }
    *ret_queued = queued;
    return HYP_OK;
}

void hyp_queued_give(struct hyp_queued_spare *spare, struct hyp_queued_batch *queued)
{
    free(queued->texts);
    queued->texts = NULL;
    pthread_mutex_lock(&spare->mutex);
    bool keep = spare->bytes + queued->capacity <= HYP_LIMIT_INTAKE_SPARE;
    if (keep) {
        queued->next = spare->first;
        spare->first = queued;
        spare->bytes += queued->capacity;
    }
    pthread_mutex_unlock(&spare->mutex);
    if (!keep) {
        free(queued);
    }
}
