/* SPDX-License-Identifier: Apache-2.0 */
/* Who lives where and which meter hangs there. */
#include "sim/civil.h"
#include "sim/noise.h"
#include "sim/town.h"

#include <string.h>

/* Channels of the seed. */
enum { DRAW_ID = 500, DRAW_ADAPTER, DRAW_PLANT, DRAW_KEY };

/* A run of equal meters on a line. */
struct batch {
    enum sim_make_id make;
    unsigned count;
    enum sim_wrap wrap;
};

/* What each of the two M-Bus masters serves: 30 heat, 20 water, 2 electricity meters. */
static const struct batch wired_batches[] = {
    {SIM_MAKE_MULTICAL_603_LOG, 2, SIM_WRAP_WIRED},
    {SIM_MAKE_MULTICAL_603,     4, SIM_WRAP_WIRED},
    {SIM_MAKE_MULTICAL_403,     6, SIM_WRAP_WIRED},
    {SIM_MAKE_SONOMETER,        6, SIM_WRAP_WIRED},
    {SIM_MAKE_T550,             6, SIM_WRAP_WIRED},
    {SIM_MAKE_SENSOSTAR,        6, SIM_WRAP_WIRED},
    {SIM_MAKE_FLOWIQ,           8, SIM_WRAP_WIRED},
    {SIM_MAKE_HYDRUS,           6, SIM_WRAP_WIRED},
    {SIM_MAKE_MINOMESS,         6, SIM_WRAP_WIRED},
    {SIM_MAKE_OMNIPOWER,        2, SIM_WRAP_WIRED},
};

/* 150 radio meters, 75 of them encrypted. */
static const struct batch radio_batches[] = {
    {SIM_MAKE_RADIO_MULTICAL_603, 18, SIM_WRAP_ELL_CTR},
    {SIM_MAKE_RADIO_MULTICAL_403, 12, SIM_WRAP_ELL_CTR},
    {SIM_MAKE_RADIO_FLOWIQ,       15, SIM_WRAP_ELL_CTR},
    {SIM_MAKE_RADIO_SENSOSTAR,    15, SIM_WRAP_SHORT_5},
    {SIM_MAKE_RADIO_HYDRUS,       10, SIM_WRAP_SHORT_5},
    {SIM_MAKE_RADIO_ZELSIUS,      5,  SIM_WRAP_LONG_5 },
    {SIM_MAKE_RADIO_ZELSIUS,      10, SIM_WRAP_LONG   },
    {SIM_MAKE_RADIO_QCALORIC,     20, SIM_WRAP_SHORT  },
    {SIM_MAKE_RADIO_SONTEX868,    15, SIM_WRAP_PLAIN  },
    {SIM_MAKE_RADIO_MINOMESS,     10, SIM_WRAP_SHORT  },
    {SIM_MAKE_RADIO_MINOMESS,     10, SIM_WRAP_PLAIN  },
    {SIM_MAKE_RADIO_OMNIPOWER,    10, SIM_WRAP_SHORT  },
};

static const char *const kind_words[] = {
    [SIM_KIND_UNSET] = "",      [SIM_KIND_HEAT] = "heat",
    [SIM_KIND_WATER] = "water", [SIM_KIND_ALLOCATOR] = "radiator",
    [SIM_KIND_POWER] = "power",
};

static const char *const flats[] = {"st. tv", "st. th", "1. tv", "1. th", "2. tv", "2. th",
                                    "3. tv",  "3. th",  "4. tv", "4. th", "5. tv", "5. th"};

static bool id_is_taken(const struct sim_town *town, uint32_t id)
{
    for (size_t i = 0; i < town->device_count; i++) {
        if (town->devices[i].meter.identity.id == id || town->devices[i].adapter.id == id) {
            return true;
        }
    }
    return false;
}

/* @channel  DRAW_ID or DRAW_ADAPTER */
static uint32_t draw_id(const struct sim_town *town, uint64_t channel)
{
    uint32_t id;
    uint64_t attempt = 0;
    do {
        uint64_t number =
            sim_hash(town->plan.seed, channel + 1000 * attempt++, town->device_count);
        id = (uint32_t)sim_bcd(number % 90000000 + 10000000);
    } while (id_is_taken(town, id));
    return id;
}

/* A value of this meter's household, uniform in a range. */
static double draw(const struct sim_meter *meter, uint64_t what, double low, double high)
{
    return sim_between(meter->seed, DRAW_PLANT, what, low, high);
}

