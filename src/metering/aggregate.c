/* SPDX-License-Identifier: Apache-2.0 */
#include "metering/aggregate.h"

static hyp_utc next_of(const struct hyp_aggregate_config *config, hyp_utc at)
{
    return hyp_calendar_next(&config->settlement, config->period, at);
}

static int64_t half_of(const struct hyp_aggregate_config *config, hyp_utc at)
{
    hyp_utc start = hyp_calendar_start(&config->settlement, config->period, at);
    return (next_of(config, at).ms - start.ms) / 2;
}

hyp_utc hyp_aggregate_begin(const struct hyp_aggregate_config *config)
{
    hyp_utc start = hyp_calendar_start(&config->settlement, config->period, config->from);
    return (hyp_utc){start.ms - half_of(config, start)};
}

hyp_utc hyp_aggregate_end(const struct hyp_aggregate_config *config)
{
    hyp_utc end = next_of(config, (hyp_utc){config->to.ms - 1});
    return (hyp_utc){end.ms + half_of(config, end) + 1};
}

static void begin_row(struct hyp_aggregate *aggregate, hyp_utc start)
{
    aggregate->row = (struct hyp_period_row){
        .start = start,
        .end = next_of(&aggregate->config, start),
    };
    aggregate->sum = 0;
}

void hyp_aggregate_init(struct hyp_aggregate *aggregate,
                        const struct hyp_aggregate_config *config)
{
    *aggregate = (struct hyp_aggregate){.config = *config};
    aggregate->end = next_of(config, (hyp_utc){config->to.ms - 1});
    begin_row(aggregate, hyp_calendar_start(&config->settlement, config->period, config->from));
}

/* The running total at a bound: that of the reading so far, if it is near enough. */
static struct hyp_aggregate_bound bound_by_last(const struct hyp_aggregate *aggregate,
                                                hyp_utc bound)
{
    int64_t away = bound.ms - aggregate->last_time.ms;
    bool near =
        aggregate->any && (away < 0 ? -away : away) <= half_of(&aggregate->config, bound);
    return (struct hyp_aggregate_bound){near, aggregate->total, aggregate->backs,
                                        aggregate->last_quality};
}

static void give_row(struct hyp_aggregate *aggregate, const struct hyp_aggregate_bound *at_end)
{
    struct hyp_period_row *row = &aggregate->row;
    const struct hyp_aggregate_bound *at_start = &aggregate->at_start;
    struct hyp_decimal start = at_start->total;
    if (row->count > 0) {
        row->mean = aggregate->sum / row->count;
    }
    if (aggregate->config.counter && at_start->known && at_end->known) {
        start.digits = -start.digits;
        row->has_delta = at_start->backs == at_end->backs &&
                         hyp_decimal_add(at_end->total, start, &row->delta) == HYP_OK;
    }
    if (row->has_delta) {
        row->quality = hyp_quality_worse(row->quality, at_start->quality);
        row->quality = hyp_quality_worse(row->quality, at_end->quality);
    }
    aggregate->config.emit(aggregate->config.user, row);
    aggregate->at_start = *at_end;
    begin_row(aggregate, row->end);
}

static const struct hyp_counter_event *event_until(struct hyp_aggregate *aggregate,
                                                   hyp_utc time)
{
    const struct hyp_counter_event *found = NULL;
    const struct hyp_aggregate_config *config = &aggregate->config;
    while (aggregate->event < config->event_count &&
           config->events[aggregate->event].time.ms <= time.ms) {
        const struct hyp_counter_event *event = &config->events[aggregate->event++];
        found = event->time.ms > aggregate->last_time.ms ? event : found;
    }
    return found;
}

