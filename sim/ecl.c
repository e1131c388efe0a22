/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/ecl.h"

#include "sim/apdu.h"
#include "sim/civil.h"
#include "sim/meter.h"
#include "sim/noise.h"

#include <math.h>

#define STEP_S ((double)SIM_ECL_STEP_MS / 1000.0)
#define UNIT_SERVICE 254

/* Overrides of a three-point actuator and of a relay. */
enum { ACTUATOR_AUTO = 0, ACTUATOR_STOP, ACTUATOR_CLOSE, ACTUATOR_OPEN };
enum { RELAY_AUTO = 0, RELAY_OFF, RELAY_ON };

/* Modes of a circuit (4201, 4202). */
enum { MODE_MANUAL = 0, MODE_SCHEDULED, MODE_COMFORT, MODE_SAVING, MODE_FROST };

/* Settings of one control loop. */
struct loop {
    double band_k;     /* Xp */
    double integral_s; /* Tn */
    double run_s;      /* motor run time */
    double zone_k;     /* neutral zone */
    int override_code;
    bool manual;
};

/* Registers that steer the plant, read once per advance: nobody writes in between. */
struct settings {
    double curve_c[6];
    double slope;
    double cut_out_c;
    double frost_c;
    double room_comfort_c;
    double room_saving_c;
    double flow_min_c;
    double flow_max_c;
    double hot_comfort_c;
    double hot_saving_c;
    double pump_frost_c;
    double pump_start_c;
    int mode;
    int pump_override;
    int circulation_override;
    struct loop heating;
    struct loop hot_water;
};

/* A setting, or what the application uses where the register does not exist. */
static double setting(const struct sim_ecl *ecl, uint16_t number, double absent)
{
    const struct sim_register *row = sim_registers_find(&ecl->registers, number);
    return row == NULL ? absent : (double)(int16_t)row->value;
}

static double clamped(double value, double low, double high)
{
    return fmin(high, fmax(low, value));
}

/* Is `hhmm` inside one of the day's periods? */
static bool schedule_is_on(const struct sim_ecl *ecl, unsigned circuit,
                           const struct sim_civil *civil)
{
    int hhmm = civil->hour * 100 + civil->minute;
    unsigned day = 3000 + 100 * circuit + 10 * (unsigned)civil->weekday;
    for (unsigned period = 0; period < 3; period++) {
        int start = sim_registers_get(&ecl->registers, (uint16_t)(day + 2 * period));
        int stop = sim_registers_get(&ecl->registers, (uint16_t)(day + 2 * period + 1));
        if (start < stop && hhmm >= start && hhmm < stop) {
            return true;
        }
    }
    return false;
}

static bool wants_comfort(const struct sim_ecl *ecl, unsigned circuit,
                          const struct sim_civil *civil)
{
    switch (sim_registers_get(&ecl->registers, (uint16_t)(4200 + circuit))) {
    case MODE_COMFORT: return true;
    case MODE_SCHEDULED: return schedule_is_on(ecl, circuit, civil);
    default: return false;
    }
}

static struct loop loop_of(const struct sim_ecl *ecl, uint16_t circuit, uint16_t override_pnu)
{
    uint16_t base = (uint16_t)(10000 + 1000 * circuit);
    return (struct loop){
        .band_k = setting(ecl, (uint16_t)(base + 1184), 80.0),
        .integral_s = setting(ecl, (uint16_t)(base + 1185), 30.0),
        .run_s = setting(ecl, (uint16_t)(base + 1186), 60.0),
        .zone_k = setting(ecl, (uint16_t)(base + 1187), 2.0),
        .override_code = sim_registers_get(&ecl->registers, override_pnu),
        .manual = sim_registers_get(&ecl->registers, (uint16_t)(4200 + circuit)) == MODE_MANUAL,
    };
}

