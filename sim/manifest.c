/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/manifest.h"

#include "base/json.h"
#include "sim/civil.h"

#include <jansson.h>

static const char *const line_kinds[] = {
    [SIM_LINE_MBUS_TCP] = "mbus-tcp",
    [SIM_LINE_MODBUS_TCP] = "modbus-tcp",
    [SIM_LINE_WMBUS_TCP] = "wmbus-tcp",
    [SIM_LINE_WMBUS_MQTT] = "wmbus-mqtt",
};

static const char *const device_kinds[] = {
    [SIM_KIND_UNSET] = "generic",           [SIM_KIND_HEAT] = "heat_meter",
    [SIM_KIND_WATER] = "water_meter",       [SIM_KIND_ALLOCATOR] = "hca",
    [SIM_KIND_POWER] = "electricity_meter",
};

static const char *const wraps[] = {
    [SIM_WRAP_WIRED] = "wired",         [SIM_WRAP_PLAIN] = "plain",
    [SIM_WRAP_SHORT] = "short",         [SIM_WRAP_SHORT_5] = "short-aes-cbc",
    [SIM_WRAP_LONG] = "long",           [SIM_WRAP_LONG_5] = "long-aes-cbc",
    [SIM_WRAP_ELL_CTR] = "ell-aes-ctr",
};

static void member_hex_id(struct hyp_json *json, const char *key, uint32_t id)
{
    uint8_t bytes[4] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                        (uint8_t)id};
    hyp_json_key(json, key);
    hyp_json_hex(json, bytes, sizeof(bytes));
}

static void member_time(struct hyp_json *json, const char *key, int64_t utc_ms)
{
    char text[32];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    sim_iso_append(&buf, utc_ms);
    hyp_json_member_str(json, key, hyp_buf_view(&buf));
}

static void member_double(struct hyp_json *json, const char *key, double value)
{
    hyp_json_key(json, key);
    hyp_json_double(json, value);
}

static void write_site(struct hyp_json *json, const struct sim_town *town,
                       const struct sim_site *site)
{
    hyp_json_member_text(json, "site", site->address);
    hyp_json_member_text(json, "city", "Thermopolis");
    member_double(json, "lat", site->lat);
    member_double(json, "lon", site->lon);
    hyp_json_member_text(json, "group", town->groups[site->group].name);
}

static void write_line(struct hyp_json *json, const struct sim_line *line)
{
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "name", line->name);
    hyp_json_member_text(json, "kind", line_kinds[line->kind]);
    hyp_json_member_text(json, "host", line->host);
    hyp_json_member_u64(json, "port", line->port);
    if (line->kind == SIM_LINE_WMBUS_MQTT) {
        hyp_json_member_text(json, "topic", line->topic);
    }
    hyp_json_object_end(json);
}

static void write_identity(struct hyp_json *json, const struct sim_identity *identity)
{
    hyp_json_member_text(json, "manufacturer", identity->manufacturer);
    member_hex_id(json, "id", identity->id);
    hyp_json_member_u64(json, "version", identity->version);
    hyp_json_member_u64(json, "medium", identity->medium);
}

static bool has_key(const struct sim_device *device)
{
    return device->wrap == SIM_WRAP_SHORT_5 || device->wrap == SIM_WRAP_LONG_5 ||
           device->wrap == SIM_WRAP_ELL_CTR;
}

static void write_radio(struct hyp_json *json, const struct sim_device *device)
{
    hyp_json_key(json, "key");
    if (has_key(device)) {
        hyp_json_hex(json, device->key.bytes, sizeof(device->key.bytes));
    } else {
        hyp_json_null(json);
    }
    if (device->adapter.id != 0) {
        hyp_json_key(json, "adapter");
        hyp_json_object_begin(json);
        write_identity(json, &device->adapter);
        hyp_json_object_end(json);
    }
    hyp_json_member_text(json, "transport", wraps[device->wrap]);
}

