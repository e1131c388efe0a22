/* SPDX-License-Identifier: Apache-2.0 */
#include "model/time.h"

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool hyp_civil_is_valid(const struct hyp_civil *civil)
{
    bool time_ok = civil->hour <= 23 && civil->minute <= 59 && civil->second <= 59;
    if (civil->precision == HYP_CIVIL_TIME_OF_DAY) {
        return time_ok;
    }
    return time_ok && civil->year >= 1 && civil->year <= 9999 && civil->month >= 1 &&
           civil->month <= 12 && civil->day >= 1 &&
           civil->day <= days_in_month(civil->year, civil->month);
}

static void append_padded(struct hyp_buf *out, unsigned value, unsigned width)
{
    char digits[8];
    for (unsigned i = width; i > 0; i--) {
        digits[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    hyp_buf_append(out, digits, width);
}

static void append_date(struct hyp_buf *out, const struct hyp_civil *civil)
{
    append_padded(out, (unsigned)civil->year, 4);
    hyp_buf_append_char(out, '-');
    append_padded(out, civil->month, 2);
    hyp_buf_append_char(out, '-');
    append_padded(out, civil->day, 2);
}

static void append_clock(struct hyp_buf *out, const struct hyp_civil *civil, bool seconds)
{
    append_padded(out, civil->hour, 2);
    hyp_buf_append_char(out, ':');
    append_padded(out, civil->minute, 2);
    if (seconds) {
        hyp_buf_append_char(out, ':');
        append_padded(out, civil->second, 2);
    }
}

void hyp_civil_format(struct hyp_buf *out, const struct hyp_civil *civil)
{
    switch ((enum hyp_civil_precision)civil->precision) {
    case HYP_CIVIL_DATE: append_date(out, civil); break;
    case HYP_CIVIL_MINUTE:
    case HYP_CIVIL_SECOND:
        append_date(out, civil);
        hyp_buf_append_char(out, 'T');
        append_clock(out, civil, civil->precision == HYP_CIVIL_SECOND);
        break;
    case HYP_CIVIL_TIME_OF_DAY: append_clock(out, civil, true); break;
    }
}

int64_t hyp_days_from_date(int year, int month, int day)
{
    /* Years start in March, so that the leap day is the last one (H. Hinnant, days_from_civil).
     */
    int64_t y = year - (month <= 2 ? 1 : 0);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, struct hyp_civil *civil)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    civil->day = (uint8_t)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    civil->month = (uint8_t)month;
    civil->year = (int16_t)(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
}

int64_t hyp_civil_to_seconds(const struct hyp_civil *civil)
{
    int64_t days = hyp_days_from_date(civil->year, civil->month, civil->day);
    return days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second;
}

struct hyp_civil hyp_civil_from_seconds(int64_t seconds)
{
    int64_t days = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
    int64_t rest = seconds - days * 86400;
    struct hyp_civil civil = {.precision = HYP_CIVIL_SECOND};
    date_from_days(days, &civil);
    civil.hour = (uint8_t)(rest / 3600);
    civil.minute = (uint8_t)(rest / 60 % 60);
    civil.second = (uint8_t)(rest % 60);
    return civil;
}

/* `count` digits at the front of *text. */
static bool take_digits(struct hyp_str *text, size_t count, int *ret_value)
{
    uint64_t value;
    struct hyp_str head = {.ptr = text->ptr, .len = count};
    if (text->len < count || hyp_str_to_u64(head, &value) != HYP_OK) {
        return false;
    }
    text->ptr += count;
    text->len -= count;
    *ret_value = (int)value;
    return true;
}

static bool take_char(struct hyp_str *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c) {
        return false;
    }
    text->ptr++;
    text->len--;
    return true;
}

static bool take_date(struct hyp_str *text, struct hyp_civil *civil)
{
    int year;
    int month;
    int day;
    if (!take_digits(text, 4, &year) || !take_char(text, '-') ||
        !take_digits(text, 2, &month) || !take_char(text, '-') || !take_digits(text, 2, &day)) {
        return false;
    }
    civil->year = (int16_t)year;
    civil->month = (uint8_t)month;
    civil->day = (uint8_t)day;
    civil->precision = HYP_CIVIL_DATE;
    return true;
}

static bool take_clock(struct hyp_str *text, struct hyp_civil *civil)
{
    int hour;
    int minute;
    int second = 0;
    if (!take_digits(text, 2, &hour) || !take_char(text, ':') ||
        !take_digits(text, 2, &minute)) {
        return false;
    }
    civil->precision = HYP_CIVIL_MINUTE;
    if (take_char(text, ':')) {
        if (!take_digits(text, 2, &second)) {
            return false;
        }
        civil->precision = HYP_CIVIL_SECOND;
    }
    civil->hour = (uint8_t)hour;
    civil->minute = (uint8_t)minute;
    civil->second = (uint8_t)second;
    return true;
}

enum hyp_status hyp_civil_parse(struct hyp_str text, struct hyp_civil *ret_civil)
{
    struct hyp_civil civil = {0};
    if (text.len > 2 && text.ptr[2] == ':') {
        if (!take_clock(&text, &civil) || civil.precision != HYP_CIVIL_SECOND) {
            return HYP_INVALID;
        }
        civil.precision = HYP_CIVIL_TIME_OF_DAY;
    } else {
        if (!take_date(&text, &civil)) {
            return HYP_INVALID;
        }
        if (text.len > 0 && ((!take_char(&text, 'T') && !take_char(&text, ' ')) ||
                             !take_clock(&text, &civil))) {
            return HYP_INVALID;
        }
    }
    if (text.len > 0 || !hyp_civil_is_valid(&civil)) {
        return HYP_INVALID;
    }
    *ret_civil = civil;
    return HYP_OK;
}

void hyp_utc_format(struct hyp_buf *out, hyp_utc time)
{
    int64_t seconds = (time.ms >= 0 ? time.ms : time.ms - 999) / 1000;
    int64_t ms = time.ms - seconds * 1000;
    struct hyp_civil civil = hyp_civil_from_seconds(seconds);
    hyp_civil_format(out, &civil);
    if (ms != 0) {
        hyp_buf_append_char(out, '.');
        append_padded(out, (unsigned)ms, 3);
    }
    hyp_buf_append_char(out, 'Z');
}

static bool take_fraction_ms(struct hyp_str *text, int *ret_ms)
{
    int ms = 0;
    int scale = 100;
    size_t digits = 0;
    while (text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9') {
        ms += (text->ptr[0] - '0') * scale;
        scale /= 10;
        digits++;
        text->ptr++;
        text->len--;
    }
    *ret_ms = ms;
    return digits > 0;
}

static bool take_offset(struct hyp_str *text, int *ret_minutes)
{
    if (take_char(text, 'Z')) {
        *ret_minutes = 0;
        return true;
    }
    int sign = take_char(text, '+') ? 1 : take_char(text, '-') ? -1 : 0;
    int hours;
    int minutes = 0;
    if (sign == 0 || !take_digits(text, 2, &hours)) {
        return false;
    }
    if (text->len > 0) {
        (void)take_char(text, ':');
        if (!take_digits(text, 2, &minutes)) {
            return false;
        }
    }
    *ret_minutes = sign * (hours * 60 + minutes);
    return hours <= 14 && minutes <= 59;
}

enum hyp_status hyp_utc_parse(struct hyp_str text, hyp_utc *ret_time)
{
    if (text.len > 10 && hyp_str_to_i64(text, &ret_time->ms) == HYP_OK) {
        return HYP_OK;
    }
    struct hyp_civil civil = {0};
    int ms = 0;
    int offset = 0;
    if (!take_date(&text, &civil) || (!take_char(&text, 'T') && !take_char(&text, ' ')) ||
        !take_clock(&text, &civil) || !hyp_civil_is_valid(&civil)) {
        return HYP_INVALID;
    }
    if (take_char(&text, '.') && !take_fraction_ms(&text, &ms)) {
        return HYP_INVALID;
    }
    if (!take_offset(&text, &offset) || text.len > 0) {
        return HYP_INVALID;
    }
    ret_time->ms = (hyp_civil_to_seconds(&civil) - (int64_t)offset * 60) * 1000 + ms;
    return HYP_OK;
}
