/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Series against a plain list: whatever the order of arrival, the same readings are there,
 * sorted, once.
 */
#include "support/rows.h"

#include "base/rng.h"
#include "model/reading.h"
#include "store/series.h"

#define COLUMNS 4
#define MODEL_MAX 4000

/* The order in which hours arrive. */
enum order { ASCENDING, DESCENDING, SHUFFLED, LATE_BLOCKS, TWICE, ONE_INSTANT };

static const struct arrival {
    const char *name;
    enum order order;
    size_t count;
} arrivals[] = {
    {"in order",                  ASCENDING,   1000},
    {"newest first",              DESCENDING,  1000},
    {"in any order",              SHUFFLED,    2000},
    {"a missing week comes late", LATE_BLOCKS, 1500},
    {"everything twice",          TWICE,       600 },
    {"versions of one instant",   ONE_INSTANT, 400 },
};

struct model {
    int64_t time;
    int64_t value;
};

static struct model model[MODEL_MAX];
static size_t model_count;

static int64_t hour_of(const struct arrival *arrival, size_t i, struct hyp_rng *rng)
{
    switch (arrival->order) {
    case ASCENDING: return (int64_t)i;
    case DESCENDING: return (int64_t)(arrival->count - i);
    case SHUFFLED: return (int64_t)hyp_rng_below(rng, 3000);
    case LATE_BLOCKS: return i < 1000 ? (int64_t)(i < 300 ? i : i + 500) : (int64_t)(i - 700);
    case TWICE: return (int64_t)(i % 300);
    case ONE_INSTANT: return 7;
    }
    return 0;
}

static int64_t value_of(const struct arrival *arrival, int64_t hour, size_t i)
{
    return arrival->order == ONE_INSTANT ? (int64_t)i / 2 : hour * 3;
}

/* Adds to the list what is not in it. */
static bool model_add(int64_t time, int64_t value)
{
    size_t at = model_count;
    for (size_t i = 0; i < model_count; i++) {
        if (model[i].time == time && model[i].value == value) {
            return false;
        }
    }
    while (at > 0 && model[at - 1].time > time) {
        model[at] = model[at - 1];
        at--;
    }
    model[at] = (struct model){.time = time, .value = value};
    model_count++;
    return true;
}

static struct hyp_series *make_series(void)
{
    struct hyp_series *series;
    assert_int_equal(
        hyp_series_create((hyp_device_id){.id = 1}, (hyp_tenant_id){.id = 1}, &series), HYP_OK);
    for (int i = 0; i < COLUMNS; i++) {
        struct hyp_column column = {.point = 10 + i, .value_kind = HYP_VALUE_DECIMAL};
        assert_int_equal(hyp_series_add_column(series, &column), HYP_OK);
    }
    return series;
}

static bool series_add(struct hyp_series *series, int64_t time, int64_t value)
{
    struct hyp_cell cells[COLUMNS];
    for (uint16_t i = 0; i < COLUMNS; i++) {
        cells[i] = (struct hyp_cell){
            .column = i, .payload = value + i, .quality = HYP_QUALITY_GOOD, .exp10 = -1};
    }
    struct hyp_row row = {.time = time,
                          .receive = time,
                          .kind = HYP_READING_CURRENT,
                          .source = HYP_SOURCE_AUTOMATIC};
    size_t count = COLUMNS;
    assert_int_equal(hyp_series_filter(series, &row, cells, &count), HYP_OK);
    assert_true(count == 0 || count == COLUMNS);
    row.cells = (uint16_t)count;
    if (count > 0) {
        assert_int_equal(hyp_series_insert(series, &row, cells), HYP_OK);
    }
    return count > 0;
}

static void compare(const struct hyp_series *series)
{
    struct hyp_rows scratch = {0};
    size_t at = 0;
    int64_t last = INT64_MIN;
    for (uint32_t b = 0; b < series->block_count; b++) {
        const struct hyp_rows *rows;
        assert_int_equal(
            hyp_series_block_rows(&series->blocks[b], HYP_ALL_COLUMNS, &scratch, &rows),
            HYP_OK);
        assert_int_equal(rows->row_count, series->blocks[b].rows);
        assert_int_equal(rows->rows[0].time, series->blocks[b].first);
        assert_int_equal(rows->rows[rows->row_count - 1].time, series->blocks[b].last);
        assert_true(b == 0 || series->blocks[b].first > last);
        last = series->blocks[b].last;
        for (size_t r = 0; r < rows->row_count; r++, at++) {
            assert_int_equal(rows->rows[r].time, model[at].time);
            for (uint32_t c = 0; c < COLUMNS; c++) {
                const struct hyp_cell *cell = hyp_series_row_cell(rows, &rows->rows[r], c);
                assert_non_null(cell);
                assert_int_equal(cell->payload, model[at].value + c);
            }
        }
    }
    assert_int_equal(at, model_count);
    assert_int_equal(series->readings, model_count);
    assert_int_equal(series->values, model_count * COLUMNS);
    hyp_rows_finish(&scratch);
}

