/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Civil time: what a meter's own clock or a wall shows, without a zone.
 *
 * hyp_utc and hyp_mono are in base/clock.h. Only a function that is given the site's zone may
 * turn one kind into another. A date a meter marks invalid is absent, never a struct of zeros.
 */
#ifndef HYP_MODEL_TIME_H
#define HYP_MODEL_TIME_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum hyp_civil_precision {
    HYP_CIVIL_DATE = 0,
    HYP_CIVIL_MINUTE,
    HYP_CIVIL_SECOND,
    HYP_CIVIL_TIME_OF_DAY, /* no date: hour, minute, second only */
};

struct hyp_civil {
    int16_t year;  /* 1..9999 */
    uint8_t month; /* 1..12 */
    uint8_t day;   /* 1..31 */
    uint8_t hour;
    uint8_t minute;
    uint8_t second;
    uint8_t precision; /* enum hyp_civil_precision */
    bool summer_time;  /* the meter says that its clock is on summer time */
};

/* Is this a day of the (proleptic Gregorian) calendar with a time of day 00:00:00..23:59:59? */
bool hyp_civil_is_valid(const struct hyp_civil *civil);

/* ISO 8601: "2026-01-31", "2026-01-31T14:05", "2026-01-31T14:05:09" or "14:05:09"; back, also
 * with a blank for the T: HYP_OK | INVALID (another form, or no day of the calendar). */
void hyp_civil_format(struct hyp_buf *out, const struct hyp_civil *civil);
HYP_MUST_USE enum hyp_status hyp_civil_parse(struct hyp_str text, struct hyp_civil *ret_civil);

/* Seconds since 1970-01-01 00:00 of the same (unnamed) zone; and back, for the years 1 to 9999,
 * to the second. */
int64_t hyp_civil_to_seconds(const struct hyp_civil *civil);
struct hyp_civil hyp_civil_from_seconds(int64_t seconds);

/* Days since 1970-01-01 of a day of the calendar; negative before. */
int64_t hyp_days_from_date(int year, int month, int day);

/* "2026-01-31T14:05:09Z", with ".250" when milliseconds are not zero. */
void hyp_utc_format(struct hyp_buf *out, hyp_utc time);
/*
 * ISO 8601 with Z or an offset (+01:00); seconds and fraction optional; also plain milliseconds
 * since 1970 as digits (more than ten of them).
 * Returns   HYP_OK | INVALID
 */
HYP_MUST_USE enum hyp_status hyp_utc_parse(struct hyp_str text, hyp_utc *ret_time);

#endif
