/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands to wired meters: application reset, primary address, rate. One is an entry of its
 * device in the line's queue like a read, so that it never falls into the middle of one.
 */
#include "collect/collector.h"
#include "collect/exchange.h"

#define SUBCODE_MAX 255

enum hyp_status hyp_meter_command_check(const struct hyp_meter_command *command,
                                        const struct hyp_station *station,
                                        struct hyp_error *err)
{
    int32_t value = command->value;
    if (station->bus == NULL || !hyp_bus_is_mbus(station->bus)) {
        return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                             "device %lld is no meter on a wired M-Bus line",
                             (long long)station->id.id);
    }
    if (!station->bus->wire.enabled) {
        return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                             "the line of device %lld is switched off",
                             (long long)station->id.id);
    }
    switch (command->kind) {
    case HYP_METER_RESET_APPLICATION:
        return value >= -1 && value <= SUBCODE_MAX
                   ? HYP_OK
                   : hyp_error_set(err, HYP_INVALID, -1, "a subcode is 0 to %d", SUBCODE_MAX);
    case HYP_METER_SET_ADDRESS:
        return value >= 0 && value <= HYP_MBUS_ADDRESS_MAX
                   ? HYP_OK
                   : hyp_error_set(err, HYP_INVALID, -1, "a primary address is 0 to %d",
                                   HYP_MBUS_ADDRESS_MAX);
    case HYP_METER_SET_BAUD:
        if (station->bus->wire.kind != HYP_LINE_MBUS_SERIAL) {
            return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                                 "the rate of a meter behind a TCP converter is the "
                                 "converter's; only lines on a serial port can follow");
        }
        return value > 0 && hyp_mbus_baud_index((uint32_t)value) >= 0
                   ? HYP_OK
                   : hyp_error_set(err, HYP_INVALID, -1,
                                   "a rate is 300, 600, 1200, 2400, 4800, 9600, 19200 or "
                                   "38400");
    case HYP_METER_COMMAND_UNSET: break;
    }
    return hyp_error_set(err, HYP_INVALID, -1, "there is no such command");
}

enum hyp_status hyp_exchange_prepare_command(struct hyp_exchange *exchange, struct hyp_bus *bus,
                                             const struct hyp_entry *entry,
                                             struct hyp_error *err)
{
    const struct hyp_meter_command *order = &entry->order->command;
    struct hyp_mbus_command *command = &exchange->state.mbus_command;
    struct hyp_mbus_link *link = &bus->protocol.mbus;
    struct hyp_mbus_target target;
    enum hyp_status status = hyp_meter_command_check(order, entry->station, err);
    if (status == HYP_OK) {
        status = hyp_station_mbus_target(entry->station, &target, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    /* New meters share an address until they are given one: a command is for the meter with
     * this number and for no other, however it is read. */
    target.secondary = target.secondary || entry->station->has_serial;
    hyp_bus_mbus_baud(bus, entry->station->baud);
    link->retries = bus->wire.settings->retries;
    switch (order->kind) {
    case HYP_METER_RESET_APPLICATION:
        hyp_mbus_command_reset_application(command, link, &target, (int16_t)order->value);
        break;
    case HYP_METER_SET_ADDRESS:
        status = hyp_mbus_command_set_address(command, link, &target, (uint8_t)order->value);
        break;
    case HYP_METER_SET_BAUD:
        status = hyp_mbus_command_set_baud(command, link, &target, link->baud,
                                           (uint32_t)order->value);
        break;
    case HYP_METER_COMMAND_UNSET: status = HYP_INVALID; break;
    }
    exchange->session = (struct hyp_session){.ops = &hyp_mbus_command_ops, .state = command};
    return status;
}

void hyp_meter_command_done(const struct hyp_exchange *exchange, struct hyp_bus *bus)
{
    struct hyp_collector *collector = bus->wire.collector;
    struct hyp_station *station = exchange->entry->station;
    hyp_comm_succeeded(&station->comm, hyp_collector_utc(collector));
    station->strikes = 0;
    hyp_station_changed(collector, station);
    hyp_order_item_ended(&collector->orders, exchange->entry->order, HYP_OK, false, NULL);
}
