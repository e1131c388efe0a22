/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/town.h"

#include "sim/civil.h"
#include "sim/noise.h"

#include <stdlib.h>
#include <string.h>

/* Per million answers of the bad line. */
static const struct sim_line_noise bad_line = {
    .bit_errors = 15000, .late = 5000, .lost = 8000, .late_ms = 2500};

static const struct {
    const char *name;
    enum sim_line_kind kind;
    const char *topic;
} line_rows[] = {
    {"mbus-north", SIM_LINE_MBUS_TCP,   ""                   },
    {"mbus-south", SIM_LINE_MBUS_TCP,   ""                   },
    {"ecl-1",      SIM_LINE_MODBUS_TCP, ""                   },
    {"ecl-2",      SIM_LINE_MODBUS_TCP, ""                   },
    {"ecl-3",      SIM_LINE_MODBUS_TCP, ""                   },
    {"ecl-4",      SIM_LINE_MODBUS_TCP, ""                   },
    {"ecl-5",      SIM_LINE_MODBUS_TCP, ""                   },
    {"ecl-6",      SIM_LINE_MODBUS_TCP, ""                   },
    {"radio-tcp",  SIM_LINE_WMBUS_TCP,  ""                   },
    {"radio-mqtt", SIM_LINE_WMBUS_MQTT, "thermopolis/wmbus/#"},
};
_Static_assert(HYP_ARRAY_LEN(line_rows) == SIM_TOWN_LINES, "one row per line");

/* Commissioning of the six substations. */
static const struct {
    unsigned street;
    unsigned house;
    uint8_t subtype;
    uint16_t app_version;
    uint16_t software;
    double offset_c;
    double loss_k;
    double steepness;
    uint8_t tap_kind;
} controller_rows[SIM_TOWN_CONTROLLERS] = {
    {0, 2, 1,  258, 557, 0.0,  2.0, 1.00, 0},
    {1, 4, 1,  258, 560, 0.3,  3.0, 1.12, 1},
    {4, 2, 1,  260, 560, -0.2, 4.5, 0.92, 3},
    {5, 4, 2,  259, 561, 0.1,  5.0, 1.05, 4},
    {8, 3, 10, 257, 557, -0.5, 6.0, 1.20, 2},
    {9, 8, 9,  258, 565, -0.4, 6.5, 0.97, 5},
};

static void add_lines(struct sim_town *town)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(line_rows); i++) {
        struct sim_line *line = &town->lines[town->line_count++];
        line->kind = line_rows[i].kind;
        hyp_text_copy(line->name, sizeof(line->name), hyp_str_from(line_rows[i].name));
        hyp_text_copy(line->topic, sizeof(line->topic), hyp_str_from(line_rows[i].topic));
        hyp_text_copy(line->host, sizeof(line->host), HYP_STR("127.0.0.1"));
    }
}

int sim_town_line(const struct sim_town *town, const char *name)
{
    for (size_t i = 0; i < town->line_count; i++) {
        if (strcmp(town->lines[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* The first MULTICAL with log in the same house is the building's main meter. */
static const struct sim_meter *main_meter_at(const struct sim_town *town,
                                             const struct sim_site *site)
{
    for (size_t i = 0; i < town->device_count; i++) {
        const struct sim_device *device = &town->devices[i];
        if (device->make == sim_make_get(SIM_MAKE_MULTICAL_603_LOG) &&
            device->site.group == site->group) {
            return &device->meter;
        }
    }
    return NULL;
}

enum hyp_status sim_town_add_controllers(struct sim_town *town)
{
    int first_line = sim_town_line(town, "ecl-1");
    for (size_t i = 0; i < SIM_TOWN_CONTROLLERS; i++) {
        struct sim_controller *controller = &town->controllers[i];
        controller->site =
            sim_site_make(controller_rows[i].street, controller_rows[i].house, NULL);
        controller->line = (uint8_t)(first_line + (int)i);
        struct hyp_buf name;
        hyp_buf_init_fixed(&name, controller->name, sizeof(controller->name));
        hyp_buf_append_fmt(&name, "Substation %s", controller->site.address);
        (void)hyp_buf_terminate(&name);
        struct sim_ecl_plan plan = {
            .subtype = controller_rows[i].subtype,
            .app_version = controller_rows[i].app_version,
            .software = controller_rows[i].software,
            .serial = (uint32_t)(sim_hash(town->plan.seed, 900, i) % 90000000 + 10000000),
            .unit = 1,
            .offset_c = controller_rows[i].offset_c,
            .loss_k = controller_rows[i].loss_k,
            .curve_steepness = controller_rows[i].steepness,
            .tap_kind = controller_rows[i].tap_kind,
            .seed = sim_hash(town->plan.seed, 901, i),
        };
        enum hyp_status status = sim_ecl_init(&controller->ecl, &plan, &town->climate,
                                              main_meter_at(town, &controller->site));
        if (status != HYP_OK) {
            return status;
        }
        town->controller_count++;
    }
    return HYP_OK;
}

enum hyp_status sim_town_create(const struct sim_town_plan *plan, struct sim_town **ret_town)
{
    struct sim_town *town = calloc(1, sizeof(*town));
    if (town == NULL) {
        return HYP_NO_MEMORY;
    }
    town->plan = *plan;
    sim_climate_init(&town->climate, plan->seed);
    enum hyp_status status = sim_climate_reserve(&town->climate, plan->anchor_ms);
    if (status == HYP_OK && plan->crowd > 0) {
        sim_town_add_crowd(town, plan->crowd);
        *ret_town = town;
        return HYP_OK;
    }
    if (status == HYP_OK) {
        add_lines(town);
        sim_town_add_meters(town);
        status = sim_town_add_controllers(town);
    }
    if (status != HYP_OK) {
        return sim_town_destroy(town), status;
    }
    sim_town_add_faults(town);
    *ret_town = town;
    return HYP_OK;
}

void *sim_town_destroy(struct sim_town *town)
{
    if (town == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < town->controller_count; i++) {
        sim_ecl_finish(&town->controllers[i].ecl);
    }
    sim_climate_finish(&town->climate);
    free(town);
    return NULL;
}

size_t sim_town_slaves(struct sim_town *town, int line, struct sim_slave *ret_slaves)
{
    size_t count = 0;
    for (size_t i = 0; i < town->device_count; i++) {
        struct sim_device *device = &town->devices[i];
        if (device->line == line) {
            ret_slaves[count++] = (struct sim_slave){.meter = &device->meter,
                                                     .make = device->make,
                                                     .peaks = device->peaks,
                                                     .primary = device->primary,
                                                     .delay_ms = device->delay_ms};
        }
    }
    return count;
}

struct sim_line_noise sim_town_noise(const struct sim_town *town, int line)
{
    bool bad =
        (town->plan.faults & SIM_FAULT_NOISY) != 0 && line == sim_town_line(town, "mbus-south");
    return bad ? bad_line : (struct sim_line_noise){0};
}
