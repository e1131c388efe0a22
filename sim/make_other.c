/* SPDX-License-Identifier: Apache-2.0 */
/* Water meters and heat cost allocators of other makers. */
#include "sim/civil.h"
#include "sim/make.h"

/* OMS error flags of a leaking pipe. */
static int64_t water_flags(const struct sim_moment *moment)
{
    return moment->now.burst ? 0x0010 : 0;
}

void sim_write_hydrus(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    (void)telegram;
    const struct sim_state *now = &moment->now;
    int64_t year = sim_year_start(moment->now_ms);
    SIM_PUT(apdu, sim_counted(now->volume_l, 1), 0x0C, 0x13);
    SIM_PUT(apdu, 0, 0x8C, 0x10, 0x13);
    SIM_PUT(apdu, sim_rounded(now->flow_l_h, 1), 0x0B, 0x3B);
    SIM_PUT(apdu, sim_rounded(now->flow_c, 0.1), 0x02, 0x5A);
    SIM_PUT(apdu, sim_type_f(moment->now_ms), 0x04, 0x6D);
    SIM_PUT(apdu, sim_counted(sim_moment_past(moment, year).volume_l, 1), 0x4C, 0x13);
    SIM_PUT(apdu, sim_type_g(year), 0x42, 0x6C);
    SIM_PUT(apdu, water_flags(moment), 0x02, 0xFD, 0x17);
    SIM_PUT(apdu, 2900, 0x02, 0xFD, 0x74);
}

void sim_write_hydrus_radio(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    (void)telegram;
    const struct sim_state *now = &moment->now;
    int64_t year = sim_year_start(moment->now_ms);
    SIM_PUT(apdu, sim_counted(now->volume_l, 1), 0x0C, 0x13);
    SIM_PUT(apdu, sim_counted(sim_moment_past(moment, year).volume_l, 1), 0x4C, 0x13);
    SIM_PUT(apdu, sim_type_g(year), 0x42, 0x6C);
    SIM_PUT(apdu, sim_rounded(now->flow_l_h, 1), 0x0B, 0x3B);
    SIM_PUT(apdu, water_flags(moment), 0x02, 0xFD, 0x17);
    SIM_PUT(apdu, sim_rounded(now->flow_c, 0.1), 0x02, 0x5A);
}

void sim_write_minomess(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    (void)telegram;
    int64_t year = sim_year_start(moment->now_ms);
    SIM_PUT(apdu, sim_counted(moment->now.volume_l, 1), 0x0C, 0x13);
    SIM_PUT(apdu, sim_type_g(moment->now_ms), 0x02, 0x6C);
    SIM_PUT(apdu, sim_counted(sim_moment_past(moment, year).volume_l, 1), 0x4C, 0x13);
    SIM_PUT(apdu, sim_type_g(year), 0x42, 0x6C);
    SIM_PUT(apdu, water_flags(moment), 0x02, 0xFD, 0x17);
}

/* Units since the due date (the turn of the year); past years by the same subtraction. */
static double units_between(const struct sim_moment *moment, int64_t from_ms, int64_t to_ms)
{
    return sim_moment_past(moment, to_ms).allocator_units -
           sim_moment_past(moment, from_ms).allocator_units;
}

void sim_write_qcaloric(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    (void)telegram;
    int64_t due = sim_year_start(moment->now_ms);
    int64_t year_before = sim_year_start(due - SIM_DAY_MS);
    int64_t month = sim_month_start(moment->now_ms, 0);
    double until_month = month > due ? units_between(moment, due, month) : 0.0;
    SIM_PUT(apdu, sim_counted(units_between(moment, due, moment->now_ms), 1), 0x0B, 0x6E);
    SIM_PUT(apdu, sim_counted(units_between(moment, year_before, due), 1), 0x4B, 0x6E);
    SIM_PUT(apdu, sim_type_g(due - SIM_DAY_MS), 0x42, 0x6C);
    SIM_PUT(apdu, sim_counted(until_month, 1), 0xCB, 0x08, 0x6E);
    SIM_PUT(apdu, sim_type_g(month - SIM_DAY_MS), 0xC2, 0x08, 0x6C);
    SIM_PUT(apdu, 0xFFFF, 0x32, 0x6C); /* no fault: date not set */
    SIM_PUT(apdu, sim_type_f(moment->now_ms), 0x04, 0x6D);
}

void sim_write_sontex868(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    (void)telegram;
    int64_t due = sim_year_start(moment->now_ms);
    int64_t year_before = sim_year_start(due - SIM_DAY_MS);
    SIM_PUT(apdu, sim_type_f(moment->now_ms), 0x04, 0x6D);
    SIM_PUT(apdu, sim_counted(units_between(moment, due, moment->now_ms), 1), 0x03, 0x6E);
    SIM_PUT(apdu, sim_type_g(due - SIM_DAY_MS), 0x42, 0x6C);
    SIM_PUT(apdu, sim_counted(units_between(moment, year_before, due), 1), 0x43, 0x6E);
    SIM_PUT(apdu, sim_rounded(moment->now.radiator_c, 0.01), 0x02, 0x59);
    SIM_PUT(apdu, sim_rounded(moment->now.room_c, 0.01), 0x02, 0x65);
}
