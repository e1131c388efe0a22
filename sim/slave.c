/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/slave.h"

#include "sim/civil.h"

#include <string.h>

#define ADDRESS_NETWORK 0xFD
#define ADDRESS_TEST 0xFE      /* everybody answers */
#define ADDRESS_BROADCAST 0xFF /* nobody answers */

#define CONTROL_FCB 0x20
#define CONTROL_FCV 0x10

static bool take_ack(struct sim_wired *frame)
{
    frame->bytes[0] = SIM_WIRED_ACK;
    frame->len = 1;
    return true;
}

void sim_slave_telegram(struct sim_slave *slave, const struct sim_climate *climate,
                        unsigned index, uint8_t address, int64_t now_ms,
                        struct sim_wired *ret_frame)
{
    struct sim_moment moment;
    struct sim_apdu apdu;
    sim_moment_init(&moment, slave->meter, climate, slave->peaks, now_ms);
    moment.now_ms += slave->clock_offset_ms;
    sim_apdu_init(&apdu);
    slave->make->write(&moment, index, &apdu);
    sim_wired_response(ret_frame, address, &slave->meter->identity, slave->access++,
                       sim_moment_status(&moment), &apdu);
}

/* A new frame count bit asks for the next telegram, the old one for the same again. */
static unsigned next_telegram(struct sim_fcb *link, uint8_t control, unsigned telegrams)
{
    uint8_t bit = (control & CONTROL_FCB) != 0;
    if ((control & CONTROL_FCV) == 0) {
        link->telegram = 0;
    } else if (!link->begun) {
        link->begun = true;
        link->telegram = 0;
    } else if (bit != link->last) {
        link->telegram = (uint8_t)((link->telegram + 1) % telegrams);
    }
    link->last = bit;
    return link->telegram;
}

/*
 * Compares one selection pattern with an address, both low byte first.
 * Id digits: F matches any; manufacturer, version and medium: FF matches any.
 */
static bool pattern_fits(const uint8_t pattern[static 8], const uint8_t own[static 8])
{
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned shift = 0; shift < 8; shift += 4) {
            unsigned wanted = pattern[i] >> shift & 0xF;
            if (wanted != 0xF && wanted != (own[i] >> shift & 0xFu)) {
                return false;
            }
        }
    }
    for (unsigned i = 4; i < 8; i++) {
        if (pattern[i] != 0xFF && pattern[i] != own[i]) {
            return false;
        }
    }
    return true;
}

/* Enhanced selection: `0C 78` and the fabrication number may follow the eight bytes. */
static bool record_fits(const struct sim_slave *slave, const uint8_t *record, size_t len)
{
    if (len == 0) {
        return true;
    }
    if (len != 6 || record[0] != 0x0C || record[1] != 0x78) {
        return false;
    }
    uint32_t wanted = (uint32_t)record[2] | (uint32_t)record[3] << 8 |
                      (uint32_t)record[4] << 16 | (uint32_t)record[5] << 24;
    return wanted == slave->meter->identity.id;
}

static void reverse_field(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        uint8_t kept = bytes[i];
        bytes[i] = bytes[len - 1 - i];
        bytes[len - 1 - i] = kept;
    }
}

static bool react_select(struct sim_slave *slave, const struct sim_request *request,
                         struct sim_wired *ret_frame)
{
    uint8_t own[8];
    uint8_t pattern[8];
    slave->selected = false;
    if (request->len < 8) {
        return false;
    }
    memcpy(pattern, request->data, sizeof(pattern));
    if (request->ci == 0x56) {
        reverse_field(pattern, 4);
        reverse_field(pattern + 4, 2);
    }
    sim_identity_bytes(&slave->meter->identity, own);
    if (!pattern_fits(pattern, own) ||
        !record_fits(slave, request->data + 8, request->len - 8)) {
        return false;
    }
    slave->selected = true;
    slave->network_link = (struct sim_fcb){0};
    return take_ack(ret_frame);
}