static struct settings read_settings(const struct sim_ecl *ecl)
{
    struct settings settings = {
        .slope = setting(ecl, 11175, 10.0) / 10.0,
        .cut_out_c = setting(ecl, 11179, 20.0),
        .frost_c = setting(ecl, 11093, 10.0),
        .room_comfort_c = setting(ecl, 11180, 200.0) / 10.0,
        .room_saving_c = setting(ecl, 11181, 180.0) / 10.0,
        .flow_min_c = setting(ecl, 11177, 10.0),
        .flow_max_c = setting(ecl, 11178, 90.0),
        .hot_comfort_c = setting(ecl, 12190, 550.0) / 10.0,
        .hot_saving_c = setting(ecl, 12191, 450.0) / 10.0,
        .pump_frost_c = setting(ecl, 11077, 2.0),
        .pump_start_c = setting(ecl, 11078, 20.0),
        .mode = sim_registers_get(&ecl->registers, 4201),
        .pump_override = sim_registers_get(&ecl->registers, 4066),
        .circulation_override = sim_registers_get(&ecl->registers, 4067),
        .heating = loop_of(ecl, 1, 4060),
        .hot_water = loop_of(ecl, 2, 4062),
    };
    for (uint16_t i = 0; i < 6; i++) {
        settings.curve_c[i] = setting(ecl, (uint16_t)(11400 + i), 40.0);
    }
    return settings;
}

/* Six points: flow temperature at -30, -15, -5, 0, 5 and 15 C outside. */
static double heat_curve(const double y[static 6], double outdoor_c)
{
    static const double x[6] = {-30, -15, -5, 0, 5, 15};
    if (outdoor_c <= x[0]) {
        return y[0];
    }
    for (unsigned i = 1; i < 6; i++) {
        if (outdoor_c <= x[i]) {
            double part = (outdoor_c - x[i - 1]) / (x[i] - x[i - 1]);
            return y[i - 1] + (y[i] - y[i - 1]) * part;
        }
    }
    return y[5];
}

static bool relay_is_on(int override_code, bool wanted)
{
    return override_code == RELAY_ON || (override_code == RELAY_AUTO && wanted);
}

static void find_references(struct sim_ecl_plant *plant, const struct settings *settings)
{
    plant->desired_room_c = plant->comfort ? settings->room_comfort_c : settings->room_saving_c;
    bool heating = settings->cut_out_c <= 0.0 || plant->outdoor_slow_c < settings->cut_out_c;
    if (settings->mode == MODE_FROST || !heating) {
        plant->reference_c = settings->frost_c;
    } else {
        double curve = heat_curve(settings->curve_c, plant->outdoor_slow_c) +
                       (plant->desired_room_c - 20.0) * (settings->slope + 1.0);
        plant->reference_c = clamped(curve, settings->flow_min_c, settings->flow_max_c);
    }
    plant->hot_reference_c =
        plant->hot_comfort ? settings->hot_comfort_c : settings->hot_saving_c;
    bool frosty = plant->outdoor_slow_c < settings->pump_frost_c;
    bool wanted = heating && plant->reference_c > settings->pump_start_c;
    plant->pump = relay_is_on(settings->pump_override, frosty || wanted);
    plant->circulation = relay_is_on(settings->circulation_override, plant->hot_comfort);
}

/* PI in velocity form; the motor's run time limits the speed. Returns the direction. */
static int move_valve(const struct loop *loop, double error_k, double *last_error_k,
                      double *valve)
{
    double step = (error_k - *last_error_k) / loop->band_k +
                  error_k * STEP_S / (loop->band_k * loop->integral_s);
    double fastest = STEP_S / loop->run_s;
    *last_error_k = error_k;
    switch (loop->override_code) {
    case ACTUATOR_STOP: step = 0.0; break;
    case ACTUATOR_CLOSE: step = -fastest; break;
    case ACTUATOR_OPEN: step = fastest; break;
    default:
        /* Half the zone lies on each side of the reference. */
        if (fabs(error_k) < loop->zone_k / 2.0) {
            step = 0.0;
        }
        break;
    }
    step = clamped(step, -fastest, fastest);
    double before = *valve;
    *valve = clamped(before + step, 0.0, 1.0);
    return *valve > before ? 1 : *valve < before ? -1 : 0;
}

