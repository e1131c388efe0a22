/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/climate.h"

#include "sim/civil.h"
#include "sim/noise.h"

#include <math.h>
#include <stdlib.h>

#define COLUMNS ((size_t)SIM_SERIES_COUNT * SIM_ARCHETYPES)
#define GROW_HOURS ((size_t)4096)

/* Space heating by hour of the day, percent of the weather's need; two rows per archetype:
 * working day, weekend. */
static const uint8_t heat_shape[SIM_ARCHETYPES][2][24] = {
  /* steady */
    {{100, 100, 100, 100, 100, 102, 104, 104, 102, 100, 98,  97,
      96,  96,  96,  97,  98,  100, 102, 102, 102, 101, 100, 100},
     {100, 100, 100, 100, 100, 100, 102, 104, 104, 102, 100, 98,
      97,  96,  96,  97,  98,  100, 102, 102, 102, 101, 100, 100}},
 /* night setback with morning boost */
    {{74, 72, 72, 72, 78,  132, 138, 124, 110, 104, 102, 100,
      98, 97, 97, 98, 102, 108, 112, 112, 110, 104, 84,  76},
     {74, 72, 72, 72, 74,  84,  120, 136, 126, 112, 106, 102,
      98, 97, 97, 98, 102, 108, 112, 112, 110, 108, 92,  78}     },
 /* offices and schools */
    {{80,  80,  80,  82,  104, 136, 142, 132, 116, 110, 106, 104,
      102, 102, 102, 102, 96,  86,  82,  80,  80,  80,  80,  80},
     {80, 80, 80, 80, 80, 82, 84, 84, 84, 84, 82, 80,
      80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80}            },
 /* mild setback */
    {{88, 87, 86, 86, 90,  112, 116, 112, 106, 102, 100, 99,
      98, 97, 97, 98, 101, 104, 107, 107, 106, 102, 94,  90},
     {88, 87, 86, 86, 87,  92,  108, 114, 112, 106, 102, 100,
      98, 97, 97, 98, 101, 104, 107, 107, 106, 104, 98,  91}     },
 /* at home in the evening */
    {{90, 88, 86, 86, 88,  100, 104, 96,  88,  84,  84,  84,
      86, 86, 88, 98, 114, 124, 128, 126, 122, 112, 100, 94},
     {92, 90, 88, 86,  86,  90,  98,  106, 108, 106, 102, 98,
      96, 96, 98, 102, 108, 114, 118, 118, 114, 108, 100, 94}    },
 /* sun through large windows at noon */
    {{106, 106, 106, 106, 108, 112, 114, 110, 102, 92,  84,  78,
      76,  76,  80,  90,  102, 108, 112, 112, 110, 108, 106, 106},
     {106, 106, 106, 106, 106, 108, 112, 112, 104, 94,  84,  78,
      76,  76,  80,  90,  102, 108, 112, 112, 110, 108, 106, 106}},
};

/* Water drawn, percent of the day's mean. */
static const uint8_t tap_shape[SIM_ARCHETYPES][2][24] = {
    {{18, 10, 8,  8,  20,  90,  220, 240, 160, 90,  70, 70,
      80, 70, 60, 70, 110, 170, 210, 190, 150, 120, 80, 36},
     {26,  14,  10, 8,  10,  30,  80,  160, 220, 220, 170, 130,
      120, 100, 90, 90, 120, 160, 180, 170, 140, 120, 80,  42}                              },
    {{30, 16, 10, 8,   10,  40,  130, 210, 180, 120, 100, 90,
      90, 90, 90, 100, 120, 150, 180, 200, 190, 150, 100, 56},
     {34,  20,  12,  8,   8,   16,  50,  110, 180, 200, 190, 160,
      140, 120, 100, 100, 120, 150, 170, 180, 170, 140, 90,  54}                            },
    {{6,   4,   4,   4,   10,  40, 120, 220, 240, 230, 210, 210,
      220, 210, 200, 180, 140, 80, 50,  40,  30,  20,  12,  8},
     {5, 4, 4, 4, 5, 8, 16, 30, 40, 44, 46, 46, 44, 40, 36, 30, 24, 20, 16, 12, 10, 8, 6, 5}},
    {{20, 12, 10, 12, 60,  180, 250, 180, 110, 80,  80, 80,
      80, 70, 70, 80, 120, 160, 170, 150, 130, 110, 70, 34},
     {22,  14,  10, 10, 20,  60,  130, 190, 210, 190, 150, 120,
      110, 100, 90, 90, 110, 150, 170, 150, 130, 110, 70,  36}                              },
    {{50,  30,  16, 10,  8,   20,  70,  120, 110, 90,  90,  100,
      110, 100, 90, 100, 130, 170, 200, 220, 220, 200, 150, 90},
     {70,  46,  24,  12,  8,   10,  30,  70,  120, 160, 180, 170,
      150, 130, 120, 120, 140, 170, 190, 190, 180, 160, 130, 96}                            },
    {{40,  36,  34,  34,  50,  90,  150, 170, 150, 130, 120, 120,
      120, 110, 110, 110, 120, 140, 150, 140, 120, 100, 80,  56},
     {44,  38,  34,  34,  40,  60,  100, 140, 160, 150, 140, 130,
      130, 120, 110, 110, 120, 130, 140, 140, 120, 100, 80,  60}                            },
};

