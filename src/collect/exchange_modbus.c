/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/collector.h"
#include "collect/exchange.h"

#include <stdlib.h>

#define MODBUS_TIMEOUT_NETWORK_MS 3000
#define MODBUS_TIMEOUT_SERIAL_MS 1000
#define MODBUS_BUSY_MS 500

static bool wants_daily(const struct hyp_exchange *exchange, const struct hyp_bus *bus,
                        const struct hyp_station *station)
{
    const struct hyp_collector *collector = bus->wire.collector;
    int32_t today = hyp_local_day(collector->config.zone, hyp_collector_utc(collector));
    return exchange->entry->priority == HYP_PRIORITY_MANUAL || bus->fresh ||
           station->daily_done != today;
}

/* Times and repeats for this device: as the line says, else its family, else the kind of line.
 */
static void set_link(struct hyp_bus *bus, const struct hyp_station *station)
{
    const struct hyp_wire_settings *settings = bus->wire.settings;
    const struct hyp_profile_link *family = hyp_profile_link(station->profile);
    bool serial = bus->wire.kind == HYP_LINE_MODBUS_SERIAL;
    uint32_t usual = serial ? MODBUS_TIMEOUT_SERIAL_MS : MODBUS_TIMEOUT_NETWORK_MS;
    uint32_t timeout = family->timeout_ms != 0 ? family->timeout_ms : usual;
    struct hyp_modbus_link *link = &bus->protocol.modbus;
    link->timeout_ms = settings->timeout_ms != 0 ? settings->timeout_ms : timeout;
    link->delay_ms =
        HYP_MAX(HYP_MAX(settings->delay_ms, family->delay_ms), (uint32_t)bus->silence_ms);
    /* A device that does not answer anyway costs its neighbours one time-out, not four. */
    link->retries = hyp_station_is_backing_off(station) ? 0 : settings->retries;
}

/* Halved blocks carry a header each. */
static size_t room_of(const struct hyp_plan *plan)
{
    return plan->snapshot_size + 6 * HYP_MODBUS_BISECT_REQUESTS_MAX;
}

enum hyp_status hyp_exchange_prepare_modbus(struct hyp_exchange *exchange, struct hyp_bus *bus,
                                            struct hyp_station *station, struct hyp_error *err)
{
    struct hyp_stations *stations = &bus->wire.collector->stations;
    if (station->profile == NULL ||
        hyp_profile_info(station->profile)->protocol != HYP_DEVICE_MODBUS) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "a Modbus device needs a profile that tells its registers");
    }
    enum hyp_poll_class poll_class = HYP_POLL_NORMAL;
    if (exchange->entry->priority == HYP_PRIORITY_LIVE) {
        poll_class = HYP_POLL_LIVE;
    } else if (wants_daily(exchange, bus, station)) {
        poll_class = HYP_POLL_DAILY;
    }
    struct hyp_plan *plan = hyp_station_plan(stations, station, poll_class);
    if (plan != NULL && plan->count == 0 && poll_class == HYP_POLL_LIVE) {
        plan = hyp_station_plan(stations, station, HYP_POLL_NORMAL);
    }
    if (plan == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a poll");
    }
    if (plan->count == 0) {
        return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                             "the profile names no register that the device has");
    }
    exchange->plan = hyp_plan_use(plan);
    exchange->daily = poll_class == HYP_POLL_DAILY;
    struct hyp_exchange_pool *pool = &bus->wire.collector->exchanges;
    if (hyp_exchange_need_shared(pool, room_of(plan)) != HYP_OK) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a poll");
    }
    set_link(bus, station);
    hyp_modbus_read_init(&exchange->state.modbus, &bus->protocol.modbus, &pool->shared.work,
                         station->unit, plan->blocks, plan->count);
    exchange->session =
        (struct hyp_session){.ops = &hyp_modbus_read_ops, .state = &exchange->state.modbus};
    return HYP_OK;
}

/* --- what is lent and what is kept --- */

