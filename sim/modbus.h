/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modbus server side, sans-I/O: a sparse table of 16-bit registers and the answers to requests.
 *
 * Behaves as the ECL Comfort does: functions 3, 4 and 6 alone, any hole inside a span refuses
 * the whole read (exception 2), values out of range are refused (exception 3).
 */
#ifndef SIM_MODBUS_H
#define SIM_MODBUS_H

#include "base/attr.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* MBAP header (7) and the longest PDU (253). */
#define SIM_MODBUS_TCP_MAX 260
/* Registers of one read: byte count 2..246. */
#define SIM_MODBUS_READ_MAX 123

struct sim_register {
    uint16_t number; /* as documented (PNU): wire address + 1 */
    uint16_t value;
    int16_t min; /* min > max: read only */
    int16_t max;
};

/* Sorted by number. */
struct sim_registers {
    struct sim_register *rows;
    size_t count;
    size_t capacity;
};

void sim_registers_init(struct sim_registers *registers);
void sim_registers_finish(struct sim_registers *registers);
/* Adds or replaces. @writable range of a write; min > max refuses writes */
HYP_MUST_USE enum hyp_status sim_registers_add(struct sim_registers *registers, uint16_t number,
                                               int value, int min, int max);
/* NULL when there is none. */
struct sim_register *sim_registers_find(const struct sim_registers *registers, uint16_t number);
/* Sets an existing register; others are left out silently, as applications differ. */
void sim_registers_set(struct sim_registers *registers, uint16_t number, int value);
/* 0 when there is none. */
int sim_registers_get(const struct sim_registers *registers, uint16_t number);

/* Exceptions. */
enum {
    SIM_MODBUS_ILLEGAL_FUNCTION = 1,
    SIM_MODBUS_ILLEGAL_ADDRESS = 2,
    SIM_MODBUS_ILLEGAL_VALUE = 3,
};

/*
 * Answers one PDU (function code and data).
 * @ret_pdu  at least 253 bytes
 * @ret_written register number of an accepted write, 0 else
 * Returns   length of the answer
 */
size_t sim_modbus_answer(struct sim_registers *registers, const uint8_t *pdu, size_t len,
                         uint8_t *ret_pdu, uint16_t *ret_written);

/* Length of the first Modbus TCP frame in `bytes`; 0 = incomplete, -1 = no Modbus TCP. */
int sim_modbus_tcp_length(const uint8_t *bytes, size_t len);

#endif
