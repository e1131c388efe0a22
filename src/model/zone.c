/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TZif file is two data blocks, of which the second has 64-bit times:
 *
 *     "TZif" version 15 reserved bytes, six BE32 counts:
 *         isutcnt isstdcnt leapcnt timecnt typecnt charcnt
 *     v1 block (skipped)
 *     the same header again
 *     timecnt x BE64 transition time, timecnt x u8 type index,
 *     typecnt x {BE32 utc offset in s, u8 is_dst, u8 name index}, names, leap seconds, flags
 *     "\n" POSIX TZ rule "\n"          for all times after the last transition
 *
 * Only what an offset needs is kept. Leap seconds are ignored, as everywhere in POSIX time.
 */
#include "model/zone.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#define MS_PER_MINUTE 60000
#define SECONDS_PER_DAY 86400
#define MS_PER_DAY 86400000LL
#define TRANSITIONS_MAX 4096
#define RULE_TEXT_MAX 128

/* When daylight saving starts or ends in any year (POSIX TZ). */
struct change {
    char kind;   /* 'M' month.week.day, 'J' day 1..365 without Feb 29, '0' day 0..365 */
    int month;   /* M */
    int week;    /* M: 1..5, 5 = last */
    int day;     /* M: 0 Sunday .. 6; else the day of the year */
    int seconds; /* local time of day of the change */
};

struct rule {
    int standard_seconds; /* east of Greenwich */
    int summer_seconds;
    bool has_summer;
    struct change start;
    struct change end;
};

struct rules_zone {
    struct hyp_zone zone;
    struct rule rule;
    int first_seconds; /* before the first transition */
    size_t count;
    struct transition {
        int64_t at; /* seconds since 1970 UTC */
        int32_t seconds;
    } transitions[];
};

/* --- the POSIX rule --- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* Seconds since 1970 of the local clock when `change` happens in `year`. */
static int64_t change_local_seconds(const struct change *change, int year)
{
    int64_t first = hyp_days_from_date(year, 1, 1);
    int64_t day = first + change->day;
    if (change->kind == 'J') {
        bool leap = hyp_days_from_date(year, 3, 1) - hyp_days_from_date(year, 2, 1) == 29;
        day = first + change->day - 1 + (leap && change->day >= 60 ? 1 : 0);
    } else if (change->kind == 'M') {
        int64_t month_start = hyp_days_from_date(year, change->month, 1);
        int next_year = change->month == 12 ? year + 1 : year;
        int64_t month_end = hyp_days_from_date(next_year, change->month % 12 + 1, 1);
        int64_t weekday = (month_start + 4) % 7; /* 1970-01-01 was a Thursday */
        weekday = weekday < 0 ? weekday + 7 : weekday;
        day = month_start + (change->day - weekday + 7) % 7 + (change->week - 1) * 7;
        while (day >= month_end) {
            day -= 7;
        }
    }
    return day * SECONDS_PER_DAY + change->seconds;
}