static const uint8_t power_shape[SIM_ARCHETYPES][2][24] = {
    {{50, 44, 42, 42, 46,  66,  110, 126, 104, 86,  80,  82,
      90, 84, 80, 90, 130, 184, 200, 190, 170, 144, 104, 70},
     {56,  48,  44,  42,  44,  50,  66,  92,  116, 124, 120, 118,
      120, 112, 106, 110, 136, 170, 186, 180, 162, 140, 108, 76} },
    {{60,  56,  54, 54,  56,  66,  88,  100, 98,  96,  98,  100,
      106, 100, 98, 104, 128, 156, 168, 166, 156, 136, 106, 78},
     {64,  58,  56,  54,  54,  58,  70,  88,  104, 112, 114, 116,
      118, 112, 108, 110, 126, 148, 160, 158, 148, 132, 108, 82} },
    {{40,  40,  40,  42,  50,  80,  130, 190, 220, 226, 224, 220,
      214, 216, 210, 190, 150, 100, 70,  56,  50,  46,  42,  40},
     {40, 40, 40, 40, 42, 44, 48, 54, 60, 64, 66, 66,
      64, 62, 60, 56, 52, 50, 46, 44, 42, 42, 40, 40}            },
    {{90,  88,  88,  88,  90,  94,  100, 104, 106, 108, 108, 108,
      108, 108, 106, 106, 106, 108, 108, 106, 104, 100, 96,  92},
     {90,  88,  88,  88,  88,  90,  94,  98,  102, 104, 106, 106,
      106, 106, 104, 104, 104, 106, 106, 104, 102, 100, 96,  92} },
    {{140, 150, 150, 140, 110, 80,  84,  90,  80,  70,  70,  70,
      74,  70,  70,  76,  100, 130, 140, 136, 124, 110, 110, 126},
     {140, 150, 150, 140, 116, 84,  76,  84,  90,  90,  88,  86,
      88,  84,  80,  84,  100, 124, 136, 130, 120, 110, 110, 126}},
    {{56,  50,  48,  48,  52,  74,  120, 140, 120, 110, 120, 140,
      150, 130, 110, 100, 120, 150, 160, 150, 136, 116, 90,  66},
     {60,  52,  48,  48,  50,  56,  76,  100, 120, 130, 140, 150,
      156, 140, 120, 110, 124, 146, 154, 146, 134, 116, 92,  70} },
};

/* Noise channels, one number each so that curves are independent. */
enum channel {
    CHANNEL_FRONTS = 1,
    CHANNEL_DAYS,
    CHANNEL_CLOUDS,
    CHANNEL_HEAT = 100,
    CHANNEL_TAP = 200,
    CHANNEL_POWER = 300,
    CHANNEL_SHAPE = 400,
};

static double day_of_year(int64_t utc_ms)
{
    return (double)(utc_ms - sim_year_start(utc_ms)) / (double)SIM_DAY_MS;
}

/* Year's course, passing fronts (days), and the day's course, weaker under clouds. */
static double weather_at(uint64_t seed, int64_t utc_ms)
{
    double year = cos(2.0 * M_PI * (day_of_year(utc_ms) - 24.0) / 365.25);
    double days = (double)(utc_ms - SIM_EPOCH_MS) / (double)SIM_DAY_MS;
    double clouds = 0.5 + 0.5 * sim_smooth(seed, CHANNEL_CLOUDS, days * 0.8);
    double hour = fmod(days, 1.0) * 24.0 + 1.0;
    double day_swing = (2.6 - 1.5 * year) * (1.0 - 0.7 * clouds);
    return 8.6 - 8.8 * year + 5.2 * sim_smooth(seed, CHANNEL_FRONTS, days / 4.7) +
           2.4 * sim_smooth(seed, CHANNEL_DAYS, days / 1.3) +
           day_swing * cos(2.0 * M_PI * (hour - 15.0) / 24.0);
}

/* Percent rows average to 100 only roughly; the exact mean keeps "1 = long-term mean" true. */
static double shape_mean(const uint8_t shape[static 2][24])
{
    unsigned workday = 0;
    unsigned weekend = 0;
    for (size_t hour = 0; hour < 24; hour++) {
        workday += shape[0][hour];
        weekend += shape[1][hour];
    }
    return (5.0 * workday + 2.0 * weekend) / (7.0 * 24.0);
}

