/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of ECL Comfort 310 with A266.1, A266.2, A266.9 and A266.10: which exist, their
 * defaults and the range a write may take. Numbers are PNUs (wire address + 1).
 *
 * Rows say which subtypes serve them, because the gaps are part of the behaviour: one missing
 * register refuses the whole block.
 */
#include "sim/ecl.h"

#include <math.h>

/* Subtypes as bits. */
#define A1 0x01 /* A266.1 and A266.10 */
#define A2 0x02
#define A9 0x04
#define ALL 0x07
#define A1A2 0x03

#define READ_ONLY 1, 0

struct map_row {
    uint16_t first;
    uint16_t last;
    uint8_t subtypes;
    int16_t value;
    int16_t min;
    int16_t max;
};

/* clang-format off */
static const struct map_row map_rows[] = {
    /* system */
    {1, 1, ALL, 0, 0, 170},
    {8, 8, ALL, 2410, READ_ONLY},
    {19, 19, ALL, 3040, READ_ONLY},
    {34, 34, ALL, 16642, READ_ONLY},
    {35, 37, ALL, 0, READ_ONLY},
    {38, 38, ALL, 1, 1, 247},
    {39, 39, ALL, 38, 9, 38},
    {258, 258, ALL, 1, 0, 1},
    {278, 289, ALL, 0, 0, 255},
    {1024, 1025, ALL, 0, READ_ONLY},
    {1040, 1071, ALL, 0, READ_ONLY},
    {2048, 2048, ALL, 15, 0, 15},
    {2049, 2049, ALL, 0, 0, 1},
    {2050, 2050, ALL, 0, 0, 40},
    {2060, 2063, ALL, 0, READ_ONLY},
    {2097, 2097, ALL, 0, 0, 60},
    {2099, 2099, ALL, 4107, READ_ONLY}, /* 2016, week 11 */
    {2100, 2105, ALL, 0, READ_ONLY},
    /* outputs */
    {3998, 3999, ALL, 0, READ_ONLY},
    {4000, 4011, ALL, 0, READ_ONLY},
    {4020, 4031, ALL, 0, READ_ONLY},
    {4060, 4065, ALL, 0, 0, 3},
    {4066, 4071, ALL, 0, 0, 2},
    /* modes and status */
    {4201, 4202, ALL, 1, 0, 4},
    {4211, 4212, ALL, 2, READ_ONLY},
    /* M-Bus master of the controller */
    {5997, 5997, ALL, 3, 0, 3},
    {5998, 5998, ALL, 0, 0, 2},
    {5999, 5999, ALL, 3, READ_ONLY},
    /* sensors */
    {10198, 10198, ALL, 1, 0, 1},
    {10201, 10212, ALL, 19200, READ_ONLY},
    {10213, 10213, ALL, 19200, READ_ONLY},
    {10400, 10400, ALL, 0, READ_ONLY},
    {11201, 11206, ALL, 19200, READ_ONLY},
    {12201, 12206, ALL, 19200, READ_ONLY},
    {11252, 11252, A1A2, 0, READ_ONLY},
    {11253, 11253, ALL, 0, READ_ONLY},
    {11255, 11255, ALL, 5000, READ_ONLY},
    {12254, 12254, ALL, 0, READ_ONLY},
    {12256, 12256, A1, 4500, READ_ONLY},
    /* circuit 1: heating */
    {11010, 11010, A1, 0, 0, 2},
    {11011, 11011, ALL, -15, -29, 10},
    {11012, 11012, ALL, 0, 0, 99},
    {11013, 11013, ALL, 0, 0, 99},
    {11014, 11014, ALL, 9, 9, 59},
    {11015, 11015, A1A2, 0, 0, 50},
    {11020, 11020, A1A2, 0, 0, 1},
    {11021, 11021, ALL, 0, 0, 1},
    {11022, 11022, ALL, 1, 0, 1},
    {11026, 11026, A1A2, 1, 0, 1},
    {11031, 11031, ALL, 15, -60, 20},
    {11032, 11032, ALL, 40, 10, 150},
    {11033, 11033, ALL, -15, -60, 20},
    {11034, 11034, ALL, 60, 10, 150},
    {11035, 11035, ALL, -20, -99, 99},
    {11036, 11036, ALL, 0, -99, 99},
    {11037, 11037, ALL, 25, 0, 50},
    {11043, 11043, A1A2, 0, 0, 99},
    {11052, 11052, ALL, 0, 0, 1},
    {11077, 11077, ALL, 2, -10, 20},
    {11078, 11078, ALL, 20, 5, 40},
    {11079, 11079, A2 | A9, 90, 10, 110},
    {11080, 11080, A2 | A9, 60, 5, 250},
    {11085, 11085, ALL, 0, 0, 1},
    {11093, 11093, ALL, 10, 5, 40},
    {11109, 11109, A1A2, 0, 0, 10},
    {11112, 11119, A1A2, 0, 0, 999},
    {11141, 11142, A1A2, 0, 0, 16},
    {11147, 11147, A1A2, 10, 0, 30},
    {11148, 11148, A1A2, 10, 0, 30},
    {11149, 11149, A1A2, 10, 1, 99},
    {11150, 11150, A1A2, 30, 10, 50},
    {11174, 11174, ALL, 15, 9, 59},
    {11175, 11175, ALL, 10, 1, 40},
    {11177, 11177, ALL, 10, 10, 150},
    {11178, 11178, ALL, 90, 10, 150},
    {11179, 11179, ALL, 20, 0, 50},
    {11180, 11180, A1A2, 200, 100, 300},
    {11181, 11181, A1A2, 180, 100, 300},
    {11182, 11182, A1A2, -40, -99, 0},
    {11183, 11183, A1A2, 0, 0, 99},
    {11184, 11184, ALL, 80, 5, 250},
    {11185, 11185, ALL, 30, 1, 999},
    {11186, 11186, ALL, 60, 5, 250},
    {11187, 11187, ALL, 2, 1, 9},
    {11189, 11189, ALL, 3, 2, 50},
    {11400, 11400, ALL, 75, 10, 150},
    {11401, 11401, ALL, 60, 10, 150},
    {11402, 11402, ALL, 50, 10, 150},
    {11403, 11403, ALL, 45, 10, 150},
    {11404, 11404, ALL, 40, 10, 150},
    {11405, 11405, ALL, 28, 10, 150},
    {11607, 11610, A9, 100, 0, 999},
    {11614, 11615, A9, 100, 0, 999},
    {11617, 11617, A9, 20, 0, 999},
    {11636, 11637, A9, 0, 0, 999},
    /* circuit 2: hot water */
    {12022, 12022, ALL, 1, 0, 1},
    {12030, 12030, ALL, 45, 10, 110},
    {12035, 12035, ALL, 0, -99, 99},
    {12036, 12036, ALL, 0, -99, 99},
    {12037, 12037, ALL, 25, 0, 50},
    {12077, 12077, ALL, 2, -10, 20},
    {12078, 12078, ALL, 20, 5, 40},
    {12085, 12085, A1A2, 0, 0, 1},
    {12093, 12093, ALL, 10, 5, 40},
    {12094, 12097, A2, 20, 0, 999},
    {12109, 12109, A1A2, 0, 0, 10},
    {12111, 12115, A1A2, 0, 0, 999},
    {12122, 12122, A1A2, 0, 0, 127},
    {12123, 12123, A1A2, 4, 0, 47},
    {12124, 12124, A1A2, 120, 10, 600},
    {12125, 12125, A1A2, 9, 9, 110},
    {12141, 12142, A1A2, 0, 0, 16},
    {12147, 12148, A1A2, 10, 0, 30},
    {12149, 12149, A1A2, 10, 1, 99},
    {12150, 12150, A1A2, 30, 10, 50},
    {12173, 12173, ALL, 0, 0, 1},
    {12174, 12174, ALL, 15, 9, 59},
    {12177, 12177, ALL, 45, 10, 150},
    {12178, 12178, ALL, 65, 10, 150},
    {12184, 12184, A1 | A9, 90, 5, 250},
    {12185, 12185, ALL, 13, 1, 999},
    {12186, 12186, ALL, 35, 5, 250},
    {12187, 12187, ALL, 3, 1, 9},
    {12189, 12189, ALL, 3, 2, 50},
    {12190, 12190, A1, 550, 100, 1100},
    {12191, 12191, A1, 450, 100, 1100},
    /* clock */
    {64045, 64045, ALL, 0, 0, 23},
    {64046, 64046, ALL, 0, 0, 59},
    {64047, 64047, ALL, 1, 1, 31},
    {64048, 64048, ALL, 1, 1, 12},
    {64049, 64049, ALL, 2024, 2009, 2099},
};
/* clang-format on */

