/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of a poll: request and answer of 40 registers with nothing around them. */
#ifndef BENCH_POLL_BARE_H
#define BENCH_POLL_BARE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Polls the simulator's Modbus devices at `port` of this machine over `connections` new
 * connections for `ms` milliseconds.
 * Returns  microseconds of processor time a poll; 0 when it cannot be measured
 */
double poll_bare_us(uint16_t port, size_t connections, uint64_t ms);

#endif
