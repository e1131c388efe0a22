/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scans: who is on a line?
 *
 * Addresses are asked one by one, each step an exchange of its own, so that reads go on in
 * between. Only the secondary search of an M-Bus is one long session, because its selections
 * would be undone by reads.
 *
 * On a serial M-Bus line a scan may go through several rates: meters hear only what is said at
 * theirs, and at 300 baud a bus may have some that nobody has missed for years. Each rate is a
 * scan of its own, so that the line is not switched for every address.
 *
 * On Modbus every answer counts, an exception too: whoever refuses is there. What is asked are
 * the registers in which a controller of the ECL family names its application; others refuse
 * them or answer something else, both of which is fine.
 */
#include "base/limits.h"
#include "collect/collector.h"

#include <stdlib.h>
#include <string.h>

#define MODBUS_UNIT_MAX 247
#define MBUS_ADDRESS_MAX 250
#define SEARCH_TOTAL 1000
#define SCAN_FUNCTION 3
#define SCAN_START 2059
#define SCAN_COUNT 4
#define SNAPSHOT_HEADER 6
#define THOROUGH_PATIENCE 3 /* times the usual time for an answer */

static const struct hyp_modbus_block scan_block = {
    .function = SCAN_FUNCTION, .grain = SCAN_COUNT, .start = SCAN_START, .count = SCAN_COUNT};

static const char *const trouble_texts[] = {
    [HYP_FOUND_FINE] = "",
    [HYP_FOUND_COLLISION] = "collision",
    [HYP_FOUND_NO_DATA] = "no_data",
};

const char *hyp_found_trouble_text(enum hyp_found_trouble trouble)
{
    return trouble_texts[trouble];
}

/* At least one: the line's own. */
static unsigned rate_count(const struct hyp_scan *scan)
{
    unsigned count = 0;
    while (count < HYP_SCAN_BAUDS && scan->bauds[count] != 0) {
        count++;
    }
    return HYP_MAX(count, 1u);
}

static enum hyp_status check_rates(const struct hyp_bus *bus, const struct hyp_scan *scan,
                                   struct hyp_error *err)
{
    if (scan->bauds[0] != 0 && bus->wire.kind != HYP_LINE_MBUS_SERIAL) {
        return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                             "only an M-Bus line on a serial port has rates to try");
    }
    for (size_t i = 0; i < HYP_SCAN_BAUDS && scan->bauds[i] != 0; i++) {
        if (hyp_mbus_baud_index(scan->bauds[i]) < 0) {
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "%u baud is no rate of an M-Bus: 300, 600, 1200, 2400, 4800, "
                                 "9600, 19200 or 38400",
                                 scan->bauds[i]);
        }
    }
    return HYP_OK;
}

enum hyp_status hyp_scan_check(const struct hyp_bus *bus, const struct hyp_scan *scan,
                               struct hyp_error *err)
{
    bool mbus = hyp_bus_is_mbus(bus);
    int highest = mbus ? MBUS_ADDRESS_MAX : MODBUS_UNIT_MAX;
    struct hyp_mbus_secondary pattern;
    if (scan->secondary && !mbus) {
        return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                             "only M-Bus lines are searched by secondary address");
    }
    if (scan->secondary && scan->wildcard[0] != '\0' &&
        hyp_mbus_pattern_parse(hyp_str_from(scan->wildcard), &pattern) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%s\" is no pattern of secondary addresses: give the first "
                             "digits of the id, F for any, and if wanted manufacturer, version "
                             "and medium behind points (\"68.KAM.35.04\")",
                             scan->wildcard);
    }
    if (!scan->secondary && (scan->first > scan->last || scan->last > highest)) {
        return hyp_error_set(err, HYP_INVALID, -1, "addresses run from 0 to %d", highest);
    }
    return check_rates(bus, scan, err);
}

uint32_t hyp_scan_total(const struct hyp_scan *scan)
{
    return scan->secondary ? SEARCH_TOTAL
                           : ((uint32_t)scan->last - scan->first + 1) * rate_count(scan);
}