static void step_heating(struct sim_ecl_plant *plant, const struct loop *loop, double supply_c,
                         double outdoor_c)
{
    if (!loop->manual) {
        plant->motion = move_valve(loop, plant->reference_c - plant->flow_c,
                                   &plant->last_error_k, &plant->valve);
    }
    double running = plant->pump ? 1.0 : 0.04;
    double target = plant->return_c + plant->valve * (supply_c - 2.0 - plant->return_c);
    plant->flow_c += (target - plant->flow_c) * STEP_S / 40.0;
    double mean_k = fmax(0.0, (plant->flow_c + plant->return_c) / 2.0 - plant->room_c);
    double emitted = running * pow(mean_k / 26.0, 1.3);
    double cooled = plant->flow_c - 15.0 * emitted / running;
    plant->return_c +=
        (fmax(cooled, plant->room_c) - plant->return_c) * running * STEP_S / 120.0;
    /* A heavy building: 60 hours, 2 K from people and sun. */
    double balance = 30.0 * emitted + 2.0 - (plant->room_c - outdoor_c);
    plant->room_c += balance * STEP_S / (60.0 * 3600.0);
}

static void step_hot_water(struct sim_ecl *ecl, const struct loop *loop, double supply_c,
                           int64_t utc_ms)
{
    struct sim_ecl_plant *plant = &ecl->plant;
    if (!loop->manual) {
        plant->hot_motion = move_valve(loop, plant->hot_reference_c - plant->hot_c,
                                       &plant->last_hot_error_k, &plant->hot_valve);
    }
    double draw = sim_climate_burst(ecl->climate, SIM_SERIES_TAP, ecl->plan.tap_kind, utc_ms,
                                    ecl->plan.seed)
                      .rate;
    double heated = plant->hot_valve * (supply_c - plant->hot_c) / 40.0;
    double drawn = 0.0012 * fmin(draw, 5.0) * (plant->hot_c - 10.0);
    double lost = (plant->hot_c - 35.0) / (plant->circulation ? 250.0 : 2000.0);
    plant->hot_c += (heated - drawn - lost) * STEP_S;
    double returned = 26.0 + (plant->hot_c - 26.0) / (1.0 + 1.5 * draw);
    plant->hot_return_c += (returned - plant->hot_return_c) * STEP_S / 90.0;
}

static void look_at_schedule(struct sim_ecl *ecl, int64_t utc_ms)
{
    struct sim_civil civil =
        sim_civil_from_utc(utc_ms + ecl->clock_offset_ms, sim_zone_people(utc_ms));
    ecl->plant.comfort = wants_comfort(ecl, 1, &civil);
    ecl->plant.hot_comfort = wants_comfort(ecl, 2, &civil);
}

static void step(struct sim_ecl *ecl, const struct settings *settings, int64_t utc_ms)
{
    struct sim_ecl_plant *plant = &ecl->plant;
    double outdoor = sim_climate_outdoor(ecl->climate, utc_ms) - ecl->plan.offset_c;
    double supply = sim_climate_supply(ecl->climate, utc_ms) - ecl->plan.loss_k;
    bool stuck = ecl->plan.stuck_outdoor_ms != 0 && utc_ms >= ecl->plan.stuck_outdoor_ms;
    plant->outdoor_c = stuck ? sim_climate_outdoor(ecl->climate, ecl->plan.stuck_outdoor_ms) -
                                   ecl->plan.offset_c
                             : outdoor;
    plant->outdoor_slow_c += (plant->outdoor_c - plant->outdoor_slow_c) * STEP_S / 900.0;
    find_references(plant, settings);
    step_heating(plant, &settings->heating, supply, outdoor);
    step_hot_water(ecl, &settings->hot_water, supply, utc_ms);
}

static void set_wide(struct sim_registers *registers, uint16_t number, double value)
{
    uint32_t bits = (uint32_t)llround(fmax(0.0, value));
    sim_registers_set(registers, number, (int)(bits >> 16));
    sim_registers_set(registers, (uint16_t)(number + 1), (int)(bits & 0xFFFF));
}

/* The controller keeps the number that the eight digits spell. */
static uint32_t decimal_id(uint32_t digits)
{
    uint32_t number = 0;
    for (unsigned shift = 32; shift > 0; shift -= 4) {
        number = number * 10 + (digits >> (shift - 4) & 0xF);
    }
    return number;
}

