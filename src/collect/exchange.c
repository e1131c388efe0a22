/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/exchange.h"

#include "base/limits.h"
#include "collect/collector.h"

#include <stdlib.h>

/* --- pool --- */

static void release(struct hyp_exchange *exchange)
{
    hyp_plan_release(exchange->plan);
    exchange->plan = NULL;
}

void hyp_exchange_pool_finish(struct hyp_exchange_pool *pool)
{
    while (pool->free != NULL) {
        struct hyp_exchange *next = pool->free->next;
        free(pool->free->out);
        free(pool->free);
        pool->free = next;
    }
}

struct hyp_exchange *hyp_exchange_take(struct hyp_exchange_pool *pool)
{
    struct hyp_exchange *exchange = pool->free;
    if (exchange != NULL) {
        pool->free = exchange->next;
    } else {
        exchange = calloc(1, sizeof(*exchange));
    }
    return exchange;
}

void hyp_exchange_give(struct hyp_exchange_pool *pool, struct hyp_exchange *exchange)
{
    release(exchange);
    exchange->next = pool->free;
    pool->free = exchange;
}

enum hyp_status hyp_exchange_need(struct hyp_exchange *exchange, size_t capacity)
{
    if (exchange->capacity < capacity) {
        uint8_t *out = realloc(exchange->out, capacity);
        if (out == NULL) {
            return HYP_NO_MEMORY;
        }
        exchange->out = out;
        exchange->capacity = capacity;
    }
    return HYP_OK;
}

/* --- any --- */

bool hyp_bus_is_mbus(const struct hyp_bus *bus)
{
    return bus->wire.kind == HYP_LINE_MBUS_TCP || bus->wire.kind == HYP_LINE_MBUS_SERIAL;
}

enum hyp_status hyp_exchange_prepare(struct hyp_exchange *exchange, struct hyp_bus *bus,
                                     struct hyp_entry *entry, struct hyp_error *err)
{
    exchange->entry = entry;
    exchange->len = 0;
    exchange->answered = false;
    exchange->cancelled = false;
    exchange->daily = false;
    exchange->protocol = HYP_RAW_UNSET;
    if (entry->station == NULL) {
        return hyp_scan_prepare(exchange, bus, entry, err);
    }
    if (hyp_exchange_is_command(exchange)) {
        return hyp_exchange_prepare_command(exchange, bus, entry, err);
    }
    return hyp_bus_is_mbus(bus)
               ? hyp_exchange_prepare_mbus(exchange, bus, entry->station, err)
               : hyp_exchange_prepare_modbus(exchange, bus, entry->station, err);
}

void hyp_exchange_collect(struct hyp_exchange *exchange, struct hyp_bus *bus)
{
    if (hyp_bus_is_mbus(bus)) {
        exchange->len = exchange->state.mbus.frames_len;
        exchange->protocol = HYP_RAW_MBUS;
    } else {
        hyp_exchange_collect_modbus(exchange, bus);
    }
}

void hyp_bus_protocol_init(struct hyp_bus *bus)
{
    if (hyp_bus_is_mbus(bus)) {
        hyp_bus_init_mbus(bus);
    } else {
        hyp_bus_init_modbus(bus);
    }
}

void hyp_bus_protocol_opened(struct hyp_bus *bus)
{
    if (hyp_bus_is_mbus(bus)) {
        bus->protocol.mbus.fcb = (struct hyp_mbus_fcb){0};
        bus->protocol.mbus.line_baud = bus->wire.settings->baud;
    } else {
        bus->protocol.modbus.late_until = (hyp_mono){0};
    }
}
