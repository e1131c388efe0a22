/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thinning of random readings: what a counter counted in any day, month or year stays exact,
 * extremes of months stay, typed and imported values stay, and doing it again changes nothing.
 */
#include "support/rows.h"

#include "base/rng.h"
#include "store/thin.h"

#define DAY_MS 86400000LL
#define HOUR_MS 3600000LL
#define BEGIN_MS 1698796800000LL /* 2023-11-01 */
#define COLUMNS 3

static const struct thin_row {
    const char *name;
    int zone_minutes;
    int hour;
    int64_t step_ms; /* between readings, about */
    int days;
    int versions; /* one reading in so many comes twice */
} thin_rows[] = {
    {"every hour",                 0,    0,  HOUR_MS,     60, 0},
    {"every quarter of an hour",   60,   0,  HOUR_MS / 4, 35, 0},
    {"at ten o'clock",             120,  10, HOUR_MS,     62, 9},
    {"west of Greenwich",          -300, 23, 3 * HOUR_MS, 62, 5},
    {"some with several versions", 60,   6,  HOUR_MS,     40, 2},
    {"now and then",               0,    0,  2 * DAY_MS,  90, 3},
};

struct data {
    struct hyp_series *series;
    struct hyp_rows rows;
    struct hyp_rows before;
    struct hyp_zone_fixed zone;
    struct hyp_thin thin;
};

static void add_columns(struct hyp_series *series)
{
    for (int c = 0; c < COLUMNS; c++) {
        struct hyp_column column = {.point = c + 1, .value_kind = HYP_VALUE_DECIMAL};
        assert_int_equal(hyp_series_add_column(series, &column), HYP_OK);
    }
}

static void put(struct hyp_rows *rows, int64_t time, uint8_t source, uint8_t quality,
                const int64_t *digits)
{
    struct hyp_row row = {.time = time,
                          .receive = time,
                          .cells = COLUMNS,
                          .kind = HYP_READING_CURRENT,
                          .source = source};
    struct hyp_cell cells[COLUMNS];
    for (uint16_t c = 0; c < COLUMNS; c++) {
        cells[c] = (struct hyp_cell){
            .column = c, .quality = quality, .exp10 = -1, .payload = digits[c]};
    }
    assert_int_equal(hyp_rows_reserve(rows, COLUMNS), HYP_OK);
    hyp_rows_insert(rows, &row, cells);
}

/* A counter, a gauge, and a register that is often absent. */
static void fill(struct data *data, const struct thin_row *row)
{
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, (uint64_t)row->step_ms + (uint64_t)row->hour);
    struct hyp_rng *rng = &seeded.rng;
    int64_t digits[COLUMNS] = {1000, 500, 7};
    int64_t end = BEGIN_MS + row->days * DAY_MS;
    for (int64_t time = BEGIN_MS; time < end;
         time += row->step_ms / 2 + (int64_t)hyp_rng_below(rng, (uint64_t)row->step_ms)) {
        digits[0] += (int64_t)hyp_rng_below(rng, 50);
        digits[1] = (int64_t)hyp_rng_below(rng, 1000) - 500;
        uint64_t kind = hyp_rng_below(rng, 40);
        uint8_t quality = kind == 0   ? HYP_QUALITY_NO_VALUE
                          : kind == 1 ? HYP_QUALITY_DOUBTFUL
                                      : HYP_QUALITY_GOOD;
        uint8_t source = kind == 2   ? HYP_SOURCE_MANUAL
                         : kind == 3 ? HYP_SOURCE_FILE
                                     : HYP_SOURCE_AUTOMATIC;
        put(&data->rows, time, source, quality, digits);
        put(&data->before, time, source, quality, digits);
        if (row->versions > 0 && hyp_rng_below(rng, (uint64_t)row->versions) == 0) {
            digits[2]++;
            put(&data->rows, time, HYP_SOURCE_MANUAL, HYP_QUALITY_CORRECTED, digits);
            put(&data->before, time, HYP_SOURCE_MANUAL, HYP_QUALITY_CORRECTED, digits);
        }
    }
}

static void setup(struct data *data, const struct thin_row *row)
{
    *data = (struct data){0};
    assert_int_equal(hyp_series_create((hyp_device_id){1}, (hyp_tenant_id){1}, &data->series),
                     HYP_OK);
    add_columns(data->series);
    hyp_zone_fixed_init(&data->zone, row->zone_minutes);
    data->thin = (struct hyp_thin){.zone = &data->zone.zone, .hour = row->hour};
    fill(data, row);
    assert_int_equal(hyp_thin_rows(&data->thin, data->series, &data->rows), HYP_OK);
}

static void teardown(struct data *data)
{
    hyp_rows_finish(&data->rows);
    hyp_rows_finish(&data->before);
    hyp_series_destroy(data->series);
}

/* The shown usable value of a column in the instant that begins at row r. */
static const struct hyp_cell *shown(const struct hyp_rows *rows, size_t r, uint32_t column)
{
    const struct hyp_cell *best = NULL;
    for (size_t i = r; i < rows->row_count && rows->rows[i].time == rows->rows[r].time; i++) {
        const struct hyp_cell *cell = hyp_series_row_cell(rows, &rows->rows[i], column);
        if (cell != NULL && hyp_quality_is_usable(cell->quality) &&
            (best == NULL || hyp_series_is_better(cell->quality, HYP_READING_CURRENT,
                                                  best->quality, HYP_READING_CURRENT))) {
            best = cell;
        }
    }
    return best;
}

/* What a span says of a column: nearest to its beginning, first, last, least, greatest. */
struct facts {
    size_t count;
    int64_t nearest;
    int64_t distance;
    int64_t first;
    int64_t last;
    int64_t least;
    int64_t greatest;
};

