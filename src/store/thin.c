/* SPDX-License-Identifier: Apache-2.0 */
#include "store/thin.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000LL
#define HOUR_MS 3600000LL
#define NONE SIZE_MAX
/* The year 1: a clock that shows an earlier one is not worth an exact day. */
#define OLDEST_MS (-62135596800000LL)

/* A shown value of one register: where its cell is, and when. */
struct mark {
    size_t cell; /* NONE = there is none yet */
    int64_t time;
};

/* What is known of one register while the rows go by. */
struct tracked {
    int64_t day;
    int64_t distance; /* of `nearest` to the beginning of the day */
    struct mark nearest;
    struct mark equal; /* as far on the other side */
    int64_t month;
    struct mark first;
    struct mark last;
    struct mark least;
    struct mark greatest;
};

struct thinning {
    const struct hyp_thin *thin;
    const struct hyp_series *series;
    const struct hyp_rows *rows;
    struct tracked *columns;
    bool *stays; /* by cell */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

/* The wall clock, set back so that a day begins at 0. */
static int64_t local(const struct hyp_thin *thin, int64_t time)
{
    time = HYP_MAX(time, OLDEST_MS);
    int minutes =
        thin->zone == NULL ? 0 : hyp_zone_offset_minutes(thin->zone, (hyp_utc){.ms = time});
    return time + minutes * 60000LL - thin->hour * HOUR_MS;
}

static int64_t day_start(const struct hyp_thin *thin, int64_t day)
{
    int64_t wall = day * DAY_MS + thin->hour * HOUR_MS;
    return thin->zone == NULL ? wall : hyp_zone_to_utc(thin->zone, wall).ms;
}

static int64_t month_of(int64_t local_ms)
{
    struct hyp_civil civil = hyp_civil_from_seconds(floor_div(local_ms, 1000));
    return civil.year * 12LL + civil.month;
}

/* --- marks --- */

static void keep(struct thinning *t, struct mark *mark)
{
    if (mark->cell != NONE) {
        t->stays[mark->cell] = true;
        mark->cell = NONE;
    }
}

static void end_day(struct thinning *t, struct tracked *column)
{
    keep(t, &column->nearest);
    keep(t, &column->equal);
}

static void end_month(struct thinning *t, struct tracked *column)
{
    keep(t, &column->first);
    keep(t, &column->last);
    keep(t, &column->least);
    keep(t, &column->greatest);
}

static struct hyp_decimal number(const struct hyp_cell *cell)
{
    return (struct hyp_decimal){.digits = cell->payload, .exp10 = cell->exp10};
}

static int compare(const struct thinning *t, size_t a, const struct mark *b)
{
    return hyp_decimal_compare(number(&t->rows->cells[a]), number(&t->rows->cells[b->cell]));
}

static void see_day(struct thinning *t, struct tracked *column, struct mark mark)
{
    int64_t day = floor_div(local(t->thin, mark.time) + DAY_MS / 2, DAY_MS);
    int64_t start = day_start(t->thin, day);
    int64_t time = HYP_MAX(mark.time, OLDEST_MS);
    int64_t distance = time < start ? start - time : time - start;
    if (column->nearest.cell != NONE && column->day != day) {
        end_day(t, column);
    }
    if (column->nearest.cell == NONE || distance < column->distance) {
        column->day = day;
        column->distance = distance;
        column->nearest = mark;
        column->equal.cell = NONE;
    } else if (distance == column->distance) {
        column->equal = mark;
    }
}

static void see_month(struct thinning *t, struct tracked *column, struct mark mark,
                      bool is_number)
{
    int64_t month = month_of(local(t->thin, mark.time));
    if (column->first.cell != NONE && column->month != month) {
        end_month(t, column);
    }
    if (column->first.cell == NONE) {
        column->month = month;
        column->first = mark;
    }
    column->last = mark;
    if (!is_number) {
        return;
    }
    if (column->least.cell == NONE || compare(t, mark.cell, &column->least) < 0) {
        column->least = mark;
    }
    if (column->greatest.cell == NONE || compare(t, mark.cell, &column->greatest) > 0) {
        column->greatest = mark;
    }
}

/* --- instants --- */

/* Index of the first row behind the instant of row `begin`. */
static size_t end_of_instant(const struct hyp_rows *rows, size_t begin)
{
    size_t end = begin + 1;
    while (end < rows->row_count && rows->rows[end].time == rows->rows[begin].time) {
        end++;
    }
    return end;
}

/* Is there a version in the instant that is shown instead of this cell? */
static bool is_outdone(const struct hyp_rows *rows, size_t begin, size_t end, size_t row,
                       const struct hyp_cell *cell)
{
    for (size_t r = begin; r < end; r++) {
        const struct hyp_cell *other =
            r == row ? NULL : hyp_series_row_cell(rows, &rows->rows[r], cell->column);
        if (other == NULL) {
            continue;
        }
        bool better = hyp_series_is_better(other->quality, rows->rows[r].kind, cell->quality,
                                           rows->rows[row].kind);
        bool worse = hyp_series_is_better(cell->quality, rows->rows[row].kind, other->quality,
                                          rows->rows[r].kind);
        /* Among equals the later one is shown. */
        if (better && (!worse || r > row)) {
            return true;
        }
    }
    return false;
}

static void see_instant(struct thinning *t, size_t begin, size_t end)
{
    for (size_t r = begin; r < end; r++) {
        const struct hyp_row *row = &t->rows->rows[r];
        for (size_t i = 0; i < row->cells; i++) {
            size_t at = row->first_cell + i;
            const struct hyp_cell *cell = &t->rows->cells[at];
            struct tracked *column = &t->columns[cell->column];
            struct mark mark = {.cell = at, .time = row->time};
            if (!hyp_quality_is_usable((enum hyp_quality)cell->quality) ||
                is_outdone(t->rows, begin, end, r, cell)) {
                continue;
            }
            see_day(t, column, mark);
            see_month(t, column, mark,
                      t->series->columns[cell->column].value_kind == HYP_VALUE_DECIMAL);
        }
    }
}

/* Versions of what stays do too. */
static void keep_versions(struct thinning *t, size_t begin, size_t end)
{
    const struct hyp_rows *rows = t->rows;
    for (size_t r = begin; r < end; r++) {
        const struct hyp_row *row = &rows->rows[r];
        for (size_t i = 0; i < row->cells; i++) {
            size_t at = row->first_cell + i;
            for (size_t other = begin; t->stays[at] && other < end; other++) {
                const struct hyp_cell *cell =
                    hyp_series_row_cell(rows, &rows->rows[other], rows->cells[at].column);
                if (cell != NULL) {
                    t->stays[cell - rows->cells] = true;
                }
            }
        }
    }
}

static bool is_collected(const struct hyp_row *row)
{
    return row->source != HYP_SOURCE_MANUAL && row->source != HYP_SOURCE_FILE;
}

static void keep_entered(struct thinning *t, const struct hyp_row *row)
{
    for (size_t i = 0; i < row->cells && !is_collected(row); i++) {
        t->stays[row->first_cell + i] = true;
    }
}

/* --- the whole --- */

static void mark_all(struct thinning *t)
{
    const struct hyp_rows *rows = t->rows;
    for (size_t begin = 0; begin < rows->row_count;) {
        size_t end = end_of_instant(rows, begin);
        see_instant(t, begin, end);
        begin = end;
    }
    for (uint32_t c = 0; c < t->series->column_count; c++) {
        end_day(t, &t->columns[c]);
        end_month(t, &t->columns[c]);
    }
    for (size_t begin = 0; begin < rows->row_count;) {
        size_t end = end_of_instant(rows, begin);
        for (size_t r = begin; r < end; r++) {
            keep_entered(t, &rows->rows[r]);
        }
        keep_versions(t, begin, end);
        begin = end;
    }
}

/* Each row's cells move together in their own place; rows without any go. */
static void take_out(struct hyp_rows *rows, const bool *stays)
{
    uint32_t kept_rows = 0;
    for (uint32_t r = 0; r < rows->row_count; r++) {
        struct hyp_row row = rows->rows[r];
        uint16_t kept = 0;
        for (uint16_t i = 0; i < row.cells; i++) {
            if (stays[row.first_cell + i]) {
                rows->cells[row.first_cell + kept++] = rows->cells[row.first_cell + i];
            }
        }
        row.cells = kept;
        if (kept > 0) {
            rows->rows[kept_rows++] = row;
        }
    }
    rows->row_count = kept_rows;
}

enum hyp_status hyp_thin_rows(const struct hyp_thin *thin, const struct hyp_series *series,
                              struct hyp_rows *rows)
{
    struct thinning t = {.thin = thin, .series = series, .rows = rows};
    t.columns = calloc((size_t)series->column_count + 1, sizeof(*t.columns));
    t.stays = calloc((size_t)rows->cell_count + 1, sizeof(*t.stays));
    enum hyp_status status = HYP_NO_MEMORY;
    if (t.columns != NULL && t.stays != NULL) {
        for (uint32_t c = 0; c < series->column_count; c++) {
            struct mark none = {.cell = NONE};
            t.columns[c] = (struct tracked){.nearest = none,
                                            .equal = none,
                                            .first = none,
                                            .last = none,
                                            .least = none,
                                            .greatest = none};
        }
        mark_all(&t);
        take_out(rows, t.stays);
        status = HYP_OK;
    }
    free(t.columns);
    free(t.stays);
    return status;
}

size_t hyp_thin_remove(struct hyp_rows *rows, int64_t from, int64_t to)
{
    size_t begin = hyp_rows_find(rows, from);
    size_t end = HYP_MAX(begin, hyp_rows_find(rows, to));
    if (end > begin) {
        memmove(&rows->rows[begin], &rows->rows[end],
                (rows->row_count - end) * sizeof(*rows->rows));
    }
    rows->row_count -= (uint32_t)(end - begin);
    return end - begin;
}