static void furnish_heat(struct sim_meter *meter, bool is_main)
{
    struct sim_plant *plant = &meter->plant;
    plant->design_kw = is_main ? draw(meter, 1, 60, 95) : draw(meter, 1, 2.2, 6.5);
    plant->tap = is_main ? draw(meter, 2, 5, 9) : draw(meter, 2, 0.22, 0.55);
    plant->heat_a = (unsigned)(sim_hash(meter->seed, 1, 1) % SIM_ARCHETYPES);
    plant->heat_b = (unsigned)(sim_hash(meter->seed, 1, 2) % SIM_ARCHETYPES);
    plant->mix = draw(meter, 3, 0.3, 0.9);
    /* Every sixth returns its water too warm. */
    plant->cooling = sim_hash(meter->seed, 1, 3) % 6 == 0 ? draw(meter, 4, 0.55, 0.7)
                                                          : draw(meter, 4, 0.85, 1.04);
    plant->loss_k = draw(meter, 5, 1.0, 7.0);
}

static void furnish(struct sim_meter *meter, bool is_main)
{
    struct sim_plant *plant = &meter->plant;
    plant->tap_kind = (unsigned)(sim_hash(meter->seed, 1, 4) % SIM_ARCHETYPES);
    double years = draw(meter, 6, 0.5, 6.0);
    double hours = years * 8766.0;
    plant->installed_ms = SIM_EPOCH_MS - (int64_t)(hours * (double)SIM_HOUR_MS);
    switch (meter->kind) {
    case SIM_KIND_HEAT:
        furnish_heat(meter, is_main);
        plant->start_energy = plant->design_kw * 2300.0 * years + plant->tap * hours;
        plant->start_volume = plant->start_energy * SIM_LITRES_PER_KWH_K / 40.0;
        break;
    case SIM_KIND_WATER:
        plant->tap = draw(meter, 7, 3.5, 14.0);
        /* Here and there a cistern drips. */
        plant->base_l_h = sim_hash(meter->seed, 1, 5) % 9 == 0 ? draw(meter, 8, 0.6, 2.5) : 0.0;
        plant->start_volume = (plant->tap + plant->base_l_h) * hours;
        break;
    case SIM_KIND_ALLOCATOR:
        plant->tap = draw(meter, 9, 0.25, 1.3);
        plant->heat_a = (unsigned)(sim_hash(meter->seed, 1, 6) % SIM_ARCHETYPES);
        break;
    case SIM_KIND_POWER:
        plant->tap = draw(meter, 10, 0.18, 0.75);
        plant->start_energy = plant->tap * hours;
        break;
    case SIM_KIND_UNSET: break;
    }
}

struct sim_device *sim_town_add_device(struct sim_town *town, enum sim_make_id make, int line)
{
    struct sim_device *device = &town->devices[town->device_count];
    device->make = sim_make_get(make);
    device->line = (uint8_t)line;
    struct sim_meter *meter = &device->meter;
    meter->kind = device->make->kind;
    meter->seed = sim_hash(town->plan.seed, DRAW_PLANT, town->device_count);
    memcpy(meter->identity.manufacturer, device->make->manufacturer, 4);
    meter->identity.version = device->make->version;
    meter->identity.medium = device->make->medium;
    meter->identity.id = draw_id(town, DRAW_ID);
    furnish(meter, make == SIM_MAKE_MULTICAL_603_LOG);
    town->device_count++;
    return device;
}

static void name_device(struct sim_device *device, const char *extra)
{
    struct hyp_buf name;
    hyp_buf_init_fixed(&name, device->name, sizeof(device->name));
    hyp_buf_append_fmt(&name, "%s %s%s", device->site.address, kind_words[device->make->kind],
                       extra);
    (void)hyp_buf_terminate(&name);
}

/*
 * Wired meters of one master live in four houses of its district; within a kind of medium each
 * meter takes the next flat.
 */
static void add_wired(struct sim_town *town, const char *line_name, unsigned first_street)
{
    int line = sim_town_line(town, line_name);
    unsigned next_flat[SIM_KIND_POWER + 1] = {0};
    uint8_t primary = 1;
    for (size_t b = 0; b < HYP_ARRAY_LEN(wired_batches); b++) {
        for (unsigned i = 0; i < wired_batches[b].count; i++) {
            struct sim_device *device = sim_town_add_device(town, wired_batches[b].make, line);
            bool is_main = wired_batches[b].make == SIM_MAKE_MULTICAL_603_LOG;
            /* Main meters stand in the two houses with a substation. */
            unsigned flat = is_main ? i : next_flat[device->make->kind]++;
            unsigned street = first_street + (is_main ? i : flat % 4);
            unsigned house = 2 + 2 * (street % 4 + flat / 48);
            device->site =
                sim_site_make(street, house, is_main ? "cellar" : flats[flat / 4 % 12]);
            name_device(device, "");
            /* Some fitters never set the primary address. */
            device->primary = primary % 7 == 0 ? 0 : primary;
            primary++;
        }
    }
}