static void refresh_meter(struct sim_ecl *ecl)
{
    struct sim_registers *registers = &ecl->registers;
    struct sim_state state;
    sim_meter_state(ecl->meter, ecl->climate, ecl->now_ms, &state);
    set_wide(registers, 6003, (double)decimal_id(ecl->meter->identity.id));
    sim_registers_set(registers, 6006, (int)lround(state.flow_c * 100.0));
    sim_registers_set(registers, 6007, (int)lround(state.return_c * 100.0));
    set_wide(registers, 6008, state.flow_l_h * 10.0);
    set_wide(registers, 6010, state.power_kw * 10.0);
    set_wide(registers, 6012, state.volume_l / 100.0);
    set_wide(registers, 6014, state.energy_kwh * 10.0);
    sim_registers_set(registers, 6020, (int)(state.hours_on / 24.0));
    set_wide(registers, 6021, (double)sim_type_f(ecl->now_ms));
}

static void refresh_clock(struct sim_ecl *ecl)
{
    struct sim_civil civil =
        sim_civil_from_utc(ecl->now_ms + ecl->clock_offset_ms, sim_zone_people(ecl->now_ms));
    const int parts[5] = {civil.hour, civil.minute, civil.day, civil.month, civil.year};
    for (uint16_t i = 0; i < 5; i++) {
        sim_registers_set(&ecl->registers, (uint16_t)(64045 + i), parts[i]);
    }
}

static void refresh_outputs(struct sim_ecl *ecl)
{
    const struct sim_ecl_plant *plant = &ecl->plant;
    const bool on[12] = {plant->motion > 0,
                         plant->motion<0, plant->hot_motion> 0,
                         plant->hot_motion < 0,
                         false,
                         false,
                         plant->pump,
                         plant->circulation};
    int mask = 0;
    for (unsigned i = 0; i < HYP_ARRAY_LEN(on); i++) {
        sim_registers_set(&ecl->registers, (uint16_t)(4000 + i), on[i]);
        mask |= on[i] << i;
    }
    sim_registers_set(&ecl->registers, 3999, mask);
}

/* A sensor's hundredths with the last digit alive, as a real converter has. */
static int measured(const struct sim_ecl *ecl, unsigned sensor, double celsius)
{
    double jitter =
        sim_between(ecl->plan.seed, sensor, (uint64_t)(ecl->now_ms / 60000), -0.04, 0.04);
    return (int)lround((celsius + jitter) * 100.0);
}

static void refresh_sensors(struct sim_ecl *ecl)
{
    const struct sim_ecl_plant *plant = &ecl->plant;
    const double sensors[6] = {plant->outdoor_c, plant->room_c,   plant->flow_c,
                               plant->hot_c,     plant->return_c, plant->hot_return_c};
    for (uint16_t i = 0; i < 6; i++) {
        bool stuck = i == 0 && ecl->plan.stuck_outdoor_ms != 0 &&
                     ecl->now_ms >= ecl->plan.stuck_outdoor_ms;
        int value = stuck ? (int)lround(sensors[i] * 100.0) : measured(ecl, i + 1u, sensors[i]);
        sim_registers_set(&ecl->registers, (uint16_t)(10201 + i), value);
        sim_registers_set(&ecl->registers, (uint16_t)(11201 + i), value);
        sim_registers_set(&ecl->registers, (uint16_t)(12201 + i), value);
    }
}

static void refresh(struct sim_ecl *ecl)
{
    struct sim_registers *registers = &ecl->registers;
    const struct sim_ecl_plant *plant = &ecl->plant;
    refresh_sensors(ecl);
    sim_registers_set(registers, 10400, (int)lround(plant->outdoor_slow_c * 100.0));
    sim_registers_set(registers, 11252, (int)lround(plant->desired_room_c * 100.0));
    sim_registers_set(registers, 11253, (int)lround(plant->reference_c * 100.0));
    sim_registers_set(registers, 12254, (int)lround(plant->hot_reference_c * 100.0));
    sim_registers_set(registers, 4211, plant->comfort ? 2 : 0);
    sim_registers_set(registers, 4212, plant->hot_comfort ? 2 : 0);
    refresh_outputs(ecl);
    refresh_clock(ecl);
    if (ecl->meter != NULL) {
        refresh_meter(ecl);
    }
}

