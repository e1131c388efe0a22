/* SPDX-License-Identifier: Apache-2.0 */
/* Is the town believable? Rows of plausibility over a year, for every meter. */
#define TEST_DAYS 400
#include "town_fixture.h"

#include "sim/noise.h"

#include <math.h>

/* Uneven on purpose, so that all parts of the hour and the day are met. */
#define STEP_MS (7 * SIM_HOUR_MS + 11 * 60000 + 3000)

static void registers_never_run_backwards(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, SIM_FAULT_ALL);
    for (size_t i = 0; i < town->device_count; i++) {
        const struct sim_meter *meter = &town->devices[i].meter;
        struct sim_state before;
        sim_meter_state(meter, &town->climate, TEST_NOW_MS - 20 * SIM_DAY_MS, &before);
        for (int64_t at = TEST_NOW_MS - 20 * SIM_DAY_MS; at < TEST_NOW_MS + 20 * SIM_DAY_MS;
             at += STEP_MS / 3) {
            struct sim_state now;
            sim_meter_state(meter, &town->climate, at, &now);
            assert_true(now.energy_kwh >= before.energy_kwh);
            assert_true(now.volume_l >= before.volume_l);
            assert_true(now.flow_energy >= before.flow_energy);
            assert_true(now.allocator_units >= before.allocator_units);
            assert_true(now.hours_on >= before.hours_on);
            before = now;
        }
    }
    sim_town_destroy(town);
}

static void heat_meters_agree_with_physics(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    for (size_t i = 0; i < town->device_count; i++) {
        const struct sim_meter *meter = &town->devices[i].meter;
        if (meter->kind != SIM_KIND_HEAT) {
            continue;
        }
        for (int64_t at = TEST_NOW_MS; at < TEST_NOW_MS + 365 * SIM_DAY_MS; at += 5 * STEP_MS) {
            struct sim_state now;
            sim_meter_state(meter, &town->climate, at, &now);
            assert_true(now.flow_c > now.return_c);
            assert_true(now.flow_c > 25.0 && now.flow_c < 100.0);
            assert_true(now.return_c > 10.0 && now.return_c < 75.0);
            assert_true(now.power_kw >= 0.0 && now.power_kw < 250.0);
            if (now.flow_l_h >= 1.0) {
                double carried =
                    now.flow_l_h * (now.flow_c - now.return_c) / SIM_LITRES_PER_KWH_K;
                assert_true(fabs(carried - now.power_kw) < 0.001 + now.power_kw * 0.001);
            }
        }
    }
    sim_town_destroy(town);
}

/* The registers are the integral of the momentary values. */
static void counters_are_the_sum_of_the_rates(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    static const enum sim_make_id makes[] = {SIM_MAKE_T550, SIM_MAKE_HYDRUS,
                                             SIM_MAKE_OMNIPOWER};
    for (size_t i = 0; i < sizeof(makes) / sizeof(makes[0]); i++) {
        const struct sim_meter *meter = &test_device(town, makes[i], 1)->meter;
        struct sim_state begin;
        struct sim_state end;
        struct sim_state now;
        double energy = 0.0;
        double volume = 0.0;
        sim_meter_state(meter, &town->climate, TEST_NOW_MS, &begin);
        for (int64_t at = TEST_NOW_MS + 5000; at < TEST_NOW_MS + SIM_DAY_MS; at += 10000) {
            sim_meter_state(meter, &town->climate, at, &now);
            energy += now.power_kw / 360.0;
            volume += now.flow_l_h / 360.0;
        }
        sim_meter_state(meter, &town->climate, TEST_NOW_MS + SIM_DAY_MS, &end);
        assert_true(fabs(end.energy_kwh - begin.energy_kwh - energy) < 0.02 * energy + 0.01);
        assert_true(fabs(end.volume_l - begin.volume_l - volume) < 0.02 * volume + 0.01);
    }
    sim_town_destroy(town);
}