/* One M-Bus meter block of the controller: offsets 0..23 exist. */
#define METER_BASE 6000
#define METER_STRIDE 50
#define METER_LAST 23
#define METERS 5

static enum hyp_status add_rows(struct sim_ecl *ecl, uint8_t subtype_bit)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(map_rows); i++) {
        const struct map_row *row = &map_rows[i];
        if ((row->subtypes & subtype_bit) == 0) {
            continue;
        }
        for (unsigned number = row->first; number <= row->last; number++) {
            enum hyp_status status = sim_registers_add(&ecl->registers, (uint16_t)number,
                                                       row->value, row->min, row->max);
            if (status != HYP_OK) {
                return status;
            }
        }
    }
    return HYP_OK;
}

/* Six registers per day: start and stop of three periods as HHMM. */
static enum hyp_status add_schedule(struct sim_ecl *ecl, unsigned circuit, int start, int stop)
{
    for (unsigned day = 1; day <= 7; day++) {
        for (unsigned k = 0; k < 6; k++) {
            unsigned number = 3000 + 100 * circuit + 10 * day + k;
            int value = k == 0 ? start : k == 1 ? stop : 0;
            enum hyp_status status =
                sim_registers_add(&ecl->registers, (uint16_t)number, value, 0, 2400);
            if (status != HYP_OK) {
                return status;
            }
        }
    }
    return HYP_OK;
}