/* Adds the step from the last reading to this one; says what kind it was. */
static unsigned take_step(struct hyp_aggregate *aggregate, hyp_utc time,
                          struct hyp_decimal value)
{
    static const unsigned flags[] = {
        [HYP_COUNTER_NORMAL] = 0,
        [HYP_COUNTER_REPLACED] = HYP_ROW_REPLACED,
        [HYP_COUNTER_ROLLOVER] = HYP_ROW_ROLLOVER,
        [HYP_COUNTER_SMALL_BACK] = HYP_ROW_SMALL_BACK,
        [HYP_COUNTER_BACK] = HYP_ROW_BACK,
    };
    struct hyp_decimal delta = {0};
    const struct hyp_counter_event *event = event_until(aggregate, time);
    if (!aggregate->any) {
        aggregate->last = value;
        return 0;
    }
    enum hyp_counter_step step =
        hyp_counter_between(&aggregate->config.rules, event, aggregate->last, value, &delta);
    if (step == HYP_COUNTER_BACK ||
        hyp_decimal_add(aggregate->total, delta, &aggregate->total) != HYP_OK) {
        aggregate->backs++;
    }
    if (step != HYP_COUNTER_SMALL_BACK) {
        aggregate->last = value; /* else the higher reading stays the floor */
    }
    return flags[step];
}

/*
 * Gives the rows that end at or before the new reading. A bound between two readings belongs to
 * the nearer one; on a tie to the earlier.
 */
static void pass_bounds(struct hyp_aggregate *aggregate, const struct hyp_aggregate *before,
                        hyp_utc time)
{
    while (aggregate->row.end.ms <= time.ms && aggregate->row.start.ms < aggregate->end.ms) {
        hyp_utc bound = aggregate->row.end;
        bool earlier = before->any && bound.ms - before->last_time.ms <= time.ms - bound.ms &&
                       time.ms != bound.ms;
        struct hyp_aggregate_bound at_end = bound_by_last(earlier ? before : aggregate, bound);
        give_row(aggregate, &at_end);
    }
}

static void note_start(struct hyp_aggregate *aggregate, const struct hyp_aggregate *before,
                       hyp_utc time)
{
    hyp_utc bound = aggregate->row.start;
    bool passes = time.ms >= bound.ms && (!before->any || before->last_time.ms < bound.ms);
    if (passes) {
        bool earlier = before->any && bound.ms - before->last_time.ms <= time.ms - bound.ms &&
                       time.ms != bound.ms;
        aggregate->at_start = bound_by_last(earlier ? before : aggregate, bound);
    }
}

static void count_value(struct hyp_aggregate *aggregate, hyp_utc time, struct hyp_decimal value,
                        enum hyp_quality quality)
{
    struct hyp_period_row *row = &aggregate->row;
    double number = hyp_decimal_to_double(value);
    if (time.ms < row->start.ms || time.ms >= HYP_MIN(row->end.ms, aggregate->end.ms)) {
        return;
    }
    if (row->count == 0) {
        row->first = value;
        row->min = row->max = number;
        row->sum = value;
        row->has_sum = !aggregate->config.counter;
    } else if (row->has_sum) {
        row->has_sum = hyp_decimal_add(row->sum, value, &row->sum) == HYP_OK;
    }
    row->min = HYP_MIN(row->min, number);
    row->max = HYP_MAX(row->max, number);
    row->last = value;
    row->quality = hyp_quality_worse(row->quality, quality);
    aggregate->sum += number;
    row->count++;
}

void hyp_aggregate_add(struct hyp_aggregate *aggregate, hyp_utc time, struct hyp_decimal value,
                       enum hyp_quality quality)
{
    const struct hyp_aggregate before = *aggregate;
    if (aggregate->any && time.ms <= aggregate->last_time.ms) {
        return;
    }
    unsigned flags = aggregate->config.counter ? take_step(aggregate, time, value) : 0;
    aggregate->any = true;
    aggregate->last_time = time;
    aggregate->last_quality = quality;
    if (before.row.start.ms < before.end.ms) {
        note_start(aggregate, &before, time);
    }
    pass_bounds(aggregate, &before, time);
    if (aggregate->row.start.ms >= aggregate->end.ms) {
        return;
    }
    if (time.ms >= aggregate->row.start.ms) {
        aggregate->row.flags |= flags;
    }
    count_value(aggregate, time, value, quality);
}

void hyp_aggregate_finish(struct hyp_aggregate *aggregate)
{
    while (aggregate->row.start.ms < aggregate->end.ms) {
        struct hyp_aggregate_bound at_end = bound_by_last(aggregate, aggregate->row.end);
        give_row(aggregate, &at_end);
    }
}
