/* SPDX-License-Identifier: Apache-2.0 */
#include "service/import_row.h"

#include <stdlib.h>

#define TEXTS_MAX ((size_t)8 * 1024 * 1024)

enum hyp_status hyp_import_batch_init(struct hyp_import_batch *batch)
{
    hyp_arena_init(&batch->texts, TEXTS_MAX);
    batch->readings = calloc(HYP_LIMIT_BATCH_READINGS, sizeof(*batch->readings));
    batch->values = calloc(HYP_LIMIT_IMPORT_VALUES, sizeof(*batch->values));
    return batch->readings == NULL || batch->values == NULL ? HYP_NO_MEMORY : HYP_OK;
}

void hyp_import_batch_finish(struct hyp_import_batch *batch)
{
    free(batch->readings);
    free(batch->values);
    hyp_arena_finish(&batch->texts);
}

void hyp_import_batch_reset(struct hyp_import_batch *batch)
{
    batch->reading_count = 0;
    batch->value_count = 0;
    hyp_arena_reset(&batch->texts);
}

bool hyp_import_batch_is_full(const struct hyp_import_batch *batch)
{
    return batch->reading_count == HYP_LIMIT_BATCH_READINGS ||
           batch->value_count + HYP_LIMIT_IMPORT_COLUMNS > HYP_LIMIT_IMPORT_VALUES ||
           batch->texts.used > TEXTS_MAX / 2;
}

/* In the file's order where device and time are equal: values lie in it. */
static int by_device(const void *a, const void *b)
{
    const struct hyp_reading *first = a;
    const struct hyp_reading *second = b;
    if (first->device.id != second->device.id) {
        return first->device.id < second->device.id ? -1 : 1;
    }
    if (first->source_time.ms != second->source_time.ms) {
        return first->source_time.ms < second->source_time.ms ? -1 : 1;
    }
    return first->values < second->values ? -1 : first->values > second->values;
}

void hyp_import_batch_sort(struct hyp_import_batch *batch)
{
    qsort(batch->readings, batch->reading_count, sizeof(*batch->readings), by_device);
}
