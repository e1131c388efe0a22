/* SPDX-License-Identifier: Apache-2.0 */
/* Kamstrup: binary integers, own VIFs behind FF, information code FF 22. */
#include "sim/civil.h"
#include "sim/make.h"

/* Bits of the 32-bit information code of MULTICAL 403/603/803. */
#define INFO_LOW_BATTERY ((int64_t)1 << 1)
#define INFO_WRONG_POLARITY ((int64_t)1 << 7)

static int64_t info_code(const struct sim_moment *moment)
{
    int64_t info = 0;
    if (moment->meter->defects.battery_low) {
        info |= INFO_LOW_BATTERY;
    }
    if (moment->now.swapped) {
        info |= INFO_WRONG_POLARITY;
    }
    return info;
}

static void write_current(struct sim_moment *moment, struct sim_apdu *apdu)
{
    const struct sim_state *now = &moment->now;
    struct sim_peak peak = sim_moment_peak(moment, 0);
    SIM_PUT(apdu, sim_counted(now->energy_kwh, 1), 0x04, 0x06);
    SIM_PUT(apdu, sim_counted(now->flow_energy, 1), 0x04, 0xFF, 0x07);
    SIM_PUT(apdu, sim_counted(now->return_energy, 1), 0x04, 0xFF, 0x08);
    SIM_PUT(apdu, sim_counted(now->volume_l, 10), 0x04, 0x14);
    SIM_PUT(apdu, sim_counted(now->hours_on, 1), 0x04, 0x22);
    SIM_PUT(apdu, sim_rounded(now->flow_c, 0.01), 0x02, 0x59);
    SIM_PUT(apdu, sim_rounded(now->return_c, 0.01), 0x02, 0x5D);
    SIM_PUT(apdu, sim_rounded(now->flow_c - now->return_c, 0.01), 0x02, 0x61);
    SIM_PUT(apdu, sim_rounded(now->power_kw, 0.1), 0x04, 0x2D);
    SIM_PUT(apdu, sim_rounded(peak.power_kw, 0.1), 0x14, 0x2D);
    SIM_PUT(apdu, sim_rounded(now->flow_l_h, 1), 0x04, 0x3B);
    SIM_PUT(apdu, sim_rounded(peak.flow_l_h, 1), 0x14, 0x3B);
    SIM_PUT(apdu, 0, 0x84, 0x10, 0x06);
    SIM_PUT(apdu, 0, 0x84, 0x20, 0x06);
    SIM_PUT(apdu, 0, 0x84, 0x40, 0x14);
    SIM_PUT(apdu, 0, 0x84, 0x80, 0x40, 0x14);
    SIM_PUT(apdu, info_code(moment), 0x04, 0xFF, 0x22);
    SIM_PUT(apdu, sim_type_f(moment->now_ms), 0x04, 0x6D);
}

/* Storage 1: the month that ended last. */
static void write_last_month(struct sim_moment *moment, struct sim_apdu *apdu)
{
    int64_t month = sim_month_start(moment->now_ms, 0);
    struct sim_state then = sim_moment_past(moment, month);
    struct sim_peak peak = sim_moment_peak(moment, 1);
    SIM_PUT(apdu, sim_counted(then.energy_kwh, 1), 0x44, 0x06);
    SIM_PUT(apdu, sim_counted(then.flow_energy, 1), 0x44, 0xFF, 0x07);
    SIM_PUT(apdu, sim_counted(then.return_energy, 1), 0x44, 0xFF, 0x08);
    SIM_PUT(apdu, sim_counted(then.volume_l, 10), 0x44, 0x14);
    SIM_PUT(apdu, sim_rounded(peak.power_kw, 0.1), 0x54, 0x2D);
    SIM_PUT(apdu, sim_rounded(peak.flow_l_h, 1), 0x54, 0x3B);
    SIM_PUT(apdu, sim_type_g(month), 0x42, 0x6C);
}

void sim_write_multical(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    (void)telegram;
    write_current(moment, apdu);
    write_last_month(moment, apdu);
}

/* Month ends 2..13 as storages 2..13; one DIFE carries storage bits 1..4. */
static void write_log(struct sim_moment *moment, struct sim_apdu *apdu)
{
    for (int back = 2; back <= 13; back++) {
        int64_t month = sim_month_start(moment->now_ms, back - 1);
        if (month < SIM_EPOCH_MS) {
            break;
        }
        struct sim_state then = sim_moment_past(moment, month);
        uint8_t low = (uint8_t)((back & 1) << 6);
        uint8_t dife = (uint8_t)(back >> 1);
        SIM_PUT(apdu, sim_type_g(month), (uint8_t)(0x82 | low), dife, 0x6C);
        SIM_PUT(apdu, sim_counted(then.energy_kwh, 1), (uint8_t)(0x84 | low), dife, 0x06);
    }
}

void sim_write_multical_log(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    if (telegram == 0) {
        write_current(moment, apdu);
        write_last_month(moment, apdu);
        sim_apdu_put_tail(apdu, (const uint8_t[]){0x1F}, 1);
    } else {
        write_log(moment, apdu);
    }
}