static void winters_are_cold_and_cost_heat(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    double winter = 0.0;
    double summer = 0.0;
    const int64_t july = TEST_NOW_MS + 180 * SIM_DAY_MS;
    for (int64_t hour = 0; hour < 30 * 24; hour++) {
        winter += sim_climate_outdoor(&town->climate, TEST_NOW_MS + hour * SIM_HOUR_MS) / 720.0;
        summer += sim_climate_outdoor(&town->climate, july + hour * SIM_HOUR_MS) / 720.0;
    }
    assert_true(winter > -8.0 && winter < 6.0);
    assert_true(summer > 12.0 && summer < 24.0);
    const struct sim_meter *meter = &test_device(town, SIM_MAKE_MULTICAL_403, 0)->meter;
    struct sim_state a;
    struct sim_state b;
    struct sim_state c;
    struct sim_state d;
    sim_meter_state(meter, &town->climate, TEST_NOW_MS, &a);
    sim_meter_state(meter, &town->climate, TEST_NOW_MS + 30 * SIM_DAY_MS, &b);
    sim_meter_state(meter, &town->climate, july, &c);
    sim_meter_state(meter, &town->climate, july + 30 * SIM_DAY_MS, &d);
    assert_true(b.energy_kwh - a.energy_kwh > 4.0 * (d.energy_kwh - c.energy_kwh));
    sim_town_destroy(town);
}

static void faults_show_where_they_should(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, SIM_FAULT_ALL);
    struct sim_state before;
    struct sim_state after;

    const struct sim_meter *swapped = &test_device(town, SIM_MAKE_MULTICAL_603, 1)->meter;
    sim_meter_state(swapped, &town->climate, swapped->defects.swapped_ms - 1000, &before);
    sim_meter_state(swapped, &town->climate, TEST_NOW_MS, &after);
    assert_true(before.flow_c > before.return_c && !before.swapped);
    assert_true(after.flow_c < after.return_c && after.swapped);
    assert_true(after.energy_kwh - before.energy_kwh < 0.01);
    assert_true(after.volume_l > before.volume_l + 100.0);

    const struct sim_meter *stuck = &test_device(town, SIM_MAKE_MULTICAL_603, 5)->meter;
    sim_meter_state(stuck, &town->climate, stuck->defects.stuck_ms + 1000, &before);
    sim_meter_state(stuck, &town->climate, TEST_NOW_MS, &after);
    assert_true(fabs(before.return_c - after.return_c) < 1e-9);
    assert_true(after.energy_kwh > before.energy_kwh + 1.0);

    const struct sim_meter *burst = &test_device(town, SIM_MAKE_RADIO_FLOWIQ, 4)->meter;
    sim_meter_state(burst, &town->climate, burst->defects.burst_ms, &before);
    sim_meter_state(burst, &town->climate, burst->defects.burst_ms + 10 * SIM_HOUR_MS, &after);
    assert_true(after.volume_l - before.volume_l > 5400.0);
    assert_true(after.burst);
    sim_town_destroy(town);
}

/* --- the substation --- */

static struct sim_ecl *controller(struct sim_town *town, unsigned index)
{
    struct sim_ecl *ecl = &town->controllers[index].ecl;
    sim_ecl_advance(ecl, TEST_NOW_MS);
    return ecl;
}

static int value(const struct sim_ecl *ecl, uint16_t number)
{
    return sim_registers_get(&ecl->registers, number);
}

static void substations_keep_their_buildings_warm(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    for (unsigned i = 0; i < town->controller_count; i++) {
        struct sim_ecl *ecl = controller(town, i);
        for (int64_t at = TEST_NOW_MS; at < TEST_NOW_MS + 3 * SIM_DAY_MS; at += 600000) {
            sim_ecl_advance(ecl, at);
            const struct sim_ecl_plant *plant = &ecl->plant;
            assert_true(plant->flow_c >= plant->return_c - 0.01);
            assert_true(plant->room_c > 16.0 && plant->room_c < 26.0);
            assert_true(plant->hot_c > 35.0 && plant->hot_c < 70.0);
            assert_true(plant->valve >= 0.0 && plant->valve <= 1.0);
            assert_true(fabs(plant->flow_c - plant->reference_c) < 12.0);
            assert_true(plant->pump);
        }
    }
    sim_town_destroy(town);
}

static void a_higher_set_point_warms_the_flow(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    struct sim_ecl *ecl = controller(town, 0);
    int before = value(ecl, 10203);
    sim_registers_set(&ecl->registers, 11180, 240);
    sim_ecl_advance(ecl, TEST_NOW_MS + 1800000);
    assert_in_range(value(ecl, 11252), 2400, 2400);
    assert_true(value(ecl, 10203) > before + 300);
    sim_town_destroy(town);
}

