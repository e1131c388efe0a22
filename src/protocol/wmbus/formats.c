/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/wmbus/formats.h"

#include <assert.h>
#include <string.h>

static_assert(HYP_LIMIT_COMPACT_FORMATS < UINT16_MAX, "slots hold index + 1 in 16 bits");

void hyp_formats_init(struct hyp_formats *formats)
{
    formats->count = 0;
    memset(formats->slots, 0, sizeof(formats->slots));
}

/* The slot that holds the signature, or the free one where it belongs. Never full: 4 a format.
 */
static size_t slot_of(const struct hyp_formats *formats, uint16_t signature)
{
    size_t slot = signature % HYP_ARRAY_LEN(formats->slots);
    while (formats->slots[slot] != 0 &&
           formats->formats[formats->slots[slot] - 1].signature != signature) {
        slot = (slot + 1) % HYP_ARRAY_LEN(formats->slots);
    }
    return slot;
}

const struct hyp_compact_format *hyp_formats_find(const struct hyp_formats *formats,
                                                  uint16_t signature)
{
    const uint16_t index = formats->slots[slot_of(formats, signature)];
    return index == 0 ? NULL : &formats->formats[index - 1];
}

enum hyp_status hyp_formats_learn(struct hyp_formats *formats,
                                  const struct hyp_compact_format *format)
{
    const size_t slot = slot_of(formats, format->signature);
    if (formats->slots[slot] == 0) {
        if (formats->count == HYP_LIMIT_COMPACT_FORMATS) {
            return HYP_LIMIT;
        }
        formats->formats[formats->count++] = *format;
        formats->slots[slot] = (uint16_t)formats->count;
        return HYP_OK;
    }
    struct hyp_compact_format *known = &formats->formats[formats->slots[slot] - 1];
    if (known->len == format->len && memcmp(known->difvif, format->difvif, format->len) == 0) {
        return HYP_EXISTS;
    }
    *known = *format;
    return HYP_OK;
}
