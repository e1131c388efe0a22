/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IMST iM871A and iM170A, the WiMOD host interface at 57600 8N1:
 *
 *     A5 | control, endpoint | message | length | payload | [time 4] | [RSSI 1] | [CRC 2]
 *
 * The upper half of the control byte says what follows the payload: 20 time, 40 RSSI, 80 CRC.
 * Endpoint 2, message 03 is a telegram: the payload is it without its L field, which is the
 * length, and without block CRCs. The CRC is that of X.25 (reflected 8408, start FFFF,
 * complemented, low byte first) over everything after A5.
 *
 * A module that sends no CRC can be checked by the endpoint, the message and the C field only.
 */
#include "protocol/receiver/receiver.h"

#include "protocol/wmbus/link.h"

#include <string.h>

#define START 0xA5
#define HEAD_LEN 4
#define LAST_ENDPOINT 4
#define ENDPOINT_RADIO 2
#define MESSAGE_TELEGRAM 3
#define WITH_TIME 0x20
#define WITH_RSSI 0x40
#define WITH_CRC 0x80
#define LEAST_TELEGRAM 10
#define LONGEST_ANSWER 64 /* longer ones are garbage that looks like a start */

static int16_t to_dbm(uint8_t rssi)
{
    return (int16_t)(rssi > 230 ? 0 : (rssi - 45) / 2 - 100);
}

void hyp_receiver_im871a(const uint8_t *bytes, size_t len, struct hyp_receiver_find *find)
{
    if (bytes[0] != START) {
        hyp_receiver_noise(find);
        return;
    }
    if (len < HEAD_LEN) {
        return;
    }
    uint8_t endpoint = bytes[1] & 0x0F;
    size_t payload = bytes[3];
    size_t rssi_at = HEAD_LEN + payload + ((bytes[1] & WITH_TIME) != 0 ? 4 : 0);
    size_t crc_at = rssi_at + ((bytes[1] & WITH_RSSI) != 0 ? 1 : 0);
    size_t total = crc_at + ((bytes[1] & WITH_CRC) != 0 ? 2 : 0);
    if (endpoint == 0 || endpoint > LAST_ENDPOINT || (bytes[1] & 0x10) != 0) {
        hyp_receiver_noise(find);
        return;
    }
    bool telegram = endpoint == ENDPOINT_RADIO && bytes[2] == MESSAGE_TELEGRAM;
    if (!telegram && payload > LONGEST_ANSWER) {
        hyp_receiver_noise(find);
        return;
    }
    if (telegram && (payload < LEAST_TELEGRAM ||
                     (len > HEAD_LEN && hyp_wmbus_function_find(bytes[HEAD_LEN]) == NULL))) {
        hyp_receiver_noise(find);
        return;
    }
    if (len < total) {
        return;
    }
    if ((bytes[1] & WITH_CRC) != 0 && hyp_receiver_x25_crc(bytes + 1, crc_at - 1) !=
                                          (bytes[crc_at] | bytes[crc_at + 1] << 8)) {
        hyp_receiver_noise(find);
        return;
    }
    find->used = total;
    find->outcome = HYP_RECEIVED_OTHER;
    if (telegram) {
        find->outcome = HYP_RECEIVED_TELEGRAM;
        find->telegram[0] = bytes[3];
        memcpy(find->telegram + 1, bytes + HEAD_LEN, payload);
        find->len = payload + 1;
        find->signal_dbm = (bytes[1] & WITH_RSSI) != 0 ? to_dbm(bytes[rssi_at]) : 0;
    }
}