static void agrees_with_a_list(void **state)
{
    const struct arrival *arrival = *state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 99);
    model_count = 0;
    struct hyp_series *series = make_series();
    for (size_t i = 0; i < arrival->count; i++) {
        int64_t hour = hour_of(arrival, i, &seeded.rng);
        int64_t value = value_of(arrival, hour, i);
        assert_int_equal(series_add(series, hour, value), model_add(hour, value));
        if (i % 101 == 0) {
            compare(series);
        }
    }
    compare(series);
    assert_int_equal(hyp_series_arrival(series, 0)->time, model[model_count - 1].time);
    assert_int_equal(series->columns[0].payload, model[model_count - 1].value);
    hyp_series_destroy(series);
}

/* At most two blocks of a device are open: the last, and one that takes late readings. */
static void few_blocks_are_open(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 3);
    struct hyp_series *series = make_series();
    for (int i = 0; i < 3000; i++) {
        int64_t hour = (int64_t)hyp_rng_below(&seeded.rng, 100000);
        series_add(series, hour, hour);
        size_t open = 0;
        for (uint32_t b = 0; b < series->block_count; b++) {
            open += series->blocks[b].open != NULL;
        }
        assert_true(open <= 2);
        assert_non_null(series->blocks[series->block_count - 1].open);
    }
    /* Three thousand readings of four values, open they would take 96 bytes each. */
    assert_true(series->memory < 3000 * 40);
    hyp_series_destroy(series);
}

/* --- versions --- */

static const struct better {
    const char *name;
    enum hyp_quality quality;
    enum hyp_reading_kind kind;
    enum hyp_quality than_quality;
    enum hyp_reading_kind than_kind;
    bool better;
} betters[] = {
    {"good before manual",        HYP_QUALITY_GOOD,         HYP_READING_HOUR,    HYP_QUALITY_MANUAL,
     HYP_READING_CURRENT,                                                                                                    true },
    {"manual before estimated",   HYP_QUALITY_MANUAL,       HYP_READING_CURRENT, HYP_QUALITY_ESTIMATED,
     HYP_READING_CURRENT,                                                                                                    true },
    {"estimated before doubtful", HYP_QUALITY_ESTIMATED,    HYP_READING_CURRENT,
     HYP_QUALITY_DOUBTFUL,                                                                              HYP_READING_CURRENT, true },
    {"doubtful before absent",    HYP_QUALITY_DOUBTFUL,     HYP_READING_CURRENT, HYP_QUALITY_NO_VALUE,
     HYP_READING_CURRENT,                                                                                                    true },
    {"corrected before good",     HYP_QUALITY_CORRECTED,    HYP_READING_CURRENT, HYP_QUALITY_GOOD,
     HYP_READING_CURRENT,                                                                                                    true },
    {"good not before corrected", HYP_QUALITY_GOOD,         HYP_READING_CURRENT, HYP_QUALITY_CORRECTED,
     HYP_READING_CURRENT,                                                                                                    false},
    {"absent not before good",    HYP_QUALITY_DEVICE_ERROR, HYP_READING_CURRENT, HYP_QUALITY_GOOD,
     HYP_READING_CURRENT,                                                                                                    false},
    {"the later of two equals",   HYP_QUALITY_GOOD,         HYP_READING_CURRENT, HYP_QUALITY_GOOD,
     HYP_READING_CURRENT,                                                                                                    true },
    {"current before hourly",     HYP_QUALITY_GOOD,         HYP_READING_CURRENT, HYP_QUALITY_GOOD,
     HYP_READING_HOUR,                                                                                                       true },
    {"hourly not before current", HYP_QUALITY_GOOD,         HYP_READING_HOUR,    HYP_QUALITY_GOOD,
     HYP_READING_CURRENT,                                                                                                    false},
};

static void shows_the_better_version(void **state)
{
    const struct better *row = *state;
    assert_int_equal(hyp_series_is_better((uint8_t)row->quality, (uint8_t)row->kind,
                                          (uint8_t)row->than_quality, (uint8_t)row->than_kind),
                     row->better);
}

/* --- civil times --- */

static const struct civil_row {
    const char *name;
    struct hyp_civil civil;
} civils[] = {
    {"a date",              {2024, 2, 29, 0, 0, 0, HYP_CIVIL_DATE, false}     },
    {"last second of 9999", {9999, 12, 31, 23, 59, 59, HYP_CIVIL_SECOND, true}},
    {"first year",          {1, 1, 1, 0, 0, 0, HYP_CIVIL_MINUTE, false}       },
    {"a time of day",       {0, 0, 0, 14, 5, 9, HYP_CIVIL_TIME_OF_DAY, false} },
};

static void civil_packs_and_unpacks(void **state)
{
    const struct civil_row *row = *state;
    struct hyp_civil out = hyp_series_unpack_civil(hyp_series_pack_civil(&row->civil));
    assert_int_equal(out.year, row->civil.year);
    assert_int_equal(out.month, row->civil.month);
    assert_int_equal(out.day, row->civil.day);
    assert_int_equal(out.hour, row->civil.hour);
    assert_int_equal(out.minute, row->civil.minute);
    assert_int_equal(out.second, row->civil.second);
    assert_int_equal(out.precision, row->civil.precision);
    assert_int_equal(out.summer_time, row->civil.summer_time);
}

