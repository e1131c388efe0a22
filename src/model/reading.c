/* SPDX-License-Identifier: Apache-2.0 */
#include "model/reading.h"

#include "base/map.h"

static const char *const kind_texts[] = {
    [HYP_READING_UNSET] = "unset", [HYP_READING_CURRENT] = "current",
    [HYP_READING_HOUR] = "hour",   [HYP_READING_DAY] = "day",
    [HYP_READING_MONTH] = "month", [HYP_READING_INTEGRATOR] = "integrator",
    [HYP_READING_EVENT] = "event",
};

static const char *const source_texts[] = {
    [HYP_SOURCE_UNSET] = "unset",         [HYP_SOURCE_AUTOMATIC] = "automatic",
    [HYP_SOURCE_ON_DEMAND] = "on_demand", [HYP_SOURCE_FILE] = "file",
    [HYP_SOURCE_MANUAL] = "manual",       [HYP_SOURCE_PUSH] = "push",
};

static const char *const protocol_texts[] = {
    [HYP_RAW_UNSET] = "unset", [HYP_RAW_MBUS] = "mbus",
    [HYP_RAW_WMBUS] = "wmbus", [HYP_RAW_MODBUS_SNAPSHOT] = "modbus",
    [HYP_RAW_COPY] = "copy",
};

const char *hyp_reading_kind_text(enum hyp_reading_kind kind)
{
    return kind_texts[kind];
}

enum hyp_status hyp_reading_kind_find(struct hyp_str text, enum hyp_reading_kind *ret_kind)
{
    for (size_t i = HYP_READING_CURRENT; i < HYP_ARRAY_LEN(kind_texts); i++) {
        if (hyp_str_equal(text, hyp_str_from(kind_texts[i]))) {
            *ret_kind = (enum hyp_reading_kind)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

const char *hyp_reading_source_text(enum hyp_reading_source source)
{
    return source_texts[source];
}

const char *hyp_raw_protocol_text(enum hyp_raw_protocol protocol)
{
    return protocol_texts[protocol];
}

uint64_t hyp_raw_frame_mark(const uint8_t *bytes, size_t len)
{
    return hyp_hash_bytes(bytes, len);
}
