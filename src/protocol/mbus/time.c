/* SPDX-License-Identifier: Apache-2.0 */
/*
 *            7     6     5     4     3     2     1     0
 *   G  b0    year 2..0         day
 *      b1    year 6..3               month
 *   F  b0    IV    -     minute
 *      b1    SU    hundred     hour
 *      b2,b3 as G
 *   I  b0    leap  DST   second
 *      b1    IV    sign  minute
 *      b2    weekday           hour
 *      b3,b4 as G
 *      b5    DST hours   week
 *   J  b0 second, b1 minute, b2 hour
 *
 * A meter that has no date sends FFFF or zeros; decoded plainly these become 2127-15-31 and
 * 2000-00-00, which is how such dates get into databases. Wildcards (day 0, month 15, year
 * 127, hour 31, minute 63) mean "every": a recurring date is not a point in time, so there is
 * no value either.
 *
 * Type M (variable length) is left alone: we have no source that fixes the bits of its first
 * byte and no capture of one.
 */
#include "protocol/mbus/time.h"

#define EVERY_MINUTE 0x3F
#define EVERY_HOUR 0x1F
#define EVERY_MONTH 0x0F
#define EVERY_YEAR 0x7F

struct date {
    unsigned day;
    unsigned month;
    unsigned year; /* 0..127 as sent */
};

static struct date read_date(const uint8_t *g)
{
    return (struct date){
        .day = g[0] & 0x1Fu,
        .month = g[1] & 0x0Fu,
        .year = (unsigned)g[0] >> 5 | ((unsigned)g[1] >> 4) << 3,
    };
}

static bool is_recurring(struct date date)
{
    return date.day == 0 || date.month == EVERY_MONTH || date.year == EVERY_YEAR;
}

static bool all_bytes_are(const uint8_t *data, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != value) {
            return false;
        }
    }
    return true;
}

/* Year of types G and I, and of F when its century bits are not used. */
static int full_year(unsigned year)
{
    return (int)year + (year <= 80 ? 2000 : 1900);
}

static enum hyp_quality set_date(struct date date, int year, struct hyp_civil *civil)
{
    civil->day = (uint8_t)date.day;
    civil->month = (uint8_t)date.month;
    civil->year = (int16_t)year;
    return date.year <= 99 && hyp_civil_is_valid(civil) ? HYP_QUALITY_GOOD
                                                        : HYP_QUALITY_INVALID;
}

static enum hyp_quality decode_g(const uint8_t *data, struct hyp_civil *civil)
{
    struct date date = read_date(data);
    if (is_recurring(date)) {
        return HYP_QUALITY_NO_VALUE;
    }
    return set_date(date, full_year(date.year), civil);
}

static enum hyp_quality decode_f(const uint8_t *data, struct hyp_civil *civil)
{
    struct date date = read_date(data + 2);
    unsigned hundred = (unsigned)data[1] >> 5 & 0x03;
    civil->precision = HYP_CIVIL_MINUTE;
    civil->minute = data[0] & 0x3F;
    civil->hour = data[1] & 0x1F;
    civil->summer_time = (data[1] & 0x80) != 0;
    if ((data[0] & 0x80) != 0) {
        return HYP_QUALITY_INVALID;
    }
    if (is_recurring(date) || civil->minute == EVERY_MINUTE || civil->hour == EVERY_HOUR) {
        return HYP_QUALITY_NO_VALUE;
    }
    bool no_century = hundred == 0 && date.year <= 80;
    int year = no_century ? full_year(date.year) : 1900 + 100 * (int)hundred + (int)date.year;
    return set_date(date, year, civil);
}

static enum hyp_quality decode_i(const uint8_t *data, struct hyp_civil *civil)
{
    struct date date = read_date(data + 3);
    civil->precision = HYP_CIVIL_SECOND;
    civil->second = data[0] & 0x3F;
    civil->minute = data[1] & 0x3F;
    civil->hour = data[2] & 0x1F;
    civil->summer_time = (data[0] & 0x40) != 0;
    if ((data[1] & 0x80) != 0) {
        return HYP_QUALITY_INVALID;
    }
    if (is_recurring(date) || date.month == 0 || civil->second == EVERY_MINUTE ||
        civil->minute == EVERY_MINUTE || civil->hour == EVERY_HOUR) {
        return HYP_QUALITY_NO_VALUE;
    }
    return set_date(date, full_year(date.year), civil);
}

static enum hyp_quality decode_j(const uint8_t *data, struct hyp_civil *civil)
{
    civil->precision = HYP_CIVIL_TIME_OF_DAY;
    civil->second = data[0] & 0x3F;
    civil->minute = data[1] & 0x3F;
    civil->hour = data[2] & 0x1F;
    if (civil->second == EVERY_MINUTE || civil->minute == EVERY_MINUTE ||
        civil->hour == EVERY_HOUR) {
        return HYP_QUALITY_NO_VALUE;
    }
    return hyp_civil_is_valid(civil) ? HYP_QUALITY_GOOD : HYP_QUALITY_INVALID;
}

