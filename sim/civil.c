/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/civil.h"

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

/* Days since 1970-01-01; years counted from March so that the leap day comes last. */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t shifted = (month + 9) % 12;
    int64_t day_of_year = (153 * shifted + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct sim_civil sim_civil_from_utc(int64_t utc_ms, int offset_minutes)
{
    int64_t seconds = floor_div(utc_ms, 1000) + (int64_t)offset_minutes * 60;
    int64_t days = floor_div(seconds, 86400);
    int64_t second_of_day = seconds - days * 86400;
    int64_t shifted = days + 719468;
    int64_t era = floor_div(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_index = (5 * day_of_year + 2) / 153;
    struct sim_civil civil = {
        .day = (int)(day_of_year - (153 * month_index + 2) / 5 + 1),
        .month = (int)(month_index < 10 ? month_index + 3 : month_index - 9),
        .hour = (int)(second_of_day / 3600),
        .minute = (int)(second_of_day / 60 % 60),
        .second = (int)(second_of_day % 60),
        .weekday = (int)(floor_div(days + 3, 7) * -7 + days + 3) + 1,
    };
    civil.year = (int)(year_of_era + era * 400) + (civil.month <= 2 ? 1 : 0);
    return civil;
}

int64_t sim_civil_to_utc(const struct sim_civil *civil, int offset_minutes)
{
    int64_t days = days_from_date(civil->year, civil->month, civil->day);
    int64_t seconds = days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second;
    return (seconds - (int64_t)offset_minutes * 60) * 1000;
}

/* Last Sunday of March or October (31 days both), 01:00 UTC: when EU clocks change. */
static int64_t change_of(int year, int month)
{
    struct sim_civil last = {.year = year, .month = month, .day = 31, .hour = 1};
    int64_t instant = sim_civil_to_utc(&last, 0);
    int weekday = sim_civil_from_utc(instant, 0).weekday;
    return instant - (int64_t)(weekday % 7) * SIM_DAY_MS;
}

int sim_zone_people(int64_t utc_ms)
{
    int year = sim_civil_from_utc(utc_ms, 0).year;
    return utc_ms >= change_of(year, 3) && utc_ms < change_of(year, 10) ? 120 : 60;
}

int64_t sim_month_start(int64_t utc_ms, int months_back)
{
    struct sim_civil civil = sim_civil_from_utc(utc_ms, SIM_ZONE_METER);
    int months = civil.year * 12 + civil.month - 1 - months_back;
    struct sim_civil first = {.year = months / 12, .month = months % 12 + 1, .day = 1};
    return sim_civil_to_utc(&first, SIM_ZONE_METER);
}

int64_t sim_year_start(int64_t utc_ms)
{
    struct sim_civil first = {
        .year = sim_civil_from_utc(utc_ms, SIM_ZONE_METER).year, .month = 1, .day = 1};
    return sim_civil_to_utc(&first, SIM_ZONE_METER);
}

void sim_iso_append(struct hyp_buf *out, int64_t utc_ms)
{
    struct sim_civil c = sim_civil_from_utc(utc_ms, 0);
    /* Two digits by hand: a history has hundreds of thousands of these. */
    const int parts[] = {c.year / 100, c.year % 100, c.month, c.day,
                         c.hour,       c.minute,     c.second};
    static const char after[] = {0, '-', '-', 'T', ':', ':', 'Z'};
    char text[21];
    size_t len = 0;
    for (size_t i = 0; i < HYP_ARRAY_LEN(parts); i++) {
        text[len++] = (char)('0' + parts[i] / 10 % 10);
        text[len++] = (char)('0' + parts[i] % 10);
        if (after[i] != 0) {
            text[len++] = after[i];
        }
    }
    hyp_buf_append(out, text, len);
}

/* Digits of a fixed width at `at`; -1 when there are others. */
static int digits_at(struct hyp_str text, size_t at, size_t width)
{
    int value = 0;
    for (size_t i = at; i < at + width; i++) {
        if (i >= text.len || text.ptr[i] < '0' || text.ptr[i] > '9') {
            return -1;
        }
        value = value * 10 + (text.ptr[i] - '0');
    }
    return value;
}

static bool separators_are(struct hyp_str text, const char *pattern)
{
    for (size_t i = 0; pattern[i] != 0; i++) {
        if (i >= text.len || (pattern[i] != '0' && pattern[i] != text.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* `.123Z`, `Z` or nothing after the seconds. */
static enum hyp_status parse_fraction(struct hyp_str rest, int64_t *ret_ms)
{
    int64_t ms = 0;
    if (rest.len > 0 && rest.ptr[rest.len - 1] == 'Z') {
        rest.len--;
    }
    if (rest.len > 0 && rest.ptr[0] == '.') {
        int scale = 100;
        for (size_t i = 1; i < rest.len; i++, scale /= 10) {
            int digit = digits_at(rest, i, 1);
            if (digit < 0) {
                return HYP_INVALID;
            }
            ms += digit * scale;
        }
    } else if (rest.len > 0) {
        return HYP_INVALID;
    }
    *ret_ms = ms;
    return HYP_OK;
}

enum hyp_status sim_iso_parse(struct hyp_str text, int64_t *ret_utc_ms)
{
    bool with_time = text.len > 10;
    if (!separators_are(text, with_time ? "0000-00-00T00:00:00" : "0000-00-00")) {
        return HYP_INVALID;
    }
    struct sim_civil civil = {.year = digits_at(text, 0, 4),
                              .month = digits_at(text, 5, 2),
                              .day = digits_at(text, 8, 2)};
    int64_t fraction = 0;
    if (with_time) {
        civil.hour = digits_at(text, 11, 2);
        civil.minute = digits_at(text, 14, 2);
        civil.second = digits_at(text, 17, 2);
        struct hyp_str rest = {.ptr = text.ptr + 19, .len = text.len - 19};
        enum hyp_status status = parse_fraction(rest, &fraction);
        if (status != HYP_OK) {
            return status;
        }
    }
    if (civil.year < 1970 || civil.month < 1 || civil.month > 12 || civil.day < 1 ||
        civil.day > 31 || civil.hour < 0 || civil.hour > 23 || civil.minute < 0 ||
        civil.minute > 59 || civil.second < 0 || civil.second > 59) {
        return HYP_INVALID;
    }
    *ret_utc_ms = sim_civil_to_utc(&civil, 0) + fraction;
    return HYP_OK;
}
