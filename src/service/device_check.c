/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device and a line must look like before they are stored. Each sentence begins with the
 * name of the field, says what is wrong and what would be right.
 */
#include "service/devices.h"

#include "service/inside.h"

#include <string.h>

static const char *const device_kinds[] = {
    "heat_meter", "water_meter", "hca",    "electricity_meter",
    "controller", "gas_meter",   "sensor", "generic",
};

static bool is_wireless_line(enum hyp_line_kind kind)
{
    return kind == HYP_LINE_WMBUS_TCP || kind == HYP_LINE_WMBUS_TCP_LISTEN ||
           kind == HYP_LINE_WMBUS_UDP_LISTEN || kind == HYP_LINE_WMBUS_MQTT ||
           kind == HYP_LINE_WMBUS_SERIAL;
}

static bool is_modbus_line(enum hyp_line_kind kind)
{
    return kind == HYP_LINE_MODBUS_TCP || kind == HYP_LINE_MODBUS_RTU_TCP ||
           kind == HYP_LINE_MODBUS_SERIAL;
}

static bool is_serial_line(enum hyp_line_kind kind)
{
    return kind == HYP_LINE_MBUS_SERIAL || kind == HYP_LINE_MODBUS_SERIAL ||
           kind == HYP_LINE_WMBUS_SERIAL;
}

static bool is_kind(const char *kind)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(device_kinds); i++) {
        if (strcmp(kind, device_kinds[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Only hex digits, and exactly `count` of them. */
static bool is_hex(const char *text, size_t count)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (hyp_hex_digit(text[i]) < 0) {
            return false;
        }
    }
    return strlen(text) == count;
}

static enum hyp_status check_identity(const struct hyp_device *device, bool modbus,
                                      struct hyp_error *err)
{
    size_t maker_len = strlen(device->manufacturer);
    if (maker_len != 0 && maker_len != 3) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "manufacturer: \"%s\" is not a three-letter code like \"KAM\".",
                             device->manufacturer);
    }
    if (!modbus && device->serial[0] != '\0' && !is_hex(device->serial, 8)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "serial: \"%s\" is not an M-Bus number; it has 8 digits, with "
                             "leading zeros.",
                             device->serial);
    }
    if (device->version < -1 || device->version > 255) {
        return hyp_error_set(err, HYP_INVALID, -1, "version: must be 0..255, or null.");
    }
    if (device->medium < -1 || device->medium > 255) {
        return hyp_error_set(err, HYP_INVALID, -1, "medium: must be 0..255, or null.");
    }
    if (device->primary_address < -1 || device->primary_address > 250) {
        return hyp_error_set(err, HYP_INVALID, -1, "primary_address: must be 0..250, or null.");
    }
    return HYP_OK;
}

/* A device must be reachable the way its line works. */
static enum hyp_status check_reach(const struct hyp_device *device, enum hyp_line_kind kind,
                                   struct hyp_error *err)
{
    bool wired = kind == HYP_LINE_MBUS_TCP || kind == HYP_LINE_MBUS_SERIAL;
    if (wired && device->secondary && device->serial[0] == '\0') {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "serial: secondary addressing needs the meter number.");
    }
    if (wired && !device->secondary && device->primary_address < 0) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "primary_address: is needed on a wired M-Bus line, unless the "
                             "meter is addressed by its number (secondary).");
    }
    if ((is_wireless_line(kind) || device->line.id == 0) && device->serial[0] == '\0') {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "serial: a radio meter is known by its number; it is needed.");
    }
    if (device->baud != 0 && kind != HYP_LINE_MBUS_SERIAL) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "baud: only meters on a serial M-Bus line have a rate of their "
                             "own; 0 is the line's.");
    }
    if (device->baud != 0 && hyp_mbus_baud_index(device->baud) < 0) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "baud: must be 0 (the line's), 300, 600, 1200, 2400, 4800, 9600, "
                             "19200 or 38400.");
    }
    if (device->secondary && is_modbus_line(kind)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "secondary: Modbus devices are addressed by unit_id.");
    }
    return HYP_OK;
}

static void fill_defaults(struct hyp_device *device, enum hyp_line_kind kind,
                          const struct hyp_profile *profile)
{
    if (device->kind[0] == '\0') {
        const char *guess = profile != NULL ? hyp_profile_info(profile)->kind
                                            : hyp_device_kind_of_medium(device->medium);
        hyp_text_copy(device->kind, sizeof(device->kind), hyp_str_from(guess));
    }
    if (device->name[0] == '\0') {
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, device->name, sizeof(device->name));
        const char *title = profile != NULL ? hyp_profile_info(profile)->title : device->kind;
        hyp_buf_append_fmt(&buf, "%s %s", title, device->serial);
        hyp_buf_terminate(&buf);
    }
    if (device->schedule.kind == HYP_SCHEDULE_UNSET) {
        bool listens =
            is_wireless_line(kind) || kind == HYP_LINE_DROP_FOLDER || kind == HYP_LINE_UNSET;
        device->schedule.kind = listens ? HYP_SCHEDULE_NONE : HYP_SCHEDULE_EVERY;
        device->schedule.minutes = listens ? 0 : 15;
    }
}

