/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What writing and reading a chunk share: working memory and the list of texts.
 */
#include "store/chunk.h"

#include "store/chunk_choose.h"
#include "store/sequence.h"

#include <stdlib.h>
#include <string.h>

/* --- work space --- */

void hyp_chunk_work_finish(struct hyp_chunk_work *work)
{
    free(work->times);
    free(work->numbers);
    free(work->scratch);
    free(work->payloads);
    free(work->rows);
    free(work->exponents);
    free(work->qualities);
    free(work->line);
    for (size_t i = 0; i < HYP_CHUNK_LINES; i++) {
        free(work->lines[i].digits);
    }
    free(work->starts);
    hyp_chunk_chooser_destroy(work->chooser);
    hyp_map_finish(&work->text_index);
    *work = (struct hyp_chunk_work){0};
}

static bool grow(void *memory_of, size_t count, size_t size)
{
    void *memory;
    memcpy(&memory, memory_of, sizeof(memory));
    void *grown = realloc(memory, count * size);
    if (grown == NULL) {
        return false;
    }
    memcpy(memory_of, &grown, sizeof(grown));
    return true;
}

enum hyp_status hyp_chunk_reserve(struct hyp_chunk_work *work, size_t values)
{
    if (values <= work->capacity) {
        return HYP_OK;
    }
    size_t capacity = HYP_MAX(values, work->capacity * 2);
    if (!grow(&work->times, capacity, sizeof(*work->times)) ||
        !grow(&work->numbers, capacity, sizeof(*work->numbers)) ||
        !grow(&work->scratch, capacity, HYP_SEQUENCE_SCRATCH * sizeof(*work->scratch)) ||
        !grow(&work->payloads, capacity, sizeof(*work->payloads)) ||
        !grow(&work->rows, capacity, sizeof(*work->rows)) ||
        !grow(&work->exponents, capacity, sizeof(*work->exponents)) ||
        !grow(&work->qualities, capacity, sizeof(*work->qualities)) ||
        !grow(&work->line, capacity, sizeof(*work->line))) {
        return HYP_NO_MEMORY;
    }
    work->capacity = capacity;
    return HYP_OK;
}

/* --- lines --- */

const struct hyp_chunk_line *hyp_chunk_line_find(const struct hyp_chunk_work *work,
                                                 const struct hyp_chunk *chunk, uint32_t column)
{
    for (size_t i = 0; i < HYP_CHUNK_LINES; i++) {
        const struct hyp_chunk_line *line = &work->lines[i];
        if (line->used != 0 && line->serial == chunk->serial && line->column == column) {
            return line;
        }
    }
    return NULL;
}

enum hyp_status hyp_chunk_line_get(struct hyp_chunk_work *work, const struct hyp_chunk *chunk,
                                   uint32_t column, struct hyp_chunk_line **ret_line,
                                   bool *ret_known)
{
    const struct hyp_chunk_line *known = hyp_chunk_line_find(work, chunk, column);
    struct hyp_chunk_line *line = &work->lines[0];
    for (size_t i = 1; i < HYP_CHUNK_LINES; i++) {
        line = work->lines[i].used < line->used ? &work->lines[i] : line;
    }
    if (known != NULL) {
        line = &work->lines[known - work->lines];
        hyp_chunk_line_keep(work, line);
    } else {
        if (line->capacity < chunk->rows) {
            if (!grow(&line->digits, chunk->rows, sizeof(*line->digits))) {
                return HYP_NO_MEMORY;
            }
            line->capacity = chunk->rows;
        }
        line->serial = chunk->serial;
        line->column = column;
        line->used = 0;
    }
    *ret_line = line;
    *ret_known = known != NULL;
    return HYP_OK;
}

void hyp_chunk_line_keep(struct hyp_chunk_work *work, struct hyp_chunk_line *line)
{
    line->used = ++work->line_turn;
}

/* --- texts --- */

void hyp_chunk_texts_finish(struct hyp_chunk_texts *texts)
{
    free(texts->items);
    *texts = (struct hyp_chunk_texts){0};
}

struct hyp_str hyp_chunk_text(const struct hyp_chunk_texts *texts, int64_t payload)
{
    if (payload < 0) {
        return texts->items[-(payload + 1)];
    }
    return hyp_text_pool_get(texts->pool, (uint32_t)payload);
}

/* --- roles --- */

enum hyp_chunk_role hyp_chunk_role_of(const struct hyp_point_key *key)
{
    if (key->function != HYP_FUNCTION_INSTANTANEOUS || key->storage != 0 || key->tariff != 0) {
        return HYP_CHUNK_ROLE_NONE;
    }
    switch ((enum hyp_name)key->name) {
    case HYP_NAME_FLOW: return HYP_CHUNK_ROLE_FLOW;
    case HYP_NAME_FLOW_TEMPERATURE: return HYP_CHUNK_ROLE_SUPPLY;
    case HYP_NAME_RETURN_TEMPERATURE: return HYP_CHUNK_ROLE_RETURN;
    default: return HYP_CHUNK_ROLE_NONE;
    }
}

uint32_t hyp_chunk_likeness_of(const struct hyp_point_key *key)
{
    uint64_t mixed = key->name | (uint64_t)key->function << 16 | (uint64_t)key->subunit << 24;
    mixed ^= (uint64_t)key->tariff << 40 ^ key->storage << 44;
    return (uint32_t)(mixed * 0x9E3779B97F4A7C15u >> 32);
}