static uint32_t le32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static void set_clock(struct sim_slave *slave, uint32_t type_f, int64_t now_ms)
{
    struct sim_civil civil = {
        .minute = (int)(type_f & 0x3F),
        .hour = (int)(type_f >> 8 & 0x1F),
        .day = (int)(type_f >> 16 & 0x1F),
        .month = (int)(type_f >> 24 & 0x0F),
        .year = 2000 + (int)((type_f >> 21 & 7) | (type_f >> 28 & 0xF) << 3),
    };
    if (civil.month >= 1 && civil.month <= 12 && civil.day >= 1) {
        slave->clock_offset_ms = sim_civil_to_utc(&civil, SIM_ZONE_METER) - now_ms;
    }
}

/* The writes a meter takes: primary address, id, whole secondary address, clock. */
static void take_data(struct sim_slave *slave, const uint8_t *data, size_t len, int64_t now_ms)
{
    struct sim_identity *identity = &slave->meter->identity;
    if (len == 3 && data[0] == 0x01 && data[1] == 0x7A && data[2] <= 250) {
        slave->primary = data[2];
    } else if (len == 6 && data[0] == 0x0C && data[1] == 0x79) {
        identity->id = le32(data + 2);
    } else if (len == 10 && data[0] == 0x07 && data[1] == 0x79) {
        uint32_t maker = data[6] | (uint32_t)data[7] << 8;
        identity->id = le32(data + 2);
        for (unsigned i = 0; i < 3; i++) {
            identity->manufacturer[i] = (char)((maker >> (10 - 5 * i) & 31) + 64);
        }
        identity->version = data[8];
        identity->medium = data[9];
    } else if (len == 6 && data[0] == 0x04 && data[1] == 0x6D) {
        set_clock(slave, le32(data + 2), now_ms);
    }
}

static bool react_user_data(struct sim_slave *slave, const struct sim_request *request,
                            int64_t now_ms, struct sim_wired *ret_frame)
{
    switch (request->ci) {
    case 0x50: /* application reset: begin with the first telegram */
        slave->own_link = (struct sim_fcb){0};
        slave->network_link = (struct sim_fcb){0};
        return take_ack(ret_frame);
    case 0x51:
        take_data(slave, request->data, request->len, now_ms);
        return take_ack(ret_frame);
    default: return take_ack(ret_frame); /* baud rate (B8..BF), synchronise and others */
    }
}

static bool react_link(struct sim_slave *slave, const struct sim_climate *climate,
                       const struct sim_request *request, int64_t now_ms, struct sim_fcb *link,
                       struct sim_wired *ret_frame)
{
    switch (request->control & 0x4F) {
    case 0x40: /* SND_NKE */
        *link = (struct sim_fcb){0};
        if (request->address == ADDRESS_NETWORK) {
            slave->selected = false;
        }
        return take_ack(ret_frame);
    case 0x4B: { /* REQ_UD2 */
        unsigned index = next_telegram(link, request->control, slave->make->telegrams);
        sim_slave_telegram(slave, climate, index, slave->primary, now_ms, ret_frame);
        return true;
    }
    case 0x4A: return take_ack(ret_frame); /* REQ_UD1: no alarm waiting */
    case 0x49:                             /* REQ_SKE: link status */
        sim_wired_short(ret_frame, 0x0B, slave->primary);
        return true;
    case 0x43: /* SND_UD, SND_UD2 */
        return request->is_long && react_user_data(slave, request, now_ms, ret_frame);
    default: return false;
    }
}

bool sim_slave_react(struct sim_slave *slave, const struct sim_climate *climate,
                     const struct sim_request *request, int64_t now_ms,
                     struct sim_wired *ret_frame)
{
    bool selects = request->is_long && (request->ci == 0x52 || request->ci == 0x56);
    if (request->address == ADDRESS_NETWORK) {
        if (selects) {
            return react_select(slave, request, ret_frame);
        }
        return slave->selected &&
               react_link(slave, climate, request, now_ms, &slave->network_link, ret_frame);
    }
    bool mine = request->address == slave->primary || request->address == ADDRESS_TEST ||
                request->address == ADDRESS_BROADCAST;
    if (!mine || selects) {
        return false;
    }
    bool answers = react_link(slave, climate, request, now_ms, &slave->own_link, ret_frame);
    return answers && request->address != ADDRESS_BROADCAST;
}
