/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days, months and years are numbered; a number has a wall-clock time at which it begins, and
 * the zone makes an instant of it. Going back from an instant the number is guessed from the
 * wall clock and corrected: around a change of the clock, and where a settlement hour falls
 * into it, the guess may be one off.
 */
#include "metering/calendar.h"

#include "model/time.h"

#define HOUR_MS (3600LL * 1000)
#define DAY_MS (24 * HOUR_MS)
#define MINUTE_MS (60LL * 1000)

static const char *const texts[] = {
    [HYP_PERIOD_HOUR] = "hour",
    [HYP_PERIOD_DAY] = "day",
    [HYP_PERIOD_MONTH] = "month",
    [HYP_PERIOD_YEAR] = "year",
};

const char *hyp_calendar_text(enum hyp_period period)
{
    return texts[period];
}

enum hyp_status hyp_calendar_find(struct hyp_str text, enum hyp_period *ret_period)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(texts); i++) {
        if (hyp_str_equal(text, hyp_str_from(texts[i]))) {
            *ret_period = (enum hyp_period)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0 ? 1 : 0);
}

static int64_t offset_ms(const struct hyp_settlement *settlement, hyp_utc at)
{
    return hyp_zone_offset_minutes(settlement->zone, at) * MINUTE_MS;
}

/* Of the day, month or year numbered `index`: days, months or years since 1970 (months: 0). */
static hyp_utc start_of(const struct hyp_settlement *settlement, enum hyp_period period,
                        int64_t index)
{
    int64_t days = index;
    if (period == HYP_PERIOD_MONTH) {
        int64_t year = floor_div(index, 12);
        days = hyp_days_from_date((int)year, (int)(index - year * 12) + 1, settlement->day);
    } else if (period == HYP_PERIOD_YEAR) {
        days = hyp_days_from_date((int)index, 1, settlement->day);
    }
    return hyp_zone_to_utc(settlement->zone, days * DAY_MS + settlement->hour * HOUR_MS);
}

static int64_t index_of(const struct hyp_settlement *settlement, enum hyp_period period,
                        hyp_utc at)
{
    int64_t local = at.ms + offset_ms(settlement, at);
    struct hyp_civil civil = hyp_civil_from_seconds(floor_div(local, 1000));
    int64_t index = floor_div(local, DAY_MS);
    if (period == HYP_PERIOD_MONTH) {
        index = civil.year * 12LL + civil.month - 1;
    } else if (period == HYP_PERIOD_YEAR) {
        index = civil.year;
    }
    while (start_of(settlement, period, index).ms > at.ms) {
        index--;
    }
    while (start_of(settlement, period, index + 1).ms <= at.ms) {
        index++;
    }
    return index;
}

hyp_utc hyp_calendar_start(const struct hyp_settlement *settlement, enum hyp_period period,
                           hyp_utc at)
{
    if (period == HYP_PERIOD_HOUR) {
        /* Hours of the wall clock: zones with half hours exist. */
        int64_t shift = offset_ms(settlement, at);
        return (hyp_utc){floor_div(at.ms + shift, HOUR_MS) * HOUR_MS - shift};
    }
    return start_of(settlement, period, index_of(settlement, period, at));
}

hyp_utc hyp_calendar_next(const struct hyp_settlement *settlement, enum hyp_period period,
                          hyp_utc at)
{
    if (period == HYP_PERIOD_HOUR) {
        return (hyp_utc){hyp_calendar_start(settlement, period, at).ms + HOUR_MS};
    }
    return start_of(settlement, period, index_of(settlement, period, at) + 1);
}