enum hyp_status hyp_device_check(struct hyp_service *service, hyp_tenant_id tenant,
                                 struct hyp_device *device, struct hyp_error *err)
{
    struct hyp_line line = {0};
    const struct hyp_profile *profile = NULL;
    if (device->line.id != 0 &&
        hyp_store_line(service->config.store, tenant, device->line, &line) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1, "line: there is no line %lld.",
                             (long long)device->line.id);
    }
    hyp_wipe(line.password, sizeof(line.password));
    if (device->profile[0] != '\0') {
        profile = hyp_library_find(service->config.library, hyp_str_from(device->profile));
        if (profile == NULL) {
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "profile: there is no profile \"%s\"; leave it empty to have "
                                 "it chosen.",
                                 device->profile);
        }
    }
    if (device->kind[0] != '\0' && !is_kind(device->kind)) {
        return hyp_error_set(err, HYP_INVALID, -1, "kind: \"%s\" is not a kind of device.",
                             device->kind);
    }
    if (!(device->latitude >= -90 && device->latitude <= 90 && device->longitude >= -180 &&
          device->longitude <= 180)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "latitude: must be -90..90, and longitude -180..180.");
    }
    enum hyp_status status = check_identity(device, is_modbus_line(line.kind), err);
    if (status == HYP_OK) {
        status = check_reach(device, line.kind, err);
    }
    if (status == HYP_OK) {
        fill_defaults(device, line.kind, profile);
    }
    return status;
}

/* --- lines --- */

static enum hyp_status need(bool there, const char *field, const char *why,
                            struct hyp_error *err)
{
    return there ? HYP_OK : hyp_error_set(err, HYP_INVALID, -1, "%s: %s", field, why);
}

static bool is_file(const char *path)
{
    return path[0] == '\0' || path[0] == '/';
}

static enum hyp_status check_mqtt(const struct hyp_line *line, struct hyp_error *err)
{
    static const char wanted[] = "the name of a file on the server from the root, or nothing.";
    const struct {
        bool good;
        const char *field;
        const char *why;
    } rows[] = {
        {line->topic[0] != '\0',                                      "topic",     "a topic filter is needed, e.g. \"meters/#\"."},
        {is_file(line->ca_file),                                      "ca_file",   wanted                                        },
        {is_file(line->cert_file),                                    "cert_file", wanted                                        },
        {is_file(line->key_file),                                     "key_file",  wanted                                        },
        {(line->cert_file[0] == '\0') == (line->key_file[0] == '\0'), "key_file",
         "a client certificate and its key go together."                                                                         },
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        if (!rows[i].good) {
            return need(false, rows[i].field, rows[i].why, err);
        }
    }
    return HYP_OK;
}

static enum hyp_status check_line_place(const struct hyp_line *line, struct hyp_error *err)
{
    if (is_serial_line(line->kind)) {
        return need(line->path[0] == '/', "path",
                    "the serial port is needed, e.g. \"/dev/ttyUSB0\".", err);
    }
    if (line->kind == HYP_LINE_DROP_FOLDER) {
        return need(line->path[0] == '/', "path", "the folder is needed, from the root.", err);
    }
    if (line->kind == HYP_LINE_WMBUS_MQTT) {
        enum hyp_status status = check_mqtt(line, err);
        if (status != HYP_OK) {
            return status;
        }
    }
    if (line->host[0] == '\0') {
        return need(false, "host", "a host name or an address is needed.", err);
    }
    return need(line->port != 0, "port", "must be 1..65535.", err);
}

static enum hyp_status check_serial(struct hyp_line *line, struct hyp_error *err)
{
    static const uint32_t bauds[] = {300,  600,   1200,  2400,  4800,
                                     9600, 19200, 38400, 57600, 115200};
    bool known = false;
    bool radio = line->kind == HYP_LINE_WMBUS_SERIAL;
    line->baud = line->baud != 0                      ? line->baud
                 : line->kind == HYP_LINE_MBUS_SERIAL ? 2400
                 : radio                              ? hyp_receiver_kind_baud(line->receiver)
                                                      : 19200;
    line->parity = line->parity != '\0' ? line->parity : radio ? 'N' : 'E';
    for (size_t i = 0; i < HYP_ARRAY_LEN(bauds); i++) {
        known = known || bauds[i] == line->baud;
    }
    if (!known) {
        return need(false, "baud", "must be a usual rate from 300 to 115200.", err);
    }
    return need(line->parity == 'N' || line->parity == 'E' || line->parity == 'O', "parity",
                "must be \"N\", \"E\" or \"O\".", err);
}

enum hyp_status hyp_line_check(struct hyp_line *line, struct hyp_error *err)
{
    if (line->name[0] == '\0') {
        return need(false, "name", "a line needs a name.", err);
    }
    if (line->kind == HYP_LINE_UNSET || line->kind >= HYP_LINE_KIND_COUNT) {
        return need(false, "kind", "a kind of line is needed, e.g. \"mbus-tcp\".", err);
    }
    if (line->timeout_ms > 600000) {
        return need(false, "timeout_ms", "must be at most 600000 (10 minutes).", err);
    }
    if (line->delay_ms > 600000) {
        return need(false, "delay_ms", "must be at most 600000 (10 minutes).", err);
    }
    enum hyp_status status = check_line_place(line, err);
    return status == HYP_OK && is_serial_line(line->kind) ? check_serial(line, err) : status;
}
