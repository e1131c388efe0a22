/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cumulative register counted between two readings: the difference, corrected for the
 * exchange of the meter, a recorded reset and the roll-over of its display. A register that
 * went back for no known reason gives no consumption, and says so; never a negative one. Pure
 * and exact; any thread.
 */
#ifndef HYP_METERING_COUNTER_H
#define HYP_METERING_COUNTER_H

#include "base/clock.h"
#include "base/decimal.h"

enum hyp_counter_step {
    HYP_COUNTER_NORMAL = 0,
    HYP_COUNTER_REPLACED,   /* by an event: exchange or reset */
    HYP_COUNTER_ROLLOVER,   /* the display began again at zero */
    HYP_COUNTER_SMALL_BACK, /* back within the tolerance: counts as nothing */
    HYP_COUNTER_BACK,       /* back for no known reason: unknown */
};

struct hyp_counter_rules {
    /* One more than the display can show, e.g. 10000000; digits 0 = not known, see the .c. */
    struct hyp_decimal modulus;
    struct hyp_decimal tolerance; /* a step back up to this is noise; digits 0 = none */
};

/*
 * The meter was exchanged, or its register reset: the last reading of the old count and the
 * first of the new one (a reset: opening 0).
 */
struct hyp_counter_event {
    hyp_utc time;
    struct hyp_decimal closing;
    struct hyp_decimal opening;
};

/*
 * @event      what happened between the two readings; NULL = nothing known
 * @ret_delta  what was counted; not set for HYP_COUNTER_BACK
 */
enum hyp_counter_step hyp_counter_between(const struct hyp_counter_rules *rules,
                                          const struct hyp_counter_event *event,
                                          struct hyp_decimal before, struct hyp_decimal after,
                                          struct hyp_decimal *ret_delta);

#endif
