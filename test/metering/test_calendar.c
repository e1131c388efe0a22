/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rows.h"

#include "metering/calendar.h"
#include "model/time.h"

static hyp_utc utc(const char *text)
{
    hyp_utc time = {0};
    assert_int_equal(hyp_utc_parse(hyp_str_from(text), &time), HYP_OK);
    return time;
}

/* Central Europe in 2026. */
static int berlin_minutes(const struct hyp_zone *zone, hyp_utc at)
{
    (void)zone;
    return at.ms >= utc("2026-03-29T01:00:00Z").ms && at.ms < utc("2026-10-25T01:00:00Z").ms
               ? 120
               : 60;
}

static const struct hyp_zone berlin = {berlin_minutes};

static const struct row {
    const char *name;
    enum hyp_period period;
    int day;
    int hour;
    const char *at;
    const char *start;
    const char *next;
} rows[] = {
    {"an hour",                     HYP_PERIOD_HOUR,  1,  0,  "2026-01-05T10:59:59Z", "2026-01-05T10:00:00Z",
     "2026-01-05T11:00:00Z"                                                                                                         },
    {"a day in winter",             HYP_PERIOD_DAY,   1,  0,  "2026-01-05T10:00:00Z", "2026-01-04T23:00:00Z",
     "2026-01-05T23:00:00Z"                                                                                                         },
    {"its first instant",           HYP_PERIOD_DAY,   1,  0,  "2026-01-04T23:00:00Z", "2026-01-04T23:00:00Z",
     "2026-01-05T23:00:00Z"                                                                                                         },
    {"its last instant",            HYP_PERIOD_DAY,   1,  0,  "2026-01-05T22:59:59Z", "2026-01-04T23:00:00Z",
     "2026-01-05T23:00:00Z"                                                                                                         },
    {"23 hours in spring",          HYP_PERIOD_DAY,   1,  0,  "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z",
     "2026-03-29T22:00:00Z"                                                                                                         },
    {"25 hours in autumn",          HYP_PERIOD_DAY,   1,  0,  "2026-10-25T00:30:00Z", "2026-10-24T22:00:00Z",
     "2026-10-25T23:00:00Z"                                                                                                         },
    {"a skipped hour",              HYP_PERIOD_DAY,   1,  2,  "2026-03-29T12:00:00Z", "2026-03-29T01:00:00Z",
     "2026-03-30T00:00:00Z"                                                                                                         },
    {"a doubled hour",              HYP_PERIOD_DAY,   1,  2,  "2026-10-25T01:30:00Z", "2026-10-25T00:00:00Z",
     "2026-10-26T01:00:00Z"                                                                                                         },
    {"before the day's hour",       HYP_PERIOD_DAY,   1,  10, "2026-01-05T08:59:59Z",
     "2026-01-04T09:00:00Z",                                                                                  "2026-01-05T09:00:00Z"},
    {"a month",                     HYP_PERIOD_MONTH, 1,  0,  "2026-03-15T00:00:00Z", "2026-02-28T23:00:00Z",
     "2026-03-31T22:00:00Z"                                                                                                         },
    {"December ends in a new year", HYP_PERIOD_MONTH, 1,  0,  "2026-12-31T22:59:59Z",
     "2026-11-30T23:00:00Z",                                                                                  "2026-12-31T23:00:00Z"},
    {"a month from the 16th",       HYP_PERIOD_MONTH, 16, 10, "2026-04-16T07:59:59Z",
     "2026-03-16T09:00:00Z",                                                                                  "2026-04-16T08:00:00Z"},
    {"a year",                      HYP_PERIOD_YEAR,  1,  0,  "2026-07-01T00:00:00Z", "2025-12-31T23:00:00Z",
     "2026-12-31T23:00:00Z"                                                                                                         },
    {"a year from the 28th",        HYP_PERIOD_YEAR,  28, 23, "2026-01-28T21:59:59Z",
     "2025-01-28T22:00:00Z",                                                                                  "2026-01-28T22:00:00Z"},
    {"before 1970",                 HYP_PERIOD_MONTH, 1,  0,  "1969-12-31T22:00:00Z", "1969-11-30T23:00:00Z",
     "1969-12-31T23:00:00Z"                                                                                                         },
};

static void check(void **state)
{
    const struct row *row = *state;
    const struct hyp_settlement settlement = {&berlin, row->day, row->hour};
    assert_int_equal(hyp_calendar_start(&settlement, row->period, utc(row->at)).ms,
                     utc(row->start).ms);
    assert_int_equal(hyp_calendar_next(&settlement, row->period, utc(row->at)).ms,
                     utc(row->next).ms);
}

/* Whatever the settlement, periods lie one behind the other without a gap. */
static void periods_touch(void **state)
{
    (void)state;
    for (int hour = 0; hour < 24; hour++) {
        const struct hyp_settlement settlement = {&berlin, 1 + hour, hour};
        for (int period = HYP_PERIOD_HOUR; period <= HYP_PERIOD_YEAR; period++) {
            hyp_utc at = utc("2026-03-01T00:00:00Z");
            for (int i = 0; i < 300; i++) {
                hyp_utc next = hyp_calendar_next(&settlement, (enum hyp_period)period, at);
                assert_true(next.ms > at.ms);
                assert_int_equal(
                    hyp_calendar_start(&settlement, (enum hyp_period)period, next).ms, next.ms);
                hyp_utc last = {next.ms - 1};
                assert_int_equal(
                    hyp_calendar_next(&settlement, (enum hyp_period)period, last).ms, next.ms);
                at = next;
            }
        }
    }
}

static void half_hour_zones(void **state)
{
    struct hyp_zone_fixed india;
    (void)state;
    hyp_zone_fixed_init(&india, 330);
    const struct hyp_settlement settlement = {&india.zone, 1, 0};
    assert_int_equal(
        hyp_calendar_start(&settlement, HYP_PERIOD_HOUR, utc("2026-01-05T10:29:59Z")).ms,
        utc("2026-01-05T09:30:00Z").ms);
}

static void names(void **state)
{
    enum hyp_period period = HYP_PERIOD_HOUR;
    (void)state;
    assert_int_equal(hyp_calendar_find(HYP_STR("month"), &period), HYP_OK);
    assert_int_equal(period, HYP_PERIOD_MONTH);
    assert_int_equal(hyp_calendar_find(HYP_STR("week"), &period), HYP_NOT_FOUND);
    assert_string_equal(hyp_calendar_text(HYP_PERIOD_YEAR), "year");
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, rows, check);
    TEST_ONE(&list, periods_touch);
    TEST_ONE(&list, half_hour_zones);
    TEST_ONE(&list, names);
    return test_list_run(&list, "calendar");
}
