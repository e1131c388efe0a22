/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/decoder_series.h"

#define VIF_DATE 0x6C
#define VIF_TIME 0x6D
#define FD_INTERVAL_S 0x24
#define FD_INTERVAL_D 0x27
#define FD_INTERVAL_MONTH 0x28
#define FD_INTERVAL_YEAR 0x29
#define INTERVALS_MAX 10000

static void learn_interval(struct hyp_series *series, const struct hyp_mbus_record *record)
{
    static const int32_t seconds[] = {1, 60, 3600, 86400};
    const int64_t count = record->decimal.digits;
    if (record->kind != HYP_VALUE_DECIMAL || record->decimal.exp10 != 0 || count < 1 ||
        count > INTERVALS_MAX) {
        return;
    }
    series->has_interval = true;
    series->interval_storage = record->storage;
    series->months = 0;
    series->seconds = 0;
    if (record->code == FD_INTERVAL_MONTH || record->code == FD_INTERVAL_YEAR) {
        series->months = (int32_t)count * (record->code == FD_INTERVAL_YEAR ? 12 : 1);
    } else {
        series->seconds = count * seconds[record->code - FD_INTERVAL_S];
    }
}

void hyp_series_learn(struct hyp_series *series, const struct hyp_mbus_record *record)
{
    if (!hyp_quality_is_usable(record->quality) ||
        record->function != HYP_FUNCTION_INSTANTANEOUS || record->storage == 0) {
        return;
    }
    if (record->table == HYP_VIF_FD && record->code >= FD_INTERVAL_S &&
        record->code <= FD_INTERVAL_YEAR) {
        learn_interval(series, record);
    }
    if (record->table == HYP_VIF_PRIMARY && record->vife_count == 0 &&
        record->kind == HYP_VALUE_CIVIL &&
        (record->code == VIF_DATE || record->code == VIF_TIME)) {
        series->has_base = true;
        series->base_storage = record->storage;
        series->base = record->civil;
    }
}

static uint8_t days_in_month(int year, int month)
{
    const int next_year = month == 12 ? year + 1 : year;
    const int next_month = month == 12 ? 1 : month + 1;
    return (uint8_t)(hyp_days_from_date(next_year, next_month, 1) -
                     hyp_days_from_date(year, month, 1));
}

/* The last day of a month stays the last day. */
static struct hyp_civil months_earlier(struct hyp_civil time, int64_t months)
{
    const bool last = time.day == days_in_month(time.year, time.month);
    const int64_t count = (int64_t)time.year * 12 + time.month - 1 - months;
    time.year = (int16_t)(count / 12);
    time.month = (uint8_t)(count % 12 + 1);
    const uint8_t days = days_in_month(time.year, time.month);
    time.day = last ? days : HYP_MIN(time.day, days);
    return time;
}

bool hyp_series_time(const struct hyp_series *series, uint64_t storage,
                     struct hyp_civil *ret_time)
{
    if (!series->has_interval || !series->has_base ||
        series->interval_storage != series->base_storage || storage < series->base_storage ||
        storage - series->base_storage > INTERVALS_MAX) {
        return false;
    }
    const int64_t steps = (int64_t)(storage - series->base_storage);
    struct hyp_civil time = series->base;
    if (series->months > 0) {
        if (steps * series->months >= (int64_t)(series->base.year - 1) * 12) {
            return false;
        }
        time = months_earlier(time, steps * series->months);
    } else {
        const uint8_t precision = time.precision;
        time = hyp_civil_from_seconds(hyp_civil_to_seconds(&time) - steps * series->seconds);
        time.precision = precision;
    }
    *ret_time = time;
    return hyp_civil_is_valid(ret_time);
}