static void overrides_move_valve_and_pump(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    struct sim_ecl *ecl = controller(town, 1);
    sim_registers_set(&ecl->registers, 4060, 2); /* close */
    sim_registers_set(&ecl->registers, 4066, 1); /* off */
    sim_ecl_advance(ecl, TEST_NOW_MS + 600000);
    assert_true(ecl->plant.valve < 0.001);
    assert_int_equal(value(ecl, 4006), 0);
    sim_registers_set(&ecl->registers, 4060, 0);
    sim_registers_set(&ecl->registers, 4066, 0);
    sim_ecl_advance(ecl, TEST_NOW_MS + 1200000);
    assert_true(ecl->plant.valve > 0.05);
    assert_int_equal(value(ecl, 4006), 1);
    sim_town_destroy(town);
}

static void the_schedule_sets_back_at_night(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    struct sim_ecl *ecl = controller(town, 0);
    sim_ecl_advance(ecl, TEST_NOW_MS + 6 * SIM_HOUR_MS); /* 13:00 in the town */
    assert_int_equal(value(ecl, 4211), 2);
    sim_ecl_advance(ecl, TEST_NOW_MS + 17 * SIM_HOUR_MS); /* midnight */
    assert_int_equal(value(ecl, 4211), 0);
    assert_int_equal(value(ecl, 11252), 1800);
    sim_registers_set(&ecl->registers, 4201, 2); /* constant comfort */
    sim_ecl_advance(ecl, TEST_NOW_MS + 18 * SIM_HOUR_MS);
    assert_int_equal(value(ecl, 4211), 2);
    sim_town_destroy(town);
}

static void a_stuck_outdoor_sensor_stands_still(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, SIM_FAULT_STUCK);
    struct sim_ecl *ecl = controller(town, 3);
    struct sim_ecl *healthy = controller(town, 2);
    int stuck = value(ecl, 10201);
    int moving = value(healthy, 10201);
    sim_ecl_advance(ecl, TEST_NOW_MS + 9 * SIM_HOUR_MS);
    sim_ecl_advance(healthy, TEST_NOW_MS + 9 * SIM_HOUR_MS);
    assert_int_equal(value(ecl, 10201), stuck);
    assert_true(value(healthy, 10201) != moving);
    sim_town_destroy(town);
}

/* Begun at different times, the same building ends up at the same temperatures. */
static void two_runs_of_a_substation_agree(void **state)
{
    (void)state;
    struct sim_town *early = test_town(1, 0);
    struct sim_town *late = test_town(1, 0);
    struct sim_ecl *a = &early->controllers[0].ecl;
    struct sim_ecl *b = &late->controllers[0].ecl;
    for (int64_t at = TEST_NOW_MS - 9 * SIM_DAY_MS; at <= TEST_NOW_MS; at += SIM_HOUR_MS) {
        sim_ecl_advance(a, at);
    }
    sim_ecl_advance(b, TEST_NOW_MS);
    assert_true(fabs(a->plant.flow_c - b->plant.flow_c) < 1.5);
    assert_true(fabs(a->plant.room_c - b->plant.room_c) < 1.5);
    assert_true(fabs(a->plant.hot_c - b->plant.hot_c) < 1.5);
    sim_town_destroy(early);
    sim_town_destroy(late);
}

static void noise_is_even_and_independent(void **state)
{
    (void)state;
    double mean = 0.0;
    double product = 0.0;
    for (uint64_t i = 0; i < 10000; i++) {
        double a = sim_unit(1, 2, i);
        double b = sim_unit(1, 3, i);
        assert_true(a >= 0.0 && a < 1.0);
        mean += a / 10000.0;
        product += (a - 0.5) * (b - 0.5) / 10000.0;
    }
    assert_true(fabs(mean - 0.5) < 0.01);
    assert_true(fabs(product) < 0.005);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, registers_never_run_backwards);
    TEST_ONE(&list, heat_meters_agree_with_physics);
    TEST_ONE(&list, counters_are_the_sum_of_the_rates);
    TEST_ONE(&list, winters_are_cold_and_cost_heat);
    TEST_ONE(&list, faults_show_where_they_should);
    TEST_ONE(&list, substations_keep_their_buildings_warm);
    TEST_ONE(&list, a_higher_set_point_warms_the_flow);
    TEST_ONE(&list, overrides_move_valve_and_pump);
    TEST_ONE(&list, the_schedule_sets_back_at_night);
    TEST_ONE(&list, a_stuck_outdoor_sensor_stands_still);
    TEST_ONE(&list, two_runs_of_a_substation_agree);
    TEST_ONE(&list, noise_is_even_and_independent);
    return test_list_run(&list, "sim-physics");
}
