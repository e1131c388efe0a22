/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Modbus device played by the test, and what drives a master's session against it: a table
 * of registers 0..99 with missing addresses, that answers, refuses, stays silent, is late or
 * damaged as its script says.
 */
#ifndef HYP_TEST_SUPPORT_MODBUS_DEVICE_H
#define HYP_TEST_SUPPORT_MODBUS_DEVICE_H

#include "base/buf.h"
#include "protocol/modbus/master.h"

#define DEVICE_UNIT 1
#define DEVICE_REGISTERS 100

/* What the device does with the n-th request: one letter each, the last one repeats.
 *   a answer   s silence   d damaged answer   b busy   g gateway target silent   f failure
 *   w answer with a wrong transaction id first, then the right one
 *   n the answer of a neighbour first, then the right one   e echo the request first
 *   k take a write but keep another value */
struct device {
    enum hyp_modbus_framing framing;
    const char *script;
    bool missing[DEVICE_REGISTERS];
    uint16_t registers[DEVICE_REGISTERS];
    size_t requests;
    char log[2048]; /* "3:10+4 " per request */
    struct hyp_buf log_buf;
    uint8_t answer[2 * HYP_MODBUS_FRAME_MAX];
    size_t answer_len;
};

void device_init(struct device *device, enum hyp_modbus_framing framing, const char *script);
/* Its answer to one frame of the master goes to `answer`. */
void device_request(struct device *device, const uint8_t *bytes, size_t len);

/* What sessions work in; for those that share it, void between any two calls. */
extern struct hyp_modbus_work run_work;

struct run {
    hyp_mono now;
    size_t piece; /* answers arrive in pieces of so many bytes, 0 = whole */
    int64_t waited_ms;
    struct hyp_modbus_exchange *sharing; /* works in shared memory when it keeps nothing */
};

/* Drives a session to its end against the device. */
struct hyp_session_io drive(struct run *run, struct hyp_session session, struct device *device);
/* A line with two repeats, 1 s of patience and a pause of 20 ms. */
struct hyp_modbus_link link_of(enum hyp_modbus_framing framing);

#endif
