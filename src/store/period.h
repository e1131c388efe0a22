/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Period: the calendar of sealed chunks, in UTC.
 *
 * A month of the calendar has four parts that begin on days 1, 8, 15 and 22; a chunk holds one
 * part, and once the month is over, the whole month. So a part never crosses a month, and
 * monthly figures come from the heads of chunks. Times before the year 1 and after 9999 belong
 * to the first and the last month.
 *
 *     period = month * 8 + part        month 0 = January of year 1; part 0..3, 4 = whole month
 *     chunk  = period << 32 | device   the key of the table chunk
 *
 * Chunks of a period stand side by side, by device, and are appended in the order of time: that
 * is what keeps the pages of the database full.
 */
#ifndef HYP_STORE_PERIOD_H
#define HYP_STORE_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

#define HYP_PERIOD_PARTS 4
#define HYP_PERIOD_WHOLE 4u /* the part that is the whole month */
#define HYP_PERIOD_DEVICE_MAX UINT32_MAX

/* The part, 0..3, that a time falls into. */
uint32_t hyp_period_of(int64_t time);
/* First instant of a part or a whole month, ms UTC, and the first one behind it (INT64_MAX
 * behind the last month). */
int64_t hyp_period_start(uint32_t period);
int64_t hyp_period_end(uint32_t period);

static inline uint32_t hyp_period_month(uint32_t period)
{
    return period >> 3;
}

static inline uint32_t hyp_period_part(uint32_t month, uint32_t part)
{
    return month << 3 | part;
}

static inline uint32_t hyp_period_whole(uint32_t period)
{
    return (period & ~(uint32_t)7) | HYP_PERIOD_WHOLE;
}

static inline int64_t hyp_period_chunk(uint32_t period, int64_t device)
{
    return (int64_t)period << 32 | device;
}

static inline uint32_t hyp_period_of_chunk(int64_t chunk)
{
    return (uint32_t)(chunk >> 32);
}

static inline int64_t hyp_period_device(int64_t chunk)
{
    return chunk & UINT32_MAX;
}

#endif
