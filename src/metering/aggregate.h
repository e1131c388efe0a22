/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings of one register, fed from old to new, become one row per calendar period: extremes,
 * mean, first, last, and for a counter what it counted. Memory does not depend on how many
 * readings are fed. Pure; one thread at a time.
 *
 * What a counter counted in a period is the sum of its steps between the readings nearest to
 * the two bounds, each at most half a period away from its bound; so the rows of a year add up
 * to the year. A step back of unknown reason leaves the periods that it touches without a sum.
 */
#ifndef HYP_METERING_AGGREGATE_H
#define HYP_METERING_AGGREGATE_H

#include "metering/calendar.h"
#include "metering/counter.h"
#include "model/value.h"

enum hyp_row_flag {
    HYP_ROW_ROLLOVER = 1u << 0,
    HYP_ROW_REPLACED = 1u << 1,
    HYP_ROW_SMALL_BACK = 1u << 2,
    HYP_ROW_BACK = 1u << 3, /* delta is not known */
};

struct hyp_period_row {
    hyp_utc start;
    hyp_utc end;
    uint32_t count; /* readings in the period; 0 = the members up to `last` say nothing */
    double min, mean, max;
    struct hyp_decimal first, last;
    bool has_sum; /* not of a counter: its readings have no sum worth knowing */
    struct hyp_decimal sum;
    bool has_delta;
    struct hyp_decimal delta;
    unsigned flags; /* enum hyp_row_flag: steps that ended in the period */
    /* The worst of the readings in the period and of those that the sum runs between. */
    enum hyp_quality quality; /* UNSET = there are none */
};

struct hyp_aggregate_config {
    struct hyp_settlement settlement;
    enum hyp_period period;
    hyp_utc from; /* rows begin with the period that holds it */
    hyp_utc to;   /* and end with the period that holds the last instant before it */
    bool counter;
    struct hyp_counter_rules rules;
    const struct hyp_counter_event *events; /* in order of time; may be NULL */
    size_t event_count;
    void (*emit)(void *user, const struct hyp_period_row *row);
    void *user;
};

/* What is known at a bound. */
struct hyp_aggregate_bound {
    bool known;
    struct hyp_decimal total;
    uint64_t backs;
    enum hyp_quality quality; /* of the reading nearest to it */
};

struct hyp_aggregate {
    struct hyp_aggregate_config config;
    hyp_utc end; /* of the last row */
    struct hyp_period_row row;
    double sum;
    struct hyp_aggregate_bound at_start;

    bool any; /* a reading was fed */
    hyp_utc last_time;
    struct hyp_decimal last;
    enum hyp_quality last_quality;
    struct hyp_decimal total; /* of all steps so far */
    uint64_t backs;           /* steps of unknown size so far */
    size_t event;             /* the next one */
};

/* The first instant whose readings matter: half a period before the first row. */
hyp_utc hyp_aggregate_begin(const struct hyp_aggregate_config *config);
/* Behind the last instant whose readings matter. */
hyp_utc hyp_aggregate_end(const struct hyp_aggregate_config *config);

/* Before the first reading. The configuration is copied, its events are not; `from` must be
 * before `to`. */
void hyp_aggregate_init(struct hyp_aggregate *aggregate,
                        const struct hyp_aggregate_config *config);
/*
 * The next reading; one that is not later than the last is passed over.
 * @quality  a usable one
 */
void hyp_aggregate_add(struct hyp_aggregate *aggregate, hyp_utc time, struct hyp_decimal value,
                       enum hyp_quality quality);
/* No more readings: gives the rows that are left. */
void hyp_aggregate_finish(struct hyp_aggregate *aggregate);

#endif