/* The order is the wire's; a compact frame repeats it without DIF and VIF. */
void sim_write_multical_radio(struct sim_moment *moment, unsigned telegram,
                              struct sim_apdu *apdu)
{
    (void)telegram;
    const struct sim_state *now = &moment->now;
    int64_t month = sim_month_start(moment->now_ms, 0);
    struct sim_state then = sim_moment_past(moment, month);
    SIM_PUT(apdu, sim_counted(now->energy_kwh, 1), 0x04, 0x06);
    SIM_PUT(apdu, sim_counted(now->flow_energy, 1), 0x04, 0xFF, 0x07);
    SIM_PUT(apdu, sim_counted(now->return_energy, 1), 0x04, 0xFF, 0x08);
    SIM_PUT(apdu, sim_counted(now->volume_l, 10), 0x04, 0x14);
    SIM_PUT(apdu, sim_rounded(now->flow_l_h, 1), 0x02, 0x3B);
    SIM_PUT(apdu, sim_rounded(now->power_kw, 0.1), 0x02, 0x2D);
    SIM_PUT(apdu, sim_rounded(now->flow_c, 0.01), 0x02, 0x59);
    SIM_PUT(apdu, sim_rounded(now->return_c, 0.01), 0x02, 0x5D);
    SIM_PUT(apdu, sim_counted(then.energy_kwh, 1), 0x44, 0x06);
    SIM_PUT(apdu, sim_counted(then.volume_l, 10), 0x44, 0x14);
    SIM_PUT(apdu, sim_type_g(month), 0x42, 0x6C);
    SIM_PUT(apdu, info_code(moment), 0x04, 0xFF, 0x22);
}

/* Water information bits of `02 FF 20`: 01 dry, 02 reverse, 04 leak, 08 burst. */
static int64_t water_info(const struct sim_moment *moment)
{
    return moment->now.burst ? 0x0C : 0;
}

void sim_write_flowiq(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    (void)telegram;
    const struct sim_state *now = &moment->now;
    int64_t month = sim_month_start(moment->now_ms, 0);
    SIM_PUT(apdu, sim_counted(now->volume_l, 1), 0x04, 0x13);
    SIM_PUT(apdu, sim_counted(now->hours_on, 1), 0x04, 0x22);
    SIM_PUT(apdu, sim_rounded(now->flow_l_h, 1), 0x02, 0x3B);
    SIM_PUT(apdu, sim_rounded(now->flow_c, 1), 0x01, 0x5B);
    SIM_PUT(apdu, sim_rounded(now->room_c, 1), 0x01, 0x67);
    SIM_PUT(apdu, water_info(moment), 0x02, 0xFF, 0x20);
    SIM_PUT(apdu, sim_type_f(moment->now_ms), 0x04, 0x6D);
    SIM_PUT(apdu, sim_counted(sim_moment_past(moment, month).volume_l, 1), 0x44, 0x13);
    SIM_PUT(apdu, sim_type_g(month), 0x42, 0x6C);
}

void sim_write_flowiq_radio(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    (void)telegram;
    const struct sim_state *now = &moment->now;
    int64_t month = sim_month_start(moment->now_ms, 0);
    SIM_PUT(apdu, water_info(moment), 0x02, 0xFF, 0x20);
    SIM_PUT(apdu, sim_counted(now->volume_l, 1), 0x04, 0x13);
    SIM_PUT(apdu, sim_counted(sim_moment_past(moment, month).volume_l, 1), 0x44, 0x13);
    SIM_PUT(apdu, sim_rounded(now->flow_c, 1), 0x61, 0x5B);
    SIM_PUT(apdu, sim_rounded(now->room_c, 1), 0x61, 0x67);
}

/* Phase values spread the power over three conductors that never carry quite the same. */
static void write_phases(const struct sim_moment *moment, struct sim_apdu *apdu)
{
    static const double share[3] = {0.41, 0.33, 0.26};
    for (unsigned phase = 0; phase < 3; phase++) {
        double wave = sim_climate_outdoor(moment->climate, moment->now_ms + phase * 977);
        double volt = 230.0 + 0.4 * (double)phase - 0.1 * wave;
        double ampere = moment->now.power_kw * 1000.0 * share[phase] / volt;
        uint8_t code = (uint8_t)(phase + 1);
        SIM_PUT(apdu, sim_rounded(volt, 0.1), 0x02, 0xFD, 0xC8, 0xFC, code);
        SIM_PUT(apdu, sim_rounded(ampere, 0.01), 0x02, 0xFD, 0xDA, 0xFC, code);
    }
}

void sim_write_omnipower(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    (void)telegram;
    const struct sim_state *now = &moment->now;
    int64_t month = sim_month_start(moment->now_ms, 0);
    SIM_PUT(apdu, sim_counted(now->energy_kwh, 0.01), 0x04, 0x04);
    SIM_PUT(apdu, 0, 0x04, 0x84, 0x3C);
    SIM_PUT(apdu, sim_rounded(now->power_kw, 0.001), 0x04, 0x2B);
    SIM_PUT(apdu, 0, 0x04, 0xAB, 0x3C);
    write_phases(moment, apdu);
    SIM_PUT(apdu, sim_type_f(moment->now_ms), 0x04, 0x6D);
    SIM_PUT(apdu, sim_counted(sim_moment_past(moment, month).energy_kwh, 0.01), 0x44, 0x04);
    SIM_PUT(apdu, sim_type_g(month), 0x42, 0x6C);
}

void sim_write_omnipower_radio(struct sim_moment *moment, unsigned telegram,
                               struct sim_apdu *apdu)
{
    (void)telegram;
    SIM_PUT(apdu, sim_counted(moment->now.energy_kwh, 0.01), 0x04, 0x04);
    SIM_PUT(apdu, 0, 0x04, 0x84, 0x3C);
    SIM_PUT(apdu, sim_rounded(moment->now.power_kw, 0.001), 0x04, 0x2B);
    SIM_PUT(apdu, 0, 0x04, 0xAB, 0x3C);
}
