/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wired M-Bus: one master's bytes in, what the slaves together put on the wire out.
 *
 * Slaves answer as EN 13757-2/-3 says: primary and secondary addresses (wildcards, enhanced
 * selection), frame count bit per link, several telegrams, application reset, new address or
 * id, clock. Answers of several slaves collide: current adds up, so a 0 bit wins.
 * Sans-I/O; time comes with each call.
 */
#ifndef SIM_BUS_H
#define SIM_BUS_H

#include "sim/make.h"
#include "sim/wired.h"

/* Memory of the frame count bit, one for the primary address and one for FD. */
struct sim_fcb {
    bool begun;
    uint8_t last; /* bit as sent with the last telegram */
    uint8_t telegram;
};

struct sim_slave {
    struct sim_meter *meter;
    const struct sim_make *make;
    struct sim_peak_cache *peaks;
    uint8_t primary;   /* 0 = none given: reached by secondary address */
    uint32_t delay_ms; /* before each of its answers */
    bool selected;
    struct sim_fcb own_link;
    struct sim_fcb network_link;
    uint8_t access;
    int64_t clock_offset_ms; /* set by the master's "set clock" */
};

/* Faults of the line as a whole; all shares are per million answers. */
struct sim_line_noise {
    uint32_t bit_errors;
    uint32_t late;
    uint32_t lost;
    uint32_t late_ms;
};

struct sim_bus {
    const struct sim_climate *climate;
    struct sim_slave *slaves;
    size_t count;
    struct sim_line_noise noise;
    bool silent; /* nobody answers */
    bool echo;   /* the converter sends the request back */
    uint64_t seed;
    uint64_t answers; /* so far; drives the noise */
    uint8_t input[2 * SIM_WIRED_MAX];
    size_t input_len;
};

struct sim_answer {
    uint8_t bytes[2 * SIM_WIRED_MAX];
    size_t len; /* 0 = silence */
    uint32_t extra_delay_ms;
};

void sim_bus_init(struct sim_bus *bus, const struct sim_climate *climate,
                  struct sim_slave *slaves, size_t count, uint64_t seed);

/*
 * Feeds bytes of the master and handles at most one request.
 * @now_ms   the town's time
 * @ret_used bytes taken; feed the rest again
 * Returns   true when a request was handled (*ret_answer may still be silence)
 */
bool sim_bus_feed(struct sim_bus *bus, const uint8_t *bytes, size_t len, int64_t now_ms,
                  size_t *ret_used, struct sim_answer *ret_answer);

/* Forgets a half-received request (the line was idle, or the connection ended). */
void sim_bus_idle(struct sim_bus *bus);

/* Builds telegram `index` of a meter as its answer. @address A field of the frame */
void sim_slave_telegram(struct sim_slave *slave, const struct sim_climate *climate,
                        unsigned index, uint8_t address, int64_t now_ms,
                        struct sim_wired *ret_frame);

#endif