static int rule_seconds(const struct rule *rule, int64_t at)
{
    if (!rule->has_summer) {
        return rule->standard_seconds;
    }
    int year = hyp_civil_from_seconds(at + rule->standard_seconds).year;
    int64_t start = change_local_seconds(&rule->start, year) - rule->standard_seconds;
    int64_t end = change_local_seconds(&rule->end, year) - rule->summer_seconds;
    bool summer =
        start < end ? at >= start && at < end : at >= start || at < end; /* south of the line */
    return summer ? rule->summer_seconds : rule->standard_seconds;
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

static bool take_number(struct hyp_str *text, int max, int *ret_value)
{
    int value = 0;
    size_t digits = 0;
    while (text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9' && digits < 4) {
        value = value * 10 + (text->ptr[0] - '0');
        digits++;
        text->ptr++;
        text->len--;
    }
    *ret_value = value;
    return digits > 0 && value <= max;
}

/* "CET", "<+0330>" */
static bool take_name(struct hyp_str *text)
{
    size_t len = 0;
    if (take_char(text, '<')) {
        ptrdiff_t end = hyp_str_find_char(*text, '>');
        if (end < 0) {
            return false;
        }
        len = (size_t)end + 1;
    } else {
        while (len < text->len &&
               ((text->ptr[len] | 0x20) >= 'a' && (text->ptr[len] | 0x20) <= 'z')) {
            len++;
        }
    }
    text->ptr += len;
    text->len -= len;
    return len >= 3 || (len > 0 && text->ptr[-1] == '>');
}

/* [+-]h[:m[:s]] */
static bool take_clock(struct hyp_str *text, int *ret_seconds)
{
    int sign = take_char(text, '-') ? -1 : 1;
    if (sign > 0) {
        (void)take_char(text, '+');
    }
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!take_number(text, 167, &hours) ||
        (take_char(text, ':') &&
         (!take_number(text, 59, &minutes) ||
          (take_char(text, ':') && !take_number(text, 59, &seconds))))) {
        return false;
    }
    *ret_seconds = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_change(struct hyp_str *text, struct change *change)
{
    *change = (struct change){.kind = '0', .seconds = 2 * 3600};
    bool ok;
    if (take_char(text, 'M')) {
        change->kind = 'M';
        ok = take_number(text, 12, &change->month) && take_char(text, '.') &&
             take_number(text, 5, &change->week) && take_char(text, '.') &&
             take_number(text, 6, &change->day) && change->month >= 1 && change->week >= 1;
    } else {
        change->kind = take_char(text, 'J') ? 'J' : '0';
        ok = take_number(text, 365, &change->day) && (change->kind == '0' || change->day >= 1);
    }
    return ok && (!take_char(text, '/') || take_clock(text, &change->seconds));
}

/* "CET-1CEST,M3.5.0,M10.5.0/3": signs count west of Greenwich. */
static bool parse_rule(struct hyp_str text, struct rule *rule)
{
    int west = 0;
    if (!take_name(&text) || !take_clock(&text, &west)) {
        return false;
    }
    rule->standard_seconds = -west;
    if (text.len == 0) {
        return true;
    }
    rule->has_summer = true;
    rule->summer_seconds = rule->standard_seconds + 3600;
    if (!take_name(&text)) {
        return false;
    }
    if (text.len > 0 && text.ptr[0] != ',') {
        if (!take_clock(&text, &west)) {
            return false;
        }
        rule->summer_seconds = -west;
    }
    return take_char(&text, ',') && take_change(&text, &rule->start) && take_char(&text, ',') &&
           take_change(&text, &rule->end) && text.len == 0;
}

/* --- the file --- */

struct counts {
    uint32_t isut, isstd, leap, time, type, name;
};

static enum hyp_status read_header(struct hyp_bytes *bytes, struct counts *counts,
                                   struct hyp_error *err)
{
    size_t at = bytes->pos;
    const uint8_t *head = hyp_bytes_take(bytes, 20);
    if (head == NULL || memcmp(head, "TZif", 4) != 0) {
        return hyp_error_set(err, HYP_MALFORMED, (int64_t)at, "no time zone file (TZif)");
    }
    if (head[4] < '2') {
        return hyp_error_set(err, HYP_UNSUPPORTED, (int64_t)at + 4,
                             "time zone file of version 1: rebuild the zone data");
    }
    counts->isut = hyp_bytes_be32(bytes);
    counts->isstd = hyp_bytes_be32(bytes);
    counts->leap = hyp_bytes_be32(bytes);
    counts->time = hyp_bytes_be32(bytes);
    counts->type = hyp_bytes_be32(bytes);
    counts->name = hyp_bytes_be32(bytes);
    bool sane = counts->time <= TRANSITIONS_MAX && counts->type >= 1 && counts->type <= 256 &&
                counts->name <= 4096 && counts->leap <= 4096 && counts->isut <= 256 &&
                counts->isstd <= 256;
    if (hyp_bytes_failed(bytes) || !sane) {
        return hyp_error_set(err, HYP_MALFORMED, (int64_t)at, "damaged time zone header");
    }
    return HYP_OK;
}

static void skip_block(struct hyp_bytes *bytes, const struct counts *counts, size_t time_size)
{
    hyp_bytes_skip(bytes, counts->time * (time_size + 1) + counts->type * 6 + counts->name +
                              counts->leap * (time_size + 4) + counts->isstd + counts->isut);
}

static enum hyp_status read_block(struct hyp_bytes bytes, const struct counts *counts,
                                  struct rules_zone *zone)
{
    struct hyp_bytes times = hyp_bytes_slice(&bytes, counts->time * 8);
    struct hyp_bytes kinds = hyp_bytes_slice(&bytes, counts->time);
    const uint8_t *types = hyp_bytes_take(&bytes, counts->type * 6);
    if (types == NULL) {
        return HYP_MALFORMED;
    }
    struct hyp_bytes first = hyp_bytes_from(types, 4);
    zone->first_seconds = (int32_t)hyp_bytes_be32(&first);
    for (size_t i = 0; i < counts->time; i++) {
        uint8_t kind = hyp_bytes_u8(&kinds);
        if (kind >= counts->type) {
            return HYP_MALFORMED;
        }
        struct hyp_bytes type = hyp_bytes_from(types + kind * 6u, 4);
        struct transition *transition = &zone->transitions[i];
        transition->at = (int64_t)hyp_bytes_be64(&times);
        transition->seconds = (int32_t)hyp_bytes_be32(&type);
        if (transition->seconds < -26 * 3600 || transition->seconds > 26 * 3600 ||
            (i > 0 && transition->at <= zone->transitions[i - 1].at)) {
            return HYP_MALFORMED;
        }
    }
    zone->count = counts->time;
    return hyp_bytes_failed(&times) || hyp_bytes_failed(&kinds) ? HYP_MALFORMED : HYP_OK;
}

static bool read_footer(struct hyp_bytes *bytes, struct rules_zone *zone)
{
    if (hyp_bytes_u8(bytes) != '\n') {
        return false;
    }
    struct hyp_str text = {(const char *)bytes->data + bytes->pos, hyp_bytes_left(bytes)};
    ptrdiff_t end = hyp_str_find_char(text, '\n');
    if (end < 0 || end > RULE_TEXT_MAX) {
        return false;
    }
    text.len = (size_t)end;
    if (text.len == 0) {
        /* No rule: the last offset holds for ever. */
        zone->rule.standard_seconds =
            zone->count == 0 ? zone->first_seconds : zone->transitions[zone->count - 1].seconds;
        return true;
    }
    return parse_rule(text, &zone->rule);
}

static int rules_offset(const struct hyp_zone *base, hyp_utc at)
{
    const struct rules_zone *zone = (const struct rules_zone *)(const void *)base;
    int64_t seconds = floor_div(at.ms, 1000);
    if (zone->count == 0 || seconds >= zone->transitions[zone->count - 1].at) {
        return rule_seconds(&zone->rule, seconds) / 60;
    }
    if (seconds < zone->transitions[0].at) {
        return zone->first_seconds / 60;
    }
    size_t low = 0;
    size_t high = zone->count - 1;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (zone->transitions[middle].at <= seconds) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return zone->transitions[low].seconds / 60;
}

enum hyp_status hyp_zone_create(const uint8_t *tzif, size_t len, struct hyp_zone **ret_zone,
                                struct hyp_error *err)
{
    struct hyp_bytes bytes = hyp_bytes_from(tzif, len);
    struct counts counts = {0};
    enum hyp_status status = read_header(&bytes, &counts, err);
    if (status == HYP_OK) {
        skip_block(&bytes, &counts, 4);
        status = read_header(&bytes, &counts, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    struct rules_zone *zone =
        calloc(1, sizeof(*zone) + counts.time * sizeof(zone->transitions[0]));
    if (zone == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a time zone");
    }
    zone->zone.offset_minutes = rules_offset;
    struct hyp_bytes block = bytes;
    skip_block(&bytes, &counts, 8);
    if (hyp_bytes_failed(&bytes) || read_block(block, &counts, zone) != HYP_OK ||
        !read_footer(&bytes, zone)) {
        free(zone);
        return hyp_error_set(err, HYP_MALFORMED, (int64_t)block.pos,
                             "damaged time zone data after byte %zu", block.pos);
    }
    *ret_zone = &zone->zone;
    return HYP_OK;
}

void *hyp_zone_destroy(struct hyp_zone *zone)
{
    free(zone);
    return NULL;
}

/* --- any zone --- */

static int fixed_offset(const struct hyp_zone *zone, hyp_utc at)
{
    (void)at;
    return ((const struct hyp_zone_fixed *)(const void *)zone)->minutes;
}

void hyp_zone_fixed_init(struct hyp_zone_fixed *fixed, int minutes)
{
    *fixed =
        (struct hyp_zone_fixed){.zone = {.offset_minutes = fixed_offset}, .minutes = minutes};
}

int hyp_zone_standard_minutes(const struct hyp_zone *zone, hyp_utc at)
{
    /* Every season of any rule lasts longer than a quarter of a year. */
    int least = hyp_zone_offset_minutes(zone, at);
    for (int quarter = 1; quarter < 4; quarter++) {
        hyp_utc there = {at.ms + quarter * 91 * MS_PER_DAY};
        int offset = hyp_zone_offset_minutes(zone, there);
        least = HYP_MIN(least, offset);
    }
    return least;
}

hyp_utc hyp_zone_to_utc(const struct hyp_zone *zone, int64_t local_ms)
{
    int before = hyp_zone_offset_minutes(zone, (hyp_utc){local_ms - MS_PER_DAY});
    int after = hyp_zone_offset_minutes(zone, (hyp_utc){local_ms + MS_PER_DAY});
    hyp_utc early = {local_ms - (int64_t)before * MS_PER_MINUTE};
    hyp_utc late = {local_ms - (int64_t)after * MS_PER_MINUTE};
    bool late_only = hyp_zone_offset_minutes(zone, early) != before &&
                     hyp_zone_offset_minutes(zone, late) == after;
    return late_only ? late : early;
}

static hyp_utc next_daily(const struct hyp_zone *zone, const struct hyp_schedule *schedule,
                          hyp_utc after)
{
    int64_t local = after.ms + (int64_t)hyp_zone_offset_minutes(zone, after) * MS_PER_MINUTE;
    /* Days are walked on the wall clock; one more at both ends for the days of change. */
    hyp_utc wall = {(floor_div(local, MS_PER_DAY) - 1) * MS_PER_DAY - 1};
    for (int i = 0; i < 10; i++) {
        wall = hyp_schedule_next(schedule, wall, 0);
        if (wall.ms == INT64_MAX) {
            return wall;
        }
        hyp_utc due = hyp_zone_to_utc(zone, wall.ms);
        if (due.ms > after.ms) {
            return due;
        }
    }
    return (hyp_utc){INT64_MAX};
}

/* The first millisecond in (low, high] at which the offset of `high` holds. */
static int64_t find_change(const struct hyp_zone *zone, int64_t low, int64_t high)
{
    int offset = hyp_zone_offset_minutes(zone, (hyp_utc){high});
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (hyp_zone_offset_minutes(zone, (hyp_utc){middle}) == offset) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

static hyp_utc next_every(const struct hyp_zone *zone, const struct hyp_schedule *schedule,
                          hyp_utc after)
{
    int offset = hyp_zone_offset_minutes(zone, after);
    hyp_utc due = hyp_schedule_next(schedule, after, offset);
    if (due.ms == INT64_MAX) {
        return due;
    }
    int there = hyp_zone_offset_minutes(zone, due);
    if (there == offset) {
        return due;
    }
    int64_t change = find_change(zone, after.ms, due.ms);
    return hyp_schedule_next(schedule, (hyp_utc){change - 1}, there);
}

hyp_utc hyp_zone_schedule_next(const struct hyp_zone *zone, const struct hyp_schedule *schedule,
                               hyp_utc after)
{
    return schedule->kind == HYP_SCHEDULE_DAILY ? next_daily(zone, schedule, after)
                                                : next_every(zone, schedule, after);
}
