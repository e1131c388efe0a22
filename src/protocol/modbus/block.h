/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks: which registers go into one request.
 *
 * Points of a device are merged into as few requests as its limits allow. A value longer than a
 * register is never divided between two requests, because its halves could be of two instants.
 */
#ifndef HYP_PROTOCOL_MODBUS_BLOCK_H
#define HYP_PROTOCOL_MODBUS_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Consecutive registers (or bits, functions 1 and 2) read by one request. */
struct hyp_modbus_block {
    uint8_t function;
    uint8_t grain;  /* the block may be cut at multiples of this from its start; 0 = 1 */
    uint16_t start; /* wire address */
    uint16_t count;
};

/* An address that a device answers with "illegal address". */
struct hyp_modbus_hole {
    uint8_t function;
    uint16_t address;
};

/* Most bits one merged request asks for, whatever max_registers says: 125 registers' worth. */
#define HYP_MODBUS_BLOCK_BITS_MAX 2000

struct hyp_modbus_merge_rules {
    uint16_t max_registers; /* per request, 1..125 */
    uint16_t max_gap;       /* unwanted registers that may be read along between two points */
};

/* Is any register of the block a hole? */
bool hyp_modbus_block_has_hole(const struct hyp_modbus_block *block,
                               const struct hyp_modbus_hole *holes, size_t hole_count);

/*
 * Merges wanted registers into requests.
 * @wanted   one entry per point; sorted in place; entries that contain a hole are left out;
 *           entries may overlap or repeat
 * @out      blocks in order of function and start; may not be `wanted`
 * Returns   how many blocks there are; more than `capacity` means the rest was not written
 */
size_t hyp_modbus_blocks_merge(struct hyp_modbus_block *wanted, size_t wanted_count,
                               const struct hyp_modbus_merge_rules *rules,
                               const struct hyp_modbus_hole *holes, size_t hole_count,
                               struct hyp_modbus_block *out, size_t capacity);

#endif
