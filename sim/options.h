/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of hypocaust-sim: one row per option, the same for all subcommands. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "base/attr.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_options {
    const char *town;       /* "default" or a saved manifest */
    const char *ports_from; /* manifest whose ports are taken again */
    const char *host;
    const char *ports_file;
    const char *start;  /* ISO time; NULL = now */
    const char *anchor; /* ISO time; NULL = midnight before the start */
    const char *faults;
    const char *mqtt;       /* HOST:PORT of a broker */
    const char *mqtt_topic; /* below which the telegrams are published */
    const char *radio_dial; /* HOST:PORT to send radio telegrams to */
    const char *radio_format;
    const char *out;
    uint64_t seed;
    uint64_t speed;
    uint64_t mbus_port; /* first of consecutive ports; 0 = any free ones */
    uint64_t modbus_port;
    uint64_t radio_port;
    uint64_t latency_ms;
    uint64_t radio_period_s;
    uint64_t days;
    uint64_t step_min;
    uint64_t modbus_devices; /* scale mode */
    uint64_t mbus_devices;   /* scale mode */
    uint64_t bus_meters;     /* scale mode: meters behind one M-Bus connection */
    uint64_t registers;
    uint64_t crowd; /* meters on one M-Bus master; 0 = the town */
    bool has_seed;
    bool has_latency;
    bool echo;
    bool silence;
    bool split;
    bool once;
};

/*
 * Parses `--name value` pairs and flags after the subcommand.
 * Returns   HYP_OK | INVALID with *err naming the option and what it takes
 */
HYP_MUST_USE enum hyp_status sim_options_parse(struct sim_options *ret_options, int argc,
                                               const char *const *argv, struct hyp_error *err);

/* Prints the help text to standard output. */
void sim_options_help(void);

/*
 * Splits HOST:PORT.
 * @ret_host at least 64 bytes
 */
HYP_MUST_USE enum hyp_status sim_endpoint_parse(const char *text, char *ret_host, size_t size,
                                                uint16_t *ret_port);

#endif
