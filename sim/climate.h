/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weather of the town and what its people draw because of it, hour by hour since the epoch.
 *
 * For each archetype of behaviour the cumulated demand is kept per hour. A meter is a weighted
 * sum of such columns, so its register at ANY instant is a look-up: history, live answers and
 * logged month ends of one meter can never disagree, and registers never run backwards.
 *
 * Columns are normalised: heat 1 = design load (at -12 C), hot water, cold water and power
 * 1 = long-term mean. Volumes are litres of network water per kW and hour.
 */
#ifndef SIM_CLIMATE_H
#define SIM_CLIMATE_H

#include "base/attr.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define SIM_ARCHETYPES 6
/* Litres of water that carry 1 kWh at a difference of 1 K. */
#define SIM_LITRES_PER_KWH_K 859.845

/* 2024-01-01T00:00:00Z: the town's registers are counted from here. */
#define SIM_EPOCH_MS ((int64_t)1704067200000)
/* Latest instant that can be simulated: 2050-01-01. */
#define SIM_HORIZON_MS ((int64_t)2524608000000)

/* A group of SIM_ARCHETYPES columns. */
enum sim_series {
    SIM_SERIES_HEAT = 0,    /* space heating energy */
    SIM_SERIES_HEAT_VOLUME, /* network water for it */
    SIM_SERIES_HEAT_SUPPLY, /* volume x supply temperature */
    SIM_SERIES_TAP,         /* hot or cold water drawn; hot-water energy */
    SIM_SERIES_TAP_VOLUME,  /* network water for hot water */
    SIM_SERIES_TAP_SUPPLY,  /* that volume x supply temperature */
    SIM_SERIES_POWER,       /* electricity */
    SIM_SERIES_COUNT,
};

struct sim_climate {
    uint64_t seed;
    size_t hours; /* ready */
    size_t capacity;
    double slow_c; /* filtered outdoor temperature behind the last ready hour */
    double *outdoor_c;
    double *supply_c;
    double *total; /* [hour][series * SIM_ARCHETYPES + archetype], value at the hour's start */
};

/* A cumulated value and its rate per hour. */
struct sim_flow {
    double total;
    double rate;
};

void sim_climate_init(struct sim_climate *climate, uint64_t seed);
void sim_climate_finish(struct sim_climate *climate);

/*
 * Makes everything up to `until_ms` available. Instants beyond it are answered as if time stood
 * still there.
 * Returns   HYP_OK | INVALID outside epoch..horizon | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status sim_climate_reserve(struct sim_climate *climate, int64_t until_ms);

/* Outdoor temperature, C. */
double sim_climate_outdoor(const struct sim_climate *climate, int64_t utc_ms);
/* Temperature of the district heating supply at the plant, C. */
double sim_climate_supply(const struct sim_climate *climate, int64_t utc_ms);

/*
 * A column at an instant. Within the hour demand swells softly around its mean.
 * @key      makes the shape of one meter its own
 */
struct sim_flow sim_climate_soft(const struct sim_climate *climate, enum sim_series series,
                                 unsigned archetype, int64_t utc_ms, uint64_t key);
/* The same, but most of the hour's amount is drawn in one go somewhere in the hour. */
struct sim_flow sim_climate_burst(const struct sim_climate *climate, enum sim_series series,
                                  unsigned archetype, int64_t utc_ms, uint64_t key);

#endif
