/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/exchange.h"

#include "base/limits.h"
#include "collect/collector.h"

#include <stddef.h>
#include <stdlib.h>

/* --- pool --- */

static void release(struct hyp_exchange *exchange)
{
    hyp_plan_release(exchange->plan);
    exchange->plan = NULL;
    free(exchange->kept);
    exchange->kept = NULL;
    if (exchange->room != HYP_EXCHANGE_ANY) {
        free(exchange->out);
        exchange->out = NULL;
        exchange->capacity = 0;
    }
}

static void free_list(struct hyp_exchange *list)
{
    while (list != NULL) {
        struct hyp_exchange *next = list->state.next;
        free(list->out);
        free(list);
        list = next;
    }
}

void hyp_exchange_pool_trim(struct hyp_exchange_pool *pool)
{
    for (size_t i = 0; i < HYP_EXCHANGE_ROOM_COUNT; i++) {
        free_list(pool->free[i]);
        pool->free[i] = NULL;
        pool->free_count[i] = 0;
    }
}

void hyp_exchange_pool_finish(struct hyp_exchange_pool *pool)
{
    hyp_exchange_pool_trim(pool);
    free(pool->out);
    *pool = (struct hyp_exchange_pool){0};
}

static size_t size_of(enum hyp_exchange_room room)
{
    switch (room) {
    case HYP_EXCHANGE_MODBUS_READ:
        return offsetof(struct hyp_exchange, state) + sizeof(struct hyp_modbus_read);
    case HYP_EXCHANGE_MBUS_READ:
        return offsetof(struct hyp_exchange, state) + sizeof(struct hyp_mbus_read);
    case HYP_EXCHANGE_ANY:
    case HYP_EXCHANGE_ROOM_COUNT: break;
    }
    return sizeof(struct hyp_exchange);
}

struct hyp_exchange *hyp_exchange_take(struct hyp_exchange_pool *pool,
                                       enum hyp_exchange_room room)
{
    struct hyp_exchange **list = &pool->free[room];
    struct hyp_exchange *exchange = *list;
    if (exchange != NULL) {
        *list = exchange->state.next;
        pool->free_count[room]--;
        return exchange;
    }
    exchange = calloc(1, size_of(room));
    if (exchange != NULL) {
        exchange->room = room;
    }
    return exchange;
}

void hyp_exchange_give(struct hyp_exchange_pool *pool, struct hyp_exchange *exchange)
{
    struct hyp_exchange **list = &pool->free[exchange->room];
    release(exchange);
    if (pool->free_count[exchange->room] >= HYP_LIMIT_EXCHANGE_SPARE) {
        /* A rush is over: lines that wait for their next turn hold nothing. */
        free(exchange->out);
        free(exchange);
        return;
    }
    pool->free_count[exchange->room]++;
    exchange->state.next = *list;
    *list = exchange;
}

enum hyp_status hyp_exchange_need(struct hyp_exchange *exchange, size_t capacity)
{
    if (exchange->capacity < capacity) {
        uint8_t *out = realloc(exchange->out, capacity);
        if (out == NULL) {
            return HYP_NO_MEMORY;
        }
        exchange->out = out;
        exchange->capacity = (uint32_t)capacity;
    }
    return HYP_OK;
}

enum hyp_status hyp_exchange_need_shared(struct hyp_exchange_pool *pool, size_t capacity)
{
    if (pool->capacity < capacity) {
        uint8_t *out = realloc(pool->out, capacity);
        if (out == NULL) {
            return HYP_NO_MEMORY;
        }
        pool->out = out;
        pool->capacity = (uint32_t)capacity;
    }
    return HYP_OK;
}

enum hyp_status hyp_exchange_need_work(struct hyp_exchange *exchange)
{
    if (exchange->kept == NULL) {
        exchange->kept = calloc(1, sizeof(*exchange->kept));
    }
    return exchange->kept == NULL ? HYP_NO_MEMORY : HYP_OK;
}

/* --- calls of the session --- */

static void lend(struct hyp_exchange *exchange, struct hyp_bus *bus)
{
    struct hyp_exchange_pool *pool = &bus->wire.collector->exchanges;
    switch (exchange->room) {
    case HYP_EXCHANGE_MODBUS_READ: hyp_exchange_lend_modbus(exchange, pool); break;
    case HYP_EXCHANGE_MBUS_READ: hyp_exchange_lend_mbus(exchange, pool); break;
    case HYP_EXCHANGE_ANY:
    case HYP_EXCHANGE_ROOM_COUNT: break;
    }
}

static enum hyp_status keep_own(struct hyp_exchange *exchange, const struct hyp_bus *bus)
{
    const struct hyp_exchange_pool *pool = &bus->wire.collector->exchanges;
    switch (exchange->room) {
    case HYP_EXCHANGE_MODBUS_READ: return hyp_exchange_keep_modbus(exchange, pool);
    case HYP_EXCHANGE_MBUS_READ: return hyp_exchange_keep_mbus(exchange, pool);
    case HYP_EXCHANGE_ANY:
    case HYP_EXCHANGE_ROOM_COUNT: break;
    }
    return HYP_OK;
}

static struct hyp_session_io keep(struct hyp_exchange *exchange, const struct hyp_bus *bus,
                                  struct hyp_session_io io)
{
    if (io.state == HYP_SESSION_RUNNING && keep_own(exchange, bus) != HYP_OK) {
        exchange->starved = true;
        return (struct hyp_session_io){
            .state = HYP_SESSION_FAILED, .status = HYP_NO_MEMORY, .deadline = HYP_NO_DEADLINE};
    }
    return io;
}

static hyp_mono now_of(const struct hyp_bus *bus)
{
    return hyp_loop_now(&bus->wire.collector->loop);
}

struct hyp_session_io hyp_exchange_start(struct hyp_exchange *exchange, struct hyp_bus *bus)
{
    lend(exchange, bus);
    const struct hyp_session *session = &exchange->session;
    return keep(exchange, bus, session->ops->start(session->state, now_of(bus)));
}

struct hyp_session_io hyp_exchange_feed(struct hyp_exchange *exchange, struct hyp_bus *bus,
                                        const uint8_t *bytes, size_t len)
{
    lend(exchange, bus);
    const struct hyp_session *session = &exchange->session;
    return keep(exchange, bus, session->ops->feed(session->state, bytes, len, now_of(bus)));
}

struct hyp_session_io hyp_exchange_tick(struct hyp_exchange *exchange, struct hyp_bus *bus)
{
    lend(exchange, bus);
    const struct hyp_session *session = &exchange->session;
    return keep(exchange, bus, session->ops->tick(session->state, now_of(bus)));
}

const char *hyp_exchange_error_text(const struct hyp_exchange *exchange)
{
    return exchange->starved ? "out of memory for an answer"
                             : exchange->session.ops->error_text(exchange->session.state);
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
    exchange->again = false;
    exchange->daily = false;
    exchange->starved = false;
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
        exchange->answer = exchange->state.mbus.frames;
        exchange->len = (uint32_t)exchange->state.mbus.frames_len;
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
