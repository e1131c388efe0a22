/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong in Thermopolis, and since when. */
#include "sim/civil.h"
#include "sim/town.h"

const char *const sim_fault_names[SIM_FAULT_COUNT] = {"dead",  "noisy",   "wrongkey", "stuck",
                                                      "burst", "swapped", "battery"};

/* The controller whose outdoor sensor stands still. */
#define STUCK_CONTROLLER 3

/* One broken meter: the `nth` (from 0) of a make. */
struct fault_row {
    enum sim_fault fault;
    enum sim_make_id make;
    unsigned nth;
    int64_t before_anchor_ms;
};

static const struct fault_row fault_rows[] = {
    {SIM_FAULT_DEAD,      SIM_MAKE_MULTICAL_403,    1, 2 * SIM_DAY_MS                   },
    {SIM_FAULT_STUCK,     SIM_MAKE_MULTICAL_603,    5, 6 * SIM_DAY_MS                   },
    {SIM_FAULT_SWAPPED,   SIM_MAKE_MULTICAL_603,    1, 12 * SIM_DAY_MS + 5 * SIM_HOUR_MS},
    {SIM_FAULT_BURST,     SIM_MAKE_RADIO_FLOWIQ,    4, 4 * SIM_DAY_MS - 2 * SIM_HOUR_MS },
    {SIM_FAULT_BURST,     SIM_MAKE_HYDRUS,          3, 9 * SIM_DAY_MS + 3 * SIM_HOUR_MS },
    {SIM_FAULT_WRONG_KEY, SIM_MAKE_RADIO_SENSOSTAR, 7, 0                                },
    {SIM_FAULT_BATTERY,   SIM_MAKE_SENSOSTAR,       4, 0                                },
};

static struct sim_device *find_nth(struct sim_town *town, enum sim_make_id make, unsigned nth)
{
    for (size_t i = 0; i < town->device_count; i++) {
        if (town->devices[i].make == sim_make_get(make) && nth-- == 0) {
            return &town->devices[i];
        }
    }
    return NULL;
}

static void break_meter(struct sim_defects *defects, enum sim_fault fault, int64_t since_ms)
{
    switch (fault) {
    case SIM_FAULT_DEAD: defects->dead_ms = since_ms; break;
    case SIM_FAULT_STUCK: defects->stuck_ms = since_ms; break;
    case SIM_FAULT_SWAPPED: defects->swapped_ms = since_ms; break;
    case SIM_FAULT_BURST: defects->burst_ms = since_ms; break;
    case SIM_FAULT_WRONG_KEY: defects->wrong_key = true; break;
    case SIM_FAULT_BATTERY: defects->battery_low = true; break;
    case SIM_FAULT_NOISY:
    case SIM_FAULT_ALL: break;
    }
}

void sim_town_add_faults(struct sim_town *town)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(fault_rows); i++) {
        const struct fault_row *row = &fault_rows[i];
        struct sim_device *device = find_nth(town, row->make, row->nth);
        if ((town->plan.faults & row->fault) != 0 && device != NULL) {
            break_meter(&device->meter.defects, row->fault,
                        town->plan.anchor_ms - row->before_anchor_ms);
        }
    }
    if ((town->plan.faults & SIM_FAULT_STUCK) != 0) {
        town->controllers[STUCK_CONTROLLER].ecl.plan.stuck_outdoor_ms =
            town->plan.anchor_ms - 3 * SIM_DAY_MS;
    }
}

enum hyp_status sim_faults_parse(struct hyp_str text, unsigned *ret_faults)
{
    unsigned faults = 0;
    if (hyp_str_equal(text, HYP_STR("default"))) {
        *ret_faults = SIM_FAULT_ALL;
        return HYP_OK;
    }
    if (hyp_str_equal(text, HYP_STR("none"))) {
        *ret_faults = 0;
        return HYP_OK;
    }
    struct hyp_str rest = text;
    struct hyp_str name;
    while (hyp_str_split_next(&rest, ',', &name)) {
        unsigned bit = 0;
        while (bit < SIM_FAULT_COUNT &&
               !hyp_str_equal(name, hyp_str_from(sim_fault_names[bit]))) {
            bit++;
        }
        if (bit == SIM_FAULT_COUNT) {
            return HYP_INVALID;
        }
        faults |= 1u << bit;
    }
    *ret_faults = faults;
    return HYP_OK;
}