void hyp_exchange_lend_modbus(struct hyp_exchange *exchange, struct hyp_exchange_pool *pool)
{
    struct hyp_modbus_read *read = &exchange->state.modbus;
    struct hyp_modbus_hole_list *holes = &pool->shared.holes;
    if (exchange->kept != NULL) {
        holes = &exchange->kept->holes;
    } else {
        *holes = (struct hyp_modbus_hole_list){.holes = pool->shared.items,
                                               .capacity = HYP_EXCHANGE_HOLES};
        hyp_modbus_exchange_lend(&read->exchange, &pool->shared.work);
    }
    if (exchange->out != NULL) {
        hyp_modbus_read_output(read, exchange->out, exchange->capacity, holes);
    } else {
        hyp_modbus_read_output(read, pool->out, pool->capacity, holes);
    }
}

static enum hyp_status keep_work(struct hyp_exchange *exchange,
                                 const struct hyp_exchange_pool *pool)
{
    struct hyp_exchange_kept *kept = malloc(sizeof(*kept));
    if (kept == NULL) {
        return HYP_NO_MEMORY;
    }
    *kept = pool->shared;
    kept->holes.holes = kept->items;
    exchange->kept = kept;
    exchange->state.modbus.holes = &kept->holes;
    hyp_modbus_exchange_keep(&exchange->state.modbus.exchange, &kept->work);
    return HYP_OK;
}

enum hyp_status hyp_exchange_keep_modbus(struct hyp_exchange *exchange,
                                         const struct hyp_exchange_pool *pool)
{
    struct hyp_modbus_read *read = &exchange->state.modbus;
    if (exchange->kept == NULL &&
        (pool->shared.holes.count > 0 || hyp_modbus_exchange_keeps(&read->exchange)) &&
        keep_work(exchange, pool) != HYP_OK) {
        return HYP_NO_MEMORY;
    }
    if (exchange->out == NULL && read->len > 0) {
        if (hyp_exchange_need(exchange, room_of(exchange->plan)) != HYP_OK) {
            return HYP_NO_MEMORY;
        }
        hyp_modbus_read_keep_snapshot(read, exchange->out, exchange->capacity);
    }
    return HYP_OK;
}

static void learn_holes(const struct hyp_exchange *exchange, const struct hyp_bus *bus,
                        struct hyp_station *station)
{
    const struct hyp_modbus_hole_list *holes = exchange->state.modbus.holes;
    if (holes->count == 0 || !hyp_station_add_holes(station, holes->holes, holes->count)) {
        return;
    }
    const struct hyp_collect_observer *observer = &bus->wire.collector->config.observer;
    if (observer->holes_learned != NULL && station->id.id != 0) {
        const struct hyp_modbus_hole_list *known = hyp_station_holes(station);
        observer->holes_learned(observer->user, station->id, known->holes, known->count);
    }
}

void hyp_exchange_collect_modbus(struct hyp_exchange *exchange, struct hyp_bus *bus)
{
    struct hyp_station *station = exchange->entry->station;
    exchange->answer = exchange->state.modbus.snapshot;
    exchange->len = exchange->state.modbus.len;
    exchange->protocol = HYP_RAW_MODBUS_SNAPSHOT;
    learn_holes(exchange, bus, station);
    if (exchange->daily) {
        const struct hyp_collector *collector = bus->wire.collector;
        station->daily_done =
            hyp_local_day(collector->config.zone, hyp_collector_utc(collector));
    }
}

/* Silence of 3.5 characters of 11 bits ends an RTU frame; fixed above 19200 baud. */
static uint16_t rtu_silence_ms(uint32_t baud)
{
    uint32_t rate = HYP_MAX(baud, 300u);
    uint32_t silence = baud == 0 || baud > 19200 ? 2 : (38500 + rate - 1) / rate + 1;
    return (uint16_t)silence;
}

void hyp_bus_init_modbus(struct hyp_bus *bus)
{
    const struct hyp_wire_settings *settings = bus->wire.settings;
    bool tcp = bus->wire.kind == HYP_LINE_MODBUS_TCP;
    bool serial = bus->wire.kind == HYP_LINE_MODBUS_SERIAL;
    bus->silence_ms = serial ? rtu_silence_ms(settings->baud) : 0;
    bus->protocol.modbus = (struct hyp_modbus_link){
        .framing = tcp ? HYP_MODBUS_TCP : HYP_MODBUS_RTU,
        .timeout_ms =
            settings->timeout_ms != 0 ? settings->timeout_ms : MODBUS_TIMEOUT_NETWORK_MS,
        .delay_ms = HYP_MAX(settings->delay_ms, (uint32_t)bus->silence_ms),
        .busy_ms = MODBUS_BUSY_MS,
        .echo = settings->echo,
    };
}
