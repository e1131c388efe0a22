/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/meter.h"

#include "sim/civil.h"
#include "sim/noise.h"

#include <math.h>

/* What a torn pipe loses. */
#define BURST_L_H 540.0

static struct sim_flow weighted(struct sim_flow a, double weight_a, struct sim_flow b,
                                double weight_b)
{
    return (struct sim_flow){.total = a.total * weight_a + b.total * weight_b,
                             .rate = a.rate * weight_a + b.rate * weight_b};
}

/* One of the three heat series (energy, volume, volume x supply) of the whole plant. */
static struct sim_flow heat_flow(const struct sim_meter *meter,
                                 const struct sim_climate *climate, unsigned step,
                                 int64_t utc_ms)
{
    const struct sim_plant *plant = &meter->plant;
    enum sim_series heat = (enum sim_series)((unsigned)SIM_SERIES_HEAT + step);
    enum sim_series tap = (enum sim_series)((unsigned)SIM_SERIES_TAP + step);
    /* Poor cooling moves more water for the same energy. */
    double water = step == 0 ? 1.0 : 1.0 / plant->cooling;
    struct sim_flow a = sim_climate_soft(climate, heat, plant->heat_a, utc_ms, meter->seed);
    struct sim_flow b = sim_climate_soft(climate, heat, plant->heat_b, utc_ms, meter->seed);
    struct sim_flow space = weighted(a, plant->design_kw * plant->mix * water, b,
                                     plant->design_kw * (1.0 - plant->mix) * water);
    if (plant->tap <= 0.0) {
        return space;
    }
    struct sim_flow hot = sim_climate_burst(climate, tap, plant->tap_kind, utc_ms, meter->seed);
    return weighted(space, 1.0, hot, plant->tap * water);
}

/* Temperatures follow from power and flow, so the three always agree. */
static void fill_temperatures(const struct sim_plant *plant, const struct sim_climate *climate,
                              int64_t utc_ms, struct sim_state *state)
{
    double supply = sim_climate_supply(climate, utc_ms) - plant->loss_k;
    if (state->flow_l_h < 1.0) {
        /* Standing water cools down in the pipe. */
        state->flow_c = 30.0 + (supply - 30.0) * 0.3;
        state->return_c = state->flow_c - 3.0;
        return;
    }
    state->flow_c = supply;
    state->return_c = supply - state->power_kw * SIM_LITRES_PER_KWH_K / state->flow_l_h;
}

static void heat_state(const struct sim_meter *meter, const struct sim_climate *climate,
                       int64_t utc_ms, struct sim_state *state)
{
    const struct sim_plant *plant = &meter->plant;
    const struct sim_defects *defects = &meter->defects;
    struct sim_flow volume = heat_flow(meter, climate, 1, utc_ms);
    struct sim_flow energy = heat_flow(meter, climate, 0, utc_ms);
    struct sim_flow warm = heat_flow(meter, climate, 2, utc_ms);
    state->volume_l = plant->start_volume + volume.total;
    state->flow_l_h = volume.rate;
    state->power_kw = energy.rate;
    state->energy_kwh = plant->start_energy + energy.total;
    state->flow_energy = (warm.total - plant->loss_k * volume.total) / 1000.0;
    state->return_energy = state->flow_energy - energy.total * SIM_LITRES_PER_KWH_K / 1000.0;
    fill_temperatures(plant, climate, utc_ms, state);
    if (sim_defect_holds(defects->swapped_ms, utc_ms)) {
        /* A negative difference is no heat: the register stands. */
        double standing = heat_flow(meter, climate, 0, defects->swapped_ms).total;
        double flow_c = state->flow_c;
        state->energy_kwh = plant->start_energy + standing;
        state->power_kw = 0.0;
        state->flow_c = state->return_c;
        state->return_c = flow_c;
        state->swapped = true;
    }
    if (sim_defect_holds(defects->stuck_ms, utc_ms)) {
        struct sim_meter healthy = *meter;
        healthy.defects.stuck_ms = 0;
        struct sim_state then;
        sim_meter_state(&healthy, climate, defects->stuck_ms, &then);
        state->return_c = then.return_c;
    }
}

