/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scans: who is on a line? Address by address, each step an exchange of its own, so that reads
 * go on in between.
 *
 * On Modbus every answer counts, an exception too: whoever refuses is there. What is asked are
 * the registers in which a controller of the ECL family names its application; others refuse
 * them or answer something else, both of which is fine.
 */
#include "base/limits.h"
#include "collect/collector.h"

#include <stdlib.h>

#define SCAN_FUNCTION 3
#define SCAN_START 2059
#define SCAN_COUNT 4
#define SNAPSHOT_HEADER 6

static const struct hyp_modbus_block scan_block = {
    .function = SCAN_FUNCTION, .grain = SCAN_COUNT, .start = SCAN_START, .count = SCAN_COUNT};

enum hyp_status hyp_scan_check(const struct hyp_bus *bus, const struct hyp_scan *scan,
                               struct hyp_error *err)
{
    (void)bus;
    if (scan->secondary) {
        return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                             "only M-Bus lines are searched by secondary address");
    }
    if (scan->first > scan->last || scan->last > 247) {
        return hyp_error_set(err, HYP_INVALID, -1, "units run from 0 to 247");
    }
    return HYP_OK;
}

uint32_t hyp_scan_total(const struct hyp_scan *scan)
{
    return scan->secondary ? 0 : (uint32_t)scan->last - scan->first + 1;
}

static enum hyp_status prepare_modbus(struct hyp_exchange *exchange, struct hyp_bus *bus,
                                      const struct hyp_order *order, struct hyp_error *err)
{
    if (exchange->capacity < HYP_LIMIT_FRAME_BYTES) {
        uint8_t *out = realloc(exchange->out, HYP_LIMIT_FRAME_BYTES);
        if (out == NULL) {
            return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a scan");
        }
        exchange->out = out;
        exchange->capacity = HYP_LIMIT_FRAME_BYTES;
    }
    bus->protocol.modbus.retries = 0;
    hyp_modbus_read_init(&exchange->state.modbus, &bus->protocol.modbus,
                         (uint8_t)order->scan_next, &scan_block, 1);
    hyp_modbus_read_output(&exchange->state.modbus, exchange->out, exchange->capacity, NULL);
    exchange->session =
        (struct hyp_session){.ops = &hyp_modbus_read_ops, .state = &exchange->state.modbus};
    return HYP_OK;
}

/* "A", type, subtype, version: the profile of that application, if the library has it. */
static void suggest_controller(const struct hyp_collector *collector, const uint8_t *registers,
                               struct hyp_found_device *found)
{
    unsigned letter = (unsigned)registers[0] << 8 | registers[1];
    unsigned type = (unsigned)registers[2] << 8 | registers[3];
    if (letter != 'A') {
        return;
    }
    struct hyp_buf name;
    hyp_buf_init_fixed(&name, found->profile, sizeof(found->profile));
    hyp_buf_append_fmt(&name, "danfoss_ecl310_a%u", type);
    if (hyp_library_find(collector->config.library, hyp_buf_view(&name)) == NULL) {
        found->profile[0] = '\0';
    } else {
        hyp_buf_terminate(&name);
    }
}

static void found_modbus(struct hyp_exchange *exchange, struct hyp_bus *bus,
                         struct hyp_order *order)
{
    struct hyp_collector *collector = bus->wire.collector;
    struct hyp_found_device found = {
        .line = bus->wire.id,
        .primary_address = -1,
        .unit_id = (uint8_t)order->scan_next,
        .last_heard = hyp_collector_utc(collector),
        .known = hyp_stations_at(&collector->stations, bus->wire.id, order->scan_next) != NULL,
    };
    const struct hyp_modbus_read *read = &exchange->state.modbus;
    if (read->len == SNAPSHOT_HEADER + 2 * SCAN_COUNT) {
        suggest_controller(collector, read->snapshot + SNAPSHOT_HEADER, &found);
    }
    hyp_order_found(&collector->orders, order, &found);
}

enum hyp_status hyp_scan_prepare(struct hyp_exchange *exchange, struct hyp_bus *bus,
                                 struct hyp_entry *entry, struct hyp_error *err)
{
    return prepare_modbus(exchange, bus, entry->order, err);
}

bool hyp_scan_step_done(struct hyp_exchange *exchange, struct hyp_bus *bus,
                        struct hyp_session_io io)
{
    struct hyp_orders *orders = &bus->wire.collector->orders;
    struct hyp_order *order = exchange->entry->order;
    bool there =
        io.state == HYP_SESSION_DONE || io.status == HYP_REFUSED || io.status == HYP_BUSY;
    if (there) {
        found_modbus(exchange, bus, order);
    }
    order->scan_next++;
    hyp_order_scanned(orders, order, (uint32_t)(order->scan_next - order->scan.first));
    if (order->scan_next <= order->scan.last) {
        return true;
    }
    hyp_order_item_ended(orders, order, HYP_OK, false, NULL);
    return false;
}
