/* SPDX-License-Identifier: Apache-2.0 */
/* Heat meters that count in BCD: Danfoss, Landis+Gyr, Engelmann; Zenner behind a radio adapter.
 */
#include "sim/civil.h"
#include "sim/make.h"

/* What these meters show where a sensor is missing: no digits, but error nibbles. */
static void put_error(struct sim_apdu *apdu, const uint8_t *header, size_t header_len,
                      size_t data_len)
{
    static const uint8_t pattern[4] = {0xBD, 0xEB, 0xDD, 0xDD};
    sim_apdu_put_bytes(apdu, header, header_len, pattern, data_len);
}
#define PUT_ERROR(apdu, data_len, ...)                                                         \
    put_error((apdu), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}),  \
              (data_len))

/* Fabrication number: the digits of the address, which need not be decimal. */
static void put_own_id(const struct sim_moment *moment, struct sim_apdu *apdu)
{
    static const uint8_t header[] = {0x0C, 0x78};
    uint32_t id = moment->meter->identity.id;
    uint8_t data[4] = {(uint8_t)id, (uint8_t)(id >> 8), (uint8_t)(id >> 16),
                       (uint8_t)(id >> 24)};
    sim_apdu_put_bytes(apdu, header, sizeof(header), data, sizeof(data));
}

static void write_sono_momentary(const struct sim_moment *moment, struct sim_apdu *apdu)
{
    const struct sim_state *now = &moment->now;
    if (moment->meter->defects.no_sensors) {
        PUT_ERROR(apdu, 4, 0x3C, 0x2B);
        SIM_PUT(apdu, sim_rounded(now->flow_l_h, 1), 0x0C, 0x3B);
        PUT_ERROR(apdu, 2, 0x3A, 0x5A);
        PUT_ERROR(apdu, 2, 0x3A, 0x5E);
        PUT_ERROR(apdu, 2, 0x3A, 0x62);
        return;
    }
    SIM_PUT(apdu, sim_rounded(now->power_kw, 0.001), 0x0C, 0x2B);
    SIM_PUT(apdu, sim_rounded(now->flow_l_h, 1), 0x0C, 0x3B);
    SIM_PUT(apdu, sim_rounded(now->flow_c, 0.1), 0x0A, 0x5A);
    SIM_PUT(apdu, sim_rounded(now->return_c, 0.1), 0x0A, 0x5E);
    SIM_PUT(apdu, sim_rounded(now->flow_c - now->return_c, 0.1), 0x0A, 0x62);
}

void sim_write_sonometer(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    (void)telegram;
    const struct sim_state *now = &moment->now;
    int64_t month = sim_month_start(moment->now_ms, 0);
    struct sim_state then = sim_moment_past(moment, month);
    put_own_id(moment, apdu);
    SIM_PUT(apdu, sim_counted(now->energy_kwh, 1), 0x0C, 0x06);
    SIM_PUT(apdu, sim_counted(now->volume_l, 1), 0x0C, 0x13);
    write_sono_momentary(moment, apdu);
    SIM_PUT(apdu, sim_counted(now->hours_on / 24.0, 1), 0x0A, 0x27);
    SIM_PUT(apdu, sim_type_f(moment->now_ms), 0x04, 0x6D);
    SIM_PUT(apdu, sim_counted(then.energy_kwh, 1), 0x4C, 0x06);
    SIM_PUT(apdu, sim_counted(then.volume_l, 1), 0x4C, 0x13);
    SIM_PUT(apdu, sim_type_g(month), 0x42, 0x6C);
    SIM_PUT(apdu, moment->meter->defects.no_sensors ? 0x05 : 0, 0x02, 0xFD, 0x17);
}

