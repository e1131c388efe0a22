/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/scale_answer.h"

#include "base/attr.h"
#include "sim/apdu.h"
#include "sim/modbus.h"
#include "sim/scale.h"
#include "sim/wired.h"

#include <string.h>

int sim_scale_modbus_request(const uint8_t *bytes, size_t len,
                             uint8_t ret_request[static SIM_SCALE_REQUEST])
{
    int used = sim_modbus_tcp_length(bytes, len);
    if (used > 0) {
        memset(ret_request, 0, SIM_SCALE_REQUEST);
        memcpy(ret_request, bytes, HYP_MIN((size_t)used, (size_t)SIM_SCALE_REQUEST));
    }
    return used;
}

static void put_be16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

size_t sim_scale_modbus_answer(uint32_t device, unsigned registers, uint32_t second,
                               const uint8_t request[static SIM_SCALE_REQUEST],
                               uint8_t ret_bytes[static SIM_SCALE_ANSWER])
{
    uint32_t first = (uint32_t)request[8] << 8 | request[9];
    uint32_t count = (uint32_t)request[10] << 8 | request[11];
    uint8_t function = request[7];
    memcpy(ret_bytes, request, 8);
    bool reads = function == 3 || function == 4;
    if (!reads || count == 0 || count > 125 || first + count > registers) {
        put_be16(ret_bytes + 4, 3);
        ret_bytes[7] = function | 0x80;
        ret_bytes[8] = reads ? SIM_MODBUS_ILLEGAL_ADDRESS : SIM_MODBUS_ILLEGAL_FUNCTION;
        return 9;
    }
    put_be16(ret_bytes + 4, 3 + 2 * count);
    ret_bytes[8] = (uint8_t)(2 * count);
    for (uint32_t i = 0; i < count; i++) {
        put_be16(ret_bytes + 9 + 2 * i, (device * 31 + (first + i) * 7 + second) & 0x7FFF);
    }
    return 9 + 2 * count;
}

int sim_scale_mbus_request(const uint8_t *bytes, size_t len,
                           uint8_t ret_request[static SIM_SCALE_REQUEST])
{
    struct sim_request request;
    size_t used = 0;
    switch (sim_request_parse(bytes, len, &request, &used)) {
    case SIM_REQUEST_MORE: return 0;
    case SIM_REQUEST_NOISE: return -1;
    case SIM_REQUEST_READY: break;
    }
    memset(ret_request, 0, SIM_SCALE_REQUEST);
    ret_request[0] = request.control;
    ret_request[1] = request.address;
    return (int)used;
}

size_t sim_scale_mbus_answer(uint32_t before, unsigned meters, uint32_t second,
                             const uint8_t request[static SIM_SCALE_REQUEST],
                             uint8_t ret_bytes[static SIM_SCALE_ANSWER])
{
    uint8_t function = request[0] & 0x4F;
    uint8_t address = request[1];
    if (address == 0 || address > meters) {
        return 0;
    }
    if (function != 0x4B) { /* all but REQ_UD2 */
        ret_bytes[0] = SIM_WIRED_ACK;
        return 1;
    }
    uint32_t number = before + address;
    struct sim_identity identity = {.manufacturer = "KAM",
                                    .id = (uint32_t)sim_bcd(number),
                                    .version = 0x34,
                                    .medium = 0x04};
    struct sim_apdu apdu;
    sim_apdu_init(&apdu);
    SIM_PUT(&apdu, (int64_t)number * 100 + second / 60, 0x04, 0x06);
    SIM_PUT(&apdu, (int64_t)number * 250 + second / 10, 0x04, 0x14);
    SIM_PUT(&apdu, 100 + second % 37, 0x02, 0x2D);
    SIM_PUT(&apdu, 300 + second % 111, 0x02, 0x3B);
    SIM_PUT(&apdu, 7000 + second % 97, 0x02, 0x59);
    SIM_PUT(&apdu, 3500 + second % 83, 0x02, 0x5D);
    struct sim_wired frame;
    sim_wired_response(&frame, address, &identity, (uint8_t)second, 0, &apdu);
    memcpy(ret_bytes, frame.bytes, frame.len);
    return frame.len;
}