enum hyp_quality hyp_mbus_time_decode(const uint8_t *data, size_t len,
                                      struct hyp_civil *ret_civil)
{
    struct hyp_civil civil = {0};
    enum hyp_quality quality = HYP_QUALITY_INVALID;
    /* 000000 is midnight in type J, but no day in all others. */
    if (all_bytes_are(data, len, 0xFF) || (len != 3 && all_bytes_are(data, len, 0))) {
        return HYP_QUALITY_NO_VALUE;
    }
    switch (len) {
    case 2: quality = decode_g(data, &civil); break;
    case 3: quality = decode_j(data, &civil); break;
    case 4: quality = decode_f(data, &civil); break;
    case 6: quality = decode_i(data, &civil); break;
    default: break;
    }
    if (quality == HYP_QUALITY_GOOD) {
        *ret_civil = civil;
    }
    return quality;
}

const char *hyp_mbus_time_type_text(size_t len)
{
    switch (len) {
    case 2: return "type G, date";
    case 3: return "type J, time of day";
    case 4: return "type F, date and time";
    case 6: return "type I, date and time with seconds";
    default: return "no type of a date";
    }
}

static int last_day(int year, int month)
{
    int next_year = month == 12 ? year + 1 : year;
    int next_month = month == 12 ? 1 : month + 1;
    return (int)(hyp_days_from_date(next_year, next_month, 1) -
                 hyp_days_from_date(year, month, 1));
}

static struct hyp_civil add_months(struct hyp_civil civil, int months)
{
    bool at_end = civil.day == last_day(civil.year, civil.month);
    int total = civil.year * 12 + civil.month - 1 + months;
    int year = total / 12;
    int month = total % 12 + 1;
    int end = last_day(year, month);
    civil.day = (uint8_t)(at_end || civil.day > end ? end : civil.day);
    civil.year = (int16_t)year;
    civil.month = (uint8_t)month;
    return civil;
}

/* One half month on: 1 -> 16 -> 1 of the next month; 15 -> last day -> 15 of the next month. */
static struct hyp_civil add_half_month(struct hyp_civil civil)
{
    int end = last_day(civil.year, civil.month);
    if (civil.day < 15) {
        civil.day = (uint8_t)(civil.day + 15 > end ? end : civil.day + 15);
        return civil;
    }
    if (civil.day == 15) {
        civil.day = (uint8_t)end;
        return civil;
    }
    uint8_t day = (uint8_t)(civil.day == end ? 15 : civil.day - 15);
    civil.day = 1;
    civil = add_months(civil, 1);
    civil.day = day;
    return civil;
}

static struct hyp_civil add_half_months(struct hyp_civil civil, int count)
{
    /* Whole months first (towards the past), so that at most one half remains. */
    int months = count >= 0 ? count / 2 : -((1 - count) / 2);
    civil = add_months(civil, months);
    return count - 2 * months == 0 ? civil : add_half_month(civil);
}

static int months_of(struct hyp_mbus_step step)
{
    static const int months[4] = {0, 6, 3, 1};
    return step.spacing == 0xFE ? months[step.unit & 3] : 0;
}

bool hyp_mbus_time_step(const struct hyp_civil *base, struct hyp_mbus_step step, int count,
                        struct hyp_civil *ret_civil)
{
    static const int64_t seconds[4] = {1, 60, 3600, 86400};
    struct hyp_civil civil = *base;
    if (base->precision == HYP_CIVIL_TIME_OF_DAY || step.spacing == 0) {
        return false;
    }
    if (months_of(step) != 0) {
        civil = add_months(civil, count * months_of(step));
    } else if (step.spacing == 0xFD && step.unit == 3) {
        civil = add_half_months(civil, count);
    } else if (step.spacing <= 250) {
        int64_t moved =
            hyp_civil_to_seconds(base) + count * (step.spacing * seconds[step.unit]);
        civil = hyp_civil_from_seconds(moved);
        civil.summer_time = base->summer_time;
        civil.precision = base->precision;
        if (base->precision == HYP_CIVIL_DATE && step.unit != 3) {
            civil.precision = HYP_CIVIL_MINUTE;
        }
        if (civil.precision == HYP_CIVIL_MINUTE && step.unit == 0) {
            civil.precision = HYP_CIVIL_SECOND;
        }
    } else {
        return false;
    }
    if (!hyp_civil_is_valid(&civil)) {
        return false;
    }
    *ret_civil = civil;
    return true;
}