static void write_t550_now(struct sim_moment *moment, struct sim_apdu *apdu)
{
    const struct sim_state *now = &moment->now;
    struct sim_peak peak = sim_moment_peak(moment, 0);
    SIM_PUT(apdu, 4, 0x09, 0x74);
    SIM_PUT(apdu, 4, 0x09, 0x70);
    SIM_PUT(apdu, sim_counted(now->energy_kwh, 1), 0x0C, 0x06);
    SIM_PUT(apdu, sim_counted(now->volume_l, 10), 0x0C, 0x14);
    SIM_PUT(apdu, sim_rounded(now->power_kw, 0.1), 0x0B, 0x2D);
    SIM_PUT(apdu, sim_rounded(now->flow_l_h, 1), 0x0B, 0x3B);
    SIM_PUT(apdu, sim_rounded(now->flow_c, 0.1), 0x0A, 0x5A);
    SIM_PUT(apdu, sim_rounded(now->return_c, 0.1), 0x0A, 0x5E);
    SIM_PUT(apdu, sim_rounded(now->flow_c - now->return_c, 0.01), 0x0B, 0x61);
    SIM_PUT(apdu, sim_counted(now->hours_on, 1), 0x0C, 0x22);
    SIM_PUT(apdu, 3, 0x3C, 0x22); /* hours in error state, not hours on */
    SIM_PUT(apdu, 0, 0x8C, 0x10, 0x06);
    SIM_PUT(apdu, 0, 0x8C, 0x20, 0x06);
    SIM_PUT(apdu, sim_rounded(peak.power_kw, 0.1), 0x9B, 0x10, 0x2D);
    SIM_PUT(apdu, sim_rounded(peak.flow_l_h, 1), 0x9B, 0x10, 0x3B);
    SIM_PUT(apdu, sim_type_f(peak.power_ms), 0x94, 0x10, 0xAD, 0x6F);
    SIM_PUT(apdu, sim_type_f(peak.flow_ms), 0x94, 0x10, 0xBB, 0x6F);
}

static void write_t550_month(struct sim_moment *moment, struct sim_apdu *apdu)
{
    int64_t month = sim_month_start(moment->now_ms, 0);
    struct sim_state then = sim_moment_past(moment, month);
    struct sim_peak peak = sim_moment_peak(moment, 1);
    SIM_PUT(apdu, sim_type_g(month), 0x42, 0x6C);
    SIM_PUT(apdu, sim_counted(then.energy_kwh, 1), 0x4C, 0x06);
    SIM_PUT(apdu, sim_counted(then.volume_l, 10), 0x4C, 0x14);
    SIM_PUT(apdu, 0, 0xCC, 0x10, 0x06);
    SIM_PUT(apdu, sim_rounded(peak.power_kw, 0.1), 0xDB, 0x10, 0x2D);
    SIM_PUT(apdu, sim_rounded(peak.flow_l_h, 1), 0xDB, 0x10, 0x3B);
    /* Lowest difference of the month ran backwards for a moment: BCD with minus nibble. */
    SIM_PUT(apdu, -12, 0x6B, 0x61);
}

static void write_t550_year(const struct sim_moment *moment, struct sim_apdu *apdu)
{
    int64_t year = sim_year_start(moment->now_ms);
    struct sim_state then = sim_moment_past(moment, year);
    SIM_PUT(apdu, sim_type_g(year), 0x82, 0x01, 0x6C);
    SIM_PUT(apdu, sim_counted(then.energy_kwh, 1), 0x8C, 0x01, 0x06);
    SIM_PUT(apdu, sim_counted(then.volume_l, 10), 0x8C, 0x01, 0x14);
    SIM_PUT(apdu, sim_type_f(moment->now_ms), 0x04, 0x6D);
}

void sim_write_t550(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    static const uint8_t more = 0x1F;
    static const uint8_t own_data[] = {0x0F, 0x01, 0x00, 0x60, 0x12, 0x00};
    switch (telegram) {
    case 0:
        write_t550_now(moment, apdu);
        sim_apdu_put_tail(apdu, &more, 1);
        break;
    case 1:
        write_t550_month(moment, apdu);
        sim_apdu_put_tail(apdu, &more, 1);
        break;
    default:
        write_t550_year(moment, apdu);
        sim_apdu_put_tail(apdu, own_data, sizeof(own_data));
        break;
    }
}

/* Error flags: 01 flow sensor broken .. 80 battery low; swapped sensors are not noticed. */
static int64_t sensostar_flags(const struct sim_moment *moment)
{
    return moment->meter->defects.battery_low ? 0x80 : 0;
}