static void write_meter(struct hyp_json *json, const struct sim_town *town,
                        const struct sim_device *device)
{
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "name", device->name);
    hyp_json_member_text(json, "line", town->lines[device->line].name);
    hyp_json_member_text(json, "kind", device_kinds[device->make->kind]);
    hyp_json_member_text(json, "title", device->make->title);
    hyp_json_member_text(json, "profile", device->make->profile);
    write_identity(json, &device->meter.identity);
    bool wired = device->wrap == SIM_WRAP_WIRED;
    if (wired && device->primary != 0) {
        hyp_json_member_u64(json, "primary_address", device->primary);
    } else {
        hyp_json_member_null(json, "primary_address");
    }
    hyp_json_member_bool(json, "secondary", wired && device->primary == 0);
    hyp_json_member_null(json, "unit_id");
    hyp_json_member_bool(json, "silent", device->meter.defects.dead_ms == SIM_SINCE_EVER);
    write_radio(json, device);
    write_site(json, town, &device->site);
    hyp_json_object_end(json);
}

static void write_controller(struct hyp_json *json, const struct sim_town *town,
                             const struct sim_controller *controller)
{
    const struct sim_ecl_plan *plan = &controller->ecl.plan;
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "name", controller->name);
    hyp_json_member_text(json, "line", town->lines[controller->line].name);
    hyp_json_member_text(json, "kind", "controller");
    hyp_json_member_text(json, "title", "Danfoss ECL Comfort 310");
    hyp_json_member_text(json, "profile", "danfoss_ecl310_a266");
    hyp_json_member_text(json, "manufacturer", "DFS");
    member_hex_id(json, "id", (uint32_t)sim_bcd(plan->serial));
    hyp_json_member_null(json, "version");
    hyp_json_member_null(json, "medium");
    hyp_json_member_null(json, "primary_address");
    hyp_json_member_bool(json, "secondary", false);
    hyp_json_member_u64(json, "unit_id", plan->unit);
    hyp_json_member_null(json, "key");
    hyp_json_key(json, "application");
    char text[32];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_buf_append_fmt(&buf, "A266.%u %u.%02u", plan->subtype, plan->app_version >> 8,
                       plan->app_version & 0xFFu);
    hyp_json_str(json, hyp_buf_view(&buf));
    write_site(json, town, &controller->site);
    hyp_json_object_end(json);
}

static void write_group(struct hyp_json *json, const struct sim_town *town, size_t index)
{
    const struct sim_group *group = &town->groups[index];
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "name", group->name);
    hyp_json_key(json, "parent");
    if (group->parent == SIM_GROUP_TOP) {
        hyp_json_null(json);
    } else {
        hyp_json_text(json, town->groups[group->parent].name);
    }
    member_double(json, "lat", group->lat);
    member_double(json, "lon", group->lon);
    hyp_json_key(json, "devices");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < town->device_count; i++) {
        if (town->devices[i].site.group == index) {
            hyp_json_text(json, town->devices[i].name);
        }
    }
    for (size_t i = 0; i < town->controller_count; i++) {
        if (town->controllers[i].site.group == index) {
            hyp_json_text(json, town->controllers[i].name);
        }
    }
    hyp_json_array_end(json);
    hyp_json_object_end(json);
}

static void write_fault(struct hyp_json *json, enum sim_fault fault, const char *where,
                        int64_t since_ms)
{
    unsigned bit = 0;
    while ((fault >> bit & 1) == 0) {
        bit++;
    }
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "fault", sim_fault_names[bit]);
    hyp_json_member_text(json, "where", where);
    if (since_ms == 0) {
        hyp_json_member_null(json, "since");
    } else {
        member_time(json, "since", since_ms);
    }
    hyp_json_object_end(json);
}

static void write_meter_faults(struct hyp_json *json, const struct sim_device *device)
{
    const struct sim_defects *defects = &device->meter.defects;
    const struct {
        enum sim_fault fault;
        int64_t since_ms;
        bool always;
    } rows[] = {
        {SIM_FAULT_DEAD,      defects->dead_ms,    false               },
        {SIM_FAULT_STUCK,     defects->stuck_ms,   false               },
        {SIM_FAULT_BURST,     defects->burst_ms,   false               },
        {SIM_FAULT_SWAPPED,   defects->swapped_ms, false               },
        {SIM_FAULT_WRONG_KEY, 0,                   defects->wrong_key  },
        {SIM_FAULT_BATTERY,   0,                   defects->battery_low},
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        if (rows[i].since_ms != 0 || rows[i].always) {
            write_fault(json, rows[i].fault, device->name, rows[i].since_ms);
        }
    }
}