static double hour_factor(const uint8_t shape[static 2][24], const struct sim_civil *civil)
{
    return shape[civil->weekday >= 6][civil->hour] / shape_mean(shape);
}

struct hour_weather {
    int64_t utc_ms;
    struct sim_civil civil;
    double load; /* 0 at 17 C .. 1 at -12 C */
    double supply_c;
};

static void add_heat(const struct sim_climate *climate, const struct hour_weather *at,
                     unsigned archetype, double *next)
{
    uint64_t hour = (uint64_t)(at->utc_ms / SIM_HOUR_MS);
    double noise = sim_between(climate->seed, CHANNEL_HEAT + archetype, hour, 0.9, 1.1);
    double heat = at->load * hour_factor(heat_shape[archetype], &at->civil) * noise;
    /* Radiators return warmer water the harder they work. */
    double spread = at->supply_c - (31.0 + 13.0 * at->load);
    double volume = heat * SIM_LITRES_PER_KWH_K / spread;
    next[SIM_SERIES_HEAT * SIM_ARCHETYPES + archetype] += heat;
    next[SIM_SERIES_HEAT_VOLUME * SIM_ARCHETYPES + archetype] += volume;
    next[SIM_SERIES_HEAT_SUPPLY * SIM_ARCHETYPES + archetype] += volume * at->supply_c;
}

static void add_tap(const struct sim_climate *climate, const struct hour_weather *at,
                    unsigned archetype, double *next)
{
    uint64_t hour = (uint64_t)(at->utc_ms / SIM_HOUR_MS);
    double noise = sim_between(climate->seed, CHANNEL_TAP + archetype, hour, 0.7, 1.3);
    double tap = hour_factor(tap_shape[archetype], &at->civil) * noise;
    double volume = tap * SIM_LITRES_PER_KWH_K / (at->supply_c - 27.0);
    next[SIM_SERIES_TAP * SIM_ARCHETYPES + archetype] += tap;
    next[SIM_SERIES_TAP_VOLUME * SIM_ARCHETYPES + archetype] += volume;
    next[SIM_SERIES_TAP_SUPPLY * SIM_ARCHETYPES + archetype] += volume * at->supply_c;
}

static void add_power(const struct sim_climate *climate, const struct hour_weather *at,
                      unsigned archetype, double *next)
{
    uint64_t hour = (uint64_t)(at->utc_ms / SIM_HOUR_MS);
    double noise = sim_between(climate->seed, CHANNEL_POWER + archetype, hour, 0.75, 1.25);
    double dark = 1.0 + 0.22 * cos(2.0 * M_PI * (day_of_year(at->utc_ms) + 8.0) / 365.25);
    next[SIM_SERIES_POWER * SIM_ARCHETYPES + archetype] +=
        dark * hour_factor(power_shape[archetype], &at->civil) * noise;
}

/* Computes hour `at` and the totals at its end. */
static void live_through(struct sim_climate *climate, size_t at)
{
    int64_t utc_ms = SIM_EPOCH_MS + (int64_t)at * SIM_HOUR_MS;
    double outdoor = weather_at(climate->seed, utc_ms);
    /* Walls and the plant's operators follow the weather of about half a day. */
    climate->slow_c += (outdoor - climate->slow_c) / 12.0;
    struct hour_weather weather = {
        .utc_ms = utc_ms,
        .civil = sim_civil_from_utc(utc_ms, sim_zone_people(utc_ms)),
        .load = fmax(0.0, (17.0 - (0.7 * climate->slow_c + 0.3 * outdoor)) / 29.0),
        .supply_c = fmin(95.0, 70.0 + 1.05 * fmax(0.0, 8.0 - climate->slow_c)),
    };
    climate->outdoor_c[at] = outdoor;
    climate->supply_c[at] = weather.supply_c;
    const double *now = climate->total + at * COLUMNS;
    double *next = climate->total + (at + 1) * COLUMNS;
    for (size_t i = 0; i < COLUMNS; i++) {
        next[i] = now[i];
    }
    for (unsigned archetype = 0; archetype < SIM_ARCHETYPES; archetype++) {
        add_heat(climate, &weather, archetype, next);
        add_tap(climate, &weather, archetype, next);
        add_power(climate, &weather, archetype, next);
    }
}

void sim_climate_init(struct sim_climate *climate, uint64_t seed)
{
    *climate = (struct sim_climate){.seed = seed, .slow_c = 0.0};
}

void sim_climate_finish(struct sim_climate *climate)
{
    free(climate->outdoor_c);
    free(climate->supply_c);
    free(climate->total);
    *climate = (struct sim_climate){0};
}

static bool grow_doubles(double **array, size_t old_count, size_t new_count)
{
    double *grown = realloc(*array, new_count * sizeof(double));
    if (grown == NULL) {
        return false;
    }
    for (size_t i = old_count; i < new_count; i++) {
        grown[i] = 0.0;
    }
    *array = grown;
    return true;
}

