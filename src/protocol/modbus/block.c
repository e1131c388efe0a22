/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/modbus/block.h"

#include "protocol/modbus/frame.h"

#include <stdlib.h>

static uint32_t end_of(const struct hyp_modbus_block *block)
{
    return (uint32_t)block->start + block->count;
}

static bool holes_between(uint8_t function, uint32_t first, uint32_t end,
                          const struct hyp_modbus_hole *holes, size_t hole_count)
{
    for (size_t i = 0; i < hole_count; i++) {
        if (holes[i].function == function && holes[i].address >= first &&
            holes[i].address < end) {
            return true;
        }
    }
    return false;
}

bool hyp_modbus_block_has_hole(const struct hyp_modbus_block *block,
                               const struct hyp_modbus_hole *holes, size_t hole_count)
{
    return holes_between(block->function, block->start, end_of(block), holes, hole_count);
}

static int compare_blocks(const void *left, const void *right)
{
    const struct hyp_modbus_block *a = left;
    const struct hyp_modbus_block *b = right;
    if (a->function != b->function) {
        return a->function < b->function ? -1 : 1;
    }
    if (a->start != b->start) {
        return a->start < b->start ? -1 : 1;
    }
    return (a->count > b->count) - (a->count < b->count);
}

/* Greatest common divisor; 1 where it does not fit. */
static uint8_t common_grain(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a <= UINT8_MAX ? (uint8_t)a : 1;
}

/* Takes `next` into `block` when the rules allow. */
static bool try_join(struct hyp_modbus_block *block, const struct hyp_modbus_block *next,
                     const struct hyp_modbus_merge_rules *rules,
                     const struct hyp_modbus_hole *holes, size_t hole_count)
{
    uint32_t end = HYP_MAX(end_of(block), end_of(next));
    uint32_t max =
        hyp_modbus_is_bits(block->function) ? HYP_MODBUS_BLOCK_BITS_MAX : rules->max_registers;
    if (next->function != block->function || end - block->start > max) {
        return false;
    }
    if (next->start > end_of(block)) {
        uint32_t gap = next->start - end_of(block);
        if (gap > rules->max_gap ||
            holes_between(block->function, end_of(block), next->start, holes, hole_count)) {
            return false;
        }
    }
    uint8_t grain = common_grain(block->grain, (uint32_t)next->start - block->start);
    block->grain = common_grain(grain, next->count);
    block->count = (uint16_t)(end - block->start);
    return true;
}

size_t hyp_modbus_blocks_merge(struct hyp_modbus_block *wanted, size_t wanted_count,
                               const struct hyp_modbus_merge_rules *rules,
                               const struct hyp_modbus_hole *holes, size_t hole_count,
                               struct hyp_modbus_block *out, size_t capacity)
{
    qsort(wanted, wanted_count, sizeof(*wanted), compare_blocks);
    size_t count = 0;
    struct hyp_modbus_block block = {0};
    for (size_t i = 0; i < wanted_count; i++) {
        if (wanted[i].count == 0 || hyp_modbus_block_has_hole(&wanted[i], holes, hole_count)) {
            continue;
        }
        if (block.count > 0 && try_join(&block, &wanted[i], rules, holes, hole_count)) {
            continue;
        }
        if (block.count > 0) {
            if (count < capacity) {
                out[count] = block;
            }
            count++;
        }
        block = wanted[i];
        block.grain = common_grain(block.count, 0);
    }
    if (block.count > 0) {
        if (count < capacity) {
            out[count] = block;
        }
        count++;
    }
    return count;
}
