/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The town of Thermopolis: its lines, meters, controllers and addresses, all from one seed.
 *
 * Faults begin at fixed distances before the anchor, an instant that a saved manifest keeps, so
 * that a town started again next week has the same past.
 */
#ifndef SIM_TOWN_H
#define SIM_TOWN_H

#include "base/buf.h"
#include "base/crypto.h"
#include "base/str.h"
#include "sim/bus.h"
#include "sim/ecl.h"
#include "sim/make.h"

#define SIM_TEXT 64

enum sim_line_kind {
    SIM_LINE_MBUS_TCP = 0,
    SIM_LINE_MODBUS_TCP,
    SIM_LINE_WMBUS_TCP,
    SIM_LINE_WMBUS_MQTT,
};

struct sim_line {
    char name[24];
    enum sim_line_kind kind;
    char host[64];
    uint16_t port;
    char topic[64]; /* of MQTT, with wildcard */
};

/* How a radio meter wraps its records. */
enum sim_wrap {
    SIM_WRAP_WIRED = 0,
    SIM_WRAP_PLAIN,   /* CI 78: no header */
    SIM_WRAP_SHORT,   /* CI 7A, mode 0 */
    SIM_WRAP_SHORT_5, /* CI 7A, mode 5: AES-CBC */
    SIM_WRAP_LONG,    /* CI 72 behind a radio adapter, mode 0 */
    SIM_WRAP_LONG_5,  /* the same, mode 5 */
    SIM_WRAP_ELL_CTR, /* CI 8D: AES-CTR, compact frames between full ones */
};

struct sim_site {
    char address[SIM_TEXT];
    double lat;
    double lon;
    uint8_t group;
};

struct sim_device {
    char name[SIM_TEXT];
    const struct sim_make *make;
    struct sim_meter meter;
    struct sim_peak_cache peaks[2];
    struct sim_site site;
    uint8_t line;
    uint8_t primary;   /* 0 = reached by secondary address */
    uint32_t delay_ms; /* before each of its answers */
    enum sim_wrap wrap;
    bool with_crc;               /* the concentrator leaves the block CRCs in */
    struct sim_identity adapter; /* of a long header: who is on the air */
    struct hyp_aes_key key;      /* as the manifest says */
    uint8_t access;
    uint32_t sent; /* telegrams so far; every eighth is a full frame */
};

struct sim_controller {
    char name[SIM_TEXT];
    struct sim_ecl ecl;
    struct sim_site site;
    uint8_t line;
};

/* A district, building or street; parent 255 = top. */
struct sim_group {
    char name[SIM_TEXT];
    uint8_t parent;
    double lat;
    double lon;
};
#define SIM_GROUP_TOP 255

/* Kinds of faults as bits. */
enum sim_fault {
    SIM_FAULT_DEAD = 1 << 0,
    SIM_FAULT_NOISY = 1 << 1,
    SIM_FAULT_WRONG_KEY = 1 << 2,
    SIM_FAULT_STUCK = 1 << 3,
    SIM_FAULT_BURST = 1 << 4,
    SIM_FAULT_SWAPPED = 1 << 5,
    SIM_FAULT_BATTERY = 1 << 6,
    SIM_FAULT_ALL = (1 << 7) - 1,
};

#define SIM_TOWN_LINES 10
#define SIM_TOWN_DEVICES 260
#define SIM_TOWN_CONTROLLERS 6
#define SIM_TOWN_GROUPS 32

/* What a town is made from. */
struct sim_town_plan {
    uint64_t seed;
    int64_t anchor_ms;
    unsigned faults; /* bits of enum sim_fault */
    unsigned crowd;  /* instead of the town one M-Bus master with so many meters; 0 = none */
};

struct sim_town {
    struct sim_town_plan plan;
    struct sim_climate climate;
    struct sim_line lines[SIM_TOWN_LINES];
    size_t line_count;
    struct sim_device devices[SIM_TOWN_DEVICES];
    size_t device_count;
    struct sim_controller controllers[SIM_TOWN_CONTROLLERS];
    size_t controller_count;
    struct sim_group groups[SIM_TOWN_GROUPS];
    size_t group_count;
};

/*
 * Builds the town on the heap.
 * Returns   HYP_OK | INVALID (anchor outside what can be simulated) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status sim_town_create(const struct sim_town_plan *plan,
                                             struct sim_town **ret_town);
void *sim_town_destroy(struct sim_town *town);

/* Index of a line by name, or -1. */
int sim_town_line(const struct sim_town *town, const char *name);

/*
 * Makes slaves of all meters of an M-Bus line.
 * @ret_slaves  room for SIM_TOWN_DEVICES
 */
size_t sim_town_slaves(struct sim_town *town, int line, struct sim_slave *ret_slaves);

/* Noise of a line under the town's faults. */
struct sim_line_noise sim_town_noise(const struct sim_town *town, int line);

/* Names of faults, by bit number. */
#define SIM_FAULT_COUNT 7
extern const char *const sim_fault_names[SIM_FAULT_COUNT];

/*
 * Parses `none`, `default`, or names joined by commas.
 * Returns   HYP_OK | INVALID
 */
HYP_MUST_USE enum hyp_status sim_faults_parse(struct hyp_str text, unsigned *ret_faults);

/* --- the pieces (town_*.c) --- */

#define SIM_STREETS 12
/* A house's address and place; @flat may be NULL. @street below SIM_STREETS */
struct sim_site sim_site_make(unsigned street, unsigned house, const char *flat);
const char *sim_street_name(unsigned street);

/* A wired or radio meter of a make, furnished, with a number of its own. */
struct sim_device *sim_town_add_device(struct sim_town *town, enum sim_make_id make, int line);
void sim_town_add_meters(struct sim_town *town);
/* Line "mbus-crowd" with `count` meters. */
void sim_town_add_crowd(struct sim_town *town, unsigned count);
enum hyp_status sim_town_add_controllers(struct sim_town *town);
void sim_town_add_faults(struct sim_town *town);

#endif
