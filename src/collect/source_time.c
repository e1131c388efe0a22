/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time of arrival is not the time of the values: a radio meter may send an hour-old
 * reading, a file may come a month late (then `received` is the time the file states).
 *
 * A meter's clock shows local time, nearly always without daylight saving whatever the season;
 * some follow it and say so in the telegram, some follow it and do not. So the date is read as
 * standard time first; if that lies in the future and an hour less does not, the meter's clock
 * is on summer time. What is more than a day away is a clock that was never set.
 */
#include "collect/intake.h"

#define MS_PER_MINUTE 60000LL
#define MS_PER_HOUR 3600000LL
#define MS_PER_DAY 86400000LL
/* A meter's clock may be fast by this much; its future readings count as now. */
#define FAST_MS (10 * MS_PER_MINUTE)

static bool believable(int64_t at, hyp_utc received)
{
    return at >= received.ms - MS_PER_DAY && at <= received.ms + FAST_MS;
}

static bool from_meter_clock(const struct hyp_zone *zone, hyp_utc received,
                             const struct hyp_civil *meter_time, hyp_utc *ret_time)
{
    if (meter_time->year == 0 || meter_time->precision == HYP_CIVIL_DATE ||
        meter_time->precision == HYP_CIVIL_TIME_OF_DAY || !hyp_civil_is_valid(meter_time)) {
        return false;
    }
    int64_t standard = hyp_zone_standard_minutes(zone, received) * MS_PER_MINUTE;
    int64_t at = hyp_civil_to_seconds(meter_time) * 1000 - standard;
    if (meter_time->summer_time ||
        (at > received.ms + FAST_MS && believable(at - MS_PER_HOUR, received))) {
        at -= MS_PER_HOUR;
    }
    if (!believable(at, received)) {
        return false;
    }
    ret_time->ms = HYP_MIN(at, received.ms);
    return true;
}

/* Milliseconds, or -1 when the value is none. */
static int64_t duration_ms(const struct hyp_value *value)
{
    int64_t unit = value->unit == HYP_UNIT_S     ? 1000
                   : value->unit == HYP_UNIT_MIN ? MS_PER_MINUTE
                   : value->unit == HYP_UNIT_H   ? MS_PER_HOUR
                   : value->unit == HYP_UNIT_D   ? MS_PER_DAY
                                                 : 0;
    struct hyp_decimal ms;
    if (unit == 0 || value->kind != HYP_VALUE_DECIMAL ||
        !hyp_quality_is_usable(value->quality) ||
        hyp_decimal_multiply(value->decimal, (struct hyp_decimal){unit, 0}, &ms) != HYP_OK ||
        hyp_decimal_rescale(ms, 0, &ms) != HYP_OK || ms.digits < 0) {
        return -1;
    }
    return ms.digits;
}

hyp_utc hyp_source_time(const struct hyp_zone *zone, hyp_utc received,
                        const struct hyp_civil *meter_time, const struct hyp_value *values,
                        size_t value_count)
{
    hyp_utc time = received;
    if (from_meter_clock(zone, received, meter_time, &time)) {
        return time;
    }
    for (size_t i = 0; i < value_count; i++) {
        const struct hyp_point_key *key = &values[i].key;
        if (key->name != HYP_NAME_ACTUALITY_DURATION || key->storage != 0) {
            continue;
        }
        int64_t age = duration_ms(&values[i]);
        if (age >= 0 && age <= MS_PER_DAY) {
            time.ms -= age;
            break;
        }
    }
    return time;
}
