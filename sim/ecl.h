/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ECL Comfort 310 controller with application A266: its registers, and the substation with
 * the heating circuit, hot water and building that it controls.
 *
 * The substation is stepped through the town's time (SIM_ECL_STEP_MS), so a set point written
 * over Modbus has its effect minutes later. Started some days before the moment of interest,
 * two runs agree: the building forgets its initial state.
 */
#ifndef SIM_ECL_H
#define SIM_ECL_H

#include "sim/climate.h"
#include "sim/modbus.h"

#define SIM_ECL_STEP_MS ((int64_t)10000)
/* Time to live through before the first answer. */
#define SIM_ECL_SPIN_UP_MS ((int64_t)3 * 24 * 3600 * 1000)

/* What differs between the controllers of the town. */
struct sim_ecl_plan {
    uint8_t subtype;      /* 1 = A266.1 */
    uint16_t app_version; /* high.low, 258 = 1.02 */
    uint16_t software;
    uint32_t serial;
    uint8_t unit;             /* Modbus address */
    double offset_c;          /* how much colder than the town's mean the site is */
    double loss_k;            /* supply temperature lost on the way from the plant */
    double curve_steepness;   /* scales the heat curve, about 1 */
    uint8_t tap_kind;         /* archetype of hot water use */
    int64_t stuck_outdoor_ms; /* outdoor sensor stands still from then on; 0 = never */
    uint64_t seed;
};

/* State of the simulated plant. */
struct sim_ecl_plant {
    double flow_c;       /* S3 */
    double return_c;     /* S5 */
    double room_c;       /* S2 */
    double hot_c;        /* S4 */
    double hot_return_c; /* S6 */
    double valve;        /* 0..1 heating, M1 */
    double hot_valve;    /* 0..1 hot water, M2 */
    double last_error_k;
    double last_hot_error_k;
    double outdoor_c; /* S1 as measured */
    double outdoor_slow_c;
    double reference_c;     /* desired flow */
    double hot_reference_c; /* desired hot water */
    double desired_room_c;
    int motion;     /* of M1: -1 closing, 0, 1 opening */
    int hot_motion; /* of M2 */
    bool pump;
    bool circulation;
    bool comfort;
    bool hot_comfort;
};

struct sim_ecl {
    struct sim_ecl_plan plan;
    struct sim_registers registers;
    struct sim_ecl_plant plant;
    int64_t now_ms;          /* lived through so far; 0 = not started */
    int64_t clock_offset_ms; /* from writes of the clock registers */
    const struct sim_climate *climate;
    const struct sim_meter *meter; /* heat meter on the controller's own M-Bus, or NULL */
};

/* @meter may be NULL */
HYP_MUST_USE enum hyp_status sim_ecl_init(struct sim_ecl *ecl, const struct sim_ecl_plan *plan,
                                          const struct sim_climate *climate,
                                          const struct sim_meter *meter);
void sim_ecl_finish(struct sim_ecl *ecl);

/* Lives on to `utc_ms` and refreshes the registers. Going back does nothing. */
void sim_ecl_advance(struct sim_ecl *ecl, int64_t utc_ms);

/*
 * Answers a Modbus PDU addressed to `unit`. Advance first.
 * Returns   length of the answer; 0 = silence (not this unit, or a broadcast)
 */
size_t sim_ecl_answer(struct sim_ecl *ecl, uint8_t unit, const uint8_t *pdu, size_t len,
                      uint8_t *ret_pdu);

/* Register table of the application (ecl_map.c). */
HYP_MUST_USE enum hyp_status sim_ecl_fill_map(struct sim_ecl *ecl);

#endif
