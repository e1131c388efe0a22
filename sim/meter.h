/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated meter: who it is, what it measures, what is wrong with it.
 *
 * sim_meter_state() gives all registers at any instant of the town's time. It is a pure
 * function of the meter and the climate; nothing is stepped, nothing is stored.
 */
#ifndef SIM_METER_H
#define SIM_METER_H

#include "sim/climate.h"

#include <stdbool.h>
#include <stdint.h>

enum sim_kind {
    SIM_KIND_UNSET = 0,
    SIM_KIND_HEAT,
    SIM_KIND_WATER,
    SIM_KIND_ALLOCATOR, /* heat cost allocator */
    SIM_KIND_POWER,     /* electricity */
};

/* Address as a telegram carries it. */
struct sim_identity {
    char manufacturer[4];
    uint32_t id; /* eight digits as eight nibbles: 12345678 is 0x12345678 */
    uint8_t version;
    uint8_t medium;
};

/* What hangs behind the meter; which members count depends on the kind. */
struct sim_plant {
    double design_kw; /* space heating at -12 C */
    double tap; /* mean hot water kW | litres of water per hour | electric kW | HCA scale */
    unsigned heat_a; /* archetypes */
    unsigned heat_b;
    double mix;          /* share of heat_a */
    unsigned tap_kind;   /* archetype of the tap or power series */
    double cooling;      /* 1 = the town's usual difference; smaller = returns warmer water */
    double loss_k;       /* supply temperature lost on the way from the plant */
    double start_energy; /* kWh at the epoch */
    double start_volume; /* litres at the epoch */
    double base_l_h;     /* water that always runs */
    int64_t installed_ms;
};

/* Instants from which something is wrong; 0 = never. */
#define SIM_SINCE_EVER 1
struct sim_defects {
    int64_t dead_ms;
    int64_t stuck_ms;   /* return temperature stands still */
    int64_t swapped_ms; /* flow and return sensor exchanged */
    int64_t burst_ms;   /* a pipe behind the meter leaks */
    bool wrong_key;     /* encrypts with another key than it should */
    bool no_sensors;    /* built in without temperature sensors */
    bool battery_low;
};

struct sim_meter {
    enum sim_kind kind;
    struct sim_identity identity;
    struct sim_plant plant;
    struct sim_defects defects;
    uint64_t seed; /* of this meter */
};

/* Registers and momentary values at an instant. */
struct sim_state {
    double energy_kwh; /* heat or electricity */
    double volume_l;
    double power_kw;
    double flow_l_h;
    double flow_c;
    double return_c;
    double flow_energy;   /* volume x flow temperature, m3*C (E8) */
    double return_energy; /* volume x return temperature, m3*C (E9) */
    double allocator_units;
    double radiator_c;
    double room_c;
    double hours_on;
    bool burst;
    bool swapped;
};

void sim_meter_state(const struct sim_meter *meter, const struct sim_climate *climate,
                     int64_t utc_ms, struct sim_state *ret_state);

/* Largest mean power (kW) and flow (l/h) of an hour in [from, to). */
struct sim_peak {
    double power_kw;
    double flow_l_h;
    int64_t power_ms;
    int64_t flow_ms;
};
struct sim_peak sim_meter_peak(const struct sim_meter *meter, const struct sim_climate *climate,
                               int64_t from_ms, int64_t to_ms);

/* Does the defect (one of the instants above) hold now? */
static inline bool sim_defect_holds(int64_t since_ms, int64_t utc_ms)
{
    return since_ms != 0 && utc_ms >= since_ms;
}

#endif
