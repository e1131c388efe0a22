/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several values is shown, which one is nothing new, and what payloads mean.
 */
#include "store/series.h"

#include <stdlib.h>

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

static struct hyp_arrival arrival_of(const struct hyp_row *row)
{
    return (struct hyp_arrival){
        .time = row->time, .receive = row->receive, .frame = row->frame};
}

static uint8_t origin_of(const struct hyp_row *row)
{
    return (uint8_t)(row->kind << 4 | row->source);
}

static void set_value(struct hyp_column *column, const struct hyp_cell *cell, uint8_t origin)
{
    column->payload = cell->payload;
    column->exp10 = cell->exp10;
    column->quality = cell->quality;
    column->origin = origin;
}

static void leave_newest(struct hyp_series *series, uint32_t column)
{
    if (series->columns[column].newest) {
        series->columns[column].newest = false;
        series->newest_count--;
    }
}

void hyp_series_hide(struct hyp_series *series, uint32_t column)
{
    leave_newest(series, column);
    set_value(&series->columns[column], &(struct hyp_cell){0}, 0);
    series->arrivals[column] = (struct hyp_arrival){0};
}

void hyp_series_show(struct hyp_series *series, const struct hyp_row *row,
                     const struct hyp_cell *cell)
{
    struct hyp_column *column = &series->columns[cell->column];
    int64_t time = hyp_series_arrival(series, cell->column)->time;
    if (column->quality != HYP_QUALITY_UNSET &&
        (row->time < time ||
         (row->time == time && !hyp_series_is_better(cell->quality, row->kind, column->quality,
                                                     column->origin >> 4)))) {
        return;
    }
    leave_newest(series, cell->column);
    set_value(column, cell, origin_of(row));
    series->arrivals[cell->column] = arrival_of(row);
}

/* Those that the next reading does not have keep the times of this one. */
static void settle_newest(struct hyp_series *series)
{
    for (uint32_t c = 0; c < series->column_count && series->newest_count > 0; c++) {
        if (series->columns[c].newest) {
            series->arrivals[c] = series->newest;
            leave_newest(series, c);
        }
    }
}

static uint32_t count_newest(const struct hyp_series *series, const struct hyp_row *row,
                             const struct hyp_cell *cells)
{
    uint32_t count = 0;
    for (size_t i = 0; i < row->cells; i++) {
        count += series->columns[cells[i].column].newest;
    }
    return count;
}

/* The columns of a meter nearly always come together: then there is one time for all. */
static void show_newest(struct hyp_series *series, const struct hyp_row *row,
                        const struct hyp_cell *cells)
{
    if (count_newest(series, row, cells) < series->newest_count) {
        settle_newest(series);
    }
    uint8_t origin = origin_of(row);
    for (size_t i = 0; i < row->cells; i++) {
        struct hyp_column *column = &series->columns[cells[i].column];
        if (!column->newest) {
            if (column->quality != HYP_QUALITY_UNSET &&
                row->time <= series->arrivals[cells[i].column].time) {
                hyp_series_show(series, row, &cells[i]);
                continue;
            }
            column->newest = true;
            series->newest_count++;
        }
        set_value(column, &cells[i], origin);
    }
    series->newest = arrival_of(row);
}

void hyp_series_show_row(struct hyp_series *series, const struct hyp_row *row,
                         const struct hyp_cell *cells)
{
    if (series->newest_count == 0 || row->time > series->newest.time) {
        show_newest(series, row, cells);
        return;
    }
    for (size_t i = 0; i < row->cells; i++) {
        hyp_series_show(series, row, &cells[i]);
    }
}

enum hyp_status hyp_series_copy_hidden(const struct hyp_series *series,
                                       struct hyp_series *ret_copy)
{
    *ret_copy = *series;
    ret_copy->newest_count = 0;
    ret_copy->columns = calloc((size_t)series->column_count + 1, sizeof(*series->columns));
    ret_copy->arrivals = calloc((size_t)series->column_count + 1, sizeof(*series->arrivals));
    if (ret_copy->columns == NULL || ret_copy->arrivals == NULL) {
        hyp_series_drop_shown(ret_copy);
        return HYP_NO_MEMORY;
    }
    for (uint32_t c = 0; c < series->column_count; c++) {
        ret_copy->columns[c] = series->columns[c];
        ret_copy->columns[c].newest = false;
        set_value(&ret_copy->columns[c], &(struct hyp_cell){0}, 0);
    }
    return HYP_OK;
}

void hyp_series_take_shown(struct hyp_series *series, struct hyp_series *copy)
{
    for (uint32_t c = 0; c < series->column_count; c++) {
        series->columns[c] = copy->columns[c];
        series->arrivals[c] = copy->arrivals[c];
    }
    series->newest = copy->newest;
    series->newest_count = copy->newest_count;
    hyp_series_drop_shown(copy);
}

void hyp_series_drop_shown(struct hyp_series *copy)
{
    free(copy->columns);
    free(copy->arrivals);
    copy->columns = NULL;
    copy->arrivals = NULL;
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
