/* SPDX-License-Identifier: Apache-2.0 */
#include "store/period.h"

#include "model/time.h"

#define DAY_MS 86400000LL
#define PART_DAYS 7
#define MONTHS (9999u * 12)

static int64_t month_start(uint32_t month)
{
    return hyp_days_from_date((int)(month / 12) + 1, (int)(month % 12) + 1, 1) * DAY_MS;
}

/* Year, month and day of a number of days since 1970: the usual arithmetic of eras of 400 years
 * that begin in March. */
static uint32_t period_of_days(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * shifted + 2) / 5;
    int64_t month = shifted < 10 ? shifted + 2 : shifted - 10;
    int64_t year = year_of_era + era * 400 + (month < 2 ? 1 : 0);
    int64_t part = day / PART_DAYS < HYP_PERIOD_PARTS ? day / PART_DAYS : HYP_PERIOD_PARTS - 1;
    return hyp_period_part((uint32_t)((year - 1) * 12 + month), (uint32_t)part);
}

uint32_t hyp_period_of(int64_t time)
{
    if (time < month_start(0)) {
        return 0;
    }
    if (time >= month_start(MONTHS)) {
        return hyp_period_part(MONTHS - 1, HYP_PERIOD_PARTS - 1);
    }
    return period_of_days(time / DAY_MS - (time % DAY_MS < 0 ? 1 : 0));
}

int64_t hyp_period_start(uint32_t period)
{
    uint32_t month = hyp_period_month(period);
    uint32_t part = period & 7u;
    if (part == 0 || part == HYP_PERIOD_WHOLE) {
        return month == 0 ? INT64_MIN : month_start(month);
    }
    return month_start(month) + (int64_t)part * PART_DAYS * DAY_MS;
}

int64_t hyp_period_end(uint32_t period)
{
    uint32_t month = hyp_period_month(period);
    uint32_t part = period & 7u;
    if (part < HYP_PERIOD_PARTS - 1) {
        return hyp_period_start(period + 1);
    }
    return month >= MONTHS - 1 ? INT64_MAX : month_start(month + 1);
}