/* --- preparing --- */

static void prepare_modbus(struct hyp_exchange *exchange, struct hyp_bus *bus,
                           const struct hyp_order *order)
{
    bus->protocol.modbus.retries = 0;
    hyp_modbus_read_init(&exchange->state.modbus, &bus->protocol.modbus, &exchange->kept->work,
                         (uint8_t)order->scan_next, &scan_block, 1);
    hyp_modbus_read_output(&exchange->state.modbus, exchange->out, exchange->capacity, NULL);
    exchange->session =
        (struct hyp_session){.ops = &hyp_modbus_read_ops, .state = &exchange->state.modbus};
}

static void prepare_mbus(struct hyp_exchange *exchange, struct hyp_bus *bus,
                         const struct hyp_order *order)
{
    struct hyp_mbus_found *items = (struct hyp_mbus_found *)(void *)exchange->out;
    size_t capacity = exchange->capacity / sizeof(*items);
    hyp_bus_mbus_baud(bus, order->scan.bauds[order->scan_rate]);
    bus->protocol.mbus.retries = order->scan.thorough ? 1 : 0;
    if (order->scan.thorough) {
        bus->protocol.mbus.timing.answer_ms *= THOROUGH_PATIENCE;
    }
    if (order->scan.secondary) {
        hyp_mbus_search_init(&exchange->state.mbus_search, &bus->protocol.mbus, items,
                             capacity);
        exchange->state.mbus_search.thorough = order->scan.thorough;
        if (order->scan.wildcard[0] != '\0') {
            /* Checked when the scan was ordered. */
            HYP_IGNORE(hyp_mbus_pattern_parse(hyp_str_from(order->scan.wildcard),
                                              &exchange->state.mbus_search.within));
        }
        exchange->session = (struct hyp_session){.ops = &hyp_mbus_search_ops,
                                                 .state = &exchange->state.mbus_search};
        return;
    }
    uint8_t address = (uint8_t)order->scan_next;
    hyp_mbus_scan_init(&exchange->state.mbus_scan, &bus->protocol.mbus, address, address, items,
                       capacity);
    exchange->state.mbus_scan.patient = order->scan.thorough;
    exchange->session =
        (struct hyp_session){.ops = &hyp_mbus_scan_ops, .state = &exchange->state.mbus_scan};
}

enum hyp_status hyp_scan_prepare(struct hyp_exchange *exchange, struct hyp_bus *bus,
                                 struct hyp_entry *entry, struct hyp_error *err)
{
    const struct hyp_order *order = entry->order;
    size_t room = order->scan.secondary ? HYP_LIMIT_JOB_FOUND * sizeof(struct hyp_mbus_found)
                                        : HYP_LIMIT_FRAME_BYTES;
    if (hyp_exchange_need(exchange, room) != HYP_OK) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a search");
    }
    exchange->reported = 0;
    if (hyp_bus_is_mbus(bus)) {
        prepare_mbus(exchange, bus, order);
    } else if (hyp_exchange_need_work(exchange) != HYP_OK) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a search");
    } else {
        prepare_modbus(exchange, bus, order);
    }
    return HYP_OK;
}

/* --- what was found --- */

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

