/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several values is shown, which one is nothing new, and what payloads mean.
 */
#include "store/series.h"

#include <assert.h>
#include <string.h>

static int rank(uint8_t quality)
{
    switch ((enum hyp_quality)quality) {
    case HYP_QUALITY_CORRECTED: return 6;
    case HYP_QUALITY_GOOD: return 5;
    case HYP_QUALITY_MANUAL: return 4;
    case HYP_QUALITY_ESTIMATED: return 3;
    case HYP_QUALITY_DOUBTFUL: return 2;
    case HYP_QUALITY_NO_VALUE:
    case HYP_QUALITY_INVALID:
    case HYP_QUALITY_OVERFLOW:
    case HYP_QUALITY_UNDERFLOW:
    case HYP_QUALITY_DEVICE_ERROR: return 1;
    case HYP_QUALITY_UNSET: return 0;
    }
    return 0;
}

bool hyp_series_is_better(uint8_t quality, uint8_t kind, uint8_t than_quality,
                          uint8_t than_kind)
{
    if (rank(quality) != rank(than_quality)) {
        return rank(quality) > rank(than_quality);
    }
    return kind <= than_kind;
}

bool hyp_series_covers(const struct hyp_cell *known, const struct hyp_cell *cell)
{
    bool known_usable = hyp_quality_is_usable((enum hyp_quality)known->quality);
    bool usable = hyp_quality_is_usable((enum hyp_quality)cell->quality);
    if (!usable) {
        return !known_usable && known->quality == cell->quality;
    }
    if (!known_usable || rank(known->quality) < rank(cell->quality)) {
        return false;
    }
    if (known->exp10 == cell->exp10) {
        return known->payload == cell->payload;
    }
    /* Only decimals have exponents: 12.5 and 12.50 are the same number. */
    return hyp_decimal_compare(
               (struct hyp_decimal){.digits = known->payload, .exp10 = known->exp10},
               (struct hyp_decimal){.digits = cell->payload, .exp10 = cell->exp10}) == 0;
}

void hyp_series_show(struct hyp_series *series, const struct hyp_row *row,
                     const struct hyp_cell *cell)
{
    struct hyp_shown *shown = &series->columns[cell->column].shown;
    if (shown->quality != HYP_QUALITY_UNSET &&
        (row->time < shown->time ||
         (row->time == shown->time &&
          !hyp_series_is_better(cell->quality, row->kind, shown->quality, shown->kind)))) {
        return;
    }
    *shown = (struct hyp_shown){.time = row->time,
                                .receive = row->receive,
                                .frame = row->frame,
                                .payload = cell->payload,
                                .exp10 = cell->exp10,
                                .quality = cell->quality,
                                .kind = row->kind,
                                .source = row->source};
}

void hyp_series_show_row(struct hyp_series *series, const struct hyp_row *row,
                         const struct hyp_cell *cells)
{
    static_assert(
        offsetof(struct hyp_cell, quality) == offsetof(struct hyp_cell, exp10) + 1 &&
            offsetof(struct hyp_shown, quality) == offsetof(struct hyp_shown, exp10) + 1 &&
            offsetof(struct hyp_row, source) == offsetof(struct hyp_row, kind) + 1 &&
            offsetof(struct hyp_shown, source) == offsetof(struct hyp_shown, kind) + 1,
        "exponent and quality, kind and source are neighbours");
    int64_t time = row->time;
    int64_t receive = row->receive;
    int64_t frame = row->frame;
    uint16_t origin;
    memcpy(&origin, (const uint8_t *)row + offsetof(struct hyp_row, kind), sizeof(origin));
    struct hyp_column *columns = series->columns;
    size_t count = row->cells;
    for (size_t i = 0; i < count; i++) {
        struct hyp_shown *shown = &columns[cells[i].column].shown;
        if (shown->quality != HYP_QUALITY_UNSET && time <= shown->time) {
            hyp_series_show(series, row, &cells[i]);
            continue;
        }
        shown->time = time;
        shown->receive = receive;
        shown->frame = frame;
        shown->payload = cells[i].payload;
        /* Two bytes in one go, twice. */
        memcpy((uint8_t *)shown + offsetof(struct hyp_shown, exp10),
               (const uint8_t *)&cells[i] + offsetof(struct hyp_cell, exp10), 2);
        memcpy((uint8_t *)shown + offsetof(struct hyp_shown, kind), &origin, 2);
    }
}

enum hyp_status hyp_series_show_blocks(struct hyp_series *series, struct hyp_rows *scratch)
{
    enum hyp_status status = HYP_OK;
    for (uint32_t b = 0; b < series->block_count && status == HYP_OK; b++) {
        const struct hyp_rows *rows = NULL;
        status = hyp_series_block_rows(&series->blocks[b], HYP_ALL_COLUMNS, scratch, &rows);
        for (uint32_t r = 0; status == HYP_OK && r < rows->row_count; r++) {
            const struct hyp_row *row = &rows->rows[r];
            hyp_series_show_row(series, row, &rows->cells[row->first_cell]);
        }
    }
    return status;
}

/* --- payloads --- */

/*
 *      year 14 | month 4 | day 5 | hour 5 | minute 6 | second 6 | precision 2 | summer time 1
 */
int64_t hyp_series_pack_civil(const struct hyp_civil *civil)
{
    uint64_t packed = (uint64_t)(civil->year & 0x3FFF);
    packed = packed << 4 | (civil->month & 0x0F);
    packed = packed << 5 | (civil->day & 0x1F);
    packed = packed << 5 | (civil->hour & 0x1F);
    packed = packed << 6 | (civil->minute & 0x3F);
    packed = packed << 6 | (civil->second & 0x3F);
    packed = packed << 2 | (civil->precision & 0x03);
    return (int64_t)(packed << 1 | (civil->summer_time ? 1 : 0));
}

struct hyp_civil hyp_series_unpack_civil(int64_t packed)
{
    uint64_t p = (uint64_t)packed;
    return (struct hyp_civil){
        .summer_time = (p & 1) != 0,
        .precision = (uint8_t)(p >> 1 & 0x03),
        .second = (uint8_t)(p >> 3 & 0x3F),
        .minute = (uint8_t)(p >> 9 & 0x3F),
        .hour = (uint8_t)(p >> 15 & 0x1F),
        .day = (uint8_t)(p >> 20 & 0x1F),
        .month = (uint8_t)(p >> 25 & 0x0F),
        .year = (int16_t)(p >> 29 & 0x3FFF),
    };
}
