/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calendar periods on the site's wall clock: hours, days, months and years as half-open
 * intervals [start, next). A day of the site has 23 or 25 hours when its clock changes.
 *
 * A meter's settlement hour shifts days, months and years; its settlement day shifts months and
 * years: with day 16 and hour 10, "March" runs from 16 March 10:00 to 16 April 10:00.
 * Pure; any thread.
 */
#ifndef HYP_METERING_CALENDAR_H
#define HYP_METERING_CALENDAR_H

#include "model/zone.h"

enum hyp_period {
    HYP_PERIOD_HOUR = 0,
    HYP_PERIOD_DAY,
    HYP_PERIOD_MONTH,
    HYP_PERIOD_YEAR,
};

#define HYP_SETTLEMENT_DAY_MAX 28 /* every month has it */

struct hyp_settlement {
    const struct hyp_zone *zone;
    int day;  /* 1..HYP_SETTLEMENT_DAY_MAX */
    int hour; /* 0..23 */
};

/* "hour", "day", "month", "year". Never NULL. */
const char *hyp_calendar_text(enum hyp_period period);
/* HYP_OK | NOT_FOUND */
HYP_MUST_USE enum hyp_status hyp_calendar_find(struct hyp_str text,
                                               enum hyp_period *ret_period);

/* The start of the period that holds `at`. */
hyp_utc hyp_calendar_start(const struct hyp_settlement *settlement, enum hyp_period period,
                           hyp_utc at);
/* The start of the period after the one that holds `at`. */
hyp_utc hyp_calendar_next(const struct hyp_settlement *settlement, enum hyp_period period,
                          hyp_utc at);

#endif
