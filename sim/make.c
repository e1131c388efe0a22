/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/make.h"

#include "sim/civil.h"

#include <assert.h>
#include <math.h>

/* clang-format off */
static const struct sim_make makes[SIM_MAKE_COUNT] = {
    [SIM_MAKE_UNSET] = {"", "", SIM_KIND_UNSET, "---", 0, 0, 0, NULL},
    [SIM_MAKE_MULTICAL_603] = {"Kamstrup MULTICAL 603", "kamstrup_multical_603", SIM_KIND_HEAT, "KAM", 0x35, 0x04, 1, sim_write_multical},
    [SIM_MAKE_MULTICAL_603_LOG] = {"Kamstrup MULTICAL 603 with log", "kamstrup_multical_603", SIM_KIND_HEAT, "KAM", 0x35, 0x0C, 2, sim_write_multical_log},
    [SIM_MAKE_MULTICAL_403] = {"Kamstrup MULTICAL 403", "kamstrup_multical_403", SIM_KIND_HEAT, "KAM", 0x34, 0x04, 1, sim_write_multical},
    [SIM_MAKE_SONOMETER] = {"Danfoss SonoMeter 1100", "danfoss_sonometer", SIM_KIND_HEAT, "DFS", 0x2F, 0x04, 1, sim_write_sonometer},
    [SIM_MAKE_T550] = {"Landis+Gyr T550", "landis_gyr_t550", SIM_KIND_HEAT, "LUG", 0x04, 0x04, 3, sim_write_t550},
    [SIM_MAKE_SENSOSTAR] = {"Engelmann SensoStar", "engelmann_sensostar", SIM_KIND_HEAT, "EFE", 0x00, 0x04, 1, sim_write_sensostar},
    [SIM_MAKE_FLOWIQ] = {"Kamstrup flowIQ 2100", "kamstrup_flowiq", SIM_KIND_WATER, "KAM", 0x1B, 0x16, 1, sim_write_flowiq},
    [SIM_MAKE_HYDRUS] = {"Diehl HYDRUS", "generic_water", SIM_KIND_WATER, "DME", 0x70, 0x07, 1, sim_write_hydrus},
    [SIM_MAKE_MINOMESS] = {"Minol MINOMESS", "generic_water", SIM_KIND_WATER, "ZRI", 0x01, 0x06, 1, sim_write_minomess},
    [SIM_MAKE_OMNIPOWER] = {"Kamstrup OMNIPOWER", "kamstrup_omnipower", SIM_KIND_POWER, "KAM", 0x30, 0x02, 1, sim_write_omnipower},
    [SIM_MAKE_RADIO_MULTICAL_603] = {"Kamstrup MULTICAL 603, radio", "kamstrup_multical_603", SIM_KIND_HEAT, "KAM", 0x35, 0x04, 1, sim_write_multical_radio},
    [SIM_MAKE_RADIO_MULTICAL_403] = {"Kamstrup MULTICAL 403, radio", "kamstrup_multical_403", SIM_KIND_HEAT, "KAM", 0x34, 0x04, 1, sim_write_multical_radio},
    [SIM_MAKE_RADIO_FLOWIQ] = {"Kamstrup MULTICAL 21, radio", "kamstrup_flowiq", SIM_KIND_WATER, "KAM", 0x1B, 0x16, 1, sim_write_flowiq_radio},
    [SIM_MAKE_RADIO_SENSOSTAR] = {"Engelmann SensoStar, radio", "engelmann_sensostar", SIM_KIND_HEAT, "EFE", 0x00, 0x04, 1, sim_write_sensostar_radio},
    [SIM_MAKE_RADIO_HYDRUS] = {"Diehl HYDRUS, radio", "generic_water", SIM_KIND_WATER, "DME", 0x70, 0x07, 1, sim_write_hydrus_radio},
    [SIM_MAKE_RADIO_ZELSIUS] = {"Zenner zelsius C5 with adapter", "generic_heat", SIM_KIND_HEAT, "ZRI", 0x88, 0x04, 1, sim_write_zelsius_radio},
    [SIM_MAKE_RADIO_QCALORIC] = {"Qundis Q caloric 5", "qundis_caloric", SIM_KIND_ALLOCATOR, "QDS", 0x34, 0x08, 1, sim_write_qcaloric},
    [SIM_MAKE_RADIO_SONTEX868] = {"Sontex 868", "generic_hca", SIM_KIND_ALLOCATOR, "SON", 0x16, 0x08, 1, sim_write_sontex868},
    [SIM_MAKE_RADIO_MINOMESS] = {"Minol MINOMESS, radio", "generic_water", SIM_KIND_WATER, "ZRI", 0x01, 0x07, 1, sim_write_minomess},
    [SIM_MAKE_RADIO_OMNIPOWER] = {"Kamstrup OMNIPOWER, radio", "kamstrup_omnipower", SIM_KIND_POWER, "KAM", 0x30, 0x02, 1, sim_write_omnipower_radio},
};
/* clang-format on */

const struct sim_make *sim_make_get(enum sim_make_id id)
{
    assert(id > SIM_MAKE_UNSET && id < SIM_MAKE_COUNT);
    return &makes[id];
}

void sim_moment_init(struct sim_moment *moment, const struct sim_meter *meter,
                     const struct sim_climate *climate, struct sim_peak_cache *peaks,
                     int64_t now_ms)
{
    *moment = (struct sim_moment){
        .meter = meter, .climate = climate, .peaks = peaks, .now_ms = now_ms};
    sim_meter_state(meter, climate, now_ms, &moment->now);
}

struct sim_state sim_moment_past(const struct sim_moment *moment, int64_t then_ms)
{
    struct sim_state state;
    sim_meter_state(moment->meter, moment->climate,
                    then_ms < SIM_EPOCH_MS ? SIM_EPOCH_MS : then_ms, &state);
    return state;
}

struct sim_peak sim_moment_peak(struct sim_moment *moment, int months_back)
{
    struct sim_peak_cache *cache = &moment->peaks[months_back == 0 ? 0 : 1];
    int64_t from = sim_month_start(moment->now_ms, months_back);
    int64_t until = months_back == 0 ? moment->now_ms : sim_month_start(moment->now_ms, 0);
    until = from + (until - from) / SIM_HOUR_MS * SIM_HOUR_MS;
    /* Time may also jump back (another run of the same town): begin anew then. */
    if (cache->from_ms != from || cache->until_ms > until || cache->until_ms == 0) {
        *cache = (struct sim_peak_cache){
            .from_ms = from, .until_ms = from, .peak = {.power_ms = from, .flow_ms = from}
        };
    }
    struct sim_peak later =
        sim_meter_peak(moment->meter, moment->climate, cache->until_ms, until);
    cache->until_ms = until;
    if (later.power_kw > cache->peak.power_kw) {
        cache->peak.power_kw = later.power_kw;
        cache->peak.power_ms = later.power_ms;
    }
    if (later.flow_l_h > cache->peak.flow_l_h) {
        cache->peak.flow_l_h = later.flow_l_h;
        cache->peak.flow_ms = later.flow_ms;
    }
    return cache->peak;
}

uint8_t sim_moment_status(const struct sim_moment *moment)
{
    uint8_t status = 0;
    if (moment->meter->defects.battery_low) {
        status |= 0x04;
    }
    if (moment->now.burst || moment->meter->defects.no_sensors) {
        status |= 0x10;
    }
    return status;
}

int64_t sim_counted(double value, double step)
{
    return (int64_t)floor(value / step);
}

int64_t sim_rounded(double value, double step)
{
    return llround(value / step);
}