static void found_modbus(const struct hyp_exchange *exchange, struct hyp_bus *bus,
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

static struct hyp_meter_identity identity_of(const struct hyp_mbus_secondary *address)
{
    struct hyp_meter_identity meter = {.manufacturer_code = address->manufacturer,
                                       .id_raw = address->id,
                                       .version = address->version,
                                       .medium = address->medium};
    hyp_manufacturer_to_text(address->manufacturer, meter.manufacturer);
    struct hyp_buf id;
    hyp_buf_init_fixed(&id, meter.id, sizeof(meter.id));
    hyp_buf_append_fmt(&id, "%08X", address->id);
    hyp_buf_terminate(&id);
    return meter;
}

static void found_mbus(struct hyp_bus *bus, struct hyp_order *order,
                       const struct hyp_mbus_found *item)
{
    struct hyp_collector *collector = bus->wire.collector;
    struct hyp_found_device found = {
        .line = bus->wire.id,
        .primary_address = item->primary,
        .last_heard = hyp_collector_utc(collector),
        .baud = bus->protocol.mbus.baud,
        .trouble = item->collision ? HYP_FOUND_COLLISION
                   : item->no_data ? HYP_FOUND_NO_DATA
                                   : HYP_FOUND_FINE,
    };
    if (item->has_address || order->scan.secondary) {
        found.meter = identity_of(&item->address);
        const struct hyp_profile *profile =
            hyp_library_match(collector->config.library, &found.meter);
        if (profile != NULL) {
            hyp_text_copy(found.profile, sizeof(found.profile),
                          hyp_str_from(hyp_profile_info(profile)->name));
        }
        found.known =
            hyp_stations_match(&collector->stations, bus->wire.tenant, &found.meter) != NULL;
    }
    found.known = found.known ||
                  (item->primary >= 0 &&
                   hyp_stations_at(&collector->stations, bus->wire.id, item->primary) != NULL);
    hyp_order_found(&collector->orders, order, &found);
}

void hyp_scan_progress(struct hyp_exchange *exchange, struct hyp_bus *bus)
{
    struct hyp_order *order = exchange->entry->order;
    if (!hyp_bus_is_mbus(bus)) {
        return;
    }
    const struct hyp_mbus_findings *findings = order->scan.secondary
                                                   ? &exchange->state.mbus_search.findings
                                                   : &exchange->state.mbus_scan.findings;
    while (exchange->reported < findings->count) {
        found_mbus(bus, order, &findings->items[exchange->reported++]);
    }
    if (order->scan.secondary) {
        unsigned permille = hyp_mbus_search_permille(&exchange->state.mbus_search);
        hyp_order_scanned(&bus->wire.collector->orders, order,
                          (order->scan_rate * SEARCH_TOTAL + permille) /
                              rate_count(&order->scan));
    }
}

/* Goes on at the next rate, if there is one. */
static bool next_rate(struct hyp_order *order)
{
    if (order->scan_rate + 1u >= rate_count(&order->scan)) {
        return false;
    }
    order->scan_rate++;
    order->scan_next = order->scan.first;
    return true;
}

static bool search_done(const struct hyp_exchange *exchange, struct hyp_orders *orders,
                        struct hyp_session_io io)
{
    struct hyp_order *order = exchange->entry->order;
    const struct hyp_session *session = &exchange->session;
    bool failed = io.state == HYP_SESSION_FAILED;
    const char *text = failed ? session->ops->error_text(session->state) : NULL;
    /* What is noise at one rate may be a clean line at the next. */
    if (next_rate(order)) {
        hyp_order_note_partial(order, failed, text);
        return true;
    }
    hyp_order_item_ended(orders, order, failed ? io.status : HYP_OK, false, text);
    return false;
}

bool hyp_scan_step_done(struct hyp_exchange *exchange, struct hyp_bus *bus,
                        struct hyp_session_io io)
{
    struct hyp_orders *orders = &bus->wire.collector->orders;
    struct hyp_order *order = exchange->entry->order;
    if (order->scan.secondary) {
        return search_done(exchange, orders, io);
    }
    bool there =
        io.state == HYP_SESSION_DONE || io.status == HYP_REFUSED || io.status == HYP_BUSY;
    if (!hyp_bus_is_mbus(bus) && there) {
        found_modbus(exchange, bus, order);
    }
    hyp_order_scanned(orders, order, order->job.done + 1);
    order->scan_next++;
    if (order->scan_next <= order->scan.last || next_rate(order)) {
        return true;
    }
    hyp_order_item_ended(orders, order, HYP_OK, false, NULL);
    return false;
}
