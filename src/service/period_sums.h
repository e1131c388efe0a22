/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counters counted, added up: over the periods of one meter, and over many meters by
 * period. Sums are exact decimals, one for each unit, as a GJ is no whole number of kWh; what
 * is not known is left out and counted. Not for means and states, which nobody can add.
 */
#ifndef HYP_SERVICE_PERIOD_SUMS_H
#define HYP_SERVICE_PERIOD_SUMS_H

#include "service/meter_registers.h"
#include "service/periods.h"

/* A sum, and what it rests on. Begin with zeros. */
struct hyp_counted {
    bool known; /* a value is in it, and value has room for it */
    struct hyp_decimal value;
    size_t values;            /* that are known */
    size_t absent;            /* whose period is over and that are not known */
    enum hyp_quality quality; /* the worst; UNSET = nothing is known */
    unsigned flags;           /* enum hyp_row_flag of any */
    bool too_long;            /* the digits of the sum are too many for a decimal */
};

/*
 * Adds what a counter counted in a period.
 * @now  a period that ends later is not absent yet
 */
void hyp_counted_add(struct hyp_counted *counted, const struct hyp_period_row *row,
                     hyp_utc now);

/* The periods of a question by the calendar of the site. Must not be moved once begun. */
struct hyp_period_frame {
    struct hyp_zone_fixed utc;
    struct hyp_settlement settlement; /* that of the question, else days 1 and hour 0 */
    enum hyp_period period;
    hyp_utc from; /* the start of the first period */
    hyp_utc to;   /* the end of the last one */
    hyp_utc now;
};
/* Rounds the span of a question outwards to whole periods; it was checked (hyp_periods_check).
 */
void hyp_period_frame_init(struct hyp_period_frame *frame, const struct hyp_service *service,
                           const struct hyp_periods_query *query);
/*
 * Whether the middle of a row lies in the frame: the rows of a meter with a settlement of its
 * own are shifted by some days, and belong to the period that they share most with.
 */
bool hyp_period_frame_holds(const struct hyp_period_frame *frame,
                            const struct hyp_period_row *row);

/* The meters that count in one unit. */
struct hyp_unit_sums {
    enum hyp_unit unit;
    size_t meters;
    size_t incomplete;           /* of them, those of which a value is absent */
    struct hyp_counted whole;    /* all periods */
    struct hyp_counted *columns; /* by period */
};

struct hyp_period_sums {
    size_t count;                /* of periods */
    hyp_utc *bounds;             /* of periods, count + 1 */
    struct hyp_unit_sums *units; /* that of most meters first */
    size_t unit_count;
};

/*
 * Adds up what `meters`, found for the register `key`, counted.
 * @query     its point is not looked at
 * @ret_sums  in the arena
 * Returns  HYP_OK | DENIED | INVALID (the question; no counter) | LIMIT (periods, or meters
 *          times periods) | NO_MEMORY | what the store says
 * Limits   HYP_LIMIT_CHART_BUCKETS periods, HYP_LIMIT_SUM_ROWS values; memory depends on the
 *          periods, not on the meters
 * Context  worker; reads from the disk
 */
HYP_MUST_USE enum hyp_status
hyp_period_sums_make(struct hyp_service *service, const struct hyp_scope *scope,
                     const struct hyp_periods_query *query, const struct hyp_point_key *key,
                     const struct hyp_meter_registers *meters, struct hyp_arena *arena,
                     struct hyp_period_sums *ret_sums, struct hyp_error *err);

#endif
