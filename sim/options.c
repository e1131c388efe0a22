/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/options.h"

#include "base/buf.h"
#include "base/str.h"

#include <stddef.h>
#include <stdio.h>

enum option_kind {
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_FLAG,
};

struct option_row {
    const char *name;
    enum option_kind kind;
    size_t offset;
    ptrdiff_t given; /* offset of a bool set when the option is there, or -1 */
    const char *help;
};

#define AT(member) offsetof(struct sim_options, member)

/* clang-format off */
static const struct option_row rows[] = {
    {"--town", OPTION_TEXT, AT(town), -1, "FILE|default  a manifest saved earlier: same seed, anchor, faults and ports"},
    {"--seed", OPTION_NUMBER, AT(seed), AT(has_seed), "N             another town (default 1)"},
    {"--anchor", OPTION_TEXT, AT(anchor), -1, "TIME          instant the faults are counted from (default: midnight before the start)"},
    {"--faults", OPTION_TEXT, AT(faults), -1, "LIST          none, default, or of dead,noisy,wrongkey,stuck,burst,swapped,battery"},
    {"--start", OPTION_TEXT, AT(start), -1, "TIME          the town's clock at the beginning; also now-30d, now-12h (default: now)"},
    {"--speed", OPTION_NUMBER, AT(speed), -1, "N             town seconds per second (default 1)"},
    {"--host", OPTION_TEXT, AT(host), -1, "ADDRESS       to listen on (default 127.0.0.1)"},
    {"--mbus-port", OPTION_NUMBER, AT(mbus_port), -1, "N             first M-Bus port, 0 = any (default 0)"},
    {"--modbus-port", OPTION_NUMBER, AT(modbus_port), -1, "N             first Modbus port, 0 = any (default 0)"},
    {"--radio-port", OPTION_NUMBER, AT(radio_port), -1, "N             port of the radio concentrator, 0 = any (default 0)"},
    {"--ports-from", OPTION_TEXT, AT(ports_from), -1, "FILE          take the ports (and the town) of this manifest"},
    {"--ports-file", OPTION_TEXT, AT(ports_file), -1, "FILE          write the manifest with the real ports here when ready"},
    {"--latency-ms", OPTION_NUMBER, AT(latency_ms), AT(has_latency), "N             before each answer (default 20; 200 in scale mode)"},
    {"--mqtt", OPTION_TEXT, AT(mqtt), -1, "HOST:PORT     broker for the telegrams of line radio-mqtt"},
    {"--mqtt-topic", OPTION_TEXT, AT(mqtt_topic), -1, "PREFIX        topic is PREFIX/<id> (default thermopolis/wmbus)"},
    {"--radio-dial", OPTION_TEXT, AT(radio_dial), -1, "HOST:PORT     also connect out and send the telegrams of line radio-tcp there"},
    {"--radio-format", OPTION_TEXT, AT(radio_format), -1, "hex|raw       lines of hex, or the bytes themselves (default hex)"},
    {"--radio-period", OPTION_NUMBER, AT(radio_period_s), -1, "S             town seconds between telegrams of a meter (default 300)"},
    {"--once", OPTION_FLAG, AT(once), -1, "              send each radio telegram once to each listener, then idle"},
    {"--echo", OPTION_FLAG, AT(echo), -1, "              M-Bus converters echo the request"},
    {"--silence", OPTION_FLAG, AT(silence), -1, "              nobody answers on M-Bus and Modbus"},
    {"--split", OPTION_FLAG, AT(split), -1, "              answers leave in pieces of 1 to 7 bytes"},
    {"--days", OPTION_NUMBER, AT(days), -1, "N             history: days before the start (default 30)"},
    {"--step-min", OPTION_NUMBER, AT(step_min), -1, "N             history: minutes between meter readings (default 60)"},
    {"--out", OPTION_TEXT, AT(out), -1, "DIR|-         history: one file per day, or all to standard output (default -)"},
    {"--crowd", OPTION_NUMBER, AT(crowd), -1, "N             instead of the town: one M-Bus master with N meters that are hard to search"},
    {"--modbus-devices", OPTION_NUMBER, AT(modbus_devices), -1, "N             scale: each connection is a device of its own"},
    {"--registers", OPTION_NUMBER, AT(registers), -1, "N             scale: registers per device (default 40)"},
    {"--mbus-devices", OPTION_NUMBER, AT(mbus_devices), -1, "N             scale: each connection is a bus of such meters"},
    {"--bus-meters", OPTION_NUMBER, AT(bus_meters), -1, "N               scale: meters on each M-Bus connection (default 250)"},
};
/* clang-format on */

static const struct option_row *find_row(struct hyp_str name)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        if (hyp_str_equal(name, hyp_str_from(rows[i].name))) {
            return &rows[i];
        }
    }
    return NULL;
}

static void *member(struct sim_options *options, size_t offset)
{
    return (char *)options + offset;
}

static enum hyp_status take_value(struct sim_options *options, const struct option_row *row,
                                  const char *value, struct hyp_error *err)
{
    if (row->kind == OPTION_TEXT) {
        *(const char **)member(options, row->offset) = value;
        return HYP_OK;
    }
    /* JSON integers are signed: larger seeds could not be saved. */
    uint64_t number;
    if (hyp_str_to_u64(hyp_str_from(value), &number) != HYP_OK || number > INT64_MAX) {
        return hyp_error_set(err, HYP_INVALID, -1, "%s takes a whole number, not \"%s\"",
                             row->name, value);
    }
    *(uint64_t *)member(options, row->offset) = number;
    return HYP_OK;
}