enum hyp_status sim_ecl_init(struct sim_ecl *ecl, const struct sim_ecl_plan *plan,
                             const struct sim_climate *climate, const struct sim_meter *meter)
{
    *ecl = (struct sim_ecl){.plan = *plan, .climate = climate, .meter = meter};
    ecl->plant = (struct sim_ecl_plant){.flow_c = 40.0,
                                        .return_c = 32.0,
                                        .room_c = 20.5,
                                        .hot_c = 50.0,
                                        .hot_return_c = 35.0,
                                        .valve = 0.3,
                                        .hot_valve = 0.2,
                                        .outdoor_slow_c = 8.0};
    sim_registers_init(&ecl->registers);
    enum hyp_status status = sim_ecl_fill_map(ecl);
    if (status != HYP_OK) {
        sim_ecl_finish(ecl);
    }
    return status;
}

void sim_ecl_finish(struct sim_ecl *ecl)
{
    sim_registers_finish(&ecl->registers);
}

void sim_ecl_advance(struct sim_ecl *ecl, int64_t utc_ms)
{
    int64_t until = utc_ms / SIM_ECL_STEP_MS * SIM_ECL_STEP_MS;
    /* After a long pause only the last days matter. */
    int64_t oldest = HYP_MAX(until - SIM_ECL_SPIN_UP_MS, SIM_EPOCH_MS);
    if (until <= ecl->now_ms) {
        return;
    }
    const struct settings settings = read_settings(ecl);
    const int64_t start = HYP_MAX(ecl->now_ms, oldest);
    for (int64_t at = start; at < until; at += SIM_ECL_STEP_MS) {
        if (at == start || at % 60000 == 0) {
            look_at_schedule(ecl, at);
        }
        step(ecl, &settings, at);
    }
    ecl->now_ms = until;
    refresh(ecl);
}

/*
 * A clock register was written: every single write must leave a valid date.
 * Returns   false when it does not; the caller undoes the write
 */
static bool take_clock(struct sim_ecl *ecl)
{
    const struct sim_registers *registers = &ecl->registers;
    struct sim_civil civil = {.hour = sim_registers_get(registers, 64045),
                              .minute = sim_registers_get(registers, 64046),
                              .day = sim_registers_get(registers, 64047),
                              .month = sim_registers_get(registers, 64048),
                              .year = sim_registers_get(registers, 64049)};
    int zone = sim_zone_people(ecl->now_ms);
    int64_t instant = sim_civil_to_utc(&civil, zone);
    if (sim_civil_from_utc(instant, zone).day != civil.day) {
        return false;
    }
    ecl->clock_offset_ms = instant - ecl->now_ms;
    return true;
}

/* Effects of an accepted write beyond its register. Returns false to refuse it after all. */
static bool take_write(struct sim_ecl *ecl, uint16_t number)
{
    if (number >= 64045 && number <= 64049) {
        return take_clock(ecl);
    }
    if (number == 1) {
        /* Reset and reboot happen at once; the command register reads 0 again. */
        sim_registers_set(&ecl->registers, 1, 0);
    }
    if (number == 38) {
        ecl->plan.unit = (uint8_t)sim_registers_get(&ecl->registers, 38);
    }
    return true;
}

size_t sim_ecl_answer(struct sim_ecl *ecl, uint8_t unit, const uint8_t *pdu, size_t len,
                      uint8_t *ret_pdu)
{
    bool broadcast = unit == 0;
    if (len == 0 ||
        (unit != ecl->plan.unit && unit != UNIT_SERVICE && !(broadcast && pdu[0] == 6))) {
        return 0;
    }
    uint16_t written = 0;
    int before = 0;
    if (pdu[0] == 6 && len == 5) {
        before = sim_registers_get(&ecl->registers, (uint16_t)((pdu[1] << 8 | pdu[2]) + 1));
    }
    size_t answer = sim_modbus_answer(&ecl->registers, pdu, len, ret_pdu, &written);
    if (written != 0 && !take_write(ecl, written)) {
        sim_registers_set(&ecl->registers, written, before);
        ret_pdu[0] = pdu[0] | 0x80;
        ret_pdu[1] = SIM_MODBUS_ILLEGAL_VALUE;
        answer = 2;
    }
    return broadcast ? 0 : answer;
}
