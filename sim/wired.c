/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/wired.h"

#include <assert.h>
#include <string.h>

static uint8_t sum_of(const uint8_t *bytes, size_t len)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum;
}

static enum sim_request_result parse_short(const uint8_t *bytes, size_t len,
                                           struct sim_request *ret_request, size_t *ret_used)
{
    if (len < 5) {
        return SIM_REQUEST_MORE;
    }
    if (bytes[4] != 0x16 || sum_of(bytes + 1, 2) != bytes[3]) {
        *ret_used = 1;
        return SIM_REQUEST_NOISE;
    }
    *ret_request = (struct sim_request){.control = bytes[1], .address = bytes[2]};
    *ret_used = 5;
    return SIM_REQUEST_READY;
}

static enum sim_request_result parse_long(const uint8_t *bytes, size_t len,
                                          struct sim_request *ret_request, size_t *ret_used)
{
    *ret_used = 0;
    if (len < 4) {
        return SIM_REQUEST_MORE;
    }
    size_t body = bytes[1];
    if (bytes[2] != body || bytes[3] != 0x68 || body < 3) {
        *ret_used = 1;
        return SIM_REQUEST_NOISE;
    }
    if (len < body + 6) {
        return SIM_REQUEST_MORE;
    }
    if (bytes[body + 5] != 0x16 || sum_of(bytes + 4, body) != bytes[body + 4]) {
        *ret_used = 1;
        return SIM_REQUEST_NOISE;
    }
    *ret_request = (struct sim_request){.control = bytes[4],
                                        .address = bytes[5],
                                        .is_long = true,
                                        .ci = bytes[6],
                                        .len = body - 3};
    memcpy(ret_request->data, bytes + 7, body - 3);
    *ret_used = body + 6;
    return SIM_REQUEST_READY;
}

enum sim_request_result sim_request_parse(const uint8_t *bytes, size_t len,
                                          struct sim_request *ret_request, size_t *ret_used)
{
    *ret_used = 0;
    if (len == 0) {
        return SIM_REQUEST_MORE;
    }
    if (bytes[0] == 0x10) {
        return parse_short(bytes, len, ret_request, ret_used);
    }
    if (bytes[0] == 0x68) {
        return parse_long(bytes, len, ret_request, ret_used);
    }
    *ret_used = 1;
    return SIM_REQUEST_NOISE;
}

uint16_t sim_manufacturer_code(const char letters[static 3])
{
    return (uint16_t)((letters[0] - 64) << 10 | (letters[1] - 64) << 5 | (letters[2] - 64));
}

void sim_identity_bytes(const struct sim_identity *identity, uint8_t ret_bytes[static 8])
{
    uint16_t maker = sim_manufacturer_code(identity->manufacturer);
    for (unsigned i = 0; i < 4; i++) {
        ret_bytes[i] = (uint8_t)(identity->id >> 8 * i);
    }
    ret_bytes[4] = (uint8_t)maker;
    ret_bytes[5] = (uint8_t)(maker >> 8);
    ret_bytes[6] = identity->version;
    ret_bytes[7] = identity->medium;
}

void sim_wired_long(struct sim_wired *frame, uint8_t control, uint8_t address, uint8_t ci,
                    const uint8_t *data, size_t len)
{
    assert(len <= 252);
    uint8_t *bytes = frame->bytes;
    uint8_t body = (uint8_t)(len + 3);
    bytes[0] = bytes[3] = 0x68;
    bytes[1] = bytes[2] = body;
    bytes[4] = control;
    bytes[5] = address;
    bytes[6] = ci;
    memcpy(bytes + 7, data, len);
    bytes[7 + len] = sum_of(bytes + 4, body);
    bytes[8 + len] = 0x16;
    frame->len = len + 9;
}

void sim_wired_response(struct sim_wired *frame, uint8_t address,
                        const struct sim_identity *identity, uint8_t access, uint8_t status,
                        const struct sim_apdu *apdu)
{
    uint8_t data[12 + SIM_APDU_BYTES] = {0};
    assert(!apdu->overflow && apdu->len <= 252 - 12);
    sim_identity_bytes(identity, data);
    data[8] = access;
    data[9] = status;
    memcpy(data + 12, apdu->bytes, apdu->len);
    sim_wired_long(frame, 0x08, address, 0x72, data, 12 + apdu->len);
}

void sim_wired_short(struct sim_wired *frame, uint8_t control, uint8_t address)
{
    uint8_t bytes[5] = {0x10, control, address, (uint8_t)(control + address), 0x16};
    memcpy(frame->bytes, bytes, sizeof(bytes));
    frame->len = sizeof(bytes);
}
