/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "collect/collector.h"
#include "collect/exchange.h"

#include <string.h>

/*
 * Converters behind TCP hand a telegram on in pieces, and mobile networks hold pieces back; a
 * telegram of 250 bytes at 300 baud takes nine seconds, of which each piece renews the gap.
 */
#define TCP_ANSWER_MS 2000
#define TCP_GAP_MS 400

void hyp_bus_init_mbus(struct hyp_bus *bus)
{
    const struct hyp_mbus_timing any = {.answer_ms = TCP_ANSWER_MS, .gap_ms = TCP_GAP_MS};
    hyp_mbus_link_init(&bus->protocol.mbus, any, bus->wire.settings->retries);
    hyp_bus_mbus_baud(bus, 0);
}

void hyp_bus_mbus_baud(struct hyp_bus *bus, uint32_t baud)
{
    const struct hyp_wire_settings *settings = bus->wire.settings;
    struct hyp_mbus_link *link = &bus->protocol.mbus;
    struct hyp_mbus_timing timing = {.answer_ms = TCP_ANSWER_MS, .gap_ms = TCP_GAP_MS};
    bool serial = bus->wire.kind == HYP_LINE_MBUS_SERIAL;
    if (serial) {
        link->baud = baud == 0 ? settings->baud : baud;
        timing = hyp_mbus_timing_for_baud(link->baud);
    }
    if (settings->timeout_ms != 0) {
        /* The time-out was chosen for the line's rate; a slower one needs more. */
        bool slower = serial && link->baud < settings->baud;
        timing.answer_ms =
            slower ? HYP_MAX(timing.answer_ms, settings->timeout_ms) : settings->timeout_ms;
        timing.gap_ms = HYP_MIN(timing.gap_ms, timing.answer_ms);
    }
    link->timing = timing;
}

enum hyp_status hyp_station_mbus_target(const struct hyp_station *station,
                                        struct hyp_mbus_target *ret_target,
                                        struct hyp_error *err)
{
    *ret_target = (struct hyp_mbus_target){.address = HYP_MBUS_SECONDARY_ANY};
    if (station->has_serial) {
        ret_target->address.id = station->id_raw;
        ret_target->address.manufacturer =
            station->manufacturer == 0 ? 0xFFFF : station->manufacturer;
        ret_target->address.version = station->version < 0 ? 0xFF : (uint8_t)station->version;
        ret_target->address.medium = station->medium < 0 ? 0xFF : (uint8_t)station->medium;
    }
    if (station->secondary) {
        ret_target->secondary = true;
        return station->has_serial
                   ? HYP_OK
                   : hyp_error_set(err, HYP_INVALID, -1,
                                   "secondary addressing needs the meter's serial number "
                                   "(8 digits)");
    }
    if (station->primary < 0 || station->primary > 254) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "the meter has neither a primary address nor secondary "
                             "addressing switched on");
    }
    ret_target->primary = (uint8_t)station->primary;
    ret_target->check_identity = station->has_serial;
    return HYP_OK;
}

enum hyp_status hyp_exchange_prepare_mbus(struct hyp_exchange *exchange, struct hyp_bus *bus,
                                          const struct hyp_station *station,
                                          struct hyp_error *err)
{
    struct hyp_mbus_target target;
    enum hyp_status status = hyp_station_mbus_target(station, &target, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_exchange_pool *pool = &bus->wire.collector->exchanges;
    if (hyp_exchange_need_shared(pool, HYP_LIMIT_RAW_BYTES) != HYP_OK) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a reading");
    }
    /* A meter that does not answer anyway costs its neighbours one time-out, not four. */
    hyp_bus_mbus_baud(bus, station->baud);
    bus->protocol.mbus.retries =
        hyp_station_is_backing_off(station) ? 0 : bus->wire.settings->retries;
    struct hyp_mbus_read *read = &exchange->state.mbus;
    hyp_mbus_read_init(read, &bus->protocol.mbus, &target, pool->out, HYP_LIMIT_RAW_BYTES);
    const struct hyp_profile_link *family =
        station->profile == NULL ? NULL : hyp_profile_link(station->profile);
    if (family != NULL && (family->quirks & HYP_QUIRK_NKE_BEFORE_READ) != 0) {
        read->reset = HYP_MBUS_RESET_ALWAYS;
    }
    exchange->session = (struct hyp_session){.ops = &hyp_mbus_read_ops, .state = read};
    return HYP_OK;
}

/* --- what is lent and what is kept --- */

/* Telegrams are gathered in the pool's memory; what has come so far goes there first. */
void hyp_exchange_lend_mbus(struct hyp_exchange *exchange, struct hyp_exchange_pool *pool)
{
    struct hyp_mbus_read *read = &exchange->state.mbus;
    if (read->frames_len > 0) {
        memcpy(pool->out, exchange->out, read->frames_len);
    }
    read->frames = pool->out;
    read->capacity = HYP_LIMIT_RAW_BYTES;
}

/* Most answers are one telegram, so a read that waits has nothing to keep. */
enum hyp_status hyp_exchange_keep_mbus(struct hyp_exchange *exchange,
                                       const struct hyp_exchange_pool *pool)
{
    struct hyp_mbus_read *read = &exchange->state.mbus;
    if (read->frames_len > 0) {
        if (hyp_exchange_need(exchange, read->frames_len) != HYP_OK) {
            /* Not the meter's fault: it is asked again, and must begin at its first telegram.
             */
            read->frames_len = 0;
            read->talk.link->fcb = (struct hyp_mbus_fcb){0};
            return HYP_NO_MEMORY;
        }
        memcpy(exchange->out, pool->out, read->frames_len);
    }
    read->frames = exchange->out;
    return HYP_OK;
}