/* --- the latest value of each column --- */

struct latest {
    int64_t time;
    int64_t receive;
    int64_t frame;
    int64_t payload;
    uint8_t quality; /* UNSET = none */
    uint8_t kind;
    uint8_t source;
};

static void latest_show(struct latest *latest, const struct hyp_row *row,
                        const struct hyp_cell *cell)
{
    bool later = latest->quality == HYP_QUALITY_UNSET || row->time > latest->time;
    bool better = row->time == latest->time &&
                  hyp_series_is_better(cell->quality, row->kind, latest->quality, latest->kind);
    if (later || better) {
        *latest = (struct latest){.time = row->time,
                                  .receive = row->receive,
                                  .frame = row->frame,
                                  .payload = cell->payload,
                                  .quality = cell->quality,
                                  .kind = row->kind,
                                  .source = row->source};
    }
}

static void compare_latest(const struct hyp_series *series, const struct latest *latest)
{
    uint32_t newest = 0;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        const struct hyp_column *column = &series->columns[c];
        const struct hyp_arrival *arrival = hyp_series_arrival(series, c);
        assert_int_equal(arrival->time, latest[c].time);
        assert_int_equal(arrival->receive, latest[c].receive);
        assert_int_equal(arrival->frame, latest[c].frame);
        assert_int_equal(column->payload, latest[c].payload);
        assert_int_equal(column->quality, latest[c].quality);
        assert_int_equal(column->origin, latest[c].kind << 4 | latest[c].source);
        newest += column->newest;
    }
    assert_int_equal(series->newest_count, newest);
}

/* A reading of some of the columns, mostly of all, mostly the newest. */
static void make_reading(struct hyp_rng *rng, int64_t step, struct hyp_row *row,
                         struct hyp_cell cells[static COLUMNS])
{
    static const uint8_t qualities[] = {HYP_QUALITY_GOOD, HYP_QUALITY_GOOD, HYP_QUALITY_MANUAL,
                                        HYP_QUALITY_NO_VALUE};
    bool of_all = hyp_rng_below(rng, 3) > 0;
    *row = (struct hyp_row){
        .time = step - (int64_t)(hyp_rng_below(rng, 4) == 0 ? hyp_rng_below(rng, 5) : 0),
        .receive = 1000 + step,
        .frame = 5000 + step,
        .kind = (uint8_t)(HYP_READING_CURRENT + hyp_rng_below(rng, 2)),
        .source = (uint8_t)(HYP_SOURCE_AUTOMATIC + hyp_rng_below(rng, 2))};
    for (uint16_t c = 0; c < COLUMNS; c++) {
        if (of_all || hyp_rng_below(rng, 2) == 0) {
            cells[row->cells++] = (struct hyp_cell){
                .column = c,
                .payload = step * 10 + c,
                .quality = qualities[hyp_rng_below(rng, HYP_ARRAY_LEN(qualities))]};
        }
    }
}

/* Shown together, one by one, hidden now and then, or taken over from a copy: always the same
 * as if every column were kept by itself. */
static void shows_the_latest_of_each_column(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 17);
    struct hyp_series *series = make_series();
    struct latest latest[COLUMNS] = {0};
    for (int64_t step = 10; step < 5000; step++) {
        struct hyp_row row;
        struct hyp_cell cells[COLUMNS];
        make_reading(&seeded.rng, step / 2, &row, cells);
        for (size_t i = 0; i < row.cells; i++) {
            latest_show(&latest[cells[i].column], &row, &cells[i]);
        }
        uint64_t way = hyp_rng_below(&seeded.rng, 20);
        struct hyp_series copy;
        if (way == 0) {
            for (size_t i = 0; i < row.cells; i++) {
                hyp_series_show(series, &row, &cells[i]);
            }
        } else if (way == 1) {
            assert_int_equal(hyp_series_copy_hidden(series, &copy), HYP_OK);
            hyp_series_show_row(&copy, &row, cells);
            hyp_series_take_shown(series, &copy);
            memset(latest, 0, sizeof(latest));
            for (size_t i = 0; i < row.cells; i++) {
                latest_show(&latest[cells[i].column], &row, &cells[i]);
            }
        } else {
            hyp_series_show_row(series, &row, cells);
        }
        if (way == 2) {
            hyp_series_hide(series, (uint32_t)(step % COLUMNS));
            latest[step % COLUMNS] = (struct latest){0};
        }
        compare_latest(series, latest);
    }
    hyp_series_destroy(series);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, arrivals, agrees_with_a_list);
    TEST_ONE(&list, few_blocks_are_open);
    TEST_ONE(&list, shows_the_latest_of_each_column);
    TEST_ROWS(&list, betters, shows_the_better_version);
    TEST_ROWS(&list, civils, civil_packs_and_unpacks);
    return test_list_run(&list, "store-series");
}
