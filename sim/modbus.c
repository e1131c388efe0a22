/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/modbus.h"

#include <stdlib.h>
#include <string.h>

void sim_registers_init(struct sim_registers *registers)
{
    *registers = (struct sim_registers){0};
}

void sim_registers_finish(struct sim_registers *registers)
{
    free(registers->rows);
    *registers = (struct sim_registers){0};
}

/* Index of the first row whose number is not below `number`. */
static size_t lower_bound(const struct sim_registers *registers, uint16_t number)
{
    size_t low = 0;
    size_t high = registers->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (registers->rows[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct sim_register *sim_registers_find(const struct sim_registers *registers, uint16_t number)
{
    size_t at = lower_bound(registers, number);
    return at < registers->count && registers->rows[at].number == number ? &registers->rows[at]
                                                                         : NULL;
}

enum hyp_status sim_registers_add(struct sim_registers *registers, uint16_t number, int value,
                                  int min, int max)
{
    struct sim_register row = {
        .number = number, .value = (uint16_t)value, .min = (int16_t)min, .max = (int16_t)max};
    struct sim_register *existing = sim_registers_find(registers, number);
    if (existing != NULL) {
        *existing = row;
        return HYP_OK;
    }
    if (registers->count == registers->capacity) {
        size_t capacity = registers->capacity == 0 ? 256 : registers->capacity * 2;
        struct sim_register *rows = realloc(registers->rows, capacity * sizeof(*rows));
        if (rows == NULL) {
            return HYP_NO_MEMORY;
        }
        registers->rows = rows;
        registers->capacity = capacity;
    }
    size_t at = lower_bound(registers, number);
    memmove(registers->rows + at + 1, registers->rows + at,
            (registers->count - at) * sizeof(*registers->rows));
    registers->rows[at] = row;
    registers->count++;
    return HYP_OK;
}

void sim_registers_set(struct sim_registers *registers, uint16_t number, int value)
{
    struct sim_register *row = sim_registers_find(registers, number);
    if (row != NULL) {
        row->value = (uint16_t)value;
    }
}

int sim_registers_get(const struct sim_registers *registers, uint16_t number)
{
    const struct sim_register *row = sim_registers_find(registers, number);
    return row == NULL ? 0 : (int16_t)row->value;
}

static size_t refuse(uint8_t *ret_pdu, uint8_t function, uint8_t exception)
{
    ret_pdu[0] = function | 0x80;
    ret_pdu[1] = exception;
    return 2;
}

static uint16_t be16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static size_t answer_read(const struct sim_registers *registers, const uint8_t *pdu,
                          uint8_t *ret_pdu)
{
    /* One more than the wire's address; a sum past 65535 finds nothing. */
    uint32_t first = be16(pdu + 1) + 1u;
    uint16_t count = be16(pdu + 3);
    if (count == 0 || count > SIM_MODBUS_READ_MAX) {
        return refuse(ret_pdu, pdu[0], SIM_MODBUS_ILLEGAL_VALUE);
    }
    size_t at = first > UINT16_MAX ? registers->count : lower_bound(registers, (uint16_t)first);
    ret_pdu[0] = pdu[0];
    ret_pdu[1] = (uint8_t)(2 * count);
    for (uint16_t i = 0; i < count; i++, at++) {
        if (at >= registers->count || registers->rows[at].number != first + i) {
            return refuse(ret_pdu, pdu[0], SIM_MODBUS_ILLEGAL_ADDRESS);
        }
        ret_pdu[2 + 2 * i] = (uint8_t)(registers->rows[at].value >> 8);
        ret_pdu[3 + 2 * i] = (uint8_t)registers->rows[at].value;
    }
    return 2u + 2u * count;
}

static size_t answer_write(struct sim_registers *registers, const uint8_t *pdu,
                           uint8_t *ret_pdu, uint16_t *ret_written)
{
    uint32_t number = be16(pdu + 1) + 1u;
    int16_t value = (int16_t)be16(pdu + 3);
    struct sim_register *row =
        number > UINT16_MAX ? NULL : sim_registers_find(registers, (uint16_t)number);
    if (row == NULL || row->min > row->max) {
        return refuse(ret_pdu, pdu[0], SIM_MODBUS_ILLEGAL_ADDRESS);
    }
    if (value < row->min || value > row->max) {
        return refuse(ret_pdu, pdu[0], SIM_MODBUS_ILLEGAL_VALUE);
    }
    row->value = (uint16_t)value;
    *ret_written = row->number;
    memcpy(ret_pdu, pdu, 5);
    return 5;
}

size_t sim_modbus_answer(struct sim_registers *registers, const uint8_t *pdu, size_t len,
                         uint8_t *ret_pdu, uint16_t *ret_written)
{
    *ret_written = 0;
    switch (pdu[0]) {
    case 3:
    case 4:
        return len == 5 ? answer_read(registers, pdu, ret_pdu)
                        : refuse(ret_pdu, pdu[0], SIM_MODBUS_ILLEGAL_VALUE);
    case 6:
        return len == 5 ? answer_write(registers, pdu, ret_pdu, ret_written)
                        : refuse(ret_pdu, pdu[0], SIM_MODBUS_ILLEGAL_VALUE);
    default: return refuse(ret_pdu, pdu[0], SIM_MODBUS_ILLEGAL_FUNCTION);
    }
}

int sim_modbus_tcp_length(const uint8_t *bytes, size_t len)
{
    if (len < 6) {
        return 0;
    }
    unsigned rest = be16(bytes + 4);
    if (be16(bytes + 2) != 0 || rest < 2 || rest > SIM_MODBUS_TCP_MAX - 6) {
        return -1;
    }
    return len < rest + 6 ? 0 : (int)rest + 6;
}