void sim_write_sensostar(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu)
{
    (void)telegram;
    const struct sim_state *now = &moment->now;
    int64_t year = sim_year_start(moment->now_ms);
    struct sim_state then = sim_moment_past(moment, year);
    SIM_PUT(apdu, sim_type_f(moment->now_ms), 0x04, 0x6D);
    SIM_PUT(apdu, sim_counted(now->energy_kwh, 1), 0x0C, 0x06);
    SIM_PUT(apdu, sim_counted(now->volume_l, 1), 0x0C, 0x13);
    SIM_PUT(apdu, sim_rounded(now->flow_l_h, 1), 0x0B, 0x3B);
    SIM_PUT(apdu, sim_rounded(now->power_kw, 0.001), 0x0C, 0x2B);
    SIM_PUT(apdu, sim_rounded(now->flow_c, 0.1), 0x0A, 0x5A);
    SIM_PUT(apdu, sim_rounded(now->return_c, 0.1), 0x0A, 0x5E);
    SIM_PUT(apdu, sim_rounded(now->flow_c - now->return_c, 0.01), 0x0B, 0x61);
    SIM_PUT(apdu, sim_counted(now->hours_on / 24.0, 1), 0x02, 0x23);
    SIM_PUT(apdu, 17, 0x09, 0xFD, 0x0E);
    SIM_PUT(apdu, sim_type_g(year), 0x42, 0x6C);
    SIM_PUT(apdu, sim_counted(then.energy_kwh, 1), 0x4C, 0x06);
    SIM_PUT(apdu, sim_counted(then.volume_l, 1), 0x4C, 0x13);
    SIM_PUT(apdu, sensostar_flags(moment), 0x02, 0xFD, 0x17);
}

void sim_write_sensostar_radio(struct sim_moment *moment, unsigned telegram,
                               struct sim_apdu *apdu)
{
    (void)telegram;
    const struct sim_state *now = &moment->now;
    SIM_PUT(apdu, sim_type_f(moment->now_ms), 0x04, 0x6D);
    SIM_PUT(apdu, sim_counted(now->energy_kwh, 1), 0x04, 0x06);
    SIM_PUT(apdu, sensostar_flags(moment), 0x01, 0xFD, 0x17);
    SIM_PUT(apdu, sim_counted(now->volume_l, 1), 0x04, 0x13);
    SIM_PUT(apdu, sim_rounded(now->flow_l_h, 1), 0x04, 0x3B);
    SIM_PUT(apdu, sim_rounded(now->power_kw, 0.001), 0x04, 0x2B);
    SIM_PUT(apdu, sim_rounded(now->flow_c, 0.1), 0x02, 0x5A);
    SIM_PUT(apdu, sim_rounded(now->return_c, 0.1), 0x02, 0x5E);
    SIM_PUT(apdu, sim_rounded(now->flow_c - now->return_c, 0.01), 0x02, 0x61);
}

void sim_write_zelsius_radio(struct sim_moment *moment, unsigned telegram,
                             struct sim_apdu *apdu)
{
    (void)telegram;
    const struct sim_state *now = &moment->now;
    int64_t year = sim_year_start(moment->now_ms);
    SIM_PUT(apdu, sim_counted(now->energy_kwh, 1), 0x04, 0x06);
    SIM_PUT(apdu, sim_counted(now->volume_l, 1), 0x04, 0x13);
    SIM_PUT(apdu, sim_type_g(year), 0x82, 0x04, 0x6C);
    SIM_PUT(apdu, sim_counted(sim_moment_past(moment, year).energy_kwh, 1), 0x84, 0x04, 0x06);
    SIM_PUT(apdu, sim_rounded(now->flow_l_h, 1), 0x04, 0x3B);
    SIM_PUT(apdu, sim_rounded(now->power_kw, 0.1), 0x04, 0x2D);
    SIM_PUT(apdu, sim_rounded(now->flow_c, 0.01), 0x02, 0x59);
    SIM_PUT(apdu, sim_rounded(now->return_c, 0.01), 0x02, 0x5D);
    SIM_PUT(apdu, 0, 0x02, 0xFD, 0x17);
}
