/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/collector.h"
#include "collect/exchange.h"

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
    link->delay_ms = HYP_MAX(HYP_MAX(settings->delay_ms, family->delay_ms), bus->silence_ms);
    /* A device that does not answer anyway costs its neighbours one time-out, not four. */
    link->retries = hyp_station_is_backing_off(station) ? 0 : settings->retries;
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
    /* Halved blocks carry a header each. */
    if (hyp_exchange_need(exchange, plan->snapshot_size + 6 * HYP_MODBUS_BISECT_REQUESTS_MAX) !=
        HYP_OK) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a poll");
    }
    exchange->holes = (struct hyp_modbus_hole_list){.holes = exchange->new_holes,
                                                    .capacity = HYP_EXCHANGE_HOLES};
    set_link(bus, station);
    hyp_modbus_read_init(&exchange->state.modbus, &bus->protocol.modbus, station->unit,
                         plan->blocks, plan->count);
    hyp_modbus_read_output(&exchange->state.modbus, exchange->out, exchange->capacity,
                           &exchange->holes);
    exchange->session =
        (struct hyp_session){.ops = &hyp_modbus_read_ops, .state = &exchange->state.modbus};
    return HYP_OK;
}

void hyp_exchange_collect_modbus(struct hyp_exchange *exchange, struct hyp_bus *bus)
{
    struct hyp_station *station = exchange->entry->station;
    exchange->len = exchange->state.modbus.len;
    exchange->protocol = HYP_RAW_MODBUS_SNAPSHOT;
    if (exchange->holes.count > 0 &&
        hyp_station_add_holes(station, exchange->holes.holes, exchange->holes.count)) {
        const struct hyp_collect_observer *observer = &bus->wire.collector->config.observer;
        if (observer->holes_learned != NULL && station->id.id != 0) {
            observer->holes_learned(observer->user, station->id, station->holes->holes,
                                    station->holes->count);
        }
    }
    if (exchange->daily) {
        const struct hyp_collector *collector = bus->wire.collector;
        station->daily_done =
            hyp_local_day(collector->config.zone, hyp_collector_utc(collector));
    }
}

/* Silence of 3.5 characters of 11 bits ends an RTU frame; fixed above 19200 baud. */
static uint32_t rtu_silence_ms(uint32_t baud)
{
    return baud == 0 || baud > 19200 ? 2 : (38500 + baud - 1) / baud + 1;
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
        .delay_ms = HYP_MAX(settings->delay_ms, bus->silence_ms),
        .busy_ms = MODBUS_BUSY_MS,
        .echo = settings->echo,
    };
}