static enum hyp_status check_ranges(const struct sim_options *options, struct hyp_error *err)
{
    const struct {
        const char *name;
        uint64_t value;
        uint64_t min;
        uint64_t max;
    } limits[] = {
        {"--speed",          options->speed,          1, 100000 },
        {"--mbus-port",      options->mbus_port,      0, 65000  },
        {"--modbus-port",    options->modbus_port,    0, 65000  },
        {"--radio-port",     options->radio_port,     0, 65535  },
        {"--latency-ms",     options->latency_ms,     0, 60000  },
        {"--radio-period",   options->radio_period_s, 1, 86400  },
        {"--days",           options->days,           1, 700    },
        {"--step-min",       options->step_min,       1, 1440   },
        {"--crowd",          options->crowd,          0, 250    },
        {"--registers",      options->registers,      1, 123    },
        {"--modbus-devices", options->modbus_devices, 0, 100000 },
        {"--mbus-devices",   options->mbus_devices,   0, 1000000},
        {"--bus-meters",     options->bus_meters,     1, 250    },
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(limits); i++) {
        if (limits[i].value < limits[i].min || limits[i].value > limits[i].max) {
            return hyp_error_set(err, HYP_INVALID, -1, "%s must be %llu to %llu",
                                 limits[i].name, (unsigned long long)limits[i].min,
                                 (unsigned long long)limits[i].max);
        }
    }
    if (options->crowd > 0 && (options->mqtt != NULL || options->radio_dial != NULL)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "--crowd has no radio meters: leave --mqtt and --radio-dial away");
    }
    struct hyp_str format = hyp_str_from(options->radio_format);
    if (!hyp_str_equal(format, HYP_STR("hex")) && !hyp_str_equal(format, HYP_STR("raw"))) {
        return hyp_error_set(err, HYP_INVALID, -1, "--radio-format is hex or raw");
    }
    return HYP_OK;
}

enum hyp_status sim_options_parse(struct sim_options *ret_options, int argc,
                                  const char *const *argv, struct hyp_error *err)
{
    *ret_options = (struct sim_options){.town = "default",
                                        .host = "127.0.0.1",
                                        .mqtt_topic = "thermopolis/wmbus",
                                        .radio_format = "hex",
                                        .out = "-",
                                        .seed = 1,
                                        .speed = 1,
                                        .latency_ms = 20,
                                        .bus_meters = 250,
                                        .radio_period_s = 300,
                                        .days = 30,
                                        .step_min = 60,
                                        .registers = 40};
    for (int i = 0; i < argc; i++) {
        const struct option_row *row = find_row(hyp_str_from(argv[i]));
        if (row == NULL) {
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "unknown option \"%s\"; see `hypocaust-sim help`", argv[i]);
        }
        if (row->kind == OPTION_FLAG) {
            *(bool *)member(ret_options, row->offset) = true;
            continue;
        }
        if (++i == argc) {
            return hyp_error_set(err, HYP_INVALID, -1, "%s needs a value", row->name);
        }
        enum hyp_status status = take_value(ret_options, row, argv[i], err);
        if (status != HYP_OK) {
            return status;
        }
        if (row->given >= 0) {
            *(bool *)member(ret_options, (size_t)row->given) = true;
        }
    }
    return check_ranges(ret_options, err);
}

void sim_options_help(void)
{
    fputs("hypocaust-sim: a simulated town speaking real meter protocols on real sockets\n\n"
          "  hypocaust-sim serve     answer on sockets until SIGINT or SIGTERM\n"
          "  hypocaust-sim manifest  print the town's devices as JSON\n"
          "  hypocaust-sim history   write the telegrams of the past days\n"
          "  hypocaust-sim help\n\n",
          stdout);
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        printf("  %-18s %s\n", rows[i].name, rows[i].help);
    }
    fputs("\nTIME is 2026-01-31T12:00:00Z or 2026-01-31. More: docs/simulator.md\n", stdout);
}

enum hyp_status sim_endpoint_parse(const char *text, char *ret_host, size_t size,
                                   uint16_t *ret_port)
{
    struct hyp_str whole = hyp_str_from(text);
    ptrdiff_t colon = -1;
    for (size_t i = 0; i < whole.len; i++) {
        colon = whole.ptr[i] == ':' ? (ptrdiff_t)i : colon;
    }
    uint64_t port;
    if (colon <= 0) {
        return HYP_INVALID;
    }
    struct hyp_str host = {.ptr = whole.ptr, .len = (size_t)colon};
    struct hyp_str digits = {.ptr = whole.ptr + colon + 1,
                             .len = whole.len - (size_t)colon - 1};
    if (hyp_str_to_u64(digits, &port) != HYP_OK || port == 0 || port > UINT16_MAX ||
        !hyp_text_copy(ret_host, size, host)) {
        return HYP_INVALID;
    }
    *ret_port = (uint16_t)port;
    return HYP_OK;
}