static void write_faults(struct hyp_json *json, const struct sim_town *town)
{
    hyp_json_key(json, "faults");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < town->device_count; i++) {
        write_meter_faults(json, &town->devices[i]);
    }
    for (size_t i = 0; i < town->controller_count; i++) {
        if (town->controllers[i].ecl.plan.stuck_outdoor_ms != 0) {
            write_fault(json, SIM_FAULT_STUCK, town->controllers[i].name,
                        town->controllers[i].ecl.plan.stuck_outdoor_ms);
        }
    }
    if ((town->plan.faults & SIM_FAULT_NOISY) != 0) {
        write_fault(json, SIM_FAULT_NOISY, "mbus-south", 0);
    }
    hyp_json_array_end(json);
}

void sim_manifest_write(const struct sim_town *town, struct hyp_buf *out)
{
    struct hyp_json json;
    hyp_json_init(&json, out);
    hyp_json_object_begin(&json);
    hyp_json_member_text(&json, "town", "Thermopolis");
    hyp_json_member_u64(&json, "seed", town->plan.seed);
    member_time(&json, "anchor", town->plan.anchor_ms);
    hyp_json_member_u64(&json, "fault_bits", town->plan.faults);
    hyp_json_member_text(&json, "timezone", "Europe/Copenhagen");
    hyp_json_key(&json, "lines");
    hyp_json_array_begin(&json);
    for (size_t i = 0; i < town->line_count; i++) {
        write_line(&json, &town->lines[i]);
    }
    hyp_json_array_end(&json);
    hyp_json_key(&json, "devices");
    hyp_json_array_begin(&json);
    for (size_t i = 0; i < town->device_count; i++) {
        write_meter(&json, town, &town->devices[i]);
    }
    for (size_t i = 0; i < town->controller_count; i++) {
        write_controller(&json, town, &town->controllers[i]);
    }
    hyp_json_array_end(&json);
    hyp_json_key(&json, "groups");
    hyp_json_array_begin(&json);
    for (size_t i = 0; i < town->group_count; i++) {
        write_group(&json, town, i);
    }
    hyp_json_array_end(&json);
    write_faults(&json, town);
    hyp_json_object_end(&json);
    hyp_buf_append_char(out, '\n');
}

static bool load_line(const json_t *entry, struct sim_line *line)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *host = json_string_value(json_object_get(entry, "host"));
    json_int_t port = json_integer_value(json_object_get(entry, "port"));
    if (name == NULL || host == NULL || port < 0 || port > UINT16_MAX) {
        return false;
    }
    line->port = (uint16_t)port;
    return hyp_text_copy(line->name, sizeof(line->name), hyp_str_from(name)) &&
           hyp_text_copy(line->host, sizeof(line->host), hyp_str_from(host));
}

static bool load_manifest(const json_t *root, struct sim_manifest *manifest)
{
    const json_t *seed = json_object_get(root, "seed");
    const json_t *bits = json_object_get(root, "fault_bits");
    const char *anchor = json_string_value(json_object_get(root, "anchor"));
    if (!json_is_integer(seed) || anchor == NULL ||
        sim_iso_parse(hyp_str_from(anchor), &manifest->plan.anchor_ms) != HYP_OK) {
        return false;
    }
    manifest->plan.seed = (uint64_t)json_integer_value(seed);
    manifest->plan.faults = json_is_integer(bits)
                                ? (unsigned)json_integer_value(bits) & SIM_FAULT_ALL
                                : SIM_FAULT_ALL;
    const json_t *lines = json_object_get(root, "lines");
    size_t count = json_array_size(lines);
    for (size_t i = 0; i < count && i < SIM_TOWN_LINES; i++) {
        if (!load_line(json_array_get(lines, i), &manifest->lines[manifest->line_count++])) {
            return false;
        }
    }
    return true;
}

enum hyp_status sim_manifest_load(const char *path, struct sim_manifest *ret_manifest,
                                  struct hyp_error *err)
{
    json_error_t where;
    json_t *root = json_load_file(path, 0, &where);
    if (root == NULL) {
        bool unreadable = where.line < 0;
        return hyp_error_set(err, unreadable ? HYP_IO : HYP_MALFORMED, where.line,
                             "%s: %s; give a file written by `hypocaust-sim manifest`", path,
                             where.text);
    }
    *ret_manifest = (struct sim_manifest){0};
    bool good = load_manifest(root, ret_manifest);
    json_decref(root);
    if (!good) {
        return hyp_error_set(err, HYP_MALFORMED, -1,
                             "%s has no seed, anchor and lines; give a file written by "
                             "`hypocaust-sim manifest`",
                             path);
    }
    return HYP_OK;
}