static enum hyp_status add_meters(struct sim_ecl *ecl)
{
    for (unsigned meter = 0; meter < METERS; meter++) {
        for (unsigned offset = 0; offset <= METER_LAST; offset++) {
            unsigned number = METER_BASE + METER_STRIDE * meter + offset;
            bool connected = meter == 0 && ecl->meter != NULL;
            int value = 0;
            int min = 1;
            int max = 0;
            if (offset == 0) {
                value = connected ? 1 : 255;
                min = 0;
                max = 255;
            } else if (offset == 1) {
                value = 1;
                min = 0;
                max = 3;
            } else if (offset == 2) {
                value = 60;
                min = 10;
                max = 3600;
            }
            enum hyp_status status =
                sim_registers_add(&ecl->registers, (uint16_t)number, value, min, max);
            if (status != HYP_OK) {
                return status;
            }
        }
    }
    return HYP_OK;
}

static void set_identity(struct sim_ecl *ecl)
{
    struct sim_registers *registers = &ecl->registers;
    const struct sim_ecl_plan *plan = &ecl->plan;
    sim_registers_set(registers, 35, plan->software);
    sim_registers_set(registers, 36, (int)(plan->serial >> 16));
    sim_registers_set(registers, 37, (int)(plan->serial & 0xFFFF));
    sim_registers_set(registers, 38, plan->unit);
    sim_registers_set(registers, 2060, 'A');
    sim_registers_set(registers, 2061, 266);
    sim_registers_set(registers, 2062, plan->subtype);
    sim_registers_set(registers, 2063, plan->app_version);
}

/* The commissioning engineer has tuned each curve to its building. */
static void tune_curve(struct sim_ecl *ecl)
{
    for (uint16_t number = 11400; number <= 11405; number++) {
        double flow = sim_registers_get(&ecl->registers, number);
        double tuned = 20.0 + (flow - 20.0) * ecl->plan.curve_steepness;
        sim_registers_set(&ecl->registers, number, (int)lround(tuned));
    }
}

enum hyp_status sim_ecl_fill_map(struct sim_ecl *ecl)
{
    uint8_t bit = ecl->plan.subtype == 2 ? A2 : ecl->plan.subtype == 9 ? A9 : A1;
    enum hyp_status status = add_rows(ecl, bit);
    if (status == HYP_OK) {
        status = add_schedule(ecl, 1, 500, 2230);
    }
    if (status == HYP_OK) {
        status = add_schedule(ecl, 2, 430, 2330);
    }
    if (status == HYP_OK) {
        status = add_meters(ecl);
    }
    if (status == HYP_OK) {
        set_identity(ecl);
        tune_curve(ecl);
    }
    return status;
}