static void find_facts(const struct hyp_rows *rows, uint32_t column, int64_t from, int64_t to,
                       struct facts *facts)
{
    *facts = (struct facts){.distance = DAY_MS / 2};
    for (size_t r = hyp_rows_find(rows, from - DAY_MS / 2);
         r < rows->row_count && rows->rows[r].time < to; r++) {
        int64_t time = rows->rows[r].time;
        const struct hyp_cell *cell =
            r > 0 && rows->rows[r - 1].time == time ? NULL : shown(rows, r, column);
        if (cell == NULL) {
            continue;
        }
        int64_t distance = time < from ? from - time : time - from;
        if (distance < facts->distance) {
            facts->distance = distance;
            facts->nearest = cell->payload;
        }
        if (time < from) {
            continue;
        }
        facts->first = facts->count == 0 ? cell->payload : facts->first;
        facts->least = facts->count == 0 ? cell->payload : HYP_MIN(facts->least, cell->payload);
        facts->greatest =
            facts->count == 0 ? cell->payload : HYP_MAX(facts->greatest, cell->payload);
        facts->last = cell->payload;
        facts->count++;
    }
}

static int64_t shift(const struct thin_row *row)
{
    return row->hour * HOUR_MS - row->zone_minutes * 60000LL;
}

static void days_keep_their_nearest(const struct thin_row *row, struct data *data)
{
    for (int64_t day = BEGIN_MS + shift(row); day < BEGIN_MS + row->days * DAY_MS;
         day += DAY_MS) {
        for (uint32_t c = 0; c < COLUMNS; c++) {
            struct facts before;
            struct facts after;
            find_facts(&data->before, c, day, day + DAY_MS, &before);
            find_facts(&data->rows, c, day, day + DAY_MS, &after);
            assert_int_equal(before.distance, after.distance);
            assert_int_equal(before.nearest, after.nearest);
        }
    }
}

static void months_keep_their_ends(const struct thin_row *row, struct data *data)
{
    static const int lengths[] = {30, 31, 31, 29};
    int64_t start = BEGIN_MS + shift(row);
    for (size_t m = 0; m < HYP_ARRAY_LEN(lengths); m++) {
        int64_t end = start + lengths[m] * DAY_MS;
        for (uint32_t c = 0; c < COLUMNS; c++) {
            struct facts before;
            struct facts after;
            find_facts(&data->before, c, start, end, &before);
            find_facts(&data->rows, c, start, end, &after);
            assert_int_equal(before.count > 0, after.count > 0);
            assert_int_equal(before.first, after.first);
            assert_int_equal(before.last, after.last);
            assert_int_equal(before.least, after.least);
            assert_int_equal(before.greatest, after.greatest);
        }
        start = end;
    }
}

static size_t count_cells(const struct hyp_rows *rows, uint8_t source)
{
    size_t count = 0;
    for (uint32_t r = 0; r < rows->row_count; r++) {
        count += source == 0 || rows->rows[r].source == source ? rows->rows[r].cells : 0u;
    }
    return count;
}

static void months_stay_exact(void **state)
{
    const struct thin_row *row = *state;
    struct data data;
    setup(&data, row);
    days_keep_their_nearest(row, &data);
    months_keep_their_ends(row, &data);
    for (uint8_t source = HYP_SOURCE_FILE; source <= HYP_SOURCE_MANUAL; source++) {
        assert_int_equal(count_cells(&data.before, source), count_cells(&data.rows, source));
    }
    teardown(&data);
}

static void little_stays_and_twice_is_once(void **state)
{
    const struct thin_row *row = *state;
    struct data data;
    setup(&data, row);
    size_t once = count_cells(&data.rows, 0);
    size_t entered = count_cells(&data.before, HYP_SOURCE_FILE) +
                     2 * count_cells(&data.before, HYP_SOURCE_MANUAL);
    /* A value a day, four a month that has begun, and two more at each end. */
    size_t most = (size_t)(row->days + 1 + (row->days / 29 + 2) * 4) * COLUMNS;
    assert_true(once <= most + entered);
    if (row->step_ms <= HOUR_MS && row->versions == 0) {
        assert_true(once * 5 < count_cells(&data.before, 0));
    }
    assert_int_equal(hyp_thin_rows(&data.thin, data.series, &data.rows), HYP_OK);
    assert_int_equal(count_cells(&data.rows, 0), once);
    teardown(&data);
}

static void rows_of_a_span_are_removed(void **state)
{
    (void)state;
    static const struct {
        int64_t from;
        int64_t to;
        size_t removed;
    } spans[] = {
        {INT64_MIN, 0,         0 },
        {INT64_MIN, 3,         3 },
        {3,         5,         2 },
        {5,         5,         0 },
        {8,         INT64_MAX, 2 },
        {INT64_MIN, INT64_MAX, 10},
        {7,         2,         0 },
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(spans); i++) {
        struct hyp_rows rows = {0};
        int64_t digits[COLUMNS] = {0};
        for (int64_t time = 0; time < 10; time++) {
            put(&rows, time, HYP_SOURCE_AUTOMATIC, HYP_QUALITY_GOOD, digits);
        }
        assert_int_equal(hyp_thin_remove(&rows, spans[i].from, spans[i].to), spans[i].removed);
        assert_int_equal(rows.row_count, 10 - spans[i].removed);
        for (uint32_t r = 0; r < rows.row_count; r++) {
            assert_false(rows.rows[r].time >= spans[i].from && rows.rows[r].time < spans[i].to);
        }
        hyp_rows_finish(&rows);
    }
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, thin_rows, months_stay_exact);
    TEST_ROWS(&list, thin_rows, little_stays_and_twice_is_once);
    TEST_ONE(&list, rows_of_a_span_are_removed);
    return test_list_run(&list, "store-thin");
}
