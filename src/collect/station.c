/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/station.h"

#include "base/buf.h"
#include "base/limits.h"
#include "collect/reception.h"

#include <stdlib.h>
#include <string.h>

/* Bit 15 of a manufacturer code only says that the address is not globally unique. */
#define MANUFACTURER_MASK 0x7FFFu
#define ANY (-1)

static uint64_t as_number(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

static void *as_pointer(uint64_t number)
{
    return (void *)(uintptr_t)number;
}

void hyp_stations_init(struct hyp_stations *stations)
{
    hyp_map_init(&stations->by_id);
    hyp_map_init(&stations->by_identity);
    hyp_map_init(&stations->by_address);
    hyp_map_init(&stations->plans);
}

void hyp_stations_finish(struct hyp_stations *stations)
{
    size_t cursor = 0;
    struct hyp_station *station;
    while ((station = hyp_stations_next(stations, &cursor)) != NULL) {
        hyp_station_finish(station);
        free(station);
    }
    uint64_t key;
    uint64_t value;
    cursor = 0;
    while (hyp_map_next(&stations->plans, &cursor, &key, &value)) {
        hyp_plan_release(as_pointer(value));
    }
    hyp_map_finish(&stations->by_id);
    hyp_map_finish(&stations->by_identity);
    hyp_map_finish(&stations->by_address);
    hyp_map_finish(&stations->plans);
}

/* --- one station --- */

static struct hyp_station_extra *extra_of(struct hyp_station *station)
{
    if (station->extra == NULL) {
        station->extra = calloc(1, sizeof(*station->extra));
    }
    return station->extra;
}

const struct hyp_aes_key *hyp_station_key(const struct hyp_station *station)
{
    const struct hyp_station_extra *extra = station->extra;
    return extra != NULL && extra->has_key ? &extra->key : NULL;
}

struct hyp_reception *hyp_station_reception(const struct hyp_station *station)
{
    return station->extra == NULL ? NULL : station->extra->reception;
}

struct hyp_reception *hyp_station_begin_reception(struct hyp_station *station)
{
    struct hyp_station_extra *extra = extra_of(station);
    if (extra != NULL && extra->reception == NULL) {
        extra->reception = calloc(1, sizeof(*extra->reception));
    }
    return hyp_station_reception(station);
}

const struct hyp_modbus_hole_list *hyp_station_holes(const struct hyp_station *station)
{
    const struct hyp_station_extra *extra = station->extra;
    return extra != NULL && extra->holes.count > 0 ? &extra->holes : NULL;
}

static enum hyp_status set_key(struct hyp_station *station, const struct hyp_device *device)
{
    if (!device->has_key && station->extra == NULL) {
        return HYP_OK;
    }
    struct hyp_station_extra *extra = extra_of(station);
    if (extra == NULL) {
        return HYP_NO_MEMORY;
    }
    hyp_wipe(&extra->key, sizeof(extra->key));
    extra->has_key = device->has_key;
    if (device->has_key) {
        extra->key = device->key;
    }
    return HYP_OK;
}

static void set_identity(struct hyp_station *station, const struct hyp_device *device)
{
    uint64_t id = 0;
    struct hyp_str serial = hyp_str_from(device->serial);
    station->has_serial = serial.len == 8 && hyp_str_hex_to_u64(serial, &id) == HYP_OK;
    station->id_raw = (uint32_t)id;
    station->manufacturer = 0;
    if (strlen(device->manufacturer) == 3) {
        station->manufacturer =
            hyp_manufacturer_from_text(device->manufacturer) & MANUFACTURER_MASK;
    }
    station->has_identity = station->has_serial && station->manufacturer != 0;
    station->version = device->version < 0 ? ANY : device->version;
    station->medium = device->medium < 0 ? ANY : device->medium;
}

enum hyp_status hyp_station_set(struct hyp_station *station, const struct hyp_device *device,
                                const struct hyp_library *library)
{
    enum hyp_status status = set_key(station, device);
    if (status != HYP_OK) {
        return status;
    }
    const struct hyp_profile *profile =
        device->profile[0] == '\0' ? NULL
                                   : hyp_library_find(library, hyp_str_from(device->profile));
    if (profile != station->profile) {
        hyp_station_forget_plans(station);
    }
    station->profile = profile;
    station->id = device->id;
    station->tenant = device->tenant;
    station->line = device->line;
    station->baud = device->baud;
    station->primary = device->primary_address < 0 ? ANY : device->primary_address;
    station->secondary = device->secondary;
    station->unit = device->unit_id;
    station->schedule = device->schedule;
    station->enabled = device->enabled;
    set_identity(station, device);
    return HYP_OK;
}

void hyp_station_forget_plans(struct hyp_station *station)
{
    struct hyp_station_extra *extra = station->extra;
    for (size_t i = 0; extra != NULL && i < HYP_ARRAY_LEN(extra->plans); i++) {
        hyp_plan_release(extra->plans[i]);
        extra->plans[i] = NULL;
    }
}

void hyp_station_finish(struct hyp_station *station)
{
    struct hyp_station_extra *extra = station->extra;
    hyp_station_forget_plans(station);
    if (extra != NULL) {
        free(extra->holes.holes);
        free(extra->reception);
        hyp_wipe(&extra->key, sizeof(extra->key));
        free(extra);
        station->extra = NULL;
    }
    hyp_comm_finish(&station->comm);
}

bool hyp_station_is(const struct hyp_station *station, const struct hyp_meter_identity *meter)
{
    uint16_t manufacturer = meter->manufacturer_code & MANUFACTURER_MASK;
    return station->id_raw == meter->id_raw &&
           (station->manufacturer == 0 || station->manufacturer == manufacturer) &&
           (station->version == ANY || station->version == meter->version) &&
           (station->medium == ANY || station->medium == meter->medium);
}

/* --- the register --- */

static uint64_t identity_hash(hyp_tenant_id tenant, uint16_t manufacturer, uint32_t id)
{
    struct {
        int64_t tenant;
        uint32_t id;
        uint32_t manufacturer;
    } parts = {.tenant = tenant.id, .id = id, .manufacturer = manufacturer};
    return hyp_hash_bytes(&parts, sizeof(parts));
}

static uint64_t address_hash(hyp_line_id line, int address)
{
    struct {
        int64_t line;
        int64_t address;
    } parts = {.line = line.id, .address = address};
    return hyp_hash_bytes(&parts, sizeof(parts));
}

static struct hyp_station *chain_of(const struct hyp_map *map, uint64_t hash)
{
    uint64_t value = 0;
    return hyp_map_get(map, hash, &value) ? as_pointer(value) : NULL;
}

/* The address a station answers at: primary on M-Bus, unit on Modbus. */
static int station_address(const struct hyp_station *station)
{
    return station->primary != ANY ? station->primary : station->unit;
}

static uint64_t station_identity_hash(const struct hyp_station *station)
{
    return identity_hash(station->tenant, station->manufacturer, station->id_raw);
}

enum hyp_status hyp_stations_reserve(struct hyp_stations *stations)
{
    bool room = hyp_map_reserve(&stations->by_id) == HYP_OK &&
                hyp_map_reserve(&stations->by_address) == HYP_OK &&
                hyp_map_reserve(&stations->by_identity) == HYP_OK;
    return room ? HYP_OK : HYP_NO_MEMORY;
}

void hyp_stations_insert(struct hyp_stations *stations, struct hyp_station *station)
{
    uint64_t by_address = address_hash(station->line, station_address(station));
    uint64_t by_identity = station_identity_hash(station);
    /* There is room in all three. */
    HYP_IGNORE(hyp_map_set(&stations->by_id, (uint64_t)station->id.id, as_number(station)));
    station->next_address = chain_of(&stations->by_address, by_address);
    HYP_IGNORE(hyp_map_set(&stations->by_address, by_address, as_number(station)));
    station->next_identity = NULL;
    if (station->has_identity) {
        station->next_identity = chain_of(&stations->by_identity, by_identity);
        HYP_IGNORE(hyp_map_set(&stations->by_identity, by_identity, as_number(station)));
    }
}

/* Replaces the head of a chain, or drops the chain when it is empty. Cannot fail: the key is
 * there. */
static void set_head(struct hyp_map *map, uint64_t hash, struct hyp_station *head)
{
    if (head == NULL) {
        hyp_map_remove(map, hash);
    } else {
        /* Replaces a value that is there: needs no memory. */
        HYP_IGNORE(hyp_map_set(map, hash, as_number(head)));
    }
}

void hyp_stations_remove(struct hyp_stations *stations, struct hyp_station *station)
{
    hyp_map_remove(&stations->by_id, (uint64_t)station->id.id);
    uint64_t hash = address_hash(station->line, station_address(station));
    struct hyp_station *head = chain_of(&stations->by_address, hash);
    for (struct hyp_station **at = &head; *at != NULL; at = &(*at)->next_address) {
        if (*at == station) {
            *at = station->next_address;
            set_head(&stations->by_address, hash, head);
            break;
        }
    }
    if (!station->has_identity) {
        return;
    }
    hash = station_identity_hash(station);
    head = chain_of(&stations->by_identity, hash);
    for (struct hyp_station **at = &head; *at != NULL; at = &(*at)->next_identity) {
        if (*at == station) {
            *at = station->next_identity;
            set_head(&stations->by_identity, hash, head);
            break;
        }
    }
}

struct hyp_station *hyp_stations_find(const struct hyp_stations *stations, hyp_device_id id)
{
    return chain_of(&stations->by_id, (uint64_t)id.id);
}

struct hyp_station *hyp_stations_match(const struct hyp_stations *stations,
                                       hyp_tenant_id tenant,
                                       const struct hyp_meter_identity *meter)
{
    uint16_t manufacturer = meter->manufacturer_code & MANUFACTURER_MASK;
    struct hyp_station *best = NULL;
    int best_score = -1;
    struct hyp_station *station =
        chain_of(&stations->by_identity, identity_hash(tenant, manufacturer, meter->id_raw));
    for (; station != NULL; station = station->next_identity) {
        /* The hash may collide, and version and medium may tell two meters apart. */
        if (station->tenant.id != tenant.id || station->manufacturer != manufacturer ||
            !hyp_station_is(station, meter)) {
            continue;
        }
        int score = (station->version != ANY ? 1 : 0) + (station->medium != ANY ? 1 : 0);
        if (score > best_score) {
            best = station;
            best_score = score;
        }
    }
    return best;
}

struct hyp_station *hyp_stations_at(const struct hyp_stations *stations, hyp_line_id line,
                                    int address)
{
    struct hyp_station *station = chain_of(&stations->by_address, address_hash(line, address));
    while (station != NULL && (station->line.id != line.id ||
                               station_address(station) != address || station->secondary)) {
        station = station->next_address;
    }
    return station;
}

struct hyp_station *hyp_stations_next(const struct hyp_stations *stations, size_t *cursor)
{
    uint64_t key;
    uint64_t value;
    return hyp_map_next(&stations->by_id, cursor, &key, &value) ? as_pointer(value) : NULL;
}

/* --- plans --- */

struct hyp_plan *hyp_plan_use(struct hyp_plan *plan)
{
    if (plan != NULL) {
        plan->users++;
    }
    return plan;
}

void hyp_plan_release(struct hyp_plan *plan)
{
    if (plan != NULL && --plan->users == 0) {
        free(plan);
    }
}

static struct hyp_plan *build_plan(const struct hyp_station *station,
                                   enum hyp_poll_class poll_class)
{
    struct hyp_modbus_block blocks[HYP_LIMIT_DEVICE_BLOCKS];
    const struct hyp_modbus_hole_list *holes = hyp_station_holes(station);
    size_t count = hyp_profile_modbus_blocks(
        station->profile, poll_class, holes == NULL ? NULL : holes->holes,
        holes == NULL ? 0 : holes->count, blocks, HYP_ARRAY_LEN(blocks));
    count = HYP_MIN(count, HYP_ARRAY_LEN(blocks));
    struct hyp_plan *plan = malloc(sizeof(*plan) + count * sizeof(blocks[0]));
    if (plan == NULL) {
        return NULL;
    }
    plan->users = 1;
    plan->count = (uint32_t)count;
    plan->snapshot_size = hyp_modbus_snapshot_size(blocks, count);
    memcpy(plan->blocks, blocks, count * sizeof(blocks[0]));
    return plan;
}

static struct hyp_plan *shared_plan(struct hyp_stations *stations,
                                    const struct hyp_station *station,
                                    enum hyp_poll_class poll_class)
{
    uint64_t key = as_number(station->profile) * 4 + (uint64_t)poll_class;
    uint64_t value = 0;
    if (hyp_map_get(&stations->plans, key, &value)) {
        return as_pointer(value);
    }
    struct hyp_plan *plan = build_plan(station, poll_class);
    if (plan != NULL && hyp_map_set(&stations->plans, key, as_number(plan)) != HYP_OK) {
        hyp_plan_release(plan);
        return NULL;
    }
    return plan;
}

struct hyp_plan *hyp_station_plan(struct hyp_stations *stations, struct hyp_station *station,
                                  enum hyp_poll_class poll_class)
{
    if (station->profile == NULL) {
        return NULL;
    }
    if (hyp_station_holes(station) == NULL) {
        return shared_plan(stations, station, poll_class);
    }
    struct hyp_plan **own = &station->extra->plans[poll_class];
    if (*own == NULL) {
        *own = build_plan(station, poll_class);
    }
    return *own;
}

bool hyp_station_add_holes(struct hyp_station *station, const struct hyp_modbus_hole *holes,
                           size_t count)
{
    struct hyp_station_extra *extra = extra_of(station);
    if (extra == NULL || extra->holes.count >= HYP_LIMIT_DEVICE_HOLES) {
        return false;
    }
    struct hyp_modbus_hole_list *list = &extra->holes;
    count = HYP_MIN(count, HYP_LIMIT_DEVICE_HOLES - list->count);
    struct hyp_modbus_hole *grown =
        realloc(list->holes, (list->count + count) * sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    memcpy(grown + list->count, holes, count * sizeof(*grown));
    list->holes = grown;
    list->count += count;
    list->capacity = list->count;
    hyp_station_forget_plans(station);
    return true;
}