/* What a hurried specification forgets: ids that are no numbers, and ids that come twice. */
static void add_address_traps(struct sim_town *town)
{
    struct sim_device *first_hydrus = NULL;
    struct sim_device *last_minomess = NULL;
    struct sim_device *last_sonometer = NULL;
    for (size_t i = 0; i < town->device_count; i++) {
        struct sim_device *device = &town->devices[i];
        if (device->make == sim_make_get(SIM_MAKE_HYDRUS) && first_hydrus == NULL) {
            first_hydrus = device;
        }
        if (device->make == sim_make_get(SIM_MAKE_MINOMESS)) {
            last_minomess = device;
        }
        if (device->make == sim_make_get(SIM_MAKE_SONOMETER)) {
            last_sonometer = device;
        }
    }
    if (first_hydrus == NULL || last_minomess == NULL || last_sonometer == NULL) {
        return;
    }
    first_hydrus->meter.identity.id = 0x4A1C7E25;
    first_hydrus->primary = 0;
    last_minomess->meter.identity.id = last_sonometer->meter.identity.id;
    last_minomess->primary = 0;
    last_sonometer->primary = 0;
    last_sonometer->meter.defects.no_sensors = true;
}

static bool is_encrypted(enum sim_wrap wrap)
{
    return wrap == SIM_WRAP_SHORT_5 || wrap == SIM_WRAP_LONG_5 || wrap == SIM_WRAP_ELL_CTR;
}

static void give_radio(struct sim_town *town, struct sim_device *device, enum sim_wrap wrap)
{
    device->wrap = wrap;
    device->with_crc = town->device_count % 3 == 0;
    if (is_encrypted(wrap)) {
        for (unsigned i = 0; i < sizeof(device->key.bytes); i++) {
            device->key.bytes[i] = (uint8_t)sim_hash(device->meter.seed, DRAW_KEY, i);
        }
    }
    if (wrap == SIM_WRAP_LONG || wrap == SIM_WRAP_LONG_5) {
        device->adapter = (struct sim_identity){.manufacturer = "ZRI",
                                                .id = draw_id(town, DRAW_ADAPTER),
                                                .version = 0x16,
                                                .medium = 0x37};
    }
}

/* Radiators of a flat, room by room. */
static const char *const rooms[] = {" living room", " bedroom", " kitchen", " bath", " hall"};

/*
 * Radio meters: houses along eight streets with one meter of each kind; allocators in the flats
 * of the two harbour blocks, five radiators each.
 */
static void add_radio(struct sim_town *town)
{
    static const unsigned house_streets[] = {2, 3, 6, 7, 10, 11};
    int tcp = sim_town_line(town, "radio-tcp");
    int mqtt = sim_town_line(town, "radio-mqtt");
    unsigned next_house[SIM_KIND_POWER + 1] = {0};
    unsigned number = 0;
    for (size_t b = 0; b < HYP_ARRAY_LEN(radio_batches); b++) {
        for (unsigned i = 0; i < radio_batches[b].count; i++) {
            struct sim_device *device = sim_town_add_device(town, radio_batches[b].make,
                                                            number++ % 2 == 0 ? tcp : mqtt);
            unsigned place = next_house[device->make->kind]++;
            if (device->make->kind == SIM_KIND_ALLOCATOR) {
                unsigned flat = place / HYP_ARRAY_LEN(rooms);
                device->site = sim_site_make(8 + flat % 2, flat % 2 == 0 ? 3 : 8, flats[flat]);
                name_device(device, rooms[place % HYP_ARRAY_LEN(rooms)]);
            } else {
                unsigned street = house_streets[place % HYP_ARRAY_LEN(house_streets)];
                device->site =
                    sim_site_make(street, 11 + place / HYP_ARRAY_LEN(house_streets), NULL);
                name_device(device, "");
            }
            give_radio(town, device, radio_batches[b].wrap);
        }
    }
}

static void add_group(struct sim_town *town, const char *name, uint8_t parent, double lat,
                      double lon)
{
    struct sim_group *group = &town->groups[town->group_count++];
    hyp_text_copy(group->name, sizeof(group->name), hyp_str_from(name));
    group->parent = parent;
    group->lat = lat;
    group->lon = lon;
}

static void add_groups(struct sim_town *town)
{
    add_group(town, "Thermopolis", SIM_GROUP_TOP, 55.702, 12.506);
    add_group(town, "North", 0, 55.7119, 12.4984);
    add_group(town, "South", 0, 55.6924, 12.5001);
    add_group(town, "Harbour", 0, 55.7000, 12.5186);
    for (unsigned street = 0; street < SIM_STREETS; street++) {
        struct sim_site site = sim_site_make(street, 4, NULL);
        add_group(town, sim_street_name(street), (uint8_t)(1 + street / 4), site.lat, site.lon);
    }
}

void sim_town_add_meters(struct sim_town *town)
{
    add_groups(town);
    add_wired(town, "mbus-north", 0);
    add_wired(town, "mbus-south", 4);
    add_address_traps(town);
    add_radio(town);
}