static void water_state(const struct sim_meter *meter, const struct sim_climate *climate,
                        int64_t utc_ms, struct sim_state *state)
{
    const struct sim_plant *plant = &meter->plant;
    struct sim_flow drawn =
        sim_climate_burst(climate, SIM_SERIES_TAP, plant->tap_kind, utc_ms, meter->seed);
    double hours = (double)(utc_ms - SIM_EPOCH_MS) / (double)SIM_HOUR_MS;
    state->volume_l = plant->start_volume + plant->tap * drawn.total + plant->base_l_h * hours;
    state->flow_l_h = plant->tap * drawn.rate + plant->base_l_h;
    if (sim_defect_holds(meter->defects.burst_ms, utc_ms)) {
        double lost = (double)(utc_ms - meter->defects.burst_ms) / (double)SIM_HOUR_MS;
        state->volume_l += BURST_L_H * lost;
        state->flow_l_h += BURST_L_H;
        state->burst = true;
    }
    double season = cos(2.0 * M_PI * (double)(utc_ms - sim_year_start(utc_ms)) /
                        (365.25 * (double)SIM_DAY_MS));
    state->flow_c = 11.0 - 3.5 * season;
    state->room_c = 20.0 - 1.5 * season;
}

/* Counts of a radiator: over-temperature times the radiator's size, summed since the due date.
 */
static void allocator_state(const struct sim_meter *meter, const struct sim_climate *climate,
                            int64_t utc_ms, struct sim_state *state)
{
    const struct sim_plant *plant = &meter->plant;
    struct sim_flow heat =
        sim_climate_soft(climate, SIM_SERIES_HEAT, plant->heat_a, utc_ms, meter->seed);
    state->allocator_units = plant->tap * heat.total;
    state->room_c = 20.5 + sim_smooth(meter->seed, 1, (double)utc_ms / (6.0 * SIM_HOUR_MS));
    state->radiator_c = state->room_c + 30.0 * pow(fmin(heat.rate, 1.4), 0.77);
}

static void power_state(const struct sim_meter *meter, const struct sim_climate *climate,
                        int64_t utc_ms, struct sim_state *state)
{
    const struct sim_plant *plant = &meter->plant;
    struct sim_flow used =
        sim_climate_soft(climate, SIM_SERIES_POWER, plant->tap_kind, utc_ms, meter->seed);
    state->energy_kwh = plant->start_energy + plant->tap * used.total;
    state->power_kw = plant->tap * used.rate;
}

void sim_meter_state(const struct sim_meter *meter, const struct sim_climate *climate,
                     int64_t utc_ms, struct sim_state *ret_state)
{
    *ret_state = (struct sim_state){.hours_on = (double)(utc_ms - meter->plant.installed_ms) /
                                                (double)SIM_HOUR_MS};
    switch (meter->kind) {
    case SIM_KIND_HEAT: heat_state(meter, climate, utc_ms, ret_state); break;
    case SIM_KIND_WATER: water_state(meter, climate, utc_ms, ret_state); break;
    case SIM_KIND_ALLOCATOR: allocator_state(meter, climate, utc_ms, ret_state); break;
    case SIM_KIND_POWER: power_state(meter, climate, utc_ms, ret_state); break;
    case SIM_KIND_UNSET: break;
    }
}

struct sim_peak sim_meter_peak(const struct sim_meter *meter, const struct sim_climate *climate,
                               int64_t from_ms, int64_t to_ms)
{
    struct sim_peak peak = {.power_ms = from_ms, .flow_ms = from_ms};
    struct sim_state before;
    sim_meter_state(meter, climate, from_ms, &before);
    for (int64_t end = from_ms + SIM_HOUR_MS; end <= to_ms; end += SIM_HOUR_MS) {
        struct sim_state after;
        sim_meter_state(meter, climate, end, &after);
        double power = after.energy_kwh - before.energy_kwh;
        double flow = after.volume_l - before.volume_l;
        if (power > peak.power_kw) {
            peak.power_kw = power;
            peak.power_ms = end;
        }
        if (flow > peak.flow_l_h) {
            peak.flow_l_h = flow;
            peak.flow_ms = end;
        }
        before = after;
    }
    return peak;
}