static enum hyp_status grow(struct sim_climate *climate, size_t hours)
{
    size_t capacity = (hours / GROW_HOURS + 1) * GROW_HOURS;
    size_t old = climate->capacity;
    size_t old_rows = old == 0 ? 0 : old + 1;
    if (!grow_doubles(&climate->outdoor_c, old, capacity) ||
        !grow_doubles(&climate->supply_c, old, capacity) ||
        !grow_doubles(&climate->total, old_rows * COLUMNS, (capacity + 1) * COLUMNS)) {
        return HYP_NO_MEMORY;
    }
    climate->capacity = capacity;
    return HYP_OK;
}

enum hyp_status sim_climate_reserve(struct sim_climate *climate, int64_t until_ms)
{
    if (until_ms < SIM_EPOCH_MS || until_ms > SIM_HORIZON_MS) {
        return HYP_INVALID;
    }
    /* One more hour than asked, so that temperatures can be interpolated. */
    size_t hours = (size_t)((until_ms - SIM_EPOCH_MS) / SIM_HOUR_MS) + 2;
    if (hours > climate->capacity) {
        enum hyp_status status = grow(climate, hours);
        if (status != HYP_OK) {
            return status;
        }
    }
    while (climate->hours < hours) {
        live_through(climate, climate->hours);
        climate->hours++;
    }
    return HYP_OK;
}

/* Splits an instant into a ready hour and the part of it that has passed. */
static size_t hour_of(const struct sim_climate *climate, int64_t utc_ms, double *ret_part)
{
    int64_t since = utc_ms < SIM_EPOCH_MS ? 0 : utc_ms - SIM_EPOCH_MS;
    size_t hour = (size_t)(since / SIM_HOUR_MS);
    if (hour + 1 >= climate->hours) {
        *ret_part = 0.0;
        return climate->hours - 1;
    }
    *ret_part = (double)(since % SIM_HOUR_MS) / (double)SIM_HOUR_MS;
    return hour;
}

static double interpolate(const struct sim_climate *climate, const double *hourly,
                          int64_t utc_ms)
{
    double part;
    size_t hour = hour_of(climate, utc_ms, &part);
    size_t next = HYP_MIN(hour + 1, climate->hours - 1);
    return hourly[hour] + (hourly[next] - hourly[hour]) * part;
}

double sim_climate_outdoor(const struct sim_climate *climate, int64_t utc_ms)
{
    return interpolate(climate, climate->outdoor_c, utc_ms);
}

double sim_climate_supply(const struct sim_climate *climate, int64_t utc_ms)
{
    return interpolate(climate, climate->supply_c, utc_ms);
}

static struct sim_flow shaped(const struct sim_climate *climate, size_t hour, size_t column,
                              struct sim_flow share)
{
    const double *now = climate->total + hour * COLUMNS;
    double amount = now[COLUMNS + column] - now[column];
    return (struct sim_flow){.total = now[column] + amount * share.total,
                             .rate = amount * share.rate};
}

struct sim_flow sim_climate_soft(const struct sim_climate *climate, enum sim_series series,
                                 unsigned archetype, int64_t utc_ms, uint64_t key)
{
    double part;
    size_t hour = hour_of(climate, utc_ms, &part);
    double swell = sim_between(climate->seed, CHANNEL_SHAPE + key, hour, -0.25, 0.25);
    double angle = 2.0 * M_PI * part;
    struct sim_flow share = {.total = part + swell * sin(angle) / (2.0 * M_PI),
                             .rate = 1.0 + swell * cos(angle)};
    return shaped(climate, hour, (size_t)series * SIM_ARCHETYPES + archetype, share);
}

struct sim_flow sim_climate_burst(const struct sim_climate *climate, enum sim_series series,
                                  unsigned archetype, int64_t utc_ms, uint64_t key)
{
    /* A quarter trickles all the time (circulation, small draws), the rest comes in a window.
     */
    const double trickle = 0.25;
    double part;
    size_t hour = hour_of(climate, utc_ms, &part);
    double width = sim_between(climate->seed, CHANNEL_SHAPE + key, 2 * hour, 0.12, 0.5);
    double start = sim_unit(climate->seed, CHANNEL_SHAPE + key, 2 * hour + 1) * (1.0 - width);
    double drawn = fmin(1.0, fmax(0.0, (part - start) / width));
    bool drawing = part >= start && part < start + width;
    struct sim_flow share = {
        .total = trickle * part + (1.0 - trickle) * drawn,
        .rate = trickle + (drawing ? (1.0 - trickle) / width : 0.0),
    };
    return shaped(climate, hour, (size_t)series * SIM_ARCHETYPES + archetype, share);
}
