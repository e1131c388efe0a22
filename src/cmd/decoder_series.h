/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates of cyclic registers (EN 13757-3, FD 24..29): a telegram that gives one storage number a
 * date and an interval has said when the registers behind it were stored, each one interval
 * earlier than the one before.
 */
#ifndef HYP_CMD_DECODER_SERIES_H
#define HYP_CMD_DECODER_SERIES_H

#include "protocol/mbus/record.h"

struct hyp_series {
    bool has_interval;
    bool has_base;
    uint64_t interval_storage;
    uint64_t base_storage;
    int32_t months; /* interval, one of the two */
    int64_t seconds;
    struct hyp_civil base;
};

/* Looks at a record in the order of the telegram. */
void hyp_series_learn(struct hyp_series *series, const struct hyp_mbus_record *record);

/* When a register was stored; false when the telegram did not say. */
bool hyp_series_time(const struct hyp_series *series, uint64_t storage,
                     struct hyp_civil *ret_time);

#endif
